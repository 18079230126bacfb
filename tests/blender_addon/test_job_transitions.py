# SPDX-License-Identifier: Apache-2.0
"""Every event in every state of a job has the outcome that is written here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.connection import job_events as e
from blender_addon.connection.job_events import JobEvent
from blender_addon.connection.job_transitions import JOB_TRANSITIONS, job_transition, reading, submitted
from blender_addon.connection.jobs import (
    ANSWER_SECONDS,
    CANCEL_SECONDS,
    DETACHED_SECONDS,
    ENDED,
    PAUSE_SECONDS,
    READ_SECONDS,
    Job,
    JobStatus,
    Request,
)
from blender_addon.connection.problems import (
    ABANDONED,
    CANCEL_UNANSWERED,
    FORGOTTEN,
    NO_ANSWER,
    NOT_ACCEPTED,
    NOT_READ,
    Problem,
    mesh_too_dense,
)

NOW = 1000.0
TOO_DENSE = mesh_too_dense(9, 5)
OUT_OF_MEMORY = Problem("out_of_memory", "Too large.", "Use a smaller grid.")
S = JobStatus

QUEUED = e.JobAccepted(NOW, "queued")
RUNNING = e.JobAccepted(NOW, "running")
PROGRESS = e.JobProgressed(NOW, "sampling", 1, 4, 2.0)
FINISHED = e.JobFinished(NOW, {"shapes": []}, here=True)
AT_SERVER = e.JobFinished(NOW, {"shapes": []}, nbytes=100)
FAILED = e.JobFailed(NOW, OUT_OF_MEMORY)
CANCELLED = e.JobCancelled(NOW)
UNKNOWN = e.JobUnknown(NOW)
ACKNOWLEDGED = e.ResultAcknowledged(NOW)
CANCEL = e.CancelRequested(NOW)
PAUSE = e.PauseRequested(NOW)
RETRY = e.RetryRequested(NOW)
IMPORTED = e.ResultImported(NOW)
REFUSED = e.ImportRefused(NOW, TOO_DENSE)
GONE = e.ConnectionGone(NOW)
BACK = e.ConnectionBack(NOW)
TICK = e.JobTimePassed(NOW)
FILE_READ = e.UploadProgressed(NOW, 1, 4)
ALL_READ = e.UploadRead(NOW)
ALL = (
    RUNNING, PROGRESS, FINISHED, FAILED, CANCELLED, UNKNOWN, ACKNOWLEDGED, CANCEL, RETRY, IMPORTED, GONE, BACK, TICK,
    FILE_READ, ALL_READ, PAUSE, REFUSED,
)  # fmt: skip

# Status after, in the order of ALL. The job has been accepted and nothing is due.
OUTCOMES = {
    S.READING: (
        S.READING, S.READING, S.READING, S.FAILED, S.READING, S.READING, S.READING, S.CANCELLED, S.READING, S.READING,
        S.READING, S.READING, S.READING, S.READING, S.QUEUED, S.CANCELLED, S.READING,
    ),
    S.QUEUED: (
        S.RUNNING, S.RUNNING, S.DONE, S.FAILED, S.CANCELLED, S.FAILED, S.QUEUED, S.CANCELLING, S.QUEUED, S.QUEUED,
        S.DETACHED, S.QUEUED, S.QUEUED, S.QUEUED, S.QUEUED, S.CANCELLING, S.QUEUED,
    ),
    S.RUNNING: (
        S.RUNNING, S.RUNNING, S.DONE, S.FAILED, S.CANCELLED, S.FAILED, S.RUNNING, S.CANCELLING, S.RUNNING, S.RUNNING,
        S.DETACHED, S.RUNNING, S.RUNNING, S.RUNNING, S.RUNNING, S.CANCELLING, S.RUNNING,
    ),
    S.CANCELLING: (
        S.CANCELLING, S.CANCELLING, S.DONE, S.FAILED, S.CANCELLED, S.CANCELLED, S.CANCELLING, S.CANCELLING,
        S.CANCELLING, S.CANCELLING, S.DETACHED, S.CANCELLING, S.CANCELLING, S.CANCELLING, S.CANCELLING, S.CANCELLING,
        S.CANCELLING,
    ),
    S.CANCELLED: (S.CANCELLED,) * 17,
    S.DONE: (
        S.DONE, S.DONE, S.DONE, S.DONE, S.DONE, S.DONE, S.DONE, S.DONE, S.DONE, S.IMPORTED, S.DONE, S.DONE, S.DONE,
        S.DONE, S.DONE, S.DONE, S.DONE,
    ),
    S.IMPORTED: (S.IMPORTED,) * 17,
    S.FAILED: (
        S.RUNNING, S.RUNNING, S.DONE, S.FAILED, S.FAILED, S.FAILED, S.FAILED, S.FAILED, S.QUEUED, S.FAILED, S.FAILED,
        S.FAILED, S.FAILED, S.FAILED, S.FAILED, S.FAILED, S.FAILED,
    ),
    S.DETACHED: (
        S.RUNNING, S.RUNNING, S.DONE, S.FAILED, S.CANCELLED, S.FAILED, S.DETACHED, S.DETACHED, S.DETACHED, S.DETACHED,
        S.DETACHED, S.DETACHED, S.DETACHED, S.DETACHED, S.DETACHED, S.DETACHED, S.DETACHED,
    ),
}  # fmt: skip


def job_in(status: JobStatus) -> Job:
    """A job as it is in practice in that state: accepted, and with its result here where it is done."""
    job = Job(b"j" * 16, "generate", "9 chairs", status=status, accepted=True, created=NOW)
    if status is S.CANCELLING:
        return replace(job, cancel_wanted=True, deadline=NOW + 5, overdue=CANCEL_UNANSWERED)
    if status is S.FAILED:
        return replace(job, problem=OUT_OF_MEMORY)
    return replace(job, result_here=status is S.DONE)


def test_the_table_names_every_event_in_every_state() -> None:
    assert set(JOB_TRANSITIONS) == set(itertools.product(JobStatus, get_args(JobEvent)))
    assert {type(event) for event in ALL} == set(get_args(JobEvent))
    assert set(OUTCOMES) == set(JobStatus)


@pytest.mark.parametrize(
    ("status", "event", "after"),
    [(status, event, after) for status, row in OUTCOMES.items() for event, after in zip(ALL, row, strict=True)],
    ids=lambda value: str(value)[:30],
)
def test_an_event_has_its_outcome(status: JobStatus, event: JobEvent, after: JobStatus) -> None:
    assert job_transition(job_in(status), event)[0].status is after


def test_the_usual_life_of_a_job() -> None:
    job, requests = submitted(Job(b"j" * 16, "generate", "a chair"), NOW)
    assert requests == (Request.SUBMIT,)
    job, _ = job_transition(job, QUEUED)
    job, _ = job_transition(job, PROGRESS)
    assert (job.status, job.phase, job.fraction, job.eta_seconds) == (S.RUNNING, "sampling", 0.25, 2.0)
    job, requests = job_transition(job, AT_SERVER)
    assert (job.status, job.result_here, requests) == (S.DONE, False, (Request.FETCH,))
    job, requests = job_transition(job, AT_SERVER)
    assert requests == (), "told twice, it is fetched once"
    job, requests = job_transition(job, FINISHED)
    assert (job.result_here, requests) == (True, ())
    job, requests = job_transition(job, IMPORTED)
    assert (job.status, requests) == (S.IMPORTED, (Request.ACKNOWLEDGE,))
    assert job_transition(job, BACK)[1] == (Request.ACKNOWLEDGE,), "until the server has heard it"
    job, _ = job_transition(job, ACKNOWLEDGED)
    assert job_transition(job, BACK)[1] == ()


@pytest.mark.parametrize(
    ("job", "seconds", "problem"),
    [
        pytest.param(submitted(Job(b"j" * 16, "k", "t"), NOW)[0], ANSWER_SECONDS, NOT_ACCEPTED, id="submitted"),
        pytest.param(job_transition(job_in(S.RUNNING), CANCEL)[0], CANCEL_SECONDS, CANCEL_UNANSWERED, id="cancelling"),
        pytest.param(job_transition(job_in(S.RUNNING), GONE)[0], DETACHED_SECONDS, ABANDONED, id="detached"),
        pytest.param(job_transition(job_in(S.DETACHED), BACK)[0], ANSWER_SECONDS, NO_ANSWER, id="followed"),
        pytest.param(
            job_transition(job_in(S.QUEUED), e.JobAccepted(NOW, "done"))[0], ANSWER_SECONDS, NO_ANSWER, id="done"
        ),
        pytest.param(reading(Job(b"j" * 16, "k", "t"), NOW)[0], READ_SECONDS, NOT_READ, id="reading"),
        pytest.param(job_transition(job_in(S.READING), FILE_READ)[0], READ_SECONDS, NOT_READ, id="read on"),
        pytest.param(
            job_transition(job_in(S.READING), e.UploadRead(NOW, 60_000_000))[0],
            ANSWER_SECONDS + 60,
            NOT_ACCEPTED,
            id="large upload",
        ),
    ],
)
def test_a_question_that_is_not_answered_ends_in_failure(job: Job, seconds: float, problem: Problem) -> None:
    assert job_transition(job, e.JobTimePassed(NOW + seconds - 0.01))[0].status is job.status
    late, _ = job_transition(job, e.JobTimePassed(NOW + seconds))
    assert (late.status, late.problem) == (S.FAILED, problem)


def test_a_large_result_is_given_the_time_that_it_needs() -> None:
    job, _ = job_transition(job_in(S.RUNNING), replace(AT_SERVER, nbytes=60_000_000))
    assert job_transition(job, e.JobTimePassed(NOW + 80))[0].status is S.DONE
    assert job_transition(job, e.JobTimePassed(NOW + 91))[0].status is S.FAILED


def test_a_job_that_never_reached_the_server_is_sent_again_and_another_is_asked_for() -> None:
    unsent = replace(job_in(S.DETACHED), accepted=False)
    assert job_transition(unsent, BACK)[1] == (Request.SUBMIT,)
    assert job_transition(unsent, UNKNOWN)[1] == (Request.SUBMIT,)
    assert job_transition(job_in(S.DETACHED), BACK)[1] == (Request.FOLLOW,)
    assert job_transition(job_in(S.DETACHED), UNKNOWN)[0].problem == FORGOTTEN


def test_a_cancel_that_was_cut_off_is_sent_again_after_the_connection_is_back() -> None:
    job, requests = job_transition(job_in(S.RUNNING), CANCEL)
    assert requests == (Request.CANCEL,)
    job, _ = job_transition(job, GONE)
    job, _ = job_transition(job, BACK)
    job, requests = job_transition(job, RUNNING)
    assert (job.status, requests) == (S.CANCELLING, (Request.CANCEL,))


def test_a_pause_is_a_cancel_that_waits_for_a_safe_point() -> None:
    pausing, requests = job_transition(job_in(S.RUNNING), PAUSE)
    assert (pausing.status, pausing.patience_seconds, requests) == (S.CANCELLING, PAUSE_SECONDS, (Request.CANCEL,))
    patient = e.JobTimePassed(NOW + CANCEL_SECONDS + PAUSE_SECONDS - 0.01)
    assert job_transition(pausing, patient)[0].status is S.CANCELLING
    assert (
        job_transition(pausing, e.JobTimePassed(NOW + CANCEL_SECONDS + PAUSE_SECONDS))[0].problem == CANCEL_UNANSWERED
    )
    assert not pausing.paused
    paused, _ = job_transition(pausing, CANCELLED)
    assert paused.paused


def test_a_pause_that_takes_too_long_can_be_turned_into_a_stop() -> None:
    pausing, _ = job_transition(job_in(S.RUNNING), PAUSE)
    stopping, requests = job_transition(pausing, CANCEL)
    assert (stopping.patience_seconds, stopping.deadline, requests) == (0.0, NOW + CANCEL_SECONDS, (Request.CANCEL,))
    assert job_transition(stopping, PAUSE) == (stopping, ())
    assert job_transition(stopping, CANCEL) == (stopping, ()), "a stop is not asked for twice"
    assert not job_transition(stopping, CANCELLED)[0].paused


def test_a_pause_that_was_cut_off_is_asked_for_again_with_its_patience() -> None:
    job, _ = job_transition(job_in(S.DETACHED), PAUSE)
    job, _ = job_transition(job, BACK)
    job, requests = job_transition(job, RUNNING)
    assert (job.status, job.patience_seconds, requests) == (S.CANCELLING, PAUSE_SECONDS, (Request.CANCEL,))


def test_a_result_that_does_not_go_into_the_scene_says_why_and_is_kept() -> None:
    job, requests = job_transition(job_in(S.DONE), REFUSED)
    assert (job.status, job.problem, job.result_here, requests) == (S.DONE, TOO_DENSE, True, ())


def test_retry_runs_a_failed_job_under_its_own_id() -> None:
    job, requests = job_transition(job_in(S.FAILED), RETRY)
    assert (job.id, job.status, job.problem, requests) == (b"j" * 16, S.QUEUED, None, (Request.SUBMIT,))


def test_a_failure_named_cancelled_is_no_failure() -> None:
    job, _ = job_transition(job_in(S.CANCELLING), e.JobFailed(NOW, Problem("cancelled", "Stopped.")))
    assert (job.status, job.problem) == (S.CANCELLED, None)


def test_files_are_read_before_anything_is_sent() -> None:
    job, requests = reading(Job(b"j" * 16, "train", "tomatoes"), NOW)
    assert (job.status, requests) == (S.READING, ())
    job, requests = job_transition(job, FILE_READ)
    assert (job.done, job.total, requests) == (1, 4, ())
    assert job_transition(job, CANCEL) == (replace(job, status=S.CANCELLED, deadline=None), ())
    job, requests = job_transition(job, ALL_READ)
    assert (job.status, job.total, requests) == (S.QUEUED, 0, (Request.SUBMIT,))


def test_a_training_goes_on_with_its_own_run_only() -> None:
    job = Job(b"j" * 16, "train", "tomatoes", {"name": "tomatoes", "resume": False})
    assert job.parameters_again["resume"] is False, "it was refused: the run of that name is another one"
    assert not job.has_begun_run
    looking, _ = job_transition(job, e.JobProgressed(NOW, "pictures"))
    assert (looking.has_begun_run, looking.parameters_again["resume"]) == (False, True)
    training, _ = job_transition(looking, e.JobProgressed(NOW, "adversarial", 1, 4))
    assert (training.has_begun_run, training.parameters_again["resume"]) == (True, True)
    assert job_in(S.FAILED).parameters_again == {}


@given(st.lists(st.sampled_from(ALL), max_size=25), st.sampled_from([submitted, reading]))
def test_no_history_leads_into_waiting_for_ever(
    history: list[JobEvent], begin: Callable[[Job, float], tuple[Job, tuple[Request, ...]]]
) -> None:
    """Once the server is gone and stays gone, every job ends; a result that is here stays."""
    job, _ = begin(Job(b"j" * 16, "generate", "a chair"), NOW)
    for event in history:
        job, _ = job_transition(job, event)
    job, _ = job_transition(job, GONE)
    job, _ = job_transition(job, e.JobTimePassed(NOW + 2 * DETACHED_SECONDS))
    assert job.status in ENDED
    assert job.status is not S.DONE or job.result_here
