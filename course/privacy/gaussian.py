"""How much Gaussian noise (ε, δ) needs: the exact curve, its inverse, and the classic formula beside it."""

import math

from scipy.optimize import brentq
from scipy.special import log_ndtr


def gaussian_delta(epsilon: float, *, noise_std: float, sensitivity: float) -> float:
    """The smallest δ for which Gaussian noise is (ε, δ)-DP: exact, not a bound.

    Args:
        epsilon: ε ≥ 0, in nats.
        noise_std: standard deviation of the noise on each coordinate, > 0, in the units of the value.
        sensitivity: how far neighbouring values may lie apart in L2 norm, > 0, in the same units.

    Returns:
        δ, between 0 and 1.

    Raises:
        ValueError: if a number is out of its range or not a number.

    Guarantee: below this δ the promise is false, from it on it is true.
    Source: Balle and Wang 2018, arXiv:1805.06530, Theorem 8.
    """
    if not 0 <= epsilon < math.inf:
        raise ValueError(f"epsilon must be a finite number, at least 0; got {epsilon!r}")
    _check_positive(noise_std=noise_std, sensitivity=sensitivity)
    ratio = sensitivity / noise_std
    # Φ(ratio/2 − ε/ratio) − e^ε Φ(−ratio/2 − ε/ratio), in logarithms because e^ε overflows and Φ underflows.
    first = log_ndtr(ratio / 2 - epsilon / ratio)
    second = epsilon + log_ndtr(-ratio / 2 - epsilon / ratio)
    return float(math.exp(first) * -math.expm1(min(0.0, second - first)))


def analytic_noise_std(*, sensitivity: float, epsilon: float, delta: float) -> float:
    """The smallest Gaussian noise that is (ε, δ)-DP, for any ε > 0.

    Args:
        sensitivity: in L2 norm, > 0, in the units of the value.
        epsilon: ε > 0, in nats.
        delta: 0 < δ < 1.

    Returns:
        The standard deviation for each coordinate, in the units of the value.

    Raises:
        ValueError: if a number is out of its range or not a number.

    Guarantee: `gaussian_delta` of this noise is at most δ, and within a millionth of it.
    Source: Balle and Wang 2018, arXiv:1805.06530, Algorithm 1 (which solves Theorem 8's equation, as here).
    """
    _check_positive(sensitivity=sensitivity, epsilon=epsilon)
    _check_delta(delta)

    def excess(log_std: float) -> float:
        return gaussian_delta(epsilon, noise_std=math.exp(log_std), sensitivity=1.0) - delta

    low, high = -1.0, 1.0
    while excess(low) < 0:
        low -= 1
    while excess(high) > 0:
        high += 1
    # A little above the root, so that the promise holds in spite of rounding.
    return sensitivity * math.exp(brentq(excess, low, high, xtol=1e-13) + 1e-9)


def classic_noise_std(*, sensitivity: float, epsilon: float, delta: float) -> float:
    """The textbook's noise, √(2 log(1.25 / δ)) · sensitivity / ε: larger than needed, and only for ε < 1.

    Args:
        sensitivity: in L2 norm, > 0, in the units of the value.
        epsilon: 0 < ε < 1, in nats.
        delta: 0 < δ < 1.

    Raises:
        ValueError: if a number is out of its range. From ε = 1 on the proof does not hold, and for large ε
            the formula's noise is too small for what it promises.

    Guarantee: (ε, δ)-DP.
    Limits: use `analytic_noise_std`, which needs less noise and works for every ε.
    Source: Dwork and Roth 2014, Theorem A.1.
    """
    _check_positive(sensitivity=sensitivity, epsilon=epsilon)
    _check_delta(delta)
    if epsilon >= 1:
        raise ValueError(
            f"the classic formula is proved for ε < 1 only, not {epsilon!r}: use analytic_noise_std"
        )
    return math.sqrt(2 * math.log(1.25 / delta)) * sensitivity / epsilon


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < math.inf:
            raise ValueError(f"{name} must be a finite number above 0; got {number!r}")


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie strictly between 0 and 1; got {delta!r}")
