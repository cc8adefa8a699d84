"""SCAFFOLD: each client corrects its own drift with a running guess of where it always pulls."""

import copy
import sys
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from course.federated.averaging import Weights, fedavg, num_bytes
from course.federated.client import Examples, accuracy, client_generator, local_sgd
from course.federated.rounds import BAR, History, weights_of


def new_control(
    control: Weights,
    server_control: Weights,
    before: Weights,
    after: Weights,
    *,
    steps: int,
    learning_rate: float,
) -> dict[str, Tensor]:
    """A client's next control variate: its own mean gradient over the round it has just run.

    Args:
        control: the client's present control c_k, name → tensor, in units of a gradient.
        server_control: the mean of all clients' controls, c.
        before, after: the client's model at the start and at the end of its local training.
        steps: SGD steps that the client took, ≥ 1.
        learning_rate: of those steps, > 0.

    Source: Karimireddy et al. 2020, arXiv:1910.06378v4, equation 4, option II:
        c_k⁺ = c_k − c + (x − y_k) / (K η).
    """
    if steps < 1 or not learning_rate > 0:
        raise ValueError(f"steps is {steps} and learning_rate {learning_rate}; both must be positive")
    return {
        name: control[name] - server_control[name] + (before[name] - after[name]) / (steps * learning_rate)
        for name in control
    }


def run_scaffold(
    clients: Sequence[Examples],
    test: Examples,
    *,
    model: nn.Module,
    rounds: int,
    seed: int,
    learning_rate: float,
    local_epochs: int = 1,
    batch_size: int | None = 32,
    control_update=new_control,
    progress: str | None = None,
) -> History:
    """FedAvg over all clients with SCAFFOLD's corrections; it sends a control beside every model.

    Arguments, result and errors as in `run_fedavg`; `control_update` computes a client's next control.

    Limits: needs clients that keep state between rounds, and twice the bytes of FedAvg.
    Source: Karimireddy et al. 2020, arXiv:1910.06378, Algorithm 1, all clients in each round and global
        step size 1. Models are weighted by examples, as in FedAvg; the paper's mean is plain.
    """
    if len(clients) == 0 or rounds < 1:
        raise ValueError(f"got {len(clients)} clients and {rounds} rounds; both must be at least 1")
    weights, scratch = weights_of(model), copy.deepcopy(model)
    zero = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    controls, server_control, accuracies = [zero] * len(clients), zero, []
    for round_index in tqdm(
        range(rounds), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        models = []
        for client, examples in enumerate(clients):
            correction = {name: server_control[name] - controls[client][name] for name in zero}
            scratch.load_state_dict(weights)
            steps = local_sgd(
                scratch,
                examples,
                local_epochs=local_epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                generator=client_generator(seed, round_index=round_index, client=client),
                correction=correction,
            )
            models.append(weights_of(scratch))
            controls[client] = control_update(
                controls[client],
                server_control,
                weights,
                models[-1],
                steps=steps,
                learning_rate=learning_rate,
            )
        weights = fedavg(models, [len(examples) for examples in clients])
        # The server's control is the plain mean over clients, as in line 17 of the algorithm.
        server_control = fedavg(controls, [1] * len(clients))
        scratch.load_state_dict(weights)
        accuracies.append(accuracy(scratch, test))
    sent = 4 * len(clients) * num_bytes(weights) * np.arange(1, rounds + 1)
    return History(np.array(accuracies), sent, weights)
