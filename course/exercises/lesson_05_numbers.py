"""Checkers of lesson 05 that judge a computed promise: sensitivity, least noise, composition."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given
from course.privacy import analytic_noise_std, gaussian_delta

EXACT = 1e-6
"""Relative, for formulas that are evaluated in one way or another."""


def near(got: float, expected: float, tolerance: float = EXACT) -> bool:
    return math.isclose(got, expected, rel_tol=tolerance, abs_tol=1e-9)


def explained(got: Sequence[float], guesses: Sequence[Mapping[str, float]], tolerance: float = EXACT) -> str:
    """The first guess that explains the answers in all settings at once, or an empty sentence."""
    for sentence in guesses[0]:
        if all(near(value, of[sentence], tolerance) for value, of in zip(got, guesses, strict=True)):
            return sentence
    return ""


# 05.1 ---------------------------------------------------------------------------------------------

RANGES = ((0.0, 10.0), (-2.0, 5.0), (-9.0, 3.0), (17.0, 90.0), (-8.0, -1.0))


def verify_sensitivity(sensitivity) -> None:
    """The largest change of a clipped sum: max(|low|, |high|) for one more person, high − low for another."""
    answers = [_two_numbers(sensitivity, low, high) for low, high in RANGES]
    right = [largest_changes(low, high) for low, high in RANGES]
    if all(
        near(a, b)
        for got, wanted in zip(answers, right, strict=True)
        for a, b in zip(got, wanted, strict=True)
    ):
        return
    if all(
        near(a, b)
        for got, wanted in zip(answers, right, strict=True)
        for a, b in zip(got, wanted[::-1], strict=True)
    ):
        raise NotYet("The two are the wrong way round: first one person more or less, then one replaced.")
    added, replaced = zip(*answers, strict=True)
    for which, (values, guesses) in enumerate(((added, _WRONG_ADDED), (replaced, _WRONG_REPLACED))):
        wrong = [n for n, value in enumerate(values) if not near(value, right[n][which])]
        if wrong:
            tables = [{text: of(low, high) for text, of in guesses.items()} for low, high in RANGES]
            low, high = RANGES[wrong[0]]
            if min(values) < 0 and not explained(values, tables):
                raise NotYet("A sensitivity is a distance: it cannot be negative.")
            who = ("one person more or less", "one replaced person")[which]
            otherwise = (
                f"With values clipped to [{low:g}, {high:g}], {who} moves the sum by up to "
                f"{right[wrong[0]][which]:g}; you say {values[wrong[0]]:g}."
            )
            raise NotYet(explained(values, tables) or otherwise)


def _two_numbers(sensitivity, low: float, high: float) -> tuple[float, float]:
    with given(f"low = {low:g}, high = {high:g}"):
        got = sensitivity(low, high)
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise NotYet("Return two numbers: for one person more or less, and for one person replaced.")
    return expect_number(got[0]), expect_number(got[1])


_WRONG_ADDED = {
    "One person more: you give the width of the range, which is how far a *replaced* person moves the sum. Somebody "
    "who joins adds their own value, all of it.": lambda low, high: high - low,
    "One person more: you look at the upper end only. The lower end may lie further from 0.":
        lambda low, high: high,
    "One person more: you look at the lower end only.": lambda low, high: abs(low),
    "One person more: you take the smaller of the two ends. The promise must hold for the worst person.":
        lambda low, high: min(abs(low), abs(high)),
    "One person more: both ends are added up; one person sits at one of them.":
        lambda low, high: abs(low) + abs(high),
    "One person more: that is the middle of the range; the promise must hold for the worst person.":
        lambda low, high: abs(low + high) / 2,
}  # fmt: skip

_WRONG_REPLACED = {
    "One person replaced: twice the first is too much. Their value moves from one end of the range to the other.":
        lambda low, high: 2 * max(abs(low), abs(high)),
    "One person replaced: you give the same as for one person more. Their value may move from one end of the range "
    "to the other.": lambda low, high: max(abs(low), abs(high)),
}  # fmt: skip


def largest_changes(low: float, high: float) -> tuple[float, float]:
    """By trial: sums over people at either end of the range, before and after one of them changes."""
    added = replaced = 0.0
    for people in itertools.product((low, high), repeat=3):
        for value in (low, high):
            added = max(added, abs(sum((*people, value)) - sum(people)))
            replaced = max(replaced, abs(sum((*people[:-1], value)) - sum(people)))
    return added, replaced


# 05.4 ---------------------------------------------------------------------------------------------

PROMISES = ((3.0, 0.4, 1e-5), (0.5, 2.0, 1e-6), (10.0, 12.0, 1e-3), (2.0, 0.9, 1e-7))
TOO_MUCH = 0.01


def verify_least_noise(least) -> None:
    """The least standard deviation whose exact δ is at most the one asked for, to a percent."""
    answers, right = [], []
    for sensitivity, epsilon, delta in PROMISES:
        with given(_setting(sensitivity, epsilon, delta)):
            answers.append(expect_number(least(sensitivity, epsilon, delta)))
        right.append(analytic_noise_std(sensitivity=sensitivity, epsilon=epsilon, delta=delta))
    if min(answers) <= 0:
        raise NotYet(f"It returned {min(answers):.3g}; a standard deviation is above 0.")
    guesses = [_wrong_noise(*promise, best) for promise, best in zip(PROMISES, right, strict=True)]
    for got, best, promise in zip(answers, right, PROMISES, strict=True):
        if best * (1 - 1e-6) <= got <= best * (1 + TOO_MUCH):
            continue
        actual = gaussian_delta(promise[1], noise_std=got, sensitivity=promise[0])
        otherwise = (
            f"With {_setting(*promise)} your noise of {got:.5g} has δ {actual:.3g}, more than promised. If you "
            "halve an interval, return its upper end: there the promise holds."
            if got < best
            else f"With {_setting(*promise)} your noise of {got:.5g} is more than needed: {best:.5g} is enough."
        )
        raise NotYet(explained(answers, guesses, 2e-3) or otherwise)


def _setting(sensitivity: float, epsilon: float, delta: float) -> str:
    return f"sensitivity {sensitivity:g}, ε {epsilon:g}, δ {delta:g}"


def _wrong_noise(sensitivity: float, epsilon: float, delta: float, right: float) -> dict[str, float]:
    classic = math.sqrt(2 * math.log(1.25 / delta)) / epsilon
    return {
        "That is the textbook formula √(2 log(1.25/δ)) · sensitivity / ε. It adds too much below ε = 1 and is not "
        "proved above. Search for the least noise with gaussian_delta.": classic * sensitivity,
        "The sensitivity is missing: three times the sensitivity needs three times the noise.": right / sensitivity,
        "The sensitivity counts twice: gaussian_delta has it already.": right * sensitivity,
        "That is the variance; return the standard deviation, its root.": right**2,
        "That is Laplace's parameter, sensitivity / ε, which has no δ.": sensitivity / epsilon,
        "That is the textbook formula, and without the sensitivity.": classic,
    }  # fmt: skip


# 05.5 ---------------------------------------------------------------------------------------------

ORDERS = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0, 64.0)
RUNS = ((4.0, 10, 1e-5), (2.0, 50, 1e-6), (30.0, 400, 1e-4), (0.8, 1, 1e-5))


def verify_rdp(epsilon_of) -> None:
    """min over orders of steps · α / 2s² + log(1/δ) / (α − 1), or the tighter conversion."""
    answers = []
    for noise, steps, delta in RUNS:
        with given(f"noise multiplier {noise:g}, {steps} steps, δ {delta:g}, {len(ORDERS)} orders"):
            answers.append(expect_number(epsilon_of(noise, steps, delta, ORDERS)))
    a = np.array(ORDERS)
    guesses = [_wrong_rdp(a, *run) for run in RUNS]
    for got, (noise, steps, delta) in zip(answers, RUNS, strict=True):
        right = steps * a / (2 * noise**2) + math.log(1 / delta) / (a - 1)
        tighter = right + np.log1p(-1 / a) - np.log(a) / (a - 1)
        if near(got, right.min()) or near(got, max(0.0, tighter.min())):
            continue
        raise NotYet(
            explained(answers, guesses)
            or f"With noise multiplier {noise:g}, {steps} steps and δ {delta:g} the smallest of steps · α / 2s² + "
            f"log(1/δ) / (α − 1) is {right.min():.4g}; you say {got:.4g}."
        )


def _wrong_rdp(a: np.ndarray, noise: float, steps: int, delta: float) -> dict[str, float]:
    one, price = a / (2 * noise**2), math.log(1 / delta) / (a - 1)
    every = steps * one + price
    return {
        "The steps are missing: their Rényi divergences add up.": (one + price).min(),
        "You convert one step to ε and multiply: the price of δ is then paid at every step. Add the divergences "
        "first, convert once.": steps * (one + price).min(),
        "Rényi divergences add up; it is ε that then grows with √steps, by itself.":
            (math.sqrt(steps) * one + price).min(),
        "Every order gives a valid ε, and you return the largest. Take the smallest.": every.max(),
        "You use the first order only. Every order gives a valid ε: take the smallest.": every[0],
        "You use the last order only. Every order gives a valid ε: take the smallest.": every[-1],
        "Every order gives a valid ε: take the smallest, not their mean.": every.mean(),
        "log(1/δ) is positive; you add log δ, which makes a small δ look cheap.": (steps * one - price).min(),
        "δ is missing: ε pays log(1/δ) / (α − 1) for it.": (steps * one).min(),
        "Divide log(1/δ) by α − 1, not by α.": (steps * one + math.log(1 / delta) / a).min(),
        "The noise multiplier is squared: α / 2s².": (steps * a / (2 * noise) + price).min(),
        "The 2 is missing: α / 2s².": (steps * a / noise**2 + price).min(),
        "α is missing: the divergence of order α is α / 2s².": (steps / (2 * noise**2) + price).min(),
        "The noise stands below the line: α / 2s².": (steps * a * noise**2 / 2 + price).min(),
    }  # fmt: skip
