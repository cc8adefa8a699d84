"""A small, made-up `Run` for tests: every field is filled, and every number in it is another one."""

import math

from course.hospital.run import (
    Adversary,
    AttackResult,
    AuditResult,
    HospitalRecord,
    Measured,
    Policy,
    Run,
    Subgroup,
    Training,
    Tuning,
)
from course.privacy import Adjacency, PrivacyClaim, Unit, epsilon_spent


def claim(name: str, noise: float, steps: int) -> PrivacyClaim:
    """Poisson-sampled at a half, recomputed by the accountant."""
    epsilon = epsilon_spent(
        noise_multiplier=noise, sample_rate=0.5, steps=steps, delta=1e-4, accountant="pld"
    )
    return PrivacyClaim(
        name,
        epsilon,
        1e-4,
        Unit.PATIENT,
        Adjacency.ADD_REMOVE,
        "gaussian",
        noise,
        "poisson",
        0.5,
        steps,
        "pld",
    )


def hospital(name: str, patients: int, rounds: tuple[int, ...], noise: float, shift: float) -> HospitalRecord:
    """A hospital whose numbers are all its own."""
    kept = claim(f"{name}, {len(rounds)} rounds", noise, len(rounds))
    return HospitalRecord(
        name=name,
        num_patients=patients,
        num_with_tumour=patients // 3,
        num_test_patients=61 + patients // 7,
        rounds=rounds,
        epsilon=kept.epsilon,
        epsilon_limit=4.0 + shift,
        delta=1e-4,
        claims=(kept,),
        runs=("tumour detector",),
        budget_sha256=f"{patients:064x}",
        private=Measured(0.831 + shift, 0.742 + shift, 0.893 + shift, "DeLong", 61 + patients // 7),
        non_private=Measured(0.857 + shift, 0.771 + shift, 0.911 + shift, "DeLong", 61 + patients // 7),
        sensitivity=Measured(0.72 + shift, 0.55 + shift, 0.85 + shift, "Clopper–Pearson", 23 + patients // 9),
        specificity=Measured(0.81 + shift, 0.66 + shift, 0.92 + shift, "Clopper–Pearson", 38 + patients // 8),
    )


def small_run() -> Run:
    """Three hospitals; the last is a clinic that joined late and is too small for intervals of its own."""
    clinic = claim("Clinic, 11 rounds", 6.3, 11)
    return Run(
        title="A tumour detector across three hospitals",
        source="Simulated from the ICBM152 template.",
        simulated=True,
        left_out=("Eastern: the scan is cut off",),
        hospitals=(
            hospital("Northern", 158, tuple(range(29)), 6.3, 0.003),
            hospital("Southern", 83, tuple(range(29)), 6.3, -0.011),
            HospitalRecord(
                "Clinic",
                13,
                5,
                9,
                tuple(range(18, 29)),
                clinic.epsilon,
                2.5,
                1e-4,
                (clinic,),
                ("pilot study", "tumour detector"),
                "c" * 64,
                None,
                None,
                None,
                None,
            ),
        ),
        subgroups=(
            Subgroup(
                "small tumours",
                47,
                Measured(0.532, 0.381, 0.679, "Clopper–Pearson", 47),
                Measured(0.617, 0.464, 0.755, "Clopper–Pearson", 47),
            ),
            Subgroup(
                "tumours with a ring",
                36,
                Measured(0.917, 0.775, 0.982, "Clopper–Pearson", 36),
                Measured(0.944, 0.813, 0.993, "Clopper–Pearson", 36),
            ),
        ),
        adversaries=(
            Adversary(
                "the server",
                "the noisy sum of each round",
                "whether a patient took part",
                "at most 1 hospital keeps its noise back",
                2.87,
                1e-4,
                6.3,
                "ε grows",
            ),
            Adversary(
                "a subpoena",
                "the hospital's own files",
                "everything",
                "none",
                math.inf,
                1e-4,
                0.0,
                "nothing is promised",
            ),
        ),
        attacks=(
            AttackResult(
                "LiRA, 64 shadow models",
                "without a promise",
                False,
                Measured(0.643, 0.611, 0.674, "bootstrap over patients", 1600),
                Measured(0.038, 0.022, 0.061, "Clopper–Pearson", 800),
                0.01,
            ),
            AttackResult(
                "LiRA, 64 shadow models",
                "ε ≤ 3",
                True,
                Measured(0.507, 0.479, 0.536, "bootstrap over patients", 1600),
                Measured(0.012, 0.005, 0.024, "Clopper–Pearson", 800),
                0.01,
            ),
        ),
        private=Measured(0.842, 0.801, 0.876, "DeLong", 207),
        non_private=Measured(0.866, 0.829, 0.899, "DeLong", 207),
        private_seeds=Measured(0.839, 0.826, 0.852, "95 % over 5 seeds", 5),
        non_private_seeds=None,
        training=Training(
            "tumour detector",
            "a bank of 40 fixed features and 41 learned weights",
            41,
            29,
            0.5,
            0.17,
            6.3,
            2.25,
            "noise once on the secure sum",
            2,
            1,
            0.043,
            0.37,
            "the highest threshold that finds 80 % of tuning tumours",
        ),
        tuning=Tuning("a separate simulation of 231 patients", 24, 0.0, 13.9, 1e-4),
        audit=AuditResult(2.86, 1e-4, 1.14, 0.95, 1000, 150, 4.97, 4.41),
        policy=Policy(
            "Updates are not kept; the budget file is.", "No further round uses the scan.", "the data officer"
        ),
        seed=4,
        code_sha256="a" * 64,
        data_sha256="d" * 64,
        model_sha256="e" * 64,
        versions={"python": "3.11", "torch": "2.13.0"},
        date="2026-11-24",
    )
