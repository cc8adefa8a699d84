"""Four auditors over twenty labs: the scores that lesson 13 shows beside those that it computes live.

Run it with `python tests/benchmarks/audit_lab_scores.py`: two to three minutes. It can be stopped and goes on
where it was; a record of other labs (the library has changed since) is started anew.
"""

import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from tqdm import tqdm

from course.audit_lab import (
    Finding,
    Vendor,
    everything_auditor,
    naive_auditor,
    open_lab,
    reference_auditor,
    score,
)

RESULTS = Path(__file__).parent / "results" / "audit_lab_scores.json"
LABS = [f"lab {number}" for number in range(20)]
SLOPPY = 0.05
"""The level at which a sloppy auditor calls a result significant."""


def sloppy_auditor(lab: Iterable[Vendor]) -> list[Finding]:
    """All that the reference auditor does, with one mistake in twenty allowed to each check."""
    return reference_auditor(lab, mistake=SLOPPY)


AUDITORS = {
    "naive": naive_auditor,
    "everything": everything_auditor,
    "sloppy": sloppy_auditor,
    "reference": reference_auditor,
}


def audited(seed: str) -> dict:
    """One lab, and a row of scores for each auditor, each in the lab as it was when it was opened."""
    rows = []
    for name, auditor in AUDITORS.items():
        lab = open_lab(seed)
        got = asdict(score(auditor(lab), lab))
        rows.append({"seed": seed, "auditor": name, "planted": got["found"] + got["missed"], **got})
    return {"vendors": [vendor.name for vendor in open_lab(seed)], "rows": rows}


def recorded() -> dict[str, dict]:
    """Seed → what is done of it, as long as it is still the lab of that seed."""
    if not RESULTS.exists():
        return {}
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    done = {seed: {"vendors": names, "rows": []} for seed, names in content["vendors"].items()}
    for row in content["scores"]:
        done[row["seed"]]["rows"].append(row)
    same = all(lab["vendors"] == [vendor.name for vendor in open_lab(seed)] for seed, lab in done.items())
    return done if same else {}


def store(done: dict[str, dict]) -> None:
    """Write all that is done, in one piece or not at all."""
    versions = {name: metadata.version(name) for name in ("numpy", "scipy", "torch", "cryptography")}
    content = {
        "scores": [row for lab in done.values() for row in lab["rows"]],
        "vendors": {seed: lab["vendors"] for seed, lab in done.items()},
        "sloppy_level": SLOPPY,
        "versions": versions | {"python": platform.python_version()},
    }
    unfinished = RESULTS.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(RESULTS)


def main() -> None:
    done = recorded()
    for seed in tqdm([seed for seed in LABS if seed not in done], desc="labs", file=sys.stdout):
        done[seed] = audited(seed)
        store(done)


if __name__ == "__main__":
    main()
