"""Was this client there? A matched filter on the noisy sums, for promises per client and per example."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from course.privacy import Unit, clip_factors
from course.trade_off.problem import CLASSES, DIMENSIONS, Clients
from course.trade_off.setting import Setting
from course.trade_off.training import (
    LOCAL_RATE,
    SERVER_RATE,
    client_sum,
    example_sum,
    generator_of,
    local_updates,
)


def client_scores(
    clients: Clients, setting: Setting, *, targets: Sequence[Sequence[int]], runs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of an attacker who sees every round's noisy sum and knows what the target would have sent.

    In each round the attacker projects the sum, without what the others sent, on the target's whole clipped
    contribution, and adds the projections up: the higher, the more likely the target was there.

    Args:
        clients: of the training that is attacked.
        setting: of the training.
        targets: each either (client,), all that this client holds, or (client, example), one of its examples.
        runs: how often the target's coins and the noise are drawn, with the target and without.
        seed: of the training and of the draws.

    Returns:
        (scores, shape (targets, 2 · runs); was there, shape (2 · runs,)).

    Raises:
        ValueError: if a target is not (client,) or (client, example), or `runs` is not at least 1.

    Limits: the attacker knows the others' contributions, as the analysis of DP assumes. One training gives
        the weights of all runs, so what the target changes in later rounds is left out. For one Gaussian sum
        this is the best attack; under sampling a likelihood ratio would find a little more.
    """
    if runs < 1 or not targets or any(len(target) not in (1, 2) for target in targets):
        raise ValueError(f"targets are (client,) or (client, example), runs ≥ 1; got {targets!r}, {runs!r}")
    per_client = setting.unit is Unit.CLIENT
    add_up = client_sum if per_client else example_sum
    expected = setting.sample_rate * (len(clients) if per_client else clients.labels.numel())
    coins, noise, draws = generator_of(seed, 2), generator_of(seed, 3), np.random.default_rng([seed, 4])
    noise_std = setting.noise_multiplier * setting.max_norm
    weights, scores = torch.zeros(DIMENSIONS, CLASSES), np.zeros((len(targets), 2 * runs))
    for _ in range(setting.rounds):
        for place, target in enumerate(targets):
            rows = contributions(weights, clients, setting, target=target)
            whole = rows.sum(0)
            drawn = draws.random((runs, len(rows))) < setting.sample_rate
            scores[place, :runs] += drawn @ (rows @ whole).double().numpy()
            scores[place] += noise_std * float(whole.norm()) * draws.normal(size=2 * runs)
        total = add_up(weights, clients, setting, coins)
        total += noise_std * torch.randn(weights.shape, generator=noise)
        weights = weights + SERVER_RATE * total / expected
    return scores, np.arange(2 * runs) < runs


def contributions(weights: Tensor, clients: Clients, setting: Setting, *, target: Sequence[int]) -> Tensor:
    """What a target adds to a round's sum, a row for each coin that is tossed for it.

    Returns:
        Shape (coins, DIMENSIONS · CLASSES). At CLIENT one row, the clipped update; at EXAMPLE a row for each
        example, its clipped negative gradient.
    """
    if setting.unit is Unit.CLIENT and len(target) == 2:
        raise ValueError(f"where a client is drawn whole, its examples have no coin of their own: {target!r}")
    client = target[0]
    inputs, labels = clients.inputs[client : client + 1], clients.labels[client : client + 1]
    if setting.unit is Unit.CLIENT:
        rows = local_updates(weights, Clients(inputs, labels), local_epochs=setting.local_epochs).flatten(1)
    else:
        chosen = slice(None) if len(target) == 1 else slice(target[1], target[1] + 1)
        x, errors = inputs[0, chosen], one_hot(labels[0, chosen], CLASSES).float()
        errors = errors - torch.softmax(x @ weights, -1)
        rows = LOCAL_RATE * (x[:, :, None] * errors[:, None, :]).flatten(1)
    norms = rows.norm(dim=1) / (1.0 if setting.unit is Unit.CLIENT else LOCAL_RATE)
    return rows * clip_factors(norms, max_grad_norm=setting.max_norm)[:, None]
