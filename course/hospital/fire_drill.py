"""A fire drill: the app of the case study, in which a hospital misbehaves when its own node was told to.

A node started with `drill="nan,shape,poison"` in its `--node-config` sends not-a-numbers in round 0, a vector
of the wrong shape in round 1, a huge update in round 2, and is honest afterwards. It has the hospital's keys,
so its signature is good: what it sends is what must be noticed. Nobody deploys this for anything but a drill.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from flwr.app import Array, Context, Message
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import Mod

from course.hospital.admission import UPDATE
from course.hospital.flower_app import as_the_run_says, hospital_of, server_app, signed_reply, train
from course.hospital.patient_gradients import STEPS_A_NORM

__all__ = ["POISON_NORMS", "client_app", "misbehaves", "server_app"]

POISON_NORMS = 1000
"""Clipping norms by which a poisoned update is off, in each coordinate."""
STALL_SECONDS = 120.0

FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "honest": lambda steps: steps,
    "nan": lambda steps: np.full(steps.shape, np.nan),
    "shape": lambda steps: steps[:-1],
    "type": lambda steps: steps.astype(np.float32),
    "poison": lambda steps: steps + POISON_NORMS * STEPS_A_NORM,
    "stall": lambda steps: _after_a_long_time(steps),
}


def _after_a_long_time(steps: np.ndarray) -> np.ndarray:
    """The hospital has paid, and its update does not leave: time to pull its plug."""
    time.sleep(STALL_SECONDS)
    return steps


def misbehaves(faults_of: Callable[[Context], Sequence[str]]) -> Mod:
    """A Flower mod that trains honestly, pays honestly, and then sends something else.

    Args:
        faults_of: context → what to do in round 0, 1, …, by its name in `FAULTS`; honest in later ones.
    """

    def mod(message: Message, context: Context, call_next: Callable[[Message, Context], Message]) -> Message:
        reply = call_next(message, context)
        faults, round_index = faults_of(context), int(message.content["config"]["round-index"])
        if round_index >= len(faults) or faults[round_index] == "honest":
            return reply
        steps = FAULTS[faults[round_index]](reply.content[UPDATE]["steps"].numpy())
        return signed_reply(Array(np.ascontiguousarray(steps)), message, hospital_of(context).member)

    return mod


def drill_of(context: Context) -> list[str]:
    """What this node was told to do, round by round; nothing if it was not told anything."""
    told = str(context.node_config.get("drill", ""))
    return told.split(",") if told else []


# The drill is below the mod that masks, as a dishonest hospital's own code would be.
client_app = ClientApp(mods=[as_the_run_says, misbehaves(drill_of)])
client_app.train()(train)
