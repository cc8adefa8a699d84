"""A Flower `Grid` whose nodes live in this process, so that a Flower app runs inside a notebook.

Flower's server never talks to a client. It hands messages to a *grid*, and the grid brings back replies.
In a deployment the grid is an HTTPS connection to a SuperLink, which SuperNodes on other machines poll.
Here it is a loop: call the `ClientApp` with each message, keep what it returns. Strategies, `ServerApp`,
`ClientApp` and mods cannot tell the difference, so they run unchanged.

As in a deployment: messages and contexts are copied on the way, so nobody can change what another one holds;
an exception in a client becomes an error reply, and the round goes on; `context.state` lasts for the run.

Not simulated: the network (delay, loss, `timeout`, time to live), clients that run at the same time, a limit
on a client's memory, authentication, TLS, and nodes that come during a run. One can go: `disconnect`.

Two names are not part of Flower's public interface: `TaskIdentity`, and `_message_id` in a message's metadata
(a third, `Run`, only stands in a signature). No other module touches them; a smoke test in
`tests/test_in_process_grid.py` fails when a new Flower moves them.
"""

import copy
from collections.abc import Iterable, Mapping

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

RUN_ID = 1
SERVER_NODE_ID = 1  # Flower's own number for the server.
FIRST_CLIENT_NODE_ID = 100
CLIENT_RAISED = 2  # Flower's error code for "the ClientApp raised an exception".

Config = Mapping[str, bool | int | float | str]


class InProcessGrid(Grid):
    """Flower's `Grid` over `num_clients` nodes that are called here, one after another.

    Args:
        client_app: answers every message, with or without mods.
        num_clients: at least 1. Client k is node 100 + k; its `partition-id` is k of `num-partitions`.
        node_config: more settings that every node finds in its `context.node_config`.
        run_config: the settings in every node's `context.run_config` (in a project: pyproject.toml).
        raise_errors: let a client's exception through. By default Flower goes on without the client that
            failed, even when all have failed, which hides a mistake in your code.

    Limits: replies come sorted by client, so a sum over them does not depend on the order in which a strategy
        asked. A strategy that asks only a part of the nodes draws them from Python's global `random`.
    """

    def __init__(
        self,
        client_app: ClientApp,
        num_clients: int,
        *,
        node_config: Config | None = None,
        run_config: Config | None = None,
        raise_errors: bool = False,
    ) -> None:
        if num_clients < 1:
            raise ValueError(f"num_clients is {num_clients}; a grid needs at least 1 client")
        self._client_app = client_app
        self._raise_errors = raise_errors
        self._run = Run.create_empty(RUN_ID)
        self._replies: dict[str, Message] = {}
        self._num_messages = 0
        self._gone: set[int] = set()
        self._contexts = {}
        for client in range(num_clients):
            about = dict(node_config or {}) | {"partition-id": client, "num-partitions": num_clients}
            node_id = FIRST_CLIENT_NODE_ID + client
            self._contexts[node_id] = Context(RUN_ID, node_id, about, RecordDict(), dict(run_config or {}))
        # Flower stamps every message with who creates it; outside a deployment nobody has said so yet.
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = RUN_ID, SERVER_NODE_ID, 1

    def context_of(self, client: int) -> Context:
        """A copy of what client `client` keeps between its messages, to look at."""
        return copy.deepcopy(self._contexts[self._checked_node(FIRST_CLIENT_NODE_ID + client)])

    def disconnect(self, client: int) -> None:
        """From now on the node of client `client` answers nothing, like one whose power fails.

        It stays in the list of nodes, as a killed node does for the minute in which Flower waits for it.
        """
        self._gone.add(self._checked_node(FIRST_CLIENT_NODE_ID + client))

    def set_run(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        return self._run

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None) -> Message:
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> list[int]:
        return list(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        """Deliver each message at once and keep the reply; returns one id a message, in the same order."""
        message_ids = []
        for message in messages:
            self._checked_node(message.metadata.dst_node_id)
            self._num_messages += 1
            message_id = f"message-{self._num_messages}"
            message.metadata.__dict__["_message_id"] = message_id
            if message.metadata.dst_node_id not in self._gone:
                self._replies[message_id] = self._deliver(message)
            message_ids.append(message_id)
        return message_ids

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        """The replies to these messages, each handed out once, sorted by client."""
        found = [self._replies.pop(message_id) for message_id in message_ids if message_id in self._replies]
        return sorted(found, key=lambda reply: reply.metadata.src_node_id)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Deliver the messages and return the replies; nothing is late here, so `timeout` has no effect."""
        return self.pull_messages(self.push_messages(messages))

    def _deliver(self, message: Message) -> Message:
        kept = self._contexts[message.metadata.dst_node_id]
        context = copy.deepcopy(kept)
        try:
            reply = copy.deepcopy(self._client_app(copy.deepcopy(message), context))
            _check_reply(reply, message)
        except Exception as problem:
            if self._raise_errors:
                raise
            reply = Message(Error(CLIENT_RAISED, f"{type(problem).__name__}: {problem}"), reply_to=message)
        finally:
            # A SuperNode, too, keeps what a client wrote into its state before it failed.
            kept.state = copy.deepcopy(context.state)
        reply.metadata.__dict__["_message_id"] = f"reply to {reply.metadata.reply_to_message_id}"
        return reply

    def _checked_node(self, node_id: int) -> int:
        if node_id not in self._contexts:
            raise ValueError(f"node {node_id} does not exist; the nodes here are {self.get_node_ids()}")
        return node_id


def run_in_process(server: ServerApp, clients: ClientApp, *, num_clients: int, run_config: Config) -> Context:
    """Run a whole Flower app here, as `flwr run` would elsewhere; returns the server's context at the end."""
    context = Context(RUN_ID, SERVER_NODE_ID, {}, RecordDict(), dict(run_config))
    server(InProcessGrid(clients, num_clients, run_config=run_config), context)
    return context


def _check_reply(reply: object, message: Message) -> None:
    asked = message.metadata
    if not isinstance(reply, Message):
        raise TypeError(f"a ClientApp must return Message(..., reply_to=message), not {type(reply).__name__}")
    sent = reply.metadata
    if (sent.reply_to_message_id, sent.src_node_id) != (asked.message_id, asked.dst_node_id):
        raise ValueError(
            f"node {asked.dst_node_id} answered for node {sent.src_node_id} or to another message"
        )
