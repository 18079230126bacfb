# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for an answer (Lazy Pirate: each has a deadline and is sent again as it is)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .arrays import Buffer
from .codec import frames_nbytes
from .errors import TransportError
from .heartbeat import Timing
from .messages import Message

MAX_REQUESTS = 256


@dataclass(slots=True)
class Request:
    """One request. `expected` is how many bytes its answer is known to bring, `patience` how many seconds the server
    was asked to work before it answers; `sent` is None while not (re)sent.
    """

    id: bytes
    message: Message
    frames: list[Buffer]
    made: float
    expected: int = 0
    patience: float = 0.0
    sent: float | None = None
    tries: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes that its sending and its answer move."""
        return frames_nbytes(self.frames) + self.expected

    def overdue(self, now: float, timing: Timing, nbytes_before: int) -> bool:
        """Return whether the answer should have come, counting the time for what was sent before it."""
        if self.sent is None:
            return False
        return now - self.sent > timing.request_timeout + self.patience + timing.transfer(self.nbytes + nbytes_before)


class Requests:
    """The requests that wait for an answer, in the order in which they were made."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._waiting: dict[bytes, Request] = {}

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._waiting.values()))

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: Request) -> None:
        """Take a request. Raises `TransportError` where very many wait already."""
        if len(self._waiting) >= MAX_REQUESTS:
            raise TransportError(f"{MAX_REQUESTS} requests wait for an answer already; wait until the server answers")
        self._waiting[request.id] = request

    def settle(self, id: bytes) -> Request | None:
        """Remove and return the request that a message with this id answers."""
        return self._waiting.pop(id, None)

    def unsend(self) -> None:
        """Mark all as not sent: the connection they were sent on is gone."""
        for request in self:
            request.sent = None

    def unsent(self) -> list[Request]:
        """Return those that are to be sent (again), in order."""
        return [request for request in self if request.sent is None]

    def nbytes_under_way(self) -> int:
        """Return how many bytes are being moved for requests that were sent."""
        return sum(request.nbytes for request in self if request.sent is not None)

    def overdue(self, now: float) -> list[Request]:
        """Return those whose answer should have come."""
        before = 0
        late = []
        for request in self:
            if request.overdue(now, self._timing, before):
                late.append(request)
            before += request.nbytes if request.sent is not None else 0
        return late

    def abandoned(self, now: float) -> list[Request]:
        """Return those that were tried often enough or have waited too long."""
        return [
            request
            for request in self
            if now - request.made > self._timing.give_up or request.tries >= self._timing.tries
        ]
