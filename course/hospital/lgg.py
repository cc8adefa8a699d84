"""Real scans: the LGG segmentation set as it is downloaded, behind the same record as the simulated patients.

How to get it. The set is on Kaggle as `mateuszbuda/lgg-mri-segmentation` (an account is needed) and unpacks
to a folder `kaggle_3m`; the images come from the collection TCGA-LGG of The Cancer Imaging Archive. Its terms
are not clear to us: we treat it as non-commercial and share-alike, and the course does not ship it. Then:

    from course.hospital import load_lgg
    hospitals = load_lgg("where/you/unpacked/kaggle_3m")
    print(hospitals.num_patients, hospitals.left_out)

What to expect. 110 patients with a lower-grade glioma and 3,929 slices, from five hospitals: CS 16 patients,
DU 45, EZ 1, FG 14, HT 34 (the site code in the folder's name). *Every* patient has a tumour, so nothing can
be learned about patients without one: judge slices, not patients. The height of a slice alone tells tumour
from no tumour with an AUC of 0.80, so compare slices at matched heights (`match_heights`) or outline the
tumour; the authors' own network outlines it with a mean Dice of 83.6 % at full resolution, in 22-fold
cross-validation. Unlike in the simulated images, skull and face are there, and tumours are bright on FLAIR.
"""

import csv
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from course.federated.rounds import BAR
from course.hospital.patients import PIXEL_MM, PIXELS, Hospitals, LeftOut, Patient, Unusable

CHANNELS = {"pre": 0, "flair": 1, "post": 2}
"""Sequence → its channel in a file: T1 before a contrast agent, FLAIR, T1 after it."""
FIELD_MM = 220.0
"""Width that an image of 256 pixels is taken to have. The files do not say; heads then have a usual size."""
SOURCE = (
    "Real: the LGG segmentation set (Buda, Saha and Mazurowski 2019; scans of TCGA-LGG from The Cancer "
    "Imaging Archive), resampled to 64 by 64 pixels of 3 mm, taking an image to be 220 mm wide."
)
_SIDE = 256
_FOLDER = re.compile(r"(TCGA_([A-Z0-9]{2})_[A-Z0-9]{4})_\d{8}")
_SLICE = re.compile(r"_(\d{1,4})(_mask)?\.tif")


def _read(file: Path, *, shape: tuple[int, ...]) -> np.ndarray:
    """The pixels of a TIFF of this shape; anything else is `Unusable`."""
    try:
        with Image.open(file) as image:
            pixels = np.array(image)
    except Exception as error:  # A broken file can make the decoder fail in any way; whichever, it is named.
        raise Unusable(f"{file.name} cannot be read ({type(error).__name__})") from error
    if pixels.shape != shape or pixels.dtype != np.uint8:
        raise Unusable(f"{file.name} is {pixels.dtype} of shape {pixels.shape}, not uint8 of {shape}")
    return pixels


@lru_cache(maxsize=1)
def _overlaps() -> np.ndarray:
    """The share of each of our pixels that an image's pixel covers on one axis: (64, 256), rows sum to 1."""
    width = PIXEL_MM * _SIDE / FIELD_MM
    start = _SIDE / 2 + width * (np.arange(PIXELS)[:, None] - PIXELS / 2)
    pixel = np.arange(_SIDE)
    return np.clip(np.minimum(start + width, pixel + 1) - np.maximum(start, pixel), 0, None) / width


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """Average the middle of an image over areas of 3 mm: shape (256, 256) → (64, 64), float32."""
    return (_overlaps() @ pixels @ _overlaps().T).astype(np.float32)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Images and their outlines, from the feet up; `Unusable` if one is without the other."""
    found: dict[bool, dict[int, Path]] = {False: {}, True: {}}
    for file in sorted(folder.glob("*.tif")):
        match = _SLICE.fullmatch(file.name.removeprefix(folder.name))
        if match is None:
            raise Unusable(f"{file.name} is not named like a slice of this patient")
        number, is_outline = int(match[1]), match[2] is not None
        if number in found[is_outline]:
            raise Unusable(f"{file.name} is a second slice {number}")
        found[is_outline][number] = file
    images, outlines = found[False], found[True]
    for number in sorted(images.keys() ^ outlines.keys()):
        raise Unusable(
            f"slice {number} has {'no outline' if number in images else 'an outline but no image'}"
        )
    if not images:
        raise Unusable("the folder holds no slices")
    return [(images[number], outlines[number]) for number in sorted(images)]


def _load_patient(folder: Path, *, channel: str, traits: Mapping[str, str | float]) -> Patient:
    patient_id, hospital = _FOLDER.fullmatch(folder.name).groups()
    slices, outlines = [], []
    for image_file, outline_file in _pairs(folder):
        slices.append(_shrunk(_read(image_file, shape=(_SIDE, _SIDE, 3))[..., CHANNELS[channel]]))
        outline = _read(outline_file, shape=(_SIDE, _SIDE))
        if not np.isin(outline, (0, 255)).all():
            raise Unusable(f"{outline_file.name} holds values other than 0 and 255")
        outlines.append(outline)
    masks = np.stack([_shrunk(outline) >= 127.5 for outline in outlines])
    if np.any(outlines) and not masks.any():
        raise Unusable("the tumour is too small to be left at 3 mm, or lies outside of what is kept")
    return Patient(
        patient_id=patient_id,
        hospital=hospital,
        slices=np.stack(slices),
        tumour_mask=masks,
        spacing=(np.nan, PIXEL_MM, PIXEL_MM),
        traits=traits,
    )


def _ages(folder: Path) -> dict[str, float]:
    """Patient → age at diagnosis, where the set's table has it."""
    table = folder / "data.csv"
    if not table.exists():
        return {}
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    column = "age_at_initial_pathologic"
    return {row["Patient"]: float(row[column]) for row in rows if re.fullmatch(r"\d+", row.get(column) or "")}


def load_lgg(folder: str | Path, *, channel: str = "flair", progress: str | None = None) -> Hospitals:
    """Read the LGG segmentation set as downloaded; the hospital is the site code in a patient's folder.

    A patient is loaded whole or not at all: with one slice missing, "no tumour seen" would no longer mean "no
    tumour". A second folder of a patient who is already loaded is left out as well, because a promise made to
    a patient must cover all of their scans.

    Args:
        folder: `kaggle_3m`, or a folder that holds it.
        channel: "flair" (all patients have it), "pre" or "post" (T1 before and after a contrast agent; where
            the set lacks one, its authors put FLAIR in its place).
        progress: what a bar says while it runs; none unless given.

    Returns:
        Hospital → patients, both in alphabetical order. Slices are 64×64 averages over 3 mm (if an image is
        220 mm wide: the files do not say), of the middle 192 mm, in grey levels from 0 to 255; a pixel is
        tumour if half of it is. The distance between slices is unknown, NaN. `left_out` names each folder
        that was not loaded, with its reason.

    Raises:
        ValueError: if the channel is unknown or the folder holds no patient's folder.

    Source: Buda, Saha and Mazurowski 2019, "Association of genomic subtypes of lower-grade gliomas with shape
        features automatically extracted by a deep learning algorithm", Computers in Biology and Medicine 109.
    """
    if channel not in CHANNELS:
        raise ValueError(f"the channel must be one of {list(CHANNELS)}, not {channel!r}")
    root = Path(folder)
    root = root / "kaggle_3m" if (root / "kaggle_3m").is_dir() else root
    folders = sorted(path for path in root.glob("*") if path.is_dir())
    if not any(path.name.startswith("TCGA_") for path in folders):
        raise ValueError(f"{Path(folder).name!r} holds no folder of a patient, such as TCGA_CS_4941_19960909")
    ages, loaded, left_out = _ages(root), {}, []
    for path in tqdm(folders, desc=progress, disable=progress is None, file=sys.stdout, leave=False, **BAR):
        match = _FOLDER.fullmatch(path.name)
        patient_id, hospital = match.groups() if match else (path.name, "unknown")
        try:
            if match is None:
                raise Unusable("the folder is not named like TCGA_CS_4941_19960909")
            if patient_id in loaded:
                raise Unusable(f"{path.name} is a second scan of a patient who is already loaded")
            traits = {"age": ages[patient_id]} if patient_id in ages else {}
            loaded[patient_id] = _load_patient(path, channel=channel, traits=traits | {"tumour": "glioma"})
        except Unusable as error:
            left_out.append(LeftOut(hospital, patient_id, str(error)))
    names = sorted({patient.hospital for patient in loaded.values()})
    by_hospital = {name: tuple(p for p in loaded.values() if p.hospital == name) for name in names}
    return Hospitals(by_hospital, source=SOURCE, left_out=tuple(left_out))
