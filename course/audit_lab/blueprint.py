"""How a vendor is built, part by part, and how a lab draws its vendors from a seed."""

import functools
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from course.audit_lab.findings import Flaw
from course.audit_lab.records import Annex
from course.privacy import Adjacency, Unit, noise_for

NORM_STEPS = 2**16
"""Into how many whole steps a clipping norm is cut for the secure sum."""

DELTA = 1e-5
ACCOUNTANT = "rdp"
LOSS_SHARE = 0.1
"""Where a loss is published with noise, this share of the privacy loss (of 1 / multiplier²) goes to it."""


SUMS_ONLY = "nothing but sums over cohorts of at least two clients"


class NoiseSeat(Enum):
    """Who adds the noise, in the words of the annex."""

    SERVER = "by our server, once, to the sum of a round before it is published"
    DEVICES = "by the devices, a share each, so that each sum has all of it"
    LOCAL = "by each device, in full, to its own message"


class Noise(Enum):
    """What the noise of a round is."""

    FRESH = "new in every round"
    SAME = "the same in every round"
    NONE = "none"


class Loss(Enum):
    """Of what the published loss is."""

    PUBLIC = "of the published model on public examples"
    NOISED = "sum of the clients' losses with noise of its own, over the expected number of clients"
    RAW_MEAN = "mean of the clients' losses"
    RAW_WORST = "the largest of the clients' losses"


class Dump(Enum):
    """When the log has payload lines, and of what."""

    NEVER = "never"
    MASKED = "messages as they arrive, every round"
    MASKED_THIRD = "messages as they arrive, every third round"
    RAW = "updates, every round"
    RAW_THIRD = "updates, every third round"
    RAW_CLIPPED = "updates that had to be clipped"


class Sampler(Enum):
    """How cohorts are drawn."""

    POISSON = "a coin for each client"
    FIXED = "always the same number"
    EPOCHS = "through a shuffled list, always the same number"
    VARYING_EPOCHS = "through a shuffled list, in pieces of random size"


class Meter(Enum):
    """What the vendor reports as spent."""

    HONEST = "what the rounds so far cost"
    PREPAID = "what all rounds will cost, from the first on"
    ONE_ROUND = "what one round costs"
    RENEWED = "starts from 0 again after the last round that was paid for"
    CAPPED = "stays where the budget ends"


@dataclass(frozen=True)
class Blueprint:
    """All that a vendor does. Nobody but the lab reads it.

    Attributes:
        flaws: what is wrong with it.
        annex: what it promises.
        seat, noise: of the noise.
        noise_multiplier: of the whole round: what the meter counts with.
        by_region, lonely: see `split_into_cohorts`.
        plain_every: 0 nobody sends its vector as it is, 1 everybody, k those whose id k divides.
        folded_bits: see `secure_cohort`.
        loss, dump, sampler, meter: what they are.
        dump_format: "decimal", "hex" or "base64".
        stops: whether it refuses rounds beyond those of the annex.
    """

    annex: Annex
    noise_multiplier: float
    seat: NoiseSeat = NoiseSeat.SERVER
    noise: Noise = Noise.FRESH
    by_region: bool = False
    lonely: bool = False
    plain_every: int = 0
    folded_bits: int | None = None
    loss: Loss = Loss.PUBLIC
    dump: Dump = Dump.NEVER
    dump_format: str = "hex"
    sampler: Sampler = Sampler.POISSON
    meter: Meter = Meter.HONEST
    stops: bool = True
    flaws: frozenset[Flaw] = frozenset()


SERVER_ONLY = {
    Flaw.PLAIN_AVERAGING, Flaw.COHORT_OF_ONE, Flaw.FOLDED_SEED, Flaw.NO_NOISE, Flaw.NOT_POISSON,
}  # fmt: skip
"""Flaws that are planted only where the server adds the noise, so that each shows by itself."""

AGGREGATION = {Flaw.PLAIN_AVERAGING, Flaw.COHORT_OF_ONE, Flaw.FOLDED_SEED}
ACCOUNTING = {Flaw.NO_ACCOUNTING, Flaw.PER_ROUND_EPSILON, Flaw.EMPTY_PROMISE}


def goes_with(flaw: Flaw, other: Flaw) -> bool:
    """Whether one vendor may have both flaws, and both can still be told."""
    both = {flaw, other}
    two_of_a_kind = len(both) < 2 or both <= AGGREGATION or both <= ACCOUNTING
    # Without noise there is no ε to state wrongly; and a log of messages that can be read is two in one.
    no_epsilon = Flaw.NO_NOISE in both and bool(both & ACCOUNTING)
    two_in_one = Flaw.DEBUG_LOG in both and bool(both & AGGREGATION)
    return not (two_of_a_kind or no_epsilon or two_in_one)


def draw_blueprint(flaws: frozenset[Flaw], rng: np.random.Generator) -> Blueprint:
    """A vendor with these flaws and no others, the rest of it drawn at random."""
    seats = [NoiseSeat.SERVER] if flaws & SERVER_ONLY else list(NoiseSeat)
    seat = seats[rng.choice(len(seats), p=None if len(seats) == 1 else (0.4, 0.3, 0.3))]
    sound = _sound(flaws, seat, rng)
    # In the order of the enum: that of a set changes from process to process, and so would the draws.
    for flaw in Flaw:
        if flaw in flaws:
            sound = _PLANT[flaw](sound, rng)
    return replace(sound, flaws=flaws)


def _sound(flaws: frozenset[Flaw], seat: NoiseSeat, rng: np.random.Generator) -> Blueprint:
    epsilon = _pick(rng, (1.0, 2.0) if Flaw.PER_ROUND_EPSILON in flaws else (1.0, 2.0, 4.0))
    if Flaw.EMPTY_PROMISE in flaws:
        epsilon = _pick(rng, (30.0, 50.0))
    rounds = _pick(rng, (10, 12, 15))
    sample_rate = _pick(rng, (0.1, 0.2)) if seat is NoiseSeat.SERVER else 1.0
    adjacency = Adjacency.ADD_REMOVE if seat is NoiseSeat.SERVER else Adjacency.REPLACE_ONE
    paid_for = 1 if Flaw.PER_ROUND_EPSILON in flaws else rounds
    norm = _pick(rng, (0.5, 1.0, 2.0, 5.0))
    sees = "each device's message, which the device has noised" if seat is NoiseSeat.LOCAL else SUMS_ONLY
    annex = Annex(
        epsilon=epsilon, delta=DELTA, unit=Unit.CLIENT, adjacency=adjacency, rounds=rounds,
        sample_rate=sample_rate, population=_pick(rng, (200, 250, 300)), max_update_norm=norm,
        accountant=ACCOUNTANT, cohort_size=_pick(rng, (4, 5, 6)), smallest_cohort=2, noise_added=seat.value,
        server_sees=sees, step=norm / NORM_STEPS,
    )  # fmt: skip
    quiet = bool(flaws & AGGREGATION)
    return Blueprint(
        annex=annex,
        noise_multiplier=_noise_for(epsilon, sample_rate, paid_for, adjacency),
        seat=seat,
        by_region=_pick(rng, (True, False)),
        plain_every=1 if seat is NoiseSeat.LOCAL else 0,
        # Where nobody but the devices adds noise, nobody else may see a client's loss without noise.
        loss=Loss.PUBLIC if seat is NoiseSeat.LOCAL else _pick(rng, (Loss.PUBLIC, Loss.NOISED)),
        dump=Dump.NEVER if quiet else _pick(rng, (Dump.NEVER, Dump.MASKED, Dump.MASKED_THIRD)),
        dump_format=_pick(rng, ("decimal", "hex", "base64")),
        meter=_pick(rng, (Meter.HONEST, Meter.PREPAID)),
    )


def _lonely(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, lonely=True)


def _plain(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, plain_every=_pick(rng, (1, 2, 3)))


def _folded(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, folded_bits=_pick(rng, (8, 10, 12)))


def _noiseless(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, noise=_pick(rng, (Noise.NONE, Noise.SAME)))


def _per_round(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, meter=Meter.ONE_ROUND)


def _endless(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, stops=False, meter=_pick(rng, (Meter.RENEWED, Meter.CAPPED)))


def _raw_loss(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, loss=_pick(rng, (Loss.RAW_MEAN, Loss.RAW_WORST)))


def _debug_log(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, dump=_pick(rng, (Dump.RAW, Dump.RAW_THIRD, Dump.RAW_CLIPPED)))


def _other_sampler(sound: Blueprint, rng: np.random.Generator) -> Blueprint:
    return replace(sound, sampler=_pick(rng, (Sampler.FIXED, Sampler.EPOCHS, Sampler.VARYING_EPOCHS)))


_PLANT = {
    Flaw.PLAIN_AVERAGING: _plain,
    Flaw.COHORT_OF_ONE: _lonely,
    Flaw.FOLDED_SEED: _folded,
    Flaw.NO_NOISE: _noiseless,
    Flaw.PER_ROUND_EPSILON: _per_round,
    Flaw.NO_ACCOUNTING: _endless,
    Flaw.EMPTY_PROMISE: lambda sound, rng: sound,  # Its ε is large, and that is all.
    Flaw.RAW_LOSS: _raw_loss,
    Flaw.DEBUG_LOG: _debug_log,
    Flaw.NOT_POISSON: _other_sampler,
}


def draw_flaws(rng: np.random.Generator, *, num_sound: int) -> list[frozenset[Flaw]]:
    """The flaws of each vendor: every flaw once, some vendors with a second one, and sound ones; shuffled."""
    flaws = [frozenset({flaw}) for flaw in Flaw]
    for place in rng.choice(len(flaws), size=int(rng.integers(0, 4)), replace=False):
        (first,) = flaws[place]
        second = _pick(rng, [flaw for flaw in Flaw if goes_with(first, flaw)])
        flaws[place] = frozenset({first, second})
    flaws += [frozenset()] * num_sound
    return [flaws[place] for place in rng.permutation(len(flaws))]


@functools.lru_cache(maxsize=256)
def _noise_for(epsilon: float, sample_rate: float, steps: int, adjacency: Adjacency) -> float:
    return noise_for(
        epsilon, delta=DELTA, sample_rate=sample_rate, steps=steps, accountant=ACCOUNTANT, adjacency=adjacency
    )


def _pick(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]
