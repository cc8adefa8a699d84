"""Lesson 13, the audit: its six exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_13_cohorts import chance_if_poisson, verify_poisson
from course.exercises.lesson_13_log import lines_that_leak, verify_lines
from course.exercises.lesson_13_messages import chance_if_masked, find_seed, verify_chance, verify_find_seed
from course.exercises.lesson_13_releases import (
    noise_interval,
    total_epsilon,
    verify_interval,
    verify_total_epsilon,
)

EXERCISES = (
    Exercise(
        "13.1", "chance_if_masked", "is it masked?", chance_if_masked, verify_chance,
        (
            "How many of the 2^32 residues are no further from 0 than m, if both ways round count?",
            "2m + 1 of them. Under a mask the entries are independent, so the chance that all n are that near to 0 is a power.",
            "entries = message.astype(np.int64); m = int(np.minimum(entries, 2**32 - entries).max()); return min(1.0, ((2 * m "
            "+ 1) / 2**32) ** len(message))",
        ),
        points=2,
    ),
    Exercise(
        "13.2", "find_seed", "a search that admits how often it looks", find_seed, verify_find_seed,
        (
            "A test that errs once in a hundred is done a thousand times. How often does it err on somebody who is innocent?",
            "Each of the 2 · 2^bits looks (every seed, both signs) may take only its share: false_alarm / (2 · 2^bits).",
            "for number in range(2**bits): mask = stretch(number.to_bytes(32, 'little'), len(message)); if min("
            "chance_if_masked(message - mask), chance_if_masked(message + mask)) < share: return number; after the loop "
            "return None",
        ),
        points=2,
    ),
    Exercise(
        "13.3", "lines_that_leak", "an update in a log", lines_that_leak, verify_lines,
        (
            "A log rounds its numbers, and one number can agree by chance. What makes you sure that a line is about *your* update?",
            "For each reading in payloads_of(line) count the numbers that are close to some entry, to a relative 1e-4; four in "
            "one reading are enough.",
            "hits = np.isclose(numbers[:, None], update, rtol=1e-4, atol=0).any(axis=1).sum(), for each of the readings; keep "
            "the line if a reading has hits >= 4.",
        ),
        points=2,
    ),
    Exercise(
        "13.4", "noise_interval", "how much noise there is", noise_interval, verify_interval,
        (
            "You run the same round twice. What is left in the difference of the two releases?",
            "The noise of both: each entry has a variance of 2 s². Σ d² / (2 s²) has a χ² distribution with n degrees of freedom.",
            "half = ((first - second) ** 2).sum() / 2; low, high = (np.sqrt(half / stats.chi2.ppf(p, len(first))) for p in (1 - "
            "false_alarm / 2, false_alarm / 2)); return low, high",
        ),
        points=2,
    ),
    Exercise(
        "13.5", "total_epsilon", "which ε this noise gives", total_epsilon, verify_total_epsilon,
        (
            "Noise of 3 is much or little, depending on what else in the annex?",
            "The multiplier is noise_std / annex.max_update_norm; epsilon_spent knows the rest: rate, rounds, δ, accountant, "
            "adjacency.",
            "return epsilon_spent(noise_multiplier=noise_std / annex.max_update_norm, sample_rate=annex.sample_rate, "
            "steps=annex.rounds, delta=annex.delta, accountant=annex.accountant, adjacency=annex.adjacency)",
        ),
    ),
    Exercise(
        "13.6", "chance_if_poisson", "was it a coin for each?", chance_if_poisson, verify_poisson,
        (
            "With a coin for each client, how much do the sizes of cohorts vary, and how many are drawn twice in a row?",
            "Σ (size − N q)² / (N q (1 − q)) is nearly χ² with a degree for each cohort. In pairs of cohorts (1st and 2nd, 3rd "
            "and 4th, …) those who are in both are binomial, with N tries of q² a pair. Small values of either accuse.",
            "With spread = Σ (size − N q)² / (N q (1 − q)), and again = those in both cohorts, over all pairs: return min(1.0, 2 * "
            "min(stats.chi2.cdf(spread, len(cohorts)), stats.binom.cdf(again, population * num_pairs, sample_rate**2))).",
        ),
        points=2,
    ),
)  # fmt: skip
