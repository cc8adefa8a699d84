"""The Binder image: what repo2docker would build from `binder/`, read without Docker."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
NOT_PINNED = {"jupyterlab"}
"""Binder's base image has its own, and its other parts must fit to it."""


def pins(path):
    """The `name==version` lines of a requirements file, names in lower case."""
    found = re.findall(r"^([\w.-]+)==(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name.lower(): version for name, version in found}


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    """What `jupyter-repo2docker --no-build --debug` prints for a folder with our `binder/` in it."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(BINDER, folder / "binder")
    for name in ("pyproject.toml", "constraints.txt", "Makefile"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"HOME": str(folder.parent)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout + ran.stderr


def test_the_image_has_python_3_11(dockerfile):
    assert (BINDER / "runtime.txt").read_text(encoding="utf-8") == "python-3.11\n"
    assert "environment-2epy-2d3-2e11" in dockerfile


def test_the_image_installs_our_requirements_before_it_copies_the_code(dockerfile):
    install, copy = (
        'pip install --no-cache-dir -r "binder/requirements.txt"',
        "COPY --chown=0:0 src/ ${REPO_DIR}/",
    )
    assert dockerfile.count(install) == dockerfile.count(copy) == 1
    assert dockerfile.index(install) < dockerfile.index(copy)


def test_the_image_runs_our_post_build_and_start_scripts(dockerfile):
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile


def test_the_image_has_every_dependency_of_the_course_at_the_tested_version():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    dependencies = project["dependencies"] + project["optional-dependencies"]["frameworks"]
    names = {re.match(r"[\w.-]+", line).group().lower() for line in dependencies} - NOT_PINNED
    tested = pins(ROOT / "constraints.txt")
    assert pins(BINDER / "requirements.txt") == {name: tested[name] for name in names}


def test_start_sets_one_thread_and_hands_over_to_the_command():
    program = "import os, sys; print(os.environ['OMP_NUM_THREADS'], sys.argv[1:])"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [str(BINDER / "start"), sys.executable, "-c", program, "two words"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "1 ['two words']\n"


def test_the_scripts_can_be_executed():
    assert all(os.access(BINDER / name, os.X_OK) for name in ("start", "postBuild"))


def test_jupyterlab_would_accept_each_of_our_settings():
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, settings in json.loads((BINDER / "overrides.json").read_text(encoding="utf-8")).items():
        package, _, name = plugin.rpartition(":")
        properties = json.loads((schemas / package / f"{name}.json").read_text(encoding="utf-8"))[
            "properties"
        ]
        assert settings.keys() <= properties.keys(), plugin
