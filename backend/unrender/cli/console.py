# SPDX-License-Identifier: Apache-2.0
"""What a long command shows while it works, and how it is stopped.

Progress goes to stderr, results go to stdout, so that `--json` output can be piped.
"""

import json
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from unrender.training.progress import Progress

_SECONDS_BETWEEN_LINES = 5.0  # where nobody watches: a log wants few lines


class LongWork:
    """Hands `progress` and `cancelled` to a function that takes long; made by `long_work`."""

    def __init__(self, display: "_Display") -> None:
        self._display = display
        self._stop_requested = False

    def progress(self, progress: Progress) -> None:
        """Show where the work stands."""
        self._display.show(progress)

    def cancelled(self) -> bool:
        """True after the first Ctrl-C (or SIGTERM): the work should finish its step, save and return."""
        return self._stop_requested

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first signal asks, the second one breaks off."""
        if self._stop_requested:
            raise KeyboardInterrupt
        self._stop_requested = True
        self._display.say("Stopping at the next safe point; press Ctrl-C again to stop at once.")


@contextmanager
def long_work() -> Iterator[LongWork]:
    """A progress bar with time left on a terminal, a plain line every few seconds elsewhere; Ctrl-C asks first."""
    display: _Display = _Bar() if sys.stderr.isatty() else _Lines()
    work = LongWork(display)
    previous = _listen(work)
    try:
        yield work
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        display.close()


def _listen(work: LongWork) -> dict[int, Any]:
    """Route Ctrl-C and SIGTERM to the work; returns the handlers to put back."""
    try:
        return {number: signal.signal(number, work.on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever runs it there has its own way to stop it
        return {}


class _Display(ABC):
    @abstractmethod
    def show(self, progress: Progress) -> None:
        """Tell where the work stands."""

    def say(self, sentence: str) -> None:
        print(sentence, file=sys.stderr, flush=True)

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was."""


class _Lines(_Display):
    """One line per phase and then at most one every few seconds."""

    def __init__(self) -> None:
        self._last_phase = ""
        self._last_time = 0.0

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        is_last = progress.total > 0 and progress.done >= progress.total
        if progress.phase == self._last_phase and not is_last and now - self._last_time < _SECONDS_BETWEEN_LINES:
            return
        self._last_phase, self._last_time = progress.phase, now
        left = "" if progress.eta_seconds is None else f", {format_duration(progress.eta_seconds)} left"
        self.say(f"{progress.phase}: {progress.done}/{progress.total}{left} {progress.message}".rstrip())

    def close(self) -> None:
        """Lines leave nothing open."""


class _Bar(_Display):
    """A bar that is drawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
        from rich.progress import Progress as ProgressBar

        self._bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[message]}", markup=False),
            console=Console(stderr=True),
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._bar.start()

    def show(self, progress: Progress) -> None:
        left = "" if progress.eta_seconds is None else f"{format_duration(progress.eta_seconds)} left"
        fields: dict[str, Any] = {"left": left, "message": progress.message}
        task = self._tasks.get(progress.phase)
        if task is None:
            task = self._tasks[progress.phase] = self._bar.add_task(progress.phase, **fields)
        self._bar.update(task, completed=progress.done, total=progress.total or None, **fields)

    def say(self, sentence: str) -> None:
        self._bar.console.print(sentence, markup=False)

    def close(self) -> None:
        self._bar.stop()


def format_duration(seconds: float) -> str:
    """`75.2` -> `1:15`, `3700` -> `1:01:40`."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def print_json(value: Mapping[str, Any]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value), flush=True)
