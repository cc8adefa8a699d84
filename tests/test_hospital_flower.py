"""The hospital case study as a Flower app, in one process: what it computes, pays, checks, and refuses."""

import json
import logging
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict
from flwr.clientapp import ClientApp

import course.hospital
from course.crypto import Stage
from course.crypto.keys import sign, signing_keypair
from course.crypto.masks import MODULUS
from course.federated.in_process_grid import InProcessGrid, run_in_process
from course.hospital import Hospitals, PrivacyBudget, private_server, simulate_hospitals
from course.hospital.admission import (
    Enrolled,
    UpdateRefused,
    admit,
    check_sum,
    check_update,
    largest_norm,
    update_statement,
)
from course.hospital.budget import Release, epsilon_of
from course.hospital.deploy import DeploymentPlan
from course.hospital.feature_bank import DIMENSIONS, NUM_FEATURES, look_at, public_scale
from course.hospital.fire_drill import FAULTS, POISON_NORMS, misbehaves
from course.hospital.flower_app import (
    as_the_run_says,
    check_own_update,
    client_app,
    hospital_of,
    masked_residues,
    server_app,
    signed_reply,
    train,
    update_of,
)
from course.hospital.flower_settings import RUN_CONFIG, plan_of, stage_hospital_app
from course.hospital.hospital_folder import BUDGET, HospitalHere, home_of, prepare_folders, read_roster
from course.hospital.patient_gradients import (
    STEPS_A_NORM,
    clipped_integers,
    patient_gradients,
    teaching_cells,
)
from course.hospital.private import PrivateHospital
from course.hospital.private_server import Server, TooFewHospitals
from course.hospital.stage import stage_simulation
from course.hospital.study import DELTA

NAMES = ["university", "city", "valley", "clinic"]
SIZES = {"university": 5, "city": 4, "valley": 3, "clinic": 3}
LIMIT, NOISE = 20.0, 3.2
NONCE = bytes(32)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A study of four small hospitals; a test that spends budgets takes a copy."""
    folder = tmp_path_factory.mktemp("study")
    prepare_folders(
        folder, simulate_hospitals(seed=5, patients=SIZES), epsilon_limit=LIMIT, noise_multiplier=NOISE
    )
    return folder


@pytest.fixture(scope="module", autouse=True)
def public_patients():
    """The server's simulated patients are the same in all tests, so they are made once."""
    once = private_server._nobodys_patients(settings(Path("unused")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private_server, "_nobodys_patients", lambda run: once)
        yield


@pytest.fixture
def study(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "study")


@pytest.fixture
def flower_log(caplog):
    logger = logging.getLogger("flwr")
    before, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, logger="flwr")
    yield caplog
    logger.propagate = before


def settings(study, **changes):
    small = {"folder": str(study), "results-file": str(study / "results.json"), "public-patients": 12}
    return RUN_CONFIG | small | {"num-server-rounds": 1, "wait": 0.0} | changes


def play(study, app=client_app, *, nodes=4, **changes):
    """Run it all here; returns what the server wrote down."""
    run_in_process(server_app, app, num_clients=nodes, run_config=settings(study, **changes))
    return json.loads((study / "results.json").read_text())


def with_faults(**faults):
    """The app with hospitals that misbehave: name → faults, round by round."""
    app = ClientApp(
        mods=[as_the_run_says, misbehaves(lambda context: faults.get(hospital_of(context).name, ()))]
    )
    app.train()(train)
    return app


def budget_of(study, name):
    return PrivacyBudget.open(home_of(study, name) / BUDGET)


def reasons(record):
    return {each["who"]: each["reason"] for each in record["excluded"]}


# What a run computes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("aggregation", ["clear", "secure"])
def test_a_run_is_dp_fedsgd_over_the_patients_in_the_folders(study, monkeypatch, aggregation):
    """Without noise and with every patient, the model is a clipped sum by hand, and one step."""
    monkeypatch.setattr(PrivateHospital, "draw", lambda self, plan: self.examples)
    monkeypatch.setattr("course.hospital.private.add_noise_share", lambda steps, **settings: steps)
    found = play(study, aggregation=aggregation, **{"num-server-rounds": 2, "learning-rate": 0.5})
    run = settings(study)
    public = simulate_hospitals(seed=int(run["public-seed"]), patients={"city": 6, "coast": 6})
    scale = public_scale([patient for patients in public.values() for patient in patients])
    weights, q, norm = torch.zeros(DIMENSIONS), run["sample-rate"], run["max-update-norm"]
    parts = [HospitalHere.at(home_of(study, name)).patients()[name] for name in NAMES]
    for _ in range(2):
        total = sum(
            clipped_integers(
                patient_gradients(weights, teaching_cells(look_at(part, scale), seed=0)), max_update_norm=norm
            ).sum(0)
            for part in parts
        )
        step = 0.5 * norm / (q * sum(SIZES.values()))
        weights = weights - step * torch.from_numpy(total / STEPS_A_NORM).float()
    # The model is the mean of the iterates of the last half of two rounds: the last one. The features come
    # from the same files by the same code, so only the order of float32 sums may differ.
    assert np.allclose(found["weights"], weights.numpy(), atol=1e-5) and weights.norm() > 0.1
    assert [record["counted"] for record in found["rounds"]] == [NAMES, NAMES]


def test_the_noise_of_the_sum_is_what_the_plan_needs_in_the_clear_and_in_a_secure_sum(study, monkeypatch):
    """41 coordinates and 8 rounds each: the standard error of a standard deviation from 328 numbers is
    1/√656 = 4 %, so that being off by 20 % by chance has a probability below 1e-6."""
    monkeypatch.setattr(PrivateHospital, "draw", lambda self, plan: self.examples.take(torch.arange(0)))
    one = simulate_hospitals(seed=5, patients={"city": 1})["city"]
    monkeypatch.setattr(
        HospitalHere, "patients", lambda self: Hospitals({self.name: one}, source="simulated")
    )
    sums = {"clear": [], "secure": []}
    for aggregation, totals in sums.items():
        run = settings(study, aggregation=aggregation)
        server = Server(InProcessGrid(client_app, 4, run_config=run), run)
        step = server._secure_sum if aggregation == "secure" else server._sum_in_the_clear
        totals += [step(index).total / STEPS_A_NORM for index in range(8)]
    clear, secure = (np.std(totals) for totals in sums.values())
    # In the clear each of the four has all the noise; in the sum 3 stay, and one of them knows its own share.
    assert clear / (NOISE * np.sqrt(4)) == pytest.approx(1, abs=0.2)
    assert secure / (NOISE * np.sqrt(4 / 2)) == pytest.approx(1, abs=0.2)


def test_each_hospital_draws_new_noise_in_each_round_and_at_each_request(study):
    grid = InProcessGrid(client_app, 4, run_config=settings(study))
    server = Server(grid, settings(study))
    first, second = (server._sum_in_the_clear(0).total for _ in range(2))
    assert (first != second).sum() > DIMENSIONS / 2
    assert [release.round_index for release in budget_of(study, "city").releases] == [0, 0]


# The accountant ---------------------------------------------------------------------------------------


def test_the_round_is_in_the_budget_before_the_update_is_made(study, monkeypatch):
    seen = []

    def fails(gradients, **settings):
        seen.append([len(budget_of(study, name).releases) for name in NAMES])
        raise OSError("the power fails")

    monkeypatch.setattr("course.hospital.private.clipped_integers", fails)
    found = play(study)
    assert [sum(each) for each in seen] == [1, 2, 3, 4]
    assert found["rounds"][0]["counted"] == []
    assert "the power fails" not in json.dumps(found), "the text of an exception may quote a patient"
    assert "its own log says why" in reasons(found["rounds"][0])["node 101"]


def test_the_accountant_goes_on_over_rounds_runs_and_both_ways_of_adding_up(study):
    play(study, **{"num-server-rounds": 2})
    after_two = budget_of(study, "city").epsilon
    play(study, aggregation="secure", **{"learning-rate": 1.0})
    budget = budget_of(study, "city")
    assert [release.round_index for release in budget.releases] == [0, 1, 0]
    assert 0 < after_two < budget.epsilon < LIMIT


def test_a_server_that_asks_for_too_little_noise_gets_nothing(study):
    found = play(study, **{"noise-multiplier": 0.2})
    assert found["rounds"][0]["counted"] == [] and set(found["weights"]) == {0.0}
    assert all(budget_of(study, name).releases == () for name in NAMES)
    why = reasons(found["rounds"][0])
    assert all("the limit is 20" in why[f"node {100 + client}"] for client in range(4))
    assert all(why[name] == "no update came with its signature" for name in NAMES)


def test_less_noise_that_fits_the_budget_is_charged_as_what_it_is(study):
    play(study, **{"noise-multiplier": 1.0})
    (release,) = budget_of(study, "city").releases
    assert release.noise_multiplier == 1.0
    usual = Release("a run", 0, NOISE, release.sample_rate)
    assert budget_of(study, "city").epsilon > 2 * epsilon_of((usual,), delta=DELTA)


@pytest.mark.parametrize("noise", [1.0, 100.0])
def test_the_noise_of_a_secure_sum_is_as_agreed_and_no_server_changes_it(study, noise):
    """Told 100 alone, a hospital would add a share of 100 and pay for 100; the others would add their 3.2."""
    found = play(study, aggregation="secure", **{"noise-multiplier": noise})
    assert found["rounds"][0]["counted"] == [] and "there is no sum" in found["rounds"][0]["problem"]
    assert all(budget_of(study, name).releases == () for name in NAMES)
    here = HospitalHere.at(home_of(study, "city"))
    context = InProcessGrid(client_app, 4, run_config=settings(study, aggregation="secure") | {
        "noise-multiplier": noise}).context_of(1)  # fmt: skip
    with pytest.raises(UpdateRefused, match=r"3\.2, as agreed"):
        update_of(here, None, context)


def test_the_default_run_costs_less_than_a_default_budget():
    """About ε = 3.4 over its 30 rounds, as `flower_settings` says."""
    release = Release("a run", 0, RUN_CONFIG["noise-multiplier"], RUN_CONFIG["sample-rate"])
    epsilon = epsilon_of((release,) * RUN_CONFIG["num-server-rounds"], delta=DELTA)
    assert 3.2 < epsilon < 3.5 < DeploymentPlan().epsilon_limit


def test_no_noise_is_no_private_run(study):
    with pytest.raises(ValueError, match="a private run needs noise"):
        play(study, **{"noise-multiplier": 0.0})


def test_a_hospital_without_its_budget_file_sends_nothing(study):
    (home_of(study, "clinic") / BUDGET).unlink()
    found = play(study)
    assert found["rounds"][0]["counted"] == NAMES[:3]
    assert "its own log says why" in reasons(found["rounds"][0])["node 103"]


# What the server checks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("nan", "not finite"), ("shape", r"shape \(40,\)"), ("type", "float32"), ("poison", "clipping norms")],
)
def test_in_the_clear_a_faulty_update_is_excluded_with_a_logged_reason(study, flower_log, fault, reason):
    found = play(study, with_faults(clinic=[fault]), **{"num-server-rounds": 2})
    first, second = found["rounds"]
    assert first["counted"] == NAMES[:3] and second["counted"] == NAMES
    assert list(reasons(first)) == ["clinic"] and first["problem"] == ""
    assert re.search(reason, reasons(first)["clinic"])
    warnings = [record.getMessage() for record in flower_log.records if record.levelno == logging.WARNING]
    assert any("round 0: clinic is excluded" in warning for warning in warnings)
    assert np.isfinite(found["weights"]).all()


@pytest.mark.parametrize("fault", ["nan", "shape", "type"])
def test_in_a_secure_sum_a_faulty_vector_never_gets_past_the_hospitals_own_protocol(study, fault):
    found = play(study, with_faults(clinic=[fault]), aggregation="secure")
    (record,) = found["rounds"]
    assert record["counted"] == NAMES[:3] and record["problem"] == ""
    assert "MASKED_INPUT" in reasons(record)["clinic"]


def test_in_a_secure_sum_a_poison_spoils_the_round_and_nobody_is_named(study, flower_log):
    found = play(study, with_faults(clinic=["poison"]), aggregation="secure", **{"num-server-rounds": 2})
    first, second = found["rounds"]
    assert first["counted"] == [] and first["excluded"] == []
    assert "nobody can know whose fault" in first["problem"] and "clinic" not in first["problem"]
    assert any("round 0 is thrown away" in record.getMessage() for record in flower_log.records)
    # The round cost every hospital its ε all the same, and the next one goes on.
    assert second["counted"] == NAMES
    assert [release.round_index for release in budget_of(study, "university").releases] == [0, 1]


@pytest.mark.parametrize("aggregation", ["clear", "secure"])
def test_a_poison_no_longer_than_an_honest_update_passes_and_that_is_the_limit(
    study, monkeypatch, aggregation
):
    monkeypatch.setitem(FAULTS, "short poison", lambda steps: steps + 2 * STEPS_A_NORM)
    found = play(study, with_faults(clinic=["short poison"]), aggregation=aggregation)
    assert found["rounds"][0]["counted"] == NAMES and found["rounds"][0]["problem"] == ""


def test_a_hospital_checks_itself_before_anything_leaves(study, monkeypatch):
    """A bug that forgets to clip: the hospital's own check stops what the server could not see in a sum."""
    monkeypatch.setattr(
        "course.hospital.private.clipped_integers",
        lambda gradients, **settings: np.full((len(gradients) + 1, DIMENSIONS), 99 * STEPS_A_NORM),
    )
    found = play(study, aggregation="secure")
    assert found["rounds"][0]["counted"] == []
    assert "there is no sum" in found["rounds"][0]["problem"]
    plan = plan_of(settings(study), name="run", num_patients=3)
    with pytest.raises(UpdateRefused, match="an honest one is at most"):
        check_own_update(np.full(DIMENSIONS, 99 * STEPS_A_NORM), plan, num_shares=1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays | {"weights": np.full(DIMENSIONS, np.nan, np.float32)},
        lambda arrays: arrays | {"weights": np.zeros(DIMENSIONS + 1, np.float32)},
        lambda arrays: arrays | {"weights": np.full(DIMENSIONS, 1e20, np.float32)},
        lambda arrays: arrays | {"std": np.zeros(NUM_FEATURES, np.float32)},
        lambda arrays: arrays | {"mean": np.full(NUM_FEATURES, -np.inf, np.float32)},
    ],
    ids=["NaN", "shape", "huge", "zero std", "infinite mean"],
)
def test_a_hospital_pays_nothing_for_a_model_that_it_cannot_train(study, spoil):
    """A NaN in the model would pass the clipping and become an update of any length."""
    arrays = spoil({"weights": np.zeros(DIMENSIONS, np.float32), "mean": np.zeros(NUM_FEATURES, np.float32),
                    "std": np.ones(NUM_FEATURES, np.float32)})  # fmt: skip
    content = RecordDict({
        "arrays": ArrayRecord({name: Array(array) for name, array in arrays.items()}),
        "config": ConfigRecord({"round-index": 0, "nonce": NONCE}),
    })  # fmt: skip
    grid = InProcessGrid(client_app, 4, run_config=settings(study))
    (reply,) = grid.send_and_receive([Message(content, dst_node_id=100, message_type="train")])
    assert reply.has_error() and "does not train" in reply.error.reason
    assert budget_of(study, "university").releases == ()


def test_the_largest_norm_is_above_honest_updates_and_not_far_above():
    """10,000 draws: an honest length above the limit has probability 1e-9 each."""
    rng = np.random.default_rng(3)
    honest = 5 + 3.0 * np.linalg.norm(rng.normal(size=(10_000, DIMENSIONS)), axis=1)
    longest = largest_norm(5, noise_multiplier=3.0, dimensions=DIMENSIONS)
    assert honest.max() < longest < 1.5 * honest.max()
    with pytest.raises(ValueError, match="-1 patients"):
        largest_norm(-1, noise_multiplier=3.0, dimensions=DIMENSIONS)


@pytest.mark.parametrize("length", [0.999, 1.001])
def test_the_limit_is_exact_and_does_not_overflow(length):
    longest = largest_norm(3, noise_multiplier=0.0, dimensions=1)
    steps = np.array([int(length * longest * STEPS_A_NORM)])
    if length < 1:
        check_update(steps, dimensions=1, longest=longest)
        return
    for too_long in (steps, np.array([np.iinfo(np.int64).min])):
        with pytest.raises(UpdateRefused, match="clipping norms"):
            check_update(too_long, dimensions=1, longest=longest)
        with pytest.raises(UpdateRefused, match="clipping norms"):
            check_sum(
                too_long, [Enrolled("a", 1, b""), Enrolled("b", 2, b"")], noise_multiplier=0, dimensions=1
            )


# Who is who -------------------------------------------------------------------------------------------


def replies_of(study, answer):
    """One reply a node to a message of round 0, made by `answer(message, here)`."""
    app = ClientApp()
    app.train()(lambda message, context: answer(message, hospital_of(context)))
    grid = InProcessGrid(app, 4, run_config=settings(study))
    content = RecordDict({"config": ConfigRecord({"round-index": 0, "nonce": NONCE})})
    return grid.send_and_receive(
        [Message(content, dst_node_id=node, message_type="train") for node in grid.get_node_ids()]
    )


def judged(study, replies, **changes):
    about = {
        "nonce": NONCE,
        "round_index": 0,
        "dimensions": 2,
        "noise_multiplier": 0.0,
        "known_nodes": {},
        "asked": {},
    }
    return admit(replies, read_roster(study), **(about | changes))


def honest(message, here):
    return signed_reply(Array(np.array([here.member.client_id, 1])), message, here.member)


def test_honest_replies_are_all_admitted_under_their_hospitals_ids(study):
    admitted, excluded = judged(study, replies_of(study, honest))
    assert {client: steps[0] for client, steps in admitted.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
    assert excluded == []


@pytest.mark.parametrize("changes", [{"nonce": bytes(31) + b"1"}, {"round_index": 1}], ids=str)
def test_an_update_of_another_round_is_refused(study, changes):
    admitted, excluded = judged(study, replies_of(study, honest), **changes)
    assert admitted == {}
    assert {each.reason for each in excluded} == {
        "the update is not signed by an enrolled hospital for this round",
        "no update came with its signature",
    }  # fmt: skip


def test_a_node_cannot_send_for_another_hospital_nor_change_what_was_signed(study):
    def answer(message, here):
        reply = honest(message, here)
        if here.name == "city":
            reply.content["signed-by"]["client-id"] = "0"
        if here.name == "valley":
            reply.content["update"]["steps"] = Array(np.array([2, 2]))
        if here.name == "clinic":
            array = reply.content["update"]["steps"]
            stranger = signing_keypair().private
            reply.content["signed-by"]["signature"] = sign(stranger, update_statement(NONCE, 3, 0, array))
        return reply

    admitted, excluded = judged(study, replies_of(study, answer))
    assert list(admitted) == [0]
    assert [each.who for each in excluded][:3] == ["node 101", "node 102", "node 103"]
    assert [each.who for each in excluded][3:] == NAMES[1:], "silent hospitals are named as well"


def test_an_error_of_the_superlink_for_a_node_that_is_gone_names_the_hospital(study):
    """For a node that died the SuperLink answers, as node 1, and only the message's id says for whom."""
    (asked, *_) = replies_of(study, honest)
    error = Message(Error(5, "Node Unavailable"), reply_to=_message_to(101))
    error.metadata.__dict__["_src_node_id"] = 1
    message_id = error.metadata.reply_to_message_id
    _, excluded = judged(study, [error, asked], asked={message_id: 101}, known_nodes={101: 1})
    assert [(each.who, each.reason) for each in excluded[:1]] == [
        ("city", "an error instead of an update (code 5): Node Unavailable")
    ]
    assert [each.who for each in excluded[1:]] == ["valley", "clinic"]


def _message_to(node):
    message = Message(RecordDict(), dst_node_id=node, message_type="train")
    message.metadata.__dict__["_message_id"] = "the message"
    return message


def test_a_second_node_of_one_hospital_does_not_count_twice(study):
    twice = [*replies_of(study, honest), *replies_of(study, honest)[:1]]
    admitted, excluded = judged(study, twice)
    assert len(admitted) == 4
    assert [(each.who, each.reason.split(";")[0]) for each in excluded] == [
        ("university", "a second update for the same round")
    ]


@pytest.mark.parametrize(
    "content",
    [{}, {"update": ArrayRecord()}, {"update": ArrayRecord({"steps": Array(np.zeros(2))})},
     {"update": ConfigRecord({"steps": 1}), "signed-by": ConfigRecord({"client-id": "x", "signature": b""})},
     {"update": ArrayRecord({"steps": Array(np.zeros(2))}), "signed-by": ConfigRecord({"client-id": "99"})}],
    ids=["nothing", "no steps", "unsigned", "other records", "unknown client"],
)  # fmt: skip
def test_a_reply_that_is_no_update_is_refused_and_not_a_crash(study, content):
    replies = replies_of(study, lambda message, here: Message(RecordDict(dict(content)), reply_to=message))
    admitted, excluded = judged(study, replies)
    assert admitted == {} and len(excluded) == 8


def test_bytes_that_are_no_array_are_refused_by_name(study):
    def answer(message, here):
        broken = Array(dtype="int64", shape=(2,), stype="numpy.ndarray", data=b"no array")
        return signed_reply(broken, message, here.member)

    admitted, excluded = judged(study, replies_of(study, answer))
    assert admitted == {}
    assert {(each.who, each.reason) for each in excluded} == {(n, "the update cannot be read") for n in NAMES}


# Hospitals that are away ------------------------------------------------------------------------------


def test_a_hospital_that_vanishes_from_a_secure_sum_is_named_with_the_stage(study):
    run = settings(study, aggregation="secure")
    grid = InProcessGrid(client_app, 4, run_config=run)
    server = Server(grid, run)
    grid.disconnect(2)
    server.play(0)
    (record,) = server.rounds
    assert record.counted == ("university", "city", "clinic")
    assert [(each.who, each.reason) for each in record.excluded] == [
        ("valley", "no node proved to be this hospital")
    ]


def test_a_secure_round_below_the_threshold_moves_nothing_and_says_so(study):
    run = settings(study, aggregation="secure")
    grid = InProcessGrid(client_app, 4, run_config=run)
    server = Server(grid, run)
    grid.disconnect(2)
    grid.disconnect(3)
    server.play(0)
    (record,) = server.rounds
    assert record.counted == () and "there is no sum" in record.problem
    assert torch.equal(server.weights, torch.zeros(DIMENSIONS))


def test_a_run_with_too_few_hospitals_ends_and_says_why(study):
    with pytest.raises(TooFewHospitals, match="1 nodes"):
        play(study, client_app, nodes=1, **{"min-hospitals": 2})
    assert "TooFewHospitals" in json.loads((study / "results.json").read_text())["failed"]


# Folders and settings ---------------------------------------------------------------------------------


def test_a_hospitals_folder_gives_its_own_patients_back(study):
    here = HospitalHere.at(home_of(study, "valley"))
    assert (here.name, here.member.client_id) == ("valley", 2)
    found = here.patients()
    assert list(found) == ["valley"] and len(found["valley"]) == SIZES["valley"] and found.left_out == ()


def test_folders_and_keys_are_readable_by_their_owner_only(prepared):
    for name in NAMES:
        assert home_of(prepared, name).stat().st_mode & 0o077 == 0
        assert (home_of(prepared, name) / "signing.key").stat().st_mode & 0o077 == 0


def test_a_broken_scan_is_left_out_and_named_in_the_hospitals_own_log_only(study, flower_log):
    scan = sorted((home_of(study, "valley") / "scans" / "valley").glob("*/scan.nii.gz"))[0]
    scan.write_bytes(b"no scan")
    found = play(study)
    said = [record.getMessage() for record in flower_log.records]
    assert any(f"the scan of {scan.parent.name} is left out" in line for line in said)
    assert "valley: 2 patients, 1 scans left out" in said
    assert found["rounds"][0]["counted"] == NAMES and scan.parent.name not in json.dumps(found)


def test_a_hospital_without_a_usable_scan_says_so_and_pays_nothing(study):
    for scan in (home_of(study, "valley") / "scans" / "valley").glob("*/scan.nii.gz"):
        scan.write_bytes(b"no scan")
    found = play(study)
    assert "valley has no usable scan" in reasons(found["rounds"][0])["node 102"]
    assert budget_of(study, "valley").releases == ()


def test_prepared_folders_are_not_made_again(prepared):
    with pytest.raises(FileExistsError):
        prepare_folders(
            prepared, simulate_hospitals(seed=5, patients=SIZES), epsilon_limit=LIMIT, noise_multiplier=NOISE
        )
    with pytest.raises(ValueError, match="two hospitals"):
        prepare_folders(prepared, Hospitals({}, source="none"), epsilon_limit=1.0, noise_multiplier=NOISE)


def test_a_node_that_was_told_no_folder_does_not_guess(study):
    grid = InProcessGrid(client_app, 3, run_config=settings(study))
    with pytest.raises(ValueError, match="4 hospitals, and the simulation 3"):
        hospital_of(grid.context_of(0))
    context = InProcessGrid(client_app, 1, run_config=settings(study) | {"folder": ""}).context_of(0)
    with pytest.raises(ValueError, match="lacks hospital-dir"):
        hospital_of(context)


def test_residues_are_the_integers_modulo_the_protocols_modulus(study):
    (reply, *_) = replies_of(
        study, lambda message, here: signed_reply(Array(np.array([-1, 5])), message, here.member)
    )
    assert masked_residues(reply, None).tolist() == [MODULUS - 1, 5]


def test_the_staged_app_is_the_case_study_with_every_setting(tmp_path):
    app = stage_hospital_app(tmp_path / "app", module="fire_drill", noise_multiplier=2.5, folder="/data/x")
    project = tomllib.loads((app / "pyproject.toml").read_text())
    flower = project["tool"]["flwr"]["app"]
    assert set(flower["components"].values()) == {
        "course.hospital.fire_drill:server_app", "course.hospital.fire_drill:client_app",
    }  # fmt: skip
    assert flower["config"] == RUN_CONFIG | {"noise-multiplier": 2.5, "folder": "/data/x"}
    assert "pytest" in project["tool"], "what follows the settings is kept"
    assert (app / "course" / "hospital" / "flower_app.py").exists()
    with pytest.raises(ValueError, match="no settings \\['nosie'\\]"):
        stage_hospital_app(tmp_path / "other", nosie=1)
    with pytest.raises(ValueError, match="aggregation is 'open'"):
        as_the_run_says(
            None, InProcessGrid(client_app, 1, run_config={"aggregation": "open"}).context_of(0), None
        )


def test_the_drill_names_what_it_does():
    assert set(FAULTS) >= {"honest", "nan", "shape", "poison"} and POISON_NORMS > 100
    assert [stage.name for stage in Stage][2] == "MASKED_INPUT"


def test_what_is_staged_for_a_simulation_is_a_node_a_hospital_and_settings_that_find_them(tmp_path):
    hospitals = simulate_hospitals(seed=5, patients={"city": 2, "clinic": 1, "hill": 2})
    command = stage_simulation(tmp_path, hospitals, aggregation="secure", num_server_rounds=1)
    flower = tomllib.loads((tmp_path / "flower" / "config.toml").read_text())["superlink"]
    assert flower[flower["default"]] == {"address": ":local:", "options": {"num-supernodes": 3}}
    assert command.startswith("cd ") and command.endswith("flwr run . --stream")
    run = tomllib.loads((tmp_path / "app" / "pyproject.toml").read_text())["tool"]["flwr"]["app"]["config"]
    # The same apps and the very settings that Flower will read, here without Ray.
    run_in_process(server_app, client_app, num_clients=3, run_config=run)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["finished"] and found["rounds"][0]["counted"] == ["city", "clinic", "hill"]


def test_the_apps_are_exported_by_the_case_study():
    assert course.hospital.client_app is client_app and course.hospital.server_app is server_app
