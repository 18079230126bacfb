# SPDX-License-Identifier: Apache-2.0
"""Folders of shapes: how objects are found, which way is up, what is kept, and what is said of bad files."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from unrender.data.binvox import read_binvox
from unrender.data.procedural import BALL_RADIUS
from unrender.data.shape_files import ShapeFile, category_of, find_shape_files, load_solid
from unrender.data.shape_folder import load_shape_folder
from unrender.errors import CancelledError, DataError


def signpost() -> trimesh.Trimesh:
    """A tall block along +Z with an arm at the top towards +X and a short one towards -Y: no two sides are alike."""
    blocks = [
        ((-0.1, -0.1, -1.0), (0.1, 0.1, 1.0)),
        ((0.1, -0.1, 0.7), (0.8, 0.1, 1.0)),
        ((-0.1, -0.5, 0.4), (0.1, -0.1, 0.6)),
    ]
    return trimesh.util.concatenate([trimesh.creation.box(bounds=np.array(block)) for block in blocks])


def y_up(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The same thing as files with Y up hold it: (x, y, z) is written (x, z, -y)."""
    x, y, z = mesh.vertices.T
    return trimesh.Trimesh(np.stack([x, z, -y], axis=1), mesh.faces, process=False)


def assert_signpost(grid: np.ndarray) -> None:
    x, y, z = (axis.ravel() for axis in np.nonzero(grid))
    top, middle = z > 12, z < 6
    assert x[top].max() > x[middle].max() + 2  # the arm points to +X, at the top
    assert x[top].min() >= x[middle].min() - 1
    assert y.min() < y[middle].min() - 1  # the short one to -Y
    assert y.max() == y[middle].max()


def write(mesh: trimesh.Trimesh, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh.export(path)
    return path


def binvox_file(path: Path, grid: np.ndarray) -> Path:
    """Write [X, Y, Z] as the format's page says: x slowest, then z, y fastest; runs of up to 255 voxels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = grid.transpose(0, 2, 1).ravel()
    body, start = bytearray(), 0
    while start < len(values):
        end = start
        while end < len(values) and end - start < 255 and values[end] == values[start]:
            end += 1
        body += bytes([int(values[start]), end - start])
        start = end
    sides = f"{grid.shape[0]} {grid.shape[2]} {grid.shape[1]}"
    header = f"#binvox 1\ndim {sides}\ntranslate -0.5 -0.5 -0.5\nscale 1\ndata\n"
    path.write_bytes(header.encode() + bytes(body))
    return path


@pytest.mark.parametrize("suffix", [".off", ".ply", ".stl"])
def test_formats_with_z_up(suffix: str, tmp_path: Path) -> None:
    assert_signpost(load_solid(write(signpost(), tmp_path / f"post{suffix}"), 16))


@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_formats_with_y_up(suffix: str, tmp_path: Path) -> None:
    assert_signpost(load_solid(write(y_up(signpost()), tmp_path / f"post{suffix}"), 16))


def test_the_up_axis_can_be_stated(tmp_path: Path) -> None:
    assert_signpost(load_solid(write(signpost(), tmp_path / "post.obj"), 16, up="z"))
    assert_signpost(load_solid(write(y_up(signpost()), tmp_path / "post.off"), 16, up="y"))


def test_binvox_has_y_up_and_runs_along_y(tmp_path: Path) -> None:
    grid = np.zeros((24, 24, 24), bool)
    grid[8:11, 2:22, 8:11] = True  # upright along y
    grid[11:18, 18:22, 8:11] = True  # towards +x at the top
    grid[8:11, 15:18, 11:15] = True  # towards +z, which is -y once upright
    path = binvox_file(tmp_path / "post.binvox", grid)
    assert np.array_equal(read_binvox(path), grid)
    assert_signpost(load_solid(path, 16))


def test_every_shape_fills_the_ball(tmp_path: Path) -> None:
    mesh = signpost()
    mesh.apply_scale(37.0)
    mesh.apply_translation((500.0, -3.0, 8.0))
    grid = load_solid(write(mesh, tmp_path / "post.off"), 32)
    points = (np.argwhere(grid) + 0.5) / 32 - 0.5
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(BALL_RADIUS, abs=1.5 / 32)
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    assert np.abs(middle).max() <= 0.5 / 32


def test_modelnet_files_without_their_first_line_break(tmp_path: Path) -> None:
    path = tmp_path / "box.off"
    text = trimesh.creation.box().export(file_type="off")
    path.write_text(text.replace("OFF\n", "OFF", 1), encoding="ascii")
    grid = load_solid(path, 32)
    assert grid.mean() == pytest.approx((2 * BALL_RADIUS / np.sqrt(3)) ** 3, rel=0.15)


def described(files: tuple[ShapeFile, ...]) -> list[tuple[str, str, str]]:
    return [(file.name, file.category, file.split) for file in files]


def test_shapenet_folders(tmp_path: Path) -> None:
    root = tmp_path / "ShapeNetCore.v2"
    for model in ("1a04", "ff21"):
        for name in ("model_normalized.obj", "model_normalized.solid.binvox", "model_normalized.surface.binvox"):
            path = root / "02808440" / model / "models" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    expected = [("02808440/1a04", "bathtub", "train"), ("02808440/ff21", "bathtub", "train")]
    files = find_shape_files(root)
    assert described(files) == expected
    assert files[0].path.name == "model_normalized.obj"
    files = find_shape_files(root / "02808440")
    assert described(files) == [("1a04", "bathtub", "train"), ("ff21", "bathtub", "train")]
    for path in root.rglob("*.obj"):
        path.unlink()
    assert find_shape_files(root)[0].path.name == "model_normalized.solid.binvox"


def test_modelnet_folders_bring_their_own_split(tmp_path: Path) -> None:
    for name in ("train/chair_0001", "train/chair_0002", "test/chair_0890"):
        write(trimesh.creation.box(), tmp_path / "ModelNet10" / "chair" / f"{name}.off")
    (tmp_path / "ModelNet10" / "README.txt").touch()
    expected = [("test/chair_0890", "held_out"), ("train/chair_0001", "train"), ("train/chair_0002", "train")]
    for root, prefix in ((tmp_path / "ModelNet10", "chair/"), (tmp_path / "ModelNet10" / "chair", "")):
        files = find_shape_files(root, held_out=0.5)
        assert described(files) == [(prefix + name, "chair", split) for name, split in expected]


def test_a_plain_folder_is_split_by_the_names_of_its_objects(tmp_path: Path) -> None:
    folder = tmp_path / "Mugs"
    folder.mkdir()
    for index in range(200):
        (folder / f"mug_{index:03d}.obj").touch()
    files = find_shape_files(folder, held_out=0.1)
    held_out = {file.name for file in files if file.split == "held_out"}
    assert 8 <= len(held_out) <= 35
    assert category_of(files) == "mugs"
    for index in range(200, 260):
        (folder / f"mug_{index:03d}.obj").touch()
    more = find_shape_files(folder, held_out=0.1)
    assert {file.name for file in more if file.split == "held_out" and int(file.name[-3:]) < 200} == held_out
    assert all(file.split == "train" for file in find_shape_files(folder))


def test_several_classes_have_no_common_name(tmp_path: Path) -> None:
    for name in ("chair/a.obj", "table/b.obj"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert category_of(find_shape_files(tmp_path)) == ""


def test_a_folder_becomes_grids_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meshes = [trimesh.creation.icosphere(2), trimesh.creation.box((1, 1, 3)), signpost()]
    for index, mesh in enumerate(meshes):
        write(mesh, tmp_path / "things" / f"{index}.off")
    (tmp_path / "things" / "broken.off").write_text("OFF\n9 9 0\n0 0 0\n", encoding="ascii")
    files = find_shape_files(tmp_path / "things")
    reports: list[tuple[int, int]] = []
    shapes = load_shape_folder(files, 16, tmp_path / "cache", lambda *report: reports.append(report))
    assert reports[-1] == (4, 4)
    assert shapes.names == ("0", "1", "2")
    assert [name for name, _ in shapes.skipped] == ["broken"]
    assert torch.equal(shapes.grids(torch.tensor([2]))[0, 0], torch.from_numpy(load_solid(files[2].path, 16)))
    assert shapes.grids(torch.tensor([0, 1])).shape == (2, 1, 16, 16, 16)

    def forbidden(path: Path, resolution: int, up: str) -> np.ndarray:
        raise DataError("voxelised again")

    monkeypatch.setattr("unrender.data.shape_folder.load_solid", forbidden)
    again = load_shape_folder(files, 16, tmp_path / "cache")
    assert again.identity == shapes.identity
    assert torch.equal(again.grids(torch.arange(3)), shapes.grids(torch.arange(3)))
    os.utime(files[0].path, ns=(1, 1))
    assert load_shape_folder(files, 16, tmp_path / "cache").names == ("1", "2")  # changed: it would be voxelised again


def test_bad_folders_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder of shapes.*procedural"):
        find_shape_files(tmp_path / "chairs")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no shapes.*\.binvox"):
        find_shape_files(tmp_path / "empty")
    write(trimesh.Trimesh(np.full((3, 3), np.nan), [[0, 1, 2]], process=False), tmp_path / "bad" / "a.off")
    (tmp_path / "bad" / "b.binvox").write_bytes(b"#binvox 1\ndim 4 4 4\ndata\n\x01\x05")
    (tmp_path / "bad" / "c.obj").write_text("v 0 0 0\n", encoding="ascii")
    with pytest.raises(DataError, match=r"None of the 3 shapes.*not finite.*runs do not fill.*no faces"):
        load_shape_folder(find_shape_files(tmp_path / "bad"), 16)


def test_voxelising_can_be_stopped(tmp_path: Path) -> None:
    write(trimesh.creation.box(), tmp_path / "box.off")
    with pytest.raises(CancelledError, match="0 of 1 shapes"):
        load_shape_folder(find_shape_files(tmp_path), 16, cancelled=lambda: True)
