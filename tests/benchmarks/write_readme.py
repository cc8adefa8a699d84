"""Write the measured tables into README.md, and the measured time and memory into each lesson's first cell.

Everything comes from the files in `tests/benchmarks/results/`; running it again changes nothing. A test
holds the README and the lessons to these files.
"""

import json
import re
import sys
from pathlib import Path

from course.hospital.evaluation import over_seeds

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
NOT_MEASURED = "*Not measured yet: `make bench` fills this in.*"
SECONDS_STEP, MIB_STEP = 5, 50
"""Measured times and sizes are rounded up to these, so that a second run rarely changes a word."""

_HEADER = re.compile(r"(\{\{time and memory\}\}|\d+ s and \d+ MiB)(?= on one\b)")
_MINUTES = re.compile(r"About (\d+) minutes")


def time_and_memory(runs: dict[str, dict]) -> tuple[int, int]:
    """The seconds and MiB of a lesson: the larger of its solved and unsolved runs, rounded up."""
    seconds = max(run["seconds"] for run in runs.values())
    mib = max(run["peak_mib"] for run in runs.values())
    return _round_up(seconds, SECONDS_STEP), _round_up(mib, MIB_STEP)


def with_measured_header(source: str, runs: dict[str, dict]) -> str:
    """A lesson's source, its "… s and … MiB on one core" brought up to date.

    Raises:
        ValueError: if the source has no such words, or has them twice.
    """
    seconds, mib = time_and_memory(runs)
    changed, found = _HEADER.subn(f"{seconds} s and {mib} MiB", source)
    if found != 1:
        raise ValueError(
            f"a lesson says its time and memory once ('… s and … MiB on one core'), not {found} times"
        )
    return changed


def lesson_table(root: Path, lessons: dict[str, dict]) -> str:
    """The README's table: one row for each lesson source, linked to its notebooks."""
    lines = ["| lesson | the question | your time | computing time | memory |", "|---|---|---|---|---|"]
    for source in sorted((root / "solutions").glob("[0-9][0-9]_*.py")):
        text = source.read_text(encoding="utf-8")
        question = re.search(r"^# # (.+)$", text, re.MULTILINE).group(1)
        minutes = _MINUTES.search(text).group(1)
        runs = lessons.get(source.stem)
        seconds, mib = time_and_memory(runs) if runs else ("–", "–")
        lines.append(
            f"| [{source.stem}](notebooks/{source.stem}.ipynb) ([solved](solutions/{source.stem}.ipynb)) "
            f"| {question} | {minutes} min | {seconds} s | {mib} MiB |"
        )
    return "\n".join(lines)


def lesson_section(root: Path, record: dict) -> str:
    """The lesson table and the sentence that says where its figures come from."""
    return (
        f"{lesson_table(root, record['lessons'])}\n\nMeasured on one core ({record['cpu']}; "
        f"{_versions(record)}) on {record['date']}: the slower of the solved and the unsolved notebook from "
        f"start to end, and the "
        f"peak of its kernel and the kernel's children, rounded up to {SECONDS_STEP} s and {MIB_STEP} MiB. "
        "A busy machine can take three times as long."
    )


def mcmahan_section(record: dict) -> str:
    """Our rounds to the target beside the paper's, at the best learning rate of the grid."""
    lines = ["| how the images are dealt | rounds, here | rounds, paper |", "|---|---|---|"]
    names = {"iid": "IID", "shards": "two shards of 300 a client"}
    for split, published in record["published_rounds"].items():
        rows = [row for row in record["rows"] if row["split"] == split]
        reached = [row for row in rows if row["rounds"]]
        best = min(reached, key=lambda row: row["rounds"], default=None)
        ours = f"{best['rounds']} (learning rate {best['learning_rate']})" if best else "not reached"
        lines.append(f"| {names[split]} | {ours} | {published} |")
    rates = sorted({row["learning_rate"] for row in record["rows"]})
    note = (
        f"One run for each of the learning rates {', '.join(map(str, rates))}, with seed {record['seed']} "
        f"and torch {record['torch']}; the best is shown. The paper's figures are the best of a grid, too."
    )
    return "\n".join([*lines, "", note])


def round_time_section(record: dict) -> str:
    """Seconds a round for each way of running the same clients, a column a size."""
    sizes = list(record["sizes"].values())
    heads = [f"{row['clients']} × {row['examples_per_client']:,} images" for row in sizes]
    lines = ["| the same clients, run by | " + " | ".join(heads) + " |", "|---|" + "---|" * len(sizes)]
    lines += [
        _cells("a bare loop (`run_fedavg`), s a round", [row["bare_seconds"] for row in sizes]),
        _cells("Flower's FedAvg on `InProcessGrid`, s a round", [row["in_process_seconds"] for row in sizes]),
        _cells("…over the bare loop, median of pairs", [row["in_process_over_bare"] for row in sizes]),
    ]
    if all("ray_first_round_seconds" in row for row in sizes):
        first, later = "ray_first_round_seconds", "ray_later_round_seconds"
        mean = "ray_mean_over_in_process"
        lines += [
            _cells("Flower's simulation on Ray, first round, s", [row[first] for row in sizes]),
            _cells("…each later round, s", [row[later] for row in sizes]),
            _cells(
                f"…mean of {sizes[0]['rounds']} rounds, over `InProcessGrid`", [row[mean] for row in sizes]
            ),
        ]
    note = (
        "Ray pays mostly for its start: its later rounds are much closer, and it may use two cores. "
        f"One busy machine with two cores; trust the ratios. {_versions(record)}."
    )
    return "\n".join([*lines, "", note])


def dp_sgd_section(record: dict) -> str:
    """Milliseconds a step of plain SGD and of each way to do DP-SGD, a column a network."""
    models = list(record["models"].values())
    heads = ["–".join(map(str, model["layers"])) for model in models]
    lines = ["| one step, in ms | " + " | ".join(heads) + " |", "|---|" + "---|" * len(models)]
    names = {
        "plain SGD": "plain SGD, no privacy", "ours fast": "ours, ghost norms",
        "opacus ghost": "Opacus, ghost clipping", "ours readable": "ours, `torch.func`",
        "opacus hooks": "Opacus, hooks",
    }  # fmt: skip
    lines += [
        _cells(name, [model["milliseconds_a_step"][key] for model in models]) for key, name in names.items()
    ]
    lines += [
        _cells("ours (ghost) over plain SGD", [model["ours_fast_over_plain_sgd"] for model in models]),
        _cells(
            "Opacus (ghost) over ours (ghost)", [model["opacus_ghost_over_ours_fast"] for model in models]
        ),
    ]
    note = (
        f"Batches of {record['batch']} census records, one thread; medians, and ratios turn by turn. Ours is "
        f"for networks of linear layers only; Opacus's is general. {_versions(record)}."
    )
    return "\n".join([*lines, "", note])


def shadow_section(record: dict) -> str:
    """Seconds to train the shadow models at once and in a loop, a column a width."""
    widths = list(record["widths"].values())
    heads = [f"{row['hidden']} units" for row in widths]
    lines = [
        f"| {widths[0]['models']} shadow models | " + " | ".join(heads) + " |",
        "|---|" + "---|" * len(widths),
    ]
    lines += [
        _cells("all at once (`train_many`), s", [row["at_once_seconds"] for row in widths]),
        _cells("one after the other, s", [row["loop_seconds"] for row in widths]),
        _cells("the loop over ours, median of pairs", [row["loop_over_at_once"] for row in widths]),
    ]
    row = widths[0]
    note = (
        f"{row['steps']} steps of Adam in batches of {row['batch_size']}, each on its own half of "
        f"{row['pool']:,} people; the same accuracy both ways. One busy machine: trust the ratios. "
        f"{_versions(record)}."
    )
    return "\n".join([*lines, "", note])


def hospital_section(record: dict) -> str:
    """AUROC of the tumour detector for each way to train it, mean and interval over the seeds."""
    ways = ("pooled", "federated", "alone", "federated, twice the steps", "alone, twice the steps")
    lines = ["| the detector is trained | AUROC, mean of the hospitals |", "|---|---|"]
    lines += [f"| {way} | {_over([run['auroc'][way]['mean'] for run in record['runs']])} |" for way in ways]
    patients = sum(record["hospitals"].values())
    note = (
        f"{len(record['runs'])} seeds of {patients} simulated patients; Student's 95 % interval for the "
        f"mean. Lesson 10 compares within each seed, which says more. torch {record['torch']}."
    )
    return "\n".join([*lines, "", note])


def hospital_privacy_section(record: dict) -> str:
    """AUROC of the private detector at each ε, with the noise drawn once or at each hospital."""
    rows = record["seeds"]
    head = "| ε of each patient | noise once, on the secure sum | noise at each hospital |"
    lines = [head, "|---|---|---|"]
    silent = _over([row["all"] for row in record["silent"]])
    lines += [
        f"| {name.removeprefix('once ')} | {_over([row[name]['all'] for row in rows])} "
        f"| {_over([row['each ' + name.removeprefix('once ')]['all'] for row in rows])} |"
        for name in rows[0]
        if name.startswith("once ")
    ]
    lines.append(f"| none: clipped, no noise | {silent} | |")
    note = (
        f"{len(rows)} seeds; δ = {record['tuning']['delta']:g}, unit patient, adjacency add/remove; noise is "
        "drawn in floating point (teaching-grade). Lesson 11 has the attacks, the audit and the ledger. "
        f"{_versions(record)}."
    )
    return "\n".join([*lines, "", note])


def _over(values: list[float]) -> str:
    found = over_seeds(values)
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _versions(record: dict) -> str:
    return ", ".join(f"{name} {version}" for name, version in record["versions"].items())


def _cells(name: str, values: list[float]) -> str:
    return (
        f"| {name} | "
        + " | ".join(f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in values)
        + " |"
    )


def with_section(readme: str, name: str, section: str) -> str:
    """The README with what stands between two markers replaced.

    Raises:
        ValueError: if the markers `<!-- name:begin -->` and `<!-- name:end -->` are not there, once each.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if readme.count(begin) != 1 or readme.count(end) != 1:
        raise ValueError(f"README.md needs {begin} and {end}, once each")
    before, _, rest = readme.partition(begin)
    return f"{before}{begin}\n{section}\n{end}{rest.partition(end)[2]}"


def sections(root: Path, results: Path) -> dict[str, str]:
    """Each measured section of the README, by the name of its markers."""
    files = {
        "measured": (results / "lessons.json", lambda record: lesson_section(root, record)),
        "mcmahan": (results / "mcmahan_2nn.json", mcmahan_section),
        "round-time": (results / "round_time.json", round_time_section),
        "dp-sgd": (results / "dp_sgd_step.json", dp_sgd_section),
        "shadow-models": (results / "shadow_training.json", shadow_section),
        "hospitals": (results / "hospital_seeds.json", hospital_section),
        "hospital-privacy": (results / "hospital_privacy.json", hospital_privacy_section),
    }
    return {
        name: render(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else NOT_MEASURED
        for name, (path, render) in files.items()
    }


def write_headers(root: Path, lessons: dict[str, dict]) -> list[str]:
    """Bring each measured lesson's first cell up to date; return the names of those that changed."""
    changed = []
    for stem, runs in lessons.items():
        source = root / "solutions" / f"{stem}.py"
        text = source.read_text(encoding="utf-8")
        if (new := with_measured_header(text, runs)) != text:
            source.write_text(new, encoding="utf-8")
            changed.append(source.name)
    return changed


def main() -> None:
    """Write every section and header from the results files."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, section in sections(ROOT, RESULTS).items():
        text = with_section(text, name, section)
    readme.write_text(text, encoding="utf-8")
    measured = RESULTS / "lessons.json"
    lessons = json.loads(measured.read_text(encoding="utf-8"))["lessons"] if measured.exists() else {}
    changed = write_headers(ROOT, lessons)
    print("README.md is up to date with tests/benchmarks/results/")
    if changed:
        print(f"{', '.join(changed)}: new time and memory in the first cell; now run `make build`")


def _round_up(value: float, step: int) -> int:
    return -(-int(value + 0.999) // step) * step


if __name__ == "__main__":
    sys.exit(main())
