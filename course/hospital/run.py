"""The frozen record of a whole private run: everything that the packet for an ethics board is written from.

`Run` holds numbers, names and hashes, and no patient's data. It goes to JSON and back without loss.
"""

import hashlib
import json
import math
from dataclasses import dataclass

from course.hospital.fingerprints import built, plain
from course.hospital.run_records import (
    Adversary,
    AttackResult,
    AuditResult,
    HospitalRecord,
    Measured,
    Policy,
    Subgroup,
    Training,
    Tuning,
)

__all__ = [
    "Adversary",
    "AttackResult",
    "AuditResult",
    "HospitalRecord",
    "Measured",
    "Policy",
    "Run",
    "Subgroup",
    "Training",
    "Tuning",
    "best_guess",
]


def best_guess(epsilon: float, *, delta: float, before: float = 0.5) -> float:
    """How sure anyone can become that a patient took part, who was `before` sure of it, at most.

    Args:
        epsilon, delta: of the guarantee; an infinite ε guarantees nothing.
        before: the guesser's probability before, in (0, 1).

    Returns:
        For `before` = 1/2 the largest chance to guess right, (e^ε + δ) / (1 + e^ε). In general the odds
        grow by at most e^ε, but for outcomes whose probability is at most δ.

    Raises:
        ValueError: if a number is out of its range.

    Source: Kairouz, Oh, Viswanath 2015, arXiv:1311.0776, Theorem 2.1 (the trade-off of the two errors).
    """
    if not epsilon >= 0 or not 0 <= delta < 1 or not 0 < before < 1:
        raise ValueError(f"got epsilon={epsilon!r}, delta={delta!r}, before={before!r}")
    if math.isinf(epsilon):
        return 1.0
    # The corners of the region of errors (false alarms, misses): (0, 1 − δ), (1 − δ, 0), and between them
    # both # are (1 − δ) / (1 + e^ε). The best rule sits on one of them.
    shares = (before, 1 - before, 1 / (1 + math.exp(min(epsilon, 700.0))))
    return 1 - (1 - delta) * min(shares)


@dataclass(frozen=True)
class Run:
    """One private training run, from the data's source to the hashes.

    Attributes:
        title: of the study.
        source: where the data come from, in a sentence.
        simulated: whether the patients are simulated; the packet's first line says so.
        left_out: scans that were not used, with the reason each.
        hospitals, subgroups, adversaries, attacks: as their classes say.
        private, non_private: AUROC over all test patients, this run, and the same model without a promise.
        private_seeds, non_private_seeds: AUROC of five runs each, from the committed results; None without.
        training, tuning, audit, policy: as their classes say.
        seed: of the run.
        code_sha256, data_sha256, model_sha256: of the course's code, of the patients' arrays, of the weights.
        versions: of Python and of the libraries that took part.
        date: ISO, given by whoever runs it.
    """

    title: str
    source: str
    simulated: bool
    left_out: tuple[str, ...]
    hospitals: tuple[HospitalRecord, ...]
    subgroups: tuple[Subgroup, ...]
    adversaries: tuple[Adversary, ...]
    attacks: tuple[AttackResult, ...]
    private: Measured
    non_private: Measured
    private_seeds: Measured | None
    non_private_seeds: Measured | None
    training: Training
    tuning: Tuning
    audit: AuditResult | None
    policy: Policy
    seed: int
    code_sha256: str
    data_sha256: str
    model_sha256: str
    versions: dict[str, str]
    date: str

    def to_json(self) -> str:
        """The record as text; `Run.from_json` gives an equal record back."""
        return json.dumps(plain(self), indent=1, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Run":
        """The record that `to_json` wrote.

        Raises:
            ValueError: if a field is missing, unknown or of another type.
        """
        return built(cls, json.loads(text))

    @property
    def sha256(self) -> str:
        """Of the whole record: any other number in it gives another hash."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()
