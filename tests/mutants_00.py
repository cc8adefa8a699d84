"""Right and wrong answers to the exercises of lesson 00: updates, and the image in them."""

import torch

from course.exercises.exercise import find_exercise


def update_by_loop(before, after):
    result = {}
    for name, tensor in after.items():
        result[name] = tensor.clone()
        result[name] -= before[name]
    return result


def update_in_place(before, after):
    return {name: tensor.sub_(before[name]) for name, tensor in after.items()}


def update_of_one(before, after):
    change = {name: torch.zeros_like(tensor) for name, tensor in before.items()}
    first = next(iter(before))
    return change | {first: after[first] - before[first]}


def image_from_any_active_unit(weight_change, bias_change):
    active = bias_change != 0
    return (weight_change[active] / bias_change[active].unsqueeze(1)).mean(dim=0)


def image_by_loop(weight_change, bias_change):
    unit = max(range(len(bias_change)), key=lambda k: abs(float(bias_change[k])))
    return torch.tensor([float(change) / float(bias_change[unit]) for change in weight_change[unit]])


def image_from_sorted_units(weight_change, bias_change):
    unit = bias_change.square().sort(descending=True).indices[:1]
    return (weight_change[unit] / bias_change[unit]).squeeze(0)


def image_in_place(weight_change, bias_change):
    weight_change /= bias_change[:, None]
    return weight_change[bias_change.abs().argmax()]


def image_by_first(weight_change, bias_change):
    return weight_change[0] / bias_change[0]


def image_upside_down(weight_change, bias_change):
    unit = bias_change.abs().argmax()
    return bias_change[unit] / weight_change[unit]


def image_negative(weight_change, bias_change):
    unit = bias_change.abs().argmax()
    return -weight_change[unit] / bias_change[unit]


def image_not_divided(weight_change, bias_change):
    return weight_change[bias_change.abs().argmax()]


def image_over_total(weight_change, bias_change):
    return weight_change[bias_change.abs().argmax()] / bias_change.abs().sum()


def image_of_all_units(weight_change, bias_change):
    return weight_change / bias_change.unsqueeze(1)


ACCEPT = {
    "00.1": {
        "the reference": find_exercise("00.1").reference,
        "a loop": update_by_loop,
        "torch.sub": lambda before, after: {name: torch.sub(after[name], before[name]) for name in after},
    },
    "00.2": {
        "the reference": find_exercise("00.2").reference,
        "a loop over the pixels": image_by_loop,
        "the steepest of all ratios": image_from_sorted_units,
    },
}
REJECT = {
    "00.1": {
        "swapped": (
            lambda before, after: {name: before[name] - after[name] for name in before},
            "The sign is flipped",
        ),
        "the new model": (lambda before, after: {n: t.clone() for n, t in after.items()}, "new model"),
        "absolute": (
            lambda b, a: {name: (a[name] - b[name]).abs() for name in b},
            "Keep the sign of the change",
        ),
        "in place": (update_in_place, "changed one of the two models"),
        "first tensor only": (update_of_one, "for each name on its own"),
        "one vector": (lambda b, a: torch.cat([(a[n] - b[n]).flatten() for n in b]), "a dictionary"),
    },
    "00.2": {
        "always unit 0": (image_by_first, "division by zero"),
        "wrong way round": (image_upside_down, "wrong way round"),
        "negative": (image_negative, "comes out negative"),
        "not divided": (image_not_divided, "Divide by the unit's bias change"),
        "all units at once": (image_of_all_units, "shape (5, 12)"),
        "divides by all units": (image_over_total, "For one unit, each weight's change"),
        "the mean over active units": (image_from_any_active_unit, "divide for one unit only"),
        "in place": (image_in_place, "changed the update"),
        "a list": (lambda w, b: (w[b.abs().argmax()] / b[b.abs().argmax()]).tolist(), "should be a tensor"),
    },
}
