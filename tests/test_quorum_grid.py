"""Waiting for enough replies, then a little for the others: on a clock that the test turns."""

import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp

from course.federated import InProcessGrid, quorum_grid
from course.federated.quorum_grid import QuorumGrid


class SlowGrid(InProcessGrid):
    """Client k's reply is there `delays[k]` seconds after its message was sent; None is never."""

    def __init__(self, delays, clock):
        super().__init__(echo(), len(delays))
        self.delays, self.clock = delays, clock

    def pull_messages(self, message_ids):
        delays = {i: self.delays[int(i.removeprefix("message-")) - 1] for i in message_ids}
        due = [i for i, delay in delays.items() if delay is not None and delay <= self.clock[0]]
        return super().pull_messages(due)


def echo():
    app = ClientApp()

    @app.train()
    def train(message, context):
        return Message(
            RecordDict({"c": ConfigRecord({"k": context.node_config["partition-id"]})}), reply_to=message
        )

    return app


def replied(monkeypatch, delays, *, enough, grace, timeout):
    """Whose replies came, and when the waiting ended."""
    clock = [0.0]
    monkeypatch.setattr(quorum_grid.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(quorum_grid.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    grid = QuorumGrid(SlowGrid(delays, clock), enough=enough, grace=grace)
    nodes = grid.get_node_ids()
    messages = [Message(RecordDict(), dst_node_id=node, message_type="train") for node in nodes]
    found = grid.send_and_receive(messages, timeout=timeout)
    return sorted(reply.content["c"]["k"] for reply in found), clock[0]


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        ([0, 0, 0, 0], ([0, 1, 2, 3], 0)),
        ([1, 8, 4, 2], ([0, 1, 2, 3], 8)),
        ([1, None, 4, 2], ([0, 2, 3], 14)),
        ([1, 13, 4, None], ([0, 1, 2], 23)),
        ([1, 15, 4, 2], ([0, 2, 3], 14)),
        # Too few for a sum: the whole timeout, since each one counts.
        ([1, None, 4, None], ([0, 2], 100)),
        ([1, 95, 96, None], ([0, 1, 2], 100)),
    ],
    ids=str,
)
def test_who_is_waited_for_and_how_long(monkeypatch, delays, expected):
    assert replied(monkeypatch, delays, enough=3, grace=10, timeout=100) == expected
