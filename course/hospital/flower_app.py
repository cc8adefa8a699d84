"""The hospital case study as a Flower app: lesson 11's private training, on one machine or on one a hospital.

Each node finds its hospital's folder in its `--node-config` as `hospital-dir` (in Flower's simulation: by its
`partition-id`, below the run's `folder`) and opens nothing of another hospital's. What leaves a hospital is
noisy sums of its patients' clipped gradients, each of which is in its own privacy budget *before* it leaves;
once the budget is spent, nothing leaves any more.

A hospital does not trust the run's settings. Whatever noise and sampling the server asks for, the accountant
charges for exactly that, so little noise spends the budget at once. In a secure sum the noise of the others
protects its patients, too, so there the noise must be the one on which all have agreed, and how many shares
are needed comes from the hospital's own roster: a server that told each hospital something else would
otherwise get less noise than anybody paid for. Coins and noise come from the operating system.

In the clear (`aggregation = "clear"`) an update has all the noise that its own patients need, whoever sees
it. In a secure sum it has one share: enough if `threshold` hospitals stay and one of them looks at its own
share.

Limits: to learn from, not to deploy. In Flower the code of a run comes from whoever starts it; a hospital
must review the bundle before its node runs it. Exact numbers of patients are public here.
"""

import logging
import secrets

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from torch import Tensor

from course.crypto.keys import sign
from course.crypto.masks import MODULUS
from course.federated.enrolment import Membership
from course.federated.secure_flower_clients import secure_mod
from course.hospital.admission import (
    SIGNED_BY,
    UPDATE,
    UpdateRefused,
    check_update,
    largest_norm,
    update_statement,
)
from course.hospital.budget import BudgetSpent
from course.hospital.feature_bank import DIMENSIONS, NUM_FEATURES, PublicScale, look_at
from course.hospital.flower_settings import is_secure, plan_of
from course.hospital.hospital_folder import HospitalHere, home_of, names_in
from course.hospital.noisy_sum import share_std
from course.hospital.patient_gradients import teaching_cells
from course.hospital.private import Plan, PrivateHospital
from course.hospital.private_server import serve

_LARGEST_WEIGHT = 1e6
_log = logging.getLogger("flwr")


def hospital_of(context: Context) -> HospitalHere:
    """The hospital whose node this is.

    Raises:
        ValueError: if its `--node-config` does not say, and neither does a simulation.
    """
    node, run = context.node_config, context.run_config
    if "hospital-dir" in node:
        return HospitalHere.at(str(node["hospital-dir"]))
    if "partition-id" in node and run["folder"]:
        names = names_in(str(run["folder"]))
        if int(node["num-partitions"]) != len(names):
            raise ValueError(
                f"the study has {len(names)} hospitals, and the simulation {node['num-partitions']} nodes"
            )
        return HospitalHere.at(home_of(str(run["folder"]), names[int(node["partition-id"])]))
    raise ValueError("this node's --node-config lacks hospital-dir")


def model_in(message: Message) -> tuple[Tensor, PublicScale]:
    """The model and the scale of the features that a message carries.

    Raises:
        UpdateRefused: if they are not numbers of the right shape: a NaN would pass through the clipping and
            become an update of any length.
    """
    arrays = message.content["arrays"]
    found = {name: arrays[name].numpy() for name in ("weights", "mean", "std")}
    shapes = {"weights": (DIMENSIONS,), "mean": (NUM_FEATURES,), "std": (NUM_FEATURES,)}
    usable = all(
        found[name].shape == shape and found[name].dtype == np.float32
        and bool((np.abs(found[name]) <= _LARGEST_WEIGHT).all())
        for name, shape in shapes.items()
    )  # fmt: skip
    if not usable or not (found["std"] >= 1e-6).all():
        raise UpdateRefused(
            "the server's model has a shape, type or numbers that this hospital does not train"
        )
    weights, mean, std = (torch.from_numpy(found[name].copy()) for name in ("weights", "mean", "std"))
    return weights, PublicScale(mean, std)


def update_of(here: HospitalHere, message: Message, context: Context) -> np.ndarray:
    """The hospital's noisy integers for one round, int64, shape (DIMENSIONS,), paid for and checked.

    Raises:
        BudgetSpent: if the round does not fit into the budget; then nothing leaves.
        UpdateRefused: if the model is unusable, the noise of a secure sum is not as agreed, there are no
            patients, or the update is too long.

    Guarantee: as `PrivateHospital.message`; the round is in the budget file before this returns. Clipping is
        this hospital's own; under secure aggregation nobody else can check it.
    """
    run, terms = context.run_config, here.member.terms
    # In the clear there is one share: all of the noise.
    num_shares = len(terms.verification_keys) if is_secure(run) else 1
    spare = num_shares - terms.threshold + 1 if is_secure(run) else 0
    if is_secure(run) and float(run["noise-multiplier"]) != here.agreed_noise:
        raise UpdateRefused(f"the noise of a secure sum is {here.agreed_noise:g}, as agreed, and no other")
    weights, scale = model_in(message)
    found = here.patients()
    for left in found.left_out:
        _log.warning("%s: the scan of %s is left out: %s", here.name, left.patient_id, left.reason)
    patients = found[here.name]
    _log.info("%s: %d patients, %d scans left out", here.name, len(patients), len(found.left_out))
    if not patients:
        raise UpdateRefused(f"{here.name} has no usable scan")
    name = f"{run['study']}, Flower run {context.run_id}"
    plan = plan_of(run, name=name, num_patients=len(patients), spare=spare)
    # Which cells of a patient are taught is drawn for that patient alone, the same in each round.
    examples = teaching_cells(look_at(patients, scale), seed=0)
    hospital = PrivateHospital(here.name, examples, here.budget, secrets.randbits(256))
    round_index = int(message.content["config"]["round-index"])
    steps = hospital.message(weights, plan, round_index=round_index, num_hospitals=num_shares)
    _log.info("%s: round %d paid, ε so far %.3f", here.name, round_index, hospital.budget.epsilon)
    check_own_update(steps, plan, num_shares=num_shares)
    return steps


def check_own_update(steps: np.ndarray, plan: Plan, *, num_shares: int) -> None:
    """The hospital's last look at what it lets out.

    Raises:
        UpdateRefused: if it has not the shape, type or length of an honest update. Nothing leaves then.
    """
    noise = share_std(plan.noise_multiplier, num_hospitals=num_shares, spare=plan.spare)
    longest = largest_norm(plan.num_patients, noise_multiplier=noise, dimensions=DIMENSIONS)
    check_update(steps, dimensions=DIMENSIONS, longest=longest)


def train(message: Message, context: Context) -> Message:
    """Answer a TRAIN message with a noisy update, signed by the hospital."""
    here = hospital_of(context)
    try:
        steps = update_of(here, message, context)
    except (BudgetSpent, UpdateRefused):
        raise
    except Exception as error:
        # Flower sends the text of an exception to the server, and this one may quote a patient.
        _log.exception("%s cannot take part", here.name)
        raise RuntimeError(f"{here.name} cannot take part; its own log says why") from error
    return signed_reply(Array(steps), message, here.member)


def signed_reply(array: Array, message: Message, member: Membership) -> Message:
    """A reply with an update, and the hospital's signature for this round."""
    config = message.content["config"]
    round_index, nonce = int(config["round-index"]), config.get("nonce", b"")
    signature = sign(member.signing_key, update_statement(nonce, member.client_id, round_index, array))
    signed = ConfigRecord({"client-id": str(member.client_id), "signature": signature})
    return Message(RecordDict({UPDATE: ArrayRecord({"steps": array}), SIGNED_BY: signed}), reply_to=message)


def masked_residues(reply: Message, context: Context) -> np.ndarray:
    """What goes into the secure sum: the reply's integers modulo 2^32, negative ones in the upper half."""
    return np.mod(reply.content[UPDATE]["steps"].numpy(), MODULUS)


_in_a_secure_sum = secure_mod(lambda context: hospital_of(context).member, masked_residues)


def as_the_run_says(message: Message, context: Context, call_next) -> Message:
    """A Flower mod: in the clear, or in a secure sum.

    A server that asks for the clear gets updates that have all of their noise, so nothing is to be gained.
    """
    if is_secure(context.run_config):
        return _in_a_secure_sum(message, context, call_next)
    return call_next(message, context)


client_app = ClientApp(mods=[as_the_run_says])
client_app.train()(train)

server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    serve(grid, context.run_config, name=f"Flower run {context.run_id}")
