"""Right and wrong answers to the exercises of lesson 08."""

import math

import numpy as np
from mutants_08_pairs import (
    by_place,
    by_recursion,
    by_sorting,
    drawn,
    exclusive_or,
    forgets_seeds,
    in_place,
    masks_reused,
    minus_one,
    overwritten,
    pairwise,
)
from mutants_08_rules import ACCEPT_RULES, REJECT_RULES

from course.exercises.exercise import find_exercise
from course.exercises.lesson_08_masks import signed, stretch

REFERENCE = {number: find_exercise(number).reference for number in (f"08.{n}" for n in range(1, 8))}
PAIRWISE, LEFT_OVER, MASKED, _, _, UNMASK, BITS = REFERENCE.values()


# 08.2 -------------------------------------------------------------------------------------------


def survivor_by_survivor(dropped, seeds, survivors, length):
    """Another right way: what each survivor added on account of the dropped phone."""
    return sum((signed(i, dropped, seeds[i], length) for i in survivors), np.zeros(length, dtype=np.uint32))


def survivors_signs(dropped, seeds, survivors, length):
    mask = np.zeros(length, dtype=np.uint32)
    for i in survivors:
        mask = mask + stretch(seeds[i], length) if i < dropped else mask - stretch(seeds[i], length)
    return mask


def drops_seeds(dropped, seeds, survivors, length):
    result = LEFT_OVER(dropped, seeds, survivors, length)
    for i in [i for i in seeds if i not in survivors]:
        del seeds[i]
    return result


def plain_sum(sign):
    def left(dropped, seeds, survivors, length):
        mask = np.zeros(length, dtype=np.uint32)
        for i in survivors:
            mask = mask + stretch(seeds[i], length)
        return mask if sign == 1 else np.negative(mask)

    return left


# 08.3 -------------------------------------------------------------------------------------------


def masked(own=lambda seed, n: stretch(seed, n), pairs=lambda me, s, n: PAIRWISE(me, s, n)):
    """The right masked input with one part of its own."""
    return lambda vector, seed, me, seeds: (
        vector + own(seed, len(vector)) + pairs(me, seeds, len(vector))
    ).astype(np.uint32)


def into_the_vector(vector, own_seed, me, seeds):
    vector += stretch(own_seed, len(vector))
    vector += PAIRWISE(me, seeds, len(vector))
    return vector


def none_of(seed, n):
    return np.zeros(n, dtype=np.uint32)


# 08.6 -------------------------------------------------------------------------------------------


def wide(masked, own_seeds, dropped_seeds, length):
    """Another right way: everything in wide integers, reduced at the end."""
    total = sum((m.astype(np.int64) for m in masked.values()), np.zeros(length, dtype=np.int64))
    total = total - sum(stretch(seed, length).astype(np.int64) for seed in own_seeds.values())
    for gone, seeds in dropped_seeds.items():
        for i in masked:
            total = total - (1 if i < gone else -1) * stretch(seeds[i], length).astype(np.int64)
    return (total % 2**32).astype(np.uint32)


def unmasked(own=-1, left=-1, which=lambda d: d, alive=lambda masked, seeds: tuple(masked), end=None):
    """The right sum with one part of its own; `own` and `left` are the signs of what is taken off."""

    def unmask(masked, own_seeds, dropped_seeds, length):
        total = sum(masked.values()).astype(np.int64)
        for seed in own_seeds.values():
            total = total + own * stretch(seed, length).astype(np.int64)
        for gone, seeds in which(dropped_seeds).items():
            total = total + left * LEFT_OVER(gone, seeds, alive(masked, seeds), length).astype(np.int64)
        total = (total % 2**32).astype(np.uint32)
        return end(total, masked) if end else total

    return unmask


# 08.7 -------------------------------------------------------------------------------------------


def by_logarithm(largest, num_clients, modulus):
    """Another right way: how often the room can be halved."""
    return math.floor(math.log2((modulus // 2 - 1) / (num_clients * largest)))


def by_numpy(largest, num_clients, modulus):
    """Another right way, whose whole number is a float of numpy."""
    return np.floor(np.log2((modulus // 2 - 1) / (num_clients * largest)))


def bits(room, then=math.floor):
    return lambda x, n, m: then(math.log2(room(x, n, m)))


NOT_WRAPPING = {
    "64 bits": (lambda *a: PAIRWISE(*a).astype(np.uint64), "it does not wrap around"),
    "floats": (lambda *a: PAIRWISE(*a).astype(float), "floats round"),
}

ACCEPT = {
    "08.1": {
        "reference": PAIRWISE,
        "by sorting": by_sorting,
        "in place": in_place,
        "recursion": by_recursion,
    },
    "08.2": {
        "reference": LEFT_OVER,
        "survivor by survivor": survivor_by_survivor,
        "by signs": survivors_signs,
    },
    "08.3": {
        "reference": MASKED,
        "wide": masked(own=lambda seed, n: stretch(seed, n).astype(np.int64)),
        "one sum": lambda v, b, me, s: np.sum(
            (v, stretch(b, len(v)), PAIRWISE(me, s, len(v))), axis=0, dtype=np.uint32
        ),
    },
    "08.4": ACCEPT_RULES["08.4"],
    "08.5": ACCEPT_RULES["08.5"],
    "08.6": {"reference": UNMASK, "wide": wide, "towards all": unmasked(alive=lambda m, s: tuple(s))},
    "08.7": {"reference": BITS, "by logarithm": by_logarithm, "by numpy": by_numpy},
}

REJECT = {
    "08.1": {
        **NOT_WRAPPING,
        "all plus": (pairwise(sign=lambda me, o: 1), "Every mask is added, by both"),
        "all minus": (pairwise(sign=lambda me, o: -1), "Every mask is subtracted, by both"),
        "signs turned": (pairwise(sign=lambda me, o: -1 if o > me else 1), "the other way round"),
        "larger only": (pairwise(keep=lambda me, o: o > me), "shared with smaller ids are missing"),
        "smaller only": (pairwise(keep=lambda me, o: o < me), "shared with larger ids are missing"),
        "by place": (by_place, "goes by the place in the dictionary"),
        "exclusive or": (exclusive_or, "by exclusive or"),
        "overwritten": (overwritten, "Only one phone's mask is in the result"),
        "minus one": (minus_one, "Numpy refuses a number that is no uint32"),
        "masks reused": (
            masks_reused(lambda me, other, n: (min(me, other), max(me, other), n)),
            "the masks are the old ones",
        ),
        "fresh draws": (drawn, "Two calls with the same seeds"),
        "changes seeds": (forgets_seeds, "changes what it is given"),
        "a list": (lambda *a: PAIRWISE(*a).tolist(), "it returned a list"),
        "too long": (lambda me, s, n: PAIRWISE(me, s, n + 1), "the shape should be"),
        "one bit off": (lambda *a: PAIRWISE(*a) ^ np.uint32(1), "In test 1 the first entry should be"),
    },
    "08.2": {
        "own signs": (
            lambda d, s, a, n: PAIRWISE(d, {i: s[i] for i in a}, n), "the dropped phone itself would have",
        ),
        "all seeds": (lambda d, s, a, n: LEFT_OVER(d, s, tuple(s), n), "did not survive are in it: seeds"),
        "both": (lambda d, s, a, n: PAIRWISE(d, s, n), "Both at once"),
        "all plus": (plain_sum(1), "Every mask is added. A survivor"),
        "all minus": (plain_sum(-1), "Every mask is subtracted. A survivor"),
        "one survivor": (
            lambda d, s, a, n: LEFT_OVER(d, s, a[-1:], n), "Only one survivor's mask is in the result",
        ),
        "changes seeds": (drops_seeds, "changes what it is given"),
        "from the modulus": (
            lambda d, s, a, n: 2**32 - PAIRWISE(d, {i: s[i] for i in a}, n),
            "Numpy refuses a number that is no uint32",
        ),
        "64 bits": (lambda *a: LEFT_OVER(*a).astype(np.int64), "it does not wrap around"),
    },
    "08.3": {
        "no self mask": (masked(own=none_of), "The self mask is missing"),
        "no pairwise masks": (
            masked(pairs=lambda me, s, n: np.zeros(n, dtype=np.uint32)), "The pairwise masks are missing",
        ),
        "self mask minus": (masked(own=lambda s, n: np.negative(stretch(s, n))), "it too, so add it"),
        "pairwise minus": (
            masked(pairs=lambda me, s, n: np.negative(PAIRWISE(me, s, n))), "add what pairwise_masks gives",
        ),
        "masks alone": (lambda v, b, me, s: MASKED(v * np.uint32(0), b, me, s), "The input is missing"),
        "twice": (masked(own=lambda s, n: 2 * stretch(s, n)), "in it twice"),
        "one number": (masked(own=lambda s, n: stretch(s, 1)), "stretched to one number"),
        "no mask": (lambda v, b, me, s: v.copy(), "No mask at all"),
        "into the vector": (into_the_vector, "changes what it is given"),
        "floats": (lambda *a: MASKED(*a) / 1.0, "floats round"),
    },
    "08.4": REJECT_RULES["08.4"],
    "08.5": REJECT_RULES["08.5"],
    "08.6": {
        "no self masks": (unmasked(own=0), "The self masks are still on"),
        "no left-over": (unmasked(left=0), "is still in the sum: subtract left_over"),
        "nothing": (unmasked(own=0, left=0), "Nothing is taken off"),
        "left-over plus": (unmasked(left=1), "left over is added once more"),
        "self masks plus": (unmasked(own=1), "The self masks are added once more"),
        "one dropped": (unmasked(which=lambda d: dict(list(d.items())[:1])), "there may be more of them"),
        "the mean": (unmasked(end=lambda t, m: t // np.uint32(len(m))), "the sum is asked for"),
        "64 bits": (
            lambda m, b, d, n: np.sum(list(m.values()), axis=0) * 0 + UNMASK(m, b, d, n),
            "it does not wrap around",
        ),
    },
    "08.7": {
        "whole ring": (bits(lambda x, n, m: (m - 1) / (n * x)), "half of the ring is for negative"),
        "no clients": (bits(lambda x, n, m: (m // 2 - 1) / x), "num_clients is missing"),
        "no largest": (bits(lambda x, n, m: (m // 2 - 1) / n), "The largest number is missing"),
        "the border": (bits(lambda x, n, m: m // 2 / (n * x)), "the most negative number"),
        "before the point": (bits(lambda x, n, m: n * x, math.ceil), "*before* the point"),
        "a quarter": (bits(lambda x, n, m: (m // 4 - 1) / (n * x)), "Safe, but one bit more fits"),
        "steps": (lambda x, n, m: int((m // 2 - 1) / (n * x)), "how many steps fit into 1"),
        "not rounded": (lambda x, n, m: math.log2((m // 2 - 1) / (n * x)), "Bits are whole"),
        "always 16": (lambda x, n, m: 16, "and it overflows"),
    },
}  # fmt: skip
