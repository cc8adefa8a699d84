"""What patient-level privacy costs and buys, over five seeds: the numbers that lesson 11 cannot compute live.

Run it with `python tests/benchmarks/hospital_privacy.py` (or with one part: tune, seeds, silent, membership,
audit, slices): about half an hour. It can be stopped and goes on where it was. Lesson 11 reads what it
writes.

The settings come from `tune`, which trains and tests on a simulation of its own; the patients of the other
parts are of other seeds and were never used to choose anything.
"""

import itertools
import json
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from course.attacks import auc, roc_curve
from course.hospital import PATIENTS, simulate_hospitals
from course.hospital.budget import Release, epsilon_of
from course.hospital.evaluation import auroc_interval
from course.hospital.feature_bank import look_at, patient_scores
from course.hospital.fingerprints import plain
from course.hospital.many_heads import matched_filter, train_private_heads
from course.hospital.membership import attack_membership
from course.hospital.opacus_hospital import train_at_each_hospital
from course.hospital.patient_gradients import Examples, teaching_cells
from course.hospital.privacy_audit import audit_result
from course.hospital.private import PrivateHospital, train_plain, train_private
from course.hospital.slices import as_slices, joined, with_follow_ups
from course.hospital.study import (
    AT_EACH,
    DELTA,
    SETTINGS,
    open_hospitals,
    plan_for,
    prepare_study,
    study_auroc,
    subgroups,
)

RESULTS = Path(__file__).parent / "results" / "hospital_privacy.json"
SEEDS, TUNING_SEED, TEST_SEED = range(5), 5000, 1000
POOLS = range(5)
EPSILONS = (8.0, 3.0, 1.0, 0.3)
GRID = {"max_update_norm": (0.1, 0.3, 1.0), "learning_rate": (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)}
"""Thirty rounds were fixed before, because every round asks all hospitals to answer."""
TUNED_FOR = (8.0, 3.0, 1.0)
MODELS = {"num_targets": 16, "num_shadows": 48}
WAYS = {"once": 1.0, "each": 6.0}
"""Way to add noise → its variance in units of one hospital's; "once" has √(6/5) more, for the spare share."""


def load() -> dict:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def store(part: str, value: object) -> None:
    versions = {name: metadata.version(name) for name in ("numpy", "torch", "opacus", "dp-accounting")}
    content = load() | {part: plain(value), "versions": versions | {"python": platform.python_version()}}
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def public_patients():
    """Twenty of each hospital from the tuning simulation: for the features' scale and for thresholds."""
    return simulate_hospitals(seed=TUNING_SEED, patients=dict.fromkeys(PATIENTS, 20))


def study_of(seed: int, *, patients=None, each: int = 80):
    train = simulate_hospitals(seed=seed, patients=patients)
    test = simulate_hospitals(seed=TEST_SEED + seed, patients=dict.fromkeys(train, each))
    return prepare_study(train, test, public_patients(), seed=seed)


# Tuning --------------------------------------------------------------------------------------------------


def tune() -> None:
    """Every setting of the grid, on the tuning simulation alone, for both ways to add noise."""
    if "tuning" in load():
        return
    train = simulate_hospitals(seed=TUNING_SEED)
    test = simulate_hospitals(seed=TUNING_SEED + TEST_SEED, patients=dict.fromkeys(PATIENTS, 40))
    study = prepare_study(train, test, public_patients(), seed=0)
    pool = study.pool()
    everybody = np.ones((3, len(pool)), bool)
    rows, grid = [], list(itertools.product(*GRID.values()))
    for values in tqdm(grid, desc="settings", file=sys.stdout):
        setting = dict(zip(GRID, values, strict=True))
        found = {way: [] for way in WAYS}
        for epsilon, (way, variance) in itertools.product(TUNED_FOR, WAYS.items()):
            plan = plan_for(epsilon, num_patients=len(pool), run="tuning", **setting)
            wide = plan.noise_multiplier * (variance if way == "each" else 6 / 5) ** 0.5
            noisier = plan_for(np.inf, num_patients=len(pool), run="tuning", **setting)
            heads = train_private_heads(
                pool, everybody, type(plan)(**{**vars(noisier), "noise_multiplier": wide}), seed=0
            )
            found[way].append(float(np.mean([study_auroc(w, study).value for w in heads.weights])))
        rows.append(setting | {way: float(np.mean(values)) for way, values in found.items()})
    best = {way: max(rows, key=lambda row, way=way: row[way]) for way in WAYS}
    # The same search on the study's own patients: every setting at every ε is a run of its own.
    releases = [
        Release("search", 0, plan_for(epsilon, num_patients=472, run="search").noise_multiplier, 0.5)
        for epsilon in TUNED_FOR
        for _ in range(SETTINGS["rounds"] * len(rows))
    ]
    store(
        "tuning",
        {
            "seed": TUNING_SEED,
            "patients": len(pool),
            "settings": len(rows) * len(TUNED_FOR),
            "rows": rows,
            "best": best,
            "epsilon_if_on_patients": epsilon_of(releases, delta=DELTA),
            "delta": DELTA,
        },
    )


# Five seeds ----------------------------------------------------------------------------------------------


def train(study, epsilon: float, way: str, seed: int, only=None):
    """One private run with real budget files; the spare share needs three hospitals or more."""
    with tempfile.TemporaryDirectory() as folder:
        hospitals = open_hospitals(study, folder, epsilon_limit=epsilon, seed=seed, only=only)
        num_patients = sum(len(h.examples) for h in hospitals)
        tuned = AT_EACH if way == "each" else {}
        plan = plan_for(epsilon, num_patients=num_patients, run=f"{way} {seed}", **tuned)
        run = (train_private if way == "once" else train_at_each_hospital)(hospitals, plan)
        spent = {h.name: h.budget.epsilon for h in hospitals}
    return run.weights, spent


def auroc_at(weights, study, name: str) -> float:
    return auroc_interval(patient_scores(weights, study.test[name]), study.test[name].has_tumour).value


def one_seed(seed: int) -> dict:
    study = study_of(seed)
    plainly = train_plain(list(study.train.values()))
    row = {
        "seed": seed,
        "data_sha256": study.data_sha256,
        "non-private": {"all": study_auroc(plainly, study).value}
        | {n: auroc_at(plainly, study, n) for n in study.test},
        "non-private alone": {n: auroc_at(train_plain([study.train[n]]), study, n) for n in study.test},
    }
    for epsilon in EPSILONS:
        for way in WAYS:
            weights, spent = train(study, epsilon, way, seed)
            row[f"{way} {epsilon:g}"] = {"all": study_auroc(weights, study).value} | {
                name: auroc_at(weights, study, name) for name in study.test
            }
            row[f"spent {way} {epsilon:g}"] = spent
            if way == "once":
                row[f"subgroups {epsilon:g}"] = subgroups(weights, plainly, study)
        row[f"alone {epsilon:g}"] = {
            name: auroc_at(train(study, epsilon, "each", seed, only=[name])[0], study, name)
            for name in study.test
        }
    return row


def seeds() -> None:
    """The price of ε, by the way the noise is added, for all hospitals and for each."""
    rows = load().get("seeds", [])
    for seed in tqdm(
        [s for s in SEEDS if s not in [row["seed"] for row in rows]], desc="seeds", file=sys.stdout
    ):
        rows.append(one_seed(seed))
        store("seeds", rows)


def silent() -> None:
    """The same training with its noise off: without a promise, and the harder reference of the two."""
    rows = load().get("silent", [])
    for seed in tqdm(
        [s for s in SEEDS if s not in [row["seed"] for row in rows]], desc="noise off", file=sys.stdout
    ):
        study = study_of(seed)
        hospitals = [PrivateHospital(name, examples, None, seed) for name, examples in study.train.items()]
        weights = train_private(
            hospitals, plan_for(np.inf, num_patients=study.num_patients, run="silent")
        ).weights
        rows.append(
            {"seed": seed, "all": study_auroc(weights, study).value}
            | {name: auroc_at(weights, study, name) for name in study.test}
        )
        store("silent", rows)


# Attacks -------------------------------------------------------------------------------------------------


def pool_of(seed: int, num_patients: int) -> Examples:
    """So many patients of all hospitals, in the study's proportions."""
    share = num_patients / sum(PATIENTS.values())
    asked = {name: round(share * count) for name, count in PATIENTS.items()}
    asked["university"] += num_patients - sum(asked.values())
    patients = [p for each in simulate_hospitals(seed=seed, patients=asked).values() for p in each]
    scale = prepare_scale()
    return teaching_cells(look_at(patients, scale), seed=seed)


def prepare_scale():
    from course.hospital.feature_bank import public_scale

    return public_scale([p for each in public_patients().values() for p in each])


def membership() -> None:
    """LiRA at the study's own size (472 members of 944) and on smaller ones, five pools each."""
    rows = load().get("membership", [])
    done = {(row["members"], row["seed"]) for row in rows}
    for members, seed in tqdm(
        list(itertools.product((472, 120, 60), POOLS)), desc="attacks", file=sys.stdout
    ):
        if (members, seed) in done:
            continue
        pool = pool_of(100 + seed, 2 * members)
        found = {"no promise": attack_membership(pool, plan=None, name="no promise", seed=seed, **MODELS)}
        for epsilon in (np.inf, *EPSILONS[:3]):
            name = "clipped, no noise" if np.isinf(epsilon) else f"{epsilon:g}"
            plan = plan_for(epsilon, num_patients=members, run="attacked")
            found[name] = attack_membership(pool, plan=plan, name=name, seed=seed, **MODELS)
        rows.append({"members": members, "seed": seed, "found": found})
        store("membership", rows)


def audit() -> None:
    """The one-run audit at each ε, three seeds; the guesses were fixed before."""
    rows = load().get("audit", [])
    done = {(row["epsilon"], row["seed"]) for row in rows}
    small = simulate_hospitals(seed=0, patients={"hill": 12, "clinic": 12})
    scale = prepare_scale()
    hospitals = {name: teaching_cells(look_at(each, scale), seed=0) for name, each in small.items()}
    for epsilon, seed in tqdm(
        list(itertools.product(EPSILONS[:3], range(3))), desc="audits", file=sys.stdout
    ):
        if (epsilon, seed) in done:
            continue
        plan = plan_for(epsilon, num_patients=472, run="audited")
        result = audit_result(hospitals, plan, num_canaries=1000, num_guesses=150, seed=seed)
        rows.append({"epsilon": epsilon, "seed": seed, "result": result})
        store("audit", rows)


def slices() -> None:
    """A patient with 1 … 10 scans under a promise of ε = 1 to each slice, and under one to each patient."""
    if "slices" in load():
        return
    hill = simulate_hospitals(seed=0, patients={"hill": 40})["hill"]
    scale = prepare_scale()
    target = next(patient for patient in hill if patient.has_tumour)
    others = teaching_cells(look_at([p for p in hill if p is not target], scale), seed=0)
    rows = []
    for scans, unit in tqdm(
        list(itertools.product((1, 2, 3, 5, 10), ("slice", "patient"))), desc="scans", file=sys.stdout
    ):
        many = with_follow_ups(target, num_scans=scans, seed=0)
        pool = joined(others, teaching_cells(look_at([many], scale), seed=0))
        rows.append(
            {"scans": scans, "slices": many.num_slices, "unit": unit} | tell_apart(pool, unit, runs=1000)
        )
    store("slices", rows)


def tell_apart(pool: Examples, unit: str, *, runs: int) -> dict:
    """Half of the runs without the last patient; how well the matched filter tells which."""
    records, owner = as_slices(pool) if unit == "slice" else (pool, np.arange(len(pool)))
    is_target = owner == len(pool) - 1
    member = np.ones((runs, len(records)), bool)
    member[: runs // 2, is_target] = False
    plan = plan_for(1.0, num_patients=len(records), run="told apart")
    heads = train_private_heads(records, member, plan, seed=0)
    scores = matched_filter(
        heads, records.take(np.flatnonzero(is_target)), max_update_norm=plan.max_update_norm
    )
    inside = np.arange(runs) >= runs // 2
    fpr, tpr = roc_curve(scores, inside)
    return {"auc": auc(scores, inside), "best_guess": float(((1 - fpr + tpr) / 2).max()), "runs": runs}


PARTS = {
    "tune": tune,
    "seeds": seeds,
    "silent": silent,
    "membership": membership,
    "audit": audit,
    "slices": slices,
}


def main(parts: list[str]) -> None:
    """Run the named parts, or all of them in order."""
    torch.set_num_threads(1)
    for name in parts or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
