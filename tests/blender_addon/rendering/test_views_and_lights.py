# SPDX-License-Identifier: Apache-2.0
"""Cameras and lights of data sets: laws, files of cameras in both conventions, jitter."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from blender_addon.rendering.cameras import LAWS, CameraLaw, camera_axes, canonical, read_cameras
from blender_addon.rendering.lights import LIGHTS, find_lighting
from blender_addon.rendering.manifest import DatasetError


@pytest.mark.parametrize("law", LAWS)
def test_views_stay_in_the_ranges_of_their_law_and_depend_on_seed_and_index_alone(law: str) -> None:
    views = CameraLaw(law, seed=3, views=8, size=64)
    (low_a, high_a), (low_e, high_e) = (np.radians(pair) for pair in views.ranges("chair"))
    for image in range(200):
        azimuth, elevation = views.angles(image, "chair")
        assert low_a - 1e-9 <= math.remainder(azimuth, math.tau) <= high_a + 1e-9
        assert low_e - 1e-9 <= elevation <= high_e + 1e-9
        assert views.angles(image, "chair") == CameraLaw(law, seed=3, views=8, size=64).angles(image, "chair")
    if law != "turntable":
        assert views.angles(5, "chair") != CameraLaw(law, seed=4, views=8, size=64).angles(5, "chair")


def test_low_things_are_seen_from_above_whatever_their_folder_calls_them() -> None:
    law = CameraLaw("iggan", 0, 1, 64)
    assert law.ranges("loungeSofa")[1] == law.ranges("bathtub")[1] == (15.0, 60.0)
    assert law.ranges("chair")[1] == (-30.0, 60.0)
    assert canonical("limited") == "iggan-lvp"


def test_views_of_the_sphere_are_uniform_over_its_area() -> None:
    law = CameraLaw("sphere", 0, 1, 64)
    heights = [math.sin(law.angles(image, "")[1]) for image in range(2000)]
    counts, _ = np.histogram(heights, bins=4, range=(-1, 1))
    assert counts.min() > 400


def test_a_turntable_goes_round_evenly_from_the_front() -> None:
    law = CameraLaw("turntable", 0, 4, 64)
    assert [round(math.degrees(law.angles(image, "")[0])) for image in range(5)] == [0, 90, 180, 270, 0]
    np.testing.assert_allclose(camera_axes(0.0, 0.0)[2], [0, -1, 0])  # the camera stands at -Y, Blender's front


@pytest.mark.parametrize("field_of_view", [0.0, 40.0])
@pytest.mark.parametrize("convention", ["opencv_world_to_camera", "blender_camera_to_world"])
def test_cameras_that_were_written_are_read_again(tmp_path: Path, field_of_view: float, convention: str) -> None:
    law = CameraLaw("iggan", 1, 1, 64, field_of_view=field_of_view)
    view = law.view(3, "chair")
    kept = {convention, "projection", "width", "intrinsics"}
    entry = {key: value for key, value in view.facts().items() if key in kept}
    (tmp_path / "cameras.json").write_text(json.dumps({"size": 64, "views": [entry]}))
    (again,) = read_cameras(tmp_path / "cameras.json", 128)
    np.testing.assert_allclose(again.pose, view.pose, atol=1e-6)
    assert again.lens.focal == pytest.approx(2 * view.lens.focal)  # twice the pixels
    assert again.lens.width == view.lens.width


def test_both_conventions_project_a_point_to_the_same_pixel() -> None:
    facts = CameraLaw("sphere", 1, 1, 64, field_of_view=40.0).view(3, "").facts()
    point = np.array([0.1, -0.2, 0.3, 1.0])
    seen = np.array(facts["opencv_world_to_camera"]) @ point
    u, v, w = np.array(facts["intrinsics"]) @ seen[:3]
    x, y, z, _ = np.linalg.inv(facts["blender_camera_to_world"]) @ point
    focal = facts["intrinsics"][0][0]
    assert (u / w, v / w) == pytest.approx((32 + focal * x / -z, 32 - focal * y / -z))
    assert w > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no list of cameras"),
        ('{"views": []}', "lists no views"),
        ('{"views": [{}]}', "lacks 'blender_camera_to_world'"),
        ('{"views": [{"opencv_world_to_camera": [[1]]}]}', "no list of cameras"),
        ('{"views": [{"blender_camera_to_world": [[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}]}', "scaled"),
        ('{"views": [{"blender_camera_to_world": [[-1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}]}', "mirrored"),
    ],
)
def test_files_that_list_no_cameras_are_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "cameras.json").write_text(content)
    with pytest.raises(DatasetError, match=words):
        read_cameras(tmp_path / "cameras.json", 64)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_cameras(tmp_path / "nothing.json", 64)


def test_lights_are_unit_vectors_and_jitter_moves_them_by_so_much_at_most() -> None:
    for name in LIGHTS:
        plain = find_lighting(name)
        moved = plain.jittered(10.0, (7, 3))
        assert moved == plain.jittered(10.0, (7, 3))
        assert moved != plain.jittered(10.0, (7, 4))
        assert plain.jittered(0.0, (7, 3)) is plain
        for before, after in zip(plain.directions, moved.directions, strict=True):
            assert np.linalg.norm(before) == pytest.approx(1.0, abs=1e-3)
            assert np.degrees(np.arccos(np.clip(np.dot(before, after), -1, 1))) < 10.1


def test_lights_of_the_world_stay_while_the_camera_goes_round() -> None:
    axes = camera_axes(1.0, 0.5)
    assert find_lighting("iggan").in_camera_frame(axes) == find_lighting("iggan").directions
    seen = np.array(find_lighting("three-point").in_camera_frame(axes))
    np.testing.assert_allclose(seen @ axes, find_lighting("three-point").directions, atol=1e-6)


def test_lights_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="iggan, headlight, three-point"):
        find_lighting("candle")
    with pytest.raises(DatasetError, match="There is no picture"):
        find_lighting(str(tmp_path / "sky.hdr"))
