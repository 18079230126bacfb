# SPDX-License-Identifier: Apache-2.0
"""Meshes become solids: closed forms, open and thin things, and whatever orientation faces have."""

import numpy as np
import pytest
import trimesh
from scipy import ndimage

from unrender.data.procedural.solids import box, paint, sweep
from unrender.data.voxelisation import voxelise_grid, voxelise_mesh


def centres(resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    c = (np.arange(resolution) + 0.5) / resolution - 0.5
    x, y, z = np.meshgrid(c, c, c, indexing="ij")
    return x, y, z


def voxelise(mesh: trimesh.Trimesh, resolution: int = 16) -> np.ndarray:
    return voxelise_mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces), resolution)


def pieces(grid: np.ndarray) -> int:
    return int(ndimage.label(grid, np.ones((3, 3, 3)))[1])


def test_a_sphere_has_its_volume_and_its_voxels() -> None:
    grid = voxelise(trimesh.creation.icosphere(4, radius=0.41), 32)
    x, y, z = centres(32)
    radius = np.sqrt(x**2 + y**2 + z**2)
    assert grid[radius < 0.40].all()
    assert not grid[radius > 0.42].any()
    assert grid.mean() == pytest.approx(4 / 3 * np.pi * 0.41**3, rel=0.01)


@pytest.mark.parametrize("resolution", [16, 32])
def test_a_box_along_the_voxels_is_exact(resolution: int) -> None:
    low, high = (-0.25, -0.375, -0.125), (0.3125, 0.25, 0.4375)
    mesh = trimesh.creation.box(bounds=np.array([low, high]))
    assert np.array_equal(voxelise(mesh, resolution), paint([box(low, high)], resolution))


def test_faces_may_point_anywhere_and_be_there_twice() -> None:
    mesh = trimesh.creation.icosphere(3, radius=0.4)
    faces = np.asarray(mesh.faces).copy()
    faces[::2] = faces[::2, ::-1]
    expected = voxelise(mesh)
    assert np.array_equal(voxelise_mesh(mesh.vertices, faces, 16), expected)
    assert np.array_equal(voxelise_mesh(mesh.vertices, np.concatenate([faces, faces]), 16), expected)


def tub(resolution: int) -> tuple[trimesh.Trimesh, np.ndarray]:
    """A closed surface with a hollow that is open above: a box, and a smaller one cut out of it."""
    outer, inner = [[-0.4, -0.25, -0.25], [0.4, 0.25, 0.25]], [[-0.3125, -0.125, -0.125], [0.3125, 0.125, 0.25]]
    shells = []
    for bounds, inward in ((outer, False), (inner, True)):
        mesh = trimesh.creation.box(bounds=np.array(bounds))
        is_lid = (np.abs(mesh.triangles[:, :, 2] - 0.25) < 1e-9).all(axis=1)
        mesh.update_faces(~is_lid)
        if inward:
            mesh.invert()
        shells.append(mesh)
    corners = [
        np.array([(b[i][0], b[j][1], 0.25) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]) for b in (outer, inner)
    ]
    rim = trimesh.Trimesh(
        np.concatenate(corners),
        [[i, (i + 1) % 4, 4 + i] for i in range(4)] + [[(i + 1) % 4, 4 + (i + 1) % 4, 4 + i] for i in range(4)],
    )
    solid = [
        sweep(2, (-0.25, 0.25), [(0.0, 0.0)] * 2, [(0.4, 0.25)] * 2),
        sweep(2, (-0.125, 1.0), [(0.0, 0.0)] * 2, [(0.3125, 0.125)] * 2).as_cut(),
    ]
    return trimesh.util.concatenate([*shells, rim]), paint(solid, resolution)


def test_a_tub_is_hollow_and_has_a_floor() -> None:
    mesh, expected = tub(16)
    assert mesh.is_watertight or len(mesh.faces) == 28
    grid = voxelise(mesh)
    assert (grid != expected).sum() <= 30  # one end of the thin walls, at 6.4 voxels, is on the edge
    assert not grid[8, 8, 7:].any()
    assert grid[8, 8, 4:6].all()


def test_an_open_box_of_no_thickness_keeps_its_walls_and_its_hollow() -> None:
    mesh = trimesh.creation.box((0.6, 0.6, 0.6))
    mesh.update_faces(~(np.abs(mesh.triangles[:, :, 2] - 0.3) < 1e-9).all(axis=1))
    grid = voxelise(mesh)
    assert not grid[8, 8, 6:].any()
    assert pieces(grid) == 1
    assert 0 < grid[:8, 8, 8].sum() <= 2
    assert 0 < grid[8, 8, :8].sum() <= 2


@pytest.mark.parametrize("thickness", [0.001, 0.01, 0.03, 0.06, 0.1])  # 0.016 to 1.6 voxels
@pytest.mark.parametrize("turn", [0.0, 0.35, 0.8])
def test_a_rod_of_any_thickness_stays_whole(thickness: float, turn: float) -> None:
    rod = trimesh.creation.box((thickness, thickness, 0.8))
    rod.apply_transform(trimesh.transformations.rotation_matrix(turn, (1, 2, 0)))
    rod.apply_translation((0.013, 0.021, 0.0))
    grid = voxelise(rod)
    assert pieces(grid) == 1
    assert np.ptp(np.argwhere(grid), axis=0).max() >= 8
    assert grid.sum() / (0.8 * 16) <= max(5, 3 * (16 * thickness) ** 2)  # voxels per length


def test_nothing_inside_of_a_closed_shape_counts() -> None:
    outside, inside = trimesh.creation.icosphere(3, radius=0.4), trimesh.creation.box((0.3, 0.2, 0.1))
    assert np.array_equal(voxelise(trimesh.util.concatenate([outside, inside])), voxelise(outside))


def test_a_grid_at_another_resolution_and_place() -> None:
    x, y, z = centres(48)
    ball = x**2 + y**2 + z**2 <= 0.3**2
    shell = ball & (x**2 + y**2 + z**2 >= 0.25**2)
    bx, by, bz = centres(16)
    expected = (bx - 0.1) ** 2 + by**2 + bz**2 <= 0.3**2
    for grid in (ball, shell):  # a shell's hollow cannot be seen
        moved = voxelise_grid(grid, np.array([24 - 4.8, 24, 24]), 1 / 48, 16)
        assert (moved != expected).mean() < 0.01
