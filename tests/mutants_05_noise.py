"""Right and wrong answers to exercises 05.2 and 05.3: noise, and answers turned round by a coin."""

import numpy as np
from scipy import stats

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("05.2", "05.3")}


# 05.2 -------------------------------------------------------------------------------------------


def laplace_of(scale):
    """Laplace noise whose parameter comes from a rule of its own."""
    return lambda value, s, e, rng: value + rng.laplace(scale=scale(s, e), size=np.shape(value))


def two_exponentials(value, sensitivity, epsilon, rng):
    scale, shape = sensitivity / epsilon, np.shape(value)
    return value + rng.exponential(scale, shape) - rng.exponential(scale, shape)


def by_inverse(value, sensitivity, epsilon, rng):
    u = rng.random(np.shape(value)) - 0.5
    return value - sensitivity / epsilon * np.sign(u) * np.log1p(-2 * np.abs(u))


def number_by_number(value, sensitivity, epsilon, rng):
    if np.ndim(value) == 0:
        return float(value) + rng.laplace(0, sensitivity / epsilon)
    return np.array([number_by_number(one, sensitivity, epsilon, rng) for one in value])


def seeded(value, s, e, rng):
    return value + np.random.default_rng(0).laplace(scale=s / e, size=np.shape(value))


def own_generator(value, s, e, rng):
    return value + np.random.default_rng().laplace(scale=s / e, size=np.shape(value))


def noise_on_the_first(value, s, e, rng):
    if np.ndim(value) == 0:
        return value + rng.laplace(scale=s / e)
    return value + rng.laplace(scale=s / e) * (np.arange(len(value)) == 0)


def running(value, s, e, rng):
    noise = rng.laplace(scale=s / e, size=np.shape(value))
    return value + (noise if np.ndim(value) == 0 else noise + np.roll(noise, 1)) / 2


_last = {"noise": 0.0}


def slowly(value, s, e, rng):
    if np.ndim(value) == 0:
        return value + rng.laplace(scale=s / e)
    if np.ndim(_last["noise"]) == 0 or rng.random() < 0.5:
        _last["noise"] = rng.laplace(scale=s / e, size=np.shape(value))
    return value + _last["noise"]


def in_place(value, s, e, rng):
    noise = rng.laplace(scale=s / e, size=np.shape(value))
    value += noise
    return value


def number_with(factor):
    """Right on arrays; on a number, noise of a factor too much or too little."""
    right = laplace_of(lambda s, e: s / e)
    return lambda value, s, e, rng: right(value, s if np.ndim(value) else factor * s, e, rng)


def draw_a_column(value, s, e, rng):
    return value + rng.laplace(scale=s / e, size=np.shape(value)[-1:])


def cut_off(value, s, e, rng):
    return value + np.clip(rng.laplace(scale=s / e, size=np.shape(value)), -5 * s / e, 5 * s / e)


# 05.3 -------------------------------------------------------------------------------------------


def lie_of(epsilon):
    return 1 / (1 + np.exp(epsilon))


def share_of(reports, epsilon):
    return (np.mean(reports) - lie_of(epsilon)) / (1 - 2 * lie_of(epsilon))


def survey(lie=lie_of, share=None, lies=None):
    """A survey with parts of its own: the probability of a lie, the estimate, or the coins."""

    def ask(answers, epsilon, rng):
        answers = np.asarray(answers, dtype=bool)
        coins = rng.random(len(answers)) < lie(epsilon) if lies is None else lies(answers, epsilon, rng)
        reports = answers ^ coins
        return reports, share_of(reports, epsilon) if share is None else share(reports, answers, epsilon)

    return ask


def by_loop(answers, epsilon, rng):
    reports = [int(a) if rng.random() >= lie_of(epsilon) else 1 - int(a) for a in answers]
    return reports, share_of(reports, epsilon)


def two_coins(answers, epsilon, rng):
    """Warner's second form: with probability 2p a fair coin answers, else the truth."""
    answers = np.asarray(answers)
    ignore = rng.random(len(answers)) < 2 * lie_of(epsilon)
    reports = np.where(ignore, rng.random(len(answers)) < 0.5, answers)
    return reports, share_of(reports, epsilon)


def fair_coin_else(answers, epsilon, rng):
    ignore = rng.random(len(answers)) < lie_of(epsilon)
    reports = np.where(ignore, rng.random(len(answers)) < 0.5, answers)
    return reports, share_of(reports, epsilon)


def fixed_liars(answers, epsilon, rng):
    return np.random.default_rng(1).random(len(answers)) < lie_of(epsilon)


def by_pairs(answers, epsilon, rng):
    return np.repeat(rng.random(len(answers) // 2 + 1) < lie_of(epsilon), 2)[: len(answers)]


def as_many_liars(answers, epsilon, rng):
    lies = np.zeros(len(answers), bool)
    lies[rng.choice(len(answers), round(len(answers) * lie_of(epsilon)), replace=False)] = True
    return lies


def far_neighbours(answers, epsilon, rng):
    return np.tile(rng.random((len(answers) + 9) // 10) < lie_of(epsilon), 10)[: len(answers)]


def survey_in_place(answers, epsilon, rng):
    answers ^= rng.random(len(answers)) < lie_of(epsilon)
    return answers, share_of(answers, epsilon)


ACCEPT = {
    "05.2": {
        "reference": REFERENCE["05.2"],
        "numpy's laplace": laplace_of(lambda s, e: s / e),
        "difference of two exponentials": two_exponentials,
        "inverse of the distribution function": by_inverse,
        "number by number": number_by_number,
        "scipy's laplace": lambda value, s, e, rng: stats.laplace(value, s / e).rvs(
            size=np.shape(value), random_state=rng
        ),
    },
    "05.3": {
        "reference": REFERENCE["05.3"],
        "xor with coins": survey(),
        "a loop over people, lists of integers": by_loop,
        "Warner's two coins": two_coins,
    },
}

REJECT = {
    "05.2": {
        "no noise": (lambda value, s, e, rng: value + 0.0, "There is no noise"),
        "sensitivity forgotten": (laplace_of(lambda s, e: 1 / e), "sensitivity is forgotten"),
        "ε forgotten": (laplace_of(lambda s, e: s), "does not grow when ε shrinks"),
        "times ε": (laplace_of(lambda s, e: s * e), "shrinks when ε shrinks"),
        "upside down": (laplace_of(lambda s, e: e / s), "upside down"),
        "scale 1": (laplace_of(lambda s, e: 1.0), "ignores both"),
        "half": (laplace_of(lambda s, e: s / e / 2), "Half the noise"),
        "double": (laplace_of(lambda s, e: 2 * s / e), "twice the noise"),
        "as a deviation": (laplace_of(lambda s, e: s / e / 2**0.5), "numpy's scale is the parameter b, and"),
        "√2 too much": (laplace_of(lambda s, e: 2**0.5 * s / e), "factor √2"),
        "squared": (laplace_of(lambda s, e: (s / e) ** 2), "square the scale"),
        "root": (laplace_of(lambda s, e: (s / e) ** 0.5), "root of the scale"),
        "another size": (laplace_of(lambda s, e: 0.2 * s / e), "0.2 and 0.2 times as large"),
        "seed inside": (seeded, "Is there a fixed seed inside"),
        "own generator": (own_generator, "from the rng that you are given: two"),
        "one draw for all": (lambda value, s, e, rng: value + rng.laplace(scale=s / e), "One draw is added"),
        "first coordinate only": (noise_on_the_first, "get no noise at all"),
        "Gaussian": (lambda v, s, e, rng: v + rng.normal(scale=s / e, size=np.shape(v)), "not Laplace's"),
        "one-sided": (lambda v, s, e, rng: v + rng.exponential(s / e, np.shape(v)), "preferred sign"),
        "noise alone": (lambda v, s, e, rng: rng.laplace(scale=s / e, size=np.shape(v)), "value is missing"),
        "multiplied": (
            lambda v, s, e, rng: v * (1 + rng.laplace(scale=s / e, size=np.shape(v))) + 1e-9 * rng.random(),
            "grows with the value",
        ),
        "neighbours share": (running, "coordinate tells about"),
        "repeats half the time": (slowly, "one call tells about"),
        "in place": (in_place, "changes the array that it is given"),
        "a number without noise": (number_with(1e-300), "A single number comes out exact"),
        "half the noise on a number": (number_with(0.5), "On a single number your noise is"),
        "a draw a column": (draw_a_column, "whole rows or columns share"),
        "cut off at 5 b": (cut_off, "it is cut off"),
        "a twentieth too small": (laplace_of(lambda s, e: 0.95 * s / e), "On a large table your noise is"),
        "a list": (
            lambda v, s, e, rng: float(v) if np.ndim(v) == 0 else list(v),
            "an array of 6; it returned a list",
        ),
    },
    "05.3": {
        "the truth": (survey(lies=lambda a, e, rng: np.zeros(len(a), bool)), "nobody can deny"),
        "swapped": (survey(lie=lambda e: 1 - lie_of(e)), "keep what should be turned round"),
        "three in four": (survey(lie=lambda e: 0.25), "does not depend on ε"),
        "fair coin": (survey(lie=lambda e: 0.5), "say nothing about the answers"),
        "e to the −ε": (survey(lie=lambda e: np.exp(-e)), "ratio of truth to lie"),
        "fair coin half the time": (fair_coin_else, "toss twice"),
        "another coin": (survey(lie=lambda e: 0.9 * lie_of(e)), "you keep the truth with probability 0.755"),
        "half the lies at large ε": (
            survey(lie=lambda e: lie_of(e) if e <= 2 else lie_of(e) / 2), "0.961; it should be",
        ),
        "as many liars every time": (survey(lies=as_many_liars), "number of liars is (almost) fixed"),
        "a coin for ten, far apart": (survey(lies=far_neighbours), "Several people share a coin"),
        "numpy's own generator": (
            survey(lies=lambda a, e, rng: np.random.default_rng().random(len(a)) < lie_of(e)),
            "two equal ones should give equal reports",
        ),
        "in place": (survey_in_place, "changes the answers that it is given"),
        "only yes is turned": (
            survey(lies=lambda a, e, rng: a & (rng.random(len(a)) < lie_of(e))), "Only one of the two",
        ),
        "one coin": (
            survey(lies=lambda a, e, rng: np.full(len(a), rng.random() < lie_of(e))), "one coin decides",
        ),
        "all lie": (survey(lies=lambda a, e, rng: np.ones(len(a), bool)), "turn them back"),
        "seed inside": (survey(lies=fixed_liars), "same people lie in several surveys"),
        "pairs": (survey(lies=by_pairs), "whether the next one does"),
        "share of the answers": (survey(share=lambda r, a, e: a.mean()), "which the collector never sees"),
        "share of the reports": (survey(share=lambda r, a, e: r.mean()), "pull towards a half"),
        "not divided": (survey(share=lambda r, a, e: r.mean() - lie_of(e)), "do not divide by 1 − 2p"),
        "not subtracted": (
            survey(share=lambda r, a, e: r.mean() / (1 - 2 * lie_of(e))), "subtract the lies first",
        ),
        "divided by 1 − p": (
            survey(share=lambda r, a, e: (r.mean() - lie_of(e)) / (1 - lie_of(e))), "on both sides",
        ),
        "truth for lie": (
            survey(share=lambda r, a, e: (r.mean() - 1 + lie_of(e)) / (1 - 2 * lie_of(e))),
            "that of the lie belongs",
        ),
        "a number of people": (survey(share=lambda r, a, e: len(a) * share_of(r, e)), "how many there are"),
        "the noes": (survey(share=lambda r, a, e: 1 - share_of(r, e)), "who said no"),
        "cut off at 0": (survey(share=lambda r, a, e: max(0.0, share_of(r, e))), "cut estimates off at 0"),
        "cut off at 1": (survey(share=lambda r, a, e: min(1.0, share_of(r, e))), "cut estimates off at 1"),
        "rounded": (survey(share=lambda r, a, e: round(share_of(r, e), 2)), "The share is not"),
        "reports only": (lambda a, e, rng: survey()(a, e, rng)[0], "Return two things"),
        "counts": (lambda a, e, rng: (survey()(a, e, rng)[0] * 2, 0.3), "a yes or a no"),
    },
}  # fmt: skip
