"""Right and wrong answers to the exercises of lesson 06; those judged by chance: `mutants_06_noise`."""

import mutants_06_noise
import torch

from course.exercises.exercise import find_exercise
from course.exercises.lesson_06_traps import FAULTS, STEPS, TRUTH
from course.privacy import epsilon_spent, rdp_subsampled_gaussian, rdp_to_epsilon

REFERENCE = {number: find_exercise(number).reference for number in ("06.2", "06.4", "06.5", "06.6")}


# 06.2 -------------------------------------------------------------------------------------------


def flatten(gradients):
    return torch.cat([rows.flatten(1) for rows in gradients.values()], dim=1)


def unflatten(rows, like):
    parts = rows.split([tensor[0:1].numel() or tensor.shape[1:].numel() for tensor in like.values()], dim=1)
    return {
        name: part.reshape(tensor.shape) for (name, tensor), part in zip(like.items(), parts, strict=True)
    }


def clip_flat(gradients, max_grad_norm):
    return unflatten(torch.renorm(flatten(gradients), p=2, dim=0, maxnorm=max_grad_norm), gradients)


def clip_one_by_one(gradients, max_grad_norm):
    rows = flatten(gradients).clone()
    for row in rows:
        if row.norm() > max_grad_norm:
            row *= max_grad_norm / row.norm()
    return unflatten(rows, gradients)


def by_factor(rule):
    """Each example times a factor that the rule computes from (rows, norms, limit)."""

    def clip(gradients, max_grad_norm):
        rows = flatten(gradients)
        norms = rows.norm(dim=1, keepdim=True)
        return unflatten(rows * rule(rows, norms.clamp_min(1e-12), max_grad_norm), gradients)

    return clip


def clip_each_parameter(gradients, max_grad_norm):
    clipped = {}
    for name, rows in gradients.items():
        norms = rows.flatten(1).norm(dim=1).clamp_min(1e-12)
        factors = (max_grad_norm / norms).clamp_max(1)
        clipped[name] = rows * factors.view(-1, *[1] * (rows.ndim - 1))
    return clipped


def clip_in_place(gradients, max_grad_norm):
    for name, rows in REFERENCE["06.2"](gradients, max_grad_norm).items():
        gradients[name].copy_(rows)
    return gradients


def clip_numbers(gradients, max_grad_norm):
    return {name: rows.clamp(-max_grad_norm, max_grad_norm) for name, rows in gradients.items()}


def clip_and_sum(gradients, max_grad_norm):
    return {name: rows.sum(0) for name, rows in REFERENCE["06.2"](gradients, max_grad_norm).items()}


def clip_unguarded(gradients, max_grad_norm):
    """C / 0 is infinity, which the clamp makes a 1."""
    rows = flatten(gradients)
    return unflatten(rows * torch.clamp(max_grad_norm / rows.norm(dim=1, keepdim=True), max=1), gradients)


def clip_with_nan(gradients, max_grad_norm):
    rows = flatten(gradients)
    norms = rows.norm(dim=1, keepdim=True)
    return unflatten(rows / norms * norms.clamp_max(max_grad_norm), gradients)


def clip_loosely(gradients, max_grad_norm):
    return REFERENCE["06.2"](gradients, 2 * max_grad_norm)


def clip_tightly(gradients, max_grad_norm):
    return REFERENCE["06.2"](gradients, 0.9 * max_grad_norm)


# 06.4 -------------------------------------------------------------------------------------------


def built(layer_inputs, errors):
    """The gradients are built after all, and measured: slow and right."""
    weights = errors.unsqueeze(2) * layer_inputs.unsqueeze(1)
    return torch.cat([weights.flatten(1), errors], dim=1).norm(dim=1)


def with_a_one(layer_inputs, errors):
    """A bias is the weight of an input that is always 1."""
    ones = torch.ones(len(layer_inputs), 1)
    return errors.norm(dim=1) * torch.cat([layer_inputs, ones], dim=1).norm(dim=1)


def squares(rule):
    def norms(layer_inputs, errors):
        return rule(layer_inputs.square().sum(1), errors.square().sum(1))

    return norms


# 06.5 -------------------------------------------------------------------------------------------


def said(**words):
    """The right words, but for these steps."""
    return lambda steps: {name: words.get(name, TRUTH[name]) for name in steps}


def by_hand(steps):
    return {
        "G": "fine",
        "F": "adjacency",
        "E": "noise",
        "D": "clipping",
        "C": "fine",
        "B": "sampler",
        "A": "division",
    }


# 06.6 -------------------------------------------------------------------------------------------


def rdp(noise, rate, order):
    return rdp_subsampled_gaussian(noise_multiplier=noise, sample_rate=rate, order=order)


def curve(tried, orders, combine, steps_of=lambda steps: steps):
    return [
        combine(steps_of(steps) * rdp(noise, rate, order) for noise, rate, steps in tried) for order in orders
    ]


def combined(combine, **more):
    def epsilon_of(tried, orders, delta):
        return rdp_to_epsilon(curve(tried, orders, combine, **more), orders=orders, delta=delta)

    return epsilon_of


def each_alone(combine):
    def epsilon_of(tried, orders, delta):
        alone = [REFERENCE["06.6"]([run], orders, delta) for run in tried]
        return combine(alone)

    return epsilon_of


def step_after_step(tried, orders, delta):
    total = torch.zeros(len(orders), dtype=torch.float64)
    for noise, rate, steps in tried:
        total += steps * torch.tensor([rdp(noise, rate, order) for order in orders], dtype=torch.float64)
    return rdp_to_epsilon(total.tolist(), orders=orders, delta=delta)


def one_long_run(tried, orders, delta):
    """Runs that are all alike are one longer run, for which a tighter accountant is at hand."""
    if len(set(tried)) > 1:
        return REFERENCE["06.6"](tried, orders, delta)
    noise, rate, steps = tried[0]
    return epsilon_spent(
        noise_multiplier=noise, sample_rate=rate, steps=steps * len(tried), delta=delta, accountant="pld"
    )


# The tables ------------------------------------------------------------------------------------

ACCEPT = {
    "06.1": mutants_06_noise.ACCEPT["06.1"],
    "06.2": {
        "reference": REFERENCE["06.2"],
        "torch.renorm": clip_flat,
        "a loop over examples": clip_one_by_one,
        "no guard against zero": clip_unguarded,
        "the factor as a minimum": by_factor(lambda g, norms, c: torch.minimum(torch.ones(()), c / norms)),
    },
    "06.3": mutants_06_noise.ACCEPT["06.3"],
    "06.4": {
        "reference": REFERENCE["06.4"],
        "built and measured": built,
        "an input that is always 1": with_a_one,
    },
    "06.5": {"reference": REFERENCE["06.5"], "in another order": by_hand},
    "06.6": {
        "reference": REFERENCE["06.6"],
        "run after run": step_after_step,
        "a tighter accountant where it can be used": one_long_run,
    },
}

REJECT = {
    "06.1": mutants_06_noise.REJECT["06.1"],
    "06.2": {
        "nothing": (lambda g, c: {name: rows.clone() for name, rows in g.items()}, "Nothing is clipped"),
        "each parameter by itself": (clip_each_parameter, "each parameter by itself"),
        "every number": (clip_numbers, "You cap each number"),
        "the batch as a whole": (
            by_factor(lambda g, norms, c: (c / g.norm()).clamp_max(1)),
            "the batch as a whole",
        ),
        "by the mean gradient": (
            by_factor(lambda g, norms, c: (c / g.mean(0).norm()).clamp_max(1)),
            "You measure the mean gradient",
        ),
        "by the sum": (
            by_factor(lambda g, norms, c: (c / g.sum(0).norm()).clamp_max(1)),
            "You measure the sum over the batch",
        ),
        "all to norm C": (by_factor(lambda g, norms, c: c / norms), "You stretch short gradients"),
        "max for min": (
            by_factor(lambda g, norms, c: (c / norms).clamp_min(1)),
            "stretched and long ones kept",
        ),
        "factor upside down": (by_factor(lambda g, norms, c: (norms / c).clamp_max(1)), "upside down"),
        "no root": (by_factor(lambda g, norms, c: (c / norms**2).clamp_max(1)), "you divide by the sum of"),
        "the L1 norm": (
            by_factor(lambda g, norms, c: (c / g.abs().sum(1, keepdim=True).clamp_min(1e-12)).clamp_max(1)),
            "That is the L1 norm",
        ),
        "to norm 1": (by_factor(lambda g, norms, c: (1 / norms).clamp_max(1)), "should be C, not 1"),
        "dropped": (by_factor(lambda g, norms, c: norms <= c), "are dropped"),
        "twice too loose": (clip_loosely, "that is its sensitivity"),
        "a floor of 1 under the norm": (
            by_factor(lambda g, norms, c: (c / norms.clamp_min(1)).clamp_max(1)),
            "A norm below 1 is taken for 1",
        ),
        "too tight": (clip_tightly, "it is not g · min(1"),
        "a division by zero": (clip_with_nan, "comes back as NaN"),
        "in place": (clip_in_place, "changed the gradients that it was given"),
        "the sum": (clip_and_sum, "it has (3, 4)"),
    },
    "06.3": mutants_06_noise.REJECT["06.3"],
    "06.4": {
        "without the bias": (squares(lambda a, d: (a * d).sqrt()), "The bias is missing"),
        "squared": (squares(lambda a, d: a * d + d), "That is the squared norm: take"),
        "squared, without the bias": (squares(lambda a, d: a * d), "squared norm, without the bias"),
        "a sum": (squares(lambda a, d: (a + d).sqrt()), "is the *product* of the norms"),
        "a bias of one": (squares(lambda a, d: (a * d + 1).sqrt()), "(its gradient is d), not 1"),
        "a bias of |a|²": (squares(lambda a, d: (a * d + a).sqrt()), "not |a|²"),
        "norms added": (squares(lambda a, d: (a * d).sqrt() + d.sqrt()), "You add the two norms"),
        "the errors alone": (squares(lambda a, d: d.sqrt()), "the errors alone"),
        "one number": (lambda a, d: REFERENCE["06.4"](a, d).norm(), "one number for the whole batch"),
        "a column": (lambda a, d: REFERENCE["06.4"](a, d).unsqueeze(1), "yours have"),
        "another formula": (squares(lambda a, d: (2 * a * d + d).sqrt()), "It is not √(|d|² |a|² + |d|²)"),
        "squares of squares": (squares(lambda a, d: (a**2 * d**2 + d**2).sqrt()), "to the power four"),
    },
    "06.5": {
        "all fine": (lambda steps: dict.fromkeys(steps, "fine"), "You call all seven fine"),
        **{
            f"{name} taken for fine": (said(**{name: "fine"}), f"Step {name} does not keep its ε")
            for name in STEPS
            if TRUTH[name] != "fine"
        },
        "C taken for broken": (said(C="noise"), "Step C: that is not what is wrong"),
        "G taken for broken": (said(G="clipping"), "Step G: that is not what is wrong"),
        "A taken for another fault": (said(A="sampler"), "Step A: that is not what is wrong"),
        "a word of its own": (said(B="shuffled"), "is none of the words"),
        "the broken ones only": (
            lambda steps: {name: word for name, word in TRUTH.items() if word in FAULTS},
            "one word for each of",
        ),
        "a list": (lambda steps: list(TRUTH.values()), "it should be a dictionary"),
    },
    "06.6": {
        "the dearest run": (each_alone(max), "the most expensive run alone"),
        "the cheapest run": (each_alone(min), "the cheapest run alone"),
        "the mean": (each_alone(lambda alone: sum(alone) / len(alone)), "the mean of the ε's"),
        "the sum": (each_alone(sum), "only if the δ's are added too"),
        "the dearest times the number": (
            each_alone(lambda alone: max(alone) * len(alone)),
            "multiply the largest ε",
        ),
        "the last run": (each_alone(lambda alone: alone[-1]), "ε of the last run"),
        "the first run": (each_alone(lambda alone: alone[0]), "ε of the first run"),
        "the dearest at each order": (combined(max), "at each order, the run that spent most"),
        "without the steps": (combined(sum, steps_of=lambda steps: 1), "the steps of no run"),
        "all as the first": (
            lambda tried, orders, delta: REFERENCE["06.6"]([tried[0]] * len(tried), orders, delta),
            "as if it were the first",
        ),
        "half of it": (lambda *a: REFERENCE["06.6"](*a) / 2, "At δ = 1e-05 you report"),
        "a δ of its own": (
            lambda tried, orders, delta: REFERENCE["06.6"](tried, orders, 1e-5),
            "At δ = 1e-06 you report",
        ),
        "text": (lambda *a: f"{REFERENCE['06.6'](*a):.2f}", "returned a str"),
    },
}
