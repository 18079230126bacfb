# SPDX-License-Identifier: Apache-2.0
"""The job `render_dataset`, and trainings on data sets and on given objects, as clients of the real server see them."""

import importlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from unrender.configuration import read_toml
from unrender.data.dataset_rendering import DatasetRequest
from unrender.data.datasets import find_dataset, list_datasets, view_settings
from unrender.data.given_objects import read_objects
from unrender.errors import DataError, UserError
from unrender.serving.descriptions import ServerDescriptions
from unrender.serving.devices import ComputeDevice
from unrender.serving.handlers import RenderDatasetParameters, job_kinds
from unrender.serving.job_kinds import JobKinds, JobWork
from unrender.serving.job_queue import JobQueue
from unrender.serving.server import JobServer
from unrender_protocol.client import Client
from unrender_protocol.events import Arrived, Event
from unrender_protocol.messages import JobCancelled, JobDone, JobFailed, JobProgress, Message, ModelList
from unrender_protocol.transport import InProcessHub

LIMIT = 200.0
ORDER = {"name": "stools", "source": "chair", "count": 12, "views": 2, "size": 32, "samples": 1, "resolution": 16}
TINY = {
    "resolution": 16,
    "image_size": 32,
    "batch_size": 4,
    "total_images": 16,
    "evaluate_images": 16,
    "audit_samples": 2,
    "torch_threads": 1,
    "generator.latent": 8,
    "generator.channels": [8, 8],
    "discriminator.channels": [8, 8, 8],
    "proxy.width": 8,
    "proxy.pretrain_images": 8,
    "renderer.kind": "ray_march",
}
TRAIN = {"method": "voxel_gan", "config": "iggan-32", "name": "learnt", "overrides": TINY}

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ],
    np.int32,
)  # fmt: skip
OBJECTS = {
    "vertices_0": CUBE,
    "faces_0": CUBE_FACES,
    "vertices_1": CUBE * np.array([30.0, 1.0, 2.0], np.float32) + 100.0,
    "faces_1": np.ascontiguousarray(CUBE_FACES[:, ::-1]),
}


class Link:
    """The real server with kinds of jobs, and a client, driven from the test's thread."""

    def __init__(self, home: Path, kinds: JobKinds) -> None:
        self.queue = JobQueue(kinds, home)
        hub = InProcessHub()
        self._server = JobServer(hub, self.queue, ServerDescriptions([ComputeDevice("CPU", "cpu", 1, 1)], kinds))
        self.client = Client(hub.connect())
        self._events: list[Event] = []

    def close(self) -> None:
        self.client.close()
        self._server.close()
        self.queue.close()

    def wait(self, *kinds: type[Message], until: Callable[[Arrived], bool] = lambda event: True) -> Arrived:
        end = time.monotonic() + LIMIT
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, Arrived) and isinstance(event.message, kinds) and until(event):
                    return event
            assert time.monotonic() < end, f"no {kinds} came"
            self._server.step(0.01)
            self._events += self.client.poll(0.01)

    def error(self) -> JobFailed:
        message = self.wait(JobFailed, JobDone).message
        assert isinstance(message, JobFailed), message
        return message


class Ordered(Exception):
    """Instead of rendering."""


@pytest.fixture
def home(data_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def drawing() -> Iterator[JobKinds]:
    """The real kinds of jobs with drawings instead of renders, by a module that the job processes can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("rendering_for_tests").kinds_without_blender()


@pytest.fixture
def link(home: Path, drawing: JobKinds) -> Iterator[Link]:
    link = Link(home, drawing)
    yield link
    link.close()


def rendered(event: Arrived) -> bool:
    """Whether a report tells of an image."""
    return isinstance(event.message, JobProgress) and event.message.phase == "rendering" and event.message.done > 0


class TestRendering:
    def test_a_data_set_with_progress_a_sheet_and_a_name_on_the_list(
        self, link: Link, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0.05")  # what a job says last is dropped when it ends
        job = link.client.submit("render_dataset", ORDER)
        first = link.wait(JobProgress).message
        assert isinstance(first, JobProgress)
        assert (first.phase, first.total) == ("rendering", 24)
        shown = link.wait(JobProgress, until=lambda event: "preview" in event.arrays)
        assert shown.arrays["preview"].dtype == np.uint8
        assert max(shown.arrays["preview"].shape) <= 512
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        assert done.result == {"dataset": "stools", "images": 24}
        link.client.fetch(job, done.nbytes)
        assert link.wait(JobDone).arrays["sample"].shape == (256, 512, 3)
        link.client.list_models()
        listed = link.wait(ModelList).message
        assert isinstance(listed, ModelList)
        assert listed.datasets == ("stools",)
        assert len(list((home / "datasets" / "stools" / "images").iterdir())) == 24

        link.client.submit("render_dataset", ORDER | {"seed": 1})
        refused = link.error()
        assert (refused.tag, refused.hint) == ("dataset_exists", "Choose another name.")
        assert "'stools'" in refused.message

    def test_objects_are_scaled_into_the_ball_and_each_gets_its_views(self, link: Link, home: Path) -> None:
        link.client.submit("render_dataset", {"name": "things", "source": "objects", "views": 10, "size": 32}, OBJECTS)
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        assert done.result == {"dataset": "things", "images": 20}
        plan = json.loads((home / "datasets" / "things" / "dataset.json").read_text())["plan"]
        assert plan["asked"] == [2, 10, "iggan", "iggan"]

    def test_a_cancel_leaves_nothing(self, link: Link, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0.3")
        job = link.client.submit("render_dataset", ORDER | {"count": 1000})
        link.wait(JobProgress, until=rendered)
        link.client.cancel(job)
        link.wait(JobCancelled)
        assert list_datasets() == []
        left = [path for path in home.rglob("*") if path.is_file() and "ledger" not in path.name]
        assert left == []

    def test_a_killed_server_takes_it_up_where_it_was(
        self, home: Path, drawing: JobKinds, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0.2")
        link = Link(home, drawing)
        job = link.client.submit("render_dataset", ORDER)
        before = link.wait(JobProgress, until=rendered).message
        assert isinstance(before, JobProgress)
        link.close()
        assert list_datasets() == [], "half a data set is none"

        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0")
        link = Link(home, drawing)
        try:
            link.client.follow(job)
            after = link.wait(JobProgress).message
            assert isinstance(after, JobProgress)
            assert after.done >= before.done
            assert isinstance(link.wait(JobDone, JobFailed).message, JobDone)
        finally:
            link.close()
        assert list_datasets() == ["stools"]

    def test_a_data_set_does_not_wait_for_a_training(self, link: Link) -> None:
        assert len({kind.lane for kind in job_kinds().values()}) == 3

    @pytest.mark.parametrize(
        ("failure", "words"), [("all", "No image could be rendered: no light"), ("die", "ended with exit code 11")]
    )
    def test_a_blender_that_fails_is_one_sentence(
        self, link: Link, home: Path, monkeypatch: pytest.MonkeyPatch, failure: str, words: str
    ) -> None:
        monkeypatch.setenv("UNRENDER_TEST_FAILS", failure)
        link.client.submit("render_dataset", ORDER)
        error = link.error()
        assert error.tag == "render_failed"
        assert words in error.message
        assert list_datasets() == []


class TestTraining:
    def test_on_a_data_set_from_where_its_pictures_were_taken(self, link: Link, home: Path) -> None:
        link.client.submit("render_dataset", ORDER)
        link.wait(JobDone)
        link.client.submit("train", TRAIN | {"dataset": "stools"})
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        config = read_toml(home / "runs" / "learnt" / "config.toml")
        assert config["views"]["elevation_degrees"] == [10.0, 50.0]
        assert config["total_images"] == 16
        assert not (home / "runs" / "learnt" / "pictures").exists(), "it is not copied"

        link.client.submit("train", TRAIN | {"resume": True, "overrides": TINY | {"total_images": 32}})
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        assert done.result["images"] == 8 + 32
        assert read_toml(home / "runs" / "learnt" / "config.toml")["views"]["elevation_degrees"] == [10.0, 50.0]

    def test_settings_of_the_artist_come_before_those_of_the_data_set(self, link: Link, home: Path) -> None:
        link.client.submit("render_dataset", ORDER)
        link.wait(JobDone)
        overrides = TINY | {"views.elevation_degrees": [0.0, 5.0]}
        link.client.submit("train", TRAIN | {"dataset": "stools", "overrides": overrides})
        assert isinstance(link.wait(JobDone, JobFailed).message, JobDone)
        views = read_toml(home / "runs" / "learnt" / "config.toml")["views"]
        assert (views["elevation_degrees"], views["width"]) == ([0.0, 5.0], 1.1)

    def test_on_objects_that_are_rendered_first_paused_and_continued(
        self, link: Link, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0.2")
        parameters = TRAIN | {"images": 41}
        job = link.client.submit("train", parameters, OBJECTS)
        before = link.wait(JobProgress, until=rendered).message
        assert isinstance(before, JobProgress)
        assert before.total == 42, "21 of each object"
        link.client.cancel(job, 60.0)
        link.wait(JobCancelled)

        monkeypatch.setenv("UNRENDER_TEST_SECONDS", "0")
        link.client.submit("train", parameters | {"resume": True})
        after = link.wait(JobProgress, until=lambda event: getattr(event.message, "phase", "") == "rendering").message
        assert isinstance(after, JobProgress)
        assert after.done >= before.done, "what was rendered is not rendered again"
        phases = set()
        message: Message = after
        while isinstance(message, JobProgress):
            phases.add(message.phase)
            message = link.wait(JobDone, JobFailed, JobProgress).message
        assert isinstance(message, JobDone), message
        assert "adversarial" in phases
        pictures = sorted((home / "runs" / "learnt" / "pictures" / "images").iterdir())
        assert len(pictures) == 42
        with Image.open(pictures[0]) as image:
            assert image.size == (32, 32), "the size that the preset looks at"

    def test_a_data_set_too_small_to_learn_from_is_one_sentence_without_paths(self, link: Link, home: Path) -> None:
        link.client.submit("render_dataset", ORDER | {"count": 5})
        link.wait(JobDone)
        link.client.submit("train", TRAIN | {"dataset": "stools"})
        error = link.error()
        assert (error.tag, error.hint) == ("bad_data", "Add images: some hundreds or more make good shapes.")
        assert error.message == "Only 10 images can be used, and training needs at least 16."
        assert not (home / "runs" / "learnt").exists()

    def test_a_data_set_that_is_gone_is_said_when_a_run_continues(self, link: Link, home: Path) -> None:
        link.client.submit("render_dataset", ORDER)
        link.wait(JobDone)
        link.client.submit("train", TRAIN | {"dataset": "stools"})
        link.wait(JobDone)
        (home / "datasets" / "stools").rename(home / "elsewhere")
        link.client.submit("train", TRAIN | {"resume": True})
        error = link.error()
        assert (error.tag, error.message) == ("unknown_dataset", "There is no data set 'stools'.")
        assert (home / "runs" / "learnt" / "config.toml").is_file(), "the run is not to blame"


class TestBadInput:
    @pytest.mark.parametrize(
        ("kind", "parameters", "arrays", "tag", "words"),
        [
            ("train", TRAIN | {"dataset": "no-such"}, {}, "unknown_dataset", "There is no data set 'no-such'."),
            ("train", TRAIN | {"resume": True}, {}, "bad_data", "There is no training 'learnt' to continue."),
            ("train", TRAIN, {}, "bad_data", "came as none"),
            ("train", TRAIN | {"config": "no-such"}, {}, "bad_configuration", "There is no preset 'no-such'."),
            ("train", TRAIN | {"method": "magic"}, {}, "bad_configuration", "There is no method 'magic'."),
            ("train", TRAIN, OBJECTS | {"faces_1": CUBE_FACES[:0]}, "bad_mesh", "Object 2 has no faces."),
            ("render_dataset", {"name": "x", "source": "objects"}, {}, "bad_mesh", "No objects came with the job."),
            ("generate", {"model": "deleted"}, {}, "unknown_model", "There is no model 'deleted'."),
        ],
    )
    def test_is_one_sentence_with_a_next_step_and_leaves_nothing(
        self,
        link: Link,
        home: Path,
        kind: str,
        parameters: dict[str, Any],
        arrays: dict[str, np.ndarray],
        tag: str,
        words: str,
    ) -> None:
        link.client.submit(kind, parameters, arrays)
        error = link.error()
        assert error.tag == tag
        assert words in error.message
        assert error.hint
        assert "\n" not in error.message + error.hint
        assert not (home / "runs" / "learnt").exists()
        assert list_datasets() == []

    def test_no_blender_says_how_to_get_one(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNRENDER_BLENDER", "/no/such/blender")
        link = Link(home, job_kinds())
        try:
            link.client.submit("render_dataset", ORDER)
            error = link.error()
        finally:
            link.close()
        assert error.tag == "no_blender"
        assert "/no/such/blender, which is not there" in error.message
        assert "scripts/demo" in error.hint

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"name": "../elsewhere"}, "name is '../elsewhere'"),
            ({"name": ".hidden"}, "name is '.hidden'"),
            ({"name": "a/b"}, "name is 'a/b'"),
            ({"name": ""}, "name is ''"),
            ({"name": "x" * 65}, "name is"),
            ({"source": "teapot"}, "source is 'teapot', but one of chair"),
            ({"source": "/etc"}, "source is '/etc'"),
            ({"cameras": "below"}, "one of iggan, above, limited was expected"),
            ({"materials": "gold"}, "one of auto, keep, clay was expected"),
            ({"count": 0}, "count is 0"),
            ({"views": 10_001}, "views is 10001"),
            ({"size": 8}, "size is 8, but 16 to 1024"),
            ({"size": 4096}, "size is 4096"),
            ({"seed": -1}, "seed is -1"),
            ({"count": 100_000, "views": 2}, "the number of images is 200000, but 1 to 100000"),
            ({"count": 5_000, "size": 1024}, "are 39 GiB, but at most 16 GiB"),
            ({"out": "/tmp"}, "Unknown setting 'out'"),
            ({"count": 2.5}, "type int"),
        ],
    )
    def test_an_order_that_cannot_be_meant_is_refused_at_once(self, change: dict[str, Any], words: str) -> None:
        with pytest.raises(UserError, match=r"^[^\n]*$") as caught:
            job_kinds()["render_dataset"].check(ORDER | change)
        assert words in caught.value.message

    @pytest.mark.parametrize("change", [{"dataset": "../x"}, {"dataset": "a/b"}, {"images": 0}, {"cameras": "below"}])
    def test_a_training_takes_no_paths_for_data_sets(self, change: dict[str, Any]) -> None:
        with pytest.raises(UserError) as caught:
            job_kinds()["train"].check(TRAIN | change)
        assert caught.value.tag == "bad_request"


class TestObjects:
    def test_are_centred_scaled_and_turned_outward(self) -> None:
        for mesh in read_objects(OBJECTS):
            assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(0.48, abs=1e-5)
            assert np.abs(mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)).max() < 1e-5
            first, second, third = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
            assert np.einsum("ij,ij->", first, np.cross(second, third)) > 0.0

    def test_a_vertex_that_no_face_uses_does_not_count(self) -> None:
        far = np.concatenate([CUBE, np.array([[1e6, 0.0, 0.0]], np.float32)])
        (mesh,) = read_objects({"vertices_0": far, "faces_0": CUBE_FACES})
        assert np.linalg.norm(mesh.vertices[:8], axis=1).max() == pytest.approx(0.48, abs=1e-5)

    @pytest.mark.parametrize(
        ("change", "tag", "words"),
        [
            (
                {"vertices_1": np.full((8, 3), np.nan, np.float32)},
                "bad_mesh",
                "Object 2 has vertices at no finite place.",
            ),
            ({"vertices_0": CUBE + np.float32(np.inf)}, "bad_mesh", "Object 1 has vertices at no finite"),
            ({"faces_1": CUBE_FACES + 1}, "bad_mesh", "Object 2 has faces with vertices 1 to 8, but it has 8."),
            ({"faces_1": CUBE_FACES - 1}, "bad_mesh", "Object 2 has faces with vertices -1 to 6"),
            ({"faces_0": CUBE_FACES[:0]}, "bad_mesh", "Object 1 has no faces."),
            ({"vertices_0": CUBE[:0]}, "bad_mesh", "Object 1 has faces with vertices 0 to 7, but it has 0."),
            ({"vertices_0": CUBE * 0.0}, "bad_mesh", "Object 1 is only a point."),
            ({"vertices_0": CUBE.astype(np.float64)}, "bad_mesh", "vertices of object 1 came as float64 [8, 3]"),
            ({"faces_0": CUBE_FACES.ravel()}, "bad_mesh", "faces of object 1 came as int32 [36]"),
            ({"faces_1": None}, "bad_mesh", "faces of object 2 came not at all"),
            ({"vertices_0": None}, "bad_mesh", "vertices of object 1 came not at all"),
            ({"faces_0": np.zeros((2_000_001, 3), np.int32)}, "too_many_faces", "at most 2,000,000"),
        ],
    )
    def test_that_cannot_be_rendered_are_named(
        self, change: dict[str, np.ndarray | None], tag: str, words: str
    ) -> None:
        arrays = {name: array for name, array in (OBJECTS | change).items() if array is not None}
        with pytest.raises(DataError) as caught:
            read_objects(arrays)
        assert caught.value.tag == tag
        assert words in caught.value.message
        assert caught.value.hint

    def test_too_many(self) -> None:
        arrays = {f"vertices_{index}": CUBE for index in range(101)} | {f"faces_{i}": CUBE_FACES for i in range(101)}
        with pytest.raises(DataError, match="101 objects came, but at most 100"):
            read_objects(arrays)


def test_only_whole_data_sets_are_listed(home: Path) -> None:
    assert list_datasets() == []
    for name, files in {
        "whole": ("dataset.json", "manifest.jsonl"),
        "begun": ("dataset.json",),
        ".hidden": ("dataset.json", "manifest.jsonl"),
        "odd name": ("dataset.json", "manifest.jsonl"),
    }.items():
        (home / "datasets" / name).mkdir(parents=True)
        for file in files:
            (home / "datasets" / name / file).write_text("{}")
    assert list_datasets() == ["whole"]
    for name in ("begun", "..", "../runs", "", str(home)):
        with pytest.raises(UserError, match="There is no data set") as caught:
            find_dataset(name)
        assert caught.value.hint == "Known here: whole."


@pytest.mark.parametrize("record", ["", "{}", '{"plan": 3}', '{"plan": {"azimuth_degrees": [1]}}', "[]"])
def test_a_damaged_record_is_said_and_an_old_one_has_no_law(tmp_path: Path, record: str) -> None:
    assert view_settings(tmp_path) == {}
    (tmp_path / "dataset.json").write_text('{"plan": {"source": "chair", "width": 1.1}}')
    assert view_settings(tmp_path) == {}
    (tmp_path / "dataset.json").write_text(record)
    with pytest.raises(DataError, match="is damaged"):
        view_settings(tmp_path)


@pytest.mark.parametrize("materials", ["auto", "keep"])
def test_colours_of_shapes_are_rendered_where_they_are_asked_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, materials: str
) -> None:
    handler = importlib.import_module("unrender.serving.handlers.render_dataset")

    def order(request: DatasetRequest, *_: object) -> int:
        assert (request.source, request.materials) == ("mushroom", materials)
        assert f"--materials={materials}" in request.arguments()
        raise Ordered

    monkeypatch.setattr(handler, "render_pictures", order)
    work = JobWork({}, tmp_path, 1, lambda _: None, lambda: False)
    with pytest.raises(Ordered):
        handler.render_dataset(RenderDatasetParameters("mushrooms", "mushroom", materials=materials), work)


def test_the_job_asks_for_what_the_command_offers() -> None:
    offered = set(asdict(DatasetRequest("chair")))
    asked = set(RenderDatasetParameters.__dataclass_fields__) - {"name"}
    assert asked <= offered


def test_a_real_blender_renders_objects_and_a_training_learns_from_them(
    home: Path, blender_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", str(blender_python))
    link = Link(home, job_kinds())
    try:
        job = link.client.submit("render_dataset", ORDER | {"views": 500})
        link.wait(JobProgress, until=rendered)
        link.client.cancel(job)
        link.wait(JobCancelled)
        wait_until_nobody_renders(home)

        order = {"name": "boxes", "source": "objects", "views": 12, "size": 32, "samples": 1, "cameras": "above"}
        link.client.submit("render_dataset", order, OBJECTS)
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        assert done.result == {"dataset": "boxes", "images": 24}
        folder = home / "datasets" / "boxes"
        views = json.loads((folder / "cameras.json").read_text())["views"]
        assert all(15.0 <= np.degrees(view["elevation"]) <= 60.0 for view in views)
        assert len({view["azimuth"] for view in views}) == 24
        for view in views:
            with Image.open(folder / view["file"]) as image:
                assert 0.01 < (np.asarray(image)[..., 3] > 127).mean() < 0.8
        link.client.submit("train", TRAIN | {"dataset": "boxes"})
        done = link.wait(JobDone, JobFailed).message
        assert isinstance(done, JobDone), done
        config = read_toml(home / "runs" / "learnt" / "config.toml")
        assert config["views"]["elevation_degrees"] == [15.0, 60.0]
    finally:
        link.close()


def wait_until_nobody_renders(home: Path) -> None:
    """No process is left that was started to render into this test's folder."""
    end = time.monotonic() + 30.0
    while any(str(home) in " ".join(command_line(process)) for process in psutil.process_iter()):
        assert time.monotonic() < end, "a Blender outlived its job"
        time.sleep(0.05)


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.pid != os.getpid() else []
    except psutil.Error:
        return []
