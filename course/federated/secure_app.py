"""Secure FedAvg on MNIST as a Flower app: the clients of `flower_app`, behind a mod that masks their models.

Each node finds its client id, its signing key, the roster of public keys and its journal in `--node-config`
(see `enrolment`), so none of them comes from the server. `deploy_secure.py` starts all of it on this machine.
"""

import os
import time
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

from course.crypto import Stage
from course.federated.client import accuracy, two_nn
from course.federated.enrolment import Membership, membership_of_node, read_terms
from course.federated.flower_app import Config, test_examples, train
from course.federated.flower_programs import write_json
from course.federated.quorum_grid import QuorumGrid
from course.federated.secure_averaging import FIXED_POINT
from course.federated.secure_flower import SecureFedAvg, fedavg_row
from course.federated.secure_flower_clients import Vector, secure_mod


def length_of(run: Config) -> int:
    """Entries of a client's vector: its model's parameters, and one for the number of its examples."""
    return 1 + sum(parameter.numel() for parameter in two_nn(seed=0, hidden=int(run["hidden"])).parameters())


def member_of(context: Context) -> Membership:
    length = length_of(context.run_config)
    return membership_of_node(context, length=length, modulus=FIXED_POINT.modulus)


def row_of(reply: Message, context: Context) -> Vector:
    """What this client puts into the sum: its model times its number of examples, and that number."""
    return fedavg_row(reply, num_clients=len(member_of(context).terms.verification_keys))


client_app = ClientApp(mods=[secure_mod(member_of, row_of)])
client_app.train()(train)

server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    run = context.run_config
    terms = read_terms(Path(str(run["roster"])), length=length_of(run), modulus=FIXED_POINT.modulus)
    model, test = two_nn(seed=int(run["seed"]), hidden=int(run["hidden"])), test_examples(run)
    record = {"finished": False, "stages": [], "rounds": []}
    results = Path(str(run["results-file"]))

    def after_stage(stage: Stage, replied: tuple[int, ...]) -> None:
        record["stages"].append({"stage": stage.name, "replied": list(replied)})
        _replace(results, record)
        # Whoever wants to pull a plug between two stages has this long.
        time.sleep(float(run["pause"]))

    timeout = float(run["timeout"])
    strategy = SecureFedAvg(terms=terms, timeout=timeout, after_stage=after_stage)

    def evaluate_round(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        model.load_state_dict(arrays.to_torch_state_dict())
        metrics = {"accuracy": accuracy(model, test)}
        survivors = list(strategy.sums[-1].survivors) if strategy.sums else []
        record["rounds"].append({"round": server_round, "survivors": survivors, **metrics})
        record["finished"] = server_round == int(run["num-server-rounds"])
        np.savez(results.with_suffix(".npz"), **{name: array.numpy() for name, array in arrays.items()})
        _replace(results, record)
        return MetricRecord(metrics)

    prompt = QuorumGrid(grid, enough=terms.threshold, grace=float(run["grace"]))
    strategy.start(
        prompt, ArrayRecord(model.state_dict()), num_rounds=int(run["num-server-rounds"]),
        timeout=timeout, evaluate_fn=evaluate_round,
    )  # fmt: skip


def _replace(path: Path, record: dict) -> None:
    # Whoever watches the file sees the old one or the new one, never half of one.
    draft = path.with_suffix(".draft")
    write_json(draft, record)
    os.replace(draft, path)
