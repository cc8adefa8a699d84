"""Rounds that FedAvg needs to 97 % on MNIST with the 2NN, beside the paper's table.

Run it with `python tests/benchmarks/mcmahan_2nn.py` (about half an hour on one core; killed half-way, it goes
on where it stopped). The setting is that of McMahan et al. 2017, arXiv:1602.05629v4, Table 1, 2NN,
row C = 0.1, columns B = 10: 100 clients of 600 images, ten a round, one local epoch, batches of ten.
"""

import json
import time
from pathlib import Path

import torch

from course.data import load_mnist, partition_iid, partition_shards
from course.federated import as_examples, run_fedavg, two_nn

RESULTS = Path(__file__).parent / "results" / "mcmahan_2nn.json"
PUBLISHED_ROUNDS = {"iid": 87, "shards": 664}
LEARNING_RATES = (0.05, 0.1, 0.2, 0.4)
TARGET, MAX_ROUNDS, SEED = 0.97, {"iid": 300, "shards": 1200}, 0


def rounds_needed(split: str, learning_rate: float) -> dict:
    """Run one row of the grid to the target (or the limit) and describe how it went."""
    mnist = load_mnist()
    train = as_examples(mnist.train_images, mnist.train_labels)
    test = as_examples(mnist.test_images, mnist.test_labels)
    deal = partition_iid if split == "iid" else partition_shards
    clients = [train.take(part) for part in deal(mnist.train_labels, 100, seed=SEED)]
    began = time.perf_counter()
    try:
        history = run_fedavg(
            clients,
            test,
            model=two_nn(seed=SEED),
            rounds=MAX_ROUNDS[split],
            seed=SEED,
            cohort_size=10,
            local_epochs=1,
            batch_size=10,
            learning_rate=learning_rate,
            stop_at=TARGET,
            progress=f"{split} {learning_rate}",
        )
    except ValueError as stopped:
        # `fedavg` refuses a model with NaN: at this rate the run diverges, and that is its result.
        return {"split": split, "learning_rate": learning_rate, "rounds": None, "diverged": str(stopped)}
    return {
        "split": split,
        "learning_rate": learning_rate,
        "rounds": history.rounds_to(TARGET),
        "rounds_run": len(history.accuracy),
        "best_accuracy": round(float(history.accuracy.max()), 4),
        "seconds": round(time.perf_counter() - began),
    }


def main() -> None:
    """Fill in the rows of the grid that the results file does not have yet."""
    torch.set_num_threads(1)
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    done = {(row["split"], row["learning_rate"]) for row in rows}
    for split in PUBLISHED_ROUNDS:
        for learning_rate in LEARNING_RATES:
            if (split, learning_rate) not in done:
                rows.append(rounds_needed(split, learning_rate))
                print(rows[-1], flush=True)
                record = {
                    "target": TARGET,
                    "seed": SEED,
                    "torch": torch.__version__,
                    "published_rounds": PUBLISHED_ROUNDS,
                    "rows": rows,
                }
                RESULTS.parent.mkdir(exist_ok=True)
                RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
