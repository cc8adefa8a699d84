"""OpenDP refuses until it is asked twice, and counts its own rounding.

Run it alone: python surprise_opendp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import opendp.prelude as dp


def noisy_sum(number):
    """The sum of numbers from 0 to 80 with Laplace noise for ε = 1, over integers or over floats."""
    domain = dp.atom_domain(T=int) if number is int else dp.atom_domain(T=float, nan=False)
    people = dp.vector_domain(domain), dp.symmetric_distance()
    total = people >> dp.t.then_clamp((number(0), number(80))) >> dp.t.then_sum()
    return total >> dp.m.then_laplace(scale=80.0)


def run(task):
    """The first refusal, and the ε that OpenDP itself reckons for one person added or removed."""
    try:
        noisy_sum(int)
        refusal = ""
    except dp.OpenDPException as error:
        refusal = str(error).strip()
    dp.enable_features("contrib")
    return {
        "refusal": refusal,
        "epsilon of a sum of integers": noisy_sum(int).map(1),
        "epsilon of a sum of floats": noisy_sum(float).map(1),
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
