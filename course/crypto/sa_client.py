"""The client of secure aggregation: five requests in, five replies out, and a refusal of anything else."""

import secrets
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from course.crypto.key_shares import SHARE_BYTES, ShareKind, read_share, share_secret
from course.crypto.keys import (
    KEY_BYTES,
    agree_with_each,
    agreement_keypair,
    derive_key,
    seal,
    sign,
    statement,
    unseal,
)
from course.crypto.masks import pairwise_mask, residues, self_mask
from course.crypto.messages import SERVER, Message, decode
from course.crypto.stages import ProtocolViolation, Stage
from course.crypto.terms import (
    Terms,
    check_view,
    read_roster,
    survivor_statement,
    write_advertisement,
    write_reply,
)


class Client:
    """One client in one secure sum. `respond` is all it does.

    Args:
        client_id: its address, one of those enrolled in `terms`.
        vector: its input, `terms.length` integers in [0, terms.modulus).
        signing_key: the private key of Ed25519 whose public key is enrolled.
        terms: what it knows beforehand. It takes none of this from the server.
        past_sessions: sessions that it took part in, which it refuses. Keep them; a session is 32 bytes.

    Raises:
        ValueError: if the id is not enrolled or the vector does not fit the terms.

    Guarantee: whatever a server sends, it learns of this vector at most one sum over at least `threshold`
        clients, as long as fewer than 2 · threshold − n of the n enrolled clients work for it (ChaCha20,
        X25519, HKDF, Ed25519 and the sealing being what they are believed to be).
        With a degree in the terms this is so for a server that follows the protocol, on a graph that is
        good in the sense of `choose_degree`. A lying one still cannot impersonate anybody or choose the
        graph, and it gets both secrets of one client only if at least 2 · threshold − degree − 1 of those
        who hold shares of them work for it.
    Limits: to learn from, not to deploy: Python erases nothing from memory, and its integers take time that
        depends on their values. A server may leave clients out, so that the sum is one over `threshold`
        clients; with `threshold` − 1 of them its own it knows the last one's vector. It may run two
        sessions with cohorts that differ by one client, and subtract: only noise stops this. With a degree,
        a server that lies about who dealt and who dropped cuts the graph and learns a sum over each piece. If
        c of the holders around each client work for it, at least 2 · threshold − degree − 1 − c others are in
        a piece: with the smallest threshold it is one client and its vector, which
        tests/test_sparse_attack.py takes without any helper. The variant of Bell et al. for such servers is
        not this one. A client may send any vector, and a server may announce any sum; neither is noticed.
    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4, with the steps of the active model; Bell et al.
        2020, ePrint 2020/704, section 3. Added to them: every reply is signed, the server says which kind of
        share it requests, and with a degree, survivors are signed among neighbours.
    """

    def __init__(
        self,
        client_id: int,
        vector: Sequence[int] | np.ndarray,
        *,
        signing_key: bytes,
        terms: Terms,
        past_sessions: Collection[bytes] = (),
    ) -> None:
        if client_id not in terms.verification_keys:
            raise ValueError(f"client {client_id!r} is not enrolled")
        self.client_id = client_id
        self.terms = terms
        self.session: bytes | None = None
        self._vector = residues(vector, modulus=terms.modulus)
        if len(self._vector) != terms.length:
            raise ValueError(f"the vector must have {terms.length} entries; got {len(self._vector)}")
        self._signing_key = signing_key
        self._past_sessions = frozenset(past_sessions)
        self._awaited: Stage | None = Stage.ADVERTISE_KEYS

    def respond(self, request: bytes) -> bytes:
        """The reply to one request of the server.

        Raises:
            ProtocolViolation: if the protocol does not allow this request, here and now. The client then
                forgets its secrets, and any later request is one violation more.
        """
        if self._awaited is None:
            raise ProtocolViolation(f"client {self.client_id} has ended this session")
        steps = {
            Stage.ADVERTISE_KEYS: self._advertise_keys,
            Stage.SHARE_KEYS: self._share_keys,
            Stage.MASKED_INPUT: self._mask_input,
            Stage.CONSISTENCY: self._sign_survivors,
            Stage.UNMASK: self._reveal_shares,
        }
        try:
            message = decode(request)
            self._check_addressing(message)
            entries = steps[message.stage](message.entries)
        except Exception:
            self._end()
            raise
        reply = Message(message.stage, message.session, self.client_id, SERVER, entries)
        signed = write_reply(reply, signing_key=self._signing_key)
        if message.stage is Stage.UNMASK:
            self._end()
        else:
            self._awaited = Stage(message.stage + 1)
        return signed

    def _check_addressing(self, message: Message) -> None:
        if message.sender != SERVER or message.receiver != self.client_id:
            raise ProtocolViolation(f"this message is not from the server to client {self.client_id}")
        if message.stage != self._awaited:
            raise ProtocolViolation(f"{message.stage.name} was requested where {self._awaited.name} is due")
        if self.session is None:
            if message.session in self._past_sessions:
                raise ProtocolViolation("this session was held before: it is replayed")
            self.session = message.session
        elif message.session != self.session:
            raise ProtocolViolation("this message belongs to another session")

    def _advertise_keys(self, entries: Mapping[int, bytes]) -> dict[int, bytes]:
        if dict(entries) != {self.client_id: self.terms.summary()}:
            raise ProtocolViolation("the server announces other terms than those this client knows")
        self._encryption, self._masking = agreement_keypair(), agreement_keypair()
        self._advertised = write_advertisement(
            self.client_id,
            self.session,
            encryption=self._encryption,
            masking=self._masking,
            signing_key=self._signing_key,
        )
        return {self.client_id: self._advertised}

    def _share_keys(self, entries: Mapping[int, bytes]) -> dict[int, bytes]:
        if entries.get(self.client_id) != self._advertised:
            raise ProtocolViolation("the list of keys does not have this client's own keys")
        self._roster = read_roster(entries, self.session, reader=self.client_id, terms=self.terms)
        others = {i: keys.encryption for i, keys in self._roster.items() if i != self.client_id}
        self._sealing_secrets = agree_with_each(self._encryption.private, others)
        self._seed = secrets.token_bytes(KEY_BYTES)
        holders, threshold = self.terms.holders(self.client_id), self.terms.threshold
        of_key = share_secret(self._masking.private, threshold=threshold, num_shares=len(holders))
        of_seed = share_secret(self._seed, threshold=threshold, num_shares=len(holders))
        pairs = {i: of_key[holders[i] - 1] + of_seed[holders[i] - 1] for i in self._roster}
        self._held = {self.client_id: pairs.pop(self.client_id)}
        return {
            i: seal(self._sealing_key(self.client_id, i), pair, self._associated(self.client_id, i))
            for i, pair in pairs.items()
        }

    def _sealing_key(self, sender: int, receiver: int) -> bytes:
        other = receiver if sender == self.client_id else sender
        # The order of the two ids matters, so each direction has a key of its own.
        return derive_key(self._sealing_secrets[other], b"sealed shares", self.session, (sender, receiver))

    def _associated(self, sender: int, receiver: int) -> bytes:
        return statement(b"sealed shares", self.session, (sender, receiver), bytes([Stage.SHARE_KEYS]))

    def _mask_input(self, entries: Mapping[int, bytes]) -> dict[int, bytes]:
        others = self._roster.keys() - {self.client_id}
        if self.client_id in entries:
            raise ProtocolViolation("a client gets no sealed shares from itself")
        group = {self.client_id, *entries}
        self.terms.check_group(group, among={self.client_id, *others}, what="the list of sealed shares")
        for sender, sealed in entries.items():
            self._held[sender] = self._open(sender, sealed)
        return {self.client_id: self._masked_vector().tobytes()}

    def _open(self, sender: int, sealed: bytes) -> bytes:
        what = f"the pair of shares from client {sender}"
        key, associated = self._sealing_key(sender, self.client_id), self._associated(sender, self.client_id)
        pair = unseal(key, sealed, associated, what=what)
        if len(pair) != 2 * SHARE_BYTES:
            raise ProtocolViolation(f"{what} has {len(pair)} bytes")
        read_share(pair[:SHARE_BYTES])
        read_share(pair[SHARE_BYTES:])
        return pair

    def _masked_vector(self) -> np.ndarray:
        shape = {"session": self.session, "length": self.terms.length, "modulus": self.terms.modulus}
        # Unsigned arithmetic of numpy wraps, which is what addition modulo 2^k is.
        masked = self._vector + self_mask(self._seed, self.client_id, **shape)
        others = {i: self._roster[i].masking for i in self._held if i != self.client_id}
        for other, shared_secret in agree_with_each(self._masking.private, others).items():
            masked += pairwise_mask(shared_secret, self.client_id, other, **shape)
        return masked

    def _sign_survivors(self, entries: Mapping[int, bytes]) -> dict[int, bytes]:
        self.terms.check_group(entries, among=self._held, what="the list of survivors")
        if any(entries.values()):
            raise ProtocolViolation("the list of survivors has more than ids")
        if self.client_id not in entries:
            raise ProtocolViolation("the list of survivors lacks this client, which did send its input")
        self._survivors = tuple(sorted(entries))
        return {self.client_id: sign(self._signing_key, survivor_statement(self.session, self._survivors))}

    def _reveal_shares(self, entries: Mapping[int, bytes]) -> dict[int, bytes]:
        if entries.keys() != self._held.keys():
            raise ProtocolViolation("shares are requested of other clients than those who dealt some")
        views = {}
        for client_id, content in entries.items():
            self._check_kind(client_id, content[:1])
            if len(content) > 1:
                views[client_id] = content[1:]
        self.terms.check_group(views, among=self._survivors, what="the list of signatures")
        seen = {"survivors": frozenset(self._survivors), "reader": self.client_id, "terms": self.terms}
        for client_id, view in views.items():
            check_view(view, client_id, self.session, **seen)
        return {i: content[:1] + self._share(i, content[0]) for i, content in entries.items()}

    def _check_kind(self, client_id: int, requested: bytes) -> None:
        survived = client_id in self._survivors
        due = ShareKind.SELF_MASK_SEED if survived else ShareKind.MASKING_KEY
        if requested == bytes([ShareKind.BOTH]):
            raise ProtocolViolation(f"both kinds of share of client {client_id} are requested")
        if requested != bytes([due]):
            what = "survived" if survived else "dropped"
            raise ProtocolViolation(f"client {client_id} {what}; of it, only the {due.name} may be requested")

    def _share(self, client_id: int, kind: int) -> bytes:
        pair = self._held[client_id]
        return pair[:SHARE_BYTES] if kind == ShareKind.MASKING_KEY else pair[SHARE_BYTES:]

    def _end(self) -> None:
        self._awaited = None
        for name in (
            "_encryption",
            "_masking",
            "_sealing_secrets",
            "_seed",
            "_held",
            "_vector",
            "_signing_key",
        ):
            self.__dict__.pop(name, None)
