"""FedAvg with a private sum for many small clients: a cohort trains in a few tensor operations."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from course.privacy import Unit, clip_factors, poisson_batch
from course.trade_off.problem import CLASSES, DIMENSIONS, Clients
from course.trade_off.setting import Setting

LOCAL_RATE = 1.0
"""Learning rate of a client's steps."""

SERVER_RATE = 3.0
"""The server goes so many times the mean update. Both rates were fixed before the sweep, on one seed."""

_COINS, _NOISE = 0, 1
"""Two streams of randomness a seed, so that settings with one seed share cohorts and noise directions."""


def train(
    clients: Clients, setting: Setting, *, seed: int, checkpoints: Sequence[int] = ()
) -> dict[int, Tensor]:
    """One training, and the model that it would release if it stopped at each checkpoint.

    Args:
        clients: who is trained on.
        setting: how.
        seed: of the coins and of the noise.
        checkpoints: rounds after which to look, each at most `setting.rounds`; none means the last only.

    Returns:
        Rounds → weights, shape (DIMENSIONS, CLASSES): the mean of the iterates of the last half so far.

    Raises:
        ValueError: if a checkpoint is out of range.

    Guarantee: what `course.trade_off.promise` states for the setting. The average is computed from what the
        noisy sums gave, so it costs nothing more; and who stops at a checkpoint pays for its rounds only.
    Limits: teaching-grade: the coins and the noise come from a statistical generator, in single precision
        (Mironov 2012), and the noise is drawn in one piece, as the shares of a cohort add up to.
    Source: McMahan et al. 2018, arXiv:1710.06963, Algorithm 1 (client level, fixed denominator q·N); Abadi et
        al. 2016, arXiv:1607.00133v2, Algorithm 1 (example level).
    """
    stops = sorted(checkpoints) or [setting.rounds]
    if stops[0] < 1 or stops[-1] > setting.rounds:
        raise ValueError(f"checkpoints lie between 1 and {setting.rounds} rounds; got {list(checkpoints)}")
    coins, noise = generator_of(seed, _COINS), generator_of(seed, _NOISE)
    add_up = client_sum if setting.unit is Unit.CLIENT else example_sum
    expected = setting.sample_rate * (len(clients) if setting.unit is Unit.CLIENT else clients.labels.numel())
    weights = torch.zeros(DIMENSIONS, CLASSES)
    summed = {0: torch.zeros_like(weights)}  # Of all iterates so far; only what a mean needs is kept.
    running, kept = summed[0].clone(), {*stops, *(stop // 2 for stop in stops)}
    for done in range(1, stops[-1] + 1):
        total = add_up(weights, clients, setting, coins)
        total += setting.noise_multiplier * setting.max_norm * torch.randn(weights.shape, generator=noise)
        # The public number expected, not the number that came: that one would be a secret of its own.
        weights = weights + SERVER_RATE * total / expected
        running += weights
        if done in kept:
            summed[done] = running.clone()
    return {stop: (summed[stop] - summed[stop // 2]) / (stop - stop // 2) for stop in stops}


def client_sum(weights: Tensor, clients: Clients, setting: Setting, coins: torch.Generator) -> Tensor:
    """The sum of the clipped updates of a Poisson cohort, before noise; zeros if nobody was drawn.

    Guarantee: one client more or less moves it by at most `setting.max_norm` (L2).
    """
    cohort = poisson_batch(len(clients), sample_rate=setting.sample_rate, generator=coins)
    updates = local_updates(
        weights, Clients(clients.inputs[cohort], clients.labels[cohort]), local_epochs=setting.local_epochs
    )
    factors = clip_factors(updates.flatten(1).norm(dim=1), max_grad_norm=setting.max_norm)
    return (updates * factors[:, None, None]).sum(0)


def local_updates(weights: Tensor, clients: Clients, *, local_epochs: int) -> Tensor:
    """What each client would send in plain FedAvg: local − global weights after its own steps.

    Args:
        weights: global, shape (DIMENSIONS, CLASSES).
        clients: of the cohort.
        local_epochs: steps, each over all of the client's examples.

    Returns:
        Shape (clients, DIMENSIONS, CLASSES).
    """
    targets = one_hot(clients.labels, CLASSES).float()
    backward = clients.inputs.transpose(1, 2) * (LOCAL_RATE / max(clients.labels.shape[1], 1))
    # The first step starts from the same weights everywhere, so it needs no copy of them for each client.
    local = weights - backward @ (torch.softmax(clients.inputs @ weights, -1) - targets)
    for _ in range(local_epochs - 1):
        local = local - backward @ (torch.softmax(clients.inputs @ local, -1) - targets)
    return local - weights


def example_sum(weights: Tensor, clients: Clients, setting: Setting, coins: torch.Generator) -> Tensor:
    """The sum over all clients of the clipped negative gradients of the examples that they drew.

    Guarantee: one example more or less moves it by at most `setting.max_norm` (L2).
    """
    inputs, labels = clients.inputs.flatten(0, 1), clients.labels.flatten()
    drawn = poisson_batch(len(labels), sample_rate=setting.sample_rate, generator=coins)
    inputs, labels = inputs[drawn], labels[drawn]
    errors = one_hot(labels, CLASSES).float() - torch.softmax(inputs @ weights, -1)
    # An example's gradient is the outer product of its inputs and its errors, and so is its norm a product.
    norms = inputs.norm(dim=1) * errors.norm(dim=1)
    factors = clip_factors(norms, max_grad_norm=setting.max_norm)
    return LOCAL_RATE * inputs.T @ (errors * factors[:, None])


def generator_of(seed: int, stream: int) -> torch.Generator:
    """A generator for one purpose of one seed."""
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
