"""What secure aggregation costs: bytes, seconds, on sparse graphs, and beside Flower's SecAgg+.

    python tests/benchmarks/secure_aggregation_costs.py [PART …]

A part that is in the results is not measured again unless it is named. All seconds are CPU seconds of one
process, each message passing through bytes; nothing is sent over a network. About four minutes in all.
"""

import argparse
import importlib.metadata
import json
import platform
import statistics
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
from flower_secagg_client import seconds_of_a_client
from flwr.common.secure_aggregation.crypto.symmetric_encryption import generate_shared_key
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen
from flwr.supercore.primitives.asymmetric import generate_key_pairs
from measure_lessons import cpu_name

from course.crypto import Client, Server, Stage, Terms, choose_degree, secure_sum
from course.crypto.costs import expansion_parts, message_bytes, paper_expansion_parts, total_bytes
from course.crypto.key_shares import share_secret
from course.crypto.keys import agree, agreement_keypair, signing_keypair
from course.crypto.masks import pairwise_mask

RESULTS = Path(__file__).parent / "results" / "secure_aggregation_costs.json"
LONG, SHORT = 100_000, 100
DROPOUTS, CORRUPT = 0.1, 0.1
SIZES = (10, 50, 100)
REPETITIONS = 3
LARGEST = 10**6


def timed_sum(num_clients, *, length, degree=None, threshold=None, dropouts=0.0):
    """CPU seconds of one secure sum, apart for clients and server. Who drops does so before MASKED_INPUT."""
    rng = np.random.default_rng(0)
    signing = {i: signing_keypair() for i in range(num_clients)}
    threshold = threshold or num_clients // 2 + 1
    seed = b"" if degree is None else rng.bytes(32)
    keys = {i: pair.public for i, pair in signing.items()}
    terms = Terms(keys, threshold, length, degree=degree, graph_seed=seed)
    vectors = {i: rng.integers(0, 2**20, length, dtype=np.uint32) for i in signing}
    clients = {
        i: Client(i, vector, signing_key=signing[i].private, terms=terms) for i, vector in vectors.items()
    }
    gone = set(rng.choice(num_clients, round(dropouts * num_clients), replace=False).tolist())
    server, spent = Server(terms=terms), defaultdict(float)
    for stage in Stage:
        clock = time.process_time()
        requests = server.requests()
        spent["server"] += time.process_time() - clock
        for i, request in requests.items():
            if i in gone and stage >= Stage.MASKED_INPUT:
                continue
            clock = time.process_time()
            reply = clients[i].respond(request)
            answered = time.process_time()
            server.receive(reply)
            spent["clients"] += answered - clock
            spent["server"] += time.process_time() - answered
        clock = time.process_time()
        server.advance()
        spent["server"] += time.process_time() - clock
    expected = sum(vectors[i].astype(np.uint64) for i in server.survivors) % 2**32
    if len(server.survivors) != num_clients - len(gone) or not np.array_equal(server.total, expected):
        raise RuntimeError("the sum is wrong, so its time means nothing")
    return {"client": spent["clients"] / num_clients, "server": spent["server"]}


def repeated(num_clients, *, repetitions=REPETITIONS, **options):
    """The median, least and greatest seconds of several runs, with what was run."""
    runs = [timed_sum(num_clients, **options) for _ in range(repetitions)]
    row = {"clients": num_clients, "repetitions": repetitions} | options
    for name in ("client", "server"):
        values = sorted(run[name] for run in runs)
        row[f"{name}_seconds"] = statistics.median(values)
        row[f"{name}_seconds_range"] = [values[0], values[-1]]
    row["total_seconds"] = num_clients * row["client_seconds"] + row["server_seconds"]
    print(row, flush=True)
    return row


def measure_bytes(_):
    """What is sent, against the formula; and the formula where the paper gives a number."""
    checked = []
    for num_clients, degree, length in ((10, None, 1000), (50, None, 100), (100, None, 10), (100, 22, 1000)):
        threshold = (num_clients if degree is None else degree + 1) // 2 + 1
        vectors = {i: np.zeros(length, dtype=np.int64) for i in range(num_clients)}
        sent = secure_sum(vectors, threshold=threshold, degree=degree).traffic
        measured = {total_bytes(traffic) for traffic in sent.values()}
        formula = total_bytes(message_bytes(num_clients, length=length, degree=degree))
        if measured != {formula}:
            raise RuntimeError(f"{measured} bytes were sent and {formula} were expected")
        row = {"clients": num_clients, "degree": degree, "length": length, "measured": formula}
        checked.append(row | {"formula": formula})
    size = {"num_clients": 2**10, "length": 2**20}
    ours, paper = expansion_parts(**size), paper_expansion_parts(**size)
    expansion = {"clients": 2**10, "length": 2**20, "input_bits": 16, "ours": ours, "paper": paper}
    return {"checked": checked, "expansion": expansion} | {
        "ours_in_all": sum(ours.values()), "paper_in_all": sum(paper.values())
    }  # fmt: skip


def measure_seconds(_):
    """All clients and the server, at long vectors, with and without dropouts."""
    return [
        repeated(num_clients, length=LONG, dropouts=dropouts)
        for num_clients in SIZES
        for dropouts in (0.0, DROPOUTS)
    ]


def measure_short(_):
    """Everyone with everyone, short vectors."""
    return [repeated(n, length=SHORT, repetitions=3 if n < 150 else 1) for n in (10, 20, 50, 100, 200)]


def measure_sparse(_):
    """A graph of the chosen degree, short vectors."""
    rows = []
    for num_clients in (100, 200, 500, 1000):
        choice = choose_degree(num_clients, corrupt=CORRUPT, dropouts=DROPOUTS)
        for dropouts in (0.0, DROPOUTS):
            graph = {"degree": choice.degree, "threshold": choice.threshold}
            rows.append(repeated(num_clients, length=SHORT, dropouts=dropouts, repetitions=1, **graph))
    return rows


def measure_units(_):
    """What one client spends on a point of a polynomial, and on an entry of a mask; in seconds."""
    share = _best(lambda: share_secret(b"s" * 32, threshold=201, num_shares=400)) / (400 * 201)
    total = np.zeros(LONG, dtype=np.uint32)

    def add_mask():
        nonlocal total
        total += pairwise_mask(b"s" * 32, 1, 2, session=bytes(32), length=LONG, modulus=2**32)

    return {"share_point": share, "mask_entry": _best(add_mask) / LONG}


def project(record):
    """A client's seconds and bytes up to a million clients, from the measured costs of its parts.

    Seconds = fixed + per neighbour · h + 2 share points · h · threshold + mask entries · h · length. The
    first two are fitted to the short vectors of everyone with everyone, up to 100 clients; larger cohorts and
    sparse graphs are held out.
    """
    units = record["units"]

    def known(holders, threshold, length):
        return holders * (2 * units["share_point"] * threshold + units["mask_entry"] * length)

    fitted = [row for row in record["short"] if row["clients"] <= 100]
    rest = [row["client_seconds"] - known(row["clients"], row["clients"] // 2 + 1, SHORT) for row in fitted]
    matrix = np.array([[1.0, row["clients"]] for row in fitted]) / np.array(rest)[:, None]
    fixed, per_neighbour = (float(x) for x in np.linalg.lstsq(matrix, np.ones(len(rest)), rcond=None)[0])

    def seconds(holders, threshold):
        return fixed + per_neighbour * holders + known(holders, threshold, SHORT)

    held_out = [
        {"clients": row["clients"], "degree": row.get("degree"), "measured": row["client_seconds"],
         "projected": seconds(row.get("degree", row["clients"] - 1) + 1,
                              row.get("threshold", row["clients"] // 2 + 1))}
        for row in [*record["short"], *record["sparse"]]
        if (row not in fitted) and not row.get("dropouts")
    ]  # fmt: skip
    lines = []
    for num_clients in np.unique(np.geomspace(10, LARGEST, 31).round().astype(int)).tolist():
        row = {"clients": num_clients, "everyone_seconds": seconds(num_clients, num_clients // 2 + 1)}
        row["everyone_bytes"] = total_bytes(message_bytes(num_clients, length=SHORT))
        if num_clients >= 100:
            choice = choose_degree(num_clients, corrupt=CORRUPT, dropouts=DROPOUTS)
            graph = message_bytes(num_clients, length=SHORT, degree=choice.degree)
            row |= {"degree": choice.degree, "threshold": choice.threshold}
            row |= {"sparse_seconds": seconds(choice.degree + 1, choice.threshold)}
            row |= {"sparse_bytes": total_bytes(graph)}
        lines.append(row)
    constants = {"fixed_seconds": fixed, "seconds_a_neighbour": per_neighbour}
    return constants | {"length": SHORT, "held_out": held_out, "lines": lines}


def measure_masks(_):
    """One mask of LONG entries, ours and Flower's, in turns: from its key, and from the keys of the two."""
    own, other = agreement_keypair(), agreement_keypair()
    (theirs, _public), (_private, public) = generate_key_pairs(), generate_key_pairs()
    shape = {"session": bytes(32), "length": LONG, "modulus": 2**32}
    functions = {
        "ours": lambda key: pairwise_mask(key, 1, 2, **shape),
        "flower": lambda key: pseudo_rand_gen(key, 2**32, [(LONG,)]),
        "ours_with_agreement": lambda _: pairwise_mask(agree(own.private, other.public), 1, 2, **shape),
        "flower_with_agreement": lambda _: pseudo_rand_gen(
            generate_shared_key(theirs, public), 2**32, [(LONG,)]
        ),
    }
    spent = {name: [] for name in functions}
    for turn in range(60):
        for name, function in functions.items():
            clock = time.process_time()
            function(turn.to_bytes(32, "big"))
            spent[name].append(time.process_time() - clock)
    row = {"length": LONG, "turns": 60}
    row |= {f"{name}_seconds": statistics.median(values) for name, values in spent.items()}
    row["flower_over_ours"] = row["flower_seconds"] / row["ours_seconds"]
    ratio = row["flower_with_agreement_seconds"] / row["ours_with_agreement_seconds"]
    return row | {"flower_over_ours_with_agreement": ratio}


def measure_flower(_):
    """A whole client, ours (the mean of all in a run) and Flower's, in turns; nobody drops out."""
    rows = []
    for num_clients in SIZES:
        for length in (SHORT, LONG):
            ours, theirs = [], []
            for _turn in range(REPETITIONS):
                ours.append(timed_sum(num_clients, length=length)["client"])
                spent = seconds_of_a_client(num_clients, length=length, threshold=num_clients // 2 + 1)
                theirs.append(sum(spent.values()))
            row = {"clients": num_clients, "length": length, "turns": REPETITIONS}
            row |= {"ours_seconds": statistics.median(ours), "flower_seconds": statistics.median(theirs)}
            row |= {"flower_over_ours": row["flower_seconds"] / row["ours_seconds"]}
            rows.append(row | {"flower_stages": spent})
            print(rows[-1], flush=True)
    return rows


def _best(function, turns=7):
    spent = []
    for _ in range(turns):
        clock = time.process_time()
        function()
        spent.append(time.process_time() - clock)
    return min(spent)


PARTS = {
    "bytes": measure_bytes, "masks": measure_masks, "flower": measure_flower, "seconds": measure_seconds,
    "units": measure_units, "short": measure_short, "sparse": measure_sparse, "projected": project,
}  # fmt: skip
"""In this order: the projection stands on the three before it, which is why it is always made anew."""


def main(again):
    """Measure what is not there yet, and what is named; write after each part."""
    record = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name, measure in PARTS.items():
        if name in record and name not in again and name != "projected":
            continue
        print(name, flush=True)
        measured = measure(record)
        versions = {"Python": platform.python_version()}
        versions |= {name: importlib.metadata.version(name) for name in ("cryptography", "numpy", "flwr")}
        record |= {"date": date.today().isoformat(), "cpu": cpu_name(), "versions": versions, name: measured}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(PARTS)}")
    chosen = parser.parse_args().parts
    if unknown := set(chosen) - PARTS.keys():
        parser.error(f"no such part: {sorted(unknown)}")
    main(chosen)
