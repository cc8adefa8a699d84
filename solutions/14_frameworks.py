# %% [markdown]
# # Which tool, when? The same round in each.
#
# Job adverts name Flower, TensorFlow Federated, PySyft, Opacus, OpenDP, TenSEAL. You have built what is inside
# them; now you run them side by side, on the same data, and hold their answers against yours.
#
# You will
# - decide in four questions what a tool must bring, and find that no tool brings all of it,
# - run the same federated round, the same private statistics, the same ε and the same secret sum by hand and in the
#   tools that are made for it, ten in all, with checks that can fail, and
# - see one thing in each tool that surprises the people who use it.
#
# *About 90 minutes of your time; 40 s and 950 MiB on one core. You need: lessons 01 and 02 (rounds), 05 and 06
# (ε, DP-SGD), 07 to 09 (secret sums). Nothing to install: what is not here is shown from a recorded run.*

# %% [markdown]
# > - **Who attacks?** Those you know: a curious server, a reader of the result. And three that come with a tool: its
# >   author, who may err; the colleague whose code you run; the process that nobody stopped.
# > - **What do they see?** The parts, the result, or, if you run their code, all that you see.
# > - **What do they want?** One person's record.
# > - **Whom do we trust?** That is the first question to ask of a tool, and the answer is never "nobody".

# %% tags=["setup"]
import ast
import itertools
import math
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
from scipy import stats

from course.exercises import begin, check, claim, hint, quiz, right
from course.figures import (
    plot_accountants,
    plot_needs,
    plot_noise_of_tools,
    plot_run_costs,
    present,
)
from course.frameworks import recorded, rows_of, run_or_read, show, source_of, task_of
from course.frameworks.environments import ENVIRONMENTS
from course.frameworks.round_numpy import train
from course.privacy import Adjacency, Ledger, Unit

begin("14")
pd.set_option("display.max_colwidth", 80)
ledger = Ledger()
PERSON = {"unit": Unit.EXAMPLE, "adjacency": Adjacency.ADD_REMOVE}

# %% [markdown]
# ## Four questions
#
# Before any tool: is this a **simulation** (all data are yours, in one process) or a **deployment** on other people's
# machines? Are the clients **phones** (*cross-device*: thousands, they come and go) or **silos** (*cross-silo*: a few that stay)? May the **server** see
# each client's part? And is the **result** published to people who must not learn about one person from it?

# %% [markdown]
# **Predict**: hospitals train together, the server may see no hospital's update, and the model is published. Which of
# these five must a tool bring: a network, a secure sum, one that survives dropouts, noise at the server, noise at the
# clients?


# %% tags=["exercise"]
def needs(deployed, phones, server_trusted, published):
    """What a tool must bring in this situation, and nothing more.

    Args: four truth values. deployed: False for a simulation on data that are yours. phones: False for the few silos
        that stay. server_trusted: it may see each client's part. published: readers must not learn about one person.
    Returns: a set of words out of "network", "secure sum", "dropouts" (a secure sum that survives them), "noise at the
        server", "noise at the clients" (whatever the server sees is noisy already).
    """
    ### BEGIN SOLUTION
    if not deployed:
        return {"noise at the server"} if published else set()
    words = {"network"}
    if not server_trusted:
        words.add("secure sum")
        if phones:
            words.add("dropouts")
    if published:
        words.add("noise at the server" if server_trusted else "noise at the clients")
    return words
    ### END SOLUTION


# %% tags=["check"]
needs = check("14.1", needs)  # stuck? hint("14.1")

# %% [markdown]
# Who brings it? The list counts what a tool does in its present interface, and says where you can see it: in a lesson,
# further down here, or only in its package or its documents (marked \*, not run here). A library adds its noise wherever you run
# it: at the server, or in each client.

# %%
brings = {
    "Flower": {"network": "02", "noise at the server": "*", "noise at the clients": "*"},
    "TensorFlow Federated": {"noise at the server": "*", "noise at the clients": "*"},
    "PySyft": {"network": "*"},
    "Opacus": {"noise at the server": "06", "noise at the clients": "11"},
    "Google's DP library": {"noise at the server": "here", "noise at the clients": "*"},
    "PipelineDP": {"noise at the server": "here", "noise at the clients": "*"},
    "OpenDP": {"noise at the server": "here", "noise at the clients": "*"},
    "MPyC": {"network": "here", "secure sum": "here"},
    "TenSEAL": {"secure sum": "here", "dropouts": "09"},
}
short = {"TensorFlow Federated": "TFF", "Google's DP library": "Google's"}
words = ("network", "secure sum", "dropouts", "noise at the server", "noise at the clients")
brought_by = {
    word: [
        short.get(tool, tool) + "*" * (where[word] == "*")
        for tool, where in brings.items()
        if word in where
    ]
    for word in words
}

# %%
situations = {
    "simulation, result stays here": (False, True, True, False),
    "simulation, result published": (False, True, True, True),
    "silos, trusted server, result stays": (True, False, True, False),
    "silos, trusted server, published": (True, False, True, True),
    "silos, blind server, result stays": (True, False, False, False),
    "silos, blind server, published": (True, False, False, True),
    "phones, trusted server, published": (True, True, True, True),
    "phones, blind server, published": (True, True, False, True),
}

# %%
asked = {name: set(needs(*situation)) for name, situation in situations.items()}
_, ax = plt.subplots(figsize=(8.4, 6.2))
plot_needs(ax, asked, brought_by, title="What a tool must bring depends on whom you trust")
present(
    ax,
    caption=(
        "One mark for each thing that a tool must bring (your function). Below: who brings it in its present interface; * is not run in this course. Compare the first "
        "row with the last. It misleads in one way: a mark says that a part is there, not that two parts of two tools fit together."
    ),
    alt="A table of eight situations and five needs. A simulation whose result stays needs nothing; phones with a blind server and a published result need four of the five.",
)

# %%
strictest = asked["phones, blind server, published"]
most = max(len(strictest & set(brought)) for brought in brings.values())
never_alone = [
    name
    for name, words in asked.items()
    if not any(words <= set(b) for b in brings.values())
]
print(
    f"needs {len(strictest)}, the best tool brings {most}; no tool alone for: {never_alone}"
)
claim("The strictest situation needs four things", len(strictest) == 4)
claim("No tool of the list brings more than two of them", most == 2)

# %% [markdown]
# So you will combine: Flower carries messages, a protocol hides the parts, a library adds the noise, an accountant says what
# it is worth. (Lessons 08 and 11 did, with protocols of ours that are to learn from, not to deploy.) Every seam between two
# tools is yours to check, and that is what the rest of this lesson does.

# %% [markdown]
# ## The same round
#
# Ten clients hold 20 to 200 digits each, from two shards, and train a small linear model: five steps each, one weighted average.
# Each tool has one short file in `course/frameworks/`, gets the same arrays from disk, and runs in a process of its
# own. This is the heart of TensorFlow Federated's.


# %%
def show_function(row, name):
    """Print one function of a row's file."""
    tree = ast.parse(source_of(row))
    (found,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    print(ast.get_source_segment(source_of(row), found))


show_function("round_tff", "run")

# %% [markdown]
# No loop trains the clients, and no line takes an average: you describe the round, TFF compiles it and runs it in a worker. PySyft itself
# has no rounds (a sister package, syft-flwr, brings Flower's; it is not run here): a researcher submits a script, each owner
# approves it, and the researcher averages what comes back. For one owner it reads like this, all on one machine and over PySyft's
# own stand-in for Google Drive:

# %%
show_function("round_pysyft", "ask")

# %% [markdown]
# How do you compare five models? "No difference above 1e-5" is a check that can be satisfied by accident: a NaN compares
# as False, and NumPy stretches arrays of other shapes until they fit.


# %% tags=["exercise"]
def furthest_apart(models):
    """The largest difference in any number between any two models.

    Args: models, a dictionary tool → model; a model is a dictionary name → nested list of numbers.
    Returns: a number ≥ 0; math.inf if two models differ in their names or shapes, or a number is not finite.
    """
    ### BEGIN SOLUTION
    furthest = 0.0
    for one, other in itertools.combinations(models.values(), 2):
        if one.keys() != other.keys():
            return math.inf
        for name in one:
            left, right = np.asarray(one[name], float), np.asarray(other[name], float)
            finite = np.isfinite(left).all() and np.isfinite(right).all()
            if left.shape != right.shape or not finite:
                return math.inf
            furthest = max(furthest, np.abs(left - right).max())
    return furthest
    ### END SOLUTION


# %% tags=["check"]
furthest_apart = check("14.2", furthest_apart)  # stuck? hint("14.2")

# %% [markdown]
# **Predict**: how far apart are the five models? And how far did the round move the weights?

# %%
rounds = rows_of("round")
show(rounds)

# %%
models = {record.tool: record.answer for record in rounds}
task = task_of("round")
start = {"weights": task["weights"].tolist(), "bias": task["bias"].tolist()}
apart = float(furthest_apart(models))
moved = float(furthest_apart({"before": start, "after": models["by hand, NumPy"]}))
print(f"apart {apart:.1e}, moved {moved:.2f}")
claim("All five models are the same, to 1e-5", apart <= 1e-5)
claim("And the round had moved them by over 0.05", moved > 0.05)

# %% [markdown]
# Would the check have noticed a mistake? The one that tools make most easily: the average that forgets how many examples
# each client has.

# %%
settings = {"steps": int(task["steps"]), "learning_rate": float(task["learning_rate"])}
of_client = [task["owner"] == client for client in range(10)]
trained = [
    train(task["weights"], task["bias"], task["features"][m], task["labels"][m], **settings)
    for m in of_client
]
unweighted = {
    "weights": np.mean([weights for weights, _ in trained], axis=0).tolist(),
    "bias": np.mean([bias for _, bias in trained], axis=0).tolist(),
}
off = float(furthest_apart({"unweighted": unweighted, "by hand": models["by hand, NumPy"]}))
claim("A plain mean would have been seen, at over 100 times the limit", off > 1e-3)

# %% [markdown]
# ## Surprise: Flower's secure aggregation
#
# **Flower** deploys and simulates with the same code, and you know it from lesson 02. Its documents also name SecAgg+, a
# secure sum that survives dropouts. **Predict**: how do you switch that on in a `ServerApp` like lesson 02's?

# %%
flower = run_or_read("surprise_flower")
for what, seen in flower.answer.items():
    print(f"{what}: {seen}")
print(flower.versions, flower.provenance)
offered = len(flower.answer["names with 'secagg' in flwr.serverapp"])
claim("Today's interface offers no name with secagg in it", offered == 0)
claim(
    "The old one refuses a ServerApp's context", "LegacyContext" in flower.answer["refusal"]
)

# %% [markdown]
# SecAgg+ is there, in the legacy interface: it wants a `LegacyContext`, which your app can make, with a strategy of the old
# kind. So it does not go with the strategies that you know, and a project chooses between the two. Lesson 08 ran *our* protocol over the present one.

# %% [markdown]
# ## Surprise: what PySyft's approval means
#
# **PySyft** became known for secret sharing on tensors (Ryffel et al. 2018). Version 0.10 is another program: data owners,
# researchers, jobs. The owner reads a script and approves it. **Predict**: in which sandbox does it run, and which of the
# old techniques are left?

# %%
syft = recorded("surprise_pysyft")
for what, seen in syft.answer["reached"].items():
    print(f"the approved job reached: {what}: {seen}")
print(syft.answer["mentions"])
print(syft.versions, syft.provenance)
reached = sum(map(bool, syft.answer["reached"].values()))
OLD = ("secure multi-party computation", "homomorphic encryption", "differential privacy")
mentions = sum(syft.answer["mentions"][technique] for technique in OLD)
claim("The job read a password and a file outside, and opened a connection", reached == 3)
claim("None of its Python files names one of the three techniques", mentions == 0)

# %% [markdown]
# There is no sandbox: the job runs as the owner (a bash job, as here, on the owner's own machine). So the protection is the owner's
# *reading*, of the script and of its output: "mean of the salaries of all but Ed" looks harmless (lesson 07). The search knows a
# dozen spellings; *encryption of files* is its control. PySyft answers another question than the other tools: who may run what on whose data.

# %% [markdown]
# ## Surprise: who is still running?
#
# **TensorFlow Federated** starts a program of its own, `worker_binary`, and sends it the compiled round. When your program ends, its
# children are adopted (on Linux mostly by process 1), and the link to you is gone. So whoever wants to know what a run left behind must look
# *while* it runs.

# %% [markdown]
# A **snapshot** of the process table says for each number who its parent is, and when it was started. Numbers are given
# away again, so a process is its number *and* its start.


# %% tags=["exercise"]
def still_running(snapshots, root):
    """The numbers of the processes that a run has left behind.

    Args: snapshots, a list of dictionaries number → (parent's number, start), taken from the start of the run (root is in
        the first) until after its end. root, the number of the run's own process.
    Returns: the set of those in the *last* snapshot that are the root, or were seen to descend from it.
    """
    ### BEGIN SOLUTION
    family = {(root, snapshots[0][root][1])}
    for table in snapshots:
        grown = True
        while grown:
            born = {
                (number, start)
                for number, (parent, start) in table.items()
                if parent in table and (parent, table[parent][1]) in family
            }
            grown = not born <= family
            family |= born
    return {
        number for number, (_, start) in snapshots[-1].items() if (number, start) in family
    }
    ### END SOLUTION


# %% tags=["check"]
still_running = check("14.3", still_running)  # stuck? hint("14.3")

# %% [markdown]
# A program that behaves like TFF: it starts a worker, works half a second, and ends.

# %%
WORKER = "import time; time.sleep(30)"
PROGRAM = f"""import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {WORKER!r}])
time.sleep(0.5)"""


def process_table():
    """Number → (parent, start) of all that runs now."""
    seen = psutil.process_iter(["ppid", "create_time"])
    return {p.pid: (p.info["ppid"], p.info["create_time"]) for p in seen}


# %%
program = psutil.Popen([sys.executable, "-c", PROGRAM])
snapshots = [process_table()]
while program.poll() is None:
    time.sleep(0.05)
    snapshots.append(process_table())
snapshots.append(process_table())
left = still_running(snapshots, program.pid)
for number in left:
    psutil.Process(number).terminate()
parents = [snapshots[-1][number][0] for number in left]
print(f"left behind: {len(left)}, now a child of process {parents}; we have ended it")

# %%
left_by_tff = recorded("surprise_tff")
print(
    "left by TFF:", left_by_tff.left_processes, left_by_tff.versions, left_by_tff.provenance
)
claim("The worker outlived its program", len(left) == 1)
claim("So does TFF's", "worker_binary" in left_by_tff.left_processes)
others = [record.tool for record in rounds if record.left_processes]
claim("No other tool of the round left a process", others == ["TensorFlow Federated"])

# %% [markdown]
# On a shared machine such workers pile up, and whoever reads the program's output through a pipe waits until the worker ends, too. The limit of
# snapshots: a worker whose parent came and went between two of them is missed; the course's own runner marks its
# descendants in their environment, and ends them.

# %% [markdown]
# ## The same count and mean
#
# Now the libraries for private statistics. The working hours of 500 people of the Adult census: their number, and their
# mean, with ε = 1 each, Laplace noise, add or remove one person. We ask a thousand times, which is a test of the *libraries*;
# on people's data each answer would be paid for.

# %% [markdown]
# The mean is a noisy sum over a noisy count, ε/2 each, with the hours counted from the middle of their range.
# Four tools do that: by hand (floats from a fixed seed, **teaching-grade**), Google's DP library (python-dp), PipelineDP, which
# builds on it and groups by key, and OpenDP, which composes proofs.

# %%
one_count = ledger.record("one count", noise_multiplier=1.0, mechanism="laplace", **PERSON)
one_mean = ledger.record(
    "one mean, a sum and a count",
    noise_multiplier=2.0,
    steps=2,
    mechanism="laplace",
    **PERSON,
)
thousand = ledger.record(
    "a thousand counts", noise_multiplier=1.0, steps=1_000, mechanism="laplace", **PERSON
)
print(one_count, one_mean, thousand, sep="\n")

# %%
LIVE = ("statistics_by_hand", "statistics_python_dp", "statistics_opendp")
statistics = rows_of("statistics", live=LIVE)
show(statistics)

# %% [markdown]
# Every answer is random, so "equal" can only mean *drawn from one distribution*. Four tools are six pairs.
#
# **Predict**: each pair is tested at 5 %, and all four tools are right. How often is somebody accused?


# %% tags=["exercise"]
def differing_pairs(draws, false_alarm):
    """The pairs of tools whose draws do not look like one distribution.

    Args: draws, a dictionary tool → array of numbers; false_alarm, the largest probability to name *any* pair when
        all tools are the same.
    Returns: a list of pairs of names. (scipy.stats is imported as stats.)
    """
    ### BEGIN SOLUTION
    pairs = list(itertools.combinations(draws, 2))
    limit = false_alarm / len(pairs)
    return [
        (one, other)
        for one, other in pairs
        if stats.ks_2samp(draws[one], draws[other]).pvalue < limit
    ]
    ### END SOLUTION


# %% tags=["check"]
differing_pairs = check("14.4", differing_pairs)  # stuck? hint("14.4")

# %%
rng = np.random.default_rng(14)
innocent = [{tool: rng.laplace(size=80) for tool in "ABCD"} for _ in range(200)]
at_five_a_pair = np.mean([bool(differing_pairs(draws, 6 * 0.05)) for draws in innocent])
at_five_in_all = np.mean([bool(differing_pairs(draws, 0.05)) for draws in innocent])
claim(
    "At 5 % a pair, over a tenth of innocent sets of tools are accused",
    at_five_a_pair > 0.1,
)
claim("At 5 % shared out, fewer than a tenth", at_five_in_all < 0.1)

# %% [markdown]
# Our false alarm is one in a million for each of the three comparisons below: the draws are new in each run, and this
# notebook should not fail by chance.

# %%
FALSE_ALARM = 1e-6
counts = {record.tool: np.array(record.answer["count"], float) for record in statistics}
means = {record.tool: np.array(record.answer["mean"], float) for record in statistics}
of_counts, of_means = (
    differing_pairs(counts, FALSE_ALARM),
    differing_pairs(means, FALSE_ALARM),
)
for one, other in of_counts:
    print(
        f"counts differ: {one}: {counts[one][0]:.3f} …, {other}: {counts[other][0]:.3f} …"
    )
claim("The means agree", len(of_means) == 0)
claim("Four pairs of counts do not", len(of_counts) == 4)

# %% [markdown]
# The tools that differ are those that return fractions, from those that return whole numbers. That is no fault:
# rounding afterwards costs no privacy (post-processing), and takes the last digits of floats away, which may give the
# noise away (Mironov 2012). So we round all of them, and put a fifth one beside them that adds a *third* of the noise.

# %%
whole = {tool: np.rint(values) for tool, values in counts.items()}
people = len(task_of("statistics")["hours"])
cheat = np.rint(people + rng.laplace(scale=1 / 3, size=len(whole["by hand"])))
rounded = differing_pairs(whole, FALSE_ALARM)
with_cheat = differing_pairs(whole | {"a third of the noise": cheat}, FALSE_ALARM)
accused = {name for pair in with_cheat for name in pair}
print(f"rounded: {rounded}; with the cheat: {len(with_cheat)} pairs")
claim("Rounded, the counts agree", len(rounded) == 0)
claim("A third of the noise is told apart from all four", len(with_cheat) == 4)
claim("And nobody else is accused", len(accused) == 5)

# %% [markdown]
# Do they agree because they are equal? OpenDP draws whole-number noise outright (the *discrete Laplace*, or geometric), the
# others round continuous noise at the end. Both have exact formulas.
#
# **Predict**: which of the two returns the true count more often?

# %%
numbers = np.arange(-30, 31)
half = stats.laplace.cdf(numbers + 0.5) - stats.laplace.cdf(numbers - 0.5)
discrete = np.tanh(0.5) * np.exp(-np.abs(numbers))
exact = {
    "Laplace, rounded": dict(zip(numbers.tolist(), half.tolist(), strict=True)),
    "discrete Laplace": dict(zip(numbers.tolist(), discrete.tolist(), strict=True)),
}

# %%
_, ax = plt.subplots(figsize=(7.6, 4.2))
plot_noise_of_tools(
    ax,
    {tool: values - people for tool, values in whole.items()},
    exact,
    title="One ε, two distributions",
    xlabel="private count − true count",
)
present(
    ax,
    caption=(
        "1,000 counts a tool, rounded; bars are 95 % of sampling error; lines are the exact distributions at ε of 1. Look at 0. It misleads in one way: the "
        "lines join whole numbers, and there is nothing between these. Both keep the same promise: being exact more often costs no privacy here."
    ),
    alt="Share of draws for each error from minus 4 to 4. Four tools' marks lie near two lines, which differ most at zero, where the discrete one is higher.",
)

# %%
true_count = {name: chances[0] for name, chances in exact.items()}
gap = true_count["discrete Laplace"] - true_count["Laplace, rounded"]
largest_ratio = np.exp(np.abs(np.diff(np.log(discrete))).max())
claim("Discrete noise returns the true count more often, by 0.06 or more", gap > 0.06)
claim("And its odds between neighbours are e, no more", abs(largest_ratio - math.e) < 1e-9)

# %% [markdown]
# So two of the four *are* different, and a thousand draws with so strict a limit do not show it. "Agree" means: no
# difference as large as the one that the test can see. State what it can see, as we did with the cheat.

# %% [markdown]
# ## Three surprises in private statistics
#
# **Google's DP library** answers *once*. **Predict** what the second `result()` of a counter gives: the same number, new noise, or
# an error?

# %%
google = run_or_read("surprise_python_dp")
print(google.answer, google.versions, google.provenance)
claim(
    "The second result is an error", "only produce results once" in google.answer["second"]
)

# %% [markdown]
# It looks like a nuisance and is a guard: whoever could ask again would average the noise away. Its budget ends with the object,
# though: make a new one on the same data, as we did a thousand times, and nobody counts.

# %% [markdown]
# **PipelineDP** counts people by place. 100 live in the village and one in the lighthouse. **Predict** the rows of its
# answer, if the places are taken from the data, and if they are named beforehand.

# %%
pipeline = run_or_read("surprise_pipeline_dp")
for question, places in pipeline.answer.items():
    print(f"{question}: { {place: round(count, 1) for place, count in places.items()} }")
print(pipeline.versions, pipeline.provenance)
from_data, named = (
    pipeline.answer["places in the data"],
    pipeline.answer["places named beforehand"],
)
claim("Of places in the data, the lighthouse is not there", "lighthouse" not in from_data)
claim("Of places named beforehand, even the moon has a count", "moon" in named)

# %% [markdown]
# That a lighthouse is in the answer would say that somebody lives there. So small groups are dropped at random, almost always if
# they hold one person, and the sum over the rows is then *not* the total. Name the groups beforehand if they are public.

# %% [markdown]
# **OpenDP** refuses until you say `enable_features("contrib")`: parts whose proofs have not been vetted to the end are closed. And it states
# the ε of what you built. **Predict**: Laplace noise of 80 on a sum of numbers from 0 to 80, for whole numbers and for floats.

# %%
opendp = run_or_read("surprise_opendp")
for what, seen in opendp.answer.items():
    print(f"{what}: {str(seen)[:70]}")
print(opendp.versions, opendp.provenance)
of_integers, of_floats = (
    opendp.answer[f"epsilon of a sum of {kind}"] for kind in ("integers", "floats")
)
claim("For whole numbers it is 1", of_integers == 1)
more = of_floats - 1
claim("For floats it is above 1, by less than a millionth", 0 < more < 1e-6)

# %% [markdown]
# Floating-point sums depend on the order of the numbers, so one person can move them by a little more than 80; OpenDP counts that
# in the ε that it states.

# %% [markdown]
# ## The same ε
#
# DP-SGD with q = 0.01, noise multiplier 1, 1,000 steps, δ = 1e-5, add or remove one example. Three accountants: Rényi divergences by hand (**RDP**,
# lesson 05), Google's dp-accounting (**PLD**), Opacus (**PRV**, and a fourth one, **GDP**).
#
# **Predict**: they get the same numbers in. How far apart are the results?

# %%
epsilons = rows_of("epsilon")
show(epsilons)

# %% [markdown]
# Which of them may you print? Three are **upper bounds**: the run keeps the promise at this ε. GDP is the limit of infinitely many steps,
# an **estimate**. And from the other side comes a **lower bound**: dp-accounting with every rounding turned the
# optimistic way.


# %% tags=["exercise"]
def quotable(results):
    """The ε that may be printed as a promise, or None.

    Args: results, a list of (accountant, kind, ε) for the same run, with kind "upper bound", "lower bound" or "estimate".
    Returns: the smallest ε that is proved; None if no upper bound is given, or if a lower bound shows that one is wrong.
    """
    ### BEGIN SOLUTION
    upper = [epsilon for _, kind, epsilon in results if kind == "upper bound"]
    lower = [epsilon for _, kind, epsilon in results if kind == "lower bound"]
    if not upper or max(lower, default=0.0) > min(upper):
        return None
    return min(upper)
    ### END SOLUTION


# %% tags=["check"]
quotable = check("14.5", quotable)  # stuck? hint("14.5")

# %%
by_hand, google_says, opacus_says = (record.answer for record in epsilons)
opacus = recorded("surprise_opacus")
results = [
    ("RDP, by hand", "upper bound", by_hand["rdp"]),
    ("RDP, dp-accounting", "upper bound", google_says["rdp"]),
    ("RDP, Opacus", "upper bound", opacus_says["rdp"]),
    ("PRV, Opacus", "upper bound", opacus_says["prv"]),
    ("PLD, dp-accounting", "upper bound", google_says["pld"]),
    ("PLD, optimistic", "lower bound", opacus.answer["true epsilon is at least"]),
    ("GDP, Opacus", "estimate", opacus_says["gdp"]),
]

# %%
_, ax = plt.subplots(figsize=(7.6, 3.9))
plot_accountants(
    ax, results, title="Opacus's GDP figure is no promise", xlabel="ε (total, δ = 1e-5)"
)
present(
    ax,
    caption=(
        "The same DP-SGD run. < says that the true ε is at most here, > at least. Look at GDP: it lies in the grey area, where a lower bound excludes the true ε. The lower bound is from the recorded run. "
        "It misleads in one way: lower and upper bound are so close because the mechanism is known; an audit from outside finds a far lower one."
    ),
    alt="Seven rows. Three RDP bounds at 2.10, PRV and PLD bounds at 1.83, a lower bound at 1.78, and the GDP estimate left of it at 1.62.",
)

# %%
promised = quotable(results)
believed = [(name, "upper bound", epsilon) for name, _, epsilon in results if "GDP" in name]
caught = quotable(believed + [result for result in results if result[1] == "lower bound"])
rdp = [epsilon for name, _, epsilon in results if name.startswith("RDP")]
claim("The three RDP figures agree to 1e-4", max(rdp) - min(rdp) < 1e-4)
claim(
    "PLD and PRV agree to one percent",
    abs(google_says["pld"] / opacus_says["prv"] - 1) < 0.01,
)
smallest = promised is not None and math.isclose(promised, google_says["pld"], rel_tol=1e-6)
claim("The smallest bound is dp-accounting's PLD", smallest)
claim("GDP taken for a bound is refuted, and nothing may be printed", caught is None)

# %% [markdown]
# Every bound holds by itself, so the smallest may be printed. GDP's figure is more than a tenth below it, and below the *proved* lower bound.
# Opacus warns when it makes that accountant; the number that it then returns looks like any other. The promises, in the ledger:

# %%
DPSGD = {
    "noise_multiplier": 1.0,
    "sample_rate": 0.01,
    "steps": 1_000,
    "delta": 1e-5,
    **PERSON,
}
for accountant in ("rdp", "prv", "pld"):
    print(ledger.record(f"DP-SGD, {accountant}", accountant=accountant, **DPSGD))
print(opacus.answer["warning"], opacus.versions, opacus.provenance)
too_low = 1 - opacus_says["gdp"] / float(promised)
claim("GDP says over a tenth too little", too_low > 0.1)

# %% [markdown]
# **dp-accounting** asks which datasets are neighbours, and that is its surprise. **Predict**: the same run, but one example is *replaced*
# instead of added or removed. How much larger is ε?

# %%
accounting = run_or_read("surprise_dp_accounting")
for what, seen in accounting.answer.items():
    print(f"{what}: {seen if isinstance(seen, float) else str(seen)[:60]}")
print(accounting.versions, accounting.provenance)
grown = accounting.answer["replace one, PLD"] / accounting.answer["add or remove one, PLD"]
refused = "UnsupportedEventError" in str(accounting.answer["replace one, RDP"])
claim("Replacing one costs over a third more", grown > 1.33)
claim("And its RDP accountant refuses to say", refused)

# %% [markdown]
# The refusal is the good behaviour: RDP's formula was proved for add or remove. PLD's figure for *replace one* is not in our ledger,
# because no second accountant here could check it.

# %% [markdown]
# ## The same sum
#
# Ten clients hold a vector of 1,000 numbers in [−1, 1] each, and nobody may see one. Ours is lesson 08's protocol; **MPyC** is
# ten real processes that share every number among them; **TenSEAL** adds ciphertexts under one key.
#
# **Predict**: who is exact? Who sends most?

# %%
sums = rows_of("sum")
show(sums)

# %%
vectors = task_of("sum")["vectors"]
truth = vectors.sum(axis=0)
bits = int(task_of("sum")["fraction_bits"])
bound = len(vectors) * 2.0 ** -(bits + 1)
in_steps = np.rint(vectors * 2**bits).sum(axis=0) / 2**bits
errors, to_fixed_point = {}, {}
for record in sums:
    total = np.array(record.answer["total"])
    errors[record.tool] = np.abs(total - truth).max()
    to_fixed_point[record.tool] = np.abs(total - in_steps).max()

# %%
ours, mpyc, tenseal = (record.tool for record in sums)
print(f"fixed point may be off by {bound:.1e}")
claim("Ours is within the error that ten roundings may make", errors[ours] <= bound)
claim("So is MPyC's", errors[mpyc] <= bound)
rest = max(to_fixed_point[ours], to_fixed_point[mpyc])
claim("Both are exact on the rounded numbers", rest < 1e-7)
claim("TenSEAL is off by less than a millionth, and not by 0", 0 < errors[tenseal] < 1e-6)

# %% [markdown]
# Two kinds of error. Fixed point rounds each number *before* it is shared, at most half a step, and then every sum is exact.
# CKKS adds noise to each ciphertext, so that *no* digit is exact; the error is small here, and grows with what you compute.

# %%
sent = {record.tool: record.sent_bytes for record in sums}
for tool, size in sent.items():
    print(f"{tool}: {size:,} bytes, {size / sent[ours]:.1f} times ours")
mpyc_times, tenseal_times = sent[mpyc] / sent[ours], sent[tenseal] / sent[ours]
claim("MPyC sends over five times what ours does", mpyc_times > 5)
claim("TenSEAL over ten times", tenseal_times > 10)

# %% [markdown]
# Why? In MPyC everybody shares with everybody, which lets it *multiply* as well; ours sends one masked vector to a server and can only add.
# TenSEAL sends each client the public key first, and a ciphertext is as large for 1,000 numbers as for 2,048.

# %% [markdown]
# ## Two surprises in secret computing
#
# **MPyC**: a colleague sends you `sum.py`, and you run `python sum.py`. **Predict**: how many parties compute, and how
# many may conspire?

# %%
alone = run_or_read("surprise_mpyc")
print(alone.answer, alone.versions, alone.provenance)
parties, share = alone.answer["parties"], alone.answer["my share of 42"]
claim("One party computes, with itself", parties == 1)
claim("Its share of the secret 42 is 42", share == 42)
claim("And nothing would be encrypted on the way", not alone.answer["TLS"])

# %% [markdown]
# The answer is right, and no warning is shown: `-M10` makes ten parties, and `--ssl` encrypts what they send. A right result says nothing about secrecy.
#
# **TenSEAL**: a vector may be longer than a ciphertext has slots. **Predict** what becomes of the product with a matrix.

# %%
long = run_or_read("surprise_tenseal")
print(long.answer, long.versions, long.provenance)
short_product, long_product = long.answer["length 100"], long.answer["length 4097"]
claim("100 ones add up to 100, nearly", abs(short_product - 100) < 0.01)
claim("4,097 ones raise an error", "chunked" in str(long_product))

# %% [markdown]
# It is cut into chunks, with a warning, and additions go on working, so a test on short vectors passes and the product fails in
# production. Pack your data into slots yourself (lesson 09).

# %% [markdown]
# ## What it costs
#
# All runs in one picture. Filled marks ran now, on *your* machine; hollow ones are read from a file that names its
# versions and date, and is refused when its program or its inputs have changed since (`StaleRecord`).

# %%
everything = [*rounds, *statistics, *epsilons, *sums]
costs = {
    f"{record.task}: {record.tool}": (
        max(record.seconds, 1e-3),
        record.total_seconds,
        record.live,
    )
    for record in everything
}

# %%
_, ax = plt.subplots(figsize=(7.6, 5.4))
plot_run_costs(ax, costs, title="Most of a small run is not the work")
present(
    ax,
    caption=(
        "One run each, one thread: the work (below a millisecond drawn as one), and the whole process with its imports. Look at the distance between the two marks. It misleads in one way: hollow rows are from "
        "another run, maybe on another machine, so compare them with each other only; and a large task would reverse the picture."
    ),
    alt="Fifteen rows with two marks each on a logarithmic axis of seconds. For most rows the process takes many times longer than the work; TensorFlow Federated's process takes longest.",
)

# %%
outside = [1 - record.seconds / record.total_seconds for record in everything]
mostly_outside = sum(share > 0.5 for share in outside)
seconds = {record.tool: max(record.seconds, 1e-3) for record in rounds}
times = seconds["TensorFlow Federated"] / seconds["by hand, NumPy"]
print(
    f"{mostly_outside} of {len(everything)} runs spend most of their time outside the work"
)
claim(
    "Half of the runs or more spend most of it outside", 2 * mostly_outside >= len(outside)
)
claim("TFF works over fifty times as long as NumPy for the same round", times > 50)

# %% [markdown]
# And what do they bring? One line a tool: the lines of its file, what its run in this lesson cost (seconds of a processor, imports and all), the surprise, and
# the version and date of what was seen.

# %%
surprises = {
    "Flower": (flower, "SecAgg+ only in the legacy interface"),
    "TensorFlow Federated": (left_by_tff, "leaves worker_binary running"),
    "PySyft": (syft, "approved code runs unsandboxed"),
    "Opacus": (opacus, "GDP accountant underestimates"),
    "dp-accounting": (accounting, "another neighbour, another ε, or none"),
    "Google's DP library": (google, "answers once an object"),
    "PipelineDP": (pipeline, "drops small groups"),
    "OpenDP": (opendp, "counts the rounding of floats"),
    "MPyC": (alone, "without -M one party, no secrecy"),
    "TenSEAL": (long, "long vectors lose matmul"),
}

# %%
at_work = {record.tool: record for record in everything}
pd.DataFrame(
    {
        tool: {
            "brings": ", ".join(brings.get(tool, {"an ε": ""})),
            "lines": len(source_of(at_work[tool].name).splitlines()),
            "cost": f"{at_work[tool].cpu_seconds:.1f} CPU s, {at_work[tool].peak_mib:.0f} MiB",
            "cost seen": at_work[tool].provenance.split(" on ")[0],
            "surprise": said,
            "version": " ".join(next(iter(record.versions.items()))),
            "surprise seen": record.provenance.split(" on ")[0],
        }
        for tool, (record, said) in surprises.items()
    }
).T

# %% [markdown]
# Two of the ten have an environment each, which `make frameworks` builds from a list of exact versions before it renews every
# record. TFF has to, as it needs older versions (of NumPy, for one) than the others take; PySyft could be installed beside them,
# and would bring all that it stands on. That is a cost too, and it grows with age, as the first lines of TFF's list say
# (written in November 2026):

# %%
tff, _ = ENVIRONMENTS
for environment in ENVIRONMENTS:
    size = f"about {environment.megabytes:,} MB of disk"
    print(f"{environment.tool}: {len(environment.packages)} packages, {size}")
notes = [
    line
    for line in tff.lock.read_text(encoding="utf-8").splitlines()
    if line.startswith("#")
]
print(*notes, sep="\n")

# %%
dated = all(record.date and record.versions for record, _ in surprises.values())
claim(
    "Each of the ten surprises was seen in a run with date and versions",
    dated and len(surprises) == 10,
)

# %% [markdown]
# ### What each does *not* do
#
# - **Flower** carries messages; it hides no update unless you add what does.
# - **TensorFlow Federated**, as published, simulates: reaching phones is left to you, and what it calls a secure sum its test
#   executor computes in the clear.
# - **PySyft** limits who may ask, not what an answer says.
# - **Opacus** makes a training private, not the search for its settings, and not the data that you print.
# - **OpenDP, PipelineDP, Google's library** count what one object or session spends; who counts the releases of a year?
# - **dp-accounting** believes the sampler and the neighbour that you tell it.
# - **MPyC** hides the inputs from parties that follow the protocol, as long as no more conspire than its threshold: a
#   party that cheats may change the result, and all are expected to stay.
# - **TenSEAL** hides data from whoever has no key. Who holds it opens every single ciphertext, and nothing tells when one was changed on the way.
#
# None of them protects you from a wrong *unit*, from a reader who has two results, or from tomorrow's version.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Ten banks, a server that they do not trust, a model that stays inside. Which tool?",
    {
        "Opacus in each bank": "Noise protects those in the result from its readers. Here nobody outside reads it, and the updates must be hidden.",
        "Something that carries messages, and a secure sum": right(
            "A network and a secure sum; banks stay, so dropouts are no reason to choose."
        ),
        "PySyft, for its secret sharing": "Early versions had it. In 0.10 you found none: it approves jobs.",
    },
)

# %%
quiz(
    "Your test says that two DP libraries agree at 1,000 draws. What do you write?",
    {
        "They sample from the same distribution": "OpenDP and python-dp agreed as well, and their exact formulas differ.",
        "They differ by less than what the test was shown to see": right(
            "Here: a library with a third of the noise. Smaller differences are neither found nor excluded."
        ),
        "Both are differentially private": "Right noise in the histogram says nothing about the floats, or about who counts the answers.",
    },
)

# %%
quiz(
    "Four accountants: 2.10, 1.83 (both proved), 1.62 (an approximation), and 1.78 proved from below. What is printed?",
    {
        "1.62, the tightest": "It lies below what is proved from below, so it is wrong.",
        "1.83": right("Each upper bound holds by itself, so the smallest one does."),
        "2.10, to be safe": "It is true, and gives away what the better accountant proved.",
    },
)

# %%
quiz(
    "A row of your comparison cannot run on the reader's machine. What makes a recorded one honest?",
    {
        "A screenshot": "Of which version, which data, which code?",
        "Date, versions, machine, and hashes of the program and its inputs that are checked when it is shown": right(
            "Then a changed program refuses its old result instead of showing it."
        ),
        "A sentence that results may vary": "It is always true, so it says nothing.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "We want federated learning with privacy for a keyboard. Flower or TFF?"** (5 minutes)
#
# *Rubric*: asks simulate or deploy, phones or silos, who is trusted, what is published, before naming a tool (1); says that neither alone
# hides updates from the server in its present default (1); secure sum with dropouts *and* noise, and where the noise is
# added (1); how the seams are checked: parity, sampler against accountant (1); a version and a date for each claim on a tool (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "TFF is from Google and made for keyboards, and it has differential privacy built in. Flower is easier."
#
# *Strong*: "What for? To choose a model in simulation either will do; I checked that both give the same weights to 1e-5, so I take the one that my
# team can read. To deploy on phones, open TFF gives me a simulator and Flower a network. On phones with a server that must not see updates I
# need a secure sum that survives dropouts; in Flower 1.41 SecAgg+ runs in the legacy interface only, so I would plan for that, or bring a protocol of my own as messages. The keyboard's
# model is published, so noise must be in before the server sees the sum: shares at the clients, and an accountant whose sampler is the one we run. I would rerun this comparison at each
# upgrade."
#
# </details>

# %% [markdown]
# **2. "Two libraries report different ε for our training. Which is right?"** (3 minutes)
#
# *Rubric*: asks for unit, neighbours, δ, sampler, steps of both (1); upper bound or approximation (1); two proved bounds are both right, quote the smaller
# (1); names a check: a lower bound or an audit (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Opacus is the standard, so I would take its number, or the average to be safe."
#
# *Strong*: "Perhaps both. First I would see whether it is the same sentence: replace-one instead of add-or-remove raised ε by over a third in our run, with the same noise. If the sentence is the same, I
# ask what each number is. RDP's 2.10 and PLD's 1.83 are both upper bounds of one run, so 1.83 may be printed. Opacus's GDP figure of 1.62 is an approximation, and
# a computation that rounds the other way proves that the true value is at least 1.78, so it must not be. If two *bounds* contradicted each other I would print nothing until I knew who is wrong."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Beutel et al. 2020, *Flower: a friendly federated learning research framework*, arXiv:2007.14390.
# - Bonawitz et al. 2019, *Towards federated learning at scale: system design*, arXiv:1902.01046: what a deployment to phones takes.
# - Ryffel et al. 2018, *A generic framework for privacy preserving deep learning*, arXiv:1811.04017: the PySyft that had secret sharing.
# - Yousefpour et al. 2021, *Opacus: user-friendly differential privacy library in PyTorch*, arXiv:2109.12298.
# - Bu, Dong, Long and Su 2020, *Deep learning with Gaussian differential privacy*, arXiv:1911.11607: the GDP figure, a central limit. Gopi, Lee and Wutschitz 2021,
#   arXiv:2106.02848: PRV, and that the central limit can underestimate.
# - Wilson et al. 2020, *Differentially private SQL with bounded user contribution*, arXiv:1909.01917: the design of Google's library.
# - Ghosh, Roughgarden and Sundararajan 2009, *Universally utility-maximizing privacy mechanisms*, arXiv:0811.2841: the geometric mechanism. Mironov 2012, *On significance of
#   the least significant bits for differential privacy*, CCS '12: why not floats.
# - Benaissa et al. 2021, *TenSEAL*, arXiv:2104.03152. Schoenmakers, *MPyC*: its own documentation.
# - Flower 1.41, TFF 0.87, PySyft 0.10, OpenDP 0.16, MPyC 0.11 and TenSEAL 0.3: their own sources, as installed on the dates in the tables.

# %%
ledger
