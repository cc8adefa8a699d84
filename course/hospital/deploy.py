"""The hospital case study as a real Flower deployment: `python -m course.hospital.deploy`.

A SuperLink, a SuperExec, and one SuperNode a hospital, each a process of its own, talk HTTPS on 127.0.0.1.
The server proves itself with a certificate, each node with a key that was registered before. Each node is
told one path, its own hospital's folder, and finds there its scans, its keys and its privacy budget. With
`--drill`, things go wrong on purpose: a stranger and a hospital whose key was revoked knock; one hospital
sends not-a-numbers, then a wrong shape, then a poisoned update; another is killed after it has paid for a
round and before its update leaves, and comes back; the server is killed and comes back. Then the same
hospitals play a second run in a secure sum. Whatever happens, every process is ended before the program is.

Limits: it runs on loopback. All folders are on one disk, so that a node opens only its own is what its code
does (a test watches every file that it opens), not what a wall between machines enforces; and all keys are
made in one place. In real life each hospital has its own machine and makes its own keys.

Source: Flower 1.41, "Run Flower with the Deployment Runtime", for the programs and their options.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course.federated import processes
from course.federated.certificates import write_node_keys, write_server_certificates
from course.federated.deploy_command import empty_folder, write_outcome
from course.federated.deployment import Deployment, DeploymentFailed, Timeline, deployment
from course.federated.flower_programs import (
    connect_command_line,
    register,
    versions,
    wait_until_online,
)
from course.hospital.budget import PrivacyBudget
from course.hospital.flower_settings import CLEAR, SECURE, stage_hospital_app
from course.hospital.hospital_folder import BUDGET, home_of, prepare_folders
from course.hospital.hospital_programs import (
    Comeback,
    keep_log,
    register_and_revoke,
    start_app_runner,
    start_hospital,
    start_server,
    submit,
    wait_for_refusal,
)
from course.hospital.nifti import read_nifti
from course.hospital.patients import Hospitals
from course.hospital.simulation import simulate_hospitals

RECORD = Path(__file__).with_name("recorded_hospitals.json")
SECONDS_A_ROUND = 240.0
SECONDS_WITHOUT_SERVER = 3.0
VICTIM, VICTIM_ROUND, SERVER_ROUND = "valley", 1, 2
"""Who is killed in which round of the drill, and in which round the server is."""
DRILL = {"clinic": "nan,shape,poison", VICTIM: "honest,stall"}
SMALL = {"university": 6, "city": 5, "valley": 4, "clinic": 3}


@dataclass(frozen=True)
class DeploymentPlan:
    """What to deploy.

    Attributes:
        rounds: ≥ 1; of the drill, at least 3.
        aggregation: "clear" or "secure".
        patients: hospital → simulated patients; unused where scans are given.
        epsilon_limit: of each hospital's privacy budget.
        noise_multiplier: of each round.
        timeout: seconds that the server waits for replies. A round in the clear takes 10 to 30 s, nearly all
        of
            it new processes that import torch; after about 60 s Flower gives a dead node up by itself.
        drill: whether things go wrong on purpose.
    """

    rounds: int = 3
    aggregation: str = CLEAR
    patients: Mapping[str, int] = field(default_factory=lambda: dict(SMALL))
    epsilon_limit: float = 8.0
    noise_multiplier: float = 3.2
    timeout: float = 120.0
    drill: bool = False

    def __post_init__(self) -> None:
        if self.rounds < (SERVER_ROUND + 1 if self.drill else 1) or self.aggregation not in (CLEAR, SECURE):
            raise ValueError(
                f"got rounds={self.rounds} and aggregation={self.aggregation!r}; it needs 1 round, 3 for the "
                f"drill, and {CLEAR!r} or {SECURE!r}"
            )
        if self.drill and (self.aggregation == SECURE or not DRILL.keys() <= self.patients.keys()):
            raise ValueError(
                f"the drill begins in the clear, with the hospitals {sorted(DRILL)} among others"
            )


def deploy_hospitals(
    plan: DeploymentPlan, folder: Path, *, hospitals: Hospitals | None = None
) -> dict[str, object]:
    """Do all of it once.

    Args:
        plan: what to deploy.
        folder: an existing, empty folder, for the hospitals' folders, keys, logs and results.
        hospitals: whose patients; simulated ones unless given.

    Returns:
        `events` (the timeline), `rounds` and `stages` (as the server wrote them), `finished`, `budgets`
        (hospital → rounds paid for, and ε), `refused` (of the drill: who, its exit code and last words),
        `comebacks` (how often the killed hospital had to knock), `left_over` (processes still there at the
        end, 0), `versions`, `plan`; of the drill also `secure` (what the server wrote of the second run).

    Raises:
        DeploymentFailed: if a part does not start, ends early or takes too long; all is stopped first.
    """
    timeline = Timeline()
    hospitals = hospitals or simulate_hospitals(seed=0, patients=plan.patients)
    write_server_certificates(folder)
    prepare_folders(
        folder, hospitals, epsilon_limit=plan.epsilon_limit, noise_multiplier=plan.noise_multiplier
    )
    timeline.note(
        "folders", f"made the folders of {len(hospitals)} hospitals, {hospitals.num_patients} patients"
    )
    refused: dict[str, object] = {}
    with deployment(folder, timeline) as here:
        start_server(here)
        start_app_runner(here)
        connect_command_line(here)
        if plan.drill:
            _let_strangers_knock(here)
        for name in hospitals:
            register(here, name)
            start_hospital(here, name, drill=DRILL.get(name, "") if plan.drill else "")
        if plan.drill:
            refused = {name: wait_for_refusal(here, name) for name in ("stranger", "revoked")}
        wait_until_online(here, len(hospitals))
        app = stage_hospital_app(folder / "app", module="fire_drill" if plan.drill else "flower_app")
        watch = _Watch(here, plan)
        results = watch.play(app, plan.aggregation, rounds=plan.rounds)
        if plan.drill:
            # The same hospitals, the same budgets, another run.
            results["secure"] = watch.play(app, SECURE, rounds=1)
    return {
        "versions": versions(), "plan": asdict(plan), "events": timeline.events, "refused": refused,
        "budgets": {name: _budget(folder, name) for name in hospitals}, "left_over": len(here.left_over()),
        "comebacks": watch.comeback.attempts if watch.comeback else 0, **results,
    }  # fmt: skip


def _let_strangers_knock(here: Deployment) -> None:
    """A node whose key nobody registered, and one whose key was revoked; neither has a hospital's folder."""
    register_and_revoke(here, "revoked")
    write_node_keys(here.folder, "stranger")
    for name in ("revoked", "stranger"):
        start_hospital(here, name)


class _Watch:
    """Runs, watched through the files that the ServerApp rewrites, and what goes wrong in them on purpose."""

    def __init__(self, here: Deployment, plan: DeploymentPlan) -> None:
        self._here, self._plan = here, plan
        self._server_killed = False
        self.comeback: Comeback | None = None

    def play(self, app: Path, aggregation: str, *, rounds: int) -> dict:
        """One run to its end; returns what the server wrote down.

        Raises:
            DeploymentFailed: if the run fails, or takes too long.
        """
        here, path = self._here, self._here.folder / f"results-{aggregation}.json"
        settings = {
            "num-server-rounds": rounds, "aggregation": aggregation, "folder": str(here.folder),
            "noise-multiplier": self._plan.noise_multiplier, "timeout": self._plan.timeout,
            "wait": self._plan.timeout, "results-file": str(path),
        }  # fmt: skip
        run_id = submit(here, app, settings)
        results: dict = {"rounds": [], "stages": [], "finished": False}

        def finished() -> bool:
            nonlocal results
            seen = len(results["rounds"])
            if path.exists():
                results = json.loads(path.read_text(encoding="utf-8"))
            for record in results["rounds"][seen:]:
                here.timeline.note("round", _describe(record))
            if results.get("failed"):
                raise DeploymentFailed(f"the run ended after {seen} rounds: {results['failed']}")
            if self._plan.drill and aggregation == CLEAR:
                self._go_wrong(len(results["rounds"]))
            return results["finished"]

        log = f"server-app-{aggregation}"
        try:
            here.wait(finished, seconds=SECONDS_A_ROUND * rounds, alive="superexec")
        except DeploymentFailed:
            with contextlib.suppress(DeploymentFailed):
                keep_log(here, run_id, log)
            raise
        keep_log(here, run_id, log, until=f"round {rounds - 1}: [")
        return results

    def _go_wrong(self, round_index: int) -> None:
        """What is due while the server works on this round."""
        here = self._here
        if round_index == VICTIM_ROUND and self.comeback is None and _has_paid(here, VICTIM, round_index):
            processes.kill(here.started[VICTIM])
            what = f"{VICTIM} killed (SIGKILL) after it paid for round {round_index}, before its update left"
            here.timeline.note("killed", what)
            self.comeback = Comeback(here, VICTIM)
        # Back while the server still takes it for alive, it would be refused. Back after that and before the
        # server has given its message up, it would keep the round waiting until the timeout.
        if self.comeback is not None and round_index > VICTIM_ROUND:
            self.comeback.go_on()
        if round_index == SERVER_ROUND and not self._server_killed and _has_paid(here, "city", round_index):
            self._kill_the_server()

    def _kill_the_server(self) -> None:
        self._server_killed = True
        processes.kill(self._here.started["superlink"])
        self._here.timeline.note("server_killed", f"SuperLink killed (SIGKILL) in round {SERVER_ROUND}")
        time.sleep(SECONDS_WITHOUT_SERVER)
        start_server(self._here)


def _has_paid(here: Deployment, name: str, round_index: int) -> bool:
    releases = PrivacyBudget.open(home_of(here.folder, name) / BUDGET).releases
    return any(release.round_index == round_index for release in releases)


def _budget(folder: Path, name: str) -> dict[str, object]:
    budget = PrivacyBudget.open(home_of(folder, name) / BUDGET)
    return {"paid": [each.round_index for each in budget.releases], "epsilon": budget.epsilon}


def _describe(record: dict) -> str:
    words = [f"round {record['round']}: {', '.join(record['counted']) or 'nobody'} counted"]
    words += [f"{each['who']} excluded ({each['reason']})" for each in record["excluded"]]
    return "; ".join(words + ([record["problem"]] if record["problem"] else []))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m course.hospital.deploy", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secure", action="store_true", help="secure sums in place of updates in the clear")
    parser.add_argument("--drill", action="store_true", help="let things go wrong on purpose")
    parser.add_argument(
        "--epsilon", type=float, default=8.0, help="the limit of each hospital's privacy budget"
    )
    parser.add_argument(
        "--scans", type=Path, help="NIfTI files in folders hospital/patient; else simulated ones"
    )
    parser.add_argument("--folder", type=Path, help="an empty folder for all of it; it is kept")
    parser.add_argument("--record", action="store_true", help=f"write the timeline to {RECORD.name}, too")
    asked = parser.parse_args(arguments)
    plan = DeploymentPlan(
        rounds=asked.rounds, aggregation=SECURE if asked.secure else CLEAR, epsilon_limit=asked.epsilon,
        drill=asked.drill,
    )  # fmt: skip
    with empty_folder(parser, asked.folder) as folder:
        hospitals = read_nifti(asked.scans) if asked.scans else None
        outcome = deploy_hospitals(plan, folder, hospitals=hospitals)
        write_outcome(outcome, folder=folder, record=RECORD if asked.record else None)


if __name__ == "__main__":
    main()
