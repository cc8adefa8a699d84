"""The search: every setting with every seed, written down after each run, and gone on with after a stop."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from course.trade_off.judging import client_accuracies, worst_tenth
from course.trade_off.points import Point
from course.trade_off.problem import Clients, Problem, load_problem
from course.trade_off.promise import ACCOUNTANT, epsilon_of
from course.trade_off.setting import Setting
from course.trade_off.training import train

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}

Runs = dict[str, dict[str, dict[str, dict[str, float]]]]
"""Key of the setting → seed → rounds → "mean", "worst tenth" and "worst" client's accuracy."""


class OtherRuns(ValueError):
    """The file holds runs that were made by other code, or on other data, than these."""


def run_sweep(
    settings: Sequence[Setting],
    *,
    seeds: Sequence[int],
    checkpoints: Sequence[int],
    delta: float,
    file: Path | str | None = None,
    made_by: Mapping[str, str] | None = None,
    load: Callable[[int], Problem] = load_problem,
    progress: str | None = None,
    accountant: str = ACCOUNTANT,
) -> tuple[Point, ...]:
    """Train every setting with every seed and judge it on the validation clients.

    Args:
        settings: each with its longest run; their keys differ.
        seeds: at least two. Settings share a seed's deal, cohorts and noise directions, so they are paired.
        checkpoints: rounds at which each training is looked at: as many points for the price of one training.
        delta: of each run.
        file: to which every finished run is written at once, and whose runs are not made again.
        made_by: words that must be the same in the file, or its runs are not these; hashes, say.
        load: seed → the problem.
        progress: a label for a progress bar; None shows none.
        accountant: of the points' ε.

    Returns:
        One `Point` a setting and checkpoint.

    Raises:
        OtherRuns: if the file was made by something else.
        ValueError: if two settings have one key.

    Guarantee: killed at any moment, the file is whole, and at most the run under way is lost.
    Limits: the accuracies are of *these* validation clients, whose data get no promise here. Pairing makes
        differences between settings sharp, and the luck of the seeds common to all of them: five kind seeds
        flatter every point at once, five harsh ones (as 0 to 4 are here) belittle every point.
    """
    if len({setting.key for setting in settings}) < len(settings):
        raise ValueError("two settings differ in their rounds only; use checkpoints for that")
    record = read_record(file, made_by=made_by)
    todo = [(seed, s) for seed in seeds for s in settings if str(seed) not in record["runs"].get(s.key, {})]
    problem, dealt = None, None
    # tqdm writes to standard error by default, which notebooks paint red.
    for seed, setting in tqdm(
        todo, desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        if dealt != seed:
            problem, dealt = load(seed), seed  # One at a time: a problem has 60 MB.
        found = judged(problem.train, problem.validation, setting, seed=seed, checkpoints=checkpoints)
        record["runs"].setdefault(setting.key, {})[str(seed)] = found
        if file is not None:
            write_atomically(file, record)
    return points_of(record["runs"], settings, seeds=seeds, delta=delta, accountant=accountant)


def judged(
    clients: Clients, judges: Clients, setting: Setting, *, seed: int, checkpoints: Sequence[int]
) -> dict[str, dict[str, float]]:
    """One training; rounds (as text, for JSON) → what the judges see."""
    stops = [stop for stop in checkpoints if stop <= setting.rounds]
    found = {}
    for rounds, weights in train(clients, setting, seed=seed, checkpoints=stops).items():
        accuracies = client_accuracies(weights, judges)
        found[str(rounds)] = {
            "mean": round(float(accuracies.mean()), 6),
            "worst tenth": round(worst_tenth(accuracies), 6),
            "worst": round(float(accuracies.min()), 6),
        }
    return found


def points_of(
    runs: Runs,
    settings: Sequence[Setting],
    *,
    seeds: Sequence[int],
    delta: float,
    accountant: str = ACCOUNTANT,
    epsilons: Mapping[str, float] | None = None,
) -> tuple[Point, ...]:
    """The points of the settings that were run with all of the seeds.

    Args:
        runs: as in a record.
        settings, seeds, delta, accountant: as of `run_sweep`.
        epsilons: `epsilon_key` → ε, where it was computed before; others are computed now.
    """
    found = []
    for setting in settings:
        by_seed = runs.get(setting.key, {})
        if any(str(seed) not in by_seed for seed in seeds):
            continue
        for rounds in sorted(map(int, by_seed[str(seeds[0])])):
            stopped = setting.after(rounds)
            rows = [by_seed[str(seed)][str(rounds)] for seed in seeds]
            epsilon = (epsilons or {}).get(epsilon_key(stopped))
            if epsilon is None:
                epsilon = epsilon_of(stopped, delta=delta, accountant=accountant)
            found.append(
                Point(
                    stopped, float(epsilon), delta, tuple(seeds), tuple(row["mean"] for row in rows),
                    tuple(row["worst tenth"] for row in rows), accountant,
                )
            )  # fmt: skip
    return tuple(found)


def epsilon_key(setting: Setting) -> str:
    """The three numbers that ε depends on, besides δ."""
    return f"z={setting.noise_multiplier:g} q={setting.sample_rate:g} rounds={setting.rounds}"


def read_record(file: Path | str | None, *, made_by: Mapping[str, str] | None = None) -> dict:
    """What a file holds, or an empty record.

    Raises:
        OtherRuns: if the file was made by something other than `made_by`.
    """
    empty = {"made_by": dict(made_by or {}), "runs": {}}
    if file is None or not Path(file).exists():
        return empty
    record = json.loads(Path(file).read_text(encoding="utf-8"))
    changed = [name for name, word in empty["made_by"].items() if record["made_by"].get(name) != word]
    if changed:
        raise OtherRuns(
            f"{Path(file).name} was made with another {', '.join(changed)}: its runs are not these"
        )
    return record


def write_atomically(file: Path | str, record: Mapping[str, object]) -> None:
    """The whole record or none of it: written beside the file, flushed to the disk, and put in its place."""
    file = Path(file)
    beside = file.with_suffix(".part")
    with beside.open("w", encoding="utf-8") as stream:
        json.dump(record, stream, indent=0, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, file)
