"""The build: both notebooks from one source, and outputs that are kept only where the code is the same."""

import nbformat
import pytest

from course import build

TINY = "# %% [markdown]\n# # A tiny lesson\n\n# %%\nprint(6 * 7)\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "99_tiny.py").write_text(TINY)
    build.build(tmp_path)
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """The notebooks that a build runs, which it is kept from really running."""
    ran = []
    monkeypatch.setattr(build, "execute", lambda notebook, folder: ran.append(notebook) or notebook)
    return ran


def outputs(root):
    cells = nbformat.read(root / "solutions" / "99_tiny.ipynb", as_version=4).cells
    return [output.text for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def test_new_text_over_the_same_code_keeps_the_outputs(root, executed):
    (root / "solutions" / "99_tiny.py").write_text(TINY.replace("tiny lesson", "short lesson"))
    build.build(root, text_only=True)
    assert executed == [] and outputs(root) == ["42\n"]
    assert build.stale_files(root) == []
    assert "short lesson" in (root / "notebooks" / "99_tiny.ipynb").read_text()


def test_new_code_is_run_even_when_only_text_was_asked_for(root, executed):
    (root / "solutions" / "99_tiny.py").write_text(TINY.replace("6 * 7", "6 * 8"))
    build.build(root, text_only=True)
    assert len(executed) == 1


def test_a_full_build_runs_every_lesson(root, executed):
    build.build(root)
    assert len(executed) == 1


def test_a_learner_never_gets_outputs(root):
    learner = nbformat.read(root / "notebooks" / "99_tiny.ipynb", as_version=4)
    assert [cell.outputs for cell in learner.cells if cell.cell_type == "code"] == [[]]


def test_an_unsolved_exercise_cell_stops_the_build(tmp_path):
    source = tmp_path / "99_tiny.py"
    with pytest.raises(build.LessonError, match="BEGIN SOLUTION"):
        build.cut_solution("def f():\n    return 1", source)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("before\n\r1/3\r2/3\r     \rafter\n", "before\nafter\n"),
        ("plain\n", "plain\n"),
        ("\r1/3\r2/3\r    \r", ""),
    ],
)
def test_a_progress_bar_leaves_no_trace(written, kept):
    stream = nbformat.v4.new_output("stream", name="stdout", text=written)
    assert "".join(output.text for output in build._tidy([stream])) == kept
