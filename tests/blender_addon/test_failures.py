# SPDX-License-Identifier: Apache-2.0
"""What can happen between the add-on and the generator, over real sockets on the loopback interface.

Each case asserts the state, the sentence that the artist reads, and that nothing is lost: a job comes to its end, or
can be run again.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from blender_addon.connection.backend_process import BackendSettings
from blender_addon.connection.backend_search import FoundBackend
from blender_addon.connection.connection_test import ConnectionTester
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.jobs import JobStatus
from blender_addon.connection.news import News
from blender_addon.connection.problems import (
    CONNECT_TIMEOUT,
    CONNECTION_LOST,
    FORGOTTEN,
    GAVE_UP,
    NOT_ACCEPTED,
    NextStep,
)
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.states import Endpoint, Status, Target
from tests.blender_addon.conftest import TIMING, NoBackend
from tests.blender_addon.fake_server import FakeServer, wait_until
from tests.blender_addon.faulty_network import FaultyNetwork
from unrender_protocol import messages
from unrender_protocol.client import Client
from unrender_protocol.codec import decode, encode
from unrender_protocol.heartbeat import Timing
from unrender_protocol.messages import FROM_CLIENT
from unrender_protocol.security import TokenSecurity
from unrender_protocol.zmq_server import RouterTransport
from unrender_protocol.zmq_transport import ZmqTransport

WORD = "word"
GENERATE = {"model": "chairs", "seed": 7, "count": 2, "threshold": 0.5, "variety": 1.0}


def serve(port: int | str = "*") -> FakeServer:
    """An emulated server behind a real socket; a port that has just been left may be taken again."""
    return FakeServer(RouterTransport(f"tcp://127.0.0.1:{port}", TokenSecurity(WORD)), token=WORD)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Sessions:
    """Makes sessions over real sockets, and ends them."""

    def __init__(self, timing: Timing = TIMING) -> None:
        self.timing = timing
        self.transports: list[ZmqTransport] = []
        self._made: list[Session] = []

    def open_client(self, endpoint: Endpoint) -> Client:
        transport = ZmqTransport(endpoint.address, TokenSecurity(endpoint.token))
        self.transports.append(transport)
        return Client(transport, token=endpoint.token, timing=self.timing)

    def make(self) -> Session:
        inbox: Inbox[News] = Inbox()
        found = FoundBackend(("unrender",), "~/unrender/.venv")
        tester = ConnectionTester(
            inbox, BackendSettings, lambda _chosen: found, self.open_client, lambda: None, seconds=2.0
        )
        self._made.append(Session(SocketThread(inbox, self.open_client), NoBackend(), inbox, tester=tester))
        return self._made[-1]

    def connect(self, address: str) -> Session:
        """A session that is connected."""
        session = self.make()
        session.connect(Target(Endpoint(address, WORD)))
        reach(session, Status.READY)
        return session

    def close(self) -> None:
        for session in self._made:
            session.close()


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    sessions = Sessions()
    yield sessions
    sessions.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("unrender-")]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def network(server: FakeServer) -> Iterator[FaultyNetwork]:
    with FaultyNetwork(port_of(server.address)) as network:
        yield network


def reach(session: Session, status: Status) -> None:
    wait_until(lambda: session.state.status is status, session.poll)


def job_reaches(session: Session, job: bytes, status: JobStatus) -> None:
    wait_until(lambda: session.jobs[job].status is status, session.poll)


def run_job(session: Session) -> bytes:
    """A job that the server holds: it runs, and does not end by itself."""
    job = session.submit("generate", "chairs", GENERATE)
    job_reaches(session, job, JobStatus.RUNNING)
    return job


def shapes_come(session: Session, job: bytes) -> None:
    """The job comes to its end, and its result is here."""
    wait_until(lambda: session.next_import() == (job, 0), session.poll)
    assert session.jobs[job].problem is None


# The network


def test_a_silent_network_is_noticed_and_nothing_is_lost(
    sessions: Sessions, server: FakeServer, network: FaultyNetwork
) -> None:
    session = sessions.connect(network.address)
    server.behaviour.hold.clear()
    job = run_job(session)
    network.silent = True
    reach(session, Status.LOST)
    assert (session.state.problem, session.jobs[job].status) == (CONNECTION_LOST, JobStatus.DETACHED)
    assert session.state.problem.action is NextStep.CONNECT
    away = session.submit("generate", "meanwhile", GENERATE)
    assert session.jobs[away].status is JobStatus.DETACHED
    server.behaviour.hold.set()
    network.silent = False
    shapes_come(session, job)
    job_reaches(session, away, JobStatus.DONE)
    assert set(server.submissions) == {job, away}
    assert session.state.problem is None


def test_a_network_that_is_gone_for_long_is_waited_for_and_then_given_up(
    sessions: Sessions, server: FakeServer, network: FaultyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blender_addon.connection.transitions.GIVE_UP_SECONDS", 1.0)
    session = sessions.connect(network.address)
    server.behaviour.hold.clear()
    job = run_job(session)
    network.silent = True
    reach(session, Status.FAILED)
    assert (session.state.problem, session.state.problem.action) == (GAVE_UP, NextStep.CONNECT)
    assert session.jobs[job].status is JobStatus.DETACHED, "the job is not given up with the connection"
    network.silent = False
    server.behaviour.hold.set()
    session.connect(session.state.target)
    shapes_come(session, job)


@pytest.mark.slow
def test_a_network_that_is_gone_for_a_real_minute_comes_back_by_itself() -> None:
    sessions = Sessions(Timing())
    with serve() as server, FaultyNetwork(port_of(server.address)) as network:
        session = sessions.connect(network.address)
        server.behaviour.hold.clear()
        job = run_job(session)
        network.silent = True
        wait_until(lambda: session.state.status is Status.LOST, session.poll, seconds=30.0)
        stay = threading.Event()
        threading.Timer(60.0, stay.set).start()
        wait_until(stay.is_set, session.poll, seconds=90.0)
        assert session.jobs[job].status is JobStatus.DETACHED
        server.behaviour.hold.set()
        network.silent = False
        wait_until(lambda: session.next_import() == (job, 0), session.poll, seconds=60.0)
        sessions.close()


def test_connections_that_are_cut_are_made_again(
    sessions: Sessions, server: FakeServer, network: FaultyNetwork
) -> None:
    session = sessions.connect(network.address)
    server.behaviour.hold.clear()
    job = run_job(session)
    for _ in range(3):
        before = network.accepted
        network.cut()
        wait_until(lambda before=before: network.accepted > before and session.online, session.poll)
    server.behaviour.hold.set()
    shapes_come(session, job)
    assert set(server.submissions) == {job}


def test_garbage_on_the_line_breaks_the_connection_and_not_the_add_on(
    sessions: Sessions, server: FakeServer, network: FaultyNetwork
) -> None:
    session = sessions.connect(network.address)
    server.behaviour.hold.clear()
    job = run_job(session)
    network.garbage = b"\xff\x00HTTP/1.1 400\r\n" * 50
    reach(session, Status.LOST)
    assert session.state.problem == CONNECTION_LOST
    before = network.accepted
    wait_until(lambda: network.accepted > before + 2, session.poll)  # it tries again, and meets only garbage
    assert (session.state.status, session.jobs[job].status) == (Status.LOST, JobStatus.DETACHED)
    network.garbage = b""
    server.behaviour.hold.set()
    shapes_come(session, job)


def test_a_slow_network_is_only_slow(sessions: Sessions, server: FakeServer, network: FaultyNetwork) -> None:
    network.delay_seconds = 0.06  # there and back again; a greeting is eight of these
    session = sessions.connect(network.address)
    job = session.submit("generate", "chairs", GENERATE)
    shapes_come(session, job)
    assert "LOST" not in "\n".join(session.log)


# The other end


def test_a_server_that_dies_and_starts_again_with_its_ledger_goes_on(sessions: Sessions) -> None:
    port = free_port()
    with serve(port) as first:
        session = sessions.connect(first.address)
        first.behaviour.hold.clear()
        job = run_job(session)
    reach(session, Status.LOST)
    with ExitStack() as stack:
        second = stack.enter_context(serve(port))
        second.states.update(first.states)
        second.kinds.update(first.kinds)
        second.parameters.update(first.parameters)
        shapes_come(session, job)
        assert second.submissions == [], "the server knew it, so it was not run twice"


def test_a_server_that_starts_again_without_memory_leaves_the_job_to_be_run_again(sessions: Sessions) -> None:
    port = free_port()
    with serve(port) as first:
        session = sessions.connect(first.address)
        first.behaviour.hold.clear()
        job = run_job(session)
    reach(session, Status.LOST)
    with serve(port):
        job_reaches(session, job, JobStatus.FAILED)
        assert (session.jobs[job].problem, session.jobs[job].problem.action) == (FORGOTTEN, NextStep.RETRY)
        assert session.retry(job) == job
        shapes_come(session, job)


def test_a_server_that_greets_and_then_answers_nothing(
    sessions: Sessions, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blender_addon.connection.job_transitions.ANSWER_SECONDS", 1.0)
    session = sessions.connect(server.address)
    server.behaviour.answers = False
    job = session.submit("generate", "chairs", GENERATE)
    job_reaches(session, job, JobStatus.FAILED)
    assert (session.jobs[job].problem, session.jobs[job].problem.action) == (NOT_ACCEPTED, NextStep.RETRY)
    server.behaviour.answers = True
    monkeypatch.undo()
    assert session.retry(job) == job
    shapes_come(session, job)


def test_a_port_where_somebody_listens_and_says_nothing(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blender_addon.connection.transitions.CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        session = sessions.make()
        session.connect(Target(Endpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", WORD)))
        reach(session, Status.FAILED)
    assert session.state.problem == CONNECT_TIMEOUT


def test_a_port_where_nobody_listens(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blender_addon.connection.transitions.CONNECT_SECONDS", 1.0)
    session = sessions.make()
    session.connect(Target(Endpoint(f"tcp://127.0.0.1:{free_port()}", WORD)))
    reach(session, Status.FAILED)
    assert (session.state.problem, session.state.problem.action) == (CONNECT_TIMEOUT, NextStep.CONNECT)


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not_a_generator", id="web-server"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "not_a_generator", id="ssh"),
        pytest.param(b"\x00" * 64, "not_a_generator", id="zeros"),
        pytest.param(b"", "wrong_key", id="hangs-up"),
    ],
)
def test_a_port_where_another_program_answers(
    sessions: Sessions, said: bytes, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blender_addon.connection.transitions.CONNECT_SECONDS", 2.0)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):  # at last the listener is closed
            while True:
                client, _ = listener.accept()
                client.settimeout(1.0)
                client.sendall(said)
                with client, contextlib.suppress(OSError):
                    client.recv(1000)

    threading.Thread(target=answer, daemon=True).start()
    try:
        session = sessions.make()
        session.connect(Target(Endpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", WORD)))
        reach(session, Status.FAILED)
    finally:
        listener.close()
    assert (session.state.problem.tag, session.state.problem.action) == (tag, NextStep.OPEN_PREFERENCES)
    assert "not the generator" in session.state.problem.message or "no Unrender server" in session.state.problem.message


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        pytest.param(0, 0, "The generator is older than this add-on.", id="older"),
        pytest.param(98, 99, "This add-on is older than the generator.", id="newer"),
    ],
)
def test_a_server_of_another_protocol(sessions: Sessions, low: int, high: int, sentence: str) -> None:
    transport = RouterTransport("tcp://127.0.0.1:*", TokenSecurity(WORD))
    stop = threading.Event()

    def refuse() -> None:
        while not stop.is_set():
            for peer, frames in transport.poll(0.02):
                id = decode(frames, accept=FROM_CLIENT).id
                transport.send(peer, encode(messages.Refused("incompatible", "protocols", "", low, high), id=id))

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    try:
        session = sessions.make()
        session.connect(Target(Endpoint(transport.address, WORD)))
        reach(session, Status.INCOMPATIBLE)
        assert session.state.problem.message == sentence
        assert "Update" in session.state.problem.hint
    finally:
        stop.set()
        thread.join(5)
        transport.close()


def test_a_wrong_token_is_refused(sessions: Sessions, server: FakeServer) -> None:
    session = sessions.make()
    session.connect(Target(Endpoint(server.address, "guess")))
    reach(session, Status.FAILED)
    assert (session.state.problem.tag, session.state.problem.action) == ("wrong_key", NextStep.OPEN_PREFERENCES)


# The main thread


def test_no_socket_is_touched_on_the_main_thread(
    sessions: Sessions, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could wait is done by other threads: whatever the artist does, and in every poll."""
    touched: set[str] = set()

    def watch(name: str) -> Callable[..., object]:
        original = getattr(ZmqTransport, name)

        def watched(self: ZmqTransport, *arguments: object) -> object:
            touched.add(f"{threading.current_thread().name}")
            return original(self, *arguments)

        return watched

    for name in ("__init__", "send", "poll", "reopen", "close"):
        monkeypatch.setattr(ZmqTransport, name, watch(name))
    session = sessions.connect(server.address)
    job = session.submit("generate", "chairs", GENERATE)
    shapes_come(session, job)
    session.imported(job, 0)
    session.imported(job, 1)
    session.test_connection(session.state.target)
    wait_until(lambda: not session.connection_test.running, session.poll)
    session.refresh_models()
    session.disconnect()
    session.poll()
    sessions.close()
    assert touched == {"unrender-socket", "unrender-test"}


# Test connection


def test_a_test_tells_time_versions_device_and_leaves_the_connection_alone(
    sessions: Sessions, server: FakeServer
) -> None:
    session = sessions.connect(server.address)
    session.test_connection(session.state.target)
    assert session.connection_test.running
    wait_until(lambda: not session.connection_test.running, session.poll)
    test = session.connection_test
    assert test.ok, test.sentence
    for part in (" ms", "generator 9.9.9", "add-on ", "Test device"):
        assert part in test.sentence
    assert session.state.status is Status.READY


def test_a_test_of_a_silent_address_ends_by_its_own_deadline(sessions: Sessions) -> None:
    session = sessions.make()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        session.test_connection(Target(Endpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", WORD)))
        wait_until(lambda: not session.connection_test.running, session.poll)
    assert not session.connection_test.ok
    assert session.connection_test.sentence.startswith(CONNECT_TIMEOUT.message)


def test_a_test_with_a_wrong_word_says_so(sessions: Sessions, server: FakeServer) -> None:
    session = sessions.make()
    session.test_connection(Target(Endpoint(server.address, "guess")))
    wait_until(lambda: not session.connection_test.running, session.poll)
    assert (session.connection_test.ok, session.connection_test.action) == (False, NextStep.OPEN_PREFERENCES)


def test_a_test_of_this_computer_says_where_the_generator_is_installed(sessions: Sessions) -> None:
    session = sessions.make()
    session.test_connection(Target())
    wait_until(lambda: not session.connection_test.running, session.poll)
    assert session.connection_test.ok
    assert "~/unrender/.venv" in session.connection_test.sentence
