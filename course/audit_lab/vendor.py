"""One vendor: a brochure, a contract, and a service that an auditor may try."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np

from course.audit_lab.blueprint import Blueprint
from course.audit_lab.logs import round_log
from course.audit_lab.records import Annex, MarketingSheet, RoundRecord, RoundRefused
from course.audit_lab.releases import device_message, published_loss, released_sum, reported_epsilon
from course.audit_lab.sampler import draw_cohorts
from course.audit_lab.secure_rounds import aggregate, split_into_cohorts

HIGHEST_ID = 9_999


class Deployment:
    """One test installation of a vendor's service, with a budget and a log of its own. Made by `deploy`."""

    __slots__ = ("_blueprint", "_fixed_seed", "_rng", "_rounds_run", "_sum_of_releases", "name")

    def __init__(self, name: str, blueprint: Blueprint, *, seed: tuple[int, ...], fixed_seed: int) -> None:
        self.name = name
        self._blueprint, self._fixed_seed = blueprint, fixed_seed
        self._rng = np.random.default_rng(seed)
        self._rounds_run, self._sum_of_releases = 0, None

    def __repr__(self) -> str:
        return f"<deployment of {self.name}, {self._rounds_run} rounds run>"

    def run_round(
        self, updates: Mapping[int, np.ndarray], losses: Mapping[int, float] | None = None
    ) -> RoundRecord:
        """Run a round with these clients, whom you play, and hand over all that it leaves behind.

        Args:
            updates: client id → its update, finite numbers of shape (length,); the same length in all rounds
                of a deployment. The hundreds of an id are the client's region; order is that of arrival.
            losses: client id → its loss, from 0 to 1; whom it does not name has 0.

        Raises:
            RoundRefused: if there are fewer than two clients, or the budget is spent.
            ValueError: if ids, updates or losses are not as described.
        """
        vectors = self._checked(updates)
        blueprint, annex = self._blueprint, self._blueprint.annex
        losses = _checked_losses(losses or {}, vectors)
        if len(vectors) < annex.smallest_cohort:
            raise RoundRefused(f"a round takes at least {annex.smallest_cohort} clients, not {len(vectors)}")
        if blueprint.stops and self._rounds_run >= annex.rounds:
            raise RoundRefused(f"the budget is spent: {annex.rounds} rounds have been run")
        self._rounds_run += 1
        groups = split_into_cohorts(
            list(vectors), size=annex.cohort_size, by_region=blueprint.by_region, lonely=blueprint.lonely
        )
        messages, cohorts = self._collected(vectors, groups)
        release = released_sum(cohorts, blueprint, rng=self._rng, fixed_seed=self._fixed_seed)
        before = 0.0 if self._sum_of_releases is None else self._sum_of_releases
        self._sum_of_releases = before + release
        loss = published_loss(losses, self._sum_of_releases / self._rounds_run, blueprint, rng=self._rng)
        log = round_log(
            self._rounds_run, dump=blueprint.dump, dump_format=blueprint.dump_format, messages=messages,
            updates=vectors, cohorts=groups, annex=annex,
        )  # fmt: skip
        spent = reported_epsilon(blueprint, rounds_run=self._rounds_run)
        return RoundRecord(messages, cohorts, release, loss, spent, log)

    def _collected(self, vectors: Mapping[int, np.ndarray], groups: list[list[int]]) -> tuple:
        """What reaches the server: each device clips, adds noise if it should, and takes part in a sum."""
        blueprint, size_of = self._blueprint, {client: len(group) for group in groups for client in group}
        residues = {
            client: device_message(vector, blueprint, cohort_size=size_of[client], rng=self._rng)
            for client, vector in vectors.items()
        }
        every = blueprint.plain_every
        plain = frozenset(client for client in vectors if every and client % every == 0)
        return aggregate(residues, groups, plain=plain, folded_bits=blueprint.folded_bits)

    def _checked(self, updates: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        if not isinstance(updates, Mapping):
            raise ValueError(f"updates are a mapping, client → update; got a {type(updates).__name__}")
        if not all(isinstance(client, Integral) and 1 <= client <= HIGHEST_ID for client in updates):
            raise ValueError(f"ids of clients are whole numbers from 1 to {HIGHEST_ID}; got {list(updates)}")
        vectors = {int(client): np.asarray(update, dtype=float) for client, update in updates.items()}
        shapes = {vector.shape for vector in vectors.values()}
        if self._sum_of_releases is not None:
            shapes.add(self._sum_of_releases.shape)
        if len(shapes) > 1 or any(len(shape) != 1 or shape[0] < 1 for shape in shapes):
            raise ValueError(f"updates have one dimension and one length in all rounds; got {sorted(shapes)}")
        if not all(np.isfinite(vector).all() for vector in vectors.values()):
            raise ValueError("updates must be finite numbers")
        return vectors


class Vendor:
    """A service under audit. Every vendor has these and no other methods, whatever is wrong with it.

    Attributes:
        name: of the vendor.
        sheet: its brochure.
        annex: the small print of its contract.

    Limits: what it really does is hidden from a glance, not from somebody who reads the source or its private
        attributes. Then you have reviewed code, which is a fine audit, but not this exercise.
    """

    __slots__ = ("_blueprint", "_counter", "_seed", "name", "sheet")

    def __init__(self, sheet: MarketingSheet, blueprint: Blueprint, *, seed: int) -> None:
        self.name, self.sheet = sheet.vendor, sheet
        self._blueprint, self._seed, self._counter = blueprint, seed, 0

    def __repr__(self) -> str:
        return f"<vendor {self.name}>"

    @property
    def annex(self) -> Annex:
        """The small print of the contract."""
        return self._blueprint.annex

    def deploy(self) -> Deployment:
        """A fresh test installation, with people of its own, so with a whole budget."""
        self._counter += 1
        return Deployment(self.name, self._blueprint, seed=(self._seed, self._counter), fixed_seed=self._seed)

    def draw_cohorts(self, rounds: int) -> tuple[np.ndarray, ...]:
        """Whom the scheduler invites to each of so many rounds in a row.

        Args:
            rounds: at least 1.

        Returns:
            One int64 array a round, ascending numbers from 0 to annex.population − 1; it may be empty.
        """
        self._counter += 1
        annex = self.annex
        return draw_cohorts(
            self._blueprint.sampler, population=annex.population, sample_rate=annex.sample_rate,
            rounds=rounds, seed=self._seed + self._counter,
        )  # fmt: skip


def _checked_losses(losses: Mapping[int, float], vectors: Mapping[int, np.ndarray]) -> dict[int, float]:
    if not set(losses) <= set(vectors) or not all(0 <= loss <= 1 for loss in losses.values()):
        raise ValueError(f"losses are from 0 to 1, of clients of this round; got {dict(losses)}")
    return {client: float(losses.get(client, 0.0)) for client in vectors}
