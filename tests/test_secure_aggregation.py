"""Secure aggregation: the exact sum of the survivors or no sum, from messages that look uniform."""

import itertools
import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from secure_cohort import cohort_of, play_until

from course.crypto import KEY_PRIME, Server, Stage, Terms, ThresholdNotMet, largest_entry, secure_sum, split
from course.crypto import masks as masks_module
from course.crypto.key_shares import read_share, reconstruct_secrets, share_secret
from course.crypto.keys import agree, derive_key, public_of, seal, signing_keypair, unseal
from course.crypto.masks import expand, keystream, pairwise_mask, residues
from course.crypto.messages import decode
from course.crypto.stages import ProtocolViolation

SCHEDULES = int(os.environ.get("SECAGG_SCHEDULES", "300"))
LARGEST_COHORT = int(os.environ.get("SECAGG_LARGEST_COHORT", "10"))
"""The budget of the suite; a longer run sets these in the environment."""

STAGES = list(Stage)


def hexed(text):
    return bytes.fromhex(text.replace(" ", ""))


def test_x25519_gives_the_vector_of_rfc_7748_section_5_2():
    scalar = hexed("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = hexed("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    shared = hexed("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    assert agree(scalar, point) == shared


def test_alice_and_bob_of_rfc_7748_section_6_1_agree():
    alice = hexed("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = hexed("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    shared = hexed("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert agree(alice, public_of(bob)) == agree(bob, public_of(alice)) == shared


def test_chacha20_gives_the_block_of_rfc_8439_section_2_3_2():
    block = keystream(bytes(range(32)), 64, counter=1, nonce=hexed("000000090000004a00000000"))
    assert block == hexed(
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
    )


def alive(ids, dropouts, stage):
    """Who replies in this stage."""
    return [i for i in ids if dropouts.get(i, len(Stage)) > stage]


def check_schedule(vectors, threshold, dropouts, modulus):
    """The promise of `secure_sum`, against a sum in Python's integers."""
    enough = all(len(alive(vectors, dropouts, stage)) >= threshold for stage in Stage)
    if not enough:
        with pytest.raises(ThresholdNotMet, match=f"the threshold is {threshold}"):
            secure_sum(vectors, threshold=threshold, dropouts=dropouts, modulus=modulus)
        return
    result = secure_sum(vectors, threshold=threshold, dropouts=dropouts, modulus=modulus)
    survivors = sorted(alive(vectors, dropouts, Stage.MASKED_INPUT))
    columns = zip(*(vectors[i] for i in survivors), strict=True)
    assert list(result.survivors) == survivors
    assert result.total.tolist() == [sum(column) % modulus for column in columns]


@settings(max_examples=SCHEDULES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_sum_of_the_survivors_is_exact_or_there_is_none(data):
    modulus = data.draw(st.sampled_from([2**16, 2**32, 2**64]))
    size = data.draw(st.integers(2, LARGEST_COHORT))
    ids = data.draw(st.lists(st.integers(0, 2**64 - 2), min_size=size, max_size=size, unique=True))
    length = data.draw(st.integers(1, 5))
    lowest = size // 2 + 1
    threshold = data.draw(st.one_of(st.just(lowest), st.integers(lowest, size)))
    entries = st.lists(st.integers(0, modulus - 1), min_size=length, max_size=length)
    vectors = {i: data.draw(entries) for i in ids}
    # Mostly few dropouts, so that mostly there is a sum; sometimes more than the threshold allows.
    most = size - threshold + data.draw(st.sampled_from([0, 0, 0, 1]))
    leaving = data.draw(st.permutations(ids))[: data.draw(st.integers(min(1, most), most))]
    dropouts = {i: data.draw(st.sampled_from(STAGES)) for i in leaving}
    check_schedule(vectors, threshold, dropouts, modulus)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("num_dropouts", [1, 2, 3])
def test_the_sum_is_exact_when_clients_drop_before_each_stage(stage, num_dropouts):
    vectors = {i: [i, 2**32 - 1 - i] for i in (5, 1, 9, 2, 1000)}
    check_schedule(vectors, 3, dict.fromkeys(list(vectors)[:num_dropouts], stage), 2**32)


@pytest.mark.parametrize("stages", list(itertools.product([*STAGES, None], repeat=3)))
def test_three_clients_with_threshold_two_in_every_schedule_there_is(stages):
    dropouts = {i: stage for i, stage in enumerate(stages) if stage is not None}
    check_schedule({0: [1], 1: [10], 2: [100]}, 2, dropouts, 2**16)


def test_a_sum_of_a_million_entries_is_exact():
    rng = np.random.default_rng(0)
    vectors = {i: rng.integers(0, 2**32, 10**6, dtype=np.uint32) for i in range(4)}
    result = secure_sum(vectors, threshold=3, dropouts={2: Stage.MASKED_INPUT})
    expected = (vectors[0].astype(np.uint64) + vectors[1] + vectors[3]) % 2**32
    assert result.survivors == (0, 1, 3)
    assert np.array_equal(result.total, expected)


def masked_inputs(length, *, modulus=2**32, ids=(1, 2, 3)):
    """What the server receives from clients whose vectors are all zeros."""
    cohort = cohort_of(ids, vectors={i: np.zeros(length, np.int64) for i in ids}, modulus=modulus)
    requests = play_until(cohort, Stage.MASKED_INPUT)
    kind = masks_module.residue_type(modulus)
    received = {}
    for i, request in requests.items():
        body = cohort.clients[i].respond(request)[:-64]
        received[i] = np.frombuffer(decode(body).entries[i], dtype=kind)
    return received


@pytest.mark.parametrize("modulus", [2**16, 2**32, 2**64])
def test_masked_inputs_are_uniform(modulus):
    # χ² with 255 degrees of freedom, on every byte of each entry: at most 3 · 8 + 3 · 4 + 3 · 2 = 42 tests,
    # each with a false-alarm probability of 1e-9. The keys are fresh each time, so no seed can be fixed.
    limit = chi2.isf(1e-9, 255)
    for masked in masked_inputs(100_000, modulus=modulus).values():
        for column in masked.view(np.uint8).reshape(len(masked), -1).T:
            counts = np.bincount(column, minlength=256)
            expected = len(masked) / 256
            assert ((counts - expected) ** 2 / expected).sum() < limit


def test_two_runs_share_no_mask():
    runs = [masked_inputs(1000, modulus=2**64) for _ in range(2)]
    seen = np.concatenate([masked for run in runs for masked in run.values()])
    # 6,000 numbers of 64 bits: two are equal by chance with a probability below 1e-12.
    assert len(np.unique(seen)) == len(seen) == 6000


def test_each_mask_key_is_used_by_one_pair_or_one_client_of_one_run(monkeypatch):
    used = Counter()

    def spy(key, length, *, modulus):
        used[key] += 1
        return expand(key, length, modulus=modulus)

    monkeypatch.setattr(masks_module, "expand", spy)
    for _ in range(2):
        secure_sum({i: [i] for i in range(4)}, threshold=3, dropouts={3: Stage.MASKED_INPUT})
    # A run: 3 clients of 4 mask, so 3 self masks and 3 pairs of survivors twice; the masks of 3 survivors
    # with the dropped client are taken off by the server, which is the second use of each.
    assert Counter(used.values()) == {2: 2 * (3 + 3 + 3)}


def test_the_seed_of_each_self_mask_is_fresh(monkeypatch):
    seeds = []

    def spy(secret, purpose, session, client_ids):
        if purpose == b"self mask":
            seeds.append(secret)
        return derive_key(secret, purpose, session, client_ids)

    monkeypatch.setattr(masks_module, "derive_key", spy)
    for _ in range(2):
        secure_sum({i: [i] for i in range(4)}, threshold=3)
    assert Counter(Counter(seeds).values()) == {2: 2 * 4}  # Each by its client and by the server.


def test_the_pairwise_masks_of_two_clients_cancel():
    shape = {"session": bytes(32), "length": 1000, "modulus": 2**64}
    one, other = pairwise_mask(b"s" * 32, 1, 2, **shape), pairwise_mask(b"s" * 32, 2, 1, **shape)
    assert one.any() and not (one + other).any()
    assert not np.array_equal(one, pairwise_mask(b"s" * 32, 1, 3, **shape))


def test_keys_of_other_purposes_sessions_and_clients_differ():
    session = bytes(32)
    arguments = [
        (b"self mask", session, (1,)),
        (b"pairwise mask", session, (1, 2)),
        (b"sealed shares", session, (1, 2)),
        (b"sealed shares", session, (2, 1)),
        (b"self mask", b"\1" + session[1:], (1,)),
        (b"self mask", session, (2,)),
    ]
    keys = {derive_key(b"k" * 32, *each) for each in arguments}
    assert len(keys) == len(arguments) and {len(key) for key in keys} == {32}


def test_what_is_sealed_opens_only_with_what_it_is_associated_with():
    sealed = seal(b"k" * 32, b"text", b"from 1 to 2")
    assert unseal(b"k" * 32, sealed, b"from 1 to 2", what="it") == b"text"
    for key, text, associated in (
        (b"x" * 32, sealed, b"from 1 to 2"),
        (b"k" * 32, sealed, b"from 2 to 1"),
        (b"k" * 32, sealed[:-1], b"from 1 to 2"),
        (b"k" * 32, b"", b"from 1 to 2"),
    ):
        with pytest.raises(ProtocolViolation, match="was not sealed for"):
            unseal(key, text, associated, what="it")


def test_secrets_come_back_from_every_threshold_sized_subset():
    secrets_dealt = [bytes(range(32)), b"\xff" * 32, bytes(32)]
    dealt = [share_secret(secret, threshold=3, num_shares=5) for secret in secrets_dealt]
    for size in (3, 4, 5):
        for holders in itertools.permutations(range(5), size):
            rows = [[read_share(shares[i]) for i in holders] for shares in dealt]
            assert reconstruct_secrets([i + 1 for i in holders], rows, threshold=3) == secrets_dealt


def test_a_changed_spare_share_is_noticed_and_a_number_beyond_the_secrets_too():
    row = [read_share(share) for share in share_secret(b"s" * 32, threshold=2, num_shares=3)]
    for i in range(3):
        wrong = [y + (index == i) for index, y in enumerate(row)]
        with pytest.raises(ProtocolViolation, match="contradict"):
            reconstruct_secrets([1, 2, 3], [wrong], threshold=2)
    beyond = [share.y for share in split(256**32, 2, 2, prime=KEY_PRIME)]
    with pytest.raises(ProtocolViolation, match="no secret of 32 bytes"):
        reconstruct_secrets([1, 2], [beyond], threshold=2)
    with pytest.raises(ValueError, match="3 shares are needed to reconstruct; got 2"):
        reconstruct_secrets([1, 2], [beyond], threshold=3)


def test_the_traffic_is_that_of_the_messages():
    result = secure_sum({i: [0] * 1000 for i in range(5)}, threshold=3, dropouts={4: Stage.CONSISTENCY})
    header, entry, signature = 57, 12, 64
    stays, drops = result.traffic[0], result.traffic[4]
    assert list(stays) == STAGES and list(drops) == STAGES[:3]
    assert stays[Stage.ADVERTISE_KEYS].down == header + entry + 41
    assert [stays[stage].up - header - signature for stage in STAGES] == [
        entry + 128,
        4 * (entry + 148),
        entry + 4000,
        entry + 64,
        5 * (entry + 67),
    ]
    assert [stays[stage].down - header for stage in STAGES[1:]] == [
        5 * (entry + 128),
        4 * (entry + 148),
        5 * entry,
        4 * (entry + 65) + entry + 1,
    ]


def test_a_sum_that_overflows_wraps_and_the_largest_entry_does_not():
    assert secure_sum({0: [2**16 - 1], 1: [2]}, threshold=2, modulus=2**16).total.tolist() == [1]
    for num_clients, modulus in ((2, 2**16), (5, 2**32), (3, 2**64)):
        largest = largest_entry(num_clients, modulus=modulus)
        total = secure_sum({i: [largest] for i in range(num_clients)}, threshold=num_clients, modulus=modulus)
        assert total.total.tolist() == [largest * num_clients]
        assert (largest + 1) * num_clients >= modulus


def test_a_vector_changed_after_the_client_was_made_does_not_change_the_sum():
    vector = np.array([1, 2])
    copied = residues(vector)
    vector[0] = 7
    assert copied.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        ({}, {}, "≥ 2 clients"),
        ({0: [1]}, {"threshold": 1}, "≥ 2 clients"),
        ({0: [1], 1: [1], 2: [1], 3: [1]}, {"threshold": 2}, "more than half of the 4 clients"),
        ({0: [1], 1: [1]}, {"threshold": 1}, "more than half"),
        ({0: [1], 1: [1]}, {"threshold": 3}, "at most all"),
        ({0: [1], 1: [1]}, {"threshold": True}, "threshold"),
        ({0: [1], 1: [1, 2]}, {}, "must have 2 entries"),
        ({0: [], 1: []}, {}, "length must be"),
        ({0: [1], 1: [-1]}, {}, r"entries must be in \[0, 4294967296\)"),
        ({0: [1], 1: [2**32]}, {}, "entries must be in"),
        ({0: [1], 1: [1.0]}, {}, "must be integers"),
        ({0: [1], 1: [True]}, {}, "must be integers"),
        ({0: [1], 1: np.array([1.0])}, {}, "array of float64"),
        ({0: [1], 1: np.array([[1]])}, {}, "one dimension"),
        ({0: [1], 1: [1]}, {"modulus": 2**31}, "modulus must be"),
        ({0: [1], 1: [1]}, {"modulus": 10}, "modulus must be"),
        ({0: [1], -1: [1]}, {}, "a client id"),
        ({0: [1], 2**64 - 1: [1]}, {}, "a client id"),
        ({0: [1], "1": [1]}, {}, "a client id"),
        ({0: [1], 1: [1]}, {"dropouts": {2: Stage.UNMASK}}, "dropouts maps"),
        ({0: [1], 1: [1]}, {"dropouts": {1: 3}}, "dropouts maps"),
    ],
)
def test_secure_sum_refuses_what_is_out_of_range(vectors, options, words):
    with pytest.raises(ValueError, match=words):
        secure_sum(vectors, **{"threshold": 2} | options)


def test_terms_refuse_two_clients_with_one_key_and_keys_of_another_length():
    key = signing_keypair().public
    with pytest.raises(ValueError, match="different keys"):
        Terms({0: key, 1: key}, 2, 1)
    with pytest.raises(ValueError, match="not 32 bytes"):
        Terms({0: key, 1: key[1:]}, 2, 1)


def test_sessions_are_fresh_and_secrets_are_not_printed():
    cohort = cohort_of()
    assert Server(terms=cohort.terms).session != cohort.server.session
    keypair = signing_keypair()
    assert repr(keypair.private) not in repr(keypair)


def test_a_client_forgets_its_secrets_at_the_end():
    cohort = cohort_of()
    for i, request in play_until(cohort, Stage.UNMASK).items():
        cohort.server.receive(cohort.clients[i].respond(request))
    cohort.server.advance()
    assert cohort.server.total.tolist() == [4400] * 4
    for client in cohort.clients.values():
        assert not {"_vector", "_seed", "_masking", "_encryption", "_held"} & client.__dict__.keys()
    assert cohort.server.requests() == {}


def test_the_public_key_of_a_low_order_point_is_refused():
    with pytest.raises(ProtocolViolation, match="low order"):
        agree(bytes(range(32)), bytes(32))
    assert len(public_of(bytes(range(32)))) == 32
