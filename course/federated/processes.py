"""Start programs, and be sure that they and everything they started are gone at the end.

Flower's SuperLink and SuperNodes start helpers of their own, and those start a process for each message.
Ending the first one is therefore not enough: look up the whole family before ending any of it.
"""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

SECONDS_TO_END_POLITELY = 8.0

# What every Flower program of the course runs with. It must not call home or install packages, and one thread
# each is fastest where many small models share a few cores.
QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "OMP_NUM_THREADS": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "PYTHONUNBUFFERED": "1",
}


def environment(**extra: str) -> dict[str, str]:
    """The environment for a child: ours, `QUIET`, `extra`, and this installation's programs first on PATH."""
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    return os.environ | QUIET | {"PATH": path} | extra


def program(name: str) -> Path:
    """Where a program that was installed beside this Python lies.

    Raises:
        FileNotFoundError: if it is not there.
    """
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; install the course with its dependencies first")
    return path


def start(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str], cwd: Path | None = None
) -> psutil.Popen:
    """Start an installed program in the background; what it prints goes to the file `log`."""
    with log.open("ab") as output:
        # In a session of its own, the child does not see our Ctrl-C: we end it ourselves, in the right order.
        return psutil.Popen(
            [str(program(str(command[0]))), *map(str, command[1:])],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=dict(env), cwd=cwd, start_new_session=True,
        )  # fmt: skip


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that descend from it and still run; empty if it has ended."""
    try:
        return [member for member in [process, *process.children(recursive=True)] if is_running(member)]
    except psutil.NoSuchProcess:
        return []


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def runs_program(process: psutil.Process, name: str) -> bool:
    """Whether a program called `name` runs somewhere in the family of `process`."""
    for member in family(process):
        try:
            if any(name in part for part in member.cmdline()):
                return True
        except psutil.NoSuchProcess:
            continue
    return False


def with_variable(name: str, *, starting_with: str) -> list[psutil.Process]:
    """Every process of ours whose environment variable `name` starts so: descendants inherit it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name, "").startswith(starting_with) and is_running(process):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def kill(process: psutil.Process) -> None:
    """End a process and its family at once, as a power cut would."""
    members = family(process)
    for member in members:
        _signal(member, "kill")
    psutil.wait_procs(members, timeout=SECONDS_TO_END_POLITELY)


def stop(process: psutil.Process) -> None:
    """Ask a process to end (SIGTERM), wait for it and its family, then kill what is left of them."""
    members = family(process)
    if members:
        _signal(members[0], "terminate")
        _, alive = psutil.wait_procs(members, timeout=SECONDS_TO_END_POLITELY)
        for member in alive:
            _signal(member, "kill")
        psutil.wait_procs(alive, timeout=SECONDS_TO_END_POLITELY)


def free_ports(count: int) -> list[int]:
    """TCP ports on 127.0.0.1 that nobody uses at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _signal(process: psutil.Process, method: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, method)()
