"""One of Opacus's accountants promises too much.

Run it alone: python surprise_opacus.py TASK.npz ANSWER.json
"""

import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from dp_accounting.pld import privacy_loss_distribution
from opacus.accountants import create_accountant

SAMPLE_RATE, NOISE_MULTIPLIER, STEPS, DELTA = 0.01, 1.0, 1000, 1e-5


def gdp():
    """ε by the central-limit accountant, and what Opacus says as it makes one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        accountant = create_accountant("gdp")
    accountant.history = [(NOISE_MULTIPLIER, SAMPLE_RATE, STEPS)]
    return float(accountant.get_epsilon(DELTA)), str(caught[0].message)


def bracket(*, pessimistic):
    """A proven bound on the true ε: above it if every rounding is pessimistic, below it if optimistic."""
    one_step = privacy_loss_distribution.from_gaussian_mechanism(
        NOISE_MULTIPLIER, pessimistic_estimate=pessimistic, value_discretization_interval=1e-4,
        sampling_prob=SAMPLE_RATE,
    )  # fmt: skip
    return float(one_step.self_compose(STEPS).get_epsilon_for_delta(DELTA))


def run(task):
    promised, warning = gdp()
    return {
        "gdp": promised,
        "warning": warning,
        "true epsilon is at least": bracket(pessimistic=False),
        "true epsilon is at most": bracket(pessimistic=True),
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
