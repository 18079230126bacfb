# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator as a supervised child: started where it is found, and gone when Blender is.

The child gets a pipe as its standard input and exits at its end, so it cannot outlive a Blender that crashed. It
takes a free port and says on its standard output where it listens.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from . import events
from .inbox import Inbox
from .news import BackendNews, LogLine, News
from .problems import NO_BACKEND, Problem, backend_exited
from .states import Endpoint

STOP_SECONDS = 5.0  # between asking, terminating and killing
BACKEND_VARIABLE = "UNRENDER_BACKEND"
# Blender's own Python must not leak into the backend's.
HIDDEN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def find_backend(chosen: str, beside: Path, environment: Mapping[str, str]) -> list[str] | None:
    """The command that runs `unrender`, or None where none is found.

    Args:
        chosen: the preferences' path: an environment folder, its Python, or the `unrender` program; may be empty.
        beside: the folder of the add-on; an environment `.venv` beside it counts (a checkout).
        environment: where `UNRENDER_BACKEND` (the same kinds of path) and PATH are looked up.
    """
    for named in (chosen, environment.get(BACKEND_VARIABLE, "")):
        if named:
            return _command(Path(named).expanduser())
    command = _command(beside.parent / ".venv")
    if command is not None:
        return command
    for folder in environment.get("PATH", "").split(os.pathsep):
        program = Path(folder) / _executable("unrender")
        if folder and program.is_file():
            return [str(program)]
    return None


def _command(path: Path) -> list[str] | None:
    if path.is_dir():
        inside = path / ("Scripts" if sys.platform == "win32" else "bin")
        path = next((p for name in ("unrender", "python") if (p := inside / _executable(name)).is_file()), path)
    if not path.is_file():
        return None
    if path.stem.lower().startswith("python"):
        return [str(path), "-m", "unrender.cli.main"]
    return [str(path)]


def _executable(name: str) -> str:
    return f"{name}.exe" if sys.platform == "win32" else name


class BackendProcess:
    """A `Backend`: at most one child at a time, each with a thread that starts it, reads what it says, and ends it.

    Args:
        inbox: where the news goes.
        find_command: looks for the backend; called for every start, so that a changed preference counts at once.
        read_announcement: the endpoint in a line of the child's output, or None where the line is none.
    """

    def __init__(
        self,
        inbox: Inbox[News],
        find_command: Callable[[], list[str] | None],
        read_announcement: Callable[[str], Endpoint | None],
    ) -> None:
        self._inbox = inbox
        self._find_command = find_command
        self._read_announcement = read_announcement
        self._number = 0
        self._child: _Child | None = None

    def start(self) -> int:
        """Start the child; returns the number that its news will carry."""
        self.stop()
        self._number += 1
        command = self._find_command()
        if command is None:
            self._inbox.put(BackendNews(self._number, events.BackendExited(time.monotonic(), NO_BACKEND)))
        else:
            self._child = _Child(command, self._number, self._inbox, self._read_announcement)
        return self._number

    def stop(self) -> None:
        """Ask the child to end, if one runs; its thread sees to it that it does."""
        if self._child is not None:
            self._child.end()

    def shut_down(self, timeout: float) -> None:
        """Stop the child and wait for its end at most `timeout` seconds."""
        self.stop()
        if self._child is not None:
            self._child.thread.join(timeout)
            self._child = None


class _Child:
    def __init__(
        self,
        command: list[str],
        number: int,
        inbox: Inbox[News],
        read_announcement: Callable[[str], Endpoint | None],
    ) -> None:
        self._command = command
        self._number = number
        self._inbox = inbox
        self._read_announcement = read_announcement
        self._lock = threading.Lock()
        self._wanted = True
        self._process: subprocess.Popen[str] | None = None
        self.thread = threading.Thread(target=self._run, name="unrender-backend", daemon=True)
        self.thread.start()

    def end(self) -> None:
        with self._lock:
            self._wanted = False
            process = self._process
        if process is not None and process.stdin is not None:
            try:
                process.stdin.close()  # the child takes this as its parent's end
            except OSError:
                return  # it is gone already
            threading.Thread(target=self._insist, args=(process,), name="unrender-stop", daemon=True).start()

    def _insist(self, process: subprocess.Popen[str]) -> None:
        for harder in (process.terminate, process.kill):
            try:
                process.wait(STOP_SECONDS)
                return
            except subprocess.TimeoutExpired:
                harder()

    def _run(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
                encoding="utf-8",
                errors="replace",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._report(Problem("no_backend", f"The generator cannot be started: {error}.", NO_BACKEND.hint))
            return
        with self._lock:
            self._process = process
            wanted = self._wanted
        if not wanted:
            self.end()
        last = self._listen(process)
        code = process.wait()
        self._report(backend_exited(code, last))

    def _listen(self, process: subprocess.Popen[str]) -> str:
        """Read what the child says until it ends; returns its last line."""
        last = ""
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.strip()
            endpoint = self._read_announcement(line)
            if endpoint is not None:
                self._inbox.put(BackendNews(self._number, events.BackendStarted(time.monotonic(), endpoint)))
            elif line:
                last = line
                self._inbox.put(LogLine(f"generator: {line}"))
        return last

    def _report(self, problem: Problem) -> None:
        self._inbox.put(BackendNews(self._number, events.BackendExited(time.monotonic(), problem)))
