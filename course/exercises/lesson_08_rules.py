"""Checkers of lesson 08 on rules: which shares a phone gives away, and how many phones must agree."""

import copy
from collections.abc import Collection, Mapping

from course.crypto import ProtocolViolation
from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given

KINDS = ("key", "seed")
Held = Mapping[int, Mapping[str, object]]

# 08.4 ---------------------------------------------------------------------------------------------

HELD = {
    owner: {"key": f"key share of {owner}", "seed": f"seed share of {owner}"} for owner in (3, 8, 20, 21, 77)
}
SURVIVORS = {3, 20, 77}
DUE = {owner: "seed" if owner in SURVIVORS else "key" for owner in HELD}

_LIES = (
    (
        {**DUE, 20: "key"},
        "Phone 20 survived, and you give the share of its *key* away. With the key the server takes the pairwise masks off; "
        "the self mask must then stay.",
    ),
    (
        {**DUE, 8: "seed"},
        "Phone 8 dropped, and you give the share of its *seed* away. Its input may be on its way, and its key is known to "
        "the server: the self mask is all that is left.",
    ),
    (
        {**DUE, 3: "both"},
        "Asked for \"both\" of one phone you do not raise ProtocolViolation: seed and key together unmask that phone's input.",
    ),
    (
        {**DUE, 21: "both"},
        "Asked for \"both\" of a phone that dropped you do not raise ProtocolViolation: its late input would be read.",
    ),
    (
        {owner: "key" if kind == "seed" else "seed" for owner, kind in DUE.items()},
        "A request with all kinds the wrong way round is answered. Compare each wanted kind with the survivors.",
    ),
    (
        {**DUE, 77: "password"},
        'Asked for a "password" you do not raise ProtocolViolation. Only "key" and "seed" exist, and one of them is due.',
    ),
    (
        {**DUE, 500: "key"},
        "Asked for a share of phone 500, of which you hold none, you do not raise ProtocolViolation.",
    ),
    (
        {**DUE, 21: "password"},
        'Of a phone that dropped you give a "password". Only its key is due; anything else raises ProtocolViolation.',
    ),
)  # fmt: skip


def verify_answer(answer) -> None:
    """The due kind of share of each phone, or a ProtocolViolation and nothing at all."""
    for wanted in (DUE, {20: "seed"}, {21: "key", 3: "seed"}, {8: "key"}):
        _expect_honest(answer, wanted)
    for wanted, sentence in _LIES:
        _expect_refusal(answer, wanted, sentence)
    _expect_refusal(
        answer,
        {**DUE, 500: "seed"},
        "Told that phone 500 survived, of which you hold nothing, you do not raise ProtocolViolation.",
        survivors=SURVIVORS | {500},
    )
    # With other survivors other kinds are due: nothing may be remembered from one call to the next.
    _expect_honest(answer, {8: "seed", 3: "key"}, survivors={8, 20, 21})
    _expect_refusal(answer, {8: "key"}, "It goes by the survivors of an earlier call.", survivors={8, 20, 21})


def _expect_honest(answer, wanted: Mapping[int, str], *, survivors: Collection[int] = SURVIVORS) -> None:
    got = _call(answer, wanted, survivors, "A request that is allowed is refused")
    if isinstance(got, ProtocolViolation):
        raise NotYet(
            f"You refuse {wanted} with the survivors {sorted(survivors)}, and the protocol allows it. Of a survivor the "
            "seed is due, of any other the key."
        )
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, Mapping):
        raise NotYet(f"It should return a dictionary, phone → share; it returned a {type(got).__name__}.")
    if dict(got) != {owner: HELD[owner][kind] for owner, kind in wanted.items()}:
        if any(share == HELD.get(owner) for owner, share in got.items()):
            raise NotYet(
                "You return both shares of a phone: held[owner] is the pair, held[owner][kind] the share."
            )
        if set(got) != set(wanted):
            raise NotYet(f"Shares of the phones {sorted(wanted)} are wanted; you return {sorted(got)}.")
        if all(share in KINDS for share in got.values()):
            raise NotYet("You return the kinds that were wanted; return the shares, held[owner][kind].")
        raise NotYet(f"Wanted was {wanted}; you return {dict(got)}.")


def _expect_refusal(
    answer, wanted: Mapping[int, str], sentence: str, *, survivors: Collection[int] = SURVIVORS
) -> None:
    got = _call(answer, wanted, survivors, "A request that the protocol does not allow must raise it")
    if isinstance(got, ProtocolViolation):
        return
    if not isinstance(got, Mapping):
        raise NotYet(
            f"Where the protocol allows no answer you return {got!r}, and a caller may overlook that: raise "
            "ProtocolViolation(…)."
        )
    if got and len(got) < len(wanted):
        raise NotYet(
            "You leave out what is not allowed and answer the rest. A server that lies once is not one to go on with: raise "
            "ProtocolViolation, and give nothing."
        )
    raise NotYet(sentence)


def _call(answer, wanted: Mapping[int, str], survivors: Collection[int], otherwise: str) -> object:
    held, handed = copy.deepcopy(HELD), (dict(wanted), set(survivors))
    try:
        with given(f"survivors {sorted(survivors)} and wanted {wanted}"):
            got = answer(held, handed[1], handed[0])
        if isinstance(got, BaseException) or got is ProtocolViolation:
            raise NotYet(
                "You return the exception, and the caller takes it for shares. Write raise, not return."
            )
    except ProtocolViolation as error:
        got = error
    except (KeyError, ValueError, AssertionError, LookupError) as error:
        raise NotYet(
            f"With survivors {sorted(survivors)} and wanted {wanted} it raises {type(error).__name__}. {otherwise}: raise "
            "ProtocolViolation(…), so that the caller can tell a lying server from a mistake of yours."
            if wanted not in ({20: "seed"}, DUE)
            else f"The honest request {wanted} raises {type(error).__name__}({error})."
        ) from error
    if held != HELD or handed != (dict(wanted), set(survivors)):
        raise NotYet("It changes what it is given. Build a new dictionary.")
    return got


# 08.5 ---------------------------------------------------------------------------------------------

COHORTS = [
    (n, c) for n in (2, 3, 4, 5, 6, 9, 10, 11, 30, 31, 100, 101) for c in (0, 1, 2, 3, 10, 33) if c < n
]

_WRONG_THRESHOLDS = {
    "That is more than half of all phones, which is right without accomplices. An accomplice signs *both* lists: count it in "
    "both groups.": lambda n, c: n // 2 + 1,
    "It is exactly half of n + accomplices where that is even: two groups of this size exist. More than half is needed.":
        lambda n, c: -(-(n + c) // 2),
    "That is half of all, rounded down: two disjoint groups of that size can sign two lists.": lambda n, c: n // 2,
    "That is larger than need be: two groups of t share at least 2 · t − n phones. This must be more than the "
    "accomplices, not twice as many.": lambda n, c: n // 2 + 1 + c,
    "All phones is safe, but then a single one that drops out ends the round. Fewer suffice.": lambda n, c: n,
    "Two thirds of all phones: that is the bound if a third of them may be accomplices. Here their number is given.":
        lambda n, c: 2 * n // 3 + 1,
    "More shares than there are accomplices is needed, but it is not enough: two groups of honest phones may be told two "
    "stories.": lambda n, c: c + 1,
    "Only the honest phones are counted, and an accomplice signs as well: it counts for both lists.":
        lambda n, c: (n - c) // 2 + 1,
}  # fmt: skip


def verify_threshold(threshold) -> None:
    """The smallest t for which no two groups of t clients share accomplices only."""
    got = []
    for n, c in COHORTS:
        with given(f"{n} phones, {c} accomplices"):
            value = expect_number(threshold(n, c))
        if value != int(value):
            raise NotYet(
                f"A threshold is a whole number; for {n} phones and {c} accomplices you say {value:g}."
            )
        got.append(int(value))
    right = [by_search(n, c) for n, c in COHORTS]
    if got == right:
        return
    for sentence, wrong in _WRONG_THRESHOLDS.items():
        if got == [wrong(n, c) for n, c in COHORTS]:
            raise NotYet(sentence)
    first = next(i for i in range(len(COHORTS)) if got[i] != right[i])
    n, c = COHORTS[first]
    raise NotYet(
        f"With {n} phones and {c} accomplices the smallest safe threshold is {right[first]}; you say {got[first]}."
        + (" Two groups of that size can sign two different lists." if two_lists(n, c, got[first]) else "")
    )


def two_lists(num_clients: int, accomplices: int, threshold: int) -> bool:
    """Whether honest clients can be parted so that each part, with all accomplices, reaches the threshold."""
    honest = num_clients - accomplices
    return any(
        part + accomplices >= threshold and honest - part + accomplices >= threshold
        for part in range(honest + 1)
    )


def by_search(num_clients: int, accomplices: int) -> int:
    """The smallest threshold for which no server can have two lists signed, by trying all."""
    return next(t for t in range(1, num_clients + 1) if not two_lists(num_clients, accomplices, t))


# What the exercises lend ---------------------------------------------------------------------------


def give_shares(held: Held, survivors: Collection[int], wanted: Mapping[int, str]) -> dict[int, object]:
    """Of a survivor the share of the seed, of any other the share of the key; or a violation."""
    for owner, kind in wanted.items():
        due = "seed" if owner in survivors else "key"
        if owner not in held or kind != due:
            raise ProtocolViolation(f"{kind} of phone {owner} is requested; {due} is all that may be")
    return {owner: held[owner][kind] for owner, kind in wanted.items()}


def smallest_threshold(num_phones: int, accomplices: int) -> int:
    """More than half of all, the accomplices counted twice."""
    return (num_phones + accomplices) // 2 + 1
