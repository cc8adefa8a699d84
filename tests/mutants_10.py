"""Right and wrong answers to the exercises of lesson 10."""

import math

import numpy as np
import torch

from course.attacks import auc
from course.exercises.exercise import find_exercise
from course.exercises.lesson_10_scans import HEAD, LARGEST, standard

REFERENCE = {number: find_exercise(number).reference for number in (f"10.{n}" for n in range(1, 7))}


# 10.1 -------------------------------------------------------------------------------------------


def by_sorting(slices):
    """Another right way: percentiles read off the sorted pixels, in float64."""
    flat = np.sort(slices, axis=None).astype(float)
    inside = np.sort(slices[slices > HEAD * np.interp(0.95 * (flat.size - 1), np.arange(flat.size), flat)])
    low, middle, high = np.interp(
        np.array([0.16, 0.5, 0.84]) * (inside.size - 1), np.arange(inside.size), inside.astype(float)
    )
    return np.minimum(np.maximum(2 * (slices - middle) / (high - low), -4), 4)


def in_torch(slices):
    pixels = torch.from_numpy(slices.copy())
    inside = pixels[pixels > HEAD * torch.quantile(pixels, 0.95)]
    low, middle, high = torch.quantile(inside, torch.tensor([0.16, 0.5, 0.84]))
    return ((pixels - middle) / ((high - low) / 2)).clamp(-4, 4)


def in_place(slices):
    slices[:] = REFERENCE["10.1"](slices)
    return slices


# 10.2 -------------------------------------------------------------------------------------------


def by_loop(cells, present):
    slices = torch.stack([torch.logsumexp(patient.flatten(1), 1) for patient in cells])
    patients = [torch.logsumexp(row[there], 0) for row, there in zip(slices, present, strict=True)]
    return slices.masked_fill(~present, -torch.inf), torch.stack(patients)


def shifted(cells, present):
    """By hand, with the largest taken out first."""
    top = cells.amax((2, 3))
    slices = top + (cells - top[..., None, None]).exp().sum((2, 3)).log()
    slices = torch.where(present, slices, torch.tensor(-1e6))
    top = slices.amax(1, keepdim=True)
    return slices, (top + (slices - top).exp().sum(1, keepdim=True).log()).squeeze(1)


def pooled(of_cells=None, of_slices=None, fill=-1e9):
    """The right pooling with one part of its own."""

    def pool(cells, present):
        slices = (of_cells or (lambda c: torch.logsumexp(c.flatten(2), 2)))(cells)
        if fill is not None:
            slices = slices.masked_fill(~present, fill)
        return slices, (of_slices or (lambda s, p: torch.logsumexp(s, 1)))(slices, present)

    return pool


def fills_in_place(cells, present):
    cells[~present] = -1e9
    return REFERENCE["10.2"](cells, present)


# 10.3 -------------------------------------------------------------------------------------------


def by_stacking(models, num_patients, stays):
    share = torch.tensor(num_patients, dtype=torch.float64) / sum(num_patients)
    mean = {
        name: torch.einsum("k,k...->...", share, torch.stack([m[name] for m in models]).double()).float()
        for name in models[0]
    }
    return [{name: (own if name in stays else mean)[name].clone() for name in own} for own in models]


def step_by_step(models, num_patients, stays):
    total, following = sum(num_patients), []
    for own in models:
        new = {}
        for name in own:
            if name in stays:
                new[name] = own[name]
            else:
                new[name] = torch.zeros_like(own[name])
                for model, count in zip(models, num_patients, strict=True):
                    new[name] += count / total * model[name]
        following.append(new)
    return tuple(following)


def one_dictionary_for_all(models, num_patients, stays):
    mean = REFERENCE["10.3"](models, num_patients, ())[0]
    for own in models:
        mean.update({name: own[name] for name in stays})
    return [mean] * len(models)


def into_the_first(models, num_patients, stays):
    right = REFERENCE["10.3"](models, num_patients, stays)
    for name in models[0]:
        models[0][name] *= 0.5
    return right


def only_what_stays(models, num_patients, stays):
    mean = REFERENCE["10.3"](models, num_patients, ())[0]
    return [{name: mean[name] if name in stays else own[name] for name in own} for own in models]


def counts_on_the_list(models, num_patients, stays):
    right = REFERENCE["10.3"](models, num_patients, stays)
    while num_patients:
        num_patients.pop()
    return right


def empties_the_list(models, num_patients, stays):
    right = REFERENCE["10.3"](models, num_patients, stays)
    models.pop(0)
    return right


# 10.4 -------------------------------------------------------------------------------------------


def last_enough(needed):
    """The right search with its own idea of how many tumours are enough."""
    return lambda f, t, n, s: t[np.flatnonzero(np.sum(f, 0) >= needed(np.sum(f, 0), n, s) - 1e-9)[-1]]


def popped(found, thresholds, num_with_tumour, sensitivity):
    threshold = REFERENCE["10.4"](found, thresholds, num_with_tumour, sensitivity)
    found.pop()
    return threshold


def by_search(found, thresholds, num_with_tumour, sensitivity):
    best = None
    for index, threshold in enumerate(thresholds):
        if sum(int(each[index]) for each in found) / num_with_tumour >= sensitivity - 1e-12:
            best = float(threshold)
    return best


def from_above(found, thresholds, num_with_tumour, sensitivity):
    together = np.add.reduce(found)
    needed = math.ceil(sensitivity * num_with_tumour - 1e-9)
    return next(t for t, n in zip(thresholds[::-1], together[::-1], strict=True) if n >= needed)


def summed_in_place(found, thresholds, num_with_tumour, sensitivity):
    threshold = REFERENCE["10.4"](found, thresholds, num_with_tumour, sensitivity)
    for each in found[1:]:
        found[0] += each
    return threshold


# 10.5 -------------------------------------------------------------------------------------------


def bootstrap(draw=None, pick=None, quantiles=(0.025, 0.975), ends=None, gain=None):
    """The right bootstrap with one part of its own."""

    def interval(before, after, has_tumour, rng, draws=1000):
        gains, n = [], len(has_tumour)
        while len(gains) < draws:
            again = draw(rng, n) if draw else rng.choice(n, size=n)
            scores = (before[again], after[again], has_tumour[again])
            one, other, labels = pick(scores, (before, after, has_tumour), rng) if pick else scores
            if labels.all() or not labels.any():
                continue
            gains.append(gain(one, other, labels) if gain else auc(other, labels) - auc(one, labels))
        return ends(np.array(gains)) if ends else np.quantile(gains, quantiles)

    return interval


def of_each_kind(before, after, has_tumour, rng, draws=1000):
    """Another right way: as many of each kind as there are (a stratified bootstrap)."""
    kinds = [np.flatnonzero(has_tumour), np.flatnonzero(~has_tumour)]
    gains = []
    for _ in range(draws):
        again = np.concatenate([rng.choice(kind, len(kind)) for kind in kinds])
        gains.append(auc(after[again], has_tumour[again]) - auc(before[again], has_tumour[again]))
    return tuple(np.percentile(gains, [2.5, 97.5]))


def never_again(before, after, has_tumour, rng, draws=1000):
    gains = []
    for _ in range(draws):
        again = rng.integers(len(before), size=len(before))
        gains.append(auc(after[again], has_tumour[again]) - auc(before[again], has_tumour[again]))
    return np.quantile(gains, [0.025, 0.975])


def nothing_for_one_kind(before, after, has_tumour, rng, draws=1000):
    gains = []
    for _ in range(draws):
        i = rng.integers(len(before), size=len(before))
        both = 0 < has_tumour[i].sum() < len(i)
        gains.append(auc(after[i], has_tumour[i]) - auc(before[i], has_tumour[i]) if both else 0.0)
    return np.quantile(gains, [0.025, 0.975])


def unpaired(before, after, has_tumour, rng, draws=1000):
    def one(scores):
        while True:
            again = rng.integers(len(scores), size=len(scores))
            if 0 < has_tumour[again].sum() < len(scores):
                return auc(scores[again], has_tumour[again])

    return np.quantile([one(after) - one(before) for _ in range(draws)], [0.025, 0.975])


def labels_left_behind(before, after, has_tumour, rng, draws=1000):
    def again():
        return rng.integers(len(before), size=len(before))

    gains = []
    for _ in range(draws):
        drawn = again()
        gains.append(auc(after[drawn], has_tumour) - auc(before[drawn], has_tumour))
    return np.quantile(gains, [0.025, 0.975])


# 10.6 -------------------------------------------------------------------------------------------


def covered(change=lambda before, after: before - after, cover=None, end=None):
    """The right map with one part of its own."""

    def occlude(score, image, patch):
        falls = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
        for r in range(falls.shape[0]):
            for c in range(falls.shape[1]):
                square = (slice(r * patch, r * patch + patch), slice(c * patch, c * patch + patch))
                seen = image.copy()
                if cover:
                    seen = cover(seen, square)
                else:
                    seen[square] = 0
                falls[r, c] = change(score(image), score(seen))
        return end(falls) if end else falls

    return occlude


def by_masks(score, image, patch):
    """Another right way: multiply by a mask that a Kronecker product makes."""
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    before, falls = score(image), []
    for square in np.eye(rows * columns):
        mask = 1 - np.kron(square.reshape(rows, columns), np.ones((patch, patch)))
        falls.append(before - score(image * mask))
    return np.reshape(falls, (rows, columns))


def stays_covered(score, image, patch):
    seen, before = image.copy(), score(image)
    falls = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
    for r, c in np.ndindex(*falls.shape):
        seen[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch] = 0
        falls[r, c] = before - score(seen)
    return falls


def on_the_image_itself(score, image, patch):
    right = REFERENCE["10.6"](score, image, patch)
    image[:patch, :patch] = 0
    return right


def only_this(seen, square):
    kept = np.zeros_like(seen)
    kept[square] = seen[square]
    return kept


def filled(value):
    def cover(seen, square):
        seen[square] = seen.mean() if value is None else value
        return seen

    return cover


ACCEPT = {
    "10.1": {"reference": REFERENCE["10.1"], "by sorting": by_sorting, "in torch": in_torch},
    "10.2": {"reference": REFERENCE["10.2"], "by loop": by_loop, "shifted": shifted},
    "10.3": {"reference": REFERENCE["10.3"], "by stacking": by_stacking, "step by step": step_by_step},
    "10.4": {"reference": REFERENCE["10.4"], "by search": by_search, "from above": from_above},
    "10.5": {
        "reference": REFERENCE["10.5"], "by choice": bootstrap(), "of each kind": of_each_kind,
        "by deviation": bootstrap(ends=lambda g: g.mean() + np.array([-1.96, 1.96]) * g.std()),
    },
    "10.6": {"reference": REFERENCE["10.6"], "by slices": covered(), "by masks": by_masks},
}  # fmt: skip

REJECT = {
    "10.1": {
        "with the air": (lambda s: standard(s, head=lambda x: np.isfinite(x)), "the dark air around it"),
        "not clipped": (lambda s: standard(s, cut=False), "A value beyond ±4"),
        "clipped above only": (lambda s: np.minimum(standard(s, cut=False), 4), "Values below −4"),
        "clipped below only": (lambda s: np.maximum(standard(s, cut=False), -4), "Values above 4"),
        "whole distance": (
            lambda s: standard(s, spread=lambda x: np.ptp(np.quantile(x, [0.16, 0.84]))),
            "half of it",
        ),
        "each slice": (lambda s: np.stack([standard(one) for one in s]), "each slice by itself"),
        "mean": (lambda s: standard(s, middle=np.mean), "a large tumour pulls it"),
        "deviation": (lambda s: standard(s, spread=np.std), "a few bright pixels can blow up"),
        "mean and deviation": (lambda s: standard(s, middle=np.mean, spread=np.std), "that are far off"),
        "the maximum": (lambda s: standard(s, head=lambda x: x > HEAD * x.max()), "you take the maximum"),
        "threshold of each slice": (
            lambda s: standard(s, head=lambda x: x > HEAD * np.quantile(x, 0.95, axis=(1, 2), keepdims=True)),
            "Where the head begins is one number",
        ),
        "only centred": (
            lambda s: (s - np.median(s[s > HEAD * np.quantile(s, 0.95)])).clip(-LARGEST, LARGEST),
            "do not divide",
        ),
        "in place": (in_place, "changes the scan"),
        "unchanged": (lambda s: s.copy(), "as it was"),
        "turned round": (lambda s: -REFERENCE["10.1"](s), "the order of brightness"),
    },
    "10.2": {
        "hard maximum": (pooled(of_cells=lambda c: c.amax((2, 3))), "the *soft* maximum"),
        "mean of cells": (pooled(of_cells=lambda c: c.mean((2, 3))), "a tumour in 1 of 256"),
        "sum of logits": (pooled(of_cells=lambda c: c.sum((2, 3))), "add up their exponentials"),
        "log mean exp": (
            pooled(of_cells=lambda c: torch.logsumexp(c.flatten(2), 2) - math.log(c[0, 0].numel())),
            "divide by the number of cells",
        ),
        "overflow": (pooled(of_cells=lambda c: c.exp().sum((2, 3)).log()), "more than a float32 holds"),
        "padding counts": (pooled(fill=None), "Slices that only pad count"),
        "padding is 0": (pooled(fill=0.0), "counts as logit 0"),
        "hard patients": (pooled(of_slices=lambda s, p: s.amax(1)), "not their maximum"),
        "mean of slices": (
            pooled(of_slices=lambda s, p: s.masked_fill(~p, 0).sum(1) / p.sum(1)), "not their mean",
        ),
        "only patients": (lambda c, p: REFERENCE["10.2"](c, p)[1].unsqueeze(1), "return two tensors"),
        "turned": (lambda c, p: REFERENCE["10.2"](c, p)[::-1], "one a slice"),
        "in place": (fills_in_place, "changes the cells"),
        "not far below": (
            lambda c, p: (torch.logsumexp(c.flatten(2), 2), REFERENCE["10.2"](c, p)[1]),
            "far below all others",
        ),
    },
    "10.3": {
        "unweighted": (
            lambda m, n, s: REFERENCE["10.3"](m, [1] * len(m), s), "Every hospital counts the same",
        ),
        "all travels": (lambda m, n, s: REFERENCE["10.3"](m, n, ()), "is averaged too"),
        "the other way": (only_what_stays, "You keep at home what should travel"),
        "one for all": (one_dictionary_for_all, "get each other's parameters"),
        "one model": (lambda m, n, s: REFERENCE["10.3"](m, n, s)[0], "returned one model"),
        "not divided": (
            lambda m, n, s: [
                {k: v if k in s else v * sum(n) for k, v in each.items()}
                for each in REFERENCE["10.3"](m, n, s)
            ],
            "never divide by their sum",
        ),
        "added up": (
            lambda m, n, s: [
                {k: own[k] if k in s else sum(each[k] for each in m) for k in own} for own in m
            ],
            "You add the models up",
        ),
        "in place": (into_the_first, "changes the models"),
        "empties the list": (empties_the_list, "takes models out"),
        "uses up the counts": (counts_on_the_list, "changes `num_patients`"),
        "without what stays": (
            lambda m, n, s: [{k: v for k, v in e.items() if k not in s} for e in REFERENCE["10.3"](m, n, s)],
            "It returned the names",
        ),
    },
    "10.4": {
        "the lowest": (lambda f, t, n, s: t[0], "calls nearly everybody ill"),
        "every hospital": (
            lambda f, t, n, s: min(
                (t[each >= s * each[0] - 1e-9][-1] for each in f), default=t[0]
            ),
            "one small hospital then decides",
        ),
        "mean of shares": (
            lambda f, t, n, s: t[np.mean([e / e[0] for e in f], axis=0) >= s - 1e-9][-1],
            "two tumours then count as much as forty",
        ),
        "more than": (
            lambda f, t, n, s: max(t[np.sum(f, axis=0) > s * n + 1e-9], default=t[0]),
            "Exactly enough is enough",
        ),
        "position": (
            lambda f, t, n, s: int(np.flatnonzero(t == REFERENCE["10.4"](f, t, n, s))[0]),
            "number in the list",
        ),
        "nearest": (lambda f, t, n, s: t[np.abs(np.sum(f, axis=0) / n - s).argmin()], "comes nearest"),
        "first that fails": (
            lambda f, t, n, s: t[np.flatnonzero(np.sum(f, axis=0) < s * n - 1e-9)[0]],
            "too few are found already",
        ),
        "in place": (summed_in_place, "changes the counts"),
        "popped": (popped, "takes hospitals out"),
        "rounded down": (last_enough(lambda all_, n, s: int(s * n + 1e-9)), "Do not round down"),
        "of those found": (last_enough(lambda all_, n, s: s * all_[0]), "found at the lowest threshold"),
    },
    "10.5": {
        "without replacement": (bootstrap(draw=lambda rng, n: rng.permutation(n)), "hardly any width"),
        "unpaired": (unpaired, "use the same patients for both"),
        "labels left behind": (labels_left_behind, "stay with its patient"),
        "before − after": (
            bootstrap(gain=lambda b, a, y: auc(b, y) - auc(a, y)), "wrong sign",
        ),
        "an AUROC": (bootstrap(gain=lambda b, a, y: auc(a, y)), "an interval for an AUROC"),
        "nine tenths": (bootstrap(quantiles=(0.05, 0.95)), "at either end"),
        "one deviation": (
            bootstrap(ends=lambda g: (g.mean() - g.std(), g.mean() + g.std())), "two draws of three",
        ),
        "too few drawn": (
            bootstrap(draw=lambda rng, n: rng.integers(n, size=n // 4)),
            "as many patients as there are, and",
        ),
        "error of the mean": (
            bootstrap(ends=lambda g: g.mean() + np.array([-1.96, 1.96]) * g.std() / len(g) ** 0.5),
            "do not divide by their number",
        ),
        "one kind drawn": (never_again, "nobody with a tumour"),
        "a generator of its own": (
            bootstrap(draw=lambda rng, n: np.random.default_rng().integers(n, size=n)),
            "two different intervals",
        ),
        "a seed of its own": (
            lambda b, a, y, rng, draws=1000: REFERENCE["10.5"](b, a, y, np.random.default_rng(0), draws),
            "give the same interval",
        ),
        "turned": (bootstrap(quantiles=(0.975, 0.025)), "ends before it begins"),
        "never the last": (bootstrap(draw=lambda rng, n: rng.integers(n - 1, size=n)), "last patient"),
        "never the first": (bootstrap(draw=lambda rng, n: rng.integers(1, n, size=n)), "first patient"),
        "nothing for one kind": (nothing_for_one_kind, "put no number in its place"),
        "draws of its own": (
            lambda b, a, y, rng, draws=1000: REFERENCE["10.5"](b, a, y, rng, 1000), "draws=50 and draws=80",
        ),
        "the gain only": (bootstrap(ends=lambda g: g.mean()), "two numbers"),
    },
    "10.6": {
        "turned sign": (covered(change=lambda b, a: a - b), "The sign is turned"),
        "scores": (covered(change=lambda b, a: a), "the scores themselves"),
        "stays covered": (stays_covered, "stay covered"),
        "all but this": (covered(cover=only_this), "everything *but* the square"),
        "this alone": (covered(cover=only_this, change=lambda b, a: a), "one square alone"),
        "the mean": (covered(cover=filled(None)), "you take the image's mean"),
        "ones": (covered(cover=filled(1.0)), "you take 1"),
        "sizes": (covered(end=np.abs), "how large the change is"),
        "turned shape": (covered(end=lambda f: f.T), "have changed places"),
        "flat": (covered(end=np.ravel), "a flat list"),
        "a pixel each": (
            lambda score, image, patch: np.kron(
                REFERENCE["10.6"](score, image, patch), np.ones((patch, patch))
            ),
            "one number a pixel",
        ),
        "in place": (on_the_image_itself, "leaves the image changed"),
    },
}  # fmt: skip
