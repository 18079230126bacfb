# SPDX-License-Identifier: Apache-2.0
"""A job queue, and a server with clients in the same process, for jobs that misbehave."""

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrender.errors import UnknownModelError
from unrender.serving.job_kinds import JobKind
from unrender.serving.job_queue import JobQueue
from unrender.serving.jobs import Job
from unrender.serving.server import JobServer
from unrender_protocol.client import Client
from unrender_protocol.events import Arrived, Event
from unrender_protocol.messages import Message, ModelSummary, ServerLimits, TrainingMethod, TrainingPreset, Welcome
from unrender_protocol.transport import InProcessHub

LIMIT = 60.0  # seconds that anything may take on a busy machine; never what a test measures


@pytest.fixture(scope="session")
def kinds() -> Iterator[dict[str, JobKind]]:
    """Kinds of jobs, by a module name that the job processes can import too (they get this process's path)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("job_kinds_for_tests").KINDS


@pytest.fixture
def queue(kinds: dict[str, JobKind], tmp_path: Path) -> Iterator[JobQueue]:
    with JobQueue(kinds, tmp_path) as queue:
        yield queue


class Descriptions:
    """A server that says of itself what the tests look for."""

    def welcome(self, protocol: int) -> Welcome:
        return Welcome(protocol, "0", "CPU", (), (), ServerLimits(1 << 20, 1 << 20, 16), self.models())

    def models(self) -> tuple[ModelSummary, ...]:
        return (ModelSummary("chairs", "voxel_gan", "abc"),)

    def datasets(self) -> tuple[str, ...]:
        return ("tables",)

    def model_preview(self, name: str) -> tuple[str, np.ndarray | None]:
        if name != "chairs":
            raise UnknownModelError(f"There is no model {name!r}.", "Known here: chairs.")
        return "abc", np.zeros((4, 4, 3), np.uint8)

    def weights(self, name: str, hash: str) -> tuple[str, bool]:
        return "", name == "chairs"

    def methods(self) -> tuple[TrainingMethod, ...]:
        return (TrainingMethod("iggan", "IG-GAN", "voxel_gan"),)

    def presets(self) -> tuple[TrainingPreset, ...]:
        return (TrainingPreset("iggan-32", "voxel_gan"),)

    def expire(self) -> None:
        """It always says the same."""


class Server:
    """A `JobServer` and its clients, all driven from the test's thread."""

    def __init__(self, queue: JobQueue) -> None:
        self.hub = InProcessHub()
        self.server = JobServer(self.hub, queue, Descriptions())
        self._events: dict[Client, list[Event]] = {}

    def connect(self) -> Client:
        return Client(self.hub.connect())

    def wait_for(self, client: Client, kind: type[Message]) -> Arrived:
        """The next message of that type; messages that came before it are dropped, later ones are kept."""
        events = self._events.setdefault(client, [])
        end = time.monotonic() + LIMIT
        while True:
            while events:
                event = events.pop(0)
                if isinstance(event, Arrived) and isinstance(event.message, kind):
                    return event
            assert time.monotonic() < end, f"no {kind.__name__} came"
            self.server.step(0.01)
            events += client.poll(0.01)


@pytest.fixture
def server(queue: JobQueue) -> Iterator[Server]:
    with (server := Server(queue)).server:
        yield server


def wait_until(condition: Callable[[], bool], limit: float = LIMIT) -> float:
    """Ask until the condition holds; returns the seconds it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < limit, "this took too long"
    return time.monotonic() - begin


@pytest.fixture
def run(queue: JobQueue) -> Callable[..., Job]:
    """Submit a job and wait for its end."""

    def run(kind: str, parameters: dict[str, Any] | None = None, id: bytes = bytes(16)) -> Job:
        queue.submit(id, kind, parameters or {}, {})

        def ended() -> bool:
            queue.poll()
            time.sleep(0.01)
            return queue.find(id).state.is_final

        wait_until(ended)
        return queue.find(id)

    return run
