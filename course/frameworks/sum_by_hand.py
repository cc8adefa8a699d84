"""A sum that nobody sees the parts of, by lesson 08's protocol.

Run it alone: python sum_by_hand.py TASK.npz ANSWER.json

To learn from, not to deploy: server and clients are in one process, over the bytes that would be sent.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from course.crypto import secure_sum
from course.crypto.ring_fixed_point import RingFixedPoint


def run(task):
    """The total, and the bytes of all messages of all clients, both ways."""
    fixed_point = RingFixedPoint(fraction_bits=int(task["fraction_bits"]))
    vectors = {client: fixed_point.encode(vector) for client, vector in enumerate(task["vectors"], start=1)}
    result = secure_sum(vectors, threshold=len(vectors) // 2 + 1)
    sizes = [stage.up + stage.down for stages in result.traffic.values() for stage in stages.values()]
    return {"total": fixed_point.decode(result.total).tolist()}, sum(sizes)


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
