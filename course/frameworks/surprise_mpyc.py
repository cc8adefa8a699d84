"""MPyC computes for one party as readily as for ten.

Run it alone: python surprise_mpyc.py TASK.npz ANSWER.json

Start any MPyC program without -M and it is right, fast, quiet, and not secret at all.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from mpyc.runtime import mpc


async def run(task):
    """How many parties there are, how many may collude, and what a share of 42 looks like to its holder."""
    secret_integer = mpc.SecInt(32)
    async with mpc:
        share = int(await mpc.gather(secret_integer(42)))
    return {
        "parties": len(mpc.parties),
        "threshold": mpc.threshold,
        "my share of 42": share,
        "TLS": bool(mpc.options.ssl),
    }, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = mpc.run(run(task))
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
