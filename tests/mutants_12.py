"""Right and wrong answers to the exercises of lesson 12."""

import numpy as np
import torch

from course.exercises.exercise import find_exercise
from course.privacy import Adjacency, Unit, epsilon_spent

REFERENCE = {f"12.{number}": find_exercise(f"12.{number}").reference for number in range(1, 7)}


# 12.1 -------------------------------------------------------------------------------------------


def counted(rule):
    """Rounds times what the rule makes of (setting, chance to take part, down, up)."""

    def count(setting, down, up):
        chance = setting.sample_rate if setting.unit is Unit.CLIENT else 1.0
        return setting.rounds * rule(setting, chance, down, up)

    return count


def in_two_parts(setting, down, up):
    taking_part = setting.rounds
    if setting.unit is Unit.CLIENT:
        taking_part *= setting.sample_rate
    return taking_part * down + taking_part * up


def wrong_way_round(setting, down, up):
    chance = setting.sample_rate if setting.unit is Unit.EXAMPLE else 1.0
    return setting.rounds * chance * (down + up)


# 12.2 -------------------------------------------------------------------------------------------


def spent(rule, *, accountant="pld", adjacency=Adjacency.ADD_REMOVE):
    """ε by an accountant that is given what the rule makes of a setting: noise, rate, steps."""

    def epsilon(setting, delta):
        noise, rate, steps = rule(setting)
        return epsilon_spent(
            noise_multiplier=noise, sample_rate=rate, steps=steps, delta=delta, accountant=accountant,
            adjacency=adjacency,
        )  # fmt: skip

    return epsilon


def as_it_is(setting):
    return setting.noise_multiplier, setting.sample_rate, setting.rounds


def changed(**change):
    """The right three numbers, some of them replaced by a rule of the setting."""

    def rule(setting):
        numbers = dict(zip(("noise", "rate", "steps"), as_it_is(setting), strict=True))
        return tuple((numbers | {name: new(setting) for name, new in change.items()}).values())

    return spent(rule)


def one_round_times_rounds(setting, delta):
    return setting.rounds * epsilon_spent(
        noise_multiplier=setting.noise_multiplier, sample_rate=setting.sample_rate, steps=1, delta=delta
    )


def rounds_added_up(setting, delta):
    return one_round_times_rounds(setting, delta / setting.rounds)


def delta_divided(setting, delta):
    return REFERENCE["12.2"](setting, delta / setting.rounds)


def rate_of_client(setting):
    return setting.sample_rate if setting.unit is Unit.CLIENT else 1.0


# 12.3 -------------------------------------------------------------------------------------------


def kept_by(rule):
    """The places of the rows that the rule keeps: rule(row, other rows, all rows)."""

    def keep(rows):
        return [i for i, row in enumerate(rows) if rule(row, rows[:i] + rows[i + 1 :], rows)]

    return keep


def beats(one, other):
    return one != other and one[0] <= other[0] and one[1] <= other[1] and one[2] >= other[2]


def with_arrays(rows):
    if not rows:
        return np.array([], dtype=int)
    table = np.array(rows) * [1, 1, -1]
    no_worse = (table[:, None] <= table[None]).all(-1)
    better = (table[:, None] < table[None]).any(-1)
    return np.flatnonzero(~(no_worse & better).any(axis=0))


def with_a_loop(rows):
    kept = []
    for place, (epsilon, size, accuracy) in enumerate(rows):
        beaten = False
        for e, m, a in rows:
            as_good = e <= epsilon and m <= size and a >= accuracy
            better = e < epsilon or m < size or a > accuracy
            beaten = beaten or (as_good and better)
        if not beaten:
            kept.append(place)
    return kept


def as_rows(rows):
    return [rows[place] for place in REFERENCE["12.3"](rows)]


def as_truths(rows):
    kept = set(REFERENCE["12.3"](rows))
    return [place in kept for place in range(len(rows))]


def sorts_the_rows(rows):
    places = REFERENCE["12.3"](rows)
    rows.sort()
    return places


# 12.4 -------------------------------------------------------------------------------------------


def chosen(key, *, enough=None, light=None):
    """Where the wishes can be met, the least by `key` of what passes; elsewhere the right answer."""
    enough = enough or (lambda p, a: p.accuracy.low >= a)
    light = light or (lambda p, m: p.megabytes <= m)

    def choose(points, accuracy, megabytes):
        able = [p for p in points if enough(p, accuracy) and light(p, megabytes)]
        if able:
            return min(able, key=key)
        return REFERENCE["12.4"](points, accuracy, megabytes)

    return choose


def epsilon_of_point(point):
    return point.epsilon


def in_a_loop(points, accuracy, megabytes):
    best, nearest = None, {}
    for p in points:
        light, good = p.megabytes <= megabytes, p.accuracy.low >= accuracy
        if light and good and (best is None or p.epsilon < best.epsilon):
            best = p
        if light and ("accuracy" not in nearest or p.accuracy.low > nearest["accuracy"].accuracy.low):
            nearest["accuracy"] = p
        if good and ("megabytes" not in nearest or p.megabytes < nearest["megabytes"].megabytes):
            nearest["megabytes"] = p
    return nearest if best is None else best


def sorted_first(points, accuracy, megabytes):
    for p in sorted(points, key=epsilon_of_point):
        if p.megabytes <= megabytes and p.accuracy.low >= accuracy:
            return p
    by_accuracy = sorted((p for p in points if p.megabytes <= megabytes), key=lambda p: p.accuracy.low)
    by_size = sorted((p for p in points if p.accuracy.low >= accuracy), key=lambda p: p.megabytes)
    nearest = {"accuracy": by_accuracy[-1:], "megabytes": by_size[:1]}
    return {name: found[0] for name, found in nearest.items() if found}


def first_of(points, accuracy, megabytes):
    for p in points:
        if p.megabytes <= megabytes and p.accuracy.low >= accuracy:
            return p
    return REFERENCE["12.4"](points, accuracy, megabytes)


def sorts_the_points(points, accuracy, megabytes):
    points.sort(key=epsilon_of_point)
    return sorted_first(points, accuracy, megabytes)


def unmet(rule):
    """Right where the wishes can be met; elsewhere what the rule makes of points, right answer, wishes."""

    def choose(points, accuracy, megabytes):
        right = REFERENCE["12.4"](points, accuracy, megabytes)
        return rule(points, right, accuracy, megabytes) if isinstance(right, dict) else right

    return choose


def only(**named):
    return {name: point for name, point in named.items() if point is not None}


def most(points, key):
    return max(points, key=key, default=None)


def lower_end(point):
    return point.accuracy.low


def lightness(point):
    return -point.megabytes


def nearest_by_mean(points, right, accuracy, megabytes):
    light = [p for p in points if p.megabytes <= megabytes]
    return only(accuracy=most(light, lambda p: p.accuracy.value), megabytes=right.get("megabytes"))


def nearest_by_epsilon(points, right, accuracy, megabytes):
    light = [p for p in points if p.megabytes <= megabytes]
    good = [p for p in points if p.accuracy.low >= accuracy]
    return only(
        accuracy=most(light, lambda p: -p.epsilon),
        megabytes=most(good, lambda p: -p.epsilon),
    )


def raises_when_unmet(points, accuracy, megabytes):
    both = [p for p in points if p.megabytes <= megabytes and p.accuracy.low >= accuracy]
    return min(both, key=epsilon_of_point)


# 12.5 -------------------------------------------------------------------------------------------


def row_of(rule, *, promised=None, delivered=None):
    """Means of the row that the rule chooses from (choosing, fresh)."""
    promised = promised or (lambda c, f, row: c[row].mean())
    delivered = delivered or (lambda c, f, row: f[row].mean())

    def deliver(choosing, fresh):
        row = rule(choosing, fresh)
        return promised(choosing, fresh, row), delivered(choosing, fresh, row)

    return deliver


def best_mean(choosing, fresh):
    return choosing.mean(1).argmax()


def with_lists(choosing, fresh):
    means = [sum(row) / len(row) for row in choosing.tolist()]
    place = means.index(max(means))
    return [means[place], sum(fresh[place].tolist()) / fresh.shape[1]]


def sorts_runs(choosing, fresh):
    answer = REFERENCE["12.5"](choosing, fresh)
    choosing.sort(axis=1)
    return answer


# 12.6 -------------------------------------------------------------------------------------------


def refuse(one, other, *, error=ValueError, text="per {} against per {}"):
    if one.unit is not other.unit or one.adjacency is not other.adjacency:
        raise error(text.format(one.unit.value, other.unit.value))


def compared(rule, **how):
    """Refuses like the right answer, and decides by the rule within one unit."""

    def compare(one, other):
        refuse(one, other, **how)
        return rule(one, other)

    return compare


def both_smaller(one, other):
    return one.epsilon <= other.epsilon and one.delta <= other.delta


def refuses_units_only(one, other):
    if one.unit is not other.unit:
        raise ValueError(f"per {one.unit.value} against per {other.unit.value}")
    return both_smaller(one, other)


def refuses_other_delta(one, other):
    refuse(one, other)
    if one.delta != other.delta:
        raise ValueError("two different δ")
    return both_smaller(one, other)


def refuses_other_accountant(one, other):
    refuse(one, other)
    if one.accountant != other.accountant:
        raise ValueError("two accountants")
    return both_smaller(one, other)


def false_for_other_units(one, other):
    return one.unit is other.unit and one.adjacency is other.adjacency and both_smaller(one, other)


# The tables -------------------------------------------------------------------------------------

ACCEPT = {
    "12.1": {
        "reference": REFERENCE["12.1"],
        "in two parts": in_two_parts,
        "as a tensor": lambda s, d, u: torch.tensor(REFERENCE["12.1"](s, d, u), dtype=torch.float64),
    },
    "12.2": {
        "reference": REFERENCE["12.2"],
        "the default accountant": spent(as_it_is, accountant="prv"),
        "Rényi": spent(as_it_is, accountant="rdp"),
    },
    "12.3": {
        "reference": REFERENCE["12.3"],
        "with arrays": with_arrays,
        "with a loop": with_a_loop,
        "as a set": lambda rows: set(REFERENCE["12.3"](rows)),
        "backwards": lambda rows: REFERENCE["12.3"](rows)[::-1],
    },
    "12.4": {
        "reference": REFERENCE["12.4"],
        "in a loop": in_a_loop,
        "sorted first": sorted_first,
    },
    "12.5": {
        "reference": REFERENCE["12.5"],
        "with lists": with_lists,
        "as an array": lambda c, f: np.array(REFERENCE["12.5"](c, f)),
        "in single precision": lambda c, f: tuple(torch.tensor(REFERENCE["12.5"](c, f))),
    },
    "12.6": {
        "reference": REFERENCE["12.6"],
        "refuses in one line": compared(both_smaller),
        "refuses with its own error": compared(both_smaller, error=type("Refused", (ValueError,), {})),
        "as numpy's truth": compared(lambda a, b: np.bool_(both_smaller(a, b))),
    },
}

REJECT = {
    "12.1": {
        "the coin of digits": (
            lambda s, d, u: s.rounds * s.sample_rate * (d + u),
            "the coins are tossed for *digits*",
        ),
        "everyone always": (lambda s, d, u: s.rounds * (d + u), "At client level a client takes part only"),
        "the wrong way round": (wrong_way_round, "the two units the wrong way round"),
        "local epochs": (
            counted(lambda s, q, d, u: q * s.local_epochs * (d + u)),
            "Local epochs cost the client time",
        ),
        "up only": (counted(lambda s, q, d, u: q * u), "forget what it receives"),
        "down only": (counted(lambda s, q, d, u: q * d), "forget what it sends"),
        "one round": (
            lambda s, d, u: REFERENCE["12.1"](s, d, u) / s.rounds,
            "That is one round; the client pays",
        ),
        "megabytes": (lambda s, d, u: REFERENCE["12.1"](s, d, u) / 1e6, "that is megabytes"),
        "bits": (lambda s, d, u: REFERENCE["12.1"](s, d, u) * 8, "that is bits"),
        "whole rounds": (
            lambda s, d, u: round(s.rounds * rate_of_client(s)) * (d + u),
            "You round to whole rounds",
        ),
        "all clients": (lambda s, d, u: 1_000 * REFERENCE["12.1"](s, d, u), "in a round it should be"),
        "in parts": (lambda s, d, u: {"down": d, "up": u}, "returned a dict"),
    },
    "12.2": {
        "local epochs": (
            changed(steps=lambda s: s.rounds * s.local_epochs),
            "You count each local epoch as a step",
        ),
        "times the norm": (
            changed(noise=lambda s: s.noise_multiplier * s.max_norm),
            "You multiply the noise by max_norm",
        ),
        "over the norm": (
            changed(noise=lambda s: s.noise_multiplier / s.max_norm),
            "You divide the noise by max_norm",
        ),
        "no sampling": (changed(rate=lambda s: 1.0), "you give that away with a rate of 1"),
        "the client's rate": (changed(rate=rate_of_client), "At example level every *client* takes part"),
        "one round": (changed(steps=lambda s: 1), "That is one round. The same clients"),
        "the sum of rounds": (one_round_times_rounds, "each pays for δ anew"),
        "the sum of rounds, δ shared": (rounds_added_up, "single rounds at δ / rounds"),
        "δ divided": (delta_divided, "You divide δ by the rounds"),
        "expected rounds": (
            changed(rate=lambda s: 1.0, steps=lambda s: round(s.rounds * s.sample_rate)),
            "You count only the rounds in which",
        ),
        "expected rounds and the rate": (
            changed(steps=lambda s: round(s.rounds * s.sample_rate)),
            "the coins are counted twice",
        ),
        "a round too many": (changed(steps=lambda s: s.rounds + 1), "You count a round too many"),
        "a round too few": (changed(steps=lambda s: s.rounds - 1), "You count a round too few"),
        "replace one": (spent(as_it_is, adjacency=Adjacency.REPLACE_ONE), "you computed REPLACE_ONE"),
        "δ itself": (lambda s, delta: delta, "Which of its numbers does an accountant ask for"),
        "infinite": (lambda s, delta: float("inf"), "not a finite number"),
    },
    "12.3": {
        "beaten in all three": (
            kept_by(lambda r, _, rows: not any(o[0] < r[0] and o[1] < r[1] and o[2] > r[2] for o in rows)),
            "only if another is better in *all three*",
        ),
        "best in one": (
            kept_by(
                lambda r, _, rows: (
                    r[0] == min(o[0] for o in rows)
                    or r[1] == min(o[1] for o in rows)
                    or r[2] == max(o[2] for o in rows)
                )
            ),
            "You keep rows that are best in one thing",
        ),
        "no equals": (
            kept_by(lambda r, others, _: not any(o == r or beats(o, r) for o in others)),
            "Of two equal rows you drop both",
        ),
        "first of equals": (
            lambda rows: [i for i in REFERENCE["12.3"](rows) if rows.index(rows[i]) == i],
            "you keep the first only",
        ),
        "none": (lambda rows: [], "Every row is as good as itself"),
        "all": (lambda rows: list(range(len(rows))), "Nothing is dropped"),
        "low accuracy": (
            kept_by(
                lambda r, _, rows: (
                    not any(o != r and all(a <= b for a, b in zip(o, r, strict=True)) for o in rows)
                )
            ),
            "you keep the low ones",
        ),
        "no megabytes": (
            kept_by(lambda r, _, rows: not any(beats((o[0], 0, o[2]), (r[0], 0, r[2])) for o in rows)),
            "You do not look at the megabytes",
        ),
        "no accuracy": (
            kept_by(lambda r, _, rows: not any(beats((*o[:2], 0), (*r[:2], 0)) for o in rows)),
            "You do not look at the accuracy",
        ),
        "no ε": (
            kept_by(lambda r, _, rows: not any(beats((0, *o[1:]), (0, *r[1:])) for o in rows)),
            "You do not look at ε",
        ),
        "the beaten": (
            kept_by(lambda r, _, rows: any(beats(o, r) for o in rows)),
            "Those are the rows to drop",
        ),
        "the winners": (
            kept_by(lambda r, _, rows: any(beats(r, o) for o in rows)),
            "You keep the rows that beat some",
        ),
        "one too many": (
            lambda rows: sorted({*REFERENCE["12.3"](rows), *([len(rows) - 1] if rows else [])}),
            "You keep the row (",
        ),
        "one too few": (lambda rows: REFERENCE["12.3"](rows)[:3], "You drop the row ("),
        "a lone array": (lambda rows: np.array(3), "should be a list of places"),
        "rows": (as_rows, "It returned rows"),
        "truths": (as_truths, "It returned True and False"),
        "twice": (lambda rows: REFERENCE["12.3"](rows) * 2, "is in your list twice"),
        "from one": (
            lambda rows: [i + 1 for i in REFERENCE["12.3"](rows)],
            "Places are whole numbers from 0",
        ),
        "sorts": (sorts_the_rows, "It changes the list of rows"),
    },
    "12.4": {
        "the mean": (
            chosen(epsilon_of_point, enough=lambda p, a: p.accuracy.value >= a),
            "whether the *mean* reaches",
        ),
        "the upper end": (
            chosen(epsilon_of_point, enough=lambda p, a: p.accuracy.high >= a),
            "whether the *upper* end",
        ),
        "no megabytes": (
            chosen(epsilon_of_point, light=lambda p, m: True),
            "You do not look at the megabytes",
        ),
        "no accuracy": (
            chosen(epsilon_of_point, enough=lambda p, a: True),
            "You do not look at the accuracy",
        ),
        "the most accurate": (
            chosen(lambda p: -p.accuracy.low),
            "that meet the wishes. They are all accurate",
        ),
        "the most accurate mean": (chosen(lambda p: -p.accuracy.value), "by its mean. They are all"),
        "the cheapest": (chosen(lambda p: p.megabytes), "They are all cheap enough"),
        "the largest": (chosen(lambda p: -p.epsilon), "You take the largest ε"),
        "the first": (first_of, "You take the first point"),
        "the smallest of all": (
            lambda ps, a, m: min(ps, key=epsilon_of_point, default={}),
            "whether it meets the wishes or not",
        ),
        "more than enough": (
            lambda ps, a, m: REFERENCE["12.4"](ps, a + 1e-9, m - 1e-9),
            "hit a point's numbers exactly",
        ),
        "rounded": (
            chosen(
                epsilon_of_point,
                enough=lambda p, a: round(p.accuracy.low, 2) >= a,
                light=lambda p, m: round(p.megabytes, 1) <= m,
            ),
            "With accuracy=0.87 and megabytes=1.2",
        ),
        "a number": (lambda ps, a, m: 1.3, "It should return one of the points"),
        "raises": (raises_when_unmet, "stopped with ValueError"),
        "none when unmet": (
            unmet(lambda ps, right, a, m: None),
            "dictionary of the nearest; it returned None",
        ),
        "a point when unmet": (
            unmet(lambda ps, right, a, m: most(ps, lower_end) or right),
            "returns a point as if it could",
        ),
        "the most accurate of all": (
            unmet(
                lambda ps, right, a, m: only(accuracy=most(ps, lower_end), megabytes=right.get("megabytes"))
            ),
            'Under "accuracy" stands the most accurate point of all',
        ),
        "the cheapest of all": (
            unmet(
                lambda ps, right, a, m: only(accuracy=right.get("accuracy"), megabytes=most(ps, lightness))
            ),
            'Under "megabytes" stands the cheapest point of all',
        ),
        "each wish alone": (
            unmet(lambda ps, right, a, m: only(accuracy=most(ps, lower_end), megabytes=most(ps, lightness))),
            "Each wish is looked at alone",
        ),
        "the nearest mean": (unmet(nearest_by_mean), "measured by the mean; the wish is about"),
        "the smallest ε near by": (unmet(nearest_by_epsilon), "Under each name stands the smallest ε"),
        "the names swapped": (
            unmet(
                lambda ps, right, a, m: only(accuracy=right.get("megabytes"), megabytes=right.get("accuracy"))
            ),
            "the two names the wrong way round",
        ),
        "empty": (unmet(lambda ps, right, a, m: {}), "The dictionary is empty"),
        "only accuracy": (
            unmet(lambda ps, right, a, m: only(accuracy=right.get("accuracy"))),
            "how many megabytes would do?",
        ),
        "only megabytes": (
            unmet(lambda ps, right, a, m: only(megabytes=right.get("megabytes"))),
            "which accuracy can be had?",
        ),
        "with None": (
            unmet(lambda ps, right, a, m: {"accuracy": None, "megabytes": None} | right),
            "you put None there",
        ),
        "other names": (
            unmet(lambda ps, right, a, m: dict.fromkeys(["acc"], next(iter(right.values()), None))),
            "The names are",
        ),
        "numbers": (unmet(lambda ps, right, a, m: dict.fromkeys(right, 0.8)), "The dictionary holds points"),
        "sorts": (sorts_the_points, "It changes the list of points"),
    },
    "12.5": {
        "the best of both": (lambda c, f: (c.mean(1).max(), f.mean(1).max()), "choose by luck a second time"),
        "by the fresh": (row_of(lambda c, f: f.mean(1).argmax()), "You choose by the fresh runs"),
        "by all": (
            row_of(lambda c, f: np.hstack([c, f]).mean(1).argmax()),
            "You choose by all runs together",
        ),
        "the best run": (row_of(lambda c, f: c.max(1).argmax()), "You choose by a setting's best single run"),
        "promises its best run": (
            row_of(best_mean, promised=lambda c, f, row: c[row].max()),
            "you return its best run",
        ),
        "choosing twice": (
            row_of(best_mean, delivered=lambda c, f, row: c[row].mean()),
            "Both numbers are from the choosing runs",
        ),
        "fresh twice": (
            row_of(best_mean, promised=lambda c, f, row: f[row].mean()),
            "Both numbers are from the fresh runs",
        ),
        "swapped": (lambda c, f: REFERENCE["12.5"](c, f)[::-1], "The two are in the wrong order"),
        "all settings": (lambda c, f: (c.mean(), f.mean()), "the mean over all settings"),
        "the worst": (row_of(lambda c, f: c.mean(1).argmin()), "the *lowest* mean"),
        "over settings": (row_of(lambda c, f: c.mean(0).argmax() % len(c)), "axis=0 averages over settings"),
        "old runs as well": (
            row_of(best_mean, delivered=lambda c, f, row: np.hstack([c[row], f[row]]).mean()),
            "the ones you chose it by included",
        ),
        "one number": (lambda c, f: c.mean(1).max(), "It should return two numbers"),
        "the median": (
            row_of(best_mean, delivered=lambda c, f, row: np.median(f[row])),
            "For one table of (30, 5) runs",
        ),
        "sorts": (sorts_runs, "It changes the accuracies"),
    },
    "12.6": {
        "ε alone": (compared(lambda a, b: a.epsilon <= b.epsilon), "You look at ε alone"),
        "δ alone": (compared(lambda a, b: a.delta <= b.delta), "You look at δ alone"),
        "smaller": (
            compared(lambda a, b: a.epsilon < b.epsilon and a.delta < b.delta),
            "equal promises give True",
        ),
        "smaller ε": (
            compared(lambda a, b: a.epsilon < b.epsilon and a.delta <= b.delta),
            "where ε is the same and δ no larger",
        ),
        "smaller δ": (
            compared(lambda a, b: a.epsilon <= b.epsilon and a.delta < b.delta),
            "where δ is the same and ε no larger",
        ),
        "or": (
            compared(lambda a, b: a.epsilon <= b.epsilon or a.delta <= b.delta),
            "One of the two smaller is not enough",
        ),
        "the other way round": (
            compared(lambda a, b: a.epsilon >= b.epsilon and a.delta >= b.delta),
            "a smaller ε promises more",
        ),
        "noise": (
            compared(lambda a, b: a.noise_multiplier >= b.noise_multiplier),
            "The noise alone promises nothing",
        ),
        "as tuples": (
            compared(lambda a, b: (a.epsilon, a.delta) <= (b.epsilon, b.delta)),
            "δ only between equal ε",
        ),
        "always": (compared(lambda a, b: True), "it should return False, and it returns True"),
        "compares units": (both_smaller, "and you compare them: raise a ValueError"),
        "false for other units": (false_for_other_units, "whoever reads it takes the other one for stronger"),
        "another error": (compared(both_smaller, error=TypeError), "yours is a TypeError"),
        "no words": (compared(both_smaller, text="no"), "does not name the two units"),
        "units only": (refuses_units_only, "One promise is under add/remove"),
        "other δ": (refuses_other_delta, "Two δ may be compared like two ε"),
        "other accountant": (refuses_other_accountant, "are how a promise is kept"),
        "a number": (compared(lambda a, b: int(both_smaller(a, b))), "It should return True or False"),
    },
}
