"""Lesson 04, membership inference: its six exercises, the answers that it lends, and the hints."""

import numpy as np

from course.attacks import lira, loss_threshold_scores, non_members_needed, random_halves
from course.attacks import tpr_at_fpr as rate_at_fpr
from course.exercises.exercise import Exercise
from course.exercises.lesson_04_rates import verify_enough, verify_tpr
from course.exercises.lesson_04_scores import verify_loss_scores, verify_ratio
from course.exercises.lesson_04_shadows import verify_attack_each, verify_halves


def draw_halves(num_models: int, pool: int, rng: np.random.Generator) -> np.ndarray:
    """The library's own, with the lesson's positional arguments."""
    return random_halves(num_models, pool, rng=rng)


def loss_scores(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Minus the cross-entropy of the probability that the model gives to class 1."""
    true_class = np.where(label == 1, probability, 1 - probability)
    return loss_threshold_scores(-np.log(true_class))


def tpr_at_fpr(scores: np.ndarray, is_member: np.ndarray, fpr: float) -> float:
    """The library's rate, without its interval."""
    return rate_at_fpr(scores, is_member, fpr=fpr).value


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, member: np.ndarray) -> np.ndarray:
    """The library's own, with the lesson's positional arguments."""
    return lira(target, shadows, member)


def enough_non_members(fpr: float, confidence: float) -> int:
    """The library's own, with the lesson's positional arguments."""
    return non_members_needed(fpr, confidence=confidence)


def attack_each(logits: np.ndarray, member: np.ndarray, num_targets: int, attack) -> np.ndarray:
    """Each of the first models in turn, with all the others as its shadows."""
    others = ~np.eye(len(logits), dtype=bool)
    return np.stack([attack(logits[t], logits[others[t]], member[others[t]]) for t in range(num_targets)])


EXERCISES = (
    Exercise(
        "04.1", "draw_halves", "toss everybody's coin", draw_halves, verify_halves,
        (
            "If you shuffled the numbers of all people, which of them would you take?",
            "rng.permutation(pool)[: pool // 2] is one random half. Every model needs its own.",
            "member = np.zeros((num_models, pool), dtype=bool); for row in member: "
            "row[rng.permutation(pool)[: pool // 2]] = True; return member",
        ),
    ),
    Exercise(
        "04.2", "loss_scores", "score by the loss", loss_scores, verify_loss_scores,
        (
            "The model says 0.9 for class 1 about somebody whose label is 0. What did it give to the truth?",
            "The cross-entropy is −log of the probability of the true class. A member's is low, so which sign "
            "makes a member's score high?",
            "return np.log(np.where(label == 1, probability, 1 - probability))",
        ),
    ),
    Exercise(
        "04.3", "tpr_at_fpr", "count at one false-positive rate", tpr_at_fpr, verify_tpr,
        (
            "You may accuse at most k non-members. Which non-member's score is the lowest threshold that "
            "keeps to it?",
            "k = int(fpr * number of non-members). Sort the non-members' scores from high to low and take "
            "entry number k.",
            "outside = np.sort(scores[~is_member])[::-1]; "
            "return (scores[is_member] > outside[int(fpr * len(outside))]).mean()",
        ),
        points=2,
    ),
    Exercise(
        "04.4", "likelihood_ratio", "ask each person's own shadows", likelihood_ratio, verify_ratio,
        (
            "For one person, which numbers tell you what a model says that has seen them, and which what a "
            "model says that has not?",
            "shadows.mean(axis=0, where=member) is the mean over the models that had each person; "
            ".std works the same way. The other side uses ~member.",
            "log density of a Gaussian: -np.log(std) - ((target - mean) / std) ** 2 / 2. "
            "Return it for member, minus it for ~member.",
        ),
        points=2,
    ),
    Exercise(
        "04.5", "attack_each", "keep the target out of its own shadows", attack_each, verify_attack_each,
        (
            "What does the attacker know about the target's training set? And about a shadow's?",
            "np.arange(len(logits)) != t marks all models but t. Use it on logits and on member alike.",
            "scores = []; for t in range(num_targets): others = np.arange(len(logits)) != t; "
            "scores.append(attack(logits[t], logits[others], member[others])); return np.stack(scores)",
        ),
    ),
    Exercise(
        "04.6", "enough_non_members", "know how many non-members you need", enough_non_members, verify_enough,
        (
            "If the true rate of false alarms were fpr, how likely is it that n non-members raise none?",
            "(1 − fpr)^n must be at most 1 − confidence. Take logarithms; both are negative.",
            "return math.ceil(math.log(1 - confidence) / math.log(1 - fpr))",
        ),
    ),
)  # fmt: skip
