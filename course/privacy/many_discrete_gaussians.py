"""Many discrete Gaussians at once: the exact sampler with floats for all decisions but the close ones."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

_BITS = 62
_MARGIN = 1e-9
"""Relative. The floats below are right to about 1e-12, so outside it they decide as exact numbers do."""


def many_discrete_gaussians(size: int, *, noise_std: float, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers x drawn with probability proportional to exp(−x² / 2s²): as `discrete_gaussian`, faster.

    Args:
        size: how many, ≥ 0.
        noise_std: s > 0; the standard deviation of the result is at most s.
        rng: the source of uniform bits; its seed must stay secret.

    Returns:
        Shape (size,), int64.

    Raises:
        ValueError: if `size` is negative, or s is not a number above 0 and below 2^40.

    Guarantee: as of `discrete_gaussian`. Each decision "is the uniform U below exp(−γ)?" is made on the first
        62 bits of U where they settle it, with room for a thousand times the floats' error; else on as many
        more bits of U, and digits of exp(−γ) from the exact γ, as it takes.
    Limits: its running time varies with the values drawn.
    Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010, Algorithms 2 and 3; the coins are ours.
    """
    if size != int(size) or size < 0:
        raise ValueError(f"size must be a whole number, at least 0; got {size!r}")
    if not 0 < noise_std < 2**40:
        raise ValueError(f"noise_std must lie between 0 and 2^40; got {noise_std!r}")
    variance = Fraction(noise_std) ** 2
    t = math.isqrt(math.floor(variance)) + 1
    found = np.empty(0, dtype=np.int64)
    while len(found) < size:
        candidates = _discrete_laplace(2 * (size - len(found)) + 16, t, rng)
        distance = np.abs(candidates) - float(variance / t)

        def exact(place: int, candidates: np.ndarray = candidates) -> Fraction:
            return (abs(int(candidates[place])) - variance / t) ** 2 / (2 * variance)

        kept = _coins(distance**2 / (2 * float(variance)), exact, rng)
        found = np.concatenate([found, candidates[kept]])
    return found[: int(size)]


def _discrete_laplace(size: int, t: int, rng: np.random.Generator) -> np.ndarray:
    """At most `size` whole numbers, of probability proportional to exp(−|x| / t); Algorithm 2 with s = 1."""
    remainder = rng.integers(t, size=size)

    def exact(place: int, remainder: np.ndarray = remainder) -> Fraction:
        return Fraction(int(remainder[place]), t)

    remainder = remainder[_coins(remainder / t, exact, rng)]
    quotient, alive = np.zeros_like(remainder), np.arange(len(remainder))
    while len(alive):
        alive = alive[_coins(np.ones(len(alive)), lambda place: Fraction(1), rng)]
        quotient[alive] += 1
    magnitude, negative = remainder + t * quotient, rng.integers(2, size=len(remainder)) == 1
    # Zero has no sign; without this it would come up twice as often as it should.
    once = ~(negative & (magnitude == 0))
    return np.where(negative, -magnitude, magnitude)[once]


def _coins(gamma: np.ndarray, exact: Callable[[int], Fraction], rng: np.random.Generator) -> np.ndarray:
    """For each place, heads with probability exp(−γ); `gamma` is γ in floats, `exact(place)` is γ itself."""
    uniform = rng.integers(2**_BITS, size=len(gamma))
    bar = np.exp(-gamma) * 2.0**_BITS
    heads = uniform + 1 <= bar * (1 - _MARGIN)
    open_still = ~heads & (uniform < bar * (1 + _MARGIN) + 1)
    for place in np.flatnonzero(open_still):
        heads[place] = _exact_coin(exact(place), int(uniform[place]), rng)
    return heads


def _exact_coin(gamma: Fraction, uniform: int, rng: np.random.Generator) -> bool:
    """Whether U is below exp(−γ); `uniform` is the first 62 bits of U, and the others are drawn here."""
    bits = _BITS
    while True:
        uniform, bits = uniform << 64 | int.from_bytes(rng.bytes(8), "big"), bits + 64
        with localcontext() as context:
            # So many digits that the bar is right to far less than one unit of `uniform`.
            context.prec = bits // 3 + 30
            bar = (Decimal(-gamma.numerator) / gamma.denominator).exp() * 2**bits
            if uniform + 1 < bar:
                return True
            if uniform > bar + 1:
                return False
