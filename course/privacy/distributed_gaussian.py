"""Distributed differential privacy: each client adds a share of noise, and only the sum has all of it."""

import math
from dataclasses import dataclass

import numpy as np

from course.privacy.ledger import DISTRIBUTED, Ledger, PrivacyClaim
from course.privacy.many_discrete_gaussians import many_discrete_gaussians
from course.privacy.neighbours import Adjacency, Unit

LEAST_SHARE_STD = 0.5
"""In steps. Below it the theorem on sums of discrete Gaussians says nothing."""

_TAIL = 12.0
"""How many standard deviations `closeness_to_gaussian` covers."""


@dataclass(frozen=True)
class NoiseShares:
    """What all clients agree on before they add noise: how long a vector may be, and how large a share is.

    Attributes:
        max_update_norm: C > 0, the L2 norm to which each client clips its vector, in the vector's units.
        noise_multiplier: z > 0, standard deviation over C of the noise in a sum with `planned_shares` shares.
        planned_shares: for how many shares the noise is planned. Take the threshold of the secure sum: with
            more survivors there is more noise than promised, never less. Take the expected number, and a sum
            with fewer survivors has less privacy than planned; `record_sum` says how much.
        norm_steps: how many whole steps make up C, at least 1; the sum is computed in steps.

    Why a share is z·C / √planned_shares: variances of independent noise add up.
    """

    max_update_norm: float
    noise_multiplier: float
    planned_shares: int
    norm_steps: int = 2**12

    def __post_init__(self) -> None:
        for name in ("max_update_norm", "noise_multiplier"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a finite number above 0; got {getattr(self, name)!r}")
        for name in ("planned_shares", "norm_steps"):
            if getattr(self, name) != int(getattr(self, name)) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number, at least 1; got {getattr(self, name)!r}")
        if self.share_std < LEAST_SHARE_STD:
            raise ValueError(
                f"a share of {self.share_std:.3g} steps is too small to be counted; it must be at least "
                f"{LEAST_SHARE_STD}: take more norm_steps than {self.norm_steps}"
            )

    @property
    def step(self) -> float:
        """One step, in the vector's units."""
        return self.max_update_norm / self.norm_steps

    @property
    def share_std(self) -> float:
        """Standard deviation of one client's share, in steps."""
        return self.noise_multiplier * self.norm_steps / math.sqrt(self.planned_shares)

    def multiplier_with(self, num_shares: int) -> float:
        """The noise multiplier of a sum that has so many shares: z · √(num_shares / planned_shares)."""
        _check_shares(num_shares)
        return self.noise_multiplier * math.sqrt(num_shares / self.planned_shares)


def clip_to_steps(vector: np.ndarray, shares: NoiseShares) -> np.ndarray:
    """A client's vector in whole steps, of L2 norm at most `norm_steps`.

    Args:
        vector: finite numbers, shape (length,).
        shares: says what the norm and a step are.

    Returns:
        int64, shape (length,).

    Raises:
        ValueError: if the vector has another shape, or an entry is not finite.

    Guarantee: the norm is at most `norm_steps`, checked in integers, so adding or removing the vector moves
        the sum by at most that (by twice that under REPLACE_ONE). Rounding is toward zero, which makes no
        entry longer; rounding to the nearest step could add √length / 2 steps to the norm.
    Limits: each entry is up to one step too small in absolute value.
    Source: Kairouz, Liu, Steinke 2021, arXiv:2102.06387, Algorithm 1 clips, scales, rounds and adds noise in
        this order; there the rounding is random, after a random rotation, and the norm grows a little.
    """
    numbers = np.asarray(vector, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError(f"a vector has one dimension and finite entries; got shape {numbers.shape}")
    # Divided by its largest entry first, so that squares of huge entries do not overflow.
    largest = np.abs(numbers).max(initial=0.0)
    norm = largest * float(np.linalg.norm(numbers / largest)) if largest > 0 else 0.0
    factor = shares.max_update_norm / norm if norm > shares.max_update_norm else 1.0
    while True:
        steps = np.trunc(numbers * factor / shares.step).astype(np.int64)
        # In integers of any size: the promise must not depend on how a float rounds.
        if sum(int(entry) ** 2 for entry in steps) <= shares.norm_steps**2:
            return steps
        factor *= 1 - 1e-9


def noisy_steps(vector: np.ndarray, shares: NoiseShares, *, rng: np.random.Generator) -> np.ndarray:
    """What a client puts into the secure sum: its clipped vector and its share of noise, in steps.

    Args:
        vector: finite numbers, shape (length,), in units of its own.
        shares: as all clients have agreed.
        rng: of this client alone, with a seed that nobody else knows.

    Returns:
        int64, shape (length,). Reduce it modulo the modulus of the sum; that costs no privacy.

    Guarantee: the *sum* over num_shares clients has the privacy that `record_sum` states, from whoever sees
        nothing but the sum. One share alone promises little: `multiplier_with(1)`.
    Limits: to learn from, not to deploy: the generator is not a cryptographic one. A client may add no noise,
        and nobody can notice; count only the shares of clients that you trust to add theirs.
    Source: Kairouz, Liu, Steinke 2021, arXiv:2102.06387, Algorithm 1.
    """
    steps = clip_to_steps(vector, shares)
    return steps + many_discrete_gaussians(len(steps), noise_std=shares.share_std, rng=rng)


def closeness_of_sum(num_shares: int, *, share_std: float) -> float:
    """How far a sum of discrete Gaussians is from one discrete Gaussian of the same variance, at most.

    Args:
        num_shares: n ≥ 1 independent discrete Gaussians.
        share_std: s ≥ 1/2, of each, in steps.

    Returns:
        η ≥ 0 so that no whole number is more than e^η times more or less likely in the one than in the other.
        It is 0 for one share, and so small from s = 3 on that no float shows it beside 1.

    Raises:
        ValueError: if a number is out of its range.

    Source: Kairouz, Liu, Steinke 2021, arXiv:2102.06387; their τ in Proposition 14 is twice this:
        τ = 10 Σ_{k=1}^{n−1} exp(−2π² s² k / (k+1)), since the two neighbouring sums each differ by η.
    """
    _check_shares(num_shares)
    if not LEAST_SHARE_STD <= share_std < math.inf:
        raise ValueError(f"share_std must be a finite number, at least {LEAST_SHARE_STD}; got {share_std!r}")
    return 5 * math.fsum(
        math.exp(-2 * (math.pi * share_std) ** 2 * k / (k + 1)) for k in range(1, num_shares)
    )


def closeness_to_gaussian(noise_std: float) -> float:
    """How far one discrete Gaussian is from a Gaussian that is rounded to the nearest whole number, at most.

    The rounded Gaussian has all that is known of the Gaussian, sampling included: rounding is done after the
    noise. At k the two differ by the mean of exp(−(2ku + u²) / 2s²) over u in ±1/2, which lies between
    exp(−1/8s²) and exp(k²/24s⁴); where |k| ≤ 12 s, that is within e^±(144 / 24s²).

    Args:
        noise_std: s ≥ 1/2, in steps.

    Limits: beyond 12 standard deviations there is no bound. An entry gets there with probability below
        4e-33, which is left out of δ.
    """
    if not LEAST_SHARE_STD <= noise_std < math.inf:
        raise ValueError(f"noise_std must be a finite number, at least {LEAST_SHARE_STD}; got {noise_std!r}")
    # The discrete one is normed by a sum instead of an integral: Poisson's formula gives the difference.
    return _TAIL**2 / (24 * noise_std**2) + 3 * math.exp(-2 * (math.pi * noise_std) ** 2)


def record_sum(
    ledger: Ledger,
    name: str,
    shares: NoiseShares,
    *,
    num_shares: int,
    length: int,
    delta: float,
    unit: Unit,
    adjacency: Adjacency,
    steps: int = 1,
    sample_rate: float = 1.0,
    accountant: str = "rdp",
) -> PrivacyClaim:
    """Enter what the sums of this name promise, with the noise that they really had, and give the claim back.

    Args:
        num_shares: how many shares are in each sum (the fewest, if there were several): the survivors, minus
            those that could tell their noise to whoever looks, or leave it out.
        length: entries of the vector.
        delta: of all sums together.
        unit, adjacency: whose data may differ, and how. ADD_REMOVE is right if a record adds a vector of norm
            C to the sum, or takes one away. A record that is one of many behind a client's clipped vector may
            turn this vector around, and that is REPLACE_ONE, whatever happens to the record.
        steps: how many sums were released.
        sample_rate: the probability with which a record is in each of them, drawn anew each time (Poisson),
            by somebody who tells nobody. So it is 1 for a CLIENT.
        accountant: "rdp", "prv" or "pld".

    Raises:
        ValueError: if an argument is out of its range, or for ADD_REMOVE or sampling of a CLIENT: who takes
            part is known to all, and a client that is removed takes its noise along, so only its vector can
            be private.

    Guarantee: (ε, δ)-DP of all the sums together. That a sum of shares is not quite discrete Gaussian adds
        2 · closeness to ε. With everybody in each sum, "rdp" needs no more than that, because the discrete
        Gaussian has the RDP of the Gaussian; otherwise `closeness_to_gaussian` comes on top: at most
        6e-6 an entry and step from 1,000 steps of noise on, so take many `norm_steps`.
    Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010, Theorem 4; Kairouz, Liu, Steinke 2021,
        arXiv:2102.06387, Proposition 14.
    """
    if unit is Unit.CLIENT and adjacency is Adjacency.ADD_REMOVE:
        raise ValueError("a client that is removed takes its share of the noise along: use REPLACE_ONE")
    if unit is Unit.CLIENT and sample_rate != 1:
        raise ValueError(f"who takes part is known to all: sample_rate is 1 for clients, not {sample_rate!r}")
    if length != int(length) or length < 1:
        raise ValueError(f"length must be a whole number, at least 1; got {length!r}")
    closeness = closeness_of_sum(num_shares, share_std=shares.share_std)
    if sample_rate != 1 or accountant != "rdp":
        closeness += closeness_to_gaussian(shares.share_std * math.sqrt(num_shares))
    return ledger.record(
        name, noise_multiplier=shares.multiplier_with(num_shares), unit=unit, adjacency=adjacency,
        delta=delta, steps=steps, sample_rate=sample_rate, mechanism=DISTRIBUTED, accountant=accountant,
        closeness=steps * length * closeness,
    )  # fmt: skip


def _check_shares(num_shares: int) -> None:
    if num_shares != int(num_shares) or num_shares < 1:
        raise ValueError(f"num_shares must be a whole number, at least 1; got {num_shares!r}")
