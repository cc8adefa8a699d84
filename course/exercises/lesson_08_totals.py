"""Checkers of lesson 08 on totals: taking all masks off, and how fine a step fits into the ring."""

from collections.abc import Mapping

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.lesson_08_masks import (
    IDS,
    Seeds,
    complain,
    left_over,
    masked_input,
    run_all,
    seed_of,
    stretch,
    total,
    vector_of,
)
from course.exercises.probe import expect_number, given

# 08.6 ---------------------------------------------------------------------------------------------


def _case(dropped: tuple[int, ...], length: int) -> tuple[dict, dict, dict, int]:
    survivors = [i for i in IDS if i not in dropped]
    masked = {
        i: masked_input(vector_of(i, length), seed_of(i), i, {j: seed_of(i, j) for j in IDS if j != i})
        for i in survivors
    }
    of_dropped = {gone: {i: seed_of(gone, i) for i in IDS if i != gone} for gone in dropped}
    return masked, {i: seed_of(i) for i in survivors}, of_dropped, length


CASES = [_case(dropped, length) for dropped, length in (((), 5), ((17,), 1), ((2, 40), 12), ((31, 9), 3))]

_WRONG_TOTALS = {
    "The self masks are still on: subtract stretch(own_seeds[i], …) for each survivor.":
        lambda m, b, d, n: total([*m.values(), *(np.negative(left_over(g, s, list(m), n)) for g, s in d.items())], n),
    "What the dropped phones left over is still in the sum: subtract left_over for each of them.":
        lambda m, b, d, n: total([*m.values(), *(np.negative(stretch(s, n)) for s in b.values())], n),
    "Nothing is taken off: the plain sum of masked inputs.": lambda m, b, d, n: total(list(m.values()), n),
    "What the dropped phones left over is added once more; subtract it.":
        lambda m, b, d, n: unmask(m, b, {}, n) + total([left_over(g, s, list(m), n) for g, s in d.items()], n),
    "The self masks are added once more; subtract them.":
        lambda m, b, d, n: unmask(m, b, d, n) + 2 * total([stretch(s, n) for s in b.values()], n),
    "Only one dropped phone's left-over is taken off; there may be more of them.":
        lambda m, b, d, n: unmask(m, b, dict(list(d.items())[:1]), n),
    "You divide by the number of phones: the sum is asked for.": lambda m, b, d, n: unmask(m, b, d, n) // np.uint32(len(m)),
}  # fmt: skip


def verify_unmask(answer) -> None:
    """The sum of the survivors' vectors, modulo 2^32."""

    def describe(case: tuple) -> str:
        return f"survivors {list(case[0])}, dropped {list(case[2])} and length {case[3]}"

    got = run_all(answer, CASES, describe, 3)
    right = [total([vector_of(i, length) for i in masked], length) for masked, _, _, length in CASES]
    guesses = {sentence: [wrong(*case) for case in CASES] for sentence, wrong in _WRONG_TOTALS.items()}
    complain(got, right, guesses)


# 08.7 ---------------------------------------------------------------------------------------------

ROOMS = (
    (1.0, 1, 2**16), (1.0, 2, 2**16), (100.0, 5, 2**16), (0.3, 10, 2**16), (6_000.0, 10, 2**32), (9_000.0, 100, 2**32),
    (1.0, 1, 2**32), (12_345.0, 1, 2**32), (3.0, 7, 2**32), (1.0, 10, 2**64), (7e6, 1_000, 2**64), (16_000.0, 2, 2**16),
)  # fmt: skip


def _by_logarithm(room: float) -> int:
    return int(np.floor(np.log2(room)))


_WRONG_BITS = {
    "One bit too many each time: half of the ring is for negative numbers, so a sum must stay below modulus / 2 (and a "
    "logarithm is rounded down).": lambda x, n, m: _by_logarithm((m - 1) / (n * x)),
    "Each number fits, but not the sum of all of them: num_clients is missing.":
        lambda x, n, m: _by_logarithm((m // 2 - 1) / x),
    "The largest number is missing: that is how many bits are left if no number exceeds 1.":
        lambda x, n, m: _by_logarithm((m // 2 - 1) / n),
    "At the border the sum is exactly modulus / 2, and that is already the most negative number.":
        lambda x, n, m: _by_logarithm(m // 2 / (n * x)),
    "That is the number of bits *before* the point.": lambda x, n, m: int(np.ceil(np.log2(n * x))),
    "Safe, but one bit more fits: you ask that the sum stays below a quarter of the modulus.":
        lambda x, n, m: _by_logarithm((m // 4 - 1) / (n * x)),
    "That is how many steps fit into 1; the bits are its base-2 logarithm, rounded down.":
        lambda x, n, m: int((m // 2 - 1) / (n * x)),
}  # fmt: skip


def verify_bits(bits) -> None:
    """The finest step with which so many such numbers, rounded, cannot overflow."""
    got = []
    for largest, num_clients, modulus in ROOMS:
        with given(f"largest = {largest:g}, {num_clients} clients, modulus 2^{modulus.bit_length() - 1}"):
            value = expect_number(bits(largest, num_clients, modulus))
        if value != int(value):
            raise NotYet(
                f"Bits are whole; for {largest:g}, {num_clients} clients you say {value:g}. Round down."
            )
        got.append(int(value))
    right = [bits_that_fit(*room) for room in ROOMS]
    if got == right:
        return
    for sentence, wrong in _WRONG_BITS.items():
        if got == [wrong(*room) for room in ROOMS]:
            raise NotYet(sentence)
    first = next(i for i in range(len(ROOMS)) if got[i] != right[i])
    largest, num_clients, modulus = ROOMS[first]
    what = "it overflows" if got[first] > right[first] else "a finer step fits"
    raise NotYet(
        f"{num_clients} numbers up to {largest:g} modulo 2^{modulus.bit_length() - 1}: {right[first]} bits after the point "
        f"fit; you say {got[first]}, and {what}."
    )


# What the exercises lend ---------------------------------------------------------------------------


def unmask(
    masked: Mapping[int, np.ndarray], own_seeds: Seeds, dropped_seeds: Mapping[int, Seeds], length: int
) -> np.ndarray:
    """The sum of the masked inputs, without the survivors' self masks and what the dropped left over."""
    result = np.zeros(length, dtype=np.uint32)
    for client, vector in masked.items():
        result = result + vector - stretch(own_seeds[client], length)
    for dropped, seeds in dropped_seeds.items():
        result = result - left_over(dropped, seeds, tuple(masked), length)
    return result


def bits_that_fit(largest: float, num_clients: int, modulus: int) -> int:
    """Finer and finer, as long as the sum of the largest numbers stays below half of the ring."""
    bits = 0
    while num_clients * round(largest * 2 ** (bits + 1)) < modulus // 2:
        bits += 1
    return bits
