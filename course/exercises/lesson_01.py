"""Lesson 01, FedAvg: its six exercises, the answers that it lends, and the hints."""

import numpy as np
from torch import Tensor

from course.exercises.exercise import Exercise
from course.exercises.lesson_01_dealing import verify_deal
from course.exercises.lesson_01_server import verify_bytes, verify_control, verify_cosine, verify_fedavg
from course.exercises.lesson_01_training import verify_train
from course.federated import fedavg, local_sgd, mean_cosine, new_control, num_bytes


def deal_shards(
    labels: np.ndarray, num_clients: int, shards_per_client: int, rng: np.random.Generator
) -> list:
    """Sort by label, cut into equal shards, deal each client the same number of them at random."""
    by_label = np.argsort(labels, kind="stable")
    shards = np.array_split(by_label, num_clients * shards_per_client)
    dealt = rng.permutation(len(shards)).reshape(num_clients, shards_per_client)
    return [np.concatenate([shards[shard] for shard in hand]) for hand in dealt]


def train_locally(model, examples, local_epochs, batch_size, learning_rate, generator) -> None:
    """The library's own, with the lesson's positional arguments: plain SGD in place."""
    local_sgd(
        model, examples, local_epochs=local_epochs, batch_size=batch_size, learning_rate=learning_rate,
        generator=generator,
    )  # fmt: skip


def bytes_a_round(model, cohort_size: int) -> int:
    """Down and up, for each client of the cohort."""
    return 2 * cohort_size * num_bytes(model)


def next_control(control, server_control, before, after, steps, learning_rate) -> dict[str, Tensor]:
    """The library's own, with the lesson's positional arguments."""
    return new_control(control, server_control, before, after, steps=steps, learning_rate=learning_rate)


EXERCISES = (
    Exercise(
        "01.1", "deal_shards", "deal two shards a client", deal_shards, verify_deal,
        (
            "If you laid all images in one row, sorted by their digit, where would you cut?",
            "np.argsort(labels) gives the row; np.array_split cuts it into "
            "num_clients × shards_per_client shards.",
            "Shuffle the shard numbers with rng.permutation, reshape them to "
            "(num_clients, shards_per_client), and np.concatenate each client's shards.",
        ),
    ),
    Exercise(
        "01.2", "train_locally", "train on one client", train_locally, verify_train,
        (
            "What are the two loops, one inside the other, that SGD for several epochs needs?",
            "for each epoch, for each `batch` in batches(len(examples), batch_size, generator): "
            "a loss, its gradient, a step.",
            "optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate); in the inner loop: "
            "optimizer.zero_grad(); "
            "F.cross_entropy(model(examples.images[batch]), examples.labels[batch]).backward(); "
            "optimizer.step()",
        ),
        points=2,
    ),
    Exercise(
        "01.3", "fedavg", "average the models", fedavg, verify_fedavg,
        (
            "One client has 100 examples, another has 10. Whose model should the mean be closer to, "
            "and by how much?",
            "Work name by name: for each name, a sum over clients of (n_k / n) × that client's tensor.",
            "{name: sum(model[name] * (count / sum(num_examples)) for model, count in zip(models, "
            "num_examples)) for name in models[0]}",
        ),
        points=2,
    ),
    Exercise(
        "01.4", "bytes_a_round", "count the bytes of a round", bytes_a_round, verify_bytes,
        (
            "Which trips does the model make in one round, and for how many clients?",
            "A tensor has numel() numbers of element_size() bytes each.",
            "2 * cohort_size * sum(t.numel() * t.element_size() for t in model.values())",
        ),
    ),
    Exercise(
        "01.5", "mean_cosine", "measure the drift", mean_cosine, verify_cosine,
        (
            "How many pairs of different clients are there among ten, and does the pair (3, 3) count?",
            "First make one long vector of each update: torch.cat([t.flatten() for t in update.values()]).",
            "Divide each vector by its norm, multiply the matrix of them by its transpose, and average the "
            "entries off the diagonal.",
        ),
    ),
    Exercise(
        "01.6", "next_control", "remember where you always pull", next_control, verify_control,
        (
            "Divide both sides by steps · learning_rate. What is left beside the mean gradient?",
            "Move c − c_k to the other side: its sign flips, to c_k − c.",
            "{name: control[name] - server_control[name] + (before[name] - after[name]) "
            "/ (steps * learning_rate) for name in control}",
        ),
        points=2,
    ),
)  # fmt: skip
