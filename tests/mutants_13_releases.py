"""Right and wrong answers to the exercises of lesson 13 on what is published."""

import itertools
import math

import numpy as np
from scipy import stats

from course.exercises.exercise import find_exercise
from course.privacy import Adjacency, epsilon_spent

INTERVAL, EPSILON, POISSON = (find_exercise(f"13.{n}").reference for n in (4, 5, 6))


# 13.4 -------------------------------------------------------------------------------------------


def interval(
    difference=lambda a, b: a - b,
    parts=2.0,
    degrees=lambda n: n,
    tails=lambda f: (1 - f / 2, f / 2),
    root=math.sqrt,
):
    """The right interval with one part of its own."""

    def between(first, second, false_alarm):
        squares = float((difference(first, second) ** 2).sum()) / parts
        return tuple(root(squares / stats.chi2.ppf(p, degrees(len(first)))) for p in tails(false_alarm))

    return between


def around_the_mean(first, second, false_alarm):
    """Another right way: the mean of the differences is not assumed to be 0."""
    difference, n = first - second, len(first)
    squares = difference.var(ddof=1) * (n - 1) / 2
    return [math.sqrt(squares / stats.chi2.isf(p, n - 1)) for p in (false_alarm / 2, 1 - false_alarm / 2)]


def by_the_cube_root(first, second, false_alarm):
    """Another right way: the approximation of Wilson and Hilferty to the quantiles of χ²."""
    n, z = len(first), stats.norm.isf(false_alarm / 2)
    squares = ((first - second) ** 2).sum() / 2
    quantiles = [n * max(1 - 2 / (9 * n) + s * z * math.sqrt(2 / (9 * n)), 1e-9) ** 3 for s in (1, -1)]
    return np.array([math.sqrt(squares / quantile) for quantile in quantiles])


def like_a_mean(first, second, false_alarm):
    std = (first - second).std() / math.sqrt(2)
    margin = stats.norm.isf(false_alarm / 2) * std / len(first)
    return std - margin, std + margin


def never_nothing(first, second, false_alarm):
    low, high = INTERVAL(first, second, false_alarm)
    return low, max(high, 1e-3)


def in_place(first, second, false_alarm):
    first -= second
    return INTERVAL(first, 0 * second, false_alarm)


# 13.5 -------------------------------------------------------------------------------------------


def epsilon(**changed):
    """The right total with one part of its own; `changed` are functions of the noise and the annex."""

    def total(noise_std, annex):
        run = {
            "noise_multiplier": noise_std / annex.max_update_norm, "sample_rate": annex.sample_rate,
            "steps": annex.rounds, "delta": annex.delta, "accountant": annex.accountant,
            "adjacency": annex.adjacency,
        }  # fmt: skip
        return epsilon_spent(**(run | {name: value(noise_std, annex) for name, value in changed.items()}))

    return total


def without_infinity(noise_std, annex):
    return min(EPSILON(noise_std, annex), 99.0)


# 13.6 -------------------------------------------------------------------------------------------


def size_chance(cohorts, population, rate):
    sizes = np.array([len(cohort) for cohort in cohorts])
    variance = population * rate * (1 - rate)
    return stats.chi2.cdf(((sizes - population * rate) ** 2).sum() / variance, len(sizes))


def repeat_chance(cohorts, population, rate):
    pairs = list(zip(cohorts[::2], cohorts[1::2], strict=False))
    again = sum(len(np.intersect1d(one, other)) for one, other in pairs)
    return stats.binom.cdf(again, population * len(pairs), rate**2)


def chance_of_neighbours(cohorts, population, rate):
    again = sum(len(np.intersect1d(one, other)) for one, other in itertools.pairwise(cohorts))
    return stats.binom.cdf(again, population * (len(cohorts) - 1), rate**2)


def smaller(*chances, factor=None):
    factor = len(chances) if factor is None else factor
    return lambda *a: min(1.0, factor * min(rule(*a) for rule in chances))


def by_a_table(cohorts, population, rate):
    """Another right way: normal approximations, on a table of who was drawn when."""
    table = np.zeros((len(cohorts), population))
    for row, cohort in zip(table, cohorts, strict=True):
        row[cohort] = 1
    sizes, n = table.sum(1), len(cohorts)
    spread = ((sizes - population * rate) ** 2).mean() / (population * rate * (1 - rate)) - 1
    again = (table[1:] * table[:-1]).sum()
    variance = (n - 1) * rate**2 * (1 - rate**2) + 2 * (n - 2) * rate**3 * (1 - rate)
    z = (again - population * (n - 1) * rate**2) / math.sqrt(population * variance)
    return min(1.0, 2 * min(stats.norm.cdf(spread * math.sqrt(n / 2)), stats.norm.cdf(z)))


def combined(cohorts, population, rate):
    """Another right way: Fisher's combination of the two chances."""
    both = [size_chance(cohorts, population, rate), repeat_chance(cohorts, population, rate)]
    return stats.combine_pvalues(np.maximum(both, 1e-300), method="fisher").pvalue


def raw_overlap(cohorts, population, rate):
    again = sum(len(set(one) & set(other)) for one, other in itertools.pairwise(cohorts))
    return again / (population * len(cohorts) * rate**2)


def sorts(cohorts, population, rate):
    for cohort in cohorts:
        cohort[:] = cohort[::-1]
    return POISSON(cohorts, population, rate)


def of_sixty(cohorts, population, rate):
    return POISSON(cohorts, 60, 0.2)


ACCEPT_RELEASES = {
    "13.4": {
        "reference": INTERVAL,
        "around the mean": around_the_mean,
        "the cube root": by_the_cube_root,
    },
    "13.5": {
        "reference": EPSILON,
        "another accountant": epsilon(accountant=lambda s, a: "pld"),
        "the norm on the other side": epsilon(
            noise_multiplier=lambda s, a: (s / a.step) / (a.max_update_norm / a.step)
        ),
    },
    "13.6": {
        "reference": POISSON,
        "by a table": by_a_table,
        "combined": combined,
    },
}

REJECT_RELEASES = {
    "13.4": {
        "one noise": (interval(parts=1.0), "1.4 times too high"),
        "divided twice": (interval(parts=4.0), "divided by 2 once"),
        "one release": (interval(difference=lambda a, b: a), "far too high"),
        "variance": (interval(root=float), "take the root"),
        "like a mean": (like_a_mean, "They are too narrow"),
        "always 95 %": (interval(tails=lambda f: (0.975, 0.025)), "no wider than at"),
        "upside down": (interval(tails=lambda f: (f / 2, 1 - f / 2)), "the wrong way round"),
        "one degree": (interval(degrees=lambda n: 1), "as many degrees of freedom"),
        "never nothing": (never_nothing, "Two equal releases"),
        "nothing is known": (lambda a, b, f: (0.0, 0.0 if (a == b).all() else 1e3), "times as wide"),
        "all of it on each side": (interval(tails=lambda f: (1 - f, f)), "each of the two ends"),
        "one number": (lambda a, b, f: [float((a - b).std())], "two numbers, (low, high)"),
        "in place": (in_place, "changes the releases"),
    },
    "13.5": {
        "a round less": (epsilon(steps=lambda s, a: a.rounds - 1), "A round is missing"),
        "a round more": (epsilon(steps=lambda s, a: a.rounds + 1), "you say 1.69"),
        "a round less, tightly": (
            epsilon(steps=lambda s, a: a.rounds - 1, accountant=lambda s, a: "pld"),
            "you say 1.34",
        ),
        "one round": (epsilon(steps=lambda s, a: 1), "the ε of one round. The"),
        "rounds times one": (
            lambda s, a: a.rounds * epsilon(steps=lambda s, a: 1)(s, a),
            "True, but loose",
        ),
        "not over C": (epsilon(noise_multiplier=lambda s, a: s), "noise over the norm C of"),
        "times C": (epsilon(noise_multiplier=lambda s, a: s * a.max_update_norm), "You multiply the noise"),
        "no sampling": (epsilon(sample_rate=lambda s, a: 1.0), "You leave the sampling out"),
        "add or remove": (epsilon(adjacency=lambda s, a: Adjacency.ADD_REMOVE), "for granted"),
        "as stated": (lambda s, a: a.epsilon, "You give back what the annex states"),
        "usual delta": (epsilon(delta=lambda s, a: 1e-5), "δ is not the annex's"),
        "twice": (lambda s, a: 2 * EPSILON(s, a), "you say 3.29"),
        "no infinity": (without_infinity, "Without noise nothing is promised"),
    },
    "13.6": {
        "sizes": (size_chance, "who has just been drawn"),
        "repeats": (repeat_chance, "drawn anew each time, get"),
        "not doubled": (smaller(size_chance, repeat_chance, factor=1), "double the smaller chance"),
        "pairs that overlap": (smaller(size_chance, chance_of_neighbours), "pairs that do not overlap"),
        "the opposite": (lambda *a: 1 - POISSON(*a), "you give that of the opposite"),
        "always": (lambda *a: 0.5, "Whoever was drawn"),
        "no chance": (raw_overlap, "A chance is from 0 to 1"),
        "of sixty": (of_sixty, "Use the population and the rate"),
        "turns them": (sorts, "changes the cohorts"),
    },
}
