"""Checkers of lesson 08 on masks: pairwise ones, what a dropped phone leaves over, a self mask, and unmasking."""

import copy
from collections.abc import Callable, Mapping

import numpy as np

from course.crypto.masks import MODULUS, expand
from course.exercises.exercise import NotYet
from course.exercises.probe import given

Seeds = Mapping[int, bytes]

IDS = (9, 2, 40, 17, 31)
LENGTHS = (5, 1, 12)


def stretch(seed: bytes, length: int) -> np.ndarray:
    """The lesson's mask of a seed: `length` integers modulo 2^32, by ChaCha20."""
    return expand(seed, length, modulus=MODULUS)


def seed_of(*numbers: int) -> bytes:
    """A seed for a pair (or for one client), the same in either order."""
    return bytes([*sorted(numbers), len(numbers)]).ljust(32, b"\x5a")


def vector_of(client: int, length: int) -> np.ndarray:
    """An input of one client; a few entries are close to the modulus, so that a sum wraps."""
    return (stretch(bytes([client]) * 32, length) // np.uint32(3)).astype(np.uint32)


def expect_ring(value: object, length: int, given_as: str) -> np.ndarray:
    """The answer as a vector of uint32, or a sentence that says what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(value, np.ndarray):
        raise NotYet(f"It should return a numpy array of uint32; it returned a {type(value).__name__}.")
    if value.dtype != np.uint32:
        if value.dtype.kind not in "iuO":
            raise NotYet(
                f"The array is of {value.dtype}; floats round. Masks and inputs are integers: uint32."
            )
        raise NotYet(
            f"The array is of {value.dtype}: it does not wrap around at 2^32, and an entry that is too large or "
            "negative says something. End with .astype(np.uint32), which reduces modulo 2^32. (`np.sum` widens to 64 "
            "bits by itself.)"
        )
    if value.shape != (length,):
        raise NotYet(f"With {given_as} the shape should be ({length},); it is {value.shape}.")
    return value


def complain(got: list[np.ndarray], right: list[np.ndarray], guesses: Mapping[str, list[np.ndarray]]) -> None:
    """Nothing if all answers are right; else the sentence of the first guess that explains all of them."""
    if all(np.array_equal(one, other) for one, other in zip(got, right, strict=True)):
        return
    for sentence, guess in guesses.items():
        if all(np.array_equal(one, other) for one, other in zip(got, guess, strict=True)):
            raise NotYet(sentence)
    wrong = next(i for i in range(len(got)) if not np.array_equal(got[i], right[i]))
    raise NotYet(
        f"In test {wrong + 1} the first entry should be {right[wrong][0]}; yours is {got[wrong][0]}. Does every term have "
        "its sign, and none come twice?"
    )


def total(terms: list[np.ndarray], length: int) -> np.ndarray:
    """The sum modulo 2^32; zeros if there is nothing to add."""
    result = np.zeros(length, dtype=np.uint32)
    for term in terms:
        result = result + term.astype(np.uint32)
    return result


def signed(me: int, other: int, seed: bytes, length: int) -> np.ndarray:
    """What `me` adds on account of `other`."""
    mask = stretch(seed, length)
    return mask if other > me else np.negative(mask)


def run_all(answer: Callable, cases: list[tuple], describe: Callable[[tuple], str], length_at: int) -> list:
    """The answer's vectors for all cases; complains if one is no vector or an input was changed."""
    got = []
    for case in cases:
        handed = copy.deepcopy(case)
        try:
            with given(describe(case)):
                value = answer(*handed)
        except OverflowError as error:
            raise NotYet(
                f"Numpy refuses a number that is no uint32, such as −1 or 2^32 ({error}). To turn the sign of a mask, "
                "subtract the mask, or take np.negative."
            ) from error
        length = case[length_at] if isinstance(case[length_at], int) else len(case[length_at])
        got.append(expect_ring(value, length, describe(case)))
        if not same(handed, case):
            raise NotYet("It changes what it is given. Others still need it: make a new array or dictionary.")
    return got


def same(one: object, other: object) -> bool:
    """Whether two nests of dictionaries, tuples and arrays are equal."""
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(map(same, one, other))
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else one == other


# 08.1 ---------------------------------------------------------------------------------------------

PAIRWISE = [
    (me, {other: seed_of(me, other) for other in others if other != me}, length)
    for me, others, length in [
        (17, IDS, 5), (2, IDS, 1), (40, IDS, 12), (9, (9, 31), 3), (31, (31, 9), 3), (3, (8, 200, 4), 4)
    ]
]  # fmt: skip
# The ids of the first case once more, with the seeds of another round.
PAIRWISE.append((17, {other: seed_of(17, other, 200) for other in PAIRWISE[0][1]}, 5))


def _all_plus(me: int, seeds: Seeds, length: int) -> np.ndarray:
    return total([stretch(seed, length) for seed in seeds.values()], length)


def _only(keep: Callable[[int, int], bool]) -> Callable[[int, Seeds, int], np.ndarray]:
    def masks(me: int, seeds: Seeds, length: int) -> np.ndarray:
        return total([signed(me, o, seed, length) for o, seed in seeds.items() if keep(o, me)], length)

    return masks


def _by_place(me: int, seeds: Seeds, length: int) -> np.ndarray:
    terms = [
        (-1) ** place * stretch(seed, length).astype(np.int64) for place, seed in enumerate(seeds.values())
    ]
    return total([term.astype(np.uint32) for term in terms], length)


def _xor(me: int, seeds: Seeds, length: int) -> np.ndarray:
    mask = np.zeros(length, dtype=np.uint32)
    for seed in seeds.values():
        mask ^= stretch(seed, length)
    return mask


_WRONG_PAIRWISE = {
    "Every mask is added, by both of its two owners: nothing cancels. One of the two must subtract it: you, if the other's "
    "id is smaller than yours.": _all_plus,
    "Your signs are the other way round. Such masks would cancel too, but both phones must follow one rule: add for a larger "
    "id, subtract for a smaller one.": lambda me, s, n: np.negative(pairwise_masks(me, s, n)),
    "The masks that are shared with smaller ids are missing: those are the ones to subtract.": _only(lambda o, me: o > me),
    "The masks that are shared with larger ids are missing: those are the ones to add.": _only(lambda o, me: o < me),
    "The sign goes by the place in the dictionary. The other phone has another dictionary: compare the two ids.": _by_place,
    "You combine the masks by exclusive or. The server will *add* inputs, so what cancels must cancel in a sum.": _xor,
    "Every mask is subtracted, by both of its two owners.": lambda me, s, n: np.negative(_all_plus(me, s, n)),
    "Only one phone's mask is in the result: add one for each entry of seeds.":
        lambda me, s, n: signed(me, list(s)[-1], s[list(s)[-1]], n),
}  # fmt: skip


def verify_pairwise(masks) -> None:
    """Added for a larger id, subtracted for a smaller one, from the seed alone, modulo 2^32."""

    def describe(case: tuple) -> str:
        return f"me = {case[0]}, seeds of the ids {list(case[1])} and length = {case[2]}"

    got = run_all(masks, PAIRWISE, describe, 2)
    again = run_all(masks, PAIRWISE, describe, 2)
    if not all(np.array_equal(one, other) for one, other in zip(got, again, strict=True)):
        raise NotYet(
            "Two calls with the same seeds give different masks, so the other phone cannot have yours. Take "
            "stretch(seed, length), and draw nothing."
        )
    if np.array_equal(got[-1], got[0]):
        raise NotYet(
            "With the same ids and length, but other seeds, the masks are the old ones. A mask is good for one round: two "
            "messages under one mask give away their difference. Take the seeds of each call."
        )
    guesses = {sentence: [wrong(*case) for case in PAIRWISE] for sentence, wrong in _WRONG_PAIRWISE.items()}
    complain(got, [pairwise_masks(*case) for case in PAIRWISE], guesses)


# 08.2 ---------------------------------------------------------------------------------------------

LEFT_OVER = [
    (gone, {i: seed_of(gone, i) for i in IDS if i != gone}, survivors, length)
    for gone, survivors, length in [
        (17, (2, 9, 31), 5), (2, (40, 9, 17, 31), 1), (40, (2, 9), 12), (9, (31, 17, 2), 3), (31, (40, 2), 2)
    ]
]  # fmt: skip

_WRONG_LEFT_OVER = {
    "These are the masks that the dropped phone itself would have added. In the sum are its partners' halves, which have "
    "the other sign.": lambda d, s, alive, n: pairwise_masks(d, {i: s[i] for i in alive}, n),
    "Masks of phones that did not survive are in it: seeds has more phones than survivors, and only the survivors' masks "
    "are in the sum.": lambda d, s, alive, n: np.negative(pairwise_masks(d, s, n)),
    "Every mask is added. A survivor with a smaller id than the dropped phone's added it, one with a larger id subtracted it.":
        lambda d, s, alive, n: total([stretch(s[i], n) for i in alive], n),
    "Both at once: the signs are the dropped phone's own, and masks of phones that did not survive are in it.":
        lambda d, s, alive, n: pairwise_masks(d, s, n),
    "Only one survivor's mask is in the result: each of them added one.":
        lambda d, s, alive, n: signed(alive[-1], d, s[alive[-1]], n),
    "Every mask is subtracted. A survivor with a smaller id than the dropped phone's added it.":
        lambda d, s, alive, n: np.negative(total([stretch(s[i], n) for i in alive], n)),
}  # fmt: skip


def verify_left_over(left) -> None:
    """The survivors' halves of the dropped phone's masks, with the survivors' signs."""

    def describe(case: tuple) -> str:
        return f"dropped = {case[0]}, seeds of the ids {list(case[1])}, survivors {case[2]} and length = {case[3]}"

    got = run_all(left, LEFT_OVER, describe, 3)
    guesses = {sentence: [wrong(*case) for case in LEFT_OVER] for sentence, wrong in _WRONG_LEFT_OVER.items()}
    complain(got, [left_over(*case) for case in LEFT_OVER], guesses)


# 08.3 ---------------------------------------------------------------------------------------------

MASKED = [
    (vector_of(me, length), seed_of(me), me, {i: seed_of(me, i) for i in IDS if i != me})
    for me, length in zip((17, 2, 40, 9), (5, 1, 12, 3), strict=True)
]

_WRONG_MASKED = {
    "The self mask is missing: a server that is told the pairwise seeds of a late phone reads its input. Add "
    "stretch(own_seed, …).": lambda v, b, me, s: v + pairwise_masks(me, s, len(v)),
    "The pairwise masks are missing: a server that takes your self mask off, as it may if you survive, reads your input.":
        lambda v, b, me, s: v + stretch(b, len(v)),
    "The self mask is subtracted; the server will subtract it too, so add it.":
        lambda v, b, me, s: v - stretch(b, len(v)) + pairwise_masks(me, s, len(v)),
    "The input is missing: masks alone are sent.":
        lambda v, b, me, s: stretch(b, len(v)) + pairwise_masks(me, s, len(v)),
    "The self mask is in it twice.": lambda v, b, me, s: v + 2 * stretch(b, len(v)) + pairwise_masks(me, s, len(v)),
    "The pairwise masks have the wrong sign: add what pairwise_masks gives.":
        lambda v, b, me, s: v + stretch(b, len(v)) - pairwise_masks(me, s, len(v)),
    "The own seed is stretched to one number that masks every entry alike. Then the differences of entries show: stretch it "
    "to the vector's length.": lambda v, b, me, s: v + stretch(b, 1) + pairwise_masks(me, s, len(v)),
    "No mask at all is in it.": lambda v, b, me, s: v,
}  # fmt: skip


def verify_masked(masked) -> None:
    """Vector + self mask + pairwise masks, modulo 2^32, the vector left as it was."""

    def describe(case: tuple) -> str:
        return f"a vector of {len(case[0])} entries, me = {case[2]} and seeds of the ids {list(case[3])}"

    got = run_all(masked, MASKED, describe, 0)
    guesses = {sentence: [wrong(*case) for case in MASKED] for sentence, wrong in _WRONG_MASKED.items()}
    complain(got, [masked_input(*case) for case in MASKED], guesses)


# What the exercises lend ---------------------------------------------------------------------------


def pairwise_masks(me: int, seeds: Seeds, length: int) -> np.ndarray:
    """Add the mask of each larger id, subtract that of each smaller one."""
    mask = np.zeros(length, dtype=np.uint32)
    for other, seed in seeds.items():
        mask = mask + stretch(seed, length) if other > me else mask - stretch(seed, length)
    return mask


def left_over(dropped: int, seeds: Seeds, survivors, length: int) -> np.ndarray:
    """The partners' halves: what the dropped phone would have added, negated."""
    return np.negative(pairwise_masks(dropped, {i: seeds[i] for i in survivors}, length))


def masked_input(vector: np.ndarray, own_seed: bytes, me: int, seeds: Seeds) -> np.ndarray:
    """The input, one mask of its own, one mask with each other."""
    return vector + stretch(own_seed, len(vector)) + pairwise_masks(me, seeds, len(vector))
