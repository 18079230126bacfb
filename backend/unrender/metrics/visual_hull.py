# SPDX-License-Identifier: Apache-2.0
"""How far shapes are from their visual hulls: whether a model makes hollows that no silhouette shows."""

import numpy as np
from jaxtyping import Bool, Float64

from unrender.networks.surface_kernels import compiled

SILHOUETTES = 64


def view_directions(count: int = SILHOUETTES) -> Float64[np.ndarray, "N 3"]:
    """Unit vectors over the half sphere, evenly (a Fibonacci spiral), the three axes first.

    Opposite directions have the same silhouette. The axes make the hull of every box exact.
    """
    spiral = count - 3
    height = (np.arange(spiral) + 0.5) / spiral
    turn = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(spiral)
    flat = np.sqrt(1.0 - height**2)
    return np.concatenate([np.eye(3), np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)])


def visual_hull(grid: Bool[np.ndarray, "X Y Z"], silhouettes: int = SILHOUETTES) -> Bool[np.ndarray, "X Y Z"]:
    """The voxels that no orthographic silhouette carves away.

    An empty voxel is carved if the line through its centre along one of `view_directions` meets no full voxel. Lines
    are followed exactly from voxel to voxel: no silhouette is rasterised.
    """
    if not grid.any():
        return grid.copy()
    hull: Bool[np.ndarray, "X Y Z"] = _carve(np.ascontiguousarray(grid), view_directions(silhouettes))
    return hull


def hull_gap(grid: Bool[np.ndarray, "X Y Z"], silhouettes: int = SILHOUETTES) -> float:
    """Volume of the visual hull outside the shape, over the volume of the shape; nan for an empty grid.

    0 for a convex solid (up to the silhouettes being finitely many), positive where there is a hollow that silhouettes
    cannot show, such as the inside of a bathtub.
    """
    volume = int(grid.sum())
    return float("nan") if volume == 0 else float(visual_hull(grid, silhouettes).sum() - volume) / volume


@compiled(inline="always")
def _steps(component):  # type: ignore[no-untyped-def]
    """Of a ray along one axis: the sign of its steps, and its length per voxel."""
    if component == 0.0:
        return 1, np.inf
    return (1 if component > 0.0 else -1), 1.0 / abs(component)


@compiled()
def _is_free(grid, x, y, z, direction):  # type: ignore[no-untyped-def]
    """Whether the ray from the middle of a voxel leaves the grid through empty voxels (Amanatides and Woo 1987)."""
    step_x, between_x = _steps(direction[0])
    step_y, between_y = _steps(direction[1])
    step_z, between_z = _steps(direction[2])
    until_x, until_y, until_z = 0.5 * between_x, 0.5 * between_y, 0.5 * between_z
    while True:
        if until_x <= until_y and until_x <= until_z:
            x, until_x = x + step_x, until_x + between_x
            outside = x < 0 or x >= grid.shape[0]
        elif until_y <= until_z:
            y, until_y = y + step_y, until_y + between_y
            outside = y < 0 or y >= grid.shape[1]
        else:
            z, until_z = z + step_z, until_z + between_z
            outside = z < 0 or z >= grid.shape[2]
        if outside:
            return True
        if grid[x, y, z]:
            return False


@compiled()
def _carve(grid, directions):  # type: ignore[no-untyped-def]
    hull = grid.copy()
    for x in range(grid.shape[0]):
        for y in range(grid.shape[1]):
            for z in range(grid.shape[2]):
                if grid[x, y, z]:
                    continue
                hull[x, y, z] = True
                for number in range(len(directions)):
                    direction = directions[number]
                    if _is_free(grid, x, y, z, direction) and _is_free(grid, x, y, z, -direction):
                        hull[x, y, z] = False
                        break
    return hull
