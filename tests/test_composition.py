"""Composition and group privacy: closed forms, and the exact composition of randomized response as oracle."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from course.privacy import (
    compose_advanced,
    compose_basic,
    compose_parallel,
    epsilon_spent,
    group_privacy,
    noise_for,
    truth_probability,
)


def delta_of_repeated_answers(epsilon, steps, total):
    """The exact δ at `total` of `steps` randomized responses of ε each: the worst pure mechanism there is.

    Kairouz, Oh, Viswanath 2015, arXiv:1311.0776: every ε-DP mechanism is a post-processing of this one.
    """
    keep = truth_probability(epsilon)
    return sum(
        max(0.0, binom.pmf(k, steps, keep) - math.exp(total) * binom.pmf(k, steps, 1 - keep))
        for k in range(steps + 1)
    )


@pytest.mark.parametrize(("epsilon", "steps"), [(0.1, 50), (0.1, 400), (0.5, 10), (1.0, 5)])
def test_basic_and_advanced_hold_for_the_worst_mechanism(epsilon, steps):
    basic, no_delta = compose_basic([epsilon] * steps)
    assert no_delta == 0
    assert delta_of_repeated_answers(epsilon, steps, basic) <= 1e-12
    assert delta_of_repeated_answers(epsilon, steps, 0.99 * basic) > 0
    advanced, delta = compose_advanced(epsilon, steps=steps, slack=1e-6)
    assert delta == 1e-6
    assert delta_of_repeated_answers(epsilon, steps, advanced) <= delta


def test_advanced_wins_for_many_small_epsilons_and_loses_for_few_large_ones():
    assert compose_advanced(0.01, steps=10_000, slack=1e-5)[0] < compose_basic([0.01] * 10_000)[0] / 10
    assert compose_advanced(1.0, steps=3, slack=1e-5)[0] > compose_basic([1.0] * 3)[0]


def test_the_textbooks_numbers():
    # √(2 · 100 · ln 1e5) · 0.1 + 100 · 0.1 · (e^0.1 − 1)
    assert compose_advanced(0.1, steps=100, slack=1e-5)[0] == pytest.approx(4.79853 + 1.05171, abs=1e-4)
    assert compose_basic([0.5, 1.0], [1e-6, 1e-5]) == (1.5, pytest.approx(1.1e-5))


def test_an_accountant_that_knows_the_mechanism_beats_both():
    steps, delta = 200, 1e-5
    noise = noise_for(0.1, delta=delta / steps / 2, sample_rate=1.0, steps=1, accountant="rdp")
    accounted = epsilon_spent(
        noise_multiplier=noise, sample_rate=1.0, steps=steps, delta=delta, accountant="rdp"
    )
    advanced, total = compose_advanced(0.1, steps=steps, slack=delta / 2, delta=delta / steps / 2)
    assert total == pytest.approx(delta)
    assert accounted < advanced < compose_basic([0.1] * steps)[0]


@settings(max_examples=50, deadline=None)
@given(epsilons=st.lists(st.floats(0, 10), min_size=1, max_size=20))
def test_disjoint_groups_cost_the_largest_and_never_more_than_the_sum(epsilons):
    assert compose_parallel(epsilons) == max(epsilons) <= compose_basic(epsilons)[0] + 1e-9


def test_a_group_of_k_pays_k_times():
    assert group_privacy(0.5, people=4) == (2.0, 0.0)
    assert group_privacy(0.5, people=1, delta=1e-5) == (0.5, pytest.approx(1e-5))
    epsilon, delta = group_privacy(0.5, people=3, delta=1e-5)
    assert epsilon == 1.5
    assert delta == pytest.approx(1e-5 * (math.exp(1.5) - 1) / (math.exp(0.5) - 1))
    assert group_privacy(100.0, people=1000, delta=1e-9) == (100_000.0, 1.0)


def test_bad_input_is_refused():
    for call in (
        lambda: compose_basic([-1]), lambda: compose_basic([math.nan]), lambda: compose_basic([1, 2], [0.1]),
        lambda: compose_basic([1], [1.0]), lambda: compose_advanced(1, steps=-1, slack=0.1),
        lambda: compose_advanced(1, steps=1, slack=0), lambda: compose_advanced(1, steps=1.5, slack=0.1),
        lambda: compose_parallel([]), lambda: compose_parallel([math.nan]),
        lambda: group_privacy(1, people=0),
        lambda: group_privacy(1, people=1.5), lambda: group_privacy(-1, people=2),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            call()
    assert compose_advanced(800.0, steps=3, slack=1e-5)[0] == math.inf
