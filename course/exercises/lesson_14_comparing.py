"""Checkers of lesson 14 on comparing: models that should be the same, and draws that should have one distribution."""

import copy
import itertools
import math
import numbers
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats
from torch import Tensor

from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.probe import given

Model = Mapping[str, list]
Pairs = list[tuple[str, str]]

# 14.2 ---------------------------------------------------------------------------------------------


def furthest_apart(models: Mapping[str, Model]) -> float:
    """Compare each pair, each array, each number; what cannot be compared is infinitely far apart."""
    furthest = 0.0
    for first, second in itertools.combinations(models.values(), 2):
        if first.keys() != second.keys():
            return math.inf
        for name in first:
            left, right = np.asarray(first[name], dtype=float), np.asarray(second[name], dtype=float)
            if left.shape != right.shape or not (np.isfinite(left).all() and np.isfinite(right).all()):
                return math.inf
            furthest = max(furthest, float(np.abs(left - right).max(initial=0.0)))
    return furthest


def _model(*, move: float = 0.0, at: tuple[int, int] = (0, 0), bias: float = 0.0, seed: int = 0) -> Model:
    weights = np.random.default_rng(seed).normal(size=(3, 2))
    weights[at] += move
    return {"weights": weights.tolist(), "bias": [0.5, -0.25 + bias]}


TOGETHER = {
    "one model in three tools": {"A": _model(), "B": _model(), "C": _model()},
    "the second differs by 0.002 and the third by −0.003 in one weight":
        {"A": _model(), "B": _model(move=0.002), "C": _model(move=-0.003)},
    "one weight smaller by 0.04 in the first": {"A": _model(move=-0.04, at=(2, 1)), "B": _model()},
    "one weight larger by 0.04 in the first": {"A": _model(move=0.04, at=(2, 1)), "B": _model()},
    "a bias that differs by 0.3": {"A": _model(), "B": _model(), "C": _model(bias=0.3)},
    "two biases that differ by 0.7": {"A": _model(bias=0.7), "B": _model()},
    "the first and the last 0.06 apart, and the second between them":
        {"A": _model(move=-0.03), "B": _model(), "C": _model(move=0.03)},
    "one weight 0.3 and one bias 0.4 larger in the second":
        {"A": _model(), "B": _model(move=0.3, bias=0.4)},
    "the same model, its bias named first in the second":
        {"A": _model(), "B": dict(reversed(_model().items()))},
    "the last two 0.5 apart": {"A": _model(), "B": _model(move=0.25), "C": _model(move=-0.25)},
}  # fmt: skip
APART = {
    "a NaN in the second": {"A": _model(), "B": _model(move=math.nan), "C": _model()},
    "a NaN in all of them": {"A": _model(move=math.nan), "B": _model(move=math.nan)},
    "a NaN in the bias of the last": {"A": _model(), "B": _model(), "C": _model(bias=math.nan)},
    "an infinite weight in both": {"A": _model(move=math.inf), "B": _model(move=math.inf)},
    "weights of shape (3, 2) and of shape (2, 3)":
        {"A": _model(), "B": _model() | {"weights": np.transpose(_model()["weights"]).tolist()}},
    "a bias of shape (2,) and one of shape (1,)": {"A": _model(), "B": _model() | {"bias": [0.5]}},
    "a bias of shape (2,) and one of shape (1, 2)": {"A": _model(), "B": _model() | {"bias": [[0.5, -0.25]]}},
    "no bias in the second": {"A": _model(), "B": {"weights": _model()["weights"]}},
    "no bias in the first": {"A": {"weights": _model()["weights"]}, "B": _model()},
    "a bias that the second calls offset":
        {"A": _model(), "B": {"weights": _model()["weights"], "offset": _model()["bias"]}},
}  # fmt: skip


def verify_furthest_apart(answer: Callable) -> None:
    """The largest difference of any two; infinite where models cannot be compared."""
    got = [_distance(answer, name, models) for name, models in TOGETHER.items()]
    right = [furthest_apart(models) for models in TOGETHER.values()]
    if not np.allclose(got, right, rtol=1e-6, atol=1e-12):
        for sentence, wrong in _WRONG_DISTANCES.items():
            if np.allclose(got, [wrong(models) for models in TOGETHER.values()], rtol=1e-6, atol=1e-12):
                raise NotYet(sentence)
        index = int(np.argmax(~np.isclose(got, right, rtol=1e-6, atol=1e-12)))
        raise NotYet(
            f"With {list(TOGETHER)[index]} the furthest two are {right[index]:.4g} apart; you say {got[index]:.4g}."
        )
    for name, models in APART.items():
        distance = _distance(answer, name, models)
        if distance != math.inf:
            raise NotYet(_why_infinite(name, distance))


def _distance(answer: Callable, name: str, models: Mapping[str, Model]) -> float:
    handed = copy.deepcopy(models)
    with given(f"models with {name}"):
        value = answer(handed)
    # As text, because a NaN is not equal to itself.
    if repr(handed) != repr(models):
        raise NotYet("It changes the models that it is given; whoever compares them reads them again.")
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if isinstance(value, Tensor | np.ndarray | np.generic) and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise NotYet(f"It returned a {type(value).__name__}; it should be one number.")
    return float(value)


def _why_infinite(name: str, distance: float) -> str:
    said = f"With {name} you say {distance:.4g}; models that cannot be compared are math.inf apart."
    if "NaN" in name or "infinite" in name:
        return said + (
            " A comparison with NaN is always false, so the claim `apart > 1e-5` would never fire."
            if "NaN" in name
            else ""
        )
    return said + " NumPy stretches arrays of other shapes until they fit." * ("shape" in name)


def _differences(models: Mapping[str, Model], *, against_first: bool = False) -> list[np.ndarray]:
    pairs = [
        pair for i, pair in enumerate(itertools.combinations(models.values(), 2))
        if not against_first or i < len(models) - 1
    ]  # fmt: skip
    return [
        np.concatenate([np.ravel(np.subtract(first[name], second[name])) for name in first])
        for first, second in pairs
    ]


_WRONG_DISTANCES = {
    "You compare each tool with the first one only: two others may lie on both sides of it, twice as far apart.":
        lambda models: max(np.abs(d).max() for d in _differences(models, against_first=True)),
    "You compare neighbours in the list only; the first and the last may be the furthest.":
        lambda models: max(
            np.abs(d).max() for pair in itertools.pairwise(models.values())
            for d in _differences(dict(enumerate(pair)))
        ),
    "That is a mean: a single weight that is wrong disappears among many that are right.":
        lambda models: max(np.abs(d).mean() for d in _differences(models)),
    "That is a mean over pairs: one tool that is wrong disappears among those that are right.":
        lambda models: np.mean([np.abs(d).max() for d in _differences(models)]),
    "You forget the sign: a difference of −1 is as large as one of 1.":
        lambda models: max(d.max() for d in _differences(models)),
    "Nothing but the weights is compared; a model has a bias too.":
        lambda models: furthest_apart({tool: {"weights": m["weights"]} for tool, m in models.items()}),
    "Nothing but the bias is compared; a model has weights too.":
        lambda models: furthest_apart({tool: {"bias": m["bias"]} for tool, m in models.items()}),
    "That is the length of the difference; asked is the largest difference in any one number.":
        lambda models: max(np.linalg.norm(d) for d in _differences(models)),
    "That is the square of the largest difference.":
        lambda models: max((d**2).max() for d in _differences(models)),
    "You say whether they are apart, not how far.": lambda models: float(furthest_apart(models) > 1e-5),
}  # fmt: skip

# 14.4 ---------------------------------------------------------------------------------------------


def differing_pairs(draws: Mapping[str, np.ndarray], false_alarm: float) -> Pairs:
    """Two samples a test, and the false-alarm probability shared out among the pairs."""
    return _below(draws, false_alarm / math.comb(len(draws), 2))


def _below(draws: Mapping[str, np.ndarray], limit: float) -> Pairs:
    """The pairs whose two-sample p-value is below a limit."""
    return [
        (one, two) for one, two in itertools.combinations(draws, 2)
        if stats.ks_2samp(draws[one], draws[two]).pvalue < limit
    ]  # fmt: skip


TOOLS = ("A", "B", "C", "D")
DRAWS, TRIALS, LOOSE = 300, 60, 0.2
"""Draws a tool, datasets of equal tools, and the false-alarm probability that these are tested with."""

ALARM = 1e-5
"""The probability that the test of the false alarms rejects a right answer."""


def verify_differing_pairs(answer: Callable) -> None:
    """Equal tools are rarely accused, different ones always, and the stated probability is used."""
    rng = checking_rng("14 draws")
    _expect_accusations(answer, rng)
    trials = [_draws(rng) for _ in range(TRIALS)]
    accused = [_accused(answer, draws, LOOSE) for draws in trials]
    alarms = sum(bool(pairs) for pairs in accused)
    if stats.binomtest(alarms, TRIALS, LOOSE, alternative="greater").pvalue < ALARM:
        raise NotYet(
            f"Four tools that are the same, false_alarm={LOOSE:g}: somebody was accused in {alarms} of {TRIALS} trials. "
            "Six pairs are six chances to be wrong; share the probability out among them."
        )
    _expect_pairs_shared(accused, trials)
    slightly = _draws(rng, D=lambda noise: noise + 0.5)
    pairs = _accused(answer, slightly, 1e-9)
    if pairs:
        raise NotYet(
            "With false_alarm=1e-9 you accuse a tool whose draws could well be chance at that level. Is the probability "
            "that you are given used?"
        )


def _expect_pairs_shared(accused: list[set], trials: list[Mapping[str, np.ndarray]]) -> None:
    """Says so if these are the pairs that one finds who divides by something else than the number of pairs."""
    for said, parts in {
        "You divide by the number of tools": len(TOOLS),
        "You divide by the number of tools but one": len(TOOLS) - 1,
    }.items():
        share = [{frozenset(p) for p in _below(draws, LOOSE / parts)} for draws in trials]
        right = [{frozenset(p) for p in differing_pairs(draws, LOOSE)} for draws in trials]
        if accused == share != right:
            raise NotYet(f"{said}. Each *pair* is a chance to be wrong: four tools make 6, and ten make 45.")


def _draws(rng: np.random.Generator, **changed: Callable) -> dict[str, np.ndarray]:
    """Laplace draws of four tools around 500, some of them changed."""
    noise = {tool: rng.laplace(size=DRAWS) for tool in TOOLS}
    return {tool: 500 + changed.get(tool, lambda same: same)(noise[tool]) for tool in TOOLS}


def _accused(answer: Callable, draws: Mapping[str, np.ndarray], false_alarm: float) -> set[frozenset[str]]:
    handed = {tool: values.copy() for tool, values in draws.items()}
    what = f"{DRAWS} draws of each of {', '.join(draws)} and false_alarm={false_alarm:g}"
    with given(what), warnings.catch_warnings():
        # Draws without noise make some tests warn; the verdict is judged, not the warning.
        warnings.simplefilter("ignore")
        pairs = answer(handed, false_alarm)
    if any((handed[tool] != values).any() for tool, values in draws.items()):
        raise NotYet("It changes the draws that it is given (does it sort in place?).")
    if pairs is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(pairs, list | tuple | set | frozenset):
        raise NotYet(f"It returned a {type(pairs).__name__}; it should be a list of pairs of names.")
    found = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, tuple | list | set | frozenset) or len(pair) != 2:
            raise NotYet(f"A pair is two names, such as ('A', 'B'); one of yours is {pair!r:.60}.")
        if not all(isinstance(name, str) and name in draws for name in pair) or len(set(pair)) != 2:
            raise NotYet(f"{tuple(pair)!r:.60} is not a pair of two of the names {', '.join(draws)}.")
        found.append(frozenset(pair))
    if len(set(found)) < len(found):
        raise NotYet("A pair comes twice in your list. (A, B) and (B, A) are one pair.")
    return set(found)


CHANGES = {
    "gives counts that are 1.5 too large": lambda noise: noise + 1.5,
    "adds eight times as much noise, around the same mean": lambda noise: 8 * noise,
    "adds an eighth of the noise, around the same mean": lambda noise: noise / 8,
    "adds no noise": lambda noise: 0 * noise,
}


def _expect_accusations(answer: Callable, rng: np.random.Generator) -> None:
    with_c = {frozenset((tool, "C")) for tool in TOOLS if tool != "C"}
    everyone = {frozenset(pair) for pair in itertools.combinations(TOOLS, 2)}
    found = {
        what: _accused(answer, _draws(rng, C=change), 0.001) for what, change in CHANGES.items()
    }  # fmt: skip
    if all(pairs == everyone for pairs in found.values()):
        raise NotYet("You accuse every pair, also those of tools that are the same.")
    if all(pairs == everyone - with_c for pairs in found.values()):
        raise NotYet("You list the pairs that agree. Asked are those that differ: a *small* p-value.")
    if not any(found.values()):
        raise NotYet("You accuse nobody, not even a tool that adds no noise at all.")
    for what, pairs in found.items():
        if not pairs & with_c:
            same_mean = "the same mean" in what or "no noise" in what
            raise NotYet(
                f"Tool C {what}, and you do not accuse it. "
                + (
                    "Its mean is right and its noise is not"
                    if same_mean
                    else "Its noise is right and its mean is not"
                )
                + ": compare whole distributions (scipy.stats.ks_2samp)."
            )
        if not with_c <= pairs:
            raise NotYet(
                f"Tool C {what}, and you accuse {len(pairs & with_c)} of the three pairs that it is in. Compare each pair "
                "of tools."
            )
        if pairs - with_c:
            first = sorted(min(pairs - with_c, key=sorted))
            raise NotYet(f"Only C is different (it {what}), and you accuse {' and '.join(first)} as well.")
