"""A patient moves the sum by at most C, however many slices; the noise is what is promised."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course.attacks import auc
from course.crypto import Stage, ThresholdNotMet
from course.hospital.budget import PrivacyBudget
from course.hospital.feature_bank import (
    DIMENSIONS,
    NUM_FEATURES,
    look_at,
    patient_scores,
    public_scale,
    raw_features,
    standardised_scan,
)
from course.hospital.many_heads import (
    losses_of_heads,
    matched_filter,
    train_plain_heads,
    train_private_heads,
)
from course.hospital.membership import attack_membership, membership_scores
from course.hospital.noisy_sum import add_noise_share, add_up_securely, noise_left, share_std
from course.hospital.opacus_hospital import opacus_update, train_at_each_hospital
from course.hospital.patient_gradients import (
    STEPS_A_NORM,
    Examples,
    clip_patients,
    clipped_integers,
    patient_gradients,
    patient_losses,
    slice_gradients,
    teaching_cells,
)
from course.hospital.patients import Patient
from course.hospital.privacy_audit import audit_result
from course.hospital.private import Plan, PrivateHospital, train_plain, train_private
from course.hospital.slices import as_slices, joined, with_follow_ups
from course.privacy import epsilon_spent, noise_for

DELTA = 1e-4
torch.set_num_threads(1)


def invented(num_patients, *, num_slices=3, seed=0, dimensions=6, longest=3.0):
    """Examples without images: random inputs whose targets a hidden head mostly decides."""
    generator = torch.Generator().manual_seed(seed)
    shape = (num_patients, num_slices, 4)
    inputs = longest * torch.randn(*shape, dimensions, generator=generator)
    inputs[..., -1] = 1
    targets = (inputs[..., 0] + torch.randn(shape, generator=generator) > 1).float()
    weights = sum(part / part.sum((1, 2), keepdim=True).clamp_min(1) for part in (targets, 1 - targets))
    return Examples(inputs, targets, weights)


def head(seed=1, dimensions=6):
    return torch.randn(dimensions, generator=torch.Generator().manual_seed(seed))


def plan(**changes):
    usual = {
        "run": "test",
        "rounds": 4,
        "sample_rate": 0.5,
        "max_update_norm": 0.7,
        "noise_multiplier": 0.0,
        "learning_rate": 1.0,
        "num_patients": 30,
        "spare": 1,
    }
    return Plan(**(usual | changes))


def hospitals(sizes=(12, 10, 8), *, budgets=None, seed=3, **more):
    names = "ABCDEF"[: len(sizes)]
    return [
        PrivateHospital(
            name, invented(size, seed=i), (budgets or {}).get(name), seed=seed, **more.get(name, {})
        )
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]


# What one patient can move ---------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    num_slices=st.integers(1, 60),
    longest=st.sampled_from([0.0, 0.01, 3.0, 1e4]),
    limit=st.sampled_from([0.1, 1.0, 7.0]),
    seed=st.integers(0, 99),
)
def test_removing_one_patient_moves_the_sum_by_at_most_c_however_many_slices(
    num_slices, longest, limit, seed
):
    many = invented(1, num_slices=num_slices, seed=seed, longest=longest)
    examples = joined(invented(4, seed=seed), many)
    gradients = patient_gradients(head(), examples)
    whole = clip_patients(gradients, max_update_norm=limit).sum(0)
    without = clip_patients(gradients[:-1], max_update_norm=limit).sum(0)
    assert (whole - without).norm() <= limit * (1 + 1e-5)
    # In the integers that are really sent it holds without a tolerance.
    steps = clipped_integers(gradients, max_update_norm=limit)
    moved = steps.sum(0) - steps[:-1].sum(0)
    assert sum(int(x) ** 2 for x in moved) <= STEPS_A_NORM**2


def test_per_slice_clipping_lets_a_patient_with_many_slices_move_the_sum_by_many_times_c():
    many = invented(1, num_slices=50, longest=100.0)
    by_slice, owner = as_slices(many)
    rows = clip_patients(patient_gradients(head(), by_slice), max_update_norm=1.0)
    assert len(rows) == 50 and set(owner) == {0}
    assert rows.norm(dim=1).max() <= 1 + 1e-5
    assert rows.sum(0).norm() > 5


def test_the_integers_are_the_clipped_gradient_to_one_step():
    gradients = patient_gradients(head(), invented(20))
    steps = clipped_integers(gradients, max_update_norm=0.3)
    clipped = clip_patients(gradients.double(), max_update_norm=0.3).numpy()
    assert np.abs(steps * (0.3 / STEPS_A_NORM) - clipped).max() <= 2 * 0.3 / STEPS_A_NORM
    assert clipped_integers(gradients[:0], max_update_norm=0.3).shape == (0, 6)


def test_the_gradient_is_autograds_patient_by_patient():
    examples = joined(invented(3), invented(2, num_slices=7, seed=5))
    for index in range(5):
        weights = head().requires_grad_()
        patient_losses(weights, examples.take([index])).sum().backward()
        torch.testing.assert_close(patient_gradients(head(), examples)[index], weights.grad)
    torch.testing.assert_close(slice_gradients(head(), examples).sum(1), patient_gradients(head(), examples))


def test_slices_that_only_pad_change_nothing():
    small = invented(3)
    padded = joined(small, invented(1, num_slices=9)).take([0, 1, 2])
    assert padded.inputs.shape[1] == 9
    torch.testing.assert_close(patient_gradients(head(), padded), patient_gradients(head(), small))


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_a_clipping_norm_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError):
        clip_patients(torch.ones(2, 3), max_update_norm=wrong)
    with pytest.raises(ValueError):
        plan(max_update_norm=wrong)


# Who adds the noise ----------------------------------------------------------------------------------


def test_shares_of_noise_add_up_to_what_the_promise_needs_for_every_set_of_survivors():
    for num_hospitals in range(2, 9):
        for spare in range(num_hospitals):
            share = share_std(5.0, num_hospitals=num_hospitals, spare=spare)
            for missing in range(spare + 1):
                assert share * math.sqrt(num_hospitals - missing) >= 5.0 * (1 - 1e-12)
            left = noise_left(5.0, num_hospitals=num_hospitals, spare=spare, known=spare)
            assert left == pytest.approx(5.0)
    assert noise_left(5.0, num_hospitals=6, spare=1, known=6) == 0
    assert noise_left(2.0, num_hospitals=6, spare=0, known=1) == pytest.approx(2 * math.sqrt(5 / 6))
    with pytest.raises(ValueError):
        share_std(1.0, num_hospitals=3, spare=3)


def test_the_noise_of_the_sum_has_the_planned_deviation_and_shape():
    # Seeded. 3 hospitals, 700 numbers each: exact χ² interval of the deviation at 1e-6, and KS for the shape.
    noise_std, rngs = 4000.0, [np.random.default_rng([7, i]) for i in range(3)]
    total = sum(
        add_noise_share(np.zeros(700, np.int64), noise_std=noise_std, num_hospitals=3, spare=1, rng=rng)
        for rng in rngs
    )
    standard = total / (noise_std * math.sqrt(3 / 2))
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], 700)
    assert low < (standard**2).sum() < high
    assert stats.kstest(standard, "norm").pvalue > 1e-6
    assert total.dtype == np.int64


def test_a_sum_of_discrete_gaussians_is_one_but_for_less_than_any_delta_here():
    # The shares of the course have a deviation of thousands of steps; already at 3 steps the sum of six is as
    # good as the discrete Gaussian of six times the variance.
    share, number = 3.0, np.arange(-400, 401)
    pmf = np.exp(-(number**2) / (2 * share**2))
    pmf /= pmf.sum()
    summed = pmf
    for _ in range(5):
        summed = np.convolve(summed, pmf, mode="same")
    ideal = np.exp(-(number**2) / (2 * 6 * share**2))
    ideal /= ideal.sum()
    assert np.abs(summed - ideal).sum() / 2 < 1e-14


def test_without_noise_a_share_is_the_vector_itself_and_a_copy():
    vector = np.arange(5)
    got = add_noise_share(vector, noise_std=0.0, num_hospitals=3, spare=1, rng=np.random.default_rng(0))
    assert (got == vector).all() and got is not vector


def test_the_secure_sum_is_exact_for_both_signs_and_says_who_is_in_it():
    rng = np.random.default_rng(0)
    vectors = {name: rng.integers(-(10**8), 10**8, 9) for name in ("north", "south", "west", "clinic")}
    whole = add_up_securely(vectors, threshold=3)
    assert (whole.total == sum(vectors.values())).all()
    assert whole.survivors == ("north", "south", "west", "clinic") and whole.bytes_sent > 0
    fewer = add_up_securely(vectors, threshold=3, dropouts={"south": Stage.MASKED_INPUT})
    assert fewer.survivors == ("north", "west", "clinic")
    assert (fewer.total == sum(v for k, v in vectors.items() if k != "south")).all()


def test_a_number_that_could_overflow_the_sum_is_refused():
    with pytest.raises(ValueError, match="could overflow"):
        add_up_securely({"a": np.array([2**30]), "b": np.array([0])}, threshold=2)


# The training ----------------------------------------------------------------------------------------


def test_without_noise_and_with_everybody_it_is_plain_clipped_gradient_descent():
    parts = hospitals()
    got = train_private(parts, plan(sample_rate=1.0))
    weights, average = torch.zeros(6), torch.zeros(6)
    for index in range(4):
        total = sum(
            clip_patients(patient_gradients(weights, part.examples), max_update_norm=0.7).sum(0)
            for part in parts
        )
        weights = weights - total / 30
        average = average + weights / 2 * (index >= 2)
    torch.testing.assert_close(got.weights, average, atol=1e-4, rtol=1e-4)
    assert got.took_part == dict.fromkeys("ABC", (0, 1, 2, 3))


def test_an_empty_batch_still_sends_noise():
    hospital = PrivateHospital("A", invented(3), None, seed=1)
    quiet = plan(sample_rate=1e-12, noise_multiplier=2.0)
    message = hospital.message(torch.zeros(6), quiet, round_index=0, num_hospitals=3)
    assert np.abs(message).max() > 0.1 * STEPS_A_NORM


def test_the_server_sees_each_round_with_its_whole_noise():
    # Seeded: 12 rounds × 6 numbers of pure noise; the χ² interval at 1e-6.
    nobody = plan(sample_rate=1e-12, noise_multiplier=2.0, rounds=12)
    released = train_private(hospitals(), nobody).released
    standard = released / (2.0 * math.sqrt(3 / 2))
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], standard.size)
    assert low < (standard**2).sum() < high


def budgets_in(folder, *, epsilon=50.0, names="ABC"):
    return {
        name: PrivacyBudget.create(folder / f"{name}.json", hospital=name, epsilon=epsilon, delta=DELTA)
        for name in names
    }


def test_every_hospital_accounts_for_its_own_rounds_a_late_one_for_fewer(tmp_path):
    budgets = budgets_in(tmp_path, names="ABCD")
    noisy = plan(noise_multiplier=2.0)
    got = train_private(hospitals((9, 9, 9, 7), budgets=budgets, D={"joins_at": 2}), noisy)
    assert got.took_part == {"A": (0, 1, 2, 3), "B": (0, 1, 2, 3), "C": (0, 1, 2, 3), "D": (2, 3)}
    for name, rounds in (("A", 4), ("D", 2)):
        expected = epsilon_spent(
            noise_multiplier=2.0, sample_rate=0.5, steps=rounds, delta=DELTA, accountant="pld"
        )
        assert budgets[name].epsilon == pytest.approx(expected, rel=1e-3)


def test_a_second_run_goes_on_where_the_first_ended_and_stops_when_the_budget_is_spent(tmp_path):
    noise = noise_for(1.0, delta=DELTA, sample_rate=0.5, steps=6, accountant="pld")
    names = "ABCD"
    budgets = budgets_in(tmp_path, epsilon=30.0, names=names)
    budgets["D"] = PrivacyBudget.create(tmp_path / "small.json", hospital="D", epsilon=1.0, delta=DELTA)
    first = train_private(hospitals((9, 9, 9, 9), budgets=budgets), plan(noise_multiplier=noise))
    again = {name: PrivacyBudget.open(budget.file) for name, budget in budgets.items()}
    second = train_private(
        hospitals((9, 9, 9, 9), budgets=again), plan(run="next year", noise_multiplier=noise)
    )
    assert first.took_part["D"] == (0, 1, 2, 3) and second.took_part["D"] == (0, 1)
    assert "does not fit into ε ≤ 1" in second.stopped["D"]
    assert len(again["A"].releases) == 8 and again["D"].epsilon <= 1.0


def test_too_many_dropouts_release_nothing_and_are_paid_for(tmp_path):
    budgets = budgets_in(tmp_path)
    gone = {1: {"A": Stage.MASKED_INPUT, "B": Stage.MASKED_INPUT}}
    with pytest.raises(ThresholdNotMet):
        train_private(hospitals(budgets=budgets), plan(noise_multiplier=2.0), dropouts=gone)
    assert {name: len(budget.releases) for name, budget in budgets.items()} == {"A": 2, "B": 2, "C": 2}


def test_one_dropout_is_survived_and_not_in_the_sum(tmp_path):
    gone = {1: {"B": Stage.MASKED_INPUT}}
    got = train_private(hospitals(), plan(noise_multiplier=1.0), dropouts=gone)
    assert got.took_part["B"] == (0, 2, 3)


def test_too_few_hospitals_for_the_spare_are_refused():
    with pytest.raises(ValueError, match="too few"):
        train_private(hospitals((5, 5)), plan(spare=1))


def test_the_same_seeds_give_the_same_run_and_others_another():
    noisy = plan(noise_multiplier=1.0)
    first, again, other = (train_private(hospitals(seed=s), noisy).weights for s in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


# Noise at each hospital ------------------------------------------------------------------------------


def test_opacus_takes_the_same_step_as_ours_when_both_are_silent():
    batch, weights = invented(9), head()
    how = {"noise_multiplier": 0.0, "learning_rate": 0.8, "expected_patients": 4.5}
    got = opacus_update(weights, batch, max_grad_norm=0.3, generator=torch.Generator().manual_seed(0), **how)
    ours = -0.8 / 4.5 * clip_patients(patient_gradients(weights, batch), max_update_norm=0.3).sum(0)
    torch.testing.assert_close(got, ours, atol=1e-6, rtol=1e-4)


def test_opacus_noise_has_the_planned_deviation_and_comes_with_an_empty_batch_too():
    # Seeded: 150 updates of 6 numbers; the χ² interval at 1e-6.
    generator = torch.Generator().manual_seed(1)
    how = {"max_grad_norm": 0.3, "noise_multiplier": 2.0, "expected_patients": 4.5, "learning_rate": 0.8}
    updates = torch.stack(
        [opacus_update(head(), invented(9).take([]), generator=generator, **how) for _ in range(150)]
    )
    standard = (updates * 4.5 / (0.8 * 2.0 * 0.3)).double().numpy()
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], standard.size)
    assert low < (standard**2).sum() < high


def test_noise_at_each_hospital_is_more_noise_by_the_root_of_their_number():
    nobody = plan(sample_rate=1e-12, noise_multiplier=2.0, rounds=40, max_update_norm=1.0)
    released = train_at_each_hospital(hospitals(), nobody).released
    standard = released / (2.0 * math.sqrt(3))
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], standard.size)  # Seeded; false alarm 1e-6.
    assert low < (standard**2).sum() < high


def test_noise_at_each_hospital_keeps_the_same_books(tmp_path):
    budgets = budgets_in(tmp_path)
    train_at_each_hospital(hospitals(budgets=budgets), plan(noise_multiplier=2.0))
    assert all(len(budget.releases) == 4 for budget in budgets.values())


# Features --------------------------------------------------------------------------------------------


def scan(num_slices=2, seed=0, gain=1.0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64] - 31.5
    disc = ((rows / 28) ** 2 + (columns / 24) ** 2 < 1).astype(np.float32)
    slices = disc * (1 + 0.2 * rng.standard_normal((num_slices, 64, 64)))
    mask = np.zeros((num_slices, 64, 64), bool)
    mask[0, 20:32, 40:52] = True
    return Patient(f"p{seed}", "A", (gain * slices).astype(np.float32), mask)


def test_features_are_of_one_patient_alone_and_blind_to_the_scanners_gain():
    one, other = scan(seed=1), scan(seed=2)
    scale = public_scale([scan(seed=9), scan(seed=8)])
    together, alone = look_at([one, other], scale), look_at([one], scale)
    assert torch.equal(together.features[:1], alone.features)
    louder = look_at([scan(seed=1, gain=37.0)], scale)
    assert (louder.features - alone.features).abs().float().quantile(0.999) < 0.02
    assert alone.features.shape == (1, 2, 256, DIMENSIONS) and NUM_FEATURES == 40
    assert (alone.features[..., -1] == 1).all()


def test_a_mirrored_head_has_mirrored_features():
    scan_, head_ = map(torch.as_tensor, standardised_scan(scan().slices))
    maps = raw_features(scan_, head_).unflatten(1, (16, 16))
    mirrored = raw_features(scan_.flip(-1), head_.flip(-1)).unflatten(1, (16, 16)).flip(2)
    torch.testing.assert_close(mirrored, maps, atol=1e-4, rtol=1e-3)
    # The darker side of two is the one with the negative unevenness, whichever side it is on.
    torch.testing.assert_close(maps[..., 2], -maps[..., 2].flip(2), atol=1e-4, rtol=1e-3)


def test_a_patients_taught_cells_weigh_the_same_however_many_slices():
    scale = public_scale([scan(seed=9)])
    cells = look_at([scan(2), scan(7, seed=4)], scale)
    examples = teaching_cells(cells, seed=0)
    torch.testing.assert_close(examples.weights.sum((1, 2)), torch.full((2,), 2.0))
    assert ((examples.targets == 1) & (examples.weights > 0)).any((1, 2)).all()
    assert (examples.weights[0, 2:] == 0).all()
    alone = teaching_cells(look_at([scan(2)], scale), seed=0)
    assert alone.weights.sum() == pytest.approx(2.0)


def test_scores_take_the_three_worst_cells_of_the_head_seriously_and_no_padding():
    scale = public_scale([scan(seed=9)])
    weights = torch.randn(DIMENSIONS, generator=torch.Generator().manual_seed(0))
    cells = look_at([scan(2), scan(5, seed=3)], scale)
    scores = patient_scores(weights, cells)
    for score, features, brain in zip(scores, cells.features, cells.brain, strict=True):
        logits = sorted((features[brain].float() @ weights).tolist())
        assert score == pytest.approx(sum(logits[-3:]) / 3, rel=1e-5)
    assert (patient_scores(10 * weights, cells).argsort() == scores.argsort()).all()


def test_an_empty_scan_is_scored_and_not_a_crash():
    scale = public_scale([scan(seed=9)])
    black = Patient("b", "A", np.zeros((1, 64, 64), np.float32), np.zeros((1, 64, 64), bool))
    cells = look_at([black, scan()], scale)
    assert torch.isfinite(cells.features).all()
    assert teaching_cells(cells, seed=0).weights[0].sum() == 0
    scores = patient_scores(torch.zeros(DIMENSIONS), cells)
    assert scores[0] < scores[1] == 0


# Many at once, attacks, audit ------------------------------------------------------------------------


def test_many_heads_without_noise_train_as_the_hospitals_do():
    parts = hospitals()
    pool = joined(*(part.examples for part in parts))
    silent = plan(sample_rate=1.0)
    heads = train_private_heads(pool, np.ones((2, 30), bool), silent, seed=0)
    torch.testing.assert_close(heads.weights[0], train_private(parts, silent).weights, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(heads.weights[0], heads.weights[1])


def test_newton_finds_the_optimum_that_l_bfgs_finds():
    pool = invented(40)
    newton = train_plain_heads(pool, np.ones((1, 40), bool), decay=1e-2)[0]
    torch.testing.assert_close(newton, train_plain([pool], decay=1e-2), atol=2e-3, rtol=1e-2)
    torch.testing.assert_close(
        torch.as_tensor(losses_of_heads(newton[None], pool)[0]).float(),
        patient_losses(newton, pool),
        atol=1e-5,
        rtol=1e-4,
    )


def test_lira_beats_chance_on_heads_that_fit_few_patients_and_not_on_private_ones():
    pool = invented(80, dimensions=20, num_slices=2)
    plain = attack_membership(pool, plan=None, name="plain", seed=0)
    noise = noise_for(1.0, delta=DELTA, sample_rate=0.5, steps=20, accountant="pld")
    private = attack_membership(
        pool, plan=plan(rounds=20, num_patients=40, noise_multiplier=noise), name="ε = 1", seed=0
    )
    assert plain.auc.low > 0.55 and not plain.private
    # Seeded; a 95 % interval widened to three times its half width misses chance with probability 1e-8.
    assert abs(private.auc.value - 0.5) < 3 * (private.auc.high - private.auc.low) / 2 and private.private
    assert plain.auc.value > private.auc.value + 0.05
    with pytest.raises(ValueError, match="half of the pool"):
        attack_membership(pool, plan=plan(num_patients=80), name="x", seed=0)


def test_losses_that_say_nothing_give_an_attack_that_says_nothing():
    rng = np.random.default_rng(0)
    member = rng.random((40, 60)) < 0.5
    scores = membership_scores(rng.exponential(size=(40, 60)), member, num_targets=10)
    # 600 scores: the standard error of the AUC is about 0.024, so 0.12 is five of them (6e-7).
    assert abs(auc(scores, member[:10]) - 0.5) < 0.12


def test_per_slice_privacy_gives_a_patient_with_many_slices_away_and_per_patient_privacy_does_not():
    # 200 runs with and without: an AUC of pure chance has a standard error of 0.03.
    noise = noise_for(1.0, delta=DELTA, sample_rate=0.5, steps=12, accountant="pld")
    others, target = invented(30, num_slices=2), invented(1, num_slices=60, seed=8)
    pool, found = joined(others, target), {}
    for unit in ("slice", "patient"):
        records, owner = as_slices(pool) if unit == "slice" else (pool, np.arange(31))
        member = np.ones((200, len(records)), bool)
        member[:100, owner == 30] = False
        how = plan(rounds=12, noise_multiplier=noise, num_patients=len(records))
        heads = train_private_heads(records, member, how, seed=2)
        scores = matched_filter(heads, records.take(np.flatnonzero(owner == 30)), max_update_norm=0.7)
        found[unit] = auc(scores, np.arange(200) >= 100)
    assert found["slice"] > 0.95
    # No attack on ε = 1 has an AUC above e / (1 + e) = 0.73 (over the trade-off curve); with five errors:
    # 0.88.
    assert found["patient"] < 0.88 and found["patient"] < found["slice"]


def test_the_audit_stays_below_the_promise_and_catches_missing_noise():
    noise = noise_for(1.0, delta=DELTA, sample_rate=0.5, steps=6, accountant="pld")
    small = {name: invented(size) for name, size in (("A", 6), ("B", 4))}
    result = audit_result(
        small, plan(rounds=6, noise_multiplier=noise), num_canaries=200, num_guesses=60, seed=0
    )
    assert result.claimed == pytest.approx(1.0, rel=0.01)
    assert result.epsilon_lower_bound <= result.claimed
    # Without noise only a canary that no round drew (one in 64) is guessed wrongly.
    assert result.claimed < result.control_lower_bound <= result.ceiling


def test_follow_ups_are_the_same_head_again_with_fresh_noise():
    once, thrice = scan(4), with_follow_ups(scan(4), num_scans=3, seed=0)
    assert thrice.num_slices == 12 and thrice.patient_id == once.patient_id
    assert (thrice.slices[:4] == once.slices).all()
    assert not (thrice.slices[4:8] == thrice.slices[8:]).all()
    assert (thrice.tumour_mask[8:] == once.tumour_mask).all()
    with pytest.raises(ValueError):
        with_follow_ups(once, num_scans=0, seed=0)


def test_a_plan_out_of_range_is_refused():
    for wrong in (
        {"rounds": 0},
        {"sample_rate": 0},
        {"noise_multiplier": -1},
        {"learning_rate": 0},
        {"spare": -1},
    ):
        with pytest.raises(ValueError, match="a plan needs"):
            plan(**wrong)
    assert dataclasses.replace(plan(), rounds=2).rounds == 2
