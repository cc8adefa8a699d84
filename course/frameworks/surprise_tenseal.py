"""A long TenSEAL vector is cut in pieces, and some operations go.

Run it alone: python surprise_tenseal.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import tenseal


def product(length):
    """An encrypted vector of so many ones times a matrix of one column of ones: the sum, or the refusal."""
    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 8192, coeff_mod_bit_sizes=[60, 40, 60], n_threads=1)
    context.global_scale = 2.0**40
    context.generate_galois_keys()
    vector = tenseal.ckks_vector(context, np.ones(length))
    try:
        return vector.matmul(np.ones((length, 1)).tolist()).decrypt()[0]
    except ValueError as error:
        return f"ValueError: {error}"


def run(task):
    """The same product for a vector that fits in one ciphertext of 4,096 numbers, and one that does not."""
    return {"length 100": product(100), "length 4097": product(4097)}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
