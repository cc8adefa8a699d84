"""Checkers of lesson 13 on what a server holds: is a message masked, and can the seed of its mask be found?"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from course.attacks.weak_aggregation import fold_seed
from course.crypto.masks import MODULUS, expand
from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import ALARM
from course.exercises.probe import expect_number, given


def stretch(seed: bytes, length: int) -> np.ndarray:
    """The mask of a seed: `length` integers modulo 2^32."""
    return expand(seed, length, modulus=MODULUS)


# 13.1 ---------------------------------------------------------------------------------------------

HALF = 2**31
LENGTH, MASKED = 64, 1_500
SURE = 1e-9


def chance_if_masked(message: np.ndarray) -> float:
    """((2m + 1) / 2^32)^n, where m is the largest distance from 0, on the shorter way round."""
    return min(1.0, ((2 * int(distances(message).max()) + 1) / MODULUS) ** len(message))


def distances(message: np.ndarray) -> np.ndarray:
    """How far each residue is from 0, on the shorter way round."""
    entries = message.astype(np.int64)
    return np.minimum(entries, MODULUS - entries)


def verify_chance(chance: Callable) -> None:
    """Seldom small for masked messages, and next to 0 for each kind of open one."""
    rng = checking_rng("13 masked")
    masked = rng.integers(MODULUS, size=(MASKED, LENGTH), dtype=np.uint32)
    said = [_ask(chance, message, "a masked message") for message in masked]
    largest = distances(masked).max(axis=1) / HALF
    if np.allclose(said, 1 - largest**LENGTH, atol=1e-3):
        raise NotYet(
            "That is the chance of the opposite, that some entry is further from 0 than m: it is next to 1 for an open message."
        )
    for level in (0.3, 0.01):
        alarms = sum(value <= level for value in said)
        if stats.binom.sf(alarms - 1, MASKED, level) < ALARM:
            raise NotYet(_why_too_small(np.array(said), largest, alarms, level))
    for kind, message in _open_messages(rng).items():
        got = _ask(chance, message, kind)
        if got > SURE:
            raise NotYet(_why_too_large(got, message, kind))
    one = np.array([5], dtype=np.uint32)
    if _ask(chance, one, "one entry, 5") < 1e-12:
        raise NotYet(
            "A single entry of 5 is nothing impossible for a mask: 11 of the 2^32 residues are that near to 0. Take the "
            "length from the message."
        )


def _ask(chance: Callable, message: np.ndarray, kind: str) -> float:
    handed = message.copy()
    with given(kind):
        value = expect_number(chance(handed))
    if not np.array_equal(handed, message):
        raise NotYet("It changes the message that it is given. Work on a copy.")
    if not 0 <= value <= 1 + 1e-9:
        raise NotYet(
            f"For {kind} it says {value:.3g}, and a chance is from 0 to 1. (In 32 bits 2 · m wraps around: make it an "
            "int, or the array int64, first.)"
        )
    return value


def _open_messages(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Messages that nobody masked; in steps, modulo 2^32."""
    small = rng.integers(1, 3_000, LENGTH)
    noised = np.rint(rng.normal(scale=2.0**20, size=LENGTH)).astype(np.int64)
    return {
        "an update of entries from 1 to 3,000": small.astype(np.uint32),
        "an update with negative entries": (small * np.where(np.arange(LENGTH) % 2, 1, -1)).astype(np.uint32),
        "an update with noise of about a million steps": noised.astype(np.uint32),
    }


def _why_too_small(said: np.ndarray, largest: np.ndarray, alarms: int, level: float) -> str:
    if np.allclose(said, (largest / 2) ** LENGTH, rtol=1e-3, atol=0):
        return (
            "Entries lie on both sides of 0: 2m + 1 residues are no further from it than m, not m + 1. Your chance is too "
            "small by a factor of 2 for every entry."
        )
    return (
        f"Of {MASKED:,} masked messages {alarms} get a chance of at most {level:g}; about {level * MASKED:.0f} should. You would "
        "accuse a vendor who masks as promised. Is it the *largest* distance from 0 that you look at?"
    )


def _why_too_large(got: float, message: np.ndarray, kind: str) -> str:
    one_entry = (2 * int(distances(message).max()) + 1) / MODULUS
    if np.isclose(got, one_entry, rtol=0.05):
        return (
            f"You give the chance of one entry, {got:.2g}. All {len(message)} entries are that near to 0, and they are "
            "independent under a mask."
        )
    if "negative" in kind:
        return (
            f"{kind.capitalize()} gets the chance {got:.2g}, so it passes for masked. −3 is sent as 2^32 − 3: its distance "
            "from 0 is 3, on the shorter way round."
        )
    return f"{kind.capitalize()} gets the chance {got:.2g}; a mask would leave it so near to 0 less than once in 10^9."


# 13.2 ---------------------------------------------------------------------------------------------


def find_seed(message: np.ndarray, bits: int, false_alarm: float) -> int | None:
    """Try every seed with both signs, each at a false-alarm probability of its share."""
    share = false_alarm / (2 * 2**bits)
    for number in range(2**bits):
        mask = stretch(number.to_bytes(32, "little"), len(message))
        if min(chance_if_masked(message - mask), chance_if_masked(message + mask)) < share:
            return number
    return None


SEEDS = ((6, 37, -1), (6, 37, 1), (7, 90, 1), (4, 0, 1), (4, 15, -1), (5, 31, 1), (5, 0, -1))
"""Bits, the seed, and the sign of its mask: the first and the last seed too."""

WELL_MASKED, SHORT, BITS, RATE = 600, 6, 4, 0.4
"""At a rate as high as this, whoever forgets that there are two signs errs for over half of the messages."""


def verify_find_seed(find: Callable) -> None:
    """Every folded seed is found, with either sign; full masks are called folded no more often than stated."""
    rng = checking_rng("13 seeds")
    for bits, number, sign in SEEDS:
        got = _search(find, _folded_message(rng, number, sign), bits, 1e-6)
        if got is not None and got != number:
            raise NotYet(
                f"Of {2**bits} seeds the mask has number {number}, and you return {got}. A wrong mask leaves a message that "
                "still looks uniform."
            )
        if got is None:
            raise NotYet(_why_not_found(find, bits, number, sign))
    masked = rng.integers(MODULUS, size=SHORT, dtype=np.uint32)
    if _search(find, masked, BITS, 1e-12) is not None:
        raise NotYet(
            "Of a message with a full mask you name a seed too, even at false_alarm=1e-12. There is none: return None."
        )
    alarms = 0
    for _ in range(WELL_MASKED):
        masked = rng.integers(MODULUS, size=SHORT, dtype=np.uint32)
        alarms += _search(find, masked, BITS, RATE) is not None
    if stats.binom.sf(alarms - 1, WELL_MASKED, RATE) < ALARM:
        if alarms < 0.7 * WELL_MASKED:
            raise NotYet(
                f"{alarms} of {WELL_MASKED} well-masked messages are called folded, at false_alarm={RATE}. Every seed is tried with "
                "both signs: those are 2 · 2^bits looks, not 2^bits."
            )
        raise NotYet(
            f"{alarms} of {WELL_MASKED} well-masked messages are called folded, at false_alarm={RATE}. You look {2 * 2**BITS} "
            "times for each of them, so each look may have only its share of the alarms."
        )
    if _search(find, _just_unlikely(rng), 1, 0.3) is None:
        raise NotYet(
            "At false_alarm=0.3, and with two seeds to try, a message that is left with a chance of 1e-5 has been opened, and you "
            "return None. How sure you have to be is for false_alarm to say."
        )
    folded = fold_seed(rng.bytes(32), bits=8)
    update = rng.integers(-9, 9, 40).astype(np.uint32)
    if _search(find, update + stretch(folded, 40), 8, 1e-3) != int.from_bytes(folded, "little"):
        raise NotYet("A seed that was folded to 8 bits is not found. Are all 2^bits of them tried?")


def _folded_message(rng: np.random.Generator, number: int, sign: int, order: str = "little") -> np.ndarray:
    update, mask = rng.integers(-2_000, 2_000, 48).astype(np.uint32), stretch(number.to_bytes(32, order), 48)
    return update + mask if sign == 1 else update - mask


def _just_unlikely(rng: np.random.Generator) -> np.ndarray:
    """A message under seed 0 or 1 that, once it is opened, is left with a chance of 1e-5, and else is masked well."""
    while True:
        number = int(rng.integers(2))
        update = rng.integers(-(2**30) + 1, 2**30, 16).astype(np.uint32)
        message = update + stretch(number.to_bytes(32, "little"), 16)
        other = stretch((1 - number).to_bytes(32, "little"), 16)
        looks = (message, update + 2 * (message - update), message - other, message + other)
        if distances(update).max() > 0.95 * 2**30 and min(map(chance_if_masked, looks)) > 0.3:
            return message


def _search(find: Callable, message: np.ndarray, bits: int, false_alarm: float) -> int | None:
    handed = message.copy()
    with given(f"{len(message)} entries, bits={bits} and false_alarm={false_alarm:g}"):
        value = find(handed, bits, false_alarm)
    if not np.array_equal(handed, message):
        raise NotYet("It changes the message that it is given: `message -= mask` works in place.")
    if value is None:
        return None
    if isinstance(value, bytes):
        raise NotYet("It returned bytes; return the seed's number, from 0 to 2^bits − 1, or None.")
    if isinstance(value, np.ndarray):
        raise NotYet("It returned an array; return the seed's number, from 0 to 2^bits − 1, or None.")
    number = expect_number(value)
    if number != int(number) or not 0 <= number < 2**bits:
        raise NotYet(
            f"With bits={bits} seeds are whole numbers from 0 to {2**bits - 1}; it returned {number:g}."
        )
    return int(number)


def _why_not_found(find: Callable, bits: int, number: int, sign: int) -> str:
    if number in (0, 2**bits - 1):
        return f"The seed with number {number} is not found. With bits={bits} they go from 0 to {2**bits - 1}, both included."
    rng = checking_rng("13 why")
    other_sign, first, big = (
        _search(find, _folded_message(rng, *which), bits, 1e-6) is not None
        for which in ((number, -sign), (0, 1), (number, sign, "big"))
    )
    if other_sign:
        how = "added" if sign == 1 else "subtracted"
        return f"A seed is not found when its mask was {how}. Who adds and who subtracts depends on the two ids, so try both."
    if big:
        return 'You turn the bytes round: a folded seed is number.to_bytes(32, "little").'
    if first:
        return f"Only the seed with number 0 is found: of {2**bits} your loop tries one. Return None after the loop, not in it."
    return f"The seed with number {number} of {2**bits} is not found, with either sign, nor is number 0."
