# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread that owns the sockets: it takes commands from a queue and puts news into the inbox.

Heartbeats, reconnecting and resending happen inside the protocol's client, which this thread polls; so they go on
while Blender's main thread renders or loads a file. The wire's libraries are imported here, on first use, which keeps
them out of Blender's start.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import events
from .inbox import Inbox
from .job_events import JobFailed
from .news import ConnectionNews, JobNews, LogLine, News
from .problems import NextStep, Problem, missing_library
from .remeshing import MeshWish
from .states import Endpoint

if TYPE_CHECKING:
    import numpy as np

    from unrender_protocol.client import Client

POLL_SECONDS = 0.025  # how long a command may wait while nothing arrives

Command = Callable[["_Wire"], None]


def open_zmq_client(endpoint: Endpoint) -> Client:
    """A client over ZeroMQ: with CURVE keys where the endpoint has them, with its token otherwise."""
    from unrender_protocol.client import Client
    from unrender_protocol.security import ClientSecurity, CurveClientSecurity, KeyPair, TokenSecurity
    from unrender_protocol.zmq_transport import ZmqTransport

    security: ClientSecurity | None = None
    if endpoint.server_key:
        keys = KeyPair(endpoint.client_public_key, endpoint.client_secret_key)
        security = CurveClientSecurity(keys, endpoint.server_key)
    elif endpoint.token:
        security = TokenSecurity(endpoint.token)
    return Client(ZmqTransport(endpoint.address, security), token=endpoint.token)


class SocketThread:
    """A `Link`: every method leaves a command for the thread and returns at once.

    Args:
        inbox: where the news goes.
        open_client: makes the client of an endpoint, inside the thread; tests give one over an in-process transport.
    """

    def __init__(self, inbox: Inbox[News], open_client: Callable[[Endpoint], Client] = open_zmq_client) -> None:
        self._inbox = inbox
        self._open_client = open_client
        self._commands: queue.Queue[Command | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._number = 0

    def open(self, endpoint: Endpoint) -> int:
        """Close any older link, open a new one and greet; returns the number that its news will carry."""
        self._number += 1
        number = self._number
        self._do(lambda wire: wire.open(endpoint, number))
        return number

    def close(self) -> None:
        """Close the link."""
        self._do(lambda wire: wire.close())

    def submit(self, job: bytes, kind: str, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Send the job; the same id sent twice is run once."""
        self._do(lambda wire: wire.ask(lambda client: client.submit(kind, parameters, arrays, job), job))

    def follow(self, job: bytes) -> None:
        """Ask what becomes of the job."""
        self._do(lambda wire: wire.ask(lambda client: client.follow(job)))

    def cancel(self, job: bytes, patience_seconds: float) -> None:
        """Ask for the job to be stopped; it may take `patience_seconds` to come to where it can go on later."""
        self._do(lambda wire: wire.ask(lambda client: client.cancel(job, patience_seconds)))

    def fetch(self, job: bytes, nbytes: int) -> None:
        """Ask for the result with its arrays, which are `nbytes` long."""
        self._do(lambda wire: wire.ask(lambda client: client.fetch(job, nbytes)))

    def acknowledge(self, job: bytes) -> None:
        """Tell the server that the result is safe here."""
        self._do(lambda wire: wire.ask(lambda client: client.acknowledge(job)))

    def list_jobs(self) -> None:
        """Ask for the ledger."""
        self._do(lambda wire: wire.ask(lambda client: client.list_jobs()))

    def list_models(self) -> None:
        """Ask for the models."""
        self._do(lambda wire: wire.ask(lambda client: client.list_models()))

    def fetch_model_preview(self, model: str) -> None:
        """Ask for the picture of a model."""
        self._do(lambda wire: wire.ask(lambda client: client.fetch_model_preview(model)))

    def fetch_mesh(self, wish: MeshWish) -> None:
        """Ask for a mesh; `MeshCame` follows."""
        self._do(lambda wire: wire.ask(lambda client: _fetch_mesh(client, wish)))

    def shut_down(self, timeout: float) -> None:
        """End the thread, waiting for it at most `timeout` seconds."""
        if self._thread is not None:
            self._commands.put(None)
            self._thread.join(timeout)
            self._thread = None

    def _do(self, command: Command) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="unrender-socket", daemon=True)
            self._thread.start()
        self._commands.put(command)

    def _run(self) -> None:
        wire = _Wire(self._inbox, self._open_client)
        try:
            while self._obey(wire):
                wire.listen(POLL_SECONDS)
        finally:
            wire.close()

    def _obey(self, wire: _Wire) -> bool:
        """Run the commands that wait (waiting for one while no link is open); False where the thread is to end."""
        try:
            command = self._commands.get(block=not wire.is_open)
            while command is not None:
                command(wire)
                command = self._commands.get_nowait()
        except queue.Empty:
            return True
        return False


def _fetch_mesh(client: Client, wish: MeshWish) -> None:
    from unrender_protocol.messages import FetchMesh

    source, settings = wish.source, wish.settings
    client.fetch_mesh(
        FetchMesh(
            source.model,
            source.model_hash,
            source.seed,
            source.variety,
            settings.threshold,
            settings.smoothing,
            settings.resolution,
            wish.max_faces,
        )
    )


class _Wire:
    """The thread's own state: the open client, if any. An error of one link never ends the thread."""

    def __init__(self, inbox: Inbox[News], open_client: Callable[[Endpoint], Client]) -> None:
        self._inbox = inbox
        self._open_client = open_client
        self._client: Client | None = None
        self._number = 0

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def open(self, endpoint: Endpoint, number: int) -> None:
        self.close()
        self._number = number
        try:
            self._client = self._open_client(endpoint)
        except ImportError as error:
            self._inbox.put(LogLine(f"the wire's libraries cannot be imported: {error}"))
            self._inbox.put(ConnectionNews(number, events.Refused(time.monotonic(), missing_library(error))))
        except Exception as error:  # whatever a bad address raises, the panel has to show it
            self._break(error)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def ask(self, request: Callable[[Client], object], job: bytes | None = None) -> None:
        if self._client is None:
            return
        try:
            request(self._client)
        except Exception as error:  # a request that cannot travel must not take the link down
            self._inbox.put(LogLine(f"a request was not sent: {type(error).__name__}: {error}"))
            if job is not None:
                problem = Problem(
                    "not_sent", f"The request cannot be sent: {error}.", "Change its settings, or report it."
                )
                self._inbox.put(JobNews(job, JobFailed(time.monotonic(), problem)))

    def listen(self, timeout: float) -> None:
        if self._client is None:
            return
        from .wire_events import read_event, superseded_key

        try:
            for event in self._client.poll(timeout):
                for news in read_event(event, self._client, self._number, time.monotonic()):
                    self._inbox.put(news, superseded_key(news))
        except Exception as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        self.close()
        problem = Problem(
            "link_broken", f"The connection failed: {error}", "Press Connect to try again.", NextStep.CONNECT
        )
        self._inbox.put(LogLine(f"the link broke: {type(error).__name__}: {error}"))
        self._inbox.put(ConnectionNews(self._number, events.Refused(time.monotonic(), problem)))
