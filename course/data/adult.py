"""Adult: 48,842 people of the 1994 US census survey, read from the two canonical UCI files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course.data.files import ShippedFile, read_shipped

if TYPE_CHECKING:
    import pandas as pd

TRAIN_FILE = ShippedFile("adult.data.gz", "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d")
TEST_FILE = ShippedFile("adult.test.gz", "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05")

UNKNOWN = "?"

# The order is that of the UCI files.
COLUMN_TYPES = {
    "age": "int64",
    "workclass": "str",
    "fnlwgt": "int64",
    "education": "str",
    "education_num": "int64",
    "marital_status": "str",
    "occupation": "str",
    "relationship": "str",
    "race": "str",
    "sex": "str",
    "capital_gain": "int64",
    "capital_loss": "int64",
    "hours_per_week": "int64",
    "native_country": "str",
    "income": "str",
}


@dataclass(frozen=True, eq=False)
class Adult:
    """The census rows in their original order and split. The frames are yours to change.

    Attributes:
        train: 32,561 rows, the 15 columns of `COLUMN_TYPES`.
        test: 16,281 rows, the same columns.
    """

    train: pd.DataFrame
    test: pd.DataFrame

    @property
    def everyone(self) -> pd.DataFrame:
        """All 48,842 rows, train before test, numbered from 0: a new frame each time."""
        import pandas as pd

        return pd.concat([self.train, self.test], ignore_index=True)


def load_adult(folder: Path | str | None = None) -> Adult:
    """Load Adult from the files inside the course; nothing is downloaded.

    Six columns are int64 and nine are text. `income` is "<=50K" or ">50K" in both frames (the UCI test file
    writes a full stop after it). An unknown value is the string "?", as in the UCI files: it occurs in
    workclass, occupation and native_country only, and no cell is NaN.

    Args:
        folder: where the two `.gz` files lie; None means the ones that ship with the course.

    Raises:
        CorruptedDataError: if a file is missing or is not, byte for byte, the canonical one.

    Limits: rows that occur twice are kept, so an index names a row, not a person; see DATA_CARD.md.
    Source: Becker and Kohavi 1996, Adult, UCI Machine Learning Repository, DOI 10.24432/C5XW20.
    """
    return Adult(
        train=_parse(read_shipped(TRAIN_FILE, folder=folder), num_comment_lines=0),
        test=_parse(read_shipped(TEST_FILE, folder=folder), num_comment_lines=1),
    )


def _parse(content: bytes, *, num_comment_lines: int) -> pd.DataFrame:
    # pandas takes most of a second to import, and the lessons on digits do not need it.
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(content),
        names=list(COLUMN_TYPES),
        dtype=COLUMN_TYPES,
        skiprows=num_comment_lines,
        skipinitialspace=True,
        na_filter=False,
        encoding="ascii",
    )
    return frame.assign(income=frame["income"].str.removesuffix("."))
