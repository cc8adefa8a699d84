"""Right and wrong answers to exercises 01.3 and 01.4: averaging models and counting bytes."""

from collections import OrderedDict

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("01.3", "01.4")}


# 01.3 -------------------------------------------------------------------------------------------


def fedavg_stacked(models, num_examples):
    weights = torch.tensor(num_examples) / sum(num_examples)
    stack = {name: torch.stack([model[name] for model in models]) for name in sorted(models[0])}
    return OrderedDict((name, torch.tensordot(weights, tensors, dims=1)) for name, tensors in stack.items())


def fedavg_in_numpy(models, num_examples):
    arrays = {name: [model[name].numpy().astype(np.float64) for model in models] for name in models[0]}
    averages = {name: np.average(values, axis=0, weights=num_examples) for name, values in arrays.items()}
    return {name: torch.tensor(value, dtype=torch.float32) for name, value in averages.items()}


def fedavg_running(models, num_examples):
    seen, average = 0, {name: torch.zeros_like(tensor) for name, tensor in models[0].items()}
    for model, count in zip(models, num_examples, strict=True):
        seen += count
        for name in average:
            average[name] += (model[name] - average[name]) * (count / seen)
    return average


def weighed(weigh):
    """A mean whose weights come from the counts by a rule of its own."""

    def average(models, num_examples):
        weights = weigh(num_examples)
        return {
            name: sum(model[name] * weight for model, weight in zip(models, weights, strict=True))
            for name in models[0]
        }

    return average


def fedavg_changes_inputs(models, num_examples):
    first = models[0]
    for name in first:
        first[name] *= num_examples[0] / sum(num_examples)
        for model, count in zip(models[1:], num_examples[1:], strict=True):
            first[name] += model[name] * (count / sum(num_examples))
    return first


def fedavg_changes_counts(models, num_examples):
    total = sum(num_examples)
    for client, count in enumerate(num_examples):
        num_examples[client] = count / total
    return weighed(list)(models, num_examples)


def fedavg_shares(models, num_examples):
    return models[0] if len(models) == 1 else REFERENCE["01.3"](models, num_examples)


def fedavg_in_float64(models, num_examples):
    average = REFERENCE["01.3"](models, num_examples)
    return {name: tensor.double() for name, tensor in average.items()}


def fedavg_weights_only(models, num_examples):
    average = REFERENCE["01.3"](models, num_examples)
    return {name: average[name] if "weight" in name else models[0][name].clone() for name in average}


def fedavg_arrays(models, num_examples):
    return {name: tensor.numpy() for name, tensor in REFERENCE["01.3"](models, num_examples).items()}


def fedavg_one_tensor(models, num_examples):
    flat = torch.stack([torch.cat([tensor.flatten() for tensor in model.values()]) for model in models])
    return (flat * torch.tensor(num_examples)[:, None]).sum(0) / sum(num_examples)


# 01.4 -------------------------------------------------------------------------------------------


def payload(model):
    """The bytes of one trip."""
    return sum(tensor.numel() * tensor.element_size() for tensor in model.values())


def numbers_of(model):
    """How many numbers a model holds."""
    return sum(tensor.numel() for tensor in model.values())


# The tables ------------------------------------------------------------------------------------

ACCEPT = {
    "01.3": {
        "reference": REFERENCE["01.3"],
        "stack, names sorted, OrderedDict": fedavg_stacked,
        "numpy in float64 inside": fedavg_in_numpy,
        "running mean": fedavg_running,
        "weights of numpy": weighed(lambda counts: np.array(counts) / np.sum(counts)),
    },
    "01.4": {
        "reference": REFERENCE["01.4"],
        "nbytes, as a float": lambda model, cohort: 2.0 * cohort * sum(t.nbytes for t in model.values()),
        "a loop over clients": lambda model, cohort: np.int64(sum(2 * payload(model) for _ in range(cohort))),
        "a tensor": lambda model, cohort: torch.tensor(2 * cohort * payload(model)),
    },
}

REJECT = {
    "01.3": {
        "unweighted": (weighed(lambda n: [1 / len(n)] * len(n)), "every client the same"),
        "no division": (weighed(list), "do not divide"),
        "divides by the number of clients": (
            weighed(lambda n: [k / len(n) for k in n]),
            "divide by the number of clients; divide by",
        ),
        "divides twice": (weighed(lambda n: [k / sum(n) / len(n) for k in n]), "once more"),
        "a sum": (weighed(lambda n: [1] * len(n)), "You add the models up"),
        "integer division": (weighed(lambda n: [k // sum(n) for k in n]), "round the weights down"),
        "the first model": (
            lambda models, n: {k: v.clone() for k, v in models[0].items()},
            "first client's model",
        ),
        "the last model": (
            lambda models, n: {k: v.clone() for k, v in models[-1].items()},
            "the last client's",
        ),
        "inverse weights": (weighed(lambda n: [1 / k / sum(1 / m for m in n) for k in n]), "Smaller clients"),
        "counts sorted downwards": (
            weighed(lambda n: [k / sum(n) for k in sorted(n, reverse=True)]),
            "paired with the wrong clients",
        ),
        "softmax of the counts": (
            weighed(
                lambda n: (
                    torch.tensor(n).float().softmax(0).tolist() if len(n) > 3 else [k / sum(n) for k in n]
                )
            ),
            "is not Σ (n_k / n)",
        ),
        "changes the inputs": (fedavg_changes_inputs, "changed the clients' models"),
        "changes the counts": (fedavg_changes_counts, "changed the list of counts"),
        "hands back the one client's tensors": (fedavg_shares, "a client's own tensor"),
        "float64": (fedavg_in_float64, "convert it back"),
        "biases of the first client": (fedavg_weights_only, "do the same for every name"),
        "numpy arrays": (fedavg_arrays, "it is a ndarray"),
        "one flat tensor": (fedavg_one_tensor, "it should be a dictionary"),
        "weights without biases": (
            lambda models, n: {k: v for k, v in REFERENCE["01.3"](models, n).items() if "weight" in k},
            "It returned the names",
        ),
        "one parameter of the wrong shape": (
            lambda models, n: {k: v.mean(0) for k, v in REFERENCE["01.3"](models, n).items()},
            "it has (4,)",
        ),
    },
    "01.4": {
        "one direction": (lambda model, cohort: cohort * payload(model), "one direction"),
        "one client": (lambda model, cohort: 2 * payload(model), "You count one client"),
        "one trip": (lambda model, cohort: payload(model), "one trip of one client"),
        "bits": (lambda model, cohort: 16 * cohort * payload(model), "That is bits"),
        "numbers": (lambda model, cohort: 2 * cohort * numbers_of(model), "numbers, not bytes"),
        "numbers of one model": (lambda model, cohort: numbers_of(model), "the numbers of the model"),
        "four bytes always": (lambda model, cohort: 8 * cohort * numbers_of(model), "four bytes a number"),
        "the first tensor's bytes for all": (
            lambda model, cohort: 2 * cohort * numbers_of(model) * next(iter(model.values())).element_size(),
            "the first one's element_size()",
        ),
        "the first tensor only": (
            lambda model, cohort: 2 * cohort * payload(dict([next(iter(model.items()))])),
            "first tensor only",
        ),
        "a dictionary": (lambda model, cohort: {k: v.nbytes for k, v in model.items()}, "returned a dict"),
        "text": (lambda model, cohort: f"{2 * cohort * payload(model)} bytes", "returned a str"),
        "megabytes": (lambda model, cohort: 2 * cohort * payload(model) / 1e6, "8,800 bytes; you say 0"),
    },
}
