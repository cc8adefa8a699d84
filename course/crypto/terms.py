"""What all parties know before a secure sum starts, and what a client advertises under its signature."""

import hashlib
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from course.crypto.field import is_integer
from course.crypto.keys import KEY_BYTES, SIGNATURE_BYTES, Keypair, sign, statement, verify
from course.crypto.masks import MODULUS, residue_type
from course.crypto.messages import SERVER, Message, check_client_id, decode, encode
from course.crypto.neighbours import check_degree, closed_neighbourhoods, read_flags, write_flags
from course.crypto.stages import ProtocolViolation


@dataclass(frozen=True)
class Terms:
    """The terms of a secure sum, which each client has from somebody else than the server.

    Attributes:
        verification_keys: client id → its public key of Ed25519, for each enrolled client. This is the
            public-key infrastructure of the active model: a server that could hand out these keys would
            hand out its own and be every other client.
        threshold: how many of those who hold shares of a client's secrets must stay to the end, more than
            half of them.
        length: entries of a vector.
        modulus: 2^16, 2^32 or 2^64. See `largest_entry` for the overflow rule.
        degree: with how many neighbours each client has masks and shares; None is with everyone. A client
            holds a share of its own secrets too, so there are `degree` + 1 holders. See `choose_degree`.
        graph_seed: 32 bytes that settle who is whose neighbour, if there is a degree. Drawn after the clients
            have enrolled, by somebody who does not choose it to their liking: a public lottery, or a
            server that follows the protocol. A server that draws seeds until its own clients surround
            another one gets both secrets of this one.

    Why more than half: a lying server needs `threshold` clients to sign one list of survivors and as many
    to sign another, and then has shares of both kinds. If 2 · threshold > n the two groups have a client
    in common, and an honest client signs once. If c clients work for the server, they sign both:
    2 · threshold > n + c is needed. With a degree, the same holds around each client, with degree + 1 for n.
    Source: Bonawitz et al. 2017, ePrint 2017/281, section 6 (the thresholds of the active model); Bell et
        al. 2020, ePrint 2020/704, section 3 (neighbours).
    """

    verification_keys: Mapping[int, bytes]
    threshold: int
    length: int
    modulus: int = MODULUS
    degree: int | None = None
    graph_seed: bytes = b""

    def __post_init__(self) -> None:
        keys, num_clients = dict(self.verification_keys), len(self.verification_keys)
        for client_id, key in keys.items():
            check_client_id(client_id)
            if not isinstance(key, bytes) or len(key) != KEY_BYTES:
                raise ValueError(f"the verification key of client {client_id} is not {KEY_BYTES} bytes")
        if num_clients < 2 or len(set(keys.values())) < num_clients:
            raise ValueError(f"≥ 2 clients with different keys are needed; got {num_clients} clients")
        num_holders = num_clients if self.degree is None else check_degree(self.degree, num_clients) + 1
        if not is_integer(self.threshold) or not num_holders < 2 * self.threshold <= 2 * num_holders:
            raise ValueError(
                f"the threshold must be more than half of the {num_holders} clients that hold shares of one, "
                f"and at most all; got {self.threshold!r}"
            )
        if not is_integer(self.length) or not 1 <= self.length < 2**28:
            raise ValueError(f"the length must be an integer in [1, 2**28); got {self.length!r}")
        residue_type(self.modulus)
        object.__setattr__(self, "verification_keys", {i: keys[i] for i in sorted(keys)})
        object.__setattr__(self, "_holders", self._holders_of_each())
        object.__setattr__(self, "_summary", self._summarise())

    def holders(self, client_id: int) -> Mapping[int, int]:
        """Who holds shares of a client's secrets, itself included → where these Shamir shares are: 1, 2, …"""
        return self._holders[client_id]

    def _holders_of_each(self) -> dict[int, Mapping[int, int]]:
        ids = tuple(self.verification_keys)
        if self.degree is None:
            return dict.fromkeys(ids, _positions(ids))
        around = closed_neighbourhoods(ids, degree=self.degree, seed=self.graph_seed)
        return {client_id: _positions(group) for client_id, group in around.items()}

    def summary(self) -> bytes:
        """41 bytes, and 36 more if there is a degree, that differ if any of the terms does."""
        return self._summary

    def _summarise(self) -> bytes:
        keys = b"".join(struct.pack(">Q", i) + key for i, key in self.verification_keys.items())
        numbers = struct.pack(">IIB", self.threshold, self.length, self.modulus.bit_length() - 1)
        graph = b"" if self.degree is None else struct.pack(">I", self.degree) + self.graph_seed
        return numbers + hashlib.sha256(keys).digest() + graph

    def check_group(self, client_ids: Collection[int], *, among: Collection[int], what: str) -> None:
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


def _positions(ids: Collection[int]) -> dict[int, int]:
    return {client_id: x for x, client_id in enumerate(ids, start=1)}


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


def read_roster(
    entries: Mapping[int, bytes], session: bytes, *, reader: int, terms: Terms
) -> dict[int, Advertisement]:
    """Client id → its keys, for at least `threshold` of the reader and its neighbours, all keys different.

    Raises:
        ProtocolViolation: otherwise.
    """
    terms.check_group(entries, among=terms.holders(reader), what="the list of keys")
    roster, known = {}, set()
    for client_id, content in entries.items():
        keys = read_advertisement(content, client_id, session, terms=terms)
        check_distinct(keys, known=known)
        roster[client_id] = keys
        known |= {keys.encryption, keys.masking}
    return roster


def check_distinct(keys: Advertisement, *, known: Collection[bytes]) -> None:
    """Nothing, if these two keys are neither equal nor among the known ones.

    Raises:
        ProtocolViolation: otherwise; two clients with one key would have one mask with everybody.
    """
    if keys.encryption == keys.masking or keys.encryption in known or keys.masking in known:
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


def survivor_statement(session: bytes, survivors: Collection[int]) -> bytes:
    """What a client signs in the consistency stage: which of itself and its neighbours survived."""
    return statement(b"survivors", session, tuple(sorted(survivors)))


def write_view(
    signer: int, signature: bytes, survivors: Collection[int], *, reader: int, terms: Terms
) -> bytes:
    """What the server forwards of a consistency reply: who survived where the reader cannot see, signed.

    Where everyone is everyone's neighbour, nobody is out of sight, and it is the signature alone.
    """
    return write_flags(survivors, _out_of_sight(signer, reader, terms)) + signature


def check_view(
    content: bytes, signer: int, session: bytes, *, survivors: Collection[int], reader: int, terms: Terms
) -> None:
    """Nothing, if the signer saw the same survivors as the reader, among those that both see.

    Args:
        content: as of `write_view`.
        survivors: those that the reader was told of.

    Raises:
        ProtocolViolation: if not.
    """
    flags, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
    what = f"the list of survivors, by client {signer},"
    if len(content) < SIGNATURE_BYTES:
        raise ProtocolViolation(f"{what} has {len(content)} bytes")
    seen = [i for i in terms.holders(signer) if i in survivors]
    seen += read_flags(flags, _out_of_sight(signer, reader, terms))
    verify(terms.verification_keys[signer], signature, survivor_statement(session, seen), what=what)


def _out_of_sight(signer: int, reader: int, terms: Terms) -> list[int]:
    near = terms.holders(reader)
    return [i for i in terms.holders(signer) if i not in near]
