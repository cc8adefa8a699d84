"""Checkers of lesson 02's client side: answering a train message, and averaging those who answered."""

import logging

import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_mapping
from course.federated import fedavg

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""


def some_models(count: int, seed: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"weight": (3, 2), "bias": (3,)}
    return [
        {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        for _ in range(count)
    ]


# 02.1 ---------------------------------------------------------------------------------------------


def answer_train(content, num_examples, train):
    """Train the model in the content with the learning rate in its config; send model and weight back."""
    from flwr.app import ArrayRecord, MetricRecord, RecordDict

    weights = content["arrays"].to_torch_state_dict()
    trained = train(weights, content["config"]["learning-rate"])
    return RecordDict(
        {"arrays": ArrayRecord(trained), "metrics": MetricRecord({"num-examples": num_examples})}
    )


def verify_answer(answer) -> None:
    from flwr.app import ArrayRecord, ConfigRecord, RecordDict

    for count, rate, seed in ((600, 0.5, 1), (17, 0.125, 2)):
        (before,) = some_models(1, seed)
        content = RecordDict(
            {
                "arrays": ArrayRecord(dict(before)),
                "config": ConfigRecord({"learning-rate": rate, "server-round": 3}),
            }
        )
        rates = []

        def train(weights, learning_rate, rates=rates):
            rates.append(learning_rate)
            return {name: tensor - learning_rate for name, tensor in weights.items()}

        reply = answer(content, count, train)
        if not rates:
            raise NotYet(
                "You never call `train_here(weights, learning_rate)`: the model comes back untrained."
            )
        if rates != [rate]:
            raise NotYet(
                f"The server's config asked for the learning rate {rate}; you trained with {rates}. Read content['config']."
            )
        _judge_reply(reply, before, rate, count)


def _judge_reply(reply, before: dict[str, Tensor], rate: float, count: int) -> None:
    from flwr.app import ArrayRecord, MetricRecord, RecordDict

    if reply is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(reply, RecordDict):
        raise NotYet(f"It returned a {type(reply).__name__}; a message's content is a RecordDict.")
    if not isinstance(reply.get("arrays"), ArrayRecord):
        raise NotYet('The content needs an ArrayRecord under "arrays": the trained model.')
    metrics = reply.get("metrics")
    if not isinstance(metrics, MetricRecord) or "num-examples" not in metrics:
        raise NotYet(
            'The content needs a MetricRecord under "metrics" with the entry "num-examples": Flower weighs by it.'
        )
    sent = expect_mapping(dict(reply["arrays"].to_torch_state_dict()), before)
    if all(close(sent[name], before[name], TOLERANCE) for name in before):
        raise NotYet("You send back the model that you received. Send the one that `train_here` returned.")
    if all(close(sent[name], torch.full_like(before[name], -rate), TOLERANCE) for name in before):
        raise NotYet("You send the update. Flower's FedAvg averages whole models: send the trained weights.")
    if not all(close(sent[name], before[name] - rate, TOLERANCE) for name in before):
        raise NotYet("The arrays that you send are not what `train_here` returned.")
    if metrics["num-examples"] != count:
        raise NotYet(f"num-examples is {metrics['num-examples']}; this client trained on {count}.")


# 02.2 ---------------------------------------------------------------------------------------------


def average_survivors(replies) -> dict[str, Tensor]:
    """The weighted mean over the replies that carry no error."""
    answered = [reply.content for reply in replies if not reply.has_error()]
    if not answered:
        raise ValueError(f"none of the {len(replies)} clients answered; there is nothing to average")
    models = [dict(content["arrays"].to_torch_state_dict()) for content in answered]
    return fedavg(models, [content["metrics"]["num-examples"] for content in answered])


def make_replies(models, counts, failing=()) -> list:
    """Real Flower replies, as a strategy receives them: a model and its count each, or an error."""
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    from course.federated.in_process_grid import InProcessGrid

    app = ClientApp()

    @app.train()
    def train(message, context):
        client = int(context.node_config["partition-id"])
        if client in failing:
            raise RuntimeError("the battery is empty")
        metrics = MetricRecord({"num-examples": counts[client]})
        return Message(
            RecordDict({"arrays": ArrayRecord(dict(models[client])), "metrics": metrics}), reply_to=message
        )

    grid = InProcessGrid(app, len(models))
    asked = [grid.create_message(RecordDict(), "train", node, "1") for node in grid.get_node_ids()]
    logging.getLogger("flwr").setLevel(logging.ERROR)
    return grid.send_and_receive(asked)


def verify_survivors(average) -> None:
    models, counts = some_models(4, seed=3), [10, 200, 30, 400]
    for failing in ([], [1], [0, 3], [2]):
        alive = [client for client in range(4) if client not in failing]
        got = expect_mapping(_call_average(average, make_replies(models, counts, failing)), models[0])
        right = fedavg([models[client] for client in alive], [counts[client] for client in alive])
        if all(close(got[name], right[name], TOLERANCE) for name in right):
            continue
        plain = fedavg([models[client] for client in alive], [1] * len(alive))
        if all(close(got[name], plain[name], TOLERANCE) for name in plain):
            raise NotYet("You weigh every client the same; weigh by metrics['num-examples'].")
        share = sum(counts[client] for client in alive) / sum(counts)
        if all(close(got[name], right[name] * share, TOLERANCE) for name in right):
            raise NotYet(
                "You still divide by everybody's examples. The weights of those who answered must add up to 1."
            )
        if all(close(got[name], right[name] * len(alive) / 4, TOLERANCE) for name in right):
            raise NotYet("You divide by the number of clients asked; divide by what those who answered hold.")
        raise NotYet(f"With clients {failing or 'none'} failing it is not the weighted mean of the others.")
    _expect_refusal(average, make_replies(models, counts, range(4)))


def _call_average(average, replies):
    try:
        return average(replies)
    except ValueError as error:
        if "error" in str(error).lower() or "content" in str(error).lower():
            raise NotYet(
                "You read the content of a reply that carries an error. Ask reply.has_error() first."
            ) from error
        raise


def _expect_refusal(average, replies) -> None:
    try:
        average(replies)
    except ValueError:
        return
    except Exception as error:
        raise NotYet(
            f"When nobody answers, raise a ValueError that says so; yours ends in {type(error).__name__}."
        ) from error
    raise NotYet("When nobody answers, there is no mean: raise a ValueError that says so.")
