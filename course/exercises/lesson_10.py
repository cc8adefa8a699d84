"""Lesson 10, hospitals: its six exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_10_judging import (
    choose_threshold,
    gain_interval,
    verify_gain_interval,
    verify_threshold,
)
from course.exercises.lesson_10_scans import occlusion_map, standardise, verify_occlusion, verify_standardise
from course.exercises.lesson_10_training import next_round, pooled_logits, verify_logits, verify_next_round

EXERCISES = (
    Exercise(
        "10.1", "standardise", "a scan in units of its own", standardise, verify_standardise,
        (
            "Which pixels should the median be taken of, if half of the image is air?",
            "inside = slices[slices > 0.35 * np.quantile(slices, 0.95)] are the head's pixels, of all slices together. "
            "np.quantile(inside, [0.16, 0.5, 0.84]) gives the three numbers that you need.",
            "low, middle, high = np.quantile(inside, [0.16, 0.5, 0.84]); return ((slices - middle) / ((high - low) / 2))"
            ".clip(-4, 4)",
        ),
    ),
    Exercise(
        "10.2", "pooled_logits", "from cells to slices to a patient", pooled_logits, verify_logits,
        (
            "What must a slice that is not there have as its logit, so that exp of it adds nothing?",
            "torch.logsumexp(cells.flatten(2), dim=2) gives one logit a slice. Then fill those that are not present "
            "with −1e9, and pool once more.",
            "slices = torch.logsumexp(cells.flatten(2), dim=2).masked_fill(~present, -1e9); return slices, "
            "torch.logsumexp(slices, dim=1)",
        ),
    ),
    Exercise(
        "10.3", "next_round", "an average with parts left at home", next_round, verify_next_round,
        (
            "The hospitals may differ at the end: how many models do you return?",
            "First the mean of every parameter, weighted by num_patients / sum(num_patients). Then, for each hospital, "
            "a new dictionary with the mean, in which its own parameters take the place of those in `stays`.",
            "return [mean | {name: model[name] for name in stays} for model in models]",
        ),
    ),
    Exercise(
        "10.4", "choose_threshold", "one threshold from counts", choose_threshold, verify_threshold,
        (
            "Which sum over the hospitals do you compare with sensitivity · num_with_tumour?",
            "np.sum(found, axis=0) is how many tumours all together find at each threshold. The thresholds rise, so the "
            "highest one that finds enough is the last.",
            "enough = np.flatnonzero(np.sum(found, axis=0) >= sensitivity * num_with_tumour - 1e-9); return "
            "thresholds[enough[-1]]",
        ),
    ),
    Exercise(
        "10.5", "gain_interval", "how sure is a gain?", gain_interval, verify_gain_interval,
        (
            "Other patients might have come to the test. What do you draw again, and what must stay together?",
            "again = rng.integers(n, size=n) draws positions of patients. Take both detectors' scores and the labels at "
            "*these* positions; if all drawn are of one kind, draw once more.",
            "gains.append(auc(after[again], has_tumour[again]) - auc(before[again], has_tumour[again])), `draws` times; "
            "return np.quantile(gains, [0.025, 0.975])",
        ),
        points=2,
    ),
    Exercise(
        "10.6", "occlusion_map", "where does it look?", occlusion_map, verify_occlusion,
        (
            "If the score falls when a square is covered, did the square speak for the tumour or against it?",
            "For each row and column of squares: covered = image.copy(), set the square to 0, and write down "
            "score(image) − score(covered).",
            "covered[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch] = 0; falls[r, c] = score(image) - "
            "score(covered)",
        ),
    ),
)  # fmt: skip
