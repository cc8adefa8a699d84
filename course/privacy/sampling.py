"""Poisson sampling: who takes part in a step, as the accountant of DP-SGD assumes it."""

import torch
from torch import Tensor


def poisson_batch(num_examples: int, *, sample_rate: float, generator: torch.Generator) -> Tensor:
    """Toss a coin for each example: its position is in the batch with probability `sample_rate`.

    Args:
        num_examples: how many examples there are, ≥ 0.
        sample_rate: the coin's chance of "in", in (0, 1].
        generator: the source of randomness.

    Returns:
        int64 positions in ascending order, shape (batch,). The size varies, and 0 is possible.

    Raises:
        ValueError: if the number is negative or the rate is outside (0, 1].

    Guarantee: the coins are independent, so one more person in the data changes nobody else's chance.
    Limits: a batch of fixed size, or a shuffled pass over the data, is *not* this; the ε computed for
        Poisson sampling does not hold for them. `generator` is a statistical one; its seed must stay secret.
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1 ("with sampling probability L/N"); Mironov,
        Talwar and Zhang 2019, arXiv:1908.10530, section 3.
    """
    if num_examples < 0 or not 0 < sample_rate <= 1:
        raise ValueError(
            f"got {num_examples} examples and sample_rate={sample_rate}; it needs ≥ 0 and a rate in (0, 1]"
        )
    # Drawn in double precision: single precision would round the rate to a multiple of 2^-24.
    coins = torch.rand(num_examples, generator=generator, dtype=torch.float64)
    return (coins < sample_rate).nonzero().squeeze(1)
