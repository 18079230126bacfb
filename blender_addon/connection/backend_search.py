# SPDX-License-Identifier: GPL-3.0-or-later
"""Where on this computer the generator is installed.

A Blender that was started from a desktop sees little of the user's PATH, so the usual places are looked into as well,
and the note that the generator leaves when it is run (`scripts/demo`, `unrender doctor`, `unrender serve`) is read.
Files are asked for, so this runs in a thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .problems import NO_BACKEND, NextStep, Problem

BACKEND_VARIABLE = "UNRENDER_BACKEND"
PROGRAM = "unrender.exe" if sys.platform == "win32" else "unrender"
PYTHONS = ("python.exe",) if sys.platform == "win32" else ("python", "python3")
BIN = "Scripts" if sys.platform == "win32" else "bin"


@dataclass(frozen=True, slots=True)
class FoundBackend:
    """The command that runs `unrender`, and the place for the artist to read."""

    command: tuple[str, ...]
    place: str


def find_backend(chosen: str, beside: Path, environment: Mapping[str, str], home: Path) -> FoundBackend | None:
    """The generator on this computer, or None where none is found.

    Args:
        chosen: the preferences' path: an environment folder, its Python, or the `unrender` program; may be empty.
        beside: the folder of the add-on; an environment `.venv` beside it counts (a checkout).
        environment: where `UNRENDER_BACKEND` (the same kinds of path) and PATH are looked up.
        home: the user's home folder.
    """
    for named in (chosen, environment.get(BACKEND_VARIABLE, "")):
        if named.strip():
            path = Path(named.strip()).expanduser()
            return _found(_command(path), path, home)
    for found in _candidates(beside, environment, home):
        if found is not None:
            return found
    return None


def not_found(chosen: str) -> Problem:
    """What to say where `find_backend` finds nothing."""
    if not chosen.strip():
        return NO_BACKEND
    return Problem(
        NO_BACKEND.tag,
        f"There is no generator in {chosen.strip()}.",
        "Choose the folder of its environment (.venv) in the preferences, or leave the field empty.",
        NextStep.OPEN_PREFERENCES,
        NO_BACKEND.command,
    )


def _candidates(beside: Path, environment: Mapping[str, str], home: Path) -> Iterator[FoundBackend | None]:
    checkout = beside.parent / ".venv"
    yield _found(_command(checkout), checkout, home)
    yield _recorded(environment, home)
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    for folder in (*folders, *_usual_folders(environment, home)):
        program = folder / PROGRAM
        yield _found((str(program),) if program.is_file() else None, program, home)
    for venvs in _pipx_folders(environment, home):
        yield _found(_command(venvs / "unrender"), venvs / "unrender", home)


def _recorded(environment: Mapping[str, str], home: Path) -> FoundBackend | None:
    """What the generator has noted about itself; nothing where it is gone since, or the note cannot be trusted."""
    try:
        from unrender_protocol.discovery import data_home, find_recorded_backend
        from unrender_protocol.errors import WireError
    except ImportError:  # said by the connection itself
        return None
    try:
        record = find_recorded_backend(data_home(environment))
    except (WireError, OSError):
        return None
    if record is None:
        return None
    program = Path(record.command[0])
    environment_folder = program.parent.parent
    in_environment = (environment_folder / "pyvenv.cfg").is_file()
    return _found(record.command, environment_folder if in_environment else program, home)


def _usual_folders(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Where pip and pipx put programs."""
    if sys.platform == "win32":
        roaming = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
        yield from sorted((roaming / "Python").glob("Python3*/Scripts"), reverse=True)
    elif sys.platform == "darwin":
        yield from sorted((home / "Library" / "Python").glob("3*/bin"), reverse=True)
        yield Path("/opt/homebrew/bin")
    yield home / ".local" / "bin"
    if sys.platform != "win32":
        yield Path("/usr/local/bin")


def _pipx_folders(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    if environment.get("PIPX_HOME"):
        yield Path(environment["PIPX_HOME"]) / "venvs"
    yield home / ".local" / "share" / "pipx" / "venvs"
    yield home / ".local" / "pipx" / "venvs"
    yield home / "pipx" / "venvs"


def _command(path: Path) -> tuple[str, ...] | None:
    if path.is_dir():
        inside = path / BIN
        path = next((program for name in (PROGRAM, *PYTHONS) if (program := inside / name).is_file()), path)
    if not path.is_file():
        return None
    if path.stem.lower().startswith("python"):
        return (str(path), "-m", "unrender.cli.main")
    return (str(path),)


def _found(command: tuple[str, ...] | None, place: Path, home: Path) -> FoundBackend | None:
    if command is None:
        return None
    shown = Path("~") / place.relative_to(home) if place.is_relative_to(home) else place
    return FoundBackend(command, str(shown))
