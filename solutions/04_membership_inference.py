# %% [markdown]
# # Was this person in the training set?
#
# A charity helps people out of debt, and trains a small model on a thousand of them. It publishes the model and
# keeps the list of names. If somebody can tell from the model who was on the list, the list was published too.
#
# You will
# - build the attack that everybody tries first, and see why its average score reassures for the wrong reason,
# - train 128 copies of the world and build the likelihood-ratio attack (LiRA) on them, and
# - find out who is exposed, what fails to protect them, and how an attack can fool its own author.
#
# *About 100 minutes of your time; 20 s and 550 MiB on one core. You need: Python, numpy's axes and masks. Lesson
# 00 shows how exercises work.*

# %% [markdown]
# > - **Who attacks?** Anybody who can ask the model questions: a customer, a colleague, the buyer of the model.
# > - **What do they see?** The probability that the model gives for any record they type in. They know the whole record
# >   (and the true answer) of the person they ask about, how the model was trained, and a pool of records from which its
# >   training set was drawn: a strong attacker, on purpose.
# > - **What do they want?** One bit: was this person among the thousand?
# > - **Whom do we trust?** The charity, to keep the list. Nobody else.

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import numpy as np
import torch

from course.attacks import (
    auc,
    clopper_pearson,
    lira,
    roc_curve,
    train_many,
)
from course.attacks import tpr_at_fpr as rate_with_interval
from course.data import census_features, load_adult
from course.exercises import begin, check, claim, hint, quiz, right
from course.figures import (
    plot_against_shadows,
    plot_exposure,
    plot_in_and_out,
    plot_roc,
    present,
)

begin("04")

# %% [markdown]
# ## The game
#
# Our people are from the 1994 US census (Adult), and the model guesses whether somebody earns over \$50,000. Two
# thousand of them are the **pool**: everyone whom the attacker might ask about. For each model a coin decides which
# half of the pool it is trained on: the **members**. The attacker sees the model and has to call the coins.

# %%
rng = np.random.default_rng(4)
everyone = load_adult().everyone
chosen = rng.choice(len(everyone), 4_000, replace=False)
people, strangers = everyone.iloc[chosen[:2_000]], everyone.iloc[chosen[2_000:]]
pool, outsiders = census_features(people), census_features(strangers)
print(
    f"{len(people):,} people in the pool, {pool.inputs.shape[1]} numbers a person, "
    f"{pool.labels.mean():.0%} of them earn over $50,000"
)

# %% [markdown]
# We train many models at once, and each needs its own half. An *exact* half: if the number of members varied, it
# would tell the models apart by something that is not the question.


# %% tags=["exercise"]
def draw_halves(num_models, pool, rng):
    """Which people each model is trained on.

    Args: num_models; pool, how many people there are; rng, a numpy Generator.
    Returns: a bool array of shape (num_models, pool). In each row exactly pool // 2 are True, at random.
    """
    ### BEGIN SOLUTION
    member = np.zeros((num_models, pool), dtype=bool)
    for row in member:
        row[rng.permutation(pool)[: pool // 2]] = True
    return member
    ### END SOLUTION


# %% tags=["check"]
draw_halves = check("04.1", draw_halves)  # stuck? hint("04.1")

# %% [markdown]
# 144 small networks (64 hidden units), each on its own thousand people, by the same recipe. The first 16 are
# **targets**, the models that get attacked; what the other 128 are for, you will see. The recipe trains long enough
# to **overfit**: the model knows its own thousand better than it knows people.

# %%
TARGETS, MODELS = 16, 144
member = np.asarray(draw_halves(MODELS, len(people), rng))
overfit = train_many(
    pool.inputs,
    pool.labels,
    member,
    hidden=64,
    steps=400,
    batch_size=64,
    learning_rate=0.02,
    seed=0,
    progress="144 models, steps",
)
on_members = overfit.accuracy(pool.inputs, pool.labels, member).mean()
on_others = overfit.accuracy(pool.inputs, pool.labels, ~member).mean()
print(f"right about {on_members:.1%} of its members and {on_others:.1%} of the others")

# %%
claim(
    "The models are over eight points better on the people they were trained on",
    on_members - on_others > 0.08,
)

# %% [markdown]
# ## The attack that everybody tries first
#
# A model fits its members, so its **loss** on them is low. Yeom et al. turn that into an attack: the lower the
# loss, the likelier a member. A **score** is the same thing with the sign turned, so that *higher = member*. The
# loss here is the cross-entropy: minus the logarithm of the probability that the model gives to the true class.


# %% tags=["exercise"]
def loss_scores(probability, label):
    """Minus the cross-entropy, in nats.

    Args: probability of class 1 that the model gives, shape (people,) or (models, people);
        label, 0 or 1, shape (people,).
    Returns: an array of the shape of `probability`; higher = member.
    """
    ### BEGIN SOLUTION
    return np.log(np.where(label == 1, probability, 1 - probability))
    ### END SOLUTION


# %% tags=["check"]
loss_scores = check("04.2", loss_scores)  # stuck? hint("04.2")


# %%
def probabilities(models, census):
    """The probability of class 1 that each model gives to each person, shape (models, people)."""
    logits = models.true_class_logits(census.inputs, census.labels)
    logits = np.where(census.labels == 1, logits, -logits).astype(np.float64)
    return 1 / (1 + np.exp(-logits))


truth = member[:TARGETS]  # The coins that the attacker has to call, shape (16, 2000).
by_loss = np.asarray(loss_scores(probabilities(overfit, pool)[:TARGETS], pool.labels))
print(
    f"members score {by_loss[truth].mean():.2f} on average, others {by_loss[~truth].mean():.2f}"
)

# %%
from_logits = -overfit.losses(pool.inputs, pool.labels)[:TARGETS]
agreeing = np.isclose(by_loss, from_logits, atol=0.01).mean()
claim("Your scores agree with the library's, but for rounding", agreeing > 0.95)
by_loss = from_logits  # The surest answers of all round to a loss of 0 in yours, and not in these.

# %% [markdown]
# Members do score higher. How good is that as an attack? The usual measure is the **AUC**: pick a random member and a
# random non-member, and count how often the member scores higher; calling coins blindly gives 0.5.
#
# **Predict** the AUC of the loss against this overfitted model.


# %%
auc_of_loss = auc(by_loss, truth)
claim("The loss threshold's AUC is close to a blind guess", 0.5 < auc_of_loss < 0.6)

# %% [markdown]
# Many reports end here: "AUC 0.55, barely above chance: low risk". But an average over all pairs cannot tell "everybody
# is a little exposed" from "a few people are exposed completely".
#
# So ask as an accuser would: *if I may wrongly accuse at most 1 % of the non-members, how many members do I catch?* That
# is the **true-positive rate (TPR) at 1 % false-positive rate (FPR)**.


# %% tags=["exercise"]
def tpr_at_fpr(scores, is_member, fpr):
    """The share of members accused when at most a share `fpr` of the non-members is.

    Everybody whose score lies above (>) one threshold is accused. Take the lowest threshold that keeps
    to the rate: the score of the first non-member whom you may no longer accuse.

    Args: scores, higher = member; is_member, bool, the same shape; fpr, in (0, 1).
    Returns: a float in [0, 1].
    """
    ### BEGIN SOLUTION
    outside = np.sort(scores[~is_member])[::-1]
    threshold = outside[int(fpr * len(outside))]
    return (scores[is_member] > threshold).mean()
    ### END SOLUTION


# %% tags=["check"]
tpr_at_fpr = check("04.3", tpr_at_fpr)  # stuck? hint("04.3")

# %%
loss_at_1 = tpr_at_fpr(by_loss, truth, 0.01)
claim("At 1 % false alarms, the loss finds under 2 % of the members", loss_at_1 < 0.02)

# %% [markdown]
# Chance would find 1 %. Judged by its confident accusations, the loss threshold is as good as blind. Is the model
# harmless, then, or is the *attack* poor?

# %% [markdown]
# ## Two people
#
# Look at two people of the pool through all 128 models that are not targets: about half of these had the person among
# their members. The axis is the **logit** of the true class, log(p / (1 − p)): where p is 0.99 or 0.999, the difference
# still shows.


# %%
logits = overfit.true_class_logits(pool.inputs, pool.labels)
shadows, shadow_member = logits[TARGETS:], member[TARGETS:]
out_mean = np.array(
    [column[~had].mean() for column, had in zip(shadows.T, shadow_member.T, strict=True)]
)
easy = int(np.argsort(out_mean)[-200])
hard = int(np.argsort(out_mean)[100])
target = int(np.flatnonzero(truth[:, hard] & ~truth[:, easy])[0])

# %%
_, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for ax, person, name in zip(
    axes, (easy, hard), ("A: an easy person", "B: a hard person"), strict=True
):
    had = shadow_member[:, person]
    plot_in_and_out(
        ax,
        shadows[had, person],
        shadows[~had, person],
        target=logits[target, person],
        title=name,
        xlabel="logit of the true class",
    )
axes[0].legend(fontsize=8)
present(
    axes[0],
    caption=(
        f"128 shadow models, one count each; the line is one target (number {target}), of which B was a member and A was not. "
        "Look at the overlap: for A it hardly matters whether a model had them, for B it decides. It misleads in one way: we chose "
        "a clear case, and the axes of the two panels differ."
    ),
    alt=(
        "Two histograms. For the easy person both groups of models lie on top of each other; for the hard person they lie apart, "
        "and the target falls into the group with the person."
    ),
)

# %%
loss_a, loss_b = -by_loss[target, easy], -by_loss[target, hard]
print(f"the target's loss: {loss_a:.4f} on A, {loss_b:.4f} on B")
claim("The loss accuses A, who was not a member, before B, who was", loss_a < loss_b)

# %% [markdown]
# One threshold for everybody asks "is the loss low?". The better question is "is it low *for this person*?" For
# that you need to know what models say about the person with and without them, and the attacker can find out: train
# models by the same recipe on data of the same kind. Such models are called **shadow models**.

# %% [markdown]
# ## The likelihood ratio
#
# Now every person gets two Gaussians: one through the logits of the shadows that had them, one through those that
# had not. The score is the logarithm of the ratio of the two densities at the target's logit. A Gaussian's log
# density is −log(std) − ((x − mean) / std)² / 2, up to a constant that cancels.


# %% tags=["exercise"]
def likelihood_ratio(target, shadows, member):
    """log N(target; shadows that had the person) − log N(target; shadows that had not), for each person.

    Args: target, the target's logits, shape (people,); shadows, logits of shape (models, people);
        member, bool, the same shape: which people each shadow was trained on.
    Returns: an array of shape (people,); higher = member.
    """

    ### BEGIN SOLUTION
    def log_density(had):
        mean = shadows.mean(axis=0, where=had)
        std = shadows.std(axis=0, where=had)
        return -np.log(std) - ((target - mean) / std) ** 2 / 2

    return log_density(member) - log_density(~member)
    ### END SOLUTION


# %% tags=["check"]
likelihood_ratio = check("04.4", likelihood_ratio)  # stuck? hint("04.4")

# %% [markdown]
# Same targets, same coins, same question. **Predict**: the loss found about 1 % of the members at 1 % false alarms.
# What does your likelihood ratio find?

# %%
by_ratio = np.stack(
    [likelihood_ratio(logits[t], shadows, shadow_member) for t in range(TARGETS)]
)
ratio_at_1 = tpr_at_fpr(by_ratio, truth, 0.01)
claim(
    "The likelihood ratio finds over four times the members that the loss finds, at 1 % false alarms",
    ratio_at_1 > 4 * loss_at_1,
)
at_the_same_time = auc(by_ratio, truth)
claim("Its AUC is still a modest one", at_the_same_time < 0.72)

# %% [markdown]
# The model did not change; the attacker did. What the first attack reported as the model's safety was its own
# weakness.

# %% [markdown]
# ## An attack that fools its author
#
# A colleague shortens the code: "Why hold out targets? Let each model be attacked with all models as shadows." To be
# safe, you try it on a **control**: 2,000 outsiders who were in *nobody's* training set, each with a made-up coin. There
# any attack must be blind.


# %%
def colleagues_attack(logits, member, num_targets, attack):
    return np.stack([attack(logits[t], logits, member) for t in range(num_targets)])


few = 40  # models; `lira` below is the library's likelihood ratio.
outsider_logits = overfit.true_class_logits(outsiders.inputs, outsiders.labels)[:few]
made_up = member[:few]  # The pool's coins, worn by people who were never there.
suspicious = colleagues_attack(outsider_logits, made_up, TARGETS, lira)
auc_on_nobody = auc(suspicious, made_up[:TARGETS])
found_on_nobody = tpr_at_fpr(suspicious, made_up[:TARGETS], 0.01)
print(
    f"on people who were never there: AUC {auc_on_nobody:.2f}, {found_on_nobody:.1%} 'found' at 1 % FPR"
)

# %%
claim("The colleague's attack 'succeeds' where nothing can be found", auc_on_nobody > 0.56)

# %% [markdown]
# Find the fault before you read on: what does this attack get to know that no attacker has? Then write it properly,
# so that every target still has as many shadows as possible.


# %% tags=["exercise"]
def attack_each(logits, member, num_targets, attack):
    """Attack each of the first `num_targets` models with all *other* models as its shadows.

    Args: logits, shape (models, people); member, bool, the same shape; num_targets;
        attack, a function (target logits, shadow logits, shadow member) → scores of shape (people,).
    Returns: an array of shape (num_targets, people).
    """
    ### BEGIN SOLUTION
    scores = []
    for t in range(num_targets):
        others = np.arange(len(logits)) != t
        scores.append(attack(logits[t], logits[others], member[others]))
    return np.stack(scores)
    ### END SOLUTION


# %% tags=["check"]
attack_each = check("04.5", attack_each)  # stuck? hint("04.5")

# %%
honest = np.asarray(attack_each(outsider_logits, made_up, TARGETS, lira))
auc_honest = auc(honest, made_up[:TARGETS])
claim("With the target left out, the control is at chance", abs(auc_honest - 0.5) < 0.03)

# %% [markdown]
# With the target among its own shadows, its logit helps to place a Gaussian, on the side that its secret coin
# names: the attack reads the answer from its own notes. With all 144 models that is a small part of each Gaussian.
# Small enough to be harmless?

# %%
with_notes = tpr_at_fpr(colleagues_attack(logits, member, TARGETS, lira), truth, 0.01)
on_the_pool = np.asarray(attack_each(logits, member, TARGETS, lira))
without_notes = tpr_at_fpr(on_the_pool, truth, 0.01)
claim(
    "On the real question, the fault passes for a better attack", with_notes > without_notes
)

# %% [markdown]
# Nobody complains about a result that is a little better than expected. **Every attack needs a control on which it
# must fail.**

# %% [markdown]
# ## On one picture
#
# An ROC curve shows all thresholds at once. Both axes are logarithmic, or the corner that matters, few false
# alarms, would be a single pixel. Beside the overfitted model stands a **calm** one: 16 units, 40 steps, stopped
# before it knows anybody by heart.
#
# **Predict** where the calm model's curve runs, and how many points of accuracy on new people calm costs.

# %%
calm = train_many(
    pool.inputs,
    pool.labels,
    member,
    hidden=16,
    steps=40,
    batch_size=128,
    learning_rate=0.01,
    seed=0,
)

# %%
calm_logits = calm.true_class_logits(pool.inputs, pool.labels)
calm_ratio = np.stack(
    [
        likelihood_ratio(calm_logits[t], calm_logits[TARGETS:], shadow_member)
        for t in range(TARGETS)
    ]
)
offline = lira(logits[:TARGETS], shadows, shadow_member, offline=True)

# %%
_, ax = plt.subplots(figsize=(8.2, 4.4))
plot_roc(
    ax,
    {
        "LiRA, overfitted": roc_curve(by_ratio, truth),
        "LiRA offline, overfitted": roc_curve(offline, truth),
        "loss, overfitted": roc_curve(by_loss, truth),
        "LiRA, calm model": roc_curve(calm_ratio, truth),
    },
    num_non_members=int((~truth).sum()),
    title="The same model: it hides from the loss and not from LiRA",
)
present(
    ax,
    caption=(
        "16 targets, 2,000 people each, 128 shadow models; 16,000 non-members, so nothing can be seen under one false alarm among "
        "them (grey). Look at the left, where an accusation is nearly certain, and at the right end, where all are alike. It misleads in one way: the "
        "targets share their pool and their shadows, so independent experiments would scatter more."
    ),
    alt=(
        "ROC curves on logarithmic axes. LiRA on the overfitted model runs far above chance at few false alarms, its offline form "
        "between, the loss threshold and the calm model close to the chance line."
    ),
)

# %%
calm_at_1 = tpr_at_fpr(calm_ratio, truth, 0.01)
overfit_on_new = overfit.accuracy(outsiders.inputs, outsiders.labels).mean()
calm_on_new = calm.accuracy(outsiders.inputs, outsiders.labels).mean()
claim(
    "LiRA finds under a third as many members of the calm model", calm_at_1 < ratio_at_1 / 3
)
claim(
    "On new people the calm model is less than 1.5 points behind, if at all",
    calm_on_new > overfit_on_new - 0.015,
)

# %% [markdown]
# Overfitting bought next to nothing and cost privacy. Calm is a good habit, but it is not a promise: its curve is closer
# to chance for *this* attack on *these* people, and lesson 00 has shown what one failed attack is worth.
#
# **Offline** LiRA uses only shadows that have *not* seen the person, so that they can be trained before anybody
# knows whom to ask about. Its score: how many standard deviations the target's logit lies above what models without
# the person say.

# %% [markdown]
# ## How sure are we?
#
# Each of these rates is an estimate from a finite number of people. Start with the axis that is easily forgotten:
# if not one of your n non-members was accused, how small a false-positive rate have you shown? At a true rate
# *fpr*, n people raise no alarm with probability (1 − fpr)ⁿ. Unless that is at most 1 − confidence, "no alarm"
# proves nothing.


# %% tags=["exercise"]
def enough_non_members(fpr, confidence):
    """The smallest n for which "none of n non-members was accused" shows a rate of at most `fpr`.

    Args: fpr, in (0, 1); confidence, in (0, 1), for example 0.95.
    Returns: an int.
    """
    ### BEGIN SOLUTION
    return math.ceil(math.log(1 - confidence) / math.log(1 - fpr))
    ### END SOLUTION


# %% tags=["check"]
enough_non_members = check("04.6", enough_non_members)  # stuck? hint("04.6")

# %%
for rate in (0.01, 0.001, 0.00001):
    print(
        f"to speak of {rate:.3%} false positives: {enough_non_members(rate, 0.95):,} non-members"
    )
try:
    rate_with_interval(by_ratio[0], truth[0], fpr=0.001)
except ValueError as error:
    print("one target alone:", error)

# %% [markdown]
# About three over the rate. One target has 1,000 non-members, so a rate of 0.1 % needs several targets together,
# and the library refuses otherwise. Its interval covers two sources of chance: which members happened to be caught
# (an interval of Clopper and Pearson, exact for counts), and which non-members happened to set the threshold.

# %%
rates = {}
for name, scores in {"loss": by_loss, "LiRA offline": offline, "LiRA": by_ratio}.items():
    for fpr in (0.01, 0.001):
        rates[name, fpr] = rate_with_interval(scores, truth, fpr=fpr)
        print(f"{name:13} TPR at {fpr:.1%} FPR: {rates[name, fpr]}")
print(
    "Clopper–Pearson alone, LiRA at 1 %:",
    clopper_pearson(round(float(ratio_at_1) * truth.sum()), int(truth.sum())),
)

# %%
loss_rate, lira_rate = rates["loss", 0.01], rates["LiRA", 0.01]
claim(
    "The loss threshold's interval holds 1 %, which is chance",
    loss_rate.low < 0.01 < loss_rate.high,
)
claim("LiRA's lies far above it", lira_rate.low > 2 * loss_rate.high)
lira_at_01 = rates["LiRA", 0.001]
claim("At 0.1 % false alarms LiRA's interval lies above 0.5 %", lira_at_01.low > 0.005)

# %% [markdown]
# These intervals take all 32,000 answers for independent, and they are not: each person is asked about 16 times,
# and all targets share one set of shadows. So draw the 2,000 *people* again, with replacement, each with all 16
# answers, and look how far the number moves.

# %%
resampled = []
for _ in range(200):
    again = rng.integers(len(people), size=len(people))
    # The library's rate equals yours; a search over all thresholds would take a minute here.
    resampled.append(
        rate_with_interval(by_ratio[:, again], truth[:, again], fpr=0.01).value
    )
low, high = np.quantile(resampled, [0.025, 0.975])
print(
    f"95 % of 200 resamplings of the people: {low:.2%} to {high:.2%}; the interval above: {lira_rate}"
)
spread_by_people, spread_of_interval = high - low, lira_rate.high - lira_rate.low
claim(
    "Resampling people moves it about as far: at most half as far again",
    spread_by_people < 1.5 * spread_of_interval,
)

# %% [markdown]
# Here the two agree. Neither has trained a model on other people, so draw five other pools and repeat everything,
# with half the shadows to save time.


# %%
def both_attacks(seed):
    """(TPR at 1 % FPR of the loss, of LiRA with 64 shadows) on another pool, with other models."""
    rng = np.random.default_rng([4, seed])
    census = census_features(everyone.iloc[rng.choice(len(everyone), 2_000, replace=False)])
    member = np.asarray(draw_halves(TARGETS + 64, 2_000, rng))
    models = train_many(
        census.inputs, census.labels, member, hidden=64, steps=400, batch_size=64, learning_rate=0.02, seed=seed,
        progress=f"pool {seed}, steps",
    )  # fmt: skip
    logits, truth = models.true_class_logits(census.inputs, census.labels), member[:TARGETS]
    scores = lira(logits[:TARGETS], logits[TARGETS:], member[TARGETS:])
    losses = models.losses(census.inputs, census.labels)[:TARGETS]
    return tpr_at_fpr(-losses, truth, 0.01), tpr_at_fpr(scores, truth, 0.01)


# %%
five_pools = np.array([both_attacks(seed) for seed in range(1, 6)])
print("loss:", [f"{rate:.1%}" for rate in five_pools[:, 0]])
print("LiRA:", [f"{rate:.1%}" for rate in five_pools[:, 1]])
smallest_factor = (five_pools[:, 1] / five_pools[:, 0]).min()
claim(
    "In each of five other pools LiRA finds over three times what the loss finds",
    smallest_factor > 3,
)

# %% [markdown]
# ## How many shadows does it take?

# %%
numbers = [32, 64, 128]
sweep = {"LiRA": [], "LiRA, one spread for all": [], "LiRA offline": []}
for number in numbers:
    for name, options in zip(
        sweep, ({}, {"shared_variance": True}, {"offline": True}), strict=True
    ):
        scores = lira(logits[:TARGETS], shadows[:number], shadow_member[:number], **options)
        rate = rate_with_interval(scores, truth, fpr=0.01)
        sweep[name].append((rate.value, rate.low, rate.high))

# %%
_, ax = plt.subplots(figsize=(8, 3.9))
plot_against_shadows(
    ax, sweep, numbers, title="More shadows help, and each person's own spread helps"
)
present(
    ax,
    caption=(
        "TPR at 1 % FPR over the number of shadow models; 16 targets, bars are 95 % intervals. "
        "It misleads in one way: the small sets are the first of the large one, so the points of a line rise and fall together."
    ),
    alt=(
        "Three lines with error bars. LiRA rises and is on top, LiRA with one spread for all rises below it, "
        "offline LiRA is lowest and nearly level; all lie above the chance line."
    ),
)

# %%
with_few, with_many = sweep["LiRA"][0][0], sweep["LiRA"][-1][0]
claim("128 shadows find over a tenth more members than 32", with_many > 1.1 * with_few)
claim("Even 32 find over three times what the loss finds", with_few > 3 * loss_at_1)

# %% [markdown]
# Published figures to stand beside ours: the authors' code, on CIFAR-10 with 16 shadow models, reports a TPR at 0.1
# % FPR of 1.7 % for online LiRA, 5.9 % with one spread for all, and 0.09 % for a global threshold. Their models,
# data and number of shadows differ from ours, so compare the *pattern*.

# %%
published = {"LiRA": 0.017, "loss": 0.0009}
for name, theirs in published.items():
    print(
        f"{name:5} TPR at 0.1 % FPR: published {theirs:.2%} on CIFAR-10, ours {rates[name, 0.001]} on Adult"
    )
factor_published = published["LiRA"] / published["loss"]
factor_ours = rates["LiRA", 0.001].value / max(rates["loss", 0.001].value, 1 / truth.sum())
claim(
    "Theirs: at 0.1 % FPR, LiRA finds over ten times what a global threshold finds",
    factor_published > 10,
)
claim("Ours does, too", factor_ours > 10)

# %% [markdown]
# And one spread for all, which helped them so much? The figure above says that it costs us members. But the figure
# is drawn at 1 % false alarms, and theirs is measured at 0.1 %. Compare like with like before you say that a result
# does not carry over.

# %%
few_shared, few_own = sweep["LiRA, one spread for all"][0][0], sweep["LiRA"][0][0]
claim("With 32 shadows, at 1 %, one spread for all costs us members", few_shared < few_own)
own, shared = (
    rate_with_interval(
        lira(logits[:TARGETS], shadows[:32], shadow_member[:32], shared_variance=for_all),
        truth,
        fpr=0.001,
    )
    for for_all in (False, True)
)
print(f"at 0.1 % FPR, 32 shadows: each person's own spread {own}, one for all {shared}")
claim("At 0.1 %, our 32 shadows show no such cost", shared.high > own.low)

# %% [markdown]
# A spread from about sixteen numbers is itself a rough guess, and the stricter the threshold, the more a few bad
# guesses matter. Which variant is better depends on the rate that you ask for and on how many shadows you have.

# %% [markdown]
# ## Who is exposed?
#
# So far one number stood for everybody. Now keep the threshold of 1 % false alarms and look at who is caught.
#
# **Predict**, in each pair, who is easier to find: people who earn over \$50,000 or under, people born in the US or
# abroad, people with many others like them in the pool or with few?


# %%
threshold = np.sort(by_ratio[~truth])[::-1][int(0.01 * (~truth).sum())]
accused = by_ratio > threshold


def exposure(who):
    """(share of members found, low, high, share of non-members accused) of the people in `who`."""
    hits, members = (accused & truth)[:, who].sum(), truth[:, who].sum()
    found = clopper_pearson(int(hits), int(members))
    return found.value, found.low, found.high, accused[:, who][~truth[:, who]].mean()


points = torch.as_tensor(pool.inputs)
between = torch.cdist(points, points).fill_diagonal_(torch.inf)
fifth_nearest = between.kthvalue(5, dim=1).values.numpy()
common, rare = np.quantile(fifth_nearest, [0.25, 0.75])
in_the_us = people.native_country.isin(
    ["United-States", "Puerto-Rico", "Outlying-US(Guam-USVI-etc)"]
).to_numpy()
abroad = ~in_the_us & (people.native_country != "?").to_numpy()
surprise = np.argsort(np.argsort(out_mean)) / len(people)  # 0: the most surprising person

# %% [markdown]
# The third question needs a measure of rarity: how far away a person's fifth-nearest neighbour in the pool is, in
# the model's own features. The last is **surprise**: how wrong are models that have *not* seen the person? The
# attacker can compute both without the target.

# %%
groups = {
    "income": {"over $50,000": pool.labels == 1, "under": pool.labels == 0},
    "sex": {
        "women": people.sex.to_numpy() == "Female",
        "men": people.sex.to_numpy() == "Male",
    },
    "born": {
        "abroad": abroad,
        "in the US": in_the_us,
    },
    "neighbours": {
        "rarest quarter": fifth_nearest > rare,
        "commonest quarter": fifth_nearest <= common,
    },
    "surprise": {
        "top twentieth": surprise < 0.05,
        "next fifth": (surprise >= 0.05) & (surprise < 0.25),
        "least surprising half": surprise >= 0.5,
    },
}
found = {
    heading: {name: exposure(who) for name, who in members.items()}
    for heading, members in groups.items()
}

# %%
_, ax = plt.subplots(figsize=(8, 5.6))
plot_exposure(ax, found, title="A few people carry much of the risk", average=ratio_at_1)
present(
    ax,
    caption=(
        "One threshold for all, at 1 % false alarms overall. Bars: members found; lines: 95 % intervals, too narrow because each person "
        "answers 16 times; diamonds: non-members of the group who "
        "are wrongly accused. Look at the last block. It misleads in one way: the groups overlap (the surprising are often rich), so bars are not separate causes."
    ),
    alt=(
        "Horizontal bars. Richer people, people born abroad and rare people are found more often; of the most surprising twentieth "
        "most are found, of the least surprising half almost nobody."
    ),
)

# %%
rich, poor = found["income"]["over $50,000"][0], found["income"]["under"][0]
women, men = found["sex"]["women"][0], found["sex"]["men"][0]
foreign, native = found["born"]["abroad"][0], found["born"]["in the US"][0]
few_like_them, many_like_them = (
    found["neighbours"][name][0] for name in ("rarest quarter", "commonest quarter")
)
top, rest = found["surprise"]["top twentieth"], found["surprise"]["least surprising half"]
claim("People over $50,000 are found over twice as often", rich > 2 * poor)
claim("Men are found over 1.3 times as often as women", men > 1.3 * women)
claim(
    "People born abroad are found more often than people born in the US",
    foreign > 1.2 * native,
)
claim(
    "The rarest quarter is found over 1.3 times as often as the commonest",
    few_like_them > 1.3 * many_like_them,
)
claim("Of the most surprising twentieth, over half are found", top[0] > 0.5)
claim("Of the least surprising half, under 2 %", rest[0] < 0.02)

# %%
caught = (accused & truth).sum(axis=0)
of_the_top = caught[surprise < 0.05].sum() / caught.sum()
claim(
    "A twentieth of the people make up over a third of those who are found",
    of_the_top > 1 / 3,
)
claim("And their non-members are wrongly accused more often as well", top[3] > 0.01)
rich_at_the_top, rich_share = pool.labels[surprise < 0.05].mean(), pool.labels.mean()
claim(
    "The twentieth is rich more than twice as often as the pool",
    rich_at_the_top > 2 * rich_share,
)

# %% [markdown]
# This is what the AUC hid: not one small risk for everybody, but most of a small group, whom the attacker can name in
# advance, and next to nobody of half the pool. The few are those whom the rest of the data does not explain: to get them
# right, the model had to learn them by heart. (With one threshold for all, each group also has its own false alarms:
# read the bar together with its diamond.)


# %% [markdown]
# ## What does not protect
#
# Three repairs sound plausible. **Predict** for each: safe, somewhat safer, or no change?
#
# 1. Return probabilities rounded to two digits.
# 2. Return the label only, no probability.
# 3. Give the model to nobody, only answers. (That was our game all along: no attack above looked inside.)


# %%
rounded = np.clip(np.round(1 / (1 + np.exp(-logits.astype(np.float64))), 2), 0.005, 0.995)
rounded_logits = np.log(rounded / (1 - rounded))
on_rounded, on_rounded_mended = (
    lira(
        rounded_logits[:TARGETS],
        rounded_logits[TARGETS:],
        shadow_member,
        shared_variance=shared,
    )
    for shared in (False, True)
)


# %%
correct = logits > 0  # All that a label tells: is it the true one?


def label_only(answer, shadow_answers, shadow_member):
    """The likelihood ratio again, with coins for Gaussians: how often is the label right, with and without?"""
    had = (shadow_answers & shadow_member).sum(axis=0) + 0.5, shadow_member.sum(axis=0) + 1
    had_not = (
        (shadow_answers & ~shadow_member).sum(axis=0) + 0.5,
        (~shadow_member).sum(axis=0) + 1,
    )
    p_in, p_out = had[0] / had[1], had_not[0] / had_not[1]
    return np.where(answer, np.log(p_in / p_out), np.log((1 - p_in) / (1 - p_out)))


on_labels = np.stack(
    [label_only(correct[t], correct[TARGETS:], shadow_member) for t in range(TARGETS)]
)
for name, scores in {
    "all digits": by_ratio,
    "two digits": on_rounded,
    "two digits, one spread for all": on_rounded_mended,
    "label only": on_labels,
}.items():
    print(
        f"{name:30} TPR at 1 % FPR {tpr_at_fpr(scores, truth, 0.01):.1%}, AUC {auc(scores, truth):.2f}"
    )

# %%
labels_at_1, rounded_at_1, mended_at_1 = (
    tpr_at_fpr(scores, truth, 0.01) for scores in (on_labels, on_rounded, on_rounded_mended)
)
claim(
    "Rounding throws our attack off: it finds under half of what it found",
    rounded_at_1 < ratio_at_1 / 2,
)
claim(
    "Yet one spread for all mends it: over three quarters of the rate is back",
    mended_at_1 > 0.75 * ratio_at_1,
)
claim(
    "Even the label alone, which nearly every rounded answer contains, gives over half of it back",
    labels_at_1 > ratio_at_1 / 2,
)

# %% [markdown]
# Rounding broke a *formula*, not the leak: many logits became equal, and a Gaussian through equal numbers means
# nothing. An attacker who notices takes one spread for all, or throws the digits away and uses the label. An
# evaluation that had stopped at the first attack on two digits would have sold a broken attack as a defence.

# %% [markdown]
# ### What this does *not* protect
#
# Nothing here is a defence. The calm model leaks less to the attacks that we tried; shorter training, rounding and
# labels promise nothing about the next attack. **The privacy ledger of this lesson is empty**: no noise, no ε.
# Lesson 05 defines what could be promised to each person, the surprising ones included, and lesson 06 trains with
# that promise and runs this attack again.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A report says: 'Membership inference against our model has an AUC of 0.54, so members are safe.' What do you ask for?",
    {
        "A larger test set, to be sure of the 0.54": "It may be exact and still hide everything: it is an average over people.",
        "The TPR at a low FPR, with a strong attack, its control and its interval": right(
            "This lesson's overfitted model has such an AUC against the loss threshold, and LiRA finds most of the twentieth that is exposed."
        ),
        "The accuracy of the attack": "An average again: with balanced coins it says much the same as the AUC.",
    },
)

# %%
quiz(
    "Why does LiRA need shadow models *without* the person as well as with?",
    {
        "To have twice as many": "Offline LiRA has half as many and still works. The point is what they say.",
        "A low loss means little until you know whether it would be low anyway": right(
            "Person A's loss was low with and without. Only the comparison tells."
        ),
        "Because the target might not be overfitted": "Then both groups agree, and the ratio says so. That is a result of the comparison, not its reason.",
    },
)

# %%
quiz(
    "You have 500 non-members and see none of them accused. Which false-positive rate have you shown, at 95 %?",
    {
        "0 %": "500 people cannot show that: at a true rate of 0.1 % you would see no alarm in 61 % of all tries.",
        "About 0.6 %": right("Three over n: (1 − 0.006)^500 is about 5 %."),
        "0.2 %, one in 500": "At a true rate of 0.2 %, 500 people raise no alarm 37 % of the time: that is no proof.",
    },
)

# %%
quiz(
    "Your new attack reaches a TPR of 12 % at 1 % FPR. What do you do first?",
    {
        "Run it where nothing can be found, and see it fail": right(
            "Outsiders with made-up coins cost one more evaluation. The colleague's attack did not survive it."
        ),
        "Write it up": "The colleague's attack beat ours as well, and a part of what it found was its own notes.",
        "Use more shadow models": "More shadows made the colleague's mistake smaller, and so harder to see.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "How would you measure whether our model leaks who was in its training data?"** (4 minutes)
#
# *Rubric*: states the game and the attacker's knowledge (1); shadow models and a per-person likelihood ratio (1);
# TPR at a low FPR, log–log, with intervals and enough non-members (1); a control that must fail (1); who is
# exposed, not only how many (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "We compare training and test accuracy; if they are close there is no leak." (The gap is an average as
# well.)
#
# *Strong*: "I fix the game first: the attacker queries the model, knows the recipe and similar data. Then I train,
# say, 128 shadow models on random halves of a pool and compute LiRA for held-out targets. I report the TPR at 1 %
# and 0.1 % FPR with intervals, having checked that the number of non-members supports that rate, and I run the same
# code on outsiders, where it must be at chance. Then I look at the most exposed group: in this course's run a
# twentieth of the people made up more than a third of those found. And I say that this is a lower bound on the
# leak: a weak attack proves nothing."
#
# </details>

# %% [markdown]
# **2. "Legal says membership is not personal data. Is there harm?"** (2 minutes)
#
# *Rubric*: an example in which membership is the secret (1); who can ask (1); uneven risk: outliers (1); a bound on
# all such attacks is what differential privacy gives (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "It depends on the regulation."
#
# *Strong*: "If the training set is 'people in debt counselling', membership is the diagnosis. Anybody with query
# access and a record of the person can test it, and the test is best for people who are unlike the rest, often
# minorities. Membership is also the yardstick for the other leaks: if nobody can tell whether you were in, nobody
# can extract your record. Differential privacy bounds exactly that, for every attack, and I would ask for its ε
# with unit and adjacency."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Carlini, Chien, Nasr, Song, Terzis, Tramèr 2022, *Membership Inference Attacks From First Principles*, arXiv:2112.03570. Algorithm 1 is exercise 04.4 (online LiRA);
#   the offline variant and the log–log ROC are from the same paper. The CIFAR-10 figures with 16 shadow models are those of the authors' published code.
# - Yeom, Giacomelli, Fredrikson, Jha 2018, *Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting*, arXiv:1709.01604: the loss as an attack, exercise 04.2.
# - Shokri, Stronati, Song, Shmatikov 2017, *Membership Inference Attacks against Machine Learning Models*, arXiv:1610.05820: shadow models.
# - Choquette-Choo, Tramèr, Carlini, Papernot 2021, *Label-Only Membership Inference Attacks*, arXiv:2007.14321: hiding confidences does not protect.
# - Clopper and Pearson 1934, *The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial*, Biometrika 26(4): the exact interval.
# - Becker and Kohavi 1996, *Adult*, UCI Machine Learning Repository, DOI 10.24432/C5XW20.
