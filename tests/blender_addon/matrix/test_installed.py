# SPDX-License-Identifier: Apache-2.0
"""The built zip on each version of Blender: installed, enabled, used with the real server, disabled and removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.blender_addon.case_runs import names_of_cases
from tests.blender_addon.test_in_blender import make_model
from tests.blender_addon.textured_model import MODEL, make_textured_model

HERE = Path(__file__).parent
ADDON_CASES = HERE.parent / "blender_cases"
INSTALLED_CASES = HERE / "installed_cases"
ONE_BLENDER_EACH = {"killed_cases", "reopened_cases"}  # one ends Blender in the middle, the other comes after it
# The first see Blender as it starts, the last take the add-on away.
CASE_FILES = (
    INSTALLED_CASES / "bundled_cases.py",
    INSTALLED_CASES / "registration_cases.py",
    *sorted(path for path in ADDON_CASES.glob("*_cases.py") if path.stem not in ONE_BLENDER_EACH),
    INSTALLED_CASES / "server_cases.py",
    INSTALLED_CASES / "removal_cases.py",
)
CASES = [(path.stem, name) for path in CASE_FILES for name in names_of_cases(path)]
VERSIONS = [
    pytest.param("5.0"),
    pytest.param("5.2", marks=pytest.mark.blenders),
    pytest.param("4.2", marks=pytest.mark.blenders),
]


@dataclass(frozen=True, slots=True)
class Visit:
    """What happened in the two processes of one version: the installation, and the cases in the next start."""

    installed: Mapping[str, Any]
    install_code: int
    failures: Mapping[tuple[str, str], str]  # by file and case, '' where it passed
    code: int
    log: str
    left_processes: tuple[str, ...]


@pytest.fixture(scope="module")
def visit(python_of_version: Path, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Install the zip into a Blender without settings, end it, start it again and run all cases."""
    home, resources = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("blender")
    make_model(home / "runs" / "stools-8")
    make_textured_model(home / "runs" / MODEL)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BLENDER"))}
    environment |= {
        "BLENDER_USER_RESOURCES": str(resources),
        "UNRENDER_HOME": str(home),
        "UNRENDER_BACKEND": sys.executable,
        "UNRENDER_BLENDER_PYTHON": str(python_of_version),
        "OMP_NUM_THREADS": "1",
    }

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(python_of_version), "-I", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540)

    installation = run(HERE / "install.py", extension_zip)
    assert installation.returncode == 0, installation.stderr[-3000:]
    ran = run(ADDON_CASES / "runner.py", "--installed", *CASE_FILES)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return Visit(
        json.loads(installation.stdout),
        installation.returncode,
        {(line["file"], line["case"]): line["failure"] for line in lines},
        ran.returncode,
        ran.stderr[-3000:],
        tuple(_processes_of(home)),
    )


def _processes_of(home: Path) -> list[str]:
    """Command lines of processes that were started with this data home and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("UNRENDER_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("python_of_version", VERSIONS, indirect=True)
def test_installing_enables_it_and_loads_no_library(visit: Visit) -> None:
    assert visit.installed["installed"] == ["FINISHED"]
    assert visit.installed["enabled"]
    assert visit.installed["heavy"] == []
    assert visit.install_code == 0


@pytest.mark.parametrize("python_of_version", VERSIONS, indirect=True)
@pytest.mark.parametrize(("file", "case"), CASES)
def test_case(visit: Visit, file: str, case: str) -> None:
    failure = visit.failures.get((file, case), f"not run: Blender ended with {visit.code}\n{visit.log}")
    assert not failure, failure


@pytest.mark.parametrize("python_of_version", VERSIONS, indirect=True)
def test_blender_ends_and_leaves_no_process(visit: Visit) -> None:
    assert visit.code == 0, visit.log
    assert visit.left_processes == ()
