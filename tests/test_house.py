"""The rules of the house: who imports whom, how long things are, and that nothing generated is stale."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lesson_factory import cut_lesson

from course.build import (
    as_text,
    build,
    check_build,
    learner_notebook,
    lesson_sources,
    solved_notebook,
    stale_files,
)

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "course").rglob("*.py"))
SOURCES = lesson_sources(ROOT)
LONGEST_MODULE, LONGEST_FUNCTION = 300, 50

MECHANISMS = {"data", "federated", "privacy", "crypto"}
TAUGHT = MECHANISMS | {"attacks", "hospital", "trade_off", "audit_lab", "frameworks"}
MAY_IMPORT = {
    "data": set(),
    "privacy": set(),
    "crypto": set(),
    "figures": set(),
    "federated": {"data", "privacy", "crypto"},
    "attacks": MECHANISMS,
    "hospital": MECHANISMS | {"attacks"},
    "trade_off": MECHANISMS,
    "audit_lab": MECHANISMS | {"attacks"},
    "frameworks": MECHANISMS | {"attacks", "hospital"},
    "exercises": TAUGHT | {"figures"},
    "interview": {"exercises", "build"},
    "grading": {"exercises", "build"},
    "build": {"exercises"},
    "grade": {"exercises", "grading"},
    "__main__": {"exercises", "build", "grade", "interview"},
    "__init__": set(),
}
"""Room → the rooms whose modules it may import, besides its own."""

MACHINE_PATH = re.compile(r"(?<![\w.}/])/(?:root|work|home/\w+|Users/\w+)/|[A-Z]:\\Users\\|/tmp/ipy[k]ernel")
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted",
    "registry.npm" + "js",
    "deb.deb" + "ian",
    "conda." + "anaconda",
)
TORCH_INDEX = "download.py" + "torch.org"
"""Allowed where people are told how to get the processor-only build, and nowhere else."""
MAY_NAME_TORCH_INDEX = ("README.md", "binder/", ".github/workflows/")


def rooms_imported(code):
    """The rooms of `course` that a module's code imports, wherever the import stands."""
    rooms = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("a relative import hides which room it means")
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("course.")}
    return rooms


def room_of(module):
    """The room that a module of `course/` is in: a folder, or its own name at the top."""
    return module.relative_to(ROOT / "course").parts[0].removesuffix(".py")


def tracked_text():
    """Path from the root → text, for each text file that git has or would add."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone, so it is not known which files belong to the project")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = {}
    for name in sorted(set(listed.split("\0")) - {""}):
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    return texts


def clone_of_lessons(folder):
    """A copy of the sources, with notebooks made from them but not run."""
    for source in SOURCES:
        for made, convert in (("notebooks", learner_notebook), ("solutions", solved_notebook)):
            (folder / made).mkdir(exist_ok=True)
            notebook = folder / made / f"{source.stem}.ipynb"
            notebook.write_text(as_text(convert(source)), encoding="utf-8")
        shutil.copy(source, folder / "solutions")
    return folder


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downward_only(module):
    room = room_of(module)
    assert room in MAY_IMPORT, f"{room} is no room of the house"
    upward = rooms_imported(module.read_text(encoding="utf-8")) - MAY_IMPORT[room] - {room}
    assert not upward, f"{room} may not import {sorted(upward)}"


@pytest.mark.parametrize(
    "code",
    [
        "import course.grade",
        "from course import grade",
        "from course.grade import x",
        "def f():\n import course.grade",
    ],
)
def test_the_rule_sees_every_way_to_import(code):
    assert rooms_imported(code) == {"grade"}


def lines_of_code(function):
    """How many lines a function has, its docstring not counted."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1) * documented


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(module):
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    functions = [
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {function.name: lines_of_code(function) for function in functions}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}


def test_a_docstring_does_not_make_a_function_long_but_its_code_does():
    plain, documented = ast.parse(
        'def f():\n    return 1\ndef g():\n    """A\n\n    B."""\n    return 1'
    ).body
    assert lines_of_code(plain) == lines_of_code(documented) == 2


def test_no_module_is_a_place_for_leftovers():
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert not {
        name for name in names if re.search(r"\b(utils?|common|helpers?|misc)\b", name.replace("_", " "))
    }


def test_no_file_names_a_path_of_one_machine():
    found = {name: MACHINE_PATH.findall(text) for name, text in tracked_text().items()}
    assert not {name: paths[:3] for name, paths in found.items() if paths}


def test_no_file_names_a_package_registry():
    found = []
    for name, text in tracked_text().items():
        hosts = [host for host in REGISTRIES if host in text]
        if TORCH_INDEX in text and not name.startswith(MAY_NAME_TORCH_INDEX):
            hosts.append(TORCH_INDEX)
        found += [f"{name}: {host}" for host in hosts]
    assert not found


def test_every_notebook_follows_from_its_source():
    assert [str(path.relative_to(ROOT)) for path in stale_files(ROOT)] == []


def test_one_changed_character_in_a_source_is_noticed_by_name(tmp_path, capsys):
    clone = clone_of_lessons(tmp_path)
    assert check_build(clone) == 0
    source = clone / "solutions" / SOURCES[1].name
    source.write_text(source.read_text(encoding="utf-8").replace("?", "!", 1), encoding="utf-8")
    capsys.readouterr()
    assert check_build(clone) == 1
    said = capsys.readouterr().out
    for name in (
        f"notebooks/{source.stem}.ipynb",
        f"solutions/{source.stem}.ipynb",
        f"solutions/{source.name}",
    ):
        assert name in said
    assert SOURCES[0].stem not in said


def test_a_notebook_without_a_source_is_noticed(tmp_path):
    clone = clone_of_lessons(tmp_path)
    shutil.copy(clone / "notebooks" / f"{SOURCES[0].stem}.ipynb", clone / "notebooks" / "99_stray.ipynb")
    assert clone / "notebooks" / "99_stray.ipynb" in stale_files(clone)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_converting_a_lesson_twice_gives_the_same_bytes(source):
    for convert in (learner_notebook, solved_notebook):
        assert as_text(convert(source)) == as_text(convert(source))


def test_building_and_running_twice_gives_the_same_bytes(tmp_path):
    built = []
    for name in ("first", "second"):
        cut_lesson("00", tmp_path / name)
        build(tmp_path / name)
        built.append([path.read_bytes() for path in sorted((tmp_path / name).glob("*/*.ipynb"))])
    assert len(built[0]) == 2
    assert built[0] == built[1]


def readme_writer():
    """The module that writes the README's tables; it is a script, so it is on no path."""
    sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
    try:
        import write_readme
    finally:
        sys.path.pop(0)
    return write_readme


@pytest.mark.parametrize("name", ["measured", "mcmahan", "round-time", "dp-sgd", "shadow-models"])
def test_the_readme_shows_what_was_measured(name):
    writer = readme_writer()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert writer.with_section(readme, name, writer.sections(ROOT, writer.RESULTS)[name]) == readme


def test_every_lesson_was_measured_and_keeps_to_its_budget():
    lessons = json.loads((readme_writer().RESULTS / "lessons.json").read_text(encoding="utf-8"))["lessons"]
    assert list(lessons) == [source.stem for source in SOURCES]
    for stem, runs in lessons.items():
        for kind, run in runs.items():
            assert run["seconds"] <= 90 and run["peak_mib"] <= 1536, f"{stem}, {kind}: {run}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_lesson_states_its_measured_time_and_memory(source):
    writer = readme_writer()
    lessons = json.loads((writer.RESULTS / "lessons.json").read_text(encoding="utf-8"))["lessons"]
    text = source.read_text(encoding="utf-8")
    assert writer.with_measured_header(text, lessons[source.stem]) == text


def test_a_measured_header_replaces_the_last_one_and_a_missing_one_is_an_error():
    writer = readme_writer()
    runs = {"solved": {"seconds": 51.2, "peak_mib": 700}, "unsolved": {"seconds": 40.0, "peak_mib": 701}}
    once = writer.with_measured_header("# *{{time and memory}} on one core.*", runs)
    assert once == "# *55 s and 750 MiB on one core.*"
    slower = runs | {"solved": {"seconds": 60.0, "peak_mib": 700}}
    assert writer.with_measured_header(once, slower) == "# *60 s and 750 MiB on one core.*"
    with pytest.raises(ValueError, match="not 0 times"):
        writer.with_measured_header("# no time here", runs)


def test_the_changelog_and_the_citation_name_the_version_of_the_package():
    from course import __version__

    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert __version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_link_inside_the_repository_leads_somewhere():
    broken = []
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "course/data/DATA_CARD.md"):
        page = ROOT / name
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{name}: {target}")
    assert not broken
