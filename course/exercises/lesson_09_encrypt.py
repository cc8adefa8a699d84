"""The checker of lesson 09 on encryption, judged on its secrecy: a fresh uniform mask, and noise."""

import numbers
from collections.abc import Callable, Sequence

import numpy as np

from course.crypto.field import PRIME
from course.crypto.ring_encryption import (
    DEGREE,
    centred,
    encode,
    multiply,
    new_secret,
    small_noise,
    uniform,
)
from course.exercises.exercise import NotYet
from course.exercises.lesson_07_secrecy import (
    ALARM,
    PARTS,
    expect_sequence,
    p_value_of_uniform,
    predictable_generator,
    seeded,
)
from course.exercises.probe import given

SCALE, OTHER_MODULUS = 2**24, 2**90


def expect_polynomial(value: object, what: str) -> np.ndarray:
    """The value as an array of N Python integers, or a sentence about what it is instead."""
    coefficients = value.tolist() if isinstance(value, np.ndarray) else value
    coefficients = expect_sequence(coefficients, DEGREE, f"{what} as an array of {DEGREE} integers")
    for number in coefficients:
        if isinstance(number, float | np.floating):
            raise NotYet(
                f"{what} holds the float {number:g}. A float has 53 bits, and these numbers have more: the last ones are "
                "lost. Stay with integers, and with // where you divide."
            )
        if isinstance(number, bool) or not isinstance(number, numbers.Integral):
            raise NotYet(f"{what} should hold integers; one is of type {type(number).__name__}.")
    return np.array([int(number) for number in coefficients], dtype=object)


def expect_reduced(polynomial: np.ndarray, modulus: int, what: str) -> np.ndarray:
    if any(not 0 <= c < modulus for c in polynomial):
        raise NotYet(f"{what} is not reduced: end with % modulus, so that it lies in 0 … modulus − 1.")
    return polynomial


# 09.1 ---------------------------------------------------------------------------------------------

LARGEST_NOISE = 200
CALLS = 40


def verify_encrypt(encrypt) -> None:
    """b + a · s opens as message + small noise; a is uniform and fresh, noise is there and is fresh."""
    secret = new_secret()
    message = encode(np.linspace(-3, 3, DEGREE // 2), scale=SCALE)
    drawn = [_pair(encrypt, message, secret) for _ in range(CALLS)]
    noises = [_noise(pair, message, secret) for pair in drawn]
    _expect_opens(drawn, noises, message, secret)
    _expect_masks([a for _, a in drawn], encrypt, lambda: _pair(encrypt, message, secret))
    _expect_noise(noises, lambda: _noise(_pair(encrypt, message, secret), message, secret))
    _expect_any_modulus(encrypt, message, secret)


def _pair(
    encrypt, message: np.ndarray, secret: np.ndarray, modulus: int = PRIME
) -> tuple[np.ndarray, np.ndarray]:
    handed = (message.copy(), secret.copy())
    with given(f"a message of 64 integers, a secret of −1, 0 and 1, and the modulus {modulus}"):
        got = encrypt(*handed, modulus)
    if (handed[0] != message).any() or (handed[1] != secret).any():
        raise NotYet("It changes the message or the secret that it is given; others still need them.")
    got = list(got) if isinstance(got, np.ndarray) and got.ndim == 2 else got
    b, a = expect_sequence(got, 2, "the pair b, a")
    b, a = expect_polynomial(b, "b"), expect_polynomial(a, "a")
    return expect_reduced(b, modulus, "b"), expect_reduced(a, modulus, "a")


def _noise(pair: tuple[np.ndarray, np.ndarray], message: np.ndarray, secret: np.ndarray) -> np.ndarray:
    b, a = pair
    return centred(b + multiply(a, secret, PRIME) - message, PRIME)


def _size(polynomial: np.ndarray) -> int:
    return max(abs(c) for c in centred(polynomial, PRIME))


def _expect_opens(drawn, noises, message, secret) -> None:
    if all(_size(noise) <= LARGEST_NOISE for noise in noises):
        return
    b, a = drawn[0]
    product = multiply(a, secret, PRIME)
    if _size(b - product - message) <= LARGEST_NOISE:
        raise NotYet("You add a · secret to b. Opening is b + a · secret, so encryption subtracts it.")
    if _size(a + multiply(b, secret, PRIME) - message) <= LARGEST_NOISE:
        raise NotYet("The pair is the wrong way round: b, which holds the message, comes first, then a.")
    if _size(b + product) <= LARGEST_NOISE:
        raise NotYet("It opens as noise only: the message is missing in b.")
    if _size(b - message) <= LARGEST_NOISE:
        raise NotYet("b is the message plus noise, for all to read. Where is the mask, a · secret?")
    if _size(b + a * secret - message) <= LARGEST_NOISE:
        raise NotYet(
            "a * secret multiplies coefficient by coefficient; polynomials need the ring's `multiply`."
        )
    raise NotYet(
        f"b + a · secret is off by up to {_size(noises[0]):,} from the message; the noise should stay near 10. Is the "
        "noise small_noise(), and is a what you return?"
    )


def _expect_masks(masks: Sequence[np.ndarray], answer, call) -> None:
    if len({repr(mask.tolist()) for mask in masks}) < len(masks):
        raise NotYet(
            "a comes twice. Two ciphertexts with the same a and secret: subtract them, and the difference of the two "
            "messages lies open. Draw a anew in each call."
        )
    if any(len(set(mask.tolist())) == 1 for mask in masks):
        raise NotYet("All 64 coefficients of a are one number; draw one for each: uniform(modulus) does.")
    if max(_size(mask) for mask in masks) < PRIME // 2**10:
        raise NotYet("a is small, so a · secret hides little of b. Draw it with uniform(modulus).")
    values = [int(c) for mask in masks for c in mask]
    parts = [(value * PARTS // PRIME,) for value in values]
    if p_value_of_uniform(parts, PARTS) < ALARM:
        raise NotYet("a does not go evenly over 0 … modulus − 1: draw it with uniform(modulus).")
    if p_value_of_uniform([(value % PARTS,) for value in values], PARTS) < ALARM:
        raise NotYet("The last bits of a are not random. Draw whole integers: uniform(modulus).")
    _expect_unpredictable("a", lambda: call()[1], "uniform")
    if name := predictable_generator(answer):
        raise NotYet(f"You use {name}, made for simulations. `uniform` and `small_noise` use secrets.")


def _expect_unpredictable(what: str, draw: Callable[[], np.ndarray], instead: str) -> None:
    for name in ("Python's random", "numpy's global generator"):
        seen = set()
        for other in range(2):
            with seeded(name, other=other):
                seen.add(repr(draw().tolist()))
        if len(seen) == 1:
            raise NotYet(
                f"{what} comes from {name}, which is predictable. `{instead}` asks the operating system."
            )


def _expect_any_modulus(encrypt, message: np.ndarray, secret: np.ndarray) -> None:
    """The same under another modulus: an answer must not know the first one by heart."""
    b, a = _pair(encrypt, message, secret, OTHER_MODULUS)
    noise = centred(b + multiply(a, secret, OTHER_MODULUS) - message, OTHER_MODULUS)
    # The largest of 64 uniform numbers is below a thousandth of the modulus once in 10^192.
    if max(abs(c) for c in noise) > LARGEST_NOISE or max(a) < OTHER_MODULUS // 1_000:
        raise NotYet(
            f"Modulo {PRIME} it is right, modulo {OTHER_MODULUS} it is not: work with the modulus that you are given."
        )


def _expect_noise(noises: Sequence[np.ndarray], draw: Callable[[], np.ndarray]) -> None:
    if all(_size(noise) == 0 for noise in noises):
        raise NotYet(
            "There is no noise. b and a are then linear equations in the secret, 64 of them with 64 unknowns, and "
            "whoever knows one message solves them. Add small_noise()."
        )
    if any(len(set(noise.tolist())) == 1 for noise in noises):
        raise NotYet(
            "All coefficients get the same noise, one number for 64; draw one for each: small_noise()."
        )
    if len({repr(noise.tolist()) for noise in noises}) < len(noises):
        raise NotYet(
            "The noise comes twice: the difference of two ciphertexts has none. Draw it in each call."
        )
    _expect_unpredictable("The noise", draw, "small_noise")
    variance = float(np.concatenate(noises).astype(float).var())
    # 2,560 draws of variance 10.5: their variance leaves 7 to 15 once in far more than 10^8 checks.
    if not 7 < variance < 15:
        raise NotYet(
            f"The noise has variance {variance:.1f}; that of small_noise() is 10.5. Less hides less, more costs digits."
        )


# What the exercises lend ---------------------------------------------------------------------------


def encrypt(message: np.ndarray, secret: np.ndarray, modulus: int) -> tuple[np.ndarray, np.ndarray]:
    """b and a: the message under a fresh mask a · secret, with noise."""
    a = uniform(modulus)
    return (message + small_noise() - multiply(a, secret, modulus)) % modulus, a
