"""Federated learning: FedAvg by hand, a remedy for drift, and the same clients on Flower."""

from course.federated.averaging import fedavg, num_bytes, subtract
from course.federated.client import (
    Examples,
    accuracy,
    accuracy_per_class,
    as_examples,
    batches,
    client_generator,
    local_sgd,
    two_nn,
)
from course.federated.drift import flatten, mean_cosine
from course.federated.in_process_grid import InProcessGrid
from course.federated.rounds import History, choose_cohort, run_fedavg, train_client, weights_of
from course.federated.scaffold import new_control, run_scaffold
from course.federated.secure_averaging import secure_fedavg, secure_mean

__all__ = [
    "Examples",
    "History",
    "InProcessGrid",
    "accuracy",
    "accuracy_per_class",
    "as_examples",
    "batches",
    "choose_cohort",
    "client_generator",
    "fedavg",
    "flatten",
    "local_sgd",
    "mean_cosine",
    "new_control",
    "num_bytes",
    "run_fedavg",
    "run_scaffold",
    "secure_fedavg",
    "secure_mean",
    "subtract",
    "train_client",
    "two_nn",
    "weights_of",
]
