"""Right and wrong answers to the exercises of lesson 03, by exercise: what its checkers must tell apart.

`ACCEPT[exercise][name]` is an answer that must pass; `REJECT[exercise][name]` is an answer that must not,
and words of the sentence that its author should read.
"""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course.exercises.exercise import exercises_of

REFERENCE = {number: exercise.reference for number, exercise in exercises_of("03").items()}


# 03.2 -------------------------------------------------------------------------------------------


def mse(image, original):
    return (image - original).square().mean().item()


def psnr_in_place(image, original):
    image -= original
    return -10 * math.log10(image.square().mean().item())


# 03.3 -------------------------------------------------------------------------------------------


def joined(gradient):
    return torch.cat([tensor.flatten() for tensor in gradient])


def distance_by_sums(gradient, other):
    dot = sum((a * b).sum() for a, b in zip(gradient, other, strict=True))
    squares = [sum(t.square().sum() for t in tensors) for tensors in (gradient, other)]
    return 1 - dot / (squares[0] * squares[1]).sqrt()


def distances_by_layer(gradient, other):
    return torch.stack([REFERENCE["03.3"]([a], [b]) for a, b in zip(gradient, other, strict=True)])


def distance_with_a_constant_norm(gradient, other):
    a, b = joined(gradient), joined(other)
    return 1 - (a @ b) / (a.norm().detach() * b.norm())


def cosine(gradient, other):
    return 1 - REFERENCE["03.3"](gradient, other)


# 03.4 -------------------------------------------------------------------------------------------


def variation_by_diff(image):
    return image.diff(dim=-1).abs().mean() + image.diff(dim=-2).abs().mean()


def variation_by_loss(image):
    return F.l1_loss(image[..., 1:], image[..., :-1]) + F.l1_loss(image[..., 1:, :], image[..., :-1, :])


def variation_of_squares(image):
    return image.diff(dim=-1).square().mean() + image.diff(dim=-2).square().mean()


def variation_from_the_front(image):
    return image.diff(dim=0).abs().mean() + image.diff(dim=1).abs().mean()


def variation_half_detached(image):
    return (image[..., 1:] - image[..., :-1].detach()).abs().mean() + image.diff(dim=-2).abs().mean()


# 03.5 -------------------------------------------------------------------------------------------


def bins_by_loop(weight_gradient, bias_gradient):
    pictures, largest = [], bias_gradient.abs().max()
    for k in range(len(bias_gradient)):
        row, entry = weight_gradient[k], bias_gradient[k]
        if k + 1 < len(bias_gradient):
            row, entry = row - weight_gradient[k + 1], entry - bias_gradient[k + 1]
        if abs(entry) > 1e-7 * largest:
            pictures.append(row / entry)
    return torch.stack(pictures)


def bins_by_diff(weight_gradient, bias_gradient):
    rows = -torch.diff(weight_gradient, dim=0, append=torch.zeros_like(weight_gradient[:1]))
    entries = -torch.diff(bias_gradient, append=torch.zeros_like(bias_gradient[:1]))
    filled = entries.abs() > 1e-7 * bias_gradient.abs().max()
    return rows[filled] / entries[filled, None]


def own_parts(weight_gradient, bias_gradient):
    rows = -torch.diff(weight_gradient, dim=0, append=torch.zeros_like(weight_gradient[:1]))
    entries = -torch.diff(bias_gradient, append=torch.zeros_like(bias_gradient[:1]))
    return rows, entries, entries.abs() > 1e-7 * bias_gradient.abs().max()


def bins_without_differences(weight_gradient, bias_gradient):
    fired = bias_gradient != 0
    return weight_gradient[fired] / bias_gradient[fired, None]


def bins_without_the_last(weight_gradient, bias_gradient):
    rows, entries, filled = own_parts(weight_gradient, bias_gradient)
    return rows[:-1][filled[:-1]] / entries[:-1][filled[:-1], None]


def bins_from_below(weight_gradient, bias_gradient):
    rows = torch.diff(weight_gradient, dim=0, prepend=torch.zeros_like(weight_gradient[:1]))
    entries = torch.diff(bias_gradient, prepend=torch.zeros_like(bias_gradient[:1]))
    filled = entries.abs() > 1e-7 * bias_gradient.abs().max()
    return rows[filled] / entries[filled, None]


def bins_over_whole_bias(weight_gradient, bias_gradient):
    rows, _, filled = own_parts(weight_gradient, bias_gradient)
    return rows[filled] / bias_gradient[filled, None]


def bins_with_empty_ones(weight_gradient, bias_gradient):
    rows, entries, _ = own_parts(weight_gradient, bias_gradient)
    return rows / entries[:, None]


def bins_of_sums(weight_gradient, bias_gradient):
    rows, _, filled = own_parts(weight_gradient, bias_gradient)
    return rows[filled]


def bins_where(is_filled):
    def read(weight_gradient, bias_gradient):
        rows, entries, _ = own_parts(weight_gradient, bias_gradient)
        filled = is_filled(entries, bias_gradient)
        return rows[filled] / entries[filled, None]

    return read


def bins_in_place(weight_gradient, bias_gradient):
    weight_gradient[:-1] -= weight_gradient[1:].clone()
    bias_gradient[:-1] -= bias_gradient[1:].clone()
    return bins_without_differences(weight_gradient, bias_gradient)


# 03.6 -------------------------------------------------------------------------------------------


def scores_of(pictures, originals):
    return -10 * torch.log10((pictures[:, None] - originals[None]).square().mean(dim=2))


def share_by_loop(pictures, originals, threshold):
    found = 0
    for original in originals:
        found += any(mse(picture, original) <= 10 ** (-threshold / 10) for picture in pictures)
    return found / len(originals)


def share_by_distance(pictures, originals, threshold):
    errors = torch.cdist(pictures, originals, compute_mode="donot_use_mm_for_euclid_dist").square() / 784
    return (errors <= 10 ** (-threshold / 10)).any(dim=0).double().mean()


def share_by_logarithms(pictures, originals, threshold):
    best = [min(mse(picture, original) for picture in pictures) for original in originals]
    return sum(-10 * math.log10(error) >= threshold for error in best) / len(originals)


def share_in_order(pictures, originals, threshold):
    pairs = list(zip(pictures, originals, strict=False))
    return sum(-10 * math.log10(mse(*pair)) >= threshold for pair in pairs) / len(originals)


def hits(pictures, originals, threshold):
    return (scores_of(pictures, originals) >= threshold).double()


def share_of_pictures(pictures, originals, threshold):
    return hits(pictures, originals, threshold).amax(dim=0).sum().item() / max(len(pictures), 1)


def share_that_stumbles(pictures, originals, threshold):
    return hits(pictures, originals, threshold).amax(dim=0).mean().item() if len(pictures) else 1.0


def share_of_nearest(pictures, originals, threshold):
    found = set()
    for picture in pictures:
        errors = (originals - picture).square().mean(dim=1)
        if errors.min() <= 10 ** (-threshold / 10):
            found.add(int(errors.argmin()))
    return len(found) / len(originals)


ACCEPT = {
    "03.1": {
        "reference": REFERENCE["03.1"],
        "the negative entry": lambda g: (g < 0).nonzero().item(),
        "the largest in size, as a tensor": lambda g: g.abs().argmax(),
    },
    "03.2": {
        "reference": REFERENCE["03.2"],
        "twenty times the root, as a tensor": lambda a, b: -20 * torch.log10(F.mse_loss(a, b).sqrt()),
        "of clamped images": lambda a, b: REFERENCE["03.2"](a.clamp(0, 1), b.clamp(0, 1)),
        "numpy": lambda a, b: -10 * np.log10(((a.numpy() - b.numpy()) ** 2).mean()),
        "ten times the inverse": lambda a, b: 10 * math.log10(1 / mse(a, b)),
    },
    "03.3": {
        "reference": REFERENCE["03.3"],
        "sums over the layers": distance_by_sums,
        "torch's cosine": lambda g, h: 1 - F.cosine_similarity(joined(g), joined(h), dim=0),
    },
    "03.4": {
        "reference": REFERENCE["03.4"],
        "diff": variation_by_diff,
        "a loss of shifted images": variation_by_loss,
    },
    "03.5": {"reference": REFERENCE["03.5"], "a loop": bins_by_loop, "diff": bins_by_diff},
    "03.6": {"reference": REFERENCE["03.6"], "two loops": share_by_loop, "distances": share_by_distance},
}

REJECT = {
    "03.1": {
        "the largest": (lambda g: g.argmax(), "believes in most"),
        "nearest to zero": (lambda g: g.abs().argmin(), "that the model rules out"),
        "the entry": (lambda g: g.min(), "return the entry itself"),
        "from one": (lambda g: g.argmin() + 1, "count classes from 1"),
        "from the end": (lambda g: int(g.argmin()) - len(g), "counts from the end"),
        "a float": (lambda g: float(g.argmin()), "a label is a whole number"),
        "never the last": (lambda g: g[:-1].argmin(), "The label can be class 9, too"),
        "never the first": (lambda g: g[1:].argmin() + 1, "The label can be class 0, too"),
        "one of each": (lambda g: (g < 0).long(), "returned a Tensor"),
    },
    "03.2": {
        "turned": (lambda a, b: 10 * math.log10(mse(a, b)), "sign is turned"),
        "the error": (mse, "That is the mean squared error"),
        "twenty": (lambda a, b: -20 * math.log10(mse(a, b)), "(20 is for its root.)"),
        "root and ten": (lambda a, b: -10 * math.log10(mse(a, b) ** 0.5), "the factor is 20"),
        "natural logarithm": (lambda a, b: -10 * math.log(mse(a, b)), "natural logarithm"),
        "sum": (lambda a, b: -10 * math.log10((a - b).square().sum()), "add up the squared errors"),
        "absolute": (lambda a, b: -10 * math.log10((a - b).abs().mean()), "absolute error"),
        "peak of 255": (lambda a, b: 10 * math.log10(255**2 / mse(a, b)), "not 255"),
        "peak of the original": (lambda a, b: 10 * math.log10(b.max() ** 2 / mse(a, b)), "of the original"),
        "peak of the image": (lambda a, b: 10 * math.log10(a.max() ** 2 / mse(a, b)), "of the image"),
        "square of the mean": (lambda a, b: -10 * math.log10((a - b).mean() ** 2), "plus and minus cancel"),
        "bels": (lambda a, b: -math.log10(mse(a, b)), "a factor 10 in front"),
        "in place": (psnr_in_place, "Work on copies"),
    },
    "03.3": {
        "cosine": (cosine, "highest for equal directions"),
        "minus the cosine": (lambda g, h: -cosine(g, h), "minus the cosine"),
        "without the sign": (lambda g, h: 1 - cosine(g, h).abs(), "drop the sign of the cosine"),
        "mean over layers": (lambda g, h: distances_by_layer(g, h).mean(), "mean of one distance a layer"),
        "sum over layers": (lambda g, h: distances_by_layer(g, h).sum(), "add up one distance a layer"),
        "no norms": (lambda g, h: 1 - joined(g) @ joined(h), "divide by no norm"),
        "one norm": (lambda g, h: 1 - joined(g) @ joined(h) / joined(g).norm(), "by the first norm only"),
        "euclidean": (lambda g, h: (joined(g) - joined(h)).norm(), "That is the Euclidean distance"),
        "squared": (lambda g, h: (joined(g) - joined(h)).square().sum(), "squared Euclidean distance"),
        "angle": (lambda g, h: torch.acos(cosine(g, h)), "the angle itself"),
        "last layer": (lambda g, h: REFERENCE["03.3"](g[-1:], h[-1:]), "last layer only"),
        "detached": (lambda g, h: REFERENCE["03.3"](g, h).detach(), "leave out detach"),
        "a float": (lambda g, h: REFERENCE["03.3"](g, h).item(), "returned a float"),
        "one norm detached": (distance_with_a_constant_norm, "its derivative is not"),
        "one a layer": (distances_by_layer, "tensor of shape (4,)"),
    },
    "03.4": {
        "right only": (lambda x: x.diff(dim=-1).abs().mean(), "to the right only"),
        "down only": (lambda x: x.diff(dim=-2).abs().mean(), "steps down only"),
        "squares": (variation_of_squares, "square the steps"),
        "signed": (lambda x: x.diff(dim=-1).mean() + x.diff(dim=-2).mean(), "Without absolute values"),
        "signed down": (lambda x: x.diff(dim=-1).abs().mean() + x.diff(dim=-2).mean(), "steps down need"),
        "signed right": (lambda x: x.diff(dim=-1).mean() + x.diff(dim=-2).abs().mean(), "to the right need"),
        "partly detached": (variation_half_detached, "its derivative is not"),
        "sums": (lambda x: x.diff(dim=-1).abs().sum() + x.diff(dim=-2).abs().sum(), "add the steps up"),
        "half": (lambda x: variation_by_diff(x) / 2, "You take half"),
        "wraps": (lambda x: sum((x.roll(1, axis) - x).abs().mean() for axis in (-1, -2)), "wraps around"),
        "axes from the front": (variation_from_the_front, "count axes from the end"),
        "detached": (lambda x: variation_by_diff(x.detach()), "cut off from the image"),
    },
    "03.5": {
        "no differences": (bins_without_differences, "divide without subtracting"),
        "no last bin": (bins_without_the_last, "last bin is missing"),
        "from below": (bins_from_below, "subtract the row *before*"),
        "the whole bias": (bins_over_whole_bias, "by the bias gradient as it is"),
        "empty bins": (bins_with_empty_ones, "Some pictures are not finite"),
        "no division": (bins_of_sums, "differences of the weights' rows"),
        "not empty by sign": (bins_where(lambda own, all_: own > 1e-7 * all_.abs().max()), "may be negative"),
        "not exactly zero": (bins_where(lambda own, all_: own != 0), "Rounding leaves a little"),
        "a fixed limit": (bins_where(lambda own, all_: own.abs() > 1e-7), "not a fixed number"),
        "reversed": (lambda w, b: bins_by_diff(w, b).flip(0), "from the last bin to the first"),
        "in place": (bins_in_place, "Work on copies"),
        "a list": (lambda w, b: list(bins_by_diff(w, b)), "returned a list"),
        "transposed": (lambda w, b: bins_by_diff(w, b).T, "returned shape"),
    },
    "03.6": {
        "of pictures": (share_of_pictures, "divide by the number of pictures"),
        "pictures": (lambda p, o, t: hits(p, o, t).amax(dim=1).mean(), "share of *pictures*"),
        "with copies": (lambda p, o, t: hits(p, o, t).sum() / len(o), "once for each picture"),
        "in order": (share_in_order, "does not know the order"),
        "the lost": (lambda p, o, t: 1 - share_by_loop(p, o, t), "*not* found"),
        "a number": (lambda p, o, t: hits(p, o, t).amax(dim=0).sum(), "is a number of originals"),
        "all pairs": (lambda p, o, t: hits(p, o, t).mean(), "the share of all pairs"),
        "nearest originals": (share_of_nearest, "Two originals are alike"),
        "no pictures": (share_that_stumbles, "without a single picture"),
        "stops at an exact copy": (share_by_logarithms, "An exact copy has error 0"),
        "one each": (lambda p, o, t: hits(p, o, t).amax(dim=0), "returned a Tensor"),
    },
}  # fmt: skip
