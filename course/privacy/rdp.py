"""Rényi differential privacy of the subsampled Gaussian mechanism, by hand: one integral, one conversion."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

DEFAULT_ORDERS = (*np.round(np.arange(1.1, 11.0, 0.1), 1).tolist(), *range(11, 64), 128, 256, 512, 1024)
"""Orders at which the bound is tried; the best one wins. Any order gives a valid bound."""

_TAIL = 12.0
"""How many standard deviations of either Gaussian the integral covers: e^(−72) is left out."""

_LEAST_NOISE = 0.05
"""Below this multiplier sampling is not counted: it hardly helps, and the grid would be too long."""


def rdp_subsampled_gaussian(*, noise_multiplier: float, sample_rate: float, order: float) -> float:
    """The Rényi divergence that one step with a Poisson-sampled batch may reveal, in nats.

    One record sits in the batch with probability q. Scaled to sensitivity 1, the outputs without and with
    it are N(0, s²) and (1−q) N(0, s²) + q N(1, s²). Their likelihood ratio at z is
    r(z) = 1 − q + q exp((2z − 1) / 2s²), and the divergence is log E[r^α] / (α − 1) over z ~ N(0, s²).

    Args:
        noise_multiplier: s = noise_std / sensitivity, ≥ 0.
        sample_rate: q, the probability of each record to be in a batch, from 0 to 1.
        order: α > 1, not necessarily whole.

    Returns:
        The RDP at this order; several steps add up.

    Raises:
        ValueError: if an argument is out of its range or not a number.

    Guarantee: under ADD_REMOVE, this divergence bounds both directions at every order.
    Limits: Poisson sampling only. Below a noise multiplier of 0.05 the bound without sampling is returned.
    Source: Mironov, Talwar, Zhang 2019, arXiv:1908.10530, section 3.3 (which has the same expectation as a
        binomial sum for whole α).
    """
    if not order > 1 or not np.isfinite(order):
        raise ValueError(f"the order of a Rényi divergence is a finite number above 1, not {order!r}")
    if not noise_multiplier >= 0 or not 0 <= sample_rate <= 1:
        raise ValueError(
            "noise_multiplier must be ≥ 0 and sample_rate in [0, 1]; "
            f"got {noise_multiplier!r} and {sample_rate!r}"
        )
    if sample_rate == 0 or noise_multiplier == np.inf:
        return 0.0
    if noise_multiplier == 0:
        return float("inf")
    if sample_rate == 1 or noise_multiplier < _LEAST_NOISE:
        return order / (2 * noise_multiplier**2)
    return _log_moment(noise_multiplier, sample_rate, order) / (order - 1)


def _log_moment(s: float, q: float, order: float) -> float:
    """log E[r^α] by the trapezoid rule, which is exact to rounding for functions as smooth as this one."""
    step = min(s, s * s) / 4
    z = np.arange(-_TAIL * s, order + _TAIL * s, step)
    log_density = -(z**2) / (2 * s**2) + np.log(step / (s * np.sqrt(2 * np.pi)))
    log_ratio = np.logaddexp(np.log1p(-q), np.log(q) + (2 * z - 1) / (2 * s**2))
    log_terms = order * log_ratio + log_density
    log_moment = logsumexp(log_terms)
    if log_moment > 0.1:
        return float(log_moment)
    # The moment is 1 plus something tiny. E[r − 1] is 0, so E[r^α] − 1 = E[r^α − 1 − α (r − 1)], whose terms
    # are never negative: summing those keeps the digits that summing r^α itself would lose.
    density = np.exp(log_density)
    near = np.minimum(log_ratio, 1 / order)
    close = density * (np.expm1(order * near) - order * np.expm1(near))
    far = np.exp(log_terms) - density - order * (np.exp(log_ratio + log_density) - density)
    return float(np.log1p(max(0.0, np.where(order * log_ratio < 1, close, far).sum())))


def rdp_to_epsilon(rdp: Sequence[float], *, orders: Sequence[float], delta: float) -> float:
    """The smallest ε that a curve of RDP values promises at this δ.

    Args:
        rdp: total RDP at each order, in nats, shape (num_orders,).
        orders: α > 1 of each, shape (num_orders,).
        delta: 0 < δ < 1.

    Returns:
        ε ≥ 0, or infinity when no order gives a bound.

    Raises:
        ValueError: if the shapes differ, an order is not above 1, or δ is out of range.

    Guarantee: the mechanism is (ε, δ)-DP for the adjacency of the RDP curve.
    Limits: an upper bound; the order that would be best may not be among `orders`.
    Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010v4, Proposition 12; also Balle et al. 2020,
        arXiv:1905.09982, Theorem 21.
    """
    curve, alpha = np.asarray(rdp, dtype=float), np.asarray(orders, dtype=float)
    if curve.shape != alpha.shape or curve.ndim != 1 or len(curve) == 0:
        raise ValueError(f"as many RDP values as orders are needed; got {curve.shape} and {alpha.shape}")
    if not (alpha > 1).all() or not (curve >= 0).all():
        raise ValueError("every order must be above 1 and every RDP value at least 0")
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie strictly between 0 and 1, not {delta!r}")
    epsilons = curve + np.log1p(-1 / alpha) - (np.log(delta) + np.log(alpha)) / (alpha - 1)
    return max(0.0, float(epsilons.min()))
