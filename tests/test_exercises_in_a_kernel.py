"""In a real kernel, whatever a learner does to an exercise gets a sentence, and the notebook goes on."""

import os
import re

import nbformat
import pytest
from lesson_factory import check_cell, cut_lesson, exercise_cell
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from course.build import learner_notebook, solved_notebook

ID, NAME = "01.3", "fedavg"
SECONDS = 1
"""The time limit of a check here; in a lesson it is longer."""

HEAD = "def fedavg(models, num_examples):\n"
DELETED = None
# What stands in the exercise cell → the state that the check must show, and words of its sentence.
SCENARIOS = {
    "blank": ("<as handed out>", "not attempted", "Write `fedavg` in the cell above."),
    "solved": ("<solved>", "passed", "Your version is what the rest"),
    "wrong": (
        HEAD + "    return {k: sum(m[k] for m in models) / len(models) for k in models[0]}",
        "not yet", "You weigh every client the same",
    ),
    "syntax error": (HEAD + "    return {k: for k in models[0]}", "not attempted", "run, without an error"),
    "error at the top": (HEAD + "    return 1\n" + "undefined_name", "not yet", "it should be a dictionary"),
    "renamed": ("def fed_avg(models, counts): return models[0]", "not attempted", "still called `fedavg`"),
    "exercise cell deleted": (DELETED, "not attempted", "There is no `fedavg` of yours yet"),
    "a variable": ("fedavg = 3", "not yet", "should be a function; it is int 3"),
    "forgot to return": (HEAD + "    average = models[0]", "not yet", "It returned None"),
    "endless": (HEAD + "    while True: pass", "not yet", "ran for more than 1 seconds"),
    "endless, swallows exceptions": (
        HEAD + "    while True:\n        try:\n            while True: pass\n        except Exception: pass",
        "not yet", "ran for more than 1 seconds",
    ),
    "endless, swallows everything": (
        HEAD + "    while True:\n        try:\n            while True: pass\n        except: pass",
        "not yet", "ran for more than 1 seconds",
    ),
    "sleeps": (HEAD + "    import time; time.sleep(60)", "not yet", "ran for more than 1 seconds"),
    "prints megabytes": (
        HEAD + "    for _ in range(30): print('x' * 100_000)\n    return models[0]",
        "not yet", "It printed 3,000,030 characters",
    ),
    "raises": (HEAD + "    share = 1 / 0", "not yet", "ZeroDivisionError in the line `share = 1 / 0`"),
    "exits": (HEAD + "    import sys; sys.exit(3)", "not yet", "stopped with SystemExit"),
    "recurses": (HEAD + "    return fedavg(models, num_examples)", "not yet", "RecursionError"),
    "asks for input": (HEAD + "    return input()", "not yet", "Your code stopped with"),
    "writes HTML": (HEAD + "    raise ValueError('<script>alert(1)</script>')", "not yet", "<script>alert"),
}  # fmt: skip

QUIZ = """
from course.exercises import right
quiz("Is 1 < 2?", {"Yes": right("It is."), "No": "It <i>is</i>."})
"""
CLAIMS = """
slow, fast = 12, 5
claim("It takes twice as long", slow > 2 * fast)
claim(
    "And not three times",
    slow < 3 * fast,
)
"""


def _code(source: str, role: str, *tags: str) -> nbformat.NotebookNode:
    return new_code_cell(source.strip(), metadata={"role": role, "tags": list(tags)})


def _attempt(name: str, exercise: str | None, check: str) -> list[nbformat.NotebookNode]:
    cells = [_code(f'globals().pop("{NAME}", None); begin("01")', f"{name}: reset")]
    if exercise is not DELETED:
        # course.build gives exercise cells this tag, so that Run All goes on past a learner's error.
        cells.append(_code(exercise, f"{name}: exercise", "raises-exception"))
    cells.append(_code(check, f"{name}: check"))
    probe = f"print(callable({NAME}))"
    return [*cells, _code(probe, f"{name}: on")]


def _notebook(folder) -> nbformat.NotebookNode:
    source = cut_lesson("01", folder)
    learner, solved = learner_notebook(source), solved_notebook(source)
    given = {
        "<as handed out>": exercise_cell(learner, ID).source,
        "<solved>": exercise_cell(solved, ID).source,
    }
    check = check_cell(learner, ID).source
    assert "raises-exception" in exercise_cell(learner, ID).metadata.tags
    setup = next(cell.source for cell in learner.cells if "setup" in cell.metadata.get("tags", []))
    limit = (
        "import functools\nfrom course.exercises import checking\n"
        f"checking.assess = functools.partial(checking.assess, seconds={SECONDS})"
    )
    cells = [_code(setup, "setup"), _code(limit, "limit")]
    for name, (code, _, _) in SCENARIOS.items():
        cells += _attempt(name, given.get(code, code), check)
    # First a wrong answer, for which one is lent; then a version that does not even run.
    cells += _attempt("lent before", SCENARIOS["wrong"][0], check)
    cells += [_code(SCENARIOS["syntax error"][0], "broken after", "raises-exception"), _code(check, "again")]
    cells += [
        _code(f'del {NAME}; begin("01")', "no check: reset"), _code(given["<solved>"], "no check: exercise"),
        _code(f"print({NAME}.__module__)", "no check: on"), _code(f'hint("{ID}")', "hint"),
        _code('check("01.99", 3); hint("nonsense")', "unknown"), _code(QUIZ, "quiz"), _code(CLAIMS, "claims"),
        _code('low = 3\nclaim("So", low > 4)', "failed claim", "raises-exception"),
    ]  # fmt: skip
    learner.cells = cells
    return learner


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> dict[str, list]:
    """Role of a cell → its outputs, after one kernel ran every scenario."""
    folder = tmp_path_factory.mktemp("kernel")
    notebook = _notebook(folder)
    lenient = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COURSE_STRICT", "NBGRADER_EXECUTION")
    }
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=lenient | {"OMP_NUM_THREADS": "1"})
    return {cell.metadata.role: cell.outputs for cell in notebook.cells}


def _plain(outputs: list) -> str:
    return "\n".join(output.data["text/plain"] for output in outputs if "data" in output)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_attempt_gets_one_box_with_a_sentence_and_no_trace(name, outputs):
    _, state, said = SCENARIOS[name]
    shown = outputs[f"{name}: check"]
    assert [output.output_type for output in shown] == ["display_data"]
    text, page = shown[0].data["text/plain"], shown[0].data["text/html"]
    assert f"{state}: exercise 01.3" in text and said in text
    assert "Traceback" not in text and len(page) < 5_000
    assert "<script>" not in page
    assert ("the library's own" in text) == (state != "passed")


@pytest.mark.parametrize("name", SCENARIOS)
def test_after_every_attempt_the_notebook_goes_on(name, outputs):
    assert [output.get("text") for output in outputs[f"{name}: on"]] == ["True\n"]


def test_a_lent_answer_does_not_pass_for_the_learners_when_the_next_version_fails_to_run(outputs):
    assert "not yet" in _plain(outputs["lent before: check"])
    assert outputs["broken after"][0].ename == "SyntaxError"
    assert "not attempted: exercise 01.3" in _plain(outputs["again"])


def test_without_its_check_cell_the_learners_function_is_used_as_it_is(outputs):
    assert outputs["no check: on"][0].text == "__main__\n"


def test_hints_and_unknown_exercises_are_boxes_too(outputs):
    assert "hint: 1 of 3 for exercise 01.3" in _plain(outputs["hint"])
    assert _plain(outputs["unknown"]).count("note: there is no") == 2


def test_a_quiz_is_one_output_for_widgets_for_the_web_and_for_a_terminal(outputs):
    (shown,) = outputs["quiz"]
    assert "application/vnd.jupyter.widget-view+json" in shown.data
    assert shown.data["text/html"].count("<details>") == 2 and "<i>" not in shown.data["text/html"]
    assert shown.data["text/plain"] == "Quiz: Is 1 < 2?\na) Yes\nb) No"


def test_several_claims_of_one_cell_are_shown_each_with_its_own_numbers(outputs):
    assert [re.sub(r"\s+", " ", output.data["text/plain"]) for output in outputs["claims"]] == [
        "✔ It takes twice as long slow = 12, 2 * fast = 10",
        "✔ And not three times slow = 12, 3 * fast = 15",
    ]


def test_a_claim_that_does_not_hold_fails_its_cell(outputs):
    (failure,) = outputs["failed claim"]
    assert failure.ename == "ClaimFailed" and failure.evalue == "this does not hold here: So (low = 3)"
