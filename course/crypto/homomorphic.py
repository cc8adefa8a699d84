"""Averages of vectors that stay encrypted on the server: CKKS by TenSEAL, each role with its own bytes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from course.crypto.ckks_parameters import AVERAGING, CkksParameters

if TYPE_CHECKING:
    import tenseal

Message = tuple[bytes, ...]
"""A vector as it travels: one serialised ciphertext for each N/2 numbers, in order."""


def tenseal_library() -> ModuleType:
    """TenSEAL, imported only when it is needed: the rest of `course.crypto` runs where it has no wheel.

    Raises:
        ImportError: if it is not installed, with what to do.
    """
    try:
        import tenseal
    except ImportError as error:
        raise ImportError(
            "homomorphic encryption needs TenSEAL, which is not installed here: run `pip install tenseal`, "
            "with a Python for which it has a wheel (3.11 has); all else in course.crypto works without it"
        ) from error
    return tenseal


def num_bytes(message: Message) -> int:
    """Bytes of all ciphertexts of a message."""
    return sum(map(len, message))


@dataclass(frozen=True)
class PublicKey:
    """What everybody may have: parameters, and TenSEAL's serialised context without the secret key."""

    parameters: CkksParameters
    context: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.load().has_secret_key():
            raise ValueError("this context holds the secret key; a public key must not")

    def load(self) -> tenseal.Context:
        """TenSEAL's context, which encrypts and computes, and cannot decrypt."""
        return tenseal_library().context_from(self.context, 1)


class KeyHolder:
    """Whoever can decrypt. Makes the keys, hands the public one out, and opens what it is given.

    Guarantee: `public` holds no secret; encryption to it is secure against those who see ciphertexts only
        (IND-CPA), at 128 bits against classical attacks, if ring-LWE is as hard as the standard's table
        assumes.
    Limits: it opens *anything*, one client's vector as readily as the average, so nobody who talks to the
        server may hold it. Decrypted numbers carry the noise of the encryption: passed on unrounded they can
        give the key away (Li and Micciancio 2021). Ciphertexts are malleable and have no sender.
    Source: Cheon, Kim, Kim and Song 2017, ePrint 2016/421, through Microsoft SEAL and TenSEAL.
    """

    def __init__(self, parameters: CkksParameters = AVERAGING) -> None:
        tenseal, self.parameters = tenseal_library(), parameters
        self._context = tenseal.context(
            tenseal.SCHEME_TYPE.CKKS,
            parameters.ring_degree,
            coeff_mod_bit_sizes=list(parameters.modulus_bits),
            n_threads=1,
        )
        self._context.global_scale = 2.0**parameters.scale_bits

    @property
    def public(self) -> PublicKey:
        """The public key, with the key that products need where the parameters allow products."""
        context = self._context.serialize(
            save_secret_key=False, save_galois_keys=False, save_relin_keys=self.parameters.depth > 0
        )
        return PublicKey(self.parameters, context)

    @property
    def secret(self) -> bytes:
        """The secret key, serialised, for those cases in which several hold it."""
        return self._context.serialize(
            save_secret_key=True, save_galois_keys=False, save_relin_keys=self.parameters.depth > 0
        )

    @classmethod
    def from_secret(cls, parameters: CkksParameters, secret: bytes) -> KeyHolder:
        """The same key holder, elsewhere."""
        holder = cls.__new__(cls)
        holder.parameters, holder._context = parameters, tenseal_library().context_from(secret, 1)
        if not holder._context.has_secret_key():
            raise ValueError("these bytes hold no secret key")
        return holder

    def decrypt(self, message: Message, length: int) -> np.ndarray:
        """The vector of a message, float64 of shape (length,).

        Raises:
            ValueError: if the message is no such vector. One under another key is not noticed: it opens as
            noise.
        """
        slots, numbers = self.parameters.slots, []
        if len(message) != -(-length // slots):
            raise ValueError(f"{len(message)} ciphertexts; {length} numbers need {-(-length // slots)}")
        for start, ciphertext in enumerate(message):
            numbers += load(self._context, ciphertext, min(slots, length - start * slots)).decrypt()
        return np.array(numbers)


def load(context: tenseal.Context, ciphertext: bytes, size: int | None = None) -> tenseal.CKKSVector:
    """A ciphertext out of bytes.

    Raises:
        ValueError: if they do not parse under these parameters, or hold another number of slots than `size`.

    Limits: nothing authenticates a ciphertext; with a flipped bit it often parses, and opens as garbage.
    """
    try:
        vector = tenseal_library().ckks_vector_from(context, ciphertext)
    except RuntimeError as error:  # SEAL's own complaint about what TenSEAL could unpack.
        raise ValueError(f"these bytes are no ciphertext under these parameters: {error}") from error
    if len(vector.ciphertext()) != 1 or (size is not None and vector.size() != size):
        raise ValueError(
            f"{len(vector.ciphertext())} ciphertexts of {vector.size()} slots; expected one of {size} slots"
        )
    return vector


class Encryptor:
    """A client: encrypts with the public key, and cannot decrypt, not even its own."""

    def __init__(self, public: PublicKey) -> None:
        self.parameters, self._context = public.parameters, public.load()

    def encrypt(self, vector: Sequence[float] | np.ndarray) -> Message:
        """Encrypt a vector, N/2 numbers a ciphertext, the last one as long as what is left.

        Raises:
            ValueError: if it is empty or not 1-D, or a number is not finite or does not fit under the first
            prime.
        """
        vector, slots = np.asarray(vector, dtype=float), self.parameters.slots
        if vector.ndim != 1 or len(vector) == 0 or not np.isfinite(vector).all():
            raise ValueError(f"got shape {vector.shape}; need finite numbers in one dimension, at least one")
        largest = float(np.abs(vector).max())
        if largest >= self.parameters.largest_value:
            raise ValueError(
                f"a number of size {largest:g}; these parameters hold sizes below "
                f"{self.parameters.largest_value:g}"
            )
        chunks = [vector[start : start + slots] for start in range(0, len(vector), slots)]
        encrypt = tenseal_library().ckks_vector
        return tuple(encrypt(self._context, chunk.tolist()).serialize() for chunk in chunks)


class AveragingServer:
    """The server: adds ciphertexts up. It holds the public key only, and opens nothing."""

    def __init__(self, public: PublicKey) -> None:
        self._context = public.load()

    def add(self, messages: Sequence[Message]) -> Message:
        """The encrypted sum of encrypted vectors.

        Raises:
            ValueError: if there are none, they differ in length, or bytes do not parse.

        Limits: the sum must stay below `largest_value`; a server cannot see whether it does.
        """
        if not messages or len({len(message) for message in messages}) != 1:
            raise ValueError(f"messages of {[len(m) for m in messages]} ciphertexts; need one length, ≥ 1")
        total = []
        for ciphertexts in zip(*messages, strict=True):
            running = load(self._context, ciphertexts[0])
            for ciphertext in ciphertexts[1:]:
                running += load(self._context, ciphertext, running.size())
            total.append(running.serialize())
        return tuple(total)


@dataclass(frozen=True, eq=False)
class EncryptedAverage:
    """What comes of an encrypted average.

    Attributes:
        mean: the weighted mean, float64 of shape (length,), as the key holder decrypted it.
        total_weight: Σ num_examples, decrypted too.
        upload: bytes of one client's message; download: bytes of the encrypted sum.
        seconds: "encrypt" (all clients), "add" and "decrypt", wall clock of this process.
    """

    mean: np.ndarray = field(repr=False)
    total_weight: float
    upload: int
    download: int
    seconds: Mapping[str, float]


class CkksAverager:
    """All roles of an encrypted weighted mean in one process, over the bytes that would be sent.

    Each client encrypts its vector times its count, and the count; the server adds; the key holder decrypts
    the sum and divides. Of the counts it sees the sum only.

    Args:
        parameters: see `CkksParameters`.
        count_unit: a public number of examples, about as large as the clients' counts: weights are counts in
            this unit.

    Guarantee: the server sees ciphertexts only. The mean is within 1e-4 of the exact one for entries up to 1
        in absolute value and counts that add up to a `count_unit` or more, with the default parameters
        (tested; typically 1e-8).
    Limits: the key holder could open a single client's message if it got hold of it, see `KeyHolder`. The
        mean is revealed: two rounds that differ by one client give that client's vector away.
    """

    def __init__(self, parameters: CkksParameters = AVERAGING, *, count_unit: float = 1.0) -> None:
        if not 0 < count_unit < float("inf"):
            raise ValueError(f"count_unit is {count_unit}; it must be a positive number of examples")
        self.parameters, self.count_unit, self.key_holder = parameters, count_unit, KeyHolder(parameters)

    def average(
        self, vectors: Sequence[Sequence[float] | np.ndarray], num_examples: Sequence[float]
    ) -> EncryptedAverage:
        """Encrypt each vector, add, decrypt the weighted mean.

        Raises:
            ValueError: if counts are not positive, lengths differ, or a sum of so many clients might wrap
            around.
        """
        counts = np.asarray(num_examples, dtype=float)
        if len(vectors) != len(counts) or len(counts) == 0 or not (counts > 0).all():
            raise ValueError(
                f"{len(vectors)} vectors and counts {num_examples}: need one positive count each"
            )
        weighted = [
            np.append(vector, 1.0) * count / self.count_unit
            for vector, count in zip(vectors, counts, strict=True)
        ]
        self._check_room(weighted)
        client, server = Encryptor(self.key_holder.public), AveragingServer(self.key_holder.public)
        clock = [time.perf_counter()]
        messages = [client.encrypt(vector) for vector in weighted]
        clock.append(time.perf_counter())
        total = server.add(messages)
        clock.append(time.perf_counter())
        opened = self.key_holder.decrypt(total, len(weighted[0]))
        clock.append(time.perf_counter())
        return EncryptedAverage(
            opened[:-1] / opened[-1],
            float(opened[-1] * self.count_unit),
            num_bytes(messages[0]),
            num_bytes(total),
            dict(zip(("encrypt", "add", "decrypt"), np.diff(clock).tolist(), strict=True)),
        )

    def _check_room(self, weighted: Sequence[np.ndarray]) -> None:
        largest = self.parameters.largest_value / len(weighted)
        for vector in weighted:
            if vector.shape != weighted[0].shape or not np.abs(vector).max() < largest:
                raise ValueError(
                    f"a weighted vector of shape {vector.shape}, largest size {np.abs(vector).max():g}; all "
                    f"need one length, and with {len(weighted)} clients sizes below {largest:g}, or the sum "
                    "might wrap around: raise count_unit"
                )
