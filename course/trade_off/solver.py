"""The smallest ε that meets a target, or what stands in its way: a search over points that were measured."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from course.privacy import Unit
from course.trade_off.points import Point, of_unit
from course.trade_off.promise import epsilon_of
from course.trade_off.spec import Spec

CONSTRAINTS = ("accuracy", "worst tenth", "megabytes", "epsilon")
AND = " and "


@dataclass(frozen=True)
class Target:
    """What is asked for.

    Attributes:
        unit: whose data the promise must cover.
        accuracy: mean over clients, at least, in [0, 1].
        megabytes: a client, at most, over the whole run.
        delta: of the promise.
        worst_tenth: accuracy for the tenth of the clients for whom the model is worst, at least.
        epsilon: at most, in nats.
    """

    unit: Unit
    accuracy: float
    megabytes: float
    delta: float
    worst_tenth: float = 0.0
    epsilon: float = math.inf

    def __post_init__(self) -> None:
        rules = {
            "unit is Unit.CLIENT or Unit.EXAMPLE": self.unit in (Unit.CLIENT, Unit.EXAMPLE),
            "accuracy lies between 0 and 1": 0 <= self.accuracy <= 1,
            "worst_tenth lies between 0 and 1": 0 <= self.worst_tenth <= 1,
            "megabytes > 0": self.megabytes > 0,
            "0 < delta < 1": 0 < self.delta < 1,
            "epsilon > 0": self.epsilon > 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"a target needs: {'; '.join(broken)}. Got {self}")


@dataclass(frozen=True)
class Infeasible:
    """No point meets the target; which limits are in the way, and how near one gets.

    Attributes:
        target: what was asked for.
        binding: the limits of which each one, given up alone, would leave a point; none if it takes more.
        nearest: limit → the point that comes nearest to it among those that keep all the others. Where no
            limit alone suffices, two (or more) → the same of both: "accuracy and megabytes". Of two, the one
            that is missed by more, in relation to what was asked, counts.
        num_points: how many were looked at.
    """

    target: Target
    binding: tuple[str, ...]
    nearest: dict[str, Point]
    num_points: int

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        head = f"Infeasible: none of {self.num_points} points per {self.target.unit.value} meets the target."
        lines = [head]
        if self.nearest and not self.binding:
            lines.append("No single limit can be given up for it; loosen two or more.")
        for limits, point in self.nearest.items():
            instead = " and ".join(
                f"{value_text(point, limit)} instead of {limit_text(self.target, limit)}"
                for limit in limits.split(AND)
            )
            where = f"{point.setting.key}, {point.setting.rounds} rounds"
            lines.append(f"- if you give up on {limits}: {instead} ({where})")
        return "\n".join(lines)

    __repr__ = __str__


def choose(
    points: Sequence[Point],
    *,
    unit: Unit,
    accuracy: float,
    megabytes: float,
    delta: float,
    worst_tenth: float = 0.0,
    epsilon: float = math.inf,
) -> Spec | Infeasible:
    """The smallest ε that reaches the accuracy within the megabytes.

    Args:
        points: that were measured; those of the other unit are not looked at.
        unit, accuracy, megabytes, delta, worst_tenth, epsilon: as of `Target`.

    Returns:
        A `Spec`, or an `Infeasible`, which is false. An accuracy counts by the **lower end** of its interval
        over seeds. Of points with the same ε, the one with the fewest bytes, then with the highest lower end.

    Raises:
        ValueError: if a number is out of its range, or no point has this unit.

    Guarantee: no other point that meets the target has a smaller ε.
    Limits: only among settings that were tried, and on the seeds that they were tried with. Of many points
        that just pass, some pass by luck, and the smallest ε is where luck helps most: `confirm` the choice
        with fresh seeds. What the search has cost is not in ε: `search_cost`.
    """
    target = Target(unit, accuracy, megabytes, delta, worst_tenth, epsilon)
    candidates = [priced(point, delta) for point in of_unit(points, unit)]
    # Without noise there is no promise, so such a point is no answer to any target.
    candidates = [point for point in candidates if math.isfinite(point.epsilon)]
    excess = {point: shortfalls(point, target) for point in candidates}
    good = [point for point in candidates if max(excess[point].values()) <= 0]
    if good:
        best = min(good, key=lambda point: (point.epsilon, point.megabytes, -point.accuracy.low))
        return Spec(point=best, target=target, num_points=len(candidates))
    nearest = nearest_points(excess, target)
    return Infeasible(
        target, tuple(limit for limit in nearest if limit in CONSTRAINTS), nearest, len(candidates)
    )


def nearest_points(excess: dict[Point, dict[str, float]], target: Target) -> dict[str, Point]:
    """What to give up, as few limits as will do → the point that then comes nearest; see `Infeasible`."""
    asked = {
        "accuracy": target.accuracy, "worst tenth": target.worst_tenth, "megabytes": target.megabytes,
        "epsilon": target.epsilon,
    }  # fmt: skip

    def missed(point: Point, limit: str) -> float:
        return excess[point][limit] / asked[limit] if excess[point][limit] > 0 and asked[limit] else 0.0

    for number in range(1, len(CONSTRAINTS) + 1):
        nearest = {}
        for limits in itertools.combinations(CONSTRAINTS, number):
            kept = [limit for limit in CONSTRAINTS if limit not in limits]
            others = [point for point, by in excess.items() if all(by[limit] <= 0 for limit in kept)]
            if others:
                nearest[AND.join(limits)] = min(
                    others, key=lambda p, of=limits: (max(missed(p, limit) for limit in of), p.epsilon)
                )
        if nearest:
            return nearest
    return {}


def shortfalls(point: Point, target: Target) -> dict[str, float]:
    """By how much a point misses each limit, in the limit's unit; 0 or less where it keeps it."""
    return {
        "accuracy": target.accuracy - point.accuracy.low,
        "worst tenth": target.worst_tenth - point.worst_tenth.low if target.worst_tenth > 0 else 0.0,
        "megabytes": point.megabytes - target.megabytes,
        "epsilon": point.epsilon - target.epsilon,
    }


def priced(point: Point, delta: float) -> Point:
    """The point with its ε at this δ."""
    if point.delta == delta:
        return point
    epsilon = epsilon_of(point.setting, delta=delta, accountant=point.accountant)
    return replace(point, epsilon=epsilon, delta=delta)


def value_text(point: Point, limit: str) -> str:
    """What a point has where a limit is, in words."""
    return {
        "accuracy": f"accuracy {point.accuracy.low:.3f} (lower end)",
        "worst tenth": f"worst tenth {point.worst_tenth.low:.3f} (lower end)",
        "megabytes": f"{point.megabytes:.3g} MB",
        "epsilon": f"an ε of {point.epsilon:.3g}",
    }[limit]


def limit_text(target: Target, limit: str) -> str:
    """A limit in words."""
    return {
        "accuracy": f"{target.accuracy:g}",
        "worst tenth": f"{target.worst_tenth:g}",
        "megabytes": f"{target.megabytes:g} MB",
        "epsilon": f"{target.epsilon:g}",
    }[limit]
