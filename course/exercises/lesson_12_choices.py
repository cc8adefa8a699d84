"""Checker of exercise 12.4: the smallest ε that meets the wishes, or how far away they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from course.exercises.exercise import NotYet
from course.exercises.probe import given
from course.trade_off.judging import Interval


@dataclass(frozen=True)
class Measured:
    """What a checker hands out in place of a point of the sweep."""

    epsilon: float
    megabytes: float
    accuracy: Interval


def choose_point(
    points: Sequence[Measured], accuracy: float, megabytes: float
) -> Measured | dict[str, Measured]:
    """The smallest ε that meets both wishes; or the nearest point on each side."""
    light = [point for point in points if point.megabytes <= megabytes]
    good = [point for point in points if point.accuracy.low >= accuracy]
    both = [point for point in good if point.megabytes <= megabytes]
    if both:
        return min(both, key=lambda point: point.epsilon)
    nearest = {}
    if light:
        nearest["accuracy"] = max(light, key=lambda point: point.accuracy.low)
    if good:
        nearest["megabytes"] = min(good, key=lambda point: point.megabytes)
    return nearest


def _measured(epsilon: float, megabytes: float, value: float, reach: float) -> Measured:
    return Measured(epsilon, megabytes, Interval(value, value - reach, value + reach, 5))


SWEEP = (
    _measured(0.5, 0.6, 0.70, 0.02),
    _measured(1.0, 1.0, 0.83, 0.05),  # The mean reaches 0.8, the lower end does not.
    _measured(1.3, 1.5, 0.84, 0.03),
    _measured(2.0, 0.8, 0.85, 0.01),
    _measured(2.6, 0.3, 0.82, 0.01),
    _measured(7.9, 1.2, 0.88, 0.01),
    _measured(4.0, 1.4, 0.90, 0.07),  # The highest mean, and not the highest lower end.
)
EXACT = tuple(
    Measured(e, m, Interval(0.9, low, 0.95, 5))
    for e, m, low in ((3.0, 2.0, 0.875), (1.0, 1.0, 0.75), (2.0, 1.25, 0.875), (0.5, 2.5, 0.875))
)
NEAR = tuple(
    Measured(e, m, Interval(0.9, low, 0.95, 5))
    for e, m, low in ((0.2, 0.5, 0.868), (0.3, 1.22, 0.88), (2.0, 1.0, 0.872), (1.0, 1.19, 0.875))
)
"""The first two miss by less than what rounding takes away."""
WISHES = (
    (SWEEP, 0.8, 1.6), (SWEEP, 0.8, 0.9), (SWEEP, 0.8, 0.5), (SWEEP, 0.85, 2.0), (SWEEP[::-1], 0.8, 1.6),
    (SWEEP[::-1], 0.6, 5.0), (EXACT, 0.875, 1.25), (EXACT[::-1], 0.75, 1.0),
    (NEAR, 0.87, 1.2),
)  # fmt: skip
TOO_MUCH = (
    (SWEEP, 0.86, 1.0), (SWEEP[::-1], 0.83, 0.65), (SWEEP, 0.8, 0.2), (SWEEP, 0.9, 2.0), (SWEEP[::-1], 0.9, 0.2),
    ((), 0.5, 1.0),
)  # fmt: skip
"""Infeasible: by both wishes, by the megabytes alone, by the accuracy alone, by either, and without a point."""


def verify_choice(choose: Callable) -> None:
    """First where the wishes can be met, then where they cannot."""
    answers = [_answer(choose, wish) for wish in WISHES]
    for answer, wish in zip(answers, WISHES, strict=True):
        if isinstance(answer, Mapping):
            raise NotYet(
                f"Accuracy {wish[1]:g} within {wish[2]:g} MB can be met, and it returns a dictionary. If the wishes hit "
                "a point's numbers exactly, they are met."
            )
        if not isinstance(answer, Measured):
            raise NotYet(f"It should return one of the points; it returned {_described(answer)}.")
    _explain(answers, WISHES, _WRONG_CHOICES)
    answers = [_answer(choose, wish) for wish in TOO_MUCH]
    for answer, wish in zip(answers, TOO_MUCH, strict=True):
        if isinstance(answer, Measured):
            raise NotYet(
                f"Accuracy {wish[1]:g} within {wish[2]:g} MB cannot be met, and it returns a point as if it could. Say "
                "so: return a dictionary of the nearest ones."
            )
        if not isinstance(answer, Mapping):
            raise NotYet(
                f"Where no point meets the wishes, return a dictionary of the nearest; it returned {_described(answer)}."
            )
        _expect_named(answer)
    _explain(answers, TOO_MUCH, _WRONG_NEAREST)


def _answer(choose: Callable, wish: tuple) -> object:
    points, accuracy, megabytes = wish
    handed = list(points)
    with given(f"{len(points)} points, accuracy={accuracy:g} and megabytes={megabytes:g}"):
        got = choose(handed, accuracy, megabytes)
    if handed != list(points):
        raise NotYet(
            "It changes the list of points that it is given (does it sort in place?). Use sorted or min."
        )
    return dict(got) if isinstance(got, Mapping) else got


def _expect_named(answer: Mapping) -> None:
    if not set(answer) <= {"accuracy", "megabytes"}:
        raise NotYet(f'The names are "accuracy" and "megabytes"; yours are {sorted(map(str, answer))}.')
    if any(value is None for value in answer.values()):
        raise NotYet(
            "A direction in which there is no point is left out of the dictionary; you put None there."
        )
    if not all(isinstance(value, Measured) for value in answer.values()):
        raise NotYet("The dictionary holds points; yours holds something else.")


def _explain(answers: list, wishes: Sequence[tuple], wrong_rules: Mapping[str, Callable]) -> None:
    right = [choose_point(*wish) for wish in wishes]
    if answers == right:
        return
    for sentence, rule in wrong_rules.items():
        if answers == [rule(*wish) for wish in wishes]:
            raise NotYet(sentence)
    index = next(i for i in range(len(right)) if answers[i] != right[i])
    _, accuracy, megabytes = wishes[index]
    raise NotYet(
        f"With accuracy={accuracy:g} and megabytes={megabytes:g} it should be {_described(right[index])}; yours is "
        f"{_described(answers[index])}."
    )


def _described(answer: object) -> str:
    if isinstance(answer, Measured):
        return f"the point with ε {answer.epsilon:g}, {answer.megabytes:g} MB, lower end {answer.accuracy.low:.3g}"
    if isinstance(answer, Mapping):
        return "{" + ", ".join(f"{name!r}: {_described(point)}" for name, point in answer.items()) + "}"
    return "None" if answer is None else f"a {type(answer).__name__}"


def _of(points, keep: Callable, key: Callable) -> Measured | None:
    return min(filter(keep, points), key=key, default=None)


_WRONG_CHOICES = {
    "You ask whether the *mean* reaches the accuracy. The mean of five seeds is luck in part: ask the lower end of its "
    "interval.": lambda ps, a, m: _of(ps, lambda p: p.accuracy.value >= a and p.megabytes <= m, _epsilon),
    "You ask whether the *upper* end reaches the accuracy, which the truth lies below almost surely: ask the lower end.":
        lambda ps, a, m: _of(ps, lambda p: p.accuracy.high >= a and p.megabytes <= m, _epsilon),
    "You do not look at the megabytes.": lambda ps, a, m: _of(ps, lambda p: p.accuracy.low >= a, _epsilon),
    "You do not look at the accuracy.": lambda ps, a, m: _of(ps, lambda p: p.megabytes <= m, _epsilon),
    "You take the most accurate of those that meet the wishes. They are all accurate enough: the smallest ε is asked.":
        lambda ps, a, m: _of(_both(ps, a, m), lambda p: True, lambda p: -p.accuracy.low),
    "You take the most accurate of those that meet the wishes, by its mean. They are all accurate enough: the smallest "
    "ε is asked.": lambda ps, a, m: _of(_both(ps, a, m), lambda p: True, lambda p: -p.accuracy.value),
    "You take the cheapest of those that meet the wishes. They are all cheap enough: the smallest ε is asked.":
        lambda ps, a, m: _of(_both(ps, a, m), lambda p: True, lambda p: p.megabytes),
    "You take the largest ε that meets the wishes; the smallest protects most.":
        lambda ps, a, m: _of(_both(ps, a, m), lambda p: True, lambda p: -p.epsilon),
    "You take the first point that meets the wishes. The list is in no order: look at all of them.":
        lambda ps, a, m: next(iter(_both(ps, a, m))),
    "You take the last point that meets the wishes. The list is in no order: look at all of them.":
        lambda ps, a, m: _both(ps, a, m)[-1],
    "You take the smallest ε of all points, whether it meets the wishes or not.":
        lambda ps, a, m: _of(ps, lambda p: True, _epsilon),
}  # fmt: skip

_WRONG_NEAREST = {
    "Under \"accuracy\" stands the most accurate point of all, which the megabytes may forbid. Relax one wish, keep the "
    "other.": lambda ps, a, m: _named(_most(ps), _nearest(ps, a, m).get("megabytes")),
    "Under \"megabytes\" stands the cheapest point of all, which need not reach the accuracy. Relax one wish, keep the "
    "other.": lambda ps, a, m: _named(_nearest(ps, a, m).get("accuracy"), _cheapest(ps)),
    "Each wish is looked at alone: the most accurate point of all, the cheapest of all. Relax one wish, keep the other.":
        lambda ps, a, m: _named(_most(ps), _cheapest(ps)),
    "The nearest accuracy is measured by the mean; the wish is about the lower end.": lambda ps, a, m: _named(
        _of(ps, lambda p: p.megabytes <= m, lambda p: -p.accuracy.value), _nearest(ps, a, m).get("megabytes")),
    "Under each name stands the smallest ε. The *nearest* is asked: the highest lower end, the fewest megabytes.":
        lambda ps, a, m: _named(_of(ps, lambda p: p.megabytes <= m, _epsilon),
                                _of(ps, lambda p: p.accuracy.low >= a, _epsilon)),
    "You have the two names the wrong way round: under \"accuracy\" stands the point that needs a lower accuracy.":
        lambda ps, a, m: _named(_nearest(ps, a, m).get("megabytes"), _nearest(ps, a, m).get("accuracy")),
    "The dictionary is empty. Which point comes nearest if you give up one of the wishes?": lambda ps, a, m: {},
    "You say only which accuracy can be had; how many megabytes would do?":
        lambda ps, a, m: _named(_nearest(ps, a, m).get("accuracy"), None),
    "You say only how many megabytes would do; which accuracy can be had?":
        lambda ps, a, m: _named(None, _nearest(ps, a, m).get("megabytes")),
}  # fmt: skip


def _epsilon(point: Measured) -> float:
    return point.epsilon


def _both(points: Sequence[Measured], accuracy: float, megabytes: float) -> list[Measured]:
    return [point for point in points if point.accuracy.low >= accuracy and point.megabytes <= megabytes]


def _nearest(points: Sequence[Measured], accuracy: float, megabytes: float) -> dict[str, Measured]:
    return choose_point(points, accuracy, megabytes)


def _named(accuracy: Measured | None, megabytes: Measured | None) -> dict[str, Measured]:
    both = {"accuracy": accuracy, "megabytes": megabytes}
    return {name: point for name, point in both.items() if point is not None}


def _most(points: Sequence[Measured]) -> Measured | None:
    return _of(points, lambda p: True, lambda p: -p.accuracy.low)


def _cheapest(points: Sequence[Measured]) -> Measured | None:
    return _of(points, lambda p: True, lambda p: p.megabytes)
