# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's two threads: one talks, one renders."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback

import bpy
import zmq

from unrender_protocol import codec
from unrender_protocol.errors import ProtocolError
from unrender_protocol.messages import (
    TO_WORKER,
    RenderBatch,
    RenderedBatch,
    RenderFailed,
    StopWorker,
    WorkerHeartbeat,
    WorkerReady,
)
from unrender_protocol.version import PROTOCOL

from .batch import render_batch
from .scene import RenderScene
from .settings import SettingsError

HEARTBEAT_SECONDS = 1.0


def serve(address: str, token: str, worker: int) -> int:
    """Render what comes until told to stop; returns the exit status."""
    scene = RenderScene()
    link = _Link(address, token, worker)
    link.start()
    while True:
        envelope = link.inbox.get()
        if isinstance(envelope.message, StopWorker):
            link.close()
            return 0
        link.send(*_answer(scene, envelope))


def _answer(scene: RenderScene, envelope: codec.Envelope) -> tuple:
    batch: RenderBatch = envelope.message
    try:
        result = render_batch(scene, batch.settings, envelope.arrays)
    except (SettingsError, KeyError, ValueError, IndexError, RuntimeError, MemoryError) as error:
        traceback.print_exc()
        tag = "out_of_memory" if isinstance(error, MemoryError) else "render_failed"
        return RenderFailed(batch.seq, tag, f"{type(error).__name__}: {error}"[:500]), {}, envelope.id
    details = {"render_seconds": result.render_seconds}
    return RenderedBatch(batch.seq, result.seconds, details), result.images, envelope.id


class _Link:
    """The socket thread: decodes what arrives, encodes what is to be sent, beats once a second."""

    def __init__(self, address: str, token: str, worker: int) -> None:
        self.inbox: queue.Queue = queue.Queue()
        self._context = zmq.Context()
        self._address, self._token, self._worker = address, token, worker
        self._rendered = 0
        # ZeroMQ sockets belong to one thread: this pair wakes the socket thread when there is something to send.
        self._outbox: queue.Queue = queue.Queue()
        self._bell = self._context.socket(zmq.PAIR)
        self._bell.bind("inproc://outbox")
        self._thread = threading.Thread(target=self._run, name="socket", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, message: object, arrays: dict, identifier: bytes) -> None:
        self._outbox.put((message, arrays, identifier))
        self._bell.send(b"")

    def close(self) -> None:
        self._outbox.put(None)
        self._bell.send(b"")
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 1000
        socket.connect(self._address)
        bell = self._context.socket(zmq.PAIR)
        bell.connect("inproc://outbox")
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(bell, zmq.POLLIN)
        details = {"token": self._token, "python": sys.version.split()[0]}
        ready = WorkerReady(self._worker, os.getpid(), bpy.app.version_string, PROTOCOL, details)
        socket.send_multipart(codec.encode(ready))
        beat_due = time.monotonic() + HEARTBEAT_SECONDS
        while True:
            events = dict(poller.poll(max(0, int(1000 * (beat_due - time.monotonic())))))
            if socket in events:
                self._receive(socket)
            if bell in events:
                bell.recv()
                item = self._outbox.get()
                if item is None:
                    socket.close()
                    bell.close()
                    return
                message, arrays, identifier = item
                self._rendered += isinstance(message, RenderedBatch)
                socket.send_multipart(codec.encode(message, arrays, id=identifier, checksum=False), copy=False)
            if time.monotonic() >= beat_due:
                socket.send_multipart(codec.encode(WorkerHeartbeat(self._worker, self._rendered)))
                beat_due = time.monotonic() + HEARTBEAT_SECONDS

    def _receive(self, socket: zmq.Socket) -> None:
        frames = [frame.buffer for frame in socket.recv_multipart(copy=False)]
        try:
            self.inbox.put(codec.decode(frames, accept=TO_WORKER))
        except ProtocolError as error:
            print(f"dropped a message from the pool: {error}", file=sys.stderr, flush=True)
