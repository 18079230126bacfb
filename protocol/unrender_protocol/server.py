# SPDX-License-Identifier: Apache-2.0
"""The server's side: many clients on one `ServerTransport`, greeted, counted and bounded.

Whatever arrives, `poll` neither raises nor hangs, and what it keeps is bounded by `EndpointLimits`: a peer is known
only after a valid `Hello`, garbage is counted and dropped, and what waits for a slow peer is an `Outbox`.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

from .arrays import Array, Limits
from .codec import DEFAULT_LIMITS, Envelope, decode, encode
from .errors import EncodingError, FrameVersionError, ProtocolError
from .messages import (
    FROM_CLIENT,
    Failure,
    Hello,
    Message,
    Ping,
    Pong,
    Refused,
    Welcome,
    redundancy_key,
)
from .outbox import Outbox
from .transport import Delivery, Frames, ServerTransport
from .version import OLDEST_PROTOCOL, PROTOCOL, agree_on_protocol

# How soon to try again what a peer's socket did not take.
_FULL_RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """How many clients, and how long one may be silent (in seconds) before it is forgotten."""

    peers: int = 32
    silence: float = 300.0
    replaceable_silence: float = 10.0  # where all places are taken, a newcomer gets that of one silent for so long
    wire: Limits = DEFAULT_LIMITS


@dataclass(slots=True)
class Statistics:
    """What an endpoint has seen, for logs and tests."""

    received: int = 0
    sent: int = 0
    garbage: int = 0
    strangers: int = 0  # valid messages from peers that did not say hello
    refused: int = 0
    forgotten: int = 0  # silent, replaced or too slow


@dataclass(frozen=True, slots=True)
class Incoming:
    """A valid message from a greeted peer. Reply with its `envelope.id`."""

    peer: bytes
    envelope: Envelope


@dataclass(slots=True)
class _Peer:
    hello: Hello
    heard: float
    protocol: int
    outbox: Outbox = field(default_factory=Outbox)


class ServerEndpoint:
    """Greets clients, answers their pings, checks what they send, and sends to each what it can take.

    `welcome` makes the answer to an accepted `Hello`, given it and the agreed protocol number. Where `token` is set,
    a client must know it. Not thread-safe: it belongs to the thread that polls it.
    """

    def __init__(
        self,
        transport: ServerTransport,
        welcome: Callable[[Hello, int], Welcome],
        *,
        token: str = "",
        limits: EndpointLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.statistics = Statistics()
        self._transport = transport
        self._welcome = welcome
        self._token = token
        self._limits = limits or EndpointLimits()
        self._clock = clock
        self._peers: dict[bytes, _Peer] = {}

    def __enter__(self) -> ServerEndpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where clients can connect to."""
        return self._transport.address

    @property
    def peers(self) -> frozenset[bytes]:
        """The clients that are greeted and not forgotten."""
        return frozenset(self._peers)

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait for slow peers."""
        return sum(peer.outbox.nbytes for peer in self._peers.values())

    def poll(self, timeout: float = 0.0) -> list[Incoming]:
        """Return the valid requests that came, waiting at most `timeout` seconds; send what waits meanwhile."""
        deadline = self._clock() + timeout
        while True:
            blocked = self._flush()
            remaining = max(0.0, deadline - self._clock())
            wait = min(remaining, _FULL_RETRY_SECONDS) if blocked else remaining
            incoming = [one for peer, frames in self._transport.poll(wait) if (one := self._receive(peer, frames))]
            self._forget_silent()
            self._flush()
            if incoming or self._clock() >= deadline:
                return incoming

    def send(
        self,
        peer: bytes,
        message: Message,
        arrays: Mapping[str, Array] | None = None,
        *,
        id: bytes | None = None,
    ) -> bool:
        """Send or queue a message; False where the peer is gone or too slow (it finds its jobs when it comes back).

        Raises `EncodingError` where the message may not travel.
        """
        known = self._peers.get(peer)
        if known is None:
            return False
        frames = encode(message, arrays, id=id, limits=self._limits.wire)
        key = redundancy_key(message) if id is None else None
        # A progress with a picture gives way only to one with a newer picture, not to the next step's mere numbers.
        if not known.outbox.put(frames, key and (*key, *sorted(arrays or ()))):
            self.forget(peer)
            return False
        return self._flush_peer(peer, known) is not Delivery.GONE

    def forget(self, peer: bytes) -> None:
        """Drop a peer and what waits for it. If it is still there, its next message makes it say hello again."""
        if self._peers.pop(peer, None) is not None:
            self.statistics.forgotten += 1

    def close(self) -> None:
        """Close the transport."""
        self._peers.clear()
        self._transport.close()

    # --- receiving ---

    def _receive(self, peer: bytes, frames: Frames) -> Incoming | None:
        try:
            envelope = decode(frames, accept=FROM_CLIENT, limits=self._limits.wire)
        except FrameVersionError as error:
            self.statistics.garbage += 1
            self._answer(peer, self._incompatible(str(error)), None)
            return None
        except ProtocolError as error:
            self.statistics.garbage += 1
            if peer in self._peers:  # strangers are not told: they could make us talk for ever
                self._answer(peer, Failure("bad_message", str(error), "update both sides"), None)
            return None
        self.statistics.received += 1
        message = envelope.message
        if isinstance(message, Hello):
            self._greet(peer, message, envelope.id)
            return None
        known = self._peers.get(peer)
        if known is None:
            self.statistics.strangers += 1
            self._answer(peer, Failure("not_greeted", "say hello first"), envelope.id)
            return None
        known.heard = self._clock()
        if isinstance(message, Ping):
            self.send(peer, Pong(), id=envelope.id)
            return None
        return None if isinstance(message, Pong) else Incoming(peer, envelope)

    def _greet(self, peer: bytes, hello: Hello, id: bytes) -> None:
        protocol = agree_on_protocol(hello.protocol_min, hello.protocol_max)
        if protocol is None:
            self._refuse(peer, self._incompatible(_ranges(hello)), id)
            return
        if self._token and not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            hint = "pair again: copy the line that the server prints"
            self._refuse(peer, Refused("wrong_token", "the server does not accept this token", hint), id)
            return
        for other, known in tuple(self._peers.items()):
            if other == peer or (any(hello.client) and known.hello.client == hello.client):
                self.forget(other)  # the same client on a new socket
        if not self._make_place():
            hint = "close a Blender that no longer needs it, or wait"
            self._refuse(peer, Refused("server_full", f"{self._limits.peers} clients are connected", hint), id)
            return
        self._peers[peer] = _Peer(hello, self._clock(), protocol)
        try:
            self.send(peer, self._welcome(hello, protocol), id=id)
        except EncodingError as error:
            self._refuse(peer, Refused("internal", str(error), "report it to whoever runs the server"), id)

    def _refuse(self, peer: bytes, refused: Refused, id: bytes) -> None:
        self.statistics.refused += 1
        self.forget(peer)
        self._answer(peer, refused, id)

    def _incompatible(self, message: str) -> Refused:
        hint = "update the older of the two sides"
        return Refused("incompatible", message, hint, protocol_min=OLDEST_PROTOCOL, protocol_max=PROTOCOL)

    def _make_place(self) -> bool:
        if len(self._peers) < self._limits.peers:
            return True
        for peer in tuple(self._peers):  # knock: those who left without a word take no place
            if self._transport.send(peer, encode(Ping())) is Delivery.GONE:
                self.forget(peer)
        if len(self._peers) < self._limits.peers:
            return True
        silent = min(self._peers, key=lambda peer: self._peers[peer].heard)
        if self._clock() - self._peers[silent].heard < self._limits.replaceable_silence:
            return False
        self.forget(silent)
        return True

    def _forget_silent(self) -> None:
        oldest = self._clock() - self._limits.silence
        for peer in [peer for peer, known in self._peers.items() if known.heard < oldest]:
            self.forget(peer)

    # --- sending ---

    def _answer(self, peer: bytes, message: Message, id: bytes | None) -> None:
        """Send at once or not at all: for answers that a peer could ask for without end."""
        if self._transport.send(peer, encode(message, id=id)) is Delivery.SENT:
            self.statistics.sent += 1

    def _flush(self) -> bool:
        """Send what waits; return whether something still does."""
        deliveries = [self._flush_peer(peer, known) for peer, known in tuple(self._peers.items())]
        return Delivery.FULL in deliveries

    def _flush_peer(self, peer: bytes, known: _Peer) -> Delivery:
        before = len(known.outbox)
        delivery = known.outbox.flush(lambda frames: self._transport.send(peer, frames))
        self.statistics.sent += before - len(known.outbox)
        if delivery is Delivery.GONE:
            self.forget(peer)
        return delivery


def _ranges(hello: Hello) -> str:
    return (
        f"the client speaks protocols {hello.protocol_min} to {hello.protocol_max}, "
        f"the server {OLDEST_PROTOCOL} to {PROTOCOL}"
    )
