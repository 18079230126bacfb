# SPDX-License-Identifier: Apache-2.0
"""The pool of headless Blenders: what it returns, and what it does when they die, hang or grow old."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from unrender.errors import RenderError
from unrender.geometry.marching_cubes import marching_cubes
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.worker_pool import PoolLimits, WorkerPool

SETTINGS: dict[str, Any] = {
    "size": 24, "samples": 1, "threads": 1,
    "light_directions": [[0.0, 0.0, 1.0]], "light_intensities": [0.8], "ambient": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def blender(blender_python: Path) -> BlenderInstallation:
    return BlenderInstallation("module", (str(blender_python),), "5.0")


@pytest.fixture(scope="module")
def pool(blender: BlenderInstallation) -> Iterator[WorkerPool]:
    with WorkerPool(workers=2, threads=1, blender=blender) as pool:
        yield pool


def boxes(*half_widths: float) -> dict[str, np.ndarray]:
    """One batch of boxes of these half widths in x, each seen from the front."""
    meshes = []
    for half_width in half_widths:
        grid = np.zeros((32, 8, 8), np.float32)
        centres = np.abs((np.arange(32) + 0.5) / 32 - 0.5)
        grid[centres < half_width, 2:6, 2:6] = 1.0
        meshes.append(marching_cubes(grid))
    front = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
    return {
        "vertices": np.concatenate([vertices for vertices, _ in meshes]),
        "faces": np.concatenate([faces for _, faces in meshes]),
        "vertex_counts": np.array([len(vertices) for vertices, _ in meshes], np.int32),
        "face_counts": np.array([len(faces) for _, faces in meshes], np.int32),
        "rotations": np.stack([front] * len(meshes)),
        "mesh_of_view": np.arange(len(meshes), dtype=np.int32),
    }


def width_in_pixels(rgba: np.ndarray) -> int:
    return int((rgba[..., 3] > 0).any(axis=0).sum())


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_every_result_belongs_to_its_batch(pool: WorkerPool) -> None:
    """Two workers finish in any order; widths tell the images apart."""
    widths = [0.05 + 0.03 * k for k in range(12)]
    futures = [pool.submit(SETTINGS, boxes(width, 0.45), 2) for width in widths]
    for width, future in zip(widths, futures, strict=True):
        images = future.result(timeout=120).images["rgba"]
        assert images.shape == (2, 24, 24, 4)
        assert images.dtype == np.float32
        assert width_in_pixels(images[0]) == pytest.approx(2 * width / 1.1 * 24, abs=2.0)
        assert width_in_pixels(images[1]) == pytest.approx(0.9 / 1.1 * 24, abs=2.0)


def test_shading_is_linear_and_premultiplied(pool: WorkerPool) -> None:
    image = pool.submit(SETTINGS, boxes(0.3), 1).result(timeout=120).images["rgba"][0]
    np.testing.assert_allclose(image[12, 12], [0.9, 0.9, 0.9, 1.0], atol=1e-5)
    np.testing.assert_array_equal(image[0, 0], 0.0)


def test_an_empty_mesh_gives_an_empty_image(pool: WorkerPool) -> None:
    empty = boxes(0.3) | {
        "vertices": np.zeros((0, 3), np.float32), "faces": np.zeros((0, 3), np.int32),
        "vertex_counts": np.zeros(1, np.int32), "face_counts": np.zeros(1, np.int32),
    }  # fmt: skip
    image = pool.submit(SETTINGS, empty, 1).result(timeout=120).images["rgba"]
    np.testing.assert_array_equal(image, np.zeros((1, 24, 24, 4), np.float32))


@pytest.mark.parametrize(
    ("settings", "arrays", "message"),
    [
        ({"colour": "red"}, {}, "unknown render settings"),
        ({"samples": 0}, {}, "samples is 0"),
        ({}, {"face_counts": np.array([3], np.int32)}, "do not fit counts"),
        ({}, {"faces": np.full_like(boxes(0.3)["faces"], 10**6)}, "vertices that it does not have"),
        ({}, {"vertices": np.full_like(boxes(0.3)["vertices"], np.nan)}, "not all finite"),
    ],
    ids=["unknown-setting", "no-samples", "wrong-counts", "face-out-of-range", "nan"],
)
def test_a_bad_batch_is_refused_and_the_worker_lives_on(
    pool: WorkerPool, settings: dict[str, Any], arrays: dict[str, np.ndarray], message: str
) -> None:
    pids = pool.worker_pids()
    with pytest.raises(RenderError, match=message):
        pool.submit(SETTINGS | settings, boxes(0.3) | arrays, 1).result(timeout=120)
    assert pool.worker_pids() == pids


def test_a_killed_worker_is_replaced_and_its_batches_are_rendered(pool: WorkerPool) -> None:
    pool.submit(SETTINGS, boxes(0.3), 1).result(timeout=120)
    before = pool.worker_pids()
    slow = SETTINGS | {"samples": 64, "size": 96}
    futures = [pool.submit(slow, boxes(0.1, 0.2, 0.3), 3) for _ in range(6)]
    os.kill(before[0], signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    for future in futures:
        assert future.result(timeout=120).images["rgba"].shape == (3, 96, 96, 4)
    assert wait_until(lambda: len(pool.worker_pids()) == 2 and before[0] not in pool.worker_pids())


def test_a_batch_over_its_time_limit_fails_and_names_the_worker(blender: BlenderInstallation) -> None:
    with WorkerPool(1, 1, blender, PoolLimits(batch=1.0, attempts=1)) as pool:
        endless = pool.submit(SETTINGS | {"samples": 60_000, "size": 2048, "shadows": True}, boxes(0.45), 1)
        with pytest.raises(RenderError, match=r"Blender worker \d+ \(process \d+\) needed longer than 1 s"):
            endless.result(timeout=120)
        # The next worker may need longer than the limit to render its first batch, not to start.
        assert wait_until(lambda: len(pool.worker_pids()) == 1)


def test_a_batch_that_kills_its_workers_fails_and_names_them(blender: BlenderInstallation, tmp_path: Path) -> None:
    """A worker that dies at once whatever it is given: the script of a Blender that cannot start."""
    broken = tmp_path / "broken"
    broken.write_text(f"#!{sys.executable}\nimport sys\nprint('no graphics today', file=sys.stderr)\nsys.exit(7)\n")
    broken.chmod(0o755)
    if sys.platform == "win32":
        pytest.skip("needs a script that can be executed")
    with (
        WorkerPool(1, 1, BlenderInstallation("module", (str(broken),), "5.0")) as pool,
        pytest.raises(RenderError, match=r"Blender worker \d+ .*exit code 7.*no graphics today"),
    ):
        pool.submit(SETTINGS, boxes(0.3), 1).result(timeout=120)


def test_workers_are_recycled_after_their_share_of_images(blender: BlenderInstallation) -> None:
    with WorkerPool(1, 1, blender, PoolLimits(recycle_after=4)) as pool:
        first = pool.submit(SETTINGS, boxes(0.1, 0.2), 2)
        first.result(timeout=120)
        pids = pool.worker_pids()
        futures = [pool.submit(SETTINGS, boxes(0.1, 0.2), 2) for _ in range(3)]
        wait(futures, timeout=120)
        assert all(future.result().images["rgba"].any() for future in futures)
        assert wait_until(lambda: bool(pool.worker_pids()) and not set(pool.worker_pids()) & set(pids))


def test_closing_leaves_no_process_and_fails_what_was_waiting(blender: BlenderInstallation) -> None:
    pool = WorkerPool(1, 1, blender)
    pool.submit(SETTINGS, boxes(0.3), 1).result(timeout=120)
    pids = pool.worker_pids()
    waiting = [pool.submit(SETTINGS | {"samples": 4096, "size": 256}, boxes(0.4), 1) for _ in range(3)]
    pool.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(RenderError, match="closed"):
        waiting[-1].result(timeout=10)
    with pytest.raises(RenderError, match="closed"):
        pool.submit(SETTINGS, boxes(0.3), 1)


PARENT = """
import sys, time
sys.path[:0] = {path!r}
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool
pool = WorkerPool(1, 1, BlenderInstallation("module", ({python!r},), "5.0"))
while not pool._workers or next(iter(pool._workers.values())).identity is None:
    time.sleep(0.05)
print(pool.worker_pids()[0], flush=True)
time.sleep(600)
"""


def test_no_worker_outlives_a_killed_parent(blender_python: Path) -> None:
    """kill -9 gives the parent no chance to clean up; the worker sees its pipe close."""
    code = PARENT.format(path=sys.path, python=str(blender_python))
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert psutil.pid_exists(worker)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_until(lambda: not psutil.pid_exists(worker), seconds=20.0)
