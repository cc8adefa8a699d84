"""Pictures of secret sharing: what a share says about the secret, and a sum that leaves its field."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES


def plot_share_counts(
    axes: Sequence[Axes], counts: Mapping[str, np.ndarray], *, title: str, xlabel: str, ylabel: str
) -> Sequence[Axes]:
    """How often each value of a share occurs for each secret, one table of numbers a way of splitting.

    Args:
        axes: one for each table.
        counts: name → counts, shape (secrets, values).
        title: of the whole figure.
    """
    top = max(table.max() for table in counts.values())
    for ax, (name, table) in zip(axes, counts.items(), strict=True):
        ax.imshow(table, cmap="Blues", vmin=0, vmax=1.6 * top)
        for (row, column), count in np.ndenumerate(table):
            colour = COLOURS["attacker"] if count == 0 else "black"
            ax.text(column, row, int(count), ha="center", va="center", fontsize=9, color=colour)
        ax.set(xlabel=xlabel, ylabel=ylabel, xticks=range(table.shape[1]), yticks=range(table.shape[0]))
        ax.set_title(name, fontsize=10, fontweight="normal")
        ax.grid(False)
    axes[0].figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    return axes


def plot_wrap(
    ax: Axes, decoded: Sequence[float], *, true: Sequence[float], largest: float, title: str, xlabel: str
) -> Axes:
    """A growing sum as it comes out of a field, beside what it should be.

    Args:
        decoded, true: the sum after each summand, shape (n,) each.
        largest: the largest number that the field holds, drawn with its negative.
    """
    number = np.arange(1, len(true) + 1)
    ax.plot(number, true, color=COLOURS["baseline"], linestyle=DASHES["baseline"])
    ax.plot(number, decoded, "o", color=COLOURS["honest"], markersize=5)
    ax.annotate(
        "true sum", (number[-1], true[-1]), xytext=(6, 0), textcoords="offset points", va="center",
        color=COLOURS["baseline"], fontsize=9, annotation_clip=False,
    )  # fmt: skip
    middle = len(number) // 2
    ax.annotate(
        "what comes out", (number[middle], decoded[middle]), xytext=(10, -10), textcoords="offset points",
        va="center", color=COLOURS["honest"], fontsize=9,
    )  # fmt: skip
    for edge in (-largest, largest):
        ax.axhline(edge, color=COLOURS["attacker"], linestyle=DASHES["attacker"], linewidth=1.2)
    ax.annotate(
        f"the field ends at ± {largest:.0f}", (1, -largest), xytext=(0, -12), textcoords="offset points",
        color=COLOURS["attacker"], fontsize=9,
    )  # fmt: skip
    ax.set_ylim(bottom=-1.5 * largest)
    ax.set(title=title, xlabel=xlabel, ylabel="sum")
    return ax
