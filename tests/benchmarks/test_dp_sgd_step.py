"""What a step of DP-SGD costs: ours, readable and with ghost norms, beside Opacus's two modes and plain SGD.

Run by `make bench`. All take the same batch and the same model and clip to the same norm; the private ones
add noise of the same size. Without noise all four private ways must end at the same weights, or the
comparison is void. They run in turns, so that a busy minute slows all of them down, and ratios are taken turn
by turn.

For a wide network arithmetic is all that counts: Opacus's ghost mode goes forward once and backward twice,
ours goes forward once and backward once, so the ratio tends to 5 : 3 and we ask for no more than 1.5 there.
"""

import copy
import itertools
import json
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path

import pytest
import torch
from torch import nn

from course.data import census_features, load_adult
from course.privacy import dp_sgd_step, dp_sgd_step_fast

RESULTS = Path(__file__).parent / "results" / "dp_sgd_step.json"
DP = {"max_grad_norm": 1.0, "expected_batch_size": 512, "learning_rate": 0.5}
WIDTHS = {"lesson": (104, 64, 2), "deep": (104, 64, 64, 2), "wide": (104, 256, 256, 2)}
STEPS_A_TURN = 5
TURNS = 30
SLOW = ("opacus hooks", "ours readable")
"""Timed in every fifth turn only: a step takes up to a hundred times that of the others."""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def batch():
    census = census_features(load_adult().train.head(512))
    return torch.as_tensor(census.inputs), torch.as_tensor(census.labels)


def network(sizes):
    torch.manual_seed(0)
    layers = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def plain_sgd(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=DP["learning_rate"])

    def step(inputs, labels):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()

    return step


def ours(one_step, model, noise_multiplier):
    generator = torch.Generator().manual_seed(0)

    def step(inputs, labels):
        one_step(model, inputs, labels, noise_multiplier=noise_multiplier, generator=generator, **DP)

    return step


def opacus_hooks(model, noise_multiplier):
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    wrapped = GradSampleModule(model)
    optimizer = DPOptimizer(
        torch.optim.SGD(wrapped.parameters(), lr=DP["learning_rate"]), noise_multiplier=noise_multiplier,
        max_grad_norm=DP["max_grad_norm"], expected_batch_size=DP["expected_batch_size"],
    )  # fmt: skip

    def step(inputs, labels):
        optimizer.zero_grad()
        nn.functional.cross_entropy(wrapped(inputs), labels).backward()
        optimizer.step()

    return step


def opacus_ghost(model, noise_multiplier):
    from opacus.grad_sample import GradSampleModuleFastGradientClipping
    from opacus.optimizers import DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping

    wrapped = GradSampleModuleFastGradientClipping(
        model, max_grad_norm=DP["max_grad_norm"], use_ghost_clipping=True
    )
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.SGD(wrapped.parameters(), lr=DP["learning_rate"]), noise_multiplier=noise_multiplier,
        max_grad_norm=DP["max_grad_norm"], expected_batch_size=DP["expected_batch_size"],
    )  # fmt: skip
    criterion = DPLossFastGradientClipping(wrapped, optimizer, nn.CrossEntropyLoss(), loss_reduction="mean")

    def step(inputs, labels):
        optimizer.zero_grad()
        criterion(wrapped(inputs), labels).backward()
        optimizer.step()

    return step


def ways(model, noise_multiplier):
    """Name → (step, the model that it moves)."""
    models = [copy.deepcopy(model) for _ in range(5)]
    steps = {
        "plain SGD": plain_sgd(models[0]),
        "ours fast": ours(dp_sgd_step_fast, models[1], noise_multiplier),
        "opacus ghost": opacus_ghost(models[2], noise_multiplier),
        "opacus hooks": opacus_hooks(models[3], noise_multiplier),
        "ours readable": ours(dp_sgd_step, models[4], noise_multiplier),
    }
    return {name: (step, m) for (name, step), m in zip(steps.items(), models, strict=True)}


def expect_the_same_weights(model, batch):
    reached = {}
    for name, (step, moved) in ways(model, 0.0).items():
        for _ in range(3):
            step(*batch)
        reached[name] = nn.utils.parameters_to_vector(moved.parameters()).detach()
    for name in ("opacus ghost", "opacus hooks", "ours readable"):
        assert torch.allclose(reached[name], reached["ours fast"], rtol=1e-4, atol=1e-5), name


def times_in_turns(runs, batch):
    """Name → milliseconds a step, one entry a turn."""
    times = {name: [] for name in runs}
    for turn in range(TURNS + 1):
        for name, (step, _) in runs.items():
            if name in SLOW and turn % 5:
                continue
            started = time.perf_counter()
            for _ in range(STEPS_A_TURN):
                step(*batch)
            times[name].append(1e3 * (time.perf_counter() - started) / STEPS_A_TURN)
    return {name: values[1:] for name, values in times.items()}  # The first turn warms up.


def write(name, found):
    rows = json.loads(RESULTS.read_text())["models"] if RESULTS.exists() else {}
    versions = {package: metadata.version(package) for package in ("torch", "opacus")}
    versions["python"] = platform.python_version()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"versions": versions, "batch": 512, "models": rows | {name: found}}, indent=1) + "\n"
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WIDTHS)
def test_dp_sgd_step(benchmark, name, batch, capsys):
    model = network(WIDTHS[name])
    expect_the_same_weights(model, batch)
    runs = ways(model, 1.0)
    times = times_in_turns(runs, batch)

    def ratio(above, below):
        return statistics.median(a / b for a, b in zip(times[above], times[below], strict=True))

    found = {
        "layers": list(WIDTHS[name]),
        "turns": TURNS,
        "milliseconds_a_step": {way: round(statistics.median(values), 3) for way, values in times.items()},
        "ours_fast_over_plain_sgd": round(ratio("ours fast", "plain SGD"), 2),
        "opacus_ghost_over_ours_fast": round(ratio("opacus ghost", "ours fast"), 2),
        "opacus_hooks_over_ours_readable": round(ratio("opacus hooks", "ours readable"), 2),
    }
    write(name, found)
    with capsys.disabled():
        print(f"\n{name}: {json.dumps(found)}")
    assert found["opacus_ghost_over_ours_fast"] >= (1.5 if name == "wide" else 2)
    assert found["ours_fast_over_plain_sgd"] <= 1.6
    benchmark.pedantic(runs["ours fast"][0], args=batch, rounds=20)
