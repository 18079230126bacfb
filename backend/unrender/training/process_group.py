# SPDX-License-Identifier: Apache-2.0
"""Processes on this machine that work on one thing: what they report, how they are stopped, and how they all end."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from unrender.errors import DeviceLostError, UnrenderError
from unrender.training.progress import CancelCheck, Progress, ProgressCallback

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 2.0  # after a failure, for the others to say what they saw: the first to be heard may not be the cause
_END_SECONDS = 30.0  # for processes that are done to end by themselves


class ProcessGroup:
    """Calls `function(rank, progress, cancelled, *arguments)` in `count` spawned processes, ranks 0, 1, ...

    function: of a module. arguments and result: plain values, dataclasses and arrays; no tensors, which torch would
    share between the processes.
    A request to stop is passed on to all of them. If one fails or dies, all end; none outlives this process.
    """

    def __init__(
        self,
        count: int,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        progress: ProgressCallback,
        cancelled: CancelCheck,
    ) -> None:
        self._progress, self._cancelled = progress, cancelled
        self._context = multiprocessing.get_context("spawn")
        self._members = [self._spawn(rank, function, arguments) for rank in range(count)]

    def run(self) -> Any:
        """What the function returned in the first process, once all are done.

        Raises what it raised, as itself if that was an UnrenderError, else as a RuntimeError with the traceback;
        DeviceLostError if a process ended without a word.
        """
        deadline = None
        is_told = False
        try:
            while any(not member.has_ended for member in self._members):
                self._listen()
                if not is_told and self._cancelled():
                    is_told = True
                    for member in self._members:
                        member.tell_to_stop()
                failed = any(member.failure is not None for member in self._members)
                if failed and deadline is None:
                    deadline = time.monotonic() + _GRACE_SECONDS
                if deadline is not None and time.monotonic() > deadline:
                    break
        finally:
            self._end()
        failures = [member.failure for member in self._members if member.failure is not None]
        if failures:
            raise min(failures, key=_how_telling).error
        return self._members[0].result

    def _spawn(self, rank: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> "_Member":
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, rank, function, arguments), name=f"unrender-device-{rank}"
        )
        process.start()
        theirs.close()
        return _Member(rank, process, ours)

    def _listen(self) -> None:
        members = [member for member in self._members if not member.has_ended]
        ready = wait([member.connection for member in members], _POLL_SECONDS)
        for member in members:
            if member.connection in ready:
                member.hear(self._progress)

    def _end(self) -> None:
        failed = any(not member.has_ended or member.failure is not None for member in self._members)
        for member in self._members:
            if not failed:
                member.process.join(_END_SECONDS)
            if member.process.is_alive():
                member.process.kill()
            member.process.join()
            member.connection.close()


@dataclass(frozen=True, slots=True)
class _Failure:
    time: float
    was_lost: bool
    error: Exception


class _Member:
    """One process, as its parent knows it."""

    def __init__(self, rank: int, process: Any, connection: Connection) -> None:
        self.rank, self.process, self.connection = rank, process, connection
        self.has_ended = False  # has nothing more to say
        self.result: Any = None
        self.failure: _Failure | None = None

    def hear(self, progress: ProgressCallback) -> None:
        """Take one message; a pipe that closes without a last one is a death."""
        try:
            kind, content = self.connection.recv()
        except (EOFError, OSError):
            self._die()
            return
        if kind == "progress":
            progress(content)
            return
        self.has_ended = True
        if kind == "result":
            self.result = content
        else:
            self.failure = _Failure(time.monotonic(), False, content)

    def tell_to_stop(self) -> None:
        with suppress(OSError):  # it is gone: its pipe will say so
            self.connection.send("stop")

    def _die(self) -> None:
        self.has_ended = True
        self.process.join(_GRACE_SECONDS)
        code = self.process.exitcode
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        lost = DeviceLostError(
            f"Training stopped: the process of device {self.rank} {how}.",
            "If the machine's memory was full, lower batch_size or raise accumulation. Continue with --resume.",
        )
        self.failure = _Failure(time.monotonic(), True, lost)


def _how_telling(failure: _Failure) -> tuple[bool, bool, float]:
    """The smallest is the cause: what somebody raised on purpose, then a death, then what was heard first.

    When one process is lost, the others fail because they miss it.
    """
    return not (isinstance(failure.error, UnrenderError) and not failure.was_lost), not failure.was_lost, failure.time


# The inside of a process.


def _work(connection: Connection, rank: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they reach the whole group, and the parent decides
    stopped = threading.Event()
    threading.Thread(target=_obey, args=(connection, stopped), daemon=True).start()
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        is_news = progress.preview is not None or progress.scores is not None or progress.done >= progress.total
        if is_news or time.monotonic() - last > _POLL_SECONDS:
            last = time.monotonic()
            connection.send(("progress", progress))

    try:
        result = function(rank, report, stopped.is_set, *arguments)
        connection.send(("result", result))
    except UnrenderError as error:
        connection.send(("failure", error))
    except BaseException:
        connection.send(("failure", RuntimeError(f"The process of device {rank} failed.\n{traceback.format_exc()}")))


def _obey(connection: Connection, stopped: threading.Event) -> None:
    """Wait for the parent's word; end with it."""
    try:
        while connection.recv() == "stop":
            stopped.set()
    except (EOFError, OSError):
        os._exit(1)
