"""The reference auditor finds each way to plant each flaw, and accuses no sound vendor, however it looks."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from audit_variants import FLAWED, SERVER, SHEET, SOUND, blueprint, vendor_of

from course.audit_lab import CHECKS, Flaw, inspect, open_lab, payloads_of, reference_auditor, reveal, score
from course.audit_lab.blueprint import Sampler
from course.audit_lab.checks import holds_update, random_updates
from course.audit_lab.output_checks import check_loss, check_sampler, overlap_test, size_test
from course.audit_lab.sampler import draw_cohorts
from course.audit_lab.vendor import Vendor

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests" / "benchmarks" / "results" / "audit_lab_scores.json"
AUDITORS = ("naive", "everything", "sloppy", "reference")


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_vendor_passes_every_check(name):
    assert inspect(vendor_of(blueprint(**SOUND[name]))).findings == []


@pytest.mark.parametrize("name", FLAWED)
def test_each_flaw_is_found_in_each_place_where_it_may_sit_and_no_other_is(name):
    flaw, wanted = FLAWED[name]
    found = inspect(vendor_of(blueprint((flaw,), **wanted))).findings
    assert [finding.flaw for finding in found] == [flaw]


def test_there_is_one_check_for_each_flaw():
    inspection = inspect(vendor_of(blueprint()))
    assert sorted(check.flaw.name for check in inspection.checks) == sorted(flaw.name for flaw in Flaw)
    assert len(CHECKS) == len(Flaw)
    assert sum(check.false_alarm for check in inspection.checks) < 1e-5


def test_without_noise_epsilon_is_not_tested_rather_than_failed():
    inspection = inspect(vendor_of(blueprint((Flaw.NO_NOISE,))))
    (check,) = [check for check in inspection.checks if check.flaw is Flaw.PER_ROUND_EPSILON]
    assert check.passed is None and "no ε to check" in str(check.evidence)


@pytest.mark.parametrize("seed", range(100, 105))
def test_the_reference_auditor_finds_all_and_accuses_nobody(seed):
    lab = open_lab(seed)
    got = score(reference_auditor(lab), lab)
    assert (got.points, got.precision, got.recall, got.false_accusations) == (1, 1, 1, 0)


def test_the_reference_auditor_needs_the_services_and_nothing_else():
    lab = open_lab(103)
    planted = reveal(lab)
    some = list(lab)[:4]
    found = {(finding.vendor, finding.flaw) for finding in reference_auditor(some)}
    assert found == {(vendor.name, flaw) for vendor in some for flaw in planted[vendor.name]}
    for module in ("checks", "output_checks", "auditors"):
        source = (ROOT / "course" / "audit_lab" / f"{module}.py").read_text(encoding="utf-8")
        for word in ("blueprint", "_planted", "reveal", "_seed", "_rng"):
            assert not re.search(rf"\b{word}\b", source), f"{module} looks at {word}"


# The statistics behind the checks --------------------------------------------------------------------------


def test_coins_are_seldom_accused_and_other_samplers_always():
    accused = {}
    for kind in Sampler:
        flaws = () if kind is Sampler.POISSON else (Flaw.NOT_POISSON,)
        drawn = blueprint(flaws, sampler=kind, seat=SERVER)
        accused[kind] = sum(not check_sampler(Vendor(SHEET, drawn, seed=seed)).passed for seed in range(25))
    # 25 checks at 10^−6 each.
    assert accused == {kind: 0 if kind is Sampler.POISSON else 25 for kind in Sampler}


@pytest.mark.parametrize("test", [size_test, overlap_test])
def test_a_test_of_the_sampler_is_right_about_how_rare_coins_are(test):
    coins = {"population": 200, "sample_rate": 0.1}
    draws = [draw_cohorts(Sampler.POISSON, rounds=100, seed=seed, **coins) for seed in range(300)]
    rare = sum(test(each, **coins)[0] < 0.02 for each in draws)
    # Binomial(300, 0.02): above 22 once in 10^6 times. An exact p-value may be too large, never too small.
    assert rare <= 22


def test_noise_in_a_loss_is_not_taken_for_a_copy():
    drawn = blueprint(**SOUND["loss within the budget"])
    assert all(check_loss(Vendor(SHEET, drawn, seed=seed)).passed for seed in range(6))


def test_a_log_line_is_an_update_only_if_four_entries_in_a_row_are():
    updates = random_updates((101,), length=20, norm=1.0)
    values = updates[101]
    assert holds_update("payload " + " ".join(f"{value:.6g}" for value in values[5:9]), updates)
    assert not holds_update("payload " + " ".join(f"{value:.6g}" for value in values[5:8]), updates)
    other = " ".join(f"{value * 1.01:.6g}" for value in values[5:13])
    assert not holds_update(f"payload {other}", updates)
    assert holds_update("x " + np.asarray(values[:8], dtype="<f4").tobytes().hex(), updates)
    noise = np.random.default_rng(0).bytes(4_000)
    assert not holds_update("x " + noise.hex(), updates)
    assert payloads_of(noise.hex())


# Twenty labs ---------------------------------------------------------------------------------------


def test_over_twenty_labs_the_reference_auditor_was_right_and_the_naive_one_worthless():
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert list(record["vendors"]) == [f"lab {number}" for number in range(20)]
    planted = {}
    for seed, names in record["vendors"].items():
        lab = open_lab(seed)
        assert names == [vendor.name for vendor in lab], "these are other labs: run the benchmark again"
        planted[seed] = sum(map(len, reveal(lab).values()))
    rows = {name: [r for r in record["scores"] if r["auditor"] == name] for name in AUDITORS}
    for name, each in rows.items():
        assert [(row["seed"], row["planted"]) for row in each] == list(planted.items()), name
    for row in rows["reference"]:
        assert row["found"] == row["planted"] and row["points"] == row["precision"] == row["recall"] == 1
        assert row["false_accusations"] == row["sound_accused"] == 0
    assert all(row["points"] == 0 for row in rows["naive"] + rows["everything"])
    assert sum(row["false_accusations"] for row in rows["sloppy"]) > 0
    assert all(row["recall"] == 1 for row in rows["sloppy"])
