"""How far the clients of one round pull apart: the angles between their updates."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course.federated.averaging import Weights


def flatten(update: Weights) -> Tensor:
    """One long vector with every number of an update, in the order of its names, shape (dim,)."""
    return torch.cat([tensor.reshape(-1) for tensor in update.values()])


def mean_cosine(updates: Sequence[Weights]) -> float:
    """The mean cosine between two different clients' updates: 1 all agree, 0 unrelated, below 0 they fight.

    Raises:
        ValueError: if there are fewer than two updates, or one is zero (it has no direction).
    """
    if len(updates) < 2:
        raise ValueError(f"got {len(updates)} updates; a comparison needs at least two")
    vectors = torch.stack([flatten(update) for update in updates]).double()
    lengths = vectors.norm(dim=1, keepdim=True)
    if (lengths == 0).any():
        raise ValueError("an update is zero everywhere; it has no direction to compare")
    directions = vectors / lengths
    cosines = directions @ directions.T  # (clients, clients)
    above_diagonal = torch.triu_indices(len(updates), len(updates), offset=1)
    return cosines[above_diagonal[0], above_diagonal[1]].mean().item()
