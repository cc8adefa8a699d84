"""One setting of the search: everything that decides privacy, accuracy and bytes, and nothing else."""

import math
from dataclasses import dataclass, replace

from course.privacy import Unit

UNITS = (Unit.CLIENT, Unit.EXAMPLE)


@dataclass(frozen=True)
class Setting:
    """What is agreed on before the first round.

    Attributes:
        unit: whose data the promise covers. CLIENT: all that one client holds. EXAMPLE: one digit.
        noise_multiplier: z ≥ 0; noise of standard deviation z · max_norm is added once to each round's sum.
        max_norm: C > 0. CLIENT: the norm that a client's update is clipped to. EXAMPLE: that of the gradient
            of each example.
        local_epochs: CLIENT: steps of a client over all its digits, ≥ 1. EXAMPLE: 1, because the noise is
            added once a round, and a second step would look at the digits again before there is any.
        sample_rate: q in (0, 1]. CLIENT: each client's chance to be in a round's cohort. EXAMPLE: each
            digit's chance to be in its client's batch; every client takes part in every round.
        rounds: ≥ 1.
    """

    unit: Unit
    noise_multiplier: float
    max_norm: float
    local_epochs: int
    sample_rate: float
    rounds: int

    def __post_init__(self) -> None:
        rules = {
            "unit is Unit.CLIENT or Unit.EXAMPLE": self.unit in UNITS,
            "noise_multiplier ≥ 0": 0 <= self.noise_multiplier < math.inf,
            "max_norm > 0": 0 < self.max_norm < math.inf,
            "local_epochs is a whole number ≥ 1": self.local_epochs == int(self.local_epochs) >= 1,
            "local_epochs is 1 where the unit is an example": self.unit is not Unit.EXAMPLE
            or self.local_epochs == 1,
            "0 < sample_rate ≤ 1": 0 < self.sample_rate <= 1,
            "rounds is a whole number ≥ 1": self.rounds == int(self.rounds) >= 1,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"a setting needs: {'; '.join(broken)}. Got {self}")

    @property
    def key(self) -> str:
        """The training that this setting belongs to: its name in the results, whatever the rounds."""
        return (
            f"{self.unit.value} z={self.noise_multiplier:g} C={self.max_norm:g} E={self.local_epochs} "
            f"q={self.sample_rate:g}"
        )

    def after(self, rounds: int) -> "Setting":
        """The same, stopped after so many rounds."""
        return replace(self, rounds=rounds)
