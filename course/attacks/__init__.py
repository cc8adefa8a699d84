"""Attacks: gradient inversion, membership inference with shadow models, and the empirical audit of DP-SGD."""

from course.attacks.auditing import (
    DiracCanaries,
    audit_ceiling,
    audit_epsilon,
    correct_guesses,
    epsilon_lower_bound,
    one_run_p_value,
    with_canaries,
)
from course.attacks.gradient_inversion import (
    gradient_distance,
    gradient_of,
    invert_gradient,
    psnr,
    tanh_convnet,
    total_variation,
)
from course.attacks.leaky_layers import (
    crafted_network,
    invert_linear,
    label_counts_from_gradient,
    label_from_gradient,
    read_bins,
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
    "crafted_network",
    "epsilon_lower_bound",
    "gradient_distance",
    "gradient_of",
    "invert_gradient",
    "invert_linear",
    "label_counts_from_gradient",
    "label_from_gradient",
    "lira",
    "loss_threshold_scores",
    "non_members_needed",
    "one_run_p_value",
    "psnr",
    "random_halves",
    "read_bins",
    "roc_curve",
    "tanh_convnet",
    "total_variation",
    "tpr_at_fpr",
    "train_many",
    "with_canaries",
]
