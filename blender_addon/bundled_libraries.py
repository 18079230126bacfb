# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries inside the add-on's zip for Blender 3.4 to 4.1, which knows no wheels.

That zip carries a folder `libraries`, with one folder for each Python and system. An extension (Blender 4.2 and newer)
has no such folder: Blender itself has put its wheels in place, and nothing here does anything.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

LIBRARIES = Path(__file__).with_name("libraries")
_SYSTEMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


def library_folders(libraries: Path = LIBRARIES) -> list[Path]:
    """The folders that fit this Python on this computer, those that there are."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    system = _SYSTEMS.get(sys.platform, sys.platform)
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    names = ("any", f"{python}-{system}-{machine}", f"{python}-{system}")
    return [libraries / name for name in names if (libraries / name).is_dir()]


def add_to_path() -> None:
    """Let Python find the libraries, after everything it finds by itself: a system's own pyzmq goes first."""
    if LIBRARIES.is_dir():
        sys.path += [str(folder) for folder in library_folders() if str(folder) not in sys.path]


def take_from_path() -> None:
    """Leave Python's path as it was."""
    inside = str(LIBRARIES)
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(inside)]
