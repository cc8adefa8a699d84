"""A point of the search: a setting, what it costs, how it did with each seed; and which are undominated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course.privacy import Unit
from course.trade_off.judging import Interval, over_seeds
from course.trade_off.message_costs import megabytes
from course.trade_off.promise import ACCOUNTANT, same_unit
from course.trade_off.setting import Setting


@dataclass(frozen=True)
class Point:
    """What is known of one setting.

    Attributes:
        setting: what was run.
        epsilon: of the whole run, in nats, per `setting.unit` under ADD_REMOVE.
        delta: of the whole run.
        seeds: of the runs.
        accuracies: mean accuracy over the validation clients, one a seed.
        worst_tenths: mean accuracy of the tenth of the validation clients for whom it is worst, one a seed.
        accountant: who computed ε.
        megabytes: a client sends and receives in expectation; None computes it from the setting.
    """

    setting: Setting
    epsilon: float
    delta: float
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    worst_tenths: tuple[float, ...]
    accountant: str = ACCOUNTANT
    megabytes: float | None = None

    def __post_init__(self) -> None:
        counts = len(self.seeds), len(self.accuracies), len(self.worst_tenths)
        if len(set(counts)) > 1 or counts[0] < 2:
            raise ValueError(f"a point has at least two seeds, and a number for each; got {counts}")
        if self.megabytes is None:
            object.__setattr__(self, "megabytes", megabytes(self.setting))

    @property
    def unit(self) -> Unit:
        """Whose data ε covers."""
        return self.setting.unit

    @property
    def accuracy(self) -> Interval:
        """Mean over the validation clients, over seeds."""
        return over_seeds(self.accuracies)

    @property
    def worst_tenth(self) -> Interval:
        """The same of the tenth of the clients for whom the model is worst."""
        return over_seeds(self.worst_tenths)


def of_unit(points: Sequence[Point], unit: Unit) -> tuple[Point, ...]:
    """The points whose ε is per `unit`.

    Raises:
        ValueError: if there is none.
    """
    found = tuple(point for point in points if point.unit is unit)
    if not found:
        raise ValueError(f"none of the {len(points)} points has the unit {unit!r}")
    return found


def pareto(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other beats: none is as good in ε, megabytes and accuracy, and better in one.

    Args:
        points: of one unit and one δ.

    Returns:
        By rising ε.

    Raises:
        UnitsDiffer: if there are two units.
        ValueError: if there are two δ, or no point.

    Limits: on mean accuracies of few seeds, so a lucky point may stand before a better one.
    """
    same_unit((point.setting for point in points), what="the Pareto front")
    if len({point.delta for point in points}) > 1:
        raise ValueError("these points have different δ; ε at one δ says nothing beside ε at another")
    costs = [(point.epsilon, point.megabytes, -point.accuracy.value) for point in points]

    def beaten(mine: tuple[float, ...]) -> bool:
        return any(other != mine and all(o <= m for o, m in zip(other, mine, strict=True)) for other in costs)

    kept = [(cost, point) for cost, point in zip(costs, points, strict=True) if not beaten(cost)]
    return tuple(point for _, point in sorted(kept, key=lambda pair: pair[0]))


def front_within(points: Sequence[Point], megabytes: float) -> tuple[Point, ...]:
    """The best accuracy for each ε that at most so many megabytes a client buy, by rising ε.

    Raises:
        UnitsDiffer: if there are two units.

    Limits: as of `pareto`. Empty if no point is small enough.
    """
    same_unit((point.setting for point in points), what="a front")
    affordable = sorted(
        (point for point in points if point.megabytes <= megabytes),
        key=lambda point: (point.epsilon, -point.accuracy.value),
    )
    front: list[Point] = []
    for point in affordable:
        if not front or point.accuracy.value > front[-1].accuracy.value:
            front.append(point)
    return tuple(front)


def epsilon_surface(
    points: Sequence[Point], *, accuracies: Sequence[float], megabytes: Sequence[float]
) -> np.ndarray:
    """The smallest ε for each pair of an accuracy (lower end) and a number of megabytes.

    Args:
        points: of one unit and one δ.
        accuracies: at least, by the lower end of the interval.
        megabytes: a client, at most.

    Returns:
        Shape (accuracies, megabytes), in nats; infinite where no point meets both.

    Raises:
        UnitsDiffer: if there are two units.
    """
    same_unit((point.setting for point in points), what="a surface of ε")
    rows = np.array([(point.epsilon, point.accuracy.low, point.megabytes) for point in points])
    good = (rows[:, 1] >= np.asarray(accuracies)[:, None, None]) & (
        rows[:, 2] <= np.asarray(megabytes)[None, :, None]
    )
    return np.where(good, rows[:, 0], np.inf).min(-1)


def columns_of(points: Sequence[Point]) -> dict[str, np.ndarray]:
    """What a picture needs, one entry a point: "epsilon", "accuracy", "low", "high", "megabytes"."""
    intervals = [point.accuracy for point in points]
    return {
        "epsilon": np.array([point.epsilon for point in points]),
        "accuracy": np.array([interval.value for interval in intervals]),
        "low": np.array([interval.low for interval in intervals]),
        "high": np.array([interval.high for interval in intervals]),
        "megabytes": np.array([point.megabytes for point in points]),
    }
