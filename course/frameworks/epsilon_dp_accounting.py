"""The ε of a DP-SGD run by Google's dp-accounting.

Run it alone: python epsilon_dp_accounting.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import dp_accounting
import numpy as np
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant

ADD_OR_REMOVE = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE


def run(task):
    """ε under the name of each accountant: by Rényi divergences, and by privacy loss distributions."""
    one_step = dp_accounting.PoissonSampledDpEvent(
        float(task["sample_rate"]), dp_accounting.GaussianDpEvent(float(task["noise_multiplier"]))
    )
    accountants = {
        "rdp": RdpAccountant(neighboring_relation=ADD_OR_REMOVE),
        "pld": PLDAccountant(neighboring_relation=ADD_OR_REMOVE),
    }
    for accountant in accountants.values():
        accountant.compose(one_step, int(task["steps"]))
    epsilon = {name: each.get_epsilon(float(task["delta"])) for name, each in accountants.items()}
    return epsilon, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
