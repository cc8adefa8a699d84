"""The checker of lesson 07 on multiplication with a Beaver triple: right, local, and nothing but masked numbers opened."""

from collections.abc import Sequence

from course.crypto import deal_triple, split_additive
from course.exercises.exercise import NotYet
from course.exercises.lesson_07_secrecy import LARGE, expect_elements, expect_integer, expect_sequence
from course.exercises.probe import given

Shares = list[int]

PRODUCTS = ((3, 4, 3, 101), (100, 57, 2, 101), (0, 9, 4, 11), (2**50 + 1, 2**55 + 3, 3, LARGE))


def verify_beaver(multiply) -> None:
    """Opens x − a and y − b and nothing else; each party's new share comes from what it holds itself."""
    cases = [_case(multiply, *product) for product in PRODUCTS]
    _expect_opened(cases)
    _expect_product(cases)
    for party in range(3):
        _expect_local(multiply, party)


class _Case:
    """One multiplication: what went in, and what the learner's function made of it."""

    def __init__(self, x: int, y: int, num_parties: int, prime: int) -> None:
        self.x, self.y, self.prime, self.num_parties = x, y, prime, num_parties
        self.x_shares = split_additive(x, num_parties, prime=prime)
        self.y_shares = split_additive(y, num_parties, prime=prime)
        triple = deal_triple(num_parties, prime=prime)
        self.triple = (list(triple.a_shares), list(triple.b_shares), list(triple.c_shares))
        self.a, self.b = (sum(shares) % prime for shares in self.triple[:2])
        self.d, self.e = (x - self.a) % prime, (y - self.b) % prime

    def run(self, multiply) -> "_Case":
        triple = tuple(list(shares) for shares in self.triple)
        with given(f"x shares {self.x_shares}, y shares {self.y_shares}, prime {self.prime}"):
            handed = (list(self.x_shares), list(self.y_shares), triple)
            got = multiply(*handed, self.prime)
        if handed != (self.x_shares, self.y_shares, self.triple):
            raise NotYet("It changes the shares that it is given. Others still need them; make new lists.")
        opened_x, opened_y, shares = expect_sequence(got, 3, "x − a, y − b and the list of new shares")
        opened = expect_elements([opened_x, opened_y], self.prime, "An opened number")
        self.opened = tuple(expect_integer(number, "An opened number") for number in opened)
        shares = expect_sequence(shares, self.num_parties, "one new share a party")
        self.shares = expect_elements(shares, self.prime, "A new share")
        return self


def _case(multiply, x: int, y: int, num_parties: int, prime: int) -> _Case:
    # In a small field a wrong formula may be right by chance, so take masks for which a mistake shows.
    case = _Case(x, y, num_parties, prime)
    while 0 in (case.a, case.b, case.d, case.e) or (case.a, case.d) == (case.b, case.e):
        case = _Case(x, y, num_parties, prime)
    return case.run(multiply)


def _expect_opened(cases: Sequence[_Case]) -> None:
    wrong = {
        "You open x and y themselves, and everybody sees them. Open x − a and y − b: each party subtracts its shares "
        "before anything is announced.": lambda c: (c.x, c.y),
        "You open a − x and b − y; the formula here is in x − a and y − b.":
            lambda c: (-c.d % c.prime, -c.e % c.prime),
        "You open x + a and y + b; subtract the mask.":
            lambda c: ((c.x + c.a) % c.prime, (c.y + c.b) % c.prime),
        "You open a and b, and with them the masks are gone: from now on x − a tells x.": lambda c: (c.a, c.b),
        "You mask x with b and y with a; it is x − a and y − b.":
            lambda c: ((c.x - c.b) % c.prime, (c.y - c.a) % c.prime),
        "Only the first party's shares are in what you open: all parties announce, and the sum is opened.":
            lambda c: ((c.x_shares[0] - c.triple[0][0]) % c.prime, (c.y_shares[0] - c.triple[1][0]) % c.prime),
    }  # fmt: skip
    if all(case.opened == (case.d, case.e) for case in cases):
        return
    for sentence, of in wrong.items():
        if all(case.opened == of(case) for case in cases):
            raise NotYet(sentence)
    case = next(case for case in cases if case.opened != (case.d, case.e))
    raise NotYet(
        f"With x = {case.x}, a = {case.a}, y = {case.y} and b = {case.b} modulo {case.prime} the opened numbers are "
        f"{case.d} and {case.e}; you say {case.opened[0]} and {case.opened[1]}."
    )


def _expect_product(cases: Sequence[_Case]) -> None:
    wrong = {
        "Every party adds d · e, so it is in the sum once a party. It is public: one of them adds it, and only one.":
            lambda c: c.x * c.y + (c.num_parties - 1) * c.d * c.e,
        "Nobody adds d · e, the product of the two opened numbers. One party must.": lambda c: c.x * c.y - c.d * c.e,
        "The middle terms are crossed: (x − a) goes with b, and (y − b) with a.":
            lambda c: c.a * c.b + c.d * c.a + c.e * c.b + c.d * c.e,
        "The shares of c are missing: c = a · b is what the dealer made the triple for.":
            lambda c: c.x * c.y - c.a * c.b,
        "Your new shares add up to x + y: adding is no work, but this is about x · y.": lambda c: c.x + c.y,
        "Each party multiplies its own shares of x and y. The cross products, your share of x times my share of y, are "
        "then missing.": lambda c: sum(x * y for x, y in zip(c.x_shares, c.y_shares, strict=True)),
        "The middle terms are missing: d · b and e · a, with each party's own shares of b and a.":
            lambda c: c.a * c.b + c.d * c.e,
        "d · e has the wrong sign: with d = x − a and e = y − b it is added.": lambda c: c.x * c.y - 2 * c.d * c.e,
    }  # fmt: skip
    if all((sum(case.shares) - case.x * case.y) % case.prime == 0 for case in cases):
        return
    for sentence, of in wrong.items():
        if all((sum(case.shares) - of(case)) % case.prime == 0 for case in cases):
            raise NotYet(sentence)
    case = next(case for case in cases if (sum(case.shares) - case.x * case.y) % case.prime)
    raise NotYet(
        f"The new shares should add up to {case.x} · {case.y} = {case.x * case.y % case.prime} modulo {case.prime}; "
        f"yours add up to {sum(case.shares) % case.prime}."
    )


def _expect_local(multiply, party: int) -> None:
    case = _Case(1_234, 98_765, 3, LARGE).run(multiply)
    before = case.shares[party]
    left, right = (other for other in range(3) if other != party)
    # The two others' shares change, their sums do not: for this party everything is as before.
    for shares in (case.x_shares, case.y_shares, *case.triple):
        shares[left] = (shares[left] + 77_777) % LARGE
        shares[right] = (shares[right] - 77_777) % LARGE
    case.run(multiply)
    if case.shares[party] != before:
        raise NotYet(
            f"The new share of party {party} changes when only the *others'* shares do, so it is made from what that "
            "party cannot see. From its own a, b and c and the opened d and e alone: c + d · b + e · a."
        )
    if case.shares[party] in (0, case.x * case.y % LARGE):
        raise NotYet(
            f"The new share of party {party} is 0 or the product itself: somebody has opened x · y. It should stay in "
            "shares, c + d · b + e · a each."
        )


# What the exercise lends ---------------------------------------------------------------------------


def beaver_multiply(
    x_shares: Shares, y_shares: Shares, triple: tuple[Shares, Shares, Shares], prime: int
) -> tuple[int, int, Shares]:
    """Open x − a and y − b; each party makes its share of x · y; the first adds the public product."""
    a_shares, b_shares, c_shares = triple
    d = (sum(x_shares) - sum(a_shares)) % prime
    e = (sum(y_shares) - sum(b_shares)) % prime
    shares = [(c + d * b + e * a) % prime for a, b, c in zip(a_shares, b_shares, c_shares, strict=True)]
    shares[0] = (shares[0] + d * e) % prime
    return d, e, shares
