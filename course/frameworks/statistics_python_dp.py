"""A private count and mean by Google's DP library.

Run it alone: python statistics_python_dp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from pydp.algorithms.laplacian import BoundedMean, Count


def run(task):
    """So many private counts and means; every one is a new object, because each answers once."""
    hours, epsilon, counts, means = task["hours"].tolist(), float(task["epsilon"]), [], []
    bounds = {"lower_bound": float(task["lower"]), "upper_bound": float(task["upper"])}
    for _ in range(int(task["draws"])):
        count = Count(epsilon=epsilon)
        count.add_entries(list(map(int, hours)))
        counts.append(count.result())
        mean = BoundedMean(epsilon=epsilon, delta=0, dtype="float", **bounds)
        mean.add_entries(hours)
        means.append(mean.result())
    return {"count": counts, "mean": means}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
