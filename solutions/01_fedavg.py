# %% [markdown]
# # How do ten people train one model without pooling their digits?
#
# Ten people have handwritten digits on their phones. Nobody may collect the images, and each phone alone
# learns less than all ten could together. In this lesson you train one model on all of them while every image stays
# where it is.
#
# You will
# - build FedAvg's two halves, and run your own average on all of MNIST,
# - find out what it costs when each person has only a few of the ten digits, and
# - measure *why*, build a published remedy, and judge it by what it sends as well as by what it gains.
#
# *About 100 minutes of your time, with a good place to stop half-way; 35 s and 950 MiB on one core. You need: Python, and a first look at
# torch (tensors, a training loop). Lesson 00 shows how exercises work.*

# %% [markdown]
# > - **Who attacks?** Nobody yet: everyone follows the protocol.
# > - **What do they see?** The server sees *every client's whole model after every round*.
# > - **What do they want?** In this lesson, only a good model. Lesson 03 makes the server curious.
# > - **Whom do we trust?** All ten clients to train honestly, the server to average honestly.

# %% tags=["setup"]
import json

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from course import ROOT
from course.data import (
    label_counts,
    load_mnist,
    partition_dirichlet,
    partition_iid,
    partition_shards,
)
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import (
    accuracy,
    accuracy_per_class,
    as_examples,
    batches,
    client_generator,
    run_fedavg,
    run_scaffold,
    subtract,
    two_nn,
    weights_of,
)
from course.figures import plot_clients, plot_curves, plot_holdings, plot_levels, present

begin("01")

# %%
mnist = load_mnist()
train = as_examples(mnist.train_images, mnist.train_labels)
test = as_examples(mnist.test_images, mnist.test_labels)
print(
    f"{len(train):,} images to train on, {len(test):,} to test on, each {train.images.shape[1]} pixels"
)

# %% [markdown]
# ## Who holds what
#
# If every phone held a fair sample of all digits, its data would be **IID** (independent and identically
# distributed): any phone could stand for any other. Real phones are nothing like that. McMahan et al. made
# a hard case on purpose: sort all images by digit, cut the row into shards, and deal each client two.
#
# We have 6,000 images, about 600 of each digit, cut into 20 shards of 300. **Predict**: how many digits does a
# typical client hold?


# %% tags=["exercise"]
def deal_shards(labels, num_clients, shards_per_client, rng):
    """Deal each client the positions of its examples, so that it holds few different labels.

    Sort the positions by label; cut them into num_clients × shards_per_client shards whose sizes
    differ by at most one; shuffle the shards with `rng`; give each client shards_per_client.

    Args: labels, an integer array of shape (n,); num_clients; shards_per_client; rng, a numpy Generator.
    Returns: a list with one integer array of positions a client. Every position is dealt exactly once.
    """
    ### BEGIN SOLUTION
    by_label = np.argsort(labels, kind="stable")
    shards = np.array_split(by_label, num_clients * shards_per_client)
    dealt = rng.permutation(len(shards)).reshape(num_clients, shards_per_client)
    return [np.concatenate([shards[shard] for shard in hand]) for hand in dealt]
    ### END SOLUTION


# %% tags=["check"]
deal_shards = check("01.1", deal_shards)  # stuck? hint("01.1")

# %% [markdown]
# From here on (except in one section) each of our ten people has 600 images, as in McMahan et al. The next cell deals them in three
# ways: fairly, in shards (your function deals this picture), and by a **Dirichlet** draw, where one number α sets how uneven the mix is
# (α large: fair; α near 0: each digit belongs to hardly anyone but one client).


# %%
def deal(partition, seed, **settings):
    """Ten clients of 600 images each on average: 6,000 images, partitioned."""
    few = np.random.default_rng(seed).choice(len(train), 6_000, replace=False)
    return [
        few[part] for part in partition(mnist.train_labels[few], 10, seed=seed, **settings)
    ]


def your_shards(labels, num_clients, *, seed):
    return deal_shards(labels, num_clients, 2, np.random.default_rng(seed))


dealt = {
    "IID": deal(partition_iid, 0),
    "two shards each": deal(your_shards, 0),
    "Dirichlet, α = 0.1": deal(partition_dirichlet, 0, alpha=0.1),
}
counts = {name: label_counts(mnist.train_labels, parts) for name, parts in dealt.items()}
_, axes = plt.subplots(1, 3, figsize=(10, 3.4))
for ax, (name, table) in zip(axes, counts.items(), strict=True):
    plot_holdings(ax, table, title=name)
present(
    ax,
    caption=(
        "Who holds what, one deal of 6,000 images. A circle's area is the number of "
        "images, relative to the largest circle of its own panel, so areas do not "
        "compare between panels."
    ),
    alt=(
        "Three dot charts of digit against client: even dots for IID, two to four dots "
        "a client for shards, dots of very different size for Dirichlet."
    ),
)

# %%
held = (counts["two shards each"] > 0).sum(axis=1)
two_commonest = (
    np.sort(counts["two shards each"], axis=1)[:, -2:].sum()
    / counts["two shards each"].sum()
)
print(
    "digits held by each client:",
    held,
    f"| {two_commonest:.0%} of images are of their client's two commonest",
)
three_or_more = int((held >= 3).sum())
claim("Some of our ten clients hold three digits or more", three_or_more > 0)

# %% [markdown]
# Was your guess two? McMahan et al. cut 200 shards for 100 clients; the nine borders between digits fall into few of
# them, and "most clients will only have examples of two digits". We cut 20, and nearly half of ours contain a border.
# So we say *two shards* and not *two digits*.
#
# The runs that follow are dealt by the library's `partition_shards`. It deals as you do; which client gets which shard is
# luck, and some sentences below depend on that luck, so everybody trains on the deals for which we checked them.

# %% [markdown]
# ## One round, by hand
#
# A round has three steps: every client **gets** the global model, **trains** it on its own images, and the
# server **averages** what comes back. Training first. `batches(n, batch_size, generator)` gives you shuffled
# positions, a batch at a time.


# %% tags=["exercise"]
def train_locally(model, examples, local_epochs, batch_size, learning_rate, generator):
    """Train `model` in place on one client's examples, by plain SGD on the cross-entropy.

    Args: model, a torch module; examples, with .images (n, 784) and .labels (n,); local_epochs, passes over
        the examples; batch_size; learning_rate; generator, for `batches(n, batch_size, generator)`.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    for _ in range(local_epochs):
        for batch in batches(len(examples), batch_size, generator):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(examples.images[batch]), examples.labels[batch])
            loss.backward()
            optimizer.step()
    ### END SOLUTION


# %% tags=["check"]
train_locally = check("01.2", train_locally)  # stuck? hint("01.2")

# %% [markdown]
# Now ten clients train from the same starting point, each on its two shards, for three epochs.
#
# **Predict** two numbers before you run on: how well does one client's model do on the test set of all ten
# digits? And a model whose weights are the plain average of those ten?

# %%
model = two_nn(seed=0, hidden=50)
start = weights_of(model)
dealt["two shards each"] = deal(partition_shards, 0)
clients = [train.take(part) for part in dealt["two shards each"]]
local_models = []
for client, examples in enumerate(clients):
    model.load_state_dict(start)
    train_locally(
        model, examples, 3, 50, 0.2, client_generator(0, round_index=0, client=client)
    )
    local_models.append(weights_of(model))
    print(f"client {client} alone: {accuracy(model, test):.1%} of all ten digits")

# %% [markdown]
# Each client knows its own digits and calls every other digit one of them. Now the server's half.
# A client with more examples has seen more evidence, so it counts for more.


# %% tags=["exercise"]
def fedavg(models, num_examples):
    """The weighted mean of the clients' models: Σ (n_k / n) · w_k, for each parameter.

    Args: models, a list of dictionaries, name → tensor (all alike); num_examples, one count a client.
    Returns: a new dictionary, name → tensor, of the same shapes.
    """
    ### BEGIN SOLUTION
    total = sum(num_examples)
    return {
        name: sum(
            model[name] * (count / total)
            for model, count in zip(models, num_examples, strict=True)
        )
        for name in models[0]
    }
    ### END SOLUTION


# %% tags=["check"]
fedavg = check("01.3", fedavg)  # stuck? hint("01.3")

# %%
alone = []
for local in local_models:
    model.load_state_dict(local)
    alone.append(accuracy(model, test))
model.load_state_dict(fedavg(local_models, [len(examples) for examples in clients]))
averaged = accuracy(model, test)
best_alone = max(alone)
claim("The average of the ten models beats every one of them", averaged > best_alone)

# %% [markdown]
# No image moved, and the average of ten poor models is better than any of them. All ten started from the *same* weights.
#
# **Predict**: two networks from *different* random starts, each trained on the same 6,000 images. What does their
# average reach?

# %%
two_starts = []
for seed in (1, 2):
    stranger = two_nn(seed=seed, hidden=50)
    everything = train.take(np.concatenate(dealt["IID"]))
    train_locally(
        stranger, everything, 3, 50, 0.2, client_generator(seed, round_index=0, client=0)
    )
    two_starts.append((weights_of(stranger), accuracy(stranger, test)))
model.load_state_dict(fedavg([weights for weights, _ in two_starts], [1, 1]))
worse_parent = min(score for _, score in two_starts)
average_of_strangers = accuracy(model, test)
print(f"one start: ten clients, best {best_alone:.0%}, average {averaged:.0%}")
print(f"two starts: the worse {worse_parent:.0%}, average {average_of_strangers:.0%}")
claim(
    "The average of two good models from different starts is far worse than either",
    average_of_strangers < worse_parent - 0.10,
)

# %% [markdown]
# Ten poor models from one start go *up* when averaged; two good ones from two starts go *down*. Unit 7 of one network has
# learned something else than unit 7 of the other, so the mean of their weights means little. The left of Figure 1 of
# McMahan et al. shows the same, as a loss.

# %% [markdown]
# ## All of MNIST, ten clients
#
# One round is a start; FedAvg repeats it. `run_fedavg` is that loop, one local epoch a round: *your* `fedavg` averages,
# and the library trains (as you do, a little faster). The exam: do ten clients with 6,000 images each match one
# computer that holds all 60,000?
#
# **Predict**: how many points does federation cost when the data is IID?

# %%
fair_parts = partition_iid(mnist.train_labels, 10, seed=0)
settings = {"batch_size": 50, "seed": 0}
centralised = run_fedavg(
    [train],
    test,
    model=two_nn(seed=0, hidden=100),
    rounds=4,
    learning_rate=0.3,
    batch_size=100,
    seed=0,
    progress="centralised",
)
federated = run_fedavg(
    [train.take(part) for part in fair_parts],
    test,
    model=two_nn(seed=0, hidden=100),
    rounds=7,
    learning_rate=0.4,
    aggregate=fedavg,
    progress="FedAvg",
    **settings,
)
best_centralised, last_federated = centralised.accuracy.max(), federated.accuracy[-1]

# %%
claim("One computer with all the data reaches 97 %", best_centralised >= 0.97)
claim(
    "Ten clients with fair shares come within 1.5 points of it",
    best_centralised - last_federated < 0.015,
)

# %% [markdown]
# The centralised run is our function with a single client, and its number is the best of its epochs. The two are not tuned
# alike: four epochs in batches of 100 at rate 0.3 against seven rounds in batches of 50 at 0.4 (averaging ten models
# shortens the step), rates compared on the test set. With one rate of 0.2 for both, the gap was two points when we tried.
# One run each: the five-seed comparison comes next, on fewer images.

# %% [markdown]
# ## Two shards each
#
# Back to 600 images a person and a small model (50 units), because each run is now repeated with five seeds. Fair shares
# against two shards: between the two, only the dealing differs. (The shard runs go on to round 24; we need that later.)
#
# **Predict**: after ten rounds, how far behind is the run whose clients hold two shards each?

# %%
SEEDS = range(5)
half = test.take(np.arange(0, len(test), 2))  # Every second test image: half the time.


def five_runs(parts_of, label, *, rounds=10, learning_rate=0.2, run=run_fedavg, **more):
    """One run a seed, each with its own deal and its own start: five histories."""
    return [
        run(
            [train.take(part) for part in parts_of(seed)],
            half,
            model=two_nn(seed=seed, hidden=50),
            rounds=rounds,
            seed=seed,
            learning_rate=learning_rate,
            batch_size=50,
            progress=f"{label}, seed {seed}",
            **more,
        )
        for seed in SEEDS
    ]


def accuracies(runs):
    """The accuracy curves of several runs, shape (runs, rounds)."""
    return np.array([history.accuracy for history in runs])


def two_shards(seed):
    return deal(partition_shards, seed)


iid = accuracies(five_runs(lambda seed: deal(partition_iid, seed), "IID", aggregate=fedavg))
shard_runs = five_runs(two_shards, "two shards", rounds=24, aggregate=fedavg)
shards = accuracies(shard_runs)

# %% [markdown]
# Two baselines belong in every picture of federated learning. **Centralised**: the 6,000 images pooled, which
# is what we are not allowed to do. **Local only**: each client trains alone and sends nothing.

# %%
pooled = run_fedavg(
    [train.take(np.concatenate(two_shards(0)))], half, model=two_nn(seed=0, hidden=50), rounds=10,
    learning_rate=0.2, **settings,
).accuracy[-1]  # fmt: skip
local_only = []
for client, examples in enumerate(clients):
    model.load_state_dict(start)
    train_locally(
        model, examples, 24, 50, 0.2, client_generator(0, round_index=1, client=client)
    )
    local_only.append(accuracy_per_class(model, test))
local_on_all = float(np.mean([per_digit.mean() for per_digit in local_only]))

# %%
_, ax = plt.subplots()
plot_curves(
    ax,
    {"IID": iid, "two shards": shards[:, :10]},
    title="Two shards a client cost FedAvg many points at equal rounds",
    baselines={"centralised": pooled, "local only": local_on_all},
)
present(
    ax,
    caption=(
        "Test accuracy on all ten digits. Lines: mean of five seeds (deal, start and "
        "shuffles all change); bands: lowest to highest seed. Baselines: one run each "
        "on the deal of seed 0, centralised for 10 epochs, local only for 24. It misleads in one way: both curves still rise, so the "
        "gap at round ten is not the gap in the end."
    ),
    alt=(
        "Accuracy over ten rounds: IID rises to just under the centralised line, two "
        "shards lags well behind; local only is a low level line."
    ),
)

# %%
behind = iid[:, 9] - shards[:, 9]
mean_behind, least_behind = behind.mean(), behind.min()
claim(
    "After ten rounds two-shard clients are at least five points behind in every seed",
    least_behind > 0.05,
)
claim("On average they are more than ten points behind", mean_behind > 0.10)

# %% [markdown]
# ## Whose accuracy?
#
# The curve above is about all ten digits. But client 0 only ever meets its own. Let us score every client
# on *its own mix*: the model's accuracy on each digit, weighted by how much of that digit the client holds.

# %%
model.load_state_dict(shard_runs[0].weights)
held = label_counts(mnist.train_labels, dealt["two shards each"])
mixes = held / held.sum(axis=1, keepdims=True)  # (clients, digits)
own_federated = mixes @ accuracy_per_class(model, test)
own_local = np.array(
    [mix @ per_digit for mix, per_digit in zip(mixes, local_only, strict=True)]
)

# %%
_, ax = plt.subplots()
plot_clients(
    ax,
    {"FedAvg, 24 rounds": own_federated, "local only, 24 epochs": own_local},
    title="On its own mix of digits, a client alone does better (one run)",
)
present(
    ax,
    caption=(
        "Accuracy on each client's own mix of digits, two shards a client, one run. "
        "Look at the lowest circle: the mean hides it. It misleads in one way: 'own "
        "digits only' is a test that asks nothing of the digits a person will meet "
        "tomorrow."
    ),
    alt=(
        "For each of ten clients a circle for FedAvg and a square for local only; the "
        "squares are all near the top, the circles are spread out below."
    ),
)

# %%
worst_client, mean_client = own_federated.min(), own_federated.mean()
losers = int((own_local > own_federated).sum())
claim(
    "The worst-served client is more than five points below the mean client",
    mean_client - worst_client > 0.05,
)
claim("In this run, most clients would do better alone on their own digits", losers > 5)

# %% [markdown]
# Telling two or three digits apart is an easier task than telling ten apart, and alone a client has only that
# task. Whether federation "works" depends on whom you ask
# and on which test; a mean over clients answers neither question. When somebody shows you one accuracy
# for a federated model, ask for the worst client, and for what that client would have had alone.

# %% [markdown]
# *Half-way, and a good place to stop: you have built FedAvg and seen what uneven data does. The second half asks what it
# costs, and whether it can be repaired.*

# %% [markdown]
# ## How uneven is too uneven?
#
# Two shards each is one extreme. A Dirichlet draw lets us turn a dial from fair to extreme.

# %%
sweep = {"IID": iid[:, 5]}
for alpha in (1.0, 0.1):
    runs = five_runs(
        lambda seed: deal(partition_dirichlet, seed, alpha=alpha),
        f"α = {alpha:g}",
        rounds=6,
        aggregate=fedavg,
    )
    sweep[f"α = {alpha:g}"] = accuracies(runs)[:, -1]
sweep["two shards"] = shards[:, 5]
_, ax = plt.subplots()
plot_levels(
    ax,
    sweep,
    title="Mild unevenness costs little, extremes cost a lot",
    xlabel="how the images are dealt",
    baselines={"centralised": pooled, "local only": local_on_all},
)
present(
    ax,
    caption=(
        "Test accuracy after six rounds. Dots: five seeds; bar and number: their mean. "
        "With Dirichlet the clients also differ in how many images they have, which the"
        " shards do not. The two baselines are those of the figure before last: one run each, "
        "local only on two shards."
    ),
    alt=(
        "Accuracy for four deals: IID and alpha 1 close together at the top, alpha 0.1 "
        "and two shards lower and more spread."
    ),
)

# %%
mild, extreme = sweep["α = 1"].mean(), sweep["α = 0.1"].mean()
fair = sweep["IID"].mean()
claim("At α = 1 the cost is under five points", fair - mild < 0.05)
claim("At α = 0.1 it is more than five points", fair - extreme > 0.05)

# %% [markdown]
# ## What does a round cost?
#
# Phones pay for bytes, not for rounds. Count what one round moves: the model goes down to each client of
# the **cohort** (the clients of this round) and comes back up.


# %% tags=["exercise"]
def bytes_a_round(model, cohort_size):
    """Bytes of model payload that one round moves, both directions, all clients of the cohort.

    Args: model, a dictionary, name → tensor (of any dtype); cohort_size, the number of clients.
    Returns: an int.
    """
    ### BEGIN SOLUTION
    return (
        2
        * cohort_size
        * sum(tensor.numel() * tensor.element_size() for tensor in model.values())
    )
    ### END SOLUTION


# %% tags=["check"]
bytes_a_round = check("01.4", bytes_a_round)  # stuck? hint("01.4")

# %% [markdown]
# The alternative is **FedSGD**: each client sends the gradient of *one* batch with all its images, and the server takes one
# step. In our function that is one local epoch with `batch_size=None`: after one step a client's model is *start − rate ×
# gradient*, and the average of such models is *start − rate × the mean gradient*, the step the server would take.
#
# **Predict**: to the same accuracy, which sends fewer bytes, and by what factor?

# %%
target = 0.85
fair_clients = [train.take(part) for part in dealt["IID"]]
fedsgd = run_fedavg(
    fair_clients,
    half,
    model=two_nn(seed=0, hidden=50),
    rounds=120,
    seed=0,
    learning_rate=0.5,
    batch_size=None,
    aggregate=fedavg,
    stop_at=target,
    progress="FedSGD",
)
one_round = bytes_a_round(start, 10)
megabytes = {
    "FedAvg": one_round * np.arange(1, 11) / 1e6,
    "FedSGD": one_round * np.arange(1, len(fedsgd.accuracy) + 1) / 1e6,
}
_, ax = plt.subplots()
plot_curves(
    ax,
    {"FedAvg": iid[0], "FedSGD": fedsgd.accuracy},
    x=megabytes,
    xlabel="model payload sent, all clients (MB)",
    title="On fair shares, local training saves bytes",
    baselines={"target": target, "centralised": pooled},
)
present(
    ax,
    caption=(
        "IID deal of seed 0, one run each. FedSGD takes one step a round (learning "
        "rate 0.5, one of three that we tried: 0.3, 0.5, 1), FedAvg twelve. It misleads in "
        "one way: a phone's computing is not on the axis. Each round costs it one pass "
        "over its images in both methods."
    ),
    alt=(
        "Accuracy against megabytes sent: FedAvg reaches 85 percent after a few rounds'"
        " bytes, FedSGD needs several times as many."
    ),
)

# %%
fedsgd_rounds = fedsgd.rounds_to(target)
fedavg_rounds = int(np.flatnonzero(iid[0] >= target)[0]) + 1
claim("FedSGD gets to 85 % in the end", fedsgd_rounds is not None)
claim(
    "On fair shares it sends over three times the bytes of FedAvg to get there",
    fedsgd_rounds > 3 * fedavg_rounds,
)

# %% [markdown]
# ## Why uneven data hurts: drift
#
# After *one* step it does no harm that clients disagree: the mean of their gradients is the gradient of everybody's loss.
# From the second step on, each client computes its gradient at a point that only it has reached, and walks on towards its own
# digits. That is **drift**. It needs two things, several steps and clients that disagree, and we measure the second:
# the angle between their **updates** (*local − global*). The cosine of two vectors is u · v / (|u| |v|): 1 for the same
# direction, 0 at right angles, −1 for opposite ones.


# %% tags=["exercise"]
def mean_cosine(updates):
    """The mean cosine between the updates of two different clients, over all pairs.

    Args: updates, a list of at least two dictionaries, name → tensor (all alike).
    Returns: a float in [-1, 1]. Each update counts as one long vector.
    """
    ### BEGIN SOLUTION
    vectors = torch.stack(
        [torch.cat([tensor.flatten() for tensor in update.values()]) for update in updates]
    )
    directions = vectors / vectors.norm(dim=1, keepdim=True)
    cosines = directions @ directions.T
    return cosines[~torch.eye(len(updates), dtype=torch.bool)].mean().item()
    ### END SOLUTION


# %% tags=["check"]
mean_cosine = check("01.5", mean_cosine)  # stuck? hint("01.5")


# %% [markdown]
# **Predict** both mean cosines over ten clients: fair shares, and two shards each.


# %%
def drift_after(examples_of_clients, local_epochs, seed):
    """Mean cosine between the clients' updates in the first round."""
    model, updates = two_nn(seed=seed, hidden=50), []
    before = weights_of(model)
    for client, examples in enumerate(examples_of_clients):
        model.load_state_dict(before)
        train_locally(
            model,
            examples,
            local_epochs,
            50,
            0.2,
            client_generator(seed, round_index=0, client=client),
        )
        updates.append(subtract(weights_of(model), before))
    return mean_cosine(updates)


cosines = {
    kind: [
        drift_after([train.take(part) for part in deal(partition, seed)], 1, seed)
        for seed in SEEDS
    ]
    for kind, partition in (("iid", partition_iid), ("shards", partition_shards))
}
agree, apart = min(cosines["iid"]), max(cosines["shards"])
print("IID:", np.round(cosines["iid"], 2), " two shards:", np.round(cosines["shards"], 2))

# %%
claim(
    "In the first round, fair-share clients' updates have a mean cosine above 0.6",
    agree > 0.6,
)
claim("Two-shard clients' updates have one below 0.15: nearly right angles", apart < 0.15)

# %% [markdown]
# At right angles, most of what one client learns is not confirmed by any other, and the average keeps a tenth
# of each. Over twelve steps, disagreement like this is what makes clients drift, and no choice of weights in the average
# removes it: it happens before the average.

# %% [markdown]
# ## A remedy: SCAFFOLD
#
# If a client always pulls the same wrong way, it can *know* that and correct for it. In **SCAFFOLD** each
# client keeps a **control** c_k, a guess of its own mean gradient; the server keeps their mean c. Every local
# step then adds c − c_k: "what everyone would do, instead of what I would do".
#
# All controls start at 0, so the first round is FedAvg's. Every local step uses *gradient + c − c_k*. So after `steps` of them the model has moved by
# *before − after = steps · learning_rate · (mean gradient + c − c_k)*. The client knows everything in this but its mean
# gradient. Solve for it: that is its next control.


# %% tags=["exercise"]
def next_control(control, server_control, before, after, steps, learning_rate):
    """A client's next control: its own mean gradient over the round just run, for each parameter.

    Args: control (c_k), server_control (c), before, after: dictionaries, name → tensor, all alike;
        steps, the SGD steps that the client took; learning_rate, of each step.
    Returns: a new dictionary, name → tensor.
    """
    ### BEGIN SOLUTION
    return {
        name: control[name]
        - server_control[name]
        + (before[name] - after[name]) / (steps * learning_rate)
        for name in control
    }
    ### END SOLUTION


# %% tags=["check"]
next_control = check("01.6", next_control)  # stuck? hint("01.6")

# %% [markdown]
# **Predict**: does the correction close the gap to IID? By half? Not at all?


# %%
# `run_scaffold` passes the last two by name.
def your_control(control, server_control, before, after, *, steps, learning_rate):
    return next_control(control, server_control, before, after, steps, learning_rate)


scaffold = accuracies(
    five_runs(
        two_shards,
        "SCAFFOLD",
        rounds=24,
        learning_rate=0.1,
        run=run_scaffold,
        control_update=your_control,
    )
)
_, ax = plt.subplots()
plot_curves(
    ax,
    {"SCAFFOLD": scaffold, "FedAvg": shards},
    title="Per round SCAFFOLD keeps up; per byte it is behind",
    baselines={"centralised": pooled, "local only": local_on_all},
)
present(
    ax,
    caption=(
        "Two shards a client; mean of five seeds, bands from lowest to highest. Each "
        "at the best learning rate that we tried, on the test set: SCAFFOLD 0.1 (of "
        "0.1, 0.15, 0.2), FedAvg 0.2 (of 0.1, 0.2, 0.3, 0.4). SCAFFOLD sends two "
        "numbers for each one of FedAvg: its round 12 has cost as many bytes as "
        "FedAvg's round 24. The baselines are those of the first such figure: centralised "
        "after 10 epochs, local only after 24."
    ),
    alt=(
        "Accuracy over 24 rounds, two shards a client: the bands of FedAvg and SCAFFOLD "
        "overlap from the first rounds to the last."
    ),
)

# %%
leads = scaffold[:, 23] - shards[:, 23]
print("SCAFFOLD's lead after 24 rounds, in points, a seed:", np.round(100 * leads, 1))
mean_lead, apart = abs(leads.mean()), leads.max() - leads.min()
same_bytes = (scaffold[:, 11] - shards[:, 23]).mean()
too_fast = run_scaffold(
    clients, half, model=two_nn(seed=0, hidden=50), rounds=12, learning_rate=0.2, **settings
).accuracy[-1]
slow_enough = scaffold[0, 11]

# %%
claim(
    "Per round, five deals name no winner: they differ by more than the mean lead",
    mean_lead < apart,
)
claim("At equal bytes SCAFFOLD is more than three points behind", same_bytes < -0.03)
claim(
    "At FedAvg's learning rate SCAFFOLD ends over three points lower than at its own (one run)",
    too_fast < slow_enough - 0.03,
)

# %% [markdown]
# Five deals cannot tell. So we ran twenty, which takes minutes; the next cell reads the **recorded** result.

# %%
record = json.loads((ROOT / "tests/benchmarks/results/scaffold_deals.json").read_text())
leads = np.array(
    [row["SCAFFOLD"]["round 24"] - row["FedAvg"]["round 24"] for row in record["rows"]]
)
lead, error = leads.mean(), leads.std(ddof=1) / len(leads) ** 0.5
print(
    f"mean lead over {len(leads)} deals: {100 * lead:.1f} points, standard error {100 * error:.1f}"
)
claim(
    "Over twenty deals SCAFFOLD's lead is more than two standard errors", lead > 2 * error
)
claim("It is less than three points", lead < 0.03)

# %% [markdown]
# So does the remedy help? Per round, a little, and less than the luck of a deal. It wants a smaller step, it doubles the
# bytes, and it needs clients that remember their control between rounds (phones that appear once cannot).
# Compare at one learning rate only, or choose your five seeds, and you can make it look as you like.

# %% [markdown]
# ## Beside the published figures
#
# McMahan et al. trained a larger 2NN (200 units) on all 60,000 images with 100 clients, ten of them a round,
# batches of ten, one local epoch, and counted the rounds to 97 %. We reran that row; it takes half an hour,
# so this cell reads the **recorded** result, best of a grid of learning rates, one seed.

# %%
record = json.loads((ROOT / "tests/benchmarks/results/mcmahan_2nn.json").read_text())
ours = {
    split: min(
        (
            row["rounds"]
            for row in record["rows"]
            if row["split"] == split and row["rounds"]
        ),
        default=None,
    )
    for split in ("iid", "shards")
}
for split, rounds in record["published_rounds"].items():
    print(f"{split:7} rounds to 97 %: paper {rounds}, ours {ours[split]}")

# %%
published = record["published_rounds"]
claim("We need fewer rounds than the paper on the IID row", ours["iid"] < published["iid"])
claim("And on the two-shard row", ours["shards"] < published["shards"])
claim(
    "Ours: two shards need over four times the rounds of IID",
    ours["shards"] > 4 * ours["iid"],
)
claim("The paper's do, too", published["shards"] > 4 * published["iid"])

# %% [markdown]
# We need half the paper's rounds or fewer, and we do not know why. It is hardly the counting, which may differ by a round, and not the
# tuning: their grid had eleven to thirteen rates, ours four (of which 0.4 diverged on shards). We ran one seed. Take it as a
# warning: rounds from two code bases do not compare, even with the same recipe.

# %% [markdown]
# ### What this does *not* protect
#
# Nothing was hidden from the server: it saw ten models a round, each trained on one person's images, and
# lesson 00 turned one such update back into its digit. **The privacy ledger of this lesson is empty**: no
# noise, no ε, no promise. Any client could also have sent garbage and moved the mean at will; lesson 02
# shows what one such client does.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Client A has 900 images, client B has 100. In FedAvg, how much of the average is B's?",
    {
        "Half": "That is the unweighted mean. FedAvg weighs by examples, so that every image counts the same.",
        "A tenth": right(
            "n_B / n = 100 / 1000. Every image counts the same, so a small client has a small say."
        ),
        "None: small clients are dropped": "Dropping them would lose exactly the people who differ most.",
    },
)

# %%
quiz(
    "You raise the local epochs from 1 to 20 on two-shard data. What do you expect?",
    {
        "Fewer rounds, always": (
            "In Table 2 of McMahan et al. (their CNN, to 99 %), with batches of 50, two-shard data needed 334 rounds at five "
            "epochs and 426 at twenty."
        ),
        "No change, since the average corrects it": "The average comes after the drift and keeps it.",
        "Often fewer rounds, with no guarantee": right(
            "In that table, with batches of 10, rounds fell from 350 to 173; with batches of 50 they rose again."
        ),
    },
)

# %%
quiz(
    "Your federated model has 94 % mean accuracy over ten hospitals. What do you ask next?",
    {
        "What the worst hospital gets, and what it would get alone": right(
            "A mean can rise while a client loses. Each participant decides by its own number."
        ),
        "Whether 95 % is possible with more rounds": "Perhaps, and still nobody knows who is served badly.",
        "Nothing: the mean is above 90 %": "A mean of 94 % allows a hospital at 60 %.",
    },
)

# %%
quiz(
    "What did the server learn about client 3 in this lesson?",
    {
        "Nothing, since images never left the phone": "Lesson 00 rebuilt an image from an update. Staying put is not staying private.",
        "Only its number of examples": "That too, and far more: its whole model after local training.",
        "Its whole local model in every round": right(
            "And a model trained on few images says a lot about them: lessons 03 and 04."
        ),
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "FedAvg converges slowly for us. What do you look at?"** (3 minutes)
#
# *Rubric*: asks how the data is split (1); separates rounds from bytes and from compute (1); names drift and
# a way to measure it (1); proposes tuning the learning rate before a new algorithm (1); asks for per-client
# results (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Non-IID data is a known problem; we would switch to SCAFFOLD or FedProx."
#
# *Strong*: "First I would measure it: the cosine between updates in a round. In this course's run it is above 0.6 for
# fair shares and below 0.15 for two shards a client. Then I would tune the local learning rate and epochs before I change
# the algorithm: there SCAFFOLD's lead per round was under three points over twenty deals, invisible in five, and it doubled
# the bytes. I would report rounds, bytes and the worst client, not one mean."
#
# </details>

# %% [markdown]
# **2. "Why not send gradients every step? That would be exact."** (2 minutes)
#
# *Rubric*: names it FedSGD (1); exact but a round trip a step (1); bytes to a target as the measure (1); says
# when it is right: few, reliable, well-connected clients (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "It would be too slow."
#
# *Strong*: "It is right when a round trip is cheap, as between hospitals: the mean gradient is
# exact. On phones the round trip is the cost. On fair shares, FedSGD needed more than three times the bytes of
# FedAvg to reach 85 % here, because a FedAvg round holds twelve steps."
#
# </details>

# %% [markdown]
# ## Sources
#
# - McMahan, Moore, Ramage, Hampson, Agüera y Arcas 2017, *Communication-Efficient Learning of Deep Networks from
#   Decentralized Data*, arXiv:1602.05629v4. Algorithm 1 is exercises 01.2 and 01.3; Figure 1: two models, different and
#   shared start; section 3 the shards; Table 1 the 87 and 664 rounds; Table 2 the local epochs.
# - Yurochkin et al. 2019, arXiv:1905.12022: each digit is split over the clients by a Dirichlet draw, as in our sweep. (Hsu
#   et al. 2019, arXiv:1909.06335, draw a mix for each client and keep the sizes equal.)
# - Karimireddy et al. 2020, *SCAFFOLD*, arXiv:1910.06378. Algorithm 1 and equation 4 (option II) are exercise 01.6.
# - Zhao et al. 2018, *Federated Learning with Non-IID Data*, arXiv:1806.00582: weight divergence, a cousin of our cosine.
