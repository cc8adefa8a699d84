"""Secure aggregation over Flower messages in one process: the same sums, dropouts and refusals."""

import copy
import json
from itertools import product

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg
from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import close, small_model, some_examples

from course.crypto import ProtocolViolation, Server, Stage, Terms, ThresholdNotMet
from course.crypto.keys import signing_keypair
from course.crypto.ring_fixed_point import RingFixedPoint
from course.crypto.sa_client import Client
from course.crypto.sa_snapshot import restore, snapshot
from course.federated import InProcessGrid
from course.federated.enrolment import (
    Membership,
    enrol,
    membership_of_node,
    read_signing_key,
    read_terms,
    write_enrolment,
)
from course.federated.flower_clients import flower_clients
from course.federated.secure_flower import SecureFedAvg, fedavg_row, find_clients, secure_round
from course.federated.secure_flower_clients import RECORD, secure_client_app, secure_mod

LENGTH = 6
STAGES = list(Stage)


def client_of(context):
    return context.node_config["partition-id"]


def federation(members, vectors, **options):
    """A grid whose node k is the k-th member, with the k-th vector."""
    order = sorted(members)

    def vector(message, context):
        return vectors[order[client_of(context)]]

    app = secure_client_app(lambda context: members[order[client_of(context)]], vector)
    return InProcessGrid(app, len(order), **options)


def cohort(ids=(3, 20, 77, 300, 4000), *, threshold=None, seed=0, modulus=2**32):
    """Memberships and random vectors, both by client id."""
    rng = np.random.default_rng(seed)
    members = enrol(ids, threshold=threshold or len(ids) // 2 + 1, length=LENGTH, modulus=modulus)
    return members, {i: rng.integers(modulus, size=LENGTH, dtype=np.uint64) for i in ids}


def exact_sum(vectors, survivors, modulus=2**32):
    return [sum(int(vectors[i][entry]) for i in survivors) % modulus for entry in range(LENGTH)]


def run(grid, members, *, vanish=None, **options):
    """A secure round in which client `i` vanishes right before the stage `vanish[i]`."""
    order, terms, vanish = sorted(members), next(iter(members.values())).terms, vanish or {}
    nodes = find_clients(grid, terms=terms)

    def power_cuts(before):
        for client_id, stage in vanish.items():
            if stage == before:
                grid.disconnect(order.index(client_id))

    power_cuts(Stage.ADVERTISE_KEYS)
    return secure_round(
        grid, nodes, terms=terms, after_stage=lambda stage, replied: power_cuts(stage + 1), **options
    )


# The sum ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modulus", [2**16, 2**32, 2**64])
def test_the_sum_over_flower_is_exact(modulus):
    members, vectors = cohort(modulus=modulus)
    found = run(federation(members, vectors, raise_errors=True), members)
    assert found.total.tolist() == exact_sum(vectors, members, modulus)
    assert found.survivors == (3, 20, 77, 300, 4000)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_nodes_that_vanish_before_a_stage_leave_the_exact_sum_of_the_others(stage):
    members, vectors = cohort()
    found = run(federation(members, vectors), members, vanish={20: stage, 4000: stage})
    # Who has sent its masked input is in the sum.
    left = [i for i in members if stage > Stage.MASKED_INPUT or i not in (20, 4000)]
    assert found.survivors == tuple(left)
    assert found.total.tolist() == exact_sum(vectors, left)
    assert set(found.traffic[20]) == set(STAGES[:stage])


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_one_node_too_many_gone_at_a_stage_and_there_is_no_sum(stage):
    members, vectors = cohort()
    with pytest.raises(ThresholdNotMet, match=f"2 of 5 clients replied to {stage.name}"):
        run(federation(members, vectors), members, vanish=dict.fromkeys((3, 77, 300), stage))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    num_clients=st.integers(2, 7),
)
def test_any_schedule_of_dropouts_gives_the_exact_sum_or_none(data, num_clients):
    threshold = data.draw(st.integers(num_clients // 2 + 1, num_clients))
    vanish = data.draw(st.dictionaries(st.integers(0, num_clients - 1), st.sampled_from(STAGES)))
    members, vectors = cohort(range(num_clients), threshold=threshold, seed=num_clients)
    left = [i for i in members if vanish.get(i, Stage.UNMASK) > Stage.MASKED_INPUT]
    if num_clients - len(vanish) < threshold:
        with pytest.raises(ThresholdNotMet):
            run(federation(members, vectors), members, vanish=vanish)
        return
    found = run(federation(members, vectors), members, vanish=vanish)
    assert found.survivors == tuple(left)
    assert found.total.tolist() == exact_sum(vectors, left)


def test_the_sum_is_exact_on_a_sparse_graph_of_neighbours_too():
    members = enrol(range(9), threshold=3, length=LENGTH, degree=4, graph_seed=bytes(32))
    vectors = dict(enumerate(np.random.default_rng(2).integers(2**32, size=(9, LENGTH), dtype=np.uint64)))
    found = run(federation(members, vectors), members, vanish={2: Stage.MASKED_INPUT})
    assert found.survivors == (0, 1, 3, 4, 5, 6, 7, 8)
    assert found.total.tolist() == exact_sum(vectors, found.survivors)


def test_a_client_whose_vector_fails_drops_out_and_the_round_goes_on():
    members, vectors = cohort()
    del vectors[77]
    assert run(federation(members, vectors), members).survivors == (3, 20, 300, 4000)


@pytest.mark.parametrize("vector", [[31337, -1, 2], [31337, 2**40, 1], [31337]], ids=str)
def test_an_error_tells_the_server_nothing_of_the_vector(vector):
    members = enrol(range(3), threshold=2, length=3)

    def raising(message, context):
        raise ValueError("my largest entry is 31337")

    for make in (lambda message, context: vector, raising):
        app = secure_client_app(lambda context: members[client_of(context)], make)
        grid, server = InProcessGrid(app, 3), Server(terms=members[0].terms)
        for _ in (Stage.ADVERTISE_KEYS, Stage.SHARE_KEYS):
            for reply in ask_all(grid, server.requests()):
                server.receive(reply.content[RECORD]["reply"])
            server.advance()
        for reply in ask_all(grid, server.requests()):
            assert reply.has_error() and "its own log says why" in reply.error.reason
            assert "31337" not in reply.error.reason and "-1" not in reply.error.reason


def test_the_vector_is_asked_for_once_a_round_with_what_the_server_sent_along():
    members, asked = enrol(range(3), threshold=2, length=2), []

    def vector(message, context):
        asked.append((client_of(context), message.content["config"]["factor"]))
        return [1, message.content["config"]["factor"]]

    grid = InProcessGrid(secure_client_app(lambda context: members[client_of(context)], vector), 3)
    for factor in (5, 7):
        content = RecordDict({"config": ConfigRecord({"factor": factor})})
        assert run(grid, members, content=content).total.tolist() == [3, 3 * factor]
    assert asked == [(client, factor) for factor, client in product((5, 7), range(3))]


def test_between_two_messages_a_node_keeps_neither_vector_nor_signing_key_and_afterwards_nothing():
    members = enrol(range(3), threshold=2, length=3)
    secret = np.array([0x5EC2E701, 0x5EC2E702, 0x5EC2E703], dtype="<u4")
    grid = federation(members, dict.fromkeys(members, secret))
    seen = []

    def look(stage, replied):
        state = grid.context_of(1).state
        seen.append(bytes(state[RECORD]["client"]) if RECORD in state else b"")

    secure_round(grid, find_clients(grid, terms=members[0].terms), terms=members[0].terms, after_stage=look)
    assert all(seen[:4]) and seen[4] == b""
    for kept in seen:
        assert members[1].signing_key.hex().encode() not in kept
        assert secret.tobytes().hex().encode() not in kept and str(0x5EC2E701).encode() not in kept


# Flower's view: mod and strategy ------------------------------------------------------------------------

TRAINING = {"seed": 1, "learning_rate": 0.5, "batch_size": 4}
FIXED_POINT = RingFixedPoint(fraction_bits=16, modulus=2**32)


def secure_training(examples, *, threshold=None, mods=()):
    """A ClientApp that trains as ever, behind the mod; and its terms."""
    model = small_model()
    length = sum(parameter.numel() for parameter in model.parameters()) + 1
    members = enrol(range(len(examples)), threshold=threshold or len(examples) // 2 + 1, length=length)

    def row(reply, context):
        return fedavg_row(reply, num_clients=len(examples), fixed_point=FIXED_POINT)

    mod = secure_mod(lambda context: members[client_of(context)], row)
    return flower_clients(examples, model=model, mods=[*mods, mod], **TRAINING), members[0].terms


def plain_training(examples, rounds):
    app = flower_clients(examples, model=small_model(), **TRAINING)
    grid = InProcessGrid(app, len(examples), raise_errors=True)
    strategy = FedAvg(fraction_evaluate=0.0)
    return strategy.start(grid, ArrayRecord(small_model().state_dict()), num_rounds=rounds)


def test_secure_fedavg_reaches_the_model_of_flowers_fedavg_up_to_the_fixed_point_step():
    examples = [some_examples(8 + 4 * k, seed=k) for k in range(4)]
    app, terms = secure_training(examples)
    strategy = SecureFedAvg(terms=terms, fixed_point=FIXED_POINT)
    start = ArrayRecord(small_model().state_dict())
    ours = strategy.start(InProcessGrid(app, 4, raise_errors=True), start, num_rounds=1)
    plain = plain_training(examples, 1).arrays.to_torch_state_dict()
    # Half a step a client, weighted by nothing and divided by all examples; and the float32 of the models.
    tolerance = 4 * FIXED_POINT.step / 2 / sum(len(each) for each in examples) + 2e-7
    weights = ours.arrays.to_torch_state_dict()
    assert max((weights[name] - plain[name]).abs().max() for name in plain) <= tolerance
    assert ours.train_metrics_clientapp[1]["num-examples"] == sum(len(each) for each in examples)
    assert not close(weights, small_model().state_dict(), 1e-3)


def test_several_rounds_stay_close_and_each_is_a_sum_of_its_own():
    examples = [some_examples(10, seed=k) for k in range(3)]
    app, terms = secure_training(examples)
    strategy = SecureFedAvg(terms=terms, fixed_point=FIXED_POINT)
    start = ArrayRecord(small_model().state_dict())
    ours = strategy.start(InProcessGrid(app, 3, raise_errors=True), start, num_rounds=3)
    plain = plain_training(examples, 3)
    assert close(ours.arrays.to_torch_state_dict(), plain.arrays.to_torch_state_dict(), 1e-3)
    assert [found.survivors for found in strategy.sums] == [(0, 1, 2)] * 3


def test_secure_fedavg_averages_the_survivors_when_a_node_vanishes_between_two_stages():
    examples = [some_examples(8 + 4 * k, seed=k) for k in range(4)]
    app, terms = secure_training(examples)
    grid = InProcessGrid(app, 4)

    def cut(stage, replied):
        if stage is Stage.SHARE_KEYS:
            grid.disconnect(2)

    strategy = SecureFedAvg(terms=terms, fixed_point=FIXED_POINT, after_stage=cut)
    ours = strategy.start(grid, ArrayRecord(small_model().state_dict()), num_rounds=1)
    assert strategy.sums[0].survivors == (0, 1, 3)
    # The shuffles depend on a client's number, so the plain run asks the same three of the same four.
    plain_grid = InProcessGrid(flower_clients(examples, model=small_model(), **TRAINING), 4)
    plain_grid.disconnect(2)
    strategy = FedAvg(fraction_evaluate=0.0)
    plain = strategy.start(plain_grid, ArrayRecord(small_model().state_dict()), num_rounds=1)
    assert close(ours.arrays.to_torch_state_dict(), plain.arrays.to_torch_state_dict(), 1e-4)


def test_secure_fedavg_raises_when_too_many_nodes_vanish():
    examples = [some_examples(8, seed=k) for k in range(3)]
    app, terms = secure_training(examples)
    grid = InProcessGrid(app, 3)
    grid.disconnect(0)
    grid.disconnect(1)
    with pytest.raises(ThresholdNotMet):
        SecureFedAvg(terms=terms).start(grid, ArrayRecord(small_model().state_dict()), num_rounds=1)


def test_a_model_that_does_not_fit_the_terms_is_refused():
    terms = enrol(range(3), threshold=2, length=5)[0].terms
    with pytest.raises(ValueError, match="it must have 4"):
        SecureFedAvg(terms=terms).start(
            InProcessGrid(ClientApp(), 3), ArrayRecord(small_model().state_dict()), num_rounds=1
        )


def test_the_server_sees_no_model_and_no_metric_of_a_client():
    examples, seen = [some_examples(8, seed=k) for k in range(3)], []

    def wiretap(message, context, call_next):
        reply = call_next(message, context)
        seen.append(reply.content)
        return reply

    app, terms = secure_training(examples, mods=[wiretap])
    SecureFedAvg(terms=terms).start(
        InProcessGrid(app, 3, raise_errors=True), ArrayRecord(small_model().state_dict()), num_rounds=1
    )
    assert len(seen) == 3 * (1 + len(STAGES))
    assert {tuple(content) for content in seen} == {(RECORD,)}
    assert {key for content in seen for key in content[RECORD]} == {"client-id", "signature", "reply"}


@pytest.mark.parametrize("message_type", ["train", "evaluate"])
def test_a_plain_message_is_refused_because_its_answer_would_be_in_the_clear(message_type):
    app, _ = secure_training([some_examples(8)] * 2)
    grid = InProcessGrid(app, 2)
    content = RecordDict({"arrays": ArrayRecord(small_model().state_dict()), "config": ConfigRecord()})
    (reply,) = grid.send_and_receive([Message(content, dst_node_id=100, message_type=message_type)])
    assert reply.has_error() and "secure sums only" in reply.error.reason


# A server that lies, replies that are wrong -----------------------------------------------------------


class Lying(InProcessGrid):
    """A grid whose server side changes messages on their way: `lie(content) -> content`, or None for none."""

    def __init__(self, *arguments, lie=None, answer=None, **options):
        super().__init__(*arguments, **options)
        self.lie, self.answer = lie, answer

    def send_and_receive(self, messages, *, timeout=None):
        replies = super().send_and_receive(
            [self._changed(message, self.lie) for message in messages], timeout=timeout
        )
        return [self._changed(reply, self.answer) for reply in replies]

    def _changed(self, message, change):
        if change is not None and not message.has_error():
            message.content = change(copy.deepcopy(message.content))
        return message


def test_a_request_sent_twice_ends_the_session_at_the_client():
    members, vectors = cohort((0, 1, 2))
    grid = federation(members, vectors)
    terms = members[0].terms
    server = Server(terms=terms)
    for stage in (Stage.ADVERTISE_KEYS, Stage.SHARE_KEYS, Stage.MASKED_INPUT):
        requests = server.requests()
        for reply in ask_all(grid, requests):
            server.receive(reply.content[RECORD]["reply"])
        server.advance()
        if stage is Stage.MASKED_INPUT:
            break
    (again,) = ask_all(grid, {0: requests[0]})
    assert again.has_error() and "CONSISTENCY is due" in again.error.reason
    (after,) = ask_all(grid, {0: server.requests()[0]})
    assert after.has_error() and "no session is under way" in after.error.reason


def ask_all(grid, requests):
    return grid.send_and_receive(
        [
            Message(RecordDict({RECORD: ConfigRecord({"request": data})}), 100 + client, "train")
            for client, data in requests.items()
        ]
    )


def test_the_journal_refuses_a_second_process_of_the_same_client_that_answers_the_same_stage(tmp_path):
    # Flower hands two messages at a time two copies of one state: the fork that gives both shares away.
    members, vectors = cohort((0, 1, 2))
    terms = members[0].terms
    members = {i: Membership(i, each.signing_key, terms, tmp_path / "journal") for i, each in members.items()}
    grid = federation(members, vectors)
    server = Server(terms=terms)
    for _ in STAGES[:3]:
        for reply in ask_all(grid, server.requests()):
            server.receive(reply.content[RECORD]["reply"])
        server.advance()
    assert server.stage is Stage.CONSISTENCY
    before, twin = copy.deepcopy(grid._contexts[100]), grid._contexts
    (first,) = ask_all(grid, {0: server.requests()[0]})
    assert not first.has_error()
    twin[100] = before
    (second,) = ask_all(grid, {0: server.requests()[0]})
    assert second.has_error() and "has answered CONSISTENCY" in second.error.reason


def test_without_a_journal_the_same_fork_signs_twice():
    # The control of the test above: it is the journal that refuses, nothing else.
    members, vectors = cohort((0, 1, 2))
    grid = federation(members, vectors)
    server = Server(terms=members[0].terms)
    for reply in ask_all(grid, server.requests()):
        server.receive(reply.content[RECORD]["reply"])
    server.advance()
    before = copy.deepcopy(grid._contexts[100])
    for _ in range(2):
        grid._contexts[100] = copy.deepcopy(before)
        (reply,) = ask_all(grid, {0: server.requests()[0]})
        assert not reply.has_error()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"request": b""},
        {"request": b"LWL1"},
        {"request": "text"},
        {"hello": b"short"},
        {"hello": 7},
    ],
    ids=str,
)
def test_what_is_no_message_of_the_protocol_is_refused(content):
    members, vectors = cohort((0, 1, 2))
    grid = federation(members, vectors)
    (reply,) = grid.send_and_receive([Message(RecordDict({RECORD: ConfigRecord(content)}), 100, "train")])
    assert reply.has_error() and reply.error.reason.startswith("ProtocolViolation")


@pytest.mark.parametrize(
    "answer",
    [
        lambda content: RecordDict(),
        lambda content: RecordDict({RECORD: MetricRecord({"reply": 3})}),
        lambda content: RecordDict({RECORD: ConfigRecord({"reply": b"nothing"})}),
        lambda content: RecordDict({RECORD: ConfigRecord({"reply": "text"})}),
    ],
)
def test_replies_that_make_no_sense_count_as_none(answer):
    members, vectors = cohort()
    grid = federation(members, vectors)
    nodes = find_clients(grid, terms=members[3].terms)
    grid.send_and_receive = lambda messages, timeout=None: [
        Lying._changed(None, reply, answer if reply.metadata.src_node_id == 101 else None)
        for reply in InProcessGrid.send_and_receive(grid, messages)
    ]
    found = secure_round(grid, nodes, terms=members[3].terms)
    assert found.survivors == (3, 77, 300, 4000)
    assert found.total.tolist() == exact_sum(vectors, found.survivors)


def test_a_request_changed_on_its_way_stops_the_clients_and_gives_no_sum():
    members, vectors = cohort()
    order = sorted(members)

    def flip(content):
        request = content[RECORD].get("request")
        if request is not None and request[4] == Stage.CONSISTENCY:
            content[RECORD]["request"] = request[:-1] + bytes([request[-1] ^ 1])
        return content

    app = secure_client_app(lambda context: members[order[client_of(context)]], lambda m, c: vectors[3])
    grid = Lying(app, 5, lie=flip)
    with pytest.raises(ThresholdNotMet, match="0 of 5 clients replied to CONSISTENCY"):
        secure_round(grid, find_clients(grid, terms=members[3].terms), terms=members[3].terms)


def test_only_enrolled_clients_that_sign_are_found():
    members, vectors = cohort((0, 1, 2))
    stranger = enrol([0, 1, 2], threshold=2, length=LENGTH)
    grid = federation(members | {1: stranger[1]}, vectors)
    assert find_clients(grid, terms=members[0].terms) == {0: 100, 2: 102}

    def other_id(content):
        content[RECORD]["client-id"] = "1"
        return content

    app = secure_client_app(lambda context: members[client_of(context)], lambda m, c: vectors[0])
    assert find_clients(Lying(app, 1, answer=other_id), terms=members[0].terms) == {}


# Snapshots --------------------------------------------------------------------------------------------


def session_of(ids=(1, 2, 3)):
    members, vectors = cohort(ids)
    terms = members[ids[0]].terms
    clients = {i: Client(i, vectors[i], signing_key=members[i].signing_key, terms=terms) for i in ids}
    return members, vectors, clients, Server(terms=terms)


def thawed(client, member, vector):
    return restore(
        snapshot(client), member.client_id,
        signing_key=member.signing_key, terms=member.terms, vector=lambda: vector,
    )  # fmt: skip


def test_a_client_restored_between_all_stages_gives_the_exact_sum():
    members, vectors, clients, server = session_of()
    while server.stage is not None:
        for client_id, request in server.requests().items():
            clients[client_id] = thawed(clients[client_id], members[client_id], vectors[client_id])
            server.receive(clients[client_id].respond(request))
        server.advance()
    assert server.total.tolist() == exact_sum(vectors, vectors)


def test_a_restored_client_is_the_same_in_all_that_it_remembers():
    members, vectors, clients, server = session_of()
    for _ in range(3):
        for client_id, request in server.requests().items():
            server.receive(clients[client_id].respond(request))
        server.advance()
    again = thawed(clients[1], members[1], vectors[1])
    for name in vars(clients[1]).keys() - {"_vector", "terms"}:
        assert vars(again)[name] == vars(clients[1])[name], name
        assert type(vars(again)[name]) is type(vars(clients[1])[name])


def test_a_snapshot_serves_its_own_client_under_its_own_terms_only():
    members, _, clients, _ = session_of()
    other = enrol((1, 2, 3), threshold=2, length=LENGTH)[1]
    data = snapshot(clients[1])
    for client_id, member in ((2, members[2]), (1, other)):
        with pytest.raises(ValueError, match="under other terms"):
            restore(data, client_id, signing_key=member.signing_key, terms=member.terms, vector=list)
    for damaged in (b"", b"[]", b"{}", data[:-1], data.replace(b"_awaited", b"_waits"), b"\xff"):
        with pytest.raises(ValueError, match="no snapshot"):
            restore(damaged, 1, signing_key=members[1].signing_key, terms=members[1].terms, vector=list)
    smuggled = json.loads(data)
    smuggled["state"]["_signing_key"] = ["bytes", "00" * 32]
    with pytest.raises(ValueError, match="under other terms"):
        restore(
            json.dumps(smuggled).encode(), 1,
            signing_key=members[1].signing_key, terms=members[1].terms, vector=list,
        )  # fmt: skip


def test_a_client_that_has_ended_leaves_no_snapshot_and_unknown_things_are_not_saved():
    _, _, clients, _ = session_of()
    clients[2]._strange = object()
    with pytest.raises(TypeError, match="cannot hold a object"):
        snapshot(clients[2])
    with pytest.raises(ProtocolViolation):
        clients[1].respond(b"")
    with pytest.raises(ProtocolViolation, match="has ended"):
        snapshot(clients[1])


# Enrolment --------------------------------------------------------------------------------------------


def context_with(**node_config):
    return Context(1, 5, node_config, RecordDict(), {})


def test_a_node_finds_its_membership_in_its_own_files(tmp_path):
    write_enrolment(tmp_path, [4, 9, 11], threshold=2)
    paths = {"roster": str(tmp_path / "roster.json"), "journal": str(tmp_path / "j")}
    context = context_with(**{"client-id": 9, "signing-key": str(tmp_path / "client-9.signing")}, **paths)
    member = membership_of_node(context, length=3)
    assert member.client_id == 9 and tuple(member.terms.verification_keys) == (4, 9, 11)
    assert (member.terms.threshold, member.terms.length) == (2, 3)
    assert member.journal == tmp_path / "j"
    assert (tmp_path / "client-9.signing").stat().st_mode & 0o077 == 0
    assert repr(member).count("signing_key") == 0
    for node_config in ({}, {"client-id": 4, "signing-key": str(tmp_path / "client-9.signing"), **paths}):
        with pytest.raises(ValueError, match=r"lacks|not enrolled with this signing key"):
            membership_of_node(context_with(**node_config), length=3)


def test_files_that_are_no_roster_or_no_key_are_refused(tmp_path):
    bad = tmp_path / "bad"
    for text in ("", "[]", '{"threshold": 2}', '{"threshold": 2, "keys": {"x": "00"}}'):
        bad.write_text(text)
        with pytest.raises(ValueError, match="no roster"):
            read_terms(bad, length=3)
    with pytest.raises(ValueError, match="no unencrypted private key"):
        read_signing_key(bad)


def test_membership_needs_the_key_that_is_enrolled():
    keys = {i: signing_keypair() for i in (1, 2)}
    terms = Terms({i: pair.public for i, pair in keys.items()}, 2, 3)
    assert Membership(1, keys[1].private, terms).client_id == 1
    for client_id, private in ((1, keys[2].private), (7, keys[1].private)):
        with pytest.raises(ValueError, match="not enrolled with this signing key"):
            Membership(client_id, private, terms)
