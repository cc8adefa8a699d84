"""Distributed DP: shares that add up to the planned noise, and an ε that exact probabilities bear out.

Fixed seeds; each statistical test accepts p > 1e-4, its false-alarm probability before the seed was fixed.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_ledger import recomputes

from course.crypto import Stage, ThresholdNotMet
from course.federated import InProcessGrid
from course.federated.enrolment import enrol
from course.federated.private_sum import check_room, from_residues, private_sum, to_residues
from course.federated.secure_flower import find_clients, secure_round
from course.federated.secure_flower_clients import secure_client_app
from course.privacy import Adjacency, Ledger, Unit, noise_for
from course.privacy.distributed_gaussian import (
    NoiseShares,
    clip_to_steps,
    closeness_of_sum,
    closeness_to_gaussian,
    noisy_steps,
    record_sum,
)
from course.privacy.gaussian import gaussian_delta
from course.privacy.ledger import DISTRIBUTED, epsilon_near_gaussian

P_VALUE = 1e-4
WHO = {"unit": Unit.CLIENT, "adjacency": Adjacency.REPLACE_ONE}


def sources(count, seed=0):
    return {client: np.random.default_rng([seed, client]) for client in range(count)}


# Exact probabilities ------------------------------------------------------------------------------------


def probabilities(std, reach):
    """Of the discrete Gaussian on −reach … reach."""
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * std**2))
    return weights / weights.sum()


def sum_probabilities(num_shares, std, reach):
    """Of the sum of so many, by convolution: positive terms only, so each has a small relative error."""
    total = probabilities(std, reach)
    for _ in range(num_shares - 1):
        total = np.convolve(total, probabilities(std, reach))
    return total


def exact_delta(noise, shift, epsilon):
    """The δ at this ε for two neighbours `shift` apart, under noise with these probabilities."""
    here, there = np.pad(noise, (0, shift)), np.pad(noise, (shift, 0))
    return np.maximum(here - math.exp(epsilon) * there, 0).sum()


@pytest.mark.parametrize("num_shares", [2, 3, 10])
@pytest.mark.parametrize("std", [0.5, 0.6, 0.8, 1.0])
def test_a_sum_of_discrete_gaussians_is_as_close_to_one_as_the_theorem_says(num_shares, std):
    reach = 60
    total = sum_probabilities(num_shares, std, reach)
    middle = num_shares * reach
    # Where all that is cut off is below 1e-30 of what is left.
    near = slice(middle - 8, middle + 9)
    ideal = probabilities(math.sqrt(num_shares) * std, middle)
    measured = np.abs(np.log(total[near] / ideal[near])).max()
    assert measured <= closeness_of_sum(num_shares, share_std=std) + 1e-13
    # And it is no empty bound: for two shares, whose difference nothing smooths, it is within a factor of 20.
    assert num_shares > 2 or closeness_of_sum(num_shares, share_std=std) < 20 * measured


def test_closeness_is_none_for_one_share_and_vanishes_with_more_noise():
    assert closeness_of_sum(1, share_std=0.5) == 0
    values = [closeness_of_sum(10, share_std=std) for std in (0.5, 1.0, 2.0, 3.0)]
    assert values == sorted(values, reverse=True)
    assert 1 + values[-1] == 1
    # 5 Σ exp(−2π² s² k / (k + 1)) at s = 1/2, n = 3, by hand.
    by_hand = 5 * (math.exp(-(math.pi**2) / 4) + math.exp(-(math.pi**2) / 3))
    assert closeness_of_sum(3, share_std=0.5) == pytest.approx(by_hand, rel=1e-12)
    for num_shares, std in ((0, 1.0), (1.5, 1.0), (3, 0.4), (3, math.nan)):
        with pytest.raises(ValueError, match=r"num_shares|share_std"):
            closeness_of_sum(num_shares, share_std=std)


@pytest.mark.parametrize("num_shares", [3, 7, 10])
@pytest.mark.parametrize("norm_steps", [1, 8])
def test_the_claimed_epsilon_covers_the_exact_loss_of_a_sum(num_shares, norm_steps):
    # The definition of DP on the exact probabilities of the sum: no RDP and no theorem in between.
    shares = NoiseShares(1.0, 1.2, planned_shares=3, norm_steps=norm_steps)
    delta = 1e-6
    claim = record_sum(Ledger(), "sum", shares, num_shares=num_shares, length=1, delta=delta, **WHO)
    noise = sum_probabilities(num_shares, shares.share_std, int(12 * shares.share_std) + 12)
    assert exact_delta(noise, 2 * norm_steps, claim.epsilon) <= delta
    # And not by far: at two thirds of the ε the promise is broken.
    assert exact_delta(noise, 2 * norm_steps, claim.epsilon * 2 / 3) > delta


@pytest.mark.parametrize("std", [0.5, 1.0, 3.0, 10.0, 40.0])
def test_a_discrete_gaussian_is_as_close_to_the_rounded_one_as_stated(std):
    k = np.arange(-int(12 * std), int(12 * std) + 1)
    ideal = -(k**2) / (2 * std**2) - math.log(np.exp(-(np.arange(-1000, 1001) ** 2) / (2 * std**2)).sum())
    # Each cell of the rounded Gaussian, from the side where its tail is small, by quadrature on 64 points.
    nodes, weights = np.polynomial.legendre.leggauss(64)
    cells = np.exp(-((np.abs(k)[:, None] + nodes / 2) ** 2 - (k**2)[:, None]) / (2 * std**2)) @ weights / 2
    rounded = np.log(cells) - (k**2) / (2 * std**2) - math.log(std * math.sqrt(2 * math.pi))
    measured = np.abs(rounded - ideal).max()
    assert measured <= closeness_to_gaussian(std)
    assert measured < 1e-9 or closeness_to_gaussian(std) < 5 * measured
    near = np.abs(k) <= 3 * std
    assert np.allclose(
        np.exp(rounded)[near], np.diff(stats.norm(scale=std).cdf(np.arange(k[0], k[-1] + 2) - 0.5))[near]
    )


@pytest.mark.parametrize("accountant", ["rdp", "prv", "pld"])
def test_the_claimed_epsilon_covers_the_exact_loss_of_a_sampled_sum(accountant):
    shares, rate, delta = NoiseShares(1.0, 1.0, planned_shares=4, norm_steps=64), 0.3, 1e-5
    claim = record_sum(
        Ledger(), "sum", shares, num_shares=4, length=1, delta=delta, sample_rate=rate, accountant=accountant,
        unit=Unit.PATIENT, adjacency=Adjacency.ADD_REMOVE,
    )  # fmt: skip
    noise = sum_probabilities(4, shares.share_std, int(12 * shares.share_std))
    here, there = np.pad(noise, (0, 64)), np.pad(noise, (64, 0))
    mixed = (1 - rate) * here + rate * there
    exact = [
        np.maximum(one - math.exp(claim.epsilon) * other, 0).sum()
        for one, other in ((mixed, here), (here, mixed))
    ]
    assert max(exact) <= delta
    assert recomputes(claim)
    # 144 / (24 · 64²), once on each side, is what the coarse steps cost; fine ones cost nothing to speak of.
    assert claim.closeness == pytest.approx(144 / 24 / 64**2, rel=1e-6)
    fine = NoiseShares(1.0, 1.0, planned_shares=4, norm_steps=2**16)
    assert closeness_to_gaussian(fine.share_std * 2) < 2e-9


def test_without_the_closeness_term_the_claim_would_be_false_somewhere():
    # At half a step the sum of many is not discrete Gaussian: see that the extra term does some work.
    delta, num_shares = 1e-3, 2
    noise = sum_probabilities(num_shares, 0.5, 60)
    gaussian = [gaussian_delta(e, noise_std=math.sqrt(0.5), sensitivity=1.0) for e in (2.0, 3.0, 4.0)]
    exact = [exact_delta(noise, 1, e) for e in (2.0, 3.0, 4.0)]
    assert max(np.array(exact) / np.array(gaussian)) > 1.05
    closeness = closeness_of_sum(num_shares, share_std=0.5)
    assert closeness > 0.1
    epsilon = epsilon_near_gaussian(
        noise_multiplier=math.sqrt(0.5), sample_rate=1.0, steps=1, accountant="rdp", delta=delta,
        closeness=closeness, adjacency=Adjacency.ADD_REMOVE,
    )  # fmt: skip
    assert exact_delta(noise, 1, epsilon) <= delta


# The ledger ---------------------------------------------------------------------------------------------


def test_the_ledger_entry_recomputes_also_with_fewer_survivors_than_planned():
    noise = noise_for(
        1.0, delta=1e-5, sample_rate=1.0, steps=1, accountant="rdp", adjacency=Adjacency.REPLACE_ONE
    )
    shares = NoiseShares(1.0, noise, planned_shares=10)
    ledger, epsilons = Ledger(), []
    for survivors in (20, 10, 7, 2):
        claim = record_sum(
            ledger, f"{survivors} survive", shares, num_shares=survivors, length=20, delta=1e-5, **WHO
        )
        assert recomputes(claim)
        assert claim.noise_multiplier == pytest.approx(noise * math.sqrt(survivors / 10))
        epsilons.append(claim.epsilon)
    assert epsilons == sorted(epsilons)
    assert epsilons[1] == pytest.approx(1.0, rel=1e-3)
    assert epsilons[0] < 0.75 and epsilons[2] > 1.15
    assert "distributed discrete gaussian" in str(claim) and claim.mechanism == DISTRIBUTED


def test_coarse_shares_pay_for_their_closeness_and_several_sums_add_up():
    coarse = NoiseShares(1.0, 2.0, planned_shares=9, norm_steps=1)
    once = record_sum(Ledger(), "coarse", coarse, num_shares=9, length=10, delta=1e-5, **WHO)
    assert once.closeness == pytest.approx(10 * closeness_of_sum(9, share_std=2 / 3))
    fine = NoiseShares(1.0, 2.0, planned_shares=9)
    ideal = record_sum(Ledger(), "fine", fine, num_shares=9, length=10, delta=1e-5, **WHO)
    assert ideal.closeness < 1e-15
    assert once.epsilon > ideal.epsilon + 2 * once.closeness
    thrice = record_sum(Ledger(), "thrice", coarse, num_shares=9, length=10, delta=1e-5, steps=3, **WHO)
    assert thrice.closeness == pytest.approx(3 * once.closeness)
    assert all(recomputes(claim) for claim in (once, ideal, thrice))
    assert "(closeness " in str(once)


def test_a_client_that_is_removed_takes_its_noise_along_so_add_remove_is_refused_for_clients_only():
    shares = NoiseShares(1.0, 2.0, planned_shares=9)
    rest = {"num_shares": 9, "length": 3, "delta": 1e-5, "adjacency": Adjacency.ADD_REMOVE}
    with pytest.raises(ValueError, match="takes its share of the noise along"):
        record_sum(Ledger(), "sum", shares, unit=Unit.CLIENT, **rest)
    patient = record_sum(Ledger(), "sum", shares, unit=Unit.PATIENT, **rest)
    client = record_sum(Ledger(), "sum", shares, **rest | WHO)
    assert patient.epsilon < client.epsilon
    with pytest.raises(ValueError, match="length"):
        record_sum(Ledger(), "sum", shares, unit=Unit.PATIENT, **rest | {"length": 0})


def test_clients_that_were_sampled_get_no_amplification_because_all_see_who_takes_part():
    shares = NoiseShares(1.0, 2.0, planned_shares=9)
    rest = {"num_shares": 9, "length": 3, "delta": 1e-5, "sample_rate": 0.1, "accountant": "pld"}
    with pytest.raises(ValueError, match="who takes part is known to all"):
        record_sum(Ledger(), "sum", shares, **rest | WHO)
    record_sum(Ledger(), "sum", shares, unit=Unit.PATIENT, adjacency=Adjacency.REPLACE_ONE, **rest)


# The sum ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("survivors", "dropouts"), [(10, {}), (7, {1: 2, 4: 0, 8: 1})])
def test_the_noise_of_the_sum_has_the_variance_of_the_shares_that_arrived(survivors, dropouts):
    length, shares = 600, NoiseShares(1.0, 1.5, planned_shares=7, norm_steps=64)
    zeros = {client: np.zeros(length) for client in range(10)}
    found = private_sum(
        zeros, shares=shares, threshold=7, dropouts={c: Stage(s) for c, s in dropouts.items()},
        generators=sources(10, seed=survivors),
    )  # fmt: skip
    assert len(found.survivors) == survivors
    std = shares.multiplier_with(survivors) * shares.max_update_norm
    # From a share of 36 steps on, a discrete Gaussian's sum of squares is χ² to far below a percent.
    chi = float((found.total**2).sum() / std**2)
    assert P_VALUE < stats.chi2(length).cdf(chi) < 1 - P_VALUE
    # It would notice: noise planned for ten, or the noise of one client.
    for wrong in (std * math.sqrt(7 / 10), std / math.sqrt(survivors), std * math.sqrt(10 / 7)):
        assert not P_VALUE < stats.chi2(length).cdf((found.total**2).sum() / wrong**2) < 1 - P_VALUE


def test_the_noise_of_the_sum_is_gaussian_and_its_entries_are_independent():
    length, shares = 1_000, NoiseShares(1.0, 1.0, planned_shares=3, norm_steps=256)
    found = private_sum(
        {client: np.zeros(length) for client in range(3)},
        shares=shares,
        threshold=2,
        generators=sources(3, 5),
    )
    assert stats.kstest(found.total, stats.norm(scale=1.0).cdf).pvalue > P_VALUE
    assert stats.pearsonr(found.total[:-1], found.total[1:]).pvalue > P_VALUE


def test_the_sum_is_the_clipped_sum_and_the_noise_of_the_survivors_exactly():
    rng = np.random.default_rng(3)
    vectors = {client: rng.normal(size=8) * 10.0**client for client in (0, 1, 2, 3, 4)}
    shares = NoiseShares(2.0, 0.5, planned_shares=3, norm_steps=128)
    found = private_sum(
        vectors, shares=shares, threshold=3, dropouts={2: Stage.MASKED_INPUT, 4: Stage.UNMASK},
        generators=sources(5),
    )  # fmt: skip
    again = {
        client: noisy_steps(vectors[client], shares, rng=source) for client, source in sources(5).items()
    }
    assert found.survivors == (0, 1, 3, 4)
    expected = sum(again[client] for client in found.survivors)
    assert np.array_equal(found.total / shares.step, expected)


def test_generators_are_fresh_unless_given_and_differ_between_clients():
    zeros = {client: np.zeros(12) for client in range(3)}
    shares = NoiseShares(1.0, 1.0, planned_shares=2)
    one, other = (private_sum(zeros, shares=shares, threshold=2).total for _ in range(2))
    # Two equal draws of 12 entries of a thousand steps: far below 1e-30.
    assert not np.array_equal(one, other)


def test_too_few_survivors_give_no_sum_and_too_little_room_is_refused():
    zeros = {client: np.zeros(3) for client in range(5)}
    shares = NoiseShares(1.0, 1.0, planned_shares=3)
    with pytest.raises(ThresholdNotMet):
        private_sum(zeros, shares=shares, threshold=4, dropouts=dict.fromkeys((0, 1), Stage.UNMASK))
    with pytest.raises(ValueError, match="fewer norm_steps than 4096"):
        private_sum(zeros, shares=shares, threshold=3, modulus=2**16)
    check_room(shares, num_clients=5, modulus=2**32)
    assert from_residues(to_residues(np.array([-3, 2, 0]))).tolist() == [-3, 2, 0]
    assert from_residues(to_residues(np.array([2**15]), modulus=2**16), modulus=2**16).tolist() == [-(2**15)]


def test_the_same_private_sum_runs_over_flower_messages():
    shares = NoiseShares(1.0, 1.0, planned_shares=3, norm_steps=64)
    members = enrol(range(4), threshold=3, length=5)
    vectors = np.random.default_rng(8).normal(size=(4, 5))

    def vector(message, context):
        client = context.node_config["partition-id"]
        return to_residues(noisy_steps(vectors[client], shares, rng=np.random.default_rng([0, client])))

    grid = InProcessGrid(
        secure_client_app(lambda context: members[context.node_config["partition-id"]], vector), 4
    )
    terms = members[0].terms
    nodes = find_clients(grid, terms=terms)
    grid.disconnect(1)
    found = secure_round(grid, nodes, terms=terms)
    here = private_sum(
        dict(enumerate(vectors)), shares=shares, threshold=3, dropouts={1: Stage.ADVERTISE_KEYS},
        generators=sources(4),
    )  # fmt: skip
    assert found.survivors == here.survivors == (0, 2, 3)
    assert np.array_equal(from_residues(found.total) * shares.step, here.total)


# Clipping -----------------------------------------------------------------------------------------------

ENTRIES = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(entries=ENTRIES, norm=st.floats(1e-3, 1e3), norm_steps=st.sampled_from([4, 64, 2**12, 2**20]))
def test_no_vector_is_longer_than_the_sensitivity_says(entries, norm, norm_steps):
    shares = NoiseShares(norm, 1.0, planned_shares=1, norm_steps=norm_steps)
    steps = clip_to_steps(np.array(entries), shares)
    assert sum(int(step) ** 2 for step in steps) <= norm_steps**2


def test_vectors_on_the_edge_do_not_slip_over_it_by_rounding():
    shares = NoiseShares(5.0, 1.0, planned_shares=1, norm_steps=5)
    assert clip_to_steps(np.array([3.0, -4.0]), shares).tolist() == [3, -4]
    # Rounding to the nearest step makes a vector of norm 1 longer: eight entries of 3.54 steps become 4 each.
    even, ten = np.full(8, 8**-0.5), NoiseShares(1.0, 1.0, planned_shares=1, norm_steps=10)
    assert np.linalg.norm(np.rint(even * 10)) > 11
    assert clip_to_steps(even, ten).tolist() == [3] * 8
    # Squares that overflow a float, and entries that no float can divide by.
    huge = clip_to_steps(np.array([6e200, -8e200]), NoiseShares(1.0, 1.0, planned_shares=1, norm_steps=1000))
    assert huge[0] in (599, 600) and huge[1] in (-799, -800)
    assert clip_to_steps(np.array([5e-324]), shares).tolist() == [0]


def test_a_short_vector_keeps_its_value_to_one_step():
    shares, rng = NoiseShares(3.0, 1.0, planned_shares=1, norm_steps=2**10), np.random.default_rng(1)
    vector = rng.normal(size=5) / 4
    back = clip_to_steps(vector, shares) * shares.step
    assert (np.abs(back) <= np.abs(vector)).all() and np.abs(back - vector).max() < shares.step
    assert (clip_to_steps(np.zeros(4), shares) == 0).all()
    for bad in (np.array([math.nan]), np.array([math.inf]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="finite entries"):
            clip_to_steps(bad, shares)


def test_a_plan_out_of_range_is_refused():
    good = {"max_update_norm": 1.0, "noise_multiplier": 1.0, "planned_shares": 3, "norm_steps": 8}
    NoiseShares(**good)
    for change in (
        {"max_update_norm": 0}, {"max_update_norm": math.nan}, {"noise_multiplier": 0},
        {"noise_multiplier": math.inf}, {"planned_shares": 0}, {"planned_shares": 2.5}, {"norm_steps": 0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(change))):
            NoiseShares(**good | change)
    with pytest.raises(ValueError, match="too small to be counted"):
        NoiseShares(**good | {"noise_multiplier": 0.1})
