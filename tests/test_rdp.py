"""Our RDP of the subsampled Gaussian, against closed forms, a published sum, and two libraries."""

import math
import warnings

import dp_accounting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent
from scipy.special import comb, logsumexp

from course.privacy.rdp import DEFAULT_ORDERS, rdp_subsampled_gaussian, rdp_to_epsilon

ORDERS = (1.5, 2.0, 3.0, 4.7, 10.9, 20.0, 63.0, 256.0)
GRID = [(s, q) for s in (0.5, 1.0, 2.0, 4.0) for q in (0.001, 0.01, 0.1, 0.2, 0.9)]


def binomial_sum(s, q, order):
    """Mironov et al. 2019, section 3.3: the moment at a whole order, term by term, in logarithms."""
    k = np.arange(order + 1)
    with np.errstate(divide="ignore"):
        log_binomial = np.array(
            [math.lgamma(order + 1) - math.lgamma(i + 1) - math.lgamma(order - i + 1) for i in k]
        )
    terms = log_binomial + k * math.log(q) + (order - k) * math.log1p(-q) + (k * k - k) / (2 * s * s)
    return logsumexp(terms) / (order - 1)


@pytest.mark.parametrize("order", ORDERS)
def test_without_sampling_it_is_the_closed_form_of_the_gaussian(order):
    # Mironov 2017, arXiv:1702.07476, Proposition 7: α / 2s².
    assert rdp_subsampled_gaussian(noise_multiplier=1.7, sample_rate=1, order=order) == order / (2 * 1.7**2)
    nearly = rdp_subsampled_gaussian(noise_multiplier=1.7, sample_rate=1 - 1e-12, order=order)
    assert nearly == pytest.approx(order / (2 * 1.7**2), rel=1e-9)


@pytest.mark.parametrize("order", [2, 3, 5, 8, 16, 32, 60])
@pytest.mark.parametrize(("s", "q"), GRID)
def test_at_whole_orders_it_is_the_published_binomial_sum(s, q, order):
    ours = rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=q, order=order)
    assert ours == pytest.approx(binomial_sum(s, q, order), rel=1e-6)


def test_at_order_two_it_is_exact_where_the_moment_is_one_plus_a_millionth_of_a_millionth():
    # E[r²] = 1 + q² (e^(1/s²) − 1), so log1p and expm1 give it without any loss.
    for s, q in ((50.0, 1e-4), (10.0, 1e-3), (1.0, 1e-6), (0.7, 0.5)):
        exact = math.log1p(q * q * math.expm1(1 / s**2))
        assert rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=q, order=2) == pytest.approx(
            exact, rel=1e-9
        )


@pytest.mark.parametrize(("s", "q"), GRID)
def test_it_equals_opacus_and_dp_accounting_at_equal_orders(s, q):
    ours = np.array([rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=q, order=o) for o in ORDERS])
    opacus = compute_rdp(q=q, noise_multiplier=s, steps=1, orders=list(ORDERS))
    assert ours == pytest.approx(opacus, rel=1e-6)
    whole = [order for order in ORDERS if order == int(order)]
    google = dp_accounting.rdp.RdpAccountant(orders=whole)
    google.compose(dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(s)))
    assert ours[[ORDERS.index(order) for order in whole]] == pytest.approx(google._rdp, rel=1e-6)


def test_at_broken_orders_dp_accounting_is_never_below_ours():
    # There it adds up the absolute values of an alternating series: an upper bound, not the value.
    broken = (1.9, 4.7, 10.9)
    google = dp_accounting.rdp.RdpAccountant(orders=broken)
    google.compose(dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.0)))
    for order, theirs in zip(broken, google._rdp, strict=True):
        ours = rdp_subsampled_gaussian(noise_multiplier=1.0, sample_rate=0.01, order=order)
        assert ours * (1 - 1e-9) <= theirs <= 1.01 * ours


def test_epsilon_from_rdp_equals_opacus_on_one_curve():
    curve = [
        1000 * rdp_subsampled_gaussian(noise_multiplier=1.0, sample_rate=0.01, order=o)
        for o in DEFAULT_ORDERS
    ]
    theirs, _ = get_privacy_spent(orders=list(DEFAULT_ORDERS), rdp=curve, delta=1e-5)
    assert rdp_to_epsilon(curve, orders=DEFAULT_ORDERS, delta=1e-5) == pytest.approx(theirs, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(s=st.floats(0.3, 30), q=st.floats(1e-4, 0.999), order=st.floats(1.05, 200))
def test_it_lies_between_zero_and_the_unsampled_gaussian_and_grows_with_rate_and_order(s, q, order):
    here = rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=q, order=order)
    assert 0 < here <= order / (2 * s * s) * (1 + 1e-9)
    assert here <= rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=min(1, q * 1.02), order=order)
    assert here <= rdp_subsampled_gaussian(noise_multiplier=s, sample_rate=q, order=order * 1.02)
    assert here >= rdp_subsampled_gaussian(noise_multiplier=s * 1.02, sample_rate=q, order=order)


def test_the_ends_are_zero_and_infinite():
    assert rdp_subsampled_gaussian(noise_multiplier=1, sample_rate=0, order=3) == 0
    assert rdp_subsampled_gaussian(noise_multiplier=math.inf, sample_rate=0.5, order=3) == 0
    assert rdp_subsampled_gaussian(noise_multiplier=0, sample_rate=0.5, order=3) == math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rdp_subsampled_gaussian(noise_multiplier=0.06, sample_rate=0.5, order=1024) > 1e4
    assert rdp_to_epsilon([math.inf, math.inf], orders=[2, 3], delta=1e-5) == math.inf


def test_tiny_noise_gets_the_bound_without_sampling():
    assert rdp_subsampled_gaussian(noise_multiplier=0.04, sample_rate=0.01, order=4) == 4 / (2 * 0.04**2)


@pytest.mark.parametrize(
    "bad",
    [
        {"order": 1}, {"order": math.nan}, {"order": math.inf}, {"noise_multiplier": -1},
        {"noise_multiplier": math.nan}, {"sample_rate": 1.1}, {"sample_rate": -0.1},
        {"sample_rate": math.nan},
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_refused(bad):
    with pytest.raises(ValueError, match=r"order|noise_multiplier"):
        rdp_subsampled_gaussian(**{"noise_multiplier": 1.0, "sample_rate": 0.1, "order": 2} | bad)


def test_a_bad_curve_is_refused():
    for rdp, orders, delta in (
        ([1], [2, 3], 1e-5), ([], [], 1e-5), ([1], [1], 1e-5), ([-1], [2], 1e-5), ([math.nan], [2], 1e-5),
        ([1], [2], 0), ([1], [2], 1), ([1], [2], math.nan),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            rdp_to_epsilon(rdp, orders=orders, delta=delta)


def test_the_binomial_oracle_is_itself_right_at_order_two():
    assert comb(2, 1) == 2
    assert binomial_sum(1.0, 0.5, 2) == pytest.approx(math.log1p(0.25 * math.expm1(1)), rel=1e-12)
