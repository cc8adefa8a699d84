"""A folder of each hospital's own, with everything that its node reads: scans, keys, journal, privacy budget.

    FOLDER/hospitals.json, roster.json      public: names, numbers of patients, public keys, threshold
    FOLDER/hospitals/NAME/                  of this hospital alone
        hospital.json, roster.json          who it is, the agreed noise, and the public list
        signing.key                         its private key
        privacy_budget.json                 its accountant's history
        journal/                            which stages of which secure sums it has answered
        scans/NAME/PATIENT/scan.nii.gz …    its patients

Here all folders lie side by side on one machine; in real life each is on a machine of its own, and its owner
makes its keys.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course.federated.enrolment import ROSTER, Membership, read_signing_key, read_terms, write_enrolment
from course.hospital.admission import Enrolled
from course.hospital.budget import PrivacyBudget
from course.hospital.feature_bank import DIMENSIONS
from course.hospital.nifti import read_nifti, write_nifti
from course.hospital.patients import Hospitals
from course.hospital.study import DELTA

PUBLIC, ABOUT, KEY, BUDGET, JOURNAL, SCANS = (
    "hospitals.json", "hospital.json", "signing.key", "privacy_budget.json", "journal", "scans"
)  # fmt: skip


def prepare_folders(
    folder: Path | str,
    hospitals: Hospitals,
    *,
    epsilon_limit: float,
    noise_multiplier: float,
    threshold: int | None = None,
) -> None:
    """Make the folders of a study, once: scans as NIfTI files, keys, and empty privacy budgets.

    Args:
        folder: exists, and has no `hospitals` yet.
        hospitals: at least two; their order gives the client ids, from 0.
        epsilon_limit: of each hospital's budget, over all runs.
        noise_multiplier: of each secure sum, on which all hospitals agree.
        threshold: hospitals that must stay to the end of a secure sum; all but one unless given.

    Raises:
        ValueError: if there are fewer than two hospitals, or the threshold is not more than half of them.
        FileExistsError: if the folder has been prepared: budgets are not for anybody to forget.
    """
    folder, names = Path(folder), list(hospitals)
    threshold = max(2, len(names) - 1) if threshold is None else threshold
    if len(names) < 2 or not len(names) < 2 * threshold <= 2 * len(names):
        raise ValueError(
            f"got {len(names)} hospitals, threshold {threshold}; it needs two hospitals, and more than half"
        )
    (folder / "hospitals").mkdir()
    write_enrolment(folder, range(len(names)), threshold=threshold)
    public = {}
    for client_id, name in enumerate(names):
        home = home_of(folder, name)
        home.mkdir(mode=0o700)
        write_nifti(Hospitals({name: hospitals[name]}, source=hospitals.source), home / SCANS)
        shutil.move(folder / f"client-{client_id}.signing", home / KEY)
        shutil.copy(folder / ROSTER, home / ROSTER)
        _write(home / ABOUT, {"client_id": client_id, "name": name, "noise_multiplier": noise_multiplier})
        PrivacyBudget.create(home / BUDGET, hospital=name, epsilon=epsilon_limit, delta=DELTA)
        public[client_id] = {"name": name, "num_patients": len(hospitals[name])}
    _write(folder / PUBLIC, public)


def home_of(folder: Path | str, name: str) -> Path:
    """The folder of one hospital."""
    return Path(folder) / "hospitals" / name


def names_in(folder: Path | str) -> list[str]:
    """The hospitals of a prepared study, by client id."""
    public = json.loads((Path(folder) / PUBLIC).read_text(encoding="utf-8"))
    return [public[str(client_id)]["name"] for client_id in range(len(public))]


def read_roster(folder: Path | str) -> dict[int, Enrolled]:
    """Client id → what everybody may know of it: all that a server needs of the folder."""
    public = json.loads((Path(folder) / PUBLIC).read_text(encoding="utf-8"))
    keys = json.loads((Path(folder) / ROSTER).read_text(encoding="utf-8"))["keys"]
    return {
        int(client_id): Enrolled(each["name"], int(each["num_patients"]), bytes.fromhex(keys[client_id]))
        for client_id, each in public.items()
    }


@dataclass(frozen=True, eq=False)
class HospitalHere:
    """One hospital, as its own node finds it in its own folder.

    Attributes:
        name: of the hospital.
        home: its folder. No path outside of it is ever opened.
        member: its client id, its signing key, and the terms of the secure sums.
        agreed_noise: the noise multiplier of a secure sum, which no server can change.
    """

    name: str
    home: Path
    member: Membership = field(repr=False)
    agreed_noise: float

    @classmethod
    def at(cls, home: Path | str) -> "HospitalHere":
        """Raises ValueError if a file is not what it should be, FileNotFoundError if one is missing."""
        home = Path(home)
        about = json.loads((home / ABOUT).read_text(encoding="utf-8"))
        terms = read_terms(home / ROSTER, length=DIMENSIONS)
        client_id, key = int(about["client_id"]), read_signing_key(home / KEY)
        member = Membership(client_id, key, terms, home / JOURNAL)
        return cls(str(about["name"]), home, member, float(about["noise_multiplier"]))

    @property
    def budget(self) -> PrivacyBudget:
        """Its accountant, at the point where the last process left it."""
        return PrivacyBudget.open(self.home / BUDGET)

    def patients(self) -> Hospitals:
        """Its patients, from its own folder of scans, with what was left out."""
        return read_nifti(self.home / SCANS, hospitals=[self.name])


def total_of(updates: Mapping[int, np.ndarray]) -> np.ndarray:
    """The exact sum of integer updates, shape (DIMENSIONS,); zeros if there are none."""
    return sum(updates.values(), np.zeros(DIMENSIONS, dtype=np.int64))


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
