"""Run a row's file in a process of its own, measure it, and see to it that nothing of it is left running."""

import datetime
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import psutil

from course.federated.processes import environment, family, kill, stop, with_variable
from course.frameworks.records import Record, text_sha256
from course.frameworks.rows import ROOT, Row, row_of
from course.frameworks.tasks import Task, task_of, task_sha256, write_task

MARK = "COURSE_FRAMEWORKS_RUN"
"""The variable by which we know the descendants of a run, even those whose parent has gone."""

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_OF_GRACE = 2.0
"""What a program's children may take to follow it, before they count as left behind."""

LONGEST_RUN = 600.0


class NotInstalled(Exception):
    """A package that the row stands on is not in this environment."""


class RowFailed(Exception):
    """The row's file ended with an error, or did not end at all."""


def run_live(name: str) -> Record:
    """Run a row here and now, with the Python that runs this.

    Raises:
        NotInstalled: in one sentence, if a package is missing here.
        RowFailed: if the file fails.
    """
    row = row_of(name)
    for package in row.packages:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            raise NotInstalled(f"{row.tool} does not run here, because {package} is not installed") from None
    return run_row(row, python=Path(sys.executable), live=True)


def run_row(
    row: Row, *, python: Path, live: bool = False, task: Task | None = None, longest: float = LONGEST_RUN
) -> Record:
    """Run a row's file as `python FILE TASK.npz ANSWER.json`, and describe the run.

    Args:
        row: what to run.
        python: the interpreter of the environment that has the row's packages.
        live: what the record says of itself.
        task: the arrays; the row's own task by default.
        longest: seconds after which it is ended.

    Raises:
        RowFailed: with the last line that the program printed, or why it could not be started.

    Guarantee: when this returns or raises, no process runs that the program has started, unless one has taken
        our mark out of its environment.
    Limits: memory and processor time of the family are looked at 20 times a second; a shorter peak, or what a
        process does after the last look, is missed.
    """
    task = task_of(row.task) if task is None else task
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_task(task, folder / "task.npz")
        command = [str(python), str(row.file), "task.npz", "answer.json", *_arguments(row)]
        seen = _watch(command, folder, row, longest)
        report = _read_report(folder / "answer.json", row)
    return Record(
        row.name, row.task, row.tool, report["answer"], report["seconds"], seen.seconds,
        report["sent_bytes"], seen.peak / 2**20, seen.left, versions_in(python, row.packages),
        datetime.date.today().isoformat(), this_platform(), text_sha256(row.file), task_sha256(task), live,
        sum(seen.cpu.values()),
    )  # fmt: skip


def _read_report(path: Path, row: Row) -> dict:
    """What the file wrote: its answer, the bytes sent and the seconds."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return {name: report[name] for name in ("answer", "sent_bytes", "seconds")}
    except (ValueError, KeyError, TypeError) as problem:
        raise RowFailed(f"{row.name} wrote no report that can be read ({type(problem).__name__})") from None


def this_platform() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def versions_in(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of these packages where this interpreter finds them, and its own.

    Raises:
        RowFailed: if one of them is not there.
    """
    code = (
        "import sys, json, platform; from importlib.metadata import version; "
        "print(json.dumps({p: version(p) for p in sys.argv[1:]} | {'python': platform.python_version()}))"
    )
    ran = subprocess.run([str(python), "-c", code, *packages], capture_output=True, text=True, check=False)
    if ran.returncode:
        last = ran.stderr.strip().splitlines()[-1:]
        raise RowFailed(f"the versions of {', '.join(packages)} cannot be read: {' '.join(last)}")
    return json.loads(ran.stdout)


def _arguments(row: Row) -> list[str]:
    if not row.parties:
        return []
    return [f"-M{row.parties}", f"-B{_first_of_free_ports(row.parties)}"]


@dataclass
class _Seen:
    """What was seen of a run from outside: seconds, peak bytes, CPU seconds by process, what was left."""

    seconds: float = 0.0
    peak: int = 0
    cpu: dict[int, float] = field(default_factory=dict)
    left: tuple[str, ...] = ()

    def look(self, process: psutil.Process) -> None:
        resident = 0
        for member in family(process):
            try:
                resident += member.memory_info().rss
                times = member.cpu_times()
            except psutil.Error:
                continue
            self.cpu[member.pid] = times.user + times.system
        self.peak = max(self.peak, resident)


def _watch(command: list[str], folder: Path, row: Row, longest: float) -> _Seen:
    """Run a command to its end, look at it as it runs, and end what it leaves."""
    # With our own process in front, the runs of two programs are told apart.
    mark = f"{os.getpid()}-{secrets.token_hex(8)}"
    log, start, seen = folder / "log.txt", time.perf_counter(), _Seen()
    process = None
    try:
        # Not through a pipe: a process that is left behind would hold it open, and we would wait for ever.
        with log.open("wb") as output:
            process = psutil.Popen(
                command, cwd=folder, env=_quiet(mark, folder, Path(command[0])),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        while process.poll() is None and time.perf_counter() - start < longest:
            seen.look(process)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        seen.seconds, code = time.perf_counter() - start, process.poll()
    except OSError as problem:
        raise RowFailed(f"{row.name} cannot be started: {problem}") from None
    finally:
        # An interrupt must not leave it running either.
        if process is not None:
            kill(process)
        seen.left = _end_what_is_left(mark)
    if code is None:
        raise RowFailed(f"{row.name} did not end within {longest:.0f} seconds")
    if code or not (folder / "answer.json").exists():
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise RowFailed(f"{row.name} failed with exit code {code}: {' '.join(last) or 'it said nothing'}")
    return seen


def _quiet(mark: str, folder: Path, python: Path) -> dict[str, str]:
    """The environment of a run: one thread, no news to makers, our mark, temporary files in our folder."""
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    return environment(
        PATH=path, PYTHONPATH=str(ROOT), PYTHONSAFEPATH="1", TMPDIR=str(folder),
        TF_CPP_MIN_LOG_LEVEL="2", **{MARK: mark},
    )  # fmt: skip


def _end_what_is_left(mark: str) -> tuple[str, ...]:
    """Wait a little for a run's descendants to end by themselves, then end them; returns their names."""
    psutil.wait_procs(with_variable(MARK, starting_with=mark), timeout=SECONDS_OF_GRACE)
    left = with_variable(MARK, starting_with=mark)
    names = []
    for process in left:
        try:
            names.append(process.name())
        except psutil.NoSuchProcess:
            continue
    for process in left:
        stop(process)
    for process in with_variable(MARK, starting_with=mark):
        kill(process)
    return tuple(sorted(names))


def end_orphans() -> int:
    """End what still runs of runs whose own starter was killed, and so could not; returns how many."""
    orphans = []
    for process in with_variable(MARK, starting_with=""):
        try:
            starter = process.environ().get(MARK, "").partition("-")[0]
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
        if starter.isdigit() and not psutil.pid_exists(int(starter)):
            orphans.append(process)
    for process in orphans:
        kill(process)
    return len(orphans)


def _first_of_free_ports(count: int) -> int:
    """The first of so many TCP ports in a row on this machine that nobody uses at this moment."""
    for _ in range(100):
        first = secrets.choice(range(20_000, 32_000))
        try:
            for port in range(first, first + count):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError(f"no {count} free ports in a row were found")
