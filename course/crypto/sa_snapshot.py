"""A client of secure aggregation between two messages, as bytes: for a process that ends after each reply."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from course.crypto.keys import Keypair
from course.crypto.sa_client import Client
from course.crypto.stages import ProtocolViolation, Stage
from course.crypto.terms import Advertisement, Terms

_GIVEN_AGAIN = {"client_id", "terms", "_vector", "_signing_key", "_past_sessions"}
"""What a snapshot does not hold: its owner has it elsewhere, and states it again at `restore`."""

_RECORDS = {kind.__name__: kind for kind in (Keypair, Advertisement)}
_COLLECTIONS = {kind.__name__: kind for kind in (tuple, list, set, frozenset)}


def snapshot(client: Client) -> bytes:
    """All that a client must remember between two messages; for its eyes only.

    Raises:
        ProtocolViolation: if the client has ended: there is nothing left to remember.
        TypeError: if it holds a value of a kind that this module does not know.

    Guarantee: neither the vector nor the signing key is in it.
    Limits: to learn from, not to deploy. It does hold the client's secrets of this session, unencrypted; who
        reads it and sees the masked input knows the vector.
    """
    state = {name: value for name, value in vars(client).items() if name not in _GIVEN_AGAIN}
    if state.get("_awaited") is None:
        raise ProtocolViolation(f"client {client.client_id} has ended this session")
    bound = {"client": client.client_id, "terms": client.terms.summary().hex()}
    return json.dumps(bound | {"state": {name: _pack(value) for name, value in state.items()}}).encode()


def restore(
    data: bytes,
    client_id: int,
    *,
    signing_key: bytes,
    terms: Terms,
    vector: Callable[[], Sequence[int] | np.ndarray],
) -> Client:
    """The client whose `snapshot` this is, ready for its next message.

    Args:
        data: the bytes of `snapshot`.
        client_id, signing_key, terms: as the client had them.
        vector: gives its input; called if the masked input is what comes next, and only then.

    Raises:
        ValueError: if these bytes are no snapshot, or one of another client or under other terms, or if the
            vector does not fit the terms.

    Guarantee: nothing is unpickled, and no code is run.
    Limits: whoever restores one snapshot twice has a client that answers the same stage twice, and a server
        that is told of two lists of survivors gets both shares. The keeper must hand it out once.
    """
    try:
        content = json.loads(data)
        owner, summary, packed = content["client"], content["terms"], content["state"]
        state = {name: _unpack(value) for name, value in packed.items()}
        awaited = state["_awaited"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("these bytes are no snapshot of a client") from error
    if (owner, summary) != (client_id, terms.summary().hex()) or state.keys() & _GIVEN_AGAIN:
        raise ValueError(f"this is a snapshot of client {owner!r}, or under other terms, not of {client_id}")
    # In every other stage the input is not touched, so any vector will do.
    due = awaited is Stage.MASKED_INPUT
    entries = vector() if due else np.zeros(terms.length, dtype=np.int64)
    client = Client(client_id, entries, signing_key=signing_key, terms=terms)
    vars(client).update(state)
    return client


def _pack(value: object) -> object:
    """JSON for a value: [kind, content], but null, true, false, numbers and text as they are."""
    kind = type(value).__name__
    if isinstance(value, Stage):
        return ["Stage", int(value)]
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is bytes:
        return [kind, value.hex()]
    if kind in _COLLECTIONS and type(value) is _COLLECTIONS[kind]:
        return [kind, [_pack(item) for item in value]]
    if kind in _RECORDS and type(value) is _RECORDS[kind]:
        return [kind, [_pack(getattr(value, field.name)) for field in fields(value)]]
    if type(value) is dict:
        return [kind, [[_pack(key), _pack(item)] for key, item in value.items()]]
    raise TypeError(f"a snapshot cannot hold a {kind}")


def _unpack(packed: object) -> object:
    if not isinstance(packed, list):
        return packed
    kind, content = packed
    if kind == "Stage":
        return Stage(content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "dict":
        return {_unpack(key): _unpack(item) for key, item in content}
    items = [_unpack(item) for item in content]
    return _RECORDS[kind](*items) if kind in _RECORDS else _COLLECTIONS[kind](items)
