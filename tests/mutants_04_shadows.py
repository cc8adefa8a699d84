"""Right and wrong answers to exercises 04.1 and 04.5: random halves, and each target's shadows."""

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in ("04.1", "04.5")}


# 04.1 -------------------------------------------------------------------------------------------


def halves_by_loop(num_models, pool, rng):
    member = np.zeros((num_models, pool), dtype=bool)
    for row in member:
        row[rng.choice(pool, pool // 2, replace=False)] = True
    return member


def halves_by_permuting_a_row(num_models, pool, rng):
    row = torch.arange(pool) < pool // 2
    return torch.stack([row[torch.from_numpy(rng.permutation(pool))] for _ in range(num_models)])


def halves_with_replacement(num_models, pool, rng):
    member = np.zeros((num_models, pool), dtype=bool)
    for row in member:
        row[rng.integers(pool, size=pool // 2)] = True
    return member


def one_half_for_all(num_models, pool, rng):
    return np.tile(halves_by_loop(1, pool, rng), (num_models, 1))


def rounded_up(num_models, pool, rng):
    return rng.random((num_models, pool)).argsort(1).argsort(1) < (pool + 1) // 2


def blocks(num_models, pool, rng):
    shifts = rng.integers(pool, size=(num_models, 1))
    return (np.arange(pool) + shifts) % pool < pool // 2


def coins_for_half(num_models, pool, rng):
    coins = rng.random((num_models, pool // 2)) < 0.5
    return np.hstack([coins, np.zeros((num_models, pool % 2), dtype=bool), ~coins])


def one_half_rolled(num_models, pool, rng):
    half = halves_by_loop(1, pool, rng)[0]
    return np.stack([np.roll(half, shift) for shift in range(num_models)])


def last_person_never(num_models, pool, rng):
    member = np.zeros((num_models, pool), dtype=bool)
    member[:, : pool - 1] = rng.random((num_models, pool - 1)).argsort(1).argsort(1) < pool // 2
    return member


# 04.5 -------------------------------------------------------------------------------------------


def attack_by_delete(logits, member, num_targets, attack):
    rows = [
        attack(logits[t], np.delete(logits, t, axis=0), np.delete(member, t, axis=0))
        for t in range(num_targets)
    ]
    return np.array(rows)


def attack_by_list(logits, member, num_targets, attack):
    result = np.zeros((num_targets, logits.shape[1]))
    for t in range(num_targets):
        others = [m for m in reversed(range(len(logits))) if m != t]
        result[t] = attack(logits[t], logits[others], member[others])
    return torch.from_numpy(result)


def attack_in_single_precision(logits, member, num_targets, attack):
    logits = torch.from_numpy(logits).float()
    others = ~torch.eye(len(logits), dtype=torch.bool)
    rows = [attack(logits[t], logits[others[t]], member[others[t].numpy()]) for t in range(num_targets)]
    return np.stack(rows)


def attack_by_name(logits, member, num_targets, attack):
    def by_name(target, shadows, shadow_member):
        return attack(target=target, shadows=shadows, shadow_member=shadow_member)

    return REFERENCE["04.5"](logits, member, num_targets, by_name)


def attack_with_numbers(logits, member, num_targets, attack):
    return REFERENCE["04.5"](logits, member.astype(int), num_targets, attack)


def attack_blanks_its_input(logits, member, num_targets, attack):
    rows = REFERENCE["04.5"](logits, member, num_targets, attack)
    logits[:num_targets] = 0.0
    return rows


def attack_with(shadows_of):
    """Attack each target with the rows that `shadows_of(t, models)` gives for logits and for member."""

    def answer(logits, member, num_targets, attack):
        rows = []
        for t in range(num_targets):
            of_logits, of_member = shadows_of(t, np.arange(len(logits)), num_targets)
            rows.append(attack(logits[t], logits[of_logits], member[of_member]))
        return np.stack(rows)

    return answer


def attack_the_next(logits, member, num_targets, attack):
    return REFERENCE["04.5"](np.roll(logits, -1, axis=0), np.roll(member, -1, axis=0), num_targets, attack)


def attack_one_too_many(logits, member, num_targets, attack):
    return REFERENCE["04.5"](logits, member, num_targets + 1, attack)[:num_targets]


def attack_last_only(logits, member, num_targets, attack):
    rows = REFERENCE["04.5"](logits, member, num_targets, attack)
    return np.tile(rows[-1], (num_targets, 1))


def attack_blanks_the_target(logits, member, num_targets, attack):
    rows = []
    for t in range(num_targets):
        blanked = logits.copy()
        blanked[t] = 0.0
        rows.append(attack(logits[t], blanked, member))
    return np.stack(rows)


ACCEPT = {
    "04.1": {
        "reference": REFERENCE["04.1"],
        "a loop of rng.choice": halves_by_loop,
        "a permuted row, as a tensor": halves_by_permuting_a_row,
    },
    "04.5": {
        "reference": REFERENCE["04.5"],
        "np.delete": attack_by_delete,
        "a list of the others, backwards, as a tensor": attack_by_list,
        "tensors, single precision": attack_in_single_precision,
    },
}

REJECT = {
    "04.1": {
        "a coin a person": (lambda m, n, rng: rng.random((m, n)) < 0.5, "A coin a person is not"),
        "with replacement": (halves_with_replacement, "Draw without replacement"),
        "a third": (
            lambda m, n, rng: rng.random((m, n)).argsort(1).argsort(1) < n // 3,
            "yours has 13",
        ),
        "the same half for all": (one_half_for_all, "All models have the same members"),
        "rounded up": (rounded_up, "rounded down, is 3"),
        "a seed of its own": (
            lambda m, n, rng: halves_by_loop(m, n, np.random.default_rng(0)),
            "same for every generator",
        ),
        "numpy's global state": (
            lambda m, n, rng: halves_by_loop(m, n, np.random),
            "equal generators differ",
        ),
        "blocks": (blocks, "you draw blocks"),
        "coins for half of the people": (
            coins_for_half,
            "People 0 and 20 are nearly always in opposite halves",
        ),
        "one half, rolled": (one_half_rolled, "Shuffle anew for each model"),
        "the last person is never drawn": (last_person_never, "Some people are in 0 of 60"),
        "numbers of people": (
            lambda m, n, rng: np.stack([rng.permutation(n)[: n // 2] for _ in range(m)]),
            "returned shape (60, 20)",
        ),
        "zeros and ones": (lambda *a: halves_by_loop(*a).astype(int), "It holds int64"),
        "a person a row": (lambda *a: halves_by_loop(*a).T, "returned shape (40, 60)"),
        "prints and returns nothing": (lambda *a: print(halves_by_loop(*a)), "returned None"),
    },
    "04.5": {
        "the target among its shadows": (
            attack_with(lambda t, models, k: (models, models)),
            "among its own shadows",
        ),
        "left out of the logits only": (
            attack_with(lambda t, models, k: (models != t, models[1:])),
            "do not belong to the shadows",
        ),
        "no target is a shadow": (
            attack_with(lambda t, models, k: (models >= k, models >= k)),
            "has 4 shadows",
        ),
        "a shadow twice": (
            attack_with(lambda t, models, k: (np.where(models == t, (t + 1) % 7, models),) * 2),
            "handed over twice",
        ),
        "the target's row set to zero": (attack_blanks_the_target, "are no model's"),
        "arguments by name": (attack_by_name, "positional-only"),
        "zeros and ones": (attack_with_numbers, "leave them bool"),
        "blanks its input": (attack_blanks_its_input, "Work on copies"),
        "the next model": (attack_the_next, "Attack number 0 should be on model 0"),
        "one target too many": (attack_one_too_many, "calls `attack` 4 times"),
        "the last result for all": (attack_last_only, "Return what `attack` returned"),
        "people left out": (
            lambda logits, member, k, attack: REFERENCE["04.5"](logits[:, :3], member[:, :3], k, attack),
            "Attack all 5 people at once",
        ),
        "one row": (lambda *a: REFERENCE["04.5"](*a)[0], "returned shape (5,)"),
        "a list of rows": (lambda *a: list(REFERENCE["04.5"](*a)), "returned a list"),
    },
}
