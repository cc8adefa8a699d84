"""A small CKKS, to read: numbers packed into one polynomial, hidden by noise, added and multiplied unopened.

Symbols: N = `degree`, a power of two; q = `modulus`; polynomials are arrays of N Python integers, lowest
power first, and X^N = −1. To learn from, not to deploy: so small a ring hides nothing from a lattice attack.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DEGREE = 64
"""N of the teaching ring: 32 slots. Real rings have 4,096 coefficients and more."""

COINS = 21
"""Pairs of coins in one draw of noise: variance 21/2, standard deviation 3.24, as in deployed sets."""


@dataclass(frozen=True, eq=False)
class RingCiphertext:
    """An encrypted polynomial and what is needed to read it besides the key.

    Attributes:
        parts: (b, a), or (b, a, …) after a product; each shape (N,), integers in [0, modulus).
        modulus: q; falls with every `rescale`.
        scale: how many steps make 1; grows with every product.
    """

    parts: tuple[np.ndarray, ...]
    modulus: int
    scale: float


def encode(values: Sequence[float], *, scale: float, degree: int = DEGREE) -> np.ndarray:
    """Pack up to N/2 numbers into a polynomial whose values at N/2 complex points they are, times the scale.

    Args:
        values: at most N/2 real numbers; zeros fill up.
        scale: steps in 1, > 0.
        degree: N.

    Returns:
        N integers (Python's), any sign.

    Raises:
        ValueError: if there are too many values or one is not finite.

    Guarantee: products of polynomials modulo X^N + 1 are products slot by slot.
    Source: Cheon, Kim, Kim and Song 2017, ePrint 2016/421, section 3 (the canonical embedding).
    """
    slots = np.zeros(degree // 2)
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) > len(slots) or not np.isfinite(values).all():
        raise ValueError(f"got shape {values.shape}; {degree // 2} finite numbers fit into the slots")
    slots[: len(values)] = values
    real = 2 / degree * (_roots(degree).conj().T @ slots).real
    return np.array([round(x) for x in real * scale], dtype=object)


def decode(message: np.ndarray, *, scale: float) -> np.ndarray:
    """The N/2 numbers of a polynomial: its values at the points, divided by the scale."""
    return (_roots(len(message)) @ np.asarray(message, dtype=float)).real / scale


def _roots(degree: int) -> np.ndarray:
    """Powers 0 … N − 1 of N/2 roots of X^N + 1, no two of them conjugate; shape (N/2, N)."""
    return np.exp(1j * np.pi * np.outer(2 * np.arange(degree // 2) + 1, np.arange(degree)) / degree)


def multiply(left: np.ndarray, right: np.ndarray, modulus: int) -> np.ndarray:
    """The product modulo X^N + 1 and modulo q."""
    degree = len(left)
    product = np.convolve(np.asarray(left, dtype=object), np.asarray(right, dtype=object))
    wrapped = product[:degree].copy()
    wrapped[: degree - 1] -= product[degree:]
    return wrapped % modulus


def uniform(modulus: int, *, degree: int = DEGREE) -> np.ndarray:
    """N independent, uniform integers in [0, q), unpredictable."""
    return np.array([secrets.randbelow(modulus) for _ in range(degree)], dtype=object)


def small_noise(*, degree: int = DEGREE) -> np.ndarray:
    """N small integers, unpredictable: heads among 21 coins minus heads among 21 others."""
    return np.array(
        [secrets.randbits(COINS).bit_count() - secrets.randbits(COINS).bit_count() for _ in range(degree)],
        dtype=object,
    )


def new_secret(*, degree: int = DEGREE) -> np.ndarray:
    """A secret key: N integers, each −1, 0 or 1."""
    return np.array([secrets.randbelow(3) - 1 for _ in range(degree)], dtype=object)


def encrypt(message: np.ndarray, secret: np.ndarray, *, modulus: int, scale: float) -> RingCiphertext:
    """Hide a polynomial: a is uniform, and b = message + noise − a · secret.

    Guarantee: without the secret, b looks uniform, if the decision ring-LWE problem is hard for this N and q.
    Limits: for N = 64 it is not. Ciphertexts are malleable: whoever has one can add to it and scale it.
    Source: Lyubashevsky, Peikert and Regev 2010, ePrint 2012/230 (ring-LWE); Cheon et al. 2017, section 3.
    """
    a = uniform(modulus, degree=len(message))
    b = (message + small_noise(degree=len(message)) - multiply(a, secret, modulus)) % modulus
    return RingCiphertext((b, a), modulus, scale)


def decrypt(ciphertext: RingCiphertext, secret: np.ndarray) -> np.ndarray:
    """The polynomial, noise included, centred: b + a · s, and s² times the third part if there is one."""
    total, power = ciphertext.parts[0], secret
    for part in ciphertext.parts[1:]:
        total = total + multiply(part, power, ciphertext.modulus)
        power = multiply(power, secret, ciphertext.modulus)
    return centred(total, ciphertext.modulus)


def centred(polynomial: np.ndarray, modulus: int) -> np.ndarray:
    """The same residues, between −q/2 and q/2."""
    half = modulus // 2
    return (polynomial + half) % modulus - half


def add(left: RingCiphertext, right: RingCiphertext) -> RingCiphertext:
    """The encrypted sum.

    Raises:
        ValueError: if moduli, scales or numbers of parts differ: the sum would be meaningless.
    """
    if (left.modulus, left.scale, len(left.parts)) != (right.modulus, right.scale, len(right.parts)):
        raise ValueError(
            f"moduli {left.modulus} and {right.modulus}, scales {left.scale:g} and {right.scale:g}, parts "
            f"{len(left.parts)} and {len(right.parts)}: all three must be equal to add"
        )
    parts = tuple((x + y) % left.modulus for x, y in zip(left.parts, right.parts, strict=True))
    return RingCiphertext(parts, left.modulus, left.scale)


def times(left: RingCiphertext, right: RingCiphertext) -> RingCiphertext:
    """The encrypted product: the scales multiplied, and more parts (2 and 2 make 3, 3 and 3 make 5).

    Raises:
        ValueError: if the moduli differ.

    Limits: nothing shrinks it back to two parts here; libraries do, with a relinearisation key.
    """
    if left.modulus != right.modulus:
        raise ValueError(f"moduli {left.modulus} and {right.modulus}; they must be equal to multiply")
    degree, modulus = len(left.parts[0]), left.modulus
    parts = [np.zeros(degree, dtype=object) for _ in range(len(left.parts) + len(right.parts) - 1)]
    for i, x in enumerate(left.parts):
        for j, y in enumerate(right.parts):
            parts[i + j] = (parts[i + j] + multiply(x, y, modulus)) % modulus
    return RingCiphertext(tuple(parts), modulus, left.scale * right.scale)


def rescale(ciphertext: RingCiphertext, factor: int) -> RingCiphertext:
    """Divide parts, scale and modulus by a factor: the numbers stay, the room above them shrinks.

    Raises:
        ValueError: if the factor does not divide the modulus, or nothing would be left.

    Limits: each coefficient of each part is rounded, which adds a little noise.
    Source: Cheon et al. 2017, section 3 (rescaling).
    """
    if factor < 2 or ciphertext.modulus % factor or ciphertext.modulus <= factor:
        raise ValueError(
            f"factor {factor} must divide the modulus {ciphertext.modulus} and leave more than 1 of it"
        )
    modulus = ciphertext.modulus // factor
    parts = tuple((part + factor // 2) // factor % modulus for part in ciphertext.parts)
    return RingCiphertext(parts, modulus, ciphertext.scale / factor)
