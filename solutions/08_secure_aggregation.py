# %% [markdown]
# # How can a server add up what it never sees, when phones drop out and the server lies?
#
# In lesson 07 a few parties sent each other shares. Here many phones train one model, they never meet, any of them may
# vanish at any moment, and all that they say goes through one server. You build the protocol of Bonawitz et al. (2017)
# stage by stage, take one stage out at a time, and read a picture each time.
#
# You will
# - make masks that cancel, repair what a vanished phone leaves over, and find out why one mask is not enough,
# - catch a server that lies, by an exception that says how it lied, and
# - train the model of lesson 01 on sums alone, and meet the attack that no such protocol stops.
#
# *About 120 minutes of your time; 15 s and 550 MiB on one core. You need: lesson 07 (shares, thresholds, fixed
# point) and lesson 01 (FedAvg).*

# %% [markdown]
# > - **Who attacks?** The server, and some phones that work for it, its *accomplices*. First it is curious; then it lies.
# > - **What do they see?** Every message, because all go through the server.
# > - **What do they want?** One phone's vector: an update, which says a lot about the phone's data (lesson 03).
# > - **Whom do we trust?** Most of the phones, and whoever enrolled them: each phone knows the others' *verification
# >   keys*, and not from the server.

# %% tags=["setup"]
import itertools
import json
import secrets
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from course import ROOT
from course.attacks.weak_aggregation import (
    ask_for_both,
    difference_of_sums,
    fold_seed,
    guess_folded_seed,
    play_until,
    real_cohort,
    take_off_pairwise_masks,
    tell_two_stories,
    withhold_input,
)
from course.crypto import (
    KEY_PRIME,
    ProtocolViolation,
    Stage,
    ThresholdNotMet,
    choose_degree,
    reconstruct,
    secure_sum,
    split,
)
from course.crypto.costs import (
    expansion_parts,
    message_bytes,
    paper_expansion_parts,
    total_bytes,
)
from course.crypto.keys import agree, agreement_keypair
from course.crypto.masks import MODULUS, expand
from course.crypto.ring_fixed_point import RingFixedPoint
from course.data import load_mnist, partition_shards
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import (
    InProcessGrid,
    as_examples,
    client_generator,
    fedavg,
    run_fedavg,
    train_client,
    two_nn,
    weights_of,
)
from course.federated.enrolment import enrol
from course.federated.private_sum import private_sum
from course.federated.secure_averaging import (
    flatten_double,
    secure_fedavg,
    secure_mean,
    unflatten,
    weighted_row,
)
from course.federated.secure_flower import find_clients, secure_round
from course.federated.secure_flower_clients import secure_client_app
from course.figures import (
    plot_bytes,
    plot_cost_growth,
    plot_curves,
    plot_expansion,
    plot_seconds,
    plot_timeline,
    plot_two_costs,
    plot_vectors,
    present,
    show_cancelling,
)
from course.privacy import Adjacency, Ledger, Unit, noise_for
from course.privacy.distributed_gaussian import NoiseShares, record_sum

begin("08")

# %% [markdown]
# ## Five phones, five pictures
#
# Each phone's vector is one MNIST digit, 784 numbers from 0 to 255, so that you *see* when one leaks. All sums are
# **modulo 2^32**, on the clock of lesson 07 with 2^32 hours instead of a prime number of them. Numpy's `uint32` reckons like
# this by itself: past 2^32 − 1 comes 0, and below 0 comes 2^32 − 1.

# %%
mnist = load_mnist()
phones = [3, 8, 20, 21, 77]
vectors = {
    phone: mnist.train_images[place].reshape(-1).astype(np.uint32)
    for phone, place in zip(phones, (0, 1, 7, 2, 13), strict=True)
}
plain_sum = sum(vectors.values())
largest_sum = int(plain_sum.max())
print(
    f"each vector: {len(vectors[3])} numbers; the largest entry of the sum: {largest_sum:,}"
)

# %% [markdown]
# A **mask** is a vector that looks uniform to whoever does not have its **seed**, 32 bytes. ChaCha20, a cipher, stretches the
# seed to any length; the same seed gives the same mask on any phone.


# %% tags=["setup"]
def stretch(seed, length):
    """The mask of a seed: `length` numbers in 0 … 2^32 − 1."""
    return expand(seed, length, modulus=MODULUS)


print(stretch(bytes(32), 3), stretch(bytes(32), 3), stretch(secrets.token_bytes(32), 3))

# %% [markdown]
# ## Masks that cancel in pairs
#
# Suppose that every two phones have a seed in common. For each pair, one of the two *adds* the mask and the other
# *subtracts* it. The rule has to be known to both: **add if the other's id is larger than yours, subtract if it is
# smaller**.
#
# **Predict**: what does the server see in one phone's message, and what in the sum of all five?


# %% tags=["exercise"]
def pairwise_masks(me, seeds, length):
    """All that one phone adds to its vector on account of the others.

    Args: me, this phone's id; seeds, a dictionary: the other phone's id → the seed in common with it; length.
    Returns: a numpy array of uint32: masks stretch(seed, length), added for larger ids, subtracted for smaller.
    """
    ### BEGIN SOLUTION
    mask = np.zeros(length, dtype=np.uint32)
    for other, seed in seeds.items():
        signed = stretch(seed, length) if other > me else np.negative(stretch(seed, length))
        mask = mask + signed
    return mask
    ### END SOLUTION


# %% tags=["check"]
pairwise_masks = check("08.1", pairwise_masks)  # stuck? hint("08.1")

# %% [markdown]
# And where do two phones that never met get a seed from? Each makes a **key pair** and sends the public half through
# the server. X25519 makes the same secret from *my private and your public* key as from *yours and mine*; from two public
# keys nobody is known to be able to. (The library derives separate keys from it for each purpose; here it is the seed itself.)


# %%
def shared_seeds(me, private, publics):
    """The other phones' ids → the seed in common with each."""
    return {other: agree(private, key) for other, key in publics.items() if other != me}


keys = {phone: agreement_keypair() for phone in phones}
publics = {phone: keypair.public for phone, keypair in keys.items()}
seeds = {phone: shared_seeds(phone, keys[phone].private, publics) for phone in phones}
pairs = list(itertools.combinations(phones, 2))
in_common = sum(seeds[one][other] == seeds[other][one] for one, other in pairs)
claim("Both ends of each of the ten pairs have the same seed", in_common == len(pairs))

# %%
sent = {
    phone: vectors[phone] + pairwise_masks(phone, seeds[phone], 784) for phone in phones
}
wrong_entries = int((sum(sent.values()) != plain_sum).sum())
claim("The sum of the five masked vectors is the sum of the vectors", wrong_entries == 0)

# %% [markdown]
# A message of 784 numbers below 256 would fit into 784 bytes; masked modulo 2^32 it takes four times as many.
#
# **Predict**: to save them, somebody draws masks below 256 too, and adds without any modulus. What does the server see
# then?

# %%
lazy = vectors[20].astype(int)
for other, seed in seeds[20].items():
    lazy = lazy + (1 if other > 20 else -1) * (stretch(seed, 784) % 256).astype(int)
seen_lazy = float(np.corrcoef(lazy, vectors[20])[0, 1])
seen = float(np.corrcoef(sent[20], vectors[20])[0, 1])

# %%
_, axes = plt.subplots(1, 4, figsize=(8.4, 2.9))
plot_vectors(
    axes,
    [
        ("phone 20's vector", vectors[20], 255),
        ("with four small masks", lazy - lazy.min(), lazy.max() - lazy.min()),
        ("with four masks modulo 2^32", sent[20], MODULUS),
        ("the sum of all five", sum(sent.values()), largest_sum),
    ],
    title="A small mask lets the picture through, a mask of the whole ring does not",
)
present(
    axes[0],
    caption=(
        "From left to right: what phone 20 has, two ways to send it, and what the server adds up. Black is the largest possible number of each "
        "panel. It misleads in one way: to the eye noise is noise; that nobody can compute anything from it rests on ChaCha20."
    ),
    alt="A three; the same three under grey noise; noise alone; the five digits laid over each other.",
)

# %%
# 784 pairs of independent numbers: a correlation beyond 0.25 is a matter of once in 10^11 runs.
claim("Small masks leave the picture visible", seen_lazy > 0.3)
claim("Masks modulo 2^32 leave nothing of it that a correlation finds", abs(seen) < 0.25)
eighths = np.bincount(sent[20].astype(np.int64) * 8 // MODULUS, minlength=8)
# A uniform message fails this test once in a million runs.
p_uniform = float(stats.chisquare(eighths).pvalue)
claim("What phone 20 sends looks uniform", p_uniform > 1e-6)

# %% [markdown]
# Four masks, and one of them is enough to hide the vector. So three of the four others may tell the server their seeds: as
# long as one phone keeps its seed to itself, the vector stays hidden.

# %%
for lost in range(1, 4):
    told = dict(list(seeds[20].items())[:lost])
    left_on = sent[20] - pairwise_masks(20, told, 784)
    p_left = float(
        stats.chisquare(
            np.bincount(left_on.astype(np.int64) * 8 // MODULUS, minlength=8)
        ).pvalue
    )
    claim(
        f"With {lost} of four partners talking, the message still looks uniform",
        p_left > 1e-6,
    )

# %% [markdown]
# ## A phone vanishes
#
# Phone 20 enters a tunnel: its keys are known, its masked vector never comes.
#
# **Predict**: how much of the sum of the other four can you see?

# %%
alive = (3, 8, 21, 77)
without_20 = sum(sent[phone] for phone in alive)
plain_of_four = sum(vectors[phone] for phone in alive)
right_entries = int((without_20 == plain_of_four).sum())
claim("Without phone 20 hardly an entry of the sum is right", right_entries < 5)

# %% [markdown]
# Four masks have lost their partner. Whoever had phone 20's seeds could compute them and take them off. Which sign do they have
# *in the sum*?


# %% tags=["exercise"]
def left_over(dropped, seeds, survivors, length):
    """What one dropped phone's partners have added, and what now nobody cancels.

    Args: dropped, its id; seeds, a dictionary: other id → the dropped phone's seed in common with it;
        survivors, the ids whose masked vectors are in the sum (seeds may hold more ids than these); length.
    Returns: a numpy array of uint32: the sum of what the survivors added on account of the dropped phone.
    """
    ### BEGIN SOLUTION
    its_own = pairwise_masks(dropped, {i: seeds[i] for i in survivors}, length)
    return np.negative(its_own)
    ### END SOLUTION


# %% tags=["check"]
left_over = check("08.2", left_over)  # stuck? hint("08.2")

# %% [markdown]
# And who has phone 20's seeds, if not phone 20? Everybody and nobody: *before* any vector is sent, each phone splits its private key
# into **shares** (Shamir, lesson 07), one for each phone. Any three of the five give it back: the **threshold**. The shares travel through
# the server as well, each encrypted for its receiver.


# %%
def share_out(secret, threshold, num_phones):
    """Shares of a secret of 32 bytes, of which any `threshold` give it back."""
    number = int.from_bytes(secret, "big")
    return split(number, threshold, num_phones, prime=KEY_PRIME)


def put_together(shares):
    """The 32 bytes again; too few shares raise a ValueError."""
    return reconstruct(shares).to_bytes(32, "big")


of_key_20 = dict(zip(phones, share_out(keys[20].private, 3, 5), strict=True))
key_again = put_together([of_key_20[phone] for phone in (3, 21, 77)])
seeds_again = shared_seeds(20, key_again, publics)
repaired = without_20 - left_over(20, seeds_again, alive, 784)
wrong_repaired = int((repaired != plain_of_four).sum())
claim("Three shares repair the sum of the four", wrong_repaired == 0)

# %% [markdown]
# ## Attack 1: too late
#
# Only, phone 20 was not gone. It was slow: its masked vector arrives *after* the server has put its key together.
#
# **Predict**: what can the server do with it now?

# %%
late = sent[20]
read_late = late - pairwise_masks(20, seeds_again, 784)
pixels_read = int((read_late == vectors[20]).sum())
claim("The server reads all 784 pixels of phone 20", pixels_read == 784)

# %% [markdown]
# No key was stolen, nobody broke a rule, and whether a message is late is for the server to say. So each phone adds a **second
# mask**, from a seed of its own that it shares out as well. It comes off only with that seed.


# %% tags=["exercise"]
def masked_input(vector, own_seed, me, seeds):
    """What a phone sends: its vector, one mask of its own, and one with each other phone.

    Args: vector, an array of uint32; own_seed, 32 bytes; me, its id; seeds, other id → the seed in common.
    Returns: a new array of uint32, of the same length; the vector stays as it is.
    """
    ### BEGIN SOLUTION
    length = len(vector)
    return vector + stretch(own_seed, length) + pairwise_masks(me, seeds, length)
    ### END SOLUTION


# %% tags=["check"]
masked_input = check("08.3", masked_input)  # stuck? hint("08.3")

# %% [markdown]
# The same attack on your two masks, and then on the library's real clients: `withhold_input` is a server that plays all
# stages with them, holds phone 20's input back, calls it dropped, and has the others give its key away.

# %%
own_seed_20 = secrets.token_bytes(32)
double = masked_input(vectors[20], own_seed_20, 20, seeds[20])
left_of_yours = double - pairwise_masks(20, seeds_again, 784)
held_back = withhold_input(real_cohort(vectors, threshold=3), 20)
left_of_real = take_off_pairwise_masks(held_back, 20)

# %%
_, axes = plt.subplots(1, 3, figsize=(7.4, 3.1))
plot_vectors(
    axes,
    [
        ("pairwise masks only", read_late, 255),
        ("your two masks", left_of_yours, MODULUS),
        ("the library's clients", left_of_real, MODULUS),
    ],
    title="Without a mask of its own, a late input is read",
)
present(
    axes[0],
    caption=(
        "What is left of phone 20's late message once the server has its key and takes the pairwise masks off. One run, fresh keys; it comes out like this for "
        "every key. It misleads in one way: in real rounds vectors are updates, and one does not see at a glance that they are leaking."
    ),
    alt="A clear three on the left, two panels of noise.",
)

# %%
read_of_yours = int((left_of_yours == vectors[20]).sum())
with_its_seed = int((left_of_yours - stretch(own_seed_20, 784) == vectors[20]).sum())
read_of_real = int((left_of_real == vectors[20]).sum())
honest_total = bool((held_back.total == plain_of_four).all())
claim("With a mask of its own hardly an entry is right", read_of_yours < 5)
claim("Its own mask is all that is left on it", with_its_seed == 784)
claim("On the real clients hardly an entry is right either", read_of_real < 5)
claim("The sum of the other four comes out all the same", honest_total)

# %% [markdown]
# ## Attack 2: a lying list of the dropped
#
# Now each phone holds two shares of every other phone: of its *key*, and of the *seed* of its own mask. Of a phone that dropped the
# server needs the key, of one that survived the seed. With **both** it takes all masks off.

# %% [markdown]
# A phone that gives whatever it is asked for is the shortcut. **Predict**: whom must the server ask?


# %%
def obliging(held, survivors, wanted):
    """The shortcut: give what is wanted."""
    return {
        owner: held[owner] if kind == "both" else held[owner][kind]
        for owner, kind in wanted.items()
    }


of_seed_20 = dict(zip(phones, share_out(own_seed_20, 3, 5), strict=True))
held_of_20 = {p: {20: {"key": of_key_20[p], "seed": of_seed_20[p]}} for p in phones}
got = [obliging(held_of_20[p], set(phones), {20: "both"})[20] for p in (3, 21, 77)]
key_20, seed_20 = (put_together([pair[kind] for pair in got]) for kind in ("key", "seed"))
masks_of_20 = pairwise_masks(20, shared_seeds(20, key_20, publics), 784)
read_both = double - stretch(seed_20, 784) - masks_of_20
pixels_both = int((read_both == vectors[20]).sum())
claim("Three obliging phones, and all 784 pixels are read", pixels_both == 784)

# %% [markdown]
# So the phones need a rule, and they keep it themselves: the server will not.


# %% tags=["exercise"]
def give_shares(held, survivors, wanted):
    """The shares that one phone gives to the server: those that are due, or none at all.

    Args: held, owner's id → {"key": share, "seed": share}; survivors, the ids that this phone was told survived;
        wanted, owner's id → what the server asks for: "key", "seed", or anything else.
    Returns: a dictionary, owner's id → the share, for each owner in wanted.
    Raises: ProtocolViolation, if anything is wanted but the seed of a survivor or the key of another phone, or
        a share of a phone of which none is held.
    """
    ### BEGIN SOLUTION
    for owner, kind in wanted.items():
        due = "seed" if owner in survivors else "key"
        if owner not in held or kind != due:
            raise ProtocolViolation(f"{kind} of phone {owner} is wanted, {due} is due")
    return {owner: held[owner][kind] for owner, kind in wanted.items()}
    ### END SOLUTION


# %% tags=["check"]
give_shares = check("08.4", give_shares)  # stuck? hint("08.4")


# %%
def refused(call):
    """Whether the call raises ProtocolViolation; says which."""
    try:
        call()
    except ProtocolViolation as error:
        print("ProtocolViolation:", error)
        return True
    return False


cohort = real_cohort(vectors, threshold=3)
requests = play_until(cohort, Stage.UNMASK)
lies = [
    lambda: give_shares(held_of_20[3], set(phones), {20: "both"}),
    lambda: give_shares(held_of_20[3], set(phones), {20: "key"}),
    lambda: cohort.clients[3].respond(ask_for_both(requests[3], 20)),
]
num_refused = sum(refused(lie) for lie in lies)
claim("Your phone refuses both lies, and the library's client its own", num_refused == 3)

# %% [markdown]
# ### Two stories
#
# A server that is refused "both" can split the question: it tells some phones that 20 *survived*, and asks them for its seed;
# it tells the others that 20 *dropped*, and asks them for its key. Each phone sees a request that is in order.
#
# **Predict**: threshold 2 of 5. Does your `give_shares` stop it?

# %%
of_two = {"key": share_out(keys[20].private, 2, 5), "seed": share_out(own_seed_20, 2, 5)}
held_by = {
    p: {20: {kind: of_two[kind][i] for kind in of_two}} for i, p in enumerate(phones)
}
survived, dropped = set(phones), set(alive)
seed_shares = [give_shares(held_by[p], survived, {20: "seed"})[20] for p in (3, 8)]
key_shares = [give_shares(held_by[p], dropped, {20: "key"})[20] for p in (21, 77)]
both_found = (put_together(seed_shares), put_together(key_shares)) == (
    own_seed_20,
    keys[20].private,
)
claim("Two stories give the server the seed and the key", both_found)

# %% [markdown]
# So there is one stage more, **consistency**: each phone *signs* the list of survivors that it was told, once, and gives its
# shares only when it sees the signatures of `threshold` phones on this same list. Then the question is whether two different
# lists can get that many signatures each. An accomplice signs both.


# %% tags=["exercise"]
def smallest_threshold(num_phones, accomplices):
    """The smallest threshold with which no server can have two different lists signed.

    Args: num_phones; accomplices, how many of them work for the server and sign whatever it likes.
    Returns: a whole number t: no two lists can have t signatures each, if an honest phone signs one list only.
    """
    ### BEGIN SOLUTION
    # At most num_phones + accomplices signatures exist; two lists need 2 · t of them.
    return (num_phones + accomplices) // 2 + 1
    ### END SOLUTION


# %% tags=["check"]
smallest_threshold = check("08.5", smallest_threshold)  # stuck? hint("08.5")

# %%
# NBVAL_CHECK_OUTPUT
for corrupt in (0, 1, 2):
    print(
        f"5 phones, {corrupt} accomplices: threshold {int(smallest_threshold(5, corrupt))}"
    )

# %%
third = smallest_threshold(300, 100)
claim(
    "Against a third of accomplices more than two thirds of all phones must stay",
    third == 201,
)

# %% [markdown]
# `tell_two_stories` tries this on the library's clients: phones 3 and 8 hear that 20 dropped, the others that it survived, and everyone gets
# all signatures that fit its story. (Nobody is an accomplice here: with one, three of five would not do.) And a threshold of half or less is
# refused before anything starts.

# %%
cohort = real_cohort(vectors, threshold=3)
stories = tell_two_stories(cohort, 20, told_dropped=(3, 8))
refusals = {p: refused(lambda p=p: cohort.clients[p].respond(stories[p])) for p in phones}
believers = [phone for phone, said_no in refusals.items() if not said_no]
claim("The phones that were told the rarer story give nothing", believers == [20, 21, 77])
try:
    secure_sum(vectors, threshold=2)
    half_refused = False
except ValueError as error:
    half_refused = True
    print("ValueError:", error)
claim("A threshold of two of five is refused", half_refused)

# %% [markdown]
# ## All stages together
#
# What remains is the server's last step. In its sum are the survivors' vectors, the survivors' own masks, and whatever the
# dropped phones left over.


# %% tags=["exercise"]
def unmask(masked, own_seeds, dropped_seeds, length):
    """The sum of the survivors' vectors.

    Args: masked, survivor's id → what it sent; own_seeds, survivor's id → the seed of its own mask; dropped_seeds,
        dropped phone's id → {other id: its seed in common with that phone}; length.
    Returns: a numpy array of uint32.
    """
    ### BEGIN SOLUTION
    total = np.zeros(length, dtype=np.uint32)
    for phone, message in masked.items():
        total = total + message - stretch(own_seeds[phone], length)
    for phone, seeds in dropped_seeds.items():
        total = total - left_over(phone, seeds, tuple(masked), length)
    return total
    ### END SOLUTION


# %% tags=["check"]
unmask = check("08.6", unmask)  # stuck? hint("08.6")


# %%
def prepare(vectors, threshold):
    """Keys, shares and masked inputs of all phones: public keys, who holds which shares, what is sent."""
    ids, size = list(vectors), len(vectors)
    keys = {p: agreement_keypair() for p in ids}
    own = {p: secrets.token_bytes(32) for p in ids}
    publics = {p: keys[p].public for p in ids}
    held = {p: {} for p in ids}
    for owner in ids:
        of_key = share_out(keys[owner].private, threshold, size)
        of_seed = share_out(own[owner], threshold, size)
        for p, key, seed in zip(ids, of_key, of_seed, strict=True):
            held[p][owner] = {"key": key, "seed": seed}
    seeds = {p: shared_seeds(p, keys[p].private, publics) for p in ids}
    masked = {p: masked_input(vectors[p], own[p], p, seeds[p]) for p in ids}
    return publics, held, masked


# %%
def finish(publics, held, masked, survivors):
    """What the server asks of the survivors, and the sum that it computes."""
    wanted = {p: "seed" if p in survivors else "key" for p in publics}
    given = [give_shares(held[p], set(survivors), wanted) for p in survivors]
    found = {p: put_together([shares[p] for shares in given]) for p in publics}
    own_seeds = {p: found[p] for p in survivors}
    dropped_seeds = {
        p: shared_seeds(p, found[p], publics) for p in publics if p not in survivors
    }
    sent = {p: masked[p] for p in survivors}
    return unmask(sent, own_seeds, dropped_seeds, len(masked[survivors[0]]))


# %% [markdown]
# **Predict**: 1 + 5 + 10 ways for at most two of five phones to vanish before they send their masked input. In how many of them
# is your sum exact? And when three vanish?

# %%
exact = 0
for gone in range(3):
    for lost in itertools.combinations(phones, gone):
        stay = [p for p in phones if p not in lost]
        total = finish(*prepare(vectors, 3), stay)
        exact += bool((total == sum(vectors[p] for p in stay)).all())
try:
    finish(*prepare(vectors, 3), [8, 77])
    three_gone = "a sum"
except ValueError as error:
    three_gone = "no sum"
    print("with two survivors:", error)
claim("The sum is exact in all 16 ways", exact == 16)
claim("With three gone there is no sum, rather than a wrong one", three_gone == "no sum")

# %% [markdown]
# Now watch it cancel. Four messages arrive, phone 20's does not; then the server takes off what it got shares for. On the left what
# arrives or is taken off, on the right the sum so far. (Where buttons do not work, as on GitHub, the picture below shows the same.)

# %%
publics, held, masked = prepare(vectors, 3)
wanted = {p: "key" if p == 20 else "seed" for p in phones}
given = [give_shares(held[p], set(alive), wanted) for p in alive]
found = {p: put_together([shares[p] for shares in given]) for p in phones}
steps = [(f"phone {p} arrives", masked[p]) for p in alive]
steps += [(f"off: own mask of {p}", -stretch(found[p], 784)) for p in alive]
over = left_over(20, shared_seeds(20, found[20], publics), alive, 784)
steps.append(("off: left over by 20", np.negative(over)))
sums = list(itertools.accumulate(change for _, change in steps))
tops = [MODULUS] * 8 + [largest_sum]
show_cancelling(
    [(name, change, MODULUS) for name, change in steps],
    [(f"sum after {i + 1} of 9", s, top) for i, (s, top) in enumerate(zip(sums, tops, strict=True))],
    alt="Noise arrives and noise is the sum, for eight steps; with the ninth, four digits laid over each other appear.",
)  # fmt: skip

# %%
_, axes = plt.subplots(2, 5, figsize=(8.6, 4.3))
for row, frames in zip(axes, ([(n, c, MODULUS) for n, c in steps], sums), strict=True):
    if frames is sums:
        frames = [(f"sum after {i + 1} of 9", s, tops[i]) for i, s in enumerate(sums)]
    plot_vectors(row, [frames[i] for i in (0, 3, 4, 7, 8)])
axes[0, 0].figure.suptitle(
    "Noise upon noise, until the last mask is off", x=0.01, ha="left", fontsize=12, fontweight="bold",
)  # fmt: skip
present(
    axes[0, 0],
    caption=(
        "Above: what arrives or is taken off; below: the server's sum after it. Five of the nine steps. It misleads in one way: the server may take masks off in any "
        "order, and before the last one nothing shows, whichever it is."
    ),
    alt="Two rows of five panels of noise; only the last panel below shows digits, the sum of four.",
)

# %%
before_last = int((sums[7] == plain_of_four).sum())
after_last = int((sums[8] == plain_of_four).sum())
claim("With one mask left on hardly an entry is right", before_last < 5)
claim("With none left all 784 are", after_last == 784)

# %% [markdown]
# ## The library
#
# `secure_sum` runs the same stages with real `Client` and `Server` objects that exchange nothing but bytes. What it adds to yours: the
# consistency stage; a signature on every reply, without which the server could hand out keys of its own in your name; shares sealed for their
# receiver; and a session number for each run. Whatever is out of order raises `ProtocolViolation`.
#
# **Predict**: phone 20 vanishes *after* its masked input, before it signs the list. Is its vector in the sum?

# %%
yours = finish(publics, held, masked, list(alive))
library = secure_sum(vectors, threshold=3, dropouts={20: Stage.MASKED_INPUT})
differing = int((library.total != yours).sum())
after_input = secure_sum(vectors, threshold=3, dropouts={20: Stage.CONSISTENCY})
try:
    secure_sum(vectors, threshold=3, dropouts=dict.fromkeys((3, 8, 20), Stage.UNMASK))
    enough = True
except ThresholdNotMet as error:
    enough = False
    print("ThresholdNotMet:", error)

# %%
same_survivors = library.survivors == alive
claim("The library's total is yours, entry by entry", differing == 0)
claim("Its survivors are the same four", same_survivors)
claim("Once sent, phone 20's input counts", 20 in after_input.survivors)
claim("With two phones left for the last stage there is no sum", not enough)

# %%
traffic = library.traffic[3]
names = [stage.name for stage in Stage]
_, ax = plt.subplots(figsize=(7.4, 3.9))
plot_bytes(
    ax,
    names,
    [traffic[stage].up for stage in Stage],
    [traffic[stage].down for stage in Stage],
    title="One message of ten grows with the vector",
)
present(
    ax,
    caption=(
        "Bytes of phone 3's messages, five phones, 784 entries of 4 bytes. Of the ten messages only the masked input grows with the vector; most others grow "
        "with the number of phones. It misleads in one way: with a million parameters the tall bar would be a thousand times as tall."
    ),
    alt="Bars of five stages, up and down. The masked input, about 3,200 bytes up, is the tallest; the others are some hundred bytes each.",
)

# %%
payload = 784 * 4
all_bytes = sum(traffic[stage].up + traffic[stage].down for stage in Stage)
overhead = all_bytes - payload
print(f"{payload:,} bytes of vector, {all_bytes:,} bytes in all")
claim(
    "With five phones a vector of 784 entries costs about as many bytes again",
    0.5 < overhead / payload < 3,
)

# %% [markdown]
# ## Attack 3: a seed of few bits
#
# A mask is as good as its seed. Some libraries hand a 32-byte secret to a generator that was made for simulations and takes a
# small number. Flower 1.41's helper for SecAgg+ is one: it folds the secret by *exclusive or* into 32 bits.

# %%
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

secret = secrets.token_bytes(32)
swapped = secret[4:8] + secret[:4] + secret[8:]
flower = [pseudo_rand_gen(seed, 2**32, [(784,)])[0] for seed in (secret, swapped)]
same_in_flower = int((flower[0] == flower[1]).sum())
same_in_chacha = int((stretch(secret, 784) == stretch(swapped, 784)).sum())
claim("Two different secrets give one mask in Flower's helper", same_in_flower == 784)
claim("In ours they do not", same_in_chacha < 5)

# %% [markdown]
# Three phones: 3 and 20 are honest, 77 is an accomplice. The round is over, phone 3 has survived, so the server has the seed of its *own* mask, by
# right; and 77 tells it theirs in common. One mask is left between the server and phone 3's vector. We fold to 16 bits, so that
# you can watch.

# %% [markdown]
# **Predict**: how does the server know the right seed when it tries it?

# %%
own_3 = secrets.token_bytes(32)
cut = {other: fold_seed(seeds[3][other], bits=16) for other in (20, 77)}
message = masked_input(vectors[3], own_3, 3, cut)
known = stretch(own_3, 784) + pairwise_masks(3, {77: cut[77]}, 784)
start = time.perf_counter()
guessed = guess_folded_seed(message - known, bits=16, largest=255)
tried_in = time.perf_counter() - start
read_3 = message - known - pairwise_masks(3, {20: guessed}, 784)
pixels_3 = int((read_3 == vectors[3]).sum())
print(f"seed {int.from_bytes(guessed, 'little'):,} of {2**16:,}, found in {tried_in:.2f} s")
claim("At most 2^16 tries, and all 784 pixels are read", pixels_3 == 784)

# %% [markdown]
# Pixels are below 256. A wrong seed makes all of the first few entries that small less than once in 2^40 searches. Now the same search on a
# message whose seeds nobody folded, and the price of more bits:

# %%
whole = masked_input(vectors[3], own_3, 3, {20: seeds[3][20], 77: seeds[3][77]})
still_on = whole - stretch(own_3, 784) - pairwise_masks(3, {77: seeds[3][77]}, 784)
start = time.perf_counter()
nothing = guess_folded_seed(still_on, bits=16, largest=255)
for_16_bits = time.perf_counter() - start
hours_32 = for_16_bits * 2**16 / 3600
years_256 = for_16_bits * 2.0**240 / 3.15e7
print(
    f"all seeds of 32 bits: {hours_32:.0f} hours on this core; of 256: {years_256:.0e} years"
)
claim("No seed of 16 bits fits the whole seed", nothing is None)
claim("32 bits are a matter of days for one core", hours_32 < 24 * 14)
claim("256 bits are not a matter of time", years_256 > 1e50)

# %% [markdown]
# ## Attack 4: two cohorts
#
# The server asks for two sums, honestly, by the protocol: one over all five phones, and one over all but phone 20.
#
# **Predict**: which check refuses the second?

# %%
of_five = secure_sum(vectors, threshold=3)
of_four = secure_sum({p: vectors[p] for p in alive}, threshold=3)
read_by_difference = difference_of_sums(of_five.total, of_four.total)
pixels_by_difference = int((read_by_difference == vectors[20]).sum())
claim("None: two honest sums give phone 20 away", pixels_by_difference == 784)

# %% [markdown]
# You saw this at the end of lesson 07, and the protocol does exactly what it promises: two exact sums. Only noise stops it, the noise
# of lesson 05. Who should add it? Not the server, which we do not trust; and not each phone enough to hide it
# alone, since all of that would add up.

# %% [markdown]
# **Distributed differential privacy**: each phone shrinks its vector to an L2 norm that all have agreed on (*clipping*, lesson 05; here
# to 9), and adds a *share* of the noise, too little to hide it alone, before it masks. The masks hide each share; the sum carries all
# of them. The shares are whole numbers (a *discrete* Gaussian), because a ring has no fractions.

# %%
DELTA, NORM = 1e-5, 9.0
promise = {"delta": DELTA, "adjacency": Adjacency.REPLACE_ONE}
multiplier = noise_for(1.0, sample_rate=1.0, steps=2, accountant="rdp", **promise)
shares = NoiseShares(max_update_norm=NORM, noise_multiplier=multiplier, planned_shares=3)
grey = {p: vectors[p] / 255 for p in phones}
print("norms before clipping:", *(f"{np.linalg.norm(v):.1f}" for v in grey.values()))
noisy_five = private_sum(grey, shares=shares, threshold=3)
noisy_four = private_sum({p: grey[p] for p in alive}, shares=shares, threshold=3)
noisy_difference = noisy_five.total - noisy_four.total

# %%
ledger = Ledger()
two_sums = record_sum(
    ledger, "two noisy sums", shares, num_shares=4, length=784, steps=2, unit=Unit.CLIENT, **promise,
)  # fmt: skip
print(two_sums)

# %% [markdown]
# The noise is planned for three shares, the threshold, and four or five were there, so ε is a little below the planned 1. An accomplice
# knows its own share and takes it off: count only the shares of phones that do not tell. All sums that a phone takes part in count:
# here two. And the unit is a *phone*: its whole vector may be replaced.

# %%
_, axes = plt.subplots(1, 3, figsize=(7.4, 3.1))
low, high = float(noisy_difference.min()), float(noisy_difference.max())
plot_vectors(
    axes,
    [
        ("phone 20's vector", vectors[20], 255),
        ("difference of exact sums", read_by_difference, 255),
        ("difference of noisy sums", noisy_difference - low, high - low),
    ],
    title="Differencing reads a phone out of exact sums, and not out of noisy ones",
)
present(
    axes[0],
    caption=(
        f"The sum over five phones minus the sum over four. Right: each phone added a share of discrete Gaussian noise; {two_sums}. It misleads in one way: with five phones "
        "the same noise drowns the sum too; see below."
    ),
    alt="A three, the same three, and noise.",
)

# %%
likeness = float(np.corrcoef(noisy_difference, vectors[20])[0, 1])
noise_in_sum = NORM * shares.multiplier_with(4)
claim("In the noisy difference a correlation finds no three", abs(likeness) < 0.25)
for num_phones in (5, 1_000, 100_000):
    print(
        f"{num_phones:>7,} phones: noise {noise_in_sum / num_phones:.4f} in each pixel of the mean"
    )
claim("The mean of five phones drowns in it", noise_in_sum / 5 > 1)
claim(
    "In the mean of 100,000 it is under a hundredth of grey", noise_in_sum / 100_000 < 0.01
)

# %% [markdown]
# That is the bargain: the noise stays the same however many phones there are, and the mean's share of it shrinks. If every phone
# hid itself alone (*local* privacy), there would be √n times more noise in the sum. Lesson 11 comes back to this contrast, with patients.

# %% [markdown]
# ## FedAvg on sums alone
#
# FedAvg's mean is Σ n_k · w_k / Σ n_k: two sums. So phone k sends n_k · w_k for each parameter, and n_k, in **fixed point**: whole steps of
# 2^(−f), negative numbers in the upper half of the ring. Finer steps round less, and overflow earlier; as in lesson 07, nobody
# would see it happen.


# %% tags=["exercise"]
def bits_that_fit(largest, num_clients, modulus):
    """The most bits after the point for which the sum cannot overflow.

    Args: largest, no number exceeds it in absolute value; num_clients, so many numbers are added; modulus.
    Returns: the largest whole f such that the sum, in steps of 2 to the −f, stays below modulus / 2.
    """
    ### BEGIN SOLUTION
    bits = 0
    while num_clients * largest * 2 ** (bits + 1) < modulus // 2:
        bits += 1
    return bits
    ### END SOLUTION


# %% tags=["check"]
bits_that_fit = check("08.7", bits_that_fit)  # stuck? hint("08.7")

# %% [markdown]
# Ten people of lesson 01, two shards of MNIST each, 600 images. We suppose in public that no weight exceeds 4 in absolute value, so no
# number exceeds 600 · 4. Each phone checks its own numbers, and sends nothing if ten such could overflow.

# %%
test = as_examples(mnist.test_images[::2], mnist.test_labels[::2])
few = np.random.default_rng(0).choice(60_000, 6_000, replace=False)
train = as_examples(mnist.train_images[few], mnist.train_labels[few])
parts = partition_shards(mnist.train_labels[few], 10, seed=0)
people = [train.take(part) for part in parts]
counts = {k: len(examples) for k, examples in enumerate(people)}
fraction_bits = int(bits_that_fit(max(counts.values()) * 4, 10, MODULUS))
fixed = RingFixedPoint(fraction_bits, MODULUS)
print(f"{fraction_bits} bits after the point; a step is {fixed.step:.1e}")

# %%
try:
    weighted_row(np.array([6.0]), 600, num_clients=10, fixed_point=fixed)
    sent_anyway = True
except ValueError as error:
    sent_anyway = False
    print("ValueError:", error)
claim("A phone with a weight of 6 refuses to send", not sent_anyway)

# %% [markdown]
# First **one round, strictly**. Each of ten people trains for an epoch; the mean is computed in double precision, and by the protocol.
# Rounding moves each number by half a step at most, ten of them by five steps, and the result is divided by 6,000.
#
# **Predict** the largest difference, as a power of ten.

# %%
model = two_nn(seed=0, hidden=50)
start_weights = weights_of(model)
training = {"local_epochs": 1, "batch_size": 50, "learning_rate": 0.2}
models = [
    train_client(
        model, start_weights, examples, **training,
        generator=client_generator(0, round_index=0, client=k),
    )
    for k, examples in enumerate(people)
]  # fmt: skip
flat = {k: flatten_double(local) for k, local in enumerate(models)}
exact_mean = np.average(list(flat.values()), axis=0, weights=list(counts.values()))
secure = secure_mean(flat, counts, threshold=6, fixed_point=fixed)
off = float(np.abs(secure.mean - exact_mean).max())
print(
    f"{len(exact_mean):,} parameters; largest difference {off:.1e}, promised {secure.error:.1e}"
)

# %%
from_float32 = float(np.abs(exact_mean).max()) * 2.0**-24
in_common = np.ptp(list(flat.values()), axis=0) == 0
furthest = int(np.abs(secure.mean - exact_mean).argmax())
# Beside the fixed-point step, double precision rounds in its sixteenth digit.
claim(
    "The secure mean is the mean, up to the promised half step each",
    off <= secure.error + 1e-13,
)
claim(
    "The promise is of the order of a float32's own rounding",
    secure.error < 10 * from_float32,
)
print(f"{int(in_common.sum()):,} parameters are the same in all ten models")
claim("The parameter that is furthest off is one of them", bool(in_common[furthest]))

# %% [markdown]
# So close to the promise, although ten roundings should mostly cancel? Some pixels are white in every image, so their weights never move, and all ten
# phones round the same number in the same direction.

# %% [markdown]
# And *your* stages? They add up the same rows, here with person 4 lost on the way.

# %%
rows = {
    k: weighted_row(flat[k], counts[k], num_clients=10, fixed_point=fixed) for k in flat
}
nine = [k for k in rows if k != 4]
your_total = finish(*prepare(rows, 6), nine)
their_total = secure_sum(rows, threshold=6, dropouts={4: Stage.MASKED_INPUT}).total
unequal = int((your_total != their_total).sum())
mean_of_nine = fixed.decode(your_total[:-1]) / int(your_total[-1])
expected = np.average([flat[k] for k in nine], axis=0, weights=[counts[k] for k in nine])
off_nine = float(np.abs(mean_of_nine - expected).max())
claim("Your protocol adds up ten models as the library's does, bit by bit", unequal == 0)
claim(
    "The mean of the nine survivors is right as well",
    off_nine <= secure.error * 10 / 9 + 1e-13,
)

# %% [markdown]
# Now ten rounds of FedAvg, in the clear and on sums alone; and a third run in which another person drops out of every round.
#
# **Predict**: how far apart are the first two after ten rounds?

# %%
on_sums = partial(secure_fedavg, threshold=6, fixed_point=fixed)
rounds_seen = itertools.count()


def one_lost_each_round(models, num_examples):
    """Person 0 drops out of the first round, person 1 of the second, and so on."""
    lost = {next(rounds_seen) % 10: Stage.MASKED_INPUT}
    return on_sums(models, num_examples, dropouts=lost)


runs = {
    name: run_fedavg(
        people, test, model=two_nn(seed=0, hidden=50), rounds=10, seed=0, batch_size=50,
        learning_rate=0.2, aggregate=aggregate, progress=name,
    )
    for name, aggregate in {
        "in the clear": fedavg, "on secure sums": on_sums, "one lost a round": one_lost_each_round,
    }.items()
}  # fmt: skip

# %%
_, ax = plt.subplots()
plot_curves(
    ax,
    {name: run.accuracy for name, run in runs.items()},
    title="FedAvg on sums alone reaches the same model",
)
present(
    ax,
    caption=(
        "Test accuracy on 5,000 digits, ten people with two shards each, one run each, same start and shuffles. The first two curves lie on each "
        "other. It misleads in one way: a lost person's digits are missing from that round only, and each is lost once."
    ),
    alt="Three rising curves over ten rounds; two of them coincide, the third runs close to them.",
)

# %%
clear, sums_only, lossy = runs.values()


def weights_apart(one, other):
    """The largest difference of two runs' final weights."""
    return max(float((one.weights[n] - other.weights[n]).abs().max()) for n in one.weights)


gap = float(np.abs(clear.accuracy - sums_only.accuracy).max())
apart = weights_apart(clear, sums_only)
claim("Over all ten rounds the accuracies differ by less than half a point", gap < 0.005)
claim("And no weight by as much as 0.05", apart < 0.05)
claim("The run that loses one person a round learns as well", lossy.accuracy.max() > 0.5)

# %% [markdown]
# A hundred-millionth in one round, and that much more after ten: where does it come from? Take the protocol out, and change nothing but the
# precision in which the server averages *in the clear*.


# %%
def in_double_precision(models, num_examples):
    """FedAvg's mean, reckoned with 53 bits instead of 24."""
    flat = [flatten_double(model) for model in models]
    return unflatten(np.average(flat, axis=0, weights=num_examples), like=models[0])


precise = run_fedavg(
    people, test, model=two_nn(seed=0, hidden=50), rounds=10, seed=0, batch_size=50,
    learning_rate=0.2, aggregate=in_double_precision, progress="in double precision",
)  # fmt: skip
apart_precise = weights_apart(clear, precise)
print(f"from secure sums: {apart:.0e}; from double precision: {apart_precise:.0e}")
claim(
    "That moves the weights as well, and no weight by 0.05 either", 0 < apart_precise < 0.05
)

# %% [markdown]
# Training amplifies any difference in the last digit, and by how much is luck. So models are compared strictly after *one* round, and after several by
# what they can do.

# %% [markdown]
# ## The same over Flower
#
# In lesson 02 the clients ran on Flower. Each of our stages is one message to each node and one reply, so a round takes five exchanges;
# between two of them a client's secrets wait in `context.state`. Here a node vanishes between two stages.

# %%
members = enrol(range(5), threshold=3, length=784)
pictures = list(vectors.values())
client_app = secure_client_app(
    lambda context: members[context.node_config["partition-id"]],
    lambda message, context: pictures[context.node_config["partition-id"]],
)
grid, terms = InProcessGrid(client_app, 5), members[0].terms


def lose_node_2(stage, replied):
    """Node 2 has dealt its shares, and is never heard of again."""
    if stage is Stage.SHARE_KEYS:
        grid.disconnect(2)


over_flower = secure_round(
    grid, find_clients(grid, terms=terms), terms=terms, after_stage=lose_node_2
)
differ_over_flower = int((over_flower.total != plain_of_four).sum())
claim("Over Flower the sum of the four survivors is exact", differ_over_flower == 0)
claim("And node 2 is the one that is missing", over_flower.survivors == (0, 1, 3, 4))

# %% [markdown]
# The nodes are in this process here. Between real processes the same takes about two minutes, so the next cell reads a **recorded** run:
# `python -m course.federated.deploy_secure` repeats it. The killed SuperNode has dealt its shares and never sends its masked model.

# %%
recorded = json.loads(
    (ROOT / "course/federated/recorded_secure_deployment.json").read_text("utf-8")
)
shown = [e for e in recorded["events"] if e["event"] not in ("keys", "registered", "run")]
_, ax = plt.subplots(figsize=(8, 3.6))
plot_timeline(
    ax,
    [(event["seconds"], event["text"]) for event in shown],
    title="A node is killed between two stages, and the sum of the others comes out",
)
present(
    ax,
    caption=(
        "One recorded run on one machine: a SuperLink and four SuperNodes as processes; each client has trained a model. It misleads in one way: most of the "
        "time goes into waiting for the dead node and into new Python processes."
    ),
    alt="A list of events with their second: four nodes online, two stages with all replies, one node killed, three stages with one reply fewer, the sum of three clients.",
)

# %%
replied = [len(stage["replied"]) for stage in recorded["stages"]]
claim(
    "Killed after two stages, the node is missing from the three that follow",
    replied == [4, 4, 3, 3, 3],
)

# %% [markdown]
# Mind one thing: Flower sends each node its *code*, and a server that may replace the code need not break any protocol.

# %% [markdown]
# ## What it costs
#
# Each phone agrees on a seed with *every* other, stretches a mask for each, and deals a share of two secrets to each.
#
# **Predict**: a thousand times as many phones. How many times the bytes is that for one phone?

# %%
for num_phones in (1_000, 1_000_000):
    everyone_bytes = total_bytes(message_bytes(num_phones, length=784))
    print(f"{num_phones:>9,} phones: {everyone_bytes / 1e6:,.1f} MB for each")
claim(
    "A million phones with everyone: each sends and gets over 500 MB", everyone_bytes > 5e8
)

# %% [markdown]
# Bell et al. (2020) let each phone have masks and shares with a few *random* neighbours only. Enough of them that, in all likelihood, no phone has
# `threshold` accomplices around it, the honest phones hang together, and nobody loses too many neighbours. `choose_degree` bounds
# the probabilities: a tenth are accomplices, a tenth drop out, the server is curious but does not lie, and privacy fails with at most 2^−40.

# %%
for num_phones in (100, 1_000, 1_000_000):
    chosen = choose_degree(num_phones, corrupt=0.1, dropouts=0.1)
    sparse_bytes = total_bytes(message_bytes(num_phones, length=784, degree=chosen.degree))
    print(
        f"{num_phones:>9,} phones: {chosen.degree} neighbours, {chosen.threshold} must stay, {sparse_bytes / 1e3:.0f} kB"
    )
neighbours_of_million = chosen.degree
crowd = {phone: np.full(10, phone) for phone in range(100)}
of_crowd = choose_degree(100, corrupt=0.1, dropouts=0.1)
on_a_graph = secure_sum(crowd, threshold=of_crowd.threshold, degree=of_crowd.degree)
sum_on_graph, gauss = int(on_a_graph.total[0]), 99 * 100 // 2
sent_on_graph = total_bytes(on_a_graph.traffic[0])
whole_graph = total_bytes(message_bytes(100, length=10))

# %%
claim(
    "A million phones need fewer than a hundred neighbours each",
    neighbours_of_million < 100,
)
claim("On the sparse graph the sum of 100 phones is exact", sum_on_graph == gauss)
claim("And a phone sends and gets under half the bytes", sent_on_graph < whole_graph / 2)

# %% [markdown]
# The price: a sparse graph is good *in all likelihood*, and only if nobody could choose it. `secure_sum` draws it at random; a server that may draw
# until it likes the result puts accomplices around you. And what Bell et al. add against a server that lies is not in ours: with the smallest threshold a lying server can read
# one phone's whole vector, which `tests/test_sparse_attack.py` carries out.
#
# The rest was measured beforehand (by a script of the course, in one process, without a network), because it takes minutes.

# %%
costs = json.loads(
    (ROOT / "tests/benchmarks/results/secure_aggregation_costs.json").read_text("utf-8")
)
everyone, sparse = costs["short"], [row for row in costs["sparse"] if not row["dropouts"]]
lines = costs["projected"]["lines"]
graph_lines = [row for row in lines if "sparse_seconds" in row]
print(f"measured on {costs['date']}, with {costs['versions']}")

# %%
_, ax = plt.subplots(figsize=(7.2, 4.2))
plot_cost_growth(
    ax,
    {
        "everyone": (
            [r["clients"] for r in everyone],
            [r["client_seconds"] for r in everyone],
        ),
        "sparse graph": (
            [r["clients"] for r in sparse],
            [r["client_seconds"] for r in sparse],
        ),
    },
    projected={
        "everyone": ([r["clients"] for r in lines], [r["everyone_seconds"] for r in lines]),
        "sparse graph": (
            [r["clients"] for r in graph_lines],
            [r["sparse_seconds"] for r in graph_lines],
        ),
    },
    title="On a sparse graph a phone's work hardly grows",
    xlabel="phones",
    ylabel="CPU seconds of one phone",
)
present(
    ax,
    caption=(
        "100 entries a vector. Marks: measured, one run each (three for up to 100 phones with everyone). Lines: projected from the measured costs of a phone's parts. It misleads in one way: beyond "
        "a thousand phones nothing is measured, and a network adds its own time."
    ),
    alt="Two lines on logarithmic axes from 10 to a million phones. Everyone rises steeply to thousands of seconds and more, the sparse graph stays near a hundredth of a second.",
)

# %%
largest_run = max(row["clients"] for row in sparse)
million = graph_lines[-1]
times_more = million["everyone_seconds"] / million["sparse_seconds"]
claim("The sparse graph was measured with 1,000 phones", largest_run == 1_000)
claim(
    "At a million, everyone would cost a phone over 1,000 times as much", times_more > 1_000
)

# %% [markdown]
# Long vectors next: 100,000 entries, the size of a small model, with and without a tenth dropping out after their shares are dealt.

# %%
seconds = {
    name: [row["total_seconds"] for row in costs["seconds"] if row["dropouts"] == dropouts]
    for name, dropouts in (("nobody drops out", 0.0), ("one in ten drops out", 0.1))
}
numbers = [row["clients"] for row in costs["seconds"] if not row["dropouts"]]
_, ax = plt.subplots(figsize=(7.2, 4.0))
plot_seconds(
    ax,
    numbers,
    seconds,
    title="All phones together: work grows nearly with the square",
    xlabel="phones",
    ylabel="CPU seconds, phones and server",
)
present(
    ax,
    caption=(
        "100,000 entries, everyone with everyone, median of three runs. A dropped phone's masks must be computed again by the server, one for each survivor; but the dropped phone does not compute them. It misleads in one "
        "way: the phones work at the same time, so nobody waits for the sum."
    ),
    alt="Two nearly equal lines from 10 to 100 phones on logarithmic axes, a little flatter than or along the slope of the square.",
)

# %%
growth = seconds["nobody drops out"][-1] / seconds["nobody drops out"][0]
claim("Ten times the phones cost over 20 times the seconds", growth > 20)

# %% [markdown]
# And in bytes, for 2^10 phones and a model of 2^20 parameters of 16 bits? Bonawitz et al. give 1.73 times the bare vector, and ours is
# more.
#
# **Predict**: where do the bytes go?

# %%
counted = {
    "Bonawitz et al.": paper_expansion_parts(2**10, length=2**20),
    "ours": expansion_parts(2**10, length=2**20),
}
_, ax = plt.subplots(figsize=(7.4, 4.0))
plot_expansion(
    ax,
    counted,
    title="Masking a large model costs about twice its bytes",
    xlabel="bytes of one phone, as a multiple of the bare vector",
)
present(
    ax,
    caption=(
        "2^10 phones, 2^20 entries of 16 bits. Ours: the byte formula, which equals what our messages measure at smaller sizes. The paper counts 26 bits an entry and keys and shares of 256 bits; we send whole 32-bit entries, shares "
        "of 528 bits, and a signature on every reply. It misleads in one way: nobody drops out here, and torch's parameters have 32 bits, not 16."
    ),
    alt="Two bars: the paper's 1.73 times, mostly entries; ours 2.31 times, with a part for entries rounded up to whole bytes.",
)

# %%
ours, papers = (
    sum(parts.values()) for parts in (counted["ours"], counted["Bonawitz et al."])
)
rounding_up = counted["ours"]["entries, rounded up to whole bytes"]
explained = rounding_up / (ours - papers)
claim(
    "The paper's count is 1.73, ours 2.31",
    round(papers, 2) == 1.73 and round(ours, 2) == 2.31,
)
claim("Most of the difference is 32 bits for entries that need 26", explained > 0.6)

# %% [markdown]
# Last, the same number of clients and entries with Flower's own SecAgg+ primitives, in turns on one machine.

# %%
_, ax = plt.subplots(figsize=(7.2, 3.6))
plot_two_costs(
    ax,
    {
        f"{row['clients']} clients,\n{row['length']:,} entries": {
            "ours": 1e3 * row["ours_seconds"], "Flower 1.41": 1e3 * row["flower_seconds"],
        }
        for row in costs["flower"]
    },
    title="A client of ours takes a fraction of the time of Flower's primitives",
    xlabel="CPU milliseconds of one client",
    unit=" ms",
)  # fmt: skip
present(
    ax,
    caption=(
        "Median of three turns. From 50 clients on most of Flower's time goes into the stage in which secrets are split and sealed. It misleads in one way: in a real round the network and the "
        "training take longer than either."
    ),
    alt="Pairs of bars for 10, 50 and 100 clients; ours is shorter in each pair.",
)

# %%
least_ratio = min(row["flower_over_ours"] for row in costs["flower"])
stages_of_many = [r["flower_stages"] for r in costs["flower"] if r["clients"] >= 50]
on_shares = min(each["share keys"] / sum(each.values()) for each in stages_of_many)
claim("In every row ours is at least twice as fast", least_ratio > 2)
claim(
    "With 50 clients or more, Flower's spends most of its time on shares", on_shares > 0.5
)

# %% [markdown]
# ### What this does *not* protect
#
# - **The sum.** It says what it says, and two sums say more: you read a picture out of them. Only noise helps.
# - **Against too many accomplices**: `threshold` of them for a curious server, 2 · threshold − n for one that lies. And in a sum with one honest
#   phone the others subtract their own vectors.
# - **The model's integrity.** A phone may send any vector, and here nobody can look at it. A server may announce any sum.
# - **Who takes part**, and when they drop out: the server sees it.
# - **Against whoever enrols.** If the server hands out the verification keys, it can be all the other phones itself.
# - **You, if you deploy this.** Python erases no key from memory; this code is to learn from.

# %% [markdown]
# **Privacy ledger of this lesson.** The masks are in no ledger: they hide the parts and promise nothing about the sum. The noise
# is computed at teaching grade: its generator is not a cryptographic one.

# %%
ledger

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Phone 8 was declared dropped, and the server has its key. Now its masked input arrives. What protects it?",
    {
        "Nothing: the server takes the pairwise masks off and reads it": "So it was with one kind of mask. Each phone adds a second, from a seed of its own.",
        "Its own mask: of a phone that dropped, nobody gives the seed away": right(
            "With the key public, the own mask is all that is left, so its seed must stay."
        ),
        "The server must ignore late messages": "It should. But a server that lies does not, and nobody can tell.",
    },
)

# %%
quiz(
    "1,000 phones; up to 300 may work for the server. Which threshold, and how many may drop out?",
    {
        "501; 499 may drop out": "Two lists could get 650 signatures each: 350 honest phones each, and the 300 accomplices twice.",
        "651; 349 may drop out": right(
            "At most 1,300 signatures exist, so two lists cannot have 651 each. And 651 phones must stay to the end."
        ),
        "301; 699 may drop out": "301 shares are more than the accomplices have, but two groups of honest phones can be told two stories.",
    },
)

# %%
quiz(
    "Everybody follows the protocol. What does the server learn?",
    {
        "Nothing but the sum": "It also sees who took part, and when somebody dropped out.",
        "The sum, who took part, and when who dropped out": right(
            "The vectors stay hidden; the pattern of participation does not, and neither does the sum."
        ),
        "The sum and the vectors of those who dropped out": "A dropped phone's key takes its masks off the *others'* messages. Its own has one mask more.",
    },
)

# %%
quiz(
    "Ten phones send numbers that each fit the ring, and the sum is beyond modulus / 2. What happens?",
    {
        "The server's unmasking raises an error": "The shares fit and the masks come off. Nothing looks wrong.",
        "The total is another number, and nobody notices": right(
            "It wraps. So the bound is agreed before, and each phone keeps to it: it is the only one that sees its number."
        ),
        "The entry is cut off at the largest number": "Modular arithmetic does not stop at the border, it comes back from the other side.",
    },
)

# %%
quiz(
    "The server asks for the sum of the same phones twice, with one phone less the second time. What stops it?",
    {
        "The consistency stage": "Both runs are consistent. Each has its own list, and everybody on it signs it.",
        "Past sessions are refused": "Only the *same* session is refused. This is a new one.",
        "Noise in the sum, and an account of how many sums there were": right(
            "That is what distributed differential privacy is for; the protocol promises exact sums."
        ),
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "Aggregate updates from a million phones so that the server sees only sums. Phones come and go. Design it."** (8 minutes)
#
# *Rubric*: pairwise masks from key agreement, own masks, shares, and why both kinds of mask (1); what each party may ask for, and
# a threshold with accomplices and dropouts (1); cost: not everyone with everyone, and what a sparse graph needs (1); what the sum still
# reveals, noise, and who may enrol (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Each phone encrypts its update with a homomorphic scheme and the server adds the ciphertexts."
#
# *Strong*: "Each pair of neighbours agrees on a seed through the server; one adds the stretched mask, one subtracts it. Phones drop out, so
# each shares its key among its neighbours; and since a late message would then be readable, it adds a mask of its own whose seed is
# shared too. The server may have one of the two, never both: phones sign one list of survivors and answer only if a threshold of them
# signed the same, more than half of holders plus accomplices. With a million phones each has fewer than a hundred random neighbours, or I run many
# cohorts of a thousand. Updates are clipped, in fixed point with room for the sum. The sum leaks too, above all two of them, so each
# phone adds its share of noise and somebody keeps the ledger. And the keys for signing must not come from the server."
#
# </details>

# %% [markdown]
# **2. "With secure aggregation the server never sees an update, so we need no differential privacy. Right?"** (3 minutes)
#
# *Rubric*: it protects the inputs, not the output (1); differencing, or a cohort of few, as an example (1); what noise adds, and that both go
# together: who adds it, how much (1); the assumptions that differ: accomplices, enrolment (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Right, because the updates are encrypted. Differential privacy would only cost accuracy."
#
# *Strong*: "They answer two questions. Secure aggregation hides *who contributed what* to a sum; it says nothing about what the sum says. If I
# am in one sum and not in the next, the difference is my update, to the last bit. Differential privacy bounds what any output says about one
# person, whatever the other outputs are. They help each other: with secure aggregation the noise is needed once, in the sum, instead of once for
# each phone, so it is √n times smaller. I would plan it for the smallest number of survivors, and count every round."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Bonawitz, Ivanov, Kreuter, Marcedone, McMahan, Patel, Ramage, Segal and Seth 2017, *Practical secure aggregation for privacy-preserving
#   machine learning*, CCS '17, ePrint 2017/281: Figure 4 is the protocol; section 4 has the two masks.
# - Bell, Bonawitz, Gascón, Lepoint and Raykova 2020, *Secure single-server aggregation with (poly)logarithmic overhead*, CCS '20, ePrint
#   2020/704: the sparse graph.
# - Shamir 1979, *How to share a secret*, Communications of the ACM 22(11).
# - RFC 7748 (X25519), RFC 5869 (HKDF), RFC 8439 (ChaCha20 and its sealing), RFC 8032 (Ed25519).
# - McMahan, Moore, Ramage, Hampson and Agüera y Arcas 2017, arXiv:1602.05629v4, Algorithm 1: FedAvg.
# - Kairouz, Liu and Steinke 2021, *The distributed discrete Gaussian mechanism for federated learning with secure aggregation*,
#   arXiv:2102.06387: Algorithms 1 and 2.
