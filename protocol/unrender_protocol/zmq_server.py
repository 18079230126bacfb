# SPDX-License-Identifier: Apache-2.0
"""The server's end over ZeroMQ: one ROUTER socket, with an authenticator before it."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from .arrays import Buffer, Limits
from .codec import DEFAULT_LIMITS
from .errors import TransportError
from .security import CurveServerSecurity, ServerSecurity, check_bind
from .transport import Delivery, Frames
from .zmq_authentication import Authenticator
from .zmq_transport import milliseconds, receive_waiting, set_limits


class RouterTransport:
    """A `ServerTransport` bound to `address`; a port `*` or 0 takes a free one (see `address`).

    Raises `InsecureBindError` for an address that others can reach without CURVE keys and an allow-list, and
    `TransportError` where the address is taken or not an address.
    """

    def __init__(
        self,
        address: str = "tcp://127.0.0.1:*",
        security: ServerSecurity | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        check_bind(address, security)
        self._context = zmq.Context()
        self._authenticator = Authenticator(self._context, security) if security is not None else None
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        set_limits(self._socket, address, limits)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # sending to peers that are gone is an error, not silence
        if security is not None:
            self._socket.zap_domain = b"unrender"
            if isinstance(security, CurveServerSecurity):
                self._socket.curve_server = True
                self._socket.curve_secretkey = security.keys.secret
            else:
                self._socket.plain_server = True
        try:
            self._socket.bind(address[:-2] + ":*" if address.endswith(":0") else address)
        except zmq.ZMQError as error:
            self.close()
            if error.errno == zmq.EADDRINUSE:
                raise TransportError(
                    f"{address} is in use by another program; stop it, or choose another port (0 takes a free one)"
                ) from error
            raise TransportError(f"cannot listen on '{address}': {error}; expected tcp://host:port") from error
        self._address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def address(self) -> str:
        return self._address

    @property
    def denied(self) -> int:
        """How many connections the authenticator has turned away."""
        return self._authenticator.denied if self._authenticator is not None else 0

    def send(self, peer: bytes, frames: Sequence[Buffer]) -> Delivery:
        try:
            self._socket.send_multipart([peer, *frames], flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return Delivery.FULL
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return Delivery.GONE
            raise TransportError(f"sending failed: {error}") from error
        return Delivery.SENT

    def poll(self, timeout: float) -> list[tuple[bytes, Frames]]:
        if not self._socket.poll(milliseconds(timeout)):
            return []
        return [(bytes(frames[0]), frames[1:]) for frames in receive_waiting(self._socket)]

    def close(self) -> None:
        self._socket.close(linger=0)
        if self._authenticator is not None:
            self._authenticator.close()
        self._context.term()
