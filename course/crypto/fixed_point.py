"""Signed numbers with a fraction as elements of a prime field: fixed point, with a stated overflow rule."""

import math
from dataclasses import dataclass
from fractions import Fraction

from course.crypto.field import PRIME, check_element, check_prime, is_integer


@dataclass(frozen=True)
class FixedPoint:
    """How numbers become field elements: times 2^fraction_bits, rounded, negatives in the upper half.

    Attributes:
        fraction_bits: bits after the point, at least 0; one step is 2^−fraction_bits.
        prime: the field.

    Overflow rule: a single number outside [−largest, largest] is refused with a ValueError. A *sum* that
    leaves this range comes out as another number, a multiple of prime · 2^−fraction_bits away, and nobody
    can notice, because nobody sees the sum before it is opened. `largest_summand` says what is safe.
    """

    fraction_bits: int = 16
    prime: int = PRIME

    def __post_init__(self) -> None:
        check_prime(self.prime)
        if not is_integer(self.fraction_bits) or self.fraction_bits < 0:
            raise ValueError(f"fraction_bits must be an integer ≥ 0; got {self.fraction_bits!r}")
        if 2**self.fraction_bits > self.prime // 2:
            raise ValueError(
                f"with {self.fraction_bits} bits after the point 1 does not fit in the field of {self.prime}"
            )

    @property
    def largest(self) -> float:
        """The largest float that can be encoded; its negative is the smallest."""
        return self._at_most(self.prime // 2)

    def largest_summand(self, num_summands: int) -> float:
        """How large each of so many numbers may be, in absolute value, so that their sum cannot overflow.

        Raises:
            ValueError: if the number of summands is not positive, or so large that not one step is left.
        """
        if not is_integer(num_summands) or num_summands < 1:
            raise ValueError(f"num_summands must be an integer ≥ 1; got {num_summands!r}")
        steps = (self.prime // 2) // num_summands
        if steps == 0:
            raise ValueError(f"{num_summands} numbers of one step each already overflow the field")
        return self._at_most(steps)

    def encode(self, number: float) -> int:
        """The field element of a number, rounded to the nearest step (halves to the even one).

        Raises:
            ValueError: if the number is not finite or outside [−largest, largest].
        """
        if not math.isfinite(number):
            raise ValueError(f"only finite numbers can be encoded; got {number}")
        # By Fraction, because number · 2^bits may overflow a float or lose digits of a large integer.
        steps = round(Fraction(number if is_integer(number) else float(number)) * 2**self.fraction_bits)
        if abs(steps) > self.prime // 2:
            raise ValueError(f"{number} overflows: the field holds −{self.largest:g} … {self.largest:g}")
        return steps % self.prime

    def decode(self, element: int) -> float:
        """The number of a field element: elements above prime // 2 are negative.

        Raises:
            ValueError: if it is no element of the field.
        """
        check_element(element, prime=self.prime)
        steps = element - self.prime if element > self.prime // 2 else element
        return steps / 2**self.fraction_bits

    def _at_most(self, steps: int) -> float:
        # A float has 53 bits: so many steps may round up, and what was promised to fit would not.
        number = steps / 2**self.fraction_bits
        return number if Fraction(number) * 2**self.fraction_bits <= steps else math.nextafter(number, 0.0)

    def of_products(self) -> "FixedPoint":
        """The encoding of products of two such elements: twice the bits after the point, a smaller range.

        Raises:
            ValueError: if the field is too small for them.
        """
        return FixedPoint(2 * self.fraction_bits, self.prime)
