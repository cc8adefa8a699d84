"""Lesson 11, hospitals in private: its five exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_11_promise import best_guess, take_part, verify_best_guess, verify_take_part
from course.exercises.lesson_11_sums import (
    add_share,
    clip_per_patient,
    noise_left,
    verify_clip,
    verify_noise_left,
    verify_share,
)

EXERCISES = (
    Exercise(
        "11.1", "clip_per_patient", "what one patient can move", clip_per_patient, verify_clip,
        (
            "If a patient has eighty slices and each may be C long, how far can the patient move the sum?",
            "slice_gradients.sum(dim=1) has one row a patient. Measure and shrink those rows, then add them up.",
            "rows = slice_gradients.sum(1); return (rows * (max_update_norm / rows.norm(dim=1, keepdim=True)"
            ".clamp_min(1e-12)).clamp_max(1)).sum(0)",
        ),
        points=2,
    ),
    Exercise(
        "11.2", "add_share", "a hospital's share of the noise", add_share, verify_share,
        (
            "Five independent shares are added. Which of their numbers add up: deviations, or variances?",
            "All but `spare` shares must have the variance noise_std² together: divide noise_std by the root of how "
            "many those are.",
            "share = noise_std / np.sqrt(num_hospitals - spare); return steps + np.rint(rng.normal(scale=share, "
            "size=len(steps))).astype(np.int64)",
        ),
        points=2,
    ),
    Exercise(
        "11.3", "noise_left", "what an insider cannot subtract", noise_left, verify_noise_left,
        (
            "A hospital knows the noise that it added. Whose noise still hides the others' patients from it?",
            "Each share has the variance z² / (n − spare), in units of C². What is left is the sum of n − known shares.",
            "return noise_multiplier * ((num_hospitals - known) / (num_hospitals - spare)) ** 0.5",
        ),
    ),
    Exercise(
        "11.4", "take_part", "write before you send", take_part, verify_take_part,
        (
            "The machine may die between any two lines. Between which two would that be harmless?",
            "budget.spend(**release) comes first; it raises BudgetSpent when the round does not fit, and then nothing may "
            "leave.",
            "try: budget.spend(**release); except BudgetSpent: return False; then send(make_update()) and return True.",
        ),
        points=2,
    ),
    Exercise(
        "11.5", "best_guess", "ε in words for a patient", best_guess, verify_best_guess,
        (
            "A coin's odds are 1 : 1, and ε lets them grow to e^ε : 1. What probability is that?",
            "Without δ it is e^ε / (1 + e^ε). Of δ, the share that would have been guessed wrongly comes on top.",
            "wrong = (1 - delta) / (1 + math.exp(epsilon)) is the probability to be wrong; for ε = 800 write it with "
            "math.exp(-epsilon). Return 1 - wrong.",
        ),
    ),
)  # fmt: skip
