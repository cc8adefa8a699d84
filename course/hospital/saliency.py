"""Where a detector looks: by covering a part of the scan, and by asking it for its most suspicious cell."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from course.hospital.detector import CELL_PX, Stacks, as_stacks, cell_logits, patient_scores
from course.hospital.patients import Patient

COVER_WITH = 0.0
"""In a standardised scan this is the median of the head: tissue that says nothing."""


def occlusion_map(
    score: Callable[[np.ndarray], float], image: np.ndarray, *, patch: int, fill: float = COVER_WITH
) -> np.ndarray:
    """By how much a score falls when a square of the image is covered.

    Args:
        score: from an image to one number; it is called once for the image, and once a square.
        image: shape (rows, columns), both multiples of `patch`; left as it was.
        patch: the side of a square, in pixels.
        fill: what a covered pixel reads.

    Returns:
        Shape (rows / patch, columns / patch): score of the image − score with this square covered. Positive
        where the image argues for the score.

    Raises:
        ValueError: if the image is not cut into whole squares.

    Limits: a covered square is itself an odd thing to see, most of all outside of the head; and evidence that
        stands twice is not missed when one of the two is covered.
    Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2 (occlusion sensitivity).
    """
    if image.ndim != 2 or patch < 1 or image.shape[0] % patch or image.shape[1] % patch:
        raise ValueError(f"an image of shape {image.shape} cannot be cut into squares of {patch} pixels")
    before = score(image.copy())
    falls = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
    for row, column in np.ndindex(*falls.shape):
        covered = image.copy()
        covered[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = fill
        falls[row, column] = before - score(covered)
    return falls


def slice_scorer(model: nn.Module, patient: Patient) -> Callable[[np.ndarray], float]:
    """A detector's score for one standardised slice, as `occlusion_map` wants it: (64, 64) → a logit."""

    def score(image: np.ndarray) -> float:
        one = Patient(
            patient.patient_id, patient.hospital, image[None].astype(np.float32),
            np.zeros((1, *image.shape), dtype=bool),
        )  # fmt: skip
        return float(patient_scores(model, as_stacks([one], standardise=lambda slices: slices))[0])

    return score


@dataclass(frozen=True, eq=False)
class Pointing:
    """The most suspicious cell of each patient, and what is there.

    Attributes:
        slice_index, row, column: of the cell, shape (patients,) each; rows and columns of pixels, its middle.
        on_tumour: bool, shape (patients,): does the outline reach into this cell or one beside it?
    """

    slice_index: np.ndarray
    row: np.ndarray
    column: np.ndarray
    on_tumour: np.ndarray


def pointing(model: nn.Module, stacks: Stacks) -> Pointing:
    """Ask the detector for one cell a patient, and look whether the tumour is there.

    Limits: a cell beside the outline counts as found: a cell is 12 mm wide, and the detector sees further.
    """
    cells = cell_logits(model, stacks).masked_fill(~stacks.present[:, :, None, None], -torch.inf)
    wide = cells.shape[-1]
    best = cells.flatten(1).argmax(1)
    slice_index, row, column = best // wide**2, best // wide % wide, best % wide
    near = torch.nn.functional.max_pool2d(stacks.cover, 3, stride=1, padding=1) > 0
    on_tumour = near[torch.arange(len(best)), slice_index, row, column]
    middle = (CELL_PX - 1) / 2
    return Pointing(slice_index.numpy(), _pixels(row) + middle, _pixels(column) + middle, on_tumour.numpy())


def _pixels(cells: Tensor) -> np.ndarray:
    return CELL_PX * cells.numpy()
