"""The LGG set as downloaded: what is whole is loaded, what is not is named; on real scans if there are."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import mannwhitneyu

from course.hospital import Hospitals, LeftOut, Patient, load_lgg, match_heights, slice_heights
from course.hospital.lgg import FIELD_MM, _shrunk

WHOLE = ("TCGA_CS_0001_20000101", "TCGA_CS_0002_20000101", "TCGA_DU_0003_19991231")


def write_slice(folder, number, *, tumour, rng):
    """A made-up image with a disc for a head and a square for a tumour, and its outline."""
    rows, columns = np.indices((256, 256))
    image = np.where(np.hypot(rows - 128, columns - 128) < 90, 100, 0)[..., None] + np.zeros(3)
    outline = np.zeros((256, 256), np.uint8)
    if tumour:
        outline[100:130, 90:120] = 255
        image[outline > 0, 1] = 220
    image = np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)
    Image.fromarray(image).save(folder / f"{folder.name}_{number}.tif")
    Image.fromarray(outline).save(folder / f"{folder.name}_{number}_mask.tif")


@pytest.fixture
def made(tmp_path):
    """A folder like the downloaded one, with three invented patients of four slices."""
    root, rng = tmp_path / "kaggle_3m", np.random.default_rng(0)
    for name in WHOLE:
        (root / name).mkdir(parents=True)
        for number in (9, 10, 11, 2):
            write_slice(root / name, number, tumour=number in (10, 11), rng=rng)
    (root / "data.csv").write_text(
        "Patient,age_at_initial_pathologic\nTCGA_CS_0001,67\nTCGA_CS_0002,\nTCGA_DU_0003,29\n",
        encoding="utf-8",
    )
    (root / "README.md").write_text("not a scan", encoding="utf-8")
    return root


def test_patients_are_grouped_by_the_site_code_in_their_folder(made):
    hospitals = load_lgg(made)
    assert {name: [p.patient_id for p in patients] for name, patients in hospitals.items()} == {
        "CS": ["TCGA_CS_0001", "TCGA_CS_0002"],
        "DU": ["TCGA_DU_0003"],
    }
    assert hospitals.left_out == () and hospitals.num_patients == 3
    assert hospitals.source.startswith("Real") and "64 by 64" in hospitals.source
    assert dict(hospitals["CS"][0].traits) == {"age": 67.0, "tumour": "glioma"}
    assert dict(hospitals["CS"][1].traits) == {"tumour": "glioma"}


def test_the_folder_above_the_scans_will_do_and_so_does_a_set_without_its_table(made):
    (made / "data.csv").unlink()
    assert load_lgg(made.parent).num_patients == 3


def test_slices_are_in_the_order_of_their_numbers_not_of_their_names(made):
    assert load_lgg(made)["DU"][0].slice_labels.tolist() == [False, False, True, True]


def test_the_channel_that_was_asked_for_is_read(made):
    flair, pre = (load_lgg(made, channel=name)["DU"][0] for name in ("flair", "pre"))
    assert flair.slices[flair.tumour_mask].mean() > 200 > 110 > pre.slices[pre.tumour_mask].mean()


def test_a_scan_is_averaged_over_areas_of_three_millimetres():
    """Oracle: each pixel cut into 55 by 55 pieces, of which 3 mm hold a whole number, and block means."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    pieces = 55  # 3 mm are 3 / 220 * 256 * 55 = 192 pieces exactly.
    assert 3 / FIELD_MM * 256 * pieces == pytest.approx(192)
    start = (256 * pieces - 64 * 192) // 2
    along = np.repeat(np.eye(256), pieces, axis=1)[:, start : start + 64 * 192].reshape(256, 64, 192).mean(2)
    np.testing.assert_allclose(_shrunk(pixels), along.T @ pixels @ along, atol=1e-3)


# What is broken


def cut_short(share):
    def cut(folder):
        file = folder / f"{folder.name}_10.tif"
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])

    return cut


def rewritten(suffix, pixels):
    return lambda folder: Image.fromarray(pixels).save(folder / f"{folder.name}_{suffix}.tif")


def remove(suffix):
    return lambda folder: (folder / f"{folder.name}_{suffix}.tif").unlink()


def empty(folder):
    for file in folder.iterdir():
        file.unlink()


def misnamed(folder):
    (folder / f"{folder.name}_10.tif").rename(folder / "TCGA_CS_9999_20000101_10.tif")


def twice(folder):
    shutil.copy(folder / f"{folder.name}_10.tif", folder / f"{folder.name}_010.tif")


def garbage(folder):
    (folder / f"{folder.name}_10_mask.tif").write_bytes(b"this is no picture")


def tiny_tumour(folder):
    for number in (10, 11):
        outline = np.zeros((256, 256), np.uint8)
        outline[128, 128] = 255
        Image.fromarray(outline).save(folder / f"{folder.name}_{number}_mask.tif")


BROKEN = {
    "cut in half": (cut_short(0.5), "10.tif cannot be read"),
    "cut to its header": (cut_short(0.02), "10.tif cannot be read"),
    "empty file": (cut_short(0), "10.tif cannot be read"),
    "garbage": (garbage, "10_mask.tif cannot be read"),
    "one channel": (rewritten("10", np.zeros((256, 256), np.uint8)), r"shape \(256, 256\), not"),
    "another size": (rewritten("10_mask", np.zeros((128, 128), np.uint8)), r"shape \(128, 128\), not"),
    "sixteen bits": (rewritten("10_mask", np.zeros((256, 256), np.uint16)), "uint16"),
    "outline in grey": (rewritten("10_mask", np.full((256, 256), 7, np.uint8)), "other than 0 and 255"),
    "no outline": (remove("10_mask"), "slice 10 has no outline"),
    "no image": (remove("10"), "slice 10 has an outline but no image"),
    "no slices": (empty, "holds no slices"),
    "another patient's slice": (misnamed, "is not named like a slice of this patient"),
    "a slice twice": (twice, "is a second slice 10"),
    "a tumour too small": (tiny_tumour, "too small to be left at 3 mm"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scan_is_named_and_left_out_and_the_others_are_loaded(made, name):
    spoil, reason = BROKEN[name]
    whole = load_lgg(made)
    spoil(made / WHOLE[0])
    hospitals = load_lgg(made)
    assert [(left.hospital, left.patient_id) for left in hospitals.left_out] == [("CS", "TCGA_CS_0001")]
    assert re.search(reason, hospitals.left_out[0].reason)
    assert str(made) not in hospitals.left_out[0].reason, (
        "a reason goes into reports, and a path is of one machine"
    )
    assert [p.patient_id for p in hospitals["CS"]] == ["TCGA_CS_0002"]
    assert np.array_equal(hospitals["DU"][0].slices, whole["DU"][0].slices)


def test_no_truncation_changes_a_scan_unnoticed(made):
    """Wherever the file ends, it is either named or gives the very same pixels."""
    file = made / WHOLE[2] / f"{WHOLE[2]}_10.tif"
    content, whole = file.read_bytes(), load_lgg(made)["DU"][0]
    noticed = 0
    for length in np.linspace(0, len(content) - 1, 40).astype(int):
        file.write_bytes(content[:length])
        hospitals = load_lgg(made)
        if hospitals.left_out:
            assert hospitals.left_out[0].patient_id == "TCGA_DU_0003" and "DU" not in hospitals
            noticed += 1
        else:
            assert np.array_equal(hospitals["DU"][0].slices, whole.slices)
    assert noticed > 30


def test_a_patient_whose_only_tumour_slice_is_broken_does_not_become_healthy(made):
    remove("11")(made / WHOLE[0])
    remove("11_mask")(made / WHOLE[0])
    cut_short(0.5)(made / WHOLE[0])
    assert [p.patient_id for p in load_lgg(made)["CS"]] == ["TCGA_CS_0002"]


def test_a_second_scan_of_a_patient_is_left_out_because_a_promise_is_made_to_patients(made):
    again = made / "TCGA_CS_0002_20010101"
    shutil.copytree(made / WHOLE[1], again)
    for file in list(again.iterdir()):
        file.rename(again / file.name.replace("20000101", "20010101"))
    hospitals = load_lgg(made)
    assert hospitals.num_patients == 3
    assert [left.patient_id for left in hospitals.left_out] == ["TCGA_CS_0002"]
    assert "second scan of a patient" in hospitals.left_out[0].reason


def test_a_folder_that_is_no_patient_is_named(made):
    (made / "TCGA-CS-0009").mkdir()
    assert load_lgg(made).left_out == (
        LeftOut("unknown", "TCGA-CS-0009", "the folder is not named like TCGA_CS_4941_19960909"),
    )


def test_everything_that_was_found_is_either_loaded_or_named(made):
    cut_short(0.5)(made / WHOLE[0])
    remove("10")(made / WHOLE[1])
    (made / "stray").mkdir()
    hospitals = load_lgg(made)
    assert hospitals.num_patients + len(hospitals.left_out) == 4


@pytest.mark.parametrize(
    ("arguments", "message"), [({"channel": "t2"}, "must be one of"), ({}, "holds no folder of a patient")]
)
def test_a_folder_without_scans_or_an_unknown_channel_is_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_lgg(tmp_path, **arguments)


# Matched heights


def tall_patient(name, rng):
    """Forty slices, as bright as they are high, so that heights survive matching; tumour sits rather high."""
    mask = np.zeros((40, 64, 64), bool)
    start = int(np.clip(rng.normal(24, 4), 0, 30))
    mask[start : start + 10, 30:34, 30:34] = True
    heights = np.linspace(0.0125, 0.9875, 40, dtype=np.float32)
    return Patient(name, "h", np.ones((40, 64, 64), np.float32) * heights[:, None, None], mask)


def test_matched_slices_cannot_be_told_by_their_height():
    rng = np.random.default_rng(0)
    patients = tuple(tall_patient(f"p{number}", rng) for number in range(30))

    def auroc(group):
        heights = np.concatenate([p.slices[:, 0, 0] for p in group])
        labels = np.concatenate([p.slice_labels for p in group])
        return mannwhitneyu(heights[labels], heights[~labels]).statistic / (labels.sum() * (~labels).sum())

    before = auroc(patients)
    matched = match_heights(Hospitals({"h": patients}, source="made up."), seed=0)
    labels = np.concatenate([p.slice_labels for p in matched["h"]])
    np.testing.assert_allclose(slice_heights(patients[0]), patients[0].slices[:, 0, 0], atol=1e-6)
    assert before > 0.7
    assert abs(auroc(matched["h"]) - 0.5) < 0.03
    assert labels.sum() * 2 == len(labels) and labels.sum() > 100
    assert matched.num_patients + len(matched.left_out) == 30


def test_a_hospital_whose_slices_all_show_tumour_has_no_pairs_and_says_so():
    patient = Patient("p", "h", np.ones((3, 64, 64), np.float32), np.ones((3, 64, 64), bool))
    matched = match_heights(Hospitals({"h": (patient,), "empty": ()}, source="made up."), seed=0)
    assert matched["h"] == matched["empty"] == ()
    assert matched.left_out == (LeftOut("h", "p", "no slice has a partner at the same height"),)


def test_matching_refuses_a_tolerance_that_is_no_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        match_heights(Hospitals({}, source="made up."), seed=0, within=2)


# Real scans


@pytest.fixture(scope="module")
def real_folder():
    folder = os.environ.get("COURSE_LGG_DIR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("COURSE_LGG_DIR names no folder with scans of the LGG segmentation set")
    return Path(folder)


@pytest.fixture(scope="module")
def real(real_folder):
    return load_lgg(real_folder)


def test_every_real_folder_is_loaded_or_named(real, real_folder):
    folders = [path for path in real_folder.rglob("TCGA_*") if path.is_dir()]
    assert real.num_patients + len(real.left_out) == len(folders) > 0
    assert set(real) <= {"CS", "DU", "EZ", "FG", "HT"}
    assert all(
        patient.patient_id.split("_")[1] == name for name, patients in real.items() for patient in patients
    )


def test_real_labels_are_those_of_the_full_outlines(real, real_folder):
    """Oracle: is any pixel of the outline white at full resolution?"""
    agree = total = 0
    for patients in real.values():
        for patient in patients:
            (folder,) = real_folder.rglob(f"{patient.patient_id}_????????")
            masks = sorted(folder.glob("*_mask.tif"), key=lambda file: int(file.stem.split("_")[-2]))
            labels = [bool(np.asarray(Image.open(mask)).any()) for mask in masks]
            agree += int((patient.slice_labels == labels).sum())
            total += len(labels)
            assert patient.num_slices == len(labels)
    assert agree / total > 0.97  # A sliver of a tumour may be gone at 3 mm.


def test_real_tumours_are_brighter_on_flair_than_the_rest_of_the_slice(real):
    brighter = [
        np.median(image[mask]) > np.median(image[(image > 20) & ~mask])
        for patients in real.values()
        for patient in patients
        for image, mask in zip(patient.slices, patient.tumour_mask, strict=True)
        if mask.any()
    ]
    assert len(brighter) >= 20 and np.mean(brighter) > 0.85


def test_real_heads_fill_the_picture_and_are_not_cut_off(real):
    for patients in real.values():
        for patient in patients:
            head = (patient.slices > 25).any(axis=0)
            assert 25 <= head.any(axis=0).sum() <= 64 and 40 <= head.any(axis=1).sum() <= 64
