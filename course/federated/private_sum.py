"""A sum that is private as well as secret: noise shares inside, secure aggregation around."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from course.crypto import SecureSum, Stage, secure_sum
from course.crypto.masks import MODULUS, residue_type
from course.privacy.distributed_gaussian import NoiseShares, noisy_steps

_TAILS = 8.0
"""The sum may leave its expected range by so many standard deviations of the noise before it overflows."""


@dataclass(frozen=True, eq=False)
class PrivateSum:
    """What comes of a private sum.

    Attributes:
        total: the noisy sum over the survivors, shape (length,), in the units of the vectors.
        survivors: whose vectors and shares of noise are in it.
        secure_sum: what the protocol gave: residues and traffic.
    """

    total: np.ndarray = field(repr=False)
    survivors: tuple[int, ...]
    secure_sum: SecureSum = field(repr=False)


def private_sum(
    vectors: Mapping[int, np.ndarray],
    *,
    shares: NoiseShares,
    threshold: int,
    dropouts: Mapping[int, Stage] | None = None,
    modulus: int = MODULUS,
    generators: Mapping[int, np.random.Generator] | None = None,
    **options: object,
) -> PrivateSum:
    """Clip each vector, add each client's share of noise, and let the server see the secure sum only.

    Args:
        vectors: client id → numbers, shape (length,), all of one length.
        shares: the clipping and the noise.
        threshold, dropouts, modulus, options: as of `secure_sum`.
        generators: client id → the source of its noise; None draws a secret seed for each client.

    Raises:
        ThresholdNotMet: if too few clients reply in some stage.
        ValueError: if the modulus leaves no room for the sum and its noise, or from `secure_sum`.

    Guarantee: what `course.privacy.distributed_gaussian.record_sum` enters for num_shares = the number of
        survivors, against whoever sees the sum and none of the shares.
    Limits: as of `noisy_steps` and `secure_sum`. Whoever takes part can subtract its own share.
    Source: Kairouz, Liu, Steinke 2021, arXiv:2102.06387, Algorithms 1 and 2.
    """
    check_room(shares, num_clients=len(vectors), modulus=modulus)
    if generators is None:
        generators = {client: np.random.default_rng(secrets.randbits(256)) for client in vectors}
    rows = {
        client: to_residues(noisy_steps(vector, shares, rng=generators[client]), modulus=modulus)
        for client, vector in vectors.items()
    }
    found = secure_sum(rows, threshold=threshold, dropouts=dropouts, modulus=modulus, **options)
    return PrivateSum(from_residues(found.total, modulus=modulus) * shares.step, found.survivors, found)


def check_room(shares: NoiseShares, *, num_clients: int, modulus: int = MODULUS) -> None:
    """Nothing, if a sum over so many clients overflows with probability below 1e-14 an entry.

    Raises:
        ValueError: if it may. An overflow costs no privacy, but the sum is another number.
    """
    residue_type(modulus)
    needed = num_clients * shares.norm_steps + _TAILS * shares.share_std * num_clients**0.5
    if needed >= modulus // 2:
        raise ValueError(
            f"{num_clients} clients may add up to ±{needed:.3g} steps, and modulo {modulus} there is room "
            f"for ±{modulus // 2 - 1}: take fewer norm_steps than {shares.norm_steps}, or a larger modulus"
        )


def to_residues(steps: np.ndarray, *, modulus: int = MODULUS) -> np.ndarray:
    """Signed whole numbers modulo `modulus`, as the unsigned integers that `secure_sum` adds."""
    return np.asarray(steps, dtype=np.int64).astype(residue_type(modulus))


def from_residues(residues: np.ndarray, *, modulus: int = MODULUS) -> np.ndarray:
    """The whole numbers in [−modulus / 2, modulus / 2) that these residues stand for, int64."""
    kind = residue_type(modulus)
    return residues.astype(kind).view(kind.str.replace("u", "i")).astype(np.int64)
