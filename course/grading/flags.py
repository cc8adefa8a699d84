"""A static look at an exercise cell: does it reach for the grader, or for the library's own answers?

A flag takes no marks away. It asks the instructor to read the cell.
"""

import ast

from course.exercises.exercise import Exercise

_MODULES = {
    "builtins",
    "ctypes",
    "gc",
    "importlib",
    "inspect",
    "IPython",
    "ipykernel",
    "signal",
    "subprocess",
}
_NAMES = {
    "StandIn", "__builtins__", "__import__", "compile", "delattr", "eval", "exec", "exit", "get_ipython",
    "globals", "quit", "setattr", "vars",
}  # fmt: skip
_ATTRIBUTES = {
    "__class__", "__closure__", "__code__", "__globals__", "__subclasses__", "_exit", "_getframe", "environ",
    "exercise", "f_back", "f_globals", "reference",
}  # fmt: skip
_OURS = {"begin", "check", "claim", "hint", "quiz"}


def suspicions(code: str, exercise: Exercise, *, given: str = "") -> tuple[str, ...]:
    """What in a cell asks for a human look, each as a few words; nothing if the cell cannot be parsed.

    Args:
        code: the learner's exercise cell.
        exercise: which one it answers.
        given: the cell as it was handed out; what is in there already is not held against anyone.

    Limits: it reads the text, so it is a net for the careless and not a wall.
    """
    allowed = set(_suspicions(given, exercise))
    return tuple(dict.fromkeys(flag for flag in _suspicions(code, exercise) if flag not in allowed))


def _suspicions(code: str, exercise: Exercise) -> list[str]:
    tree = _parse(code)
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }  # fmt: skip
    # A parameter or variable of the learner's own may have its attributes set; a module may not.
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} | _stored_names(tree)
    flags = []
    for node in ast.walk(tree):
        flags += _of_import(node) + _of_name(node, exercise) + _of_attribute(node, own - imported)
    return flags


def _of_import(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = [node.module or "."]
    else:
        return []
    return [f"imports {module}" for module in modules if module.partition(".")[0] in {"course", *_MODULES}]


def _of_name(node: ast.AST, exercise: Exercise) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in _OURS:
        return [f"redefines {node.name}"]
    if isinstance(node, ast.alias) and node.asname in _OURS:
        return [f"redefines {node.asname}"]
    if isinstance(node, ast.ImportFrom) and exercise.name in {
        alias.asname or alias.name for alias in node.names
    }:
        return [f"imports {exercise.name} ready-made"]
    if not isinstance(node, ast.Name):
        return []
    if node.id in _OURS and not isinstance(node.ctx, ast.Load):
        return [f"redefines {node.id}"]
    return [f"uses {node.id}"] if node.id in _NAMES else []


def _of_attribute(node: ast.AST, own: set[str]) -> list[str]:
    if not isinstance(node, ast.Attribute):
        return []
    if isinstance(node.ctx, ast.Load):
        whole = ast.unparse(node)
        return [f"uses {whole}"] if node.attr in _ATTRIBUTES or whole == "sys.modules" else []
    root = node.value
    while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
        root = root.func if isinstance(root, ast.Call) else root.value
    foreign = isinstance(root, ast.Name) and root.id not in own
    return [f"changes {ast.unparse(node)}"] if foreign else []


def _stored_names(tree: ast.AST) -> set[str]:
    return {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _parse(code: str) -> ast.AST:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        # `!command` and `%magic` become calls of get_ipython(), which is on the list.
        return ast.parse(TransformerManager().transform_cell(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])
