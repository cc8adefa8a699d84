"""Who takes part in a round, and how far those who do pull apart."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import ROUNDING, some_model

from course.federated import choose_cohort, mean_cosine

# The cohort ---------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(data=st.data(), num_clients=st.integers(1, 30), seed=st.integers(0, 2**31), turn=st.integers(0, 1_000))
def test_a_cohort_is_a_set_of_clients_that_depends_on_seed_and_round_only(data, num_clients, seed, turn):
    size = data.draw(st.integers(1, num_clients))
    cohort = choose_cohort(num_clients, size, seed=seed, round_index=turn)
    assert len(cohort) == len(set(cohort)) == size
    assert set(cohort) <= set(range(num_clients))
    assert cohort == choose_cohort(num_clients, size, seed=seed, round_index=turn)


def test_without_a_size_everybody_is_in_the_cohort():
    assert choose_cohort(4, None, seed=0, round_index=3) == [0, 1, 2, 3]


def test_every_client_is_drawn_about_equally_often():
    # 2,000 draws of 3 of 10: each client is in 600 ± 20.5; five deviations, so a false alarm in 10 clients
    # has a probability of about 6e-6, and the seed is fixed.
    drawn = [client for turn in range(2_000) for client in choose_cohort(10, 3, seed=1, round_index=turn)]
    assert np.abs(np.bincount(drawn, minlength=10) - 600).max() < 103


@pytest.mark.parametrize("size", [0, -1, 5])
def test_a_cohort_that_cannot_be_drawn_is_refused(size):
    with pytest.raises(ValueError, match=rf"cohort_size is {size}; with 4 clients it must be 1 to 4"):
        choose_cohort(4, size, seed=0, round_index=0)


# Drift --------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(count=st.integers(2, 7), seed=st.integers(0, 1_000))
def test_the_mean_cosine_is_the_mean_over_all_pairs(count, seed):
    updates = [some_model(seed + client) for client in range(count)]
    vectors = [np.concatenate([t.double().numpy().ravel() for t in update.values()]) for update in updates]
    slow = [u @ v / (np.linalg.norm(u) * np.linalg.norm(v)) for u, v in itertools.combinations(vectors, 2)]
    assert mean_cosine(updates) == pytest.approx(np.mean(slow), abs=ROUNDING)


def test_the_mean_cosine_has_its_limits():
    update = some_model(0)
    longer, opposite = ({name: factor * t for name, t in update.items()} for factor in (5.0, -0.1))
    assert mean_cosine([update, longer]) == pytest.approx(1.0)
    assert mean_cosine([update, opposite]) == pytest.approx(-1.0)
    axes = [{"w": row} for row in torch.eye(4)]
    assert mean_cosine(axes) == 0.0


def test_what_has_no_direction_is_refused():
    with pytest.raises(ValueError, match="got 1 updates"):
        mean_cosine([some_model(0)])
    with pytest.raises(ValueError, match="zero everywhere"):
        mean_cosine([some_model(0), {name: 0 * tensor for name, tensor in some_model(0).items()}])
