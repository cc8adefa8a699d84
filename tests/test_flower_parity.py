"""Flower's strategies on our clients: the same weights as `run_fedavg`, and what one liar does to them."""

import io
import json
import random
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch
from flwr.app import ArrayRecord, Context, RecordDict
from flwr.serverapp.strategy import FedAdam, FedAvg, FedMedian, FedProx, FedTrimmedAvg, Krum

from course.data import load_mnist, partition_iid, partition_shards
from course.federated import accuracy, as_examples, fedavg, run_fedavg, two_nn
from course.federated.flower_app import (
    client_app,
    client_examples,
    installed_data_folder,
    server_app,
    test_examples,
    weights_sha256,
)
from course.federated.flower_clients import flower_clients, poisoned, weights_in
from course.federated.in_process_grid import InProcessGrid, run_in_process

ROOT = Path(__file__).parents[1]
MAX_DIFFERENCE = 1e-6
NUM_CLIENTS = 10
TRAINING = {"seed": 3, "learning_rate": 0.1, "batch_size": 32}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def test_set(mnist):
    return as_examples(mnist.test_images[:2000], mnist.test_labels[:2000])


def deal(mnist, partition, num_examples):
    """Ten clients with `num_examples` each, spread over their whole part, which may be sorted by label."""
    parts = partition(mnist.train_labels, NUM_CLIENTS, seed=0)
    chosen = [part[:: len(part) // num_examples][:num_examples] for part in parts]
    return [as_examples(mnist.train_images[part], mnist.train_labels[part]) for part in chosen]


@pytest.fixture(scope="module")
def iid_clients(mnist):
    return deal(mnist, partition_iid, 300)


def run(strategy, clients, test, *, model, rounds, mods=()):
    """The final weights and accuracy of Flower's strategy over our clients."""
    random.seed(0)  # Flower draws nodes from here.
    app = flower_clients(clients, model=model, mods=mods, **TRAINING)
    grid = InProcessGrid(app, len(clients), raise_errors=True)
    result = strategy.start(grid, ArrayRecord(model.state_dict()), num_rounds=rounds)
    weights = result.arrays.to_torch_state_dict()
    scratch = two_nn(seed=0, hidden=model[0].out_features)
    scratch.load_state_dict(weights)
    return weights, accuracy(scratch, test)


def max_difference(one, other):
    assert one.keys() == other.keys()
    return max((one[name] - other[name]).abs().max().item() for name in one)


@pytest.mark.parametrize("partition", [partition_iid, partition_shards])
@pytest.mark.parametrize("num_examples", [600, 3000])
def test_flowers_fedavg_gives_the_weights_of_ours(mnist, test_set, partition, num_examples, record_property):
    clients, model = deal(mnist, partition, num_examples), two_nn(seed=0, hidden=50)
    ours = run_fedavg(clients, test_set, model=model, rounds=4, **TRAINING)
    theirs, reached = run(FedAvg(fraction_evaluate=0.0), clients, test_set, model=model, rounds=4)
    difference = max_difference(ours.weights, theirs)
    record_property("max_difference", difference)
    assert difference <= MAX_DIFFERENCE
    assert reached == pytest.approx(ours.accuracy[-1], abs=1e-3)
    # Both moved: two models that never trained would agree as well.
    assert max_difference(ours.weights, model.state_dict()) > 0.01


def test_parity_holds_when_clients_hold_different_numbers_of_examples(iid_clients, test_set):
    clients = [each.take(range(20 + 25 * k)) for k, each in enumerate(iid_clients)]
    model = two_nn(seed=0, hidden=32)
    ours = run_fedavg(clients, test_set, model=model, rounds=3, **TRAINING)
    theirs, _ = run(FedAvg(fraction_evaluate=0.0), clients, test_set, model=model, rounds=3)
    assert max_difference(ours.weights, theirs) <= MAX_DIFFERENCE
    unweighted = run_fedavg(
        clients,
        test_set,
        model=model,
        rounds=3,
        aggregate=lambda models, _: fedavg(models, [1] * 10),
        **TRAINING,
    )
    assert max_difference(unweighted.weights, theirs) > 100 * MAX_DIFFERENCE


def test_flowers_fedprox_gives_the_weights_of_our_proximal_term(iid_clients, test_set):
    model = two_nn(seed=0, hidden=32)
    ours = run_fedavg(iid_clients, test_set, model=model, rounds=3, proximal_strength=0.5, **TRAINING)
    strategy = FedProx(fraction_evaluate=0.0, proximal_mu=0.5)
    theirs, _ = run(strategy, iid_clients, test_set, model=model, rounds=3)
    plain = run_fedavg(iid_clients, test_set, model=model, rounds=3, **TRAINING)
    assert max_difference(ours.weights, theirs) <= MAX_DIFFERENCE
    assert max_difference(plain.weights, theirs) > 100 * MAX_DIFFERENCE


@pytest.mark.parametrize(
    "strategy",
    [
        FedAvg(),
        FedProx(proximal_mu=0.1),
        FedAdam(eta=0.01, tau=1e-3),
        FedMedian(),
        FedTrimmedAvg(beta=0.2),
        Krum(num_malicious_nodes=1),
    ],
    ids=lambda strategy: type(strategy).__name__,
)
def test_flowers_strategies_run_unmodified_and_learn(iid_clients, test_set, strategy):
    model = two_nn(seed=0, hidden=32)
    _, reached = run(strategy, iid_clients, test_set, model=model, rounds=6)
    assert reached > max(0.35, accuracy(model, test_set) + 0.2)


def test_poisoned_client_sends_exactly_the_factor_times_its_update(iid_clients):
    # Without this, a test of robustness could pass because no attack arrives.
    model = two_nn(seed=0, hidden=32)
    updates = {}
    for name, mods in {"honest": (), "poisoned": (poisoned({3}),)}.items():
        sent = {}

        class Spy(FedAvg):
            def aggregate_train(self, server_round, replies, sent=sent):
                replies = list(replies)
                sent.update({reply.metadata.src_node_id - 100: weights_in(reply) for reply in replies})
                return super().aggregate_train(server_round, replies)

        run(Spy(fraction_evaluate=0.0), iid_clients, iid_clients[0], model=model, rounds=1, mods=mods)
        before = model.state_dict()
        updates[name] = {c: {n: w[n] - before[n] for n in before} for c, w in sent.items()}
    for client in range(NUM_CLIENTS):
        factor = -10.0 if client == 3 else 1.0
        expected = {name: factor * value for name, value in updates["honest"][client].items()}
        assert max_difference(updates["poisoned"][client], expected) < 1e-5


@pytest.mark.parametrize(
    "robust",
    [FedMedian, FedTrimmedAvg, Krum],
    ids=lambda strategy: strategy.__name__,
)
def test_one_poisoned_client_ruins_fedavg_but_not_a_robust_strategy(iid_clients, test_set, robust):
    settings = {FedTrimmedAvg: {"beta": 0.2}, Krum: {"num_malicious_nodes": 1}}.get(robust, {})
    model, attack = two_nn(seed=0, hidden=32), (poisoned({3}),)
    arguments = {"model": model, "rounds": 8}
    _, clean = run(FedAvg(fraction_evaluate=0.0), iid_clients, test_set, **arguments)
    _, ruined = run(FedAvg(fraction_evaluate=0.0), iid_clients, test_set, mods=attack, **arguments)
    strategy = robust(fraction_evaluate=0.0, **settings)
    _, defended = run(strategy, iid_clients, test_set, mods=attack, **arguments)
    assert clean > 0.6
    assert ruined < 0.3
    assert defended > clean - 0.25


def settings(**changes):
    app = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["flwr"]["app"]
    small = {"hidden": 32, "examples-per-client": 100, "num-server-rounds": 3}
    assert changes.keys() | small.keys() <= app["config"].keys()
    return app["config"] | small | changes


@pytest.mark.parametrize("partition", ["iid", "shards"])
def test_flower_app_of_the_project_gives_the_weights_of_ours(tmp_path, partition):
    config = settings(partition=partition, **{"results-file": str(tmp_path / "results.json")})
    run_in_process(server_app, client_app, num_clients=4, run_config=config)
    found = json.loads((tmp_path / "results.json").read_text())
    clients = [client_examples(config, client=k, num_clients=4) for k in range(4)]
    ours = run_fedavg(
        clients, test_examples(config), model=two_nn(seed=0, hidden=32), rounds=3, seed=0,
        learning_rate=config["learning-rate"], batch_size=config["batch-size"],
    )  # fmt: skip
    assert found["finished"] is True
    assert [record["round"] for record in found["rounds"]] == [0, 1, 2, 3]
    assert [record["accuracy"] for record in found["rounds"][1:]] == pytest.approx(ours.accuracy, abs=1e-3)
    assert all(
        (r["asked"], r["replies"], r["failures"], r["absent"]) == (4, 4, 0, 0) for r in found["rounds"][1:]
    )
    assert found["weights_sha256"] == weights_sha256(ArrayRecord(ours.weights))


def test_flower_app_counts_a_failing_client_and_finishes(tmp_path):
    config = settings(**{"results-file": str(tmp_path / "results.json")})

    def broken(message, context):
        if context.node_config["partition-id"] == 1:
            raise RuntimeError("disk full")
        return client_app(message, context)

    grid = InProcessGrid(broken, 3, run_config=config)
    server_app(grid, Context(1, 1, {}, RecordDict(), config))
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["finished"] is True
    assert all((r["asked"], r["replies"], r["failures"]) == (3, 2, 1) for r in found["rounds"][1:])


def test_clients_of_the_app_are_disjoint_and_bad_settings_are_named():
    config = settings(**{"examples-per-client": 0, "partition": "iid"})
    assert sum(len(client_examples(config, client=k, num_clients=3)) for k in range(3)) == 60_000
    assert len(client_examples(settings(), client=2, num_clients=3)) == 100
    with pytest.raises(ValueError, match="partition is 'x'"):
        client_examples(settings(partition="x"), client=0, num_clients=3)
    with pytest.raises(ValueError, match="partition-id is 3"):
        client_examples(settings(), client=3, num_clients=3)


def test_app_bundle_is_small_text_and_finds_the_installed_data_without_its_own(tmp_path, monkeypatch):
    from flwr.cli.build import build_fab_from_files

    files = {"pyproject.toml": ROOT / "pyproject.toml"}
    files |= {p.relative_to(ROOT).as_posix(): p for p in (ROOT / "course").rglob("*") if p.is_file()}
    bundle, _ = build_fab_from_files(files)
    names = zipfile.ZipFile(io.BytesIO(bundle)).namelist()
    assert len(bundle) < 2_000_000
    assert "course/federated/flower_app.py" in names
    assert {Path(name).suffix for name in names} <= {".py", ".toml", ""}
    monkeypatch.setattr("course.federated.flower_app.SHIPPED_FOLDER", tmp_path / "not-in-the-bundle")
    assert (installed_data_folder() / "train-images-idx3-ubyte.gz").exists()
