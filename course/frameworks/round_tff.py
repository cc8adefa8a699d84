"""One round of FedAvg in TensorFlow Federated.

Run it where the tool is installed: python round_tff.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff


def model_fn():
    """The same linear model; TFF calls this to compile the round, so it makes a new one each time."""
    network = tf.keras.Sequential([tf.keras.layers.InputLayer(49), tf.keras.layers.Dense(10)])
    return tff.learning.models.from_keras_model(
        network,
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        input_spec=(tf.TensorSpec([None, 49]), tf.TensorSpec([None], tf.int32)),
    )


def dataset(task, client):
    """A client's examples as one batch, as often as there are steps."""
    mine = task["owner"] == client
    examples = tf.data.Dataset.from_tensor_slices((task["features"][mine], task["labels"][mine]))
    return examples.batch(int(mine.sum())).repeat(int(task["steps"]))


def run(task):
    """The model after the rounds; what TFF sends to its own worker process is not counted."""
    process = tff.learning.algorithms.build_weighted_fed_avg(
        model_fn, tff.learning.optimizers.build_sgdm(float(task["learning_rate"]))
    )
    first = tff.learning.models.ModelWeights([task["weights"], task["bias"]], [])
    state = process.set_model_weights(process.initialize(), first)
    clients = [dataset(task, client) for client in range(int(task["owner"].max()) + 1)]
    for _ in range(int(task["rounds"])):
        state = process.next(state, clients).state
    weights, bias = process.get_model_weights(state).trainable
    return {"weights": weights.tolist(), "bias": bias.tolist()}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
