"""Right and wrong answers to the exercises of lesson 11."""

import contextlib
import math

import numpy as np
import torch

from course.exercises.exercise import find_exercise
from course.hospital import BudgetSpent
from course.privacy import discrete_gaussian

REFERENCE = {f"11.{number}": find_exercise(f"11.{number}").reference for number in range(1, 6)}


# 11.1 -------------------------------------------------------------------------------------------


def by_factor(rule):
    """Each patient times a factor that the rule computes from (patients, norms, limit)."""

    def clip(gradients, limit):
        rows = gradients.sum(dim=1)
        norms = rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return (rows * rule(rows, norms, limit)).sum(dim=0)

    return clip


def in_a_loop(gradients, limit):
    total = torch.zeros(gradients.shape[2])
    for patient in gradients:
        whole = patient.sum(0)
        total += whole * min(1.0, limit / max(float(whole.norm()), 1e-12))
    return total


def renormed(gradients, limit):
    rows = gradients.sum(1)
    return torch.renorm(rows, p=2, dim=0, maxnorm=limit).sum(0) if len(rows) else rows.sum(0)


def clip_slices(gradients, limit):
    norms = gradients.norm(dim=2, keepdim=True).clamp_min(1e-12)
    return (gradients * (limit / norms).clamp_max(1)).sum((0, 1))


def clip_the_sum(gradients, limit):
    whole = gradients.sum((0, 1))
    return whole * (limit / whole.norm().clamp_min(1e-12)).clamp_max(1)


def mean_of_slices(gradients, limit):
    return REFERENCE["11.1"](gradients.mean(dim=1, keepdim=True), limit)


def flat_norm(gradients, limit):
    norms = gradients.flatten(1).norm(dim=1, keepdim=True).clamp_min(1e-12)
    return (gradients.sum(1) * (limit / norms).clamp_max(1)).sum(0)


def unguarded(gradients, limit):
    rows = gradients.sum(1)
    norms = rows.norm(dim=1, keepdim=True)
    return (rows / norms * norms.clamp_max(limit)).sum(0)


def clip_in_place(gradients, limit):
    rows = gradients.sum(1)
    gradients *= 0
    return (rows * (limit / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)).sum(0)


def crashes_on_nobody(gradients, limit):
    return torch.stack([REFERENCE["11.1"](patient[None], limit) for patient in gradients]).sum(0)


def first_patient_of_nobody(gradients, limit):
    got = REFERENCE["11.1"](gradients, limit)
    return got if len(gradients) else got + 1


# 11.2 -------------------------------------------------------------------------------------------


def share(rule, *, draw=None):
    """Rounded normal noise whose deviation the rule computes from (noise_std, hospitals, spare)."""

    def add(steps, noise_std, num_hospitals, spare, rng):
        scale = rule(noise_std, num_hospitals, spare)
        noise = (draw or (lambda r, s, n: r.normal(scale=s, size=n)))(rng, scale, len(steps))
        return steps + np.rint(noise).astype(np.int64)

    return add


def right_share(noise_std, num_hospitals, spare):
    return noise_std / math.sqrt(num_hospitals - spare)


def discrete_share(steps, noise_std, num_hospitals, spare, rng):
    scale = right_share(noise_std, num_hospitals, spare)
    return steps + discrete_gaussian(len(steps), noise_std=scale, rng=rng)


def share_in_floats(steps, noise_std, num_hospitals, spare, rng):
    return steps + rng.normal(scale=right_share(noise_std, num_hospitals, spare), size=len(steps))


def share_in_place(steps, noise_std, num_hospitals, spare, rng):
    steps += np.rint(rng.normal(scale=right_share(noise_std, num_hospitals, spare), size=len(steps))).astype(
        int
    )
    return steps


def of_five(steps, noise_std, num_hospitals, spare, rng):
    noise = rng.normal(scale=right_share(noise_std, num_hospitals, spare), size=5)
    return steps + np.rint(noise).astype(np.int64)


def from_the_size(steps, noise_std, num_hospitals, spare, rng):
    return REFERENCE["11.2"](np.abs(steps), noise_std, num_hospitals, spare, rng)


def narrow(dtype):
    return lambda *inputs: REFERENCE["11.2"](*inputs).astype(dtype)


def few_seeds(steps, noise_std, num_hospitals, spare, rng):
    again = np.random.default_rng(rng.integers(10))
    return share(right_share)(steps, noise_std, num_hospitals, spare, again)


def standard_normal(steps, noise_std, num_hospitals, spare, rng):
    scale = noise_std / (num_hospitals - spare) ** 0.5
    return steps + (rng.standard_normal(steps.shape) * scale).astype("int64")


def noise_alone(steps, noise_std, num_hospitals, spare, rng):
    return REFERENCE["11.2"](0 * steps, noise_std, num_hospitals, spare, rng)


def of_its_own(steps, noise_std, num_hospitals, spare, rng):
    return REFERENCE["11.2"](steps, noise_std, num_hospitals, spare, np.random.default_rng())


# 11.4 -------------------------------------------------------------------------------------------


def send_first(budget, release, make_update, send):
    send(make_update())
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    return True


def made_before(budget, release, make_update, send):
    """The update may be computed before the round is written down; it must not leave before."""
    update = make_update()
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    send(update)
    return True


def careful(budget, release, make_update, send):
    try:
        spent = budget.spend(**release)
    except (BudgetSpent, OSError):
        return False
    sent = spent is not None
    if sent:
        send(make_update())
    return sent


def look_only(budget, release, make_update, send):
    if budget.epsilon >= budget.epsilon_limit:
        return False
    send(make_update())
    return True


def swallow_all(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    except Exception:
        pass
    send(make_update())
    return True


def swallow_refusal(budget, release, make_update, send):
    with contextlib.suppress(BudgetSpent):
        budget.spend(**release)
    send(make_update())
    return True


def let_through(budget, release, make_update, send):
    budget.spend(**release)
    send(make_update())
    return True


def spend_twice(budget, release, make_update, send):
    try:
        budget.spend(**release)
        budget.spend(**release)
    except BudgetSpent:
        return False
    send(make_update())
    return True


def try_again(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    try:
        send(make_update())
    except ConnectionError:
        send(make_update())
    return True


def never_mind_the_line(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    with contextlib.suppress(ConnectionError):
        send(make_update())
    return True


def sends_the_function(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    send(make_update)
    return True


def another_release(budget, release, make_update, send):
    try:
        budget.spend(**{**release, "noise_multiplier": 100.0})
    except BudgetSpent:
        return False
    send(make_update())
    return True


def empties_the_release(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    release.clear()
    send(make_update())
    return True


def asks_before(budget, release, make_update, send):
    asked = {name: release[name] for name in ("noise_multiplier", "sample_rate")}
    if not budget.can_pay(**asked):
        return False
    budget.spend(**release)
    send(make_update())
    return True


def only_spends(budget, release, make_update, send):
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    return True


def says_yes_to_refusal(budget, release, make_update, send):
    try:
        budget.spend(**release)
        send(make_update())
    except BudgetSpent:
        return True
    return True


def says_nothing(budget, release, make_update, send):
    REFERENCE["11.4"](budget, release, make_update, send)


# 11.5 -------------------------------------------------------------------------------------------


def stable(epsilon, delta):
    return 1 - (1 - delta) / (1 + math.exp(min(epsilon, 700)))


def with_negative_exponent(epsilon, delta):
    shrunk = math.exp(-epsilon)
    return (1 + delta * shrunk) / (1 + shrunk)


def overflowing(epsilon, delta):
    return (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))


def guess(rule):
    return lambda epsilon, delta: rule(math.exp(min(epsilon, 700)), delta)


# The tables -------------------------------------------------------------------------------------

ACCEPT = {
    "11.1": {
        "reference": REFERENCE["11.1"],
        "a loop over patients": in_a_loop,
        "torch.renorm": renormed,
        "normalized, times the shorter norm": lambda g, c: (
            torch.nn.functional.normalize(g.sum(1)) * g.sum(1).norm(dim=1, keepdim=True).clamp_max(c)
        ).sum(0),
        "the factor as a minimum": by_factor(lambda g, norms, c: torch.minimum(torch.ones(()), c / norms)),
    },
    "11.2": {
        "reference": REFERENCE["11.2"],
        "rounded normal noise": share(right_share),
        "the discrete Gaussian by hand": discrete_share,
        "standard normal, cut towards zero": standard_normal,
    },
    "11.3": {
        "reference": REFERENCE["11.3"],
        "share by share": lambda z, n, s, k: math.sqrt(sum(z**2 / (n - s) for _ in range(n - k))),
        "in one formula": lambda z, n, s, k: z * ((n - k) / (n - s)) ** 0.5,
        "in float32": lambda z, n, s, k: z * torch.sqrt(torch.tensor((n - k) / (n - s))),
    },
    "11.4": {
        "reference": REFERENCE["11.4"],
        "made before, sent after": made_before,
        "careful": careful,
        "asks before it pays": asks_before,
    },
    "11.5": {
        "reference": REFERENCE["11.5"],
        "the chance to be wrong, subtracted": stable,
        "with a negative exponent": with_negative_exponent,
        "the hyperbolic tangent": lambda e, d: 1 - (1 - d) * (1 - math.tanh(e / 2)) / 2,
    },
}

REJECT = {
    "11.1": {
        "nothing": (lambda g, c: g.sum((0, 1)), "Nothing is clipped"),
        "each slice": (clip_slices, "You clip each slice"),
        "the sum": (clip_the_sum, "You clip the sum of all patients"),
        "the mean of slices": (mean_of_slices, "You average a patient's slices"),
        "the flat norm": (flat_norm, "root of the squares of all their slices"),
        "all to norm C": (by_factor(lambda g, norms, c: c / norms), "You stretch short gradients"),
        "every number": (lambda g, c: g.sum(1).clamp(-c, c).sum(0), "You cap each number"),
        "the mean of patients": (
            lambda g, c: REFERENCE["11.1"](g, c) / max(len(g), 1),
            "That is the mean over patients",
        ),
        "dropped": (by_factor(lambda g, norms, c: norms <= c), "Patients who are too long are dropped"),
        "upside down": (by_factor(lambda g, norms, c: (norms / c).clamp_max(1)), "upside down"),
        "no root": (by_factor(lambda g, norms, c: (c / norms**2).clamp_max(1)), "sum of squares"),
        "slices, then the patient": (
            lambda g, c: REFERENCE["11.1"](
                g * (c / g.norm(dim=2, keepdim=True).clamp_min(1e-12)).clamp_max(1), c
            ),
            "clip slices and then patients",
        ),
        "each slice to its part": (lambda g, c: clip_slices(g, c / g.shape[1]), "its part of C"),
        "hard-coded C": (lambda g, c: REFERENCE["11.1"](g, 1.0), "You clip to norm 1"),
        "zeros": (lambda g, c: torch.zeros(g.shape[2]), "It returns zeros"),
        "the input": (lambda g, c: g, "has shape (7,)"),
        "too loose": (lambda g, c: REFERENCE["11.1"](g, 1.5 * c), "that is its sensitivity"),
        "too tight": (lambda g, c: REFERENCE["11.1"](g, 0.8 * c), "by little enough, but"),
        "a row a patient": (
            lambda g, c: torch.stack([REFERENCE["11.1"](p[None], c) for p in g]) if len(g) else g.sum(1),
            "one row a patient. What leaves",
        ),
        "a row a slice": (lambda g, c: g.sum(0), "That is one row a slice"),
        "a division by zero": (unguarded, "There is a NaN in the sum"),
        "in place": (clip_in_place, "changed the gradients that it was given"),
        "something of nobody": (first_patient_of_nobody, "When nobody is drawn"),
        "no stack of nobody": (crashes_on_nobody, "called with nobody"),
        "numpy": (lambda g, c: REFERENCE["11.1"](g, c).numpy(), "returned a ndarray"),
    },
    "11.2": {
        "no noise": (share(lambda s, n, k: 0.0), "There is no noise"),
        "all of it": (share(lambda s, n, k: s), "adds all of the noise"),
        "no root": (share(lambda s, n, k: s / (n - k)), "divide by the root of the number"),
        "no root, no spare": (share(lambda s, n, k: s / n), "and mind the spare ones"),
        "no spare": (share(lambda s, n, k: s / math.sqrt(n)), "its share is missing"),
        "spare added": (share(lambda s, n, k: s / math.sqrt(n + k)), "larger, not smaller"),
        "root of spare": (share(lambda s, n, k: s / math.sqrt(k)), "the root of the spare ones"),
        "variance": (share(lambda s, n, k: s**2 / (n - k)), "not the variance"),
        "half": (share(lambda s, n, k: right_share(s, n, k) / 2), "Your share is 0.5"),
        "one draw": (
            share(right_share, draw=lambda r, s, n: r.normal(scale=s) * np.ones(n)),
            "One draw is added to all",
        ),
        "seeded": (
            share(right_share, draw=lambda r, s, n: np.random.default_rng(0).normal(scale=s, size=n)),
            "Every call adds the same noise",
        ),
        "uniform": (
            share(right_share, draw=lambda r, s, n: r.uniform(-s * 3**0.5, s * 3**0.5, n)),
            "not that of a normal distribution",
        ),
        "positive": (
            share(right_share, draw=lambda r, s, n: np.abs(r.normal(scale=s, size=n))), "a preferred sign",
        ),
        "floats": (share_in_floats, "round the noise, and make it int"),
        "in place": (share_in_place, "changes the vector that it is given"),
        "five of anything": (of_five, "called with ten thousand"),
        "of the size": (from_the_size, "not the vector plus noise"),
        "int16": (narrow(np.int16), "yours are int16"),
        "int32": (narrow(np.int32), "yours are int32"),
        "cut off": (
            share(right_share, draw=lambda r, s, n: np.clip(r.normal(scale=s, size=n), -3 * s, 3 * s)),
            "The noise has no tails",
        ),
        "ten seeds": (few_seeds, "get no noise at all"),
        "noise alone": (noise_alone, "The vector is missing"),
        "another generator": (of_its_own, "Draw from the rng that you are given: two"),
        "a list": (lambda *a: REFERENCE["11.2"](*a).tolist(), "it returned a list"),
    },
    "11.3": {
        "all": (lambda z, n, s, k: z, "You ignore who knows what"),
        "no spare": (lambda z, n, s, k: z * math.sqrt((n - k) / n), "You ignore the spare ones"),
        "no root": (lambda z, n, s, k: z * (n - k) / (n - s), "a root is missing"),
        "upside down": (
            lambda z, n, s, k: z * math.sqrt((n - s) / max(n - k, 1e-300)), "The root is upside down",
        ),
        "the known ones": (lambda z, n, s, k: z * math.sqrt(k / (n - s)), "That is what they know"),
        "one share": (lambda z, n, s, k: z / math.sqrt(n - s), "That is one share"),
        "deviations": (
            lambda z, n, s, k: z * math.sqrt(n / (n - s)) - k * z / math.sqrt(n - s),
                "You subtract deviations",
        ),
        "at most z": (lambda *a: min(a[0], REFERENCE["11.3"](*a)), "faces 3.834; you say 3.5"),
        "always one spare": (lambda z, n, s, k: z * math.sqrt((n - k) / (n - 1)), "faces 1.789; you say 2"),
        "twice": (lambda *a: 2 * REFERENCE["11.3"](*a), "faces 3.5; you say 7"),
        "text": (lambda *a: f"{REFERENCE['11.3'](*a)}", "returned a str"),
    },
    "11.4": {
        "sends first": (send_first, "You send first and write afterwards"),
        "looks only": (look_only, "You never call budget.spend"),
        "swallows everything": (swallow_all, "The disk was full, so the round was never written"),
        "swallows the refusal": (swallow_refusal, "The budget refused (it raised"),
        "lets it through": (let_through, "crashes instead of sitting out"),
        "spends twice": (spend_twice, "You spend twice"),
        "tries again": (try_again, "you sent again without writing it down"),
        "hides the dead line": (never_mind_the_line, "The line died, and you return True"),
        "sends the function": (sends_the_function, "make_update is a function"),
        "another release": (another_release, "is not the one that was given"),
        "empties the release": (empties_the_release, "changed the release"),
        "only spends": (only_spends, "and nothing was sent."),
        "does nothing": (lambda *a: True, "Nothing is written down and nothing is sent"),
        "yes to a refusal": (says_yes_to_refusal, "The hospital sat the round out"),
        "says nothing": (says_nothing, "return True if the hospital took part"),
    },
    "11.5": {
        "no delta": (guess(lambda grown, d: grown / (1 + grown)), "δ is missing"),
        "half the odds": (guess(lambda grown, d: grown / 2), "Odds are not a probability"),
        "the odds": (guess(lambda grown, d: grown), "Those are the odds"),
        "wrong": (lambda e, d: 1 - stable(e, d), "probability to be *wrong*"),
        "the advantage": (lambda e, d: stable(e, d) - 0.5, "That is the advantage over"),
        "twice the advantage": (lambda e, d: 2 * stable(e, d) - 1, "That is twice the advantage"),
        "all of delta": (guess(lambda grown, d: min(1.0, grown / (1 + grown) + d)), "You add all of δ"),
        "one minus": (lambda e, d: 1 - math.exp(-e), "at ε = 0 it would be 0"),
        "capped": (guess(lambda grown, d: min(1.0, grown / 2)), "You capped 50 %"),
        "certain from five on": (lambda e, d: 1.0 if e > 5 else stable(e, d), "At ε 8 and"),
        "half of delta": (lambda e, d: stable(e, 0.0) + d / 2, "You add half of δ"),
        "overflow": (overflowing, "does not fit into a float"),
        "another": (lambda e, d: 0.7, "At ε 0 and δ 0"),
        "text": (lambda e, d: f"{stable(e, d):.0%}", "returned a str"),
    },
}  # fmt: skip
