"""From a link to the one cell that it means, and to what the solved notebook shows there."""

import ast
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from course.interview.walkthrough import Link

ROOT = Path(__file__).resolve().parents[2]
_EXERCISE = re.compile(r"\d\d\.\d+")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_LINES_SHOWN = 8


class LinkError(ValueError):
    """A link finds no cell, or more than one; the message says which link and which cells."""


@dataclass(frozen=True)
class Place:
    """One cell of one notebook.

    Attributes:
        notebook: the learner's notebook.
        cell_id: the cell's id, the same in the learner's and in the solved notebook.
        number, num_cells: it is the number-th of so many cells, counted from 1.
        section: the heading above it.
    """

    notebook: Path
    cell_id: str
    number: int
    num_cells: int
    section: str

    def href(self, start: Path) -> str:
        """A link for a page that lies in the folder `start`; JupyterLab scrolls to the cell.

        If a copy of the notebook lies in that folder, the link leads to the copy: learners work in copies.
        """
        name = self.notebook.name
        path = name if (start / name).exists() else Path(os.path.relpath(self.notebook, start)).as_posix()
        return f"{path}#cell-id={self.cell_id}"

    def __str__(self) -> str:
        return f"{self.notebook.name}, cell {self.number} of {self.num_cells}, under “{self.section}”"


def notebook_of(lesson: str, *, folder: str = "notebooks", root: Path = ROOT) -> Path:
    """The notebook of a lesson ("03"), as learners open it, or the solved one of the folder "solutions".

    Raises:
        LinkError: if there is no such notebook, or more than one.
    """
    found = sorted((root / folder).glob(f"{lesson}_*.ipynb"))
    if len(found) != 1:
        raise LinkError(f"lesson {lesson!r}: {folder}/ has {[path.name for path in found]}, not one notebook")
    return found[0]


def find_cell(link: Link, *, root: Path = ROOT) -> Place:
    """The cell that a link means.

    Raises:
        LinkError: if no cell of the lesson's notebook fits the anchor, or several do.
    """
    path = notebook_of(link.lesson, root=root)
    cells = _cells(path)
    fitting = [index for index, cell in enumerate(cells) if _fits(cell, link.anchor)]
    if len(fitting) != 1:
        numbers = [index + 1 for index in fitting]
        raise LinkError(f"{path.name}: {len(fitting)} cells (numbers {numbers}) fit {link.anchor!r}, not 1")
    index = fitting[0]
    return Place(path, cells[index].id, index + 1, len(cells), _section(cells[: index + 1]))


def solved_cell(link: Link, *, root: Path = ROOT) -> NotebookNode:
    """The same cell in the solved notebook, with its outputs.

    Raises:
        LinkError: as `find_cell`.
    """
    path = notebook_of(link.lesson, folder="solutions", root=root)
    fitting = [cell for cell in _cells(path) if _fits(cell, link.anchor)]
    if len(fitting) != 1:
        raise LinkError(f"solutions/{path.name}: {len(fitting)} cells fit {link.anchor!r}, not 1")
    return fitting[0]


def shown_by(link: Link, *, said: str = "", root: Path = ROOT) -> str:
    """What the solved notebook prints at a link, for a sentence that was said about it.

    Returns:
        The claim that is meant and the other lines that hold a number of the sentence; if there are none, the
        whole output, if it is short.
    """
    cell = solved_cell(link, root=root)
    if cell.source.startswith("quiz("):  # Its output is its source again.
        return ""
    numbers = {number for number in _NUMBER.findall(said) if len(number) > 1}
    texts, lines = output_texts(cell), []
    for text in texts:
        meant = _squeeze(link.anchor) in _squeeze(text)
        lines += [line for line in text.splitlines() if meant or numbers & set(_NUMBER.findall(line))]
    lines = lines or "\n".join(texts).splitlines()
    return "\n".join(line for line in lines if line.strip()) if len(lines) <= _LINES_SHOWN else ""


def output_texts(cell: NotebookNode) -> list[str]:
    """The plain text of each output of a code cell: streams, boxes of claims, values. No pictures."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if output.output_type == "stream":
            texts.append(output.text)
        elif "text/plain" in data and "image/png" not in data:
            texts.append(data["text/plain"])
    return texts


def _fits(cell: NotebookNode, anchor: str) -> bool:
    if _EXERCISE.fullmatch(anchor):
        return cell.metadata.get("nbgrader", {}).get("grade_id") == f"exercise-{anchor.replace('.', '-')}"
    if anchor.startswith("#"):
        return cell.cell_type == "markdown" and anchor in map(str.strip, cell.source.splitlines())
    return _squeeze(anchor) in _readable(cell.cell_type, cell.source)


@lru_cache(maxsize=4096)
def _readable(cell_type: str, source: str) -> str:
    """The cell's source, and its strings as they are displayed: a long one may be broken in the source."""
    strings: list[str] = []
    if cell_type == "code":
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except SyntaxError:
            nodes = []
        strings = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return "\n".join(map(_squeeze, [source, *strings]))


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _section(cells: list[NotebookNode]) -> str:
    for cell in reversed(cells):
        found = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if found:
            return found.group(1).replace("*", "")
    return "the beginning"


def _cells(path: Path) -> list[NotebookNode]:
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> list[NotebookNode]:
    return nbformat.read(path, as_version=4).cells
