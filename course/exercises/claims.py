"""`claim`: a sentence that states a result, checked by the notebook each time it runs."""

import ast
import inspect
import numbers

import executing

from course.exercises.boxes import Box, show

_READABLE_NODES = (
    ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop,
    ast.expr_context, ast.Slice, ast.Tuple,
)  # fmt: skip


class ClaimFailed(AssertionError):
    """A sentence of the lesson is not true of the numbers above it."""


def claim(sentence: str, condition: bool) -> None:
    """State a result and check it.

    Args:
        sentence: the result, as you would say it.
        condition: what makes it true, written out at the call (`slow > 2 * fast`), so that the
            numbers in it can be shown beside the sentence.

    Raises:
        ClaimFailed: if the condition does not hold. A lesson must not say what is not so.
        ValueError: if the sentence is empty or the condition is not a single truth value.
    """
    if not isinstance(sentence, str) or not sentence.strip():
        raise ValueError(f"a claim needs a sentence, not {sentence!r}")
    holds = condition.item() if getattr(condition, "shape", None) == () else condition
    # Python calls any non-empty list or tuple true, so a stray comma would make a claim that cannot fail.
    if not isinstance(holds, bool):
        raise ValueError(f"the condition of a claim is one truth value, not {type(condition).__name__}")
    shown = _numbers_in_condition(inspect.currentframe().f_back)
    if not holds:
        raise ClaimFailed(f"this does not hold here: {sentence}" + (f" ({shown})" if shown else ""))
    show(Box("claim", sentence, shown))


def _numbers_in_condition(frame) -> str:
    """The parts of the condition that are plain numbers, with their values, read from the caller's source."""
    node = executing.Source.executing(frame).node
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return ""
    # A name inside a comprehension is not the caller's name, even if the caller has one like it.
    if any(isinstance(inner, ast.comprehension | ast.Lambda) for inner in ast.walk(node.args[1])):
        return ""
    parts = {}
    for compare in [n for n in ast.walk(node.args[1]) if isinstance(n, ast.Compare)]:
        for side in [compare.left, *compare.comparators]:
            value = _value_of(side, frame)
            if value is not None:
                parts[ast.unparse(side)] = value
    return ", ".join(f"{text} = {value}" for text, value in parts.items())


def _value_of(node: ast.expr, frame) -> str | None:
    # Only names, attributes, items and arithmetic are read again: a call might be slow or draw at random.
    inner = list(ast.walk(node))
    if not any(isinstance(n, ast.Name) for n in inner) or not all(
        isinstance(n, _READABLE_NODES) for n in inner
    ):
        return None
    try:
        value = eval(compile(ast.Expression(node), "<claim>", "eval"), frame.f_globals, frame.f_locals)
    except Exception:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    return f"{value:,}" if isinstance(value, numbers.Integral) else f"{value:.4g}"
