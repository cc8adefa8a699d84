"""A private count and mean by hand, in NumPy.

Run it alone: python statistics_by_hand.py TASK.npz ANSWER.json

The noise is floating point and the seed is fixed: teaching-grade (Mironov 2012).
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np


def run(task, *, seed=0):
    """So many private counts, each with all of ε, and means, each with ε/2 for the sum and ε/2 for the count.

    Adding or removing a person moves the count by 1. Hours are counted from the middle of their range, so it
    moves their sum by half of the range at most, and not by all of `upper`.
    """
    rng, draws, epsilon = np.random.default_rng(seed), int(task["draws"]), float(task["epsilon"])
    lower, upper = float(task["lower"]), float(task["upper"])
    middle, half_range = (lower + upper) / 2, (upper - lower) / 2
    centred = np.clip(task["hours"], lower, upper) - middle
    count = len(centred) + rng.laplace(scale=1 / epsilon, size=draws)
    total = centred.sum() + rng.laplace(scale=half_range / (epsilon / 2), size=draws)
    people = len(centred) + rng.laplace(scale=1 / (epsilon / 2), size=draws)
    mean = np.clip(middle + total / np.maximum(1, people), lower, upper)
    return {"count": count.tolist(), "mean": mean.tolist()}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
