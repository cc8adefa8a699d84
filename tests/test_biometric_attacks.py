"""Attacks on the encrypted log-in: each succeeds where it is said to, and fails on its control."""

import numpy as np
import pytest

from course.attacks.biometric import (
    equal_error_rate,
    false_rates,
    invert_templates,
    on_the_boundary,
    rerandomise,
    template_from_answers,
    threshold_for,
)
from course.crypto.ckks_parameters import MATCHING
from course.crypto.encrypted_matching import MatchingServer, Sensor, Verifier
from course.crypto.homomorphic import KeyHolder
from course.data.embeddings import simulate_embeddings

THRESHOLD = 0.25


def eer_by_hand(genuine, impostor):
    """The smallest max(FAR, FRR) over all thresholds, by loops: no less than the interpolated rate."""
    candidates = [*genuine, *impostor, max(*genuine, *impostor) + 1]
    return min(
        max(sum(s >= t for s in impostor) / len(impostor), sum(s < t for s in genuine) / len(genuine))
        for t in candidates
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_equal_error_rate_agrees_with_a_loop_over_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.normal(1, 1, size=60), rng.normal(-1, 1, size=90)
    found = equal_error_rate(genuine, impostor)
    by_hand = eer_by_hand(genuine, impostor)
    # One score of 60 is the finest step that a rate of so few can make.
    assert by_hand - 1 / 60 <= found.rate <= by_hand + 1e-12
    far, frr = false_rates(genuine, impostor, np.array([found.threshold]))
    assert far[0] <= frr[0] and max(far[0], frr[0]) - found.rate <= 2 / 60


def test_equal_error_rates_of_known_distributions():
    assert equal_error_rate(np.array([2.0, 3.0]), np.array([0.0, 1.0])).rate == 0
    assert equal_error_rate(np.array([0.0, 1.0]), np.array([2.0, 3.0])).rate == 1
    rng = np.random.default_rng(1)
    # Normal scores two standard deviations apart: Φ(−1) = 15.87 %; 5 standard errors of 20,000 draws.
    rate = equal_error_rate(rng.normal(2, 1, size=20_000), rng.normal(0, 1, size=20_000)).rate
    assert abs(rate - 0.1587) < 5 * (0.1587 * 0.8413 / 20_000) ** 0.5


def test_a_threshold_for_a_rate_accepts_no_more_strangers_than_asked():
    impostor = np.random.default_rng(2).normal(size=1_000)
    for far in (0, 0.001, 0.0105, 0.5):
        accepted = (impostor >= threshold_for(impostor, far)).sum()
        assert accepted == int(far * 1_000)
    with pytest.raises(ValueError, match="below 1"):
        threshold_for(impostor, 1.0)


def test_simulated_pictures_have_the_stated_cosines():
    pictures = simulate_embeddings(2_000, 2, rng=np.random.default_rng(3), within_spread=1.2)
    same = (pictures[:, 0] * pictures[:, 1]).sum(axis=1)
    different = (pictures[:, 0] * np.roll(pictures[:, 1], 1, axis=0)).sum(axis=1)
    assert abs(same.mean() - 1 / (1 + 1.2**2)) < 0.02
    assert abs(different.mean()) < 0.02 and abs(different.std() - 128**-0.5) < 0.01
    assert np.allclose(np.linalg.norm(pictures, axis=-1), 1)
    with pytest.raises(ValueError, match="need at least"):
        simulate_embeddings(0, 1, rng=np.random.default_rng(0))


def test_a_rerandomised_replay_has_other_bytes_and_the_same_score():
    people = simulate_embeddings(3, 2, rng=np.random.default_rng(4), dimension=8, within_spread=0.3)
    holder = KeyHolder(MATCHING)
    sensor, verifier = Sensor(holder.public), Verifier(holder, threshold=THRESHOLD)
    server = MatchingServer(holder.public, sensor.enrol(people[:, 0]))
    recorded = sensor.probe(people[1, 1], 3)
    disguised = rerandomise(recorded, holder.public)
    assert not set(recorded.ciphertexts) & set(disguised.ciphertexts)
    scores = [verifier.open(server.score(probe)) for probe in (recorded, disguised)]
    assert np.abs(scores[0] - scores[1]).max() < 1e-4
    assert verifier.accepts(server.score(disguised), 1)


def test_a_boundary_point_is_accepted_and_lies_at_the_threshold():
    template, outside = np.eye(3)[0], np.eye(3)[1]
    point = on_the_boundary(lambda x: x @ template >= THRESHOLD, template, outside, 40)
    assert point @ template >= THRESHOLD
    assert abs(point @ template - THRESHOLD) < 1e-9
    assert abs(np.linalg.norm(point) - 1) < 1e-12


@pytest.fixture(scope="module")
def attacked():
    """A template and a probe of somebody else that happens to be accepted."""
    rng = np.random.default_rng(5)
    template = simulate_embeddings(1, 1, rng=rng)[0, 0]
    strangers = simulate_embeddings(20_000, 1, rng=rng)[:, 0]
    return template, strangers[np.argmax(strangers @ template)]


def test_yes_and_no_give_the_template_away(attacked):
    template, stranger = attacked
    stolen = template_from_answers(
        lambda x: x @ template >= THRESHOLD, stranger, rng=np.random.default_rng(6)
    )
    assert stolen.template @ template > 0.999
    assert stolen.questions < 22 * 128


def test_answers_that_do_not_depend_on_the_template_give_nothing_away(attacked):
    template, stranger = attacked
    stolen = template_from_answers(lambda x: x @ stranger >= 0.5, stranger, rng=np.random.default_rng(6))
    # It rebuilds what the answers are about, which is not this template.
    assert stolen.template @ stranger > 0.999 > 0.5 > stolen.template @ template


def test_without_an_accepted_probe_the_attack_does_not_start(attacked):
    template, _ = attacked
    with pytest.raises(ValueError, match="is not accepted"):
        template_from_answers(lambda x: x @ template >= THRESHOLD, -template, rng=np.random.default_rng(8))


def test_pictures_come_back_from_templates_of_the_same_network_and_not_from_strangers():
    rng = np.random.default_rng(9)
    causes = rng.normal(size=(600, 6)) @ rng.normal(size=(6, 40))  # Pictures with structure: rank 6 of 40.
    network = rng.normal(size=(40, 20))
    embeddings = np.tanh(0.05 * causes @ network)
    found = invert_templates(
        embeddings[500:], public_embeddings=embeddings[:500], public_pictures=causes[:500]
    )
    mean = causes[:500].mean(axis=0)
    error, baseline = (np.mean((x - causes[500:]) ** 2) for x in (found, mean))
    assert error < 0.2 * baseline
    of_others = invert_templates(
        np.roll(embeddings[500:], 1, axis=0), public_embeddings=embeddings[:500], public_pictures=causes[:500]
    )
    assert np.mean((of_others - causes[500:]) ** 2) > baseline
