"""What all parties know before a secure sum starts, and what a client advertises under its signature."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from course.crypto.field import is_integer
from course.crypto.keys import KEY_BYTES, SIGNATURE_BYTES, Keypair, sign, statement, verify
from course.crypto.masks import MODULUS, residue_type
from course.crypto.messages import SERVER, Message, check_client_id, decode, encode
from course.crypto.stages import ProtocolViolation


@dataclass(frozen=True)
class Terms:
    """The terms of a secure sum, which each client has from somebody else than the server.

    Attributes:
        verification_keys: client id → its public key of Ed25519, for each enrolled client. This is the
            public-key infrastructure of the active model: a server that could hand out these keys would
            hand out its own and be every other client.
        threshold: how many clients must stay to the end, more than half of the enrolled ones.
        length: entries of a vector.
        modulus: 2^16, 2^32 or 2^64. See `largest_entry` for the overflow rule.

    Why more than half: a lying server needs `threshold` clients to sign one list of survivors and as many
    to sign another, and then has shares of both kinds. If 2 · threshold > n the two groups have a client
    in common, and an honest client signs once. If c clients work for the server, they sign both:
    2 · threshold > n + c is needed.
    Source: Bonawitz et al. 2017, ePrint 2017/281, section 6 (the thresholds of the active model).
    """

    verification_keys: Mapping[int, bytes]
    threshold: int
    length: int
    modulus: int = MODULUS

    def __post_init__(self) -> None:
        keys, num_clients = dict(self.verification_keys), len(self.verification_keys)
        for client_id, key in keys.items():
            check_client_id(client_id)
            if not isinstance(key, bytes) or len(key) != KEY_BYTES:
                raise ValueError(f"the verification key of client {client_id} is not {KEY_BYTES} bytes")
        if num_clients < 2 or len(set(keys.values())) < num_clients:
            raise ValueError(f"≥ 2 clients with different keys are needed; got {num_clients} clients")
        if not is_integer(self.threshold) or not num_clients < 2 * self.threshold <= 2 * num_clients:
            raise ValueError(
                f"the threshold must be more than half of the {num_clients} clients, and at most all; "
                f"got {self.threshold!r}"
            )
        if not is_integer(self.length) or not 1 <= self.length < 2**28:
            raise ValueError(f"the length must be an integer in [1, 2**28); got {self.length!r}")
        residue_type(self.modulus)
        object.__setattr__(self, "verification_keys", {i: keys[i] for i in sorted(keys)})

    def positions(self) -> dict[int, int]:
        """Client id → where its Shamir shares are: 1 for the smallest id, and so on."""
        return {client_id: x for x, client_id in enumerate(self.verification_keys, start=1)}

    def summary(self) -> bytes:
        """44 bytes that differ if any of the terms does."""
        keys = b"".join(struct.pack(">Q", i) + key for i, key in self.verification_keys.items())
        numbers = struct.pack(">IIB", self.threshold, self.length, self.modulus.bit_length() - 1)
        return numbers + hashlib.sha256(keys).digest()

    def check_group(self, client_ids: Mapping | set, *, among: Mapping | set, what: str) -> None:
        """Nothing, if the ids are at least `threshold` and all in `among`.

        Raises:
            ProtocolViolation: otherwise.
        """
        unknown = sorted(set(client_ids) - set(among))
        if unknown:
            raise ProtocolViolation(f"{what} names clients that cannot be there: {unknown}")
        if len(client_ids) < self.threshold:
            raise ProtocolViolation(
                f"{what} has {len(client_ids)} clients; at least {self.threshold} are due"
            )


@dataclass(frozen=True)
class Advertisement:
    """The public keys of one client: one with which others encrypt to it, one from which masks come."""

    encryption: bytes
    masking: bytes


def write_advertisement(
    client_id: int, session: bytes, *, encryption: Keypair, masking: Keypair, signing_key: bytes
) -> bytes:
    """Two public keys and the signature on them, 128 bytes."""
    keys = encryption.public + masking.public
    return keys + sign(signing_key, statement(b"advertised keys", session, (client_id,), keys))


def read_advertisement(content: bytes, client_id: int, session: bytes, *, terms: Terms) -> Advertisement:
    """The keys of a client, if it signed them for this session.

    Raises:
        ProtocolViolation: if not.
    """
    if len(content) != 2 * KEY_BYTES + SIGNATURE_BYTES:
        raise ProtocolViolation(f"the advertisement of client {client_id} has {len(content)} bytes")
    keys, signature = content[: 2 * KEY_BYTES], content[2 * KEY_BYTES :]
    signed = statement(b"advertised keys", session, (client_id,), keys)
    what = f"the advertisement of client {client_id}"
    verify(terms.verification_keys[client_id], signature, signed, what=what)
    return Advertisement(keys[:KEY_BYTES], keys[KEY_BYTES:])


def read_roster(entries: Mapping[int, bytes], session: bytes, *, terms: Terms) -> dict[int, Advertisement]:
    """Client id → its keys, for at least `threshold` enrolled clients with all keys different.

    Raises:
        ProtocolViolation: otherwise.
    """
    terms.check_group(entries, among=terms.verification_keys, what="the list of keys")
    roster = {i: read_advertisement(content, i, session, terms=terms) for i, content in entries.items()}
    check_distinct(roster)
    return roster


def check_distinct(roster: Mapping[int, Advertisement]) -> None:
    """Nothing, if no key is there twice.

    Raises:
        ProtocolViolation: otherwise; two clients with one key would have one mask with everybody.
    """
    keys = [key for ad in roster.values() for key in (ad.encryption, ad.masking)]
    if len(set(keys)) < len(keys):
        raise ProtocolViolation("a key is advertised twice")


def write_reply(message: Message, *, signing_key: bytes) -> bytes:
    """The bytes of a reply to the server: the message, and 64 bytes of signature on all of it."""
    body = encode(message)
    return body + sign(signing_key, statement(b"reply", message.session, (message.sender,), body))


def read_reply(data: bytes, session: bytes, *, terms: Terms) -> Message:
    """The message of an enrolled client to the server, unchanged on its way.

    Raises:
        ProtocolViolation: if it is none, of another session, or not signed by its sender.
    """
    if not isinstance(data, bytes) or len(data) <= SIGNATURE_BYTES:
        raise ProtocolViolation("a reply is bytes, and longer than a signature")
    body, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    message = decode(body)
    if message.receiver != SERVER or message.sender not in terms.verification_keys:
        raise ProtocolViolation("this is no reply of an enrolled client to the server")
    if message.session != session:
        raise ProtocolViolation("this reply belongs to another session")
    signed = statement(b"reply", session, (message.sender,), body)
    verify(terms.verification_keys[message.sender], signature, signed, what="the reply")
    return message


def survivor_statement(session: bytes, survivors: tuple[int, ...]) -> bytes:
    """What a client signs in the consistency stage: who survived, for this session, by ascending id."""
    return statement(b"survivors", session, survivors)
