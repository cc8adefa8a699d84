"""Checker of exercise 01.2: does every example take part in every epoch, and is each step plain SGD?"""

import numpy as np
import torch
from torch import nn

from course.exercises.exercise import NotYet
from course.exercises.probe import same_inputs
from course.federated import Examples

TOLERANCE = 1e-4
"""Relative to the length of a step; float32 training against a float64 oracle differs by about 1e-6."""

PIXELS, DIGITS, BATCH = 784, 10, 5
_LOOKING = "(If you only look, at a loss or an accuracy, do it under torch.no_grad().)"
RATE = 0.073
"""No rate that anybody would write down instead of using `learning_rate`."""


class _Diary(list):
    """What was fed to a model, in order: (which model, positions). A copy of the model writes here too."""

    def __deepcopy__(self, memo: dict) -> "_Diary":
        return self

    @property
    def examples(self) -> list[int]:
        return [example for _, batch in self for example in batch]


class _Watched(nn.Linear):
    """A linear model that writes down which examples it is trained on: their last pixel is their number."""

    def __init__(self) -> None:
        super().__init__(PIXELS, DIGITS, device="meta")
        generator = torch.Generator().manual_seed(7)
        self.weight = nn.Parameter(torch.randn(DIGITS, PIXELS, generator=generator) * 0.02)
        self.bias = nn.Parameter(torch.randn(DIGITS, generator=generator) * 0.1)
        self.diary = _Diary()

    def forward(self, images):
        if torch.is_grad_enabled():
            self.diary.append((id(self), images[:, -1].mul(100).round().int().tolist()))
        return super().forward(images)

    def numbers(self) -> np.ndarray:
        return (
            torch.cat([self.weight, self.bias[:, None]], dim=1).detach().double().numpy()
        )  # (digits, pixels + 1)


def _toy_examples(count: int = 23) -> Examples:
    images = torch.rand(count, PIXELS, generator=torch.Generator().manual_seed(5)) * 0.2
    images[:, -1] = torch.arange(count) / 100
    return Examples(images, torch.arange(count) * 7 % DIGITS)


def verify_train(train) -> None:
    """Each epoch sees each example once, in batches, and each batch is one plain SGD step."""
    examples = _toy_examples()
    model = _trained(train, examples, epochs=3, batch_size=BATCH, seed=1)
    _expect_coverage(model.diary, len(examples))
    _expect_one_step(train, examples)
    _expect_replay(model, examples)
    _expect_shuffles(train, examples, model.diary.examples)


def _trained(train, examples: Examples, *, epochs: int, batch_size: int, seed: int) -> _Watched:
    model, generator = _Watched(), torch.Generator().manual_seed(seed)
    before = model.numbers()
    message = "Your function changed the client's images or labels. Train on them as they are."
    with same_inputs(message, vars(examples)):
        train(model, examples, epochs, batch_size, RATE, generator)
    if not model.diary:
        raise NotYet("Your function never calls `model(…)`. Train the model that it was given, in place.")
    if all(who != id(model) for who, _ in model.diary) and np.array_equal(before, model.numbers()):
        raise NotYet(
            "You train a copy, and the model that was given stays as it was. Train that one, in place."
        )
    if model.weight.dtype != torch.float32:
        raise NotYet(
            f"The model was float32 and is {model.weight.dtype} after training. Leave it as it was: the rest of "
            "the notebook feeds it float32 images."
        )
    if not set(model.diary.examples) <= set(range(len(examples))):
        raise NotYet(
            "The model is fed other images than the client's. Use examples.images[batch] as they are."
        )
    return model


def _expect_coverage(diary: _Diary, total: int) -> None:
    largest = max(len(batch) for _, batch in diary)
    if largest > BATCH:
        raise NotYet(f"Asked for batches of {BATCH}, it fed the model {largest} examples at once. {_LOOKING}")
    counts = np.bincount(diary.examples, minlength=total)
    if counts.max() == counts.min() == 1:
        raise NotYet("It makes one pass. Repeat for `local_epochs` passes.")
    if counts.sum() <= 3 * BATCH:
        raise NotYet(
            "It takes one batch an epoch. An epoch is a pass over all the examples, batch after batch."
        )
    if (counts == 0).any() or counts.min() != counts.max():
        raise NotYet(
            "Some examples are trained on less often than others. Is the last, smaller batch dropped?"
        )
    if counts.max() != 3:
        raise NotYet(
            f"With local_epochs=3 each example should be seen 3 times; it was {counts.max()} times. {_LOOKING}"
        )


def _expect_one_step(train, examples: Examples) -> None:
    # With one batch that holds everything, the order cannot matter and the step has a closed form.
    model = _trained(train, examples, epochs=1, batch_size=len(examples), seed=0)
    passes = len(model.diary.examples) / len(examples)
    if passes != 1:
        raise NotYet(f"With local_epochs=1 it makes {passes:g} passes. Is local_epochs used?")
    start = _Watched().numbers()
    step, right = model.numbers() - start, -RATE * _gradient(start, examples, np.arange(len(examples)))
    if not _agree(step, right):
        raise NotYet(_why_step(step, right, start, len(examples), len(model.diary)))


def _why_step(step: np.ndarray, right: np.ndarray, start: np.ndarray, total: int, num_batches: int) -> str:
    if not step.any():
        return "The model is the same after training as before. After the gradient, take the step."
    if num_batches > 1:
        return (
            f"With batch_size={total} it took {num_batches} steps for {total} examples. Is batch_size used?"
        )
    if _agree(step[:, :-1], right[:, :-1]):
        return (
            "The weights take the right step and the bias does not. Update every one of model.parameters()."
        )
    ratio = (step * right).sum() / (right * right).sum()
    if _agree(step, ratio * right):
        if ratio < 0:
            return "The step goes uphill: subtract the gradient."
        if abs(ratio / total - 1) < TOLERANCE:
            return "You add the losses of a batch up; use their mean, or big batches take big steps."
        return (
            f"The step has the right direction and {ratio:.3g} times the right length. Is learning_rate used?"
        )
    if np.isclose(np.abs(step), RATE, rtol=0.01).mean() > 0.99:
        return "Every number moves equally far, as in Adam. Plain SGD moves by learning_rate × gradient."
    rest = step - right
    if _agree(rest, (rest * start).sum() / (start * start).sum() * start):
        return "Beside the gradient's step the weights shrink: that is weight decay, which plain SGD has not."
    return (
        "One step over all examples is not −learning_rate × the gradient of the mean cross-entropy. "
        "(F.cross_entropy takes the model's outputs as they are, without a softmax.)"
    )


def _expect_replay(model: _Watched, examples: Examples) -> None:
    """The learner's own order of examples, trained on again by the slow oracle, must give the same model."""
    start, order = _Watched().numbers(), model.diary.examples
    got = model.numbers() - start
    if _agree(got, _replay(order, examples) - start):
        return
    guesses = {
        "Old gradients are added to the new ones: set them to zero before each step.": {"kept": 1.0},
        "The steps gather momentum; plain SGD has none.": {"kept": 0.9},
        "The last batch is smaller: divide its loss by its own size, not by batch_size.": {"divisor": BATCH},
    }
    for sentence, mistake in guesses.items():
        if _agree(got, _replay(order, examples, **mistake) - start):
            raise NotYet(sentence)
    raise NotYet(
        "The first step is right, a later one is not. Each step is −learning_rate × the gradient of its own "
        "batch, at the weights that the step before left."
    )


def _replay(
    order: list[int], examples: Examples, *, kept: float = 0.0, divisor: int | None = None
) -> np.ndarray:
    numbers, velocity = _Watched().numbers(), 0.0
    for epoch in np.array(order).reshape(3, len(examples)):
        for batch in np.split(epoch, range(BATCH, len(epoch), BATCH)):
            gradient = _gradient(numbers, examples, batch) * (len(batch) / divisor if divisor else 1.0)
            velocity = kept * velocity + gradient
            numbers = numbers - RATE * velocity
    return numbers


def _gradient(numbers: np.ndarray, examples: Examples, batch: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross-entropy of a linear model: the mean of (softmax − one-hot) ⊗ input."""
    inputs = np.c_[examples.images.double().numpy()[batch], np.ones(len(batch))]  # (batch, pixels + 1)
    scores = np.exp(inputs @ numbers.T)
    errors = scores / scores.sum(axis=1, keepdims=True) - np.eye(DIGITS)[examples.labels.numpy()[batch]]
    return errors.T @ inputs / len(batch)


def _expect_shuffles(train, examples: Examples, order: list[int]) -> None:
    models = [_trained(train, examples, epochs=3, batch_size=BATCH, seed=seed) for seed in (1, 2)]
    again, other = (model.diary.examples for model in models)
    if again != order:
        raise NotYet("The same generator gave two different orders. Hand it on: batches(…, generator).")
    if other == order:
        raise NotYet(
            "The order is the same for every generator. Shuffle, with batches(n, batch_size, generator)."
        )


def _agree(got: np.ndarray, expected: np.ndarray) -> bool:
    # A NaN in `got` makes this false, as it should.
    return bool(np.linalg.norm(got - expected) <= TOLERANCE * np.linalg.norm(expected))
