# SPDX-License-Identifier: Apache-2.0
"""The job `train`, as a client of the real kinds of jobs sees it: tiny networks, real training."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unrender.errors import DataError
from unrender.methods.models import find_model
from unrender.serving.descriptions import ServerDescriptions
from unrender.serving.devices import ComputeDevice
from unrender.serving.handlers import job_kinds
from unrender.serving.job_process import JobProgressed
from unrender.serving.job_queue import JobQueue
from unrender.serving.jobs import Job, JobState
from unrender.serving.pictures import file_name, save_pictures
from unrender.training.run_folder import RunFolder

JOB, OTHER = bytes(range(16)), bytes(range(1, 17))
PATIENCE = 200.0
SETTINGS = {
    "resolution": 16,
    "image_size": 32,
    "batch_size": 4,
    "total_images": 64,
    "evaluate_images": 16,
    "audit_samples": 2,
    "torch_threads": 1,
    "generator.latent": 8,
    "generator.channels": [8, 8],
    "discriminator.channels": [8, 8, 8],
    "proxy.width": 8,
    "proxy.pretrain_images": 16,
    "renderer.kind": "ray_march",
}
ENDLESS = {"total_images": 10_000_000, "sample_minutes": 0.001, "checkpoint_minutes": 0.001}


def picture(index: int) -> bytes:
    """A PNG file: a grey ellipse on transparent ground, every one of other proportions."""
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[-1:1:32j, -1:1:32j]
    width, height = random.uniform(0.3, 0.8, 2)
    inside = (columns / width) ** 2 + (rows / height) ** 2 < 1
    grey = (160 * inside).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.dstack([grey, grey, grey, (255 * inside).astype(np.uint8)])).save(file, "PNG")
    return file.getvalue()


def as_arrays(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    return {
        "files": np.frombuffer(b"".join(files.values()), np.uint8),
        "file_sizes": np.array([len(content) for content in files.values()], np.int64),
        "file_names": np.frombuffer("\n".join(files).encode(), np.uint8),
    }


@pytest.fixture(scope="module")
def photos() -> dict[str, np.ndarray]:
    return as_arrays({f"Bild {index}.PNG": picture(index) for index in range(20)})


def parameters(name: str, resume: bool = False, **overrides: Any) -> dict[str, Any]:
    settings = SETTINGS | {key.replace("__", "."): value for key, value in overrides.items()}
    return {"method": "voxel_gan", "config": "iggan-32", "name": name, "overrides": settings, "resume": resume}


@pytest.fixture
def home(data_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with JobQueue(job_kinds(), home) as queue:
        yield queue


def drive(queue: JobQueue, until: Callable[[], bool], limit: float = PATIENCE) -> list[JobProgressed | Job]:
    news: list[JobProgressed | Job] = []
    end = time.monotonic() + limit
    while not until():
        assert time.monotonic() < end, f"too slow; the newest: {news[-1:]}"
        news += queue.poll()
        time.sleep(0.01)
    return news


def finish(queue: JobQueue, job: bytes) -> Job:
    drive(queue, lambda: queue.find(job).state.is_final)
    return queue.find(job)


def has_trained(queue: JobQueue, job: bytes) -> Callable[[], bool]:
    """Whether the job is past its pre-training and has shown a sheet of samples."""

    def check() -> bool:
        assert not queue.find(job).state.is_final, queue.find(job).error
        progress = queue.progress(job)
        return progress is not None and progress.phase == "adversarial" and "preview" in progress.arrays

    return check


def images_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("-")[2])


def test_photos_become_a_model_with_progress_samples_and_a_result(
    queue: JobQueue, home: Path, photos: dict[str, np.ndarray]
) -> None:
    descriptions = ServerDescriptions([ComputeDevice("CPU", "cpu", 1, 1)], job_kinds())
    assert "tops" not in [model.name for model in descriptions.models()]
    queue.submit(JOB, "train", parameters("tops", sample_minutes=0.0), photos)
    news = drive(queue, lambda: queue.find(JOB).state.is_final)
    job = queue.find(JOB)
    assert job.state is JobState.DONE, job.error

    progress = [item for item in news if isinstance(item, JobProgressed)]
    assert progress[0].phase == "pictures"
    assert {item.phase for item in progress} >= {"pictures", "adversarial"}
    assert any(item.eta_seconds is not None and item.eta_seconds > 0 for item in progress)
    sheets = [item.arrays["preview"] for item in progress if "preview" in item.arrays]
    assert sheets
    assert all(sheet.dtype == np.uint8 and sheet.ndim == 3 and sheet.shape[2] == 3 for sheet in sheets)

    scores = [item.arrays["scores"] for item in progress if "scores" in item.arrays]
    assert scores[0][:, 0].tolist() == [0.0], "the first evaluation is shown before anything is learnt"
    result, arrays = queue.result(JOB)
    assert arrays["scores"].dtype == np.float32
    assert arrays["scores"][:, 0].tolist() == [0.0, 80.0]
    assert arrays["scores"][-1, 1] == pytest.approx(result["kid"])
    assert any("training pictures" in note for item in progress for note in item.notes), "they are few, and it says so"
    assert arrays["curve_generator_loss"][-1, 0] == 80.0
    assert {"curve_generator_loss", "curve_discriminator_loss", "curve_proxy_loss"} <= set(arrays)
    assert result["run"] == "tops"
    assert result["images"] == 16 + 64
    assert np.isfinite(result["kid"])
    assert arrays["sample"].shape == (4 * 68 - 4, 8 * 68 - 4, 3)
    assert max(sheets[-1].shape) == 512, "what travels is smaller"
    descriptions.expire()
    assert "tops" in [model.name for model in descriptions.models()]
    assert sorted(path.name for path in (home / "runs" / "tops" / "pictures").iterdir())[0] == "000000-Bild-0.png"

    queue.submit(OTHER, "generate", {"model": "tops", "seed": 1, "count": 1, "threshold": 0.02}, {})
    made = finish(queue, OTHER)
    assert made.state is JobState.DONE, made.error
    assert made.result is not None
    assert made.result["model_hash"] == find_model("tops").hash

    queue.submit(b"n" * 16, "train", parameters("tops"), photos)
    error = finish(queue, b"n" * 16).error
    assert error is not None
    assert (error.tag, error.hint) == ("run_exists", "Choose another name.")
    assert find_model("tops").hash == made.result["model_hash"]


def test_a_cancelled_training_has_stopped_within_two_seconds_and_goes_on_from_there(
    queue: JobQueue, home: Path, photos: dict[str, np.ndarray]
) -> None:
    queue.submit(JOB, "train", parameters("tubs", **ENDLESS), photos)
    drive(queue, has_trained(queue, JOB))
    queue.cancel(JOB)
    drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED, limit=2 * 2.0)
    run = RunFolder(home / "runs" / "tubs")
    reached = images_of(run.newest_checkpoint())
    assert reached > 16
    shown = queue.shown(queue.find(JOB))
    assert shown is not None
    assert {"preview", "scores"} <= set(shown.arrays), "one who comes later is shown the sheet at once"

    queue.submit(OTHER, "train", parameters("tubs", resume=True, total_images=reached), {})
    job = finish(queue, OTHER)
    assert job.state is JobState.DONE, job.error
    assert job.result is not None
    assert job.result["images"] == reached - reached % 4 + 16
    counts = [record["images"] for record in run.metrics()]
    assert counts[0] == 0
    assert counts.count(0) == 1, "it did not begin anew"


def test_a_paused_training_finishes_its_slow_step_and_goes_on_from_that_very_one(
    queue: JobQueue, home: Path, photos: dict[str, np.ndarray]
) -> None:
    batch = 192  # a step of several seconds, longer than a cancel without patience waits
    slow: dict[str, Any] = {"batch_size": batch, "proxy.pretrain_images": 0, "sample_minutes": 60.0}
    slow |= {"total_images": 10_000_000, "checkpoint_minutes": 60.0, "evaluate_minutes": 60.0}
    queue.submit(JOB, "train", parameters("urns", **slow), photos)
    drive(queue, lambda: (progress := queue.progress(JOB)) is not None and progress.done >= batch)
    before = queue.progress(JOB)
    assert before is not None
    queue.cancel(JOB, 60.0)
    news = drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    last = max([before.done, *(item.done for item in news if isinstance(item, JobProgressed))])
    run = RunFolder(home / "runs" / "urns")
    assert [images_of(path) for path in run.checkpoints()] == [last]

    queue.submit(OTHER, "train", parameters("urns", resume=True, **slow), {})
    news = drive(queue, lambda: (progress := queue.progress(OTHER)) is not None and progress.done > 0)
    first = next(item for item in news if isinstance(item, JobProgressed))
    assert first.arrays["scores"][0, 0] == 0, "all of the run, and at once"
    progress = queue.progress(OTHER)
    assert progress is not None
    assert progress.done == last + batch
    queue.cancel(OTHER)
    drive(queue, lambda: queue.find(OTHER).state is JobState.CANCELLED)


def test_a_training_loses_nothing_when_its_server_stops(home: Path, photos: dict[str, np.ndarray]) -> None:
    rare = ENDLESS | {"checkpoint_minutes": 60.0, "evaluate_minutes": 60.0, "proxy.pretrain_images": 0}
    run = RunFolder(home / "runs" / "jugs")
    with JobQueue(job_kinds(), home) as queue:
        queue.submit(JOB, "train", parameters("jugs", **rare), photos)
        drive(queue, has_trained(queue, JOB))
        seen = queue.progress(JOB)
        assert seen is not None
        assert run.checkpoints() == []
    (kept,) = run.checkpoints()
    assert images_of(kept) >= seen.done

    with JobQueue(job_kinds(), home) as queue:
        assert queue.find(JOB).attempts == 0, "it may be stopped as often as Blender is closed"
        drive(queue, has_trained(queue, JOB))
        progress = queue.progress(JOB)
        assert progress is not None
        assert progress.done > images_of(kept)
        queue.cancel(JOB)
        drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)


@pytest.mark.skipif(sys.platform == "win32", reason="its job is killed as if the server had been")
def test_a_killed_server_takes_its_training_up_again(home: Path, photos: dict[str, np.ndarray]) -> None:
    with JobQueue(job_kinds(), home) as queue:
        queue.submit(JOB, "train", parameters("cups", **ENDLESS), photos)
        drive(queue, has_trained(queue, JOB))
        drive(queue, lambda: bool(RunFolder(home / "runs" / "cups").checkpoints()))
        for process in queue._lanes.values():
            process.kill()
    run = RunFolder(home / "runs" / "cups")
    kept = run.newest_checkpoint()

    with JobQueue(job_kinds(), home) as queue:
        news = drive(queue, has_trained(queue, JOB))
        assert queue.find(JOB).attempts == 2
        first = next(item for item in news if isinstance(item, JobProgressed))
        assert {"preview", "scores"} <= set(first.arrays), "before anything else is done"
        progress = queue.progress(JOB)
        assert progress is not None
        assert progress.done + 16 > images_of(kept)
        queue.cancel(JOB)
        drive(queue, lambda: queue.find(JOB).state is JobState.CANCELLED)
    assert [record["images"] for record in run.metrics()].count(0) == 1


def test_unusable_photos_are_one_sentence_without_paths_and_leave_no_run(queue: JobQueue, home: Path) -> None:
    files = {f"{index}.png": b"no picture at all" for index in range(20)}
    queue.submit(JOB, "train", parameters("pots"), as_arrays(files))
    error = finish(queue, JOB).error
    assert error is not None
    assert error.tag == "bad_data"
    assert error.message.startswith("None of the 20 images can be used (000000-0.png: ")
    assert str(home) not in error.message
    assert not (home / "runs" / "pots").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file_sizes": np.array([5, -5], np.int64)}, "do not add up"),
        ({"file_sizes": np.array([1 << 40, 2], np.int64)}, "do not add up"),
        ({"file_sizes": np.array([2, 2], np.int32)}, "'file_sizes' came as int32"),
        ({"file_sizes": np.array([4], np.int64)}, "1 pictures came with 2 names"),
        ({"file_names": np.frombuffer(b"a.png\nb.exe", np.uint8)}, "'b.exe' is no picture"),
        ({"files": np.zeros((2, 2), np.uint8)}, r"'files' came as uint8 \[2, 2\]"),
        ({"files": None, "images": np.zeros((2, 4, 4), np.uint8)}, "came as uint8"),
        ({"files": None}, "came as none"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], sentence: str
) -> None:
    arrays = as_arrays({"a.png": b"12", "b.jpg": b"34"}) | change
    with pytest.raises(DataError, match=sentence):
        save_pictures({name: array for name, array in arrays.items() if array is not None}, tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_files_arrive_byte_for_byte_and_pixels_as_png(tmp_path: Path) -> None:
    assert save_pictures(as_arrays({"a.png": b"12", "b.jpg": b"", "c.JPEG": b"345"}), tmp_path / "files") == 3
    written = {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()}
    assert written == {"000000-a.png": b"12", "000001-b.jpg": b"", "000002-c.jpeg": b"345"}
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 4), dtype=np.uint8)
    assert save_pictures({"images": pixels}, tmp_path / "images") == 2
    with Image.open(tmp_path / "images" / "000001.png") as image:
        assert np.array_equal(np.asarray(image), pixels[1])


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.png", "000003-passwd.png"),
        ("..\\..\\evil.jpg", "000003-evil.jpg"),
        ("a\0b.png", "000003-a-b.png"),
        (".png.png", "000003-png.png"),
        ("Äpfel.JPG", "000003-pfel.jpg"),
        ("日本.webp", "000003.webp"),
        ("x" * 500 + ".png", "000003-" + "x" * 60 + ".png"),
    ],
)
def test_names_from_the_wire_are_no_paths(name: str, safe: str) -> None:
    assert file_name(3, name) == safe
