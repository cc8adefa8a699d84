"""Checker of exercise 01.1: are the shards whole, each dealt once, and at random?"""

from collections.abc import Sequence

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import given


def verify_deal(deal) -> None:
    """Whole shards, each dealt once, at random, and at random from `rng`."""
    labels = _shuffled_labels(10, 40)
    # By chance a client of a right answer keeps a digit through so many hands once in a million checks.
    hands = [_dealt(deal, labels, 10, 2, seed) for seed in range(12)]
    for hand in hands:
        _expect_partition(hand, labels)
        _expect_two_shards(hand, labels)
    _expect_rng(hands, _dealt(deal, labels, 10, 2, 0), labels)
    three_each, uneven = _shuffled_labels(6, 30), _shuffled_labels(10, 11)[:103]
    hand = _dealt(deal, three_each, 4, 3, 1)
    _expect_partition(hand, three_each)
    if (_holdings(hand, three_each) % 15).any():
        raise NotYet(
            "With 10 clients and 2 shards each it is right; with 4 and 3 the shards are not whole. "
            "Is shards_per_client used?"
        )
    # 103 examples do not fill 12 equal shards, and 7 are easily left over.
    hand = _dealt(deal, uneven, 4, 3, 2)
    _expect_partition(hand, uneven)
    # A shard of 8 or 9 spans at most two of these digits, the one with a remainder of 7 more at most three.
    if (_holdings(hand, uneven) > 0).sum(axis=1).max() > 7:
        raise NotYet(
            "With 103 examples, which do not divide into 12 equal shards, the shards are no longer cut from "
            "the sorted row."
        )


def _shuffled_labels(num_labels: int, count: int) -> np.ndarray:
    return np.random.default_rng(3).permutation(np.repeat(np.arange(num_labels), count))


def _dealt(deal, labels: np.ndarray, num_clients: int, shards: int, seed: int) -> list[np.ndarray]:
    with given(f"{len(labels)} labels, {num_clients} clients, {shards} shards each"):
        hand = deal(labels.copy(), num_clients, shards, np.random.default_rng(seed))
    if hand is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(hand, Sequence | np.ndarray) or len(hand) != num_clients:
        count = f" of {len(hand)}" if hasattr(hand, "__len__") else ""
        raise NotYet(
            f"Return a list with one array of positions a client, {num_clients} of them; "
            f"you return a {type(hand).__name__}{count}."
        )
    parts = [np.asarray(part) for part in hand]
    if any(part.ndim != 1 or not np.issubdtype(part.dtype, np.integer) for part in parts):
        raise NotYet("Each client's entry should be a flat array of integer positions into `labels`.")
    return parts


def _expect_partition(parts: list[np.ndarray], labels: np.ndarray) -> None:
    everyone, total = np.concatenate(parts), len(labels)
    if np.array_equal(np.sort(everyone), np.sort(labels)):
        raise NotYet(
            "You deal the labels themselves. Deal their positions: labels[position] is then the label."
        )
    if len(np.unique(everyone)) < len(everyone):
        raise NotYet("Some example is held by two clients. Deal each shard once.")
    if len(everyone) < total:
        raise NotYet(
            f"{total} examples went in and {len(everyone)} came out. Shards may differ in size by one, "
            "so that none is lost: np.array_split does that."
        )
    if everyone.min() < 0 or everyone.max() >= total:
        raise NotYet(
            f"With {total} labels the positions run from 0 to {total - 1}; one of yours lies outside."
        )


def _holdings(parts: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(labels[part], minlength=10) for part in parts])  # (clients, labels)


def _expect_two_shards(parts: list[np.ndarray], labels: np.ndarray) -> None:
    holdings = _holdings(parts, labels)
    if (holdings.sum(axis=1) != 40).any():
        raise NotYet(
            "The clients do not hold equally many: cut shards of equal size and deal each client two."
        )
    most = (holdings > 0).sum(axis=1).max()
    if most > 2:
        if (_holdings(parts, np.sort(labels)) > 0).sum(axis=1).max() <= 2:
            raise NotYet(
                "You deal positions in the sorted row. np.argsort(labels) says where in `labels` each one is."
            )
        if len(np.unique(holdings)) == 1:
            raise NotYet(
                "You deal the sorted row out like cards, so everyone gets some of each digit. "
                "Cut it into shards."
            )
        raise NotYet(f"A client with two shards holds {most} digits. Did you sort by label before you cut?")
    if (holdings % 20).any():
        raise NotYet("The shards are not whole: cut the sorted row into 20 equal pieces and deal those.")


def _expect_rng(hands: list[list[np.ndarray]], again: list[np.ndarray], labels: np.ndarray) -> None:
    if not _same_hand(hands[0], again):
        raise NotYet(
            "The same rng seed dealt two different hands. Draw from `rng`, not from numpy's global state."
        )
    one_digit = all((_holdings(hand, labels) > 0).sum(axis=1).max() == 1 for hand in hands)
    if all(_same_hand(hands[0], hand) for hand in hands[1:]):
        if one_digit:
            raise NotYet(
                "The shards are dealt in order, whatever the rng says. Shuffle them before you deal."
            )
        raise NotYet(
            "The hands are shuffled, and the same for every rng: do not make a generator of your own."
        )
    if one_digit:
        raise NotYet(
            "Each client gets two neighbouring shards, so one digit only. Shuffle shards, not clients."
        )
    kept = np.all([_holdings(hand, labels) > 0 for hand in hands], axis=0)  # (clients, labels)
    if kept.any():
        client, digit = np.argwhere(kept)[0]
        raise NotYet(f"Client {client} holds digit {digit} whatever the rng says. Shuffle all of the shards.")


def _same_hand(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(np.sort(a), np.sort(b)) for a, b in zip(one, other, strict=True))
