# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from the threads to the main thread: a queue in which a newer progress replaces an older one of the same job.

A main thread that stalls (a render, a file load) must not find minutes of old progress waiting for it, and the memory
that waits must stay bounded however long it stalls.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """First in, first out, safe between threads. `put` and `take` never wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: OrderedDict[Hashable, Item] = OrderedDict()
        self._count = 0

    def put(self, item: Item, replaces: Hashable | None = None) -> None:
        """Append `item`; one with the same `replaces` key that still waits is dropped."""
        with self._lock:
            self._count += 1
            key: Hashable = ("serial", self._count) if replaces is None else ("replaces", replaces)
            self._items.pop(key, None)
            self._items[key] = item

    def take(self) -> Item | None:
        """The oldest item, or None where nothing waits."""
        with self._lock:
            return self._items.popitem(last=False)[1] if self._items else None

    def __len__(self) -> int:
        with self._lock:
            return len(self._items)
