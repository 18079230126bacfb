# SPDX-License-Identifier: Apache-2.0
"""Blender is killed with three of nine shapes imported, and opened again; the backend is the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.blender_addon.case_runs import CASES
from tests.blender_addon.test_in_blender import make_model
from unrender_protocol.discovery import process_is_alive


def test_nothing_is_lost_and_no_process_stays(blender_python: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_model(home / "runs" / "stools-8")
    environment = os.environ | {
        "UNRENDER_HOME": str(home),
        "UNRENDER_BACKEND": sys.executable,
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }

    def run(cases: str) -> subprocess.CompletedProcess[str]:
        command = [str(blender_python), str(CASES / "runner.py"), str(CASES / cases)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)

    killed = run("killed_cases.py")
    assert (home / "killed").is_file(), killed.stdout + killed.stderr[-3000:]
    assert killed.returncode != 0
    backend = int((home / "killed").read_text().split()[0])
    end = time.monotonic() + 30.0
    while process_is_alive(backend):
        assert time.monotonic() < end, "the backend outlived the Blender that had started it"
        time.sleep(0.05)
    reopened = run("reopened_cases.py")
    outcomes = [json.loads(line)["failure"] for line in reopened.stdout.splitlines()]
    assert outcomes == [""], reopened.stdout + reopened.stderr[-3000:]
