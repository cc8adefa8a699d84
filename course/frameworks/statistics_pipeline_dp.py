"""A private count and mean by PipelineDP.

Run it alone: python statistics_pipeline_dp.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pipeline_dp
from pipeline_dp import Metrics


def ask(rows, metric, *, epsilon, lower, upper):
    """One metric over the rows (person, hours), in one partition that is public."""
    accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=epsilon, total_delta=0)
    engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
    extractors = pipeline_dp.DataExtractors(
        privacy_id_extractor=lambda row: row[0],
        partition_extractor=lambda row: "everybody",
        value_extractor=lambda row: row[1],
    )
    params = pipeline_dp.AggregateParams(
        metrics=[metric], noise_kind=pipeline_dp.NoiseKind.LAPLACE, min_value=lower, max_value=upper,
        max_partitions_contributed=1, max_contributions_per_partition=1,
    )  # fmt: skip
    result = engine.aggregate(rows, params, extractors, public_partitions=["everybody"])
    accountant.compute_budgets()
    return next(iter(result))[1]


def run(task):
    """So many private counts and means, each with a budget of its own."""
    rows = list(enumerate(task["hours"].tolist()))
    settings = {name: float(task[name]) for name in ("epsilon", "lower", "upper")}
    draws = range(int(task["draws"]))
    counts = [ask(rows, Metrics.COUNT, **settings).count for _ in draws]
    means = [ask(rows, Metrics.MEAN, **settings).mean for _ in draws]
    return {"count": counts, "mean": means}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
