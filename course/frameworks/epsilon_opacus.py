"""The ε of a DP-SGD run by Opacus.

Run it alone: python epsilon_opacus.py TASK.npz ANSWER.json
"""

import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from opacus.accountants import create_accountant


def run(task):
    """ε under the name of each of its accountants; "gdp" is no upper bound, see surprise_opacus.py."""
    step = float(task["noise_multiplier"]), float(task["sample_rate"]), int(task["steps"])
    epsilon = {}
    for name in ("rdp", "prv", "gdp"):
        with warnings.catch_warnings():
            # Opacus warns that GDP is experimental, and about RDP orders that it tries on its way.
            warnings.simplefilter("ignore")
            accountant = create_accountant(name)
            accountant.history = [step]
            settings = {"eps_error": 0.001} if name == "prv" else {}
            epsilon[name] = float(accountant.get_epsilon(float(task["delta"]), **settings))
    return epsilon, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
