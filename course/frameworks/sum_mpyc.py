"""A sum that nobody sees the parts of, in MPyC: one process a party.

Run it alone: python sum_mpyc.py TASK.npz ANSWER.json -M10

MPyC starts the other parties itself and takes its own options out of the command line: -M10 for ten parties,
-B12000 for the first of ten TCP ports. So this file must be a program; importing it will not do.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from mpyc.runtime import mpc


async def run(task):
    """Each party shares its vector with all, all add what they hold, and the total alone is opened."""
    steps_in_one = 2 ** int(task["fraction_bits"])
    secret_integer = mpc.SecInt(32)
    async with mpc:
        mine = np.rint(task["vectors"][mpc.pid] * steps_in_one).astype(int)
        shares = mpc.input(secret_integer.array(mine))
        total = await mpc.output(sum(shares[1:], start=shares[0]))
        sent = [0 if party.pid == mpc.pid else party.protocol.nbytes_sent for party in mpc.parties]
        sent_bytes = sum(await mpc.transfer(sum(sent)))
    return {"total": (np.array(total, dtype=float) / steps_in_one).tolist()}, sent_bytes


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = mpc.run(run(task))
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    if mpc.pid == 0:
        Path(sys.argv[2]).write_text(json.dumps(report))
