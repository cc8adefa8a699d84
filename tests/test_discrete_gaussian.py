"""The discrete Gaussian against its exact probabilities, and its parts against theirs.

Fixed seeds; each chi-square accepts p > 1e-4, its false-alarm probability before the seed was fixed.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from course.privacy import discrete_gaussian
from course.privacy.discrete_gaussian import _below, _coin_exp, _discrete_laplace

P_VALUE = 1e-4


def chi_square(draws, log_weight, *, reach):
    """The p-value of integer draws against probabilities proportional to exp(log_weight(x)); tails pooled."""
    support = np.arange(-60 * reach, 60 * reach + 1)
    probability = np.exp(log_weight(support))
    probability /= probability.sum()
    inside = np.abs(support) <= reach
    observed = [*(int((draws == x).sum()) for x in support[inside]), int((np.abs(draws) > reach).sum())]
    expected = np.array([*probability[inside], probability[~inside].sum()]) * len(draws)
    assert expected.min() > 5
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize(("noise_std", "reach"), [(0.6, 1), (1.0, 2), (2.5, 5), (7.3, 14)])
def test_it_has_the_exact_probabilities(noise_std, reach):
    draws = discrete_gaussian(8_000, noise_std=noise_std, rng=np.random.default_rng(1))
    assert draws.dtype == np.int64
    assert chi_square(draws, lambda x: -(x**2) / (2 * noise_std**2), reach=reach) > P_VALUE


def test_its_standard_deviation_is_the_stated_one_from_two_on_and_smaller_below():
    for noise_std in (0.5, 1.0, 2.0, 5.0):
        x = np.arange(-200, 201)
        weight = np.exp(-(x**2) / (2 * noise_std**2))
        exact = math.sqrt((x**2 * weight).sum() / weight.sum())
        assert exact <= noise_std * (1 + 1e-12)
        assert noise_std < 2 or exact == pytest.approx(noise_std, rel=1e-6)


def test_for_large_noise_it_is_the_gaussian():
    draws = discrete_gaussian(4_000, noise_std=1000.0, rng=np.random.default_rng(2))
    # A uniform shift inside the cell makes the integers continuous.
    spread = draws + np.random.default_rng(3).uniform(-0.5, 0.5, len(draws))
    assert stats.kstest(spread, stats.norm(scale=1000.0).cdf).pvalue > P_VALUE


def test_its_rdp_is_at_most_that_of_the_gaussian():
    # Canonne, Kamath, Steinke 2020, Theorem 4, by summing the definition: Σ p(x)^α q(x)^(1 − α).
    x = np.arange(-300, 301)
    for noise_std in (0.7, 1.0, 3.0):
        log_p, log_q = (-((x - shift) ** 2) / (2 * noise_std**2) for shift in (1, 0))
        for order in (1.5, 2, 8):
            log_moment = logsumexp(order * log_p + (1 - order) * log_q) - logsumexp(log_q)
            assert log_moment / (order - 1) == pytest.approx(order / (2 * noise_std**2), rel=1e-9) or (
                order != int(order) and log_moment / (order - 1) <= order / (2 * noise_std**2) * (1 + 1e-9)
            )


def test_its_discrete_laplace_has_the_exact_probabilities():
    source = np.random.default_rng(4)
    draws = np.array([_discrete_laplace(2, source) for _ in range(8_000)])
    assert chi_square(draws, lambda x: -np.abs(x) / 2, reach=6) > P_VALUE


@pytest.mark.parametrize("gamma", [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(5, 2)])
def test_its_coin_falls_with_the_exact_probability(gamma):
    source = np.random.default_rng(5)
    heads = sum(_coin_exp(gamma, source) for _ in range(5_000))
    assert stats.binomtest(heads, 5_000, math.exp(-gamma)).pvalue > P_VALUE


def test_uniform_whole_numbers_beyond_64_bits_are_uniform():
    limit, source = 3 * 2**70, np.random.default_rng(6)
    draws = [_below(limit, source) for _ in range(3_000)]
    assert all(0 <= draw < limit for draw in draws)
    assert stats.chisquare(np.bincount([draw // 2**70 for draw in draws], minlength=3)).pvalue > P_VALUE
    assert stats.binomtest(sum(draw % 2 for draw in draws), 3_000).pvalue > P_VALUE


def test_bad_input_is_refused_and_nothing_is_nothing():
    source = np.random.default_rng(0)
    assert discrete_gaussian(0, noise_std=1.0, rng=source).shape == (0,)
    for noise_std in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="noise_std"):
            discrete_gaussian(1, noise_std=noise_std, rng=source)
    for size in (-1, 1.5):
        with pytest.raises(ValueError, match="size"):
            discrete_gaussian(size, noise_std=1.0, rng=source)
