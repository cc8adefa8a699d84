"""Lesson 14's records belong to their files, its runs leave nothing behind, and its surprises are so."""

import ast
import dataclasses
import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from course.federated.processes import with_variable
from course.frameworks import (
    ROWS,
    NotInstalled,
    Row,
    RowFailed,
    StaleRecord,
    digest,
    recorded,
    row_of,
    rows_of,
    run_live,
    run_or_read,
    run_row,
    show,
    source_of,
    task_of,
)
from course.frameworks.environments import BUILT_IN, ENVIRONMENTS, python_of
from course.frameworks.records import RECORDS, load_record, save_record
from course.frameworks.rows import COURSE, FOLDER
from course.frameworks.running import MARK
from course.frameworks.tasks import TASKS, task_sha256, write_task

NAMES = [row.name for row in ROWS]


# Records -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_a_record_made_by_its_file_as_it_is_now(name):
    record, row = recorded(name), row_of(name)
    assert (record.name, record.task, record.tool, record.live) == (name, row.task, row.tool, False)
    assert set(record.versions) == {*row.packages, "python"}
    assert record.seconds <= record.total_seconds and record.peak_mib > 5 and record.cpu_seconds > 0.01
    assert record.date >= "2026-01-01" and "cores" in record.platform


def test_no_record_is_left_of_a_row_that_is_gone():
    assert {path.stem for path in RECORDS.glob("*.json")} == set(NAMES)


def test_one_changed_character_in_a_rows_file_makes_its_record_stale(tmp_path):
    changed = tmp_path / "round_tff.py"
    changed.write_text(source_of("round_tff"), encoding="utf-8")
    assert recorded("round_tff", source=changed).name == "round_tff"
    changed.write_text(source_of("round_tff").replace("0", "1", 1), encoding="utf-8")
    with pytest.raises(StaleRecord, match=r"course/frameworks/round_tff.py is not what the record of"):
        recorded("round_tff", source=changed)


def test_a_record_of_other_inputs_is_stale(tmp_path):
    record = dataclasses.replace(recorded("round_tff"), inputs_sha256="0" * 64)
    save_record(record, tmp_path)
    with pytest.raises(StaleRecord, match="the task 'round' is not what"):
        recorded("round_tff", folder=tmp_path)


def test_a_row_without_a_record_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="`make frameworks` makes one"):
        recorded("round_tff", folder=tmp_path)


def test_a_record_comes_back_from_its_file_as_it_went():
    record = recorded("surprise_tff")
    assert load_record(RECORDS / "surprise_tff.json") == record


def test_the_table_shows_no_stale_row(monkeypatch):
    monkeypatch.setitem(TASKS, "round", TASKS["sum"])
    task_of.cache_clear()
    try:
        with pytest.raises(StaleRecord):
            rows_of("round", live=())
    finally:
        task_of.cache_clear()


def test_every_task_gives_all_tools_the_same_arrays_and_nobody_can_change_them(tmp_path):
    import numpy as np

    for name in TASKS:
        task = task_of(name)
        write_task(task, tmp_path / "task.npz")
        if task:
            assert task_sha256(dict(np.load(tmp_path / "task.npz"))) == task_sha256(task)
        for array in task.values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_a_fingerprint_sees_a_changed_number_a_changed_shape_and_a_changed_type():
    import numpy as np

    first = task_sha256({"x": np.zeros(4)})
    others = [{"x": np.ones(4)}, {"x": np.zeros((2, 2))}, {"x": np.zeros(4, ">f8")}, {"y": np.zeros(4)}]
    assert len({first, *map(task_sha256, others)}) == 5


# The files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if row.environment != COURSE], ids=lambda row: row.name)
def test_what_runs_elsewhere_does_not_import_the_course(row):
    tree = ast.parse(source_of(row.name))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if name.startswith("course") or name.startswith("torch")]


def test_a_file_runs_alone_from_any_folder(tmp_path):
    write_task(task_of("statistics"), tmp_path / "task.npz")
    command = [sys.executable, str(row_of("statistics_opendp").file), "task.npz", "answer.json"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "answer.json").exists()


def test_each_file_is_short_and_every_script_of_the_folder_is_in_the_catalogue():
    kinds = tuple(f"{task}_" for task in TASKS)
    assert {path.stem for path in FOLDER.glob("*.py") if path.stem.startswith(kinds)} == set(NAMES)
    assert all(len(source_of(name).splitlines()) <= 100 for name in NAMES)


# Live, and where it cannot be ----------------------------------------------------------------------------


def test_a_live_row_says_so_and_measures(tmp_path):
    record = run_live("round_numpy")
    assert record.live and record.provenance == "live"
    assert 0 < record.seconds < record.total_seconds and record.peak_mib > 10
    assert record.numbers == pytest.approx(recorded("round_numpy").numbers, abs=1e-8)


def test_without_its_package_a_row_is_read_and_one_sentence_says_why(monkeypatch, capsys):
    real = metadata.version

    def version(package):
        if package == "opendp":
            raise metadata.PackageNotFoundError(package)
        return real(package)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(NotInstalled, match="OpenDP does not run here, because opendp is not installed"):
        run_live("statistics_opendp")
    records = rows_of("statistics", live=["statistics_opendp"])
    assert [record.live for record in records] == [False] * 4
    assert "opendp is not installed; shown is the run of 20" in capsys.readouterr().out


@pytest.mark.parametrize(
    "problem", [RowFailed("sum_mpyc failed"), OSError("no 10 free ports in a row were found")]
)
def test_a_row_that_fails_is_read_and_the_reason_is_said(monkeypatch, capsys, problem):
    def run_live(name):
        raise problem

    monkeypatch.setattr("course.frameworks.table.run_live", run_live)
    assert not run_or_read("sum_mpyc").live
    assert f"{problem}; shown is the run of 20" in capsys.readouterr().out


def test_a_row_of_another_environment_cannot_be_asked_for_live():
    with pytest.raises(ValueError, match="run live are"):
        rows_of("round", live=["round_tff"])
    with pytest.raises(ValueError, match="tasks are"):
        rows_of("lunch")
    with pytest.raises(ValueError, match="there is no row 'lunch'"):
        row_of("lunch")


@pytest.mark.parametrize("task", TASKS)
def test_the_table_of_each_task_names_version_and_date(task):
    records = rows_of(task, live=())
    table = show(records)
    assert list(table.index) == [record.tool for record in records]
    for record, (_, line) in zip(records, table.iterrows(), strict=True):
        assert record.versions[next(iter(record.versions))] in line["version"]
        assert record.date in line["where from"]
        assert digest(record, records[0]) == line["answer"]


# Process hygiene -----------------------------------------------------------------------------------------


def script(folder: Path, code: str, name: str = "fake") -> Row:
    """A row whose file is this code; it finds `answer()` to end well."""
    file = folder / f"{name}.py"
    report = '{"answer": {}, "seconds": 0, "sent_bytes": null}'
    good = f"def answer():\n    open(sys.argv[2], 'w').write({report!r})\n"
    file.write_text(f"import os, subprocess, sys, time\n{good}{code}\n", encoding="utf-8")
    return Row(name, "surprise", "a fake", (), elsewhere=file)


ORPHAN = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'], start_new_session=True)\n"


def alive():
    """What still runs of all that this process has started through `run_row`."""
    return with_variable(MARK, starting_with=f"{os.getpid()}-")


def test_what_a_program_leaves_running_is_named_and_ended(tmp_path):
    before = {process.pid for process in psutil.process_iter()}
    record = run_row(script(tmp_path, ORPHAN + "answer()"), python=Path(sys.executable))
    assert len(record.left_processes) == 1 and "python" in record.left_processes[0]
    assert not alive()
    # Other tests start processes, too; none of the new ones sleeps for our orphan's two minutes.
    new = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in before]
    assert not [p for p in new if "time.sleep(120)" in " ".join(p.info["cmdline"] or [])]


def test_processor_time_is_that_of_the_work_and_not_of_waiting(tmp_path):
    code = "end = time.process_time() + 1\nwhile time.process_time() < end: pass\ntime.sleep(1)\nanswer()"
    record = run_row(script(tmp_path, code), python=Path(sys.executable))
    # A second of work, a little to start; and a look 20 times a second.
    assert 0.9 < record.cpu_seconds < 1.7 and record.total_seconds > 1.9


def test_a_tidy_program_leaves_nothing(tmp_path):
    assert run_row(script(tmp_path, "answer()"), python=Path(sys.executable)).left_processes == ()


def test_a_child_that_ends_soon_after_its_program_does_not_count_as_left(tmp_path):
    code = ORPHAN.replace("120", "0.5") + "answer()"
    assert run_row(script(tmp_path, code), python=Path(sys.executable)).left_processes == ()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('no such animal')", "fake failed with exit code 1: no such animal"),
        ("pass", "failed with exit code 0: it said nothing"),
        ("time.sleep(60)", "did not end within 1 seconds"),
    ],
    ids=["error", "no answer", "too long"],
)
def test_a_program_that_fails_is_named_and_leaves_nothing_either(tmp_path, code, message):
    start = time.perf_counter()
    with pytest.raises(RowFailed, match=message):
        run_row(script(tmp_path, ORPHAN + code), python=Path(sys.executable), longest=1.0)
    assert not alive() and time.perf_counter() - start < 30


def test_ten_parties_of_mpyc_are_gone_when_the_sum_is_there():
    record = run_live("sum_mpyc")
    assert record.left_processes == () and not alive()


@pytest.mark.parametrize("name", ["surprise_tff", "surprise_pysyft"])
def test_tff_and_pysyft_leave_nothing_where_their_environments_are_built(name):
    row = row_of(name)
    if not (BUILT_IN / row.environment / "built.json").exists():
        pytest.skip("`make frameworks` has not built this environment here")
    record = run_row(row, python=python_of(BUILT_IN / row.environment))
    assert not alive()
    assert record.left_processes == recorded(name).left_processes


def test_every_other_environment_is_named_in_the_catalogue():
    assert {row.environment for row in ROWS} == {COURSE, *(environment.name for environment in ENVIRONMENTS)}


# Surprises -----------------------------------------------------------------------------------------------


def test_secagg_of_flower_refuses_the_context_of_a_server_app():
    from course.frameworks import surprise_flower

    answer, _ = surprise_flower.run({})
    assert "Expect a LegacyContext" in answer["refusal"]
    assert answer["names with 'secagg' in flwr.serverapp"] == []
    assert answer["strategies in flwr.serverapp"] > 5


def test_flower_s_present_interface_has_noise_at_both_ends_as_the_lesson_s_list_says():
    import flwr.clientapp.mod
    import flwr.serverapp.strategy

    assert hasattr(flwr.clientapp.mod, "LocalDpMod")
    assert hasattr(flwr.serverapp.strategy, "DifferentialPrivacyServerSideFixedClipping")


def test_tff_leaves_its_worker_running_and_the_others_do_not():
    left = {name: recorded(name).left_processes for name in NAMES}
    assert {name for name, processes in left.items() if processes} == {"round_tff", "surprise_tff"}
    assert set(left["round_tff"] + left["surprise_tff"]) == {"worker_binary"}


def test_an_approved_pysyft_job_reached_what_the_owner_can_reach():
    answer = recorded("surprise_pysyft").answer
    assert answer["reached"] == {
        "environment": "correct horse battery staple",
        "outside": "dear diary",
        "network": "open",
    }
    mentions = answer["mentions"]
    assert mentions.pop("encryption of files") > 5 and mentions.pop("python files") > 100
    assert mentions and not any(mentions.values())


def test_google_s_library_answers_once():
    from course.frameworks import surprise_python_dp

    assert "only produce results once" in surprise_python_dp.run({})[0]["second"]


def test_pipeline_dp_drops_a_place_with_one_person_and_keeps_one_with_none_that_is_named():
    from course.frameworks import surprise_pipeline_dp

    answer, _ = surprise_pipeline_dp.run({})
    # The one person's place is kept with probability about δ = 1e-5, the village's hundred are always.
    assert set(answer["places in the data"]) == {"village"}
    assert set(answer["places named beforehand"]) == {"village", "lighthouse", "moon"}


def test_dp_accounting_prices_another_neighbour_higher_or_not_at_all():
    from course.frameworks import surprise_dp_accounting

    answer, _ = surprise_dp_accounting.run({})
    assert answer["replace one, PLD"] > 1.4 * answer["add or remove one, PLD"]
    assert "UnsupportedEventError" in answer["replace one, RDP"]


def test_opendp_refuses_at_first_and_counts_the_rounding_of_floats():
    # In a process of its own, because another test may have opened the features.
    answer = run_live("surprise_opendp").answer
    assert '"contrib"' in answer["refusal"]
    assert answer["epsilon of a sum of integers"] == 1 < answer["epsilon of a sum of floats"] < 1 + 1e-6


def test_mpyc_without_a_number_of_parties_hides_nothing():
    answer = run_live("surprise_mpyc").answer
    assert answer == {"parties": 1, "threshold": 0, "my share of 42": 42, "TLS": False}


def test_a_long_vector_loses_its_product():
    from course.frameworks import surprise_tenseal

    answer, _ = surprise_tenseal.run({})
    assert answer["length 100"] == pytest.approx(100, abs=0.01)
    assert "chunked" in answer["length 4097"]
