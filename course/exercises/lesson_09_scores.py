"""The checker of lesson 09 on scores: dot products of encrypted columns, with one product of depth."""

import numbers
from collections.abc import Callable

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import given

# 09.5 ---------------------------------------------------------------------------------------------


class SealedColumn:
    """Stands for an encrypted column while an answer is checked: it adds and multiplies, and shows nothing."""

    def __init__(self, values: np.ndarray, level: int = 0) -> None:
        self._values, self._level, self.changed = values, level, False

    def _with(self, other: object, operation: Callable) -> "SealedColumn":
        if isinstance(other, SealedColumn):
            level = max(self._level, other._level)
            return SealedColumn(operation(self._values, other._values), level)
        if isinstance(other, numbers.Real):
            return SealedColumn(operation(self._values, float(other)), self._level)
        return NotImplemented

    def _deeper(self, by: str) -> "SealedColumn":
        self._level += 1
        if self._level > 1:
            raise NotYet(
                f"That multiplies a product again, by {by}. These parameters allow one product after a fresh encryption, and "
                "TenSEAL would stop with 'scale out of bounds'. A dot product needs one: multiply, then add."
            )
        return self

    def __add__(self, other):
        return self._with(other, np.add)

    def __sub__(self, other):
        if other is self:
            raise NotYet(
                "A column minus itself is a 0 that everybody can read, and TenSEAL stops ('result ciphertext is "
                "transparent'). Start from the first product instead."
            )
        return self._with(other, np.subtract)

    def __mul__(self, other):
        product = self._with(other, np.multiply)
        if product is NotImplemented:
            return product
        return product._deeper("a column" if isinstance(other, SealedColumn) else "a number")

    __radd__, __rmul__ = __add__, __mul__
    add, sub, mul = __add__, __sub__, __mul__  # TenSEAL's columns have these names too.

    def __iadd__(self, other):
        if self._level == 0:
            self.changed = True
        result = self._with(other, np.add)
        self._values, self._level = result._values, result._level
        return self

    def __imul__(self, other):
        self.changed = True
        return self * other

    def __isub__(self, other):
        self.changed = True
        return self - other

    def copy(self):
        return SealedColumn(self._values.copy(), self._level)

    def _closed(self, *anything, **more):
        raise NotYet(
            "You try to look inside a ciphertext. The server has no key: it can add and multiply encrypted columns, no more."
        )

    # Without a length or items, numpy takes a column for one object, so that np.dot(probe, templates) works.
    __iter__ = __float__ = __bool__ = decrypt = tolist = _closed


def verify_scores(encrypted_scores) -> None:
    """Σ of products, coordinate by coordinate, with one product of depth, and nothing opened or changed."""
    rng = np.random.default_rng(2)
    cases = [rng.uniform(-1, 1, size=(2, dimension, 7)) for dimension in (1, 2, 5)]
    got = [_scores(encrypted_scores, *case) for case in cases]
    if all(_same(scores, (p * t).sum(axis=0)) for scores, (p, t) in zip(got, cases, strict=True)):
        return
    for sentence, wrong in _WRONG_SCORES.items():
        if all(_same(scores, wrong(*case)) for scores, case in zip(got, cases, strict=True)):
            raise NotYet(sentence)
    raise NotYet(
        "In each slot it should be the dot product: the sum over all coordinates j of probe[j] · templates[j]. Yours is "
        "something else."
    )


def _same(scores: np.ndarray, expected: np.ndarray) -> bool:
    return scores.shape == expected.shape and bool(np.allclose(scores, expected))


_WRONG_SCORES = {
    "You multiply the sums: that is Σ probe · Σ templates, with every coordinate times every other. Multiply coordinate by "
    "coordinate, then add.": lambda p, t: p.sum(axis=0) * t.sum(axis=0),
    "That is the last product only; keep a running total.": lambda p, t: p[-1] * t[-1],
    "That is the first product only; the loop ends too early.": lambda p, t: p[0] * t[0],
    "The last coordinate is missing.": lambda p, t: (p * t)[: max(len(p) - 1, 1)].sum(axis=0),
    "You multiply the probe by itself; its partner is the template.": lambda p, t: (p * p).sum(axis=0),
    "That is the squared distance. It would do as a score, but here larger must mean more alike: the dot product.":
        lambda p, t: ((p - t) ** 2).sum(axis=0),
    "You pair a coordinate of the probe with the template's one before it; both have the same number.":
        lambda p, t: (p * np.roll(t, 1, axis=0)).sum(axis=0),
    "You add probe and template; a dot product multiplies them.": lambda p, t: (p + t).sum(axis=0),
}  # fmt: skip


def _scores(encrypted_scores, probe: np.ndarray, templates: np.ndarray) -> np.ndarray:
    columns = [[SealedColumn(row.copy()) for row in rows] for rows in (probe, templates)]
    handed = [list(rows) for rows in columns]
    with given(f"{len(probe)} encrypted columns of the probe and as many of the templates"):
        got = encrypted_scores(*handed)
    if handed != columns or any(column.changed for rows in columns for column in rows):
        raise NotYet(
            "It changes an encrypted column that it was given: += on the first column overwrites somebody's template. "
            "Start from a product, which is new."
        )
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(got, list | tuple):
        raise NotYet(f"It returned {len(got)} columns; the scores are one: all products added up.")
    if not isinstance(got, SealedColumn):
        raise NotYet(f"It should return an encrypted column; it is a {type(got).__name__}.")
    return got._values
