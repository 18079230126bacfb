# SPDX-License-Identifier: Apache-2.0
"""Heartbeats, back-off and deadlines, second by second on a clock of our own."""

from __future__ import annotations

import numpy as np
import pytest

from unrender_protocol.client import Client
from unrender_protocol.codec import decode, encode
from unrender_protocol.errors import TransportError
from unrender_protocol.events import Arrived, ClientState, Connected, Denied, Lost, Unanswered
from unrender_protocol.heartbeat import Timing
from unrender_protocol.messages import (
    CancelJob,
    FetchResult,
    FollowJob,
    Hello,
    JobAccepted,
    JobDone,
    ListModels,
    ModelList,
    Ping,
    Pong,
    ServerLimits,
    SubmitJob,
    Welcome,
)
from unrender_protocol.requests import MAX_REQUESTS
from unrender_protocol.transport import InProcessHub, Problem

WELCOME = Welcome(1, "0.1.0", "cpu", (), (), ServerLimits(2**28, 2**29, 64))


class Stage:
    """A client, a hub that answers what the test says, and the clock between them."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.now = 1000.0
        self.hub = InProcessHub()
        self.transport = self.hub.connect()
        self.client = Client(self.transport, timing=timing, clock=lambda: self.now)
        self.heard: list = []
        self.answers_hello = True
        self.answers_ping = True
        self.answers: dict = {}

    def run(self, seconds: float, step: float = 0.1) -> list:
        """Let time pass; return the client's events."""
        events = []
        for _ in range(round(seconds / step)):
            self.now += step
            events += self.client.poll()
            for peer, frames in self.hub.poll(0):
                self.peer = peer
                envelope = decode(frames)
                message = envelope.message
                self.heard.append(message)
                if isinstance(message, Hello) and self.answers_hello:
                    self.hub.send(peer, encode(WELCOME, id=envelope.id))
                elif isinstance(message, Ping) and self.answers_ping:
                    self.hub.send(peer, encode(Pong(), id=envelope.id))
                elif type(message) in self.answers:
                    self.hub.send(peer, encode(self.answers[type(message)](message), id=envelope.id))
            events += self.client.poll()
        return events

    def count(self, cls: type) -> int:
        return sum(isinstance(message, cls) for message in self.heard)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def of(cls: type, events: list) -> list:
    return [event for event in events if isinstance(event, cls)]


def test_one_ping_per_second(stage):
    stage.run(10.5)
    assert stage.client.state is ClientState.READY
    assert 9 <= stage.count(Ping) <= 11


def test_a_silent_server_is_lost_after_four_misses(stage):
    stage.run(1)
    stage.answers_ping = False
    assert not of(Lost, stage.run(2.9))  # the last pong may be a second old
    assert len(of(Lost, stage.run(2))) == 1


def test_any_message_counts_as_a_sign_of_life(stage):
    stage.answers = {ListModels: lambda message: ModelList(())}
    stage.run(1)
    stage.answers_ping = False
    for _ in range(20):
        stage.client.list_models()
        assert not of(Lost, stage.run(1))


def test_back_off_doubles_from_1_to_32_seconds_and_starts_again_after_success(stage):
    stage.answers_hello = False
    events = stage.run(300)
    assert [event.retry_seconds for event in of(Lost, events)][:8] == [1, 2, 4, 8, 16, 32, 32, 32]
    stage.answers_hello = True
    assert of(Connected, stage.run(60))
    stage.answers_ping = False
    assert of(Lost, stage.run(6))[0].retry_seconds == 1


def test_the_countdown_to_the_next_attempt_can_be_shown_and_cut_short(stage):
    stage.answers_hello = False
    stage.run(60)
    while stage.client.state is not ClientState.LOST:
        stage.run(0.1)
    stage.run(1)
    assert 0 < stage.client.retry_seconds < 32
    stage.answers_hello = True
    stage.client.reconnect()
    assert stage.client.retry_seconds == 0
    assert of(Connected, stage.run(0.5))


def test_a_client_that_was_not_polled_for_long_does_not_blame_the_server(stage):
    stage.run(2)
    stage.now += 3600  # the laptop's lid was closed
    assert not of(Lost, stage.run(10))
    assert stage.client.state is ClientState.READY


def test_an_unanswered_request_is_sent_again_unchanged_on_a_new_socket(stage):
    stage.run(1)
    job = stage.client.submit("k", {"a": 1})
    stage.run(17)
    submitted = [message for message in stage.heard if isinstance(message, SubmitJob)]
    assert submitted == [SubmitJob(job, "k", {"a": 1})] * 3
    assert stage.count(Hello) == 4  # first, twice again, and once more after giving up


def test_a_patient_cancel_is_not_sent_again_while_the_job_comes_to_its_end(stage):
    stage.run(1)
    stage.client.cancel(bytes(16), patience_seconds=60.0)
    stage.run(60)
    assert stage.count(CancelJob) == 1
    stage.run(10)
    assert stage.count(CancelJob) == 2


def test_a_request_is_given_up_after_three_tries(stage):
    stage.run(1)
    job = stage.client.submit("k")
    events = stage.run(30)
    assert [event.request for event in of(Unanswered, events)] == [SubmitJob(job, "k")]
    assert stage.client.unanswered == 0
    assert stage.count(FollowJob) == 0


def test_requests_made_while_there_is_no_server_are_given_up_after_ten_minutes(stage):
    stage.answers_hello = False
    stage.client.submit("k")
    assert not of(Unanswered, stage.run(595, step=0.5))
    assert len(of(Unanswered, stage.run(10, step=0.5))) == 1


def test_a_large_upload_is_given_the_time_that_it_needs(stage):
    stage.run(1)
    stage.answers_ping = False  # nothing else gets through meanwhile
    stage.client.submit("k", arrays={"images": np.zeros(20_000_000, np.uint8)})
    assert not of(Lost, stage.run(20))
    assert stage.count(SubmitJob) == 1
    assert of(Lost, stage.run(10))


def test_a_large_download_is_given_the_time_that_it_needs(stage):
    stage.run(1)
    stage.answers_ping = False
    stage.client.fetch(bytes(16), nbytes=20_000_000)
    assert not of(Lost, stage.run(20))
    assert stage.count(FetchResult) == 1
    assert of(Lost, stage.run(10))


def test_jobs_are_followed_again_until_they_end(stage):
    stage.answers = {
        SubmitJob: lambda message: JobAccepted(message.job),
        FollowJob: lambda message: JobDone(message.job),
    }
    stage.run(1)
    job = stage.client.submit("k")
    stage.run(1)
    for expected in (1, 1):  # the second time it is done
        stage.client.reconnect()
        events = stage.run(1)
        assert of(Connected, events)
        assert stage.count(FollowJob) == expected
    assert stage.heard.count(FollowJob(job)) == 1


def test_requests_go_out_in_the_order_in_which_they_were_made(stage):
    job = stage.client.submit("k")
    stage.client.cancel(job)
    stage.client.list_models()
    stage.run(1)
    kinds = [type(message) for message in stage.heard if not isinstance(message, (Hello, Ping))]
    assert kinds == [SubmitJob, CancelJob, ListModels]


def test_the_number_of_waiting_requests_is_bounded(stage):
    for _ in range(MAX_REQUESTS):
        stage.client.list_models()
    with pytest.raises(TransportError, match="wait for an answer"):
        stage.client.list_models()


def test_garbage_from_the_server_is_counted_and_is_no_sign_of_life(stage):
    stage.run(1)
    stage.answers_ping = False
    events = []
    for _ in range(60):
        stage.hub.send(stage.peer, [b"UNRD\x01", b"\x80"])
        events += stage.run(0.1)
    assert stage.client.rejected > 30
    assert of(Lost, events)
    assert not of(Arrived, events)


@pytest.mark.parametrize(
    ("known", "state"),
    [pytest.param(False, ClientState.REFUSED, id="never-worked"), pytest.param(True, ClientState.LOST, id="worked")],
)
def test_connections_that_break_off_are_blamed_on_the_key_only_if_none_ever_worked(known, state):
    class Tunnel:
        """The far end of the tunnel is down, or the server has another key: the socket cannot tell."""

        problem = None

        def __init__(self):
            self.replies = []

        def send(self, frames):
            if self.problem is None:
                self.replies.append(encode(WELCOME))
            return True

        def poll(self, timeout):
            replies, self.replies = self.replies, []
            return replies

        def reopen(self):
            self.replies = []

        def close(self):
            pass

    now = [0.0]
    tunnel = Tunnel()
    client = Client(tunnel, clock=lambda: now[0])
    events = []
    for second in range(200):
        tunnel.problem = None if known and second < 3 else Problem.NO_HANDSHAKE
        now[0] += 1.0
        if known and second == 3:
            client.reconnect()
        events += client.poll()
    assert client.state in (state, ClientState.CONNECTING)
    assert bool(of(Denied, events)) is not known
    assert "before the greeting" in of(Lost, events)[0].reason
