"""The checks of what is published: noise, ε, budget, loss, and of who is invited."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from course.audit_lab.checks import Check, promised_noise_is_local
from course.audit_lab.findings import Flaw, Measured, Read
from course.audit_lab.records import RoundRefused, as_update
from course.audit_lab.vendor import Vendor
from course.privacy import epsilon_spent

MISTAKE = 1e-6
"""How rarely a check that rests on chance accuses a vendor without the flaw, unless it is told otherwise."""

LARGEST_EPSILON = 10.0
"""Above it a promise is called empty: an outcome may be e^10, 22,000 times, as likely with you as without."""

NO_NOISE_SHARE = 1e-3
ACCOUNTANT_SLACK = 1.01


def measure_noise(vendor: Vendor, *, length: int = 4096, mistake: float = MISTAKE) -> Measured:
    """The noise of a round in units of the clipping norm, from two rounds with the same updates.

    Equal updates give equal sums, so what differs is noise, with √2 times its deviation. Where the contract
    says that each message is noised, it is measured in a message.

    Args:
        length: entries of the updates; the more, the narrower the interval.
        mistake: the probability, on each side, that the interval misses the true multiplier.
    """
    annex, deployment = vendor.annex, vendor.deploy()
    updates = {101: np.zeros(length), 102: np.zeros(length)}
    seen = []
    for _ in range(2):
        record = deployment.run_round(updates)
        local = promised_noise_is_local(annex)
        seen.append(as_update(record.messages[101], annex) if local else record.release)
    squares = float(np.square(seen[1] - seen[0]).sum()) / 2
    low, high = (math.sqrt(squares / stats.chi2.isf(tail, length)) for tail in (mistake, 1 - mistake))
    norm = annex.max_update_norm
    return Measured(
        "noise multiplier of a round", math.sqrt(squares / length) / norm, low / norm, high / norm
    )


def check_noise(vendor: Vendor) -> Check:
    """Is there noise in what is published, and is it new in each round?"""
    noise = measure_noise(vendor)
    passed = noise.value > NO_NOISE_SHARE
    return Check("Is there fresh noise?", Flaw.NO_NOISE, passed, noise, MISTAKE, 2)


def check_epsilon(vendor: Vendor, *, mistake: float = MISTAKE) -> Check:
    """Does the measured noise give the stated ε over all the rounds?

    Limits: it takes the clipping norm and the sampling from the contract, and the noise to be Gaussian. An ε
        that is stated too large is no finding.
    """
    noise, annex, name = measure_noise(vendor, mistake=mistake), vendor.annex, "Does ε cover all rounds?"
    if noise.value <= NO_NOISE_SHARE:
        nothing = Read("two rounds with the same updates", "no noise, so there is no ε to check")
        return Check(name, Flaw.PER_ROUND_EPSILON, None, nothing, 0.0, 2)
    value, low, high = (_epsilon(vendor, multiplier) for multiplier in (noise.value, noise.high, noise.low))
    evidence = Measured(f"ε of {annex.rounds} rounds at δ = {annex.delta:g}", value, low, high)
    passed = low <= ACCOUNTANT_SLACK * annex.epsilon
    return Check(name, Flaw.PER_ROUND_EPSILON, passed, evidence, mistake, 2)


def _epsilon(vendor: Vendor, noise_multiplier: float) -> float:
    annex = vendor.annex
    return epsilon_spent(
        noise_multiplier=noise_multiplier, sample_rate=annex.sample_rate, steps=annex.rounds,
        delta=annex.delta, accountant=annex.accountant, adjacency=annex.adjacency,
    )  # fmt: skip


def check_budget(vendor: Vendor) -> Check:
    """Does the service stop when the rounds that ε was computed for have been run?"""
    deployment, allowed, refusal = vendor.deploy(), vendor.annex.rounds, None
    updates = {101: np.zeros(1), 102: np.zeros(1)}
    for _ in range(allowed):
        reported = deployment.run_round(updates).reported_epsilon
    try:
        reported = deployment.run_round(updates).reported_epsilon
    except RoundRefused as error:
        refusal = str(error)
    said = refusal or f"it ran, and the meter shows {reported:.2f} of {vendor.annex.epsilon:g}"
    evidence = Read(f"round {allowed + 1}, one more than the contract pays for", said)
    return Check(
        "Does it stop when ε is spent?", Flaw.NO_ACCOUNTING, refusal is not None, evidence, 0.0, allowed + 1
    )


def check_promise(vendor: Vendor) -> Check:
    """Is the ε of the contract small enough to mean something?"""
    epsilon = vendor.annex.epsilon
    evidence = Measured("ε of the contract, all rounds", epsilon, epsilon, epsilon)
    return Check("Does ε mean something?", Flaw.EMPTY_PROMISE, epsilon <= LARGEST_EPSILON, evidence, 0.0, 0)


def check_loss(vendor: Vendor) -> Check:
    """Does the published loss follow one client's loss as exactly as a copy would?

    Five rounds where this client's loss is 0.9, five where it is 0.1. A loss of the published model on public
    data, or one with noise of its own, varies from round to round by more than it follows.
    """
    samples = []
    for own in (0.9, 0.1):
        deployment = vendor.deploy()
        updates = {101: np.zeros(1), 102: np.zeros(1)}
        samples.append([deployment.run_round(updates, {101: 0.05, 102: own}).loss for _ in range(5)])
    shift = float(np.mean(samples[0]) - np.mean(samples[1]))
    spread = float(np.sqrt(np.mean(np.var(samples, axis=1, ddof=1))))
    reach = stats.t.isf(MISTAKE / 2, 8) * spread * math.sqrt(2 / 5)
    evidence = Measured(
        "shift of the published loss when one client's loss goes from 0.1 to 0.9",
        shift,
        shift - reach,
        shift + reach,
    )
    # By chance the spread of noise is a hundredth of the shift that it makes with probability below 1e-12.
    passed = abs(shift) < 1e-9 or spread > 0.01 * abs(shift)
    return Check("Is the loss the clients' own?", Flaw.RAW_LOSS, passed, evidence, 1e-12, 10)


def check_sampler(vendor: Vendor, *, rounds: int = 400, mistake: float = MISTAKE) -> Check:
    """Do sizes of cohorts vary as coins would have it, and are neighbouring rounds independent?

    Limits: other ways to favour somebody are not seen.
    """
    annex, name = vendor.annex, "Is everybody sampled by a coin?"
    draws = vendor.draw_cohorts(rounds)
    if annex.sample_rate == 1:
        everybody = all(len(draw) == annex.population for draw in draws)
        said = Read("the contract and the draws", "everybody takes part in every round: nothing is sampled")
        return Check(name, Flaw.NOT_POISSON, True if everybody else None, said, 0.0, rounds)
    coins = {"population": annex.population, "sample_rate": annex.sample_rate}
    p_value, evidence = min(size_test(draws, **coins), overlap_test(draws, **coins), key=lambda test: test[0])
    return Check(name, Flaw.NOT_POISSON, p_value > mistake / 2, evidence, mistake, rounds)


def size_test(draws: Sequence[np.ndarray], *, population: int, sample_rate: float) -> tuple[float, Measured]:
    """How likely it is that sizes of cohorts vary so little or so much, if each is a sum of coins.

    Returns: the p-value, two-sided, of the sizes' squared distances from their mean: χ², because binomial
        sizes are close to normal; and their variance over that of coins, with its interval.
    """
    sizes, num = np.array([len(draw) for draw in draws]), len(draws)
    expected = population * sample_rate * (1 - sample_rate)
    squares = float(np.square(sizes - population * sample_rate).sum() / expected)
    p_value = 2 * min(stats.chi2.cdf(squares, num), stats.chi2.sf(squares, num))
    low, high = (squares / stats.chi2.isf(tail, num) for tail in (MISTAKE / 4, 1 - MISTAKE / 4))
    evidence = Measured("variance of the cohorts' sizes, over that of coins", squares / num, low, high)
    return float(p_value), evidence


def overlap_test(
    draws: Sequence[np.ndarray], *, population: int, sample_rate: float
) -> tuple[float, Measured]:
    """How likely it is that so few or so many are in two rounds in a row, if each is in each by a coin.

    Returns: the p-value, two-sided, over pairs of rounds that do not overlap, so that the number is binomial;
        and the number over that of coins, with its interval.
    """
    twice = sum(len(np.intersect1d(one, two)) for one, two in zip(draws[::2], draws[1::2], strict=False))
    tries = (len(draws) // 2) * population
    test = stats.binomtest(int(twice), tries, sample_rate**2)
    share = stats.binomtest(int(twice), tries).proportion_ci(1 - MISTAKE / 2)
    value, low, high = (number / sample_rate**2 for number in (twice / tries, share.low, share.high))
    return float(test.pvalue), Measured(
        "people in two rounds in a row, over those of coins", value, low, high
    )
