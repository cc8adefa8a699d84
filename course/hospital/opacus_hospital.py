"""Noise at each hospital: patient-level DP-SGD by Opacus inside the hospital, averaged in the clear."""

import sys
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from course.hospital.patient_gradients import Examples
from course.hospital.private import BAR, Plan, PrivateHospital, PrivateRun


def opacus_update(
    weights: Tensor,
    batch: Examples,
    *,
    max_grad_norm: float,
    noise_multiplier: float,
    expected_patients: float,
    learning_rate: float,
    generator: torch.Generator,
) -> Tensor:
    """One step of Opacus's DP-SGD in which a patient is an example; the update is local − global.

    Args:
        weights: of the model, shape (dimensions,).
        batch: the Poisson-sampled patients; it may be empty, and the noise is added all the same.
        max_grad_norm: C, of one patient's gradient.
        noise_multiplier: of this hospital's own noise.
        expected_patients: sample_rate × patients, by which the noisy sum is divided.
        learning_rate: of the step.
        generator: of the noise; its seed must stay secret.

    Returns:
        Shape (dimensions,).

    Guarantee: (ε, δ) of the Poisson-subsampled Gaussian for each patient, whatever everybody else does.
    Limits: float32 noise, teaching-grade (Mironov 2012).
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1, as in Opacus (`GradSampleModule`,
        `DPOptimizer`).
    """
    # Opacus takes a second to import, and only this road needs it.
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    head = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        head.weight.copy_(weights.unsqueeze(0))
    model = GradSampleModule(head, loss_reduction="sum")
    optimizer = DPOptimizer(
        torch.optim.SGD(model.parameters(), lr=learning_rate), noise_multiplier=noise_multiplier,
        max_grad_norm=max_grad_norm, expected_batch_size=expected_patients, loss_reduction="mean",
        generator=generator,
    )  # fmt: skip
    # Its backward hooks want an input with a gradient.
    inputs = batch.inputs.flatten(1, 2).clone().requires_grad_()
    logits = model(inputs).squeeze(-1)  # (patients, slices · cells)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits, batch.targets.flatten(1), reduction="none"
    )
    (losses * batch.weights.flatten(1)).sum().backward()
    optimizer.step()
    return head.weight.detach().squeeze(0) - weights


def train_at_each_hospital(
    hospitals: Sequence[PrivateHospital], plan: Plan, *, progress: str | None = None
) -> PrivateRun:
    """FedAvg over hospitals that each take one private step by Opacus a round: no secure sum, no trust.

    Args:
        hospitals: as in `train_private`; one alone is allowed.
        plan: as in `train_private`; `spare` is not used.
        progress: a label for a progress bar; None shows none.

    Returns:
        A `PrivateRun`; `released` holds the average of each round, in units of C.

    Guarantee: per patient, of each hospital, the ε of its budget's rounds, against everybody outside of the
        hospital, also if all others conspire.
    Limits: the server adds up one noise a hospital: √hospitals times as much as `train_private`.
    """
    weights, average = torch.zeros(hospitals[0].examples.inputs.shape[-1]), 0.0
    took_part, released = {hospital.name: [] for hospital in hospitals}, []
    stopped: dict[str, str] = {}
    for index in tqdm(
        range(plan.rounds), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        change = torch.zeros_like(weights)
        for hospital in hospitals:
            if hospital.joins_at > index or hospital.name in stopped:
                continue
            if not hospital.can_pay(plan):
                stopped[hospital.name] = f"round {index} does not fit into its budget"
                continue
            update = _update_of(hospital, weights, plan, index)
            change += update * len(hospital.examples) / plan.num_patients
            took_part[hospital.name].append(index)
        weights = weights + change
        released.append((-change * plan.sample_rate * plan.num_patients / plan.learning_rate).numpy())
        if index >= plan.rounds // 2:
            average = average + weights / (plan.rounds - plan.rounds // 2)
    rounds_of = {name: tuple(indices) for name, indices in took_part.items()}
    sent = 2 * weights.nbytes * sum(map(len, rounds_of.values()))
    return PrivateRun(average, rounds_of, np.array(released) / plan.max_update_norm, sent, stopped)


def _update_of(hospital: PrivateHospital, weights: Tensor, plan: Plan, index: int) -> Tensor:
    """A hospital's private update; its budget file knows of the round before the update leaves."""
    hospital.pay(plan, round_index=index)
    batch = hospital.draw(plan)
    return opacus_update(
        weights, batch, max_grad_norm=plan.max_update_norm, noise_multiplier=plan.noise_multiplier,
        expected_patients=plan.sample_rate * len(hospital.examples), learning_rate=plan.learning_rate,
        generator=hospital.coins,
    )  # fmt: skip
