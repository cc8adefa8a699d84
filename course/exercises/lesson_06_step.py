"""Checker of exercise 06.3: the clipped sum, and the noise that hides one example in it."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.lesson_06_clip import (
    DIMENSIONS,
    SHAPES,
    TOLERANCE,
    as_mapping,
    as_rows,
    some_gradients,
)
from course.exercises.lesson_06_sampling import torch_generator
from course.exercises.noise import ALARM, expect_independent, expect_shape, scale_interval
from course.exercises.probe import close, expect_mapping, given, same_inputs, which
from course.privacy import clip_per_example

DRAWS = 300
"""Calls whose noise is judged: 6,300 numbers, enough to see a deviation that is 5 % off."""

LIMIT, MULTIPLIER, EXPECTED = 1.7, 1.3, 10
SATURATED = [40.0, 60.0, 50.0, 900.0, 70.0, 80.0, 45.0]
"""Norms far above the limit: a sensitivity that was forgotten shows with these, and with small ones it does not."""


def verify_private_gradient(private_gradient: Callable) -> None:
    """Without noise exactly the clipped sum over the expected size; with it, the right Gaussian on top."""
    gradients = some_gradients(SATURATED, seed=5)
    changed = "Your function changed the gradients that it was given. Build new tensors."
    with same_inputs(changed, gradients):
        signal = _call(private_gradient, gradients, 0.0, torch_generator("signal"))
        _expect_signal(signal, as_rows(gradients))
        _expect_noise(private_gradient, gradients)
    _expect_empty(private_gradient)
    _expect_other_numbers(private_gradient)


def _call(
    private_gradient: Callable,
    gradients: Mapping,
    multiplier: float,
    generator,
    *,
    limit: float = LIMIT,
    expected: float = EXPECTED,
) -> Tensor:
    with given(
        f"a batch of {len(gradients['0.bias'])}, max_grad_norm={limit}, noise_multiplier={multiplier}"
    ):
        got = private_gradient(gradients, limit, multiplier, expected, generator)
    got = expect_mapping(got, as_mapping(torch.zeros(DIMENSIONS)))
    return torch.cat([got[name].detach().flatten() for name in SHAPES])


def _expect_signal(got: Tensor, rows: Tensor) -> None:
    norms = rows.norm(dim=1, keepdim=True)
    clipped, batch = rows * (LIMIT / norms).clamp_max(1), len(rows)
    right = clipped.sum(0) / EXPECTED
    if close(got, right, TOLERANCE):
        return

    def after(vector: Tensor) -> Tensor:
        return vector * (LIMIT / vector.norm()).clamp_max(1)

    guesses = {
        f"You divide by the batch's own size ({batch} here). Who was drawn is secret, so the divisor must be the "
        f"public expected_batch_size ({EXPECTED}).": clipped.mean(0),
        "You add up and do not divide by expected_batch_size.": clipped.sum(0),
        "You clip after averaging: the mean is short, but one person with a huge gradient decides where it "
        "points. Clip each example first.": after(rows.mean(0)),
        "You clip the sum, not the examples: one person with a huge gradient decides where it points.":
            after(rows.sum(0)) / EXPECTED,
        "You clip the sum and divide by the batch's own size; clip each example, divide by the expected size.":
            after(rows.sum(0)) / batch,
        "Nothing is clipped, so one person can move the result as far as they like.": rows.sum(0) / EXPECTED,
        "Nothing is clipped, and you divide by the batch's own size.": rows.mean(0),
        "You divide by the batch's own size and by the expected size; the expected one alone is right.":
            clipped.mean(0) / EXPECTED,
    }  # fmt: skip
    otherwise = "With noise_multiplier=0 it is not Σ clipped gradients / expected_batch_size."
    raise which(got, guesses, otherwise, TOLERANCE)


def _expect_noise(private_gradient: Callable, gradients: Mapping[str, Tensor]) -> None:
    """Many draws, standardised by what the noise should be: then they are independent standard normals."""
    centre = as_rows(clip_per_example(gradients, max_grad_norm=LIMIT)).sum(0) / EXPECTED
    generator = torch_generator("noise")
    draws = [_call(private_gradient, gradients, MULTIPLIER, generator) for _ in range(DRAWS)]
    noise = ((torch.stack(draws) - centre) * EXPECTED / (MULTIPLIER * LIMIT)).double().numpy()
    if not np.isfinite(noise).all():
        raise NotYet("It returned something that is not a finite number.")
    if np.abs(noise).max() < 10 * TOLERANCE:
        raise NotYet("There is no noise: with noise_multiplier above 0 the result is the exact sum.")
    _expect_the_generator(private_gradient, gradients, draws)
    _expect_many_draws(noise)
    _expect_scale(noise)
    expect_independent(noise)
    expect_shape(noise, "normal")
    _expect_tails(noise)


def _expect_the_generator(private_gradient: Callable, gradients: Mapping, draws: list[Tensor]) -> None:
    if all(torch.equal(draw, draws[0]) for draw in draws[1:]):
        raise NotYet(
            "Every call adds the same noise, so two results differ by the data alone. Is there a fixed seed inside?"
        )
    if len({tuple(draw.tolist()) for draw in draws}) < len(draws):
        raise NotYet("Some calls repeat the noise of earlier ones. Draw anew each time, and keep no noise.")
    if not torch.equal(_call(private_gradient, gradients, MULTIPLIER, torch_generator("noise")), draws[0]):
        raise NotYet("The same generator gave other noise. Hand it on: torch.randn(…, generator=generator).")
    if torch.equal(_call(private_gradient, gradients, MULTIPLIER, torch_generator("other")), draws[0]):
        raise NotYet("Two different generators gave the same noise. Let `generator` draw it.")


def _expect_many_draws(noise: np.ndarray) -> None:
    def shared(part: np.ndarray) -> bool:
        return bool(np.abs(np.diff(part, axis=1)).max() < 1e-3 * np.abs(part).max())

    if shared(noise):
        raise NotYet(
            "One draw is added to all coordinates, so a difference of two has no noise: draw one each."
        )
    for name, part in as_mapping(torch.as_tensor(noise)).items():
        if shared(part.flatten(1).numpy()):
            raise NotYet(f"In {name!r} all coordinates get the same draw: take as many as it has numbers.")
    silent = (np.abs(noise) < 10 * TOLERANCE).all(axis=0)
    if silent.any():
        raise NotYet("Some coordinates get no noise at all. Each parameter needs its own, every time.")


def _expect_scale(noise: np.ndarray) -> None:
    low, high = scale_interval(noise, "normal")
    if low <= 1 <= high:
        return
    size = len(SATURATED)
    reasons = {
        1 / LIMIT: "The sensitivity is forgotten: the noise on the sum is noise_multiplier × max_grad_norm.",
        LIMIT: "The noise is multiplied by max_grad_norm twice.",
        1 / MULTIPLIER: "The noise does not grow with noise_multiplier.",
        MULTIPLIER: "The noise is multiplied by noise_multiplier twice.",
        MULTIPLIER * LIMIT: "You scale by the variance; torch.randn has deviation 1, so scale by the deviation.",
        1 / (MULTIPLIER * LIMIT): "The noise has deviation 1 whatever max_grad_norm and noise_multiplier are.",
        EXPECTED: "The noise is not divided: add it to the *sum*, then divide both by expected_batch_size.",
        EXPECTED / LIMIT: "The noise is not divided by expected_batch_size, and the sensitivity is forgotten.",
        1 / EXPECTED: "The noise is divided by expected_batch_size twice: it belongs on the sum.",
        EXPECTED / size: "The noise is divided by the batch's own size; divide by expected_batch_size.",
        math.sqrt(size): "You add noise to every example: one draw belongs on the sum, whatever the batch.",
        1 / math.sqrt(size): "You add noise to every example and average it away: it belongs on the sum.",
        math.sqrt(EXPECTED): "The noise is divided by √expected_batch_size; divide it as the sum is divided.",
        1 / math.sqrt(EXPECTED): "The noise is divided by √expected_batch_size once too often.",
        0.5: "The noise is half of what it should be: its deviation on the sum is noise_multiplier × max_grad_norm.",
        math.sqrt(0.5): "The noise is √½ of what it should be.",
        2.0: "The noise is twice what it should be: under ADD_REMOVE the sensitivity is C, not 2C.",
    }  # fmt: skip
    for factor, why in reasons.items():
        if low <= factor <= high:
            raise NotYet(why)
    times = math.sqrt(low * high)
    if times < 0.3:
        raise NotYet(
            f"With large gradients the noise nearly vanishes ({times:.2g} of what it should be). Do you add it "
            "before clipping? Then it is clipped away."
        )
    raise NotYet(f"The noise has {times:.2f} times the deviation that it should have.")


def _expect_tails(noise: np.ndarray) -> None:
    """The largest of so many normal deviates is almost surely beyond 3."""
    largest = np.abs(noise).max()
    if largest < stats.norm.isf((1 - ALARM ** (1 / noise.size)) / 2):
        raise NotYet(
            f"The noise never goes beyond {largest:.2f} of its deviations. Cut nothing off: δ counts on the "
            "tails of a normal distribution."
        )


def _expect_empty(private_gradient: Callable) -> None:
    generator, empty = torch_generator("empty"), some_gradients([], seed=0)
    noise = torch.stack([_call(private_gradient, empty, MULTIPLIER, generator) for _ in range(30)])
    if not torch.isfinite(noise).all():
        raise NotYet("An empty batch gives NaN: divide by expected_batch_size, which is never 0.")
    if noise.abs().max() == 0:
        raise NotYet(
            "An empty batch comes back without noise, which tells that nobody was drawn. The step adds its noise "
            "all the same."
        )
    low, high = scale_interval((noise * EXPECTED / (MULTIPLIER * LIMIT)).double().numpy(), "normal")
    if not low <= 1 <= high:
        raise NotYet("With an empty batch the noise has another size than with a full one.")


def _expect_other_numbers(private_gradient: Callable) -> None:
    """Other settings, gradients that need no clipping, one person alone: the noise must not look at the data."""
    limit, multiplier, expected = 0.6, 2.2, 24.5
    for sizes in ([0.3, 0.02, 2.0, 0.9], [0.05]):
        case = f"With gradient norms {sizes}, max_grad_norm={limit} and expected_batch_size={expected}"
        gradients, generator = some_gradients(sizes, seed=len(sizes)), torch_generator("other numbers")

        def call(noise_multiplier: float, gradients=gradients, generator=generator) -> Tensor:
            return _call(
                private_gradient, gradients, noise_multiplier, generator, limit=limit, expected=expected
            )

        right = as_rows(clip_per_example(gradients, max_grad_norm=limit)).sum(0) / expected
        if not close(call(0.0), right, TOLERANCE):
            raise NotYet(f"{case}, and no noise, it is not Σ clipped gradients / expected_batch_size.")
        draws = torch.stack([call(multiplier) for _ in range(60)])
        low, high = scale_interval(
            ((draws - right) * expected / (multiplier * limit)).double().numpy(), "normal"
        )
        if not low <= 1 <= high:
            raise NotYet(
                f"{case} the noise has {math.sqrt(low * high):.2g} times the deviation that it should have. It "
                "follows from max_grad_norm and noise_multiplier alone, whoever was drawn."
            )
