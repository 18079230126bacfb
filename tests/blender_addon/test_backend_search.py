# SPDX-License-Identifier: Apache-2.0
"""Where the add-on looks for the generator: in which order, and what it makes of a place that is gone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from blender_addon.connection.backend_search import BIN, PROGRAM, FoundBackend, find_backend, not_found
from unrender_protocol.discovery import (
    BACKEND_FILE_NAME,
    InstalledBackend,
    find_recorded_backend,
    record_backend,
)
from unrender_protocol.errors import KeyFileError


class Computer:
    """A home folder, a data home and a checkout in a scratch folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.data = folder / "data"
        self.addon = folder / "checkout" / "blender_addon"
        for made in (self.home, self.data, self.addon):
            made.mkdir(parents=True)
        self.variables = {"PATH": "", "UNRENDER_HOME": str(self.data), "APPDATA": str(self.home / "AppData")}

    def environment(self, folder: Path) -> Path:
        """A virtual environment with the program in it."""
        (folder / BIN).mkdir(parents=True)
        (folder / BIN / PROGRAM).touch()
        (folder / "pyvenv.cfg").touch()
        return folder

    def find(self, chosen: str = "") -> FoundBackend | None:
        return find_backend(chosen, self.addon, self.variables, self.home)

    def command(self, chosen: str = "") -> tuple[str, ...] | None:
        found = self.find(chosen)
        return found.command if found else None


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def program(folder: Path) -> tuple[str]:
    return (str(folder / BIN / PROGRAM),)


def test_the_places_in_their_order(computer: Computer, tmp_path: Path) -> None:
    """Each place that is added wins over those before it."""
    assert computer.find() is None
    pipx = computer.environment(computer.home / ".local" / "share" / "pipx" / "venvs" / "unrender")
    assert computer.command() == program(pipx)
    usual = computer.home / ".local" / "bin" / PROGRAM
    usual.parent.mkdir(parents=True)
    usual.touch()
    assert computer.command() == (str(usual),)
    on_path = computer.environment(tmp_path / "path")
    computer.variables["PATH"] = os.pathsep.join(["", str(tmp_path / "gone"), str(on_path / BIN)])
    assert computer.command() == program(on_path)
    noted = computer.environment(tmp_path / "noted")
    record_backend(computer.data, InstalledBackend((str(noted / BIN / PROGRAM), "-x"), "1.0"))
    assert computer.command() == (*program(noted), "-x")
    beside = computer.environment(tmp_path / "checkout" / ".venv")
    assert computer.command() == program(beside)
    named = computer.environment(tmp_path / "named")
    computer.variables["UNRENDER_BACKEND"] = str(named)
    assert computer.command() == program(named)
    chosen = computer.environment(tmp_path / "chosen")
    assert computer.command(str(chosen)) == program(chosen)
    assert computer.command(sys.executable) == (sys.executable, "-m", "unrender.cli.main")


def test_a_choice_that_is_wrong_is_not_overruled(computer: Computer, tmp_path: Path) -> None:
    computer.environment(tmp_path / "checkout" / ".venv")
    nothing = str(tmp_path / "nothing")
    assert computer.find(nothing) is None
    assert nothing in not_found(nothing).message
    assert not_found("").command


def test_the_place_is_shown_as_a_person_writes_it(computer: Computer, tmp_path: Path) -> None:
    environment = computer.environment(computer.home / "unrender" / ".venv")
    found = computer.find(str(environment))
    assert found is not None
    assert found.place == os.path.join("~", "unrender", ".venv")  # noqa: PTH118
    record_backend(computer.data, InstalledBackend((str(environment / BIN / PROGRAM),)))
    assert computer.find() == found, "of a noted environment its folder is shown"
    elsewhere = computer.environment(tmp_path / "elsewhere")
    assert computer.find(str(elsewhere)).place == str(elsewhere)


def test_a_noted_backend_that_is_gone_is_ignored(computer: Computer, tmp_path: Path) -> None:
    noted = computer.environment(tmp_path / "noted")
    record_backend(computer.data, InstalledBackend(program(noted)))
    (noted / BIN / PROGRAM).unlink()
    assert find_recorded_backend(computer.data) is None
    assert computer.find() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"command": 5}', '{"command": []}', '{"other": 1}'])
def test_a_damaged_note_is_ignored_and_replaced(computer: Computer, tmp_path: Path, text: str) -> None:
    note = computer.data / BACKEND_FILE_NAME
    note.touch(mode=0o600)
    note.write_text(text)
    assert computer.find() is None
    noted = computer.environment(tmp_path / "noted")
    record_backend(computer.data, InstalledBackend(program(noted)))
    assert computer.command() == program(noted)


@pytest.mark.skipif(os.name != "posix", reason="mode bits mean nothing on Windows")
def test_a_note_that_others_may_write_is_not_run(computer: Computer, tmp_path: Path) -> None:
    noted = computer.environment(tmp_path / "noted")
    record_backend(computer.data, InstalledBackend(program(noted)))
    (computer.data / BACKEND_FILE_NAME).chmod(0o666)
    with pytest.raises(KeyFileError):
        find_recorded_backend(computer.data)
    assert computer.find() is None


def test_a_note_that_says_so_already_is_not_written_again(computer: Computer, tmp_path: Path) -> None:
    backend = InstalledBackend(program(computer.environment(tmp_path / "noted")), "1.0")
    record_backend(computer.data, backend)
    note = computer.data / BACKEND_FILE_NAME
    before = note.stat().st_mtime_ns, note.stat().st_ino
    record_backend(computer.data, backend)
    assert (note.stat().st_mtime_ns, note.stat().st_ino) == before
    record_backend(computer.data, InstalledBackend(backend.command, "2.0"))
    assert find_recorded_backend(computer.data).version == "2.0"
