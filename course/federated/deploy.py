"""A real Flower deployment on this machine: `python -m course.federated.deploy --kill-one`.

One SuperLink and three SuperNodes, each a process with its own folder, talk HTTPS on 127.0.0.1. The server
proves itself with a certificate, each node with a key that was registered before. A fourth node, whose key
nobody registered, is turned away. `flwr run .` sends the app. With `--kill-one`, one node dies in the middle
of round 2 and the run goes on without it. Whatever happens, every process is ended before the program is.

Limits: all keys are made in one place here; in real life each owner makes their own, and sends the public
half only. Every node runs on one machine, so the seconds are those of a crowded laptop.

Source: Flower 1.41, "Run Flower with the Deployment Runtime", for the programs and their options.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from course.federated import processes
from course.federated.certificates import write_node_keys, write_server_certificates
from course.federated.deploy_command import empty_folder, write_outcome
from course.federated.deployment import Deployment, Timeline, deployment
from course.federated.flower_programs import (
    START_SECONDS,
    connect_command_line,
    register,
    settings_text,
    stage_app,
    start_superlink,
    start_supernode,
    versions,
    wait_until_online,
)
from course.federated.tls_probe import probe_tls

RECORD = Path(__file__).with_name("recorded_deployment.json")
RUN_SECONDS = 420.0


@dataclass(frozen=True)
class Plan:
    """What to deploy.

    Attributes:
        rounds: of FedAvg, ≥ 1; at least 3 with `kill_one`.
        nodes: SuperNodes with a registered key, ≥ 3, so that two are left when one dies.
        kill_one: kill the last node with SIGKILL while it works on round 2.
        timeout: seconds that the server waits for the replies of a round. It must be longer than a round
            takes (12 to 30 s, nearly all of it new processes that import torch), and need not be longer than
            60 s, when the SuperLink gives a silent node up.
    """

    rounds: int = 3
    nodes: int = 3
    kill_one: bool = False
    timeout: float = 45.0

    def __post_init__(self) -> None:
        if self.nodes < 3 or self.rounds < (3 if self.kill_one else 1):
            raise ValueError(
                f"got nodes={self.nodes}, rounds={self.rounds}, kill_one={self.kill_one}; "
                "it needs at least 3 nodes, 1 round, and 3 rounds to kill a node in the second"
            )

    def run_config(self, results: Path) -> str:
        """The settings of the run, for `flwr run -c`: a model and data small enough for a minute."""
        settings = {
            "num-server-rounds": self.rounds, "timeout": self.timeout, "results-file": str(results),
            "hidden": 32, "examples-per-client": 300, "local-epochs": 5, "batch-size": 10, "partition": "iid",
        }  # fmt: skip
        return settings_text(settings)


def deploy(plan: Plan, folder: Path) -> dict[str, object]:
    """Do all of it once.

    Args:
        plan: what to deploy.
        folder: an existing, empty folder, for keys, logs and results.

    Returns:
        `events` (the timeline), `nodes_online`, `unknown_node` (its exit code and last words), `tls` (what
        three kinds of client met at the server's port), `rounds` (of each: accuracy, and how many nodes were
        asked, replied, failed or stayed absent), `finished`, `left_over` (processes still there at the end,
        0), `versions` and `plan`.

    Raises:
        DeploymentFailed: if a part does not start, ends early or takes too long; all is stopped first.
    """
    timeline = Timeline()
    write_server_certificates(folder)
    timeline.note("certificates", "made a certificate authority (CA) and a server certificate")
    with deployment(folder, timeline) as here:
        start_superlink(here)
        tls = _probe(here)
        write_node_keys(folder, "unknown")
        start_supernode(here, "unknown", _part(0, plan))
        connect_command_line(here)
        for node in range(plan.nodes):
            register(here, f"node-{node}")
            start_supernode(here, f"node-{node}", _part(node, plan))
        unknown = _wait_for_refusal(here)
        online = wait_until_online(here, plan.nodes)
        results = _run_app(here, plan)
    return {
        "versions": versions(), "plan": asdict(plan), "events": timeline.events, "nodes_online": online,
        "unknown_node": unknown, "tls": tls, "left_over": len(here.left_over()), **results,
    }  # fmt: skip


def _part(node: int, plan: Plan) -> dict[str, int]:
    """What a node finds in its settings: which part of the data is its own."""
    return {"partition-id": node, "num-partitions": plan.nodes}


def _probe(here: Deployment) -> dict[str, str]:
    tls = probe_tls(here.port, here.folder / "ca.crt")
    for event, client in (("with_ca", "with"), ("without_ca", "without")):
        here.timeline.note(f"tls_{event}", f"a client {client} the CA's certificate: {tls[event]}")
    here.timeline.note("tls_plaintext", f"a client without TLS: {tls['plaintext']}")
    return tls


def _wait_for_refusal(here: Deployment) -> dict[str, object]:
    """The node with the unregistered key must end by itself; returns its exit code and what it said."""
    process = here.started["unknown"]
    here.wait(lambda: not processes.is_running(process), seconds=START_SECONDS, alive="superlink")
    words = here.log("unknown").read_text(errors="replace").splitlines()
    said = next((line.strip() for line in words if "[code:" in line), "nothing that we recognise")
    code = process.wait()
    here.timeline.note("refused", f"a node with an unregistered key gave up: exit code {code}, {said!r}")
    return {"exit_code": code, "said": said}


def _run_app(here: Deployment, plan: Plan) -> dict[str, object]:
    """`flwr run .`, watched through the file that the ServerApp rewrites after each round; returns that."""
    path = here.folder / "results.json"
    app = stage_app(here.folder / "learning-without-looking")
    here.start("flwr", "flwr", "run", ".", "course", "--stream", "-c", plan.run_config(path), cwd=app)
    here.timeline.note("run", "flwr run . course --stream")
    results: dict = {"rounds": [], "finished": False}
    killed = False

    def finished() -> bool:
        nonlocal results, killed
        seen = len(results["rounds"])
        if path.exists():
            results = json.loads(path.read_text())
        for record in results["rounds"][seen:]:
            here.timeline.note("round", _describe(record))
        # Once rounds 0 (the untrained model) and 1 are recorded, whoever works is working on round 2.
        if plan.kill_one and not killed and len(results["rounds"]) == 2:
            killed = _kill_if_at_work(here, f"node-{plan.nodes - 1}")
        return results["finished"]

    here.wait(finished, seconds=RUN_SECONDS, alive="flwr")
    here.timeline.note("finished", f"the run finished all {plan.rounds} rounds")
    return results


def _kill_if_at_work(here: Deployment, victim: str) -> bool:
    if not processes.runs_program(here.started[victim], "flwr-clientapp"):
        return False
    processes.kill(here.started[victim])
    here.timeline.note("killed", f"{victim} killed (SIGKILL) while it worked on round 2")
    return True


def _describe(record: dict) -> str:
    if record["round"] == 0:
        return f"before training: accuracy {record['accuracy']:.3f}"
    return (
        f"round {record['round']}: {record['replies']} of {record['asked']} nodes replied, "
        f"{record['failures']} failed, {record['absent']} silent; accuracy {record['accuracy']:.3f}"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m course.federated.deploy", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--kill-one", action="store_true", help="kill the last node in the middle of round 2")
    parser.add_argument("--folder", type=Path, help="an empty folder for keys, logs and results; it is kept")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder, and say where it is")
    parser.add_argument("--record", action="store_true", help=f"write the timeline to {RECORD.name}, too")
    asked = parser.parse_args(arguments)
    with empty_folder(parser, asked.folder, keep=asked.keep) as folder:
        outcome = deploy(Plan(asked.rounds, asked.nodes, asked.kill_one), folder)
        write_outcome(outcome, folder=folder, record=RECORD if asked.record else None)


if __name__ == "__main__":
    main()
