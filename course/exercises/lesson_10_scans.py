"""Checkers of lesson 10 on single scans: units of their own, and a map of what a score looks at."""

from collections.abc import Callable

import numpy as np

from course.exercises.exercise import NotYet
from course.exercises.probe import close, given, which
from course.hospital.detector import standardise as library_standardise
from course.hospital.saliency import occlusion_map as library_occlusion_map

TOLERANCE = 1e-4
"""Relative, and absolute below 1: float32 quantiles in another order of operations differ by about 1e-6."""
HEAD, QUANTILES, LARGEST = 0.35, (0.16, 0.5, 0.84), 4.0


def expect_array(value: object, shape: tuple[int, ...], what: str) -> np.ndarray:
    """The answer as a float array of this shape, or a sentence that says what it is instead."""
    if value is None:
        raise NotYet("It returned None. Does your function end with a `return`?")
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"It returned a {type(value).__name__}; it should be {what}.") from None
    if array.shape != shape:
        raise NotYet(f"It returned something of shape {array.shape}; it should be {what}, here {shape}.")
    if np.isnan(array).any():
        raise NotYet("There is NaN in what it returned.")
    return array


# 10.1 ---------------------------------------------------------------------------------------------


def some_scan(seed: int, *, gain: float = 1.0, slices: int = 3, spread: float = 0.29) -> np.ndarray:
    """A bright uneven disc on a dark ground, with a few pixels far brighter and far darker than the rest."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64] - 31.5
    inside = rows**2 + columns**2 < 24**2
    scan = np.where(inside, rng.gamma(spread**-2, spread**2, (slices, 64, 64)) + spread * (columns > 8), 0.0)
    scan += 0.03 * rng.random(scan.shape)
    scan[0, 30, 20:24], scan[-1] = 2.9, 0.7 * scan[-1]
    return (gain * scan).astype(np.float32)


def verify_standardise(standardise: Callable) -> None:
    """The head's median becomes 0, half the distance of its 16th and 84th percentile 1; cut at ±4."""
    # The first has air below −4; the others have tissue on either side of where the head begins.
    for seed, gain, slices, spread in (
        (3, 1.0, 3, 0.1),
        (0, 1.0, 3, 0.29),
        (1, 40.0, 2, 0.29),
        (2, 0.2, 5, 0.29),
    ):
        scan = some_scan(seed, gain=gain, slices=slices, spread=spread)
        handed = scan.copy()
        with given(f"a scan of shape {scan.shape}"):
            got = standardise(handed)
        if not np.array_equal(handed, scan):
            raise NotYet("It changes the scan that it is given. Compute a new array.")
        got = expect_array(got, scan.shape, "an array of the shape of the scan")
        right = library_standardise(scan)
        if not close(got, right, TOLERANCE):
            raise which(got, _wrong_standards(scan), _how_it_differs(got, scan), TOLERANCE)


def standard(
    scan: np.ndarray,
    *,
    head: Callable | None = None,
    middle: Callable | None = None,
    spread: Callable | None = None,
    cut: bool = True,
) -> np.ndarray:
    """`standardise` with one part of its own; the parts are computed from the head's pixels."""
    inside = scan[head(scan) if head else scan > HEAD * np.quantile(scan, 0.95)]
    low, centre, high = np.quantile(inside, QUANTILES)
    scaled = (scan - (middle(inside) if middle else centre)) / (
        spread(inside) if spread else (high - low) / 2
    )
    return scaled.clip(-LARGEST, LARGEST) if cut else scaled


def _wrong_standards(scan: np.ndarray) -> dict[str, np.ndarray]:
    low, centre, high = np.quantile(scan[scan > HEAD * np.quantile(scan, 0.95)], QUANTILES)
    return {
        "You take the quantiles of the whole scan, and half of that is the dark air around it. Only pixels of the head.":
            standard(scan, head=lambda s: np.isfinite(s)),
        "A value beyond ±4 is left: one bright vein would then outshout everything. Clip at the end.":
            standard(scan, cut=False),
        "Values below −4 are left. Clip on both sides.": np.minimum(standard(scan, cut=False), LARGEST),
        "Values above 4 are left: one bright vein would then outshout everything. Clip on both sides.":
            np.maximum(standard(scan, cut=False), -LARGEST),
        "You divide by the whole distance between the two percentiles; it should be half of it.":
            standard(scan, spread=lambda x: high - low),
        "You standardise each slice by itself. A patient is one scan: one median and one spread for all slices.":
            np.stack([standard(one) for one in scan]),
        "You subtract the mean; a large tumour pulls it. The median of the head.":
            standard(scan, middle=np.mean),
        "You divide by the standard deviation, which a few bright pixels can blow up. Half the distance between the "
        "percentiles.": standard(scan, spread=np.std),
        "Mean and standard deviation follow the few pixels that are far off. Median, and half the distance between "
        "the percentiles.": standard(scan, middle=np.mean, spread=np.std),
        "The head begins at 0.35 of the 95th *percentile*; you take the maximum, and one bright pixel moves that.":
            standard(scan, head=lambda s: s > HEAD * s.max()),
        "Where the head begins is one number for the whole scan; you take the 95th percentile of each slice.":
            standard(scan, head=lambda s: s > HEAD * np.quantile(s, 0.95, axis=(1, 2), keepdims=True)),
        "You clip before you standardise; the cut is at ±4 of the new units.":
            (scan.clip(-LARGEST, LARGEST) - centre) / ((high - low) / 2),
        "You divide, and do not subtract the median.": (scan / ((high - low) / 2)).clip(-LARGEST, LARGEST),
        "You subtract the median, and do not divide.": (scan - centre).clip(-LARGEST, LARGEST),
        "You return the scan as it was.": scan,
    }  # fmt: skip


def _how_it_differs(got: np.ndarray, scan: np.ndarray) -> str:
    inside = got[scan > HEAD * np.quantile(scan, 0.95)]
    low, centre, high = np.quantile(inside, QUANTILES)
    return (
        f"In the head of what you return, the median is {centre:.3f} and half the distance between the 16th and the "
        f"84th percentile is {(high - low) / 2:.3f}; they should be 0 and 1, all values within ±4, and the order of "
        "brightness as before."
    )


# 10.6 ---------------------------------------------------------------------------------------------


def verify_occlusion(occlude: Callable) -> None:
    """For each square: the score of the image minus that of the image with this square set to 0."""
    for rows, columns, patch in ((8, 12, 4), (6, 4, 2), (5, 15, 5)):
        rng = np.random.default_rng(rows)
        image, weights = rng.normal(1.0, 1.0, (rows, columns)), rng.normal(size=(rows, columns))

        def score(seen: np.ndarray, weights: np.ndarray = weights) -> float:
            # Products of neighbours, so that what else is covered at the time makes a difference.
            return float((weights * seen).sum() + (seen[:, 1:] * seen[:, :-1]).sum() + 3.0)

        handed = image.copy()
        with given(f"an image of shape {image.shape} and patch={patch}"):
            got = occlude(score, handed, patch)
        if not np.array_equal(handed, image):
            raise NotYet("Your function leaves the image changed: cover a fresh copy for each square.")
        shape = (rows // patch, columns // patch)
        _expect_map_shape(got, shape, (rows, columns))
        got = expect_array(got, shape, "one number a square, an array (rows / patch, columns / patch)")
        right = library_occlusion_map(score, image, patch=patch)
        if not close(got, right, TOLERANCE):
            raise which(
                got, _wrong_maps(score, image, patch),
                f"For an image of shape {image.shape} and squares of {patch} pixels the first number should be "
                f"{right[0, 0]:.3f}; you say {got[0, 0]:.3f}.", TOLERANCE,
            )  # fmt: skip


def _expect_map_shape(got: object, shape: tuple[int, int], image: tuple[int, int]) -> None:
    found = getattr(got, "shape", None)
    if found == image:
        raise NotYet("It returned one number a pixel; it should be one a square.")
    if found == shape[::-1] and shape[0] != shape[1]:
        raise NotYet("Rows and columns have changed places.")
    if found == (shape[0] * shape[1],):
        raise NotYet(
            "It returned a flat list of the squares; give it the shape (rows / patch, columns / patch)."
        )


def _wrong_maps(score: Callable, image: np.ndarray, patch: int) -> dict[str, np.ndarray]:
    right = library_occlusion_map(score, image, patch=patch)
    before, mean = score(image), float(image.mean())
    one_square = np.array([[score(kept) for kept in row] for row in _only(image, patch)])
    return {
        "The sign is turned: what argues *for* the tumour makes the score fall when it is covered, and should be positive.":
            -right,
        "You return the scores themselves; the map is by how much each falls below the score of the whole image.":
            before - right,
        "Squares that were covered stay covered: cover a fresh copy of the image each time.":
            _covered_in_turn(score, image, patch),
        "You cover everything *but* the square.": before - one_square,
        "You show the score one square alone and cover everything else.": one_square,
        "A covered pixel should read 0, the median of a standardised head; you take the image's mean.":
            library_occlusion_map(score, image, patch=patch, fill=mean),
        "A covered pixel should read 0; you take 1.": library_occlusion_map(score, image, patch=patch, fill=1.0),
        "You return how large the change is; its sign says for or against.": np.abs(right),
    }  # fmt: skip


def _squares(image: np.ndarray, patch: int):
    for row in range(0, image.shape[0], patch):
        yield [(slice(row, row + patch), slice(c, c + patch)) for c in range(0, image.shape[1], patch)]


def _only(image: np.ndarray, patch: int) -> list[list[np.ndarray]]:
    made = []
    for line in _squares(image, patch):
        made.append([])
        for square in line:
            kept = np.zeros_like(image)
            kept[square] = image[square]
            made[-1].append(kept)
    return made


def _covered_in_turn(score: Callable, image: np.ndarray, patch: int) -> np.ndarray:
    seen, before, falls = image.copy(), score(image), []
    for line in _squares(image, patch):
        falls.append([])
        for square in line:
            seen[square] = 0.0
            falls[-1].append(before - score(seen))
    return np.array(falls)


# What the exercises lend ---------------------------------------------------------------------------


def standardise(slices: np.ndarray) -> np.ndarray:
    """A patient's scan in units of its own head."""
    return library_standardise(slices)


def occlusion_map(score: Callable[[np.ndarray], float], image: np.ndarray, patch: int) -> np.ndarray:
    """By how much the score falls when each square is covered."""
    return library_occlusion_map(score, image, patch=patch)
