"""A key in pieces: a public key that belongs to a group, and a decryption that needs all of them.

The remedy to one secret key in many hands, in the teaching ring of `ring_encryption`. To learn from, not to
deploy.
"""

import secrets
from collections.abc import Sequence

import numpy as np

from course.crypto.ring_encryption import (
    RingCiphertext,
    centred,
    multiply,
    new_secret,
    small_noise,
)

SMUDGE_BITS = 15
"""Noise of a partial decryption: uniform below 2^15, far above the ciphertext's own noise, which it hides."""


def public_share(common: np.ndarray, secret: np.ndarray, modulus: int) -> np.ndarray:
    """What one member publishes: noise − common · secret. The group's key is the sum of these."""
    return (small_noise(degree=len(common)) - multiply(common, secret, modulus)) % modulus


def encrypt_for_group(
    message: np.ndarray, joint: np.ndarray, common: np.ndarray, *, modulus: int, scale: float
) -> RingCiphertext:
    """Encrypt to the sum of all members' secrets; needs nothing secret.

    Args:
        message: N integers, as `encode` makes them.
        joint: the sum of all `public_share`s modulo q.
        common: the polynomial that all members agreed on, uniform modulo q.
    """
    blind = new_secret(degree=len(message))
    b = multiply(joint, blind, modulus) + small_noise(degree=len(message)) + message
    a = multiply(common, blind, modulus) + small_noise(degree=len(message))
    return RingCiphertext((b % modulus, a % modulus), modulus, scale)


def partial_decryption(ciphertext: RingCiphertext, secret: np.ndarray) -> np.ndarray:
    """One member's part of opening a ciphertext: a · secret, plus noise that hides the secret.

    Guarantee: all members' parts open the ciphertext; without one of them its share of a · s masks the
        message.
    Limits: members are honest but curious; a member may refuse, and then nothing opens. It opens whatever it
        is given: a member has to know that this is the sum, and not one person's ciphertext in its place.
        Deployed schemes choose the noise from a security parameter.
    Source: Mouchet, Troncoso-Pastoriza, Bossuat and Hubaux 2021, PoPETs 2021(4), ePrint 2020/304 (multiparty
        BFV and CKKS); Asharov et al. 2012, EUROCRYPT '12 (threshold decryption with smudging noise).
    """
    if len(ciphertext.parts) != 2:
        raise ValueError(f"a ciphertext of {len(ciphertext.parts)} parts; partial decryption needs two")
    a = ciphertext.parts[1]
    smudge = np.array([secrets.randbelow(2 ** (SMUDGE_BITS + 1)) - 2**SMUDGE_BITS for _ in a], dtype=object)
    return (multiply(a, secret, ciphertext.modulus) + smudge) % ciphertext.modulus


def open_together(ciphertext: RingCiphertext, partials: Sequence[np.ndarray]) -> np.ndarray:
    """The polynomial, noise included, from all members' partial decryptions."""
    return centred(sum(partials, ciphertext.parts[0]), ciphertext.modulus)
