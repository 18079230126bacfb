# SPDX-License-Identifier: Apache-2.0
"""A pool of Blender workers on all machines of a Ray cluster, with the contract of `WorkerPool`.

One thread hands out batches and hears of their ends; others place actors, which takes seconds. Each worker holds at
most two batches: one renders, one has arrived. A batch whose machine is lost goes to another one.
"""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from unrender.errors import RenderError
from unrender.renderers.farm.cluster import Cluster, Placed, reason
from unrender.renderers.farm.placement import Share
from unrender.renderers.farm.render_actor import RenderActor
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.pool_contract import Arrays, BatchImages, PoolLimits

_CLOSE_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class _Batch:
    settings: dict[str, Any]
    arrays: Arrays
    images: int
    future: "Future[BatchImages]"
    attempts: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    placed: Placed
    outstanding: "deque[_Batch]" = field(default_factory=deque)


class RayPool:
    """Context manager around actors that render; `submit` may be called from any thread and returns at once.

    address: "auto" or HOST:PORT. workers: at most so many; 0 for as many as the cluster has room for. Raises what
    `Cluster` raises.
    """

    def __init__(
        self,
        address: str,
        workers: int = 0,
        threads: int = 2,
        limits: PoolLimits | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._limits = limits or PoolLimits()
        self._threads = threads
        self._cluster = Cluster(address, Share(cpus=threads), say)
        self.workers = min(workers or self._cluster.workers, self._cluster.workers)
        self._events: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._waiting: deque[_Batch] = deque()
        self._workers: list[_Worker] = []
        self._placing = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ray workers", daemon=True)
        self._thread.start()
        for _ in range(self.workers):
            self._events.put(self._begin_placing)

    @property
    def blender(self) -> BlenderInstallation:
        return self._cluster.blender

    def __enter__(self) -> "RayPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def submit(self, settings: dict[str, Any], arrays: Arrays, images: int) -> "Future[BatchImages]":
        """Queue one batch; see `WorkerPool.submit`."""
        if self._closing.is_set():
            raise RenderError("The pool of Blender workers is closed.")
        batch = _Batch(settings, arrays, images, Future())
        self._events.put(lambda: self._waiting.append(batch))
        return batch.future

    def machines(self) -> list[str]:
        """Names of the machines, one per worker that is ready."""
        return [worker.placed.machine.name for worker in list(self._workers)]

    def close(self) -> None:
        """End the workers; batches that are not finished fail."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._events.put(None)
        self._thread.join()
        self._cluster.close()

    # What follows runs in the pool's thread, unless it says otherwise.

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            event()
            self._feed()
        closing = [worker.placed.actor.close.remote() for worker in self._workers]
        for reference in closing:
            with contextlib.suppress(self._cluster.error):  # its machine may be gone
                self._cluster.get(reference, timeout=_CLOSE_SECONDS)
        for worker in self._workers:
            self._cluster.release(worker.placed)
        self._fail_everything(RenderError("The pool of Blender workers was closed before this batch was rendered."))

    def _begin_placing(self) -> None:
        self._placing += 1
        threading.Thread(target=self._place, name="placing a worker", daemon=True).start()

    def _place(self) -> None:
        """In a thread of its own: wait until there is room on a machine, and start a worker there."""
        while not self._closing.is_set():
            try:
                placed = self._cluster.place(RenderActor, self._threads, self._limits)
            except Exception as error:
                failure = error if isinstance(error, RenderError) else RenderError(f"A worker did not start: {error!r}")
                self._events.put(lambda failure=failure: self._give_up(failure))  # type: ignore[misc]
                return
            if placed is not None and self._closing.is_set():
                self._cluster.release(placed)
            elif placed is not None:
                self._events.put(lambda placed=placed: self._welcome(placed))  # type: ignore[misc]
                return

    def _welcome(self, placed: Placed) -> None:
        self._placing -= 1
        self._workers.append(_Worker(placed))

    def _give_up(self, error: RenderError) -> None:
        """A worker could not be placed: without any other, nobody will ever render."""
        self._placing -= 1
        if not self._workers and not self._placing:
            self._fail_everything(error)
            self._begin_placing()

    def _feed(self) -> None:
        while self._waiting:
            free = [worker for worker in self._workers if len(worker.outstanding) < self._limits.prefetch]
            if not free:
                return
            worker = min(free, key=lambda one: len(one.outstanding))
            batch = self._waiting.popleft()
            if not batch.future.running() and not batch.future.set_running_or_notify_cancel():
                continue
            worker.outstanding.append(batch)
            reference = worker.placed.actor.render.remote(batch.settings, batch.arrays, batch.images)
            done = reference.future()
            done.add_done_callback(
                lambda done, worker=worker, batch=batch: self._events.put(lambda: self._hear(worker, batch, done))
            )

    def _hear(self, worker: _Worker, batch: _Batch, done: "Future[BatchImages]") -> None:
        if batch not in worker.outstanding:
            return  # the worker was lost, and the batch is elsewhere
        error = done.exception()
        if error is None or isinstance(error, RenderError):
            worker.outstanding.remove(batch)
            if error is None:
                batch.future.set_result(done.result())
            else:
                batch.future.set_exception(RenderError(f"On {worker.placed.machine.name}: {cause(error)}"))
            return
        lost = list(worker.outstanding)
        worker.outstanding.clear()
        self._workers.remove(worker)
        self._placing += 1
        threading.Thread(target=self._replace, args=(worker, lost, error), daemon=True).start()

    def _replace(self, worker: _Worker, lost: list[_Batch], error: BaseException) -> None:
        """In a thread of its own: see whether the machine is there yet, give the batches back, start another worker."""
        machine = worker.placed.machine
        is_alive = self._cluster.answers(machine)
        self._cluster.release(worker.placed)
        words = f"The worker on {machine.name} was lost: {reason(error) if isinstance(error, Exception) else error!r}"
        self._events.put(lambda: self._take_back(lost, is_alive, RenderError(words)))
        self._place()

    def _take_back(self, lost: list[_Batch], is_alive: bool, error: RenderError) -> None:
        for position, batch in reversed(list(enumerate(lost))):
            # Only the batch in front can have killed the worker, and none has killed a machine.
            batch.attempts += is_alive and position == 0
            if batch.attempts >= self._limits.attempts:
                batch.future.set_exception(error)
            else:
                self._waiting.appendleft(batch)

    def _fail_everything(self, error: RenderError) -> None:
        for batch in [*(batch for worker in self._workers for batch in worker.outstanding), *self._waiting]:
            if not batch.future.done():
                batch.future.set_exception(error)
        self._waiting.clear()


def cause(error: BaseException) -> str:
    """What the worker said, without what Ray puts around it."""
    inner = getattr(error, "cause", error)
    return str(getattr(inner, "message", inner))
