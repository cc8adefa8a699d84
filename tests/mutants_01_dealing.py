"""Right and wrong answers to exercise 01.1: dealing digits."""

from itertools import pairwise

import numpy as np
import torch

from course.exercises.exercise import find_exercise

REFERENCE = find_exercise("01.1").reference


def _pieces(labels, clients, each):
    return np.array_split(np.argsort(labels, kind="stable"), clients * each)


def _hands(pieces, clients, each, order):
    return [np.concatenate([pieces[i] for i in order[k * each : (k + 1) * each]]) for k in range(clients)]


def deal_with_lists(labels, num_clients, shards_per_client, rng):
    row = sorted(range(len(labels)), key=lambda i: -labels[i])
    bounds = np.linspace(0, len(row), num_clients * shards_per_client + 1).round().astype(int)
    shards = [row[a:b] for a, b in pairwise(bounds)]
    rng.shuffle(shards)
    return tuple([i for shard in shards[k::num_clients] for i in shard] for k in range(num_clients))


def deal_by_choice(labels, num_clients, shards_per_client, rng):
    left, hands = list(range(num_clients * shards_per_client)), []
    pieces = _pieces(labels, num_clients, shards_per_client)
    for _ in range(num_clients):
        mine = rng.choice(left, size=shards_per_client, replace=False)
        left = [shard for shard in left if shard not in mine]
        hands.append(torch.from_numpy(np.concatenate([pieces[shard] for shard in mine])))
    return hands


def deal_remainder_last(labels, num_clients, shards_per_client, rng):
    row, count = labels.argsort(), num_clients * shards_per_client
    size = len(row) // count
    shards = [row[k * size : (k + 1) * size if k < count - 1 else None] for k in range(count)]
    return _hands(shards, num_clients, shards_per_client, rng.permutation(count))


def deal_iid(labels, num_clients, shards_per_client, rng):
    return np.array_split(rng.permutation(len(labels)), num_clients)


def deal_sorted_positions(labels, num_clients, shards_per_client, rng):
    shards = np.array_split(np.arange(len(labels)), num_clients * shards_per_client)
    return _hands(shards, num_clients, shards_per_client, rng.permutation(len(shards)))


def deal_labels(labels, num_clients, shards_per_client, rng):
    return [labels[part] for part in REFERENCE(labels, num_clients, shards_per_client, rng)]


def deal_cards(labels, num_clients, shards_per_client, rng):
    row = np.argsort(labels, kind="stable")
    return [row[k::num_clients] for k in rng.permutation(num_clients)]


def deal_in_order(labels, num_clients, shards_per_client, rng):
    pieces = _pieces(labels, num_clients, shards_per_client)
    return _hands(pieces, num_clients, shards_per_client, range(len(pieces)))


def deal_neighbours(labels, num_clients, shards_per_client, rng):
    hands = deal_in_order(labels, num_clients, shards_per_client, rng)
    return [hands[k] for k in rng.permutation(num_clients)]


def deal_global_rng(labels, num_clients, shards_per_client, rng):
    pieces = _pieces(labels, num_clients, shards_per_client)
    return _hands(pieces, num_clients, shards_per_client, np.random.permutation(len(pieces)))


def deal_own_seed(labels, num_clients, shards_per_client, rng):
    return REFERENCE(labels, num_clients, shards_per_client, np.random.default_rng(0))


def deal_half_shuffled(labels, num_clients, shards_per_client, rng):
    pieces = _pieces(labels, num_clients, shards_per_client)
    rest = rng.permutation(range(num_clients, len(pieces))).reshape(num_clients, -1)
    return [np.concatenate([pieces[k], *[pieces[i] for i in rest[k]]]) for k in range(num_clients)]


def deal_with_replacement(labels, num_clients, shards_per_client, rng):
    pieces = _pieces(labels, num_clients, shards_per_client)
    chosen = rng.integers(len(pieces), size=num_clients * shards_per_client)
    return _hands(pieces, num_clients, shards_per_client, chosen)


def deal_without_remainder(labels, num_clients, shards_per_client, rng):
    count = num_clients * shards_per_client
    row = np.argsort(labels)[: len(labels) // count * count]
    return list(row.reshape(count, -1)[rng.permutation(count)].reshape(num_clients, -1))


def deal_two_always(labels, num_clients, shards_per_client, rng):
    return REFERENCE(labels, num_clients, 2, rng)


def deal_iid_when_uneven(labels, num_clients, shards_per_client, rng):
    whole = len(labels) % (num_clients * shards_per_client) == 0
    deal = REFERENCE(labels, num_clients, shards_per_client, rng)
    return deal if whole else deal_iid(labels, num_clients, shards_per_client, rng)


def deal_unequal(labels, num_clients, shards_per_client, rng):
    pieces = _pieces(labels, num_clients, shards_per_client)
    shares = np.split(
        rng.permutation(len(pieces)), sorted(rng.choice(range(1, 20), num_clients - 1, replace=False))
    )
    return [np.concatenate([pieces[i] for i in share]) for share in shares]


def deal_one_based(labels, num_clients, shards_per_client, rng):
    return [part + 1 for part in REFERENCE(labels, num_clients, shards_per_client, rng)]


ACCEPT = {
    "01.1": {
        "reference": REFERENCE,
        "lists, sorted downwards, rng.shuffle, every tenth shard": deal_with_lists,
        "rng.choice a client, tensors": deal_by_choice,
        "the last shard takes the remainder": deal_remainder_last,
    },
}

REJECT = {
    "01.1": {
        "no sorting": (deal_iid, "Did you sort by label"),
        "positions in the sorted row": (deal_sorted_positions, "positions in the sorted row"),
        "labels for positions": (deal_labels, "deal the labels themselves"),
        "dealt like cards": (deal_cards, "like cards"),
        "no shuffling": (deal_in_order, "dealt in order"),
        "clients shuffled, not shards": (deal_neighbours, "Shuffle shards, not clients"),
        "numpy's global state": (deal_global_rng, "numpy's global state"),
        "a seed of its own": (deal_own_seed, "generator of your own"),
        "half of the shards stay": (deal_half_shuffled, "Shuffle all of the shards"),
        "shards drawn with replacement": (deal_with_replacement, "held by two clients"),
        "the remainder is dropped": (deal_without_remainder, "103 examples went in and 96 came out"),
        "fair shares when the shards are uneven": (deal_iid_when_uneven, "no longer cut from the sorted row"),
        "two shards whatever was asked": (deal_two_always, "Is shards_per_client used"),
        "more shards to one than to another": (deal_unequal, "do not hold equally many"),
        "counts from 1": (deal_one_based, "the positions run from 0"),
        "one long array": (lambda *a: np.concatenate(REFERENCE(*a)), "you return a ndarray of 400"),
        "a mask a client": (
            lambda labels, clients, each, rng: [rng.random(len(labels)) < 0.1 for _ in range(clients)],
            "flat array of integer positions",
        ),
        "prints and returns nothing": (lambda *a: print(REFERENCE(*a)), "returned None"),
    },
}
