"""Scans in folders hospital/patient/: they come back as they were, the right way round, or are named."""

import gzip
import json
import math
import re

import nibabel
import numpy as np
import pytest

from course.hospital import Hospitals, Patient, read_nifti, simulate_hospitals, write_nifti

TWO = {"coast": 2, "clinic": 3}


@pytest.fixture(scope="module")
def simulated():
    return simulate_hospitals(seed=0, patients=TWO)


@pytest.fixture
def disk(simulated, tmp_path):
    """The folder of the simulated patients."""
    write_nifti(simulated, tmp_path / "disk")
    return tmp_path / "disk"


def test_what_is_written_comes_back_exactly(simulated, disk):
    back = read_nifti(disk)
    assert dict(sorted((name, len(patients)) for name, patients in simulated.items())) == {
        name: len(patients) for name, patients in back.items()
    }
    assert back.left_out == () and list(back) == sorted(TWO)
    for name, patients in simulated.items():
        for left, right in zip(patients, back[name], strict=True):
            assert np.array_equal(left.slices, right.slices)
            assert np.array_equal(left.tumour_mask, right.tumour_mask)
            assert (left.patient_id, left.hospital, left.spacing) == (right.patient_id, name, right.spacing)
            assert dict(left.traits) == dict(right.traits)


def test_a_file_says_where_right_front_and_up_are(tmp_path):
    """Oracle: nibabel's affine puts the marked voxel into the right, front, upper part of the head."""
    slices = np.zeros((3, 64, 64), np.float32)
    slices[2, 5, 10] = 1  # Top slice, near the front, on the left of the picture: the patient's right.
    patient = Patient("p", "h", slices, np.zeros((3, 64, 64), bool), spacing=(5.0, 3.0, 3.0))
    write_nifti(Hospitals({"h": (patient,)}, source="made up."), tmp_path)
    image = nibabel.load(tmp_path / "h" / "p" / "scan.nii.gz")
    voxel = np.argwhere(np.asarray(image.dataobj) == 1)[0]
    right, front, up = nibabel.affines.apply_affine(image.affine, voxel)
    assert (right, front, up) == (3 * (31.5 - 10), 3 * (31.5 - 5), 10.0)
    assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")


@pytest.mark.parametrize("axes", ["RAS", "LAS", "ASR", "PIR"])
def test_a_file_with_its_axes_another_way_round_gives_the_same_patient(simulated, disk, axes):
    for stem in ("scan", "outline"):
        file = disk / "clinic" / "clinic-0001" / f"{stem}.nii.gz"
        image = nibabel.load(file)
        turn = nibabel.orientations.ornt_transform(
            nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(axes)
        )
        turned = image.as_reoriented(turn)
        nibabel.save(nibabel.Nifti1Image(np.asarray(turned.dataobj).copy(), turned.affine), file)
    back = read_nifti(disk)["clinic"][1]
    assert np.array_equal(back.slices, simulated["clinic"][1].slices)
    assert np.array_equal(back.tumour_mask, simulated["clinic"][1].tumour_mask)


def smooth_volume(shape, *, step):
    """A wave along each axis, in millimetres from the middle."""
    x, y, z = (step * (np.arange(size) - (size - 1) / 2) for size in shape)
    return 2 + np.sin(x / 25)[:, None, None] + np.cos(y / 30)[:, None] + 0.3 * np.sin(z / 40)


def write_volume(place, volume, outline, *, step):
    place.mkdir(parents=True, exist_ok=True)
    affine = np.diag([step, step, step, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume.astype(np.float32), affine), place / "scan.nii.gz")
    nibabel.save(nibabel.Nifti1Image(outline.astype(np.uint8), affine), place / "outline.nii.gz")


def test_a_fine_volume_is_resampled_to_three_millimetres_and_the_slices_asked_for(tmp_path):
    """Oracle: the formula of the wave at the places of our pixels."""
    shape = (200, 200, 64)
    outline = np.zeros(shape)
    outline[80:120, 90:110, 20:44] = 1
    write_volume(tmp_path / "h" / "p", smooth_volume(shape, step=1.0), outline, step=1.0)
    patient = read_nifti(tmp_path, slice_mm=8.0)["h"][0]
    assert patient.slices.shape == (8, 64, 64) and patient.spacing == (8.0, 3.0, 3.0)
    from_middle = 3.0 * (np.arange(64) - 31.5)
    heights = 8.0 * (np.arange(8) - 3.5)
    expected = (
        2
        + np.sin(-from_middle / 25)  # Our columns run towards the left.
        + np.cos(-from_middle / 30)[:, None]
        + 0.3 * np.sin(heights / 40)[:, None, None]
    )
    inside = slice(4, 60)
    np.testing.assert_allclose(patient.slices[:, inside, inside], expected[:, inside, inside], atol=0.03)
    area = patient.tumour_mask.sum(axis=(1, 2)) * 9.0
    assert area[4] == pytest.approx(40 * 20, rel=0.15)
    # The outline reaches from 12 mm below the middle to 12 mm above; slices lie at 4, 12, 20 mm and so on.
    assert patient.slice_labels[3:5].all() and not patient.slice_labels[[0, 1, 6, 7]].any()


def test_the_file_s_own_slices_are_kept_unless_others_are_asked_for(tmp_path):
    shape = (100, 100, 10)
    write_volume(tmp_path / "h" / "p", smooth_volume(shape, step=2.0), np.zeros(shape), step=2.0)
    patient = read_nifti(tmp_path)["h"][0]
    assert patient.slices.shape == (10, 64, 64) and patient.spacing == (2.0, 3.0, 3.0)


def test_an_unknown_distance_between_slices_stays_unknown(tmp_path):
    patient = Patient(
        "p", "h", np.ones((2, 64, 64), np.float32), np.zeros((2, 64, 64), bool), (math.nan, 3.0, 3.0)
    )
    write_nifti(Hospitals({"h": (patient,)}, source="made up."), tmp_path)
    assert math.isnan(read_nifti(tmp_path)["h"][0].spacing[0])


def test_a_node_opens_its_own_hospital_and_no_other(disk):
    (disk / "coast" / "coast-0000" / "scan.nii.gz").write_bytes(b"nobody may read this")
    clinic = read_nifti(disk, hospitals=["clinic"])
    assert list(clinic) == ["clinic"] and len(clinic["clinic"]) == 3 and clinic.left_out == ()
    assert len(read_nifti(disk).left_out) == 1


# What is broken


def scan_of(place):
    return place / "scan.nii.gz"


def changed(stem, change):
    """Read one image, change its array or affine, and write it back."""

    def spoil(place):
        file = place / f"{stem}.nii.gz"
        image = nibabel.load(file)
        array, affine = change(np.asarray(image.dataobj).copy(), image.affine.copy())
        nibabel.save(nibabel.Nifti1Image(array, affine), file)

    return spoil


def with_nan(array, affine):
    array[3, 3, 3] = np.nan
    return array, affine


def shifted(array, affine):
    affine[0, 3] += 9
    return array, affine


def with_a_two(array, affine):
    array[3, 3, 3] = 2
    return array, affine


def speck(array, affine):
    fine = np.zeros((600, 600, 8), np.uint8)
    fine[300, 300, 4] = 1
    return fine, np.diag([0.3, 0.3, 8.0, 1.0])


def tiny_tumour(place):
    changed("outline", speck)(place)
    changed(
        "scan", lambda array, affine: (np.ones((600, 600, 8), np.float32), np.diag([0.3, 0.3, 8.0, 1.0]))
    )(place)


def cut_short(place):
    content = scan_of(place).read_bytes()
    scan_of(place).write_bytes(content[: len(content) // 2])


def cut_inside(place):
    """A complete gzip file of half an image."""
    content = gzip.decompress(scan_of(place).read_bytes())
    scan_of(place).write_bytes(gzip.compress(content[: len(content) // 2]))


def both_kinds(place):
    (place / "scan.nii").write_bytes(gzip.decompress(scan_of(place).read_bytes()))


def enormous(place):
    """A header that promises 27 billion voxels, and nothing behind it."""
    header = nibabel.Nifti1Header()
    header.set_data_shape((3000, 3000, 3000))
    scan_of(place).write_bytes(gzip.compress(header.binaryblock + bytes(8)))


BROKEN = {
    "no outline": (
        lambda place: (place / "outline.nii.gz").unlink(),
        "one outline.nii.gz or outline.nii, and there are 0",
    ),
    "no scan": (lambda place: scan_of(place).unlink(), "there are 0"),
    "two scans": (both_kinds, "there are 2"),
    "cut in half": (cut_short, "scan.nii.gz cannot be read"),
    "half an image": (cut_inside, "scan.nii.gz cannot be read"),
    "empty file": (lambda place: scan_of(place).write_bytes(b""), "scan.nii.gz cannot be read"),
    "garbage": (lambda place: scan_of(place).write_bytes(b"x" * 999), "scan.nii.gz cannot be read"),
    "enormous": (enormous, "not three dimensions of a usual size"),
    "four dimensions": (
        changed("scan", lambda array, affine: (array[..., None], affine)),
        "not three dimensions",
    ),
    "not finite": (changed("scan", with_nan), "not finite"),
    "another shape": (
        changed("outline", lambda array, affine: (array[:32], affine)),
        "not lie on the same grid",
    ),
    "another place": (changed("outline", shifted), "not lie on the same grid"),
    "an outline of twos": (changed("outline", with_a_two), "other than 0 and 1"),
    "a tumour too small": (tiny_tumour, "too small to be left at 3 mm"),
    "broken traits": (
        lambda place: (place / "traits.json").write_text("{", encoding="utf-8"),
        "traits.json cannot",
    ),
    "traits in traits": (
        lambda place: (place / "traits.json").write_text('{"age": [1]}', encoding="utf-8"),
        "names with texts or numbers",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scan_is_named_and_left_out_and_the_others_are_read(disk, name):
    spoil, reason = BROKEN[name]
    spoil(disk / "clinic" / "clinic-0001")
    back = read_nifti(disk)
    assert [(left.hospital, left.patient_id) for left in back.left_out] == [("clinic", "clinic-0001")]
    assert re.search(reason, back.left_out[0].reason)
    assert str(disk) not in back.left_out[0].reason
    assert [patient.patient_id for patient in back["clinic"]] == ["clinic-0000", "clinic-0002"]
    assert len(back["coast"]) == 2


def test_no_truncation_changes_a_scan_unnoticed(simulated, disk):
    file, whole = scan_of(disk / "clinic" / "clinic-0001"), simulated["clinic"][1]
    content, noticed = file.read_bytes(), 0
    for length in np.linspace(0, len(content) - 1, 25).astype(int):
        file.write_bytes(content[:length])
        back = read_nifti(disk, hospitals=["clinic"])
        noticed += len(back.left_out)
        assert back.left_out or np.array_equal(back["clinic"][1].slices, whole.slices)
    assert noticed >= 20


def test_a_patient_without_traits_is_read(disk):
    (disk / "clinic" / "clinic-0000" / "traits.json").unlink()
    assert dict(read_nifti(disk)["clinic"][0].traits) == {}


def test_stray_files_beside_the_patients_are_no_patients(disk):
    (disk / "clinic" / "notes.txt").write_text("not a scan", encoding="utf-8")
    (disk / "readme.json").write_text(json.dumps({}), encoding="utf-8")
    assert len(read_nifti(disk)["clinic"]) == 3


def test_writing_refuses_a_folder_in_which_somebody_else_s_patients_may_lie(simulated, disk):
    with pytest.raises(ValueError, match="is not empty"):
        write_nifti(simulated, disk)


@pytest.mark.parametrize("name", ["../p", "", "a/b", ".hidden", "p\0"])
def test_writing_refuses_a_name_that_leads_out_of_the_folder(tmp_path, name):
    patient = Patient(name, "h", np.ones((1, 64, 64), np.float32), np.zeros((1, 64, 64), bool))
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        write_nifti(Hospitals({"h": (patient,)}, source="made up."), tmp_path)
    assert not list(tmp_path.rglob("*.nii.gz"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hospitals": ["nowhere"]}, "no folder for"),
        ({"hospitals": []}, "no folder for any hospital"),
        ({"slice_mm": 0.0}, "must be positive"),
    ],
)
def test_what_cannot_be_read_is_refused(disk, arguments, message):
    with pytest.raises(ValueError, match=message):
        read_nifti(disk, **arguments)


def test_a_hospital_cannot_reach_into_another_by_its_name(disk):
    with pytest.raises(ValueError, match="no folder for"):
        read_nifti(disk / "coast", hospitals=["../clinic"])
