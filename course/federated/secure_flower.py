"""The server of a secure sum on Flower: five stages over any `Grid`, and FedAvg as a strategy on top."""

import math
import secrets
from collections.abc import Callable, Iterable, Mapping

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from course.crypto import ProtocolViolation, SecureSum, Server, Stage, Terms, Traffic
from course.crypto.keys import verify
from course.crypto.ring_fixed_point import RingFixedPoint
from course.federated.flower_clients import weights_in
from course.federated.secure_averaging import FIXED_POINT, flatten_double, unflatten, weighted_row
from course.federated.secure_flower_clients import NONCE_BYTES, RECORD, Vector, hello_statement

TRAIN = "train"
"""The type of all messages: a mod sees those types only for which the app below it has a function."""

TIMEOUT = 600.0
"""Seconds to wait for the replies of one stage, unless you say otherwise."""

AfterStage = Callable[[Stage, tuple[int, ...]], None]


def find_clients(grid: Grid, *, terms: Terms, timeout: float = TIMEOUT) -> dict[int, int]:
    """Client id → the node where it is, for each node that proves to be an enrolled client.

    Flower numbers nodes as they come; the protocol knows clients by the ids under which they are enrolled.
    Each node signs a fresh nonce and its client id. A node that does not, or is of no client, is left out.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    hello = RecordDict({RECORD: ConfigRecord({"hello": nonce})})
    messages = [Message(hello, dst_node_id=node, message_type=TRAIN) for node in grid.get_node_ids()]
    nodes = {}
    for reply in grid.send_and_receive(messages, timeout=timeout):
        try:
            record = reply.content[RECORD]
            client_id, signature = int(record["client-id"]), record["signature"]
            key = terms.verification_keys[client_id]
            verify(key, signature, hello_statement(nonce, client_id), what="the greeting")
        except (ValueError, KeyError, TypeError, ProtocolViolation):
            continue
        nodes[client_id] = reply.metadata.src_node_id
    return dict(sorted(nodes.items()))


class SecureRound:
    """One secure sum over a `Grid`: for each stage `messages`, send them, and `receive` what comes back.

    Args:
        nodes: client id → node, as of `find_clients`. An enrolled client without a node counts as dropped.
        terms: of this sum.
        after_stage: called with each finished stage and the clients that replied to it.

    Guarantee, limits, source: as of `course.crypto.Server`. A reply that is an error, comes too late or is
        refused by the protocol counts as none: its client has dropped.
    """

    def __init__(
        self, nodes: Mapping[int, int], *, terms: Terms, after_stage: AfterStage | None = None
    ) -> None:
        self._nodes = dict(nodes)
        self._server = Server(terms=terms)
        self._after_stage = after_stage
        self._down: dict[int, int] = {}
        self._traffic: dict[int, dict[Stage, Traffic]] = {client: {} for client in terms.verification_keys}

    @property
    def stage(self) -> Stage | None:
        """The stage that is under way; None at the end."""
        return self._server.stage

    def messages(self, content: RecordDict | None = None) -> list[Message]:
        """A message to each node that is still there, with the request of this stage, and `content`."""
        requests = {i: data for i, data in self._server.requests().items() if i in self._nodes}
        self._down = {client: len(data) for client, data in requests.items()}
        return [
            Message(
                RecordDict({**(content or {}), RECORD: ConfigRecord({"request": data})}),
                dst_node_id=self._nodes[client],
                message_type=TRAIN,
            )
            for client, data in requests.items()
        ]

    def receive(self, replies: Iterable[Message]) -> None:
        """Take what came back, and close the stage.

        Raises:
            ThresholdNotMet: if too few of the clients replied. There is no sum.
        """
        stage, clients = self._server.stage, {node: client for client, node in self._nodes.items()}
        replied = []
        for reply in replies:
            try:
                client, data = clients[reply.metadata.src_node_id], reply.content[RECORD]["reply"]
                self._server.receive(data)
            except (ValueError, KeyError, TypeError, ProtocolViolation):
                continue
            replied.append(client)
            self._traffic[client][stage] = Traffic(up=len(data), down=self._down[client])
        self._server.advance()
        if self._after_stage is not None:
            self._after_stage(stage, tuple(sorted(replied)))

    def result(self) -> SecureSum:
        """What came of it, as of `secure_sum`.

        Raises:
            ProtocolViolation: before the last stage is over.
        """
        if self._server.total is None:
            raise ProtocolViolation("this round has no sum yet")
        return SecureSum(self._server.total, self._server.survivors, self._traffic)


def secure_round(
    grid: Grid,
    nodes: Mapping[int, int],
    *,
    terms: Terms,
    content: RecordDict | None = None,
    timeout: float = TIMEOUT,
    after_stage: AfterStage | None = None,
) -> SecureSum:
    """The sum of the clients' vectors, over any Flower `Grid`, whichever nodes vanish on the way.

    Args:
        grid: of a deployment, a simulation, or `InProcessGrid`; its clients answer by `secure_client_app` or
            behind `secure_mod`.
        nodes: client id → node, as of `find_clients`.
        terms: of this sum; the clients must have the same.
        content: what the clients need to make their vectors, the model for one; it goes along with the
            request for the masked input, so only to those that still take part then.
        timeout: seconds to wait for each stage. A node that replies later has dropped.
        after_stage: called with each finished stage and the clients that replied to it.

    Returns:
        As of `secure_sum`. Traffic counts the protocol's messages, without Flower's wrapping and `content`.

    Raises:
        ThresholdNotMet: if in some stage fewer than the threshold reply.
    """
    under_way = SecureRound(nodes, terms=terms, after_stage=after_stage)
    while under_way.stage is not None:
        goes_along = content if under_way.stage is Stage.MASKED_INPUT else None
        under_way.receive(grid.send_and_receive(under_way.messages(goes_along), timeout=timeout))
    return under_way.result()


def fedavg_row(reply: Message, *, num_clients: int, fixed_point: RingFixedPoint = FIXED_POINT) -> Vector:
    """What a client puts into the sum for `SecureFedAvg`: of its training reply, [n · w …, n] in fixed point.

    Args:
        reply: with `arrays` (the local model) and `metrics` (`num-examples`), as Flower's FedAvg expects it.
        num_clients: how many clients are enrolled.

    Raises:
        ValueError: if an entry is so large that the sum could overflow; see `weighted_row`.
    """
    num_examples = int(reply.content["metrics"]["num-examples"])
    vector = flatten_double(weights_in(reply))
    return weighted_row(vector, num_examples, num_clients=num_clients, fixed_point=fixed_point)


class SecureFedAvg(Strategy):
    """FedAvg as a Flower strategy whose server sees sums only. All enrolled clients that are there take part.

    Args:
        terms: their length is the number of the model's parameters, and one for the number of examples.
        fixed_point: the encoding; the clients use the same in `fedavg_row`.
        timeout: seconds to wait for the replies of each stage but the masked input, for which `start` has its
            own.
        after_stage: as of `secure_round`.

    Guarantee: the next model is the mean of `fedavg` over the survivors, up to the fixed-point step (see
        `secure_averaging`); of the clients' models the server learns nothing else. `start` raises
        ThresholdNotMet when a round cannot be finished.
    Limits: as of `course.crypto.Server`; and the means of two rounds differ by what two updates differ.
    Source: McMahan et al. 2017, arXiv:1602.05629v4, Algorithm 1; Bonawitz et al. 2017, ePrint 2017/281.
    """

    def __init__(
        self,
        *,
        terms: Terms,
        fixed_point: RingFixedPoint = FIXED_POINT,
        timeout: float = TIMEOUT,
        after_stage: AfterStage | None = None,
    ) -> None:
        self._terms, self._fixed_point, self._timeout = terms, fixed_point, timeout
        self._after_stage = after_stage
        self.sums: list[SecureSum] = []
        """What came of each round so far."""

    def summary(self) -> None:
        """Nothing to log."""

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> list[Message]:
        """Agree on keys first; then the model goes out with the requests for masked models.

        Raises:
            ValueError: if the model does not have as many parameters as the terms say.
        """
        num_parameters = sum(math.prod(array.shape) for array in arrays.values())
        if num_parameters + 1 != self._terms.length:
            raise ValueError(
                f"the model has {num_parameters} parameters; under terms of length {self._terms.length} "
                f"it must have {self._terms.length - 1}"
            )
        self._grid, self._arrays = grid, arrays
        nodes = find_clients(grid, terms=self._terms, timeout=self._timeout)
        self._round = SecureRound(nodes, terms=self._terms, after_stage=self._after_stage)
        self._play_until(Stage.MASKED_INPUT)
        settings = ConfigRecord({**config, "server-round": server_round})
        return self._round.messages(RecordDict({"arrays": arrays, "config": settings}))

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord, MetricRecord]:
        """Let the survivors sign who they are, take the masks off the sum, and divide."""
        self._round.receive(replies)
        self._play_until(None)
        found = self._round.result()
        self.sums.append(found)
        num_examples = int(found.total[-1])
        if num_examples == 0:
            raise ProtocolViolation("the clients' numbers of examples add up to 0")
        mean = self._fixed_point.decode(found.total[:-1]) / num_examples
        weights = unflatten(mean, like=self._arrays.to_torch_state_dict())
        metrics = MetricRecord({"num-examples": num_examples, "survivors": len(found.survivors)})
        return ArrayRecord(weights), metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> list[Message]:
        """Nobody is asked: an accuracy of one client's own examples would be sent in the clear."""
        return []

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> None:
        return None

    def _play_until(self, stage: Stage | None) -> None:
        while self._round.stage is not stage:
            self._round.receive(self._grid.send_and_receive(self._round.messages(), timeout=self._timeout))
