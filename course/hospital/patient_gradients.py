"""What one patient contributes to a round: a gradient a slice, one a patient, clipped and rounded."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course.hospital.feature_bank import Cells

CELLS_A_SLICE = 20
"""Cells of each slice that are taught: enough for a gradient, few enough for a notebook."""
MOST_TUMOUR_CELLS = 12
STEPS_A_NORM = 2**16
"""Whole numbers per clipping norm: the resolution of the fixed point in which gradients are added up."""


@dataclass(frozen=True, eq=False)
class Examples:
    """The cells that a hospital teaches on, by patient and slice.

    Attributes:
        inputs: float32, shape (patients, slices, cells, dimensions).
        targets: 0 or 1, shape (patients, slices, cells).
        weights: the same shape; each patient's weights add up to 1 over tumour cells (if there are any)
            and to 1 over the others, however many slices they have; 0 where a slice or cell only pads.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, which: Tensor | np.ndarray) -> "Examples":
        """Some of the patients, by position or mask."""
        which = torch.as_tensor(which)
        which = which if len(which) else which.long()  # An empty list has no type of its own.
        return Examples(self.inputs[which], self.targets[which], self.weights[which])


def teaching_cells(cells: Cells, *, seed: int) -> Examples:
    """Of each slice up to `MOST_TUMOUR_CELLS` outlined cells, and others: `CELLS_A_SLICE` together.

    Args:
        cells: of one hospital's patients.
        seed: draws the cells; each patient's draw looks at that patient alone.
    """
    generator = torch.Generator().manual_seed(seed)
    chance = torch.rand(cells.brain.shape, generator=generator)
    tumour = cells.tumour & cells.brain
    # The outlined cells first, in random order, then the others of the head, then what is outside of it.
    rank = chance + torch.where(tumour, 0.0, 1.0) + torch.where(cells.brain, 0.0, 2.0)
    among_tumour = torch.where(tumour, chance, 9.0).argsort(2).argsort(2)
    rank = torch.where(tumour & (among_tumour >= MOST_TUMOUR_CELLS), 8.0, rank)
    chosen = rank.argsort(2)[:, :, :CELLS_A_SLICE]
    inputs = cells.features.gather(2, chosen.unsqueeze(3).expand(-1, -1, -1, cells.features.shape[3])).float()
    targets = tumour.gather(2, chosen).float()
    usable = (rank.gather(2, chosen) < 2.0).float()
    return Examples(inputs, targets, _balanced(targets, usable))


def _balanced(targets: Tensor, usable: Tensor) -> Tensor:
    """Weights 1 / count over a patient's tumour cells, and 1 / count over the others."""
    marked, others = targets * usable, (1 - targets) * usable
    return sum(part / part.sum((1, 2), keepdim=True).clamp_min(1) for part in (marked, others))


def patient_losses(weights: Tensor, examples: Examples) -> Tensor:
    """Each patient's logistic loss in nats, shape (patients,)."""
    logits = examples.inputs @ weights
    losses = F.binary_cross_entropy_with_logits(logits, examples.targets, reduction="none")
    return (losses * examples.weights).sum((1, 2))


def slice_gradients(weights: Tensor, examples: Examples) -> Tensor:
    """Each slice's part of its patient's gradient, shape (patients, slices, dimensions)."""
    logits = examples.inputs @ weights
    errors = (torch.sigmoid(logits) - examples.targets) * examples.weights
    return torch.einsum("psc,pscd->psd", errors, examples.inputs)


def patient_gradients(weights: Tensor, examples: Examples) -> Tensor:
    """Each patient's gradient, over all of their slices, shape (patients, dimensions)."""
    return slice_gradients(weights, examples).sum(1)


def clip_patients(gradients: Tensor, *, max_update_norm: float) -> Tensor:
    """Shrink each patient's gradient into the L2 ball of radius C.

    Args:
        gradients: one row a patient, shape (patients, dimensions).
        max_update_norm: C > 0.

    Raises:
        ValueError: if C is not positive, or there is not one row a patient.

    Guarantee: adding or removing one patient moves the sum by at most C, however many slices they have.
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1, with a patient for an example.
    """
    if not 0 < max_update_norm < math.inf or gradients.ndim != 2:
        raise ValueError(
            f"need max_update_norm > 0 and one row a patient; got {max_update_norm!r} and shape "
            f"{tuple(gradients.shape)}"
        )
    norms = gradients.norm(dim=1, keepdim=True)
    return gradients * (max_update_norm / norms.clamp_min(1e-12)).clamp_max(1)


def clipped_integers(gradients: Tensor, *, max_update_norm: float) -> np.ndarray:
    """The clipped gradients in steps of C / `STEPS_A_NORM`, each number rounded towards zero.

    Returns:
        int64, shape (patients, dimensions).

    Guarantee: each row's exact L2 norm is at most `STEPS_A_NORM`, because rounding towards zero makes nobody
        longer; so one patient moves the integer sum by at most `STEPS_A_NORM`, with no rounding left to
        argue.
    """
    clipped = clip_patients(gradients.double(), max_update_norm=max_update_norm)
    steps = np.trunc(clipped.numpy() * (STEPS_A_NORM / max_update_norm)).astype(np.int64)
    # In double precision a clipped row may be a hair too long; then each of its numbers gives up one step.
    too_long = (steps.astype(object) ** 2).sum(1) > STEPS_A_NORM**2 if len(steps) else np.zeros(0, bool)
    steps[np.asarray(too_long, dtype=bool)] -= np.sign(steps[np.asarray(too_long, dtype=bool)])
    return steps
