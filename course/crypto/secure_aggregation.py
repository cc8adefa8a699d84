"""The sum of vectors that nobody sees, although clients drop out at any stage: Bonawitz et al. 2017."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from course.crypto.keys import signing_keypair
from course.crypto.masks import MODULUS, largest_entry
from course.crypto.messages import check_client_id
from course.crypto.neighbours import SEED_BYTES, Degree, choose_degree
from course.crypto.sa_client import Client
from course.crypto.sa_server import Server
from course.crypto.stages import ProtocolViolation, Stage, ThresholdNotMet
from course.crypto.terms import Terms

__all__ = [
    "MODULUS",
    "Client",
    "Degree",
    "ProtocolViolation",
    "SecureSum",
    "Server",
    "Stage",
    "Terms",
    "ThresholdNotMet",
    "Traffic",
    "choose_degree",
    "largest_entry",
    "secure_sum",
]


@dataclass(frozen=True)
class Traffic:
    """Bytes of the messages of one client in one stage.

    Attributes:
        up: from the client to the server.
        down: from the server to the client.
    """

    up: int
    down: int


@dataclass(frozen=True, eq=False)
class SecureSum:
    """What comes of a secure sum.

    Attributes:
        total: the sum over `survivors` modulo the modulus, unsigned integers of shape (length,).
        survivors: the ids of the clients whose vectors are in the sum, ascending.
        traffic: client id → stage → bytes, for the stages that this client was there for.
    """

    total: np.ndarray = field(repr=False)
    survivors: tuple[int, ...]
    traffic: Mapping[int, Mapping[Stage, Traffic]] = field(repr=False)


def secure_sum(
    vectors: Mapping[int, Sequence[int] | np.ndarray],
    *,
    threshold: int,
    dropouts: Mapping[int, Stage] | None = None,
    modulus: int = MODULUS,
    degree: int | None = None,
) -> SecureSum:
    """Run the whole protocol in this process, with fresh keys, over the bytes that would be sent.

    Args:
        vectors: client id → integers in [0, modulus), all of one length; at least two clients.
        threshold: how many clients must stay to the end; more than half of them, see `Terms`. With a
            degree: how many of the degree + 1 around each client.
        dropouts: client id → the stage before which it vanishes. A client that vanishes before
            CONSISTENCY has sent its masked input, so it is in the sum.
        modulus: 2^16, 2^32 or 2^64. See `largest_entry` for the overflow rule.
        degree: with how many neighbours each client has masks and shares, on a fresh random graph; None is
            with everyone. See `choose_degree`.

    Returns:
        The sum over those who sent their masked input, who they are, and the bytes of every message.

    Raises:
        ThresholdNotMet: if fewer than `threshold` clients reply in some stage, or around one client.
        ValueError: if an argument is out of range or does not fit the others.

    Guarantee: the exact sum modulo `modulus`, or an exception.
    Limits: to learn from, not to deploy. Everybody is in one process here; whether messages get lost or are
        overheard is up to what carries them. Requests are not signed: who can change them on their way can
        stop a client, no more than a lying server can.
        The server learns the sum, and two sums over cohorts that differ by one client give its vector away.
    Source: Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning",
        CCS '17, ePrint 2017/281, Figure 4; Bell et al. 2020, "Secure single-server aggregation with
        (poly)logarithmic overhead", CCS '20, ePrint 2020/704, section 3 (the degree).
    """
    dropouts = _check_dropouts(dropouts or {}, vectors)
    signing = {check_client_id(client_id): signing_keypair() for client_id in vectors}
    terms = Terms(
        {client_id: keypair.public for client_id, keypair in signing.items()},
        threshold,
        max((len(vector) for vector in vectors.values()), default=0),
        modulus,
        degree,
        b"" if degree is None else secrets.token_bytes(SEED_BYTES),
    )
    clients = {
        client_id: Client(client_id, vector, signing_key=signing[client_id].private, terms=terms)
        for client_id, vector in vectors.items()
    }
    server, traffic = Server(terms=terms), {client_id: {} for client_id in vectors}
    for stage in Stage:
        for client_id, request in server.requests().items():
            if dropouts.get(client_id, len(Stage)) <= stage:
                continue
            reply = clients[client_id].respond(request)
            traffic[client_id][stage] = Traffic(up=len(reply), down=len(request))
            server.receive(reply)
        server.advance()
    return SecureSum(server.total, server.survivors, traffic)


def _check_dropouts(dropouts: Mapping[int, Stage], vectors: Mapping) -> Mapping[int, Stage]:
    for client_id, stage in dropouts.items():
        if client_id not in vectors or not isinstance(stage, Stage):
            raise ValueError(
                f"dropouts maps ids of clients to a Stage; got {client_id!r}: {stage!r}, "
                f"and the clients are {sorted(vectors)}"
            )
    return dropouts
