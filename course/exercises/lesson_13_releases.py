"""Checkers of lesson 13 on what is published: how much noise, and which ε that is."""

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from course.audit_lab.records import Annex
from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import ALARM
from course.exercises.probe import expect_number, given
from course.privacy import Adjacency, Unit, epsilon_spent

# 13.4 ---------------------------------------------------------------------------------------------

PAIRS, COVER = 600, 0.1


def noise_interval(first: np.ndarray, second: np.ndarray, false_alarm: float) -> tuple[float, float]:
    """Between which values the noise's standard deviation lies: Σ d² / (2 s²) is χ² with n degrees."""
    squares, n = float(((first - second) ** 2).sum()) / 2, len(first)
    low, high = (math.sqrt(squares / stats.chi2.ppf(p, n)) for p in (1 - false_alarm / 2, false_alarm / 2))
    return low, high


def verify_interval(interval: Callable) -> None:
    """It covers the truth as often as stated, at any size and length; it is not wide; no noise is (0, 0)."""
    rng = checking_rng("13 interval")
    cases = [(0.02, 12), (5.0, 40)]
    got = {(std, n): [_ask(interval, _pair(rng, std, n), COVER) for _ in range(PAIRS)] for std, n in cases}
    for (std, n), answers in got.items():
        ratios = np.array(answers) / std
        _expect_coverage(ratios, n)
    sure = np.mean([np.array(_ask(interval, _pair(rng, 1.0, 40), 1e-6)) for _ in range(60)], axis=0)
    usual = np.mean(np.array(got[5.0, 40]), axis=0) / 5.0
    if not (sure[0] < 0.85 * usual[0] and sure[1] > 1.15 * usual[1]):
        raise NotYet(
            f"At false_alarm=1e-6 the interval is no wider than at {COVER:g}: the caution that is asked for has to widen it."
        )
    same = np.arange(30.0)
    low, high = _ask(interval, (same, same.copy()), 1e-3)
    if (low, high) != (0.0, 0.0):
        raise NotYet(
            f"Two equal releases have no noise at all: the interval is (0, 0), and yours is ({low:.3g}, {high:.3g})."
        )


def _pair(rng: np.random.Generator, std: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two releases of the same sum, which is not 0."""
    total = rng.normal(scale=20 * std, size=n) + 7 * std
    return total + rng.normal(scale=std, size=n), total + rng.normal(scale=std, size=n)


def _ask(interval: Callable, pair: tuple[np.ndarray, np.ndarray], false_alarm: float) -> tuple[float, float]:
    handed = tuple(release.copy() for release in pair)
    with given(f"two releases of {len(pair[0])} entries and false_alarm={false_alarm:g}"):
        got = interval(*handed, false_alarm)
    if not all(np.array_equal(old, new) for old, new in zip(pair, handed, strict=True)):
        raise NotYet("It changes the releases that it is given.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
        raise NotYet(f"It should return two numbers, (low, high); it returned a {type(got).__name__}.")
    low, high = (expect_number(number) for number in got)
    if low > high:
        raise NotYet(
            f"low is {low:.3g} and high is {high:.3g}: they are the wrong way round. The large quantile of χ² belongs to the "
            "small deviation."
        )
    if low < 0:
        raise NotYet(f"A standard deviation is not negative; low is {low:.3g}.")
    return low, high


def _expect_coverage(ratios: np.ndarray, n: int) -> None:
    """Complain if the truth, here 1, is missed too often, or if the interval is needlessly wide."""
    missed = int(((ratios[:, 0] > 1) | (ratios[:, 1] < 1)).sum())
    middle = float(np.sqrt(np.median(ratios[:, 0]) * np.median(ratios[:, 1])))
    low, high = (math.sqrt(n / stats.chi2.ppf(p, n)) for p in (1 - COVER / 2, COVER / 2))
    spread = float(np.median(ratios[:, 1] / np.maximum(ratios[:, 0], 1e-9))) / (high / low)
    if stats.binom.sf(missed - 1, PAIRS, COVER) < ALARM:
        raise NotYet(_why_missed(missed, middle, spread))
    width = float(np.median(ratios[:, 1] - ratios[:, 0])) / (high - low)
    if width > 1.6:
        raise NotYet(
            f"The interval is {width:.1f} times as wide as it need be with {n} entries. With {n} of them, you know the "
            "deviation better than that."
        )


def _why_missed(missed: int, middle: float, spread: float) -> str:
    """What a middle of the intervals so far from the truth, 1, and a spread so far from the right one say."""
    start = f"Of {PAIRS} intervals at false_alarm={COVER:g} yours miss the true deviation {missed} times. "
    if 1.3 < middle < 1.55:
        return (
            start
            + "They lie 1.4 times too high: a difference of two releases has the noise of both, 2 s² in variance."
        )
    if 0.6 < middle < 0.8:
        return start + "They lie too low, by about the root of 2: Σ d² is divided by 2 once, not twice."
    if spread > 3:
        return (
            start
            + "Low and high are much too far apart: χ² has as many degrees of freedom as there are entries."
        )
    if middle > 4:
        return (
            start + "They lie far too high: it is the *difference* that has no update in it, not a release."
        )
    if 0.75 < spread < 0.95 and missed > 0.15 * PAIRS:
        return start + "That is twice as often as it may: each of the two ends may err half of false_alarm."
    if spread < 0.8:
        return (
            start + "They are too narrow: a deviation from n entries is known to about 1 / √(2n) of itself."
        )
    return (
        start + "Divide Σ d² / 2 by quantiles of χ² with n degrees of freedom, and take the root at the end."
    )


# 13.5 ---------------------------------------------------------------------------------------------


def total_epsilon(noise_std: float, annex: Annex) -> float:
    """The ε of all rounds with noise of this size, by the annex's own rules."""
    return epsilon_spent(
        noise_multiplier=noise_std / annex.max_update_norm, sample_rate=annex.sample_rate, steps=annex.rounds,
        delta=annex.delta, accountant=annex.accountant, adjacency=annex.adjacency,
    )  # fmt: skip


def annex_of(*, rounds: int, rate: float, norm: float, adjacency: Adjacency, delta: float) -> Annex:
    """An annex with these numbers; what it states as ε is of no use for anything."""
    return Annex(
        epsilon=1.234, delta=delta, unit=Unit.CLIENT, adjacency=adjacency, rounds=rounds, sample_rate=rate,
        population=250, max_update_norm=norm, accountant="rdp", smallest_cohort=2, cohort_size=5, noise_added="by us",
        server_sees="sums", step=norm / 2**16,
    )  # fmt: skip


ANNEXES = (
    (3.0, annex_of(rounds=12, rate=0.1, norm=2.0, adjacency=Adjacency.ADD_REMOVE, delta=1e-5)),
    (2.0, annex_of(rounds=20, rate=1.0, norm=0.5, adjacency=Adjacency.REPLACE_ONE, delta=1e-5)),
    (1.1, annex_of(rounds=7, rate=0.2, norm=1.5, adjacency=Adjacency.ADD_REMOVE, delta=1e-3)),
    (6.0, annex_of(rounds=3, rate=1.0, norm=5.0, adjacency=Adjacency.ADD_REMOVE, delta=1e-4)),
)

TIGHTEST = (1.385, 11.480, 4.753, 5.918)
"""The ε of each by the accountant "pld", to three digits: with the same rules nobody proves less."""

TIGHTER, LOOSER = 0.99, 1.02
"""Shares of the tightest and of the annex's own accountant between which an answer may lie."""


def verify_total_epsilon(total: Callable) -> None:
    """The ε of all rounds, from the noise and from nothing that the vendor says about ε."""
    got = []
    for noise_std, annex in ANNEXES:
        with given(f"noise_std={noise_std:g} and an annex of {annex.rounds} rounds"):
            got.append(_expect_epsilon(total(noise_std, annex)))
    right = [total_epsilon(noise_std, annex) for noise_std, annex in ANNEXES]
    off = [not TIGHTER * least <= a <= LOOSER * b for a, least, b in zip(got, TIGHTEST, right, strict=True)]
    if any(off):
        for sentence, wrong in _WRONG_EPSILONS.items():
            if np.allclose(got, [wrong(noise_std, annex) for noise_std, annex in ANNEXES], rtol=0.01):
                raise NotYet(sentence)
        place = off.index(True)
        noise_std, annex = ANNEXES[place]
        raise NotYet(
            f"Noise of {noise_std:g} on updates of norm {annex.max_update_norm:g}, {annex.rounds} rounds, rate "
            f"{annex.sample_rate:g}, {annex.adjacency.value}: that is an epsilon of {right[place]:.2f}; you say {got[place]:.2f}."
        )
    with given("noise_std=0"):
        silent = _expect_epsilon(total(0.0, ANNEXES[0][1]))
    if silent < 1e6:
        raise NotYet(f"Without noise nothing is promised: the answer is math.inf, and you say {silent:.3g}.")


def _expect_epsilon(value: object) -> float:
    if isinstance(value, float) and math.isinf(value) and value > 0:
        return value
    return expect_number(value)


def _with(noise_std: float, annex: Annex, **changed: object) -> float:
    run = {
        "noise_multiplier": noise_std / annex.max_update_norm, "sample_rate": annex.sample_rate,
        "steps": annex.rounds, "delta": annex.delta, "accountant": "rdp", "adjacency": annex.adjacency,
    }  # fmt: skip
    return epsilon_spent(**(run | changed))


_WRONG_EPSILONS = {
    "That is the ε of one round. The releases of all rounds together are promised: steps=annex.rounds.":
        lambda s, a: _with(s, a, steps=1),
    "A round is missing: the annex pays for annex.rounds of them.":
        lambda s, a: _with(s, a, steps=a.rounds - 1),
    "That is the ε of one round times the rounds. True, but loose: an accountant over all rounds proves far less.":
        lambda s, a: a.rounds * _with(s, a, steps=1),
    "The noise multiplier is noise over the norm C of an update: divide noise_std by annex.max_update_norm.":
        lambda s, a: _with(s, a, noise_multiplier=s),
    "You multiply the noise by the norm C; the multiplier is noise *over* C.":
        lambda s, a: _with(s, a, noise_multiplier=s * a.max_update_norm),
    "You leave the sampling out: a client is in a round with the chance annex.sample_rate.":
        lambda s, a: _with(s, a, sample_rate=1.0),
    "You take adding or removing a client for granted. Under REPLACE_ONE a client moves the sum by up to 2C: hand the "
    "annex's adjacency on.": lambda s, a: _with(s, a, adjacency=Adjacency.ADD_REMOVE),
    "You give back what the annex states. It is to be recomputed from the noise.": lambda s, a: a.epsilon,
    "δ is not the annex's; a larger δ makes a smaller ε.": lambda s, a: _with(s, a, delta=1e-5),
}  # fmt: skip
