"""The grader's parts: what it finds in a folder, what it flags in a cell, what it writes."""

import textwrap

import pytest

from course.exercises.exercise import find_exercise
from course.grade import GradingError, grade_folder
from course.grading.flags import suspicions
from course.grading.report import Mark, safe_cell, write_report
from course.grading.submissions import Submission, find_submissions


def test_checkpoints_and_hidden_files_are_not_submissions(tmp_path):
    for name in ("ann/01_fedavg.ipynb", "ann/.ipynb_checkpoints/01_fedavg-checkpoint.ipynb", ".DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [found.label for found in find_submissions(tmp_path)] == ["ann/01_fedavg"]


def test_feedback_stays_in_its_folder_and_no_page_overwrites_another(tmp_path):
    rows = [Mark("x", "", "", "", 0, 0, "not graded", "<b>no</b>", "")]
    names = ["../../ann", "Ann", "ann", "..", "", "a/b"]
    write_report(tmp_path / "out", [(Submission(name, name, tmp_path), rows) for name in names])
    pages = sorted(path.name for path in (tmp_path / "out" / "feedback").iterdir())
    assert len({page.casefold() for page in pages}) == len(names)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_formula_in_a_cell_is_text():
    for text in ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1"):
        assert safe_cell(text) == "'" + text
    assert safe_cell("ann = bob") == "ann = bob"
    assert safe_cell(-1) == -1


@pytest.mark.parametrize(
    ("code", "flag"),
    [
        ("from course.federated import fedavg", "imports fedavg ready-made"),
        ("from course.federated import run_fedavg as r", "imports course.federated"),
        ("import gc", "imports gc"),
        ("import sys\nsys.modules['x'] = 1", "uses sys.modules"),
        ("np.allclose = lambda *a: True", "changes np.allclose"),
        ("import torch as t\nt.nn.Module.f = 1", "changes t.nn.Module.f"),
        ("def claim(*a): pass", "redefines claim"),
        ("check = print", "redefines check"),
        ("!cat /etc/hosts", "uses get_ipython"),
        ("f = StandIn", "uses StandIn"),
        ("f = fedavg.exercise.reference", "uses fedavg.exercise.reference"),
    ],
)
def test_a_cell_that_reaches_too_far_is_flagged(code, flag):
    assert flag in suspicions(code, find_exercise("01.3"))
    assert suspicions(code, find_exercise("01.3"), given=code) == ()


def test_ordinary_code_is_not_flagged():
    code = """
        import math
        import torch
        from torch import nn
        def fedavg(models, num_examples):
            net = nn.Linear(2, 2)
            net.extra = list(net.modules())
            for parameter in net.parameters():
                parameter.grad = None
            return {name: sum(n * m[name] for n, m in zip(num_examples, models)) for name in models[0]}
        fedavg = check("01.3", fedavg)
    """
    flagged = suspicions(textwrap.dedent(code), find_exercise("01.3"))
    # Calling `check` is fine; giving its answer a name is what every check cell does.
    assert flagged == ()


def test_a_second_run_replaces_the_first_and_nothing_else(tmp_path):
    (tmp_path / "ann.ipynb").write_text("{")
    for _ in range(2):
        assert [total.submission for total in grade_folder(tmp_path)] == ["ann"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "marks.csv").write_text("a table of my own")
    with pytest.raises(GradingError, match=r"holds no marks\.csv of an earlier run"):
        grade_folder(tmp_path, out=tmp_path / "mine")
    assert (tmp_path / "mine" / "marks.csv").read_text() == "a table of my own"


def test_a_folder_that_cannot_be_graded_is_refused(tmp_path):
    with pytest.raises(GradingError, match="there is no folder"):
        grade_folder(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(GradingError, match="holds no notebook"):
        grade_folder(tmp_path)
    (tmp_path / "ann.ipynb").touch()
    with pytest.raises(GradingError, match="positive number of seconds"):
        grade_folder(tmp_path, seconds=0)
