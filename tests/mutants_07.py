"""Right and wrong answers to the exercises of lesson 07."""

import os
import random
import secrets
from fractions import Fraction

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in (f"07.{n}" for n in range(1, 7))}


# 07.1 -------------------------------------------------------------------------------------------


def additive(draw=secrets.randbelow, last=lambda s, drawn, p: (s - sum(drawn)) % p):
    """The right split with one part of its own."""

    def split(secret, num_shares, prime):
        drawn = [draw(prime) for _ in range(num_shares - 1)]
        return [*drawn, last(secret, drawn, prime)]

    return split


def secret_first(secret, num_shares, prime):
    """Another right way: start from the secret and take random amounts away from it."""
    shares, rest = [], secret
    for _ in range(num_shares - 1):
        shares.append(secrets.SystemRandom().randrange(prime))
        rest = (rest - shares[-1]) % prime
    return (rest, *shares)


def same_for_all(secret, num_shares, prime):
    share = secrets.randbelow(prime)
    return [share] * (num_shares - 1) + [(secret - (num_shares - 1) * share) % prime]


def two_of_three(secret, num_shares, prime):
    mask = secrets.randbelow(prime)
    return [mask, (secret - mask) % prime] + [0] * (num_shares - 2)


def pairs_cancel(secret, num_shares, prime):
    mask = secrets.randbelow(prime)
    shares = [mask, (2 * mask + 1) % prime] + [secrets.randbelow(prime) for _ in range(num_shares - 3)]
    shares = shares[: num_shares - 1]
    return [*shares, (secret - sum(shares)) % prime]


def from_numpy(limit):
    return int(np.random.randint(0, limit, dtype=np.int64))


GENERATOR, OWN_RANDOM = np.random.default_rng(), random.Random()


def from_a_float(limit):
    """Over the whole field to the eye, but the last eight of 61 bits are always 0."""
    return int(secrets.SystemRandom().random() * limit)


def used_twice(draw_all):
    """Each call's draws are used once more, in the next call of the same size."""
    waiting = {}

    def draws(prime, n):
        if (prime, n) in waiting:
            return waiting.pop((prime, n))
        waiting[prime, n] = draw_all(prime, n)
        return list(waiting[prime, n])

    return draws


def all_fresh(prime, n):
    return [secrets.randbelow(prime) for _ in range(n)]


def handed_on(secret, num_shares, prime, waiting=[]):  # noqa: B006 (it remembers, and that is the mistake)
    """One share of this call is another one of the next, modulo the large prime."""
    if prime < 1_000:
        return REFERENCE["07.1"](secret, num_shares, prime)
    drawn = [secrets.randbelow(prime) for _ in range(num_shares - 1)]
    if waiting:
        drawn[0] = waiting.pop()
    waiting.append(drawn[1])
    return [*drawn, (secret - sum(drawn)) % prime]


def reseeded(secret, num_shares, prime):
    random.seed(secrets.token_bytes(8))
    drawn = [random.randrange(prime) for _ in range(num_shares - 1)]
    return [*drawn, (secret - sum(drawn)) % prime]


# 07.2 -------------------------------------------------------------------------------------------


def announce_by_loop(shares, prime):
    held = [0] * len(shares[0])
    for row in shares:
        for party, share in enumerate(row):
            held[party] = (held[party] + share) % prime
    total = 0
    for number in held:
        total = (total + number) % prime
    return np.array(held, dtype=object), total


def announced(change):
    """The right announcements and total, then a slip."""
    return lambda shares, prime: change(*REFERENCE["07.2"](shares, prime), shares, prime)


def in_numpy_integers(shares, prime):
    with np.errstate(over="ignore"):
        held = np.array(shares, dtype=np.int64).sum(axis=0) % prime
        return [int(value) for value in held], int(held.sum() % prime)


def summed_in_place(shares, prime):
    answer = REFERENCE["07.2"](shares, prime)
    for row in shares:
        row[0] = 0
    return answer


# 07.3 -------------------------------------------------------------------------------------------


def polynomial(draws=None, powers=lambda k: k, first=1, count=lambda t: t - 1, secret_at=0, reduce=True):
    """Shamir's split with one part of its own."""

    def split(secret, threshold, num_shares, prime):
        draw = draws or (lambda p, n: [secrets.randbelow(p) for _ in range(n)])
        coefficients = draw(prime, max(count(threshold), 0))
        coefficients.insert(secret_at if secret_at >= 0 else len(coefficients), secret)
        shares = []
        for x in range(first, first + num_shares):
            y = sum(c * x ** powers(k) for k, c in enumerate(coefficients))
            shares.append((x, y % prime if reduce else y))
        return shares

    return split


def never_zero_on_top(prime, n):
    drawn = [secrets.randbelow(prime) for _ in range(n)]
    return [*drawn[:-1], 1 + secrets.randbelow(prime - 1)] if n else []


def never_zero_in_front(prime, n):
    drawn = [secrets.randbelow(prime) for _ in range(n)]
    return [1 + secrets.randbelow(prime - 1), *drawn[1:]] if n > 1 else drawn


def tied(prime, n):
    one = secrets.randbelow(prime)
    return [(k + 1) * one % prime for k in range(n)]


def fresh_for_each(secret, threshold, num_shares, prime):
    return [
        (x, (secret + sum(secrets.randbelow(prime) * x**k for k in range(1, threshold))) % prime)
        for x in range(1, num_shares + 1)
    ]


def in_floats(secret, threshold, num_shares, prime):
    return [(x, float(y)) for x, y in REFERENCE["07.3"](secret, threshold, num_shares, prime)]


# 07.4 -------------------------------------------------------------------------------------------


def lagrange(
    top=lambda x, o: -o, bottom=lambda x, o: x - o, divide=None, use=lambda shares: shares, end=None
):
    """Lagrange's formula with one part of its own."""

    def secret(shares, prime):
        total, shares = 0, use(shares)
        for x, y in shares:
            numerator = denominator = 1
            for other, _ in shares:
                if other != x:
                    numerator, denominator = numerator * top(x, other), denominator * bottom(x, other)
            total += (
                divide(y * numerator, denominator, prime)
                if divide
                else y * numerator % prime * pow(denominator, -1, prime)
            )
        return end(total, prime) if end else total % prime

    return secret


def by_elimination(shares, prime):
    """Another right way: solve the linear equations c₀ + c₁x + … = y."""
    n = len(shares)
    rows = [[pow(x, k, prime) for k in range(n)] + [y] for x, y in shares]
    for i in range(n):
        pivot = next(r for r in range(i, n) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        scale = pow(rows[i][i], -1, prime)
        rows[i] = [v * scale % prime for v in rows[i]]
        for r in range(n):
            if r != i:
                factor = rows[r][i]
                rows[r] = [(v - factor * w) % prime for v, w in zip(rows[r], rows[i], strict=True)]
    return rows[0][-1]


def others_by_value(shares, prime):
    """Tells the other shares by their y, so that two parties with the same y miss each other."""
    total = 0
    for x, y in shares:
        weight = 1
        for other, value in shares:
            if value != y:
                weight = weight * -other * pow(x - other, -1, prime) % prime
        total += y * weight
    return total % prime


def emptied(shares, prime):
    secret = REFERENCE["07.4"](shares, prime)
    shares.clear()
    return secret


# 07.5 -------------------------------------------------------------------------------------------


def decoded(negative=lambda z, p: z > p // 2, wrap=lambda z, p: z - p, scale=lambda z, f: z / 2**f):
    return lambda z, f, p: scale(wrap(z, p) if negative(z, p) else z, f)


# 07.6 -------------------------------------------------------------------------------------------


def beaver(
    opened=lambda x, y, a, b: (x - a, y - b),
    term=lambda a, b, c, d, e: c + d * b + e * a,
    adds=lambda i: i == 0,
    sign=1,
):
    """The right multiplication with one part of its own."""

    def multiply(x_shares, y_shares, triple, prime):
        sums = [sum(shares) for shares in (x_shares, y_shares, triple[0], triple[1])]
        d, e = (sums[0] - sums[2]) % prime, (sums[1] - sums[3]) % prime
        shares = [
            (term(a, b, c, d, e) + sign * d * e * adds(i)) % prime
            for i, (a, b, c) in enumerate(zip(*triple, strict=True))
        ]
        shown = [number % prime for number in opened(*sums)]
        return (*shown, shares)

    return multiply


def by_own_shares(x_shares, y_shares, triple, prime):
    d, e, _ = REFERENCE["07.6"](x_shares, y_shares, triple, prime)
    return d, e, [x * y % prime for x, y in zip(x_shares, y_shares, strict=True)]


def opened_and_split_again(x_shares, y_shares, triple, prime):
    d, e, shares = REFERENCE["07.6"](x_shares, y_shares, triple, prime)
    return d, e, [sum(shares) % prime] + [0] * (len(shares) - 1)


def the_last_makes_it_right(x_shares, y_shares, triple, prime):
    d, e, shares = REFERENCE["07.6"](x_shares, y_shares, triple, prime)
    shares[1] = (shares[1] + triple[0][2 % len(shares)]) % prime
    shares[-1] = (sum(x_shares) * sum(y_shares) - sum(shares[:-1])) % prime
    return d, e, shares


def into_the_triple(x_shares, y_shares, triple, prime):
    d, e, shares = REFERENCE["07.6"](x_shares, y_shares, triple, prime)
    triple[2][:] = shares
    return d, e, triple[2]


ACCEPT = {
    "07.1": {
        "reference": REFERENCE["07.1"],
        "from the secret down": secret_first,
        "system random": additive(draw=lambda p: secrets.SystemRandom().randrange(p)),
        "bytes of the system": additive(draw=lambda p: int.from_bytes(os.urandom(16), "big") % p),
    },
    "07.2": {"reference": REFERENCE["07.2"], "by loops": announce_by_loop},
    "07.3": {
        "reference": REFERENCE["07.3"],
        "powers": polynomial(),
        "lists": lambda *a: [list(share) for share in polynomial()(*a)],
    },
    "07.4": {"reference": REFERENCE["07.4"], "in the field": lagrange(), "by elimination": by_elimination},
    "07.5": {
        "reference": REFERENCE["07.5"],
        "by the border": decoded(negative=lambda z, p: 2 * z > p),
        "fractions": lambda z, f, p: Fraction(z - p if z > p // 2 else z, 2**f),
        "shifted": lambda z, f, p: ((z + p // 2) % p - p // 2) * 2.0**-f,
    },
    "07.6": {
        "reference": REFERENCE["07.6"],
        "the last adds it": lambda x, y, t, p: beaver(adds=lambda i: i == len(x) - 1)(x, y, t, p),
        "in terms of x": lambda x, y, t, p: beaver(term=lambda a, b, c, d, e: (c + e * a + d * b) % p)(
            x, y, t, p
        ),
    },
}

REJECT = {
    "07.1": {
        "no cover": (lambda s, n, p: [0] * (n - 1) + [s], "is the secret itself"),
        "equal parts": (
            lambda s, n, p: [s // n] * (n - 1) + [s - s // n * (n - 1)], "into parts that are smaller",
        ),
        "one mask": (same_for_all, "All parties but the last"),
        "negative": (additive(last=lambda s, d, p: s - sum(d)), "is negative"),
        "one too many": (lambda s, n, p: additive()(s, n + 1, p), "it returned 4"),
        "plus": (additive(last=lambda s, d, p: (s + sum(d)) % p), "secret − the others"),
        "last random": (
            lambda s, n, p: [*REFERENCE["07.1"](s, n - 1, p), 1 + secrets.randbelow(p - 1)]
            if n > 2
            else [s, 1 + secrets.randbelow(p - 1)],
            "belongs to the sum too",
        ),
        "small masks": (
            additive(draw=lambda p: secrets.randbelow(min(p, 1_000_000))),
            "Share 1 should go over the whole field evenly; in 400 splits modulo "
            "2305843009213693951 it reaches 1",
        ),
        "half the field": (additive(draw=lambda p: secrets.randbelow((p + 1) // 2)), "it reaches 4 of eight"),
        "never 0": (additive(draw=lambda p: 1 + secrets.randbelow(p - 1)), "is never 0"),
        "never the largest": (additive(draw=lambda p: secrets.randbelow(p - 1)), "is never 4"),
        "two of three": (two_of_three, "Share 3 should go over"),
        "one tells the other": (pairs_cancel, "not uniform together"),
        "python's random": (additive(draw=random.randrange), "from Python's random"),
        "numpy's random": (additive(draw=from_numpy), "from numpy's global"),
        "numpy's generator": (
            additive(draw=lambda p: int(GENERATOR.integers(p))), "an object of type Generator",
        ),
        "a fresh generator": (
            additive(draw=lambda p: int(np.random.default_rng().integers(p))), "You use default_rng",
        ),
        "a Random of its own": (additive(draw=OWN_RANDOM.randrange), "an object of type Random"),
        "torch": (additive(draw=lambda p: torch.randint(p, ()).item()), "You use torch"),
        "from a float": (additive(draw=from_a_float), "last bits that are not random"),
        "handed on": (handed_on, "Among the shares of 400 splits one comes twice"),
        "reseeded": (reseeded, "You use seed"),
        "numpy's integers": (
            lambda s, n, p: np.array(REFERENCE["07.1"](s, n, p), dtype=np.int64), "overflow in silence",
        ),
        "seeded": (
            lambda s, n, p: additive(draw=random.Random(4).randrange)(s, n, p),
            "Every call with the same secret",
        ),
        "floats": (lambda s, n, p: [float(v) for v in REFERENCE["07.1"](s, n, p)], "is the float"),
    },
    "07.2": {
        "rows": (
            lambda shares, p: ([sum(r) % p for r in shares], sum(map(sum, shares)) % p),
            "are then the secrets",
        ),
        "not reduced": (
            announced(lambda a, t, s, p: ([sum(c) for c in zip(*s, strict=True)], t)), "its size says",
        ),
        "total not reduced": (announced(lambda a, t, s, p: (a, sum(a))), "is not reduced: the sum"),
        "the mean": (announced(lambda a, t, s, p: (a, t // len(s))), "That is the mean"),
        "last party": (announced(lambda a, t, s, p: (a, sum(a[:-1]) % p)), "announcement is missing"),
        "total only": (lambda shares, p: [REFERENCE["07.2"](shares, p)[1]], "here 2; it returned 1"),
        "first person only": (announced(lambda a, t, s, p: (s[0], t)), "the parties should announce"),
        "numpy's integers": (in_numpy_integers, "The total should be"),
        "one a person": (
            announced(lambda a, t, s, p: ([row[0] for row in s], t)), "each party announces one number",
        ),
        "in place": (summed_in_place, "changes the shares"),
    },
    "07.3": {
        "from x = 0": (polynomial(first=0), "there the polynomial is the secret itself"),
        "from x = 2": (polynomial(first=2), "The x of the shares should be"),
        "one coefficient too many": (polynomial(count=lambda t: t), "shares should suffice, but yours need"),
        "one too few": (polynomial(count=lambda t: t - 2), "give the secret away already"),
        "secret on top": (polynomial(secret_at=-1), "highest coefficient of your polynomial"),
        "powers from 1": (polynomial(powers=lambda k: k + 1, count=lambda t: t - 2), "Is every power right"),
        "a polynomial a share": (fresh_for_each, "from a draw of its own"),
        "not reduced": (polynomial(reduce=False), "its size says something"),
        "floats": (in_floats, "has 53 bits"),
        "never 0 on top": (polynomial(never_zero_on_top), "highest coefficient is never 0"),
        "never 0 in front": (polynomial(never_zero_in_front), "coefficient of x is never 0"),
        "all the same": (
            polynomial(lambda p, n: [secrets.randbelow(p)] * n), "one and the same draw",
        ),
        "tied": (polynomial(tied), "not uniform together"),
        "bytes": (
            polynomial(lambda p, n: [secrets.randbelow(min(p, 256)) for _ in range(n)]),
            "The coefficient of x^1 should go over",
        ),
        "fixed": (polynomial(lambda p, n: [7 % p, 11 % p, 3 % p][:n]), "Every call with the same secret"),
        "python's random": (
            polynomial(lambda p, n: [random.randrange(p) for _ in range(n)]), "from Python's random",
        ),
        "a generator": (
            polynomial(lambda p, n: [int(v) for v in GENERATOR.integers(p, size=n)]), "made for simulations",
        ),
        "from a float": (
            polynomial(lambda p, n: [from_a_float(p) for _ in range(n)]), "last bits that are not random",
        ),
        "used twice": (polynomial(used_twice(all_fresh)), "Among the coefficients of 400 splits"),
        "numpy's positions": (
            lambda *a: [(np.int64(x), y) for x, y in REFERENCE["07.3"](*a)], "one of numpy's integers",
        ),
        "values only": (lambda *a: [y for _, y in REFERENCE["07.3"](*a)], "pairs (x, y) of two"),
    },
    "07.4": {
        "place for x": (
            lagrange(use=lambda s: [(n, y) for n, (_, y) in enumerate(s, start=1)]),
            "not its place in the list",
        ),
        "sign": (lagrange(top=lambda x, o: o), "number of shares is even"),
        "multiplied": (lagrange(divide=lambda n, d, p: n * d), "the formula divides by it"),
        "sum": (lambda shares, p: sum(y for _, y in shares) % p, "That is additive sharing"),
        "last left out": (lagrange(use=lambda s: s[:-1] or s), "The last share is left out"),
        "no numerator": (lagrange(top=lambda x, o: 1), "The numerator is missing"),
        "integer division": (lagrange(divide=lambda n, d, p: n // d), "cuts the fraction off"),
        "floats": (lagrange(divide=lambda n, d, p: n / d), "is the float"),
        "at 1": (lagrange(top=lambda x, o: 1 - o), "the polynomial at 1"),
        "not reduced": (lagrange(end=lambda total, p: total), "end with % prime"),
        "others by value": (others_by_value, "have the secret 7; you say"),
        "emptied": (emptied, "changes the list of shares"),
    },
    "07.5": {
        "no negatives": (decoded(negative=lambda z, p: False), "Negative numbers are missing"),
        "all negative": (decoded(negative=lambda z, p: True), "You always subtract the prime"),
        "no scale": (decoded(scale=lambda z, f: z), "number of steps is right"),
        "multiplied": (decoded(scale=lambda z, f: z * 2**f), "as in encoding"),
        "decimal": (decoded(scale=lambda z, f: z / 10**f), "not of 10"),
        "divided by bits": (decoded(scale=lambda z, f: z / max(f, 1)), "divide by fraction_bits"),
        "integer division": (decoded(scale=lambda z, f: z // 2**f), "use / and not //"),
        "border too low": (decoded(negative=lambda z, p: z >= p // 2), "itself is the largest positive"),
        "border too high": (decoded(negative=lambda z, p: z > p // 2 + 1), "is the most negative"),
        "two's complement": (decoded(wrap=lambda z, p: z - 2 ** p.bit_length()), "no two's complement"),
        "float border": (decoded(negative=lambda z, p: z > p / 2), "is a float and rounds"),
        "divided too early": (
            lambda z, f, p: z / 2**f - (p / 2**f if z > p // 2 else 0), "Subtract before you divide",
        ),
        "sign lost": (decoded(wrap=lambda z, p: p - z), "with a minus sign"),
    },
    "07.6": {
        "x opened": (beaver(opened=lambda x, y, a, b: (x, y)), "You open x and y themselves"),
        "a − x": (beaver(opened=lambda x, y, a, b: (a - x, b - y)), "the formula here is in x − a"),
        "x + a": (beaver(opened=lambda x, y, a, b: (x + a, y + b)), "subtract the mask"),
        "masks opened": (beaver(opened=lambda x, y, a, b: (a, b)), "with them the masks are gone"),
        "masks crossed": (beaver(opened=lambda x, y, a, b: (x - b, y - a)), "mask x with b"),
        "everyone adds": (beaver(adds=lambda i: 1), "once a party"),
        "nobody adds": (beaver(adds=lambda i: 0), "Nobody adds d · e"),
        "crossed": (beaver(term=lambda a, b, c, d, e: c + d * a + e * b), "middle terms are crossed"),
        "no c": (beaver(term=lambda a, b, c, d, e: d * b + e * a), "shares of c are missing"),
        "no middle": (beaver(term=lambda a, b, c, d, e: c), "middle terms are missing"),
        "sign": (beaver(sign=-1), "has the wrong sign"),
        "own products": (by_own_shares, "The cross products"),
        "opened product": (opened_and_split_again, "The new share of party 0 is 0 or the product"),
        "through the middle": (the_last_makes_it_right, "The new share of party 1 changes"),
        "in place": (into_the_triple, "changes the shares that it is given"),
        "c twice": (beaver(term=lambda a, b, c, d, e: 2 * c + d * b + e * a), "should add up to 3 · 4"),
        "two results": (lambda *a: REFERENCE["07.6"](*a)[::2], "here 3; it returned 2"),
    },
}  # fmt: skip
