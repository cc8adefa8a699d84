"""Was this patient in the study? LiRA on the detector's loss, with an interval over patients."""

import numpy as np

from course.attacks import auc, lira, random_halves, tpr_at_fpr
from course.hospital.many_heads import losses_of_heads, train_plain_heads, train_private_heads
from course.hospital.patient_gradients import Examples
from course.hospital.private import Plan
from course.hospital.run_records import AttackResult, Measured

RESAMPLES = 200


def attack_membership(
    examples: Examples,
    *,
    plan: Plan | None,
    name: str,
    seed: int,
    num_targets: int = 32,
    num_shadows: int = 64,
    fpr: float = 0.05,
) -> AttackResult:
    """LiRA on models of 41 weights, each trained on a random half of a pool of patients.

    Args:
        examples: the pool; a patient is a record.
        plan: of DP-FedSGD; `num_patients` must be half of the pool. None attacks the optimum without a
            promise.
        name: of the target, in the result.
        seed: of halves, coins and noise.
        num_targets, num_shadows: models that are attacked, and models that the attacker trains the same way.
        fpr: the false-positive rate at which members found are counted.

    Returns:
        An `AttackResult`. The interval of the AUC is from resampling *patients* with all their scores; the
        targets share pool and shadows, so they are not as many independent trials.

    Raises:
        ValueError: if a plan's `num_patients` is not half of the pool.

    Limits: the attacker knows everybody's scans and who might be a member, and sees the final weights. A
    better
        attack may come; only ε speaks about those.
    Source: Carlini et al. 2022, arXiv:2112.03570, Algorithm 1 (online LiRA).
    """
    if plan is not None and plan.num_patients != len(examples) // 2:
        raise ValueError(f"half of the pool is {len(examples) // 2} patients, not {plan.num_patients}")
    member = random_halves(num_targets + num_shadows, len(examples), rng=np.random.default_rng(seed))
    if plan is None:
        weights = train_plain_heads(examples, member)
    else:
        weights = train_private_heads(examples, member, plan, seed=seed).weights
    scores = membership_scores(losses_of_heads(weights, examples), member, num_targets=num_targets)
    targets = member[:num_targets]
    found = tpr_at_fpr(scores, targets, fpr=fpr)
    return AttackResult(
        attack=f"LiRA, {num_shadows} shadow models", target=name,
        private=plan is not None and plan.noise_multiplier > 0,
        auc=auc_over_patients(scores, targets, seed=seed),
        tpr=Measured(found.value, found.low, found.high, "Clopper–Pearson", int(targets.sum())), fpr=fpr,
    )  # fmt: skip


def membership_scores(losses: np.ndarray, member: np.ndarray, *, num_targets: int) -> np.ndarray:
    """LiRA's score of each target and patient, shape (num_targets, patients); higher = member.

    Args:
        losses: in nats, shape (models, patients); the first `num_targets` are attacked, the others are
            shadows.
        member: bool, the same shape.
    """
    # The logit of the probability exp(−loss): nearly Gaussian over shadow models, as LiRA wants it.
    logits = -np.log(np.expm1(np.maximum(losses, 1e-12)))
    return lira(logits[:num_targets], logits[num_targets:], member[num_targets:])


def auc_over_patients(scores: np.ndarray, member: np.ndarray, *, seed: int) -> Measured:
    """AUC of all scores, with a 95 % interval from resampling patients (columns) with replacement.

    Args:
        scores: shape (targets, patients).
        member: bool, the same shape.
        seed: of the resampling.
    """
    rng, patients = np.random.default_rng(seed), scores.shape[1]
    value, again = auc(scores, member), []
    for _ in range(RESAMPLES):
        chosen = rng.integers(patients, size=patients)
        again.append(auc(scores[:, chosen], member[:, chosen]))
    low, high = np.quantile(again, [0.025, 0.975])
    return Measured(
        value, min(value, float(low)), max(value, float(high)), "bootstrap over patients", patients
    )
