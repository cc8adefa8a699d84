"""Shares of the two secrets of a client, as bytes, and many secrets reconstructed at once."""

import functools
import math
from collections.abc import Sequence
from enum import IntEnum

from course.crypto.field import KEY_PRIME, inverse, random_element
from course.crypto.secret_sharing import evaluate, split
from course.crypto.stages import ProtocolViolation

SHARE_BYTES = 66
"""An element of the field of 2^521 − 1."""


class ShareKind(IntEnum):
    """Of what a share is. The server may have one kind of each client, never both."""

    SELF_MASK_SEED = 1
    MASKING_KEY = 2
    BOTH = 3


def share_secret(secret: bytes, *, threshold: int, num_shares: int) -> list[bytes]:
    """Shamir shares of a secret of 32 bytes, at the positions 1 … `num_shares`, 66 bytes each."""
    shares = split(int.from_bytes(secret, "big"), threshold, num_shares, prime=KEY_PRIME)
    return [share.y.to_bytes(SHARE_BYTES, "big") for share in shares]


def read_share(content: bytes) -> int:
    """The value of a share.

    Raises:
        ProtocolViolation: if the bytes are too few, too many, or no element of the field.
    """
    value = int.from_bytes(content, "big")
    if len(content) != SHARE_BYTES or value >= KEY_PRIME:
        raise ProtocolViolation(f"a share is {SHARE_BYTES} bytes, a number below 2^521 − 1")
    return value


def reconstruct_secrets(
    positions: Sequence[int], rows: Sequence[Sequence[int]], *, threshold: int, num_bytes: int = 32
) -> list[bytes]:
    """Secrets of `num_bytes` bytes, from shares that all lie at the same positions.

    Args:
        positions: of the share holders, all different, at least `threshold`.
        rows: for each secret, its shares in the order of `positions`.
        threshold: how many shares suffice; the others are checked against them.

    Raises:
        ProtocolViolation: if the shares of a secret do not lie on one polynomial, or give no such secret.
        ValueError: if there are fewer than `threshold`.

    Guarantee: of shares that do not lie on one polynomial, whoever made them, a fraction of 2^−521 passes.
    Source: Shamir 1979, "How to share a secret", CACM 22(11). The check: Cascudo and David 2017, "SCRAPE",
        ePrint 2017/216 (multiplied by a random word of the dual code, a valid row of shares gives 0).
    """
    if len(positions) < threshold:
        raise ValueError(f"{threshold} shares are needed to reconstruct; got {len(positions)}")
    slopes = _slopes(tuple(positions))
    through = math.prod(positions)
    # Lagrange's formula at 0, in which Π (0 − other) is ± Π positions / x.
    at_zero = [
        (-1) ** (len(positions) - 1) * through // x * slope % KEY_PRIME
        for x, slope in zip(positions, slopes, strict=True)
    ]
    random = [random_element(KEY_PRIME) for _ in range(len(positions) - threshold)]
    check = [
        evaluate(random, x, prime=KEY_PRIME) * slope % KEY_PRIME
        for x, slope in zip(positions, slopes, strict=True)
    ]
    secrets = []
    for row in rows:
        if _combine(row, check) != 0:
            raise ProtocolViolation("the shares of one secret contradict each other: one was changed")
        number = _combine(row, at_zero)
        if number >= 256**num_bytes:
            raise ProtocolViolation(f"shares give a number that is no secret of {num_bytes} bytes")
        secrets.append(number.to_bytes(num_bytes, "big"))
    return secrets


@functools.lru_cache(maxsize=256)
def _slopes(positions: tuple[int, ...]) -> list[int]:
    """1 / Π (x − other) for each position x: what Lagrange's formula divides by."""
    return [
        inverse(math.prod(x - other for other in positions if other != x), prime=KEY_PRIME) for x in positions
    ]


def _combine(row: Sequence[int], weights: Sequence[int]) -> int:
    return sum(y * weight for y, weight in zip(row, weights, strict=True)) % KEY_PRIME
