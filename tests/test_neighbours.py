"""Sparse random graphs: who is whose neighbour, how many are enough, and sums that stay exact on them."""

import itertools
import math
from collections import Counter

import pytest
from scipy.stats import chi2, hypergeom

from course.crypto import (
    ProtocolViolation,
    Terms,
    choose_degree,
    secure_sum,
)
from course.crypto.keys import signing_keypair
from course.crypto.neighbours import _cut, _tails, closed_neighbourhoods, read_flags, write_flags

SEED = bytes(range(32))


def seed_of(number):
    return number.to_bytes(32, "big")


def degrees_of(num_clients):
    """Every degree that a graph of so many clients can have."""
    return [*range(2, num_clients - 1, 2), num_clients - 1]


def connected(around, present):
    """Whether the present clients hang together, by a walk."""
    present = set(present)
    reached, frontier = set(), {min(present)}
    while frontier:
        reached |= frontier
        frontier = {j for i in frontier for j in around[i]} & present - reached
    return reached == present


@pytest.mark.parametrize("num_clients", [2, 3, 4, 5, 8, 13])
def test_each_client_has_so_many_neighbours_and_is_a_neighbour_of_each(num_clients):
    ids = [7 * i + 2 for i in range(num_clients)]
    for degree in degrees_of(num_clients):
        around = closed_neighbourhoods(ids, degree=degree, seed=SEED)
        assert list(around) == ids
        for i, group in around.items():
            assert i in group and list(group) == sorted(set(group)) and len(group) == degree + 1
            assert all(i in around[j] for j in group)


def test_whoever_has_the_ids_and_the_seed_has_the_graph_and_another_seed_gives_another():
    ids = list(range(20))
    graph = closed_neighbourhoods(ids, degree=4, seed=SEED)
    assert closed_neighbourhoods(ids[::-1], degree=4, seed=SEED) == graph
    assert closed_neighbourhoods(ids, degree=4, seed=SEED[::-1]) != graph


@pytest.mark.parametrize(("num_clients", "degree"), [(9, 2), (9, 4), (10, 6)])
def test_fewer_than_degree_missing_clients_never_cut_the_graph_and_some_as_many_do(num_clients, degree):
    around = closed_neighbourhoods(range(num_clients), degree=degree, seed=SEED)
    everybody = set(range(num_clients))
    for missing in itertools.combinations(everybody, degree - 1):
        assert connected(around, everybody - set(missing))
    assert not all(
        connected(around, everybody - set(missing)) for missing in itertools.combinations(everybody, degree)
    )


def test_every_pair_is_equally_likely_to_be_neighbours():
    # 3,000 fixed seeds, 7 clients, degree 2: each graph has 7 of the 21 pairs. χ² of the counts; edges of one
    # graph are negatively correlated, which lowers it, so 1e-9 is above the false-alarm probability.
    counts = Counter()
    for number in range(3000):
        around = closed_neighbourhoods(range(7), degree=2, seed=seed_of(number))
        counts.update((i, j) for i, group in around.items() for j in group if i < j)
    assert len(counts) == 21
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < chi2.isf(1e-9, 20)


@pytest.mark.parametrize("degree", [0, 1, 3, 5, 9, -2, 2.0, True, None])
def test_a_degree_that_no_graph_has_is_refused(degree):
    with pytest.raises(ValueError, match=r"must be even and in \[2, 8\], or 8"):
        closed_neighbourhoods(range(9), degree=degree, seed=SEED)


@pytest.mark.parametrize("seed", [b"", SEED[1:], "a" * 32, None])
def test_a_seed_that_is_none_is_refused_by_the_graph_and_by_the_terms(seed):
    with pytest.raises(ValueError, match="seed of the graph is 32 bytes"):
        closed_neighbourhoods(range(9), degree=4, seed=seed)
    keys = {i: signing_keypair().public for i in range(9)}
    with pytest.raises(ValueError, match="seed of the graph is 32 bytes"):
        Terms(keys, 3, 1, degree=4, graph_seed=seed)


@pytest.mark.parametrize(("threshold", "degree"), [(2, 4), (6, 4), (0, 2), (4, 8)])
def test_a_threshold_of_not_more_than_half_around_a_client_is_refused(threshold, degree):
    with pytest.raises(ValueError, match=f"half of the {degree + 1} clients that hold shares of one"):
        secure_sum({i: [1] for i in range(9)}, threshold=threshold, degree=degree)


def test_flags_come_back_in_as_few_bytes_as_hold_them_and_in_one_form():
    for among in ([], [4], list(range(8)), [9, 5, 1, 2, 3, 4, 6, 7, 8]):
        for flagged in (set(), set(among[::2]), set(among)):
            flags = write_flags(flagged | {1000}, among)
            assert len(flags) == math.ceil(len(among) / 8) and read_flags(flags, among) == flagged
            with pytest.raises(ProtocolViolation, match="flags were due"):
                read_flags(b"\0" + flags, among)
    with pytest.raises(ProtocolViolation, match="7 flags were due, in 1 bytes"):
        read_flags(b"\xff", range(7))


@pytest.mark.parametrize(("population", "marked", "drawn"), [(10, 3, 4), (10, 0, 4), (10, 10, 4), (7, 5, 6)])
def test_tails_are_those_of_counting_every_draw(population, marked, drawn):
    counts = Counter(
        sum(i < marked for i in draw) for draw in itertools.combinations(range(population), drawn)
    )
    tails = [
        sum(count for hits, count in counts.items() if hits >= j) / counts.total() for j in range(drawn + 2)
    ]
    assert _tails(population, marked, drawn) == pytest.approx(tails)


def test_tails_are_those_of_scipy_down_to_2_to_the_minus_60():
    tails = _tails(9_999, 1_000, 60)
    for j in range(1, 61):
        if tails[j] > 2**-60:
            assert tails[j] == pytest.approx(hypergeom.sf(j - 1, 9_999, 1_000, 60), rel=1e-9)


@pytest.mark.parametrize(("num_clients", "degree"), [(9, 2), (9, 4), (11, 4), (12, 6)])
def test_the_bound_on_a_cut_is_above_the_chance_found_by_counting(num_clients, degree):
    around = closed_neighbourhoods(range(num_clients), degree=degree, seed=SEED)
    everybody = set(range(num_clients))
    for missing in range(degree - 1, num_clients - 1):
        cases = list(itertools.combinations(everybody, missing))
        chance = sum(not connected(around, everybody - set(case)) for case in cases) / len(cases)
        assert chance <= _cut(num_clients, missing, degree)
        if missing == degree - 1:
            assert chance == 0 == _cut(num_clients, missing, degree)


def good(num_clients, bad, gone, degree, threshold):
    """Whether a choice does what it must, by scipy's tails."""
    exposed = num_clients * hypergeom.sf(threshold - 1, num_clients - 1, bad, degree)
    stuck = num_clients * hypergeom.sf(degree - threshold, num_clients - 1, gone, degree)
    cut = num_clients**2 / 2 * hypergeom.pmf(degree, num_clients, min(num_clients, bad + gone), degree)
    return exposed + cut <= 2**-40 and stuck <= 2**-20


@pytest.mark.parametrize(
    ("num_clients", "corrupt", "dropouts"), [(100, 0.1, 0.1), (1000, 0.05, 0.05), (1000, 0.1, 0.2)]
)
def test_the_chosen_degree_is_good_and_no_smaller_one_is(num_clients, corrupt, dropouts):
    choice = choose_degree(num_clients, corrupt=corrupt, dropouts=dropouts)
    bad, gone = math.ceil(corrupt * num_clients), math.ceil(dropouts * num_clients)
    assert good(num_clients, bad, gone, choice.degree, choice.threshold)
    assert 2 * choice.threshold > choice.degree + 1
    assert choice.exposed + choice.cut <= 2**-40 and choice.stuck <= 2**-20
    for degree in range(2, choice.degree, 2):
        for threshold in range(degree // 2 + 1, degree + 2):
            assert not good(num_clients, bad, gone, degree, threshold)


def test_the_degree_grows_like_the_logarithm_of_the_number_of_clients():
    sizes = [10**power for power in range(3, 10)]
    degrees = [choose_degree(size, corrupt=0.1, dropouts=0.1).degree for size in sizes]
    assert degrees == sorted(degrees)
    # A million times as many clients need less than twice as many neighbours.
    assert degrees[-1] < 2 * degrees[0] < 100


def test_where_no_sparse_graph_is_enough_everyone_is_a_neighbour_of_everyone():
    choice = choose_degree(10, corrupt=0.5, dropouts=0.3)
    assert (choice.degree, choice.threshold) == (9, 6)
    assert choice.exposed == choice.cut == choice.stuck == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_clients": 2}, "num_clients must be"),
        ({"num_clients": 10.0}, "num_clients must be"),
        ({"corrupt": 1.0}, "fractions must be"),
        ({"dropouts": -0.1}, "fractions must be"),
        ({"dropouts": math.nan}, "fractions must be"),
        ({"security_bits": 0}, "bits must be"),
        ({"correctness_bits": 1000}, "bits must be"),
        ({"dropouts": 0.5}, "too many: the threshold must be at least 51, and 50 clients stay"),
        ({"corrupt": 0.8, "dropouts": 0.3}, "too many"),
    ],
)
def test_choices_out_of_range_are_refused(arguments, words):
    arguments = {"num_clients": 100, "corrupt": 0.1, "dropouts": 0.1} | arguments
    with pytest.raises(ValueError, match=words):
        choose_degree(arguments.pop("num_clients"), **arguments)
