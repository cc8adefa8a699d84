"""A grid that does not wait long for the last replies, once enough have come."""

import time
from collections.abc import Iterable

from flwr.app import Message
from flwr.serverapp import Grid

POLL_SECONDS = 0.5


class QuorumGrid:
    """Any `Grid`, but `send_and_receive` ends `grace` seconds after `enough` replies have come.

    So one dead node costs `grace` seconds, not the whole timeout, and the timeout can be long enough for slow
    nodes. Flower's own grid also looks for replies every 3 s only.

    Args:
        enough: replies without which there is nothing to be done; for a secure sum, its threshold.
        grace: seconds for all others.

    Limits: a node that replies later has dropped, though it lives.
    """

    def __init__(self, grid: Grid, *, enough: int, grace: float) -> None:
        self._grid, self._enough, self._grace = grid, enough, grace

    def __getattr__(self, name: str) -> object:
        return getattr(self._grid, name)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float) -> list[Message]:
        """The replies that have come when all have, or `timeout` seconds are over, or the grace is."""
        missing, replies = set(self._grid.push_messages(messages)), []
        ends, graced = time.monotonic() + timeout, False
        while missing:
            found = list(self._grid.pull_messages(missing))
            replies += found
            missing -= {reply.metadata.reply_to_message_id for reply in found}
            if len(replies) >= self._enough and not graced:
                ends, graced = min(ends, time.monotonic() + self._grace), True
            if not missing or time.monotonic() >= ends:
                break
            time.sleep(POLL_SECONDS)
        return replies
