# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels say about connection and jobs. Short English sentences; the panels translate them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .jobs import WITH_SHAPES, Job, JobStatus
from .states import ConnectionState, Status

_STATUS_WORDS: Mapping[Status, str] = {
    Status.OFFLINE: "Not connected",
    Status.STARTING: "Starting",
    Status.CONNECTING: "Connecting",
    Status.READY: "Ready",
    Status.BUSY: "Working",
    Status.LOST: "Connection lost, trying again",
    Status.INCOMPATIBLE: "Add-on and generator do not fit together",
    Status.FAILED: "Not connected",
}
_JOB_WORDS: Mapping[JobStatus, str] = {
    JobStatus.READING: "reading files",
    JobStatus.QUEUED: "waiting",
    JobStatus.RUNNING: "running",
    JobStatus.CANCELLING: "stopping",
    JobStatus.CANCELLED: "stopped",
    JobStatus.DONE: "done",
    JobStatus.IMPORTED: "imported",
    JobStatus.FAILED: "failed",
    JobStatus.DETACHED: "out of reach",
}


_PHASE_WORDS: Mapping[str, str] = {
    "pictures": "looking at the pictures",
    "proxy": "warming up",
    "adversarial": "training",
    "generate": "generating",
    "evaluate": "measuring",
    "rendering": "rendering",
}


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The word for a state, and what follows it untranslated (a device, seconds)."""

    words: str
    detail: str = ""


def status_line(state: ConnectionState, now: float) -> StatusLine:
    """The one line at the top of the panel. `now` is time.monotonic()."""
    words = _STATUS_WORDS[state.status]
    if state.status in (Status.READY, Status.BUSY):
        return StatusLine(words, state.server.device if state.server else "")
    if state.status in (Status.STARTING, Status.CONNECTING):
        return StatusLine(words, f"{max(0.0, now - state.since):.0f} s")
    if state.status == Status.LOST and state.retry_at is not None:
        return StatusLine(words, f"{max(0.0, state.retry_at - now):.0f} s")
    return StatusLine(words)


def job_word(job: Job) -> str:
    """The word for a job's state."""
    if job.status == JobStatus.IMPORTED and job.kind not in WITH_SHAPES:
        return _JOB_WORDS[JobStatus.DONE]
    return _JOB_WORDS[job.status]


def phase_word(job: Job) -> str:
    """The word for what a running job is doing."""
    return _PHASE_WORDS.get(job.phase, job.phase) or _JOB_WORDS[job.status]


def progress_text(job: Job) -> str:
    """How far a running job is, in English: `sampling  48%  2:10 left`."""
    parts = [phase_word(job)]
    if job.total:
        parts.append(f"{job.fraction:.0%}")
    if job.eta_seconds is not None:
        parts.append(f"{duration_text(job.eta_seconds)} left")
    return "  ".join(parts)


def duration_text(seconds: float) -> str:
    """`0:09`, `2:10`, `1:02:10`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
