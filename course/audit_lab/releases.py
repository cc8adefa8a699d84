"""What a vendor makes of its sums: noise, a published loss, and a meter of what was spent."""

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from course.audit_lab.blueprint import (
    DELTA,
    LOSS_SHARE,
    NORM_STEPS,
    Blueprint,
    Loss,
    Meter,
    Noise,
    NoiseSeat,
)
from course.audit_lab.records import Cohort, as_update
from course.federated.private_sum import to_residues
from course.privacy import (
    Adjacency,
    NoiseShares,
    many_discrete_gaussians,
    noisy_steps,
    rdp_subsampled_gaussian,
    rdp_to_epsilon,
)
from course.privacy.distributed_gaussian import clip_to_steps
from course.privacy.rdp import DEFAULT_ORDERS

PUBLIC_EXAMPLES = 32


def update_multiplier(blueprint: Blueprint) -> float:
    """The noise of the updates over their norm: more than the round's, where a loss takes its share of it."""
    if blueprint.loss is not Loss.NOISED:
        return blueprint.noise_multiplier
    return blueprint.noise_multiplier / math.sqrt(1 - LOSS_SHARE)


def device_message(
    update: np.ndarray, blueprint: Blueprint, *, cohort_size: int, rng: np.random.Generator
) -> np.ndarray:
    """What one device puts into the sum: its clipped update in steps, with its noise if that is its task."""
    shares = NoiseShares(
        blueprint.annex.max_update_norm, update_multiplier(blueprint),
        1 if blueprint.seat is NoiseSeat.LOCAL else cohort_size, NORM_STEPS,
    )  # fmt: skip
    if blueprint.seat is NoiseSeat.SERVER or blueprint.noise is not Noise.FRESH:
        return to_residues(clip_to_steps(update, shares))
    return to_residues(noisy_steps(update, shares, rng=rng))


def released_sum(
    cohorts: Sequence[Cohort], blueprint: Blueprint, *, rng: np.random.Generator, fixed_seed: int
) -> np.ndarray:
    """The sum over all cohorts in units of the update, with the server's noise if that is its task."""
    total = np.sum([as_update(cohort.total, blueprint.annex) for cohort in cohorts], axis=0)
    if blueprint.seat is not NoiseSeat.SERVER or blueprint.noise is Noise.NONE:
        return total
    source = rng if blueprint.noise is Noise.FRESH else np.random.default_rng(fixed_seed)
    noise_steps = update_multiplier(blueprint) * NORM_STEPS
    return total + blueprint.annex.step * many_discrete_gaussians(
        len(total), noise_std=noise_steps, rng=source
    )


def published_loss(
    losses: Mapping[int, float], mean_release: np.ndarray, blueprint: Blueprint, *, rng: np.random.Generator
) -> float:
    """The loss after a round.

    Limits: simulated. Each loss would be one more entry of its client's vector in the secure sum; here the
        sum is taken in the open, and no part of the record shows it.

    Args:
        losses: client id → its own loss; one counts from 0 to 1.
        mean_release: of all rounds so far: the model as the public knows it, shape (length,).
    """
    own = np.clip(list(losses.values()), 0.0, 1.0)
    if blueprint.loss is Loss.RAW_MEAN:
        return float(own.mean())
    if blueprint.loss is Loss.RAW_WORST:
        return float(own.max())
    if blueprint.loss is Loss.NOISED:
        noise = rng.normal(scale=blueprint.noise_multiplier / math.sqrt(LOSS_SHARE))
        # Not over the number of clients that came: that would be one more thing to protect.
        return float((own.sum() + noise) / (blueprint.annex.sample_rate * blueprint.annex.population))
    # The same public examples for everybody, so this is computed from what has been published before.
    public = np.random.default_rng(0).standard_normal((PUBLIC_EXAMPLES, len(mean_release)))
    margins = public @ mean_release / (blueprint.annex.max_update_norm * math.sqrt(len(mean_release)))
    return float(np.logaddexp(0.0, -margins).mean())


def reported_epsilon(blueprint: Blueprint, *, rounds_run: int) -> float:
    """What the vendor's meter shows after so many rounds."""
    annex = blueprint.annex
    if blueprint.meter is Meter.PREPAID:
        return annex.epsilon
    counted = {
        Meter.HONEST: rounds_run,
        Meter.ONE_ROUND: 1,
        Meter.RENEWED: (rounds_run - 1) % annex.rounds + 1,
        Meter.CAPPED: min(rounds_run, annex.rounds),
    }[blueprint.meter]
    return _spent(blueprint.noise_multiplier, annex.sample_rate, counted, annex.adjacency)


def _spent(noise_multiplier: float, sample_rate: float, steps: int, adjacency: Adjacency) -> float:
    """As `epsilon_spent` by the accountant "rdp", which would compute the curve of one round every time."""
    # Who is replaced moves the sum by 2C, so the noise counts half.
    halved = noise_multiplier / (2 if adjacency is Adjacency.REPLACE_ONE else 1)
    curve = steps * np.array(_curve_of_one_round(halved, sample_rate))
    return rdp_to_epsilon(curve, orders=DEFAULT_ORDERS, delta=DELTA)


@functools.lru_cache(maxsize=256)
def _curve_of_one_round(noise_multiplier: float, sample_rate: float) -> tuple[float, ...]:
    run = {"noise_multiplier": noise_multiplier, "sample_rate": sample_rate}
    return tuple(rdp_subsampled_gaussian(order=order, **run) for order in DEFAULT_ORDERS)
