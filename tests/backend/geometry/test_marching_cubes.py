# SPDX-License-Identifier: Apache-2.0
"""Surfaces are closed, oriented and where they belong, for any field."""

import numpy as np
import pytest
import trimesh
from skimage import measure

from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field


def as_solid(field: np.ndarray) -> trimesh.Trimesh:
    vertices, faces = marching_cubes(field)
    assert vertices.dtype == np.float32
    assert faces.dtype == np.int32
    return trimesh.Trimesh(vertices, faces, process=False)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("smooth", [False, True])
def test_noise_gives_a_closed_oriented_manifold(share: float, smooth: bool) -> None:
    """Random voxels hold every one of the 256 cases, the ambiguous ones included."""
    grid = np.random.default_rng(7).random((14, 11, 12)) < share
    solid = as_solid(smooth_binary_field(grid) if smooth else grid.astype(np.float32))
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume > 0
    assert len(np.unique(solid.faces)) == len(solid.vertices)


def test_ball_has_the_volume_and_place_of_a_ball() -> None:
    centres = (np.arange(40) + 0.5) / 40 - 0.5
    x, y, z = np.meshgrid(centres, centres, centres, indexing="ij")
    field = (0.5 + 0.3 - np.sqrt((x - 0.1) ** 2 + (y + 0.05) ** 2 + z**2)).astype(np.float32)
    solid = as_solid(field)
    assert solid.volume == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=0.01)
    np.testing.assert_allclose(solid.center_mass, [0.1, -0.05, 0.0], atol=1e-3)
    distances = np.linalg.norm(solid.vertices - [0.1, -0.05, 0.0], axis=1)
    np.testing.assert_allclose(distances, 0.3, atol=1e-3)


def test_agrees_with_scikit_image_on_an_unambiguous_field() -> None:
    grid = np.zeros((16, 16, 16), bool)
    grid[3:12, 4:9, 2:14] = True
    field = smooth_binary_field(grid)
    vertices, faces = marching_cubes(field)
    reference, reference_faces, _, _ = measure.marching_cubes(np.pad(field, 1), 0.5)
    reference = (reference - 0.5) / 16 - 0.5
    assert faces.shape == reference_faces.shape
    np.testing.assert_allclose(
        vertices[np.lexsort(vertices.round(4).T)], reference[np.lexsort(reference.round(4).T)], atol=1e-4
    )


def test_the_smooth_field_separates_the_same_voxels() -> None:
    grid = np.random.default_rng(3).random((9, 9, 9)) < 0.4
    np.testing.assert_array_equal(smooth_binary_field(grid) > 0.5, grid)


def test_shapes_that_touch_the_border_are_closed() -> None:
    solid = as_solid(np.ones((4, 5, 6), np.float32))
    assert solid.is_watertight
    # Half a voxel beyond the outermost voxel centres lies the border of the cube; the level set is there.
    np.testing.assert_allclose(solid.bounds, [[-0.5] * 3, [0.5] * 3], atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_an_empty_field_gives_an_empty_mesh(value: float) -> None:
    vertices, faces = marching_cubes(np.full((4, 4, 4), value, np.float32))
    assert vertices.shape == (0, 3)
    assert faces.shape == (0, 3)
