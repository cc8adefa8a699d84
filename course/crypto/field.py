"""Arithmetic modulo a prime: which primes, what an element is, and where uniform elements come from."""

import functools
import secrets
from collections.abc import Callable

PRIME = 2**61 - 1
"""The course's field: its elements fit into eight bytes, and sums of a few billion salaries into it."""

KEY_PRIME = 2**521 - 1
"""A field in which a 64-byte key, read as a number, is one element."""

RandomBelow = Callable[[int], int]
"""A source of uniform integers in [0, limit), such as `secrets.randbelow`."""

_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


def check_prime(prime: int) -> int:
    """The modulus, if it is an odd prime.

    Raises:
        ValueError: if it is no integer, or not an odd prime.

    Limits: below 3.3e24 the answer is proved; above, a composite made to deceive the thirteen fixed
        witnesses would pass, so take a prime that is published.
    Source: Miller 1976 and Rabin 1980 (the test); Sorenson and Webster 2015, arXiv:1509.00864,
        Theorem 1.1 (the bound).
    """
    if not is_integer(prime) or prime < 3 or not _probably_prime(prime):
        raise ValueError(f"the modulus must be an odd prime, such as 2**61 - 1; got {prime!r}")
    return prime


def check_element(value: int, *, prime: int, what: str = "a field element") -> int:
    """The value, if it is an integer in [0, prime).

    Raises:
        ValueError: otherwise; nothing is reduced in silence, because a reduced salary is another salary.
    """
    if not is_integer(value) or not 0 <= value < prime:
        raise ValueError(f"{what} must be an integer in [0, {prime}); got {value!r}")
    return value


def random_element(prime: int, random_below: RandomBelow = secrets.randbelow) -> int:
    """A uniform field element; by default from the operating system's cryptographic source.

    Raises:
        ValueError: if the given source leaves [0, prime).
    """
    return check_element(random_below(prime), prime=prime, what="a random element")


def inverse(value: int, *, prime: int) -> int:
    """The element that gives 1 when multiplied by `value`.

    Raises:
        ValueError: if `value` is 0 modulo the prime, which has no inverse.
    """
    if value % prime == 0:
        raise ValueError(f"{value} is 0 modulo {prime}, and 0 has no inverse")
    return pow(value, -1, prime)


def is_integer(value: object) -> bool:
    """Whether this is an `int` and not a `bool`; numpy's integers overflow in silence, so they are not."""
    return isinstance(value, int) and not isinstance(value, bool)


@functools.lru_cache(maxsize=64)
def _probably_prime(number: int) -> bool:
    # Symbols: number − 1 = odd · 2^twos.
    for witness in _WITNESSES:
        if number % witness == 0:
            return number == witness
    twos = ((number - 1) & (1 - number)).bit_length() - 1
    odd = (number - 1) >> twos
    for witness in _WITNESSES:
        power = pow(witness, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
