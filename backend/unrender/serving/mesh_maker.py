# SPDX-License-Identifier: Apache-2.0
"""Meshes at once, beside the jobs: a process of their own that waits for orders, watched by a thread.

An artist drags a slider and looks at the mesh: a job with its ledger, folder and result would take longer than the
meshing. Nothing is kept of an order; a client that gets no answer asks again.
"""

import multiprocessing
import os
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from unrender.errors import UserError
from unrender.serving.failures import describe_exit
from unrender.serving.jobs import JobError
from unrender.serving.mesh_orders import Arrays, MeshOrder, make_meshes, read_answer

_MOST_WAITING = 64
_MOST_OF_A_PEER = 8
_SECONDS_PER_MESH = 120.0  # of a slow machine, in the middle of a training
_SECONDS_WARM = 600.0  # an idle process holds some hundred MB; then it goes
_SECONDS_TO_END = 10.0


class MeshQueueFullError(UserError):
    """Too many meshes are waited for."""

    tag = "queue_full"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who asked: the client, and the id of its request."""

    peer: bytes
    request: bytes


@dataclass(frozen=True, slots=True)
class MeshAnswer:
    """What became of an order: arrays, or an error."""

    ticket: Ticket
    order: MeshOrder
    arrays: Arrays = field(default_factory=dict)
    error: JobError | None = None


class MeshMaker:
    """Makes meshes in the order in which they were asked for. `order` and `poll` return at once.

    Args:
        home: the data folder, whose cache of grids is used.
        make: what the process runs; a function of a module.
    """

    def __init__(self, home: Path, make: Any = make_meshes, seconds_per_mesh: float = _SECONDS_PER_MESH) -> None:
        self._home = home
        self._make = make
        self._seconds_per_mesh = seconds_per_mesh
        self._orders: queue.SimpleQueue[tuple[Ticket, MeshOrder] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[MeshAnswer] = queue.SimpleQueue()
        self._waiting: Counter[bytes] = Counter()
        self._process: Any = None
        self._connection: Any = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "MeshMaker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_busy(self) -> bool:
        """Whether an order has not been answered."""
        return self._waiting.total() > 0

    def prepare(self) -> None:
        """Start the process, so that the first order finds it ready."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="unrender-meshes", daemon=True)
            self._thread.start()

    def order(self, ticket: Ticket, order: MeshOrder) -> None:
        """Ask for a mesh; its answer comes from `poll`. Raises MeshQueueFullError."""
        if self._waiting.total() >= _MOST_WAITING or self._waiting[ticket.peer] >= _MOST_OF_A_PEER:
            raise MeshQueueFullError("Too many meshes are being made already.", "Wait for some of them.")
        self.prepare()
        self._waiting[ticket.peer] += 1
        self._orders.put((ticket, order))

    def poll(self) -> list[MeshAnswer]:
        """The answers that have come since the last call."""
        answers = []
        while not self._answers.empty():
            answer = self._answers.get()
            self._waiting[answer.ticket.peer] -= 1
            if self._waiting[answer.ticket.peer] <= 0:
                del self._waiting[answer.ticket.peer]
            answers.append(answer)
        return answers

    def close(self) -> None:
        """End the process, with whatever it is doing."""
        self._closing.set()
        if self._thread is not None:
            self._orders.put(None)
            deadline = time.monotonic() + _SECONDS_TO_END
            while self._thread.is_alive() and time.monotonic() < deadline:
                process = self._process  # another one each time, where an order was just about to start one
                if process is not None:
                    process.kill()  # what waits for its answer sees the pipe close
                self._thread.join(0.1)

    # --- the thread ---

    def _run(self) -> None:
        self._start()
        try:
            while not self._closing.is_set():
                try:
                    wanted = self._orders.get(timeout=_SECONDS_WARM)
                except queue.Empty:
                    self._stop()
                    wanted = self._orders.get()
                if wanted is None:
                    return
                self._answers.put(self._work(*wanted))
        finally:
            self._stop()

    def _work(self, ticket: Ticket, order: MeshOrder) -> MeshAnswer:
        if self._process is None or not self._process.is_alive():
            self._start()
        try:
            self._connection.send_bytes(order.to_line())
            if not self._connection.poll(self._seconds_per_mesh):
                self._stop()
                error = JobError(
                    "crashed", f"The mesh was not made within {self._seconds_per_mesh:.0f} seconds.", "Try again."
                )
                return MeshAnswer(ticket, order, error=error)
            report, arrays = read_answer(self._connection)
        except (EOFError, OSError):
            self._process.join(5.0)
            error = describe_exit(self._process.exitcode)
            self._stop()
            return MeshAnswer(ticket, order, error=error)
        if "failed" in report:
            return MeshAnswer(ticket, order, error=JobError(*report["failed"]))
        return MeshAnswer(ticket, order, arrays)

    def _start(self) -> None:
        self._stop()
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as for jobs: idle threads must not burn the cores
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(
            target=self._make, args=(theirs, str(self._home)), name="unrender-meshes", daemon=True
        )
        process.start()
        self._process = process  # once it can be killed
        theirs.close()

    def _stop(self) -> None:
        if self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.join(5.0)
            self._process = None
