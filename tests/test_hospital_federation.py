"""Hospitals that train together: who takes part when, what stays at home, and what the numbers mean."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg
from scipy import stats
from sklearn.metrics import roc_auc_score
from test_detector import patient

from course.attacks import auc, clopper_pearson
from course.federated import InProcessGrid, weights_of
from course.federated.flower_clients import weights_in
from course.hospital import load_lgg, match_heights, simulate_hospitals
from course.hospital.detector import as_stacks, join, new_detector, patient_scores, slice_scores
from course.hospital.evaluation import (
    auroc_gain,
    auroc_interval,
    choose_threshold,
    found_at,
    over_seeds,
    rates_at,
)
from course.hospital.federation import (
    CHOSEN,
    LONGER,
    TUNING_SEEDS,
    Recipe,
    Site,
    federate,
    scores_of,
    split_patients,
    train_epoch,
)
from course.hospital.fingerprints import plain
from course.hospital.site_shift import fine_tune, norm_parameters, transfer_table

torch.set_num_threads(1)
LGG = os.environ.get("COURSE_LGG_DIR")
RECORDED = Path(__file__).parent / "benchmarks" / "results" / "hospital_seeds.json"
QUICK = Recipe(rounds=2, width=4, least_steps=1)


def some_stacks(first, number=6):
    """A few random patients, every other one with a tumour."""
    return as_stacks([patient(first + n, num_slices=2 + n % 2, tumour=n % 2 == 0) for n in range(number)])


@pytest.fixture(scope="module")
def hospitals():
    return {"big": some_stacks(0, 10), "small": some_stacks(100, 4)}


def same(left, right, *, tolerance=0.0):
    return all(torch.allclose(left[name], right[name], rtol=0, atol=tolerance) for name in left)


# Training ------------------------------------------------------------------------------------------


def test_one_hospital_alone_is_ordinary_training(hospitals):
    recipe = Recipe(rounds=3, width=4, least_steps=1)
    got = federate({"big": hospitals["big"]}, seed=3, recipe=recipe).shared
    site = Site(hospitals["big"], client=0, seed=3, recipe=recipe)
    weights = weights_of(new_detector(seed=3, width=4))
    for round_index in range(3):
        weights = site.train(weights, round_index=round_index)
    assert same(got, weights)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(hospitals):
    runs = [federate(hospitals, seed=seed, recipe=QUICK).shared for seed in (1, 1, 2)]
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_the_servers_model_is_the_mean_weighted_by_patients(hospitals):
    recipe = Recipe(rounds=1, width=4, least_steps=1)
    start = weights_of(new_detector(seed=5, width=4))
    models = [
        Site(stacks, client=client, seed=5, recipe=recipe).train(start, round_index=0)
        for client, stacks in enumerate(hospitals.values())
    ]
    expected = {name: (10 * models[0][name] + 4 * models[1][name]) / 14 for name in start}
    assert same(federate(hospitals, seed=5, recipe=recipe).shared, expected, tolerance=1e-6)


def test_the_optimizers_state_crosses_rounds(hospitals):
    site = Site(hospitals["big"], client=0, seed=0, recipe=QUICK)
    weights = weights_of(site.model)
    after_one = site.train(weights, round_index=0)
    again = site.train(weights, round_index=0)  # The same weights, shuffles and rate; only Adam remembers.
    fresh = Site(hospitals["big"], client=0, seed=0, recipe=QUICK).train(weights, round_index=0)
    assert same(after_one, fresh) and not same(after_one, again)


def test_training_leaves_the_patients_as_they_were(hospitals):
    stacks = some_stacks(50)
    before = [stacks.inputs.clone(), stacks.cover.clone()]
    model = new_detector(seed=0, width=4)
    generator, optimizer = torch.Generator().manual_seed(0), torch.optim.Adam(model.parameters(), lr=0.01)
    start = weights_of(model)
    train_epoch(model, stacks, optimizer=optimizer, batch_size=4, generator=generator)
    assert torch.equal(before[0], stacks.inputs) and torch.equal(before[1], stacks.cover)
    assert not same(start, weights_of(model))


def test_a_small_hospital_passes_over_its_patients_until_it_has_taken_its_steps():
    class Counting(torch.optim.SGD):
        steps = 0

        def step(self, *arguments, **more):
            Counting.steps += 1
            return super().step(*arguments, **more)

    recipe = Recipe(rounds=1, batch_size=4, width=4, least_steps=7)
    site = Site(some_stacks(0), client=0, seed=0, recipe=recipe)  # 6 patients: two batches an epoch.
    site.optimizer = Counting(site.model.parameters(), lr=0.01)
    site.train(weights_of(site.model), round_index=0)
    assert Counting.steps == 8


def test_until_it_joins_a_hospital_changes_nothing(hospitals):
    recipe = Recipe(rounds=3, width=4, least_steps=1)
    late = federate(hospitals, seed=2, recipe=recipe, joins={"small": 2}, watch={"w": hospitals["small"]})
    without = federate({"big": hospitals["big"]}, seed=2, recipe=recipe, watch={"w": hospitals["small"]})
    assert np.allclose(late.watched["w"][:2], without.watched["w"][:2])
    assert not np.allclose(late.watched["w"][2], without.watched["w"][2])
    assert late.watched["w"].shape == (3, 4)


def test_parameters_that_stay_differ_between_hospitals_and_the_others_do_not(hospitals):
    stays = norm_parameters(new_detector(seed=0, width=4))
    run = federate(hospitals, seed=0, recipe=QUICK, stays=stays)
    assert len(stays) == 6
    for name in run.shared:
        agree = torch.equal(run.weights["big"][name], run.weights["small"][name])
        assert agree == (name not in stays), name


def test_a_hospital_alone_with_parameters_that_stay_is_as_without(hospitals):
    stays = norm_parameters(new_detector(seed=0, width=4))
    runs = [federate({"big": hospitals["big"]}, seed=0, recipe=QUICK, stays=s) for s in (stays, ())]
    assert same(runs[0].weights["big"], runs[1].weights["big"])


def test_fine_tuning_starts_from_the_shared_model(hospitals):
    shared = federate(hospitals, seed=0, recipe=QUICK).shared
    still = Recipe(rounds=1, width=4, learning_rate=1e-12, least_steps=1)
    tuned = fine_tune(shared, hospitals["small"], seed=1, recipe=still)
    assert same(tuned, shared, tolerance=1e-9)
    moved = fine_tune(shared, hospitals["small"], seed=1, recipe=QUICK)
    assert not same(moved, shared, tolerance=1e-4)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"joins": {"nowhere": 1}}, "cannot join"),
        ({"stays": ["no.scale"]}, "no such parameters"),
        ({"joins": {"big": 1, "small": 1}}, "first round"),
        ({"recipe": Recipe(rounds=0)}, "0 rounds"),
    ],
)
def test_a_federation_that_cannot_be_is_refused(hospitals, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        federate(hospitals, **({"seed": 0, "recipe": QUICK} | change))


def test_a_hospital_without_patients_is_refused(hospitals):
    with pytest.raises(ValueError, match="no patients"):
        federate(hospitals | {"empty": hospitals["big"].take([])}, seed=0, recipe=QUICK)


def test_flower_trains_the_same_detector_bit_for_bit(hospitals):
    sites = [
        Site(stacks, client=client, seed=4, recipe=QUICK) for client, stacks in enumerate(hospitals.values())
    ]
    app = ClientApp()

    @app.train()
    def train(message, context):
        site = sites[int(context.node_config["partition-id"])]
        round_index = message.content["config"]["server-round"] - 1
        weights = site.train(weights_in(message), round_index=round_index)
        content = {
            "arrays": ArrayRecord(weights), "metrics": MetricRecord({"num-examples": len(site.stacks)}),
        }  # fmt: skip
        return Message(RecordDict(content), reply_to=message)

    strategy = FedAvg(fraction_evaluate=0.0, min_available_nodes=2)
    start = ArrayRecord(weights_of(new_detector(seed=4, width=4)))
    result = strategy.start(InProcessGrid(app, 2, raise_errors=True), start, num_rounds=2)
    mine = federate(hospitals, seed=4, recipe=QUICK).shared
    assert same(mine, result.arrays.to_torch_state_dict(), tolerance=1e-6)


def test_a_little_training_finds_plain_discs():
    # Discs far darker than the noise: whoever trains at all finds them; an untrained model is at chance.
    train, test = (
        as_stacks([patient(first + n, tumour=n % 2 == 0) for n in range(24)]) for first in (0, 500)
    )
    recipe = Recipe(rounds=6, learning_rate=0.02, least_steps=1)
    scores = scores_of(federate({"here": train}, seed=0, recipe=recipe).shared, test)
    assert roc_auc_score(test.has_tumour, scores) > 0.9


def test_simulated_hospitals_go_through_every_step():
    simulated = simulate_hospitals(seed=0, patients={"university": 12, "clinic": 12})
    stacks = {name: as_stacks(patients) for name, patients in simulated.items()}
    run = federate(stacks, seed=0, recipe=Recipe(rounds=1, least_steps=1))
    table = transfer_table(run.weights, stacks)
    assert table.shape == (2, 2) and ((table >= 0) & (table <= 1)).all()


@pytest.mark.skipif(LGG is None, reason="COURSE_LGG_DIR is not set: no real scans here")
def test_real_hospitals_train_together_by_the_same_code():
    hospitals = {
        name: as_stacks(patients)
        for name, patients in match_heights(load_lgg(LGG), seed=0).items()
        if len(patients) > 1
    }
    run = federate(hospitals, seed=0, recipe=Recipe(rounds=2, least_steps=1))
    scores, labels = slice_scores(_with(run.shared), join(list(hospitals.values())))
    found = auroc_interval(scores, labels)
    assert found is not None and 0 <= found.low <= found.high <= 1
    # Everybody in this set has a tumour, so nothing can be said of patients.
    everyone = join(list(hospitals.values()))
    assert auroc_interval(patient_scores(_with(run.shared), everyone), everyone.has_tumour.numpy()) is None


def _with(weights):
    model = new_detector(seed=0)
    model.load_state_dict(weights)
    return model


def test_a_split_holds_back_both_kinds_and_nobody_twice():
    patients = [patient(n, tumour=n < 6) for n in range(16)]
    train, held = split_patients(patients, seed=0, held_out=0.25)
    assert sorted(train + held) == list(range(16))
    assert [sum(patients[n].has_tumour for n in held), len(held)] == [2, 4]
    assert split_patients(patients, seed=1, held_out=0.25)[1] != held
    with pytest.raises(ValueError, match="held_out"):
        split_patients(patients, seed=0, held_out=1.0)


# Numbers -------------------------------------------------------------------------------------------


def draws(seed, *, number=60, shift=1.0, ties=False):
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % 3 == 0
    scores = rng.normal(size=number) + shift * labels
    return (np.round(scores) if ties else scores), labels


@pytest.mark.parametrize("ties", [False, True])
def test_the_auroc_is_that_of_scikit_learn_and_its_variance_that_of_a_slow_loop(ties):
    scores, labels = draws(0, ties=ties)
    found = auroc_interval(scores, labels)
    assert found.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    sick, well = scores[labels], scores[~labels]
    order = [[(s > w) + 0.5 * (s == w) for w in well] for s in sick]
    by_sick = np.mean(order, axis=1)
    by_well = np.mean(order, axis=0)
    variance = np.var(by_sick, ddof=1) / len(sick) + np.var(by_well, ddof=1) / len(well)
    logit = np.log(found.value / (1 - found.value))
    reach = stats.norm.ppf(0.975) * np.sqrt(variance) / (found.value * (1 - found.value))
    assert found.low == pytest.approx(1 / (1 + np.exp(reach - logit)), abs=1e-9)
    assert found.high == pytest.approx(1 / (1 + np.exp(-reach - logit)), abs=1e-9)


def test_the_interval_covers_the_true_auroc_about_as_often_as_it_says():
    # True AUROC of two normals one apart: Φ(1/√2). 400 draws at 95 %: fewer than 363 or all 400 hits have a
    # probability below 1e-4 each if the coverage is 93.5 to 97 %.
    true = stats.norm.cdf(1 / np.sqrt(2))
    intervals = [auroc_interval(*draws(seed)) for seed in range(400)]
    assert 363 <= sum(found.low <= true <= found.high for found in intervals) < 400


def test_the_gain_of_a_detector_over_itself_is_exactly_nothing():
    scores, labels = draws(1)
    gain = auroc_gain(scores, scores, labels)
    assert gain.value == 0 and gain.high - gain.low < 1e-6


def test_the_interval_of_a_gain_agrees_with_a_bootstrap_over_patients():
    before, labels = draws(2, number=300)
    after = before + 0.5 * labels + 0.3 * np.random.default_rng(3).normal(size=300)
    gain = auroc_gain(before, after, labels)
    assert gain.value == pytest.approx(roc_auc_score(labels, after) - roc_auc_score(labels, before))
    rng, drawn = np.random.default_rng(4), []
    for _ in range(2_000):
        chosen = rng.integers(300, size=300)
        drawn.append(auc(after[chosen], labels[chosen]) - auc(before[chosen], labels[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert abs(gain.low - low) < 0.01 and abs(gain.high - high) < 0.01
    alone = [auroc_interval(each, labels) for each in (before, after)]
    assert gain.high - gain.low < sum(each.high - each.low for each in alone) / 2


def test_a_perfect_detector_is_not_called_certain():
    labels = np.arange(20) % 2 == 0
    found = auroc_interval(labels.astype(float), labels)
    assert found.value == 1 and 0.6 < found.low < 0.75 and found.high == 1
    assert found.low == clopper_pearson(10, 10).low


def test_where_a_kind_of_patient_is_missing_nothing_is_said():
    scores = np.arange(5.0)
    for labels in (np.zeros(5, bool), np.ones(5, bool), np.arange(5) == 0):
        assert auroc_interval(scores, labels) is None and auroc_gain(scores, scores, labels) is None
    rates = rates_at(scores, np.zeros(5, bool), threshold=2.0)
    assert rates.sensitivity is None and rates.specificity.value == pytest.approx(0.4)


def test_rates_count_a_score_on_the_threshold_as_positive():
    scores, labels = np.array([0.0, 1, 2, 3, 4, 5]), np.array([False, False, True, False, True, True])
    rates = rates_at(scores, labels, threshold=3.0)
    assert (rates.sensitivity.value, rates.specificity.value) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert rates.sensitivity.low == clopper_pearson(2, 3).low and rates.sensitivity.num == 3


def test_counts_of_hospitals_choose_the_same_threshold_as_their_scores_put_together():
    thresholds = np.arange(-4, 6, 0.1)
    parts = [draws(seed, number=40) for seed in range(3)]
    found = [found_at(*part, thresholds) for part in parts]
    scores, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    for wanted in (0.5, 0.9, 1.0):
        chosen = choose_threshold(found, thresholds, num_with_tumour=int(labels.sum()), sensitivity=wanted)
        reached = [(scores[labels] >= t).mean() >= wanted - 1e-9 for t in thresholds]
        assert chosen == thresholds[np.flatnonzero(reached)[-1]]


def test_a_threshold_that_finds_too_few_is_an_error():
    found = [found_at(*draws(0), np.array([10.0, 11.0]))]
    with pytest.raises(ValueError, match="the lowest threshold finds 0"):
        choose_threshold(found, np.array([10.0, 11.0]), num_with_tumour=20, sensitivity=0.5)


def test_the_interval_over_seeds_is_students():
    values = [0.90, 0.92, 0.91, 0.95, 0.93]
    found = over_seeds(values)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high)) and found.num == 5
    for bad in ([0.9], [0.9, np.nan]):
        with pytest.raises(ValueError, match="at least two"):
            over_seeds(bad)


@pytest.mark.parametrize(
    ("scores", "labels", "complaint"),
    [
        (np.zeros(3), np.zeros(4, bool), "one a patient"),
        (np.zeros(3), np.zeros(3), "is bool"),
        (np.zeros((3, 2)), np.zeros((3, 2), bool), "one a patient"),
        (np.array([0.0, np.nan]), np.zeros(2, bool), "NaN"),
    ],
)
def test_scores_that_do_not_fit_their_patients_are_refused(scores, labels, complaint):
    for judge in (auroc_interval, lambda s, y: rates_at(s, y, threshold=0.0)):
        with pytest.raises(ValueError, match=complaint):
            judge(scores, labels)


# The recorded runs ---------------------------------------------------------------------------------


def test_the_recorded_runs_are_of_this_recipe_and_of_nobody_it_was_chosen_on():
    recorded = json.loads(RECORDED.read_text("utf-8"))
    assert [run["seed"] for run in recorded["runs"]] == [0, 1, 2, 3, 4]
    assert recorded["recipe"] == plain(CHOSEN) and recorded["longer"] == plain(LONGER)
    used = {start + run["seed"] for run in recorded["runs"] for start in (0, 1000, 2000)}
    assert not used & set(TUNING_SEEDS)


def test_the_recorded_runs_reach_what_the_case_study_promises():
    runs = json.loads(RECORDED.read_text("utf-8"))["runs"]
    pooled, federated, alone = (
        np.mean([run["auroc"][way]["mean"] for run in runs]) for way in ("pooled", "federated", "alone")
    )
    assert pooled >= 0.90 and federated >= pooled - 0.03 and federated > alone
