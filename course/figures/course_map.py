"""The map of the course: what stands on what, and what is there today."""

from collections.abc import Collection

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from course.figures.style import COLOURS

_ROWS = (
    ("Train without pooling", "honest", (("01", "FedAvg"), ("02", "Flower"))),
    ("What leaks", "attacker", (("03", "gradient\ninversion"), ("04", "membership\ninference"))),
    ("Promise it", "private", (("05", "differential\nprivacy"), ("06", "DP-SGD"))),
    (
        "Hide it",
        "third",
        (("07", "secret\nsharing"), ("08", "secure\naggregation"), ("09", "homomorphic\nencryption")),
    ),
    ("Use it", "second", (("10", "hospitals"), ("11", "hospitals,\nprivate"))),
    ("Judge it", "baseline", (("12", "trade-off"), ("13", "audit"), ("14", "frameworks"))),
)


def plot_course_map(ax: Axes, present_lessons: Collection[str], *, title: str) -> Axes:
    """Draw the lessons in rows by what they are about; filled boxes are in this copy of the course.

    Args:
        present_lessons: numbers of the lessons that exist ("00", "01", …).
    """
    for row, (name, role, lessons) in enumerate(_ROWS):
        height = len(_ROWS) - 1 - row
        ax.text(
            -0.15, height, name, ha="right", va="center", fontsize=11, color=COLOURS[role], fontweight="bold"
        )
        for column, (number, topic) in enumerate(lessons):
            _draw_lesson(
                ax, column, height, f"{number}  {topic}", COLOURS[role], filled=number in present_lessons
            )
    ax.annotate(
        "00 start here", (-1.15, len(_ROWS) - 0.45), ha="left", va="bottom", fontsize=11, fontweight="bold",
        bbox={"boxstyle": "round,pad=0.4", "facecolor": "#f0f0f0", "edgecolor": COLOURS["baseline"]},
    )  # fmt: skip
    ax.set_title(title, pad=14)
    ax.set(xlim=(-1.25, 3.05), ylim=(-0.6, len(_ROWS)))
    ax.axis("off")
    return ax


def _draw_lesson(ax: Axes, column: int, height: int, text: str, colour: str, *, filled: bool) -> None:
    face = colour if filled else "white"
    style = {"boxstyle": "round,pad=0.02", "edgecolor": colour, "facecolor": face, "linewidth": 1.5}
    ax.add_patch(
        FancyBboxPatch((column, height - 0.33), 0.92, 0.66, linestyle="-" if filled else "--", **style)
    )
    ax.text(
        column + 0.46,
        height,
        text,
        ha="center",
        va="center",
        fontsize=9.5,
        color="white" if filled else "#333333",
    )
