"""Lesson 03, gradient inversion: its six exercises, the answers that it lends, and the hints."""

import torch
from torch import Tensor

from course.attacks import gradient_distance, psnr, read_bins, total_variation
from course.exercises.exercise import Exercise
from course.exercises.lesson_03_bins import verify_read_bins, verify_share
from course.exercises.lesson_03_scores import (
    verify_distance,
    verify_label,
    verify_psnr,
    verify_total_variation,
)


def label_of(bias_gradient: Tensor) -> int:
    """The class whose entry is lowest: the only negative one, if there was one example."""
    return int(bias_gradient.argmin())


def share_recovered(pictures: Tensor, originals: Tensor, threshold: float) -> float:
    """The share of originals that at least one picture resembles to `threshold` decibels."""
    if not len(pictures):
        return 0.0
    # One original at a time: all pairs at once would take gigabytes for a large batch.
    errors = [(pictures - original).square().mean(dim=1).min() for original in originals]
    best = -10 * torch.log10(torch.stack(errors))
    return (best >= threshold).double().mean().item()


EXERCISES = (
    Exercise(
        "03.1", "label_of", "read the label off the last layer", label_of, verify_label,
        (
            "The entry of class c is p_c − 1 if c is the label and p_c if not. Which signs can these have?",
            "A probability lies between 0 and 1, so only the label's entry is negative: it is the lowest.",
            "return int(bias_gradient.argmin())",
        ),
    ),
    Exercise(
        "03.2", "psnr", "score a picture in decibels", psnr, verify_psnr,
        (
            "What is the mean squared error of two pictures that differ by 0.1 everywhere, and what should it score?",
            "−10 × the logarithm to base 10 of the mean squared error. 0.01 gives 20 dB.",
            "return -10 * math.log10((image - original).square().mean().item())",
        ),
    ),
    Exercise(
        "03.3", "gradient_distance", "compare two gradients by direction", gradient_distance, verify_distance,
        (
            "If a gradient is doubled, is it about another image?",
            "Join the layers first: torch.cat([tensor.flatten() for tensor in gradient]) is one long vector.",
            "a and b are the two long vectors: return 1 - (a @ b) / (a.norm() * b.norm())",
        ),
    ),
    Exercise(
        "03.4", "total_variation", "measure how rough a picture is", total_variation, verify_total_variation,
        (
            "How do you subtract from each pixel its neighbour on the left, without a loop?",
            "image[..., :, 1:] - image[..., :, :-1] are the steps to the right. The steps down cut the axis before.",
            "right = (image[..., :, 1:] - image[..., :, :-1]).abs().mean(); down = (image[..., 1:, :] - "
            "image[..., :-1, :]).abs().mean(); return right + down",
        ),
    ),
    Exercise(
        "03.5", "read_bins", "read one example out of each bin", read_bins, verify_read_bins,
        (
            "Which examples fire unit k, and which of these do not fire unit k + 1?",
            "Row k minus row k + 1, in both gradients, leaves the examples of bin k. After the last row come zeros.",
            "weights = weight_gradient - torch.cat([weight_gradient[1:], 0 * weight_gradient[:1]]), biases likewise; "
            "filled = biases.abs() > 1e-7 * bias_gradient.abs().max(); "
            "return weights[filled] / biases[filled].unsqueeze(1)",
        ),
        points=2,
    ),
    Exercise(
        "03.6", "share_recovered", "count what an attack recovered", share_recovered, verify_share,
        (
            "If an attack returns ten pictures of one person, how many people did it find?",
            "Go through the originals: (pictures - original).square().mean(dim=1).min() is the error of the best picture.",
            "if not len(pictures): return 0.0. best = [(pictures - original).square().mean(dim=1).min().item() for "
            "original in originals]; return sum(error <= 10 ** (-threshold / 10) for error in best) / len(originals)",
        ),
        points=2,
    ),
)  # fmt: skip
