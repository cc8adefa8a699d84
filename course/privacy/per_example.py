"""Each example's own gradient, its length, and clipping: readable, and by ghost norms."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

PerExample = Mapping[str, Tensor]
"""Name of a parameter → one gradient an example, shape (batch, *shape of the parameter)."""

SMALLEST_NORM = 1e-12
"""Below it a gradient counts as zero: nothing to clip, and no division by zero."""


def per_example_gradients(model: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The gradient of each example's own cross-entropy, all examples at once.

    Args:
        model: takes (batch, …) to class scores (batch, classes), each example by itself (no batch norm), and
            draws nothing at random (no dropout).
        inputs: shape (batch, …); the batch may be empty.
        labels: int64, shape (batch,).

    Returns:
        Name → gradients, shape (batch, *shape of the parameter).

    Raises:
        ValueError: if inputs and labels differ in number.

    Limits: holds batch × parameters numbers; `clipped_gradient_sum` does not.
    Source: `torch.func`: `grad` of one example's loss, `vmap` over the examples.
    """
    _expect_pairs(inputs, labels)
    parameters = {name: tensor.detach() for name, tensor in model.named_parameters()}
    if len(inputs) == 0:  # vmap does not take an empty dimension.
        return {name: tensor.new_zeros((0, *tensor.shape)) for name, tensor in parameters.items()}

    def loss_of_one(parameters: dict[str, Tensor], example: Tensor, label: Tensor) -> Tensor:
        scores = functional_call(model, parameters, (example.unsqueeze(0),))  # (1, classes)
        return F.cross_entropy(scores, label.unsqueeze(0))

    return vmap(grad(loss_of_one), in_dims=(None, 0, 0))(parameters, inputs, labels)


def per_example_norms(gradients: PerExample) -> Tensor:
    """The L2 norm of each example's gradient over all parameters together, shape (batch,)."""
    return sum(tensor.flatten(1).square().sum(1) for tensor in gradients.values()).sqrt()


def clip_per_example(gradients: PerExample, *, max_grad_norm: float) -> dict[str, Tensor]:
    """Shrink each example's gradient into the L2 ball of radius C.

    Args:
        gradients: name → (batch, *shape); one norm an example, over all names together.
        max_grad_norm: C > 0, in the units of the gradients.

    Returns:
        The same names and shapes; examples already inside are unchanged.

    Raises:
        ValueError: if C is not positive.

    Guarantee: adding or removing one example moves the sum over the batch by at most C.
    Limits: under REPLACE_ONE the sum can move by 2C. Clipping turns the mean gradient, so it is biased.
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1.
    """
    factors = clip_factors(per_example_norms(gradients), max_grad_norm=max_grad_norm)
    return {name: tensor * factors.view(-1, *[1] * (tensor.ndim - 1)) for name, tensor in gradients.items()}


def clip_factors(norms: Tensor, *, max_grad_norm: float) -> Tensor:
    """What each gradient is multiplied by: 1, or C / norm where that is smaller; shape (batch,)."""
    if not 0 < max_grad_norm < float("inf"):
        raise ValueError(f"max_grad_norm is {max_grad_norm}; it must be positive and finite")
    return (max_grad_norm / norms.clamp_min(SMALLEST_NORM)).clamp_max(1.0)


def ghost_norms(model: nn.Sequential, inputs: Tensor, labels: Tensor) -> Tensor:
    """Each example's gradient norm, shape (batch,), without the gradients.

    A linear layer's gradient for one example is the outer product of d (the error at its output) and a
    (its input), and an outer product's norm is the product of the norms: |d|² |a|², and |d|² for the bias.

    Args and Raises: as in `clipped_gradient_sum`.

    Source: Goodfellow 2015, *Efficient per-example gradient computations*, arXiv:1510.01799.
    """
    return _norms(_record(model, inputs, labels))


def clipped_gradient_sum(
    model: nn.Sequential, inputs: Tensor, labels: Tensor, *, max_grad_norm: float
) -> dict[str, Tensor]:
    """The sum of the clipped per-example gradients, at about the cost of one ordinary gradient.

    Args:
        model: an `nn.Sequential` of `nn.Linear` and of layers without parameters that act on each number or
            example by itself.
        inputs: shape (batch, features); the batch may be empty.
        labels: int64, shape (batch,).
        max_grad_norm: C > 0.

    Returns:
        Name → tensor in the parameter's shape.

    Raises:
        ValueError: if the model has another kind of layer with parameters, or shapes do not fit.

    Guarantee: equal to summing `clip_per_example(per_example_gradients(…))`, up to rounding.
    """
    records = _record(model, inputs, labels)
    factors = clip_factors(_norms(records), max_grad_norm=max_grad_norm).unsqueeze(1)
    sums = {}
    for layer, name, layer_inputs, errors in records:
        clipped = errors * factors  # (batch, out)
        sums[f"{name}.weight"] = clipped.T @ layer_inputs
        if layer.bias is not None:
            sums[f"{name}.bias"] = clipped.sum(0)
    return sums


def _norms(records: list[tuple[nn.Linear, str, Tensor, Tensor]]) -> Tensor:
    squares = [
        errors.square().sum(1) * (layer_inputs.square().sum(1) + (layer.bias is not None))
        for layer, _, layer_inputs, errors in records
    ]
    return torch.stack(squares).sum(0).sqrt()


def _record(model: nn.Sequential, inputs: Tensor, labels: Tensor) -> list:
    """Of each linear layer: itself, its name, its inputs (batch, in), its output's errors (batch, out)."""
    _expect_pairs(inputs, labels)
    layers, seen, outputs, signal = [], [], [], inputs
    for name, layer in _children(model):
        if isinstance(layer, nn.Linear):
            layers.append((layer, name))
            seen.append(signal.detach())
            signal = layer(signal)
            outputs.append(signal)
        else:
            signal = layer(signal)
    # The sum and not the mean: each row then holds its own example's error.
    errors = torch.autograd.grad(F.cross_entropy(signal, labels, reduction="sum"), outputs)
    return [(*layer, a, d) for layer, a, d in zip(layers, seen, errors, strict=True)]


def _children(model: nn.Sequential) -> list[tuple[str, nn.Module]]:
    children = list(model.named_children()) if isinstance(model, nn.Sequential) else []
    others = [
        type(layer).__name__
        for _, layer in children
        if not isinstance(layer, nn.Linear) and next(layer.parameters(), None) is not None
    ]
    if not children or others:
        raise ValueError(
            f"ghost norms are for an nn.Sequential of nn.Linear and layers without parameters; got "
            f"{type(model).__name__}" + (f" with {', '.join(others)}" if others else "")
        )
    return children


def _expect_pairs(inputs: Tensor, labels: Tensor) -> None:
    if labels.shape != inputs.shape[:1]:
        raise ValueError(f"got inputs of shape {tuple(inputs.shape)} and labels of {tuple(labels.shape)}")
