# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of one Blender: what the artist does with them, what the server tells of them, and their results.

How the connection stands is not known here, only whether the server can be asked now; `session.py` adds the rest.
"""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import job_events
from .inbox import Inbox
from .job_transitions import job_transition, reading, submitted
from .jobs import ENDED, UNFINISHED, WITH_SHAPES, Job, JobStatus, Request
from .news import JobNews, Link, ListedJob, News
from .problems import Problem
from .results import Results
from .shapes import Shape
from .uploads import Load, Uploads

if TYPE_CHECKING:
    import numpy as np

LOG_LINES = 200
KNOWN_KINDS = {
    "generate": "Generated elsewhere",
    "train": "Training",
    "render_dataset": "Data set",
}  # kinds whose jobs are adopted from the server's ledger


class JobList(ABC):
    """Jobs by id, oldest first, with what has come of them.

    Args:
        link: sends what jobs ask for.
        inbox: where the threads that read files put their news.
        clock: seconds that never go back.
    """

    def __init__(self, link: Link, inbox: Inbox[News], clock: Callable[[], float]) -> None:
        self.jobs: dict[bytes, Job] = {}
        self.previews: dict[bytes, np.ndarray] = {}  # by job: the newest sheet, uint8 [H, W, 3 or 4]
        self.scores: dict[bytes, np.ndarray] = {}  # by training: float32 [N, 2], images shown and KID
        # By training, of what a curve shows: its lines, float32 [N, 2]
        self.curves: dict[bytes, dict[str, tuple[np.ndarray, ...]]] = {}
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.held_import: bytes | None = None  # the job whose result waits until the artist leaves an edit
        self.revision = 0  # grows whenever something that a panel shows has changed
        self._link = link
        self._clock = clock
        self._removed: set[bytes] = set()
        self._uploads = Uploads(inbox)
        self._results = Results()

    @property
    @abstractmethod
    def online(self) -> bool:
        """Whether the server can be asked now."""

    @abstractmethod
    def _jobs_counted(self, count: int) -> None:
        """So many jobs are queued or running now; called whenever one has changed."""

    # What the artist (or a script) asks for

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
            self._results.expect(job.id)
        self._note(f"job {job.key[:8]} {kind} submitted: {dict(parameters)}")
        self._uploads.keep(job.id, dict(arrays or {}))
        self._uploads.remember(job.id, load)
        self._begin(job, read_first=load is not None)
        return job.id

    def cancel(self, job: bytes) -> None:
        """Ask for a job to be stopped; it counts as cancelled when the server has confirmed that."""
        self._job_happened(job, job_events.CancelRequested(self._clock()))

    def pause(self, job: bytes) -> None:
        """Ask for a training to be stopped where it can go on; `retry` resumes it."""
        self._job_happened(job, job_events.PauseRequested(self._clock()))

    def retry(self, job: bytes) -> bytes:
        """Run an ended job again; returns its id.

        Under its own id where the server may still have it, so that it is not run twice; as a new job otherwise, which
        takes the place of a failed or cancelled one in the list.

        Raises:
            ValueError: the job has not ended.
        """
        old = self.jobs[job]
        if old.status not in ENDED:
            raise ValueError(f"job {old.key} is {old.status.value}; only ended jobs can be run again")
        if old.may_still_live:
            return self._ask_again(old)
        arrays, load = self._uploads.arrays(job), self._uploads.load(job)
        read_first = self._has_to_read(old)
        sheet, scores, curves = self.previews.get(job), self.scores.get(job), self.curves.get(job)
        if old.status in (JobStatus.FAILED, JobStatus.CANCELLED):
            self.remove(job)
        again = self.submit(
            old.kind,
            old.title,
            old.parameters_again,
            arrays,
            old.kind in WITH_SHAPES,
            load=load if read_first else None,
        )
        self._uploads.remember(again, load)
        if old.has_begun_run and sheet is not None:  # the run goes on from there
            self.previews[again] = sheet
        if old.has_begun_run and scores is not None:
            self.scores[again] = scores
        if old.has_begun_run and curves is not None:
            self.curves[again] = curves
        return again

    def simplify(self, job: bytes, max_faces: int) -> bytes:
        """Generate again what a job made, each shape with at most `max_faces` faces; returns the new job's id.

        It takes the place of the job in the list; shapes that are in the scene already are not imported again.
        """
        old = self.jobs[job]
        done = self._results.indices_imported(job)
        self.remove(job)
        again = self.submit(old.kind, old.title, {**old.parameters, "max_faces": max_faces})
        self._results.found(again, done)
        return again

    def remove(self, job: bytes) -> None:
        """Forget an ended job here, and its result at the server."""
        if self.jobs[job].status not in ENDED:
            raise ValueError(f"job {job.hex()} is {self.jobs[job].status.value}; only ended jobs can be removed")
        if self.online and self.jobs[job].status == JobStatus.DONE:
            self._link.acknowledge(job)
        for table in (self.jobs, self.previews, self.scores, self.curves):
            table.pop(job, None)  # type: ignore[attr-defined]
        self._uploads.forget(job)
        self._results.forget(job)
        self._removed.add(job)
        self.revision += 1

    def refresh_models(self) -> None:
        """Ask the server for its models again."""
        if self.online:
            self._link.list_models()

    # Results

    @property
    def shapes(self) -> Mapping[bytes, tuple[Shape, ...]]:
        """By job: meshes that have come, until all of them are in the scene."""
        return self._results.shapes

    @property
    def awaited_imports(self) -> tuple[bytes, ...]:
        """Jobs whose results go into the scene without being asked for, when they come."""
        return self._results.awaited

    def next_import(self) -> tuple[bytes, int] | None:
        """The job and shape index that is to be imported next without being asked for, or None."""
        return self._results.next_import()

    def hold_import(self, job: bytes | None) -> None:
        """Note which job's result cannot go into the scene now; None where nothing is in its way."""
        if job != self.held_import:
            self.held_import = job
            self.revision += 1

    def first_not_imported(self, job: bytes) -> int | None:
        """The index of the first shape of a job that is here and not in the scene yet, or None."""
        return self._results.first_not_imported(job)

    def import_all(self, job: bytes) -> None:
        """Import the rest of a result as if the job had just ended; for jobs that wait for the artist."""
        self._results.expect(job)

    def imported(self, job: bytes, index: int) -> None:
        """Note that one shape is in the scene. With the last one the result is acknowledged, and let go of here."""
        self.revision += 1
        if self._results.imported(job, index):
            self._job_happened(job, job_events.ResultImported(self._clock()))

    def found_in_file(self, job: bytes, indices: Collection[int]) -> None:
        """Note which shapes of a result the open file holds, however they came there; only the others are imported."""
        if self._results.found(job, indices):
            self._job_happened(job, job_events.ResultImported(self._clock()))

    def file_opened(self, found: Mapping[bytes, Collection[int]], same: bool) -> None:
        """Note that a file was opened, which holds the shapes `found` by job; `same`: it was open before, too.

        What was asked for while another file was open waits for the artist, who may not want it here.
        """
        for job in tuple(self.shapes):
            self.found_in_file(job, found.get(job, ()))
        for job in () if same else self.awaited_imports:
            self.stop_importing(job, "another file was opened")
        self.revision += 1

    def stop_importing(self, job: bytes, reason: str) -> None:
        """Leave the rest of a result to the artist; the reason goes into the report."""
        self._results.leave(job)
        self._note(f"job {job.hex()[:8]} is not imported automatically: {reason}")

    def refuse_import(self, job: bytes, problem: Problem) -> None:
        """Leave the rest of a result to the artist, who sees at the job why."""
        self.stop_importing(job, problem.tag)
        self._job_happened(job, job_events.ImportRefused(self._clock(), problem))

    # Inside

    def _job_news(self, news: JobNews) -> None:
        if news.job not in self.jobs:
            return
        if news.preview is not None:
            self.previews[news.job] = news.preview
        if news.scores is not None:
            self.scores[news.job] = news.scores
        if news.curves:
            self.curves[news.job] = {**self.curves.get(news.job, {}), **news.curves}
        if news.upload is not None:
            self._upload_read(news)
            return
        if news.shapes and not self.jobs[news.job].result_here and self.jobs[news.job].status != JobStatus.IMPORTED:
            self._results.shapes[news.job] = news.shapes
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
            if entry.job in self.jobs or entry.kind not in KNOWN_KINDS:
                continue
            title = f"{KNOWN_KINDS[entry.kind]} {entry.parameters.get('name', '')}".strip()
            job = Job(entry.job, entry.kind, title, dict(entry.parameters), accepted=True, adopted=True)
            job = replace(job, created=self._clock())
            if entry.wanted:
                self._keep(replace(job, status=JobStatus.DETACHED), ())
                self._job_happened(job.id, job_events.ConnectionBack(self._clock()))
            elif entry.resumable and entry.job not in self._removed:
                self._keep(replace(job, status=JobStatus.CANCELLED, pause_wanted=True), ())

    def _begin(self, job: Job, read_first: bool) -> None:
        """Put a job on its way, through the reader of its files if there is one."""
        if read_first:
            self._uploads.read(job.id)
            self._keep(*reading(job, self._clock()))
            return
        self._keep(*submitted(job, self._clock()))
        if not self.online:
            self._job_happened(job.id, job_events.ConnectionGone(self._clock()))

    def _ask_again(self, old: Job) -> bytes:
        """Send a job that the server may still have once more, as it is."""
        if old.kind in WITH_SHAPES:
            self._results.expect(old.id)
        if self._has_to_read(old):
            again = Job(old.id, old.kind, old.title, old.parameters_again, adopted=old.adopted)
            self._begin(again, read_first=True)
            return old.id
        self.jobs[old.id] = replace(old, parameters=old.parameters_again)
        self._job_happened(old.id, job_events.RetryRequested(self._clock()))
        if not self.online:
            self._job_happened(old.id, job_events.ConnectionGone(self._clock()))
        return old.id

    def _has_to_read(self, job: Job) -> bool:
        """Whether what goes with a job that is run again has to be read from disk again."""
        return self._uploads.load(job.id) is not None and not self._uploads.arrays(job.id) and not job.has_begun_run

    def _tell_jobs(self, event: job_events.JobEvent) -> None:
        for job in tuple(self.jobs):
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
            self._link.cancel(job.id, job.patience_seconds)
        elif request == Request.FETCH:
            self._link.fetch(job.id, job.nbytes)
        else:
            self._link.acknowledge(job.id)

    def _count_jobs(self) -> None:
        self._jobs_counted(sum(job.status in UNFINISHED for job in self.jobs.values()))

    def _note(self, line: str) -> None:
        self.log.append(f"{time.strftime('%H:%M:%S')} {line}")
