"""Right and wrong answers to the exercises of lesson 05; those judged by their noise: `mutants_05_noise`."""

import math

import mutants_05_noise
import numpy as np

from course.exercises.exercise import find_exercise
from course.privacy import classic_noise_std, epsilon_spent, gaussian_delta

REFERENCE = {number: find_exercise(number).reference for number in ("05.1", "05.4", "05.5", "05.6", "05.7")}


# 05.1 -------------------------------------------------------------------------------------------


def by_trial(low, high):
    ends = (low, high)
    return max(abs(value) for value in ends), max(abs(a - b) for a in ends for b in ends)


# 05.4 -------------------------------------------------------------------------------------------


def bisected(sensitivity, epsilon, delta, *, turns=100, end=1):
    ends = [1e-6 * sensitivity, 1e6 * sensitivity]
    for _ in range(turns):
        middle = math.sqrt(ends[0] * ends[1])
        ends[gaussian_delta(epsilon, noise_std=middle, sensitivity=sensitivity) <= delta] = middle
    return ends[end]


def by_small_steps(sensitivity, epsilon, delta):
    noise = 0.01 * sensitivity / epsilon
    while gaussian_delta(epsilon, noise_std=noise, sensitivity=sensitivity) > delta:
        noise *= 1.002
    return noise


def textbook(sensitivity, epsilon, delta):
    return math.sqrt(2 * math.log(1.25 / delta)) * sensitivity / epsilon


def of_least(change):
    """The least noise, then a slip."""
    return lambda s, e, d: change(REFERENCE["05.4"](s, e, d), s, e, d)


# 05.5 -------------------------------------------------------------------------------------------


def rdp(
    one=lambda a, s: a / (2 * s * s),
    times=lambda k: k,
    price=lambda a, d: math.log(1 / d) / (a - 1),
    pick=min,
):
    """The right formula with one part of its own."""
    return lambda s, k, d, orders: pick([times(k) * one(a, s) + price(a, d) for a in orders])


def tighter(noise_multiplier, steps, delta, orders):
    a = np.array(orders)
    return (
        steps * a / (2 * noise_multiplier**2) + np.log1p(-1 / a) - (math.log(delta) + np.log(a)) / (a - 1)
    ).min()


# 05.6 -------------------------------------------------------------------------------------------


def spent(steps, accountant="rdp", at=lambda delta, rounds: delta, times=lambda rounds: 1.0):
    """epsilon_spent for a number of steps by a rule of its own."""

    def answer(rounds, steps_a_round, noise_multiplier, sample_rate, delta):
        return times(rounds) * epsilon_spent(
            noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps(rounds, steps_a_round),
            delta=at(delta, rounds), accountant=accountant,
        )  # fmt: skip

    return answer


def colleague(rounds, steps_a_round, noise_multiplier, sample_rate, delta):
    from opacus.accountants import RDPAccountant

    for _ in range(rounds):
        accountant = RDPAccountant()
        for _ in range(steps_a_round):
            accountant.step(noise_multiplier=noise_multiplier, sample_rate=sample_rate)
    return accountant.get_epsilon(delta)


def colleague_repaired(rounds, steps_a_round, noise_multiplier, sample_rate, delta):
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    for _ in range(rounds):
        for _ in range(steps_a_round):
            accountant.step(noise_multiplier=noise_multiplier, sample_rate=sample_rate)
    return accountant.get_epsilon(delta)


def every(rounds, steps):
    return rounds * steps


# 05.7 -------------------------------------------------------------------------------------------


def by_counting(epsilon_of_client, clients_of_person):
    worst = 0.0
    for clients in clients_of_person.values():
        total = 0.0
        for client in clients:
            total += epsilon_of_client[client]
        worst = total if total > worst else worst
    return worst


def sums(epsilons, people):
    return [sum(epsilons[client] for client in held) for held in people.values()]


# The tables -------------------------------------------------------------------------------------

ACCEPT = {
    "05.1": {
        "reference": REFERENCE["05.1"],
        "by trial": by_trial,
        "an array": lambda low, high: np.array([np.max(np.abs([low, high])), high - low]),
        "a list of numpy numbers": lambda low, high: [np.max(np.abs([low, high])), np.float64(high - low)],
    },
    **mutants_05_noise.ACCEPT,
    "05.4": {
        "reference": REFERENCE["05.4"],
        "bisection": bisected,
        "small steps": by_small_steps,
    },
    "05.5": {
        "reference": REFERENCE["05.5"],
        "a loop": rdp(),
        "the tighter conversion, in numpy": tighter,
    },
    "05.6": {
        "reference": REFERENCE["05.6"],
        "rdp": spent(every),
        "pld": spent(every, "pld"),
        "the colleague's code, repaired": colleague_repaired,
    },
    "05.7": {
        "reference": REFERENCE["05.7"],
        "by counting": by_counting,
        "numpy": lambda e, p: np.max(sums(e, p)),
    },
}

REJECT = {
    "05.1": {
        "upper end": (lambda low, high: (high, high - low), "upper end only"),
        "lower end": (lambda low, high: (abs(low), high - low), "lower end only"),
        "width twice": (lambda low, high: (high - low, high - low), "*replaced* person"),
        "smaller end": (lambda low, high: (min(abs(low), abs(high)), high - low), "smaller of the two"),
        "both ends": (lambda low, high: (abs(low) + abs(high), high - low), "both ends are added up"),
        "wrong way round": (lambda low, high: REFERENCE["05.1"](low, high)[::-1], "the wrong way round"),
        "twice": (lambda low, high: (by_trial(low, high)[0], 2 * by_trial(low, high)[0]), "twice the first"),
        "negative": (lambda low, high: (low - high, high - low), "cannot be negative"),
        "middle": (lambda low, high: (abs(low + high) / 2, high - low), "middle of the range"),
        "same for both": (lambda low, high: (by_trial(low, high)[0],) * 2, "the same as for one person more"),
        "something else": (lambda low, high: (1.0, high - low), "moves the sum by up to"),
        "one number": (lambda low, high: high - low, "Return two numbers"),
    },
    **mutants_05_noise.REJECT,
    "05.4": {
        "textbook": (textbook, "That is the textbook formula √"),
        "textbook without the sensitivity": (
            lambda s, e, d: classic_noise_std(sensitivity=1.0, epsilon=0.5, delta=d) * 0.5 / e,
            "and without the sensitivity",
        ),
        "no sensitivity": (of_least(lambda n, s, e, d: n / s), "sensitivity is missing"),
        "sensitivity twice": (of_least(lambda n, s, e, d: n * s), "counts twice"),
        "variance": (of_least(lambda n, s, e, d: n * n), "variance"),
        "Laplace": (lambda s, e, d: s / e, "Laplace's parameter"),
        "lower end, too soon": (lambda s, e, d: bisected(s, e, d, turns=12, end=0), "return its upper end"),
        "upper end, too soon": (lambda s, e, d: bisected(s, e, d, turns=9), "more than needed"),
        "negative": (of_least(lambda n, s, e, d: -n), "standard deviation is above 0"),
    },
    "05.5": {
        "no steps": (rdp(times=lambda k: 1), "steps are missing"),
        "convert, then add": (
            lambda s, k, d, orders: k * REFERENCE["05.5"](s, 1, d, orders),
            "convert one step to ε and multiply",
        ),
        "root of the steps": (rdp(times=math.sqrt), "grows with √steps"),
        "largest": (rdp(pick=max), "return the largest"),
        "first": (rdp(pick=lambda values: values[0]), "first order only"),
        "last": (rdp(pick=lambda values: values[-1]), "last order only"),
        "mean": (rdp(pick=np.mean), "not their mean"),
        "log δ": (rdp(price=lambda a, d: math.log(d) / (a - 1)), "makes a small δ look cheap"),
        "no δ": (rdp(price=lambda a, d: 0.0), "δ is missing"),
        "over α": (rdp(price=lambda a, d: math.log(1 / d) / a), "not by α"),
        "s, not s²": (rdp(one=lambda a, s: a / (2 * s)), "noise multiplier is squared"),
        "no 2": (rdp(one=lambda a, s: a / s**2), "The 2 is missing"),
        "no α": (rdp(one=lambda a, s: 1 / (2 * s**2)), "α is missing"),
        "upside down": (rdp(one=lambda a, s: a * s**2 / 2), "below the line"),
        "something else": (lambda s, k, d, orders: 1.0 + s, "the smallest of steps"),
    },
    "05.6": {
        "the colleague's": (colleague, "ε of one round"),
        "one step": (spent(lambda r, s: 1), "ε of one step"),
        "rounds only": (spent(lambda r, s: r), "forget the steps inside"),
        "added up": (spent(lambda r, s: s, times=lambda r: r), "Give one accountant all the steps."),
        "root": (spent(lambda r, s: s, times=math.sqrt), "no bound that anybody proved"),
        "δ shared out": (spent(every, at=lambda d, r: d / r), "δ is of the whole training"),
        "a round too few": (spent(lambda r, s: (r - 1) * s), "For 2 rounds of 100 steps an accountant says"),
        "something else": (lambda *anything: 0.001, "you say 0.001"),
    },
    "05.7": {
        "all clients": (lambda e, p: sum(e.values()), "as if everybody were at every"),
        "largest client": (
            lambda e, p: max(e[client] for held in p.values() for client in held), "spends both",
        ),
        "largest of all": (lambda e, p: max(e.values()), "may hold nobody's data"),
        "mean over people": (lambda e, p: np.mean(sums(e, p)), "mean over people"),
        "mean over clients": (lambda e, p: np.mean(list(e.values())), "mean over clients"),
        "sum over people": (lambda e, p: sum(sums(e, p)), "budget of their own"),
        "least": (lambda e, p: min(sums(e, p)), "spends least"),
        "most clients": (
            lambda e, p: sums(e, p)[int(np.argmax([len(held) for held in p.values()]))], "at most clients",
        ),
        "something else": (lambda e, p: 17.0, "the worst-off person spends"),
    },
}  # fmt: skip
