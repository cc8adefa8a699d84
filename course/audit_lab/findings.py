"""What an auditor may find, how a finding is filed, and what right and wrong findings are worth."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from numbers import Real

WRONG_FINDING_COST = 1.0
"""Points for a finding that is not there: as many as a right one gains."""

SOUND_ACCUSED_COST = 2.0
"""Further points for each sound vendor that is accused of anything."""


class Flaw(Enum):
    """The ten flaws that the lab plants, each with the promise that it breaks."""

    PLAIN_AVERAGING = "the server reads updates in messages that it was only to sum with others"
    COHORT_OF_ONE = "a 'sum' of the secure aggregation has one client in it"
    FOLDED_SEED = "masks come from seeds so short that all of them can be tried"
    NO_NOISE = "updates are clipped, and no fresh noise is added: none at all, or the same in every round"
    PER_ROUND_EPSILON = "the ε that is stated for the whole run is the ε of one round"
    NO_ACCOUNTING = "the service goes on after the rounds that its ε was computed for"
    EMPTY_PROMISE = "the stated ε is kept, and it is above 10: it promises next to nothing"
    RAW_LOSS = "the loss that is published after each round is the clients' own, without noise"
    DEBUG_LOG = "the server's log holds entries of a client's update"
    NOT_POISSON = "cohorts are not drawn by a coin for each client, as the stated ε assumes"


class Severity(Enum):
    """How bad it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Measured:
    """Evidence that is a number, with the interval that it is known to.

    Attributes:
        what: which number, with its unit.
        value: finite.
        low, high: of its interval, low ≤ value ≤ high; either may be infinite.
    """

    what: str
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = (self.value, self.low, self.high)
        if not isinstance(self.what, str) or not all(isinstance(number, Real) for number in numbers):
            raise ValueError(
                f"evidence is a name and three numbers: value, low, high; got {self.what!r} and {numbers!r}"
            )
        if not self.what.strip() or not math.isfinite(self.value) or not self.low <= self.value <= self.high:
            raise ValueError(
                f"evidence is a named, finite number inside its interval; got {self.what!r}: {self.value} in "
                f"[{self.low}, {self.high}]"
            )

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.what}: {self.value:.4g} (exact)"
        return f"{self.what}: {self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Read:
    """Evidence that was read.

    Attributes:
        where: in which place, so that somebody else can look there.
        text: what stood there.
    """

    where: str
    text: str

    def __post_init__(self) -> None:
        words = (self.where, self.text)
        if not all(isinstance(text, str) and text.strip() for text in words):
            raise ValueError(f"evidence says where it was read and what; got {self.where!r}: {self.text!r}")

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


Evidence = Measured | Read


@dataclass(frozen=True)
class Finding:
    """One claim against one vendor, which stands or falls with its evidence.

    Attributes:
        vendor: its name.
        flaw: what is wrong.
        evidence: a number with its interval, or what was read and where.
        severity: how bad it is.
        remedy: what would repair it.

    Raises:
        ValueError: if something is missing. An accusation without evidence is none.
    """

    vendor: str
    flaw: Flaw
    evidence: Evidence
    severity: Severity
    remedy: str

    def __post_init__(self) -> None:
        rules = {
            "vendor is the name of a vendor": isinstance(self.vendor, str) and bool(self.vendor.strip()),
            "flaw is a Flaw": isinstance(self.flaw, Flaw),
            "evidence is Measured or Read": isinstance(self.evidence, Measured | Read),
            "severity is a Severity": isinstance(self.severity, Severity),
            "remedy says what would repair it": isinstance(self.remedy, str) and bool(self.remedy.strip()),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"this finding is incomplete: {'; '.join(broken)}")


@dataclass(frozen=True)
class Score:
    """What findings are worth. It says how many are right, never which.

    Attributes:
        found: planted flaws that were found.
        missed: planted flaws that were not.
        false_accusations: findings that are not there.
        sound_accused: sound vendors accused of something.
        precision: right findings / all findings; 0 without a finding.
        recall: found / planted.
        points: (found − false accusations − 2 · sound vendors accused) / planted, at least 0.

    Limits: it reads a finding's vendor and flaw. Whether the evidence would convince anybody is for a person
        to judge.
    """

    found: int
    missed: int
    false_accusations: int
    sound_accused: int
    precision: float
    recall: float
    points: float

    def __str__(self) -> str:
        return (
            f"{self.points:.2f} points of 1: found {self.found} of {self.found + self.missed} flaws "
            f"(recall {self.recall:.2f}, precision {self.precision:.2f}), {self.false_accusations} false "
            f"accusations, {self.sound_accused} sound vendors accused"
        )


def score_against(findings: Iterable[Finding], planted: Mapping[str, frozenset[Flaw]]) -> Score:
    """The score of findings against the answers; see `Score`. The same accusation twice counts once.

    Args:
        findings: of all vendors together.
        planted: vendor → its flaws, empty for a sound one.

    Raises:
        ValueError: if something is no `Finding`, or names a vendor that is not in the lab.
    """
    if isinstance(findings, Finding):
        raise ValueError("a score is of a list of Findings; put this one into [ ]")
    accused = set()
    for finding in findings:
        if not isinstance(finding, Finding):
            raise ValueError(f"a score is of Findings, not {type(finding).__name__}")
        if finding.vendor not in planted:
            raise ValueError(f"no vendor here is called {finding.vendor!r}; there are {sorted(planted)}")
        accused.add((finding.vendor, finding.flaw))
    there = {(vendor, flaw) for vendor, flaws in planted.items() for flaw in flaws}
    found, wrong = len(accused & there), len(accused - there)
    sound_accused = len({vendor for vendor, _ in accused if not planted[vendor]})
    points = found - WRONG_FINDING_COST * wrong - SOUND_ACCUSED_COST * sound_accused
    return Score(
        found, len(there) - found, wrong, sound_accused, precision=found / len(accused) if accused else 0.0,
        recall=found / len(there) if there else 0.0, points=max(0.0, points / len(there)) if there else 0.0,
    )  # fmt: skip
