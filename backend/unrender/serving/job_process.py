# SPDX-License-Identifier: Apache-2.0
"""The server's side of a process that runs jobs: orders go in, reports come out, and it always ends when it must."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from unrender.serving.failures import describe_exit, describe_silence
from unrender.serving.job_child import work_on_orders
from unrender.serving.job_kinds import JobKinds
from unrender.serving.jobs import Job, JobError

# A cancelled job must have stopped within 2 seconds, or as long as its client is patient: it is asked first, then told,
# then killed.
_KILL_AFTER = 1.8
_TERMINATED_BEFORE = 0.2
_MOST_PATIENCE = 120.0
_START_LIMIT = 120.0  # seconds until the process must have said that it is ready


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """The newest that a running job said of itself; `arrays` are those of the message `JobProgress`."""

    job: bytes
    phase: str
    done: int
    total: int
    eta_seconds: float | None
    message: str
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def after(self, earlier: "JobProgressed | None") -> "JobProgressed":
        """This, with those arrays of an earlier one that it does not renew."""
        if earlier is None or not earlier.arrays:
            return self
        return replace(self, arrays={**earlier.arrays, **self.arrays})


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job has stopped: with a result in its folder, with an error, or because it was cancelled (neither)."""

    job: bytes
    done: bool = False
    error: JobError | None = None


class JobProcess:
    """One process, spawned when the first job comes. Never blocks; `poll` must be called often."""

    def __init__(self, kinds: JobKinds, preload: tuple[str, ...] = ()) -> None:
        self._kinds = dict(kinds)
        self._preload = preload
        self._process: Any = None
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._progress: JobProgressed | None = None
        self._ended: dict[str, Any] | None = None
        self._pipe_closed = False
        self._last_sign = 0.0
        self._is_ready = False
        self._kill_time: float | None = None  # of a job that was cancelled
        self._silence: JobError | None = None
        self._silence_limit = 0.0
        self.job: Job | None = None
        self.idle_since = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether there is a process, busy or not."""
        return self._process is not None and self._process.is_alive() and not self._pipe_closed

    @property
    def is_cancelled(self) -> bool:
        """Whether its job has been asked to stop."""
        return self._kill_time is not None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Spawn the process, so that a job finds it ready."""
        if self.is_alive:
            return
        self.kill()
        # Read by OpenMP when torch is loaded: threads that wait must not burn the cores that Blender renders on.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=work_on_orders, args=(theirs, self._kinds, self._preload), name="unrender-job"
        )
        self._process.start()
        theirs.close()
        self._connection, self._pipe_closed, self._is_ready = ours, False, False
        self._last_sign = time.monotonic()
        threading.Thread(target=self._read_reports, args=(ours,), daemon=True).start()

    def run(self, job: Job, folder: Path) -> None:
        """Give the process its next job; there must be none at work."""
        assert self.job is None, "one job at a time"
        self.start()
        with self._lock:
            self._progress = self._ended = None
        self.job, self._kill_time, self._silence = job, None, None
        self._silence_limit = self._kinds[job.kind].silence_limit
        self._last_sign = time.monotonic()
        order = {
            "order": "run",
            "job": job.id.hex(),
            "kind": job.kind,
            "parameters": dict(job.parameters),
            "folder": str(folder),
            "attempt": job.attempts,
        }
        self._send(order)

    def cancel(self, patience: float = 0.0) -> None:
        """Ask the job to stop; it is killed if it does not, so that within 2 seconds, or `patience`, it has.

        Asked again, the sooner end counts.
        """
        if self.job is None:
            return
        kill_time = time.monotonic() + max(_KILL_AFTER, min(patience, _MOST_PATIENCE))
        if self._kill_time is None:
            self._kill_time = kill_time
            self._send({"order": "cancel"})
        self._kill_time = min(self._kill_time, kill_time)

    def poll(self) -> list[JobProgressed | JobEnded]:
        """What happened since the last call; enforces the time limits."""
        if self.job is None:
            return []
        self._enforce_limits(time.monotonic())
        with self._lock:
            progress, self._progress = self._progress, None
            ended, pipe_closed = self._ended, self._pipe_closed
        events: list[JobProgressed | JobEnded] = [] if progress is None else [progress]
        if ended is not None or (pipe_closed and not self._process.is_alive()):
            events.append(self._end(self.job, ended))
        return events

    def stop(self) -> None:
        """Let an idle process go."""
        self._send({"order": "stop"})
        if self._process is not None:
            self._process.join(1.0)
        self.kill()

    def kill(self) -> None:
        """End the process now, with whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join(5.0)
        self._process = None

    def _end(self, job: Job, ended: Mapping[str, Any] | None) -> JobEnded:
        was_cancelled = self._kill_time is not None
        self.job, self._kill_time, self.idle_since = None, None, time.monotonic()
        if ended is None:
            if was_cancelled:
                return JobEnded(job.id)
            self._process.join(1.0)
            return JobEnded(job.id, error=self._silence or describe_exit(self._process.exitcode))
        if ended.get("done"):
            return JobEnded(job.id, done=True)
        if "failed" in ended and not was_cancelled:
            return JobEnded(job.id, error=JobError(*ended["failed"]))
        return JobEnded(job.id)

    def _enforce_limits(self, now: float) -> None:
        if self._pipe_closed:
            self._process.kill()  # nothing can be heard from it any more; what has crashed keeps its exit code
            return
        if self._kill_time is not None:
            if now > self._kill_time:
                self._process.kill()
            elif now > self._kill_time - _TERMINATED_BEFORE:
                self._process.terminate()
            return
        limit = self._silence_limit if self._is_ready else _START_LIMIT
        if now > self._last_sign + limit and self._silence is None:
            self._silence = describe_silence(limit)
            self._process.kill()

    def _send(self, order: Mapping[str, Any]) -> None:
        try:
            if self._connection is not None:
                self._connection.send_bytes(json.dumps(order).encode())
        except OSError:
            self._pipe_closed = True  # the process has died; poll() reports it

    def _read_reports(self, connection: Connection) -> None:
        """Runs in a thread: reading a pipe can block when the process is stopped in the middle of a report."""
        try:
            while True:
                report = json.loads(connection.recv_bytes())
                contents = [connection.recv_bytes() for _ in report.get("arrays", ())]
                if connection is self._connection:
                    self._take(report, contents)
        except (EOFError, OSError):
            pass  # the process has ended
        finally:
            if connection is self._connection:
                self._pipe_closed = True
            connection.close()

    def _take(self, report: Mapping[str, Any], contents: Sequence[bytes]) -> None:
        self._last_sign = time.monotonic()
        if report["report"] == "ready":
            self._is_ready = True
            return
        job = self.job
        if job is None or report["job"] != job.id.hex():
            return  # the last words of a job that has ended
        if report["report"] == "progress":
            progress = JobProgressed(
                job.id,
                report["phase"],
                report["done"],
                report["total"],
                report["eta_seconds"],
                report["message"],
                {
                    name: np.frombuffer(content, dtype).reshape(shape)
                    for (name, dtype, shape), content in zip(report["arrays"], contents, strict=True)
                },
                tuple(report["notes"]),
            )
            with self._lock:
                self._progress = progress.after(self._progress)
        elif report["report"] == "ended":
            with self._lock:
                self._ended = dict(report)
