"""The formulas for bytes give what is sent, and the paper's count gives what the paper says."""

import json

import pytest

from course import ROOT
from course.crypto import Stage, secure_sum
from course.crypto.costs import expansion_parts, message_bytes, paper_expansion_parts, total_bytes

LONG = {"length": 2**20, "input_bits": 16}


@pytest.mark.parametrize(
    ("num_clients", "degree"),
    [(2, None), (3, None), (9, None), (20, None), (9, 2), (9, 6), (9, 8), (10, 8), (20, 4), (31, 20)],
)
@pytest.mark.parametrize(("length", "modulus"), [(1, 2**16), (7, 2**64)])
def test_the_formula_gives_the_bytes_that_are_sent(num_clients, degree, length, modulus):
    threshold = (num_clients if degree is None else degree + 1) // 2 + 1
    vectors = {i: [0] * length for i in range(num_clients)}
    result = secure_sum(vectors, threshold=threshold, modulus=modulus, degree=degree)
    formula = message_bytes(num_clients, length=length, modulus=modulus, degree=degree)
    assert all(traffic == formula for traffic in result.traffic.values())


def test_the_count_of_the_paper_gives_both_numbers_of_the_paper():
    small = paper_expansion_parts(2**10, length=2**20)
    large = paper_expansion_parts(2**14, length=2**24)
    assert round(sum(small.values()), 2) == 1.73
    assert round(sum(large.values()), 2) == 1.98


def test_the_parts_of_our_expansion_add_up_to_all_bytes():
    parts = expansion_parts(2**10, **LONG)
    total = total_bytes(message_bytes(2**10, length=2**20))
    assert sum(parts.values()) == pytest.approx(total / 2**21)
    assert parts["entries, as wide as the sum needs"] == pytest.approx(26 / 16)
    assert parts["entries, rounded up to whole bytes"] == pytest.approx(6 / 16)
    assert all(part > 0 for part in parts.values())


def test_ids_and_headers_are_what_the_entries_and_headers_of_the_messages_come_to():
    n, length = 9, 40
    parts = expansion_parts(n, length=length)
    header, entry, kind, summary = 57, 12, 1, 41
    entries_up, entries_down = 1 + (n - 1) + 1 + 1 + n, 1 + n + (n - 1) + n + n
    framing = 10 * header + (entries_up + entries_down) * entry + 2 * n * kind + summary
    assert parts["ids and headers"] * length * 2 == pytest.approx(framing)


def test_a_sparse_client_sends_as_much_among_a_million_as_among_a_thousand():
    among = [total_bytes(message_bytes(n, length=100, degree=46)) for n in (10**3, 10**6)]
    assert among[0] == among[1] < total_bytes(message_bytes(200, length=100))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_clients": 1}, "num_clients must be ≥ 2"),
        ({"length": 0}, "length ≥ 1"),
        ({"modulus": 3}, "modulus must be"),
        ({"degree": 3}, "degree must be even"),
    ],
)
def test_costs_out_of_range_are_refused(arguments, words):
    arguments = {"num_clients": 9, "length": 1} | arguments
    with pytest.raises(ValueError, match=words):
        message_bytes(arguments.pop("num_clients"), **arguments)
    with pytest.raises(ValueError, match="has 66 bits"):
        expansion_parts(4, length=1, input_bits=64)


def test_every_stage_has_bytes_both_ways():
    traffic = message_bytes(2, length=1)
    assert list(traffic) == list(Stage)
    assert all(each.up > 57 + 64 and each.down > 57 for each in traffic.values())


RECORD = json.loads((ROOT / "tests/benchmarks/results/secure_aggregation_costs.json").read_text("utf-8"))


def test_the_recorded_bytes_are_those_of_the_messages_of_today():
    for row in RECORD["bytes"]["checked"]:
        traffic = message_bytes(row["clients"], length=row["length"], degree=row["degree"])
        assert row["measured"] == row["formula"] == total_bytes(traffic)
    for line in RECORD["projected"]["lines"]:
        assert line["everyone_bytes"] == total_bytes(message_bytes(line["clients"], length=100))
        if "degree" in line:
            sparse = message_bytes(line["clients"], length=100, degree=line["degree"])
            assert line["sparse_bytes"] == total_bytes(sparse)
    expansion = RECORD["bytes"]["expansion"]
    assert expansion["ours"] == expansion_parts(expansion["clients"], length=expansion["length"])


def test_the_recorded_projection_meets_what_was_measured_where_it_was_not_fitted():
    held_out = RECORD["projected"]["held_out"]
    assert max(row["clients"] for row in held_out) == 1000
    for row in held_out:
        assert row["projected"] == pytest.approx(row["measured"], rel=0.35)
    last = RECORD["projected"]["lines"][-1]
    assert last["clients"] == 10**6
    assert last["everyone_seconds"] > 1000 * last["sparse_seconds"]
    assert last["everyone_bytes"] > 1000 * last["sparse_bytes"]


def test_a_recorded_client_of_ours_costs_no_more_than_one_of_flower():
    assert {(row["clients"], row["length"]) for row in RECORD["flower"]} >= {(100, 100_000), (10, 100_000)}
    assert all(row["ours_seconds"] <= row["flower_seconds"] for row in RECORD["flower"])
    assert RECORD["masks"]["ours_seconds"] < RECORD["masks"]["flower_seconds"]
