"""Checkers of lesson 07 on sums: the additive split, the sum that nobody sees the parts of, fixed point."""

import copy
import itertools
import secrets
from fractions import Fraction

from course.crypto import FixedPoint
from course.exercises.exercise import NotYet
from course.exercises.lesson_07_secrecy import (
    ALARM,
    CALLS,
    LARGE,
    TINY,
    expect_elements,
    expect_fresh,
    expect_integer,
    expect_sequence,
    expect_unpredictable,
    expect_whole_field,
    p_value_of_uniform,
)
from course.exercises.probe import expect_number, given

# 07.1 ---------------------------------------------------------------------------------------------

SPLITS = ((12, 3, 101), (0, 2, 5), (100, 5, 101), (3, 4, 5), (2**60 + 5, 4, LARGE))


def verify_additive(split) -> None:
    """Shares that add up to the secret, all but any one of them uniform and independent."""
    for secret, num_shares, prime in SPLITS:
        _expect_sum(split, secret, num_shares, prime)
    _expect_cover(split)
    expect_unpredictable(lambda: _shares(split, 41_000, 3, LARGE), split)
    _expect_whole_range(split)
    _expect_same_for_all_secrets(split)


def _shares(split, secret: int, num_shares: int, prime: int) -> list[int]:
    with given(f"secret {secret}, {num_shares} shares, prime {prime}"):
        shares = split(secret, num_shares, prime)
    shares = expect_sequence(shares, num_shares, "a list of num_shares numbers")
    return expect_elements(shares, prime, "One of the shares")


def _expect_sum(split, secret: int, num_shares: int, prime: int) -> None:
    shares = _shares(split, secret, num_shares, prime)
    if sum(shares) % prime == secret:
        return
    # In a large field, no misconception looks like another one by chance.
    *others, last = _shares(split, 41_000, 3, LARGE)
    if sum(others) % LARGE == 41_000:
        raise NotYet(
            "All but the last share add up to the secret already; the last one belongs to the sum too. Draw one share "
            "less, and compute the last from them."
        )
    if (last - sum(others)) % LARGE == 41_000:
        raise NotYet("The last share is secret + the others; it should be secret − the others.")
    raise NotYet(
        f"The shares {shares} add up to {sum(shares) % prime} modulo {prime}; the secret is {secret}."
    )


def _expect_cover(split) -> None:
    drawn = [_shares(split, 41_000, 3, LARGE) for _ in range(20)]
    if any(41_000 in shares for shares in drawn):
        raise NotYet("One of the shares is the secret itself, so one party knows it all.")
    if all(sum(shares) == 41_000 for shares in drawn):
        raise NotYet(
            "You cut the secret into parts that are smaller than it: each says that the secret is at least as large. "
            "Shares go over the whole field, and only modulo the prime do they add up to the secret."
        )
    if all(len(set(shares[:-1])) == 1 and shares[0] != drawn[0][0] for shares in drawn[1:]):
        raise NotYet(
            "All parties but the last get the same number; two of three together then know the secret. Draw one for "
            "each."
        )


def _expect_whole_range(split) -> None:
    drawn = [_shares(split, 41_000, 3, LARGE) for _ in range(400)]
    for position, values in enumerate(zip(*drawn, strict=True), start=1):
        expect_whole_field(values, LARGE, f"Share {position}")
    expect_fresh(drawn, "shares")


def _expect_same_for_all_secrets(split) -> None:
    for secret in (0, 3):
        drawn = [_shares(split, secret, 3, TINY) for _ in range(CALLS)]
        missing = {value for value in range(TINY) if all(value != shares[0] for shares in drawn)}
        if missing:
            raise NotYet(
                f"Modulo {TINY}, the first share is never {min(missing)}. Each share must take each value, "
                "or the others rule a secret out."
            )
        for pair in itertools.combinations(range(3), 2):
            if p_value_of_uniform([tuple(shares[i] for i in pair) for shares in drawn], TINY) < ALARM:
                raise NotYet(
                    f"Shares {pair[0] + 1} and {pair[1] + 1} of three are not uniform together: in {CALLS:,} splits "
                    f"modulo {TINY} some pairs come far more often, and so they say something about the secret."
                )


# 07.2 ---------------------------------------------------------------------------------------------

GROUPS = (
    ([[3, 4, 5], [1, 0, 6], [6, 6, 6], [2, 2, 3]], 7),
    ([[10, 90], [55, 47], [100, 100]], 101),
    ([[LARGE - 1 - i, LARGE - 7, LARGE - 2 * i, 5] for i in range(9)], LARGE),
)


def verify_announcements(tally) -> None:
    """Each party announces the sum of what it holds; the announcements add up to the total."""
    for shares, prime in GROUPS:
        handed = copy.deepcopy(shares)
        with given(f"shares {shares}, prime {prime}"):
            got = tally(handed, prime)
        if handed != shares:
            raise NotYet("It changes the shares that it is given. Others still need them; make new lists.")
        announced, total = expect_sequence(got, 2, "the list of announced numbers and the total")
        announced = _announced(announced, shares, prime)
        total = expect_integer(total, "The total")
        right = sum(map(sum, shares)) % prime
        if total != right:
            raise NotYet(_wrong_total(total, shares, prime, right))
        if announced != [sum(column) % prime for column in zip(*shares, strict=True)]:
            raise NotYet(
                f"With the shares {shares} modulo {prime} the parties should announce "
                f"{[sum(column) % prime for column in zip(*shares, strict=True)]}; you say {announced}."
            )


def _announced(announced: object, shares: list[list[int]], prime: int) -> list[int]:
    people, parties = len(shares), len(shares[0])
    if not isinstance(announced, int | float) and hasattr(announced, "__len__"):
        values = list(announced)
        if values == [sum(row) % prime for row in shares]:
            raise NotYet(
                "You add up each *person's* shares: what is announced are then the secrets themselves. Row i holds "
                "person i's shares; party j holds column j, and adds that."
            )
        if len(values) == people and people != parties:
            raise NotYet(
                f"{people} people, {parties} parties: each party announces one number; you give {people}."
            )
    announced = expect_sequence(announced, parties, "one announced number a party")
    return expect_elements(announced, prime, "An announced number")


def _wrong_total(total: int, shares: list[list[int]], prime: int, right: int) -> str:
    columns = [sum(column) % prime for column in zip(*shares, strict=True)]
    if total == sum(columns) and total >= prime:
        return f"The total {total} is not reduced: the sum of the announced numbers needs a % prime too."
    if total == sum(columns[:-1]) % prime:
        return "One party's announcement is missing in the total: the last one."
    if total == right // len(shares):
        return "That is the mean; return the total."
    return f"The total should be {right} for the shares {shares} modulo {prime}; you say {total}."


# 07.5 ---------------------------------------------------------------------------------------------

CODES = ((0, 4, 101), (16, 4, 101), (24, 3, 101), (50, 2, 101), (51, 2, 101), (100, 4, 101), (93, 0, 101),
         (LARGE - 3 * 2**15, 16, LARGE), (5 * 2**14, 16, LARGE), (LARGE // 2, 20, LARGE), (LARGE // 2 + 1, 20, LARGE),
         (LARGE - 5, 16, LARGE))  # fmt: skip

_WRONG_DECODINGS = {
    "Negative numbers are missing: elements above prime // 2 stand for element − prime.":
        lambda z, f, p: z / 2**f,
    "You always subtract the prime; elements up to prime // 2 are not negative.": lambda z, f, p: (z - p) / 2**f,
    "The number of steps is right, but one step is 2**−fraction_bits: divide.":
        lambda z, f, p: z - p if z > p // 2 else z,
    "You multiply by 2**fraction_bits as in encoding; decoding divides.":
        lambda z, f, p: (z - p if z > p // 2 else z) * 2**f,
    "Bits are counted in powers of 2, not of 10.": lambda z, f, p: (z - p if z > p // 2 else z) / 10**f,
    "You divide by fraction_bits; one step is 2**−fraction_bits.":
        lambda z, f, p: (z - p if z > p // 2 else z) / max(f, 1),
    "Integer division cuts the fraction off: use / and not //.":
        lambda z, f, p: (z - p if z > p // 2 else z) // 2**f,
    "The border is off by one: prime // 2 itself is the largest positive element.":
        lambda z, f, p: (z - p if z >= p // 2 else z) / 2**f,
    "The border is off by one: prime // 2 + 1 is the most negative element.":
        lambda z, f, p: (z - p if z > p // 2 + 1 else z) / 2**f,
    "prime / 2 is a float and rounds, so the border moves in a large field: compare with prime // 2.":
        lambda z, f, p: (z - p if z > p / 2 else z) / 2**f,
    "Subtract before you divide: element and prime are integers, but as floats of 53 bits they lose their last bits.":
        lambda z, f, p: z / 2**f - (p / 2**f if z > p // 2 else 0),
    "Subtract the prime, not a power of 2: this is no two's complement.":
        lambda z, f, p: (z - 2 ** p.bit_length() if z > p // 2 else z) / 2**f,
    "−1 is prime − 1, so the size of a negative number is prime − element, with a minus sign.":
        lambda z, f, p: (p - z if z > p // 2 else z) / 2**f,
}  # fmt: skip


def verify_decode(decode) -> None:
    """Elements above prime // 2 are negative; the number is that many steps of 2^−fraction_bits."""
    got = []
    for code in CODES:
        with given("element {}, {} fraction bits, prime {}".format(*code)):
            answer = decode(*code)
        exact = isinstance(answer, int | Fraction) and not isinstance(answer, bool)
        got.append(expect_number(float(answer) if exact else answer))
    right = [FixedPoint(f, p).decode(z) for z, f, p in CODES]
    if got == right:
        return
    for sentence, wrong in _WRONG_DECODINGS.items():
        if got == [float(wrong(*code)) for code in CODES]:
            raise NotYet(sentence)
    first = next(i for i in range(len(CODES)) if got[i] != right[i])
    element, bits, prime = CODES[first]
    raise NotYet(
        f"Element {element} modulo {prime} with {bits} bits after the point is {right[first]:g}; you say {got[first]:g}."
    )


# What the exercises lend ---------------------------------------------------------------------------


def split_sum(secret: int, num_shares: int, prime: int) -> list[int]:
    """Draw all shares but one; the last makes the sum right."""
    drawn = [secrets.randbelow(prime) for _ in range(num_shares - 1)]
    return [*drawn, (secret - sum(drawn)) % prime]


def add_up(shares: list[list[int]], prime: int) -> tuple[list[int], int]:
    """Each party adds its column; the announcements add up to the total."""
    announced = [sum(column) % prime for column in zip(*shares, strict=True)]
    return announced, sum(announced) % prime


def decode(element: int, fraction_bits: int, prime: int) -> float:
    """The number of a field element, with negatives in the upper half."""
    return (element - prime if element > prime // 2 else element) / 2**fraction_bits
