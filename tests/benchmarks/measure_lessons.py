"""Measure each notebook, solved and unsolved, on one core: seconds from start to end, and peak memory.

Run it with `python tests/benchmarks/measure_lessons.py` (or with lessons: `… 01 02`), on a machine that has
nothing else to do. It writes `results/lessons.json`; `write_readme.py` carries the figures on from there.

Limits: memory is the sum of the resident sizes of the kernel and its children, sampled, so pages that
two of them share count twice and a peak shorter than a sample can be missed. Pinning to one core needs
Linux's `taskset`; without it the notebooks may use more, and the record says so.
"""

import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "lessons.json"
SECONDS_A_SAMPLE = 0.05
SECONDS_A_CELL = 600
MIB = 2**20


def measure(notebook: Path, *, strict: bool) -> dict[str, float]:
    """Run one notebook in a kernel of its own; return its seconds and its peak in MiB.

    Raises:
        RuntimeError: if a cell of the notebook fails.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COURSE_STRICT": "1" if strict else "0"}
    program = "import sys; from nbclient.cli import main; sys.exit(main())"
    command = [*one_core(), sys.executable, "-c", program, f"--timeout={SECONDS_A_CELL}", str(notebook)]
    with tempfile.TemporaryFile("w+") as log:
        began = time.perf_counter()
        runner = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        peak = 0
        while runner.poll() is None:
            peak = max(peak, resident_bytes(runner))
            time.sleep(SECONDS_A_SAMPLE)
        seconds = time.perf_counter() - began
        log.seek(0)
        if runner.returncode != 0:
            raise RuntimeError(f"{notebook.name} did not run to its end:\n{log.read()[-3000:]}")
    return {"seconds": round(seconds, 1), "peak_mib": round(peak / MIB)}


def resident_bytes(runner: psutil.Process) -> int:
    """What the runner's kernel and all its children hold in memory now (not the runner itself)."""
    total = 0
    for process in runner.children(recursive=True):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # It has ended since the list was made.
            continue
    return total


def one_core() -> list[str]:
    """The command before the command that pins it to one core, where there is such a command."""
    return ["taskset", "-c", "0"] if shutil.which("taskset") else []


def cpu_name() -> str:
    """The processor's name, as the machine gives it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return name if one_core() else f"{name}, not pinned to one core"


def main(numbers: list[str]) -> None:
    """Measure the lessons whose names begin with one of `numbers`, or all; keep the others' records."""
    record = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"lessons": {}}
    for source in sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py")):
        if numbers and not source.name.startswith(tuple(numbers)):
            continue
        runs = {
            "unsolved": measure(ROOT / "notebooks" / f"{source.stem}.ipynb", strict=False),
            "solved": measure(source.with_suffix(".ipynb"), strict=True),
        }
        print(source.stem, runs, flush=True)
        lessons = record["lessons"] | {source.stem: runs}
        record = {
            "date": date.today().isoformat(), "cpu": cpu_name(),
            "versions": {"Python": platform.python_version(), "torch": importlib.metadata.version("torch")},
            "lessons": dict(sorted(lessons.items())),
        }  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
