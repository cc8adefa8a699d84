"""The tasks that every tool gets: the same arrays for all, in a file that needs nothing but NumPy to read."""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from course.data import load_adult, load_mnist, partition_shards

Task = Mapping[str, np.ndarray]
"""Name → array. What is read from a task's file is the same, bit for bit."""

SEED = 14
NUM_CLIENTS = 10
DRAWS = 1000
"""How often each differential-privacy library answers the same question."""

CELL = 4
"""Digits are shrunk by this factor, to 7×7 pixels, so that a model has 500 numbers."""


def federated_round() -> Task:
    """One round of FedAvg: ten clients of 20 to 200 digits, two shards each, and a linear model.

    Returns:
        `features` (examples, 49) in [0, 1], `labels` (examples,), `owner` (examples,) which client holds it,
        `weights` (49, 10) and `bias` (10,) before the first round, and the scalars `steps` (of gradient
        descent on all of a client's examples), `learning_rate` and `rounds`.
    """
    mnist, rng = load_mnist(), np.random.default_rng(SEED)
    features, labels, owner = [], [], []
    for client, shards in enumerate(partition_shards(mnist.train_labels, NUM_CLIENTS, seed=SEED)):
        count = 20 * (client + 1)
        # A client's shards are sorted by label, so every n-th example has all of its digits.
        chosen = shards[:: len(shards) // count][:count]
        cells = mnist.train_images[chosen].reshape(-1, 28 // CELL, CELL, 28 // CELL, CELL)
        features.append(cells.mean(axis=(2, 4)).reshape(count, -1) / 255)
        labels.append(mnist.train_labels[chosen])
        owner.append(np.full(count, client))
    return {
        "features": np.concatenate(features).astype(np.float32),
        "labels": np.concatenate(labels).astype(np.int32),
        "owner": np.concatenate(owner).astype(np.int32),
        "weights": (0.1 * rng.standard_normal((49, 10))).astype(np.float32),
        "bias": np.zeros(10, np.float32),
        "steps": np.array(5),
        "learning_rate": np.array(0.5),
        "rounds": np.array(1),
    }


def statistics() -> Task:
    """A private count and a private mean: the working hours a week of 500 people of the Adult census.

    Returns:
        `hours` (500,), the scalars `lower` and `upper` (hours are clipped to them), `epsilon` (ε of the
        count, and again of the mean; unit: a person; adjacency: add or remove one) and `draws`.
    """
    everyone = load_adult().everyone["hours_per_week"].to_numpy()
    chosen = np.random.default_rng(SEED).choice(len(everyone), 500, replace=False)
    return {
        "hours": everyone[chosen].astype(np.float64),
        "lower": np.array(0.0),
        "upper": np.array(80.0),
        "epsilon": np.array(1.0),
        "draws": np.array(DRAWS),
    }


def accounting() -> Task:
    """What ε a run of DP-SGD spends: Poisson sampling, Gaussian noise, add or remove one example."""
    return {
        "sample_rate": np.array(0.01),
        "noise_multiplier": np.array(1.0),
        "steps": np.array(1000),
        "delta": np.array(1e-5),
    }


def private_sum() -> Task:
    """The sum of ten vectors of 1,000 numbers in [−1, 1], each known to one client.

    Returns:
        `vectors` (10, 1000), and the scalar `fraction_bits` for tools that count in fixed point.
    """
    vectors = np.random.default_rng(SEED).uniform(-1, 1, (NUM_CLIENTS, 1000))
    return {"vectors": vectors, "fraction_bits": np.array(16)}


def nothing() -> Task:
    """What a surprise gets: it needs no data."""
    return {}


TASKS = {
    "round": federated_round,
    "statistics": statistics,
    "epsilon": accounting,
    "sum": private_sum,
    "surprise": nothing,
}


@functools.cache
def task_of(name: str) -> Task:
    """The arrays of a task by its name; they are shared, so they refuse to be written to.

    Raises:
        ValueError: if there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; there are {sorted(TASKS)}")
    task = TASKS[name]()
    for array in task.values():
        array.setflags(write=False)
    return task


def task_sha256(task: Task) -> str:
    """A fingerprint of a task's names, shapes, types and bytes; a file's would change with its time."""
    digest = hashlib.sha256()
    for name in sorted(task):
        array = np.ascontiguousarray(task[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.hexdigest()


def write_task(task: Task, path: Path) -> None:
    """Write a task where a script of another environment can read it with `numpy.load`."""
    # An archive of nothing could not be told from a broken one.
    np.savez(path, **(task or {"nothing": np.zeros(0)}))
