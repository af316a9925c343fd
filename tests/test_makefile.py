"""The environment make installs the locked packages into, with a stand-in for every Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
STAND_IN = """#!/bin/sh
echo "$*" >> "{log}"
"""


@pytest.fixture
def project(tmp_path):
    """A project folder with the Makefile and a lock, in a folder that holds another's environment as well."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(REPOSITORY / name, root)
    for environment in (root / ".venv", tmp_path / "others"):
        python_at(environment / "bin" / "python", tmp_path)
        (environment / "ok").touch()
        os.utime(environment / "ok", (0, 0))  # older than the lock
    python_at(tmp_path / "python3", tmp_path)
    return root


def python_at(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN.format(log=tmp_path / "calls"))
    path.chmod(0o755)


def environments_made(project: Path, *arguments: str) -> list[str]:
    """What `python -m venv` was called with when make brings the environment up to date."""
    command = ["make", "-s", "-C", str(project), f"PYTHON={project.parent / 'python3'}", "run", *arguments]
    subprocess.run(command, capture_output=True, text=True, check=True)
    calls = (project.parent / "calls").read_text().splitlines()
    assert any("pip install" in call and "requirements.lock" in call for call in calls)
    return [call.removeprefix("-m venv ") for call in calls if call.startswith("-m venv ")]


@pytest.mark.parametrize("named", [(), ("VENV=./.venv/",)])
def test_the_projects_own_environment_is_made_anew_for_a_new_lock(project, named):
    (made,) = environments_made(project, *named)
    assert made.startswith("--clear")


def test_an_environment_of_somebody_elses_is_installed_into_and_never_emptied(project):
    assert environments_made(project, f"VENV={project.parent / 'others'}") == []


def test_a_folder_without_an_environment_gets_one_and_keeps_what_lies_in_it(project, tmp_path):
    python_at(tmp_path / "folder" / "bin" / "python", tmp_path)
    (tmp_path / "folder" / "bin" / "python").chmod(0o644)
    command = f"PYTHON={tmp_path / 'python3'}"
    subprocess.run(
        ["make", "-s", "-C", str(project), command, f"VENV={tmp_path / 'folder'}", "run"],
        capture_output=True,
        check=False,  # the stand-in makes no environment, so installing into it fails
    )
    assert f"-m venv {tmp_path / 'folder'}" in (tmp_path / "calls").read_text().splitlines()


def test_a_day_without_airflow_says_how_it_is_called():
    command = [sys.executable, str(REPOSITORY / "bench" / "day.py"), "--help"]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=bare).stdout
    assert "settings YYYY-MM-DD" in told
