"""Checkers of lesson 02's server side: the median over clients, and the server's Adam."""

import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.lesson_02_client import some_models
from course.exercises.probe import close, expect_mapping, same_inputs

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""


# 02.3 ---------------------------------------------------------------------------------------------


def coordinate_median(models) -> dict[str, Tensor]:
    """The median of each number over the clients; of an even count, the mean of the two in the middle."""
    return {
        name: torch.quantile(torch.stack([model[name] for model in models]), 0.5, dim=0) for name in models[0]
    }


def verify_median(median) -> None:
    for count in (3, 5, 4, 10, 1):
        models = some_models(count, seed=count)
        with same_inputs("Your function changed the clients' models. Build a new dictionary.", *models):
            got = expect_mapping(median(models), models[0])
        right = coordinate_median(models)
        if all(close(got[name], right[name], TOLERANCE) for name in right):
            continue
        stacked = {name: torch.stack([model[name] for model in models]) for name in right}
        if all(close(got[name], stacked[name].mean(0), TOLERANCE) for name in right):
            raise NotYet(
                "That is the mean. One liar moves it as far as it likes; the median does not follow."
            )
        if all(
            close(got[name], torch.full_like(right[name], stacked[name].median()), TOLERANCE)
            for name in right
        ):
            raise NotYet("That is one median over all numbers. Take it over the clients, for each number.")
        if count % 2 == 0 and all(
            close(got[name], stacked[name].median(0).values, TOLERANCE) for name in right
        ):
            raise NotYet(
                "With an even number of clients, torch.median takes the lower of the two in the middle; take their mean."
            )
        raise NotYet(f"With {count} clients it is not the median of each number over the clients.")
    liar = [
        *some_models(4, seed=8),
        {name: tensor * 1e6 for name, tensor in some_models(1, seed=9)[0].items()},
    ]
    if max(tensor.abs().max().item() for tensor in median(liar).values()) > 10:
        raise NotYet(
            "One client in five sent numbers a million times too large, and your result followed it."
        )


# 02.4 ---------------------------------------------------------------------------------------------


def adam_step(weights, mean, momentum, second, step_size, beta_1, beta_2, tau):
    """One step of the server's Adam: the mean of the clients' updates takes the part of the gradient."""
    update = {name: mean[name] - weights[name] for name in weights}
    momentum = {name: beta_1 * momentum[name] + (1 - beta_1) * update[name] for name in weights}
    second = {name: beta_2 * second[name] + (1 - beta_2) * update[name] ** 2 for name in weights}
    moved = {
        name: weights[name] + step_size * momentum[name] / (second[name].sqrt() + tau) for name in weights
    }
    return moved, momentum, second


def verify_adam(step) -> None:
    weights, mean, momentum, second = some_models(4, seed=21)
    second = {name: tensor**2 for name, tensor in second.items()}
    settings = (0.1, 0.8, 0.95, 0.3)
    with same_inputs(
        "Your function changed one of its inputs. Build new dictionaries.", weights, mean, momentum, second
    ):
        got = step(weights, mean, momentum, second, *settings)
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise NotYet("Return three dictionaries: the new weights, the new momentum, the new second moment.")
    right = adam_step(weights, mean, momentum, second, *settings)
    _judge_moments(got, right, weights, mean, momentum, second, settings)
    _judge_move(expect_mapping(got[0], weights), right, weights, settings)


def _judge_moments(got, right, weights, mean, momentum, second, settings) -> None:
    _, beta_1, beta_2, _ = settings
    new_momentum, new_second = expect_mapping(got[1], weights), expect_mapping(got[2], weights)
    for name in weights:
        update = mean[name] - weights[name]
        if not close(new_momentum[name], right[1][name], TOLERANCE):
            if close(new_momentum[name], beta_1 * momentum[name] - (1 - beta_1) * update, TOLERANCE):
                raise NotYet(
                    "Momentum has the wrong sign: the update is mean − weights, and the server adds it."
                )
            if close(new_momentum[name], (1 - beta_1) * momentum[name] + beta_1 * update, TOLERANCE):
                raise NotYet(
                    "You swapped the two parts of the momentum: β₁ keeps the old, 1 − β₁ takes the new."
                )
            if close(new_momentum[name], beta_1 * momentum[name] + (1 - beta_1) * mean[name], TOLERANCE):
                raise NotYet("You feed the mean model to the momentum; it wants the update, mean − weights.")
            raise NotYet("The momentum is not β₁ · old + (1 − β₁) · update.")
        if not close(new_second[name], right[2][name], TOLERANCE):
            if close(new_second[name], beta_2 * second[name] + (1 - beta_2) * update.abs(), TOLERANCE):
                raise NotYet("The second moment averages the update's square; you average its size.")
            if close(
                new_second[name], beta_2 * second[name] + (1 - beta_2) * new_momentum[name] ** 2, TOLERANCE
            ):
                raise NotYet("The second moment squares the update itself, not the momentum.")
            raise NotYet("The second moment is not β₂ · old + (1 − β₂) · update².")


def _judge_move(moved, right, weights, settings) -> None:
    step_size, _, _, tau = settings
    for name in weights:
        if close(moved[name], right[0][name], TOLERANCE):
            continue
        momentum, second = right[1][name], right[2][name]
        guesses = {
            "The step goes the wrong way: the update already points where the clients went, so add.": weights[name] - step_size * momentum / (second.sqrt() + tau),
            "Divide by the square root of the second moment.": weights[name] + step_size * momentum / (second + tau),
            "τ stands outside the root: √second + τ.": weights[name] + step_size * momentum / (second + tau).sqrt(),
            "You return the step alone; add it to the weights.": step_size * momentum / (second.sqrt() + tau),
        }  # fmt: skip
        for sentence, value in guesses.items():
            if close(moved[name], value, TOLERANCE):
                raise NotYet(sentence)
        raise NotYet("The new weights are not weights + step_size · momentum / (√second + τ).")
