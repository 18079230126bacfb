# SPDX-License-Identifier: GPL-3.0-or-later
"""The one object behind the panels: connection state, jobs, results, and the runner of the effects.

It lives on the main thread and imports no bpy. `poll` is the only place where anything changes by itself; a timer
calls it in the window, a plain loop calls it in background mode and in tests.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import effects, events, job_events
from .inbox import Inbox
from .job_transitions import job_transition, reading, submitted
from .jobs import ENDED, UNFINISHED, WITH_SHAPES, Job, JobStatus, Request
from .news import (
    Backend,
    BackendNews,
    ConnectionNews,
    JobNews,
    JobsListed,
    Link,
    ListedJob,
    LogLine,
    ModelsListed,
    News,
)
from .problems import MAY_STILL_LIVE
from .shapes import Shape
from .states import ONLINE, ConnectionState, Target
from .transitions import transition
from .uploads import Load, Uploads

if TYPE_CHECKING:
    import numpy as np

POLL_SECONDS = 0.010  # what one tick may take of the main thread
LOG_LINES = 200
KNOWN_KINDS = {
    "generate": "Generated elsewhere",
    "train": "Training",
}  # kinds whose jobs are adopted from the server's ledger


class Session:
    """Connection, jobs and results of one Blender.

    Args:
        link: the socket thread.
        backend: the supervised child.
        inbox: where both put their news.
        clock: seconds that never go back.
    """

    def __init__(
        self, link: Link, backend: Backend, inbox: Inbox[News], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = ConnectionState()
        self.jobs: dict[bytes, Job] = {}
        self.shapes: dict[bytes, tuple[Shape, ...]] = {}
        self.previews: dict[bytes, np.ndarray] = {}
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.shown_models: list[tuple[str, str, str]] = []  # the drop-down's texts, which Blender only borrows
        self.revision = 0  # grows whenever something that a panel shows has changed
        self._link = link
        self._backend = backend
        self._inbox = inbox
        self._clock = clock
        self._link_number = 0
        self._backend_number = 0
        self._uploads = Uploads(inbox)
        self._imported: dict[bytes, set[int]] = {}
        self._import_queue: deque[bytes] = deque()

    # What the artist (or a script) asks for

    @property
    def online(self) -> bool:
        """Whether jobs can be submitted now."""
        return self.state.status in ONLINE

    def connect(self, target: Target) -> None:
        """Begin to connect; how it goes shows in `state`."""
        self._happened(events.ConnectRequested(self._clock(), target))

    def disconnect(self) -> None:
        """Go offline. Jobs at a server of somebody else go on; a backend of our own stops."""
        self._happened(events.DisconnectRequested(self._clock()))

    def submit(
        self,
        kind: str,
        title: str,
        parameters: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray] | None = None,
        import_when_done: bool = True,
        load: Load | None = None,
    ) -> bytes:
        """Queue a job and return its id at once. Sent now when online, otherwise as soon as the server is back.

        With `load` (see `Uploads.read`), the job's arrays are read by a thread first.
        """
        job = Job(secrets.token_bytes(16), kind, title, dict(parameters))
        if import_when_done:
            self._import_queue.append(job.id)
        self._note(f"job {job.key[:8]} {kind} submitted: {dict(parameters)}")
        self._uploads.keep(job.id, dict(arrays or {}))
        self._uploads.remember(job.id, load)
        self._begin(job, read_first=load is not None)
        return job.id

    def cancel(self, job: bytes) -> None:
        """Ask for a job to be stopped; it counts as cancelled when the server has confirmed that."""
        self._job_happened(job, job_events.CancelRequested(self._clock()))

    def retry(self, job: bytes) -> bytes:
        """Run an ended job again; returns its id.

        Under its own id where the server may still have it, so that it is not run twice; as a new job otherwise, which
        takes the place of a failed or cancelled one in the list.
        """
        old = self.jobs[job]
        if old.status not in ENDED:
            raise ValueError(f"job {old.key} is {old.status.value}; only ended jobs can be run again")
        arrays, load = self._uploads.arrays(job), self._uploads.load(job)
        to_import = old.kind in WITH_SHAPES
        read_first = load is not None and not arrays and not old.has_begun_run
        if old.status == JobStatus.FAILED and old.problem is not None and old.problem.tag in MAY_STILL_LIVE:
            if to_import and job not in self._import_queue:
                self._import_queue.append(job)
            if read_first:
                self._begin(Job(job, old.kind, old.title, old.parameters_again, adopted=old.adopted), read_first)
                return job
            self.jobs[job] = replace(old, parameters=old.parameters_again)
            self._job_happened(job, job_events.RetryRequested(self._clock()))
            if not self.online:
                self._job_happened(job, job_events.ConnectionGone(self._clock()))
            return job
        if old.status in (JobStatus.FAILED, JobStatus.CANCELLED):
            self.remove(job)
        again = self.submit(
            old.kind, old.title, old.parameters_again, arrays, to_import, load=load if read_first else None
        )
        self._uploads.remember(again, load)
        return again

    def remove(self, job: bytes) -> None:
        """Forget an ended job here, and its result at the server."""
        if self.jobs[job].status not in ENDED:
            raise ValueError(f"job {job.hex()} is {self.jobs[job].status.value}; only ended jobs can be removed")
        if self.online and self.jobs[job].status == JobStatus.DONE:
            self._link.acknowledge(job)
        for table in (self.jobs, self.shapes, self.previews, self._imported):
            table.pop(job, None)  # type: ignore[attr-defined]
        self._uploads.forget(job)
        self._leave_import_queue(job)
        self.revision += 1

    def refresh_models(self) -> None:
        """Ask the server for its models again."""
        if self.online:
            self._link.list_models()

    # Results

    @property
    def awaited_imports(self) -> tuple[bytes, ...]:
        """Jobs whose results go into the scene without being asked for, when they come."""
        return tuple(self._import_queue)

    def next_import(self) -> tuple[bytes, int] | None:
        """The job and shape index that is to be imported next without being asked for, or None."""
        for job in self._import_queue:
            index = self.first_not_imported(job)
            if index is not None:
                return job, index
        return None

    def first_not_imported(self, job: bytes) -> int | None:
        """The index of the first shape of a job that is here and not in the scene yet, or None."""
        done = self._imported.get(job, set())
        return next((shape.index for shape in self.shapes.get(job, ()) if shape.index not in done), None)

    def import_all(self, job: bytes) -> None:
        """Import the rest of a result as if the job had just ended; for jobs that wait for the artist."""
        if job not in self._import_queue:
            self._import_queue.append(job)

    def imported(self, job: bytes, index: int) -> None:
        """Note that one shape is in the scene. With the last one the result is acknowledged, and let go of here."""
        done = self._imported.setdefault(job, set())
        done.add(index)
        self.revision += 1
        if done >= {shape.index for shape in self.shapes.get(job, ())}:
            self._leave_import_queue(job)
            self.shapes.pop(job, None)
            self._job_happened(job, job_events.ResultImported(self._clock()))

    def stop_importing(self, job: bytes, reason: str) -> None:
        """Leave the rest of a result to the artist, who sees why."""
        self._leave_import_queue(job)
        self._note(f"job {job.hex()[:8]} is not imported automatically: {reason}")

    # The clock

    def poll(self, budget_seconds: float = POLL_SECONDS) -> bool:
        """Handle news until none is left or the time is used up (at least one), then let the clock tick.

        Returns whether more news waits.
        """
        end = self._clock() + budget_seconds
        while True:
            news = self._inbox.take()
            if news is None:
                break
            self._handle(news)
            if self._clock() >= end:
                break
        now = self._clock()
        for job in tuple(self.jobs):
            self._job_happened(job, job_events.JobTimePassed(now))
        self._happened(events.TimePassed(now))
        return len(self._inbox) > 0

    def close(self, timeout: float = 3.0) -> None:
        """Disconnect, and end thread and child."""
        self.disconnect()
        self._uploads.shut_down(timeout)
        self._link.shut_down(timeout)
        self._backend.shut_down(timeout)

    # Inside

    def _begin(self, job: Job, read_first: bool) -> None:
        """Put a job on its way, through the reader of its files if there is one."""
        if read_first:
            self._uploads.read(job.id)
            self._keep(*reading(job, self._clock()))
            return
        self._keep(*submitted(job, self._clock()))
        if not self.online:
            self._job_happened(job.id, job_events.ConnectionGone(self._clock()))

    def _handle(self, news: News) -> None:
        if isinstance(news, ConnectionNews):
            if news.source == self._link_number:
                self._happened(news.event)
        elif isinstance(news, BackendNews):
            if news.source == self._backend_number:
                self._happened(news.event)
        elif isinstance(news, JobNews):
            self._job_news(news)
        elif isinstance(news, JobsListed):
            if news.source == self._link_number:
                self._adopt(news.jobs)
        elif isinstance(news, ModelsListed):
            if news.source == self._link_number and self.state.server is not None:
                self.state = replace(self.state, server=replace(self.state.server, models=news.models))
                self.revision += 1
        elif isinstance(news, LogLine):
            self._note(news.text)

    def _job_news(self, news: JobNews) -> None:
        if news.job not in self.jobs:
            return
        if news.preview is not None:
            self.previews[news.job] = news.preview
        if news.upload is not None:
            self._upload_read(news)
            return
        if news.shapes and not self.jobs[news.job].result_here and self.jobs[news.job].status != JobStatus.IMPORTED:
            self.shapes[news.job] = news.shapes
        self._job_happened(news.job, news.event)

    def _upload_read(self, news: JobNews) -> None:
        if self.jobs[news.job].status != JobStatus.READING:
            return  # it was given up meanwhile
        self._uploads.keep(news.job, news.upload or {})
        self._job_happened(news.job, news.event)
        if not self.online:
            self._job_happened(news.job, job_events.ConnectionGone(self._clock()))

    def _adopt(self, listed: tuple[ListedJob, ...]) -> None:
        """Take jobs of an earlier Blender session into the list; their results wait for the artist to open them."""
        for entry in listed:
            if entry.job in self.jobs or entry.kind not in KNOWN_KINDS or not entry.wanted:
                continue
            title = f"{KNOWN_KINDS[entry.kind]} {entry.parameters.get('name', '')}".strip()
            job = Job(entry.job, entry.kind, title, dict(entry.parameters), accepted=True, adopted=True)
            self._keep(replace(job, status=JobStatus.DETACHED, created=self._clock()), ())
            self._job_happened(job.id, job_events.ConnectionBack(self._clock()))

    def _happened(self, event: events.ConnectionEvent) -> None:
        before = self.state
        self.state, wanted = transition(before, event)
        if self.state != before:
            self.revision += 1
        if self.state.status != before.status:
            problem = self.state.problem
            self._note(f"{before.status.value} -> {self.state.status.value}" + (f": {problem.tag}" if problem else ""))
        for effect in wanted:
            self._run(effect)

    def _run(self, effect: effects.ConnectionEffect) -> None:
        if isinstance(effect, effects.StartBackend):
            self._backend_number = self._backend.start()
        elif isinstance(effect, effects.StopBackend):
            self._backend_number = -1  # its exit, which was asked for, is no news
            self._backend.stop()
        elif isinstance(effect, effects.OpenLink):
            self._link_number = self._link.open(effect.endpoint)
        elif isinstance(effect, effects.CloseLink):
            self._link_number = -1
            self._link.close()
        else:
            back = isinstance(effect, effects.ReattachJobs)
            if back:
                self._link.list_jobs()
            for job in tuple(self.jobs):
                event: job_events.JobEvent
                event = job_events.ConnectionBack(self._clock()) if back else job_events.ConnectionGone(self._clock())
                self._job_happened(job, event)

    def _job_happened(self, job_id: bytes, event: job_events.JobEvent) -> None:
        before = self.jobs[job_id]
        job, requests = job_transition(before, event)
        if job.status != before.status:
            problem = f": {job.problem.tag}" if job.problem else ""
            self._note(f"job {job.key[:8]} {before.status.value} -> {job.status.value}{problem}")
        if job is not before or requests:
            self._keep(job, requests)
        if job.status != JobStatus.READING:
            self._uploads.stop(job_id)
        if job.accepted and not before.accepted:
            self._uploads.release(job_id)
        if job.kind not in WITH_SHAPES:
            self._settle_without_import(before, job)

    def _settle_without_import(self, before: Job, job: Job) -> None:
        """A training is done when its result is here; and however it ended, there may be a new model."""
        if job.status in ENDED and before.status not in ENDED:
            self.refresh_models()
        if job.status == JobStatus.DONE and job.result_here:
            self._job_happened(job.id, job_events.ResultImported(self._clock()))

    def _keep(self, job: Job, requests: tuple[Request, ...]) -> None:
        self.jobs[job.id] = job
        self.revision += 1
        if self.online:
            for request in requests:
                self._send(job, request)
        self._count_jobs()

    def _send(self, job: Job, request: Request) -> None:
        if request == Request.SUBMIT:
            self._link.submit(job.id, job.kind, job.parameters, self._uploads.arrays(job.id))
        elif request == Request.FOLLOW:
            self._link.follow(job.id)
        elif request == Request.CANCEL:
            self._link.cancel(job.id)
        elif request == Request.FETCH:
            self._link.fetch(job.id, job.nbytes)
        else:
            self._link.acknowledge(job.id)

    def _count_jobs(self) -> None:
        count = sum(job.status in UNFINISHED for job in self.jobs.values())
        if count != self.state.running_jobs:
            self._happened(events.RunningJobsChanged(self._clock(), count))

    def _leave_import_queue(self, job: bytes) -> None:
        if job in self._import_queue:
            self._import_queue.remove(job)

    def _note(self, line: str) -> None:
        self.log.append(f"{time.strftime('%H:%M:%S')} {line}")
