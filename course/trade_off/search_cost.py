"""What the search itself has cost: nothing on public data, and on private data more than the run it found."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course.privacy import Adjacency, Ledger, PrivacyClaim, Unit, rdp_subsampled_gaussian, rdp_to_epsilon
from course.privacy.rdp import DEFAULT_ORDERS
from course.trade_off.promise import same_unit
from course.trade_off.setting import Setting

WAYS = ("public", "composition", "random stopping")


@dataclass(frozen=True)
class SearchCost:
    """What was spent on finding the setting.

    Attributes:
        how: "public" (no protected person's data), "composition" (every training counts) or "random stopping"
            (a random number of trainings, only the best one is shown).
        unit: of ε.
        epsilon: in nats, of all that the search computed on the clients' data, the model that it ends in
            included; 0 where the data were public, and then the released run pays its own ε.
        delta: of ε.
        num_settings: trained.
        num_trainings: in all; a mean where the number is random.
        uniform: the claim to enter in a ledger where every training had the same noise, rate and rounds;
            None where there is no such single claim.
    """

    how: str
    unit: Unit
    epsilon: float
    delta: float
    num_settings: int
    num_trainings: float
    uniform: PrivacyClaim | None = None

    def __str__(self) -> str:
        trained = f"{self.num_trainings:,.0f} trainings of {self.num_settings:,} settings"
        if self.how == "public":
            return (
                f"{trained}, on data of nobody who is promised anything: no privacy was spent on finding it"
            )
        if self.how == "composition":
            return (
                f"{trained}, all on the clients' own data: by composition {self.epsilon:.4g} nats per "
                f"{self.unit.value} at δ = {self.delta:g}, the model that is released included"
            )
        return (
            f"{trained} on average, on the clients' own data, of which only the best is ever shown: "
            f"{self.epsilon:.4g} nats per {self.unit.value} at δ = {self.delta:g}, that model included"
        )


def search_cost(
    settings: Sequence[Setting],
    *,
    num_seeds: int,
    delta: float,
    how: str,
    mean_trainings: float | None = None,
) -> SearchCost:
    """Count a search.

    Args:
        settings: that were tried; of those with one key (one training, looked at after several rounds), the
            longest counts.
        num_seeds: trainings of each setting.
        delta: of everything together.
        how: "public"; "composition"; or "random stopping": draw a number of trials K from a geometric
            distribution, try a random setting in each with `num_seeds` trainings, keep the best trial and
            show nothing of the others.
        mean_trainings: the mean of K · num_seeds, for "random stopping".

    Raises:
        UnitsDiffer: if the settings have two units.
        ValueError: if an argument is out of its range.

    Guarantee: an upper bound by RDP, under ADD_REMOVE, against those who do not know who was drawn.
    Limits: for trainings with coins and noise of their own. It counts the *training* data. The clients who
        judge the models have spent their data on the choice, and get no promise: they must be volunteers.
        Random stopping bounds a search that draws its settings by chance; a grid worked through in order, or
        one that stops when it likes what it sees, is not covered.
    Source: composition: RDP adds up (Mironov 2017, arXiv:1702.07476, Proposition 1). Random stopping:
        Papernot and Steinke 2022, arXiv:2110.03620v2, Theorem 2 with η = 1.
    """
    unit = same_unit(settings, what="the cost of a search")
    longest = {s.key: s for s in sorted(settings, key=lambda setting: setting.rounds)}
    if how not in WAYS or num_seeds != int(num_seeds) or num_seeds < 1 or not 0 < delta < 1:
        raise ValueError(
            f"how is one of {', '.join(WAYS)}, num_seeds at least 1 and delta in (0, 1); got {how!r}, "
            f"{num_seeds!r} and {delta!r}"
        )
    count = len(longest) * num_seeds
    if how == "public":
        return SearchCost(how, unit, 0.0, delta, len(longest), count)
    curves = np.array([training_rdp(setting) for setting in longest.values()]) * num_seeds
    uniform = None
    if how == "composition":
        total = curves.sum(0)
        uniform = _one_claim(tuple(longest.values()), num_seeds=num_seeds, delta=delta)
    else:
        if mean_trainings is None or not mean_trainings >= num_seeds:
            raise ValueError(
                f"mean_trainings must be at least num_seeds = {num_seeds}; got {mean_trainings!r}"
            )
        total, count = repeated_rdp(curves.max(0), mean_trials=mean_trainings / num_seeds), mean_trainings
    # At an order where nothing is known the curve is infinite, and another order decides.
    known = np.isfinite(total)
    epsilon = math.inf
    if known.any():
        epsilon = rdp_to_epsilon(total[known], orders=np.array(DEFAULT_ORDERS)[known], delta=delta)
    return SearchCost(how, unit, epsilon, delta, len(longest), count, uniform)


def training_rdp(setting: Setting) -> np.ndarray:
    """The RDP of one training at each of `DEFAULT_ORDERS`, in nats."""
    return setting.rounds * _step_rdp(float(setting.noise_multiplier), float(setting.sample_rate))


def repeated_rdp(rdp: np.ndarray, *, mean_trials: float) -> np.ndarray:
    """The RDP of the best of a geometric number of trials, when only the best is shown.

    With K geometric of mean 1/γ, at order λ, for every other order λ' ≥ 1:
    ε(λ) + 2 (1 − 1/λ') ε(λ') + 2 log(1/γ) / λ' + log(1/γ) / (λ − 1).

    Args:
        rdp: of one trial at `DEFAULT_ORDERS`, whichever setting is tried.
        mean_trials: 1/γ ≥ 1.

    Source: Papernot and Steinke 2022, arXiv:2110.03620v2, Theorem 2 with η = 1.
    """
    if not mean_trials >= 1:
        raise ValueError(f"at least one trial is made, so their mean is at least 1; got {mean_trials!r}")
    orders = np.array(DEFAULT_ORDERS)
    once_more = np.min((1 - 1 / orders) * rdp + math.log(mean_trials) / orders)
    return rdp + 2 * once_more + math.log(mean_trials) / (orders - 1)


@functools.lru_cache(maxsize=512)
def _step_rdp(noise_multiplier: float, sample_rate: float) -> np.ndarray:
    curve = [
        rdp_subsampled_gaussian(noise_multiplier=noise_multiplier, sample_rate=sample_rate, order=order)
        for order in DEFAULT_ORDERS
    ]
    return np.array(curve)


def _one_claim(settings: tuple[Setting, ...], *, num_seeds: int, delta: float) -> PrivacyClaim | None:
    kinds = {(s.noise_multiplier, s.sample_rate, s.rounds) for s in settings}
    if len(kinds) > 1:
        return None
    ((noise_multiplier, sample_rate, rounds),) = kinds
    return Ledger().record(
        f"the search: {len(settings)} settings × {num_seeds} seeds", noise_multiplier=noise_multiplier,
        unit=settings[0].unit, adjacency=Adjacency.ADD_REMOVE, sample_rate=sample_rate, delta=delta,
        steps=rounds * num_seeds * len(settings), accountant="rdp",
    )  # fmt: skip
