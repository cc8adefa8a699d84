"""What the cells of a lesson call: `begin`, `check`, `hint`, `quiz` and the boxes in which they speak."""

import runpy
import signal
import sys
import textwrap

import pytest
import torch

from course.exercises import ExerciseNotPassed, check, checking, hint
from course.exercises.checking import assess
from course.exercises.exercise import Exercise, StandIn, State, exercises_of, find_exercise
from course.exercises.guard import OutOfTime, time_limit

torch.set_num_threads(1)
FEDAVG = find_exercise("01.3")
TWO = [{"w": torch.tensor([1.0])}, {"w": torch.tensor([5.0])}]


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(checking, "_hints_given", {})


def unweighted(models, num_examples):
    return {name: sum(model[name] for model in models) / len(models) for name in models[0]}


def stub(models, num_examples):
    """The mean."""
    ...  # your code here


def run_script(folder, code: str) -> dict:
    """Run code as a script, from a file, as a learner outside Jupyter would; return its names."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    return runpy.run_path(str(script))


# begin --------------------------------------------------------------------------------------------


def test_begin_holds_the_place_of_every_exercise_and_leaves_existing_names_alone(tmp_path):
    names = run_script(
        tmp_path,
        """
        from course.exercises import begin
        fedavg = "mine already"
        begin("01")
        """,
    )
    exercises = {exercise.name: exercise for exercise in exercises_of("01").values()}
    assert names["fedavg"] == "mine already"
    for name in exercises.keys() - {"fedavg"}:
        assert isinstance(names[name], StandIn) and names[name].exercise is exercises[name]
    assert torch.get_num_threads() == 1


def test_a_stand_in_works_like_the_librarys_own_and_says_what_it_is():
    stand_in = StandIn(FEDAVG)
    assert torch.equal(stand_in(TWO, [3, 1])["w"], torch.tensor([2.0]))
    assert "fedavg" in repr(stand_in) and "01.3" in repr(stand_in)


# check --------------------------------------------------------------------------------------------


def test_a_right_answer_comes_back_itself(capsys):
    def mine(models, num_examples):
        return FEDAVG.reference(models, num_examples)

    assert check("01.3", mine) is mine
    assert "passed: exercise 01.3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "state"),
    [(unweighted, "not yet"), (stub, "not attempted"), (None, "not attempted"), (42, "not yet")],
)
def test_without_a_right_answer_the_librarys_own_is_lent_and_that_is_said(answer, state, capsys):
    lent = check("01.3", answer)
    assert torch.equal(lent(TWO, [3, 1])["w"], torch.tensor([2.0]))
    said = capsys.readouterr().out
    assert f"{state}: exercise 01.3" in said
    assert "the library's own" in said and 'hint("01.3")' in said


def test_what_was_lent_is_not_taken_for_the_learners_own_afterwards(capsys):
    # The learner's next version of the cell fails to run, so the name still holds what was lent.
    lent = check("01.3", unweighted)
    check("01.3", lent)
    assert "not attempted: exercise 01.3" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["1", "yes"])
@pytest.mark.parametrize("variable", ["COURSE_STRICT", "NBGRADER_EXECUTION"])
def test_strict_mode_raises_and_says_what_is_wrong(variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ExerciseNotPassed, match=r"01\.3 \(not yet\): You weigh every client the same"):
        check("01.3", unweighted)
    with pytest.raises(ExerciseNotPassed, match=r"01\.3 \(not attempted\)"):
        check("01.3", stub)
    assert check("01.3", FEDAVG.reference) is FEDAVG.reference
    with pytest.raises(ValueError, match=r"no exercise '01\.99'"):
        check("01.99", unweighted)


@pytest.mark.parametrize("value", ["", "0"])
def test_strict_mode_can_be_switched_off(value, monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", value)
    check("01.3", unweighted)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("01.99", "this lesson has 01.1, "),
        ("77.1", "the lessons are 00, 01"),
        ("", "no lesson"),
        (1.3, "a string"),
    ],
)
def test_an_unknown_exercise_gets_a_sentence_and_the_answer_back(wrong, said, capsys):
    assert check(wrong, unweighted) is unweighted
    hint(wrong)
    assert capsys.readouterr().out.count(said) == 2


def _endless(*anything):
    while True:
        pass


def _endless_and_deaf_to_exceptions(*anything):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def _endless_and_deaf_to_everything(*anything):
    while True:
        try:
            while True:
                pass
        except:  # noqa: E722
            pass


def _endless_in_finally(*anything):
    while True:
        try:
            while True:
                pass
        finally:
            continue  # noqa: B012


@pytest.mark.parametrize(
    "answer",
    [_endless, _endless_and_deaf_to_exceptions, _endless_and_deaf_to_everything, _endless_in_finally],
)
def test_an_endless_answer_is_stopped_and_leaves_no_alarm_behind(answer):
    alarm, tracer = signal.getsignal(signal.SIGALRM), sys.gettrace()
    verdict, _ = assess(FEDAVG, answer, seconds=0.2)
    assert verdict.state is State.NOT_YET
    assert (
        verdict.message
        == "It ran for more than 0.2 seconds and was stopped. Is there a loop that never ends?"
    )
    assert signal.getsignal(signal.SIGALRM) is alarm and sys.gettrace() is tracer
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_time_limit_is_no_exception_that_a_learner_would_catch():
    assert not issubclass(OutOfTime, Exception)
    with time_limit(5):  # Ends in time, so nothing is raised.
        pass


def test_an_answer_that_prints_megabytes_is_counted_and_cut(capsys):
    def loud(models, num_examples):
        print("x" * 1_000_000)
        print("y" * 1_000_000, file=sys.stderr)
        return unweighted(models, num_examples)

    verdict, printed = assess(FEDAVG, loud)
    assert verdict.message.startswith("You weigh every client the same")
    assert printed.startswith("It printed 2,000,002 characters, beginning: 'xxx") and len(printed) < 300
    assert capsys.readouterr() == ("", "")


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            ZeroDivisionError("by nothing"),
            "Your code stopped with ZeroDivisionError in the line `raise raised`",
        ),
        (SystemExit(3), "Your code stopped with SystemExit in the line `raise raised`"),
        (RecursionError("too deep"), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (GeneratorExit(), "GeneratorExit"),
        (_Mute(), "_Mute"),
        (ValueError("first line\nsecond line"), ": first line"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_an_answer_raises_becomes_a_sentence_with_its_own_line(raised, said):
    def raising(models, num_examples):
        raise raised

    verdict, _ = assess(FEDAVG, raising)
    assert verdict.state is State.NOT_YET
    assert said in verdict.message and "\n" not in verdict.message


def test_the_stop_button_stops_the_check_itself():
    def stopped(models, num_examples):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assess(FEDAVG, stopped)


# hint ---------------------------------------------------------------------------------------------


def test_hints_come_one_after_the_other_and_the_last_one_stays(capsys):
    shown = []
    for _ in range(len(FEDAVG.hints) + 2):
        hint("01.3")
        shown.append(capsys.readouterr().out)
    expected = [*FEDAVG.hints, FEDAVG.hints[-1], FEDAVG.hints[-1]]
    assert all(text in out for text, out in zip(expected, shown, strict=True))
    assert "1 of 3" in shown[0] and "next one" in shown[0] and "That was the last one" in shown[-1]


def test_each_exercise_has_its_own_place_among_its_hints_and_any_can_be_asked_for(capsys):
    hint("01.3")
    hint("01.1")
    assert "1 of 3 for exercise 01.1" in capsys.readouterr().out
    hint("01.3", 3)
    assert FEDAVG.hints[2] in capsys.readouterr().out
    for wrong in (0, 4, "two"):
        hint("01.3", wrong)
        assert "hints 1 to 3" in capsys.readouterr().out


def test_an_exercise_with_one_hint_cannot_be_made():
    with pytest.raises(ValueError, match="needs at least two"):
        Exercise("01.9", "name", "title", print, print, ("One?",))
