"""Right and wrong answers to the exercises of lesson 14."""

import itertools
import math
from fractions import Fraction

import numpy as np
import torch
from scipy import stats

from course.exercises.exercise import find_exercise

REFERENCE = {f"14.{number}": find_exercise(f"14.{number}").reference for number in range(1, 6)}


# 14.1 -------------------------------------------------------------------------------------------


def asked(change):
    """The right set, changed by `change(words, deployed, phones, server_trusted, published)`."""
    return lambda *situation: change(set(REFERENCE["14.1"](*situation)), *situation)


def by_rules(deployed, phones, server_trusted, published):
    """The right answer as one condition a word."""
    hidden = deployed and not server_trusted
    rules = {
        "network": deployed,
        "secure sum": hidden,
        "dropouts": hidden and phones,
        "noise at the server": published and not hidden,
        "noise at the clients": published and hidden,
    }
    return [word for word, holds in rules.items() if holds]


def early_return(deployed, phones, server_trusted, published):
    if not deployed and not published:
        return frozenset()
    if not deployed:
        return {"noise at the server"}
    if server_trusted:
        return {"network", "noise at the server"} if published else {"network"}
    words = {"network", "secure sum"} | ({"dropouts"} if phones else set())
    return words | {"noise at the clients"} if published else words


def server_adds_noise(words, *situation):
    return {"noise at the server" if word == "noise at the clients" else word for word in words}


def both_noises(words, deployed, phones, server_trusted, published):
    return words | {"noise at the server"} if published else words


# 14.2 -------------------------------------------------------------------------------------------


def distances(models, pairs=itertools.combinations):
    """The differences of each pair, flattened; infinite where a pair cannot be compared."""
    found = []
    for one, other in pairs(models.values(), 2):
        if one.keys() != other.keys() or any(np.shape(one[k]) != np.shape(other[k]) for k in one):
            found.append(np.array([math.inf]))
            continue
        flat = [
            np.concatenate([np.ravel(model[name]).astype(float) for name in one]) for model in (one, other)
        ]
        finite = np.isfinite(flat).all()
        found.append(flat[0] - flat[1] if finite else np.array([math.inf]))
    return found


def by(measure, pairs=itertools.combinations):
    return lambda models: measure(distances(models, pairs))


def largest(found):
    return max(np.abs(difference).max() for difference in found)


def spread(models):
    """The largest minus the smallest of each number, over all tools at once."""
    shapes = {tuple((name, np.shape(model[name])) for name in sorted(model)) for model in models.values()}
    if len(shapes) > 1:
        return math.inf
    table = np.array(
        [np.concatenate([np.ravel(model[name]) for name in sorted(model)]) for model in models.values()]
    )
    return float(np.ptp(table, axis=0).max()) if np.isfinite(table).all() else math.inf


def against_first(values, two):
    first, *others = values
    return [(first, other) for other in others]


def only(name):
    return lambda models: by(largest)({tool: {name: model[name]} for tool, model in models.items()})


def nan_slips(models):
    """Python's max keeps the old value when the new one is NaN."""
    if (
        REFERENCE["14.2"]({tool: {k: np.nan_to_num(v) for k, v in m.items()} for tool, m in models.items()})
        == math.inf
    ):
        return math.inf
    if any(np.isinf(m["weights"]).any() for m in models.values()):
        return math.inf
    furthest = 0.0
    for one, other in itertools.combinations(models.values(), 2):
        for name in one:
            furthest = max(furthest, float(np.abs(np.subtract(one[name], other[name])).max()))
    return furthest


def infinity_is_equal(models):
    """Infinite weights in both models count as the same."""
    distance = REFERENCE["14.2"](models)
    infinite = all(np.isinf(model.get("weights", 0)).any() for model in models.values())
    return 0.0 if infinite else distance


def stretched(models):
    """NumPy's broadcasting makes other shapes fit."""
    furthest = 0.0
    for one, other in itertools.combinations(models.values(), 2):
        if one.keys() != other.keys():
            return math.inf
        for name in one:
            left, right = np.asarray(one[name], float), np.asarray(other[name], float)
            if not np.isfinite(left).all() or not np.isfinite(right).all():
                return math.inf
            try:
                furthest = max(furthest, float(np.abs(left - right).max()))
            except ValueError:
                return math.inf
    return furthest


def names_of_the_first(models):
    """Compares the names that the first model of a pair has; a missing one stops it."""
    for one, other in itertools.combinations(models.values(), 2):
        for name in one:
            np.subtract(one[name], other[name])
    return REFERENCE["14.2"](models)


def names_in_common(models):
    common = set.intersection(*(set(model) for model in models.values()))
    return REFERENCE["14.2"]({tool: {name: model[name] for name in common} for tool, model in models.items()})


def by_position(models):
    """Compares the first array with the first one, whatever its name."""
    renamed = {tool: {str(i): v for i, v in enumerate(m.values())} for tool, m in models.items()}
    return REFERENCE["14.2"](renamed)


def finite_weights_only(models):
    """Looks for NaN in the weights, and lets Python's max lose one in the bias."""
    if not all(np.isfinite(m["weights"]).all() for m in models.values() if "weights" in m):
        return math.inf
    cleaned = {t: m | {"bias": np.nan_to_num(m["bias"])} if "bias" in m else m for t, m in models.items()}
    return REFERENCE["14.2"](cleaned)


def in_fractions(models):
    """No arrays at all."""

    def flat(value):
        return [number for part in value for number in flat(part)] if isinstance(value, list) else [value]

    def shape(value):
        return (len(value), *shape(value[0])) if isinstance(value, list) else ()

    furthest = Fraction(0)
    for one, other in itertools.combinations(models.values(), 2):
        if set(one) != set(other) or any(shape(one[name]) != shape(other[name]) for name in one):
            return math.inf
        for name in one:
            for left, right in zip(flat(one[name]), flat(other[name]), strict=True):
                if not (math.isfinite(left) and math.isfinite(right)):
                    return math.inf
                furthest = max(furthest, abs(Fraction(left) - Fraction(right)))
    return furthest


def in_torch(models):
    return torch.tensor(REFERENCE["14.2"](models), dtype=torch.float64)


def sorts_in_place(models):
    distance = REFERENCE["14.2"](models)
    for model in models.values():
        model["weights"].sort()
    return distance


# 14.4 -------------------------------------------------------------------------------------------


def tested(p_value, share=lambda alarm, pairs: alarm / pairs, keep=lambda p, limit: p < limit):
    """The right search with one part of its own."""

    def pairs_of(draws, false_alarm):
        pairs = list(itertools.combinations(draws, 2))
        limit = share(false_alarm, len(pairs))
        return [(a, b) for a, b in pairs if keep(p_value(draws[a], draws[b]), limit)]

    return pairs_of


def ks(one, other):
    return stats.ks_2samp(one, other).pvalue


def cramer(one, other):
    return stats.cramervonmises_2samp(one, other, method="asymptotic").pvalue


def holm(draws, false_alarm):
    """Holm's way: the smallest p-value against alarm / 6, the next against alarm / 5, …"""
    values = {(a, b): ks(draws[a], draws[b]) for a, b in itertools.combinations(draws, 2)}
    accused = []
    for place, (pair, p) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        if p >= false_alarm / (len(values) - place):
            break
        accused.append(set(pair))
    return accused


def t_test(one, other):
    return stats.ttest_ind(one, other, equal_var=False).pvalue


def levene(one, other):
    return stats.levene(one, other).pvalue


def against_the_first(draws, false_alarm):
    first, *others = draws
    return [(first, other) for other in others if ks(draws[first], draws[other]) < false_alarm / len(others)]


def both_ways(draws, false_alarm):
    found = REFERENCE["14.4"](draws, false_alarm)
    return found + [(b, a) for a, b in found]


def names_only(draws, false_alarm):
    return sorted({name for pair in REFERENCE["14.4"](draws, false_alarm) for name in pair})


def with_itself(draws, false_alarm):
    return [*REFERENCE["14.4"](draws, false_alarm), ("A", "A")]


def sorts_draws(draws, false_alarm):
    for values in draws.values():
        values.sort()
    return REFERENCE["14.4"](draws, false_alarm)


def counts_only(draws, false_alarm):
    return len(REFERENCE["14.4"](draws, false_alarm))


# 14.5 -------------------------------------------------------------------------------------------


def quoted(pick, *kinds, refuse=True):
    """Picks among the ε of some kinds; refuses what the right answer refuses, or does not."""

    def rule(results):
        chosen = [epsilon for _, kind, epsilon in results if kind in kinds]
        if not chosen or (refuse and REFERENCE["14.5"](results) is None):
            return None
        return pick(chosen)

    return rule


def by_sorting(results):
    ordered = sorted(results, key=lambda result: result[2])
    upper = [result for result in ordered if result[1] == "upper bound"]
    if not upper or any(r[1] == "lower bound" and r[2] > upper[0][2] for r in ordered):
        return None
    return upper[0][2]


def in_numpy(results):
    upper = np.array([e for _, kind, e in results if kind == "upper bound"])
    lower = np.array([e for _, kind, e in results if kind == "lower bound"])
    if len(upper) == 0 or (lower[:, None] > upper).any():
        return None
    return upper.min()


def next_bound(results):
    floor = max((e for _, kind, e in results if kind == "lower bound"), default=0.0)
    return min((e for _, kind, e in results if kind == "upper bound" and e >= floor), default=None)


def strictly_below(results):
    bound = REFERENCE["14.5"](results)
    floor = max((e for _, kind, e in results if kind == "lower bound"), default=-1.0)
    return None if bound is None or floor >= bound else bound


def afraid_of_estimates(results):
    return None if any(kind == "estimate" for _, kind, _ in results) else REFERENCE["14.5"](results)


def refuted_by_estimates(results):
    bound = REFERENCE["14.5"](results)
    return None if bound is not None and any(k == "estimate" and e > bound for _, k, e in results) else bound


def against_one_lower(pick):
    def rule(results):
        upper = [epsilon for _, kind, epsilon in results if kind == "upper bound"]
        lower = [epsilon for _, kind, epsilon in results if kind == "lower bound"]
        refused = not upper or (lower and pick(lower) > min(upper))
        return None if refused else min(upper)

    return rule


def in_float32(results):
    bound = REFERENCE["14.5"](results)
    return None if bound is None else np.float32(bound)


def infinity_is_none(results):
    """Starts from infinity, which promises nothing."""
    bound = math.inf
    for _, kind, epsilon in results:
        bound = min(bound, epsilon) if kind == "upper bound" else bound
    refuted = any(kind == "lower bound" and epsilon > bound for _, kind, epsilon in results)
    return None if bound == math.inf or refuted else bound


def first_bound(results):
    return next((e for _, kind, e in results if kind == "upper bound"), None)


def empties(results):
    bound = REFERENCE["14.5"](results)
    results.clear()
    return bound


# 14.3 -------------------------------------------------------------------------------------------


def family(
    same=lambda table, number, born: table.get(number, (0, None))[1] == born,
    depth=100,
    tables=lambda snapshots: snapshots,
    end=lambda left, root: left,
):
    """The right search with one part of its own."""

    def left(snapshots, root):
        known = {root: snapshots[0][root][1]} if root in snapshots[0] else {}
        members = set(known.items())
        for table in tables(snapshots):
            inside = {number for number, born in members if number in table and same(table, number, born)}
            for _ in range(depth):
                inside |= {number for number, (parent, _) in table.items() if parent in inside}
            members |= {(number, table[number][1]) for number in inside}
        last = snapshots[-1]
        found = {number for number, born in members if number in last and same(last, number, born)}
        return end(found, root)

    return left


def parents_first(snapshots, root):
    """Another right way: climb from each process of each snapshot to its ancestors."""
    members = {(root, snapshots[0][root][1])}
    for table in snapshots:
        for _ in table:
            for number, (parent, born) in table.items():
                if parent in table and (parent, table[parent][1]) in members:
                    members.add((number, born))
    return sorted(number for number, (_, born) in snapshots[-1].items() if (number, born) in members)


def any_start(table, number, born):
    return True


def direct_children(snapshots, root):
    born = snapshots[0][root][1]
    members = {(root, born)}
    for table in snapshots:
        if table.get(root, (0, None))[1] == born:
            members |= {(number, start) for number, (parent, start) in table.items() if parent == root}
    return {number for number, (_, start) in snapshots[-1].items() if (number, start) in members}


def only_the_last(snapshots, root):
    found = {root} & set(snapshots[-1])
    for _ in range(20):
        found |= {number for number, (parent, _) in snapshots[-1].items() if parent in found}
    return found


def ever(snapshots, root):
    found = {root}
    for end in range(1, len(snapshots) + 1):
        found |= REFERENCE["14.3"](snapshots[:end], root)
    return found


def in_one_pass(snapshots, root):
    """Goes once through each table in the order of the numbers, and misses children with smaller ones."""
    members = {(root, snapshots[0][root][1])}
    for table in snapshots:
        for number in sorted(table):
            parent, born = table[number]
            if parent in table and (parent, table[parent][1]) in members:
                members.add((number, born))
    return {number for number, (_, born) in snapshots[-1].items() if (number, born) in members}


def two_generations(snapshots, root):
    """Looks twice through each table, so that a long chain that is new is not followed to its end."""
    members = {(root, snapshots[0][root][1])}
    for table in snapshots:
        for _ in range(2):
            members |= {
                (number, born)
                for number, (parent, born) in table.items()
                if parent in table and (parent, table[parent][1]) in members
            }
    return {number for number, (_, born) in snapshots[-1].items() if (number, born) in members}


def numpy_numbers(snapshots, root):
    return {np.int64(number) for number in REFERENCE["14.3"](snapshots, root)}


def new_ones(snapshots, root):
    return set(snapshots[-1]) - {1, 50, 51}


def adopted_by_one(snapshots, root):
    return {number for number, (parent, _) in snapshots[-1].items() if parent == 1 and number != 50}


def pops(snapshots, root):
    found = REFERENCE["14.3"](snapshots, root)
    snapshots.pop()
    return found


# The tables -------------------------------------------------------------------------------------

ACCEPT = {
    "14.1": {
        "reference": REFERENCE["14.1"],
        "one condition a word": by_rules,
        "with early returns": early_return,
    },
    "14.2": {
        "reference": REFERENCE["14.2"],
        "largest minus smallest": spread,
        "by flattening": by(largest),
        "in fractions": in_fractions,
        "in torch": in_torch,
    },
    "14.3": {
        "reference": REFERENCE["14.3"],
        "one loop a generation": family(),
        "from below": parents_first,
        "NumPy's numbers": numpy_numbers,
    },
    "14.4": {
        "reference": REFERENCE["14.4"],
        "Kolmogorov and Smirnov": tested(ks),
        "Cramér and von Mises": tested(cramer),
        "Holm's steps": holm,
        "Šidák's share": tested(ks, share=lambda alarm, pairs: -math.expm1(math.log1p(-alarm) / pairs)),
    },
    "14.5": {
        "reference": REFERENCE["14.5"],
        "by sorting": by_sorting,
        "in NumPy": in_numpy,
        "float32": in_float32,
        "from infinity": infinity_is_none,
    },
}

REJECT = {
    "14.1": {
        "secure sum is a guarantee": (
            asked(lambda w, *s: w - {"noise at the clients"}), "take a secure sum for a privacy guarantee",
        ),
        "no noise": (
            asked(lambda w, *s: w - {"noise at the clients", "noise at the server"}),
            "Nothing of yours adds noise",
        ),
        "the blind server adds noise": (asked(server_adds_noise), "cannot be the one that adds the noise"),
        "noise in place of the sum": (
            asked(lambda w, d, p, t, out: w - {"secure sum", "dropouts"} if out else w),
            "Noise takes the place",
        ),
        "simulation is deployment": (
            lambda d, p, t, out: REFERENCE["14.1"](True, p, t, out), "treat a simulation like a deployment",
        ),
        "hides from nobody": (
            lambda d, p, t, out: REFERENCE["14.1"](True, p, t, out) - (set() if d else {"network"}),
            "there is no server to hide from",
        ),
        "simulations need no noise": (
            lambda d, p, t, out: REFERENCE["14.1"](d, p, t, out) if d else set(),
            "drop the noise in a simulation",
        ),
        "plain averages break": (
            asked(lambda w, d, p, t, out: w | {"dropouts"} if d and p else w),
            "vanishes from a plain average",
        ),
        "nobody drops out": (asked(lambda w, *s: w - {"dropouts"}), "leaves masks behind"),
        "silos drop out": (
            lambda d, p, t, out: REFERENCE["14.1"](d, True, t, out), "Dropouts are asked of silos too",
        ),
        "silos are phones": (
            lambda d, p, t, out: REFERENCE["14.1"](d, not p, t, out), "the wrong way round: phones",
        ),
        "trust is distrust": (
            lambda d, p, t, out: REFERENCE["14.1"](d, p, not t, out), "A trusted server may see each part",
        ),
        "always noise": (
            lambda d, p, t, out: REFERENCE["14.1"](d, p, t, True), "You add noise when nothing is published",
        ),
        "no network": (asked(lambda w, *s: w - {"network"}), "nothing in your answer asks for one"),
        "federated is private": (
            asked(lambda w, *s: w - {"secure sum"}), "Federated learning alone hides no part",
        ),
        "everything": (
            lambda *s: {"network", "secure sum", "dropouts", "noise at the server", "noise at the clients"},
            "You ask for everything",
        ),
        "both noises": (asked(both_noises), '"noise at the server" is not needed'),
        "another word": (asked(lambda w, *s: w | {"encryption"}), "'encryption' is none of the words"),
        "one string": (lambda *s: ", ".join(REFERENCE["14.1"](*s)), "it should be a set of words"),
    },
    "14.2": {
        "against the first": (by(largest, against_first), "with the first one only"),
        "neighbours": (
            by(largest, lambda values, two: itertools.pairwise(values)), "compare neighbours in the list",
        ),
        "mean": (by(lambda found: max(np.abs(d).mean() for d in found)), "a single weight that is wrong"),
        "mean of pairs": (
            by(lambda found: np.mean([np.abs(d).max() for d in found])), "one tool that is wrong",
        ),
        "signed": (by(lambda found: max(d.max() for d in found)), "You forget the sign"),
        "weights only": (only("weights"), "Nothing but the weights"),
        "bias only": (only("bias"), "Nothing but the bias"),
        "length": (by(lambda found: max(np.linalg.norm(d) for d in found)), "length of the difference"),
        "squared": (by(lambda found: max((d**2).max() for d in found)), "square of the largest"),
        "yes or no": (by(lambda found: float(largest(found) > 1e-5)), "not how far"),
        "half": (by(lambda found: largest(found) / 2), "the furthest two are 0.005 apart; you say 0.0025"),
        "NaN slips through": (nan_slips, "With a NaN in the second"),
        "infinity is equal": (infinity_is_equal, "With an infinite weight in both"),
        "stretched": (stretched, "NumPy stretches"),
        "a missing name stops it": (names_of_the_first, "stopped with"),
        "names in common": (names_in_common, "With no bias in the second"),
        "by position": (by_position, "its bias named first in the second"),
        "NaN in the bias": (finite_weights_only, "With a NaN in the bias of the last"),
        "in place": (sorts_in_place, "changes the models"),
        "text": (lambda models: f"{REFERENCE['14.2'](models):g}", "returned a str"),
    },
    "14.3": {
        "the last tree": (only_the_last, "in the last snapshot only"),
        "the first tree": (family(tables=lambda snapshots: snapshots[:1]), "in the first snapshot only"),
        "children only": (direct_children, "run's own children only"),
        "by number": (family(same=any_start), "A number alone is no process"),
        "all that are new": (new_ones, "You accuse everything that is new"),
        "without the run": (family(end=lambda left, root: left - {root}), "You leave the run itself out"),
        "ever": (ever, "all that ever belonged"),
        "in one pass": (in_one_pass, "With a worker's worker that outlives both you say nobody"),
        "two generations": (two_generations, "With a chain of five"),
        "orphans of 1": (adopted_by_one, "With an adopted worker that starts another one you say {71}"),
        "in place": (pops, "changes the snapshots"),
        "text": (lambda snapshots, root: "nobody", "returned a str"),
        "names": (lambda snapshots, root: {"worker"}, "'worker' is none"),
    },
    "14.4": {
        "not shared out": (tested(ks, share=lambda alarm, pairs: alarm), "share the probability out"),
        "shared out among the tools": (
            tested(ks, share=lambda alarm, pairs: alarm / 4), "divide by the number of tools. Each",
        ),
        "among the other tools": (
            tested(ks, share=lambda alarm, pairs: alarm / 3), "divide by the number of tools but one",
        ),
        "t test": (tested(t_test), "Its mean is right and its noise is not"),
        "spread only": (tested(levene), "Its noise is right and its mean is not"),
        "hard-coded": (
            tested(ks, share=lambda alarm, pairs: 0.05 / pairs), "could well be chance at that level",
        ),
        "the pairs that agree": (tested(ks, keep=lambda p, limit: p >= limit), "list the pairs that agree"),
        "everybody": (lambda draws, alarm: list(itertools.combinations(draws, 2)), "You accuse every pair"),
        "nobody": (lambda draws, alarm: [], "You accuse nobody"),
        "against the first": (against_the_first, "and you accuse 1 of the three pairs"),
        "both ways": (both_ways, "A pair comes twice"),
        "names": (names_only, "A pair is two names"),
        "with itself": (with_itself, "is not a pair of two of the names"),
        "sorts": (sorts_draws, "does it sort in place?"),
        "how many": (counts_only, "returned a int"),
    },
    "14.5": {
        "estimates count": (quoted(min, "upper bound", "estimate"), "it may lie below the true ε"),
        "the smallest number": (
            quoted(min, "upper bound", "estimate", "lower bound", refuse=False),
            "You take the smallest number there is",
        ),
        "estimates, and no refusal": (
            quoted(min, "upper bound", "estimate", refuse=False), "and a refuted bound is none either",
        ),
        "the largest": (quoted(max, "upper bound"), "The largest upper bound holds"),
        "the mean": (quoted(lambda e: sum(e) / len(e), "upper bound"), "The mean of upper bounds"),
        "no refusal": (quoted(min, "upper bound", refuse=False), "one of the two is wrong"),
        "the next bound": (next_bound, "You drop the refuted bound"),
        "a lower bound": (quoted(max, "lower bound", refuse=False), "You quote a lower bound"),
        "first lower bound": (against_one_lower(lambda lower: lower[0]), "against the first lower bound"),
        "last lower bound": (against_one_lower(lambda lower: lower[-1]), "against the last lower bound"),
        "smallest lower bound": (against_one_lower(min), "against the smallest lower bound"),
        "NaN for nothing": (
            lambda results: math.nan if REFERENCE["14.5"](results) is None else REFERENCE["14.5"](results),
            "not a finite number",
        ),
        "strictly": (strictly_below, "Equal bounds do not contradict"),
        "afraid of estimates": (afraid_of_estimates, "Any estimate makes you refuse"),
        "refuted by estimates": (refuted_by_estimates, "An estimate above a bound refutes nothing"),
        "the first": (first_bound, "C: estimate 1.62 you quote 2.1;"),
        "in place": (empties, "changes the list of results"),
        "text": (lambda results: f"ε = {REFERENCE['14.5'](results)}", "returned a str"),
    },
}  # fmt: skip
