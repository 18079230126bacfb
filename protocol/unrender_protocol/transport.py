# SPDX-License-Identifier: Apache-2.0
"""What client and server need from a socket, and an implementation inside one process for tests and small tools.

A transport moves lists of frames, whole or not at all, in order, with bounded queues. It knows nothing of messages.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Protocol, runtime_checkable

from .arrays import Buffer

Frames = list[Buffer]


class Problem(Enum):
    """What a client's transport knows about its connection beyond silence."""

    DISCONNECTED = "disconnected"  # the other side closed, or went away
    NO_HANDSHAKE = "no_handshake"  # it breaks greetings off: another key or kind of key, or a tunnel without an end
    NO_ZEROMQ = "no_zeromq"  # what answers is another kind of program
    WRONG_KEY = "wrong_key"  # the other side refused our key or token


class Delivery(Enum):
    """What became of a message that a server wanted to send."""

    SENT = "sent"
    FULL = "full"  # the peer does not read fast enough; try again later
    GONE = "gone"  # there is no such peer (any more)


@runtime_checkable
class Transport(Protocol):
    """One end of a connection to one peer. Not thread-safe; belongs to the thread that polls it."""

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the connection as far as the socket can tell; None while nothing is known to be."""

    def send(self, frames: Sequence[Buffer]) -> bool:
        """Queue one message without waiting; False where the queue is full or nobody is connected yet."""

    def poll(self, timeout: float) -> list[Frames]:
        """Return the messages that came, waiting at most `timeout` seconds for the first."""

    def reopen(self) -> None:
        """Forget the connection with all it has queued, and start a new one."""

    def close(self) -> None:
        """Close at once; what is queued is dropped. Afterwards `send` gives False and `poll` nothing."""


@runtime_checkable
class ServerTransport(Protocol):
    """The server's end of connections to many peers, each named by a short bytes. Not thread-safe."""

    @property
    def address(self) -> str:
        """Where clients can connect to."""

    def send(self, peer: bytes, frames: Sequence[Buffer]) -> Delivery:
        """Queue one message for `peer` without waiting."""

    def poll(self, timeout: float) -> list[tuple[bytes, Frames]]:
        """Return the messages that came, with who sent them, waiting at most `timeout` seconds for the first."""

    def close(self) -> None:
        """Close at once; what is queued is dropped."""


class InProcessHub:
    """A `ServerTransport` without sockets: clients `connect()` to it in the same process, from any thread.

    `close` and `open` play the death and the restart of a server. `limit` messages wait in each direction per client.
    """

    def __init__(self, limit: int = 16) -> None:
        self.limit = limit
        self.changed = threading.Condition()
        self._names = itertools.count(1)
        self._inbox: deque[tuple[bytes, Frames]] = deque()
        self._waiting: dict[bytes, int] = {}
        self._outboxes: dict[bytes, deque[Frames]] = {}
        self._open = True

    @property
    def address(self) -> str:
        return "inproc"

    def connect(self) -> InProcessTransport:
        """Return a client's end."""
        return InProcessTransport(self)

    def open(self) -> None:
        """Accept connections again after `close`."""
        with self.changed:
            self._open = True

    def close(self) -> None:
        with self.changed:
            self._open = False
            self._inbox.clear()
            self._waiting.clear()
            self._outboxes.clear()
            self.changed.notify_all()

    def send(self, peer: bytes, frames: Sequence[Buffer]) -> Delivery:
        with self.changed:
            outbox = self._outboxes.get(peer)
            if outbox is None:
                return Delivery.GONE
            if len(outbox) >= self.limit:
                return Delivery.FULL
            outbox.append(list(frames))
            self.changed.notify_all()
            return Delivery.SENT

    def poll(self, timeout: float) -> list[tuple[bytes, Frames]]:
        with self.changed:
            self.changed.wait_for(lambda: bool(self._inbox), timeout=max(0.0, timeout))
            received = list(self._inbox)
            self._inbox.clear()
            self._waiting = dict.fromkeys(self._waiting, 0)
            return received

    def join(self) -> bytes | None:
        """Add a peer and return its name; None while closed."""
        with self.changed:
            if not self._open:
                return None
            peer = next(self._names).to_bytes(5, "big")
            self._outboxes[peer] = deque()
            self._waiting[peer] = 0
            return peer

    def leave(self, peer: bytes) -> None:
        """Forget a peer."""
        with self.changed:
            self._outboxes.pop(peer, None)
            self._waiting.pop(peer, None)

    def knows(self, peer: bytes | None) -> bool:
        """Return whether `peer` is connected."""
        with self.changed:
            return peer in self._outboxes

    def deliver(self, peer: bytes, frames: Sequence[Buffer]) -> bool:
        """Take one message from `peer`; False where too many wait."""
        with self.changed:
            if self._waiting.get(peer, self.limit) >= self.limit:
                return False
            self._waiting[peer] += 1
            self._inbox.append((peer, list(frames)))
            self.changed.notify_all()
            return True

    def collect(self, peer: bytes, timeout: float) -> list[Frames]:
        """Return what waits for `peer`, waiting at most `timeout` seconds for the first."""
        with self.changed:
            self.changed.wait_for(
                lambda: peer not in self._outboxes or bool(self._outboxes[peer]), timeout=max(0.0, timeout)
            )
            outbox = self._outboxes.get(peer)
            received = list(outbox or ())
            if outbox:
                outbox.clear()
            return received


class InProcessTransport:
    """A `Transport` to an `InProcessHub`."""

    def __init__(self, hub: InProcessHub) -> None:
        self._hub = hub
        self._peer = hub.join()

    @property
    def problem(self) -> Problem | None:
        return None if self._hub.knows(self._peer) else Problem.DISCONNECTED

    def send(self, frames: Sequence[Buffer]) -> bool:
        return self._peer is not None and self._hub.deliver(self._peer, frames)

    def poll(self, timeout: float) -> list[Frames]:
        if self._peer is None or not self._hub.knows(self._peer):
            time.sleep(max(0.0, timeout))
            return []
        return self._hub.collect(self._peer, timeout)

    def reopen(self) -> None:
        self.close()
        self._peer = self._hub.join()

    def close(self) -> None:
        if self._peer is not None:
            self._hub.leave(self._peer)
            self._peer = None
