"""One round of FedAvg by hand, in PyTorch.

Run it alone: python round_torch.py TASK.npz ANSWER.json
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch.nn.functional import cross_entropy


def train(model, features, labels, *, steps, learning_rate):
    """Gradient descent on all examples of one client; returns the model's state."""
    for _ in range(steps):
        model.zero_grad()
        cross_entropy(model(features), labels).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= learning_rate * parameter.grad
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def run(task):
    """The model after the rounds; nothing is sent, because everybody is in one process."""
    features, labels, owner = (torch.tensor(task[name]) for name in ("features", "labels", "owner"))
    model = torch.nn.Linear(features.shape[1], len(task["bias"]))
    state = {"weight": torch.tensor(task["weights"].T), "bias": torch.tensor(task["bias"])}
    settings = {"steps": int(task["steps"]), "learning_rate": float(task["learning_rate"])}
    share = torch.bincount(owner) / len(owner)
    for _ in range(int(task["rounds"])):
        states = []
        for client in range(len(share)):
            model.load_state_dict(state)
            mine = owner == client
            states.append(train(model, features[mine], labels[mine].long(), **settings))
        state = {name: sum(s * each[name] for s, each in zip(share, states, strict=True)) for name in state}
    return {"weights": state["weight"].T.tolist(), "bias": state["bias"].tolist()}, None


if __name__ == "__main__":
    torch.set_num_threads(1)
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
