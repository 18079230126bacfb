# SPDX-License-Identifier: Apache-2.0
"""The client's end over ZeroMQ: one DEALER socket and its monitor, in a context of their own."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from .arrays import Buffer, Limits
from .codec import DEFAULT_LIMITS
from .errors import TransportError
from .security import ClientSecurity, CurveClientSecurity, TokenSecurity
from .transport import Frames, Problem

HIGH_WATER_MARK = 8
MESSAGES_PER_POLL = 64
BYTES_PER_POLL = 64 * 1024**2
TOKEN_USER = b"unrender"

_WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_DISCONNECTED
)


class ZmqTransport:
    """A `Transport` to the server at `address` (`tcp://127.0.0.1:5555`, `ipc:///path`)."""

    def __init__(self, address: str, security: ClientSecurity | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        self.address = address
        self._security = security
        self._limits = limits
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._problem: Problem | None = None
        self._open()

    @property
    def problem(self) -> Problem | None:
        self._watch()
        return self._problem

    def send(self, frames: Sequence[Buffer]) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.send_multipart(list(frames), flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        return True

    def poll(self, timeout: float) -> list[Frames]:
        if self._socket is None or self._monitor is None:
            time.sleep(max(0.0, timeout))
            return []
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        poller.poll(milliseconds(timeout))
        self._watch()
        return receive_waiting(self._socket)

    def reopen(self) -> None:
        self._close_sockets()
        self._open()

    def close(self) -> None:
        self._close_sockets()
        self._context.term()

    def _open(self) -> None:
        self._problem = None
        self._greeted = False
        if self._context.closed:
            self._context = zmq.Context()
        socket = self._context.socket(zmq.DEALER)
        set_limits(socket, self.address, self._limits)
        socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for a connection that is not there yet
        socket.setsockopt(zmq.RECONNECT_IVL, 100)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        if isinstance(self._security, TokenSecurity):
            socket.plain_username = TOKEN_USER
            socket.plain_password = self._security.token.encode()
        elif isinstance(self._security, CurveClientSecurity):
            socket.curve_publickey = self._security.keys.public
            socket.curve_secretkey = self._security.keys.secret
            socket.curve_serverkey = self._security.server
        self._monitor = socket.get_monitor_socket(_WATCHED)
        self._socket = socket
        try:
            socket.connect(self.address)
        except zmq.ZMQError as error:
            self.close()
            raise TransportError(f"cannot connect to '{self.address}': {error}; expected tcp://host:port") from error

    def _close_sockets(self) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            self._socket.close(linger=0)
        if self._monitor is not None and not self._monitor.closed:
            self._monitor.close(linger=0)
        self._socket = self._monitor = None

    def _watch(self) -> None:
        """Read what the socket's monitor says about the connection."""
        while self._monitor is not None and self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._greeted = True
                self._problem = None
            elif event == zmq.EVENT_DISCONNECTED:
                if self._greeted:
                    self._problem = Problem.DISCONNECTED
                elif self._problem is None:  # what came was no greeting at all; ZeroMQ does not try again after that
                    self._problem = Problem.NO_ZEROMQ
            elif event in (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL):
                self._problem = Problem.NO_HANDSHAKE
            else:
                self._problem = Problem.WRONG_KEY


def milliseconds(seconds: float) -> int:
    """Return a ZeroMQ timeout, rounded up so that short waits do not become busy loops."""
    return math.ceil(max(0.0, seconds) * 1000)


def set_limits(socket: zmq.Socket[bytes], address: str, limits: Limits) -> None:
    """Bound what a socket for `address` may hold, and make it close at once and notice dead peers."""
    if "[" in address:
        socket.setsockopt(zmq.IPV6, 1)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
    socket.setsockopt(zmq.RCVHWM, HIGH_WATER_MARK)
    socket.setsockopt(zmq.MAXMSGSIZE, limits.array_bytes)
    socket.setsockopt(zmq.HANDSHAKE_IVL, 10_000)
    # Not ZeroMQ's own heartbeats: those take a slow upload of one large frame for silence.
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 10)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)


def receive_waiting(socket: zmq.Socket[bytes]) -> list[Frames]:
    """Return messages that have come, without waiting and without copying; the rest stays bounded in the socket."""
    received: list[Frames] = []
    nbytes = 0
    while len(received) < MESSAGES_PER_POLL and nbytes < BYTES_PER_POLL:
        try:
            parts = socket.recv_multipart(flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            break
        received.append([part.buffer for part in parts])
        nbytes += sum(len(part) for part in parts)
    return received
