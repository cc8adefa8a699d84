"""The seven steps of exercise 06.5: each claims to be DP-SGD's private gradient, and five are not.

They are here to be read by learners, and to be run by the checker. Each takes the gradients of everybody, shape
(NUM_EXAMPLES, parameters), and a generator, and returns one private gradient, shape (parameters,). Each claims
the ε of `epsilon_spent` at noise multiplier MULTIPLIER and sample rate RATE.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course.exercises.exercise import NotYet

LIMIT, MULTIPLIER, RATE, NUM_EXAMPLES = 1.0, 4.8, 1 / 16, 1_600
EXPECTED = RATE * NUM_EXAMPLES


def step_a(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE."""
    batch = gradients[torch.rand(len(gradients), generator=generator) < RATE]
    clipped = batch * (LIMIT / batch.norm(dim=1, keepdim=True)).clamp(max=1)
    noise = MULTIPLIER * LIMIT * torch.randn(gradients.shape[1], generator=generator)
    return (clipped.sum(0) + noise) / max(len(batch), 1)


def step_b(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE."""
    batch = gradients[torch.randperm(len(gradients), generator=generator)[: int(EXPECTED)]]
    clipped = batch * (LIMIT / batch.norm(dim=1, keepdim=True)).clamp(max=1)
    noise = MULTIPLIER * LIMIT * torch.randn(gradients.shape[1], generator=generator)
    return (clipped.sum(0) + noise) / EXPECTED


def step_c(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE."""
    noise = torch.normal(0.0, MULTIPLIER * LIMIT, (gradients.shape[1],), generator=generator)
    for gradient, coin in zip(gradients, torch.rand(len(gradients), generator=generator), strict=True):
        if coin < RATE:
            noise += gradient / max(1.0, float(gradient.norm()) / LIMIT)
    return noise / EXPECTED


def step_d(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE."""
    batch = gradients[torch.rand(len(gradients), generator=generator) < RATE]
    mean = batch.sum(0) / EXPECTED
    clipped = mean * (LIMIT / mean.norm()).clamp(max=1)
    noise = MULTIPLIER * LIMIT * torch.randn(gradients.shape[1], generator=generator)
    return clipped + noise / EXPECTED


def step_e(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE."""
    batch = gradients[torch.rand(len(gradients), generator=generator) < RATE]
    clipped = batch * (LIMIT / batch.norm(dim=1, keepdim=True)).clamp(max=1)
    noise = MULTIPLIER * LIMIT * torch.randn(1, generator=generator)
    return (clipped.sum(0) + noise) / EXPECTED


def step_f(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims the same ε under REPLACE_ONE: "we do not hide how many people there are"."""
    batch = gradients[torch.rand(len(gradients), generator=generator) < RATE]
    clipped = batch * (LIMIT / batch.norm(dim=1, keepdim=True)).clamp(max=1)
    noise = MULTIPLIER * LIMIT * torch.randn(gradients.shape[1], generator=generator)
    return (clipped.sum(0) + noise) / EXPECTED


def step_g(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Claims its ε under ADD_REMOVE: "half the clipping norm, and half the noise with it"."""
    batch = gradients[torch.rand(len(gradients), generator=generator) < RATE]
    shrunk = (batch / 2) * (LIMIT / (batch.norm(dim=1, keepdim=True))).clamp(max=1)
    noise = MULTIPLIER * LIMIT / 2 * torch.randn(gradients.shape[1], generator=generator)
    return (shrunk.sum(0) + noise) / EXPECTED


STEPS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "A": step_a, "B": step_b, "C": step_c, "D": step_d, "E": step_e, "F": step_f, "G": step_g,
}  # fmt: skip

FINE = "fine"
FAULTS = ("sampler", "clipping", "noise", "division", "adjacency")
"""What can be wrong with a step; `FINE` if nothing is."""

TRUTH = {
    "A": "division",
    "B": "sampler",
    "C": FINE,
    "D": "clipping",
    "E": "noise",
    "F": "adjacency",
    "G": FINE,
}

CLUES = {
    "A": "What does its last line divide by, and who decides that number?",
    "B": "How many people are in its batch? Would coins give that number every time?",
    "C": "It is written in another order. Does the result depend on the order in which a sum is added up?",
    "D": "Put one gradient of length a million into the batch. Where does the result point?",
    "E": "Subtract the first number of its result from the second. How much noise is left?",
    "F": "Let one person change instead of leave. How far can the clipped sum move then?",
    "G": "Compare the noise with what one person can move *in this step*, not with LIMIT.",
}


def find_faults(steps: dict[str, Callable]) -> dict[str, str]:
    """The library's own answer, read off the code."""
    return {name: TRUTH[name] for name in steps}


def verify_faults(find: Callable) -> None:
    """One word a step; the first wrong one is answered by a question, not by the right word."""
    found = find(dict(STEPS))
    if found is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(found, dict):
        raise NotYet(f"It returned a {type(found).__name__}; it should be a dictionary, step → word.")
    if set(found) != set(STEPS):
        raise NotYet(f"It should have one word for each of {', '.join(STEPS)}; it has {_listed(found)}.")
    strange = [said for said in found.values() if said not in (*FAULTS, FINE)]
    if strange:
        raise NotYet(f"{str(strange[0])[:40]!r} is none of the words: {', '.join(FAULTS)}, or {FINE}.")
    if set(found.values()) == {FINE}:
        raise NotYet("You call all seven fine. Five of them do not keep their ε.")
    for name, said in found.items():
        if said != TRUTH[name] and said == FINE:
            raise NotYet(f"Step {name} does not keep its ε. {CLUES[name]}")
        if said != TRUTH[name]:
            raise NotYet(f"Step {name}: that is not what is wrong, if anything is. {CLUES[name]}")


def _listed(found: dict) -> str:
    return ", ".join(sorted(map(str, found))) or "none"
