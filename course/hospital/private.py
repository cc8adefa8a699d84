"""DP-FedSGD with the patient as unit: Poisson, clipped per patient, noise once on the secure sum."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from course.crypto import Stage
from course.hospital.budget import PrivacyBudget
from course.hospital.noisy_sum import add_noise_share, add_up_securely
from course.hospital.patient_gradients import (
    STEPS_A_NORM,
    Examples,
    clipped_integers,
    patient_gradients,
    patient_losses,
)
from course.privacy import poisson_batch

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}


@dataclass(frozen=True)
class Plan:
    """What all hospitals agree on before the first round; nothing in it depends on the patients.

    Attributes:
        run: the name of the run, as it will stand in the budgets.
        rounds: ≥ 1.
        sample_rate: each patient's chance to be in a round.
        max_update_norm: C, to which each patient's gradient is clipped.
        noise_multiplier: noise over C that protects each patient in each round; 0 promises nothing.
        learning_rate: of the server's step.
        num_patients: of all hospitals that were invited, a public number; the sum is divided by
            sample_rate · num_patients, whoever comes.
        spare: shares of noise that may be missing or known, see `share_std`.
    """

    run: str
    rounds: int
    sample_rate: float
    max_update_norm: float
    noise_multiplier: float
    learning_rate: float
    num_patients: int
    spare: int = 1

    def __post_init__(self) -> None:
        rules = {
            "rounds ≥ 1": self.rounds >= 1,
            "0 < sample_rate ≤ 1": 0 < self.sample_rate <= 1,
            "max_update_norm > 0": 0 < self.max_update_norm < math.inf,
            "noise_multiplier ≥ 0": 0 <= self.noise_multiplier < math.inf,
            "learning_rate > 0": self.learning_rate > 0,
            "num_patients ≥ 1": self.num_patients >= 1,
            "spare ≥ 0": self.spare >= 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"a plan needs {', '.join(broken)}; got {self}")


@dataclass(eq=False)
class PrivateHospital:
    """One hospital in a private run: its patients, its budget file, its coins and its noise.

    Args:
        name: of the hospital.
        examples: of its patients; they never leave this object.
        budget: its accountant, or None where a run promises nothing.
        seed: of its coins and noise, for a course; a hospital would draw them from the system.
        joins_at: the first round in which it takes part.
    """

    name: str
    examples: Examples
    budget: PrivacyBudget | None
    seed: int
    joins_at: int = 0
    rng: np.random.Generator = field(init=False, repr=False)
    coins: torch.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        entropy = [self.seed, *self.name.encode()]
        self.rng = np.random.default_rng(entropy)
        self.coins = torch.Generator().manual_seed(int(self.rng.integers(2**62)))

    def can_pay(self, plan: Plan) -> bool:
        """Whether one more round of the plan fits into the hospital's budget."""
        return self.budget is None or self.budget.can_pay(
            noise_multiplier=plan.noise_multiplier, sample_rate=plan.sample_rate
        )

    def pay(self, plan: Plan, *, round_index: int) -> None:
        """Write the round into the budget file; call it before anything of the round leaves.

        Raises:
            BudgetSpent: if it does not fit.
        """
        if self.budget is not None:
            self.budget.spend(
                run=plan.run, round_index=round_index, noise_multiplier=plan.noise_multiplier,
                sample_rate=plan.sample_rate,
            )  # fmt: skip

    def draw(self, plan: Plan) -> Examples:
        """The patients of one round, a coin each; maybe nobody."""
        return self.examples.take(
            poisson_batch(len(self.examples), sample_rate=plan.sample_rate, generator=self.coins)
        )

    def message(self, weights: Tensor, plan: Plan, *, round_index: int, num_hospitals: int) -> np.ndarray:
        """What the hospital puts into the secure sum: int64, shape (dimensions,).

        Args:
            weights: of the model, as the server sent them.
            plan: as agreed.
            round_index: from 0.
            num_hospitals: of this round's cohort.

        Raises:
            BudgetSpent: if the round does not fit into the budget; then nothing leaves.

        Guarantee: what `plan.noise_multiplier` promises each patient, once the sum has at least
            `num_hospitals − spare` of the shares. The round is in the budget file before this returns.
        """
        self.pay(plan, round_index=round_index)
        gradients = patient_gradients(weights, self.draw(plan))
        # An empty batch is no exception: it sends its noise.
        steps = clipped_integers(gradients, max_update_norm=plan.max_update_norm).sum(0)
        return add_noise_share(
            steps, noise_std=plan.noise_multiplier * STEPS_A_NORM, num_hospitals=num_hospitals,
            spare=plan.spare, rng=self.rng,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class PrivateRun:
    """What a private training leaves behind.

    Attributes:
        weights: the mean of the iterates of the last half, float32, shape (dimensions,).
        took_part: hospital → the rounds in which it was in the sum.
        released: the noisy sums in units of C, shape (rounds, dimensions): all that the server ever saw.
        bytes_sent: of all rounds and parties together.
        stopped: hospital → why it did not take part to the end.
    """

    weights: Tensor
    took_part: Mapping[str, tuple[int, ...]]
    released: np.ndarray
    bytes_sent: int
    stopped: Mapping[str, str]


def train_private(
    hospitals: Sequence[PrivateHospital],
    plan: Plan,
    *,
    dropouts: Mapping[int, Mapping[str, Stage]] | None = None,
    progress: str | None = None,
) -> PrivateRun:
    """Train the 41 weights: each round a secure sum of the hospitals' noisy integers, and one step.

    Args:
        hospitals: at least two in each round.
        plan: what they agreed on.
        dropouts: round → hospital → the stage before which it vanishes.
        progress: a label for a progress bar; None shows none.

    Raises:
        ThresholdNotMet: if more than `plan.spare` hospitals drop out of a round. What they wrote into their
            budgets stays written.
        ValueError: if fewer than two hospitals take part, or twice `plan.spare` is not fewer than they are.

    Guarantee: per patient, of each hospital, the ε of its budget's rounds, against the server, against
        whoever gets the model, and against any one other hospital if `plan.spare` ≥ 1.
    Limits: as `add_noise_share`: hospitals that lie about their share, more than `spare`, are not covered.
    Source: McMahan, Ramage, Talwar, Zhang 2018, arXiv:1710.06963 (noise on a clipped federated sum), here
        with the patient for the user; Bonawitz et al. 2017, ePrint 2017/281 (the sum).
    """
    dimensions = hospitals[0].examples.inputs.shape[-1]
    weights, average = torch.zeros(dimensions), torch.zeros(dimensions)
    released, took_part, stopped = [], {hospital.name: [] for hospital in hospitals}, {}
    bytes_sent, first_averaged = 0, plan.rounds // 2
    # tqdm writes to standard error by default, which notebooks paint red.
    rounds = tqdm(
        range(plan.rounds), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    )
    for index in rounds:
        messages = _messages(hospitals, weights, plan, index, stopped)
        summed = add_up_securely(
            messages, threshold=len(messages) - plan.spare, dropouts=(dropouts or {}).get(index)
        )
        bytes_sent += summed.bytes_sent
        for name in summed.survivors:
            took_part[name].append(index)
        total = torch.as_tensor(summed.total / STEPS_A_NORM)  # in units of C
        released.append(total.numpy())
        step = plan.learning_rate * plan.max_update_norm / (plan.sample_rate * plan.num_patients)
        weights = weights - step * total.float()
        if index >= first_averaged:
            average += weights / (plan.rounds - first_averaged)
    rounds_of = {name: tuple(indices) for name, indices in took_part.items()}
    return PrivateRun(average, rounds_of, np.array(released), bytes_sent, stopped)


def _messages(hospitals, weights, plan, index, stopped) -> dict[str, np.ndarray]:
    """Of each hospital that is there and can pay for the round; the others are noted with their reason."""
    there = [h for h in hospitals if h.joins_at <= index and h.name not in stopped]
    for hospital in [h for h in there if not h.can_pay(plan)]:
        stopped[hospital.name] = f"round {index} does not fit into ε ≤ {hospital.budget.epsilon_limit:g}"
        there.remove(hospital)
    if len(there) < 2 or 2 * plan.spare >= len(there):
        raise ValueError(f"round {index} has {len(there)} hospitals; with spare={plan.spare} that is too few")
    return {h.name: h.message(weights, plan, round_index=index, num_hospitals=len(there)) for h in there}


def train_plain(examples: Sequence[Examples], *, iterations: int = 60, decay: float = 1e-4) -> Tensor:
    """The same 41 weights without any promise: all patients pooled, to the optimum.

    Args:
        examples: of each hospital.
        iterations: of L-BFGS.
        decay: L2 penalty, which keeps the optimum finite.

    Limits: no privacy. It is what `train_private` is compared with, and what is attacked first.
    """
    weights = torch.zeros(examples[0].inputs.shape[-1], requires_grad=True)
    patients = sum(map(len, examples))
    optimizer = torch.optim.LBFGS([weights], max_iter=iterations, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(patient_losses(weights, part).sum() for part in examples) / patients
        loss = loss + decay * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()
