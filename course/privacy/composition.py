"""What several releases promise together, and what one release promises to several people."""

import math
from collections.abc import Sequence


def compose_basic(epsilons: Sequence[float], deltas: Sequence[float] = ()) -> tuple[float, float]:
    """Several releases about the same people: the ε add up, and so do the δ.

    Args:
        epsilons: ε ≥ 0 of each release, in nats.
        deltas: δ of each, or nothing when all are pure.

    Returns:
        (ε, δ) of all together.

    Raises:
        ValueError: if a number is out of its range, or the lengths differ.

    Guarantee: holds even if each release was chosen after seeing the ones before it.
    Limits: for many small ε far from tight; see `compose_advanced` and `epsilon_spent`.
    Source: Dwork and Roth 2014, Theorem 3.16.
    """
    deltas = tuple(deltas) or (0.0,) * len(epsilons)
    if len(deltas) != len(epsilons):
        raise ValueError(f"as many δ as ε are needed; got {len(deltas)} and {len(epsilons)}")
    for epsilon, delta in zip(epsilons, deltas, strict=True):
        _check(epsilon, delta)
    return float(sum(epsilons)), min(1.0, float(sum(deltas)))


def compose_advanced(epsilon: float, *, steps: int, slack: float, delta: float = 0.0) -> tuple[float, float]:
    """The same for `steps` releases of (ε, δ) each: ε grows with √steps, at the price of a little more δ.

    Args:
        epsilon: ε ≥ 0 of each release, in nats.
        steps: how many, ≥ 0.
        slack: 0 < δ' < 1, the extra δ.
        delta: δ of each release.

    Returns:
        (ε √(2 · steps · log(1/δ')) + steps · ε (e^ε − 1), steps · δ + δ') of all together.

    Raises:
        ValueError: if a number is out of its range.

    Guarantee: as `compose_basic`.
    Limits: worse than basic for few or large ε; never better than an accountant that knows the mechanism.
    Source: Dwork and Roth 2014, Theorem 3.20.
    """
    _check(epsilon, delta)
    if steps != int(steps) or steps < 0 or not 0 < slack < 1:
        raise ValueError(f"steps is a whole number ≥ 0 and slack lies in (0, 1); got {steps!r}, {slack!r}")
    try:
        drift = steps * epsilon * math.expm1(epsilon)
    except OverflowError:
        drift = math.inf
    total = epsilon * math.sqrt(2 * steps * math.log(1 / slack)) + drift
    return total, min(1.0, steps * delta + slack)


def compose_parallel(epsilons: Sequence[float]) -> float:
    """Releases about disjoint groups of people: each person is in one of them, so the largest ε counts.

    Args:
        epsilons: ε ≥ 0 of each group's release, at least one, in nats.

    Raises:
        ValueError: if there is none, or one is out of its range.

    Guarantee: under ADD_REMOVE, for a unit that lies wholly within one group.
    Limits: a person with data in two groups spends the sum. Who is in which group must not depend on the data
        of others, and under REPLACE_ONE a person may also move from one group to another: then two ε add up.
    Source: McSherry 2009, "Privacy integrated queries", Theorem 4.
    """
    if len(epsilons) == 0:
        raise ValueError("there is no release to compose")
    for epsilon in epsilons:
        _check(epsilon, 0.0)
    return float(max(epsilons))


def group_privacy(epsilon: float, *, people: int, delta: float = 0.0) -> tuple[float, float]:
    """What a promise to each person is worth to a group of `people` who act as one.

    Args:
        epsilon: ε ≥ 0 for one person, in nats.
        people: k ≥ 1.
        delta: δ for one person.

    Returns:
        (k ε, δ (e^(kε) − 1) / (e^ε − 1)), the second at most 1.

    Raises:
        ValueError: if a number is out of its range.

    Guarantee: for any k people; it follows by changing them one after the other.
    Source: Dwork and Roth 2014, Theorem 2.2 (pure); Vadhan 2017, "The complexity of differential privacy",
        Lemma 2.2 (with δ, there in a slightly looser form).
    """
    _check(epsilon, delta)
    if people != int(people) or people < 1:
        raise ValueError(f"a group has at least one person, a whole number of them; got {people!r}")
    total = (
        sum(delta * math.exp(min(person * epsilon, 700.0)) for person in range(int(people))) if delta else 0.0
    )
    return float(people * epsilon), min(1.0, total)


def _check(epsilon: float, delta: float) -> None:
    if not epsilon >= 0 or not 0 <= delta < 1:
        raise ValueError(f"epsilon must be at least 0 and delta in [0, 1); got {epsilon!r} and {delta!r}")
