"""What the grader leaves behind: marks.csv, totals.csv, and a page of feedback for each student."""

import csv
import re
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from course.grading.submissions import Submission


@dataclass(frozen=True)
class Mark:
    """One line of marks.csv: one exercise of one submission, or a submission that could not be graded."""

    submission: str
    lesson: str
    exercise: str
    title: str
    points: int
    maximum: int
    state: str
    message: str
    flags: str


@dataclass(frozen=True)
class Total:
    """One line of totals.csv: one submission."""

    submission: str
    lesson: str
    points: int
    maximum: int
    flags: str


COLUMNS = [field.name for field in fields(Mark)]


def total_of(marks: list[Mark]) -> Total:
    """The sum of one submission's marks (which are never empty)."""
    flagged = [mark.exercise or mark.submission for mark in marks if mark.flags]
    return Total(
        marks[0].submission, marks[0].lesson,
        sum(mark.points for mark in marks), sum(mark.maximum for mark in marks),
        f"needs a human look: {', '.join(flagged)}" if flagged else "",
    )  # fmt: skip


def is_ours(out: Path) -> bool:
    """Whether a folder holds an earlier run's marks."""
    try:
        with (out / "marks.csv").open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), []) == COLUMNS
    except (OSError, ValueError, csv.Error):
        return False


def write_report(out: Path, graded: list[tuple[Submission, list[Mark]]]) -> None:
    """Write both tables and the feedback, in place of an earlier run's."""
    feedback = out / "feedback"
    feedback.mkdir(parents=True, exist_ok=True)
    for old in feedback.glob("*.md"):
        old.unlink()
    _write_table(out / "marks.csv", COLUMNS, (mark for _, marks in graded for mark in marks))
    _write_table(
        out / "totals.csv", [field.name for field in fields(Total)], (total_of(marks) for _, marks in graded)
    )
    students: dict[str, list[list[Mark]]] = {}
    for submission, marks in graded:
        students.setdefault(submission.student, []).append(marks)
    taken: set[str] = set()
    for student, parts in students.items():
        text = "\n".join([f"# Feedback for {_plain(student)}", *(_section(marks) for marks in parts)])
        (feedback / f"{_file_name(student, taken)}.md").write_text(
            text + "\n", encoding="utf-8", errors="replace"
        )


def safe_cell(value: object) -> object:
    """A value that a spreadsheet shows as text and does not run as a formula."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _write_table(path: Path, columns: list[str], rows: Iterable[Mark | Total]) -> None:
    # A learner's text can hold half a character, which UTF-8 cannot; one question mark is no loss.
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([safe_cell(value) for value in asdict(row).values()] for row in rows)


def _section(marks: list[Mark]) -> str:
    total = total_of(marks)
    lines = [f"\n## {_plain(total.submission)}\n", f"Total: **{total.points} of {total.maximum}** points\n"]
    for mark in marks:
        if mark.exercise:
            lines.append(f"### Exercise {mark.exercise}, {_plain(mark.title)}: {mark.state}\n")
            lines.append(f"{mark.points} of {mark.maximum} points\n")
        lines.append(_quoted(mark.message))
        if mark.flags:
            lines.append(f"Marked for a human look:\n\n{_quoted(mark.flags)}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    # An indented block is shown as it stands, so nothing in a message can act as markup.
    lines = textwrap.wrap(" ".join(text.split()), 96) or [""]
    return "\n".join(f"    {line}" for line in lines) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"[^\w .,/@()-]", "_", text)


def _file_name(student: str, taken: set[str]) -> str:
    """A name that stays in the folder and differs from those taken, also where case does not count."""
    stem = re.sub(r"[^\w .@+-]", "_", student).strip(" .")[:80] or "student"
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.casefold())
    return name
