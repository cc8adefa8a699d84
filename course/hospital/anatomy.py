"""Invented people: the average brain, turned, bent, aged and folded differently for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course.hospital.fields import draw_coefficients, smooth_field
from course.hospital.template import deep_white_matter, sample_template

_BEND_MM, _FOLD_MM = 45.0, 7.0
"""Size of what bends the whole head, and of the folds of the cortex, in millimetres."""
_VENTRICLES = torch.tensor([0.0, -8.0, 18.0])
"""The middle of the lateral ventricles: millimetres right, front and up."""
_MOST_SPOTS = 5


@dataclass(frozen=True, eq=False)
class Head:
    """What is drawn for one invented person; nothing here depends on whether they have a tumour.

    Fields:
        age, sex: years, and "female" or "male".
        pose: shape (3, 4), from millimetres in the scanner to millimetres in the template.
        bend: coefficients of the deformation of the head, three channels.
        folds: coefficients of the fine texture, two channels.
        balance: shape (2,): more or less fluid, and more or less white matter, than others have.
        ventricles: how far the ventricles are blown up; 0 is as in the template.
        spots: shape (5, 4): centre and radius, in millimetres, of spots in the white matter, as age brings
            them; a radius below 0 is no spot.
    """

    age: float
    sex: str
    pose: Tensor
    bend: Tensor
    folds: Tensor
    balance: Tensor
    ventricles: float
    spots: Tensor


def _draw_pose(rng: np.random.Generator, *, sex: str) -> Tensor:
    # The template is larger than most heads: its 152 brains were matched to a large one.
    size = (0.97 if sex == "male" else 0.92) * np.exp(0.025 * rng.standard_normal(3))
    turn = np.eye(3)
    for (first, second), degrees in (((1, 2), 4.0), ((0, 2), 1.5), ((0, 1), 1.5)):
        angle = np.deg2rad(degrees) * rng.standard_normal()
        plane = np.eye(3)
        plane[first, first] = plane[second, second] = np.cos(angle)
        plane[first, second], plane[second, first] = -np.sin(angle), np.sin(angle)
        turn = turn @ plane
    shift = np.array([1.0, 2.0, 2.5]) * rng.standard_normal(3)
    return torch.from_numpy(np.concatenate([turn / size, shift[:, None]], axis=1)).float()


def _draw_spots(rng: np.random.Generator, *, age: float) -> Tensor:
    places = deep_white_matter()
    number = min(rng.poisson(0.3 + 3 * max(0.0, age - 45) / 40), _MOST_SPOTS)
    spots = np.full((_MOST_SPOTS, 4), -10.0, dtype=np.float32)
    spots[:number, :3] = places[rng.integers(len(places), size=number)]
    spots[:number, 3] = rng.uniform(1.5, 3.5, size=number)
    return torch.from_numpy(spots)


def draw_head(rng: np.random.Generator) -> Head:
    """One invented person, drawn from `rng`."""
    age = float(np.clip(rng.normal(55, 15), 20, 88))
    sex = str(rng.choice(["female", "male"]))
    return Head(
        age=age,
        sex=sex,
        pose=_draw_pose(rng, sex=sex),
        bend=draw_coefficients(rng, spacing_mm=_BEND_MM, channels=3),
        folds=draw_coefficients(rng, spacing_mm=_FOLD_MM, channels=2),
        balance=torch.from_numpy(rng.standard_normal(2, dtype=np.float32)),
        ventricles=float(np.clip(0.15 + 0.006 * (age - 50) + 0.12 * rng.standard_normal(), 0, 0.6)),
        spots=_draw_spots(rng, age=age),
    )


def into_template(points: Tensor, heads: Sequence[Head]) -> Tensor:
    """Where the tissue of each pixel is looked up in the template.

    Args:
        points: shape (heads, z, y, x, 3), millimetres in the scanner: the pixels, or where a mass pushed
            their tissue from.
        heads: one a row.

    Returns:
        The same shape, millimetres in the template. Points of a small head lie further apart there.
    """
    poses = torch.stack([head.pose for head in heads])
    points = torch.einsum("pzyxk,pik->pzyxi", points, poses[:, :, :3])
    bend = smooth_field(torch.stack([head.bend for head in heads]), spacing_mm=_BEND_MM)
    mirrored = bend.flip(-1) * torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1, 1)
    # Heads differ more from each other than their two halves do.
    bend = 1.8 * (bend + mirrored) + 0.6 * (bend - mirrored)
    return points + poses[:, None, None, None, :, 3] + bend.permute(0, 2, 3, 4, 1)


def folding(heads: Sequence[Head]) -> Tensor:
    """The fine random texture of each head: shape (heads, 2, z, y, x), standard normal."""
    return smooth_field(torch.stack([head.folds for head in heads]), spacing_mm=_FOLD_MM)


def _aged(points: Tensor, heads: Sequence[Head]) -> Tensor:
    """Look up nearer to the ventricles than a pixel is, so that the ventricles look larger."""
    away = points - _VENTRICLES
    strength = torch.tensor([head.ventricles for head in heads])[:, None, None, None]
    reach = torch.exp(-((away.norm(dim=-1) / 32) ** 2))
    return points - away * (strength * reach)[..., None]


def _spotted(points: Tensor, heads: Sequence[Head]) -> Tensor:
    """How much of each pixel is a spot: shape (heads, z, y, x), between 0 and 1."""
    spots = torch.stack([head.spots for head in heads])[:, :, None, None, None, :]
    cover = torch.zeros(points.shape[:-1])
    for spot in spots.unbind(1):
        if (spot[..., 3] > 0).any():
            distance = (points - spot[..., :3]).norm(dim=-1)
            cover = torch.maximum(cover, torch.sigmoid((spot[..., 3] - distance) / 0.6))
    return cover


def tissue(points: Tensor, heads: Sequence[Head], *, folds: Tensor) -> Tensor:
    """What lies in each pixel of each head.

    Args:
        points: shape (heads, z, y, x, 3), millimetres in the template, from `into_template`.
        heads: one a row of `points`.
        folds: from `folding(heads)`.

    Returns:
        Shape (heads, 4, z, y, x): shares of fluid, grey and white matter, and the template's detail.
    """
    aged = _aged(points, heads)
    grey, white, fluid, detail = sample_template(aged).unbind(1)
    total = grey + white + fluid
    balance = torch.stack([head.balance for head in heads])[:, :, None, None, None]
    # The template is a mean of 152 brains and therefore soft; sharper shares look like one brain.
    fluid = (fluid * torch.exp(0.9 * folds[:, 0] + 0.4 * balance[:, 0])) ** 1.6
    white = (white * torch.exp(0.5 * folds[:, 1] + 0.4 * balance[:, 1])) ** 1.6
    shares = torch.stack([fluid, grey**1.6, white], dim=1)
    shares = shares * (total / shares.sum(1).clamp_min(1e-6))[:, None]
    spots = (_spotted(aged, heads) * shares[:, 2])[:, None]
    shares = shares * (1 - spots) + spots * torch.tensor([0.45, 0.55, 0.0]).view(1, 3, 1, 1, 1)
    return torch.cat([shares, detail[:, None]], dim=1)
