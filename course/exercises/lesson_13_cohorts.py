"""Checker of lesson 13 on who was drawn: was there a coin for each client, in each round?"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import ALARM
from course.exercises.probe import expect_number, given

# 13.6 ---------------------------------------------------------------------------------------------

PEOPLE, SHARE, ROUNDS, RIGHT_RUNS = 60, 0.2, 80, 400
HALF_RUNS = 1_200
"""At a rate of a half, rounds that overlap are most alike, and whoever takes them for independent errs most."""
SURE = 1e-4


def chance_if_poisson(cohorts: Sequence[np.ndarray], population: int, sample_rate: float) -> float:
    """Twice the smaller of two chances: of sizes that vary so little, and of so few who are drawn again at once.

    Cohorts are taken in pairs that do not overlap, so that the tries are independent.
    """
    sizes = np.array([len(cohort) for cohort in cohorts])
    mean, variance = population * sample_rate, population * sample_rate * (1 - sample_rate)
    of_sizes = stats.chi2.cdf(((sizes - mean) ** 2).sum() / variance, len(sizes))
    pairs = list(zip(cohorts[::2], cohorts[1::2], strict=False))
    again = sum(len(np.intersect1d(one, other)) for one, other in pairs)
    of_repeats = stats.binom.cdf(again, population * len(pairs), sample_rate**2)
    return min(1.0, 2 * min(of_sizes, of_repeats))


def verify_poisson(chance: Callable) -> None:
    """Seldom small for a coin each; small for fixed sizes, and for shuffled lists, cut evenly or not."""
    rng = checking_rng("13 cohorts")
    said = np.array([_ask_cohorts(chance, _coins(rng), "coins") for _ in range(RIGHT_RUNS)])
    cheats = {
        kind: np.median([_ask_cohorts(chance, _cheat(kind, rng), kind) for _ in range(5)]) for kind in _CHEATS
    }
    if np.ptp([*said, *cheats.values()]) < 1e-6:
        raise NotYet(f"Whoever was drawn, it says {said[0]:.3g}. Look at the cohorts.")
    if min(cheats.values()) > 0.99:
        raise NotYet(
            "Each way that is *not* a coin for each client gets a chance of almost 1: you give that of the opposite."
        )
    for level in (0.2, 0.02):
        alarms = int((said <= level).sum())
        if stats.binom.sf(alarms - 1, RIGHT_RUNS, level) < ALARM:
            raise NotYet(
                f"{alarms} of {RIGHT_RUNS} series that *were* drawn by a coin for each client get a chance of at most {level:g}. You "
                "would accuse a sound vendor. If you look in two ways, double the smaller chance."
            )
    halves = [[np.flatnonzero(rng.random(PEOPLE) < 0.5) for _ in range(40)] for _ in range(HALF_RUNS)]
    alarms = sum(_ask_cohorts(chance, run, "coins", PEOPLE, 0.5) <= 0.05 for run in halves)
    if stats.binom.sf(alarms - 1, HALF_RUNS, 0.05) < ALARM:
        raise NotYet(
            f"At a rate of 0.5, {alarms} of {HALF_RUNS} series of coins get a chance of at most 0.05. Are your tries independent? "
            "Rounds 1 and 2, and rounds 2 and 3, have one round in both: take pairs that do not overlap."
        )
    for kind, sentence in _CHEATS.items():
        if cheats[kind] > SURE:
            raise NotYet(sentence.format(cheats[kind]))
    few = [np.flatnonzero(rng.random(1_000) < 0.004) for _ in range(30)]
    if _ask_cohorts(chance, few, "other numbers", 1_000, 0.004) < 1e-7:
        raise NotYet(
            "30 cohorts drawn by coins from 1,000 people at a rate of 0.004 are called impossible. Use the population and "
            "the rate that are given."
        )


_CHEATS = {
    "always the same number": "Cohorts of exactly the same size, drawn anew each time, get the chance {:.2g}. Coins vary in number, with a variance "
    "of N q (1 − q): compare.",
    "a shuffled list, cut evenly": "A shuffled list, cut into equal pieces, gets the chance {:.2g}. The sizes never vary, and nobody is drawn twice in "
    "a row.",
    "a shuffled list, cut in pieces of random size": "A shuffled list in pieces of random size gets the chance {:.2g}. Their sizes are those of coins; but who has just been "
    "drawn is not drawn again.",
}  # fmt: skip


def _ask_cohorts(
    chance: Callable, cohorts: list[np.ndarray], kind: str, population: int = PEOPLE, rate: float = SHARE
) -> float:
    handed = tuple(cohort.copy() for cohort in cohorts)
    with given(f"{len(cohorts)} cohorts ({kind}) of {population} people at sample_rate={rate:g}"):
        value = expect_number(chance(handed, population, rate))
    if not all(np.array_equal(old, new) for old, new in zip(cohorts, handed, strict=True)):
        raise NotYet("It changes the cohorts that it is given.")
    if not -1e-9 <= value <= 1 + 1e-9:
        raise NotYet(f"A chance is from 0 to 1; for {kind} it says {value:.3g}.")
    return value


def _coins(rng: np.random.Generator) -> list[np.ndarray]:
    return [np.flatnonzero(rng.random(PEOPLE) < SHARE) for _ in range(ROUNDS)]


def _cheat(kind: str, rng: np.random.Generator) -> list[np.ndarray]:
    size = round(PEOPLE * SHARE)
    if kind == "always the same number":
        return [np.sort(rng.permutation(PEOPLE)[:size]) for _ in range(ROUNDS)]
    random_sizes = kind.endswith("random size")
    sizes = rng.binomial(PEOPLE, SHARE, ROUNDS) if random_sizes else np.full(ROUNDS, size)
    lists = np.concatenate([rng.permutation(PEOPLE) for _ in range(2 + int(sizes.sum()) // PEOPLE)])
    ends = np.cumsum(sizes)
    return [np.unique(lists[end - n : end]) for end, n in zip(ends, sizes, strict=True)]
