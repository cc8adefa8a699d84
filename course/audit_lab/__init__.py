"""The audit lab: vendors that say their learning is private, some of whom are right.

The vendors are simulated, and their services are real: each round runs the secure sum, the clipping and the
noise of the course, with one part left as it should be or spoiled. An auditor has the brochure, the small
print and the service, and files findings that are scored.
"""

from course.audit_lab.auditors import (
    CHECKS,
    REMEDY,
    SEVERITY,
    Inspection,
    everything_auditor,
    inspect,
    naive_auditor,
    reference_auditor,
)
from course.audit_lab.checks import Check, folded_seed_of, holds_update, random_updates
from course.audit_lab.findings import Finding, Flaw, Measured, Read, Score, Severity
from course.audit_lab.lab import Lab, open_lab, reveal, score
from course.audit_lab.logs import payloads_of
from course.audit_lab.output_checks import measure_noise
from course.audit_lab.records import Annex, Cohort, MarketingSheet, RoundRecord, RoundRefused, as_update
from course.audit_lab.report import AuditReport, report
from course.audit_lab.vendor import Deployment, Vendor

__all__ = [
    "CHECKS",
    "REMEDY",
    "SEVERITY",
    "Annex",
    "AuditReport",
    "Check",
    "Cohort",
    "Deployment",
    "Finding",
    "Flaw",
    "Inspection",
    "Lab",
    "MarketingSheet",
    "Measured",
    "Read",
    "RoundRecord",
    "RoundRefused",
    "Score",
    "Severity",
    "Vendor",
    "as_update",
    "everything_auditor",
    "folded_seed_of",
    "holds_update",
    "inspect",
    "measure_noise",
    "naive_auditor",
    "open_lab",
    "payloads_of",
    "random_updates",
    "reference_auditor",
    "report",
    "reveal",
    "score",
]
