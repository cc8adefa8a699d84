"""The settings of a private run on Flower, and how the course's project becomes the app of the case study."""

import json
from collections.abc import Mapping
from pathlib import Path

from course.federated.flower_programs import stage_app
from course.hospital.private import Plan
from course.hospital.study import SETTINGS

CLEAR, SECURE = "clear", "secure"
"""Each hospital sends its update with all of its own noise, or shares of noise go into a secure sum."""

RUN_CONFIG = {
    "study": "the hospital case study",
    "aggregation": CLEAR,
    "num-server-rounds": SETTINGS["rounds"],
    "sample-rate": SETTINGS["sample_rate"],
    "max-update-norm": SETTINGS["max_update_norm"],
    "learning-rate": SETTINGS["learning_rate"],
    "noise-multiplier": 3.2,
    "folder": "",
    "results-file": "",
    "public-patients": 24,
    "public-seed": 500,
    "min-hospitals": 2,
    "wait": 120.0,
    "timeout": 600.0,
    "pause": 0.0,
}
"""Every setting with its default; `flwr run . -c` can change these and no others.

`folder` is absolute, and of the server: it has `hospitals.json` and `roster.json`. In Flower's simulation,
where all nodes are in one place, the hospitals' own folders are in it, too. `public-patients` simulated
patients who are nobody's give the scale of the features and show the server how well its model does. `wait`
is how many seconds a round waits for hospitals that are away, `timeout` for replies, `pause` between two
stages of a secure sum. The noise costs each patient about ε = 3.4 over 30 rounds (δ = 1e-4, add/remove one
patient, Poisson sampling at 0.5, accountant PLD).
"""

APP_NAME = "hospital-case-study"
_COMPONENTS = {
    "course.federated.flower_app:server_app": "course.hospital.{module}:server_app",
    "course.federated.flower_app:client_app": "course.hospital.{module}:client_app",
}


def plan_of(run: Mapping[str, object], *, name: str, num_patients: int, spare: int = 0) -> Plan:
    """The plan of a run from its settings.

    Args:
        run: the run's configuration.
        name: of the run, as it will stand in the budgets.
        num_patients: of all hospitals.
        spare: as of `Plan`.

    Raises:
        ValueError: if a number is out of its range, or the noise is 0: such a run promises nothing.
    """
    noise = float(run["noise-multiplier"])
    if not noise > 0:
        raise ValueError(f"noise-multiplier is {noise}; a private run needs noise")
    return Plan(
        run=name, rounds=int(run["num-server-rounds"]), sample_rate=float(run["sample-rate"]),
        max_update_norm=float(run["max-update-norm"]), noise_multiplier=noise,
        learning_rate=float(run["learning-rate"]), num_patients=num_patients, spare=spare,
    )  # fmt: skip


def is_secure(run: Mapping[str, object]) -> bool:
    """Whether the updates of a run go into a secure sum.

    Raises:
        ValueError: if the setting is neither of the two.
    """
    if run["aggregation"] not in (CLEAR, SECURE):
        raise ValueError(f"aggregation is {run['aggregation']!r}; it must be {CLEAR!r} or {SECURE!r}")
    return run["aggregation"] == SECURE


def stage_hospital_app(app: Path, *, module: str = "flower_app", **settings: object) -> Path:
    """The folder in which `flwr run .` starts the case study, and not lesson 02's app.

    One pyproject.toml names one pair of apps, and the course's names that of lesson 02; so this makes a copy
    of the course's code beside a pyproject.toml that names ours.

    Args:
        app: the folder to make.
        module: of `course.hospital`, with `server_app` and `client_app`.
        settings: of the run, in place of defaults in `RUN_CONFIG`, with `_` for `-`.

    Raises:
        ValueError: if there is no such setting.
    """
    changed = {name.replace("_", "-"): value for name, value in settings.items()}
    if unknown := changed.keys() - RUN_CONFIG.keys():
        raise ValueError(f"there are no settings {sorted(unknown)}; there are {sorted(RUN_CONFIG)}")
    lines = [f"{name} = {json.dumps(value)}" for name, value in (RUN_CONFIG | changed).items()]
    components = {old: new.format(module=module) for old, new in _COMPONENTS.items()}
    staged = stage_app(
        app, changes={'name = "learning-without-looking"': f'name = "{APP_NAME}"', **components}
    )
    project = staged / "pyproject.toml"
    before, heading, after = project.read_text(encoding="utf-8").partition("[tool.flwr.app.config]\n")
    _, next_table, rest = after.partition("\n[tool.")
    text = before + heading + "\n".join(lines) + "\n" + next_table + rest
    project.write_text(text, encoding="utf-8")
    return staged
