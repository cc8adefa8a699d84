"""A secure round between real processes, with a SuperNode killed between two stages; then what it showed."""

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from course.crypto import Stage
from course.federated import fedavg, processes, two_nn
from course.federated.client import accuracy, client_generator
from course.federated.deploy_secure import RECORD, SECURE_APP, SecurePlan
from course.federated.deployment import DeploymentFailed
from course.federated.flower_app import client_examples, test_examples
from course.federated.flower_programs import stage_app
from course.federated.rounds import train_client, weights_of
from course.federated.secure_averaging import FIXED_POINT

LIMIT = 360.0
PLAN = SecurePlan()
KILLED, LAST_STAGE = 1, Stage.SHARE_KEYS
SURVIVORS = [0, 2, 3]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the deployment kills a process with SIGKILL")


@pytest.fixture(scope="session")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secure")
    command = [sys.executable, "-m", "course.federated.deploy_secure", "--folder", str(folder)]
    started = time.monotonic()
    done = subprocess.run(
        command, env=processes.environment(), capture_output=True, text=True, timeout=LIMIT, cwd=folder.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads((folder / "timeline.json").read_text())
    return outcome | {"folder": folder, "seconds": time.monotonic() - started}


def expected_models(folder):
    """What each client sends to a server that sees everything: the same training, in this process."""
    run = PLAN.run_config(folder) | {"seed": 0, "data-dir": "", "learning-rate": 0.1}
    before, models = torch.get_num_threads(), {}
    torch.set_num_threads(1)
    for client in range(PLAN.nodes):
        examples = client_examples(run, client=client, num_clients=PLAN.nodes)
        model = two_nn(seed=0, hidden=run["hidden"])
        models[client] = train_client(
            model, weights_of(model), examples,
            generator=client_generator(0, round_index=0, client=client), local_epochs=run["local-epochs"],
            batch_size=run["batch-size"], learning_rate=run["learning-rate"],
        )  # fmt: skip
    torch.set_num_threads(before)
    return models, test_examples(run)


def largest_difference(found, model):
    return max(np.abs(found[name] - tensor.numpy()).max() for name, tensor in model.items())


def test_the_default_plan_is_the_one_that_is_tested_here():
    assert dict(PLAN.kill_after) == {KILLED: LAST_STAGE}
    assert [client for client in range(PLAN.nodes) if client != KILLED] == SURVIVORS


def test_the_killed_node_has_dealt_shares_and_never_sends_its_masked_model(deployed):
    replied = {record["stage"]: record["replied"] for record in deployed["stages"]}
    assert replied["ADVERTISE_KEYS"] == replied["SHARE_KEYS"] == [0, 1, 2, 3]
    assert replied["MASKED_INPUT"] == replied["CONSISTENCY"] == replied["UNMASK"] == SURVIVORS
    events = [each["event"] for each in deployed["events"]]
    assert events.index("killed") == events.index("stage") + 2


def test_the_model_is_plain_fedavg_of_the_survivors_up_to_the_fixed_point_step(deployed):
    (_, last) = deployed["rounds"]
    assert deployed["finished"] is True and last["survivors"] == SURVIVORS
    found = np.load(deployed["folder"] / "results.npz")
    models, test = expected_models(deployed["folder"])
    plain = fedavg([models[client] for client in SURVIVORS], [300] * 3)
    # Half a step a client over 900 examples; and the float32 that the model is rounded to.
    tolerance = 3 * FIXED_POINT.step / 2 / 900 + 1e-6
    assert largest_difference(found, plain) <= tolerance
    # It would notice: the killed node in the mean, or a model of one client.
    everybody = fedavg(list(models.values()), [300] * 4)
    assert largest_difference(found, everybody) > 100 * tolerance
    model = two_nn(seed=0, hidden=32)
    model.load_state_dict(plain)
    assert last["accuracy"] == pytest.approx(accuracy(model, test), abs=2e-3)
    assert last["accuracy"] > 0.5


def test_nobody_waits_for_ever_and_no_process_is_left_over(deployed):
    assert deployed["seconds"] < LIMIT
    assert deployed["left_over"] == 0
    assert processes.with_variable("FLWR_HOME", starting_with=str(deployed["folder"])) == []


def test_each_node_has_noted_each_stage_that_it_answered_once(deployed):
    notes = {
        client: sorted(path.name.rsplit("-", 1)[1] for path in deployed["folder"].glob(f"journal-{client}/*"))
        for client in range(PLAN.nodes)
    }
    assert notes[0] == notes[2] == notes[3] == sorted(stage.name.lower() for stage in Stage)
    assert {"advertise_keys", "share_keys"} <= set(notes[KILLED])
    assert not {"consistency", "unmask"} & set(notes[KILLED])


def test_signing_keys_are_readable_by_their_owner_only(deployed):
    keys = list(deployed["folder"].glob("*.signing"))
    assert len(keys) == PLAN.nodes
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)
    roster = json.loads((deployed["folder"] / "roster.json").read_text())
    assert len(set(roster["keys"].values())) == PLAN.nodes


@pytest.mark.parametrize(
    "change",
    [{"threshold": 2}, {"threshold": 5}, {"kill_after": {4: Stage.UNMASK}}],
    ids=str,
)
def test_a_plan_that_cannot_work_is_refused(change):
    with pytest.raises(ValueError, match="more than half of the nodes"):
        SecurePlan(**change)


def test_the_staged_app_is_the_secure_one_with_the_settings_that_the_plan_sets(tmp_path):
    app = stage_app(tmp_path / "app", changes=SECURE_APP)
    settings = tomllib.loads((app / "pyproject.toml").read_text())["tool"]["flwr"]["app"]
    assert set(settings["components"].values()) == {
        "course.federated.secure_app:server_app",
        "course.federated.secure_app:client_app",
    }
    # Flower's `-c` can only change settings that are there.
    assert PLAN.run_config(tmp_path).keys() <= settings["config"].keys()
    with pytest.raises(DeploymentFailed, match="does not have 'no such line'"):
        stage_app(tmp_path / "other", changes={"no such line": ""})


def test_the_recorded_deployment_shows_a_killed_node_and_no_trace_of_the_machine():
    text = RECORD.read_text()
    recorded = json.loads(text)
    assert recorded["finished"] is True and recorded["left_over"] == 0
    assert recorded["rounds"][-1]["survivors"] == SURVIVORS
    assert [record["stage"] for record in recorded["stages"]] == [stage.name for stage in Stage]
    assert {"keys", "superlink", "online", "stage", "killed", "finished"} <= {
        each["event"] for each in recorded["events"]
    }
    for trace in (str(Path(__file__).parents[1]), str(Path.home()), os.uname().nodename, "/tmp", "/home"):
        assert trace not in text
