"""Right and wrong answers to exercises 06.1 and 06.3: the coins of a batch and the noise of a step."""

import math

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("06.1", "06.2", "06.3")}
clip = REFERENCE["06.2"]


# 06.1 -------------------------------------------------------------------------------------------


def by_bernoulli(num_examples, sample_rate, generator):
    coins = torch.bernoulli(torch.full((num_examples,), float(sample_rate)), generator=generator)
    return torch.where(coins == 1)[0]


def one_by_one(num_examples, sample_rate, generator):
    drawn = [i for i in range(num_examples) if torch.rand(1, generator=generator).item() < sample_rate]
    return torch.tensor(drawn, dtype=torch.int64)


def size_first(num_examples, sample_rate, generator):
    """A binomial size and that many at random: another road to the same distribution."""
    size = int((torch.rand(num_examples, generator=generator) < sample_rate).sum())
    return torch.randperm(num_examples, generator=generator)[:size]


def fixed_size(num_examples, sample_rate, generator):
    return torch.randperm(num_examples, generator=generator)[: round(num_examples * sample_rate)]


def with_replacement(num_examples, sample_rate, generator):
    return torch.randint(num_examples, (max(1, round(num_examples * sample_rate)),), generator=generator)


def never_empty(num_examples, sample_rate, generator):
    while True:
        batch = REFERENCE["06.1"](num_examples, sample_rate, generator)
        if len(batch):
            return batch


def upside_down(num_examples, sample_rate, generator):
    return (torch.rand(num_examples, generator=generator) > sample_rate).nonzero().squeeze(1)


def by_numpy(num_examples, sample_rate, generator):
    """numpy's coins, from a seed that the generator draws."""
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    return torch.from_numpy(np.flatnonzero(rng.random(num_examples) < sample_rate))


def seed_inside(num_examples, sample_rate, generator):
    return REFERENCE["06.1"](num_examples, sample_rate, torch.Generator().manual_seed(0))


def own_source(num_examples, sample_rate, generator, rng=np.random.default_rng(5)):  # noqa: B008
    return torch.as_tensor(np.flatnonzero(rng.random(num_examples) < sample_rate))


class Counter:
    """A generator that starts anew whenever the learner's function is given one that it has not seen."""

    def __init__(self):
        self.known = {}

    def __call__(self, num_examples, sample_rate, generator):
        own = self.known.setdefault(id(generator), (generator, torch.Generator().manual_seed(3)))[1]
        return REFERENCE["06.1"](num_examples, sample_rate, own)


class Passes:
    """Shuffled passes over the data, cut into batches whose sizes vary as they should."""

    def __init__(self):
        self.left = {}

    def __call__(self, num_examples, sample_rate, generator):
        size = int((torch.rand(num_examples, generator=generator) < sample_rate).sum())
        left = self.left.setdefault(id(generator), (generator, []))[1]
        if len(left) < size:
            left[:] = torch.randperm(num_examples, generator=generator).tolist()
        batch, left[:] = left[:size], left[size:]
        return torch.tensor(batch, dtype=torch.int64)


def pairs(num_examples, sample_rate, generator):
    """One coin for two neighbours."""
    coins = torch.rand((num_examples + 1) // 2, generator=generator) < sample_rate
    return coins.repeat_interleave(2)[:num_examples].nonzero().squeeze(1)


def blocks(num_examples, sample_rate, generator):
    """A block of neighbours that starts anywhere."""
    size = int((torch.rand(num_examples, generator=generator) < sample_rate).sum())
    start = int(torch.randint(num_examples, (1,), generator=generator))
    return (torch.arange(size) + start) % num_examples


def uniform_size(num_examples, sample_rate, generator):
    top = round(2 * num_examples * sample_rate)
    size = int(torch.randint(top + 1, (1,), generator=generator))
    return torch.randperm(num_examples, generator=generator)[:size]


def never_the_last(num_examples, sample_rate, generator):
    return (
        REFERENCE["06.1"](num_examples, sample_rate, generator)[:-1]
        if num_examples == 1
        else REFERENCE["06.1"](
            num_examples - 1, min(1.0, sample_rate * num_examples / (num_examples - 1)), generator
        )
    )


def twice_the_rate(num_examples, sample_rate, generator):
    return REFERENCE["06.1"](num_examples, min(1.0, 1.2 * sample_rate), generator)


def rate_written_down(num_examples, sample_rate, generator):
    return REFERENCE["06.1"](num_examples, 0.3, generator)


# 06.3 -------------------------------------------------------------------------------------------


def flat_noise(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    """One long draw, cut into the parameters' shapes."""
    sums = {name: rows.sum(dim=0) for name, rows in clip(gradients, max_grad_norm).items()}
    numbers = [total.numel() for total in sums.values()]
    noise = torch.normal(0.0, 1.0, (sum(numbers),), generator=generator).split(numbers)
    return {
        name: total / expected_batch_size
        + (noise_multiplier * max_grad_norm / expected_batch_size) * part.view_as(total)
        for (name, total), part in zip(sums.items(), noise, strict=True)
    }


def noise_first(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    """The order of a sum does not matter: begin with the noise and add one example after the other."""
    clipped, results = clip(gradients, max_grad_norm), {}
    for name, rows in clipped.items():
        total = torch.randn(rows.shape[1:], generator=generator) * noise_multiplier * max_grad_norm
        for row in rows:
            total = total + row
        results[name] = total / expected_batch_size
    return results


def in_double_precision(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    std, results = noise_multiplier * max_grad_norm, {}
    for name, rows in clip(gradients, max_grad_norm).items():
        noise = torch.empty(rows.shape[1:], dtype=torch.float64).normal_(generator=generator)
        results[name] = (rows.double().sum(0) + std * noise) / expected_batch_size
    return results


def step(
    *,
    prepare=clip,
    noise_std=lambda multiplier, limit, batch, expected: multiplier * limit,
    divisor=lambda batch, expected: expected,
    finish=lambda mean, limit: mean,
    draw=torch.randn,
    inside=None,
):
    """A private gradient with one of its parts exchanged."""

    def private_gradient(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
        source = generator if inside is None else torch.Generator().manual_seed(inside)
        batch = len(next(iter(gradients.values())))
        std = noise_std(noise_multiplier, max_grad_norm, batch, expected_batch_size)
        sums = {name: rows.sum(0) for name, rows in prepare(gradients, max_grad_norm).items()}
        noisy = {n: total + std * draw(total.shape, generator=source) for n, total in sums.items()}
        mean = {n: total / divisor(batch, expected_batch_size) for n, total in noisy.items()}
        return finish(mean, max_grad_norm)

    return private_gradient


def as_they_are(gradients, max_grad_norm):
    return gradients


def of_the_whole(mean, max_grad_norm):
    """Clip one gradient, the mean."""
    norm = math.sqrt(sum(float(tensor.square().sum()) for tensor in mean.values()))
    return {name: tensor * min(1.0, max_grad_norm / max(norm, 1e-12)) for name, tensor in mean.items()}


def late(divide):
    """Clip after averaging, then add the noise."""

    def private_gradient(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
        size = divide(len(gradients["0.bias"]), expected_batch_size)
        mean = of_the_whole({n: rows.sum(0) / size for n, rows in gradients.items()}, max_grad_norm)
        std = noise_multiplier * max_grad_norm / expected_batch_size
        return {n: t + std * torch.randn(t.shape, generator=generator) for n, t in mean.items()}

    return private_gradient


def noise_before_clipping(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    noisy = {
        name: rows + noise_multiplier * max_grad_norm * torch.randn(rows.shape, generator=generator)
        for name, rows in gradients.items()
    }
    return {name: rows.sum(0) / expected_batch_size for name, rows in clip(noisy, max_grad_norm).items()}


def noise_on_each(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    return {
        name: (rows + noise_multiplier * max_grad_norm * torch.randn(rows.shape, generator=generator)).sum(0)
        / expected_batch_size
        for name, rows in clip(gradients, max_grad_norm).items()
    }


def weights_only(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    right = REFERENCE["06.3"](gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator)
    exact = REFERENCE["06.3"](gradients, max_grad_norm, 0.0, expected_batch_size, generator)
    return {name: right[name] if "weight" in name else exact[name] for name in right}


def skips_empty(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    if len(gradients["0.bias"]) == 0:
        return {name: rows.sum(0) for name, rows in gradients.items()}
    return REFERENCE["06.3"](gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator)


def noise_of_the_longest(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    """The noise is made for the longest clipped gradient in this batch, which is not public."""
    clipped = clip(gradients, max_grad_norm)
    norms = sum(rows.flatten(1).square().sum(1) for rows in clipped.values()).sqrt()
    std = noise_multiplier * (float(norms.max()) if len(norms) else max_grad_norm)
    return {
        name: (rows.sum(0) + std * torch.randn(rows.shape[1:], generator=generator)) / expected_batch_size
        for name, rows in clipped.items()
    }


class EarlierNoise:
    """Every third call uses the noise of two calls before again."""

    def __init__(self):
        self.drawn = []

    def __call__(self, gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
        self.drawn.append(generator.get_state())
        if len(self.drawn) % 3 == 0:
            generator = torch.Generator()
            generator.set_state(self.drawn[-3])
        return REFERENCE["06.3"](gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator)


def one_draw(shape, generator):
    return torch.randn(1, generator=generator).expand(shape)


def one_draw_a_row(shape, generator):
    return torch.randn((*shape[:-1], 1), generator=generator).expand(shape)


def uniform(shape, generator):
    return (torch.rand(shape, generator=generator) * 2 - 1) * math.sqrt(3)


def same_for_equal_starts(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    """Each parameter's noise comes from the same state, so parameters share their first numbers."""
    state = int(torch.randint(2**31, (1,), generator=generator))
    results = {}
    for name, rows in clip(gradients, max_grad_norm).items():
        noise = torch.randn(rows.shape[1:], generator=torch.Generator().manual_seed(state))
        results[name] = (rows.sum(0) + noise_multiplier * max_grad_norm * noise) / expected_batch_size
    return results


def draws_elsewhere(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    own = torch.Generator().manual_seed(int(np.random.default_rng().integers(2**31)))
    return REFERENCE["06.3"](gradients, max_grad_norm, noise_multiplier, expected_batch_size, own)


def in_place(gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator):
    for name, rows in clip(gradients, max_grad_norm).items():
        gradients[name].copy_(rows)
    return REFERENCE["06.3"](gradients, max_grad_norm, noise_multiplier, expected_batch_size, generator)


def scaled(factor):
    return step(noise_std=lambda multiplier, limit, batch, expected: factor * multiplier * limit)


def std_of(rule):
    return step(noise_std=lambda multiplier, limit, batch, expected: rule(multiplier, limit, batch, expected))


# The tables ------------------------------------------------------------------------------------

ACCEPT = {
    "06.1": {
        "reference": REFERENCE["06.1"],
        "torch.bernoulli": by_bernoulli,
        "a loop of coins": one_by_one,
        "a binomial size first": size_first,
        "coins from numpy": by_numpy,
    },
    "06.3": {
        "reference": REFERENCE["06.3"],
        "one long draw": flat_noise,
        "noise first, then a loop": noise_first,
        "with its parts exchanged for the right ones": step(),
        "in double precision": in_double_precision,
    },
}

REJECT = {
    "06.1": {
        "a fixed size": (fixed_size, "a batch of fixed size"),
        "with replacement": (with_replacement, "twice"),
        "never empty": (never_empty, "ever empty"),
        "the other side of the coin": (upside_down, "The rate is 0.7"),
        "a seed inside": (seed_inside, "Every batch is the same"),
        "another source of chance": (own_source, "The same generator gave other batches"),
        "the generator is only looked at": (Counter(), "Two different generators"),
        "passes over shuffled data": (Passes(), "depends on the batch before"),
        "one coin for two": (pairs, "share one coin"),
        "neighbours together": (blocks, "depends on who else"),
        "any size with equal chance": (uniform_size, "not as those of 12"),
        "the last one never": (never_the_last, "Everybody has the same chance"),
        "a larger rate": (twice_the_rate, "a share of 0.35"),
        "a rate of its own": (rate_written_down, "Are both used?"),
        "coins instead of positions": (lambda n, q, g: torch.rand(n, generator=g) < q, "coins themselves"),
        "a list": (lambda n, q, g: REFERENCE["06.1"](n, q, g).tolist(), "it should be a tensor"),
        "a column": (lambda n, q, g: (torch.rand(n, generator=g) < q).nonzero(), "in one row"),
        "numbers from one": (lambda n, q, g: REFERENCE["06.1"](n, q, g) + 1, "go from 0"),
        "floats": (lambda n, q, g: REFERENCE["06.1"](n, q, g).float(), "whole numbers"),
    },
    "06.3": {
        "no noise": (step(noise_std=lambda *_: 0.0), "There is no noise"),
        "sensitivity forgotten": (std_of(lambda m, c, b, e: m), "The sensitivity is forgotten: the noise"),
        "multiplier forgotten": (std_of(lambda m, c, b, e: c * (m > 0)), "does not grow with"),
        "both forgotten": (std_of(lambda m, c, b, e: float(m > 0)), "deviation 1 whatever"),
        "variance for deviation": (std_of(lambda m, c, b, e: (m * c) ** 2), "scale by the deviation"),
        "sensitivity twice": (std_of(lambda m, c, b, e: m * c * c), "by max_grad_norm twice"),
        "multiplier twice": (std_of(lambda m, c, b, e: m * m * c), "by noise_multiplier twice"),
        "half the noise": (scaled(0.5), "is half of what"),
        "twice the noise": (scaled(2.0), "is twice what"),
        "nine tenths of the noise": (scaled(0.9), "0.90 times the deviation"),
        "noise not divided": (std_of(lambda m, c, b, e: m * c * e), "is not divided: add it"),
        "noise divided twice": (std_of(lambda m, c, b, e: m * c / e), "by expected_batch_size twice"),
        "noise divided by a root": (std_of(lambda m, c, b, e: m * c * e**0.5), "divide it as the sum"),
        "noise divided by the realised size": (
            std_of(lambda m, c, b, e: m * c * e / max(b, 1)),
            "noise is divided by the batch's own",
        ),
        "a seed inside": (step(inside=0), "Every call adds the same noise"),
        "another source of chance": (draws_elsewhere, "The same generator gave other noise"),
        "one draw for all coordinates": (
            lambda g, c, m, e, generator: {
                name: (rows.sum(0) + m * c * noise) / e
                for noise in [torch.randn(1, generator=generator)]
                for name, rows in clip(g, c).items()
            },
            "One draw is added to all coordinates",
        ),
        "one draw a parameter": (step(draw=one_draw), "In '0.weight' all"),
        "one draw a row": (step(draw=one_draw_a_row), "'0.bias' all coordinates"),
        "the same draws for every parameter": (same_for_equal_starts, "tells about the noise of another"),
        "noise on the weights only": (weights_only, "Some coordinates get no noise"),
        "uniform noise": (step(draw=uniform), "not that of a normal distribution"),
        "noise before clipping": (noise_before_clipping, "before clipping"),
        "noise on every example": (noise_on_each, "You add noise to every example: one draw"),
        "clip after averaging": (late(lambda b, e: max(b, 1)), "You clip after averaging: the mean"),
        "no clipping": (step(prepare=as_they_are), "Nothing is clipped, so one person"),
        "no clipping, realised size": (
            step(prepare=as_they_are, divisor=lambda b, e: max(b, 1)),
            "Nothing is clipped, and you divide",
        ),
        "realised size": (step(divisor=lambda b, e: max(b, 1)), "Who was drawn is secret"),
        "no division": (step(divisor=lambda b, e: 1), "do not divide by expected_batch_size"),
        "noise for the longest gradient of the batch": (noise_of_the_longest, "the noise has 0.08"),
        "noise that grows with the batch": (
            std_of(lambda m, c, b, e: m * c * (b / 7 if b else 1)),
            "the noise has 0.5",
        ),
        "no noise for one person": (std_of(lambda m, c, b, e: m * c * (b != 1)), "the noise has 0 times"),
        "a whole number for a divisor": (step(divisor=lambda b, e: int(e)), "and no noise, it is not"),
        "noise without its tails": (
            step(draw=lambda shape, generator: torch.randn(shape, generator=generator).clamp(-3, 3)),
            "Cut nothing off",
        ),
        "earlier noise again": (EarlierNoise(), "repeat the noise of earlier ones"),
        "no noise for an empty batch": (skips_empty, "tells that nobody was drawn"),
        "changes its input": (in_place, "changed the gradients that it was given"),
        "the weights alone": (
            lambda *a: {n: t for n, t in REFERENCE["06.3"](*a).items() if "weight" in n},
            "It returned the names",
        ),
    },
}  # fmt: skip
