"""What it saves to train shadow models all at once: `train_many` against a plain loop over torch models.

Run by `make bench`. Both train the same number of networks of the same size, on the same pool and
members, with Adam on a cosine schedule, for the same number of steps and batches of the same size, on one
thread. They draw their own starts and batches, so they must reach the same accuracy, not the same
weights. Takes about four minutes.
"""

import json
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course.attacks import random_halves, train_many
from course.data import load_adult
from course.data.census import census_features

RESULTS = Path(__file__).parent / "results" / "shadow_training.json"
POOL, MODELS = 2000, 144
STEPS, BATCH, RATE = 400, 64, 0.02
# name: hidden units
WIDTHS = {"lesson": 64, "narrow": 16, "wide": 128}
REPETITIONS = 3
LONGEST_SECONDS = 30.0
"""What the issue allows for at least 128 shadow models on one core."""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pool():
    everyone = load_adult().everyone
    rng = np.random.default_rng(0)
    census = census_features(everyone.iloc[rng.choice(len(everyone), POOL, replace=False)])
    return census.inputs, census.labels, random_halves(MODELS, POOL, rng=rng)


def at_once(inputs, labels, member, hidden):
    models = train_many(
        inputs, labels, member, hidden=hidden, steps=STEPS, batch_size=BATCH, learning_rate=RATE, seed=0
    )
    return models.accuracy(inputs, labels, member).mean()


def train_one(inputs, labels, hidden):
    """One network, as a tutorial would train it."""
    model = nn.Sequential(nn.Linear(inputs.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    rows = torch.cat([torch.randperm(len(inputs)) for _ in range(-(-STEPS * BATCH // len(inputs)))])
    for batch in rows[: STEPS * BATCH].split(BATCH):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(inputs[batch]).squeeze(1), labels[batch]).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return ((model(inputs).squeeze(1) > 0) == (labels > 0)).double().mean().item()


def in_a_loop(inputs, labels, member, hidden):
    torch.manual_seed(0)
    inputs, labels = torch.as_tensor(inputs), torch.as_tensor(labels).float()
    return np.mean([train_one(inputs[mine], labels[mine], hidden) for mine in torch.as_tensor(member)])


def seconds(run, *arguments):
    started = time.perf_counter()
    reached = run(*arguments)
    return time.perf_counter() - started, float(reached)


def write(name, found):
    """Add this width's row to the results file."""
    rows = json.loads(RESULTS.read_text())["widths"] if RESULTS.exists() else {}
    versions = {"torch": metadata.version("torch"), "python": platform.python_version()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"versions": versions, "widths": rows | {name: found}}, indent=1) + "\n")


@pytest.mark.parametrize("name", WIDTHS)
def test_training_shadows_at_once_against_a_loop(benchmark, pool, name, capsys):
    arguments = (*pool, WIDTHS[name])
    times, reached = {"at_once": [], "loop": []}, {}
    # In turns, so that a busy minute slows both down; the ratio is taken pair by pair.
    for _ in range(REPETITIONS):
        for key, run in (("at_once", at_once), ("loop", in_a_loop)):
            spent, reached[key] = seconds(run, *arguments)
            times[key].append(spent)
    assert reached["at_once"] == pytest.approx(reached["loop"], abs=0.01)
    ratios = [loop / once for once, loop in zip(times["at_once"], times["loop"], strict=True)]
    found = {
        "models": MODELS, "hidden": WIDTHS[name], "pool": POOL, "steps": STEPS, "batch_size": BATCH,
        "repetitions": REPETITIONS,
        "at_once_seconds": statistics.median(times["at_once"]),
        "loop_seconds": statistics.median(times["loop"]),
        "loop_over_at_once": statistics.median(ratios),
        "loop_over_at_once_range": [min(ratios), max(ratios)],
        "member_accuracy": reached,
    }  # fmt: skip
    write(name, found)
    with capsys.disabled():
        print(f"\n{name}: {json.dumps(found)}")
    # With wide layers both spend their time in the same matrix products, so only the lesson's size is
    # held to it.
    if name == "lesson":
        assert found["loop_over_at_once"] >= 2
        assert min(times["at_once"]) <= LONGEST_SECONDS
    benchmark.pedantic(at_once, args=arguments, rounds=1)
