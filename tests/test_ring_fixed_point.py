"""Fixed point modulo 2^k: arrays come back, sums are exact, and what does not fit is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.crypto.ring_fixed_point import RingFixedPoint
from course.exercises.lesson_08_totals import ROOMS, bits_that_fit

MODULI = (2**16, 2**32, 2**64)


def by_fractions(number, bits, modulus):
    """The residue of a number by exact arithmetic; Python rounds fractions half to even."""
    return round(Fraction(number) * 2**bits) % modulus


@pytest.mark.parametrize(
    ("number", "bits", "residue"),
    [
        (1, 0, 1),
        (-1, 0, 2**16 - 1),
        (1.5, 4, 24),
        (-0.25, 2, 2**16 - 1),
        (0.5, 0, 0),
        (1.5, 0, 2),
        (2.5, 0, 2),
    ],
)
def test_known_residues_modulo_2_to_the_16(number, bits, residue):
    encoded = RingFixedPoint(bits, 2**16).encode(np.array([number]))
    assert encoded.dtype == np.uint16 and encoded.tolist() == [residue]


@given(
    st.sampled_from(MODULI),
    st.integers(0, 13),
    st.lists(st.floats(-3.9, 3.9), min_size=1, max_size=8),
)
def test_encoding_is_what_exact_fractions_say_and_decoding_is_within_half_a_step(modulus, bits, numbers):
    fixed = RingFixedPoint(bits, modulus)
    encoded = fixed.encode(np.array(numbers))
    assert [int(residue) for residue in encoded] == [by_fractions(x, bits, modulus) for x in numbers]
    assert (np.abs(fixed.decode(encoded) - numbers) <= fixed.step / 2).all()


@given(st.sampled_from(MODULI), st.integers(1, 40), st.data())
def test_so_many_summands_of_the_largest_size_add_up_and_one_more_step_each_does_not(modulus, n, data):
    fixed = RingFixedPoint(data.draw(st.integers(0, 8)), modulus)
    largest = fixed.largest_summand(n)
    for sign in (1, -1):
        one = fixed.encode(np.array([sign * largest]))
        with np.errstate(over="ignore"):
            total = fixed.decode(one * one.dtype.type(n))[0]
        assert total == pytest.approx(sign * n * largest, rel=1e-15)
    if modulus < 2**64:
        steps = int(Fraction(largest) * 2**fixed.fraction_bits) + 1
        beyond = steps * n % modulus
        assert fixed.decode(np.array([beyond], dtype=np.uint64))[0] != steps * n * fixed.step


@pytest.mark.parametrize("modulus", MODULI)
def test_the_largest_number_is_encoded_and_what_rounds_beyond_it_is_refused(modulus):
    fixed = RingFixedPoint(10, modulus)
    largest = fixed.largest_summand(1)
    assert fixed.decode(fixed.encode(np.array([largest, -largest]))) == pytest.approx([largest, -largest])
    for number in (modulus / 2048, -modulus / 2048, 1e300, 1e308, np.inf, -np.inf, np.nan):
        with pytest.raises(ValueError, match=r"cannot be encoded: with 10 bits"):
            fixed.encode(np.array([0.0, number]))


def test_the_largest_summand_of_64_bits_does_not_round_up_to_what_overflows():
    for bits in (0, 20, 61):
        fixed = RingFixedPoint(bits, 2**64)
        for n in (1, 3, 7, 1000):
            assert n * int(Fraction(fixed.largest_summand(n)) * 2**bits) < 2**63


def test_shapes_stay_and_inputs_are_left_as_they_are():
    numbers = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    before = numbers.copy()
    encoded = RingFixedPoint().encode(numbers)
    assert encoded.shape == (2, 3) and encoded.dtype == np.dtype("<u4") and (numbers == before).all()
    assert RingFixedPoint().decode(encoded).shape == (2, 3)
    assert RingFixedPoint().encode(np.zeros((0,))).shape == (0,)


def test_a_sum_that_overflows_is_off_by_the_modulus_in_steps():
    fixed = RingFixedPoint(4, 2**16)
    encoded = fixed.encode(np.array([1500.0]))
    with np.errstate(over="ignore"):
        assert fixed.decode(encoded + encoded)[0] == 3000 - 2**16 / 16


@pytest.mark.parametrize(
    "residues", [np.array([1.0]), np.array([-1]), np.array([2**16]), np.array([2**40]), np.array(["1"])]
)
def test_what_is_no_residue_is_refused(residues):
    with pytest.raises(ValueError, match="residues"):
        RingFixedPoint(4, 2**16).decode(residues)


@pytest.mark.parametrize("bits", [-1, 15, 1.0, True, "4"])
def test_bits_that_leave_no_room_for_one_are_refused(bits):
    with pytest.raises(ValueError, match=r"fraction_bits must be an integer in \[0, 1"):
        RingFixedPoint(bits, 2**16)
    assert RingFixedPoint(14, 2**16).encode(np.array([1.0, -1.0])).tolist() == [2**14, 2**16 - 2**14]


@pytest.mark.parametrize("modulus", [2**31, 0, 2.0**32, 2**31 - 1])
def test_other_moduli_are_refused(modulus):
    with pytest.raises(ValueError, match="modulus must be"):
        RingFixedPoint(4, modulus)


@pytest.mark.parametrize("n", [0, -1, 1.5, 2**15])
def test_numbers_of_summands_that_leave_no_step_are_refused(n):
    with pytest.raises(ValueError, match=r"num_summands|already overflow"):
        RingFixedPoint(4, 2**16).largest_summand(n)


@pytest.mark.parametrize(("largest", "num_clients", "modulus"), ROOMS)
def test_the_exercise_on_bits_that_fit_means_the_same_by_fitting(largest, num_clients, modulus):
    bits = bits_that_fit(largest, num_clients, modulus)
    assert RingFixedPoint(bits, modulus).largest_summand(num_clients) >= largest
    if bits + 1 < modulus.bit_length() - 2:
        assert RingFixedPoint(bits + 1, modulus).largest_summand(num_clients) < largest
