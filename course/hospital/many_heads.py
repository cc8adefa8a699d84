"""Many models of 41 weights at once: shadow models, and runs with and without somebody."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course.hospital.patient_gradients import Examples, clip_patients, patient_gradients
from course.hospital.private import Plan

_TOGETHER = 48
"""Patients whose gradients are held at once: all of a pool, under all models, would be many megabytes."""


@dataclass(frozen=True, eq=False)
class Heads:
    """Models that were trained side by side.

    Attributes:
        weights: the mean of the iterates of the last half, shape (models, dimensions).
        path: the weights before each round, shape (rounds, models, dimensions).
        released: the noisy sums, in units of C, the same shape.
    """

    weights: Tensor
    path: Tensor
    released: Tensor


def train_private_heads(examples: Examples, member: np.ndarray, plan: Plan, *, seed: int) -> Heads:
    """DP-FedSGD as `train_private`, for one model a row of `member`, with the same noise drawn centrally.

    Args:
        examples: of the whole pool; a record is what the plan's guarantee is given to.
        member: bool, shape (models, pool): on whom each model is trained.
        plan: `num_patients` is what each model divides by.
        seed: of coins and noise.

    Guarantee: each model alone has the guarantee of its plan, up to floats.
    Limits: for experiments of thousands of trainings: float32 noise from one generator in place of the
        hospitals' integers. A test holds it against `train_private`.
    """
    generator = torch.Generator().manual_seed(seed)
    mine = torch.as_tensor(member)
    weights = torch.zeros(len(mine), examples.inputs.shape[-1])
    average, path, released = torch.zeros_like(weights), [], []
    for index in range(plan.rounds):
        drawn = (torch.rand(mine.shape, generator=generator) < plan.sample_rate) & mine
        total = _clipped_sums(weights, examples, drawn, max_update_norm=plan.max_update_norm)
        total += plan.noise_multiplier * torch.randn(total.shape, generator=generator)
        path.append(weights)
        released.append(total)
        step = plan.learning_rate * plan.max_update_norm / (plan.sample_rate * plan.num_patients)
        weights = weights - step * total
        if index >= plan.rounds // 2:
            average += weights / (plan.rounds - plan.rounds // 2)
    return Heads(average, torch.stack(path), torch.stack(released))


def _clipped_sums(weights: Tensor, examples: Examples, drawn: Tensor, *, max_update_norm: float) -> Tensor:
    """Each model's sum of clipped gradients over those it drew, in units of C, shape (models, dimensions)."""
    total = torch.zeros_like(weights)
    for part in torch.arange(len(examples)).split(_TOGETHER):
        few = examples.take(part)
        inputs, targets = few.inputs.flatten(1, 2), few.targets.flatten(1).unsqueeze(1)
        logits = (inputs @ weights.T).transpose(1, 2)  # (patients, models, cells)
        errors = (torch.sigmoid(logits) - targets) * few.weights.flatten(1).unsqueeze(1)
        gradients = torch.bmm(errors, inputs)  # (patients, models, dimensions)
        factors = (max_update_norm / gradients.norm(dim=2).clamp_min(1e-12)).clamp_max(1) * drawn[:, part].T
        total += torch.einsum("pmd,pm->md", gradients, factors) / max_update_norm
    return total


def train_plain_heads(
    examples: Examples, member: np.ndarray, *, decay: float = 1e-4, iterations: int = 10
) -> Tensor:
    """The optimum of `train_plain` for one model a row of `member`, by Newton's method.

    Returns:
        Shape (models, dimensions).
    """
    rows = examples.inputs.flatten(0, 2)
    targets, cell_weights = examples.targets.flatten(), examples.weights.flatten(1)
    identity = torch.eye(rows.shape[1])
    found = []
    for chosen in torch.as_tensor(member).float():
        weight = (cell_weights * (chosen / chosen.sum()).unsqueeze(1)).flatten()
        kept = weight > 0
        mine, truth, weight = rows[kept], targets[kept], weight[kept]
        weights = torch.zeros(rows.shape[1])
        for _ in range(iterations):
            p = torch.sigmoid(mine @ weights)
            slope = mine.T @ (weight * (p - truth)) + 2 * decay * weights
            bend = (mine * (weight * p * (1 - p)).unsqueeze(1)).T @ mine + 2 * decay * identity
            weights = weights - torch.linalg.solve(bend, slope)
        found.append(weights)
    return torch.stack(found)


def losses_of_heads(weights: Tensor, examples: Examples) -> np.ndarray:
    """Each patient's loss under each model, in nats, shape (models, patients)."""
    found = []
    for part in torch.arange(len(examples)).split(_TOGETHER):
        few = examples.take(part)
        logits = (few.inputs.flatten(1, 2) @ weights.T).transpose(1, 2)  # (patients, models, cells)
        targets = few.targets.flatten(1).unsqueeze(1).expand_as(logits)
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        found.append((losses * few.weights.flatten(1).unsqueeze(1)).sum(2).T)
    return torch.cat(found, dim=1).double().numpy()


def matched_filter(heads: Heads, target: Examples, *, max_update_norm: float) -> np.ndarray:
    """How much of somebody's own contribution is in the released sums: one score a model, higher = member.

    The strongest simple attack of whoever sees every sum (the server, in the analysis of DP-SGD): compute
    what the target would have contributed to each round, and see how far the sum points that way.

    Args:
        heads: of models with and without the target.
        target: the target's records: one patient, or all slices of one.
        max_update_norm: C of a record.

    Returns:
        Shape (models,).
    """
    scores = np.zeros(heads.released.shape[1])
    for weights, sums in zip(heads.path, heads.released, strict=True):
        for model, (w, s) in enumerate(zip(weights, sums, strict=True)):
            own = clip_patients(patient_gradients(w, target), max_update_norm=max_update_norm).sum(0)
            scores[model] += float(own @ s) / max_update_norm
    return scores
