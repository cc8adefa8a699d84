"""`make frameworks`: build environments for the tools that live apart from the course, renew all records.

Each environment is `.venv-frameworks/NAME`, made by uv from `course/frameworks/locks/NAME.txt`. What was
interrupted is taken up again: an environment counts as built when its stamp is written, which comes last, and
a row as recorded when the progress file names it with the file and inputs that are here now. A tool that
fails is named at the end, and touches neither the others nor its own old record.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course.frameworks.records import RECORDS, save_record, text_sha256
from course.frameworks.rows import COURSE, FOLDER, ROOT, ROWS, Row
from course.frameworks.running import NotInstalled, RowFailed, end_orphans, run_live, run_row
from course.frameworks.tasks import task_of, task_sha256

BUILT_IN = ROOT / ".venv-frameworks"


class CannotBuild(Exception):
    """An environment cannot be made here; the message says why in one sentence."""


@dataclass(frozen=True)
class Environment:
    """Where a tool runs that is not installed beside the course: TFF cannot be, PySyft brings too much.

    Attributes:
        name: of its folder.
        tool: whose it is.
        lock: the file of exact versions.
        python: the version that these have wheels for.
        megabytes: of disk that it takes, about.
        from_source: packages of plain Python without a wheel; of all others only wheels are taken.
    """

    name: str
    tool: str
    lock: Path
    python: str = "3.11"
    megabytes: int = 0
    from_source: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        lines = self.lock.read_text(encoding="utf-8").splitlines()
        return [line.split("==")[0] for line in lines if line and not line.startswith("#")]


ENVIRONMENTS = (
    Environment("tff", "TensorFlow Federated", FOLDER / "locks" / "tff.txt", "3.11", 2400, ("jax",)),
    Environment("syft", "PySyft", FOLDER / "locks" / "syft.txt", "3.11", 350),
)


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build(environment: Environment, folder: Path) -> Path:
    """Make an environment in `folder`, unless it is there, whole and of these versions; returns its Python.

    Raises:
        CannotBuild: in one sentence: no uv, no Python, no wheel, no network or no room.
    """
    stamp, wanted = folder / "built.json", json.dumps({"lock": text_sha256(environment.lock)}) + "\n"
    # Its Python is a link to one of the system's, which may have been removed since.
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and python_of(folder).exists():
        return python_of(folder)
    # A half-made one is made anew: uv keeps what it has downloaded, so nothing is fetched twice.
    folder.parent.mkdir(parents=True, exist_ok=True)
    _check_room(environment, folder.parent)
    ours = ".".join(platform.python_version_tuple()[:2]) == environment.python
    python = sys.executable if ours else environment.python
    _uv(environment, "venv", "--clear", "--python", python, str(folder))
    if environment.packages:
        install = ["pip", "install", "--no-deps", "--python", str(python_of(folder))]
        install += [
            f"--only-binary={name}" for name in environment.packages if name not in environment.from_source
        ]
        install += ["-r", str(environment.lock)]
        _uv(environment, *install, "--dry-run")
        print(
            f"  installing {len(environment.packages)} packages, about {environment.megabytes} MB", flush=True
        )
        _uv(environment, *install, show=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python_of(folder)


@dataclass
class Report:
    """What a run of `refresh` did: names of rows, and environment or row → why it failed."""

    recorded: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def refresh(
    environments: Sequence[Environment] = ENVIRONMENTS,
    rows: Sequence[Row] = ROWS,
    *,
    built_in: Path = BUILT_IN,
    records: Path = RECORDS,
    builder: Callable[[Environment, Path], Path] = build,
) -> Report:
    """Build each environment and record its rows, the course's first; what fails is noted, the next begins.

    Args:
        environments: those to build, besides the course's.
        rows: those to record; rows of other environments are passed over.
        built_in: the folder of the environments and of the progress file.
        records: where the records go.
        builder: makes one environment and returns its Python.
    """
    end_orphans()
    report, progress = Report(), _Progress(built_in / "progress.json")
    for environment in (None, *environments):
        name = COURSE if environment is None else environment.name
        waiting = [row for row in rows if row.environment == name]
        print(f"{name}: {len(waiting)} rows", flush=True)
        try:
            python = None if environment is None else builder(environment, built_in / name)
        except (CannotBuild, OSError) as reason:
            report.failed[name] = str(reason)
            continue
        for row in waiting:
            _record(row, python, records, progress, report)
    if not report.failed:
        progress.forget()
    return report


def _record(row: Row, python: Path | None, records: Path, progress: "_Progress", report: Report) -> None:
    if progress.has(row) and (records / f"{row.name}.json").exists():
        report.kept.append(row.name)
        return
    print(f"  {row.name} ...", end=" ", flush=True)
    try:
        record = run_live(row.name) if python is None else run_row(row, python=python)
    except (NotInstalled, RowFailed, OSError) as reason:
        report.failed[row.name] = str(reason)
        print("failed", flush=True)
        return
    save_record(record, records)
    progress.add(row)
    report.recorded.append(row.name)
    print(f"{record.total_seconds:.1f} s", flush=True)


class _Progress:
    """Which rows this refresh has recorded, in a file, so that an interrupted one goes on from there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def has(self, row: Row) -> bool:
        return self._done.get(row.name) == _fingerprint(row)

    def add(self, row: Row) -> None:
        self._done[row.name] = _fingerprint(row)
        draft = self._path.with_suffix(".draft")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(self._done, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def _fingerprint(row: Row) -> str:
    return text_sha256(row.file) + task_sha256(task_of(row.task))


def _check_room(environment: Environment, folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 10**6
    if free < environment.megabytes:
        raise CannotBuild(
            f"{environment.tool} needs about {environment.megabytes} MB of disk, and {free} MB are free"
        )


def _uv(environment: Environment, *arguments: str, show: bool = False) -> None:
    """Run uv; with `show`, its own progress bars go to the terminal, otherwise only we hear what it says."""
    uv = Path(sysconfig.get_path("scripts")) / ("uv.exe" if os.name == "nt" else "uv")
    command = [str(uv) if uv.exists() else shutil.which("uv") or "uv", *arguments]
    try:
        ran = subprocess.run(command, capture_output=not show, text=True, check=False)
    except FileNotFoundError:
        raise CannotBuild("uv, which makes the environments, is not here: `pip install uv` gets it") from None
    if ran.returncode:
        raise CannotBuild(explain(environment, ran.stderr or "uv stopped; its last lines above say why"))


def explain(environment: Environment, said: str) -> str:
    """What uv said, in one sentence for somebody who wanted to run a framework."""
    here = f"{platform.system()} {platform.machine()} with Python {environment.python}"
    if "python-build-standalone" in said or "No interpreter found" in said:
        return (
            f"{environment.tool} needs Python {environment.python}, and uv neither found nor could fetch one"
        )
    for line in said.splitlines():
        if "no wheels" in line or "no usable wheels" in line:
            package = line.split("Because ")[-1].split(" has no")[0]
            return f"{environment.tool} cannot be installed here: {package} has no wheel for {here}"
    if "not found in the package registry" in said or "no version of" in said:
        return (
            f"{environment.tool} cannot be installed: the package index no longer has a version that it needs"
        )
    if any(
        words in said for words in ("Failed to fetch", "dns error", "tcp connect error", "Request failed")
    ):
        return f"{environment.tool} could not be downloaded: the network or the package index does not answer"
    return (
        f"{environment.tool} could not be installed; uv said: {(said.strip() or 'nothing').splitlines()[-1]}"
    )


def main(names: Sequence[str]) -> int:
    """Refresh the environments named (or all); 0 if all is well, else 1, with the failures by name."""
    known = {environment.name: environment for environment in ENVIRONMENTS}
    unknown = set(names) - {COURSE, *known}
    if unknown:
        print(f"there is no environment {sorted(unknown)}; there are {[COURSE, *known]}")
        return 2
    chosen = [environment for name, environment in known.items() if not names or name in names]
    rows = [row for row in ROWS if not names or row.environment in names]
    start = time.perf_counter()
    try:
        report = refresh(chosen, rows)
    except KeyboardInterrupt:
        print("\ninterrupted: what is done is kept, nothing runs on, and the same command goes on from here")
        return 130
    print(
        f"\n{len(report.recorded)} rows recorded, {len(report.kept)} kept from the run that was interrupted,"
    )
    print(f"{len(report.failed)} failed, in {time.perf_counter() - start:.0f} s")
    for name, reason in report.failed.items():
        print(f"FAILED {name}: {reason}. Old records stay as they are; the same command tries again.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
