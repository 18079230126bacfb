# SPDX-License-Identifier: Apache-2.0
"""A pool of headless Blender workers, fed over the protocol's codec.

One thread owns the socket and the processes. Each worker holds at most two batches (one renders, one waits decoded);
results belong to their futures, so the order in which workers finish does not matter. A batch whose worker dies is
given to another one once; a batch that kills two workers fails with a message that names them.
"""

import os
import queue
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from unrender.errors import RenderError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender
from unrender.renderers.off_the_shelf.pool_contract import Arrays, BatchImages, PoolLimits
from unrender.renderers.off_the_shelf.worker_process import WorkerProcess
from unrender_protocol import codec
from unrender_protocol.errors import ProtocolError
from unrender_protocol.messages import (
    FROM_WORKER,
    RenderBatch,
    RenderedBatch,
    RenderFailed,
    StopWorker,
    WorkerHeartbeat,
    WorkerReady,
)


@dataclass(slots=True)
class _Request:
    seq: int
    settings: dict[str, Any]
    arrays: Arrays
    future: "Future[BatchImages]"
    images: int
    attempts: int = 0
    killed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Worker:
    process: WorkerProcess
    started: float
    identity: bytes | None = None
    heard: float = 0.0
    head_since: float = 0.0
    rendered: int = 0
    outstanding: "deque[_Request]" = field(default_factory=deque)

    def __str__(self) -> str:
        return f"Blender worker {self.process.number} (process {self.process.pid})"


class WorkerPool:
    """Context manager around the workers; `submit` may be called from any thread and returns at once."""

    def __init__(
        self,
        workers: int = 1,
        threads: int = 2,
        blender: BlenderInstallation | None = None,
        limits: PoolLimits | None = None,
    ) -> None:
        self._limits = limits or PoolLimits()
        self._blender = blender or find_blender()
        self._count, self._threads = workers, threads
        self._token = secrets.token_hex(16)
        self._folder = Path(tempfile.mkdtemp(prefix="unrender-"))  # mode 0700
        self._context = zmq.Context()
        self._socket, self._address = _bind(self._context, self._folder)
        self._bell_out = self._context.socket(zmq.PAIR)
        self._bell_out.bind("inproc://requests")
        self._bell_lock = threading.Lock()
        self._inbox: queue.Queue[_Request | None] = queue.Queue()
        self._waiting: deque[_Request] = deque()
        self._workers: dict[int, _Worker] = {}
        self._next_worker = self._failed_starts = 0
        self._seq = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="blender workers", daemon=True)
        self._thread.start()

    @property
    def blender(self) -> BlenderInstallation:
        return self._blender

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def submit(self, settings: dict[str, Any], arrays: Arrays, images: int) -> "Future[BatchImages]":
        """Queue one batch (arrays as `blender_addon/rendering/batch.py` describes them) of so many images.

        The future raises RenderError where the batch cannot be rendered. Do not write to the arrays afterwards.
        """
        if self._closed:
            raise RenderError("The pool of Blender workers is closed.")
        future: Future[BatchImages] = Future()
        with self._bell_lock:
            self._seq += 1
            self._inbox.put(_Request(self._seq, settings, arrays, future, images))
            self._bell_out.send(b"")
        return future

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that run now."""
        return [worker.process.pid for worker in list(self._workers.values())]

    def close(self) -> None:
        """Stop the workers; batches that are not finished fail."""
        if self._closed:
            return
        self._closed = True
        with self._bell_lock:
            self._inbox.put(None)
            self._bell_out.send(b"")
        self._thread.join()
        self._bell_out.close()
        self._context.term()
        shutil.rmtree(self._folder, ignore_errors=True)

    # Everything below runs in the pool's thread.

    def _run(self) -> None:
        bell = self._context.socket(zmq.PAIR)
        bell.connect("inproc://requests")
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(bell, zmq.POLLIN)
        try:
            for _ in range(self._count):
                self._start_worker()
            running = True
            while running:
                events = dict(poller.poll(200))
                while bell in events and bell.poll(0):
                    bell.recv()
                    request = self._inbox.get()
                    if request is None:
                        running = False
                    else:
                        self._waiting.append(request)
                while self._socket.poll(0):
                    self._receive()
                self._check_workers()
                self._feed()
        except Exception as error:  # a bug here must not leave callers waiting for ever
            self._fail_everything(RenderError(f"The pool of Blender workers failed: {error!r}"))
            self._closed = True
            raise
        finally:
            self._stop_workers()
            self._fail_everything(RenderError("The pool of Blender workers was closed before this batch was rendered."))
            bell.close()
            self._socket.close(linger=0)

    def _start_worker(self) -> None:
        number = self._next_worker
        self._next_worker += 1
        log = self._folder / f"worker-{number}.log"
        process = WorkerProcess(self._blender, number, self._address, self._token, self._threads, log)
        now = time.monotonic()
        self._workers[number] = _Worker(process, started=now, heard=now)

    def _receive(self) -> None:
        identity, *frames = [frame.buffer for frame in self._socket.recv_multipart(copy=False)]
        try:
            envelope = codec.decode(frames, accept=FROM_WORKER)
        except ProtocolError:
            return
        message, sender = envelope.message, bytes(identity)
        if isinstance(message, WorkerReady):
            worker = self._workers.get(message.worker)
            if worker is not None and secrets.compare_digest(str(message.details.get("token")), self._token):
                worker.identity, worker.heard = sender, time.monotonic()
            return
        worker = next((one for one in self._workers.values() if one.identity == sender), None)
        if worker is None:
            return
        worker.heard = time.monotonic()
        if isinstance(message, RenderedBatch):
            self._finish(worker, message, envelope.arrays)
        elif isinstance(message, RenderFailed):
            request = self._take(worker, message.seq)
            if request is not None:
                request.future.set_exception(RenderError(f"{worker} could not render a batch: {message.message}"))
        else:
            assert isinstance(message, WorkerHeartbeat)

    def _finish(self, worker: _Worker, message: RenderedBatch, images: Arrays) -> None:
        request = self._take(worker, message.seq)
        if request is None:
            return
        self._failed_starts = 0
        worker.rendered += request.images
        render_seconds = float(message.details.get("render_seconds", message.seconds))
        request.future.set_result(BatchImages(images, message.seconds, render_seconds))

    def _take(self, worker: _Worker, seq: int) -> _Request | None:
        request = next((one for one in worker.outstanding if one.seq == seq), None)
        if request is not None:
            worker.outstanding.remove(request)
            worker.head_since = time.monotonic()
        return request

    def _check_workers(self) -> None:
        now, limits = time.monotonic(), self._limits
        for worker in list(self._workers.values()):
            code = worker.process.exit_code()
            if code is not None:
                self._bury(worker, f"died with exit code {code}")
            elif worker.identity is None and now - worker.started > limits.start:
                self._bury(worker, f"did not start within {limits.start:g} s")
            elif worker.outstanding and now - worker.head_since > limits.batch:
                self._bury(worker, f"needed longer than {limits.batch:g} s for one batch")
            elif worker.identity is not None and now - worker.heard > limits.silence:
                self._bury(worker, f"was silent for {limits.silence:g} s")
            elif worker.rendered >= limits.recycle_after and not worker.outstanding:
                self._retire(worker)

    def _bury(self, worker: _Worker, reason: str) -> None:
        """Kill a worker that failed, give its batches to the others and start a new one."""
        worker.process.kill()
        del self._workers[worker.process.number]
        words = worker.process.last_words()
        cause = f"{worker} {reason}" + (f"; its last words: {words[-600:]}" if words else "")
        for position, request in enumerate(reversed(worker.outstanding)):
            first = position == len(worker.outstanding) - 1
            request.attempts += first  # only the batch in front can have killed it
            request.killed += [cause] if first else []
            if request.attempts >= self._limits.attempts:
                request.future.set_exception(
                    RenderError("A batch could not be rendered: " + " | ".join(request.killed))
                )
            else:
                self._waiting.appendleft(request)
        if worker.rendered == 0:
            self._failed_starts += 1
        if self._failed_starts >= self._limits.failed_starts:
            self._failed_starts = 0
            self._fail_everything(RenderError(f"Blender workers do not start or die at once: {cause}"))
        self._start_worker()

    def _retire(self, worker: _Worker) -> None:
        self._send(worker, StopWorker("recycled"), {})
        del self._workers[worker.process.number]
        self._start_worker()
        worker.process.join(timeout=10.0)

    def _feed(self) -> None:
        """Hand out waiting batches, the least loaded worker first."""
        while self._waiting:
            free = [
                worker
                for worker in self._workers.values()
                if worker.identity is not None
                and len(worker.outstanding) < self._limits.prefetch
                and worker.rendered < self._limits.recycle_after
            ]
            if not free:
                return
            worker = min(free, key=lambda one: len(one.outstanding))
            request = self._waiting.popleft()
            if request.future.cancelled():
                continue
            if not worker.outstanding:
                worker.head_since = time.monotonic()
            worker.outstanding.append(request)
            self._send(worker, RenderBatch(request.seq, request.settings), request.arrays)

    def _send(self, worker: _Worker, message: RenderBatch | StopWorker, arrays: Arrays) -> None:
        assert worker.identity is not None
        frames = codec.encode(message, arrays, checksum=False)
        self._socket.send_multipart([worker.identity, *frames], copy=False)

    def _stop_workers(self) -> None:
        for worker in self._workers.values():
            if worker.outstanding or worker.identity is None:
                worker.process.kill()
            else:
                self._send(worker, StopWorker("closed"), {})
        for worker in self._workers.values():
            worker.process.join(timeout=5.0)

    def _fail_everything(self, error: RenderError) -> None:
        held = [request for worker in self._workers.values() for request in worker.outstanding]
        for worker in self._workers.values():
            worker.outstanding.clear()
        for request in [*held, *self._waiting]:
            if not request.future.done():
                request.future.set_exception(error)
        self._waiting.clear()


def _bind(context: "zmq.Context[zmq.Socket[bytes]]", folder: Path) -> tuple["zmq.Socket[bytes]", str]:
    """A ROUTER on a Unix socket that only this user can reach, or on loopback where there are none."""
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 0)
    if sys.platform != "win32" and zmq.has("ipc"):
        address = f"ipc://{folder / 'pool'}"
        if len(os.fsencode(address)) < 100:  # the system's limit on the names of Unix sockets
            socket.bind(address)
            return socket, address
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    return socket, f"tcp://127.0.0.1:{port}"
