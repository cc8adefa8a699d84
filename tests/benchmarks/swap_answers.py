"""Run each solved lesson with other right answers in it: every claim must hold on those as well.

Run it with `python tests/benchmarks/swap_answers.py` (or with lessons: `… 01 02`): two or three minutes a
lesson. A learner whose answer passes gets the rest of the lesson on *it*, so a claim that only holds on ours
would strand them.
"""

import importlib
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from course.build import lesson_sources, solved_notebook
from course.exercises.exercise import exercises_of

TESTS = Path(__file__).parents[1]
SECONDS_A_CELL = 600


def swapped(source: Path, answers: dict[str, str]) -> nbformat.NotebookNode:
    """The solved lesson, with the answer of that name from ACCEPT in place of each exercise's own."""
    lesson = source.name[:2]
    notebook = solved_notebook(source)
    cells = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]
    for cell, (exercise_id, name) in zip(cells, answers.items(), strict=True):
        variable = exercises_of(lesson)[exercise_id].name
        cell.source = (
            f"import sys; sys.path.insert(0, {str(TESTS)!r}); import mutants_{lesson}\n"
            f"{variable} = mutants_{lesson}.ACCEPT[{exercise_id!r}][{name!r}]"
        )
    return notebook


def main(numbers: list[str]) -> int:
    """Print each lesson and set of answers with what failed; return how many runs failed."""
    sys.path.insert(0, str(TESTS))
    failures = 0
    for source in lesson_sources(TESTS.parent, numbers):
        accepted = importlib.import_module(f"mutants_{source.name[:2]}").ACCEPT
        others = {exercise_id: list(answers)[1:] for exercise_id, answers in accepted.items()}
        for turn in range(max(map(len, others.values()))):
            answers = {exercise_id: names[turn % len(names)] for exercise_id, names in others.items()}
            client = NotebookClient(
                swapped(source, answers),
                timeout=SECONDS_A_CELL,
                resources={"metadata": {"path": str(source.parent)}},
            )
            try:
                client.execute(env=os.environ | {"COURSE_STRICT": "1", "OMP_NUM_THREADS": "1"})
                outcome = "every claim holds"
            except Exception as error:
                failures += 1
                outcome = f"FAILED: {str(error)[-600:]}"
            print(f"{source.stem} with {answers}: {outcome}", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
