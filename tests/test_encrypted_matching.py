"""An encrypted log-in: scores as in plaintext, in time, no secret on the server, probes that count once."""

import time

import numpy as np
import pytest

from course.attacks.biometric import equal_error_rate
from course.crypto.ckks_parameters import AVERAGING, MATCHING
from course.crypto.encrypted_matching import (
    Columns,
    EncryptedScores,
    MatchingServer,
    Sensor,
    Verifier,
    matching_roles,
    unit_rows,
)
from course.crypto.fresh_probes import Challenges, sign_probe
from course.crypto.homomorphic import KeyHolder
from course.crypto.keys import signing_keypair
from course.crypto.stages import ProtocolViolation
from course.data.embeddings import simulate_embeddings

THRESHOLD = 0.25
SCORE_ERROR = 1e-4


@pytest.fixture(scope="module")
def people():
    """Two pictures of each of 1,000 people, shape (1000, 2, 128)."""
    return simulate_embeddings(1_000, 2, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def roles(people):
    return matching_roles(people[:, 0], threshold=THRESHOLD)


def opened(roles, vectors):
    sensor, server, verifier = roles
    return verifier.open(server.score(sensor.encrypt(vectors)))


def test_one_probe_against_a_thousand_templates_takes_less_than_five_seconds(people, roles):
    sensor, server, verifier = roles
    start = time.perf_counter()
    cosines = verifier.open(server.score(sensor.probe(people[7, 1], 1_000)))
    seconds = time.perf_counter() - start
    assert np.abs(cosines - people[:, 0] @ people[7, 1]).max() < SCORE_ERROR
    assert seconds < 5


def test_the_equal_error_rate_is_that_of_plaintext_within_a_tenth_of_a_point(people, roles):
    templates, pictures = people[:, 0], people[:, 1]
    shifts = range(4)
    encrypted = [opened(roles, np.roll(pictures, shift, axis=0)) for shift in shifts]
    plain = [(templates * np.roll(pictures, shift, axis=0)).sum(axis=1) for shift in shifts]
    rates = [equal_error_rate(scores[0], np.concatenate(scores[1:])).rate for scores in (encrypted, plain)]
    assert 0 < rates[1] < 0.05
    assert abs(rates[0] - rates[1]) <= 0.001


def test_owners_are_accepted_and_strangers_refused(people, roles):
    sensor, server, verifier = roles
    scores = server.score(sensor.probe(people[3, 1], 1_000))
    assert people[3, 0] @ people[3, 1] > THRESHOLD > people[4, 0] @ people[3, 1]
    assert verifier.accepts(scores, 3) and not verifier.accepts(scores, 4)
    with pytest.raises(ValueError, match="from 0"):
        verifier.accepts(scores, 1_000)


@pytest.mark.parametrize("length", [0.9, 1.1, 2.5])
def test_a_probe_that_is_not_of_length_one_is_accepted_for_nobody(people, roles, length):
    sensor, server, verifier = roles
    scores = server.score(sensor.encrypt(length * people[:, 0]))
    assert np.isnan(verifier.open(scores)).all()
    assert not verifier.accepts(scores, 3)


def test_a_probe_whose_squared_length_wraps_around_to_one_passes_the_check(people, roles):
    # 9 is 1 modulo 8: the limit that the verifier's docstring states.
    cosines = opened(roles, np.repeat(3.0 * people[:1, 1], 1_000, axis=0))
    assert np.abs(cosines - 3 * people[:, 0] @ people[0, 1]).max() < 1e-3


def test_the_server_needs_no_secret_and_no_rotation_keys():
    public = KeyHolder(MATCHING).public
    assert len(public.context) < 500_000  # With Galois keys it would be several megabytes.
    server = MatchingServer(public, Sensor(public).enrol(np.eye(4)))
    assert not server._context.has_secret_key() and not server._context.has_galois_keys()


@pytest.mark.parametrize(("num_people", "dimension"), [(1, 1), (3, 5), (2_048, 2)])
def test_any_number_of_people_and_coordinates_is_scored(num_people, dimension):
    rng = np.random.default_rng(num_people)
    templates, probe = rng.normal(size=(num_people, dimension)), rng.normal(size=dimension)
    sensor, server, verifier = matching_roles(templates, threshold=THRESHOLD)
    cosines = verifier.open(server.score(sensor.probe(probe, num_people)))
    expected = unit_rows(templates) @ (probe / np.linalg.norm(probe))
    assert np.abs(cosines - expected).max() < SCORE_ERROR


def test_what_does_not_fit_is_refused(people, roles):
    sensor, server, verifier = roles
    with pytest.raises(ValueError, match="this gallery has 128 columns of 1000"):
        server.score(sensor.probe(people[0, 0], 999))
    with pytest.raises(ValueError, match="this gallery has 128 columns of 1000"):
        server.score(sensor.probe(people[0, 0, :64], 1_000))
    short = sensor.probe(people[0, 0], 10)
    with pytest.raises(ValueError, match="expected one of 1000 slots"):
        server.score(Columns(short.ciphertexts, 1_000))
    with pytest.raises(ValueError):
        server.score(Columns((b"abc",) * 128, 1_000))
    with pytest.raises(ValueError):
        verifier.open(EncryptedScores(b"abc", b"abc", 1_000))
    with pytest.raises(ValueError, match="0 everywhere"):
        sensor.enrol(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="1 to 2048 people"):
        sensor.enrol(np.ones((2_049, 2)))
    with pytest.raises(ValueError, match="cosines lie between"):
        Verifier(KeyHolder(MATCHING), threshold=1.5)
    public = KeyHolder(AVERAGING).public
    with pytest.raises(ValueError, match="allow none"):
        MatchingServer(public, Sensor(public).enrol(np.eye(2)))


@pytest.fixture
def sensor_key():
    return signing_keypair()


@pytest.fixture
def signed(sensor_key):
    """A memory of challenges, a probe, an answered challenge and its signature."""
    challenges, probe = Challenges(sensor_key.public), Columns((b"one", b"two"), 2)
    challenge = challenges.new()
    return challenges, probe, challenge, sign_probe(probe, challenge, sensor_key.private)


def test_a_signed_probe_is_accepted_once(signed):
    challenges, probe, challenge, signature = signed
    challenges.accept(probe, challenge, signature)
    with pytest.raises(ProtocolViolation, match="a replay"):
        challenges.accept(probe, challenge, signature)


def test_a_recorded_answer_does_not_fit_a_new_challenge(signed):
    challenges, probe, _, signature = signed
    with pytest.raises(ProtocolViolation, match="not signed"):
        challenges.accept(probe, challenges.new(), signature)


@pytest.mark.parametrize(
    "other", [Columns((b"two", b"one"), 2), Columns((b"one", b"two"), 3), Columns((b"onet", b"wo"), 2)]
)
def test_a_changed_probe_is_refused_and_the_challenge_stays_open(signed, other):
    challenges, probe, challenge, signature = signed
    with pytest.raises(ProtocolViolation, match="not signed"):
        challenges.accept(other, challenge, signature)
    challenges.accept(probe, challenge, signature)


def test_another_sensors_signature_is_refused(signed):
    challenges, probe, challenge, _ = signed
    with pytest.raises(ProtocolViolation, match="not signed"):
        challenges.accept(probe, challenge, sign_probe(probe, challenge, signing_keypair().private))
