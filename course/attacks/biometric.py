"""Attacks on an encrypted log-in, none of which breaks the encryption; the error rates of the log-in."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from course.attacks.roc import roc_curve
from course.crypto.encrypted_matching import Columns
from course.crypto.homomorphic import Encryptor, PublicKey, load


@dataclass(frozen=True)
class EqualError:
    """Where strangers accepted and owners refused are equally many.

    Attributes:
        rate: FAR = FRR there, in [0, 1], interpolated between thresholds.
        threshold: the lowest threshold whose FAR does not exceed its FRR.
    """

    rate: float
    threshold: float


def false_rates(
    genuine: np.ndarray, impostor: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """FAR and FRR at each threshold: strangers that score at least so much, owners that score less."""
    above = np.searchsorted(np.sort(impostor), thresholds, side="left")
    below = np.searchsorted(np.sort(genuine), thresholds, side="left")
    return 1 - above / len(impostor), below / len(genuine)


def equal_error_rate(genuine: np.ndarray, impostor: np.ndarray) -> EqualError:
    """The error rate at which FAR and FRR meet, and a threshold there.

    Args:
        genuine: scores of people against their own templates, 1-D.
        impostor: scores of people against others' templates, 1-D.

    Raises:
        ValueError: if one of them is empty or holds a NaN.

    Limits: a log-in is not run there: it takes a threshold with a FAR of one in thousands, and a higher FRR.
    """
    scores = np.concatenate([genuine, impostor])
    far, tpr = roc_curve(scores, np.arange(len(scores)) < len(genuine))
    gap = far - (1 - tpr)
    after = int(np.argmax(gap >= 0))
    part = gap[after] / (gap[after] - gap[after - 1])
    rate = far[after] + part * (far[after - 1] - far[after])
    thresholds = np.unique(scores)
    fars, frrs = false_rates(genuine, impostor, thresholds)
    reached = np.flatnonzero(fars <= frrs)
    return EqualError(float(rate), float(thresholds[reached[0]] if len(reached) else thresholds[-1]))


def threshold_for(impostor: np.ndarray, far: float) -> float:
    """The lowest threshold that accepts at most a share `far` of these strangers.

    Raises:
        ValueError: if `far` is not in [0, 1).
    """
    if not 0 <= far < 1:
        raise ValueError(f"far is {far}; it must be at least 0 and below 1")
    falling = np.sort(impostor)[::-1]
    return float(np.nextafter(falling[int(far * len(falling) + 1e-9)], np.inf))


def rerandomise(probe: Columns, public: PublicKey) -> Columns:
    """Other bytes for the same probe: an encrypted zero is added to each column. Needs the public key only.

    Limits of the defence that this breaks: a list of the bytes already seen does not recognise a replay.
    """
    context, encryptor = public.load(), Encryptor(public)
    fresh = []
    for column in probe.ciphertexts:
        vector = load(context, column, probe.num_people)
        vector += load(context, encryptor.encrypt(np.zeros(probe.num_people))[0])
        fresh.append(vector.serialize())
    return Columns(tuple(fresh), probe.num_people)


def on_the_boundary(
    accepts: Callable[[np.ndarray], bool], inside: np.ndarray, outside: np.ndarray, steps: int
) -> np.ndarray:
    """The last accepted unit vector between an accepted and a refused one, found by halving the arc.

    Args:
        accepts: the log-in's yes or no to a unit vector.
        inside, outside: unit vectors, the one accepted and the other refused, not opposite.
        steps: questions asked; each halves what is left of the arc.
    """
    for _ in range(steps):
        middle = inside + outside
        middle = middle / np.linalg.norm(middle)
        if accepts(middle):
            inside = middle
        else:
            outside = middle
    return inside


@dataclass(frozen=True, eq=False)
class StolenTemplate:
    """A template rebuilt from answers, as a unit vector, and how many questions that took."""

    template: np.ndarray = field(repr=False)
    questions: int


def template_from_answers(
    accepts: Callable[[np.ndarray], bool],
    start: np.ndarray,
    *,
    rng: np.random.Generator,
    steps: int = 20,
    boundary: Callable[..., np.ndarray] = on_the_boundary,
) -> StolenTemplate:
    """Rebuild a template from yes and no alone, given one probe that is accepted.

    All points of the boundary have the same cosine with the template; as many of them as there are
    coordinates are linear equations that leave one direction.

    Args:
        accepts: yes or no to a unit vector, shape (dimension,).
        start: accepted.
        rng: draws the directions.
        steps: questions for each of the `dimension` boundary points.

    Raises:
        ValueError: if `start` is not accepted.

    Limits: about steps · dimension questions, which a limit on tries stops; a noisy answer needs more of
        them.
    Source: the equations are elementary; that scores and answers give templates away was shown by Adler 2003
        and since then by many.
    """
    asked = 0

    def ask(vector: np.ndarray) -> bool:
        nonlocal asked
        asked += 1
        return accepts(vector)

    if not ask(start):
        raise ValueError("the starting probe is not accepted; try other people's first")
    points = []
    while len(points) < len(start):
        stranger = rng.normal(size=len(start))
        stranger /= np.linalg.norm(stranger)
        if not ask(stranger):
            points.append(boundary(ask, start, stranger, steps))
    solution = np.linalg.lstsq(np.array(points), np.ones(len(points)), rcond=None)[0]
    return StolenTemplate(solution / np.linalg.norm(solution), asked)


def invert_templates(
    templates: np.ndarray,
    *,
    public_embeddings: np.ndarray,
    public_pictures: np.ndarray,
    ridge: float = 1e-3,
) -> np.ndarray:
    """Pictures from templates, by a linear map learned from other pictures and their embeddings.

    Args:
        templates: shape (people, dimension).
        public_embeddings, public_pictures: shape (n, dimension) and (n, pixels): the attacker's own pictures,
            put through the same network.
        ridge: > 0, strength of the penalty, relative to the embeddings' mean square.

    Returns:
        Shape (people, pixels), in the units of `public_pictures`.

    Limits: linear, so blurred; a trained decoder does better (Mai et al. 2019, for faces).
    Source: ridge regression; Mai, Cao, Yuen and Jain 2019, IEEE TPAMI 41(5), shows the attack on deep face
        templates.
    """
    centre, mean = public_embeddings.mean(axis=0), public_pictures.mean(axis=0)
    inputs = public_embeddings - centre
    penalty = ridge * np.trace(inputs.T @ inputs) / inputs.shape[1] * np.eye(inputs.shape[1])
    weights = np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ (public_pictures - mean))
    return (templates - centre) @ weights + mean
