# SPDX-License-Identifier: Apache-2.0
"""Shapes that come with a texture: what crosses the wire is checked, and what Blender makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from blender_addon.connection.shapes import BadResultError, read_shapes
from blender_addon.rendering.png import read_png
from tests.blender_addon.case_runs import CASES, names_of_cases, run_cases
from tests.blender_addon.fake_server import BALL_UV, BALL_UV_FACES, ball

TEXTURED_CASES = CASES / "textured_cases.py"
RESULT = {"shapes": [{"index": 0, "seed": 7, "name": "ball_0007"}]}
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return run_cases(TEXTURED_CASES, blender_python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("case", [*names_of_cases(TEXTURED_CASES), "exit"])
def test_case(results: Mapping[str, str], case: str) -> None:
    assert not results[case], results[case]


def arrays_of_a_ball() -> Arrays:
    return {f"{name}_0": array for name, array in ball(7).items()}


def test_every_corner_has_its_place_and_the_picture_is_a_file_of_the_same_pixels(tmp_path: Path) -> None:
    (shape,) = read_shapes(RESULT, arrays_of_a_ball())
    assert shape.texture is not None
    np.testing.assert_array_equal(shape.texture.corner_uv, BALL_UV[BALL_UV_FACES])
    assert not shape.topology.sharp.any()
    (tmp_path / "ball.png").write_bytes(shape.texture.png)
    np.testing.assert_array_equal(read_png(tmp_path / "ball.png"), ball(7)["texture"])


def test_the_mean_colour_is_linear() -> None:
    arrays = arrays_of_a_ball()
    arrays["texture_0"] = np.full((4, 4, 3), 188, np.uint8)
    (shape,) = read_shapes(RESULT, arrays)
    assert shape.texture is not None
    assert shape.texture.mean_colour == pytest.approx((0.503, 0.503, 0.503), abs=1e-3)


def test_faces_that_are_lines_are_left_out_with_their_places() -> None:
    arrays = arrays_of_a_ball()
    arrays["faces_0"] = arrays["faces_0"].copy()
    arrays["faces_0"][2] = [3, 3, 5]
    (shape,) = read_shapes(RESULT, arrays)
    assert shape.texture is not None
    assert len(shape.faces) == 7
    np.testing.assert_array_equal(shape.texture.corner_uv, np.delete(BALL_UV[BALL_UV_FACES], 2, axis=0))


def test_shapes_of_voxels_have_none() -> None:
    arrays = {name: array for name, array in arrays_of_a_ball().items() if name in ("vertices_0", "faces_0")}
    (shape,) = read_shapes(RESULT, arrays)
    assert shape.texture is None
    assert shape.topology.sharp.any(), "they keep their edges"


def without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {key: array for key, array in arrays.items() if key != name}


def instead(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {**arrays, name: change(arrays[name])}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without("uv_0"), "uv_0 is missing"),
        (without("texture_0"), "texture_0 is missing"),
        (instead("uv_0", lambda uv: uv.astype(np.float64)), "expected float32"),
        (instead("uv_0", lambda uv: uv * np.float32("nan")), "finite"),
        (instead("uv_0", lambda uv: uv[:, :1]), r"expected float32 \(n, 2\)"),
        (instead("uv_faces_0", lambda faces: faces + 1), "points outside its 9 places"),
        (instead("uv_faces_0", lambda faces: faces - 1), "points outside its 9 places"),
        (instead("uv_faces_0", lambda faces: faces[:-1]), r"expected int32 \(8, 3\)"),
        (instead("texture_0", lambda picture: picture / 255.0), "expected uint8"),
        (instead("texture_0", lambda picture: picture[..., 0]), r"expected uint8 \(h, w, 3\)"),
        (instead("texture_0", lambda picture: picture[:0]), r"expected uint8 \(h, w, 3\)"),
        (instead("texture_0", lambda _: np.zeros((1, 9000, 3), np.uint8)), "at most 8192"),
    ],
)
def test_what_is_no_texture_is_refused(damage: Callable[[Arrays], Arrays], says: str) -> None:
    with pytest.raises(BadResultError, match=says):
        read_shapes(RESULT, damage(arrays_of_a_ball()))
