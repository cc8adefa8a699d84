"""Checker of lesson 14 on hygiene: which processes has a run left behind?"""

import numbers
from collections.abc import Callable, Mapping, Sequence

from course.exercises.exercise import NotYet
from course.exercises.probe import given

Table = Mapping[int, tuple[int, int]]
"""Process number → (the number of its parent, the time at which it was started)."""


def still_running(snapshots: Sequence[Table], root: int) -> set[int]:
    """Collect the family as long as its links are there, then look who is left in the last table."""
    last = snapshots[-1]
    return {n for n, born in _family(snapshots, root) if n in last and last[n][1] == born}


def _family(snapshots: Sequence[Table], root: int) -> set[tuple[int, int]]:
    """(Number, start) of all that were seen to descend from the root, and of the root itself."""
    family = {(root, snapshots[0][root][1])}
    for table in snapshots:
        numbers = {number for number, born in family if table.get(number, (0, None))[1] == born}
        family |= {(number, table[number][1]) for number in _descendants(table, numbers)}
    return family


def _descendants(table: Table, numbers: set[int]) -> set[int]:
    """Those of these processes that are in the table, their children, and so on."""
    found = set(numbers) & set(table)
    while children := {n for n, (parent, _) in table.items() if parent in found} - found:
        found |= children
    return found


OTHERS = {1: (0, 0), 50: (1, 3), 51: (50, 4)}
"""What runs on the machine anyway."""

CASES = {
    "a run that ends with all of its children":
        ([OTHERS | {70: (50, 10), 71: (70, 11)}, OTHERS], 70),
    "a worker that outlives the run":
        ([OTHERS | {70: (50, 10), 71: (70, 11)}, OTHERS | {71: (1, 11)}], 70),
    "a worker's worker that outlives both":
        (
            [OTHERS | {70: (50, 10)}, OTHERS | {70: (50, 10), 80: (70, 12), 75: (80, 13)}, OTHERS | {75: (1, 13)}],
            70,
        ),
    "a number that was given to another program":
        ([OTHERS | {70: (50, 10), 71: (70, 11)}, OTHERS | {71: (50, 44)}], 70),
    "a program of somebody else that was started meanwhile":
        ([OTHERS | {70: (50, 10)}, OTHERS | {70: (50, 10), 90: (51, 12)}, OTHERS | {90: (51, 12)}], 70),
    "an adopted worker that starts another one":
        (
            [
                OTHERS | {70: (50, 10), 71: (70, 11)}, OTHERS | {71: (1, 11)},
                OTHERS | {71: (1, 11), 60: (71, 20)},
            ],
            70,
        ),
    "a run that has not ended": ([OTHERS | {70: (50, 10)}, OTHERS | {70: (50, 10), 71: (70, 11)}], 70),
    "the run's own number given to another program, which has a child":
        ([OTHERS | {70: (50, 10)}, OTHERS, OTHERS | {70: (51, 30), 77: (70, 31)}], 70),
    "an old program whose number is above a worker's":
        ([OTHERS | {70: (50, 10), 30: (70, 11), 29: (30, 12)}, OTHERS | {29: (1, 12), 30: (1, 11)}], 70),
    "a chain of five, started between two snapshots":
        (
            [
                OTHERS | {70: (50, 10)},
                OTHERS | {70: (50, 10), 75: (70, 11), 74: (75, 12), 73: (74, 13), 72: (73, 14), 71: (72, 15)},
                OTHERS | {71: (1, 15)},
            ],
            70,
        ),
    "a single snapshot":
        ([OTHERS | {70: (50, 10), 71: (70, 11), 72: (71, 12)}], 70),
}  # fmt: skip


def verify_still_running(answer: Callable) -> None:
    """All cases; a mistake is named only when it explains each of them."""
    got = {}
    for name, (snapshots, root) in CASES.items():
        handed = [dict(table) for table in snapshots]
        with given(f"snapshots of {name}"):
            got[name] = _expect_numbers(answer(handed, root))
        if handed != snapshots:
            raise NotYet("It changes the snapshots that it is given; whoever took them reads them again.")
    right = {name: still_running(*case) for name, case in CASES.items()}
    if got == right:
        return
    for sentence, wrong in _WRONG_FAMILIES.items():
        if got == {name: wrong(*case) for name, case in CASES.items()}:
            raise NotYet(sentence)
    name = next(name for name in CASES if got[name] != right[name])
    raise NotYet(f"With {name} you say {_listed(got[name])}; it should be {_listed(right[name])}.")


def _expect_numbers(value: object) -> set[int]:
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(value, set | frozenset | list | tuple):
        raise NotYet(f"It returned a {type(value).__name__}; it should be a set of process numbers.")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, numbers.Integral):
            raise NotYet(f"It should be a set of process numbers; {number!r:.60} is none.")
    return set(map(int, value))


def _listed(found: set[int]) -> str:
    return "nobody" if not found else f"{{{', '.join(map(str, sorted(found)))}}}"


def _by_number(snapshots: Sequence[Table], root: int) -> set[int]:
    """Ignores when a process was started."""
    family = {root}
    for table in snapshots:
        family |= _descendants(table, family)
    return family & set(snapshots[-1])


def _first_tree_only(snapshots: Sequence[Table], root: int) -> set[int]:
    """Looks for the family in the first snapshot only."""
    first, last = snapshots[0], snapshots[-1]
    return {n for n in _descendants(first, {root}) if n in last and last[n][1] == first[n][1]}


def _children_only(snapshots: Sequence[Table], root: int) -> set[int]:
    """Children of the root, and not theirs."""
    born = snapshots[0][root][1]
    family = {(root, born)}
    for table in snapshots:
        if table.get(root, (0, None))[1] == born:
            family |= {(n, start) for n, (parent, start) in table.items() if parent == root}
    return {n for n, start in family if snapshots[-1].get(n, (0, None))[1] == start}


def _last_tree_only(snapshots: Sequence[Table], root: int) -> set[int]:
    return _descendants(snapshots[-1], {root})


def _all_that_are_new(snapshots: Sequence[Table], root: int) -> set[int]:
    return set(snapshots[-1]) - set(OTHERS)


_WRONG_FAMILIES = {
    "You look for the family in the last snapshot only: when a parent ends, its children are adopted by process 1 and the "
    "link is gone. Follow it in every snapshot.":
        _last_tree_only,
    "You look for the family in the first snapshot only; a worker may be started later.": _first_tree_only,
    "You look at the run's own children only; a worker may have workers.": _children_only,
    "A number alone is no process: it is given to another program after its owner has ended. Compare the time of its "
    "start too.":
        _by_number,
    "You accuse everything that is new on the machine; other people start programs too.": _all_that_are_new,
    "You leave the run itself out: if it has not ended, it is still running.":
        lambda snapshots, root: still_running(snapshots, root) - {root},
    "You list all that ever belonged to the run; asked are those in the last snapshot.":
        lambda snapshots, root: {number for number, _ in _family(snapshots, root)},
}  # fmt: skip
