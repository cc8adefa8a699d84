"""Checkers of exercises 04.3 and 04.6: the share of members found, and how many non-members that takes."""

import math
import numbers

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.lesson_04_scores import left_alone
from course.exercises.probe import expect_number, given

TOLERANCE = 1e-6
"""Of a share; float32 inside an answer is fine."""

# 04.3 ---------------------------------------------------------------------------------------------


def verify_tpr(tpr_at_fpr) -> None:
    """The highest share of members above a threshold that accuses at most a share `fpr` of the others."""
    # In the last case the rate allows a whole number of false alarms.
    cases = (
        ((900,), 0.02),
        ((3, 400), 0.013),
        ((2400,), 0.1),
        ((900,), 0.015),
        ((1000,), 0.05),
    )
    for seed, (shape, fpr) in enumerate(cases):
        rng = np.random.default_rng(seed)
        is_member = rng.random(shape) < 0.4 if shape != (1000,) else rng.permutation(1000) < 500
        scores = rng.normal(size=shape) * 2 + 1.5 * is_member - 7
        _expect_rate(tpr_at_fpr, scores, is_member, fpr, f"scores of shape {shape}, fpr={fpr}")
    _expect_ties(tpr_at_fpr)


def _expect_rate(tpr_at_fpr, scores, is_member, fpr, inputs) -> None:
    arrays = scores.copy(), is_member.copy()
    with given(inputs), left_alone(*arrays):
        got = tpr_at_fpr(*arrays, fpr)
    got, right = expect_number(got), _highest_share(scores, is_member, fpr)
    if abs(got - right) > TOLERANCE:
        raise NotYet(_why_rate(got, right, scores, is_member, fpr))


def _highest_share(scores, is_member, fpr) -> float:
    outside = np.sort(scores[~is_member])[::-1]
    return float((scores[is_member] > outside[int(fpr * len(outside) + 1e-9)]).mean())


def _why_rate(got, right, scores, is_member, fpr) -> str:
    inside, outside = scores[is_member], np.sort(scores[~is_member])[::-1]
    allowed = int(fpr * len(outside) + 1e-9)

    def above(threshold, group=inside) -> float:
        return float((group > threshold).mean())

    guesses = {
        "That threshold accuses a share fpr of the *members*. The rate is about non-members.": above(
            np.quantile(inside, 1 - fpr)
        ),
        "That threshold accuses a share fpr of everybody. Choose it by the non-members alone.": above(
            np.quantile(scores, 1 - fpr)
        ),
        "You accuse people with low scores. Higher means member: accuse from the top.": float(
            (inside < outside[::-1][allowed]).mean()
        ),
        "You accuse one non-member more than the rate allows: the threshold's own score is not accused, so use >.":
            float((inside >= outside[allowed + 1]).mean()),
        "You accuse one non-member fewer than the rate allows: the threshold is the score of the first whom you may "
        "*not* accuse, entry k counted from 0.": above(outside[allowed - 1]),
        "You divide the accused members by all people. It is a share of the members.": float(
            (inside > outside[allowed]).sum() / scores.size
        ),
        "You count everybody who is accused. Count the members among them.": above(outside[allowed], scores.ravel()),
        "That is the share of the accused who are members (precision), not of the members who are accused.": float(
            (inside > outside[allowed]).sum() / (scores > outside[allowed]).sum()
        ),
        "You return the rate of false alarms. Return the share of *members* above the threshold.": above(
            outside[allowed], outside
        ),
    }  # fmt: skip
    for sentence, value in guesses.items():
        if abs(got - value) < TOLERANCE:
            return sentence
    if abs(got - above(np.quantile(outside, 1 - fpr))) < TOLERANCE or right - 0.02 < got < right:
        return (
            f"Your threshold lies a little higher than it need. With {allowed} false alarms allowed, the next "
            "non-member's own score is the threshold, with > and no interpolation."
        )
    if got > 1 or got < 0:
        return f"It returned {got:.3g}, and a share lies between 0 and 1. Is that a threshold or a count?"
    return (
        f"With {allowed} false alarms allowed among {len(outside)} non-members, {right:.1%} of the members score "
        f"above the threshold; you return {got:.1%}."
    )


def _expect_ties(tpr_at_fpr) -> None:
    """Where scores are equal, whoever accuses one accuses all: often nobody may be accused."""
    is_member = np.arange(800) % 2 == 0
    scores = np.where(np.arange(800) < 20, 2.0, 1.0)
    # Ten non-members score 2: at a rate of 1 % only four may be accused, so the twenty are spared as well.
    for values, fpr in ((np.zeros(800), 0.01), (scores, 0.01)):
        with given("many equal scores"):
            got = expect_number(tpr_at_fpr(values.copy(), is_member.copy(), fpr))
        if abs(got) > TOLERANCE:
            raise NotYet(
                "Equal scores are accused together. When accusing a tied score breaks the rate, nobody with that "
                "score may be accused: compare with >."
            )
    coarse = np.round(np.random.default_rng(0).normal(size=800) + is_member)
    with given("scores that are whole numbers, fpr=0.1"):
        got = expect_number(tpr_at_fpr(coarse.copy(), is_member.copy(), 0.1))
    right = _highest_share(coarse, is_member, 0.1)
    if abs(got - right) > TOLERANCE:
        raise NotYet(
            f"Where many share a score, {right:.1%} of the members lie above the threshold; you return {got:.1%}. "
            "Each non-member counts, also those who share a score."
        )


# 04.6 ---------------------------------------------------------------------------------------------


def verify_enough(enough_non_members) -> None:
    """The smallest n with (1 − fpr)^n ≤ 1 − confidence."""
    for fpr, confidence in ((0.02, 0.9), (0.01, 0.95), (0.001, 0.95), (0.1, 0.99), (0.005, 0.5)):
        with given(f"fpr={fpr}, confidence={confidence}"):
            got = enough_non_members(fpr, confidence)
        number = expect_number(got)
        right = _fewest(fpr, confidence)
        if number != right:
            raise NotYet(_why_enough(number, right, fpr, confidence))
        if not isinstance(got, numbers.Integral):
            raise NotYet(f"It returned {got!r}, a {type(got).__name__}: people are counted in whole numbers.")
    # Here two leave a doubt of exactly 1 − confidence (0.5² = 0.25), in floating point as well.
    number = expect_number(enough_non_members(0.5, 0.75))
    if number != 2:
        raise NotYet(
            f"For fpr=0.5 and confidence=0.75 you return {number:g}. With 2 the doubt is exactly 1 − confidence, and "
            "at most that is what we ask for: round up, and add nothing."
        )


def _fewest(fpr: float, confidence: float) -> int:
    count, doubt = 0, 1.0
    while doubt > 1 - confidence:
        count, doubt = count + 1, doubt * (1 - fpr)
    return count


def _why_enough(number: float, right: int, fpr: float, confidence: float) -> str:
    exact = math.log(1 - confidence) / math.log(1 - fpr)
    guesses = {
        "That is how many you need to *expect* one false alarm. Seeing none among them happens by luck, one time "
        "in three.": (1 / fpr, math.ceil(1 / fpr)),
        "Three over fpr is a rule of thumb for 95 %. Compute it, so that it holds for every confidence.": (
            3 / fpr, math.ceil(3 / fpr), round(3 / fpr),
        ),
        "Round up: with a fraction of a person fewer, the doubt is still too large.": (math.floor(exact),),
        "You give the exact solution. The smallest whole number is the next one: round it up.": (exact,),
        "You solve for a chance of `confidence` to see no false alarm. It should be the remaining doubt, "
        "1 − confidence.": (
            math.ceil(math.log(confidence) / math.log(1 - fpr)), math.log(confidence) / math.log(1 - fpr),
        ),
        "That splits the doubt into two tails. Only too many false alarms worry us: one tail.": (
            math.ceil(math.log((1 - confidence) / 2) / math.log(1 - fpr)),
        ),
        "(1 − fpr) must be raised to n; the logarithm of fpr itself is no part of this.": (
            math.ceil(math.log(1 - confidence) / math.log(fpr)),
        ),
    }  # fmt: skip
    for sentence, values in guesses.items():
        if any(abs(number - value) < 1e-6 * max(1.0, abs(value)) for value in values):
            return sentence
    side = "leave more doubt than that" if number < right else "are more than it takes"
    return (
        f"For fpr={fpr} and confidence={confidence}, {number:,.6g} non-members {side}: the smallest n has "
        "(1 − fpr)^n ≤ 1 − confidence."
    )
