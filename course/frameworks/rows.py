"""The catalogue: which tool does which task in which file, and in which environment it runs."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

ROOT = FOLDER.parents[1]
"""The folder that holds the package `course`."""

COURSE = "course"
"""The environment that the course itself is installed in; rows of it run live."""


@dataclass(frozen=True)
class Row:
    """One tool at one task.

    Attributes:
        name: of the file `course/frameworks/NAME.py`, and of its record.
        task: a name in `tasks.TASKS`.
        tool: what the table calls it.
        packages: those that it stands on, as the package index names them; the first is the tool itself.
        environment: `COURSE`, or a name in `environments.ENVIRONMENTS`.
        parties: in how many processes MPyC runs it; 0 for every other tool.
        elsewhere: its file, where that is not in this folder under the row's name.
    """

    name: str
    task: str
    tool: str
    packages: tuple[str, ...]
    environment: str = COURSE
    parties: int = 0
    elsewhere: Path | None = None

    @property
    def file(self) -> Path:
        return self.elsewhere or FOLDER / f"{self.name}.py"


ROWS = (
    Row("round_numpy", "round", "by hand, NumPy", ("numpy",)),
    Row("round_torch", "round", "by hand, PyTorch", ("torch",)),
    Row("round_flower", "round", "Flower", ("flwr",)),
    Row("round_tff", "round", "TensorFlow Federated", ("tensorflow-federated", "tensorflow"), "tff"),
    Row("round_pysyft", "round", "PySyft", ("syft", "syft-rds"), "syft"),
    Row("statistics_by_hand", "statistics", "by hand", ("numpy",)),
    Row("statistics_python_dp", "statistics", "Google's DP library", ("python-dp",)),
    Row("statistics_pipeline_dp", "statistics", "PipelineDP", ("pipeline-dp", "python-dp")),
    Row("statistics_opendp", "statistics", "OpenDP", ("opendp",)),
    Row("epsilon_by_hand", "epsilon", "by hand", ("numpy",)),
    Row("epsilon_dp_accounting", "epsilon", "dp-accounting", ("dp-accounting",)),
    Row("epsilon_opacus", "epsilon", "Opacus", ("opacus", "torch")),
    Row("sum_by_hand", "sum", "by hand, secure aggregation", ("numpy", "cryptography")),
    Row("sum_mpyc", "sum", "MPyC", ("mpyc",), parties=10),
    Row("sum_tenseal", "sum", "TenSEAL", ("tenseal",)),
    Row("surprise_flower", "surprise", "Flower", ("flwr",)),
    Row("surprise_tff", "surprise", "TensorFlow Federated", ("tensorflow-federated",), "tff"),
    Row("surprise_pysyft", "surprise", "PySyft", ("syft", "syft-rds"), "syft"),
    Row("surprise_opacus", "surprise", "Opacus", ("opacus", "dp-accounting")),
    Row("surprise_dp_accounting", "surprise", "dp-accounting", ("dp-accounting",)),
    Row("surprise_python_dp", "surprise", "Google's DP library", ("python-dp",)),
    Row("surprise_pipeline_dp", "surprise", "PipelineDP", ("pipeline-dp", "python-dp")),
    Row("surprise_opendp", "surprise", "OpenDP", ("opendp",)),
    Row("surprise_mpyc", "surprise", "MPyC", ("mpyc",)),
    Row("surprise_tenseal", "surprise", "TenSEAL", ("tenseal",)),
)


def row_of(name: str) -> Row:
    """The row of this name.

    Raises:
        ValueError: if there is none.
    """
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f"there is no row {name!r}; there are {[row.name for row in ROWS]}")


def source_of(name: str) -> str:
    """The text of a row's file, to read."""
    return row_of(name).file.read_text(encoding="utf-8")
