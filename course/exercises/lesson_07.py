"""Lesson 07, secret sharing: its six exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_07_additive import (
    add_up,
    decode,
    split_sum,
    verify_additive,
    verify_announcements,
    verify_decode,
)
from course.exercises.lesson_07_beaver import beaver_multiply, verify_beaver
from course.exercises.lesson_07_shamir import at_zero, shamir_split, verify_at_zero, verify_shamir

EXERCISES = (
    Exercise(
        "07.1", "split_sum", "split a salary", split_sum, verify_additive,
        (
            "If all shares but one are drawn at random, how much freedom does the last one have?",
            "Draw num_shares − 1 numbers with secrets.randbelow(prime), which gives 0 … prime − 1. The last is what is "
            "missing to the secret.",
            "drawn = [secrets.randbelow(prime) for _ in range(num_shares - 1)]; return drawn + [(secret - sum(drawn)) "
            "% prime]",
        ),
        points=2,
    ),
    Exercise(
        "07.2", "add_up", "the sum that nobody sees the parts of", add_up, verify_announcements,
        (
            "Which numbers does party j hold: a row of the table, or a column?",
            "zip(*shares) goes through the columns. Each announced number is the sum of one column, % prime.",
            "announced = [sum(column) % prime for column in zip(*shares)]; return announced, sum(announced) % prime",
        ),
    ),
    Exercise(
        "07.3", "shamir_split", "points of a polynomial", shamir_split, verify_shamir,
        (
            "Two points fix a line. How many coefficients may you choose freely if three points shall fix a curve "
            "that passes through the secret at x = 0?",
            "coefficients = [secret] and threshold − 1 draws of secrets.randbelow(prime), drawn once for all shares.",
            "[(x, sum(c * x**k for k, c in enumerate(coefficients)) % prime) for x in range(1, num_shares + 1)]",
        ),
        points=2,
    ),
    Exercise(
        "07.4", "at_zero", "Lagrange at zero", at_zero, verify_at_zero,
        (
            "Which factor is 0 at every other share's x, and 1 at your own?",
            "For each share multiply (0 − other) and (x − other) over all the others; their quotient is its weight.",
            "total += y * numerator * pow(denominator, -1, prime), for each share; return total % prime",
        ),
        points=2,
    ),
    Exercise(
        "07.5", "decode", "numbers below zero", decode, verify_decode,
        (
            "−1 is encoded as prime − 1. Which elements should you read as negative?",
            "If element > prime // 2, it stands for element − prime; then divide by the number of steps in 1.",
            "steps = element - prime if element > prime // 2 else element; return steps / 2**fraction_bits",
        ),
    ),
    Exercise(
        "07.6", "beaver_multiply", "a product of shares", beaver_multiply, verify_beaver,
        (
            "x · y = (a + d)(b + e) with d = x − a and e = y − b. Which of the four products can a party compute "
            "a share of alone, once d and e are known to all?",
            "d and e are sums over all parties of their x − a and y − b. Party i's new share is c + d · b + e · a, with "
            "its own shares of a, b and c.",
            "shares = [(c + d * b + e * a) % prime for a, b, c in zip(*triple)]; then shares[0] = (shares[0] + d * e) % "
            "prime; return d, e, shares",
        ),
        points=2,
    ),
)  # fmt: skip
