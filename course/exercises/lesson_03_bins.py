"""Checkers of exercises 03.5 and 03.6: one example out of each bin, and the share of a batch recovered."""

import numpy as np
import torch
from torch import Tensor

from course.exercises.exercise import NotYet
from course.exercises.probe import close, expect_number, given

TOLERANCE = 1e-4
_EXACT_COPY = (
    "An exact copy has error 0, and must count. math.log10(0) stops: use torch.log10, or compare errors, "
    "which are at most 10 ** (−threshold / 10)."
)
FILLED = 1e-7
"""A bin counts as filled if its own part of the bias gradient is more than this share of the largest entry."""


# 03.5 ---------------------------------------------------------------------------------------------


def verify_read_bins(read_bins) -> None:
    """Bins with one example, shared and empty bins, gradients of either sign, tiny or with rounding errors."""
    cases = (
        ((0, 1, 0, 1, 1, 0), 1.0), ((1, 1, 2, 0, 1), 1.0), ((0, 0, 1, 3, 0, 1, 1), 1.0),
        ((1, 0, 1, 1, 2), -1.0), ((1, 1, 0, 2, 1, 0), 1e-9),
    )  # fmt: skip
    for seed, (counts, scale) in enumerate(cases):
        weights, biases, expected = _gradients(seed, counts, scale)
        inputs = weights.clone(), biases.clone()
        with given(f"{len(counts)} bins that hold {counts} examples"):
            got = read_bins(*inputs)
        if not (torch.equal(inputs[0], weights) and torch.equal(inputs[1], biases)):
            raise NotYet("You changed the gradients that you were given. Work on copies.")
        _expect_pictures(got, expected, weights, biases, counts)


def _gradients(seed: int, counts: tuple[int, ...], scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of the layer, with errors as rounding leaves them, and the picture of each filled bin."""
    generator = torch.Generator().manual_seed(seed)
    bin_of = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    examples = torch.rand(len(bin_of), 6, generator=generator, dtype=torch.float64)
    slopes = 0.1 + torch.rand(len(bin_of), generator=generator, dtype=torch.float64)
    fires = (bin_of.unsqueeze(0) >= torch.arange(len(counts)).unsqueeze(1)).double()
    own = (bin_of.unsqueeze(0) == torch.arange(len(counts)).unsqueeze(1)).double()
    filled = own.sum(dim=1) > 0
    expected = (own @ (slopes.unsqueeze(1) * examples))[filled] / (own @ slopes)[filled].unsqueeze(1)
    weights, biases = fires @ (slopes.unsqueeze(1) * examples), fires @ slopes
    # In the tiny gradients an empty bin keeps 1e-9 of the largest entry: less than FILLED, but not 0.
    residue = (
        (1e-9 if abs(scale) < 1 else 0.0) * biases.max() * torch.arange(1, len(counts) + 1).flip(0).double()
    )
    return scale * (weights + residue.unsqueeze(1)), scale * (biases + residue), expected


def _expect_pictures(got: object, expected: Tensor, weights: Tensor, biases: Tensor, counts: tuple) -> None:
    if got is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    if not isinstance(got, Tensor):
        raise NotYet(f"It returned a {type(got).__name__}; it should be a tensor, one picture a row.")
    if got.ndim != 2 or got.shape[1] != weights.shape[1]:
        raise NotYet(f"It returned shape {tuple(got.shape)}; it should be (filled bins, {weights.shape[1]}).")
    if close(got, expected, TOLERANCE):
        return
    guesses = _wrong_pictures(weights, biases, expected)
    for sentence, value in guesses.items():
        if got.shape == value.shape and torch.allclose(
            got.double(), value, TOLERANCE, TOLERANCE, equal_nan=True
        ):
            raise NotYet(sentence)
    if not got.isfinite().all():
        raise NotYet("Some pictures are not finite: an empty bin was divided by 0. Leave empty bins out.")
    if len(got) != len(expected):
        raise NotYet(f"Of {len(counts)} bins that hold {counts} examples, you return {len(got)} pictures.")
    raise NotYet(
        f"{len(got)} pictures is right, but they are not the bins' own. Row k minus row k + 1, in both gradients, "
        "then one divided by the other."
    )


def _wrong_pictures(weights: Tensor, biases: Tensor, expected: Tensor) -> dict[str, Tensor]:
    last = torch.zeros_like(weights[:1])
    own_w, own_b = weights - torch.cat([weights[1:], last]), biases - torch.cat([biases[1:], last[0, :1]])
    back_w, back_b = weights - torch.cat([last, weights[:-1]]), biases - torch.cat([last[0, :1], biases[:-1]])
    filled, back = own_b.abs() > FILLED * biases.abs().max(), back_b.abs() > FILLED * biases.abs().max()
    inner = filled[:-1]
    positive, nonempty = own_b > FILLED * biases.abs().max(), own_b != 0
    large = own_b.abs() > FILLED
    plain = weights / biases.unsqueeze(1)
    each = plain - torch.cat([plain[1:], last])
    nonzero = biases != 0
    return {
        "You divide without subtracting: each row mixes all bins from k on. Subtract the next row first.":
            plain[nonzero],
        "That subtracts nothing, even from filled bins only: each row still mixes the bins above it.": plain[filled],
        "A bin's own part of the bias gradient may be negative. Compare its size, abs(), with the limit.":
            own_w[positive] / own_b[positive].unsqueeze(1),
        "Rounding leaves a little in empty bins. Empty is what is at most 1e-7 × the largest entry.":
            own_w[nonempty] / own_b[nonempty].unsqueeze(1),
        "Gradients may be tiny: the limit is 1e-7 *times the largest entry*, not a fixed number.":
            own_w[large] / own_b[large].unsqueeze(1),
        "The last bin is missing. Nothing fires above it, so its row is its own: subtract zeros.":
            (own_w[:-1] / own_b[:-1].unsqueeze(1))[inner],
        "You subtract the row *before*. Higher rows fire for fewer examples: subtract the row after.":
            back_w[back] / back_b[back].unsqueeze(1),
        "You divide by the bias gradient as it is. Take the difference of neighbours there as well.":
            (own_w / biases.unsqueeze(1))[filled],
        "You divide first and subtract then. A ratio of sums does not fall apart like that: subtract first.":
            each[filled],
        "The pictures are right, but from the last bin to the first. Keep the order of the bins.":
            expected.flip(0),
        "Those are the differences of the weights' rows. Divide them by the differences of the biases.":
            own_w[filled],
    }  # fmt: skip


# 03.6 ---------------------------------------------------------------------------------------------


def verify_share(share_recovered) -> None:
    """Originals found at least once; several pictures of one, pictures of nobody, and no pictures at all."""
    for seed, (found, copies, strangers, total) in enumerate(((2, 3, 4, 5), (3, 1, 0, 8), (1, 5, 1, 4))):
        generator = torch.Generator().manual_seed(seed)
        originals = torch.rand(total, 784, generator=generator)
        # Noise of 0.01 is 40 dB; two random pictures are at 8 dB. The found are the last, in reverse.
        repeated = originals[-found:].flip(0).repeat_interleave(copies, dim=0)
        pictures = repeated + 0.01 * torch.randn(repeated.shape, generator=generator)
        noise = 0.08 * torch.randn(1, 784, generator=generator)
        blurred = originals[:1] + noise  # 22 dB: found at a threshold of 20, not at 30.
        pictures = torch.cat([torch.rand(strangers, 784, generator=generator), pictures, blurred])
        for threshold in (30.0, 20.0):
            expected = (found + (threshold < 25)) / total
            with given(f"{len(pictures)} pictures, {total} originals, threshold {threshold}"):
                got = expect_number(share_recovered(pictures.clone(), originals.clone(), threshold))
            if abs(got - expected) > 1e-6:
                raise NotYet(_why_share(got, expected, pictures, originals, threshold))
    _expect_corners(share_recovered, originals)


def _expect_corners(share_recovered, originals: Tensor) -> None:
    """An exact copy, one picture that resembles two originals, and no picture."""
    try:
        got = expect_number(share_recovered(originals[:1].clone(), originals.clone(), 20.0))
    except (ValueError, ZeroDivisionError) as error:
        raise NotYet(_EXACT_COPY) from error
    if abs(got - 1 / len(originals)) > 1e-6:
        raise NotYet(_EXACT_COPY)
    twins = torch.cat([originals[:1] + 0.001, originals])
    with given("one picture, and two originals that are alike"):
        got = expect_number(share_recovered(originals[:1] + 0.0005, twins, 30.0))
    if abs(got - 2 / len(twins)) > 1e-6:
        raise NotYet(
            "Two originals are alike, and one picture resembles both: both count. Ask each original for its best "
            f"picture, not each picture for its nearest original. You return {got:.3g}, not {2 / len(twins):.3g}."
        )
    with given("no pictures, 4 originals"):
        got = expect_number(share_recovered(torch.zeros(0, 784), originals.clone(), 20.0))
    if got != 0:
        raise NotYet(f"An attack without a single picture recovered nothing; you return {got:g}.")


def _why_share(got: float, expected: float, pictures: Tensor, originals: Tensor, threshold: float) -> str:
    errors = (pictures.unsqueeze(1) - originals.unsqueeze(0)).square().mean(dim=2)
    scores = (-10 * torch.log10(errors)).numpy()
    hits, many, total = scores >= threshold, len(pictures), len(originals)
    paired = np.array([scores[i, i] >= threshold for i in range(min(many, total))])
    guesses = {
        "You divide by the number of pictures. It is a share of the originals.": hits.any(axis=0).sum() / many,
        "That is the share of *pictures* that resemble somebody. Ask it of the originals.":
            hits.any(axis=1).mean(),
        "You count an original once for each picture of it. It was found once: take its best picture.":
            hits.sum() / total,
        "You compare picture i with original i. The attack does not know the order: try each with each.":
            paired.sum() / total,
        "That is the share of originals that were *not* found.": 1 - expected,
        "That is a number of originals. Divide it by how many there are.": hits.any(axis=0).sum(),
        "That is the share of all pairs. An original needs one good picture, not good pictures only.": hits.mean(),
        "The mean over pictures is no picture: take each original's best.": (scores.mean(axis=0) >= threshold).mean(),
    }  # fmt: skip
    for sentence, value in guesses.items():
        if abs(got - float(value)) < 1e-6:
            return sentence
    return (
        f"{round(expected * total)} of {total} originals have a picture of at least {threshold:g} dB, a share of "
        f"{expected:.2f}; you return {got:.3g}."
    )
