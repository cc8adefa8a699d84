"""The same run, another neighbour: dp-accounting's ε.

Run it alone: python surprise_dp_accounting.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import dp_accounting
import numpy as np
from dp_accounting import NeighboringRelation
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant


def epsilon(accountant, relation):
    """ε of 1,000 Poisson-sampled Gaussian steps, or how the accountant refuses."""
    one_step = dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.0))
    try:
        return accountant(neighboring_relation=relation).compose(one_step, 1000).get_epsilon(1e-5)
    except dp_accounting.UnsupportedEventError as refusal:
        return f"{type(refusal).__name__}: {refusal}"


def run(task):
    add_remove, replace = NeighboringRelation.ADD_OR_REMOVE_ONE, NeighboringRelation.REPLACE_ONE
    return {
        "add or remove one, PLD": epsilon(PLDAccountant, add_remove),
        "replace one, PLD": epsilon(PLDAccountant, replace),
        "add or remove one, RDP": epsilon(RdpAccountant, add_remove),
        "replace one, RDP": epsilon(RdpAccountant, replace),
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
