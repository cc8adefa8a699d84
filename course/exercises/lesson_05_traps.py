"""Checkers of lesson 05's two traps: a new accountant every round, and ε summed over clients."""

import functools
import math
from collections.abc import Mapping

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.lesson_05_numbers import explained, near
from course.exercises.probe import expect_number, given
from course.privacy import epsilon_spent

# 05.6 ---------------------------------------------------------------------------------------------

TRAININGS = ((20, 10, 1.1, 0.02, 1e-5), (2, 100, 0.9, 0.05, 1e-6))
"""(rounds, steps a round, noise multiplier, sample rate, δ); with two rounds, one forgotten is not overlooked."""


@functools.cache
def _spent(noise: float, rate: float, steps: int, delta: float, accountant: str) -> float:
    return epsilon_spent(
        noise_multiplier=noise, sample_rate=rate, steps=steps, delta=delta, accountant=accountant
    )


def verify_training(epsilon_of) -> None:
    """One accountant over all steps of all rounds, whichever of the three it is."""
    answers = []
    for run in TRAININGS:
        with given(f"{run[0]} rounds of {run[1]} steps"):
            answers.append(expect_number(epsilon_of(*run)))
    for got, (rounds, steps, noise, rate, delta) in zip(answers, TRAININGS, strict=True):
        low, high = (_spent(noise, rate, rounds * steps, delta, by) for by in ("pld", "rdp"))
        # Whatever lies between the tightest and the loosest accountant is a bound that somebody proved.
        if 0.985 * low <= got <= 1.005 * high:
            continue
        for accountant in ("rdp", "pld"):
            guesses = [_wrong_training(*run, accountant) for run in TRAININGS]
            sentence = explained(answers, guesses, 0.006)
            if sentence:
                raise NotYet(sentence)
        raise NotYet(
            f"For {rounds} rounds of {steps} steps an accountant says about {low:.3g}; you say {got:.3g}."
        )


def _wrong_training(
    rounds: int, steps: int, noise: float, rate: float, delta: float, accountant: str
) -> dict[str, float]:
    def spent(all_steps: int, at_delta: float = delta) -> float:
        return _spent(noise, rate, all_steps, at_delta, accountant)

    added = (
        "You add up the ε of the rounds: safe, but it pays for δ in every round, and it is several times too much. "
        "Give one accountant all the steps."
    )
    return {
        "That is the ε of one round. Each round looks at the same people again, so one accountant must see all of "
        "them.": spent(steps),
        "That is the ε of one step, and every step looks at the same people again.": spent(1),
        added: rounds * spent(steps),
        added + " (Sharing δ out over the rounds does not change that.)": rounds * spent(steps, delta / rounds),
        "You count the rounds and forget the steps inside each.": spent(rounds),
        "You account for all steps at δ / rounds; with one accountant, δ is of the whole training.":
            spent(rounds * steps, delta / rounds),
        "An ε of √rounds times one round's is no bound that anybody proved.": math.sqrt(rounds) * spent(steps),
    }  # fmt: skip


# 05.7 ---------------------------------------------------------------------------------------------

REPORTS = (
    ({"North": 1.0, "South": 2.0, "East": 0.5}, {"Ada": ["North"], "Bo": ["South"], "Cy": ["East"]}),
    (
        {"North": 1.0, "South": 2.0, "East": 0.5, "West": 3.0},
        {"Ada": ["North", "South", "East"], "Bo": ["South"], "Cy": ["West"], "Di": ["East", "North"]},
    ),
    ({"North": 0.7, "South": 0.6}, {"Ada": ["North"], "Bo": ["South", "North"], "Cy": []}),
    ({"North": 4.0, "South": 0.2}, {"Ada": ["South"], "Bo": ["South"]}),
)


def verify_worst(worst) -> None:
    """The largest sum of ε over the clients that hold one person's data."""
    answers, right = [], []
    for epsilons, clients_of in REPORTS:
        with given(f"the ε of {epsilons} and the people {clients_of}"):
            copy = {person: list(held) for person, held in clients_of.items()}
            answers.append(expect_number(worst(dict(epsilons), copy)))
        right.append(max(_sums(epsilons, clients_of)))
    for got, best, (epsilons, clients_of) in zip(answers, right, REPORTS, strict=True):
        if not near(got, best):
            raise NotYet(
                explained(answers, [_wrong_worst(*report) for report in REPORTS])
                or f"With the ε of {epsilons} and the people {clients_of} the worst-off person spends {best:g}; "
                f"you say {got:g}."
            )


def _sums(epsilons: Mapping[str, float], clients_of: Mapping[str, list]) -> list[float]:
    return [float(sum(epsilons[client] for client in held)) for held in clients_of.values()]


def _wrong_worst(epsilons: Mapping[str, float], clients_of: Mapping[str, list]) -> dict[str, float]:
    sums, held = _sums(epsilons, clients_of), list(clients_of.values())
    return {
        "You add up the ε of all clients, as if everybody were at every one of them.": sum(epsilons.values()),
        "You take the largest ε of a client. Somebody whose data lies at two clients spends both.":
            max(epsilons[client] for clients in held for client in clients),
        "You take the largest ε of all, though that client may hold nobody's data, and somebody may be at two.":
            max(epsilons.values()),
        "That is the mean over people. A promise holds for the worst-off.": sum(sums) / len(sums),
        "That is the mean over clients.": sum(epsilons.values()) / len(epsilons),
        "You add up over all people. Each has a budget of their own; take the largest.": sum(sums),
        "That is the person who spends least. The promise must hold for the one who spends most.": min(sums),
        "You take the person who is at most clients; what counts is what they spend there.":
            sums[int(np.argmax([len(clients) for clients in held]))],
    }  # fmt: skip
