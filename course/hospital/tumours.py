"""Simulated tumours: an irregular core, swelling along the white matter, and tissue that is pushed aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from course.hospital.fields import SLICES_MM, draw_coefficients, smooth_field
from course.hospital.template import deep_white_matter


@dataclass(frozen=True)
class Kind:
    """What a kind of tumour is made of.

    Fields:
        share: of all tumours.
        centre, rim: shares of fluid, grey matter, white matter, and tissue that takes up the contrast agent.
        rim_depth: how deep the rim reaches, as a share of the radius.
        swelling: the least and the greatest thickness of the oedema, as a share of the radius.
    """

    share: float
    centre: tuple[float, float, float, float]
    rim: tuple[float, float, float, float]
    rim_depth: float
    swelling: tuple[float, float]


KINDS = {
    "solid": Kind(0.55, (0.55, 0.45, 0.0, 0.0), (0.42, 0.58, 0.0, 0.0), 0.3, swelling=(0.3, 1.1)),
    "ring": Kind(0.30, (0.85, 0.15, 0.0, 0.0), (0.0, 0.15, 0.0, 0.85), 0.35, swelling=(0.8, 1.5)),
    "cystic": Kind(0.15, (0.90, 0.10, 0.0, 0.0), (0.30, 0.70, 0.0, 0.0), 0.25, swelling=(0.2, 0.6)),
}
"""Dull throughout; a bright ring round a dead centre; mostly fluid."""
OEDEMA = (0.48, 0.52, 0.0, 0.0)
"""Swollen white matter holds water, so it looks duller than grey matter on a T1 image."""
MEDIAN_MM, SPREAD, SMALLEST_MM, LARGEST_MM = 12.0, 0.3, 8.0, 21.0
"""Radius of a core: lognormal round the median, between the smallest and the largest."""
_EDGE_MM = 9.0
_THICKEST_MM = 14.0
"""Size of the bulges of a tumour's edge, and the greatest thickness of its oedema, in millimetres."""
_MOTTLE = 0.12
_BEYOND, _CROWD = 0.6, 3.5
"""How far beyond the ends of the stack a centre may lie, in radii, and how much more likely it is there."""


@dataclass(frozen=True, eq=False)
class Tumour:
    """One tumour: where it sits, how large it is, and what it is made of.

    Fields:
        centre: millimetres right, front and up in the scanner.
        radius: of the core, in millimetres, before its edge is made irregular.
        kind: one of `KINDS`.
        swelling: thickness of the oedema as a share of the radius.
        push: share of the radius that displaced tissue instead of replacing it.
        stretch: shape (3, 3), of determinant 1: makes the core longer one way than the other within a slice.
        edge: coefficients of the field that makes the edge irregular.
    """

    centre: tuple[float, float, float]
    radius: float
    kind: str
    swelling: float
    push: float
    stretch: Tensor
    edge: Tensor


def _draw_height(rng: np.random.Generator, *, radius: float) -> float:
    """Between the lowest and the highest slice, or (more often) beyond an end by at most 0.6 radii."""
    beyond, between = _BEYOND * radius, float(SLICES_MM[-1] - SLICES_MM[0])
    place = rng.uniform(-_CROWD * beyond, between + _CROWD * beyond)
    past_top = max(place - between, 0.0)
    return float(SLICES_MM[0]) + min(max(place, 0.0), between) + (past_top + min(place, 0.0)) / _CROWD


def _draw_seat(rng: np.random.Generator, *, height: float, pose: Tensor) -> tuple[float, float, float]:
    """A place in the person's white matter at this height."""
    turn, shift = pose[:, :3].numpy(), pose[:, 3].numpy()
    places = (deep_white_matter() - shift) @ np.linalg.inv(turn).T
    away = np.abs(places[:, 2] - height)
    # Hardly ever a head is turned so that no white matter is within 1 mm of this height: then the nearest.
    near = places[away <= max(1.0, away.min())]
    x, y, _ = near[rng.integers(len(near))]
    return float(x), float(y), height


def _draw_stretch(rng: np.random.Generator) -> Tensor:
    angle, longer = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 0.25))
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = torch.eye(3)
    stretch[:2, :2] = turn @ torch.diag(torch.tensor([longer, 1 / longer])).to(turn) @ turn.T
    return stretch


def draw_tumour(rng: np.random.Generator, *, pose: Tensor) -> Tumour:
    """One tumour of a random kind, size and place in the head of this pose.

    Its height is drawn so that each slice is about as likely as any other to show tumour, and so that every
    tumour is cut by a slice.
    """
    radius = float(np.clip(MEDIAN_MM * np.exp(SPREAD * rng.standard_normal()), SMALLEST_MM, LARGEST_MM))
    kind = str(rng.choice(list(KINDS), p=[kind.share for kind in KINDS.values()]))
    return Tumour(
        centre=_draw_seat(rng, height=_draw_height(rng, radius=radius), pose=pose),
        radius=radius,
        kind=kind,
        swelling=rng.uniform(*KINDS[kind].swelling),
        push=rng.uniform(0.55, 0.9),
        stretch=_draw_stretch(rng),
        edge=draw_coefficients(rng, spacing_mm=_EDGE_MM),
    )


def _each(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float32)[:, None, None, None]


def _away(points: Tensor, tumours: Sequence[Tumour]) -> Tensor:
    return points - torch.tensor([tumour.centre for tumour in tumours])[:, None, None, None, :]


def make_room(points: Tensor, tumours: Sequence[Tumour]) -> Tensor:
    """Mass effect: where displaced tissue came from, which is nearer to the tumour than where it is now.

    Args:
        points: shape (z, y, x, 3), millimetres in the scanner.
        tumours: any number.

    Returns:
        Shape (tumours, z, y, x, 3). Volume is kept close to a tumour (distance³ shrinks by the pushed
        radius³), and far from it nothing moves.
    """
    away = _away(points, tumours)
    distance = away.norm(dim=-1).clamp_min(1e-3)
    pushed = _each(tumour.push * tumour.radius for tumour in tumours)
    reach = torch.exp(-((distance / (4 * pushed + 12)) ** 2))
    came_from = (distance**3 - reach * pushed**3).clamp_min(0) ** (1 / 3)
    return points - away * (1 - came_from / distance)[..., None]


def grow(points: Tensor, tumours: Sequence[Tumour]) -> tuple[Tensor, Tensor, Tensor]:
    """How much of each pixel is core or within reach of the oedema, and how deep in the core it lies.

    Args:
        points: shape (z, y, x, 3), millimetres in the scanner.
        tumours: one a row.

    Returns:
        core and reach between 0 and 1, and depth from 0 at the edge to 1 in the centre: (tumours, z, y, x).
    """
    edge = smooth_field(torch.stack([tumour.edge for tumour in tumours]), spacing_mm=_EDGE_MM)[:, 0]
    stretches = torch.stack([tumour.stretch for tumour in tumours])
    distance = torch.einsum("pzyxk,pik->pzyxi", _away(points, tumours), stretches).norm(dim=-1)
    radius = _each(tumour.radius for tumour in tumours)
    reaching = _each(t.radius + min(t.swelling * t.radius, _THICKEST_MM) for t in tumours)
    in_core = distance * torch.exp(-(0.25 * edge).clamp(-0.25, 0.25))
    core = torch.sigmoid((radius - in_core) / 0.8)
    reach = torch.sigmoid((reaching - distance * torch.exp((0.3 * edge).clamp(-0.25, 0.4))) / 1.5)
    # The falx, a fold of tough tissue between the two halves of the brain, holds swelling back.
    side = _each(np.sign(tumour.centre[0]) for tumour in tumours) * points[..., 0]
    reach = reach * torch.sigmoid((side + 3) / 1.5)
    return core, reach, (1 - in_core / radius).clamp(0, 1)


def _made_of(depth: Tensor, tumours: Sequence[Tumour], *, mottle: Tensor) -> Tensor:
    """Shares of fluid, grey, white and agent inside of a core; shape (tumours, 4, z, y, x)."""
    kinds = [KINDS[tumour.kind] for tumour in tumours]
    rim = torch.exp(-((depth / _each(kind.rim_depth for kind in kinds)) ** 2))[:, None]
    centre, edge = (
        torch.tensor([getattr(kind, part) for kind in kinds])[:, :, None, None, None]
        for part in ("centre", "rim")
    )
    inside = rim * edge + (1 - rim) * centre
    wetter = (_MOTTLE * mottle).clamp(-0.25, 0.1)
    fluid, grey, white, agent = inside.unbind(1)
    return torch.stack([fluid + wetter * grey, grey * (1 - wetter), white, agent], dim=1)


def paint(
    shares: Tensor, points: Tensor, tumours: Sequence[Tumour], *, mottle: Tensor
) -> tuple[Tensor, Tensor]:
    """Put tumours in the place of tissue.

    Args:
        shares: shape (tumours, 4, z, y, x): fluid, grey, white, agent.
        points: shape (z, y, x, 3), millimetres in the scanner.
        tumours: one a row.
        mottle: shape (tumours, z, y, x), standard normal: the texture of the cores.

    Returns:
        The new shares, and the outline of the whole tumour (core and oedema), bool, shape (tumours, z, y, x).
    """
    core, reach, depth = grow(points, tumours)
    core = core * shares.sum(1).clamp(0, 1)  # Nothing grows outside of the head.
    oedema = reach * (1 - core) * shares[:, 2].clamp(0, 1)
    swollen = torch.tensor(OEDEMA)[None, :, None, None, None]
    left = shares * (1 - core - oedema)[:, None]
    inside = _made_of(depth, tumours, mottle=mottle)
    painted = left + core[:, None] * inside + oedema[:, None] * swollen
    # People outline the whole swollen area, not each speck of white matter in it.
    return painted, (core > 0.5) | (avg_pool2d(core + oedema, 3, stride=1, padding=1) > 0.5)
