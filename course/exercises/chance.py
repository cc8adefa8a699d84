"""Where checkers take their chance from: always the same draws, others while false alarms are counted."""

import contextlib
import zlib
from collections.abc import Iterator

import numpy as np

_state = {"seed": 0, "asked": 0}


def checking_rng(name: str) -> np.random.Generator:
    """A generator for one purpose within a checker; the same each time, unless `chance` says otherwise."""
    _state["asked"] += 1
    return np.random.default_rng([_state["seed"], zlib.crc32(name.encode())])


@contextlib.contextmanager
def chance(seed: int) -> Iterator[None]:
    """Give every `checking_rng` within the block other draws, so that false alarms can be counted."""
    before = _state["seed"]
    _state["seed"] = seed
    try:
        yield
    finally:
        _state["seed"] = before


def asks_for_chance(verify, answer: object) -> bool:
    """Whether a checker's verdict on an answer depends on `checking_rng`."""
    before = _state["asked"]
    verify(answer)
    return _state["asked"] > before
