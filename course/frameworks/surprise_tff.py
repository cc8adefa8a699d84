"""TensorFlow Federated leaves a process behind.

Run it where the tool is installed: python surprise_tff.py TASK.npz ANSWER.json

The surprise comes after the last line: `worker_binary`, which TFF started, runs on when this has ended.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
import tensorflow_federated as tff


@tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
def total(numbers):
    return tff.federated_sum(numbers)


def run(task):
    """A federated sum, and the programs that this one has started."""
    answer = int(total([1, 2, 3]))
    children = [process.name() for process in psutil.Process().children(recursive=True)]
    return {"1 + 2 + 3": answer, "started": children}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
