"""Masks: vectors modulo 2^k that look uniform, from a key of 32 bytes by ChaCha20."""

import struct
from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from course.crypto.field import is_integer
from course.crypto.keys import derive_key

MODULUS = 2**32

# Little-endian unsigned integers: their arithmetic is arithmetic modulo 2^16, 2^32 and 2^64.
_TYPES = {2**16: np.dtype("<u2"), 2**32: np.dtype("<u4"), 2**64: np.dtype("<u8")}


def residue_type(modulus: int) -> np.dtype:
    """The unsigned integers that hold one entry modulo `modulus`.

    Raises:
        ValueError: if the modulus is not 2^16, 2^32 or 2^64.
    """
    if not is_integer(modulus) or modulus not in _TYPES:
        raise ValueError(f"the modulus must be 2**16, 2**32 or 2**64; got {modulus!r}")
    return _TYPES[modulus]


def largest_entry(num_clients: int, *, modulus: int = MODULUS) -> int:
    """How large each entry may be, so that the sum over so many clients cannot overflow.

    Overflow rule: a sum is a sum modulo `modulus`. A larger one comes out smaller by a multiple of the
    modulus, and nobody can notice, because nobody sees the entries.

    Raises:
        ValueError: if the number of clients is not positive or the modulus is none of ours.
    """
    residue_type(modulus)
    if not is_integer(num_clients) or num_clients < 1:
        raise ValueError(f"num_clients must be an integer ≥ 1; got {num_clients!r}")
    return (modulus - 1) // num_clients


def residues(vector: Sequence[int] | np.ndarray, *, modulus: int = MODULUS) -> np.ndarray:
    """A copy of the vector as unsigned integers, shape (length,); nothing is reduced in silence.

    Raises:
        ValueError: if it is not one-dimensional, is empty, or an entry is no integer in [0, modulus).
    """
    kind = residue_type(modulus)
    if not isinstance(vector, np.ndarray):
        vector = list(vector)
        if not all(is_integer(entry) or isinstance(entry, np.integer) for entry in vector):
            raise ValueError("the entries of a vector must be integers")
        vector = np.array([int(entry) for entry in vector], dtype=object)
    elif vector.dtype.kind not in "iu":
        raise ValueError(f"the entries of a vector must be integers; got an array of {vector.dtype}")
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"a vector has one dimension and an entry; got shape {vector.shape}")
    if int(vector.min()) < 0 or int(vector.max()) >= modulus:
        raise ValueError(f"entries must be in [0, {modulus}); got {vector.min()} … {vector.max()}")
    return vector.astype(kind)


def keystream(key: bytes, num_bytes: int, *, counter: int = 0, nonce: bytes = bytes(12)) -> bytes:
    """That many bytes of the key stream of ChaCha20.

    Limits: the same key, nonce and counter give the same bytes; a mask key is used for one mask.
    Source: RFC 8439, sections 2.3 and 2.4.
    """
    start = struct.pack("<I", counter) + nonce
    return Cipher(ChaCha20(key, start), mode=None).encryptor().update(bytes(num_bytes))


def expand(key: bytes, length: int, *, modulus: int) -> np.ndarray:
    """The mask of a key, shape (length,), uniform modulo `modulus` to whoever does not have the key."""
    kind = residue_type(modulus)
    return np.frombuffer(keystream(key, length * kind.itemsize), dtype=kind)


def self_mask(seed: bytes, client_id: int, *, session: bytes, length: int, modulus: int) -> np.ndarray:
    """The mask that one client adds alone; it is taken off with the seed, once that is reconstructed.

    Guarantee: it hides the input of a client whose pairwise masks become known because it was late.
    Source: Bonawitz et al. 2017, ePrint 2017/281, section 4 ("double-masking").
    """
    return expand(derive_key(seed, b"self mask", session, (client_id,)), length, modulus=modulus)


def pairwise_mask(
    shared_secret: bytes, one: int, other: int, *, session: bytes, length: int, modulus: int
) -> np.ndarray:
    """The mask that client `one` adds on account of client `other`; the other adds its negative.

    Guarantee: the masks of the two cancel in a sum that has both.
    Source: Bonawitz et al. 2017, ePrint 2017/281, section 4 ("masking with one-time pads").
    """
    key = derive_key(shared_secret, b"pairwise mask", session, (min(one, other), max(one, other)))
    mask = expand(key, length, modulus=modulus)
    return mask if one < other else np.negative(mask)
