"""What a vendor promises, and what one round of its service leaves behind."""

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from course.federated.private_sum import from_residues
from course.privacy import Adjacency, Unit


class RoundRefused(Exception):
    """The service does not run this round, and says why."""


@dataclass(frozen=True, repr=False)
class MarketingSheet:
    """One page of a vendor's brochure: words, and nothing that anybody would be held to.

    Attributes:
        vendor, product: names.
        tagline: in large letters.
        claims: the bullet points.
    """

    vendor: str
    product: str
    tagline: str
    claims: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(
            [f"{self.vendor}: {self.product}", f"“{self.tagline}”", *(f"- {c}" for c in self.claims)]
        )

    def _repr_html_(self) -> str:
        points = "".join(f"<li>{html.escape(claim)}</li>" for claim in self.claims)
        return (
            f"<div><b>{html.escape(self.vendor)}</b>: {html.escape(self.product)}<br>"
            f"<i>{html.escape(self.tagline)}</i><ul>{points}</ul></div>"
        )


@dataclass(frozen=True, repr=False)
class Annex:
    """The small print of the contract: what the vendor is held to.

    Attributes:
        epsilon, delta: what the releases of all `rounds` together promise, in nats.
        unit, adjacency: whose data may differ, and how.
        rounds: how many rounds a deployment runs, at most.
        sample_rate: the chance of each client to be in a round, by a coin of its own (Poisson); 1: everybody.
        population: how many clients the scheduler draws from.
        max_update_norm: C, the L2 norm to which each client's update is clipped.
        accountant: by which ε was computed.
        cohort_size: how many clients are summed together where enough take part.
        smallest_cohort: how many clients are in each sum that the server learns, at least.
        noise_added: by whom, and when.
        server_sees: what reaches the server of one client.
        step: what one step of the messages' whole numbers is, in units of the update.
    """

    epsilon: float
    delta: float
    unit: Unit
    adjacency: Adjacency
    rounds: int
    sample_rate: float
    population: int
    max_update_norm: float
    accountant: str
    cohort_size: int
    smallest_cohort: int
    noise_added: str
    server_sees: str
    step: float

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {text}" for name, text in self._rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{name}</td>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._rows()
        )
        return f"<table>{rows}</table>"

    def _rows(self) -> list[tuple[str, str]]:
        words = {name: getattr(value, "value", value) for name, value in asdict(self).items()}
        return [
            (name, f"{value:.6g}" if isinstance(value, float) else str(value))
            for name, value in words.items()
        ]


@dataclass(frozen=True, eq=False)
class Cohort:
    """One sum that the server learns.

    Attributes:
        members: the clients in it.
        total: their sum modulo 2^32, uint32, shape (length,).
    """

    members: tuple[int, ...]
    total: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class RoundRecord:
    """All that a round leaves behind, in each place where somebody may look.

    Attributes:
        messages: client id → what the server holds of it after the last stage, uint32 of shape (length,):
            the message without the self mask, which the server takes off in any case.
        cohorts: the sums that the server learns.
        release: what is published of the round: the sum of the clients' clipped updates with its noise, in
            units of the update, shape (length,).
        loss: what is published as the loss after this round.
        reported_epsilon: what the vendor says has been spent so far.
        log: the lines that the server wrote in this round.
    """

    messages: Mapping[int, np.ndarray] = field(repr=False)
    cohorts: tuple[Cohort, ...]
    release: np.ndarray = field(repr=False)
    loss: float
    reported_epsilon: float
    log: str = field(repr=False)


def as_update(message: np.ndarray, annex: Annex) -> np.ndarray:
    """A message read as numbers: signed, times the step, in units of the update.

    Limits: this always gives numbers. Whether they are an update, or a mask on one, is for you to see.
    """
    return from_residues(message) * annex.step
