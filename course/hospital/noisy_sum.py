"""Noise once on the secure sum: each hospital adds its share, and no one party knows the whole noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course.crypto import Stage, secure_sum
from course.crypto.masks import MODULUS
from course.privacy import discrete_gaussian


@dataclass(frozen=True, eq=False)
class NoisySum:
    """What comes of one round.

    Attributes:
        total: the sum over `survivors`, noise included, int64, shape (length,).
        survivors: the hospitals that are in it, in the order of the vectors.
        bytes_sent: of all messages of all parties together.
    """

    total: np.ndarray
    survivors: tuple[str, ...]
    bytes_sent: int


def share_std(noise_std: float, *, num_hospitals: int, spare: int) -> float:
    """The standard deviation of each hospital's share, so that `num_hospitals − spare` shares suffice.

    Args:
        noise_std: of the noise that the guarantee needs, in any unit.
        num_hospitals: that add a share.
        spare: how many of the shares may be missing (a hospital drops out) or known (a hospital looks at what
            it added itself), from 0 to num_hospitals − 1.

    Returns:
        noise_std / √(num_hospitals − spare), in the same unit. All shares together are a little more noise
        than
        needed: noise_std · √(num_hospitals / (num_hospitals − spare)).

    Raises:
        ValueError: if a number is out of its range.

    Guarantee: the sum of any `num_hospitals − spare` independent shares has at least `noise_std`.
    Source: Kairouz, Liu, Steinke 2021, arXiv:2102.06387 (the distributed discrete Gaussian).
    """
    if not 0 <= noise_std < math.inf or not 0 <= spare < num_hospitals:
        raise ValueError(
            f"noise_std must be ≥ 0, and spare from 0 to num_hospitals − 1; got {noise_std!r}, {spare!r} and "
            f"{num_hospitals!r}"
        )
    return noise_std / math.sqrt(num_hospitals - spare)


def noise_left(noise_multiplier: float, *, num_hospitals: int, spare: int, known: int) -> float:
    """The noise multiplier that protects against somebody who knows (or is missing) `known` of the shares.

    Args:
        noise_multiplier: planned, of `num_hospitals − spare` shares.
        num_hospitals, spare: as in `share_std`.
        known: shares that hide nothing from this adversary, from 0 to `num_hospitals`.

    Returns:
        The planned multiplier times √((num_hospitals − known) / (num_hospitals − spare)).
    """
    if not 0 <= known <= num_hospitals:
        raise ValueError(f"known must be 0 to {num_hospitals}; got {known!r}")
    one_share = share_std(noise_multiplier, num_hospitals=num_hospitals, spare=spare)
    return one_share * math.sqrt(num_hospitals - known)


def add_noise_share(
    steps: np.ndarray, *, noise_std: float, num_hospitals: int, spare: int, rng: np.random.Generator
) -> np.ndarray:
    """What a hospital puts into the secure sum: its integers and its share of discrete Gaussian noise.

    Args:
        steps: int64, shape (length,): the sum of its patients' clipped integers.
        noise_std: of the noise that the guarantee needs, in steps; 0 adds none.
        num_hospitals, spare: as in `share_std`.
        rng: the hospital's own; its seed must stay secret.

    Returns:
        int64, shape (length,).

    Guarantee: with `num_hospitals − spare` such shares the sum has noise of at least `noise_std`; with the
        sensitivity in steps it is a Gaussian mechanism for the accountant.
    Limits: a sum of discrete Gaussians is not exactly one. At shares of more than a thousand steps the
        difference is far below any δ here (a test computes it for small shares), and the accountant's Poisson
        amplification is proved for the continuous Gaussian. A hospital that lies about its share weakens the
        others' guarantee; `spare` of them may.
    Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010 (the noise); Kairouz, Liu, Steinke 2021,
        arXiv:2102.06387 (its sums).
    """
    share = share_std(noise_std, num_hospitals=num_hospitals, spare=spare)
    if share == 0:
        return steps.copy()
    return steps + discrete_gaussian(len(steps), noise_std=share, rng=rng)


def add_up_securely(
    vectors: Mapping[str, np.ndarray], *, threshold: int, dropouts: Mapping[str, Stage] | None = None
) -> NoisySum:
    """The sum of the hospitals' integers, by lesson 08's protocol: the server sees nothing but the sum.

    Args:
        vectors: hospital → int64, shape (length,), of any sign.
        threshold: hospitals that must stay to the end, more than half.
        dropouts: hospital → the stage before which it vanishes.

    Raises:
        ThresholdNotMet: if too few stay; then nothing is released.
        ValueError: if a number is so large that a sum might overflow.

    Guarantee: the exact sum over the survivors, or an exception.
    Limits: all parties are in this process here; to learn from, not to deploy.
    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4.
    """
    largest = (MODULUS // 2 - 1) // max(1, len(vectors))
    for hospital, vector in vectors.items():
        if np.abs(vector).max(initial=0) > largest:
            raise ValueError(f"a number of {hospital} is beyond ±{largest}, and a sum could overflow")
    ids = {hospital: number for number, hospital in enumerate(vectors, start=1)}
    # Negative numbers are the upper half of the residues, as in lesson 07.
    result = secure_sum(
        {ids[hospital]: np.mod(vector, MODULUS) for hospital, vector in vectors.items()},
        threshold=threshold,
        dropouts={ids[hospital]: stage for hospital, stage in (dropouts or {}).items()},
        modulus=MODULUS,
    )
    total = result.total.astype(np.int64)
    total[total >= MODULUS // 2] -= MODULUS
    survivors = tuple(hospital for hospital, number in ids.items() if number in result.survivors)
    sent = sum(t.up + t.down for stages in result.traffic.values() for t in stages.values())
    return NoisySum(total, survivors, sent)
