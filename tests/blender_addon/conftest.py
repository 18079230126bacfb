# SPDX-License-Identifier: Apache-2.0
"""A session over a real socket thread, the in-process transport, and an emulated server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from blender_addon.connection.inbox import Inbox
from blender_addon.connection.news import News
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.states import Endpoint, Status, Target
from tests.blender_addon.fake_server import FakeServer, wait_until
from unrender_protocol.client import Client
from unrender_protocol.heartbeat import Timing
from unrender_protocol.transport import InProcessHub

# Quick enough for a test, patient enough for a busy machine.
TIMING = Timing(ping_interval=0.1, misses=10, request_timeout=2.0, first_retry=0.05, last_retry=0.2)
TARGET = Target(Endpoint("inproc", "word"))


class NoBackend:
    """For targets on another computer: nothing to start."""

    def start(self) -> int:
        raise AssertionError("no backend was to be started")

    def stop(self) -> None:
        """There is none."""

    def look(self) -> None:
        """There is none."""

    def stop_running(self) -> None:
        """There is none."""

    def shut_down(self, timeout: float) -> None:
        """There is none."""


@pytest.fixture
def hub() -> InProcessHub:
    return InProcessHub()


@pytest.fixture
def server(hub: InProcessHub) -> Iterator[FakeServer]:
    with FakeServer(hub, token="word") as server:
        yield server


@pytest.fixture
def session(hub: InProcessHub) -> Iterator[Session]:
    inbox: Inbox[News] = Inbox()
    link = SocketThread(inbox, lambda endpoint: Client(hub.connect(), token=endpoint.token, timing=TIMING))
    session = Session(link, NoBackend(), inbox)
    yield session
    session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "unrender-socket"]


@pytest.fixture
def connected(session: Session, server: FakeServer) -> Session:
    session.connect(TARGET)
    wait_until(lambda: session.state.status is Status.READY, session.poll)
    return session
