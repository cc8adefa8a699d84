"""Checkers of lesson 07 on Shamir's scheme: points of a fresh polynomial, and Lagrange's formula at zero."""

import secrets
from collections.abc import Sequence
from fractions import Fraction

from course.exercises.exercise import NotYet
from course.exercises.lesson_07_secrecy import (
    ALARM,
    CALLS,
    LARGE,
    TINY,
    expect_elements,
    expect_fresh,
    expect_integer,
    expect_sequence,
    expect_unpredictable,
    expect_whole_field,
    p_value_of_uniform,
)
from course.exercises.probe import given

Points = Sequence[tuple[int, int]]

# 07.3 ---------------------------------------------------------------------------------------------

SPLITS = ((17, 3, 6, 101), (0, 2, 5, 101), (2**60 + 5, 4, 7, LARGE), (100, 1, 3, 101), (9, 4, 4, 101))


def verify_shamir(split) -> None:
    """Points at 1 … num_shares of a polynomial of degree < threshold with the secret at 0, the rest uniform."""
    # Degrees first: with a single draw a top coefficient may be 0 by chance, in ten draws of 101 it is not.
    for secret, threshold, num_shares, prime in SPLITS:
        drawn = [_points(split, secret, threshold, num_shares, prime) for _ in range(10)]
        _expect_degree([coefficients(points, prime) for points in drawn], secret, threshold, prime)
    expect_unpredictable(lambda: _points(split, 41_000, 3, 5, LARGE), split)
    _expect_whole_range(split)
    _expect_uniform(split)


def _points(split, secret: int, threshold: int, num_shares: int, prime: int) -> list[tuple[int, int]]:
    with given(f"secret {secret}, threshold {threshold}, {num_shares} shares, prime {prime}"):
        shares = split(secret, threshold, num_shares, prime)
    shares = expect_sequence(shares, num_shares, "a list of num_shares pairs (x, y)")
    pairs = [expect_sequence(share, 2, "pairs (x, y) of two numbers") for share in shares]
    positions = [expect_integer(x, "The x of a share") for x, _ in pairs]
    if 0 in positions:
        raise NotYet(
            "One share is taken at x = 0, and there the polynomial is the secret itself. Start at 1."
        )
    if positions != list(range(1, num_shares + 1)):
        raise NotYet(f"The x of the shares should be 1 … {num_shares}; they are {positions}.")
    values = expect_elements([y for _, y in pairs], prime, "The y of a share")
    return list(zip(positions, values, strict=True))


def _expect_degree(drawn: list[list[int]], secret: int, threshold: int, prime: int) -> None:
    degree = max((i for found in drawn for i, c in enumerate(found) if c), default=0)
    top = min(threshold, len(drawn[0])) - 1
    if degree > top:
        spread = all(any(found[-2:]) for found in drawn) and degree > threshold
        raise NotYet(
            f"The points do not lie on a polynomial of degree {top}: is each share from a draw of its own? Draw the "
            "coefficients once, then evaluate the same polynomial at each x."
            if spread
            else f"{threshold} shares should suffice, but yours need {degree + 1}: a polynomial through threshold points "
            "has threshold coefficients, the secret among them."
        )
    if any(found[0] != secret for found in drawn):
        if top and all(found[top] == secret for found in drawn):
            raise NotYet(
                "The secret is the highest coefficient of your polynomial; it belongs where x = 0 finds it."
            )
        raise NotYet(
            f"At x = 0 your polynomial is {drawn[0][0]} and not the secret, {secret}. Is every power right, starting "
            "with x to the 0?"
        )
    if degree < top:
        raise NotYet(
            f"{degree + 1} shares give the secret away already; {threshold} should be needed. A coefficient is missing: "
            "threshold − 1 are drawn."
        )


def _expect_whole_range(split) -> None:
    drawn = [coefficients(_points(split, 41_000, 4, 4, LARGE), LARGE)[1:] for _ in range(400)]
    if all(len(set(found)) == 1 for found in drawn):
        raise NotYet(
            "All coefficients are one and the same draw, so two shares give the secret. Draw each anew."
        )
    for power, values in enumerate(zip(*drawn, strict=True), start=1):
        expect_whole_field(values, LARGE, f"The coefficient of x^{power}")
    expect_fresh(drawn, "coefficients")


def _expect_uniform(split) -> None:
    for secret in (0, 3):
        drawn = [coefficients(_points(split, secret, 3, 4, TINY), TINY) for _ in range(CALLS)]
        if all(found[2] for found in drawn):
            raise NotYet(
                "Your highest coefficient is never 0. It may be: if it cannot, then some shares rule a secret out, and "
                "ruling out is knowledge."
            )
        if all(found[1] for found in drawn):
            raise NotYet(f"The coefficient of x is never 0, though it should be once in {TINY} splits.")
        if p_value_of_uniform([(found[1], found[2]) for found in drawn], TINY) < ALARM:
            raise NotYet(
                f"The coefficients are not uniform together: in {CALLS:,} splits modulo {TINY} some pairs come far "
                "more often, so two shares of a threshold of three say something about the secret."
            )


def coefficients(points: Points, prime: int) -> list[int]:
    """The polynomial of lowest degree through the points, lowest power first, as many numbers as points."""
    found = [0] * len(points)
    for x, y in points:
        basis, denominator = [1], 1
        for other, _ in points:
            if other != x:
                basis = [
                    (up - other * here) % prime for up, here in zip([0, *basis], [*basis, 0], strict=True)
                ]
                denominator = denominator * (x - other) % prime
        scale = y * pow(denominator, -1, prime)
        found = [(old + scale * new) % prime for old, new in zip(found, basis, strict=True)]
    return found


# 07.4 ---------------------------------------------------------------------------------------------

POLYNOMIALS = (
    ((17, 5, 90), (1, 2, 3), 101),
    ((17, 5, 90), (6, 2, 5), 101),
    ((3, 99), (40, 7), 101),
    ((61,), (9,), 101),
    ((7, 0, 0), (2, 9, 4), 101),
    ((2**60 + 1, 2**59, 12345, 2**58 + 7), (8, 1, 5, 3), LARGE),
)


def verify_at_zero(at_zero) -> None:
    """The value at 0 of the polynomial through the points, by exact arithmetic in the field."""
    got, tables = [], []
    for polynomial, positions, prime in POLYNOMIALS:
        points = [(x, sum(c * x**k for k, c in enumerate(polynomial)) % prime) for x in positions]
        handed = list(points)
        with given(f"shares {points}, prime {prime}"):
            answer = at_zero(handed, prime)
        if answer is None:
            raise NotYet("It returned None. Does your function end with a `return`?")
        if handed != points:
            raise NotYet(
                "It changes the list of shares that it is given; whoever called it may need them again."
            )
        got.append(expect_integer(answer, "The secret"))
        tables.append(_wrong_secrets(points, prime))
    right = [polynomial[0] for polynomial, _, _ in POLYNOMIALS]
    if got == right:
        return
    for sentence in tables[0]:
        if all(value == table[sentence] for value, table in zip(got, tables, strict=True)):
            raise NotYet(sentence)
    first = next(i for i in range(len(right)) if got[i] != right[i])
    polynomial, positions, prime = POLYNOMIALS[first]
    if got[first] % prime == right[first]:
        raise NotYet(
            f"Modulo {prime} it is right, but {got[first]} lies outside 0 … {prime - 1}: end with % prime."
        )
    raise NotYet(
        f"The shares at {positions} of the polynomial with coefficients {polynomial} modulo {prime} have the secret "
        f"{right[first]}; you say {got[first]}."
    )


def _wrong_secrets(points: Points, prime: int) -> dict[str, int]:
    def formula(points=points, top=lambda x, other: -other, power=-1) -> int:
        total = 0
        for x, y in points:
            numerator = denominator = 1
            for other, _ in points:
                if other != x:
                    numerator, denominator = numerator * top(x, other), denominator * (x - other)
            total += y * numerator * pow(denominator, power, prime)
        return total % prime

    places = [(place, y) for place, (_, y) in enumerate(points, start=1)]
    return {
        "A share's position is its own x, not its place in the list: the second to answer may be number five.":
            formula(places),
        "Your weights have the wrong sign when the number of shares is even: each factor is (0 − other) / (x − other).":
            formula(top=lambda x, other: other),
        "You multiply by x − other; the formula divides by it (times pow(x − other, −1, prime)).": formula(power=1),
        "The shares are added up. That is additive sharing; here each share has a weight of its own.":
            sum(y for _, y in points) % prime,
        "The last share is left out: all that you are given belong to the formula.":
            formula(points[:-1]) if len(points) > 1 else points[0][1],
        "The numerator is missing: at 0 it is the product of the 0 − other.": formula(top=lambda x, other: 1),
        "// cuts the fraction off: in the field one divides by multiplying with pow(…, −1, prime).":
            _with_integer_division(points, prime),
        "That is the polynomial at 1; the secret stands at 0.": formula(top=lambda x, other: 1 - other)
            if all(x != 1 for x, _ in points) else next(y for x, y in points if x == 1),
    }  # fmt: skip


def _with_integer_division(points: Points, prime: int) -> int:
    total = 0
    for x, y in points:
        numerator = denominator = 1
        for other, _ in points:
            if other != x:
                numerator, denominator = numerator * -other, denominator * (x - other)
        total += y * numerator // denominator
    return total % prime


# What the exercises lend ---------------------------------------------------------------------------


def shamir_split(secret: int, threshold: int, num_shares: int, prime: int) -> list[tuple[int, int]]:
    """Points 1 … num_shares of secret + c₁x + …, by Horner's rule."""
    drawn = [secrets.randbelow(prime) for _ in range(threshold - 1)]
    shares = []
    for x in range(1, num_shares + 1):
        y = 0
        for coefficient in [*drawn, secret]:
            y = (y * x + coefficient) % prime
        shares.append((x, y))
    return shares


def at_zero(shares: Points, prime: int) -> int:
    """Lagrange's formula over the rationals, turned into the field at the end."""
    total = Fraction(0)
    for x, y in shares:
        weight = Fraction(y)
        for other, _ in shares:
            if other != x:
                weight *= Fraction(-other, x - other)
        total += weight
    return total.numerator * pow(total.denominator, -1, prime) % prime
