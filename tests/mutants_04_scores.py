"""Right and wrong answers to exercises 04.2 and 04.4: the loss as a score, and the likelihood ratio."""

import numpy as np
import torch
from scipy import stats
from torch.nn import functional as F

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("04.2", "04.4")}


# 04.2 -------------------------------------------------------------------------------------------


def loss_by_formula(probability, label):
    return label * np.log(probability) + (1 - label) * np.log(1 - probability)


def loss_by_torch(probability, label):
    truth = torch.from_numpy(np.broadcast_to(label, probability.shape).astype(np.float32))
    return -F.binary_cross_entropy(torch.from_numpy(probability).float(), truth, reduction="none")


def true_class(probability, label):
    return np.where(label == 1, probability, 1 - probability)


def turns_its_input(probability, label):
    other = np.broadcast_to(label != 1, probability.shape)
    probability[other] = 1 - probability[other]
    return np.log(probability)


# 04.4 -------------------------------------------------------------------------------------------


def ratio_by_scipy(target, shadows, member):
    result = np.zeros(len(target))
    for person in range(len(target)):
        inside, outside = shadows[member[:, person], person], shadows[~member[:, person], person]
        result[person] = stats.norm.logpdf(target[person], inside.mean(), inside.std())
        result[person] -= stats.norm.logpdf(target[person], outside.mean(), outside.std())
    return result


def ratio_by_torch(target, shadows, member):
    target, shadows, member = (torch.from_numpy(array).float() for array in (target, shadows, member))
    densities = []
    for use in (member, 1 - member):
        mean = (shadows * use).sum(0) / use.sum(0)
        std = (((shadows - mean) ** 2 * use).sum(0) / use.sum(0)).sqrt()
        densities.append(torch.distributions.Normal(mean, std).log_prob(target))
    return densities[0] - densities[1]


def moments(shadows, use, ddof=0):
    return shadows.mean(axis=0, where=use), shadows.std(axis=0, where=use, ddof=ddof)


def log_density(target, mean, std):
    return -np.log(std) - ((target - mean) / std) ** 2 / 2


def ratio_with(formula):
    """A ratio from the target and the mean and std of both sides."""

    def answer(target, shadows, member):
        return formula(target, *moments(shadows, member), *moments(shadows, ~member))

    return answer


def ratio_of_densities(target, mean, std, out_mean, out_std):
    return np.exp(log_density(target, mean, std) - log_density(target, out_mean, out_std))


def log_of_densities(target, mean, std, out_mean, out_std):
    return np.log(stats.norm.pdf(target, mean, std)) - np.log(stats.norm.pdf(target, out_mean, out_std))


def log_of_padded_densities(target, mean, std, out_mean, out_std):
    inside, outside = stats.norm.pdf(target, mean, std), stats.norm.pdf(target, out_mean, out_std)
    return np.log(inside + 1e-300) - np.log(outside + 1e-300)


def ratio_by_erasing(target, shadows, member):
    without = np.where(member, np.nan, shadows)
    shadows[~member] = np.nan
    inside, outside = (
        log_density(target, np.nanmean(side, 0), np.nanstd(side, 0)) for side in (shadows, without)
    )
    return inside - outside


def ratio_with_in_spread(target, mean, std, out_mean, out_std):
    return log_density(target, mean, std) - log_density(target, out_mean, std)


def ratio_with_one_spread(target, shadows, member):
    std = shadows.std(axis=0)
    (mean, _), (out_mean, _) = moments(shadows, member), moments(shadows, ~member)
    return log_density(target, mean, std) - log_density(target, out_mean, std)


def ratio_without_normaliser(target, mean, std, out_mean, out_std):
    return ((target - out_mean) / out_std) ** 2 / 2 - ((target - mean) / std) ** 2 / 2


def ratio_without_half(target, mean, std, out_mean, out_std):
    inside, outside = ((target - mean) / std) ** 2, ((target - out_mean) / out_std) ** 2
    return np.log(out_std / std) - inside + outside


def ratio_of_everybody(target, shadows, member):
    inside, outside = shadows[member], shadows[~member]
    return log_density(target, inside.mean(), inside.std()) - log_density(
        target, outside.mean(), outside.std()
    )


ACCEPT = {
    "04.2": {
        "reference": REFERENCE["04.2"],
        "both terms": loss_by_formula,
        "torch, single precision": loss_by_torch,
    },
    "04.4": {
        "reference": REFERENCE["04.4"],
        "a loop and scipy, the other variance": ratio_by_scipy,
        "means and stds": ratio_with(
            lambda x, m, s, n, t: np.log(t / s) + ((x - n) / t) ** 2 / 2 - ((x - m) / s) ** 2 / 2
        ),
        "torch, single precision": ratio_by_torch,
    },
}

REJECT = {
    "04.2": {
        "the loss": (lambda p, y: -loss_by_formula(p, y), "turn its sign"),
        "class 1 for everybody": (lambda p, y: np.log(p) + 0 * y, "the probability of class 1 for everybody"),
        "classes swapped": (lambda p, y: np.log(np.where(y == 1, 1 - p, p)), "The classes are swapped"),
        "the probability": (true_class, "The score is its logarithm"),
        "bits": (lambda p, y: np.log2(true_class(p, y)), "another base"),
        "one term only": (lambda p, y: y * np.log(p), "has two terms"),
        "right or wrong": (lambda p, y: ((p > 0.5) == y).astype(float), "how sure the model was"),
        "squared error": (lambda p, y: -((p - y) ** 2), "which is minus the cross-entropy"),
        "clipped": (lambda p, y: np.log(true_class(p, y).clip(0.01, 0.99)), "Do you clip the probability"),
        "turns its input around": (turns_its_input, "Work on copies"),
        "the mean": (lambda p, y: loss_by_formula(p, y).mean(), "returned a float64"),
        "one a person": (lambda p, y: np.atleast_2d(loss_by_formula(p, y)).mean(0), "returned shape (7,)"),
    },
    "04.4": {
        "upside down": (
            lambda target, shadows, member: REFERENCE["04.4"](target, shadows, ~member),
            "upside down",
        ),
        "no logarithm": (ratio_with(ratio_of_densities), "not yet its logarithm"),
        "logarithm of a rounded density": (ratio_with(log_of_densities), "subtract logarithms"),
        "padded densities": (ratio_with(log_of_padded_densities), "add something to a density"),
        "erases in its input": (ratio_by_erasing, "Work on copies"),
        "the spread of the members on both sides": (
            ratio_with(ratio_with_in_spread),
            "is used on both sides",
        ),
        "one spread over all": (ratio_with_one_spread, "one spread over all shadows"),
        "no 1 / std": (ratio_with(ratio_without_normaliser), "1 / std in front"),
        "no half in the exponent": (ratio_with(ratio_without_half), "yours lacks the 2"),
        "the density with the person alone": (
            lambda target, shadows, member: log_density(target, *moments(shadows, member)),
            "An easy person has a high one in or out",
        ),
        "one mean for everybody": (ratio_of_everybody, "one mean and one std for everybody"),
        "how far above the others": (
            lambda target, shadows, member: (
                (target - shadows.mean(axis=0, where=~member)) / shadows.std(axis=0, where=~member)
            ),
            "each person by itself",
        ),
        "one number": (lambda *a: REFERENCE["04.4"](*a).sum(), "returned a float64"),
        "one a shadow": (
            lambda target, shadows, member: log_density(target, shadows.mean(0), shadows.std(0)) * member,
            "returned shape (24, 9)",
        ),
    },
}
