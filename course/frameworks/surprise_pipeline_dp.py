"""PipelineDP drops a small group without a word.

Run it alone: python surprise_pipeline_dp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pipeline_dp

VISITS = [*((person, "village") for person in range(100)), (100, "lighthouse")]
"""A hundred people live in the village and one in the lighthouse."""


def places(public=None):
    """How many people each place has, privately: of all places in the data, or of those named beforehand."""
    accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1.0, total_delta=1e-5)
    engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
    extractors = pipeline_dp.DataExtractors(
        privacy_id_extractor=lambda visit: visit[0],
        partition_extractor=lambda visit: visit[1],
        value_extractor=lambda visit: 0,
    )
    params = pipeline_dp.AggregateParams(
        metrics=[pipeline_dp.Metrics.COUNT], noise_kind=pipeline_dp.NoiseKind.LAPLACE,
        max_partitions_contributed=1, max_contributions_per_partition=1,
    )  # fmt: skip
    result = engine.aggregate(VISITS, params, extractors, public_partitions=public)
    accountant.compute_budgets()
    return {place: metrics.count for place, metrics in result}


def run(task):
    return {
        "places in the data": places(),
        "places named beforehand": places(["village", "lighthouse", "moon"]),
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
