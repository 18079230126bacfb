# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent to one peer: bounded, and of superseded messages only the newest."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable

from .arrays import Buffer
from .codec import frames_nbytes
from .transport import Delivery

MAX_MESSAGES = 256
MAX_BYTES = 512 * 1024**2


class Outbox:
    """Messages for one peer, sent in order.

    A message put with a key replaces an unsent one with the same key and takes its place, so a thousand progress
    reports cost no more than one. Where the box is full, keyed messages are dropped (oldest first) to make room; where
    that is not enough, `put` refuses: the peer is too slow to be served. One message alone may be of any size.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._numbers = itertools.count()
        self._waiting: dict[Hashable, list[Buffer]] = {}  # in order; unkeyed messages have a number for a key
        self.nbytes = 0
        self.superseded = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, frames: list[Buffer], key: Hashable | None = None) -> bool:
        """Add a message; False where there is no room for it."""
        slot: Hashable = next(self._numbers) if key is None else ("key", key)
        size = frames_nbytes(frames)
        older = self._waiting.get(slot)
        if older is not None:
            self.superseded += 1
            self.nbytes -= frames_nbytes(older)
            if self.nbytes + size <= self._max_bytes:
                self._waiting[slot] = frames  # a dict keeps the place of a key that it has
                self.nbytes += size
                return True
            del self._waiting[slot]
        if not self._make_room(size):
            return False
        self._waiting[slot] = frames
        self.nbytes += size
        return True

    def flush(self, send: Callable[[list[Buffer]], Delivery]) -> Delivery:
        """Send in order until the box is empty (SENT), or `send` says FULL or GONE."""
        for slot in tuple(self._waiting):
            delivery = send(self._waiting[slot])
            if delivery is not Delivery.SENT:
                return delivery
            self.nbytes -= frames_nbytes(self._waiting.pop(slot))
        return Delivery.SENT

    def _make_room(self, size: int) -> bool:
        for slot in tuple(self._waiting):
            if self._fits(size):
                break
            if isinstance(slot, tuple):
                self.nbytes -= frames_nbytes(self._waiting.pop(slot))
                self.superseded += 1
        return self._fits(size)

    def _fits(self, size: int) -> bool:
        if not self._waiting:
            return True
        return len(self._waiting) < self._max_messages and self.nbytes + size <= self._max_bytes
