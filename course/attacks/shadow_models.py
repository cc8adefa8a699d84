"""Many small networks trained at once, each on its own members of one pool: targets and shadow models."""

import sys

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from course.attacks.many_models import ManyModels, as_tensors, backward, example_norms, forward, start

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}


def train_many(
    inputs: np.ndarray | Tensor,
    labels: np.ndarray | Tensor,
    member: np.ndarray,
    *,
    hidden: int,
    steps: int,
    learning_rate: float,
    seed: int,
    batch_size: int | None = None,
    max_grad_norm: float | None = None,
    noise_multiplier: float = 0.0,
    sample_rate: float | None = None,
    progress: str | None = None,
) -> ManyModels:
    """Train one network a row of `member`, all at the same time, each on its own members only.

    Without `max_grad_norm`: Adam with a cosine schedule, shuffled batches of `batch_size`. With it:
    DP-SGD, which is Poisson sampling at `sample_rate`, per-example clipping, Gaussian noise, plain SGD
    from a zero output layer, and the mean of the last half of the iterates.

    Args:
        inputs: the pool, shape (pool, features).
        labels: shape (pool,), 0 or 1.
        member: bool, shape (models, pool); every row with the same number of members.
        hidden: ReLU units.
        steps: optimizer steps.
        learning_rate: Adam's first one, or SGD's constant one.
        seed: fixes starts, batches and noise of all models.
        batch_size: examples a step; without `max_grad_norm` only.
        max_grad_norm: L2 norm to which each example's gradient over all four tensors is clipped.
        noise_multiplier: noise standard deviation over `max_grad_norm`; 0 clips only, which promises nothing.
        sample_rate: chance of each member to take part in a step; with `max_grad_norm` only.
        progress: a label for a progress bar; None shows none.

    Returns:
        The trained `ManyModels`, in the order of the rows.

    Raises:
        ValueError: if shapes, labels, counts or rates do not fit.

    Guarantee: with noise, each model alone satisfies what `course.privacy.epsilon_spent` says for this
        multiplier, rate and number of steps, under ADD_REMOVE, up to the limits below. Releasing several
        models composes.
    Limits: noise is float32 from a statistical generator, teaching-grade (Mironov 2012); the noisy sum is
        divided by sample_rate × members, a number that must be taken as public.
    Source: Carlini et al. 2022, arXiv:2112.03570, Algorithm 1 (shadow models on random halves); Abadi et
        al. 2016, arXiv:1607.00133v2, Algorithm 1; Goodfellow 2015, arXiv:1510.01799 (norms of per-example
        gradients).
    """
    inputs, labels = as_tensors(inputs, labels)
    members = _member_positions(member, len(inputs))
    private = max_grad_norm is not None
    _expect_settings(
        hidden=hidden, steps=steps, learning_rate=learning_rate, num_members=members.shape[1],
        batch_size=batch_size, sample_rate=sample_rate, max_grad_norm=max_grad_norm,
        noise_multiplier=noise_multiplier,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    models = start(len(members), inputs.shape[1], hidden, zero_output=private, generator=generator)
    # tqdm writes to standard error by default, which notebooks paint red.
    bar = tqdm(range(steps), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR)
    with torch.no_grad():
        if private:
            return _dp_sgd(
                models, inputs, labels, members, bar, learning_rate=learning_rate,
                max_grad_norm=max_grad_norm, noise_multiplier=noise_multiplier, sample_rate=sample_rate,
                generator=generator,
            )  # fmt: skip
        return _adam(
            models, inputs, labels, members, bar, batch_size=batch_size, learning_rate=learning_rate,
            generator=generator,
        )  # fmt: skip


def _adam(models, inputs, labels, members, bar, *, batch_size, learning_rate, generator) -> ManyModels:
    tensors = [tensor.requires_grad_() for tensor in models.tensors()]
    optimizer = torch.optim.Adam(tensors, lr=learning_rate, fused=True)
    order = _shuffled_stream(members, bar.total * batch_size, generator)  # (models, steps · batch)
    for step in bar:
        rows = order[:, step * batch_size : (step + 1) * batch_size]
        batch = inputs[rows], labels[rows]  # (models, batch, features), (models, batch)
        error, activations = forward(models, *batch)
        gradients = backward(models, batch[0], activations, error / batch_size)
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = gradient
        optimizer.param_groups[0]["lr"] = learning_rate * (1 + np.cos(np.pi * step / bar.total)) / 2
        optimizer.step()
    return ManyModels(*(tensor.detach() for tensor in tensors))


def _dp_sgd(
    models, inputs, labels, members, bar, *,
    learning_rate, max_grad_norm, noise_multiplier, sample_rate, generator,
) -> ManyModels:  # fmt: skip
    tensors = models.tensors()
    average, first_averaged = [torch.zeros_like(tensor) for tensor in tensors], bar.total // 2
    expected_batch = sample_rate * members.shape[1]
    for step in bar:
        rows, present = _poisson_rows(members, sample_rate, generator)
        batch = inputs[rows], labels[rows]
        error, activations = forward(models, *batch)
        norms = example_norms(models, batch[0], activations, error)
        weight = (max_grad_norm / norms.clamp_min(1e-12)).clamp_max(1.0) * present
        sums = backward(models, batch[0], activations, error * weight)
        for tensor, clipped_sum, mean in zip(tensors, sums, average, strict=True):
            # A batch that came out empty gets its noise as well: the accountant counts every step.
            noise = torch.randn(tensor.shape, generator=generator) * (noise_multiplier * max_grad_norm)
            tensor -= (learning_rate / expected_batch) * (clipped_sum + noise)
            if step >= first_averaged:
                mean += tensor / (bar.total - first_averaged)
    return ManyModels(*average)


def _shuffled_stream(members: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """For each model its members in random order, epoch after epoch, shape (models, length)."""
    epochs = -(-length // members.shape[1])
    keys = torch.rand(len(members), epochs, members.shape[1], generator=generator)
    order = keys.argsort(dim=2).flatten(1)[:, :length]
    return members.gather(1, order)


def _poisson_rows(members: Tensor, sample_rate: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each member with probability `sample_rate`: padded to the largest batch, and which are real."""
    drawn = torch.rand(members.shape, generator=generator) < sample_rate
    sizes = drawn.sum(1)
    # A stable sort by "not drawn" brings the drawn ones to the front.
    front = (~drawn).to(torch.uint8).argsort(dim=1, stable=True)[:, : max(1, int(sizes.max()))]
    present = torch.arange(front.shape[1]) < sizes.unsqueeze(1)
    return members.gather(1, front), present


def _member_positions(member: np.ndarray, pool: int) -> Tensor:
    """The positions of each model's members, shape (models, members)."""
    member = torch.as_tensor(member)
    if member.ndim != 2 or member.shape[1] != pool or member.dtype != torch.bool:
        raise ValueError(
            f"member must be bool of shape (models, {pool}); got {member.dtype} of {tuple(member.shape)}"
        )
    counts = member.sum(1)
    if len(counts) == 0 or counts[0] == 0 or (counts != counts[0]).any():
        raise ValueError("every model needs the same number of members, at least one")
    return member.nonzero()[:, 1].view(len(member), -1)


def _expect_settings(
    *, hidden, steps, batch_size, num_members, sample_rate, max_grad_norm, noise_multiplier, learning_rate
) -> None:
    if hidden < 1 or steps < 1 or not learning_rate > 0:
        raise ValueError(
            f"hidden={hidden}, steps={steps}, learning_rate={learning_rate}; all must be positive"
        )
    if max_grad_norm is None:
        if sample_rate is not None or noise_multiplier != 0:
            raise ValueError("sample_rate and noise_multiplier belong to DP-SGD: give max_grad_norm too")
        if batch_size is None or not 1 <= batch_size <= num_members:
            raise ValueError(
                f"batch_size is {batch_size}; without max_grad_norm it must be 1 to {num_members}"
            )
        return
    if not max_grad_norm > 0 or not noise_multiplier >= 0:
        raise ValueError(
            f"max_grad_norm={max_grad_norm}, noise_multiplier={noise_multiplier} must be > 0 and ≥ 0"
        )
    if batch_size is not None or sample_rate is None or not 0 < sample_rate <= 1:
        raise ValueError(
            "DP-SGD draws each member with sample_rate in (0, 1] and has no batch_size: "
            f"got sample_rate={sample_rate}, batch_size={batch_size}"
        )
