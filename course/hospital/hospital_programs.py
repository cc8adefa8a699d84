"""Flower's programs for hospitals on this machine: a server that survives a crash, keys that are revoked."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from course.federated import processes
from course.federated.deployment import Deployment
from course.federated.flower_programs import START_SECONDS, flwr, register, settings_text, start_supernode
from course.federated.tls_probe import probe_tls
from course.hospital.hospital_folder import home_of

TRY_AGAIN_SECONDS = 4.0
LOG_SECONDS = 30.0


def start_server(here: Deployment) -> None:
    """Start the SuperLink, whose state is in a database on disk, and wait until it answers.

    Called again after a crash, it goes on with the same database, port and keys. The ServerApp runs under a
    SuperExec, in processes of its own (`start_app_runner`), and does not notice more than a pause.
    """
    ca = here.folder / "ca.crt"
    here.start(
        "superlink", "flower-superlink", "--host", "127.0.0.1", "--port", str(here.port),
        "--ssl-ca-certfile", ca, "--ssl-certfile", here.folder / "server.pem",
        "--ssl-keyfile", here.folder / "server.key", "--enable-supernode-auth",
        "--isolation", "process", "--database", here.folder / "superlink.db",
        "--disable-runtime-dependency-installation",
    )  # fmt: skip
    here.wait(
        lambda: probe_tls(here.port, ca)["with_ca"].startswith("TLS"),
        seconds=START_SECONDS,
        alive="superlink",
    )
    here.timeline.note("superlink", "the SuperLink answers")


def start_app_runner(here: Deployment) -> None:
    """Start the SuperExec, which starts the ServerApp when a run is submitted."""
    here.start(
        "superexec", "flower-superexec", "--runtime-api-address", f"127.0.0.1:{here.port}",
        "--root-certificates", here.folder / "ca.crt",
    )  # fmt: skip


def start_hospital(here: Deployment, name: str, *, drill: str = "") -> None:
    """Start the SuperNode of a hospital; the only path that it is told is of the hospital's own folder."""
    settings = {"hospital-dir": str(home_of(here.folder, name))}
    start_supernode(here, name, settings | ({"drill": drill} if drill else {}))


def register_and_revoke(here: Deployment, name: str) -> None:
    """Register a key with the server, and revoke it; call it before any other node is registered."""
    register(here, name)
    (node,) = json.loads(flwr(here, "supernode", "list", "course", "--format", "json"))["nodes"]
    flwr(here, "supernode", "unregister", str(node["node-id"]), "course")
    here.timeline.note("revoked", f"revoked the key of {name}")


def wait_for_refusal(here: Deployment, name: str) -> dict[str, object]:
    """A node that may not take part must end by itself; returns its exit code and what it said."""
    process = here.started[name]
    here.wait(lambda: not processes.is_running(process), seconds=START_SECONDS, alive="superlink")
    code, said = process.wait(), last_words(here.log(name))
    here.timeline.note("refused", f"{name} was refused: exit code {code}, {said!r}")
    return {"exit_code": code, "said": said}


def submit(here: Deployment, app: Path, settings: Mapping[str, object]) -> str:
    """`flwr run .`; returns the run's id. The run goes on, whatever happens to the command line."""
    said = flwr(here, "run", app, "course", "-c", settings_text(settings), "--format", "json")
    here.timeline.note("run", "flwr run . course")
    return str(json.loads(said)["run-id"])


def keep_log(here: Deployment, run_id: str, name: str, *, until: str = "") -> None:
    """Write what a run's ServerApp logged, which the SuperLink keeps, to `name`.log.

    A ServerApp sends its log every few seconds; `until` is what to wait for, half a minute at most.
    """
    deadline = time.monotonic() + LOG_SECONDS
    while until not in (said := flwr(here, "log", run_id, "course", "--show")):
        if time.monotonic() > deadline:
            break
        time.sleep(1.0)
    here.log(name).write_text(said, encoding="utf-8")


def last_words(log: Path) -> str:
    """The line of a node's log in which Flower says why it gave up."""
    words = log.read_text(errors="replace").splitlines()
    return next((line.strip() for line in reversed(words) if "[code:" in line), "nothing that we recognise")


class Comeback:
    """A killed hospital that tries to come back until the server lets it in.

    The server takes a node that was killed for alive until its heartbeat is missing, and refuses a second one
    with the same key for that long: a minute at most.
    """

    def __init__(self, here: Deployment, name: str, *, drill: str = "") -> None:
        self._here, self._name, self._drill = here, name, drill
        self._next = time.monotonic()
        self.attempts = 0

    def go_on(self) -> None:
        """Start it again if the last attempt ended; call this often, it does not wait."""
        if processes.is_running(self._here.started[self._name]) or time.monotonic() < self._next:
            return
        self.attempts += 1
        self._next = time.monotonic() + TRY_AGAIN_SECONDS
        start_hospital(self._here, self._name, drill=self._drill)
