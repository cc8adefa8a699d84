"""Hashes by which recorded runs are recognised: of the code that makes their numbers, and of the digits."""

import ast
import hashlib
from pathlib import Path

from course.data import load_mnist

ROOM = Path(__file__).parent

MAKES_THE_NUMBERS = (
    "problem.py", "setting.py", "training.py", "judging.py", "../data/partition.py", "../privacy/sampling.py",
    "../privacy/per_example.py",
)  # fmt: skip


def code_sha256(names: tuple[str, ...] = MAKES_THE_NUMBERS, *, folder: Path = ROOM) -> str:
    """Of what these modules do: comments, docstrings and line breaks do not change it, code does.

    Limits: another minor version of Python may write the same code differently, and gives another hash.
    """
    whole = hashlib.sha256()
    for name in names:
        tree = ast.parse((folder / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                # A string that stands alone does nothing: docstrings, and the words below a constant.
                node.body = [part for part in node.body if not _is_words(part)] or [ast.Pass()]
        whole.update(f"{Path(name).name}\0{ast.unparse(tree)}\0".encode())
    return whole.hexdigest()


def data_sha256() -> str:
    """Of MNIST's four arrays, as they are before anything is done to them."""
    mnist, whole = load_mnist(), hashlib.sha256()
    for array in (mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels):
        whole.update(f"{array.shape}\0".encode() + array.tobytes())
    return whole.hexdigest()


def _is_words(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
