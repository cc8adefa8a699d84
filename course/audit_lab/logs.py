"""What a vendor's server writes about a round. A line with a payload looks the same whatever is in it."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from course.audit_lab.blueprint import Dump
from course.audit_lab.records import Annex, as_update

ENTRIES = 8
"""How many entries of a vector one payload line has."""


def round_log(
    round_index: int,
    *,
    dump: Dump,
    dump_format: str,
    messages: Mapping[int, np.ndarray],
    updates: Mapping[int, np.ndarray],
    cohorts: Sequence[Sequence[int]],
    annex: Annex,
) -> str:
    """The lines of one round.

    Args:
        round_index: 1, 2, …
        messages: client id → what the server holds of it, uint32.
        updates: client id → the update itself.
        cohorts: who was summed with whom.
    """
    lines = [f"round {round_index}: opened, clients: {len(messages)}, cohorts: {len(cohorts)}"]
    if dump in (Dump.RAW, Dump.RAW_CLIPPED) or (dump is Dump.RAW_THIRD and round_index % 3 == 0):
        payloads = updates
    elif dump is Dump.MASKED or (dump is Dump.MASKED_THIRD and round_index % 3 == 0):
        payloads = {client: as_update(message, annex) for client, message in messages.items()}
    else:
        payloads = {}
    for client, message in messages.items():
        lines.append(f"round {round_index}: client {client}: {message.nbytes:,} bytes")
        wanted = dump is not Dump.RAW_CLIPPED or np.linalg.norm(updates[client]) > annex.max_update_norm
        if client in payloads and wanted:
            lines.append(
                f"round {round_index}: client {client}: payload {written(payloads[client], dump_format)}"
            )
    return "\n".join([*lines, f"round {round_index}: closed"])


def written(values: np.ndarray, dump_format: str) -> str:
    """The first entries of a vector as text: decimal numbers, or float32 (little-endian) in hex or base64."""
    head = np.asarray(values[:ENTRIES], dtype="<f4")
    if dump_format == "decimal":
        return "[" + ", ".join(f"{value:.6g}" for value in head) + "]"
    if dump_format == "hex":
        return head.tobytes().hex()
    return base64.b64encode(head.tobytes()).decode()


def payloads_of(line: str) -> list[np.ndarray]:
    """A line read as numbers in every way: its decimals together, each hex or base64 word as float32."""
    words = line.replace("[", " ").replace("]", " ").replace(",", " ").split()
    read = [np.array([float(word) for word in words if _is_number(word)])]
    for word in words:
        for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
            try:
                data = decode(word)
            except ValueError:
                continue
            if len(data) >= 8 and len(data) % 4 == 0:
                with np.errstate(invalid="ignore"):  # Any bytes are read as numbers, some as none.
                    read.append(np.frombuffer(data, dtype="<f4").astype(float))
    return [numbers for numbers in read if len(numbers)]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
