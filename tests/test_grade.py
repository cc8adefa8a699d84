"""The grader gives the right marks for right, wrong, broken and dishonest work, and always ends."""

import csv
import textwrap

import psutil
import pytest
from lesson_factory import ROOT, check_cell, cut_lesson, hand_in
from nbformat.v4 import new_output

from course.build import learner_notebook, solved_notebook
from course.exercises.checking import assess
from course.exercises.exercise import State, exercises_of, find_exercise
from course.grade import grade_folder
from course.grading.marking import mark
from course.grading.pristine import load_lesson
from course.grading.submissions import Answers, find_answers, read_cells

LESSON = "01"
SECONDS = 3.0
"""Time limit for a cell, where cells never end: far above what the other checks take (milliseconds)."""

# Torch loads its optimisers when the first one is made, which takes seconds: not where time is short.
SLOW_TO_CHECK = {"01.2": "def train_locally(*anything): ..."}
# Each of these costs its own exercise; those that are not here keep their solutions and must pass.
WRONG = {
    "01.3": """
        def fedavg(models, num_examples):
            return {name: sum(model[name] for model in models) / len(models) for name in models[0]}
    """
}
STUCK = {
    "01.1": "def deal_shards(labels, num_clients, shards_per_client, rng):\n    while True: pass",
    "01.3": "def fedavg(models, num_examples):\n    return models[0]\nwhile True: pass",
    "01.5": """
        def mean_cosine(updates):
            return 0.0
        while True:
            try:
                while True: sum(range(100))
            except BaseException: pass
    """,
}
# Right answers: the first needs our `fedavg` in place of a stuck one, the second the first one's helper.
HELPED = {
    "01.4": """
        if not fedavg.__module__.startswith("course"):
            raise RuntimeError("what failed before was not lent")
        def minus(a, b):
            return a - b
        def bytes_a_round(model, cohort_size):
            return 2 * cohort_size * sum(t.numel() * t.element_size() for t in model.values())
    """,
    "01.6": """
        def next_control(old, server, before, after, steps, learning_rate):
            pull = {name: minus(before[name], after[name]) / (steps * learning_rate) for name in old}
            return {name: minus(old[name], server[name]) + pull[name] for name in old}
    """,
}
ORPHAN = "import time; time.sleep(987)"
BROKEN = {
    "01.1": "while True: print('x' * 100_000)",
    "01.3": f"""
        import os, subprocess, sys
        subprocess.Popen([sys.executable, "-c", "{ORPHAN}"])
        def fedavg(models, num_examples):
            os._exit(0)
    """,
    "01.4": "def bytes_a_round(model, cohort_size:\n    return 1",
    "01.5": "def my_mean_cosine(updates):\n    return 0.0",
}
LIAR = {
    "01.1": "def deal_shards(*anything):\n    return []\ndeal_shards = check('01.1', deal_shards)",
    "01.2": "def check(exercise_id, answer=None):\n    return answer\ndef train_locally(*anything): return 0",
    "01.3": """
        import course.exercises.checking as checking
        import course.exercises.exercise as registry
        from course.exercises.guard import CappedText
        checking.run_guarded = lambda verify, answer, seconds: (None, CappedText())
        checking.assess = None
        for exercise in registry.exercises_of("01").values():
            object.__setattr__(exercise, "verify", lambda answer: None)
            object.__setattr__(exercise, "points", 1000)
        def fedavg(models, num_examples):
            return models[0]
    """,
    "01.6": "next_control = next_control.exercise.reference",
}


def claim_to_have_passed(notebook):
    for exercise in exercises_of(LESSON).values():
        cell = check_cell(notebook, exercise.id)
        cell.metadata.nbgrader.points = 100
        cell.source = "print('✔ passed')"
        cell.outputs = [new_output("stream", text=f"✔ passed: exercise {exercise.id}")]


def drop_metadata(notebook):
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"new-{number}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    root = tmp_path_factory.mktemp("clone")
    cut_lesson(LESSON, root)
    return root


@pytest.fixture(scope="module")
def source(clone):
    return next((clone / "solutions").iterdir())


@pytest.fixture(scope="module")
def calm(clone, source, tmp_path_factory):
    """Whole answers, none, and files that are no submissions, graded with the usual patience."""
    folder = tmp_path_factory.mktemp("calm")
    hand_in(folder / "perfect.ipynb", solved_notebook(source), tamper=drop_metadata)
    hand_in(folder / "unsolved" / "01_fedavg.ipynb", learner_notebook(source))
    (folder / "cut_short.ipynb").write_text(source.read_text()[:100])
    (folder / "empty").mkdir()
    (folder / "empty" / "01_fedavg.ipynb").touch()
    (folder / "list.ipynb").write_text("[1, 2]")
    (folder / "stranger.ipynb").write_text('{"cells": [{"cell_type": "code", "source": "1 + 1"}]}')
    (folder / "=1+1.ipynb").mkdir()
    (folder / "essay.txt").write_text("I did it on paper.")
    return _grade(folder, clone, seconds=60)


@pytest.fixture(scope="module")
def hasty(clone, source, tmp_path_factory):
    """Wrong, broken and dishonest answers, with a short time limit so that the endless ones end soon."""
    folder = tmp_path_factory.mktemp("hasty")
    for name, answers in {"wrong": WRONG, "stuck": HELPED | STUCK, "broken": BROKEN}.items():
        hand_in(folder / f"{name}.ipynb", solved_notebook(source), _dedented(SLOW_TO_CHECK | answers))
    hand_in(folder / "liar.ipynb", learner_notebook(source), _dedented(LIAR), tamper=claim_to_have_passed)
    return _grade(folder, clone, seconds=SECONDS)


def _grade(folder, clone, *, seconds):
    out = folder / "grades"
    grade_folder(folder, seconds=seconds, root=clone)
    with (out / "marks.csv").open(encoding="utf-8", newline="") as file:
        return {(row["submission"], row["exercise"]): row for row in csv.DictReader(file)}, out


def states(graded, submission):
    return {exercise: row["state"] for (name, exercise), row in graded[0].items() if name == submission}


def sentence(graded, submission, exercise_id):
    return graded[0][submission, exercise_id]["message"]


def points(graded, submission):
    rows = [row for (name, _), row in graded[0].items() if name == submission]
    return sum(int(row["points"]) for row in rows), sum(int(row["maximum"]) for row in rows)


def passed(graded, submission):
    return {exercise for exercise, state in states(graded, submission).items() if state == "passed"}


def all_but(answers):
    return set(exercises_of(LESSON)) - set(answers) - set(SLOW_TO_CHECK)


def unweighted(models, num_examples):
    return {name: sum(model[name] for model in models) / len(models) for name in models[0]}


def what_the_checker_says(exercise_id, answer):
    verdict, _ = assess(find_exercise(exercise_id), answer)
    return verdict.message


def worth(exercise_ids):
    return sum(find_exercise(exercise_id).points for exercise_id in exercise_ids)


def everything():
    return worth(exercises_of(LESSON))


def test_a_right_submission_gets_everything_even_without_metadata(calm):
    assert set(states(calm, "perfect").values()) == {"passed"}
    assert points(calm, "perfect") == (everything(), everything())


def test_an_unsolved_submission_gets_nothing_and_is_not_called_wrong(calm):
    assert set(states(calm, "unsolved/01_fedavg").values()) == {"not attempted"}
    assert points(calm, "unsolved/01_fedavg") == (0, everything())


def test_a_wrong_answer_costs_its_own_exercise_and_hears_the_checkers_sentence(hasty):
    assert passed(hasty, "wrong") == all_but(WRONG)
    assert points(hasty, "wrong") == (worth(all_but(WRONG)), everything())
    assert sentence(hasty, "wrong", "01.3") == what_the_checker_says("01.3", unweighted)


def test_endless_loops_cost_only_the_exercises_they_are_in(hasty):
    assert passed(hasty, "stuck") == all_but(STUCK)
    for exercise_id in STUCK:
        assert sentence(hasty, "stuck", exercise_id).startswith("It ran for more than 3 seconds")


def test_floods_exits_and_errors_cost_only_the_exercises_they_are_in(hasty):
    assert passed(hasty, "broken") == all_but(BROKEN)
    assert "printed more than 5 MB" in sentence(hasty, "broken", "01.1")
    assert "ended the Python process" in sentence(hasty, "broken", "01.3")
    assert sentence(hasty, "broken", "01.4").startswith("Your cell stopped with SyntaxError")
    assert "still called `mean_cosine`" in sentence(hasty, "broken", "01.5")


def test_claims_of_success_are_worth_nothing_and_are_flagged(hasty):
    rows, _ = hasty
    assert points(hasty, "liar") == (find_exercise("01.6").points, everything())
    assert states(hasty, "liar")["01.1"] == "not yet"
    assert sentence(hasty, "liar", "01.3") == what_the_checker_says(
        "01.3", lambda models, num_examples: models[0]
    )
    for exercise_id, flag in {
        "01.2": "redefines check", "01.3": "imports course.exercises.checking",
        "01.4": "changed the check cell", "01.5": "changed the points to 100",
    }.items():  # fmt: skip
        assert flag in rows["liar", exercise_id]["flags"]
    assert {row["flags"] for (name, _), row in rows.items() if name in ("wrong", "stuck")} == {""}


def test_the_librarys_own_answer_keeps_its_marks_and_is_flagged(hasty):
    row = hasty[0]["liar", "01.6"]
    assert row["state"] == "passed"
    assert "needs a human look" in row["flags"] and "library's own" in row["flags"]


def test_every_file_gets_a_line_whatever_it_is(calm):
    rows, out = calm
    for name, words in {
        "cut_short": "not valid JSON", "list": "has no cells", "stranger": "lesson is unknown",
        "essay.txt": "does not end in .ipynb", "'=1+1": "holds no notebook",
    }.items():  # fmt: skip
        assert rows[name, ""]["state"] == "not graded"
        assert words in rows[name, ""]["message"]
    # The file's name tells the lesson, and so what was missed.
    assert points(calm, "empty/01_fedavg") == (0, everything())
    with (out / "totals.csv").open(encoding="utf-8", newline="") as file:
        totals = {
            row["submission"]: (int(row["points"]), int(row["maximum"])) for row in csv.DictReader(file)
        }
    assert totals == {name: points(calm, name) for name, _ in rows}
    assert len(totals) == 8


def test_each_student_gets_a_page_with_every_exercise(hasty):
    _, out = hasty
    page = (out / "feedback" / "wrong.md").read_text(encoding="utf-8")
    assert f"**{worth(all_but(WRONG))} of {everything()}**" in page
    assert all(f"Exercise {exercise_id}" in page for exercise_id in exercises_of(LESSON))
    assert " ".join(what_the_checker_says("01.3", unweighted).split()[:6]) in page
    assert len(list((out / "feedback").iterdir())) == 4


def test_no_kernel_is_left_behind_and_nothing_that_one_started(calm, hasty):
    children = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert [command for command in children if "ipykernel" in command] == []
    # A kernel's own children would be nobody's children by now.
    everyone = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert [command for command in everyone if ORPHAN in command] == []


def test_a_broken_clone_is_the_graders_fault_and_stops_nobody(clone, source, tmp_path):
    hand_in(tmp_path / "in" / "ann.ipynb", learner_notebook(source))
    hand_in(tmp_path / "in" / "bob.ipynb", learner_notebook(source))
    totals = grade_folder(tmp_path / "in", root=tmp_path)
    assert [(total.submission, total.points) for total in totals] == [("ann", 0), ("bob", 0)]
    assert "The grader failed here" in (tmp_path / "in" / "grades" / "marks.csv").read_text(encoding="utf-8")


def test_failing_setup_is_not_blamed_on_the_learner(clone):
    from dataclasses import replace

    from course.grading.kernel import KernelTrouble

    lesson = replace(load_lesson(LESSON, clone), setup=("1 / 0",))
    with pytest.raises(KernelTrouble, match="our own code failed in the kernel: ZeroDivisionError"):
        mark(lesson, Answers({}, {}), seconds=SECONDS)


@pytest.mark.parametrize(
    "source", sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py")), ids=lambda path: path.stem
)
def test_every_lessons_own_solutions_get_full_marks_and_no_flags(source, tmp_path):
    # This fails if an exercise cell needs more than the cells tagged `setup`.
    lesson = load_lesson(source.stem[:2], ROOT)
    cells = read_cells(hand_in(tmp_path / source.with_suffix(".ipynb").name, solved_notebook(source)))
    findings = mark(lesson, find_answers(cells, lesson), seconds=60)
    assert {
        key: finding.message for key, finding in findings.items() if finding.state is not State.PASSED
    } == {}
    assert {key: finding.flags for key, finding in findings.items() if finding.flags} == {}


def _dedented(answers):
    return {exercise_id: textwrap.dedent(code) for exercise_id, code in answers.items()}
