"""Checkers of lesson 11 on the noisy sum: clipping per patient, a hospital's share of noise, what an insider leaves."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course import hospital
from course.exercises.chance import checking_rng
from course.exercises.exercise import NotYet
from course.exercises.noise import (
    expect_fresh,
    expect_independent,
    expect_scale,
    expect_shape,
    scale_interval,
)
from course.exercises.probe import close, expect_number, given, same_inputs, which

TOLERANCE = 1e-5
"""Relative; float32 sums in another order differ by about 1e-7."""

# 11.1 ---------------------------------------------------------------------------------------------


def clip_per_patient(slice_gradients: Tensor, max_update_norm: float) -> Tensor:
    """Add up each patient's slices, shrink the patient, add up the patients."""
    patients = slice_gradients.sum(dim=1)
    norms = patients.norm(dim=1, keepdim=True)
    return (patients * (max_update_norm / norms.clamp_min(1e-12)).clamp_max(1)).sum(dim=0)


CASES = ((4, 3, 1.7), (3, 8, 0.4), (1, 5, 2.5), (6, 1, 0.8), (5, 4, 6.0))
"""Patients, slices and C: some long, some short, one alone, and one slice each."""


def verify_clip(clip: Callable) -> None:
    """One norm a patient, over all their slices; the sum; nobody long is left, nobody short is stretched."""
    for patients, slices, limit in CASES:
        gradients = _some(patients, slices)
        changed = "Your function changed the gradients that it was given. Build new ones."
        with (
            same_inputs(changed, {"g": gradients}),
            given(f"{patients} patients of {slices} slices and max_update_norm={limit}"),
        ):
            got = clip(gradients, limit)
        got = _expect_vector(got, gradients)
        if not close(got, clip_per_patient(gradients, limit), TOLERANCE):
            raise which(got, _wrong_clips(gradients, limit), _why(gradients, clip, limit), TOLERANCE)
    _expect_many_slices_to_count_once(clip)
    _expect_nobody_and_nothing(clip)


def _some(patients: int, slices: int, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(100 * patients + slices + seed)
    sizes = torch.tensor([0.2, 3.0, 0.9, 8.0, 0.05, 1.5])[:patients].view(-1, 1, 1)
    return sizes * torch.randn(patients, slices, 7, generator=generator)


def _expect_vector(got: object, gradients: Tensor) -> Tensor:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, Tensor):
        raise NotYet(f"It returned a {type(got).__name__}; it should be a tensor of shape (dimensions,).")
    patients, slices, dimensions = gradients.shape
    if got.shape == (patients, dimensions) and patients != 1:
        raise NotYet("That is one row a patient. What leaves the hospital is their sum: add the rows up.")
    if got.shape == (slices, dimensions) and slices != 1:
        raise NotYet("That is one row a slice. Add up over dim=1, the slices, to get one row a patient.")
    if got.shape != (dimensions,):
        raise NotYet(f"The sum has shape ({dimensions},); yours has {tuple(got.shape)}.")
    if not torch.isfinite(got).all():
        raise NotYet(
            "There is a NaN in the sum. A patient whose gradient is zero has norm 0: guard the division."
        )
    return got


def _wrong_clips(gradients: Tensor, limit: float) -> dict[str, Tensor]:
    patients, whole = gradients.sum(1), gradients.sum((0, 1))
    norms = patients.norm(dim=1, keepdim=True).clamp_min(1e-12)
    rows = gradients.norm(dim=2, keepdim=True).clamp_min(1e-12)
    by_slice = (gradients * (limit / rows).clamp_max(1)).sum((0, 1))
    part = limit / gradients.shape[1]
    mean = gradients.mean(1)
    mean_norms = mean.norm(dim=1, keepdim=True).clamp_min(1e-12)
    lengths = gradients.flatten(1).norm(dim=1, keepdim=True).clamp_min(1e-12)
    clipped = patients * (limit / norms).clamp_max(1)
    return {
        "Nothing is clipped.": whole,
        "It returns zeros, whatever the gradients are.": torch.zeros_like(whole),
        "You clip to norm 1, and not to max_update_norm.": (patients * (1 / norms).clamp_max(1)).sum(0),
        "You clip slices and then patients. Nobody moves it by more than C, and the first clip bends the gradients for "
        "nothing.": clip_per_patient(gradients * (limit / rows).clamp_max(1), limit),
        "You give each slice its part of C. That is private, and a patient whose tumour is on one slice is nearly "
        "erased: add up first.": (gradients * (part / rows).clamp_max(1)).sum((0, 1)),
        "You clip each slice, so a patient of eighty slices moves the sum by up to 80 C. Add up the patient's slices "
        "first.": by_slice,
        "You clip the sum of all patients. One patient can then still fill all of it: one norm a patient.":
            whole * (limit / whole.norm().clamp_min(1e-12)).clamp_max(1),
        "You average a patient's slices. Their weights are in the gradients already: add the slices up.":
            (mean * (limit / mean_norms).clamp_max(1)).sum(0),
        "You measure a patient by the root of the squares of all their slices' numbers. Slices that point the same way "
        "make a sum that is longer than that: add up first, then measure.":
            (patients * (limit / lengths).clamp_max(1)).sum(0),
        "You stretch short gradients to norm C too; those inside the ball stay as they are: min(1, C / norm).":
            (patients * limit / norms).sum(0),
        "You cap each number at ±C. The *norm* of a patient's gradient is to be at most C.":
            patients.clamp(-limit, limit).sum(0),
        "That is the mean over patients; the secure sum adds up, and the server divides by a public number.":
            clipped.mean(0),
        "Patients who are too long are dropped; shrink them to norm C instead.":
            (patients * (norms <= limit)).sum(0),
        "The factor is upside down: it is C / norm where the norm is larger than C.":
            (patients * (norms / limit).clamp_max(1)).sum(0),
        "The norm is a square root: you divide by the sum of squares.":
            (patients * (limit / norms**2).clamp_max(1)).sum(0),
    }  # fmt: skip


def _why(gradients: Tensor, clip: Callable, limit: float) -> str:
    moved = max(
        float((clip(gradients, limit) - clip(torch.cat([gradients[:i], gradients[i + 1 :]]), limit)).norm())
        for i in range(len(gradients))
    )
    if moved > limit * (1 + TOLERANCE):
        return (
            f"With max_update_norm={limit} one patient moves the sum by {moved:.3g}: that is its sensitivity."
        )
    return (
        "One patient moves the sum by little enough, but it is not Σ g · min(1, C / |g|) over the patients."
    )


def _expect_many_slices_to_count_once(clip: Callable) -> None:
    long = torch.full((1, 80, 3), 0.5)
    others = torch.zeros(2, 80, 3)
    with given("one patient of eighty slices that all point the same way, and two of none"):
        got = _expect_vector(clip(torch.cat([others, long]), 1.0), long)
    if got.norm() > 1 + TOLERANCE:
        raise NotYet(f"A patient of eighty slices moves the sum by {float(got.norm()):.3g}; C is 1.")


def _expect_nobody_and_nothing(clip: Callable) -> None:
    with given("nobody, which a Poisson draw may give"):
        got = clip(torch.zeros(0, 4, 3), 1.0)
    if not isinstance(got, Tensor) or got.shape != (3,) or bool(got.any()):
        raise NotYet("When nobody is drawn the sum is a vector of zeros, shape (dimensions,).")


# 11.2 ---------------------------------------------------------------------------------------------


def add_share(
    steps: np.ndarray, noise_std: float, num_hospitals: int, spare: int, rng: np.random.Generator
) -> np.ndarray:
    """The library's own, with the lesson's positional arguments."""
    return hospital.add_noise_share(
        steps, noise_std=noise_std, num_hospitals=num_hospitals, spare=spare, rng=rng
    )


SETTINGS = ((900.0, 6, 1), (400.0, 4, 2))
"""Noise, hospitals, spare: so that no slip of the share has the same size in both."""
VECTOR = np.array([0, 10_000, -75, 40, -3])
CALLS = 120


def verify_share(add: Callable) -> None:
    """Fresh, independent, normal noise on whole numbers, of noise_std / √(num_hospitals − spare)."""
    intervals = []
    for noise_std, num_hospitals, spare in SETTINGS:
        rng = checking_rng(f"11 share {noise_std}")
        with given(f"noise_std={noise_std:g}, {num_hospitals} hospitals, {spare} spare"):
            sent = [_expect_integers(add, noise_std, num_hospitals, spare, rng) for _ in range(CALLS)]
        noise = (np.array(sent, dtype=float) - VECTOR) / (noise_std / math.sqrt(num_hospitals - spare))
        if np.median(np.abs(np.array(sent)[:, 1])) < 5_000:
            raise NotYet("The vector is missing: you send the noise alone.")
        expect_fresh(noise)
        expect_independent(noise)
        expect_shape(noise, "normal")
        intervals.append(scale_interval(noise, "normal"))
    expect_scale(
        intervals, _wrong_shares(), "Your share is {times} times as large as it should be, in two settings."
    )
    _expect_long_vector(add)
    first, second = (add(VECTOR.copy(), 900.0, 6, 1, np.random.default_rng(3)) for _ in range(2))
    if (np.asarray(first) != np.asarray(second)).any():
        raise NotYet("Draw from the rng that you are given: two equal ones should give equal noise.")


def _expect_integers(add: Callable, noise_std, num_hospitals, spare, rng) -> np.ndarray:
    return _expect_sent(add, VECTOR, noise_std, num_hospitals, spare, rng)


def _expect_sent(add: Callable, vector: np.ndarray, noise_std, num_hospitals, spare, rng) -> np.ndarray:
    handed = vector.copy()
    got = add(handed, noise_std, num_hospitals, spare, rng)
    if (handed != vector).any():
        raise NotYet("It changes the vector that it is given (does += work on the input?). Return a new one.")
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, np.ndarray) or got.shape != vector.shape:
        shape = f"an array of shape {got.shape}" if isinstance(got, np.ndarray) else f"a {type(got).__name__}"
        raise NotYet(f"It should return an array of {len(vector)} whole numbers; it returned {shape}.")
    if got.dtype.kind not in "iu":
        raise NotYet(
            f"The secure sum adds whole numbers, and yours are {got.dtype}: round the noise, and make it int."
        )
    if got.dtype != np.int64:
        raise NotYet(f"Sums of millions of steps need int64, and yours are {got.dtype}: they would overflow.")
    return got


def _expect_long_vector(add: Callable) -> None:
    """Ten thousand large numbers of both signs: the vector itself is sent, and the noise has its tails."""
    vector = np.where(np.arange(10_000) % 2, -40_000_000, 90_000_000)
    with given("ten thousand numbers, noise_std=900, 6 hospitals, 1 spare"):
        sent = _expect_sent(add, vector, 900.0, 6, 1, checking_rng("11 share, long"))
    noise = (sent - vector) / (900.0 / math.sqrt(5))
    if np.median(np.abs(noise)) > 3:
        raise NotYet(
            "What is sent is not the vector plus noise. Large numbers, and negative ones, must stay."
        )
    # Of 10,000 normal draws the largest is below 3.2 deviations once in a million times.
    if np.abs(noise).max() < 3.2:
        raise NotYet(
            "The noise has no tails. Do you cut it off? Whoever sees a number beyond the cut is sure."
        )


def _wrong_shares() -> dict[str, list[float]]:
    """Sentence → what the mistake makes of the right share, in each setting."""

    def of(wrong) -> list[float]:
        return [wrong(s, n, k) / (s / math.sqrt(n - k)) for s, n, k in SETTINGS]

    return {
        "Every hospital adds all of the noise; the sum then has √n times as much as it needs.": of(lambda s, n, k: s),
        "Deviations do not add up, variances do: divide by the root of the number.": of(lambda s, n, k: s / (n - k)),
        "Deviations do not add up, variances do (and mind the spare ones).": of(lambda s, n, k: s / n),
        "If a hospital drops out, its share is missing: the others' must suffice. Count num_hospitals − spare.":
            of(lambda s, n, k: s / math.sqrt(n)),
        "The spare ones make the shares larger, not smaller: num_hospitals − spare.":
            of(lambda s, n, k: s / math.sqrt(n + k)),
        "You divide by the root of the spare ones. Those that must suffice are num_hospitals − spare.":
            of(lambda s, n, k: s / math.sqrt(k)),
        "numpy's scale is the standard deviation, not the variance.": of(lambda s, n, k: s**2 / (n - k)),
    }  # fmt: skip


# 11.3 ---------------------------------------------------------------------------------------------


def noise_left(noise_multiplier: float, num_hospitals: int, spare: int, known: int) -> float:
    """The library's own, with the lesson's positional arguments."""
    return hospital.noise_left(noise_multiplier, num_hospitals=num_hospitals, spare=spare, known=known)


LEFT = ((3.5, 6, 1, 1), (3.5, 6, 1, 0), (3.5, 6, 1, 2), (2.0, 5, 0, 1), (2.0, 5, 2, 5), (8.9, 4, 2, 1))
"""Multiplier, hospitals, spare, known; in the last but one nothing is left."""


def verify_noise_left(left: Callable) -> None:
    """z · √((n − known) / (n − spare))."""
    got = []
    for case in LEFT:
        with given("noise_multiplier {:g}, {} hospitals, {} spare, {} known".format(*case)):
            got.append(expect_number(left(*case)))
    right = [noise_left(*case) for case in LEFT]
    if np.allclose(got, right, rtol=1e-6, atol=1e-6):
        return
    for sentence, wrong in _WRONG_LEFT.items():
        if np.allclose(got, [wrong(*case) for case in LEFT], rtol=1e-6, atol=1e-6):
            raise NotYet(sentence)
    index = int(np.argmax(~np.isclose(got, right, rtol=1e-6, atol=1e-6)))
    multiplier, hospitals, spare, known = LEFT[index]
    raise NotYet(
        f"With multiplier {multiplier:g}, {hospitals} hospitals and {spare} spare, whoever knows {known} of the shares "
        f"faces {right[index]:.4g}; you say {got[index]:.4g}."
    )


_WRONG_LEFT = {
    "You ignore who knows what: an insider subtracts the noise that they added.": lambda z, n, s, k: z,
    "You ignore the spare ones: all shares together are more than z, by √(n / (n − spare)).":
        lambda z, n, s, k: z * math.sqrt((n - k) / n),
    "Deviations do not add up, variances do: a root is missing.": lambda z, n, s, k: z * (n - k) / (n - s),
    "The root is upside down: whoever knows more faces less noise.":
        lambda z, n, s, k: z * math.sqrt((n - s) / max(n - k, 1e-300)),
    "That is what they know; what is left is of the others, n − known.":
        lambda z, n, s, k: z * math.sqrt(k / (n - s)),
    "That is one share. What is left is the sum of n − known of them.": lambda z, n, s, k: z / math.sqrt(n - s),
    "You subtract deviations: z and what is known. Subtract variances, then take the root.":
        lambda z, n, s, k: z * math.sqrt(n / (n - s)) - k * z / math.sqrt(n - s),
}  # fmt: skip
