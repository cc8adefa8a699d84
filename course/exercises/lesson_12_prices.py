"""Checkers of lesson 12 on what a setting costs: the bytes of a client, and ε with the right rate and steps."""

import functools
from collections.abc import Callable

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import expect_number, given
from course.privacy import Adjacency, Unit, epsilon_spent
from course.trade_off.setting import Setting

# 12.1 ---------------------------------------------------------------------------------------------


def client_bytes(setting: Setting, down: float, up: float) -> float:
    """Rounds × the chance to take part in one × its bytes; where the unit is an example, all clients take part."""
    chance = setting.sample_rate if setting.unit is Unit.CLIENT else 1.0
    return setting.rounds * chance * (down + up)


RUNS = (
    (Setting(Unit.CLIENT, 2.0, 0.5, 3, 0.06, 40), 7_880, 30_000),  # 2.4 rounds: not to be rounded.
    (Setting(Unit.EXAMPLE, 16.0, 3.0, 1, 0.2, 60), 9_000, 50_000),
    (Setting(Unit.CLIENT, 4.0, 1.0, 1, 1.0, 7), 1_000, 0),
)


def verify_bytes(count: Callable) -> None:
    """A client's expected bytes at both units, whatever else is in the setting."""
    got = []
    for setting, down, up in RUNS:
        with given(f"{setting}, down={down} and up={up}"):
            got.append(expect_number(count(setting, down, up)))
    right = [client_bytes(*run) for run in RUNS]
    _judge(got, right, _WRONG_BYTES, RUNS, "{:,.0f} bytes", tolerance=1e-9)


def _chance(setting: Setting) -> float:
    return setting.sample_rate if setting.unit is Unit.CLIENT else 1.0


_WRONG_BYTES = {
    "At example level the coins are tossed for *digits*, inside each client: every client takes part in every round.":
        lambda s, down, up: s.rounds * s.sample_rate * (down + up),
    "At client level a client takes part only when its coin says so: multiply by sample_rate.":
        lambda s, down, up: s.rounds * (down + up),
    "You have the two units the wrong way round: at client level the coin decides who takes part.":
        lambda s, down, up: s.rounds * (s.sample_rate if s.unit is Unit.EXAMPLE else 1.0) * (down + up),
    "Local epochs cost the client time and no bytes: nothing is sent between them.":
        lambda s, down, up: s.rounds * _chance(s) * s.local_epochs * (down + up),
    "You count what the client sends, and forget what it receives.":
        lambda s, down, up: s.rounds * _chance(s) * up,
    "You count what the client receives, and forget what it sends.":
        lambda s, down, up: s.rounds * _chance(s) * down,
    "You round to whole rounds. An expectation over coins need not be whole: 40 rounds at 0.06 are 2.4.":
        lambda s, down, up: round(s.rounds * _chance(s)) * (down + up),
    "That is one round; the client pays for all of them.": lambda s, down, up: _chance(s) * (down + up),
    "Bytes are asked, and that is megabytes.": lambda s, down, up: client_bytes(s, down, up) / 1e6,
    "Bytes are asked, and that is bits.": lambda s, down, up: client_bytes(s, down, up) * 8,
}  # fmt: skip


# 12.2 ---------------------------------------------------------------------------------------------


def epsilon_of(setting: Setting, delta: float) -> float:
    """One accountant over all rounds, with the rate at which the unit is drawn."""
    return _spent(setting.noise_multiplier, setting.sample_rate, setting.rounds, delta)


PROMISES = (
    (Setting(Unit.CLIENT, 1.2, 0.5, 3, 0.05, 40), 1e-5),
    (Setting(Unit.EXAMPLE, 3.0, 2.0, 1, 0.2, 30), 1e-6),
)
SLACK = 0.005
"""Of ε: what one accountant's numerical error may differ from that of another version of it."""


@functools.cache
def _spent(noise: float, rate: float, steps: int, delta: float, by: str = "pld") -> float:
    return epsilon_spent(noise_multiplier=noise, sample_rate=rate, steps=steps, delta=delta, accountant=by)


def verify_epsilon(epsilon: Callable) -> None:
    """ε of both units, by any one of our accountants."""
    got = []
    for setting, delta in PROMISES:
        with given(f"{setting} and delta={delta:g}"):
            got.append(expect_number(epsilon(setting, delta)))
    for by in ("pld", "rdp", "prv"):
        right = [_spent(s.noise_multiplier, s.sample_rate, s.rounds, delta, by) for s, delta in PROMISES]
        if np.allclose(got, right, rtol=SLACK, atol=0):
            return
    for sentence, wrong in _WRONG_EPSILONS.items():
        loosest = np.array([wrong(setting, delta, "rdp") for setting, delta in PROMISES])
        # The others take seconds, and their ε is never more than this, nor less than half of it by far.
        if (got > 1.01 * loosest).any() or (got < 0.4 * loosest).any():
            continue
        tightest = np.array([wrong(setting, delta, "pld") for setting, delta in PROMISES])
        if any(np.allclose(got, guess, rtol=SLACK, atol=0) for guess in (loosest, tightest)):
            raise NotYet(sentence)
    by_pld = np.array([epsilon_of(*promise) for promise in PROMISES])
    index = int(np.argmax(np.abs(got / by_pld - 1)))
    raise NotYet(
        f'For {PROMISES[index][0]} the accountant "pld" says {by_pld[index]:.3g}; you say {got[index]:.3g}. Which of '
        "its numbers does an accountant ask for?"
    )


def _replaced(s: Setting, delta: float, by: str) -> float:
    return epsilon_spent(
        noise_multiplier=s.noise_multiplier, sample_rate=s.sample_rate, steps=s.rounds, delta=delta,
        accountant="pld", adjacency=Adjacency.REPLACE_ONE,
    )  # fmt: skip


_WRONG_EPSILONS = {
    "You count each local epoch as a step. Noise is added once a round, whatever a client computes before: steps are "
    "rounds.": lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, s.rounds * s.local_epochs, d, by),
    "You multiply the noise by max_norm. The multiplier is noise *over* max_norm already: the norm cancels.":
        lambda s, d, by: _spent(s.noise_multiplier * s.max_norm, s.sample_rate, s.rounds, d, by),
    "You divide the noise by max_norm. The multiplier is a ratio to it already: the norm cancels.":
        lambda s, d, by: _spent(s.noise_multiplier / s.max_norm, s.sample_rate, s.rounds, d, by),
    "Every unit is drawn by a coin that the adversary does not see; you give that away with a rate of 1.":
        lambda s, d, by: _spent(s.noise_multiplier, 1.0, s.rounds, d, by),
    "At example level every *client* takes part, but the unit is an example, and that is drawn by a coin: its rate is "
    "sample_rate.": lambda s, d, by: _spent(
        s.noise_multiplier, s.sample_rate if s.unit is Unit.CLIENT else 1.0, s.rounds, d, by
    ),
    "That is one round. The same clients are asked again, so one accountant must see all rounds.":
        lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, 1, d, by),
    "You add up the ε of single rounds: safe, and far too much, since each pays for δ anew.":
        lambda s, d, by: s.rounds * _spent(s.noise_multiplier, s.sample_rate, 1, d, by),
    "You add up the ε of single rounds at δ / rounds: a promise, and far too loose. Give one accountant all the rounds.":
        lambda s, d, by: s.rounds * _spent(s.noise_multiplier, s.sample_rate, 1, d / s.rounds, by),
    "You divide δ by the rounds. It is the δ of the whole run.":
        lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, s.rounds, d / s.rounds, by),
    "You count only the rounds in which the unit is expected to take part. The coin may fall otherwise: give the "
    "accountant the rate, and all rounds.":
        lambda s, d, by: _spent(s.noise_multiplier, 1.0, round(s.rounds * s.sample_rate), d, by),
    "You count expected rounds *and* the rate: the coins are counted twice, and ε comes out too small.":
        lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, round(s.rounds * s.sample_rate), d, by),
    "You count a round too many: rounds is how often noise is added, the first one included.":
        lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, s.rounds + 1, d, by),
    "You count a round too few: rounds is how often noise is added, the last one included.":
        lambda s, d, by: _spent(s.noise_multiplier, s.sample_rate, s.rounds - 1, d, by),
    "Our clients join or stay away, so neighbours are ADD_REMOVE; you computed REPLACE_ONE.": _replaced,
}  # fmt: skip


def _judge(got, right, wrong_rules, cases, unit: str, *, tolerance: float) -> None:
    """Pass, or raise the sentence of the first rule that explains all answers, or the first difference."""
    if np.allclose(got, right, rtol=tolerance, atol=0):
        return
    for sentence, rule in wrong_rules.items():
        if np.allclose(got, [rule(*case) for case in cases], rtol=tolerance, atol=0):
            raise NotYet(sentence)
    index = int(np.argmax(~np.isclose(got, right, rtol=tolerance, atol=0)))
    raise NotYet(
        f"For {cases[index][0]} with {cases[index][1]:,} bytes down and {cases[index][2]:,} up in a round it should be "
        f"{unit.format(right[index])}; you say {unit.format(got[index])}."
    )
