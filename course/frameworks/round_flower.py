"""One round of FedAvg in Flower, its clients in this process.

Run it alone: python round_flower.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from flwr.app import ArrayRecord, MetricRecord, RecordDict
from flwr.app import Message as FlowerMessage
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg

from course.federated.in_process_grid import InProcessGrid


def train(weights, bias, features, labels, *, steps, learning_rate):
    """Gradient descent on all examples of one client; the model is softmax(features · weights + bias)."""
    truth = np.eye(len(bias))[labels]
    for _ in range(steps):
        scores = np.exp(features @ weights + bias)
        slope = (scores / scores.sum(axis=1, keepdims=True) - truth) / len(features)
        weights = weights - learning_rate * features.T @ slope
        bias = bias - learning_rate * slope.sum(axis=0)
    return weights, bias


def client_app(task, sent):
    """What each client does with a model that arrives; `sent` collects the bytes of the arrays, both ways."""
    app = ClientApp()

    @app.train()
    def answer(message, context):
        mine = task["owner"] == context.node_config["partition-id"]
        weights, bias = message.content["arrays"].to_numpy_ndarrays()
        trained = train(
            weights, bias, task["features"][mine], task["labels"][mine],
            steps=int(task["steps"]), learning_rate=float(task["learning_rate"]),
        )  # fmt: skip
        arrays = ArrayRecord([array.astype(np.float32) for array in trained])
        sent.extend(len(a.data) for record in (message.content["arrays"], arrays) for a in record.values())
        metrics = MetricRecord({"num-examples": int(mine.sum())})
        return FlowerMessage(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=message)

    return app


def run(task):
    """The model after the rounds, and the bytes of all models that went to clients and back."""
    num_clients, sent = int(task["owner"].max()) + 1, []
    grid = InProcessGrid(client_app(task, sent), num_clients, raise_errors=True)
    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=num_clients, min_available_nodes=num_clients)
    result = strategy.start(
        grid, ArrayRecord([task["weights"], task["bias"]]), num_rounds=int(task["rounds"])
    )
    weights, bias = result.arrays.to_numpy_ndarrays()
    return {"weights": weights.tolist(), "bias": bias.tolist()}, sum(sent)


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
