"""What lesson 13 gives a learner is enough: an auditor made of its exercises finds all and accuses nobody."""

import math

import numpy as np
import pytest

from course.audit_lab import (
    REMEDY,
    SEVERITY,
    Finding,
    Flaw,
    Read,
    RoundRefused,
    as_update,
    naive_auditor,
    open_lab,
    random_updates,
    score,
)
from course.exercises.exercise import exercises_of
from course.exercises.lesson_13_releases import ANNEXES, TIGHTEST
from course.privacy import epsilon_spent

TOOLS = {exercise.name: exercise.reference for exercise in exercises_of("13").values()}
MISTAKE = 1e-6
LABS = ("ada lovelace", "write your name here", "grace hopper", 7)
"""Each takes a few seconds. Only masks are drawn anew in each run, about a hundred messages a lab: a false
alarm in one of 10,000 runs of a lab.
"""


def noise_of(vendor) -> tuple[float, float]:
    """As the lesson's `measured_noise`."""
    deployment, seen = vendor.deploy(), []
    for _ in range(2):
        record = deployment.run_round(random_updates((101, 102), length=4096, norm=0.4))
        local = vendor.annex.noise_added.startswith("by each device")
        seen.append(as_update(record.messages[101], vendor.annex) if local else record.release)
    return TOOLS["noise_interval"](*seen, MISTAKE)


def server_flaws(vendor) -> set[Flaw]:
    annex, flaws = vendor.annex, set()
    clients = range(101, 102 + annex.cohort_size)
    messages = vendor.deploy().run_round(random_updates(clients, length=64, norm=0.4)).messages
    open_ones = [c for c, message in messages.items() if TOOLS["chance_if_masked"](message) < MISTAKE]
    sums = []
    for trial in ((101, 102, 103), tuple(clients), (101, 102, 103, 204), (101, 202, 203)):
        sums += vendor.deploy().run_round(random_updates(trial, length=8, norm=0.4)).cohorts
    alone = any(len(cohort.members) == 1 for cohort in sums)
    if alone:
        flaws.add(Flaw.COHORT_OF_ONE)
        # Whoever is alone in a sum has nobody to share a mask with: the same finding, not a second one.
        open_ones = [client for client in open_ones if client != clients[-1]]
    if open_ones and not annex.noise_added.startswith("by each device"):
        flaws.add(Flaw.PLAIN_AVERAGING)
    pair = vendor.deploy().run_round(random_updates((101, 102), length=64, norm=0.4)).messages[101]
    if not open_ones and TOOLS["find_seed"](pair, 12, MISTAKE) is not None:
        flaws.add(Flaw.FOLDED_SEED)
    updates = random_updates((101, 102), length=64, norm=0.4)
    updates[102] *= 50
    deployment = vendor.deploy()
    log = "\n".join(deployment.run_round(updates).log for _ in range(4))
    if any(TOOLS["lines_that_leak"](log, update) for update in updates.values()):
        flaws.add(Flaw.DEBUG_LOG)
    return flaws


def release_flaws(vendor) -> set[Flaw]:
    annex, flaws = vendor.annex, set()
    _, high = noise_of(vendor)
    if high == 0:
        flaws.add(Flaw.NO_NOISE)
    elif TOOLS["total_epsilon"](high, annex) > 1.01 * annex.epsilon:
        flaws.add(Flaw.PER_ROUND_EPSILON)
    if annex.epsilon > 10:
        flaws.add(Flaw.EMPTY_PROMISE)
    if annex.sample_rate < 1:
        draws = vendor.draw_cohorts(200)
        if TOOLS["chance_if_poisson"](draws, annex.population, annex.sample_rate) < MISTAKE:
            flaws.add(Flaw.NOT_POISSON)
    updates = {101: np.zeros(1), 102: np.zeros(1)}
    deployment = vendor.deploy()
    try:
        for _ in range(annex.rounds + 1):
            deployment.run_round(updates)
        flaws.add(Flaw.NO_ACCOUNTING)
    except RoundRefused:
        pass
    published = {}
    for own in (0.1, 0.9):
        deployment = vendor.deploy()
        published[own] = [deployment.run_round(updates, {101: 0.05, 102: own}).loss for _ in range(4)]
    if np.ptp(published[0.9]) == 0 and not math.isclose(published[0.1][0], published[0.9][0]):
        flaws.add(Flaw.RAW_LOSS)
    return flaws


@pytest.mark.parametrize("seed", LABS, ids=str)
def test_an_auditor_made_of_the_exercises_finds_every_flaw_and_accuses_no_sound_vendor(seed):
    lab = open_lab(seed)
    findings = [
        Finding(vendor.name, flaw, Read("a test", "its result"), SEVERITY[flaw], REMEDY[flaw])
        for vendor in lab
        for flaw in server_flaws(vendor) | release_flaws(vendor)
    ]
    got = score(findings, lab)
    assert (got.recall, got.precision, got.points) == (1.0, 1.0, 1.0), str(got)
    assert score(naive_auditor(lab), lab).points < 0.1


def test_the_tightest_epsilons_that_the_checker_accepts_are_those_of_the_tightest_accountant():
    for (noise_std, annex), least in zip(ANNEXES, TIGHTEST, strict=True):
        tight = epsilon_spent(
            noise_multiplier=noise_std / annex.max_update_norm, sample_rate=annex.sample_rate,
            steps=annex.rounds, delta=annex.delta, accountant="pld", adjacency=annex.adjacency,
        )  # fmt: skip
        assert least == pytest.approx(tight, rel=1e-3)
