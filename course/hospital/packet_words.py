"""Numbers of a run as an ethics board reads them: percentages, odds, ranges, and verdicts in words."""

import json
import math
from collections.abc import Sequence

from course.hospital.run import (
    Adversary,
    AttackResult,
    AuditResult,
    HospitalRecord,
    Measured,
    Run,
    best_guess,
)

COIN = 0.5
"""How sure somebody is who can only toss a coin, and the AUROC of a model that does no more than that."""

CERTAIN = 1.0
NOT_MEASURED = "not measured"
NO_GUARANTEE = "no guarantee"

_NEARLY_CERTAIN = 0.99

_LARGEST_FACTOR = 1e6
"""An ε above log(10⁶) promises nothing that a person could use, and its exact factor is noise."""


def percent(share: float, decimals: int = 1) -> str:
    """0.842 as "84.2 %", with a space that does not break."""
    return f"{100 * share:.{decimals}f}\u00a0%"


def percent_at_most(share: float) -> str:
    """A ceiling as a percentage: rounded up, so that the packet never promises more than the proof.

    One decimal, and more where one would round an ε that promises little up to certainty.
    """
    for decimals in (1, 2, 3, 4):
        # Without the small allowance, 0.847 would be 84.7000…01 and be rounded up to 84.8.
        rounded = math.ceil(100 * share * 10**decimals - 1e-9) / 10**decimals
        if rounded < 100:
            break
    return f"{rounded:.{decimals}f}\u00a0%"


def short(number: float) -> str:
    """Four digits of a setting, without trailing zeros."""
    return f"{number:.4g}"


def percent_short(share: float) -> str:
    """0.95 as "95 %": up to four digits, without trailing zeros."""
    return f"{100 * share:.4g}\u00a0%"


def guess(epsilon: float, delta: float) -> str:
    """The ceiling of anybody's best guess whether a patient took part, in words."""
    if math.isinf(epsilon):
        return NO_GUARANTEE
    return f"at most {percent_at_most(best_guess(epsilon, delta=delta))}"


def odds_factor(epsilon: float) -> str:
    """By how much the odds can grow, e^ε, rounded up."""
    if math.isinf(epsilon):
        return "without limit"
    factor = math.exp(min(epsilon, 700.0))
    if factor > _LARGEST_FACTOR:
        return "more than a million times"
    decimals = 1 if factor < 100 else 0
    return f"{math.ceil(factor * 10**decimals - 1e-9) / 10**decimals:,.{decimals}f} times"


def rounds_text(rounds: Sequence[int]) -> str:
    """Rounds as people count them, from one: (0, 1, 2, 7) as "1–3, 8"."""
    if not rounds:
        return "none"
    runs: list[list[int]] = []
    for index in rounds:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(f"{a + 1}" if a == b else f"{a + 1}–{b + 1}" for a, b in runs)


def interval(measured: Measured | None) -> str:
    """A share with its range, "84.2 % (80.1 % to 87.6 %)"."""
    if measured is None:
        return NOT_MEASURED
    return f"{percent(measured.value)} ({percent(measured.low)} to {percent(measured.high)})"


def how_measured(measured: Measured | None, of: str = "patients") -> str:
    """The small line below an interval: its confidence, its method and how many stand behind it."""
    if measured is None:
        return ""
    return f"{measured.method}, {percent_short(measured.confidence)} range; {measured.num:,} {of}"


# Verdicts: which sentence is true depends on the numbers, so it is computed and never typed. ----------


def against(measured: Measured, chance: float) -> str:
    """Where an interval lies: "better than", "worse than" or "not told apart from" guessing."""
    if measured.low > chance:
        return "better than guessing"
    return "worse than guessing" if measured.high < chance else "not told apart from guessing"


def attack_verdict(attack: AttackResult) -> str:
    """What one attack shows, over all patients and for the few whom it is surest about."""
    overall, surest = against(attack.auc, COIN), against(attack.tpr, attack.fpr)
    if overall == surest:
        return f"{overall}, over all patients and among those it was surest about"
    return f"{overall} over all patients; {surest} among those it was surest about"


def succeeded(attack: AttackResult) -> bool:
    """Whether the attack is better than guessing by either measure."""
    return "better than guessing" in (against(attack.auc, COIN), against(attack.tpr, attack.fpr))


def audit_verdict(audit: AuditResult) -> str:
    """What the audit says about the claimed ε, and whether it could have said anything."""
    if audit.epsilon_lower_bound > audit.claimed:
        return (
            "The audit contradicts the claimed guarantee. Do not rely on any guarantee here until that is "
            "explained."
        )
    if audit.control_lower_bound > audit.claimed:
        return (
            "The audit does not contradict the claimed guarantee, and the same audit does notice when the "
            "noise is missing. It would not notice every error."
        )
    return (
        "The audit does not contradict the claimed guarantee. But it did not notice the missing noise in "
        "its control, so its silence says little."
    )


def budget_verdict(hospital: HospitalRecord) -> str:
    """Whether a hospital kept to its own limit."""
    if hospital.epsilon > hospital.epsilon_limit:
        return "over its limit"
    return "within its limit"


def delta_verdict(hospital: HospitalRecord) -> str:
    """Whether δ is small enough for the number of patients: below one in their number."""
    patients = f"one in its {hospital.num_patients:,} patients"
    if hospital.delta * hospital.num_patients < 1:
        return f"δ = {hospital.delta:g} is less than {patients}, as it should be."
    return (
        f"δ = {hospital.delta:g} is not less than {patients}: too large to promise anything to each of them."
    )


def weakest(run: Run) -> HospitalRecord:
    """The hospital whose patients risk most."""
    return max(run.hospitals, key=lambda hospital: best_guess(hospital.epsilon, delta=hospital.delta))


def promises_little(hospital: HospitalRecord) -> bool:
    """Whether the ceiling is so high that it is no comfort on its own."""
    return best_guess(hospital.epsilon, delta=hospital.delta) > _NEARLY_CERTAIN


def stronger_adversaries(run: Run) -> dict[str, list[Adversary]]:
    """Those against whom less is promised than to patients of the weakest hospital: their ceiling → who."""
    hospital = weakest(run)
    ceiling = best_guess(hospital.epsilon, delta=hospital.delta)
    by_ceiling: dict[str, list[Adversary]] = {}
    for one in run.adversaries:
        printed = guess(one.epsilon, one.delta)
        if best_guess(one.epsilon, delta=one.delta) > ceiling and printed != guess(
            hospital.epsilon, hospital.delta
        ):
            by_ceiling.setdefault(printed, []).append(one)
    return by_ceiling


def smallest(run: Run) -> HospitalRecord:
    """The hospital with the fewest patients."""
    return min(run.hospitals, key=lambda hospital: hospital.num_patients)


def embedded_json(run: Run) -> str:
    """The record for a data block of a page: no text in it can end the block or be read as a tag."""
    text = json.dumps(json.loads(run.to_json()), ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
