"""Computing on what nobody sees: shares of secrets, products of shares, and sums of masked vectors."""

from course.crypto.beaver import Multiplied, Triple, deal_triple, multiply, private_dot_product
from course.crypto.field import KEY_PRIME, PRIME
from course.crypto.fixed_point import FixedPoint
from course.crypto.homomorphic import CkksAverager
from course.crypto.ring_fixed_point import RingFixedPoint
from course.crypto.secret_sharing import (
    InconsistentShares,
    Share,
    add_shares,
    reconstruct,
    reconstruct_additive,
    split,
    split_additive,
)
from course.crypto.secure_aggregation import (
    Client,
    Degree,
    ProtocolViolation,
    SecureSum,
    Server,
    Stage,
    Terms,
    ThresholdNotMet,
    Traffic,
    choose_degree,
    largest_entry,
    secure_sum,
)

__all__ = [
    "KEY_PRIME",
    "PRIME",
    "CkksAverager",
    "Client",
    "Degree",
    "FixedPoint",
    "InconsistentShares",
    "Multiplied",
    "ProtocolViolation",
    "RingFixedPoint",
    "SecureSum",
    "Server",
    "Share",
    "Stage",
    "Terms",
    "ThresholdNotMet",
    "Traffic",
    "Triple",
    "add_shares",
    "choose_degree",
    "deal_triple",
    "largest_entry",
    "multiply",
    "private_dot_product",
    "reconstruct",
    "reconstruct_additive",
    "secure_sum",
    "split",
    "split_additive",
]
