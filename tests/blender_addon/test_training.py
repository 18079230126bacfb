# SPDX-License-Identifier: Apache-2.0
"""Training from the add-on's side: photos are read by a thread, sent, watched, stopped and continued."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from blender_addon.connection import photo_files
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.jobs import JobStatus
from blender_addon.connection.news import News
from blender_addon.connection.photo_files import find_photos, read_photos
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.training import (
    TrainingSettings,
    read_overrides,
    running_training,
    submit_training,
    trained_model,
)
from blender_addon.connection.uploads import Report, UploadError
from tests.blender_addon.conftest import TARGET, TIMING, NoBackend
from tests.blender_addon.fake_server import SHEET, FakeServer, wait_until
from unrender_protocol.client import Client
from unrender_protocol.transport import InProcessHub

SETTINGS = TrainingSettings("plums", "iggan-photos-32", {"total_images": 64})


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos and what else lies in such folders."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "b.JPG").write_bytes(b"second")
    (folder / "a.png").write_bytes(b"first")
    for name in ("notes.txt", ".a.png", "more/clip.mp4", ".hidden/c.png"):
        (folder / name).write_bytes(b"no photo")
    (folder / "more" / "ü.webp").write_bytes(b"")
    return folder


def never() -> bool:
    return False


def ignore(done: int, total: int) -> None:
    """A report that nobody reads."""


def reach(session: Session, job: bytes, status: JobStatus) -> None:
    wait_until(lambda: session.jobs[job].status is status, session.poll)


def test_photos_are_sent_as_the_files_that_they_are(photos: Path) -> None:
    reports: list[tuple[int, int]] = []
    arrays = read_photos(photos, lambda *report: reports.append(report), never)
    assert arrays["files"].tobytes() == b"firstsecond"
    assert arrays["file_sizes"].tolist() == [5, 6, 0]
    assert arrays["file_names"].tobytes().decode() == "a.png\nb.JPG\nü.webp"
    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_of_a_rendered_data_set_its_images_are_taken(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("manifest.jsonl", "contact_sheet.png", "images/0.png"):
        (tmp_path / name).touch()
    assert find_photos(tmp_path) == [tmp_path / "images" / "0.png"]


@pytest.mark.parametrize(
    ("folder", "limit", "tag", "words"),
    [
        ("missing", 100, "no_folder", "There is no folder"),
        ("photos/a.png", 100, "no_folder", "There is no folder"),
        ("photos/.hidden/empty", 100, "no_photos", "There are no photos"),
        ("photos", 10, "photos_too_large", "can be sent"),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(
    photos: Path, tmp_path: Path, folder: str, limit: int, tag: str, words: str
) -> None:
    (photos / ".hidden" / "empty").mkdir()
    with pytest.raises(UploadError, match=words) as caught:
        read_photos(tmp_path / folder, ignore, never, most_bytes=limit)
    assert caught.value.problem.tag == tag
    assert caught.value.problem.hint


def test_settings_are_read_as_written() -> None:
    text = "total_images=20000 generator.channels=[16,8] renderer.kind=ray_march photos.fill=0.7 r=true"
    assert read_overrides(text) == {
        "total_images": 20000,
        "generator.channels": [16, 8],
        "renderer.kind": "ray_march",
        "photos.fill": 0.7,
        "r": True,
    }
    assert read_overrides("") == {}
    with pytest.raises(ValueError, match="'oops' is no setting"):
        read_overrides("a=1 oops")
    with pytest.raises(ValueError, match="'my model'"):
        TrainingSettings("my model")


def test_a_training_is_watched_to_its_end_and_its_model_appears(
    connected: Session, server: FakeServer, photos: Path
) -> None:
    server.behaviour.hold.clear()
    job = submit_training(connected, SETTINGS, photos)
    assert connected.jobs[job].status is JobStatus.READING
    assert running_training(connected) is connected.jobs[job]
    wait_until(lambda: connected.jobs[job].done == 3, connected.poll)
    assert (connected.jobs[job].phase, connected.jobs[job].eta_seconds) == ("adversarial", 90.0)
    assert np.array_equal(connected.previews[job], SHEET), "the steps after it did not hide it"
    assert server.uploads[job]["files"].tobytes() == b"firstsecond"
    assert server.parameters[job] == {
        "method": "voxel_gan",
        "config": "iggan-photos-32",
        "name": "plums",
        "overrides": {"total_images": 64},
        "resume": False,
    }
    server.behaviour.hold.set()
    wait_until(lambda: connected.jobs[job].acknowledged, connected.poll)
    assert connected.jobs[job].status is JobStatus.IMPORTED
    assert trained_model(connected.jobs[job]) == "plums"
    assert (connected.awaited_imports, connected.next_import(), running_training(connected)) == ((), None, None)
    wait_until(lambda: "plums" in [card.name for card in connected.state.server.models], connected.poll)
    assert np.array_equal(connected.previews[job], SHEET)
    connected.remove(job)
    assert connected.previews == {}


def test_a_stopped_training_goes_on_without_sending_the_photos_again(
    connected: Session, server: FakeServer, photos: Path
) -> None:
    server.behaviour.hold.clear()
    job = submit_training(connected, SETTINGS, photos)
    wait_until(lambda: connected.jobs[job].done == 3, connected.poll)
    connected.cancel(job)
    reach(connected, job, JobStatus.CANCELLED)
    again = connected.retry(job)
    assert again != job
    reach(connected, again, JobStatus.RUNNING)
    assert server.parameters[again] == server.parameters[job] | {"resume": True}
    assert server.uploads[again] == {}
    assert connected.awaited_imports == ()


def test_a_folder_that_could_not_be_read_is_read_again(connected: Session, server: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    job = submit_training(connected, SETTINGS, folder)
    reach(connected, job, JobStatus.FAILED)
    assert connected.jobs[job].problem is not None
    assert connected.jobs[job].problem.tag == "no_folder"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"first")
    again = connected.retry(job)
    wait_until(lambda: connected.jobs[again].acknowledged, connected.poll)
    assert server.submissions == [again]
    assert (server.parameters[again]["resume"], server.uploads[again]["files"].tobytes()) == (False, b"first")


def test_reading_can_be_stopped_and_a_slow_disk_holds_nothing_up(
    connected: Session, server: FakeServer, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def slowly(folder: Path, report: Report, stopped: Callable[[], bool]) -> dict[str, np.ndarray]:
        released.wait(20)
        return {"files": np.zeros(3, np.uint8)}

    monkeypatch.setattr("blender_addon.connection.photo_files.read_photos", slowly)
    job = submit_training(connected, SETTINGS, photos)
    connected.poll()
    assert connected.jobs[job].status is JobStatus.READING
    connected.cancel(job)
    assert connected.jobs[job].status is JobStatus.CANCELLED
    released.set()
    wait_until(lambda: not any(t.name == "unrender-upload" for t in threading.enumerate()), connected.poll)
    assert connected.jobs[job].status is JobStatus.CANCELLED
    assert server.submissions == []


def test_a_file_that_cannot_be_read_is_named(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(photo_files.Path, "read_bytes", refuse)
    with pytest.raises(UploadError, match=r"a\.png cannot be read: Permission denied"):
        read_photos(photos, ignore, never)


def test_a_server_that_dies_while_files_are_read_gets_them_when_it_is_back(
    connected: Session, server: FakeServer, photos: Path
) -> None:
    connected.disconnect()
    job = submit_training(connected, SETTINGS, photos)
    reach(connected, job, JobStatus.DETACHED)
    assert server.submissions == []
    connected.connect(connected.state.target)
    wait_until(lambda: connected.jobs[job].acknowledged, connected.poll)
    assert server.uploads[job]["files"].tobytes() == b"firstsecond"


def test_a_training_of_an_earlier_blender_is_found_and_can_be_stopped_and_continued(
    hub: InProcessHub, connected: Session, server: FakeServer, photos: Path
) -> None:
    server.behaviour.hold.clear()
    job = submit_training(connected, SETTINGS, photos)
    reach(connected, job, JobStatus.RUNNING)
    connected.close()
    inbox: Inbox[News] = Inbox()
    link = SocketThread(inbox, lambda endpoint: Client(hub.connect(), token=endpoint.token, timing=TIMING))
    reopened = Session(link, NoBackend(), inbox)
    try:
        reopened.connect(TARGET)
        wait_until(lambda: job in reopened.jobs and reopened.jobs[job].status is JobStatus.RUNNING, reopened.poll)
        assert (reopened.jobs[job].title, trained_model(reopened.jobs[job])) == ("Training plums", "plums")
        reopened.cancel(job)
        reach(reopened, job, JobStatus.CANCELLED)
        again = reopened.retry(job)
        wait_until(lambda: reopened.jobs[again].done == 3, reopened.poll)
        assert server.parameters[again] == server.parameters[job] | {"resume": True}
    finally:
        reopened.close()
