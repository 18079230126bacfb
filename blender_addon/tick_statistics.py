# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the timer has kept Blender's main thread, for the report of somebody whose window stutters."""

from __future__ import annotations

from bisect import bisect_left

BOUNDS_MILLISECONDS = (1, 2, 5, 10, 15, 30, 100)


class TickStatistics:
    """A count of ticks by their length; adding one costs about a microsecond."""

    def __init__(self) -> None:
        self.longest_seconds = 0.0
        self._counts = [0] * (len(BOUNDS_MILLISECONDS) + 1)

    @property
    def count(self) -> int:
        """Ticks so far."""
        return sum(self._counts)

    def add(self, seconds: float) -> None:
        """Count one tick."""
        self._counts[bisect_left(BOUNDS_MILLISECONDS, seconds * 1000.0)] += 1
        self.longest_seconds = max(self.longest_seconds, seconds)

    def over(self, milliseconds: int) -> int:
        """How many ticks were longer than one of `BOUNDS_MILLISECONDS`."""
        return sum(self._counts[BOUNDS_MILLISECONDS.index(milliseconds) + 1 :])

    def summary(self) -> str:
        """One line: `240 ticks, longest 8.1 ms; up to 1 ms: 230, 2 ms: 6, 10 ms: 4`, without lengths that none had."""
        parts = [
            f"{bound} ms: {count}" for bound, count in zip(BOUNDS_MILLISECONDS, self._counts, strict=False) if count
        ]
        if self._counts[-1]:
            parts.append(f"longer: {self._counts[-1]}")
        shares = "; up to " + ", ".join(parts) if parts else ""
        return f"{self.count} ticks, longest {1000 * self.longest_seconds:.1f} ms{shares}"
