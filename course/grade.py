"""Grade a folder of submitted notebooks: `python -m course grade FOLDER`.

Only a submission's exercise cells are used. They run in our order, after our set-up cells, and our
checkers judge them; the maximum comes from the registry of exercises. An edited check cell, raised
points, pasted outputs or a `check` of the learner's own are worth nothing.

A cell that reaches for the grader or hands in the library's own answer is **flagged** ("needs a human
look") and its marks stand: what that is worth is the instructor's decision.

Limits: grading runs the learners' code with your rights, on your machine. A process of its own, a
time limit, a lid on prints and on memory (Linux) protect against accidents, not against malice: grade
people whom you do not trust inside a container without a network. The checkers share that process, so
somebody determined enough can forge a pass; the flags catch the simple ways only.
"""

import time
from collections.abc import Callable
from pathlib import Path

from course.exercises.exercise import Exercise, State, exercises_of
from course.grading.marking import Finding, mark
from course.grading.pristine import Lesson, default_root, load_lesson
from course.grading.report import Mark, Total, is_ours, total_of, write_report
from course.grading.submissions import (
    Submission,
    UnreadableSubmission,
    find_answers,
    find_submissions,
    read_cells,
    recognise,
)

NOT_GRADED = "not graded"


class GradingError(ValueError):
    """The folder cannot be graded at all, or the results have no place to go."""


def grade_folder(
    folder: Path, *, out: Path | None = None, seconds: float = 60, root: Path | None = None
) -> list[Total]:
    """Grade every submission in a folder; write the marks and the feedback.

    Args:
        folder: holds NAME.ipynb, or NAME/NN_topic.ipynb, or both.
        out: where marks.csv, totals.csv and feedback/ go; FOLDER/grades if not given. What an earlier
            run left there is replaced.
        seconds: time limit for each cell of a submission.
        root: the clone whose lessons count; if not given, the current folder or this package's own.

    Returns:
        One total for each file, in the order of their names.

    Raises:
        GradingError: if the folder does not exist or holds no notebook, if `out` holds something
            other than an earlier run's results, or if `seconds` is not positive.
    """
    folder = Path(folder)
    out = folder / "grades" if out is None else Path(out)
    submissions = _submissions(folder, out)
    _make_room(out)
    if not seconds > 0:
        raise GradingError(f"the time limit must be a positive number of seconds, not {seconds!r}")
    lessons = _lesson_loader(default_root() if root is None else Path(root))
    graded = []
    for submission in submissions:
        started = time.monotonic()
        marks = _grade(submission, lessons, seconds)
        graded.append((submission, marks))
        _print_progress(marks, len(graded), len(submissions), time.monotonic() - started)
    write_report(out, graded)
    totals = [total_of(marks) for _, marks in graded]
    _print_summary(totals, out)
    return totals


def _submissions(folder: Path, out: Path) -> list[Submission]:
    if not folder.is_dir():
        raise GradingError(f"there is no folder {folder}")
    earlier = [folder / "grades"] if is_ours(folder / "grades") else []
    found = find_submissions(folder, leave_out=(out, *earlier))
    if not any(submission.path.suffix == ".ipynb" for submission in found):
        raise GradingError(f"{folder} holds no notebook: expected NAME.ipynb or NAME/NN_topic.ipynb")
    return found


def _make_room(out: Path) -> None:
    if out.exists() and not (out.is_dir() and (is_ours(out) or not any(out.iterdir()))):
        raise GradingError(
            f"{out} exists and holds no marks.csv of an earlier run, so nothing is written there; "
            "name another folder with --out"
        )


def _lesson_loader(root: Path) -> Callable[[str], Lesson]:
    loaded: dict[str, Lesson] = {}

    def lesson(number: str) -> Lesson:
        if number not in loaded:
            loaded[number] = load_lesson(number, root)
        return loaded[number]

    return lesson


def _grade(submission: Submission, lessons: Callable[[str], Lesson], seconds: float) -> list[Mark]:
    """The marks of one submission; whatever is wrong with it, there are some, and nothing is raised."""
    number = ""
    try:
        try:
            cells = read_cells(submission.path)
        except UnreadableSubmission:
            # The name alone may tell which lesson's maximum was missed.
            number = _lesson_of_name(submission.path)
            raise
        number = recognise(cells, submission.path)
        lesson = lessons(number)
        findings = mark(lesson, find_answers(cells, lesson), seconds=seconds)
    except UnreadableSubmission as error:
        return _no_marks(submission, number, str(error))
    except Exception as error:  # One submission must not cost the others their marks, whatever this is.
        return _no_marks(submission, number, f"The grader failed here: {type(error).__name__}: {error}")
    return [_mark(submission, number, exercise, findings[exercise.id]) for exercise in lesson.exercises]


def _lesson_of_name(path: Path) -> str:
    try:
        return recognise([], path)
    except UnreadableSubmission:
        return ""


def _mark(submission: Submission, lesson: str, exercise: Exercise, finding: Finding) -> Mark:
    return Mark(
        submission.label, lesson, exercise.id, exercise.title,
        exercise.points if finding.state is State.PASSED else 0, exercise.points,
        finding.state.value, finding.message, _flag_text(finding.flags),
    )  # fmt: skip


def _no_marks(submission: Submission, lesson: str, sentence: str) -> list[Mark]:
    """A line for each exercise of the lesson, or one line if nobody knows which lesson it is."""
    flags = _flag_text(("was not graded",))
    try:
        exercises = list(exercises_of(lesson).values())
    except (ValueError, ImportError):
        exercises = []
    if not exercises:
        return [Mark(submission.label, lesson, "", "", 0, 0, NOT_GRADED, sentence, flags)]
    return [
        Mark(submission.label, lesson, e.id, e.title, 0, e.points, NOT_GRADED, sentence, flags)
        for e in exercises
    ]


def _flag_text(flags: tuple[str, ...]) -> str:
    return f"needs a human look: {'; '.join(flags)}" if flags else ""


def _print_progress(marks: list[Mark], number: int, count: int, seconds: float) -> None:
    total = total_of(marks)
    states = ", ".join(f"{mark.exercise or 'file'} {mark.state}" for mark in marks)
    progress = f"[{number}/{count}] {total.submission}: {total.points} of {total.maximum}"
    print(f"{progress} ({states}) {seconds:.1f} s", flush=True)


def _print_summary(totals: list[Total], out: Path) -> None:
    width = max(len("submission"), *(len(total.submission) for total in totals))
    print(f"\n{'submission':<{width}}  lesson  points  flags")
    for total in totals:
        points = f"{total.points}/{total.maximum}"
        print(f"{total.submission:<{width}}  {total.lesson or '?':<6}  {points:>6}  {total.flags}".rstrip())
    print(f"\nwritten: {out / 'marks.csv'}, {out / 'totals.csv'} and {out / 'feedback'}")
