"""Checker of exercise 12.3: which points of a sweep no other point beats."""

from collections.abc import Callable, Sequence

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import given

Row = tuple[float, float, float]


def undominated(rows: Sequence[Row]) -> list[int]:
    """The places of the rows (ε, megabytes, accuracy) that no other row beats."""
    return [
        place
        for place, mine in enumerate(rows)
        if not any(no_worse(other, mine) and tuple(other) != tuple(mine) for other in rows)
    ]


def no_worse(one: Row, other: Row) -> bool:
    """Whether `one` has at most the ε and the megabytes, and at least the accuracy."""
    return one[0] <= other[0] and one[1] <= other[1] and one[2] >= other[2]


def _better(one: Row, other: Row) -> bool:
    return no_worse(one, other) and tuple(one) != tuple(other)


def _rows_with_ties(seed: int, number: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [
        (float(e), float(m), float(a) / 10) for e, m, a in rng.integers((1, 1, 4), (5, 5, 9), (number, 3))
    ]


TABLES = (
    [(1.0, 2.0, 0.8), (2.0, 2.0, 0.7), (2.0, 1.0, 0.8), (0.5, 3.0, 0.6), (1.0, 3.0, 0.8)],
    [(1.0, 2.0, 0.8), (1.0, 2.0, 0.8), (3.0, 3.0, 0.9)],
    [(2.0, 5.0, 0.5)],
    [],
    *(_rows_with_ties(seed, number) for seed, number in ((0, 9), (1, 14), (2, 25), (3, 40))),
)
"""The first by hand; then equal rows, one row, none, and small grids in which ties abound."""


def verify_undominated(keep: Callable) -> None:
    """Places of the rows that no other row is at least as good as, and better in something."""
    answers = []
    for rows in TABLES:
        handed = list(rows)
        with given(f"rows={_shown(rows)}"):
            answers.append(_expect_places(keep(handed), rows))
        if handed != rows:
            raise NotYet("It changes the list of rows that it is given. Leave the list as it is.")
    right = [set(undominated(rows)) for rows in TABLES]
    if answers == right:
        return
    for sentence, rule in _WRONG_KEEPERS.items():
        if answers == [{i for i, row in enumerate(rows) if rule(i, row, rows)} for rows in TABLES]:
            raise NotYet(sentence)
    for rows, got, expected in zip(TABLES, answers, right, strict=True):
        if got - expected:
            place = min(got - expected)
            by = next(row for row in rows if _better(row, rows[place]))
            raise NotYet(
                f"You keep the row {rows[place]}, and {by} is at least as good in all three and better in one."
            )
        if expected - got:
            raise NotYet(f"You drop the row {rows[min(expected - got)]} of {_shown(rows)}; nothing beats it.")


def _shown(rows: Sequence[Row]) -> str:
    return str(list(rows[:6])) if len(rows) <= 6 else f"{len(rows)} rows, {list(rows[:3])} and so on"


def _expect_places(got: object, rows: Sequence[Row]) -> set[int]:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(got, set | frozenset):
        got = sorted(got, key=str)
    if not isinstance(got, list | tuple | np.ndarray) or (isinstance(got, np.ndarray) and got.ndim == 0):
        raise NotYet(f"It returned a {type(got).__name__}; it should be a list of places, such as [0, 3].")
    got = list(got)
    if any(isinstance(place, bool | np.bool_) for place in got):
        raise NotYet(
            "It returned True and False; the *places* of the rows to keep are asked, such as [0, 3]."
        )
    if any(isinstance(place, tuple | list | np.ndarray) for place in got):
        raise NotYet("It returned rows; their places in the list are asked, such as [0, 3].")
    if not all(isinstance(place, int | np.integer) and 0 <= place < len(rows) for place in got):
        raise NotYet(f"Places are whole numbers from 0 to {len(rows) - 1}; it returned {str(got)[:80]}.")
    if len(set(got)) < len(got):
        raise NotYet(f"A place is in your list twice: {str(got)[:80]}.")
    return {int(place) for place in got}


def _first_of_equals(i: int, row: Row, rows: Sequence[Row]) -> bool:
    return not any(_better(other, row) for other in rows) and rows.index(row) == i


_WRONG_KEEPERS = {
    "You drop a row only if another is better in *all three*. Equal in two and better in one beats it, too.":
        lambda i, row, rows: not any(o[0] < row[0] and o[1] < row[1] and o[2] > row[2] for o in rows),
    "You keep rows that are best in one thing. Most of the good bargains are best in none: a row stays unless *one* "
    "other row is at least as good in everything.": lambda i, row, rows: row[0] == min(o[0] for o in rows)
        or row[1] == min(o[1] for o in rows) or row[2] == max(o[2] for o in rows),
    "Of two equal rows you drop both; neither is better than the other, so both stay.":
        lambda i, row, rows: not any(no_worse(o, row) for j, o in enumerate(rows) if j != i),
    "Of two equal rows you keep the first only; neither is better, so both stay.": _first_of_equals,
    "Every row is as good as itself, so you drop them all. To beat a row, another must be *better* in something.":
        lambda i, row, rows: False,
    "Nothing is dropped.": lambda i, row, rows: True,
    "Accuracy is to be high, and you keep the low ones.": lambda i, row, rows: not any(
        o != row and o[0] <= row[0] and o[1] <= row[1] and o[2] <= row[2] for o in rows),
    "You do not look at the megabytes.": lambda i, row, rows: not any(
        (o[0] <= row[0] and o[2] >= row[2]) and (o[0], o[2]) != (row[0], row[2]) for o in rows),
    "You do not look at the accuracy.": lambda i, row, rows: not any(
        (o[0] <= row[0] and o[1] <= row[1]) and o[:2] != row[:2] for o in rows),
    "You do not look at ε.": lambda i, row, rows: not any(
        (o[1] <= row[1] and o[2] >= row[2]) and o[1:] != row[1:] for o in rows),
    "Those are the rows to drop: the ones that something beats.":
        lambda i, row, rows: any(_better(o, row) for o in rows),
    "You keep the rows that beat some other row. A bad row may beat a worse one: ask whether anything beats *it*.":
        lambda i, row, rows: any(_better(row, o) for o in rows),
}  # fmt: skip
