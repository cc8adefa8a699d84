"""Read a data file that ships with the course, and refuse it unless it is exactly the file we shipped."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

SHIPPED_FOLDER = Path(__file__).parent / "files"


class CorruptedDataError(ValueError):
    """A data file is missing, cannot be decompressed, or is not the file that the course shipped."""


@dataclass(frozen=True)
class ShippedFile:
    """A gzip-compressed file of the course, and the SHA-256 of what is inside it.

    The hash is of the uncompressed bytes, because two correct builds of zlib may compress the same bytes
    differently.
    """

    name: str
    content_sha256: str


def read_shipped(file: ShippedFile, *, folder: Path | str | None = None) -> bytes:
    """Return the uncompressed bytes of a shipped file, after checking their SHA-256.

    Args:
        file: which file, and what it must contain.
        folder: where it lies; None means the folder inside the installed course.

    Raises:
        CorruptedDataError: if the file is missing, truncated or not the one expected; the message names
            the path, what was expected, what was found, and how to repair it.
    """
    path = (SHIPPED_FOLDER if folder is None else Path(folder)) / file.name
    try:
        content = gzip.decompress(path.read_bytes())
    except OSError as problem:  # FileNotFoundError, and gzip.BadGzipFile for a damaged header or checksum.
        raise _corrupted(path, file, found=f"{type(problem).__name__}: {problem}") from problem
    except (EOFError, zlib.error) as problem:
        raise _corrupted(path, file, found=f"a gzip stream that breaks off ({problem})") from problem
    found = hashlib.sha256(content).hexdigest()
    if found != file.content_sha256:
        raise _corrupted(path, file, found=f"{len(content):,} bytes with SHA-256 {found}")
    return content


def _corrupted(path: Path, file: ShippedFile, *, found: str) -> CorruptedDataError:
    return CorruptedDataError(
        f"{path} is not the file that the course shipped.\n"
        f"Expected: gzip-compressed bytes with SHA-256 {file.content_sha256} once uncompressed.\n"
        f"Found: {found}.\n"
        f"To repair it, reinstall the course (in a clone: git checkout -- course/data/files), "
        f"or, with a network connection, run: {_rebuild_command(path.parent)}"
    )


def _rebuild_command(folder: Path) -> str:
    command = "python -m course.data.rebuild"
    return command if folder == SHIPPED_FOLDER else f'{command} --out "{folder}"'
