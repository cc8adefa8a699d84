"""The solver: right on surfaces whose optimum is known, honest when there is none, and never across units."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course.privacy import Adjacency, Ledger, Unit, epsilon_spent
from course.trade_off import (
    Confirmation,
    Infeasible,
    Point,
    Setting,
    Spec,
    UnitsDiffer,
    choose,
    columns_of,
    epsilon_of,
    epsilon_surface,
    front_within,
    pareto,
    search_cost,
)

DELTA = 1e-5
HALF_WIDTH = 2.7764451051977987 / math.sqrt(5)
"""Of Student's interval over five seeds, in sample standard deviations."""


def point(
    epsilon, accuracy, megabytes, *, unit=Unit.CLIENT, spread=0.0, worst=0.5, noise_multiplier=2.0, **more
):
    """A point whose five seeds have this mean and sample standard deviation; ε is made up."""
    steps = np.array([-2, -1, 0, 1, 2]) / math.sqrt(2.5)
    values = tuple(float(accuracy + spread * step) for step in steps)
    setting = Setting(unit, noise_multiplier, 1.0, 1, 0.1, more.pop("rounds", 50))
    return Point(
        setting, epsilon, DELTA, tuple(range(5)), values, (worst,) * 5, megabytes=megabytes, **more
    )  # fmt: skip


def ask(points, **changes):
    asked = {"unit": Unit.CLIENT, "accuracy": 0.8, "megabytes": 1.0, "delta": DELTA} | changes
    return choose(points, **asked)


# Known optima -----------------------------------------------------------------------------------------


def surface(noise_multiplier, rounds):
    """Accuracy 0.9 − 0.02 z − 5 / T, and 0.01 MB a round."""
    accuracy = 0.9 - 0.02 * noise_multiplier - 5 / rounds
    setting = Setting(Unit.CLIENT, noise_multiplier, 1.0, 1, 0.1, rounds)
    epsilon = epsilon_of(setting, delta=DELTA, accountant="rdp")
    return Point(
        setting, epsilon, DELTA, (0, 1), (accuracy, accuracy), (0.5, 0.5), accountant="rdp",
        megabytes=0.01 * rounds,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accuracy", "megabytes", "best"),
    [
        # z ≤ (0.9 − 5/T − a) / 0.02; a = 0.74 leaves z ≤ 3 at T = 50, z ≤ 5.5 at 100, z ≤ 6.75 at 200.
        (0.74, 0.5, (3.0, 50)),
        (0.78, 0.5, (1.0, 50)),
        (0.76, 0.5, (2.0, 50)),
    ],
)
def test_the_optimum_of_a_surface_that_algebra_solves_is_found(accuracy, megabytes, best):
    grid = [surface(z, rounds) for z in (0.5, 1.0, 2.0, 3.0, 4.0, 5.0) for rounds in (10, 25, 50, 100, 200)]
    # The accuracy asked for is a hair below, because 0.9 − 0.06 − 0.1 is no float.
    spec = choose(grid, unit=Unit.CLIENT, accuracy=accuracy - 1e-9, megabytes=megabytes, delta=DELTA)
    assert (spec.setting.noise_multiplier, spec.setting.rounds) == best


points_of_one_unit = st.lists(
    st.builds(
        point, st.floats(0.01, 50), st.floats(0.3, 0.95), st.floats(0.01, 5), spread=st.floats(0, 0.05),
        worst=st.floats(0.1, 0.9),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@given(
    points_of_one_unit,
    st.floats(0.3, 0.95),
    st.floats(0.01, 5),
    st.sampled_from([0.0, 0.3, 0.6]),
    st.sampled_from([math.inf, 10.0, 1.0]),
)
@settings(max_examples=150, deadline=None)
def test_the_choice_is_that_of_a_slow_loop_over_all_points(points, accuracy, megabytes, worst, limit):
    best = None
    for each in points:
        values = np.array(each.accuracies)
        lower = values.mean() - HALF_WIDTH * values.std(ddof=1)
        # A tie is decided by how a float rounds, so it says nothing about the solver.
        assume(abs(lower - accuracy) > 1e-9 and abs(each.worst_tenths[0] - worst) > 1e-9)
        if not (lower >= accuracy and each.megabytes <= megabytes and each.epsilon <= limit):
            continue
        if worst > 0 and each.worst_tenths[0] < worst:
            continue
        if best is None or each.epsilon < best:
            best = each.epsilon
    found = ask(points, accuracy=accuracy, megabytes=megabytes, worst_tenth=worst, epsilon=limit)
    if best is None:
        assert isinstance(found, Infeasible) and not found
    else:
        assert isinstance(found, Spec) and found.epsilon == best


@given(points_of_one_unit, st.floats(0.3, 0.9), st.floats(0.05, 5))
@settings(max_examples=60, deadline=None)
def test_asking_for_less_never_costs_more(points, accuracy, megabytes):
    hard = ask(points, accuracy=accuracy, megabytes=megabytes)
    easy = ask(points, accuracy=accuracy - 0.05, megabytes=megabytes * 2)
    if hard:
        assert easy and easy.epsilon <= hard.epsilon


def test_the_lower_end_decides_and_not_the_mean():
    lucky = point(0.5, 0.82, 0.5, spread=0.03)
    sure = point(2.0, 0.81, 0.5, spread=0.001, noise_multiplier=1.0)
    assert lucky.accuracy.value > sure.accuracy.value > 0.8 > lucky.accuracy.low
    assert ask([lucky, sure]).point == sure


def test_among_equal_epsilons_the_one_with_fewer_bytes_and_then_the_better_one_is_taken():
    large, poor, good = point(1.0, 0.9, 0.9), point(1.0, 0.85, 0.4), point(1.0, 0.87, 0.4)
    assert ask([large, poor, good]).point == good


def test_a_point_without_noise_is_no_answer():
    assert not ask([point(math.inf, 0.95, 0.1)])
    assert ask([point(math.inf, 0.95, 0.1), point(9.0, 0.9, 0.5)]).epsilon == 9.0


def test_another_delta_is_priced_anew():
    here = surface(2.0, 50)
    asked = choose([here], unit=Unit.CLIENT, accuracy=0.5, megabytes=1, delta=1e-8)
    expected = epsilon_spent(noise_multiplier=2.0, sample_rate=0.1, steps=50, delta=1e-8, accountant="rdp")
    assert asked.epsilon == expected > here.epsilon and asked.delta == 1e-8


# No optimum -------------------------------------------------------------------------------------------


def test_an_infeasible_target_names_the_limit_and_the_nearest_point():
    good, cheap = point(1.0, 0.85, 2.0), point(2.0, 0.7, 0.2)
    found = ask([good, cheap, point(3.0, 0.6, 0.1)])
    assert not found and set(found.binding) == {"accuracy", "megabytes"}
    assert found.nearest == {"accuracy": cheap, "megabytes": good}
    text = str(found)
    assert "none of 3 points per client" in text and "0.700 (lower end) instead of 0.8" in text
    assert "2 MB instead of 1 MB" in text


def test_each_limit_can_be_the_one_that_binds():
    only = point(2.0, 0.85, 0.5, worst=0.6)
    cases = {
        "accuracy": {"accuracy": 0.9}, "megabytes": {"megabytes": 0.4}, "worst tenth": {"worst_tenth": 0.7},
        "epsilon": {"epsilon": 1.0},
    }  # fmt: skip
    for limit, change in cases.items():
        found = ask([only], **change)
        assert found.binding == (limit,) and found.nearest == {limit: only} and limit in str(found)


def test_when_two_limits_must_go_it_says_so():
    near, far = point(2.0, 0.7, 3.0), point(1.0, 0.75, 9.0)
    found = ask([far, near])
    assert found.binding == () and found.nearest == {"accuracy and megabytes": near}
    text = str(found)
    assert "loosen two" in text and "0.700 (lower end) instead of 0.8 and 3 MB instead of 1 MB" in text


def test_without_a_point_that_promises_anything_nothing_is_near():
    found = ask([point(math.inf, 0.9, 0.5)])
    assert not found and found.nearest == {} and found.num_points == 0 and "none of 0 points" in str(found)


@given(points_of_one_unit, st.floats(0.3, 0.95), st.floats(0.01, 5), st.floats(0.05, 20))
@settings(max_examples=80, deadline=None)
def test_loosening_a_binding_limit_to_its_nearest_point_makes_the_target_feasible(
    points, accuracy, size, limit
):
    asked = {"accuracy": accuracy, "megabytes": size, "epsilon": limit}
    found = ask(points, **asked)
    if found:
        return
    for name in found.binding:
        near = found.nearest[name]
        loosened = {"accuracy": near.accuracy.low, "megabytes": near.megabytes, "epsilon": near.epsilon}[name]
        if name == "accuracy" and loosened < 0:
            continue
        again = ask(points, **asked | {name: loosened})
        assert again and again.epsilon <= max(near.epsilon, limit)


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 1.2}, {"accuracy": math.nan}, {"megabytes": 0}, {"delta": 0}, {"delta": 1.0},
        {"worst_tenth": -0.1}, {"epsilon": 0.0}, {"unit": Unit.PATIENT},
    ],
    ids=str,
)  # fmt: skip
def test_a_target_that_means_nothing_is_refused(change):
    with pytest.raises(ValueError, match="target needs"):
        ask([point(1.0, 0.9, 0.5)], **change)


# Units ------------------------------------------------------------------------------------------------


CLIENT, EXAMPLE = point(2.0, 0.85, 0.5), point(0.1, 0.88, 0.5, unit=Unit.EXAMPLE)


def test_a_smaller_epsilon_of_the_other_unit_is_never_chosen():
    assert ask([CLIENT, EXAMPLE]).point == CLIENT
    assert ask([CLIENT, EXAMPLE], unit=Unit.EXAMPLE).point == EXAMPLE
    with pytest.raises(ValueError, match="none of the 1 points has the unit"):
        ask([EXAMPLE])


@pytest.mark.parametrize(
    "compare",
    [
        pareto, lambda points: front_within(points, 5),
        lambda points: epsilon_surface(points, accuracies=[0.5], megabytes=[1.0]),
        lambda points: search_cost([p.setting for p in points], num_seeds=5, delta=DELTA, how="composition"),
    ],
)  # fmt: skip
def test_every_comparison_across_units_is_refused_in_words(compare):
    with pytest.raises(UnitsDiffer, match="ε per client with ε per example"):
        compare([CLIENT, EXAMPLE])


def test_two_specs_are_compared_within_a_unit_and_a_delta_only():
    client, example = ask([CLIENT]), ask([EXAMPLE], unit=Unit.EXAMPLE)
    stricter = ask([point(1.0, 0.85, 0.5)])
    assert stricter.is_stricter_than(client) and not client.is_stricter_than(stricter)
    with pytest.raises(UnitsDiffer, match="neither number"):
        example.is_stricter_than(client)
    with pytest.raises(ValueError, match="says nothing beside"):
        choose([surface(2.0, 50)], unit=Unit.CLIENT, accuracy=0.5, megabytes=1, delta=1e-6).is_stricter_than(
            client
        )


# Fronts and surfaces ----------------------------------------------------------------------------------


@given(points_of_one_unit)
@settings(max_examples=60, deadline=None)
def test_the_pareto_front_is_what_nobody_beats(points):
    def beats(a, b):
        mine, other = ((p.epsilon, p.megabytes, -p.accuracy.value) for p in (a, b))
        return mine != other and all(x <= y for x, y in zip(mine, other, strict=True))

    front = pareto(points)
    assert front and all(not any(beats(other, kept) for other in points) for kept in front)
    assert all(any(beats(kept, left) for kept in front) for left in points if left not in front)
    assert [p.epsilon for p in front] == sorted(p.epsilon for p in front)


def test_a_front_rises_and_a_surface_is_what_choose_answers():
    rng = np.random.default_rng(0)
    points = [
        point(rng.uniform(0.1, 9), rng.uniform(0.4, 0.9), rng.uniform(0.1, 2), spread=0.01) for _ in range(40)
    ]
    columns = columns_of(front_within(points, 1.0))
    assert (np.diff(columns["epsilon"]) > 0).all() and (np.diff(columns["accuracy"]) > 0).all()
    assert columns["megabytes"].max() <= 1.0 and front_within(points, 0.001) == ()
    accuracies, sizes = (0.5, 0.7, 0.99), (0.2, 1.0, 3.0)
    found = epsilon_surface(points, accuracies=accuracies, megabytes=sizes)
    for row, accuracy in enumerate(accuracies):
        for column, size in enumerate(sizes):
            answer = ask(points, accuracy=accuracy, megabytes=size)
            assert found[row, column] == (answer.epsilon if answer else math.inf)


def test_points_of_two_deltas_are_not_one_front():
    with pytest.raises(ValueError, match="different δ"):
        pareto([CLIENT, Point(**{**vars(CLIENT), "delta": 1e-6})])
    with pytest.raises(ValueError, match="at least two seeds"):
        Point(**{**vars(CLIENT), "accuracies": (0.5,)})


# The spec ---------------------------------------------------------------------------------------------


def real_spec(unit=Unit.CLIENT, noise_multiplier=4.0):
    setting = Setting(unit, noise_multiplier, 1.0, 1, 0.1, 50)
    epsilon = epsilon_of(setting, delta=DELTA)
    made = Point(setting, epsilon, DELTA, (0, 1, 2), (0.81, 0.82, 0.83), (0.6, 0.61, 0.62))
    return choose([made], unit=unit, accuracy=0.7, megabytes=5, delta=DELTA)


@pytest.mark.parametrize("unit", [Unit.CLIENT, Unit.EXAMPLE])
def test_the_epsilon_of_a_spec_is_in_the_ledger_and_a_second_accountant_agrees(unit):
    spec, ledger = real_spec(unit), Ledger()
    public, server = spec.enter(ledger)
    assert list(ledger) == [public, server] and spec.claims() == (public, server)
    assert (public.unit, public.adjacency, public.steps) == (unit, Adjacency.ADD_REMOVE, 50)
    second = epsilon_spent(noise_multiplier=4.0, sample_rate=0.1, steps=50, delta=DELTA, accountant="prv")
    assert spec.epsilon == pytest.approx(second, rel=0.02) and public.epsilon == spec.epsilon
    if unit is Unit.EXAMPLE:
        assert server.epsilon == public.epsilon
    else:
        # At most 10 of 50 rounds at rate 0.1 for 99 of 100 clients; replaced, so half the noise.
        assert (server.steps, server.sample_rate, server.adjacency) == (10, 1.0, Adjacency.REPLACE_ONE)
        assert server.epsilon == pytest.approx(
            epsilon_spent(noise_multiplier=2.0, sample_rate=1.0, steps=10, delta=DELTA, accountant="pld"),
            rel=0.1,
        )


def test_a_spec_whose_epsilon_is_not_its_settings_is_refused():
    forged = ask([point(0.1, 0.9, 0.5)])
    with pytest.raises(ValueError, match="its setting gives"):
        forged.enter(Ledger())


ON_THE_PAGE = (
    "NOT COUNTED", "NOT RUN", "add/remove", "replace one", "rounds", "50", "noise multiplier", "local epochs",
    "norm C", "sample rate", "MB expected", "The server knows", "hopeful", "worst tenth", "accountants",
)  # fmt: skip


def test_the_page_says_everything_in_both_forms_and_only_epsilons_that_the_ledger_has():
    spec, ledger = real_spec(), Ledger()
    spec.enter(ledger)
    shown = re.findall(r"ε = ([\d.]+)", str(spec))
    assert sorted(shown) == sorted(f"{claim.epsilon:.2f}" for claim in ledger)
    for text in (str(spec), spec.to_html()):
        assert not [words for words in ON_THE_PAGE if words not in text]
    assert all(sentence in str(spec) for sentence in spec.assumptions)
    assert spec._repr_html_() == spec.to_html() and "<script" not in spec.to_html()
    assert str(spec).count("\n") < 45  # One page.


def test_a_page_with_search_and_fresh_seeds_shows_them():
    spec = real_spec()
    cost = search_cost([spec.setting], num_seeds=5, delta=DELTA, how="public")
    fresh = Confirmation(spec.setting, (100, 101), "test", (0.80, 0.81), (0.58, 0.6))
    text = str(spec.with_search(cost).confirmed_by(fresh))
    assert "no privacy was spent" in text and "0.805" in text and "fresh seeds (test clients)" in text
    assert "NOT" not in text


def test_seeds_that_chose_confirm_nothing_and_neither_does_another_setting():
    spec = real_spec()
    with pytest.raises(ValueError, match=r"\[2\] took part in the choice"):
        spec.confirmed_by(Confirmation(spec.setting, (2, 100), "test", (0.8, 0.8), (0.6, 0.6)))
    with pytest.raises(ValueError, match="these seeds ran"):
        spec.confirmed_by(Confirmation(spec.setting.after(10), (100, 101), "test", (0.8, 0.8), (0.6, 0.6)))
