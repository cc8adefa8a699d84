"""An empirical lower bound on ε, from one training run with canaries: does DP-SGD keep its promise?

Each canary is put into the data or left out by a fair coin, and the auditor guesses from the trained
model which of them were in. Under (ε, δ)-differential privacy no guesser can be right too often; if ours
is, the claimed ε is refuted. Many runs on two neighbouring data sets would test the same promise more
directly, at the price of thousands of trainings for one bound; here one training holds two thousand
independent coins.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

HIGHEST_EPSILON = 50.0
"""No audit of fewer than 10^20 canaries can support a larger bound."""


class DiracCanaries(nn.Module):
    """A model with a dead parameter for each canary: that canary's gradient lies there and nowhere else.

    "Dead" means that no person's record touches it, so all that ever moves it is its canary and the
    noise. A canary's loss gradient has the same length in every step (`strength` / 2) however much its
    parameter has moved, so clipping acts on it as on a record of the worst kind. The inputs have one more
    column than the model's own: 0 for a person, i + 1 for canary i. Use `with_canaries` to make them.

    Args:
        model: takes (..., features), returns logits (..., outputs); with one output the loss is binary
            cross-entropy, with two it is cross-entropy.
        num_canaries: how many dead parameters to add.
        strength: twice the norm of a canary's gradient; choose it well above twice the clipping norm, or
            the audit cannot see that clipping was forgotten.

    Source: Steinke, Nasr, Jagielski 2023, arXiv:2305.08846 (Dirac canaries, white-box).
    """

    def __init__(self, model: nn.Module, num_canaries: int, *, strength: float) -> None:
        super().__init__()
        if num_canaries < 1 or not strength > 0:
            raise ValueError(f"got {num_canaries} canaries of strength {strength}; both must be positive")
        self.model, self.strength = model, strength
        self.dead = nn.Parameter(torch.zeros(num_canaries))
        self.register_buffer("numbers", torch.arange(1, num_canaries + 1).float())

    def forward(self, inputs: Tensor) -> Tensor:
        features, number = inputs[..., :-1], inputs[..., -1:]
        own = ((number == self.numbers) * self.dead).sum(-1, keepdim=True)  # (..., 1)
        # Its value is always 0 and its slope always `strength`: the canary never "learns" and fades away.
        push = self.strength * (own - own.detach())
        logits = self.model(features) * (number == 0)
        return torch.cat([logits[..., :-1], logits[..., -1:] + push], dim=-1)

    def scores(self) -> np.ndarray:
        """How far each canary's parameter has moved its way, shape (num_canaries,); higher = member."""
        return self.dead.detach().numpy().copy()


def with_canaries(
    inputs: np.ndarray | Tensor, labels: np.ndarray | Tensor, included: np.ndarray
) -> tuple[Tensor, Tensor]:
    """People and the included canaries as one data set for `DiracCanaries`.

    Args:
        inputs: shape (people, features).
        labels: shape (people,).
        included: bool, shape (num_canaries,).

    Returns:
        inputs of shape (people + included, features + 1) and labels; a canary's label is 1.
    """
    inputs, labels = torch.as_tensor(inputs).float(), torch.as_tensor(labels)
    numbers = torch.as_tensor(np.flatnonzero(included) + 1).float()
    blank = torch.zeros(len(numbers), inputs.shape[1])
    people = torch.cat([inputs, torch.zeros(len(inputs), 1)], dim=1)
    canaries = torch.cat([blank, numbers.unsqueeze(1)], dim=1)
    return torch.cat([people, canaries]), torch.cat([labels, torch.ones(len(numbers), dtype=labels.dtype)])


def audit_epsilon(
    train: Callable[[np.ndarray], np.ndarray],
    *,
    num_canaries: int,
    num_guesses: int,
    delta: float,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> float:
    """A lower bound on the ε of `train`, from one run of it.

    Args:
        train: the code under audit. Takes `included`, bool of shape (num_canaries,); trains once on data
            with exactly these canaries; returns a score for every canary, higher = included.
        num_canaries: each is included by a fair coin.
        num_guesses: even; the highest half is guessed in, the lowest half out, about the rest nothing is
            said. Fix it before you look: choosing the best of several makes the bound invalid.
        delta: the δ at which ε is audited.
        rng: flips the coins.
        confidence: of the bound.

    Returns:
        ε_low ≥ 0, in nats. If `train` is (ε, δ)-differentially private for adding or removing one canary,
        then ε_low ≤ ε with probability at least `confidence`.

    Raises:
        ValueError: if the counts, δ or confidence are out of range, or the scores have another shape.

    Guarantee: a claimed ε below the returned bound is refuted at this confidence.
    Limits: a bound below the claim confirms nothing, and it can never exceed `audit_ceiling(...)`: privacy
        losses above that ceiling are invisible, and so is any fault that canaries do not trigger.
    Source: Steinke, Nasr, Jagielski 2023, arXiv:2305.08846v1, Algorithm 1, Corollary 5.4 and Appendix D.
    """
    _expect_counts(0, num_guesses, num_canaries)
    included = rng.random(num_canaries) < 0.5
    scores = np.asarray(train(included.copy()), dtype=float)
    correct = correct_guesses(scores, included, num_guesses=num_guesses)
    return epsilon_lower_bound(
        correct, num_guesses=num_guesses, num_canaries=num_canaries, delta=delta, confidence=confidence
    )


def correct_guesses(scores: np.ndarray, included: np.ndarray, *, num_guesses: int) -> int:
    """How many of the guesses are right: the highest `num_guesses` / 2 scores "in", the lowest "out".

    Raises:
        ValueError: if the shapes differ, a score is NaN, or `num_guesses` is odd or too large.
    """
    scores, included = np.asarray(scores, dtype=float), np.asarray(included)
    if scores.shape != included.shape or scores.ndim != 1 or included.dtype != bool:
        raise ValueError(f"need one score a canary: got {scores.shape} for {included.dtype} {included.shape}")
    if np.isnan(scores).any():
        raise ValueError("a canary's score is NaN; did the training diverge?")
    if num_guesses % 2:
        raise ValueError(f"num_guesses is {num_guesses}; half of it is guessed in, so it must be even")
    _expect_counts(0, num_guesses, len(scores))
    order, half = np.argsort(scores, kind="stable"), num_guesses // 2
    return int((~included[order[:half]]).sum() + included[order[len(order) - half :]].sum())


def one_run_p_value(
    correct: int, *, num_guesses: int, num_canaries: int, epsilon: float, delta: float
) -> float:
    """How likely so many right guesses are, at most, if the training is (ε, δ)-differentially private.

    With δ = 0 the right guesses are no more than a Binomial(num_guesses, e^ε / (1 + e^ε)); δ adds the
    last term.

    Source: Steinke, Nasr, Jagielski 2023, arXiv:2305.08846v1, Corollary 5.4.
    """
    _expect_counts(correct, num_guesses, num_canaries)
    if not epsilon >= 0 or not 0 <= delta < 1:
        raise ValueError(f"epsilon is {epsilon} and delta {delta}; need epsilon ≥ 0 and 0 ≤ delta < 1")
    one_right = 1 / (1 + math.exp(-epsilon))
    by_chance = float(stats.binom.sf(correct - 1, num_guesses, one_right))
    if delta == 0 or correct == 0:
        return min(by_chance, 1.0)
    # P(correct − i ≤ Binomial < correct), for i = 1, 2, …, correct.
    just_below = np.cumsum(stats.binom.pmf(np.arange(correct - 1, -1, -1), num_guesses, one_right))
    steepest = float(np.max(just_below / np.arange(1, correct + 1)))
    return min(by_chance + 2 * num_canaries * delta * steepest, 1.0)


def epsilon_lower_bound(
    correct: int, *, num_guesses: int, num_canaries: int, delta: float, confidence: float = 0.95
) -> float:
    """The largest ε that so many right guesses refute at this confidence; 0 if they refute none.

    Raises:
        ValueError: if the counts are not 0 ≤ correct ≤ num_guesses ≤ num_canaries, or δ or the confidence
            is out of range.

    Source: Steinke, Nasr, Jagielski 2023, arXiv:2305.08846v1, Appendix D (bisection over Corollary 5.4).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1")

    def refuted(epsilon: float) -> bool:
        p = one_run_p_value(
            correct, num_guesses=num_guesses, num_canaries=num_canaries, epsilon=epsilon, delta=delta
        )
        return p < 1 - confidence

    if not refuted(0.0):
        return 0.0
    low, high = 0.0, HIGHEST_EPSILON
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def audit_ceiling(*, num_guesses: int, num_canaries: int, delta: float, confidence: float = 0.95) -> float:
    """The bound that a perfect guesser would reach: no audit of this size can report, or catch, more."""
    return epsilon_lower_bound(
        num_guesses, num_guesses=num_guesses, num_canaries=num_canaries, delta=delta, confidence=confidence
    )


def _expect_counts(correct: int, num_guesses: int, num_canaries: int) -> None:
    if not 0 <= correct <= num_guesses <= num_canaries or num_guesses < 1:
        raise ValueError(
            "need 0 ≤ correct ≤ num_guesses ≤ num_canaries and at least one guess: "
            f"got {correct}, {num_guesses}, {num_canaries}"
        )
