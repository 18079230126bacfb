# SPDX-License-Identifier: Apache-2.0
"""A server is killed -9 in the middle of its work; the next one takes up what it left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from unrender_protocol.client import Client
from unrender_protocol.codec import new_id
from unrender_protocol.events import Arrived, Denied, Event
from unrender_protocol.messages import JobDone, JobFailed, JobProgress, Message, ResultAcknowledged
from unrender_protocol.security import TokenSecurity
from unrender_protocol.zmq_transport import ZmqTransport

TOKEN = "t" * 43
Kind = TypeVar("Kind", bound=Message)


@contextmanager
def running_server(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    paths = [str(Path(__file__).parent), *(path for path in sys.path if path)]
    command = [sys.executable, str(Path(__file__).parent / "server_for_tests.py"), str(home), TOKEN]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the server did not start"
        yield process, address
    finally:
        process.kill()
        process.wait()


@contextmanager
def connected(address: str, token: str = TOKEN) -> Iterator[Client]:
    with Client(ZmqTransport(address, TokenSecurity(token))) as client:
        yield client


def collect(client: Client, enough: Callable[[list[Event]], bool], limit: float = 60.0) -> list[Event]:
    """Events until there are enough of them."""
    events: list[Event] = []
    end = time.monotonic() + limit
    while not enough(events):
        assert time.monotonic() < end, f"too slow; came so far: {events}"
        events += client.poll(0.05)
    return events


def of_job(events: list[Event], kind: type[Kind], job: bytes) -> list[Kind]:
    return [
        event.message
        for event in events
        if isinstance(event, Arrived) and isinstance(event.message, kind) and getattr(event.message, "job", b"") == job
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_jobs_survive_a_killed_server(tmp_path: Path) -> None:
    finished, running, fragile, waiting = (new_id() for _ in range(4))
    with running_server(tmp_path) as (process, address), connected(address) as client:
        client.submit("count", {"number": 5}, job=finished)
        collect(client, lambda events: bool(of_job(events, JobDone, finished)))
        client.submit("count_once", {"number": 1000, "seconds": 300.0}, job=fragile)
        collect(client, lambda events: bool(of_job(events, JobProgress, fragile)))
        client.submit("count", {"number": 100, "seconds": 2.0}, job=running)
        client.submit("count", {"number": 7}, job=waiting)
        collect(client, lambda events: bool(of_job(events, JobProgress, running)))
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=10.0)
        assert not alive, "job processes outlived their server"

    with running_server(tmp_path) as (_, address), connected(address) as client:
        for job in (finished, running, fragile, waiting):
            client.follow(job)
        events = collect(
            client,
            lambda events: (
                all(of_job(events, JobDone, job) for job in (finished, running, waiting))
                and bool(of_job(events, JobFailed, fragile))
            ),
        )
        (failed,) = of_job(events, JobFailed, fragile)
        assert (failed.tag, failed.message) == ("interrupted", "The server was stopped while the job was running.")
        (again,) = of_job(events, JobDone, running)
        assert again.result["attempt"] == 2

        for _ in range(2):
            client.fetch(finished)
            fetched = collect(client, lambda events: bool(of_job(events, JobDone, finished)))
            assert [len(event.arrays["numbers"]) for event in fetched if isinstance(event, Arrived)] == [5]
        client.acknowledge(finished)
        collect(client, lambda events: bool(of_job(events, ResultAcknowledged, finished)))
    assert not (tmp_path / "jobs" / finished.hex()).exists()


def test_a_wrong_token_is_denied_while_the_right_one_works(tmp_path: Path) -> None:
    with running_server(tmp_path) as (_, address), connected(address) as friend:
        with connected(address, "wrong") as stranger:
            events = collect(stranger, lambda events: any(isinstance(event, Denied) for event in events))
        assert [event.tag for event in events if isinstance(event, Denied)] == ["wrong_key"]
        job = friend.submit("count", {"number": 1})
        collect(friend, lambda events: bool(of_job(events, JobDone, job)))


def test_a_second_server_on_the_same_data_is_told_so(tmp_path: Path) -> None:
    from unrender.errors import UserError
    from unrender.serving.ledger import JobLedger

    with (
        running_server(tmp_path),
        pytest.raises(UserError, match="Another Unrender server already works with the data"),
    ):
        JobLedger(tmp_path / "jobs" / "ledger.sqlite")
