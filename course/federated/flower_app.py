"""FedAvg on MNIST as a Flower app: what `flwr run .` starts, here or on any number of machines.

pyproject.toml names `server_app` and `client_app` under [tool.flwr.app], and holds the settings of a run.
`flwr run` packs the code, not the data, into a bundle that Flower unpacks on each machine. So `course` is
imported from the bundle there, and the digits come from the folder in the setting `data-dir` (of the node for
a client, of the run for the server) or else from the course that is installed on that machine.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from flwr.app import ArrayRecord, Context, Message, MetricRecord
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from course.data import Mnist, load_mnist, partition_iid, partition_shards
from course.data.files import SHIPPED_FOLDER
from course.federated.client import Examples, accuracy, as_examples, two_nn
from course.federated.flower_clients import evaluate_reply, train_reply

DISTRIBUTION = "learning-without-looking"
PARTITIONS = {"iid": partition_iid, "shards": partition_shards}

Config = Mapping[str, bool | int | float | str]

client_app = ClientApp()
server_app = ServerApp()


@client_app.train()
def train(message: Message, context: Context) -> Message:
    run = context.run_config
    return train_reply(
        message, _examples_here(context),
        client=int(context.node_config["partition-id"]), model=_new_model(run), seed=int(run["seed"]),
        learning_rate=float(run["learning-rate"]), local_epochs=int(run["local-epochs"]),
        batch_size=int(run["batch-size"]) or None,
    )  # fmt: skip


@client_app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    return evaluate_reply(message, _examples_here(context), model=_new_model(context.run_config))


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    run = context.run_config
    model, test = _new_model(run), test_examples(run)
    strategy = CountedFedAvg(
        fraction_train=float(run["fraction-train"]),
        fraction_evaluate=float(run["fraction-evaluate"]),
        min_train_nodes=int(run["min-nodes"]),
        min_evaluate_nodes=int(run["min-nodes"]),
        min_available_nodes=int(run["min-nodes"]),
    )

    def evaluate_round(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        model.load_state_dict(arrays.to_torch_state_dict())
        strategy.note(server_round, accuracy=accuracy(model, test))
        _write_results(run, strategy.rounds, arrays, finished=server_round == int(run["num-server-rounds"]))
        return MetricRecord({"accuracy": strategy.rounds[-1]["accuracy"]})

    strategy.start(
        grid, ArrayRecord(model.state_dict()), num_rounds=int(run["num-server-rounds"]),
        timeout=float(run["timeout"]), evaluate_fn=evaluate_round,
    )  # fmt: skip


class CountedFedAvg(FedAvg):
    """Flower's FedAvg, which also remembers how many clients each round asked and how many answered."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.rounds: list[dict[str, float]] = []
        self._counts: dict[str, int] = {}

    def configure_train(self, server_round, arrays, config, grid):
        messages = list(super().configure_train(server_round, arrays, config, grid))
        self._counts = {"asked": len(messages)}
        return messages

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        failures = sum(reply.has_error() for reply in replies)
        self._counts |= {"replies": len(replies) - failures, "failures": failures}
        self._counts["absent"] = self._counts["asked"] - len(replies)
        return super().aggregate_train(server_round, replies)

    def note(self, server_round: int, **measured: float) -> None:
        """Close the record of a round with what was measured after it. Round 0 is the untrained model."""
        self.rounds.append({"round": server_round, **self._counts, **measured})


def client_examples(run: Config, *, client: int, num_clients: int, data_dir: str = "") -> Examples:
    """The examples of one client, as every machine computes them from the same seed.

    Args:
        run: the run's settings; `partition` ("iid" or "shards"), `seed` and `examples-per-client` (0: all).
        client: 0 to num_clients − 1.
        num_clients: how many share MNIST.
        data_dir: where MNIST's files lie; empty means the installed course.

    Raises:
        ValueError: if the partition or the client does not exist.

    Limits: a demonstration. Each machine holds all of MNIST and *chooses* to look at its own part only; in
        real life a client has nothing but its part.
    """
    if run["partition"] not in PARTITIONS:
        raise ValueError(f"partition is {run['partition']!r}; it must be one of {sorted(PARTITIONS)}")
    if not 0 <= client < num_clients:
        raise ValueError(
            f"partition-id is {client}; with num-partitions = {num_clients} it must be 0 to {num_clients - 1}"
        )
    mnist = _mnist(data_dir)
    part = PARTITIONS[run["partition"]](mnist.train_labels, num_clients, seed=int(run["seed"]))[client]
    if run["examples-per-client"]:
        # A shard is sorted by label, so an even spread over the part keeps all its digits.
        part = part[:: max(1, len(part) // int(run["examples-per-client"]))][
            : int(run["examples-per-client"])
        ]
    return as_examples(mnist.train_images[part], mnist.train_labels[part])


def test_examples(run: Config) -> Examples:
    """MNIST's 10,000 test digits, which only the server looks at."""
    mnist = _mnist(str(run["data-dir"]))
    return as_examples(mnist.test_images, mnist.test_labels)


# pytest would otherwise take the name for a test.
test_examples.__test__ = False


def installed_data_folder() -> Path:
    """MNIST's folder beside this code or, if this is an app bundle without data, in the installed course."""
    if SHIPPED_FOLDER.is_dir():
        return SHIPPED_FOLDER
    distribution = metadata.distribution(DISTRIBUTION)
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        root = Path(url2pathname(urlparse(origin["url"]).path))
    else:
        root = Path(distribution.locate_file(""))
    return root / "course" / "data" / "files"


@lru_cache(maxsize=1)
def _mnist(data_dir: str) -> Mnist:
    return load_mnist(folder=data_dir or installed_data_folder())


def _examples_here(context: Context) -> Examples:
    node = context.node_config
    return client_examples(
        context.run_config, client=int(node["partition-id"]), num_clients=int(node["num-partitions"]),
        data_dir=str(node.get("data-dir", "")),
    )  # fmt: skip


def _new_model(run: Config):
    return two_nn(seed=int(run["seed"]), hidden=int(run["hidden"]))


def weights_sha256(arrays: ArrayRecord) -> str:
    """A fingerprint of a model: two runs with the same one ended with the same weights, bit for bit."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(name.encode() + array.numpy().tobytes())
    return digest.hexdigest()


def _write_results(
    run: Config, rounds: list[dict[str, float]], arrays: ArrayRecord, *, finished: bool
) -> None:
    if not run["results-file"]:
        return
    path = Path(str(run["results-file"]))
    results = {"finished": finished, "rounds": rounds, "weights_sha256": weights_sha256(arrays)}
    # Whoever watches the file sees the old one or the new one, never half of one.
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(results, indent=1) + "\n")
    os.replace(draft, path)
