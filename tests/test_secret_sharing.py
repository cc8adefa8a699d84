"""Secret sharing: shares say nothing until there are enough of them, and then they say everything."""

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.crypto import (
    KEY_PRIME,
    PRIME,
    InconsistentShares,
    Share,
    add_shares,
    reconstruct,
    reconstruct_additive,
    split,
    split_additive,
)
from course.crypto.field import check_prime, inverse, random_element
from course.crypto.secret_sharing import evaluate, interpolate

TINY = 5


def drawing(values):
    """A source of randomness that hands out these values, one after the other."""
    remaining = iter(values)
    return lambda limit: next(remaining)


PSI_12 = 318665857834031151167461
"""Passes the test for the first twelve primes (Sorenson and Webster 2015, Theorem 1.1), and is composite."""


def by_fractions(points, prime):
    """An independent oracle: Lagrange at 0 over the rationals, turned into the field at the very end."""
    total = Fraction(0)
    for x, y in points:
        weight = Fraction(1)
        for other, _ in points:
            if other != x:
                weight *= Fraction(-other, x - other)
        total += y * weight
    return total.numerator * pow(total.denominator, -1, prime) % prime


def views(threshold, num_shares, positions, secret):
    """How often each view of these share holders occurs, over all draws of the coefficients."""
    return Counter(
        tuple(
            split(secret, threshold, num_shares, prime=TINY, random_below=drawing(draws))[i].y
            for i in positions
        )
        for draws in itertools.product(range(TINY), repeat=threshold - 1)
    )


@pytest.mark.parametrize("threshold", range(1, 7))
@pytest.mark.parametrize("prime", [7, 101, PRIME, 2**127 - 1, KEY_PRIME])
def test_every_threshold_sized_subset_reconstructs(threshold, prime):
    secret = prime - 2
    shares = split(secret, threshold, 6, prime=prime)
    for subset in itertools.permutations(shares, threshold):
        assert reconstruct(subset) == secret == by_fractions([(s.x, s.y) for s in subset], prime)


@pytest.mark.parametrize(("threshold", "num_shares"), [(2, 2), (2, 4), (3, 3), (3, 4), (4, 4)])
def test_fewer_shares_than_the_threshold_are_distributed_the_same_for_all_secrets(threshold, num_shares):
    for positions in itertools.combinations(range(num_shares), threshold - 1):
        distributions = [views(threshold, num_shares, positions, secret) for secret in range(TINY)]
        uniform = Counter(itertools.product(range(TINY), repeat=threshold - 1))
        assert all(distribution == uniform for distribution in distributions)


def test_as_many_shares_as_the_threshold_never_look_alike_for_two_secrets():
    seen = [set(views(3, 4, (0, 1, 3), secret)) for secret in range(TINY)]
    assert all(not (a & b) for a, b in itertools.combinations(seen, 2))


@pytest.mark.parametrize("num_shares", [2, 3, 4])
def test_all_but_one_additive_share_are_uniform_for_all_secrets(num_shares):
    for missing in range(num_shares):
        for secret in range(TINY):
            seen = Counter()
            for draws in itertools.product(range(TINY), repeat=num_shares - 1):
                shares = split_additive(secret, num_shares, prime=TINY, random_below=drawing(draws))
                seen[tuple(shares[:missing] + shares[missing + 1 :])] += 1
            assert seen == Counter(itertools.product(range(TINY), repeat=num_shares - 1))


@given(st.integers(0, PRIME - 1), st.integers(2, 12))
def test_additive_shares_add_up_to_the_secret(secret, num_shares):
    shares = split_additive(secret, num_shares)
    assert len(shares) == num_shares
    assert reconstruct_additive(shares) == secret


@given(st.data())
def test_any_shares_from_the_threshold_on_give_the_secret_back(data):
    num_shares = data.draw(st.integers(1, 12))
    threshold = data.draw(st.integers(1, num_shares))
    secret = data.draw(st.integers(0, PRIME - 1))
    shares = split(secret, threshold, num_shares)
    kept = data.draw(st.permutations(shares))[: data.draw(st.integers(threshold, num_shares))]
    assert reconstruct(kept) == secret


@given(st.lists(st.integers(0, PRIME - 1), min_size=1, max_size=8))
def test_sums_of_shares_are_shares_of_the_sum(secret_numbers):
    dealt = [split(secret, 3, 5) for secret in secret_numbers]
    sums = [add_shares(of_one_party) for of_one_party in zip(*dealt, strict=True)]
    assert reconstruct(sums) == sum(secret_numbers) % PRIME


@given(st.data())
def test_as_many_changed_shares_as_there_are_spare_ones_are_always_noticed(data):
    threshold, num_shares = data.draw(st.sampled_from([(1, 2), (2, 4), (3, 5), (4, 7)]))
    shares = split(7, threshold, num_shares, prime=101)
    for index in data.draw(
        st.lists(st.integers(0, num_shares - 1), min_size=1, max_size=num_shares - threshold, unique=True)
    ):
        moved = (shares[index].y + data.draw(st.integers(1, 100))) % 101
        shares[index] = Share(shares[index].x, moved, threshold, 101)
    with pytest.raises(InconsistentShares, match="at least one of them was changed"):
        reconstruct(shares)


def test_with_exactly_threshold_shares_a_changed_one_goes_unnoticed():
    shares = split(7, 3, 5, prime=101)[:3]
    shares[0] = Share(1, (shares[0].y + 1) % 101, 3, 101)
    assert reconstruct(shares) == (7 + 3) % 101  # Lagrange's weight of position 1 among 1, 2, 3 is 3.


def test_two_splits_of_one_secret_share_no_number():
    # By chance two of these 200 numbers are equal with a probability below 2^-46.
    values = [s.y for _ in range(20) for s in split(1, 3, 5)] + [
        y for _ in range(20) for y in split_additive(1, 5)
    ]
    assert len(set(values)) == len(values) == 200


def test_a_share_does_not_print_its_value():
    share = Share(1, 123456789, 2)
    assert "123456789" not in repr(share)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-1, 2, 3), "the secret must be an integer"),
        ((PRIME, 2, 3), "the secret must be an integer"),
        ((1.0, 2, 3), "the secret must be an integer"),
        ((True, 2, 3), "the secret must be an integer"),
        ((1, 0, 3), "threshold must be an integer in"),
        ((1, 4, 3), "threshold must be an integer in"),
        ((1, 2.0, 3), "threshold must be an integer in"),
        ((1, 2, 0), "num_shares must be"),
        ((1, 2, PRIME), "num_shares must be"),
    ],
)
def test_split_refuses_what_is_out_of_range(arguments, words):
    with pytest.raises(ValueError, match=words):
        split(*arguments)


@pytest.mark.parametrize("prime", [0, 1, 2, 4, 9, 561, 2**61, 2**67 - 1, -7, 7.0, True, 3215031751, PSI_12])
def test_a_modulus_that_is_no_odd_prime_is_refused(prime):
    for call in (
        lambda: split(0, 1, 1, prime=prime),
        lambda: split_additive(0, 2, prime=prime),
        lambda: reconstruct_additive([0, 0], prime=prime),
        lambda: Share(1, 0, 1, prime),
    ):
        with pytest.raises(ValueError, match="odd prime"):
            call()


def test_the_prime_test_agrees_with_trial_division():
    for number in range(3, 3000):
        divides = any(number % d == 0 for d in range(2, int(number**0.5) + 1))
        if divides or number % 2 == 0:
            with pytest.raises(ValueError):
                check_prime(number)
        else:
            assert check_prime(number) == number


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([], "at least one"),
        ([(1, 2), (2, 3)], "Share objects"),
        (split(5, 3, 5)[:2], "3 shares are needed to reconstruct; got 2"),
        ([split(5, 2, 3)[0]] * 2, "more than one is at position"),
        ([split(5, 2, 3)[0], split(5, 2, 3, prime=101)[1]], "do not belong together"),
        ([split(5, 2, 3)[0], split(5, 3, 3)[1]], "do not belong together"),
    ],
    ids=["none", "tuples", "too few", "twice", "fields", "thresholds"],
)
def test_reconstruct_refuses_shares_that_cannot_give_a_secret(shares, words):
    with pytest.raises(ValueError, match=words):
        reconstruct(shares)


@pytest.mark.parametrize(
    "arguments",
    [(0, 1, 2, 7), (7, 1, 2, 7), (-1, 1, 2, 7), (1, 7, 2, 7), (1, -1, 2, 7), (1, 1, 0, 7), (1, 1, 7, 7)],
)
def test_a_share_outside_its_field_is_refused(arguments):
    with pytest.raises(ValueError):
        Share(*arguments)


def test_only_shares_of_one_party_and_kind_can_be_added():
    with pytest.raises(ValueError, match="no shares to add"):
        add_shares([])
    for other in (split(1, 2, 3)[1], split(1, 3, 3)[0], split(1, 2, 3, prime=101)[0]):
        with pytest.raises(ValueError, match="one position, threshold and field"):
            add_shares([split(1, 2, 3)[0], other])


@pytest.mark.parametrize("shares", [[], [3], [1, -1], [1, 101], [1, 2.0]])
def test_additive_shares_outside_the_field_are_refused(shares):
    with pytest.raises(ValueError):
        reconstruct_additive(shares, prime=101)


@pytest.mark.parametrize("num_shares", [0, 1, -3, 2.0])
def test_a_secret_that_nobody_shares_is_refused(num_shares):
    with pytest.raises(ValueError, match="at least 2"):
        split_additive(1, num_shares)


def test_a_source_of_randomness_that_leaves_the_field_is_refused():
    with pytest.raises(ValueError, match="random element"):
        random_element(5, lambda limit: limit)


def test_zero_has_no_inverse_and_everything_else_has():
    assert all(value * inverse(value, prime=101) % 101 == 1 for value in range(1, 101))
    with pytest.raises(ValueError, match="no inverse"):
        inverse(202, prime=101)


def test_interpolation_gives_back_the_polynomial_everywhere():
    coefficients = [3, 1, 4, 1]
    shares = [Share(x, evaluate(coefficients, x, prime=101), 4, 101) for x in (2, 30, 77, 100)]
    for x in range(101):
        assert interpolate(shares, at=x) == (3 + x + 4 * x**2 + x**3) % 101
