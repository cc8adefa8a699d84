"""Four shortcuts in secure aggregation and the attack on each; the same lies, told to real clients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from course.crypto import Client, Server, Stage, Terms
from course.crypto.key_shares import ShareKind, read_share, reconstruct_secrets
from course.crypto.keys import SIGNATURE_BYTES, agree_with_each, signing_keypair
from course.crypto.masks import MODULUS, expand, pairwise_mask, residue_type
from course.crypto.messages import SERVER, Message, decode, encode

SURE = 2.0**-40
"""How rarely a wrong seed may look right to `guess_folded_seed`, over the whole search."""

# A server that lies to real clients -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cohort:
    """Real clients, enrolled under the same terms, and a server whose messages a lying one can change."""

    clients: Mapping[int, Client] = field(repr=False)
    server: Server = field(repr=False)


def real_cohort(
    vectors: Mapping[int, Sequence[int] | np.ndarray], *, threshold: int, modulus: int = MODULUS
) -> Cohort:
    """The clients and the server that `secure_sum` would run, not started; arguments as there."""
    signing = {client_id: signing_keypair() for client_id in vectors}
    enrolled = {client_id: keypair.public for client_id, keypair in signing.items()}
    length = max(len(vector) for vector in vectors.values())
    terms = Terms(enrolled, threshold, length, modulus)
    clients = {
        client_id: Client(client_id, vector, signing_key=signing[client_id].private, terms=terms)
        for client_id, vector in vectors.items()
    }
    return Cohort(clients, Server(terms=terms))


def play_until(cohort: Cohort, stage: Stage) -> dict[int, bytes]:
    """Play every stage before this one honestly; the requests of this one, client id → bytes."""
    while cohort.server.stage != stage:
        for client_id, request in cohort.server.requests().items():
            cohort.server.receive(cohort.clients[client_id].respond(request))
        cohort.server.advance()
    return cohort.server.requests()


# 1. A late input, and no self mask ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LateInput:
    """What a server holds of a client that it declared dropped while its masked input was under way.

    Attributes:
        masked: the input that came after all, shape (length,).
        masking_key: the client's private key of pairwise masks, from the others' shares.
        public_keys: client id → the public key of its pairwise masks, for the survivors.
        session: the session's 32 bytes.
        total: the honest sum of the survivors, which the server gets as well.
    """

    masked: np.ndarray = field(repr=False)
    masking_key: bytes = field(repr=False)
    public_keys: Mapping[int, bytes] = field(repr=False)
    session: bytes = field(repr=False)
    total: np.ndarray = field(repr=False)


def withhold_input(cohort: Cohort, victim: int) -> LateInput:
    """Take a real client's masked input, call it dropped, and have the others give its masking key away.

    Guarantee: no client can notice: that a message is late is no lie that anybody sees.
    Source: Bonawitz et al. 2017, ePrint 2017/281, section 4 ("double-masking" and why).
    """
    server = cohort.server
    # The keys that the server hands out: of each client one for encryption and one for its masks.
    roster = decode(play_until(cohort, Stage.SHARE_KEYS)[victim]).entries
    requests = play_until(cohort, Stage.MASKED_INPUT)
    late = cohort.clients[victim].respond(requests.pop(victim))
    shares = {}
    for stage in (Stage.MASKED_INPUT, Stage.CONSISTENCY, Stage.UNMASK):
        for client_id, request in (requests if stage is Stage.MASKED_INPUT else server.requests()).items():
            reply = cohort.clients[client_id].respond(request)
            server.receive(reply)
            if stage is Stage.UNMASK:
                shares[client_id] = read_share(_body(reply).entries[victim][1:])
        server.advance()
    positions = server.terms.holders(victim)
    (key,) = reconstruct_secrets(
        [positions[holder] for holder in shares], [list(shares.values())], threshold=server.terms.threshold
    )
    masked = np.frombuffer(_body(late).entries[victim], dtype=residue_type(server.terms.modulus))
    publics = {survivor: roster[survivor][32:64] for survivor in server.survivors}
    return LateInput(masked, key, publics, server.session, server.total)


def take_off_pairwise_masks(late: LateInput, victim: int, *, modulus: int = MODULUS) -> np.ndarray:
    """What is left of a late input without its pairwise masks: the vector itself, if it had no other mask.

    Guarantee: with a self mask what is left looks uniform, as long as nobody gives the seed of it away; of a
        client that was declared dropped nobody does.
    """
    left = late.masked.copy()
    for other, secret in agree_with_each(late.masking_key, late.public_keys).items():
        left -= pairwise_mask(secret, victim, other, session=late.session, length=len(left), modulus=modulus)
    return left


# 2. A lying list of the dropped -----------------------------------------------------------------------


def ask_for_both(request: bytes, victim: int) -> bytes:
    """A request for shares, changed to ask for both kinds of the victim: seed and masking key."""
    message = decode(request)
    both = bytes([ShareKind.BOTH]) + message.entries[victim][1:]
    return encode(_with(message, {**message.entries, victim: both}))


def ask_for_the_other(request: bytes, victim: int) -> bytes:
    """A request for shares, changed to ask for the kind that is due if the victim had not survived."""
    message = decode(request)
    other = bytes([ShareKind.MASKING_KEY])
    return encode(_with(message, {**message.entries, victim: other}))


def tell_two_stories(cohort: Cohort, victim: int, *, told_dropped: Collection[int]) -> dict[int, bytes]:
    """Tell some that the victim dropped, the others that it survived; ask each group for its kind of share.

    Args:
        cohort: not started, or at most in the stage MASKED_INPUT.
        told_dropped: who is told so, without the victim itself.

    Returns:
        Client id → the last request, with the signatures of all who were told the same. Each is consistent
        with what its client was told; so only their number can betray the lie.

    Source: Bonawitz et al. 2017, ePrint 2017/281, Figure 4 (round 3, against which this fails).
    """
    requests = play_until(cohort, Stage.CONSISTENCY)
    told, signatures = {}, {}
    for client_id, request in requests.items():
        message = decode(request)
        listed = dict(message.entries)
        if client_id in told_dropped:
            del listed[victim]
        reply = cohort.clients[client_id].respond(encode(_with(message, listed)))
        told[client_id], signatures[client_id] = listed, _body(reply).entries[client_id]
    return {client_id: _last_request(cohort, client_id, told, signatures) for client_id in requests}


def _last_request(cohort: Cohort, receiver: int, told: Mapping, signatures: Mapping) -> bytes:
    entries = {}
    for client_id in cohort.clients:
        survived = client_id in told[receiver]
        entries[client_id] = bytes([ShareKind.SELF_MASK_SEED if survived else ShareKind.MASKING_KEY])
        if survived and told[client_id] == told[receiver]:
            entries[client_id] += signatures[client_id]
    return encode(Message(Stage.UNMASK, cohort.server.session, SERVER, receiver, entries))


# 3. A seed folded to few bits ------------------------------------------------------------------------


def fold_seed(seed: bytes, *, bits: int) -> bytes:
    """A seed of 32 bytes of which only `bits` bits are left, as a generator with a small seed keeps them.

    Source: with 32 bits, the folding of Flower 1.41's `pseudo_rand_gen`: the exclusive or of its words.
    """
    _check_bits(bits)
    word = 0
    for start in range(0, len(seed), 4):
        word ^= int.from_bytes(seed[start : start + 4], "little")
    return (word % 2**bits).to_bytes(32, "little")


def guess_folded_seed(
    masked: np.ndarray, *, bits: int, largest: int, sign: int = 1, modulus: int = MODULUS
) -> bytes | None:
    """The folded seed with which a masked vector becomes a plausible one; None if there is none.

    Args:
        masked: vector + sign · mask, shape (length,), with no other mask left.
        bits: try all 2^bits seeds.
        largest: entries of the vector are in 0 … largest, which is how the right seed shows itself.
        sign: 1 or −1.

    Raises:
        ValueError: if the vector is so short, or `largest` so large, that a wrong seed could look right.

    Guarantee: a wrong seed is returned with a probability below 2^−40.
    Limits: it takes 2^bits key streams. With 256 bits there is nothing to try.
    """
    _check_bits(bits)
    plausible = (largest + 1) / modulus
    needed = next((n for n in range(1, len(masked) + 1) if 2.0**bits * plausible**n < SURE), None)
    if needed is None:
        raise ValueError(
            f"{len(masked)} entries of 0 … {largest} modulo {modulus} are too few "
            f"to tell a seed of {bits} bits"
        )
    head = masked[:needed]
    for candidate in range(2**bits):
        seed = candidate.to_bytes(32, "little")
        mask = expand(seed, needed, modulus=modulus)
        if ((head - mask if sign == 1 else head + mask) <= largest).all():
            return seed
    return None


def _check_bits(bits: int) -> None:
    if not isinstance(bits, int) or not 1 <= bits <= 32:
        raise ValueError(f"bits must be an integer from 1 to 32; got {bits!r}")


# 4. Two cohorts that differ by one client --------------------------------------------------------------


def difference_of_sums(with_victim: np.ndarray, without: np.ndarray) -> np.ndarray:
    """The victim's vector, from two totals of cohorts that differ by it alone, modulo as they are.

    Limits: this breaks no cryptography, and no protocol that gives exact sums prevents it.
    """
    if with_victim.dtype != without.dtype or with_victim.dtype.kind != "u":
        raise ValueError(
            f"two totals of one unsigned type are needed; got {with_victim.dtype} and {without.dtype}"
        )
    return with_victim - without


def _body(reply: bytes) -> Message:
    return decode(reply[:-SIGNATURE_BYTES])


def _with(message: Message, entries: Mapping[int, bytes]) -> Message:
    return Message(message.stage, message.session, message.sender, message.receiver, entries)
