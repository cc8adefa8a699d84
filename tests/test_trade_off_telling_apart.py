"""The matched filter of lesson 12: a closed form, kept promises per unit, and broken ones across units."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from course.attacks import auc
from course.privacy import Unit
from course.trade_off import Setting, client_sum, epsilon_of, example_sum, load_problem
from course.trade_off.telling_apart import client_scores, contributions
from course.trade_off.training import generator_of

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clients():
    return load_problem(0, num_clients=50, num_judges=2).train


def only(clients, place):
    return type(clients)(clients.inputs[place : place + 1], clients.labels[place : place + 1])


@pytest.mark.parametrize("unit", [Unit.CLIENT, Unit.EXAMPLE])
def test_the_rows_of_a_client_are_what_it_adds_to_the_sum(clients, unit):
    setting = Setting(unit, 1.0, 0.7, 1, 1.0, 1)
    weights = 0.1 * torch.randn(197, 10, generator=torch.Generator().manual_seed(0))
    add_up = client_sum if unit is Unit.CLIENT else example_sum
    sent = add_up(weights, only(clients, 3), setting, generator_of(0, 0))
    rows = contributions(weights, clients, setting, target=(3,))
    assert len(rows) == (1 if unit is Unit.CLIENT else 50)
    assert rows.norm(dim=1).max() <= 0.7 + 1e-5
    assert torch.allclose(rows.sum(0).view(197, 10), sent, atol=1e-5)


def test_without_sampling_and_with_one_round_the_auc_is_that_of_two_normal_distributions(clients):
    setting = Setting(Unit.CLIENT, 1.5, 0.2, 1, 1.0, 1)
    scores, there = client_scores(clients, setting, targets=[(0,)], runs=20_000, seed=1)
    length = contributions(torch.zeros(197, 10), clients, setting, target=(0,)).norm().item()
    assert length == pytest.approx(0.2, rel=1e-4)
    expected = norm.cdf(length / (1.5 * 0.2) / math.sqrt(2))
    # The standard error of an AUC near 0.7 from 20,000 on each side is below 0.0026; five of them: p < 1e-6.
    assert auc(scores[0], there) == pytest.approx(expected, abs=0.013)


def test_a_promise_per_example_holds_for_an_example_and_not_for_the_client(clients):
    setting = Setting(Unit.EXAMPLE, 4.0, 3.0, 1, 0.1, 20)
    ceiling = 1 / (1 + math.exp(-epsilon_of(setting, delta=1e-5)))
    scores, there = client_scores(clients, setting, targets=[(4,), (4, 0)], runs=4_000, seed=2)
    whole, single = (auc(row, there) for row in scores)
    # The standard error is below 0.0065; the two margins are more than five of them.
    assert whole > ceiling + 0.04
    assert single < ceiling + 0.033


def test_a_promise_per_client_holds_for_the_client(clients):
    setting = Setting(Unit.CLIENT, 4.0, 1.0, 1, 0.1, 20)
    ceiling = 1 / (1 + math.exp(-epsilon_of(setting, delta=1e-5)))
    scores, there = client_scores(clients, setting, targets=[(4,)], runs=4_000, seed=3)
    assert 0.5 - 0.033 < auc(scores[0], there) < ceiling + 0.033


def test_without_noise_nobody_hides(clients):
    setting = Setting(Unit.EXAMPLE, 0.0, 3.0, 1, 0.5, 3)
    scores, there = client_scores(clients, setting, targets=[(1,)], runs=50, seed=0)
    assert auc(scores[0], there) == 1.0


def test_bad_targets_are_refused(clients):
    per_client = Setting(Unit.CLIENT, 1.0, 1.0, 1, 0.1, 1)
    for targets in ([], [(1, 2, 3)], [()]):
        with pytest.raises(ValueError, match="targets are"):
            client_scores(clients, per_client, targets=targets, runs=5, seed=0)
    with pytest.raises(ValueError, match="no coin of their own"):
        client_scores(clients, per_client, targets=[(1, 2)], runs=5, seed=0)
    scores, there = client_scores(clients, per_client, targets=[(0,), (1,)], runs=5, seed=0)
    assert scores.shape == (2, 10) and there.tolist() == [True] * 5 + [False] * 5
    assert np.isfinite(scores).all()
