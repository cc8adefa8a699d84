"""The Makefile, without installing anything: what it says, what it repeats, and how it fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TARGETS = ("setup", "lab", "test", "build", "lint", "bench", "frameworks")
SHELL_TOOLS = ("sh", "env", "cat", "test", "printf", "echo", "rm", "mkdir", "cp", "pwd")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")


@pytest.fixture
def clone(tmp_path):
    """A folder with the files that the set-up reads, and nothing set up."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "binder", folder / "binder")
    return folder


@pytest.fixture
def bare_path(tmp_path):
    """A folder for PATH that has a shell's tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in SHELL_TOOLS:
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    return folder


def make(folder, *arguments, path=None):
    """Run make in a folder, unaffected by a make that may be running us."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    environment["PATH"] = str(path or os.environ["PATH"])
    for name in ("PYTHON", "CONSTRAINTS", "PYTEST_ARGS", "LAB_ARGS", "WORKERS"):
        environment.pop(name, None)
    command = [shutil.which("make"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def program(path, script):
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def pretend_set_up(clone, python=None):
    """Give a clone a .venv that looks finished; `python` is the shell script behind its interpreter."""
    interpreter = clone / ".venv" / "bin" / "python"
    program(interpreter, python or f'exec "{sys.executable}" "$@"')
    stamp = clone / ".venv" / "installed-constraints.txt"
    stamp.write_text(f"{clone.resolve()}\n")
    return stamp


def installs(clone, *arguments):
    """Whether `make setup` would call pip now."""
    ran = make(clone, "-n", "setup", *arguments)
    assert ran.returncode == 0, ran.stderr
    return "pip install" in ran.stdout


def test_make_alone_lists_every_entry_point(clone):
    listed = [line.split()[1] for line in make(clone).stdout.splitlines()]
    assert listed == list(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_every_entry_point_sets_up_first(clone, target):
    ran = make(clone, "-n", target)
    assert ran.returncode == 0, ran.stderr
    assert "pip install" in ran.stdout and "-c constraints.txt" in ran.stdout


def test_without_any_python_the_message_names_what_was_tried(clone, bare_path):
    ran = make(clone, "setup", path=bare_path)
    assert ran.returncode != 0
    assert "needs Python 3.11 or newer" in ran.stderr
    for name in ("python3.11", "python3.12", "python3.13", "python3"):
        assert f"  {name}: does not run" in ran.stderr


def test_an_interpreter_that_exists_but_fails_is_passed_over_quietly(clone, bare_path):
    program(bare_path / "python3.11", "echo 'shim: no such version' >&2; exit 127")
    ran = make(clone, "setup", path=bare_path)
    assert "python3.11: does not run" in ran.stderr
    assert "no such version" not in ran.stderr


def test_an_interpreter_that_is_too_old_is_named_with_its_version(clone, bare_path):
    program(bare_path / "python3", 'case "$2" in *exit*) exit 1;; *) echo 3.9;; esac')
    assert "python3: is Python 3.9" in make(clone, "setup", path=bare_path).stderr


def test_a_missing_venv_module_is_named_with_its_cure(clone, bare_path):
    script = f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
    program(bare_path / "python3.11", script)
    ran = make(clone, "setup", path=bare_path)
    version = "{}.{}".format(*sys.version_info)
    assert ran.returncode != 0
    assert "without its venv module" in ran.stderr
    assert f"apt install python{version}-venv" in ran.stderr


def test_an_installation_that_fails_says_what_to_do_and_is_tried_again(clone):
    stamp = pretend_set_up(clone, 'case "$*" in *"pip install"*) exit 1;; *) exit 0;; esac')
    stamp.unlink()
    ran = make(clone, "setup")
    assert ran.returncode != 0
    assert "set-up did not finish" in ran.stderr
    assert not stamp.exists() and installs(clone)


def test_a_finished_set_up_is_not_repeated(clone):
    pretend_set_up(clone)
    assert not installs(clone)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(clone, name):
    stamp = pretend_set_up(clone)
    later = stamp.stat().st_mtime + 10
    os.utime(clone / name, (later, later))
    assert installs(clone)


def test_a_moved_folder_is_installed_again(clone):
    pretend_set_up(clone)
    moved = clone.rename(clone.with_name("moved"))
    assert installs(moved)


def test_asking_for_the_latest_versions_installs_without_constraints(clone):
    pretend_set_up(clone)
    ran = make(clone, "-n", "setup", "CONSTRAINTS=")
    assert "--upgrade" in ran.stdout and "-c constraints.txt" not in ran.stdout


def test_make_test_runs_every_part_though_one_fails_and_says_which(clone):
    pretend_set_up(clone, 'case "$*" in *"ruff check"*) exit 3;; *) exit 0;; esac')
    ran = make(clone, "test")
    assert ran.returncode != 0
    assert ran.stdout.splitlines()[-5:] == [
        "style: FAILED (exit code 3)",
        "format: passed",
        "library, checkers and house: passed",
        "learners' notebooks: passed",
        "solved notebooks: passed",
    ]


def test_make_test_succeeds_when_every_part_does(clone):
    pretend_set_up(clone, "exit 0")
    ran = make(clone, "test")
    assert ran.returncode == 0, ran.stderr
    assert "FAILED" not in ran.stdout


def test_continuous_integration_runs_make_test_and_passes_its_exit_code_on(tmp_path):
    program(tmp_path / "make", 'echo "make $*"; exit 7')
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    script = ["bash", str(ROOT / ".ci" / "run")]
    ran = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.returncode) == ("make test", 7)
