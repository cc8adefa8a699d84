"""`nbgrader autograde` itself, on our notebooks as they are: right marks, also for a tampered check."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lesson_factory import ROOT, check_cell, cut_lesson, exercise_cell, hand_in
from nbformat import read

from course.build import STUB, learner_notebook, solved_notebook
from course.exercises.exercise import exercises_of, find_exercise

LESSON, ASSIGNMENT = "01", "01_fedavg"
MINUTES_AT_MOST = 5
CONFIG = f"""
c = get_config()
c.CourseDirectory.course_id = "ppml"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.Execute.timeout = 120
"""
UNWEIGHTED = (
    "def fedavg(models, num_examples):\n"
    "    return {name: sum(model[name] for model in models) / len(models) for name in models[0]}"
)


def nbgrader(course_folder: Path, *arguments: str) -> str:
    """Run nbgrader as an instructor would, with the virtual environment active."""
    environment = os.environ | {
        "VIRTUAL_ENV": sys.prefix,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        # Neither this machine's settings of Jupyter nor pytest's may change the outcome.
        "JUPYTER_CONFIG_DIR": str(course_folder / "config"),
        "JUPYTER_DATA_DIR": str(course_folder / "data"),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=course_folder, env=environment,
        capture_output=True, text=True, timeout=60 * MINUTES_AT_MOST, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stderr


def claim_to_have_passed(notebook):
    for exercise in exercises_of(LESSON).values():
        cell = check_cell(notebook, exercise.id)
        cell.source, cell.metadata.nbgrader.points = "print('passed')", 100


@pytest.fixture(scope="module")
def autograded(tmp_path_factory):
    """A course folder after `generate_assignment` and `autograde`: (the folder, nbgrader's log)."""
    folder = tmp_path_factory.mktemp("course")
    source = cut_lesson(LESSON, folder / "clone")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    hand_in(folder / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", solved_notebook(source))
    nbgrader(folder, "generate_assignment", ASSIGNMENT)
    for student, notebook, answers, tamper in (
        ("solved", solved_notebook(source), None, None),
        ("unsolved", learner_notebook(source), None, None),
        ("wrong", solved_notebook(source), {"01.3": UNWEIGHTED}, None),
        ("tampered", learner_notebook(source), None, claim_to_have_passed),
    ):
        hand_in(
            folder / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", notebook, answers, tamper
        )
    return folder, nbgrader(folder, "autograde", ASSIGNMENT)


def scores(autograded, student):
    """Exercise cell's name → (points, maximum), from nbgrader's own gradebook."""
    from nbgrader.api import Gradebook

    folder, _ = autograded
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        graded = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
        return {grade.name: (grade.score, grade.max_score) for grade in graded.grades}


def full_marks():
    return {f"check-{e.id.replace('.', '-')}": (e.points, e.points) for e in exercises_of(LESSON).values()}


def test_solved_work_gets_full_marks(autograded):
    assert scores(autograded, "solved") == full_marks()


def test_our_learner_notebook_is_a_valid_submission_and_gets_nothing(autograded):
    assert scores(autograded, "unsolved") == {
        name: (0, maximum) for name, (_, maximum) in full_marks().items()
    }


def test_a_wrong_answer_costs_its_own_exercise_only(autograded):
    assert scores(autograded, "wrong") == full_marks() | {"check-01-3": (0, find_exercise("01.3").points)}


def test_an_edited_check_cell_is_restored_and_worth_nothing(autograded):
    assert scores(autograded, "tampered") == scores(autograded, "unsolved")
    _, log = autograded
    assert "Attribute 'checksum' for cell check-01-1 has changed" in log
    assert "Attribute 'points' for cell check-01-1 has changed" in log


def test_what_nbgrader_releases_is_what_we_hand_out(autograded):
    folder, _ = autograded
    released = read(folder / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    ours = learner_notebook(next((folder / "clone" / "solutions").iterdir()))
    assert [cell.source for cell in released.cells] == [cell.source for cell in ours.cells]
    assert STUB in exercise_cell(released, "01.3").source
