"""How much a detector loses at a hospital it was not trained for, and two remedies that are often named."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from course.federated.averaging import Weights
from course.hospital.detector import Stacks
from course.hospital.evaluation import auroc_interval
from course.hospital.federation import Recipe, federate, scores_of

GENTLE = Recipe(rounds=3, learning_rate=0.002, least_steps=1)
"""A few small steps: what fine-tuning means here. Chosen with the rest of the recipe."""


def transfer_table(detectors: Mapping[str, Weights], tests: Mapping[str, Stacks]) -> np.ndarray:
    """The AUROC of each detector at each hospital, shape (detectors, hospitals); NaN where it is undefined.

    Args:
        detectors: name → weights; a hospital's own detector, for instance.
        tests: hospital → test patients.

    Limits: the hospitals differ in their patients (how many have a tumour, how large), too, not only in their
        scanners: a low entry is not all the scanner's doing.
    """
    table = np.full((len(detectors), len(tests)), np.nan)
    for row, weights in enumerate(detectors.values()):
        for column, stacks in enumerate(tests.values()):
            found = auroc_interval(scores_of(weights, stacks), stacks.has_tumour.numpy())
            table[row, column] = np.nan if found is None else found.value
    return table


def fine_tune(weights: Weights, stacks: Stacks, *, seed: int, recipe: Recipe = GENTLE) -> Weights:
    """First remedy: the shared detector after some more training on one hospital's patients alone.

    Limits: the smaller the hospital, the more likely that this fits its few patients and not its scanner.
    """
    return federate({"here": stacks}, seed=seed, recipe=recipe, start=weights).shared


def norm_parameters(model: nn.Module) -> tuple[str, ...]:
    """Second remedy: the scales and shifts that each hospital keeps for itself (`stays` of `federate`).

    Source: Li et al. 2021, *FedBN*, arXiv:2102.07623: batch normalisation stays at each client. Ours
        normalises each slice by itself, so only the learned scale and shift of every channel can stay.
    """
    return tuple(name for name, _ in model.named_parameters() if name.endswith((".scale", ".shift")))
