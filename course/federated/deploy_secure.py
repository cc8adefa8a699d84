"""Secure aggregation between real processes: `python -m course.federated.deploy_secure`.

One SuperLink and four SuperNodes, each a process with its own folder, signing key and journal, run one round
of secure FedAvg over HTTPS. One node is killed after it has dealt out shares of its secrets and before it
sends its masked model. The round ends with the exact sum of the three models that arrived. Whatever happens,
every process is ended before the program is.

Limits: all keys are made in one place, and every node runs on one machine, as in `deploy`.

Source: Flower 1.41, "Run Flower with the Deployment Runtime"; Bonawitz et al. 2017, ePrint 2017/281, Figure 4
(section 4 for the masks of a client that has gone).
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course.crypto import Stage
from course.federated import processes
from course.federated.certificates import write_server_certificates
from course.federated.deploy_command import empty_folder, write_outcome
from course.federated.deployment import Deployment, Timeline, deployment
from course.federated.enrolment import ROSTER, write_enrolment
from course.federated.flower_programs import (
    connect_command_line,
    register,
    settings_text,
    stage_app,
    start_superlink,
    start_supernode,
    versions,
    wait_until_online,
)

RECORD = Path(__file__).with_name("recorded_secure_deployment.json")
RUN_SECONDS = 300.0

SECURE_APP = {
    "course.federated.flower_app:server_app": "course.federated.secure_app:server_app",
    "course.federated.flower_app:client_app": "course.federated.secure_app:client_app",
    "[tool.flwr.app.config]\n": '[tool.flwr.app.config]\nroster = ""\npause = 0.0\ngrace = 0.0\n',
}
"""What differs between the pyproject.toml of this app and the one of the course."""


@dataclass(frozen=True)
class SecurePlan:
    """What to deploy.

    Attributes:
        nodes: SuperNodes, each an enrolled client; their ids are 0, 1, ….
        threshold: how many must stay to the end.
        kill_after: client id → the stage right after which its node is killed with SIGKILL.
        timeout: seconds that the server waits for a stage. A stage takes 5 to 15 s, nearly all of it for new
            processes and Flower's polling, and more on a busy machine.
        grace: seconds that it waits for the others when `threshold` clients have replied: what a dead node
            costs.
        pause: seconds between two stages, in which a node can be killed.
    """

    nodes: int = 4
    threshold: int = 3
    kill_after: Mapping[int, Stage] = field(default_factory=lambda: {1: Stage.SHARE_KEYS})
    timeout: float = 120.0
    grace: float = 15.0
    pause: float = 0.7

    def __post_init__(self) -> None:
        unknown = self.kill_after.keys() - range(self.nodes)
        if not self.nodes < 2 * self.threshold <= 2 * self.nodes or unknown:
            raise ValueError(
                f"got nodes={self.nodes}, threshold={self.threshold}, kill_after={dict(self.kill_after)}; "
                "the threshold must be more than half of the nodes, and nodes to be killed must exist"
            )

    def run_config(self, folder: Path) -> dict[str, object]:
        """The settings of the run: a model and data small enough for two minutes."""
        return {
            "num-server-rounds": 1, "timeout": self.timeout, "grace": self.grace, "pause": self.pause,
            "results-file": str(folder / "results.json"), "roster": str(folder / ROSTER),
            "hidden": 32, "examples-per-client": 300, "local-epochs": 5, "batch-size": 10, "partition": "iid",
        }  # fmt: skip


def deploy_secure(plan: SecurePlan, folder: Path) -> dict[str, object]:
    """Do all of it once.

    Args:
        plan: what to deploy.
        folder: an existing, empty folder, for keys, logs and results; `results.npz` is the model at the end.

    Returns:
        `events` (the timeline), `stages` (of each, the clients that replied), `rounds` (of each, the
        survivors and the accuracy), `finished`, `left_over` (processes still there at the end, 0),
        `versions`, `plan`.

    Raises:
        DeploymentFailed: if a part does not start, ends early or takes too long; all is stopped first.
    """
    timeline = Timeline()
    write_server_certificates(folder)
    write_enrolment(folder, range(plan.nodes), threshold=plan.threshold)
    timeline.note("keys", f"made certificates, and signing keys of {plan.nodes} clients")
    with deployment(folder, timeline) as here:
        start_superlink(here)
        connect_command_line(here)
        for node in range(plan.nodes):
            register(here, f"node-{node}")
            start_supernode(here, f"node-{node}", _settings_of(node, plan, folder))
        wait_until_online(here, plan.nodes)
        results = _run_app(here, plan)
    told = asdict(plan) | {"kill_after": {client: stage.name for client, stage in plan.kill_after.items()}}
    return {
        "versions": versions(), "plan": told, "events": timeline.events,
        "left_over": len(here.left_over()), **results,
    }  # fmt: skip


def _settings_of(node: int, plan: SecurePlan, folder: Path) -> dict[str, int | str]:
    return {
        "partition-id": node, "num-partitions": plan.nodes, "client-id": node,
        "signing-key": str(folder / f"client-{node}.signing"), "roster": str(folder / ROSTER),
        "journal": str(folder / f"journal-{node}"),
    }  # fmt: skip


def _run_app(here: Deployment, plan: SecurePlan) -> dict[str, object]:
    """`flwr run .`, watched through the file that the ServerApp rewrites after each stage; returns that."""
    path = here.folder / "results.json"
    app = stage_app(here.folder / "learning-without-looking", changes=SECURE_APP)
    config = settings_text(plan.run_config(here.folder))
    here.start("flwr", "flwr", "run", ".", "course", "--stream", "-c", config, cwd=app)
    here.timeline.note("run", "flwr run . course --stream")
    results: dict = {"stages": [], "finished": False}

    def finished() -> bool:
        nonlocal results
        seen = len(results["stages"])
        if path.exists():
            results = json.loads(path.read_text())
        for record in results["stages"][seen:]:
            _after(Stage[record["stage"]], record["replied"], here=here, plan=plan)
        return results["finished"]

    here.wait(finished, seconds=RUN_SECONDS, alive="flwr")
    last = results["rounds"][-1]
    here.timeline.note(
        "finished", f"the sum of clients {last['survivors']} is a model with accuracy {last['accuracy']:.3f}"
    )
    return results


def _after(stage: Stage, replied: list[int], *, here: Deployment, plan: SecurePlan) -> None:
    """Note a finished stage, and kill the nodes that are due."""
    for client, last_stage in plan.kill_after.items():
        if last_stage is stage:
            processes.kill(here.started[f"node-{client}"])
    here.timeline.note("stage", f"{stage.name}: {len(replied)} of {plan.nodes} clients replied")
    for client, last_stage in plan.kill_after.items():
        if last_stage is stage:
            here.timeline.note("killed", f"node-{client} killed (SIGKILL) after {stage.name}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m course.federated.deploy_secure", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--folder", type=Path, help="an empty folder for keys, logs and results; it is kept")
    parser.add_argument("--record", action="store_true", help=f"write the timeline to {RECORD.name}, too")
    asked = parser.parse_args(arguments)
    with empty_folder(parser, asked.folder) as folder:
        outcome = deploy_secure(SecurePlan(), folder)
        write_outcome(outcome, folder=folder, record=RECORD if asked.record else None)


if __name__ == "__main__":
    main()
