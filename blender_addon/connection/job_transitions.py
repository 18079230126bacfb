# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure transition function of a job: (job, event) -> (job, requests to send), with no I/O and no clock.

`JOB_TRANSITIONS` has the outcome of every event in every state; events that a row does not name change nothing there.
A request has a deadline until it is answered; a job that the server has accepted is watched by the connection's
heartbeat; a detached job is given up after a day. Late news beats an early verdict: a result that arrives after "no
answer" is still a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from . import job_events as events
from .job_events import JobEvent
from .jobs import (
    ANSWER_SECONDS,
    CANCEL_SECONDS,
    DETACHED_SECONDS,
    READ_SECONDS,
    SLOWEST_BYTES_PER_SECOND,
    Job,
    JobStatus,
    Request,
)
from .problems import ABANDONED, CANCEL_UNANSWERED, FORGOTTEN, NO_ANSWER, NOT_ACCEPTED, NOT_READ, Problem

JobStep = tuple[Job, tuple[Request, ...]]
JobHandler = Callable[[Job, Any], JobStep]


def job_transition(job: Job, event: JobEvent) -> JobStep:
    """The job after `event` and what to send to the server, in order."""
    return JOB_TRANSITIONS[job.status, type(event)](job, event)


def submitted(job: Job, at: float) -> JobStep:
    """A new job on its way to the server."""
    sent = replace(job, status=JobStatus.QUEUED, created=at)
    return _until(sent, at + _submit_seconds(job), NOT_ACCEPTED), (Request.SUBMIT,)


def reading(job: Job, at: float) -> JobStep:
    """A new job whose files are being read before it goes to the server."""
    return _until(replace(job, status=JobStatus.READING, created=at), at + READ_SECONDS, NOT_READ), ()


# Steps that several cells of the table share.


def _until(job: Job, deadline: float, overdue: Problem) -> Job:
    return replace(job, deadline=deadline, overdue=overdue)


def _submit_seconds(job: Job) -> float:
    return ANSWER_SECONDS + job.upload_nbytes / SLOWEST_BYTES_PER_SECOND


def _waited(job: Job, event: events.JobTimePassed) -> JobStep:
    if job.deadline is None or event.at < job.deadline:
        return job, ()
    return _fail(job, job.overdue or NOT_ACCEPTED)


def _stay(job: Job, _event: JobEvent) -> JobStep:
    return job, ()


def _fail(job: Job, problem: Problem) -> JobStep:
    return replace(job, status=JobStatus.FAILED, problem=problem, deadline=None, eta_seconds=None), ()


def _failed(job: Job, event: events.JobFailed) -> JobStep:
    if event.problem.tag == "cancelled":
        return _cancelled(job, event)
    return _fail(job, event.problem)


def _cancelled(job: Job, _event: JobEvent) -> JobStep:
    ended = replace(job, status=JobStatus.CANCELLED, deadline=None, eta_seconds=None, problem=None)
    return ended, ()


def _accepted(job: Job, event: events.JobAccepted) -> JobStep:
    known = replace(job, accepted=True, deadline=None, problem=None)
    if job.cancel_wanted and event.state in ("queued", "running"):
        return _cancel(known, event.at)
    if event.state == "done":
        # The result follows in a message of its own.
        done = replace(known, status=JobStatus.DONE, eta_seconds=None)
        return _until(done, event.at + ANSWER_SECONDS, NO_ANSWER), ()
    if event.state == "cancelled":
        return _cancelled(known, event)
    if event.state == "failed":
        # The reason follows in a message of its own; for want of it, the job counts as forgotten.
        return _fail(known, FORGOTTEN)
    return replace(known, status=JobStatus.RUNNING if event.state == "running" else JobStatus.QUEUED), ()


def _progressed(job: Job, event: events.JobProgressed) -> JobStep:
    news = replace(job, phase=event.phase, done=event.done, total=event.total, message=event.message)
    return replace(news, eta_seconds=event.eta_seconds, accepted=True, notes=event.notes), ()


def _running(job: Job, event: events.JobProgressed) -> JobStep:
    news, _ = _progressed(job, event)
    if job.cancel_wanted:
        return _cancel(news, event.at)
    return replace(news, status=JobStatus.RUNNING, deadline=None, problem=None), ()


def _finished(job: Job, event: events.JobFinished) -> JobStep:
    result = event.result or job.result
    ended = replace(job, status=JobStatus.DONE, accepted=True, result=result, eta_seconds=None, problem=None)
    if event.here:
        return replace(ended, result_here=True, deadline=None), ()
    waiting = replace(ended, nbytes=event.nbytes)
    return _until(waiting, event.at + _fetch_seconds(waiting), NO_ANSWER), (Request.FETCH,)


def _fetch_seconds(job: Job) -> float:
    return ANSWER_SECONDS + job.nbytes / SLOWEST_BYTES_PER_SECOND


def _cancel(job: Job, at: float) -> JobStep:
    stopping = replace(job, status=JobStatus.CANCELLING, cancel_wanted=True, eta_seconds=None)
    return _until(stopping, at + CANCEL_SECONDS + job.patience_seconds, CANCEL_UNANSWERED), (Request.CANCEL,)


def _cancel_requested(job: Job, event: events.CancelRequested) -> JobStep:
    return _cancel(replace(job, pause_wanted=False), event.at)


def _pause_requested(job: Job, event: events.PauseRequested) -> JobStep:
    return _cancel(replace(job, pause_wanted=True), event.at)


def _retry(job: Job, event: events.RetryRequested) -> JobStep:
    fresh = Job(job.id, job.kind, job.title, job.parameters, adopted=job.adopted)
    return submitted(fresh, event.at)


def _detach(job: Job, event: events.ConnectionGone) -> JobStep:
    detached = replace(job, status=JobStatus.DETACHED, eta_seconds=None)
    return _until(detached, event.at + DETACHED_SECONDS, ABANDONED), ()


# READING


def _read_on(job: Job, event: events.UploadProgressed) -> JobStep:
    return _until(replace(job, done=event.done, total=event.total), event.at + READ_SECONDS, NOT_READ), ()


def _read(job: Job, event: events.UploadRead) -> JobStep:
    return submitted(replace(job, done=0, total=0, upload_nbytes=event.nbytes), event.at)


def _reading_paused(job: Job, event: events.PauseRequested) -> JobStep:
    return _cancelled(replace(job, pause_wanted=True), event)


# QUEUED, RUNNING and DETACHED


def _unknown(job: Job, event: events.JobUnknown) -> JobStep:
    if job.accepted:
        return _fail(job, FORGOTTEN)
    return submitted(job, event.at)


def _ask_again(job: Job, event: events.ConnectionBack) -> JobStep:
    """Sent twice is run once, so asking again is always right."""
    if not job.accepted:
        return _until(job, event.at + _submit_seconds(job), NOT_ACCEPTED), (Request.SUBMIT,)
    return _until(job, event.at + ANSWER_SECONDS, NO_ANSWER), (Request.FOLLOW,)


# CANCELLING


def _cancel_now(job: Job, event: events.CancelRequested) -> JobStep:
    """A pause that takes too long for the artist becomes a plain stop; a stop is not asked for twice."""
    return _cancel_requested(job, event) if job.pause_wanted else (job, ())


def _cancelling_back(job: Job, event: events.ConnectionBack) -> JobStep:
    return _cancel(job, event.at)


def _cancelling_accepted(job: Job, event: events.JobAccepted) -> JobStep:
    if event.state in ("queued", "running"):
        return replace(job, accepted=True), ()
    return _accepted(job, event)


# DONE and IMPORTED


def _imported(job: Job, _event: events.ResultImported) -> JobStep:
    ended = replace(job, status=JobStatus.IMPORTED, result_here=False, deadline=None, problem=None)
    return ended, (Request.ACKNOWLEDGE,)


def _done_again(job: Job, event: events.JobFinished) -> JobStep:
    # Told twice (a follow that was sent again), it is fetched once.
    asked_already = bool(job.nbytes) and not event.here
    return (job, ()) if job.result_here or asked_already else _finished(job, event)


def _done_back(job: Job, event: events.ConnectionBack) -> JobStep:
    if job.result_here:
        return job, ()
    return _until(job, event.at + _fetch_seconds(job), NO_ANSWER), (Request.FETCH,)


def _done_lost(job: Job, event: events.JobUnknown) -> JobStep:
    return (job, ()) if job.result_here else _fail(job, FORGOTTEN)


def _done_failed(job: Job, event: events.JobFailed) -> JobStep:
    return (job, ()) if job.result_here else _fail(job, event.problem)


def _imported_back(job: Job, _event: events.ConnectionBack) -> JobStep:
    return job, () if job.acknowledged else (Request.ACKNOWLEDGE,)


def _import_refused(job: Job, event: events.ImportRefused) -> JobStep:
    return replace(job, problem=event.problem), ()


def _acknowledged(job: Job, _event: JobEvent) -> JobStep:
    return replace(job, acknowledged=True), ()


# FAILED


def _failed_better(job: Job, event: events.JobFailed) -> JobStep:
    return replace(job, problem=event.problem), ()


def _failed_accepted(job: Job, event: events.JobAccepted) -> JobStep:
    return (replace(job, accepted=True), ()) if event.state == "failed" else _accepted(job, event)


# DETACHED


def _detached_cancel(job: Job, _event: events.CancelRequested) -> JobStep:
    return replace(job, cancel_wanted=True, pause_wanted=False), ()


def _detached_pause(job: Job, _event: events.PauseRequested) -> JobStep:
    return replace(job, cancel_wanted=True, pause_wanted=True), ()


def _row(status: JobStatus, **handlers: JobHandler) -> dict[tuple[JobStatus, type], JobHandler]:
    """One row of the table: the events that mean something in this state; all others change nothing."""
    named = {getattr(events, name): handler for name, handler in handlers.items()}
    return {(status, event): named.get(event, _stay) for event in get_args(JobEvent)}


_AT_SERVER: Mapping[str, JobHandler] = {  # QUEUED and RUNNING
    "JobAccepted": _accepted,
    "JobProgressed": _running,
    "JobFinished": _finished,
    "JobFailed": _failed,
    "JobCancelled": _cancelled,
    "JobUnknown": _unknown,
    "CancelRequested": _cancel_requested,
    "PauseRequested": _pause_requested,
    "ConnectionGone": _detach,
    "ConnectionBack": _ask_again,
    "JobTimePassed": _waited,
}

JOB_TRANSITIONS: Mapping[tuple[JobStatus, type], JobHandler] = {
    **_row(
        JobStatus.READING,
        JobFailed=_failed,
        UploadProgressed=_read_on,
        UploadRead=_read,
        CancelRequested=_cancelled,
        PauseRequested=_reading_paused,
        JobTimePassed=_waited,
    ),
    **_row(JobStatus.QUEUED, **_AT_SERVER),
    **_row(JobStatus.RUNNING, **_AT_SERVER),
    **_row(
        JobStatus.CANCELLING,
        JobAccepted=_cancelling_accepted,
        JobProgressed=_progressed,
        JobFinished=_finished,
        JobFailed=_failed,
        JobCancelled=_cancelled,
        JobUnknown=_cancelled,
        CancelRequested=_cancel_now,
        ConnectionGone=_detach,
        ConnectionBack=_cancelling_back,
        JobTimePassed=_waited,
    ),
    **_row(JobStatus.CANCELLED),
    **_row(
        JobStatus.DONE,
        JobFinished=_done_again,
        JobFailed=_done_failed,
        JobUnknown=_done_lost,
        ResultImported=_imported,
        ImportRefused=_import_refused,
        ConnectionBack=_done_back,
        JobTimePassed=_waited,
    ),
    **_row(
        JobStatus.IMPORTED,
        JobUnknown=_acknowledged,
        ResultAcknowledged=_acknowledged,
        ConnectionBack=_imported_back,
    ),
    **_row(
        JobStatus.FAILED,
        JobAccepted=_failed_accepted,
        JobProgressed=_running,
        JobFinished=_finished,
        JobFailed=_failed_better,
        RetryRequested=_retry,
    ),
    **_row(
        JobStatus.DETACHED,
        JobAccepted=_accepted,
        JobProgressed=_running,
        JobFinished=_finished,
        JobFailed=_failed,
        JobCancelled=_cancelled,
        JobUnknown=_unknown,
        CancelRequested=_detached_cancel,
        PauseRequested=_detached_pause,
        ConnectionGone=_detach,
        ConnectionBack=_ask_again,
        JobTimePassed=_waited,
    ),
}
