"""Checkers of lesson 10 on the detector and its training: soft maxima, and an average with parts left out."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_mapping, given, which
from course.federated import fedavg
from course.hospital.detector import slice_and_patient_logits

TOLERANCE = 1e-4
FAR_BELOW = -100.0
"""A slice that is not there must have at most this logit, or minus infinity."""

# 10.2 ---------------------------------------------------------------------------------------------


def verify_logits(pool: Callable) -> None:
    """Log-sum-exp over the cells of a slice, then over the slices that are there."""
    for seed, scale, depths in ((0, 2.0, (3, 1, 2)), (1, 0.5, (4, 4)), (2, 60.0, (2, 5))):
        generator = torch.Generator().manual_seed(seed)
        cells = scale * torch.randn(len(depths), max(depths), 3, 4, generator=generator) + 2.0
        present = torch.arange(max(depths)) < torch.tensor(depths)[:, None]
        handed = cells.clone(), present.clone()
        with given(f"cells of shape {tuple(cells.shape)} and {depths} slices present"):
            got = pool(*handed)
        if not (torch.equal(handed[0], cells) and torch.equal(handed[1], present)):
            raise NotYet("Your function changes the cells (or `present`) that it is given.")
        slices, patients = _two_tensors(got, cells)
        _expect_finite(slices, patients, present)
        _expect_pooled(slices, patients, cells, present)


def _two_tensors(got: object, cells: Tensor) -> tuple[Tensor, Tensor]:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise NotYet("It should return two tensors: the logits of the slices, and those of the patients.")
    for part, shape, what in zip(got, (cells.shape[:2], cells.shape[:1]), ("slice", "patient"), strict=True):
        if not isinstance(part, Tensor):
            raise NotYet(f"The logits of the {what}s should be a tensor; they are a {type(part).__name__}.")
        if part.shape != shape:
            raise NotYet(
                f"The logits should be one a {what}, shape {tuple(shape)}; yours have {tuple(part.shape)}."
            )
    return got[0], got[1]


def _expect_finite(slices: Tensor, patients: Tensor, present: Tensor) -> None:
    if not (torch.isfinite(patients).all() and torch.isfinite(slices[present]).all()):
        raise NotYet(
            "A logit comes out infinite or NaN: exp(100) is more than a float32 holds. torch.logsumexp is made for that."
        )


def _expect_pooled(slices: Tensor, patients: Tensor, cells: Tensor, present: Tensor) -> None:
    right_slices, right = slice_and_patient_logits(cells, present)
    if not close(slices[present], right_slices[present], TOLERANCE):
        flat = cells.flatten(2)
        guesses = {
            "A slice's logit is the *soft* maximum, log Σ exp, of its cells; the hard one learns from one cell at a time.":
                flat.amax(2)[present],
            "You take the mean of the cells: a tumour in 1 of 256 then vanishes. log Σ exp.": flat.mean(2)[present],
            "You add up the logits; add up their exponentials, and take the logarithm.": flat.sum(2)[present],
            "You divide by the number of cells (log of the *mean* of exp). One suspicious cell is enough, however many "
            "there are.": (right_slices - torch.tensor(float(flat.shape[2])).log())[present],
            "The logarithm is missing.": right_slices.exp()[present],
            "You pool one row or column of cells only.": torch.logsumexp(cells[..., 0], 2)[present],
        }  # fmt: skip
        raise which(
            slices[present], guesses, "The logit of a slice should be log Σ exp over its cells.", TOLERANCE
        )
    if not close(patients, right, TOLERANCE):
        filled = right_slices.masked_fill(~present, 0.0)
        unmasked = torch.logsumexp(cells.flatten(1), 1)
        guesses = {
            "Slices that only pad count: a patient with few slices gets their logits too.": unmasked,
            "A slice that is not there counts as logit 0, and that is an even chance of a tumour. Fill with something far below.":
                torch.logsumexp(filled, 1),
            "A patient's logit is log Σ exp over the slices, too, not their maximum.": right_slices.amax(1),
            "A patient's logit is log Σ exp over the slices, not their mean.": filled.sum(1) / present.sum(1),
            "A patient's logit is log Σ exp over the slices, not their sum.": filled.sum(1),
        }  # fmt: skip
        raise which(
            patients,
            guesses,
            "The logit of a patient should be log Σ exp over the slices present.",
            TOLERANCE,
        )
    if (slices[~present] > FAR_BELOW).any():
        raise NotYet(
            "The logit of a slice that is not there should be far below all others, such as −1e9 or −inf."
        )


# 10.3 ---------------------------------------------------------------------------------------------

SHAPES = {"0.weight": (3, 2), "1.scale": (4, 1), "1.shift": (4,), "2.bias": (5,)}
CASES = (
    ((7, 2, 3), ()),
    ((160, 12), ("1.scale", "1.shift")),
    ((1, 5, 2, 40), ("1.scale",)),
    ((4, 9), tuple(SHAPES)),
)


def verify_next_round(average: Callable) -> None:
    """The mean, weighted by patients, of all that travels; each hospital's own of all that stays."""
    for seed, (num_patients, stays) in enumerate(CASES):
        generator = torch.Generator().manual_seed(seed)
        models = [
            {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
            for _ in num_patients
        ]
        handed = copy.deepcopy(models)
        with given(f"{len(models)} models, num_patients={list(num_patients)} and stays={stays}"):
            got = average(handed, counts := list(num_patients), stays)
        got = _expect_models(got, models)
        if counts != list(num_patients):
            raise NotYet("Your function changes `num_patients`, which it is given.")
        if len(handed) != len(models):
            raise NotYet(
                "Your function takes models out of the list that it is given. Leave the list as it is."
            )
        if not all(map(_same_model, models, handed)):
            raise NotYet("Your function changes the models that it is given. Build new dictionaries.")
        _expect_next(got, models, num_patients, stays)


def _same_model(old: dict[str, Tensor], new: dict[str, Tensor]) -> bool:
    return old.keys() == new.keys() and all(torch.equal(old[name], new[name]) for name in old)


def _expect_models(got: object, models: list[dict[str, Tensor]]) -> list:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(got, dict):
        raise NotYet(
            "It returned one model; return a list with one for each hospital, since they may now differ."
        )
    if not isinstance(got, list | tuple) or len(got) != len(models):
        length = f" of {len(got)}" if hasattr(got, "__len__") else ""
        raise NotYet(
            f"It returned a {type(got).__name__}{length}; it should be a list of {len(models)} models, one a hospital."
        )
    for model in got:
        expect_mapping(model, models[0])
    return list(got)


def _expect_next(got: list, models: list, num_patients: tuple[int, ...], stays: tuple[str, ...]) -> None:
    mean = fedavg(models, num_patients)
    for index, (answer, own) in enumerate(zip(got, models, strict=True)):
        for name in SHAPES:
            right = own[name] if name in stays else mean[name]
            if close(answer[name], right, TOLERANCE):
                continue
            raise which(answer[name], _wrong_parts(models, num_patients, name, name in stays, index),
                        f"{name!r} of hospital {index} should be {'its own' if name in stays else 'the weighted mean'}.",
                        TOLERANCE)  # fmt: skip


def _wrong_parts(
    models: list, num_patients: tuple[int, ...], name: str, stays: bool, index: int
) -> dict[str, Tensor]:
    mean = fedavg(models, num_patients)[name]
    plain = sum(model[name] for model in models) / len(models)
    if stays:
        guesses = {
            "A parameter that stays at home is averaged too. Each hospital keeps its own.": mean,
            "A parameter that stays at home is averaged too, and without weights. Each hospital keeps its own.": plain,
        }
        others = [model[name] for k, model in enumerate(models) if k != index]
        for other in others:
            guesses |= (
                {}
                if close(other, models[index][name], TOLERANCE)
                else {"Hospitals get each other's parameters that should have stayed at home.": other}
            )
            if len(guesses) == 3:
                break
        return guesses
    total = sum(num_patients)
    return {
        "You keep at home what should travel: `stays` names the parameters that are *not* averaged.": models[
            index
        ][name],
        "Every hospital counts the same; weigh each by its number of patients.": plain,
        "You multiply by the numbers of patients and never divide by their sum.": mean * total,
        "You add the models up; divide by the number of patients of all.": plain * len(models),
    }


# What the exercises lend ---------------------------------------------------------------------------


def pooled_logits(cells: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """One logit a slice and one a patient."""
    return slice_and_patient_logits(cells, present)


def next_round(
    models: list[dict[str, Tensor]], num_patients: list[int], stays: tuple[str, ...]
) -> list[dict]:
    """What each hospital starts the next round with."""
    mean = fedavg(models, num_patients)
    return [mean | {name: model[name] for name in stays} for model in models]
