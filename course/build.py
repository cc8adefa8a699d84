"""Make the notebooks of each lesson from its one source, `solutions/NN_topic.py`.

`notebooks/NN_topic.ipynb` is what learners open: solutions cut, no outputs. `solutions/NN_topic.ipynb`
is the same lesson solved and executed. Both carry nbgrader's metadata. Cell ids come from a hash of
the cell, so building twice gives the same bytes.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from course.exercises.exercise import find_exercise

BEGIN, END, STUB = "### BEGIN SOLUTION", "### END SOLUTION", "...  # your code here"
SECONDS_A_CELL = 600
_CHECK_CALL = re.compile(r"""check\(\s*["'](\d\d\.\d+)["']""")
_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class LessonError(ValueError):
    """A lesson's source does not follow the format; the message names the file and the cell."""


def lesson_sources(root: Path, lessons: Iterable[str] = ()) -> list[Path]:
    """The lesson scripts below `root`, all of them or those whose names begin with one of `lessons`.

    Raises:
        LessonError: if `root` holds no lessons, or none with the asked number.
    """
    sources = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    wanted = tuple(lessons)
    chosen = [path for path in sources if not wanted or path.name.startswith(wanted)]
    if not chosen or any(not any(path.name.startswith(w) for path in chosen) for w in wanted):
        found = ", ".join(path.stem for path in sources) or "none"
        raise LessonError(
            f"asked for lessons {' '.join(wanted) or '(all)'}; {root / 'solutions'} holds: {found}"
        )
    return chosen


def learner_notebook(source: Path) -> NotebookNode:
    """The notebook for learners: each solution region becomes one `...` line, and nothing has run."""
    notebook = _read(source)
    for cell in notebook.cells:
        if "exercise" in _tags(cell):
            cell.source = cut_solution(cell.source, source)
    return notebook


def solved_notebook(source: Path) -> NotebookNode:
    """The same notebook with its solutions, not yet executed."""
    return _read(source)


def cut_solution(code: str, source: Path) -> str:
    """Replace each region between the solution marks by a stub of the same indentation."""
    kept, inside, regions = [], False, 0
    for line in code.splitlines():
        if line.strip() == BEGIN:
            kept.append(line[: len(line) - len(line.lstrip())] + STUB)
            inside, regions = True, regions + 1
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    if inside or regions == 0:
        raise LessonError(f"{source.name}: an exercise cell needs `{BEGIN}` … `{END}`:\n{code[:200]}")
    return "\n".join(kept)


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell in a fresh kernel, in strict mode, and tidy the outputs for storing."""
    from nbclient import NotebookClient

    environment = os.environ | {"COURSE_STRICT": "1", "OMP_NUM_THREADS": "1"}
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        force_raise_errors=True,
        record_timing=False,
    )
    client.execute(env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _tidy(cell.outputs)
    notebook.metadata = nbformat.from_dict(_KERNEL)
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """The notebook as the bytes that we store."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def targets(source: Path) -> tuple[Path, Path]:
    """Where the learner's and the solved notebook of a source belong."""
    root = source.parent.parent
    return root / "notebooks" / f"{source.stem}.ipynb", source.with_suffix(".ipynb")


def stale_files(root: Path) -> list[Path]:
    """The generated notebooks that do not follow from today's sources (or have no source at all)."""
    sources = lesson_sources(root)
    stale = []
    for source in sources:
        learner, solved = targets(source)
        if not learner.exists() or learner.read_text(encoding="utf-8") != as_text(learner_notebook(source)):
            stale.append(learner)
        if not solved.exists() or _without_outputs(solved) != as_text(solved_notebook(source)):
            stale.append(solved)
    expected = {path for source in sources for path in targets(source)}
    stale += [
        path
        for folder in ("notebooks", "solutions")
        for path in sorted((root / folder).glob("*.ipynb"))
        if path not in expected
    ]
    return stale


def build(root: Path, lessons: Iterable[str] = (), *, text_only: bool = False) -> None:
    """Write both notebooks of each lesson, saying which one is running.

    Args:
        root: the folder that holds `solutions/`.
        lessons: numbers such as "01"; all if empty.
        text_only: keep the stored outputs of a lesson whose code cells have not changed, and run the others.
    """
    for source in lesson_sources(root, lessons):
        learner, solved = targets(source)
        learner.parent.mkdir(exist_ok=True)
        learner.write_text(as_text(learner_notebook(source)), encoding="utf-8")
        notebook = solved_notebook(source)
        if text_only and _took_outputs(notebook, solved):
            print(f"{learner.relative_to(root)}: written; {solved.relative_to(root)}: new text, same outputs")
        else:
            print(f"{learner.relative_to(root)}: written; {solved.relative_to(root)}: running …", flush=True)
            notebook = execute(notebook, solved.parent)
        solved.write_text(as_text(notebook), encoding="utf-8")
    print("all built")


def check_build(root: Path) -> int:
    """Say which generated files are stale; return 1 if any is, 0 if none."""
    stale = stale_files(root)
    for path in stale:
        source = f"solutions/{path.stem}.py"
        print(f"stale: {path.relative_to(root)} (its source is {source}); run `make build`")
    if not stale:
        print("every notebook follows from its source")
    return 1 if stale else 0


def _read(source: Path) -> NotebookNode:
    import jupytext

    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(_KERNEL)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        _label(cell, following, source)
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _label(cell: NotebookNode, following: NotebookNode | None, source: Path) -> None:
    """Give exercise and check cells the metadata that Jupyter and nbgrader read."""
    tags = _tags(cell)
    cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
    if "exercise" in tags:
        if following is None or "check" not in _tags(following):
            raise LessonError(
                f"{source.name}: an exercise cell must be followed by its check cell:\n{cell.source[:200]}"
            )
        # With this tag, Run All goes on past an error in the learner's own cell.
        cell.metadata.tags = [*tags, "raises-exception"]
        cell.metadata.nbgrader = _nbgrader("exercise", _exercise_id(following, source), solution=True)
    elif "check" in tags:
        exercise_id = _exercise_id(cell, source)
        cell.metadata |= {"editable": False, "deletable": False}
        points = find_exercise(exercise_id).points
        cell.metadata.nbgrader = _nbgrader("check", exercise_id, grade=True, locked=True) | {"points": points}
    elif cell.source.startswith("quiz("):
        # Folded away, or the learner would read the answers before the question.
        cell.metadata.jupyter = {"source_hidden": True}


def _nbgrader(
    kind: str, exercise_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False
) -> dict:
    return {
        "schema_version": 3,
        "grade_id": f"{kind}-{exercise_id.replace('.', '-')}",
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }


def _exercise_id(cell: NotebookNode, source: Path) -> str:
    found = _CHECK_CALL.search(cell.source)
    if found is None:
        raise LessonError(f'{source.name}: a check cell must call check("NN.M", …):\n{cell.source[:200]}')
    return found.group(1)


def _tags(cell: NotebookNode) -> list[str]:
    return [tag for tag in cell.metadata.get("tags", []) if tag != "raises-exception"]


def _took_outputs(notebook: NotebookNode, stored: Path) -> bool:
    """Take over the stored outputs if the code is the same, cell by cell; say whether it was."""
    if not stored.exists():
        return False
    new, old = (
        [cell for cell in book.cells if cell.cell_type == "code"]
        for book in (notebook, nbformat.read(stored, as_version=4))
    )
    if [cell.source for cell in new] != [cell.source for cell in old]:
        return False
    for cell, before in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return all(cell.execution_count for cell in new)


def _without_outputs(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return as_text(notebook)


def _tidy(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What a page should keep: no redrawn progress bars, and no widgets, which have no kernel behind them."""
    kept: list[NotebookNode] = []
    for output in outputs:
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        if output.output_type != "stream":
            kept.append(output)
        elif kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            # A progress bar redraws its line with carriage returns; only what follows the last one stays.
            output.text = "".join(
                re.sub(r"[^\n]*\r", "", line) for line in re.findall(r"[^\n]*\n|[^\n]+", output.text)
            )
    return [output for output in kept if output.output_type != "stream" or output.text.strip()]
