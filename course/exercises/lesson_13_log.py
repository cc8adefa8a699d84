"""Checker of lesson 13 on a server's log: in which lines does somebody's update stand?"""

import base64
from collections.abc import Callable

import numpy as np

from course.audit_lab.logs import payloads_of
from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.probe import given

# 13.3 ---------------------------------------------------------------------------------------------


def lines_that_leak(log: str, update: np.ndarray) -> list[str]:
    """The lines with a reading in which four numbers are entries of the update, to four digits."""
    leaks = []
    for line in log.splitlines():
        hits = [
            np.isclose(numbers[:, None], update, rtol=1e-4, atol=0.0).any(axis=1).sum()
            for numbers in payloads_of(line)
        ]
        if max(hits, default=0) >= 4:
            leaks.append(line)
    return leaks


FORMATS = ("decimal", "hex", "base64")


def verify_lines(find: Callable) -> None:
    """The lines with entries, in each notation and size; no line of masks, of others, or of byte counts."""
    rng = checking_rng("13 log")
    for scale in (1.0, 3e-10):
        update, other = (scale * rng.standard_normal(96) for _ in range(2))
        masks = rng.uniform(-3e4, 3e4, size=(3, 8))
        for notation in FORMATS:
            lines = _log_lines(update[:8], notation)
            decoys = [_log_lines(values, notation)[1] for values in (other[:8], *masks)]
            _expect_lines(find, [*lines, *decoys], update, {lines[1]}, notation, scale)
    counted = 512.0 * np.ones(96)
    counted[1:] = rng.standard_normal(95)
    quiet = _log_lines(None, "decimal")
    _expect_lines(find, quiet, counted, set(), "counts", 1.0)
    _expect_lines(find, [], counted, set(), "no line", 1.0)
    late = _log_lines(update[40:48], "decimal")
    _expect_lines(find, [*quiet, *late], update, {late[1]}, "later entries", 1.0)
    near_miss = _log_lines(1.003 * update[:8], "decimal")
    _expect_lines(find, near_miss, update, set(), "near misses", 1.0)
    for shared in (3, 4):
        mixed = np.concatenate([update[:shared], other[shared:8]])
        lines = _log_lines(mixed, "decimal")
        leaks = {lines[1]} if shared == 4 else set()
        _expect_lines(find, lines, update, leaks, f"{shared} of 8 numbers are entries", 1.0)


def _log_lines(values: np.ndarray | None, notation: str) -> list[str]:
    lines = ["round 4: client 101: 512 bytes", "round 4: closed"]
    if values is not None:
        head = values.astype("<f4")
        text = {
            "decimal": "[" + ", ".join(f"{value:.6g}" for value in head) + "]",
            "hex": head.tobytes().hex(),
            "base64": base64.b64encode(head.tobytes()).decode(),
        }[notation]
        lines.insert(1, f"round 4: client 101: payload of 32 bytes {text}")
    return lines


def _expect_lines(
    find: Callable, lines: list[str], update: np.ndarray, leaks: set[str], notation: str, scale: float
) -> None:
    handed = update.copy()
    with given(f"a log of {len(lines)} lines ({notation})"):
        got = find("\n".join(lines), handed)
    if not np.array_equal(handed, update):
        raise NotYet("It changes the update that it is given.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, list | tuple | set) or not all(isinstance(line, str) for line in got):
        kind = "numbers of lines" if isinstance(got, list | tuple) else f"a {type(got).__name__}"
        raise NotYet(f"It returned {kind}; return the list of lines themselves, as they stand in the log.")
    if set(got) - set(lines):
        raise NotYet("It returns lines that do not stand in the log. Return them whole and unchanged.")
    if len(got) != len(set(got)):
        raise NotYet(
            "It returns a line twice: one line may have several readings. Stop at the first that leaks."
        )
    if leaks - set(got):
        raise NotYet(_why_missed(notation, scale))
    if set(got) - leaks:
        raise NotYet(_why_accused(notation, scale))


def _why_missed(notation: str, scale: float) -> str:
    if notation == "later entries":
        return "Entries 40 to 47 stand in the log, and you miss them. Compare with all of the update, not with its head."
    if "of 8" in notation:
        return "Four numbers of a line are entries of the update, and you miss it. At least four are enough: four are."
    if notation == "decimal":
        return (
            "Entries of the update stand in the log as decimals with six digits, and you miss them. A number in a log is "
            "rounded: compare to a relative 1e-4."
        )
    return (
        f"Entries of the update stand in the log in {notation}, and you miss them. payloads_of(line) gives *several* "
        "readings of a line: look at each."
    )


def _why_accused(notation: str, scale: float) -> str:
    if notation == "counts":
        return (
            "You accuse a line that says 512 bytes, because 512 happens to be an entry. One number is chance: ask for "
            "four in one reading."
        )
    if notation == "near misses":
        return (
            "You accuse a line whose numbers are 0.3 % off. A log rounds to six digits, so compare to a relative 1e-4, "
            "not to more."
        )
    if "of 8" in notation:
        return (
            "You accuse a line with three entries of the update in it. Ask for at least four in one reading."
        )
    if scale < 1e-6:
        return (
            "The entries are as small as 1e-10, and then all lines look alike to you. np.isclose has an absolute tolerance "
            "of 1e-8 unless you say atol=0."
        )
    return "You accuse a line with another client's entries, or of masked ones. Four numbers of it must be in *this* update."
