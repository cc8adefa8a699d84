# %% [markdown]
# # Can hospitals train a tumour detector together?
#
# The patients of this lesson are simulated: a real average brain, deformed for each invented patient, with invented
# tumours, seen through six invented scanners. Six hospitals want one detector, the law keeps every scan where
# it was taken, and the smallest of them has twelve patients. You train their detector, and then ask *who* gains, how sure
# that is, and where the detector looks.
#
# You will
# - train alone, pooled (which is forbidden) and federated, on scans that differ by scanner,
# - give every hospital its own numbers, with intervals: a gain, a sensitivity, a specificity, and
# - measure the shift between sites, try the remedies that are often named, and catch the detector being wrong.
#
# *About 100 minutes of your time; 45 s and 1000 MiB on one core. You need: lesson 01 (FedAvg), and what an ROC
# curve is (lesson 04).*

# %% [markdown]
# > - **Who attacks?** Nobody yet: the law, and not an attacker, keeps the scans apart. Lesson 11 has five adversaries.
# > - **What do they see?** The server sees *every hospital's weights after every round*, as in lesson 01; lesson 03
# >   shows what that can reveal.
# > - **What do they want?** In this lesson, a detector that works at *their* hospital.
# > - **Whom do we trust?** All six hospitals to train honestly, the server to average and to look no further.

# %% tags=["setup"]
import json
import logging
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

from course import ROOT
from course.attacks import auc
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import InProcessGrid, weights_of
from course.federated.flower_clients import weights_in
from course.figures import (
    ScanPicture,
    plot_curves,
    plot_intervals,
    plot_look,
    plot_over_seeds,
    plot_patients,
    plot_transfer,
    present,
)
from course.hospital import load_lgg, match_heights, simulate_hospitals
from course.hospital.detector import (
    as_stacks,
    cell_logits,
    join,
    new_detector,
    slice_scores,
)
from course.hospital.evaluation import (
    auroc_gain,
    auroc_interval,
    found_at,
    over_seeds,
    rates_at,
)
from course.hospital.federation import Recipe, Site, federate, split_patients
from course.hospital.saliency import pointing, slice_scorer
from course.hospital.site_shift import GENTLE, fine_tune, norm_parameters

begin("10")
logging.getLogger("flwr").setLevel(logging.ERROR)


# %% [markdown]
# ## Six hospitals
#
# Every patient is a stack of eight slices, and whoever has a tumour has its outline, drawn by an expert. To stay within a
# lesson's time you train on about half of the patients that the recorded runs further down use. The simulator can
# draw as many *test* patients as you like, which no real clinic could.

# %%
SEED = 20
SOME = {
    "university": 80, "city": 60, "coast": 40, "valley": 30, "hill": 20, "clinic": 12,
}  # fmt: skip
train = simulate_hospitals(seed=SEED, patients=SOME, progress="to train on")
held_back = simulate_hospitals(
    seed=1000 + SEED,
    patients=dict.fromkeys(SOME, 24) | {"clinic": 12},
    progress="held back",
)
test = simulate_hospitals(
    seed=2000 + SEED,
    patients=dict.fromkeys(SOME, 40) | {"clinic": 120},
    progress="to test on",
)
print(train.source)
for name, patients in train.items():
    ill = sum(patient.has_tumour for patient in patients)
    print(f"{name:>10}: {len(patients):>2} patients to train on, {ill:>2} with a tumour")


# %%
def picture(patient):
    """The patient's main slice, with the outline if there is one."""
    cut = patient.main_slice
    words = "tumour" if patient.has_tumour else "no tumour"
    return ScanPicture(patient.slices[cut], patient.tumour_mask[cut], words)


def first_two(patients, with_tumour):
    """The hospital's first two patients with, or without, a tumour."""
    return [p for p in patients if p.has_tumour == with_tumour][:2]


_, axes = plt.subplots(6, 4, figsize=(5.6, 8.4))
rows = {
    name: [picture(p) for kind in (True, False) for p in first_two(patients, kind)]
    for name, patients in train.items()
}
plot_patients(
    axes, rows, title="The same average brain looks different through each scanner"
)
present(
    axes[0, 0],
    caption=(
        "Simulated patients, four of each hospital: their main slice, and the outline in orange. Compare the rows: contrast, "
        "noise and sharpness belong to the scanner. It misleads in one way: each slice is shown on its own scale of grey, "
        "so differences in brightness between scanners are hidden."
    ),
    alt="Six rows of four brain slices; lower rows are noisier; the left two of each row have an outlined tumour.",
)

# %% [markdown]
# ## Units of the scan's own
#
# An MRI value has no unit: the same white matter reads 0.6 on one scanner and 1 on another. So each scan is put into units
# of its own: the **median of the head** becomes 0, and half the distance between its 16th and 84th percentile becomes 1. The
# head is every pixel, of all slices together, above 0.35 times the 95th percentile of the whole scan.


# %% tags=["exercise"]
def standardise(slices):
    """A scan in units of its own, cut off at −4 and 4.

    Args: slices, an array of shape (num_slices, 64, 64), in the scanner's units; leave it as it is.
    Returns: an array of the same shape.
    """
    ### BEGIN SOLUTION
    inside = slices[slices > 0.35 * np.quantile(slices, 0.95)]
    low, middle, high = np.quantile(inside, [0.16, 0.5, 0.84])
    return ((slices - middle) / ((high - low) / 2)).clip(-4, 4)
    ### END SOLUTION


# %% tags=["check"]
standardise = check("10.1", standardise)  # stuck? hint("10.1")

# %%
medians = {}
for name, patients in train.items():
    heads = [p.slices > 0.35 * np.quantile(p.slices, 0.95) for p in patients]
    before = [np.median(p.slices[head]) for p, head in zip(patients, heads, strict=True)]
    after = [
        np.median(np.asarray(standardise(p.slices))[head])
        for p, head in zip(patients, heads, strict=True)
    ]
    medians[name] = float(np.mean(before)), float(np.mean(after))
    print(
        f"{name:>10}: median of the head {np.mean(before):.2f}, then {np.mean(after):.2f}"
    )
brightest = max(before for before, _ in medians.values())
darkest = min(before for before, _ in medians.values())
largest_after = max(abs(after) for _, after in medians.values())

# %%
claim(
    "The brightest scanner reads 1.3 times the darkest, or more", brightest > 1.3 * darkest
)
claim("In units of their own, all medians are 0", largest_after < 0.01)

# %% [markdown]
# Before you train anything, look for **shortcuts**: a detector that knows a tumour by the slice's height or by an overall
# brightness has learned nothing that you want. The measure in this lesson is the **AUROC**: the chance that a patient with a
# tumour scores above one without, so that 0.5 is guessing.
#
# **Predict** both numbers.

# %%
everyone = [p for part in (train, test) for patients in part.values() for p in patients]
ill = np.array([p.has_tumour for p in everyone])
brightness = auc(np.array([p.slices.mean() for p in everyone]), ill)
heights = np.concatenate([np.arange(p.num_slices) for p in everyone]).astype(float)
height = auc(heights, np.concatenate([p.slice_labels for p in everyone]))
claim("Brightness alone says little", 0.3 < brightness < 0.7)
claim("Neither does a slice's height", 0.4 < height < 0.6)

# %% [markdown]
# These are only two shortcuts, and in real scans the height is one: in the LGG set it reaches 0.80 (the end of this lesson). A
# detector's number means little until you have this one beside it.

# %% [markdown]
# ## From cells to a patient
#
# The detector sees each slice twice, standardised and *minus its mirror image* (a healthy brain is nearly symmetric), and
# gives a logit for each of 16 × 16 cells, 12 mm wide. It is taught with the outlines: which cells lie in the tumour. A
# patient has a tumour if *any* cell has one, so logits are pooled by a soft maximum, **log Σ exp**: over the cells of
# a slice, then over the slices.

# %% [markdown]
# Patients may have different numbers of slices, and a batch is padded to the deepest. `present` says which slices are
# there; the others must count for nothing.


# %% tags=["exercise"]
def pooled_logits(cells, present):
    """One logit a slice and one a patient: log-sum-exp over cells, then over the slices that are there.

    Args: cells, a tensor of shape (patients, slices, rows, columns); present, bool, shape (patients, slices).
    Returns: logits of the slices, shape (patients, slices), far below all others where a slice is not present;
        and logits of the patients, shape (patients,).
    """
    ### BEGIN SOLUTION
    slices = torch.logsumexp(cells.flatten(2), dim=2).masked_fill(~present, -1e9)
    return slices, torch.logsumexp(slices, dim=1)
    ### END SOLUTION


# %% tags=["check"]
pooled_logits = check("10.2", pooled_logits)  # stuck? hint("10.2")


# %%
def stacks_of(hospitals):
    """Each hospital's patients as the detector takes them, standardised by you."""
    return {
        name: as_stacks(patients, standardise=standardise)
        for name, patients in hospitals.items()
    }


stacks, held, exam = stacks_of(train), stacks_of(held_back), stacks_of(test)
sick = {name: patients.has_tumour.numpy() for name, patients in exam.items()}


def with_weights(weights):
    """A detector with these weights."""
    model = new_detector(seed=0)
    model.load_state_dict(weights)
    return model


def scores(weights, patients):
    """Each patient's logit, shape (patients,)."""
    cells = cell_logits(with_weights(weights), patients)
    return pooled_logits(cells, patients.present)[1].double().numpy()


# %%
untrained = new_detector(seed=SEED)
parameters = sum(tensor.numel() for tensor in untrained.parameters())
before = auc(scores(weights_of(untrained), exam["clinic"]), sick["clinic"])
shape = tuple(stacks["clinic"].inputs.shape)
print(f"{parameters:,} parameters; the clinic's scans as a tensor: {shape}")
claim("Untrained, the detector guesses", 0.3 < before < 0.7)

# %% [markdown]
# The tensor's first dimension is the *patient*, and its kernels are one slice deep. So a patient is **one example**, however
# many slices they have: their loss is one number, and lesson 11 will clip and noise one gradient a patient.

# %% [markdown]
# ## Alone, pooled, federated
#
# One loop trains in all three ways; only who takes part differs. Each round a hospital passes over its patients at least
# once, and takes at least 20 steps, so that the small ones are trained as well as the large ones. Its optimizer (Adam)
# stays at the hospital *and keeps its memory between rounds*.

# %%
recipe = Recipe(rounds=8)
alone = {
    name: federate(
        {name: patients}, seed=SEED, recipe=recipe, progress=f"{name} alone"
    ).shared
    for name, patients in stacks.items()
}
pooled = federate(
    {"everyone": join(list(stacks.values()))}, seed=SEED, recipe=recipe, progress="pooled"
).shared

# %% [markdown]
# Now the federation. Its average is lesson 01's, with one addition that you need later: some parameters may **stay at
# home**. They are not averaged; each hospital keeps its own.


# %% tags=["exercise"]
def next_round(models, num_patients, stays):
    """What each hospital starts the next round with.

    Args: models, a list of dictionaries, name → tensor, one a hospital; num_patients, one count a hospital;
        stays, names of the parameters that stay at home (maybe none).
    Returns: a list with one dictionary a hospital: the mean of the models, weighted by num_patients, but for the
        parameters in `stays`, which are the hospital's own.
    """
    ### BEGIN SOLUTION
    total = sum(num_patients)
    mean = {
        name: sum(
            model[name] * (count / total)
            for model, count in zip(models, num_patients, strict=True)
        )
        for name in models[0]
    }
    return [mean | {name: model[name] for name in stays} for model in models]
    ### END SOLUTION


# %% tags=["check"]
next_round = check("10.3", next_round)  # stuck? hint("10.3")


# %% [markdown]
# The clinic has twelve patients and joins late, in round 6 of 8, and we watch the detector at the clinic all the while. **Predict**:
# how well does it do there *before* the clinic has sent anything?


# %%
def average(models, num_patients):
    """Lesson 01's average, by your function: nothing stays at home."""
    return next_round(models, num_patients, ())[0]


run = federate(
    stacks,
    seed=SEED,
    recipe=recipe,
    joins={"clinic": 5},
    watch={"clinic": exam["clinic"]},
    aggregate=average,
    progress="federated",
)
federated = run.shared

# %%
own = {
    "alone": {name: auc(scores(alone[name], exam[name]), sick[name]) for name in exam},
    "federated": {name: auc(scores(federated, exam[name]), sick[name]) for name in exam},
    "pooled": {name: auc(scores(pooled, exam[name]), sick[name]) for name in exam},
}
for way, values in own.items():
    line = "  ".join(f"{name} {value:.2f}" for name, value in values.items())
    print(f"{way:>10}: {line}")
mean = {way: float(np.mean(list(values.values()))) for way, values in own.items()}
clinic_alone, clinic_federated = own["alone"]["clinic"], own["federated"]["clinic"]

# %%
claim("Pooled, the detector is good", mean["pooled"] > 0.90)
claim("Federated comes within five points of it", mean["federated"] > mean["pooled"] - 0.05)
claim("The clinic gains points", clinic_federated > clinic_alone + 0.03)

# %% [markdown]
# One run, one draw of patients: luck could explain much of this. So a script in the repository ran the same functions over **five
# seeds**, with all patients; each seed draws patients, first weights and shuffles anew. How long to train was chosen before, on
# patients simulated for that who appear nowhere else (and on a plainer version of the simulator).

# %%
recorded = json.loads(
    (ROOT / "tests/benchmarks/results/hospital_seeds.json").read_text("utf-8")
)
runs = recorded["runs"]
to_train, to_test = (sum(recorded[part].values()) for part in ("hospitals", "test"))
print(f"{len(runs)} seeds of {to_train} patients to train on and {to_test} to test on")


def over_runs(way, place="mean"):
    """The AUROC of one way to train at one place, one value a seed."""
    return np.array([each["auroc"][way][place] for each in runs])


alone_twice, federated_twice = "alone, twice the steps", "federated, twice the steps"
for way in ("pooled", "federated", "alone", federated_twice, alone_twice):
    found = over_seeds(over_runs(way))
    print(f"{way:>27}: {found.value:.3f} ({found.low:.3f} to {found.high:.3f})")

# %%
pooled_mean, federated_mean = over_runs("pooled").mean(), over_runs("federated").mean()
alone_mean = over_runs("alone").mean()
claim("Over five seeds, pooled reaches 0.90", pooled_mean >= 0.90)
gap = over_seeds(over_runs("pooled") - over_runs("federated"))
print(
    f"pooled − federated, seed by seed: {gap.value:.3f} ({gap.low:.3f} to {gap.high:.3f})"
)
claim(
    "In the mean, federated is within 0.03 of pooled", federated_mean >= pooled_mean - 0.03
)
claim("Federated is above the mean of those who train alone", federated_mean > alone_mean)

# %% [markdown]
# The interval of the gap to pooled reaches to 0.03 itself: in the mean it is smaller, and that it truly is, five seeds do not settle.
#
# And the lead over those who train alone, is it sure? Compare *within* each seed, so that easy and hard draws of patients cancel. And be fair to those who train
# alone: their steps go further if they get more of them, so a second comparison gives both sides twice as many. (We added it
# for the federation after the first comparison was seen.)

# %%
leads = {
    "same steps": over_seeds(over_runs("federated") - over_runs("alone")),
    "twice the steps": over_seeds(over_runs(federated_twice) - over_runs(alone_twice)),
}
for words, lead in leads.items():
    print(f"{words:>16}: {lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})")
same, twice = leads.values()
claim("With as many steps, the federation leads in the mean", same.value > 0)
claim("With twice as many, too", twice.value > 0)
claim("Five seeds do not rule out that the first lead is luck", same.low < 0)
claim("For the second they do, one of two comparisons at 95 %", twice.low > 0)

# %%
_, ax = plt.subplots(figsize=(7.6, 4.2))
plot_over_seeds(
    ax,
    {
        way: {name: over_runs(way, name) for name in SOME}
        for way in (alone_twice, federated_twice, "pooled")
    },
    title="The clinic gains most from the federation",
)
present(
    ax,
    caption=(
        "AUROC on each hospital's own test patients (60 each, 200 at the clinic), recorded runs. Large marks: mean of five seeds; dots: the "
        "seeds. The axis does not begin at 0.5, so differences look larger than they are, and one bad seed draws a mean far down."
    ),
    alt="For six hospitals three marks each, alone, federated and pooled, most above 0.95; the clinic alone is at 0.90, with one seed far below.",
)

# %%
led = {
    name: float((over_runs(federated_twice, name) - over_runs(alone_twice, name)).mean())
    for name in SOME
}
print("  ".join(f"{name} {value:+.3f}" for name, value in led.items()))
most = max(led, key=led.get)
at_university, at_clinic_led = led["university"], led["clinic"]
claim("In the mean the clinic gains most", most == "clinic")
claim("The university gains less than a point", abs(at_university) < 0.01)

# %% [markdown]
# At their own scanner the large hospitals gain next to nothing: they have patients enough. Why should they take part? Keep the
# question for "site shift".

# %% [markdown]
# ## A number for each hospital
#
# A hospital calls people in by a **threshold**. All agree on one: the highest that finds 90 % of the tumours, on patients who were
# held back from training *and* from the test. They may not pool scores either; it is enough that each hospital says **how many** of its
# tumours lie above each threshold.


# %% tags=["exercise"]
def choose_threshold(found, thresholds, num_with_tumour, sensitivity):
    """The highest threshold at which the hospitals together find at least this share of the tumours.

    Args: found, a list of one integer array a hospital: how many of its patients with a tumour score at least
        each threshold; thresholds, rising, of the same length; num_with_tumour, of all hospitals together;
        sensitivity, the share wanted (the lowest threshold reaches it).
    Returns: one of the thresholds.
    """
    ### BEGIN SOLUTION
    together = np.sum(found, axis=0)
    enough = np.flatnonzero(together >= sensitivity * num_with_tumour - 1e-9)
    return thresholds[enough[-1]]
    ### END SOLUTION


# %% tags=["check"]
choose_threshold = check("10.4", choose_threshold)  # stuck? hint("10.4")

# %% [markdown]
# Sums of counts are what secure aggregation (lesson 08) was made for, so not even the counts need be seen. **Predict**: the threshold
# finds 90 % of *all* held-back tumours; between which values do the six hospitals' own sensitivities lie?

# %%
thresholds = np.arange(-10, 20, 0.05)
found, number = [], 0
for patients in held.values():
    labels = patients.has_tumour.numpy()
    found.append(found_at(scores(federated, patients), labels, thresholds))
    number += int(labels.sum())
threshold = float(choose_threshold(found, thresholds, number, 0.9))

rates = {
    name: rates_at(scores(federated, patients), sick[name], threshold=threshold)
    for name, patients in exam.items()
}
print(f"{number} held-back tumours give the threshold {threshold:.2f}")

# %%
_, axes = plt.subplots(1, 2, figsize=(9.6, 3.6))
for ax, what in zip(axes, ("sensitivity", "specificity"), strict=True):
    rows = {name: getattr(rate, what) for name, rate in rates.items()}
    plot_intervals(
        ax,
        {f"{name} ({r.num})": {what: (r.value, r.low, r.high)} for name, r in rows.items()},
        title=what,
        xlabel="share called rightly",
    )
    ax.set_xlim(0.3, 1.02)
axes[0].figure.suptitle(
    "Forty patients are few: every interval is wide",
    x=0.02,
    ha="left",
    fontsize=12,
    fontweight="bold",
)
present(
    axes[0],
    caption=(
        "One detector, one threshold, in brackets the test patients with (left) and without a tumour (right). Bars: 95 % "
        "Clopper–Pearson intervals over patients. One run: another training would move the points as well, and the bars "
        "do not show that."
    ),
    alt="Sensitivities between 0.8 and 1 with intervals about 0.3 wide at five hospitals and narrower at the clinic.",
)

# %%
narrowest = min(
    rate.sensitivity.high - rate.sensitivity.low
    for name, rate in rates.items()
    if name != "clinic"
)
own_twelve = auroc_interval(scores(federated, exam["clinic"])[:12], sick["clinic"][:12])
print(
    f"twelve patients: AUROC {own_twelve.value:.2f} ({own_twelve.low:.2f} to {own_twelve.high:.2f})"
)
claim("With forty patients no sensitivity is known to ten points", narrowest > 0.10)
claim("Twelve test patients do not even show that it reaches 0.80", own_twelve.low < 0.80)

# %% [markdown]
# A mean over hospitals hides both: who lies below it, and how little is known of them. The five recorded runs, put together, have
# 300 patients a hospital, and 1,000 at the clinic.


# %%
def put_together(name, what):
    """Right answers and patients of one hospital, over the five recorded runs."""
    each = [one["rates"]["hospitals"][name][what] for one in runs]
    return sum(round(e["value"] * e["num"]) for e in each), sum(e["num"] for e in each)


shares = {}
for name in SOME:
    hits, tumours = put_together(name, "sensitivity")
    right_calls, healthy = put_together(name, "specificity")
    shares[name] = hits / tumours
    print(
        f"{name:>10}: finds {hits} of {tumours} tumours ({hits / tumours:.0%}), "
        f"clears {right_calls} of {healthy} others ({right_calls / healthy:.0%})"
    )
lowest, highest = min(shares.values()), max(shares.values())
claim("One threshold, and sensitivities points apart", highest - lowest > 0.03)

# %% [markdown]
# Whom does it miss? Not a random tenth.

# %%
volumes, missed = [], []
for name, patients in exam.items():
    below = scores(federated, patients)[sick[name]] < threshold
    volumes += patients.cover.sum((1, 2, 3)).numpy()[sick[name]].tolist()
    missed += below.tolist()
volumes, missed = np.array(volumes), np.array(missed)
small_missed = float(np.median(volumes[missed]))
large_found = float(np.median(volumes[~missed]))
print(f"{missed.sum()} of {len(missed)} tumours are missed; sizes in cells of 12 mm:")
claim("The missed tumours are the smaller ones", small_missed < large_found)

# %% [markdown]
# ## A clinic joins late
#
# Back to the twelve patients. What you predicted is in `run.watched`: the scores at the clinic after every round.

# %%
curve = np.array([auc(each, sick["clinic"]) for each in run.watched["clinic"]])
_, ax = plt.subplots()
plot_curves(
    ax,
    {"federation": curve},
    title="Most of the clinic's gain comes before it joins",
    ylabel="AUROC at the clinic (%)",
    baselines={"clinic alone": clinic_alone},
)
ax.axvline(5.5, color="#555555", linewidth=1)
ax.annotate("joins", (5.5, 62), xytext=(4, 0), textcoords="offset points", fontsize=9)
present(
    ax,
    caption=(
        "One run, 120 test patients of the clinic. The federation's detector after each round; the clinic trains with it from round 6 on. "
        "It misleads in one way: that the curve rises after the line is not the clinic's doing alone, since all six train on."
    ),
    alt="A rising curve that crosses the level of the clinic alone well before the line that marks when the clinic joins.",
)

# %%
before_joining = float(curve[4])
claim(
    "Before it has sent anything, the federation serves it better",
    before_joining > clinic_alone,
)

# %% [markdown]
# How sure is the gain? Other patients might have come to the test: so draw 120 patients from the 120, **with replacement**,
# compute the gain again, and do that a thousand times. The range of the middle 95 % of these gains is the **bootstrap** interval. Both
# detectors are judged on the *same* drawn patients: what is hard for one is hard for the other, and that cancels.


# %% tags=["exercise"]
def gain_interval(before, after, has_tumour, rng, draws=1000):
    """A 95 % bootstrap interval for the gain in AUROC, AUROC after − AUROC before.

    Args: before, after, scores of two detectors for the same patients, shape (patients,); has_tumour, bool, shape
        (patients,); rng, a numpy Generator; draws. `auc(scores, has_tumour)` gives an AUROC, and raises an error
        if one kind of patient is missing.
    Returns: the 2.5 % and the 97.5 % quantile of the gains.
    """
    ### BEGIN SOLUTION
    gains = []
    while len(gains) < draws:
        again = rng.integers(len(has_tumour), size=len(has_tumour))
        if 0 < has_tumour[again].sum() < len(again):
            gains.append(
                auc(after[again], has_tumour[again]) - auc(before[again], has_tumour[again])
            )
    low, high = np.quantile(gains, [0.025, 0.975])
    return low, high
    ### END SOLUTION


# %% tags=["check"]
gain_interval = check("10.5", gain_interval)  # stuck? hint("10.5")

# %%
at_clinic = [scores(weights, exam["clinic"]) for weights in (alone["clinic"], federated)]
low, high = gain_interval(*at_clinic, sick["clinic"], np.random.default_rng(0))
closed_form = auroc_gain(*at_clinic, sick["clinic"])
print(f"gain {closed_form.value:.3f}: bootstrap {low:.3f} to {high:.3f}")
print(f"DeLong's closed form: {closed_form.low:.3f} to {closed_form.high:.3f}")
apart = max(abs(low - closed_form.low), abs(high - closed_form.high))
claim("The bootstrap agrees with DeLong's formula of 1988", apart < 0.03)
claim("In this run the clinic gains, beyond the luck of who was tested", low > 0)

# %% [markdown]
# The interval speaks of other *test patients*. It does not speak of other *training* patients, and the clinic's twelve are a draw of their
# own. For that there are the five seeds; its rival there is the clinic alone with twice the steps.

# %%
ways = {
    "takes the detector, never joins": "without the clinic",
    "…and fine-tunes it": "without the clinic, fine-tuned",
    "joins in round 9 of 12": "clinic joins late",
    "takes part from the start": "federated",
    "…with twice the steps": federated_twice,
}
gains = {
    words: over_seeds(over_runs(way, "clinic") - over_runs(alone_twice, "clinic"))
    for words, way in ways.items()
}
_, ax = plt.subplots(figsize=(7.6, 3.3))
plot_intervals(
    ax,
    {words: {"gain": (g.value, g.low, g.high)} for words, g in gains.items()},
    title="The clinic's gain is much the same whether it joins or takes",
    xlabel="gain in AUROC over training alone with twice the steps",
    line=(0.0, "nothing gained"),
)
present(
    ax,
    caption=(
        "Recorded runs: mean over five seeds, and Student's 95 % interval for that mean; 200 test patients of the clinic a seed. All rows share "
        "their seeds, so they move together: compare their middles. The intervals are wide because of one seed."
    ),
    alt="Five intervals of gains at the clinic, from about -0.03 to 0.13, that overlap almost wholly.",
)

# %%
per_seed = [each["clinic_gain"]["federated"] for each in runs]
print("seed by seed: " + "  ".join(f"{gain['value']:+.3f}" for gain in per_seed))
certain = sum(gain["low"] > 0 for gain in per_seed)
joins = gains["takes part from the start"]
added = over_seeds(
    over_runs("federated", "clinic") - over_runs("without the clinic", "clinic")
)
print(f"joining, less taking: {added.value:+.4f} ({added.low:+.4f} to {added.high:+.4f})")
claim("The clinic gains in the mean", joins.value > 0.01)
claim("But five seeds leave room for no gain at all", joins.low < 0)
claim("In two runs of five the gain exceeds the luck of who was tested", certain == 2)
claim(
    "Joining or only taking: less than a point apart, at 95 %",
    added.low > -0.01 and added.high < 0.01,
)

# %% [markdown]
# So our live run was one of the lucky ones: had you seen it alone, you would have promised the clinic eleven points. Whether twelve patients
# are enough depends on *which* twelve. And its own weights, which the server saw, added next to nothing to the detector that it got.

# %% [markdown]
# ## Site shift
#
# So why should the large hospitals take part? A detector travels: the vendor sells it, a patient moves, a scanner is replaced. Take each
# hospital's own detector to all six hospitals.
#
# **Predict**: whose detector travels worst, and where to?

# %%
own_detectors = list(SOME)
travelled = np.mean([each["transfer"] for each in runs], axis=0)
joint = np.array([over_runs(federated_twice, name).mean() for name in SOME])
_, ax = plt.subplots(figsize=(6.8, 3.9))
plot_transfer(
    ax,
    np.vstack([travelled, joint]),
    detectors=[*own_detectors, "federated"],
    hospitals=own_detectors,
    title="The largest hospital's own detector loses most at other scanners",
)
present(
    ax,
    caption=(
        "AUROC, mean of the five recorded runs, all with twice the steps. In bold: a hospital's own patients. Read along a row to see how a "
        "detector travels. Hospitals differ in how many patients they trained on, too, so a row is not the scanner's doing alone."
    ),
    alt="A table of six detectors and the federated one at six hospitals; the university's is lowest at the hill, 0.82.",
)

# %%
each_away = [
    np.mean(np.diag(t)) - np.mean(t[~np.eye(6, dtype=bool)])
    for t in map(np.array, (each["transfer"] for each in runs))
]
lost = over_seeds(each_away)
print(
    f"lost away from home, on average: {lost.value:.3f} ({lost.low:.3f} to {lost.high:.3f})"
)
at_home = float(np.mean(np.diag(travelled)))
away = float(travelled[~np.eye(6, dtype=bool)].mean())
by_detector = dict(zip(own_detectors, travelled.mean(axis=1), strict=True))
best, worst = max(by_detector.values()), min(by_detector.values())
lowest_own, lowest_joint = float(travelled.min()), float(joint.min())
print(
    "  ".join(f"{name} {value:.3f}" for name, value in by_detector.items()),
    f" federated {joint.mean():.3f}",
)
claim("Away from home a detector loses a little, in the mean of five seeds", at_home > away)
claim("At its worst place it loses many points", at_home > lowest_own + 0.05)
claim("The federated one has no such bad place", lowest_joint > lowest_own + 0.05)
claim("Which detector travels well differs by points", best > worst + 0.03)

# %% [markdown]
# The university has the most patients and the cleanest scanner; that its detector never saw noise is a likely reason, and a guess. One hospital's own detector travels as well as the
# federated one, but to know *whose*, somebody had to test all six everywhere.

# %% [markdown]
# This is **site shift**: the same disease through another machine. Three remedies are often named:
# - **Local normalisation**: units of the scan's own, which you built. What is it worth?
# - **Own norms** (the idea of FedBN): the detector's scales and shifts stay at home, everything else travels.
# - **Fine-tuning**: each hospital trains the finished detector a little further, on its own patients.

# %% [markdown]
# Own norms first, by hand: a few rounds more from the federated detector, with *your* `next_round`, while 96 of the
# parameters stay at home.

# %%
stays = norm_parameters(new_detector(seed=0))
sites = [
    Site(patients, client=client, seed=SEED, recipe=GENTLE)
    for client, patients in enumerate(stacks.values())
]
counts = [len(site.stacks) for site in sites]
models = [federated] * len(sites)
for round_index in range(GENTLE.rounds):
    sent = [
        site.train(model, round_index=round_index)
        for site, model in zip(sites, models, strict=True)
    ]
    models = next_round(sent, counts, stays)
own_norms = dict(zip(stacks, models, strict=True))
tuned = {
    name: fine_tune(federated, patients, seed=SEED) for name, patients in stacks.items()
}

# %%
changes = {}
for name in SOME:
    base = scores(federated, exam[name])
    changes[name] = {
        way: auroc_gain(base, scores(weights[name], exam[name]), sick[name])
        for way, weights in (("own norms", own_norms), ("fine-tuned", tuned))
    }
    print(
        f"{name:>10}: " + ", ".join(f"{w} {g.value:+.3f}" for w, g in changes[name].items())
    )
at_home_tensors = sum(models[0][name].numel() for name in stays)
shared_name = next(name for name in models[0] if name not in stays)
agree = all(torch.equal(model[shared_name], models[0][shared_name]) for model in models)
claim("96 numbers stay at each hospital", at_home_tensors == 96)
claim("All others are the same everywhere", agree)

# %% [markdown]
# One run again, with one hospital that gains much and one that loses much by fine-tuning. Over the five seeds:

# %%
rivals = {
    "own norms": "own norms",
    "fine-tuned": "fine-tuned",
    "no standardisation": "without standardisation",
}
effects = {
    f"{words}, {label}": over_seeds(over_runs(way, place) - over_runs("federated", place))
    for label, place in (("all", "mean"), ("clinic", "clinic"))
    for words, way in rivals.items()
}
_, ax = plt.subplots(figsize=(7.6, 3.6))
plot_intervals(
    ax,
    {words: {"change": (e.value, e.low, e.high)} for words, e in effects.items()},
    title="Units of the scan's own matter at the clinic; own norms do not help it",
    xlabel="change in AUROC against federated",
    line=(0.0, "no change"),
)
present(
    ax,
    caption=(
        'Recorded runs: mean over five seeds, and Student\'s 95 % interval for it. "All": mean of the six hospitals. Six comparisons at 95 %: '
        "one that misses 0 by a little is no discovery."
    ),
    alt="Six intervals around zero: without standardisation lies left of it, farthest at the clinic; fine-tuning a little right.",
)

# %%
without, tuning = effects["no standardisation, clinic"], effects["fine-tuned, all"]
norms_everywhere, norms_clinic = effects["own norms, all"], effects["own norms, clinic"]
claim("Without your standardisation the clinic loses points", without.high < 0)
claim("Fine-tuning helps in the mean, by less than two points", 0 < tuning.value < 0.02)
claim(
    "Own norms: no sure change over all", norms_everywhere.low < 0 < norms_everywhere.high
)
claim("At the clinic own norms do harm, in the mean", norms_clinic.value < 0)

# %% [markdown]
# Twelve patients are few to learn 96 numbers from, and the remedy that looks at no label, units of the scan's own, is worth most there.
# Fine-tuning costs one more thing that the figure does not show: six detectors to check, and to keep, instead of one.

# %% [markdown]
# ## Where it looks
#
# A good AUROC says nothing about *why*. Cover a square of the slice with tissue that says nothing (0, the head's median) and see by how much the score
# falls: where it falls, the detector was looking.


# %% tags=["exercise"]
def occlusion_map(score, image, patch):
    """By how much the score falls when each square of the image is covered.

    Args: score, a function from an image to a number; image, an array of shape (rows, columns), both multiples of
        patch; patch, the side of a square in pixels.
    Returns: an array of shape (rows / patch, columns / patch): the image's score − the score with this square at 0.
    """
    ### BEGIN SOLUTION
    before, falls = score(image), np.zeros(np.array(image.shape) // patch)
    for row, column in np.ndindex(*falls.shape):
        covered = image.copy()
        covered[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = 0
        falls[row, column] = before - score(covered)
    return falls
    ### END SOLUTION


# %% tags=["check"]
occlusion_map = check("10.6", occlusion_map)  # stuck? hint("10.6")

# %% [markdown]
# Three test patients: the tumour that it is surest of, the healthy head that it suspects most, and the tumour that it suspects least.
#
# **Predict**: what does it look at in a head where nothing is?

# %%
all_test = [patient for patients in test.values() for patient in patients]
all_stacks = join(list(exam.values()))
all_scores = scores(federated, all_stacks)
is_ill = all_stacks.has_tumour.numpy()
surest = int(np.where(is_ill, all_scores, -np.inf).argmax())
false_alarm = int(np.where(is_ill, -np.inf, all_scores).argmax())
overlooked = int(np.where(is_ill, all_scores, np.inf).argmin())
looks = pointing(with_weights(federated), all_stacks)


def look(index):
    """The slice with the most suspicious cell, its cells and its occlusion map."""
    cut, patient = int(looks.slice_index[index]), all_test[index]
    scan = np.asarray(standardise(patient.slices), dtype=float)[cut]
    cells = cell_logits(with_weights(federated), all_stacks.take([index]))[0, cut].numpy()
    falls = occlusion_map(slice_scorer(with_weights(federated), patient), scan, 8)
    air = scan.reshape(8, 8, 8, 8).mean((1, 3)) < -2  # Tissue in thin air is odd to see.
    return scan, patient.tumour_mask[cut], cells, np.where(air, np.nan, falls)


# %%
cases = {
    "surest tumour": surest,
    "healthy, most suspected": false_alarm,
    "tumour, least suspected": overlooked,
}
_, axes = plt.subplots(3, 3, figsize=(8.8, 8.0))
for line, (words, index) in zip(axes, cases.items(), strict=True):
    scan, outline, cells, falls = look(index)
    plot_look(
        line,
        scan,
        outline,
        cells=cells,
        falls=falls,
        label=f"{words}\nscore {all_scores[index]:.1f}",
    )
for ax, words in zip(
    axes[0], ("scan", "the detector's cells", "occlusion map"), strict=True
):
    ax.set_title(words, fontsize=10, fontweight="normal", loc="center")
axes[0, 0].figure.suptitle(
    "It finds the tumour, and takes a dark half for one",
    x=0.02,
    ha="left",
    fontsize=12,
    fontweight="bold",
)
present(
    axes[0, 0],
    caption=(
        "The slice with each patient's most suspicious cell; the outline in orange, where there is one. Middle: logit of each cell. Right: "
        "fall of the slice's score when a square of 24 mm is covered; brown argues for a tumour. Each map has its own scale. It misleads where evidence stands "
        "twice: in the first row no single square takes much off the score, because the others still show the tumour."
    ),
    alt="Three rows of three images. First row: both maps are bright at the outlined tumour. Second: over the whole darker half of a healthy head. Third: at a small outline, and the cells are fainter than above.",
)

# %%
on_tumour = float(looks.on_tumour[is_ill & (all_scores >= threshold)].mean())
score_healthy, score_overlooked = (
    float(all_scores[false_alarm]),
    float(all_scores[overlooked]),
)
claim(
    "Most found tumours: the outline reaches the most suspicious cell, or one beside it",
    on_tumour > 0.85,
)
claim(
    "And yet a healthy head scores above the least suspected tumour",
    score_healthy > score_overlooked,
)

# %% [markdown]
# Look at the healthy head again: its right half, on the left of the picture, is darker as a whole. That is the receiver coil's **bias
# field**, and the mirror image, which finds the tumours, finds it too. Is that this patient, or a habit?


# %%
def lopsided(index):
    """How much darker one half of a head is than the other, in its most uneven slice."""
    scan = np.asarray(standardise(all_test[index].slices), dtype=float)
    return float(np.abs((scan - scan[..., ::-1])[..., :32].mean((1, 2))).max())


healthy = np.flatnonzero(~is_ill)
suspects = healthy[np.argsort(all_scores[healthy])[-10:]]
usual = float(np.median([lopsided(index) for index in healthy]))
of_suspects = float(np.median([lopsided(index) for index in suspects]))
claim(
    "The ten it suspects most are far more lopsided than is usual",
    of_suspects > 1.3 * usual,
)

# %% [markdown]
# Both maps answer *where*, not *why*, and an occlusion map shows a picture no scanner ever made. Some "found" patients are
# found for the wrong reason: the top cell lies elsewhere. For a patient it counts as a hit, and a radiologist who trusts
# the map would look at the wrong place.

# %% [markdown]
# ## The same on Flower
#
# Real hospitals are processes on real machines. A `Site` (its patients, its optimizer) answers Flower's messages unchanged; here the two
# smallest hospitals, two rounds, on lesson 02's in-process grid.

# %%
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg

short, two = Recipe(rounds=2, least_steps=4), {n: stacks[n] for n in ("hill", "clinic")}
nodes = [
    Site(patients, client=client, seed=SEED, recipe=short)
    for client, patients in enumerate(two.values())
]
app = ClientApp()


@app.train()
def train_site(message, context):
    """Train this node's hospital for one round."""
    site = nodes[int(context.node_config["partition-id"])]
    round_index = message.content["config"]["server-round"] - 1
    sent = ArrayRecord(site.train(weights_in(message), round_index=round_index))
    about = MetricRecord({"num-examples": len(site.stacks)})
    return Message(RecordDict({"arrays": sent, "metrics": about}), reply_to=message)


# %%
strategy = FedAvg(fraction_evaluate=0.0, min_available_nodes=2)
start = ArrayRecord(weights_of(new_detector(seed=SEED)))
on_flower = strategy.start(InProcessGrid(app, 2), start, num_rounds=2).arrays
by_hand = federate(two, seed=SEED, recipe=short, aggregate=average).shared
apart = max(
    float((tensor - by_hand[name]).abs().max())
    for name, tensor in on_flower.to_torch_state_dict().items()
)
claim("Flower and the loop train the same detector", apart < 1e-5)

# %% [markdown]
# ## Real scans
#
# The public LGG set (110 patients of five hospitals, real tumours) goes through the same functions; `load_lgg`'s docstring says how to
# get it. Every patient in it has a tumour, so judge *slices*, at matched heights: height alone reaches 0.80. The authors' own network
# outlines the tumours with a mean Dice of 83.6 %, at four times our resolution.

# %%
folder = os.environ.get("COURSE_LGG_DIR")
if folder is None:
    print(
        "No real scans here. Set COURSE_LGG_DIR to the folder of the LGG set, and run again."
    )
else:
    real = match_heights(load_lgg(folder), seed=SEED)
    parts = {
        name: split_patients(patients, seed=SEED, held_out=0.3)
        for name, patients in real.items()
    }
    inside, outside = (
        stacks_of(
            {
                n: [real[n][i] for i in part[which]]
                for n, part in parts.items()
                if part[which]
            }
        )
        for which in (0, 1)
    )
    found_real = federate(inside, seed=SEED, recipe=Recipe(rounds=3, least_steps=4))
    values = slice_scores(with_weights(found_real.shared), join(list(outside.values())))
    print(
        f"{real.num_patients} real patients; {len(values[0])} slices of held-out ones, heights matched:"
    )
    print(f"AUC {auc(*values):.2f} (so few slices are a smoke test, and no result)")

# %% [markdown]
# ### What this does *not* protect
#
# - **Anybody's privacy.** The scans stayed; the weights travelled, in the clear. Lesson 03 reads images out of updates, lesson 04
#   members out of models, and nothing here stops either.
# - **The clinic most of all**: twelve patients in an average of few, and a server that sees the clinic's own weights.
# - **Against a hospital that lies** about its model or its number of patients.
# - **Patients.** These numbers are of simulated ones, from an average brain. They say how the methods compare, and nothing about
#   any detector in a real clinic.
#
# Privacy ledger of this lesson: **empty**. Lesson 11 fills it.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Why is a patient, and not a slice, one example of the detector?",
    {
        "Slices are too small to learn from": "They have outlines, and are learned from: the loss is about cells.",
        "What is promised later is promised to people, and slices of one person are not independent": right(
            "A split by slices would also put one patient's slices into training and test."
        ),
        "Flower wants it": "Flower carries weights and does not know what an example is.",
    },
)

# %%
quiz(
    "The clinic's AUROC on its own 12 patients is 1.00. What may it tell its board?",
    {
        "The detector makes no mistakes here": "Twelve patients cannot show that: the interval reaches far down.",
        "That all 12 were ranked rightly, and that the true value may well be below 0.8": right(
            "Say the number with its interval, or say nothing."
        ),
        "Nothing until a thousand patients are tested": "An interval is something to say; it is wide, and that is the message.",
    },
)

# %%
quiz(
    "You compare two detectors on the same 120 patients. Why must the bootstrap draw patients, with both scores, and not the scores of each by themselves?",
    {
        "It is faster": "It saves one draw, and that is not why.",
        "Otherwise the luck of who was drawn counts twice, though it hits both detectors alike": right(
            "Paired, it cancels. Unpaired, the interval comes out far too wide."
        ),
        "Scores may not be drawn twice": "With replacement every score may come several times; that is the method.",
    },
)

# %%
quiz(
    "A vendor says: 'Our federated detector reaches 0.97 on average over your hospitals.' What do you ask first?",
    {
        "How many rounds were run": "That is its cost. It says nothing about your patients.",
        "The number at *our* hospital, with its interval, and what our own detector reaches there": right(
            "A mean hides the hospital that loses, and a baseline that costs nothing may be as good."
        ),
        "Whether it is private": "A good second question: federated is not private. But first, does it help you at all?",
    },
)

# %%
quiz(
    "The occlusion map of a healthy patient lights up at a dark spot. What has been shown?",
    {
        "Why the detector was wrong": "Where it looked. A dark spot, its edge, its missing twin on the other side: all light up there.",
        "That its score rests on that spot": right(
            "Covered, the score falls. What about the spot it is needs another experiment."
        ),
        "That the spot is a tumour": "The map is about the detector, not about the patient.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "Six hospitals federate a detector. How do you show each of them whether it was worth it?"** (5 minutes)
#
# *Rubric*: own test patients, held out from training and choices (1); local-only with fair effort as baseline, pooled as ceiling (1);
# paired intervals over patients, and seeds (1); per hospital, not a mean (1); the small hospital cannot measure its own gain (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Compare the global model's accuracy with each local model's. If the global one is higher on average, federation works."
#
# *Strong*: "Each hospital holds out patients before anything is tuned. There it compares three detectors: its own, trained with as many
# steps as serve it best, the federated one, and, if a simulation allows it, the pooled one as ceiling. The gain gets a paired interval over
# patients, because both detectors see the same ones, and several seeds, because training is luck too. I report it per hospital: a mean can
# rise while one loses. A clinic with twelve patients cannot measure its gain; I would say so, and show what the others gained and how the
# shared detector does on scanners it never saw. And I would ask what else a hospital gets: a detector that survives a new scanner."
#
# </details>

# %% [markdown]
# **2. "The detector works at five hospitals and fails at the sixth. What do you do?"** (4 minutes)
#
# *Rubric*: data before model: is it the scanner, the patients, the labels (2); look at intensities and at where it looks (1);
# remedies in order of cost, each tested on held-out patients of that site (1); the risk of fine-tuning on few (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Use FedBN, or fine-tune the model at that hospital."
#
# *Strong*: "First I ask whether it fails at all: how many test patients, which interval. Then what differs: intensities and noise (scanner),
# smaller tumours or older patients (population), or outlines drawn by other rules (labels); only the first is a matter of
# normalisation. I look at false alarms and misses with a saliency map. Then the cheap remedies: the same preprocessing, units of the scan's own, a
# threshold for this site. Own norm layers and fine-tuning come last, each against the plain detector on held-out patients there, because
# with a dozen patients fine-tuning fits the dozen."
#
# </details>

# %% [markdown]
# ## Sources
#
# - McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1: the federation, here with Adam at the hospitals.
# - Li et al. 2021, *FedBN: federated learning on non-IID features via local batch normalization*, arXiv:2102.07623: own norms.
# - DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3): the interval that your bootstrap is compared with.
# - Clopper and Pearson 1934, Biometrika 26(4): intervals of sensitivity and specificity.
# - Efron 1979, *Bootstrap methods: another look at the jackknife*, The Annals of Statistics 7(1): exercise 10.5.
# - Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2: exercise 10.6.
# - Buda, Saha and Mazurowski 2019, Computers in Biology and Medicine 109: the LGG set, and its outlines.
