# SPDX-License-Identifier: Apache-2.0
"""How long to wait for what, and whether the peer is still there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All deadlines of a client, in seconds.

    A peer counts as lost after `misses` pings without any message. Large messages are given the time that they need at
    `slowest_bytes_per_second`, since nothing else gets through the same socket meanwhile.
    """

    ping_interval: float = 1.0
    misses: int = 4
    request_timeout: float = 5.0
    tries: int = 3
    give_up: float = 600.0
    first_retry: float = 1.0
    last_retry: float = 32.0
    slowest_bytes_per_second: float = 1e6

    @property
    def silence(self) -> float:
        """How long a peer may be silent."""
        return self.ping_interval * self.misses

    def transfer(self, nbytes: int) -> float:
        """Return how long `nbytes` may take."""
        return nbytes / self.slowest_bytes_per_second

    def retry(self, failures: int) -> float:
        """Return how long to wait after the `failures`-th failed connection in a row (1, 2, ...)."""
        return min(self.last_retry, self.first_retry * 2.0 ** (failures - 1))


class Heartbeat:
    """When the peer was last heard and when the next ping is due."""

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self._looked = now
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin anew, as if the peer had just been heard."""
        self._heard = self._pinged = now

    def heard(self, now: float) -> None:
        """Any message counts as a sign of life."""
        self._heard = now

    def look(self, now: float) -> None:
        """Say that we are looking; where we did not for long (a sleeping laptop), silence is not the peer's fault."""
        if now - self._looked > self._timing.silence / 2:
            self._heard = max(self._heard, now - self._timing.ping_interval)
        self._looked = now

    def ping_due(self, now: float) -> bool:
        """Return whether to send a ping, at most once per interval."""
        if now - self._pinged < self._timing.ping_interval:
            return False
        self._pinged = now
        return True

    def alive(self, now: float, nbytes_under_way: int) -> bool:
        """Return whether the peer may still be there, with `nbytes_under_way` in either direction."""
        return now - self._heard <= self._timing.silence + self._timing.transfer(nbytes_under_way)
