# SPDX-License-Identifier: Apache-2.0
"""A job as a value: what was asked for, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """queued -> running -> done | failed | cancelled; a server that was killed puts running ones back to queued."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: a stable tag for programs, a sentence and a next step for people."""

    tag: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. Times are seconds since 1970; `id` is 16 bytes chosen by the client."""

    id: bytes
    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: JobState = JobState.QUEUED
    submitted: float = 0.0
    started: float | None = None
    finished: float | None = None
    attempts: int = 0
    result: Mapping[str, Any] | None = None
    error: JobError | None = None
    acknowledged: bool = False

    def start(self, now: float) -> "Job":
        return replace(self, state=JobState.RUNNING, started=now, attempts=self.attempts + 1)

    def requeue(self) -> "Job":
        return replace(self, state=JobState.QUEUED, started=None)

    def put_back(self) -> "Job":
        """Requeued without blame: it was stopped with the server, and has saved where it was."""
        return replace(self.requeue(), attempts=max(0, self.attempts - 1))

    def finish(self, now: float, result: Mapping[str, Any]) -> "Job":
        return replace(self, state=JobState.DONE, finished=now, result=dict(result))

    def fail(self, now: float, error: JobError) -> "Job":
        return replace(self, state=JobState.FAILED, finished=now, error=error)

    def cancel(self, now: float) -> "Job":
        return replace(self, state=JobState.CANCELLED, finished=now)

    def acknowledge(self) -> "Job":
        return replace(self, acknowledged=True)
