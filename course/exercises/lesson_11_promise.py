"""Checkers of lesson 11 on the promise: write before you send, and what ε means to a patient."""

import math
from collections.abc import Callable

from course import hospital
from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given
from course.hospital import BudgetSpent

# 11.4 ---------------------------------------------------------------------------------------------


def take_part(budget: object, release: dict, make_update: Callable, send: Callable) -> bool:
    """Write the round down, then send; if the budget refuses, send nothing."""
    try:
        budget.spend(**release)
    except BudgetSpent:
        return False
    send(make_update())
    return True


RELEASE = {"run": "study", "round_index": 3, "noise_multiplier": 4.0, "sample_rate": 0.5}


class _Record:
    """A budget and a post office that write down, in one list, what happens to them."""

    def __init__(self, *, refuses: Exception | None = None, loses: bool = False) -> None:
        self.events: list[str] = []
        self.spent_with: list[dict] = []
        self.sent: list[object] = []
        self.refuses, self.loses = refuses, loses
        self.hospital, self.epsilon, self.epsilon_limit, self.delta = "A", 0.9, 1.0, 1e-4
        self.releases = ()

    def can_pay(self, **how: float) -> bool:
        return self.refuses is None

    def rounds_left(self, **how: float) -> int:
        return 0 if self.refuses else 5

    def spend(self, **release: object) -> float:
        self.events.append("spend")
        self.spent_with.append(release)
        if self.refuses is not None:
            raise self.refuses
        return 0.95

    def make_update(self) -> str:
        return "the update"

    def send(self, update: object) -> None:
        self.events.append("send")
        self.sent.append(update)
        if self.loses:
            raise ConnectionError("the line is dead")


def verify_take_part(take: Callable) -> None:
    """Spend, then send; refused: nothing leaves; the disk fails: nothing leaves; the line dies: no second try."""
    usual = _Record()
    with given("a budget that has room"):
        release = dict(RELEASE)
        answer = take(usual, release, usual.make_update, usual.send)
    _expect_order(usual, answer)
    if release != RELEASE:
        raise NotYet("Your function changed the release that it was given; whoever keeps it reads it again.")
    spent = _Record(refuses=BudgetSpent("A: the limit is 1"))
    _expect_refusal(take, spent)
    broken = _Record(refuses=OSError("no space left on device"))
    try:
        answer = take(broken, dict(RELEASE), broken.make_update, broken.send)
    except OSError:
        answer = None
    if broken.sent:
        raise NotYet(
            "The disk was full, so the round was never written down, and you sent the update all the same. Catch "
            "BudgetSpent alone, and let any other error stop you."
        )
    if answer is not None and answer is not False:
        raise NotYet(
            "The disk was full and nothing was sent; you return True, as if the hospital had taken part."
        )
    _expect_no_second_try(take)


def _expect_order(record: _Record, answer: object) -> None:
    if "spend" not in record.events and not record.sent:
        raise NotYet(
            "Nothing is written down and nothing is sent: call budget.spend(**release), then send(…)."
        )
    if "spend" not in record.events:
        raise NotYet("You never call budget.spend: the next run will know nothing of this round.")
    if record.events.count("spend") > 1:
        raise NotYet("You spend twice for one update.")
    if not record.sent:
        raise NotYet("There was room in the budget, and nothing was sent.")
    if record.spent_with[0] != RELEASE:
        raise NotYet(
            "The release that is written down is not the one that was given: budget.spend(**release)."
        )
    if record.sent != ["the update"]:
        raise NotYet("What is sent is not the update. make_update is a function: send(make_update()).")
    if record.events != ["spend", "send"]:
        raise NotYet(
            "You send first and write afterwards. If the machine dies in between, the update is out and the file "
            "knows nothing: it under-counts. Write first."
        )
    if answer is None:
        raise NotYet("It returned None; return True if the hospital took part.")
    if answer is not True:
        raise NotYet(f"The hospital took part, and you return {answer!r}; return True.")


def _expect_refusal(take: Callable, record: _Record) -> None:
    try:
        answer = take(record, dict(RELEASE), record.make_update, record.send)
    except BudgetSpent:
        raise NotYet(
            "The budget refuses by raising BudgetSpent, and your function lets it through: the hospital crashes instead "
            "of sitting out. Catch it and return False."
        ) from None
    if record.sent:
        raise NotYet("The budget refused (it raised BudgetSpent), and you sent the update all the same.")
    if answer is not False:
        raise NotYet(f"The hospital sat the round out, and you return {answer!r}; return False.")


def _expect_no_second_try(take: Callable) -> None:
    dead = _Record(loses=True)
    try:
        answer = take(dead, dict(RELEASE), dead.make_update, dead.send)
    except ConnectionError:
        answer = None
    if dead.events.count("send") > dead.events.count("spend"):
        raise NotYet(
            "The line died and you sent again without writing it down. The first may have arrived: a second update is a "
            "second release."
        )
    if answer is True:
        raise NotYet("The line died, and you return True: let the error through, or return False.")


# 11.5 ---------------------------------------------------------------------------------------------


def best_guess(epsilon: float, delta: float) -> float:
    """The library's own, with the lesson's positional arguments."""
    return hospital.best_guess(epsilon, delta=delta)


PROMISES = ((0.0, 0.0), (1.0, 0.0), (3.0, 1e-4), (0.5, 0.2), (8.0, 1e-4), (0.0, 0.1))


def verify_best_guess(guess: Callable) -> None:
    """(e^ε + δ) / (1 + e^ε), also where e^ε overflows."""
    got = []
    for epsilon, delta in PROMISES:
        with given(f"ε {epsilon:g} and δ {delta:g}"):
            got.append(expect_number(guess(epsilon, delta)))
    right = [best_guess(epsilon, delta) for epsilon, delta in PROMISES]
    if not _all_close(got, right):
        for sentence, wrong in _WRONG_GUESSES.items():
            if _all_close(got, [wrong(epsilon, delta) for epsilon, delta in PROMISES]):
                raise NotYet(sentence)
        index = next(i for i in range(len(got)) if not _all_close(got[i : i + 1], right[i : i + 1]))
        epsilon, delta = PROMISES[index]
        raise NotYet(
            f"At ε {epsilon:g} and δ {delta:g} the best guesser is right with probability {right[index]:.4f}; you say "
            f"{got[index]:.4f}."
        )
    try:
        huge = expect_number(guess(800.0, 1e-4))
    except (OverflowError, RuntimeWarning, NotYet):
        raise NotYet(
            "e^800 does not fit into a float, and your function stops. Divide by e^ε: 1 / (1 + e^−ε)."
        ) from None
    if not 1 - 1e-9 <= huge <= 1:
        raise NotYet(
            f"At ε 800 nothing is promised, so the guesser is right with probability 1; you say {huge:.4g}."
        )


def _all_close(got: list[float], expected: list[float]) -> bool:
    return all(abs(a - b) <= 1e-6 for a, b in zip(got, expected, strict=True))


_WRONG_GUESSES = {
    "δ is missing: with probability δ the outcome may tell all.": lambda e, d: math.exp(e) / (1 + math.exp(e)),
    "Odds are not a probability: odds of e^ε to 1 are e^ε / (1 + e^ε).": lambda e, d: math.exp(e) / 2,
    "Those are the odds, e^ε to 1. As a probability they are e^ε / (1 + e^ε), and δ comes on top.":
        lambda e, d: math.exp(e),
    "That is the probability to be *wrong*.": lambda e, d: 1 - (math.exp(e) + d) / (1 + math.exp(e)),
    "That is the advantage over 50 %. Add what a coin gets.":
        lambda e, d: (math.exp(e) + d) / (1 + math.exp(e)) - 0.5,
    "That is twice the advantage, (true positives − false positives); the share of right guesses is asked.":
        lambda e, d: 2 * (math.exp(e) + d) / (1 + math.exp(e)) - 1,
    "You add all of δ: with odds of e^ε to 1 only a share 1 / (1 + e^ε) of it counts.":
        lambda e, d: min(1.0, math.exp(e) / (1 + math.exp(e)) + d),
    "You add half of δ: what is added is the share of δ that would have been guessed wrongly, 1 / (1 + e^ε).":
        lambda e, d: math.exp(e) / (1 + math.exp(e)) + d / 2,
    "1 − e^−ε is no probability to guess right: at ε = 0 it would be 0, and a coin gets a half.":
        lambda e, d: 1 - math.exp(-e),
    "You capped 50 % · e^ε at one. The guesser's odds grow by e^ε, not the probability.":
        lambda e, d: min(1.0, math.exp(e) / 2),
}  # fmt: skip
