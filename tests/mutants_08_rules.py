"""Right and wrong answers to the exercises of lesson 08 on rules: 08.4 and 08.5."""

import math

import numpy as np

from course.crypto import ProtocolViolation
from course.exercises.exercise import find_exercise

ANSWER, THRESHOLD = (find_exercise(number).reference for number in ("08.4", "08.5"))


def by_sets(held, survivors, wanted):
    """Another right way: first everything is compared, then everything is given."""
    due = {owner: ("key", "seed")[owner in survivors] for owner in held}
    if not set(wanted.items()) <= set(due.items()):
        raise ProtocolViolation("not due")
    return {owner: held[owner][due[owner]] for owner in wanted}


def one_by_one(held, survivors, wanted):
    given = {}
    for owner in wanted:
        if owner not in held:
            raise ProtocolViolation(f"no shares of {owner}")
        if wanted[owner] == "seed" and owner in survivors:
            given[owner] = held[owner]["seed"]
        elif wanted[owner] == "key" and owner not in survivors:
            given[owner] = held[owner]["key"]
        else:
            raise ProtocolViolation(f"{wanted[owner]} of {owner}")
    return given


def obliging(held, survivors, wanted):
    if not set(wanted) <= set(held) or not set(wanted.values()) <= {"key", "seed", "both"}:
        raise ProtocolViolation
    return {o: held[o] if kind == "both" else held[o][kind] for o, kind in wanted.items()}


def checks(refuses):
    """Refuses what `refuses` says of (owner, kind, survivors), and gives whatever else is asked."""

    def answer(held, survivors, wanted):
        for owner, kind in wanted.items():
            if owner not in held or kind not in ("key", "seed", "both") or refuses(owner, kind, survivors):
                raise ProtocolViolation(owner)
        return {owner: held[owner].get(kind, "both") for owner, kind in wanted.items()}

    return answer


def leaves_out(held, survivors, wanted):
    due = {owner: "seed" if owner in survivors else "key" for owner in held}
    return {owner: held[owner][kind] for owner, kind in wanted.items() if due.get(owner) == kind}


def returns_false(held, survivors, wanted):
    try:
        return ANSWER(held, survivors, wanted)
    except ProtocolViolation:
        return False


def unknown_kinds_pass(held, survivors, wanted):
    for owner, kind in wanted.items():
        if (kind == "key" and owner in survivors) or (kind == "seed" and owner not in survivors):
            raise ProtocolViolation
        if owner not in held or kind == "both":
            raise ProtocolViolation
    return {owner: held[owner].get(kind) for owner, kind in wanted.items()}


def strangers_pass(held, survivors, wanted):
    for owner, kind in wanted.items():
        if kind != ("seed" if owner in survivors else "key"):
            raise ProtocolViolation
    return {owner: held.get(owner, {}).get(kind) for owner, kind in wanted.items()}


def returns_the_exception(held, survivors, wanted):
    try:
        return ANSWER(held, survivors, wanted)
    except ProtocolViolation as error:
        return error


def refuses_what_it_knows(held, survivors, wanted):
    """Of a phone that dropped it refuses two kinds by name, and trusts that no third one comes."""
    for owner, kind in wanted.items():
        if owner not in held or (kind != "seed" if owner in survivors else kind in ("seed", "both")):
            raise ProtocolViolation
    return {owner: held[owner][kind] for owner, kind in wanted.items()}


def trusts_survivors(held, survivors, wanted):
    for owner, kind in wanted.items():
        if kind != "seed" if owner in survivors else (kind != "key" or owner not in held):
            raise ProtocolViolation
    return {owner: held[owner][kind] for owner, kind in wanted.items()}


def asserts(held, survivors, wanted):
    for owner, kind in wanted.items():
        assert owner in held and kind == ("seed" if owner in survivors else "key")
    return {owner: held[owner][kind] for owner, kind in wanted.items()}


def remembers(held, survivors, wanted, first=[]):  # noqa: B006 (it remembers, and that is the mistake)
    if not first:
        first.append({3, 20, 77})
    return ANSWER(held, first[0] if 8 not in survivors or wanted == {8: "key"} else survivors, wanted)


def pops(held, survivors, wanted):
    given = ANSWER(held, survivors, wanted)
    for owner in given:
        del held[owner]
    return given


ACCEPT_RULES = {
    "08.4": {"reference": ANSWER, "by sets": by_sets, "one by one": one_by_one},
    "08.5": {
        "reference": THRESHOLD,
        "by counting": lambda n, c: next(t for t in range(1, n + 1) if 2 * t - n > c),
        "by ceiling": lambda n, c: np.ceil((n + c + 1) / 2),
    },
}

REJECT_RULES = {
    "08.4": {
        "obliging": (obliging, "Phone 20 survived, and you give the share of its *key*"),
        "survivors only": (
            checks(lambda o, k, s: o in s and k != "seed"), "you give the share of its *seed* away",
        ),
        "both of a survivor": (
            checks(lambda o, k, s: k == ("key" if o in s else "seed")), 'Asked for "both" of one phone',
        ),
        "both of a dropped one": (
            checks(lambda o, k, s: k == ("key" if o in s else "seed") or (k == "both" and o in s)),
            'Asked for "both" of a phone that dropped',
        ),
        "refuses all": (checks(lambda o, k, s: True), "and the protocol allows it"),
        "leaves out": (leaves_out, "You leave out what is not allowed"),
        "returns False": (returns_false, "you return False"),
        "any kind": (unknown_kinds_pass, 'Asked for a "password"'),
        "strangers": (strangers_pass, "Asked for a share of phone 500"),
        "returns the exception": (returns_the_exception, "Write raise, not return"),
        "two kinds by name": (refuses_what_it_knows, "21: 'password', 77: 'seed'} it raises KeyError"),
        "trusts survivors": (trusts_survivors, "With survivors [3, 20, 77, 500]"),
        "asserts": (asserts, "raises AssertionError"),
        "the pair": (lambda h, s, w: {o: h[o] for o in ANSWER(h, s, w)}, "You return both shares of a phone"),
        "the kinds": (lambda h, s, w: dict(w) if ANSWER(h, s, w) else None, "You return the kinds"),
        "a list": (lambda h, s, w: list(ANSWER(h, s, w).values()), "it returned a list"),
        "all owners": (
            lambda h, s, w: ANSWER(h, s, w) and {o: h[o]["seed" if o in s else "key"] for o in h},
            "are wanted; you return",
        ),
        "changes held": (pops, "It changes what it is given"),
        "remembers": (remembers, "survivors of an earlier call"),
    },
    "08.5": {
        "no accomplices": (lambda n, c: n // 2 + 1, "which is right without accomplices"),
        "half": (lambda n, c: math.ceil((n + c) / 2), "exactly half of n + accomplices"),
        "half of all": (lambda n, c: n // 2, "half of all, rounded down"),
        "twice": (lambda n, c: n // 2 + 1 + c, "larger than need be"),
        "everyone": (lambda n, c: n, "All phones is safe"),
        "two thirds": (lambda n, c: 2 * n // 3 + 1, "Two thirds of all phones"),
        "one more": (lambda n, c: c + 1, "it is not enough: two groups"),
        "honest only": (lambda n, c: (n - c) // 2 + 1, "Only the honest phones are counted"),
        "a fraction": (lambda n, c: (n + c) / 2 + 0.25, "A threshold is a whole number"),
        "one too large": (lambda n, c: (n + c) // 2 + 2, "the smallest safe threshold is"),
    },
}  # fmt: skip
