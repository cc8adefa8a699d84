"""A client's half of FedAvg: its data, its model, and a few epochs of SGD that nobody watches."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Examples:
    """Digits ready for a model.

    Attributes:
        images: shape (num_examples, 784), float32 in [0, 1].
        labels: shape (num_examples,), int64 in 0…9.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> "Examples":
        """The examples at these positions, as a client would hold them."""
        chosen = torch.from_numpy(np.asarray(indices, dtype=np.int64))
        return Examples(self.images[chosen], self.labels[chosen])


def as_examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    """Turn uint8 images of shape (n, 28, 28) and labels of shape (n,) into `Examples`."""
    if len(images) != len(labels):
        raise ValueError(f"got {len(images)} images but {len(labels)} labels; they must pair up")
    flat = torch.tensor(images.reshape(len(images), -1), dtype=torch.float32) / 255
    return Examples(flat, torch.tensor(labels, dtype=torch.int64))


def two_nn(*, seed: int, hidden: int = 200) -> nn.Sequential:
    """The "2NN" of McMahan et al. 2017, section 3: 784 → 200 → 200 → 10 with ReLU, 199,210 parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10)
        )


def client_generator(seed: int, *, round_index: int, client: int) -> torch.Generator:
    """Randomness that depends on (seed, round, client) only, so the clients' order cannot matter."""
    words = np.random.SeedSequence([seed, round_index, client]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def batches(num_examples: int, batch_size: int | None, generator: torch.Generator) -> tuple[Tensor, ...]:
    """One epoch's batches: a fresh shuffle, cut into pieces (`batch_size=None`: all in one)."""
    order = torch.randperm(num_examples, generator=generator)
    return order.split(batch_size or num_examples)


def local_sgd(
    model: nn.Module,
    examples: Examples,
    *,
    local_epochs: int,
    batch_size: int | None,
    learning_rate: float,
    generator: torch.Generator,
    proximal_strength: float = 0.0,
    correction: dict[str, Tensor] | None = None,
) -> int:
    """Train `model` in place on one client's examples.

    Args:
        model: starts as the global model, ends as the client's.
        examples: the client's own, at least one.
        local_epochs: passes over the examples, ≥ 1 (E in the paper).
        batch_size: examples a step; None takes all at once (B and B = ∞ in the paper).
        learning_rate: > 0.
        generator: draws the shuffles and nothing else.
        proximal_strength: μ of FedProx; 0 is plain SGD. Adds μ · (w − w_global) to each gradient.
        correction: added to each gradient, parameter by parameter (SCAFFOLD's c − c_k).

    Returns:
        The number of SGD steps taken.

    Raises:
        ValueError: if there are no examples or a number is out of its range.

    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1, ClientUpdate; the proximal term is
        Li et al. 2020, arXiv:1812.06127v5, equation 2.
    """
    _check_training(examples, local_epochs, batch_size, learning_rate)
    named = list(model.named_parameters())
    parameters = [parameter for _, parameter in named]
    start = [parameter.detach().clone() for parameter in parameters]
    extra = None if correction is None else [correction[name] for name, _ in named]
    steps = 0
    for _ in range(local_epochs):
        for batch in batches(len(examples), batch_size, generator):
            # index_select copies whole rows; plain indexing would cost a third of the step.
            images, labels = examples.images.index_select(0, batch), examples.labels.index_select(0, batch)
            loss = F.cross_entropy(model(images), labels)
            grads = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                if proximal_strength:
                    grads = [
                        g + proximal_strength * (p - s)
                        for g, p, s in zip(grads, parameters, start, strict=True)
                    ]
                if extra is not None:
                    grads = [g + c for g, c in zip(grads, extra, strict=True)]
                torch._foreach_add_(parameters, grads, alpha=-learning_rate)
            steps += 1
    return steps


@torch.no_grad()
def accuracy(model: nn.Module, examples: Examples) -> float:
    """The share of examples whose digit the model gets right, in [0, 1]."""
    return (model(examples.images).argmax(dim=1) == examples.labels).float().mean().item()


@torch.no_grad()
def accuracy_per_class(model: nn.Module, examples: Examples, *, num_classes: int = 10) -> np.ndarray:
    """The share of each class that the model gets right, shape (num_classes,); NaN for an absent class."""
    right = (model(examples.images).argmax(dim=1) == examples.labels).double().numpy()
    labels = examples.labels.numpy()
    counts = np.bincount(labels, minlength=num_classes)
    hits = np.bincount(labels, weights=right, minlength=num_classes)
    return np.divide(hits, counts, out=np.full(num_classes, np.nan), where=counts > 0)


def _check_training(
    examples: Examples, local_epochs: int, batch_size: int | None, learning_rate: float
) -> None:
    if len(examples) == 0:
        raise ValueError("this client has no examples; leave it out of the round")
    if local_epochs < 1:
        raise ValueError(f"local_epochs is {local_epochs}; it must be at least 1")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1, or None for all at once")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate is {learning_rate}; it must be positive")
