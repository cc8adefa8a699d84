"""The server of a private run on Flower: ask, check, add up, step, and write down who is left out and why."""

import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid
from torch import Tensor

from course.crypto import ProtocolViolation, Stage, ThresholdNotMet
from course.crypto.masks import MODULUS
from course.federated.enrolment import ROSTER, read_terms
from course.federated.secure_flower import find_clients, secure_round
from course.hospital.admission import Enrolled, Excluded, UpdateRefused, admit, check_sum
from course.hospital.evaluation import auroc_interval
from course.hospital.feature_bank import DIMENSIONS, Cells, PublicScale, look_at, patient_scores, public_scale
from course.hospital.flower_settings import is_secure, plan_of
from course.hospital.hospital_folder import read_roster, total_of
from course.hospital.noisy_sum import share_std
from course.hospital.patient_gradients import STEPS_A_NORM
from course.hospital.private import Plan
from course.hospital.simulation import simulate_hospitals

POLL_SECONDS = 1.0
_NONCE_BYTES = 32
_log = logging.getLogger("flwr")


class TooFewHospitals(RuntimeError):
    """So few hospitals are there that no round can be had; the run ends, and says so in its results."""


@dataclass(frozen=True)
class Round:
    """What came of one round.

    Attributes:
        round: from 0.
        counted: hospitals in the sum.
        excluded: the others, each with the reason.
        problem: why the whole round was thrown away; empty if it was not.
        auroc: of the model after it, on simulated patients who are nobody's.
    """

    round: int
    counted: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    problem: str
    auroc: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """A round before its step: the sum (int64, zeros if there is a problem), and what `Round` says of it."""

    total: np.ndarray
    counted: list[str]
    excluded: list[Excluded]
    problem: str = ""


class Server:
    """One run's state: the model, who is who, and what has happened so far.

    Args:
        grid: of Flower, any.
        run: the run's settings, as of `RUN_CONFIG`.
    """

    def __init__(self, grid: Grid, run: Mapping[str, object]) -> None:
        self._grid, self._run = grid, run
        self.folder = Path(str(run["folder"]))
        self.roster: dict[int, Enrolled] = read_roster(self.folder)
        patients = sum(hospital.num_patients for hospital in self.roster.values())
        self.plan: Plan = plan_of(run, name=str(run["study"]), num_patients=patients)
        self.scale, self._cells = _nobodys_patients(run)
        self.weights = torch.zeros(DIMENSIONS)
        self.average = torch.zeros(DIMENSIONS)
        self.rounds: list[Round] = []
        self.stages: list[dict[str, object]] = []
        self._known_nodes: dict[int, int] = {}

    def play(self, round_index: int) -> None:
        """One round: whoever fails, is late or is refused is left out of it, with the reason."""
        self._wait_for_hospitals()
        add_up = self._secure_sum if is_secure(self._run) else self._sum_in_the_clear
        found = add_up(round_index)
        for each in found.excluded:
            _log.warning("round %d: %s is excluded: %s", round_index, each.who, each.reason)
        if found.problem:
            _log.error("round %d is thrown away: %s", round_index, found.problem)
        plan = self.plan
        step = plan.learning_rate * plan.max_update_norm / (plan.sample_rate * plan.num_patients)
        self.weights = self.weights - step * torch.from_numpy(found.total / STEPS_A_NORM).float()
        if round_index >= plan.rounds // 2:
            self.average += self.weights / (plan.rounds - plan.rounds // 2)
        auroc = float(auroc_interval(self._scores(), self._cells.has_tumour).value)
        counted, excluded = tuple(found.counted), tuple(found.excluded)
        self.rounds.append(Round(round_index, counted, excluded, found.problem, auroc))
        _log.info("round %d: %s counted; AUROC on simulated patients %.3f", round_index, found.counted, auroc)

    def write(self, *, finished: bool, failed: str = "") -> None:
        """The state so far, to the results file: whoever watches sees the old one or the new one, whole."""
        if not self._run["results-file"]:
            return
        path = Path(str(self._run["results-file"]))
        record = {
            "finished": finished, "failed": failed, "rounds": [asdict(each) for each in self.rounds],
            "stages": self.stages, "weights": self.average.tolist(),
        }  # fmt: skip
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(draft, path)

    def _wait_for_hospitals(self) -> None:
        """Until as many nodes are there as there are hospitals, or the time is up and there are enough."""
        deadline = time.monotonic() + float(self._run["wait"])
        while (there := len(list(self._grid.get_node_ids()))) < len(self.roster):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        if there < max(1, int(self._run["min-hospitals"])):
            raise TooFewHospitals(
                f"{there} nodes are there after {self._run['wait']:g} s; a round needs "
                f"{self._run['min-hospitals']}"
            )

    def _content(self, round_index: int, nonce: bytes) -> RecordDict:
        arrays = {"weights": self.weights, "mean": self.scale.mean, "std": self.scale.std}
        record = ArrayRecord({name: Array(tensor.float().numpy()) for name, tensor in arrays.items()})
        config = ConfigRecord({"round-index": round_index, "nonce": nonce})
        return RecordDict({"arrays": record, "config": config})

    def _sum_in_the_clear(self, round_index: int) -> Outcome:
        """Each update is checked by itself."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        messages = [
            Message(self._content(round_index, nonce), dst_node_id=node, message_type="train")
            for node in self._grid.get_node_ids()
        ]
        replies = self._grid.send_and_receive(messages, timeout=float(self._run["timeout"]))
        admitted, excluded = admit(
            replies, self.roster, nonce=nonce, round_index=round_index, dimensions=DIMENSIONS,
            noise_multiplier=self.plan.noise_multiplier, known_nodes=self._known_nodes,
            asked={each.metadata.message_id: each.metadata.dst_node_id for each in messages},
        )  # fmt: skip
        counted = [self.roster[client_id].name for client_id in sorted(admitted)]
        return Outcome(total_of(admitted), counted, excluded, "" if counted else "no update was left")

    def _secure_sum(self, round_index: int) -> Outcome:
        """Nothing but the sum can be checked; if it cannot be honest, the round is thrown away."""
        timeout = float(self._run["timeout"])
        terms = read_terms(self.folder / ROSTER, length=DIMENSIONS)
        nodes = find_clients(self._grid, terms=terms, timeout=timeout)
        left = {i: "no node proved to be this hospital" for i in self.roster if i not in nodes}

        def after_stage(stage: Stage, replied: tuple[int, ...]) -> None:
            for client_id in self.roster:
                if client_id not in replied:
                    left.setdefault(client_id, f"dropped out of the secure sum at {stage.name}")
            self.stages.append({"round": round_index, "stage": stage.name, "replied": list(replied)})
            self.write(finished=False)
            # Whoever wants to pull a plug between two stages has this long.
            time.sleep(float(self._run["pause"]))

        nothing = np.zeros(DIMENSIONS, dtype=np.int64)
        try:
            result = secure_round(
                self._grid, nodes, terms=terms, content=self._content(round_index, b""), timeout=timeout,
                after_stage=after_stage,
            )  # fmt: skip
        except (ThresholdNotMet, ProtocolViolation) as error:
            return Outcome(nothing, [], _excluded(left, self.roster), f"there is no sum: {error}")
        # A hospital whose masked vector arrived is in the sum, also if it is gone by the last stage.
        survivors = {client_id: self.roster[client_id] for client_id in result.survivors}
        excluded = _excluded({i: why for i, why in left.items() if i not in survivors}, self.roster)
        share = share_std(
            self.plan.noise_multiplier, num_hospitals=len(self.roster),
            spare=len(self.roster) - terms.threshold + 1,
        )  # fmt: skip
        try:
            total = _signed(result.total)
            noise = share * len(survivors) ** 0.5
            check_sum(total, survivors.values(), noise_multiplier=noise, dimensions=DIMENSIONS)
        except UpdateRefused as refusal:
            problem = f"the sum cannot be honest, and nobody can know whose fault it is: {refusal}"
            return Outcome(nothing, [], excluded, problem)
        return Outcome(total, [hospital.name for hospital in survivors.values()], excluded)

    def _scores(self) -> np.ndarray:
        return patient_scores(self.weights, self._cells)


def serve(grid: Grid, run: Mapping[str, object], *, name: str) -> Tensor:
    """Play all rounds; returns the mean of the models of the last half, as `train_private` does.

    Args:
        grid: of Flower, any.
        run: the settings, as of `RUN_CONFIG`.
        name: for the log.

    Raises:
        TooFewHospitals: if a round finds fewer nodes than it needs; the results file says so.

    Limits: the model is in this process alone. If the SuperLink dies and comes back with its database, this
        goes on; while the SuperLink is away, it waits. If this process dies, the run is over, and what the
        hospitals have paid is paid.
    """
    server = Server(grid, run)
    _log.info("%s: %s, with %d hospitals enrolled", name, server.plan.run, len(server.roster))
    try:
        for round_index in range(server.plan.rounds):
            server.play(round_index)
            server.write(finished=round_index == server.plan.rounds - 1)
    except Exception as error:
        server.write(finished=False, failed=f"{type(error).__name__}: {error}")
        raise
    return server.average


def _excluded(left: Mapping[int, str], roster: Mapping[int, Enrolled]) -> list[Excluded]:
    return [Excluded(roster[client_id].name, why) for client_id, why in sorted(left.items())]


def _signed(total: np.ndarray) -> np.ndarray:
    """Residues modulo 2^32 → integers of both signs."""
    total = total.astype(np.int64)
    return np.where(total >= MODULUS // 2, total - MODULUS, total)


def _nobodys_patients(run: Mapping[str, object]) -> tuple[PublicScale, Cells]:
    """The scale of the features, and cells to score, of simulated patients who are nobody's."""
    number = max(2, int(run["public-patients"]))
    each = {"city": number - number // 2, "coast": number // 2}
    simulated = simulate_hospitals(seed=int(run["public-seed"]), patients=each)
    patients = [patient for hospital in simulated.values() for patient in hospital]
    scale = public_scale(patients)
    return scale, look_at(patients, scale)
