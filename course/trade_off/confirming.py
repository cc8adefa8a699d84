"""After choosing: fresh seeds for what was chosen, and how hopeful the choice was (the winner's curse)."""

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from course.trade_off.judging import Interval, client_accuracies, over_seeds, worst_tenth
from course.trade_off.points import Point
from course.trade_off.problem import Problem, load_problem
from course.trade_off.promise import same_unit
from course.trade_off.setting import Setting
from course.trade_off.training import train

BAR = {"mininterval": 0.5, "bar_format": "{desc}: {n_fmt}/{total_fmt} {bar} {remaining} left"}
RULES = ("mean", "lower end", "best")


@dataclass(frozen=True)
class Confirmation:
    """How a setting does with seeds that had no part in choosing it.

    Attributes:
        setting: that was run.
        seeds: fresh ones.
        judges: "validation" or "test": which clients were asked.
        accuracies, worst_tenths: one a seed.
    """

    setting: Setting
    seeds: tuple[int, ...]
    judges: str
    accuracies: tuple[float, ...]
    worst_tenths: tuple[float, ...]

    @property
    def accuracy(self) -> Interval:
        """Mean over clients, over the fresh seeds."""
        return over_seeds(self.accuracies)

    @property
    def worst_tenth(self) -> Interval:
        """The same of the tenth of the clients for whom it is worst."""
        return over_seeds(self.worst_tenths)


def confirm(
    setting: Setting,
    *,
    seeds: Sequence[int],
    judges: str = "validation",
    load: Callable[[int], Problem] = load_problem,
    progress: str | None = None,
) -> Confirmation:
    """Run one setting with fresh seeds.

    Args:
        setting: to be run as it is.
        seeds: at least two, none of them used in the search.
        judges: "validation", or "test" for the one look at the end.
        load: seed → the problem.
        progress: a label for a progress bar; None shows none.

    Raises:
        ValueError: for other judges, or fewer than two seeds.

    Limits: another run on private clients is another release, and costs its ε again.
    """
    return confirm_with(setting, seeds=seeds, judges=(judges,), load=load, progress=progress)[judges]


def confirm_with(
    setting: Setting,
    *,
    seeds: Sequence[int],
    judges: Sequence[str],
    load: Callable[[int], Problem] = load_problem,
    progress: str | None = None,
) -> dict[str, Confirmation]:
    """The same trainings before several sets of judges: judges → what they saw. As `confirm` otherwise."""
    if not judges or not set(judges) <= {"validation", "test"} or len(seeds) < 2:
        raise ValueError(f"judges are 'validation' or 'test', seeds at least two; got {judges!r}, {seeds!r}")
    found = {name: [] for name in judges}
    for seed in tqdm(seeds, desc=progress, disable=progress is None, leave=False, file=sys.stdout, **BAR):
        problem = load(seed)
        weights = train(problem.train, setting, seed=seed)[setting.rounds]
        for name in judges:
            accuracies = client_accuracies(weights, getattr(problem, name))
            found[name].append((float(accuracies.mean()), worst_tenth(accuracies)))
    return {
        name: Confirmation(setting, tuple(seeds), name, *zip(*rows, strict=True))
        for name, rows in found.items()
    }


@dataclass(frozen=True, eq=False)
class Curse:
    """What choosing promised, and what seeds without a part in it delivered; one entry a choice.

    Attributes:
        targets: what was asked, shape (choices,); NaN where the best was taken.
        promised: mean accuracy of the chosen point on the seeds that chose it, shape (choices,).
        delivered: mean accuracy of the same point on the other seeds, shape (choices,).
        no_choice: how many times no point passed, so that nothing was promised.
    """

    targets: np.ndarray
    promised: np.ndarray
    delivered: np.ndarray
    no_choice: int

    @property
    def optimism(self) -> float:
        """How much more was promised than delivered, on average."""
        return float(np.mean(self.promised - self.delivered))

    @property
    def missed(self) -> float:
        """The share of the choices that delivered less than was asked; NaN where nothing was."""
        asked = np.isfinite(self.targets)
        return float(np.mean(self.delivered[asked] < self.targets[asked])) if asked.any() else float("nan")


def winners_curse(
    points: Sequence[Point], *, targets: Sequence[float] = (), num_choosing: int = 3, by: str = "mean"
) -> Curse:
    """Choose on some of the seeds, look at the others, for every way to split the seeds.

    Args:
        points: of one unit, with the same seeds.
        targets: accuracies that are asked for; of those who pass, the smallest ε is chosen.
        num_choosing: how many seeds choose, at least two; the others deliver, at least one.
        by: "mean" (a point passes by its mean), "lower end" (by the lower end of its interval over the
            seeds that choose), or "best" (no target: the highest mean is chosen).

    Raises:
        UnitsDiffer: if there are two units.
        ValueError: if the seeds differ, or a number or word is not allowed.

    Guarantee: over all splits, each seed chooses as often as any other, so easy and hard seeds cancel for a
        point that is always chosen; what is left is due to the choosing.
    Limits: the splits share their seeds, so they are not independent; the numbers have no interval.
    """
    same_unit((point.setting for point in points), what="the winner's curse")
    seeds = points[0].seeds
    if any(point.seeds != seeds for point in points):
        raise ValueError("all points must have been run with the same seeds")
    if by not in RULES or not 2 <= num_choosing < len(seeds) or (by == "best") != (len(targets) == 0):
        raise ValueError(
            f"by is one of {', '.join(RULES)} (targets for all but 'best'), and 2 to {len(seeds) - 1} seeds "
            f"choose; got by={by!r}, {len(targets)} targets, num_choosing={num_choosing!r}"
        )
    accuracies = np.array([point.accuracies for point in points])
    order = np.argsort([point.epsilon for point in points], kind="stable")
    found, none = [], 0
    for chosen in itertools.combinations(range(len(seeds)), num_choosing):
        inside, outside = accuracies[:, chosen], np.delete(accuracies, chosen, axis=1)
        judged = _lower_ends(inside) if by == "lower end" else inside.mean(1)
        for target in targets or (np.nan,):
            passing = order[judged[order] >= target] if by != "best" else [int(np.argmax(judged))]
            if len(passing) == 0:
                none += 1
                continue
            winner = passing[0]
            found.append((target, inside[winner].mean(), outside[winner].mean()))
    columns = np.array(found, dtype=float).reshape(-1, 3).T
    return Curse(columns[0], columns[1], columns[2], none)


def _lower_ends(accuracies: np.ndarray) -> np.ndarray:
    return np.array([over_seeds(row).low for row in accuracies])
