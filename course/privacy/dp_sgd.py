"""DP-SGD: one step in its readable form and in its fast form, and a whole training run."""

import copy
import sys
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course.privacy.per_example import clip_per_example, clipped_gradient_sum, per_example_gradients
from course.privacy.sampling import poisson_batch

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}


def dp_sgd_step(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    max_grad_norm: float,
    noise_multiplier: float,
    expected_batch_size: float,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    """One step of DP-SGD in place: clip each example's gradient, add them, add noise, divide, step.

    Args:
        model: as in `per_example_gradients`.
        inputs: the Poisson batch, shape (batch, …); it may be empty, and the step is taken all the same.
        labels: int64, shape (batch,).
        max_grad_norm: C > 0, the L2 norm to which each example's whole gradient is clipped.
        noise_multiplier: standard deviation of the noise on the *sum*, over C; 0 adds none.
        expected_batch_size: sample_rate × number of examples, a public number. Not the batch's own size: that
            depends on who was drawn.
        learning_rate: of the plain SGD step.
        generator: the source of the noise; its seed must stay secret.

    Raises:
        ValueError: if a number is out of range or shapes do not fit.

    Guarantee: (ε, δ) of the Poisson-subsampled Gaussian mechanism under ADD_REMOVE, unit: one example. With
        its `sample_rate` and the number of steps, `epsilon_spent` gives ε for the whole run.
    Limits: teaching-grade. The noise is float32 from a statistical generator (Mironov 2012, on what the low
        bits of floating-point noise give away).
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1.
    """
    clipped = clip_per_example(per_example_gradients(model, inputs, labels), max_grad_norm=max_grad_norm)
    sums = {name: tensor.sum(0) for name, tensor in clipped.items()}
    _noisy_step(
        model, sums, noise_std=noise_multiplier * max_grad_norm, expected_batch_size=expected_batch_size,
        learning_rate=learning_rate, generator=generator,
    )  # fmt: skip


def dp_sgd_step_fast(
    model: nn.Sequential,
    inputs: Tensor,
    labels: Tensor,
    *,
    max_grad_norm: float,
    noise_multiplier: float,
    expected_batch_size: float,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    """The same step as `dp_sgd_step`, by ghost norms: for networks of linear layers.

    Args, Guarantee and Limits: as in `dp_sgd_step`; `model` as in `clipped_gradient_sum`. The same generator
    gives the same noise.
    """
    sums = clipped_gradient_sum(model, inputs, labels, max_grad_norm=max_grad_norm)
    _noisy_step(
        model, sums, noise_std=noise_multiplier * max_grad_norm, expected_batch_size=expected_batch_size,
        learning_rate=learning_rate, generator=generator,
    )  # fmt: skip


def _noisy_step(
    model: nn.Module,
    sums: Mapping[str, Tensor],
    *,
    noise_std: float,
    expected_batch_size: float,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    if not 0 <= noise_std < float("inf") or not expected_batch_size > 0 or not learning_rate > 0:
        raise ValueError(
            f"got noise_std={noise_std}, expected_batch_size={expected_batch_size}, learning_rate="
            f"{learning_rate}; noise must be ≥ 0 and finite, the others positive"
        )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.sub_(sums[name] + noise_std * noise, alpha=learning_rate / expected_batch_size)


def census_network(num_features: int, *, hidden: int, seed: int) -> nn.Sequential:
    """A network with one hidden layer of ReLU units and two class scores, its output layer at zero.

    The first layer starts as in torch, from `seed`. A zero output layer says "50 : 50" to everybody, so that
    the first steps are not spent on unlearning chance.
    """
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(num_features, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    with torch.no_grad():
        for parameter in model[0].parameters():
            parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) / num_features**0.5)
        for parameter in model[2].parameters():
            parameter.zero_()
    return model


def train_dp_sgd(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    sample_rate: float,
    steps: int,
    max_grad_norm: float,
    noise_multiplier: float,
    learning_rate: float,
    generator: torch.Generator,
    step: Callable[..., None] = dp_sgd_step_fast,
    progress: str | None = None,
) -> nn.Module:
    """Train by DP-SGD: a Poisson batch and a noisy step, `steps` times; return the mean of the last half.

    Args:
        model: holds the first weights; left as it was.
        inputs: all examples, shape (examples, features).
        labels: int64, shape (examples,).
        sample_rate: each example's chance to take part in a step.
        steps: number of steps, ≥ 1.
        max_grad_norm, noise_multiplier, learning_rate: as in `dp_sgd_step`.
        generator: draws the batches and the noise.
        step: `dp_sgd_step_fast`, or `dp_sgd_step` for any other model.
        progress: a label for a progress bar; None shows none.

    Returns:
        A copy of `model` whose weights are the mean of the iterates of the last half.

    Raises:
        ValueError: if a number is out of range or shapes do not fit.

    Guarantee: `epsilon_spent(noise_multiplier=…, sample_rate=…, steps=…, delta=…)` under ADD_REMOVE, unit:
        one example. The mean of iterates is post-processing and costs nothing: every iterate is covered.
    Limits: as in `dp_sgd_step`. The division is by sample_rate × examples, which takes the number of examples
        to be public.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    model, average = copy.deepcopy(model), copy.deepcopy(model)
    first_averaged = steps // 2
    # tqdm writes to standard error by default, which notebooks paint red.
    for index in tqdm(
        range(steps), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        batch = poisson_batch(len(inputs), sample_rate=sample_rate, generator=generator)
        step(
            model, inputs[batch], labels[batch], max_grad_norm=max_grad_norm,
            noise_multiplier=noise_multiplier, expected_batch_size=sample_rate * len(inputs),
            learning_rate=learning_rate, generator=generator,
        )  # fmt: skip
        if index >= first_averaged:
            _move_towards(average, model, 1 / (index - first_averaged + 1))
    return average


def _move_towards(average: nn.Module, model: nn.Module, share: float) -> None:
    """Bring the running mean one iterate further; a share of 1 starts it anew."""
    with torch.no_grad():
        for mean, parameter in zip(average.parameters(), model.parameters(), strict=True):
            mean.lerp_(parameter, share)
