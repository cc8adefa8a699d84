"""Shares of the two secrets of a client, as bytes, and many secrets reconstructed at once."""

from collections.abc import Sequence
from enum import IntEnum

from course.crypto.field import KEY_PRIME, inverse
from course.crypto.secret_sharing import split
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

    Guarantee: as of `course.crypto.reconstruct`; the weights are computed once, not once a secret.
    Source: Shamir 1979, "How to share a secret", CACM 22(11).
    """
    base = positions[:threshold]
    at_zero = _weights(base, at=0)
    spares = [(index, _weights(base, at=positions[index])) for index in range(threshold, len(positions))]
    secrets = []
    for row in rows:
        for index, weights in spares:
            if _combine(row, weights) != row[index]:
                raise ProtocolViolation("the shares of one secret contradict each other: one was changed")
        number = _combine(row, at_zero)
        if number >= 256**num_bytes:
            raise ProtocolViolation(f"shares give a number that is no secret of {num_bytes} bytes")
        secrets.append(number.to_bytes(num_bytes, "big"))
    return secrets


def _weights(positions: Sequence[int], *, at: int) -> list[int]:
    # Lagrange: the value at `at` is Σ weight · share, for any polynomial of degree < len(positions).
    weights = []
    for x in positions:
        numerator = denominator = 1
        for other in positions:
            if other != x:
                numerator = numerator * (at - other) % KEY_PRIME
                denominator = denominator * (x - other) % KEY_PRIME
        weights.append(numerator * inverse(denominator, prime=KEY_PRIME) % KEY_PRIME)
    return weights


def _combine(row: Sequence[int], weights: Sequence[int]) -> int:
    return sum(y * weight for y, weight in zip(row, weights, strict=False)) % KEY_PRIME
