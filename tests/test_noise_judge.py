"""The judge of noise: right noise of either shape passes, and each kind of wrong noise is named."""

import numpy as np
import pytest

from course.exercises.chance import asks_for_chance, chance, checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import (
    expect_fresh,
    expect_independent,
    expect_scale,
    expect_shape,
    scale_interval,
)

SHAPE = (300, 6)
DRAW = {
    "laplace": lambda rng: rng.laplace(size=SHAPE),
    "normal": lambda rng: rng.normal(size=SHAPE),
    "uniform": lambda rng: rng.uniform(-1, 1, size=SHAPE),
}


def judge(noise, shape):
    expect_fresh(noise)
    expect_independent(noise)
    expect_shape(noise, shape)
    expect_scale([scale_interval(noise, shape)], {}, "wrong scale: {times}")


@pytest.mark.parametrize("shape", ["laplace", "normal"])
def test_right_noise_passes(shape):
    # Ten seeds at a false-alarm probability below 1e-4 each.
    for seed in range(10):
        judge(DRAW[shape](np.random.default_rng(seed)), shape)


@pytest.mark.parametrize("shape", ["laplace", "normal"])
@pytest.mark.parametrize("drawn", ["laplace", "normal", "uniform"])
def test_noise_of_another_shape_is_seen_whatever_its_scale(shape, drawn):
    noise = 7 * DRAW[drawn](np.random.default_rng(1))
    if drawn == shape:
        expect_shape(noise, shape)
    else:
        with pytest.raises(NotYet, match="shape of your noise"):
            expect_shape(noise, shape)


@pytest.mark.parametrize("shape", ["laplace", "normal"])
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_noise_a_fifth_too_small_or_a_quarter_too_large_is_seen(shape, factor):
    for seed in range(10):
        noise = factor * DRAW[shape](np.random.default_rng(seed))
        with pytest.raises(NotYet, match=r"wrong scale: \d"):
            judge(noise, shape)


def test_each_way_to_be_dependent_is_named():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=SHAPE)
    for wrong, words in (
        (np.zeros(SHAPE), "There is no noise"),
        (np.tile(noise[:1], (300, 1)), "fixed seed"),
        (np.repeat(noise[:, :1], 6, axis=1), "One draw"),
        (np.where(np.arange(6) == 2, 0, noise), "no noise at all"),
    ):
        with pytest.raises(NotYet, match=words):
            expect_fresh(wrong)
    with pytest.raises(NotYet, match="noise of another"):
        expect_independent(noise + 0.7 * noise[:, :1])
    with pytest.raises(NotYet, match="noise of the next"):
        expect_independent(noise + 0.7 * np.roll(noise, 1, axis=0))
    with pytest.raises(NotYet, match="preferred sign"):
        expect_shape(np.abs(noise), "normal")


def test_the_scale_interval_holds_the_scale_and_is_narrow():
    for shape in ("laplace", "normal"):
        low, high = scale_interval(3 * DRAW[shape](np.random.default_rng(3)), shape)
        assert low < 3 < high < 1.3 * low


def test_a_mistake_is_named_only_if_it_explains_every_setting():
    guesses = {"twice": [2.0, 2.0], "sensitivity": [2.0, 0.5]}
    with pytest.raises(NotYet, match="sensitivity"):
        expect_scale([(1.9, 2.1), (0.45, 0.55)], guesses, "other {times}")
    with pytest.raises(NotYet, match="other 2 and 3"):
        expect_scale([(1.9, 2.1), (2.9, 3.1)], guesses, "other {times}")
    expect_scale([(0.9, 1.1), (0.95, 1.05)], guesses, "other {times}")


def test_a_checkers_chance_repeats_unless_it_is_changed_on_purpose():
    first = checking_rng("here").random()
    assert checking_rng("here").random() == first != checking_rng("there").random()
    with chance(5):
        assert checking_rng("here").random() != first
    assert checking_rng("here").random() == first
    assert asks_for_chance(lambda answer: checking_rng("x"), None)
    assert not asks_for_chance(lambda answer: None, None)
