"""The parts of the record of a private run: hospitals, subgroups, adversaries, training, attacks, audit."""

from dataclasses import dataclass

from course.privacy import PrivacyClaim


@dataclass(frozen=True)
class Measured:
    """A number that was measured, with its interval.

    Attributes:
        value, low, high: in the unit of the quantity (shares and AUROC in [0, 1], ε in nats).
        method: how the interval was made, in a few words ("DeLong", "Clopper–Pearson", "95 % over 5 seeds").
        num: how many patients, runs or guesses stand behind it.
        confidence: of the interval.
    """

    value: float
    low: float
    high: float
    method: str
    num: int
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high or self.num < 0 or not 0 < self.confidence < 1:
            raise ValueError(f"an interval holds its value and has a confidence in (0, 1); got {self!r}")


@dataclass(frozen=True)
class HospitalRecord:
    """One hospital of the run.

    Attributes:
        name: of the hospital.
        num_patients: in training; the patients whose privacy is at stake.
        num_with_tumour: of these.
        num_test_patients: held out, never used in training or tuning.
        rounds: of this run in which the hospital took part; the first one is 0.
        epsilon: of everything in the hospital's budget file, this run and earlier ones, in nats.
        epsilon_limit: at which the hospital stops taking part.
        delta: of everything in the budget file.
        claims: the whole sentence of each kind of round, over all runs.
        runs: names of all runs in the budget file, in the order of their first round.
        budget_sha256: of the budget file after the run.
        private, non_private: AUROC over the hospital's own test patients, private model and the same model
            without a promise; None where too few test patients are of both kinds.
        sensitivity, specificity: of the private model at the run's threshold; None as above.
    """

    name: str
    num_patients: int
    num_with_tumour: int
    num_test_patients: int
    rounds: tuple[int, ...]
    epsilon: float
    epsilon_limit: float
    delta: float
    claims: tuple[PrivacyClaim, ...]
    runs: tuple[str, ...]
    budget_sha256: str
    private: Measured | None
    non_private: Measured | None
    sensitivity: Measured | None
    specificity: Measured | None


@dataclass(frozen=True)
class Subgroup:
    """How often the model finds the tumour in one kind of patient, with and without the promise.

    Attributes:
        name: "small tumours", "the clinic", …
        num_patients: test patients of this kind with a tumour.
        private, non_private: share found at the run's threshold.
    """

    name: str
    num_patients: int
    private: Measured
    non_private: Measured


@dataclass(frozen=True)
class Adversary:
    """One of those against whom the run was planned.

    Attributes:
        name: "the server", "another hospital", …
        sees: what reaches them.
        wants: what they would like to know.
        assumption: what must hold for the guarantee below.
        epsilon: of a patient's guarantee against them, over this run, in nats; infinite where none is given.
        delta: of the same.
        noise_multiplier: of the noise that they cannot take off, at each release.
        without_assumption: what is left of the guarantee if the assumption fails.
    """

    name: str
    sees: str
    wants: str
    assumption: str
    epsilon: float
    delta: float
    noise_multiplier: float
    without_assumption: str


@dataclass(frozen=True)
class Training:
    """How the model was trained.

    Attributes:
        run: the name under which the rounds stand in the budget files.
        model: in words.
        num_parameters: numbers in a hospital's update.
        rounds, sample_rate, max_update_norm, noise_multiplier, learning_rate: of DP-FedSGD; the clipping
            norm is of one patient's gradient.
        aggregation: in words: who adds the noise, and what the server sees.
        threshold: hospitals that must stay for a secure sum.
        spare: hospitals whose noise may be missing or known without breaking the guarantee.
        kb_per_round: what one hospital sends and receives in a round, in kilobytes (1,000 bytes).
        decision_threshold: of the score, above which a patient is called positive.
        decision_rule: how that threshold was chosen.
    """

    run: str
    model: str
    num_parameters: int
    rounds: int
    sample_rate: float
    max_update_norm: float
    noise_multiplier: float
    learning_rate: float
    aggregation: str
    threshold: int
    spare: int
    kb_per_round: float
    decision_threshold: float
    decision_rule: str


@dataclass(frozen=True)
class Tuning:
    """What it cost to choose the settings.

    Attributes:
        data: on whom they were chosen.
        num_settings: how many were tried.
        epsilon: what the search cost the patients of this run, in nats (0 if it never saw them).
        epsilon_if_on_patients: what the same search would have cost, had it been run on them.
        delta: of the latter.
    """

    data: str
    num_settings: int
    epsilon: float
    epsilon_if_on_patients: float
    delta: float


@dataclass(frozen=True)
class AttackResult:
    """A membership attack on one model.

    Attributes:
        attack: its name.
        target: the model that was attacked.
        private: whether that model carries a promise.
        auc: 0.5 is guessing.
        tpr: members found at a false-positive rate of `fpr`.
        fpr: of `tpr`; guessing finds this share.
    """

    attack: str
    target: str
    private: bool
    auc: Measured
    tpr: Measured
    fpr: float


@dataclass(frozen=True)
class AuditResult:
    """What an audit of the training code found.

    Attributes:
        claimed: ε of the accountant for the audited training, in nats.
        delta: of both.
        epsilon_lower_bound: an ε below it is refuted at `confidence`.
        num_canaries, num_guesses: of the one-run audit.
        ceiling: no audit of this size can report more.
        control_lower_bound: the same audit of the same code without its noise.
    """

    claimed: float
    delta: float
    epsilon_lower_bound: float
    confidence: float
    num_canaries: int
    num_guesses: int
    ceiling: float
    control_lower_bound: float


@dataclass(frozen=True)
class Policy:
    """What the hospitals agreed on that is no mathematics.

    Attributes:
        retention: what is kept where, and how long.
        withdrawal: what happens when a patient withdraws.
        contact: whom a patient can ask.
    """

    retention: str
    withdrawal: str
    contact: str
