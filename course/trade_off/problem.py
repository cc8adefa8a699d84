"""The problem of lesson 12: a thousand clients with fifty digits each, most of them of two kinds."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course.data import load_mnist, partition_shards

CLIENTS, EXAMPLES_EACH = 1_000, 50
"""Training clients, and the digits that every client (of any kind) holds."""

JUDGES = 200
"""Validation clients, and test clients, with as many digits each."""

SIDE = 14
DIMENSIONS, CLASSES = SIDE * SIDE + 1, 10
"""A constant 1 is the last of a digit's inputs, so the model's bias is a row of its weights."""

_SPLIT_SEED = 12
"""Which digits of MNIST's training file are for training and which for validation; the same in every run."""


@dataclass(frozen=True, eq=False)
class Clients:
    """The digits of many clients.

    Attributes:
        inputs: float32, shape (clients, examples, DIMENSIONS), in [0, 1].
        labels: int64, shape (clients, examples).
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Problem:
    """Who is trained on, who is asked while you choose, and who is asked once, at the end.

    Attributes:
        train: the clients whose privacy is at stake.
        validation: other clients, with other digits: every choice is made on them.
        test: of MNIST's test file; look at them when everything is chosen.
    """

    train: Clients
    validation: Clients
    test: Clients


def load_problem(seed: int, *, num_clients: int = CLIENTS, num_judges: int = JUDGES) -> Problem:
    """Deal MNIST out: two shards of sorted digits to each client, so that most clients hold two kinds.

    Args:
        seed: of the deal; which digits are for training and which for validation is the same for every seed.
        num_clients: in training, up to 1,000.
        num_judges: for validation, and for the test, up to 200 each.

    Raises:
        ValueError: if a number is out of its range.

    Limits: a client's fifty digits are of many writers, so a client is no person; it stands for one. Seeds
        deal the same digits differently, so a spread over seeds is not that over other digits.
    """
    for name, number, most in (("num_clients", num_clients, CLIENTS), ("num_judges", num_judges, JUDGES)):
        if number != int(number) or not 2 <= number <= most:
            raise ValueError(f"{name} is {number!r}; it must be a whole number from 2 to {most}")
    inputs, labels, test_inputs, test_labels = _pooled()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(labels))
    of_training, of_validation = order[: CLIENTS * EXAMPLES_EACH], order[CLIENTS * EXAMPLES_EACH :]
    return Problem(
        _deal(inputs, labels, of_training[: num_clients * EXAMPLES_EACH], num_clients, [seed, 0]),
        _deal(inputs, labels, of_validation[: num_judges * EXAMPLES_EACH], num_judges, [seed, 1]),
        _deal(test_inputs, test_labels, np.arange(num_judges * EXAMPLES_EACH), num_judges, [seed, 2]),
    )


def _deal(
    inputs: Tensor, labels: Tensor, chosen: np.ndarray, num_clients: int, entropy: list[int]
) -> Clients:
    deal_seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    parts = partition_shards(labels[chosen].numpy(), num_clients, seed=deal_seed)
    places = torch.from_numpy(np.stack([chosen[part] for part in parts]))
    return Clients(inputs[places], labels[places])


@functools.lru_cache(maxsize=1)
def _pooled() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """MNIST with 2×2 pixels averaged to one, so that the model is small and a training takes a second."""
    mnist = load_mnist()
    pairs = ((mnist.train_images, mnist.train_labels), (mnist.test_images, mnist.test_labels))
    found = []
    for images, labels in pairs:
        squares = torch.tensor(images, dtype=torch.float32).reshape(-1, SIDE, 2, SIDE, 2) / 255
        pixels = squares.mean((2, 4)).flatten(1)
        found += [torch.cat([pixels, torch.ones(len(pixels), 1)], 1), torch.tensor(labels, dtype=torch.int64)]
    return tuple(found)
