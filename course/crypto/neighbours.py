"""Who shares masks with whom on a sparse random graph, and how many neighbours are enough."""

import hashlib
import math
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from course.crypto.field import is_integer
from course.crypto.stages import ProtocolViolation

SEED_BYTES = 32


def check_degree(degree: int, num_clients: int) -> int:
    """The degree, if a graph of ours has it: even, or everyone with everyone.

    Raises:
        ValueError: if it is neither an even integer in [2, num_clients − 1] nor num_clients − 1.
    """
    whole = num_clients - 1
    if not is_integer(degree) or not (degree == whole or (2 <= degree < whole and degree % 2 == 0)):
        raise ValueError(f"the degree must be even and in [2, {whole}], or {whole}; got {degree!r}")
    return degree


def closed_neighbourhoods(
    client_ids: Collection[int], *, degree: int, seed: bytes
) -> dict[int, tuple[int, ...]]:
    """Client id → the client itself and its `degree` neighbours, ascending.

    The seed puts the clients in a random order on a ring, and each is a neighbour of the degree/2 nearest on
    either side. Whoever has the ids and the seed computes the same graph.

    Args:
        client_ids: all different.
        degree: see `check_degree`.
        seed: 32 bytes.

    Raises:
        ValueError: if the degree or the seed is not allowed.

    Guarantee: the graph is undirected, each client has `degree` neighbours, and to cut it in two at least
        `degree` clients must be taken away.
    Limits: it is random to those who did not choose the seed. Whoever draws seeds until they like one puts
        whom they want beside whom they want.
    Source: Bell et al. 2020, ePrint 2020/704, section 3 (the Harary graph on a random permutation).
    """
    check_degree(degree, len(client_ids))
    if not isinstance(seed, bytes) or len(seed) != SEED_BYTES:
        raise ValueError(f"the seed of the graph is {SEED_BYTES} bytes; got {seed!r}")
    if degree == len(client_ids) - 1:
        return dict.fromkeys(sorted(client_ids), tuple(sorted(client_ids)))
    ring = sorted(client_ids, key=lambda i: hashlib.sha256(seed + struct.pack(">Q", i)).digest())
    steps = range(-(degree // 2), degree // 2 + 1)
    around = {i: [ring[(place + step) % len(ring)] for step in steps] for place, i in enumerate(ring)}
    return {i: tuple(sorted(around[i])) for i in sorted(around)}


def write_flags(flagged: Collection[int], among: Iterable[int]) -> bytes:
    """One bit for each id of `among`, set for the flagged ones; no bytes if there are none."""
    among = list(among)
    bits = sum(1 << place for place, i in enumerate(among) if i in flagged)
    return bits.to_bytes((len(among) + 7) // 8, "big")


def read_flags(flags: bytes, among: Iterable[int]) -> set[int]:
    """The flagged ids; the inverse of `write_flags`.

    Raises:
        ProtocolViolation: if there are more or fewer bits.
    """
    among, bits = list(among), int.from_bytes(flags, "big")
    if len(flags) != (len(among) + 7) // 8 or bits >> len(among):
        raise ProtocolViolation(f"{len(among)} flags were due, in {(len(among) + 7) // 8} bytes")
    return {i for place, i in enumerate(among) if bits >> place & 1}


@dataclass(frozen=True)
class Degree:
    """A choice of degree and threshold, with the probability of each way in which it fails.

    Attributes:
        degree: neighbours of each client.
        threshold: how many of the degree + 1 clients that hold shares of one client's secrets suffice.
        exposed: bounds the probability that some client has `threshold` or more corrupt neighbours.
        cut: bounds the probability that the honest clients who stay are not connected.
        stuck: bounds the probability that some client has fewer than `threshold` neighbours who stay.
    """

    degree: int
    threshold: int
    exposed: float
    cut: float
    stuck: float


def choose_degree(
    num_clients: int,
    *,
    corrupt: float,
    dropouts: float,
    security_bits: float = 40,
    correctness_bits: float = 20,
) -> Degree:
    """The smallest degree, and a threshold for it, with which a sparse graph is as good as everyone's.

    Three things must hold, for a graph drawn after it is settled who is corrupt and who will drop out:

    1. *No client is exposed.* Corrupt neighbours of a client pool their shares; with `threshold` of them they
       have both its secrets. Of `degree` neighbours, drawn from num_clients − 1, the number of corrupt
       ones is hypergeometric; the bound is its tail times the number of clients.
    2. *The graph is not cut.* What the server sees adds up separately in each connected part of the honest
       clients who stay, so there must be one part. A ring with reach degree/2 falls apart only if clients are
       missing in two separate runs of degree/2 or more; the bound is the probability that a given `degree`
       places are all missing, times the number of pairs of places where the two runs could begin.
    3. *Nobody is stuck.* Of each client's neighbours at least `threshold` must stay, or its masks stay in the
       sum. Again a hypergeometric tail times the number of clients.

    The first two are for privacy: together at most 2^−security_bits. The third costs only the sum: at most
    2^−correctness_bits. A threshold must be more than half of degree + 1, so that no two groups of holders
    are told different things about one client; among those that hide, the smallest loses the fewest sums.

    Args:
        num_clients: n ≥ 3.
        corrupt, dropouts: fractions in [0, 1), rounded up to whole clients; both are worst cases.
        security_bits, correctness_bits: as above, positive.

    Returns:
        If no sparse graph will do, the complete one, where nothing is left to chance.

    Raises:
        ValueError: if an argument is out of range, or not even the complete graph will do.

    Limits: for a server that follows the protocol, with corrupt clients that see what they are sent. What a
        lying one learns depends on 2 · threshold − degree − 1, see `Client`.
        Dropouts that depend on the graph (a mast fails, and all its neighbours go) are not covered. The
        tails are exact rational numbers; the union bounds are pessimistic.
    Source: after Bell et al. 2020, ePrint 2020/704, section 3, with our own bound for item 2.
    """
    _check_choice(num_clients, corrupt, dropouts, security_bits, correctness_bits)
    bad, gone = math.ceil(corrupt * num_clients), math.ceil(dropouts * num_clients)
    for degree in range(2, num_clients - 1, 2):
        cut = _cut(num_clients, min(num_clients, bad + gone), degree)
        if cut > 2.0**-security_bits:
            continue
        exposed, stuck = _tails(num_clients - 1, bad, degree), _tails(num_clients - 1, gone, degree)
        for threshold in range(degree // 2 + 1, degree + 1):
            chances = [num_clients * tail for tail in (exposed[threshold], stuck[degree - threshold + 1])]
            if chances[0] + cut <= 2.0**-security_bits:
                if chances[1] <= 2.0**-correctness_bits:
                    return Degree(degree, threshold, chances[0], cut, chances[1])
                break
    threshold = max(num_clients // 2, bad) + 1
    if threshold > num_clients - gone:
        raise ValueError(
            f"{bad} corrupt clients and {gone} dropouts of {num_clients} are too many: the threshold must be "
            f"at least {threshold}, and {num_clients - gone} clients stay"
        )
    return Degree(num_clients - 1, threshold, 0.0, 0.0, 0.0)


def _check_choice(
    num_clients: int, corrupt: float, dropouts: float, security_bits: float, correctness_bits: float
) -> None:
    if not is_integer(num_clients) or num_clients < 3:
        raise ValueError(f"num_clients must be an integer ≥ 3; got {num_clients!r}")
    if not (0 <= corrupt < 1 and 0 <= dropouts < 1):
        raise ValueError(f"fractions must be in [0, 1); got corrupt={corrupt!r}, dropouts={dropouts!r}")
    if not (0 < security_bits <= 500 and 0 < correctness_bits <= 500):
        raise ValueError(f"bits must be in (0, 500]; got {security_bits!r} and {correctness_bits!r}")


def _tails(population: int, marked: int, drawn: int) -> list[float]:
    """P(at least j of the drawn are marked), for j = 0 … drawn + 1, drawn without replacement."""
    ways = [math.comb(marked, j) * math.comb(population - marked, drawn - j) for j in range(drawn + 1)]
    total, tail, tails = math.comb(population, drawn), 0, [0.0]
    for way in reversed(ways):
        tail += way
        tails.append(tail / total)
    return tails[::-1]


def _cut(num_clients: int, missing: int, degree: int) -> float:
    """The bound of item 2 of `choose_degree`."""
    chance = math.comb(num_clients, 2) * math.perm(missing, degree) / math.perm(num_clients, degree)
    return min(1.0, chance)
