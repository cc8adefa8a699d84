"""How well a detector does, with intervals over patients: AUROC, its gain, sensitivity and specificity."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from course.attacks import clopper_pearson
from course.hospital.run_records import Measured

_NEVER_QUITE = 1e-9
"""How near to 0 or 1 an AUROC may come before its logit is taken."""


@dataclass(frozen=True)
class Rates:
    """What a threshold does to patients with a tumour, and to those without; None where there are none."""

    sensitivity: Measured | None
    specificity: Measured | None


def auroc_interval(
    scores: np.ndarray, has_tumour: np.ndarray, *, confidence: float = 0.95
) -> Measured | None:
    """The chance that a patient with a tumour scores above one without, ties counted half, and its interval.

    Args:
        scores: shape (patients,), higher = more suspicious.
        has_tumour: bool, shape (patients,).
        confidence: two-sided, in (0, 1).

    Returns:
        None if fewer than two patients are with, or without, a tumour: nothing can be said then.

    Raises:
        ValueError: if shapes differ, has_tumour is not bool, a score is NaN or confidence is out of range.

    Limits: a normal approximation on the logit scale; with every pair in the right order DeLong's variance is
        0, and the interval then comes from what that many patients could have hidden.
        It says how another draw of *test patients* would differ, not another training run.
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3); the algorithm by midranks is Sun and Xu
        2014, IEEE Signal Processing Letters 21(11).
    """
    scores, has_tumour = _checked(scores, has_tumour, confidence)
    if min(has_tumour.sum(), (~has_tumour).sum()) < 2:
        return None
    (value,), covariance = _delong([scores], has_tumour)
    value = float(value)
    low, high = _on_logit_scale(value, float(covariance[0, 0]), confidence=confidence)
    if covariance[0, 0] < _NEVER_QUITE**2:
        low, high = _perfect(value, has_tumour, confidence=confidence)
    return Measured(value, min(low, value), max(high, value), "DeLong", len(scores), confidence)


def auroc_gain(
    before: np.ndarray, after: np.ndarray, has_tumour: np.ndarray, *, confidence: float = 0.95
) -> Measured | None:
    """By how much the AUROC rises from one detector to another on the same patients, and its interval.

    Args, Raises, Source: as in `auroc_interval`; `before` and `after` are scores of the same patients.

    Guarantee: the two share their patients, and the interval counts what that takes off the uncertainty.
    """
    before, has_tumour = _checked(before, has_tumour, confidence)
    after, _ = _checked(after, has_tumour, confidence)
    if min(has_tumour.sum(), (~has_tumour).sum()) < 2:
        return None
    (first, second), covariance = _delong([before, after], has_tumour)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    reach = float(stats.norm.ppf((1 + confidence) / 2) * np.sqrt(max(float(variance), 0.0)))
    gain = float(second - first)
    return Measured(gain, gain - reach, gain + reach, "DeLong, paired", len(before), confidence)


def rates_at(
    scores: np.ndarray, has_tumour: np.ndarray, *, threshold: float, confidence: float = 0.95
) -> Rates:
    """Sensitivity and specificity when every patient who scores at least `threshold` is called positive.

    Guarantee: Clopper–Pearson: each interval covers the true rate at least so often, however few patients.
    Limits: for a threshold that was not chosen on these patients.
    """
    scores, has_tumour = _checked(scores, has_tumour, confidence)
    called = scores >= threshold

    def rate(right: np.ndarray) -> Measured | None:
        if len(right) == 0:
            return None
        found = clopper_pearson(int(right.sum()), len(right), confidence=confidence)
        return Measured(found.value, found.low, found.high, "Clopper–Pearson", len(right), confidence)

    return Rates(rate(called[has_tumour]), rate(~called[~has_tumour]))


def found_at(scores: np.ndarray, has_tumour: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """What one hospital adds to the choice of a threshold: whole numbers, and no patient's score.

    Returns:
        Shape (thresholds,): how many of its patients with a tumour score at least each threshold.
    """
    scores, has_tumour = _checked(scores, has_tumour, 0.5)
    return (np.asarray(thresholds)[:, None] <= scores[has_tumour]).sum(1)


def choose_threshold(
    found: Iterable[np.ndarray], thresholds: np.ndarray, *, num_with_tumour: int, sensitivity: float
) -> float:
    """The highest threshold at which the hospitals together find at least this share of the tumours.

    Args:
        found: of each hospital, from `found_at` with these thresholds.
        thresholds: rising, shape (thresholds,).
        num_with_tumour: patients with a tumour, of all hospitals.
        sensitivity: in (0, 1].

    Raises:
        ValueError: if even the lowest threshold finds too few.
    """
    together = np.sum(list(found), axis=0)
    enough = np.flatnonzero(together >= sensitivity * num_with_tumour - 1e-9)
    if len(enough) == 0:
        raise ValueError(
            f"the lowest threshold finds {together[0]} of {num_with_tumour} tumours, "
            f"and {sensitivity:.0%} are asked"
        )
    return float(np.asarray(thresholds)[enough[-1]])


def over_seeds(values: Sequence[float], *, confidence: float = 0.95) -> Measured:
    """The mean over runs with different seeds, with Student's interval for that mean.

    Raises:
        ValueError: with fewer than two runs, or values that are not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"need at least two finite values, one a seed; got {values!r}")
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = error * float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))
    return Measured(mean, mean - reach, mean + reach, f"t over {len(values)} seeds", len(values), confidence)


def _delong(all_scores: Sequence[np.ndarray], has_tumour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs of several detectors on the same patients, and the covariance of these estimates."""
    with_tumour, without = int(has_tumour.sum()), int((~has_tumour).sum())
    above, below = [], []
    for scores in all_scores:
        sick, well = scores[has_tumour], scores[~has_tumour]
        rank = stats.rankdata(np.concatenate([sick, well]))  # Midranks, so that ties count half.
        above.append((rank[:with_tumour] - stats.rankdata(sick)) / without)
        below.append(1 - (rank[with_tumour:] - stats.rankdata(well)) / with_tumour)
    covariance = np.cov(above).reshape(len(above), -1) / with_tumour
    covariance = covariance + np.cov(below).reshape(len(below), -1) / without
    return np.array([float(np.mean(each)) for each in above]), covariance


def _on_logit_scale(value: float, variance: float, *, confidence: float) -> tuple[float, float]:
    inside = min(max(value, _NEVER_QUITE), 1 - _NEVER_QUITE)
    logit = np.log(inside / (1 - inside))
    reach = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(variance) / (inside * (1 - inside))
    return tuple(float(1 / (1 + np.exp(-(logit + sign * reach)))) for sign in (-1, 1))


def _perfect(value: float, has_tumour: np.ndarray, *, confidence: float) -> tuple[float, float]:
    """Where all pairs agree: the Clopper–Pearson interval of as many right answers as the rarer kind has."""
    rarer = int(min(has_tumour.sum(), (~has_tumour).sum()))
    found = clopper_pearson(round(value * rarer), rarer, confidence=confidence)
    return found.low, found.high


def _checked(scores: np.ndarray, has_tumour: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    scores, has_tumour = np.asarray(scores, dtype=float), np.asarray(has_tumour)
    if scores.ndim != 1 or scores.shape != has_tumour.shape or has_tumour.dtype != bool:
        raise ValueError(
            f"got scores of shape {scores.shape} and has_tumour {has_tumour.dtype} of {has_tumour.shape}; "
            "both are one a patient, and has_tumour is bool"
        )
    if np.isnan(scores).any():
        raise ValueError("a score is NaN, which is neither above nor below a threshold")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1")
    return scores, has_tumour
