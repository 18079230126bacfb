# SPDX-License-Identifier: Apache-2.0
"""The session over a real socket thread and the in-process transport, and its clockwork with a clock that stands."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from blender_addon.connection import job_events
from blender_addon.connection.events import Welcomed
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.jobs import JobStatus
from blender_addon.connection.news import ConnectionNews, JobNews, LogLine, News
from blender_addon.connection.problems import BAD_RESULT, CONNECTION_LOST, NOT_A_GENERATOR
from blender_addon.connection.report import write_report
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.states import Endpoint, Server, Status, Target
from tests.blender_addon.conftest import TARGET, TIMING, NoBackend
from tests.blender_addon.fake_server import FakeServer, wait_until
from unrender_protocol import messages
from unrender_protocol.client import Client
from unrender_protocol.transport import InProcessHub

GENERATE = {"model": "chairs", "seed": 7, "count": 2, "threshold": 0.5, "variety": 1.0}


def run(session: Session, **changes: object) -> bytes:
    job = session.submit("generate", "chairs", {**GENERATE, **changes})
    return job


def reach(session: Session, job: bytes, status: JobStatus) -> None:
    wait_until(lambda: session.jobs[job].status is status, session.poll)


def test_connecting_tells_what_is_on_the_other_end(connected: Session) -> None:
    assert connected.state.server is not None
    assert connected.state.server.device == "Test device"
    assert [(card.name, card.textured) for card in connected.state.server.models] == [
        ("chairs", False),
        ("balls", True),
    ]
    connected.refresh_models()
    wait_until(lambda: connected.state.server.models[0].name == "tubs", connected.poll)


def test_a_job_runs_and_its_shapes_come_and_are_acknowledged_when_all_are_imported(
    connected: Session, server: FakeServer
) -> None:
    job = run(connected)
    assert connected.state.status is Status.BUSY
    wait_until(lambda: connected.next_import() is not None, connected.poll)
    assert connected.jobs[job].status is JobStatus.DONE
    assert [(shape.index, shape.seed, shape.name) for shape in connected.shapes[job]] == [
        (0, 7, "chair_0007"),
        (1, 8, "chair_0008"),
    ]
    assert connected.state.status is Status.READY
    connected.imported(job, 0)
    assert connected.next_import() == (job, 1)
    assert server.acknowledged == []
    connected.imported(job, 1)
    wait_until(lambda: connected.jobs[job].acknowledged, connected.poll)
    assert server.acknowledged == [job]
    assert connected.shapes == {}


def test_progress_shows_phase_count_and_time_left(connected: Session, server: FakeServer) -> None:
    server.behaviour.hold.clear()
    job = run(connected)
    wait_until(lambda: connected.jobs[job].done == 3, connected.poll)
    shown = connected.jobs[job]
    assert (shown.status, shown.phase, shown.fraction, shown.eta_seconds) == (JobStatus.RUNNING, "sampling", 0.75, 1.5)
    server.behaviour.hold.set()
    reach(connected, job, JobStatus.DONE)


def test_cancel_counts_when_the_server_confirms(connected: Session, server: FakeServer) -> None:
    server.behaviour.hold.clear()
    job = run(connected)
    reach(connected, job, JobStatus.RUNNING)
    connected.cancel(job)
    assert connected.jobs[job].status is JobStatus.CANCELLING
    reach(connected, job, JobStatus.CANCELLED)
    assert server.states[job] == "cancelled"


def test_a_failure_at_the_server_shows_its_sentence_and_is_retried_as_a_new_job(
    connected: Session, server: FakeServer
) -> None:
    server.behaviour.fail_with = messages.JobFailed(b"x" * 16, "out_of_memory", "The GPU is full.", "Use fewer shapes.")
    job = run(connected)
    reach(connected, job, JobStatus.FAILED)
    problem = connected.jobs[job].problem
    assert (problem.tag, problem.message, problem.hint) == ("out_of_memory", "The GPU is full.", "Use fewer shapes.")
    server.behaviour.fail_with = None
    again = connected.retry(job)
    assert again != job
    assert list(connected.jobs) == [again], "it takes the failed one's place"
    reach(connected, again, JobStatus.DONE)


def test_a_request_without_an_answer_is_retried_under_the_same_id(connected: Session, server: FakeServer) -> None:
    job = run(connected)
    connected._job_happened(job, job_events.JobTimePassed(connected._clock() + 1000))
    assert connected.jobs[job].problem.tag in ("not_accepted", "no_answer")
    assert connected.retry(job) == job
    reach(connected, job, JobStatus.DONE)
    assert set(server.submissions) == {job}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda arrays: {}, id="nothing"),
        pytest.param(lambda arrays: arrays | {"faces_0": arrays["faces_0"] + 1}, id="index-outside"),
        pytest.param(lambda arrays: arrays | {"faces_1": arrays["faces_1"] - 1}, id="negative-index"),
        pytest.param(lambda arrays: arrays | {"vertices_0": arrays["vertices_0"] * np.nan}, id="not-a-number"),
        pytest.param(lambda arrays: arrays | {"vertices_0": arrays["vertices_0"].astype(np.float64)}, id="dtype"),
        pytest.param(lambda arrays: arrays | {"vertices_0": arrays["vertices_0"][:, :2].copy()}, id="shape"),
    ],
)
def test_a_damaged_result_is_a_failure_with_a_sentence(connected: Session, server: FakeServer, damage: object) -> None:
    server.behaviour.damage = damage
    job = run(connected)
    reach(connected, job, JobStatus.FAILED)
    assert connected.jobs[job].problem == BAD_RESULT
    assert connected.shapes == {}
    server.behaviour.damage = lambda arrays: arrays
    assert connected.retry(job) == job
    wait_until(lambda: connected.next_import() == (job, 0), connected.poll)


def test_a_server_that_dies_and_comes_back_loses_nothing(
    hub: InProcessHub, connected: Session, server: FakeServer
) -> None:
    server.behaviour.hold.clear()
    job = run(connected)
    reach(connected, job, JobStatus.RUNNING)
    hub.close()
    wait_until(lambda: connected.state.status is Status.LOST, connected.poll)
    assert connected.state.problem == CONNECTION_LOST
    assert connected.jobs[job].status is JobStatus.DETACHED
    while_away = connected.submit("generate", "later", GENERATE)
    assert connected.jobs[while_away].status is JobStatus.DETACHED
    server.behaviour.hold.set()
    hub.open()
    reach(connected, job, JobStatus.DONE)
    reach(connected, while_away, JobStatus.DONE)
    assert connected.state.problem is None
    assert sorted(set(server.submissions)) == sorted([job, while_away])


def test_a_wrong_token_is_refused_with_a_next_step(session: Session, server: FakeServer) -> None:
    session.connect(Target(Endpoint("inproc", "guess")))
    wait_until(lambda: session.state.status is Status.FAILED, session.poll)
    assert session.state.problem.tag == "wrong_token"
    assert session.state.problem.hint


def test_a_server_of_another_protocol_is_named_as_the_side_to_update(session: Session, hub: InProcessHub) -> None:
    from unrender_protocol.codec import decode, encode

    def refuse(low: int, high: int) -> None:
        answered = False
        while not answered:
            for peer, frames in hub.poll(0.05):
                id = decode(frames).id
                hub.send(peer, encode(messages.Refused("incompatible", "protocols", "", low, high), id=id))
                answered = True

    for range_, older in (((0, 0), "generator"), ((98, 99), "add-on")):
        answering = threading.Thread(target=refuse, args=range_, daemon=True)
        answering.start()
        session.connect(Target(Endpoint("inproc", "word")))
        wait_until(lambda: session.state.status is Status.INCOMPATIBLE, session.poll)
        answering.join(5)
        assert f"{older} is older" in session.state.problem.message
        assert older in session.state.problem.hint.lower()
        session.disconnect()


def test_garbage_instead_of_a_server_is_recognised(session: Session, hub: InProcessHub) -> None:
    stop = threading.Event()

    def babble() -> None:
        while not stop.is_set():
            for peer, _frames in hub.poll(0.05):
                hub.send(peer, [b"HTTP/1.1 400 Bad Request", b"\x00" * 20])

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    session.connect(TARGET)
    wait_until(lambda: session.state.problem is not None, session.poll)
    assert session.state.problem == NOT_A_GENERATOR
    assert session.state.status is Status.CONNECTING, "the deadline decides"
    stop.set()
    thread.join(5)


def test_jobs_of_an_earlier_blender_are_found_again_and_wait_for_the_artist(
    hub: InProcessHub, connected: Session, server: FakeServer
) -> None:
    server.behaviour.hold.clear()
    running = run(connected)
    reach(connected, running, JobStatus.RUNNING)
    connected.close()
    inbox: Inbox[News] = Inbox()
    link = SocketThread(inbox, lambda endpoint: Client(hub.connect(), token=endpoint.token, timing=TIMING))
    reopened = Session(link, NoBackend(), inbox)
    try:
        reopened.connect(TARGET)
        wait_until(lambda: running in reopened.jobs, reopened.poll)
        assert reopened.jobs[running].adopted
        server.behaviour.hold.set()
        wait_until(lambda: running in reopened.shapes, reopened.poll)
        assert reopened.next_import() is None, "nobody asked for it in this scene"
        reopened.import_all(running)
        assert reopened.next_import() == (running, 0)
    finally:
        reopened.close()


def test_removing_a_done_job_frees_it_at_the_server(connected: Session, server: FakeServer) -> None:
    job = run(connected)
    with pytest.raises(ValueError, match="only ended jobs"):
        connected.remove(job)
    wait_until(lambda: job in connected.shapes, connected.poll)
    connected.remove(job)
    wait_until(lambda: server.acknowledged == [job])
    assert (connected.jobs, connected.shapes, connected.awaited_imports) == ({}, {}, ())


class Silent:
    """A link that only counts."""

    def __init__(self) -> None:
        self.number = 0

    def open(self, endpoint: Endpoint) -> int:
        self.number += 1
        return self.number

    def __getattr__(self, name: str) -> object:
        return lambda *_arguments: None


def make_quiet_session(clock: object) -> tuple[Session, Inbox[News]]:
    inbox: Inbox[News] = Inbox()
    return Session(Silent(), NoBackend(), inbox, clock), inbox


def test_one_poll_stops_when_its_time_is_used_up_and_says_that_more_waits() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.003  # every look at the clock takes three milliseconds
        return now[0]

    session, inbox = make_quiet_session(clock)
    for number in range(50):
        inbox.put(LogLine(f"line {number}"))
    assert session.poll(0.010) is True
    assert 40 < len(inbox) < 50
    for _ in range(50):
        session.poll(0.010)
    assert len(inbox) == 0
    assert session.poll(0.010) is False


def test_a_poll_does_at_least_one_thing_however_little_time_there_is() -> None:
    session, inbox = make_quiet_session(lambda: 0.0)
    inbox.put(LogLine("one"))
    inbox.put(LogLine("two"))
    session.poll(0.0)
    assert len(inbox) == 1


def test_news_of_an_older_link_is_void() -> None:
    session, inbox = make_quiet_session(lambda: 5.0)
    session.connect(TARGET)
    session.connect(Target(Endpoint("elsewhere")))
    inbox.put(ConnectionNews(1, Welcomed(5.0, Server())))
    session.poll()
    assert session.state.status is Status.CONNECTING
    inbox.put(ConnectionNews(2, Welcomed(5.0, Server())))
    session.poll()
    assert session.state.status is Status.READY


def test_a_stalled_main_thread_finds_one_progress_per_job_not_thousands() -> None:
    inbox: Inbox[News] = Inbox()
    for step in range(5000):
        for job in (b"a" * 16, b"b" * 16):
            inbox.put(JobNews(job, job_events.JobProgressed(0.0, "training", step, 5000)), ("progress", job))
    inbox.put(LogLine("after"))
    assert len(inbox) == 3
    assert [inbox.take().event.done for _ in range(2)] == [4999, 4999]
    assert inbox.take() == LogLine("after")
    assert inbox.take() is None


def test_the_report_has_states_and_log_and_no_home_folder(connected: Session, tmp_path: object) -> None:
    run(connected)
    connected._note(f"generator: reading {tmp_path}/secret-project/thing")
    text = write_report(connected, {"add-on": "0.1.0"}, tmp_path)
    assert "connection: BUSY" in text
    assert "OFFLINE -> CONNECTING" in text
    assert "~/secret-project" in text
    assert str(tmp_path) not in text
    assert "word" not in text


def test_the_revision_grows_with_every_visible_change_and_only_then() -> None:
    session, _ = make_quiet_session(lambda: 5.0)
    before = session.revision
    session.poll()
    assert session.revision == before
    session.connect(TARGET)
    assert session.revision > before
