# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory this process and this computer use."""

from __future__ import annotations

import os
from pathlib import Path

_MEGABYTE = 1 << 20


def resident_megabytes() -> float:
    """Memory of this process that is in RAM; 0 where the system does not tell without further libraries."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def out_of_memory_kills() -> int:
    """How many processes Linux has killed for want of memory since it started; 0 elsewhere."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


class MemoryWatch:
    """Tells when a worker has grown so much that a fresh one should take over."""

    def __init__(self, growth_megabytes: float = 1000.0, most_objects: int = 20_000, warm_up: int = 20) -> None:
        self._growth, self._most, self._warm_up = growth_megabytes, most_objects, warm_up
        self._objects, self._base = 0, 0.0

    def is_full(self) -> bool:
        """To be asked after each object."""
        self._objects += 1
        if self._objects == self._warm_up:
            self._base = resident_megabytes()
        has_grown = self._objects > self._warm_up and resident_megabytes() - self._base > self._growth
        return has_grown or self._objects >= self._most
