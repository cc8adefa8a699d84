"""MNIST: 70,000 handwritten digits, read from the four canonical IDX files that ship with the course."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course.data.files import ShippedFile, read_shipped
from course.data.idx import array_from_idx

# The hashes are those of the uncompressed files as LeCun, Cortes and Burges published them.
MNIST_FILES = {
    "train_images": ShippedFile(
        "train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train_labels": ShippedFile(
        "train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "test_images": ShippedFile(
        "t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "test_labels": ShippedFile(
        "t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


@dataclass(frozen=True, eq=False)
class Mnist:
    """The digits, in their original order. Every array is uint8 and read-only: copy it to change it.

    Attributes:
        train_images: shape (60000, 28, 28), grey levels 0 (background) to 255 (ink).
        train_labels: shape (60000,), the digits 0 to 9.
        test_images: shape (10000, 28, 28).
        test_labels: shape (10000,).
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(folder: Path | str | None = None) -> Mnist:
    """Load MNIST from the files inside the course; nothing is downloaded.

    Args:
        folder: where the four `.gz` files lie; None means the ones that ship with the course.

    Raises:
        CorruptedDataError: if a file is missing or is not, byte for byte, the canonical one.

    Limits: nothing is cached. Each call reads and hashes 55 MB, and the arrays of each call are its own.
    Source: LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition,
        Proceedings of the IEEE 86(11), section III.A.
    """
    arrays = {name: array_from_idx(read_shipped(file, folder=folder)) for name, file in MNIST_FILES.items()}
    return Mnist(**arrays)
