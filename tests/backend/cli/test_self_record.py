# SPDX-License-Identifier: Apache-2.0
"""The note by which the add-on finds the backend: left by the commands that people run first."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unrender import __version__
from unrender.cli import doctor
from unrender.cli.self_record import record_self
from unrender_protocol.discovery import InstalledBackend, find_recorded_backend

Unrender = Callable[..., Any]


def test_the_noted_command_runs_this_unrender(home: Path) -> None:
    assert find_recorded_backend(home) is None
    record_self()
    noted = find_recorded_backend(home)
    assert noted == InstalledBackend((sys.executable, "-m", "unrender.cli.main"), __version__)
    said = subprocess.run([*noted.command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == f"unrender {__version__}\n"


def test_doctor_leaves_the_note(home: Path, unrender: Unrender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [])
    assert unrender("doctor").code == 0
    assert find_recorded_backend(home) is not None


def test_addon_leaves_the_note(home: Path, tmp_path: Path, unrender: Unrender) -> None:
    unrender("addon", "uninstall", "--blender", tmp_path / "none")
    assert find_recorded_backend(home) is not None


def test_a_data_home_that_cannot_be_written_to_is_left_to_others_to_complain_about(home: Path) -> None:
    home.touch()  # a file where the folder should be; not even root can write into it
    record_self()
    assert home.is_file()
