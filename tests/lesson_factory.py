"""Short copies of real lessons for the grading tests: set-up, exercises, checks, no training."""

import re
from collections.abc import Callable
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from course.build import as_text

ROOT = Path(__file__).parent.parent
_CELL = re.compile(r"^# %%.*$", re.MULTILINE)
_KEPT = re.compile(r"""["'](?:setup|exercise|check)["']""")


def cut_lesson(number: str, root: Path) -> Path:
    """Write a short copy of a lesson's source below `root`, as in a clone; return its path."""
    source = next((ROOT / "solutions").glob(f"{number}_*.py"))
    text = source.read_text(encoding="utf-8")
    starts = [found.start() for found in _CELL.finditer(text)]
    cells = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    kept = [cell for cell in cells if _KEPT.search(cell.partition("\n")[0])]
    short = root / "solutions" / source.name
    short.parent.mkdir(parents=True, exist_ok=True)
    short.write_text("".join(kept), encoding="utf-8")
    return short


def exercise_cell(notebook: NotebookNode, exercise_id: str) -> NotebookNode:
    """The cell of a notebook in which an exercise ("01.3") is answered."""
    return _cell(notebook, f"exercise-{exercise_id.replace('.', '-')}")


def check_cell(notebook: NotebookNode, exercise_id: str) -> NotebookNode:
    """The cell of a notebook that checks an exercise."""
    return _cell(notebook, f"check-{exercise_id.replace('.', '-')}")


def hand_in(
    path: Path, notebook: NotebookNode, answers: dict[str, str] | None = None, tamper: Callable | None = None
) -> Path:
    """Save a notebook as a submission, with some of its exercise cells replaced and then tampered with."""
    for exercise_id, code in (answers or {}).items():
        exercise_cell(notebook, exercise_id).source = code
    if tamper is not None:
        tamper(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_text(notebook), encoding="utf-8")
    return path


def _cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
