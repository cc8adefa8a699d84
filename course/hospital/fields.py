"""Smooth random fields over the slices: random coefficients times bell-shaped bases, one axis at a time."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from course.hospital.patients import PIXEL_MM, PIXELS

NUM_SLICES = 8
SLICE_MM = 8.0
"""Millimetres between the simulated slices."""
LOWEST_MM, CENTRE_Y_MM = -6.0, -18.0
SLICES_MM = LOWEST_MM + SLICE_MM * torch.arange(NUM_SLICES, dtype=torch.float32)
"""Heights of the simulated slices above the anterior commissure, from the feet up."""
_HALF_MM = PIXEL_MM * (PIXELS - 1) / 2
ROWS_MM = CENTRE_Y_MM + _HALF_MM - PIXEL_MM * torch.arange(PIXELS, dtype=torch.float32)
"""Rows run from the front of the head (+) to the back."""
COLUMNS_MM = _HALF_MM - PIXEL_MM * torch.arange(PIXELS, dtype=torch.float32)
"""Columns run from the patient's right (+) to their left, as a radiologist looks at a slice."""


@lru_cache(maxsize=1)
def slice_points() -> Tensor:
    """Where each pixel lies in the scanner: shape (z, y, x, 3), millimetres right, front and up."""
    z, y, x = torch.meshgrid(SLICES_MM, ROWS_MM, COLUMNS_MM, indexing="ij")
    return torch.stack([x, y, z], dim=-1)


def _knots(positions: Tensor, spacing_mm: float) -> Tensor:
    low, high = float(positions.min()), float(positions.max())
    return torch.arange(low - spacing_mm, high + 1.5 * spacing_mm, spacing_mm)


@lru_cache(maxsize=16)
def _bases(spacing_mm: float) -> tuple[Tensor, Tensor, Tensor]:
    """One matrix an axis, shape (positions, knots), whose rows have length 1."""
    bases = []
    for positions in (SLICES_MM, ROWS_MM, COLUMNS_MM):
        offset = (positions[:, None] - _knots(positions, spacing_mm)) / spacing_mm
        bells = torch.exp(-0.5 * (1.5 * offset) ** 2)
        bases.append(bells / bells.norm(dim=1, keepdim=True))
    return tuple(bases)


def num_coefficients(spacing_mm: float) -> tuple[int, int, int]:
    """How many coefficients a field with this distance between knots has along z, y and x."""
    return tuple(basis.shape[1] for basis in _bases(spacing_mm))


def draw_coefficients(rng: np.random.Generator, *, spacing_mm: float, channels: int = 1) -> Tensor:
    """Standard normal coefficients of one patient's field, shape (channels, z, y, x knots)."""
    shape = (channels, *num_coefficients(spacing_mm))
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def smooth_field(coefficients: Tensor, *, spacing_mm: float) -> Tensor:
    """The field of each patient and channel at each pixel.

    Args:
        coefficients: shape (patients, channels, z, y, x knots).
        spacing_mm: the distance between the knots; features of the field are about that large.

    Returns:
        Shape (patients, channels, z, y, x): for standard normal coefficients each value is standard normal,
        because the rows of the bases have length 1.
    """
    along_z, along_y, along_x = _bases(spacing_mm)
    field = torch.matmul(coefficients, along_x.T)
    field = torch.matmul(along_y, field)
    return torch.einsum("zk,pckyx->pczyx", along_z, field)
