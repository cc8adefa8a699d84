"""Checkers of exercises 06.4 and 06.6: norms without gradients, and the ε of a whole search."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_number, given, same_inputs, which
from course.privacy import epsilon_spent, rdp_subsampled_gaussian, rdp_to_epsilon

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""


# 06.4 ---------------------------------------------------------------------------------------------


def verify_ghost_norms(ghost_norms: Callable) -> None:
    """The norm of each example's (weight, bias) gradient, against outer products that are really built."""
    for batch, before, after in ((7, 5, 3), (1, 2, 4), (4, 4, 4)):
        generator = torch.Generator().manual_seed(batch)
        layer_inputs = 3 * torch.randn(batch, before, generator=generator)
        errors = torch.randn(batch, after, generator=generator)
        changed = "Your function changed its inputs."
        with same_inputs(changed, {"a": layer_inputs, "d": errors}), given(f"a batch of {batch}"):
            got = _expect_norms(ghost_norms(layer_inputs, errors), batch)
        weights = torch.einsum("bo,bi->boi", errors, layer_inputs).flatten(1)
        right = torch.cat([weights, errors], dim=1).norm(dim=1)
        if not close(got, right, TOLERANCE):
            otherwise = "It is not √(|d|² |a|² + |d|²), with one |a| and one |d| an example."
            raise which(got, _wrong_norms(layer_inputs, errors), otherwise, TOLERANCE)


def _expect_norms(got: object, batch: int) -> Tensor:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, Tensor):
        raise NotYet(f"It returned a {type(got).__name__}; it should be a tensor of norms.")
    if got.ndim == 0 and batch > 1:
        raise NotYet(
            "That is one number for the whole batch: sum over dim=1 only, so that each example has one."
        )
    if got.shape != (batch,):
        raise NotYet(f"A batch of {batch} has norms of shape ({batch},); yours have {tuple(got.shape)}.")
    return got


def _wrong_norms(layer_inputs: Tensor, errors: Tensor) -> dict[str, Tensor]:
    a, d = layer_inputs.square().sum(1), errors.square().sum(1)
    return {
        "The bias is missing: its gradient is d itself, which adds |d|².": (a * d).sqrt(),
        "That is the squared norm: take the root.": a * d + d,
        "That is the squared norm, without the bias: add |d|² and take the root.": a * d,
        "You add |a|² and |d|². The norm of an outer product is the *product* of the norms.": (a + d).sqrt(),
        "You add |a|², |d|² and |d|²; the weight's part is the product |d|² |a|².": (a + 2 * d).sqrt(),
        "The bias adds |d|² (its gradient is d), not 1.": (a * d + 1).sqrt(),
        "The bias adds |d|² (its gradient is d), not |a|².": (a * d + a).sqrt(),
        "You add the two norms; their squares add up, and the root comes last.": (a * d).sqrt() + d.sqrt(),
        "That is the norm of the errors alone.": d.sqrt(),
        "You take the numbers to the power four: a sum of squares is the square of a norm already.":
            (a**2 * d**2 + d**2).sqrt(),
    }  # fmt: skip


# 06.6 ---------------------------------------------------------------------------------------------

ORDERS = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0)
SLACK = 1e-3
"""Relative; the integrals behind RDP agree to 1e-6."""

SEARCHES = (
    (((3.0, 1 / 32, 300), (1.0, 0.004, 150), (2.5, 0.02, 400), (8.0, 1 / 8, 300)), 1e-5),
    (((1.5, 0.02, 500),) * 4, 1e-5),
    (((2.0, 0.05, 300),), 1e-6),
)
"""(noise multiplier, sample rate, steps) of each run, and δ. In the first search no run spends most at every order, and
the first, last, dearest and cheapest are four different runs."""


def epsilon_of_search(tried: Sequence[tuple], orders: Sequence[float], delta: float) -> float:
    """Every run of the search used the data, so every run is paid for: RDP adds up, order by order."""
    total = [sum(steps * _rdp(noise, rate, order) for noise, rate, steps in tried) for order in orders]
    return rdp_to_epsilon(total, orders=orders, delta=delta)


def _rdp(noise_multiplier: float, sample_rate: float, order: float) -> float:
    return rdp_subsampled_gaussian(noise_multiplier=noise_multiplier, sample_rate=sample_rate, order=order)


def verify_search(epsilon_of: Callable) -> None:
    """The RDP of all runs added up; less is less than was spent, and the sum of the ε's forgets δ."""
    for tried, delta in SEARCHES:
        with given(f"{len(tried)} runs and δ = {delta:g}"):
            got = expect_number(epsilon_of([tuple(run) for run in tried], list(ORDERS), delta))
        right = epsilon_of_search(tried, ORDERS, delta)
        if abs(got - right) > SLACK * right and not _tighter_and_true(got, tried, delta, right):
            raise _why_search(got, tried, delta, right)


def _tighter_and_true(got: float, tried: Sequence[tuple], delta: float, right: float) -> bool:
    """Whether it is what a tighter accountant gives for runs that are all alike, as one longer run."""
    noise, rate, _ = tried[0]
    if any(run[:2] != (noise, rate) for run in tried):
        return False
    truth = epsilon_spent(
        noise_multiplier=noise, sample_rate=rate, steps=sum(run[2] for run in tried), delta=delta,
        accountant="pld",
    )  # fmt: skip
    return truth * (1 - SLACK) <= got <= right


def _why_search(got: float, tried: Sequence[tuple], delta: float, right: float) -> NotYet:
    each = [epsilon_of_search([run], ORDERS, delta) for run in tried]
    once = [sum(_rdp(noise, rate, order) for noise, rate, _ in tried) for order in ORDERS]
    largest = [max(steps * _rdp(noise, rate, order) for noise, rate, steps in tried) for order in ORDERS]
    guesses = {
        "You count the steps of no run: RDP is of one step, so multiply by `steps`.": rdp_to_epsilon(
            once, orders=ORDERS, delta=delta
        ),
        "You take, at each order, the run that spent most. All of them used the data: add them up.": rdp_to_epsilon(
            largest, orders=ORDERS, delta=delta
        ),
        "You count every run as if it were the first. Each has its own noise, rate and steps.": epsilon_of_search(
            [tried[0]] * len(tried), ORDERS, delta
        ),
    }
    if len(tried) > 1:
        guesses |= {
            "That is the ε of the most expensive run alone. Which one won was found out by looking at all.":
                max(each),
            "That is the ε of the cheapest run alone: the others used the data as well.": min(each),
            "That is the ε of the first run alone: the others used the data as well.": each[0],
            "That is the ε of the last run alone: the others used the data as well.": each[-1],
            "That is the mean of the ε's. Runs do not share a cost, they add up.": sum(each) / len(each),
            "You add the ε's. That is a promise only if the δ's are added too, and it is looser than need be: "
            "add the RDP at each order, and convert once.": sum(each),
            "You multiply the largest ε by the number of runs: add the RDP at each order, and convert once.":
                max(each) * len(tried),
        }  # fmt: skip
    low = f"At δ = {delta:g} you report ε {got:.3g}; the search spent {right:.3g}. Add steps × RDP over all runs, order by order."
    return which(got, guesses, low, SLACK)
