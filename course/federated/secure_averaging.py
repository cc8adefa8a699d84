"""FedAvg on a sum that nobody sees the parts of: the weighted mean over `secure_sum`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from course.crypto import SecureSum, Stage, largest_entry, secure_sum
from course.crypto.field import is_integer
from course.crypto.ring_fixed_point import RingFixedPoint
from course.federated.averaging import Weights

FIXED_POINT = RingFixedPoint(fraction_bits=12, modulus=2**32)
"""Steps of 2^−12; ten clients of 6,000 examples each may have weights up to 8.7 in absolute value."""


@dataclass(frozen=True, eq=False)
class SecureMean:
    """A weighted mean, and what is known about it.

    Attributes:
        mean: Σ n_k · x_k / Σ n_k over the survivors, shape (length,), in double precision.
        num_examples: Σ n_k over the survivors, which the server learns.
        error: how far rounding to the fixed-point step moves an entry of the mean at most.
        secure_sum: what the protocol gave: the summed residues, the survivors, the traffic.
    """

    mean: np.ndarray = field(repr=False)
    num_examples: int
    error: float
    secure_sum: SecureSum = field(repr=False)


def weighted_row(
    vector: np.ndarray, num_examples: int, *, num_clients: int, fixed_point: RingFixedPoint = FIXED_POINT
) -> np.ndarray:
    """What one client puts into the sum: [n · x …, n], n · x in fixed point, n as it is.

    Args:
        vector: x, shape (length,).
        num_examples: n, an integer ≥ 1.
        num_clients: how many clients are enrolled; every client knows it.

    Returns:
        Residues modulo `fixed_point.modulus`, shape (length + 1,).

    Raises:
        ValueError: if n · x or n is so large that the sum over `num_clients` such clients could overflow.

    Overflow rule: |n · x| ≤ `fixed_point.largest_summand(num_clients)` for each entry, which each client
        checks alone, on its own numbers; then no sum over these clients overflows.
    """
    vector = np.asarray(vector, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"a vector has one dimension; got shape {vector.shape}")
    most = largest_entry(num_clients, modulus=fixed_point.modulus)
    if not is_integer(num_examples) or not 1 <= num_examples <= most:
        raise ValueError(f"num_examples must be an integer from 1 to {most}; got {num_examples!r}")
    weighted, largest = num_examples * vector, fixed_point.largest_summand(num_clients)
    # Written so that NaN is refused too.
    if not (np.abs(weighted) <= largest).all():
        raise ValueError(
            f"an entry times {num_examples} examples is {np.abs(weighted).max():g}; "
            f"with {num_clients} clients and steps of {fixed_point.step:g} modulo {fixed_point.modulus} "
            f"it may be {largest:g} at most"
        )
    row = fixed_point.encode(weighted)
    return np.append(row, row.dtype.type(num_examples))


def secure_mean(
    vectors: Mapping[int, np.ndarray],
    num_examples: Mapping[int, int],
    *,
    threshold: int,
    fixed_point: RingFixedPoint = FIXED_POINT,
    dropouts: Mapping[int, Stage] | None = None,
    **options: object,
) -> SecureMean:
    """The mean of the clients' vectors, each weighted by its number of examples, over one `secure_sum`.

    Args:
        vectors: client id → numbers, shape (length,), all of one length.
        num_examples: client id → a count ≥ 1, the same clients.
        threshold, dropouts, options: as of `secure_sum`.
        fixed_point: the encoding; see `weighted_row` for the overflow rule.

    Raises:
        ThresholdNotMet: if too few clients reply in some stage.
        ValueError: from `weighted_row` and `secure_sum`, or if the clients differ.

    Guarantee: `mean` is the weighted mean over the survivors, each entry within `error` of it: half a step
        a survivor, divided by Σ n_k (to a few units of the last place of a double). The server learns the
        two sums, the weighted one and Σ n_k, and who survived.
    Limits: as of `secure_sum`. A client that lies about its vector or its count moves the mean as in plain
        FedAvg, and here nobody can look.
    Source: Bonawitz et al. 2017, ePrint 2017/281, on weighted averages in federated learning.
    """
    if vectors.keys() != num_examples.keys():
        raise ValueError(f"vectors are of {sorted(vectors)}, counts of {sorted(num_examples)}")
    rows = {
        client: weighted_row(vector, num_examples[client], num_clients=len(vectors), fixed_point=fixed_point)
        for client, vector in vectors.items()
    }
    result = secure_sum(rows, threshold=threshold, dropouts=dropouts, modulus=fixed_point.modulus, **options)
    total = int(result.total[-1])
    mean = fixed_point.decode(result.total[:-1]) / total
    return SecureMean(mean, total, len(result.survivors) * fixed_point.step / 2 / total, result)


def secure_fedavg(
    models: Sequence[Weights],
    num_examples: Sequence[int],
    *,
    threshold: int,
    fixed_point: RingFixedPoint = FIXED_POINT,
    dropouts: Mapping[int, Stage] | None = None,
    **options: object,
) -> dict[str, Tensor]:
    """`fedavg`, but the server sees only the sum; for `run_fedavg(aggregate=…)`.

    Args:
        models: one mapping a client, all with the same names and shapes; client k is the one at place k.
        num_examples: one count a client, integers ≥ 1, in the same order.
        threshold, fixed_point, dropouts, options: as of `secure_mean`.

    Returns:
        A new mapping of the names, shapes and types of the first model.

    Raises:
        ThresholdNotMet: if too few clients reply in some stage.
        ValueError: if names or shapes differ, or from `secure_mean`.

    Guarantee: before it is rounded to the models' own type, each parameter is within
        K · step / (2 Σ n_k) of the weighted mean over the K survivors; see `secure_mean`.
    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1; Bonawitz et al. 2017, ePrint 2017/281.
    """
    if len(models) == 0 or len(models) != len(num_examples):
        raise ValueError(
            f"got {len(models)} models and {len(num_examples)} counts; it needs one count a model"
        )
    shapes = {name: tensor.shape for name, tensor in models[0].items()}
    for client, model in enumerate(models):
        if {name: tensor.shape for name, tensor in model.items()} != shapes:
            raise ValueError(f"client {client} and client 0 disagree on names or shapes of parameters")
    vectors = {client: flatten_double(model, names=list(shapes)) for client, model in enumerate(models)}
    result = secure_mean(
        vectors, dict(enumerate(num_examples)), threshold=threshold, fixed_point=fixed_point,
        dropouts=dropouts, **options,
    )  # fmt: skip
    return unflatten(result.mean, like=models[0])


def flatten_double(model: Weights, *, names: Sequence[str] | None = None) -> np.ndarray:
    """All parameters in a row, name by name, in double precision."""
    return np.concatenate([model[name].detach().double().numpy().ravel() for name in names or list(model)])


def unflatten(vector: np.ndarray, *, like: Weights) -> dict[str, Tensor]:
    """The model whose parameters in a row are `vector`: names, shapes and types of `like`.

    Raises:
        ValueError: if the vector has another length than `like` has parameters.
    """
    sizes = [tensor.numel() for tensor in like.values()]
    if np.shape(vector) != (sum(sizes),):
        raise ValueError(f"the model has {sum(sizes)} parameters; got a vector of shape {np.shape(vector)}")
    pieces = torch.from_numpy(np.array(vector, dtype=np.float64)).split(sizes)
    return {
        name: piece.reshape(tensor.shape).to(tensor.dtype)
        for (name, tensor), piece in zip(like.items(), pieces, strict=True)
    }
