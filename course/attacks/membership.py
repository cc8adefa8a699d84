"""Was this record trained on? The loss threshold, and the likelihood-ratio attack (LiRA)."""

import numpy as np
from scipy import stats

SMALLEST_STD = 1e-6
"""Of a record's logits over shadow models, so that a record on which all agree does not divide by zero."""


def random_halves(num_models: int, pool: int, *, rng: np.random.Generator) -> np.ndarray:
    """For each model, which records of the pool it trains on: exactly half of them (rounded down), at random.

    Returns:
        bool, shape (num_models, pool).

    Raises:
        ValueError: if there are no models or fewer than two records.

    Source: Carlini et al. 2022, arXiv:2112.03570: each record is in about half of the shadow models.
    """
    if num_models < 1 or pool < 2:
        raise ValueError(f"got {num_models} models over {pool} records; need at least 1 and 2")
    ranks = rng.random((num_models, pool)).argsort(axis=1).argsort(axis=1)
    return ranks < pool // 2


def loss_threshold_scores(losses: np.ndarray) -> np.ndarray:
    """The score of the simplest attack: the lower the model's loss on a record, the likelier a member.

    Args:
        losses: any shape, as the target model gives them.

    Returns:
        The same shape; higher = member.

    Limits: one threshold for everybody, so an easy record that was never seen scores above a hard one
        that was.
    Source: Yeom, Giacomelli, Fredrikson, Jha 2018, arXiv:1709.01604.
    """
    return -np.asarray(losses, dtype=float)


def lira(
    target_scores: np.ndarray,
    shadow_scores: np.ndarray,
    shadow_member: np.ndarray,
    *,
    offline: bool = False,
    shared_variance: bool = False,
) -> np.ndarray:
    """The likelihood-ratio attack: is this record's logit more like "trained on" or "not trained on"?

    For each record, the logits of the shadow models that had it and of those that did not give two
    Gaussians; the score is the log of the ratio of their densities at the target's logit. Offline, only
    the models *without* the record are used (they can be trained before anyone knows whom to attack), and
    the score is how many standard deviations the target's logit lies above their mean.

    Args:
        target_scores: the target's true-class logits, shape (records,), or (targets, records) for several
            targets.
        shadow_scores: shape (shadows, records).
        shadow_member: bool, shape (shadows, records): which records each shadow trained on.
        offline: use the "out" models only.
        shared_variance: one standard deviation for all records (per side); steadier with few shadow models.

    Returns:
        The shape of `target_scores`; higher = member.

    Raises:
        ValueError: if shapes differ, a number is not finite, or a record has fewer than two shadows on a
            side that is used.

    Limits: the shadows must not include the target, and must be trained as the target was. The logits are
        taken to be Gaussian. A monotone image of the offline score is the paper's one-sided test, so its
        ROC is the same.
    Source: Carlini et al. 2022, arXiv:2112.03570, Algorithm 1 (online), its offline variant, and the
        scaling to logits.
    """
    target, shadows, member = _expect_shapes(target_scores, shadow_scores, shadow_member)
    out_mean, out_std = _gaussian(shadows, ~member, "without", shared=shared_variance)
    if offline:
        return (target - out_mean) / out_std
    in_mean, in_std = _gaussian(shadows, member, "with", shared=shared_variance)
    return stats.norm.logpdf(target, in_mean, in_std) - stats.norm.logpdf(target, out_mean, out_std)


def _gaussian(
    scores: np.ndarray, use: np.ndarray, side: str, *, shared: bool
) -> tuple[np.ndarray, np.ndarray | float]:
    """Each record's mean and standard deviation over the shadow models marked in `use`."""
    counts = use.sum(axis=0)
    if counts.min() < 2:
        record = int(counts.argmin())
        raise ValueError(
            f"record {record} has {counts[record]} shadow models {side} it; a standard deviation needs two"
        )
    mean = scores.mean(axis=0, where=use)
    deviations = np.where(use, scores - mean, 0.0)
    if shared:
        return mean, max(float(np.sqrt(np.sum(deviations**2) / (counts - 1).sum())), SMALLEST_STD)
    return mean, np.maximum(np.sqrt(np.sum(deviations**2, axis=0) / (counts - 1)), SMALLEST_STD)


def _expect_shapes(target, shadows, member) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    target, shadows = np.asarray(target, dtype=float), np.asarray(shadows, dtype=float)
    member = np.asarray(member)
    fits = shadows.ndim == 2 and target.ndim in (1, 2) and target.shape[-1] == shadows.shape[1]
    if not fits or member.shape != shadows.shape or member.dtype != bool:
        raise ValueError(
            "need target_scores (records,) or (targets, records), shadow_scores (shadows, records) and "
            f"shadow_member bool of the same shape; got {target.shape}, {shadows.shape} and "
            f"{member.dtype} {member.shape}"
        )
    if not (np.isfinite(target).all() and np.isfinite(shadows).all()):
        raise ValueError("a score is not finite; use the true-class logit and not a rounded probability")
    return target, shadows, member
