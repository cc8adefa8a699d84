"""The audit of DP-SGD: its bound is the published one, holds for correct code, and catches three faults."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.nn import functional as F

from course.attacks import (
    DiracCanaries,
    audit_ceiling,
    audit_epsilon,
    correct_guesses,
    epsilon_lower_bound,
    one_run_p_value,
    with_canaries,
)
from course.privacy import noise_for
from course.privacy.dp_sgd import dp_sgd_step, train_dp_sgd

torch.set_num_threads(1)
DELTA = 1e-5
CANARIES, GUESSES = 2000, 200

# The bound --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canaries", "guesses", "correct", "delta", "published"),
    # Steinke, Nasr, Jagielski 2023, arXiv:2305.08846v1: Appendix D, and section 7 (printed cut to 2.675).
    [(1000, 100, 75, 1e-4, 0.673), (100_000, 1510, 1439, 1e-5, 2.675)],
)
def test_the_bound_is_the_published_one(canaries, guesses, correct, delta, published):
    got = epsilon_lower_bound(correct, num_guesses=guesses, num_canaries=canaries, delta=delta)
    assert got == pytest.approx(published, abs=1e-3)


def test_the_published_p_value():
    # Appendix D: 75 of 100 right are quite likely under ε = log 3.
    p = one_run_p_value(75, num_guesses=100, num_canaries=100, epsilon=math.log(3), delta=0)
    assert p == pytest.approx(0.553, abs=1e-3)


@given(st.integers(0, 60), st.floats(0, 6), st.sampled_from([0.0, 1e-6, 1e-3]))
@settings(deadline=None)
def test_the_p_value_equals_a_slow_sum(correct, epsilon, delta):
    share = math.exp(epsilon) / (1 + math.exp(epsilon))
    chance = [math.comb(60, k) * share**k * (1 - share) ** (60 - k) for k in range(61)]
    tail = sum(chance[correct:])
    steepest = max((sum(chance[correct - i : correct]) / i for i in range(1, correct + 1)), default=0.0)
    expected = min(1.0, tail + 2 * 100 * delta * steepest)
    got = one_run_p_value(correct, num_guesses=60, num_canaries=100, epsilon=epsilon, delta=delta)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_with_delta_zero_the_bound_is_the_clopper_pearson_bound_of_the_share_of_right_guesses():
    for correct in (60, 80, 99):
        share = stats.beta.ppf(0.05, correct, 100 - correct + 1)
        got = epsilon_lower_bound(correct, num_guesses=100, num_canaries=100, delta=0)
        assert got == pytest.approx(max(0.0, math.log(share / (1 - share))), abs=1e-6)


def test_the_ceiling_with_delta_zero_has_a_closed_form():
    share = 0.05 ** (1 / 200)
    got = audit_ceiling(num_guesses=200, num_canaries=2000, delta=0)
    assert got == pytest.approx(math.log(share / (1 - share)))


@given(st.integers(0, 199))
@settings(deadline=None)
def test_one_more_right_guess_never_lowers_the_bound(correct):
    size = {"num_guesses": 200, "num_canaries": 2000, "delta": DELTA}
    bounds = [epsilon_lower_bound(count, **size) for count in (correct, correct + 1)]
    assert 0 <= bounds[0] <= bounds[1] <= audit_ceiling(**size)


def test_more_delta_more_canaries_or_more_confidence_never_raise_the_bound():
    usual = {"num_guesses": 200, "num_canaries": 2000, "delta": 1e-5, "confidence": 0.95}
    bound = epsilon_lower_bound(180, **usual)
    for changed in ({"delta": 1e-4}, {"num_canaries": 20_000}, {"confidence": 0.99}):
        assert epsilon_lower_bound(180, **(usual | changed)) < bound


def test_coin_flips_are_no_evidence_and_a_perfect_guesser_reaches_the_ceiling():
    size = {"num_guesses": 200, "num_canaries": 2000, "delta": DELTA}
    assert epsilon_lower_bound(100, **size) == 0
    assert epsilon_lower_bound(0, **size) == 0
    assert epsilon_lower_bound(200, **size) == audit_ceiling(**size)
    assert 4.1 < audit_ceiling(**size) < 4.2


# Guessing ---------------------------------------------------------------------------------------


def test_the_highest_scores_are_guessed_in_and_the_lowest_out():
    scores = np.array([0.0, 5.0, 1.0, 4.0, 2.0, 3.0])
    included = np.array([False, True, True, False, True, False])
    assert correct_guesses(scores, included, num_guesses=2) == 2
    assert correct_guesses(scores, included, num_guesses=4) == 2  # 3 and 1 are wrong
    assert correct_guesses(-scores, included, num_guesses=2) == 0


def test_randomized_response_is_never_audited_above_its_epsilon_too_often():
    # Randomized response tells each coin truthfully with probability e^ε / (1 + e^ε): ε exactly, δ = 0.
    true_epsilon, runs, above = 1.0, 400, 0
    for seed in range(runs):
        coins = np.random.default_rng([7, seed])

        def tell(included, coins=coins):
            truthful = coins.random(len(included)) < 1 / (1 + math.exp(-true_epsilon))
            return np.where(truthful, included, ~included) + coins.random(len(included)) / 2

        bound = audit_epsilon(
            tell, num_canaries=200, num_guesses=200, delta=0, rng=np.random.default_rng(seed)
        )
        above += bound > true_epsilon
    # At most 5 % of runs may; 36 or more of 400 would happen by chance with probability 4e-4.
    assert above <= 35


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [(np.zeros(9), "one score a canary"), (np.full(10, np.nan), "diverge"), (np.zeros((10, 1)), "one score")],
)
def test_scores_that_cannot_be_guessed_from_are_errors(scores, complaint):
    with pytest.raises(ValueError, match=complaint):
        audit_epsilon(lambda _: scores, num_canaries=10, num_guesses=4, delta=0, rng=np.random.default_rng(0))


def test_counts_and_shares_out_of_range_are_errors():
    rng = np.random.default_rng(0)
    for changed, complaint in (
        ({"num_guesses": 3}, "even"),
        ({"num_guesses": 12}, "num_guesses ≤ num_canaries"),
        ({"num_guesses": 0}, "at least one guess"),
        ({"delta": 1.0}, "delta"),
        ({"confidence": 1.0}, "confidence"),
    ):
        usual = {"num_canaries": 10, "num_guesses": 4, "delta": 1e-5, "rng": rng}
        with pytest.raises(ValueError, match=complaint):
            audit_epsilon(lambda included: np.arange(10.0), **(usual | changed))
    with pytest.raises(ValueError, match="correct"):
        epsilon_lower_bound(5, num_guesses=4, num_canaries=10, delta=0)
    with pytest.raises(ValueError, match="epsilon"):
        one_run_p_value(1, num_guesses=4, num_canaries=10, epsilon=-1.0, delta=0)
    for canaries, strength in ((0, 1.0), (3, 0.0)):
        with pytest.raises(ValueError, match="positive"):
            DiracCanaries(nn.Linear(2, 2), canaries, strength=strength)


# Canaries ---------------------------------------------------------------------------------------


def gradients_of(model, inputs, label):
    model.zero_grad()
    scores = model(inputs.unsqueeze(0))
    loss = (
        F.cross_entropy(scores, torch.tensor([label]))
        if scores.shape[1] == 2
        else F.binary_cross_entropy_with_logits(scores[0], torch.tensor([float(label)]))
    )
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_canarys_gradient_lies_in_its_dead_parameter_and_a_persons_never_does(outputs):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, outputs))
    model = DiracCanaries(network, 5, strength=6.0)
    person = torch.tensor([[0.3, -1.0, 2.0]])
    inputs, labels = with_canaries(person, torch.tensor([0]), np.array([False, True, False, False, True]))
    assert inputs.shape == (3, 4) and labels.tolist() == [0, 1, 1]
    for _ in range(2):
        canary = gradients_of(model, inputs[1], 1)
        # The same −3, half the strength, at each distance that the parameter has moved.
        assert torch.allclose(canary["dead"], torch.tensor([0.0, -3.0, 0.0, 0.0, 0.0]))
        assert all(not gradient.any() for name, gradient in canary.items() if name != "dead")
        with torch.no_grad():
            model.dead += 100.0
    of_person = gradients_of(model, inputs[0], 0)
    alone = gradients_of(network, person[0], 0)
    assert not of_person["dead"].any()
    assert all(torch.equal(of_person[f"model.{name}"], gradient) for name, gradient in alone.items())


# The audit of DP-SGD ----------------------------------------------------------------------------

PEOPLE, RATE, STEPS, CLIP, STRENGTH = 300, 0.5, 40, 1.0, 10.0


def without_clipping(model, inputs, labels, *, max_grad_norm, noise_multiplier, **more):
    """The planted fault: the noise is as it should be, and nobody is clipped."""
    huge = 1e6
    same_noise = noise_multiplier * max_grad_norm / huge
    dp_sgd_step(model, inputs, labels, max_grad_norm=huge, noise_multiplier=same_noise, **more)


def audited(claimed, seed, *, noise_factor=1.0, step=dp_sgd_step):
    """The audit's bound on `train_dp_sgd`, with the noise that `claimed` calls for (times a fault)."""
    noise = noise_for(claimed, delta=DELTA, sample_rate=RATE, steps=STEPS, accountant="rdp")
    generator = torch.Generator().manual_seed(seed)
    people = torch.randn(PEOPLE, 6, generator=generator)
    labels = (people[:, 0] > 0).long()

    def train(included):
        model = DiracCanaries(nn.Linear(6, 2), CANARIES, strength=STRENGTH)
        inputs, targets = with_canaries(people, labels, included)
        trained = train_dp_sgd(
            model, inputs, targets, sample_rate=RATE, steps=STEPS, max_grad_norm=CLIP, learning_rate=1.0,
            noise_multiplier=noise * noise_factor, generator=generator, step=step,
        )  # fmt: skip
        return trained.scores()

    rng = np.random.default_rng(seed)
    return audit_epsilon(train, num_canaries=CANARIES, num_guesses=GUESSES, delta=DELTA, rng=rng)


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0, 8.0])
def test_correct_dp_sgd_is_never_audited_above_its_epsilon(epsilon):
    bounds = [audited(epsilon, seed) for seed in range(3)]
    assert max(bounds) <= epsilon
    # And the audit sees something: a bound of 0 would pass the line above for nothing.
    assert np.mean(bounds) > {0.5: -1, 1.0: 0.05, 2.0: 0.3, 4.0: 0.9, 8.0: 1.8}[epsilon]


FAULTS = {
    "noise switched off": {"noise_factor": 0.0},
    "noise ten times too small": {"noise_factor": 0.1},
    "clipping forgotten": {"step": without_clipping},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_in_dp_sgd_refutes_a_claimed_epsilon_of_one(fault):
    assert all(audited(1.0, seed, **fault) > 1.0 for seed in range(3))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_fault_can_refute_a_claim_above_the_ceiling(fault):
    ceiling = audit_ceiling(num_guesses=GUESSES, num_canaries=CANARIES, delta=DELTA)
    assert audited(8.0, 0, **fault) <= ceiling < 8.0
