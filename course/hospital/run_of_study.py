"""From a trained study to its frozen record: the one place where a `Run` is filled in."""

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata

import numpy as np
from torch import Tensor

from course.hospital.adversaries import adversaries_of
from course.hospital.budget import PrivacyBudget
from course.hospital.evaluation import over_seeds
from course.hospital.fingerprints import code_sha256, file_sha256, weights_sha256
from course.hospital.private import Plan, PrivateHospital, PrivateRun
from course.hospital.run import Run
from course.hospital.run_records import (
    AttackResult,
    AuditResult,
    HospitalRecord,
    Measured,
    Policy,
    Training,
    Tuning,
)
from course.hospital.study import (
    DELTA,
    SENSITIVITY,
    Study,
    decision_threshold,
    results_of_hospital,
    study_auroc,
    subgroups,
)

LIBRARIES = ("numpy", "torch", "opacus", "dp-accounting", "cryptography", "nilearn", "flwr")

POLICY = Policy(
    retention="Scans stay in the hospital. Each round's message is masked, and the server keeps neither "
    "messages nor sums, only the model. Each hospital keeps its privacy budget file for as long as it keeps "
    "any scan that was used.",
    withdrawal="A patient who withdraws takes part in no further round. What was learned stays in the model: "
    "with the noise in it, the model would be nearly as likely had the patient never taken part, and that is "
    "what the guarantee says. Training again without the patient would be a new release, and would cost all "
    "the others.",
    contact="the data protection officer of the hospital that made the scan",
)
"""What the course's invented hospitals agreed on; a real study writes its own."""


def record_of_hospital(
    hospital: PrivateHospital, study: Study, trained: PrivateRun, plain: Tensor
) -> HospitalRecord:
    """One hospital's part of the record, from its budget *file* and its test patients."""
    budget = PrivacyBudget.open(hospital.budget.file)
    private = results_of_hospital(trained.weights, study, hospital.name)
    return HospitalRecord(
        name=hospital.name, num_patients=len(hospital.examples),
        num_with_tumour=study.num_with_tumour[hospital.name],
        num_test_patients=len(study.test[hospital.name]),
        rounds=trained.took_part[hospital.name], epsilon=budget.epsilon, epsilon_limit=budget.epsilon_limit,
        delta=budget.delta, claims=budget.claims(),
        runs=tuple(dict.fromkeys(release.run for release in budget.releases)),
        budget_sha256=file_sha256(budget.file), private=private["auroc"],
        non_private=results_of_hospital(plain, study, hospital.name)["auroc"],
        sensitivity=private["sensitivity"], specificity=private["specificity"],
    )  # fmt: skip


def training_record(study: Study, trained: PrivateRun, plan: Plan, num_hospitals: int) -> Training:
    """How the model was trained, in words and numbers."""
    messages = sum(map(len, trained.took_part.values()))
    return Training(
        run=plan.run,
        model="a fixed bank of 40 features for each cell of 12 mm, and one learned weight for each",
        num_parameters=len(trained.weights), rounds=plan.rounds, sample_rate=plan.sample_rate,
        max_update_norm=plan.max_update_norm, noise_multiplier=plan.noise_multiplier,
        learning_rate=plan.learning_rate,
        aggregation="noise once on the secure sum: each hospital adds its share of discrete Gaussian noise "
        "to whole numbers before it masks them, so that the server sees the noisy sum only and no one party "
        "knows the noise",
        threshold=num_hospitals - plan.spare, spare=plan.spare,
        kb_per_round=trained.bytes_sent / max(messages, 1) / 1e3,
        decision_threshold=decision_threshold(trained.weights, study),
        decision_rule=f"the highest score that finds {SENSITIVITY:.0%} of the tuning simulation's tumours",
    )  # fmt: skip


def make_run(
    study: Study,
    trained: PrivateRun,
    plan: Plan,
    hospitals: Sequence[PrivateHospital],
    *,
    plain: Tensor,
    attacks: Sequence[AttackResult],
    audit: AuditResult | None,
    tuning: Tuning,
    seed: int,
    date: str,
    title: str = "A tumour detector, trained by six hospitals together",
    policy: Policy = POLICY,
    seeds: Mapping[str, Sequence[float]] | None = None,
) -> Run:
    """The whole record of a private run.

    Args:
        study, trained, plan, hospitals: of the run; each hospital with its budget.
        plain: weights of the same model without a promise.
        attacks, audit, tuning, policy: what was found and agreed.
        seed: of the run.
        date: ISO.
        title: of the study.
        seeds: "private" and "non-private" → AUROC of several seeds; None without.
    """
    records = tuple(record_of_hospital(hospital, study, trained, plain) for hospital in hospitals)
    return Run(
        title=title, source=study.source, simulated=study.source.lower().startswith("simulated"),
        left_out=study.left_out, hospitals=records, subgroups=subgroups(trained.weights, plain, study),
        adversaries=adversaries_of(
            plan, num_hospitals=len(hospitals), delta=DELTA, cohorts=_cohorts(trained, plan)
        ),
        attacks=tuple(attacks),
        private=study_auroc(trained.weights, study), non_private=study_auroc(plain, study),
        private_seeds=_seeds(seeds, "private"), non_private_seeds=_seeds(seeds, "non-private"),
        training=training_record(study, trained, plan, len(hospitals)), tuning=tuning, audit=audit,
        policy=policy, seed=seed, code_sha256=code_sha256(), data_sha256=study.data_sha256,
        model_sha256=weights_sha256(trained.weights),
        versions={"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES},
        date=date,
    )  # fmt: skip


def _cohorts(trained: PrivateRun, plan: Plan) -> list[int]:
    """How many hospitals were in each round's sum."""
    return [sum(index in rounds for rounds in trained.took_part.values()) for index in range(plan.rounds)]


def _seeds(seeds: Mapping[str, Sequence[float]] | None, name: str) -> Measured | None:
    return None if seeds is None else over_seeds(np.asarray(seeds[name], dtype=float))
