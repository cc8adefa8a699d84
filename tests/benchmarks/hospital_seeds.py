"""Five seeds of the hospitals: alone, pooled, federated, with a clinic that joins late, and with remedies.

Run it with `python tests/benchmarks/hospital_seeds.py` (about three minutes a seed on one core; killed
half-way, it goes on with the next seed). A seed draws everything anew: patients for training, for the choice
of the threshold and for the test, first weights and shuffles. The recipe was chosen on other patients
(`TUNING_SEEDS`) and is the same for every row; those who train alone profit from twice the steps (`LONGER`),
so both they and the federation are run with these, too.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from course.federated.averaging import Weights
from course.hospital import Patient, simulate_hospitals
from course.hospital.detector import Stacks, as_stacks, join, new_detector
from course.hospital.evaluation import auroc_gain, auroc_interval, choose_threshold, found_at, rates_at
from course.hospital.federation import CHOSEN, LONGER, TUNING_SEEDS, federate, scores_of
from course.hospital.fingerprints import code_sha256, data_sha256, plain
from course.hospital.simulation import PATIENTS
from course.hospital.site_shift import fine_tune, norm_parameters, transfer_table

RESULTS = Path(__file__).parent / "results" / "hospital_seeds.json"
SEEDS = range(5)
VALIDATION, TEST = dict.fromkeys(PATIENTS, 24) | {"clinic": 12}, dict.fromkeys(PATIENTS, 60) | {"clinic": 200}
"""Patients a hospital: twelve of the clinic are all that it could keep back, and 200 are an oracle's."""
LATE, SENSITIVITY = 8, 0.9
"""The round (of twelve, from 0) in which the clinic joins, and what the threshold must reach."""
THRESHOLDS = np.round(np.arange(-10, 20, 0.05), 2)

Own = Mapping[str, Weights]
"""Hospital → the detector that it uses."""


def detectors(train: Mapping[str, Stacks], raw: Mapping[str, Stacks], *, seed: int) -> dict[str, Own]:
    """Every way to train, name → the detector of each hospital."""
    everyone = {"everyone": join(list(train.values()))}
    big = {name: stacks for name, stacks in train.items() if name != "clinic"}
    pooled = federate(everyone, seed=seed, progress="pooled").shared
    shared = federate(train, seed=seed, progress="federated").shared
    more = federate(train, seed=seed, recipe=LONGER, progress="federated, longer").shared
    without = federate(big, seed=seed, progress="without the clinic").shared
    late = federate(train, seed=seed, joins={"clinic": LATE}, progress="clinic joins late").shared
    stays = norm_parameters(new_detector(seed=seed))
    own_norms = federate(train, seed=seed, stays=stays, progress="own norms").weights
    no_standard = federate(raw, seed=seed, progress="without standardisation").shared
    alone = {
        name: federate({name: s}, seed=seed, progress=f"{name} alone").shared for name, s in train.items()
    }
    longer = {
        name: federate({name: s}, seed=seed, recipe=LONGER, progress=f"{name} alone, longer").shared
        for name, s in train.items()
    }
    same = {
        "pooled": pooled, "federated": shared, "federated, twice the steps": more,
        "without the clinic": without, "clinic joins late": late, "without standardisation": no_standard,
    }  # fmt: skip
    return {name: dict.fromkeys(train, weights) for name, weights in same.items()} | {
        "alone": alone,
        "alone, twice the steps": longer,
        "own norms": own_norms,
        "fine-tuned": {name: fine_tune(shared, stacks, seed=seed) for name, stacks in train.items()},
        "without the clinic, fine-tuned": {
            name: fine_tune(without, stacks, seed=seed) for name, stacks in train.items()
        },
    }  # fmt: skip


def units_of_the_scanner(slices: np.ndarray) -> np.ndarray:
    """No standardisation: the scanner's own units, moved near 0 by the same constants everywhere."""
    return (slices - 0.8) / 0.2


def one_seed(seed: int) -> dict:
    """Everything that one seed shows, as plain numbers."""
    began = time.perf_counter()
    train, validation, test = (
        simulate_hospitals(seed=start + seed, patients=numbers)
        for start, numbers in ((0, PATIENTS), (1000, VALIDATION), (2000, TEST))
    )
    stacks, held, exam = (_stacks(hospitals) for hospitals in (train, validation, test))
    raw, raw_exam = (_stacks(each, standardise=units_of_the_scanner) for each in (train, test))
    made = detectors(stacks, raw, seed=seed)
    scores = {
        name: {
            h: scores_of(own[h], (raw_exam if name == "without standardisation" else exam)[h]) for h in own
        }
        for name, own in made.items()
    }
    labels = {h: each.has_tumour.numpy() for h, each in exam.items()}
    rows = {name: _aurocs(per_hospital, labels) for name, per_hospital in scores.items()}
    return {
        "seed": seed,
        "data_sha256": data_sha256(train),
        "auroc": rows,
        "clinic_gain": _clinic_gains(scores, labels["clinic"]),
        "transfer": transfer_table(made["alone, twice the steps"], exam).round(4).tolist(),
        "rates": _rates(made["federated"], held, scores["federated"], labels),
        "seconds": round(time.perf_counter() - began),
    }


def _stacks(hospitals: Mapping[str, tuple[Patient, ...]], **more) -> dict[str, Stacks]:
    return {name: as_stacks(patients, **more) for name, patients in hospitals.items()}


def _aurocs(scores: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> dict[str, float]:
    own = {h: round(auroc_interval(scores[h], labels[h]).value, 4) for h in scores}
    together = auroc_interval(*(np.concatenate([each[h] for h in scores]) for each in (scores, labels)))
    return own | {
        "mean": round(float(np.mean(list(own.values()))), 4),
        "all patients": round(together.value, 4),
    }


def _clinic_gains(scores: Mapping, labels: np.ndarray) -> dict[str, dict]:
    """What the clinic gains over training alone (with twice the steps), on the same 200 patients."""
    alone = scores["alone, twice the steps"]["clinic"]
    ways = (
        "federated",
        "federated, twice the steps",
        "clinic joins late",
        "without the clinic",
        "without the clinic, fine-tuned",
    )
    return {way: plain(auroc_gain(alone, scores[way]["clinic"], labels)) for way in ways}


def _rates(own: Own, held: Mapping[str, Stacks], scores: Mapping, labels: Mapping) -> dict:
    """Sensitivity and specificity at one threshold for all, chosen from counts on validation patients."""
    found = [
        found_at(scores_of(own[h], each), each.has_tumour.numpy(), THRESHOLDS) for h, each in held.items()
    ]
    number = sum(int(each.has_tumour.sum()) for each in held.values())
    threshold = choose_threshold(found, THRESHOLDS, num_with_tumour=number, sensitivity=SENSITIVITY)
    rates = {h: plain(rates_at(scores[h], labels[h], threshold=threshold)) for h in scores}
    return {"threshold": threshold, "hospitals": rates}


def main() -> None:
    """Fill in the seeds that the results file does not have yet."""
    torch.set_num_threads(1)
    rows = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    done = {row["seed"] for row in rows}
    for seed in SEEDS:
        if seed in done:
            continue
        rows.append(one_seed(seed))
        print(seed, {name: row["mean"] for name, row in rows[-1]["auroc"].items()}, flush=True)
        record = {
            "hospitals": PATIENTS, "validation": VALIDATION, "test": TEST, "late": LATE,
            "sensitivity": SENSITIVITY, "tuning_seeds": TUNING_SEEDS, "recipe": plain(CHOSEN),
            "longer": plain(LONGER), "torch": torch.__version__, "code_sha256": code_sha256(), "runs": rows,
        }  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
