"""Make everything that `flwr run .` needs for the case study: `python -m course.hospital.stage FOLDER`.

FOLDER then has the hospitals' folders, the app (in `app`), and a Flower home whose default is a simulation
with a node a hospital. The command that is printed at the end starts it:

    cd FOLDER/app && FLWR_HOME=FOLDER/flower flwr run . --stream

Flower's simulation needs Ray (the course's extra `ray`), and leaves a SuperLink running; end it by its
process id. In a simulation all nodes are on one machine and may share a process; `course.hospital.deploy` has
a process a hospital, with keys and TLS.
"""

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path

from course.hospital.flower_settings import CLEAR, RUN_CONFIG, SECURE, stage_hospital_app
from course.hospital.hospital_folder import prepare_folders
from course.hospital.nifti import read_nifti
from course.hospital.patients import Hospitals
from course.hospital.simulation import PATIENTS, simulate_hospitals


def stage_simulation(
    folder: Path, hospitals: Hospitals, *, epsilon_limit: float = 8.0, **settings: object
) -> str:
    """Make the folders, the app and the Flower home; returns the command to run, for a shell.

    Args:
        folder: existing and empty.
        hospitals: whose patients.
        epsilon_limit: of each hospital's privacy budget.
        settings: of the run, as of `stage_hospital_app`.

    Raises:
        ValueError: if there is no such setting.
    """
    folder = folder.resolve()
    results = str(folder / "results.json")
    app = stage_hospital_app(folder / "app", folder=str(folder), results_file=results, **settings)
    noise = float(settings.get("noise_multiplier", RUN_CONFIG["noise-multiplier"]))
    prepare_folders(folder, hospitals, epsilon_limit=epsilon_limit, noise_multiplier=noise)
    home = folder / "flower"
    home.mkdir()
    (home / "config.toml").write_text(
        '[superlink]\ndefault = "simulation"\n\n[superlink.simulation]\naddress = ":local:"\n'
        f"options.num-supernodes = {len(hospitals)}\n",
        encoding="utf-8",
    )
    return f"cd {shlex.quote(str(app))} && FLWR_HOME={shlex.quote(str(home))} flwr run . --stream"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m course.hospital.stage", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="a new or empty folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secure", action="store_true", help="secure sums in place of updates in the clear")
    parser.add_argument("--epsilon", type=float, default=8.0, help="the limit of each privacy budget")
    parser.add_argument("--scans", type=Path, help="NIfTI files in folders hospital/patient; else simulated")
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    if any(asked.folder.iterdir()):
        parser.error(f"{asked.folder} is not empty")
    settings: Mapping[str, object] = {
        "num_server_rounds": asked.rounds, "aggregation": SECURE if asked.secure else CLEAR,
    }  # fmt: skip
    hospitals = read_nifti(asked.scans) if asked.scans else simulate_hospitals(seed=0, patients=PATIENTS)
    print(stage_simulation(asked.folder, hospitals, epsilon_limit=asked.epsilon, **settings))


if __name__ == "__main__":
    main()
