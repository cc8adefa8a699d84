"""What shared CKKS decryptions give away: noise in the last digits, and through it the secret key."""

from collections.abc import Sequence

import numpy as np

from course.crypto.ring_encryption import RingCiphertext, centred, encode


def key_from_decryptions(
    ciphertexts: Sequence[RingCiphertext], decrypted: Sequence[np.ndarray]
) -> np.ndarray:
    """The secret key, from a few ciphertexts and the numbers that somebody decrypted from them and passed on.

    b + a · s = m for each of them, and m is handed over *with* its noise: linear equations in s. As only the
    real parts of the slots are passed on, each ciphertext gives N/2 − 1 equations; three of them are enough.

    Args:
        ciphertexts: under one key, two parts each, the modulus an odd prime.
        decrypted: the N/2 numbers of each, as `decode` gives them, unrounded.

    Returns:
        The secret, N integers around 0; nonsense if the numbers were rounded or had noise added.

    Raises:
        ValueError: if a ciphertext has other parts or another modulus, or there are too few for a solution.

    Limits: needs more digits than the noise leaves untouched. Noise added on purpose before sharing, large
        enough to hide the ciphertext's own, stops it; a few digits rounded away stop this solver, not every
        attacker.
    Source: Li and Micciancio 2021, "On the security of homomorphic encryption on approximate numbers",
        EUROCRYPT '21, ePrint 2020/1533.
    """
    rows, values, modulus = [], [], ciphertexts[0].modulus
    for ciphertext, numbers in zip(ciphertexts, decrypted, strict=True):
        if len(ciphertext.parts) != 2 or ciphertext.modulus != modulus or modulus % 2 == 0:
            raise ValueError("the attack takes ciphertexts of two parts and one modulus, an odd prime")
        b, a = ciphertext.parts
        # Real slots say a polynomial plus its mirror image, X → 1/X: power k goes to N − k, with a minus.
        with_mirror = encode(numbers, scale=2 * ciphertext.scale, degree=len(b))
        half = len(b) // 2
        rows.append(_mirrored(_times_matrix(a), half))
        values.append(with_mirror[1:half] - _mirrored(b, half))
    return centred(_solve(np.concatenate(rows), np.concatenate(values), modulus), modulus)


def _times_matrix(a: np.ndarray) -> np.ndarray:
    """The matrix whose product with s is a · s modulo X^N + 1."""
    columns = [np.concatenate([-a[len(a) - j :], a[: len(a) - j]]) for j in range(len(a))]
    return np.stack(columns, axis=1)


def _mirrored(rows: np.ndarray, half: int) -> np.ndarray:
    return rows[1:half] - rows[:half:-1]


def _solve(matrix: np.ndarray, values: np.ndarray, modulus: int) -> np.ndarray:
    """Gauss–Jordan elimination modulo a prime."""
    system = np.column_stack([matrix, values]) % modulus
    unknowns = matrix.shape[1]
    for column in range(unknowns):
        pivots = [row for row in range(column, len(system)) if system[row, column]]
        if not pivots:
            raise ValueError(f"{len(matrix)} equations do not determine {unknowns} unknowns; give more")
        system[[column, pivots[0]]] = system[[pivots[0], column]]
        system[column] = system[column] * pow(system[column, column], -1, modulus) % modulus
        others = system[:, column].copy()
        others[column] = 0
        system = (system - np.outer(others, system[column])) % modulus
    return system[:unknowns, -1]
