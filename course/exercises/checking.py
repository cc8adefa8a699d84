"""`begin`, `check` and `hint`: what a lesson's cells call."""

import inspect
import os

from course.exercises.boxes import Box, show
from course.exercises.exercise import Exercise, NotYet, StandIn, State, Verdict, exercises_of, find_exercise
from course.exercises.guard import SECONDS_A_CHECK, OutOfTime, describe_exception, is_blank, run_guarded

STRICT_VARIABLE = "COURSE_STRICT"
_hints_given: dict[str, int] = {}


class ExerciseNotPassed(AssertionError):
    """Raised by `check` in strict mode only, so that a grader or a test sees a cell fail."""


def strict() -> bool:
    """Whether `check` raises: COURSE_STRICT is set, or nbgrader is running the notebook."""
    return os.environ.get(STRICT_VARIABLE, "") not in ("", "0") or "NBGRADER_EXECUTION" in os.environ


def begin(lesson: str) -> None:
    """Start a lesson: one thread for torch, the course's figure style, and a stand-in for each exercise.

    A stand-in holds the place of a function that you have not written yet (or deleted, or renamed),
    so that the rest of the notebook still runs. Names that exist already are left alone.
    """
    from course.figures import use_course_style

    use_course_style()
    _use_one_thread()
    caller = inspect.currentframe().f_back.f_globals
    for exercise in exercises_of(lesson).values():
        caller.setdefault(exercise.name, StandIn(exercise))


def assess(exercise: Exercise, answer: object, *, seconds: float = SECONDS_A_CHECK) -> tuple[Verdict, str]:
    """Run one exercise's checker; return the verdict and what the answer printed (cut)."""
    if isinstance(answer, StandIn):
        message = (
            f"There is no `{exercise.name}` of yours yet. Was its cell run, without an error, and is it "
            f"still called `{exercise.name}`?"
        )
        return Verdict(exercise, State.NOT_ATTEMPTED, message), ""
    if is_blank(answer):
        return Verdict(exercise, State.NOT_ATTEMPTED, f"Write `{exercise.name}` in the cell above."), ""
    if callable(exercise.reference) and not callable(answer):
        message = f"`{exercise.name}` should be a function; it is {_describe(answer)}."
        return Verdict(exercise, State.NOT_YET, message), ""
    error, prints = run_guarded(exercise.verify, answer, seconds=seconds)
    note = (
        ""
        if prints.total == 0
        else f"It printed {prints.total:,} characters, beginning: {prints.kept[:200]!r}"
    )
    if error is None:
        return Verdict(
            exercise, State.PASSED, "Your version is what the rest of this notebook runs on."
        ), note
    return Verdict(exercise, State.NOT_YET, _sentence(error, answer, seconds)), note


def check(exercise_id: str, answer: object = None) -> object:
    """Check your answer to an exercise; get it back if it is right, the library's own if not.

    Args:
        exercise_id: lesson and number, "01.2".
        answer: what you wrote, usually a function.

    Returns:
        `answer` when it passes; otherwise the library's own, and the message says so.

    Raises:
        ExerciseNotPassed: in strict mode (COURSE_STRICT=1, or under nbgrader), if it does not pass.
    """
    try:
        exercise = find_exercise(exercise_id)
    except ValueError as error:
        if strict():
            raise
        show(Box("note", str(error)))
        return answer
    verdict, printed = assess(exercise, answer)
    passed = verdict.state is State.PASSED
    lent = (
        ""
        if passed
        else f'Until then the notebook goes on with the library\'s own. Stuck? hint("{exercise.id}")'
    )
    show(
        Box(verdict.state.value, f"exercise {exercise.id}, {exercise.title}", verdict.message, printed, lent)
    )
    if passed:
        return answer
    if strict():
        raise ExerciseNotPassed(f"exercise {exercise.id} ({verdict.state.value}): {verdict.message}")
    # Lent as a stand-in: if the cell above fails to run the next time, it is not taken for the learner's.
    return StandIn(exercise) if callable(exercise.reference) else exercise.reference


def hint(exercise_id: str, number: int | None = None) -> None:
    """Show the next hint of an exercise, or the one with this number (from 1)."""
    try:
        exercise = find_exercise(exercise_id)
    except ValueError as error:
        show(Box("note", str(error)))
        return
    total = len(exercise.hints)
    if number is None:
        number = min(_hints_given.get(exercise_id, 0) + 1, total)
    if not isinstance(number, int) or not 1 <= number <= total:
        show(Box("note", f"exercise {exercise_id} has hints 1 to {total}; you asked for {number!r}"))
        return
    _hints_given[exercise_id] = number
    more = "Call it again for the next one." if number < total else "That was the last one."
    show(Box("hint", f"{number} of {total} for exercise {exercise_id}", exercise.hints[number - 1], more))


def _sentence(error: BaseException, answer: object, seconds: float) -> str:
    if isinstance(error, NotYet):
        return str(error)
    if isinstance(error, OutOfTime):
        return f"It ran for more than {seconds:g} seconds and was stopped. Is there a loop that never ends?"
    return describe_exception(error, answer)


def _describe(answer: object) -> str:
    text = repr(answer)
    return f"{type(answer).__name__} {text if len(text) <= 60 else text[:57] + '…'}"


def _use_one_thread() -> None:
    # Small models run many times slower when torch's threads fight over a busy machine's cores.
    import torch

    torch.set_num_threads(1)
