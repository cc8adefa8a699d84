"""Checkers of exercises 04.1 and 04.5: who is in which half, and who may be whose shadow."""

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.lesson_04_scores import as_numpy, expect_array, left_alone
from course.exercises.probe import given

# 04.1 ---------------------------------------------------------------------------------------------


def verify_halves(draw_halves) -> None:
    """Exact halves, each model its own, every person as likely as every other, all from `rng`."""
    member = _halves(draw_halves, 60, 40, seed=0)
    counts = member.sum(axis=1)
    if (counts != 20).any():
        if counts.min() < 20 < counts.max():
            raise NotYet(
                f"Your halves of 40 people have {counts.min()} to {counts.max()} members. A coin a person is not "
                "an exact half: shuffle and take the first half."
            )
        if len(np.unique(counts)) > 1:
            raise NotYet("Some halves are too small. Is a person drawn twice? Draw without replacement.")
        raise NotYet(f"A half of 40 people is 20; yours has {counts[0]}.")
    if (_halves(draw_halves, 3, 7, seed=1).sum(axis=1) != 3).any():
        raise NotYet("Of 7 people a half, rounded down, is 3: pool // 2.")
    if (member == member[0]).all():
        raise NotYet("All models have the same members. Draw a new half for each model.")
    _expect_from_rng(draw_halves, member)
    # 60 models: a right answer gives some person under 8 or over 52 halves once in 10^8 checks.
    shares = _halves(draw_halves, 60, 40, seed=2).sum(axis=0)
    if shares.min() < 8 or shares.max() > 52:
        raise NotYet(
            f"Some people are in {shares.min()} of 60 halves and others in {shares.max()}. Everybody should be "
            "as likely as anybody else: about 30."
        )
    if _adjacent_agreement(member) > 0.75:
        raise NotYet("Neighbours in the list share their fate: you draw blocks. Shuffle single people.")
    _expect_free_pairs(member)
    # Two of 60 random halves are equal once in 10^7 checks.
    if len(np.unique(member, axis=0)) < len(member):
        raise NotYet("Some models have the same half. Shuffle anew for each model.")


def _halves(draw_halves, num_models: int, pool: int, *, seed: int) -> np.ndarray:
    with given(f"{num_models} models, a pool of {pool}"):
        got = draw_halves(num_models, pool, np.random.default_rng(seed))
    member = expect_array(got, (num_models, pool), each="a model and person")
    if member.dtype != bool:
        raise NotYet(f"It holds {member.dtype}; make it True for members and False for the others.")
    return member


def _adjacent_agreement(member: np.ndarray) -> float:
    """How often two neighbours are both in or both out; 0.49 by chance, 0.02 standard error."""
    return float((member[:, 1:] == member[:, :-1]).mean())


def _expect_free_pairs(member: np.ndarray) -> None:
    """No two people are bound to each other; two free ones agree in 29 of 60 halves, standard error 4."""
    signs = 2 * member.astype(int) - 1
    agreements = (len(member) + signs.T @ signs) // 2
    people = np.arange(len(agreements))
    for bound, how in ((agreements < 4, "opposite halves"), (agreements > 56, "the same half")):
        pairs = np.argwhere(bound & (people[:, None] < people))
        if len(pairs):
            one, other = pairs[0]
            raise NotYet(
                f"People {one} and {other} are nearly always in {how}. Whether one is drawn should not settle "
                "it for another: shuffle all of them."
            )


def _expect_from_rng(draw_halves, member: np.ndarray) -> None:
    if not np.array_equal(member, _halves(draw_halves, 60, 40, seed=0)):
        raise NotYet("Two calls with equal generators differ. Draw from the `rng` that is given.")
    if np.array_equal(member, _halves(draw_halves, 60, 40, seed=5)):
        raise NotYet("The halves are the same for every generator. Draw them from `rng`.")


# 04.5 ---------------------------------------------------------------------------------------------

MODELS, PEOPLE, TARGETS = 7, 5, 3


def verify_attack_each(attack_each) -> None:
    """A spy stands in for the attack and looks at what each target is attacked with."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(MODELS, PEOPLE)).astype(np.float32)  # As models give them.
    member = np.arange(MODELS)[:, None] % 2 == np.arange(PEOPLE) % 2
    member = member ^ (rng.random((MODELS, PEOPLE)) < 0.2)
    calls = []

    # Attacks call their arguments by different names, so an answer must not count on names.
    def spy(target, shadows, shadow_member, /):
        calls.append(tuple(np.asarray(as_numpy(array)).copy() for array in (target, shadows, shadow_member)))
        return np.full(PEOPLE, float(len(calls)))

    inputs = logits.copy(), member.copy()
    with given(f"{MODELS} models, {PEOPLE} people, {TARGETS} targets"), left_alone(*inputs):
        got = attack_each(*inputs, TARGETS, spy)
    got = expect_array(got, (TARGETS, PEOPLE), each="a target and person")
    if len(calls) != TARGETS:
        raise NotYet(
            f"With num_targets={TARGETS} it calls `attack` {len(calls)} times: once for each target."
        )
    if not np.array_equal(got, np.repeat(np.arange(1.0, TARGETS + 1)[:, None], PEOPLE, axis=1)):
        raise NotYet("Return what `attack` returned, a row for each target, in order.")
    for which, call in enumerate(calls):
        _expect_call(which, *call, logits, member)


def _expect_call(which, target, shadows, shadow_member, logits, member) -> None:
    if target.shape != (PEOPLE,):
        raise NotYet(
            f"Attack all {PEOPLE} people at once: the target's logits that you hand over are {target.shape}."
        )
    if not np.array_equal(target, logits[which]):
        raise NotYet(f"Attack number {which} should be on model {which}: logits[{which}] goes in first.")
    if shadows.ndim != 2 or shadows.shape[1] != PEOPLE:
        raise NotYet(f"The shadows' logits should be (models, people); you hand over {shadows.shape}.")
    used = [_row_of(row, logits) for row in shadows]
    if None in used:
        raise NotYet("Some of the shadows' logits are no model's. Hand over whole rows of `logits`.")
    if which in used:
        raise NotYet(
            "The target is among its own shadows, with its member list beside it. That list is the secret: the "
            "attacker cannot have it."
        )
    if len(set(used)) < len(used):
        raise NotYet("A shadow is handed over twice.")
    if len(used) < MODELS - 1:
        raise NotYet(
            f"Target {which} has {len(used)} shadows; all the {MODELS - 1} other models can serve, also those "
            "that are targets in their turn."
        )
    if shadow_member.shape != shadows.shape or not np.array_equal(shadow_member, member[used]):
        raise NotYet(
            "The member lists do not belong to the shadows. Leave the target out of `member` and `logits` alike."
        )
    if shadow_member.dtype != bool:
        raise NotYet(f"You hand over member lists of {shadow_member.dtype}; leave them bool.")


def _row_of(row: np.ndarray, rows: np.ndarray) -> int | None:
    found = np.flatnonzero((rows == row).all(axis=1))
    return int(found[0]) if len(found) else None
