"""Checker of exercise 06.1: is the batch a Poisson sample, that is, one independent coin an example?"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import ALARM
from course.exercises.probe import given

EXAMPLES, RATE, DRAWS = 12, 0.3, 1_500
"""Few examples, so that one draw in seventy is empty; a rate whose complement is another one."""


def torch_generator(name: str) -> torch.Generator:
    """torch's form of `checking_rng`."""
    return torch.Generator().manual_seed(int(checking_rng(f"06 {name}").integers(2**62)))


def verify_poisson(sample: Callable) -> None:
    """Positions without repeats, at the rate, independent of each other and of the last batch; none at times."""
    batches = _draw(sample)
    _expect_randomness(sample, batches)
    inside = np.zeros((DRAWS, EXAMPLES), dtype=bool)
    for row, batch in zip(inside, batches, strict=True):
        row[batch.numpy()] = True
    _expect_mean_size(inside.sum(1))
    _expect_rate(inside)
    correlations = np.corrcoef(inside.T)[np.triu_indices(EXAMPLES, k=1)]
    if correlations.max() > 0.99:
        raise NotYet("Two examples share one coin: they are always in together. Each has a coin of its own.")
    _expect_sizes(inside.sum(1))
    _expect_independence(inside, correlations)
    _expect_other_numbers(sample)


def _draw(sample: Callable) -> list[Tensor]:
    generator = torch_generator("batches")
    with given(f"{EXAMPLES} examples and sample_rate={RATE}"):
        return [_expect_positions(sample(EXAMPLES, RATE, generator), EXAMPLES) for _ in range(DRAWS)]


def _expect_positions(batch: object, num_examples: int) -> Tensor:
    if batch is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(batch, Tensor):
        raise NotYet(f"It returned a {type(batch).__name__}; it should be a tensor of positions.")
    if batch.dtype == torch.bool:
        raise NotYet("It returned the coins themselves. Return the positions where they are True.")
    if batch.ndim != 1:
        raise NotYet(
            f"The positions should be in one row, shape (batch,); yours have shape {tuple(batch.shape)}."
        )
    if batch.dtype != torch.int64:
        raise NotYet(f"Positions are whole numbers, torch.int64; yours are {batch.dtype}.")
    if len(batch) and not (batch.min() >= 0 and batch.max() < num_examples):
        raise NotYet(f"With {num_examples} examples, positions go from 0 to {num_examples - 1}.")
    if len(torch.unique(batch)) < len(batch):
        raise NotYet("The same example is in one batch twice. One coin an example: in, or out.")
    return batch


def _expect_randomness(sample: Callable, batches: list[Tensor]) -> None:
    if all(torch.equal(batch, batches[0]) for batch in batches[1:]):
        raise NotYet("Every batch is the same. Draw the coins anew at each call, and set no seed inside.")
    again = _draw_few(sample, "batches")
    if any(not torch.equal(a, b) for a, b in zip(again, batches, strict=False)):
        raise NotYet("The same generator gave other batches. Hand it on: torch.rand(…, generator=generator).")
    other = _draw_few(sample, "other batches")
    if all(torch.equal(a, b) for a, b in zip(again, other, strict=True)):
        raise NotYet("Two different generators gave the same batches. Let `generator` toss the coins.")


def _draw_few(sample: Callable, name: str) -> list[Tensor]:
    generator = torch_generator(name)
    return [sample(EXAMPLES, RATE, generator) for _ in range(20)]


def _expect_mean_size(sizes: np.ndarray) -> None:
    if (sizes == sizes[0]).all():
        raise NotYet(
            f"Every batch has {sizes[0]} examples. That is a batch of fixed size, not a Poisson sample: with one "
            "coin an example the size varies."
        )
    if abs(sizes.mean() / EXAMPLES - (1 - RATE)) < 0.02:
        raise NotYet(
            f"The rate is {1 - RATE:.1f} instead of {RATE}. The example is in when its coin is *below*."
        )
    # A right sampler has an empty batch among so many with all but a probability of 1e-9.
    if (sizes == 0).sum() == 0:
        raise NotYet("No batch is ever empty. At times all coins say no, and the accountant counts on it.")
    if abs(sizes.mean() - EXAMPLES * RATE) > _far(math.sqrt(EXAMPLES * RATE * (1 - RATE) / DRAWS)):
        raise NotYet(f"At sample_rate={RATE}, a share of {sizes.mean() / EXAMPLES:.2f} is drawn.")


def _expect_sizes(sizes: np.ndarray) -> None:
    """The χ² test of all sizes, the rare ones (fewer than five expected, the usual rule) counted as one."""
    expected = stats.binom(EXAMPLES, RATE).pmf(np.arange(EXAMPLES + 1)) * DRAWS
    observed, rare = np.bincount(sizes, minlength=EXAMPLES + 1), expected < 5
    pooled = [np.append(counts[~rare], counts[rare].sum()) for counts in (observed, expected)]
    if stats.chisquare(*pooled).pvalue < ALARM:
        raise NotYet(
            f"The sizes vary, but not as those of {EXAMPLES} independent coins: their variance should be "
            f"n q (1 − q) = {EXAMPLES * RATE * (1 - RATE):.2f}; yours is {sizes.var():.2f}."
        )


def _far(std: float, tests: int = 1) -> float:
    """How far a normal deviate of this standard deviation goes by chance, two-sided."""
    return std * stats.norm.isf(ALARM / 2 / tests)


def _expect_rate(inside: np.ndarray) -> None:
    shares = inside.mean(0)
    worst = int(np.abs(shares - RATE).argmax())
    if abs(shares[worst] - RATE) > _far(math.sqrt(RATE * (1 - RATE) / DRAWS), EXAMPLES):
        raise NotYet(
            f"Example {worst} is in {shares[worst]:.0%} of the batches, at sample_rate={RATE}. Everybody has the "
            "same chance."
        )


def _expect_independence(inside: np.ndarray, correlations: np.ndarray) -> None:
    if np.abs(correlations).max() > _far(1 / math.sqrt(DRAWS), len(correlations)):
        raise NotYet("Who is drawn depends on who else is drawn. Each example has a coin of its own.")
    again = (inside[1:] & inside[:-1]).mean()
    # Two batches in a row share a number of examples that is binomial; neighbouring pairs overlap a little.
    std = math.sqrt(RATE**2 * (1 - RATE**2) + 2 * RATE**3 * (1 - RATE)) / math.sqrt(inside[1:].size)
    if abs(again - RATE**2) > _far(std):
        raise NotYet("Who is drawn depends on the batch before. Toss all coins anew in each step.")


def _expect_other_numbers(sample: Callable) -> None:
    generator = torch_generator("other numbers")
    for num_examples, rate in ((1, 1.0), (2_000, 0.05)):
        with given(f"{num_examples} examples and sample_rate={rate}"):
            size = len(_expect_positions(sample(num_examples, rate, generator), num_examples))
        if abs(size - num_examples * rate) > _far(math.sqrt(num_examples * rate * (1 - rate))):
            raise NotYet(
                f"With {num_examples:,} examples and sample_rate={rate} the batch has {size}. Are both used?"
            )
