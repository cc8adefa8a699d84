"""The seven steps of exercise 06.5: two are DP-SGD, and five differ from it in the way that is stated."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course.exercises.lesson_06_traps import EXPECTED, FAULTS, FINE, LIMIT, MULTIPLIER, RATE, STEPS, TRUTH
from course.privacy import Adjacency, dp_sgd_step, epsilon_spent, poisson_batch

torch.set_num_threads(1)
FALSE_ALARM = 1e-4
"""Each statistical test here fails right code with this probability, over the choice of its seed."""
UNIT = MULTIPLIER * LIMIT / EXPECTED
"""The noise of a right step, in each coordinate."""


def people(kind, count=1_600):
    """Gradients of shape (count, 6): all in one direction and too long, nobody's, or one enormous one."""
    rows = torch.zeros(count, 6)
    if kind == "one direction":
        rows[:, 0] = 5.0
    elif kind == "one giant":
        rows += 1e-9
        rows[0, 0] = 1e6
    else:
        rows += 1e-9
    return rows


def results(name, kind, calls=400, seed=0, count=1_600):
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([STEPS[name](people(kind, count), generator) for _ in range(calls)]).double().numpy()


def by_the_library(kind, calls=400, seed=1):
    """The clipped sum of a Poisson batch, with the noise and the division of `dp_sgd_step`.

    The noise comes from a step on nobody, which moves zero weights by minus the noise at learning rate 1.
    """
    generator, rows, moves = torch.Generator().manual_seed(seed), people(kind), []
    for _ in range(calls):
        batch = poisson_batch(len(rows), sample_rate=RATE, generator=generator)
        clipped = rows[batch] * (LIMIT / rows[batch].norm(dim=1, keepdim=True)).clamp(max=1)
        model = torch.nn.Linear(6, 1, bias=False)
        model.weight.data.zero_()
        nobody = torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64)
        dp_sgd_step(
            model, *nobody, max_grad_norm=LIMIT, noise_multiplier=MULTIPLIER,
            expected_batch_size=EXPECTED, learning_rate=1.0, generator=generator,
        )  # fmt: skip
        moves.append(clipped.sum(0) / EXPECTED - model.weight.data[0])
    return torch.stack(moves).double().numpy()


@pytest.mark.parametrize(("name", "share"), [("C", 1.0), ("G", 0.5)])
@pytest.mark.parametrize("kind", ["one direction", "nobody"])
def test_the_fine_ones_have_the_distribution_of_dp_sgd(name, share, kind):
    # C loops over people in Python, so it is called less often.
    ours = results(name, kind, calls=60 if name == "C" else 400) / share
    theirs = by_the_library(kind)
    for column in range(6):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > FALSE_ALARM
    assert abs(math.log(ours[:, 1:].std() / UNIT)) < 0.2


def test_a_divides_by_the_size_of_the_batch():
    noise = results("A", "nobody", count=100)[:, 1:]  # Six people a batch where a hundred are expected.
    assert noise.std() > 5 * UNIT
    assert abs(math.log(results("C", "nobody", calls=60, count=100)[:, 1:].std() / UNIT)) < 0.3


def test_b_always_takes_the_same_number_of_people():
    # Of people who all pull by C in one direction, the sum counts the batch. Noise aside, B's never varies.
    spread = results("B", "one direction", calls=2_000)[:, 0].std() / UNIT
    coins = math.sqrt(1_600 * RATE * (1 - RATE)) / MULTIPLIER
    assert abs(spread - 1) < 0.1 and coins > 2
    assert abs(by_the_library("one direction", calls=500)[:, 0].std() / UNIT / math.hypot(1, coins) - 1) < 0.2


def test_in_d_one_person_outweighs_the_noise():
    assert results("D", "one giant")[:, 0].max() > 10 * UNIT
    assert results("G", "one giant")[:, 0].max() < 6 * UNIT


def test_in_e_a_difference_of_coordinates_has_no_noise():
    noise = results("E", "nobody")
    assert np.abs(noise[:, 0] - noise[:, 1]).max() < 1e-4 * UNIT
    assert abs(math.log(noise[:, 0].std() / UNIT)) < 0.2


def test_f_is_right_code_with_a_claim_that_is_too_small():
    run = {
        "noise_multiplier": MULTIPLIER,
        "sample_rate": RATE,
        "steps": 400,
        "delta": 1e-5,
        "accountant": "pld",
    }
    claimed = epsilon_spent(**run, adjacency=Adjacency.ADD_REMOVE)
    assert epsilon_spent(**run, adjacency=Adjacency.REPLACE_ONE) > 1.5 * claimed
    for column in range(6):
        ours = results("F", "one direction")[:, column]
        assert stats.ks_2samp(ours, by_the_library("one direction")[:, column]).pvalue > FALSE_ALARM


def test_each_fault_is_there_once_and_two_steps_are_fine():
    assert sorted(TRUTH.values()) == sorted([*FAULTS, FINE, FINE])
    assert list(TRUTH) == list(STEPS)
