# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure transition function of the connection: (state, event) -> (state, effects), with no I/O and no clock.

`TRANSITIONS` names the outcome of every event in every state, so nothing is left to chance: STARTING and CONNECTING
end at their deadline, LOST ends when it gives up, READY and BUSY are watched by the heartbeat of the socket thread
(which reports LinkLost), and the others wait for nobody but the artist. A link that is lost is kept open: its client
goes on greeting the server, with growing pauses, until it is welcomed or closed.

A backend child belongs to the add-on only where the target is this computer. It is restarted when it stops by
itself, at most `RESTARTS_ALLOWED` times within `RESTART_WINDOW_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from . import events
from .effects import CloseLink, ConnectionEffect, DetachJobs, OpenLink, ReattachJobs, StartBackend, StopBackend
from .events import ConnectionEvent
from .problems import CONNECT_TIMEOUT, GAVE_UP, RESTARTS_TOO_OFTEN, START_TIMEOUT, Problem
from .states import (
    CONNECT_SECONDS,
    FIRST_RETRY_SECONDS,
    GIVE_UP_SECONDS,
    RESTART_WINDOW_SECONDS,
    RESTARTS_ALLOWED,
    START_SECONDS,
    ConnectionState,
    Status,
    Target,
)

Step = tuple[ConnectionState, tuple[ConnectionEffect, ...]]
Handler = Callable[[ConnectionState, Any], Step]


def transition(state: ConnectionState, event: ConnectionEvent) -> Step:
    """The state after `event` and the effects to run, in order."""
    return TRANSITIONS[state.status, type(event)](state, event)


# Steps that several cells of the table share.


def _stay(state: ConnectionState, _event: ConnectionEvent) -> Step:
    return state, ()


def _start(state: ConnectionState, at: float) -> Step:
    waiting = replace(state, status=Status.STARTING, since=at, deadline=at + START_SECONDS, retry_at=None)
    return replace(waiting, backend_alive=True, endpoint=None, server=None), (StartBackend(),)


def _open(state: ConnectionState, at: float) -> Step:
    if state.endpoint is None:
        return _fail(state, at, CONNECT_TIMEOUT)
    waiting = replace(state, status=Status.CONNECTING, since=at, deadline=at + CONNECT_SECONDS, retry_at=None)
    return waiting, (OpenLink(state.endpoint),)


def _begin(state: ConnectionState, at: float, target: Target) -> Step:
    fresh = ConnectionState(target=target, endpoint=target.endpoint, running_jobs=state.running_jobs)
    return _start(fresh, at) if target.local else _open(fresh, at)


def _fail(state: ConnectionState, at: float, problem: Problem, status: Status = Status.FAILED) -> Step:
    ended = ConnectionState(status=status, target=state.target, since=at, problem=problem)
    return replace(ended, running_jobs=state.running_jobs), (CloseLink(), DetachJobs(), StopBackend())


def _lose(state: ConnectionState, at: float, problem: Problem, retry_seconds: float) -> ConnectionState:
    give_up_at = at + GIVE_UP_SECONDS if state.give_up_at is None else state.give_up_at
    lost = replace(state, status=Status.LOST, since=at, deadline=give_up_at, give_up_at=give_up_at, server=None)
    return replace(lost, retry_at=at + retry_seconds, problem=problem)


def _restart(state: ConnectionState, at: float) -> Step:
    restarts = tuple(moment for moment in state.restarts if at - moment < RESTART_WINDOW_SECONDS)
    if len(restarts) >= RESTARTS_ALLOWED:
        return _fail(state, at, RESTARTS_TOO_OFTEN)
    return _start(replace(state, restarts=(*restarts, at)), at)


def _disconnect(state: ConnectionState, event: events.DisconnectRequested) -> Step:
    offline = ConnectionState(target=state.target, since=event.at, running_jobs=state.running_jobs)
    return offline, (CloseLink(), DetachJobs(), StopBackend())


def _connect(state: ConnectionState, event: events.ConnectRequested) -> Step:
    return _begin(state, event.at, event.target)


def _connect_refused(state: ConnectionState, event: events.ConnectRefused) -> Step:
    return _fail(state, event.at, event.problem)


def _connect_elsewhere(state: ConnectionState, event: events.ConnectRequested) -> Step:
    """Already on the way to, or at, some target: only another target is news."""
    if event.target == state.target:
        return state, ()
    begun, effects = _begin(state, event.at, event.target)
    return begun, (CloseLink(), DetachJobs(), StopBackend(), *effects)


def _count_jobs(state: ConnectionState, event: events.RunningJobsChanged) -> Step:
    return replace(state, running_jobs=event.count), ()


def _stop_stray_backend(state: ConnectionState, _event: events.BackendStarted) -> Step:
    return state, (StopBackend(),)


def _close_stray_link(state: ConnectionState, _event: ConnectionEvent) -> Step:
    return state, (CloseLink(),)


def _refused(state: ConnectionState, event: events.Refused) -> Step:
    return _fail(state, event.at, event.problem, Status.INCOMPATIBLE if event.incompatible else Status.FAILED)


def _ended(state: ConnectionState, event: events.BackendExited) -> Step:
    """Our own backend stopped by itself: jobs it had are in its ledger, so start it again after a short pause."""
    dead = replace(state, backend_alive=False)
    return _lose(dead, event.at, event.problem, FIRST_RETRY_SECONDS), (CloseLink(), DetachJobs())


# STARTING


def _started(state: ConnectionState, event: events.BackendStarted) -> Step:
    return _open(replace(state, endpoint=event.endpoint), event.at)


def _start_ended(state: ConnectionState, event: events.BackendExited) -> Step:
    # The first start has to say at once why it failed; a restart goes through the limiter.
    return _fail(state, event.at, event.problem) if state.give_up_at is None else _ended(state, event)


def _start_waited(state: ConnectionState, event: events.TimePassed) -> Step:
    if state.deadline is not None and event.at >= state.deadline:
        return _fail(state, event.at, START_TIMEOUT)
    return state, ()


# CONNECTING


def _welcomed(state: ConnectionState, event: events.Welcomed) -> Step:
    status = Status.BUSY if state.running_jobs else Status.READY
    online = ConnectionState(status=status, target=state.target, since=event.at, endpoint=state.endpoint)
    kept = replace(online, backend_alive=state.backend_alive, restarts=state.restarts, running_jobs=state.running_jobs)
    return replace(kept, server=event.server), (ReattachJobs(),)


def _connect_broken(state: ConnectionState, event: events.LinkLost) -> Step:
    # The client tries again by itself; the deadline decides, and then says what was wrong last.
    return replace(state, problem=event.problem), ()


def _connect_waited(state: ConnectionState, event: events.TimePassed) -> Step:
    if state.deadline is None or event.at < state.deadline:
        return state, ()
    return _fail(state, event.at, state.problem or CONNECT_TIMEOUT)


# READY and BUSY


def _online_lost(state: ConnectionState, event: events.LinkLost) -> Step:
    return _lose(state, event.at, event.problem, event.retry_seconds), (DetachJobs(),)


def _welcomed_again(state: ConnectionState, event: events.Welcomed) -> Step:
    return replace(state, server=event.server), (ReattachJobs(),)


def _online_jobs(state: ConnectionState, event: events.RunningJobsChanged) -> Step:
    status = Status.BUSY if event.count else Status.READY
    since = state.since if status == state.status else event.at
    return replace(state, status=status, since=since, running_jobs=event.count), ()


# LOST


def _still_lost(state: ConnectionState, event: events.LinkLost) -> Step:
    return _lose(state, event.at, event.problem, event.retry_seconds), ()


def _lost_waited(state: ConnectionState, event: events.TimePassed) -> Step:
    if state.give_up_at is None or event.at >= state.give_up_at:
        return _fail(state, event.at, GAVE_UP)
    own_backend_is_dead = state.target.local and not state.backend_alive
    if own_backend_is_dead and state.retry_at is not None and event.at >= state.retry_at:
        return _restart(state, event.at)
    return state, ()


def _lost_connect(state: ConnectionState, event: events.ConnectRequested) -> Step:
    if event.target != state.target:
        return _connect_elsewhere(state, event)
    if state.target.local and not state.backend_alive:
        return _restart(state, event.at)
    return _open(state, event.at)


TRANSITIONS: Mapping[tuple[Status, type], Handler] = {
    (Status.OFFLINE, events.ConnectRequested): _connect,
    (Status.OFFLINE, events.ConnectRefused): _connect_refused,
    (Status.OFFLINE, events.DisconnectRequested): _stay,
    (Status.OFFLINE, events.BackendStarted): _stop_stray_backend,
    (Status.OFFLINE, events.BackendExited): _stay,
    (Status.OFFLINE, events.Welcomed): _close_stray_link,
    (Status.OFFLINE, events.Refused): _close_stray_link,
    (Status.OFFLINE, events.LinkLost): _stay,
    (Status.OFFLINE, events.RunningJobsChanged): _count_jobs,
    (Status.OFFLINE, events.TimePassed): _stay,
    (Status.STARTING, events.ConnectRequested): _connect_elsewhere,
    (Status.STARTING, events.ConnectRefused): _connect_refused,
    (Status.STARTING, events.DisconnectRequested): _disconnect,
    (Status.STARTING, events.BackendStarted): _started,
    (Status.STARTING, events.BackendExited): _start_ended,
    (Status.STARTING, events.Welcomed): _close_stray_link,
    (Status.STARTING, events.Refused): _close_stray_link,
    (Status.STARTING, events.LinkLost): _stay,
    (Status.STARTING, events.RunningJobsChanged): _count_jobs,
    (Status.STARTING, events.TimePassed): _start_waited,
    (Status.CONNECTING, events.ConnectRequested): _connect_elsewhere,
    (Status.CONNECTING, events.ConnectRefused): _connect_refused,
    (Status.CONNECTING, events.DisconnectRequested): _disconnect,
    (Status.CONNECTING, events.BackendStarted): _stay,
    (Status.CONNECTING, events.BackendExited): _start_ended,
    (Status.CONNECTING, events.Welcomed): _welcomed,
    (Status.CONNECTING, events.Refused): _refused,
    (Status.CONNECTING, events.LinkLost): _connect_broken,
    (Status.CONNECTING, events.RunningJobsChanged): _count_jobs,
    (Status.CONNECTING, events.TimePassed): _connect_waited,
    (Status.READY, events.ConnectRequested): _connect_elsewhere,
    (Status.READY, events.ConnectRefused): _stay,
    (Status.READY, events.DisconnectRequested): _disconnect,
    (Status.READY, events.BackendStarted): _stay,
    (Status.READY, events.BackendExited): _ended,
    (Status.READY, events.Welcomed): _welcomed_again,
    (Status.READY, events.Refused): _refused,
    (Status.READY, events.LinkLost): _online_lost,
    (Status.READY, events.RunningJobsChanged): _online_jobs,
    (Status.READY, events.TimePassed): _stay,
    (Status.BUSY, events.ConnectRequested): _connect_elsewhere,
    (Status.BUSY, events.ConnectRefused): _stay,
    (Status.BUSY, events.DisconnectRequested): _disconnect,
    (Status.BUSY, events.BackendStarted): _stay,
    (Status.BUSY, events.BackendExited): _ended,
    (Status.BUSY, events.Welcomed): _welcomed_again,
    (Status.BUSY, events.Refused): _refused,
    (Status.BUSY, events.LinkLost): _online_lost,
    (Status.BUSY, events.RunningJobsChanged): _online_jobs,
    (Status.BUSY, events.TimePassed): _stay,
    (Status.LOST, events.ConnectRequested): _lost_connect,
    (Status.LOST, events.ConnectRefused): _connect_refused,
    (Status.LOST, events.DisconnectRequested): _disconnect,
    (Status.LOST, events.BackendStarted): _stay,
    (Status.LOST, events.BackendExited): _ended,
    (Status.LOST, events.Welcomed): _welcomed,
    (Status.LOST, events.Refused): _refused,
    (Status.LOST, events.LinkLost): _still_lost,
    (Status.LOST, events.RunningJobsChanged): _count_jobs,
    (Status.LOST, events.TimePassed): _lost_waited,
    (Status.INCOMPATIBLE, events.ConnectRequested): _connect,
    (Status.INCOMPATIBLE, events.ConnectRefused): _connect_refused,
    (Status.INCOMPATIBLE, events.DisconnectRequested): _disconnect,
    (Status.INCOMPATIBLE, events.BackendStarted): _stop_stray_backend,
    (Status.INCOMPATIBLE, events.BackendExited): _stay,
    (Status.INCOMPATIBLE, events.Welcomed): _close_stray_link,
    (Status.INCOMPATIBLE, events.Refused): _stay,
    (Status.INCOMPATIBLE, events.LinkLost): _stay,
    (Status.INCOMPATIBLE, events.RunningJobsChanged): _count_jobs,
    (Status.INCOMPATIBLE, events.TimePassed): _stay,
    (Status.FAILED, events.ConnectRequested): _connect,
    (Status.FAILED, events.ConnectRefused): _connect_refused,
    (Status.FAILED, events.DisconnectRequested): _disconnect,
    (Status.FAILED, events.BackendStarted): _stop_stray_backend,
    (Status.FAILED, events.BackendExited): _stay,
    (Status.FAILED, events.Welcomed): _close_stray_link,
    (Status.FAILED, events.Refused): _stay,
    (Status.FAILED, events.LinkLost): _stay,
    (Status.FAILED, events.RunningJobsChanged): _count_jobs,
    (Status.FAILED, events.TimePassed): _stay,
}
