"""Secure sums on a sparse random graph: exact or none, and what a lying server is refused."""

import copy
import itertools
import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from secure_cohort import cohort_of, play_until, with_entries

from course.crypto import (
    ProtocolViolation,
    Stage,
    Terms,
    ThresholdNotMet,
    choose_degree,
    largest_entry,
    secure_sum,
)
from course.crypto.key_shares import ShareKind
from course.crypto.keys import signing_keypair
from course.crypto.messages import decode
from course.crypto.terms import write_view

SCHEDULES = int(os.environ.get("SECAGG_SCHEDULES", "300"))
LARGEST_COHORT = int(os.environ.get("SECAGG_LARGEST_COHORT", "10"))
"""The budget of the suite; a longer run sets these in the environment."""

SEED = bytes(range(32))


def degrees_of(num_clients):
    """Every degree that a graph of so many clients can have."""
    return [*range(2, num_clients - 1, 2), num_clients - 1]


def play(cohort, dropouts):
    """All stages; the server, or the exception that ends it."""
    play_until(cohort, len(Stage), dropouts=dropouts)
    return cohort.server


def enough(terms, dropouts):
    """Whether at each stage enough of the holders of each client's shares are there, by the definition."""

    def alive(stage):
        return {i for i in terms.verification_keys if dropouts.get(i, len(Stage)) > stage}

    dealers = alive(Stage.SHARE_KEYS)
    for stage in Stage:
        owners = alive(stage) if stage < Stage.SHARE_KEYS else dealers
        groups = [alive(stage), *(alive(stage) & terms.holders(i).keys() for i in owners)]
        if min(map(len, groups)) < terms.threshold:
            return False
    return True


def check_schedule(cohort, vectors, dropouts):
    """The exact sum over the survivors, or ThresholdNotMet; which of the two is known beforehand."""
    if not enough(cohort.terms, dropouts):
        with pytest.raises(ThresholdNotMet, match=f"the threshold is {cohort.terms.threshold}"):
            play(cohort, dropouts)
        assert cohort.server.total is None
        return False
    server = play(cohort, dropouts)
    survivors = [i for i in sorted(vectors) if dropouts.get(i, len(Stage)) > Stage.MASKED_INPUT]
    columns = zip(*(vectors[i] for i in survivors), strict=True)
    assert list(server.survivors) == survivors
    assert server.total.tolist() == [sum(column) % cohort.terms.modulus for column in columns]
    return True


@settings(max_examples=SCHEDULES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_on_every_graph_the_sum_of_the_survivors_is_exact_or_there_is_none(data):
    size = data.draw(st.integers(2, LARGEST_COHORT))
    ids = data.draw(st.lists(st.integers(0, 2**64 - 2), min_size=size, max_size=size, unique=True))
    degree = data.draw(st.sampled_from(degrees_of(size)))
    lowest = (degree + 1) // 2 + 1
    threshold = data.draw(st.one_of(st.just(lowest), st.integers(lowest, degree + 1)))
    modulus = data.draw(st.sampled_from([2**16, 2**32, 2**64]))
    entries = st.lists(st.integers(0, modulus - 1), min_size=2, max_size=2)
    vectors = {i: data.draw(entries) for i in ids}
    leaving = data.draw(st.permutations(ids))[: data.draw(st.integers(0, max(1, size // 3)))]
    dropouts = {i: data.draw(st.sampled_from(list(Stage))) for i in leaving}
    cohort = cohort_of(tuple(ids), vectors=vectors, threshold=threshold, modulus=modulus, degree=degree)
    check_schedule(cohort, vectors, dropouts)


def test_every_single_and_double_dropout_at_every_stage_on_a_ring_of_seven():
    outcomes = Counter()
    vectors = {i: [2**i, 2**32 - 1] for i in range(7)}
    for leaving in [(0,), *((0, other) for other in range(1, 7))]:
        for stages in itertools.product(Stage, repeat=len(leaving)):
            cohort = cohort_of(tuple(range(7)), vectors=vectors, degree=4, threshold=3)
            outcomes[check_schedule(cohort, vectors, dict(zip(leaving, stages, strict=True)))] += 1
    assert outcomes[True] > 5 * len(Stage)


def test_a_neighbourhood_that_breaks_ends_the_sum_though_most_clients_are_there():
    vectors = {i: [i] for i in range(12)}
    for stage in Stage:
        cohort = cohort_of(tuple(range(12)), vectors=vectors, degree=2, threshold=3)
        with pytest.raises(ThresholdNotMet, match=f"2 of the 3 clients .* replied to {stage.name}; the thr"):
            play(cohort, {5: stage})
        assert cohort.server.total is None and cohort.server.requests() == {}


def test_a_sparse_sum_of_a_million_entries_is_exact():
    rng = np.random.default_rng(0)
    vectors = {i: rng.integers(0, 2**32, 10**6, dtype=np.uint32) for i in range(6)}
    result = secure_sum(vectors, threshold=3, degree=4, dropouts={2: Stage.MASKED_INPUT, 5: Stage.UNMASK})
    expected = sum(vectors[i].astype(np.uint64) for i in (0, 1, 3, 4, 5)) % 2**32
    assert result.survivors == (0, 1, 3, 4, 5)
    assert np.array_equal(result.total, expected)


def test_a_sparse_sum_of_two_hundred_clients_with_dropouts_at_every_stage_is_exact():
    choice = choose_degree(200, corrupt=0.05, dropouts=0.05)
    assert choice.degree < 40
    largest = largest_entry(200)
    vectors = {i: [i, largest - i] for i in range(200)}
    # Five dropouts leave at least degree − 5 neighbours, more than the threshold, on every graph.
    assert choice.degree - 5 >= choice.threshold
    dropouts = {40 * stage: stage for stage in Stage}
    result = secure_sum(vectors, threshold=choice.threshold, degree=choice.degree, dropouts=dropouts)
    gone = {0, 40, 80}
    assert result.survivors == tuple(i for i in range(200) if i not in gone)
    expected = [sum(vectors[i][entry] for i in result.survivors) for entry in (0, 1)]
    assert result.total.tolist() == expected


def test_with_everyone_as_a_neighbour_the_messages_are_as_without_a_degree():
    vectors = {i: [i] for i in range(5)}
    plain = secure_sum(vectors, threshold=3)
    given = secure_sum(vectors, threshold=3, degree=4)
    for stage in list(Stage)[1:]:
        assert given.traffic[2][stage] == plain.traffic[2][stage]
    # The terms name the degree and the seed: 36 bytes more.
    assert given.traffic[2][Stage.ADVERTISE_KEYS].down == plain.traffic[2][Stage.ADVERTISE_KEYS].down + 36


def test_the_traffic_of_a_client_depends_on_its_neighbours_not_on_the_number_of_clients():
    def traffic(num_clients):
        result = secure_sum({i: [0] * 10 for i in range(num_clients)}, threshold=4, degree=6)
        return {stage: {each[stage] for each in result.traffic.values()} for stage in list(Stage)[:-1]}

    small, large = traffic(20), traffic(60)
    assert small == large
    assert all(len(sizes) == 1 for sizes in small.values())


def test_two_clients_that_are_no_neighbours_hear_nothing_of_each_other():
    ids = tuple(range(9))
    cohort = cohort_of(ids, degree=4)
    for _ in Stage:
        for i, request in cohort.server.requests().items():
            assert decode(request).entries.keys() <= cohort.terms.holders(i).keys()
            reply = cohort.clients[i].respond(request)
            assert decode(reply[:-64]).entries.keys() <= cohort.terms.holders(i).keys()
            cohort.server.receive(reply)
        cohort.server.advance()
    assert cohort.server.stage is None and cohort.server.total.tolist() == [36] * 4


def sparse_cohort():
    """Nine clients on a ring with four neighbours each; the second result is one, a neighbour, a stranger."""
    cohort = cohort_of(tuple(range(10, 19)), degree=4)
    near = cohort.terms.holders(10)
    return cohort, (10, max(near), min(i for i in cohort.clients if i not in near))


def refuse(client, request, words):
    with pytest.raises(ProtocolViolation, match=words):
        client.respond(request)
    with pytest.raises(ProtocolViolation, match="has ended this session"):
        client.respond(request)


@pytest.mark.parametrize("stage", [Stage.SHARE_KEYS, Stage.MASKED_INPUT, Stage.CONSISTENCY, Stage.UNMASK])
def test_a_client_that_is_no_neighbour_is_refused_in_every_stage(stage):
    cohort, (me, _, stranger) = sparse_cohort()
    requests = play_until(cohort, stage)
    holder = next(i for i in cohort.clients if stranger in decode(requests[i]).entries and i != stranger)
    content = decode(requests[holder]).entries[stranger]
    wrong = with_entries(requests[me], lambda entries: entries.update({stranger: content}))
    refuse(cohort.clients[me], wrong, rf"cannot be there: \[{stranger}\]|other clients than those who dealt")


def test_another_graph_than_that_of_the_terms_is_refused():
    cohort, (me, *_) = sparse_cohort()
    lie = Terms(cohort.terms.verification_keys, 3, 4, degree=4, graph_seed=SEED).summary()
    request = with_entries(cohort.server.requests()[me], lambda entries: entries.update({me: lie}))
    refuse(cohort.clients[me], request, "other terms than those this client knows")


def test_terms_that_differ_in_degree_or_seed_have_different_summaries():
    keys = {i: signing_keypair().public for i in range(9)}
    terms = [
        Terms(keys, 5, 1),
        Terms(keys, 5, 1, degree=8, graph_seed=SEED),
        Terms(keys, 5, 1, degree=6, graph_seed=SEED),
        Terms(keys, 5, 1, degree=6, graph_seed=SEED[::-1]),
    ]
    assert len({each.summary() for each in terms}) == 4


def test_both_kinds_of_share_of_a_neighbour_are_refused():
    cohort, (me, near, _) = sparse_cohort()
    request = play_until(cohort, Stage.UNMASK)[me]
    for kind, words in ((ShareKind.BOTH, "both kinds of share"), (ShareKind.MASKING_KEY, "survived; of it")):

        def ask(entries, kind=kind):
            entries[near] = bytes([kind]) + entries[near][1:]

        refuse(copy.deepcopy(cohort.clients[me]), with_entries(request, ask), words)


def test_neighbours_who_were_told_different_survivors_notice_it():
    cohort, (me, near, _) = sparse_cohort()
    requests = play_until(cohort, Stage.CONSISTENCY)
    shared = cohort.terms.holders(me).keys() & cohort.terms.holders(near).keys() - {me, near}
    victim = min(shared)
    requests[me] = with_entries(requests[me], lambda entries: entries.pop(victim))
    signatures = {}
    for i, request in requests.items():
        if i != victim:
            signatures[i] = decode(cohort.clients[i].respond(request)[:-64]).entries[i]
    seed, key = bytes([ShareKind.SELF_MASK_SEED]), bytes([ShareKind.MASKING_KEY])
    everybody = set(cohort.clients)
    view = {}
    for i in cohort.terms.holders(me):
        told = everybody - {victim} if i == me else everybody
        view[i] = key if i == victim else seed
        if i != victim:
            view[i] += write_view(i, signatures[i], told, reader=me, terms=cohort.terms)
    refuse(cohort.clients[me], cohort.request(Stage.UNMASK, me, view), "is not signed by whom it should be")


def test_flags_that_were_changed_are_refused():
    cohort, (me, *_) = sparse_cohort()
    request = play_until(cohort, Stage.UNMASK)[me]
    signer = next(i for i, content in decode(request).entries.items() if len(content) > 65)

    def flip(entries):
        content = bytearray(entries[signer])
        content[1] ^= 1
        entries[signer] = bytes(content)

    refuse(cohort.clients[me], with_entries(request, flip), "is not signed by whom|flags were due")
