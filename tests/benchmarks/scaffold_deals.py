"""How far SCAFFOLD leads FedAvg on two shards a client, over twenty deals: five cannot tell.

Run it with `python tests/benchmarks/scaffold_deals.py`: a minute or two. Lesson 01 reads what it writes.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from course.data import load_mnist, partition_shards
from course.federated import as_examples, run_fedavg, run_scaffold, two_nn

RESULTS = Path(__file__).parent / "results" / "scaffold_deals.json"
DEALS, ROUNDS, HIDDEN = 20, 24, 50
# Each at the best learning rate that lesson 01 tried.
METHODS = {"FedAvg": (run_fedavg, 0.2), "SCAFFOLD": (run_scaffold, 0.1)}


def main() -> None:
    """Run every method on every deal, as lesson 01 does, and write the accuracies."""
    torch.set_num_threads(1)
    mnist = load_mnist()
    train = as_examples(mnist.train_images, mnist.train_labels)
    test = as_examples(mnist.test_images, mnist.test_labels).take(np.arange(0, 10_000, 2))
    rows = []
    for seed in tqdm(range(DEALS), desc="deals", file=sys.stdout):
        few = np.random.default_rng(seed).choice(len(train), 6_000, replace=False)
        parts = partition_shards(mnist.train_labels[few], 10, seed=seed)
        clients = [train.take(few[part]) for part in parts]
        row = {"seed": seed}
        for name, (run, rate) in METHODS.items():
            model = two_nn(seed=seed, hidden=HIDDEN)
            found = run(
                clients, test, model=model, rounds=ROUNDS, seed=seed, learning_rate=rate, batch_size=50
            ).accuracy
            row[name] = {"round 12": round(found[11], 4), "round 24": round(found[23], 4)}
        rows.append(row)
    RESULTS.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
