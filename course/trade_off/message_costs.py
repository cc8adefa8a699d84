"""Bytes of one client, over a whole run: the model down, the secure sum's messages up and down."""

import functools

from course.crypto import choose_degree
from course.crypto.costs import message_bytes, total_bytes
from course.privacy import Unit
from course.trade_off.problem import CLASSES, CLIENTS, DIMENSIONS
from course.trade_off.setting import Setting

WEIGHTS = DIMENSIONS * CLASSES
MODEL_BYTES = 4 * WEIGHTS
"""float32; and a masked vector has as many entries of 32 bits."""

CORRUPT = DROPOUTS = 0.1
"""What the sparse graph of the secure sum must bear; see `choose_degree`."""


def bytes_a_client(setting: Setting, *, num_clients: int = CLIENTS) -> dict[str, float]:
    """What an average client receives and sends over all rounds, by what it is for.

    Args:
        setting: the whole run.
        num_clients: enrolled.

    Returns:
        "model down", "masked update up" and "keys, shares, signatures" → bytes: rounds × the chance to take
        part × one round. At EXAMPLE that chance is 1.

    Limits: an expectation over the coins; a client that is drawn more often pays more. One round is counted
        at the expected size of the cohort, without dropouts; a transport adds bytes of its own.
    """
    chance = setting.sample_rate if setting.unit is Unit.CLIENT else 1.0
    # Three are the fewest for which the secure sum's graph is chosen.
    cohort = max(3, round(chance * num_clients))
    parts = _one_round(cohort)
    return {name: setting.rounds * chance * size for name, size in parts.items()}


def megabytes(setting: Setting, *, num_clients: int = CLIENTS) -> float:
    """All bytes of `bytes_a_client`, in megabytes of 10^6 bytes."""
    return sum(bytes_a_client(setting, num_clients=num_clients).values()) / 1e6


@functools.lru_cache(maxsize=64)
def _one_round(cohort: int) -> dict[str, float]:
    degree = choose_degree(cohort, corrupt=CORRUPT, dropouts=DROPOUTS).degree
    traffic = message_bytes(cohort, length=WEIGHTS, degree=degree)
    return {
        "model down": float(MODEL_BYTES),
        "masked update up": float(MODEL_BYTES),
        "keys, shares, signatures": float(total_bytes(traffic) - MODEL_BYTES),
    }
