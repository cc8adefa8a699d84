"""The processes of one deployment and the record of what happened to them; `deploy.py` says what to start."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from course.federated import processes

POLL_SECONDS = 0.3


class DeploymentFailed(RuntimeError):
    """A part of the deployment did not do what it should; the message holds the end of its log."""


@dataclass
class Timeline:
    """What happened when, in seconds since the start; each event is printed as it happens."""

    events: list[dict[str, object]] = field(default_factory=list)
    started_at: float = field(default_factory=time.monotonic)

    def note(self, event: str, text: str) -> None:
        seconds = round(time.monotonic() - self.started_at, 1)
        self.events.append({"seconds": seconds, "event": event, "text": text})
        print(f"{seconds:6.1f} s  {text}", flush=True)


@dataclass
class Deployment:
    """One deployment under way.

    Attributes:
        folder: holds keys, logs, results, and a Flower home for each program.
        timeline: what has happened so far.
        port: of the SuperLink, on 127.0.0.1.
        started: its processes by name, in the order in which they started.
    """

    folder: Path
    timeline: Timeline
    port: int
    started: dict[str, psutil.Popen] = field(default_factory=dict)

    def start(self, name: str, *command: str | Path, cwd: Path | None = None) -> None:
        """Start a program in the background under a name of our own, with its own Flower home and log."""
        env = processes.environment(FLWR_HOME=str(self.home(name)))
        self.started[name] = processes.start(command, log=self.log(name), env=env, cwd=cwd)

    def home(self, name: str) -> Path:
        home = self.folder / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def wait(self, condition: Callable[[], bool], *, seconds: float, alive: str) -> None:
        """Wait until `condition()` holds.

        Raises:
            DeploymentFailed: if the process `alive` ends before, or the seconds run out.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if not processes.is_running(self.started[alive]):
                # It may have ended because it is done.
                if condition():
                    return
                raise self._failed(alive, "ended too early")
            if time.monotonic() > deadline:
                raise self._failed(alive, f"was not ready after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End every process, the last one first, and then whatever else still runs from this folder."""
        for process in reversed(self.started.values()):
            processes.stop(process)
        for process in self.left_over():
            processes.kill(process)

    def left_over(self) -> list[psutil.Process]:
        """The processes that run with a Flower home in this folder, whoever started them."""
        return processes.with_variable("FLWR_HOME", starting_with=str(self.folder))

    def _failed(self, name: str, what: str) -> DeploymentFailed:
        tail = "\n".join(self.log(name).read_text(errors="replace").splitlines()[-15:])
        return DeploymentFailed(f"{name} {what}; the end of its log:\n{tail}")


@contextlib.contextmanager
def deployment(folder: Path, timeline: Timeline) -> Iterator[Deployment]:
    """A deployment without processes yet. At the end, also after an error or Ctrl-C, all are stopped."""
    here = Deployment(folder, timeline, port=processes.free_ports(1)[0])
    try:
        yield here
    finally:
        here.stop()
        timeline.note("stopped", f"everything stopped; {len(here.left_over())} processes left over")
