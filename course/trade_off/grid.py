"""The grid of lesson 12's search, and its points as the committed script measured them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from course.privacy import Unit
from course.trade_off.confirming import Confirmation
from course.trade_off.points import Point
from course.trade_off.setting import Setting
from course.trade_off.sweep import points_of, read_record

SEEDS = range(5)
CHECKPOINTS = (10, 25, 50, 100)
ROUNDS = max(CHECKPOINTS)
DELTA = 1e-5
"""A hundredth of 1 / 1,000 clients; also below 1 / 50,000 examples, though there by a factor of two only."""

FRESH_SEEDS = range(100, 110)
"""For confirming what was chosen; nothing was ever chosen with them."""


TARGETS = {
    "client": {"unit": Unit.CLIENT, "accuracy": 0.80, "megabytes": 0.5},
    "client, frugal": {"unit": Unit.CLIENT, "accuracy": 0.80, "megabytes": 0.1},
    "client, accurate": {"unit": Unit.CLIENT, "accuracy": 0.85, "megabytes": 0.5},
    "client, for everyone": {"unit": Unit.CLIENT, "accuracy": 0.80, "megabytes": 0.5, "worst_tenth": 0.68},
    "client, generous": {"unit": Unit.CLIENT, "accuracy": 0.85, "megabytes": 1.5},
    "example": {"unit": Unit.EXAMPLE, "accuracy": 0.85, "megabytes": 5.0},
}
"""Name → what is asked of `choose`, written down while the sweep ran; their choices get fresh seeds."""


def grid_of(unit: Unit) -> tuple[Setting, ...]:
    """All settings of one unit, each with its longest run."""
    if unit is Unit.CLIENT:
        axes = ((0.7, 1.0, 1.5, 2.5, 4.0, 8.0), (0.3, 1.0, 2.0), (1, 3), (0.03, 0.1, 0.3))
    else:
        axes = ((1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0), (1.0, 3.0), (1,), (0.02, 0.05, 0.1))
    return tuple(Setting(unit, z, C, E, q, ROUNDS) for z, C, E, q in itertools.product(*axes))


def references() -> tuple[Setting, ...]:
    """Trainings without noise, and with a norm that clips nobody: what privacy is paid from."""
    return tuple(
        Setting(Unit.CLIENT, 0.0, 1e6, local_epochs, sample_rate, ROUNDS)
        for local_epochs, sample_rate in itertools.product((1, 3), (0.03, 0.1, 0.3))
    )


def whole_grid() -> tuple[Setting, ...]:
    """Both units."""
    return grid_of(Unit.CLIENT) + grid_of(Unit.EXAMPLE)


def load_confirmed(file: Path | str) -> dict[str, dict[str, Confirmation]]:
    """What fresh seeds gave for the choice of each of `TARGETS`: name → judges → the runs."""
    found = {}
    for name, row in _committed(file).get("confirmed", {}).items():
        (setting,) = (s.after(row["rounds"]) for s in whole_grid() if s.key == row["key"])
        found[name] = {
            judges: Confirmation(
                setting, tuple(FRESH_SEEDS), judges, tuple(row[judges]["accuracies"]),
                tuple(row[judges]["worst_tenths"]),
            )
            for judges in ("validation", "test")
        }  # fmt: skip
    return found


def load_references(file: Path | str) -> tuple[Point, ...]:
    """The trainings without noise and clipping; their ε is infinite."""
    return load_points(file, settings=references())


def load_points(file: Path | str, *, settings: Sequence[Setting] | None = None) -> tuple[Point, ...]:
    """The points of the committed sweep.

    Args:
        file: written by `tests/benchmarks/trade_off_sweep.py`.
        settings: which; all of the grid by default.

    Raises:
        FileNotFoundError: if it is not there.
    """
    record = _committed(file)
    return points_of(
        record["runs"], whole_grid() if settings is None else settings, seeds=SEEDS, delta=DELTA,
        epsilons=record.get("epsilons"),
    )  # fmt: skip


def _committed(file: Path | str) -> dict:
    if not Path(file).exists():
        raise FileNotFoundError(f"{file} is not there; tests/benchmarks/trade_off_sweep.py makes it")
    return read_record(file)
