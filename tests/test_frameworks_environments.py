"""`make frameworks` with frameworks of straw: it goes on after a kill, and one failure stays one failure."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course.federated.processes import with_variable
from course.frameworks import Row
from course.frameworks.environments import (
    ENVIRONMENTS,
    CannotBuild,
    Environment,
    build,
    explain,
    main,
    refresh,
)
from course.frameworks.rows import ROWS
from course.frameworks.running import MARK, run_row

HERE = ".".join(map(str, sys.version_info[:2]))
REPORT = '{"answer": {}, "seconds": 0, "sent_bytes": null}'


def straw(folder, *, lock="# nothing\n", name="straw", **settings):
    """An environment without a package, which needs no network."""
    file = folder / f"{name}.txt"
    file.write_text(lock, encoding="utf-8")
    return Environment(name, name.title(), file, HERE, **settings)


def row(folder, name, code="", environment="straw"):
    """A row that notes in a diary that it ran, then does `code`, then answers."""
    file = folder / f"{name}.py"
    file.write_text(
        "import sys, time\n"
        f"with open({str(folder / 'diary.txt')!r}, 'a') as diary:\n    print({name!r}, file=diary)\n"
        f"{code}\nopen(sys.argv[2], 'w').write({REPORT!r})\n",
        encoding="utf-8",
    )
    return Row(name, "surprise", "Straw", (), environment, elsewhere=file)


def diary(folder):
    path = folder / "diary.txt"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def places(folder):
    return {"built_in": folder / "built", "records": folder / "records"}


def here(environment, folder):
    """A builder that builds nothing: the Python that runs this."""
    return Path(sys.executable)


# Building ------------------------------------------------------------------------------------------------


def test_an_environment_is_built_once_and_anew_when_its_lock_changes_or_it_was_left_half_made(tmp_path):
    environment, folder = straw(tmp_path), tmp_path / "built" / "straw"
    python = build(environment, folder)
    said = subprocess.run(
        [python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert Path(said.stdout.strip()).resolve() == folder.resolve()
    mark = folder / "mark"
    mark.touch()
    build(environment, folder)
    assert mark.exists()
    environment.lock.write_text("# nothing, but newer\n", encoding="utf-8")
    build(environment, folder)
    assert not mark.exists()
    mark.touch()
    (folder / "built.json").unlink()
    build(environment, folder)
    assert not mark.exists() and (folder / "built.json").exists()


@pytest.mark.parametrize("damage", ["half a stamp", "no Python"])
def test_a_stamp_that_was_cut_off_or_a_python_that_is_gone_is_no_reason_to_stop(tmp_path, damage):
    environment, folder = straw(tmp_path), tmp_path / "built" / "straw"
    python = build(environment, folder)
    if damage == "no Python":
        python.unlink()
    else:
        (folder / "built.json").write_text('{"lo', encoding="utf-8")
    assert build(environment, folder) == python
    assert subprocess.run([python, "-c", ""], check=False).returncode == 0


def test_without_uv_the_course_s_own_rows_are_recorded_and_one_sentence_says_what_is_missing(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("course.frameworks.environments.sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = [row(tmp_path, "of_course", environment="course"), row(tmp_path, "of_straw")]
    monkeypatch.setattr(
        "course.frameworks.environments.run_live", lambda name: run_row(rows[0], python=Path(sys.executable))
    )
    report = refresh([straw(tmp_path)], rows, **places(tmp_path))
    assert report.recorded == ["of_course"] and set(report.failed) == {"straw"}
    assert "`pip install uv` gets it" in report.failed["straw"]


def test_an_environment_that_does_not_fit_on_the_disk_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(CannotBuild, match=r"Straw needs about 1000000000 MB of disk, and \d+ MB are free"):
        build(straw(tmp_path, megabytes=10**9), tmp_path / "built" / "straw")
    assert not (tmp_path / "built" / "straw").exists()


def test_a_package_that_cannot_be_had_is_one_sentence(tmp_path, monkeypatch):
    # An index on this machine's disk, which is empty: no network is asked.
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("UV_INDEX_URL", (tmp_path / "index").as_uri())
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(CannotBuild) as refusal:
        build(straw(tmp_path, lock="no-such-package==1.0\n"), tmp_path / "built" / "straw")
    assert str(refusal.value).startswith("Straw ") and "\n" not in str(refusal.value)
    assert not (tmp_path / "built" / "straw" / "built.json").exists()


UV_SAID = {
    "no wheel": (
        "error: No solution found when resolving dependencies\n  cause: Because jaxlib==0.4.13 has no "
        "wheels with a matching platform tag (e.g., `manylinux_2_28_aarch64`) and you require it, we can",
        "cannot be installed here: jaxlib==0.4.13 has no wheel for ",
    ),
    "no usable wheel": (
        "  cause: Because jax==0.4.13 has no usable wheels and you require jax==0.4.13, we can",
        "jax==0.4.13 has no wheel for ",
    ),
    "no network": (
        "error: Request failed after 3 retries\n  cause: Failed to fetch: `index`\n  cause: dns error",
        "the network or the package index does not answer",
    ),
    "gone": (
        "  cause: Because nonexist was not found in the package registry and you require nonexist==9",
        "the package index no longer has a version",
    ),
    "no Python": (
        "error: No interpreter found for Python 3.11 in virtual environments",
        "needs Python 3.11, and uv neither found nor could fetch one",
    ),
    "no Python to fetch": (
        "error: Request failed after 3 retries\n  cause: Failed to download `python-build-standalone`",
        "needs Python 3.11, and uv neither found",
    ),
    "another": (
        "warning: something\nerror: the moon is in the way",
        "uv said: error: the moon is in the way",
    ),
    "silence": ("", "uv said: nothing"),
}


@pytest.mark.parametrize("case", UV_SAID)
def test_what_uv_says_becomes_one_sentence_with_the_tools_name(case):
    said, expected = UV_SAID[case]
    sentence = explain(ENVIRONMENTS[0], said)
    assert sentence.startswith("TensorFlow Federated ") and expected in sentence and "\n" not in sentence


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: each.name)
def test_a_lock_names_exact_versions_and_the_tools_that_its_rows_report(environment):
    lines = environment.lock.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    wanted = {package for each in ROWS if each.environment == environment.name for package in each.packages}
    assert wanted <= set(pins) and all(pins.values()) and set(environment.from_source) <= set(pins)


# Refreshing ----------------------------------------------------------------------------------------------


def test_every_row_is_recorded_and_a_second_run_records_all_anew(tmp_path):
    rows = [row(tmp_path, "first"), row(tmp_path, "second")]
    for _ in range(2):
        report = refresh([straw(tmp_path)], rows, **places(tmp_path))
        assert report.recorded == ["first", "second"] and not report.failed and not report.kept
    assert diary(tmp_path) == ["first", "second"] * 2
    record = json.loads((tmp_path / "records" / "first.json").read_text(encoding="utf-8"))
    assert record["versions"] == {"python": record["versions"]["python"]} and record["date"] > "2026"


def test_one_that_fails_leaves_the_others_and_its_own_old_record_and_is_named(tmp_path):
    good, bad = straw(tmp_path, name="good"), straw(tmp_path, name="bad")
    rows = [
        row(tmp_path, "in_bad", environment="bad"),
        row(tmp_path, "broken", "raise SystemExit('the dog ate it')", "good"),
        row(tmp_path, "fine", environment="good"),
    ]

    def builder(environment, folder):
        if environment.name == "bad":
            raise CannotBuild("Bad cannot be installed here: bad==1 has no wheel for this machine")
        return Path(sys.executable)

    old = tmp_path / "records" / "broken.json"
    old.parent.mkdir()
    old.write_text("an old record")
    report = refresh([bad, good], rows, **places(tmp_path), builder=builder)
    assert report.recorded == ["fine"]
    assert set(report.failed) == {"bad", "broken"}
    assert "no wheel" in report.failed["bad"] and "the dog ate it" in report.failed["broken"]
    assert old.read_text() == "an old record" and not (old.parent / "in_bad.json").exists()
    # The next run tries what failed, and keeps what did not.
    rows[1] = row(tmp_path, "broken", "pass", "good")
    report = refresh([good], rows[1:], **places(tmp_path), builder=builder)
    assert report.kept == ["fine"] and report.recorded == ["broken"]


def test_a_row_whose_file_changed_is_not_taken_for_done(tmp_path):
    first = row(tmp_path, "first")
    broken = row(tmp_path, "broken", "raise SystemExit(1)")
    refresh([straw(tmp_path)], [first, broken], **places(tmp_path), builder=here)
    report = refresh(
        [straw(tmp_path)], [row(tmp_path, "first", "pass # new"), broken], **places(tmp_path), builder=here
    )
    assert report.recorded == ["first"]


def test_a_row_that_breaks_in_an_unusual_way_stops_no_other_row(tmp_path):
    no_json = row(tmp_path, "no_json")
    no_json.file.write_text("import sys\nopen(sys.argv[2], 'w').write('{')", encoding="utf-8")
    missing = dataclasses.replace(row(tmp_path, "missing"), packages=("no-such-package",))
    rows = [no_json, missing, row(tmp_path, "fine")]
    report = refresh([straw(tmp_path)], rows, **places(tmp_path), builder=here)
    assert report.recorded == ["fine"] and set(report.failed) == {"no_json", "missing"}
    assert "wrote no report that can be read" in report.failed["no_json"]
    assert "no-such-package" in report.failed["missing"]
    gone = refresh(
        [straw(tmp_path)], [rows[2]], **places(tmp_path / "b"), builder=lambda e, f: tmp_path / "none"
    )
    assert "fine cannot be started" in gone.failed["fine"]


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_frameworks_environments import places, row, straw
from course.frameworks.environments import refresh
folder = Path({folder!r})
slow = "import os\\nif not os.path.exists({folder!r} + '/go'): time.sleep(90)"
rows = [row(folder, "first"), row(folder, "second", slow), row(folder, "third")]
report = refresh([straw(folder)], rows, **places(folder))
print("REPORT", report.recorded, report.kept, report.failed)
"""


def test_a_refresh_that_is_killed_goes_on_where_it_stopped(tmp_path):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER.format(tests=str(Path(__file__).parent), folder=str(tmp_path)), encoding="utf-8")
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen([sys.executable, driver], stdout=log, stderr=log)
    deadline = time.monotonic() + 120
    while diary(tmp_path) != ["first", "second"] and time.monotonic() < deadline:
        assert process.poll() is None, (tmp_path / "log.txt").read_text()
        time.sleep(0.05)
    process.kill()
    process.wait()
    mark = f"{process.pid}-"
    assert with_variable(MARK, starting_with=mark)
    built = (tmp_path / "built" / "straw" / "built.json").stat().st_mtime_ns
    assert sorted(path.name for path in (tmp_path / "records").glob("*.json")) == ["first.json"]
    (tmp_path / "go").touch()
    ran = subprocess.run([sys.executable, driver], capture_output=True, text=True, check=True)
    assert "REPORT ['second', 'third'] ['first'] {}" in ran.stdout
    assert diary(tmp_path) == ["first", "second", "second", "third"]
    assert (tmp_path / "built" / "straw" / "built.json").stat().st_mtime_ns == built
    assert not (tmp_path / "built" / "progress.json").exists()
    # The first one could not end the program that it was waiting for; the second one did.
    assert not with_variable(MARK, starting_with=mark)


INTERRUPTED = """
import signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_frameworks_environments import here, places, row, straw
from course.frameworks import environments
# A shell that starts us in the background would have this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path({folder!r})
child = "import subprocess\\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)'], "
slow = row(folder, "slow", child + "start_new_session=True)\\nprint('x', flush=True)\\ntime.sleep(90)")
refresh = environments.refresh
environments.refresh = lambda *_: refresh([straw(folder)], [slow], **places(folder), builder=here)
sys.exit(environments.main([]))
"""


def test_ctrl_c_ends_the_row_and_its_children_and_says_that_the_same_command_goes_on(tmp_path):
    driver, log = tmp_path / "driver.py", tmp_path / "log.txt"
    driver.write_text(
        INTERRUPTED.format(tests=str(Path(__file__).parent), folder=str(tmp_path)), encoding="utf-8"
    )
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, driver], stdout=output, stderr=output)
    mark, deadline = f"{process.pid}-", time.monotonic() + 120
    while len(with_variable(MARK, starting_with=mark)) < 2 and time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "the same command goes on from here" in log.read_text() and "Traceback" not in log.read_text()
    assert not with_variable(MARK, starting_with=mark)


def test_an_environment_that_does_not_exist_is_refused_by_name(capsys):
    assert main(["numpie"]) == 2
    assert "numpie" in capsys.readouterr().out


def test_the_command_reports_what_failed_and_says_so_by_its_exit_code(monkeypatch, capsys):
    from course.frameworks import environments

    def refreshed(chosen, rows):
        assert [each.name for each in chosen] == ["tff"] and {each.environment for each in rows} == {"tff"}
        return environments.Report(["surprise_tff"], [], {"round_tff": "it rained"})

    monkeypatch.setattr(environments, "refresh", refreshed)
    assert main(["tff"]) == 1
    assert "FAILED round_tff: it rained" in capsys.readouterr().out
