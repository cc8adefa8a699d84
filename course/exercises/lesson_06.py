"""Lesson 06, DP-SGD: its six exercises, the answers that it lends, and the hints."""

from collections.abc import Mapping

import torch
from torch import Tensor

from course import privacy
from course.exercises.exercise import Exercise
from course.exercises.lesson_06_clip import verify_clip
from course.exercises.lesson_06_numbers import epsilon_of_search, verify_ghost_norms, verify_search
from course.exercises.lesson_06_sampling import verify_poisson
from course.exercises.lesson_06_step import verify_private_gradient
from course.exercises.lesson_06_traps import find_faults, verify_faults


def poisson_batch(num_examples: int, sample_rate: float, generator: torch.Generator) -> Tensor:
    """The library's own, with the lesson's positional arguments."""
    return privacy.poisson_batch(num_examples, sample_rate=sample_rate, generator=generator)


def clip_per_example(gradients: Mapping[str, Tensor], max_grad_norm: float) -> dict[str, Tensor]:
    """The library's own, with the lesson's positional arguments."""
    return privacy.clip_per_example(gradients, max_grad_norm=max_grad_norm)


def private_gradient(
    gradients: Mapping[str, Tensor],
    max_grad_norm: float,
    noise_multiplier: float,
    expected_batch_size: float,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Clip each example, add up, add noise to the sum, divide by the expected size."""
    sums = {name: rows.sum(0) for name, rows in clip_per_example(gradients, max_grad_norm).items()}
    noise_std = noise_multiplier * max_grad_norm
    return {
        name: (total + noise_std * torch.randn(total.shape, generator=generator)) / expected_batch_size
        for name, total in sums.items()
    }


def ghost_norms(layer_inputs: Tensor, errors: Tensor) -> Tensor:
    """|d|² |a|² for the weight, |d|² for the bias, and the root of both."""
    squared_errors = errors.square().sum(dim=1)
    return (squared_errors * layer_inputs.square().sum(dim=1) + squared_errors).sqrt()


EXERCISES = (
    Exercise(
        "06.1", "poisson_batch", "toss a coin for each person", poisson_batch, verify_poisson,
        (
            "If everybody has their own coin, how many people are in the batch?",
            "torch.rand(num_examples, generator=generator) gives one number in [0, 1) a person: when is it a "
            "yes?",
            "Return (torch.rand(num_examples, generator=generator) < sample_rate).nonzero().squeeze(1).",
        ),
    ),
    Exercise(
        "06.2", "clip_per_example", "bound what one person can move", clip_per_example, verify_clip,
        (
            "A person's gradient has a part in each parameter. How long is the whole of it?",
            "tensor.flatten(1).square().sum(1) is one squared norm a person, for one name; add these over the "
            "names and take the root.",
            "factors = (max_grad_norm / norms.clamp(min=1e-12)).clamp(max=1); then tensor * factors.view(-1, "
            "*[1] * (tensor.ndim - 1)) for each name.",
        ),
        points=2,
    ),
    Exercise(
        "06.3", "private_gradient", "take a private step", private_gradient, verify_private_gradient,
        (
            "One person can move the sum by at most C. How large must the noise on the *sum* be, then?",
            "Clip with clip_per_example, add up with .sum(0), add noise_multiplier * max_grad_norm * "
            "torch.randn(shape, generator=generator), and divide by expected_batch_size.",
            "{name: (rows.sum(0) + noise_multiplier * max_grad_norm * torch.randn(rows.shape[1:], "
            "generator=generator)) / expected_batch_size for name, rows in clip_per_example(gradients, "
            "max_grad_norm).items()}",
        ),
        points=2,
    ),
    Exercise(
        "06.4", "ghost_norms", "measure without building", ghost_norms, verify_ghost_norms,
        (
            "What is the sum of the squares of all products d_i a_j?",
            "It is (Σ d_i²) · (Σ a_j²). The bias has gradient d, so it adds Σ d_i².",
            "d = errors.square().sum(1); a = layer_inputs.square().sum(1); return (d * a + d).sqrt()",
        ),
    ),
    Exercise(
        "06.5", "find_faults", "which steps keep their ε?", find_faults, verify_faults,
        (
            "For each step: who is in the batch, how far can one person move the sum, what hides that, and "
            "does anything else depend on who was drawn?",
            "Two of the seven are fine, though they look unusual. Each of the five words fits one of the others.",
            "A looks at its realised batch, B never varies its size, D clips late, E draws once, F is moved by "
            "2C; the other two are fine.",
        ),
        points=2,
    ),
    Exercise(
        "06.6", "epsilon_of_search", "pay for the whole search", epsilon_of_search, verify_search,
        (
            "How many of the runs have looked at the data?",
            "At one order, RDP adds up: over the steps of a run, and over the runs.",
            "total = [sum(steps * rdp_subsampled_gaussian(noise_multiplier=noise, sample_rate=rate, order=order) "
            "for noise, rate, steps in tried) for order in orders]; return rdp_to_epsilon(total, orders=orders, "
            "delta=delta)",
        ),
        points=2,
    ),
)  # fmt: skip
