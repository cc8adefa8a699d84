"""Attacks: membership inference with shadow models, what it achieves, and the empirical audit of DP-SGD."""

from course.attacks.auditing import (
    DiracCanaries,
    audit_ceiling,
    audit_epsilon,
    correct_guesses,
    epsilon_lower_bound,
    one_run_p_value,
    with_canaries,
)
from course.attacks.many_models import ManyModels
from course.attacks.membership import lira, loss_threshold_scores, random_halves
from course.attacks.roc import Rate, auc, clopper_pearson, non_members_needed, roc_curve, tpr_at_fpr
from course.attacks.shadow_models import train_many

__all__ = [
    "DiracCanaries",
    "ManyModels",
    "Rate",
    "auc",
    "audit_ceiling",
    "audit_epsilon",
    "clopper_pearson",
    "correct_guesses",
    "epsilon_lower_bound",
    "lira",
    "loss_threshold_scores",
    "non_members_needed",
    "one_run_p_value",
    "random_halves",
    "roc_curve",
    "tpr_at_fpr",
    "train_many",
    "with_canaries",
]
