"""Checkers of lesson 12 on its traps: what a chosen setting delivers, and which promises may be compared."""

from collections.abc import Callable

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given
from course.privacy import Adjacency, PrivacyClaim, Unit

# 12.5 ---------------------------------------------------------------------------------------------


def promised_and_delivered(choosing: np.ndarray, fresh: np.ndarray) -> tuple[float, float]:
    """Choose on one set of runs, and read the chosen one's accuracy on the other."""
    winner = int(choosing.mean(axis=1).argmax())
    return float(choosing[winner].mean()), float(fresh[winner].mean())


def _runs(seed: int, settings: int, seeds: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = 0.8 + 0.01 * rng.normal(size=(settings, 1))
    return tuple(truth + 0.02 * rng.normal(size=(settings, number)) for number in (seeds, others))


TRIALS = (
    *(_runs(seed, 30, 5, 5) for seed in range(6)),
    *(_runs(10 + seed, 8, 3, 10) for seed in range(3)),
    _runs(20, 1, 4, 4),
)

SLACK = 1e-6
"""Of an accuracy: single precision is enough."""


def verify_delivery(deliver: Callable) -> None:
    """The winner is chosen without a look at the fresh runs, and judged by them alone."""
    answers = []
    for choosing, fresh in TRIALS:
        handed = choosing.copy(), fresh.copy()
        with given(f"choosing of shape {choosing.shape} and fresh of shape {fresh.shape}"):
            answers.append(_pair(deliver(*handed)))
        if not (np.array_equal(handed[0], choosing) and np.array_equal(handed[1], fresh)):
            raise NotYet("It changes the accuracies that it is given.")
    right = [promised_and_delivered(*trial) for trial in TRIALS]
    if np.allclose(answers, right, rtol=0, atol=SLACK):
        return
    for sentence, rule in _WRONG_DELIVERIES.items():
        if np.allclose(answers, [rule(*trial) for trial in TRIALS], rtol=0, atol=SLACK):
            raise NotYet(sentence)
    index = int(np.argmax(np.abs(np.subtract(answers, right)).max(axis=1) > SLACK))
    raise NotYet(
        f"For one table of {TRIALS[index][0].shape} runs it should be {right[index][0]:.4f} promised and "
        f"{right[index][1]:.4f} delivered; you say {answers[index][0]:.4f} and {answers[index][1]:.4f}."
    )


def _pair(got: object) -> tuple[float, float]:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list | np.ndarray) or np.shape(got) != (2,):
        raise NotYet(f"It should return two numbers, promised and delivered; it returned {str(got)[:60]!r}.")
    return expect_number(got[0]), expect_number(got[1])


def _winner(table: np.ndarray) -> int:
    return int(table.mean(axis=1).argmax())


_WRONG_DELIVERIES = {
    "You look for the best on the fresh runs again, and so choose by luck a second time. The winner is chosen once.":
        lambda c, f: (c.mean(1).max(), f.mean(1).max()),
    "You choose by the fresh runs. Then they are the choosing ones, and nothing is left to judge by.":
        lambda c, f: (c[_winner(f)].mean(), f[_winner(f)].mean()),
    "You choose by all runs together. The fresh ones must not be looked at before the choice.": lambda c, f: (
        c[_winner(np.hstack([c, f]))].mean(), f[_winner(np.hstack([c, f]))].mean()),
    "You choose by a setting's best single run; choose by its mean.":
        lambda c, f: (c[c.max(1).argmax()].mean(), f[c.max(1).argmax()].mean()),
    "The promise is the winner's *mean* on the choosing runs; you return its best run.":
        lambda c, f: (c[_winner(c)].max(), f[_winner(c)].mean()),
    "Both numbers are from the choosing runs; what it delivers is read from the fresh ones.":
        lambda c, f: (c[_winner(c)].mean(), c[_winner(c)].mean()),
    "Both numbers are from the fresh runs; what was promised is read from the choosing ones.":
        lambda c, f: (f[_winner(c)].mean(), f[_winner(c)].mean()),
    "The two are in the wrong order: promised first, then delivered.":
        lambda c, f: promised_and_delivered(c, f)[::-1],
    "You return the mean over all settings; only the winner is shipped.": lambda c, f: (c.mean(), f.mean()),
    "You take the setting with the *lowest* mean.":
        lambda c, f: (c[c.mean(1).argmin()].mean(), f[c.mean(1).argmin()].mean()),
    "axis=0 averages over settings; one row is a setting, so average over axis=1.": lambda c, f: (
        c[_column(c)].mean(), f[_column(c)].mean()),
    "What it delivers is the mean over all its runs, the ones you chose it by included. They are the lucky ones: use "
    "fresh runs only.": lambda c, f: (c[_winner(c)].mean(), np.hstack([c, f])[_winner(c)].mean()),
}  # fmt: skip


def _column(table: np.ndarray) -> int:
    return int(table.mean(axis=0).argmax()) % len(table)


# 12.6 ---------------------------------------------------------------------------------------------


def at_least_as_strong(one: PrivacyClaim, other: PrivacyClaim) -> bool:
    """Whether `one` promises at least as much; other units, or other neighbours, are refused."""
    if one.unit is not other.unit or one.adjacency is not other.adjacency:
        raise ValueError(
            f"one is per {one.unit.value} ({one.adjacency.value}), the other per {other.unit.value} "
            f"({other.adjacency.value}): no number decides that"
        )
    return one.epsilon <= other.epsilon and one.delta <= other.delta


def _claim(
    epsilon: float, delta: float, unit: Unit = Unit.CLIENT, adjacency=Adjacency.ADD_REMOVE, **more: object
) -> PrivacyClaim:
    usual = {
        "mechanism": "gaussian", "noise_multiplier": 4.0, "sampler": "poisson", "sample_rate": 0.1,
        "steps": 100, "accountant": "pld",
    }  # fmt: skip
    return PrivacyClaim("a run", epsilon, delta, unit, adjacency, **usual | more)


ONE = _claim(1.0, 1e-5)
COMPARABLE = (
    (ONE, _claim(2.0, 1e-5), True), (_claim(2.0, 1e-5), ONE, False), (ONE, _claim(1.0, 1e-5), True),
    (ONE, _claim(2.0, 1e-6), False), (_claim(2.0, 1e-6), ONE, False), (_claim(1.0, 1e-6), ONE, True),
    (ONE, _claim(1.0, 1e-6), False), (_claim(2.0, 1e-5), _claim(1.0, 1e-6), False),
    (_claim(1.0, 1e-5, noise_multiplier=2.0, accountant="rdp", steps=9), _claim(1.5, 1e-5), True),
    (_claim(3.0, 1e-5, noise_multiplier=9.0, sample_rate=0.5), ONE, False),
    (_claim(0.3, 0.0, mechanism="laplace", accountant="pure", sampler="none", sample_rate=1.0), ONE, True),
    (_claim(0.2, 1e-5, Unit.EXAMPLE), _claim(0.3, 1e-5, Unit.EXAMPLE), True),
)  # fmt: skip
"""One, other, and whether `one` promises at least as much."""

REFUSED = (
    (_claim(0.2, 1e-5, Unit.EXAMPLE), ONE), (ONE, _claim(0.2, 1e-5, Unit.EXAMPLE)),
    (_claim(9.0, 1e-5, Unit.EXAMPLE), ONE), (_claim(1.0, 1e-5, Unit.PATIENT), ONE),
    (_claim(1.0, 1e-5, Unit.EXAMPLE), ONE), (_claim(9.0, 1e-5), _claim(1.0, 1e-6, Unit.EXAMPLE)),
)  # fmt: skip
OTHER_NEIGHBOURS = (
    (ONE, _claim(2.0, 1e-5, adjacency=Adjacency.REPLACE_ONE)),
    (_claim(2.0, 1e-5, adjacency=Adjacency.REPLACE_ONE), ONE),
)


def verify_comparison(compare: Callable) -> None:
    """Refused by a ValueError with both units in it; within one unit, ε and δ must both be no larger."""
    answers = [_compared(compare, one, other) for one, other, _ in COMPARABLE]
    if answers != [right for *_, right in COMPARABLE]:
        raise NotYet(_why_wrong(answers))
    for one, other in REFUSED:
        answer, error = _asked(compare, one, other)
        if error is None and answer is not None and not answer:
            raise NotYet(
                f"ε {one.epsilon:g} per {one.unit.value} and ε {other.epsilon:g} per {other.unit.value}: you answer False, and "
                "whoever reads it takes the other one for stronger. Nobody knows: raise a ValueError."
            )
        if error is None:
            raise NotYet(
                f"ε {one.epsilon:g} per {one.unit.value} and ε {other.epsilon:g} per {other.unit.value} are promises about "
                "different things, and you compare them: raise a ValueError."
            )
        if not isinstance(error, ValueError):
            raise NotYet(f"Refuse with a ValueError; yours is a {type(error).__name__}.")
        if one.unit.value not in str(error) or other.unit.value not in str(error):
            raise NotYet(
                "Your ValueError does not name the two units. Who reads it should see what was about to be compared: "
                "`unit.value` is the word."
            )
    if any(not isinstance(_asked(compare, one, other)[1], ValueError) for one, other in OTHER_NEIGHBOURS):
        raise NotYet(
            "One promise is under add/remove, the other under replace-one, and you compare them. Neighbours differ, so "
            "raise a ValueError as well."
        )


def _compared(compare: Callable, one: PrivacyClaim, other: PrivacyClaim) -> object:
    try:
        with given(f"{one} | {other}"):
            got = compare(one, other)
    except ValueError as error:
        if one.delta != other.delta:
            sentence = "Two δ may be compared like two ε"
        else:
            sentence = "Mechanism, noise and accountant are how a promise is kept, not what it says"
        raise NotYet(
            f"Both promises are per {one.unit.value} and under the same neighbours, and you refuse: "
            f"{str(error)[:60]!r}. {sentence}."
        ) from None
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, bool | np.bool_):
        raise NotYet(f"It should return True or False; it returned {str(got)[:40]!r}.")
    return bool(got)


def _asked(compare: Callable, one: PrivacyClaim, other: PrivacyClaim) -> tuple[object, Exception | None]:
    """What it answers, or what it raises."""
    try:
        return compare(one, other), None
    except Exception as error:
        return None, error


def _why_wrong(answers: list[bool]) -> str:
    for sentence, rule in _WRONG_COMPARISONS.items():
        if answers == [bool(rule(one, other)) for one, other, _ in COMPARABLE]:
            return sentence
    one, other, right = next(
        case for case, answer in zip(COMPARABLE, answers, strict=True) if answer is not case[2]
    )
    return (
        f"ε {one.epsilon:g} at δ {one.delta:g} against ε {other.epsilon:g} at δ {other.delta:g}: it should return {right}, "
        f"and it returns {not right}."
    )


_WRONG_COMPARISONS = {
    "You look at ε alone. With a larger δ, the smaller ε may fail more often: neither is stronger, so False.":
        lambda a, b: a.epsilon <= b.epsilon,
    "You look at δ alone.": lambda a, b: a.delta <= b.delta,
    "*At least* as strong: equal promises give True.": lambda a, b: a.epsilon < b.epsilon and a.delta < b.delta,
    "At least as strong: where ε is the same and δ no larger, the answer is True.":
        lambda a, b: a.epsilon < b.epsilon and a.delta <= b.delta,
    "At least as strong: where δ is the same and ε no larger, the answer is True.":
        lambda a, b: a.epsilon <= b.epsilon and a.delta < b.delta,
    "One of the two smaller is not enough: ε *and* δ must be no larger.":
        lambda a, b: a.epsilon <= b.epsilon or a.delta <= b.delta,
    "The other way round: a smaller ε promises more.": lambda a, b: a.epsilon >= b.epsilon and a.delta >= b.delta,
    "The noise alone promises nothing: rate and steps count as well, and ε holds them all.":
        lambda a, b: a.noise_multiplier >= b.noise_multiplier,
    "ε decides in your function, and δ only between equal ε. A smaller ε at a larger δ is not stronger.":
        lambda a, b: (a.epsilon, a.delta) <= (b.epsilon, b.delta),
}  # fmt: skip
