"""Right and wrong answers to exercises 01.5 and 01.6: the cosine between updates and SCAFFOLD's control."""

from collections import OrderedDict

import numpy as np
import torch
from torch.nn import functional as F

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("01.5", "01.6")}


# 01.5 -------------------------------------------------------------------------------------------


def vectors_of(updates):
    """One long vector an update, shape (clients, dim)."""
    return torch.stack([torch.cat([tensor.flatten() for tensor in update.values()]) for update in updates])


def all_cosines(updates):
    """Every client against every client, shape (clients, clients)."""
    vectors = vectors_of(updates)
    return F.cosine_similarity(vectors[:, None], vectors[None], dim=2)


def cosine_by_loop(updates):
    vectors, total, pairs = vectors_of(updates).double().numpy(), 0.0, 0
    for i in range(len(vectors)):
        for j in range(i + 1, len(vectors)):
            lengths = np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
            total, pairs = total + vectors[i] @ vectors[j] / lengths, pairs + 1
    return total / pairs  # an np.float64


def cosine_by_identity(updates):
    directions, n = F.normalize(vectors_of(updates), dim=1), len(updates)
    return (directions.sum(0).norm() ** 2 - n) / (n * (n - 1))  # a tensor without dimensions


def off_diagonal(matrix):
    """The mean of a square matrix's entries off its diagonal."""
    return matrix[~torch.eye(len(matrix), dtype=torch.bool)].mean().item()


def cosine_a_layer(updates):
    layers = [[{name: update[name]} for update in updates] for name in updates[0]]
    return np.mean([off_diagonal(all_cosines(layer)) for layer in layers])


def cosine_changes_inputs(updates):
    for update in updates:
        length = vectors_of([update]).norm()
        for name in update:
            update[name] /= length
    return off_diagonal(vectors_of(updates) @ vectors_of(updates).T)


def cosine_of_dots(updates):
    return off_diagonal(vectors_of(updates) @ vectors_of(updates).T)


# 01.6 -------------------------------------------------------------------------------------------


def control_from(formula):
    """A control computed name by name from c_k, c, x, y, K and η."""

    def update(control, server_control, before, after, steps, learning_rate):
        return {
            name: formula(
                control[name], server_control[name], before[name], after[name], steps, learning_rate
            )
            for name in control
        }

    return update


def control_in_place(control, server_control, before, after, steps, learning_rate):
    for name in control:
        control[name] += (before[name] - after[name]) / (steps * learning_rate) - server_control[name]
    return control


def control_by_loop(control, server_control, before, after, steps, learning_rate):
    new = OrderedDict()
    for name in reversed(list(control)):
        gradient = before[name].double().sub(after[name]).div(steps).div(learning_rate)
        new[name] = torch.sub(control[name], server_control[name]).add(gradient)
    return new


def control_of_weights_only(control, server_control, before, after, steps, learning_rate):
    new = REFERENCE["01.6"](control, server_control, before, after, steps, learning_rate)
    return {name: new[name] if "weight" in name else control[name] for name in new}


# The tables ------------------------------------------------------------------------------------

ACCEPT = {
    "01.5": {
        "reference": REFERENCE["01.5"],
        "off the diagonal": lambda updates: off_diagonal(all_cosines(updates)),
        "loop, np.float64": cosine_by_loop,
        "from the length of the sum, zero-dimensional tensor": cosine_by_identity,
    },
    "01.6": {
        "reference": REFERENCE["01.6"],
        "the formula": control_from(lambda own, mean, x, y, steps, rate: (x - y) / rate / steps + own - mean),
        "loop, names backwards, float64 inside": control_by_loop,
    },
}

REJECT = {
    "01.5": {
        "with the diagonal": (lambda updates: all_cosines(updates).mean().item(), "compared with itself"),
        "the diagonal out of the sum only": (
            lambda updates: (all_cosines(updates).sum() - len(updates)).item() / len(updates) ** 2,
            "not out of the number",
        ),
        "mean over layers": (cosine_a_layer, "a mean over layers"),
        "first tensor only": (
            lambda updates: off_diagonal(all_cosines([{"0": next(iter(u.values()))} for u in updates])),
            "first tensor only",
        ),
        "dot products": (cosine_of_dots, "mean dot product"),
        "one length": (
            lambda updates: np.mean(
                [
                    (u @ v / u.norm()).item()
                    for i, u in enumerate(vectors_of(updates))
                    for v in vectors_of(updates)[:i]
                ]
            ),
            "divide by both",
        ),
        "absolute values": (lambda updates: off_diagonal(all_cosines(updates).abs()), "Keep the sign"),
        "first two clients": (lambda updates: all_cosines(updates)[0, 1].item(), "first two clients"),
        "each with the next": (
            lambda updates: all_cosines(updates).diagonal(1).mean().item(),
            "the next one only",
        ),
        "each with client 0": (lambda updates: all_cosines(updates)[0, 1:].mean().item(), "with client 0"),
        "each with the mean": (
            lambda updates: (
                F.cosine_similarity(vectors_of(updates), vectors_of(updates).mean(0)).mean().item()
            ),
            "with the mean of all",
        ),
        "sum of pairs": (lambda updates: all_cosines(updates).triu(1).sum().item(), "add the cosines up"),
        "pairs counted twice": (
            lambda updates: 2 * off_diagonal(all_cosines(updates)),
            "counted twice",
        ),
        "distance": (lambda updates: 1 - off_diagonal(all_cosines(updates)), "cosine distance"),
        "angle": (lambda updates: off_diagonal(all_cosines(updates).clamp(-1, 1).acos()), "That is an angle"),
        "changes its inputs": (cosine_changes_inputs, "changed the updates"),
        "returns the matrix": (all_cosines, "returned a Tensor"),
        "undefined for two clients": (
            lambda updates: off_diagonal(all_cosines(updates)) if len(updates) > 2 else float("nan"),
            "not a finite number",
        ),
        "absolute value for two clients": (
            lambda updates: off_diagonal(all_cosines(updates)) * (1 if len(updates) > 2 else -1),
            "(With five clients it is right.)",
        ),
    },
    "01.6": {
        "sign of the drift": (
            control_from(lambda own, c, x, y, k, r: own - c + (y - x) / (k * r)),
            "flipped",
        ),
        "not divided by the steps": (
            control_from(lambda own, c, x, y, k, r: own - c + (x - y) / r),
            "number of steps too",
        ),
        "not divided by the rate": (
            control_from(lambda own, c, x, y, k, r: own - c + (x - y) / k),
            "learning rate too",
        ),
        "divided by neither": (control_from(lambda own, c, x, y, k, r: own - c + x - y), "by neither"),
        "no old controls": (control_from(lambda own, c, x, y, k, r: (x - y) / (k * r)), "both old controls"),
        "server's control added": (
            control_from(lambda own, c, x, y, k, r: own + c + (x - y) / (k * r)),
            "not added",
        ),
        "no server's control": (
            control_from(lambda own, c, x, y, k, r: own + (x - y) / (k * r)),
            "server's control c.",
        ),
        "no own control": (control_from(lambda own, c, x, y, k, r: (x - y) / (k * r) - c), "own control c_k"),
        "controls swapped": (
            control_from(lambda own, c, x, y, k, r: c - own + (x - y) / (k * r)),
            "wrong way round",
        ),
        "multiplied by the rate": (
            control_from(lambda own, c, x, y, k, r: own - c + (x - y) * r / k),
            "do not multiply",
        ),
        "multiplied by both": (
            control_from(lambda own, c, x, y, k, r: own - c + (x - y) * k * r),
            "divides the drift",
        ),
        "brackets": (
            control_from(lambda own, c, x, y, k, r: (own - c + x - y) / (k * r)),
            "mind the brackets",
        ),
        "changes its inputs": (control_in_place, "changed one of its inputs"),
        "weights only": (control_of_weights_only, "do the same for every name"),
        "the model instead": (lambda own, c, x, y, k, r: dict(y), "It is not c_k − c"),
        "one number": (lambda own, c, x, y, k, r: 0.0, "it should be a dictionary"),
    },
}
