"""The spec: what you ship, what it promises to whom, what was assumed, and what finding it has cost."""

from dataclasses import dataclass, replace

from course.privacy import Adjacency, Ledger, PrivacyClaim, Unit
from course.trade_off.confirming import Confirmation
from course.trade_off.judging import Interval
from course.trade_off.points import Point
from course.trade_off.promise import UnitsDiffer, enter, enter_against_server
from course.trade_off.search_cost import SearchCost
from course.trade_off.setting import Setting
from course.trade_off.spec_page import as_html, as_text

SERVER_ACCOUNTANT = "rdp"
"""For the claim against the server, whose ε is large: "pld" takes ten seconds there."""


@dataclass(frozen=True)
class Spec:
    """One page on which a launch can be decided; `choose` fills it in.

    Attributes:
        point: what was chosen, with its ε and what was measured.
        target: what was asked for, a `course.trade_off.solver.Target`.
        num_points: how many points it was chosen from.
        search: what finding it has cost; None says that nobody has counted.
        confirmed: what fresh seeds gave, on clients nobody chose by; None says that nobody has looked.
    """

    point: Point
    target: object
    num_points: int
    search: SearchCost | None = None
    confirmed: Confirmation | None = None

    @property
    def setting(self) -> Setting:
        """Rounds, sample rate, local epochs, norm, noise multiplier and unit."""
        return self.point.setting

    @property
    def unit(self) -> Unit:
        """Whose data the promise covers."""
        return self.setting.unit

    @property
    def adjacency(self) -> Adjacency:
        """Of the promise to those who get the model."""
        return Adjacency.ADD_REMOVE

    @property
    def epsilon(self) -> float:
        """Of the whole run, in nats, against those who get the model."""
        return self.point.epsilon

    @property
    def delta(self) -> float:
        """Of the whole run."""
        return self.point.delta

    @property
    def accuracy(self) -> Interval:
        """On the seeds by which it was chosen, so too hopeful; `confirmed` has the honest one."""
        return self.point.accuracy

    @property
    def worst_tenth(self) -> Interval:
        """Of the tenth of the clients for whom it is worst, on the same seeds."""
        return self.point.worst_tenth

    @property
    def megabytes(self) -> float:
        """A client sends and receives, in expectation over the run."""
        return self.point.megabytes

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must hold, or the page is wrong."""
        return (*_ASSUMED_OF[self.unit], *_ASSUMED)

    def claims(self) -> tuple[PrivacyClaim, PrivacyClaim]:
        """The promise to those who get the model, and the one against the server; recomputed here."""
        ledger = Ledger()
        return self.enter(ledger)

    def enter(self, ledger: Ledger, *, name: str = "the run") -> tuple[PrivacyClaim, PrivacyClaim]:
        """Write both claims into a ledger, each ε computed anew from the setting.

        Raises:
            ValueError: if the point's ε is not the setting's.
        """
        public = enter(
            ledger, self.setting, delta=self.delta, name=f"{name}, to whoever gets the model",
            accountant=self.point.accountant,
        )  # fmt: skip
        if abs(public.epsilon - self.epsilon) > 1e-3 * public.epsilon:
            raise ValueError(f"the point says ε is {self.epsilon!r}, its setting gives {public.epsilon!r}")
        server = enter_against_server(
            ledger, self.setting, delta=self.delta, name=f"{name}, against the server",
            accountant=SERVER_ACCOUNTANT if self.unit is Unit.CLIENT else self.point.accountant,
        )  # fmt: skip
        return public, server

    def is_stricter_than(self, other: "Spec") -> bool:
        """Whether its ε is smaller, where that means anything.

        Raises:
            UnitsDiffer: if one promise is per client and the other per example.
            ValueError: if their δ differ.
        """
        if self.unit is not other.unit:
            raise UnitsDiffer(
                f"one spec promises ε per {self.unit.value}, the other per {other.unit.value}: neither "
                "number says which promise is stronger"
            )
        if self.delta != other.delta:
            raise ValueError(f"ε at δ = {self.delta:g} says nothing beside ε at δ = {other.delta:g}")
        return self.epsilon < other.epsilon

    def with_search(self, search: SearchCost) -> "Spec":
        """The same, saying what the search has cost."""
        return replace(self, search=search)

    def confirmed_by(self, confirmed: Confirmation) -> "Spec":
        """The same, with what fresh seeds gave.

        Raises:
            ValueError: if they ran another setting, or share a seed with the search.
        """
        if confirmed.setting != self.setting:
            raise ValueError(f"the spec has {self.setting}; these seeds ran {confirmed.setting}")
        shared = set(confirmed.seeds) & set(self.point.seeds)
        if shared:
            raise ValueError(f"the seeds {sorted(shared)} took part in the choice, so they confirm nothing")
        return replace(self, confirmed=confirmed)

    def to_html(self) -> str:
        """One page."""
        return as_html(self)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__
    _repr_html_ = to_html


_ASSUMED_OF = {
    Unit.CLIENT: (
        "Each client is drawn for each round by a coin of its own; ε counts that only against those who do "
        "not know who was drawn. The server knows, and in the rounds that they share so do a client's "
        "neighbours in the secure sum.",
        "One client's update is clipped to the norm C before it enters the sum, by code at the client.",
    ),
    Unit.EXAMPLE: (
        "Every client takes part in every round, and draws its examples by coins that nobody else sees.",
        "A client has as many units as it has examples: what is promised of one does not cover all of them.",
    ),
}
_ASSUMED = (
    "The noise is in the sum: clients add their shares of it, scaled to the size of the cohort, none drops "
    "out after that, and nobody tells anyone its share.",
    "The server sees the secure sum and no client's vector, and it asks the clients that it says it asks.",
    "Every round's noisy sum may be seen: ε covers all of them. The run is made once; a second one costs "
    "as much again.",
    "The accuracies are from a simulation, on MNIST dealt to clients who stand for persons; their intervals "
    "cover other deals, coins and noise, and no other digits.",
)
