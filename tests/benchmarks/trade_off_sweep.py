"""The search of lesson 12: every setting with five seeds, and ten fresh seeds for what was chosen.

    python tests/benchmarks/trade_off_sweep.py [--file FILE] [--tiny] [--until PART]

About half an hour on one core. It can be stopped, or killed, at any moment and goes on where it was. Lesson
12 reads what it writes. The parts, in order: references (no noise), sweep, epsilons, confirm. `--tiny` is a
grid of a few seconds, for the test that kills it.
"""

import argparse
import os
import platform
import sys
from datetime import date
from importlib import metadata
from pathlib import Path

import torch
from tqdm import tqdm

from course.privacy import Unit
from course.trade_off.confirming import confirm_with
from course.trade_off.fingerprint import code_sha256, data_sha256
from course.trade_off.grid import (
    CHECKPOINTS,
    DELTA,
    FRESH_SEEDS,
    SEEDS,
    TARGETS,
    grid_of,
    load_points,
    references,
    whole_grid,
)
from course.trade_off.promise import epsilon_of
from course.trade_off.setting import Setting
from course.trade_off.solver import choose
from course.trade_off.sweep import epsilon_key, read_record, run_sweep, write_atomically

RESULTS = Path(__file__).parent / "results" / "trade_off_sweep.json"
TINY = tuple(Setting(Unit.CLIENT, z, 1.0, 1, 0.03, 50) for z in (0.7, 1.0, 1.5, 2.5, 4.0, 8.0))
PARTS = ("references", "sweep", "epsilons", "confirm")


def made_by() -> dict[str, str]:
    return {"code_sha256": code_sha256(), "data_sha256": data_sha256()}


def train_all(file: Path, settings: tuple[Setting, ...], *, what: str) -> None:
    run_sweep(
        settings, seeds=SEEDS, checkpoints=CHECKPOINTS, delta=DELTA, file=file, made_by=made_by(),
        progress=what, accountant="rdp",
    )  # fmt: skip


def price(file: Path) -> None:
    """ε of every point, by the accountant that resolves small ones; that takes seconds each."""
    record = read_record(file)
    epsilons = record.setdefault("epsilons", {})
    stops = {epsilon_key(s.after(r)): s.after(r) for s in whole_grid() for r in CHECKPOINTS}
    for key, setting in tqdm([*stops.items()], desc="epsilons", file=sys.stdout):
        if key not in epsilons:
            epsilons[key] = epsilon_of(setting, delta=DELTA)
            write_atomically(file, record)


def confirm_choices(file: Path) -> None:
    """What each target of `TARGETS` chooses, with fresh seeds, on validation clients and on test clients.

    The targets were written down before the sweep ended, and the test clients are looked at here only.
    """
    points = load_points(file)
    for name, target in tqdm([*TARGETS.items()], desc="confirming", file=sys.stdout):
        record = read_record(file)
        chosen = choose(points, delta=DELTA, **target)
        if not chosen or name in record.setdefault("confirmed", {}):
            continue
        found = confirm_with(chosen.setting, seeds=FRESH_SEEDS, judges=("validation", "test"))
        record["confirmed"][name] = {"key": chosen.setting.key, "rounds": chosen.setting.rounds} | {
            judges: {"accuracies": runs.accuracies, "worst_tenths": runs.worst_tenths}
            for judges, runs in found.items()
        }
        write_atomically(file, record)


def sign(file: Path) -> None:
    """Versions and the day, which are no part of what must agree."""
    versions = {name: metadata.version(name) for name in ("numpy", "torch", "dp-accounting", "scipy")}
    versions["python"] = platform.python_version()
    facts = {"versions": versions, "date": date.today().isoformat(), "delta": DELTA, "seeds": list(SEEDS)}
    record = read_record(file)
    if {name: record.get(name) for name in ("versions", "delta", "seeds")} != {
        name: facts[name] for name in ("versions", "delta", "seeds")
    }:
        write_atomically(file, record | facts)


def main(arguments: list[str]) -> None:
    """Run what is still missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path, default=RESULTS)
    parser.add_argument("--tiny", action="store_true", help="six short settings and nothing else")
    parser.add_argument("--until", choices=PARTS, default=PARTS[-1], help="the last part to run")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if given.tiny:
        train_all(given.file, TINY, what="tiny")
        return
    wanted = PARTS[: PARTS.index(given.until) + 1]
    train_all(given.file, references(), what="references")
    if "sweep" in wanted:
        train_all(given.file, grid_of(Unit.EXAMPLE), what="example level")
        train_all(given.file, grid_of(Unit.CLIENT), what="client level")
    if "epsilons" in wanted:
        price(given.file)
    if "confirm" in wanted:
        confirm_choices(given.file)
    sign(given.file)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
