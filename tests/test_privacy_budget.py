"""A hospital's accountant goes on over rounds, runs, crashes and processes, and never under-counts."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opacus.accountants import PRVAccountant

from course.hospital import budget as module
from course.hospital.budget import BudgetSpent, PrivacyBudget, Release, epsilon_of
from course.privacy import Adjacency, Unit, epsilon_spent, noise_for, rdp_subsampled_gaussian, rdp_to_epsilon
from course.privacy.rdp import DEFAULT_ORDERS

DELTA = 1e-4
ROUND = {"noise_multiplier": 6.0, "sample_rate": 0.5}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "privacy_budget.json"
    PrivacyBudget.create(path, hospital="St. Anna", epsilon=3.0, delta=DELTA)
    return path


def spend(file, rounds, *, run="first", start=0, **how):
    budget = PrivacyBudget.open(file)
    return [budget.spend(run=run, round_index=start + i, **(ROUND | how)) for i in range(rounds)]


# What it counts --------------------------------------------------------------------------------------


def test_alike_rounds_cost_what_the_accountant_of_the_course_says(file):
    totals = spend(file, 8)
    expected = [epsilon_spent(**ROUND, steps=n, delta=DELTA, accountant="pld") for n in range(1, 9)]
    assert totals == pytest.approx(expected, rel=1e-4)
    assert PrivacyBudget.open(file).epsilon == totals[-1]


def test_rounds_of_different_noise_agree_with_two_other_accountants():
    kinds = [(6.0, 0.5, 10), (3.0, 0.25, 6), (8.0, 1.0, 3)]
    releases = [Release("run", 0, noise, rate) for noise, rate, count in kinds for _ in range(count)]
    ours = epsilon_of(releases, delta=DELTA)
    opacus = PRVAccountant()
    opacus.history = list(kinds)
    with pytest.warns(RuntimeWarning):  # Opacus takes the logarithm of 0 where everybody takes part.
        theirs = opacus.get_epsilon(DELTA, eps_error=0.005)
    assert ours == pytest.approx(theirs, abs=0.02)
    rdp = [
        sum(
            count * rdp_subsampled_gaussian(noise_multiplier=noise, sample_rate=rate, order=order)
            for noise, rate, count in kinds
        )
        for order in DEFAULT_ORDERS
    ]
    assert ours <= rdp_to_epsilon(rdp, orders=DEFAULT_ORDERS, delta=DELTA)


def test_all_runs_together_cost_less_than_the_sum_and_more_than_each(file):
    spend(file, 5)
    alone = PrivacyBudget.open(file).epsilon
    spend(file, 5, run="second", noise_multiplier=8.0)
    both = PrivacyBudget.open(file).epsilon
    second = epsilon_spent(noise_multiplier=8.0, sample_rate=0.5, steps=5, delta=DELTA, accountant="pld")
    assert max(alone, second) < both < alone + second


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([(4.0, 0.5), (6.0, 0.25)]), min_size=1, max_size=6), st.randoms())
def test_the_order_of_rounds_does_not_matter_and_one_more_costs_more(kinds, random):
    releases = [Release("r", i, noise, rate) for i, (noise, rate) in enumerate(kinds)]
    shuffled = random.sample(releases, len(releases))
    assert epsilon_of(releases, delta=DELTA) == pytest.approx(epsilon_of(shuffled, delta=DELTA), rel=1e-6)
    assert epsilon_of(releases[:-1], delta=DELTA) < epsilon_of(releases, delta=DELTA)


# Refusal ---------------------------------------------------------------------------------------------


def test_a_round_that_would_cost_too_much_is_refused_and_not_written(file):
    fits = PrivacyBudget.open(file).rounds_left(**ROUND)
    assert fits >= 5
    spend(file, fits)
    before = file.read_bytes()
    with pytest.raises(
        BudgetSpent, match=r"St\. Anna: round 99 of first would bring ε to 3\.\d+; the limit is 3"
    ):
        spend(file, 1, start=99)
    assert file.read_bytes() == before
    assert PrivacyBudget.open(file).epsilon <= 3.0
    assert PrivacyBudget.open(file).rounds_left(**ROUND) == 0


def test_a_planned_run_fits_to_the_last_round(tmp_path):
    noise = noise_for(1.0, delta=DELTA, sample_rate=0.5, steps=20, accountant="pld")
    budget = PrivacyBudget.create(tmp_path / "b.json", hospital="A", epsilon=1.0, delta=DELTA)
    for index in range(20):
        total = budget.spend(run="plan", round_index=index, noise_multiplier=noise, sample_rate=0.5)
    assert 0.999 < total <= 1.0
    with pytest.raises(BudgetSpent):
        budget.spend(run="plan", round_index=20, noise_multiplier=noise, sample_rate=0.5)


def test_a_new_run_does_not_begin_at_zero(file):
    fits = PrivacyBudget.open(file).rounds_left(**ROUND)
    spend(file, fits)
    with pytest.raises(BudgetSpent):
        spend(file, 1, run="next year's study")


def test_the_same_round_again_costs_again(file):
    first, again = spend(file, 1), spend(file, 1)
    assert again[0] > first[0]
    assert len(PrivacyBudget.open(file).releases) == 2


# Restarts --------------------------------------------------------------------------------------------


def test_a_hospital_that_restarts_or_rejoins_goes_on(file):
    spend(file, 3)  # Each call opens the file anew, as a new process does.
    spend(file, 2, start=7)
    budget = PrivacyBudget.open(file)
    assert [release.round_index for release in budget.releases] == [0, 1, 2, 7, 8]
    assert budget.epsilon == epsilon_of([Release("r", 0, **ROUND)] * 5, delta=DELTA)


SENDER = """
import sys, time
from course.hospital.budget import PrivacyBudget
budget = PrivacyBudget.open(sys.argv[1])
for index in range(10_000):
    budget.spend(run="killed", round_index=index, noise_multiplier=60.0, sample_rate=0.5)
    print(index, flush=True)  # The update leaves.
"""


def test_a_kill_at_any_moment_can_only_over_count(file):
    process = subprocess.Popen([sys.executable, "-c", SENDER, str(file)], stdout=subprocess.PIPE, text=True)
    left = [process.stdout.readline() for _ in range(5)]
    time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    left += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    written = [release.round_index for release in PrivacyBudget.open(file).releases]
    assert len(left) <= len(written) <= len(left) + 1
    assert written == list(range(len(written)))
    # And the history can be gone on with.
    assert spend(file, 1, noise_multiplier=60.0)


def test_a_crash_in_the_middle_of_writing_leaves_the_old_history_whole(file, monkeypatch):
    spend(file, 2)
    before = file.read_bytes()

    def crash(*anything):
        raise OSError("no space left")

    monkeypatch.setattr(module.os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        spend(file, 1)
    assert file.read_bytes() == before
    assert len(PrivacyBudget.open(file).releases) == 2


def test_the_release_is_on_disk_before_spend_returns(file, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(module.os, name, lambda *a, real=real, name=name: order.append(name) or real(*a))
    spend(file, 1)
    assert order == ["fsync", "replace", "fsync"]


def test_two_processes_of_one_hospital_do_not_lose_each_others_rounds(file):
    code = SENDER.replace("10_000", "20")
    process = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()  # It is at work; now both write.
    spend(file, 20, run="here", noise_multiplier=60.0)
    process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    runs = [release.run for release in PrivacyBudget.open(file).releases]
    assert runs.count("killed") == runs.count("here") == 20


# A file that is not a history --------------------------------------------------------------------------


def test_a_missing_history_is_not_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="a missing history is not an empty one"):
        PrivacyBudget.open(tmp_path / "gone.json")


def test_a_history_cannot_be_started_anew(file):
    spend(file, 1)
    with pytest.raises(FileExistsError, match="a history goes on"):
        PrivacyBudget.create(file, hospital="St. Anna", epsilon=9.0, delta=DELTA)
    assert len(PrivacyBudget.open(file).releases) == 1


def test_a_file_that_vanishes_under_an_open_budget_stops_it(file):
    budget = PrivacyBudget.open(file)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        budget.spend(run="r", round_index=0, **ROUND)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"releases"', '"release"'),
        lambda text: text.replace("version 1", "version 2"),
        lambda text: text.replace("6.0", "-6.0"),
        lambda text: text.replace("6.0", "NaN"),
        lambda text: text.replace('"round_index": 0', '"round_index": null'),
    ],
    ids=["cut off", "empty", "a list", "a key", "another version", "negative", "not a number", "null"],
)
def test_a_broken_history_is_refused_by_name(file, damage):
    spend(file, 1)
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=r"privacy_budget\.json is not a"):
        PrivacyBudget.open(file)


@pytest.mark.parametrize(
    "wrong",
    [{"epsilon": 0}, {"epsilon": float("inf")}, {"delta": 0}, {"delta": 1}, {"hospital": " "}],
    ids=str,
)
def test_a_budget_without_a_limit_or_an_owner_is_refused(tmp_path, wrong):
    right = {"hospital": "A", "epsilon": 1.0, "delta": DELTA}
    with pytest.raises(ValueError):
        PrivacyBudget.create(tmp_path / "b.json", **(right | wrong))
    assert not (tmp_path / "b.json").exists()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "run": st.sampled_from(["", " "]),
            "round_index": st.sampled_from([-1, 0.5]),
            "noise_multiplier": st.sampled_from([0.0, -1.0, float("nan"), float("inf")]),
            "sample_rate": st.sampled_from([0.0, 1.5, float("nan")]),
        },
    ).filter(bool)
)
def test_a_release_out_of_range_is_refused(wrong):
    right = {"run": "r", "round_index": 0, **ROUND}
    with pytest.raises(ValueError):
        Release(**(right | wrong))


# Its sentences ---------------------------------------------------------------------------------------


def test_its_claims_say_whose_privacy_and_recompute(file):
    spend(file, 4)
    spend(file, 2, run="second")
    spend(file, 3, run="third", noise_multiplier=9.0)
    claims = PrivacyBudget.open(file).claims()
    assert [claim.steps for claim in claims] == [6, 3]
    for claim in claims:
        assert claim.unit is Unit.PATIENT and claim.adjacency is Adjacency.ADD_REMOVE
        assert claim.epsilon == pytest.approx(
            epsilon_spent(
                noise_multiplier=claim.noise_multiplier, sample_rate=claim.sample_rate, steps=claim.steps,
                delta=claim.delta, accountant="prv",
            ),
            rel=0.02,
        )  # fmt: skip
    assert "per patient (add/remove)" in str(claims[0])


def test_the_file_is_plain_to_read(file):
    spend(file, 1)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["hospital"] == "St. Anna" and content["unit"] == "patient"
    assert content["releases"] == [
        {"run": "first", "round_index": 0, "noise_multiplier": 6.0, "sample_rate": 0.5}
    ]
