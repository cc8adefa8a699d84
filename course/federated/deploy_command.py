"""What the commands that deploy share: a folder that is tidied up whatever ends them, and a record of it."""

import argparse
import contextlib
import datetime
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course.federated.flower_programs import write_json


@contextlib.contextmanager
def empty_folder(
    parser: argparse.ArgumentParser, asked: Path | None, *, keep: bool = False
) -> Iterator[Path]:
    """The folder for keys, logs and results of one command.

    Args:
        parser: ends the command with a sentence if the folder holds something already.
        asked: a folder, made if it is not there, that is kept; None makes a temporary one.
        keep: keep the temporary one, too.

    Yields:
        The folder, as an absolute path. What is kept is named at the end, also after Ctrl-C or SIGTERM.
    """
    # The default way to die of SIGTERM would skip the clean-up.
    signal.signal(signal.SIGTERM, _end)
    folder = (asked or Path(tempfile.mkdtemp(prefix="course-deployment-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    try:
        yield folder
    finally:
        if asked or keep:
            print(f"Logs and results are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def write_outcome(outcome: dict, *, folder: Path, record: Path | None) -> None:
    """Write the timeline into the folder, and with today's date into `record`, if there is one."""
    write_json(folder / "timeline.json", outcome)
    if record is not None:
        write_json(record, {"date": datetime.date.today().isoformat()} | outcome)


def _end(signal_number: int, frame: object) -> None:
    raise SystemExit(128 + signal_number)
