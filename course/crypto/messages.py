"""How the messages of secure aggregation become bytes: one format, one way to write each message."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from course.crypto.field import is_integer
from course.crypto.stages import ProtocolViolation, Stage

SERVER = 2**64 - 1
"""The address of the server; clients have the numbers below it."""

SESSION_BYTES = 32

# Magic and version, stage, session, sender, receiver, number of entries; then, for each entry, an id and
# the length of what follows. All numbers are big-endian.
_HEADER = struct.Struct(f">4sB{SESSION_BYTES}sQQI")
_ENTRY = struct.Struct(">QI")
_MAGIC = b"LWL1"

HEADER_BYTES = _HEADER.size
ENTRY_BYTES = _ENTRY.size
"""What each entry has besides its content."""


@dataclass(frozen=True)
class Message:
    """One message between a client and the server.

    Attributes:
        stage: to which it belongs.
        session: the 32 bytes that the server drew for this run.
        sender, receiver: a client and `SERVER`, or the other way round.
        entries: client id → bytes, whose meaning depends on the stage and the direction.
    """

    stage: Stage
    session: bytes
    sender: int
    receiver: int
    entries: Mapping[int, bytes]


def check_client_id(client_id: int) -> int:
    """The id, if it can be the address of a client.

    Raises:
        ValueError: if it is no integer in [0, 2^64 − 1).
    """
    if not is_integer(client_id) or not 0 <= client_id < SERVER:
        raise ValueError(f"a client id is an integer in [0, {SERVER}); got {client_id!r}")
    return client_id


def encode(message: Message) -> bytes:
    """The bytes of a message: a header of 57 bytes, and 12 bytes and the content for each entry, by id."""
    header = _HEADER.pack(
        _MAGIC, message.stage, message.session, message.sender, message.receiver, len(message.entries)
    )
    parts = [header]
    for client_id in sorted(message.entries):
        content = message.entries[client_id]
        parts += [_ENTRY.pack(client_id, len(content)), content]
    return b"".join(parts)


def decode(data: bytes) -> Message:
    """The message that these bytes are; the inverse of `encode`.

    Raises:
        ProtocolViolation: if they are no message, or another way to write one.

    Guarantee: whatever the bytes are, nothing but a ProtocolViolation is raised, no code is run, and no
        more memory is used than a small multiple of their length. `encode(decode(data)) == data`.
    Limits: only the form is checked here. What an entry means is checked by who reads it.
    """
    if not isinstance(data, bytes) or len(data) < _HEADER.size:
        raise ProtocolViolation(f"a message is bytes, at least {_HEADER.size} of them")
    magic, stage, session, sender, receiver, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or stage not in Stage.__members__.values():
        raise ProtocolViolation("these bytes do not begin like a message of this protocol")
    if (sender == SERVER) == (receiver == SERVER):
        raise ProtocolViolation("a message goes from a client to the server, or from the server to a client")
    return Message(Stage(stage), session, sender, receiver, _entries(data, count))


def _entries(data: bytes, count: int) -> dict[int, bytes]:
    entries, position, last = {}, _HEADER.size, -1
    for _ in range(count):
        if position + _ENTRY.size > len(data):
            raise ProtocolViolation("the message ends in the middle of an entry")
        client_id, length = _ENTRY.unpack_from(data, position)
        position += _ENTRY.size
        # Ascending ids leave one order, and no id twice.
        if not last < client_id < SERVER or position + length > len(data):
            raise ProtocolViolation("an entry has an id out of order, or is longer than the message")
        entries[client_id], last = data[position : position + length], client_id
        position += length
    if position != len(data):
        raise ProtocolViolation(f"{len(data) - position} bytes follow the last entry")
    return entries
