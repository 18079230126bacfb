# SPDX-License-Identifier: Apache-2.0
"""The row that compares our frames on the wire with blendtorch's pattern (cheind/pytorch-blender).

There, Blender binds a PUSH socket with a high-water mark of 10 on TCP and sends a pickled dictionary; the trainer's
PULL socket connects and unpickles. Here a worker's DEALER connects to the pool's ROUTER, and images travel as raw
frames behind a header, neither copied by Python when they are sent nor when they are received. Both sides send from a
process of their own, as fast as the receiver takes it.
"""

import multiprocessing
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.benchmarks.render_workload import Effort
from unrender_protocol import codec
from unrender_protocol.messages import FROM_WORKER, RenderedBatch

_HEIGHT, _WIDTH, _CHANNELS = 480, 640, 4
_HIGH_WATER_MARK = 10
_DISTINCT_FRAMES = 16  # as from a renderer, which makes each image anew
_WARM_UP = 2 * _HIGH_WATER_MARK  # as many as can wait in both queues
_PATIENCE_MILLISECONDS = 60_000


def measure_transport(effort: Effort) -> Comparison:
    """Frames of 640 x 480 x 4 bytes per second between two processes, checked on arrival."""
    with tempfile.TemporaryDirectory(prefix="unrender-") as name:
        address = _local_address(Path(name))
        question = Question("transport", "raw frames over PUSH/PULL and pickle", "messages/s", 3.0)
        facts: dict[str, Any] = {
            "frames_per_round": effort.frames,
            "shape": [_HEIGHT, _WIDTH, _CHANNELS],
            "pyzmq": zmq.__version__,
            "libzmq": zmq.zmq_version(),
            "python": sys.version.split()[0],
            "pickle_protocol": pickle.DEFAULT_PROTOCOL,
            "ours_through": address.partition("://")[0],
            "ours_over_tcp": round(receive_raw_frames("tcp://127.0.0.1", effort.frames), 1),
        }
        return compare(
            question,
            lambda: receive_raw_frames(address, effort.frames),
            lambda: receive_pickles(effort.frames),
            effort.rounds,
            facts,
        )


def _local_address(folder: Path) -> str:
    """As the pool chooses it: a Unix socket where there are such, loopback elsewhere."""
    return f"ipc://{folder / 'pool'}" if sys.platform != "win32" and zmq.has("ipc") else "tcp://127.0.0.1"


def receive_raw_frames(address: str, count: int) -> float:
    """Messages per second in the way of the worker pool."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.rcvhwm = _HIGH_WATER_MARK
        if address.startswith("tcp"):
            address = f"{address}:{socket.bind_to_random_port(address)}"
        else:
            socket.bind(address)

        def receive() -> tuple[int, np.ndarray]:
            _, *frames = [frame.buffer for frame in socket.recv_multipart(copy=False)]
            envelope = codec.decode(frames, accept=FROM_WORKER)
            assert isinstance(envelope.message, RenderedBatch)
            return envelope.message.seq, envelope.arrays["rgba"]

        rate = _measure(socket, receive, _send_raw_frames, (address, count + _WARM_UP), count)
        if address.startswith("ipc"):
            socket.unbind(address)  # the next round binds it again
        return rate


def receive_pickles(count: int) -> float:
    """Messages per second in the way of blendtorch."""
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.rcvhwm = _HIGH_WATER_MARK
        with context.socket(zmq.PUSH) as finder:  # a port that is free
            port = finder.bind_to_random_port("tcp://127.0.0.1")
        address = f"tcp://127.0.0.1:{port}"
        socket.connect(address)

        def receive() -> tuple[int, np.ndarray]:
            item = socket.recv_pyobj()
            return item["frameid"], item["image"]

        return _measure(socket, receive, _send_pickles, (address, count + _WARM_UP), count)


def _measure(
    socket: "zmq.Socket[bytes]",
    receive: Callable[[], tuple[int, np.ndarray]],
    send: Callable[[str, int], None],
    arguments: tuple[str, int],
    count: int,
) -> float:
    """Start a process that sends, and time the messages after those of the warm-up."""
    socket.rcvtimeo = _PATIENCE_MILLISECONDS
    sender = multiprocessing.get_context("spawn").Process(target=send, args=arguments, daemon=True)
    sender.start()
    try:
        for _ in range(_WARM_UP):
            receive()
        started = time.perf_counter()
        for number in range(_WARM_UP, _WARM_UP + count):
            sequence, image = receive()
            if sequence != number or image.shape != (_HEIGHT, _WIDTH, _CHANNELS) or image[0, 0, 0] != number % 16:
                raise AssertionError(f"message {number} arrived as {sequence}, {image.shape}")
        seconds = time.perf_counter() - started
        sender.join(10.0)
    finally:
        sender.kill()
        sender.join()
    return count / seconds


def _make_frames() -> list[np.ndarray]:
    """uint8 [H, W, 4], each with its number in its first byte."""
    frames = list(np.random.default_rng(0).integers(0, 255, (_DISTINCT_FRAMES, _HEIGHT, _WIDTH, _CHANNELS), np.uint8))
    for number, frame in enumerate(frames):
        frame[0, 0, 0] = number
    return frames


def _send_raw_frames(address: str, count: int) -> None:
    frames = _make_frames()
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.sndhwm = _HIGH_WATER_MARK
    socket.connect(address)
    for number in range(count):
        message = RenderedBatch(number, 0.0, {})
        socket.send_multipart(
            codec.encode(message, {"rgba": frames[number % _DISTINCT_FRAMES]}, checksum=False), copy=False
        )
    socket.close(linger=10_000)
    context.term()


def _send_pickles(address: str, count: int) -> None:
    frames = _make_frames()
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.sndhwm = _HIGH_WATER_MARK
    socket.bind(address)
    for number in range(count):
        socket.send_pyobj({"btid": 0, "frameid": number, "image": frames[number % _DISTINCT_FRAMES]})
    socket.close(linger=10_000)
    context.term()
