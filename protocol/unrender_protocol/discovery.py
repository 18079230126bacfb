# SPDX-License-Identifier: Apache-2.0
"""How an add-on finds the server on the same computer, and the program that would be one: small private files.

Both lie in the data home. `server.json` is there while a server runs; `backend.json` stays, so that an add-on can start
the backend wherever it was installed. Since the add-on runs the command in it, a file that others may write is refused.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import KeyFileError, ProtocolError
from .pairing import Pairing
from .private_files import read_private_file, write_private_file
from .schema import from_plain, to_plain

HOME_VARIABLE = "UNRENDER_HOME"
FILE_NAME = "server.json"
BACKEND_FILE_NAME = "backend.json"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server on this computer: where it listens, the word it wants to hear, its process."""

    address: str
    token: str = field(repr=False)
    pid: int
    package_version: str = ""

    @property
    def pairing(self) -> Pairing:
        """What a client needs to connect."""
        return Pairing(self.address, self.token)


@dataclass(frozen=True, slots=True)
class InstalledBackend:
    """A backend on this computer: the command that runs `unrender`, to be followed by its arguments."""

    command: tuple[str, ...]
    version: str = ""


def data_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of Unrender's data: UNRENDER_HOME, or the system's place for a user's data.

    The same place as `platformdirs.user_data_path("unrender")`, which Blender's Python does not have.
    """
    if environment.get(HOME_VARIABLE):
        return Path(environment[HOME_VARIABLE]).expanduser().absolute()
    if sys.platform == "win32":
        local = environment.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(local) / "unrender" / "unrender"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "unrender"
    shared = environment.get("XDG_DATA_HOME", "").strip() or str(Path.home() / ".local" / "share")
    return Path(shared) / "unrender"


def publish_local_server(home: Path, server: LocalServer) -> Path:
    """Write the file that tells clients about `server`, readable by this user only; return its path."""
    path = home / FILE_NAME
    write_private_file(path, json.dumps(to_plain(server), indent=1) + "\n")
    return path


def find_local_server(home: Path) -> LocalServer | None:
    """Return the server on this computer, None where none runs.

    Raises `KeyFileError` where the file is damaged or others may read it.
    """
    path = home / FILE_NAME
    try:
        server = from_plain(LocalServer, json.loads(read_private_file(path)))
    except FileNotFoundError:
        return None
    except (ValueError, ProtocolError) as error:
        raise KeyFileError(f"{path} is damaged; remove it, and start the server again") from error
    return server if process_is_alive(server.pid) else None


def withdraw_local_server(home: Path, pid: int | None = None) -> None:
    """Remove the file, if it still speaks of process `pid` (default: this one)."""
    path = home / FILE_NAME
    try:
        server = from_plain(LocalServer, json.loads(read_private_file(path)))
    except (OSError, ValueError, ProtocolError, KeyFileError):
        return
    if server.pid == (os.getpid() if pid is None else pid):
        path.unlink(missing_ok=True)


def record_backend(home: Path, backend: InstalledBackend) -> None:
    """Note where the backend is installed; a file that says so already is left alone.

    Raises `OSError` where the home cannot be written to.
    """
    path = home / BACKEND_FILE_NAME
    text = json.dumps(to_plain(backend), indent=1) + "\n"
    try:
        if read_private_file(path) == text:
            return
    except (OSError, KeyFileError):
        pass
    write_private_file(path, text)


def find_recorded_backend(home: Path) -> InstalledBackend | None:
    """Return the backend that was noted last, None where there is none or its program is gone.

    Raises `KeyFileError` where the file is damaged or others may read it.
    """
    path = home / BACKEND_FILE_NAME
    try:
        backend = from_plain(InstalledBackend, json.loads(read_private_file(path)))
    except FileNotFoundError:
        return None
    except (ValueError, ProtocolError) as error:
        raise KeyFileError(f"{path} is damaged; remove it, and run unrender doctor") from error
    return backend if backend.command and Path(backend.command[0]).is_file() else None


def process_is_alive(pid: int) -> bool:
    """Return whether there is a process `pid` on this computer."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _windows_process_is_alive(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True


def _windows_process_is_alive(pid: int) -> bool:
    """Ask the process handle: on Windows, os.kill with signal 0 would end the process."""
    import ctypes

    synchronize, timed_out = 0x00100000, 0x102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == timed_out)
    finally:
        kernel.CloseHandle(handle)
