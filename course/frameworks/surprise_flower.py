"""Flower's secure aggregation does not run in its own new API.

Run it alone: python surprise_flower.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import flwr.serverapp
import flwr.serverapp.strategy
import numpy as np
from flwr.app import Context, RecordDict
from flwr.clientapp import ClientApp
from flwr.server.workflow import SecAggPlusWorkflow

from course.federated.in_process_grid import InProcessGrid


def run(task):
    """What the SecAgg+ workflow says to the context of a ServerApp, and what today's API offers instead."""
    workflow = SecAggPlusWorkflow(num_shares=3, reconstruction_threshold=2)
    context = Context(1, 1, {}, RecordDict(), {})
    try:
        workflow(InProcessGrid(ClientApp(), 3), context)
        refusal = ""
    except TypeError as error:
        refusal = str(error)
    offered = dir(flwr.serverapp) + dir(flwr.serverapp.strategy)
    return {
        "refusal": refusal,
        "names with 'secagg' in flwr.serverapp": [name for name in offered if "secagg" in name.lower()],
        "strategies in flwr.serverapp": len(flwr.serverapp.strategy.__all__),
        "where it lives": SecAggPlusWorkflow.__module__,
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
