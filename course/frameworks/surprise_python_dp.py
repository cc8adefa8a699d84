"""Google's DP library answers once.

Run it alone: python surprise_python_dp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from pydp.algorithms.laplacian import Count


def run(task):
    """A count, asked for twice; and how much of its budget of 1 was left in between."""
    count = Count(epsilon=1.0)
    count.add_entries(list(range(500)))
    first = count.result()
    try:
        second = count.result()
    except RuntimeError as error:
        second = f"RuntimeError: {error}"
    return {"first": first, "second": second}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
