"""What checkers ask of an answer before they judge it: its type, its shapes, its manners."""

import contextlib
import copy
import numbers
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from course.exercises.exercise import NotYet


def close(got: object, expected: Tensor, tolerance: float) -> bool:
    """Whether two tensors agree to a relative tolerance (absolute below 1)."""
    got, expected = torch.as_tensor(got).double(), torch.as_tensor(expected).double()
    return got.shape == expected.shape and torch.allclose(got, expected, rtol=tolerance, atol=tolerance)


def expect_number(value: object) -> float:
    """The answer as a finite float, or a sentence that says what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(value, Tensor | np.ndarray) and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise NotYet(f"It returned a {type(value).__name__}; it should be one number.")
    number = float(value)  # First, because NumPy asks no Fraction whether it is finite.
    if not np.isfinite(number):
        raise NotYet(f"It returned {value}, which is not a finite number.")
    return number


def expect_mapping(value: object, like: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The answer as a mapping with the names and shapes of `like`, or a sentence about the difference."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(value, Mapping):
        raise NotYet(f"It returned a {type(value).__name__}; it should be a dictionary, name → tensor.")
    if set(value) != set(like):
        raise NotYet(f"It returned the names {sorted(map(str, value))}; it should have {sorted(like)}.")
    for name, tensor in like.items():
        got, shape = value[name], tuple(tensor.shape)
        if not isinstance(got, Tensor):
            raise NotYet(f"{name!r} should be a tensor of shape {shape}; it is a {type(got).__name__}.")
        if got.shape != tensor.shape:
            raise NotYet(f"{name!r} should be a tensor of shape {shape}; it has {tuple(got.shape)}.")
    return value


@contextlib.contextmanager
def same_inputs(message: str, *mappings: Mapping[str, Tensor]) -> Iterator[None]:
    """Complain with `message` if the block changed any tensor of these mappings."""
    before = copy.deepcopy(mappings)
    yield
    for old, new in zip(before, mappings, strict=True):
        if old.keys() != new.keys() or not all(torch.equal(old[name], new[name]) for name in old):
            raise NotYet(message)


@contextlib.contextmanager
def given(inputs: str) -> Iterator[None]:
    """Add what the answer was called with to any exception out of the block, for the learner to see."""
    try:
        yield
    except NotYet:
        raise
    except Exception as error:
        error.add_note(f"called with {inputs}")
        raise


def which(got: object, guesses: Mapping[str, object], otherwise: str, tolerance: float) -> NotYet:
    """The complaint about a wrong answer: the sentence of the first guess that equals it, or `otherwise`."""
    for sentence, value in guesses.items():
        if close(got, value, tolerance):
            return NotYet(sentence)
    return NotYet(otherwise)
