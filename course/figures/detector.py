"""Pictures of a detector at several hospitals: who gains, how sure that is, and where it looks."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS

_SERIES = (("baseline", "s"), ("honest", "o"), ("second", "D"), ("private", "^"))


def plot_over_seeds(
    ax: Axes, results: Mapping[str, Mapping[str, Sequence[float]]], *, title: str, ylabel: str = "AUROC"
) -> Axes:
    """For each hospital and method a mark at the mean over the seeds, and a faint dot a seed.

    Args:
        results: method → hospital → one value a seed.
    """
    names = list(next(iter(results.values())))
    shifts = np.linspace(-0.22, 0.22, len(results))
    for (role, marker), shift, (method, values) in zip(_SERIES, shifts, results.items(), strict=False):
        for place, hospital in enumerate(names):
            seeds = np.asarray(values[hospital], dtype=float)
            ax.plot(
                np.full(len(seeds), place + shift), seeds, ".", color=COLOURS[role], alpha=0.45, markersize=6
            )
        means = [np.mean(values[hospital]) for hospital in names]
        ax.plot(
            np.arange(len(names)) + shift, means, marker, color=COLOURS[role], markersize=8, label=method,
            markeredgecolor="white",
        )  # fmt: skip
    ax.set(title=title, ylabel=ylabel, xticks=range(len(names)), xticklabels=names)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    return ax


def plot_transfer(
    ax: Axes, table: np.ndarray, *, detectors: Sequence[str], hospitals: Sequence[str], title: str
) -> Axes:
    """How every detector does at every hospital: a table of AUROCs, darker where it is lower.

    Args:
        table: shape (detectors, hospitals); NaN where it is undefined.
    """
    ax.imshow(table, cmap="Blues_r", vmin=np.nanmin(table) - 0.02, vmax=1.04, aspect="auto")
    middle = (np.nanmin(table) + 1) / 2
    for (row, column), value in np.ndenumerate(table):
        text = "–" if np.isnan(value) else f"{value:.2f}"
        colour = "white" if value < middle - 0.01 else "black"
        weight = "bold" if detectors[row] == hospitals[column] else "normal"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=colour, fontweight=weight)
    ax.set(
        title=title, xlabel="patients of", ylabel="detector of", xticks=range(len(hospitals)),
        xticklabels=list(hospitals), yticks=range(len(detectors)), yticklabels=list(detectors),
    )  # fmt: skip
    ax.grid(visible=False)
    return ax


def plot_look(
    axes: Sequence[Axes],
    scan: np.ndarray,
    outline: np.ndarray,
    *,
    cells: np.ndarray,
    falls: np.ndarray,
    label: str,
) -> Sequence[Axes]:
    """One slice three times: with its outline, under the detector's cells, under an occlusion map.

    Args:
        axes: three.
        scan: standardised, shape (rows, columns).
        outline: bool, the same shape; may be empty.
        cells: logits, shape (rows / 4, columns / 4).
        falls: of the score in logits, on a grid of squares over the slice; NaN draws none.
        label: a few words, to the left.
    """
    extent = (-0.5, scan.shape[1] - 0.5, scan.shape[0] - 0.5, -0.5)
    for ax in axes:
        ax.imshow(scan, cmap="gray", vmin=-3, vmax=3)
        if outline.any():
            ax.contour(outline, levels=[0.5], colors=[COLOURS["second"]], linewidths=1.2)
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    heat = axes[1].imshow(cells, cmap="inferno", alpha=0.6, extent=extent)
    reach = max(float(np.nanmax(np.abs(falls))), 1e-6)
    fall = axes[2].imshow(falls, cmap="PuOr_r", alpha=0.6, extent=extent, vmin=-reach, vmax=reach)
    for ax, image, words in ((axes[1], heat, "logit of a cell"), (axes[2], fall, "fall of the score")):
        bar = ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(words, fontsize=8)
    axes[0].set_ylabel(label, fontsize=9)
    return axes
