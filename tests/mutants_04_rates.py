"""Right and wrong answers to exercises 04.3 and 04.6: the rate at a threshold, and how many it takes."""

import math

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("04.3", "04.6")}


# 04.3 -------------------------------------------------------------------------------------------


def rate_by_search(scores, is_member, fpr):
    outside, best = scores[~is_member], 0.0
    for threshold in np.unique(scores):
        if (outside > threshold).sum() <= fpr * len(outside):
            best = max(best, np.mean(scores[is_member] > threshold))
    return best


def rate_by_sorting(scores, is_member, fpr):
    outside = sorted(scores[~is_member].tolist(), reverse=True)
    threshold = outside[math.floor(fpr * len(outside))]
    inside = scores[is_member].tolist()
    return sum(score > threshold for score in inside) / len(inside)


def rate_by_torch(scores, is_member, fpr):
    scores, is_member = torch.from_numpy(scores), torch.from_numpy(is_member)
    outside = scores[~is_member].sort(descending=True).values
    return (scores[is_member] > outside[int(fpr * len(outside))]).float().mean()


def rate_above(threshold_of):
    """The share of members above a threshold chosen from members, non-members and the rate."""

    def answer(scores, is_member, fpr):
        inside, outside = scores[is_member], np.sort(scores[~is_member])[::-1]
        return float(np.mean(inside > threshold_of(inside, outside, fpr)))

    return answer


def allowed(outside, fpr):
    return int(fpr * len(outside))


def accuses_low_scores(scores, is_member, fpr):
    return rate_by_search(-scores, is_member, fpr)


def one_false_alarm_too_many(scores, is_member, fpr):
    outside = np.sort(scores[~is_member])[::-1]
    return float((scores[is_member] >= outside[allowed(outside, fpr) + 1]).mean())


def each_score_once(scores, is_member, fpr):
    outside = np.unique(scores[~is_member])[::-1]
    return (scores[is_member] > outside[allowed(outside, fpr)]).mean()


def sorts_its_input(scores, is_member, fpr):
    rate = rate_by_sorting(scores, is_member, fpr)
    scores.sort()
    return rate


def ties_by_rank(scores, is_member, fpr):
    order = np.argsort(-scores, axis=None, kind="stable")
    ranked = is_member.ravel()[order]
    before = np.cumsum(~ranked) <= allowed(scores[~is_member], fpr)
    return (ranked & before).sum() / is_member.sum()


def of_all_people(scores, is_member, fpr):
    return rate_by_sorting(scores, is_member, fpr) * is_member.sum() / is_member.size


def everybody_accused(scores, is_member, fpr):
    outside = np.sort(scores[~is_member])[::-1]
    return (scores > outside[allowed(outside, fpr)]).mean()


def precision(scores, is_member, fpr):
    outside = np.sort(scores[~is_member])[::-1]
    return is_member[scores > outside[allowed(outside, fpr)]].mean()


def false_alarms(scores, is_member, fpr):
    outside = np.sort(scores[~is_member])[::-1]
    return (outside > outside[allowed(outside, fpr)]).mean()


def the_threshold(scores, is_member, fpr):
    outside = np.sort(scores[~is_member])[::-1]
    return outside[allowed(outside, fpr)]


# 04.6 -------------------------------------------------------------------------------------------


def enough_by_loop(fpr, confidence):
    count = 1
    while (1 - fpr) ** count > 1 - confidence:
        count += 1
    return count


def enough(solve):
    """An answer from a formula."""
    return lambda fpr, confidence: solve(fpr, confidence)


ACCEPT = {
    "04.3": {
        "reference": REFERENCE["04.3"],
        "a search over all thresholds": rate_by_search,
        "lists": rate_by_sorting,
        "torch, single precision": rate_by_torch,
    },
    "04.6": {
        "reference": REFERENCE["04.6"],
        "a loop": enough_by_loop,
        "log1p, an np.int64": lambda fpr, confidence: np.int64(
            np.ceil(np.log1p(-confidence) / np.log1p(-fpr))
        ),
    },
}

REJECT = {
    "04.3": {
        "quantile of the members": (
            rate_above(lambda inside, outside, fpr: np.quantile(inside, 1 - fpr)),
            "a share fpr of the *members*",
        ),
        "quantile of everybody": (
            rate_above(lambda inside, outside, fpr: np.quantile(np.r_[inside, outside], 1 - fpr)),
            "a share fpr of everybody",
        ),
        "low scores": (accuses_low_scores, "accuse from the top"),
        "one false alarm too many": (one_false_alarm_too_many, "one non-member more than the rate allows"),
        "interpolated": (
            rate_above(lambda inside, outside, fpr: np.quantile(outside, 1 - fpr)),
            "no interpolation",
        ),
        "the quantile above": (
            rate_above(lambda inside, outside, fpr: np.quantile(outside, 1 - fpr, method="higher")),
            "one non-member fewer than the rate allows",
        ),
        "each score once": (each_score_once, "also those who share a score"),
        "sorts its input": (sorts_its_input, "Work on copies"),
        "ties broken by position": (ties_by_rank, "Equal scores are accused together"),
        "divided by all people": (of_all_people, "divide the accused members by all people"),
        "everybody who is accused": (everybody_accused, "Count the members among them"),
        "precision": (precision, "(precision)"),
        "the false alarms": (false_alarms, "You return the rate of false alarms"),
        "the threshold": (the_threshold, "a share lies between 0 and 1"),
        "a threshold that never moves": (
            rate_above(lambda inside, outside, fpr: np.median(outside)),
            "of the members score above the threshold; you return",
        ),
        "the accused themselves": (lambda scores, is_member, fpr: scores > 0, "returned a ndarray"),
    },
    "04.6": {
        "one over fpr": (enough(lambda fpr, c: math.ceil(1 / fpr)), "*expect* one false alarm"),
        "rule of three": (enough(lambda fpr, c: math.ceil(3 / fpr)), "a rule of thumb for 95 %"),
        "rounded down": (
            enough(lambda fpr, c: math.floor(math.log(1 - c) / math.log(1 - fpr))),
            "a fraction of a person fewer",
        ),
        "not rounded": (enough(lambda fpr, c: math.log(1 - c) / math.log(1 - fpr)), "round it up"),
        "confidence for doubt": (
            enough(lambda fpr, c: math.ceil(math.log(c) / math.log(1 - fpr))),
            "the remaining doubt",
        ),
        "two tails": (
            enough(lambda fpr, c: math.ceil(math.log((1 - c) / 2) / math.log(1 - fpr))),
            "two tails",
        ),
        "logarithm of fpr": (
            enough(lambda fpr, c: math.ceil(math.log(1 - c) / math.log(fpr))),
            "is no part of this",
        ),
        "one more than needed": (lambda fpr, c: enough_by_loop(fpr, c) + 1, "are more than it takes"),
        "rounded down, and one more": (
            enough(lambda fpr, c: math.floor(math.log(1 - c) / math.log(1 - fpr)) + 1),
            "round up, and add nothing",
        ),
        "far too few": (lambda fpr, c: 7, "leave more doubt"),
        "a float": (lambda fpr, c: float(enough_by_loop(fpr, c)), "counted in whole numbers"),
    },
}
