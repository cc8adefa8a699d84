"""The audit lab as a game: no two labs alike, nothing betrayed at a glance, guesses cost."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from audit_variants import SOUND, blueprint, vendor_of
from hypothesis import given
from hypothesis import strategies as st

from course.audit_lab import (
    Deployment,
    Finding,
    Flaw,
    Measured,
    Read,
    RoundRefused,
    Severity,
    Vendor,
    everything_auditor,
    inspect,
    naive_auditor,
    open_lab,
    report,
    reveal,
    score,
)
from course.audit_lab.auditors import REMEDY, SEVERITY
from course.audit_lab.blueprint import ACCOUNTING, AGGREGATION, goes_with
from course.audit_lab.brochures import MODEST_CLAIMS
from course.audit_lab.findings import score_against

SEEDS = range(40)
READ = Read("the log", "0.25")


def finding(vendor="A", flaw=Flaw.NO_NOISE, **changes):
    fields = {"evidence": READ, "severity": Severity.HIGH, "remedy": "Add noise."} | changes
    return Finding(vendor, flaw, **fields)


def round_of(vendor, *, clients=(101, 102, 205)):
    updates = {client: np.full(6, 0.1 * place) for place, client in enumerate(clients)}
    return vendor.deploy().run_round(updates, dict.fromkeys(clients, 0.5))


# Labs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_each_lab_has_all_flaws_and_three_or_four_sound_vendors(seed):
    planted = reveal(open_lab(seed))
    assert len(planted) in (13, 14)
    assert frozenset().union(*planted.values()) == frozenset(Flaw)
    assert sum(not flaws for flaws in planted.values()) == len(planted) - 10
    for flaws in planted.values():
        assert len(flaws) <= 2
        assert len(flaws & AGGREGATION) <= 1 and len(flaws & ACCOUNTING) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_brochures_mislead_on_both_sides(seed):
    lab = open_lab(seed)
    modest = {vendor.name: vendor.sheet.claims[0] in MODEST_CLAIMS for vendor in lab}
    flawed = {name: bool(flaws) for name, flaws in reveal(lab).items()}
    assert sum(modest[name] and not flawed[name] for name in modest) >= 2
    assert sum(flawed[name] and not modest[name] for name in modest) >= 3
    assert sum(flawed[name] and modest[name] for name in modest) >= 3


def test_forty_labs_are_forty_labs():
    labs = [open_lab(seed) for seed in SEEDS]
    assert len({tuple(vendor.name for vendor in lab) for lab in labs}) == len(SEEDS)
    assert len({tuple(reveal(lab).values()) for lab in labs}) == len(SEEDS)
    assert len({tuple(str(vendor.annex) for vendor in lab) for lab in labs}) == len(SEEDS)


def test_a_lab_opens_by_any_name_and_finds_its_vendors_by_theirs():
    lab = open_lab("ada")
    assert open_lab("ada").vendors[3].name == lab.vendors[3].name != open_lab("grace").vendors[3].name
    assert lab[lab.vendors[3].name] is lab.vendors[3]
    assert len(list(lab)) == len(lab)
    with pytest.raises(KeyError, match="no vendor here is called 'Nobody'"):
        lab["Nobody"]


_FINGERPRINT = """
import hashlib, itertools
import numpy as np
from course.audit_lab import Flaw, open_lab
from course.audit_lab.blueprint import draw_blueprint, goes_with
text = ""
for vendor in open_lab("fingerprint"):
    rounds = [vendor.deploy().run_round({101: np.full(6, 0.1), 102: np.full(6, 0.2)}) for _ in range(2)]
    text += f"{vendor.sheet} {vendor.annex} {[(r.release, r.loss) for r in rounds]} {vendor.draw_cohorts(2)}"
for pair in itertools.combinations(Flaw, 2):
    drawn = draw_blueprint(frozenset(pair), np.random.default_rng(0))
    text += str({name: value for name, value in vars(drawn).items() if name != "flaws"})
digest = hashlib.sha256(text.encode()).hexdigest()
"""


def test_a_lab_is_the_same_in_another_process_with_another_order_of_sets():
    here = {}
    exec(_FINGERPRINT, here)
    env = os.environ | {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _FINGERPRINT + "print(digest)"], capture_output=True, text=True, check=True,
        env=env, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert done.stdout.strip() == here["digest"]


# Nothing is betrayed at a glance ---------------------------------------------------------------------------


def shape_of(record):
    """All that somebody sees of a record without reading its numbers."""
    return (
        type(record).__name__,
        [(client, m.dtype, m.shape, m.flags.c_contiguous) for client, m in record.messages.items()],
        {(type(c.members), c.total.dtype, c.total.shape) for c in record.cohorts},
        record.release.dtype, record.release.shape, type(record.loss), type(record.reported_epsilon),
        [line.split(": ")[0] for line in record.log.splitlines() if "payload" not in line],
    )  # fmt: skip


@pytest.mark.parametrize("seed", (0, 1, 2))
def test_all_vendors_have_the_same_face(seed):
    lab = open_lab(seed)
    shapes = [repr(shape_of(round_of(vendor))) for vendor in lab]
    assert len(set(shapes)) == 1
    assert {type(vendor) for vendor in lab} == {Vendor}
    assert {type(vendor.deploy()) for vendor in lab} == {Deployment}
    public = [[name for name in dir(vendor) if not name.startswith("_")] for vendor in lab]
    assert set(map(tuple, public)) == {("annex", "deploy", "draw_cohorts", "name", "sheet")}


@pytest.mark.parametrize("seed", (0, 1))
def test_what_is_printed_names_no_flaw(seed):
    lab = open_lab(seed)
    words = (
        [flaw.name.lower() for flaw in Flaw] + [flaw.value for flaw in Flaw] + ["flaw", "blueprint", "raw_"]
    )
    for vendor in lab:
        record = round_of(vendor)
        pages = [vendor.sheet._repr_html_(), vendor.annex._repr_html_()]
        shown = [lab, vendor, vendor.deploy(), vendor.sheet, vendor.annex, record, record.cohorts, record.log]
        shown = " ".join([*map(repr, shown), *map(str, shown), *pages])
        assert not [word for word in words if word in shown.lower()]


def test_the_same_line_of_the_log_may_hold_a_masked_or_a_raw_payload():
    decoy = vendor_of(blueprint(**SOUND["log of masked messages in hex"]))
    leak = vendor_of(blueprint((Flaw.DEBUG_LOG,), dump_format="hex"))
    words = []
    for vendor in (decoy, leak):
        updates = {101: np.full(8, 99.0), 102: np.full(8, 99.0)}
        deployment = vendor.deploy()
        log = "\n".join(deployment.run_round(updates).log for _ in range(3))
        line = next(line for line in log.splitlines() if "payload" in line)
        words.append([len(word) for word in line.split()][2:])
    assert words[0] == words[1]


# The service refuses what makes no sense ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("updates", "losses", "words"),
    [
        ({101: np.zeros(3), 102: np.zeros(4)}, None, "one length"),
        ({101: np.zeros((2, 2)), 102: np.zeros((2, 2))}, None, "one dimension"),
        ({101: np.zeros(0), 102: np.zeros(0)}, None, "one dimension"),
        ({0: np.zeros(3), 102: np.zeros(3)}, None, "whole numbers from 1"),
        ({"a": np.zeros(3), 102: np.zeros(3)}, None, "whole numbers from 1"),
        ({101: np.array([math.nan]), 102: np.zeros(1)}, None, "finite"),
        ({101: np.zeros(1), 102: np.zeros(1)}, {101: 1.5}, "from 0 to 1"),
        ({101: np.zeros(1), 102: np.zeros(1)}, {103: 0.5}, "of clients of this round"),
    ],
)
def test_a_round_that_makes_no_sense_is_refused_and_costs_nothing(updates, losses, words):
    deployment = vendor_of(blueprint()).deploy()
    with pytest.raises(ValueError, match=words):
        deployment.run_round(updates, losses)
    assert "0 rounds run" in repr(deployment)


def test_ids_may_be_numbers_of_numpy_and_updates_are_a_mapping():
    deployment = vendor_of(blueprint()).deploy()
    record = deployment.run_round(
        {client: np.zeros(1) for client in np.arange(101, 103)}, {np.int64(102): 0.5}
    )
    assert list(record.messages) == [101, 102]
    with pytest.raises(ValueError, match="a mapping, client → update"):
        deployment.run_round([np.zeros(1), np.zeros(1)])


def test_the_length_stays_the_same_in_a_deployment():
    deployment = vendor_of(blueprint()).deploy()
    deployment.run_round({101: np.zeros(3), 102: np.zeros(3)})
    with pytest.raises(ValueError, match="one length in all rounds"):
        deployment.run_round({101: np.zeros(2), 102: np.zeros(2)})


@pytest.mark.parametrize("seed", (0,))
def test_no_vendor_runs_a_round_of_one(seed):
    for vendor in open_lab(seed):
        with pytest.raises(RoundRefused, match="at least 2 clients"):
            vendor.deploy().run_round({101: np.zeros(1)})
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        vendor.draw_cohorts(0)


# Findings and their score --------------------------------------------------------------------------------

PLANTED = {
    "A": frozenset({Flaw.NO_NOISE}),
    "B": frozenset({Flaw.RAW_LOSS, Flaw.DEBUG_LOG}),
    "C": frozenset(),
    "D": frozenset(),
}


def test_the_score_of_a_hand_counted_case():
    filed = [
        finding("A"), finding("A"), finding("B", Flaw.RAW_LOSS), finding("B", Flaw.NO_NOISE), finding("C"),
    ]  # fmt: skip
    got = score_against(filed, PLANTED)
    assert (got.found, got.missed, got.false_accusations, got.sound_accused) == (2, 1, 2, 1)
    assert (got.precision, got.recall, got.points) == (2 / 4, 2 / 3, 0.0)  # 2 − 2 − 2 < 0
    assert score_against(filed[:3], PLANTED).points == 2 / 3
    assert score_against(filed[:4], PLANTED).points == 1 / 3
    assert "0.67 points of 1: found 2 of 3 flaws" in str(score_against(filed[:3], PLANTED))


@given(st.lists(st.tuples(st.sampled_from(sorted(PLANTED)), st.sampled_from(list(Flaw))), max_size=12))
def test_a_right_finding_never_costs_and_a_wrong_one_never_pays(filed):
    filed = [finding(vendor, flaw) for vendor, flaw in filed]
    before = score_against(filed, PLANTED)
    assert 0 <= before.points <= 1
    right = score_against([*filed, finding("A", Flaw.NO_NOISE)], PLANTED)
    wrong = score_against([*filed, finding("D", Flaw.NO_NOISE)], PLANTED)
    assert right.points >= before.points >= wrong.points
    assert right.recall >= before.recall and wrong.precision <= before.precision


def test_no_finding_is_worth_nothing_and_all_right_ones_are_worth_1():
    assert score_against([], PLANTED).points == score_against([], PLANTED).precision == 0
    right = [finding(vendor, flaw) for vendor, flaws in PLANTED.items() for flaw in flaws]
    assert score_against(right, PLANTED).points == score_against(right, PLANTED).precision == 1


def test_a_score_is_of_findings_in_this_lab():
    with pytest.raises(ValueError, match="no vendor here is called 'Z'"):
        score_against([finding("Z")], PLANTED)
    with pytest.raises(ValueError, match="put this one into"):
        score_against(finding("A"), PLANTED)
    with pytest.raises(ValueError, match="a score is of Findings, not str"):
        score_against(["A has no noise"], PLANTED)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vendor": " "}, "vendor is the name"),
        ({"flaw": "no noise"}, "flaw is a Flaw"),
        ({"evidence": "trust me"}, "evidence is Measured or Read"),
        ({"severity": "high"}, "severity is a Severity"),
        ({"remedy": ""}, "remedy says what"),
    ],
)
def test_an_incomplete_finding_is_none(changes, words):
    with pytest.raises(ValueError, match=words):
        finding(**changes)


def test_evidence_is_a_number_in_its_interval_or_something_read():
    assert str(Measured("noise", 2.0, 1.5, 2.5)) == "noise: 2 (1.5 to 2.5)"
    assert str(Measured("clients", 1, 1, 1)) == "clients: 1 (exact)"
    for wrong in ((" ", 1, 0, 2), ("noise", 3, 1, 2), ("noise", math.nan, 0, 1), ("noise", 1, math.nan, 2)):
        with pytest.raises(ValueError, match="a named, finite number inside its interval"):
            Measured(*wrong)
    for wrong in ((None, 1, 0, 2), ("noise", "2", 1, 3), ("noise", 2, None, 3)):
        with pytest.raises(ValueError, match="a name and three numbers"):
            Measured(*wrong)
    for wrong in (("", "x"), ("log", "  "), ("log", 0.25), (None, "x")):
        with pytest.raises(ValueError, match="where it was read and what"):
            Read(*wrong)


@pytest.mark.parametrize("seed", range(20))
def test_whoever_reads_brochures_and_whoever_accuses_everybody_score_nothing(seed):
    lab = open_lab(seed)
    naive, everything = score(naive_auditor(lab), lab), score(everything_auditor(lab), lab)
    assert naive.points == everything.points == 0
    assert naive.precision < 0.3 and naive.sound_accused >= 2
    assert everything.recall == 1


def test_pairs_of_flaws_can_be_told_apart():
    assert goes_with(Flaw.NO_NOISE, Flaw.NOT_POISSON)
    assert not goes_with(Flaw.NO_NOISE, Flaw.PER_ROUND_EPSILON)
    assert not goes_with(Flaw.FOLDED_SEED, Flaw.PLAIN_AVERAGING)
    assert not any(goes_with(flaw, flaw) for flaw in Flaw)
    assert all(goes_with(one, other) == goes_with(other, one) for one in Flaw for other in Flaw)
    assert set(SEVERITY) == set(REMEDY) == set(Flaw)


# The report ------------------------------------------------------------------------------------------------


def test_a_report_says_who_was_feared_what_was_tested_found_and_not_tested():
    vendor = vendor_of(blueprint((Flaw.DEBUG_LOG,), dump_format="decimal"))
    page = report(vendor, inspect(vendor))
    for text in (page.to_markdown(), page.to_html(), repr(page)):
        for part in ("Adversaries", "What was tested", "What was found", "says nothing about"):
            assert part in text
        assert "One finding, the worst of them critical" in text
        assert "Take payloads out of the log" in text
    assert page.to_markdown().count("| passed |") + page.to_markdown().count("could not be tested") == 9
    assert len(page.found) == 1 and page._repr_html_() == page.to_html()


def test_a_report_without_findings_claims_no_proof():
    vendor = vendor_of(blueprint(**SOUND["noise of the server"]))
    page = report(vendor, inspect(vendor))
    assert "This is no proof that there is none" in page.opinion
    assert "## What was found\n\nNothing." in page.to_markdown()
    assert "<p>Nothing.</p>" in page.to_html()


def test_a_report_escapes_what_a_vendor_wrote_and_keeps_to_its_vendor():
    vendor = vendor_of(blueprint())
    inspection = inspect(vendor)
    read = Read("log", "<script>a|b</script>")
    filed = [
        finding(vendor.name, Flaw.DEBUG_LOG, evidence=read, severity=Severity.LOW),
        finding(vendor.name, Flaw.NO_NOISE, severity=Severity.CRITICAL),
        finding("Other Ltd", Flaw.RAW_LOSS),
    ]
    page = report(vendor, inspection, findings=filed)
    assert [found.flaw for found in page.found] == [Flaw.NO_NOISE, Flaw.DEBUG_LOG]
    assert "<script>" not in page.to_html() and "&lt;script&gt;" in page.to_html()
    assert "a\\|b" in page.to_markdown()
    other = open_lab(0).vendors[0]
    with pytest.raises(ValueError, match="this inspection is of 'Testers Ltd'"):
        report(other, inspection)


def test_no_place_in_the_order_is_safe():
    labs = [open_lab(f"learner {number}") for number in range(60)]
    sound = sum(not reveal(lab)[lab.vendors[0].name] for lab in labs)
    # 3.5 of 13.5 vendors are sound, so the first one is with probability 0.26: outside of 2 … 35 of 60 labs
    # once in 10^5 choices of names.
    assert 2 <= sound <= 35
