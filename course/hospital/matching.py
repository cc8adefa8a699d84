"""Slices with and without tumour at the same heights, so that a detector cannot win by height alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from course.hospital.patients import Hospitals, LeftOut, Patient


def slice_heights(patient: Patient) -> np.ndarray:
    """How high each slice lies in the patient's own stack: shape (num_slices,), between 0 (feet) and 1."""
    return (np.arange(patient.num_slices) + 0.5) / patient.num_slices


def _partners(
    heights: np.ndarray, labels: np.ndarray, *, within: float, rng: np.random.Generator
) -> np.ndarray:
    """Which slices are kept: each with tumour beside the nearest unused one without, if it is near enough."""
    kept, clear = np.zeros(len(labels), dtype=bool), np.flatnonzero(~labels)
    for slice_index in rng.permutation(np.flatnonzero(labels)):
        free = clear[~kept[clear]]
        if not len(free):
            break
        gaps = np.abs(heights[free] - heights[slice_index])
        if gaps.min() <= within:
            kept[[slice_index, free[gaps.argmin()]]] = True
    return kept


def _matched(patients: Sequence[Patient], *, within: float, rng: np.random.Generator) -> list[np.ndarray]:
    """One array of slices to keep a patient; partners may come from any patient of the hospital."""
    if not patients:
        return []
    heights = np.concatenate([slice_heights(patient) for patient in patients])
    labels = np.concatenate([patient.slice_labels for patient in patients])
    kept = _partners(heights, labels, within=within, rng=rng)
    return np.split(kept, np.cumsum([patient.num_slices for patient in patients])[:-1])


def match_heights(hospitals: Hospitals, *, seed: int, within: float = 0.05) -> Hospitals:
    """Keep as many slices with tumour as without, in pairs at nearly the same height, at each hospital.

    Args:
        hospitals: from any road; meant for real scans, where the height alone tells much.
        seed: decides which slices find a partner first.
        within: how far the heights of a pair may differ, as a share of the stack.

    Returns:
        The same patients with fewer slices. A patient without any matched slice is named in `left_out`.

    Raises:
        ValueError: if `within` is not between 0 and 1.

    Limits: a height is a slice's place in its own stack, so stacks that cover different parts of the head are
        matched less well than they seem.
    """
    if not 0 <= within <= 1:
        raise ValueError(f"within must be between 0 and 1, not {within}")
    by_hospital, left_out = {}, list(hospitals.left_out)
    for index, (name, patients) in enumerate(hospitals.items()):
        rng, remaining = np.random.default_rng((seed, index)), []
        for patient, kept in zip(patients, _matched(patients, within=within, rng=rng), strict=True):
            if kept.any():
                cut = replace(patient, slices=patient.slices[kept], tumour_mask=patient.tumour_mask[kept])
                remaining.append(cut)
            else:
                left_out.append(
                    LeftOut(name, patient.patient_id, "no slice has a partner at the same height")
                )
        by_hospital[name] = tuple(remaining)
    return Hospitals(
        by_hospital, source=f"{hospitals.source} Slices matched by height.", left_out=tuple(left_out)
    )
