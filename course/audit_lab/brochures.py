"""Names and brochures. How good a brochure sounds is drawn without a look at what the vendor does."""

import numpy as np

from course.audit_lab.records import MarketingSheet

FIRST = (
    "Larkspur", "Fernhollow", "Tarn", "Quillon", "Marrowby", "Osier", "Peregrim", "Saltmarsh", "Thimble",
    "Umberfield", "Verdigrove", "Wickerby", "Yarrowell", "Brackenden", "Coppice", "Dunlinga", "Eiderby",
    "Gorsefold",
)  # fmt: skip
SECOND = ("Analytics", "Keys", "Health", "Mobile", "Learning", "Signals", "Labs", "Insight")
"""Invented; a likeness to a real company is chance."""

PRODUCTS = (
    "a keyboard that learns from its typists",
    "a watch that learns to see an irregular heartbeat",
    "a model of hospital waiting times, learned at the hospitals",
    "a fraud detector that banks train together",
    "a voice that learns from its speakers",
    "a forecast of charging times, learned on cars",
)

BOLD_TAGLINES = (
    "Your data never leaves the device.",
    "Privacy you do not have to think about.",
    "Mathematically proven privacy, by design.",
    "Zero-trust learning, end to end.",
    "All of the insight, none of the data.",
)
BOLD_CLAIMS = (
    "Raw data stay on the device, always: there is nothing to steal.",
    "Bank-grade encryption from the phone to the cloud.",
    "Differential privacy, the gold standard of the field.",
    "Designed with experts in cryptography from three universities.",
    "Compliant by architecture: your lawyers will love it.",
    "We could not look at your data if we wanted to.",
    "Certified, audited, trusted by millions of devices.",
    "Your privacy budget is managed for you, automatically.",
    "State-of-the-art secure aggregation in every round.",
)

MODEST_TAGLINES = (
    "It learns from people, so something about people can be learned.",
    "Less accurate than pooled training, and we say so.",
    "We promise what is in the annex, and nothing else.",
    "Private within limits.",
)
MODEST_CLAIMS = (
    "Each device sends a message to our server in every round that it takes part in.",
    "Our server keeps a log of every round, which our engineers read.",
    "A loss is published after every round.",
    "Cohorts may be small: we do not wait for thousands of devices.",
    "The noise costs accuracy, and we do not switch it off for anybody.",
    "There is a privacy loss in every round, and it adds up.",
    "Randomness comes from software, not from a special chip.",
    "We do not call our system anonymous.",
    "Some rounds are run with few people, and some may fail.",
)
"""True of every sound vendor here, and none of it a flaw."""


def draw_sheets(num: int, rng: np.random.Generator, *, modest: np.ndarray) -> list[MarketingSheet]:
    """Brochures with different names.

    Args:
        num: how many.
        modest: bool, shape (num,): whether each admits limits or boasts.
    """
    firsts = rng.choice(FIRST, size=num, replace=False)
    sheets = []
    for first, plain in zip(firsts, modest, strict=True):
        taglines, claims = (MODEST_TAGLINES, MODEST_CLAIMS) if plain else (BOLD_TAGLINES, BOLD_CLAIMS)
        sheets.append(
            MarketingSheet(
                vendor=f"{first} {rng.choice(SECOND)}",
                product=str(rng.choice(PRODUCTS)),
                tagline=str(rng.choice(taglines)),
                claims=tuple(str(text) for text in rng.choice(claims, size=4, replace=False)),
            )
        )
    return sheets
