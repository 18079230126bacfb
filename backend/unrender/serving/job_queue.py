# SPDX-License-Identifier: Apache-2.0
"""Jobs from request to result: what is asked for goes into the ledger, then into a process, and its result to disk.

Everything here is single-threaded and returns at once; `poll` moves things on and says what happened.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from unrender.errors import DataError, DiskFullError, UserError
from unrender.serving.failures import describe_interruption
from unrender.serving.job_kinds import JobKinds, kind_named
from unrender.serving.job_process import JobEnded, JobProcess, JobProgressed
from unrender.serving.jobs import Job, JobError, JobState
from unrender.serving.ledger import JobLedger
from unrender.serving.results import JobFolders

_MOST_ATTEMPTS = 3  # a job whose run always ends with the death of the server must not be tried for ever
_SECONDS_TO_SAVE = 8.0  # a server that stops with Blender has 10 in all
_SECONDS_WARM = 600.0  # an idle process holds some hundred MB; then it goes
_SECONDS_BETWEEN_LOOKS = 0.02  # while jobs save
_SECONDS_BETWEEN_RETRIES = 1.0  # of writing the ledger to a disk that is full


class UnknownJobError(UserError):
    """No job of that id."""

    tag = "unknown_job"


class NotFinishedError(UserError):
    """A result was asked for that is not there yet, or never will be."""

    tag = "not_finished"


class QueueFullError(UserError):
    """Too many jobs wait."""

    tag = "queue_full"


class JobQueue:
    """All jobs of one data home. `home` / `jobs` holds the ledger and a folder per job.

    Args:
        patience: seconds to wait for another server that is about to end.

    Raises:
        UserError: the ledger belongs to another server, or cannot be read.
    """

    def __init__(self, kinds: JobKinds, home: Path, most_waiting: int = 1000, patience: float = 1.0) -> None:
        self._kinds = kinds
        self._ledger = JobLedger(home / "jobs" / "ledger.sqlite", patience)
        self._folders = JobFolders(home / "jobs")
        self._most_waiting = most_waiting
        self._lanes = {kind.lane: JobProcess(kinds, kind.preload) for kind in kinds.values()}
        self._progress: dict[bytes, JobProgressed] = {}
        self._unsaved: dict[bytes, Job] = {}  # what a full disk kept from the ledger
        self._next_retry = 0.0
        self._waiting: list[Job] = []
        self._recover()

    def __enter__(self) -> "JobQueue":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, within seconds. Jobs that were running count as interrupted when the next server starts.

        Those that save are asked to, and are put back into the queue once they have.
        """
        self._let_save()
        for process in self._lanes.values():
            process.kill()
        self._ledger.close()

    @property
    def is_busy(self) -> bool:
        """Whether any job runs or waits."""
        return bool(self._waiting) or any(process.job is not None for process in self._lanes.values())

    def submit(
        self, job_id: bytes, kind_name: str, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> Job:
        """Enter a job, once: an id that is known already gives that job as it stands.

        Raises UserError if there is no such kind or a parameter is not as it should be, DiskFullError.
        """
        known = self._find(job_id)
        if known is not None:
            return known
        kind = kind_named(self._kinds, kind_name)
        kind.check(parameters)
        if len(self._waiting) >= self._most_waiting:
            raise QueueFullError(f"{len(self._waiting)} jobs are waiting already.", "Wait until some of them are done.")
        job = Job(job_id, kind_name, dict(parameters), submitted=time.time())
        self._folders.save_inputs(job_id, arrays)
        self._ledger.save(job)
        self._waiting.append(job)
        return job

    def find(self, job_id: bytes) -> Job:
        """The job as it stands; raises UnknownJobError."""
        job = self._find(job_id)
        if job is None:
            raise UnknownJobError("This server does not know that job.", "Start it again.")
        return job

    def jobs(self, newest: int) -> list[Job]:
        """The newest jobs, the newest first."""
        saved = self._ledger.jobs(newest=newest)
        return [self._unsaved.get(job.id, job) for job in reversed(saved)]

    def progress(self, job_id: bytes) -> JobProgressed | None:
        """The newest that a running job has said, with the newest arrays that it has shown."""
        return self._progress.get(job_id)

    def shown(self, job: Job) -> JobProgressed | None:
        """What one who begins to follow a job is shown: what it last said, or what it left on disk."""
        progress = self._progress.get(job.id)
        if progress is not None and progress.arrays:
            return progress
        kind = self._kinds.get(job.kind)
        # One that never ran, or failed, may have meant to write where another's files lie.
        if kind is None or kind.show is None or job.attempts == 0 or job.state is JobState.FAILED:
            return progress
        arrays = kind.show(kind.check(job.parameters))
        return replace(progress, arrays=arrays) if progress else JobProgressed(job.id, "", 0, 0, None, "", arrays)

    def cancel(self, job_id: bytes, patience: float = 0.0) -> Job:
        """Stop the job if it has not ended; a running one has stopped when `poll` says so.

        That is within 2 seconds, or within `patience` seconds where the job needs them to come to a point that it can
        be resumed from.
        """
        job = self.find(job_id)
        if job.state is JobState.QUEUED:
            self._waiting = [other for other in self._waiting if other.id != job_id]
            job = self._save(job.cancel(time.time()))
            self._folders.remove(job_id)
        for process in self._lanes.values():
            if process.job is not None and process.job.id == job_id:
                process.cancel(patience)
        return job

    def result(self, job_id: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The result of a finished job. Raises UnknownJobError, NotFinishedError, DataError."""
        job = self.find(job_id)
        if job.state is not JobState.DONE:
            raise NotFinishedError(f"The job is {job.state.value}; there is no result to fetch.")
        if job.acknowledged:
            raise NotFinishedError("The result was fetched and acknowledged before; it is gone.", "Run the job again.")
        return self._folders.load_result(job_id)

    def result_size(self, job_id: bytes) -> int:
        """Bytes that fetching the result will move, about."""
        return self._folders.result_size(job_id)

    def acknowledge(self, job_id: bytes) -> None:
        """Forget the result: the client has it. Does nothing for a job without one."""
        job = self._find(job_id)
        if job is not None and job.state is JobState.DONE and not job.acknowledged:
            self._save(job.acknowledge())
            self._folders.remove(job_id)
            for forgotten in self._ledger.forget_old():
                self._folders.remove(forgotten)

    def prepare(self, kind_name: str) -> None:
        """Start the process of a kind's lane, so that the first job finds it ready."""
        if kind_name in self._kinds:
            self._lanes[self._kinds[kind_name].lane].start()

    def poll(self) -> list[JobProgressed | Job]:
        """Move everything on. Returns the newest progress of each running job, and the jobs whose state changed."""
        news: list[JobProgressed | Job] = []
        for lane, process in self._lanes.items():
            for event in process.poll():
                if isinstance(event, JobProgressed):
                    self._remember(event)
                    news.append(event)
                else:
                    news.append(self._settle(event))
                    self._rest(process)
            started = self._start_next(lane, process)
            if started is not None:
                news.append(started)
            elif process.job is None and process.is_alive and time.monotonic() - process.idle_since > _SECONDS_WARM:
                process.stop()
        self._retry_saving()
        return news

    # --- inside ---

    def _let_save(self) -> None:
        """Stop the jobs that save, and wait for it. One that has not by then stays as it is: interrupted."""
        saving = [
            (process, process.job, process.is_cancelled)
            for process in self._lanes.values()
            if process.is_alive and process.job is not None and self._kinds[process.job.kind].saves
        ]
        for process, _, _ in saving:
            process.cancel(_SECONDS_TO_SAVE)
        end = time.monotonic() + _SECONDS_TO_SAVE + 1.0
        while saving and time.monotonic() < end:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            for process, job, was_cancelled in tuple(saving):
                ended = next((event for event in process.poll() if isinstance(event, JobEnded)), None)
                if ended is None:
                    continue
                saving.remove((process, job, was_cancelled))
                if was_cancelled or ended.done:
                    self._settle(ended)
                elif process.is_alive:  # otherwise it came to no end of its own
                    self._save(job.put_back())

    def _remember(self, progress: JobProgressed) -> None:
        """Keep the newest progress with the newest arrays: for those who begin to follow the job later."""
        self._progress[progress.job] = progress.after(self._progress.get(progress.job))

    def _find(self, job_id: bytes) -> Job | None:
        return self._unsaved.get(job_id) or self._ledger.find(job_id)

    def _start_next(self, lane: str, process: JobProcess) -> Job | None:
        if process.job is not None:
            return None
        for job in self._waiting:
            if self._kinds[job.kind].lane == lane:
                self._waiting.remove(job)
                job = self._save(job.start(time.time()))
                process.run(job, self._folders.folder(job.id))
                return job
        return None

    def _settle(self, ended: JobEnded) -> Job:
        job = self.find(ended.job)
        self._progress.pop(ended.job, None)
        now = time.time()
        if ended.error is not None:
            self._folders.keep_log(job.id)
            return self._save(job.fail(now, ended.error))
        if ended.done:
            return self._save(self._finished(job, now))
        self._folders.remove(job.id)
        return self._save(job.cancel(now))

    def _finished(self, job: Job, now: float) -> Job:
        try:
            return job.finish(now, self._folders.load_header(job.id))
        except DataError as error:
            return job.fail(now, JobError(error.tag, error.message, error.hint))

    def _rest(self, process: JobProcess) -> None:
        """After a job: keep the process if any kind of its lane is worth it."""
        if not any(kind.stays_warm for kind in self._kinds.values() if self._lanes[kind.lane] is process):
            process.stop()

    def _recover(self) -> None:
        """Take up what an earlier server left."""
        now = time.time()
        for job in self._ledger.jobs(JobState.RUNNING, newest=1 << 30):
            kind = self._kinds.get(job.kind)
            if self._folders.has_result(job.id):
                self._save(self._finished(job, now))
            elif kind is None or not kind.repeatable or job.attempts >= _MOST_ATTEMPTS:
                self._save(job.fail(now, describe_interruption()))
            else:
                self._save(job.requeue())
        for job in self._ledger.jobs(JobState.QUEUED, newest=1 << 30):
            if job.kind in self._kinds:
                self._waiting.append(job)
            else:
                self._save(job.fail(now, JobError("unknown_kind", f"This server has no job of kind {job.kind!r}.")))
        self._folders.remove_strangers({job.id for job in self._ledger.jobs(newest=1 << 30)})

    def _save(self, job: Job) -> Job:
        """Write what became of a job; where the disk is full it is remembered, and written when there is room."""
        try:
            self._ledger.save(job)
            self._unsaved.pop(job.id, None)
        except DiskFullError:
            self._unsaved[job.id] = job
        return job

    def _retry_saving(self) -> None:
        if self._unsaved and time.monotonic() >= self._next_retry:
            self._next_retry = time.monotonic() + _SECONDS_BETWEEN_RETRIES
            for job in list(self._unsaved.values()):
                self._save(job)
