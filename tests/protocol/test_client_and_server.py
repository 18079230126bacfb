# SPDX-License-Identifier: Apache-2.0
"""The same story over the in-process transport and over ZeroMQ: requests, loss, return, slowness."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from unrender_protocol import version
from unrender_protocol.client import Client
from unrender_protocol.codec import encode, new_id
from unrender_protocol.errors import EncodingError
from unrender_protocol.events import Arrived, ClientState, Connected, Incompatible, Lost, Unanswered
from unrender_protocol.heartbeat import Timing
from unrender_protocol.messages import (
    Failure,
    FetchMesh,
    FollowJob,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobList,
    JobProgress,
    ListModels,
    ModelList,
    ModelPreview,
    ResultAcknowledged,
    ShapeMesh,
    SubmitJob,
)
from unrender_protocol.server import EndpointLimits


def test_a_job_is_submitted_fetched_and_acknowledged(link, wait_for):
    client = link.client()
    voxels = np.random.default_rng(0).random((4, 5, 6)) > 0.5
    job = client.submit("echo", {"seed": 7, "threshold": 0.5}, {"voxels": voxels})

    assert wait_for(client, Connected).welcome.models[0].name == "chairs"
    assert wait_for(client, JobAccepted).message.job == job
    done = wait_for(client, JobDone)
    assert done.message.nbytes == voxels.nbytes
    assert done.message.result == {"seed": 7, "threshold": 0.5}
    assert not done.arrays

    client.fetch(job, done.message.nbytes)
    fetched = wait_for(client, JobDone)
    np.testing.assert_array_equal(fetched.arrays["voxels"], voxels)
    assert not fetched.arrays["voxels"].flags.writeable

    client.acknowledge(job)
    assert wait_for(client, ResultAcknowledged).message.job == job
    assert link.server.acknowledged == [job]
    assert client.unanswered == 0


def test_poll_returns_at_once_without_waiting(link):
    client = link.client()
    started = time.monotonic()
    for _ in range(20):
        client.poll(0.0)
    assert time.monotonic() - started < 10  # not a speed limit: any wait for the network would be longer


def test_lists_are_answered(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    wait_for(client, JobAccepted)
    client.list_models()
    client.list_jobs()
    assert wait_for(client, ModelList).message.models[0].details == {"resolution": 32}
    assert wait_for(client, JobList).message.jobs[0].job == job


def test_the_same_job_id_runs_once(link, wait_for):
    client = link.client()
    job = client.submit("echo", {"a": 1})
    wait_for(client, JobAccepted)
    client.submit("echo", {"a": 1}, job=job)
    wait_for(client, JobAccepted)
    assert link.server.submissions == [job, job]
    assert link.server.runs == [job]


def test_cancel_is_acknowledged(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    client.cancel(job)
    assert wait_for(client, JobCancelled).message.job == job
    assert link.server.cancelled == {job}


def test_cancel_says_how_patient_it_is(link, wait_for):
    client = link.client()
    job = client.submit("endless")
    client.cancel(job, patience_seconds=60)
    wait_for(client, JobCancelled)
    client.cancel(job)
    wait_for(client, JobCancelled)
    assert link.server.patience == [60.0, 0.0]


def test_a_picture_of_a_model_is_fetched_where_the_server_has_such(link, wait_for):
    client = link.client()
    assert not client.fetch_model_preview("chairs"), "not before the server has said what it can"
    assert wait_for(client, Connected).welcome.datasets == ("tables",)
    assert client.fetch_model_preview("chairs")
    arrived = wait_for(client, ModelPreview)
    assert (arrived.message.model, arrived.arrays["preview"].shape) == ("chairs", (8, 8, 3))
    assert client.fetch_model_preview("without a picture")
    assert not wait_for(client, ModelPreview).arrays
    assert client.unanswered == 0


def test_an_older_server_is_not_asked_for_pictures(link, wait_for):
    client = link.client()
    wait_for(client, Connected)
    client.welcome = dataclasses.replace(client.welcome, capabilities=("generate",))
    assert not client.fetch_model_preview("chairs")
    assert client.unanswered == 0


def test_meshes_come_in_the_order_in_which_they_were_asked_for_each_with_its_request(link, wait_for):
    client = link.client()
    wanted = [FetchMesh("chairs", "abc", 7, threshold=threshold) for threshold in (0.25, 0.5, 0.75)]
    assert not client.fetch_mesh(wanted[0]), "not before the server has said what it can"
    wait_for(client, Connected)
    for one in wanted:
        assert client.fetch_mesh(one)
    for one in wanted:
        arrived = wait_for(client, ShapeMesh)
        assert arrived.request == one
        assert arrived.arrays["vertices"][0, 0] == one.threshold
        assert arrived.arrays["faces"].shape == (2, 3)
    client.welcome = dataclasses.replace(client.welcome, capabilities=("generate",))
    assert not client.fetch_mesh(wanted[0])
    assert client.unanswered == 0


def test_cancel_is_acknowledged_behind_a_large_upload(link, wait_for):
    client = link.client()
    job = client.submit("forever", arrays={"images": np.zeros((64, 1024, 1024), np.uint8)})
    client.cancel(job)
    assert wait_for(client, JobCancelled).message.job == job


def test_a_server_that_dies_is_lost_and_its_jobs_are_followed_again(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    wait_for(client, JobAccepted)
    link.server.stop()
    assert wait_for(client, Lost).retry_seconds > 0
    assert client.state in (ClientState.LOST, ClientState.CONNECTING)

    link.server.start()
    wait_for(client, Connected)
    again = wait_for(client, JobProgress)
    assert again.request == FollowJob(job)
    link.server.tell(job, JobProgress(job, "training", 5, 10))
    assert wait_for(client, JobProgress).message.done == 5
    assert link.server.submissions == [job]


def test_a_job_submitted_while_no_server_runs_waits_for_one(link, wait_for):
    link.server.stop()
    client = link.client()
    job = client.submit("echo", {"a": 1})
    client.poll(0.3)
    assert client.unanswered == 1
    link.server.start()
    assert wait_for(client, JobDone).message.job == job


def test_an_answer_that_goes_missing_is_asked_for_again_with_the_same_job(link, wait_for):
    link.server.deaf_to = {SubmitJob}
    client = link.client(Timing(ping_interval=0.2, misses=50, request_timeout=0.5, tries=50, first_retry=0.05))
    wait_for(client, Connected)
    job = client.submit("echo", {"a": 1})
    wait_for(client, Connected)  # the Lazy Pirate came back on a new socket
    link.server.deaf_to = set()
    assert wait_for(client, JobAccepted).message.job == job
    assert link.server.runs == [job]


def test_a_request_that_nobody_answers_is_given_up(link, wait_for):
    link.server.deaf_to = {ListModels}
    client = link.client(Timing(ping_interval=0.2, misses=50, request_timeout=0.3, tries=2, first_retry=0.05))
    wait_for(client, Connected)
    client.list_models()
    given_up = wait_for(client, Unanswered)
    assert isinstance(given_up.request, ListModels)
    assert client.unanswered == 0


def test_a_job_that_the_server_does_not_know_is_no_longer_followed(link, wait_for):
    client = link.client()
    job = new_id()
    client.follow(job)
    failed = wait_for(client, Failure)
    assert (failed.message.tag, failed.message.job) == ("unknown_job", job)
    link.server.stop()
    wait_for(client, Lost)
    link.server.start()
    wait_for(client, Connected)
    assert client.unanswered == 0


def test_a_slow_reader_gets_the_newest_progress_and_costs_bounded_memory(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    wait_for(client, JobAccepted)
    endpoint = link.server.endpoint
    count = 3000
    for done in range(1, count + 1):  # the client does not poll meanwhile
        link.server.tell(job, JobProgress(job, "training", done, count, message="x" * 5000))
    deadline = time.monotonic() + 30
    while link.server._outgoing and time.monotonic() < deadline:
        time.sleep(0.01)
    assert endpoint.waiting_bytes < 20_000

    seen = []
    while (not seen or seen[-1] < count) and time.monotonic() < deadline:
        seen += [event.message.done for event in client.poll(0.1) if isinstance(event, Arrived)]
    assert seen[-1] == count
    assert seen == sorted(seen)


def test_a_picture_is_not_lost_to_the_numbers_that_follow_it(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    wait_for(client, JobAccepted)
    for done in range(1, 2001):  # the client does not poll meanwhile
        picture = {"preview": np.full((2, 2, 3), 7, np.uint8)} if done == 1000 else None
        link.server.tell(job, JobProgress(job, "training", done, 2000, message="x" * 5000), picture)
    seen = []
    deadline = time.monotonic() + 30
    while not (any(event.message.done == 2000 for event in seen) and any(event.arrays for event in seen)):
        assert time.monotonic() < deadline
        seen += [event for event in client.poll(0.1) if isinstance(event, Arrived)]
    assert [event.message.done for event in seen if event.arrays] == [1000]


def test_heartbeats_measure_the_round_trip(link, wait_for):
    client = link.client()
    wait_for(client, Connected)
    deadline = time.monotonic() + 30
    while client.round_trip_seconds is None and time.monotonic() < deadline:
        client.poll(0.1)
    assert client.round_trip_seconds is not None
    assert client.state is ClientState.READY


def test_a_forgotten_client_says_hello_again_and_loses_nothing(link, wait_for):
    client = link.client()
    job = client.submit("forever")
    wait_for(client, JobAccepted)
    endpoint = link.server.endpoint
    for peer in endpoint.peers:
        endpoint.forget(peer)
    client.list_models()
    wait_for(client, Connected)
    assert wait_for(client, ModelList)
    link.server.tell(job, JobProgress(job, "training", 5, 10))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if wait_for(client, JobProgress).message.done == 5:
            break


def test_too_many_clients_are_refused_until_there_is_room(link, wait_for):
    link.server.stop()
    link.server.limits = EndpointLimits(peers=1, replaceable_silence=1000.0)
    link.server.start()
    first, second = link.client(), link.client()
    wait_for(first, Connected)
    lost = wait_for(second, Lost)
    assert "1 clients" in lost.reason
    first.close()
    endpoint = link.server.endpoint
    for peer in endpoint.peers:
        endpoint.forget(peer)
    assert wait_for(second, Connected)


@pytest.mark.parametrize(
    ("theirs", "side"),
    [pytest.param((2, 3), "client", id="server-is-newer"), pytest.param((0, 0), "server", id="server-is-older")],
)
def test_another_protocol_names_the_side_to_update(link, wait_for, monkeypatch, theirs, side):
    monkeypatch.setattr("unrender_protocol.server.OLDEST_PROTOCOL", theirs[0])
    monkeypatch.setattr("unrender_protocol.server.PROTOCOL", theirs[1])
    monkeypatch.setattr(
        "unrender_protocol.server.agree_on_protocol", lambda low, high: version.agree_on_protocol(low, high, *theirs)
    )
    client = link.client()
    event = wait_for(client, Incompatible)
    assert event.update == side
    assert client.state is ClientState.INCOMPATIBLE
    assert "update the Unrender" in event.hint
    assert str(theirs[1]) in event.message


def test_protocol_ranges_meet_at_the_highest_common_number():
    assert version.agree_on_protocol(1, 3, 2, 5) == 3
    assert version.agree_on_protocol(4, 9, 2, 5) == 5
    assert version.agree_on_protocol(6, 9, 2, 5) is None
    assert version.agree_on_protocol(1, 1, 2, 5) is None


@pytest.mark.parametrize(("theirs", "side"), [(7, "client"), (0, "server")])
def test_another_framing_names_the_side_to_update(link, wait_for, monkeypatch, theirs, side):
    def other_frames(message, arrays=None, **options):
        frames = encode(message, arrays, **options)
        return [frames[0][:-1] + bytes([theirs]), *frames[1:]]

    monkeypatch.setattr("unrender_protocol.server.encode", other_frames)
    client = link.client()
    assert wait_for(client, Incompatible).update == side


def test_a_server_tells_clients_of_another_framing(link, wait_for, monkeypatch):
    def other_frames(message, arrays=None, **options):
        frames = encode(message, arrays, **options)
        return [frames[0][:-1] + bytes([7]), *frames[1:]]

    monkeypatch.setattr("unrender_protocol.client.encode", other_frames)
    client = link.client()
    assert "version 7" in wait_for(client, Incompatible).message


def test_what_the_server_would_not_take_is_not_sent(link, wait_for):
    client = link.client()
    wait_for(client, Connected)
    arrays = {f"a{index}": np.zeros(1) for index in range(65)}
    with pytest.raises(EncodingError, match="at most 64"):
        client.submit("echo", arrays=arrays)
    assert client.unanswered == 0


def test_a_closed_client_can_be_closed_again_and_polled(link):
    client: Client = link.client()
    client.close()
    client.close()
    assert client.poll(0.01) == []
    assert client.state is ClientState.CLOSED
