"""A fixed bank of forty features a cell: nothing in it is learned from patients, so nothing in it leaks.

A convolution network learned from scratch under patient-level privacy stays at chance here: thousands of
weights share the noise of a few hundred patients. Forty features that somebody wrote down, and 41 learned
weights on them, do not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course.hospital.patients import PIXELS, Patient

SCALES_PX = (1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the blurs, in pixels of 3 mm."""
CELL_PX = 4
CELLS = (PIXELS // CELL_PX) ** 2
"""Cells of a slice, 12 mm wide each."""
NUM_FEATURES = 10 * len(SCALES_PX)
DIMENSIONS = NUM_FEATURES + 1
"""Learned weights: one a feature, and the last for the constant 1."""

_FOREGROUND = 0.35
"""Above this share of the scan's 95th percentile a pixel counts as head."""
_LARGEST = 5.0
"""Standardised features are cut off here, so that one bright vein is not a hundred patients."""
_BATCH = 20
_OUTSIDE = -1e6
"""The logit of a cell outside of the head."""
WORST_CELLS = 3
"""A patient is judged by so many cells; chosen on the tuning simulation from 1, 2, 3, 5, 8 and 16."""


@dataclass(frozen=True, eq=False)
class PublicScale:
    """By what features are standardised: mean and deviation, from data that are nobody's.

    Attributes:
        mean, std: shape (NUM_FEATURES,).
    """

    mean: Tensor
    std: Tensor


@dataclass(frozen=True, eq=False)
class Cells:
    """Every cell of some patients.

    Attributes:
        features: float16, shape (patients, slices, CELLS, DIMENSIONS), standardised, the last one 1.
        brain: bool, shape (patients, slices, CELLS): cells inside the head; False in slices that only pad.
        tumour: bool, the same shape: a third of the cell or more is outlined.
        patients: the ids, in order.
    """

    features: Tensor
    brain: Tensor
    tumour: Tensor
    patients: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def has_tumour(self) -> np.ndarray:
        """bool, shape (patients,): does any cell show it?"""
        return self.tumour.flatten(1).any(1).numpy()


def standardised_scan(slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A scan in units of its own: its head's median is 0, and half its spread is 1; with where the head is.

    Args:
        slices: shape (slices, PIXELS, PIXELS), in the scanner's units.

    Returns:
        float32 of the same shape within ±4, and 0 or 1 of the same shape.

    Guarantee: it looks at this patient alone, so it costs no privacy and takes most of the scanner off.
    """
    head = slices > _FOREGROUND * np.quantile(slices, 0.95)
    inside = slices[head]
    if inside.size == 0:
        return np.zeros_like(slices, dtype=np.float32), head.astype(np.float32)
    low, middle, high = np.quantile(inside, [0.16, 0.5, 0.84])
    scaled = (slices - middle) / max((high - low) / 2, 1e-6)
    return scaled.clip(-4, 4).astype(np.float32), head.astype(np.float32)


def raw_features(scans: Tensor, heads: Tensor) -> Tensor:
    """The forty features of each cell: brightness, texture and left–right difference at four scales.

    Args:
        scans, heads: shape (slices, PIXELS, PIXELS), from `standardised_scan`.

    Returns:
        Shape (slices, CELLS, NUM_FEATURES).
    """
    maps, scans = [], scans * heads
    for scale in SCALES_PX:
        blur = _blur_matrix(scale)
        inside = blur @ heads @ blur.T + 1e-3
        mean = blur @ scans @ blur.T / inside
        texture = (blur @ scans.square() @ blur.T / inside - mean.square()).clamp_min(0).sqrt()
        # Columns run from the patient's right to their left: a flip compares the two halves.
        uneven = (mean - mean.flip(-1)) * heads * heads.flip(-1)
        rough = texture - texture.flip(-1)
        maps += [
            mean, mean.abs(), uneven, uneven.abs(), uneven * mean, uneven.square(), texture, rough,
            rough.abs(), inside,
        ]  # fmt: skip
    pooled = F.avg_pool2d(torch.stack(maps, dim=1), CELL_PX)  # (slices, features, 16, 16)
    return pooled.flatten(2).transpose(1, 2)


def public_scale(patients: Iterable[Patient]) -> PublicScale:
    """Mean and deviation of each feature over the heads of patients who are nobody's: simulated for this.

    Limits: from real patients this would be a release of its own, and would have to be paid for.
    """
    rows = []
    for patient in patients:
        scan, head = map(torch.as_tensor, standardised_scan(patient.slices))
        brain = _cover(head) > 0.2
        rows.append(raw_features(scan, head)[brain])
    table = torch.cat(rows)
    return PublicScale(table.mean(0), table.std(0).clamp_min(1e-6))


def look_at(patients: Sequence[Patient], scale: PublicScale) -> Cells:
    """The standardised cells of some patients; those with fewer slices are padded with empty ones."""
    most = max(patient.num_slices for patient in patients)
    shape = (len(patients), most, CELLS)
    features = torch.zeros(*shape, DIMENSIONS, dtype=torch.float16)
    brain, tumour = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for index, patient in enumerate(patients):
        scan, head = map(torch.as_tensor, standardised_scan(patient.slices))
        values = ((raw_features(scan, head) - scale.mean) / scale.std).clamp(-_LARGEST, _LARGEST)
        rows = slice(0, patient.num_slices)
        features[index, rows] = torch.cat([values, torch.ones(*values.shape[:2], 1)], dim=2).half()
        brain[index, rows] = _cover(head) > 0.2
        tumour[index, rows] = _cover(torch.as_tensor(patient.tumour_mask).float()) > 1 / 3
    return Cells(features, brain, tumour, tuple(patient.patient_id for patient in patients))


def patient_scores(weights: Tensor, cells: Cells) -> np.ndarray:
    """How suspicious each patient is: the mean of their `WORST_CELLS` highest logits, shape (patients,).

    It does not change its order when all weights grow, so a model of short steps is not judged by its
    length. A patient without a head (an empty scan) scores lowest of all.
    """
    scores = []
    for start in range(0, len(cells), _BATCH):
        part = slice(start, start + _BATCH)
        logits = cells.features[part].float() @ weights.float()
        logits = logits.masked_fill(~cells.brain[part], _OUTSIDE).flatten(1)
        scores.append(logits.topk(WORST_CELLS, dim=1).values.mean(1))
    return torch.cat(scores).double().numpy()


def _cover(maps: Tensor) -> Tensor:
    """The covered share of each cell, shape (slices, CELLS)."""
    return F.avg_pool2d(maps.unsqueeze(1), CELL_PX).flatten(1)


def _blur_matrix(scale: float) -> Tensor:
    """Gaussian blur along one axis of PIXELS as a matrix; each row adds up to 1, also at the border."""
    places = torch.arange(PIXELS, dtype=torch.float32)
    weights = torch.exp(-((places[:, None] - places[None, :]) ** 2) / (2 * scale**2))
    return weights / weights.sum(1, keepdim=True)
