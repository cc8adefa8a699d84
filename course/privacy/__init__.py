"""Differential privacy: mechanisms that add noise, accountants that add up, a ledger that remembers."""

from course.privacy.accounting import epsilon_spent, noise_for
from course.privacy.composition import compose_advanced, compose_basic, compose_parallel, group_privacy
from course.privacy.discrete_gaussian import discrete_gaussian
from course.privacy.distributed_gaussian import NoiseShares, noisy_steps, record_sum
from course.privacy.dp_sgd import census_network, dp_sgd_step, dp_sgd_step_fast, train_dp_sgd
from course.privacy.gaussian import analytic_noise_std, classic_noise_std, gaussian_delta
from course.privacy.ledger import Ledger, PrivacyClaim
from course.privacy.many_discrete_gaussians import many_discrete_gaussians
from course.privacy.mechanisms import (
    exponential_mechanism,
    gaussian_mechanism,
    laplace_mechanism,
    randomized_response,
    share_from_reports,
    truth_probability,
)
from course.privacy.neighbours import Adjacency, Unit
from course.privacy.per_example import (
    clip_factors,
    clip_per_example,
    clipped_gradient_sum,
    ghost_norms,
    per_example_gradients,
    per_example_norms,
)
from course.privacy.rdp import rdp_subsampled_gaussian, rdp_to_epsilon
from course.privacy.sampling import poisson_batch

__all__ = [
    "Adjacency",
    "Ledger",
    "NoiseShares",
    "PrivacyClaim",
    "Unit",
    "analytic_noise_std",
    "census_network",
    "classic_noise_std",
    "clip_factors",
    "clip_per_example",
    "clipped_gradient_sum",
    "compose_advanced",
    "compose_basic",
    "compose_parallel",
    "discrete_gaussian",
    "dp_sgd_step",
    "dp_sgd_step_fast",
    "epsilon_spent",
    "exponential_mechanism",
    "gaussian_delta",
    "gaussian_mechanism",
    "ghost_norms",
    "group_privacy",
    "laplace_mechanism",
    "many_discrete_gaussians",
    "noise_for",
    "noisy_steps",
    "per_example_gradients",
    "per_example_norms",
    "poisson_batch",
    "randomized_response",
    "rdp_subsampled_gaussian",
    "rdp_to_epsilon",
    "record_sum",
    "share_from_reports",
    "train_dp_sgd",
    "truth_probability",
]
