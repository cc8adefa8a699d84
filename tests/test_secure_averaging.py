"""FedAvg over secure aggregation: the same mean to the stated error, with dropouts, in a real run."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import same, small_model, some_examples, some_model

from course.crypto import Stage, ThresholdNotMet
from course.crypto.ring_fixed_point import RingFixedPoint
from course.federated import fedavg, run_fedavg
from course.federated.secure_averaging import (
    FIXED_POINT,
    flatten_double,
    secure_fedavg,
    secure_mean,
    unflatten,
    weighted_row,
)

LAST_PLACES = 1e-15
"""Relative; one division and one product in double precision."""


def exact_mean(vectors, counts):
    """The weighted mean by fractions: no rounding at all."""
    total = sum(counts.values())
    return [
        sum(counts[i] * Fraction(float(vectors[i][k])) for i in vectors) / total
        for k in range(len(next(iter(vectors.values()))))
    ]


def a_case(n=5, length=6, seed=0):
    rng = np.random.default_rng(seed)
    ids = sorted(rng.choice(10**6, n, replace=False).tolist())
    vectors = {i: rng.normal(size=length) for i in ids}
    return vectors, {i: int(rng.integers(1, 900)) for i in ids}


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 7), st.integers(0, 10**6), st.sampled_from([4, 9, 12]))
def test_the_mean_is_the_exact_one_to_half_a_step_a_client_over_the_examples(n, seed, bits):
    vectors, counts = a_case(n, seed=seed)
    result = secure_mean(vectors, counts, threshold=n // 2 + 1, fixed_point=RingFixedPoint(bits))
    assert result.num_examples == sum(counts.values())
    assert result.error == n * 2.0**-bits / 2 / sum(counts.values())
    for got, exact in zip(result.mean, exact_mean(vectors, counts), strict=True):
        assert abs(Fraction(float(got)) - exact) <= Fraction(result.error) + Fraction(LAST_PLACES) * abs(
            exact
        )


def test_numbers_that_are_whole_steps_average_exactly():
    vectors = {1: np.array([0.5, -2.25]), 2: np.array([1.5, 0.75]), 9: np.array([-0.25, 8.0])}
    result = secure_mean(vectors, {1: 1, 2: 1, 9: 2}, threshold=2, fixed_point=RingFixedPoint(2))
    assert result.mean.tolist() == [0.375, 3.625]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_client_that_drops_is_out_of_numerator_and_denominator_alike(stage):
    vectors, counts = a_case()
    gone = max(vectors)
    result = secure_mean(vectors, counts, threshold=3, dropouts={gone: stage})
    counted = set(vectors) - ({gone} if stage <= Stage.MASKED_INPUT else set())
    assert set(result.secure_sum.survivors) == counted
    assert result.num_examples == sum(counts[i] for i in counted)
    exact = exact_mean({i: vectors[i] for i in counted}, {i: counts[i] for i in counted})
    assert np.allclose(result.mean, [float(x) for x in exact], rtol=LAST_PLACES, atol=result.error)


def test_below_the_threshold_there_is_no_mean():
    vectors, counts = a_case()
    gone = dict.fromkeys(list(vectors)[:3], Stage.MASKED_INPUT)
    with pytest.raises(ThresholdNotMet):
        secure_mean(vectors, counts, threshold=3, dropouts=gone)


def test_fedavg_in_double_precision_is_equal_up_to_the_stated_error():
    models = [some_model(seed, torch.float64) for seed in range(4)]
    counts = [10, 600, 77, 313]
    secure, plain = secure_fedavg(models, counts, threshold=3), fedavg(models, counts)
    error = 4 * FIXED_POINT.step / 2 / 1000
    assert {name: tensor.dtype for name, tensor in secure.items()} == dict.fromkeys(plain, torch.float64)
    for name, tensor in plain.items():
        assert secure[name].shape == tensor.shape
        assert (secure[name] - tensor).abs().max() <= error * (1 + 1e-9)
    # The comparison can fail: with a step 1,000 times as large it is not that good.
    coarse = secure_fedavg(models, counts, threshold=3, fixed_point=RingFixedPoint(2))
    assert max((coarse[name] - plain[name]).abs().max() for name in plain) > error


def test_the_inputs_are_left_as_they_are_and_the_result_has_their_types():
    models = [some_model(seed) for seed in range(3)]
    before = [{name: tensor.clone() for name, tensor in model.items()} for model in models]
    result = secure_fedavg(models, [3, 1, 2], threshold=2)
    assert all(same(one, other) for one, other in zip(models, before, strict=True))
    assert {tensor.dtype for tensor in result.values()} == {torch.float32}
    assert list(result) == list(models[0])


def test_a_run_of_fedavg_on_secure_sums_ends_at_the_same_model():
    clients = [some_examples(count, seed) for seed, count in enumerate((20, 35, 50, 11))]
    run = partial(
        run_fedavg, clients, some_examples(40, 9), model=small_model(), rounds=5, seed=0, learning_rate=0.1
    )
    plain, secure = run(), run(aggregate=partial(secure_fedavg, threshold=3))
    for name, tensor in plain.weights.items():
        assert (tensor - secure.weights[name]).abs().max() < 1e-4
    assert np.abs(plain.accuracy - secure.accuracy).max() <= 1 / 40


@settings(deadline=None)
@given(st.integers(2, 50), st.integers(0, 15), st.integers(1, 5_000))
def test_what_one_client_may_send_cannot_make_the_sum_overflow(num_clients, bits, count):
    fixed = RingFixedPoint(bits)
    largest = fixed.largest_summand(num_clients) / count
    for x in (largest, -largest):
        row = weighted_row(np.array([x * (1 - 1e-12)]), count, num_clients=num_clients, fixed_point=fixed)
        with np.errstate(over="ignore"):
            total = row * row.dtype.type(num_clients)
        assert np.sign(fixed.decode(total[:-1])) == np.sign(x)
        assert total[-1] == num_clients * count
    with pytest.raises(ValueError, match="at most"):
        weighted_row(
            np.array([1.001 * largest + 2 * fixed.step]), count, num_clients=num_clients, fixed_point=fixed
        )


@pytest.mark.parametrize("x", [1e9, -1e9, np.nan, np.inf])
def test_a_vector_that_could_overflow_is_refused_before_anything_is_sent(x):
    with pytest.raises(ValueError, match=r"with 2 clients and steps of .* at most"):
        secure_mean({1: np.array([0.0, x]), 2: np.zeros(2)}, {1: 5, 2: 5}, threshold=2)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, 2**31])
def test_a_count_that_is_no_number_of_examples_is_refused(count):
    with pytest.raises(ValueError, match="num_examples must be an integer from 1"):
        secure_mean({1: np.zeros(2), 2: np.zeros(2)}, {1: count, 2: 5}, threshold=2)


def test_clients_that_differ_are_refused():
    with pytest.raises(ValueError, match="counts of"):
        secure_mean({1: np.zeros(2), 2: np.zeros(2)}, {1: 3, 3: 3}, threshold=2)
    with pytest.raises(ValueError, match="one dimension"):
        secure_mean({1: np.zeros((2, 2)), 2: np.zeros((2, 2))}, {1: 3, 2: 3}, threshold=2)
    with pytest.raises(ValueError, match="one count a model"):
        secure_fedavg([some_model(0)], [3, 4], threshold=2)
    with pytest.raises(ValueError, match="one count a model"):
        secure_fedavg([], [], threshold=2)
    odd = some_model(1) | {"bias": torch.zeros(3)}
    with pytest.raises(ValueError, match="client 1 and client 0 disagree"):
        secure_fedavg([some_model(0), odd], [3, 4], threshold=2)


def test_flattening_comes_back_and_a_wrong_length_is_refused():
    model = some_model(3)
    assert same(unflatten(flatten_double(model), like=model), model)
    with pytest.raises(ValueError, match="the model has 9 parameters"):
        unflatten(np.zeros(8), like=model)
