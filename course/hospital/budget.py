"""One privacy accountant a hospital, over all rounds and runs: its history is the hospital's own file."""

import contextlib
import functools
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from course.privacy import Adjacency, PrivacyClaim, Unit

FORMAT = "learning-without-looking privacy budget, version 1"
ACCOUNTANT = "pld"
"""Google's dp-accounting: it composes rounds of different noise, and is close to tight for few rounds."""

_KEYS = {"format", "hospital", "unit", "adjacency", "accountant", "epsilon_limit", "delta", "releases"}


class BudgetSpent(RuntimeError):
    """Raised instead of a release that would spend more than the hospital allows."""


@dataclass(frozen=True)
class Release:
    """One round in which the hospital's patients were used.

    Attributes:
        run: the name of the training run.
        round_index: of that run, from 0.
        noise_multiplier: noise over the clipping norm that protects this release.
        sample_rate: each patient's chance to be in it (Poisson).
    """

    run: str
    round_index: int
    noise_multiplier: float
    sample_rate: float

    def __post_init__(self) -> None:
        if not isinstance(self.run, str) or not self.run.strip():
            raise ValueError(f"a run has a name; got {self.run!r}")
        if self.round_index != int(self.round_index) or self.round_index < 0:
            raise ValueError(f"round_index is a whole number ≥ 0; got {self.round_index!r}")
        if not 0 < self.noise_multiplier < math.inf or not 0 < self.sample_rate <= 1:
            raise ValueError(
                f"noise_multiplier must be a finite number above 0 and sample_rate in (0, 1]; got "
                f"{self.noise_multiplier!r} and {self.sample_rate!r}"
            )


def epsilon_of(releases: Sequence[Release], *, delta: float) -> float:
    """The ε of all releases together, each with the noise and the sampling that it had.

    Args:
        releases: in any order; none spends nothing.
        delta: 0 < δ < 1, of all together.

    Guarantee: (ε, δ) under ADD_REMOVE for one patient of the hospital, also if later rounds were chosen after
        seeing earlier ones, but for their noise and rates, which must not depend on the patients.
    Limits: it takes each release to be what it says: Poisson-sampled, clipped, and Gaussian.
    Source: Doroshenko et al. 2022, arXiv:2207.04380, in dp-accounting.
    """
    kinds = Counter((release.noise_multiplier, release.sample_rate) for release in releases)
    return _epsilon(tuple(sorted((*kind, steps) for kind, steps in kinds.items())), float(delta))


@functools.lru_cache(maxsize=2048)
def _epsilon(kinds: tuple[tuple[float, float, int], ...], delta: float) -> float:
    """ε of (noise multiplier, sample rate, steps) of each kind of release, composed."""
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie strictly between 0 and 1; got {delta!r}")
    if not kinds:
        return 0.0
    interval = min(_interval(noise, rate) for noise, rate, _ in kinds)
    parts = [_one_step(noise, rate, interval).self_compose(steps) for noise, rate, steps in kinds]
    together = functools.reduce(lambda one, other: one.compose(other), parts)
    return max(0.0, float(together.get_epsilon_for_delta(delta)))


@functools.lru_cache(maxsize=64)
def _one_step(noise_multiplier: float, sample_rate: float, interval: float) -> object:
    """The privacy-loss distribution of one release; making it is the slow part, so it is kept."""
    from dp_accounting.pld import privacy_loss_distribution

    return privacy_loss_distribution.from_gaussian_mechanism(
        noise_multiplier, sampling_prob=sample_rate, value_discretization_interval=interval
    )


def _interval(noise_multiplier: float, sample_rate: float) -> float:
    """The spacing of privacy losses, a power of ten well below what one release typically loses."""
    typical = sample_rate * math.sqrt(math.expm1(min(noise_multiplier**-2, 100.0)))
    return 10.0 ** max(-6, min(-3, math.floor(math.log10(typical / 20))))


class PrivacyBudget:
    """What a hospital has spent of its patients' privacy, on disk before anything leaves the hospital.

    A process dies, a machine restarts, a hospital leaves and comes back, next year's study begins: all of
    them open the same file and go on from its last line. Use `create` once and `open` ever after; a file
    that is missing or broken is an error and never a fresh start.

    Args:
        file: of this hospital alone, on a disk that survives the process.

    Guarantee: when `spend` returns, the release is on the disk. A crash after that over-counts (the update
    may
        never have left), and no crash under-counts.
    Limits: whoever can write the file can forge it, and an old backup that is put back forgets what came
    later.
        Two processes may share a file where the system has `fcntl` (not Windows).
    """

    def __init__(self, file: Path | str) -> None:
        self.file = Path(file)
        content = _read(self.file)
        self.hospital: str = content["hospital"]
        self.epsilon_limit: float = float(content["epsilon_limit"])
        self.delta: float = float(content["delta"])

    @classmethod
    def create(cls, file: Path | str, *, hospital: str, epsilon: float, delta: float) -> "PrivacyBudget":
        """Write an empty history with its limit, once in the life of a hospital.

        Args:
            file: must not exist; its folder must.
            hospital: whose patients these are.
            epsilon: the limit of all runs together, > 0, in nats.
            delta: of all runs together; choose it below 1 / patients.

        Raises:
            FileExistsError: if there is a history already: it is not for anybody to forget.
            ValueError: if a number is out of its range or the hospital has no name.
        """
        if not isinstance(hospital, str) or not hospital.strip():
            raise ValueError(f"a budget belongs to a hospital with a name; got {hospital!r}")
        if not 0 < epsilon < math.inf or not 0 < delta < 1:
            raise ValueError(
                f"epsilon must be finite and above 0, delta in (0, 1); got {epsilon!r} and {delta!r}"
            )
        content = {
            "format": FORMAT, "hospital": hospital, "unit": Unit.PATIENT.value,
            "adjacency": Adjacency.ADD_REMOVE.value, "accountant": ACCOUNTANT, "epsilon_limit": epsilon,
            "delta": delta, "releases": [],
        }  # fmt: skip
        with _locked(Path(file)):
            if Path(file).exists():
                raise FileExistsError(f"{file} exists: a history goes on, open it with PrivacyBudget.open")
            _write(Path(file), content)
        return cls(file)

    @classmethod
    def open(cls, file: Path | str) -> "PrivacyBudget":
        """Go on with a history.

        Raises:
            FileNotFoundError: if there is none; a missing history is not an empty one.
            ValueError: if the file is not a whole history.
        """
        return cls(file)

    @property
    def releases(self) -> tuple[Release, ...]:
        """All rounds of all runs, as they stand in the file now."""
        return _releases(_read(self.file))

    @property
    def epsilon(self) -> float:
        """What all releases together have spent, in nats."""
        return epsilon_of(self.releases, delta=self.delta)

    def spend(self, *, run: str, round_index: int, noise_multiplier: float, sample_rate: float) -> float:
        """Write one more round into the file. Call it *before* the update leaves.

        Args: as in `Release`. The same round again (after a restart) is a second release and costs again,
            because the first may have left.

        Returns:
            ε of everything so far, this round included.

        Raises:
            BudgetSpent: if that would be more than the limit; then nothing is written, and nothing may leave.
            ValueError: if a number is out of range or the file is broken.
        """
        release = Release(run, int(round_index), float(noise_multiplier), float(sample_rate))
        with _locked(self.file):
            content = _read(self.file)
            total = epsilon_of((*_releases(content), release), delta=self.delta)
            if total > self.epsilon_limit:
                raise BudgetSpent(
                    f"{self.hospital}: round {round_index} of {run} would bring ε to {total:.3f}; "
                    f"the limit is {self.epsilon_limit:g}"
                )
            content["releases"].append(asdict(release))
            _write(self.file, content)
        return total

    def rounds_left(self, *, noise_multiplier: float, sample_rate: float, at_most: int = 1000) -> int:
        """How many more such rounds fit into the budget, found by bisection up to `at_most`."""
        spent = self.releases

        def fits(rounds: int) -> bool:
            more = (Release("planned", 0, noise_multiplier, sample_rate),) * rounds
            return epsilon_of((*spent, *more), delta=self.delta) <= self.epsilon_limit

        low, high = 0, at_most + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def claims(self) -> tuple[PrivacyClaim, ...]:
        """The whole sentence of each kind of round, over all runs: one claim a noise and rate.

        If there is one claim, its ε is `epsilon`. If there are more, `epsilon` is that of all together,
        and at most the sum of theirs.
        """
        kinds = Counter((release.noise_multiplier, release.sample_rate) for release in self.releases)
        return tuple(
            PrivacyClaim(
                name=f"{self.hospital}, {steps} rounds at multiplier {noise:.4g}",
                epsilon=_epsilon(((noise, rate, steps),), self.delta), delta=self.delta, unit=Unit.PATIENT,
                adjacency=Adjacency.ADD_REMOVE, mechanism="gaussian", noise_multiplier=noise,
                sampler="none" if rate == 1 else "poisson", sample_rate=rate, steps=steps,
                accountant=ACCOUNTANT,
            )
            for (noise, rate), steps in kinds.items()
        )  # fmt: skip

    def can_pay(self, *, noise_multiplier: float, sample_rate: float) -> bool:
        """Whether one more such round fits."""
        return self.rounds_left(noise_multiplier=noise_multiplier, sample_rate=sample_rate, at_most=1) == 1


def _read(file: Path) -> dict:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise FileNotFoundError(
            f"there is no privacy budget at {file}: a missing history is not an empty one. Create it once, "
            "or find the file"
        ) from missing
    try:
        content = json.loads(text)
        whole = isinstance(content, dict) and set(content) == _KEYS and content["format"] == FORMAT
        if whole:
            _releases(content)
    except (ValueError, TypeError) as broken:
        raise ValueError(f"{file} is not a whole privacy budget: {broken}") from broken
    if not whole:
        raise ValueError(f"{file} is not a privacy budget of this format ({FORMAT})")
    return content


def _releases(content: dict) -> tuple[Release, ...]:
    return tuple(Release(**release) for release in content["releases"])


def _write(file: Path, content: dict) -> None:
    """Replace the file in one step: a reader, or a crash, meets the old history or the new one, whole."""
    draft = file.with_name(file.name + ".draft")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, file)
    # The new name is in the folder, and the folder must reach the disk as well.
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep other processes of the same hospital out while a history is read, extended and written."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with file.with_name(file.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
