"""Checkers of lesson 01, the server's half: the average, its bytes, the drift and its remedy."""

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_mapping, expect_number, given, same_inputs, which
from course.federated import subtract

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""


def _models(count: int, seed: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"0.weight": (3, 4), "0.bias": (3,), "2.weight": (2, 3)}
    return [
        {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        for _ in range(count)
    ]


def _same_for_every_name(wrong: list[str], names: Mapping[str, Tensor]) -> None:
    if 0 < len(wrong) < len(names):
        right = next(name for name in names if name not in wrong)
        raise NotYet(f"Right for {right!r}, wrong for {wrong[0]!r}: do the same for every name.")


# 01.3 ---------------------------------------------------------------------------------------------


def verify_fedavg(average) -> None:
    """The weighted mean of each tensor, in new tensors of the models' own type."""
    for sizes in ([100, 10, 1], [7, 5], [42], [5, 300, 40, 8], [600] * 4):
        models, counts = _models(len(sizes), seed=len(sizes)), list(sizes)
        changed = "Your function changed the clients' models. Build a new dictionary."
        with same_inputs(changed, *models), given(f"{len(sizes)} models and the counts {sizes}"):
            got = average(models, counts)
        got = expect_mapping(got, models[0])
        _expect_average(got, models, sizes)
        if counts != sizes:
            raise NotYet("Your function changed the list of counts that it was given.")
        _expect_new(got, models)


def _expect_average(got: Mapping[str, Tensor], models: list, sizes: list[int]) -> None:
    expected = _average_by_loop(models, sizes)
    wrong = [name for name in expected if not close(got[name], expected[name], TOLERANCE)]
    _same_for_every_name(wrong, expected)
    for name in wrong:
        otherwise = f"With clients of {sizes} examples, {name!r} is not Σ (n_k / n) · w_k."
        stacked, total = torch.stack([model[name] for model in models]), sum(sizes)
        if any(
            close(got[name], _weighted(stacked, order) / total, TOLERANCE) for order in permutations(sizes)
        ):
            otherwise = "The counts are paired with the wrong clients: num_examples[k] belongs to models[k]."
        raise which(got[name], _wrong_averages(stacked, sizes), otherwise, TOLERANCE)


def _expect_new(got: Mapping[str, Tensor], models: list) -> None:
    theirs = {tensor.untyped_storage().data_ptr() for model in models for tensor in model.values()}
    for name, tensor in got.items():
        if tensor.dtype != models[0][name].dtype:
            raise NotYet(
                f"The models are {models[0][name].dtype} and your average is {tensor.dtype}: convert it "
                "back, or the next round sends a model of another size."
            )
        # Clients train in place, so a shared tensor would change under the server's hands.
        if tensor.untyped_storage().data_ptr() in theirs:
            raise NotYet(
                f"With {len(models)} client(s), {name!r} of your average is a client's own tensor: when one "
                "trains on, the other changes. Return a copy."
            )


def _average_by_loop(models: list, sizes: list) -> dict[str, Tensor]:
    """The slow oracle: one number at a time, in Python's own floats."""
    result = {}
    for name, tensor in models[0].items():
        columns = zip(*[model[name].flatten().tolist() for model in models], strict=True)
        numbers = [sum(n * x for n, x in zip(sizes, column, strict=True)) / sum(sizes) for column in columns]
        result[name] = torch.tensor(numbers).reshape(tensor.shape)
    return result


def _weighted(stacked: Tensor, weights: Sequence[float]) -> Tensor:
    return torch.einsum("k,k...->...", torch.tensor(weights, dtype=torch.float32), stacked)


def _wrong_averages(stacked: Tensor, sizes: list[int]) -> dict[str, Tensor]:
    total, count = sum(sizes), len(sizes)
    inverse = np.array([1 / size for size in sizes])
    return {
        "You weigh every client the same. A client with 100 examples should count ten times one with 10.":
            stacked.mean(0),
        "You add the weighted models but do not divide by the total number of examples.":
            _weighted(stacked, sizes),
        "You divide by the number of clients; divide by the total number of examples.":
            _weighted(stacked, sizes) / count,
        "You weigh right and then divide by the number of clients once more.":
            _weighted(stacked, sizes) / total / count,
        "You add the models up. An average also divides.": stacked.sum(0),
        "Your average is zero everywhere: does `count // total` round the weights down? Use /.":
            stacked[0] * 0,
        "You return the first client's model.": stacked[0],
        "You return the last client's model.": stacked[-1],
        "Smaller clients count for more in your average; it should be the other way round.":
            _weighted(stacked, inverse / inverse.sum()),
    }  # fmt: skip


# 01.4 ---------------------------------------------------------------------------------------------


def verify_bytes(count) -> None:
    """Both directions, every client, and each tensor's own size of a number."""
    cases = [
        ({"w": torch.zeros(10, 10), "b": torch.zeros(10)}, 10),
        ({"w": torch.zeros(784, 50), "b": torch.zeros(50)}, 3),
        ({"w": torch.zeros(7, dtype=torch.float16), "b": torch.zeros(3, dtype=torch.float64)}, 5),
        ({"w": torch.zeros(6)}, 1),
    ]
    for model, cohort in cases:
        numbers = sum(tensor.numel() for tensor in model.values())
        size = sum(tensor.numel() * tensor.element_size() for tensor in model.values())
        with given(f"a model of {numbers:,} numbers and {cohort} clients"):
            got = expect_number(count(model, cohort))
        if got != 2 * cohort * size:
            otherwise = (
                f"For a model of {numbers:,} numbers ({size:,} bytes) and {cohort} clients it should be "
                f"{2 * cohort * size:,} bytes; you say {got:,.0f}."
            )
            raise which(got, _wrong_bytes(model, cohort, numbers, size), otherwise, 1e-9)


def _wrong_bytes(model: Mapping[str, Tensor], cohort: int, numbers: int, size: int) -> dict[str, float]:
    first = next(iter(model.values()))
    # The later ones need several mistakes at once, so the single mistakes are tried first.
    return {
        "You count one direction. The model travels down to each client, and up again.": cohort * size,
        "You count one client. Each of the cohort downloads and uploads the model.": 2 * size,
        "That is bits. A byte has eight of them.": 16 * cohort * size,
        "You count numbers, not bytes: each tensor says by element_size() how many bytes its numbers "
        "take.": 2 * cohort * numbers,
        "You count four bytes a number. Here one tensor is float16, another float64: ask for "
        "element_size().": 8 * cohort * numbers,
        "You give every tensor the first one's element_size(); ask each for its own.":
            2 * cohort * numbers * first.element_size(),
        "You count the first tensor only. A model has several.":
            2 * cohort * first.numel() * first.element_size(),
        "You count one trip of one client: the cohort, and both directions, are missing.": size,
        "You count the numbers of the model; their bytes, the cohort and both directions are missing.":
            numbers,
    }  # fmt: skip


# 01.5 ---------------------------------------------------------------------------------------------


def verify_cosine(cosine) -> None:
    """The mean over all pairs of different clients, each update one long vector."""
    lengths = (1.0, 3.0, 0.5, 2.0, 7.0)
    updates = [
        {name: length * tensor for name, tensor in model.items()}
        for length, model in zip(lengths, _models(5, seed=9), strict=True)
    ]
    with same_inputs("Your function changed the updates. Work on copies.", *updates):
        got = expect_number(cosine(updates))
    pairs = [(i, j) for i in range(5) for j in range(i)]
    vectors = [torch.cat([tensor.flatten() for tensor in u.values()]).double().numpy() for u in updates]
    if abs(got - _mean_cosine(vectors, pairs)) > TOLERANCE:
        otherwise = "It is not the mean of u·v / (|u| |v|) over the ten pairs of five different clients."
        raise which(got, _wrong_cosines(updates, vectors, pairs), otherwise, TOLERANCE)
    _expect_plain_angles(cosine)


def _cosine(u: np.ndarray, v: np.ndarray) -> float:
    return float(u @ v / np.sqrt(u @ u) / np.sqrt(v @ v))


def _mean_cosine(vectors: list[np.ndarray], pairs: list[tuple[int, int]]) -> float:
    return float(np.mean([_cosine(vectors[i], vectors[j]) for i, j in pairs]))


def _wrong_cosines(
    updates: list, vectors: list[np.ndarray], pairs: list[tuple[int, int]]
) -> dict[str, float]:
    right, count = _mean_cosine(vectors, pairs), len(vectors)
    layers = [[update[name].double().numpy().ravel() for update in updates] for name in updates[0]]
    everyone = [(i, j) for i in range(count) for j in range(count)]
    dots = [vectors[i] @ vectors[j] for i, j in pairs]
    angles = [np.arccos(_cosine(vectors[i], vectors[j])) for i, j in pairs]
    return {
        "Each client is compared with itself too, which is always 1. Leave the diagonal out.":
            _mean_cosine(vectors, everyone),
        "You leave the diagonal out of the sum, not out of the number of pairs that you divide by.":
            right * (count - 1) / count,
        "You take a mean over layers, in which a small layer has as much say as a large one. Make one long "
        "vector of each update.": np.mean([_mean_cosine(layer, pairs) for layer in layers]),
        "You compare the first tensor only. Make one long vector of the whole update.":
            _mean_cosine(layers[0], pairs),
        "That is the mean dot product, which grows with the updates' lengths. Divide by both lengths.":
            np.mean(dots),
        "You divide by one length; divide by both.":
            np.mean([vectors[i] @ vectors[j] / np.sqrt(vectors[i] @ vectors[i]) for i, j in pairs]),
        "Keep the sign: updates that point opposite ways should count against those that agree.":
            np.mean([abs(_cosine(vectors[i], vectors[j])) for i, j in pairs]),
        "You compare the first two clients only; there are ten pairs of five.":
            _cosine(vectors[0], vectors[1]),
        "You compare each client with the next one only; there are ten pairs of five.":
            _mean_cosine(vectors, [(i, i + 1) for i in range(count - 1)]),
        "You compare every client with client 0 only; there are ten pairs of five.":
            _mean_cosine(vectors, [(0, j) for j in range(1, count)]),
        "You compare each client with the mean of all; compare them with one another.":
            np.mean([_cosine(vector, np.mean(vectors, axis=0)) for vector in vectors]),
        "You add the cosines up. A mean also divides, by the ten pairs.": right * len(pairs),
        "Each pair is counted twice and divided by once.": 2 * right,
        "That is the cosine distance, 1 − cosine.": 1 - right,
        "That is an angle. The cosine is its dot product over both lengths; no arccos.": np.mean(angles),
    }  # fmt: skip


def _expect_plain_angles(cosine) -> None:
    cases = (
        ([1.0, 1.0, 1.0], [1.0, 0.0, -1.0], 0.0, "Two updates at right angles have cosine 0"),
        ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0, "Two updates in one direction have cosine 1"),
        ([1.0, 2.0, 3.0], [-2.0, -4.0, -6.0], -1.0, "Two opposite updates have cosine −1"),
    )
    for *rows, expected, sentence in cases:
        updates = [{"w": torch.tensor(row[:2]), "b": torch.tensor(row[2:])} for row in rows]
        got = expect_number(cosine(updates))
        if abs(got - expected) > TOLERANCE:
            raise NotYet(f"{sentence}; yours is {got:.3g}. (With five clients it is right.)")


# 01.6 ---------------------------------------------------------------------------------------------


def verify_control(update) -> None:
    """c_k − c + (before − after) / (K η), name by name."""
    for seed, steps, rate in ((11, 8, 0.25), (12, 3, 0.1)):
        control, server, before, after = _models(4, seed=seed)
        changed = "Your function changed one of its inputs. Build a new dictionary."
        with same_inputs(changed, control, server, before, after):
            got = update(control, server, before, after, steps, rate)
        got = expect_mapping(got, control)
        right = {
            name: control[name] - server[name] + (before[name] - after[name]) / (steps * rate)
            for name in control
        }
        wrong = [name for name in right if not close(got[name], right[name], TOLERANCE)]
        _same_for_every_name(wrong, right)
        if wrong:
            own, of_all, drift = (value[wrong[0]] for value in (control, server, subtract(before, after)))
            guesses = _wrong_controls(own, of_all, drift, steps, rate)
            otherwise = "It is not c_k − c + (before − after) / (steps × learning_rate)."
            raise which(got[wrong[0]], guesses, otherwise, TOLERANCE)


def _wrong_controls(own: Tensor, of_all: Tensor, drift: Tensor, steps: int, rate: float) -> dict[str, Tensor]:
    gradient = drift / (steps * rate)
    return {
        "The sign of the drift is flipped: a gradient points from `after` back to `before`.":
            own - of_all - gradient,
        "Divide by the number of steps too: you want the mean gradient, not the sum.":
            own - of_all + drift / rate,
        "Divide by the learning rate too: a step is learning_rate × gradient.": own - of_all + drift / steps,
        "You leave out both old controls: c_k − c belongs to the sum.": gradient,
        "The server's control is subtracted, not added.": own + of_all + gradient,
        "You leave out the server's control c.": own + gradient,
        "You leave out the client's own control c_k.": gradient - of_all,
        "The two old controls are the wrong way round: it is c_k − c.": of_all - own + gradient,
        "A step is learning_rate × gradient: divide by the learning rate, do not multiply.":
            own - of_all + drift * rate / steps,
        "steps × learning_rate divides the drift; it does not multiply it.":
            own - of_all + drift * rate * steps,
        "Divide the drift by neither too much nor nothing: by steps × learning_rate.": own - of_all + drift,
        "Only the drift is divided by steps × learning_rate; mind the brackets.":
            (own - of_all + drift) / (steps * rate),
    }  # fmt: skip
