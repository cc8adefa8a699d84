"""What a walkthrough of an interview question is: the question, what earns points, and two answers to it."""

from dataclasses import dataclass

LEAST_RUBRIC, LEAST_FOLLOW_UPS, LEAST_STATEMENTS = 4, 2, 4


@dataclass(frozen=True)
class Link:
    """Where the course shows something.

    Attributes:
        lesson: its number, "03".
        anchor: what finds exactly one cell of the lesson's notebook: the number of an exercise ("03.5"), a
            heading with its marks ("## A server that cheats"), or a phrase that stands in one cell only,
            such as the sentence of a claim.
    """

    lesson: str
    anchor: str


@dataclass(frozen=True)
class Statement:
    """One sentence or two of the strong answer, and the cell that shows it.

    Attributes:
        sentence: as you would say it. Numbers that the course measured stand in digits, and a test finds
            each of them in the linked cell of the solved notebook.
        link: the cell.
        earns: the points of the rubric that this earns, counted from 1.
    """

    sentence: str
    link: Link
    earns: tuple[int, ...] = ()


@dataclass(frozen=True)
class FollowUp:
    """What the interviewer asks next, what a good reply contains, and perhaps where the course shows it."""

    question: str
    good_reply: str
    link: Link | None = None


@dataclass(frozen=True)
class Walkthrough:
    """One interview question, from the clock to the cells that prove the answer.

    Attributes:
        id: a short name to call it by, "launch".
        question: as the interviewer asks it.
        minutes: time for the first answer, without the follow-ups.
        rubric: what a listener can hear or not hear; one point each.
        weak, why_weak: an answer that sounds fine, and what it lacks.
        strong: the answer that earns every point, statement by statement.
        follow_ups: two or more.
        exhibit: code to look at, line by line; perhaps none.

    Raises:
        ValueError: if something is missing, or the strong answer does not earn exactly the rubric's points.
    """

    id: str
    question: str
    minutes: int
    rubric: tuple[str, ...]
    weak: str
    why_weak: str
    strong: tuple[Statement, ...]
    follow_ups: tuple[FollowUp, ...]
    exhibit: str = ""

    def __post_init__(self) -> None:
        for what, least in (
            ("rubric", LEAST_RUBRIC),
            ("follow_ups", LEAST_FOLLOW_UPS),
            ("strong", LEAST_STATEMENTS),
        ):
            if len(getattr(self, what)) < least:
                raise ValueError(
                    f"{self.id}: {what} has {len(getattr(self, what))} entries; at least {least}"
                )
        if self.minutes < 1:
            raise ValueError(f"{self.id}: {self.minutes} minutes; at least 1")
        earned = {point for statement in self.strong for point in statement.earns}
        points = set(range(1, len(self.rubric) + 1))
        if earned != points:
            raise ValueError(
                f"{self.id}: the strong answer earns points {sorted(earned)}, the rubric has {sorted(points)}"
            )

    @property
    def lessons(self) -> tuple[str, ...]:
        """The lessons that its strong answer links to, in order."""
        return tuple(sorted({statement.link.lesson for statement in self.strong}))

    def where_to_read(self, point: int) -> tuple[Link, ...]:
        """The cells behind one point of the rubric (counted from 1)."""
        return tuple(statement.link for statement in self.strong if point in statement.earns)


def says(sentence: str, lesson: str, anchor: str, *earns: int) -> Statement:
    """A statement, the cell that shows it (lesson and anchor), and the points of the rubric that it earns."""
    return Statement(sentence, Link(lesson, anchor), earns)


def then(question: str, good_reply: str, lesson: str = "", anchor: str = "") -> FollowUp:
    """A follow-up, what a good reply contains, and perhaps the cell that shows it (lesson and anchor)."""
    return FollowUp(question, good_reply, Link(lesson, anchor) if lesson else None)
