"""What a check says, and the checks of the server's side: messages, cohorts, seeds, the log.

Each check takes a vendor, plays the phones in test installations of its own, and reads what a round leaves
behind. None knows more of a vendor than its contract.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course.attacks.weak_aggregation import guess_folded_seed
from course.audit_lab.findings import Evidence, Flaw, Measured, Read
from course.audit_lab.logs import payloads_of
from course.audit_lab.records import Annex, RoundRecord, as_update
from course.audit_lab.vendor import Vendor

READ_ERROR_STEPS = 2.0
"""An update is read in a message if no entry is further off than this."""

LARGEST_STEP = 2**24
"""No vector or share of noise here has an entry of more steps (it is beyond seven standard deviations)."""

SEARCHED_BITS = 12
MATCHES = 4
"""So many entries of an update in one line of a log are no coincidence."""


@dataclass(frozen=True)
class Check:
    """What one check of one vendor says.

    Attributes:
        name: what was asked.
        flaw: what it looks for.
        passed: False is a finding; None, it could not be tested here.
        evidence: what was measured or read.
        false_alarm: the probability at most with which a vendor without the flaw fails.
        rounds: how many rounds (or draws of a cohort) it took.
    """

    name: str
    flaw: Flaw
    passed: bool | None
    evidence: Evidence
    false_alarm: float
    rounds: int


def check_messages(vendor: Vendor) -> Check:
    """Is what the server holds of a client this client's update?

    Limits: what looks like a mask is not searched here; see `check_seeds`.
    """
    updates = random_updates(range(101, 107), length=64, norm=0.8 * vendor.annex.max_update_norm)
    record = vendor.deploy().run_round(updates)
    alone = {cohort.members[0] for cohort in record.cohorts if len(cohort.members) == 1}
    errors = {
        client: np.abs(as_update(record.messages[client], vendor.annex) - update).max() / vendor.annex.step
        for client, update in updates.items()
        if client not in alone
    }
    read = sum(bool(error <= READ_ERROR_STEPS) for error in errors.values())
    evidence = Measured(f"updates read in the messages of {len(errors)} clients", read, read, read)
    # A masked entry is uniform: within two steps of the update with probability 5 / 2^32, 64 times in a row.
    return Check("Can the server read a message?", Flaw.PLAIN_AVERAGING, read == 0, evidence, 1e-12, 1)


def check_cohorts(vendor: Vendor) -> Check:
    """Is any sum that the server learns the sum of one client?

    Tried are few clients, one more than fill a cohort, and one client that is alone in its region.

    Limits: a cohort that is lonely for another reason is not seen.
    """
    deployment = vendor.deploy()
    one_too_many = range(101, 102 + vendor.annex.cohort_size)
    trials = [(101, 102, 103), one_too_many, (101, 102, 103, 204), (101, 202, 203)]
    smallest: tuple[int, ...] = tuple(range(99))
    for clients in trials:
        record = deployment.run_round(dict.fromkeys(clients, np.zeros(1)))
        smallest = min(smallest, *(cohort.members for cohort in record.cohorts), key=len)
    evidence = Read("the smallest sum that the server learned", f"clients {', '.join(map(str, smallest))}")
    passed = len(smallest) >= vendor.annex.smallest_cohort
    return Check("How many clients are in a sum?", Flaw.COHORT_OF_ONE, passed, evidence, 0.0, len(trials))


def check_seeds(vendor: Vendor) -> Check:
    """Can the mask that two clients share be found by trying all short seeds?

    Limits: seeds of up to 12 bits. A real folded seed has 32; here it is scaled down, so that a search takes
        a moment instead of hours.
    """
    updates = random_updates((101, 102), length=24, norm=0.8 * vendor.annex.max_update_norm)
    record = vendor.deploy().run_round(updates)
    seed = folded_seed_of(record, client=101)
    if seed is None:
        evidence = Measured(f"seeds of {SEARCHED_BITS} bits that fit a mask", 0, 0, 0)
    else:
        evidence = Read(
            "the seed behind the mask of clients 101 and 102", f"{int.from_bytes(seed, 'little')}"
        )
    return Check("Are the masks' seeds long?", Flaw.FOLDED_SEED, seed is None, evidence, 2.0**-40, 1)


def folded_seed_of(record: RoundRecord, *, client: int, bits: int = SEARCHED_BITS) -> bytes | None:
    """The folded seed of the only mask on a message, from a round of two clients; None if there is none.

    Args:
        record: of a round of two clients.
        client: the one of them with the smaller id, which adds the mask.
    """
    shifted = record.messages[client] + np.uint32(LARGEST_STEP)  # Signed entries, made to start from 0.
    return guess_folded_seed(shifted, bits=bits, largest=2 * LARGEST_STEP)


def check_log(vendor: Vendor) -> Check:
    """Does the log hold entries of an update, written in decimals, hex or base64?

    Limits: other ways to write them, or other occasions than these four rounds, are not seen.
    """
    norm = vendor.annex.max_update_norm
    updates = random_updates((101,), length=64, norm=0.5 * norm)
    updates |= random_updates((102,), length=64, norm=20 * norm)  # One that has to be clipped.
    deployment, rounds = vendor.deploy(), 4
    lines = [line for _ in range(rounds) for line in deployment.run_round(updates).log.splitlines()]
    caught = next((line for line in lines if holds_update(line, updates)), None)
    evidence = Read("the log", caught or f"{len(lines)} lines, with no entry of an update")
    # Four numbers in a row within 1e-4 of given ones: (1e-4)^4 a place, at some thousand places.
    return Check("Is an update in the log?", Flaw.DEBUG_LOG, caught is None, evidence, 1e-12, rounds)


def holds_update(line: str, updates: Mapping[int, np.ndarray]) -> bool:
    """Whether a line has at least four entries of one of these updates, in a row."""
    return any(_share_a_run(numbers, update) for numbers in payloads_of(line) for update in updates.values())


def _share_a_run(numbers: np.ndarray, update: np.ndarray) -> bool:
    """Whether four entries in a row are the same in both, but for rounding."""
    if min(len(numbers), len(update)) < MATCHES:
        return False
    seen, known = sliding_window_view(numbers, MATCHES), sliding_window_view(update, MATCHES)
    return bool(np.isclose(seen[:, None], known[None], rtol=1e-4, atol=0).all(axis=-1).any())


def random_updates(clients: Iterable[int], *, length: int, norm: float) -> dict[int, np.ndarray]:
    """An update for each client, random and the same in each call, of this L2 norm."""
    found = {}
    for client in clients:
        direction = np.random.default_rng(client).standard_normal(length)
        found[client] = norm * direction / np.linalg.norm(direction)
    return found


def promised_noise_is_local(annex: Annex) -> bool:
    """Whether the contract says that the messages themselves are noised."""
    return annex.noise_added.startswith("by each device")
