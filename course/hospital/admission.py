"""Which hospitals' updates are let into a round, and why the others are not.

What is checked where? In the clear the server sees each update (it carries its own noise), so it checks each
one and names the hospital that it excludes. Under secure aggregation it sees nothing but the sum: then each
hospital clips and checks *itself*, the protocol refuses a vector of the wrong length, and the server can only
check the length of the *sum*. A sum that no honest hospitals could have made is thrown away whole, and nobody
can be named: one dishonest hospital can stop each round.

Limits: a poisoned update that is no longer than an honest one passes every check here, in the clear as well.
A limit of the length limits the harm of one round, and no more.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import Array, Message

from course.crypto import ProtocolViolation
from course.crypto.keys import statement, verify
from course.hospital.patient_gradients import STEPS_A_NORM

FALSE_ALARM = 1e-9
"""The chance that an honest update is longer than `largest_norm`."""
UPDATE, SIGNED_BY = "update", "signed-by"
"""Where a reply has the hospital's integers, and who signed them."""


class UpdateRefused(ValueError):
    """An update that is not let in; the message says why and quotes none of its numbers."""


@dataclass(frozen=True)
class Enrolled:
    """What everybody knows of a hospital: its name, how many patients it was invited with, its public key."""

    name: str
    num_patients: int
    key: bytes


def largest_norm(num_patients: int, *, noise_multiplier: float, dimensions: int) -> float:
    """How long an honest update can be, in units of the clipping norm.

    Args:
        num_patients: of the hospital (or of all hospitals in a sum); each moves it by at most 1.
        noise_multiplier: of the noise *in this update or sum*, over the clipping norm.
        dimensions: of the update.

    Guarantee: an honest one is longer with probability at most `FALSE_ALARM`. (That is shown for the
    continuous
        Gaussian; at thousands of steps of noise the discrete one is the same to many digits.)
    Source: Boucheron, Lugosi, Massart 2013, *Concentration Inequalities*, Theorem 5.6 (Gaussian
        concentration, here of the length, whose mean is at most √dimensions).
    """
    if num_patients < 0 or not 0 <= noise_multiplier < math.inf or dimensions < 1:
        raise ValueError(f"got {num_patients} patients, noise {noise_multiplier}, {dimensions} dimensions")
    tail = math.sqrt(2 * math.log(1 / FALSE_ALARM))
    # One more for rounding: each of the dimensions is within a step of what it should be.
    return num_patients + noise_multiplier * (math.sqrt(dimensions) + tail) + 1


def check_update(steps: np.ndarray, *, dimensions: int, longest: float) -> None:
    """Nothing, if these can be the integers of an honest update.

    Args:
        steps: in 1 / `STEPS_A_NORM` of the clipping norm.
        dimensions: that it must have.
        longest: of `largest_norm`.

    Raises:
        UpdateRefused: if it has another shape or type, is not finite, or is too long.
    """
    if steps.shape != (dimensions,):
        raise UpdateRefused(f"the update has shape {steps.shape} instead of ({dimensions},)")
    if np.issubdtype(steps.dtype, np.floating) and not np.isfinite(steps).all():
        raise UpdateRefused("the update holds numbers that are not finite")
    if steps.dtype != np.int64:
        raise UpdateRefused(f"the update is of {steps.dtype} instead of int64")
    # In double precision: the squares of int64 would overflow.
    norm = float(np.linalg.norm(steps.astype(np.float64))) / STEPS_A_NORM
    if not norm <= longest:
        raise UpdateRefused(
            f"the length is {norm:.4g} clipping norms, and an honest one is at most {longest:.4g}"
        )


def signed_content(array: Array) -> bytes:
    """What stands for an array in a signature: the hash of its type, shape and bytes."""
    about = f"{array.dtype} {tuple(array.shape)} {array.stype} ".encode()
    return hashlib.sha256(about + array.data).digest()


def update_statement(nonce: bytes, client_id: int, round_index: int, array: Array) -> bytes:
    """What a hospital signs under its update; of no use in another round or for another hospital."""
    return statement(b"hospital update", nonce, (client_id, round_index), signed_content(array))


def sender_of(reply: Message, roster: Mapping[int, Enrolled], *, nonce: bytes, round_index: int) -> int:
    """The client id of the hospital that signed a reply.

    Raises:
        UpdateRefused: if it is no update, or not signed by an enrolled hospital for this round.
    """
    try:
        array, signed = reply.content[UPDATE]["steps"], reply.content[SIGNED_BY]
        client_id = int(signed["client-id"])
        key, signature = roster[client_id].key, signed["signature"]
        verify(
            key, signature, update_statement(nonce, client_id, round_index, array),
            what=f"the update of client {client_id}",
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, ProtocolViolation) as error:
        raise UpdateRefused("the update is not signed by an enrolled hospital for this round") from error
    return client_id


@dataclass(frozen=True)
class Excluded:
    """Somebody who is not in a round: a hospital, or a node that is of none, and the reason in words."""

    who: str
    reason: str


def admit(
    replies: Iterable[Message],
    roster: Mapping[int, Enrolled],
    *,
    nonce: bytes,
    round_index: int,
    dimensions: int,
    noise_multiplier: float,
    asked: Mapping[str, int],
    known_nodes: dict[int, int],
) -> tuple[dict[int, np.ndarray], list[Excluded]]:
    """The updates of a round that are let in, and everybody else with the reason.

    Args:
        replies: to the messages of one round; errors as well.
        roster: client id → what is known of it.
        nonce, round_index: of the round.
        dimensions: of an update.
        noise_multiplier: of the noise in each update.
        asked: id of each message of the round → the node that it went to.
        known_nodes: node → client id, of rounds before; nodes that sign are added.

    Returns:
        Client id → int64 steps, shape (dimensions,); and who is excluded. Each hospital of the roster is in
        one of the two.
    """
    admitted, excluded, heard = {}, [], set()
    for reply in replies:
        # For a node that is gone the SuperLink answers, under its own number.
        node = asked.get(reply.metadata.reply_to_message_id, reply.metadata.src_node_id)
        client_id = known_nodes.get(node)
        try:
            if reply.has_error():
                raise UpdateRefused(
                    f"an error instead of an update (code {reply.error.code}): {reply.error.reason}"
                )
            client_id = sender_of(reply, roster, nonce=nonce, round_index=round_index)
            known_nodes[node] = client_id
            if client_id in admitted:
                raise UpdateRefused("a second update for the same round; the first one counts")
            steps = _numbers(reply.content[UPDATE]["steps"])
            longest = largest_norm(
                roster[client_id].num_patients, noise_multiplier=noise_multiplier, dimensions=dimensions
            )
            check_update(steps, dimensions=dimensions, longest=longest)
            admitted[client_id] = steps
        except UpdateRefused as refusal:
            excluded.append(Excluded(_name(roster, client_id, node), str(refusal)))
        heard.add(client_id)
    silent = [client_id for client_id in roster if client_id not in heard]
    excluded += [
        Excluded(roster[client_id].name, "no update came with its signature") for client_id in silent
    ]
    return admitted, excluded


def check_sum(
    total: np.ndarray, survivors: Iterable[Enrolled], *, noise_multiplier: float, dimensions: int
) -> None:
    """Nothing, if honest hospitals can have made this sum.

    Raises:
        UpdateRefused: if it is too long. Whose fault it is, nobody can know.

    Limits: one hospital may hide a poison as long as all of them together may be.
    """
    patients = sum(hospital.num_patients for hospital in survivors)
    longest = largest_norm(patients, noise_multiplier=noise_multiplier, dimensions=dimensions)
    check_update(total, dimensions=dimensions, longest=longest)


def _numbers(array: Array) -> np.ndarray:
    try:
        return array.numpy()
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise UpdateRefused("the update cannot be read") from error


def _name(roster: Mapping[int, Enrolled], client_id: int | None, node: int) -> str:
    return roster[client_id].name if client_id in roster else f"node {node}"
