"""Simulated hospitals: a real average brain, invented patients, invented tumours, invented scanners."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from course.federated.rounds import BAR
from course.hospital.anatomy import Head, draw_head, folding, into_template, tissue
from course.hospital.fields import SLICE_MM, slice_points
from course.hospital.patients import PIXEL_MM, Hospitals, Patient
from course.hospital.scanners import SCANNERS, Exposure, draw_exposure, take_scan
from course.hospital.tumours import Tumour, draw_tumour, make_room, paint

PATIENTS = {"university": 160, "city": 120, "coast": 80, "valley": 60, "hill": 40, "clinic": 12}
"""Hospital → how many patients it has, unless asked otherwise."""
TUMOURS_IN_TWELVE = {"university": 7, "city": 6, "coast": 5, "valley": 5, "hill": 4, "clinic": 6}
"""Hospital → how many of every twelve patients have a tumour, in random order."""
SOURCE = (
    "Simulated: the ICBM152 average brain, deformed for each invented patient, with invented tumours and "
    "scanners."
)
_BATCH = 20
"""Patients drawn at a time: fewer are slower, more take more memory."""


@dataclass(frozen=True, eq=False)
class _Drawn:
    head: Head
    exposure: Exposure
    tumour: Tumour | None


def _draw(rng: np.random.Generator, *, hospital: str, with_tumour: bool) -> _Drawn:
    head, exposure = draw_head(rng), draw_exposure(rng, scanner=SCANNERS[hospital])
    return _Drawn(head, exposure, draw_tumour(rng, pose=head.pose) if with_tumour else None)


def _look_inside(drawn: Sequence[_Drawn]) -> tuple[Tensor, Tensor]:
    """Shares of tissue, shape (patients, 5, z, y, x), and outlines, shape (patients, z, y, x)."""
    heads = [one.head for one in drawn]
    sick = [index for index, one in enumerate(drawn) if one.tumour is not None]
    tumours = [drawn[index].tumour for index in sick]
    folds, origins = folding(heads), slice_points().repeat(len(heads), 1, 1, 1, 1)
    if sick:
        origins[sick] = make_room(slice_points(), tumours)
    shares, detail = tissue(into_template(origins, heads), heads, folds=folds).split([3, 1], dim=1)
    shares = torch.cat([shares, torch.zeros_like(detail)], dim=1)
    outlines = torch.zeros(detail[:, 0].shape, dtype=torch.bool)
    if sick:
        shares[sick], outlines[sick] = paint(shares[sick], slice_points(), tumours, mottle=folds[sick, 0])
    return torch.cat([shares, detail], dim=1), outlines


def _tumour_plan(seed: int, *, hospital: str, number: int) -> list[bool]:
    """Who of the first `number` patients has a tumour: a fixed count of every twelve, in random order."""
    twelve = np.arange(12) < TUMOURS_IN_TWELVE[hospital]
    index, blocks = list(SCANNERS).index(hospital), -(-number // 12)
    order = [np.random.default_rng((seed, index, 1, block)).permutation(twelve) for block in range(blocks)]
    return [bool(sick) for block in order for sick in block][:number]


def _as_patient(drawn: _Drawn, *, hospital: str, number: int, slices: Tensor, outline: Tensor) -> Patient:
    kind = "none" if drawn.tumour is None else drawn.tumour.kind
    return Patient(
        patient_id=f"{hospital}-{number:04d}",
        hospital=hospital,
        slices=slices.numpy(),
        tumour_mask=outline.numpy(),
        spacing=(SLICE_MM, PIXEL_MM, PIXEL_MM),
        traits={"age": round(drawn.head.age, 1), "sex": drawn.head.sex, "tumour": kind},
    )


def _fill(hospital: str, *, seed: int, number: int, bar: tqdm) -> tuple[Patient, ...]:
    """The first `number` patients of one hospital."""
    index, patients = list(SCANNERS).index(hospital), []
    plan = _tumour_plan(seed, hospital=hospital, number=number)
    for start in range(0, number, _BATCH):
        drawn = [
            _draw(
                np.random.default_rng((seed, index, 0, start + offset)), hospital=hospital, with_tumour=sick
            )
            for offset, sick in enumerate(plan[start : start + _BATCH])
        ]
        inside, outlines = _look_inside(drawn)
        slices = take_scan(inside, [one.exposure for one in drawn], scanner=SCANNERS[hospital])
        patients += [
            _as_patient(
                one, hospital=hospital, number=start + offset, slices=slices[offset], outline=outlines[offset]
            )
            for offset, one in enumerate(drawn)
        ]
        bar.update(len(drawn))
    return tuple(patients)


@torch.no_grad()
def simulate_hospitals(
    *, seed: int, patients: Mapping[str, int] | None = None, progress: str | None = None
) -> Hospitals:
    """Simulated, not real: invented patients whose heads are the ICBM152 average brain, deformed.

    Every image is T1-weighted after a contrast agent, with the skull removed. Hospitals differ by scanner, by
    number of patients and by how many of them have a tumour; the smallest is a clinic of twelve.

    Args:
        seed: who the patients are, not negative. The scanners belong to the hospitals and do not depend on
            it, so another seed gives other patients of the same hospitals (for validation, for tests).
        patients: hospital → how many; `PATIENTS` unless given. Asking for more adds patients and leaves the
            first ones as they were, up to rounding.
        progress: what a bar says while it runs; none unless given.

    Returns:
        Hospital → tuple of patients, in the order asked for. Whether a patient has a tumour is drawn apart
        from age, sex, head and exposure, so nothing but the tumour and what it does to the brain tells.

    Raises:
        ValueError: if a hospital is unknown or a number is negative.

    Limits: one average brain bent smoothly is not a population: there are no other diseases but spots of age,
        no skull, no motion, no metal, and a tumour is a ball made irregular. Results say how methods compare,
        not how well tumours of people are found.
    """
    asked = dict(PATIENTS if patients is None else patients)
    unknown = sorted(set(asked) - set(SCANNERS))
    if unknown:
        raise ValueError(f"there is no hospital {unknown}; there are {list(SCANNERS)}")
    if seed < 0 or any(number < 0 for number in asked.values()):
        raise ValueError(f"the seed and each number of patients must not be negative, not {seed} and {asked}")
    with tqdm(
        total=sum(asked.values()),
        desc=progress,
        disable=progress is None,
        file=sys.stdout,
        leave=False,
        **BAR,
    ) as bar:
        simulated = {name: _fill(name, seed=seed, number=number, bar=bar) for name, number in asked.items()}
    return Hospitals(simulated, source=SOURCE)
