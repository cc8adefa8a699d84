"""The course's figure style and its plots: they take `ax`, return it, and compute nothing."""

from course.figures.course_map import plot_course_map
from course.figures.federated import (
    plot_clients,
    plot_curves,
    plot_digits,
    plot_holdings,
    plot_levels,
    plot_timeline,
)
from course.figures.style import COLOURS, present, use_course_style

__all__ = [
    "COLOURS",
    "plot_clients",
    "plot_course_map",
    "plot_curves",
    "plot_digits",
    "plot_holdings",
    "plot_levels",
    "plot_timeline",
    "present",
    "use_course_style",
]
