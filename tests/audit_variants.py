"""One vendor for each way in which the lab plants a flaw, and for each way to be sound; used by tests."""

import numpy as np

from course.audit_lab import Flaw, MarketingSheet, Vendor
from course.audit_lab.blueprint import (
    Blueprint,
    Dump,
    Loss,
    Meter,
    Noise,
    NoiseSeat,
    Sampler,
    draw_blueprint,
)

SHEET = MarketingSheet("Testers Ltd", "a test", "It tests.", ("Nothing leaves the test.",))
SERVER, DEVICES, LOCAL = NoiseSeat

SOUND = {
    "noise of the server": {"seat": SERVER, "loss": Loss.PUBLIC},
    "loss within the budget": {"seat": SERVER, "loss": Loss.NOISED},
    "log of masked messages in decimals": {"seat": SERVER, "dump": Dump.MASKED, "dump_format": "decimal"},
    "log of masked messages in hex": {"seat": SERVER, "dump": Dump.MASKED, "dump_format": "hex"},
    "log of masked messages in base64": {"seat": DEVICES, "dump": Dump.MASKED, "dump_format": "base64"},
    "paid in advance": {"seat": SERVER, "meter": Meter.PREPAID},
    "noise of the devices": {"seat": DEVICES, "loss": Loss.NOISED},
    "messages that can be seen": {"seat": LOCAL, "dump": Dump.MASKED, "dump_format": "decimal"},
}
"""What is asked of the draw; the rest of the vendor is as it comes."""

FLAWED = {
    "all in the open": (Flaw.PLAIN_AVERAGING, {"plain_every": 1}),
    "every second in the open": (Flaw.PLAIN_AVERAGING, {"plain_every": 2}),
    "every third in the open": (Flaw.PLAIN_AVERAGING, {"plain_every": 3}),
    "left over alone": (Flaw.COHORT_OF_ONE, {"by_region": False}),
    "alone in a region": (Flaw.COHORT_OF_ONE, {"by_region": True}),
    "8 bits": (Flaw.FOLDED_SEED, {"folded_bits": 8}),
    "12 bits": (Flaw.FOLDED_SEED, {"folded_bits": 12}),
    "no noise": (Flaw.NO_NOISE, {"noise": Noise.NONE}),
    "the same noise": (Flaw.NO_NOISE, {"noise": Noise.SAME}),
    "one round's ε, server": (Flaw.PER_ROUND_EPSILON, {"seat": SERVER}),
    "one round's ε, devices": (Flaw.PER_ROUND_EPSILON, {"seat": DEVICES}),
    "one round's ε, local": (Flaw.PER_ROUND_EPSILON, {"seat": LOCAL}),
    "renewed": (Flaw.NO_ACCOUNTING, {"meter": Meter.RENEWED}),
    "capped": (Flaw.NO_ACCOUNTING, {"meter": Meter.CAPPED}),
    "large ε, server": (Flaw.EMPTY_PROMISE, {"seat": SERVER}),
    "large ε, devices": (Flaw.EMPTY_PROMISE, {"seat": DEVICES}),
    "large ε, local": (Flaw.EMPTY_PROMISE, {"seat": LOCAL}),
    "mean loss": (Flaw.RAW_LOSS, {"loss": Loss.RAW_MEAN}),
    "worst loss": (Flaw.RAW_LOSS, {"loss": Loss.RAW_WORST}),
    "log in decimals": (Flaw.DEBUG_LOG, {"dump": Dump.RAW, "dump_format": "decimal"}),
    "log in hex, third rounds": (Flaw.DEBUG_LOG, {"dump": Dump.RAW_THIRD, "dump_format": "hex"}),
    "log in base64, clipped": (Flaw.DEBUG_LOG, {"dump": Dump.RAW_CLIPPED, "dump_format": "base64"}),
    "fixed size": (Flaw.NOT_POISSON, {"sampler": Sampler.FIXED}),
    "epochs": (Flaw.NOT_POISSON, {"sampler": Sampler.EPOCHS}),
    "epochs in pieces": (Flaw.NOT_POISSON, {"sampler": Sampler.VARYING_EPOCHS}),
}


def blueprint(flaws=(), **wanted) -> Blueprint:
    """The first blueprint with these flaws, from seed 0 on, that has all that is wanted."""
    for seed in range(5_000):
        drawn = draw_blueprint(frozenset(flaws), np.random.default_rng(seed))
        if all(getattr(drawn, name) == value for name, value in wanted.items()):
            return drawn
    raise AssertionError(f"the lab never draws {wanted} with {flaws}")


def vendor_of(drawn: Blueprint, *, seed: int = 5) -> Vendor:
    return Vendor(SHEET, drawn, seed=seed)
