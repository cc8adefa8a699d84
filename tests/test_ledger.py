"""The ledger: complete sentences only, and every ε that a lesson shows is recomputed by somebody else."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import dp_accounting
import numpy as np
import pytest

from course.privacy import Adjacency, Ledger, PrivacyClaim, Unit, epsilon_spent
from course.privacy.ledger import DISTRIBUTED, MIME, claim_from_data, epsilon_text, pure_epsilon

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))
WITHIN = 0.02
SHOWN = re.compile(r"ε\s*=\s*(∞|\d+(?:\.\d+)?(?:e[-+]?\d+)?)")
"""How a lesson prints an ε: `ε = 1.00`, `ε = ∞`."""

RUN = {
    "noise_multiplier": 1.0, "sample_rate": 0.01, "steps": 1_000, "delta": 1e-5, "unit": Unit.EXAMPLE,
    "adjacency": Adjacency.ADD_REMOVE,
}  # fmt: skip
ONCE = {"unit": Unit.EXAMPLE, "adjacency": Adjacency.ADD_REMOVE}


# A second opinion -------------------------------------------------------------------------------------


def second_opinion(claim: PrivacyClaim) -> float:
    """The ε of a claim by another accountant than the one it names; closed forms where δ is 0."""
    if claim.noise_multiplier == 0:
        return math.inf
    if claim.mechanism == "gaussian":
        return _second_accountant(claim)
    if claim.mechanism == DISTRIBUTED:
        # The pointwise bound costs e^closeness of δ, and 2 · closeness of ε; the rest is a Gaussian.
        ideal = replace(
            claim, mechanism="gaussian", closeness=0.0, delta=claim.delta / math.exp(claim.closeness)
        )
        return _second_accountant(ideal) + 2 * claim.closeness
    # The definition itself, on two neighbouring inputs at distance 1 (the sensitivity).
    if claim.mechanism == "laplace":
        outputs = np.linspace(-9, 9, 1_001)
        losses = np.abs(outputs - 1) / claim.noise_multiplier - np.abs(outputs) / claim.noise_multiplier
        return claim.steps * losses.max()
    if claim.mechanism == "exponential":
        # All scores fall by 1 but one, which rises by 1; among very many options the total hardly moves.
        return claim.steps * (1 - -1) / claim.noise_multiplier
    lie = claim.noise_multiplier
    return claim.steps * max(math.log((1 - lie) / lie), math.log(lie / (1 - lie)))


def _second_accountant(claim: PrivacyClaim) -> float:
    if claim.accountant == "rdp":
        relation = {
            Adjacency.ADD_REMOVE: dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
            Adjacency.REPLACE_ONE: dp_accounting.NeighboringRelation.REPLACE_ONE,
        }[claim.adjacency]
        halved = claim.noise_multiplier / (2 if claim.adjacency is Adjacency.REPLACE_ONE else 1)
        accountant = dp_accounting.rdp.RdpAccountant(neighboring_relation=relation)
        step = dp_accounting.GaussianDpEvent(halved)
        if claim.sampler == "poisson":
            step = dp_accounting.PoissonSampledDpEvent(claim.sample_rate, step)
        accountant.compose(step, claim.steps)
        return accountant.get_epsilon(claim.delta)
    return epsilon_spent(
        noise_multiplier=claim.noise_multiplier, sample_rate=claim.sample_rate, steps=claim.steps,
        delta=claim.delta, accountant={"prv": "pld", "pld": "prv"}[claim.accountant],
        adjacency=claim.adjacency,
    )  # fmt: skip


def recomputes(claim: PrivacyClaim) -> bool:
    """Whether the second opinion is the claimed ε, to two percent."""
    other = second_opinion(claim)
    return claim.epsilon == other or abs(claim.epsilon - other) <= WITHIN * other


# What a notebook shows ------------------------------------------------------------------------------


def outputs_of(notebook: dict) -> list[dict]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def ledger_of(notebook: dict) -> list[PrivacyClaim] | None:
    """The claims of all ledgers that a notebook displays, or None if it displays none."""
    ledgers = [output["data"][MIME] for output in outputs_of(notebook) if MIME in output.get("data", {})]
    return [claim_from_data(data) for ledger in ledgers for data in ledger] if ledgers else None


def shown_epsilons(notebook: dict) -> list[str]:
    """Every x of an "ε = x" in a notebook's text outputs."""
    texts = []
    for output in outputs_of(notebook):
        plain = output.get("text") or output.get("data", {}).get("text/plain", "")
        texts.append("".join(plain))
    return [number for text in texts for number in SHOWN.findall(text)]


def missing_from(claims: list[PrivacyClaim], shown: list[str]) -> list[str]:
    """The shown numbers that are no claim's ε, rounded as they are shown."""

    def is_claimed(text: str) -> bool:
        if text == "∞":
            return any(math.isinf(claim.epsilon) for claim in claims)
        digits = len(text.partition("e")[0].partition(".")[2])
        last_place = 10.0 ** (int(text.partition("e")[2] or 0) - digits)
        return any(abs(claim.epsilon - float(text)) <= 0.5001 * last_place for claim in claims)

    return [text for text in shown if not is_claimed(text)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_epsilon_of_a_lesson_is_in_its_ledger_and_a_second_accountant_agrees(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    claims = ledger_of(notebook)
    if claims is None:
        assert not shown_epsilons(notebook), "this lesson shows an ε and has no ledger"
        return
    assert not missing_from(claims, shown_epsilons(notebook))
    wrong = {claim.name: (claim.epsilon, second_opinion(claim)) for claim in claims if not recomputes(claim)}
    assert not wrong


# The test of that test ---------------------------------------------------------------------------------


def notebook_with(*outputs: dict) -> dict:
    return {"cells": [{"cell_type": "code", "outputs": list(outputs)}]}


def displayed(ledger: Ledger) -> dict:
    return {"output_type": "execute_result", "data": json.loads(json.dumps(ledger._repr_mimebundle_()))}


def test_a_ledger_comes_back_out_of_a_notebook_whole():
    ledger = Ledger()
    ledger.record("training", **RUN, accountant="rdp")
    ledger.record("count", noise_multiplier=2.0, mechanism="laplace", **ONCE)
    ledger.record("nothing", noise_multiplier=0.0, delta=1e-5, **ONCE)
    notebook = notebook_with(displayed(ledger))
    assert ledger_of(notebook) == list(ledger)
    assert not missing_from(list(ledger), shown_epsilons(notebook))


def test_a_ledger_that_does_not_recompute_is_caught():
    good = Ledger().record("training", **RUN, accountant="rdp")
    assert recomputes(good)
    for change in ({"epsilon": 0.97 * good.epsilon}, {"steps": 900}, {"noise_multiplier": 1.05}):
        assert not recomputes(PrivacyClaim(**good.__dict__ | change))
    close = Ledger().record(
        "sum", noise_multiplier=4.0, delta=1e-5, mechanism=DISTRIBUTED, closeness=0.1, **ONCE
    )
    for change in ({"closeness": 0.0}, {"closeness": 0.2}):
        assert not recomputes(PrivacyClaim(**close.__dict__ | change))


def test_a_shown_epsilon_that_no_ledger_holds_is_caught():
    claims = [Ledger().record("count", noise_multiplier=2.0, mechanism="laplace", **ONCE)]
    text = {"output_type": "stream", "text": ["this costs ε = 0.50,\n", "and this ε = 0.51, or ε = ∞"]}
    assert missing_from(claims, shown_epsilons(notebook_with(text))) == ["0.51", "∞"]
    box = {"output_type": "display_data", "data": {"text/plain": "ε = 0.5"}}
    assert missing_from(claims, shown_epsilons(notebook_with(box))) == []


@pytest.mark.parametrize(
    "release",
    [
        {**RUN, "accountant": "prv"}, {**RUN, "accountant": "pld"}, {**RUN, "accountant": "rdp"},
        {**RUN, "sample_rate": 1.0, "steps": 1, "noise_multiplier": 4.0, "adjacency": Adjacency.REPLACE_ONE},
        {
            "mechanism": DISTRIBUTED, "noise_multiplier": 2.0, "steps": 5, "delta": 1e-6, "closeness": 0.05,
            "unit": Unit.CLIENT, "adjacency": Adjacency.REPLACE_ONE,
        },
        {**RUN, "mechanism": DISTRIBUTED, "accountant": "prv", "closeness": 0.01},
        {**ONCE, "mechanism": "laplace", "noise_multiplier": 0.5, "steps": 7},
        {**ONCE, "mechanism": "exponential", "noise_multiplier": 4.0},
        {**ONCE, "mechanism": "randomized response", "noise_multiplier": 0.25},
    ],
    ids=lambda release: f"{release.get('mechanism', 'gaussian')} {release.get('accountant', '')}",
)  # fmt: skip
def test_each_kind_of_claim_recomputes(release):
    assert recomputes(Ledger().record("it", **release))


# The ledger itself -------------------------------------------------------------------------------------


def test_pure_epsilons_have_their_closed_forms():
    assert pure_epsilon("laplace", noise_multiplier=2.0) == 0.5
    assert pure_epsilon("laplace", noise_multiplier=2.0, steps=3) == 1.5
    assert pure_epsilon("exponential", noise_multiplier=2.0) == 1.0
    assert pure_epsilon("randomized response", noise_multiplier=0.25) == pytest.approx(math.log(3))
    assert pure_epsilon("laplace", noise_multiplier=0) == math.inf
    for mechanism, noise in (
        ("gaussian", 1.0),
        (DISTRIBUTED, 1.0),
        ("magic", 1.0),
        ("laplace", math.nan),
        ("randomized response", 0.6),
    ):
        with pytest.raises(ValueError):
            pure_epsilon(mechanism, noise_multiplier=noise)


def test_a_claim_says_its_whole_sentence():
    claim = Ledger().record("training", **RUN, accountant="rdp")
    assert str(claim) == (
        "training: ε = 2.10 at δ = 1e-05 per example (add/remove); gaussian, noise multiplier 1, "
        "1,000 times, Poisson-sampled at 0.01; accountant: rdp"
    )
    assert [epsilon_text(x) for x in (1, 0.1, 0.0444, 0, math.inf)] == ["1.00", "0.10", "0.044", "0.00", "∞"]


def test_the_table_escapes_names_and_has_a_row_a_claim():
    ledger = Ledger()
    assert "empty" in repr(ledger) and "empty" in ledger._repr_html_()
    ledger.record("a < b", noise_multiplier=2.0, mechanism="laplace", **ONCE)
    ledger.record("c", noise_multiplier=2.0, mechanism="exponential", **ONCE)
    assert ledger._repr_html_().count("<tr>") == 3 and "a &lt; b" in ledger._repr_html_()
    assert len(ledger) == 2 and repr(ledger).count("\n") == 2


def test_running_a_cell_twice_enters_a_claim_once_and_another_claim_needs_another_name():
    ledger = Ledger()
    for _ in range(2):
        ledger.record("count", noise_multiplier=2.0, mechanism="laplace", **ONCE)
    assert len(ledger) == 1
    with pytest.raises(ValueError, match="already has another claim"):
        ledger.record("count", noise_multiplier=3.0, mechanism="laplace", **ONCE)
    with pytest.raises(ValueError, match="holds PrivacyClaims"):
        ledger.add("ε = 1")


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "}, {"epsilon": -1}, {"epsilon": math.nan}, {"delta": 1}, {"delta": math.nan},
        {"delta": 0}, {"unit": "example"}, {"adjacency": "add/remove"}, {"mechanism": "magic"},
        {"noise_multiplier": -1},
        {"sampler": "shuffle"}, {"sampler": "none"}, {"sample_rate": 0}, {"sample_rate": 2}, {"steps": 0},
        {"steps": 1.5}, {"accountant": "gdp"}, {"accountant": "pure"}, {"mechanism": "laplace"},
        {"closeness": 0.1}, {"closeness": -1.0}, {"mechanism": DISTRIBUTED, "delta": 0},
    ],
    ids=str,
)  # fmt: skip
def test_an_incomplete_or_contradictory_claim_is_refused(change):
    good = Ledger().record("training", **RUN, accountant="rdp")
    with pytest.raises(ValueError, match="incomplete or contradicts itself"):
        PrivacyClaim(**good.__dict__ | change)


def test_gaussian_noise_without_delta_is_refused():
    with pytest.raises(ValueError, match="delta"):
        Ledger().record("sum", noise_multiplier=1.0, **ONCE)
