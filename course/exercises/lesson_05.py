"""Lesson 05, differential privacy: its seven exercises, the answers that it lends, and the hints."""

import math

import numpy as np

from course.exercises.exercise import Exercise
from course.exercises.lesson_05_noise import verify_laplace, verify_survey
from course.exercises.lesson_05_numbers import (
    verify_least_noise,
    verify_rdp,
    verify_sensitivity,
)
from course.exercises.lesson_05_traps import verify_training, verify_worst
from course.privacy import analytic_noise_std, epsilon_spent, randomized_response, share_from_reports
from course.privacy import laplace_mechanism as library_laplace


def sum_sensitivity(low: float, high: float) -> tuple[float, float]:
    """How far one person can move a sum of values clipped to [low, high]: joining or leaving, and replaced."""
    return max(abs(low), abs(high)), high - low


def laplace_mechanism(value, sensitivity: float, epsilon: float, rng: np.random.Generator):
    """The library's own, with the lesson's positional arguments."""
    return library_laplace(value, sensitivity=sensitivity, epsilon=epsilon, rng=rng)


def ask_everyone(answers: np.ndarray, epsilon: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Randomized reports, and the share estimated from them."""
    reports = randomized_response(np.asarray(answers), epsilon=epsilon, rng=rng)
    return reports, share_from_reports(reports, epsilon=epsilon)


def least_noise(sensitivity: float, epsilon: float, delta: float) -> float:
    """The library's own, with the lesson's positional arguments."""
    return analytic_noise_std(sensitivity=sensitivity, epsilon=epsilon, delta=delta)


def epsilon_by_rdp(noise_multiplier: float, steps: int, delta: float, orders) -> float:
    """Add the Rényi divergences of all steps at each order, convert each to ε, take the smallest."""
    return min(
        steps * order / (2 * noise_multiplier**2) + math.log(1 / delta) / (order - 1) for order in orders
    )


def epsilon_of_training(
    rounds: int, steps_a_round: int, noise_multiplier: float, sample_rate: float, delta: float
) -> float:
    """One accountant for all steps of all rounds."""
    return epsilon_spent(
        noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=rounds * steps_a_round, delta=delta
    )


def worst_epsilon(epsilon_of_client: dict, clients_of_person: dict) -> float:
    """What the person spends whose data lies where most is spent."""
    return max(sum(epsilon_of_client[client] for client in clients) for clients in clients_of_person.values())


EXERCISES = (
    Exercise(
        "05.1", "sum_sensitivity", "how far can one person move a sum?", sum_sensitivity, verify_sensitivity,
        (
            "Somebody whose value is −9 joins. By how much does the sum change? And what if 3 is the largest value?",
            "Joining adds one value: the worst is the end of the range that lies further from 0. Replacing goes from "
            "one end to the other.",
            "return max(abs(low), abs(high)), high - low",
        ),
    ),
    Exercise(
        "05.2", "laplace_mechanism", "noise of the right size", laplace_mechanism, verify_laplace,
        (
            "Should the noise grow or shrink when ε shrinks? And when one person can move the value further?",
            "The parameter of the noise is sensitivity / ε: rng.laplace(scale=…, size=…).",
            "return value + rng.laplace(scale=sensitivity / epsilon, size=np.shape(value))",
        ),
        points=2,
    ),
    Exercise(
        "05.3", "ask_everyone", "answers that can be denied", ask_everyone, verify_survey,
        (
            "If the lie comes with probability p and the truth with 1 − p, which p makes (1 − p) / p = e^ε?",
            "A coin a person: lies = rng.random(len(answers)) < 1 / (1 + e^ε). A report is the answer, or its opposite "
            "where the person lies: answers ^ lies.",
            "With p = 1 / (1 + np.exp(epsilon)), the mean of the reports is p + share · (1 − 2p) on average; solve for "
            "the share: (reports.mean() - p) / (1 - 2 * p).",
        ),
        points=2,
    ),
    Exercise(
        "05.4", "least_noise", "the least Gaussian noise", least_noise, verify_least_noise,
        (
            "gaussian_delta falls as noise_std grows. How do you find where a falling function crosses a line?",
            "Start with low = 1e-6 and high = 1e6 times the sensitivity; look at the middle, keep the half in which the "
            "crossing lies, a hundred times. The geometric mean √(low · high) is a good middle.",
            "if gaussian_delta(epsilon, noise_std=middle, sensitivity=sensitivity) > delta: low = middle; else: high = "
            "middle. Return high, where the promise holds.",
        ),
        points=2,
    ),
    Exercise(
        "05.5", "epsilon_by_rdp", "add first, convert once", epsilon_by_rdp, verify_rdp,
        (
            "What adds up over the steps, the ε or the Rényi divergence? And when do you pay for δ?",
            "For each order: steps · order / (2 s²), plus log(1/δ) / (order − 1).",
            "return min(steps * a / (2 * noise_multiplier**2) + math.log(1 / delta) / (a - 1) for a in orders)",
        ),
        points=2,
    ),
    Exercise(
        "05.6", "epsilon_of_training", "find the bug: an accountant a round", epsilon_of_training, verify_training,
        (
            "In round 20, does the accountant of the colleague's code know that rounds 1 to 19 took place?",
            "One accountant, created before the loop, sees all steps; or ask epsilon_spent for all of them at once.",
            "return epsilon_spent(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=rounds * "
            "steps_a_round, delta=delta)",
        ),
    ),
    Exercise(
        "05.7", "worst_epsilon", "find the bug: ε summed over clients", worst_epsilon, verify_worst,
        (
            "Bo was only ever in hospital South. What can a release of hospital North reveal about Bo?",
            "For each person, add the ε of the clients that hold their data; then take the largest of these sums.",
            "return max(sum(epsilon_of_client[c] for c in clients) for clients in clients_of_person.values())",
        ),
    ),
)  # fmt: skip
