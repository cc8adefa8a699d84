# %% [markdown]
# # What changes when clients are programs of their own?
#
# In lesson 01 the ten clients were a `for` loop. Here they become programs that a server can only reach by
# messages: they fail, and one of them lies. The framework is **Flower**, an open library for federated learning that is
# installed with the course; the clients are the ones that you know.
#
# You will
# - turn lesson 01's client into a Flower `ClientApp`, and get *the same weights* as lesson 01,
# - decide what a server does when a client fails, lies, or pulls elsewhere, and
# - read the log of a real deployment: separate processes, TLS, a stranger turned away, a client killed.
#
# *About 50 minutes of your time; 25 s and 700 MiB on one core. You need: lesson 01.*

# %% [markdown]
# > - **Who attacks?** One of the ten clients, in the middle of the lesson. It sends what it likes.
# > - **What do they see?** A client: each global model. The server: every client's model, as before.
# > - **What do they want?** To ruin the model for everyone.
# > - **Whom do we trust?** The server, and nine clients, of which we do not know which nine.

# %% tags=["setup"]
import json
import logging
import tomllib

import matplotlib.pyplot as plt
import numpy as np
import torch
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAdam, FedAvg, FedMedian, FedProx

from course import ROOT
from course.data import load_mnist, partition_iid, partition_shards
from course.exercises import begin, check, claim, hint, quiz, right
from course.federated import (
    accuracy,
    accuracy_per_class,
    as_examples,
    client_generator,
    fedavg,
    run_fedavg,
    train_client,
    two_nn,
    weights_of,
)
from course.federated.flower_clients import flower_clients, poisoned
from course.federated.in_process_grid import InProcessGrid
from course.figures import plot_curves, plot_levels, plot_timeline, present

begin("02")
logging.getLogger("flwr").setLevel(
    logging.ERROR
)  # Flower logs every message; here we look at results.

# %%
mnist = load_mnist()
digits = as_examples(mnist.train_images, mnist.train_labels)
test = as_examples(mnist.test_images, mnist.test_labels)


def deal(kind, seed):
    """Ten clients of 600 images each, "iid" or in two "shards" a client, as in lesson 01."""
    few = np.random.default_rng(seed).choice(len(digits), 6_000, replace=False)
    partition = partition_iid if kind == "iid" else partition_shards
    return [
        digits.take(few[part]) for part in partition(mnist.train_labels[few], 10, seed=seed)
    ]


clients = deal("shards", 0)

# %% [markdown]
# ## A client is a function from message to message
#
# A Flower **message** has a type ("train", "evaluate"), a sender, a receiver, and a content: a `RecordDict`, which
# holds arrays, metrics and settings under names of your choice. Flower's strategies expect three: `arrays`,
# `metrics`, `config`. Here is what the server's message to a client contains.

# %%
from_server = RecordDict(
    {
        "arrays": ArrayRecord(two_nn(seed=0, hidden=50).state_dict()),
        "config": ConfigRecord({"server-round": 1, "learning-rate": 0.2}),
    }
)
for name, record in from_server.items():
    print(f"{name}: {type(record).__name__} with {list(record)}")

weights = from_server["arrays"].to_torch_state_dict()  # and back to name → tensor
print(tuple(weights["0.weight"].shape), from_server["config"]["learning-rate"])

# %% [markdown]
# Write the client's answer. `train_here(weights, learning_rate)` does the work of lesson 01 and returns new weights;
# you unpack what came and pack what goes back.


# %% tags=["exercise"]
def answer_train(content, num_examples, train_here):
    """The content of a client's reply to a train message.

    Args: content, a RecordDict with "arrays" (the global model) and "config" (with "learning-rate");
        num_examples, how many examples this client has; train_here(weights, learning_rate), returns the
        trained weights: both are dictionaries, name → tensor.
    Returns: a RecordDict with "arrays" (an ArrayRecord: the trained model) and "metrics" (a MetricRecord with
        "num-examples").
    """
    ### BEGIN SOLUTION
    weights = content["arrays"].to_torch_state_dict()
    trained = train_here(weights, content["config"]["learning-rate"])
    return RecordDict(
        {
            "arrays": ArrayRecord(trained),
            "metrics": MetricRecord({"num-examples": num_examples}),
        }
    )
    ### END SOLUTION


# %% tags=["check"]
answer_train = check("02.1", answer_train)  # stuck? hint("02.1")

# %% [markdown]
# That is the whole client. The decorator tells Flower which messages the function answers; `context` is the
# client's own memory: which node it is, and whatever it wants to keep. `partition-id` is the client's number; Flower counts
# rounds from 1 and our loop from 0, hence the − 1.

# %%
app = ClientApp()


@app.train()
def train_on_this_node(message, context):
    client = context.node_config["partition-id"]
    generator = client_generator(
        0, round_index=message.content["config"]["server-round"] - 1, client=client
    )

    def train_here(weights, learning_rate):
        return train_client(
            two_nn(seed=0, hidden=50),
            weights,
            clients[client],
            local_epochs=1,
            batch_size=50,
            learning_rate=learning_rate,
            generator=generator,
        )

    return Message(
        answer_train(message.content, len(clients[client]), train_here), reply_to=message
    )


# %% [markdown]
# ## The server: a strategy and a grid
#
# A **strategy** decides whom to ask and what to do with the replies. The **grid** carries messages. In a deployment the
# grid is a network; here it is our `InProcessGrid`, which calls the clients in this kernel (Flower's own
# simulation starts a Ray cluster, which takes a while). Neither the strategy nor the client needs a changed line;
# delay, loss and time-outs are not simulated.
#
# `fraction_evaluate=0.0` asks no client for an evaluation: we test here.
#
# **Predict**: lesson 01's loop and Flower's FedAvg, same seed, three rounds. How far apart are the weights?

# %%
start = two_nn(seed=0, hidden=50)
result = FedAvg(fraction_evaluate=0.0).start(
    InProcessGrid(app, 10, raise_errors=True),
    ArrayRecord(start.state_dict()),
    num_rounds=3,
    train_config=ConfigRecord({"learning-rate": 0.2}),
)
from_flower = result.arrays.to_torch_state_dict()
by_hand = run_fedavg(
    clients, test, model=start, rounds=3, seed=0, learning_rate=0.2, batch_size=50
).weights
difference = max((from_flower[name] - by_hand[name]).abs().max().item() for name in by_hand)
print(
    f"largest difference of any of the {sum(t.numel() for t in by_hand.values()):,} weights: {difference:.1e}"
)

# %%
claim("Flower's FedAvg and lesson 01's give the same model", difference <= 1e-6)

# %% [markdown]
# So nothing in Flower's FedAvg is new to you: it is your average, with messages around it. What *is* new is
# everything that a `for` loop never had to think about.

# %% [markdown]
# ## A client fails
#
# Client 3's battery dies. Its reply carries an error instead of a content. Somebody has to decide what the
# average is now; Flower calls that `aggregate_train`. You write it.


# %% tags=["exercise"]
def average_survivors(replies):
    """The weighted mean of the models of those clients that answered.

    Args: replies, a list of Flower messages. reply.has_error() says whether it failed; if not,
        reply.content["arrays"] is the model, reply.content["metrics"]["num-examples"] its weight.
    Returns: a dictionary, name → tensor.
    Raises: ValueError, if nobody answered.
    """
    ### BEGIN SOLUTION
    answered = [reply.content for reply in replies if not reply.has_error()]
    if not answered:
        raise ValueError(f"none of the {len(replies)} clients answered")
    models = [content["arrays"].to_torch_state_dict() for content in answered]
    return fedavg(models, [content["metrics"]["num-examples"] for content in answered])
    ### END SOLUTION


# %% tags=["check"]
average_survivors = check("02.2", average_survivors)  # stuck? hint("02.2")

# %%
flaky = ClientApp()


@flaky.train()
def sometimes(message, context):
    if context.node_config["partition-id"] == 3:
        raise RuntimeError("the battery is empty")
    return train_on_this_node(message, context)


class AverageSurvivors(FedAvg):
    """Flower's FedAvg with your average in it."""

    def aggregate_train(self, server_round, replies):
        return ArrayRecord(average_survivors(list(replies))), MetricRecord()


train_config = ConfigRecord({"learning-rate": 0.2})
arguments = {"num_rounds": 1, "train_config": train_config}
ours = AverageSurvivors(fraction_evaluate=0.0).start(
    InProcessGrid(flaky, 10), ArrayRecord(start.state_dict()), **arguments
)
theirs = FedAvg(fraction_evaluate=0.0).start(
    InProcessGrid(flaky, 10), ArrayRecord(start.state_dict()), **arguments
)
apart = max(
    float(np.abs(ours.arrays[name].numpy() - theirs.arrays[name].numpy()).max())
    for name in by_hand
)
claim("With a failing client, your average and Flower's agree after a round", apart <= 1e-6)

# %% [markdown]
# (We compare after one round: sums taken in another order differ in the last bit, and over rounds such a bit can grow.)
# The run goes on without client 3. What did it lose? Ten rounds with client 3 and ten without, digit by digit.
#
# **Predict** the drop in overall accuracy, and in the digits that client 3 holds.

# %%
per_digit = []
for client_app in (app, flaky):
    result = FedAvg(fraction_evaluate=0.0).start(
        InProcessGrid(client_app, 10),
        ArrayRecord(start.state_dict()),
        num_rounds=10,
        train_config=train_config,
    )
    scored = two_nn(seed=0, hidden=50)
    scored.load_state_dict(result.arrays.to_torch_state_dict())
    per_digit.append((accuracy(scored, test), accuracy_per_class(scored, test)))
(overall, each), (overall_without, each_without) = per_digit
print(
    "client 3 holds", np.bincount(clients[3].labels, minlength=10), "of the digits 0 to 9"
)
print("right with it   ", np.round(each, 2), f"overall {overall:.3f}")
print("right without it", np.round(each_without, 2), f"overall {overall_without:.3f}")

# %%
total_drop, five_without = overall - overall_without, each_without[5]
claim("Overall accuracy drops by less than five points", total_drop < 0.05)
claim("Of the fives, almost none is recognised any more", five_without < 0.05)

# %% [markdown]
# A drop that you would take for noise, and a digit is gone: client 3 held nearly all of the fives. **Nothing raised.**
# Flower writes one line in its log, which we switched off at the top; if every client fails, it keeps the old model and
# goes on, where your function raises. Watch the number of replies, not only the accuracy.

# %% [markdown]
# ## A client lies
#
# Client 0 trains honestly and then sends its update times −10. It breaks no rule of the protocol, and nobody checks
# how long an update is. We compare FedAvg with a **robust** rule, the median of each weight over the clients.
#
# **Predict**: one liar among ten. What is left of FedAvg? And of the median?


# %% tags=["exercise"]
def coordinate_median(models):
    """For each single number of the model, its median over the clients.

    Args: models, a list of dictionaries, name → tensor, all alike.
    Returns: a new dictionary. With an even number of clients, the mean of the two in the middle.
    """
    ### BEGIN SOLUTION
    return {
        name: torch.quantile(torch.stack([model[name] for model in models]), 0.5, dim=0)
        for name in models[0]
    }
    ### END SOLUTION


# %% tags=["check"]
coordinate_median = check("02.3", coordinate_median)  # stuck? hint("02.3")


# %%
class YourMedian(FedAvg):
    """Flower's FedAvg with your median in it."""

    def aggregate_train(self, server_round, replies):
        return ArrayRecord(
            coordinate_median(
                [dict(r.content["arrays"].to_torch_state_dict()) for r in replies]
            )
        ), MetricRecord()


medians = [
    strategy(fraction_evaluate=0.0)
    .start(
        InProcessGrid(app, 10, raise_errors=True),
        ArrayRecord(start.state_dict()),
        **arguments,
    )
    .arrays
    for strategy in (YourMedian, FedMedian)
]
apart = max(
    float(np.abs(medians[0][name].numpy() - medians[1][name].numpy()).max())
    for name in by_hand
)
claim("Your median and Flower's FedMedian give the same model after a round", apart <= 1e-6)

# %% [markdown]
# Now five seeds, with the liar and without, on fair shares and on two shards each. `flower_clients` builds the
# `ClientApp` that you wrote above for any list of clients, `poisoned([0])` makes client 0 lie.

# %%
SEEDS, ROUNDS = range(5), 6


def five_runs(strategy, kind, *, liars=(), **settings):
    """Test accuracy after each of six rounds, for five seeds: (5, 6)."""
    curves = []
    for seed in SEEDS:
        model, curve = two_nn(seed=seed, hidden=50), []

        def evaluate(server_round, arrays, model=model, curve=curve):
            model.load_state_dict(arrays.to_torch_state_dict())
            curve.append(accuracy(model, test))
            return MetricRecord({"accuracy": curve[-1]})

        participants = deal(kind, seed)
        clients_app = flower_clients(
            participants,
            model=model,
            seed=seed,
            learning_rate=0.2,
            batch_size=50,
            mods=[poisoned(liars)] if liars else [],
        )
        strategy(fraction_evaluate=0.0, **settings).start(
            InProcessGrid(clients_app, 10),
            ArrayRecord(weights_of(model)),
            num_rounds=ROUNDS,
            evaluate_fn=evaluate,
        )
        curves.append(curve[1:])  # The first entry is the untrained model.
    print(
        f"{strategy.__name__}, {kind}, {len(liars)} liars: {100 * np.mean([c[-1] for c in curves]):.1f} %"
    )
    return np.array(curves)


honest = {kind: five_runs(FedAvg, kind) for kind in ("iid", "shards")}
lied_to = {kind: five_runs(FedAvg, kind, liars=[0]) for kind in ("iid", "shards")}
median = {kind: five_runs(FedMedian, kind, liars=[0]) for kind in ("iid", "shards")}

# %%
_, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
for ax, kind, name in zip(
    axes,
    ("iid", "shards"),
    ("Fair shares: the median rescues", "Two shards each: only in part"),
    strict=True,
):
    plot_curves(
        ax,
        {
            "FedAvg, no liar": honest[kind],
            "FedAvg, one liar": lied_to[kind],
            "median, one liar": median[kind],
        },
        title=name,
    )
present(
    axes[0],
    caption=(
        "One of ten clients sends −10 times its update. Mean of five seeds, bands from "
        "lowest to highest. The median rescues the left panel and only part of "
        "the right. It misleads in one way: this liar is crude; one that keeps its update at an "
        "ordinary length also moves a median."
    ),
    alt=(
        "Two panels of accuracy over six rounds. With fair shares the median under "
        "attack follows honest FedAvg; with two shards it stays far below; attacked "
        "FedAvg is at chance in both."
    ),
)

# %%
ruined = max(lied_to[kind][:, -1].max() for kind in lied_to)
rescued = (honest["iid"][:, -1] - median["iid"][:, -1]).mean()
not_rescued = (honest["shards"][:, -1] - median["shards"][:, -1]).mean()
claim(
    "One liar in ten leaves FedAvg below 25 % in every seed, on both splits", ruined < 0.25
)
claim(
    "With fair shares, the median under attack is within three points of honest FedAvg",
    rescued < 0.03,
)
claim("With two shards each, it is more than twenty points behind", not_rescued > 0.20)

# %% [markdown]
# With fair shares, nine updates of about +1 and one of −10 average to −0.1: the model walks backwards, while the median lies
# between two of the nine. Why only in part, on uneven data? The median keeps what *most* clients agree on. Lesson 01 measured that clients
# with two shards each agree on almost nothing, so a client that knows the digit 7 looks like a liar to
# the rest. **Robust rules assume that honest clients resemble each other.** Does the median cost anything when nobody
# lies?

# %%
median_alone = five_runs(FedMedian, "shards")
price = (honest["shards"][:, -1] - median_alone[:, -1]).mean()
claim(
    "On two shards, insuring against a liar costs over five points when there is none",
    price > 0.05,
)

# %% [markdown]
# ## The clients pull elsewhere: a server that optimises
#
# The other way to use the server is to let it *optimise*. After averaging, it knows where the clients, together, want to go:
# *mean − weights*. Where clients pull against each other that mean is small, though its direction may be steady. Adam keeps a
# running mean of the updates (*momentum*) and of their squares (*second*), and divides the one by the root of the other: a
# small but steady pull gets a full-sized step. τ keeps the division from blowing up. Reddi et al. call it **FedAdam**.


# %% tags=["exercise"]
def adam_step(weights, mean, momentum, second, step_size, beta_1, beta_2, tau):
    """One step of the server's Adam, for each parameter:

        update = mean − weights
        momentum = β₁ · momentum + (1 − β₁) · update
        second = β₂ · second + (1 − β₂) · update²
        weights = weights + step_size · momentum / (√second + τ)

    Args: weights, mean, momentum, second: dictionaries, name → tensor; step_size, beta_1, beta_2, tau: numbers.
    Returns: three new dictionaries: weights, momentum, second.
    """
    ### BEGIN SOLUTION
    update = {name: mean[name] - weights[name] for name in weights}
    momentum = {
        name: beta_1 * momentum[name] + (1 - beta_1) * update[name] for name in weights
    }
    second = {
        name: beta_2 * second[name] + (1 - beta_2) * update[name] ** 2 for name in weights
    }
    moved = {
        name: weights[name] + step_size * momentum[name] / (second[name].sqrt() + tau)
        for name in weights
    }
    return moved, momentum, second
    ### END SOLUTION


# %% tags=["check"]
adam_step = check("02.4", adam_step)  # stuck? hint("02.4")

# %% [markdown]
# Your step against Flower's `FedAdam`, three rounds. Two things you would not guess from the paper: Flower starts the second
# moment at 0 (Algorithm 2 of Reddi et al.: at least τ²), and multiplies the step size by Adam's bias correction one step
# ahead, √(1 − β₂ᵗ⁺¹) / (1 − β₁ᵗ⁺¹) with t from 1.

# %%
settings = {"eta": 0.03, "beta_1": 0.9, "beta_2": 0.99, "tau": 1e-3}
flowers = (
    FedAdam(fraction_evaluate=0.0, **settings)
    .start(
        InProcessGrid(app, 10, raise_errors=True),
        ArrayRecord(start.state_dict()),
        num_rounds=3,
        train_config=train_config,
    )
    .arrays
)
weights = weights_of(start)
momentum = second = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
for t in (1, 2, 3):
    models = [
        train_client(
            two_nn(seed=0, hidden=50),
            weights,
            examples,
            local_epochs=1,
            batch_size=50,
            learning_rate=0.2,
            generator=client_generator(0, round_index=t - 1, client=client),
        )
        for client, examples in enumerate(clients)
    ]
    step_size = 0.03 * (1 - 0.99 ** (t + 1)) ** 0.5 / (1 - 0.9 ** (t + 1))
    weights, momentum, second = adam_step(
        weights, fedavg(models, [600] * 10), momentum, second, step_size, 0.9, 0.99, 1e-3
    )
apart = max(
    (torch.from_numpy(flowers[name].numpy().copy()) - weights[name]).abs().max().item()
    for name in weights
)
claim(
    "Three rounds of your Adam and of Flower's FedAdam agree to a thousandth", apart <= 1e-3
)

# %% [markdown]
# And **FedProx** changes the client: each local gradient gets + μ · (w − w_global), which pulls it back. (The strategy sends μ in
# the config, and our clients obey it.) Two shards each, no liar, five seeds; FedAvg and the median are those from above.
#
# **Predict**: does holding clients back help more than the progress that it costs?

# %%
strategies = {
    "FedAvg": honest["shards"],
    "FedProx, μ = 0.1": five_runs(FedProx, "shards", proximal_mu=0.1),
    "FedAdam": five_runs(FedAdam, "shards", **settings),
    "FedMedian": median_alone,
}
_, ax = plt.subplots()
plot_levels(
    ax,
    {name: curves[:, -1] for name, curves in strategies.items()},
    title="On two shards each, no strategy is a cure",
    xlabel="strategy",
)
present(
    ax,
    caption=(
        "Test accuracy after six rounds, two shards a client, all with local learning"
        " rate 0.2. Dots: five seeds; bar and number: their mean. FedAdam's step size "
        "0.03 is the better of two that we tried (0.01, 0.03); μ the better of 0.1 and "
        "1. All of this tuning looked at test accuracy, which flatters the tuned ones."
    ),
    alt=(
        "Four columns of dots. FedAdam is somewhat above FedAvg and FedProx, which "
        "overlap; FedMedian is clearly lower."
    ),
)

# %%
prox_gain = (strategies["FedProx, μ = 0.1"][:, -1] - honest["shards"][:, -1]).mean()
adam_gain = (strategies["FedAdam"][:, -1] - honest["shards"][:, -1]).mean()
print(
    f"against FedAvg, in points: FedProx {100 * prox_gain:+.1f}, FedAdam {100 * adam_gain:+.1f}"
)
claim(
    "FedProx (μ = 0.1, one local epoch) does not help on average",
    prox_gain < 0,
)
spread = honest["shards"][:, -1].max() - honest["shards"][:, -1].min()
claim(
    "FedAdam's mean is ahead of FedAvg's, by less than FedAvg's own seeds differ",
    0 < adam_gain < spread,
)

# %% [markdown]
# FedAdam's lead is smaller than the luck of a seed, and it was tuned on the very test set that shows it: that is not
# evidence. Fair shares reach far more in the same rounds, so no strategy here has cured the split.

# %% [markdown]
# ## Separate processes, for real
#
# An app with the same client in it now leaves this kernel. A **SuperLink** (the server's post office) and three
# **SuperNodes** (one for each client) run as separate processes; what goes between them goes over **TLS**, the
# encryption of https. A certificate from a *certificate authority* (CA) proves that the server is the server; each node's
# private key proves that it is that node. The app and its settings are declared in the course's own `pyproject.toml`:

# %%
flower_app = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["flwr"]["app"]
for name, value in (flower_app["components"] | flower_app["config"]).items():
    print(f"{name:20} {value!r}")

# %% [markdown]
# The whole deployment takes about two minutes, so the next cell reads the **recorded** timeline of one (on one machine, IID,
# 300 images a client, a small model: `flwr run -c` overrides the settings above). To run it yourself, in a terminal at the
# root of the course: `python -m course.federated.deploy --kill-one`. (`flwr run .` alone starts Flower's simulation
# of the same app, which needs the extra `ray`.)
#
# **Predict**: node 2 is killed while it trains in round 2. What happens to the round, and to the run?

# %%
recorded = json.loads((ROOT / "course/federated/recorded_deployment.json").read_text())
print(f"recorded on {recorded['date']} with", recorded["versions"])
shown = [
    event
    for event in recorded["events"]
    if event["event"] not in ("certificates", "registered", "run")
]
_, ax = plt.subplots(figsize=(8, 4.4))
plot_timeline(
    ax,
    [(event["seconds"], event["text"]) for event in shown],
    title="A stranger is turned away, a client is killed, the run finishes",
)
present(
    ax,
    caption=(
        "One recorded deployment on one machine: a SuperLink and three SuperNodes as processes, "
        "TLS, node keys. It misleads in one way: much of the run is the wait for the dead node, "
        "and most of the rest is new Python processes that import torch."
    ),
    alt=(
        "A list of events with their second: TLS checks, an unregistered node refused, three nodes online, "
        "three rounds with their replies and accuracy, one node killed in round 2, the run finished."
    ),
)

# %%
replies = [entry["replies"] for entry in recorded["rounds"] if entry["round"]]
claim("The unregistered node was turned away", recorded["unknown_node"]["exit_code"] != 0)
claim(
    "The killed node is missing from the last round, and all three rounds were run",
    replies == [3, 2, 2],
)
measured = [entry["accuracy"] for entry in recorded["rounds"]]
claim("Accuracy rose in every round all the same", measured == sorted(measured))

# %% [markdown]
# Between the kill and the end of round 2 the server waited: it cannot know whether a silent node is dead or slow. The SuperLink
# gives a node up 60 s after its last sign of life; a strategy's `timeout` (45 s here, an hour by default) can end the
# round sooner. The split was IID, so the lost third held nothing that the others lack, and accuracy showed no loss.

# %% [markdown]
# ### What this does *not* protect
#
# TLS hides messages from listeners between machines (inside one, a node talks to its own client in the clear), and node keys
# keep strangers out. Neither hides anything from the *server*, which still reads
# every model (lesson 08 changes that), and neither stops a registered client from lying, as you saw. **The privacy ledger of
# this lesson is empty.**

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Flower and your own loop gave the same weights to 1e-6. What had to be the same for that?",
    {
        "Only the data": "With other shuffles, each client ends elsewhere.",
        "Start weights, each client's data and shuffles, the weights of the average": right(
            "Shuffles depend on (seed, round, client) here, so the order of the answers can change only the last bits."
        ),
        "The machine": "Same machine gives the last bits; the agreement to 1e-6 needs the same computation.",
    },
)

# %%
quiz(
    "Three of ten hospitals are offline for a week. Your Flower FedAvg run looks fine. What is wrong?",
    {
        "Nothing: the average is over those who answered": "That is what it does. Whether you want it is another question.",
        "The model forgets what only those three knew, and nothing raises": right(
            "By default a failure is a line in the log, and a node that is offline is not even asked. Count replies, and set a minimum."
        ),
        "The run will stop at the next round": "Only if fewer than the minimum are available; then it waits for ever.",
    },
)

# %%
quiz(
    "When would you choose the median over the mean?",
    {
        "Always: it costs nothing": "On two shards it cost more than five points with nobody lying.",
        "When clients resemble each other and a few may be faulty": right(
            "That is its assumption. Check it, for instance by the cosine of lesson 01."
        ),
        "When data is very uneven": "Then honest clients look like outliers, and the median throws away what only they know.",
    },
)

# %%
quiz(
    "TLS and node authentication are on. Who can read client 2's model?",
    {
        "Nobody": "The server computes the average from it, so it has it in the clear.",
        "The server": right(
            "TLS ends there. Hiding it from the server is the subject of lessons 07 to 09."
        ),
        "The other clients": "They receive the average only. What they can infer from it is lesson 04's question.",
    },
)

# %% [markdown]
# ## Interview corner
#
# **1. "How do you make federated averaging robust to a malicious client?"** (3 minutes)
#
# *Rubric*: states what the attacker may do (1); names a rule and its assumption (1); says what it costs without an attacker (1);
# non-IID as the hard case (1); identity and rate limits first: who may be a client at all (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Use Krum or the median instead of the mean."
#
# *Strong*: "First bound who can join: authenticated nodes, so one attacker is one client. A median then stops a crude attack: on fair
# shares it stayed within three points of the honest run. It assumes that honest clients agree; on two shards each it lost over
# twenty points under attack (plain averaging lost everything) and over five without one. A careful attacker stays inside the spread of honest updates, so I would
# also bound each update's norm, and monitor per-client validation."
#
# </details>

# %% [markdown]
# **2. "What breaks between your simulation and production?"** (3 minutes)
#
# *Rubric*: failures and silent exclusion (1); state that is lost when a process restarts (1); time-outs and heartbeats (1); authentication
# and TLS (1); bit-reproducibility (1).

# %% [markdown]
# <details><summary>A weak answer, and a strong one</summary>
#
# *Weak*: "Scale and latency."
#
# *Strong*: "The maths does not: the strategy gave the same weights as a loop. What breaks is everything around it. A killed node holds the round until
# a time-out or missed heartbeats; then the run goes on without it, with a line in a log. Client state lives as long as the run, so a privacy accountant
# must write its own file. And nodes need keys, or anyone can be a client."
#
# </details>

# %% [markdown]
# ## Sources
#
# - Beutel et al. 2020, *Flower: A Friendly Federated Learning Research Framework*, arXiv:2007.14390. Flower's own documentation for the Message API.
# - Yin, Chen, Ramchandran, Bartlett 2018, *Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates*,
#   arXiv:1803.01498. Algorithm 1, option I, takes the coordinate-wise median of gradients; exercise 02.3 that of models.
# - Reddi et al. 2021, *Adaptive Federated Optimization*, arXiv:2003.00295, Algorithm 2: exercise 02.4.
# - Li et al. 2020, *Federated Optimization in Heterogeneous Networks* (FedProx), arXiv:1812.06127, equation 2.
