# SPDX-License-Identifier: Apache-2.0
"""A network that fails as it is told: a TCP relay on the loopback interface between an add-on and a server."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from types import TracebackType

READ_BYTES = 65536


class FaultyNetwork:
    """Relays connections to `port` on this computer. A context manager; everything runs in one thread of its own.

    `silent`: bytes are taken and never arrive, as behind a router that has lost its line; the connections stay open.
    `delay_seconds`: each piece arrives so much later.
    `garbage`: goes to the client instead of what the server says.
    """

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.silent = False
        self.delay_seconds = 0.0
        self.garbage = b""
        self.accepted = 0  # connections so far
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._other: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._late: deque[tuple[float, socket.socket, bytes]] = deque()
        self._cut = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"

    def cut(self) -> None:
        """Close all connections, as a router does that starts again; new ones are relayed."""
        self._cut.set()
        while self._cut.is_set():
            time.sleep(0.001)

    def __enter__(self) -> FaultyNetwork:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._close_all()
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._cut.is_set():
                self._close_all()
                self._cut.clear()
            for key, _ in self._selector.select(0.005):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._other:
                    self._relay(key.fileobj)
            while self._late and self._late[0][0] <= time.monotonic():
                _, end, content = self._late.popleft()
                self._send(end, content)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), timeout=2.0)
        except OSError:  # nobody is there: the client learns that as it would without us
            client.close()
            return
        self.accepted += 1
        self._clients.add(client)
        for one, other in ((client, server), (server, client)):
            one.settimeout(2.0)
            self._other[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _relay(self, end: socket.socket) -> None:
        try:
            content = end.recv(READ_BYTES)
        except OSError:
            content = b""
        if not content:
            self._close(end)
        elif self.garbage and end not in self._clients:
            self._send(self._other[end], self.garbage)
        elif not self.silent:
            self._late.append((time.monotonic() + self.delay_seconds, self._other[end], content))

    def _send(self, end: socket.socket, content: bytes) -> None:
        if end not in self._other:
            return  # it was closed meanwhile
        try:
            end.sendall(content)
        except OSError:
            self._close(end)

    def _close(self, end: socket.socket) -> None:
        for one in (end, self._other[end]):
            self._selector.unregister(one)
            del self._other[one]
            self._clients.discard(one)
            one.close()

    def _close_all(self) -> None:
        for end in tuple(self._other):
            if end in self._other:
                self._close(end)
