"""FedAvg, whole: send the model out, let each client train, average what comes back, repeat."""

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn
from tqdm import tqdm

from course.federated.averaging import Weights, fedavg, num_bytes
from course.federated.client import Examples, accuracy, client_generator, local_sgd

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}


@dataclass(frozen=True)
class History:
    """What a federated run leaves behind.

    Attributes:
        accuracy: test accuracy after each round, shape (rounds,), in [0, 1].
        bytes_sent: model payload up and down, all clients together, after each round, shape (rounds,).
        weights: the final global model.
    """

    accuracy: np.ndarray
    bytes_sent: np.ndarray
    weights: dict[str, Tensor]

    def rounds_to(self, target: float) -> int | None:
        """The first round (from 1) whose accuracy reaches `target`; None if none does."""
        reached = np.flatnonzero(self.accuracy >= target)
        return int(reached[0]) + 1 if len(reached) else None


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the model's parameters that later training does not touch."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def train_client(
    model: nn.Module, weights: Weights, examples: Examples, **training: object
) -> dict[str, Tensor]:
    """What one client sends back: the global `weights`, after `local_sgd(**training)` on its examples."""
    model.load_state_dict(weights)
    local_sgd(model, examples, **training)
    return weights_of(model)


def choose_cohort(num_clients: int, cohort_size: int | None, *, seed: int, round_index: int) -> list[int]:
    """The clients of one round: all, or `cohort_size` of them drawn without replacement (sorted)."""
    if cohort_size is None:
        return list(range(num_clients))
    if not 1 <= cohort_size <= num_clients:
        raise ValueError(
            f"cohort_size is {cohort_size}; with {num_clients} clients it must be 1 to {num_clients}"
        )
    rng = np.random.default_rng([seed, round_index])
    return sorted(rng.choice(num_clients, size=cohort_size, replace=False).tolist())


def run_fedavg(
    clients: Sequence[Examples],
    test: Examples,
    *,
    model: nn.Module,
    rounds: int,
    seed: int,
    learning_rate: float,
    local_epochs: int = 1,
    batch_size: int | None = 32,
    cohort_size: int | None = None,
    proximal_strength: float = 0.0,
    aggregate: Callable[[list[Weights], list[int]], Weights] = fedavg,
    stop_at: float | None = None,
    progress: str | None = None,
) -> History:
    """Train one model on the examples of many clients, none of which leave their client.

    Args:
        clients: each client's own examples.
        test: the server's test set.
        model: holds the initial weights; left as it was.
        rounds: communication rounds, ≥ 1.
        seed: fixes the cohorts and every client's shuffles; same seed, same numbers on one machine.
        learning_rate, local_epochs, batch_size, proximal_strength: as in `local_sgd`.
        cohort_size: clients a round; None asks all of them.
        aggregate: (models, num_examples) → the next global model.
        stop_at: end early, after the first round with this test accuracy; None runs every round.
        progress: a label for a progress bar; None shows none.

    Returns:
        A `History`.

    Raises:
        ValueError: if there are no clients or rounds, or from `local_sgd` and `aggregate`.

    Limits: the server sees every local model in the clear; lesson 03 shows what that reveals.
    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1.
    """
    if len(clients) == 0 or rounds < 1:
        raise ValueError(f"got {len(clients)} clients and {rounds} rounds; both must be at least 1")
    weights, scratch = weights_of(model), copy.deepcopy(model)
    accuracies, sent = [], []
    # tqdm writes to standard error by default, which notebooks paint red.
    for round_index in tqdm(
        range(rounds), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        cohort = choose_cohort(len(clients), cohort_size, seed=seed, round_index=round_index)
        models = [
            train_client(
                scratch,
                weights,
                clients[client],
                learning_rate=learning_rate,
                local_epochs=local_epochs,
                batch_size=batch_size,
                proximal_strength=proximal_strength,
                generator=client_generator(seed, round_index=round_index, client=client),
            )
            for client in cohort
        ]
        weights = aggregate(models, [len(clients[client]) for client in cohort])
        scratch.load_state_dict(weights)
        accuracies.append(accuracy(scratch, test))
        sent.append(2 * len(cohort) * num_bytes(weights))
        if stop_at is not None and accuracies[-1] >= stop_at:
            break
    return History(np.array(accuracies), np.cumsum(sent), dict(weights))
