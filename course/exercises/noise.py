"""Judging a mechanism by its noise: is there any, is it fresh, independent, of the right shape and scale?

Each question is a test of standardised noise (what it should be: parameter or standard deviation 1) with a
false-alarm probability of `ALARM`; a dozen of them stay below a thousandth together.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from course.exercises.exercise import NotYet

ALARM = 1e-5
"""The probability that one of these tests rejects right noise."""

SHAPES = {"laplace": stats.laplace, "normal": stats.norm}

_WRONG_SHAPES = {
    "laplace": "The shape of your noise is not Laplace's, with its sharp peak, on which the promise rests.",
    "normal": "The shape of your noise is not that of a normal distribution, on which the promise rests.",
}


def expect_fresh(noise: np.ndarray) -> None:
    """Complain about noise that is absent, repeated from call to call, or shared within a call.

    Args:
        noise: shape (calls, coordinates), one call a row.
    """
    if not noise.any():
        raise NotYet("There is no noise: the exact value came out every time.")
    if (noise == noise[0]).all():
        raise NotYet(
            "Every call adds the same noise, so whoever knows it subtracts it. Is there a fixed seed inside? "
            "Draw from the rng that you are given."
        )
    if noise.shape[1] > 1 and np.isclose(noise, noise[:, :1], rtol=1e-9, atol=1e-9).all():
        raise NotYet(
            "One draw is added to all coordinates: the difference of two of them has no noise at all. Draw "
            "one for each coordinate (size=…)."
        )
    if (np.mean(noise == 0, axis=0) > 0.02).any():
        raise NotYet("Some of the values get no noise at all. Each needs its own, every time.")


def expect_independent(noise: np.ndarray) -> None:
    """Complain about noise that is correlated between coordinates or from one call to the next."""
    ranks = stats.rankdata(noise, axis=0)
    pairs = [(ranks[:, i], ranks[:, j]) for i in range(noise.shape[1]) for j in range(i)]
    serial = [(column[1:], column[:-1]) for column in ranks.T]
    for sentence, series in (
        ("The noise of one coordinate tells about the noise of another. Draw each on its own.", pairs),
        ("The noise of one call tells about the noise of the next. Draw anew each time.", serial),
    ):
        if series and min(stats.pearsonr(*pair).pvalue for pair in series) < ALARM / len(series):
            raise NotYet(sentence)


def expect_shape(noise: np.ndarray, shape: str) -> None:
    """Complain about noise that has another shape than "laplace" or "normal", whatever its scale."""
    flat = noise.ravel()
    positive = int((flat > 0).sum())
    if stats.binomtest(positive, len(flat)).pvalue < ALARM:
        raise NotYet("Your noise has a preferred sign. It should be as often below zero as above.")
    typical = np.abs(flat).mean() if shape == "laplace" else np.sqrt((flat**2).mean())
    # The scale is taken from the noise itself, which makes the first test rarer to reject than it says.
    if (
        stats.kstest(flat / typical, SHAPES[shape].cdf).pvalue < ALARM
        or _peak_p_value(np.abs(flat) / typical, shape) < ALARM
    ):
        raise NotYet(_WRONG_SHAPES[shape])


def _peak_p_value(sizes: np.ndarray, shape: str) -> float:
    """How surprising the peak of this noise is, at any scale: the test that tells Laplace from normal best.

    Laplace: E exp(−|z|) = 1/2 and, with the mean of |z| scaled to 1, a variance of 1/48 a draw. Normal:
    E|z| = √(2/π) and, with the mean of z² scaled to 1, a variance of 1 − 3/π a draw.
    """
    if shape == "laplace":
        off, variance = np.exp(-sizes).mean() - 0.5, 1 / 48
    else:
        off, variance = sizes.mean() - np.sqrt(2 / np.pi), 1 - 3 / np.pi
    return float(2 * stats.norm.sf(abs(off) / np.sqrt(variance / len(sizes))))


def scale_interval(noise: np.ndarray, shape: str) -> tuple[float, float]:
    """Between which multiples of the right scale the scale of this noise lies, by an exact χ² interval."""
    flat = noise.ravel()
    if shape == "laplace":  # 2 Σ|z| / b has a χ² distribution with 2n degrees of freedom.
        total, degrees, power = 2 * np.abs(flat).sum(), 2 * len(flat), 1.0
    else:  # Σ z² / s² has one with n.
        total, degrees, power = (flat**2).sum(), len(flat), 0.5
    low, high = stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], degrees)
    return float((total / high) ** power), float((total / low) ** power)


def expect_scale(
    intervals: list[tuple[float, float]], guesses: Mapping[str, list[float]], otherwise: str
) -> None:
    """Complain about noise of the wrong size, in the words of the first guess that explains all settings.

    Args:
        intervals: of each setting, from `scale_interval`.
        guesses: sentence → the multiple of the right scale that the mistake gives, one for each setting.
        otherwise: what to say when no guess explains it; `{times}` is replaced by the multiples found.
    """
    if all(low <= 1 <= high for low, high in intervals):
        return
    for sentence, multiples in guesses.items():
        if all(low <= multiple <= high for multiple, (low, high) in zip(multiples, intervals, strict=True)):
            raise NotYet(sentence)
    found = " and ".join(f"{(low * high) ** 0.5:.2g}" for low, high in intervals)
    raise NotYet(otherwise.replace("{times}", found))
