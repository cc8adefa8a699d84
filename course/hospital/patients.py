"""The records that every road to the scans ends in: a patient, and a mapping hospital → its patients."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

PIXELS = 64
"""Rows and columns of a slice."""
PIXEL_MM = 3.0
"""Distance between the centres of two neighbouring pixels of a slice, in millimetres."""


@dataclass(frozen=True, eq=False)
class Patient:
    """One patient: a stack of slices through the head, and where the tumour is in each.

    A patient is *one example* of the case study: whatever a guarantee is given to, it is given to this record
    as a whole, however many slices it holds.

    Fields:
        patient_id: unique within the hospital.
        hospital: the name of the hospital that holds the scan.
        slices: shape (num_slices, 64, 64), float32, in the scanner's own units. Slices run from the feet up,
            rows from the front of the head to the back, columns from the patient's right to their left (as
            a radiologist sees them).
        tumour_mask: shape (num_slices, 64, 64), bool.
        spacing: millimetres between neighbouring slices, rows and columns; NaN where the files do not say.
        traits: what else is known of the patient, for results by subgroup.

    Raises:
        ValueError: if a shape or type is not as above, a value is not finite, or a spacing is not positive.
    """

    patient_id: str
    hospital: str
    slices: np.ndarray = field(repr=False)
    tumour_mask: np.ndarray = field(repr=False)
    spacing: tuple[float, float, float] = (8.0, PIXEL_MM, PIXEL_MM)
    traits: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self):
        shape = self.slices.shape
        if len(shape) != 3 or shape[0] == 0 or shape[1:] != (PIXELS, PIXELS):
            raise ValueError(f"slices must have shape (num_slices, {PIXELS}, {PIXELS}), not {shape}")
        if self.slices.dtype != np.float32:
            raise ValueError(f"slices must be float32, not {self.slices.dtype}")
        if self.tumour_mask.shape != shape or self.tumour_mask.dtype != bool:
            raise ValueError(
                f"tumour_mask must be bool of shape {shape}, not {self.tumour_mask.dtype} "
                f"of {self.tumour_mask.shape}"
            )
        if not np.isfinite(self.slices).all():
            raise ValueError(f"the scan of patient {self.patient_id} holds values that are not finite")
        if len(self.spacing) != 3 or any(step <= 0 or step == np.inf for step in self.spacing):
            raise ValueError(f"spacing must be three positive distances in mm, not {self.spacing}")
        object.__setattr__(self, "traits", MappingProxyType(dict(self.traits)))

    @property
    def num_slices(self) -> int:
        """How many slices this patient has."""
        return len(self.slices)

    @property
    def slice_labels(self) -> np.ndarray:
        """Shape (num_slices,), bool: does the tumour show in this slice?"""
        return self.tumour_mask.any(axis=(1, 2))

    @property
    def has_tumour(self) -> bool:
        """Does the tumour show in any slice?"""
        return bool(self.tumour_mask.any())

    @property
    def main_slice(self) -> int:
        """The slice to show: where the tumour is largest, or the middle one where there is none."""
        return int(self.tumour_mask.sum(axis=(1, 2)).argmax()) if self.has_tumour else self.num_slices // 2


class Unusable(Exception):
    """A scan cannot be used; the message says why, in words for a person, and names no path."""


@dataclass(frozen=True)
class LeftOut:
    """A scan that was not loaded: its hospital, its patient, and the reason in words."""

    hospital: str
    patient_id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Hospitals(Mapping):
    """A mapping hospital → its patients, with where they come from and what was left out.

    Fields:
        by_hospital: hospital → tuple of `Patient`.
        source: one sentence on the data's origin, to be shown beside every result.
        left_out: every scan that was found and not loaded, with its reason.
    """

    by_hospital: Mapping[str, tuple[Patient, ...]]
    source: str
    left_out: tuple[LeftOut, ...] = ()

    def __getitem__(self, hospital: str) -> tuple[Patient, ...]:
        return self.by_hospital[hospital]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_hospital)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}: {len(patients)}" for name, patients in self.items())
        return f"Hospitals({numbers}; left out: {len(self.left_out)})"

    def __len__(self) -> int:
        return len(self.by_hospital)

    @property
    def num_patients(self) -> int:
        """Patients of all hospitals together."""
        return sum(map(len, self.values()))
