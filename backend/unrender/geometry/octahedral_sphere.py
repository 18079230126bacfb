# SPDX-License-Identifier: Apache-2.0
"""A sphere that unfolds into one square: the template of surfaces whose texture is a picture.

The octahedral map folds the square |x|, |y| <= 1 into an octahedron: its middle, |x| + |y| <= 1, is the front half,
and the four corners are folded over to the back. A border of the square meets itself, the left half of each side lying
on its right half.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int32


@dataclass(frozen=True, slots=True)
class OctahedralSphere:
    """The unit sphere as 8 k^2 triangles, counter-clockwise seen from outside.

    vertices: 4 k^2 + 2 points, without doubles. uv: one for each of the (2k + 1)^2 points of the unfolded grid; u to
    the right and v up as one sees the front (-Y), in [0, 1]. uv_faces: which uv the corners of each face have.
    """

    vertices: Float32[np.ndarray, "N 3"]
    faces: Int32[np.ndarray, "F 3"]
    uv: Float32[np.ndarray, "M 2"]
    uv_faces: Int32[np.ndarray, "F 3"]


def octahedral_sphere(k: int) -> OctahedralSphere:
    """Make the template from a grid of 2k x 2k cells; raises ValueError for k below 1."""
    if k < 1:
        raise ValueError(f"k came as {k}; expected at least 1 cell from the middle of the square to its border")
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(-k, k + 1), np.arange(k, -k - 1, -1)))
    points, vertex_of_grid = np.unique(_folded(x, y, k), axis=0, return_inverse=True)
    uv_faces = _grid_faces(k)
    return OctahedralSphere(
        vertices=_on_sphere(points),
        faces=vertex_of_grid.ravel()[uv_faces].astype(np.int32),
        uv=np.stack([0.5 + 0.5 * x / k, 0.5 + 0.5 * y / k], axis=1).astype(np.float32),
        uv_faces=uv_faces,
    )


def pixel_directions(side: int) -> Float32[np.ndarray, "side side 3"]:
    """Unit vectors that the pixel centres of a picture on the sphere stand for, row 0 at the top."""
    along = np.arange(1 - side, side, 2)
    x, y = np.meshgrid(along, along[::-1])
    return _on_sphere(_folded(x, y, side))


def _folded(x: Int[np.ndarray, "*grid"], y: Int[np.ndarray, "*grid"], k: int) -> Int[np.ndarray, "*grid 3"]:
    """Points of the octahedron |x| + |y| + |z| = k that those of the square |x|, |y| <= k are folded to."""
    front = k - np.abs(x) - np.abs(y)
    is_back = front < 0
    folded_x = np.where(is_back, np.sign(x) * (k - np.abs(y)), x)
    folded_y = np.where(is_back, np.sign(y) * (k - np.abs(x)), y)
    return np.stack([folded_x, -front, folded_y], axis=-1)


def _on_sphere(points: Int[np.ndarray, "*grid 3"]) -> Float32[np.ndarray, "*grid 3"]:
    return (points / np.linalg.norm(points, axis=-1, keepdims=True)).astype(np.float32)


def _grid_faces(k: int) -> Int32[np.ndarray, "F 3"]:
    """Two triangles per cell; diagonals run along the folds, so that no triangle is bent over one."""
    row, column = (index.ravel() for index in np.indices((2 * k, 2 * k)))
    side = 2 * k + 1
    top_left = row * side + column
    top_right, low_left, low_right = top_left + 1, top_left + side, top_left + side + 1
    falls = (row < k) == (column >= k)  # the fold of the upper right and of the lower left quarter falls to the right
    first = np.where(falls, low_right, top_right)
    second = np.where(falls, top_left, low_left)
    faces = np.stack([top_left, low_left, first, second, low_right, top_right], axis=1)
    return faces.reshape(-1, 3).astype(np.int32)
