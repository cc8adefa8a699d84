"""Checker of exercise 06.2: what one example can move."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_mapping, given, same_inputs, which
from course.privacy import clip_per_example

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""

SHAPES = {"0.weight": (3, 4), "0.bias": (3,), "2.weight": (2, 3)}
DIMENSIONS = sum(math.prod(shape) for shape in SHAPES.values())


def some_gradients(sizes: list[float], seed: int) -> dict[str, Tensor]:
    """Per-example gradients whose whole norms are `sizes`, in random directions."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(len(sizes), DIMENSIONS, generator=generator)
    rows = directions / directions.norm(dim=1, keepdim=True) * torch.tensor(sizes).unsqueeze(1)
    return as_mapping(rows)


def as_mapping(rows: Tensor) -> dict[str, Tensor]:
    """Rows of shape (batch, DIMENSIONS), or one of (DIMENSIONS,), cut into the parameters' shapes."""
    parts = rows.split([math.prod(shape) for shape in SHAPES.values()], dim=-1)
    return {
        name: part.reshape(*rows.shape[:-1], *shape)
        for (name, shape), part in zip(SHAPES.items(), parts, strict=True)
    }


def as_rows(gradients: Mapping[str, Tensor]) -> Tensor:
    """The inverse of `as_mapping`, for a batch: shape (batch, DIMENSIONS)."""
    return torch.cat([gradients[name].flatten(1) for name in SHAPES], dim=1)


def verify_clip(clip: Callable) -> None:
    """Each example's whole gradient into the ball of radius C; those inside unchanged; zero stays zero."""
    for sizes, limit in (
        ([9.0, 0.4, 2.0, 30.0], 1.7),
        ([0.0, 5.0, 0.1], 0.8),
        ([3.0], 3.5),
        ([4.0, 6.0], 0.5),
        ([0.2, 0.6, 0.03], 0.1),
    ):
        gradients = some_gradients(sizes, seed=len(sizes))
        changed = "Your function changed the gradients that it was given. Build a new dictionary."
        with same_inputs(changed, gradients), given(f"norms {sizes} and max_grad_norm={limit}"):
            got = clip(gradients, limit)
        rows = as_rows(expect_mapping(got, gradients))
        if not torch.isfinite(rows).all():
            raise NotYet("An example whose gradient is zero comes back as NaN: you divide by its norm, 0.")
        right = as_rows(clip_per_example(gradients, max_grad_norm=limit))
        if not close(rows, right, TOLERANCE):
            guesses = {why: as_rows(wrong) for why, wrong in _wrong_clips(gradients, limit).items()}
            raise which(rows, guesses, _why_clip(rows, limit), TOLERANCE)
    empty = some_gradients([], seed=0)
    with given("an empty batch"):
        expect_mapping(clip(empty, 1.0), empty)


def _why_clip(rows: Tensor, limit: float) -> str:
    largest = rows.norm(dim=1).max().item()
    if largest > limit * (1 + TOLERANCE):
        return (
            f"With max_grad_norm={limit} one example still has norm {largest:.3g}: that is its sensitivity."
        )
    return "Every norm is small enough, and it is not g · min(1, C / |g|), example by example."


def _wrong_clips(gradients: Mapping[str, Tensor], limit: float) -> dict[str, dict[str, Tensor]]:
    rows = as_rows(gradients)
    norms = rows.norm(dim=1, keepdim=True)
    safe = norms.clamp_min(1e-12)
    each = {
        name: tensor
        * (limit / tensor.flatten(1).norm(dim=1).clamp_min(1e-12))
        .clamp_max(1)
        .view(-1, *[1] * (tensor.ndim - 1))
        for name, tensor in gradients.items()
    }
    whole = rows * (limit / rows.norm().clamp_min(1e-12)).clamp_max(1)
    mean = rows * (limit / rows.mean(0).norm().clamp_min(1e-12)).clamp_max(1)
    total = rows * (limit / rows.sum(0).norm().clamp_min(1e-12)).clamp_max(1)
    return {
        "You clip each parameter by itself, so an example's whole gradient can still be longer than C: one "
        "norm an example, over all names together.": each,
        "You clip the batch as a whole, so one example can still fill all of it: one norm an example.":
            as_mapping(whole),
        "You measure the mean gradient and clip by that; each example needs its own norm.": as_mapping(mean),
        "You measure the sum over the batch and clip by that; each example needs its own norm.":
            as_mapping(total),
        "Nothing is clipped.": gradients,
        "You stretch short gradients to norm C too. Those inside the ball stay as they are: min(1, C / norm).":
            as_mapping(rows * limit / safe),
        "You cap each number of the gradient at ±C. The *norm* of the example's gradient is to be at most C.":
            as_mapping(rows.clamp(-limit, limit)),
        "A norm below 1 is taken for 1. To guard against a division by zero, 1e-12 is enough.":
            as_mapping(rows * (limit / norms.clamp_min(1)).clamp_max(1)),
        "The factor is upside down: it is C / norm where the norm is larger than C.":
            as_mapping(rows * (norms / limit).clamp_max(1)),
        "Short gradients are stretched and long ones kept: min(1, C / norm), not max.":
            as_mapping(rows * (limit / safe).clamp_min(1)),
        "The norm is a square root: you divide by the sum of squares.":
            as_mapping(rows * (limit / safe**2).clamp_max(1)),
        "That is the L1 norm, a sum of absolute values. The noise is Gaussian, so take the L2 norm.":
            as_mapping(rows * (limit / rows.abs().sum(1, keepdim=True).clamp_min(1e-12)).clamp_max(1)),
        "Long gradients become unit vectors; their norm should be C, not 1.":
            as_mapping(rows * (1 / safe).clamp_max(1)),
        "Examples that are too long are dropped; shrink them to norm C instead.":
            as_mapping(rows * (norms <= limit)),
    }  # fmt: skip
