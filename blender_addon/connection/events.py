# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to the connection. Events are values; `at` is time.monotonic() of when they happened."""

from __future__ import annotations

from dataclasses import dataclass

from .problems import Problem
from .states import FIRST_RETRY_SECONDS, Endpoint, Server, Target


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """The artist (or a script) wants to be connected to `target`."""

    at: float
    target: Target


@dataclass(frozen=True, slots=True)
class ConnectRefused:
    """The artist wants to be connected, and what the preferences say leads nowhere."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class DisconnectRequested:
    """The artist wants to be offline, or the add-on is being disabled."""

    at: float


@dataclass(frozen=True, slots=True)
class BackendStarted:
    """The supervised child listens at `endpoint`."""

    at: float
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class BackendExited:
    """The supervised child ended, or could not be started."""

    at: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server accepted our greeting."""

    at: float
    server: Server


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered and said no. `incompatible`: because of the protocol version, so waiting cannot help."""

    at: float
    problem: Problem
    incompatible: bool = False


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The server cannot be heard: silence, garbage, or a socket error. The client tries again in `retry_seconds`."""

    at: float
    problem: Problem
    retry_seconds: float = FIRST_RETRY_SECONDS


@dataclass(frozen=True, slots=True)
class RunningJobsChanged:
    """So many jobs are queued or running at the server now."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The clock; comes at every poll."""

    at: float


ConnectionEvent = (
    ConnectRequested
    | ConnectRefused
    | DisconnectRequested
    | BackendStarted
    | BackendExited
    | Welcomed
    | Refused
    | LinkLost
    | RunningJobsChanged
    | TimePassed
)
