# SPDX-License-Identifier: Apache-2.0
"""What clients see of the server, over a transport inside this process."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrender.errors import DiskFullError
from unrender.serving.job_queue import JobQueue
from unrender_protocol.client import Client
from unrender_protocol.codec import encode, new_id
from unrender_protocol.events import Arrived, ClientState, Incompatible
from unrender_protocol.messages import (
    Failure,
    Hello,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobFailed,
    JobList,
    JobProgress,
    ModelList,
    ModelPreview,
    ResultAcknowledged,
)


def test_a_job_from_submission_to_acknowledgement(server: Any) -> None:
    with server.connect() as client:
        job = client.submit("count", {"number": 4}, {"offset": np.array([1, 2], np.int64)})
        assert server.wait_for(client, JobAccepted).message == JobAccepted(job, "queued")
        progress = server.wait_for(client, JobProgress)
        assert progress.message.phase == "counting"
        assert progress.arrays["preview"].dtype == np.uint8
        done = server.wait_for(client, JobDone)
        assert done.arrays == {}
        assert done.message.nbytes > 0

        for _ in range(2):
            client.fetch(job, done.message.nbytes)
            fetched = server.wait_for(client, JobDone)
            assert fetched.arrays["numbers"].tolist() == [3, 4, 5, 6]
            assert fetched.message.result == done.message.result
        for _ in range(2):
            client.acknowledge(job)
            assert server.wait_for(client, ResultAcknowledged).message.job == job
        client.fetch(job)
        assert server.wait_for(client, Failure).message.tag == "not_finished"


def test_two_clients_follow_one_job_and_a_third_hears_nothing(server: Any) -> None:
    with server.connect() as first, server.connect() as second, server.connect() as third:
        third.list_models()
        assert server.wait_for(third, ModelList).message.models[0].name == "chairs"
        job = first.submit("count", {"number": 50, "seconds": 1.0})
        server.wait_for(first, JobAccepted)
        second.follow(job)
        assert server.wait_for(second, JobProgress).message.job == job
        server.wait_for(second, JobDone)
        server.wait_for(first, JobDone)
        assert [event for event in third.poll(0.1) if isinstance(event, Arrived)] == []


def test_the_same_job_from_two_clients_is_one_job(server: Any, tmp_path: Path) -> None:
    job = new_id()
    with server.connect() as first, server.connect() as second:
        first.submit("count", {"number": 2}, job=job)
        second.submit("count", {"number": 2}, job=job)
        server.wait_for(first, JobDone)
        server.wait_for(second, JobDone)
        first.submit("count", {"number": 2}, job=job)
        assert server.wait_for(first, JobAccepted).message.state == "done"
        server.wait_for(first, JobDone)
    assert len((tmp_path / "jobs" / f"{job.hex()}.starts").read_text().splitlines()) == 1


def test_cancel_is_answered_when_the_work_has_stopped(server: Any) -> None:
    with server.connect() as client, server.connect() as other:
        job = client.submit("deaf")
        server.wait_for(client, JobProgress)
        other.cancel(job)
        assert server.wait_for(other, JobCancelled).request is not None
        assert server.wait_for(client, JobCancelled).message.job == job
        client.cancel(job)
        assert server.wait_for(client, JobCancelled).message.job == job
        client.fetch(job)
        assert server.wait_for(client, JobCancelled).message.job == job


def test_one_who_follows_later_is_shown_the_newest_arrays(server: Any) -> None:
    with server.connect() as client, server.connect() as late:
        job = client.submit("arrays")
        server.wait_for(client, JobProgress)
        late.follow(job)
        assert server.wait_for(late, JobAccepted).message.state == "running"
        shown = server.wait_for(late, JobProgress)
        assert sorted(shown.arrays) == ["preview", "scores"]
        assert shown.message.notes == ("Take care.",)

        client.cancel(job)
        server.wait_for(client, JobCancelled)
        late.follow(job)
        shown = server.wait_for(late, JobProgress)
        while "preview" in shown.arrays:  # sent while it ran
            shown = server.wait_for(late, JobProgress)
        assert shown.arrays["scores"].tolist() == [[0.0, 0.5]], "what the job left, before its end is told"
        assert server.wait_for(late, JobCancelled).message.job == job


def test_a_job_that_never_ran_shows_nothing_of_another(server: Any) -> None:
    with server.connect() as client:
        first, second = client.submit("arrays"), client.submit("arrays")
        server.wait_for(client, JobProgress)
        client.cancel(second)
        server.wait_for(client, JobCancelled)
        with server.connect() as late:
            late.follow(second)
            server.wait_for(late, JobCancelled)
            late.follow(first)
            assert server.wait_for(late, JobProgress).message.job == first


def test_patience_reaches_the_job(server: Any, tmp_path: Path) -> None:
    with server.connect() as client:
        job = client.submit("slow_save", {"seconds": 3.0})
        server.wait_for(client, JobProgress)
        client.cancel(job, patience_seconds=60.0)
        server.wait_for(client, JobCancelled)
    assert (tmp_path / "jobs" / f"{job.hex()}.saved").exists()


def test_a_picture_of_a_model_or_a_sentence(server: Any) -> None:
    with server.connect() as client:
        client.list_models()
        listed = server.wait_for(client, ModelList).message
        assert listed.datasets == ("tables",)
        assert [method.title for method in listed.methods] == ["IG-GAN"]
        assert [preset.name for preset in listed.presets] == ["iggan-32"]
        client.welcome = replace(client.welcome, capabilities=("model_previews",))
        assert client.fetch_model_preview("chairs")
        answer = server.wait_for(client, ModelPreview)
        assert (answer.message, answer.arrays["preview"].shape) == (ModelPreview("chairs", "abc"), (4, 4, 3))
        assert client.fetch_model_preview("../../secret")
        failure = server.wait_for(client, Failure).message
        assert (failure.tag, failure.hint) == ("unknown_model", "Known here: chairs.")


def test_a_failed_job_tells_tag_message_and_hint(server: Any) -> None:
    with server.connect() as client:
        client.submit("torch_allocate")
        failed = server.wait_for(client, JobFailed).message
        assert (failed.tag, bool(failed.message), bool(failed.hint)) == ("out_of_memory", True, True)
        client.list_jobs()
        (summary,) = server.wait_for(client, JobList).message.jobs
        assert (summary.state, summary.tag, summary.kind) == ("failed", "out_of_memory", "torch_allocate")


@pytest.mark.parametrize(
    ("ask", "tag"),
    [
        (lambda client: client.submit("shell", {"command": "rm"}), "unknown_kind"),
        (lambda client: client.submit("count", {"number": -1}), "bad_request"),
        (lambda client: client.submit("count", {"number": 1, "out": "/tmp"}), "bad_request"),
        (lambda client: client.submit("count", {"number": float("nan")}), "bad_request"),
        (lambda client: client.follow(bytes(16)), "unknown_job"),
        (lambda client: client.cancel(bytes(16)), "unknown_job"),
        (lambda client: client.fetch(bytes(16)), "unknown_job"),
    ],
)
def test_a_request_that_cannot_be_served_is_answered(server: Any, ask: Callable[[Client], Any], tag: str) -> None:
    with server.connect() as client:
        ask(client)
        failure = server.wait_for(client, Failure)
        assert failure.message.tag == tag
        assert failure.message.message
        assert failure.request is not None


def test_a_full_disk_is_told_to_the_client(server: Any, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFullError("The disk is full.", "Free some space.")

    monkeypatch.setattr(queue._folders, "save_inputs", full)
    with server.connect() as client:
        client.submit("count", {"number": 1}, {"offset": np.zeros(3)})
        assert server.wait_for(client, Failure).message.tag == "disk_full"
        client.list_jobs()
        assert server.wait_for(client, JobList).message.jobs == ()


def test_a_fault_in_the_server_is_an_answer_and_not_its_end(
    server: Any, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.connect() as client:
        with monkeypatch.context() as patch:
            patch.setattr(queue, "jobs", lambda newest: 1 // 0)
            client.list_jobs()
            assert server.wait_for(client, Failure).message.tag == "internal"
        client.list_jobs()
        server.wait_for(client, JobList)


def test_garbage_from_one_client_leaves_the_others_at_work(server: Any) -> None:
    noise = random.Random(5)
    with server.connect() as client:
        job = client.submit("count", {"number": 40, "seconds": 1.0})
        server.wait_for(client, JobAccepted)
        vandal = server.hub.connect()
        for _ in range(300):
            vandal.send([noise.randbytes(noise.randrange(40)) for _ in range(noise.randrange(5))])
            greeting = encode(Hello(1, 1, "x"))
            vandal.send([bytes(greeting[0]), noise.randbytes(len(greeting[1]))])
            server.server.step()
        assert server.wait_for(client, JobDone).message.job == job
        assert server.server.endpoint.statistics.garbage >= 300
        assert len(server.server.endpoint.peers) == 1


def test_another_protocol_version_is_told_which_side_to_update(server: Any) -> None:
    with server.connect() as client:
        client._hello = Hello(90, 99, "9.9")
        events: list[object] = []
        end = time.monotonic() + 30
        while not events and time.monotonic() < end:
            server.server.step(0.01)
            events += client.poll(0.01)
        (event,) = events
        assert isinstance(event, Incompatible)
        assert client.state is ClientState.INCOMPATIBLE


def test_a_client_that_left_costs_nothing(server: Any) -> None:
    with server.connect() as client:
        client.submit("count", {"number": 1000, "seconds": 3.0})
        server.wait_for(client, JobProgress)
    end = time.monotonic() + 30
    while server.server._followers:
        server.server.step(0.01)
        assert time.monotonic() < end
    assert server.server.endpoint.waiting_bytes == 0
