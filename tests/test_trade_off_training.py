"""Training under a private sum: what one client, or one example, can move, and what a checkpoint is."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from course.privacy import Unit
from course.trade_off import (
    Clients,
    Setting,
    client_accuracies,
    client_sum,
    example_sum,
    load_problem,
    local_updates,
    over_seeds,
    train,
    worst_tenth,
)
from course.trade_off.problem import CLASSES, DIMENSIONS
from course.trade_off.training import LOCAL_RATE, SERVER_RATE, generator_of

CLIENT = Setting(Unit.CLIENT, 1.0, 0.5, 2, 0.5, 8)
EXAMPLE = Setting(Unit.EXAMPLE, 1.0, 0.5, 1, 0.3, 8)
BOTH = pytest.mark.parametrize("setting", [CLIENT, EXAMPLE], ids=["client", "example"])


@pytest.fixture(scope="module")
def problem():
    return load_problem(0, num_clients=40, num_judges=20)


def some_weights(seed=0):
    return 0.3 * torch.randn(DIMENSIONS, CLASSES, generator=torch.Generator().manual_seed(seed))


def some(clients, which):
    return Clients(clients.inputs[which], clients.labels[which])


# The problem ------------------------------------------------------------------------------------------


def test_clients_hold_fifty_digits_mostly_of_two_kinds_and_no_digit_is_dealt_twice():
    whole = load_problem(3)
    assert whole.train.inputs.shape == (1000, 50, DIMENSIONS)
    assert len(whole.validation) == len(whole.test) == 200
    kinds = np.array([len(np.unique(row)) for row in whole.train.labels.numpy()])
    assert np.median(kinds) == 2 and kinds.max() <= 4
    images = torch.cat([whole.train.inputs.flatten(0, 1), whole.validation.inputs.flatten(0, 1)])
    # MNIST's training file holds no two equal images at this size, so equal rows would be one digit twice.
    assert len(np.unique(images.numpy().view(np.uint32), axis=0)) >= 59_990


def test_a_seed_deals_the_same_digits_to_other_clients_and_never_moves_one_to_validation(problem):
    again, other = (load_problem(seed, num_clients=40, num_judges=20) for seed in (0, 1))
    assert torch.equal(again.train.inputs, problem.train.inputs)
    assert not torch.equal(other.train.inputs, problem.train.inputs)
    for part in ("train", "validation", "test"):
        sums = [getattr(p, part).inputs.double().sum((0, 1)) for p in (problem, other)]
        assert torch.allclose(*sums)


@pytest.mark.parametrize("sizes", [{"num_clients": 1}, {"num_clients": 1001}, {"num_judges": 2.5}])
def test_a_problem_of_another_size_is_refused(sizes):
    with pytest.raises(ValueError, match="whole number from 2 to"):
        load_problem(0, **sizes)


# What one unit can move -------------------------------------------------------------------------------


def test_local_updates_are_those_of_a_loop_with_autograd(problem):
    weights = some_weights()
    found = local_updates(weights, some(problem.train, slice(3)), local_epochs=3)
    for client in range(3):
        local = weights.clone().double().requires_grad_()
        for _ in range(3):
            loss = cross_entropy(problem.train.inputs[client].double() @ local, problem.train.labels[client])
            (gradient,) = torch.autograd.grad(loss, local)
            local = (local - LOCAL_RATE * gradient).detach().requires_grad_()
        assert torch.allclose(found[client].double(), (local - weights).detach(), atol=1e-5)


def test_one_client_more_moves_the_sum_by_its_clipped_update(problem):
    weights, everyone = some_weights(), Setting(Unit.CLIENT, 1.0, 0.2, 1, 1.0, 1)
    coins = torch.Generator()
    whole = client_sum(weights, problem.train, everyone, coins)
    without = client_sum(weights, some(problem.train, slice(1, None)), everyone, coins)
    update = local_updates(weights, some(problem.train, slice(1)), local_epochs=1)
    assert update.norm() > 2 * everyone.max_norm  # Or nothing would be clipped here.
    assert torch.allclose(whole - without, update[0] * 0.2 / update.norm(), atol=1e-5)
    assert float((whole - without).norm()) == pytest.approx(0.2, rel=1e-3)


def test_an_example_counts_by_its_own_clipped_gradient(problem):
    weights, everyone = some_weights(), Setting(Unit.EXAMPLE, 1.0, 0.7, 1, 1.0, 1)
    clients = Clients(problem.train.inputs[:2, :4], problem.train.labels[:2, :4])
    expected = torch.zeros(DIMENSIONS, CLASSES, dtype=torch.float64)
    clipped = 0
    for inputs, label in zip(clients.inputs.flatten(0, 1), clients.labels.flatten(), strict=True):
        variable = weights.double().requires_grad_()
        (gradient,) = torch.autograd.grad(cross_entropy(inputs.double() @ variable, label), variable)
        clipped += bool(gradient.norm() > 0.7)
        expected -= gradient * min(1.0, 0.7 / float(gradient.norm()))
    found = example_sum(weights, clients, everyone, torch.Generator())
    assert clipped > 0 and torch.allclose(found.double(), expected, atol=1e-5)


@BOTH
def test_a_round_in_which_nobody_is_drawn_still_adds_its_noise(problem, setting):
    rare = Setting(setting.unit, 2.0, 0.5, 1, 1e-9, 1)
    units = 40 if setting.unit is Unit.CLIENT else 2000
    weights = train(problem.train, rare, seed=0)[1]
    noise = weights * (1e-9 * units) / (SERVER_RATE * 2.0 * 0.5)
    # 1,970 standard normals: their standard deviation is within 0.08 of 1 but for one run in 10^6.
    assert float(noise.std()) == pytest.approx(1.0, abs=0.08)


@BOTH
def test_the_noise_has_the_stated_size_and_does_not_grow_with_the_cohort(problem, setting):
    def of(noise_multiplier):
        one_round = Setting(setting.unit, noise_multiplier, 0.5, 1, 0.5, 1)
        return train(problem.train, one_round, seed=1)[1]

    units = 0.5 * (40 if setting.unit is Unit.CLIENT else 2000)
    difference = (of(3.0) - of(0.0)) * units / SERVER_RATE
    # As above: a standard deviation of 1.5, within 8 %.
    assert float(difference.std()) == pytest.approx(3.0 * 0.5, rel=0.08)


# Checkpoints, seeds, pairs ----------------------------------------------------------------------------


@BOTH
def test_a_checkpoint_is_the_training_that_stops_there(problem, setting):
    looked_at = train(problem.train, setting, seed=2, checkpoints=(8, 3, 1))
    assert sorted(looked_at) == [1, 3, 8]
    for rounds, weights in looked_at.items():
        assert torch.equal(weights, train(problem.train, setting.after(rounds), seed=2)[rounds])


def test_the_released_model_is_the_mean_of_the_last_half_of_the_iterates(problem):
    # A checkpoint after one round is the first iterate; the others are taken out of the means.
    means = train(problem.train, CLIENT, seed=0, checkpoints=range(1, 9))
    sums, iterates = {0: torch.zeros(DIMENSIONS, CLASSES)}, {}
    for rounds in range(1, 9):
        half = rounds // 2
        sums[rounds] = means[rounds] * (rounds - half) + sums[half]
        iterates[rounds] = sums[rounds] - sums[rounds - 1]
    alone = client_sum(torch.zeros(DIMENSIONS, CLASSES), problem.train, CLIENT, generator_of(0, 0))
    noise = torch.randn(DIMENSIONS, CLASSES, generator=generator_of(0, 1)) * 0.5
    assert torch.allclose(iterates[1], SERVER_RATE * (alone + noise) / 20, atol=1e-5)
    assert torch.allclose(means[8], sum(iterates[r] for r in range(5, 9)) / 4, atol=1e-5)


def test_one_seed_gives_one_training_and_settings_with_it_share_their_noise(problem):
    first, again = (train(problem.train, CLIENT, seed=5)[8] for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, train(problem.train, CLIENT, seed=6)[8])
    rare = [Setting(Unit.CLIENT, z, 1.0, 1, 1e-9, 1) for z in (1.0, 2.0)]
    quiet, loud = (train(problem.train, setting, seed=5)[1] for setting in rare)
    assert torch.allclose(2 * quiet, loud)


@pytest.mark.parametrize("checkpoints", [(0,), (9,), (3, 100)])
def test_a_checkpoint_outside_the_run_is_refused(problem, checkpoints):
    with pytest.raises(ValueError, match="between 1 and 8"):
        train(problem.train, CLIENT, seed=0, checkpoints=checkpoints)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"unit": Unit.PATIENT}, "unit"), ({"noise_multiplier": -1.0}, "noise_multiplier"),
        ({"noise_multiplier": float("nan")}, "noise_multiplier"), ({"max_norm": 0.0}, "max_norm"),
        ({"local_epochs": 0}, "local_epochs"), ({"unit": Unit.EXAMPLE}, "local_epochs is 1"),
        ({"sample_rate": 0.0}, "sample_rate"), ({"sample_rate": 1.5}, "sample_rate"),
        ({"rounds": 0}, "rounds"),
    ],
)  # fmt: skip
def test_a_setting_that_means_nothing_is_refused(change, what):
    with pytest.raises(ValueError, match=what):
        Setting(**{**vars(CLIENT), **change})


# Judging ----------------------------------------------------------------------------------------------


def test_accuracy_is_each_clients_own_and_the_worst_tenth_is_not_averaged_away():
    weights = torch.zeros(DIMENSIONS, CLASSES)
    weights[-1, 7] = 1.0  # Says 7 to everything.
    labels = torch.full((20, 50), 7)
    labels[:2] = 3
    labels[2, :25] = 3
    accuracies = client_accuracies(weights, Clients(torch.ones(20, 50, DIMENSIONS), labels))
    assert accuracies.tolist() == [0.0, 0.0, 0.5] + [1.0] * 17
    assert accuracies.mean() == 0.875 and worst_tenth(accuracies) == 0.0
    assert worst_tenth(np.array([0.2, 0.9, 0.5])) == 0.2
    with pytest.raises(ValueError, match="one a client"):
        worst_tenth(np.array([]))


def test_the_interval_over_seeds_is_students_and_covers_as_often_as_it_says():
    # The textbook's: mean 5, s = √2.5, t(4; 0.975) = 2.776.
    interval = over_seeds([3.0, 4.0, 5.0, 6.0, 7.0])
    assert (interval.value, interval.num_seeds) == (5.0, 5)
    assert interval.high - 5.0 == pytest.approx(2.7764 * np.sqrt(2.5 / 5), rel=1e-4) == 5.0 - interval.low
    rng = np.random.default_rng(0)
    ends = [over_seeds(row) for row in rng.normal(size=(4000, 5))]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in ends])
    # 4,000 coins at 0.95: outside 0.95 ± 0.017 once in 10^6.
    assert covered == pytest.approx(0.95, abs=0.017)
    for values in ([1.0], [1.0, float("nan")], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="two finite"):
            over_seeds(values)


def test_noise_costs_accuracy_and_the_same_noise_costs_an_example_less_than_a_client():
    whole = load_problem(0, num_clients=400, num_judges=100)

    def accuracy(unit, noise_multiplier):
        setting = Setting(unit, noise_multiplier, 1.0, 1, 0.1, 30)
        return client_accuracies(train(whole.train, setting, seed=0)[30], whole.validation).mean()

    # One seed, fixed; on other machines the last digits differ, and the gaps are 0.1 and more.
    assert accuracy(Unit.CLIENT, 0.0) > accuracy(Unit.CLIENT, 8.0) + 0.2
    assert accuracy(Unit.EXAMPLE, 8.0) > accuracy(Unit.CLIENT, 8.0) + 0.2
