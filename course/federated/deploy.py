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
import datetime
import json
import platform
import shutil
import signal
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from course.federated import processes
from course.federated.certificates import write_node_keys, write_server_certificates
from course.federated.deployment import Deployment, DeploymentFailed, Timeline, deployment
from course.federated.tls_probe import probe_tls

PROJECT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("recorded_deployment.json")
START_SECONDS = 90.0
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
        return " ".join(f"{key}={json.dumps(value)}" for key, value in settings.items())


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
        _start_superlink(here)
        tls = _probe(here)
        write_node_keys(folder, "unknown")
        _start_supernode(here, "unknown", partition=0, nodes=plan.nodes)
        _connect_command_line(here)
        for node in range(plan.nodes):
            _register(here, f"node-{node}")
            _start_supernode(here, f"node-{node}", partition=node, nodes=plan.nodes)
        unknown = _wait_for_refusal(here)
        online = _wait_until_online(here, plan.nodes)
        results = _run_app(here, plan)
    return {
        "versions": _versions(), "plan": asdict(plan), "events": timeline.events, "nodes_online": online,
        "unknown_node": unknown, "tls": tls, "left_over": len(here.left_over()), **results,
    }  # fmt: skip


def _start_superlink(here: Deployment) -> None:
    here.start(
        "superlink", "flower-superlink", "--host", "127.0.0.1", "--port", str(here.port),
        "--ssl-ca-certfile", here.folder / "ca.crt", "--ssl-certfile", here.folder / "server.pem",
        "--ssl-keyfile", here.folder / "server.key",
        "--enable-supernode-auth", "--disable-runtime-dependency-installation",
    )  # fmt: skip
    ca = here.folder / "ca.crt"
    here.wait(
        lambda: probe_tls(here.port, ca)["with_ca"].startswith("TLS"),
        seconds=START_SECONDS,
        alive="superlink",
    )
    here.timeline.note("superlink", "the SuperLink answers")


def _probe(here: Deployment) -> dict[str, str]:
    tls = probe_tls(here.port, here.folder / "ca.crt")
    for event, client in (("with_ca", "with"), ("without_ca", "without")):
        here.timeline.note(f"tls_{event}", f"a client {client} the CA's certificate: {tls[event]}")
    here.timeline.note("tls_plaintext", f"a client without TLS: {tls['plaintext']}")
    return tls


def _connect_command_line(here: Deployment) -> None:
    """Tell the `flwr` command where the SuperLink is, under the name "course"."""
    settings = {"address": f"127.0.0.1:{here.port}", "root-certificates": str(here.folder / "ca.crt")}
    lines = ["[superlink]", 'default = "course"', "[superlink.course]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (here.home("flwr") / "config.toml").write_text("\n".join(lines) + "\n")


def _flwr(here: Deployment, *arguments: str | Path) -> str:
    """Run Flower's command line to its end and return what it printed."""
    command = [str(processes.program("flwr")), *map(str, arguments)]
    env = processes.environment(FLWR_HOME=str(here.home("flwr")))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=START_SECONDS)
    if done.returncode:
        raise DeploymentFailed(f"flwr {' '.join(command[1:3])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _register(here: Deployment, name: str) -> None:
    _, public = write_node_keys(here.folder, name)
    _flwr(here, "supernode", "register", public, "course", "--name", name)
    here.timeline.note("registered", f"registered the public key of {name}")


def _start_supernode(here: Deployment, name: str, *, partition: int, nodes: int) -> None:
    here.start(
        name, "flower-supernode", "--root-certificates", here.folder / "ca.crt",
        "--superlink", f"127.0.0.1:{here.port}",
        "--host", "127.0.0.1", "--port", str(processes.free_ports(1)[0]),
        "--auth-supernode-private-key", here.folder / f"{name}.key",
        "--node-config", f"partition-id={partition} num-partitions={nodes}",
    )  # fmt: skip


def _wait_for_refusal(here: Deployment) -> dict[str, object]:
    """The node with the unregistered key must end by itself; returns its exit code and what it said."""
    process = here.started["unknown"]
    here.wait(lambda: not processes.is_running(process), seconds=START_SECONDS, alive="superlink")
    words = here.log("unknown").read_text(errors="replace").splitlines()
    said = next((line.strip() for line in words if "[code:" in line), "nothing that we recognise")
    code = process.wait()
    here.timeline.note("refused", f"a node with an unregistered key gave up: exit code {code}, {said!r}")
    return {"exit_code": code, "said": said}


def _wait_until_online(here: Deployment, nodes: int) -> int:
    online = 0

    def all_online() -> bool:
        nonlocal online
        listed = json.loads(_flwr(here, "supernode", "list", "course", "--format", "json"))["nodes"]
        online = sum(node["status"] == "online" for node in listed)
        return online >= nodes

    here.wait(all_online, seconds=START_SECONDS, alive="superlink")
    here.timeline.note("online", f"{online} nodes with registered keys are online")
    return online


def _run_app(here: Deployment, plan: Plan) -> dict[str, object]:
    """`flwr run .`, watched through the file that the ServerApp rewrites after each round; returns that."""
    path = here.folder / "results.json"
    app = _stage_app(here.folder / "learning-without-looking")
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


def _stage_app(app: Path) -> Path:
    """A copy of what `flwr run .` needs: in the project itself it would search .venv for half a minute.

    Raises:
        DeploymentFailed: if this course is not a clone, so that there is no pyproject.toml.
    """
    if not (PROJECT / "pyproject.toml").exists():
        raise DeploymentFailed(
            f"{PROJECT} has no pyproject.toml; a deployment starts from a clone of the course"
        )
    app.mkdir()
    shutil.copy(PROJECT / "pyproject.toml", app)
    for source in (PROJECT / "course").rglob("*.py"):
        target = app / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return app


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


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("flwr", "torch")
    }


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
    # The default way to die of SIGTERM would skip the clean-up.
    signal.signal(signal.SIGTERM, _end)
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="course-deployment-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    try:
        outcome = deploy(Plan(asked.rounds, asked.nodes, asked.kill_one), folder)
        _write_json(folder / "timeline.json", outcome)
        if asked.record:
            _write_json(RECORD, {"date": datetime.date.today().isoformat()} | outcome)
    finally:
        if asked.folder or asked.keep:
            print(f"Logs and results are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _end(signal_number: int, frame: object) -> None:
    raise SystemExit(128 + signal_number)


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
