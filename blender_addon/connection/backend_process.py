# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator as a supervised child: started where it is found, and gone when Blender is.

The child gets a pipe as its standard input and exits at its end, so it cannot outlive a Blender that crashed. It
takes a free port and prints the pairing line that says where it listens. A server that already runs on this computer
is used instead; it is not ours to stop, but when it ends we start one of our own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from . import events
from .endpoints import EndpointError, find_local, read_endpoint
from .inbox import Inbox
from .news import BackendNews, LogLine, News
from .problems import NO_BACKEND, Problem, backend_exited
from .states import Endpoint

SERVE = ("serve", "--stop-with-stdin")
STOP_SECONDS = 5.0  # between asking, terminating and killing
WATCH_SECONDS = 1.0
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
        find_running: looks for a server that runs already; gives its endpoint and process id.
    """

    def __init__(
        self,
        inbox: Inbox[News],
        find_command: Callable[[], list[str] | None],
        find_running: Callable[[], tuple[Endpoint, int] | None] = find_local,
    ) -> None:
        self._inbox = inbox
        self._find_command = find_command
        self._find_running = find_running
        self._number = 0
        self._child: _Child | None = None

    def start(self) -> int:
        """Start the child; returns the number that its news will carry."""
        self.stop()
        self._number += 1
        self._child = _Child(self._find_command(), self._number, self._inbox, self._find_running)
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
    """One start: the thread, and the process where it had to make one."""

    def __init__(
        self,
        command: list[str] | None,
        number: int,
        inbox: Inbox[News],
        find_running: Callable[[], tuple[Endpoint, int] | None],
    ) -> None:
        self._command = command
        self._number = number
        self._inbox = inbox
        self._find_running = find_running
        self._lock = threading.Lock()
        self._unwanted = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self.thread = threading.Thread(target=self._run, name="unrender-backend", daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Ask the process to end; insist from another thread, so that nobody waits here."""
        with self._lock:
            self._unwanted.set()
            process = self._process
        if process is not None and process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):  # it is gone already
                process.stdin.close()  # the child takes this as its parent's end
            threading.Thread(target=_insist, args=(process,), name="unrender-stop", daemon=True).start()

    def _run(self) -> None:
        try:
            running = self._find_running()
        except Exception as error:  # a damaged file must not keep us from starting our own server, which replaces it
            self._inbox.put(LogLine(f"looking for a running server: {error}"))
            running = None
        if running is not None:
            self._watch(*running)
        elif self._command is None:
            self._report(NO_BACKEND)
        else:
            self._start(self._command)

    def _watch(self, endpoint: Endpoint, pid: int) -> None:
        """Stay beside somebody else's server until it ends or is not wanted any more."""
        from unrender_protocol.discovery import process_is_alive

        self._inbox.put(BackendNews(self._number, events.BackendStarted(time.monotonic(), endpoint)))
        while not self._unwanted.wait(WATCH_SECONDS):
            if not process_is_alive(pid):
                self._report(backend_exited(None, ""))
                return

    def _start(self, command: list[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
        with self._lock:
            if self._unwanted.is_set():
                return
            try:
                self._process = process = subprocess.Popen(
                    [*command, *SERVE],
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
        last = self._listen(process)
        self._report(backend_exited(process.wait(), last))

    def _listen(self, process: subprocess.Popen[str]) -> str:
        """Read what the child says until it ends; returns its last line. Pairing lines are secrets: never logged."""
        last = ""
        for raw in process.stdout or ():
            line = raw.strip()
            pairing = next((word for word in line.split() if word.startswith("unrender://")), None)
            if pairing is not None:
                self._announce(pairing)
            elif line:
                last = line
                self._inbox.put(LogLine(f"generator: {line}"))
        return last

    def _announce(self, pairing: str) -> None:
        try:
            endpoint = read_endpoint(pairing)
        except EndpointError as error:
            self._inbox.put(LogLine(f"the generator's pairing line cannot be read: {error}"))
        else:
            self._inbox.put(BackendNews(self._number, events.BackendStarted(time.monotonic(), endpoint)))

    def _report(self, problem: Problem) -> None:
        self._inbox.put(BackendNews(self._number, events.BackendExited(time.monotonic(), problem)))


def _insist(process: subprocess.Popen[str]) -> None:
    """See to it that a process that was asked to end does."""
    for harder in (process.terminate, process.kill):
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            harder()
