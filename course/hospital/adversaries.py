"""Five adversaries, and what each can learn about one patient: the noise they cannot take off decides."""

import math
from collections.abc import Sequence

from course.hospital.budget import Release, epsilon_of
from course.hospital.noisy_sum import noise_left, share_std
from course.hospital.private import Plan
from course.hospital.run_records import Adversary
from course.privacy import epsilon_spent


def epsilon_against(
    plan: Plan, *, num_hospitals: int, known: int, delta: float, rounds: int | None = None
) -> float:
    """ε of a patient against somebody who knows (or is missing) `known` of the hospitals' shares of noise.

    Args:
        plan: of the run.
        num_hospitals: of each round's cohort.
        known: shares that hide nothing, from 0 to `num_hospitals`.
        delta: of all rounds together.
        rounds: of the patient's hospital; all of the plan's without it.

    Returns:
        In nats; infinite if no noise is left.
    """
    left = noise_left(plan.noise_multiplier, num_hospitals=num_hospitals, spare=plan.spare, known=known)
    if left == 0:
        return math.inf
    return epsilon_spent(
        noise_multiplier=left, sample_rate=plan.sample_rate, delta=delta, accountant="pld",
        steps=plan.rounds if rounds is None else rounds,
    )  # fmt: skip


def _epsilon_of_rounds(plan: Plan, noise_multipliers: Sequence[float], *, delta: float) -> float:
    """ε of rounds that each have noise of their own; infinite if one has none."""
    if min(noise_multipliers) == 0:
        return math.inf
    return epsilon_of(
        [Release(plan.run, index, noise, plan.sample_rate) for index, noise in enumerate(noise_multipliers)],
        delta=delta,
    )


def adversaries_of(
    plan: Plan, *, num_hospitals: int, delta: float, cohorts: Sequence[int] | None = None
) -> tuple[Adversary, ...]:
    """The server, another hospital, the vendor, an outsider and a subpoena, and the promise against each.

    Args:
        plan: of the run.
        num_hospitals: of a full cohort.
        delta: of all rounds together.
        cohorts: hospitals in each round's sum; a full one in every round without it. In a smaller cohort one
            hospital knows a larger part of the noise.
    """
    cohorts = list(cohorts or [num_hospitals] * plan.rounds)
    planned = epsilon_against(plan, num_hospitals=num_hospitals, known=plan.spare, delta=delta)
    two_know = _epsilon_of_rounds(
        plan,
        [noise_left(plan.noise_multiplier, num_hospitals=n, spare=plan.spare, known=plan.spare + 1)
         for n in cohorts],
        delta=delta,
    )  # fmt: skip
    own_shares = [share_std(plan.noise_multiplier, num_hospitals=n, spare=plan.spare) for n in cohorts]
    in_the_clear = _epsilon_of_rounds(plan, own_shares, delta=delta)
    few, most = min(cohorts), max(cohorts)
    size = f"{few}" if few == most else f"{few} to {most}"
    enough = f"at most {plan.spare} of {size} hospitals drop out of a round or keep their noise back"
    says_noise = plan.noise_multiplier
    one_bit = "whether one patient took part, and what is on the scan"
    more = (
        f"if {plan.spare + 1} shares of noise are missing or known, the promise weakens to ε ≤ {two_know:.2f}"
    )
    return (
        Adversary(
            "the server", f"in each of {plan.rounds} rounds the sum of {size} masked messages, with "
            "the noise of all hospitals in it", one_bit,
            f"the secure sum holds, and {enough}", planned, delta, says_noise,
            f"if the server could read one hospital's message alone, its own share of noise is left: "
            f"ε ≤ {in_the_clear:.2f}; {more}",
        ),
        Adversary(
            "another hospital", "the model of each round, and its own share of the noise", one_bit,
            f"no more than {plan.spare} hospital is curious, and none drops out of that round", planned,
            delta, says_noise, more,
        ),
        Adversary(
            "the vendor who gets the model", "the final weights, for ever", one_bit, enough, planned, delta,
            says_noise, more,
        ),
        Adversary(
            "an outsider who queries it", "the model's answers to as many scans of their choice as they like",
            one_bit, enough, planned, delta, says_noise, more,
        ),
        Adversary(
            "a subpoena", "what the hospital itself keeps: the scans, the list of patients, the budget file",
            "everything about one patient", "none would help", math.inf, delta, 0.0,
            "nothing is promised: no aggregation and no noise hides data from whoever may demand them at "
            "their source",
        ),
    )  # fmt: skip
