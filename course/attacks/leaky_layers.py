"""What single layers give away without any search: labels, one input, or many inputs of a crafted layer."""

import torch
from torch import Tensor, nn


def label_from_gradient(bias_gradient: Tensor) -> int:
    """The label of one example, from the gradient of the last layer's bias.

    Args:
        bias_gradient: shape (classes,), of the cross-entropy of one example.

    Returns:
        The class whose entry is negative. There is one: the entry of class c is p_c − 1 if c is the label and
        p_c otherwise.

    Raises:
        ValueError: if not exactly one entry is negative: several examples, noise, or another loss.

    Limits: one example, softmax and cross-entropy. A probability that rounds to 0 or 1 breaks it.
    Source: Zhao, Mopuri, Bilen 2020 (iDLG), arXiv:2001.02610 (there from the signs of the weights' gradient).
    """
    negative = (bias_gradient < 0).nonzero().flatten()
    if bias_gradient.ndim != 1 or len(negative) != 1:
        raise ValueError(
            f"one example makes exactly one entry negative; got {len(negative)} negative entries"
        )
    return int(negative)


def label_counts_from_gradient(bias_gradient: Tensor, *, batch_size: int, mean_probability: Tensor) -> Tensor:
    """About how many examples of each class a batch held, from the gradient of the last layer's bias.

    The entry of class c is the mean of p_c over the batch minus the share of class c in it. The attacker does
    not know the first, and puts in the mean over images of its own.

    Args:
        bias_gradient: shape (classes,), of the mean cross-entropy of the batch.
        batch_size: at least 1.
        mean_probability: shape (classes,), what the model gives to each class on the attacker's own images.

    Returns:
        Whole numbers, shape (classes,), that sum to `batch_size`.

    Raises:
        ValueError: if the shapes differ or the batch is empty.

    Limits: an approximation, good while the model says much the same of every image (an untrained one).
    Source: our own, from the same identity as `label_from_gradient`.
    """
    if bias_gradient.ndim != 1 or bias_gradient.shape != mean_probability.shape:
        raise ValueError(
            f"got shapes {tuple(bias_gradient.shape)} and {tuple(mean_probability.shape)}; both should be "
            "(classes,)"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size is at least 1, not {batch_size}")
    expected = ((mean_probability - bias_gradient) * batch_size).clamp(min=0)
    expected = expected * batch_size / expected.sum().clamp(min=1e-12)
    counts = expected.floor()
    missing = batch_size - int(counts.sum())
    counts[(expected - counts).argsort(descending=True)[:missing]] += 1
    return counts.long()


def invert_linear(weight_gradient: Tensor, bias_gradient: Tensor) -> Tensor:
    """What a linear layer saw, one guess a unit: the row of the weight's gradient over the bias's entry.

    Args:
        weight_gradient: shape (units, inputs).
        bias_gradient: shape (units,).

    Returns:
        Shape (units with a gradient, inputs).

    Raises:
        ValueError: if the shapes do not fit.

    Limits: exact for one example. In a batch a row is a mixture of the examples for which its unit fired.
    Source: Geiping et al. 2020, arXiv:2003.14053 (inputs to a fully connected layer); lesson 00.
    """
    if weight_gradient.ndim != 2 or bias_gradient.shape != weight_gradient.shape[:1]:
        raise ValueError(
            f"got shapes {tuple(weight_gradient.shape)} and {tuple(bias_gradient.shape)}; they should be "
            "(units, inputs) and (units,)"
        )
    fired = bias_gradient != 0
    return weight_gradient[fired] / bias_gradient[fired].unsqueeze(1)


def crafted_network(
    brightness: Tensor, *, bins: int, num_inputs: int = 784, num_classes: int = 10
) -> nn.Module:
    """A network whose first layer sorts its inputs into bins by mean brightness, one unit a bin.

    Unit k fires for inputs whose mean is above the k-th of `bins` levels, which cut the attacker's own images
    into equal parts (the last takes two). All units send the same to the second layer, so an example counts
    equally in each.

    Args:
        brightness: mean pixel of images of the attacker's own, shape (many,).
        bins: units, at least 2.

    Returns:
        Linear, ReLU, Linear; parameters "0.weight", "0.bias", "2.weight", "2.bias", in double precision.

    Raises:
        ValueError: if there are fewer than two bins or fewer brightnesses than bins.

    Limits: a client that looks at the model sees equal rows. Fowl et al. put the layer before another model.
    Source: Fowl, Geiping, Czaja, Goldblum, Goldstein 2022, arXiv:2110.13057.
    """
    if bins < 2 or brightness.ndim != 1 or len(brightness) < bins:
        raise ValueError(f"need bins ≥ 2 and as many brightnesses; got {bins} and {tuple(brightness.shape)}")
    model = nn.Sequential(nn.Linear(num_inputs, bins), nn.ReLU(), nn.Linear(bins, num_classes)).double()
    levels = torch.quantile(brightness.double(), torch.linspace(0, 1, bins + 2, dtype=torch.float64)[:-2])
    with torch.no_grad():
        model[0].weight.fill_(1 / num_inputs)
        model[0].bias.copy_(-levels)
        # Each column is the same, and small enough that the softmax does not saturate.
        model[2].weight.copy_(
            (torch.linspace(-1, 1, num_classes).double() / bins).unsqueeze(1).expand(-1, bins)
        )
        model[2].bias.zero_()
    return model


def read_bins(weight_gradient: Tensor, bias_gradient: Tensor) -> Tensor:
    """One picture from each filled bin of a crafted layer: differences of neighbours, then a division.

    Args:
        weight_gradient: shape (bins, inputs), units in the order of rising levels.
        bias_gradient: shape (bins,).

    Returns:
        Shape (filled bins, inputs): exact for a bin with one example, else a weighted mean of its examples.

    Raises:
        ValueError: if the shapes do not fit.

    Source: Fowl et al. 2022, arXiv:2110.13057.
    """
    if weight_gradient.ndim != 2 or bias_gradient.shape != weight_gradient.shape[:1]:
        raise ValueError(
            f"got shapes {tuple(weight_gradient.shape)} and {tuple(bias_gradient.shape)}; they should be "
            "(bins, inputs) and (bins,)"
        )
    # What fires unit k but not unit k + 1 lies in bin k. Nothing lies above the last level but its own bin.
    weights = weight_gradient - torch.cat([weight_gradient[1:], torch.zeros_like(weight_gradient[:1])])
    biases = bias_gradient - torch.cat([bias_gradient[1:], torch.zeros_like(bias_gradient[:1])])
    filled = biases.abs() > 1e-7 * bias_gradient.abs().max()
    return weights[filled] / biases[filled].unsqueeze(1)
