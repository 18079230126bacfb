# SPDX-License-Identifier: Apache-2.0
"""Passes on disk and the writers: formats that others read, motion that leads to the right pixel."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_addon.rendering import png
from blender_addon.rendering.backgrounds import Backgrounds, _resample, check_background
from blender_addon.rendering.cameras import CameraLaw
from blender_addon.rendering.exr import ExrError, read_exr
from blender_addon.rendering.exr_writer import write_exr
from blender_addon.rendering.manifest import DatasetError
from blender_addon.rendering.outputs import FOLDERS, Outputs, flow, unit
from blender_addon.rendering.plan import DatasetPlan, Views
from blender_addon.rendering.writers import WRITERS, check_writers
from blender_addon.rendering.writers.coco import annotation, encode_runs, run_lengths


@pytest.mark.parametrize(("shape", "channels"), [((37, 21, 4), "RGBA"), ((16, 5, 1), "Z"), ((64, 64, 2), "RG")])
def test_exr_files_keep_every_bit(tmp_path: Path, shape: tuple[int, ...], channels: str) -> None:
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    pixels[5:] = 0.25  # compressible and incompressible blocks
    write_exr(tmp_path / "a.exr", pixels, channels)
    (again,) = read_exr(tmp_path / "a.exr").values()
    np.testing.assert_array_equal(again, pixels)
    content = (tmp_path / "a.exr").read_bytes()
    (tmp_path / "cut.exr").write_bytes(content[: len(content) - 40])
    with pytest.raises(ExrError, match="damaged"):
        read_exr(tmp_path / "cut.exr")


def test_16_bit_png_files_are_read_by_others_and_by_ourselves(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 1), dtype=np.uint16)
    png.write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png"), np.uint16)[..., None], pixels)
    np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("field_of_view", [0.0, 50.0])
def test_flow_leads_every_point_to_its_pixel_in_the_next_view(field_of_view: float) -> None:
    law = CameraLaw("sphere", 5, 2, 32, field_of_view=field_of_view)
    one, other = law.view(0, ""), law.view(1, "")
    depth = np.zeros((32, 32))
    points = {}
    for point in np.random.default_rng(1).uniform(-0.25, 0.25, (20, 3)):
        u, v, z = project(one, point)
        row, column = int(v), int(u)
        # The point through the middle of that pixel at this depth.
        scale = one.lens.scale(z)
        camera = np.array([(column + 0.5 - 16) / scale, -(row + 0.5 - 16) / scale, -z, 1.0])
        depth[row, column] = z
        points[row, column] = (np.linalg.inv(one.pose) @ camera)[:3]
    motion = flow(depth, one, other)
    for (row, column), point in points.items():
        u, v, _ = project(other, point)
        np.testing.assert_allclose(motion[row, column], [u - column - 0.5, v - row - 0.5], atol=1e-6)
    assert not motion[depth == 0].any()


def project(view, point) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    x, y, z, _ = view.pose @ [*point, 1.0]
    scale = view.lens.scale(-z)
    return view.lens.centre[0] + x * scale, view.lens.centre[1] - y * scale, -z


def test_normals_are_unit_vectors_or_nothing() -> None:
    normals = unit(np.array([[[0.0, 0.0, 0.25], [0.0, 0.0, 0.0]]]))
    np.testing.assert_array_equal(normals, [[[0, 0, 1], [0, 0, 0]]])


def test_backgrounds_are_blended_in_linear_light() -> None:
    rgba = np.array([[[0.25, 0.25, 0.25, 0.5]]])
    assert Backgrounds("transparent", 1, 0).behind(rgba, 0) is rgba
    over = Backgrounds("#ff0000", 1, 0).behind(rgba, 0)
    np.testing.assert_allclose(over, [[[0.75, 0.25, 0.25, 1.0]]])


def test_pictures_are_resampled_by_area() -> None:
    values = np.arange(12.0).reshape(6, 2)
    np.testing.assert_allclose(_resample(values, 3), values.reshape(3, 2, 2).mean(axis=1))
    np.testing.assert_allclose(_resample(values, 4).mean(axis=0), values.mean(axis=0))
    np.testing.assert_allclose(_resample(np.ones((2, 1)), 7), 1.0)


def test_backgrounds_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="#808080"):
        check_background("grey")
    with pytest.raises(DatasetError, match="holds no pictures"):
        check_background(str(tmp_path))


def test_run_lengths_are_those_of_the_coco_tools() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2:5] = True
    mask[0, 5] = True
    assert run_lengths(mask) == [11, 3, 2, 3, 2, 3, 1, 1, 4]
    # What pycocotools 2.0.11 answers for this mask.
    assert annotation(mask)["segmentation"] == {"size": [5, 6], "counts": COCO_COUNTS}
    assert annotation(mask)["bbox"] == [2, 0, 4, 4]
    assert annotation(mask)["area"] == 10
    assert run_lengths(np.ones((2, 2), bool)) == [0, 4]


COCO_COUNTS = ";32000ON3"


def test_run_lengths_of_large_masks_come_back() -> None:
    mask = np.random.default_rng(0).random((200, 300)) > 0.5
    mask[:, 100:200] = True
    assert decode_runs(encode_runs(run_lengths(mask))) == run_lengths(mask)


def test_masks_are_what_pycocotools_decodes() -> None:
    tools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    mask = np.random.default_rng(0).random((33, 47)) > 0.7
    part = annotation(mask)["segmentation"]
    np.testing.assert_array_equal(tools.decode(part), mask)


def decode_runs(text: str) -> list[int]:
    """The inverse as the COCO tools have it."""
    runs: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[position]) - 48
            value |= (bits & 31) << (5 * shift)
            more = bool(bits & 32)
            position, shift = position + 1, shift + 1
            if not more and bits & 16:
                value |= -1 << (5 * shift)
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, DatasetPlan, list[dict]]:
    """Two objects of two views with all passes, written as a worker writes them."""
    passes = ("rgb", "mask", "depth", "normal", "index", "flow")
    plan = DatasetPlan("toys", views=2, count=2, size=16, passes=passes, field_of_view=40.0)
    for name in passes:
        (tmp_path / FOLDERS[name]).mkdir()
    outputs, views, records = Outputs(plan, tmp_path), Views(plan), []
    random = np.random.default_rng(0)
    for image in range(4):
        rgba = np.zeros((16, 16, 4))
        rgba[4:9, 5:12] = 1.0
        rendered = {"rgba": rgba, "colour": rgba, "depth": rgba[..., 0] * 2, "index": rgba[..., 0]}
        rendered["normal"] = random.normal(size=(16, 16, 3))
        outputs.write(image, rendered, views.view(image, "toys"), views.view(views.next_image(image), "toys"))
        files = outputs.paths(image)
        record = {"index": image, "file": files.pop("rgb"), "passes": files, "object": image // 2, "class": "toys"}
        records.append(record | {"name": f"toy{image // 2}", "azimuth": 0.0, "elevation": 0.0})
    return tmp_path, plan, records


def test_webdataset_shards_hold_each_image_with_its_passes(folder: tuple[Path, DatasetPlan, list[dict]]) -> None:
    out, plan, records = folder
    WRITERS["webdataset"](out, plan, records, Views(plan))
    content = (out / "webdataset" / "000000.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = archive.getnames()
        assert names[:3] == ["000000.png", "000000.json", "000000.mask.png"]
        assert len(names) == 4 * 7
        assert archive.extractfile("000001.depth.exr").read() == (out / "depth/000001.exr").read_bytes()
        assert "opencv_world_to_camera" in json.load(archive.extractfile("000003.json"))
    WRITERS["webdataset"](out, plan, records, Views(plan))
    assert (out / "webdataset" / "000000.tar").read_bytes() == content


def test_nerf_and_coco_files_name_images_that_are_there(folder: tuple[Path, DatasetPlan, list[dict]]) -> None:
    out, plan, records = folder
    for name in ("nerf", "coco", "folder"):
        WRITERS[name](out, plan, records, Views(plan))
    facts = json.loads((out / "nerf" / "000001" / "transforms.json").read_text())
    assert [(out / "nerf" / "000001" / frame["file_path"]).is_file() for frame in facts["frames"]] == [True, True]
    assert np.degrees(facts["camera_angle_x"]) == pytest.approx(40.0)
    matrix = np.array(facts["frames"][0]["transform_matrix"])
    assert matrix[:3, 2] @ matrix[:3, 3] > 0  # it looks along -z, back at the object
    coco = json.loads((out / "coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [record["file"] for record in records]
    assert {tuple(one["bbox"]) for one in coco["annotations"]} == {(5, 4, 7, 5)}


def test_hdf5_files_hold_everything(folder: tuple[Path, DatasetPlan, list[dict]]) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: the extra hdf5")
    out, plan, records = folder
    WRITERS["hdf5"](out, plan, records, Views(plan))
    with h5py.File(out / "dataset.h5") as file:
        assert file["images"].shape == (4, 16, 16, 4)
        assert file["depth"].shape == (4, 16, 16)
        assert file["part_index"].dtype == np.uint16
        assert file["object"][:].tolist() == [0, 0, 1, 1]


def test_writers_are_refused_before_anything_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = DatasetPlan("chair")
    with pytest.raises(DatasetError, match="no writer zip"):
        check_writers(("zip",), plan)
    with pytest.raises(DatasetError, match="--field-of-view"):
        check_writers(("nerf",), plan)
    with pytest.raises(DatasetError, match="pass mask"):
        check_writers(("coco",), DatasetPlan("chair", background="#ffffff"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="h5py"):
        check_writers(("hdf5",), plan)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"passes": ("rgb", "shine")}, "no pass shine"),
        ({"passes": ("depth",)}, "rgb"),
        ({"engine": "povray"}, "cycles, eevee, workbench"),
        ({"engine": "workbench", "passes": ("rgb", "normal")}, "Workbench has no pass normal"),
        ({"passes": ("rgb", "flow")}, "at least 2 views"),
        ({"size": 4}, "size is 4"),
        ({"views": 0}, "views is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"field_of_view": 170}, "field_of_view"),
        ({"cameras": "drone"}, "iggan-lvp"),
        ({"lights": "candle"}, "three-point"),
        ({"materials": "wood"}, "auto, keep, clay"),
        ({"image_format": "jpeg"}, "png16"),
    ],
)
def test_plans_that_make_no_sense_are_one_sentence(values: dict, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        DatasetPlan("chair", **values)


def test_the_fingerprint_ignores_where_things_lie_and_how_many_there_are() -> None:
    plan = DatasetPlan("/a/toys", kind="files", objects="abc", count=5)
    assert plan.fingerprint() == DatasetPlan("/b/toys", kind="files", objects="abc", count=9).fingerprint()
    assert plan.fingerprint() != DatasetPlan("/a/toys", kind="files", objects="abd", count=5).fingerprint()
    assert plan.fingerprint() != DatasetPlan("/a/toys", kind="files", objects="abc", count=5, samples=8).fingerprint()
