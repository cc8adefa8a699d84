"""ε of a run and its inverse: three accountants against each other, closed forms and published values."""

import functools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from course.privacy import Adjacency, accounting, epsilon_spent, gaussian_delta, noise_for
from course.privacy.accounting import _finest_prv_error

DELTA = 1e-5
GRID = [
    (0.001, 0.5, 1), (0.001, 4.0, 1), (0.2, 0.5, 1), (0.2, 4.0, 1),
    (0.001, 4.0, 20_000), (0.001, 0.5, 20_000), (0.2, 4.0, 20_000),
    (0.2, 0.5, 100), (0.01, 1.0, 1_000), (0.05, 2.0, 2_000),
]  # fmt: skip
"""(sample_rate, noise_multiplier, steps)."""


@functools.cache
def spent(accountant, rate, noise, steps, delta=DELTA):
    return epsilon_spent(
        noise_multiplier=noise, sample_rate=rate, steps=steps, delta=delta, accountant=accountant
    )


def one_step_exactly(rate, noise, delta):
    """ε of one step: sampling turns ε of the Gaussian at δ/q into log(1 + q (e^ε − 1)); exact for ε ≥ 0.

    Balle, Barthe, Gaboardi 2018, arXiv:1807.01647, Theorem 8 and its tightness under add/remove.
    """
    if gaussian_delta(0.0, noise_std=noise, sensitivity=1) <= delta / rate:
        return 0.0
    inner = brentq(
        lambda e: gaussian_delta(e, noise_std=noise, sensitivity=1) - delta / rate, 0, 500, xtol=1e-13
    )
    return math.log1p(rate * math.expm1(inner))


def gaussians_exactly(noise, steps, delta):
    """ε of `steps` unsampled Gaussians, which are one Gaussian with √steps times the sensitivity."""
    return brentq(
        lambda e: gaussian_delta(e, noise_std=noise, sensitivity=math.sqrt(steps)) - delta,
        0,
        1000,
        xtol=1e-13,
    )


def test_the_published_values():
    # Opacus and dp-accounting at q = 0.01, multiplier 1, 1,000 steps, δ = 1e-5.
    assert spent("rdp", 0.01, 1.0, 1_000) == pytest.approx(2.1014, abs=5e-5)
    assert spent("pld", 0.01, 1.0, 1_000) == pytest.approx(1.8282, abs=5e-5)
    assert spent("prv", 0.01, 1.0, 1_000) == pytest.approx(1.8294, abs=2e-4)


@pytest.mark.parametrize(("rate", "noise", "steps"), GRID)
def test_prv_and_pld_agree_within_a_percent_and_rdp_is_never_below(rate, noise, steps):
    rdp, prv, pld = (spent(accountant, rate, noise, steps) for accountant in ("rdp", "prv", "pld"))
    assert rdp >= prv and rdp >= pld
    # Opacus adds its grid's error to its estimate, and the grid covers at least −3 to 3: where ε is small
    # beside √steps / 2²⁰, that error, not the analysis, is what separates the two.
    unavoidable = 1.1 * _finest_prv_error(noise, rate, steps, DELTA)
    assert abs(prv - pld) <= max(0.01 * pld, unavoidable)


def test_only_for_small_epsilons_does_the_grid_keep_prv_from_one_percent():
    apart = [
        case for case in GRID if abs(spent("prv", *case) - spent("pld", *case)) > 0.01 * spent("pld", *case)
    ]
    assert all(spent("pld", *case) < 0.3 for case in apart)


def test_a_longer_grid_brings_prv_within_one_percent(monkeypatch):
    case = {"noise_multiplier": 2.0, "sample_rate": 0.001, "steps": 20_000, "delta": DELTA}
    pld = epsilon_spent(**case, accountant="pld")
    short = epsilon_spent(**case)
    monkeypatch.setattr(accounting, "_LONGEST_GRID", 2**21)
    accounting._prv.cache_clear()
    long = epsilon_spent(**case)
    accounting._prv.cache_clear()
    assert 1.01 * pld < short < 1.02 * pld
    assert pld < long < 1.01 * pld


@pytest.mark.parametrize(("rate", "noise"), [(0.001, 0.5), (0.2, 0.5), (0.2, 4.0), (0.01, 1.0), (0.5, 2.0)])
def test_one_step_is_the_exact_amplified_gaussian(rate, noise):
    exact = one_step_exactly(rate, noise, DELTA)
    assert spent("pld", rate, noise, 1) == pytest.approx(exact, rel=2e-3)
    assert exact * (1 - 1e-6) <= spent("prv", rate, noise, 1) <= exact * 1.003 + 1e-5
    assert spent("rdp", rate, noise, 1) >= exact


@pytest.mark.parametrize(("noise", "steps"), [(5.0, 1), (20.0, 100), (2.0, 50)])
def test_without_sampling_all_steps_are_one_gaussian(noise, steps):
    exact = gaussians_exactly(noise, steps, DELTA)
    assert spent("pld", 1.0, noise, steps) == pytest.approx(exact, rel=1e-3)
    assert exact <= spent("prv", 1.0, noise, steps) <= 1.003 * exact
    assert exact <= spent("rdp", 1.0, noise, steps) <= 1.2 * exact


def test_replacing_a_record_costs_what_twice_the_contribution_costs():
    for accountant in ("rdp", "prv", "pld"):

        def of(noise, adjacency, accountant=accountant):
            return epsilon_spent(
                noise_multiplier=noise, sample_rate=1.0, steps=3, delta=DELTA, accountant=accountant,
                adjacency=adjacency,
            )  # fmt: skip

        assert of(4.0, Adjacency.REPLACE_ONE) == pytest.approx(of(2.0, Adjacency.ADD_REMOVE), rel=1e-3)


def test_replace_one_with_sampling_is_for_pld_only_and_costs_more():
    run = {"noise_multiplier": 1.0, "sample_rate": 0.01, "steps": 1_000, "delta": DELTA}
    replaced = epsilon_spent(**run, accountant="pld", adjacency=Adjacency.REPLACE_ONE)
    assert spent("pld", 0.01, 1.0, 1_000) < replaced < spent("pld", 0.01, 0.5, 1_000)
    for accountant in ("rdp", "prv"):
        with pytest.raises(ValueError, match="ADD_REMOVE only"):
            epsilon_spent(**run, accountant=accountant, adjacency=Adjacency.REPLACE_ONE)


@settings(max_examples=30, deadline=None)
@given(
    rate=st.floats(0.001, 0.9), noise=st.floats(0.5, 10), steps=st.integers(1, 20_000),
    delta=st.floats(1e-9, 0.01),
)  # fmt: skip
def test_rdp_is_monotone_in_every_argument(rate, noise, steps, delta):
    here = spent("rdp", rate, noise, steps, delta)
    assert spent("rdp", rate * 1.02, noise, steps, delta) >= here
    assert spent("rdp", rate, noise * 1.02, steps, delta) <= here
    assert spent("rdp", rate, noise, steps + 1 + steps // 50, delta) >= here
    assert spent("rdp", rate, noise, steps, delta * 1.02) <= here


@pytest.mark.parametrize("accountant", ["prv", "pld"])
@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    rate=st.floats(0.02, 0.5), noise=st.floats(1, 4), steps=st.integers(1, 200), delta=st.floats(1e-7, 1e-4)
)
def test_the_libraries_are_monotone_in_every_argument(accountant, rate, noise, steps, delta):
    # Steps of 5 % are wider than either library's numerical error.
    here = spent(accountant, rate, noise, steps, delta)
    assert spent(accountant, rate * 1.05, noise, steps, delta) >= here
    assert spent(accountant, rate, noise * 1.05, steps, delta) <= here
    assert spent(accountant, rate, noise, steps + 1 + steps // 20, delta) >= here
    assert spent(accountant, rate, noise, steps, delta * 1.05) <= here * (1 + 1e-3)


@settings(max_examples=10, deadline=None)
@given(
    epsilon=st.floats(0.05, 30),
    rate=st.floats(0.005, 1),
    steps=st.integers(1, 5_000),
    delta=st.floats(1e-8, 1e-3),
)
def test_noise_for_is_the_inverse_of_epsilon_spent(epsilon, rate, steps, delta):
    noise = noise_for(epsilon, delta=delta, sample_rate=rate, steps=steps, accountant="rdp")
    back = spent("rdp", rate, noise, steps, delta)
    assert epsilon * (1 - 1e-3) <= back <= epsilon
    again = noise_for(back, delta=delta, sample_rate=rate, steps=steps, accountant="rdp")
    assert again == pytest.approx(noise, rel=1e-3)


@pytest.mark.parametrize("accountant", ["prv", "pld"])
@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(1.0, 1 / 16, 400), (0.3, 1.0, 20), (3.0, 0.2, 1)])
def test_noise_for_is_the_inverse_for_the_libraries_too(accountant, epsilon, rate, steps):
    noise = noise_for(epsilon, delta=DELTA, sample_rate=rate, steps=steps, accountant=accountant)
    assert epsilon * (1 - 1e-3) <= spent(accountant, rate, noise, steps) <= epsilon
    if steps > 100:
        return  # The other way round (noise → ε → noise) is shown on the quicker ones.
    known = spent(accountant, rate, 1.3 * noise, steps)
    again = noise_for(known, delta=DELTA, sample_rate=rate, steps=steps, accountant=accountant)
    assert again == pytest.approx(1.3 * noise, rel=1e-3)


def test_noise_for_under_replace_one():
    run = {"delta": DELTA, "sample_rate": 0.05, "steps": 10, "accountant": "pld"}
    noise = noise_for(1.0, **run, adjacency=Adjacency.REPLACE_ONE)
    back = epsilon_spent(noise_multiplier=noise, **run, adjacency=Adjacency.REPLACE_ONE)
    assert 1 - 1e-3 <= back <= 1
    assert noise > noise_for(1.0, **run)


def test_no_noise_is_no_promise_and_no_step_costs_nothing():
    for accountant in ("rdp", "prv", "pld"):
        assert spent(accountant, 0.1, 0, 10) == math.inf
        assert spent(accountant, 0.1, 1.0, 0) == 0
        assert spent(accountant, 0, 1.0, 10) == 0
        assert spent(accountant, 0.1, 0, 0) == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"noise_multiplier": -1}, {"noise_multiplier": math.nan}, {"noise_multiplier": math.inf},
        {"sample_rate": 1.01}, {"sample_rate": -0.1}, {"sample_rate": math.nan}, {"steps": -1},
        {"steps": 1.5}, {"steps": math.nan}, {"steps": math.inf}, {"delta": 0}, {"delta": 1},
        {"delta": -1e-5}, {"delta": math.nan}, {"steps": None}, {"delta": "1e-5"},
        {"accountant": "gdp"}, {"adjacency": "add/remove"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_refused_in_words(bad):
    good = {"noise_multiplier": 1.0, "sample_rate": 0.1, "steps": 10, "delta": DELTA, "accountant": "rdp"}
    with pytest.raises(ValueError, match=next(iter(bad))):
        epsilon_spent(**good | bad)


@pytest.mark.parametrize("epsilon", [0, -1, math.nan, math.inf, "1", None], ids=str)
def test_an_epsilon_that_is_none_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon must be a finite number above 0"):
        noise_for(epsilon, delta=DELTA, sample_rate=0.1, steps=10)


def test_noise_for_nothing_is_refused():
    for run in ({"sample_rate": 0, "steps": 1}, {"sample_rate": 0.1, "steps": 0}):
        with pytest.raises(ValueError, match="no noise is needed"):
            noise_for(1.0, delta=DELTA, **run)


def test_an_epsilon_beyond_an_accountants_resolution_is_refused():
    with pytest.raises(ValueError, match="resolve"):
        noise_for(1e-7, delta=DELTA, sample_rate=0.01, steps=1, accountant="prv")
    with pytest.raises(ValueError, match="use accountant='pld'"):
        spent("prv", 0.2, 0.5, 20_000)
