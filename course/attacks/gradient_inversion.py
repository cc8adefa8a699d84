"""Gradient inversion: the images that a gradient was computed from, found again by optimisation."""

import math
import numbers
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from tqdm import tqdm

from course.federated.rounds import BAR

PIXELS = 784
SIDE = 28
_DECAY_AT = (3 / 8, 5 / 8, 7 / 8)
"""When the cosine method divides its step by ten, as shares of all steps (Geiping et al.'s schedule)."""


def tanh_convnet(*, seed: int) -> nn.Sequential:
    """A small convolutional network for digits with smooth activations: 9,814 parameters.

    Takes images of shape (batch, 784). No linear layer sees the pixels, so no division gives them back.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Unflatten(1, (1, SIDE, SIDE)),
            nn.Conv2d(1, 12, 5, stride=2, padding=2), nn.Tanh(),
            nn.Conv2d(12, 12, 5, stride=2, padding=2), nn.Tanh(),
            nn.Flatten(), nn.Linear(588, 10),
        )  # fmt: skip


def gradient_of(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The gradient of the mean cross-entropy of a batch, parameter by parameter.

    Args:
        images: shape (batch, 784).
        labels: shape (batch,), whole numbers.
    """
    named = dict(model.named_parameters())
    grads = torch.autograd.grad(F.cross_entropy(model(images), labels), list(named.values()))
    return dict(zip(named, grads, strict=True))


def psnr(image: Tensor, original: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels: 10 · log10(1 / mean squared error), pixels in [0, 1].

    Equal images score infinity; two grey levels that differ by 0.1 everywhere score 20 dB.

    Raises:
        ValueError: if the shapes differ.
    """
    if image.shape != original.shape:
        raise ValueError(f"got images of shapes {tuple(image.shape)} and {tuple(original.shape)}")
    error = (image - original).square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error)


def gradient_distance(gradient: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """1 − cosine of the angle between two gradients, each taken as one long vector over all layers.

    Returns: a scalar in [0, 2] that can be differentiated. It does not change when a gradient is scaled.
    Source: Geiping et al. 2020, arXiv:2003.14053 (the first term of its objective).
    """
    one = torch.cat([tensor.flatten() for tensor in gradient])
    two = torch.cat([tensor.flatten() for tensor in other])
    return 1 - (one @ two) / (one.norm() * two.norm())


def total_variation(image: Tensor) -> Tensor:
    """How rough images are: the mean absolute step to the right plus the mean absolute step down.

    Args:
        image: shape (..., height, width).
    """
    right = (image[..., :, 1:] - image[..., :, :-1]).abs().mean()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return right + down


def invert_gradient(
    model: nn.Module,
    gradient: Mapping[str, Tensor],
    labels: Tensor | int,
    *,
    method: str = "cosine",
    total_variation: float = 1e-3,
    steps: int = 300,
    seed: int = 0,
    local_steps: int = 1,
    learning_rate: float = 0.1,
    progress: str | None = None,
) -> Tensor:
    """Search for the images whose gradient (or update) looks like the one that was received.

    Args:
        model: what the client started from, with its weights; it is not changed.
        gradient: name → tensor, with the names and shapes of the model's parameters.
        labels: the label of each image, shape (batch,), or one label. See `label_from_gradient`.
        method: "cosine" matches the direction (signed steps of Adam), "dlg" matches the values (L-BFGS).
        total_variation: ≥ 0, what roughness costs; "dlg" has none.
        steps: of the search, ≥ 1.
        seed: of the noise that the search starts from.
        local_steps: how many full-batch SGD steps the attacker assumes that the client took; with more than
            one, `gradient` is minus the client's update and the search replays them ("cosine" only).
        learning_rate: of those steps.
        progress: what to write beside a progress bar; none if absent.

    Returns:
        Shape (batch, 784), in [0, 1].

    Raises:
        ValueError: if the gradient is not the model's, a label or number is out of its range, or the
            method is unknown.

    Limits: a failed search says nothing about other attackers. Images of one label come back in any order.
        The attacker needs the number of images, and float noise makes runs differ between machines.
    Source: "dlg" Zhu, Liu, Han 2019, arXiv:1906.08935, with known labels; "cosine" Geiping et al.
        2020, arXiv:2003.14053, here with the mean for total variation.
    """
    target = _checked_gradient(model, gradient)
    labels = _checked_labels(labels, target[-1].shape[0])
    _check_numbers(method, total_variation, steps, local_steps, learning_rate)
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand((len(labels), PIXELS), generator=generator).requires_grad_()

    def guess() -> list[Tensor]:
        return _replayed(model, images, labels, local_steps, learning_rate)

    if method == "dlg":
        _match_values(images, guess, target, steps)
    else:
        _match_direction(images, guess, target, total_variation, steps, progress)
    return images.detach().clamp(0, 1)


def _replayed(
    model: nn.Module, images: Tensor, labels: Tensor, local_steps: int, learning_rate: float
) -> list[Tensor]:
    """The gradient of the images, or the sum of the gradients along several steps, differentiable in them."""
    names = [name for name, _ in model.named_parameters()]
    weights = [parameter.detach().requires_grad_() for parameter in model.parameters()]
    total = [torch.zeros_like(weight) for weight in weights]
    for _ in range(local_steps):
        logits = functional_call(model, dict(zip(names, weights, strict=True)), (images,))
        grads = torch.autograd.grad(F.cross_entropy(logits, labels), weights, create_graph=True)
        total = [sum_ + grad for sum_, grad in zip(total, grads, strict=True)]
        weights = [weight - learning_rate * grad for weight, grad in zip(weights, grads, strict=True)]
    return total


def _match_direction(
    images: Tensor, guess: Callable, target: list[Tensor], roughness: float, steps: int, progress: str | None
) -> None:
    optimiser = torch.optim.Adam([images], lr=0.1)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [int(steps * share) for share in _DECAY_AT])
    for _ in tqdm(range(steps), progress, disable=progress is None, file=sys.stdout, leave=False, **BAR):
        loss = gradient_distance(guess(), target)
        loss = loss + roughness * total_variation(images.unflatten(1, (SIDE, SIDE)))
        # Signs only: where the loss is flat, a gradient's size says little about how far to go.
        images.grad = torch.autograd.grad(loss, images)[0].sign()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            images.clamp_(0, 1)


def _match_values(images: Tensor, guess: Callable, target: list[Tensor], steps: int) -> None:
    # L-BFGS stops on absolute numbers, so the loss is scaled to be about 1,000 at the start.
    scale = 1_000 / max(sum(tensor.square().sum().item() for tensor in target), 1e-30)
    optimiser = torch.optim.LBFGS(
        [images], max_iter=steps, history_size=50, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        loss = scale * sum((one - two).square().sum() for one, two in zip(guess(), target, strict=True))
        images.grad = torch.autograd.grad(loss, images)[0]
        return loss.detach()

    optimiser.step(closure)


def _checked_gradient(model: nn.Module, gradient: Mapping[str, Tensor]) -> list[Tensor]:
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    got = {name: tuple(tensor.shape) for name, tensor in gradient.items()}
    if got != shapes:
        raise ValueError(f"the gradient has {got}; the model's parameters are {shapes}")
    target = [gradient[name].detach() for name in shapes]
    if not all(tensor.isfinite().all() for tensor in target):
        raise ValueError("the gradient holds numbers that are not finite")
    if not any(tensor.any() for tensor in target):
        raise ValueError("the gradient is zero everywhere; it holds nothing to search for")
    return target


def _checked_labels(labels: Tensor | int, num_classes: int) -> Tensor:
    labels = torch.atleast_1d(torch.as_tensor(labels))
    whole = labels.dtype in (torch.int64, torch.int32, torch.uint8)
    if labels.ndim != 1 or not len(labels) or not whole:
        raise ValueError(f"labels are one whole number an image, not {labels}")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels run from 0 to {num_classes - 1}; got {labels.tolist()}")
    return labels.long()


def _check_numbers(method: str, roughness: float, steps: int, local_steps: int, learning_rate: float) -> None:
    if method not in ("cosine", "dlg"):
        raise ValueError(f"method is 'cosine' or 'dlg', not {method!r}")
    if method == "dlg" and local_steps != 1:
        raise ValueError("only method='cosine' replays local steps")
    if not 0 <= roughness < math.inf:
        raise ValueError(f"total_variation is a finite number, at least 0, not {roughness!r}")
    for name, value in {"steps": steps, "local_steps": local_steps}.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"{name} is a whole number, at least 1, not {value!r}")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate is a finite number above 0, not {learning_rate!r}")
