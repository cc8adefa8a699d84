"""`InProcessGrid` is a grid that Flower's own strategies cannot tell from a network."""

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from course.federated.in_process_grid import CLIENT_RAISED, InProcessGrid


def echo_app() -> ClientApp:
    app = ClientApp()

    @app.query()
    def query(message, context):
        return Message(message.content, reply_to=message)

    return app


def ask(node_id: int, **config) -> Message:
    return Message(RecordDict({"config": ConfigRecord(config)}), dst_node_id=node_id, message_type="query")


def test_smoke_the_private_names_of_flower_are_where_the_grid_expects_them():
    # If this fails after an update of Flower, `in_process_grid.py` is the one module to repair.
    InProcessGrid(echo_app(), 1)
    assert (TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id) == (1, 1, 1)
    message = ask(100)
    assert message.metadata.message_id == ""
    message.metadata.__dict__["_message_id"] = "seven"
    assert message.metadata.message_id == "seven"
    assert Message(message.content, reply_to=message).metadata.reply_to_message_id == "seven"
    assert Run.create_empty(3).run_id == 3


def test_grid_implements_all_that_flowers_grid_asks_for():
    assert Grid.__abstractmethods__ <= set(vars(InProcessGrid))
    grid = InProcessGrid(echo_app(), 2)
    assert isinstance(grid, Grid)
    assert [node.node_id for node in grid.get_nodes()] == grid.get_node_ids() == [100, 101]
    assert grid.run.run_id == 1
    grid.set_run(Run.create_empty(9))
    assert grid.run.run_id == 9
    created = grid.create_message(RecordDict(), "query", 101, "round 1", ttl=5.0)
    assert (created.metadata.dst_node_id, created.metadata.group_id, created.metadata.ttl) == (
        101,
        "round 1",
        5.0,
    )


def test_each_node_is_told_its_partition_and_the_settings():
    grid = InProcessGrid(echo_app(), 3, node_config={"data-dir": "here"}, run_config={"seed": 4})
    for client in range(3):
        context = grid.context_of(client)
        assert context.node_config == {"data-dir": "here", "partition-id": client, "num-partitions": 3}
        assert context.run_config == {"seed": 4}


def test_replies_come_back_sorted_by_client_whatever_the_order_of_the_questions():
    grid = InProcessGrid(echo_app(), 3)
    replies = grid.send_and_receive([ask(102, n=2), ask(100, n=0), ask(101, n=1)])
    assert [reply.metadata.src_node_id for reply in replies] == [100, 101, 102]
    assert [reply.content["config"]["n"] for reply in replies] == [0, 1, 2]


def test_pushed_messages_are_answered_once_under_their_own_id():
    grid = InProcessGrid(echo_app(), 2)
    first, second = grid.push_messages([ask(101, n=1), ask(100, n=0)])
    (reply,) = grid.pull_messages([second])
    assert reply.content["config"]["n"] == 0
    assert reply.metadata.reply_to_message_id == second
    assert grid.pull_messages([second]) == []
    assert [reply.metadata.reply_to_message_id for reply in grid.pull_messages([first, second])] == [first]


def test_client_that_raises_becomes_an_error_reply_and_the_others_still_answer():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        if context.node_config["partition-id"] == 1:
            raise RuntimeError("disk full")
        return Message(message.content, reply_to=message)

    grid = InProcessGrid(app, 3)
    replies = grid.send_and_receive([ask(node) for node in grid.get_node_ids()])
    assert [reply.has_error() for reply in replies] == [False, True, False]
    assert replies[1].error == Error(CLIENT_RAISED, "RuntimeError: disk full")
    assert replies[1].metadata.src_node_id == 101


def test_raise_errors_lets_the_clients_exception_through():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        raise ZeroDivisionError("a mistake in the learner's code")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        InProcessGrid(app, 1, raise_errors=True).send_and_receive([ask(100)])


def test_interrupt_is_not_turned_into_an_error_reply():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InProcessGrid(app, 1).send_and_receive([ask(100)])


@pytest.mark.parametrize("returned", [None, RecordDict(), 3])
def test_client_that_returns_no_message_becomes_an_error_reply(returned):
    app = ClientApp()

    @app.query()
    def answer(message, context):
        return returned

    (reply,) = InProcessGrid(app, 1).send_and_receive([ask(100)])
    assert reply.error.reason.startswith("TypeError: a ClientApp must return Message")


def test_client_cannot_answer_in_the_name_of_another():
    app = ClientApp()

    @app.query()
    def answer(message, context):
        message.metadata.dst_node_id = 101
        return Message(message.content, reply_to=message)

    (reply,) = InProcessGrid(app, 2).send_and_receive([ask(100)])
    assert reply.metadata.src_node_id == 100
    assert "answered for node 101" in reply.error.reason


def counting_app(*, fails: bool = False) -> ClientApp:
    app = ClientApp()

    @app.query()
    def count(message, context):
        calls = context.state.get("calls", MetricRecord({"number": 0}))
        calls["number"] += 1
        context.state["calls"] = calls
        if fails:
            raise RuntimeError("after counting")
        return Message(RecordDict({"calls": calls}), reply_to=message)

    return app


def test_state_lasts_from_message_to_message_and_belongs_to_one_client():
    grid = InProcessGrid(counting_app(), 2)
    grid.send_and_receive([ask(100)])
    replies = grid.send_and_receive([ask(100), ask(101)])
    assert [reply.content["calls"]["number"] for reply in replies] == [2, 1]
    assert grid.context_of(0).state["calls"]["number"] == 2


def test_state_is_kept_when_the_client_fails_as_a_supernode_keeps_it():
    grid = InProcessGrid(counting_app(fails=True), 1)
    grid.send_and_receive([ask(100), ask(100)])
    assert grid.context_of(0).state["calls"]["number"] == 2


def test_nobody_can_change_what_another_one_holds():
    hoard = []
    app = ClientApp()

    @app.query()
    def tamper(message, context):
        arrays = message.content["arrays"]
        arrays["w"] = Array(np.full(3, 666.0))
        message.content["config"]["n"] = -1
        context.node_config["partition-id"] = 99
        reply = Message(RecordDict({"arrays": arrays}), reply_to=message)
        hoard.append((context, reply))
        return reply

    sent = RecordDict({"arrays": ArrayRecord([np.zeros(3)]), "config": ConfigRecord({"n": 1})})
    grid = InProcessGrid(app, 2)
    replies = grid.send_and_receive([Message(sent, node, "query") for node in grid.get_node_ids()])
    assert list(sent["arrays"]) == ["0"]
    assert sent["config"]["n"] == 1
    assert [grid.context_of(client).node_config["partition-id"] for client in (0, 1)] == [0, 1]
    for context, reply in hoard:
        # What a client does after it has answered comes too late.
        reply.content["arrays"]["w"] = Array(np.zeros(3))
        context.state["late"] = MetricRecord({"n": 1})
    assert all((reply.content["arrays"]["w"].numpy() == 666).all() for reply in replies)
    assert "late" not in grid.context_of(0).state


def test_looking_at_a_context_does_not_change_it():
    grid = InProcessGrid(counting_app(), 1)
    grid.context_of(0).state["calls"] = MetricRecord({"number": 50})
    (reply,) = grid.send_and_receive([ask(100)])
    assert reply.content["calls"]["number"] == 1


def test_mods_run_around_the_client():
    trace = []

    def mod(message, context, call_next):
        trace.append("before")
        reply = call_next(message, context)
        trace.append("after")
        return reply

    app = ClientApp(mods=[mod])

    @app.query()
    def answer(message, context):
        trace.append("client")
        return Message(message.content, reply_to=message)

    InProcessGrid(app, 1).send_and_receive([ask(100)])
    assert trace == ["before", "client", "after"]


def test_strategy_goes_on_with_the_clients_that_are_left():
    app = ClientApp()

    @app.train()
    def train(message, context):
        client, server_round = context.node_config["partition-id"], message.content["config"]["server-round"]
        if client == 2 and server_round == 2:
            raise RuntimeError("crash")
        content = {
            "arrays": ArrayRecord({"w": Array(np.array([float(client)]))}),
            "metrics": MetricRecord({"num-examples": 1}),
        }
        return Message(RecordDict(content), reply_to=message)

    seen = {}

    def remember(server_round, arrays):
        seen[server_round] = float(arrays["w"].numpy()[0])

    strategy = FedAvg(fraction_evaluate=0.0)
    start = ArrayRecord({"w": Array(np.array([9.0]))})
    strategy.start(InProcessGrid(app, 3), start, num_rounds=3, evaluate_fn=remember)
    assert seen == {0: 9.0, 1: 1.0, 2: 0.5, 3: 1.0}


def test_unknown_node_and_empty_grid_are_refused_with_what_exists():
    with pytest.raises(ValueError, match=r"node 7 does not exist; the nodes here are \[100, 101\]"):
        InProcessGrid(echo_app(), 2).push_messages([ask(7)])
    with pytest.raises(ValueError, match="node 102 does not exist"):
        InProcessGrid(echo_app(), 2).context_of(2)
    with pytest.raises(ValueError, match="num_clients is 0"):
        InProcessGrid(echo_app(), 0)
