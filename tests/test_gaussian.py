"""The analytic Gaussian against quadrature, another library and the textbook's formula."""

import math

import dp_accounting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from course.privacy import analytic_noise_std, classic_noise_std, gaussian_delta


def delta_by_quadrature(epsilon, noise_std, sensitivity):
    """The definition itself: the integral of max(0, p − e^ε q) over two Gaussians `sensitivity` apart."""
    crossing = noise_std**2 * epsilon / sensitivity + sensitivity / 2

    def excess(x):
        return norm.pdf(x, sensitivity, noise_std) - math.exp(epsilon) * norm.pdf(x, 0, noise_std)

    upper = max(crossing, sensitivity) + 40 * noise_std
    middle = min(upper, crossing + 4 * noise_std)
    return quad(excess, crossing, middle, epsabs=1e-15)[0] + quad(excess, middle, upper, epsabs=1e-15)[0]


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0, 3.0])
@pytest.mark.parametrize(("noise_std", "sensitivity"), [(1.0, 1.0), (0.4, 1.0), (3.0, 2.0), (10.0, 5.0)])
def test_delta_is_the_integral_of_the_definition(epsilon, noise_std, sensitivity):
    closed = gaussian_delta(epsilon, noise_std=noise_std, sensitivity=sensitivity)
    assert closed == pytest.approx(delta_by_quadrature(epsilon, noise_std, sensitivity), rel=1e-7, abs=1e-13)


@pytest.mark.parametrize("delta", [1e-9, 1e-5, 0.01, 0.3])
@pytest.mark.parametrize("epsilon", [0.01, 0.5, 1.0, 8.0, 50.0])
def test_noise_equals_dp_accountings(epsilon, delta):
    ours = analytic_noise_std(sensitivity=1.0, epsilon=epsilon, delta=delta)
    theirs = dp_accounting.get_sigma_gaussian(epsilon, delta)
    assert ours == pytest.approx(theirs, rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(epsilon=st.floats(1e-3, 100), delta=st.floats(1e-12, 0.9), sensitivity=st.floats(1e-3, 1e3))
def test_noise_and_delta_are_inverse_and_the_promise_holds_to_the_last_digit(epsilon, delta, sensitivity):
    noise_std = analytic_noise_std(sensitivity=sensitivity, epsilon=epsilon, delta=delta)
    back = gaussian_delta(epsilon, noise_std=noise_std, sensitivity=sensitivity)
    assert delta * (1 - 1e-5) <= back <= delta
    less = gaussian_delta(epsilon, noise_std=0.999 * noise_std, sensitivity=sensitivity)
    assert less > delta


@settings(max_examples=50, deadline=None)
@given(epsilon=st.floats(1e-3, 30), noise_std=st.floats(0.1, 100))
def test_delta_falls_with_epsilon_and_with_noise(epsilon, noise_std):
    here = gaussian_delta(epsilon, noise_std=noise_std, sensitivity=1)
    assert 0 <= here <= 1
    assert gaussian_delta(1.01 * epsilon, noise_std=noise_std, sensitivity=1) <= here
    assert gaussian_delta(epsilon, noise_std=1.01 * noise_std, sensitivity=1) <= here
    assert gaussian_delta(epsilon, noise_std=noise_std, sensitivity=1.01) >= here


@pytest.mark.parametrize("delta", [1e-9, 1e-5, 1e-3])
@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.5, 0.99])
def test_the_classic_noise_is_larger_wherever_it_is_valid(epsilon, delta):
    classic = classic_noise_std(sensitivity=2.0, epsilon=epsilon, delta=delta)
    assert classic == pytest.approx(2 * math.sqrt(2 * math.log(1.25 / delta)) / epsilon)
    assert classic > 1.05 * analytic_noise_std(sensitivity=2.0, epsilon=epsilon, delta=delta)


def test_above_one_the_classic_noise_is_refused_because_for_large_epsilon_it_breaks_the_promise():
    with pytest.raises(ValueError, match="ε < 1 only"):
        classic_noise_std(sensitivity=1, epsilon=1, delta=1e-5)
    formula = math.sqrt(2 * math.log(1.25 / 1e-5)) / 10
    assert gaussian_delta(10.0, noise_std=formula, sensitivity=1) > 2e-5


@pytest.mark.parametrize(
    "bad", [{"epsilon": 0}, {"epsilon": -1}, {"epsilon": math.nan}, {"epsilon": math.inf}, {"delta": 0},
            {"delta": 1}, {"delta": math.nan}, {"sensitivity": 0}, {"sensitivity": math.nan}], ids=str,
)  # fmt: skip
@pytest.mark.parametrize("function", [analytic_noise_std, classic_noise_std])
def test_bad_input_is_refused_in_words(function, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        function(**{"sensitivity": 1.0, "epsilon": 0.5, "delta": 1e-5} | bad)


def test_bad_input_of_the_curve_is_refused():
    for epsilon, noise_std, sensitivity in ((-1, 1, 1), (np.nan, 1, 1), (1, 0, 1), (1, np.nan, 1), (1, 1, 0)):
        with pytest.raises(ValueError):
            gaussian_delta(epsilon, noise_std=noise_std, sensitivity=sensitivity)
