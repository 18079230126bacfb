# SPDX-License-Identifier: Apache-2.0
"""Lists of objects and the readers of our own: what is understood, and what makes an object unusable."""

from pathlib import Path

import numpy as np
import pytest

from blender_addon.rendering.manifest import DatasetError
from blender_addon.rendering.sources.catalogue import digest, find_meshes, is_y_up
from blender_addon.rendering.sources.geometry import BadMeshError, into_ball, normalisation, upright
from blender_addon.rendering.sources.mesh_files import read_binvox, read_off

TETRAHEDRON = "OFF\n4 4 6\n0 0 0\n1 0 0\n0 2 0\n0 0 3\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_the_layouts_of_shapenet_modelnet_and_plain_folders(tmp_path: Path) -> None:
    touch(tmp_path / "shapenet", "03001627/1a2b/models/model_normalized.obj", "03001627/1a2b/images/texture0.jpg")
    touch(tmp_path / "modelnet", "bathtub/train/bathtub_0001.off", "bathtub/test/bathtub_0107.off")
    touch(tmp_path / "toys", "car.obj", "car.mtl", "boat.glb", ".hidden.obj", "__MACOSX/car.obj")
    (shape,) = find_meshes(tmp_path / "shapenet")
    assert (shape.name, shape.category) == ("03001627/1a2b", "chair")
    assert [item.category for item in find_meshes(tmp_path / "modelnet")] == ["bathtub", "bathtub"]
    assert [(item.name, item.category) for item in find_meshes(tmp_path / "toys")] == [
        ("boat", "toys"),
        ("car", "toys"),
    ]
    (single,) = find_meshes(tmp_path / "toys" / "car.obj")
    assert single.name == "car"


def test_an_object_with_several_files_counts_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.stl", "a.obj", "b.ply")
    assert [Path(item.path).name for item in find_meshes(tmp_path)] == ["a.obj", "b.ply"]


def test_sources_without_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no meshes"):
        find_meshes(tmp_path)
    with pytest.raises(DatasetError, match="no source"):
        find_meshes(tmp_path / "nothing")
    touch(tmp_path, "notes.txt")
    with pytest.raises(DatasetError, match="no mesh file"):
        find_meshes(tmp_path / "notes.txt")


def test_the_digest_knows_names_and_sizes(tmp_path: Path) -> None:
    touch(tmp_path, "a.obj", "b.obj")
    before = digest(find_meshes(tmp_path))
    assert digest(find_meshes(tmp_path)) == before
    (tmp_path / "a.obj").write_text("longer")
    assert digest(find_meshes(tmp_path)) != before


def test_which_axis_is_up_follows_from_the_format_unless_it_is_told() -> None:
    assert is_y_up(Path("a.obj"), "auto")
    assert not is_y_up(Path("a.off"), "auto")
    assert is_y_up(Path("a.off"), "y")
    assert not is_y_up(Path("a.obj"), "z")
    np.testing.assert_array_equal(upright(np.array([[1.0, 2.0, 3.0]]), True), [[1, -3, 2]])


def test_off_files_also_with_polygons_comments_and_the_header_of_modelnet(tmp_path: Path) -> None:
    path = tmp_path / "a.off"
    path.write_text(TETRAHEDRON)
    vertices, faces = read_off(path)
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]
    assert faces.tolist() == [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    path.write_text("OFF5 2 0 # a square and a triangle\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n0 0 1\n4 0 1 2 3\n3 0 1 4\n")
    assert read_off(path)[1].tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 4]]


@pytest.mark.parametrize(
    "content", ["", "PLY", "OFF\n", "OFF\n8 4 0\n0 0 0\n", "OFF\n1 1 0\n0 0 0\n3 0", "OFF\na b c\n"]
)
def test_damaged_off_files_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.off").write_text(content)
    with pytest.raises(BadMeshError, match=r"damaged|no OFF"):
        read_off(tmp_path / "a.off")


def binvox(grid: np.ndarray) -> bytes:
    """Runs of one voxel each."""
    values = grid.transpose(0, 2, 1).ravel().astype(np.uint8)
    runs = np.stack([values, np.ones_like(values)], axis=1).tobytes()
    return b"#binvox 1\ndim %d %d %d\ntranslate 0 0 0\nscale 1\ndata\n" % grid.shape + runs


def test_binvox_grids_come_in_the_order_x_y_z(tmp_path: Path) -> None:
    grid = np.zeros((4, 4, 4), bool)
    grid[3, 0, 0] = grid[0, 2, 1] = True
    (tmp_path / "a.binvox").write_bytes(binvox(grid))
    np.testing.assert_array_equal(read_binvox(tmp_path / "a.binvox"), grid)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#binvox 1\ndim 4 4 4\n",
        b"#binvox 1\ndim 4 4 4\ndata\n\1\5",
        b"#binvox 1\ndim 0 4 4\ndata\n",
        b"junk\ndata\n\1\1",
    ],
)
def test_damaged_binvox_files_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.binvox").write_bytes(content)
    with pytest.raises(BadMeshError):
        read_binvox(tmp_path / "a.binvox")


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_any_scale_comes_into_the_ball(scale: float) -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]], np.float64) * scale + 5.0 * scale
    ready = into_ball(points, np.array([[0, 1, 2], [0, 1, 3]], np.int32))
    assert np.linalg.norm(ready, axis=1).max() == pytest.approx(0.5, abs=1e-5)


def test_vertices_that_no_face_uses_do_not_count() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1000, 0, 0]], np.float64)
    ready = into_ball(points, np.array([[0, 1, 2]], np.int32))
    assert np.linalg.norm(ready[:3], axis=1).max() == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.empty((0, 3)), "no faces"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.full((3, 3), np.inf), "not finite"),
        (np.full((3, 3), 7.0), "no extent"),
    ],
)
def test_what_has_no_extent_is_named(points: np.ndarray, words: str) -> None:
    with pytest.raises(BadMeshError, match=words):
        normalisation(points)


def test_faces_that_name_missing_vertices_are_named() -> None:
    with pytest.raises(BadMeshError, match="vertex 7"):
        into_ball(np.eye(3), np.array([[0, 1, 7]], np.int32))
    with pytest.raises(BadMeshError, match="no faces"):
        into_ball(np.eye(3), np.empty((0, 3), np.int32))
