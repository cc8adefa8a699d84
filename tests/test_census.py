"""Census rows become 104 numbers, each row by itself, with nothing learned from the rows."""

import numpy as np
import pytest

from course.data import census_feature_names, census_features, load_adult
from course.data.census import VOCABULARIES

NAMES = census_feature_names()


@pytest.fixture(scope="module")
def adult():
    return load_adult()


@pytest.fixture(scope="module")
def train(adult):
    return census_features(adult.train)


def test_every_row_becomes_104_float32_numbers_and_a_label(adult, train):
    assert train.inputs.shape == (32_561, 104) and train.inputs.dtype == np.float32
    assert train.labels.shape == (32_561,) and train.labels.dtype == np.int64
    assert len(train) == 32_561 and len(NAMES) == len(set(NAMES)) == 104
    assert np.isfinite(train.inputs).all()


def test_the_label_is_an_income_above_50k(adult, train):
    # adult.names: 23.93 % of all 48,842 rows have the label >50K, which is 11,687 rows.
    assert train.labels.sum() + census_features(adult.test).labels.sum() == 11_687


def test_the_first_row_by_hand(train):
    # adult.data, line 1: 39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, …
    row = dict(zip(NAMES, train.inputs[0].tolist(), strict=True))
    numbers = {
        "age": -1 / 15,
        "education_num": 1.0,
        "capital_gain": np.log1p(2174) / 7,
        "capital_loss": 0.0,
        "hours_per_week": 0.0,
    }
    assert {name: row.pop(name) for name in numbers} == pytest.approx(numbers, rel=1e-6)
    assert {name for name, value in row.items() if value == 1} == {
        "workclass=State-gov",
        "education=Bachelors",
        "marital_status=Never-married",
        "occupation=Adm-clerical",
        "relationship=Not-in-family",
        "race=White",
        "sex=Male",
        "native_country=United-States",
    }
    assert set(row.values()) == {0.0, 1.0}


def test_an_unknown_value_is_a_block_of_zeros_and_a_known_one_a_single_one(adult, train):
    for column in VOCABULARIES:
        block = train.inputs[:, [name.startswith(f"{column}=") for name in NAMES]]
        assert np.array_equal(block.sum(1) == 0, (adult.train[column] == "?").to_numpy())
        assert block.max() == 1 and set(block.sum(1)) <= {0.0, 1.0}


def test_a_row_does_not_depend_on_the_others(adult, train):
    some = [0, 7, 14, 4_242, 32_560]
    assert np.array_equal(census_features(adult.train.iloc[some]).inputs, train.inputs[some])


def test_the_survey_weight_is_not_a_feature(adult, train):
    heavier = adult.train.head(50).assign(fnlwgt=10**6)
    assert np.array_equal(census_features(heavier).inputs, train.inputs[:50])


def test_the_vocabularies_hold_every_word_of_the_files_and_no_other(adult):
    for column, words in VOCABULARIES.items():
        assert set(adult.everyone[column]) - {"?"} == set(words)


def test_a_word_outside_the_vocabulary_is_an_error(adult):
    with pytest.raises(ValueError, match=r"'Mars'.*'native_country'"):
        census_features(adult.train.head(3).assign(native_country="Mars"))


def test_a_missing_column_is_an_error(adult):
    with pytest.raises(ValueError, match=r"no column.*age"):
        census_features(adult.train.head(3).drop(columns="age"))


def test_no_rows_give_no_rows(adult):
    assert census_features(adult.train.head(0)).inputs.shape == (0, 104)
