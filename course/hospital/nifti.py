"""Scans as NIfTI files in folders `hospital/patient/`: what a hospital's node reads from its own disk.

A patient's folder holds `scan.nii.gz` and `outline.nii.gz` (or `.nii`) on the same grid, and may hold
`traits.json`.
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from nibabel.affines import apply_affine
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from nibabel.processing import resample_from_to, smooth_image

from course.hospital.patients import PIXEL_MM, PIXELS, Hospitals, LeftOut, Patient, Unusable

SOURCE = "NIfTI files in folders hospital/patient, resampled to 64 by 64 pixels of 3 mm where they were not."
_ORIENTATION = "LPS"
"""Our axes, in nibabel's letters: columns towards the patient's left, rows to the back, slices upwards."""
_UNKNOWN = b"distance between slices unknown"
_MOST_VOXELS = 512**3
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _as_nifti(array: np.ndarray, *, spacing: tuple[float, float, float]) -> nibabel.Nifti1Image:
    """Shape (slices, rows, columns) → an image whose affine says where right, front and up are."""
    slice_mm, row_mm, column_mm = spacing
    known = 1.0 if math.isnan(slice_mm) else slice_mm
    affine = np.diag([-column_mm, -row_mm, known, 1.0])
    affine[:3, 3] = [column_mm * (PIXELS - 1) / 2, row_mm * (PIXELS - 1) / 2, 0.0]
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = _UNKNOWN if math.isnan(slice_mm) else b""
    return image


def write_nifti(hospitals: Hospitals, folder: str | Path) -> None:
    """Write each patient to `folder/hospital/patient/`; `read_nifti` gives the same patients back.

    Args:
        hospitals: from any road.
        folder: made if it is not there.

    Raises:
        ValueError: if a name is not fit for a folder, or a hospital's folder already holds something: a
            patient left there from another run would be trained on without having been asked for.
    """
    for hospital, patients in hospitals.items():
        home = Path(folder) / hospital
        for name in (hospital, *(patient.patient_id for patient in patients)):
            if not _SAFE_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} cannot be the name of a folder: letters, digits, '_', '.', '-' only"
                )
        if home.exists() and any(home.iterdir()):
            raise ValueError(f"the folder of hospital {hospital!r} is not empty")
        for patient in patients:
            place = home / patient.patient_id
            place.mkdir(parents=True)
            nibabel.save(_as_nifti(patient.slices, spacing=patient.spacing), place / "scan.nii.gz")
            outline = patient.tumour_mask.astype(np.uint8)
            nibabel.save(_as_nifti(outline, spacing=patient.spacing), place / "outline.nii.gz")
            (place / "traits.json").write_text(json.dumps(dict(patient.traits)) + "\n", encoding="utf-8")


def _open(place: Path, stem: str) -> nibabel.Nifti1Image:
    """A three-dimensional image in our orientation; anything else is `Unusable`."""
    files = [
        place / f"{stem}{ending}" for ending in (".nii.gz", ".nii") if (place / f"{stem}{ending}").exists()
    ]
    if len(files) != 1:
        raise Unusable(f"there must be one {stem}.nii.gz or {stem}.nii, and there are {len(files)}")
    try:
        image = nibabel.Nifti1Image.from_filename(files[0])
        if len(image.shape) != 3 or not 0 < math.prod(image.shape) <= _MOST_VOXELS:
            raise Unusable(f"{files[0].name} has shape {image.shape}, not three dimensions of a usual size")
        values = image.get_fdata(dtype=np.float32)
        image = nibabel.Nifti1Image(values, image.affine, image.header)
        turn = ornt_transform(io_orientation(image.affine), axcodes2ornt(_ORIENTATION))
        image = image.as_reoriented(turn)
    except Unusable:
        raise
    except Exception as error:  # A broken file can make the decoder fail in any way; whichever, it is named.
        raise Unusable(f"{files[0].name} cannot be read ({type(error).__name__})") from error
    if not np.isfinite(values).all():
        raise Unusable(f"{files[0].name} holds values that are not finite")
    return image


def _on_our_grid(image: nibabel.Nifti1Image, *, slice_mm: float | None) -> nibabel.Nifti1Image:
    """64×64 pixels of 3 mm round the middle of the image, smoothed first where that makes pixels larger."""
    step = np.asarray(image.header.get_zooms(), dtype=float)
    wanted = np.array([PIXEL_MM, PIXEL_MM, slice_mm or step[2]])
    if np.allclose(step, wanted) and image.shape[:2] == (PIXELS, PIXELS):
        return image
    shape = np.array([PIXELS, PIXELS, max(1, round(image.shape[2] * step[2] / wanted[2]))])
    affine = np.array(image.affine)
    middle = apply_affine(affine, (np.array(image.shape) - 1) / 2)
    affine[:3, :3] *= wanted / step
    affine[:3, 3] = middle - affine[:3, :3] @ ((shape - 1) / 2)
    blur = np.sqrt(np.clip(wanted**2 - step**2, 0, None)) * (1, 1, 0)
    smooth = smooth_image(image, blur, mode="constant")
    return resample_from_to(smooth, (tuple(shape), affine), order=1)


def _read_traits(place: Path) -> dict[str, str | float]:
    file = place / "traits.json"
    if not file.exists():
        return {}
    try:
        traits = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable(f"traits.json cannot be read ({type(error).__name__})") from error
    if not isinstance(traits, dict) or not all(
        isinstance(value, str | int | float) for value in traits.values()
    ):
        raise Unusable("traits.json must hold names with texts or numbers")
    return traits


def _read_patient(place: Path, *, slice_mm: float | None) -> Patient:
    scan, outline = _open(place, "scan"), _open(place, "outline")
    if scan.shape != outline.shape or not np.allclose(scan.affine, outline.affine, atol=0.01):
        raise Unusable(f"scan and outline do not lie on the same grid: {scan.shape} and {outline.shape}")
    if not np.isin(outline.dataobj, (0, 1)).all():
        raise Unusable("the outline holds values other than 0 and 1")
    had_tumour = bool(np.any(outline.dataobj))
    unknown = bytes(scan.header["descrip"]).startswith(_UNKNOWN)
    scan, outline = (_on_our_grid(image, slice_mm=slice_mm) for image in (scan, outline))
    slices, mask = (np.ascontiguousarray(image.get_fdata(dtype=np.float32).T) for image in (scan, outline))
    if had_tumour and not (mask >= 0.5).any():
        raise Unusable("the tumour is too small to be left at 3 mm, or lies outside of what is kept")
    step = math.nan if unknown else float(scan.header.get_zooms()[2])
    return Patient(
        patient_id=place.name,
        hospital=place.parent.name,
        slices=slices,
        tumour_mask=mask >= 0.5,
        spacing=(step, PIXEL_MM, PIXEL_MM),
        traits=_read_traits(place),
    )


def read_nifti(
    folder: str | Path, *, hospitals: Sequence[str] | None = None, slice_mm: float | None = None
) -> Hospitals:
    """Read the patients of the folders `folder/hospital/patient/`.

    Args:
        folder: one folder a hospital.
        hospitals: whose folders to read; a node names its own, and nothing else is opened. All unless given.
        slice_mm: millimetres between the slices to take; the file's own unless given.

    Returns:
        Hospital → patients, in alphabetical order (or as asked for). A pixel is tumour if half of it is. A
        patient whose scan or outline is missing, broken, not finite or on another grid is in `left_out`.

    Raises:
        ValueError: if there is no such folder, or `slice_mm` is not positive.

    Limits: the axes of the file are taken as they are, up to order and direction: oblique scans stay oblique.
    """
    root = Path(folder)
    if slice_mm is not None and not 0 < slice_mm < math.inf:
        raise ValueError(f"slice_mm must be positive, not {slice_mm}")
    found = sorted(path.name for path in root.glob("*") if path.is_dir())
    names = found if hospitals is None else list(hospitals)
    missing = [name for name in names if name not in found]
    if missing or not names:
        raise ValueError(f"{root.name!r} has no folder for {missing or 'any hospital'}")
    by_hospital, left_out = {}, []
    for name in names:
        patients = []
        for place in sorted(path for path in (root / name).iterdir() if path.is_dir()):
            try:
                patients.append(_read_patient(place, slice_mm=slice_mm))
            except Unusable as error:
                left_out.append(LeftOut(name, place.name, str(error)))
        by_hospital[name] = tuple(patients)
    return Hospitals(by_hospital, source=SOURCE, left_out=tuple(left_out))
