"""The five stages of secure aggregation, and the two ways in which it ends without a sum."""

from enum import IntEnum


class Stage(IntEnum):
    """The stages, in their order. Each is one request of the server to a client and one reply.

    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4 (rounds 0 to 4).
    """

    ADVERTISE_KEYS = 0
    SHARE_KEYS = 1
    MASKED_INPUT = 2
    CONSISTENCY = 3
    UNMASK = 4


class ThresholdNotMet(Exception):
    """So few clients are left that their shares cannot unmask anything: there is no sum."""


class ProtocolViolation(Exception):
    """Somebody sent what the protocol does not allow. A client then answers nothing more."""
