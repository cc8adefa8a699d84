"""Right and wrong answers to the exercises of lesson 02: messages, survivors, median, Adam."""

import copy

import numpy as np
import torch
from flwr.app import ArrayRecord, MetricRecord, RecordDict

from course.exercises.exercise import find_exercise
from course.federated import fedavg

ADAM = find_exercise("02.4").reference


def _content(arrays, **metrics):
    return RecordDict({"arrays": ArrayRecord(arrays), "metrics": MetricRecord(metrics)})


def answer_step_by_step(content, num_examples, train):
    reply = RecordDict()
    weights = {name: torch.from_numpy(array.numpy().copy()) for name, array in content["arrays"].items()}
    reply["arrays"] = ArrayRecord(train(weights, learning_rate=float(content["config"]["learning-rate"])))
    reply["metrics"] = MetricRecord({"num-examples": int(num_examples), "loss": 0.5})
    return reply


def _trained(content, train, rate=None):
    rate = content["config"]["learning-rate"] if rate is None else rate
    return train(content["arrays"].to_torch_state_dict(), rate)


def answer_with_update(content, num_examples, train):
    before = content["arrays"].to_torch_state_dict()
    after = _trained(content, train)
    return _content({name: after[name] - before[name] for name in before}, **{"num-examples": num_examples})


def answer_untrained(content, num_examples, train):
    _trained(content, train)
    return _content(content["arrays"].to_torch_state_dict(), **{"num-examples": num_examples})


def _models_and_counts(replies):
    kept = [reply.content for reply in replies if not reply.has_error()]
    if not kept:
        raise ValueError("nobody answered")
    models = [dict(content["arrays"].to_torch_state_dict()) for content in kept]
    return models, [content["metrics"]["num-examples"] for content in kept]


def survivors_by_numpy(replies):
    models, counts = _models_and_counts(replies)
    share = np.array(counts) / np.sum(counts)
    return {
        n: torch.from_numpy(sum(s * m[n].numpy() for s, m in zip(share, models, strict=True)))
        for n in models[0]
    }


def survivors_unchecked(replies):
    contents = [reply.content for reply in replies]
    models = [dict(content["arrays"].to_torch_state_dict()) for content in contents]
    return fedavg(models, [content["metrics"]["num-examples"] for content in contents])


def survivors_unweighted(replies):
    models, _ = _models_and_counts(replies)
    return fedavg(models, [1] * len(models))


def survivors_over_everybody(replies):
    models, counts = _models_and_counts(replies)
    # 640 is what the four clients of the checker hold together.
    return {name: sum(m[name] * n for m, n in zip(models, counts, strict=True)) / 640 for name in models[0]}


def survivors_over_asked(replies):
    models, counts = _models_and_counts(replies)
    mean = fedavg(models, counts)
    return {name: tensor * len(models) / len(replies) for name, tensor in mean.items()}


def survivors_silent(replies):
    try:
        models, counts = _models_and_counts(replies)
    except ValueError:
        return {}
    return fedavg(models, counts)


def survivors_by_index(replies):
    kept = [reply.content for reply in replies if not reply.has_error()]
    models = [dict(content["arrays"].to_torch_state_dict()) for content in kept]
    names = models[0]
    counts = [content["metrics"]["num-examples"] for content in kept]
    return {n: sum(m[n] * c / sum(counts) for m, c in zip(models, counts, strict=True)) for n in names}


def _stack(models, name):
    return torch.stack([model[name] for model in models])


def median_by_sorting(models):
    result = {}
    for name in models[0]:
        ordered = _stack(models, name).sort(dim=0).values
        low, high = (len(models) - 1) // 2, len(models) // 2
        result[name] = (ordered[low] + ordered[high]) / 2
    return result


def trimmed_mean(models):
    cut = max(1, len(models) // 4) if len(models) > 2 else 0
    return {
        name: _stack(models, name).sort(dim=0).values[cut : len(models) - cut].mean(0) for name in models[0]
    }


def adam_by_loop(weights, mean, momentum, second, step_size, beta_1, beta_2, tau):
    new_weights, new_momentum, new_second = {}, {}, {}
    for name in weights:
        change = mean[name] - weights[name]
        new_momentum[name] = torch.lerp(change, momentum[name], beta_1)
        new_second[name] = torch.lerp(change.square(), second[name], beta_2)
        new_weights[name] = weights[name] + step_size * new_momentum[name] / (new_second[name].pow(0.5) + tau)
    return [new_weights, new_momentum, new_second]


def adam_with(momentum_of=None, second_of=None, weights_of=None):
    """The right step with one line of it replaced."""

    def step(weights, mean, momentum, second, step_size, beta_1, beta_2, tau):
        new_weights, m, v = {}, {}, {}
        for name in weights:
            change = mean[name] - weights[name]
            old_m, old_v, w = momentum[name], second[name], weights[name]
            m[name] = beta_1 * old_m + (1 - beta_1) * change
            if momentum_of:
                m[name] = momentum_of(old_m, change, mean[name], beta_1)
            v[name] = beta_2 * old_v + (1 - beta_2) * change**2
            if second_of:
                v[name] = second_of(old_v, change, m[name], beta_2)
            new_weights[name] = w + step_size * m[name] / (v[name].sqrt() + tau)
            if weights_of:
                new_weights[name] = weights_of(w, m[name], v[name], step_size, tau)
        return new_weights, m, v

    return step


def adam_in_place(weights, mean, momentum, second, *settings):
    moved, m, v = ADAM(weights, mean, copy.deepcopy(momentum), copy.deepcopy(second), *settings)
    for name in momentum:
        momentum[name].copy_(m[name])
    return moved, m, v


ACCEPT = {
    "02.1": {"the reference": find_exercise("02.1").reference, "step by step": answer_step_by_step},
    "02.2": {"the reference": find_exercise("02.2").reference, "numpy": survivors_by_numpy},
    "02.3": {
        "the reference": find_exercise("02.3").reference,
        "sorting": median_by_sorting,
        "numpy": lambda models: {
            n: torch.from_numpy(np.median(np.stack([m[n].numpy() for m in models]), axis=0))
            for n in models[0]
        },
    },
    "02.4": {"the reference": ADAM, "a loop that returns a list": adam_by_loop},
}
REJECT = {
    "02.1": {
        "the update": (answer_with_update, "You send the update"),
        "untrained": (answer_untrained, "model that you received"),
        "never trains": (
            lambda c, n, t: _content(c["arrays"].to_torch_state_dict()),
            "never call `train_here",
        ),
        "own learning rate": (
            lambda c, n, t: _content(_trained(c, t, 0.1), **{"num-examples": n}),
            "Read content['config']",
        ),
        "wrong key": (lambda c, n, t: _content(_trained(c, t), num_examples=n), 'the entry "num-examples"'),
        "counts one": (lambda c, n, t: _content(_trained(c, t), **{"num-examples": 1}), "num-examples is 1"),
        "no arrays": (
            lambda c, n, t: RecordDict({"model": ArrayRecord(_trained(c, t))}),
            'needs an ArrayRecord under "arrays"',
        ),
        "a plain dictionary": (lambda c, n, t: {"arrays": _trained(c, t)}, "is a RecordDict"),
        "other arrays": (
            lambda c, n, t: _content({k: 2 * v for k, v in _trained(c, t).items()}, **{"num-examples": n}),
            "are not what `train_here` returned",
        ),
    },
    "02.2": {
        "reads errors": (survivors_unchecked, "Ask reply.has_error() first"),
        "unweighted": (survivors_unweighted, "weigh by metrics"),
        "divides by everybody": (survivors_over_everybody, "must add up to 1"),
        "divides by those asked": (survivors_over_asked, "number of clients asked"),
        "empty for nobody": (survivors_silent, "there is no mean: raise a ValueError"),
        "IndexError for nobody": (survivors_by_index, "yours ends in IndexError"),
    },
    "02.3": {
        "the mean": (lambda models: fedavg(models, [1] * len(models)), "That is the mean"),
        "torch.median": (
            lambda models: {name: _stack(models, name).median(0).values for name in models[0]},
            "takes the lower of the two",
        ),
        "over everything": (
            lambda models: {n: torch.full_like(models[0][n], _stack(models, n).median()) for n in models[0]},
            "one median over all numbers",
        ),
        "trimmed mean": (trimmed_mean, "With 5 clients it is not the median"),
        "the first model": (lambda models: dict(models[0]), "With 3 clients it is not the median"),
    },
    "02.4": {
        "wrong sign": (adam_with(lambda m, u, mean, b: b * m - (1 - b) * u), "Momentum has the wrong sign"),
        "betas swapped": (adam_with(lambda m, u, mean, b: (1 - b) * m + b * u), "swapped the two parts"),
        "the mean model": (adam_with(lambda m, u, mean, b: b * m + (1 - b) * mean), "feed the mean model"),
        "size, not square": (
            adam_with(None, lambda v, u, m, b: b * v + (1 - b) * u.abs()),
            "you average its size",
        ),
        "square of momentum": (
            adam_with(None, lambda v, u, m, b: b * v + (1 - b) * m**2),
            "not the momentum",
        ),
        "no root": (
            adam_with(None, None, lambda w, m, v, s, tau: w + s * m / (v + tau)),
            "Divide by the square root",
        ),
        "tau inside": (
            adam_with(None, None, lambda w, m, v, s, tau: w + s * m / (v + tau).sqrt()),
            "outside the root",
        ),
        "subtracts": (
            adam_with(None, None, lambda w, m, v, s, tau: w - s * m / (v.sqrt() + tau)),
            "goes the wrong way",
        ),
        "the step alone": (
            adam_with(None, None, lambda w, m, v, s, tau: s * m / (v.sqrt() + tau)),
            "You return the step alone",
        ),
        "no memory": (adam_with(lambda m, u, mean, b: u), "The momentum is not"),
        "changes its inputs": (adam_in_place, "changed one of its inputs"),
        "weights only": (lambda *a: ADAM(*a)[0], "Return three dictionaries"),
    },
}
