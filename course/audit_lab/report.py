"""The report in which an audit ends: who was feared, what was tested, what was found, what could not be."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

from course.audit_lab.auditors import Inspection
from course.audit_lab.checks import Check
from course.audit_lab.findings import Finding, Severity
from course.audit_lab.vendor import Vendor

ADVERSARIES = (
    "The server, honest but curious: it follows the protocol and keeps all that it receives.",
    "The public: whoever sees what is published of each round, for all the rounds, and knows all about "
    "everybody but one client.",
    "An engineer of the vendor who reads the log.",
)

NOT_TESTED = (
    "A server that lies: that hands out its own keys, tells two stories, or sums one cohort twice.",
    "Clients that lie: that send another vector, add no noise of their own, or work for the server.",
    "Whether the code that was tested is the code that runs.",
    "Whether noise and keys come from a source that nobody can predict.",
    "What the model says of people once it is trained, and what is joined with it.",
    "Flaws that show only with other clients, other sizes or more rounds than were tried.",
)

PASSED = {True: "passed", False: "FAILED", None: "could not be tested"}


@dataclass(frozen=True, repr=False)
class AuditReport:
    """A report on one vendor.

    Attributes:
        vendor: its name.
        promise: what its contract promises, in a sentence.
        adversaries: against whom it was tested.
        tested: the checks, with what they say.
        found: the findings, the worst first.
        not_tested: what this audit says nothing about.
    """

    vendor: str
    promise: str
    adversaries: tuple[str, ...]
    tested: tuple[Check, ...]
    found: tuple[Finding, ...]
    not_tested: tuple[str, ...]

    @property
    def opinion(self) -> str:
        """The first sentence that anybody reads."""
        if not self.found:
            passed = sum(check.passed is True for check in self.tested)
            return f"No flaw was found in {passed} checks. This is no proof that there is none."
        worst = self.found[0].severity.value
        number = "One finding" if len(self.found) == 1 else f"{len(self.found)} findings"
        return f"{number}, the worst of them {worst}. As it is, this is no private service."

    def to_markdown(self) -> str:
        """The report as Markdown."""
        return "\n".join(
            [
                f"# Audit of {self.vendor}", "", f"**{self.opinion}**", "",
                f"Promise under audit: {self.promise}",
                "", "## Adversaries", "", *(f"- {text}" for text in self.adversaries),
                "", "## What was tested", "", *_markdown_table(_TESTED, map(_tested_row, self.tested)),
                "", "## What was found", "", *_markdown_table(_FOUND, map(_found_row, self.found)),
                "", "## What this audit says nothing about", "",
                *(f"- {text}" for text in self.not_tested), "",
            ]
        )  # fmt: skip

    def to_html(self) -> str:
        """The report as a part of a page; everything from the vendor is escaped."""
        return "".join(
            [
                f"<h2>Audit of {html.escape(self.vendor)}</h2><p><b>{html.escape(self.opinion)}</b></p>",
                f"<p>Promise under audit: {html.escape(self.promise)}</p>",
                "<h3>Adversaries</h3>", _html_list(self.adversaries),
                "<h3>What was tested</h3>", _html_table(_TESTED, map(_tested_row, self.tested)),
                "<h3>What was found</h3>", _html_table(_FOUND, map(_found_row, self.found)),
                "<h3>What this audit says nothing about</h3>", _html_list(self.not_tested),
            ]
        )  # fmt: skip

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return self.to_markdown()


def report(
    vendor: Vendor, inspection: Inspection, *, findings: Iterable[Finding] | None = None
) -> AuditReport:
    """The report on one vendor.

    Args:
        vendor: who was audited.
        inspection: the checks that were run on it.
        findings: what you file; None files what the checks found. Those of other vendors are left out.

    Raises:
        ValueError: if the inspection is of another vendor.
    """
    if inspection.vendor != vendor.name:
        raise ValueError(f"this inspection is of {inspection.vendor!r}, not of {vendor.name!r}")
    filed = inspection.findings if findings is None else findings
    order = list(Severity)
    found = sorted(
        (finding for finding in filed if finding.vendor == vendor.name),
        key=lambda finding: -order.index(finding.severity),
    )
    return AuditReport(
        vendor.name, _promise(vendor), ADVERSARIES, inspection.checks, tuple(found), NOT_TESTED
    )


def _promise(vendor: Vendor) -> str:
    annex = vendor.annex
    # Not "ε = …", which is how the course writes a promise that it has checked.
    return (
        f"an ε of {annex.epsilon:.2f} at a δ of {annex.delta:g} per {annex.unit.value} "
        f"({annex.adjacency.value}) for {annex.rounds} rounds, by accountant {annex.accountant!r}, with "
        f"noise added {annex.noise_added}. What the server sees: {annex.server_sees}."
    )


_TESTED = ("question", "result", "evidence", "rounds", "false alarms, at most")
_FOUND = ("severity", "finding", "evidence", "remedy")


def _tested_row(check: Check) -> tuple[str, ...]:
    alarm = "none" if check.false_alarm == 0 else f"{check.false_alarm:.0e}"
    return check.name, PASSED[check.passed], str(check.evidence), str(check.rounds), alarm


def _found_row(finding: Finding) -> tuple[str, ...]:
    return finding.severity.value, finding.flaw.value, str(finding.evidence), finding.remedy


def _markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    if not body:
        return ["Nothing."]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body]


def _html_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    left = "style='text-align:left'"
    body = [
        "<tr>" + "".join(f"<td {left}>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    ]
    if not body:
        return "<p>Nothing.</p>"
    return (
        "<table><tr>" + "".join(f"<th {left}>{name}</th>" for name in head) + f"</tr>{''.join(body)}</table>"
    )


def _html_list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in texts) + "</ul>"
