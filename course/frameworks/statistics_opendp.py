"""A private count and mean by OpenDP.

Run it alone: python statistics_opendp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import opendp.prelude as dp

# OpenDP's parts without a finished proof are closed until you open them.
dp.enable_features("contrib")

PEOPLE = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.symmetric_distance()
"""Any number of hours, none of them missing; neighbours differ by one person added or removed."""


def count(*, epsilon):
    return PEOPLE >> dp.t.then_count() >> dp.m.then_laplace(scale=1 / epsilon)


def centred_sum(*, epsilon, half_range):
    clipped = PEOPLE >> dp.t.then_clamp((-half_range, half_range)) >> dp.t.then_sum()
    return clipped >> dp.m.then_laplace(scale=half_range / epsilon)


def run(task):
    """So many private counts, each with all of ε, and means, each from a sum and a count with half of it."""
    epsilon, lower, upper = (float(task[name]) for name in ("epsilon", "lower", "upper"))
    middle, half_range = (lower + upper) / 2, (upper - lower) / 2
    centred = (task["hours"] - middle).tolist()
    whole, people = count(epsilon=epsilon), count(epsilon=epsilon / 2)
    total = centred_sum(epsilon=epsilon / 2, half_range=half_range)
    counts, means = [], []
    for _ in range(int(task["draws"])):
        counts.append(whole(centred))
        mean = middle + total(centred) / max(1, people(centred))
        means.append(min(max(mean, lower), upper))
    return {"count": counts, "mean": means}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
