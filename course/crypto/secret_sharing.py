"""Secret sharing over a prime field: additive (all shares needed) and Shamir's (any `threshold` suffice)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from course.crypto.field import (
    PRIME,
    RandomBelow,
    check_element,
    check_prime,
    inverse,
    is_integer,
    random_element,
)


class InconsistentShares(ValueError):
    """More shares than needed were given, and they do not lie on one polynomial: somebody changed one."""


@dataclass(frozen=True)
class Share:
    """One point of a Shamir polynomial.

    Attributes:
        x: where the polynomial was evaluated, in [1, prime); never 0, where the secret is.
        y: its value there, in [0, prime). Secret: it is not shown when a share is printed.
        threshold: how many shares suffice.
        prime: the field.
    """

    x: int
    y: int = field(repr=False)
    threshold: int
    prime: int = PRIME

    def __post_init__(self) -> None:
        check_prime(self.prime)
        check_element(self.x, prime=self.prime, what="the position of a share")
        check_element(self.y, prime=self.prime, what="the value of a share")
        if self.x == 0:
            raise ValueError("a share at position 0 would be the secret itself; positions start at 1")
        if not is_integer(self.threshold) or not 1 <= self.threshold < self.prime:
            raise ValueError(f"a threshold is an integer in [1, {self.prime}); got {self.threshold!r}")


def split_additive(
    secret: int, num_shares: int, *, prime: int = PRIME, random_below: RandomBelow = secrets.randbelow
) -> list[int]:
    """Split a secret into numbers that add up to it modulo the prime.

    Args:
        secret: in [0, prime).
        num_shares: how many, at least 2.
        prime: the field.
        random_below: the source of randomness; another one is for tests that enumerate all draws.

    Returns:
        `num_shares` elements in [0, prime).

    Raises:
        ValueError: if an argument is out of range or the modulus is not an odd prime.

    Guarantee: any `num_shares` − 1 of them are uniform and independent, whatever the secret is.
    Limits: to learn from, not to deploy (Python's integers take time that depends on their values). One
        lost share loses the secret; one changed share changes it, and nobody notices.
    Source: folklore. The last share is the secret under a one-time pad, the sum of the others.
    """
    check_prime(prime)
    check_element(secret, prime=prime, what="the secret")
    if not is_integer(num_shares) or num_shares < 2:
        raise ValueError(f"additive sharing needs at least 2 shares; got num_shares={num_shares!r}")
    drawn = [random_element(prime, random_below) for _ in range(num_shares - 1)]
    return [*drawn, (secret - sum(drawn)) % prime]


def reconstruct_additive(shares: Sequence[int], *, prime: int = PRIME) -> int:
    """Add the shares up, modulo the prime.

    Raises:
        ValueError: if there are fewer than two, or one is no element of the field.

    Limits: it cannot know how many shares there were. With one missing, the result is a uniform number,
        and no error.
    """
    check_prime(prime)
    if len(shares) < 2:
        raise ValueError(f"additive sharing has at least 2 shares; got {len(shares)}")
    return sum(check_element(share, prime=prime, what="a share") for share in shares) % prime


def split(
    secret: int,
    threshold: int,
    num_shares: int,
    *,
    prime: int = PRIME,
    random_below: RandomBelow = secrets.randbelow,
) -> list[Share]:
    """Split a secret so that any `threshold` of the shares give it back, and fewer say nothing.

    Args:
        secret: in [0, prime).
        threshold: how many shares suffice, in [1, num_shares].
        num_shares: how many shares there are, below the prime.
        prime: the field.
        random_below: the source of randomness; another one is for tests that enumerate all draws.

    Returns:
        Shares at the positions 1 … num_shares.

    Raises:
        ValueError: if an argument is out of range or the modulus is not an odd prime.

    Guarantee: any `threshold` − 1 shares are uniform and independent, whatever the secret is, against an
        attacker with any computer.
    Limits: to learn from, not to deploy (Python's integers take time that depends on their values). The one
        who splits must be honest: nothing here shows a share holder that their share fits the others.
    Source: Shamir 1979, "How to share a secret", CACM 22(11).
    """
    check_prime(prime)
    check_element(secret, prime=prime, what="the secret")
    if not is_integer(num_shares) or not 1 <= num_shares < prime:
        raise ValueError(f"num_shares must be an integer in [1, {prime}); got {num_shares!r}")
    if not is_integer(threshold) or not 1 <= threshold <= num_shares:
        raise ValueError(f"threshold must be an integer in [1, num_shares = {num_shares}]; got {threshold!r}")
    # The polynomial is secret + c₁x + … + c_{t−1}x^{t−1}. The last coefficient may be 0 too: if it could
    # not, a share would rule out one secret.
    coefficients = [secret] + [random_element(prime, random_below) for _ in range(threshold - 1)]
    return [
        Share(x, evaluate(coefficients, x, prime=prime), threshold, prime) for x in range(1, num_shares + 1)
    ]


def reconstruct(shares: Sequence[Share]) -> int:
    """The secret, from at least `threshold` shares; the ones beyond the threshold are checked.

    Raises:
        ValueError: if there are fewer shares than their threshold, two have the same position, or they
            differ in field or threshold.
        InconsistentShares: if they do not lie on one polynomial.

    Guarantee: with s shares, up to s − threshold changed ones are always noticed.
    Limits: with exactly `threshold` shares a changed one gives a wrong secret, unnoticed. It notices *that*
        somebody changed a share, not who.
    Source: Shamir 1979; McEliece and Sarwate 1981, CACM 24(9) (shares as a Reed–Solomon code).
    """
    _check_together(shares)
    first, prime = shares[: shares[0].threshold], shares[0].prime
    for extra in shares[len(first) :]:
        if interpolate(first, at=extra.x) != extra.y:
            raise InconsistentShares(
                f"the {len(shares)} shares do not lie on one polynomial of degree {len(first) - 1} modulo "
                f"{prime}: at least one of them was changed"
            )
    return interpolate(first, at=0)


def add_shares(shares: Sequence[Share]) -> Share:
    """What one party computes alone to add secrets: the sum of its shares, one of each secret.

    Raises:
        ValueError: if there is none, or positions, thresholds or fields differ.

    Guarantee: if each party does this, the results are shares of the sum of the secrets.
    Source: Ben-Or, Goldwasser and Wigderson 1988, STOC '88.
    """
    if not shares:
        raise ValueError("there are no shares to add")
    first = shares[0]
    for share in shares:
        if (share.x, share.threshold, share.prime) != (first.x, first.threshold, first.prime):
            raise ValueError(
                f"only shares of one position, threshold and field can be added; got {first} and {share}"
            )
    return Share(first.x, sum(share.y for share in shares) % first.prime, first.threshold, first.prime)


def evaluate(coefficients: Sequence[int], x: int, *, prime: int) -> int:
    """The polynomial c₀ + c₁x + c₂x² + … at x, modulo the prime, by Horner's rule."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % prime
    return value


def interpolate(shares: Sequence[Share], *, at: int) -> int:
    """The value at `at` of the polynomial of lowest degree through these shares, by Lagrange's formula."""
    prime, total = shares[0].prime, 0
    for share in shares:
        numerator = denominator = 1
        for other in shares:
            if other.x != share.x:
                numerator = numerator * (at - other.x) % prime
                denominator = denominator * (share.x - other.x) % prime
        total += share.y * numerator * inverse(denominator, prime=prime)
    return total % prime


def _check_together(shares: Sequence[Share]) -> None:
    if not shares or not all(isinstance(share, Share) for share in shares):
        raise ValueError("reconstruct needs a sequence of Share objects, at least one")
    fields = {share.prime for share in shares}
    thresholds = {share.threshold for share in shares}
    if len(fields) > 1 or len(thresholds) > 1:
        raise ValueError(
            f"these shares do not belong together: fields {sorted(fields)}, thresholds {sorted(thresholds)}"
        )
    positions = [share.x for share in shares]
    if len(set(positions)) < len(positions):
        twice = sorted({x for x in positions if positions.count(x) > 1})
        raise ValueError(f"each share counts once; more than one is at position {twice}")
    (threshold,) = thresholds
    if len(shares) < threshold:
        raise ValueError(f"{threshold} shares are needed to reconstruct; got {len(shares)}")
