"""Finding what was handed in, and finding the answers in it."""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from course.exercises.exercise import LESSONS, Exercise
from course.grading.pristine import Lesson, grade_id

LARGEST_FILE = 100_000_000
_EXERCISE_ID = re.compile(r"(?:exercise|check)-(\d\d)-\d+")
_CALL = re.compile(r"""\b(?:check|begin)\(\s*["'](\d\d)\b""")


class UnreadableSubmission(ValueError):
    """A file that cannot be graded; the message is a sentence for whoever handed it in."""


@dataclass(frozen=True)
class Submission:
    """One file that was handed in.

    Attributes:
        student: its name, or its folder's.
        label: its path inside the graded folder, without `.ipynb`.
        path: where it is; a folder, if a student's folder holds no notebook.
    """

    student: str
    label: str
    path: Path


@dataclass(frozen=True)
class Answers:
    """What a submission holds for one lesson.

    Attributes:
        code: exercise id → code of its exercise cell; none for a cell that is missing.
        flags: exercise id → what was changed that should not be, in a few words each.
    """

    code: dict[str, str]
    flags: dict[str, tuple[str, ...]]


def find_submissions(folder: Path, *, leave_out: tuple[Path, ...] = ()) -> list[Submission]:
    """Everything in the folder: NAME.ipynb, any other file, and for a folder NAME each notebook below it."""
    found = []
    skipped = {path.resolve() for path in leave_out}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.resolve() in skipped:
            continue
        if not path.is_dir():
            found.append(Submission(_text(path.name).removesuffix(".ipynb"), _label(path, folder), path))
            continue
        notebooks = [p for p in sorted(path.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
        # A student whose folder holds no notebook must still find a line in the marks.
        found += [Submission(_text(path.name), _label(p, folder), p) for p in notebooks or [path]]
    return found


def read_cells(path: Path) -> list[dict]:
    """The code cells of a submitted notebook, as `{"id", "grade_id", "points", "source"}`.

    Raises:
        UnreadableSubmission: if it is no notebook.
    """
    if path.is_dir():
        raise UnreadableSubmission("This folder holds no notebook (a file that ends in .ipynb).")
    if path.suffix != ".ipynb":
        raise UnreadableSubmission("This file is not a notebook: its name does not end in .ipynb.")
    try:
        size = path.stat().st_size
        if size == 0 or size > LARGEST_FILE:
            raise UnreadableSubmission(f"This file has {size:,} bytes; a notebook has 1 to {LARGEST_FILE:,}.")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UnreadableSubmission(f"This file cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnreadableSubmission):
            raise
        raise UnreadableSubmission(
            "This file is not a notebook: it is not valid JSON. Was it cut short?"
        ) from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise UnreadableSubmission(
            "This file is JSON, but not a notebook of today's format: it has no cells."
        )
    return [_code_cell(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def recognise(cells: list[dict], path: Path) -> str:
    """The number of the lesson that these cells belong to, or that the file's name gives.

    Raises:
        UnreadableSubmission: if neither tells.
    """
    votes = Counter()
    for cell in cells:
        found = _EXERCISE_ID.fullmatch(cell["grade_id"])
        votes.update([found.group(1)] if found else _CALL.findall(cell["source"]))
    for number, _ in votes.most_common():
        if number in LESSONS:
            return number
    if path.name[:2] in LESSONS and path.name[2:3] == "_":
        return path.name[:2]
    raise UnreadableSubmission(
        "No cell here belongs to an exercise of this course, so the lesson is unknown."
    )


def find_answers(cells: list[dict], lesson: Lesson) -> Answers:
    """The exercise cells: by nbgrader's id, else by the cell's own, else by the name that they define."""
    code, flags = {}, {}
    for exercise in lesson.exercises:
        definition = re.compile(
            rf"^(?:(?:async )?def|class)\s+{exercise.name}\b|^{exercise.name}\s*=(?!\s*check\()", re.M
        )
        ways = (
            [cell for cell in cells if cell["grade_id"] == grade_id("exercise", exercise.id)],
            [cell for cell in cells if cell["id"] == lesson.cell_ids[exercise.id]],
            [cell for cell in cells if definition.search(cell["source"])],
        )
        candidates = next(filter(None, ways), [])
        if candidates:
            # Of several copies the last is the one whose definition stands at the end of a run.
            code[exercise.id] = candidates[-1]["source"]
        copies = ("has several cells for this exercise; the last was graded",) if len(candidates) > 1 else ()
        flags[exercise.id] = (*copies, *_changed_check(cells, exercise, lesson))
    return Answers(code, flags)


def _changed_check(cells: list[dict], exercise: Exercise, lesson: Lesson) -> tuple[str, ...]:
    changes = []
    for cell in [cell for cell in cells if cell["grade_id"] == grade_id("check", exercise.id)]:
        if cell["source"].strip() != lesson.checks[exercise.id].strip():
            changes.append("changed the check cell (ours was used)")
        if cell["points"] not in (None, exercise.points):
            changes.append(f"changed the points to {str(cell['points'])[:20]} (ours were used)")
    return tuple(changes)


def _code_cell(cell: dict) -> dict:
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    nbgrader = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return {
        "id": cell.get("id"),
        "grade_id": str(nbgrader.get("grade_id", "")),
        "points": nbgrader.get("points"),
        "source": "".join(line for line in lines if isinstance(line, str)),
    }


def _label(path: Path, folder: Path) -> str:
    return _text(path.relative_to(folder).as_posix()).removesuffix(".ipynb")


def _text(name: str) -> str:
    # A file name need not be valid text, nor fit on a line; what we write must be and must.
    return re.sub(r"[\x00-\x1f\x7f]", "_", os.fsencode(name).decode("utf-8", "replace"))
