"""Right and wrong answers to the exercises of lesson 09."""

import random
import secrets

import numpy as np

from course.crypto.ckks_parameters import LARGEST_MODULUS_BITS
from course.crypto.ring_encryption import (
    RingCiphertext,
    add,
    centred,
    multiply,
    small_noise,
    uniform,
)
from course.exercises.exercise import find_exercise

REFERENCE = {number: find_exercise(number).reference for number in (f"09.{n}" for n in range(1, 7))}


# 09.1 -------------------------------------------------------------------------------------------


def hiding(
    mask=uniform, noise=small_noise, b=lambda m, e, product: m + e - product, pair=lambda b, a: (b, a)
):
    """The right encryption with one part of its own."""

    def encrypt(message, secret, modulus):
        a = mask(modulus)
        return pair(b(message, noise(), multiply(a, secret, modulus)) % modulus, a)

    return encrypt


def negated_mask(message, secret, modulus):
    """Another right way: draw c, and send a = −c."""
    c = uniform(modulus)
    return [(multiply(c, secret, modulus) + message - small_noise()) % modulus, (-c) % modulus]


def in_lists(message, secret, modulus):
    b, a = REFERENCE["09.1"](message, secret, modulus)
    return b.tolist(), a.tolist()


FIXED_MASK, FIXED_NOISE = uniform(2**61 - 1), small_noise()


def not_reduced(message, secret, modulus):
    a = uniform(modulus)
    return message + small_noise() - multiply(a, secret, modulus), a


def into_the_message(message, secret, modulus):
    a = uniform(modulus)
    message += small_noise() - multiply(a, secret, modulus)
    return message % modulus, a


def from_numpy(modulus):
    return np.random.randint(0, modulus, size=64, dtype=np.int64).astype(object)


def times_slotwise(message, secret, modulus):
    a = uniform(modulus)
    return (message + small_noise() - a * secret) % modulus, a


def in_floats(message, secret, modulus):
    b, a = REFERENCE["09.1"](message, secret, modulus)
    return b.astype(float), a


GENERATOR = np.random.default_rng()


def one_noise():
    return np.array([int(small_noise()[0]) or 1] * 64, dtype=object)


# 09.2 -------------------------------------------------------------------------------------------


def weighing(
    step=lambda w, scale: round(w * scale),
    scale=lambda old, weight_scale: old * weight_scale,
    which=(0, 1),
    end=lambda total, q: total % q,
    modulus=lambda q, weight_scale: q,
):
    """The right weighted sum with one part of its own."""

    def weighted_sum(ciphertexts, weights, weight_scale):
        q = ciphertexts[0].modulus
        parts = []
        for i in (0, 1):
            steps = [step(w, weight_scale) if i in which else 1 for w in weights]
            parts.append(end(sum(s * c.parts[i] for s, c in zip(steps, ciphertexts, strict=True)), q))
        return RingCiphertext(
            tuple(parts), modulus(q, weight_scale), scale(ciphertexts[0].scale, weight_scale)
        )

    return weighted_sum


def by_adding(ciphertexts, weights, weight_scale):
    """Another right way: scale each ciphertext, then the library's `add`."""
    total = None
    for ciphertext, weight in zip(ciphertexts, weights, strict=True):
        scaled = RingCiphertext(
            tuple(part * round(weight * weight_scale) % ciphertext.modulus for part in ciphertext.parts),
            ciphertext.modulus,
            ciphertext.scale * weight_scale,
        )
        total = scaled if total is None else add(total, scaled)
    return total


def stacked(name):
    """Another right way: both parts at once, as one array."""

    def answer(*arguments):
        right = REFERENCE[name](*arguments)
        return RingCiphertext(np.array(right.parts), right.modulus, right.scale)

    return answer


def emptying(ciphertexts, weights, weight_scale):
    right = REFERENCE["09.2"](ciphertexts, weights, weight_scale)
    weights.clear()
    return right


def reversed_weights(ciphertexts, weights, weight_scale):
    return REFERENCE["09.2"](ciphertexts, weights[::-1], weight_scale)


def overwriting(ciphertexts, weights, weight_scale):
    for ciphertext, weight in zip(ciphertexts, weights, strict=True):
        for part in ciphertext.parts:
            part *= round(weight * weight_scale)
            part %= ciphertext.modulus
    return REFERENCE["09.2"](ciphertexts, [1 / weight_scale] * len(weights), weight_scale)


def as_tuple(ciphertexts, weights, weight_scale):
    return REFERENCE["09.2"](ciphertexts, weights, weight_scale).parts


# 09.3 -------------------------------------------------------------------------------------------


def dividing(
    divide=lambda part, f: (part + f // 2) // f,
    modulus=lambda q, f: q // f,
    scale=lambda s, f: s / f,
    which=range(9),
    reduce=True,
):
    """The right rescaling with one part of its own."""

    def rescale(ciphertext, factor):
        q = modulus(ciphertext.modulus, factor)
        parts = [divide(p, factor) if i in which else p for i, p in enumerate(ciphertext.parts)]
        parts = tuple(part % q for part in parts) if reduce else tuple(parts)
        return RingCiphertext(parts, q, scale(ciphertext.scale, factor))

    return rescale


def centred_first(ciphertext, factor):
    """Another right way: round numbers around 0."""
    q = ciphertext.modulus // factor
    parts = tuple(
        np.array(
            [(2 * c + factor) // (2 * factor) % q for c in centred(part, ciphertext.modulus)], dtype=object
        )
        for part in ciphertext.parts
    )
    return RingCiphertext(parts, q, ciphertext.scale / factor)


def float_modulus(ciphertext, factor):
    right = REFERENCE["09.3"](ciphertext, factor)
    return RingCiphertext(right.parts, ciphertext.modulus / factor, right.scale)


def two_parts_only(ciphertext, factor):
    right = REFERENCE["09.3"](ciphertext, factor)
    return RingCiphertext(right.parts[:2], right.modulus, right.scale)


# 09.4 -------------------------------------------------------------------------------------------


def choosing(
    bits=lambda depth, scale_bits: 120 + depth * scale_bits,
    enough=lambda limit, needed: limit >= needed,
    pick=min,
    none=None,
):
    """The right choice of a ring with one part of its own."""

    def smallest_ring(depth, scale_bits, allowed):
        fitting = [n for n, limit in allowed.items() if enough(limit, bits(depth, scale_bits))]
        if not fitting and none is None:
            raise ValueError("no ring is large enough")
        return pick(fitting) if fitting else none(allowed)

    return smallest_ring


def by_sorting(depth, scale_bits, allowed):
    """Another right way: go up, and stop at the first that allows it."""
    for degree in sorted(allowed):
        if allowed[degree] >= 60 + scale_bits * depth + 60:
            return degree
    raise ValueError(f"{depth} products are too many")


def popping(depth, scale_bits, allowed):
    while allowed:
        degree = min(allowed)
        if allowed.pop(degree) >= 120 + depth * scale_bits:
            return degree
    raise ValueError("none")


# 09.5 -------------------------------------------------------------------------------------------


def with_sum(probe, templates):
    """Another right way: the built-in sum, which starts at 0."""
    return sum(x * y for x, y in zip(probe, templates, strict=True))


def growing(probe, templates):
    """A third right way: += on a product, which is new."""
    total = templates[0] * probe[0]
    for j in range(1, len(probe)):
        total += templates[j] * probe[j]
    return total


def with_numpy(probe, templates):
    """A fourth right way: numpy's dot takes columns as objects."""
    return np.dot(probe, templates)


def from_minus_itself(probe, templates):
    total = probe[0] - probe[0]
    for x, y in zip(probe, templates, strict=True):
        total = total + x * y
    return total


def sums_multiplied(probe, templates):
    return sum(probe) * sum(templates)


def last_only(probe, templates):
    for x, y in zip(probe, templates, strict=True):
        product = x * y
    return product


def without_the_last(probe, templates):
    return REFERENCE["09.5"](probe[:-1] or probe, templates[:-1] or templates)


def overwritten(probe, templates):
    total = templates[0]
    total *= probe[0]
    for x, y in zip(probe[1:], templates[1:], strict=True):
        total += x * y
    return total


def added_into_the_first(probe, templates):
    total = probe[0]
    for x, y in zip(probe, templates, strict=True):
        total += x * y
    return total


def lengths_too(probe, templates):
    dots = REFERENCE["09.5"](probe, templates)
    return dots * dots


# 09.6 -------------------------------------------------------------------------------------------


def halving(
    middle=lambda x, y: (x + y) / np.linalg.norm(x + y),
    steps=lambda n: n,
    swap=False,
    answer=lambda inside, outside: inside,
):
    """The right search with one part of its own."""

    def on_the_boundary(accepts, inside, outside, num_steps):
        for _ in range(steps(num_steps)):
            between = middle(inside, outside)
            if bool(accepts(between)) is not swap:
                inside = between
            else:
                outside = between
        return answer(inside, outside)

    return on_the_boundary


def recursive(accepts, inside, outside, steps):
    """Another right way: one question, then the same with one step less."""
    if steps == 0:
        return inside
    middle = (inside + outside) / np.linalg.norm(inside + outside)
    ends = (middle, outside) if accepts(middle) else (inside, middle)
    return recursive(accepts, *ends, steps - 1)


def along_the_chord(accepts, inside, outside, steps):
    """Another right way: halve a number between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(steps):
        middle = (low + high) / 2
        vector = (1 - middle) * inside + middle * outside
        if accepts(vector / np.linalg.norm(vector)):
            low = middle
        else:
            high = middle
    vector = (1 - low) * inside + low * outside
    return vector / np.linalg.norm(vector)


def in_steps(accepts, inside, outside, steps):
    best = inside
    for part in np.linspace(0, 1, steps + 2)[1:-1]:
        vector = (1 - part) * inside + part * outside
        vector = vector / np.linalg.norm(vector)
        if accepts(vector):
            best = vector
    return best


def in_place(accepts, inside, outside, steps):
    for _ in range(steps):
        middle = inside + outside
        middle /= np.linalg.norm(middle)
        (inside if accepts(middle) else outside)[:] = middle
    return inside


ACCEPT = {
    "09.1": {"reference": REFERENCE["09.1"], "negated mask": negated_mask, "lists": in_lists},
    "09.2": {"reference": REFERENCE["09.2"], "by adding": by_adding, "stacked": stacked("09.2")},
    "09.3": {"reference": REFERENCE["09.3"], "centred": centred_first, "stacked": stacked("09.3")},
    "09.4": {"reference": REFERENCE["09.4"], "by sorting": by_sorting, "with one part": choosing()},
    "09.5": {
        "reference": REFERENCE["09.5"],
        "built-in sum": with_sum,
        "growing": growing,
        "numpy": with_numpy,
    },
    "09.6": {"reference": REFERENCE["09.6"], "recursive": recursive, "along the chord": along_the_chord},
}

REJECT = {
    "09.1": {
        "no noise": (hiding(noise=lambda: small_noise() * 0), "There is no noise"),
        "mask added": (hiding(b=lambda m, e, p: m + e + p), "You add a · secret to b"),
        "turned round": (hiding(pair=lambda b, a: (a, b)), "the wrong way round"),
        "no message": (hiding(b=lambda m, e, p: e - p), "the message is missing"),
        "no mask": (hiding(b=lambda m, e, p: m + e), "for all to read"),
        "fixed mask": (hiding(mask=lambda q: FIXED_MASK), "a comes twice"),
        "small mask": (hiding(mask=lambda q: small_noise() % q), "a is small"),
        "one number": (
            hiding(mask=lambda q: np.array([secrets.randbelow(q)] * 64, dtype=object)), "of a are one number",
        ),
        "modulus by heart": (hiding(mask=lambda q: uniform(2**61 - 1)), "the modulus that you are given"),
        "noise from numpy": (
            hiding(noise=lambda: np.random.normal(0, 3.2, 64).round().astype(int).astype(object)),
            "The noise comes from numpy's global generator",
        ),
        "noise from random": (
            hiding(noise=lambda: np.array([round(random.gauss(0, 3.2)) for _ in range(64)], dtype=object)),
            "The noise comes from Python's random",
        ),
        "returns the message": (lambda m, s, q: m, "the pair b, a, here 2; it returned 64"),
        "half the range": (hiding(mask=lambda q: uniform(q // 2)), "does not go evenly"),
        "even mask": (hiding(mask=lambda q: uniform(q) // 8 * 8), "last bits of a are not random"),
        "from numpy": (hiding(mask=from_numpy), "a comes from numpy's global generator"),
        "a generator": (
            hiding(mask=lambda q: np.array([int(x) for x in GENERATOR.integers(q, size=64)], dtype=object)),
            "made for simulations",
        ),
        "fixed noise": (hiding(noise=lambda: FIXED_NOISE), "The noise comes twice"),
        "one noise": (hiding(noise=one_noise), "the same noise, one number for 64"),
        "half the noise": (hiding(noise=lambda: small_noise() // 2), "The noise has variance"),
        "large noise": (hiding(noise=lambda: uniform(2**30)), "is off by up to"),
        "not reduced": (not_reduced, "b is not reduced"),
        "in place": (into_the_message, "changes the message or the secret"),
        "slot by slot": (times_slotwise, "coefficient by coefficient"),
        "floats": (in_floats, "b holds the float"),
        "b only": (lambda m, s, q: REFERENCE["09.1"](m, s, q)[:1], "the pair b, a, here 2; it returned 1"),
    },
    "09.2": {
        "only b": (weighing(which=(0,)), "b is weighted, a is not"),
        "unweighted": (weighing(step=lambda w, s: 1), "the plain sum"),
        "all alike": (weighing(step=lambda w, s: s), "All get the same weight"),
        "cut off": (weighing(step=lambda w, s: int(w * s)), "int() cuts off"),
        "rounded too early": (weighing(step=lambda w, s: round(w)), "leaves 0 or 1"),
        "reversed": (reversed_weights, "in reverse order"),
        "scale forgotten": (weighing(scale=lambda old, s: old), "the scale says 16,777,216 steps"),
        "floats": (weighing(step=lambda w, s: w, end=lambda t, q: t), "holds the float"),
        "not reduced": (weighing(end=lambda t, q: t), "is not reduced"),
        "modulus": (weighing(modulus=lambda q, s: q // s), "from 75 bits to 65"),
        "modulus by heart": (weighing(modulus=lambda q, s: 2**80), "from 75 bits to 80"),
        "scale by heart": (weighing(scale=lambda old, s: 2**24 * s), "the scale says 17,592,186,044,416"),
        "scale squared": (weighing(scale=lambda old, s: old**2), "the scale says 281,474,976,710,656"),
        "first one only": (lambda c, w, s: c[0], "the first ciphertext as it came in"),
        "emptied": (emptying, "changes a list"),
        "in place": (overwriting, "changes the ciphertexts"),
        "parts only": (as_tuple, "should return a RingCiphertext"),
    },
    "09.3": {
        "modulus stays": (dividing(modulus=lambda q, f: q), "The modulus stays"),
        "scale stays": (dividing(scale=lambda s, f: s), "The scale stays"),
        "cut off": (dividing(divide=lambda p, f: p // f), "// cuts off"),
        "only b": (dividing(which=(0,)), "only reduced, not divided"),
        "not reduced": (dividing(reduce=False), "after rounding up"),
        "floats": (dividing(divide=lambda p, f: p / f), "holds the float"),
        "multiplied": (dividing(scale=lambda s, f: s * f), "yours is 4.72237e+21"),
        "two parts": (two_parts_only, "has 3 parts"),
        "modulus by heart": (dividing(modulus=lambda q, f: 2**80 // f), "it is 1152921504606846976"),
        "scale by heart": (dividing(scale=lambda s, f: 2.0**24), "yours is 1.67772e+07"),
        "scale is the factor": (dividing(scale=lambda s, f: float(f)), "yours is 1.04858e+06"),
        "through a float": (
            dividing(divide=lambda p, f: np.array([round(int(x) / f) for x in p], dtype=object)),
            "a float of 53 bits",
        ),
        "by its root": (dividing(divide=lambda p, f: p // (f // 4)), "is not within half a factor"),
        "float modulus": (float_modulus, "as an integer; it is 7.2"),
    },
    "09.4": {
        "no last prime": (choosing(bits=lambda d, s: 60 + d * s), "The last prime"),
        "no middle": (choosing(bits=lambda d, s: 120), "the primes in between are not"),
        "one too many": (choosing(bits=lambda d, s: 120 + (d + 1) * s), "too many: `depth` products"),
        "one too few": (choosing(bits=lambda d, s: 120 + max(d - 1, 0) * s), "scale_bits too few"),
        "strict": (choosing(enough=lambda limit, needed: limit > needed), "Compare with <="),
        "first in order": (choosing(pick=lambda fitting: fitting[0]), "need not be in order"),
        "largest": (choosing(pick=max), "always the largest"),
        "falls back": (choosing(none=max), "fall back on the largest"),
        "returns None": (choosing(none=lambda allowed: None), "and you return None"),
        "global table": (
            lambda d, s, allowed: REFERENCE["09.4"](d, s, LARGEST_MODULUS_BITS), "the course's own table",
        ),
        "always 8,192": (lambda d, s, allowed: 8192, "You say 8192"),
        "bits": (lambda d, s, allowed: 120 + d * s, "takes primes of 120 bits"),
        "text": (lambda d, s, allowed: str(REFERENCE["09.4"](d, s, allowed)), "it is a str"),
        "emptied": (popping, "changes the table"),
    },
    "09.5": {
        "sums multiplied": (sums_multiplied, "You multiply the sums"),
        "last only": (last_only, "That is the last product only"),
        "first only": (lambda p, t: p[0] * t[0], "That is the first product only"),
        "without the last": (without_the_last, "The last coordinate is missing"),
        "probe with itself": (lambda p, t: REFERENCE["09.5"](p, p), "multiply the probe by itself"),
        "distance": (
            lambda p, t: sum((x - y) * (x - y) for x, y in zip(p, t, strict=True)), "the squared distance",
        ),
        "added": (lambda p, t: sum(x + y for x, y in zip(p, t, strict=True)), "You add probe and template"),
        "mean": (lambda p, t: with_sum(p, t) * (1 / len(p)), "again, by a number"),
        "from minus itself": (from_minus_itself, "A column minus itself"),
        "shifted": (
            lambda p, t: sum(p[j] * t[j - 1] for j in range(len(p))), "with the template's one before it",
        ),
        "listed": (lambda p, t: [x * y for x, y in zip(p, t, strict=True)], "the scores are one"),
        "depth two": (lengths_too, "again, by a column"),
        "looking": (lambda p, t: np.dot([x.decrypt() for x in p], 1), "look inside a ciphertext"),
        "overwritten": (added_into_the_first, "overwrites somebody's template"),
        "half": (
            lambda p, t: sum(x * y for x, y in list(zip(p, t, strict=True))[::2]), "Yours is something else",
        ),
    },
    "09.6": {
        "not of length one": (halving(middle=lambda x, y: (x + y) / 2), "You ask about a vector of length"),
        "swapped": (halving(swap=True), "far from the boundary"),
        "refused end": (halving(answer=lambda i, o: o), "though near the boundary"),
        "ten by heart": (halving(steps=lambda n: 10), "You ask 10 questions of 12"),
        "one too many": (halving(steps=lambda n: n + 1), "You ask 13 questions"),
        "too few": (halving(steps=lambda n: n // 2), "You ask 6 questions of 12"),
        "never": (halving(steps=lambda n: 0), "one of the two vectors"),
        "in place": (in_place, "changes the vectors"),
        "too long": (halving(answer=lambda i, o: 2 * i), "What you return has length"),
        "in equal steps": (in_steps, "halvings of an arc"),
        "first coordinate": (halving(answer=lambda i, o: i[:1]), "should return a vector of shape"),
    },
}  # fmt: skip
