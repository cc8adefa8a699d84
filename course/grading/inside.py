"""The part of the grader that lives in the submission's kernel and was there before the learner's code."""

import builtins
import json
import sys
from collections.abc import Iterable

from course.exercises.checking import assess
from course.exercises.exercise import Exercise, StandIn, State, exercises_of
from course.exercises.guard import CappedText

MOST_MEMORY = 4 * 2**30
"""Bytes that a submission may allocate; beyond them Python raises MemoryError."""
MOST_OUTPUT = 5_000_000
"""Characters that a cell may print before it is stopped."""
LONGEST_TEXT = 1_500


class TooMuchOutput(BaseException):
    """A cell has printed more than its share. Not an `Exception`, so that few handlers swallow it."""


class Lid(CappedText):
    """What takes the place of the notebook's output: nobody reads it, so it is counted and dropped."""

    def __init__(self) -> None:
        super().__init__(limit=0)

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.total > MOST_OUTPUT:
            raise TooMuchOutput(f"It printed more than {MOST_OUTPUT // 1_000_000} MB and was stopped.")
        return written


class Judge:
    """Holds the lesson's checkers, the answers to lend, and the kernel's names.

    Guarantee: it works with its own copies of `course.exercises`, so a learner who changes those
    modules changes nothing here.
    Limits: it shares a process with the learner's code; see `course.grade`.
    """

    def __init__(self, lesson: str, names: dict[str, object], *, seconds: float) -> None:
        self._exercises, self._names, self._seconds = exercises_of(lesson), names, seconds
        # Looked up now: later these could have been replaced.
        self._assess, self._dumps = assess, json.dumps
        self._lid = sys.stdout = sys.stderr = Lid()

    def arm(self) -> None:
        """Put a stand-in under each exercise's name; its checkers would not know those of another copy."""
        for exercise in self._exercises.values():
            self._names[exercise.name] = StandIn(exercise)

    def lend(self, exercise_ids: Iterable[str]) -> None:
        """Put the library's own answer under the names of these exercises, before the next cell."""
        self._lid.total = 0
        for exercise_id in exercise_ids:
            exercise = self._exercises[exercise_id]
            self._names[exercise.name] = exercise.reference

    def judge(self, exercise_id: str, token: str) -> str:
        """Check what stands under an exercise's name; return the verdict as JSON.

        Args:
            exercise_id: "01.2".
            token: returned with the verdict; made after the learner's code was written.
        """
        self._lid.total = 0
        exercise = self._exercises[exercise_id]
        answer = self._names.get(exercise.name)
        verdict, printed = self._assess(exercise, answer, seconds=self._seconds)
        if verdict.state is not State.PASSED:
            self.lend([exercise_id])
        said = " ".join(part[:LONGEST_TEXT] for part in (verdict.message, printed) if part)
        return self._dumps(
            {
                "token": token,
                "state": verdict.state.value,
                "message": said,
                "borrowed": verdict.state is State.PASSED and _is_ours(answer, exercise),
            }
        )


def install(lesson: str, handle: str, names: dict[str, object], *, seconds: float) -> None:
    """Put a judge into this kernel, reachable under the name `handle` that only the grader knows."""
    _limit_memory()
    # Among the built-ins it survives a `%reset` of the notebook's own names.
    setattr(builtins, handle, Judge(lesson, names, seconds=seconds))
    # The judge keeps these copies; an import in the notebook from now on makes new ones.
    for name in [name for name in sys.modules if name.startswith(("course.exercises", "course.grading"))]:
        del sys.modules[name]
    for name in ("exercises", "grading"):
        vars(sys.modules["course"]).pop(name, None)


def _is_ours(answer: object, exercise: Exercise) -> bool:
    home = getattr(answer, "__module__", None)
    return answer is exercise.reference or (isinstance(home, str) and home.partition(".")[0] == "course")


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
