"""The sweep: killed it resumes and loses nothing, and what it has recorded is what its code gives again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from course import ROOT
from course.privacy import Unit, epsilon_spent
from course.trade_off import (
    CHECKPOINTS,
    DELTA,
    FRESH_SEEDS,
    SEEDS,
    TARGETS,
    OtherRuns,
    Setting,
    choose,
    confirm,
    explorer,
    grid_of,
    load_confirmed,
    load_points,
    load_problem,
    load_references,
    run_sweep,
)
from course.trade_off.explorer import picture_of, words_of
from course.trade_off.fingerprint import ROOM, code_sha256, data_sha256
from course.trade_off.grid import whole_grid
from course.trade_off.sweep import epsilon_key, judged, read_record, write_atomically

SCRIPT = ROOT / "tests" / "benchmarks" / "trade_off_sweep.py"
RECORDED = ROOT / "tests" / "benchmarks" / "results" / "trade_off_sweep.json"
SMALL = [Setting(Unit.CLIENT, z, 1.0, 1, 0.5, 4) for z in (0.5, 2.0)]
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the sweep has not been run")


def small_problem(seed):
    return load_problem(seed, num_clients=20, num_judges=20)


def small_sweep(file=None, **changes):
    asked = {
        "seeds": range(3),
        "checkpoints": (2, 4),
        "delta": DELTA,
        "load": small_problem,
        "accountant": "rdp",
    }
    return run_sweep(changes.pop("settings", SMALL), **asked | changes, file=file)


# Stopping and going on --------------------------------------------------------------------------------


def tiny_run(file):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    # Its progress goes to a file, so that nothing waits for a pipe when it is killed.
    with file.with_suffix(".log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, SCRIPT, "--tiny", "--file", file], stdout=log, stderr=log, env=environment
        )


def tiny_grid():
    """What `--tiny` runs; the script is on no path."""
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        import trade_off_sweep
    finally:
        sys.path.pop(0)
    return trade_off_sweep.TINY


def runs_in(file):
    return json.loads(file.read_text(encoding="utf-8"))["runs"]


def number_of_runs(file):
    return sum(map(len, runs_in(file).values()))


def test_killed_half_way_it_resumes_loses_nothing_and_ends_with_the_same_numbers(tmp_path):
    file = tmp_path / "killed.json"
    process = tiny_run(file)
    try:
        deadline = time.monotonic() + 120
        while not (file.exists() and number_of_runs(file) >= 5):
            assert process.poll() is None and time.monotonic() < deadline, "it ended, or stands still"
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    before = runs_in(file)  # Whole JSON, though it was killed.
    done = number_of_runs(file)
    assert process.returncode == -signal.SIGKILL and 5 <= done < 30
    written = {key: {seed: json.dumps(run) for seed, run in seeds.items()} for key, seeds in before.items()}
    assert tiny_run(file).wait(timeout=180) == 0
    after = runs_in(file)
    assert sum(map(len, after.values())) == 30
    for key, seeds in written.items():
        assert {seed: json.dumps(after[key][seed]) for seed in seeds} == seeds
    # In one piece, and in this process.
    whole = tmp_path / "whole.json"
    run_sweep(tiny_grid(), seeds=SEEDS, checkpoints=CHECKPOINTS, delta=DELTA, file=whole, accountant="rdp")
    assert runs_in(whole) == after


def test_what_is_in_the_file_is_not_run_again(tmp_path):
    file, trained = tmp_path / "sweep.json", []

    def load(seed):
        trained.append(seed)
        return small_problem(seed)

    first = small_sweep(file, load=load)
    assert trained == [0, 1, 2]
    assert small_sweep(file, load=load) == first and trained == [0, 1, 2]
    more = small_sweep(file, load=load, settings=[*SMALL, Setting(Unit.CLIENT, 4.0, 1.0, 1, 0.5, 4)])
    assert trained == [0, 1, 2] * 2 and more[: len(first)] == first and len(more) == 6


def test_a_stop_between_two_runs_loses_at_most_one(tmp_path):
    file, loads = tmp_path / "sweep.json", []

    def load(seed):
        loads.append(seed)
        if len(loads) == 2:
            raise KeyboardInterrupt
        return small_problem(seed)

    with pytest.raises(KeyboardInterrupt):
        small_sweep(file, load=load)
    assert number_of_runs(file) == 2  # Both settings of the first seed.
    assert small_sweep(file) == small_sweep()


def test_a_write_that_dies_leaves_the_old_file(tmp_path):
    file = tmp_path / "record.json"
    write_atomically(file, {"made_by": {}, "runs": {"a": 1}})
    with pytest.raises(TypeError):
        write_atomically(file, {"made_by": {}, "runs": {"a": object()}})
    assert read_record(file)["runs"] == {"a": 1}


def test_runs_of_other_code_are_not_mixed_with_these(tmp_path):
    file = tmp_path / "sweep.json"
    small_sweep(file, made_by={"code_sha256": "a"})
    small_sweep(file, made_by={"code_sha256": "a"})
    with pytest.raises(OtherRuns, match="another code_sha256"):
        small_sweep(file, made_by={"code_sha256": "b"})


def test_the_codes_hash_sees_code_and_no_comment(tmp_path):
    for name, text in {
        "a.py": 'x = 1\n"""Words."""\n',
        "b.py": "x = 1  # Others.\n",
        "c.py": "x = 2\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.py").write_text("x = 1\n", encoding="utf-8")
    assert code_sha256(("a.py",), folder=tmp_path) == code_sha256(("a.py",), folder=tmp_path / "other")
    (tmp_path / "a.py").write_text("x = 3\n", encoding="utf-8")
    assert code_sha256(("a.py",), folder=tmp_path) != code_sha256(("a.py",), folder=tmp_path / "other")
    assert len(code_sha256(folder=ROOM)) == 64


def test_two_settings_with_one_key_are_refused():
    with pytest.raises(ValueError, match="rounds only"):
        small_sweep(settings=[SMALL[0], SMALL[0].after(2)])


def test_points_carry_what_was_judged():
    points = small_sweep()
    assert [(p.setting.noise_multiplier, p.setting.rounds) for p in points] == [
        (0.5, 2),
        (0.5, 4),
        (2.0, 2),
        (2.0, 4),
    ]
    problem = small_problem(1)
    found = judged(problem.train, problem.validation, SMALL[0], seed=1, checkpoints=(2, 4))
    assert (points[1].accuracies[1], points[1].worst_tenths[1]) == (
        found["4"]["mean"],
        found["4"]["worst tenth"],
    )
    expected = epsilon_spent(noise_multiplier=0.5, sample_rate=0.5, steps=4, delta=DELTA, accountant="rdp")
    assert points[1].epsilon == expected


def test_confirming_asks_the_judges_it_names():
    both = {j: confirm(SMALL[0], seeds=(7, 8), judges=j, load=small_problem) for j in ("validation", "test")}
    assert both["validation"].accuracies != both["test"].accuracies
    assert both["test"].seeds == (7, 8) and both["test"].accuracy.num_seeds == 2
    for wrong in ({"seeds": (7,)}, {"seeds": (7, 8), "judges": "train"}):
        with pytest.raises(ValueError, match="judges are"):
            confirm(SMALL[0], load=small_problem, **wrong)


# The recorded sweep -----------------------------------------------------------------------------------


@recorded
def test_the_recorded_sweep_is_whole_and_made_by_this_code_on_this_data():
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    points = load_points(RECORDED)
    assert len(points) == len(whole_grid()) * len(CHECKPOINTS) == 600
    assert len(load_references(RECORDED)) == 6 * len(CHECKPOINTS)
    assert record["seeds"] == list(SEEDS) and len(SEEDS) >= 5 and record["delta"] == DELTA
    assert record["made_by"]["data_sha256"] == data_sha256()
    if record["versions"]["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]:
        assert record["made_by"]["code_sha256"] == code_sha256()
    assert {epsilon_key(point.setting) for point in points} == set(record["epsilons"])


@recorded
def test_a_few_points_of_the_sweep_come_out_again_within_their_interval():
    points = [point for point in load_points(RECORDED) if point.setting.rounds == 25]
    rng = np.random.default_rng(0)
    cheap = [p for p in points if p.unit is Unit.EXAMPLE or p.setting.sample_rate < 0.2]
    for place in rng.choice(len(cheap), 2, replace=False):
        point = cheap[place]
        (again,) = run_sweep([point.setting], seeds=SEEDS, checkpoints=(25,), delta=DELTA, accountant="rdp")
        # The same seeds: on the same processor the same numbers, on another one a digit here or there.
        assert again.accuracies == pytest.approx(point.accuracies, abs=0.005)
        assert point.accuracy.low - 0.002 <= again.accuracy.value <= point.accuracy.high + 0.002


@recorded
def test_recorded_epsilons_are_those_of_a_second_accountant():
    points = load_points(RECORDED)
    rng = np.random.default_rng(1)
    likely = [point for point in points if 0.05 < point.epsilon < 20]
    for place in rng.choice(len(likely), 8, replace=False):
        point = likely[place]
        second = epsilon_spent(
            noise_multiplier=point.setting.noise_multiplier, sample_rate=point.setting.sample_rate,
            steps=point.setting.rounds, delta=DELTA, accountant="prv",
        )  # fmt: skip
        assert point.epsilon == pytest.approx(second, rel=0.02)


@recorded
def test_the_sweep_shows_a_trade_off_and_not_a_flat_plain():
    points = [point for point in load_points(RECORDED) if point.unit is Unit.CLIENT]
    values = [point.accuracy.value for point in points]
    assert min(values) < 0.35 and max(values) > 0.87
    # With the noise, and nothing else, accuracy falls.
    by_noise = [
        next(p for p in points if p.setting == Setting(Unit.CLIENT, z, 1.0, 1, 0.1, 50)).accuracy.value
        for z in (0.7, 1.5, 4.0, 8.0)
    ]
    assert by_noise == sorted(by_noise, reverse=True) and by_noise[0] > by_noise[-1] + 0.15


@recorded
def test_fresh_seeds_were_run_for_what_each_target_chooses():
    points, confirmed = load_points(RECORDED), load_confirmed(RECORDED)
    chosen = {name: choose(points, delta=DELTA, **target) for name, target in TARGETS.items()}
    assert set(confirmed) == {name for name, answer in chosen.items() if answer}
    for name, runs in confirmed.items():
        for judges, found in runs.items():
            assert found.judges == judges and found.setting == chosen[name].setting
            assert found.seeds == tuple(FRESH_SEEDS)
            assert chosen[name].confirmed_by(found).confirmed is found


# The explorer -----------------------------------------------------------------------------------------


def plot_calls():
    calls = []

    def plot(ax, **given):
        calls.append(given)
        ax.plot(given["cloud"]["epsilon"], given["cloud"]["accuracy"])

    return plot, calls


def test_the_explorer_answers_each_slider_and_shows_one_unit_at_a_time():
    points = [*small_sweep(), *small_sweep(settings=[Setting(Unit.EXAMPLE, 1.0, 1.0, 1, 0.5, 4)])]
    plot, calls = plot_calls()
    box = explorer(points, delta=DELTA, plot=plot, accuracy=0.3, megabytes=5.0)
    unit, accuracy, _, _, words, picture = box.children
    assert len(calls) == 1 and bytes(picture.value).startswith(b"\x89PNG")
    assert len(calls[0]["cloud"]["epsilon"]) == 4 and calls[0]["unit"] == "client"
    accuracy.value = 0.92
    assert "Infeasible" in words.value and calls[-1]["chosen"] is None
    unit.value = Unit.EXAMPLE
    assert calls[-1]["unit"] == "example" and len(calls[-1]["cloud"]["epsilon"]) == 2


@recorded
def test_the_explorers_picture_is_drawn_by_the_courses_figure():
    from course.figures import plot_trade_off

    points = [point for point in load_points(RECORDED) if point.unit is Unit.CLIENT]
    for accuracy in (0.8, 0.99):
        answer = choose(points, unit=Unit.CLIENT, accuracy=accuracy, megabytes=0.5, delta=DELTA)
        assert picture_of(points, answer, plot=plot_trade_off).startswith(b"\x89PNG")
        assert ("Infeasible" in words_of(answer)) == (accuracy == 0.99)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="makes it"):
        load_points(Path(tmp_path) / "nothing.json")
    assert len(grid_of(Unit.CLIENT)) == 108 and len(grid_of(Unit.EXAMPLE)) == 42
