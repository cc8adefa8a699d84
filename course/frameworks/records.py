"""What one run of one tool gave, on paper: a record that says what made it, when, and on what."""

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course.frameworks.rows import FOLDER, row_of
from course.frameworks.tasks import task_of, task_sha256

RECORDS = FOLDER / "records"


class StaleRecord(Exception):
    """A record was made by another text of its file, or from other inputs, than those that are here now."""


@dataclass(frozen=True)
class Record:
    """One run of one row.

    Attributes:
        name, task, tool: of the row.
        answer: what the file computed, as JSON holds it; its shape depends on the task.
        seconds: of the work itself, imports not counted.
        total_seconds: from the start of the process to its end.
        sent_bytes: of the messages between the parties, where the file counts them, else None.
        peak_mib: resident memory of the process and its children together, sampled; pages that they share
            count once for each.
        left_processes: names of processes that still ran two seconds after the program had ended.
        versions: package → version, and `python`.
        date: of the run, YYYY-MM-DD.
        platform: system, processor and number of cores.
        source_sha256: of the row's file; `inputs_sha256`: of the task's arrays.
        live: whether it ran just now, rather than being read from `course/frameworks/records/`.
        cpu_seconds: processor time of the process and its children, imports and all, sampled: unlike the
            other two it hardly depends on what else the machine does.
    """

    name: str
    task: str
    tool: str
    answer: dict = field(repr=False)
    seconds: float
    total_seconds: float
    sent_bytes: int | None
    peak_mib: float
    left_processes: tuple[str, ...]
    versions: dict[str, str]
    date: str
    platform: str
    source_sha256: str = field(repr=False)
    inputs_sha256: str = field(repr=False)
    live: bool = False
    cpu_seconds: float | None = None

    @property
    def numbers(self) -> np.ndarray:
        """All numbers of the answer in one flat array, in the order in which the answer names them."""
        return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in self.answer.values()])

    @property
    def provenance(self) -> str:
        """Where the row comes from: this run, or when and on what it was recorded."""
        return "live" if self.live else f"recorded {self.date} on {self.platform}"


def text_sha256(path: Path) -> str:
    """A fingerprint of a text file that does not depend on how a system ends its lines."""
    return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()


def save_record(record: Record, folder: Path = RECORDS) -> Path:
    """Write a record as `NAME.json`; whoever reads sees the old one or the new one, never half of one."""
    content = dataclasses.asdict(record)
    del content["live"]
    path, draft = folder / f"{record.name}.json", folder / f".{record.name}.draft"
    folder.mkdir(parents=True, exist_ok=True)
    draft.write_text(_as_json(content), encoding="utf-8")
    os.replace(draft, path)
    return path


def load_record(path: Path) -> Record:
    """Read a record, without a look at whether it still fits."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Record(**content | {"left_processes": tuple(content["left_processes"])})


def recorded(name: str, *, folder: Path = RECORDS, source: Path | None = None) -> Record:
    """The record of a row, if it belongs to the file and the inputs that are here now.

    Args:
        name: of the row.
        folder: of the records.
        source: the file to hold it against; the row's own by default.

    Raises:
        FileNotFoundError: if the row was never recorded.
        StaleRecord: if the row's file or its task has changed since.

    Limits: what the file imports is not part of the fingerprint. Of packages the record keeps the versions;
        from the course only rows that can run live import anything.
    """
    row, path = row_of(name), folder / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{row.name} has no record yet: `make frameworks` makes one")
    record = load_record(path)
    changed = {
        f"course/frameworks/{name}.py": (text_sha256(source or row.file), record.source_sha256),
        f"the task {row.task!r}": (task_sha256(task_of(row.task)), record.inputs_sha256),
    }
    for what, (now, then) in changed.items():
        if now != then:
            raise StaleRecord(
                f"{what} is not what the record of {record.date} was made with; run `make frameworks`"
            )
    return record


def _as_json(content: dict) -> str:
    """JSON with one key a line, and arrays on one line each, so that a changed record reads as such."""
    rows = [f" {json.dumps(key)}: {_rounded(value)}" for key, value in content.items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _rounded(value: object) -> str:
    # Nine digits are more than a float32 has, and a third of what JSON would write.
    return json.dumps(json.loads(json.dumps(value), parse_float=lambda s: float(f"{float(s):.9g}")))
