"""Three auditors: one that queries the services, one that reads brochures, one that accuses everybody."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from tqdm import tqdm

from course.audit_lab.checks import Check, check_cohorts, check_log, check_messages, check_seeds
from course.audit_lab.findings import Finding, Flaw, Read, Severity
from course.audit_lab.output_checks import (
    MISTAKE,
    check_budget,
    check_epsilon,
    check_loss,
    check_noise,
    check_promise,
    check_sampler,
)
from course.audit_lab.vendor import Vendor
from course.federated.rounds import BAR

CHECKS = (
    check_messages, check_cohorts, check_seeds, check_log, check_noise, check_epsilon, check_budget,
    check_promise, check_loss, check_sampler,
)  # fmt: skip

SEVERITY = {
    Flaw.PLAIN_AVERAGING: Severity.CRITICAL,
    Flaw.COHORT_OF_ONE: Severity.HIGH,
    Flaw.FOLDED_SEED: Severity.HIGH,
    Flaw.NO_NOISE: Severity.CRITICAL,
    Flaw.PER_ROUND_EPSILON: Severity.HIGH,
    Flaw.NO_ACCOUNTING: Severity.HIGH,
    Flaw.EMPTY_PROMISE: Severity.MEDIUM,
    Flaw.RAW_LOSS: Severity.HIGH,
    Flaw.DEBUG_LOG: Severity.CRITICAL,
    Flaw.NOT_POISSON: Severity.MEDIUM,
}

REMEDY = {
    Flaw.PLAIN_AVERAGING: "Let no client take part outside of secure aggregation; refuse old apps.",
    Flaw.COHORT_OF_ONE: "Add left-over clients to another cohort; have clients refuse small ones.",
    Flaw.FOLDED_SEED: "Expand all 256 bits of each seed by a cipher such as ChaCha20.",
    Flaw.NO_NOISE: "Add noise of the stated multiplier from a fresh, secret source in every round.",
    Flaw.PER_ROUND_EPSILON: "State the ε of all rounds together, by an accountant that composes them.",
    Flaw.NO_ACCOUNTING: "Refuse further rounds once the ε of the contract is spent.",
    Flaw.EMPTY_PROMISE: "More noise or fewer rounds, until ε is a single digit; or do not call it private.",
    Flaw.RAW_LOSS: "Publish the loss on public data, or add noise to it and count it in ε.",
    Flaw.DEBUG_LOG: "Take payloads out of the log, and delete the logs that have them.",
    Flaw.NOT_POISSON: "Toss a coin for each client in each round, or compute ε for the sampler that is used.",
}


@dataclass(frozen=True)
class Inspection:
    """The reference audit of one vendor.

    Attributes:
        vendor: its name.
        checks: one for each flaw.
    """

    vendor: str
    checks: tuple[Check, ...]

    @property
    def findings(self) -> list[Finding]:
        """What the failed checks amount to."""
        return [
            Finding(self.vendor, check.flaw, check.evidence, SEVERITY[check.flaw], REMEDY[check.flaw])
            for check in self.checks
            if check.passed is False
        ]


def inspect(vendor: Vendor, *, mistake: float = MISTAKE) -> Inspection:
    """Run every check on one vendor. It reads the contract and queries the service; it knows no answers.

    Args:
        mistake: how rarely a check that rests on chance may accuse a vendor without the flaw.

    Guarantee: each check accuses a vendor that has not its flaw with a probability of at most its
        `false_alarm`. With the default these are below 1e-5 in all; with 0.05 and a dozen vendors, expect to
        accuse somebody.
    """
    by_chance = (check_epsilon, check_sampler)
    checks = (check(vendor, mistake=mistake) if check in by_chance else check(vendor) for check in CHECKS)
    return Inspection(vendor.name, tuple(checks))


def reference_auditor(
    lab: Iterable[Vendor], *, mistake: float = MISTAKE, progress: str | None = None
) -> list[Finding]:
    """The findings of all checks on all vendors.

    Args:
        mistake: as of `inspect`.
        progress: a label for a progress bar; None shows none.
    """
    bar = tqdm(list(lab), progress, disable=progress is None, file=sys.stdout, leave=False, **BAR)
    return [finding for vendor in bar for finding in inspect(vendor, mistake=mistake).findings]


_SUSPICIOUS = {
    "sends a message to our server": Flaw.PLAIN_AVERAGING,
    "keeps a log": Flaw.DEBUG_LOG,
    "loss is published": Flaw.RAW_LOSS,
    "Cohorts may be small": Flaw.COHORT_OF_ONE,
    "it adds up": Flaw.PER_ROUND_EPSILON,
    "not from a special chip": Flaw.FOLDED_SEED,
    "not call our system anonymous": Flaw.EMPTY_PROMISE,
    "run with few people": Flaw.NOT_POISSON,
    "noise costs accuracy": Flaw.NO_NOISE,
}
"""What a reader of brochures takes for a confession."""


def naive_auditor(lab: Iterable[Vendor]) -> list[Finding]:
    """The findings of somebody who reads brochures, believes what sounds good and accuses what does not."""
    findings = []
    for vendor in lab:
        for claim in vendor.sheet.claims:
            for words, flaw in _SUSPICIOUS.items():
                if words in claim:
                    read = Read("the brochure", claim)
                    findings.append(Finding(vendor.name, flaw, read, SEVERITY[flaw], REMEDY[flaw]))
    return findings


def everything_auditor(lab: Iterable[Vendor]) -> list[Finding]:
    """Every flaw, at every vendor: a recall of 1, and worth nothing."""
    read = Read("nowhere", "it might be")
    return [Finding(v.name, flaw, read, SEVERITY[flaw], REMEDY[flaw]) for v in lab for flaw in Flaw]
