"""Every partition deals out each example exactly once; each kind is skewed as its definition says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.data import label_counts, partition_dirichlet, partition_iid, partition_shards

KINDS = {
    "iid": partition_iid,
    "shards": partition_shards,
    "dirichlet 0.1": lambda labels, num_clients, **rest: partition_dirichlet(
        labels, num_clients, alpha=0.1, **rest
    ),
    "dirichlet 100": lambda labels, num_clients, **rest: partition_dirichlet(
        labels, num_clients, alpha=100.0, **rest
    ),
}
every_kind = pytest.mark.parametrize("partition", KINDS.values(), ids=KINDS.keys())

some_seed = st.integers(0, 2**63 - 1)
# A busy machine is slow now and then, and that is no error.
any_time = settings(deadline=None)


@st.composite
def dealings(draw, max_clients=20, max_each=1):
    """Random digits, a number of clients, and how many pieces each needs: always enough examples."""
    num_clients = draw(st.integers(1, max_clients))
    num_each = draw(st.integers(1, max_each))
    needed = num_clients * num_each
    labels = draw(st.lists(st.integers(0, 9), min_size=needed, max_size=needed + 100))
    return np.array(labels), num_clients, num_each


def balanced_labels(num_classes, num_each, *, seed=0):
    """`num_each` labels of each class in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(num_classes), num_each))


def is_partition(parts, num_examples):
    return np.array_equal(np.sort(np.concatenate(parts)), np.arange(num_examples))


# ----- what holds for all three -----


@every_kind
@any_time
@given(dealing=dealings(max_each=2), seed=some_seed)
def test_each_example_goes_to_exactly_one_client_and_none_is_empty(partition, dealing, seed):
    labels, num_clients, _ = dealing
    labels = np.concatenate([labels, labels])  # Two shards a client need two examples.
    parts = partition(labels, num_clients, seed=seed)
    assert len(parts) == num_clients
    assert is_partition(parts, len(labels))
    for part in parts:
        assert part.dtype == np.int64
        assert len(part) >= 1
        assert np.all(np.diff(part) > 0)


@every_kind
@any_time
@given(labels=st.lists(st.integers(0, 9), min_size=10, max_size=100), seed=some_seed)
def test_the_same_seed_gives_the_same_parts(partition, labels, seed):
    for first, second in zip(partition(labels, 5, seed=seed), partition(labels, 5, seed=seed), strict=True):
        np.testing.assert_array_equal(first, second)


@every_kind
def test_different_seeds_give_different_parts(partition):
    labels = balanced_labels(10, 100)
    dealings = {tuple(map(tuple, partition(labels, 20, seed=seed))) for seed in range(5)}
    assert len(dealings) == 5


@every_kind
def test_neither_the_labels_nor_the_global_random_state_are_touched(partition):
    labels = balanced_labels(10, 10)
    before, state = labels.copy(), np.random.get_state()[1].copy()
    partition(labels, 5, seed=1)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@every_kind
def test_text_labels_and_lists_are_dealt_out_too(partition):
    assert is_partition(partition(["<=50K", ">50K", "<=50K", "<=50K"], 2, seed=0), 4)


@every_kind
@pytest.mark.parametrize("labels", [np.array([]), np.zeros((4, 2), int), np.array(3)])
def test_labels_that_are_empty_or_not_one_dimensional_are_refused(partition, labels):
    with pytest.raises(ValueError, match="labels must be 1-D with at least one example"):
        partition(labels, 1, seed=0)


@every_kind
@pytest.mark.parametrize("num_clients", [0, -1, 2.0, True, None])
def test_a_number_of_clients_that_is_not_a_positive_integer_is_refused(partition, num_clients):
    with pytest.raises(ValueError, match="num_clients must be a positive whole number, got"):
        partition(np.arange(10), num_clients, seed=0)


@every_kind
def test_more_clients_than_examples_is_refused_with_both_numbers(partition):
    with pytest.raises(ValueError, match=r"num_clients=11.* but there are 10"):
        partition(np.arange(10), 11, seed=0)


# ----- iid -----


@any_time
@given(dealing=dealings(max_clients=50), seed=some_seed)
def test_iid_sizes_differ_by_at_most_one(dealing, seed):
    labels, num_clients, _ = dealing
    sizes = [len(part) for part in partition_iid(labels, num_clients, seed=seed)]
    assert max(sizes) - min(sizes) <= 1


def test_iid_clients_hold_every_label_in_nearly_equal_numbers():
    # Hypergeometric, mean 100, standard deviation 9.0: five of them is passed by one of the 100 cells with
    # probability below 1e-4, and the seed is fixed.
    labels = balanced_labels(10, 1000)
    counts = label_counts(labels, partition_iid(labels, 10, seed=0))
    assert np.abs(counts - 100).max() < 45


# ----- shards -----


@any_time
@given(dealing=dealings(max_each=4), seed=some_seed)
def test_each_client_holds_whole_shards_of_the_sorted_examples(dealing, seed):
    labels, num_clients, shards_per_client = dealing
    num_shards = num_clients * shards_per_client
    # The slow oracle: sort by (label, position) in plain Python and cut by hand.
    order = sorted(range(len(labels)), key=lambda example: (labels[example], example))
    size, num_longer = divmod(len(labels), num_shards)
    lengths = [size + 1] * num_longer + [size] * (num_shards - num_longer)
    starts = [sum(lengths[:shard]) for shard in range(num_shards)]
    shards = {frozenset(order[start : start + length]) for start, length in zip(starts, lengths, strict=True)}
    for part in partition_shards(labels, num_clients, shards_per_client=shards_per_client, seed=seed):
        held = [shard for shard in shards if shard <= set(part.tolist())]
        assert len(held) == shards_per_client
        assert sum(map(len, held)) == len(part)


@pytest.mark.parametrize("num_clients", [5, 10, 50, 100])
def test_two_shards_mean_at_most_two_digits_when_digits_are_equally_frequent(num_clients):
    labels = balanced_labels(10, 600)
    for seed in range(5):
        counts = label_counts(labels, partition_shards(labels, num_clients, seed=seed))
        assert (counts > 0).sum(axis=1).max() == 2
        assert set(counts.sum(axis=1)) == {6000 // num_clients}


def test_a_shard_may_straddle_two_digits_when_they_are_not_equally_frequent():
    labels = np.repeat([0, 1, 2], [3, 4, 5])
    (part,) = partition_shards(labels, 1, shards_per_client=1, seed=0)
    assert len(part) == 12
    counts = label_counts(labels, partition_shards(labels, 3, shards_per_client=1, seed=0), num_classes=3)
    assert sorted(counts.tolist()) == [[0, 0, 4], [0, 3, 1], [3, 1, 0]]


def test_more_shards_than_examples_is_refused():
    with pytest.raises(ValueError, match=r"num_clients=4 \* shards_per_client=3 needs at least 12 examples"):
        partition_shards(np.arange(11), 4, shards_per_client=3, seed=0)


@pytest.mark.parametrize("shards_per_client", [0, -2, 1.5])
def test_a_number_of_shards_that_is_not_a_positive_integer_is_refused(shards_per_client):
    with pytest.raises(ValueError, match="shards_per_client must be a positive whole number"):
        partition_shards(np.arange(10), 2, shards_per_client=shards_per_client, seed=0)


# ----- Dirichlet -----


def test_a_huge_alpha_splits_every_label_evenly():
    # Shares deviate by about 6e-4 of the mean of 200, and rounding by less than one example.
    labels = balanced_labels(10, 1000)
    counts = label_counts(labels, partition_dirichlet(labels, 5, alpha=1e6, seed=0))
    assert np.abs(counts - 200).max() <= 2


def test_a_tiny_alpha_gives_nearly_all_of_a_label_to_one_client():
    labels = balanced_labels(10, 1000)
    counts = label_counts(labels, partition_dirichlet(labels, 5, alpha=1e-4, seed=0))
    assert counts.max(axis=0).min() >= 990


@pytest.mark.parametrize("alpha", [0.1, 0.5, 5.0])
def test_the_shares_of_a_label_have_the_variance_of_the_dirichlet(alpha):
    # Closed form: each share has mean 1/K and variance (1/K)(1 - 1/K) / (K alpha + 1). The mean of 2,000
    # independent labels lies within five standard errors but for one seed in a million; the seed is fixed.
    num_clients, num_classes, num_each = 4, 2000, 200
    labels = np.repeat(np.arange(num_classes), num_each)
    parts = partition_dirichlet(labels, num_clients, alpha=alpha, seed=7)
    shares = label_counts(labels, parts, num_classes=num_classes) / num_each
    variance = (1 / num_clients) * (1 - 1 / num_clients) / (num_clients * alpha + 1)
    assert np.abs(shares.mean(axis=1) - 1 / num_clients).max() < 5 * np.sqrt(variance / num_classes)
    squares = (shares - 1 / num_clients) ** 2
    rounding = 1 / num_each**2
    standard_errors = squares.std(axis=1) / np.sqrt(num_classes)
    assert np.all(np.abs(squares.mean(axis=1) - variance) < 5 * standard_errors + rounding)


def test_rounding_to_whole_examples_favours_no_client():
    # 3,000 labels of one example each: every client expects 1,000 with standard deviation below 26, so five
    # deviations are a false alarm for one seed in a million. Rounding down would give all to the last client.
    parts = partition_dirichlet(np.arange(3000), 3, alpha=1e6, seed=0)
    assert max(abs(len(part) - 1000) for part in parts) < 130


@any_time
@given(dealing=dealings(max_each=10), alpha=st.floats(5e-324, 1e6), seed=some_seed)
def test_every_client_has_the_minimum_whatever_alpha(dealing, alpha, seed):
    labels, num_clients, min_examples = dealing
    parts = partition_dirichlet(labels, num_clients, alpha=alpha, seed=seed, min_examples=min_examples)
    assert is_partition(parts, len(labels))
    assert min(map(len, parts)) >= min_examples


def test_a_minimum_that_nobody_misses_changes_nothing():
    labels = balanced_labels(10, 100)
    plain = partition_dirichlet(labels, 5, alpha=10.0, seed=3)
    assert min(map(len, plain)) >= 50
    topped_up = partition_dirichlet(labels, 5, alpha=10.0, seed=3, min_examples=50)
    for first, second in zip(plain, topped_up, strict=True):
        np.testing.assert_array_equal(first, second)


def test_topping_up_moves_only_what_is_missing():
    # One label and a vanishing alpha: one client is dealt everything, and the others get one example each.
    parts = partition_dirichlet(np.zeros(100, int), 5, alpha=1e-300, seed=0)
    assert sorted(map(len, parts)) == [1, 1, 1, 1, 96]


def test_topping_up_leaves_no_donor_short_when_there_is_nothing_to_spare():
    labels = balanced_labels(4, 3)
    for seed in range(50):
        parts = partition_dirichlet(labels, 4, alpha=0.5, seed=seed, min_examples=3)
        assert [len(part) for part in parts] == [3, 3, 3, 3]


def test_topping_up_takes_from_every_label_of_the_donor():
    # A vanishing alpha gives whole labels: two clients have 300 and 0 examples before topping up, or 200 and
    # 100. Sixty random examples of 300 lack one of three labels with probability below 1e-10.
    labels = balanced_labels(3, 100)
    topped_up = 0
    for seed in range(30):
        parts = partition_dirichlet(labels, 2, alpha=1e-300, seed=seed, min_examples=60)
        smaller = min(label_counts(labels, parts, num_classes=3), key=sum)
        if smaller.sum() == 60:
            topped_up += 1
            assert smaller.min() > 0
    assert topped_up > 0


def test_which_examples_of_a_label_a_client_gets_is_random():
    # Without a shuffle the first client would get the first half of the data set, whoever comes first in it.
    parts = partition_dirichlet(np.zeros(1000, int), 2, alpha=1e6, seed=0)
    assert 400 < np.mean(parts[0]) < 600


@pytest.mark.parametrize("alpha", [0, -1.0, float("nan"), float("inf"), 1e7])
def test_an_alpha_out_of_range_is_refused_with_its_value(alpha):
    with pytest.raises(ValueError, match=rf"alpha must be above 0 and at most 1e\+06, got {alpha}"):
        partition_dirichlet(np.arange(10), 2, alpha=alpha, seed=0)


def test_a_minimum_that_cannot_be_met_is_refused():
    with pytest.raises(ValueError, match=r"num_clients=4 \* min_examples=3 needs at least 12 examples"):
        partition_dirichlet(np.arange(11), 4, alpha=1.0, seed=0, min_examples=3)


@pytest.mark.parametrize("min_examples", [0, -1, 0.5])
def test_a_minimum_that_is_not_a_positive_integer_is_refused(min_examples):
    with pytest.raises(ValueError, match="min_examples must be a positive whole number"):
        partition_dirichlet(np.arange(10), 2, alpha=1.0, seed=0, min_examples=min_examples)


# ----- who holds what -----


@any_time
@given(dealing=dealings(), seed=some_seed)
def test_label_counts_agree_with_counting_by_hand(dealing, seed):
    labels, num_clients, _ = dealing
    parts = partition_iid(labels, num_clients, seed=seed)
    counts = label_counts(labels, parts)
    by_hand = [[sum(int(labels[i]) == digit for i in part) for digit in range(10)] for part in parts]
    assert counts.dtype == np.int64
    assert counts.tolist() == by_hand


def test_label_counts_show_an_empty_client_and_an_absent_label():
    parts = [np.array([0, 2]), np.array([], dtype=np.int64)]
    assert label_counts(np.array([1, 0, 1]), parts, num_classes=3).tolist() == [[0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("labels", [[0, 10], [-1, 0], [0.0, 1.0], ["a", "b"]])
def test_label_counts_refuse_labels_out_of_range(labels):
    with pytest.raises(ValueError, match="labels must be integers from 0 to 9"):
        label_counts(np.array(labels), [np.array([0])])


@pytest.mark.parametrize("part", [[-1], [0, 2]])
def test_label_counts_refuse_an_index_that_is_nobodys(part):
    with pytest.raises(ValueError, match="client 1 holds an index outside 0 to 1"):
        label_counts(np.array([0, 1]), [np.array([0]), np.array(part)])
