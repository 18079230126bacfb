# SPDX-License-Identifier: Apache-2.0
"""Long work in parts."""

import time
from collections.abc import Iterator

from unrender.errors import CancelledError
from unrender.training.progress import CancelCheck, Progress, ProgressCallback


class Work:
    """Where long work reports, and where it asks whether to go on."""

    def __init__(self, progress: ProgressCallback, cancelled: CancelCheck) -> None:
        self.progress, self.cancelled = progress, cancelled

    def parts(self, phase: str, count: int, size: int) -> Iterator[slice]:
        """Slices of `size` that make up `count`; reports after each. Raises CancelledError."""
        started = time.monotonic()
        for first in range(0, count, size):
            if self.cancelled():
                raise CancelledError(f"Stopped after {first} of {count} ({phase}).")
            last = min(first + size, count)
            yield slice(first, last)
            self.progress(Progress(phase, last, count, (time.monotonic() - started) / last * (count - last)))
