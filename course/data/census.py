"""Census rows as numbers for a model: 104 features that no row of the data has shaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# The order is that of adult.names, the description that UCI published with the data. A vocabulary that is
# collected from the rows would tell that somebody from Holand-Netherlands is among them: there is one.
VOCABULARIES = {
    "workclass": (
        "Private Self-emp-not-inc Self-emp-inc Federal-gov Local-gov State-gov Without-pay Never-worked"
    ),
    "education": (
        "Bachelors Some-college 11th HS-grad Prof-school Assoc-acdm Assoc-voc 9th 7th-8th 12th Masters "
        "1st-4th 10th Doctorate 5th-6th Preschool"
    ),
    "marital_status": (
        "Married-civ-spouse Divorced Never-married Separated Widowed Married-spouse-absent Married-AF-spouse"
    ),
    "occupation": (
        "Tech-support Craft-repair Other-service Sales Exec-managerial Prof-specialty Handlers-cleaners "
        "Machine-op-inspct Adm-clerical Farming-fishing Transport-moving Priv-house-serv Protective-serv "
        "Armed-Forces"
    ),
    "relationship": "Wife Own-child Husband Not-in-family Other-relative Unmarried",
    "race": "White Asian-Pac-Islander Amer-Indian-Eskimo Other Black",
    "sex": "Female Male",
    "native_country": (
        "United-States Cambodia England Puerto-Rico Canada Germany Outlying-US(Guam-USVI-etc) India Japan "
        "Greece South China Cuba Iran Honduras Philippines Italy Poland Jamaica Vietnam Mexico Portugal "
        "Ireland France Dominican-Republic Laos Ecuador Taiwan Haiti Columbia Hungary Guatemala Nicaragua "
        "Scotland Thailand Yugoslavia El-Salvador Trinadad&Tobago Peru Hong Holand-Netherlands"
    ),
}
VOCABULARIES = {column: tuple(words.split()) for column, words in VOCABULARIES.items()}

# Round numbers that anybody might choose who has never seen the file: (centre, width). Money is on a log
# scale. Means and deviations of the rows would say something about the rows.
SCALES = {
    "age": (40.0, 15.0),
    "education_num": (10.0, 3.0),
    "capital_gain": (0.0, 7.0),
    "capital_loss": (0.0, 7.0),
    "hours_per_week": (40.0, 15.0),
}
ON_LOG_SCALE = ("capital_gain", "capital_loss")
RICH = ">50K"


@dataclass(frozen=True, eq=False)
class Census:
    """Model-ready rows.

    Attributes:
        inputs: float32, shape (rows, 104).
        labels: int64, shape (rows,); 1 means an income above 50,000 dollars a year.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def census_features(frame: pd.DataFrame) -> Census:
    """Turn census rows into numbers, each row by itself.

    Five numbers are scaled by public constants, eight categories are one-hot; an unknown value ("?") is a
    block of zeros. `fnlwgt`, a survey weight and not a fact about the person, is left out.

    Args:
        frame: rows with the columns of `course.data.adult.COLUMN_TYPES`.

    Raises:
        ValueError: if a column is missing, or a category is neither in adult.names nor "?".

    Guarantee: a row's features depend on this row alone, so adding or removing a person changes one row.
    Source: vocabularies from adult.names, UCI Machine Learning Repository, DOI 10.24432/C5XW20.
    """
    missing = {*SCALES, *VOCABULARIES, "income"} - set(frame.columns)
    if missing:
        raise ValueError(f"the frame has no column {sorted(missing)}; a census row has all of them")
    numbers = [_scaled(frame[column].to_numpy(), column) for column in SCALES]
    blocks = [_one_hot(frame[column].to_numpy(), column) for column in VOCABULARIES]
    inputs = np.concatenate([np.stack(numbers, axis=1), *blocks], axis=1, dtype=np.float32)
    return Census(inputs, (frame["income"].to_numpy() == RICH).astype(np.int64))


def census_feature_names() -> list[str]:
    """The names of the 104 features, in order: "age", …, "sex=Male", …"""
    return [
        *SCALES,
        *(f"{column}={word}" for column, words in VOCABULARIES.items() for word in words),
    ]


def _scaled(values: np.ndarray, column: str) -> np.ndarray:
    centre, width = SCALES[column]
    values = np.log1p(values) if column in ON_LOG_SCALE else values
    return (values - centre) / width


def _one_hot(values: np.ndarray, column: str) -> np.ndarray:
    words = np.array(VOCABULARIES[column])
    block = values.astype(str)[:, None] == words[None, :]  # (rows, words)
    strangers = set(values[~block.any(axis=1)]) - {"?"}
    if strangers:
        raise ValueError(f"{sorted(strangers)} in column {column!r}: neither in adult.names nor '?'")
    return block.astype(np.float32)
