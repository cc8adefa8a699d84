"""Lesson 12, the trade-off: its six exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_12_choices import choose_point, verify_choice
from course.exercises.lesson_12_pareto import undominated, verify_undominated
from course.exercises.lesson_12_prices import client_bytes, epsilon_of, verify_bytes, verify_epsilon
from course.exercises.lesson_12_traps import (
    at_least_as_strong,
    promised_and_delivered,
    verify_comparison,
    verify_delivery,
)

EXERCISES = (
    Exercise(
        "12.1", "client_bytes", "what a run costs a client", client_bytes, verify_bytes,
        (
            "In how many of the rounds does an average client take part, if the coin is tossed for clients? And if it "
            "is tossed for digits, within each client?",
            "At Unit.CLIENT the chance to take part in a round is sample_rate, at Unit.EXAMPLE it is 1. Each round in "
            "which a client takes part costs down + up.",
            "chance = setting.sample_rate if setting.unit is Unit.CLIENT else 1; return setting.rounds * chance * (down + "
            "up)",
        ),
    ),
    Exercise(
        "12.2", "epsilon_of", "what a run costs in ε", epsilon_of, verify_epsilon,
        (
            "How often is noise added in a run, and which of a setting's numbers change how well it hides one unit?",
            "noise_multiplier is noise over max_norm already, and local epochs come before the clipping. What remains is "
            "the rate at which the unit is drawn, and the number of rounds.",
            "return epsilon_spent(noise_multiplier=setting.noise_multiplier, sample_rate=setting.sample_rate, "
            "steps=setting.rounds, delta=delta, accountant=\"pld\")",
        ),
    ),
    Exercise(
        "12.3", "undominated", "bargains that nothing beats", undominated, verify_undominated,
        (
            "When would nobody in the meeting, whatever they care for, vote for a row?",
            "A row is beaten by another one that has at most its ε, at most its megabytes and at least its accuracy, and "
            "is not equal to it.",
            "beats = lambda o, r: o != r and o[0] <= r[0] and o[1] <= r[1] and o[2] >= r[2]; return [i for i, r in "
            "enumerate(rows) if not any(beats(o, r) for o in rows)]",
        ),
        points=2,
    ),
    Exercise(
        "12.4", "choose_point", "the smallest ε, or why not", choose_point, verify_choice,
        (
            "Which points are light enough, which are accurate enough, and which are both?",
            "Make three lists: light (megabytes), good (the lower end of the accuracy), and both. From `both` take the "
            "smallest ε; if it is empty, the best of `light` and the lightest of `good`.",
            "if both: return min(both, key=lambda p: p.epsilon); nearest = {}; if light: nearest[\"accuracy\"] = max(light, "
            "key=lambda p: p.accuracy.low); if good: nearest[\"megabytes\"] = min(good, key=lambda p: p.megabytes); "
            "return nearest",
        ),
        points=2,
    ),
    Exercise(
        "12.5", "promised_and_delivered", "what the winner is worth", promised_and_delivered, verify_delivery,
        (
            "Which of the two tables may decide who wins?",
            "One row is one setting. Take the row of `choosing` with the highest mean, and only then look at the same row "
            "of `fresh`.",
            "winner = choosing.mean(axis=1).argmax(); return choosing[winner].mean(), fresh[winner].mean()",
        ),
    ),
    Exercise(
        "12.6", "at_least_as_strong", "which promises may be compared", at_least_as_strong, verify_comparison,
        (
            "Is a promise of 0.2 about one digit stronger or weaker than one of 1 about all that a phone holds?",
            "If one.unit or one.adjacency differs from the other's, raise a ValueError that names both units. Otherwise "
            "both ε and δ must be no larger.",
            "if (one.unit, one.adjacency) != (other.unit, other.adjacency): raise ValueError(f\"per {one.unit.value} "
            "against per {other.unit.value}\"); return one.epsilon <= other.epsilon and one.delta <= other.delta",
        ),
        points=2,
    ),
)  # fmt: skip
