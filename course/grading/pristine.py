"""Our own copy of a lesson: what a submission is run and compared with."""

import json
from dataclasses import dataclass
from pathlib import Path

import course
from course.exercises.exercise import Exercise, exercises_of


@dataclass(frozen=True)
class Lesson:
    """A lesson as it was handed out.

    Attributes:
        number: "01".
        exercises: from the registry, in order; the only source of points.
        setup: the cells tagged `setup`, in order.
        cell_ids: exercise id → id of its exercise cell.
        given: exercise id → that cell's code with the solution cut.
        checks: exercise id → code of its check cell.
    """

    number: str
    exercises: tuple[Exercise, ...]
    setup: tuple[str, ...]
    cell_ids: dict[str, str]
    given: dict[str, str]
    checks: dict[str, str]


def grade_id(kind: str, exercise_id: str) -> str:
    """nbgrader's name for a cell: grade_id("check", "01.2") is "check-01-2"."""
    return f"{kind}-{exercise_id.replace('.', '-')}"


def default_root() -> Path:
    """The clone to grade with: here, if here is one, and else the one that holds this package."""
    here = Path.cwd()
    is_clone = (here / "course").is_dir() and (here / "solutions").is_dir()
    return here if is_clone else Path(course.__file__).parent.parent


def load_lesson(number: str, root: Path) -> Lesson:
    """Read a lesson from the clone at `root`: its generated notebook, or else its source.

    Raises:
        ValueError: if the clone has no such lesson, or the lesson no cell tagged `setup`.
    """
    cells = [cell for cell in _cells(number, root) if cell["cell_type"] == "code"]
    named = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in cells if "nbgrader" in cell["metadata"]
    }
    exercises = tuple(exercises_of(number).values())
    missing = [
        kind
        for e in exercises
        for kind in (grade_id("exercise", e.id), grade_id("check", e.id))
        if kind not in named
    ]
    setup = tuple(_source(cell) for cell in cells if "setup" in cell["metadata"].get("tags", []))
    if missing or not setup:
        raise ValueError(
            f"our own lesson {number} lacks {', '.join(missing) or 'a cell tagged `setup`'}; run `make build`"
        )
    own = {exercise.id: named[grade_id("exercise", exercise.id)] for exercise in exercises}
    return Lesson(
        number=number, exercises=exercises, setup=setup,
        cell_ids={key: cell["id"] for key, cell in own.items()},
        given={key: _source(cell) for key, cell in own.items()},
        checks={e.id: _source(named[grade_id("check", e.id)]) for e in exercises},
    )  # fmt: skip


def _cells(number: str, root: Path) -> list[dict]:
    for path in sorted((root / "notebooks").glob(f"{number}_*.ipynb")):
        return json.loads(path.read_text(encoding="utf-8"))["cells"]
    for path in sorted((root / "solutions").glob(f"{number}_*.py")):
        from course.build import learner_notebook

        return learner_notebook(path)["cells"]
    raise ValueError(f"there is no lesson {number} in {root}: neither notebooks/ nor solutions/ holds one")


def _source(cell: dict) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
