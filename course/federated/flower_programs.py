"""Flower's programs for a deployment on this machine: start them, register nodes, and pack an app to run."""

import json
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from course.federated import processes
from course.federated.certificates import write_node_keys
from course.federated.deployment import Deployment, DeploymentFailed
from course.federated.tls_probe import probe_tls

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0


def start_superlink(here: Deployment) -> None:
    """Start the SuperLink with TLS and authentication of nodes, and wait until it answers."""
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


def connect_command_line(here: Deployment) -> None:
    """Tell the `flwr` command where the SuperLink is, under the name "course"."""
    settings = {"address": f"127.0.0.1:{here.port}", "root-certificates": str(here.folder / "ca.crt")}
    lines = ["[superlink]", 'default = "course"', "[superlink.course]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (here.home("flwr") / "config.toml").write_text("\n".join(lines) + "\n")


def flwr(here: Deployment, *arguments: str | Path) -> str:
    """Run Flower's command line to its end and return what it printed."""
    command = [str(processes.program("flwr")), *map(str, arguments)]
    env = processes.environment(FLWR_HOME=str(here.home("flwr")))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=START_SECONDS)
    if done.returncode:
        raise DeploymentFailed(f"flwr {' '.join(command[1:3])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def register(here: Deployment, name: str) -> None:
    """Make the key pair of a node, and register its public half with the SuperLink."""
    _, public = write_node_keys(here.folder, name)
    flwr(here, "supernode", "register", public, "course", "--name", name)
    here.timeline.note("registered", f"registered the public key of {name}")


def start_supernode(here: Deployment, name: str, node_config: Mapping[str, int | str]) -> None:
    """Start a SuperNode with the key pair of that name; its app finds `node_config` in the context."""
    here.start(
        name, "flower-supernode", "--root-certificates", here.folder / "ca.crt",
        "--superlink", f"127.0.0.1:{here.port}",
        "--host", "127.0.0.1", "--port", str(processes.free_ports(1)[0]),
        "--auth-supernode-private-key", here.folder / f"{name}.key",
        "--node-config", settings_text(node_config),
    )  # fmt: skip


def wait_until_online(here: Deployment, nodes: int) -> int:
    """Wait until so many nodes are online; returns how many are."""
    online = 0

    def all_online() -> bool:
        nonlocal online
        listed = json.loads(flwr(here, "supernode", "list", "course", "--format", "json"))["nodes"]
        online = sum(node["status"] == "online" for node in listed)
        return online >= nodes

    here.wait(all_online, seconds=START_SECONDS, alive="superlink")
    here.timeline.note("online", f"{online} nodes with registered keys are online")
    return online


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as Flower's command line takes them: `key=value key="text"`."""
    return " ".join(f"{key}={json.dumps(value)}" for key, value in settings.items())


def stage_app(app: Path, *, changes: Mapping[str, str] | None = None) -> Path:
    """A copy of what `flwr run .` needs: in the project itself it would search .venv for half a minute.

    Args:
        app: the folder to make.
        changes: of the text of pyproject.toml; each old text must be there.

    Raises:
        DeploymentFailed: if this course is not a clone, so that there is no pyproject.toml, or if a text that
            is to be changed is not in it.
    """
    if not (PROJECT / "pyproject.toml").exists():
        raise DeploymentFailed(
            f"{PROJECT} has no pyproject.toml; a deployment starts from a clone of the course"
        )
    app.mkdir()
    settings = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    for old, new in (changes or {}).items():
        if old not in settings:
            raise DeploymentFailed(f"pyproject.toml does not have {old!r}")
        settings = settings.replace(old, new)
    (app / "pyproject.toml").write_text(settings, encoding="utf-8")
    for source in (PROJECT / "course").rglob("*.py"):
        target = app / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return app


def versions() -> dict[str, str]:
    """Of Python, Flower and torch."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("flwr", "torch")
    }


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
