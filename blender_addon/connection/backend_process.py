# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator as a child process: started where it is found, and, unless the artist wants otherwise, gone when
Blender is.

A child that stops with Blender gets a pipe as its standard input and exits at its end, so it cannot outlive a Blender
that crashed. It takes a free port and prints the pairing line that says where it listens. A child that is to outlive
Blender has no tie to it; it is found, now and by the next Blender, by the file that every server on this computer
writes. A server that already runs is used instead of a new one; it is not ours to stop, but when it ends we start one
of our own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from . import events
from .backend_search import FoundBackend, not_found
from .endpoints import EndpointError, find_local, read_endpoint
from .inbox import Inbox
from .news import BackendNews, BackendSearched, LogLine, News
from .problems import NextStep, Problem, backend_exited
from .states import Endpoint

SERVE = ("serve",)
TIED = ("--stop-with-stdin",)
STOP_SECONDS = 12.0  # between asking, terminating and killing; a training saves within the first ten
WATCH_SECONDS = 1.0
LOOK_SECONDS = 0.2  # between looks for a server that has just been started
LOG_NAME = "serve.log"
# Blender's own Python must not leak into the backend's.
HIDDEN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """What the preferences say about the generator on this computer."""

    chosen: str = ""  # a folder or program; empty: look in the usual places
    stop_with_blender: bool = True


Search = Callable[[str], "FoundBackend | None"]
FindRunning = Callable[[], "tuple[Endpoint, int] | None"]


class BackendProcess:
    """A `Backend`: at most one child at a time, each with a thread that starts it, reads what it says, and ends it.

    Args:
        inbox: where the news goes.
        settings: what the preferences say now; asked on the main thread at every start.
        search: looks for the backend at the place that was chosen, or at all places; called in threads.
        find_running: looks for a server that runs already; gives its endpoint and process id; called in threads.
    """

    def __init__(
        self,
        inbox: Inbox[News],
        settings: Callable[[], BackendSettings],
        search: Search,
        find_running: FindRunning = find_local,
    ) -> None:
        self._inbox = inbox
        self._settings = settings
        self._search = search
        self._find_running = find_running
        self._number = 0
        self._looks = 0
        self._child: _Child | None = None

    def start(self) -> int:
        """Start the child; returns the number that its news will carry."""
        self.stop()
        self.look()  # it may have been installed since
        self._number += 1
        previous = self._child.thread if self._child is not None else None
        self._child = _Child(self._settings(), self._number, self._inbox, self._search, self._find_running, previous)
        return self._number

    def stop(self) -> None:
        """Ask the child to end, if one runs that is ours to end; its thread sees to it that it does."""
        if self._child is not None:
            self._child.end()

    def look(self) -> None:
        """Look where the backend is installed; `BackendSearched` follows."""
        self._looks += 1
        looked_for = self._looks, self._settings().chosen
        threading.Thread(target=self._look, args=looked_for, name="unrender-search", daemon=True).start()

    def stop_running(self) -> None:
        """End the server that runs on this computer, whoever started it. Its jobs are taken up by the next one."""
        threading.Thread(target=self._stop_running, name="unrender-stop", daemon=True).start()

    def shut_down(self, timeout: float) -> None:
        """Stop the child and wait for its end at most `timeout` seconds."""
        self.stop()
        if self._child is not None:
            self._child.thread.join(timeout)
            self._child = None

    def _look(self, number: int, chosen: str) -> None:
        found = self._search(chosen)
        if number == self._looks:  # otherwise something else has been chosen meanwhile
            self._inbox.put(BackendSearched(found.place if found else ""), "search")

    def _stop_running(self) -> None:
        try:
            running = self._find_running()
            if running is not None:
                os.kill(running[1], signal.SIGTERM)  # on Windows this ends it at once; its ledger is made for that
        except Exception as error:  # it has ended meanwhile, or is not ours
            self._inbox.put(LogLine(f"the running server was not stopped: {error}"))


class _Child:
    """One start: the thread, and the process where it had to make one."""

    def __init__(
        self,
        settings: BackendSettings,
        number: int,
        inbox: Inbox[News],
        search: Search,
        find_running: FindRunning,
        previous: threading.Thread | None,
    ) -> None:
        self._previous = previous
        self._settings = settings
        self._number = number
        self._inbox = inbox
        self._search = search
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
        if self._previous is not None:
            self._previous.join()  # a server that is about to end would be found, and lost again at once
            self._previous = None
        running = self._running()
        if running is not None:
            self._watch(*running)
            return
        found = self._search(self._settings.chosen)
        if found is None:
            self._report(not_found(self._settings.chosen))
        elif self._settings.stop_with_blender:
            self._run_tied(found.command)
        else:
            self._run_free(found.command)

    def _running(self) -> tuple[Endpoint, int] | None:
        try:
            return self._find_running()
        except Exception as error:  # a damaged file must not keep us from starting our own server, which replaces it
            self._inbox.put(LogLine(f"looking for a running server: {error}"))
            return None

    def _watch(self, endpoint: Endpoint, pid: int) -> None:
        """Stay beside a server that does not stop with Blender until it ends or is not wanted any more."""
        from unrender_protocol.discovery import process_is_alive

        self._inbox.put(BackendNews(self._number, events.BackendStarted(time.monotonic(), endpoint)))
        while not self._unwanted.wait(WATCH_SECONDS):
            if not process_is_alive(pid):
                self._report(backend_exited(None, ""))
                return

    def _run_tied(self, command: tuple[str, ...]) -> None:
        """The child ends when Blender does; what it says is read from a pipe."""
        process = self._start(
            [*command, *SERVE, *TIED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        if process is not None:
            last = self._listen(process)
            self._report(backend_exited(process.wait(), last))

    def _run_free(self, command: tuple[str, ...]) -> None:
        """The child goes on without Blender: in a session of its own, and without pipes, whose end would be an error.

        On Windows a process of its own group survives its parent, and a console that is not shown keeps its own
        children from opening one each (which they would without any console).
        """
        try:
            log, log_path = _open_log()
        except OSError as error:
            self._report(_not_writable(error))
            return
        with log:
            process = self._start(
                [*command, *SERVE],
                stdin=subprocess.DEVNULL,
                stdout=log,
                cwd=log_path.parent,  # not Blender's, on a disk that may be taken away
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
                | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        if process is None:
            return
        # Whenever it ends: a child that nobody has waited for still counts as alive.
        threading.Thread(target=process.wait, name="unrender-reaper", daemon=True).start()
        while not self._unwanted.wait(LOOK_SECONDS):
            running = self._running()
            if running is not None:
                self._watch(*running)
                return
            code = process.poll()
            if code is not None:
                self._report(backend_exited(code, _last_line(log_path)))
                return

    def _start(self, command: list[str], **options: Any) -> subprocess.Popen[str] | None:
        environment = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
        with self._lock:
            if self._unwanted.is_set():
                return None
            try:
                self._process = subprocess.Popen(
                    command,
                    stderr=subprocess.STDOUT,
                    env=environment | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
                    encoding="utf-8",
                    errors="replace",
                    **options,
                )
            except OSError as error:
                problem = not_found(self._settings.chosen)
                self._report(
                    Problem("no_backend", f"The generator cannot be started: {error}.", problem.hint, problem.action)
                )
            return self._process

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


def _open_log() -> tuple[IO[bytes], Path]:
    """A new log for a server without pipes. It will hold the pairing line, so only this user may read it."""
    from unrender_protocol.discovery import data_home

    path = data_home() / "log" / LOG_NAME
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"), path


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip() and "unrender://" not in line), "")


def _not_writable(error: OSError) -> Problem:
    return Problem(
        "not_writable",
        f"The generator's folder cannot be written to: {error.filename}: {error.strerror}.",
        "Make it writable, or set UNRENDER_HOME to a folder that is, and start Blender again.",
        NextStep.COPY_REPORT,
    )


def _insist(process: subprocess.Popen[str]) -> None:
    """See to it that a process that was asked to end does."""
    for harder in (process.terminate, process.kill):
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            harder()
