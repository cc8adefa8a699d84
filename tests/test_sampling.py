"""The sampler is Poisson: independent coins, batches of binomial size, none at all among them."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course.privacy import poisson_batch, train_dp_sgd

FALSE_ALARM = 1e-4
"""Each statistical test here fails a right sampler with this probability, over the choice of its seed."""


def batches(count, *, num_examples, sample_rate, seed):
    generator = torch.Generator().manual_seed(seed)
    return [poisson_batch(num_examples, sample_rate=sample_rate, generator=generator) for _ in range(count)]


def membership(drawn, num_examples):
    """Which example is in which batch: bool, shape (batches, examples)."""
    inside = np.zeros((len(drawn), num_examples), dtype=bool)
    for row, batch in zip(inside, drawn, strict=True):
        row[batch.numpy()] = True
    return inside


@pytest.fixture(scope="module")
def inside():
    return membership(batches(4_000, num_examples=30, sample_rate=0.2, seed=5), 30)


def test_a_batch_holds_positions_in_order_without_repeats():
    for batch in batches(50, num_examples=40, sample_rate=0.3, seed=0):
        assert batch.dtype == torch.int64
        assert torch.equal(batch, torch.unique(batch)) and set(batch.tolist()) <= set(range(40))


def test_the_size_of_a_batch_is_binomial(inside):
    observed = np.bincount(inside.sum(1), minlength=31)
    expected = stats.binom(30, 0.2).pmf(np.arange(31)) * len(inside)
    few = expected < 5  # The usual rule for the χ² test: pool the rare sizes.
    observed = np.append(observed[~few], observed[few].sum())
    expected = np.append(expected[~few], expected[few].sum())
    assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM


def test_every_example_is_drawn_at_the_stated_rate(inside):
    worst = min(stats.binomtest(int(hits), len(inside), 0.2).pvalue for hits in inside.sum(0))
    assert worst > FALSE_ALARM / inside.shape[1]  # Bonferroni over the examples.


def test_two_examples_are_drawn_independently(inside):
    # A batch of fixed size would have correlation −1 / (n − 1) = −0.034 in every pair: 2 sigma in each.
    correlations = np.corrcoef(inside.T)[np.triu_indices(30, k=1)]
    # Under independence each is about normal with deviation 1 / √batches; pairs are uncorrelated.
    scores = correlations * math.sqrt(len(inside))
    assert abs(scores.sum()) / math.sqrt(len(scores)) < stats.norm.isf(FALSE_ALARM / 2)
    assert abs(scores).max() < stats.norm.isf(FALSE_ALARM / 2 / len(scores))


def test_a_batch_does_not_depend_on_the_one_before(inside):
    # Passes over shuffled data would: who was drawn is not drawn again until the next pass.
    again = (inside[1:] & inside[:-1]).sum()
    assert stats.binomtest(int(again), inside[1:].size, 0.2**2).pvalue > FALSE_ALARM


def test_empty_batches_come_as_often_as_they_should():
    empty = sum(len(batch) == 0 for batch in batches(2_000, num_examples=10, sample_rate=0.1, seed=1))
    assert stats.binomtest(empty, 2_000, 0.9**10).pvalue > FALSE_ALARM


def test_a_rate_of_one_takes_everybody_and_nobody_of_nobody():
    assert batches(1, num_examples=5, sample_rate=1.0, seed=0)[0].tolist() == [0, 1, 2, 3, 4]
    assert batches(1, num_examples=0, sample_rate=0.5, seed=0)[0].tolist() == []


def test_the_generator_decides():
    first, again, other = (
        batches(3, num_examples=100, sample_rate=0.5, seed=seed)[2].tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("bad", [{"sample_rate": 0.0}, {"sample_rate": 1.1}, {"sample_rate": float("nan")}])
def test_a_rate_outside_its_range_is_an_error(bad):
    with pytest.raises(ValueError, match="rate in"):
        poisson_batch(3, generator=torch.Generator(), **bad)


def test_training_uses_this_sampler_in_every_step():
    drawn = []

    def spy(model, inputs, labels, **_):
        drawn.append(inputs.squeeze(1).long())

    everybody = torch.arange(30.0).unsqueeze(1)
    train_dp_sgd(
        torch.nn.Linear(1, 2), everybody, torch.zeros(30, dtype=torch.int64), sample_rate=0.2, steps=50,
        max_grad_norm=1.0, noise_multiplier=1.0, learning_rate=1.0,
        generator=torch.Generator().manual_seed(3), step=spy,
    )  # fmt: skip
    # The spy draws no noise, so the generator is used for coins only.
    expected = batches(50, num_examples=30, sample_rate=0.2, seed=3)
    assert [batch.tolist() for batch in drawn] == [batch.tolist() for batch in expected]
