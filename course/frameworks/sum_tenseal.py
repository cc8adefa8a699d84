"""A sum of encrypted vectors, in TenSEAL.

Run it alone: python sum_tenseal.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import tenseal


def run(task):
    """The total, and the bytes of the public key to each client, each ciphertext, and the encrypted sum."""
    key_holder = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=[54, 54], n_threads=1)
    key_holder.global_scale = 2.0**40
    public = key_holder.serialize(save_secret_key=False, save_galois_keys=False, save_relin_keys=False)
    sent = []
    for vector in task["vectors"]:
        client = tenseal.context_from(public, 1)
        sent.append(tenseal.ckks_vector(client, vector).serialize())
    server = tenseal.context_from(public, 1)
    received = [tenseal.ckks_vector_from(server, ciphertext) for ciphertext in sent]
    encrypted_total = sum(received[1:], start=received[0]).serialize()
    total = tenseal.ckks_vector_from(key_holder, encrypted_total).decrypt()
    sizes = len(sent) * len(public) + sum(map(len, sent)) + len(encrypted_total)
    return {"total": total}, sizes


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
