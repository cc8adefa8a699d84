"""How updates get to a vendor's server: real secure aggregation, and three ways to spoil it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from course.attacks.weak_aggregation import fold_seed
from course.audit_lab.records import Cohort
from course.crypto import Client, Server, Stage, Terms
from course.crypto.key_shares import read_share, reconstruct_secrets
from course.crypto.keys import SIGNATURE_BYTES, agree_with_each, derive_key, signing_keypair
from course.crypto.masks import MODULUS, expand, self_mask
from course.crypto.messages import Message, decode

Held = tuple[dict[int, np.ndarray], np.ndarray]
"""What the server holds of each client, and their sum."""


def split_into_cohorts(
    clients: Sequence[int], *, size: int, by_region: bool, lonely: bool
) -> list[list[int]]:
    """Who is summed with whom.

    Args:
        clients: ids in the order of arrival; the hundreds of an id are its region.
        size: how many clients a cohort has, but for the last one.
        by_region: clients are summed with those of their region.
        lonely: a client that is left over stays alone (the flaw); else it joins the cohort before, or, alone
            in its region, the next region.
    """
    pools = [list(clients)]
    if by_region:
        regions = sorted({client // 100 for client in clients})
        pools = [[client for client in clients if client // 100 == region] for region in regions]
    if not lonely:
        pools = _merged(pools)
    cohorts = []
    for pool in pools:
        parts = [pool[start : start + size] for start in range(0, len(pool), size)]
        cohorts += parts if lonely else _merged(parts)
    return cohorts


def _merged(groups: list[list[int]]) -> list[list[int]]:
    """The same groups, none of one client where there is another group to join."""
    merged: list[list[int]] = []
    for group in groups:
        if merged and (len(group) == 1 or len(merged[-1]) == 1):
            merged[-1] = merged[-1] + group
        else:
            merged.append(list(group))
    return merged


def plain_cohort(vectors: Mapping[int, np.ndarray]) -> Held:
    """Each vector as it is, uint32, and their sum."""
    return dict(vectors), _total(vectors.values())


def secure_cohort(vectors: Mapping[int, np.ndarray], *, folded_bits: int | None = None) -> Held:
    """The protocol of lesson 08 among these clients; one alone has nobody to share masks with.

    Args:
        vectors: client id → residues, uint32, shape (length,).
        folded_bits: to how many bits seeds of pairwise masks are folded (the flaw); None leaves them whole.

    Returns:
        What the server has of each client after the last stage: its masked vector without the self mask,
        whose seed the shares give away; and the sum.

    Guarantee: with whole seeds that of `secure_sum`. With folded ones the sum is exact as well, and a message
        falls to whoever tries 2^folded_bits seeds.
    Limits: nobody drops out here, and the server does not lie.
    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4; the folding as in `fold_seed`.
    """
    if len(vectors) == 1:
        # Its self mask is all the mask that it has, and the server gets the seed of that.
        return plain_cohort(vectors)
    signing = {client: signing_keypair() for client in vectors}
    enrolled = {client: keypair.public for client, keypair in signing.items()}
    terms = Terms(enrolled, len(vectors) // 2 + 1, len(next(iter(vectors.values()))))
    clients = {
        client: _client(folded_bits)(client, vector, signing_key=signing[client].private, terms=terms)
        for client, vector in vectors.items()
    }
    server, masked, shares = Server(terms=terms), {}, {}
    for stage in Stage:
        for client, request in server.requests().items():
            reply = clients[client].respond(request)
            if stage is Stage.MASKED_INPUT:
                masked[client] = np.frombuffer(_body(reply).entries[client], dtype="<u4")
            elif stage is Stage.UNMASK:
                shares[client] = {i: read_share(entry[1:]) for i, entry in _body(reply).entries.items()}
            server.receive(reply)
        server.advance()
    return _without_self_masks(masked, shares, server), server.total


def _without_self_masks(masked: Mapping, shares: Mapping, server: Server) -> dict[int, np.ndarray]:
    held, threshold = {}, server.terms.threshold
    for client, vector in masked.items():
        positions = [server.terms.holders(client)[holder] for holder in shares]
        rows = [[given[client] for given in shares.values()]]
        (seed,) = reconstruct_secrets(positions, rows, threshold=threshold)
        held[client] = vector - self_mask(
            seed, client, session=server.session, length=len(vector), modulus=MODULUS
        )
    return held


def _client(folded_bits: int | None) -> type[Client]:
    if folded_bits is None:
        return Client

    class HastyClient(Client):
        """A client whose generator keeps few bits of each pair's seed."""

        def _masked_vector(self) -> np.ndarray:
            masked = self._vector + self_mask(
                self._seed, self.client_id, session=self.session, length=len(self._vector), modulus=MODULUS
            )
            others = {i: self._roster[i].masking for i in self._held if i != self.client_id}
            for other, secret in agree_with_each(self._masking.private, others).items():
                pair = (min(self.client_id, other), max(self.client_id, other))
                seed = fold_seed(derive_key(secret, b"pairwise mask", self.session, pair), bits=folded_bits)
                mask = expand(seed, len(masked), modulus=MODULUS)
                masked = masked + mask if self.client_id < other else masked - mask
            return masked

    return HastyClient


def aggregate(
    vectors: Mapping[int, np.ndarray],
    cohorts: Sequence[Sequence[int]],
    *,
    plain: frozenset[int],
    folded_bits: int | None,
) -> tuple[dict[int, np.ndarray], tuple[Cohort, ...]]:
    """What the server holds of each client, and the sum of each cohort.

    Args:
        vectors: client id → residues, uint32, shape (length,).
        cohorts: who is summed with whom; each client once.
        plain: clients that take no part in the protocol and send their vector as it is (the flaw).
        folded_bits: as in `secure_cohort`.
    """
    messages, sums = {}, []
    for members in cohorts:
        open_ones = {client: vectors[client] for client in members if client in plain}
        others = {client: vectors[client] for client in members if client not in plain}
        messages |= open_ones
        totals = list(open_ones.values())
        if others:
            held, total = secure_cohort(others, folded_bits=folded_bits)
            messages |= held
            totals.append(total)
        sums.append(Cohort(tuple(members), _total(totals)))
    return {client: messages[client] for client in vectors}, tuple(sums)


def _total(vectors: Iterable[np.ndarray]) -> np.ndarray:
    return np.sum(list(vectors), axis=0, dtype=np.uint32)


def _body(reply: bytes) -> Message:
    return decode(reply[:-SIGNATURE_BYTES])
