"""Multiplication of additively shared numbers with Beaver triples, which a dealer hands out beforehand."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from course.crypto.field import PRIME, RandomBelow, check_element, check_prime, is_integer, random_element
from course.crypto.secret_sharing import reconstruct_additive, split_additive


@dataclass(frozen=True)
class Triple:
    """Additive shares of two uniform numbers and of their product, one of each a party. Use it once.

    Attributes:
        a_shares, b_shares, c_shares: one element a party, with c = a · b. Secret, so they are not printed.
        prime: the field.
    """

    a_shares: tuple[int, ...] = field(repr=False)
    b_shares: tuple[int, ...] = field(repr=False)
    c_shares: tuple[int, ...] = field(repr=False)
    prime: int = PRIME

    def __post_init__(self) -> None:
        check_prime(self.prime)
        sizes = {len(self.a_shares), len(self.b_shares), len(self.c_shares)}
        if len(sizes) > 1 or min(sizes) < 2:
            raise ValueError(
                f"a triple has one share of a, b and c for each of ≥ 2 parties; got {sorted(sizes)}"
            )
        for share in (*self.a_shares, *self.b_shares, *self.c_shares):
            check_element(share, prime=self.prime, what="a share of a triple")


@dataclass(frozen=True)
class Multiplied:
    """The outcome of one multiplication.

    Attributes:
        opened: the two numbers that all parties saw, x − a and y − b.
        shares: additive shares of x · y, one a party.
    """

    opened: tuple[int, int]
    shares: tuple[int, ...] = field(repr=False)


def deal_triple(
    num_parties: int, *, prime: int = PRIME, random_below: RandomBelow = secrets.randbelow
) -> Triple:
    """What the dealer does, before anybody has an input: draw a and b, share a, b and a · b.

    Raises:
        ValueError: if there are fewer than two parties or the modulus is not an odd prime.

    Limits: the dealer is trusted. It sees no input, but with the opened x − a it would know x; and a wrong
        c makes a wrong product that nobody notices. Protocols such as SPDZ make triples without a dealer.
    Source: Beaver 1991, "Efficient multiparty protocols using circuit randomization", CRYPTO '91.
    """
    if not is_integer(num_parties) or num_parties < 2:
        raise ValueError(f"a triple is dealt to at least 2 parties; got {num_parties!r}")
    check_prime(prime)
    a, b = random_element(prime, random_below), random_element(prime, random_below)
    shares = [
        tuple(split_additive(value, num_parties, prime=prime, random_below=random_below))
        for value in (a, b, a * b % prime)
    ]
    return Triple(*shares, prime)


def multiply(x_shares: Sequence[int], y_shares: Sequence[int], triple: Triple) -> Multiplied:
    """Shares of x · y from shares of x and of y; two numbers are opened, and both are uniform.

    Args:
        x_shares, y_shares: additive shares, one a party.
        triple: a fresh one, for as many parties and in the same field.

    Raises:
        ValueError: if the numbers of parties differ or a share is no element of the field.

    Guarantee: what all but one of the parties see is distributed the same for all x and y, as long as
        everybody follows the protocol.
    Limits: a second multiplication with the same triple opens x − a and x' − a, so x − x' is known. A
        party that deviates shifts the product, unnoticed.
    Source: Beaver 1991, CRYPTO '91: x y = c + (x−a) b + (y−b) a + (x−a)(y−b).
    """
    prime = triple.prime
    sizes = {len(x_shares), len(y_shares), len(triple.a_shares)}
    if len(sizes) > 1:
        raise ValueError(f"one share of x, of y and of the triple a party is needed; got {sorted(sizes)}")
    for share in (*x_shares, *y_shares):
        check_element(share, prime=prime, what="a share")
    d = sum(x - a for x, a in zip(x_shares, triple.a_shares, strict=True)) % prime
    e = sum(y - b for y, b in zip(y_shares, triple.b_shares, strict=True)) % prime
    shares = [
        (c + d * b + e * a) % prime
        for a, b, c in zip(triple.a_shares, triple.b_shares, triple.c_shares, strict=True)
    ]
    shares[0] = (shares[0] + d * e) % prime  # d · e is public, so one party adds it, and only one.
    return Multiplied((d, e), tuple(shares))


def private_dot_product(
    left: Sequence[int], right: Sequence[int], *, num_parties: int = 3, prime: int = PRIME
) -> int:
    """Σ left[i] · right[i] modulo the prime, computed by parties of which none sees an entry of either.

    Args:
        left, right: elements of the field, shape (n,) each; one owner splits `left`, another `right`.
        num_parties: how many compute, at least 2.

    Returns:
        The opened sum. Only the sum is opened: the products stay shared.

    Raises:
        ValueError: if the lengths differ, there is no entry, or one is no element of the field.

    Guarantee: all but one of the parties together learn the sum, and no more.
    Limits: see `deal_triple` (a trusted dealer) and `multiply` (everybody follows the protocol).
    """
    if len(left) != len(right) or not left:
        raise ValueError(
            f"two vectors of one length ≥ 1 are needed; got {len(left)} and {len(right)} entries"
        )
    totals = [0] * num_parties
    for x, y in zip(left, right, strict=True):
        x_shares = split_additive(x, num_parties, prime=prime)
        y_shares = split_additive(y, num_parties, prime=prime)
        product = multiply(x_shares, y_shares, deal_triple(num_parties, prime=prime))
        totals = [(total + share) % prime for total, share in zip(totals, product.shares, strict=True)]
    return reconstruct_additive(totals, prime=prime)
