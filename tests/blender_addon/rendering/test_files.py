# SPDX-License-Identifier: Apache-2.0
"""PNG files, settings and the plan of a data set: the parts of the renderer that need no Blender."""

import io
import math
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_addon.rendering import png
from blender_addon.rendering.exr import ExrError, read_exr
from blender_addon.rendering.manifest import DatasetError, Manifest
from blender_addon.rendering.settings import RenderSettings, SettingsError


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_files_are_read_by_others_and_by_ourselves(tmp_path: Path, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    png.write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")).reshape(5, 7, channels), pixels)
    np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_foreign_and_damaged_png_files_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((16, 16), 50).save(buffer, "png")
    content = buffer.getvalue()
    for name, data in (("cut", content[: len(content) // 2]), ("text", b"hello"), ("empty", b"")):
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        with pytest.raises(png.PngError):
            png.read_png(path)


def test_premultiplied_linear_light_becomes_straight_srgb() -> None:
    rgba = np.array([[[0.5, 0.25, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]], np.float32)
    # Half-covered white-ish: straight (1, .5, 0); 0.5 linear is 188 in sRGB.
    np.testing.assert_array_equal(png.straight_srgb(rgba)[0], [[255, 188, 0, 128], [0, 0, 0, 0], [255, 255, 255, 255]])


def test_a_file_that_is_no_exr_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.exr"
    path.write_bytes(random.Random(0).randbytes(100))
    with pytest.raises(ExrError, match="no EXR file"):
        read_exr(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sise": 64}, "sise"),
        ({"size": 0}, "size is 0"),
        ({"engine": "pov"}, "cycles, eevee, workbench"),
        ({"field_of_view": 4.0}, "field_of_view"),
        ({"light_intensities": [1.0]}, "0 light directions came with 1"),
        ({"passes": ["mist"]}, "mist"),
        ({"engine": "workbench", "passes": ["normal"]}, "no normal pass"),
    ],
)
def test_wrong_settings_are_named(values: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        RenderSettings.from_dict(values)


def test_settings_survive_the_wire() -> None:
    settings = RenderSettings(32, 2, light_directions=((0.0, 0.0, 1.0),), light_intensities=(0.5,), field_of_view=0.5)
    as_lists = {key: list(value) if isinstance(value, tuple) else value for key, value in settings.to_dict().items()}
    assert RenderSettings.from_dict(as_lists) == settings


def record(index: int) -> dict:
    return {"index": index, "file": f"images/{index:06d}.png", "object": index, "config": "abc"}


def test_a_manifest_continues_and_knows_what_is_missing(tmp_path: Path) -> None:
    manifest = Manifest.open(tmp_path, "abc", {"count": 4, "seed": 0}, (0, 1), resume=False)
    for index in (0, 1, 3):
        (tmp_path / "images" / f"{index:06d}.png").touch()
        manifest.add(record(index))
    manifest.save()
    (tmp_path / "images" / "000001.png").unlink()
    again = Manifest.open(tmp_path, "abc", {"count": 6, "seed": 0}, (0, 1), resume=True)
    assert again.missing(range(6)) == [1, 2, 4, 5]


def test_a_folder_with_another_data_set_is_refused(tmp_path: Path) -> None:
    Manifest.open(tmp_path, "abc", {"count": 4, "samples": 4}, (0, 1), resume=False)
    with pytest.raises(DatasetError, match="holds this data set already"):
        Manifest.open(tmp_path, "abc", {"count": 4, "samples": 4}, (0, 1), resume=False)
    with pytest.raises(DatasetError, match="samples 4, now 8"):
        Manifest.open(tmp_path, "xyz", {"count": 4, "samples": 8}, (0, 1), resume=True)


def test_shards_join_to_one_manifest(tmp_path: Path) -> None:
    plan = {"count": 6, "seed": 0}
    shards = [Manifest.open(tmp_path, "abc", plan, (i, 2), resume=True) for i in range(2)]
    for index in range(6):
        shards[index % 2].add(record(index))
    for shard in shards:
        shard.save()
    assert [one["index"] for one in shards[0].all_records()] == list(range(6))
    assert math.prod(len(path.read_text().splitlines()) for path in tmp_path.glob("manifest-*.jsonl")) == 9


def test_what_a_killed_run_left_half_written_goes_with_the_next_run(tmp_path: Path) -> None:
    plan = {"count": 4, "views": 2}
    Manifest.open(tmp_path, "abc", plan, (0, 1), resume=False)
    (tmp_path / "depth").mkdir()
    names = ["depth/.000003.exr.77", "images/.000004.png.77", ".cameras.json.77", "images/.keep", "images/000001.png"]
    for name in names:
        (tmp_path / name).touch()
    Manifest.open(tmp_path, "abc", plan, (0, 2), resume=True)  # objects 0 and 2: images 0, 1, 4, 5
    assert [name for name in names if (tmp_path / name).exists()] == [names[0], *names[2:]]
    Manifest.open(tmp_path, "abc", plan, (0, 1), resume=True)
    assert [name for name in names if (tmp_path / name).exists()] == names[3:]
