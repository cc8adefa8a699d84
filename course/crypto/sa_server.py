"""The server of secure aggregation: it carries messages between clients and takes the masks off their sum."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from course.crypto.key_shares import SHARE_BYTES, ShareKind, read_share, reconstruct_secrets
from course.crypto.keys import SEAL_BYTES, agree_with_each, agreement_keypair, public_of, verify
from course.crypto.masks import pairwise_mask, residue_type, self_mask
from course.crypto.messages import SERVER, SESSION_BYTES, Message, encode
from course.crypto.stages import ProtocolViolation, Stage, ThresholdNotMet
from course.crypto.terms import (
    Advertisement,
    Terms,
    check_distinct,
    read_advertisement,
    read_reply,
    survivor_statement,
    write_view,
)

Content = TypeVar("Content")


class Server:
    """An honest server in one secure sum, with a fresh session.

    For each stage: send the `requests`, `receive` the replies that come, `advance`. After the last stage
    `total` and `survivors` are there.

    Guarantee: after each stage it holds the replies of at least `threshold` clients, or `advance` has raised
        ThresholdNotMet. If the clients were honest, `total` is the exact sum over `survivors`, modulo.
    Limits: it learns who took part, when who dropped, and the sum. With n = 2 each client learns the
        other's vector from the sum; and two sums over cohorts that differ by one client give this client
        away. A client can make the sum anything by its own vector, or make it fail. On a sparse graph one
        neighbourhood below the threshold ends the sum for all.
    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4; Bell et al. 2020, ePrint 2020/704, section 3.
    """

    def __init__(self, *, terms: Terms) -> None:
        self.terms = terms
        self.session = secrets.token_bytes(SESSION_BYTES)
        self.stage: Stage | None = Stage.ADVERTISE_KEYS
        self.survivors: tuple[int, ...] = ()
        self.total: np.ndarray | None = None
        self._participants = tuple(terms.verification_keys)
        self._replies: dict[int, object] = {}
        self._roster: dict[int, Advertisement] = {}
        self._known_keys: set[bytes] = set()
        self._advertisements: dict[int, bytes] = {}
        self._sealed: dict[int, Mapping[int, bytes]] = {}
        self._signatures: dict[int, bytes] = {}
        self._survived: dict[int, None] = {}
        self._masked_sum = np.zeros(terms.length, dtype=residue_type(terms.modulus))

    def requests(self) -> dict[int, bytes]:
        """Client id → the request of this stage, for each client that is still there; empty at the end."""
        if self.stage is None:
            return {}
        bodies = {
            Stage.ADVERTISE_KEYS: lambda client_id: {client_id: self.terms.summary()},
            Stage.SHARE_KEYS: lambda client_id: self._near(client_id, self._advertisements),
            Stage.MASKED_INPUT: self._sealed_for,
            Stage.CONSISTENCY: lambda client_id: dict.fromkeys(self._near(client_id, self._survived), b""),
            Stage.UNMASK: self._wanted,
        }
        body = bodies[self.stage]
        return {i: encode(Message(self.stage, self.session, SERVER, i, body(i))) for i in self._participants}

    def receive(self, reply: bytes) -> None:
        """Take one reply. A reply that is refused changes nothing.

        Raises:
            ProtocolViolation: if the protocol does not allow it, here and now.
        """
        message = read_reply(reply, self.session, terms=self.terms)
        if message.stage != self.stage or message.sender not in self._participants:
            raise ProtocolViolation(f"client {message.sender} was not asked for {message.stage.name} now")
        if message.sender in self._replies:
            raise ProtocolViolation(f"client {message.sender} has already replied in this stage")
        readers = {
            Stage.ADVERTISE_KEYS: self._read_keys,
            Stage.SHARE_KEYS: self._read_sealed,
            Stage.MASKED_INPUT: self._read_masked,
            Stage.CONSISTENCY: self._read_signature,
            Stage.UNMASK: self._read_shares,
        }
        self._replies[message.sender] = readers[self.stage](message.sender, message.entries)

    def advance(self) -> None:
        """Close the stage: who has not replied has dropped.

        Raises:
            ThresholdNotMet: if fewer than `threshold` clients have replied; there will be no sum.
            ProtocolViolation: after the last stage, if the shares do not give the secrets they should.
        """
        if self.stage is None:
            raise ProtocolViolation("this session has ended")
        stage, replies = self.stage, dict(sorted(self._replies.items()))
        self.stage, self._replies, self._participants = None, {}, tuple(replies)
        if len(replies) < self.terms.threshold:
            raise ThresholdNotMet(
                f"{len(replies)} of {len(self.terms.verification_keys)} clients replied to {stage.name}; "
                f"the threshold is {self.terms.threshold}"
            )
        if stage is Stage.SHARE_KEYS:
            self._sealed = replies
        self._check_neighbourhoods(stage)
        if stage is Stage.MASKED_INPUT:
            self.survivors, self._survived = tuple(replies), dict.fromkeys(replies)
        elif stage is Stage.CONSISTENCY:
            self._signatures = replies
        elif stage is Stage.UNMASK:
            self.total = self._unmask(replies)
            return
        self.stage = Stage(stage + 1)

    def _check_neighbourhoods(self, stage: Stage) -> None:
        # Whoever has dealt shares has neighbours with masks to take off, even if it has dropped since.
        here = dict.fromkeys(self._participants)
        for client_id in self._sealed or here:
            if len(self._near(client_id, here)) < self.terms.threshold:
                raise ThresholdNotMet(
                    f"{len(self._near(client_id, here))} of the {len(self.terms.holders(client_id))} clients "
                    f"that hold shares of client {client_id} replied to {stage.name}; "
                    f"the threshold is {self.terms.threshold}"
                )

    def _near(self, client_id: int, entries: Mapping[int, Content]) -> dict[int, Content]:
        """Those of the entries that are of this client or its neighbours."""
        return {i: entries[i] for i in self.terms.holders(client_id) if i in entries}

    def _only_own(self, sender: int, entries: Mapping[int, bytes]) -> bytes:
        if entries.keys() != {sender}:
            raise ProtocolViolation(f"client {sender} must send one entry, under its own id")
        return entries[sender]

    def _read_keys(self, sender: int, entries: Mapping[int, bytes]) -> None:
        content = self._only_own(sender, entries)
        keys = read_advertisement(content, sender, self.session, terms=self.terms)
        check_distinct(keys, known=self._known_keys)
        # With a key of low order each other client would have to stop, so this one does not get in.
        agree_with_each(agreement_keypair().private, {0: keys.encryption, 1: keys.masking})
        self._known_keys |= {keys.encryption, keys.masking}
        self._roster[sender], self._advertisements[sender] = keys, content

    def _read_sealed(self, sender: int, entries: Mapping[int, bytes]) -> Mapping[int, bytes]:
        if entries.keys() != self._near(sender, self._advertisements).keys() - {sender}:
            raise ProtocolViolation(f"client {sender} must send sealed shares for each other client")
        if {len(sealed) for sealed in entries.values()} != {2 * SHARE_BYTES + SEAL_BYTES}:
            raise ProtocolViolation(f"sealed shares of client {sender} have the wrong length")
        return entries

    def _sealed_for(self, receiver: int) -> dict[int, bytes]:
        near = self._near(receiver, self._sealed)
        return {sender: to[receiver] for sender, to in near.items() if sender != receiver}

    def _read_masked(self, sender: int, entries: Mapping[int, bytes]) -> None:
        content = self._only_own(sender, entries)
        if len(content) != self._masked_sum.nbytes:
            raise ProtocolViolation(f"the masked vector of client {sender} has {len(content)} bytes")
        self._masked_sum += np.frombuffer(content, dtype=self._masked_sum.dtype)

    def _read_signature(self, sender: int, entries: Mapping[int, bytes]) -> bytes:
        signature = self._only_own(sender, entries)
        signed = survivor_statement(self.session, self._near(sender, self._survived))
        key = self.terms.verification_keys[sender]
        verify(key, signature, signed, what=f"the list of survivors, by client {sender},")
        return signature

    def _wanted(self, holder: int) -> dict[int, bytes]:
        # One kind of share of each client that dealt it some, and the signatures that entitle to it.
        wanted = {i: bytes([self._kind_of(i)]) for i in self._near(holder, self._sealed)}
        for signer, signature in self._near(holder, self._signatures).items():
            wanted[signer] += write_view(signer, signature, self._survived, reader=holder, terms=self.terms)
        return wanted

    def _kind_of(self, client_id: int) -> ShareKind:
        return ShareKind.SELF_MASK_SEED if client_id in self._survived else ShareKind.MASKING_KEY

    def _read_shares(self, sender: int, entries: Mapping[int, bytes]) -> dict[int, int]:
        if entries.keys() != self._near(sender, self._sealed).keys():
            raise ProtocolViolation(f"client {sender} must send one share of each client")
        for client_id, content in entries.items():
            if content[:1] != bytes([self._kind_of(client_id)]):
                raise ProtocolViolation(f"client {sender} sends another kind of share than requested")
        return {client_id: read_share(content[1:]) for client_id, content in entries.items()}

    def _unmask(self, shares: Mapping[int, Mapping[int, int]]) -> np.ndarray:
        shape = {"session": self.session, "length": self.terms.length, "modulus": self.terms.modulus}
        total = self._masked_sum.copy()
        for owner, secret in self._reconstruct(shares).items():
            if owner in self._survived:
                total -= self_mask(secret, owner, **shape)
                continue
            if public_of(secret) != self._roster[owner].masking:
                raise ProtocolViolation(f"the shares of client {owner} give another key than it advertised")
            publics = {i: self._roster[i].masking for i in self._near(owner, self._survived)}
            for survivor, shared_secret in agree_with_each(secret, publics).items():
                # What the survivor added on account of the dropped client, who cannot cancel it any more.
                total -= pairwise_mask(shared_secret, survivor, owner, **shape)
        return total

    def _reconstruct(self, shares: Mapping[int, Mapping[int, int]]) -> dict[int, bytes]:
        # Clients whose shares come from the same positions are done together, which is quicker.
        owners_at = defaultdict(list)
        for owner in self._sealed:
            owners_at[tuple(self._held_of(owner, shares))].append(owner)
        found = {}
        for positions, owners in owners_at.items():
            rows = [list(self._held_of(owner, shares).values()) for owner in owners]
            secrets_of = reconstruct_secrets(positions, rows, threshold=self.terms.threshold)
            found |= zip(owners, secrets_of, strict=True)
        return found

    def _held_of(self, owner: int, shares: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
        """Position → share, for those of its holders who have sent it."""
        return {x: shares[i][owner] for i, x in self.terms.holders(owner).items() if i in shares}
