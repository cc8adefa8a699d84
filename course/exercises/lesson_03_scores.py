"""Checkers of exercises 03.1 to 03.4: the label, and three numbers that judge a picture or a gradient."""

import math
import numbers

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given

TOLERANCE = 1e-4
"""Relative, absolute below 1; single precision inside an answer is fine."""


def _near(got: float, expected: float) -> bool:
    return abs(got - expected) <= TOLERANCE * max(1.0, abs(expected))


def _first_match(got: float, guesses: dict[str, float], otherwise: str) -> NotYet:
    for sentence, value in guesses.items():
        if _near(got, value):
            return NotYet(sentence)
    return NotYet(otherwise)


def expect_scalar(value: object) -> Tensor:
    """The answer as a tensor with one finite number, or a sentence that says what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(value, Tensor):
        raise NotYet(
            f"It returned a {type(value).__name__}; it should be a tensor, so that torch can differentiate it."
        )
    if value.numel() != 1:
        raise NotYet(f"It returned a tensor of shape {tuple(value.shape)}; it should hold one number.")
    if not value.isfinite():
        raise NotYet(f"It returned {value.item()}, which is not a finite number.")
    return value.reshape(())


# 03.1 ---------------------------------------------------------------------------------------------


def verify_label(label_of) -> None:
    """The one negative entry, whether the model is unsure, sure and right, or sure and wrong."""
    generator = torch.Generator().manual_seed(0)
    for turn, (classes, sharpness) in enumerate(((10, 0.1), (10, 2.0), (4, 1.0), (10, 1.0), (6, 3.0)) * 4):
        label = 1 + turn % (classes - 2)  # Never the first or the last class.
        logits = sharpness * torch.randn(classes, generator=generator)
        if turn % 3 == 0:
            logits[label] = logits.max() + 1
        # The neighbour stays in the middle, so that "one too many" is no other mistake.
        logits[label + 1] = logits[[c for c in range(classes) if c not in (label, label + 1)]].mean()
        gradient = logits.softmax(dim=0)
        gradient[label] -= 1
        with given(f"bias_gradient={[round(entry, 3) for entry in gradient.tolist()]}"):
            got = label_of(gradient.clone())
        number = expect_number(got)
        if number != label:
            raise NotYet(_why_label(number, label, gradient))
        if not isinstance(got, numbers.Integral | Tensor | np.ndarray) or (
            isinstance(got, Tensor) and got.is_floating_point()
        ):
            raise NotYet(f"It returned {got!r}; a label is a whole number.")
    for label in (0, 9):
        gradient = torch.full((10,), 0.1) - F.one_hot(torch.tensor(label), 10)
        with given(f"a gradient whose negative entry is that of class {label}"):
            number = expect_number(label_of(gradient.clone()))
        if number != label:
            raise NotYet(f"The label can be class {label}, too; you return {number:g}. Look at all entries.")


def _why_label(number: float, label: int, gradient: Tensor) -> str:
    guesses = {
        "You return the entry itself. Return its position, the class.": gradient.min().item(),
        "You count classes from 1. The digits count from 0.": label + 1,
        "Your position counts from the end: it is negative.": label - len(gradient),
        "You return the class with the largest entry: the wrong answer that the model believes in most.":
            int(gradient.argmax()),
        "You return the entry that is nearest to 0: a class that the model rules out.":
            int(gradient.abs().argmin()),
    }  # fmt: skip
    for sentence, value in guesses.items():
        if abs(number - value) < 1e-6:
            return sentence
    return (
        f"The only negative entry is that of class {label}; you return {number:g}. The entry of class c is p_c − 1 "
        "if c is the label, and p_c otherwise."
    )


# 03.2 ---------------------------------------------------------------------------------------------


def verify_psnr(psnr) -> None:
    """10 · log10(1 / mean squared error), for two shapes and several errors."""
    generator = torch.Generator().manual_seed(0)
    for shape, size in (((784,), 0.1), ((28, 28), 0.5), ((784,), 0.003)):
        # Both stay within [0, 1], and neither reaches 1: the peak is what a pixel *can* be.
        original = 0.2 + 0.4 * torch.rand(shape, generator=generator)
        image = original + size * (torch.rand(shape, generator=generator) - 0.3)
        inputs = image.clone(), original.clone()
        with given(f"two images of shape {shape}"):
            got = expect_number(psnr(*inputs))
        if not (torch.equal(inputs[0], image) and torch.equal(inputs[1], original)):
            raise NotYet("You changed the images that you were given. Work on copies.")
        error = (image - original).double()
        expected = -10 * math.log10(error.square().mean().item())
        if not _near(got, expected):
            raise _why_psnr(got, expected, image, original)


def _why_psnr(got: float, expected: float, image: Tensor, original: Tensor) -> NotYet:
    error = (image - original).double()
    peaks = [20 * math.log10(picture.max().item()) for picture in (image, original)]
    mse = error.square().mean().item()
    guesses = {
        "The sign is turned: a smaller error should score higher.": -expected,
        "That is the mean squared error. Its score in decibels takes a logarithm.": mse,
        "With the *squared* error, the factor is 10. (20 is for its root.)": 2 * expected,
        "With the root of the squared error, the factor is 20. (10 is for the square.)": expected / 2,
        "That is the natural logarithm. Decibels take the one to base 10.": -10 * math.log(mse),
        "You add up the squared errors. Take their mean, so that the score does not depend on the size.":
            -10 * math.log10(error.square().sum().item()),
        "You take the absolute error. Square it.": -10 * math.log10(error.abs().mean().item()),
        "Pixels lie in [0, 1], so the peak is 1, not 255.": expected + 20 * math.log10(255),
        "You square the mean error, where plus and minus cancel. Take the mean of the squares.":
            -10 * math.log10(error.mean().item() ** 2),
        "The peak is the brightest that a pixel can be, 1, not the brightest of the image.": expected + peaks[0],
        "The peak is the brightest that a pixel can be, 1, not the brightest of the original.": expected + peaks[1],
        "The logarithm is right; decibels have a factor 10 in front.": expected / 10,
    }  # fmt: skip
    otherwise = f"Here the mean squared error is {mse:.3g}, which is {expected:.2f} dB; you return {got:.6g}."
    return _first_match(got, guesses, otherwise)


# 03.3 ---------------------------------------------------------------------------------------------


def verify_distance(gradient_distance) -> None:
    """1 − cosine over all layers as one vector, and differentiable."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 3), (4,), (2, 1, 5, 5), (2,))
    for scale in (1.0, 0.05, -0.5):
        one = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
        # Layers of very different sizes, so that the order of joining and averaging matters.
        two = [
            scale * (tensor.detach() + size * torch.randn(tensor.shape, generator=generator))
            for tensor, size in zip(one, (0.2, 3.0, 1.0, 0.5), strict=True)
        ]
        if scale > 0:
            two[1] = 10 * two[1]
        with given("two gradients, each a list of four tensors"):
            got = expect_scalar(gradient_distance(list(one), list(two)))
        right = _distance(one, two)
        if not _near(got.item(), right.item()):
            raise _why_distance(got.item(), right.item(), one, two)
        _expect_differentiable(got, right, one)


def _distance(one: list[Tensor], two: list[Tensor]) -> Tensor:
    a, b = (torch.cat([tensor.flatten() for tensor in gradient]) for gradient in (one, two))
    return 1 - (a @ b) / (a.norm() * b.norm())


def _expect_differentiable(got: Tensor, right: Tensor, one: list[Tensor]) -> None:
    if not got.requires_grad:
        raise NotYet(
            "The number is right, but torch cannot differentiate it: leave out detach, item and no_grad."
        )
    slopes = torch.autograd.grad(got, one, retain_graph=True, allow_unused=True)
    expected = torch.autograd.grad(right, one)
    for slope, wanted in zip(slopes, expected, strict=True):
        if slope is None or not torch.allclose(slope, wanted, rtol=1e-3, atol=1e-5):
            raise NotYet(
                "The number is right, but its derivative is not: a part of it was detached on the way."
            )


def _why_distance(got: float, right: float, one: list[Tensor], two: list[Tensor]) -> NotYet:
    layers = [_distance([a], [b]).item() for a, b in zip(one, two, strict=True)]
    a, b = (torch.cat([tensor.detach().flatten() for tensor in gradient]) for gradient in (one, two))
    guesses = {
        "That is the cosine, which is highest for equal directions. A distance is lowest: 1 − cosine.": 1 - right,
        "That is minus the cosine. The distance of equal directions should be 0: add 1.": right - 1,
        "You drop the sign of the cosine. Opposite directions are furthest apart: their distance is 2.":
            1 - abs(1 - right),
        "You take the mean of one distance a layer. Then a bias of 2 numbers counts like a layer of 50: join all "
        "layers into one vector first.": sum(layers) / len(layers),
        "You add up one distance a layer. Join all layers into one vector first.": sum(layers),
        "You divide by no norm. Without the two norms, a long gradient looks near.": 1 - (a @ b).item(),
        "You divide by the first norm only. The cosine divides by both.": 1 - (a @ b / a.norm()).item(),
        "You divide by the second norm only.": 1 - (a @ b / b.norm()).item(),
        "You divide by the norms' squares. The cosine divides by the norms themselves.":
            1 - (a @ b / (a.norm() * b.norm()) ** 2).item(),
        "That is the squared Euclidean distance. It changes when a gradient is scaled; the angle does not.":
            (a - b).square().sum().item(),
        "That is the Euclidean distance. Scaling changes it; the angle stays.": (a - b).norm().item(),
        "That is the angle itself. Take 1 − its cosine.": math.acos(max(-1.0, min(1.0, 1 - right))),
        "You look at the last layer only.": layers[-1],
        "You look at the first layer only.": layers[0],
    }  # fmt: skip
    otherwise = f"Over all layers as one vector the distance is {right:.4f} here; you return {got:.4f}."
    return _first_match(got, guesses, otherwise)


# 03.4 ---------------------------------------------------------------------------------------------


def verify_total_variation(total_variation) -> None:
    """Mean absolute steps to the right plus down, for one image and for a batch, and differentiable."""
    generator = torch.Generator().manual_seed(0)
    for shape in ((28, 28), (5, 28, 28), (2, 7, 11)):
        image = torch.rand(shape, generator=generator)
        # Another grain along each axis, so that one direction cannot stand for the other; steps of both signs.
        image = (image - 0.4) * torch.linspace(0.2, 1, shape[-1])
        image = (0.5 + image.cumsum(dim=-2) / shape[-2]).requires_grad_()
        with given(f"images of shape {shape}"):
            got = expect_scalar(total_variation(image))
        right, down = _steps(image)
        expected = right.abs().mean() + down.abs().mean()
        if not _near(got.item() * 100, expected.item() * 100):
            raise _why_variation(got.item(), image.detach(), right.detach(), down.detach())
        if not got.requires_grad:
            raise NotYet("The number is right, but cut off from the image: no detach, item or no_grad.")
        slopes = [torch.autograd.grad(value, image)[0] for value in (got, expected)]
        if not torch.allclose(*slopes, rtol=1e-3, atol=1e-6):
            raise NotYet("The number is right, but its derivative is not: a part of it was detached.")


def _steps(image: Tensor) -> tuple[Tensor, Tensor]:
    return image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]


def _why_variation(got: float, image: Tensor, right: Tensor, down: Tensor) -> NotYet:
    wraps = [(image.roll(1, axis) - image).abs().mean() for axis in (-1, -2)]
    guesses = {
        "You take the steps to the right only. Add the steps down.": right.abs().mean(),
        "You take the steps down only. Add the steps to the right.": down.abs().mean(),
        "You square the steps. Take their absolute value, which is kinder to sharp edges.":
            right.square().mean() + down.square().mean(),
        "The steps down need absolute values as well.": right.abs().mean() + down.mean(),
        "The steps to the right need absolute values as well.": right.mean() + down.abs().mean(),
        "Without absolute values, a step up and a step down cancel.": right.mean() + down.mean(),
        "You add the steps up. Take means, so that a bigger picture is not a rougher one.":
            right.abs().sum() + down.abs().sum(),
        "You take half of it: add the two means, do not average them.": (right.abs().mean() + down.abs().mean()) / 2,
        "Your picture wraps around: the last column is no neighbour of the first.": wraps[0] + wraps[1],
    }  # fmt: skip
    for sentence, value in guesses.items():
        if _near(100 * got, 100 * value.item()):
            return NotYet(sentence)
    where = (
        "In a batch, only pixels of one picture are neighbours: count axes from the end. "
        if image.ndim == 3
        else ""
    )
    return NotYet(
        f"{where}For this input the two means are {right.abs().mean():.4f} and {down.abs().mean():.4f}; "
        f"you return {got:.4f}."
    )
