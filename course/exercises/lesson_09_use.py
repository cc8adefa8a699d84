"""Checkers of lesson 09 on use: secure parameters, and the attack by yes and no."""

import numbers
from collections.abc import Callable, Mapping

import numpy as np

from course.crypto.ckks_parameters import LARGEST_MODULUS_BITS
from course.exercises.exercise import NotYet
from course.exercises.probe import given

ENDS = 60
"""Bits of the first and of the last prime in exercise 09.4."""

# 09.4 ---------------------------------------------------------------------------------------------

WISHES = [(depth, bits) for bits in (20, 25, 30, 40, 60) for depth in range(0, 40)]


def verify_smallest_ring(smallest_ring) -> None:
    """The smallest degree whose allowance covers 60 + depth · scale + 60 bits; ValueError if there is none."""
    shuffled = dict(sorted(LARGEST_MODULUS_BITS.items(), key=lambda item: item[0] % 7))
    exact = {2048: 120, 1024: 60, 4096: 121}
    cases = [(depth, bits, shuffled) for depth, bits in WISHES] + [(0, 30, exact), (1, 30, exact)]
    got = [_degree(smallest_ring, *case) for case in cases]
    right = [smallest(*case) for case in cases]
    if got == right:
        return
    for sentence, wrong in _WRONG_RINGS.items():
        if got == [wrong(*case) for case in cases]:
            raise NotYet(sentence)
    first = next(i for i in range(len(cases)) if got[i] != right[i])
    depth, bits, allowed = cases[first]
    total = 2 * ENDS + depth * bits
    needed = (
        "no degree of the table allows so many: raise ValueError"
        if right[first] is None
        else f"the smallest degree that allows them is {right[first]}"
    )
    answered = "refuse" if got[first] is None else f"say {got[first]}"
    raise NotYet(
        f"Depth {depth} at a scale of {bits} bits takes primes of {total} bits; with the table {allowed} {needed}. You {answered}."
    )


def _degree(smallest_ring, depth: int, bits: int, allowed: Mapping[int, int]) -> int | None:
    handed = dict(allowed)
    with given(f"depth {depth}, scale_bits {bits}, allowed {allowed}"):
        try:
            degree = smallest_ring(depth, bits, handed)
        except ValueError:
            degree = False
    if handed != allowed:
        raise NotYet("It changes the table that it is given; the next caller needs it whole.")
    if degree is False:
        return None
    if degree is None:
        if smallest(depth, bits, allowed) is None:
            raise NotYet(
                f"For depth {depth} at {bits} bits no ring is secure, and you return None: the caller may go on with it. "
                "Refuse with raise ValueError(…) that says what was asked and what is allowed."
            )
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(degree, bool) or not isinstance(degree, numbers.Integral):
        raise NotYet(f"It should return a degree of the table, an integer; it is a {type(degree).__name__}.")
    return int(degree)


def smallest(
    depth: int, bits: int, allowed: Mapping[int, int], *, total: Callable | None = None
) -> int | None:
    """The right answer, or None; `total` says how many bits are needed, for the wrong ones."""
    needed = total(depth, bits) if total else 2 * ENDS + depth * bits
    return min((degree for degree, limit in allowed.items() if limit >= needed), default=None)


def _first_in_order(depth, bits, allowed):
    return next((d for d, limit in allowed.items() if limit >= 2 * ENDS + depth * bits), None)


def _strict(depth, bits, allowed):
    return min((d for d, limit in allowed.items() if limit > 2 * ENDS + depth * bits), default=None)


def _largest(depth, bits, allowed):
    return max(allowed) if smallest(depth, bits, allowed) else None


def _last_resort(depth, bits, allowed):
    return smallest(depth, bits, allowed) or max(allowed)


_WRONG_RINGS = {
    "The last prime, which serves the keys, is missing in your sum: its bits count for the security too.":
        lambda d, b, a: smallest(d, b, a, total=lambda d, b: ENDS + d * b),
    "The first prime is counted, the last is counted, and the primes in between are not: one of scale_bits for each "
    "product.": lambda d, b, a: smallest(d, b, a, total=lambda d, b: 2 * ENDS),
    "One prime of scale_bits too many: `depth` products use up `depth` of them.":
        lambda d, b, a: smallest(d, b, a, total=lambda d, b: 2 * ENDS + (d + 1) * b),
    "One prime of scale_bits too few: each of the `depth` products uses one up.":
        lambda d, b, a: smallest(d, b, a, total=lambda d, b: 2 * ENDS + max(d - 1, 0) * b),
    "The table's number is still allowed: more than that is not. Compare with <=.": _strict,
    "The table need not be in order: take the smallest of all degrees that allow so many bits.": _first_in_order,
    "That is always the largest degree: secure, but each ciphertext is larger and slower than it need be.": _largest,
    "You look into the course's own table; use `allowed`, which may be another one.":
        lambda d, b, a: smallest(d, b, LARGEST_MODULUS_BITS),
    "Where no ring allows so many bits you fall back on the largest, which is not secure then. Refuse: raise ValueError.":
        _last_resort,
}  # fmt: skip


# 09.6 ---------------------------------------------------------------------------------------------


def verify_boundary(on_the_boundary) -> None:
    """An accepted unit vector on the arc, within what `steps` halvings leave, and no question more than that."""
    rng = np.random.default_rng(3)
    for dimension, threshold, steps in ((2, 0.5, 12), (8, 0.25, 16), (128, 0.2, 20), (8, 0.6, 5)):
        template, side = _orthonormal(rng, dimension)
        inside = np.cos(0.4) * template + np.sin(0.4) * side
        outside = np.cos(2.3) * template + np.sin(2.3) * side
        _expect_boundary(on_the_boundary, template, threshold, inside, outside, steps)


def _orthonormal(rng: np.random.Generator, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = rng.normal(size=(2, dimension))
    first /= np.linalg.norm(first)
    second -= (second @ first) * first
    return first, second / np.linalg.norm(second)


def _expect_boundary(on_the_boundary, template, threshold, inside, outside, steps) -> None:
    asked, handed = [], (inside.copy(), outside.copy())

    def accepts(vector) -> bool:
        vector = np.asarray(vector, dtype=float)
        if vector.shape != template.shape or not np.isfinite(vector).all():
            raise NotYet(f"You ask about something of shape {vector.shape}; a probe has {template.shape}.")
        length = float(np.linalg.norm(vector))
        if abs(length - 1) > 1e-6:
            raise NotYet(
                f"You ask about a vector of length {length:.3f}. The log-in takes unit vectors: divide the middle by its length."
            )
        asked.append(vector)
        return bool(vector @ template >= threshold)

    with given(f"unit vectors of {len(template)} coordinates and {steps} steps"):
        got = on_the_boundary(accepts, *handed, steps)
    if (handed[0] != inside).any() or (handed[1] != outside).any():
        raise NotYet("It changes the vectors that it is given; make new ones.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"It should return a vector; it is a {type(got).__name__}.") from None
    if got.shape != template.shape:
        raise NotYet(f"It should return a vector of shape {template.shape}; it has {got.shape}.")
    if 0 < len(asked) < steps:
        raise NotYet(f"You ask {len(asked)} questions of {steps}: each one more halves what is left.")
    if len(asked) > steps:
        raise NotYet(
            f"You ask {len(asked)} questions; it may be {steps}: one a step. Each counts against the lock-out."
        )
    _judge_point(got, template, threshold, inside, outside, steps)


def _judge_point(got, template, threshold, inside, outside, steps) -> None:
    length = np.linalg.norm(got)
    if not abs(length - 1) <= 1e-6:
        raise NotYet(f"What you return has length {length:.3f}; it should be a unit vector.")
    width = np.arccos(np.clip(inside @ outside, -1, 1))
    excess = np.arccos(threshold) - np.arccos(np.clip(got @ template, -1, 1))
    if np.allclose(got, outside) or np.allclose(got, inside):
        raise NotYet(
            "It is one of the two vectors that you were given; halve the way between them, `steps` times."
        )
    if excess < -1e-9:
        near = abs(excess) < 8 * width / 2**steps
        raise NotYet(
            "The vector that you return is refused, though near the boundary: return the last one that was accepted."
            if near
            else "The vector that you return is refused, and far from the boundary. If the middle is accepted it becomes the new "
            "`inside`, else the new `outside`."
        )
    # Halving the chord instead of the arc is as good; its steps shrink a little less evenly.
    if excess > 8 * width / 2**steps:
        raise NotYet(
            f"After {steps} halvings of an arc of {width:.2f} the boundary should be within {width / 2**steps:.1e}; yours is "
            f"{excess:.1e} away from it."
        )


# What the exercise lends ---------------------------------------------------------------------------


def smallest_ring(depth: int, scale_bits: int, allowed: Mapping[int, int]) -> int:
    """The smallest degree that allows 60 + depth · scale_bits + 60 bits."""
    degree = smallest(depth, scale_bits, allowed)
    if degree is None:
        raise ValueError(
            f"depth {depth} at {scale_bits} bits takes {2 * ENDS + depth * scale_bits} bits; at most "
            f"{max(allowed.values())} are allowed"
        )
    return degree
