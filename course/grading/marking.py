"""Marking one submission: its exercise cells, in our order, after our setup, judged by our checkers."""

import ast
import json
import re
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from course.exercises.exercise import Exercise, State
from course.exercises.guard import SECONDS_A_CHECK
from course.grading.flags import suspicions
from course.grading.kernel import Kernel, KernelTrouble
from course.grading.pristine import Lesson
from course.grading.submissions import Answers

SECONDS_OF_SETUP = 120.0
SECONDS_OF_GRACE = 3.0
"""How much longer than its own limit a check may take before the kernel is interrupted from outside."""

_FILE_NAME = re.compile(r"\(\S+\.py, (?=line \d+\))")


@dataclass(frozen=True)
class Finding:
    """What became of one exercise: a state, a sentence, and what asks for a human look."""

    state: State
    message: str
    flags: tuple[str, ...] = ()


def mark(lesson: Lesson, answers: Answers, *, seconds: float) -> dict[str, Finding]:
    """Run a submission's exercise cells in a kernel of their own.

    Args:
        lesson: our copy of the lesson.
        answers: the learner's exercise cells.
        seconds: time limit for each cell.

    Returns:
        One finding for every exercise of the lesson, by id.

    Raises:
        KernelTrouble: if a kernel cannot be started or our own setup fails in it.
    """
    findings = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Kernel(Path(folder)) as kernel:
        session = _Session(kernel, lesson, seconds)
        session.open()
        for exercise in lesson.exercises:
            code = answers.code.get(exercise.id)
            finding = session.attempt(exercise, code)
            looks = suspicions(code or "", exercise, given=lesson.given[exercise.id])
            flags = (*answers.flags.get(exercise.id, ()), *looks, *finding.flags)
            findings[exercise.id] = replace(finding, flags=flags)
    return findings


class _Session:
    """A submission on its way through the exercises, which outlives its kernels."""

    def __init__(self, kernel: Kernel, lesson: Lesson, seconds: float) -> None:
        self.kernel, self.lesson, self.seconds = kernel, lesson, seconds
        self.check_seconds = min(SECONDS_A_CHECK, seconds)
        self.finished: list[str] = []  # Cells that came to their end, for another run in a new kernel.
        self.passed: set[str] = set()
        self.lent: set[str] = set()

    def open(self) -> None:
        """Start a kernel with the judge and our setup in it."""
        self.handle = f"_{secrets.token_hex(16)}"
        self.kernel.start()
        self._ours(
            "from course.grading.inside import install\n"
            f"install({self.lesson.number!r}, {self.handle!r}, globals(), seconds={self.check_seconds!r})\n"
            "del install"
        )
        for code in self.lesson.setup:
            self._ours(code)
        self._ours(f"{self.handle}.arm()")

    def attempt(self, exercise: Exercise, code: str | None) -> Finding:
        """Run the cell of one exercise and judge it; whatever happens, the next exercise can be attempted."""
        if code is None:
            finding = Finding(
                State.NOT_ATTEMPTED, "The notebook has no cell for this exercise. Was it deleted?"
            )
        else:
            finding = self._run_and_judge(exercise, code)
        (self.passed if finding.state is State.PASSED else self.lent).add(exercise.id)
        if not self.kernel.alive or not self._try_to_lend():
            self._revive()
        return finding

    def _run_and_judge(self, exercise: Exercise, code: str) -> Finding:
        ran = self.kernel.run(code, seconds=self.seconds)
        loud = ran.error.removeprefix("TooMuchOutput: ") if ran.error.startswith("TooMuchOutput: ") else ""
        if ran.fault or loud:
            return Finding(State.NOT_YET, ran.fault or loud)
        token = secrets.token_hex(16)
        asked = f"{self.handle}.judge({exercise.id!r}, {token!r})"
        judged = self.kernel.run("", seconds=self.check_seconds + SECONDS_OF_GRACE, expression=asked)
        if judged.fault:
            return Finding(State.NOT_YET, judged.fault)
        finding = _read_verdict(judged.value, token, ran.error)
        if finding is None:
            self.kernel.stop()
            return Finding(
                State.NOT_YET, "The check could not be run on this answer.", ("disturbed the check",)
            )
        self.finished.append(code)
        return finding

    def _revive(self) -> None:
        """Come back with a new kernel, as nearly as possible in the state before the fatal cell."""
        self.open()
        if all(not self.kernel.run(code, seconds=self.seconds).fault for code in self.finished):
            self._lend(self.lent)
            return
        # A cell that ended before does not end now; the library's own answers take the place of them all.
        self.finished = []
        self.open()
        self._lend(self.lent | self.passed)

    def _try_to_lend(self) -> bool:
        try:
            self._lend(self.lent)
        except KernelTrouble:
            # The cell has left the kernel in a state in which nothing else can be judged.
            return False
        return True

    def _lend(self, exercise_ids: Iterable[str]) -> None:
        self._ours(f"{self.handle}.lend({sorted(exercise_ids)!r})")

    def _ours(self, code: str) -> None:
        ran = self.kernel.run(code, seconds=SECONDS_OF_SETUP)
        if ran.fault or ran.error:
            raise KernelTrouble(f"our own code failed in the kernel: {ran.fault or ran.error}")


def _read_verdict(value: str | None, token: str, error: str) -> Finding | None:
    """Make a finding of the judge's reply; None if the reply is not the judge's."""
    try:
        verdict = json.loads(ast.literal_eval(value or ""))
        genuine = secrets.compare_digest(verdict["token"], token)
    except (SyntaxError, ValueError, TypeError, KeyError):
        return None
    if not genuine:
        return None
    state, message = State(verdict["state"]), verdict["message"]
    if state is State.PASSED:
        message = "Right."
    if error and state is State.NOT_ATTEMPTED:
        # A cell that stopped on its way to the definition was an attempt.
        state, message = State.NOT_YET, f"Your cell stopped with {_FILE_NAME.sub('(', error)}"
    if "NameError" in message:
        message += (
            " (Only the exercise cells are graded: imports and helpers of your own belong inside them.)"
        )
    return Finding(
        state, message, ("is the library's own, not the learner's",) if verdict["borrowed"] else ()
    )
