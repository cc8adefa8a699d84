"""The private study from patients to result: who is taught, who is tested, and by what plan."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course.hospital.budget import PrivacyBudget
from course.hospital.evaluation import auroc_interval, rates_at
from course.hospital.feature_bank import Cells, PublicScale, look_at, patient_scores, public_scale
from course.hospital.fingerprints import data_sha256
from course.hospital.patient_gradients import Examples, teaching_cells
from course.hospital.patients import Hospitals, LeftOut, Patient
from course.hospital.private import Plan, PrivateHospital
from course.hospital.run_records import Measured, Subgroup
from course.privacy import noise_for

DELTA = 1e-4
"""Below 1 / 472, the number of patients, by a factor of twenty."""

SETTINGS = {"rounds": 30, "sample_rate": 0.5, "max_update_norm": 0.3, "learning_rate": 64.0}
"""Chosen on the tuning simulation (`tests/benchmarks/hospital_privacy.py tune`), one for every ε."""

AT_EACH = {"max_update_norm": 0.1, "learning_rate": 64.0}
"""What the same search chose where the noise is added at each hospital."""

SENSITIVITY = 0.8
"""The decision threshold is the highest that finds this share of the tuning simulation's tumours."""

FEWEST_OF_A_KIND = 8
"""With fewer test patients with (or without) a tumour, a hospital's own AUROC is not stated."""


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a run of lesson 11 needs, as features; the scans are no longer held.

    Attributes:
        train: hospital → what it teaches on.
        num_with_tumour: hospital → training patients with a tumour.
        test: hospital → all cells of its test patients.
        test_traits: hospital → each test patient's traits, for subgroups.
        tuning: cells of the tuning simulation: nobody's patients, for thresholds.
        scale: of the features, from the tuning simulation.
        source, left_out: of the training patients, as `Hospitals` has them; no patient is named, because
            the record leaves the hospitals.
        data_sha256: of the training and test patients' arrays.
    """

    train: Mapping[str, Examples]
    num_with_tumour: Mapping[str, int]
    test: Mapping[str, Cells]
    test_traits: Mapping[str, tuple[Mapping[str, object], ...]]
    tuning: Cells
    scale: PublicScale
    source: str
    left_out: tuple[str, ...]
    data_sha256: str

    @property
    def num_patients(self) -> int:
        """Training patients of all hospitals."""
        return sum(map(len, self.train.values()))

    @property
    def has_tumour(self) -> np.ndarray:
        """Of all test patients, hospital after hospital, bool."""
        return np.concatenate([cells.has_tumour for cells in self.test.values()])

    def pool(self) -> Examples:
        """All training patients as one set, which only an attacker of the course has."""
        parts = self.train.values()
        return Examples(
            *(torch.cat([getattr(part, name) for part in parts]) for name in ("inputs", "targets", "weights"))
        )


def prepare_study(train: Hospitals, test: Hospitals, tuning: Hospitals, *, seed: int) -> Study:
    """Features of all patients.

    Args:
        train: hospital → patients whose privacy is at stake.
        test: the same hospitals' other patients.
        tuning: patients who are nobody's (simulated for this), for the features' scale and for thresholds.
        seed: draws which cells are taught.

    Raises:
        ValueError: if train and test are not of the same hospitals.
    """
    if set(train) != set(test):
        raise ValueError(f"train has the hospitals {sorted(train)}, test has {sorted(test)}")
    public = [patient for patients in tuning.values() for patient in patients]
    scale = public_scale(public)
    return Study(
        train={name: teaching_cells(look_at(train[name], scale), seed=seed) for name in train},
        num_with_tumour={name: sum(p.has_tumour for p in train[name]) for name in train},
        test={name: look_at(test[name], scale) for name in train},
        test_traits={name: tuple(_traits(patient) for patient in test[name]) for name in train},
        tuning=look_at(public, scale), scale=scale, source=train.source,
        left_out=tuple(f"{left.hospital}: {_nameless(left)}" for left in train.left_out),
        data_sha256=data_sha256({f"{part}/{name}": patients for part, hospitals in
                                 (("train", train), ("test", test)) for name, patients in hospitals.items()}),
    )  # fmt: skip


def _nameless(left: LeftOut) -> str:
    """Why a scan was left out, without file names: those of public sets hold the patient's own."""
    reason = left.reason.replace(left.patient_id, "…") if left.patient_id else left.reason
    reason = re.sub(r"^.*\.(tif|nii|nii\.gz)(?= )", "a file", reason)
    return re.sub(r"\S*[_…]\S*", "a folder", reason)


def _traits(patient: Patient) -> dict[str, object]:
    return dict(patient.traits) | {"tumour_pixels": int(patient.tumour_mask.sum())}


def plan_for(epsilon: float, *, num_patients: int, run: str, spare: int = 1, **changes: object) -> Plan:
    """The tuned plan whose every patient has (ε, `DELTA`) over all of its rounds.

    Args:
        epsilon: > 0, in nats; infinite gives a plan without noise, which promises nothing.
        num_patients: of all hospitals together, public.
        run: its name.
        spare: as in `Plan`.
        changes: of `SETTINGS`, for experiments.
    """
    settings = SETTINGS | changes
    noise = 0.0
    if np.isfinite(epsilon):
        noise = noise_for(
            epsilon,
            delta=DELTA,
            sample_rate=settings["sample_rate"],
            steps=settings["rounds"],
            accountant="pld",
        )
    return Plan(run=run, noise_multiplier=noise, num_patients=num_patients, spare=spare, **settings)


def open_hospitals(
    study: Study,
    folder: Path | str,
    *,
    epsilon_limit: float,
    seed: int,
    joins_at: Mapping[str, int] | None = None,
    only: Sequence[str] | None = None,
) -> list[PrivateHospital]:
    """The study's hospitals, each with its budget file `folder/hospital/privacy_budget.json`.

    Args:
        study: whose patients.
        folder: a folder a hospital is made in it; a budget that is there already goes on.
        epsilon_limit: of a budget that is made now.
        seed: of coins and noise.
        joins_at: hospital → its first round.
        only: these hospitals; all without it.
    """
    hospitals = []
    for name in only or study.train:
        file = Path(folder) / name / "privacy_budget.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            PrivacyBudget.create(file, hospital=name, epsilon=epsilon_limit, delta=DELTA)
        hospitals.append(
            PrivateHospital(
                name,
                study.train[name],
                PrivacyBudget.open(file),
                seed,
                joins_at=(joins_at or {}).get(name, 0),
            )
        )
    return hospitals


# What comes out ---------------------------------------------------------------------------------------


def scores_by_hospital(weights: Tensor, study: Study) -> dict[str, np.ndarray]:
    """Each test patient's score, by hospital."""
    return {name: patient_scores(weights, cells) for name, cells in study.test.items()}


def study_auroc(weights: Tensor, study: Study) -> Measured:
    """AUROC over all test patients, with DeLong's interval."""
    return auroc_interval(np.concatenate([*scores_by_hospital(weights, study).values()]), study.has_tumour)


def decision_threshold(weights: Tensor, study: Study) -> float:
    """The highest score that still finds `SENSITIVITY` of the tuning simulation's tumours.

    It looks at the model and at nobody's patients, so it costs nothing.
    """
    scores = np.sort(patient_scores(weights, study.tuning)[study.tuning.has_tumour])[::-1]
    return float(scores[int(np.ceil(SENSITIVITY * len(scores))) - 1])


def results_of_hospital(weights: Tensor, study: Study, name: str) -> dict[str, Measured | None]:
    """AUROC, sensitivity and specificity over a hospital's own test patients; None where there are few."""
    scores, has_tumour = patient_scores(weights, study.test[name]), study.test[name].has_tumour
    if min(has_tumour.sum(), (~has_tumour).sum()) < FEWEST_OF_A_KIND:
        return {"auroc": None, "sensitivity": None, "specificity": None}
    rates = rates_at(scores, has_tumour, threshold=decision_threshold(weights, study))
    return {
        "auroc": auroc_interval(scores, has_tumour), "sensitivity": rates.sensitivity,
        "specificity": rates.specificity,
    }  # fmt: skip


def kinds_of_patients(study: Study) -> dict[str, np.ndarray]:
    """Subgroups of the test patients with a tumour, by kind, size and age; bool, shape (test patients,)."""
    traits = [each for patients in study.test_traits.values() for each in patients]
    sick = study.has_tumour
    sizes = np.array([each["tumour_pixels"] for each in traits])
    kinds = {
        f"{kind} tumours": np.array([each.get("tumour") == kind for each in traits]) & sick
        for kind in ("solid", "ring", "cystic")
    }
    kinds["the smallest quarter of tumours"] = sick & (sizes <= np.quantile(sizes[sick], 0.25))
    kinds["70 years and older"] = sick & (np.array([float(each.get("age", 0)) for each in traits]) >= 70)
    return {name: who for name, who in kinds.items() if who.sum() >= FEWEST_OF_A_KIND}


def subgroups(private: Tensor, plain: Tensor, study: Study) -> tuple[Subgroup, ...]:
    """How often each model finds each kind of tumour, at its own threshold."""
    found = {}
    for name, weights in (("private", private), ("plain", plain)):
        scores = np.concatenate([*scores_by_hospital(weights, study).values()])
        found[name] = scores, decision_threshold(weights, study)

    def share(model: str, who: np.ndarray) -> Measured:
        scores, threshold = found[model]
        return rates_at(scores[who], np.ones(int(who.sum()), bool), threshold=threshold).sensitivity

    return tuple(
        Subgroup(kind, int(who.sum()), share("private", who), share("plain", who))
        for kind, who in kinds_of_patients(study).items()
    )
