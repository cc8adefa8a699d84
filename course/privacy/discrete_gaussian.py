"""Gaussian noise on the integers, exact: no floating-point number decides anything."""

import math
from fractions import Fraction

import numpy as np


def discrete_gaussian(size: int, *, noise_std: float, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers x drawn with probability proportional to exp(−x² / 2s²).

    Args:
        size: how many, ≥ 0.
        noise_std: s > 0; the standard deviation of the result is at most s, and within 1e-6 of it from s = 2.
        rng: the source of uniform bits; its seed must stay secret.

    Returns:
        Shape (size,), int64.

    Raises:
        ValueError: if `size` is negative, or s is not a finite number above 0 (and below 2^40).

    Guarantee: added to an integer of sensitivity Δ it has the RDP of the Gaussian, α Δ² / 2s² at every order
        (and so "rdp" accounts for it); the sampler is exact, given uniform bits.
    Limits: slow (some 10,000 a second; `many_discrete_gaussians` draws a million), and its running time
        varies with the values drawn. Sums of several clients' noise are not exactly discrete Gaussian.
    Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010, Algorithms 1 to 3 and Theorem 4.
    """
    if size != int(size) or size < 0:
        raise ValueError(f"size must be a whole number, at least 0; got {size!r}")
    if not 0 < noise_std < 2**40:
        raise ValueError(f"noise_std must lie between 0 and 2^40; got {noise_std!r}")
    variance = Fraction(noise_std) ** 2
    return np.array([_discrete_gaussian(variance, rng) for _ in range(int(size))], dtype=np.int64)


def _discrete_gaussian(variance: Fraction, rng: np.random.Generator) -> int:
    """Algorithm 3: a discrete Laplace candidate, kept with the probability that makes it Gaussian."""
    t = math.isqrt(math.floor(variance)) + 1
    while True:
        candidate = _discrete_laplace(t, rng)
        if _coin_exp((abs(candidate) - variance / t) ** 2 / (2 * variance), rng):
            return candidate


def _discrete_laplace(t: int, rng: np.random.Generator) -> int:
    """Algorithm 2 with s = 1: x with probability proportional to exp(−|x| / t)."""
    while True:
        remainder = _below(t, rng)
        if not _coin_exp(Fraction(remainder, t), rng):
            continue
        quotient = 0
        while _coin_exp(Fraction(1), rng):
            quotient += 1
        magnitude, negative = remainder + t * quotient, _below(2, rng) == 1
        # Zero has no sign; without this it would come up twice as often as it should.
        if not (negative and magnitude == 0):
            return -magnitude if negative else magnitude


def _coin_exp(gamma: Fraction, rng: np.random.Generator) -> bool:
    """Algorithm 1: heads with probability exp(−γ), for any γ ≥ 0."""
    while gamma > 1:
        if not _coin_exp(Fraction(1), rng):
            return False
        gamma -= 1
    tosses = 1
    while _below(gamma.denominator * tosses, rng) < gamma.numerator:
        tosses += 1
    return tosses % 2 == 1


def _below(limit: int, rng: np.random.Generator) -> int:
    """A uniform whole number from 0 to limit − 1, however large the limit."""
    if limit <= 2**62:
        return int(rng.integers(limit))
    bits = limit.bit_length()
    while True:
        candidate = int.from_bytes(rng.bytes(bits // 8 + 1), "big") >> (8 * (bits // 8 + 1) - bits)
        if candidate < limit:
            return candidate
