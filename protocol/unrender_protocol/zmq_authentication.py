# SPDX-License-Identifier: Apache-2.0
"""Who may connect: the ZeroMQ Authentication Protocol (RFC 27), answered by a thread before any message is read."""

from __future__ import annotations

import hmac
import logging
import threading

import zmq
from zmq.utils import z85

from .security import CurveServerSecurity, KeyPair, ServerSecurity, TokenSecurity

_STOP_CHECK_MILLISECONDS = 100


def new_key_pair() -> KeyPair:
    """Return a new random CURVE key pair."""
    public, secret = zmq.curve_keypair()
    return KeyPair(z85.decode(public), z85.decode(secret))


def public_key(secret: bytes) -> bytes:
    """Return the public key that belongs to a secret one; 32 bytes each."""
    return z85.decode(zmq.curve_public(z85.encode(secret)))


class Authenticator:
    """Answers, in a thread of its own, whether a connection to a socket of `context` may be made."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], security: ServerSecurity) -> None:
        self.denied = 0
        self._security = security
        self._socket: zmq.Socket[bytes] = context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind("inproc://zeromq.zap.01")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unrender-authenticator", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and close its socket."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._socket.poll(_STOP_CHECK_MILLISECONDS):
                request = self._socket.recv_multipart()
                self._socket.send_multipart(self._answer(request))
        self._socket.close()

    def _answer(self, request: list[bytes]) -> list[bytes]:
        """Return the reply to version, request id, domain, address, identity, mechanism, credentials (RFC 27)."""
        version, request_id = (*request[:2], b"", b"")[:2]
        try:
            allowed = len(request) >= 6 and self._allows(request[5], request[6:])
        except Exception:  # whatever is wrong with the list: nobody comes in, and the thread lives on
            logging.getLogger(__name__).exception("cannot tell whether a client may connect")
            allowed = False
        if not allowed:
            self.denied += 1
        status, text = (b"200", b"OK") if allowed else (b"400", b"not on the list")
        return [version, request_id, status, text, b"", b""]

    def _allows(self, mechanism: bytes, credentials: list[bytes]) -> bool:
        if isinstance(self._security, TokenSecurity):
            token = self._security.token.encode()
            return mechanism == b"PLAIN" and len(credentials) == 2 and hmac.compare_digest(credentials[1], token)
        if isinstance(self._security, CurveServerSecurity):
            return mechanism == b"CURVE" and len(credentials) == 1 and self._security.allows(credentials[0])
        return False
