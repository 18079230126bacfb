# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying a connection out, in a thread of its own with a deadline: who answers, how fast, and what runs there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .backend_process import BackendSettings, FindRunning, Search
from .backend_search import not_found
from .endpoints import EndpointError, find_local
from .inbox import Inbox
from .news import ConnectionTested, News
from .problems import CONNECT_TIMEOUT, NOT_A_GENERATOR, Problem, missing_library, said_by_server
from .socket_thread import open_zmq_client
from .states import ConnectionTest, Endpoint, Target

if TYPE_CHECKING:
    from unrender_protocol.client import Client
    from unrender_protocol.messages import Welcome

TEST_SECONDS = 10.0
POLL_SECONDS = 0.05
GIBIBYTE = 2**30


class ConnectionTester:
    """Runs tests; the outcome of each goes into the inbox with its number. No method waits.

    Args:
        inbox: where the outcome goes.
        settings: what the preferences say about this computer; asked on the main thread at every start.
        search: looks for the backend there; called in threads.
        open_client: makes the client of an endpoint.
        find_running: looks for a server that runs on this computer; gives its endpoint and process id.
        seconds: after which a test ends without an answer.
    """

    def __init__(
        self,
        inbox: Inbox[News],
        settings: Callable[[], BackendSettings],
        search: Search,
        open_client: Callable[[Endpoint], Client] = open_zmq_client,
        find_running: FindRunning = find_local,
        seconds: float = TEST_SECONDS,
    ) -> None:
        self._inbox = inbox
        self._settings = settings
        self._search = search
        self._open_client = open_client
        self._find_running = find_running
        self._seconds = seconds
        self._number = 0

    def start(self, target: Target) -> int:
        """Begin to test; returns the number that the outcome will carry."""
        self._number += 1
        chosen = self._settings().chosen
        test = threading.Thread(
            target=self._run, args=(self._number, target, chosen), name="unrender-test", daemon=True
        )
        test.start()
        return self._number

    def _run(self, number: int, target: Target, chosen: str) -> None:
        try:
            outcome = self._try(target, chosen)
        except ImportError as error:
            outcome = _failed(missing_library(error))
        except EndpointError as error:
            outcome = _failed(error.problem)
        except Exception as error:  # whatever a bad address raises, the artist has to see it
            outcome = ConnectionTest(sentence=f"The connection failed: {error}")
        self._inbox.put(ConnectionTested(number, outcome))

    def _try(self, target: Target, chosen: str) -> ConnectionTest:
        endpoint = target.endpoint
        if endpoint is None:
            running = self._find_running()
            if running is None:
                return self._not_running(chosen)
            endpoint = running[0]
        client = self._open_client(endpoint)
        try:
            return self._ask(client)
        finally:
            client.close()

    def _not_running(self, chosen: str) -> ConnectionTest:
        found = self._search(chosen)
        if found is None:
            return _failed(not_found(chosen))
        sentence = f"The generator is installed in {found.place} and does not run; Connect starts it."
        return ConnectionTest(ok=True, sentence=sentence)

    def _ask(self, client: Client) -> ConnectionTest:
        """Greet the server, and measure one ping."""
        from unrender_protocol.events import Denied, Incompatible

        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            for event in client.poll(POLL_SECONDS):
                if isinstance(event, Denied):
                    return _failed(said_by_server(event.tag, event.message, event.hint))
                if isinstance(event, Incompatible):
                    return ConnectionTest(sentence=f"{event.message}; {event.hint}")
            if client.welcome is not None and client.round_trip_seconds is not None:
                return ConnectionTest(ok=True, sentence=describe(client.welcome, client.round_trip_seconds))
        if client.welcome is None:
            return _failed(NOT_A_GENERATOR if client.rejected else CONNECT_TIMEOUT)
        return ConnectionTest(sentence="The generator greeted, and then did not answer.")


def describe(welcome: Welcome, round_trip_seconds: float) -> str:
    """What the artist reads about a server that answers: time, both versions, device, memory."""
    from unrender_protocol.version import PACKAGE_VERSION

    parts = [
        f"Connected in {round_trip_seconds * 1000:.0f} ms",
        f"generator {welcome.package_version}, add-on {PACKAGE_VERSION}, protocol {welcome.protocol}",
        welcome.device,
    ]
    device = welcome.devices[0] if welcome.devices else None
    if device is not None and device.total_memory:
        free, total = device.free_memory / GIBIBYTE, device.total_memory / GIBIBYTE
        parts.append(f"{free:.1f} of {total:.1f} GB free")
    return "; ".join(parts) + "."


def _failed(problem: Problem) -> ConnectionTest:
    return ConnectionTest(sentence=f"{problem.message} {problem.hint}".strip(), action=problem.action)
