"""Right and wrong answers to the exercises of lesson 13."""

import math
from fractions import Fraction

import numpy as np
from mutants_13_releases import ACCEPT_RELEASES, REJECT_RELEASES
from scipy import stats

from course.audit_lab.logs import payloads_of
from course.exercises.exercise import find_exercise
from course.exercises.lesson_13_messages import distances, stretch

REFERENCE = {number: find_exercise(number).reference for number in (f"13.{n}" for n in range(1, 4))}
CHANCE, FIND, LINES = REFERENCE.values()


# 13.1 -------------------------------------------------------------------------------------------


def from_signed(message):
    """Another right way: residues read as signed numbers."""
    signed = message.view(np.int32).astype(float)
    return min(1.0, float(((2 * np.abs(signed).max() + 1) / 2**32) ** len(signed)))


def by_kolmogorov(message):
    """Another right way: is the distance from 0 uniform?"""
    return stats.kstest(distances(message) / 2**31, "uniform").pvalue


def by_top_bits(message):
    """Another right way: how many entries are in the half next to 0; each is with a chance of a half."""
    near = int((distances(message) < 2**30).sum())
    return stats.binom.sf(near - 1, len(message), 0.5)


def exact(message):
    """Another right way: without rounding."""
    return min(Fraction(1), Fraction(2 * int(distances(message).max()) + 1, 2**32) ** len(message))


def in_32_bits(message):
    with np.errstate(all="ignore"):
        largest = np.abs(message.astype(np.int32)).max()
        return float((np.int32(2) * largest + np.int32(1)) / 2**32)


def chance(rule):
    return lambda message: rule(distances(message), len(message))


def reads_in_place(message):
    message[message > 2**31] = 0
    return CHANCE(message)


# 13.2 -------------------------------------------------------------------------------------------


def opened_by(number, message):
    mask = stretch(number.to_bytes(32, "little"), len(message))
    return message - mask, message + mask


def search(
    numbers=range, signs=(0, 1), share=lambda bits, f: f / 2 ** (bits + 1), answer=lambda n: n, order="little"
):
    """The right search with one part of its own."""

    def find(message, bits, false_alarm):
        for number in numbers(2**bits):
            mask = stretch(number.to_bytes(32, order), len(message))
            both = message - mask, message + mask
            if min(CHANCE(both[sign]) for sign in signs) < share(bits, false_alarm):
                return answer(number)
        return None

    return find


def smallest_of_all(message, bits, false_alarm):
    """Another right way: look at all, and take the least likely."""
    chances = [min(CHANCE(left) for left in opened_by(number, message)) for number in range(2**bits)]
    best = int(np.argmin(chances))
    return np.int64(best) if chances[best] < 1 - (1 - false_alarm) ** (1 / 2 ** (bits + 1)) else None


def gives_up_at_once(message, bits, false_alarm):
    for number in range(2**bits):
        if min(CHANCE(left) for left in opened_by(number, message)) < false_alarm / 2 ** (bits + 1):
            return number
        return None


def never(message, bits, false_alarm):
    for number in range(2**bits):
        opened_by(number, message)
    return None


def best_of_all(message, bits, false_alarm):
    chances = [min(CHANCE(left) for left in opened_by(number, message)) for number in range(2**bits)]
    return int(np.argmin(chances))


def takes_it_off(message, bits, false_alarm):
    number = FIND(message, bits, false_alarm)
    if number is not None:
        message -= stretch(number.to_bytes(32, "little"), len(message))
    return number


# 13.3 -------------------------------------------------------------------------------------------


def lines(
    read=payloads_of,
    near=lambda a, b: np.isclose(a, b, rtol=1e-4, atol=0.0),
    needed=4,
    head=None,
    keep=lambda line: line,
):
    """The right search with one part of its own."""

    def find(log, update):
        return [
            keep(line)
            for line in log.splitlines()
            if max((near(numbers[:, None], update[:head]).any(1).sum() for numbers in read(line)), default=0)
            >= needed
        ]

    return find


def by_rounding(log, update):
    """Another right way: numbers as text with five digits."""
    known = {f"{value:.4e}" for value in update} | {f"{np.float32(f'{value:.6g}'):.4e}" for value in update}
    leaks = []
    for line in log.splitlines():
        readings = [{f"{value:.4e}" for value in numbers} & known for numbers in payloads_of(line)]
        if any(len(found) > 3 for found in readings):
            leaks.append(line)
    return tuple(leaks)


def number_by_number(log, update):
    """Another right way, in loops."""
    leaks = []
    for line in log.split("\n"):
        for numbers in payloads_of(line):
            hits = [any(math.isclose(n, entry, rel_tol=1e-4) for entry in update) for n in numbers]
            if sum(hits) >= 4:
                leaks.append(line)
                break
    return leaks


def every_reading(log, update):
    found = []
    for line in log.splitlines():
        for numbers in [*payloads_of(line), *payloads_of(line)]:
            if np.isclose(numbers[:, None], update, rtol=1e-4, atol=0.0).any(1).sum() >= 4:
                found.append(line)
    return found


def sorts_the_update(log, update):
    update.sort()
    return LINES(log, update)


ACCEPT = {
    "13.1": {
        "reference": CHANCE,
        "signed": from_signed,
        "Kolmogorov and Smirnov": by_kolmogorov,
        "top bits": by_top_bits,
        "fraction": exact,
    },
    "13.2": {
        "reference": FIND,
        "the smallest of all": smallest_of_all,
        "from the last": search(numbers=lambda n: range(n - 1, -1, -1)),
    },
    "13.3": {
        "reference": LINES,
        "by rounding": by_rounding,
        "number by number": number_by_number,
    },
} | ACCEPT_RELEASES

REJECT = {
    "13.1": {
        "unsigned": (
            lambda m: min(1.0, ((2 * int(m.max()) + 1) / 2**32) ** len(m)),
            "on the shorter way round",
        ),
        "one entry": (
            chance(lambda d, n: (2 * int(d.max()) + 1) / 2**32),
            "You give the chance of one entry",
        ),
        "one side": (chance(lambda d, n: ((int(d.max()) + 1) / 2**32) ** n), "both sides of 0"),
        "the opposite": (
            chance(lambda d, n: 1 - ((2 * int(d.max()) + 1) / 2**32) ** n),
            "That is the chance of the opposite",
        ),
        "the smallest": (
            chance(lambda d, n: ((2 * int(d.min()) + 1) / 2**32) ** n),
            "Of 1,500 masked messages",
        ),
        "32 bits": (in_32_bits, "wraps around"),
        "always a half": (lambda m: 0.5, "An update of entries from 1 to 3,000 gets the chance 0.5"),
        "of 64 entries": (
            chance(lambda d, n: min(1.0, ((2 * int(d.max()) + 1) / 2**32) ** 64)),
            "A single entry of 5",
        ),
        "up to a limit": (
            lambda m: 0.0 if (distances(m) < 10_000).all() else 1.0,
            "about a million steps gets the chance 1",
        ),
        "in place": (reads_in_place, "changes the message"),
        "true or false": (lambda m: bool(CHANCE(m) < 0.01), "returned a bool"),
    },
    "13.2": {
        "one sign": (search(signs=(0,)), "its mask was subtracted"),
        "the other sign": (search(signs=(1,)), "its mask was added"),
        "from 1": (search(numbers=lambda n: range(1, n)), "The seed with number 0 is not found"),
        "without the last": (search(numbers=lambda n: range(n - 1)), "The seed with number 15 is not found"),
        "no thought of the signs": (search(share=lambda bits, f: f / 2**bits), "looks, not 2^bits"),
        "one in a million": (search(share=lambda bits, f: 1e-6), "for false_alarm to say"),
        "uncorrected": (search(share=lambda bits, f: f), "each look may have only its share"),
        "never": (never, "nor is number 0"),
        "gives up": (gives_up_at_once, "your loop tries one"),
        "the best": (best_of_all, "Of a message with a full mask"),
        "bytes": (search(answer=lambda n: n.to_bytes(32, "little")), "It returned bytes"),
        "the mask": (search(answer=lambda n: stretch(bytes(32), 4)), "It returned an array"),
        "plus one": (search(answer=lambda n: n + 1), "and you return 38"),
        "big end": (search(order="big"), "You turn the bytes round"),
        "takes it off": (takes_it_off, "works in place"),
    },
    "13.3": {
        "exactly": (lines(near=lambda a, b: a == b), "as decimals with six digits"),
        "the first reading": (lines(read=lambda line: payloads_of(line)[:1]), "look at each"),
        "one is enough": (lines(needed=1), "happens to be an entry"),
        "three are enough": (lines(needed=3), "three entries of the update"),
        "more than four": (lines(needed=5), "At least four are enough"),
        "a percent": (lines(near=lambda a, b: np.isclose(a, b, rtol=0.01, atol=0)), "are 0.3 % off"),
        "an absolute tolerance": (lines(near=np.isclose), "unless you say atol=0"),
        "the head": (lines(head=8), "Entries 40 to 47"),
        "all payloads": (
            lambda log, u: [line for line in log.splitlines() if "payload" in line],
            "another client's entries",
        ),
        "twice": (every_reading, "a line twice"),
        "numbers of lines": (
            lambda log, u: [log.splitlines().index(line) for line in LINES(log, u)],
            "numbers of lines",
        ),
        "cut": (lines(keep=lambda line: line[:20]), "do not stand in the log"),
        "sorts": (sorts_the_update, "changes the update"),
    },
} | REJECT_RELEASES
