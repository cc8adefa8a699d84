# %% [markdown]
# # What exactly does ε promise?
#
# Lesson 04 asked whether an attack succeeds. Attacks get better, and a list of failed attacks is no promise.
# In this lesson you meet a promise that holds for *every* attacker, whatever they know: you play against it, build the
# noise that keeps it, and learn to add up what it costs.
#
# You will
# - guess whether one person is in a dataset, and see ε limit every guess,
# - build Laplace noise, deniable answers and the least Gaussian noise, each checked for its *privacy*, and
# - add up many releases four ways, and find two bugs that real projects had.
#
# *About 110 minutes of your time, with a good place to stop half-way; 15 s and 600 MiB on one core. You need: numpy,
# and what a probability density is. Lesson 00 shows how exercises work.*

# %% [markdown]
# > - **Who attacks?** Anybody who reads what is published, with any computer and any knowledge of the rest of the world.
# > - **What do they see?** The published numbers, and how they were made. Only the random draws are secret.
# > - **What do they want?** To tell whether one known person is in the data.
# > - **Whom do we trust?** The office that holds the data; in one section, nobody.

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import numpy as np

from course.data import load_adult
from course.exercises import begin, check, claim, hint, quiz, right
from course.figures import plot_growth, plot_guesses, plot_losses, present
from course.privacy import (
    Adjacency,
    Ledger,
    Unit,
    compose_advanced,
    epsilon_spent,
    gaussian_delta,
    group_privacy,
)

begin("05")
adult = load_adult().train
ledger = Ledger()
person = {"unit": Unit.EXAMPLE, "adjacency": Adjacency.ADD_REMOVE}

# %% [markdown]
# Every ε that this lesson prints goes into a **ledger**, with the sentence that belongs to it. Here a record is a person,
# and two datasets are **neighbours** if one has a person more than the other (*add/remove*).

# %% [markdown]
# ## A game
#
# An office publishes one number: how many people on a list earn more than 50,000 dollars. You know all of the list but one
# thing: whether Ada, who earns more than that, is on it. So the true count is one of two numbers that you know.

# %%
block = adult.iloc[:40]
ada = 8  # Her row; she earns more than 50K.
rich = (block.income == ">50K").to_numpy()
without_ada = int(np.delete(rich, ada).sum())
with_ada = int(rich.sum())
print(f"the count is {without_ada} without Ada and {with_ada} with her")

# %% [markdown]
# If the office publishes the count itself, you are never wrong. So it adds noise. **Your rule** is the function below:
# given what was published, do you say that Ada is in? Change it as you like, and run on.


# %%
def ada_is_in(published):
    """Your rule, for one published number: True if you say "in"."""
    return published > without_ada + 0.5


def errors_of(rule, release, plays=40_000, seed=0):
    """How often a rule says "in" though Ada is not, and "not in" though she is."""
    rng = np.random.default_rng(seed)

    def says_in(count):
        # A play shows one number: a rule that saw all of them at once could average the noise away.
        shown = release(np.full(plays, float(count)), rng).tolist()
        return float(np.mean([bool(rule(published)) for published in shown]))

    return says_in(without_ada), 1 - says_in(with_ada)


nothing_added = errors_of(ada_is_in, lambda counts, rng: counts)
print("without noise you are wrong in", nothing_added, "of the plays")

# %% [markdown]
# The noise that we try has a **Laplace** distribution: a sharp peak at 0 and two exponential tails, e^(−|x| / b) / 2b.
# Its one parameter is b, and we take b = 1/ε for ε of 3, 1 and 0.3.
#
# **Predict**: in what share of the plays is your rule right at each of the three?

# %%
games, limits = {}, {}
false_alarms = np.linspace(0, 1, 501)
for epsilon in (3.0, 1.0, 0.3):
    claimed = ledger.record(
        f"the count with Ada, noise of b = {1 / epsilon:.3g}",
        mechanism="laplace",
        noise_multiplier=1 / epsilon,
        **person,
    )
    name = f"ε of {epsilon:g}"
    games[name] = errors_of(
        ada_is_in,
        lambda counts, rng: counts + rng.laplace(scale=1 / epsilon, size=len(counts)),
    )
    limits[name] = (
        false_alarms,
        np.maximum(
            1 - math.exp(epsilon) * false_alarms, (1 - false_alarms) / math.exp(epsilon)
        ),
    )
    print(f"right in {1 - np.mean(games[name]):.1%} of the plays.  {claimed}")

# %%
_, ax = plt.subplots(figsize=(5.6, 5.6))
plot_guesses(
    ax,
    games,
    limits=limits,
    title="Below its line, no rule can get: that is what ε promises",
)
present(
    ax,
    caption=(
        "A mark: your rule's two errors in 40,000 plays with each noise. A line: the smallest miss rate "
        "that its ε leaves for each false-alarm rate. Below it, where it is shaded, "
        "nobody gets, whatever they know. It misleads in one way: published once, the number is played "
        "once; we repeat it to measure."
    ),
    alt=(
        "Miss rate against false-alarm rate. Three bent lines, lower for larger epsilon, and a mark for "
        "the rule near each. The diagonal is a coin toss."
    ),
)

# %%
room = min(
    min(f + math.exp(e) * m, m + math.exp(e) * f)
    for e, (f, m) in zip((3.0, 1.0, 0.3), games.values(), strict=True)
)
right_at_1 = 1 - np.mean(games["ε of 1"])
most_at_1 = math.e / (1 + math.e)
claim("Your rule keeps to all three limits", room > 0.93)
claim("With b = 1 it is right less often than ε allows", right_at_1 < most_at_1 + 0.01)

# %% [markdown]
# Now in words: a random procedure M is **(ε, δ)-differentially private** if for all neighbours D and D' and every set S
# of outputs, P[M(D) ∈ S] ≤ e^ε · P[M(D') ∈ S] + δ. Take for S the outputs on which a rule says "in", for D the list
# with Ada: then *misses + e^ε · false alarms ≥ 1 − δ*. Those on which it says "not in", and D without her, give the
# same with the two swapped. These are the lines of the picture (with δ = 0).

# %% [markdown]
# Read it twice. It speaks of the **procedure**, not of one output; of **every** rule, not of the best one known; and it
# compares two worlds, with and without one person. If smoking causes cancer, a study says so in both worlds, and what
# that tells about a smoker is not a breach: it is why we do studies.

# %% [markdown]
# ## How far can one person move it?
#
# Ada moves a count by 1. A sum is another matter: somebody on the list may have a capital gain of 99,999. What one
# person can change, at most, is the **sensitivity**, and the noise must hide it. For a sum to have one, each value is
# **clipped** first to a range [low, high], chosen *without looking at the data*.

# %% [markdown]
# **Predict**: values clipped to [−2, 5]. How far can the sum move if somebody joins? If somebody is replaced?


# %% tags=["exercise"]
def sum_sensitivity(low, high):
    """How far one person can move a sum of values that are clipped to [low, high].

    Args: low, high: the range, low < high, of any sign.
    Returns: two numbers: if one person joins or leaves (add/remove); if one is replaced by another.
    """
    ### BEGIN SOLUTION
    return max(abs(low), abs(high)), high - low
    ### END SOLUTION


# %% tags=["check"]
sum_sensitivity = check("05.1", sum_sensitivity)  # stuck? hint("05.1")

# %% [markdown]
# Your two numbers speak of all datasets; let us try a real one. We remove each of 32,561 people from
# the sum of hours worked a week, clipped to [10, 60], and put the largest change beside your number.

# %%
hours = adult.hours_per_week.to_numpy().clip(10, 60)
largest_change = int(max(hours.sum() - (hours.sum() - hours)))
largest_swap = int(hours.max() - hours.min())
joined, replaced = sum_sensitivity(10, 60)
claim(
    "Nobody's leaving changes the clipped sum by more than the sensitivity",
    largest_change <= joined,
)
claim("Nor does any replacing", largest_swap <= replaced)
unclipped = int(adult.capital_gain.max())
claim("Without clipping, one person moves the sum of gains by 99,999", unclipped == 99_999)

# %% [markdown]
# Why not take 99,999, the largest gain in the data, as the range? Because that number *is* data: it says that a person
# with this gain is in. The range must come from the form, the law, or a guess. A narrow range needs little noise and
# bends the sum; a wide one bends nothing and drowns it.

# %% [markdown]
# **Predict**: 1,000 people, ε of 0.5. Which upper end is best for the sum of capital gains: 1,000, 10,000 or 100,000?

# %%
gains = adult.capital_gain.to_numpy()[:1_000]
ends = np.geomspace(300, 100_000, 14)
bias = np.array([gains.sum() - gains.clip(0, end).sum() for end in ends])
noise = np.array([sum_sensitivity(0, end)[0] for end in ends]) / 0.5
_, ax = plt.subplots()
plot_growth(
    ax,
    {
        "what clipping cuts off": np.where(bias > 0, bias, np.nan),
        "the noise's typical size": noise,
    },
    x=ends,
    title="Clip narrowly and you bend the sum, widely and you drown it",
    xlabel="upper end of the range (dollars)",
    ylabel="error of the sum (dollars)",
)
present(
    ax,
    caption=(
        "1,000 people of Adult, lower end 0. Noise: b = upper end / 0.5. The best end lies near where the lines cross. From 40,000 on "
        "nothing is cut off. It misleads in one way: it is drawn from the data, so it is not private, and whoever takes the best "
        "end from it has looked at the data too."
    ),
    alt="Two lines against the upper end: the clipping error falls, the noise rises, they cross near 17,000.",
)

# %%
total = bias + noise
best_end = float(ends[total.argmin()])
claim("The best end is inside the range that we tried", ends[0] < best_end)
claim("At the narrowest end the error is mostly clipping", bias[0] > 100 * noise[0])
# Not the best end: that one is read off the data. A round number, as one might guess without them.
released = gains.clip(0, 50_000).sum() + np.random.default_rng(1).laplace(
    scale=50_000 / 0.5
)
print(f"published, with an upper end that we guessed: {released:,.0f} dollars")
print(
    ledger.record(
        "the sum of gains, clipped at 50,000",
        mechanism="laplace",
        noise_multiplier=2.0,
        **person,
    )
)

# %% [markdown]
# ## Laplace
#
# A number that one person can move by Δ needs Δ times the noise of one that they can move by 1. For several numbers at
# once, Δ is the sum of what they move all of them together (the L1 norm), and each number gets its own draw.
#
# The check will not look at how accurate your answers are. It calls your function hundreds of times and tests the *noise*.


# %% tags=["exercise"]
def laplace_mechanism(value, sensitivity, epsilon, rng):
    """The value with Laplace noise that makes it ε-differentially private.

    Args: value, a number or an array; sensitivity, how far one person can move it (L1);
        epsilon > 0; rng, a numpy Generator: rng.laplace(scale=b, size=…) draws with parameter b.
    Returns: a number, or an array of the same shape, each entry with noise of its own.
    """
    ### BEGIN SOLUTION
    return value + rng.laplace(scale=sensitivity / epsilon, size=np.shape(value))
    ### END SOLUTION


# %% tags=["check"]
laplace_mechanism = check("05.2", laplace_mechanism)  # stuck? hint("05.2")

# %% [markdown]
# Your mechanism now publishes a table: how many people there are for each of 16 levels of education in each of 42
# countries ("?" is one). Who joins is in one cell and moves the whole table by 1, so all 672 cells together cost the ε
# of one. The rows and columns come from the questionnaire, *not from the data*: one single person is from
# Holand-Netherlands, and a column that is there only because of them gives them away, whatever the noise.

# %%
from course.data.census import VOCABULARIES

cells = (
    adult.groupby(["education", "native_country"])
    .size()
    .unstack(fill_value=0)
    .reindex(
        index=VOCABULARIES["education"],
        columns=[*VOCABULARIES["native_country"], "?"],
        fill_value=0,
    )
)
published = laplace_mechanism(
    cells.to_numpy().astype(float), 1.0, 0.5, np.random.default_rng(5)
)
print(
    ledger.record(
        "the table of education by country",
        mechanism="laplace",
        noise_multiplier=2.0,
        **person,
    )
)
off = np.abs(published - cells.to_numpy())
print(
    f"{cells.size} cells, of which {(cells == 0).to_numpy().sum()} are empty; typical error {off.mean():.1f}"
)

# %%
large = cells.to_numpy() > 1_000
small = (cells.to_numpy() > 0) & (cells.to_numpy() <= 5)
error_large = (off[large] / cells.to_numpy()[large]).mean()
error_small = (off[small] / cells.to_numpy()[small]).mean()
dutch = int(cells["Holand-Netherlands"].sum())
claim("One single person is from Holand-Netherlands", dutch == 1)
claim("Cells of over a thousand people are right to 1 %", error_large < 0.01)
claim("In cells of one to five, the error is over half the count", error_small > 0.5)

# %% [markdown]
# The noise is the same everywhere, so small groups pay for it. That is not a flaw of the noise: a number about three
# people that is right to a percent says who they are.

# %% [markdown]
# ## What you do with it afterwards
#
# Some published counts are negative. May the office round them, and lift the negative ones to 0? It touches only what
# is published already; whatever the office can do to that, an attacker could do too. So a promise survives all
# **post-processing**.

# %% [markdown]
# **Predict**: does rounding make your guesses about Ada worse, the same, or better? And the table?

# %%
tidy = np.maximum(np.round(published), 0)
off_tidy = np.abs(tidy - cells.to_numpy()).mean()
error_before, error_after = float(off.mean()), float(off_tidy)


def rounded(counts, rng):
    return np.maximum(np.round(laplace_mechanism(counts, 1.0, 1.0, rng)), 0)


best_after = max(
    1 - np.mean(errors_of(lambda p: p > threshold, rounded))
    for threshold in np.arange(without_ada - 4, without_ada + 6) + 0.25
)
claim(
    "Rounding and lifting takes over an eighth off the table's error",
    error_after < 0.875 * error_before,
)
claim("No threshold beats the limit on the rounded count", best_after < most_at_1 + 0.01)

# %% [markdown]
# Public knowledge ("counts are not negative") came in for free. Something else looks similar and is not free: asking
# *again*. Each new release draws new noise from the same secret.


# %%
def halfway(published):
    """A fixed rule, so that you may play with yours."""
    return published > without_ada + 0.5


def average_of(asks):
    """Publish the count so many times, with b = 1 each, and average."""
    return lambda counts, rng: np.mean(
        [laplace_mechanism(counts, 1.0, 1.0, rng) for _ in range(asks)], axis=0
    )


right_after = {
    asks: 1 - np.mean(errors_of(halfway, average_of(asks), plays=4_000))
    for asks in (1, 10, 100)
}
print({asks: f"{share:.1%}" for asks, share in right_after.items()})
once, often = float(right_after[1]), float(right_after[100])
claim("After a hundred releases you are almost never wrong", often > 0.99)

# %% [markdown]
# How fast promises wear out when they are **composed** is the second half of this lesson.

# %% [markdown]
# ## Trust nobody
#
# So far the office knew the truth. **Randomized response** (Warner, 1965) needs no office: each person tosses a coin in
# secret and gives the true answer with probability e^ε / (1 + e^ε), the opposite otherwise. Every single report can be
# denied, and yet the share of the whole can be estimated. This is called **local** differential privacy; the office's
# is **central**.

# %% [markdown]
# Let p be the probability of a lie. If a share s of all would truly say yes, the reports say yes in a share of p + s ·
# (1 − 2p). Solve for s.


# %% tags=["exercise"]
def ask_everyone(answers, epsilon, rng):
    """Ask each person by randomized response, then estimate the share of yes from the reports alone.

    Args: answers, the true ones: a boolean array of shape (n,); epsilon > 0; rng, a numpy Generator.
    Returns: the reports (shape (n,)), and the estimated share of yes, which may fall outside [0, 1].
    """
    ### BEGIN SOLUTION
    p = 1 / (1 + np.exp(epsilon))
    reports = answers ^ (rng.random(len(answers)) < p)
    return reports, (reports.mean() - p) / (1 - 2 * p)
    ### END SOLUTION


# %% tags=["check"]
ask_everyone = check("05.3", ask_everyone)  # stuck? hint("05.3")

# %% [markdown]
# Both ways now count the people who earn more than 50K, with an ε of 1, among 100, 300, … 30,000 people.
#
# **Predict**: how does the error of the *count* grow with the number of people, with an office and without?

# %%
sizes = np.array([100, 300, 1_000, 3_000, 10_000, 30_000])
earns = (adult.income == ">50K").to_numpy()
rng = np.random.default_rng(11)
central, local = [], []
for size in sizes:
    truth = earns[:size]
    noisy = laplace_mechanism(np.full(10_000, float(truth.sum())), 1.0, 1.0, rng)
    shares = np.array([ask_everyone(truth, 1.0, rng)[1] for _ in range(200)])
    central.append(np.sqrt(np.mean((noisy - truth.sum()) ** 2)))
    local.append(np.sqrt(np.mean((size * shares - truth.sum()) ** 2)))
lie = 1 / (1 + math.e)
print(
    ledger.record(
        "a count by an office", mechanism="laplace", noise_multiplier=1.0, **person
    )
)
print(
    ledger.record(
        "one answer, by randomized response", mechanism="randomized response", noise_multiplier=lie,
        unit=Unit.EXAMPLE, adjacency=Adjacency.REPLACE_ONE,
    )
)  # fmt: skip

# %%
_, ax = plt.subplots()
plot_growth(
    ax,
    {"local: nobody is trusted": local, "central: one office is": central},
    x=sizes,
    title="Trusting nobody costs the square root of the crowd",
    xlabel="people",
    ylabel="typical error of the count (people)",
)
present(
    ax,
    caption=(
        "Root mean square error over 200 surveys (local) or 10,000 draws (central) a point, ε of 1 on both "
        "lines. It misleads in one way: the two promises "
        "are not the same. Central protects against readers of the count, under add/remove; local also against the "
        "collector, and there an answer is replaced."
    ),
    alt="Two lines against the number of people: the central error stays near 1.4, the local one grows to hundreds.",
)

# %%
growth_local, growth_central = local[-1] / local[1], central[-1] / central[1]
times = local[-1] / central[-1]
claim("A hundred times the people: ten times the local error", 6 < growth_local < 16)
claim("The central error does not grow", 0.8 < growth_central < 1.25)
claim("At 30,000 people, trusting nobody costs over eighty times the error", times > 80)

# %% [markdown]
# An office adds *one* draw of size 1/ε; a crowd adds n of them, and n independent errors add up to about √n/ε. Secure
# aggregation (lessons 07 and 08) is a third way: no office sees the answers, and the noise is added once.
#
# This is a good place to stop for today.

# %% [markdown]
# ## Gaussian noise, and what δ is
#
# Training a model publishes thousands of numbers at once. Laplace noise must hide the sum of what a person moves in
# *all* of them; **Gaussian** noise hides the length of that vector (the L2 norm), which is far smaller. Its price is δ.
# To see what δ is, look at the **privacy loss** of an output o: log of how much likelier o is with Ada than without.

# %% [markdown]
# **Predict**: draw outputs with Ada. What do the losses look like for Laplace noise of b = 1? For a Gaussian that keeps
# ε of 1 at δ = 1e-5?

# %%
laplace_std, gaussian_std = (
    1.0,
    3.7306,
)  # b, and the standard deviation that exercise 05.4 will find
rng = np.random.default_rng(3)
outputs = rng.laplace(scale=laplace_std, size=400_000) + 1
laplace_losses = (np.abs(outputs) - np.abs(outputs - 1)) / laplace_std
outputs = rng.normal(scale=gaussian_std, size=400_000) + 1
gaussian_losses = (outputs**2 - (outputs - 1) ** 2) / (2 * gaussian_std**2)
bins = np.linspace(-1.62, 1.62, 82)  # so that ε = 1 is the middle of one
middles = (bins[1:] + bins[:-1]) / 2


def density(losses):
    counts = np.histogram(losses, bins)[0] / len(losses) / (bins[1] - bins[0])
    return np.where(counts > 0, counts, np.nan)


_, ax = plt.subplots()
plot_losses(
    ax,
    {
        "Laplace, b = 1": (middles, density(laplace_losses)),
        f"Gaussian, std {gaussian_std:.2f}": (middles, density(gaussian_losses)),
    },
    line=1.0,
    title="Laplace never loses more than ε; a Gaussian may, rarely",
)
present(
    ax,
    caption=(
        "Privacy losses of 400,000 outputs each, drawn with Ada in the data. Laplace: a peak at ε, where nearly two thirds of "
        "all outputs fall, and nothing beyond. Gaussian: mostly small losses, and a thin tail past ε. It misleads "
        "in one way: the tail goes on for ever, but 400,000 draws do not show it."
    ),
    alt=(
        "Two densities on a log scale. Laplace: high spikes at minus one and plus one, nothing outside. Gaussian: a parabola "
        "around zero that crosses the line at epsilon near its bottom."
    ),
)

# %%
beyond_laplace, beyond_gaussian = (
    float((losses > 1 + 1e-9).mean()) for losses in (laplace_losses, gaussian_losses)
)
typical_laplace, typical_gaussian = (
    float(np.abs(losses).mean()) for losses in (laplace_losses, gaussian_losses)
)
claim("No output of the Laplace noise loses more than ε", beyond_laplace == 0)
claim("Some outputs of the Gaussian do", 0 < beyond_gaussian < 0.001)
claim(
    "A typical Gaussian loss is under half a typical Laplace loss",
    typical_gaussian < typical_laplace / 2,
)

# %% [markdown]
# δ pays for that tail. It is not the probability of a loss above ε, but the mean of how far beyond: δ(ε) = E[max(0, 1 −
# e^(ε − loss))]. For Gaussian noise it has a closed form (Balle and Wang, 2018), which the course has as
# `gaussian_delta`. Let us check it where a simulation can: with a standard deviation of 1.

# %%
losses = np.random.default_rng(4).normal(
    0.5, 1.0, 400_000
)  # mean 1/2s², deviation 1/s, at s = 1
simulated = float(np.maximum(0, 1 - np.exp(1 - losses)).mean())
closed_form = gaussian_delta(1.0, noise_std=1.0, sensitivity=1.0)
tail = float((losses > 1).mean())
claim(
    "The closed form is the simulated mean, to 3 %", abs(simulated / closed_form - 1) < 0.03
)
claim("The probability of a loss above ε is larger than δ", tail > 1.5 * closed_form)

# %% [markdown]
# More noise, smaller δ. So the least noise for a promise is where `gaussian_delta` comes down to δ: find it by halving
# an interval. (The textbooks' formula, √(2 log(1.25/δ)) Δ/ε, was made for paper. You will see what it costs.)


# %% tags=["exercise"]
def least_noise(sensitivity, epsilon, delta):
    """The smallest standard deviation of Gaussian noise that is (ε, δ)-differentially private.

    `gaussian_delta(epsilon, noise_std=…, sensitivity=…)` gives the exact δ of some noise.

    Args: sensitivity (L2) > 0; epsilon > 0, perhaps large; delta between 0 and 1.
    Returns: the standard deviation. The promise must hold; up to 1 % more noise than needed is fine.
    """
    ### BEGIN SOLUTION
    low, high = 1e-6 * sensitivity, 1e6 * sensitivity
    for _ in range(100):
        middle = math.sqrt(low * high)
        if gaussian_delta(epsilon, noise_std=middle, sensitivity=sensitivity) > delta:
            low = middle
        else:
            high = middle
    return high
    ### END SOLUTION


# %% tags=["check"]
least_noise = check("05.4", least_noise)  # stuck? hint("05.4")

# %%
epsilons = np.geomspace(0.1, 30, 16)
exact = [least_noise(1.0, epsilon, 1e-5) for epsilon in epsilons]
textbook = math.sqrt(2 * math.log(1.25 / 1e-5)) / epsilons
_, ax = plt.subplots()
plot_growth(
    ax,
    {"yours": exact, "textbook": textbook},
    x=epsilons,
    line=(1.0, "proved up to here"),
    title="The textbook's noise is too much on the left, too little on the right",
    xlabel="ε (δ = 1e-5)",
    ylabel="standard deviation, sensitivity 1",
)
present(
    ax,
    caption=(
        "The least noise against the formula of Dwork and Roth 2014, Theorem A.1, whose proof needs ε below 1. Where its line is "
        "below yours, its promise is false. It misleads in one way: on log axes the half that it wastes on the left looks small."
    ),
    alt="Two falling lines against epsilon; the textbook's lies above yours at first and below it past about 8.",
)

# %%
import dp_accounting

waste = textbook[0] / exact[0]
promised, kept = 1e-5, gaussian_delta(10.0, noise_std=4.8448 / 10, sensitivity=1.0)
yours, googles = least_noise(1.0, 1.0, 1e-5), dp_accounting.get_sigma_gaussian(1.0, 1e-5)
claim("At an ε of 0.1 the textbook adds over half too much", waste > 1.5)
claim("At an ε of 10 its δ is over twice what it promises", kept > 2 * promised)
claim("Yours is Google's, to 2 %", abs(yours / googles - 1) < 0.02)
print(
    ledger.record(
        "one Gaussian release",
        noise_multiplier=yours,
        delta=1e-5,
        accountant="pld",
        **person,
    )
)

# %% [markdown]
# ## Adding up
#
# A hundred releases made you certain about Ada. What do k releases promise together? The law that always holds is
# **basic composition**: the ε add up, and the δ. For the Gaussian we can do better, because we know the *distribution*
# of the loss: independent losses add up, so k releases have k times the mean, and only √k times the spread.

# %%
s = 20.0
grid = np.linspace(-2, 5, 400)
curves = {}
for releases in (1, 100, 400):
    mean, spread = releases / (2 * s**2), math.sqrt(releases) / s
    curves["1 release" if releases == 1 else f"{releases} releases"] = (
        grid,
        np.exp(-(((grid - mean) / spread) ** 2) / 2) / spread / math.sqrt(2 * math.pi),
    )
for name, (losses, values) in curves.items():
    curves[name] = (losses, np.where(values > 1e-7, values, np.nan))
_, ax = plt.subplots()
plot_losses(ax, curves, title="The loss of many releases drifts slowly and spreads with √k")
present(
    ax,
    caption=(
        "Exact distribution of the total privacy loss of k Gaussian releases with noise multiplier 20 (standard deviation "
        "over sensitivity). At 400 releases the mean is 0.5 and the spread 1; 400 times the first one's spread would "
        "be 20. It misleads in one way: only sums of unsampled Gaussians stay this simple."
    ),
    alt="Three parabolas on a log scale: narrow at zero, wider for 100 releases, widest and shifted to a half for 400.",
)

# %% [markdown]
# An accountant turns this into ε. **Rényi differential privacy** measures the loss by one number for each order α > 1;
# for one Gaussian release it is α / 2s², and numbers of several releases *add up* at each order. At the end, and only
# once, you convert: every order gives a valid ε = total + log(1/δ) / (α − 1), so you take the smallest.


# %% tags=["exercise"]
def epsilon_by_rdp(noise_multiplier, steps, delta, orders):
    """The ε of `steps` Gaussian releases, by Rényi differential privacy.

    Args: noise_multiplier, the standard deviation over the sensitivity; steps; delta; orders, all above 1.
    Returns: the smallest ε over the orders.
    """
    ### BEGIN SOLUTION
    return min(
        steps * order / (2 * noise_multiplier**2) + math.log(1 / delta) / (order - 1)
        for order in orders
    )
    ### END SOLUTION


# %% tags=["check"]
epsilon_by_rdp = check("05.5", epsilon_by_rdp)  # stuck? hint("05.5")

# %% [markdown]
# Four ways to add up the same releases, all at a total δ of 1e-5. Basic and advanced composition know only the ε of one
# release; yours and Google's PLD accountant know that it is a Gaussian.
#
# **Predict**: at 1,000 releases, how many times smaller is the accountants' ε than the basic one?

# %%
from course.privacy.rdp import DEFAULT_ORDERS


def one_release(at_delta):
    """The ε of one release, by the exact curve."""
    return epsilon_spent(
        noise_multiplier=s, sample_rate=1, steps=1, delta=at_delta, accountant="pld"
    )


counts = [1, 3, 10, 30, 100, 300, 1_000]
ways = {"basic": [], "advanced": [], "RDP (yours)": [], "PLD": []}
for k in counts:
    ways["basic"].append(k * one_release(1e-5 / k))
    ways["advanced"].append(
        compose_advanced(one_release(0.5e-5 / k), steps=k, slack=0.5e-5)[0]
    )
    ways["RDP (yours)"].append(epsilon_by_rdp(s, k, 1e-5, DEFAULT_ORDERS))
    ways["PLD"].append(
        epsilon_spent(
            noise_multiplier=s, sample_rate=1, steps=k, delta=1e-5, accountant="pld"
        )
    )
_, ax = plt.subplots()
plot_growth(
    ax,
    ways,
    x=counts,
    title="Whoever knows the noise pays about √k, whoever does not far more",
    xlabel="releases, each with noise multiplier 20",
    ylabel="ε (total, δ = 1e-5)",
)
present(
    ax,
    caption=(
        "Four valid bounds on the same releases: only the arithmetic differs, the noise is the same. Basic and advanced share δ out over the "
        "releases. It misleads in one way: for few releases the order is another. Below about fifty advanced is the worst, "
        "and for a single one basic is exact and RDP is not."
    ),
    alt="Four rising lines on log axes: basic steepest, advanced below it from about fifty releases, RDP and PLD lowest and close together.",
)

# %%
basic, advanced, rdp, pld = (np.array(values) for values in ways.values())
saved = basic[-1] / pld[-1]
claim("At 1,000 releases basic composition says over 25 times the exact ε", saved > 25)
claim("Advanced beats basic there", advanced[-1] < basic[-1])
claim("At three releases it does not", advanced[1] > basic[1])
claim("Your RDP is never below the exact ε", (rdp > 0.999 * pld).all())
above = rdp[-1] / pld[-1]
claim("At 1,000 releases it is less than a quarter above", above < 1.25)

# %%
for accountant in ("pld", "rdp"):
    print(
        ledger.record(
            f"1,000 Gaussian releases, by {accountant}", noise_multiplier=s, steps=1_000, delta=1e-5,
            accountant=accountant, **person,
        )
    )  # fmt: skip

# %% [markdown]
# None of them is "the" ε. Each is an upper bound, and the smallest valid one is the best; the noise, and so the
# privacy, is the same. (The ledger's RDP converts a little more tightly than the formula above.) That is why an ε
# without its accountant, δ, unit and adjacency is half a sentence.

# %% [markdown]
# ## More than one person
#
# The promise is to *one* person. A family of four shares a secret: if they all are on the list, or none of them, the
# count differs by 4. Changing one after the other, the promise holds four times over: **kε** for a group of k.

# %% [markdown]
# **Predict**: with b = 1, how often is the best guess about the family right? The limit is e^(kε) / (1 + e^(kε)).

# %%
family = {}
for people in (1, 2, 4, 8):
    rng = np.random.default_rng(people)
    absent = laplace_mechanism(np.zeros(40_000), 1.0, 1.0, rng)
    present_all = laplace_mechanism(np.full(40_000, float(people)), 1.0, 1.0, rng)
    guessed = ((absent < people / 2).mean() + (present_all > people / 2).mean()) / 2
    limit = 1 / (1 + math.exp(-group_privacy(1.0, people=people)[0]))
    family[people] = (float(guessed), limit)
    print(
        f"{people} together: right in {guessed:.1%} of the plays; the limit is {limit:.1%}"
    )
family_right, family_limit = family[4]
single_limit = family[1][1]
claim(
    "A family of four is guessed more often than one person's limit allows",
    family_right > single_limit + 0.1,
)
claim("But not above the limit for four", family_right < family_limit)

# %% [markdown]
# This is the **unit** of the ledger: example, patient or client. If a person has ten rows and the ε is per row, the
# promise to the person is only ten times that ε, and a δ grows faster still. Lesson 11 counts patients, not scans.

# %% [markdown]
# ## Find the bug: an accountant a round
#
# A colleague trains with lesson 06's method: fifty rounds of twenty steps, each with noise on a batch that holds every
# person with probability 1 %. Their code (Flower's own example with Opacus has done the same) prints a pleasant number.

# %%
from opacus.accountants import RDPAccountant

ROUNDS, STEPS_A_ROUND, NOISE, RATE, DELTA = 50, 20, 1.0, 0.01, 1e-5


def colleagues_report():
    """What the colleague's training loop reports at its end (the training itself is left out)."""
    for _ in range(ROUNDS):
        accountant = RDPAccountant()
        for _ in range(STEPS_A_ROUND):
            accountant.step(noise_multiplier=NOISE, sample_rate=RATE)
    return accountant.get_epsilon(DELTA)


reported = colleagues_report()
print(f"the colleague's training says that it has spent {reported:.2f}")

# %% [markdown]
# What is wrong? **Write** what should be reported after all rounds. Use `epsilon_spent(noise_multiplier=…,
# sample_rate=…, steps=…, delta=…)`, or any accountant you like.


# %% tags=["exercise"]
def epsilon_of_training(rounds, steps_a_round, noise_multiplier, sample_rate, delta):
    """The ε of a training of several rounds, all on the same people.

    Args: rounds, steps_a_round: how often; noise_multiplier, sample_rate: of every step (Poisson sampling);
        delta: of the whole training.
    Returns: ε of the whole training.
    """
    ### BEGIN SOLUTION
    return epsilon_spent(
        noise_multiplier=noise_multiplier,
        sample_rate=sample_rate,
        steps=rounds * steps_a_round,
        delta=delta,
    )
    ### END SOLUTION


# %% tags=["check"]
epsilon_of_training = check("05.6", epsilon_of_training)  # stuck? hint("05.6")

# %% [markdown]
# Opacus and Google can account for a thousand such steps too, so we hold three accountants against each other: ours by
# hand (RDP), Opacus's PRV and Google's PLD.

# %%
training = {"noise_multiplier": NOISE, "sample_rate": RATE, "steps": 1_000, "delta": DELTA}
by = {
    accountant: ledger.record(
        f"the training, by {accountant}", **training, **person, accountant=accountant
    )
    for accountant in ("rdp", "prv", "pld")
}
for claimed in by.values():
    print(claimed)
spent = epsilon_of_training(ROUNDS, STEPS_A_ROUND, NOISE, RATE, DELTA)
claim(
    "The training has spent over one and a half times what the colleague reports",
    spent > 1.5 * reported,
)
claim("PRV and PLD agree to 1 %", abs(by["prv"].epsilon / by["pld"].epsilon - 1) < 0.01)
claim("RDP is the largest of the three", by["rdp"].epsilon > by["prv"].epsilon)

# %%
rounds = [1, 5, 10, 20, 35, 50]
truly = [
    epsilon_spent(
        noise_multiplier=NOISE,
        sample_rate=RATE,
        steps=STEPS_A_ROUND * n,
        delta=DELTA,
        accountant="rdp",
    )
    for n in rounds
]
_, ax = plt.subplots()
plot_growth(
    ax,
    {"spent": truly, "reported": [reported] * len(rounds)},
    x=rounds,
    logarithmic=False,
    title="An accountant that is born every round never grows up",
    xlabel="rounds of training",
    ylabel="ε (total, δ = 1e-5, by RDP)",
)
ax.set_ylim(0)
present(
    ax,
    caption=(
        "The same training, accounted for over all rounds and over the last round only, both by RDP. It misleads in one way: "
        "the gap at the right end depends on how long one trains; it has no limit."
    ),
    alt="A flat line at 1.1 and a rising one that leaves it at once and is near 2.1 after fifty rounds.",
)

# %% [markdown]
# ## Find the bug: ε summed over clients
#
# Five hospitals each train on their own patients and each report an ε of their own. A dashboard adds them up. Somebody
# asked on Flower's tracker whether that is right.

# %%
hospitals = {"North": 1.0, "South": 2.0, "East": 0.5, "West": 1.5, "Centre": 1.0}
patients = {
    "Ada": ["North"],
    "Bo": ["South"],
    "Cy": ["East", "West"],
    "Di": ["Centre", "North", "East"],
}
dashboard = sum(hospitals.values())
print(f"the dashboard says {dashboard:.1f}")

# %% [markdown]
# Releases about *disjoint* people compose in **parallel**: what North publishes was computed without whoever was never
# there. But some people were at two hospitals. **Write** what the worst-off person spends (by basic composition).


# %% tags=["exercise"]
def worst_epsilon(epsilon_of_client, clients_of_person):
    """What the person spends who spends most.

    Args: epsilon_of_client: client → ε of its release; clients_of_person: person → the clients that hold
        their data (a list, perhaps empty).
    Returns: the largest ε that any one person spends, all their clients together.
    """
    ### BEGIN SOLUTION
    return max(
        sum(epsilon_of_client[client] for client in clients)
        for clients in clients_of_person.values()
    )
    ### END SOLUTION


# %% tags=["check"]
worst_epsilon = check("05.7", worst_epsilon)  # stuck? hint("05.7")

# %%
worst, largest = worst_epsilon(hospitals, patients), max(hospitals.values())
claim(
    "The worst-off person spends less than half of what the dashboard says",
    worst < dashboard / 2,
)
claim("And more than the largest ε of any hospital", worst > largest)

# %% [markdown]
# Too large a number is not a safe mistake: somebody will turn the noise down to "repair" it. And `max` alone would have
# hidden Di. (These hospitals are invented, and nothing was released, so they are not in the ledger.)

# %% [markdown]
# ### What this does *not* protect
#
# - **Facts about groups.** What is learned from everybody is learned about you too, whether you take part or not.
# - **The noise itself.** Ours is *teaching-grade*: floating-point numbers are not real numbers, and their lowest bits
#   can give the value away (Mironov 2012). The library's `discrete_gaussian` draws exact integers instead.
# - **Anything outside the procedure**: a log file, the clipping range if it was read off the data, the time it took, a
#   second release that nobody entered.
# - **A large ε.** The promise of ε = 3.00 allows a guesser to be right in 95 % of the plays.

# %%
ledger

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A count is published with Laplace noise of b = 1. Somebody learns of Ada's income from it, because they know everybody else's. Is the promise broken?",
    {
        "Yes: the attacker knew too much": "The promise is made against attackers who know all the rest. That is the game you played.",
        "No: they can be surer than before, but never by more than a factor e in the odds": right(
            "ε of 1: whatever they knew, an output moves the odds by e^ε at most."
        ),
        "No: with noise nobody learns anything": "They learn a little: your rule was right more often than a coin.",
    },
)

# %%
quiz(
    "An analyst rounds a published noisy count, and then asks for a second one to be sure. What has been spent?",
    {
        "Three times ε": "Rounding is post-processing and costs nothing.",
        "Once ε: the second count only confirms the first": "It has fresh noise over the same secret, so the average of both is closer to it.",
        "Twice ε": right("Rounding is free, the second release is not: basic composition."),
    },
)

# %%
quiz(
    "What is δ = 1e-5 for Gaussian noise?",
    {
        "The probability that everything is revealed": "For some mechanisms it could be. For a Gaussian the loss beyond ε grows gradually: δ is the mean excess.",
        "The mean of how far losses exceed ε, in the sense of 1 − e^(ε − loss)": right(
            "You simulated it. The probability of any excess was larger than δ."
        ),
        "The rounding error of ε": "It is a part of the promise, not of the arithmetic.",
    },
)

# %%
quiz(
    "Two papers report 8 and 2 for the same training code and data. What do you ask first?",
    {
        "Which one is better": "It may be the same noise, and the same privacy.",
        "Noise multiplier, sampling, steps, δ, adjacency, unit and accountant of each": right(
            "An ε is the last word of a sentence. On one plot you saw a factor of over 25 from arithmetic alone."
        ),
        "Which data they used": "The promise does not depend on the data.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "Explain ε to a product manager who wants to know if 4 is OK."** (3 minutes)
#
# *Rubric*: a comparison of two worlds, with and without the person (1); the odds of any guess change by at most e^ε, or
# an accuracy (1); asks for unit, δ, adjacency, number of releases (1); says that it is an upper bound and depends on
# what is at stake (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "ε is the privacy budget; smaller is better, and below 10 is considered fine."
#
# *Strong*: "Imagine the release with and without one user. ε bounds how well anybody, knowing all the rest, can tell
# the two apart: at 4, a guesser who starts at even odds may be right up to 98 % of the time. That is the worst case, so
# an audit may find less. Before I say yes: is it per user or per event, for one release or for every day, at which δ?
# Per event and per day, 4 means over a hundred a month."
#
# </details>

# %% [markdown]
# **2. "We answer 1,000 queries a day with ε = 0.1 each. What is the total?"** (2 minutes)
#
# *Rubric*: basic composition (1); a better bound with δ, √k (1); names an accountant for the actual mechanism (1);
# whether the queries concern the same people (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "0.1, since each is private."
#
# *Strong*: "At worst 100, if all concern the same people. With a δ, about √k: advanced composition gives some 26 for
# pure mechanisms at δ = 1e-5, and an accountant that knows the noise is Gaussian gives less. If queries concern
# disjoint people, only the largest counts. And tomorrow it goes on: so I would set a budget and a ledger first."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Dwork and Roth 2014, *The Algorithmic Foundations of Differential Privacy*: Definition 2.4, Theorem 2.2 (groups),
#   Theorem 3.6 (Laplace), Theorems 3.16 and 3.20 (composition), Theorem A.1 (the textbook Gaussian).
# - Kairouz, Oh, Viswanath 2015, *The Composition Theorem for Differential Privacy*, arXiv:1311.0776: the region of the
#   two errors.
# - Warner 1965, *Randomized Response*: exercise 05.3. McSherry 2009, *Privacy Integrated Queries*: parallel
#   composition.
# - Balle and Wang 2018, arXiv:1805.06530, Theorem 8: the exact δ of the Gaussian; Algorithm 1: exercise 05.4.
# - Mironov 2017, *Rényi Differential Privacy*, arXiv:1702.07476, Propositions 1, 3 and 7: exercise 05.5.
# - Gopi, Lee, Wutschitz 2021, arXiv:2106.02848 (PRV); Doroshenko et al. 2022, arXiv:2207.04380 (PLD).
# - Mironov 2012, *On significance of the least significant bits for differential privacy*: why floats are
#   teaching-grade.
