"""The fast sampler against exact probabilities, and its floats against exact numbers where it is close.

Fixed seeds; each chi-square accepts p > 1e-4, its false-alarm probability before the seed was fixed.
"""

import math
import sys
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from test_discrete_gaussian import P_VALUE, chi_square

from course.privacy.many_discrete_gaussians import _BITS, _coins, _discrete_laplace, _exact_coin
from course.privacy.many_discrete_gaussians import many_discrete_gaussians as many


@pytest.mark.parametrize(("noise_std", "reach"), [(0.5, 1), (0.7, 2), (1.0, 2), (2.5, 7), (7.3, 20)])
def test_it_has_the_exact_probabilities(noise_std, reach):
    draws = many(200_000, noise_std=noise_std, rng=np.random.default_rng(1))
    assert draws.dtype == np.int64 and draws.shape == (200_000,)
    assert chi_square(draws, lambda x: -(x**2) / (2 * noise_std**2), reach=reach) > P_VALUE
    # It would notice noise that is off by 2 %.
    assert chi_square(draws, lambda x: -(x**2) / (2 * (1.02 * noise_std) ** 2), reach=reach) < P_VALUE


def test_for_large_noise_it_is_the_gaussian():
    for noise_std in (1000.0, 2.0**39):
        draws = many(50_000, noise_std=noise_std, rng=np.random.default_rng(2))
        assert stats.kstest(draws / noise_std, stats.norm.cdf).pvalue > P_VALUE


def test_its_discrete_laplace_has_the_exact_probabilities():
    draws = _discrete_laplace(100_000, 3, np.random.default_rng(4))
    assert chi_square(draws, lambda x: -np.abs(x) / 3, reach=12) > P_VALUE


def test_with_every_decision_made_exactly_the_probabilities_are_the_same(monkeypatch):
    monkeypatch.setattr(sys.modules[many.__module__], "_MARGIN", 2.0**70)
    draws = many(3_000, noise_std=1.0, rng=np.random.default_rng(5))
    assert chi_square(draws, lambda x: -(x**2) / 2, reach=2) > P_VALUE


def bar_of(gamma):
    """2^62 · exp(−γ) to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return (Decimal(-gamma.numerator) / gamma.denominator).exp() * 2**_BITS


class Uniform:
    """A source whose first draw is given."""

    def __init__(self, value):
        self.value, self.source, self.asked = value, np.random.default_rng(0), 0

    def integers(self, limit, size):
        return np.full(size, self.value)

    def bytes(self, count):
        self.asked += 1
        return self.source.bytes(count)


@pytest.mark.parametrize("gamma", [Fraction(1, 3), Fraction(1), Fraction(355, 113), Fraction(20)])
@pytest.mark.parametrize("off", [-1e-6, -1e-8, -1e-12, 0, 1e-12, 1e-8, 1e-6])
def test_a_uniform_next_to_the_bar_is_decided_as_by_exact_numbers(gamma, off):
    bar = bar_of(gamma)
    uniform = int(bar * Decimal(1 + off)) + (0 if off == 0 else int(math.copysign(2, off)))
    source = Uniform(uniform)
    (heads,) = _coins(np.array([float(gamma)]), lambda place: gamma, source)
    if off != 0:
        assert heads == (uniform < bar)
    # Only where floats cannot be trusted, more bits are drawn.
    assert (source.asked > 0) == (abs(off) < 1e-9)


def test_an_exact_coin_on_the_bar_falls_with_the_probability_of_what_is_left():
    gamma = Fraction(1, 3)
    bar = bar_of(gamma)
    uniform, left = int(bar), float(bar - int(bar))
    source = np.random.default_rng(6)
    heads = sum(_exact_coin(gamma, uniform, source) for _ in range(4_000))
    assert stats.binomtest(heads, 4_000, left).pvalue > P_VALUE


def test_a_coin_that_no_float_can_hold_is_decided_too():
    assert not _exact_coin(Fraction(10**6), 0, np.random.default_rng(0))
    assert _exact_coin(Fraction(0), 2**_BITS - 1, np.random.default_rng(0))
    assert _coins(np.zeros(3), lambda place: Fraction(0), np.random.default_rng(0)).all()


def test_bad_input_is_refused_and_nothing_gives_nothing():
    source = np.random.default_rng(0)
    assert many(0, noise_std=1.0, rng=source).shape == (0,)
    for noise_std in (0, -1.0, math.nan, math.inf, 2.0**40):
        with pytest.raises(ValueError, match="noise_std"):
            many(1, noise_std=noise_std, rng=source)
    for size in (-1, 1.5):
        with pytest.raises(ValueError, match="size"):
            many(size, noise_std=1.0, rng=source)
