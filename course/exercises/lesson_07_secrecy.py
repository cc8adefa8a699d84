"""How the checkers of lesson 07 judge secrecy: fresh, unpredictable, over the whole field, the same for all secrets."""

import contextlib
import itertools
import random
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy import stats

from course.exercises.exercise import NotYet

ALARM = 1e-8
"""The probability that one of these tests rejects a right answer; a checker makes fewer than fifty of them."""

LARGE = 2**61 - 1
TINY = 5
CALLS = 2_000
PARTS = 8
PREDICTABLE = (random.Random, np.random.Generator, np.random.RandomState)
MAKERS = {
    "Random": random.Random,
    "default_rng": np.random.default_rng,
    "RandomState": np.random.RandomState,
    "torch": torch,
    "seed": random.seed,
}


def expect_integer(value: object, what: str) -> int:
    """The value as an `int`, or a sentence about what it is instead."""
    if isinstance(value, np.integer):
        raise NotYet(
            f"{what} is one of numpy's integers. They have 64 bits and overflow in silence when they are added up or "
            "multiplied; make it an int."
        )
    if isinstance(value, float | np.floating):
        raise NotYet(f"{what} is the float {value:g}. A float has 53 bits and rounds; stay with integers.")
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotYet(f"{what} should be an integer; it is a {type(value).__name__}.")
    return value


def expect_sequence(value: object, length: int, what: str) -> list:
    """The value as a list of so many, or a sentence about what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(value, np.ndarray) and value.ndim:
        value = list(value)
    if not isinstance(value, list | tuple):
        raise NotYet(f"It should return {what}; it returned a {type(value).__name__}.")
    if len(value) != length:
        raise NotYet(f"It should return {what}, here {length}; it returned {len(value)}.")
    return list(value)


def expect_elements(values: Sequence[object], prime: int, what: str) -> list[int]:
    """The values as field elements, or a sentence about the first that is none."""
    numbers = [expect_integer(value, what) for value in values]
    for number in numbers:
        if number < 0:
            raise NotYet(
                f"{what} is negative ({number}, modulo {prime}): a sign says something about the secret. Take the "
                "remainder, % prime, of what you subtract."
            )
        if number >= prime:
            raise NotYet(
                f"{what} is {number}, which lies outside 0 … {prime - 1}: its size says something. Take the "
                "remainder, % prime."
            )
    return numbers


@contextlib.contextmanager
def seeded(name: str, *, other: int) -> Iterator[None]:
    """Put one predictable generator into a known state, the other into another; both back at the end."""
    ours, numpys = random.getstate(), np.random.get_state()
    python_first = name == "Python's random"
    random.seed(7 if python_first else other)
    np.random.seed(other if python_first else 7)
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)


def expect_unpredictable(draw: Callable[[], object], answer: object) -> None:
    """Complain if the draws repeat themselves, always or when a generator is seeded, or come from a private one."""
    if len({repr(draw()) for _ in range(5)}) == 1:
        raise NotYet(
            "Every call with the same secret makes the same shares, so whoever has seen them once knows it. Draw "
            "fresh ones with secrets.randbelow."
        )
    for name in ("Python's random", "numpy's global generator"):
        seen = set()
        for other in range(3):
            with seeded(name, other=other):
                seen.add(repr(draw()))
        if len(seen) == 1:
            raise NotYet(
                f"Your shares come from {name}, which is predictable: whoever learns its state knows them all. The "
                "module secrets asks the operating system instead."
            )
    if name := predictable_generator(answer):
        raise NotYet(
            f"You use {name}, which was made for simulations: nothing keeps an attacker who has seen some of its "
            "numbers from computing the others. The module secrets asks the operating system instead."
        )


def predictable_generator(answer: object) -> str | None:
    """A generator for simulations that a function, or another that it uses, refers to; None without one."""
    waiting, known = [answer], {}
    while waiting:
        thing = waiting.pop()
        if id(thing) in known:
            continue
        known[id(thing)] = thing
        if any(thing is maker for maker in MAKERS.values()):
            return thing.__name__
        owner = getattr(thing, "__self__", thing)
        if isinstance(owner, PREDICTABLE) and not isinstance(owner, random.SystemRandom):
            return f"an object of type {type(owner).__name__}"
        if isinstance(thing, types.FunctionType):
            waiting += _referred_to(thing)
    return None


def _referred_to(function: types.FunctionType) -> Iterator[object]:
    """What a function's code can reach by name: globals, one attribute of a module, its closure and defaults."""
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for name in code.co_names:
            if name in function.__globals__:
                yield function.__globals__[name]
            if name in MAKERS:
                yield MAKERS[name]
    yield from function.__defaults__ or ()
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # The cell of a name that is not bound yet is empty.
            yield cell.cell_contents


def p_value_of_uniform(seen: Sequence[tuple[int, ...]], size: int) -> float:
    """The p-value of a χ² test that the tuples are uniform over all tuples of numbers below `size`."""
    counts = Counter(seen)
    cells = [counts[cell] for cell in itertools.product(range(size), repeat=len(seen[0]))]
    return 0.0 if sum(cells) < len(seen) else float(stats.chisquare(cells).pvalue)


def expect_whole_field(values: Sequence[int], prime: int, what: str) -> None:
    """Complain if values that should be uniform prefer some eighths of the field, or some last bits."""
    parts = [(value * PARTS // prime,) for value in values]
    if p_value_of_uniform(parts, PARTS) < ALARM:
        reached = len(set(parts))
        raise NotYet(
            f"{what} should go over the whole field evenly; in {len(values)} splits modulo {prime} it reaches "
            f"{reached} of eight equal parts of it. What is left out, or rare, says something about the secret. Draw "
            "from 0 … prime − 1."
        )
    if p_value_of_uniform([(value % PARTS,) for value in values], PARTS) < ALARM:
        raise NotYet(
            f"{what} has last bits that are not random (is it made from a float, or cut off?), and "
            "then some last bits of the secret are known. Draw whole integers from 0 … prime − 1."
        )


def expect_fresh(drawn: Sequence[Sequence[int]], what: str) -> None:
    """Complain if a value of the large field comes twice, in one call or in two; by chance, once in 10^12 checks."""
    values = [value for of_a_call in drawn for value in of_a_call]
    if len(set(values)) < len(values):
        raise NotYet(
            f"Among the {what} of {len(drawn)} splits one comes twice: you use a draw again. Two secrets split with the "
            "same draws give their difference away. Draw anew in each call."
        )
