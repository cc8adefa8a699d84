"""The rows of a task side by side: those that can run here do, and for the others there is a record."""

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from course.federated.rounds import BAR
from course.frameworks.records import Record, recorded
from course.frameworks.rows import COURSE, ROWS
from course.frameworks.running import NotInstalled, RowFailed, run_live
from course.frameworks.tasks import TASKS, task_of

if TYPE_CHECKING:
    import pandas as pd


def rows_of(task: str, *, live: Collection[str] | None = None) -> list[Record]:
    """Each tool's record for a task, in the order of the catalogue.

    Args:
        task: a name in `TASKS`.
        live: names of the rows to run now; the others are read. None runs all whose packages are here.

    Raises:
        ValueError: if there is no such task, or a row in `live` is not of it, or needs another environment.
    """
    rows = [row for row in ROWS if row.task == task]
    can_run = {row.name for row in rows if row.environment == COURSE}
    wanted = can_run if live is None else set(live)
    if task not in TASKS or not wanted <= can_run:
        raise ValueError(
            f"task {task!r} with live rows {sorted(wanted)}; tasks are {sorted(TASKS)}, and this "
            f"one's rows that run live are {sorted(can_run)}"
        )
    return [
        run_or_read(row.name) if row.name in wanted else recorded(row.name)
        for row in tqdm(rows, desc=task, file=sys.stdout, leave=False, disable=not wanted, **BAR)
    ]


def run_or_read(name: str) -> Record:
    """A row's run of now; where it cannot be had, one sentence why, and the recorded run.

    Raises:
        FileNotFoundError, StaleRecord: if it neither runs nor has a record that fits.
    """
    try:
        return run_live(name)
    except (NotInstalled, RowFailed, OSError) as reason:
        record = recorded(name)
        print(f"{reason}; shown is the run of {record.date}.")
        return record


def show(records: Sequence[Record]) -> "pd.DataFrame":
    """A table of records: what each answered, what it cost, and where the row comes from."""
    import pandas as pd

    columns = {
        "answer": [digest(record, records[0]) for record in records],
        "seconds": [f"{record.seconds:.2g}" for record in records],
        "whole program, s": [f"{record.total_seconds:.1f}" for record in records],
        "CPU, s": ["–" if record.cpu_seconds is None else f"{record.cpu_seconds:.1f}" for record in records],
        "bytes sent": ["–" if record.sent_bytes is None else f"{record.sent_bytes:,}" for record in records],
        "MiB": [f"{record.peak_mib:.0f}" for record in records],
        "version": [_first_version(record) for record in records],
        "where from": [record.provenance for record in records],
    }
    return pd.DataFrame(columns, index=pd.Index([record.tool for record in records], name="tool"))


def digest(record: Record, first: Record) -> str:
    """One line on an answer: its distance from the first row's or the truth, or the numbers themselves."""
    if record.task == "round":
        return f"{np.abs(record.numbers - first.numbers).max():.1e} from {first.tool}"
    if record.task == "sum":
        truth = task_of("sum")["vectors"].sum(axis=0)
        return f"off by {np.abs(record.numbers - truth).max():.1e} at most"
    if record.task == "statistics":
        parts = {name: np.array(draws, dtype=float) for name, draws in record.answer.items()}
        return ", ".join(f"{name} {each.mean():.2f} ± {each.std(ddof=1):.2f}" for name, each in parts.items())
    if record.task == "epsilon":
        return ", ".join(f"{name.upper()} {epsilon:.4f}" for name, epsilon in record.answer.items())
    return ", ".join(f"{name}: {value}" for name, value in record.answer.items())


def _first_version(record: Record) -> str:
    package = next(iter(record.versions))
    return f"{package} {record.versions[package]}"
