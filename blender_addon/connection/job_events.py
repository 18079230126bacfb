# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a job. Events are values; `at` is time.monotonic() of when they happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .problems import Problem


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """The server has the job in its ledger, in `state` (queued, running, done, failed, cancelled)."""

    at: float
    state: str


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """The newest progress; `done` of `total` counts in the phase's own unit, 0 of 0 where there is nothing to count."""

    at: float
    phase: str
    done: int = 0
    total: int = 0
    eta_seconds: float | None = None
    message: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFinished:
    """The job is done. `here`: all of its result came along; otherwise arrays of `nbytes` lie at the server."""

    at: float
    result: Mapping[str, Any] = field(default_factory=dict)
    here: bool = False
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job, or a request about it, ended with a problem."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """The server confirmed that work on the job has stopped."""

    at: float


@dataclass(frozen=True, slots=True)
class JobUnknown:
    """The server does not know the job that it was asked about."""

    at: float


@dataclass(frozen=True, slots=True)
class ResultAcknowledged:
    """The server has forgotten the result, as it was told to."""

    at: float


@dataclass(frozen=True, slots=True)
class UploadProgressed:
    """So many of the files that go with the job are read."""

    at: float
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class UploadRead:
    """All that goes with the job is in memory, `nbytes` long: it can be sent."""

    at: float
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The artist wants the job to stop."""

    at: float


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """The artist wants the job to stop where it can go on later."""

    at: float


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """The artist wants the job to be run again, under its own id."""

    at: float


@dataclass(frozen=True, slots=True)
class ResultImported:
    """The whole result is in the scene."""

    at: float


@dataclass(frozen=True, slots=True)
class ImportRefused:
    """The result does not go into the scene as it is."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class ConnectionGone:
    """The server cannot be reached any more."""

    at: float


@dataclass(frozen=True, slots=True)
class ConnectionBack:
    """The server can be asked again."""

    at: float


@dataclass(frozen=True, slots=True)
class JobTimePassed:
    """The clock; comes at every poll."""

    at: float


JobEvent = (
    JobAccepted
    | JobProgressed
    | JobFinished
    | JobFailed
    | JobCancelled
    | JobUnknown
    | ResultAcknowledged
    | UploadProgressed
    | UploadRead
    | CancelRequested
    | PauseRequested
    | RetryRequested
    | ResultImported
    | ImportRefused
    | ConnectionGone
    | ConnectionBack
    | JobTimePassed
)
