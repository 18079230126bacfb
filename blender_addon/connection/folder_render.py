# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender of its own that renders a data set into a folder: started, read and stopped by a thread.

The thread turns what the process says into one small value, which panels show. The process ends when its standard input
is closed, which the system does however this Blender ends.
"""

from __future__ import annotations

import collections
import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .folder_command import plan_in, sheet_in
from .problems import Problem

if TYPE_CHECKING:
    import numpy as np

KILL_SECONDS = 10.0  # after it was asked to stop
_RECENT_IMAGES = 200  # whose speed is shown
_PREFIX, _NOTE = "render_dataset: ", "note: "
_DONE, _PARTLY_DONE = 0, 3


class Work(Enum):
    """What a run is for."""

    ESTIMATE = "ESTIMATE"
    RENDER = "RENDER"


class RunStatus(Enum):
    """How far a run is."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DONE = "DONE"
    FAILED = "FAILED"


UNDER_WAY = frozenset({RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING})
_STATUS_WORDS: Mapping[RunStatus, str] = {
    RunStatus.STARTING: "Blender starts",
    RunStatus.RUNNING: "rendering",
    RunStatus.STOPPING: "stopping",
    RunStatus.STOPPED: "stopped",
    RunStatus.DONE: "done",
    RunStatus.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class FolderRun:
    """One run as panels show it.

    done, total: images of the data set, 0 while the total is not known; per_second: images, 0 while not known;
    estimate_seconds: for the whole data set, from an estimate that is done; note: an engine that was replaced;
    sheet: uint8 [H, W, 3].
    """

    work: Work
    folder: Path
    status: RunStatus = RunStatus.STARTING
    done: int = 0
    total: int = 0
    per_second: float = 0.0
    failed: int = 0
    estimate_seconds: float = 0.0
    note: str = ""
    problem: Problem | None = None
    sheet: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def word(self) -> str:
        """For its status, in English."""
        return _STATUS_WORDS[self.status]

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """None while it cannot be told."""
        return max(0, self.total - self.done) / self.per_second if self.total and self.per_second else None


class FolderRenderer:
    """At most one run at a time. `run` is the newest, `revision` grows with any change of it."""

    def __init__(self, read_picture: Callable[[Path], np.ndarray]) -> None:
        self.run: FolderRun | None = None
        self.revision = 0
        self._read_picture = read_picture
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._stop = False

    def start(self, command: Sequence[str], work: Work, folder: Path) -> None:
        """Begin; returns at once. The folder of an estimate is removed when it is done.

        Raises:
            ValueError: another run is under way.
        """
        if self.run is not None and self.run.is_under_way:
            raise ValueError("Another data set is being rendered; wait, or press its cancel button")
        self._stop = False
        self.run = FolderRun(work, folder)
        self.revision += 1
        self._thread = threading.Thread(target=self._watch, args=(list(command),), name="folder-render", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the run to stop; what is rendered stays. Returns at once."""
        with self._lock:
            if self.run is None or not self.run.is_under_way:
                return
            self._stop = True
            self.run = replace(self.run, status=RunStatus.STOPPING)
            self.revision += 1
            self._let_go()

    def dismiss(self) -> None:
        """Show a run that has ended no longer."""
        if self.run is not None and not self.run.is_under_way:
            self.run = None
            self.revision += 1

    def refuse(self, work: Work, folder: Path, problem: Problem) -> None:
        """Show why a run could not begin."""
        if self.run is None or not self.run.is_under_way:
            self.run = FolderRun(work, folder, RunStatus.FAILED, problem=problem)
            self.revision += 1

    def close(self, timeout: float = 2.0) -> None:
        """Stop, and wait a little for the end."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(timeout)
            with self._lock:
                if self._process is not None and self._process.poll() is None:
                    self._process.kill()

    def _let_go(self) -> None:
        """Close what the process watches; kill it where it does not mind. The lock is held."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        killer = threading.Timer(KILL_SECONDS, process.kill)
        killer.daemon = True
        killer.start()

    def _change(self, **facts: Any) -> None:
        with self._lock:
            assert self.run is not None
            if self._stop and facts.get("status") is RunStatus.RUNNING:
                del facts["status"]
            self.run = replace(self.run, **facts)
            self.revision += 1

    def _watch(self, command: list[str]) -> None:
        """The thread: start the process, read it to its end, tell what came of it."""
        assert self.run is not None
        work, folder = self.run.work, self.run.folder
        try:
            facts = self._render(command, work, folder)
        except OSError as error:
            problem = Problem(
                "no_start",
                f"Blender cannot be started once more: {error.strerror}.",
                "Restart Blender, then try again.",
            )
            facts = {"status": RunStatus.FAILED, "problem": problem}
        if work is Work.ESTIMATE:
            shutil.rmtree(folder, ignore_errors=True)
        self._change(**facts)

    def _render(self, command: list[str], work: Work, folder: Path) -> dict[str, Any]:
        progress = _Progress(folder, rendered_before(folder))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert process.stdout is not None
        assert process.stderr is not None
        with self._lock:
            self._process = process
            if self._stop:
                self._let_go()
        said = _Said(process.stderr, lambda note: self._change(note=note))
        for line in process.stdout:
            if line.startswith(b"{"):
                progress.hear(json.loads(line))
                self._change(status=RunStatus.RUNNING, **progress.facts())
        code = process.wait()
        said.join()
        with self._lock, contextlib.suppress(OSError):
            self._process = None
            if process.stdin is not None:
                process.stdin.close()
        if progress.is_finished and code in (_DONE, _PARTLY_DONE):
            return progress.facts() | {"status": RunStatus.DONE} | self._outcome(work, folder, progress)
        if self._stop:
            return {"status": RunStatus.STOPPED}
        return {"status": RunStatus.FAILED, "problem": _problem(said, code)}

    def _outcome(self, work: Work, folder: Path, progress: _Progress) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if work is Work.ESTIMATE:
            facts["estimate_seconds"] = progress.estimate()
        with contextlib.suppress(OSError, ValueError):  # the images are there, with or without a picture of them
            facts["sheet"] = self._read_picture(sheet_in(folder))
        if progress.failed:
            facts["problem"] = Problem(
                "partly_done",
                f"{progress.failed} images could not be rendered: {progress.reason}",
                "The file failures.jsonl in the folder lists them all.",
            )
        return facts


class _Progress:
    """Counts the records of a run."""

    def __init__(self, folder: Path, before: int) -> None:
        self._folder, self._before = folder, before
        self._began = time.monotonic()
        self._first = 0.0
        self._times: collections.deque[float] = collections.deque(maxlen=_RECENT_IMAGES)
        self._total = self._rendered = 0
        self.failed, self.reason = 0, ""
        self.is_finished = False

    def hear(self, record: Mapping[str, Any]) -> None:
        if "finished" in record:
            self.is_finished = True
            return
        if "failed" in record:
            self.failed += 1
            self.reason = str(record["message"])
        else:
            self._rendered += 1
        self._times.append(time.monotonic())
        self._first = self._first or self._times[0]
        if not self._total:
            with contextlib.suppress(OSError, ValueError, KeyError):
                plan = json.loads(plan_in(self._folder).read_text(encoding="utf-8"))["plan"]
                self._total = int(plan["count"]) * int(plan["views"])

    @property
    def per_second(self) -> float:
        """Without the first image, which warms up."""
        seconds = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        return (len(self._times) - 1) / seconds if seconds > 0 else 0.0

    def facts(self) -> dict[str, Any]:
        done = min(self._before + self._rendered, self._total) if self._total else self._rendered
        return {"done": done, "total": self._total, "per_second": self.per_second, "failed": self.failed}

    def estimate(self) -> float:
        """Seconds for the whole data set: until the first image, and for all others at the speed of these."""
        start = self._first - self._began
        return start + (self._total - 1) / self.per_second if self.per_second else start * max(1, self._total)


class _Said:
    """What a process says on standard error: sentences of ours, and its last words."""

    def __init__(self, stream: IO[bytes], tell_note: Callable[[str], None]) -> None:
        self.sentence, self.last_words = "", ""
        self._tell_note = tell_note
        self._thread = threading.Thread(target=self._read, args=(stream,), name="folder-render-errors", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(5.0)

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            words = line.decode(errors="replace").strip()
            if words.startswith(_PREFIX + _NOTE):
                self._tell_note(words.removeprefix(_PREFIX + _NOTE))
            elif words.startswith(_PREFIX):
                self.sentence = words.removeprefix(_PREFIX)
            elif words:
                self.last_words = words


def rendered_before(folder: Path) -> int:
    """How many images the records of a data set name."""
    try:
        return len((folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError):
        return 0


def _problem(said: _Said, code: int) -> Problem:
    """Why a run ended before its end."""
    if said.sentence:  # names the next step itself, in the words of a terminal
        return Problem("render_failed", said.sentence.replace("then run with --resume", "then press Resume"))
    ending = f"{code}; {said.last_words}" if said.last_words else str(code)
    return Problem(
        "render_died", f"The Blender that rendered has ended ({ending}).", "Press Resume to continue, or try again."
    )
