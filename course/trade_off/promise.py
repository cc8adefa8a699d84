"""What a setting promises, and against whom: those who get the model, and the server."""

import numpy as np
from scipy import stats

from course.privacy import Adjacency, Ledger, PrivacyClaim, Unit, epsilon_spent
from course.trade_off.setting import Setting

ACCOUNTANT = "pld"
"""It resolves the small ε of the example level, where "prv" adds some percent for its own error."""

OFTEN_DRAWN = 0.99
"""The server's claim is for a client that is drawn as often as this share of clients at most is."""


class UnitsDiffer(ValueError):
    """Two promises have different units, so the one with the smaller ε need not be the stronger."""


def epsilon_of(setting: Setting, *, delta: float, accountant: str = ACCOUNTANT) -> float:
    """The ε of a run, against whoever gets its models and does not know who, or what, was drawn.

    Args:
        setting: the whole run.
        delta: 0 < δ < 1, of the whole run.
        accountant: "pld", "prv" or "rdp".

    Returns:
        ε in nats, under ADD_REMOVE of one `setting.unit`; infinite without noise.

    Guarantee: at CLIENT, one client's update moves a sum by at most C and is drawn by a coin of its own; at
        EXAMPLE, the same for one example. So each round is a Poisson-sampled Gaussian mechanism.
    Limits: max_norm, local_epochs and both learning rates do not occur: clipping makes them free. The units
        are not comparable: a client here is fifty examples.
    """
    return epsilon_spent(
        noise_multiplier=setting.noise_multiplier, sample_rate=setting.sample_rate, steps=setting.rounds,
        delta=delta, accountant=accountant,
    )  # fmt: skip


def epsilon_of_all_examples(setting: Setting, *, num_examples: int, delta: float) -> float:
    """What a promise per example is worth to a client, all of whose examples come or go together.

    Args:
        setting: of the example level.
        num_examples: that one client holds, ≥ 1.
        delta: 0 < δ < 1, of the whole run.

    Returns:
        ε in nats, under ADD_REMOVE of one client.

    Raises:
        ValueError: if the setting is not of the example level, or a number is out of its range.

    Guarantee: of the client's examples a binomial number k is drawn, and they move the sum by at most k · C.
        The privacy loss of that mixture of Gaussians is composed over the rounds. With one example it is
        `epsilon_of`.
    Limits: against those who do not know which examples were drawn.
    Source: Choquette-Choo et al. 2023, arXiv:2310.15526, Corollary 4.7 (lengths decide), by dp-accounting's
        `from_mixture_gaussian_mechanism`.
    """
    if setting.unit is not Unit.EXAMPLE or num_examples != int(num_examples) or num_examples < 1:
        raise ValueError(f"this counts whole clients at the example level; got {setting}, {num_examples!r}")
    # A heavy package, which nothing else here needs.
    from dp_accounting.pld.privacy_loss_distribution import from_mixture_gaussian_mechanism

    drawn = np.arange(num_examples + 1)
    chances = stats.binom.pmf(drawn, num_examples, setting.sample_rate)
    one_round = from_mixture_gaussian_mechanism(
        setting.noise_multiplier, drawn.astype(float), chances, value_discretization_interval=1e-3
    )
    return one_round.self_compose(setting.rounds).get_epsilon_for_delta(delta)


def rounds_drawn(setting: Setting) -> int:
    """In how many rounds a client takes part, at the most, with probability `OFTEN_DRAWN`.

    At EXAMPLE every client takes part in all of them.
    """
    if setting.unit is Unit.EXAMPLE:
        return setting.rounds
    return max(1, int(stats.binom.ppf(OFTEN_DRAWN, setting.rounds, setting.sample_rate)))


def enter(
    ledger: Ledger, setting: Setting, *, delta: float, name: str, accountant: str = ACCOUNTANT
) -> PrivacyClaim:
    """Write what `epsilon_of` says into a ledger, with its whole sentence."""
    return ledger.record(
        name, noise_multiplier=setting.noise_multiplier, unit=setting.unit, adjacency=Adjacency.ADD_REMOVE,
        sample_rate=setting.sample_rate, steps=setting.rounds, delta=delta, accountant=accountant,
    )  # fmt: skip


def enter_against_server(
    ledger: Ledger, setting: Setting, *, delta: float, name: str, accountant: str = ACCOUNTANT
) -> PrivacyClaim:
    """Write down what the promise is worth against the server, which asks the clients and sees noisy sums.

    At CLIENT the server knows every cohort, so no round is hidden among those that a client sat out: for a
    client that is drawn `rounds_drawn` times, that many unsampled rounds count, and the client may only be
    replaced, since everyone would notice it missing. At EXAMPLE the clients toss the coins where nobody sees
    them, so the server learns no more than anyone else.

    Limits: one client in a hundred is drawn more often and has less. The other clients' shares of the noise
        must really be in the sum; a client that adds none is not noticed. Replacing moves a sum by up to 2C;
        whoever only asks whether a client sent zeros instead faces about half of this ε. A client's
        neighbours in the secure sum know that it is in the cohort, too, in the rounds that they share.
    """
    if setting.unit is Unit.EXAMPLE:
        return enter(ledger, setting, delta=delta, name=name, accountant=accountant)
    return ledger.record(
        name, noise_multiplier=setting.noise_multiplier, unit=setting.unit, adjacency=Adjacency.REPLACE_ONE,
        steps=rounds_drawn(setting), delta=delta, accountant=accountant,
    )  # fmt: skip


def same_unit(settings: object, *, what: str) -> Unit:
    """The one unit of some settings.

    Raises:
        UnitsDiffer: if there are two.
        ValueError: if there is none.
    """
    units = {setting.unit for setting in settings}
    if not units:
        raise ValueError(f"{what} needs at least one setting")
    if len(units) > 1:
        raise UnitsDiffer(
            f"{what} would compare ε per {' with ε per '.join(sorted(unit.value for unit in units))}. "
            "They are promises about different things: choose the unit first, then compare within it"
        )
    return units.pop()
