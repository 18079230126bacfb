# SPDX-License-Identifier: Apache-2.0
"""Solid voxel grids of meshes as they come from the internet: open, self-touching, with sheets of no thickness.

The surface is drawn into a grid several times finer than the one asked for; what cannot be reached from outside without
crossing it is inside. A voxel is full where half of it is, so closed shapes come out at their size; and parts thinner
than a voxel, which never fill half of one, are kept by themselves, or chairs would lose their legs.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from scipy import ndimage

_FINE_SIDE = 128  # fine voxels a side, at least; a whole multiple of the grid's
_LEAST_FACTOR = 3
_SPACING = 0.8  # of surface samples, in fine voxels: at most .85 leaves no gap that a face-connected flood passes
_MOST_SAMPLES = 4_000_000  # at once


def voxelise_mesh(
    vertices: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "F 3"], resolution: int
) -> Bool[np.ndarray, "X Y Z"]:
    """The solid of a triangle mesh inside the cube of side 1 around the origin.

    Faces may have any orientation and need not close: an opening wider than a fine voxel (1/128 of the cube, or a
    third of a voxel) is an opening, through which the inside counts as outside, as in a tub.
    """
    factor = _factor(resolution)
    side = factor * resolution
    surface = np.zeros((side,) * 3, bool)
    for points in _surface_samples(vertices.astype(np.float64), faces, _SPACING / side):
        index = np.clip((points + 0.5) * side, 0, side - 1).astype(np.int64)
        surface[index[:, 0], index[:, 1], index[:, 2]] = True
    return _solid(surface, surface, factor)


def voxelise_grid(
    solid: Bool[np.ndarray, "X Y Z"], to_index: Float[np.ndarray, "3"], step: float, resolution: int
) -> Bool[np.ndarray, "x y z"]:
    """A voxel grid at another resolution and place; cavities that cannot be reached from outside are filled.

    Point p of the cube of side 1 around the origin lies at `to_index + p / step` in the old grid, in voxels from its
    lower corner.
    """
    factor = _factor(resolution)
    side = factor * resolution
    solid = _unreachable(solid)  # before its voxels are scaled, which could open a thin wall
    centres = (np.arange(side) + 0.5) / side - 0.5
    index = [np.floor(start + centres / step).astype(np.int64) for start in to_index]
    known = [(i >= 0) & (i < count) for i, count in zip(index, solid.shape, strict=True)]
    fine = solid[np.ix_(*(np.clip(i, 0, count - 1) for i, count in zip(index, solid.shape, strict=True)))]
    fine = fine & known[0][:, None, None] & known[1][None, :, None] & known[2][None, None, :]
    return _solid(fine, np.zeros_like(fine), factor)


def _factor(resolution: int) -> int:
    """Fine voxels along a voxel: an odd number, so that one of them is in the middle."""
    return max(_LEAST_FACTOR, 2 * (_FINE_SIDE // (2 * resolution)) + 1)


def _surface_samples(vertices: NDArray[np.float64], faces: NDArray, spacing: float) -> list[NDArray[np.float64]]:
    """Points on all triangles, such that none of a triangle's points is farther than 0.6 `spacing` from one of them."""
    corners = vertices[faces]  # [F, 3, 3]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    counts = np.maximum(np.ceil(edges / spacing), 1.0).astype(np.int64)
    samples = []
    for count in np.unique(counts):
        weights = _lattice(int(count))
        chosen = corners[counts == count]
        for part in np.array_split(chosen, -(-len(chosen) * len(weights) // _MOST_SAMPLES)):
            samples.append((weights @ part).reshape(-1, 3))
    return samples


def _lattice(count: int) -> NDArray[np.float64]:
    """Barycentric coordinates [S, 3] of the corners of `count`^2 equal triangles that divide one."""
    i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    inside = i + j <= count
    return np.stack([i[inside], j[inside], count - i[inside] - j[inside]], axis=1) / count


def _unreachable(wall: Bool[np.ndarray, "X Y Z"]) -> Bool[np.ndarray, "X Y Z"]:
    """The wall, and what a flood from outside through faces of voxels does not reach."""
    labels, _ = ndimage.label(np.pad(~wall, 1, constant_values=True))
    return (labels != labels[0, 0, 0])[1:-1, 1:-1, 1:-1]


def _solid(
    wall: Bool[np.ndarray, "X Y Z"], surface: Bool[np.ndarray, "X Y Z"], factor: int
) -> Bool[np.ndarray, "x y z"]:
    """The wall and what it encloses, in voxels `factor` times as large; works in the wall's bounding box alone."""
    result = np.zeros([side // factor for side in wall.shape], bool)
    if not wall.any():
        return result
    fine, coarse = [], []
    for axis in range(3):
        occupied = np.flatnonzero(wall.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = int(occupied[0]) // factor, int(occupied[-1]) // factor + 1
        coarse.append(slice(first, last))
        fine.append(slice(first * factor, last * factor))
    result[tuple(coarse)] = _coarse(_unreachable(wall[tuple(fine)]), surface[tuple(fine)], factor)
    return result


def _coarse(
    solid: Bool[np.ndarray, "X Y Z"], surface: Bool[np.ndarray, "X Y Z"], factor: int
) -> Bool[np.ndarray, "x y z"]:
    """The solid in voxels `factor` times as large. Fine voxels of the surface are half inside, on average."""
    thick = _counts(2 * solid.astype(np.uint8) - (surface & solid), factor) >= factor**3
    middle = slice(factor // 2, None, factor)
    return thick | _slender_parts(solid, factor)[middle, middle, middle]


def _slender_parts(solid: Bool[np.ndarray, "X Y Z"], factor: int) -> Bool[np.ndarray, "X Y Z"]:
    """Parts thinner than 2 voxels, those below 1 voxel made at least as thick: the centres in them hang together."""
    parts = np.zeros_like(solid)
    for thickness, growth in ((2.0, 0.0), (1.0, 0.25), (0.5, 0.5)):  # in voxels
        thin = _thin_parts(solid, round(thickness * factor), factor // 2)
        parts |= ndimage.maximum_filter(thin, 2 * round(growth * factor) + 1)
    return parts


def _thin_parts(solid: Bool[np.ndarray, "X Y Z"], thickness: int, margin: int) -> Bool[np.ndarray, "X Y Z"]:
    """What no cube of that side inside the solid reaches, where it stands out by more than `margin` from the rest."""
    padded = np.pad(solid, thickness).astype(np.uint8)
    opened = ndimage.maximum_filter(ndimage.minimum_filter(padded, thickness), thickness, origin=-1 + thickness % 2)
    core = opened[(slice(thickness, -thickness),) * 3] > 0
    thin = solid & ~core
    far = thin & ~ndimage.maximum_filter(core, 2 * margin + 1)
    return np.asarray(ndimage.binary_propagation(far, np.ones((3, 3, 3), bool), mask=thin))


def _counts(values: NDArray, factor: int) -> NDArray[np.int64]:
    """Sums over blocks of `factor`^3 fine voxels."""
    x, y, z = (side // factor for side in values.shape)
    blocks = values.astype(np.uint8).reshape(x, factor, y, factor, z, factor)
    return blocks.sum(axis=(1, 3, 5), dtype=np.int64)
