"""What Flower costs: one round over the same ten clients, bare, in this process, and simulated with Ray.

Run by `make bench`. All train the same clients from the same weights for the same rounds, and evaluate on the
same test set on the server. They must end with the same accuracy, or the comparison is void.

Ray is given its best case. It would pickle clients that hold their data anew for each message, so for this
comparison the clients load their part inside the process that trains them, on Ray as in process. It may train
two clients at once. Its start-up is reported apart from its later rounds.
"""

import json
import platform
import statistics
import time
from importlib import metadata, util
from pathlib import Path

import pytest
import torch
from flwr.app import ArrayRecord, MetricRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

from course.data import load_mnist, partition_shards
from course.federated import accuracy, as_examples, run_fedavg, two_nn
from course.federated.flower_app import client_examples
from course.federated.flower_clients import flower_clients
from course.federated.in_process_grid import InProcessGrid

RESULTS = Path(__file__).parent / "results" / "round_time.json"
NUM_CLIENTS = 10
ROUNDS = 3
TRAINING = {"seed": 0, "learning_rate": 0.1, "batch_size": 32}
# name: examples a client, width of the model, repetitions
SIZES = {"lesson": (600, 50, 25), "full": (6000, 100, 5)}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=SIZES)
def setting(request):
    num_examples, hidden, repetitions = SIZES[request.param]
    mnist = load_mnist()
    parts = partition_shards(mnist.train_labels, NUM_CLIENTS, seed=0)
    parts = [part[:: len(part) // num_examples][:num_examples] for part in parts]
    clients = [as_examples(mnist.train_images[part], mnist.train_labels[part]) for part in parts]
    test = as_examples(mnist.test_images, mnist.test_labels)
    return request.param, clients, test, hidden, repetitions


def bare(clients, test, hidden):
    return run_fedavg(clients, test, model=two_nn(seed=0, hidden=hidden), rounds=ROUNDS, **TRAINING).accuracy[
        -1
    ]


def start_strategy(grid, test, hidden):
    """Flower's FedAvg, evaluated after each round as in `run_fedavg`; the accuracies and when they came."""
    model, reached, at = two_nn(seed=0, hidden=hidden), [], []

    def evaluate(server_round, arrays):
        if server_round == 0:
            return None  # `run_fedavg` does not evaluate the untrained model either.
        model.load_state_dict(arrays.to_torch_state_dict())
        reached.append(accuracy(model, test))
        at.append(time.perf_counter())
        return MetricRecord({"accuracy": reached[-1]})

    strategy = FedAvg(fraction_evaluate=0.0)
    strategy.start(grid, ArrayRecord(model.state_dict()), num_rounds=ROUNDS, evaluate_fn=evaluate)
    return reached[-1], at


def in_process(clients, test, hidden):
    app = flower_clients(clients, model=two_nn(seed=0, hidden=hidden), **TRAINING)
    return start_strategy(InProcessGrid(app, NUM_CLIENTS), test, hidden)[0]


class LoadedWhereTrained:
    """The same clients, but each part is loaded on demand from MNIST, which every process reads once."""

    def __init__(self, num_examples):
        self.config = {"partition": "shards", "seed": 0, "examples-per-client": num_examples}

    def __len__(self):
        return NUM_CLIENTS

    def __getitem__(self, client):
        return client_examples(self.config, client=client, num_clients=NUM_CLIENTS)


def on_ray(clients, test, hidden):
    """The last accuracy, when each round ended, and when it all began."""
    # Deprecated, but the one way to simulate with a ClientApp that is not in a bundle.
    from flwr.simulation import run_simulation

    found, server = [], ServerApp()

    @server.main()
    def main(grid, context):
        found.append(start_strategy(grid, test, hidden))

    app = flower_clients(clients, model=two_nn(seed=0, hidden=hidden), **TRAINING)
    began = time.perf_counter()
    resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}}
    run_simulation(server, app, num_supernodes=NUM_CLIENTS, backend_config=resources)
    return (*found[0], began)


def seconds(run, *arguments):
    started = time.perf_counter()
    reached = run(*arguments)
    return (time.perf_counter() - started) / ROUNDS, reached


def write(name, found):
    """Add this size's row to the results file."""
    rows = json.loads(RESULTS.read_text())["sizes"] if RESULTS.exists() else {}
    packages = ("flwr", "torch", "ray")
    versions = {p: metadata.version(p) for p in packages if util.find_spec(p)}
    versions["python"] = platform.python_version()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"versions": versions, "sizes": rows | {name: found}}, indent=1) + "\n")


def compare_with_ray(clients, test, hidden, expected):
    in_process(clients, test, hidden)  # Reads MNIST, as Ray's first round does.
    spent, reached = seconds(in_process, clients, test, hidden)
    assert reached == expected
    reached, at, began = on_ray(clients, test, hidden)
    assert reached == pytest.approx(
        expected, abs=0.02
    )  # Replies arrive in any order, so sums round differently.
    later = (at[-1] - at[0]) / (ROUNDS - 1)
    return {
        "same_clients_in_process_seconds": spent,
        "ray_first_round_seconds": at[0] - began,
        "ray_later_round_seconds": later,
        "ray_mean_round_seconds": (at[-1] - began) / ROUNDS,
        "ray_mean_over_in_process": (at[-1] - began) / ROUNDS / spent,
        "ray_later_over_in_process": later / spent,
    }


@pytest.mark.filterwarnings("ignore")
def test_round_time(benchmark, setting, capsys):
    name, clients, test, hidden, repetitions = setting
    arguments = (clients, test, hidden)
    (
        seconds(bare, *arguments),
        seconds(in_process, *arguments),
    )  # The first of each warms up and is not counted.
    times = {"bare": [], "in_process": []}
    # In turns, so that a busy minute slows both down.
    for _ in range(repetitions):
        for key, run in (("bare", bare), ("in_process", in_process)):
            spent, reached = seconds(run, *arguments)
            times[key].append(spent)
            benchmark.extra_info[f"{key} accuracy"] = reached
    assert benchmark.extra_info["bare accuracy"] == benchmark.extra_info["in_process accuracy"]
    # Neighbouring runs share the machine's mood, so the ratio is taken pair by pair.
    ratios = [there / here for here, there in zip(times["bare"], times["in_process"], strict=True)]
    found = {
        "clients": NUM_CLIENTS, "examples_per_client": len(clients[0]), "hidden": hidden, "rounds": ROUNDS,
        "repetitions": repetitions,
        "bare_seconds": statistics.median(times["bare"]),
        "in_process_seconds": statistics.median(times["in_process"]),
        "in_process_over_bare": statistics.median(ratios),
        "in_process_over_bare_range": [min(ratios), max(ratios)],
    }  # fmt: skip
    if util.find_spec("ray"):
        found |= compare_with_ray(LoadedWhereTrained(len(clients[0])), test, hidden, reached)
    else:
        found["ray"] = "not measured: Ray is not installed (pip install 'learning-without-looking[ray]')"
    write(name, found)
    with capsys.disabled():
        print(f"\n{name}: {json.dumps(found)}")
    benchmark.pedantic(in_process, args=arguments, rounds=1)
