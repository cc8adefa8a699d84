"""Small models, small clients and comparisons for the tests of `course.federated`."""

import torch
from torch import nn

from course.federated import Examples

ROUNDING = 1e-5
"""Relative; float32 arithmetic in another order differs by about 1e-7 an operation."""
PIXELS, DIGITS = 6, 4


def small_model(seed: int = 0) -> nn.Module:
    """A net with a hidden layer, small enough for hundreds of rounds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(PIXELS, 5), nn.Tanh(), nn.Linear(5, DIGITS))


def some_examples(count: int, seed: int = 0) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, PIXELS, generator=generator)
    return Examples(images, torch.randint(DIGITS, (count,), generator=generator))


def some_model(seed: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"weight": (2, 3), "bias": (2,), "scale": ()}
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in shapes.items()}


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def close(one, other, tolerance: float = ROUNDING) -> bool:
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], rtol=tolerance, atol=tolerance) for name in one
    )
