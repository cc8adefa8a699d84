"""Checkers of exercises 04.2 and 04.4: how like a member does each person look?"""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import given

TOLERANCE = 1e-5
"""Relative; float32 inside an answer is fine."""


def expect_array(value: object, shape: tuple[int, ...], *, each: str) -> np.ndarray:
    """The answer as an array of this shape, or a sentence that says what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if not isinstance(value, np.ndarray):
        raise NotYet(f"It returned a {type(value).__name__}; it should be an array with one number {each}.")
    if value.shape != shape:
        raise NotYet(f"It returned shape {value.shape}; one number {each} is shape {shape} here.")
    if not (np.issubdtype(value.dtype, np.number) or value.dtype == bool):
        raise NotYet(f"It returned an array of {value.dtype}; it should hold numbers.")
    return value


def agree(got: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays agree; NaN agrees with nothing."""
    return bool(np.allclose(got.astype(float), expected, rtol=TOLERANCE, atol=TOLERANCE))


@contextlib.contextmanager
def left_alone(*arrays: np.ndarray) -> Iterator[None]:
    """Complain if the block changed any of these arrays."""
    before = [array.tobytes() for array in arrays]
    yield
    if any(array.tobytes() != old for array, old in zip(arrays, before, strict=True)):
        raise NotYet(
            "It changes the arrays that it is given, and the rest of the lesson still needs them. Work on copies."
        )


# 04.2 ---------------------------------------------------------------------------------------------


def verify_loss_scores(loss_scores) -> None:
    """Minus the cross-entropy in nats, for one model's probabilities and for several models' at once."""
    rng = np.random.default_rng(4)
    for shape in ((7,), (3, 7)):
        probability, label = rng.uniform(0.02, 0.98, size=shape), np.array([1, 0, 0, 1, 1, 0, 1])
        probability[..., :2] = 0.002, 0.998  # Two surprises, which an answer must not clip away.
        inputs = probability.copy(), label.copy()
        with given(f"probability of shape {shape}, label of shape (7,)"), left_alone(*inputs):
            got = loss_scores(*inputs)
        got = expect_array(got, shape, each="a probability")
        right = np.log(np.where(label == 1, probability, 1 - probability))
        if not agree(got, right):
            raise NotYet(_why_loss(got, right, probability, label))


def _why_loss(got: np.ndarray, right: np.ndarray, probability: np.ndarray, label: np.ndarray) -> str:
    if agree(got, -right):
        return (
            "That is the loss, and members have a low one. A score must be higher for members: turn its sign."
        )
    if agree(got, np.exp(right)):
        return (
            "The order is right, but that is the probability of the true class. The score is its logarithm: "
            "far below zero for a surprise."
        )
    if agree(got, right / np.log(2)) or agree(got, right / np.log(10)):
        return "That logarithm has another base. Cross-entropy is in nats: np.log."
    if agree(got, np.log(probability)):
        return (
            "You score the probability of class 1 for everybody. For label 0 the truth got 1 − probability."
        )
    if agree(got, np.log(1 - np.exp(right))):
        return "The classes are swapped: `probability` belongs to class 1, so with label 1 it is the truth's."
    if agree(got, label * np.log(probability)):
        return "People of label 0 all score 0. Cross-entropy has two terms, one for each label."
    if set(np.unique(got)) <= {-1.0, 0.0, 1.0}:
        return "You score right or wrong only. The loss also says how sure the model was."
    unsure = np.abs(probability - 0.5) < 0.48
    if agree(got[unsure], right[unsure]):
        return "The surest answers come out wrong. Do you clip the probability, or add something to it?"
    return "It is not log(probability of the true class), which is minus the cross-entropy."


# 04.4 ---------------------------------------------------------------------------------------------


def verify_ratio(likelihood_ratio) -> None:
    """log N(target; in) − log N(target; out), person by person; either convention for the variance is fine."""
    # Few enough shadows that the two conventions for the variance differ, with unequal counts a person.
    for seed, (num_shadows, people) in enumerate(((24, 9), (30, 9), (24, 5))):
        rng = np.random.default_rng(seed)
        member = rng.random((num_shadows, people)) < rng.uniform(0.3, 0.7, size=people)
        member[:3], member[3:6] = True, False
        level, spread = 3 * rng.normal(size=people), rng.uniform(0.3, 2.5, size=people)
        shadows = level + np.where(
            member, 1.0 + rng.normal(size=member.shape) * spread, rng.normal(size=member.shape)
        )
        target = level + rng.normal(size=people)
        inputs = target.copy(), shadows.copy(), member.copy()
        with given(f"{num_shadows} shadow models, {people} people"), left_alone(*inputs):
            got = likelihood_ratio(*inputs)
        got = expect_array(got, (people,), each="a person")
        _expect_log_ratio(got, target, shadows, member)
    _expect_far_people(likelihood_ratio)


def _expect_log_ratio(got, target, shadows, member) -> None:
    for ddof in (0, 1):
        inside, outside = (_log_density(target, shadows, use, ddof) for use in (member, ~member))
        if agree(got, inside - outside):
            return
    for ddof in (0, 1):
        why = _why_ratio(got, target, shadows, member, ddof)
        if why:
            raise NotYet(why)
    raise NotYet(
        "It is not log N(target; mean and std of the shadows with the person) − the same without the person, "
        "each person by itself (axis=0)."
    )


def _log_density(target, shadows, use, ddof, *, spread_of=None, power=2.0) -> np.ndarray:
    """Up to a constant: −log std − z² / 2; `spread_of` takes the std from other models."""
    mean = shadows.mean(axis=0, where=use)
    std = shadows.std(axis=0, where=use if spread_of is None else spread_of, ddof=ddof)
    return -np.log(std) - ((target - mean) / std) ** 2 / power


def _why_ratio(got, target, shadows, member, ddof) -> str:
    everybody = np.ones_like(member)
    inside, outside = (_log_density(target, shadows, use, ddof) for use in (member, ~member))
    deviations = [
        ((target - shadows.mean(axis=0, where=use)) / shadows.std(axis=0, where=use, ddof=ddof)) ** 2 / 2
        for use in (member, ~member)
    ]
    whole = [_whole_group(target, shadows, use, ddof) for use in (member, ~member)]
    guesses = {
        "The ratio is upside down: a member should score high, so the shadows with the person go on top.":
            outside - inside,
        "Right, but not yet its logarithm. Without it, people far out become 0 / 0.": np.exp(inside - outside),
        "The spread of the shadows *with* the person is used on both sides. Models that have never seen the "
        "person scatter differently: take each side's own std.":
            inside - _log_density(target, shadows, ~member, ddof, spread_of=member),
        "You use one spread over all shadows for both sides. Take each side's own std.":
            _log_density(target, shadows, member, ddof, spread_of=everybody)
            - _log_density(target, shadows, ~member, ddof, spread_of=everybody),
        "The density of a Gaussian also has 1 / std in front: without it, a wide one is never penalised.":
            deviations[1] - deviations[0],
        "In the exponent of a Gaussian stands z² / 2, and yours lacks the 2.":
            _log_density(target, shadows, member, ddof, power=1.0)
            - _log_density(target, shadows, ~member, ddof, power=1.0),
        "That is the density with the person alone. An easy person has a high one in or out: subtract the "
        "other side.": inside,
        "You use one mean and one std for everybody. Each person has their own: axis=0.": whole[0] - whole[1],
    }  # fmt: skip
    constant = 0.5 * np.log(2 * np.pi)  # Of one density; it cancels in a ratio.
    for sentence, value in guesses.items():
        if agree(got, value) or agree(got, value - constant):
            return sentence
    return ""


def _whole_group(target, shadows, use, ddof) -> np.ndarray:
    values = shadows[use]
    return -np.log(values.std(ddof=ddof)) - ((target - values.mean()) / values.std(ddof=ddof)) ** 2 / 2


def _expect_far_people(likelihood_ratio) -> None:
    """Hundreds of standard deviations out, both densities underflow to 0; their logarithms do not."""
    member = np.arange(8)[:, None] % 2 == np.zeros(2)
    shadows = np.where(member, 1.0, 0.0) + np.array([-0.1, -0.1, 0.1, 0.1] * 2)[:, None]
    target = np.array([30.0, -30.0])
    with np.errstate(all="ignore"):
        got = expect_array(likelihood_ratio(target, shadows, member), (2,), each="a person")
    if not np.isfinite(np.asarray(got, dtype=float)).all():
        raise NotYet(
            "For people far from both groups it gives inf or NaN: the densities round to 0. Write the logarithm "
            "of the density, and subtract logarithms."
        )
    for ddof in (0, 1):
        right = _log_density(target, shadows, member, ddof) - _log_density(target, shadows, ~member, ddof)
        if np.allclose(np.asarray(got, dtype=float), right, rtol=0.01):
            return
    raise NotYet(
        f"For people far from both groups it gives {got[0]:.4g}, and the logarithm of the ratio is about "
        f"{right[0]:,.0f}. Do you clip, or add something to a density that rounds to 0?"
    )


def as_numpy(value: object) -> object:
    """A tensor as an array; anything else as it is."""
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value
