"""The wrong unit: a promise to each slice, and a patient who has many."""

import numpy as np
import torch

from course.hospital.patient_gradients import Examples
from course.hospital.patients import Patient


def as_slices(examples: Examples) -> tuple[Examples, np.ndarray]:
    """Every slice as an example of its own, as a data loader of slices hands them to DP-SGD.

    Args:
        examples: by patient.

    Returns:
        Examples with one slice each (weights add up to 1 over its tumour cells and 1 over the others), and
        the position of the patient that each belongs to, shape (slices,).
    """
    used = (examples.weights > 0).flatten(2).any(2)  # (patients, slices)
    inputs, targets = examples.inputs[used].unsqueeze(1), examples.targets[used].unsqueeze(1)
    usable = (examples.weights[used] > 0).float().unsqueeze(1)
    marked, others = targets * usable, (1 - targets) * usable
    weights = sum(part / part.sum((1, 2), keepdim=True).clamp_min(1) for part in (marked, others))
    return Examples(inputs, targets, weights), used.nonzero()[:, 0].numpy()


def with_follow_ups(patient: Patient, *, num_scans: int, seed: int) -> Patient:
    """Simulated: a patient who was scanned `num_scans` times, the same head with fresh scanner noise.

    Args:
        patient: with one scan.
        num_scans: ≥ 1, the first one included.
        seed: of the noise, 2 % of the scan's brightest tenth.
    """
    if num_scans < 1:
        raise ValueError(f"a patient has at least one scan; got {num_scans!r}")
    rng = np.random.default_rng(seed)
    noise_std = 0.02 * float(np.quantile(patient.slices, 0.9))
    again = [
        patient.slices + rng.normal(0, noise_std, patient.slices.shape).astype(np.float32)
        for _ in range(num_scans - 1)
    ]
    return Patient(
        patient.patient_id, patient.hospital, np.concatenate([patient.slices, *again]),
        np.concatenate([patient.tumour_mask] * num_scans), patient.spacing, dict(patient.traits),
    )  # fmt: skip


def joined(*parts: Examples) -> Examples:
    """Examples of several groups as one; those with fewer slices are padded with slices of weight 0."""
    most = max(part.inputs.shape[1] for part in parts)

    def padded(tensor: torch.Tensor) -> torch.Tensor:
        shape = list(tensor.shape)
        shape[1] = most - shape[1]
        return torch.cat([tensor, tensor.new_zeros(shape)], dim=1)

    return Examples(
        *(
            torch.cat([padded(getattr(part, name)) for part in parts])
            for name in ("inputs", "targets", "weights")
        )
    )
