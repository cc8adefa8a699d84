"""Checkers of lesson 05 that judge privacy: Laplace noise, and answers turned round by a coin."""

import numpy as np
from scipy import stats

from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import (
    ALARM,
    expect_fresh,
    expect_independent,
    expect_scale,
    expect_shape,
    scale_interval,
)
from course.exercises.probe import expect_number, given

CALLS = 300
EXACT = 1e-9

# 05.2 ---------------------------------------------------------------------------------------------

SETTINGS = ((3.0, 0.4), (0.25, 2.0))
"""(sensitivity, ε): neither is 1, and they differ, so that no slip of the scale hides in both."""

VALUE = np.array([0.0, 1000.0, -7.5, 40.0, 0.5, 3.0])
TABLE = (100, 200)
"""A table large enough to see noise that is a twentieth too small, or cut off far out."""

REACH = 7.4
"""With right noise on the table, the largest is below so many scales with a probability of 5e-6."""


def verify_laplace(mechanism) -> None:
    """Fresh, independent Laplace noise of parameter sensitivity / ε on each number of whatever shape."""
    _expect_number_and_array(mechanism)
    intervals = []
    for sensitivity, epsilon in SETTINGS:
        rng = checking_rng(f"laplace {sensitivity}")
        with given(f"sensitivity {sensitivity:g}, ε {epsilon:g}"):
            released = np.array([mechanism(VALUE.copy(), sensitivity, epsilon, rng) for _ in range(CALLS)])
        noise = (released - VALUE) / (sensitivity / epsilon)
        expect_fresh(noise)
        _expect_value(released, noise)
        expect_independent(noise)
        expect_shape(noise, "laplace")
        intervals.append(scale_interval(noise, "laplace"))
    expect_scale(
        intervals,
        _wrong_scales(),
        "Your noise is {times} times as large as sensitivity / ε in two settings.",
    )
    _expect_the_given_rng(mechanism)
    _judge_numbers(mechanism)
    _judge_table(mechanism)


def _expect_number_and_array(mechanism) -> None:
    got = mechanism(5.0, 1.0, 1.0, checking_rng("laplace number"))
    expect_number(got)
    handed = VALUE.copy()
    array = mechanism(handed, 1.0, 1.0, checking_rng("laplace array"))
    if (handed != VALUE).any():
        raise NotYet(
            "It changes the array that it is given (does += work on the input?), so the exact values are lost. "
            "Return a new one."
        )
    if not isinstance(array, np.ndarray) or array.shape != VALUE.shape:
        raise NotYet(
            f"For an array of {len(VALUE)} numbers it should return an array of {len(VALUE)}; it returned "
            f"{'shape ' + str(array.shape) if isinstance(array, np.ndarray) else 'a ' + type(array).__name__}."
        )
    if not np.isfinite(np.asarray(array, dtype=float)).all():
        raise NotYet("It returned something that is not a finite number.")


def _expect_value(released: np.ndarray, noise: np.ndarray) -> None:
    if np.median(np.abs(released[:, 1])) < 500:
        raise NotYet("The value is missing: you return the noise alone.")
    sizes = np.median(np.abs(noise), axis=0)
    if sizes.max() > 20 * np.median(sizes) or sizes.min() < np.median(sizes) / 20:
        raise NotYet(
            "Your noise grows with the value, so its size gives the value away. Add it, do not multiply."
        )


def _expect_the_given_rng(mechanism) -> None:
    first, second = (mechanism(5.0, 1.0, 1.0, np.random.default_rng(3)) for _ in range(2))
    if first != second:
        raise NotYet("Draw from the rng that you are given: two equal ones should give equal noise.")


def _judge_numbers(mechanism) -> None:
    sensitivity, epsilon = SETTINGS[0]
    rng = checking_rng("laplace numbers")
    with given("a single number"):
        released = [expect_number(mechanism(5.0, sensitivity, epsilon, rng)) for _ in range(CALLS)]
    noise = (np.array(released)[:, None] - 5.0) / (sensitivity / epsilon)
    if not noise.any():
        raise NotYet("A single number comes out exact: it needs noise as an array does.")
    expect_shape(noise, "laplace")
    interval = scale_interval(noise, "laplace")
    expect_scale([interval], {}, "On a single number your noise is {times} times as large as on an array.")


def _judge_table(mechanism) -> None:
    sensitivity, epsilon = SETTINGS[1]
    with given("a table of {} rows and {} columns".format(*TABLE)):
        released = mechanism(np.zeros(TABLE), sensitivity, epsilon, checking_rng("laplace table"))
    if np.shape(released) != TABLE:
        raise NotYet(f"A table of shape {TABLE} came back with shape {np.shape(released)}.")
    noise = np.asarray(released, dtype=float) / (sensitivity / epsilon)
    if len(np.unique(noise)) < noise.size / 50:
        raise NotYet("In a table, whole rows or columns share their draws. Draw one for each cell (size=…).")
    if np.abs(noise).max() < REACH:
        raise NotYet(
            "Your noise never goes far out: it is cut off. An output that only one of two neighbours can give is "
            "proof, so the tails must stay."
        )
    expect_shape(noise, "laplace")
    interval = scale_interval(noise, "laplace")
    expect_scale([interval], {}, "On a large table your noise is {times} times as large as it should be.")


def _wrong_scales() -> dict[str, list[float]]:
    """Sentence → what the mistake makes of the right scale, in each setting."""

    def of(wrong) -> list[float]:
        return [wrong(s, e) / (s / e) for s, e in SETTINGS]

    return {
        "The sensitivity is forgotten: a number that one person can move by 3 needs three times the noise of one "
        "that they move by 1.": of(lambda s, e: 1 / e),
        "The noise does not grow when ε shrinks: divide by ε.": of(lambda s, e: s),
        "The noise shrinks when ε shrinks: divide by ε, do not multiply.": of(lambda s, e: s * e),
        "The scale is upside down: it is sensitivity / ε.": of(lambda s, e: e / s),
        "The noise ignores both sensitivity and ε.": of(lambda s, e: 1.0),
        "Half the noise is not enough: the scale is sensitivity / ε, as it stands.": of(lambda s, e: s / e / 2),
        "That is twice the noise needed: the scale is sensitivity / ε.": of(lambda s, e: 2 * s / e),
        "You made sensitivity / ε the standard deviation. numpy's scale is the parameter b, and the standard "
        "deviation is √2 · b.": of(lambda s, e: s / e / 2**0.5),
        "The factor √2 is too much: numpy's scale is the parameter b itself.": of(lambda s, e: 2**0.5 * s / e),
        "You square the scale; it is sensitivity / ε.": of(lambda s, e: (s / e) ** 2),
        "You take the root of the scale; it is sensitivity / ε.": of(lambda s, e: (s / e) ** 0.5),
    }  # fmt: skip


# 05.3 ---------------------------------------------------------------------------------------------

PEOPLE = 20_000
EPSILONS = (1.0, 0.3, 2.5)
FEW, SURVEYS = 200, 60


def verify_survey(survey) -> None:
    """Each report from its own coin, kept with e^ε / (1 + e^ε); the share from the reports alone, unbiased."""
    answers = checking_rng("answers").random(PEOPLE) < 0.3
    kept = []
    for epsilon in EPSILONS:
        reports, share = _ask(survey, answers, epsilon, checking_rng(f"survey {epsilon}"))
        _expect_coins(reports, answers, survey, epsilon)
        kept.append(reports == answers)
        _judge_share(share, reports, answers, epsilon)
    _judge_truths(kept, answers)
    _expect_no_clipping(survey)


def _ask(survey, answers: np.ndarray, epsilon: float, rng) -> tuple[np.ndarray, float]:
    with given(f"{len(answers):,} answers and ε {epsilon:g}"):
        handed = answers.copy()
        got = survey(handed, epsilon, rng)
    if (handed != answers).any():
        raise NotYet(
            "It changes the answers that it is given (^= or an assignment into them). Make new reports."
        )
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise NotYet("Return two things: the reports, and the estimated share.")
    reports = np.asarray(got[0])
    if reports.shape != answers.shape:
        raise NotYet(
            f"There should be one report for each of {len(answers):,} answers; yours have {reports.shape}."
        )
    if reports.dtype == object or not np.isin(reports, (0, 1)).all():
        raise NotYet("A report is a yes or a no (True or False, 1 or 0), as an answer is.")
    return reports.astype(bool), expect_number(got[1])


def _expect_coins(reports: np.ndarray, answers: np.ndarray, survey, epsilon: float) -> None:
    few = answers[:FEW]
    lies = [_ask(survey, few, epsilon, checking_rng(f"coins {call}"))[0] != few for call in range(SURVEYS)]
    together = [one.all() or not one.any() for one in lies]
    if not np.any(lies):
        raise NotYet("Every report is the true answer: nobody can deny anything.")
    if np.all(lies):
        raise NotYet("Every report is turned round: turn them back and you have every answer.")
    if all(together):
        raise NotYet("All lie, or all tell the truth: one coin decides for all. Each person needs their own.")
    again = _ask(survey, few, epsilon, checking_rng("coins 0"))[0] != few
    # Few liars may be the same by chance, five hardly ever.
    sets_of_liars = [one.tobytes() for one in lies if one.sum() >= 5]
    if len(set(sets_of_liars)) < len(sets_of_liars):
        raise NotYet(
            "The same people lie in several surveys. Is there a fixed seed inside? Use the rng that you are given."
        )
    if (again != lies[0]).any():
        raise NotYet(
            "Toss the coins with the rng that you are given: two equal ones should give equal reports."
        )
    lying = reports != answers
    neighbours = np.corrcoef(lying[1:], lying[:-1])[0, 1] * np.sqrt(len(lying)) if lying.any() else 0.0
    if 2 * stats.norm.sf(abs(neighbours)) < ALARM:
        raise NotYet("Whether one person lies tells whether the next one does. Toss a coin for each.")
    _expect_a_count_by_chance(np.sum(lies, axis=1))


def _expect_a_count_by_chance(liars: np.ndarray) -> None:
    """Complain if the number of liars varies less, or more, from survey to survey than independent coins do."""
    lie = liars.mean() / FEW
    dispersion = liars.var() * SURVEYS / (FEW * lie * (1 - lie))
    if stats.chi2.cdf(dispersion, SURVEYS - 1) < ALARM:
        raise NotYet(
            "The number of liars is (almost) fixed: who knows the other answers can count whether one person "
            "lied. Toss a coin for each."
        )
    if stats.chi2.sf(dispersion, SURVEYS - 1) < ALARM:
        raise NotYet(
            "Several people share a coin: whether one lies tells about another. Each needs their own."
        )


def _judge_truths(kept: list[np.ndarray], answers: np.ndarray) -> None:
    def fits(probability: float, truths: np.ndarray) -> bool:
        return stats.binomtest(int(truths.sum()), len(truths), probability).pvalue > ALARM

    right = [1 / (1 + np.exp(-epsilon)) for epsilon in EPSILONS]
    groups = [(truths[answers], truths[~answers]) for truths in kept]
    for truths in groups:
        if min(t.mean() for t in truths) < 0.999 < max(t.mean() for t in truths):
            raise NotYet(
                "Only one of the two answers is ever turned round, so a report of the other is proof."
            )
    if all(fits(p, yes) and fits(p, no) for p, (yes, no) in zip(right, groups, strict=True)):
        return
    for sentence, wrong in _wrong_coins().items():
        if all(fits(wrong(e), truths) for e, truths in zip(EPSILONS, kept, strict=True)):
            raise NotYet(sentence)
    at = ", ".join(f"{epsilon:g}" for epsilon in EPSILONS)
    shares = ", ".join(f"{truths.mean():.3f}" for truths in kept)
    wanted = ", ".join(f"{p:.3f}" for p in right)
    raise NotYet(f"At ε {at} you keep the truth with probability {shares}; it should be {wanted}.")


def _wrong_coins() -> dict[str, object]:
    return {
        "You keep what should be turned round: the truth comes with probability e^ε / (1 + e^ε), the larger one.":
            lambda e: 1 / (1 + np.exp(e)),
        "Your coin does not depend on ε: it tells the truth three times in four, which is ε = log 3.":
            lambda e: 0.75,
        "Your coin is fair: the reports say nothing about the answers.": lambda e: 0.5,
        "You turn round with probability e^(−ε). It is the ratio of truth to lie that should be e^ε.":
            lambda e: 1 - np.exp(-e),
        "You toss twice: with probability e^ε / (1 + e^ε) the truth, else a fair coin, which is the truth half of "
        "the time again. That keeps less private than ε.": lambda e: (1 + 1 / (1 + np.exp(-e))) / 2,
    }  # fmt: skip


def _judge_share(share: float, reports: np.ndarray, answers: np.ndarray, epsilon: float) -> None:
    lie, mean = 1 / (1 + np.exp(epsilon)), reports.mean()
    right = (mean - lie) / (1 - 2 * lie)
    if abs(share - right) < EXACT:
        return
    guesses = {
        "The share is computed from the true answers, which the collector never sees. Use the reports.":
            answers.mean(),
        "That is the share among the reports, which the lies pull towards a half. Undo them.": mean,
        "You subtract the lies but do not divide by 1 − 2p.": mean - lie,
        "You divide by 1 − 2p but do not subtract the lies first.": mean / (1 - 2 * lie),
        "You divide by 1 − p; lies take away on both sides: 1 − 2p.": (mean - lie) / (1 - lie),
        "You use the probability of the truth where that of the lie belongs.":
            (mean - (1 - lie)) / (1 - 2 * lie),
        "That is the number of people; divide by how many there are.": right * len(answers),
        "That is the share of the people who said no.": 1 - right,
    }  # fmt: skip
    for sentence, value in guesses.items():
        if abs(share - value) < EXACT:
            raise NotYet(sentence)
    raise NotYet("The share is not (mean of the reports − p) / (1 − 2p), with p the probability of a lie.")


def _expect_no_clipping(survey) -> None:
    for answer, end, side in ((False, 0, "fall below"), (True, 1, "rise above")):
        same = np.full(60, answer)
        estimates = [_ask(survey, same, 0.5, checking_rng(f"all {answer} {call}"))[1] for call in range(60)]
        if all(estimate <= 1 if answer else estimate >= 0 for estimate in estimates):
            raise NotYet(
                f"You cut estimates off at {end}. An unbiased one must be allowed to {side} it, or the average "
                "of many surveys comes out wrong."
            )
