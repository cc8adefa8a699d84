"""Laplace, Gaussian, randomized response and exponential: their distributions and their ε.

Statistical tests have a fixed seed; the p-value each accepts (its false-alarm probability before the seed was
fixed) is above 1e-4.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course.privacy import (
    analytic_noise_std,
    exponential_mechanism,
    gaussian_mechanism,
    laplace_mechanism,
    randomized_response,
    share_from_reports,
    truth_probability,
)

P_VALUE = 1e-4


def rng(seed=0):
    return np.random.default_rng(seed)


def test_laplace_noise_has_the_laplace_distribution_of_parameter_sensitivity_over_epsilon():
    noise = laplace_mechanism(np.full(20_000, 7.0), sensitivity=3.0, epsilon=0.5, rng=rng()) - 7
    assert stats.kstest(noise, stats.laplace(scale=6.0).cdf).pvalue > P_VALUE


def test_gaussian_noise_has_the_analytic_standard_deviation():
    noise = gaussian_mechanism(np.zeros(20_000), sensitivity=3.0, epsilon=2.0, delta=1e-6, rng=rng())
    expected = analytic_noise_std(sensitivity=3.0, epsilon=2.0, delta=1e-6)
    assert stats.kstest(noise, stats.norm(scale=expected).cdf).pvalue > P_VALUE


@settings(max_examples=50, deadline=None)
@given(
    epsilon=st.floats(0.01, 10), sensitivity=st.floats(0.1, 10), output=st.floats(-20, 20),
    move=st.floats(-1, 1),
)  # fmt: skip
def test_no_output_of_laplace_is_e_to_epsilon_likelier_under_a_neighbour(epsilon, sensitivity, output, move):
    density = stats.laplace(scale=sensitivity / epsilon)
    output *= sensitivity / epsilon
    loss = density.logpdf(output) - density.logpdf(output - move * sensitivity)
    assert abs(loss) <= epsilon * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("mechanism", [laplace_mechanism, gaussian_mechanism])
def test_each_coordinate_gets_its_own_noise_and_shapes_are_kept(mechanism):
    more = {"delta": 1e-5} if mechanism is gaussian_mechanism else {}
    value = np.arange(6.0).reshape(2, 3)
    noisy = mechanism(value, sensitivity=1.0, epsilon=1.0, rng=rng(), **more)
    assert noisy.shape == (2, 3) and len(np.unique(noisy - value)) == 6
    assert isinstance(mechanism(4, sensitivity=1.0, epsilon=1.0, rng=rng(), **more), float)
    again = mechanism(value, sensitivity=1.0, epsilon=1.0, rng=rng(), **more)
    assert np.array_equal(noisy, again)
    assert not np.array_equal(noisy, mechanism(value, sensitivity=1.0, epsilon=1.0, rng=rng(1), **more))


@pytest.mark.parametrize("bad", [{"epsilon": 0}, {"epsilon": -1}, {"epsilon": math.nan}, {"sensitivity": 0},
                                 {"sensitivity": math.inf}, {"value": math.nan}, {"value": [1.0, math.inf]}],
                         ids=str)  # fmt: skip
def test_bad_input_is_refused_in_words(bad):
    good = {"value": 1.0, "sensitivity": 1.0, "epsilon": 1.0} | bad
    value = good.pop("value")
    with pytest.raises(ValueError, match=next(iter(bad))):
        laplace_mechanism(value, rng=rng(), **good)
    with pytest.raises(ValueError, match=next(iter(bad))):
        gaussian_mechanism(value, delta=1e-5, rng=rng(), **good)
    if "value" not in bad:
        with pytest.raises(ValueError, match=next(iter(bad))):
            exponential_mechanism(np.zeros(3), rng=rng(), **good)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0])
def test_randomized_response_keeps_its_epsilon_exactly(epsilon):
    keep = truth_probability(epsilon)
    assert math.log(keep / (1 - keep)) == pytest.approx(epsilon, rel=1e-12)


def test_randomized_response_lies_as_often_as_it_says_whatever_the_answer():
    for answer in (0, 1):
        reports = randomized_response(np.full(50_000, answer), epsilon=1.0, rng=rng())
        truths = int((reports == answer).sum())
        assert stats.binomtest(truths, 50_000, truth_probability(1.0)).pvalue > P_VALUE


def test_the_estimate_from_reports_is_unbiased_and_inverts_the_expected_share():
    for share in (0.0, 0.2, 1.0):
        lie = 1 - truth_probability(0.7)
        expected = share * (1 - lie) + (1 - share) * lie
        assert share_from_reports(np.array([expected]), epsilon=0.7) == pytest.approx(share, abs=1e-12)
    answers = np.arange(1_000) < 200
    estimates = [
        share_from_reports(randomized_response(answers, epsilon=1.0, rng=rng(seed)), epsilon=1.0)
        for seed in range(400)
    ]
    error = np.std(estimates) / math.sqrt(len(estimates))
    assert abs(np.mean(estimates) - 0.2) < 4 * error  # two-sided normal: 6e-5


def test_randomized_response_keeps_shape_and_type_and_refuses_other_answers():
    answers = np.array([[True, False], [False, True]])
    reports = randomized_response(answers, epsilon=1.0, rng=rng())
    assert reports.shape == (2, 2) and reports.dtype == bool
    for bad in ([0, 2], [0.5], ["yes"], [None], [math.nan]):
        with pytest.raises(ValueError, match="answers of 0 and 1"):
            randomized_response(bad, epsilon=1.0, rng=rng())
    for epsilon in (0, math.nan, math.inf):
        with pytest.raises(ValueError, match="epsilon"):
            randomized_response(answers, epsilon=epsilon, rng=rng())
    with pytest.raises(ValueError, match="no reports"):
        share_from_reports([], epsilon=1.0)


def test_the_exponential_mechanism_draws_with_the_stated_probabilities():
    scores, draws = np.array([0.0, 1.0, 2.5, -4.0]), 20_000
    source = rng()
    chosen = [exponential_mechanism(scores, sensitivity=2.0, epsilon=3.0, rng=source) for _ in range(draws)]
    weights = np.exp(3.0 * scores / (2 * 2.0))
    observed = np.bincount(chosen, minlength=4)
    assert stats.chisquare(observed, draws * weights / weights.sum()).pvalue > P_VALUE


def test_the_exponential_mechanism_keeps_its_epsilon_for_the_worst_neighbour():
    def probabilities(scores, epsilon=1.0, sensitivity=1.0):
        weights = np.exp(epsilon * np.asarray(scores) / (2 * sensitivity))
        return weights / weights.sum()

    losses = np.log(probabilities([1.0, 0, 0, 0]) / probabilities([0.0, 1, 1, 1]))
    assert 0.7 < losses.max() <= 1.0


def test_the_exponential_mechanism_refuses_what_is_no_list_of_scores():
    for bad in ([], [[1.0]], [math.nan, 1.0], 3.0):
        with pytest.raises(ValueError):
            exponential_mechanism(bad, sensitivity=1.0, epsilon=1.0, rng=rng())
