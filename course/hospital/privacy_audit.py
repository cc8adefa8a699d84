"""Does the code keep its ε? A one-run audit of the hospitals' own messages, with patients that nobody is."""

import dataclasses

import numpy as np
import torch

from course.attacks import audit_ceiling, audit_epsilon
from course.hospital.patient_gradients import Examples
from course.hospital.private import Plan, PrivateHospital, train_private
from course.hospital.run_records import AuditResult
from course.privacy import epsilon_spent

STRENGTH = 40.0
"""A canary's gradient is half of this, many clipping norms, so that forgotten clipping shows."""
CONFIDENCE = 0.95


def canary_hospital(included: np.ndarray, *, dimensions: int) -> Examples:
    """Invented patients of one cell: canary i has one feature, which no patient and no other canary has.

    Args:
        included: bool, shape (canaries,): who takes part.
        dimensions: of the detector; the canaries' own features come after them.
    """
    chosen = np.flatnonzero(included)
    inputs = torch.zeros(len(chosen), 1, 1, dimensions + len(included))
    inputs[torch.arange(len(chosen)), 0, 0, dimensions + torch.as_tensor(chosen)] = STRENGTH
    ones = torch.ones(len(chosen), 1, 1)
    return Examples(inputs, ones, ones)


def audit_training(
    hospitals: dict[str, Examples],
    plan: Plan,
    *,
    num_canaries: int,
    num_guesses: int,
    seed: int,
) -> float:
    """A lower bound on the ε of `train_private`, from one run with canaries in a hospital of their own.

    Args:
        hospitals: of real (or simulated) patients, at least two; their features are widened by zeros, so a
            few small hospitals are enough and cheap.
        plan: under audit. Its learning rate is set so low that the weights stay where they are: every
            canary's gradient then stays as long as it was, which is the worst kind of record.
        num_canaries, num_guesses: as in `course.attacks.audit_epsilon`; fix them before you look.
        seed: of coins and noise.

    Returns:
        ε_low ≥ 0, in nats, at 95 % confidence and δ = 1e-4 of the claim's size or smaller.

    Limits: a bound below the claim confirms nothing. The audit sees what the server sees, the released sums.
    Source: Steinke, Nasr, Jagielski 2023, arXiv:2305.08846.
    """
    dimensions = next(iter(hospitals.values())).inputs.shape[-1]
    still = dataclasses.replace(plan, learning_rate=1e-9)

    def train(included: np.ndarray) -> np.ndarray:
        widened = {name: _widened(examples, num_canaries) for name, examples in hospitals.items()}
        everybody = widened | {"canaries": canary_hospital(included, dimensions=dimensions)}
        run = train_private(
            [PrivateHospital(name, examples, None, seed=seed) for name, examples in everybody.items()], still
        )
        # A canary pulls its own weight up, so its gradient is negative.
        return -run.released[:, dimensions:].sum(0)

    return audit_epsilon(
        train, num_canaries=num_canaries, num_guesses=num_guesses, delta=AUDIT_DELTA,
        rng=np.random.default_rng(seed), confidence=CONFIDENCE,
    )  # fmt: skip


AUDIT_DELTA = 1e-4


def audit_result(
    hospitals: dict[str, Examples], plan: Plan, *, num_canaries: int, num_guesses: int, seed: int
) -> AuditResult:
    """The audit of a plan, and of the same plan with its noise switched off."""
    how = {"num_canaries": num_canaries, "num_guesses": num_guesses, "seed": seed}
    claimed = epsilon_spent(
        noise_multiplier=plan.noise_multiplier, sample_rate=plan.sample_rate, steps=plan.rounds,
        delta=AUDIT_DELTA, accountant="pld",
    )  # fmt: skip
    silent = dataclasses.replace(plan, noise_multiplier=0.0)
    return AuditResult(
        claimed=claimed, delta=AUDIT_DELTA, epsilon_lower_bound=audit_training(hospitals, plan, **how),
        confidence=CONFIDENCE, num_canaries=num_canaries, num_guesses=num_guesses,
        ceiling=audit_ceiling(num_guesses=num_guesses, num_canaries=num_canaries, delta=AUDIT_DELTA),
        control_lower_bound=audit_training(hospitals, silent, **how),
    )  # fmt: skip


def _widened(examples: Examples, more: int) -> Examples:
    zeros = examples.inputs.new_zeros(*examples.inputs.shape[:-1], more)
    return Examples(torch.cat([examples.inputs, zeros], dim=-1), examples.targets, examples.weights)
