# SPDX-License-Identifier: Apache-2.0
"""Jobs with models of textured meshes: what a client gets of a shape, and a training that becomes such a model."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.blender_addon.textured_model import make_textured_model
from unrender.errors import UserError
from unrender.methods import view_settings
from unrender.methods.generate import generate_shapes
from unrender.methods.models import find_model
from unrender.serving.descriptions import ServerDescriptions
from unrender.serving.devices import ComputeDevice
from unrender.serving.handlers import GenerateParameters, job_kinds
from unrender.serving.handlers.generate import MOST_SHAPES, generate
from unrender.serving.job_kinds import JobOutput, JobWork
from unrender.serving.job_process import JobProgressed
from unrender.serving.job_queue import JobQueue
from unrender.serving.jobs import Job, JobState
from unrender.serving.mesh_maker import MeshMaker, Ticket
from unrender.serving.mesh_orders import MeshOrder
from unrender.serving.previews import model_picture
from unrender.training.progress import ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder
from unrender.training.sheet_grid import GAP_GREY
from unrender_protocol.codec import DEFAULT_LIMITS, decode, encode, new_id
from unrender_protocol.messages import FROM_SERVER, JobDone

PATIENCE = 200.0
TRAIN = {"method": "textured_mesh_gan", "config": "textured-16", "overrides": {"total_images": 16, "torch_threads": 1}}


@pytest.fixture
def home(data_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def plums(home: Path) -> Path:
    folder = home / "runs" / "plums-16"
    make_textured_model(folder)
    return folder


def made(home: Path, **parameters: Any) -> JobOutput:
    work = JobWork({}, home / "job", 1, ignore_progress, never_cancelled)
    return generate(GenerateParameters("plums-16", **parameters), work)


def test_a_client_gets_each_shape_with_its_texture(plums: Path, home: Path) -> None:
    output = made(home, seed=4, count=2)
    assert output.result["method"] == "textured_mesh_gan"
    assert [shape["name"] for shape in output.result["shapes"]] == ["plum_0004", "plum_0005"]
    kinds = ("vertices", "faces", "uv", "uv_faces", "texture")
    assert sorted(output.arrays) == sorted(f"{kind}_{index}" for kind in kinds for index in (0, 1))
    for index, shape in enumerate(generate_shapes(find_model("plums-16"), 4, 2)):
        arrays = {kind: output.arrays[f"{kind}_{index}"] for kind in kinds}
        dtypes = [arrays[kind].dtype for kind in kinds]
        assert dtypes == [np.float32, np.int32, np.float32, np.int32, np.uint8]
        assert arrays["texture"].shape == (18, 18, 3)
        assert arrays["uv_faces"].shape == arrays["faces"].shape
        assert arrays["uv_faces"].max() < len(arrays["uv"])
        assert np.array_equal(arrays["vertices"], shape.mesh.vertices)
        assert np.array_equal(arrays["texture"], shape.texture)


def test_settings_of_voxels_change_nothing_and_less_variety_does(plums: Path, home: Path) -> None:
    usual = made(home).arrays
    same = made(home, threshold=0.9, smooth=False, resolution=2, max_faces=100).arrays
    assert all(np.array_equal(same[name], usual[name]) for name in usual)
    assert not np.array_equal(made(home, variety=0.3).arrays["vertices_0"], usual["vertices_0"])


def test_shapes_lead_from_one_seed_to_another_in_equal_steps(plums: Path, home: Path) -> None:
    between = made(home, seed=4, count=3, towards=9)
    assert [shape["name"] for shape in between.result["shapes"]] == [
        f"plum_0004_0009_{index:02d}" for index in range(3)
    ]
    ends = [made(home, seed=seed).arrays["vertices_0"] for seed in (4, 9)]
    assert np.allclose(between.arrays["vertices_0"], ends[0], atol=1e-6)
    assert np.allclose(between.arrays["vertices_2"], ends[1], atol=1e-6)
    middle = between.arrays["vertices_1"]
    distance = np.abs(ends[1] - ends[0]).max()
    assert all(0.0 < np.abs(middle - end).max() < distance for end in ends)
    with pytest.raises(UserError, match="at least 2 were expected"):
        made(home, seed=4, towards=9)
    work = JobWork({}, home / "job", 1, ignore_progress, never_cancelled)
    with pytest.raises(UserError, match="makes voxels, and shapes between two seeds"):
        generate(GenerateParameters("chairs-32", count=2, towards=9), work)


def test_a_message_holds_as_many_textured_shapes_as_a_job_may_make(plums: Path, home: Path) -> None:
    arrays = made(home, count=2).arrays
    assert len(arrays) / 2 * MOST_SHAPES <= DEFAULT_LIMITS.arrays
    many = {f"{name}_{copy}": array for name, array in arrays.items() for copy in range(MOST_SHAPES // 2)}
    frames = encode(JobDone(new_id()), many, limits=DEFAULT_LIMITS)  # its header is checked as well
    assert decode(frames, accept=FROM_SERVER, limits=DEFAULT_LIMITS).arrays.keys() == many.keys()


def test_there_is_no_other_mesh_of_a_textured_shape(plums: Path, home: Path) -> None:
    model = find_model("plums-16")
    order = MeshOrder(model.name, model.hash, 7, 1.0, 0.4, 1.0, 1, None, str(model.path), True)
    with MeshMaker(home) as maker:
        maker.order(Ticket(b"peer", b"request"), order)
        end = time.monotonic() + PATIENCE
        while not (answers := maker.poll()):
            assert time.monotonic() < end
            time.sleep(0.01)
    (answer,) = answers
    assert answer.error is not None
    assert answer.error.tag == "bad_request"
    assert "makes surfaces with a texture and no voxels" in answer.error.message


def test_what_a_data_set_says_of_its_views_fits_the_method() -> None:
    known = {"views.azimuth_degrees": [0.0, 90.0], "views.width": 1.2}
    assert view_settings("voxel_gan", known) == known
    assert view_settings("textured_mesh_gan", known) == {"views.azimuth_degrees": [0.0, 90.0]}


def test_a_run_is_shown_by_the_picture_of_its_first_scene_not_by_its_parts(tmp_path: Path) -> None:
    sheet = np.full((20, 32, 3), GAP_GREY, np.uint8)
    for column, colour in enumerate(((10, 200, 10), (128, 128, 255), (250, 0, 0))):
        sheet[:8, 12 * column : 12 * column + 8] = colour
        sheet[12:, 12 * column : 12 * column + 8] = (200, 200, 200)  # the last row is real
    RunFolder(tmp_path).save_sample("images-000000100", sheet)
    picture = model_picture(tmp_path, "textured_mesh_gan")
    assert picture is not None
    assert np.array_equal(picture, np.full((8, 8, 3), (10, 200, 10)))


def photos(count: int = 20) -> dict[str, np.ndarray]:
    """Discs of one colour on white, as the files that an add-on sends."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:20j, -1:1:20j]
    files = []
    for _ in range(count):
        inside = rows**2 + columns**2 < random.uniform(0.4, 0.9) ** 2
        picture = np.where(inside[..., None], random.integers(0, 256, 3), 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        files.append(file.getvalue())
    return {
        "files": np.frombuffer(b"".join(files), np.uint8),
        "file_sizes": np.array([len(content) for content in files], np.int64),
        "file_names": np.frombuffer("\n".join(f"{index}.png" for index in range(count)).encode(), np.uint8),
    }


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with JobQueue(job_kinds(), home) as queue:
        yield queue


def drive(queue: JobQueue, until: Callable[[], bool]) -> list[Any]:
    news: list[Any] = []
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, f"too slow; the newest: {news[-1:]}"
        news += queue.poll()
        time.sleep(0.01)
    return news


def finish(queue: JobQueue, job: bytes) -> Job:
    drive(queue, lambda: queue.find(job).state.is_final)
    return queue.find(job)


def test_photos_become_a_model_of_textured_shapes_with_sheets_and_curves(queue: JobQueue, home: Path) -> None:
    job = bytes(range(16))
    queue.submit(job, "train", {**TRAIN, "name": "discs"}, photos())
    news = drive(queue, lambda: queue.find(job).state.is_final)
    assert queue.find(job).state is JobState.DONE, queue.find(job).error
    progress = [item for item in news if isinstance(item, JobProgressed)]
    assert any("preview" in item.arrays for item in progress)
    assert any("pictures" in note for item in progress for note in item.notes), "they are few, and it says so"
    result, arrays = queue.result(job)
    assert (result["run"], result["images"]) == ("discs", 16)
    assert arrays["scores"][:, 0].tolist() == [0.0, 16.0]
    assert {"sample", "curve_fid", "curve_generator_loss", "curve_discriminator_loss"} <= set(arrays)

    descriptions = ServerDescriptions([ComputeDevice("CPU", "cpu", 1, 1)], job_kinds())
    (summary,) = [model for model in descriptions.models() if model.name == "discs"]
    assert summary.method == "textured_mesh_gan"
    _, picture = descriptions.model_preview("discs")
    assert picture is not None
    assert picture.shape[0] == picture.shape[1]

    queue.submit(b"g" * 16, "generate", {"model": "discs", "seed": 3}, {})
    assert finish(queue, b"g" * 16).state is JobState.DONE
    assert queue.result(b"g" * 16)[1]["texture_0"].dtype == np.uint8

    other = {"name": "discs", "method": "voxel_gan", "config": "iggan-32", "resume": True}
    queue.submit(b"n" * 16, "train", other, {})
    error = finish(queue, b"n" * 16).error
    assert error is not None
    assert "'discs' holds a run of textured_mesh_gan" in error.message
    assert "--" not in error.hint
    assert json.loads((home / "runs" / "discs" / "metrics.jsonl").read_text().splitlines()[-1])["images"] == 16


def test_methods_and_presets_are_told(home: Path) -> None:
    descriptions = ServerDescriptions([ComputeDevice("CPU", "cpu", 1, 1)], job_kinds())
    methods = {method.name: method for method in descriptions.methods()}
    assert methods["textured_mesh"].method == "textured_mesh_gan"
    assert methods["iggan"].method == "voxel_gan"
    presets = {preset.name: (preset.method, preset.pictures) for preset in descriptions.presets()}
    assert presets["textured-photos-64"] == ("textured_mesh_gan", "photos")
    assert presets["iggan-32"] == ("voxel_gan", "renders")
