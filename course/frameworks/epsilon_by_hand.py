"""The ε of a DP-SGD run by hand, from Rényi divergences.

Run it alone: python epsilon_by_hand.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from course.privacy.rdp import DEFAULT_ORDERS, rdp_subsampled_gaussian, rdp_to_epsilon


def run(task):
    """ε under "rdp": the divergence of a step at each order, times the steps, converted at the best one."""
    noise = {name: float(task[name]) for name in ("noise_multiplier", "sample_rate")}
    steps, delta = int(task["steps"]), float(task["delta"])
    curve = [steps * rdp_subsampled_gaussian(**noise, order=order) for order in DEFAULT_ORDERS]
    return {"rdp": rdp_to_epsilon(curve, orders=DEFAULT_ORDERS, delta=delta)}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
