"""Which CKKS parameters are allowed: 128 bits of security, and room for the numbers."""

from dataclasses import dataclass

LARGEST_MODULUS_BITS = {1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881}
"""Ring degree → bits of all primes together that still give 128 bits of security (ternary secrets, classical
attacks; against quantum computers the standard's Table 2 allows less). Source: Albrecht et al. 2018,
"Homomorphic encryption security standard", Table 1."""

BITS_OF_A_PRIME = range(20, 61)
"""SEAL takes primes of up to 60 bits, each 1 modulo 2N; the larger rings have few or none below 20 bits."""


class InsecureParameters(ValueError):
    """The primes have too many bits for the ring: less than 128 bits of security."""


@dataclass(frozen=True)
class CkksParameters:
    """A ring, a chain of primes and a scale.

    Attributes:
        ring_degree: N, a power of two; N/2 numbers fit into one ciphertext.
        modulus_bits: bits of each prime, in order. The last serves keys only; each product uses one up, from
            the last but one backwards; the first must stay.
        scale_bits: log2 of the steps in 1.

    Raises:
        InsecureParameters: if the primes together have more bits than the standard allows for this degree.
        ValueError: if a number is out of range, or a middle prime has not the size of the scale.
    """

    ring_degree: int
    modulus_bits: tuple[int, ...]
    scale_bits: int

    def __post_init__(self) -> None:
        if self.ring_degree not in LARGEST_MODULUS_BITS:
            raise ValueError(
                f"ring degree {self.ring_degree}; allowed are {', '.join(map(str, LARGEST_MODULUS_BITS))}"
            )
        if len(self.modulus_bits) < 2 or any(bits not in BITS_OF_A_PRIME for bits in self.modulus_bits):
            raise ValueError(f"primes of {self.modulus_bits} bits; need at least two, of 20 to 60 bits each")
        self._check_security()
        self._check_scale()

    def _check_security(self) -> None:
        total, allowed = sum(self.modulus_bits), LARGEST_MODULUS_BITS[self.ring_degree]
        if total > allowed:
            enough = [degree for degree, bits in LARGEST_MODULUS_BITS.items() if bits >= total]
            raise InsecureParameters(
                f"primes of {total} bits together in a ring of degree {self.ring_degree} give less than "
                f"128 bits of security: the standard allows {allowed} bits there; "
                + (f"take degree {enough[0]}, or fewer bits" if enough else "no ring allows so many")
            )

    def _check_scale(self) -> None:
        # TenSEAL sets the scale back to 2^scale_bits after each product, whatever prime it divided by.
        wrong = [bits for bits in self.modulus_bits[1:-1] if bits != self.scale_bits]
        if wrong:
            raise ValueError(
                f"a middle prime has {wrong[0]} bits, the scale {self.scale_bits}: they must be equal, or "
                "each product comes out wrong by a power of two, without an error"
            )
        if not 1 <= self.scale_bits <= self.modulus_bits[0] - 2:
            raise ValueError(
                f"a scale of {self.scale_bits} bits; with a first prime of {self.modulus_bits[0]} bits it "
                f"may have 1 to {self.modulus_bits[0] - 2}"
            )

    @property
    def slots(self) -> int:
        """How many numbers fit into one ciphertext."""
        return self.ring_degree // 2

    @property
    def depth(self) -> int:
        """How many products one after the other can be computed."""
        return len(self.modulus_bits) - 2

    @property
    def largest_value(self) -> float:
        """Sizes must stay below this to the end: above it numbers wrap around in silence."""
        # A bit is left to the noise and to the prime's being a little below its power of two.
        return 2.0 ** (self.modulus_bits[0] - self.scale_bits - 1) * 0.5


AVERAGING = CkksParameters(4096, (54, 54), 40)
"""No product at all, so the smallest ring does: sums of numbers below 4,096 in absolute value."""

MATCHING = CkksParameters(4096, (37, 34, 37), 34)
"""One product, of numbers whose result stays below 2: the cosine of two unit vectors."""

TEXTBOOK = CkksParameters(8192, (60, 40, 40, 60), 40)
"""The set of most tutorials: two products, at nearly three times the bytes."""
