# SPDX-License-Identifier: Apache-2.0
"""The client's side: submit, follow, cancel, fetch; never blocks longer than asked.

One thread owns a `Client` and polls it several times per second; everything else (heartbeats, reconnecting with
back-off, sending unanswered requests again, following jobs again) happens inside `poll`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .arrays import Array, Limits
from .codec import DEFAULT_LIMITS, Envelope, decode, encode, new_id
from .errors import FrameVersionError, ProtocolError
from .events import Arrived, ClientState, Connected, Denied, Event, Incompatible, Lost, Unanswered
from .heartbeat import Heartbeat, Timing
from .messages import (
    FROM_SERVER,
    MESHES,
    MODEL_PREVIEWS,
    AcknowledgeResult,
    CancelJob,
    Failure,
    FetchMesh,
    FetchModelPreview,
    FetchResult,
    FollowJob,
    Hello,
    JobCancelled,
    JobDone,
    JobFailed,
    ListJobs,
    ListModels,
    Message,
    Ping,
    Pong,
    Refused,
    SubmitJob,
    Welcome,
)
from .requests import Request, Requests
from .transport import Problem, Transport
from .version import FRAME_VERSION, OLDEST_PROTOCOL, PACKAGE_VERSION, PROTOCOL

# How often to try again what the socket would not take (it has no way to wake us for that).
_UNSENT_RETRY_SECONDS = 0.02
_MIN_WAIT_SECONDS = 0.001
_BROKEN_HANDSHAKES = 3
# What the first mesh may take: a process starts, and a generator is loaded from a slow disk.
_MESH_PATIENCE_SECONDS = 30.0


class Client:
    """A connection to one server over any `Transport`. Not thread-safe."""

    def __init__(
        self,
        transport: Transport,
        *,
        token: str = "",
        capabilities: tuple[str, ...] = (),
        timing: Timing | None = None,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = ClientState.CONNECTING
        self.welcome: Welcome | None = None
        self.round_trip_seconds: float | None = None
        self.rejected = 0  # messages from the server that were not valid
        self._transport = transport
        self._hello = Hello(OLDEST_PROTOCOL, PROTOCOL, PACKAGE_VERSION, capabilities, token, client=new_id())
        self._timing = timing or Timing()
        self._limits = limits
        self._clock = clock
        self._requests = Requests(self._timing)
        self._followed: set[bytes] = set()
        self._events: list[Event] = []
        self._failures = 0
        self._ping: tuple[bytes, float] = (b"", 0.0)
        now = clock()
        self._heartbeat = Heartbeat(self._timing, now)
        self._begin_connecting(now)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- requests: they return at once; answers come from `poll` ---

    def submit(
        self,
        kind: str,
        parameters: Mapping[str, Any] | None = None,
        arrays: Mapping[str, Array] | None = None,
        job: bytes | None = None,
    ) -> bytes:
        """Ask for a job and follow it; return its id. The same `job` submitted again is run once.

        Raises `EncodingError` where the parameters or arrays cannot travel. Do not write to the arrays afterwards.
        """
        job = job or new_id()
        self._request(SubmitJob(job, kind, dict(parameters or {})), arrays)
        self._followed.add(job)
        return job

    def follow(self, job: bytes) -> None:
        """Ask for news about a job, for example one that an earlier session submitted."""
        self._request(FollowJob(job))
        self._followed.add(job)

    def cancel(self, job: bytes, patience_seconds: float = 0.0) -> None:
        """Ask to stop a job; `JobCancelled` (or how it ended before) comes when it has stopped.

        With patience, the job may take so long to come to a point that it can be resumed from.
        """
        self._request(CancelJob(job, patience_seconds), patience=patience_seconds)

    def fetch(self, job: bytes, nbytes: int = 0) -> None:
        """Ask for a job's result; `nbytes` (see `JobDone`) tells how long the answer may take."""
        self._request(FetchResult(job), expected=nbytes)

    def acknowledge(self, job: bytes) -> None:
        """Say that a job's result is safe here; the server forgets it."""
        self._request(AcknowledgeResult(job))

    def list_models(self) -> None:
        """Ask for the server's models."""
        self._request(ListModels())

    def fetch_model_preview(self, model: str) -> bool:
        """Ask for a picture of a model; False (and nothing is asked) where the server does not send such pictures."""
        if self.welcome is None or MODEL_PREVIEWS not in self.welcome.capabilities:
            return False
        self._request(FetchModelPreview(model))
        return True

    def fetch_mesh(self, wanted: FetchMesh) -> bool:
        """Ask for a mesh; False (and nothing is asked) where the server does not make meshes apart from jobs."""
        if self.welcome is None or MESHES not in self.welcome.capabilities:
            return False
        self._request(wanted, patience=_MESH_PATIENCE_SECONDS)
        return True

    def list_jobs(self) -> None:
        """Ask for the server's jobs."""
        self._request(ListJobs())

    @property
    def unanswered(self) -> int:
        """How many requests wait for an answer."""
        return len(self._requests)

    @property
    def retry_seconds(self) -> float:
        """How long until the next attempt to connect; 0 unless the state is LOST."""
        return max(0.0, self._deadline - self._clock()) if self.state is ClientState.LOST else 0.0

    # --- life ---

    def poll(self, timeout: float = 0.0) -> list[Event]:
        """Do what is due and return what happened, waiting at most `timeout` seconds for the first event."""
        deadline = self._clock() + timeout
        while True:
            self._receive_for(0.0)
            self._advance(self._clock())
            remaining = deadline - self._clock()
            if self._events or remaining <= 0:
                events, self._events = self._events, []
                return events
            self._receive_for(max(_MIN_WAIT_SECONDS, min(remaining, self._next_timer())))

    def reconnect(self) -> None:
        """Try to connect now, whatever the state (but CLOSED)."""
        if self.state is not ClientState.CLOSED:
            self._failures = 0
            self._transport.reopen()
            self._begin_connecting(self._clock())

    def close(self) -> None:
        """Close the connection. Jobs go on at the server."""
        if self.state is not ClientState.CLOSED:
            self.state = ClientState.CLOSED
            self._transport.close()

    # --- inside ---

    def _request(
        self,
        message: Message,
        arrays: Mapping[str, Array] | None = None,
        expected: int = 0,
        patience: float = 0.0,
    ) -> None:
        id = new_id()
        frames = encode(message, arrays, id=id, limits=self._server_limits())
        self._requests.add(Request(id, message, frames, made=self._clock(), expected=expected, patience=patience))

    def _server_limits(self) -> Limits:
        if self.welcome is None:
            return self._limits
        theirs = self.welcome.limits
        return Limits(
            header_bytes=self._limits.header_bytes,
            array_bytes=min(self._limits.array_bytes, theirs.array_bytes),
            message_bytes=min(self._limits.message_bytes, theirs.message_bytes),
            arrays=min(self._limits.arrays, theirs.arrays),
        )

    def _begin_connecting(self, now: float) -> None:
        self.state = ClientState.CONNECTING
        self._hello_sent = False
        self._deadline = now + max(self._timing.silence, self._timing.request_timeout)
        self._requests.unsend()
        self._heartbeat.restart(now)

    def _advance(self, now: float) -> None:
        """Do all that the clock or the socket asks for."""
        self._heartbeat.look(now)
        if self.state in (ClientState.CONNECTING, ClientState.READY):
            self._check_transport(now)
        if self.state is ClientState.LOST and now >= self._deadline:
            self._transport.reopen()
            self._begin_connecting(now)
        if self.state is ClientState.CONNECTING:
            if not self._hello_sent:
                self._hello_sent = self._transport.send(encode(self._hello))
            if now >= self._deadline:
                self._lose("the server does not answer", now)
        if self.state is ClientState.READY:
            self._keep_alive(now)
        if self.state is ClientState.READY:
            self._send_requests(now)
        self._abandon(now)

    def _check_transport(self, now: float) -> None:
        problem = self._transport.problem
        if problem is Problem.WRONG_KEY:
            self._deny("the server does not accept this key or token")
        elif problem is Problem.NO_HANDSHAKE and self.state is ClientState.CONNECTING:
            # A server with another key closes the connection, and so does a tunnel whose far end is down: try again,
            # and only where it never worked before, conclude that it is the key.
            if self.welcome is None and self._failures + 1 >= _BROKEN_HANDSHAKES:
                self._deny("the server breaks off the greeting: it has another key, or is no Unrender server")
            else:
                self._lose("the connection closes before the greeting", now)
        elif problem is Problem.NO_ZEROMQ:
            self.rejected += 1
            self._lose("something else than a server answers at this address", now)
        elif problem is Problem.DISCONNECTED and self.state is ClientState.READY:
            self._lose("the server closed the connection", now)

    def _keep_alive(self, now: float) -> None:
        if self._heartbeat.ping_due(now):
            self._ping = (new_id(), now)
            self._transport.send(encode(Ping(), id=self._ping[0]))
        if not self._heartbeat.alive(now, self._requests.nbytes_under_way()):
            self._lose("the server does not answer", now)
        elif late := self._requests.overdue(now):
            # Lazy Pirate: the server lives but an answer went missing; a new socket, and all of it once more.
            for request in late:
                request.tries += 1
            self._transport.reopen()
            self._begin_connecting(now)

    def _send_requests(self, now: float) -> None:
        for request in self._requests.unsent():
            if not self._transport.send(request.frames):
                return
            request.sent = now

    def _abandon(self, now: float) -> None:
        for request in self._requests.abandoned(now):
            self._requests.settle(request.id)
            self._forget(request.message)
            self._events.append(Unanswered(request.message, f"the server did not answer in {now - request.made:.0f} s"))

    def _lose(self, reason: str, now: float) -> None:
        self._failures += 1
        wait = self._timing.retry(self._failures)
        self.state = ClientState.LOST
        self._deadline = now + wait
        self._requests.unsend()
        self._events.append(Lost(reason, wait))

    def _deny(self, message: str) -> None:
        hint = "pair again: copy the line that the server prints"
        self._end(ClientState.REFUSED, Denied("wrong_key", message, hint))

    def _end(self, state: ClientState, event: Event) -> None:
        self.state = state
        self._events.append(event)
        self._transport.close()

    def _next_timer(self) -> float:
        """Return after how many seconds something may be due."""
        if self.state is ClientState.READY and not self._requests.unsent():
            return self._timing.ping_interval / 4
        if self.state is ClientState.LOST:
            return min(self._timing.ping_interval, max(0.0, self._deadline - self._clock()))
        if self.state in (ClientState.READY, ClientState.CONNECTING) and not (
            self.state is ClientState.CONNECTING and self._hello_sent
        ):
            return _UNSENT_RETRY_SECONDS
        return self._timing.ping_interval / 4

    def _receive_for(self, timeout: float) -> None:
        for frames in self._transport.poll(timeout):
            try:
                envelope = decode(frames, accept=FROM_SERVER, limits=self._limits)
            except FrameVersionError as error:
                self._incompatible("client" if error.theirs > FRAME_VERSION else "server", str(error))
                return
            except ProtocolError:
                self.rejected += 1
                continue
            self._heartbeat.heard(self._clock())
            self._take(envelope)
            if self.state in (ClientState.INCOMPATIBLE, ClientState.REFUSED):
                return

    def _take(self, envelope: Envelope) -> None:
        message = envelope.message
        if isinstance(message, Welcome):
            self._welcomed(message)
        elif isinstance(message, Refused):
            self._refused(message)
        elif isinstance(message, Ping):
            self._transport.send(encode(Pong(), id=envelope.id))
        elif isinstance(message, Pong):
            if envelope.id == self._ping[0]:
                self.round_trip_seconds = self._clock() - self._ping[1]
        elif isinstance(message, Failure) and message.tag == "not_greeted":
            if self.state is ClientState.READY:
                self._begin_connecting(self._clock())
        else:
            request = self._requests.settle(envelope.id)
            if isinstance(message, (JobDone, JobFailed, JobCancelled)):
                self._followed.discard(message.job)
            elif isinstance(message, Failure) and request is not None:
                self._forget(request.message)
            self._events.append(Arrived(message, envelope.arrays, request.message if request else None))

    def _welcomed(self, welcome: Welcome) -> None:
        if self.state is not ClientState.CONNECTING:
            return
        self.state = ClientState.READY
        self.welcome = welcome
        self._failures = 0
        self._heartbeat.restart(self._clock())
        self._events.append(Connected(welcome))
        asked = {
            request.message.job for request in self._requests if isinstance(request.message, (SubmitJob, FollowJob))
        }
        for job in self._followed - asked:
            self._request(FollowJob(job))

    def _refused(self, refused: Refused) -> None:
        if refused.tag == "incompatible":
            update = "server" if refused.protocol_max < OLDEST_PROTOCOL else "client"
            self._incompatible(update, refused.message)
        elif refused.tag == "server_full":
            self._lose(refused.message, self._clock())
        else:
            self._end(ClientState.REFUSED, Denied(refused.tag, refused.message, refused.hint))

    def _incompatible(self, update: str, message: str) -> None:
        if update == "server":
            hint = "the server is older: update the Unrender backend"
            self._end(ClientState.INCOMPATIBLE, Incompatible("server", message, hint))
        else:
            hint = "this side is older: update the Unrender add-on"
            self._end(ClientState.INCOMPATIBLE, Incompatible("client", message, hint))

    def _forget(self, message: Message) -> None:
        if isinstance(message, (SubmitJob, FollowJob)):
            self._followed.discard(message.job)
