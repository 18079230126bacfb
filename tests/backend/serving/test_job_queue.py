# SPDX-License-Identifier: Apache-2.0
"""Jobs that end well, badly, and not by themselves."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from unrender.cli import serve
from unrender.errors import DiskFullError, UserError
from unrender.serving import job_process, job_queue
from unrender.serving.job_kinds import JobKind
from unrender.serving.job_process import JobProgressed
from unrender.serving.job_queue import JobQueue, NotFinishedError, QueueFullError, UnknownJobError
from unrender.serving.jobs import Job, JobState

JOB = bytes(range(16))
OTHER = bytes(range(1, 17))
Run = Callable[..., Job]


def drive(queue: JobQueue, until: Callable[[], bool], limit: float = 60.0) -> list[JobProgressed | Job]:
    """Poll until the condition holds; returns all news."""
    news: list[JobProgressed | Job] = []
    end = time.monotonic() + limit
    while not until():
        assert time.monotonic() < end, f"too slow; news so far: {news}"
        news += queue.poll()
        time.sleep(0.01)
    return news


def test_a_job_gets_its_arrays_and_its_result_stays_until_acknowledged(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "count", {"number": 3}, {"offset": np.array([10], np.int32)})
    news = drive(queue, lambda: queue.find(JOB).state is JobState.DONE)

    for _ in range(2):
        result, arrays = queue.result(JOB)
        assert arrays["numbers"].tolist() == [10, 11, 12]
        assert result == queue.find(JOB).result
    assert [item.state for item in news if isinstance(item, Job)] == [JobState.RUNNING, JobState.DONE]

    queue.acknowledge(JOB)
    queue.acknowledge(JOB)
    assert not (tmp_path / "jobs" / JOB.hex()).exists()
    with pytest.raises(NotFinishedError, match="acknowledged before"):
        queue.result(JOB)


def test_progress_collapses_to_the_newest(queue: JobQueue) -> None:
    queue.submit(JOB, "count", {"number": 20000, "seconds": 1.0}, {})
    news = drive(queue, lambda: queue.find(JOB).state is JobState.DONE)
    progress = [item for item in news if isinstance(item, JobProgressed)]

    assert 1 <= len(progress) < 200
    assert [item.done for item in progress] == sorted({item.done for item in progress})
    assert "preview" in progress[-1].arrays
    assert progress[-1].arrays["preview"].shape == (2, 3, 3)
    assert queue.progress(JOB) is None


def test_a_warm_process_does_the_next_job_too(run: Run, queue: JobQueue) -> None:
    first = run("count", {"number": 1}, JOB)
    second = run("count", {"number": 1}, OTHER)
    assert first.result is not None
    assert second.result is not None
    assert first.result["pid"] == second.result["pid"] != os.getpid()

    once = [run("count_once", {"number": 1}, bytes([i]) * 16).result for i in (1, 2)]
    assert once[0] is not None
    assert once[1] is not None
    assert once[0]["pid"] != once[1]["pid"]
    assert not psutil.pid_exists(once[0]["pid"])


def test_the_same_job_sent_twice_runs_once(queue: JobQueue, tmp_path: Path) -> None:
    for _ in range(3):
        queue.submit(JOB, "count", {"number": 2}, {})
    drive(queue, lambda: queue.find(JOB).state is JobState.DONE)
    assert queue.submit(JOB, "count", {"number": 2}, {}).state is JobState.DONE
    assert not queue.is_busy
    assert len((tmp_path / "jobs" / f"{JOB.hex()}.starts").read_text().splitlines()) == 1


@pytest.mark.parametrize("kind", ["count", "deaf"])
def test_a_cancelled_job_has_stopped_within_two_seconds(queue: JobQueue, kind: str) -> None:
    queue.submit(JOB, kind, {"number": 1000, "seconds": 300.0} if kind == "count" else {}, {})
    drive(queue, lambda: queue.progress(JOB) is not None)
    pids = [process.pid for process in queue._lanes.values() if process.job is not None]

    assert queue.cancel(JOB).state is JobState.RUNNING
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED, limit=2 * 2.0)
    assert kind == "count" or not psutil.pid_exists(pids[0])
    assert queue.cancel(JOB).state is JobState.CANCELLED

    queue.submit(OTHER, "count", {"number": 1}, {})
    drive(queue, lambda: queue.find(OTHER).state is JobState.DONE)


def saved(home: Path) -> bool:
    return (home / "jobs" / f"{JOB.hex()}.saved").exists()


def test_a_patient_cancel_lets_a_job_save_while_others_work(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "slow_save", {"seconds": 4.0}, {})
    drive(queue, lambda: queue.progress(JOB) is not None)
    queue.cancel(JOB, 30.0)
    queue.submit(OTHER, "count", {"number": 3}, {})
    drive(queue, lambda: queue.find(OTHER).state is JobState.DONE)
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    assert saved(tmp_path)


def test_without_patience_a_job_that_saves_slowly_is_ended(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "slow_save", {"seconds": 300.0}, {})
    drive(queue, lambda: queue.progress(JOB) is not None)
    queue.cancel(JOB)
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    assert not saved(tmp_path)


def test_patience_can_be_lost_but_not_gained(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "slow_save", {"seconds": 300.0}, {})
    drive(queue, lambda: queue.progress(JOB) is not None)
    queue.cancel(JOB, 250.0)
    queue.cancel(JOB)
    queue.cancel(JOB, 250.0)
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    assert not saved(tmp_path)


def test_patience_ends_where_the_server_says(queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert job_process._MOST_PATIENCE == 120.0
    monkeypatch.setattr(job_process, "_MOST_PATIENCE", 2.5)
    queue.submit(JOB, "slow_save", {"seconds": 300.0}, {})
    drive(queue, lambda: queue.progress(JOB) is not None)
    queue.cancel(JOB, 1e9)
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    assert not saved(tmp_path)


def test_arrays_outlast_the_numbers_that_follow_them(queue: JobQueue) -> None:
    queue.submit(JOB, "arrays", {}, {})
    drive(queue, lambda: (progress := queue.progress(JOB)) is not None and progress.done == 50)
    progress = queue.progress(JOB)
    assert progress is not None
    assert progress.arrays["scores"].tolist() == [[0.0, 0.5], [16.0, 0.25]]
    assert progress.arrays["scores"].dtype == np.float32
    assert progress.arrays["preview"].shape == (256, 512, 3), "a panel is no wider"
    assert (progress.arrays["preview"] == 7).all()


def test_a_queued_job_is_cancelled_without_being_started(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "count", {"number": 100, "seconds": 60.0}, {})
    queue.submit(OTHER, "count", {"number": 1}, {"offset": np.zeros(1)})
    drive(queue, lambda: queue.find(JOB).state is JobState.RUNNING)
    assert queue.cancel(OTHER).state is JobState.CANCELLED
    queue.cancel(JOB)
    drive(queue, lambda: not queue.is_busy)
    assert queue.find(OTHER).started is None
    assert not (tmp_path / "jobs" / OTHER.hex()).exists()


@pytest.mark.parametrize(
    ("kind", "tag", "words"),
    [
        ("segfault", "crashed", "SIGSEGV"),
        ("killed", "out_of_memory", "memory ran out"),
        ("allocate", "out_of_memory", "Memory ran out"),
        ("torch_allocate", "out_of_memory", "Memory ran out"),
        ("fill_disk", "disk_full", "disk is full"),
        ("forbidden", "not_writable", "no permission to write 'run'"),
        ("fault", "internal", "ZeroDivisionError"),
        ("leave", "internal", "SystemExit"),
        ("hang", "crashed", "no progress for"),
    ],
)
def test_a_job_that_breaks_is_a_failed_job_and_the_next_one_runs(
    run: Run, tmp_path: Path, kind: str, tag: str, words: str
) -> None:
    job = run(kind, id=JOB)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.tag == tag
    assert words in job.error.message
    assert job.error.hint
    if kind == "segfault":
        assert "the last words of native code" in (tmp_path / "jobs" / JOB.hex() / "log.txt").read_text()
    assert run("count", {"number": 1}, OTHER).state is JobState.DONE


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({}, "missing"),
        ({"number": 0}, "1 to 1000000 was expected"),
        ({"number": "3"}, "'3', but a value of type int was expected"),
        ({"number": True}, "type int"),
        ({"number": 1, "path": "/etc/passwd"}, "Unknown setting 'path'"),
    ],
)
def test_parameters_are_checked_before_anything_is_kept(
    queue: JobQueue, parameters: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        queue.submit(JOB, "count", parameters, {})
    assert caught.value.tag == "bad_request"
    with pytest.raises(UnknownJobError):
        queue.find(JOB)


def test_an_unknown_kind_is_refused_and_the_known_ones_are_named(queue: JobQueue) -> None:
    with pytest.raises(UserError, match="no job of kind 'shell'") as caught:
        queue.submit(JOB, "shell", {}, {})
    assert caught.value.tag == "unknown_kind"
    assert "count" in caught.value.hint


def test_the_queue_is_bounded(kinds: dict[str, JobKind], tmp_path: Path) -> None:
    with JobQueue(kinds, tmp_path, most_waiting=2) as queue:
        for i in range(2):
            queue.submit(bytes([i]) * 16, "count", {"number": 1}, {})
        with pytest.raises(QueueFullError):
            queue.submit(JOB, "count", {"number": 1}, {})


def test_a_full_disk_refuses_new_jobs_and_loses_no_ended_one(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, kinds: dict[str, JobKind], tmp_path: Path
) -> None:
    queue.submit(JOB, "count", {"number": 2}, {})
    drive(queue, lambda: queue.find(JOB).state is JobState.RUNNING)

    def full(*_: object) -> None:
        raise DiskFullError("The disk is full.", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(queue._ledger, "save", full)
        drive(queue, lambda: queue.find(JOB).state is JobState.DONE)
        with pytest.raises(DiskFullError):
            queue.submit(OTHER, "count", {"number": 1}, {})
    drive(queue, lambda: not queue._unsaved)
    queue.close()

    with JobQueue(kinds, tmp_path) as next_queue:
        assert next_queue.find(JOB).state is JobState.DONE
        assert next_queue.result(JOB)[1]["numbers"].tolist() == [0, 1]
        with pytest.raises(UnknownJobError):
            next_queue.find(OTHER)


def test_a_failed_job_keeps_its_log_and_nothing_else(queue: JobQueue, tmp_path: Path) -> None:
    queue.submit(JOB, "fault", {}, {"large": np.zeros(1000)})
    drive(queue, lambda: queue.find(JOB).state is JobState.FAILED)
    assert [path.name for path in (tmp_path / "jobs" / JOB.hex()).iterdir()] == ["log.txt"]
    assert "ZeroDivisionError" in (tmp_path / "jobs" / JOB.hex() / "log.txt").read_text()


def test_an_idle_process_that_was_killed_is_replaced(run: Run, queue: JobQueue) -> None:
    first = run("count", {"number": 1}, JOB).result
    assert first is not None
    psutil.Process(first["pid"]).kill()
    drive(queue, lambda: not any(process.is_alive for process in queue._lanes.values()))
    second = run("count", {"number": 1}, OTHER)
    assert second.state is JobState.DONE
    assert second.result is not None
    assert second.result["pid"] != first["pid"]


def test_an_idle_process_is_let_go_after_a_while(run: Run, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("count", {"number": 1}).result
    assert result is not None
    queue.poll()
    assert psutil.pid_exists(result["pid"])
    monkeypatch.setattr("unrender.serving.job_queue._SECONDS_WARM", 0.0)
    drive(queue, lambda: not psutil.pid_exists(result["pid"]))


def test_closing_lets_a_job_save_and_the_next_queue_goes_on_with_it(kinds: dict[str, JobKind], tmp_path: Path) -> None:
    with JobQueue(kinds, tmp_path) as queue:
        queue.submit(JOB, "slow_save", {"seconds": 2.0}, {})
        drive(queue, lambda: queue.progress(JOB) is not None)
    assert saved(tmp_path)
    with JobQueue(kinds, tmp_path) as queue:
        assert (queue.find(JOB).state, queue.find(JOB).attempts) == (JobState.QUEUED, 0)
        drive(queue, lambda: queue.progress(JOB) is not None)


def test_closing_does_not_wait_for_ever_for_a_job_that_saves(
    kinds: dict[str, JobKind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert job_queue._SECONDS_TO_SAVE < serve._SECONDS_TO_STOP
    monkeypatch.setattr(job_queue, "_SECONDS_TO_SAVE", 2.0)
    with JobQueue(kinds, tmp_path) as queue:
        queue.submit(JOB, "slow_save", {"seconds": 300.0}, {})
        drive(queue, lambda: queue.progress(JOB) is not None)
    assert not saved(tmp_path)
    with JobQueue(kinds, tmp_path) as queue:
        assert queue.find(JOB).attempts == 1, "it counts as interrupted"


def test_a_job_that_was_cancelled_before_closing_stays_so(kinds: dict[str, JobKind], tmp_path: Path) -> None:
    with JobQueue(kinds, tmp_path) as queue:
        queue.submit(JOB, "slow_save", {"seconds": 2.0}, {})
        drive(queue, lambda: queue.progress(JOB) is not None)
        queue.cancel(JOB, 60.0)
    assert saved(tmp_path)
    with JobQueue(kinds, tmp_path) as queue:
        assert queue.find(JOB).state is JobState.CANCELLED


def test_closing_leaves_no_process(kinds: dict[str, JobKind], tmp_path: Path) -> None:
    with JobQueue(kinds, tmp_path) as queue:
        queue.submit(JOB, "deaf", {}, {})
        queue.prepare("count_once")
        drive(queue, lambda: queue.progress(JOB) is not None)
        pids = [process.pid for process in queue._lanes.values()]
        assert all(pid is not None and psutil.pid_exists(pid) for pid in pids)
    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)
