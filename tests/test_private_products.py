"""Fixed point says when it overflows, and Beaver's triples multiply without showing what."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.crypto import (
    PRIME,
    FixedPoint,
    Triple,
    deal_triple,
    multiply,
    private_dot_product,
    reconstruct_additive,
    split_additive,
)

TINY = 3
elements = st.integers(0, PRIME - 1)


@given(st.floats(-1e9, 1e9))
def test_a_number_comes_back_to_half_a_step(number):
    encoding = FixedPoint(16)
    assert abs(encoding.decode(encoding.encode(number)) - number) <= 2**-17


@given(st.integers(0, 100))
def test_every_element_of_a_small_field_comes_back(element):
    encoding = FixedPoint(3, 101)
    assert encoding.encode(encoding.decode(element)) == element


def test_the_ends_of_the_range_are_encoded_and_the_next_step_is_refused():
    encoding = FixedPoint(2, 101)
    assert encoding.largest == 12.5
    assert encoding.encode(12.5) == 50 and encoding.encode(-12.5) == 51
    for number in (12.75, -12.75, 1e300):
        with pytest.raises(ValueError, match="overflows"):
            encoding.encode(number)


@given(st.integers(1, 50), st.data())
def test_summands_below_the_stated_limit_never_overflow(num_summands, data):
    encoding = FixedPoint(1, 211)
    limit = encoding.largest_summand(num_summands)
    steps = data.draw(
        st.lists(st.integers(-int(2 * limit), int(2 * limit)), min_size=num_summands, max_size=num_summands)
    )
    total = sum(encoding.encode(s / 2) for s in steps) % 211
    assert encoding.decode(total) == sum(steps) / 2


@pytest.mark.parametrize("num_summands", [1, 2, 3, 4, 5, 8, 1_000])
def test_the_stated_limits_hold_where_a_float_would_round_them_up(num_summands):
    encoding = FixedPoint(16)
    limit = encoding.encode(encoding.largest_summand(num_summands))
    assert num_summands * limit <= PRIME // 2
    assert encoding.encode(encoding.largest) <= PRIME // 2


def test_one_step_above_the_limit_a_sum_overflows():
    encoding = FixedPoint(1, 211)
    above = encoding.largest_summand(10) + 0.5
    assert encoding.decode(10 * encoding.encode(above) % 211) != 10 * above


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_encoded(number):
    with pytest.raises(ValueError, match="finite"):
        FixedPoint().encode(number)


@pytest.mark.parametrize("arguments", [(-1,), (1.5,), (61,), (6, 101), (4, 100)])
def test_an_encoding_that_cannot_work_is_refused(arguments):
    with pytest.raises(ValueError):
        FixedPoint(*arguments)


def test_limits_of_an_encoding_are_checked():
    with pytest.raises(ValueError, match="≥ 1"):
        FixedPoint().largest_summand(0)
    with pytest.raises(ValueError, match="already overflow"):
        FixedPoint(1, 211).largest_summand(106)
    with pytest.raises(ValueError, match="field element"):
        FixedPoint(1, 211).decode(211)
    with pytest.raises(ValueError, match="1 does not fit"):
        FixedPoint(40).of_products()


@given(elements, elements, st.integers(2, 5))
def test_shares_of_two_numbers_become_shares_of_their_product(x, y, num_parties):
    result = multiply(
        split_additive(x, num_parties), split_additive(y, num_parties), deal_triple(num_parties)
    )
    assert reconstruct_additive(result.shares) == x * y % PRIME


def test_what_all_but_one_party_see_is_the_same_for_all_inputs():
    # Over all draws in the field of 3, with two parties: what one of them sees is its shares of x, y, a, b
    # and c, and the two opened numbers.
    def views(x, y, party):
        seen = Counter()
        for x0, y0, a, b, a0, b0, c0 in itertools.product(range(TINY), repeat=7):
            triple = Triple((a0, (a - a0) % TINY), (b0, (b - b0) % TINY), (c0, (a * b - c0) % TINY), TINY)
            x_shares, y_shares = (x0, (x - x0) % TINY), (y0, (y - y0) % TINY)
            result = multiply(x_shares, y_shares, triple)
            seen[
                x_shares[party],
                y_shares[party],
                triple.a_shares[party],
                triple.b_shares[party],
                triple.c_shares[party],
                *result.opened,
            ] += 1
        return seen

    for party in (0, 1):
        inputs = list(itertools.product(range(TINY), repeat=2))
        first = views(*inputs[0], party)
        assert all(views(x, y, party) == first for x, y in inputs[1:])


def test_a_triple_used_twice_gives_a_difference_away():
    triple = deal_triple(3)
    first, second = (multiply(split_additive(x, 3), split_additive(5, 3), triple) for x in (1000, 1234))
    assert (second.opened[0] - first.opened[0]) % PRIME == 234


def test_a_dealt_triple_holds_a_product_and_two_are_different():
    one, two = deal_triple(3), deal_triple(3)
    a, b, c = (reconstruct_additive(s) for s in (one.a_shares, one.b_shares, one.c_shares))
    assert c == a * b % PRIME
    assert not set(one.a_shares + one.b_shares + one.c_shares) & set(
        two.a_shares + two.b_shares + two.c_shares
    )


@given(st.lists(st.tuples(elements, elements), min_size=1, max_size=6), st.integers(2, 4))
def test_the_private_dot_product_is_the_dot_product(pairs, num_parties):
    left, right = (list(column) for column in zip(*pairs, strict=True))
    expected = sum(x * y for x, y in pairs) % PRIME
    assert private_dot_product(left, right, num_parties=num_parties) == expected


@given(st.lists(st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)), min_size=1, max_size=6))
def test_a_private_dot_product_of_fractions_is_exact_after_rounding(pairs):
    encoding = FixedPoint(12)
    left, right = ([encoding.encode(v) for v in column] for column in zip(*pairs, strict=True))
    exact = sum(round(Fraction(x) * 2**12) * round(Fraction(y) * 2**12) for x, y in pairs)
    assert encoding.of_products().decode(private_dot_product(left, right)) == exact / 2**24


@pytest.mark.parametrize(
    "call",
    [
        lambda: multiply([1, 2], [1, 2, 3], deal_triple(3)),
        lambda: multiply([1, 2], [1, 2], deal_triple(3)),
        lambda: multiply([1, PRIME], [1, 2], deal_triple(2)),
        lambda: multiply([1, 2], [1, -2], deal_triple(2)),
        lambda: deal_triple(1),
        lambda: deal_triple(2, prime=100),
        lambda: Triple((1, 2), (1,), (1, 2)),
        lambda: Triple((1,), (1,), (1,)),
        lambda: Triple((1, 2), (1, 2), (1, PRIME)),
        lambda: private_dot_product([1], [1, 2]),
        lambda: private_dot_product([], []),
        lambda: private_dot_product([1], [1], num_parties=1),
        lambda: private_dot_product([1], [PRIME]),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(call):
    with pytest.raises(ValueError):
        call()
