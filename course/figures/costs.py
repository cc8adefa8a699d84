"""Pictures of what secure aggregation costs: its bytes by part, its seconds, and how both grow."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from course.figures.style import COLOURS, DASHES

_ROLES = ("honest", "private", "second", "third")
_MARKERS = "os^D"
_FILLS = ("honest", "fourth", "second", "private", "third", "baseline")
_HATCHES = ("", "//", "", "\\\\", "..", "xx")


def plot_expansion(ax: Axes, parts: Mapping[str, Mapping[str, float]], *, title: str, xlabel: str) -> Axes:
    """One bar a way of counting, cut into what the bytes are for, with the sum behind it.

    Args:
        parts: name of the bar → part → how many times the bare vector; parts of one name have one colour.
    """
    names = list(dict.fromkeys(part for bar in parts.values() for part in bar))
    left = np.zeros(len(parts))
    for part, fill, hatch in zip(names, _FILLS, _HATCHES, strict=False):
        widths = np.array([bar.get(part, 0.0) for bar in parts.values()])
        ax.barh(
            range(len(parts)), widths, left=left, height=0.55, color=COLOURS[fill], hatch=hatch,
            edgecolor="white", linewidth=0.6, label=part,
        )  # fmt: skip
        left += widths
    for row, total in enumerate(left):
        ax.annotate(
            f"{total:.2f}×", (total, row), xytext=(5, 0), textcoords="offset points", va="center",
            fontweight="bold",
        )  # fmt: skip
    ax.axvline(1, color="black", linestyle=DASHES["baseline"], linewidth=1.6)
    ax.set(title=title, xlabel=xlabel, yticks=range(len(parts)), yticklabels=list(parts))
    ax.set_xlim(0, 1.12 * left.max())
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    # Below the label of the axis, whatever the height of the figure.
    below = ax.transAxes + ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)
    ax.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, ncol=2, fontsize=9)
    return ax


def plot_cost_growth(
    ax: Axes,
    measured: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    projected: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    title: str,
    xlabel: str,
    ylabel: str,
) -> Axes:
    """A cost against the number of clients, both on logarithmic axes: marks measured, lines projected.

    Args:
        measured: name → (numbers of clients, costs).
        projected: the same names → a line; its name stands at its end.
    """
    for role, marker, (name, (numbers, costs)) in zip(_ROLES, _MARKERS, projected.items(), strict=False):
        ax.plot(numbers, costs, color=COLOURS[role], linestyle=DASHES[role], linewidth=1.6)
        ax.plot(*measured[name], marker, color=COLOURS[role], markersize=7, markeredgecolor="white")
        ax.annotate(
            name, (numbers[-1], costs[-1]), xytext=(6, 0), textcoords="offset points", va="center",
            color=COLOURS[role], fontsize=9, annotation_clip=False,
        )  # fmt: skip
    ax.plot([], [], "o", color=COLOURS["baseline"], label="measured")
    ax.plot([], [], "-", color=COLOURS["baseline"], linewidth=1.6, label="projected")
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    ax.legend(loc="upper left", fontsize=9)
    return ax


def plot_seconds(
    ax: Axes,
    numbers: Sequence[int],
    seconds: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
) -> Axes:
    """Seconds against the number of clients, one line a way to run, and the slope of the square.

    Args:
        numbers: of clients, ascending.
        seconds: name → one number for each of `numbers`.
    """
    numbers = np.asarray(numbers, dtype=float)
    for role, marker, (name, values) in zip(_ROLES, _MARKERS, seconds.items(), strict=False):
        ax.plot(
            numbers, values, color=COLOURS[role], linestyle=DASHES[role], marker=marker, markersize=6,
            label=name,
        )  # fmt: skip
    last = min(values[-1] for values in seconds.values())
    square = 0.5 * last * (numbers / numbers[-1]) ** 2
    ax.plot(numbers, square, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.4)
    ax.annotate(
        "what grows with the square", (numbers[0], square[0]), xytext=(24, 0), textcoords="offset points",
        ha="left", va="center", fontsize=8.5, color=COLOURS["baseline"],
    )  # fmt: skip
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log")
    ax.set_xticks(numbers, [f"{number:g}" for number in numbers])
    ax.minorticks_off()
    ax.legend(loc="upper left", fontsize=9)
    return ax


def plot_two_costs(
    ax: Axes, costs: Mapping[str, Mapping[str, float]], *, title: str, xlabel: str, unit: str
) -> Axes:
    """Groups of bars, on a logarithmic axis, with each number at its end.

    Args:
        costs: group → name → cost; the same names in every group.
        unit: what stands behind each number.
    """
    names = list(next(iter(costs.values())))
    height = 0.8 / len(names)
    for index, (role, hatch, name) in enumerate(
        zip(("honest", "second", "third"), ("", "//", ".."), names, strict=False)
    ):
        rows = np.arange(len(costs)) + (index - (len(names) - 1) / 2) * height
        values = [group[name] for group in costs.values()]
        ax.barh(
            rows, values, height=0.9 * height, color=COLOURS[role], hatch=hatch, edgecolor="white",
            linewidth=0.6, label=name,
        )  # fmt: skip
        for row, value in zip(rows, values, strict=True):
            ax.annotate(
                f"{value:.3g}{unit}", (value, row), xytext=(4, 0), textcoords="offset points", va="center",
                fontsize=8.5,
            )  # fmt: skip
    ax.set(title=title, xlabel=xlabel, xscale="log", yticks=range(len(costs)), yticklabels=list(costs))
    everything = [value for group in costs.values() for value in group.values()]
    ax.set_xlim(min(everything) / 3, 4 * max(everything))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right", fontsize=9)
    return ax
