"""The privacy ledger: every ε with its whole sentence (unit, adjacency, δ, sampler, steps, accountant)."""

import html
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from course.privacy.accounting import ACCOUNTANTS, epsilon_spent
from course.privacy.neighbours import Adjacency, Unit

DISTRIBUTED = "distributed discrete gaussian"
"""The sum of many clients' discrete Gaussian noise; see `course.privacy.distributed_gaussian`."""

NORMAL = ("gaussian", DISTRIBUTED)
"""The mechanisms whose ε an accountant of the Gaussian gives."""

MECHANISMS = (*NORMAL, "laplace", "randomized response", "exponential")
PURE = "pure"
"""The accountant of mechanisms with δ = 0: the ε of all steps add up (basic composition)."""

MIME = "application/vnd.course.ledger+json"
"""Under this type a notebook's output holds the claims as data, for the test that recomputes them."""

_COLUMNS = (
    "what", "ε", "δ", "unit", "neighbours", "mechanism", "noise multiplier", "sampling", "steps",
    "accountant",
)  # fmt: skip


@dataclass(frozen=True)
class PrivacyClaim:
    """One promise, complete enough for somebody else to recompute its ε.

    Attributes:
        name: what was released, in a few words.
        epsilon: ≥ 0, in nats, of all steps together; infinite where nothing is promised.
        delta: of all steps together; 0 for a pure promise.
        unit: whose data one record is.
        adjacency: which datasets are neighbours.
        mechanism: one of `MECHANISMS`.
        noise_multiplier: noise over sensitivity. Gaussian: standard deviation over sensitivity. Laplace: its
            parameter b over sensitivity. Exponential: the scores' divisor over sensitivity, 2 / ε. Randomized
            response: the probability of the false answer.
        sampler: "none" (everybody takes part) or "poisson".
        sample_rate: the probability to be in a batch; 1 without a sampler.
        steps: how often the mechanism ran.
        accountant: "prv", "pld", "rdp", or "pure" for the three mechanisms with δ = 0.
        closeness: η ≥ 0 of all steps together: no outcome is more than e^η times more or less likely than
            under noise that the accountant covers. Above 0 for the distributed discrete Gaussian only.
    """

    name: str
    epsilon: float
    delta: float
    unit: Unit
    adjacency: Adjacency
    mechanism: str
    noise_multiplier: float
    sampler: str
    sample_rate: float
    steps: int
    accountant: str
    closeness: float = 0.0

    def __post_init__(self) -> None:
        rules = {
            "name must be text": isinstance(self.name, str) and bool(self.name.strip()),
            "epsilon must be at least 0": self.epsilon >= 0,
            "delta must be at least 0 and below 1": 0 <= self.delta < 1,
            "unit must be a Unit": isinstance(self.unit, Unit),
            "adjacency must be an Adjacency": isinstance(self.adjacency, Adjacency),
            f"mechanism must be one of {', '.join(MECHANISMS)}": self.mechanism in MECHANISMS,
            "noise_multiplier must be at least 0": self.noise_multiplier >= 0,
            "sampler must be 'none' or 'poisson'": self.sampler in ("none", "poisson"),
            "sample_rate must lie in (0, 1], and be 1 without a sampler": 0 < self.sample_rate <= 1
            and (self.sampler == "poisson" or self.sample_rate == 1),
            "steps must be a whole number, at least 1": self.steps == int(self.steps) >= 1,
            "accountant must be 'prv', 'pld' or 'rdp' for Gaussian noise, 'pure' (with δ = 0) for the others":
                self.accountant in ACCOUNTANTS and self.delta > 0 if self.mechanism in NORMAL
                else self.accountant == PURE and self.delta == 0,
            "closeness must be at least 0, and 0 but for the distributed discrete gaussian":
                self.closeness == 0 or (self.closeness > 0 and self.mechanism == DISTRIBUTED),
        }  # fmt: skip
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"this claim is incomplete or contradicts itself: {'; '.join(broken)}")

    def __str__(self) -> str:
        often = "once" if self.steps == 1 else f"{self.steps:,} times"
        sampled = "" if self.sampler == "none" else f", Poisson-sampled at {self.sample_rate:.4g}"
        return (
            f"{self.name}: ε = {epsilon_text(self.epsilon)} at δ = {self.delta:g} per {self.unit.value} "
            f"({self.adjacency.value}); {_mechanism_text(self)}, "
            f"noise multiplier {self.noise_multiplier:.4g}, {often}{sampled}; accountant: {self.accountant}"
        )


def _mechanism_text(claim: PrivacyClaim) -> str:
    return claim.mechanism if claim.closeness == 0 else f"{claim.mechanism} (closeness {claim.closeness:.1g})"


def epsilon_text(epsilon: float) -> str:
    """How the course writes an ε: two decimals, more below 0.1, ∞ for no promise."""
    if math.isinf(epsilon):
        return "∞"
    return f"{epsilon:.2f}" if epsilon >= 0.1 or epsilon == 0 else f"{epsilon:.2g}"


def pure_epsilon(mechanism: str, *, noise_multiplier: float, steps: int = 1) -> float:
    """The ε of a mechanism with δ = 0, run `steps` times: closed forms, added up.

    Args:
        mechanism: "laplace" (ε = 1 / multiplier), "exponential" (ε = 2 / multiplier) or "randomized response"
            (ε = log((1 − p) / p), where the multiplier is p, the probability of the false answer).
        noise_multiplier: as in `PrivacyClaim`.
        steps: ≥ 1.

    Raises:
        ValueError: for another mechanism, or a multiplier out of its range.

    Source: Dwork and Roth 2014: Theorem 3.6 (Laplace), section 3.2 (randomized response), Theorem 3.10
        (exponential), Theorem 3.14 (composition).
    """
    if not noise_multiplier >= 0:
        raise ValueError(f"noise_multiplier must be at least 0, not {noise_multiplier!r}")
    if mechanism not in MECHANISMS[2:]:
        raise ValueError(f"{mechanism!r} has no pure ε; those that have are {', '.join(MECHANISMS[2:])}")
    if mechanism == "randomized response" and noise_multiplier > 0.5:
        raise ValueError(f"a false answer cannot be more likely than a half; got {noise_multiplier!r}")
    if noise_multiplier == 0:
        return math.inf
    if mechanism == "randomized response":
        return steps * math.log((1 - noise_multiplier) / noise_multiplier)
    return steps * {"laplace": 1.0, "exponential": 2.0}[mechanism] / noise_multiplier


def epsilon_near_gaussian(*, delta: float, closeness: float, **run: object) -> float:
    """The ε of a run whose outcomes are within e^closeness of those of a Gaussian mechanism.

    If P and its ideal P' differ by e^η at most, and so do Q and Q', then P ≤ e^η P' ≤ e^η (e^ε' Q' + δ')
    ≤ e^(ε' + 2η) Q + e^η δ': the ideal is asked for δ' = δ e^−η, and 2η is added to its ε'.

    Args:
        delta, run: as in `epsilon_spent`.
        closeness: η ≥ 0, of all steps together.
    """
    if not closeness >= 0:
        raise ValueError(f"closeness must be at least 0, not {closeness!r}")
    return epsilon_spent(delta=delta * math.exp(-closeness), **run) + 2 * closeness


class Ledger:
    """The claims of one lesson or project, in the order in which they were made."""

    def __init__(self) -> None:
        self._claims: list[PrivacyClaim] = []

    def add(self, claim: PrivacyClaim) -> PrivacyClaim:
        """Enter a claim and give it back. A second claim under one name must be the same claim."""
        if not isinstance(claim, PrivacyClaim):
            raise ValueError(f"a ledger holds PrivacyClaims, not {type(claim).__name__}")
        same_name = [old for old in self._claims if old.name == claim.name]
        if same_name and same_name[0] != claim:
            raise ValueError(f"the ledger already has another claim named {claim.name!r}")
        if not same_name:
            self._claims.append(claim)
        return claim

    def record(
        self,
        name: str,
        *,
        noise_multiplier: float,
        unit: Unit,
        adjacency: Adjacency,
        sample_rate: float = 1.0,
        steps: int = 1,
        delta: float = 0.0,
        mechanism: str = "gaussian",
        accountant: str = "",
        closeness: float = 0.0,
    ) -> PrivacyClaim:
        """Compute the ε of a release, enter the claim, and give it back.

        Args: as in `PrivacyClaim`; the accountant is "prv" for Gaussian noise unless you name another, "rdp"
            for the distributed discrete Gaussian, and "pure" for the other mechanisms.

        Raises:
            ValueError: if the sentence is incomplete (Gaussian noise without δ, say) or contradicts itself.
        """
        accountant = accountant or {"gaussian": "prv", DISTRIBUTED: "rdp"}.get(mechanism, PURE)
        if mechanism in NORMAL:
            epsilon = epsilon_near_gaussian(
                noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps, delta=delta,
                accountant=accountant, adjacency=adjacency, closeness=closeness,
            )  # fmt: skip
        else:
            epsilon = pure_epsilon(mechanism, noise_multiplier=noise_multiplier, steps=steps)
        sampler = "none" if sample_rate == 1 else "poisson"
        claim = PrivacyClaim(
            name, float(epsilon), float(delta), unit, adjacency, mechanism, float(noise_multiplier), sampler,
            float(sample_rate), int(steps), accountant, float(closeness),
        )  # fmt: skip
        return self.add(claim)

    def __iter__(self) -> Iterator[PrivacyClaim]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        if not self._claims:
            return "Privacy ledger: empty. Nothing is promised."
        return "\n".join(["Privacy ledger", *(f"- {claim}" for claim in self._claims)])

    def _repr_html_(self) -> str:
        if not self._claims:
            return "<p><b>Privacy ledger</b>: empty. Nothing is promised.</p>"
        head = "".join(f"<th style='text-align:left'>{column}</th>" for column in _COLUMNS)
        rows = "".join(f"<tr>{_row(claim)}</tr>" for claim in self._claims)
        return (
            "<table><caption style='text-align:left'><b>Privacy ledger</b></caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """The ledger as text, as a table and as data, in one output of a notebook."""
        return {"text/plain": repr(self), "text/html": self._repr_html_(), MIME: claims_as_data(self)}


def _row(claim: PrivacyClaim) -> str:
    return "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in _cells(claim))


def _cells(claim: PrivacyClaim) -> tuple[str, ...]:
    sampling = "everybody" if claim.sampler == "none" else f"Poisson, {claim.sample_rate:.4g}"
    return (
        claim.name, epsilon_text(claim.epsilon), f"{claim.delta:g}", claim.unit.value, claim.adjacency.value,
        _mechanism_text(claim), f"{claim.noise_multiplier:.4g}", sampling, f"{claim.steps:,}",
        claim.accountant,
    )  # fmt: skip


def claims_as_data(ledger: Ledger) -> list[dict[str, object]]:
    """The claims as plain dictionaries, fit for JSON: enums by their words, an infinite ε as "inf"."""
    return [
        asdict(claim)
        | {
            "unit": claim.unit.value,
            "adjacency": claim.adjacency.value,
            "epsilon": "inf" if math.isinf(claim.epsilon) else claim.epsilon,
        }
        for claim in ledger
    ]


def claim_from_data(data: dict[str, object]) -> PrivacyClaim:
    """The claim that `claims_as_data` wrote.

    Raises:
        ValueError: if the claim is incomplete or contradicts itself.
    """
    fields = dict(data) | {"unit": Unit(data["unit"]), "adjacency": Adjacency(data["adjacency"])}
    return PrivacyClaim(**fields | {"epsilon": float(data["epsilon"])})
