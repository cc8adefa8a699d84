"""What an attack achieves: ROC, AUC, and the true-positive rate at a small false-positive rate."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Rate:
    """A share with its interval, each in [0, 1]."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2%} ({self.low:.2%} to {self.high:.2%})"


def clopper_pearson(successes: int, trials: int, *, confidence: float = 0.95) -> Rate:
    """The share of successes with an interval that holds the true probability at least so often.

    Args:
        successes: 0 to `trials`.
        trials: independent tries, at least 1.
        confidence: two-sided, in (0, 1).

    Raises:
        ValueError: if the counts or the confidence are outside these ranges.

    Guarantee: coverage of at least `confidence` for independent trials, however few.
    Limits: trials that influence each other (records of one pool, targets that share shadows) make the true
        uncertainty larger than the interval says.
    Source: Clopper and Pearson 1934, Biometrika 26(4).
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"got {successes} successes in {trials} trials; need 0 ≤ successes ≤ trials, trials ≥ 1"
        )
    _expect_share("confidence", confidence)
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, successes, trials - successes + 1) if successes > 0 else 0.0
    high = stats.beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return Rate(successes / trials, float(low), float(high))


def non_members_needed(fpr: float, *, confidence: float = 0.95) -> int:
    """The fewest non-members that can show a false-positive rate of at most `fpr`, if none of them is
    accused.

    With n non-members and no false alarm, the Clopper–Pearson upper bound (one-sided) is 1 − (1 −
    confidence)^(1/n). For 95 % and a small rate this is about 3 / fpr: the "rule of three".

    Raises:
        ValueError: if `fpr` or `confidence` is not inside (0, 1).
    """
    _expect_share("fpr", fpr)
    _expect_share("confidence", confidence)
    return math.ceil(math.log(1 - confidence) / math.log1p(-fpr))


def roc_curve(scores: np.ndarray, is_member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False- and true-positive rate at every threshold, from "accuse nobody" (0, 0) to "accuse all" (1, 1).

    Args:
        scores: any shape; higher = member.
        is_member: bool, the same shape.

    Returns:
        (fpr, tpr), each 1-D and rising; records with equal scores are accused together.

    Raises:
        ValueError: if the shapes differ, a score is not a number, or members or non-members are missing.
    """
    inside, outside = _split(scores, is_member)
    # Two infinite scores would differ by NaN, so steps are found by comparison.
    ordered = np.sort(np.concatenate([inside, outside]))[::-1]
    last_of_ties = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    thresholds = ordered[last_of_ties]
    above_inside = len(inside) - np.searchsorted(np.sort(inside), thresholds, side="left")
    above_outside = len(outside) - np.searchsorted(np.sort(outside), thresholds, side="left")
    return np.append(0.0, above_outside / len(outside)), np.append(0.0, above_inside / len(inside))


def auc(scores: np.ndarray, is_member: np.ndarray) -> float:
    """The chance that a random member scores above a random non-member, ties counted half; 0.5 is blind.

    Limits: an average over all people. An attack that is certain about a few of them can have an AUC near
        0.5.
    Source: equals the Mann–Whitney U statistic over the number of pairs.
    """
    fpr, tpr = roc_curve(scores, is_member)
    return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))


def tpr_at_fpr(scores: np.ndarray, is_member: np.ndarray, *, fpr: float, confidence: float = 0.95) -> Rate:
    """The share of members accused by a threshold that accuses at most a share `fpr` of the non-members.

    Args:
        scores: any shape; higher = member. With several target models, stack them: (targets, records).
        is_member: bool, the same shape.
        fpr: in (0, 1).
        confidence: of the interval.

    Returns:
        A `Rate`. Its value uses the lowest threshold with at most ⌊fpr · non-members⌋ false alarms;
        scores equal to it are not accused. Its interval is for the share at the *population's* rate
        `fpr`, so it covers both sources of chance: which members were drawn, and which non-members set
        the threshold.

    Raises:
        ValueError: if there are too few non-members to speak of that rate at all (see `non_members_needed`).

    Guarantee: coverage ≥ `confidence` when all records are independent: order statistics of the
        non-members hold the population's threshold, Clopper–Pearson the members above it, a quarter of
        the error on each side of each.
    Limits: several targets attacked over one pool with the same shadows are not independent; the interval
        is then too narrow. Resample records, or repeat with other pools, to see by how much.
    Source: Carlini et al. 2022, arXiv:2112.03570: report the true-positive rate at a low false-positive
        rate.
    """
    _expect_share("confidence", confidence)
    inside, outside = _split(scores, is_member)
    needed = non_members_needed(fpr, confidence=0.95)
    if len(outside) < needed:
        raise ValueError(
            f"{len(outside):,} non-members cannot show a false-positive rate of {fpr:g}: "
            f"at least {needed:,} are needed"
        )
    falling, num = np.sort(outside)[::-1], len(outside)
    tail = (1 - confidence) / 4
    # `stats.binom` counts the non-members that the population's own threshold would accuse.
    fewest = int(stats.binom.ppf(tail, num, fpr)) - 1
    most = int(stats.binom.ppf(1 - tail, num, fpr)) + 1
    surely_strict = int((inside > falling[fewest]).sum()) if fewest >= 0 else 0
    surely_lax = int((inside >= falling[most - 1]).sum()) if most <= num else len(inside)
    value = float((inside > falling[int(fpr * num + 1e-9)]).mean())
    narrow = 1 - 2 * tail
    return Rate(
        value,
        min(value, clopper_pearson(surely_strict, len(inside), confidence=narrow).low),
        max(value, clopper_pearson(surely_lax, len(inside), confidence=narrow).high),
    )


def _split(scores: np.ndarray, is_member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The members' scores and the non-members', each 1-D."""
    scores, is_member = np.asarray(scores, dtype=float), np.asarray(is_member)
    if scores.shape != is_member.shape or is_member.dtype != bool:
        raise ValueError(
            f"scores have shape {scores.shape}; is_member must be bool of that shape, "
            f"not {is_member.dtype} of {is_member.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError("a score is NaN, which is neither above nor below a threshold")
    inside, outside = scores[is_member], scores[~is_member]
    if len(inside) == 0 or len(outside) == 0:
        raise ValueError(f"got {len(inside)} members and {len(outside)} non-members; both are needed")
    return inside, outside


def _expect_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
