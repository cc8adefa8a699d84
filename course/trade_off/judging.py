"""How good a model is, for whom, and how sure that is: clients one by one, and intervals over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course.trade_off.problem import Clients

CONFIDENCE = 0.95
"""Of every interval, two-sided; so a lower end is undercut in one of forty."""


@dataclass(frozen=True)
class Interval:
    """A mean over seeds, and where the mean over ever more seeds would lie.

    Attributes:
        value, low, high: in the unit of the quantity.
        num_seeds: how many runs stand behind it.
        confidence: two-sided.
    """

    value: float
    low: float
    high: float
    num_seeds: int
    confidence: float = CONFIDENCE

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, {self.num_seeds} seeds)"


def over_seeds(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval:
    """The mean over seeds with Student's interval.

    Args:
        values: one a seed, at least two, finite.
        confidence: two-sided, in (0, 1).

    Raises:
        ValueError: if there are fewer, or one is not finite, or the confidence is out of range.

    Limits: for numbers that are roughly normal. It says how the mean would differ with other seeds, not with
        other clients; and if you chose this setting because of these values, the interval is too hopeful:
        see `winners_curse`.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or len(numbers) < 2 or not np.isfinite(numbers).all():
        raise ValueError(f"an interval over seeds needs at least two finite numbers; got {values!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1; got {confidence!r}")
    error = float(numbers.std(ddof=1)) / len(numbers) ** 0.5
    reach = error * float(stats.t.ppf((1 + confidence) / 2, len(numbers) - 1))
    mean = float(numbers.mean())
    return Interval(mean, mean - reach, mean + reach, len(numbers), confidence)


def client_accuracies(weights: Tensor, clients: Clients) -> np.ndarray:
    """The share of its own examples that each client sees classified rightly.

    Args:
        weights: shape (DIMENSIONS, CLASSES).
        clients: who is asked.

    Returns:
        float64, shape (clients,), in [0, 1].
    """
    with torch.no_grad():
        right = (clients.inputs @ weights).argmax(-1) == clients.labels
    return right.double().mean(1).numpy()


def worst_tenth(accuracies: np.ndarray) -> float:
    """The mean accuracy of the tenth of the clients (rounded up) for whom the model is worst.

    Args:
        accuracies: one a client, shape (clients,).

    Raises:
        ValueError: if there is none.

    Limits: the tenth is found and measured on the same fifty digits a client, so it is partly the tenth with
        the hardest digits, and another fifty would look a little better.
    """
    accuracies = np.asarray(accuracies, dtype=float)
    if accuracies.ndim != 1 or len(accuracies) == 0:
        raise ValueError(f"accuracies are one a client; got shape {accuracies.shape}")
    return float(np.sort(accuracies)[: -(-len(accuracies) // 10)].mean())
