"""On a sparse graph with the smallest threshold, a lying server alone takes one client's vector.

`Client` says so in its limits. The test keeps that sentence true, and shows what a higher threshold changes.
"""

import hashlib
import struct

import numpy as np
import pytest
from secure_cohort import cohort_of, play_until, with_entries

from course.crypto import ProtocolViolation, Stage
from course.crypto.key_shares import ShareKind, read_share, reconstruct_secrets
from course.crypto.keys import agree_with_each
from course.crypto.masks import pairwise_mask, self_mask
from course.crypto.messages import decode
from course.crypto.terms import write_view

VICTIM = 5


class LyingServer:
    """To the victim its near neighbours never dealt shares; to most others its far neighbours dropped."""

    def __init__(self, cohort):
        self.cohort, self.terms = cohort, cohort.terms
        self.far = set(far_neighbours(cohort.terms))
        self.near = set(cohort.terms.holders(VICTIM)) - self.far - {VICTIM}

    def told(self, reader):
        """Who survived, as this client hears it."""
        if reader == VICTIM:
            return self.far | {VICTIM}
        return set(self.terms.holders(reader)) - (self.near if reader in self.far else self.far)

    def ask(self, requests):
        """The entries that each client replies."""
        return {i: decode(self.cohort.clients[i].respond(data)[:-64]).entries for i, data in requests.items()}

    def masked_vector(self):
        requests = play_until(self.cohort, Stage.MASKED_INPUT)
        requests[VICTIM] = with_entries(requests[VICTIM], lambda sealed: list(map(sealed.pop, self.near)))
        return np.frombuffer(self.ask(requests)[VICTIM][VICTIM], dtype="<u4")

    def signatures(self):
        lists = {i: dict.fromkeys(self.told(i), b"") for i in self.cohort.clients}
        return self.ask({i: self.cohort.request(Stage.CONSISTENCY, i, each) for i, each in lists.items()})

    def shares(self, signatures):
        requests = {}
        for reader in self.cohort.clients.keys() - self.far:
            around = self.told(VICTIM) if reader == VICTIM else self.terms.holders(reader)
            told, wanted = self.told(reader), {}
            for i in around:
                wanted[i] = bytes([ShareKind.SELF_MASK_SEED if i in told else ShareKind.MASKING_KEY])
                # The victim signed another list than the others, so they are not shown its signature.
                if i in told and (reader == VICTIM or i != VICTIM):
                    view = {"reader": reader, "terms": self.terms}
                    wanted[i] += write_view(i, signatures[i][i], self.told(i), **view)
            requests[reader] = self.cohort.request(Stage.UNMASK, reader, wanted)
        return self.ask(requests)

    def secret_of(self, owner, kind, shares):
        found = {
            x: read_share(shares[i][owner][1:])
            for i, x in self.terms.holders(owner).items()
            if shares.get(i, {}).get(owner, b"")[:1] == bytes([kind])
        }
        return reconstruct_secrets(list(found), [list(found.values())], threshold=self.terms.threshold)[0]

    def steal(self):
        """The victim's vector."""
        shape = {"session": self.cohort.server.session, "length": self.terms.length, "modulus": 2**32}
        vector = self.masked_vector()
        shares = self.shares(self.signatures())
        seed = self.secret_of(VICTIM, ShareKind.SELF_MASK_SEED, shares)
        vector = vector - self_mask(seed, VICTIM, **shape)
        advertised = self.cohort.server._roster[VICTIM].masking
        for i in self.far:
            key = self.secret_of(i, ShareKind.MASKING_KEY, shares)
            (shared_secret,) = agree_with_each(key, {VICTIM: advertised}).values()
            vector = vector - pairwise_mask(shared_secret, VICTIM, i, **shape)
        return vector


def far_neighbours(terms):
    """Of the victim's neighbours on the ring, the more distant half on either side."""
    by_seed = {
        i: hashlib.sha256(terms.graph_seed + struct.pack(">Q", i)).digest() for i in terms.verification_keys
    }
    ring = sorted(by_seed, key=by_seed.get)
    reach, place = terms.degree // 2, ring.index(VICTIM)
    steps = range(reach // 2 + 1, reach + 1)
    return [ring[(place + way * step) % len(ring)] for step in steps for way in (1, -1)]


@pytest.mark.parametrize(("num_clients", "degree"), [(11, 4), (19, 8)])
def test_with_the_smallest_threshold_a_lying_server_takes_one_clients_vector(num_clients, degree):
    ids = tuple(range(num_clients))
    vectors = {i: [1000 + i, 2**32 - 1 - i] for i in ids}
    cohort = cohort_of(ids, vectors=vectors, degree=degree, threshold=degree // 2 + 1)
    assert LyingServer(cohort).steal().tolist() == vectors[VICTIM]


def test_one_more_and_the_first_lie_of_this_attack_is_refused():
    cohort = cohort_of(tuple(range(11)), degree=4, threshold=4)
    with pytest.raises(ProtocolViolation, match="sealed shares has 3 clients; at least 4 are due"):
        LyingServer(cohort).steal()
