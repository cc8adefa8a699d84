"""A log-in on encrypted templates: cosines of an encrypted probe with up to N/2 encrypted templates at once.

Three roles. The *sensor* encrypts what the camera saw; the *matching server* keeps encrypted templates and
computes; the *verifier* holds the secret key, opens scores only, and says yes or no.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from course.crypto.ckks_parameters import MATCHING
from course.crypto.homomorphic import Encryptor, KeyHolder, PublicKey, load

if TYPE_CHECKING:
    import tenseal

    Dot = Callable[[Sequence[tenseal.CKKSVector], Sequence[tenseal.CKKSVector]], tenseal.CKKSVector]

LENGTH_TOLERANCE = 1e-2
"""How far from 1 the opened squared length of a probe may be; the encryption's own error is near 1e-5."""


def unit_rows(embeddings: np.ndarray) -> np.ndarray:
    """Each row divided by its length.

    Raises:
        ValueError: if it is no matrix of finite numbers, or a row is 0.
    """
    embeddings = np.asarray(embeddings, dtype=float)
    if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
        raise ValueError(f"got shape {embeddings.shape}; need (people, dimension), all numbers finite")
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise ValueError("an embedding is 0 everywhere, and has no direction")
    return embeddings / lengths


@dataclass(frozen=True)
class Columns:
    """Encrypted vectors of many people, one ciphertext a coordinate: slot i of each belongs to person i.

    Packed this way, all dot products at once are `dimension` slotwise products and sums: no slot ever moves,
    so no rotation (Galois) keys are needed.
    """

    ciphertexts: tuple[bytes, ...] = field(repr=False)
    num_people: int

    @property
    def num_bytes(self) -> int:
        """Bytes of all ciphertexts."""
        return sum(map(len, self.ciphertexts))


class Sensor:
    """Camera and phone: sees the embedding in the clear, and encrypts it with the public key."""

    def __init__(self, public: PublicKey) -> None:
        self._encryptor, self.slots = Encryptor(public), public.parameters.slots

    def enrol(self, embeddings: np.ndarray) -> Columns:
        """Encrypt one template a person, shape (people, dimension), as unit vectors."""
        return self.encrypt(unit_rows(embeddings))

    def probe(self, embedding: np.ndarray, num_people: int) -> Columns:
        """Encrypt one embedding, shape (dimension,), against each of so many templates."""
        unit = unit_rows(np.asarray(embedding, dtype=float)[np.newaxis])
        return self.encrypt(np.repeat(unit, num_people, axis=0))

    def encrypt(self, vectors: np.ndarray) -> Columns:
        """Encrypt vectors as they are, shape (people, dimension): a dishonest sensor may do so."""
        vectors = np.asarray(vectors, dtype=float)
        if vectors.ndim != 2 or not 1 <= len(vectors) <= self.slots or vectors.shape[1] == 0:
            raise ValueError(
                f"got shape {vectors.shape}; need (people, dimension) with 1 to {self.slots} people"
            )
        return Columns(tuple(self._encryptor.encrypt(column)[0] for column in vectors.T), len(vectors))


@dataclass(frozen=True)
class EncryptedScores:
    """What the matching server sends to the verifier: one cosine a slot, and the probe's squared lengths."""

    cosines: bytes = field(repr=False)
    squared_lengths: bytes = field(repr=False)
    num_people: int


class MatchingServer:
    """Keeps encrypted templates and scores encrypted probes. Holds the public key only.

    Args:
        gallery: everybody's template.
        dot: how two lists of encrypted columns become one column of dot products; None takes `encrypted_dot`.
    """

    def __init__(self, public: PublicKey, gallery: Columns, *, dot: Dot | None = None) -> None:
        if public.parameters.depth < 1:
            raise ValueError("scores need one product; these parameters allow none")
        self._context = public.load()
        self._gallery = self._load(gallery)
        self.num_people, self._dot = gallery.num_people, dot or encrypted_dot

    def score(self, probe: Columns) -> EncryptedScores:
        """Encrypted Σ_j probe_j · template_j and Σ_j probe_j², in every slot.

        Raises:
            ValueError: if the probe does not fit the gallery, or its bytes do not parse.

        Guarantee: the server learns nothing about probe, templates or scores (see `KeyHolder`).
        Limits: it cannot see whether a probe is fresh, or of a person at all, and can send anything for a
            score.
        """
        if len(probe.ciphertexts) != len(self._gallery) or probe.num_people != self.num_people:
            raise ValueError(
                f"a probe of {len(probe.ciphertexts)} columns for {probe.num_people} people; this "
                f"gallery has {len(self._gallery)} columns of {self.num_people} people"
            )
        columns = self._load(probe)
        return EncryptedScores(
            self._dot(columns, self._gallery).serialize(),
            self._dot(columns, columns).serialize(),
            self.num_people,
        )

    def _load(self, columns: Columns) -> list[tenseal.CKKSVector]:
        return [load(self._context, column, columns.num_people) for column in columns.ciphertexts]


def encrypted_dot(
    left: Sequence[tenseal.CKKSVector], right: Sequence[tenseal.CKKSVector]
) -> tenseal.CKKSVector:
    """All dot products at once: the sum of products, column by column. One level of depth."""
    total = left[0] * right[0]
    for x, y in zip(left[1:], right[1:], strict=True):
        total += x * y
    return total


class Verifier:
    """Holds the secret key, opens scores, and answers yes or no. Never sees a probe or a template.

    Args:
        key_holder: made with parameters of depth 1 or more.
        threshold: the least cosine that is accepted, in (−1, 1).

    Limits: with the server on its side it reads everything. Scores say more than yes or no: whoever may
        choose probes and sees scores has a template after as many probes as it has coordinates, so it keeps
        them to itself. The squared length wraps around, too: with `MATCHING`, values are only known modulo 8.
    """

    def __init__(self, key_holder: KeyHolder, *, threshold: float) -> None:
        if not -1 < threshold < 1:
            raise ValueError(f"threshold is {threshold}; cosines lie between −1 and 1")
        self._key_holder, self.threshold = key_holder, threshold

    @property
    def public(self) -> PublicKey:
        """The key to encrypt with, which everybody may have."""
        return self._key_holder.public

    def open(self, scores: EncryptedScores) -> np.ndarray:
        """The cosines, shape (people,); NaN, which nothing accepts, where the probe was not of length 1."""
        cosines, squared = (
            self._key_holder.decrypt((part,), scores.num_people)
            for part in (scores.cosines, scores.squared_lengths)
        )
        return np.where(np.abs(squared - 1) <= LENGTH_TOLERANCE, cosines, np.nan)

    def accepts(self, scores: EncryptedScores, claimed: int) -> bool:
        """Whether the probe is accepted as the person in slot `claimed`."""
        if not 0 <= claimed < scores.num_people:
            raise ValueError(f"person {claimed} is claimed; there are {scores.num_people}, from 0")
        return bool(self.open(scores)[claimed] >= self.threshold)


def matching_roles(
    templates: np.ndarray, *, threshold: float, dot: Dot | None = None
) -> tuple[Sensor, MatchingServer, Verifier]:
    """A log-in with fresh keys: the sensor, the server with everybody enrolled, and the verifier."""
    key_holder = KeyHolder(MATCHING)
    sensor = Sensor(key_holder.public)
    server = MatchingServer(key_holder.public, sensor.enrol(templates), dot=dot)
    return sensor, server, Verifier(key_holder, threshold=threshold)
