"""The shipped data are the canonical files, say so when they are not, and hold what the data card says."""

import gzip
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.data import CorruptedDataError, load_adult, load_mnist
from course.data.adult import COLUMN_TYPES, TEST_FILE, TRAIN_FILE
from course.data.files import SHIPPED_FOLDER, ShippedFile, read_shipped
from course.data.idx import array_from_idx, idx_from_array
from course.data.mnist import MNIST_FILES
from course.data.rebuild import Verdict, download_contents, mnist_contents, read_array_pickle, rebuild

ALL_FILES = [*MNIST_FILES.values(), TRAIN_FILE, TEST_FILE]
SMALL_FILE = MNIST_FILES["test_labels"]
DATA_CARD = SHIPPED_FOLDER.parent / "DATA_CARD.md"

# A busy machine is slow now and then, and that is no error.
any_time = settings(deadline=None)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def adult():
    return load_adult()


@pytest.fixture
def own_copy(tmp_path):
    """A folder with a private copy of every shipped file, to be damaged."""
    return Path(shutil.copytree(SHIPPED_FOLDER, tmp_path / "copy"))


# ----- files -----


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: file.name)
def test_one_corrupted_byte_is_refused_by_name(file, own_copy):
    damaged = bytearray((own_copy / file.name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (own_copy / file.name).write_bytes(damaged)
    with pytest.raises(CorruptedDataError) as refusal:
        read_shipped(file, folder=own_copy)
    message = str(refusal.value)
    assert str(own_copy / file.name) in message
    assert file.content_sha256 in message
    assert f'python -m course.data.rebuild --out "{own_copy}"' in message


@any_time
@given(position=st.integers(0, 4516), flip=st.integers(1, 255))
def test_no_changed_byte_ever_changes_the_contents_unnoticed(tmp_path_factory, position, flip):
    folder = tmp_path_factory.mktemp("flip")
    damaged = bytearray((SHIPPED_FOLDER / SMALL_FILE.name).read_bytes())
    damaged[position] ^= flip
    (folder / SMALL_FILE.name).write_bytes(damaged)
    try:
        content = read_shipped(SMALL_FILE, folder=folder)
    except CorruptedDataError:
        return
    # Bytes of the gzip header, such as its time stamp, may change without touching the contents.
    assert position < 10
    assert sha256(content) == SMALL_FILE.content_sha256


@pytest.mark.parametrize("kept", [0, 5, 10, 2000, 4516])
def test_a_truncated_file_is_refused(own_copy, kept):
    path = own_copy / SMALL_FILE.name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptedDataError, match="is not the file that the course shipped"):
        read_shipped(SMALL_FILE, folder=own_copy)


def test_a_sound_gzip_file_with_other_contents_is_refused_and_both_hashes_are_named(own_copy):
    (own_copy / SMALL_FILE.name).write_bytes(gzip.compress(b"other"))
    with pytest.raises(CorruptedDataError) as refusal:
        read_shipped(SMALL_FILE, folder=own_copy)
    assert sha256(b"other") in str(refusal.value)
    assert SMALL_FILE.content_sha256 in str(refusal.value)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(CorruptedDataError, match="FileNotFoundError") as refusal:
        read_shipped(SMALL_FILE, folder=tmp_path)
    assert str(tmp_path / SMALL_FILE.name) in str(refusal.value)


@pytest.mark.parametrize(
    ("load", "file"),
    [(load_mnist, MNIST_FILES["train_labels"]), (load_adult, TEST_FILE)],
    ids=["mnist", "adult"],
)
def test_loaders_read_the_given_folder_and_refuse_one_bad_file_in_it(load, file, own_copy):
    load(own_copy)
    (own_copy / file.name).unlink()
    with pytest.raises(CorruptedDataError, match=file.name):
        load(own_copy)


def test_importing_the_data_room_imports_neither_torch_nor_pandas():
    code = "import sys, course.data; print(sorted({'torch', 'pandas'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: file.name)
def test_the_data_card_states_the_hashes_and_sizes_of_what_is_shipped(file):
    compressed = (SHIPPED_FOLDER / file.name).read_bytes()
    content = gzip.decompress(compressed)
    row = (
        f"| `{file.name}` | {len(compressed):,} | `{sha256(compressed)}` "
        f"| {len(content):,} | `{sha256(content)}` |"
    )
    assert row in DATA_CARD.read_text(encoding="utf-8")


def test_nothing_else_lies_in_the_folder_of_shipped_files():
    assert {path.name for path in SHIPPED_FOLDER.iterdir()} == {file.name for file in ALL_FILES}


# ----- the IDX format -----


@any_time
@given(
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
def test_writing_and_reading_idx_are_inverses(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)
    again = array_from_idx(idx_from_array(array))
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, array, strict=True)


def test_idx_header_is_the_published_one():
    # Magic numbers 0x00000803 for images and 0x00000801 for labels, sizes as big-endian 32-bit integers.
    assert idx_from_array(np.zeros((300, 2, 3), np.uint8))[:16].hex() == "000008030000012c0000000200000003"
    assert idx_from_array(np.array([7, 9], np.uint8)).hex() == "00000801000000020709"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "begins 00 00 08"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "begins '00 00 0d'"),
        (b"\x00\x00\x08\x03\x00\x00\x00\x01", "header needs 16 bytes"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x03ab", "promises 3 values, the file has 2"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x03abcd", "promises 3 values, the file has 4"),
    ],
)
def test_malformed_idx_is_refused(content, complaint):
    with pytest.raises(ValueError, match=complaint):
        array_from_idx(content)


def test_idx_refuses_to_cut_other_types_to_bytes():
    with pytest.raises(ValueError, match="int64"):
        idx_from_array(np.array([300]))


# ----- MNIST -----


@pytest.mark.parametrize(
    ("name", "shape", "array_sha256"),
    [
        (
            "train_images",
            (60000, 28, 28),
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        ),
        ("train_labels", (60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
        ("test_images", (10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
        ("test_labels", (10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
    ],
)
def test_mnist_arrays_are_the_canonical_bytes_and_read_only(mnist, name, shape, array_sha256):
    array = getattr(mnist, name)
    assert array.shape == shape
    assert array.dtype == np.uint8
    assert sha256(array.tobytes()) == array_sha256
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_mnist_begins_with_the_well_known_digits(mnist):
    # The opening of both sets as every tutorial prints it; the training set begins with a five.
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_mnist_class_counts_are_the_commonly_reported_ones(mnist):
    train_counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test_counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.train_labels).tolist() == train_counts
    assert np.bincount(mnist.test_labels).tolist() == test_counts


def test_mnist_grey_levels_have_the_mean_and_deviation_of_the_pytorch_example(mnist):
    # PyTorch's MNIST example normalises with Normalize((0.1307,), (0.3081,)).
    values, counts = np.unique(mnist.train_images, return_counts=True)
    mean = np.average(values / 255, weights=counts)
    deviation = np.sqrt(np.average((values / 255 - mean) ** 2, weights=counts))
    assert (round(mean, 4), round(deviation, 4)) == (0.1307, 0.3081)


# ----- Adult -----


def test_adult_has_the_documented_rows_columns_and_types(adult):
    for frame, num_rows in ((adult.train, 32561), (adult.test, 16281), (adult.everyone, 48842)):
        assert frame.shape == (num_rows, 15)
        assert list(frame.columns) == list(COLUMN_TYPES)
        assert not frame.isna().any().any()
        for column, kind in COLUMN_TYPES.items():
            assert (frame[column].dtype == np.int64) == (kind == "int64"), column


def test_adult_first_rows_are_those_of_the_uci_files(adult):
    first = ["39", "State-gov", "77516", "Bachelors", "13", "Never-married", "Adm-clerical", "Not-in-family"]
    first += ["White", "Male", "2174", "0", "40", "United-States", "<=50K"]
    assert adult.train.iloc[0].astype(str).tolist() == first
    # The comment in the first line of adult.test is not a row.
    assert adult.test.iloc[0][["age", "workclass", "fnlwgt"]].tolist() == [25, "Private", 226802]


def test_adult_income_is_written_alike_in_both_sets_and_counts_as_published(adult):
    for frame in (adult.train, adult.test):
        assert set(frame["income"]) == {"<=50K", ">50K"}
    # adult.names of UCI: 23.93 % of all rows, and 24.78 % of the rows without unknowns, are above 50K.
    everyone = adult.everyone
    is_rich = everyone["income"] == ">50K"
    is_known = ~(everyone == "?").any(axis=1)
    assert is_rich.sum() == 11687
    assert round(100 * is_rich.mean(), 2) == 23.93
    assert round(100 * is_rich[is_known].mean(), 2) == 24.78


def test_adult_unknowns_are_question_marks_in_the_published_number(adult):
    # OpenML's entry 1590: 3,620 instances with missing values, 6,465 missing values.
    unknown = adult.everyone == "?"
    assert unknown.any(axis=1).sum() == 3620
    assert unknown.sum().sum() == 6465
    assert set(unknown.columns[unknown.any()]) == {"workclass", "occupation", "native_country"}
    # adult.names of UCI: 30,162 rows of train and 15,060 of test are without unknowns.
    assert (~(adult.train == "?").any(axis=1)).sum() == 30162
    assert (~(adult.test == "?").any(axis=1)).sum() == 15060


def test_adult_text_has_no_stray_spaces(adult):
    for column, kind in COLUMN_TYPES.items():
        if kind == "str":
            values = set(adult.everyone[column])
            assert values == {value.strip() for value in values}, column


def test_adult_duplicates_are_as_the_data_card_says(adult):
    everyone = adult.everyone
    assert everyone.duplicated().sum() == 52
    assert adult.train.duplicated().sum() == 24
    assert adult.test.duplicated().sum() == 5
    assert len(adult.test.merge(adult.train.drop_duplicates(), how="inner")) == 23
    assert everyone.drop(columns="fnlwgt").duplicated().sum() == 6374


def test_adult_other_numbers_of_the_data_card_hold(adult):
    everyone = adult.everyone
    is_rich = everyone["income"] == ">50K"
    assert (everyone["capital_gain"] == 99999).sum() == 244
    assert (everyone["native_country"] == "Holand-Netherlands").sum() == 1
    assert round(100 * is_rich[everyone["sex"] == "Male"].mean()) == 30
    assert round(100 * is_rich[everyone["sex"] == "Female"].mean()) == 11
    assert (adult.test == "?").any(axis=1).sum() == 1221


def test_everyone_is_a_fresh_frame_numbered_from_zero(adult):
    everyone = adult.everyone
    assert everyone.index.tolist() == list(range(48842))
    everyone.loc[0, "age"] = -1
    assert adult.train.loc[0, "age"] == 39
    assert adult.everyone.loc[0, "age"] == 39


# ----- the maintainers' rebuild script -----


class MakesAFolder:
    """Unpickled by the plain pickle module, this makes a folder: the sign that foreign code ran."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_unpickler_refuses_a_malicious_pickle_and_runs_nothing(tmp_path, protocol):
    made = tmp_path / "made"
    malicious = pickle.dumps([np.float32, MakesAFolder(made)], protocol)
    with pytest.raises(pickle.UnpicklingError, match="only numpy arrays are allowed"):
        read_array_pickle(malicious)
    assert not made.exists()


@pytest.mark.parametrize(
    "wanted", ["builtins eval", "numpy load", "numpy fromfile", "numpy.core.multiarray array", "os system"]
)
def test_the_unpickler_knows_three_names_only(wanted):
    module_name, global_name = wanted.split()
    with pytest.raises(pickle.UnpicklingError, match=f"{module_name}.{global_name}"):
        read_array_pickle(f"c{module_name}\n{global_name}\n.".encode())


def old_style_pickle(value):
    """Pickle arrays under the module name that numpy 1 used, as the published pickle does."""
    return pickle.dumps(value, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_rebuild_recovers_every_grey_level_from_the_pickled_floats():
    grey = np.arange(6 * 784).reshape(6, 784) % 256
    digits = np.arange(6)
    pairs = [((grey[part] / 256).astype(np.float32), digits[part]) for part in (slice(3), slice(3, 5), [5])]
    contents = mnist_contents(old_style_pickle(tuple(pairs)))
    arrays = {name: array_from_idx(contents[file]) for name, file in MNIST_FILES.items()}
    np.testing.assert_array_equal(arrays["train_images"], grey[:5].reshape(5, 28, 28))
    np.testing.assert_array_equal(arrays["train_labels"], digits[:5])
    np.testing.assert_array_equal(arrays["test_images"], grey[5:].reshape(1, 28, 28))
    np.testing.assert_array_equal(arrays["test_labels"], digits[5:])


def tiny_file(folder):
    """A made-up shipped file in `folder`, as `rebuild` would write it, and its contents."""
    content = b"some shipped data"
    file = ShippedFile("tiny.gz", sha256(content))
    rebuild({file: content}, out=folder, shipped_folder=folder)
    return file, content


def test_rebuild_says_which_files_are_identical_only_recompressed_or_damaged(tmp_path):
    shipped, out = tmp_path / "shipped", tmp_path / "out"
    file, content = tiny_file(shipped)
    assert rebuild({file: content}, out=out, shipped_folder=shipped) == {"tiny.gz": Verdict.IDENTICAL}
    assert read_shipped(file, folder=out) == content
    (shipped / "tiny.gz").write_bytes(gzip.compress(content, compresslevel=0))
    assert rebuild({file: content}, out=out, shipped_folder=shipped) == {"tiny.gz": Verdict.SAME_CONTENTS}
    (shipped / "tiny.gz").write_bytes(b"rubbish")
    assert rebuild({file: content}, out=out, shipped_folder=shipped) == {"tiny.gz": Verdict.DAMAGED}


def test_rebuild_in_place_repairs_a_damaged_file_and_leaves_a_sound_one_alone(tmp_path):
    file, content = tiny_file(tmp_path)
    recompressed = gzip.compress(content, compresslevel=0)
    (tmp_path / "tiny.gz").write_bytes(recompressed)
    rebuild({file: content}, out=tmp_path, shipped_folder=tmp_path)
    assert (tmp_path / "tiny.gz").read_bytes() == recompressed
    (tmp_path / "tiny.gz").write_bytes(recompressed[:-1])
    rebuild({file: content}, out=tmp_path, shipped_folder=tmp_path)
    assert read_shipped(file, folder=tmp_path) == content


def test_rebuild_writes_nothing_when_one_content_is_wrong(tmp_path):
    good = ShippedFile("good.gz", sha256(b"good"))
    wrong = ShippedFile("wrong.gz", sha256(b"expected"))
    with pytest.raises(CorruptedDataError, match=r"wrong\.gz"):
        rebuild({good: b"good", wrong: b"found"}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    os.environ.get("COURSE_REBUILD") != "1",
    reason="Rebuilding downloads two wheels; set COURSE_REBUILD=1 to run it.",
)
def test_rebuilding_from_the_published_wheels_gives_the_shipped_contents(tmp_path):
    verdicts = rebuild(download_contents(), out=tmp_path)
    assert set(verdicts) == {file.name for file in ALL_FILES}
    assert set(verdicts.values()) <= {Verdict.IDENTICAL, Verdict.SAME_CONTENTS}
    assert sha256(load_mnist(tmp_path).train_images.tobytes()).startswith("741c9888")
