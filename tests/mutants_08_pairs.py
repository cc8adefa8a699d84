"""Right and wrong answers to exercise 08.1 of lesson 08: masks that cancel in pairs."""

import numpy as np

from course.exercises.exercise import find_exercise
from course.exercises.lesson_08_masks import signed, stretch

PAIRWISE = find_exercise("08.1").reference


def by_sorting(me, seeds, length):
    """Another right way: wide integers, larger ids minus smaller ones, reduced at the end."""
    masks = {other: stretch(seed, length).astype(np.int64) for other, seed in seeds.items()}
    mask = sum((m for other, m in masks.items() if other > me), np.zeros(length, dtype=np.int64))
    return ((mask - sum(m for other, m in masks.items() if other < me)) % 2**32).astype(np.uint32)


def in_place(me, seeds, length):
    mask = np.zeros(length, dtype=np.uint32)
    for other in sorted(seeds):
        mask += signed(me, other, seeds[other], length)
    return mask


def pairwise(sign=lambda me, other: 1 if other > me else -1, keep=lambda me, other: True, end=None):
    """The right masks with one part of its own."""

    def masks(me, seeds, length):
        mask = np.zeros(length, dtype=np.int64)
        for other, seed in seeds.items():
            if keep(me, other):
                mask = mask + sign(me, other) * stretch(seed, length).astype(np.int64)
        return end(mask) if end else (mask % 2**32).astype(np.uint32)

    return masks


def exclusive_or(me, seeds, length):
    mask = np.zeros(length, dtype=np.uint32)
    for seed in seeds.values():
        mask = mask ^ stretch(seed, length)
    return mask


def by_place(me, seeds, length):
    mask = np.zeros(length, dtype=np.uint32)
    for place, seed in enumerate(seeds.values()):
        mask = mask - stretch(seed, length) if place % 2 else mask + stretch(seed, length)
    return mask


def overwritten(me, seeds, length):
    for other, seed in seeds.items():
        mask = signed(me, other, seed, length)
    return mask


def drawn(me, seeds, length):
    return np.random.default_rng().integers(0, 2**32, length).astype(np.uint32)


def by_recursion(me, seeds, length):
    """Another right way: one pair, and then the rest."""
    if not seeds:
        return np.zeros(length, dtype=np.uint32)
    (other, seed), *rest = seeds.items()
    return signed(me, other, seed, length) + by_recursion(me, dict(rest), length)


def minus_one(me, seeds, length):
    return sum((1 if other > me else -1) * stretch(seed, length) for other, seed in seeds.items())


def masks_reused(by):
    """Masks that are made once and kept, by what `by` says of (me, other, length)."""
    kept = {}

    def masks(me, seeds, length):
        made = [
            kept.setdefault(by(me, other, length), signed(min(me, other), max(me, other), seed, length))
            for other, seed in seeds.items()
        ]
        return sum(m if other > me else np.negative(m) for other, m in zip(seeds, made, strict=True))

    return masks


def forgets_seeds(me, seeds, length):
    mask = PAIRWISE(me, seeds, length)
    seeds.clear()
    return mask
