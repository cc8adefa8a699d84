"""Signed numbers with a fraction as integers modulo 2^k: fixed point for whole arrays at once."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from course.crypto.field import is_integer
from course.crypto.masks import MODULUS, residue_type


@dataclass(frozen=True)
class RingFixedPoint:
    """How arrays of numbers become what `secure_sum` adds: times 2^fraction_bits, rounded, modulo `modulus`.

    Negative numbers are in the upper half: −1 step is modulus − 1, as in two's complement.

    Attributes:
        fraction_bits: bits after the point, at least 0; one step is 2^−fraction_bits.
        modulus: 2^16, 2^32 or 2^64.

    Overflow rule: a single number that rounds to modulus / 2 steps or more, in absolute value, is refused
    with a ValueError. A *sum* of so many steps comes out as another number, modulus · 2^−fraction_bits away
    or a multiple of it, and nobody can notice, because nobody sees the summands. `largest_summand` says what
    is safe.
    """

    fraction_bits: int = 16
    modulus: int = MODULUS

    def __post_init__(self) -> None:
        residue_type(self.modulus)
        if not is_integer(self.fraction_bits) or not 0 <= self.fraction_bits < self.modulus.bit_length() - 2:
            raise ValueError(
                f"fraction_bits must be an integer in [0, {self.modulus.bit_length() - 3}], so that 1 fits "
                f"modulo {self.modulus}; got {self.fraction_bits!r}"
            )

    @property
    def step(self) -> float:
        """The distance of two numbers that can be told apart; rounding moves a number by half of it."""
        return 2.0**-self.fraction_bits

    def largest_summand(self, num_summands: int) -> float:
        """How large each of so many numbers may be, in absolute value, so that their sum cannot overflow.

        Raises:
            ValueError: if the number of summands is not positive, or so large that not one step is left.
        """
        if not is_integer(num_summands) or num_summands < 1:
            raise ValueError(f"num_summands must be an integer ≥ 1; got {num_summands!r}")
        steps = (self.modulus // 2 - 1) // num_summands
        if steps == 0:
            raise ValueError(
                f"{num_summands} numbers of one step each already overflow modulo {self.modulus}"
            )
        # A float has 53 bits: so many steps may round up, and what was promised to fit would not.
        number = steps * self.step
        return number if Fraction(number) * 2**self.fraction_bits <= steps else math.nextafter(number, 0.0)

    def encode(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers in steps, rounded to the nearest (halves to the even one), as unsigned integers.

        Args:
            numbers: an array of any shape, integers or floats. Reckoned in double precision.

        Returns:
            The same shape, of the unsigned type that holds one residue.

        Raises:
            ValueError: if a number is not finite or overflows; see the overflow rule.
        """
        with np.errstate(over="ignore"):  # What overflows a float is refused below.
            steps = np.rint(np.asarray(numbers, dtype=np.float64) * 2.0**self.fraction_bits)
        # Written so that NaN, which is neither smaller nor larger, is refused too.
        if not (np.abs(steps) < self.modulus // 2).all():
            wrong = np.asarray(numbers)[~(np.abs(steps) < self.modulus // 2)].flat[0]
            raise ValueError(
                f"{wrong} cannot be encoded: with {self.fraction_bits} bits after the point modulo "
                f"{self.modulus}, they are finite and at most {self.largest_summand(1):g} in size"
            )
        return steps.astype(np.int64).astype(residue_type(self.modulus))

    def decode(self, residues: np.ndarray) -> np.ndarray:
        """The numbers that these residues stand for, in double precision; the inverse of `encode`.

        Args:
            residues: integers in [0, modulus), an array of any shape.

        Raises:
            ValueError: if they are something else.

        Limits: a double has 53 bits, so with modulus 2^64 a number beyond 2^53 steps is rounded once more.
        """
        residues = np.asarray(residues)
        if residues.dtype.kind not in "iu":
            raise ValueError(f"residues are integers; got an array of {residues.dtype}")
        if residues.size and not 0 <= int(residues.min()) <= int(residues.max()) < self.modulus:
            raise ValueError(
                f"residues must be in [0, {self.modulus}); got {residues.min()} … {residues.max()}"
            )
        kind = residue_type(self.modulus)
        # The same bits, read as two's complement.
        return residues.astype(kind).view(kind.str.replace("u", "i")) * self.step
