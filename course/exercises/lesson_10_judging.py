"""Checkers of lesson 10 on judging a detector: one threshold from many hospitals' counts, and a gain's interval."""

import copy
import random
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from course.attacks import auc
from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given
from course.hospital.evaluation import choose_threshold as library_choose_threshold

# 10.4 ---------------------------------------------------------------------------------------------

GRID = np.array([-2.0, -1.0, 0.0, 0.5, 1.5, 2.5, 4.0])
FOUND = (
    # Tumours found at each threshold by each hospital; the first number is how many the hospital has.
    (((20, 20, 19, 15, 9, 4, 0), (10, 9, 9, 8, 8, 8, 5)), 30, 0.9),
    (((20, 20, 19, 15, 9, 4, 0), (10, 9, 9, 8, 8, 8, 5)), 30, 0.5),
    (((8, 8, 6, 6, 6, 2, 1), (2, 0, 0, 0, 0, 0, 0), (40, 40, 40, 39, 34, 30, 3)), 50, 0.8),
    (((5, 5, 5, 4, 4, 4, 2),), 5, 0.8),
    (((8, 7, 3, 3, 3, 3, 1), (2, 2, 2, 2, 2, 1, 0)), 10, 1.0),
    # 19.24 tumours are asked, and at one threshold 19 are found; then six whom no threshold finds.
    (((17, 17, 15, 14, 14, 3, 0), (9, 9, 9, 6, 5, 2, 1)), 26, 0.74),
    (((17, 17, 15, 14, 14, 3, 0), (9, 9, 9, 6, 5, 2, 1)), 32, 0.75),
)


def verify_threshold(choose: Callable) -> None:
    """The highest threshold at which the hospitals' counts add up to enough."""
    for counts, number, wanted in FOUND:
        found = [np.array(each) for each in counts]
        handed, grid = copy.deepcopy(found), GRID.copy()
        with given(f"found={[list(each) for each in counts]}, {number} tumours and sensitivity={wanted}"):
            got = choose(handed, grid, number, wanted)
        if len(handed) != len(found):
            raise NotYet("It takes hospitals out of the list `found`. Leave the list as it is.")
        if not (np.array_equal(grid, GRID) and all(map(np.array_equal, handed, found))):
            raise NotYet("It changes the counts or the thresholds that it is given.")
        got = expect_number(got)
        right = library_choose_threshold(found, GRID, num_with_tumour=number, sensitivity=wanted)
        if got != right:
            raise NotYet(_wrong_threshold(got, found, number, wanted, right))


def _wrong_threshold(got: float, found: list[np.ndarray], number: int, wanted: float, right: float) -> str:
    together = np.sum(found, axis=0)
    enough = GRID[together >= wanted * number - 1e-9]
    each = [GRID[counts >= wanted * counts[0] - 1e-9] for counts in found]
    mean = np.mean([counts / counts[0] for counts in found], axis=0)
    strictly = GRID[together > wanted * number + 1e-9]
    nearest = GRID[np.abs(together / number - wanted).argmin()]
    below = GRID[together < wanted * number - 1e-9]
    index = int(np.flatnonzero(right == GRID)[0])
    guesses = {
        f"{wanted:.0%} of {number} tumours are {wanted * number:g}, and fewer are found at this threshold. Do not round down.":
            GRID[together >= int(wanted * number + 1e-9)][-1],
        "The share is of *all* tumours, `num_with_tumour`; you take it of those found at the lowest threshold.":
            GRID[together >= wanted * together[0] - 1e-9][-1],
        "The lowest threshold finds as many, and calls nearly everybody ill. Take the highest that still finds enough.":
            enough[0],
        "You want the share at *every* hospital, and one small hospital then decides for all. Add the counts up first.":
            min(part[-1] for part in each) if all(map(len, each)) else GRID[0],
        "You average the hospitals' shares; two tumours then count as much as forty. Add the counts up first.":
            GRID[mean >= wanted - 1e-9][-1] if (mean >= wanted).any() else None,
        "Exactly enough is enough: at least (≥) the share, not more than it.": strictly[-1] if len(strictly) else None,
        "You return the number in the list, not the threshold that stands there.": float(index),
        "You take the threshold that comes nearest to the share, which may find fewer tumours than asked.": nearest,
        "At this threshold too few are found already; take the one before.": below[0] if len(below) else None,
    }  # fmt: skip
    for sentence, value in guesses.items():
        if value is not None and got == value:
            return sentence
    return (
        f"Together the hospitals find {together.tolist()} of {number} tumours at the thresholds {GRID.tolist()}; for a "
        f"share of {wanted:g} the threshold should be {right:g}, and you say {got:g}."
    )


# 10.5 ---------------------------------------------------------------------------------------------

DRAWS = 600
WIDTH_TOLERANCE, CENTRE_TOLERANCE = 0.11, 0.35
"""Of the mean ratio of the widths, and of the distance of the middles in standard deviations of the gain.
With 600 draws a quantile at 2.5 % has an error of 0.11 standard deviations, so the mean ratio of three widths
has one of 2.3 % and a middle one of 0.08: right answers are at least 4.5 of these away (p < 1e-5)."""


UNPAIRED = 3.06
"""How much too wide the interval is if the detectors are judged on different draws of `some_scores`."""


def some_scores(seed: int, *, number: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of two detectors that agree on much, and who has a tumour (a third)."""
    rng = np.random.default_rng(seed)
    has_tumour = rng.permutation(np.arange(number) % 3 == 0)
    hardness = rng.normal(size=number)
    before = 0.9 * has_tumour + hardness + 0.5 * rng.normal(size=number)
    return before, before + 0.5 * has_tumour + 0.35 * rng.normal(size=number), has_tumour


def gain_interval(
    before: np.ndarray, after: np.ndarray, has_tumour: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> tuple[float, float]:
    """A bootstrap interval of 95 % for the gain in AUROC: patients drawn again, each with both scores."""
    gains = []
    while len(gains) < draws:
        again = rng.integers(len(has_tumour), size=len(has_tumour))
        if 0 < has_tumour[again].sum() < len(again):
            gains.append(auc(after[again], has_tumour[again]) - auc(before[again], has_tumour[again]))
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(low), float(high)


@lru_cache(maxsize=8)
def _right_interval(seed: int) -> tuple[float, float]:
    return gain_interval(*some_scores(seed), np.random.default_rng(100 + seed), draws=2_000)


def verify_gain_interval(interval: Callable) -> None:
    """Width and place of the bootstrap interval, reproducibly, and on few patients as well."""
    ratios, shifts, middles = [], [], []
    for seed in range(3):
        low, high = _interval(interval, some_scores(seed), seed)
        right_low, right_high = _right_interval(seed)
        middles.append((low + high) / 2)
        ratios.append((high - low) / (right_high - right_low))
        deviation = (right_high - right_low) / 3.92
        shifts.append((middles[-1] - (right_low + right_high) / 2) / deviation)
    _expect_place(middles, shifts)
    ratio = float(np.mean(ratios))
    if abs(ratio - 1) > WIDTH_TOLERANCE:
        raise NotYet(_wrong_width(ratio))
    if max(map(abs, shifts)) > CENTRE_TOLERANCE:
        raise NotYet("The interval lies a little beside the gain: quantiles of the gains themselves, please.")
    _expect_reproducible(interval)
    _expect_everyone(interval)
    _expect_few_patients(interval)


def _interval(interval: Callable, scores: tuple, seed: int, draws: int = DRAWS) -> tuple[float, float]:
    handed = tuple(part.copy() for part in scores)
    with given(f"{len(scores[2])} patients, {int(scores[2].sum())} of them with a tumour, and draws={draws}"):
        got = interval(*handed, np.random.default_rng(seed), draws)
    if not all(map(np.array_equal, handed, scores)):
        raise NotYet("It changes the scores or labels that it is given. Draw positions, and index with them.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
        raise NotYet("It should return two numbers: where the interval begins and where it ends.")
    try:
        low, high = (expect_number(value) for value in got)
    except NotYet as wrong:
        if "nan" in str(wrong):
            raise NotYet(_ONE_KIND) from None
        raise
    if low > high:
        raise NotYet("The interval ends before it begins: the 2.5 % quantile first, then the 97.5 % one.")
    return low, high


_ONE_KIND = (
    "With few patients a draw may hold nobody with a tumour (or nobody without), and then has no AUROC. Draw such "
    "a one again."
)


def _expect_place(middles: list[float], shifts: list[float]) -> None:
    scores = [some_scores(seed) for seed in range(len(middles))]
    after = np.array([auc(after, labels) for _, after, labels in scores])
    gains = after - np.array([auc(before, labels) for before, _, labels in scores])
    places = {
        "": gains,
        "The gain has the wrong sign: after − before.": -gains,
        "The interval lies around 0, where nothing is gained: a label must stay with its patient's scores when "
        "patients are drawn.": 0 * gains,
        "That is an interval for an AUROC; the question is the gain: after − before.": after,
    }  # fmt: skip
    nearest = min(places, key=lambda sentence: np.abs(places[sentence] - middles).sum())
    if nearest and max(map(abs, shifts)) > CENTRE_TOLERANCE:
        raise NotYet(nearest)


def _wrong_width(ratio: float) -> str:
    so_wide = f"The interval is {ratio:.2f} times as wide as it should be."
    if ratio < 0.02:
        return (
            "The interval has hardly any width: do you draw *with* replacement? Every patient once is the same "
            "patients again."
        )
    if abs(ratio - UNPAIRED) < 0.4:
        return (
            f"{so_wide} Are the two detectors judged on different draws? Then the luck of who was drawn does not "
            "cancel: use the same patients for both."
        )
    if ratio > 1:
        return f"{so_wide} Draw as many patients as there are, and take the quantiles at 2.5 % and 97.5 %."
    if ratio < 0.1:
        return f"{so_wide} More draws do not make you surer of the gain: do not divide by their number."
    if ratio < 0.65:
        return f"{so_wide} Mean ± one standard deviation holds two draws of three; 95 % are asked."
    return f"{so_wide} For 95 %, cut 2.5 % off at either end."


def _expect_reproducible(interval: Callable) -> None:
    scores = some_scores(7, number=60)
    state, python_state = np.random.get_state(), random.getstate()
    first, second = (_interval(interval, scores, 5, 50) for _ in range(2))
    other, longer = _interval(interval, scores, 6, 50), _interval(interval, scores, 5, 80)
    np.random.set_state(state)
    random.setstate(python_state)
    if first != second:
        raise NotYet(
            "The same `rng` twice gives two different intervals: draw from `rng`, and from nothing else."
        )
    if first == other:
        raise NotYet(
            "Two different generators give the same interval: draw from `rng`, not from a seed of your own."
        )

    if first == longer:
        raise NotYet("With draws=50 and draws=80 the interval is the same: compute `draws` gains.")


def _expect_everyone(interval: Callable) -> None:
    """The first and the last patient may be drawn: each in turn is the only one whose score differs."""
    before, _, has_tumour = some_scores(8, number=30)
    for position in (0, -1):
        after = before.copy()
        after[position] = 9.0 if has_tumour[position] else -9.0
        # Right answers draw the patient in 63 % of the draws: 200 without them have p < 1e-80.
        low, high = _interval(interval, (before, after, has_tumour), 0, 200)
        if high - low < 1e-9:
            which = "last" if position else "first"
            raise NotYet(f"The {which} patient is never drawn: rng.integers(n) gives 0 to n − 1.")


def _expect_few_patients(interval: Callable) -> None:
    """One of five has a tumour, and in every draw that has an AUROC the gain is 1."""
    before, after = np.array([0.9, 0.1, 0.8, 0.7, 0.6]), np.array([0.1, 0.9, 0.2, 0.3, 0.4])
    has_tumour = np.array([False, True, False, False, False])
    try:
        low, high = _interval(interval, (before, after, has_tumour), 0, 200)
    except (ValueError, ZeroDivisionError, FloatingPointError):
        raise NotYet(_ONE_KIND) from None
    if low < 0.99 or high > 1.01:
        raise NotYet(
            f"With five patients whose gain is 1 in every draw that has one, you say {low:.2f} to {high:.2f}. A draw "
            "of one kind of patient has no gain: draw again, and put no number in its place."
        )


# What the exercises lend ---------------------------------------------------------------------------


def choose_threshold(
    found: list[np.ndarray], thresholds: np.ndarray, num_with_tumour: int, sensitivity: float
) -> float:
    """The highest threshold at which the hospitals together find this share of the tumours."""
    return library_choose_threshold(
        found, thresholds, num_with_tumour=num_with_tumour, sensitivity=sensitivity
    )
