"""Mechanisms: what turns a number, an answer or a choice into one that may be published."""

import math

import numpy as np

from course.privacy.gaussian import analytic_noise_std


def laplace_mechanism(
    value: float | np.ndarray, *, sensitivity: float, epsilon: float, rng: np.random.Generator
) -> float | np.ndarray:
    """The value plus Laplace noise of parameter sensitivity / ε, drawn anew for each coordinate.

    Args:
        value: what to release, a number or an array of any shape.
        sensitivity: how far neighbouring values may lie apart in L1 norm (summed over coordinates), > 0.
        epsilon: ε > 0, in nats.
        rng: where the noise comes from; its seed must stay secret.

    Returns:
        The noisy value, of the shape of `value`.

    Raises:
        ValueError: if a number is out of its range, or a value is not finite.

    Guarantee: (ε, 0)-DP for the adjacency and unit for which `sensitivity` holds.
    Limits: teaching-grade. The low bits of floating-point noise give the value away (Mironov 2012, "On
        significance of the least significant bits for differential privacy").
    Source: Dwork and Roth 2014, Definition 3.3 and Theorem 3.6.
    """
    _check(sensitivity=sensitivity, epsilon=epsilon)
    exact = _finite(value)
    return _like(value, exact + rng.laplace(scale=sensitivity / epsilon, size=exact.shape))


def gaussian_mechanism(
    value: float | np.ndarray, *, sensitivity: float, epsilon: float, delta: float, rng: np.random.Generator
) -> float | np.ndarray:
    """The value plus the least Gaussian noise that is (ε, δ)-DP, drawn anew for each coordinate.

    Args:
        value: what to release, a number or an array of any shape.
        sensitivity: how far neighbouring values may lie apart in L2 norm, > 0.
        epsilon: ε > 0, in nats.
        delta: 0 < δ < 1.
        rng: where the noise comes from; its seed must stay secret.

    Returns:
        The noisy value, of the shape of `value`.

    Raises:
        ValueError: if a number is out of its range, or a value is not finite.

    Guarantee: (ε, δ)-DP for the adjacency and unit for which `sensitivity` holds.
    Limits: teaching-grade (Mironov 2012 on floating-point noise); `discrete_gaussian` is exact on integers.
    Source: Balle and Wang 2018, arXiv:1805.06530, Algorithm 1.
    """
    noise_std = analytic_noise_std(sensitivity=sensitivity, epsilon=epsilon, delta=delta)
    exact = _finite(value)
    return _like(value, exact + rng.normal(scale=noise_std, size=exact.shape))


def truth_probability(epsilon: float) -> float:
    """How often randomized response keeps the true answer: e^ε / (1 + e^ε).

    Raises:
        ValueError: if ε is not a finite number above 0.
    """
    _check(epsilon=epsilon)
    return 1 / (1 + math.exp(-epsilon))


def randomized_response(answers: np.ndarray, *, epsilon: float, rng: np.random.Generator) -> np.ndarray:
    """Each answer kept with probability e^ε / (1 + e^ε), and turned round otherwise, by its owner's own coin.

    Args:
        answers: zeros and ones (or booleans), any shape; one a person.
        epsilon: ε > 0, in nats.
        rng: where the coins come from; in real life each person has their own.

    Returns:
        The reported answers, of the shape and type of `answers`.

    Raises:
        ValueError: if ε is out of its range or an answer is neither 0 nor 1.

    Guarantee: (ε, 0)-DP for each person's answer under REPLACE_ONE, against whoever collects the reports.
    Limits: one question, asked once. Repeating it, or asking about what it implies, adds up.
    Source: Warner 1965; Dwork and Roth 2014, section 3.2.
    """
    told = np.asarray(answers)
    if told.dtype == object or not np.isin(told, (0, 1)).all():
        raise ValueError("randomized response takes answers of 0 and 1 (or False and True) only")
    lies = rng.random(told.shape) >= truth_probability(epsilon)
    return np.where(lies, 1 - told.astype(int), told).astype(told.dtype)


def share_from_reports(reports: np.ndarray, *, epsilon: float) -> float:
    """An unbiased estimate of the share of true ones behind randomized reports: (mean − p) / (1 − 2p).

    Args:
        reports: zeros and ones from `randomized_response`, not empty.
        epsilon: the ε with which they were made; p = 1 / (1 + e^ε) is the probability of a lie.

    Returns:
        The estimate. It may fall below 0 or above 1: cutting it off there would bias it.

    Raises:
        ValueError: if there is no report, or ε is out of its range.

    Source: Warner 1965.
    """
    lie = 1 - truth_probability(epsilon)
    if np.size(reports) == 0:
        raise ValueError("a share of no reports is undefined")
    return float((np.mean(reports) - lie) / (1 - 2 * lie))


def exponential_mechanism(
    scores: np.ndarray, *, sensitivity: float, epsilon: float, rng: np.random.Generator
) -> int:
    """An index drawn with probability proportional to exp(ε · score / (2 · sensitivity)).

    Args:
        scores: how good each option is, shape (num_options,), higher is better.
        sensitivity: how far any one option's score may move between neighbours, > 0.
        epsilon: ε > 0, in nats.
        rng: where the choice comes from.

    Returns:
        The index of the chosen option.

    Raises:
        ValueError: if a number is out of its range, a score is not finite, or there is no option.

    Guarantee: (ε, 0)-DP for the adjacency and unit for which `sensitivity` holds.
    Limits: the set of options must not depend on the data. Teaching-grade (floating-point noise).
    Source: McSherry and Talwar 2007; Dwork and Roth 2014, Definition 3.4 and Theorem 3.10. Adding Gumbel
        noise and taking the largest draws from the same distribution.
    """
    _check(sensitivity=sensitivity, epsilon=epsilon)
    options = _finite(scores)
    if options.ndim != 1 or len(options) == 0:
        raise ValueError(f"scores must have shape (num_options,), not {options.shape}")
    return int(np.argmax(options + rng.gumbel(scale=2 * sensitivity / epsilon, size=len(options))))


def _check(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < math.inf:
            raise ValueError(f"{name} must be a finite number above 0; got {number!r}")


def _finite(value: float | np.ndarray) -> np.ndarray:
    exact = np.asarray(value, dtype=float)
    if not np.isfinite(exact).all():
        raise ValueError("a value to release must be finite: NaN or infinity would pass through the noise")
    return exact


def _like(value: float | np.ndarray, noisy: np.ndarray) -> float | np.ndarray:
    return float(noisy) if np.ndim(value) == 0 else noisy
