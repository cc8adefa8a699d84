"""Lesson 09, homomorphic encryption: its six exercises, the answers that it lends, and the hints."""

from course.attacks.biometric import on_the_boundary
from course.crypto.encrypted_matching import encrypted_dot
from course.crypto.ring_encryption import rescale
from course.exercises.exercise import Exercise
from course.exercises.lesson_09_encrypt import encrypt, verify_encrypt
from course.exercises.lesson_09_ring import verify_rescale, verify_weighted_sum, weighted_sum
from course.exercises.lesson_09_scores import verify_scores
from course.exercises.lesson_09_use import smallest_ring, verify_boundary, verify_smallest_ring

EXERCISES = (
    Exercise(
        "09.1", "encrypt", "hide a polynomial", encrypt, verify_encrypt,
        (
            "Opening is b + a · secret. What must b be, so that message + noise is left?",
            "a = uniform(modulus), fresh in each call; b = message + small_noise() − multiply(a, secret, modulus), and % "
            "modulus at the end.",
            "a = uniform(modulus); return (message + small_noise() - multiply(a, secret, modulus)) % modulus, a",
        ),
        points=2,
    ),
    Exercise(
        "09.2", "weighted_sum", "average what you cannot read", weighted_sum, verify_weighted_sum,
        (
            "A part holds integers, and a weight is 0.3. Which integer stands for it at weight_scale steps in 1?",
            "Multiply every part of each ciphertext by round(weight * weight_scale), add up part by part, % modulus. The scale "
            "is now the product of the two.",
            "parts = tuple(sum(round(w * weight_scale) * c.parts[i] for w, c in zip(weights, ciphertexts)) % modulus for i in "
            "(0, 1)); return RingCiphertext(parts, modulus, ciphertexts[0].scale * weight_scale)",
        ),
    ),
    Exercise(
        "09.3", "rescale", "make room again", rescale, verify_rescale,
        (
            "If all parts are divided by the factor, what else must be, so that the same numbers open?",
            "(part + factor // 2) // factor rounds to the nearest. The new modulus is modulus // factor, and the parts are "
            "reduced by it.",
            "q = ciphertext.modulus // factor; RingCiphertext(tuple((p + factor // 2) // factor % q for p in "
            "ciphertext.parts), q, ciphertext.scale / factor)",
        ),
        points=2,
    ),
    Exercise(
        "09.4", "smallest_ring", "parameters that are secure", smallest_ring, verify_smallest_ring,
        (
            "How many bits have all primes together: the first, one a product, and the last?",
            "bits = 60 + depth * scale_bits + 60. Of all degrees whose allowance is at least that, take the smallest; if there "
            "is none, raise ValueError.",
            "enough = [n for n, limit in allowed.items() if limit >= bits]; if not enough: raise ValueError(…); return "
            "min(enough)",
        ),
    ),
    Exercise(
        "09.5", "encrypted_scores", "compare what you cannot read", encrypted_dot, verify_scores,
        (
            "Slot i of templates[j] is coordinate j of person i. What is the dot product with person i, slot by slot?",
            "Start with probe[0] * templates[0], and add the product of each further pair of columns.",
            "total = probe[0] * templates[0]; for x, y in zip(probe[1:], templates[1:]): total = total + x * y",
        ),
    ),
    Exercise(
        "09.6", "on_the_boundary", "twenty questions", on_the_boundary, verify_boundary,
        (
            "Somewhere between an accepted and a refused vector the answer changes. How do you find a word in a dictionary?",
            "Each step: middle = (inside + outside), divided by its length; if it is accepted it is the new inside, else the "
            "new outside.",
            "for _ in range(steps): m = inside + outside; m = m / np.linalg.norm(m); inside, outside = (m, outside) if "
            "accepts(m) else (inside, m); and return inside",
        ),
        points=2,
    ),
)  # fmt: skip
