"""One face over three accountants: how much ε a run has spent, and how much noise an ε needs."""

import functools
import math
import numbers
import warnings

from scipy.optimize import brentq

from course.privacy.neighbours import Adjacency
from course.privacy.rdp import DEFAULT_ORDERS, rdp_subsampled_gaussian, rdp_to_epsilon

ACCOUNTANTS = ("prv", "rdp", "pld")

_RELATIVE_ERROR = 5e-4
"""What the PRV bound may add to ε for its own numerical error, as a share of ε."""

_COARSE_ERROR = 0.02
"""The same for its first, cheap pass."""

_LONGEST_GRID = 2**20
"""Points of the PRV grid: a second and 400 MiB. Where ε is small, it binds, and the bound is looser."""

_INVERSE_TOLERANCE = 2e-4
"""`noise_for` returns noise whose ε lies within this share below the one asked for."""


def epsilon_spent(
    *,
    noise_multiplier: float,
    sample_rate: float,
    steps: int,
    delta: float,
    accountant: str = "prv",
    adjacency: Adjacency = Adjacency.ADD_REMOVE,
) -> float:
    """The ε of a Gaussian mechanism run `steps` times, each time on a Poisson-sampled batch.

    Args:
        noise_multiplier: noise_std / C, where C bounds the norm of what one record (or person) contributes.
        sample_rate: the probability of each record to be in a batch, from 0 to 1 (1: everybody, always).
        steps: how often noise was added, over the whole run.
        delta: 0 < δ < 1, of the whole run.
        accountant: "prv" (Opacus's), "pld" (Google's dp-accounting) or "rdp" (ours, by hand).
        adjacency: of the promise.

    Returns:
        ε ≥ 0 of the whole run, in nats. Without noise it is infinite; without steps, or at rate 0, it is 0.

    Raises:
        ValueError: if an argument is out of its range or not a number, or if no library here supports the
            combination (REPLACE_ONE with sampling: only "pld"), or when the noise is too small for "prv".

    Guarantee: the run is (ε, δ)-DP, if batches were Poisson-sampled and the noise was what is stated.
    Limits: an upper bound on the loss, not a measurement. "rdp" is the loosest; "prv" adds its grid's error,
        below 1 % of ε but where ε is small and the steps are many (at rate 0.001: for ε below about 0.3). The
        floats of the noise itself are not covered (Mironov 2012). For REPLACE_ONE with sampling, that its
        pair of distributions is the worst one is dp-accounting's word, which nothing here checks.
    Source: "rdp" Mironov et al. 2019, arXiv:1908.10530; "prv" Gopi, Lee, Wutschitz 2021, arXiv:2106.02848,
        in Opacus; "pld" Doroshenko et al. 2022, arXiv:2207.04380, in dp-accounting.
    """
    _check(noise_multiplier, sample_rate, steps, delta, accountant, adjacency)
    if steps == 0 or sample_rate == 0:
        return 0.0
    if noise_multiplier == 0:
        return math.inf
    if adjacency is Adjacency.REPLACE_ONE and accountant != "pld":
        if sample_rate < 1:
            raise ValueError(
                f"accountant {accountant!r} knows Poisson sampling under ADD_REMOVE only; for REPLACE_ONE "
                "use accountant='pld', or sample_rate=1"
            )
        # Everybody takes part, so replacing a record moves the sum by at most 2C instead of C.
        noise_multiplier /= 2
    spent = {"prv": _prv, "rdp": _rdp, "pld": _pld}[accountant]
    if accountant == "pld":
        return spent(float(noise_multiplier), float(sample_rate), int(steps), float(delta), adjacency)
    return spent(float(noise_multiplier), float(sample_rate), int(steps), float(delta))


def noise_for(
    epsilon: float,
    *,
    delta: float,
    sample_rate: float,
    steps: int,
    accountant: str = "prv",
    adjacency: Adjacency = Adjacency.ADD_REMOVE,
) -> float:
    """The smallest noise multiplier whose run spends at most `epsilon`: the inverse of `epsilon_spent`.

    Args:
        epsilon: > 0 and finite, of the whole run, in nats.
        delta, sample_rate, steps, accountant, adjacency: as in `epsilon_spent`; at least one step, rate > 0.

    Returns:
        The noise multiplier, relative error below 1e-3, on the side that keeps the promise.

    Raises:
        ValueError: if an argument is out of its range or not a number, or if the accountant cannot resolve
            an ε as small or as large as this one.
    """
    if not isinstance(epsilon, numbers.Real) or not 0 < epsilon < math.inf:
        raise ValueError(f"epsilon must be a finite number above 0, not {epsilon!r}")
    _check(1.0, sample_rate, steps, delta, accountant, adjacency)
    if steps == 0 or sample_rate == 0:
        raise ValueError("without a step, or at sample_rate 0, nothing is released and no noise is needed")

    def spent(noise: float, by: str) -> float:
        return epsilon_spent(
            noise_multiplier=noise, sample_rate=sample_rate, steps=steps, delta=delta, accountant=by,
            adjacency=adjacency,
        )  # fmt: skip

    # Where ours serves, it is a hundred times faster than the others and close to them, so most of the
    # search is done on it; only its distance from the accountant asked for is corrected.
    guide = accountant if adjacency is Adjacency.REPLACE_ONE and sample_rate < 1 else "rdp"
    aim = goal = epsilon * (1 - _INVERSE_TOLERANCE / 2)
    for _ in range(30):
        noise = _root(lambda candidate: spent(candidate, guide), aim)
        got = spent(noise, accountant)
        if epsilon * (1 - _INVERSE_TOLERANCE) <= got <= epsilon:
            return noise
        if got == 0:
            break
        aim *= goal / got
    raise ValueError(
        f"accountant {accountant!r} cannot resolve ε = {epsilon!r} at δ = {delta!r}, sample_rate "
        f"{sample_rate!r} and {steps!r} steps; try accountant='pld', or another ε"
    )


def _root(spent, epsilon: float) -> float:
    """The noise at which the decreasing function `spent` is `epsilon`."""

    def excess(log_noise: float) -> float:
        return math.log(max(spent(math.exp(log_noise)), 1e-300) / epsilon)

    low, high = -1.0, 1.0
    while excess(low) < 0:
        low -= 1
        if low < -12:
            raise ValueError(f"ε = {epsilon:g} asks for less noise than any accountant here can resolve")
    while excess(high) > 0:
        high += 1
        if high > 40:
            raise ValueError(f"ε = {epsilon:g} asks for more noise than any accountant here can resolve")
    return math.exp(brentq(excess, low, high, xtol=1e-9, rtol=1e-9))


def _check(noise_multiplier, sample_rate, steps, delta, accountant, adjacency) -> None:
    if accountant not in ACCOUNTANTS:
        raise ValueError(f"there is no accountant {accountant!r}; choose one of {', '.join(ACCOUNTANTS)}")
    if not isinstance(adjacency, Adjacency):
        raise ValueError(f"adjacency is Adjacency.ADD_REMOVE or Adjacency.REPLACE_ONE, not {adjacency!r}")
    rules = {
        "noise_multiplier must be a finite number, at least 0": (
            noise_multiplier,
            lambda x: 0 <= x < math.inf,
        ),
        "sample_rate must lie between 0 and 1": (sample_rate, lambda x: 0 <= x <= 1),
        "steps must be a whole number, at least 0": (steps, lambda x: 0 <= x < math.inf and x == int(x)),
        "delta must lie strictly between 0 and 1": (delta, lambda x: 0 < x < 1),
    }
    for rule, (value, holds) in rules.items():
        # A NaN fails each comparison; text and None cannot be compared at all.
        if not isinstance(value, numbers.Real) or not holds(value):
            raise ValueError(f"{rule}; got {value!r}")


@functools.lru_cache(maxsize=4096)
def _rdp(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> float:
    one_step = [
        rdp_subsampled_gaussian(noise_multiplier=noise_multiplier, sample_rate=sample_rate, order=order)
        for order in DEFAULT_ORDERS
    ]
    return rdp_to_epsilon([steps * value for value in one_step], orders=DEFAULT_ORDERS, delta=delta)


@functools.lru_cache(maxsize=512)
def _prv(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> float:
    # Opacus takes a second to import, and much of the course needs no accountant.
    from opacus.accountants import PRVAccountant

    accountant = PRVAccountant()
    accountant.history = [(noise_multiplier, sample_rate, steps)]
    finest = _finest_prv_error(noise_multiplier, sample_rate, steps, delta)
    # Opacus returns its estimate plus the error that it was allowed; a coarse pass finds how large ε is.
    rough = _COARSE_ERROR * _rdp(noise_multiplier, sample_rate, steps, delta)
    with warnings.catch_warnings():
        # It warns about the RDP orders of its own first guess, about log 0 at sample_rate 1, and when a
        # number overflows; the first two do not touch its bound, and the third ends in the check below.
        warnings.simplefilter("ignore")
        try:
            first = accountant.get_epsilon(delta, eps_error=max(rough, finest))
            bound = accountant.get_epsilon(delta, eps_error=max(_RELATIVE_ERROR * first, finest))
        except (RuntimeError, ValueError, MemoryError) as refusal:
            raise ValueError(_beyond_prv(noise_multiplier, sample_rate, steps, delta)) from refusal
    if not math.isfinite(bound):
        raise ValueError(_beyond_prv(noise_multiplier, sample_rate, steps, delta))
    return max(0.0, float(bound))


def _beyond_prv(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> str:
    return (
        f"Opacus's PRV accountant cannot resolve noise_multiplier {noise_multiplier!r}, sample_rate "
        f"{sample_rate!r}, {steps} steps, δ = {delta!r}; use accountant='pld'"
    )


def _finest_prv_error(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> float:
    """The smallest error in ε that Opacus can give on a grid of `_LONGEST_GRID` points.

    Its grid covers at least −3 to 3, however small ε is, at a spacing of error / √(steps · log(12 / δ') / 2).
    """
    failure = delta / 1000  # δ', Opacus's own choice of the error in δ.
    half_width = max(
        _rdp(noise_multiplier, sample_rate, steps, failure / 4),
        _rdp(noise_multiplier, sample_rate, 1, failure / (8 * steps)),
    )
    return 2 * (half_width + 3) * math.sqrt(steps * math.log(12 / failure) / 2) / _LONGEST_GRID


@functools.lru_cache(maxsize=512)
def _pld(
    noise_multiplier: float, sample_rate: float, steps: int, delta: float, adjacency: Adjacency
) -> float:
    import dp_accounting
    from dp_accounting.pld import PLDAccountant

    relation = {
        Adjacency.ADD_REMOVE: dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
        Adjacency.REPLACE_ONE: dp_accounting.NeighboringRelation.REPLACE_ONE,
    }[adjacency]
    accountant = PLDAccountant(relation, _pld_interval(noise_multiplier, sample_rate))
    one_step = dp_accounting.GaussianDpEvent(noise_multiplier)
    if sample_rate < 1:
        one_step = dp_accounting.PoissonSampledDpEvent(sample_rate, one_step)
    accountant.compose(one_step, steps)
    return max(0.0, float(accountant.get_epsilon(delta)))


def _pld_interval(noise_multiplier: float, sample_rate: float) -> float:
    """The spacing of privacy losses: below dp-accounting's 1e-4 when one step's loss is itself that small."""
    typical_loss = sample_rate * math.sqrt(math.expm1(min(noise_multiplier**-2, 100.0)))
    return min(1e-4, max(1e-6, typical_loss / 50))
