"""Four hospitals and a server as real processes, on which everything goes wrong once; then what it showed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course.federated import processes
from course.hospital import PrivacyBudget
from course.hospital.budget import epsilon_of
from course.hospital.deploy import DRILL, RECORD, VICTIM, VICTIM_ROUND, DeploymentPlan
from course.hospital.hospital_folder import BUDGET, home_of
from course.hospital.study import DELTA

LIMIT = 900.0
"""Seconds; a quiet machine with two cores needs about a quarter of it."""
HONEST = ["university", "city"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the deployment kills processes with SIGKILL")

WATCH_FILES = '''
"""Python imports this first, in each process: it notes whatever is opened in a hospital's folder."""
import os, sys
_marker, _notes = os.sep + "hospitals" + os.sep, os.environ["OPENED_FILES"]

def _note(event, arguments):
    if event not in ("open", "os.listdir", "os.scandir"):
        return
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
    if _marker in path:
        line = os.environ.get("FLWR_HOME", "-") + "\\t" + path + "\\n"
        notes = os.open(_notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(notes, line.encode())
        os.close(notes)

sys.addaudithook(_note)
'''


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """One deployment, one run in the clear with all the faults, and a second one in a secure sum."""
    folder, watch = tmp_path_factory.mktemp("hospitals"), tmp_path_factory.mktemp("watch")
    (watch / "sitecustomize.py").write_text(WATCH_FILES)
    path = os.pathsep.join([str(watch), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = processes.environment(PYTHONPATH=path, OPENED_FILES=str(watch / "opened.txt"))
    env.pop("FLWR_HOME", None)
    command = [sys.executable, "-m", "course.hospital.deploy", "--drill", "--folder", str(folder)]
    started = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT, cwd=watch)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads((folder / "timeline.json").read_text())
    opened = [line.split("\t") for line in (watch / "opened.txt").read_text().splitlines()]
    return outcome | {"folder": folder, "opened": opened, "seconds": time.monotonic() - started}


def seconds_of(outcome, event):
    return [each["seconds"] for each in outcome["events"] if each["event"] == event]


def reasons(record):
    return {each["who"]: each["reason"] for each in record["excluded"]}


def paid(outcome, name):
    return PrivacyBudget.open(home_of(outcome["folder"], name) / BUDGET).releases


def test_all_rounds_are_played_and_nobody_waits_for_ever(deployed):
    assert deployed["finished"] is True and deployed["failed"] == ""
    assert [record["round"] for record in deployed["rounds"]] == [0, 1, 2]
    assert deployed["seconds"] < LIMIT


@pytest.mark.parametrize("name", ["stranger", "revoked"])
def test_an_unknown_hospital_and_one_with_a_revoked_key_are_refused(deployed, name):
    assert deployed["refused"][name]["exit_code"] != 0
    assert "Failed to activate SuperNode" in deployed["refused"][name]["said"]
    # Neither has ever worked on a message.
    assert "flwr-clientapp" not in (deployed["folder"] / f"{name}.log").read_text()


@pytest.mark.parametrize(
    ("round_index", "reason"), [(0, "not finite"), (1, "shape (40,)"), (2, "clipping norms")]
)
def test_not_a_number_a_wrong_shape_and_a_poison_are_excluded_with_a_logged_reason(
    deployed, round_index, reason
):
    record = deployed["rounds"][round_index]
    assert reason in reasons(record)["clinic"] and "clinic" not in record["counted"]
    assert set(HONEST) <= set(record["counted"]) and record["problem"] == ""
    log = (deployed["folder"] / "server-app-clear.log").read_text()
    (line,) = [line for line in log.splitlines() if f"round {round_index}: clinic is excluded" in line]
    assert reason in line
    assert all(abs(weight) < 1e3 for weight in deployed["weights"]), "nothing of it is in the model"


def test_a_hospital_killed_in_the_middle_of_a_round_is_missing_from_it_and_comes_back(deployed):
    (killed,) = seconds_of(deployed, "killed")
    rounds = seconds_of(deployed, "round")
    assert rounds[0] <= killed <= rounds[1]
    first, second, third = deployed["rounds"]
    assert VICTIM in first["counted"] and VICTIM not in second["counted"] and VICTIM in third["counted"]
    assert "Node Unavailable" in reasons(second)[VICTIM]
    assert deployed["comebacks"] >= 1


def test_the_accountant_of_the_killed_hospital_goes_on_and_counts_what_never_left(deployed):
    counted = [record["round"] for record in deployed["rounds"] if VICTIM in record["counted"]]
    in_the_clear = [release.round_index for release in paid(deployed, VICTIM)][:-1]
    assert VICTIM_ROUND in in_the_clear and VICTIM_ROUND not in counted
    assert set(counted) < set(in_the_clear), "each round that left is paid, and one more"
    assert deployed["budgets"][VICTIM]["epsilon"] == epsilon_of(paid(deployed, VICTIM), delta=DELTA)


def test_no_hospital_is_charged_less_than_what_left_it_in_either_run(deployed):
    for name in deployed["budgets"]:
        counted = sum(
            name in record["counted"] for record in deployed["rounds"] + deployed["secure"]["rounds"]
        )
        assert len(paid(deployed, name)) >= counted > 0 or name == "clinic"
        # A fault that the server notices has left all the same.
        assert len(paid(deployed, name)) >= 4
        assert len({release.run for release in paid(deployed, name)}) == 2
        plan = deployed["plan"]
        assert 0 < deployed["budgets"][name]["epsilon"] < plan["epsilon_limit"]


def test_the_server_is_killed_in_a_round_and_the_run_goes_on_to_its_end(deployed):
    (killed,) = seconds_of(deployed, "server_killed")
    rounds, answers = seconds_of(deployed, "round"), seconds_of(deployed, "superlink")
    assert rounds[1] <= killed <= rounds[2] and len(answers) == 2 and answers[0] < killed < answers[1]
    assert set(HONEST) <= set(deployed["rounds"][2]["counted"])
    assert len(seconds_of(deployed, "run")) == 2, "nobody submitted the run again"


def test_each_node_opens_its_own_hospitals_folder_and_no_other(deployed):
    homes = {name: str(home_of(deployed["folder"], name)) for name in deployed["budgets"]}
    by_process = {}
    for home, path in deployed["opened"]:
        by_process.setdefault(Path(home).name, []).append(path)
    for name, own in homes.items():
        assert any(path.endswith("scan.nii.gz") for path in by_process[name]), "the watch works"
        assert all(path == own or path.startswith(own + os.sep) for path in by_process[name])
    # Nor does the server's side open anything of a hospital's.
    assert by_process.keys() - homes.keys() <= {"-"}


def test_a_second_run_adds_up_in_a_secure_sum_without_the_hospital_that_sends_not_a_number(deployed):
    (record,) = deployed["secure"]["rounds"]
    assert sorted(record["counted"]) == sorted([*HONEST, VICTIM]) and record["problem"] == ""
    assert "MASKED_INPUT" in reasons(record)["clinic"]
    replied = {each["stage"]: each["replied"] for each in deployed["secure"]["stages"]}
    assert replied["SHARE_KEYS"] == [0, 1, 2, 3] and replied["UNMASK"] == [0, 1, 2]


def test_no_process_is_left_over(deployed):
    assert deployed["left_over"] == 0
    assert processes.with_variable("FLWR_HOME", starting_with=str(deployed["folder"])) == []


def test_an_interrupted_deployment_leaves_no_process(tmp_path):
    command = [sys.executable, "-m", "course.hospital.deploy", "--folder", str(tmp_path / "d")]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, env=processes.environment(), stdout=out, stderr=out)
    deadline = time.monotonic() + 120
    while "SuperLink answers" not in (tmp_path / "out").read_text():
        assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "out").read_text()
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=90) != 0
    assert processes.with_variable("FLWR_HOME", starting_with=str(tmp_path / "d")) == []


@pytest.mark.parametrize(
    "plan",
    [{"rounds": 0}, {"rounds": 2, "drill": True}, {"aggregation": "open"},
     {"drill": True, "aggregation": "secure"}, {"drill": True, "patients": {"city": 3}}],
    ids=str,
)  # fmt: skip
def test_a_plan_that_cannot_work_is_refused(plan):
    with pytest.raises(ValueError, match=r"it needs 1 round|the drill begins"):
        DeploymentPlan(**plan)
    assert DRILL[VICTIM].split(",")[VICTIM_ROUND] == "stall"


def test_the_recorded_deployment_shows_every_fault_and_no_trace_of_the_machine():
    text = RECORD.read_text(encoding="utf-8")
    recorded = json.loads(text)
    assert recorded["finished"] is True and recorded["secure"]["finished"] is True
    assert recorded["left_over"] == 0 and recorded["refused"].keys() == {"stranger", "revoked"}
    assert {"folders", "superlink", "revoked", "refused", "online", "round", "killed", "server_killed"} <= {
        each["event"] for each in recorded["events"]
    }
    for trace in (str(Path(__file__).parents[1]), str(Path.home()), os.uname().nodename, "/tmp", "/home"):
        assert trace not in text
