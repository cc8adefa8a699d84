"""Lesson 14's tools agree: one round to 1e-5, private statistics in distribution, ε and sums as promised."""

import numpy as np
import pytest
from scipy import stats

from course.crypto.ring_fixed_point import RingFixedPoint
from course.frameworks import recorded, run_live, task_of
from course.frameworks import round_flower as flower
from course.frameworks import round_numpy as by_hand
from course.frameworks import round_torch as torch_by_hand

PARITY = 1e-5

FALSE_ALARM = 1e-6
"""Of each test of a distribution: Google's and OpenDP's libraries draw from a source that takes no seed."""

NOTICED = 1e-2
"""Below this lies the p-value of noise of the wrong law, but for a chance below 1e-6 (see each control)."""


def flat(answer):
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in answer.values()])


@pytest.fixture(scope="module")
def one_round():
    return flat(by_hand.run(task_of("round"))[0])


# One round -----------------------------------------------------------------------------------------------


def test_a_round_by_hand_is_the_weighted_mean_of_models_trained_in_a_loop_over_examples(one_round):
    task = task_of("round")
    total = np.zeros_like(one_round)
    for client in range(10):
        weights, bias = task["weights"].astype(float), task["bias"].astype(float)
        examples = [
            (x.astype(float), y)
            for x, y, owner in zip(task["features"], task["labels"], task["owner"], strict=True)
            if owner == client
        ]
        for _ in range(int(task["steps"])):
            slope_weights, slope_bias = np.zeros_like(weights), np.zeros_like(bias)
            for x, y in examples:
                probabilities = np.exp(x @ weights + bias)
                probabilities /= probabilities.sum()
                probabilities[y] -= 1
                slope_weights += np.outer(x, probabilities) / len(examples)
                slope_bias += probabilities / len(examples)
            weights, bias = weights - 0.5 * slope_weights, bias - 0.5 * slope_bias
        total += len(examples) / len(task["labels"]) * np.concatenate([weights.ravel(), bias])
    assert np.allclose(total, one_round, atol=1e-12)


@pytest.mark.parametrize("module", [torch_by_hand, flower], ids=["torch", "flower"])
@pytest.mark.parametrize("rounds", [1, 3])
def test_torch_and_flower_train_the_same_model(module, rounds):
    task = dict(task_of("round")) | {"rounds": np.array(rounds)}
    assert np.abs(flat(module.run(task)[0]) - flat(by_hand.run(task)[0])).max() < PARITY


@pytest.mark.parametrize("name", ["round_numpy", "round_torch", "round_flower", "round_tff", "round_pysyft"])
def test_the_recorded_round_of_each_tool_is_the_one_by_hand(name, one_round):
    assert np.abs(recorded(name).numbers - one_round).max() < PARITY


def test_a_round_that_forgets_the_weights_or_a_client_would_be_noticed(one_round):
    task = dict(task_of("round"))
    share = np.bincount(task["owner"]) / len(task["owner"])
    models = []
    for client in range(10):
        mine = task["owner"] == client
        trained = by_hand.train(
            task["weights"],
            task["bias"],
            task["features"][mine],
            task["labels"][mine],
            steps=5,
            learning_rate=0.5,
        )
        models.append(flat(dict(zip(("weights", "bias"), trained, strict=True))))
    assert np.abs(np.mean(models, axis=0) - one_round).max() > 100 * PARITY
    without_last = np.average(models[:-1], axis=0, weights=share[:-1])
    assert np.abs(without_last - one_round).max() > 100 * PARITY


def test_flower_counts_every_model_that_travels():
    task = task_of("round")
    model_bytes = task["weights"].nbytes + task["bias"].nbytes
    _, sent = flower.run(task)
    # Each array has NumPy's header of 128 bytes: two arrays, ten clients, there and back.
    assert sent == 10 * 2 * (model_bytes + 2 * 128)


# Private statistics --------------------------------------------------------------------------------------


def with_draws(draws):
    return dict(task_of("statistics")) | {"draws": np.array(draws)}


@pytest.fixture(scope="module")
def answers():
    """Repeated private counts and means of each library; PipelineDP is the slow one."""
    from course.frameworks import (
        statistics_by_hand,
        statistics_opendp,
        statistics_pipeline_dp,
        statistics_python_dp,
    )

    sizes = {
        "by hand": (statistics_by_hand, 2000),
        "python-dp": (statistics_python_dp, 2000),
        "opendp": (statistics_opendp, 2000),
        "pipeline-dp": (statistics_pipeline_dp, 800),
    }
    return {name: module.run(with_draws(draws))[0] for name, (module, draws) in sizes.items()}


@pytest.fixture(scope="module")
def whole_counts():
    """Eight thousand counts of each library that counts in whole numbers."""
    from course.frameworks import statistics_opendp, statistics_python_dp

    people = task_of("statistics")["hours"].tolist()
    opendp = statistics_opendp.count(epsilon=1.0)
    python_dp = statistics_python_dp.run(with_draws(8000))[0]["count"]
    return {"opendp": np.array([opendp(people) for _ in range(8000)]), "python-dp": np.array(python_dp)}


def probabilities_of_whole_numbers(law, largest):
    """The probability of each of −largest … largest, all beyond counted at the ends."""
    numbers = np.arange(-largest, largest + 1)
    if law == "rounded":
        edges = stats.laplace.cdf(np.append(numbers[:-1] + 0.5, np.inf))
        return np.diff(edges, prepend=0)
    alpha = np.exp(-1.0)
    inside = (1 - alpha) / (1 + alpha) * alpha ** np.abs(numbers)
    inside[[0, -1]] = alpha**largest / (1 + alpha)
    return inside


@pytest.mark.parametrize("name", ["by hand", "pipeline-dp"])
def test_these_counts_carry_laplace_noise_of_scale_one_over_epsilon(answers, name):
    noise = np.array(answers[name]["count"]) - 500
    assert stats.kstest(noise, stats.laplace.cdf).pvalue > FALSE_ALARM
    # The two laws lie 0.125 apart; 800 draws reject from 0.058 on, 4 standard errors below, on both sides.
    assert stats.kstest(noise, stats.laplace(scale=2).cdf).pvalue < NOTICED


@pytest.mark.parametrize(
    ("name", "law", "other"), [("python-dp", "rounded", "discrete"), ("opendp", "discrete", "rounded")]
)
def test_these_counts_are_whole_numbers_of_the_law_that_we_say(whole_counts, name, law, other):
    noise = whole_counts[name] - 500
    assert (noise == np.rint(noise)).all()
    seen = np.bincount(np.clip(noise, -4, 4).astype(int) + 4, minlength=9)
    expected = {each: len(noise) * probabilities_of_whole_numbers(each, 4) for each in (law, other)}
    assert expected[law].sum() == pytest.approx(len(noise))
    assert stats.chisquare(seen, expected[law]).pvalue > FALSE_ALARM
    # 8,000 draws of one law have a non-centrality above 150 under the other, where 20 is noticed.
    assert stats.chisquare(seen, expected[other]).pvalue < NOTICED


@pytest.mark.parametrize("name", ["python-dp", "opendp", "pipeline-dp"])
def test_every_library_draws_its_means_from_the_law_by_hand(answers, name):
    from course.frameworks import statistics_by_hand

    reference = statistics_by_hand.run(with_draws(50_000), seed=1)[0]["mean"]
    assert stats.ks_2samp(answers[name]["mean"], reference).pvalue > FALSE_ALARM


def test_a_mean_with_twice_the_noise_of_the_law_would_be_noticed(answers):
    from course.frameworks import statistics_by_hand

    half = dict(with_draws(50_000)) | {"epsilon": np.array(2.0)}
    reference = statistics_by_hand.run(half, seed=1)[0]["mean"]
    for name in ("python-dp", "opendp", "pipeline-dp"):
        assert stats.ks_2samp(answers[name]["mean"], reference).pvalue < NOTICED


# ε -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def epsilons():
    from course.frameworks import epsilon_by_hand, epsilon_dp_accounting, epsilon_opacus

    modules = {"by hand": epsilon_by_hand, "dp-accounting": epsilon_dp_accounting, "Opacus": epsilon_opacus}
    return {name: module.run(task_of("epsilon"))[0] for name, module in modules.items()}


def test_three_tools_reckon_the_same_epsilon_from_renyi_divergences(epsilons):
    assert [epsilon["rdp"] for epsilon in epsilons.values()] == pytest.approx([2.10137] * 3, abs=1e-4)


def test_the_two_tight_accountants_agree_and_lie_below_the_loose_one(epsilons):
    pld, prv = epsilons["dp-accounting"]["pld"], epsilons["Opacus"]["prv"]
    assert pld == pytest.approx(prv, abs=0.005)
    assert max(pld, prv) < epsilons["by hand"]["rdp"]


def test_the_gdp_accountant_promises_less_than_two_independent_lower_bounds(epsilons):
    from opacus.accountants import PRVAccountant

    from course.frameworks.surprise_opacus import bracket

    gdp, delta = epsilons["Opacus"]["gdp"], float(task_of("epsilon")["delta"])
    assert gdp < bracket(pessimistic=False) < bracket(pessimistic=True)
    # Opacus's own PRV accountant bounds ε from below as well; it only does not show that.
    accountant = PRVAccountant()
    accountant.history = [(1.0, 0.01, 1000)]
    lower, estimate, upper = accountant._get_dprv(0.001, delta / 1000).compute_epsilon(
        delta, delta / 1000, 0.001
    )
    assert gdp + 0.1 < lower < estimate < upper


# Sums ----------------------------------------------------------------------------------------------------


def test_secure_aggregation_and_mpyc_give_the_exact_sum_of_the_rounded_vectors():
    task = task_of("sum")
    steps = np.rint(task["vectors"] * 2 ** int(task["fraction_bits"])).sum(axis=0)
    exact = steps / 2 ** int(task["fraction_bits"])
    live = {name: run_live(name) for name in ("sum_by_hand", "sum_mpyc")}
    for record in live.values():
        assert (record.numbers == exact).all()
    # What rounding ten numbers to the nearest step can do.
    assert np.abs(exact - task["vectors"].sum(axis=0)).max() <= 10 * RingFixedPoint(16).step / 2
    assert np.abs(recorded("sum_mpyc").numbers - exact).max() < 1e-8


def test_the_encrypted_sum_is_off_by_less_than_the_ciphertexts_noise():
    from course.frameworks import sum_tenseal

    task = task_of("sum")
    answer, sent = sum_tenseal.run(task)
    assert np.abs(flat(answer) - task["vectors"].sum(axis=0)).max() < 1e-6
    assert sent > 5 * task["vectors"].nbytes
