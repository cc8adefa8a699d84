"""Deal one data set out among clients: evenly, by shards of sorted labels, or by Dirichlet shares.

Every function returns a true partition: each example belongs to exactly one client, and no client is empty. A
client's indices are int64 and ascending, so shuffle them before training.
"""

from collections.abc import Sequence

import numpy as np

# At this concentration ten clients split MNIST evenly to within a few examples of each digit; far above it
# numpy's sampler overflows and returns shares that do not sum to one.
MAX_ALPHA = 1e6


def partition_iid(labels: np.ndarray, num_clients: int, *, seed: int) -> list[np.ndarray]:
    """Shuffle the examples and deal them out evenly.

    Args:
        labels: shape (examples,); only its length is used.
        num_clients: between 1 and the number of examples.
        seed: the same seed gives the same parts.

    Returns:
        One index array a client; sizes differ by at most one.

    Raises:
        ValueError: if `labels` is empty or not 1-D, or a client would be empty.

    Source: McMahan et al. 2017, arXiv:1602.05629, section 3, the IID partition.
    """
    labels = _checked_labels(labels)
    _check_parts(len(labels), num_clients=num_clients)
    order = np.random.default_rng(seed).permutation(len(labels))
    return [np.sort(part) for part in np.array_split(order, num_clients)]


def partition_shards(
    labels: np.ndarray, num_clients: int, *, shards_per_client: int = 2, seed: int
) -> list[np.ndarray]:
    """Sort the examples by label, cut them into equal shards, and deal each client some shards.

    Args:
        labels: shape (examples,).
        num_clients: at least 1.
        shards_per_client: at least 1; all clients together need no more shards than there are examples.
        seed: decides who is dealt which shards; the shards themselves do not depend on it.

    Returns:
        One index array a client; shards differ in size by at most one example.

    Raises:
        ValueError: if `labels` is empty or not 1-D, a number is not positive, or a shard would be empty.

    Guarantee: if every label is equally frequent and a whole number of shards, no shard holds two labels,
        so a client holds at most `shards_per_client` of them.
    Limits: the digits of MNIST are not equally frequent, so a shard can straddle two digits, and a client
        with two shards then holds up to four. The scheme is like that as published ("most clients will
        only have examples of two digits").
    Source: McMahan et al. 2017, arXiv:1602.05629, section 3, the Non-IID partition (200 shards of 300).
    """
    labels = _checked_labels(labels)
    _check_parts(len(labels), num_clients=num_clients, shards_per_client=shards_per_client)
    num_shards = num_clients * shards_per_client
    shards = np.array_split(np.argsort(labels, kind="stable"), num_shards)
    deal = np.random.default_rng(seed).permutation(num_shards).reshape(num_clients, shards_per_client)
    return [np.sort(np.concatenate([shards[shard] for shard in hand])) for hand in deal]


def partition_dirichlet(
    labels: np.ndarray, num_clients: int, *, alpha: float, seed: int, min_examples: int = 1
) -> list[np.ndarray]:
    """Split each label among the clients in random shares drawn from a symmetric Dirichlet.

    For each label k, shares p_k ~ Dirichlet(alpha, ..., alpha) say which fraction of its examples each
    client gets. A small alpha gives nearly all of a label to one client, a large alpha gives every client
    an equal part of every label. Clients differ in size as well as in their mix.

    Args:
        labels: shape (examples,).
        num_clients: at least 1; together the clients need no more than all examples.
        alpha: concentration, 0 < alpha <= 1e6.
        seed: the same seed gives the same parts.
        min_examples: every client ends with at least this many.

    Returns:
        One index array a client, of unequal sizes.

    Raises:
        ValueError: if `labels` is empty or not 1-D, `alpha` or a number is out of range, or
            num_clients * min_examples exceeds the number of examples.

    Limits: a client that the shares leave short is topped up with random examples of the largest client.
        With a tiny alpha that is common, and it weakens the skew by those few examples. (Drawing again
        until nobody is short, as published code does, may never end.)
    Source: the split of each label over the clients is that of Yurochkin et al. 2019, arXiv:1905.12022,
        section 4, also "distribution-based label imbalance" in Li et al. 2022, arXiv:2102.02079. It is
        not that of Hsu et al. 2019, arXiv:1909.06335, who draw a mix of labels for each client and give
        all clients the same number of examples.
    """
    labels = _checked_labels(labels)
    if not 0 < alpha <= MAX_ALPHA:  # This form also refuses NaN.
        raise ValueError(f"alpha must be above 0 and at most {MAX_ALPHA:g}, got {alpha}")
    _check_parts(len(labels), num_clients=num_clients, min_examples=min_examples)
    rng = np.random.default_rng(seed)
    _, label_of_example = np.unique(labels, return_inverse=True)
    hands = [[] for _ in range(num_clients)]
    for label in range(label_of_example.max() + 1):
        members = rng.permutation(np.flatnonzero(label_of_example == label))
        shares = rng.dirichlet(np.full(num_clients, float(alpha)))
        for hand, piece in zip(hands, _cut_by_shares(members, shares, rng=rng), strict=True):
            hand.append(piece)
    parts = [np.concatenate(hand) for hand in hands]
    _top_up(parts, min_examples=min_examples, rng=rng)
    return [np.sort(part) for part in parts]


def label_counts(labels: np.ndarray, parts: Sequence[np.ndarray], *, num_classes: int = 10) -> np.ndarray:
    """Count who holds how many of which label.

    Args:
        labels: integers 0 to num_classes - 1, shape (examples,).
        parts: one index array a client.
        num_classes: number of columns.

    Returns:
        int64 counts, shape (num_clients, num_classes).

    Raises:
        ValueError: if a label or an index is out of range, or `labels` are not integers.
    """
    labels = _checked_labels(labels)
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels must be integers from 0 to {num_classes - 1} (num_classes={num_classes})")
    for client, part in enumerate(parts):
        # A negative index would count another client's example without a word.
        if len(part) and not 0 <= np.min(part) <= np.max(part) < len(labels):
            raise ValueError(f"client {client} holds an index outside 0 to {len(labels) - 1}")
    counts = [np.bincount(labels[part], minlength=num_classes) for part in parts]
    return np.array(counts, dtype=np.int64).reshape(len(parts), num_classes)


def _cut_by_shares(members: np.ndarray, shares: np.ndarray, *, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut `members` into consecutive pieces whose expected lengths are exactly shares * len(members)."""
    # Rounding every cut with one common random offset leaves no client favoured; rounding down would hand
    # each left-over example to the last client.
    cuts = np.floor(np.cumsum(shares)[:-1] * len(members) + rng.random()).astype(np.int64)
    return np.split(members, np.minimum(cuts, len(members)))


def _top_up(parts: list[np.ndarray], *, min_examples: int, rng: np.random.Generator) -> None:
    """Move random examples, in place, from the largest client to each that has fewer than `min_examples`."""
    for client in range(len(parts)):
        while (missing := min_examples - len(parts[client])) > 0:
            # Somebody is short and the total suffices, so the largest client has examples to spare.
            donor = max(range(len(parts)), key=lambda other: len(parts[other]))
            num_moved = min(missing, len(parts[donor]) - min_examples)
            shuffled = rng.permutation(parts[donor])
            parts[client] = np.concatenate([parts[client], shuffled[:num_moved]])
            parts[donor] = shuffled[num_moved:]


def _checked_labels(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels must be 1-D with at least one example, got shape {labels.shape}")
    return labels


def _check_parts(num_examples: int, **numbers: int) -> None:
    """Check that each number is a positive integer, and that there are as many examples as their product."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"{name} must be a positive whole number, got {number!r}")
    needed = int(np.prod(list(numbers.values()), dtype=object))
    if needed > num_examples:
        given = " * ".join(f"{name}={number}" for name, number in numbers.items())
        raise ValueError(f"{given} needs at least {needed} examples, but there are {num_examples}")
