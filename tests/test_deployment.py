"""One real deployment on loopback, with a stranger at the door and a node that dies; then what it showed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course.federated import processes
from course.federated.deploy import RECORD, Plan

ROOT = Path(__file__).parents[1]
LIMIT = 300.0
FLOWER_HOME = Path.home() / ".flwr"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the deployment kills a process with SIGKILL")


def files_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployment")
    home_before = files_in(FLOWER_HOME)
    started = time.monotonic()
    command = [sys.executable, "-m", "course.federated.deploy", "--kill-one", "--folder", str(folder)]
    done = subprocess.run(
        command, env=processes.environment(), capture_output=True, text=True, timeout=LIMIT, cwd=folder.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads((folder / "timeline.json").read_text())
    outcome["folder"], outcome["seconds"] = folder, time.monotonic() - started
    outcome["home_untouched"] = files_in(FLOWER_HOME) == home_before
    return outcome


def seconds_of(outcome, event):
    return [each["seconds"] for each in outcome["events"] if each["event"] == event]


def test_tls_is_real(deployed):
    assert deployed["tls"]["with_ca"].startswith("TLSv1.")
    assert deployed["tls"]["without_ca"].startswith("refused: ")
    assert deployed["tls"]["plaintext"].startswith("failed: ")


def test_three_registered_nodes_come_online(deployed):
    assert len(seconds_of(deployed, "registered")) == 3
    assert deployed["nodes_online"] == 3


def test_unknown_node_is_refused(deployed):
    assert deployed["unknown_node"]["exit_code"] != 0
    assert "Failed to activate SuperNode" in deployed["unknown_node"]["said"]


def test_node_killed_in_the_second_round_is_missing_from_it(deployed):
    (killed,) = seconds_of(deployed, "killed")
    rounds = seconds_of(deployed, "round")
    assert rounds[1] <= killed <= rounds[2]
    first, second, third = deployed["rounds"][1:]
    assert (first["asked"], first["replies"]) == (3, 3)
    assert (second["asked"], second["replies"]) == (3, 2)
    assert third["replies"] == 2


def test_run_finishes_all_rounds_and_has_learned(deployed):
    assert deployed["finished"] is True
    assert [record["round"] for record in deployed["rounds"]] == [0, 1, 2, 3]
    # Chance is about 0.1; three rounds on 300 digits a node reached 0.86.
    assert deployed["rounds"][-1]["accuracy"] > 0.5


def test_no_process_is_left_over(deployed):
    assert deployed["left_over"] == 0
    assert processes.with_variable("FLWR_HOME", starting_with=str(deployed["folder"])) == []


def test_nothing_is_written_into_the_home_of_the_user(deployed):
    assert deployed["home_untouched"]


def test_private_keys_are_readable_by_their_owner_only(deployed):
    keys = list(deployed["folder"].glob("*.key"))
    assert len(keys) == 5
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_deployment_leaves_no_process(tmp_path, end):
    command = [sys.executable, "-m", "course.federated.deploy", "--folder", str(tmp_path / "d")]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, env=processes.environment(), stdout=out, stderr=out)
    deadline = time.monotonic() + 60
    while "SuperLink answers" not in (tmp_path / "out").read_text():
        assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "out").read_text()
        time.sleep(0.2)
    home = str(tmp_path / "d")
    assert processes.with_variable("FLWR_HOME", starting_with=home)
    process.send_signal(end)
    assert process.wait(timeout=60) != 0
    assert processes.with_variable("FLWR_HOME", starting_with=home) == []
    assert "0 processes left over" in (tmp_path / "out").read_text()


def test_plan_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match="at least 3 nodes"):
        Plan(nodes=2)
    with pytest.raises(ValueError, match="3 rounds to kill"):
        Plan(rounds=2, kill_one=True)


def test_recorded_deployment_shows_a_whole_run_and_no_trace_of_the_machine():
    text = RECORD.read_text()
    recorded = json.loads(text)
    assert recorded["finished"] is True
    assert recorded["left_over"] == 0
    assert {"certificates", "superlink", "refused", "online", "killed", "finished"} <= {
        each["event"] for each in recorded["events"]
    }
    assert recorded["versions"].keys() == {"python", "flwr", "torch"}
    for trace in (str(ROOT), str(Path.home()), os.uname().nodename, "/tmp", "/home"):
        assert trace not in text
