# SPDX-License-Identifier: Apache-2.0
"""A small server of jobs on the real endpoint, in a thread, over both kinds of transport."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from unrender_protocol.arrays import Array
from unrender_protocol.client import Client
from unrender_protocol.events import Arrived, Event
from unrender_protocol.heartbeat import Timing
from unrender_protocol.messages import (
    MESHES,
    MODEL_PREVIEWS,
    AcknowledgeResult,
    CancelJob,
    Device,
    Failure,
    FetchMesh,
    FetchModelPreview,
    FetchResult,
    FollowJob,
    Hello,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobList,
    JobProgress,
    JobSummary,
    ListJobs,
    ListModels,
    Message,
    ModelList,
    ModelPreview,
    ModelSummary,
    ResultAcknowledged,
    ServerLimits,
    ShapeMesh,
    SubmitJob,
    Welcome,
)
from unrender_protocol.server import EndpointLimits, Incoming, ServerEndpoint
from unrender_protocol.transport import InProcessHub, ServerTransport, Transport
from unrender_protocol.zmq_server import RouterTransport
from unrender_protocol.zmq_transport import ZmqTransport

# Short enough for tests, long enough for a loaded machine.
QUICK = Timing(ping_interval=0.2, misses=10, request_timeout=2.0, first_retry=0.05, last_retry=0.2)
MODEL = ModelSummary("chairs", "voxel_gan", "0123abcd", "chairs, 32 voxels", {"resolution": 32})


def welcome(hello: Hello, protocol: int) -> Welcome:
    return Welcome(
        protocol,
        "0.1.0",
        "cpu",
        (Device("cpu", "cpu"),),
        (MODEL_PREVIEWS, MESHES),
        ServerLimits(2**28, 2**29, 64, 4),
        models=(MODEL,),
        datasets=("tables",),
    )


class JobServer:
    """Echoes what jobs of kind `echo` bring; jobs of any other kind run until they are cancelled."""

    def __init__(self, open_transport: Callable[[], ServerTransport], token: str = "") -> None:
        self.submissions: list[bytes] = []
        self.runs: list[bytes] = []
        self.results: dict[bytes, tuple[dict, dict[str, Array]]] = {}
        self.cancelled: set[bytes] = set()
        self.patience: list[float] = []
        self.acknowledged: list[bytes] = []
        self.deaf_to: set[type[Message]] = set()
        self.limits = EndpointLimits()
        self.failure: BaseException | None = None
        self._followers: dict[bytes, set[bytes]] = {}
        self._open_transport = open_transport
        self._token = token
        self._outgoing: list[tuple[bytes, Message, dict[str, Array]]] = []
        self.endpoint: ServerEndpoint | None = None

    def start(self) -> None:
        self.endpoint = ServerEndpoint(self._open_transport(), welcome, token=self._token, limits=self.limits)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Die: connections and followers are forgotten, the ledger is kept."""
        if self.endpoint is not None:
            self._stopped.set()
            self._thread.join(10)
            assert not self._thread.is_alive()
            self.endpoint.close()
            self.endpoint = None
            self._followers.clear()

    def tell(self, job: bytes, message: Message, arrays: dict[str, Array] | None = None) -> None:
        """Send a message to the followers of a job, from the server's thread."""
        self._outgoing.append((job, message, arrays or {}))

    def _run(self) -> None:
        assert self.endpoint is not None
        try:
            while not self._stopped.is_set():
                for incoming in self.endpoint.poll(0.02):
                    if type(incoming.envelope.message) not in self.deaf_to:
                        self._serve(self.endpoint, incoming)
                while self._outgoing:
                    job, message, arrays = self._outgoing.pop(0)
                    for peer in self._followers.get(job, ()):
                        self.endpoint.send(peer, message, arrays)
        except BaseException as error:  # shown by the test that uses this server
            self.failure = error
            raise

    def _serve(self, endpoint: ServerEndpoint, incoming: Incoming) -> None:
        message, arrays = incoming.envelope.message, incoming.envelope.arrays

        def reply(answer: Message, answer_arrays: dict[str, Array] | None = None) -> None:
            endpoint.send(incoming.peer, answer, answer_arrays, id=incoming.envelope.id)

        if isinstance(message, SubmitJob):
            self.submissions.append(message.job)
            self._followers.setdefault(message.job, set()).add(incoming.peer)
            if message.job not in self.runs:
                self.runs.append(message.job)
                if message.kind == "echo":
                    self.results[message.job] = (message.parameters, {n: np.array(a) for n, a in arrays.items()})
            reply(JobAccepted(message.job, "done" if message.job in self.results else "running"))
            if message.job in self.results:
                endpoint.send(incoming.peer, self._done(message.job))
        elif isinstance(message, FollowJob):
            if message.job not in self.runs:
                reply(Failure("unknown_job", "there is no such job", job=message.job))
                return
            self._followers.setdefault(message.job, set()).add(incoming.peer)
            reply(self._done(message.job) if message.job in self.results else JobProgress(message.job, "running"))
        elif isinstance(message, FetchResult):
            reply(self._done(message.job), self.results[message.job][1])
        elif isinstance(message, AcknowledgeResult):
            self.acknowledged.append(message.job)
            self.results.pop(message.job, None)
            reply(ResultAcknowledged(message.job))
        elif isinstance(message, CancelJob):
            self.cancelled.add(message.job)
            self.patience.append(message.patience_seconds)
            reply(JobCancelled(message.job))
        elif isinstance(message, ListModels):
            reply(ModelList((MODEL,), ("tables",)))
        elif isinstance(message, FetchModelPreview):
            known = message.model == MODEL.name
            reply(ModelPreview(message.model, MODEL.hash), {"preview": np.zeros((8, 8, 3), np.uint8)} if known else {})
        elif isinstance(message, FetchMesh):
            vertices = np.full((4, 3), message.threshold, np.float32)
            faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
            reply(ShapeMesh(message.model, message.model_hash), {"vertices": vertices, "faces": faces})
        elif isinstance(message, ListJobs):
            reply(JobList(tuple(JobSummary(job, "echo", "running") for job in self.runs)))

    def _done(self, job: bytes) -> JobDone:
        result, arrays = self.results[job]
        return JobDone(job, result, nbytes=sum(array.nbytes for array in arrays.values()))


class Link:
    """A `JobServer`, and clients for it."""

    def __init__(self, kind: str) -> None:
        self._clients: list[Client] = []
        if kind == "in_process":
            hub = InProcessHub()

            def open_hub() -> ServerTransport:
                hub.open()
                return hub

            self.server = JobServer(open_hub)
            self.transport: Callable[[], Transport] = hub.connect
        else:
            first = RouterTransport()
            address = first.address
            first.close()
            self.server = JobServer(lambda: RouterTransport(address))
            self.transport = lambda: ZmqTransport(address)

    def client(self, timing: Timing = QUICK) -> Client:
        self._clients.append(Client(self.transport(), timing=timing))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()
        assert self.server.failure is None


@pytest.fixture(params=["in_process", "zeromq"])
def link(request: pytest.FixtureRequest) -> Iterator[Link]:
    made = Link(request.param)
    made.server.start()
    yield made
    made.close()


@pytest.fixture
def wait_for() -> Callable[..., Event]:
    """Poll a client until an event of a class, or the arrival of a message of a class, comes; at most 30 s."""
    waiting: dict[int, list[Event]] = {}

    def wait(client: Client, wanted: type | tuple[type, ...]) -> Event:
        deadline = time.monotonic() + 30
        seen: list[Event] = []
        left = waiting.setdefault(id(client), [])
        while time.monotonic() < deadline:
            left += client.poll(0.0 if left else 0.1)
            while left:
                event = left.pop(0)
                seen.append(event)
                if isinstance(event, wanted) or (isinstance(event, Arrived) and isinstance(event.message, wanted)):
                    return event
        raise AssertionError(f"no {wanted} came, only {seen}")

    return wait
