"""Simulated embeddings: unit vectors that stand for pictures of people. Nothing here was ever a face."""

import numpy as np


def simulate_embeddings(
    num_people: int,
    pictures: int,
    *,
    rng: np.random.Generator,
    dimension: int = 128,
    within_spread: float = 1.2,
) -> np.ndarray:
    """Several unit vectors a person: people uniform on the sphere, pictures scattered around their person.

    A picture is the person's unit vector plus Gaussian error whose expected squared length is
    `within_spread`², divided by its length. Two pictures of one person have a cosine near 1 / (1 +
    within_spread²), two of different people near 0 with standard deviation 1/√dimension.

    Args:
        num_people, pictures: at least 1 each.
        rng: fixes the result.
        dimension: of the embeddings, at least 2; 128 is FaceNet's (Schroff et al. 2015).
        within_spread: ≥ 0, in lengths of a person's vector.

    Returns:
        Shape (num_people, pictures, dimension), rows of length 1.

    Raises:
        ValueError: if an argument is out of range.

    Limits: real embeddings are not uniform (siblings, age, light), and their errors are neither Gaussian nor
        alike for
        all people: error rates computed from these say nothing about a product.
    """
    if num_people < 1 or pictures < 1 or dimension < 2 or not 0 <= within_spread < float("inf"):
        raise ValueError(
            f"got {num_people} people, {pictures} pictures, dimension {dimension}, within_spread "
            f"{within_spread}; need at least 1, 1, 2 and 0"
        )
    people = _unit(rng.normal(size=(num_people, 1, dimension)))
    errors = rng.normal(scale=within_spread / dimension**0.5, size=(num_people, pictures, dimension))
    return _unit(people + errors)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
