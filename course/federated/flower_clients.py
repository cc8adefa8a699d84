"""FedAvg's clients as a Flower `ClientApp`: a message comes in, `local_sgd` runs, a message goes out."""

import copy
from collections.abc import Callable, Collection, Sequence

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import Mod
from torch import Tensor, nn

from course.federated.averaging import subtract
from course.federated.client import Examples, accuracy, client_generator
from course.federated.rounds import train_client


def weights_in(message: Message) -> dict[str, Tensor]:
    """The model that a message carries, as `model.state_dict()` would give it."""
    return dict(message.content["arrays"].to_torch_state_dict())


def train_reply(
    message: Message, examples: Examples, *, client: int, model: nn.Module, seed: int, **training: object
) -> Message:
    """Answer a TRAIN message: train the model in it on the client's examples and send the result back.

    Args:
        message: holds `arrays` (the global model) and `config`, as Flower's FedAvg and its kin send them;
            FedProx's `proximal-mu` is obeyed.
        examples: the client's own.
        client: its number; with the seed and the round it fixes the shuffles, as in `run_fedavg`.
        model: the architecture; its weights are overwritten.
        seed: of the whole run.
        training: `learning_rate`, `local_epochs` and `batch_size`, as in `local_sgd`.

    Returns:
        A reply with `arrays` (the local model) and `metrics` (`num-examples`, the weight in the mean).
    """
    config = message.content["config"]
    # Flower counts rounds from 1, `run_fedavg` from 0.
    generator = client_generator(seed, round_index=config["server-round"] - 1, client=client)
    weights = train_client(
        model, weights_in(message), examples,
        generator=generator, proximal_strength=config.get("proximal-mu", 0.0), **training,
    )  # fmt: skip
    metrics = MetricRecord({"num-examples": len(examples)})
    return Message(RecordDict({"arrays": ArrayRecord(weights), "metrics": metrics}), reply_to=message)


def evaluate_reply(message: Message, examples: Examples, *, model: nn.Module) -> Message:
    """Answer an EVALUATE message: how well the model in it does on the client's own examples.

    Limits: these are the examples that the client trains on, so this is fit, not generalisation.
    """
    model.load_state_dict(weights_in(message))
    metrics = MetricRecord({"accuracy": accuracy(model, examples), "num-examples": len(examples)})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)


def flower_clients(
    clients: Sequence[Examples],
    *,
    model: nn.Module,
    seed: int,
    learning_rate: float,
    local_epochs: int = 1,
    batch_size: int | None = 32,
    mods: Sequence[Mod] = (),
) -> ClientApp:
    """One `ClientApp` for all clients; the node whose `partition-id` is k holds `clients[k]`.

    Arguments as in `run_fedavg`, so that the same ones train the same model there and on Flower. `mods` are
    Flower's wrappers around a client's answer; `poisoned` makes one. `model` is left as it was.
    """
    app, scratch = ClientApp(mods=list(mods)), copy.deepcopy(model)

    @app.train()
    def train(message: Message, context: Context) -> Message:
        client = int(context.node_config["partition-id"])
        return train_reply(
            message, clients[client], client=client, model=scratch, seed=seed,
            learning_rate=learning_rate, local_epochs=local_epochs, batch_size=batch_size,
        )  # fmt: skip

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        return evaluate_reply(message, clients[int(context.node_config["partition-id"])], model=scratch)

    return app


def poisoned(attackers: Collection[int], *, factor: float = -10.0) -> Mod:
    """A Flower mod with which some clients lie: they train honestly, then send `factor` times their update.

    Args:
        attackers: the `partition-id` of each client that lies.
        factor: 1 is honest; below 0 points away from what the client learned.

    Limits: the crudest attack there is, and easy to see by its length. A careful attacker sends an update of
        an ordinary length, which robust means do not stop.
    """

    def lie(message: Message, context: Context, call_next: Callable[[Message, Context], Message]) -> Message:
        if (
            int(context.node_config["partition-id"]) not in attackers
            or "train" not in message.metadata.message_type
        ):
            return call_next(message, context)
        before = weights_in(message)
        reply = call_next(message, context)
        update = subtract(weights_in(reply), before)
        reply.content["arrays"] = ArrayRecord({name: before[name] + factor * update[name] for name in before})
        return reply

    return lie
