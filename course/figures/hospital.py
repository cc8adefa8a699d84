"""Pictures of scans: patients of each hospital side by side, and one patient's slices from the feet up."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course.figures.style import COLOURS


class ScanPicture(NamedTuple):
    """One slice to show.

    Fields:
        image: shape (rows, columns), in any unit.
        outline: bool of the same shape, or None to draw none.
        label: a few words below the slice.
        white: the value shown as white; the largest of the image unless given.
    """

    image: np.ndarray
    outline: np.ndarray | None = None
    label: str = ""
    white: float | None = None


def plot_slice(ax: Axes, picture: ScanPicture) -> Axes:
    """One slice in grey with its outline, front of the head upwards and the patient's right on the left."""
    white = float(picture.image.max()) if picture.white is None else picture.white
    ax.imshow(picture.image, cmap="gray", vmin=0, vmax=white, interpolation="nearest")
    if picture.outline is not None and picture.outline.any():
        ax.contour(picture.outline, levels=[0.5], colors=[COLOURS["attacker"]], linewidths=0.9)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set(visible=False)
    ax.set_xlabel(picture.label, fontsize=8, labelpad=2)
    return ax


def plot_patients(axes: np.ndarray, rows: Mapping[str, Sequence[ScanPicture]], *, title: str) -> np.ndarray:
    """Patients of each hospital side by side: a row a hospital, a column a patient.

    Args:
        axes: shape (hospitals, patients), as `plt.subplots(…, squeeze=False)` gives it.
        rows: name of the hospital → its pictures; a row with fewer pictures than axes leaves the rest blank.
        title: of the whole figure.
    """
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, picture in zip(line, pictures, strict=False):
            ax.set_axis_on()
            plot_slice(ax, picture)
        line[0].set_axis_on()
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10, labelpad=6)
    axes[0, 0].figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return axes


def plot_stack(
    axes: Sequence[Axes], slices: np.ndarray, outlines: np.ndarray, *, labels: Sequence[str]
) -> None:
    """All slices of one patient on one scale of grey, from the feet up.

    Args:
        axes: one a slice.
        slices: shape (num_slices, rows, columns).
        outlines: bool of the same shape.
        labels: a few words a slice.
    """
    white = float(np.quantile(slices, 0.998))
    for ax, image, outline, label in zip(axes, slices, outlines, labels, strict=True):
        plot_slice(ax, ScanPicture(image, outline, label, white))
