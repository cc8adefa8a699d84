"""What an exercise is: a name to write, a way to verify it, an answer to lend, and hints."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

LESSONS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14")
"""The lessons that have checkers, in the order of the course."""


class State(Enum):
    """The three things that a check can say."""

    PASSED = "passed"
    NOT_YET = "not yet"
    NOT_ATTEMPTED = "not attempted"


class NotYet(Exception):
    """Raised by a checker; its message says what is wrong, in the words of the misconception."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of one lesson.

    Attributes:
        id: lesson and number, "01.2".
        name: the name that the learner defines, "fedavg".
        title: what it is about, in a few words.
        reference: the library's own answer, lent when the learner's does not pass.
        verify: takes the learner's answer; returns None if it is right, raises `NotYet` if not.
        hints: at least two; the first is a question, the last almost the answer.
        points: what it is worth when graded.
    """

    id: str
    name: str
    title: str
    reference: object
    verify: Callable[[object], None]
    hints: tuple[str, ...]
    points: int = 1

    def __post_init__(self) -> None:
        if len(self.hints) < 2:
            raise ValueError(f"exercise {self.id} has {len(self.hints)} hints; it needs at least two")


@dataclass(frozen=True)
class Verdict:
    """What a check found: its state, and one or two sentences for the learner."""

    exercise: Exercise
    state: State
    message: str


class StandIn:
    """Holds an exercise's name until the learner has written it; calling it calls the library's own."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.exercise.reference(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<`{self.exercise.name}` is not written yet: exercise {self.exercise.id}>"


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """The exercises of one lesson ("01"), by id, in the order in which they are asked.

    Raises:
        ValueError: if there is no such lesson.
    """
    if lesson not in LESSONS:
        raise ValueError(f"there is no lesson {lesson!r}; the lessons are {', '.join(LESSONS)}")
    module = importlib.import_module(f"course.exercises.lesson_{lesson}")
    return {exercise.id: exercise for exercise in module.EXERCISES}


def find_exercise(exercise_id: str) -> Exercise:
    """The exercise with this id, "01.2".

    Raises:
        ValueError: if there is none; the message lists those of the lesson.
    """
    if not isinstance(exercise_id, str):
        raise ValueError(f"an exercise id is a string such as '01.2', not {exercise_id!r}")
    known = exercises_of(exercise_id.partition(".")[0])
    if exercise_id not in known:
        raise ValueError(f"there is no exercise {exercise_id!r}; this lesson has {', '.join(known)}")
    return known[exercise_id]
