"""Whom a vendor's scheduler invites: by a coin for each client, or in a way that only looks like it."""

from collections.abc import Iterator

import numpy as np
import torch

from course.audit_lab.blueprint import Sampler
from course.privacy import poisson_batch


def draw_cohorts(
    kind: Sampler, *, population: int, sample_rate: float, rounds: int, seed: int
) -> tuple[np.ndarray, ...]:
    """The positions of those invited to each of so many rounds in a row, int64, ascending.

    Args:
        kind: POISSON, or one of the ways to get this wrong.
        population: how many clients there are.
        sample_rate: the share of them that is invited on average.
        rounds: at least 1.
        seed: of the draw.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds!r}")
    generator = torch.Generator().manual_seed(seed)
    if sample_rate == 1:
        return tuple(np.arange(population) for _ in range(rounds))
    if kind is Sampler.POISSON:
        draws = [
            poisson_batch(population, sample_rate=sample_rate, generator=generator) for _ in range(rounds)
        ]
        return tuple(draw.numpy() for draw in draws)
    size = round(population * sample_rate)
    if kind is Sampler.FIXED:
        draws = [torch.randperm(population, generator=generator)[:size] for _ in range(rounds)]
        return tuple(np.sort(draw.numpy()) for draw in draws)
    rng = np.random.default_rng(seed)
    sizes = (
        rng.binomial(population, sample_rate, rounds) if kind is Sampler.VARYING_EPOCHS else [size] * rounds
    )
    invited = _shuffled_lists(population, rng)
    # Unique, because the end of one list and the start of the next may name somebody twice.
    return tuple(np.unique(np.array([next(invited) for _ in range(each)], dtype=np.int64)) for each in sizes)


def _shuffled_lists(population: int, rng: np.random.Generator) -> Iterator[int]:
    """Everybody in a random order, and then everybody again in another one, without end."""
    while True:
        yield from rng.permutation(population)
