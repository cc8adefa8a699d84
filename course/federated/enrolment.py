"""Who takes part in secure sums, with which keys: what each node has from somebody else than the server."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from flwr.app import Context

from course.crypto import ProtocolViolation, Stage, Terms
from course.crypto.keys import Keypair, signing_keypair
from course.crypto.masks import MODULUS

ROSTER = "roster.json"


@dataclass(frozen=True)
class Membership:
    """What makes a node a client: its id, its signing key, and the terms that all have agreed on.

    Attributes:
        client_id: under which its public key is in `terms`.
        signing_key: its private key of Ed25519, 32 bytes.
        terms: from a file of its own, never from the server.
        journal: a folder in which it notes each stage before it answers; see `note_once`. None keeps no
            note, which is safe only where nobody sends two messages at a time or starts the node again.
    """

    client_id: int
    signing_key: bytes = field(repr=False)
    terms: Terms = field(repr=False)
    journal: Path | None = None

    def __post_init__(self) -> None:
        enrolled = self.terms.verification_keys.get(self.client_id)
        if enrolled is None or enrolled != verification_key_of(self.signing_key):
            raise ValueError(f"client {self.client_id!r} is not enrolled with this signing key")

    def note_once(self, session: bytes, stage: Stage) -> None:
        """Note that this stage of this session is being answered.

        Raises:
            ProtocolViolation: if it was noted before, by whichever process of this node.

        Why: Flower starts a process for each message, and hands each of them the state of that moment. Two
        messages at a time would meet two copies of one client, and both would sign; a node that was started
        again has forgotten which sessions it took part in.
        """
        if self.journal is None:
            return
        self.journal.mkdir(parents=True, exist_ok=True)
        note = self.journal / f"{self.client_id}-{session.hex()}-{stage.name.lower()}"
        try:
            # Only one process can create a file that must not exist.
            os.close(os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError as error:
            raise ProtocolViolation(
                f"client {self.client_id} has answered {stage.name} of this session"
            ) from error


def enrol(
    client_ids: Iterable[int], *, threshold: int, length: int, modulus: int = MODULUS, **graph: object
) -> dict[int, Membership]:
    """Client id → its membership, with fresh keys, for clients that all live in this process.

    Args:
        threshold, length, modulus, graph (`degree` and `graph_seed`): as of `Terms`.

    Limits: here one program makes all keys. In real life each client makes its own and shows the others the
        public half, by a way that the server does not control.
    """
    keys = {client_id: signing_keypair() for client_id in client_ids}
    public = {client_id: pair.public for client_id, pair in keys.items()}
    terms = Terms(public, threshold, length, modulus, **graph)
    return {client_id: Membership(client_id, pair.private, terms) for client_id, pair in keys.items()}


def write_enrolment(folder: Path, client_ids: Iterable[int], *, threshold: int) -> None:
    """Write `roster.json` (public keys and threshold) and, for each client, `client-ID.signing`.

    Limits: as of `enrol`. The key files are readable by their owner only, and not encrypted.
    """
    keys = {client_id: signing_keypair() for client_id in client_ids}
    roster = {"threshold": threshold, "keys": {str(i): pair.public.hex() for i, pair in keys.items()}}
    (folder / ROSTER).write_text(json.dumps(roster, indent=1) + "\n")
    for client_id, pair in keys.items():
        _write_signing_key(folder / f"client-{client_id}.signing", pair)


def read_terms(path: Path, *, length: int, modulus: int = MODULUS) -> Terms:
    """The terms of a sum of vectors of this length among the clients in a roster file.

    Raises:
        ValueError: if the file is no roster, or its threshold is not more than half of its clients.
    """
    try:
        roster = json.loads(path.read_text())
        keys = {int(client_id): bytes.fromhex(key) for client_id, key in roster["keys"].items()}
        threshold = roster["threshold"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path.name} is no roster of clients and their public keys") from error
    return Terms(keys, threshold, length, modulus)


def read_signing_key(path: Path) -> bytes:
    """The private key of Ed25519 in a PEM file, 32 bytes.

    Raises:
        ValueError: if there is none in it.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path.name} holds no unencrypted private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} holds a key of another kind; it must be of Ed25519")
    return key.private_bytes_raw()


def membership_of_node(context: Context, *, length: int, modulus: int = MODULUS) -> Membership:
    """The membership that a SuperNode was started with, as its `--node-config` says.

    Args:
        context: whose `node_config` has `client-id`, and the paths `signing-key` (PEM file of this node),
            `roster` (the same file for all) and `journal` (a folder that outlives the process).
        length, modulus: of the vectors, which the app knows.

    Raises:
        ValueError: if a setting is missing, or a file is not what it should be.
    """
    node = context.node_config
    missing = {"client-id", "signing-key", "roster", "journal"} - node.keys()
    if missing:
        raise ValueError(f"this node's --node-config lacks {', '.join(sorted(missing))}")
    return Membership(
        int(node["client-id"]),
        read_signing_key(Path(str(node["signing-key"]))),
        read_terms(Path(str(node["roster"])), length=length, modulus=modulus),
        Path(str(node["journal"])),
    )


def verification_key_of(signing_key: bytes) -> bytes:
    """The public key that belongs to a private key of Ed25519."""
    return Ed25519PrivateKey.from_private_bytes(signing_key).public_key().public_bytes_raw()


def _write_signing_key(path: Path, pair: Keypair) -> None:
    key = Ed25519PrivateKey.from_private_bytes(pair.private)
    # Readable by its owner only, from its first byte on.
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
