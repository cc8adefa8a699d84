# %% [markdown]
# # "Data never leaves the device, so it is private." Audit it.
#
# The vendors of this lesson are invented, and their services are real: each round runs the masks, the clipping and
# the noise of lessons 05 to 08, with one part spoiled or none. They all say that data never leaves the device, and
# they are all right. You find out what that sentence leaves open.
#
# You will
# - ask four questions of any federated system, and answer each by a test instead of by trust,
# - accuse at a stated rate of false alarms, because some of the accused are innocent, and
# - audit a lab of your own, file findings that are scored, and read the report in which an audit ends.
#
# *About 150 minutes of your time; 25 s and 500 MiB on one core. You need: lessons 03 (what an update says), 05
# and 06 (noise, ε, sampling) and 08 (masks, folded seeds).*

# %% [markdown]
# > **Three adversaries** who never see any raw data:
# > - **The server** holds one message of each client, the sums, and its log. It follows the protocol and keeps
# >   everything. (A server that *lies* comes later.)
# > - **The public** sees what is released after each round, over all rounds: the noisy sum, a loss, the meter.
# > - **An engineer** reads the log.
# >
# > **What do they want?** One client's update, or whether it took part. **Whom do we trust?** The client's device,
# > and nobody's brochure.

# %% tags=["setup"]
import json
import math
import sys
import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from tqdm import tqdm

from course import ROOT
from course.attacks import auc
from course.audit_lab import (
    REMEDY,
    SEVERITY,
    Finding,
    Flaw,
    Measured,
    Read,
    RoundRefused,
    Severity,
    as_update,
    everything_auditor,
    inspect,
    naive_auditor,
    open_lab,
    payloads_of,
    random_updates,
    reference_auditor,
    report,
    reveal,
    score,
)
from course.crypto.masks import MODULUS, expand
from course.data import load_mnist
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated.rounds import BAR
from course.figures import (
    plot_auditors,
    plot_checks,
    plot_cohort_sizes,
    plot_messages,
    plot_stated_and_measured,
    plot_vectors,
    present,
)
from course.privacy import Ledger, epsilon_spent, noise_for

begin("13")
ledger_lines = {}
MISTAKE = 1e-6


def stretch(seed, length):
    """The mask of a seed of 32 bytes: `length` numbers in 0 … 2^32 − 1."""
    return expand(seed, length, modulus=MODULUS)


def enter(name, noise_multiplier, annex, **changed):
    """A line for the ledger: the ε that so much noise gives by the rules of an annex."""
    rules = {"sample_rate": annex.sample_rate, "steps": annex.rounds} | changed
    ledger_lines[name] = Ledger().record(
        name, noise_multiplier=noise_multiplier, unit=annex.unit, adjacency=annex.adjacency,
        delta=annex.delta, accountant=annex.accountant, **rules,
    )  # fmt: skip
    return ledger_lines[name]


# %% [markdown]
# ## A brochure, and the small print
#
# `open_lab` makes a lab from any name. In the lab "practice" the answers are open; your own comes at the end.

# %%
practice = open_lab("practice")
suspect = practice["Saltmarsh Analytics"]
print(suspect.sheet)

# %% [markdown]
# **Predict**: which of these sentences would still be true if the cloud could read every single update?

# %% [markdown]
# Two of the four: an update is no raw data, and encryption *to* the cloud ends at the cloud. The other two name techniques and
# no numbers: sums over how many, and which ε, for whom, over how many rounds? What a vendor can be held to stands in the **annex** of its contract.

# %%
suspect.annex

# %% [markdown]
# These lines bind: "sample_rate", say, promises a coin for each client (`help(type(suspect.annex))` has all the meanings).
# Read them as an auditor does, with four questions:
#
# | | the question | where you look |
# |---|---|---|
# | 1 | How are updates **aggregated**: what does the server hold of one client? | messages, cohorts, seeds, log |
# | 2 | Which formal **mechanism** is on the updates: clipping, noise, sampling, accounting? | releases, draws, meter |
# | 3 | Which **server** is assumed: curious, or lying? | the protocol |
# | 4 | What does the **stream** of updates and releases say all the same? | all rounds together |
#
# A first auditor reads brochures only, believes what sounds good and accuses what sounds bad.
#
# **Predict**: how many of its accusations are right?

# %%
by_brochure = score(naive_auditor(practice), practice)
print(by_brochure)
claim(
    "Reading brochures is worth less than a fifth of the points", by_brochure.points < 0.2
)
claim("Most of what it says is wrong", by_brochure.precision < 0.3)

# %% [markdown]
# ## You play the phones
#
# A contract grants you a test installation, and there *you* are all the clients. So you know every update that goes
# in, and whatever comes out you can compare with it: lesson 06 called such records canaries.

# %%
updates = random_updates((101, 102, 103), length=64, norm=0.5)
record = suspect.deploy().run_round(updates, {101: 0.3, 102: 0.5, 103: 0.4})
print(record)
print("message of 101:", record.messages[101][:4], "…")
print("release:", record.release[:4].round(2), "…   loss:", round(record.loss, 3))
print(record.log)

# %% [markdown]
# The same fields for every vendor, whatever is wrong with it. A message is what the server holds of a client after the last stage; its self mask is
# off already (lesson 08: the server learns that seed).

# %% [markdown]
# ## Question 1: what does the server hold?
#
# Clipped updates are small whole numbers of steps, −3 being sent as 2^32 − 3. Under a mask each entry is uniform
# on the whole clock of 2^32 hours. Here are three servers' messages of one phone.

# %%
names = "Peregrim Learning", "Fernhollow Labs", "Tarn Signals"
records = {name: practice[name].deploy().run_round(updates) for name in names}
_, axes = plt.subplots(1, 3, figsize=(8.6, 2.9), sharey=True)
plot_messages(
    axes,
    {name: record.messages[101] for name, record in records.items()},
    title="Two of the three messages have no mask on them",
)
present(
    axes[0],
    caption=(
        "The 64 entries of one message each, as signed numbers of steps. It misleads in one way: near 0 on this scale may still be millions of steps, so a dot on the line says that "
        "there is no mask, and not what the number is."
    ),
    alt="Dots on the zero line at Peregrim and Tarn, dots all over the clock at Fernhollow.",
)

# %% [markdown]
# **Predict**: the largest entry of a message is m steps away from 0. How likely is that under a mask, for 64 entries?


# %% tags=["exercise"]
def chance_if_masked(message):
    """How likely it is that a masked message stays so near to 0.

    Args: message, an array of uint32 of any length n ≥ 1; distance from 0 goes the shorter way round the clock.
    Returns: a number from 0 to 1. Of masked messages at most a share a may get a number of at most a; an open
        one of 64 entries gets less than 1e-9, noise of a million steps on it or not.
    """
    ### BEGIN SOLUTION
    entries = message.astype(np.int64)
    largest = int(np.minimum(entries, 2**32 - entries).max())
    return min(1.0, ((2 * largest + 1) / 2**32) ** len(message))
    ### END SOLUTION


# %% tags=["check"]
chance_if_masked = check("13.1", chance_if_masked)  # stuck? hint("13.1")

# %% [markdown]
# The phones now send what lesson 03 reads best: one step on one digit, for a model of 10 × 785 weights.


# %%
def step_on(image, label):
    """The update of a softmax model at zero after one step on one image: 7,850 numbers."""
    error = np.full(10, 0.1) - np.eye(10)[label]
    return -np.outer(error, np.append(image.reshape(-1) / 255, 1.0)).reshape(-1)


mnist = load_mnist()
digits = {
    client: step_on(mnist.train_images[place], mnist.train_labels[place])
    for client, place in ((101, 7), (102, 2), (103, 13))
}
held = {name: practice[name].deploy().run_round(digits).messages[101] for name in names}
chances = {name: float(chance_if_masked(message[:64])) for name, message in held.items()}
for name, chance in chances.items():
    annex = practice[name].annex
    print(f"{name:>18}: {chance:.2g}   the annex: the server sees {annex.server_sees}")

# %% [markdown]
# Two messages are open. Before you accuse two vendors, look at what is in them: the ratio of a weight's entry to its bias's entry is a
# pixel (lesson 03).


# %%
def read_image(update):
    """The image behind a step on one image: in the row that was pushed up, weight over bias."""
    rows = update.reshape(10, 785)
    row = rows[rows[:, -1].argmax()]
    return np.clip(row[:-1] / row[-1], 0, 1)


truth = mnist.train_images[7].reshape(-1) / 255
read = {name: read_image(as_update(held[name], practice[name].annex)) for name in names}
_, axes = plt.subplots(1, 4, figsize=(8.4, 2.9))
plot_vectors(
    axes,
    [("on the phone", truth, 1), *((name, image, 1) for name, image in read.items())],
    title="One server can read the digit; one holds noise, one a mask",
)
present(
    axes[0],
    caption=(
        "What lesson 03's ratio reads in the message of phone 101, at three vendors. Peregrim's is open. Fernhollow's is masked. Tarn's is open as well, and its phone has put all of its noise into it, as the annex says. It misleads in one way: "
        "one run, one digit; a batch of many is harder to read, and not safe (lesson 03)."
    ),
    alt="A three on the phone; the same three in Peregrim's panel; noise in the panels of Fernhollow and Tarn.",
)

# %%
seen = {name: float(np.corrcoef(image, truth)[0, 1]) for name, image in read.items()}
open_chance, masked_chance, local_chance = chances.values()
# A masked message gets a chance below 1e-6 once in a million runs.
claim(
    "Peregrim's server holds the digit itself", open_chance < 1e-9 and seen[names[0]] > 0.99
)
claim("Fernhollow's message is what a masked one would be", masked_chance > 1e-6)
claim("Tarn's is open too", local_chance < 1e-9)
claim("And nothing is to be read in it", abs(seen[names[2]]) < 0.3)

# %% [markdown]
# So "open" is a **finding** only where the contract says "sums". Tarn's phones add the whole noise of the promise
# to every message, which needs no mask (and costs accuracy: lesson 11).
#
# Test *each* client, not the first: at some vendors only old versions of the app send in the clear.

# %% [markdown]
# ## A mask that can be guessed
#
# With two clients there is one mask. Lesson 08 folded its seed to a few bits and tried them all; now you do not know
# whether it is folded. Every try is a test that may err.
#
# **Predict**: at one false alarm in 100, how often do 2 · 2^12 tries on a well-masked message name a seed?


# %% tags=["exercise"]
def find_seed(message, bits, false_alarm):
    """The number of the folded seed behind a message of two clients, or None.

    Args: message, uint32: an update plus or minus stretch(number.to_bytes(32, "little"), len(message)), or well
        masked; bits, so numbers are 0 … 2^bits − 1; false_alarm, how likely a seed may be named for a
        well-masked message, over the whole search.
    Returns: the number, or None. The message stays as it is.
    """
    ### BEGIN SOLUTION
    share = false_alarm / (2 * 2**bits)
    for number in range(2**bits):
        mask = stretch(number.to_bytes(32, "little"), len(message))
        opened = message - mask, message + mask
        if min(chance_if_masked(one) for one in opened) < share:
            return number
    return None
    ### END SOLUTION


# %% tags=["check"]
find_seed = check("13.2", find_seed)  # stuck? hint("13.2")

# %%
two = {client: digits[client] for client in (101, 102)}
began = time.perf_counter()
seeds, messages = {}, {}
for name in ("Coppice Keys", "Fernhollow Labs"):
    messages[name] = practice[name].deploy().run_round(two).messages[101]
    seeds[name] = find_seed(messages[name][:64], 12, MISTAKE)
a_try = (time.perf_counter() - began) / 2**13
print(
    f"{a_try * 1e6:.0f} µs a try: 2^32 seeds take {a_try * 2**32 / 3600:,.0f} hours on this core"
)
chance_folded = float(chance_if_masked(messages["Coppice Keys"][:64]))
claim("Coppice's message looks masked", chance_folded > 1e-6)
claim("Its seed is among 4,096", seeds["Coppice Keys"] is not None)
claim("Fernhollow's is not", seeds["Fernhollow Labs"] is None)

# %%
number = int(seeds["Coppice Keys"])
mask = stretch(number.to_bytes(32, "little"), 7850)
# The client with the smaller id adds the mask.
found = read_image(
    as_update(messages["Coppice Keys"] - mask, practice["Coppice Keys"].annex)
)
seen_folded = float(np.corrcoef(found, truth)[0, 1])
claim("Without its mask the message is the digit", seen_folded > 0.99)

# %% [markdown]
# Real generators fold to 32 bits (Flower's SecAgg+ does, lesson 08), and here it is scaled down to 12 so that you need
# not wait. Hours of a rented machine are no protection.

# %% [markdown]
# ## A sum of one
#
# The annex promises sums over at least two. Vendors keep that easily with a full house, so try the odd numbers.
#
# **Predict**: which numbers of phones, from which regions (an id's hundreds), would you try?

# %%
lonely = practice["Marrowby Insight"]
full = lonely.annex.cohort_size
trials = {
    "three": (101, 102, 103),
    "one more than fills a cohort": tuple(range(101, 102 + full)),
    "one from another region": (101, 102, 103, 204),
    "two regions, one alone": (101, 202, 203),
}
smallest = {}
for what, clients in trials.items():
    record = lonely.deploy().run_round(random_updates(clients, length=8, norm=0.4))
    smallest[what] = min(record.cohorts, key=lambda cohort: len(cohort.members))
    print(f"{what}: cohorts of {[len(cohort.members) for cohort in record.cohorts]}")

# %%
alone = min(smallest.values(), key=lambda cohort: len(cohort.members))
(client,) = alone.members
sent = random_updates([client], length=8, norm=0.4)[client]
off = float(np.abs(as_update(alone.total, lonely.annex) - sent).max())
claim("One 'sum' has a single client in it", len(alone.members) == 1)
claim("And it is this client's update, to a step or two", off < 3 * lonely.annex.step)

# %% [markdown]
# The masks were right, the protocol was right, and the *scheduler* left one phone with nobody to share a mask with. A device that refuses
# cohorts below a minimum would have noticed; a server's promise to form larger ones is only a promise. (Its message is open as well: that is this finding
# once more, not a second one.)

# %% [markdown]
# ## What the log says
#
# A debug log leaks without anybody having decided that it should. You know your update, so look for *it*:
# as decimals, in hex, in base64. `payloads_of(line)` gives every way to read a line as numbers, as a list of arrays.
#
# **Predict**: how do you tell a leak from a line full of hex that is a *masked* message?


# %% tags=["exercise"]
def lines_that_leak(log, update):
    """The lines of a log in which your update stands.

    Args: log, text of any number of lines; update, floats of shape (n,), all different. The log rounds to float32,
        or to six digits.
    Returns: a list of whole lines, each once: those with a reading in payloads_of(line) of which at least four
        numbers are entries of the update, to a relative 1e-4.
    """
    ### BEGIN SOLUTION
    leaks = []
    for line in log.splitlines():
        hits = [
            np.isclose(numbers[:, None], update, rtol=1e-4, atol=0).any(axis=1).sum()
            for numbers in payloads_of(line)
        ]
        if max(hits, default=0) >= 4:
            leaks.append(line)
    return leaks
    ### END SOLUTION


# %% tags=["check"]
lines_that_leak = check("13.3", lines_that_leak)  # stuck? hint("13.3")

# %%
canary = random_updates((101, 102), length=64, norm=0.4)
logs = {
    name: practice[name].deploy().run_round(canary).log
    for name in ("Osier Health", "Fernhollow Labs")
}
leaks = {name: lines_that_leak(log, canary[101]) for name, log in logs.items()}
for name, log in logs.items():
    payloads = [line for line in log.splitlines() if "payload" in line]
    print(
        f"{name}: {len(payloads)} lines with a payload, {len(leaks[name])} leak; one reads\n  {payloads[0]}"
    )
claim("Osier's log holds the update of phone 101", len(leaks["Osier Health"]) == 1)
claim("Fernhollow's payloads are of masked messages", len(leaks["Fernhollow Labs"]) == 0)

# %% [markdown]
# Both lines look like leaks, and an auditor who counts base64 accuses an innocent. And an empty log proves little: some
# servers write payloads only in every third round, or only of updates that are unusual.

# %% [markdown]
# ## Question 2: which mechanism, and how much of it?
#
# "Differential privacy" in a brochure may mean clipping alone. The release of a round is a sum with noise, and you
# do not see which part is which.
#
# **Predict**: how do you get the noise alone, without asking the vendor?


# %% tags=["exercise"]
def noise_interval(first, second, false_alarm):
    """Between which values the standard deviation of a release's noise lies.

    Args: first, second, two releases of shape (n,) from rounds with the same updates; false_alarm, how likely the
        interval may miss the true deviation (independent normal noise, the same in both).
    Returns: two numbers, (low, high); (0, 0) if there is no noise.
    """
    ### BEGIN SOLUTION
    half = float(((first - second) ** 2).sum()) / 2
    tails = 1 - false_alarm / 2, false_alarm / 2
    low, high = (math.sqrt(half / stats.chi2.ppf(tail, len(first))) for tail in tails)
    return low, high
    ### END SOLUTION


# %% tags=["check"]
noise_interval = check("13.4", noise_interval)  # stuck? hint("13.4")


# %%
def measured_noise(vendor, length=4096):
    """The noise of a round: a release's, or a message's where each device adds all of it."""
    deployment, seen = vendor.deploy(), []
    for _ in range(2):
        record = deployment.run_round(random_updates((101, 102), length=length, norm=0.4))
        local = vendor.annex.noise_added.startswith("by each device")
        seen.append(
            as_update(record.messages[101], vendor.annex) if local else record.release
        )
    return noise_interval(*seen, MISTAKE)


# %%
tested = (
    "Eiderby Health",
    "Verdigrove Health",
    "Gorsefold Learning",
    "Thimble Signals",
    "Tarn Signals",
)
noise = {name: measured_noise(practice[name]) for name in tested}
for name, (low, high) in noise.items():
    print(
        f"{name:>18}: {low:.3f} to {high:.3f}, for updates of norm {practice[name].annex.max_update_norm:g}"
    )
claim(
    "Two equal rounds at Eiderby have equal releases: no noise",
    noise["Eiderby Health"][1] == 0,
)

# %% [markdown]
# Eiderby's releases look like noise, and so do the sums of many updates. Only the *difference* told.
#
# How much is enough? The annex states ε for all rounds together, so compute that from the noise that is there, and
# from the annex's own rules.


# %% tags=["exercise"]
def total_epsilon(noise_std, annex):
    """The ε of all rounds of a contract, if each release has noise of this deviation.

    Args: noise_std, in the units of the updates, ≥ 0; annex, with max_update_norm, sample_rate, rounds, delta,
        accountant and adjacency.
    Returns: ε in nats; math.inf without noise. (`epsilon_spent` does the accounting.)
    """
    ### BEGIN SOLUTION
    return epsilon_spent(
        noise_multiplier=noise_std / annex.max_update_norm, sample_rate=annex.sample_rate,
        steps=annex.rounds, delta=annex.delta, accountant=annex.accountant,
        adjacency=annex.adjacency,
    )  # fmt: skip
    ### END SOLUTION


# %% tags=["check"]
total_epsilon = check("13.5", total_epsilon)  # stuck? hint("13.5")

# %%
given = {}
for name, (low, high) in noise.items():
    annex = practice[name].annex
    if high > 0:
        bounds = [total_epsilon(std, annex) for std in (math.sqrt(low * high), high, low)]
        given[name] = (annex.epsilon, *bounds)
        # As much noise as there can be: the ε that is proved.
        enter(f"{name}, from its noise", high / annex.max_update_norm, annex)
_, ax = plt.subplots(figsize=(7.4, 3.2))
plot_stated_and_measured(
    ax,
    given,
    title="One vendor's noise gives over three times the ε it states",
    delta=annex.delta,
)
present(
    ax,
    caption=(
        "Two rounds each with 4,096 entries; a whisker misses the truth once in a million. Eiderby is missing: without noise there is no finite ε. It misleads in one way: left of its bar "
        "a vendor is not proved sound, since the rest of the annex (sampling, clipping, number of rounds) was taken at its word."
    ),
    alt="Four vendors. At three the circle is at the bar or left of it; at Verdigrove it is far to the right.",
)

# %%
verdigrove = practice["Verdigrove Health"].annex
all_rounds = ledger_lines["Verdigrove Health, from its noise"]
one_round = enter(
    "Verdigrove Health, one round", all_rounds.noise_multiplier, verdigrove, steps=1
)
print(one_round, all_rounds, sep="\n")
print(f"the annex says {verdigrove.epsilon:g} for {verdigrove.rounds} rounds")
least = given["Verdigrove Health"][2] / verdigrove.epsilon
claim("Verdigrove's noise gives at least two and a half times the stated ε", least > 2.5)
claim(
    "What it states is the ε of about one round",
    0.7 < one_round.epsilon / verdigrove.epsilon < 1.05,
)
# A vendor whose noise is as stated fails this once in a million runs.
most_proved = max(given[name][2] / given[name][0] for name in tested[2:])
claim("Nothing is proved against the three others", most_proved <= 1.01)

# %% [markdown]
# Flower's own Opacus example makes a new accountant in each round, and so prints what Verdigrove prints (lesson 11).
# The *lower* end of your interval is the finding: a vendor is accused of what is proved, not of what is likely.
# Thimble has noise to spare, because part of its ε is for something else that it publishes.

# %% [markdown]
# ## Was it a coin for each?
#
# At a rate of q = 0.2 sampling makes ε several times smaller, *if* each client's coin is its own and fresh. Loaders that shuffle
# a list and cut it up are commoner, and the accountant does not notice.
#
# **Predict**: name two things that a shuffled list never does and coins do.


# %% tags=["exercise"]
def chance_if_poisson(cohorts, population, sample_rate):
    """How likely cohorts as regular as these are, if there was a coin for each client in each round.

    Args: cohorts, a sequence of int arrays: who was drawn, round after round, of 0 … population − 1;
        population, N; sample_rate, q.
    Returns: a number from 0 to 1. Of series by coins at most a share a may get a number of at most a; cohorts of
        one size, and shuffled lists cut into pieces (of one size, or of random ones), get next to 0.
    """
    ### BEGIN SOLUTION
    sizes = np.array([len(cohort) for cohort in cohorts])
    variance = population * sample_rate * (1 - sample_rate)
    spread = ((sizes - population * sample_rate) ** 2).sum() / variance
    pairs = list(zip(cohorts[::2], cohorts[1::2], strict=False))
    again = sum(len(np.intersect1d(one, other)) for one, other in pairs)
    of_sizes = stats.chi2.cdf(spread, len(sizes))
    of_repeats = stats.binom.cdf(again, population * len(pairs), sample_rate**2)
    return min(1.0, 2 * min(of_sizes, of_repeats))
    ### END SOLUTION


# %% tags=["check"]
chance_if_poisson = check("13.6", chance_if_poisson)  # stuck? hint("13.6")

# %%
by_coin, sizes, again = {}, {}, {}
annex = practice["Larkspur Learning"].annex
for name in ("Larkspur Learning", "Gorsefold Learning"):
    rules, draws = practice[name].annex, practice[name].draw_cohorts(200)
    by_coin[name] = chance_if_poisson(draws, rules.population, rules.sample_rate)
    sizes[name] = [len(draw) for draw in draws]
    pairs = zip(draws[::2], draws[1::2], strict=True)
    again[name] = [len(np.intersect1d(one, two)) for one, two in pairs]
    by_coins = rules.population * rules.sample_rate**2
    print(
        f"{name}: {np.mean(again[name]):.2f} people in both of two rounds in a row (coins: {by_coins:.1f}); "
        f"chance {by_coin[name]:.2g}"
    )

# %%
_, axes = plt.subplots(1, 2, figsize=(8.8, 3.5))
rate = annex.sample_rate
panels = (
    (sizes, rate, "Sizes like those of coins …", "in a round", "rounds"),
    (
        again,
        rate**2,
        "… and few come twice",
        "in both of two rounds in a row",
        "pairs of rounds",
    ),
)
for ax, (found, share, title, where, what) in zip(axes, panels, strict=True):
    coins = stats.binom(annex.population, share)
    often = {
        n: len(found["Larkspur Learning"]) * coins.pmf(n)
        for n in range(*map(int, coins.interval(0.999)))
    }
    plot_cohort_sizes(
        ax,
        {"Larkspur": found["Larkspur Learning"]},
        expected=often,
        title=title,
        xlabel=f"clients {where}",
        ylabel=what,
    )
present(
    axes[0],
    caption=(
        "Larkspur Learning, 200 rounds (100 pairs), beside what a coin for each client would give. It goes through a shuffled list and draws the size of each piece at random. It misleads in one way: where coins fail "
        "in a third property, neither panel shows it."
    ),
    alt="Left, the sizes of cohorts scatter around the curve of coins. Right, most pairs of rounds have nobody in common, far left of the curve.",
)

# %%
claim("Larkspur does not toss coins", by_coin["Larkspur Learning"] < MISTAKE)
# A sound sampler fails this once in a million.
claim("Nothing speaks against Gorsefold's coins", by_coin["Gorsefold Learning"] > MISTAKE)
low, high = measured_noise(practice["Larkspur Learning"])
loss_of_proof = total_epsilon(high, replace(annex, sample_rate=1.0)) / annex.epsilon
print(f"with everybody in every round the annex's ε grows {loss_of_proof:.1f} times")
claim("An account without any sampling comes to over twice the ε", loss_of_proof > 2)

# %% [markdown]
# That is not what Larkspur's clients *lose*: a client is drawn once in each pass through the list, and a proof made for that would give less.
# It says how much of the stated ε rests on the coins. Chua et al. (2024) show that the gap between what shuffling promises and what Poisson accounting says can be large.

# %% [markdown]
# ## The meter, and the loss
#
# Two promises remain. The rounds end when ε is spent; and *everything* that is released is in the account, the loss too.

# %%
updates = {101: np.zeros(1), 102: np.zeros(1)}
ends = {}
for name in ("Brackenden Health", "Tarn Signals"):
    deployment, annex = practice[name].deploy(), practice[name].annex
    try:
        for _ in range(annex.rounds + 1):
            meter = deployment.run_round(updates).reported_epsilon
        ends[name] = (
            f"ran {annex.rounds + 1} rounds of {annex.rounds}; its meter shows {meter:.2f} of {annex.epsilon:g}"
        )
    except RoundRefused as refusal:
        ends[name] = f"refused: {refusal}"
    print(f"{name}: {ends[name]}")
claim("Brackenden goes on when its budget is spent", "ran" in ends["Brackenden Health"])
claim("Tarn refuses", "refused" in ends["Tarn Signals"])


# %%
def published_losses(vendor):
    """The loss of phone 102 → the published losses of four equal rounds with it."""
    found = {}
    for own in (0.1, 0.9):
        deployment = vendor.deploy()
        found[own] = [
            deployment.run_round(updates, {101: 0.05, 102: own}).loss for _ in range(4)
        ]
        print(f"{vendor.name}, phone 102 at {own}: published {np.round(found[own], 3)}")
    return found


published = {
    name: published_losses(practice[name]) for name in ("Dunlinga Labs", "Thimble Signals")
}
spreads = {name: float(np.ptp(rows[0.9])) for name, rows in published.items()}
moved = published["Dunlinga Labs"][0.9][0] - published["Dunlinga Labs"][0.1][0]
claim(
    "Dunlinga's loss follows one phone's exactly",
    spreads["Dunlinga Labs"] == 0 and moved > 0.3,
)
claim(
    "Thimble's varies by itself: there is noise in it", spreads["Thimble Signals"] > 0.001
)

# %% [markdown]
# Lesson 04 asked for no more than a loss to tell members from others. A release that nobody counted is a release with
# ε infinite, whatever noise the model gets.

# %% [markdown]
# ## Question 3: which server is assumed?
#
# So far the server was curious. One that *lies* may choose who is in a cohort, run it twice, leave one client out the second time, and
# subtract.
#
# **Predict**: Fernhollow passed every test above. Does it protect a client from that?

# %%
victim = random_updates((101,), length=64, norm=0.4)[101]
guesses = {}
for name in ("Fernhollow Labs", "Thimble Signals"):
    deployment, annex = practice[name].deploy(), practice[name].annex
    phones = random_updates((101, 102, 103), length=64, norm=0.4)
    with_victim = deployment.run_round(phones).cohorts[0].total
    phones.pop(101)
    without = deployment.run_round(phones).cohorts[0].total
    guess = as_update(with_victim - without, annex)
    guesses[name] = float(np.corrcoef(guess, victim)[0, 1])
    print(
        f"{name}: correlation with the victim's update {guesses[name]:.3f}; noise added {annex.noise_added}"
    )
claim(
    "At Fernhollow the server reads the update in two sums",
    guesses["Fernhollow Labs"] > 0.99,
)
# 64 independent entries: a correlation beyond 0.6 by chance is rarer than one in 10^6.
claim(
    "At Thimble the devices' noise is in both sums", abs(guesses["Thimble Signals"]) < 0.6
)

# %% [markdown]
# Neither broke its contract: Fernhollow's noise comes from the *server*, so against the server there is none. Where the noise comes from the devices, it
# holds against the server too, two sums counting as two rounds of the account.
#
# You cannot play a lying server here, you only play its clients: so which server is assumed goes into the report as an **assumption**, not as a finding.

# %% [markdown]
# ## Question 4: what does the stream say?
#
# Releases add up. Somebody who knows one client's update looks at all rounds, and measures how far they point that way.
#
# **Predict**: Thimble's annex states an ε of 2 over ten rounds. How well are runs with the client told from runs without?

# %%
annex = practice["Thimble Signals"].annex
small = random_updates((101, 102), length=32, norm=1.0)
direction = small[101] / np.linalg.norm(small[101])


def how_far(vendor, takes_part):
    """How far the releases of all rounds together point the way of phone 101's update."""
    phones = small if takes_part else small | {101: np.zeros(32)}
    deployment = vendor.deploy()
    rounds = range(vendor.annex.rounds)
    releases = [deployment.run_round(phones).release for _ in rounds]
    return float(np.sum(releases, axis=0) @ direction)


told = {}
for name, runs in (("Eiderby Health", 10), ("Thimble Signals", 60)):
    took_part = np.arange(runs) % 2 == 0
    bar = tqdm(took_part, name, file=sys.stdout, leave=False, **BAR)
    told[name] = auc(
        np.array([how_far(practice[name], bool(there)) for there in bar]), took_part
    )
    print(f"{name}: {runs} deployments, AUC {told[name]:.2f}")

# %% [markdown]
# From 60 runs an AUC is known only roughly, and an honest attack gets one below a half by chance alone. The noise says more than the
# runs do. Over all rounds the updates add up to `rounds` of norm 1, and the noise of the sum only to √rounds times that of a round.

# %%
low, high = noise["Thimble Signals"]
apart = (
    math.sqrt(annex.rounds) * 1.0 / low
)  # In deviations of the noise, taken at its least.
allowed = float(stats.norm.cdf(apart / math.sqrt(2)))
by_chance = math.sqrt((30 + 30 + 1) / (12 * 30 * 30))
print(f"Thimble's noise allows an AUC of {allowed:.2f}, however many runs one makes")
print(f"60 of them: {told['Thimble Signals']:.2f}, give or take {1.96 * by_chance:.2f}")
claim(
    "Without noise everybody who looks knows whether phone 101 took part",
    told["Eiderby Health"] == 1.0,
)
claim("With Thimble's noise it stays a guess", 0.5 < allowed < 0.6)
# Five deviations: by chance once in a million runs.
claim("The deployments agree", abs(told["Thimble Signals"] - allowed) < 5 * by_chance)

# %% [markdown]
# This is of one client that is there or not. The annex promises more, that one update may be *replaced*, by its opposite at worst, which is twice
# as far. For a bound on ε from such guesses, with its ceiling, use lesson 06's audit.

# %% [markdown]
# ## One audit, from the brochure to the report
#
# Back to Saltmarsh Analytics, whose brochure you read first. **Who is feared**: a curious server, the public, an
# engineer. **What is promised** to whom: sums over at least two, and the annex's ε over all its rounds.
#
# First the server, all clients and the odd number of them.

# %%
annex = suspect.annex
phones = range(101, 102 + annex.cohort_size)
record = suspect.deploy().run_round(random_updates(phones, length=64, norm=0.4))
most_open = float(min(chance_if_masked(message) for message in record.messages.values()))
pair = suspect.deploy().run_round(canary)
seed = find_seed(pair.messages[101], 12, MISTAKE)
sizes = [
    len(cohort.members)
    for clients in trials.values()
    for cohort in suspect.deploy()
    .run_round(random_updates(clients, length=8, norm=0.4))
    .cohorts
]
print(
    f"messages of {len(phones)} phones: the least likely one under a mask, {most_open:.2g}"
)
print(f"seed of 12 bits: {seed}; smallest of {len(sizes)} cohorts: {min(sizes)}")

# %% [markdown]
# Nothing. Then what is released, and who is drawn.

# %%
low, high = measured_noise(suspect)
bounds = [total_epsilon(s, annex) for s in (high, low)]
drawn = {len(draw) for draw in suspect.draw_cohorts(50)}
own_losses = published_losses(suspect)
deployment = suspect.deploy()
for _ in range(annex.rounds):
    deployment.run_round(updates)
try:
    deployment.run_round(updates)
    end = "went on"
except RoundRefused:
    end = "refused"
print(
    f"ε of {annex.rounds} rounds from the noise: {bounds[0]:.1f} to {bounds[1]:.1f}; the annex: {annex.epsilon:g}"
)
print(
    f"drawn in each round: {drawn} of {annex.population}, at a rate of {annex.sample_rate:g}"
)
print(f"round {annex.rounds + 1}: {end}")

# %%
enter("Saltmarsh Analytics, from its noise", high / annex.max_update_norm, annex)
claim(
    "Its noise gives no more than what the annex states", bounds[0] <= 1.01 * annex.epsilon
)
claim(
    "Everybody is in every round, as stated",
    drawn == {annex.population} and annex.sample_rate == 1,
)
claim("It stops when its budget is spent", end == "refused")
claim("Equal rounds have different losses", np.ptp(own_losses[0.9]) > 0)

# %% [markdown]
# All as in the annex. The log of the first round had no payload either.
#
# **Predict**: what do real phones send that you have not sent yet?

# %%
long = canary | {102: 20 * canary[102]}
deployment = suspect.deploy()
log = "\n".join(deployment.run_round(long).log for _ in range(4))
caught = [line for update in long.values() for line in lines_that_leak(log, update)]
print(f"{len(log.splitlines())} lines, {len(caught)} leak; the first:\n  {caught[0]}")
short = [line for line in caught if "client 101" in line]
claim(
    "The log has the update that had to be clipped, in each of four rounds",
    len(caught) == 4,
)
claim("And none of the update that was short", len(short) == 0)

# %% [markdown]
# Somebody once wanted to know *which* updates get clipped, and wrote them down. Unusual updates are those of unusual people.
#
# One promise is left, and it is kept: an ε of 50. **Predict**: what does it promise?

# %%
promise = noise_for(
    annex.epsilon, delta=annex.delta, sample_rate=annex.sample_rate, steps=annex.rounds,
    accountant=annex.accountant, adjacency=annex.adjacency,
)  # fmt: skip
sentence = enter("what Saltmarsh promises", promise, annex)
print(sentence)
wrong = (1 - annex.delta) / (1 + math.exp(annex.epsilon))
print(f"a guesser may be wrong about you with a probability of {wrong:.0e}")
claim("Such a promise allows certainty", wrong < 1e-12)
# 2 C apart in each round: by how many deviations of the noise, over all rounds?
guess_errs = float(stats.norm.cdf(-math.sqrt(annex.rounds) / promise))
claim("Even this noise lets a guesser err less than once in 1,000", guess_errs < 1e-3)

# %% [markdown]
# Question 3: the noise is the devices', so a server that picks cohorts gains no more than rounds; that the devices add their shares is an
# assumption. Question 4 is answered by the last number.
#
# A finding is a claim with its evidence, how bad it is, and what would repair it. Somebody else must be able to repeat
# it from these words.

# %%
norm = np.linalg.norm(long[102])
where = (
    f"log, rounds 1 to 4, an update of norm {norm:.0f} where C is {annex.max_update_norm:g}"
)
findings = [
    Finding(
        vendor=suspect.name,
        flaw=Flaw.DEBUG_LOG,
        evidence=Read(where, caught[0]),
        severity=Severity.CRITICAL,
        remedy="Take payloads out of the log; delete the logs that have them; tell those whose updates were in them.",
    ),
    Finding(
        vendor=suspect.name,
        flaw=Flaw.EMPTY_PROMISE,
        evidence=Measured(
            "ε of the annex, nats", annex.epsilon, annex.epsilon, annex.epsilon
        ),
        severity=Severity.MEDIUM,
        remedy="More noise or fewer rounds, until ε is a single digit; or no word of differential privacy.",
    ),
]
ours = {finding.flaw for finding in findings}
claim("These are the two flaws that were planted", ours == reveal(practice)[suspect.name])

# %% [markdown]
# The course's own auditor does the same by script: `inspect(vendor)` runs one check a flaw, by queries alone. It agrees, and `report`
# puts your findings on its page.

# %%
inspection = inspect(suspect)
theirs = {finding.flaw for finding in inspection.findings}
claim("The course's auditor finds the same", theirs == ours)
report(suspect, inspection, findings=findings)

# %% [markdown]
# Read the last section twice. A report without it sells more certainty than the audit bought: "no flaw was found in ten
# checks" is all that a clean one says.

# %% [markdown]
# ## What an accusation costs
#
# Findings are scored: one point for each planted flaw, minus one for each that is not there, minus two more for each sound vendor that is accused. All
# over the number planted, and not below 0.
#
# **Predict**: what does it score to accuse everybody of everything?

# %%
everything = score(everything_auditor(practice), practice)
print(everything)
places = len(practice.vendors) * len(Flaw)
innocent = places - everything.found - everything.missed
print(
    f"{innocent} places without a flaw; if each test erred at 5 %: {0.05 * innocent:.1f} false accusations"
)
claim(
    "Who accuses everybody finds all, and gets nothing",
    everything.recall == 1 and everything.points == 0,
)

# %% [markdown]
# That is why a test of this lesson errs once in a million. The course's own auditor, at that rate, on all of the practice lab:

# %%
bar = tqdm(practice.vendors, "vendors", file=sys.stdout, leave=False, **BAR)
inspections = {vendor.name: inspect(vendor) for vendor in bar}
_, ax = plt.subplots(figsize=(7.6, 5.0))
plot_checks(
    ax,
    {name: [check.passed for check in one.checks] for name, one in inspections.items()},
    checks=[check.flaw.name.replace("_", " ").lower() for check in inspection.checks],
    title="Each planted flaw is found by the check that looks for it",
)
present(
    ax,
    caption=(
        "The practice lab; one run of ten checks at each vendor, by queries alone. A cross is a finding; a question mark: without noise there is no ε to recompute. It misleads in one way: a row of dots says that these ten checks "
        "found nothing."
    ),
    alt="A table of 14 vendors and ten checks with eleven crosses; four vendors have none.",
)

# %%
answers = reveal(practice)
agree = sum(
    {f.flaw for f in inspections[name].findings} == answers[name] for name in answers
)
claim(
    "At all 14 vendors it finds what was planted, and nothing else",
    agree == len(answers) == 14,
)

# %% [markdown]
# And twenty labs, recorded by a script of the course, with a *sloppy* auditor beside it: the same ten checks, but the two that rest on chance (ε
# from the noise, and the coins) accuse at 5 %.

# %%
recorded = json.loads(
    (ROOT / "tests/benchmarks/results/audit_lab_scores.json").read_text("utf-8")
)["scores"]
AUDITORS = ("naive", "everything", "sloppy", "reference")
of = {who: [row for row in recorded if row["auditor"] == who] for who in AUDITORS}
marks = {
    who: [(row["recall"], row["precision"], row["points"]) for row in rows]
    for who, rows in of.items()
}
_, ax = plt.subplots(figsize=(6.8, 4.2))
plot_auditors(ax, marks, title="Only queries tell a sound vendor from one that sounds good")
present(
    ax,
    caption=(
        f"{len(of['reference'])} labs of 13 or 14 vendors, one mark a lab and auditor, with the mean of its points. It misleads in one way: the reference auditor was written by those who planted the flaws, so "
        "nothing here was unknown to it."
    ),
    alt="Recall against precision. Reference at 1 and 1 in all labs; sloppy at recall 1, precision between 0.8 and 1; everything at recall 1, precision near 0.1; naive low in both.",
)

# %%
num_labs = len(of["reference"])
worst_reference = min(row["points"] for row in of["reference"])
best_naive = max(row["points"] for row in of["naive"])
wronged = sum(row["sound_accused"] for row in of["sloppy"])
claim(
    "In twenty labs the reference auditor finds all and accuses nobody falsely",
    num_labs == 20 and worst_reference == 1,
)
claim("Reading brochures is worth under a tenth in each of them", best_naive < 0.1)
claim("At 5 % a test, sound vendors are accused", wronged >= 1)

# %% [markdown]
# ## Your lab
#
# Your name makes it: other vendors, other seats of the flaws, other words. Each of ten flaws is planted at least once, a vendor may have two, and three or
# four vendors are sound. The annex binds, a brochure does not: a boast that the annex does not repeat is no finding.

# %%
MY_NAME = "write your name here"
my_lab = open_lab(MY_NAME)
for vendor in my_lab:
    annex = vendor.annex
    print(
        f"{vendor.name:>24}: {annex.epsilon:>4g} over {annex.rounds} rounds at rate {annex.sample_rate:g}, "
        f"norm {annex.max_update_norm:g}, {annex.noise_added}"
    )
    print(f"{'':>24}  “{vendor.sheet.tagline}”")

# %% [markdown]
# What you may find, in the words of the rules:

# %%
for flaw in Flaw:
    print(f"{flaw.name:>18}: {flaw.value}")

# %% [markdown]
# Investigate here, one vendor or all in a loop. All that you need is above: a test of the course makes an auditor of these six functions and
# the few lines between them, and it gets every point. `vendor.deploy()` costs nothing.

# %%
vendor = my_lab.vendors[0]
record = vendor.deploy().run_round(canary)
print(vendor.name, record)

# %% [markdown]
# **File.** One finding is there to start from, because it takes no test: whoever states an ε above 10. Add yours below it;
# several may be at one vendor. File *once*: with a score after each guess, you could guess your way through. (The score reads vendor and flaw;
# whether your evidence convinces, you judge.)

# %%
my_findings = [
    Finding(
        vendor=vendor.name,
        flaw=Flaw.EMPTY_PROMISE,
        evidence=Read("annex, epsilon", f"{vendor.annex.epsilon:g}"),
        severity=SEVERITY[Flaw.EMPTY_PROMISE],
        remedy=REMEDY[Flaw.EMPTY_PROMISE],
    )
    for vendor in my_lab
    if vendor.annex.epsilon > 10
]
my_findings += [
    # Finding(vendor="…", flaw=Flaw.…, evidence=Measured("what", value, low, high), severity=…, remedy="…"),
]

# %%
side_by_side = {
    "reads brochures": naive_auditor(my_lab),
    "you": my_findings,
    "the course's auditor": reference_auditor(my_lab, progress="the course's auditor"),
}
for who, filed in side_by_side.items():
    print(f"{who:>20}: {score(filed, my_lab)}")

# %% [markdown]
# When you have filed: `reveal(my_lab)` has the answers, `inspect(my_lab["…"])` how the course's auditor got there. Both were there before, and the source
# too; an audit that reads the answers is none.

# %% [markdown]
# ### What an audit does *not* show
#
# - **That there is no flaw.** Each test looked for one kind in one place. Saltmarsh's log was clean until somebody sent
#   a long update.
# - **That the code you tested is the code that runs.** A test installation may behave better. Reproducible builds and
#   attestation help; a promise does not.
# - **A server that lies**, as long as you only play its clients. Read the protocol, and run lesson 08's attacks on the
#   *client's* code.
# - **Randomness.** A seed that somebody knows passes every test of its noise.
# - **What is true of everybody**, and what the model says once it is trained: audit the model, too (lessons 04 and 06).
# - **People.** Who may change the minimum cohort on a Friday night is in no message.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A message of a client is open, and the annex says that each device noises its message in full. What do you file?",
    {
        "Plain averaging: the server can read it": "It reads an update with all of the noise on it. That was promised, and is kept.",
        "Nothing yet: measure the noise in the message, and compare with ε": right(
            "The mask was never promised. The noise was, so that is what is tested, in the message and not in the sum."
        ),
        "Nothing, since local noise is the strongest protection": "If it is there, and if it is enough. You have not looked.",
    },
)

# %%
quiz(
    "Your search tries 2^12 seeds with two signs at a false-alarm rate of 1 in 1,000 each. It names a seed. What do you know?",
    {
        "That the seed is folded, with 99.9 % confidence": "You looked 8,192 times. On a good mask you would expect eight alarms.",
        "Hardly anything": right(
            "Eight alarms are expected where nothing is wrong. Give each look its share of the rate: 1e-3 / 8,192."
        ),
        "That the vendor is sound, as only one seed fits": "One right seed is what a folded mask would give, too.",
    },
)

# %%
quiz(
    "From two equal rounds you get ε between 1.9 and 2.3. The annex states 2. What do you file?",
    {
        "PER_ROUND_EPSILON, as the middle is above 2": "The lower end is below 2: noise as stated would give such an interval easily.",
        "Nothing; perhaps another, longer pair of rounds": right(
            "What is proved is 1.9. With more entries the interval shrinks, and either end may cross the line."
        ),
        "That the vendor is sound": "Not refuted is not proved, and sampling and clipping were taken at their word.",
    },
)

# %%
quiz(
    "Cohorts have exactly the sizes of coins, 200 draws long. May you believe that they are Poisson-sampled?",
    {
        "Yes, the variance is the property of the coin": "Larkspur cuts a shuffled list into pieces of random size. Sizes are perfect.",
        "No: look also at who comes again, and how soon": right(
            "Coins forget. A shuffled list remembers who has been in, and you see it in rounds that follow each other."
        ),
        "It does not matter: ε depends on the rate alone": "The proof needs independent coins; without them the stated ε has no proof.",
    },
)

# %%
quiz(
    "A vendor passes all ten checks. What may your report say?",
    {
        '"The system is private"': "No test shows that.",
        '"No flaw was found in ten checks, against these adversaries; this was not tested: …"': right(
            "What was looked for, against whom, how often you err, and what you could not see."
        ),
        '"The vendor complies with the GDPR"': "That is a legal opinion. Yours is evidence for one.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "A client claims that federated learning is private because raw data stays local. How do you audit that?"** (8 minutes)
#
# *Rubric*: asks how updates are aggregated, and what the server holds of one client (1); asks for a mechanism on the updates and the whole sentence of its ε (1);
# names the server that is assumed, and one thing that a lying one does (1); names an inference from updates or releases that they would run (1); says what
# the audit cannot show (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "I would check that they use encryption in transit, and that the data really stay on the device."
#
# *Strong*: "The claim is true and beside the point: from an update I can rebuild an image, so I ask four questions. What does the server hold of one client? I take a test installation, play all
# phones with known updates, and compare: messages of every client, sums of odd numbers of clients, folded seeds, the log. What is on the updates? I run equal rounds twice, get the noise from the difference,
# and recompute ε over all rounds with the annex's clipping, sampling and adjacency; I test the sampler, the published loss, and whether it stops when ε is spent. Which server? If it is only curious in their
# proof, I write down what a lying one does: run a cohort twice without me. What does the stream say? I run membership inference on the releases. And I report at which rate I accuse falsely, and what I could not test: the code in
# production, the randomness, the people."
#
# </details>

# %% [markdown]
# **2. "Your audit tool flags 3 of our 40 services. Each test has a false-alarm rate of 5 %. What do you tell the board?"** (3 minutes)
#
# *Rubric*: computes the false alarms that are expected (1); corrects for the number of tests, or repeats the flagged ones with fresh data (1); does not call the other 37 safe (1); says what a wrong accusation
# costs, and to whom (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Three services violate privacy, the others are fine."
#
# *Strong*: "With 40 tests at 5 % I expect two alarms where nothing is wrong, so three are no news. I repeat the three with fresh data at 1 in 10,000; what is still flagged I report, with the number and its interval, and how to repeat it. About
# the 37 I say which flaws the test could have seen, and of which size. A false accusation costs a team its launch and me the next audit, and a miss costs users; so I choose the rate before I look."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Kairouz, McMahan et al. 2021, *Advances and open problems in federated learning*, arXiv:1912.04977, section 4: threat models.
# - Zhu, Liu and Han 2019, *Deep leakage from gradients*, arXiv:1906.08935: data from updates.
# - Bonawitz et al. 2017, *Practical secure aggregation*, ePrint 2017/281, Figure 4: what the server may hold.
# - Boenisch et al. 2021, *When the curious abandon honesty: federated learning is not private*, arXiv:2112.02918: a server
#   that lies.
# - Mironov, Talwar and Zhang 2019, *Rényi differential privacy of the sampled Gaussian mechanism*, arXiv:1908.10530: the
#   coins that the accountant assumes.
# - Chua et al. 2024, *How private are DP-SGD implementations?*, arXiv:2403.17673: shuffling is not Poisson sampling.
# - Canonne, Kamath and Steinke 2020, arXiv:2004.00010: the discrete Gaussian of the vendors' noise.

# %% [markdown]
# **Privacy ledger of this lesson.** Lines "from its noise" are an auditor's: at least so much follows from the noise that was measured, taken at the upper
# end of its interval. The last is a promise that is kept, and is worth nothing.

# %%
ledger = Ledger()
for line in ledger_lines.values():
    ledger.add(line)
ledger
