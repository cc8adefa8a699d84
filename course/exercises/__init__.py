"""The exercise machine: what the cells of a lesson call.

`begin` starts a lesson, `check` says whether your answer is right (and lends one if it is not),
`hint` helps, `quiz` asks, and `claim` states a result that the notebook has just computed.
"""

from course.exercises.checking import ExerciseNotPassed, begin, check, hint
from course.exercises.claims import ClaimFailed, claim
from course.exercises.quizzes import quiz, right

__all__ = ["ClaimFailed", "ExerciseNotPassed", "begin", "check", "claim", "hint", "quiz", "right"]
