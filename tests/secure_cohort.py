"""Clients and a server of secure aggregation that stop where a test wants to interfere."""

import secrets
from dataclasses import dataclass, replace

import numpy as np

from course.crypto import Client, Server, Stage, Terms
from course.crypto.keys import Keypair, signing_keypair
from course.crypto.messages import SERVER, Message, decode, encode
from course.crypto.terms import write_reply

LAST_TO_VANISH = len(Stage)


@dataclass
class Cohort:
    """Enrolled clients, their signing keys, and an honest server."""

    terms: Terms
    signing: dict[int, Keypair]
    clients: dict[int, Client]
    server: Server

    def request(self, stage, receiver, entries, *, session=None, sender=SERVER):
        """A request that a lying server could send."""
        return encode(Message(stage, session or self.server.session, sender, receiver, entries))

    def reply(self, stage, sender, entries, *, signer=None, receiver=SERVER):
        """A reply that a lying client could send."""
        key = self.signing[sender if signer is None else signer].private
        return write_reply(Message(stage, self.server.session, sender, receiver, entries), signing_key=key)


def cohort_of(
    ids=(3, 20, 77, 300, 4000), *, threshold=None, vectors=None, length=4, modulus=2**32, degree=None
):
    """A cohort whose client `i` has the vector (i, i, …), unless others are given."""
    signing = {i: signing_keypair() for i in ids}
    if vectors is None:
        vectors = {i: np.full(length, i) for i in ids}
    enrolled = {i: keypair.public for i, keypair in signing.items()}
    num_holders = len(signing) if degree is None else degree + 1
    seed = b"" if degree is None else secrets.token_bytes(32)
    terms = Terms(enrolled, threshold or num_holders // 2 + 1, len(vectors[ids[0]]), modulus, degree, seed)
    clients = {i: Client(i, vectors[i], signing_key=signing[i].private, terms=terms) for i in ids}
    return Cohort(terms, signing, clients, Server(terms=terms))


def play_until(cohort, stage, *, dropouts=None):
    """Play the stages before `stage` honestly; the requests of `stage`, client id → bytes."""
    for _ in range(stage):
        now = cohort.server.stage
        for client_id, request in cohort.server.requests().items():
            if (dropouts or {}).get(client_id, LAST_TO_VANISH) > now:
                cohort.server.receive(cohort.clients[client_id].respond(request))
        cohort.server.advance()
    return cohort.server.requests()


def changed(data, **fields):
    """The message with these fields changed."""
    return encode(replace(decode(data), **fields))


def with_entries(data, change):
    """The message with `change` applied to its entries, which it gets as a dictionary of its own."""
    message = decode(data)
    entries = dict(message.entries)
    change(entries)
    return encode(replace(message, entries=entries))
