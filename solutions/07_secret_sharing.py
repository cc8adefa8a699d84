# %% [markdown]
# # How can a sum be computed that nobody sees the parts of?
#
# Five colleagues want to know their average salary, and nobody wants to say their own (real salaries are not in our
# data, so these five are invented; the working hours further down are of real people). In this lesson you split
# numbers into shares that say *nothing*, add and multiply them without putting them together, and cheat.
#
# You will
# - split a secret in two ways, and prove by counting that too few shares say nothing at all,
# - compute an average, and a score from two secret vectors, that nobody sees the parts of, and
# - lie to the protocol undetected, catch the liar, and find what no protocol hides.
#
# *About 100 minutes of your time; 10 s and 400 MiB on one core. You need: Python's integers, and the remainder
# `%`. Lesson 00 shows how exercises work.*

# %% [markdown]
# > - **Who attacks?** Some of the *parties* that hold shares, together. First they follow the protocol and think about
# >   what they see (*honest but curious*); later one of them lies (*active*).
# > - **What do they see?** All that they are sent, and all that is announced. They have any computer, and any time.
# > - **What do they want?** One person's number.
# > - **Whom do we trust?** Enough of the parties not to talk to each other; in one section, a dealer.

# %% tags=["setup"]
import itertools
import secrets
from collections import Counter
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

from course.crypto import (
    PRIME,
    FixedPoint,
    InconsistentShares,
    Share,
    deal_triple,
    private_dot_product,
    reconstruct,
    split,
    split_additive,
)
from course.data import load_adult
from course.exercises import begin, check, claim, hint, quiz, right
from course.figures import plot_growth, plot_share_counts, plot_wrap, present

begin("07")

# %% [markdown]
# ## Split a salary
#
# Ada earns 41,000 a year and cuts it into three parts for three parties: 12,000, 9,000 and 20,000. Each part says
# something: "she earns at least 20,000". On a clock it would not: start at an hour that
# you are shown, go on by an amount that you are not, and you may end at any hour.

# %% [markdown]
# Our clock has p = 2^61 − 1 hours, a prime number; all computing is **modulo p** (`% prime` in Python), in what is
# called the field of p elements. All shares but one are drawn **uniformly** from 0 … p − 1, each value
# equally likely; the last is what is missing to the secret. This is **additive sharing**.
#
# The check draws thousands of splits in a clock of five hours and tests that the shares are *uniform*.


# %% tags=["exercise"]
def split_sum(secret, num_shares, prime):
    """Split a secret into shares that add up to it modulo the prime.

    Args: secret, in 0 … prime − 1; num_shares, at least 2; prime, the size of the field.
    Returns: a list of num_shares integers in 0 … prime − 1. Draw with secrets.randbelow(prime).
    """
    ### BEGIN SOLUTION
    drawn = [secrets.randbelow(prime) for _ in range(num_shares - 1)]
    return [*drawn, (secret - sum(drawn)) % prime]
    ### END SOLUTION


# %% tags=["check"]
split_sum = check("07.1", split_sum)  # stuck? hint("07.1")

# %% [markdown]
# Why `secrets` and not `random`? Python's `random` is predictable: after enough of its numbers one can compute
# all the others. We split Ada's salary twice.

# %%
once, again = split_sum(41_000, 3, PRIME), split_sum(41_000, 3, PRIME)
for shares in (once, again):
    print(*(f"{share:>22,}" for share in shares))
in_common = len(set(once) & set(again))
adds_up_to = sum(once) % PRIME
claim("The shares add up to Ada's salary", adds_up_to == 41_000)
claim("The two splits have no number in common", in_common == 0)

# %% [markdown]
# ## Exactly nothing
#
# "Looks random" is no proof. In a small field we can try *every* draw there is: with p = 5 and three shares there are
# 5 · 5 = 25 ways to split a secret, all equally likely.

# %% [markdown]
# **Predict**: the secret is 3. In how many of the 25 ways do the first two shares read (4, 1)? And if the secret is 0?


# %%
def all_splits(secret, prime, draws_below=None):
    """Each way to split a secret in three: one for each pair of draws."""
    for draws in itertools.product(range(draws_below or prime), repeat=2):
        remaining = iter(draws)
        yield split_additive(
            secret, 3, prime=prime, random_below=lambda limit: next(remaining)
        )


seen_by = {}
for pair in itertools.combinations(range(3), 2):
    seen_by[pair] = [
        Counter(tuple(shares[i] for i in pair) for shares in all_splits(secret, 5))
        for secret in range(5)
    ]
answer = [seen_by[0, 1][secret][4, 1] for secret in (3, 0)]
print("shares (4, 1) come", answer[0], "time for the secret 3 and", answer[1], "time for 0")

# %%
every_pair_once = all(
    set(counts.values()) == {1} and len(counts) == 25
    for per_secret in seen_by.values()
    for counts in per_secret
)
claim(
    "Whichever two shares you see, each pair comes once for every secret", every_pair_once
)

# %% [markdown]
# So whoever holds two of three shares knows what they knew before: this is **perfect secrecy**, and no computer
# of any size helps. (We counted with the library's function, because it lets us choose the draws; the check tested
# yours statistically.) It rests on every draw being uniform and fresh. What if somebody saves bits and draws small numbers?

# %% [markdown]
# **Predict**: p = 7, and the draws are from 0, 1 and 2 only. What does the last share alone say about the secret?

# %%
tables = {
    name: np.array(
        [
            [
                Counter(s[2] for s in all_splits(secret, 7, below))[value]
                for value in range(7)
            ]
            for secret in range(7)
        ]
    )
    for name, below in (("drawn from 0 … 6", 7), ("drawn from 0 … 2", 3))
}

# %%
_, axes = plt.subplots(1, 2, figsize=(7.6, 4.2))
plot_share_counts(
    axes,
    tables,
    title="A proper share reads the same for every secret, a lazy one does not",
    xlabel="what the last share reads",
    ylabel="the secret",
)
present(
    axes[0],
    caption=(
        "All splits of each secret in three, p = 7: how many of them have this last share. Compare the rows: left they are equal, "
        "right each zero rules a secret out. It misleads in one way: so small a table shows the laziness at once; nobody can draw it for "
        "p = 2^61 − 1, where with draws of 32 bits the last share would give nearly the leading half of the secret."
    ),
    alt="Two tables of counts, seven secrets by seven values. Left every entry is 7; right a band of ones to threes, and zeros.",
)

# %%
proper, lazy = tables.values()
ruled_out_proper = int((proper == 0).sum(axis=0).max())
ruled_out_lazy = set((lazy == 0).sum(axis=0).tolist())
claim("A proper last share rules out no secret", ruled_out_proper == 0)
claim("Each lazy one rules out two of seven", ruled_out_lazy == {2})

# %% [markdown]
# ## Add what you cannot see
#
# Each colleague splits their salary among three parties. Row i of the table are the shares of person i; party j
# holds **column** j. It adds its column and announces the sum, and the announced numbers are added up.


# %% tags=["exercise"]
def add_up(shares, prime):
    """What the parties announce, and what it adds up to.

    Args: shares, a list of rows, one a person, each a list of one share a party; prime.
    Returns: the announced numbers (a list, one a party, each in 0 … prime − 1), and the total modulo the prime.
    """
    ### BEGIN SOLUTION
    announced = [sum(column) % prime for column in zip(*shares, strict=True)]
    return announced, sum(announced) % prime
    ### END SOLUTION


# %% tags=["check"]
add_up = check("07.2", add_up)  # stuck? hint("07.2")

# %%
# NBVAL_CHECK_OUTPUT
salaries = {"Ada": 41_000, "Bo": 52_500, "Cy": 38_200, "Di": 67_000, "Ed": 45_300}
table = [split_sum(salary, 3, PRIME) for salary in salaries.values()]
announced, total = add_up(table, PRIME)
average = total / len(salaries)
print(f"the average of {len(salaries)} salaries is {average:,.0f}")

# %% [markdown]
# Nobody has put a salary together, and yet the average is exact. Why? It does not matter in which order one adds: by
# rows it would be the salaries, by columns it is shares *of the sum*. The announced numbers are a fresh split of the total,
# so they say the total and nothing else.

# %% [markdown]
# The same with real numbers: the hours that 1,000 people of Adult work in a week, and three parties.
#
# **Predict**: how many messages does that take, one share or announcement each? How far is the average off?

# %%
# NBVAL_CHECK_OUTPUT
hours = [int(value) for value in load_adult().train.hours_per_week[:1_000]]
table_of_hours = [split_sum(value, 3, PRIME) for value in hours]
announced_hours, total_hours = add_up(table_of_hours, PRIME)
messages = len(table_of_hours) * 3 + len(announced_hours)
print(f"{messages:,} messages; {total_hours / len(hours):.3f} hours a week on average")

# %%
in_the_clear = sum(hours)
claim("The total is exact: no noise, no rounding", total_hours == in_the_clear)
all_three = sum(table[0]) % PRIME
claim(
    "But three parties who put their shares together read Ada's salary", all_three == 41_000
)

# %% [markdown]
# That is **collusion**, and here it takes all three. Secrecy has become a question of who would have to conspire: one
# honest party is enough. Choose parties that have reasons not to, such as competitors, and not three servers of one company.

# %% [markdown]
# ## When somebody does not answer
#
# Additive sharing needs *every* party. With one column missing, the sum of the others is a uniform number: not a
# worse average, none at all.
#
# **Predict**: five parties, each silent one time in ten. How often is there no sum?

# %%
silent = 0.1
no_sum = 1 - (1 - silent) ** 5
two_columns = sum(announced[:2]) % PRIME
claim("With a silent party in ten, four sums in ten fail", 0.4 < no_sum < 0.42)
claim("Two of three announcements do not add up to the total", two_columns != total)

# %% [markdown]
# Shamir's idea (1979): two points fix a line, three points a parabola. Hide the secret at x = 0 of a polynomial whose
# other coefficients are drawn uniformly from the field, and give party x its value at x. For a **threshold** of t shares
# take t coefficients, the secret among them: any t points give the polynomial back, and t − 1 fit every value
# at 0 in equally many ways.


# %% tags=["exercise"]
def shamir_split(secret, threshold, num_shares, prime):
    """Split a secret so that any `threshold` of the shares give it back, and fewer say nothing.

    Args: secret, in 0 … prime − 1; threshold, from 1 to num_shares; num_shares < prime.
    Returns: a list of pairs (x, y), with x = 1 … num_shares and y the polynomial at x, modulo the prime.
    """
    ### BEGIN SOLUTION
    coefficients = [secret] + [secrets.randbelow(prime) for _ in range(threshold - 1)]
    return [
        (x, sum(c * x**power for power, c in enumerate(coefficients)) % prime)
        for x in range(1, num_shares + 1)
    ]
    ### END SOLUTION


# %% tags=["check"]
shamir_split = check("07.3", shamir_split)  # stuck? hint("07.3")

# %% [markdown]
# May the highest coefficient be 0? Then the parabola is a line, and that looks like a mistake. Let us forbid it, with
# p = 7 and a threshold of 2, and list what share 1 can read.
#
# **Predict**: what does a share then say about the secret?

# %%
may_be_zero = {s: {(s + c) % 7 for c in range(7)} for s in range(7)}
never_zero = {s: {(s + c) % 7 for c in range(1, 7)} for s in range(7)}
possible_before = sum(4 in values for values in may_be_zero.values())
possible_after = sum(4 in values for values in never_zero.values())
print(
    f"share 1 reads 4: {possible_before} secrets are possible, {possible_after} if 0 is forbidden"
)
claim("A coefficient that is never 0 rules one secret out", possible_after == 6)

# %% [markdown]
# With 0 forbidden, share 1 is never the secret itself, so whoever reads 4 knows "not 4". Now count as before, p = 5,
# threshold 3, four shares: does any pair say something, and do any three say everything?


# %%
def seen_of_shamir(secret, holders):
    """How often each view of these shares occurs over all draws: p = 5, threshold 3, four shares."""
    views = Counter()
    for draws in itertools.product(range(5), repeat=2):
        remaining = iter(draws)
        shares = split(secret, 3, 4, prime=5, random_below=lambda limit: next(remaining))
        views[tuple(shares[i].y for i in holders)] += 1
    return views


# %%
pairs, triples = (list(itertools.combinations(range(4), size)) for size in (2, 3))
alike = all(
    seen_of_shamir(s, pair) == seen_of_shamir(0, pair) for pair in pairs for s in range(5)
)
apart = all(
    not set(seen_of_shamir(s, three)) & set(seen_of_shamir(r, three))
    for three in triples
    for r, s in itertools.combinations(range(5), 2)
)
claim(
    "Each of the 6 pairs is distributed the same for all secrets", len(pairs) == 6 and alike
)
claim("No 3 shares fit two secrets", len(triples) == 4 and apart)

# %% [markdown]
# ## Put it together again
#
# **Lagrange's formula**: the secret is Σ yᵢ · wᵢ, where the weight wᵢ is the product, over all *other* shares j, of
# (0 − xⱼ) / (xᵢ − xⱼ). In the field one divides by multiplying with the inverse, `pow(number, -1, prime)`. No
# floats: they would round.


# %% tags=["exercise"]
def at_zero(shares, prime):
    """The secret: the value at x = 0 of the polynomial through the shares.

    Args: shares, a list of pairs (x, y) with different x, in any order; prime.
    Returns: an integer in 0 … prime − 1.
    """
    ### BEGIN SOLUTION
    total = 0
    for x, y in shares:
        numerator = denominator = 1
        for other, _ in shares:
            if other != x:
                numerator = numerator * (0 - other) % prime
                denominator = denominator * (x - other) % prime
        total += y * numerator * pow(denominator, -1, prime)
    return total % prime
    ### END SOLUTION


# %% tags=["check"]
at_zero = check("07.4", at_zero)  # stuck? hint("07.4")

# %% [markdown]
# Shares of polynomials add up like the polynomials: each of five parties adds its five y and announces the sum. Then
# *any three* announcements give the total. We take all ten choices of three.

# %%
dealt = [shamir_split(salary, 3, 5, PRIME) for salary in salaries.values()]
sums = [
    (column[0][0], sum(y for _, y in column) % PRIME) for column in zip(*dealt, strict=True)
]
totals = [at_zero(list(three), PRIME) for three in itertools.combinations(sums, 3)]
exact = totals.count(sum(salaries.values()))
claim("Each of the ten choices of three gives the exact total", exact == 10)

# %% [markdown]
# **Parity.** The same formula without any field: Lagrange over fractions, exact, and turned into the field only at the
# end. And the course's library, which checks what it is given.


# %%
def by_fractions(shares, prime):
    """Lagrange at 0 over the rational numbers; one division modulo the prime, at the end."""
    total = Fraction(0)
    for x, y in shares:
        weight = Fraction(1)
        for other, _ in shares:
            if other != x:
                weight *= Fraction(-other, x - other)
        total += y * weight
    return total.numerator * pow(total.denominator, -1, prime) % prime


# %%
trials = [shamir_split(secrets.randbelow(PRIME), 4, 7, PRIME)[2:6] for _ in range(200)]
agree_fractions = sum(by_fractions(t, PRIME) == at_zero(t, PRIME) for t in trials)
agree_library = sum(
    reconstruct([Share(x, y, 4) for x, y in t]) == at_zero(t, PRIME) for t in trials
)
claim("200 of 200 random secrets agree with Lagrange by fractions", agree_fractions == 200)
claim("And with the library", agree_library == 200)

# %% [markdown]
# A threshold is a bargain. A low one survives silence and is easily conspired against; a high one is the other way round.
#
# **Predict**: with each party silent one time in ten, how often do 3 of 5 fail?

# %%
from scipy import stats

chance_silent = np.array([0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
fails = {
    f"{threshold} of 5 must answer": 100
    * stats.binom.cdf(threshold - 1, 5, 1 - chance_silent)
    for threshold in (5, 4, 3, 2)
}

# %%
_, ax = plt.subplots()
plot_growth(
    ax,
    fails,
    x=100 * chance_silent,
    logarithmic=False,
    title="Two spare shares turn four failures in ten into one in a hundred",
    xlabel="a party is silent (% of the time)",
    ylabel="there is no sum (% of the time)",
)
present(
    ax,
    caption=(
        "Computed from the binomial distribution, five parties that fall silent independently. 5 of 5 is additive sharing. It misleads in one way: the "
        "same number is how many must conspire to read a salary, so every line that lies lower is also less secret."
    ),
    alt="Four rising curves of failure against the chance of silence; at ten percent, 5 of 5 is at 41 percent and 3 of 5 near one.",
)

# %%
failing = float(fails["3 of 5 must answer"][3])
additive_failing = float(fails["5 of 5 must answer"][3])
claim("3 of 5 fail in fewer than one run in a hundred", failing < 1)
claim("Additive sharing in over forty", additive_failing > 40)

# %% [markdown]
# ## Fractions, and numbers below zero
#
# A field has no −1.5. **Fixed point**: count in steps of 2^(−f), and let the upper half of the field stand for the
# negatives, so that −1 step is p − 1. You write the way back.

# %% [markdown]
# **Predict**: p = 101 and f = 2. Which element is the largest number, and which is the smallest?


# %% tags=["exercise"]
def decode(element, fraction_bits, prime):
    """The number that a field element stands for.

    Args: element, in 0 … prime − 1, those above prime // 2 standing for negative numbers;
        fraction_bits f: one step is 2 to the −f; prime.
    Returns: a number, positive, 0 or negative.
    """
    ### BEGIN SOLUTION
    steps = element - prime if element > prime // 2 else element
    return steps / 2**fraction_bits
    ### END SOLUTION


# %% tags=["check"]
decode = check("07.5", decode)  # stuck? hint("07.5")

# %%
changes = [2.5, -1.75, 0.0, -4.25, 1.5]  # each salary's last change, in percent
encoding = FixedPoint(fraction_bits=16)
rows = [split_sum(encoding.encode(change), 3, PRIME) for change in changes]
sum_of_changes = float(decode(add_up(rows, PRIME)[1], 16, PRIME))
print(
    f"p = 101, f = 2: element 50 is {decode(50, 2, 101)}, element 51 is {decode(51, 2, 101)}"
)
claim("Changes of both signs add up exactly", sum_of_changes == -2.0)

# %% [markdown]
# ## Overflow is silent
#
# A number that does not fit is refused when it is encoded. But no one sees the *sum* before it is opened, so nobody
# can refuse that one. We take a small field, p = 8191 with f = 4, and add 40 times 31.5.
#
# **Predict**: what comes out when the sum leaves the field?

# %%
small = FixedPoint(fraction_bits=4, prime=8191)
counted = range(1, 41)
true_sums = [31.5 * n for n in counted]
came_out = [float(decode(small.encode(31.5) * n % 8191, 4, 8191)) for n in counted]

# %%
_, ax = plt.subplots()
plot_wrap(
    ax,
    came_out,
    true=true_sums,
    largest=small.largest,
    title="Past the end of the field a sum comes back from the other side",
    xlabel="summands of 31.5 each",
)
present(
    ax,
    caption=(
        "p = 8191, four bits after the point. Dots: what is decoded after so many summands. It misleads in one way: our field of 2^61 − 1 "
        "is so large that one rarely sees this happen, until somebody multiplies."
    ),
    alt="A straight line for the true sum, and dots that follow it to the end of the field, come back near minus 256 and rise again, twice.",
)

# %%
try:
    small.encode(300)
    refused = False
except ValueError as error:
    refused = True
    print(error)
safe = small.largest_summand(40)
off_by = true_sums[-1] - came_out[-1]
claim("A single number that does not fit is refused", refused)
claim("The sum of 40 is off by twice p steps, silently", off_by == 2 * 8191 / 16)
claim("Forty summands are safe up to 6.375 each", safe == 6.375)

# %% [markdown]
# So the rule is stated in advance: with n summands, each at most p // 2 // n steps. Lesson 08 needs it for the updates of
# models.

# %% [markdown]
# ## Multiply
#
# A clinic has a patient's eight blood values x, and a laboratory has a secret formula y, eight weights. Three parties
# should compute the score Σ xᵢ · yᵢ, and see neither.
# Adding is free: each party works alone. Can each party multiply its own shares too?

# %% [markdown]
# **Predict**: shares of 6 and of 7, multiplied party by party. Do they add up to 42?

# %%
six, seven = split_sum(6, 3, PRIME), split_sum(7, 3, PRIME)
party_by_party = sum(x * y for x, y in zip(six, seven, strict=True)) % PRIME
claim("Party by party it is not 42", party_by_party != 42)

# %% [markdown]
# (x₁ + x₂ + x₃)(y₁ + y₂ + y₃) has nine products, and six of them belong to two parties. Beaver's way (1991): a **dealer**
# hands out shares of two random numbers a and b and of c = a · b, *before* anybody has an input. The parties open d = x − a and
# e = y − b, which are masked by a and b, and then x · y = (a + d)(b + e) = c + d · b + e · a + d · e.

# %% [markdown]
# Party i's share of the product is cᵢ + d · bᵢ + e · aᵢ, all of which it knows. d · e is public: *one* party
# adds it.


# %% tags=["exercise"]
def beaver_multiply(x_shares, y_shares, triple, prime):
    """Shares of x · y, with nothing opened but two masked numbers.

    Args: x_shares, y_shares: additive shares, a list with one a party; triple: three such lists, of a, b
        and c = a · b; prime.
    Returns: d = x − a and e = y − b (both in 0 … prime − 1), and the list of the parties' shares of x · y.
    """
    ### BEGIN SOLUTION
    a_shares, b_shares, c_shares = triple
    d = sum(x - a for x, a in zip(x_shares, a_shares, strict=True)) % prime
    e = sum(y - b for y, b in zip(y_shares, b_shares, strict=True)) % prime
    shares = [
        (c + d * b + e * a) % prime
        for a, b, c in zip(a_shares, b_shares, c_shares, strict=True)
    ]
    shares[0] = (shares[0] + d * e) % prime
    return d, e, shares
    ### END SOLUTION


# %% tags=["check"]
beaver_multiply = check("07.6", beaver_multiply)  # stuck? hint("07.6")


# %%
def fresh_triple(num_parties=3):
    """What the dealer hands out for one multiplication: shares of a, of b and of a · b."""
    dealt = deal_triple(num_parties)
    return [list(shares) for shares in (dealt.a_shares, dealt.b_shares, dealt.c_shares)]


def dot_product(left, right):
    """Each party adds up its shares of the products; only the sum is opened."""
    held = [0, 0, 0]
    for x, y in zip(left, right, strict=True):
        x_shares, y_shares = split_sum(x, 3, PRIME), split_sum(y, 3, PRIME)
        _, _, products = beaver_multiply(x_shares, y_shares, fresh_triple(), PRIME)
        held = [(old + new) % PRIME for old, new in zip(held, products, strict=True)]
    return sum(held) % PRIME


# %% [markdown]
# **Predict**: blood values and weights have 16 bits after the point each. How many has their product?

# %%
blood = [5.4, 140.2, 4.1, 0.9, 13.7, 88.0, 1.25, 36.6]
weights = [0.75, -0.02, 1.5, -2.125, 0.05, 0.01, -0.6, 0.125]
x, y = ([encoding.encode(value) for value in values] for values in (blood, weights))
score = float(decode(dot_product(x, y), 32, PRIME))
exactly = sum(
    Fraction(round(Fraction(b) * 2**16), 2**16)
    * Fraction(round(Fraction(w) * 2**16), 2**16)
    for b, w in zip(blood, weights, strict=True)
)
library = float(decode(private_dot_product(x, y), 32, PRIME))
print(f"score: {score:.6f}")
off = abs(score - float(np.dot(blood, weights)))
claim("The score equals exact arithmetic on the rounded numbers", score == float(exactly))
claim("The library's product agrees", library == score)
claim("Rounding to 16 bits moves it by less than a hundredth", off < 0.01)

# %% [markdown]
# 32 bits: the product has twice as many after the point, and only 28 are left before it. Multiply by another such
# weight and 12 are left; multiply two products and nothing fits. So real tools cut bits off between two multiplications, which costs another protocol. This is why a neural
# network on shares is slow and a sum is not.

# %% [markdown]
# What is opened, d and e, is all that a party learns more. And all parties but one together hold shares that say nothing
# about a and b, so to them x and y stay masked. Try all 25 masks in the field of 5.
#
# **Predict**: and if the *same* triple is used for two products?

# %%
opened = [
    Counter(((x0 - a) % 5, (y0 - b) % 5) for a, b in itertools.product(range(5), repeat=2))
    for x0, y0 in itertools.product(range(5), repeat=2)
]
same_for_all = all(counts == opened[0] for counts in opened)
one_triple = fresh_triple()
d_ada, _, _ = beaver_multiply(split_sum(41_000, 3, PRIME), seven, one_triple, PRIME)
d_di, _, _ = beaver_multiply(split_sum(67_000, 3, PRIME), seven, one_triple, PRIME)
difference = (d_di - d_ada) % PRIME
the_dealers = (d_ada + sum(one_triple[0])) % PRIME
claim("With a fresh triple the opened pair says nothing about x and y", same_for_all)
claim("With a used one it gives the difference of two salaries away", difference == 26_000)
claim("And the dealer, who knows a, reads the salary itself", the_dealers == 41_000)

# %% [markdown]
# So a triple is used **once**, and the dealer must not hear what is opened. Protocols without a dealer make the
# triples beforehand with encryption like lesson 09's, at a far higher price.

# %% [markdown]
# ## Somebody lies
#
# So far everybody followed the protocol. Party 2 now wants the average to look 1,000 higher.
#
# **Predict**: what does it have to know to do that, and who can notice?

# %%
lied = list(announced)
lied[1] = (lied[1] + 5 * 1_000) % PRIME
forged_average = sum(lied) % PRIME / 5
shift = forged_average - average
claim("The average has moved by exactly 1,000", shift == 1_000)

# %% [markdown]
# It knows nothing, and moves the result as it likes: secrecy is not **integrity**. To the others its announcement is a
# uniform number, before and after. With Shamir there is a remedy: five announcements of a parabola are two more
# than needed, and a changed one does not lie on it. The library's `reconstruct` looks.


# %%
def opened_or_caught(values, threshold=3):
    """The total from announcements (x, y), or None if they do not lie on one polynomial."""
    try:
        return reconstruct([Share(x, y, threshold) for x, y in values])
    except InconsistentShares:
        return None


def with_lies(values, liars):
    """The liars' announcements moved by random amounts."""
    return [
        (x, (y + 1 + secrets.randbelow(PRIME - 1)) % PRIME) if x in liars else (x, y)
        for x, y in values
    ]


# %%
honest_total = opened_or_caught(sums)
pairs_of_liars = list(itertools.combinations(range(1, 6), 2))
groups = [(liar,) for liar in range(1, 6)] + pairs_of_liars
caught = sum(opened_or_caught(with_lies(sums, group)) is None for group in groups)
claim("Honest announcements pass", honest_total == sum(salaries.values()))
claim("One or two liars of five are caught, all 15 groups of them", caught == 15)

# %% [markdown]
# Two liars of five are caught for *certain*: two parabolas that agree in three points are the same. What if only three parties
# answer, and one of them lies? And what can three liars do?
#
# **Predict** both.

# %%
unnoticed = opened_or_caught(with_lies(sums[:3], {1}))
claim("With exactly three announcements a lie passes", unnoticed is not None)

# A parabola that is 0 where the two honest parties stand, 4 and 5, and 5,000 at x = 0.
scale = 5_000 * pow(20, -1, PRIME)
bent = [
    (x, (y + scale * (x - 4) * (x - 5)) % PRIME) for x, y in sums
]  # nothing changes at 4 and 5
bent_average = opened_or_caught(bent) / 5
changed = sum(new != old for new, old in zip(bent, sums, strict=True))
claim("Three liars together move the average by 1,000", bent_average - average == 1_000)
claim("Only their own three announcements are changed", changed == 3)

# %% [markdown]
# Three is the threshold: they could read every salary anyway. The check says *that* somebody lied, not who, and whoever
# lies can at least stop the computation. And against a colleague who splits a false salary from the start, no
# protocol helps.

# %% [markdown]
# ## What the result itself says
#
# The protocol hides all but the average. Ed leaves; next month the other four compute theirs.
#
# **Predict**: what do the two averages say together?

# %%
# NBVAL_CHECK_OUTPUT
four = [salary for name, salary in salaries.items() if name != "Ed"]
_, total_of_four = add_up([split_sum(salary, 3, PRIME) for salary in four], PRIME)
average_of_four = total_of_four / 4
eds_salary = 5 * average - 4 * average_of_four
print(f"averages {average:,.0f} and {average_of_four:,.0f}: Ed earned {eds_salary:,.0f}")

# %%
claim("Two averages give Ed's salary to the cent", eds_salary == salaries["Ed"])
known = sum(four)
claim(
    "So does one, to four colleagues who put theirs together",
    total - known == salaries["Ed"],
)

# %% [markdown]
# No cryptography was broken. This is **differencing**, and no protocol that computes the exact sum can stop it:
# lesson 08 meets it again, and the answer is the noise of lesson 05, added *inside* the protocol.

# %% [markdown]
# ## Tools, as of today
#
# MPyC is a maintained Python library for computing on Shamir's shares. PySyft had secret sharing up to version 0.2,
# which no longer installs, and CrypTen, for PyTorch, had its last release in 2022. Lesson 14 compares the tools.

# %% [markdown]
# ### What this does *not* protect
#
# - **The result.** It says what it says, and several results say more: after eight scores the clinic can solve for the
#   laboratory's eight weights.
# - **Against a threshold of conspirators.** They read everything, and nobody can notice.
# - **The inputs' truth.** A false salary is shared as well as a true one.
# - **Messages on their way.** We handed lists about; real shares need a private, authenticated channel to each party.
# - **You, if you deploy this.** Python's integers take time that depends on their values; this code is to learn from.
#
# Privacy ledger of this lesson: **empty**. Nothing here adds noise, so there is no ε, and exact secrecy of the parts
# says nothing about the privacy of the result.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A salary is shared additively among three servers, and two of them conspire. What do they learn?",
    {
        "Two thirds of the bits": "You counted: every pair of shares comes equally often for every secret.",
        "Nothing, however large their computer": right(
            "The missing share is uniform, so every salary is still possible, and as likely as before."
        ),
        "Nothing, as long as computers are slow": "There is nothing to compute: no secret is likelier than another. That is more than encryption with a short key promises.",
    },
)

# %%
quiz(
    "You split a 32-byte key with Shamir in the field of 2^61 − 1. What happens?",
    {
        "It works: shares may be longer than the field": "A secret is one element. 256 bits do not fit into 61.",
        "The library refuses; take a larger prime, or split the key into pieces": right(
            "Reducing it would lose most of the key. The library's KEY_PRIME is large enough."
        ),
        "It works, but the threshold must be larger": "The threshold is about who must cooperate, not about how long a secret is.",
    },
)

# %%
quiz(
    "Five parties, threshold 3, all five announce their share of the sum. One of them lies. What does the check give you?",
    {
        "The right sum, and the liar's name": "There is a method for that (it decodes Reed–Solomon codes, and here two spare shares would be enough for one liar). This check only compares.",
        "The certainty that somebody lied": right(
            "The five points do not lie on a parabola. Who bent it is another question."
        ),
        "A sum that is slightly off": "It would be off by anything; but you are not given it: reconstruct raises.",
    },
)

# %%
quiz(
    "In a Beaver multiplication every party adds d · e to its share. What comes out with three parties?",
    {
        "x · y": "d · e then is in the sum three times.",
        "x · y + 2 · d · e": right("Once is right, and two are too many."),
        "An error message": "All shares look uniform, so nothing looks wrong. A wrong result is all there is.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "Three hospitals want the total number of cases of a rare disease, and will not show each other theirs. Design it."**
# (5 minutes)
#
# *Rubric*: additive or Shamir shares over a field, with sizes (1); who may collude, who may be silent, and what
# follows for the threshold (1); honest-but-curious against active (1); what the total itself reveals, with three
# inputs (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "We encrypt the counts, send them to a server and it adds them up; SMPC makes it secure."
#
# *Strong*: "Each hospital splits its count into three additive shares modulo a 61-bit prime, keeps one and sends the
# others over TLS; each announces the sum of what it holds. One hospital alone sees uniform numbers. But two together
# subtract their counts from the total and have the third's: with three inputs, the *result* is the leak, and no protocol
# changes that. I would ask for more hospitals or noise with a stated ε. All three must answer; with more of them I
# would use Shamir, 3 of 5 say. And a hospital can lie about its count, or about its announcement; spare shares detect
# only the latter."
#
# </details>

# %% [markdown]
# **2. "Why is adding free in secret sharing and multiplying not?"** (3 minutes)
#
# *Rubric*: sharing is linear, each party adds alone (1); cross products belong to two parties (1); a Beaver triple, what is
# opened, and why that is safe (1); its price: a round of messages, a fresh triple a product, and whoever makes it (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Multiplication is more complex, so it needs more computation."
#
# *Strong*: "Shares are linear in the secret: the sum of shares is a share of the sum, without a message. A product of sums has
# cross terms, my share times yours, that none of us can compute alone. With a precomputed triple a, b, ab we open x − a and y − b; as
# a and b are uniform and used once, that says nothing, and the rest is linear again. So each multiplication costs a
# round, two opened numbers and a triple, which comes from a trusted dealer or from expensive cryptography beforehand.
# In fixed point it also doubles the fraction bits, which must be cut off again."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Shamir 1979, *How to share a secret*, Communications of the ACM 22(11): exercises 07.3 and 07.4.
# - Ben-Or, Goldwasser and Wigderson 1988, *Completeness theorems for non-cryptographic fault-tolerant distributed
#   computation*, STOC '88: sums and products of Shamir's shares.
# - Beaver 1991, *Efficient multiparty protocols using circuit randomization*, CRYPTO '91: exercise 07.6.
# - McEliece and Sarwate 1981, *On sharing secrets and Reed–Solomon codes*, Communications of the ACM 24(9): why spare
#   shares catch liars.
