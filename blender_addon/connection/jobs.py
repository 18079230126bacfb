# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as the add-on sees it: one frozen value, eight states, and what the server is to be told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .problems import MAY_STILL_LIVE, Problem

# Times are seconds of time.monotonic().
ANSWER_SECONDS = 30.0  # for an answer to submit, follow or fetch
SLOWEST_BYTES_PER_SECOND = 1e6  # arrays are given the time that they need over a slow line
CANCEL_SECONDS = 10.0  # beyond the patience that was asked for; the server promises 2
PAUSE_SECONDS = 60.0  # the patience with a training that is to save itself first
DETACHED_SECONDS = 24 * 3600.0
READ_SECONDS = 60.0  # for the next file from a disk

WITH_SHAPES = frozenset({"generate"})  # kinds of jobs whose results go into the scene
BEFORE_TRAINING = frozenset({"", "pictures"})  # phases of a training that has nothing yet to go on from


class JobStatus(Enum):
    """The nine states of a job. The panel shows each with its own word and buttons."""

    READING = "READING"  # what goes with it is read from disk; the server does not know of it yet
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    DONE = "DONE"
    IMPORTED = "IMPORTED"
    FAILED = "FAILED"
    DETACHED = "DETACHED"


UNFINISHED = frozenset({JobStatus.READING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.CANCELLING})
ENDED = frozenset({JobStatus.CANCELLED, JobStatus.DONE, JobStatus.IMPORTED, JobStatus.FAILED})


class Request(Enum):
    """What a job may ask the session to send to the server."""

    SUBMIT = "SUBMIT"
    FOLLOW = "FOLLOW"
    CANCEL = "CANCEL"
    FETCH = "FETCH"
    ACKNOWLEDGE = "ACKNOWLEDGE"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `id` is 16 bytes chosen here, and stays the same through retries and reconnections."""

    id: bytes
    kind: str
    title: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    status: JobStatus = JobStatus.QUEUED
    accepted: bool = False  # the server has answered for it at least once
    cancel_wanted: bool = False
    pause_wanted: bool = False  # the cancel is to let it come to a point from which it can go on
    result_here: bool = False
    nbytes: int = 0  # of the result's arrays at the server
    upload_nbytes: int = 0  # of the arrays that go with it
    acknowledged: bool = False
    adopted: bool = False  # found in the server's ledger, not submitted by this session
    created: float = 0.0
    deadline: float | None = None  # by when the server has to have answered
    overdue: Problem | None = None  # what has gone wrong if it has not
    phase: str = ""
    done: int = 0
    total: int = 0
    eta_seconds: float | None = None
    message: str = ""
    notes: tuple[str, ...] = ()  # what the artist should know of it, in the generator's words
    problem: Problem | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The id as text, for operators' properties."""
        return self.id.hex()

    @property
    def paused(self) -> bool:
        """Whether it was stopped at a point from which it goes on when it is run again."""
        return self.status == JobStatus.CANCELLED and self.pause_wanted

    @property
    def may_still_live(self) -> bool:
        """Whether it failed here in a way that leaves open what became of it at the server."""
        return self.status == JobStatus.FAILED and self.problem is not None and self.problem.tag in MAY_STILL_LIVE

    @property
    def patience_seconds(self) -> float:
        """How long the server is to wait for the job to come to a safe point when it is cancelled."""
        return PAUSE_SECONDS if self.pause_wanted else 0.0

    @property
    def has_begun_run(self) -> bool:
        """Whether it is a training that can go on where it stopped, with the pictures that are at the server."""
        return self.kind == "train" and self.phase not in BEFORE_TRAINING

    @property
    def parameters_again(self) -> dict[str, Any]:
        """What to run the job with once more: a training continues its own run, and never another of that name."""
        if self.kind == "train" and (self.phase or self.adopted):
            return {**self.parameters, "resume": True}
        return dict(self.parameters)

    @property
    def fraction(self) -> float:
        """How far the phase is, from 0 to 1; 0 where nothing can be counted."""
        return min(1.0, self.done / self.total) if self.total else 0.0
