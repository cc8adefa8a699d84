"""Checkers of lesson 09 on the scale: a weighted sum of ciphertexts, and rescaling."""

import math
import numbers
from collections.abc import Sequence

import numpy as np

from course.crypto.ring_encryption import DEGREE, RingCiphertext, centred, encode, new_secret, uniform
from course.crypto.ring_encryption import encrypt as reference_encrypt
from course.exercises.exercise import NotYet
from course.exercises.lesson_09_encrypt import expect_polynomial, expect_reduced
from course.exercises.probe import given

CASES = (
    (2**75, 2**24, (0.3, 0.6, 0.1), 2**10),
    (2**80, 2**28, (0.4, -0.3), 2**20),
    (2**90, 2**20, (1.0,), 2**8),
)
"""Modulus, scale, weights and weight_scale; several, so that no answer may know one by heart."""


# 09.2 ---------------------------------------------------------------------------------------------


def verify_weighted_sum(weighted_sum) -> None:
    """Σ round(weight · weight_scale) · part, part by part, and the scales multiplied."""
    rng = np.random.default_rng(0)
    secret = new_secret()
    for modulus, scale, weights, weight_scale in CASES:
        ciphertexts = [
            reference_encrypt(
                encode(rng.uniform(-2, 2, size=DEGREE // 2), scale=scale),
                secret,
                modulus=modulus,
                scale=scale,
            )
            for _ in weights
        ]
        got = _ciphertext(weighted_sum, ciphertexts, list(weights), weight_scale)
        _expect_weighted(got, ciphertexts, weights, weight_scale)


def _ciphertext(function, first, *others) -> RingCiphertext:
    several = first if isinstance(first, list) else [first]
    before = [tuple(part.copy() for part in ciphertext.parts) for ciphertext in several]
    handed = [list(one) if isinstance(one, list) else one for one in (first, *others)]
    with given(f"{len(several)} ciphertexts and {', '.join(map(str, others))}"):
        got = function(*handed)
    after = [ciphertext.parts for ciphertext in several]
    if handed != [first, *others]:
        raise NotYet("It changes a list that it is given; the next caller needs it whole.")
    if any(
        (x != y).any() for old, new in zip(before, after, strict=True) for x, y in zip(old, new, strict=True)
    ):
        raise NotYet("It changes the ciphertexts that it is given; make new ones.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, RingCiphertext):
        raise NotYet(
            f"It should return a RingCiphertext(parts, modulus, scale); it is a {type(got).__name__}."
        )
    if not isinstance(got.parts, tuple | list | np.ndarray) or len(got.parts) != len(several[0].parts):
        raise NotYet(
            f"The ciphertext that came in has {len(several[0].parts)} parts, and each of them must be in what comes out."
        )
    for what, value in (("modulus", got.modulus), ("scale", got.scale)):
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not value > 0:
            raise NotYet(f"The {what} of what you return should be a positive number; it is {value!r}.")
    parts = tuple(expect_polynomial(part, "A part of your ciphertext") for part in got.parts)
    return RingCiphertext(parts, got.modulus, got.scale)


def _expect_weighted(got, ciphertexts, weights, weight_scale) -> None:
    steps = [round(weight * weight_scale) for weight in weights]
    right, modulus = _combined(ciphertexts, steps), ciphertexts[0].modulus
    if got.modulus != modulus:
        raise NotYet(
            f"The modulus changes, from {math.log2(modulus):.0f} bits to {math.log2(got.modulus):.0f}. A product with a "
            "weight leaves the ciphertexts' own; rescaling, the next exercise, does not."
        )
    for part in got.parts:
        expect_reduced(part, modulus, "A part of your ciphertext")
    equal = [bool((mine == theirs).all()) for mine, theirs in zip(got.parts, right, strict=True)]
    if not all(equal):
        raise NotYet(_wrong_sum(got, ciphertexts, weights, weight_scale, equal))
    scale = ciphertexts[0].scale
    if got.scale != scale * weight_scale:
        raise NotYet(
            f"The numbers are right, but the scale says {got.scale:,} steps in 1: values of {scale:,} steps times weights of "
            f"{weight_scale:,} steps have {scale * weight_scale:,}, or it opens in the wrong size."
        )


def _combined(ciphertexts, steps) -> list[np.ndarray]:
    return [
        sum(step * part for step, part in zip(steps, parts, strict=True)) % ciphertexts[0].modulus
        for parts in zip(*(ciphertext.parts for ciphertext in ciphertexts), strict=True)
    ]


def _wrong_sum(got, ciphertexts, weights, weight_scale, equal) -> str:
    def is_made_of(steps) -> bool:
        made = _combined(ciphertexts, steps)
        return all((mine == theirs).all() for mine, theirs in zip(got.parts, made, strict=True))

    if equal == [True, False]:
        return "b is weighted, a is not: b + a · secret then has the wrong mask, and opens as garbage."
    if is_made_of([1] + [0] * (len(weights) - 1)):
        return "That is the first ciphertext as it came in."
    if is_made_of([1] * len(weights)):
        return "That is the plain sum; each ciphertext is multiplied by its own weight first."
    if is_made_of([weight_scale] * len(weights)):
        return "All get the same weight, weight_scale; multiply by round(weight · weight_scale)."
    if is_made_of([int(weight * weight_scale) for weight in weights]):
        return "int() cuts off; round(weight · weight_scale) is the nearest step."
    if is_made_of([round(weight) for weight in weights]):
        return "round(weight) leaves 0 or 1: multiply by weight_scale before you round."
    if is_made_of([round(weight * weight_scale) for weight in weights][::-1]):
        return "The weights are in reverse order."
    return (
        f"For the weights {weights} at {weight_scale:,} steps in 1, each part should be the sum of that part of each "
        "ciphertext times round(weight · weight_scale), modulo the modulus; yours is not."
    )


# 09.3 ---------------------------------------------------------------------------------------------


def verify_rescale(rescale) -> None:
    """Each part divided by the factor and rounded, modulus and scale divided too."""
    for num_parts, modulus, factor, scale in (
        (2, 2**80, 2**24, 2.0**48),
        (3, 2**75, 2**20, 2.0**47),
        (2, 2**90, 2**40, 2.0**60),
        (5, 2**56, 2**24, 2.0**50),
    ):
        parts = tuple(uniform(modulus) for _ in range(num_parts))
        parts[0][0] = modulus - 1  # Rounds up to the new modulus, which is 0.
        before = RingCiphertext(parts, modulus, scale)
        _expect_rescaled(_ciphertext(rescale, before, factor), before, factor)


def _expect_rescaled(got: RingCiphertext, before: RingCiphertext, factor: int) -> None:
    modulus = before.modulus // factor
    if got.modulus == before.modulus:
        raise NotYet(
            "The modulus stays. b + a · secret is right modulo q; divided by the factor it is right modulo q / factor."
        )
    if got.modulus != modulus or not isinstance(got.modulus, numbers.Integral):
        raise NotYet(f"The modulus should be divided by the factor, as an integer; it is {got.modulus!r}.")
    _expect_parts(got, before, factor)
    for part in got.parts:
        expect_reduced(part, modulus, "A part (after rounding up it may be the new modulus itself)")
    if got.scale == before.scale:
        raise NotYet("The scale stays, so the numbers open too small: divide it by the factor too.")
    if got.scale != before.scale / factor:
        raise NotYet(
            f"From a scale of {before.scale:g} and a factor of {factor:g} comes {before.scale / factor:g}; yours is {got.scale:g}."
        )


def _expect_parts(got: RingCiphertext, before: RingCiphertext, factor: int) -> None:
    modulus = before.modulus // factor
    off = [
        centred(np.asarray(mine * factor - old, dtype=object), before.modulus)
        for mine, old in zip(got.parts, before.parts, strict=True)
    ]
    largest = [max(abs(c) for c in of_a_part) for of_a_part in off]
    if all(size <= factor // 2 for size in largest):
        return
    if any((mine == old % modulus).all() for mine, old in zip(got.parts, before.parts, strict=True)):
        raise NotYet("A part is only reduced, not divided: all parts are divided by the factor.")
    if all(size < factor for size in largest):
        raise NotYet(
            "// cuts off: each coefficient is up to one too small, always in the same direction, and the errors of a · "
            "secret add up. Round to the nearest: add factor // 2 before you divide."
        )
    if all(size < 2**12 * factor for size in largest):
        raise NotYet(
            "Each coefficient is off by a few steps: / makes a float of 53 bits, and what comes out here has up to 56. Divide "
            "with //, after adding factor // 2."
        )
    raise NotYet(
        "A part of your ciphertext, times the factor, is not within half a factor of what came in. Divide each coefficient "
        "of each part by the factor, and round."
    )


# What the exercise lends ---------------------------------------------------------------------------


def weighted_sum(
    ciphertexts: Sequence[RingCiphertext], weights: Sequence[float], weight_scale: int
) -> RingCiphertext:
    """Weights as whole steps, times each part, and added."""
    modulus, steps = ciphertexts[0].modulus, [round(weight * weight_scale) for weight in weights]
    parts = zip(*(ciphertext.parts for ciphertext in ciphertexts), strict=True)
    sums = tuple(sum(s * p for s, p in zip(steps, part, strict=True)) % modulus for part in parts)
    return RingCiphertext(sums, modulus, ciphertexts[0].scale * weight_scale)
