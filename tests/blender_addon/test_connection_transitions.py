# SPDX-License-Identifier: Apache-2.0
"""Every event in every state of the connection has the outcome that is written here."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.connection import effects, events
from blender_addon.connection.events import ConnectionEvent
from blender_addon.connection.problems import (
    BAD_ADDRESS,
    CONNECTION_LOST,
    GAVE_UP,
    NO_BACKEND,
    RESTARTS_TOO_OFTEN,
    Problem,
)
from blender_addon.connection.states import (
    CONNECT_SECONDS,
    GIVE_UP_SECONDS,
    START_SECONDS,
    ConnectionState,
    Endpoint,
    Server,
    Status,
    Target,
)
from blender_addon.connection.transitions import TRANSITIONS, transition

HERE = Target()
SERVER_KEY = Endpoint("tcp://127.0.0.1:5555", "word")
THERE = Target(SERVER_KEY)
OTHER = Target(Endpoint("tcp://127.0.0.1:6666"))
SERVER = Server("1.0", 1, "CPU")
DENIED = Problem("wrong_token", "No.")
NOW = 1000.0

CONNECT = events.ConnectRequested(NOW, THERE)
ELSEWHERE = events.ConnectRequested(NOW, OTHER)
NOWHERE = events.ConnectRefused(NOW, BAD_ADDRESS)
DISCONNECT = events.DisconnectRequested(NOW)
STARTED = events.BackendStarted(NOW, SERVER_KEY)
EXITED = events.BackendExited(NOW, NO_BACKEND)
WELCOMED = events.Welcomed(NOW, SERVER)
REFUSED = events.Refused(NOW, DENIED)
TOO_OLD = events.Refused(NOW, Problem("incompatible", "Older."), incompatible=True)
LOST = events.LinkLost(NOW, CONNECTION_LOST, 4.0)
ONE_JOB = events.RunningJobsChanged(NOW, 1)
NO_JOB = events.RunningJobsChanged(NOW, 0)
TICK = events.TimePassed(NOW)

S = Status
# (status before, event): status after. A remote target; nothing is due yet.
OUTCOMES = {
    (S.OFFLINE, CONNECT): S.CONNECTING,
    (S.OFFLINE, NOWHERE): S.FAILED,
    (S.OFFLINE, DISCONNECT): S.OFFLINE,
    (S.OFFLINE, STARTED): S.OFFLINE,
    (S.OFFLINE, EXITED): S.OFFLINE,
    (S.OFFLINE, WELCOMED): S.OFFLINE,
    (S.OFFLINE, REFUSED): S.OFFLINE,
    (S.OFFLINE, TOO_OLD): S.OFFLINE,
    (S.OFFLINE, LOST): S.OFFLINE,
    (S.OFFLINE, ONE_JOB): S.OFFLINE,
    (S.OFFLINE, TICK): S.OFFLINE,
    (S.STARTING, CONNECT): S.STARTING,
    (S.STARTING, ELSEWHERE): S.CONNECTING,
    (S.STARTING, NOWHERE): S.FAILED,
    (S.STARTING, DISCONNECT): S.OFFLINE,
    (S.STARTING, STARTED): S.CONNECTING,
    (S.STARTING, EXITED): S.FAILED,
    (S.STARTING, WELCOMED): S.STARTING,
    (S.STARTING, REFUSED): S.STARTING,
    (S.STARTING, LOST): S.STARTING,
    (S.STARTING, ONE_JOB): S.STARTING,
    (S.STARTING, TICK): S.STARTING,
    (S.CONNECTING, CONNECT): S.CONNECTING,
    (S.CONNECTING, ELSEWHERE): S.CONNECTING,
    (S.CONNECTING, NOWHERE): S.FAILED,
    (S.CONNECTING, DISCONNECT): S.OFFLINE,
    (S.CONNECTING, STARTED): S.CONNECTING,
    (S.CONNECTING, EXITED): S.FAILED,
    (S.CONNECTING, WELCOMED): S.READY,
    (S.CONNECTING, REFUSED): S.FAILED,
    (S.CONNECTING, TOO_OLD): S.INCOMPATIBLE,
    (S.CONNECTING, LOST): S.CONNECTING,
    (S.CONNECTING, ONE_JOB): S.CONNECTING,
    (S.CONNECTING, TICK): S.CONNECTING,
    (S.READY, CONNECT): S.READY,
    (S.READY, ELSEWHERE): S.CONNECTING,
    (S.READY, NOWHERE): S.READY,
    (S.READY, DISCONNECT): S.OFFLINE,
    (S.READY, STARTED): S.READY,
    (S.READY, EXITED): S.LOST,
    (S.READY, WELCOMED): S.READY,
    (S.READY, REFUSED): S.FAILED,
    (S.READY, LOST): S.LOST,
    (S.READY, ONE_JOB): S.BUSY,
    (S.READY, NO_JOB): S.READY,
    (S.READY, TICK): S.READY,
    (S.BUSY, CONNECT): S.BUSY,
    (S.BUSY, ELSEWHERE): S.CONNECTING,
    (S.BUSY, NOWHERE): S.BUSY,
    (S.BUSY, DISCONNECT): S.OFFLINE,
    (S.BUSY, STARTED): S.BUSY,
    (S.BUSY, EXITED): S.LOST,
    (S.BUSY, WELCOMED): S.BUSY,
    (S.BUSY, REFUSED): S.FAILED,
    (S.BUSY, LOST): S.LOST,
    (S.BUSY, ONE_JOB): S.BUSY,
    (S.BUSY, NO_JOB): S.READY,
    (S.BUSY, TICK): S.BUSY,
    (S.LOST, CONNECT): S.CONNECTING,
    (S.LOST, ELSEWHERE): S.CONNECTING,
    (S.LOST, NOWHERE): S.FAILED,
    (S.LOST, DISCONNECT): S.OFFLINE,
    (S.LOST, STARTED): S.LOST,
    (S.LOST, EXITED): S.LOST,
    (S.LOST, WELCOMED): S.READY,
    (S.LOST, REFUSED): S.FAILED,
    (S.LOST, TOO_OLD): S.INCOMPATIBLE,
    (S.LOST, LOST): S.LOST,
    (S.LOST, ONE_JOB): S.LOST,
    (S.LOST, TICK): S.LOST,
    (S.INCOMPATIBLE, CONNECT): S.CONNECTING,
    (S.INCOMPATIBLE, NOWHERE): S.FAILED,
    (S.INCOMPATIBLE, DISCONNECT): S.OFFLINE,
    (S.INCOMPATIBLE, STARTED): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, EXITED): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, WELCOMED): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, REFUSED): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, LOST): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, ONE_JOB): S.INCOMPATIBLE,
    (S.INCOMPATIBLE, TICK): S.INCOMPATIBLE,
    (S.FAILED, CONNECT): S.CONNECTING,
    (S.FAILED, NOWHERE): S.FAILED,
    (S.FAILED, DISCONNECT): S.OFFLINE,
    (S.FAILED, STARTED): S.FAILED,
    (S.FAILED, EXITED): S.FAILED,
    (S.FAILED, WELCOMED): S.FAILED,
    (S.FAILED, REFUSED): S.FAILED,
    (S.FAILED, LOST): S.FAILED,
    (S.FAILED, ONE_JOB): S.FAILED,
    (S.FAILED, TICK): S.FAILED,
}
EVENT_TYPES = get_args(ConnectionEvent)


def state_in(status: Status, target: Target = THERE) -> ConnectionState:
    """A state as it comes about in practice: waiting ones have deadlines, none of them due at NOW."""
    waiting = {
        S.STARTING: {"deadline": NOW + 5, "backend_alive": True},
        S.CONNECTING: {"deadline": NOW + 5},
        S.LOST: {"deadline": NOW + 100, "give_up_at": NOW + 100, "retry_at": NOW + 1, "problem": CONNECTION_LOST},
        S.READY: {"server": SERVER},
        S.BUSY: {"server": SERVER, "running_jobs": 1},
        S.FAILED: {"problem": NO_BACKEND},
        S.INCOMPATIBLE: {"problem": DENIED},
    }
    return replace(ConnectionState(status, target, NOW - 1, endpoint=SERVER_KEY), **waiting.get(status, {}))


def test_the_table_names_every_event_in_every_state() -> None:
    assert set(TRANSITIONS) == set(itertools.product(Status, EVENT_TYPES))
    assert {(status, type(event)) for status, event in OUTCOMES} == set(itertools.product(Status, EVENT_TYPES))


@pytest.mark.parametrize(
    ("status", "event", "after"), [(*key, after) for key, after in OUTCOMES.items()], ids=lambda value: str(value)[:40]
)
def test_an_event_has_its_outcome(status: Status, event: ConnectionEvent, after: Status) -> None:
    assert transition(state_in(status), event)[0].status is after


@pytest.mark.parametrize("status", [S.FAILED, S.INCOMPATIBLE, S.LOST])
def test_a_bad_state_says_why(status: Status) -> None:
    for before, event in itertools.product(Status, {key[1] for key in OUTCOMES}):
        after, _ = transition(state_in(before), event)
        if after.status is status:
            assert after.problem is not None
            assert after.problem.message
            assert after.problem.hint or after.problem in (DENIED, TOO_OLD.problem)


def test_this_computer_starts_the_backend_and_then_connects_to_where_it_listens() -> None:
    state, wanted = transition(ConnectionState(), events.ConnectRequested(NOW, HERE))
    assert (state.status, wanted) == (S.STARTING, (effects.StartBackend(),))
    state, wanted = transition(state, STARTED)
    assert (state.status, wanted) == (S.CONNECTING, (effects.OpenLink(SERVER_KEY),))
    state, wanted = transition(state, WELCOMED)
    assert (state.status, state.server, wanted) == (S.READY, SERVER, (effects.ReattachJobs(),))


def test_going_offline_closes_the_link_and_stops_the_backend() -> None:
    for status in set(Status) - {S.OFFLINE}:
        _, wanted = transition(state_in(status, HERE), DISCONNECT)
        assert wanted == (effects.CloseLink(), effects.DetachJobs(), effects.StopBackend())


def test_a_lost_link_stays_open_so_that_its_client_finds_the_server_again() -> None:
    lost, wanted = transition(state_in(S.BUSY), LOST)
    assert wanted == (effects.DetachJobs(),)
    assert lost.retry_at == NOW + 4.0
    back, wanted = transition(lost, WELCOMED)
    assert (back.status, wanted) == (S.BUSY, (effects.ReattachJobs(),))
    assert back.problem is None


@pytest.mark.parametrize(
    ("status", "seconds"), [(S.STARTING, START_SECONDS), (S.CONNECTING, CONNECT_SECONDS), (S.LOST, GIVE_UP_SECONDS)]
)
def test_a_waiting_state_ends_by_its_deadline(status: Status, seconds: float) -> None:
    entering = {
        S.STARTING: (ConnectionState(), events.ConnectRequested(NOW, HERE)),
        S.CONNECTING: (ConnectionState(), CONNECT),
        S.LOST: (state_in(S.READY), LOST),
    }
    state, _ = transition(*entering[status])
    assert state.status is status
    assert transition(state, events.TimePassed(NOW + seconds - 0.01))[0].status is status
    ended, wanted = transition(state, events.TimePassed(NOW + seconds))
    assert ended.status is S.FAILED
    assert ended.problem is not None
    assert effects.StopBackend() in wanted


def test_retries_do_not_put_off_the_end_of_a_lost_connection() -> None:
    state, _ = transition(state_in(S.READY), LOST)
    for second in range(0, 600, 30):
        state, _ = transition(state, events.LinkLost(NOW + second, CONNECTION_LOST, 32.0))
    assert transition(state, events.TimePassed(NOW + GIVE_UP_SECONDS))[0].problem == GAVE_UP


def test_a_backend_that_dies_is_started_again_but_not_for_ever() -> None:
    state = replace(state_in(S.READY, HERE), backend_alive=True)
    starts = 0
    now = NOW
    while state.status is not S.FAILED:
        state, wanted = transition(state, events.BackendExited(now, NO_BACKEND))
        assert state.status is S.LOST
        assert effects.CloseLink() in wanted
        now += 2
        state, wanted = transition(state, events.TimePassed(now))
        if state.status is S.STARTING:
            starts += 1
            state, _ = transition(state, events.BackendStarted(now, SERVER_KEY))
            state, _ = transition(state, events.Welcomed(now, SERVER))
    assert starts == 3
    assert state.problem == RESTARTS_TOO_OFTEN


def test_a_start_that_fails_says_so_at_once() -> None:
    state, _ = transition(ConnectionState(), events.ConnectRequested(NOW, HERE))
    failed, _ = transition(state, EXITED)
    assert (failed.status, failed.problem) == (S.FAILED, NO_BACKEND)


@given(
    st.lists(st.sampled_from(sorted({key[1] for key in OUTCOMES}, key=repr)), max_size=30),
    st.sampled_from([HERE, THERE]),
)
def test_no_history_of_events_leads_into_waiting_for_ever(history: list[ConnectionEvent], target: Target) -> None:
    state, _ = transition(ConnectionState(), events.ConnectRequested(NOW, target))
    for event in history:
        state, _ = transition(state, event)
    # From here on nothing happens but time: with nobody there, every waiting state has to end.
    if state.status not in (S.READY, S.BUSY):
        for step in range(1, 200):
            state, _ = transition(state, events.TimePassed(NOW + 30 * step))
        assert state.status in (S.OFFLINE, S.FAILED, S.INCOMPATIBLE)


def test_an_endpoint_never_shows_its_secrets() -> None:
    endpoint = Endpoint("tcp://host:1", "secretword", b"k" * 32, b"p" * 32, b"s" * 32)
    assert "secretword" not in repr(endpoint)
    assert "ssss" not in repr(replace(ConnectionState(), endpoint=endpoint))
