"""Pictures of gradient inversion: what came back beside what was there, and how well."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS, DASHES


def plot_rows_of_digits(axes: np.ndarray, rows: Mapping[str, Sequence], *, title: str = "") -> None:
    """Rows of digits on one scale from 0 (white) to 1 (black), each row with its name on the left.

    Args:
        axes: shape (rows, digits), as `plt.subplots(…, squeeze=False)` gives it.
        rows: name → images of shape (784,); a row with fewer images than axes leaves the rest blank.
    """
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for ax in row:
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
            ax.spines[:].set(visible=False)
        for ax, image in zip(row, images, strict=False):
            ax.imshow(np.asarray(image).reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            ax.spines[:].set(visible=True, color="#bbbbbb")
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9, labelpad=6)
    if title:
        axes[0, 0].figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")


def plot_psnr(
    ax: Axes, scores: Mapping[str, Sequence[float]], *, baseline: float, title: str, xlabel: str
) -> Axes:
    """A dot a digit and a bar at the median for each setting, with the score of the mean digit as a level.

    Args:
        scores: setting → PSNR in decibels, one a digit.
        baseline: what the mean digit scores on the same digits (median), in decibels.
    """
    for position, decibels in enumerate(scores.values()):
        decibels = np.asarray(decibels, dtype=float)
        spread = np.linspace(-0.14, 0.14, len(decibels)) if len(decibels) > 1 else np.zeros(1)
        ax.plot(position + spread, decibels, "o", color=COLOURS["attacker"], alpha=0.6, markersize=5)
        middle = np.median(decibels)
        ax.plot([position - 0.25, position + 0.25], [middle] * 2, color="black", linewidth=2)
        ax.annotate(f"{middle:.0f}", (position + 0.28, middle), va="center", fontsize=9)
    ax.axhline(baseline, color=COLOURS["baseline"], linestyle=DASHES["baseline"], linewidth=1.6)
    ax.annotate(
        "the mean digit", (len(scores) - 0.4, baseline), xytext=(4, 0), textcoords="offset points",
        color=COLOURS["baseline"], fontsize=9, va="center", annotation_clip=False,
    )  # fmt: skip
    ax.set(
        title=title, xlabel=xlabel, ylabel="PSNR (dB)", xticks=range(len(scores)), xticklabels=list(scores),
        xlim=(-0.5, len(scores) - 0.4),
    )  # fmt: skip
    ax.set_ylim(bottom=0)
    return ax
