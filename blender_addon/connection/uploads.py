# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels with jobs to the server: arrays that are here, and those that a thread still has to read from disk.

Disks can be slow and network drives asleep, so nothing is read on the main thread. The thread knows no Blender; it
tells what it does through the inbox.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .inbox import Inbox
from .job_events import JobFailed, UploadProgressed, UploadRead
from .news import JobNews, News
from .problems import Problem

if TYPE_CHECKING:
    import numpy as np

SECONDS_BETWEEN_REPORTS = 0.1

Arrays = Mapping[str, "np.ndarray"]
Report = Callable[[int, int], None]  # done, total
Load = Callable[[Report, Callable[[], bool]], Arrays]


class UploadError(Exception):
    """What goes with a job cannot be read; `problem` says what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Uploads:
    """Arrays and readers by job. All methods are called on the main thread, and none waits except `shut_down`."""

    def __init__(self, inbox: Inbox[News]) -> None:
        self._inbox = inbox
        self._arrays: dict[bytes, Arrays] = {}
        self._loads: dict[bytes, Load] = {}
        self._threads: dict[bytes, tuple[threading.Thread, threading.Event]] = {}

    def keep(self, job: bytes, arrays: Arrays) -> None:
        """Hold the arrays of a job until they are released."""
        self._arrays[job] = arrays

    def remember(self, job: bytes, load: Load | None) -> None:
        """Note how the arrays of a job are read."""
        if load is not None:
            self._loads[job] = load

    def read(self, job: bytes) -> None:
        """Begin to read the arrays of a job: `UploadProgressed` follows, and `UploadRead` or `JobFailed`.

        `load(report, stopped)` runs in a thread of its own; it raises UploadError, or returns early once `stopped()`.
        """
        self.stop(job)
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(job, self._loads[job], stopped), name="unrender-upload", daemon=True
        )
        self._threads[job] = (thread, stopped)
        thread.start()

    def arrays(self, job: bytes) -> Arrays:
        """What is to be sent with a job."""
        return self._arrays.get(job, {})

    def load(self, job: bytes) -> Load | None:
        """How the arrays of a job are read; None where they were given."""
        return self._loads.get(job)

    def release(self, job: bytes) -> None:
        """Let go of arrays that are safe at the server and could be read again."""
        if job in self._loads:
            self._arrays.pop(job, None)

    def stop(self, job: bytes) -> None:
        """Stop reading; what it reads after this is dropped."""
        thread = self._threads.pop(job, None)
        if thread is not None:
            thread[1].set()

    def forget(self, job: bytes) -> None:
        """Drop all that there is of a job."""
        self.stop(job)
        self._arrays.pop(job, None)
        self._loads.pop(job, None)

    def shut_down(self, timeout: float) -> None:
        """Stop all threads, and wait for their end."""
        threads = [self._threads[job] for job in self._threads]
        for job in tuple(self._threads):
            self.stop(job)
        for thread, _ in threads:
            thread.join(timeout)

    def _run(self, job: bytes, load: Load, stopped: threading.Event) -> None:
        reported = float("-inf")

        def report(done: int, total: int) -> None:
            nonlocal reported
            now = time.monotonic()
            if now - reported >= SECONDS_BETWEEN_REPORTS or done == total:
                reported = now
                self._inbox.put(JobNews(job, UploadProgressed(now, done, total)), ("upload", job))

        try:
            arrays = load(report, stopped.is_set)
        except UploadError as error:
            news = JobNews(job, JobFailed(time.monotonic(), error.problem))
        except Exception as error:  # whatever a disk or a file name makes of it, the job must not wait for ever
            problem = Problem(
                "not_read", f"What goes with the job cannot be read: {error}.", "Copy the folder, and use the copy."
            )
            news = JobNews(job, JobFailed(time.monotonic(), problem))
        else:
            size = sum(array.nbytes for array in arrays.values())
            news = JobNews(job, UploadRead(time.monotonic(), size), upload=arrays)
        if not stopped.is_set():
            self._inbox.put(news)
