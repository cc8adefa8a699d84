"""Many small networks of one shape as one set of tensors: forward, backward and per-example norms by hand."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class ManyModels:
    """Networks features → ReLU units → one logit ("class 1"), stacked: the first dimension counts models.

    Attributes:
        hidden_weight: shape (models, features, hidden).
        hidden_bias: shape (models, 1, hidden).
        output_weight: shape (models, hidden, 1).
        output_bias: shape (models, 1, 1).
    """

    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor

    def __len__(self) -> int:
        return len(self.hidden_weight)

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The four tensors, first layer first."""
        return self.hidden_weight, self.hidden_bias, self.output_weight, self.output_bias

    def true_class_logits(self, inputs: np.ndarray | Tensor, labels: np.ndarray | Tensor) -> np.ndarray:
        """log(p / (1 − p)) of the probability p that each model gives to each record's true class.

        Args:
            inputs: shape (n, features).
            labels: shape (n,), 0 or 1.

        Returns:
            float32, shape (models, n); positive where the model is right.
        """
        inputs, labels = as_tensors(inputs, labels)
        sign = 2 * labels - 1
        # One model at a time: all at once would hold models × n × hidden numbers.
        logits = [
            torch.addmm(output_bias, torch.addmm(hidden_bias, inputs, hidden).relu_(), output).squeeze(1)
            * sign
            for hidden, hidden_bias, output, output_bias in zip(*self.tensors(), strict=True)
        ]
        return torch.stack(logits).numpy()

    def losses(self, inputs: np.ndarray | Tensor, labels: np.ndarray | Tensor) -> np.ndarray:
        """Cross-entropy in nats of each model on each record, shape (models, n)."""
        return np.logaddexp(0.0, -self.true_class_logits(inputs, labels))

    def accuracy(
        self, inputs: np.ndarray | Tensor, labels: np.ndarray | Tensor, where: np.ndarray | None = None
    ) -> np.ndarray:
        """Each model's share of right answers, shape (models,), over all records or its row of `where`.

        Args:
            where: bool, shape (models, n), with at least one record a model; None takes all records.
        """
        return np.mean(
            self.true_class_logits(inputs, labels) > 0, axis=1, where=True if where is None else where
        )


def forward(models: ManyModels, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """d loss / d logit of each example, shape (models, batch), and the hidden activations."""
    activations = torch.baddbmm(models.hidden_bias, inputs, models.hidden_weight).relu_()
    logits = torch.baddbmm(models.output_bias, activations, models.output_weight).squeeze(2)
    return torch.sigmoid(logits) - labels, activations


def backward(models: ManyModels, inputs: Tensor, activations: Tensor, error: Tensor) -> tuple[Tensor, ...]:
    """The gradient of Σ loss, each example's part multiplied by what its `error` was multiplied by."""
    error = error.unsqueeze(2)  # (models, batch, 1)
    hidden_error = _hidden_error(models, activations, error)
    return (
        torch.bmm(inputs.transpose(1, 2), hidden_error),
        hidden_error.sum(1, keepdim=True),
        torch.bmm(activations.transpose(1, 2), error),
        error.sum(1, keepdim=True),
    )


def example_norms(models: ManyModels, inputs: Tensor, activations: Tensor, error: Tensor) -> Tensor:
    """The L2 norm of each example's own gradient over all four tensors, shape (models, batch), unbuilt.

    The gradient of a linear layer is the outer product of its input and its error, so its squared norm is
    |input|² · |error|², and the bias adds |error|².
    """
    hidden_error = _hidden_error(models, activations, error.unsqueeze(2))
    hidden = hidden_error.square().sum(2) * (inputs.square().sum(2) + 1)
    output = error.square() * (activations.square().sum(2) + 1)
    return (hidden + output).sqrt()


def _hidden_error(models: ManyModels, activations: Tensor, error: Tensor) -> Tensor:
    return (error * models.output_weight.transpose(1, 2)).mul_(activations > 0)


def start(num_models, num_features, hidden, *, zero_output, generator) -> ManyModels:
    """Each model's own start, uniform as in `nn.Linear`; with `zero_output` the last layer is 0."""

    def uniform(fan_in: int, *shape: int) -> Tensor:
        return (torch.rand(num_models, *shape, generator=generator) * 2 - 1) / fan_in**0.5

    hidden_weight, hidden_bias = uniform(num_features, num_features, hidden), uniform(num_features, 1, hidden)
    output = uniform(hidden, hidden, 1), uniform(hidden, 1, 1)
    return ManyModels(
        hidden_weight, hidden_bias, *(tensor.zero_() if zero_output else tensor for tensor in output)
    )


def as_tensors(inputs: np.ndarray | Tensor, labels: np.ndarray | Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and 0/1 labels as float32 tensors, or a `ValueError` that says what is wrong with them."""
    inputs, labels = torch.as_tensor(inputs).float(), torch.as_tensor(labels)
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1]:
        raise ValueError(
            "inputs must be (n, features) and labels (n,): "
            f"got {tuple(inputs.shape)} and {tuple(labels.shape)}"
        )
    if not torch.isin(labels, torch.tensor([0, 1])).all():
        raise ValueError("labels must be 0 or 1")
    return inputs, labels.float()
