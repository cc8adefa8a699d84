"""What a secure sum costs in bytes: of each message, by its parts, and beside the count of the paper."""

import math
from collections.abc import Mapping

from course.crypto.field import is_integer
from course.crypto.key_shares import SHARE_BYTES
from course.crypto.keys import KEY_BYTES, SEAL_BYTES, SIGNATURE_BYTES
from course.crypto.masks import MODULUS, residue_type
from course.crypto.messages import ENTRY_BYTES, HEADER_BYTES
from course.crypto.neighbours import SEED_BYTES, check_degree
from course.crypto.secure_aggregation import Traffic
from course.crypto.stages import Stage

SUMMARY_BYTES = 41
"""Of the terms, without a degree."""

PAPER_KEY_BITS = PAPER_SHARE_BITS = 256


def message_bytes(
    num_clients: int, *, length: int, modulus: int = MODULUS, degree: int | None = None
) -> dict[Stage, Traffic]:
    """Bytes of the messages of one client, if nobody drops out.

    Args:
        num_clients: enrolled, n ≥ 2.
        length: entries of a vector.
        modulus: 2^16, 2^32 or 2^64.
        degree: neighbours of each client; None is everyone.

    Raises:
        ValueError: if an argument is out of range.

    Limits: a formula, which a test compares with what `secure_sum` sends. Whatever carries the messages
        adds bytes of its own.
    """
    if not is_integer(num_clients) or num_clients < 2 or not is_integer(length) or length < 1:
        raise ValueError(f"num_clients must be ≥ 2 and length ≥ 1; got {num_clients!r} and {length!r}")
    neighbours = num_clients - 1 if degree is None else check_degree(degree, num_clients)
    holders, share = neighbours + 1, 1 + SHARE_BYTES
    sealed = neighbours * (2 * SHARE_BYTES + SEAL_BYTES + ENTRY_BYTES)
    summary = SUMMARY_BYTES if degree is None else SUMMARY_BYTES + 4 + SEED_BYTES
    advertised = 2 * KEY_BYTES + SIGNATURE_BYTES
    views = _flag_bytes(num_clients, neighbours) + holders * (1 + SIGNATURE_BYTES)
    up = {
        Stage.ADVERTISE_KEYS: ENTRY_BYTES + advertised,
        Stage.SHARE_KEYS: sealed,
        Stage.MASKED_INPUT: ENTRY_BYTES + length * residue_type(modulus).itemsize,
        Stage.CONSISTENCY: ENTRY_BYTES + SIGNATURE_BYTES,
        Stage.UNMASK: holders * (ENTRY_BYTES + share),
    }
    down = {
        Stage.ADVERTISE_KEYS: ENTRY_BYTES + summary,
        Stage.SHARE_KEYS: holders * (ENTRY_BYTES + advertised),
        Stage.MASKED_INPUT: sealed,
        Stage.CONSISTENCY: holders * ENTRY_BYTES,
        Stage.UNMASK: holders * ENTRY_BYTES + views,
    }
    return {
        stage: Traffic(up=HEADER_BYTES + up[stage] + SIGNATURE_BYTES, down=HEADER_BYTES + down[stage])
        for stage in Stage
    }


def total_bytes(traffic: Mapping[Stage, Traffic]) -> int:
    """All bytes of one client, up and down."""
    return sum(each.up + each.down for each in traffic.values())


def expansion_parts(num_clients: int, *, length: int, input_bits: int = 16) -> dict[str, float]:
    """How many times the bytes of the bare vector a client sends and receives, by what they are for.

    Everyone has masks with everyone; nobody drops out. The bare vector has `input_bits` an entry; a sum of
    n of them needs log₂ n more, rounded up, and our entries are 2, 4 or 8 whole bytes.

    Returns:
        Part → multiple of the bare vector; the sum is the expansion.

    Raises:
        ValueError: if the sum needs more than 64 bits, or an argument is out of range.
    """
    needed_bits = math.ceil(math.log2(num_clients)) + input_bits
    packed_bits = next((bits for bits in (16, 32, 64) if bits >= needed_bits), None)
    if packed_bits is None:
        raise ValueError(f"a sum of {num_clients} numbers of {input_bits} bits has {needed_bits} bits")
    total = total_bytes(message_bytes(num_clients, length=length, modulus=2**packed_bits))
    others = num_clients - 1
    parts = {
        "entries, as wide as the sum needs": length * needed_bits / 8,
        "entries, rounded up to whole bytes": length * (packed_bits - needed_bits) / 8,
        "public keys": (num_clients + 1) * 2 * KEY_BYTES,
        "shares of secrets": (4 * others + num_clients) * SHARE_BYTES + 2 * others * SEAL_BYTES,
        "signatures": (2 * num_clients + 2 + len(Stage)) * SIGNATURE_BYTES,
    }
    parts["ids and headers"] = total - sum(parts.values())
    return {name: size * 8 / (length * input_bits) for name, size in parts.items()}


def paper_expansion_parts(num_clients: int, *, length: int, input_bits: int = 16) -> dict[str, float]:
    """The same, in the paper's count: ⌈log₂ R⌉ bits an entry, keys and shares of 256 bits, nothing else.

    Guarantee: gives 1.73 for 2^10 clients and 2^20 entries of 16 bits, 1.98 for 2^14 and 2^24, as published.
    Source: Bonawitz et al. 2017, ePrint 2017/281, the abstract (both figures) and the count of a user's
        communication in the evaluation: 2n keys, 5n − 4 shares, and the vector.
    """
    needed_bits = math.ceil(math.log2(num_clients)) + input_bits
    bits = {
        "entries, as wide as the sum needs": length * needed_bits,
        "public keys": 2 * num_clients * PAPER_KEY_BITS,
        "shares of secrets": (5 * num_clients - 4) * PAPER_SHARE_BITS,
    }
    return {name: size / (length * input_bits) for name, size in bits.items()}


def _flag_bytes(num_clients: int, degree: int) -> int:
    """Bytes of the flags that one client gets: of the neighbour `steps` away, it cannot see so many."""
    reach, beyond = degree // 2, num_clients - 1 - degree
    return sum(2 * math.ceil(min(steps, beyond) / 8) for steps in range(1, reach + 1))
