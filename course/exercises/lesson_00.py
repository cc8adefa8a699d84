"""Checkers of lesson 00: what a phone sends, and how one update turns back into its image."""

import torch
from torch import Tensor

from course.exercises.exercise import Exercise, NotYet
from course.exercises.probe import close, expect_mapping, same_inputs
from course.federated import subtract

TOLERANCE = 1e-4
"""Relative; a float32 ratio of two small numbers keeps about five digits."""


# 00.1 ---------------------------------------------------------------------------------------------


def update_of(before, after) -> dict[str, Tensor]:
    """What changed between two models, name by name."""
    return subtract(after, before)


def _verify_update(update) -> None:
    generator = torch.Generator().manual_seed(2)
    for shapes in ({"weight": (2, 3), "bias": (2,)}, {"a": (4, 1, 2), "b": (), "c": (3,)}):
        before, after = ({n: torch.randn(s, generator=generator) for n, s in shapes.items()} for _ in "ba")
        _expect_update(update, before, after)


def _expect_update(update, before: dict[str, Tensor], after: dict[str, Tensor]) -> None:
    with same_inputs("Your function changed one of the two models. Build a new dictionary.", before, after):
        got = expect_mapping(update(before, after), before)
    for name in before:
        if close(got[name], after[name] - before[name], TOLERANCE):
            continue
        if close(got[name], before[name] - after[name], TOLERANCE):
            raise NotYet(
                "The sign is flipped: the server adds the update to the old model to get the new one."
            )
        if close(got[name], after[name], TOLERANCE):
            raise NotYet("That is the new model. The update is what changed.")
        if close(got[name], (after[name] - before[name]).abs(), TOLERANCE):
            raise NotYet("Keep the sign of the change: without it the server cannot add it.")
        raise NotYet(f"{name!r} is not after − before. Is the subtraction done for each name on its own?")


# 00.2 ---------------------------------------------------------------------------------------------


def recover_image(weight_change: Tensor, bias_change: Tensor) -> Tensor:
    """Divide a hidden unit's change of weights by its change of bias: what is left is the input.

    Args:
        weight_change: shape (hidden, pixels), the update of a linear layer's weight.
        bias_change: shape (hidden,), the update of its bias.

    Returns:
        Shape (pixels,).

    Raises:
        ValueError: if no unit's bias changed, so that there is nothing to divide by.

    Limits: exact for one example and any number of steps; with more examples it returns a mixture of
        those for which the unit fired.
    Source: Phong et al. 2018, IEEE TIFS 13(5), section III (a gradient's ratio reveals the input).
    """
    unit = bias_change.abs().argmax()
    if bias_change[unit] == 0:
        raise ValueError("bias_change is zero everywhere; the image left no trace in this layer")
    return weight_change[unit] / bias_change[unit]


def _verify_recover(recover) -> None:
    for seed, dead, size in ((0, [0, 1], 0.01), (1, [], 0.01), (2, [0, 2, 3], 0.01), (3, [1, 4], 1e-6)):
        generator = torch.Generator().manual_seed(seed)
        image = torch.rand(12, generator=generator)
        bias_change = torch.randn(5, generator=generator) * size
        bias_change[dead] = 0.0
        weight_change = torch.outer(bias_change, image)
        got = _recovered(recover, weight_change, bias_change)
        if not close(got, image, TOLERANCE):
            raise NotYet(_why_image(got, image, weight_change, bias_change))
    # Two images, each of which some units fired for: a unit's ratio is then its own mixture.
    images = torch.rand(2, 12, generator=torch.Generator().manual_seed(4))
    parts = torch.tensor([[0.0, 0.0], [0.2, 0.1], [0.0, -0.9], [0.3, 0.2], [0.1, 0.0]])
    got = _recovered(recover, parts @ images, parts.sum(1))
    if not close(got, images[1], TOLERANCE):
        raise NotYet(
            "For one image it is right. With two images on the phone, each unit saw its own mixture of them: "
            "divide for one unit only, the one whose bias changed most (up or down)."
        )


def _recovered(recover, weight_change: Tensor, bias_change: Tensor) -> Tensor:
    update = {"weight_change": weight_change.clone(), "bias_change": bias_change.clone()}
    with same_inputs("Your function changed the update that it was given. Work on a copy.", update):
        got = recover(*update.values())
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, Tensor):
        raise NotYet(f"It returned a {type(got).__name__}; it should be a tensor with one number a pixel.")
    if got.shape != weight_change.shape[1:]:
        raise NotYet(
            f"It returned shape {tuple(got.shape)}; an image of 12 pixels has shape (12,). Choose one unit."
        )
    return got


def _why_image(got: Tensor, image: Tensor, weight_change: Tensor, bias_change: Tensor) -> str:
    if not torch.isfinite(got).all():
        return "There is a division by zero: a unit that did not fire has a bias change of 0. Choose one that did."
    if close(got, -image, TOLERANCE):
        return "The image comes out negative: weight and bias change carry the same sign, which cancels."
    if close(got * image, torch.ones_like(image), 1e-3):
        return "You divide the wrong way round: the weights' change is bias change × pixel."
    rows = [close(got, row, TOLERANCE) for row in weight_change] + [
        close(got, weight_change.sum(0), TOLERANCE)
    ]
    if any(rows) or close(got, weight_change.mean(0), TOLERANCE):
        return "That is the change of the weights: right shape, faint and of the wrong size. Divide by the unit's bias change."
    return "It is not the image. For one unit, each weight's change is that unit's bias change × the pixel."


EXERCISES = (
    Exercise(
        "00.1", "update_of", "what the phone sends", update_of, _verify_update,
        (
            "If the server has the old model and adds what you send, what must you send for it to get the new one?",
            "A model is a dictionary. Subtract name by name: {name: … for name in before}.",
            "return {name: after[name] - before[name] for name in before}",
        ),
    ),
    Exercise(
        "00.2", "recover_image", "turn an update back into a digit", recover_image, _verify_recover,
        (
            "A hidden unit computes weight · image + bias. If the loss wants it to grow, how much does the bias change? And one weight?",
            "For each unit: change of weight = (change of bias) × image. You have both changes. Units that did not fire have 0 for both.",
            "unit = bias_change.abs().argmax(); return weight_change[unit] / bias_change[unit]",
        ),
        points=2,
    ),
)  # fmt: skip
