"""Checkers of lesson 14 on choosing: what a situation asks of a tool, and which ε may be quoted."""

import itertools
import math
from collections.abc import Callable, Sequence

from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given

# 14.1 ---------------------------------------------------------------------------------------------

NEEDS = ("network", "secure sum", "dropouts", "noise at the server", "noise at the clients")
"""What a tool may have to bring, in the words that the answer uses."""


def needs(deployed: bool, phones: bool, server_trusted: bool, published: bool) -> set[str]:
    """Read the situation word by word; nobody is hidden from in a simulation."""
    if not deployed:
        return {"noise at the server"} if published else set()
    asked = {"network"}
    if not server_trusted:
        asked |= {"secure sum"} | ({"dropouts"} if phones else set())
    if published:
        asked.add("noise at the server" if server_trusted else "noise at the clients")
    return asked


SITUATIONS = tuple(itertools.product((True, False), repeat=4))
"""Deployed, phones, server trusted, published: all sixteen."""


def verify_needs(answer: Callable) -> None:
    """All sixteen situations; a mistake is named only when it explains every one of them."""
    got = {}
    for situation in SITUATIONS:
        with given(_in_words(situation)):
            got[situation] = _expect_words(answer(*situation))
    right = {situation: needs(*situation) for situation in SITUATIONS}
    if got == right:
        return
    for sentence, wrong in _WRONG_NEEDS.items():
        if got == {situation: wrong(*situation) for situation in SITUATIONS}:
            raise NotYet(sentence)
    situation = next(s for s in SITUATIONS if got[s] != right[s])
    raise NotYet(_difference(situation, got[situation], right[situation]))


def _in_words(situation: tuple[bool, ...]) -> str:
    names = ("deployed", "phones", "server_trusted", "published")
    return ", ".join(f"{name}={value}" for name, value in zip(names, situation, strict=True))


def _expect_words(value: object) -> set[str]:
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(value, str) or not isinstance(value, set | frozenset | list | tuple):
        raise NotYet(f"It returned a {type(value).__name__}; it should be a set of words.")
    for word in value:
        if word not in NEEDS:
            raise NotYet(f"{word!r} is none of the words; they are {', '.join(map(repr, NEEDS))}.")
    return set(value)


def _difference(situation: tuple[bool, ...], got: set[str], right: set[str]) -> str:
    said = []
    if right - got:
        said.append(f"{_listed(right - got)} is missing")
    if got - right:
        said.append(f"{_listed(got - right)} is not needed")
    return f"With {_in_words(situation)}: {', and '.join(said)}. {_reason((right ^ got).pop())}"


def _listed(words: set[str]) -> str:
    return " and ".join(f'"{word}"' for word in NEEDS if word in words)


def _reason(word: str) -> str:
    return {
        "network": "Clients on other people's machines are reached over a network; in a simulation nobody is.",
        "secure sum": "It hides each part from a server that may not see it.",
        "dropouts": "Phones vanish in the middle of a round, and only a secure sum breaks over that.",
        "noise at the server": "It protects those in the result from its readers, if the server may see the parts.",
        "noise at the clients": "Where the server may not see the parts, what it sees must be noisy already.",
    }[word]


def _plus(wrong: Callable) -> Callable:
    """The right answer, changed by `wrong(asked, deployed, phones, server_trusted, published)`."""
    return lambda *situation: wrong(set(needs(*situation)), *situation)


def _as_server(words: set[str]) -> set[str]:
    return {"noise at the server" if word == "noise at the clients" else word for word in words}


_WRONG_NEEDS = {
    "You take a secure sum for a privacy guarantee to those in it: whoever reads the published total needs no part. "
    "Published results need noise.":
        _plus(lambda a, d, p, t, out: a - {"noise at the clients"}),
    "Nothing of yours adds noise. A published result says something about each person in it, however it was computed.":
        _plus(lambda a, *s: a - {"noise at the clients", "noise at the server"}),
    "A server that may not see the parts cannot be the one that adds the noise: it would see the result without it.":
        _plus(lambda a, *s: _as_server(a)),
    "Noise takes the place of the secure sum in your answer. Shares of the noise protect the *sum*; each client's part "
    "has too little of it.":
        _plus(lambda a, d, p, t, out: a - {"secure sum", "dropouts"} if out else a),
    "You treat a simulation like a deployment. There all data are yours, in one process: there is no network, and no "
    "part to hide from yourself.":
        lambda d, p, t, out: needs(True, p, t, out),
    "In a simulation there is no server to hide from: the data are yours. Only what is published counts there.":
        lambda d, p, t, out: needs(True, p, t, out) - (set() if d else {"network"}),
    "You drop the noise in a simulation. What is published of it is about the same persons.":
        lambda d, p, t, out: needs(d, p, t, out) if d else set(),
    "A phone that vanishes from a plain average is missing, and nothing breaks. Only masks and shares in a secure sum "
    "need their owner back.":
        lambda d, p, t, out: needs(d, p, t, out) | ({"dropouts"} if d and p else set()),
    "In a secure sum a phone that vanishes leaves masks behind. With phones the tool must survive that.":
        _plus(lambda a, *s: a - {"dropouts"}),
    "Dropouts are asked of silos too in your answer; here they are the few that stay.":
        lambda d, p, t, out: needs(d, True, t, out),
    "You have phones and silos the wrong way round: phones are the ones that vanish.":
        lambda d, p, t, out: needs(d, not p, t, out),
    "A trusted server may see each part; you hide the parts from it, and show them to the one that is not trusted.":
        lambda d, p, t, out: needs(d, p, not t, out),
    "You add noise when nothing is published. Nobody outside reads the result then.":
        lambda d, p, t, out: needs(d, p, t, True),
    "Clients of other people are reached over a network; nothing in your answer asks for one.":
        _plus(lambda a, *s: a - {"network"}),
    "Federated learning alone hides no part: a server that may not see the updates needs a secure sum.":
        _plus(lambda a, *s: a - {"secure sum"}),
    "You ask for everything at all times. Each word costs accuracy, time or availability: ask for what is needed.":
        lambda *situation: set(NEEDS),
}  # fmt: skip

# 14.5 ---------------------------------------------------------------------------------------------

Result = tuple[str, str, float]
"""Accountant, what its number is ("upper bound", "lower bound" or "estimate"), and the ε."""


def quotable(results: Sequence[Result]) -> float | None:
    """The smallest upper bound, unless a lower bound refutes it."""
    upper = [epsilon for _, kind, epsilon in results if kind == "upper bound"]
    lower = [epsilon for _, kind, epsilon in results if kind == "lower bound"]
    if not upper or max(lower, default=0.0) > min(upper):
        return None
    return min(upper)


UP, LOW, GUESS = "upper bound", "lower bound", "estimate"
CASES = (
    (("A", UP, 2.10), ("B", UP, 1.83), ("C", GUESS, 1.62)),
    (("A", GUESS, 1.62), ("B", UP, 1.83), ("C", LOW, 1.70), ("D", UP, 2.10)),
    (("A", UP, 3.00), ("B", UP, 2.00), ("C", LOW, 2.50), ("D", GUESS, 2.60)),
    (("A", GUESS, 0.90), ("B", LOW, 0.40)),
    (("A", UP, 0.70), ("B", GUESS, 0.95)),
    (("A", LOW, 1.20), ("B", UP, 1.20)),
    (("A", UP, 4.00), ("B", LOW, 0.10), ("C", LOW, 3.00), ("D", UP, 3.50), ("E", UP, 6.00)),
    (("A", UP, 2.00), ("B", LOW, 1.00), ("C", LOW, 2.50)),
    (("A", LOW, 2.50), ("B", LOW, 1.00), ("C", UP, 2.00)),
    (),
)
"""Estimates below and above, a refuted bound, no bound at all, several lower bounds that refute or do not."""


def verify_quotable(answer: Callable) -> None:
    """The smallest upper bound that no lower bound refutes; None where there is none."""
    got = []
    for case in CASES:
        handed = [tuple(result) for result in case]
        with given(_shown(case)):
            got.append(_expect_epsilon_or_none(answer(handed)))
        if handed != [tuple(result) for result in case]:
            raise NotYet("It changes the list of results that it is given; whoever keeps it reads it again.")
    right = [quotable(case) for case in CASES]
    if all(map(_same, got, right)):
        return
    for sentence, wrong in _WRONG_QUOTES.items():
        if all(map(_same, got, map(wrong, CASES))):
            raise NotYet(sentence)
    first = next(i for i in range(len(CASES)) if not _same(got[i], right[i]))
    raise NotYet(f"From {_shown(CASES[first])} you quote {got[first]}; it should be {right[first]}.")


def _shown(case: Sequence[Result]) -> str:
    return ", ".join(f"{name}: {kind} {epsilon:g}" for name, kind, epsilon in case) or "no results"


def _expect_epsilon_or_none(value: object) -> float | None:
    return None if value is None else expect_number(value)


def _same(one: float | None, other: float | None) -> bool:
    """Equal up to the rounding of a float32, or both None."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-6)


def _of_kinds(pick: Callable, *kinds: str, refuted: bool = True) -> Callable:
    """A rule that picks among some kinds, with the right rule's refusal or without."""

    def rule(case: Sequence[Result]) -> float | None:
        chosen = [epsilon for _, kind, epsilon in case if kind in kinds]
        none = refuted and quotable(case) is None
        return pick(chosen) if chosen and not none else None

    return rule


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


_WRONG_QUOTES = {
    "An estimate is no promise: it may lie below the true ε. Quote upper bounds only.":
        _of_kinds(min, UP, GUESS),
    "You take the smallest number there is, whatever it means: a lower bound says what the ε is *at least*.":
        _of_kinds(min, UP, GUESS, LOW, refuted=False),
    "An estimate is no promise, and a refuted bound is none either: a lower bound above it shows that somebody is "
    "wrong.":
        _of_kinds(min, UP, GUESS, refuted=False),
    "The largest upper bound holds, and it gives away what the better accountants have proved: each bound holds by "
    "itself.":
        _of_kinds(max, UP),
    "The mean of upper bounds is a bound too, and a needlessly loose one: the smallest holds by itself.":
        _of_kinds(_mean, UP),
    "A lower bound above an upper bound means that one of the two is wrong. Then nothing may be quoted.":
        _of_kinds(min, UP, refuted=False),
    "You drop the refuted bound and quote another one. Who is wrong is not known, so nothing may be quoted until it is.":
        lambda case: min(
            (e for _, k, e in case if k == UP and e >= max((x for _, kind, x in case if kind == LOW), default=0)),
            default=None,
        ),
    "You hold the bound against the first lower bound only. The largest of them decides, wherever it stands.":
        lambda case: _one_lower(case, lambda lower: lower[0]),
    "You hold the bound against the last lower bound only. The largest of them decides, wherever it stands.":
        lambda case: _one_lower(case, lambda lower: lower[-1]),
    "You hold the bound against the smallest lower bound. The largest of them decides.":
        lambda case: _one_lower(case, min),
    "You quote a lower bound: it says what the ε is at least, and a promise says at most.":
        _of_kinds(max, LOW, refuted=False),
    "Equal bounds do not contradict each other: then the ε is known exactly.":
        lambda case: None if _meets(case) else quotable(case),
    "Any estimate makes you refuse. It promises nothing, and it refutes nothing: only a lower bound does.":
        lambda case: None if any(kind == GUESS for _, kind, _ in case) else quotable(case),
    "An estimate above a bound refutes nothing: only a lower bound does.":
        lambda case: None if _guess_above(case) else quotable(case),
}  # fmt: skip


def _one_lower(case: Sequence[Result], pick: Callable) -> float | None:
    """The smallest upper bound, unless the lower bound that `pick` takes is above it."""
    upper = [epsilon for _, kind, epsilon in case if kind == UP]
    lower = [epsilon for _, kind, epsilon in case if kind == LOW] or [0.0]
    return min(upper) if upper and pick(lower) <= min(upper) else None


def _meets(case: Sequence[Result]) -> bool:
    lower = [epsilon for _, kind, epsilon in case if kind == LOW]
    return bool(lower) and max(lower) == quotable(case)


def _guess_above(case: Sequence[Result]) -> bool:
    guesses = [epsilon for _, kind, epsilon in case if kind == GUESS]
    bound = quotable(case)
    return bound is not None and any(guess > bound for guess in guesses)
