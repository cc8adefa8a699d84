"""The server's half of FedAvg: one weighted mean of the clients' models."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]
"""A model as data: parameter name → tensor, as `model.state_dict()` gives it."""


def fedavg(models: Sequence[Weights], num_examples: Sequence[float]) -> dict[str, Tensor]:
    """Average the clients' models, each weighted by how many examples it was trained on.

    Args:
        models: one mapping a client, all with the same names, shapes and dtypes (floating point).
        num_examples: one positive count a client, in the same order.

    Returns:
        A new mapping of the same names and shapes; the inputs are left as they are.

    Raises:
        ValueError: if there is no client, the lengths differ, a count is zero, negative or not
            finite, names or shapes differ between clients, or a model holds NaN or infinity.

    Limits: the server sees every client's model in the clear, and one client that lies about its
        model or its count can move the mean as far as it likes.
    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1, last line of the server's loop:
        w_{t+1} = Σ_{k∈S_t} (n_k / m_t) w^k_{t+1} with m_t = Σ_{k∈S_t} n_k (version 4's erratum).
    """
    _check_counts(models, num_examples)
    _check_models(models)
    total = math.fsum(num_examples)
    shares = [count / total for count in num_examples]
    # In the models' own precision and the clients' order, as in Flower: the results are bit-identical.
    return {
        name: sum(model[name] * share for model, share in zip(models, shares, strict=True))
        for name in models[0]
    }


def subtract(after: Weights, before: Weights) -> dict[str, Tensor]:
    """The update that leads from one model to another: `after − before`, name by name."""
    return {name: after[name] - before[name] for name in before}


def num_bytes(model: Weights) -> int:
    """Bytes that sending this model once puts on the wire (payload only, no framing)."""
    return sum(tensor.numel() * tensor.element_size() for tensor in model.values())


def _check_counts(models: Sequence[Weights], num_examples: Sequence[float]) -> None:
    if len(models) == 0:
        raise ValueError("fedavg got no clients; it needs at least one model to average")
    if len(models) != len(num_examples):
        raise ValueError(
            f"fedavg got {len(models)} models but {len(num_examples)} counts in num_examples; "
            "it needs one count a model"
        )
    for client, count in enumerate(num_examples):
        if not math.isfinite(count) or count <= 0:
            raise ValueError(
                f"client {client} reports num_examples = {count}; a count must be a positive, finite "
                "number (leave a client without examples out of the round)"
            )


def _check_models(models: Sequence[Weights]) -> None:
    first = models[0]
    for client, model in enumerate(models):
        if model.keys() != first.keys():
            differing = sorted(model.keys() ^ first.keys())
            raise ValueError(f"client {client} and client 0 disagree on the parameter names {differing}")
        for name, tensor in model.items():
            _check_tensor(client, name, tensor, first[name])


def _check_tensor(client: int, name: str, tensor: Tensor, first: Tensor) -> None:
    if tensor.shape != first.shape:
        raise ValueError(
            f"client {client} sends {name!r} with shape {tuple(tensor.shape)}; "
            f"client 0 sends {tuple(first.shape)}, and shapes must agree"
        )
    if not tensor.is_floating_point():
        raise ValueError(f"client {client} sends {name!r} as {tensor.dtype}; only floating point averages")
    if not torch.isfinite(tensor).all():
        raise ValueError(f"client {client} sends NaN or infinity in {name!r}; leave that client out")
