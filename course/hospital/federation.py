"""Hospitals that train one detector: alone, pooled, and federated, in one and the same loop."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from course.federated import client_generator, fedavg, weights_of
from course.federated.averaging import Weights
from course.federated.rounds import BAR
from course.hospital.detector import Stacks, new_detector, patient_losses, patient_scores


@dataclass(frozen=True)
class Recipe:
    """How the detector is trained; in each round every hospital passes over its patients at least once.

    Attributes:
        rounds: at least 1.
        batch_size: patients a step.
        learning_rate: of Adam in the first round; it falls to 0 along half a cosine.
        width: channels of the detector.
        least_steps: a hospital with fewer batches than this passes over its patients several times a round.
    """

    rounds: int = 12
    batch_size: int = 8
    learning_rate: float = 0.007
    width: int = 16
    least_steps: int = 20

    def rate_in(self, round_index: int) -> float:
        """The learning rate of one round (from 0)."""
        return self.learning_rate * 0.5 * (1 + float(np.cos(np.pi * round_index / self.rounds)))


CHOSEN = Recipe()
"""Chosen on patients simulated for that (`TUNING_SEEDS`), whom no lesson and no result uses."""
LONGER = replace(CHOSEN, least_steps=40)
"""Twice the steps in each round: a hospital that trains alone profits from them, so comparisons show both."""
TUNING_SEEDS = (500, 1500)
"""Of the training and the validation patients of that simulation, a plainer version of today's. About thirty
settings were compared on them; with real patients each would have been another look at these patients."""


class Site:
    """One hospital's half of the federation: its patients, and its optimizer, which stay at home.

    The optimizer's state crosses rounds: Adam that begins anew each round has forgotten which way every
    weight was going.
    """

    def __init__(self, stacks: Stacks, *, client: int, seed: int, recipe: Recipe) -> None:
        if len(stacks) == 0:
            raise ValueError(f"client {client} has no patients; leave it out of the federation")
        self.stacks, self.client, self.seed, self.recipe = stacks, client, seed, recipe
        self.model = new_detector(seed=seed, width=recipe.width)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=recipe.learning_rate)

    def train(self, weights: Weights, *, round_index: int) -> dict[str, Tensor]:
        """What the hospital sends back: the weights that it got, after a pass over its patients.

        Limits: weights in the clear; lesson 03 shows what one update says, lesson 11 what to do about it.
        """
        self.model.load_state_dict(weights)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate_in(round_index)
        generator = client_generator(self.seed, round_index=round_index, client=self.client)
        batches = -(-len(self.stacks) // self.recipe.batch_size)
        for _ in range(max(1, -(-self.recipe.least_steps // batches))):
            train_epoch(
                self.model, self.stacks, optimizer=self.optimizer, batch_size=self.recipe.batch_size,
                generator=generator,
            )  # fmt: skip
        return weights_of(self.model)


def train_epoch(
    model: nn.Module,
    stacks: Stacks,
    *,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    generator: torch.Generator,
) -> None:
    """One pass over the patients, each step on `batch_size` of them; every other patient is mirrored.

    A head and its mirror image are equally likely, so mirroring makes another patient of one, for nothing.
    """
    order = torch.randperm(len(stacks), generator=generator)
    for positions in order.split(batch_size):
        batch = stacks.take(positions)
        mirrored = torch.rand(len(batch), generator=generator) < 0.5
        batch.inputs[mirrored] = batch.inputs[mirrored].flip(-1)
        batch.cover[mirrored] = batch.cover[mirrored].flip(-1)
        optimizer.zero_grad()
        patient_losses(model(batch.inputs).squeeze(1), batch).mean().backward()
        optimizer.step()


@dataclass(frozen=True, eq=False)
class Federation:
    """What a federated run leaves behind.

    Attributes:
        weights: hospital → its detector; the same for all, but for the parameters that stay at home.
        shared: the server's detector.
        watched: hospital → AUROC-ready scores after each round, shape (rounds, patients); empty unless asked.
    """

    weights: Mapping[str, Weights]
    shared: Weights
    watched: Mapping[str, np.ndarray] = field(default_factory=dict)


def federate(
    hospitals: Mapping[str, Stacks],
    *,
    seed: int,
    recipe: Recipe = CHOSEN,
    start: Weights | None = None,
    joins: Mapping[str, int] | None = None,
    stays: Collection[str] = (),
    aggregate: Callable[[list[Weights], list[int]], Weights] = fedavg,
    watch: Mapping[str, Stacks] | None = None,
    progress: str | None = None,
) -> Federation:
    """Train one detector on the patients of several hospitals, none of which leave their hospital.

    Args:
        hospitals: hospital → its training patients. With one alone this is ordinary training.
        seed: fixes the first weights and every hospital's shuffles.
        recipe: how to train.
        start: the first weights; new ones if absent.
        joins: hospital → the first round (from 0) in which it takes part; 0 if absent.
        stays: names of parameters that never leave a hospital, such as `site_shift.norm_parameters(...)`.
        aggregate: (models, num_patients) → the next model of the server.
        watch: hospital → patients to score after each round.
        progress: a label for a progress bar; None shows none.

    Raises:
        ValueError: if there are no hospitals, nobody takes part in a round, or names in `joins` or `stays` do
            not exist.

    Limits: the server sees every hospital's weights in the clear. A hospital that joins late trains with the
        small learning rate of that round.
    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1, with Adam instead of SGD at each client;
        parameters that stay: Li et al. 2021, arXiv:2102.07623 (FedBN).
    """
    sites = {
        name: Site(stacks, client=client, seed=seed, recipe=recipe)
        for client, (name, stacks) in enumerate(hospitals.items())
    }
    shared = dict(start or weights_of(new_detector(seed=seed, width=recipe.width)))
    _check_federation(sites, shared, joins or {}, stays, recipe)
    kept = {name: {part: shared[part] for part in stays} for name in sites}
    watched: dict[str, list] = {name: [] for name in watch or {}}
    scratch = new_detector(seed=seed, width=recipe.width)
    for round_index in tqdm(
        range(recipe.rounds), desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR
    ):
        present = [name for name in sites if (joins or {}).get(name, 0) <= round_index]
        models = [sites[name].train(shared | kept[name], round_index=round_index) for name in present]
        kept |= {
            name: {part: model[part] for part in stays} for name, model in zip(present, models, strict=True)
        }
        shared = dict(aggregate(models, [len(sites[name].stacks) for name in present]))
        for name, stacks in (watch or {}).items():
            scratch.load_state_dict(shared | kept.get(name, {}))
            watched[name].append(patient_scores(scratch, stacks))
    weights = {name: shared | kept[name] for name in sites}
    return Federation(weights, shared, {name: np.array(scores) for name, scores in watched.items()})


def scores_of(weights: Weights, stacks: Stacks, *, width: int = 16) -> np.ndarray:
    """Each patient's score under these weights, shape (patients,)."""
    model = new_detector(seed=0, width=width)
    model.load_state_dict(weights)
    return patient_scores(model, stacks)


def split_patients(patients: Sequence, *, seed: int, held_out: float) -> tuple[list[int], list[int]]:
    """Positions of the patients to train on, and of those held out, with as many of either kind as can be.

    Args:
        patients: with `has_tumour`, of one hospital.
        seed: of the draw.
        held_out: the share to hold out, in (0, 1); at least one of each kind that has two or more.

    Raises:
        ValueError: if the share is out of range.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is {held_out}; it must lie between 0 and 1")
    rng, train, held = np.random.default_rng(seed), [], []
    labels = np.array([bool(patient.has_tumour) for patient in patients])
    for kind in (False, True):
        positions = rng.permutation(np.flatnonzero(labels == kind))
        number = max(round(held_out * len(positions)), int(len(positions) > 1))
        held += positions[:number].tolist()
        train += positions[number:].tolist()
    return sorted(train), sorted(held)


def _check_federation(
    sites: Mapping[str, Site],
    shared: Weights,
    joins: Mapping[str, int],
    stays: Collection[str],
    recipe: Recipe,
) -> None:
    if not sites or recipe.rounds < 1:
        raise ValueError(f"got {len(sites)} hospitals and {recipe.rounds} rounds; both must be at least 1")
    if unknown := set(joins) - set(sites):
        raise ValueError(f"{sorted(unknown)} cannot join: the hospitals are {list(sites)}")
    if unknown := set(stays) - set(shared):
        raise ValueError(f"{sorted(unknown)} cannot stay at home: the detector has no such parameters")
    if min(joins.get(name, 0) for name in sites) > 0:
        raise ValueError(f"nobody takes part in the first round: {dict(joins)}")
