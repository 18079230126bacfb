# SPDX-License-Identifier: Apache-2.0
"""From a generator's voxels to a mesh that an artist can use."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import ndimage

from unrender.geometry.marching_cubes import smooth_binary_field
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import extract_surface
from unrender.meshing.decimation import decimate
from unrender.meshing.denoising import flatten_steps

_LEVEL = 0.45
"""Level of the surface in the label-preserving field: empty voxels reach at most .4375, full ones at least .5625.

Closer to the empty voxels than .5, because convex parts lose volume to the blur: procedural chairs at 32^3 come out
4% too small instead of 11%."""

_TOLERANCE = 0.35
"""How far full smoothing may move a vertex along each axis, in voxels."""

FINEST = 2
"""The largest `resolution`: three times as many faces more show only the waves of the interpolation."""


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """How a grid becomes a mesh.

    threshold: occupancy in (0, 1) above which a voxel is full. smoothing: how much of the voxel staircase is taken off,
    0 (none) to 1 (all). resolution: cells of the mesh per voxel along each axis, 1 to `FINEST`. max_faces: decimate to
    at most so many where that leaves the mesh watertight.
    """

    threshold: float = 0.5
    smoothing: float = 1.0
    resolution: int = 1
    max_faces: int | None = None


def voxels_to_mesh(
    occupancy: Shaped[np.ndarray, "X Y Z"],
    threshold: float = 0.5,
    smoothing: float = 1.0,
    max_faces: int | None = None,
    blur_passes: int = 0,
    resolution: int = 1,
) -> Mesh:
    """Return the surface of {occupancy > threshold}: watertight, oriented outward, one piece, in world coordinates.

    occupancy: [X, Y, Z] bool, or real in [0, 1]; only the side of the threshold counts, since the in-between values of
    a generator trained on thresholded grids say little about where in its voxel the surface lies. Only the largest
    piece is meshed; its enclosed cavities are filled. threshold, smoothing, max_faces, resolution: see `MeshSettings`.
    A grid with nothing above the threshold gives a mesh without faces. blur_passes: for rounded things without thin
    parts, blur the grid that often instead of keeping every voxel on its side of the surface.
    """
    tolerance = smoothing * _TOLERANCE / max(occupancy.shape)
    occupancy = upsample(occupancy, resolution)
    solid = occupancy > threshold
    if not solid.any():
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    solid = close_contacts(keep_largest_piece(solid), occupancy.astype(np.float32))
    # Nothing of an enclosed cavity can be seen, and its walls would be a second surface.
    solid = ndimage.binary_fill_holes(solid)
    if smoothing > 0.0 and blur_passes > 0:
        # So many passes blur over a width that grows with their square root.
        passes = max(1, round(smoothing * blur_passes * resolution**2))
        mesh = extract_surface(smooth_binary_field(solid, passes))
    elif smoothing > 0.0:
        mesh = flatten_steps(extract_surface(smooth_binary_field(solid), _LEVEL), tolerance)
    else:
        mesh = extract_surface(solid.astype(np.float32))
    return mesh if max_faces is None else decimate(mesh, max_faces)


def upsample(occupancy: Shaped[np.ndarray, "X Y Z"], factor: int) -> Shaped[np.ndarray, "X2 Y2 Z2"]:
    """The grid with `factor` cells per voxel along each axis, in between by trilinear interpolation; empty around."""
    if factor == 1:
        return occupancy
    padded = np.pad(occupancy.astype(np.float32), 1)
    fine = ndimage.zoom(padded, factor, order=1, grid_mode=True, mode="nearest")
    return fine[factor:-factor, factor:-factor, factor:-factor]


def keep_largest_piece(solid: Bool[np.ndarray, "X Y Z"]) -> Bool[np.ndarray, "X Y Z"]:
    """The largest of the pieces whose voxels touch by a face, an edge or a corner."""
    labels, count = ndimage.label(solid, np.ones((3, 3, 3), dtype=int))
    if count < 2:
        return solid
    sizes = np.bincount(labels.ravel())
    return labels == 1 + int(np.argmax(sizes[1:]))


def close_contacts(
    solid: Bool[np.ndarray, "X Y Z"], occupancy: Float[np.ndarray, "X Y Z"]
) -> Bool[np.ndarray, "X Y Z"]:
    """Return the solid with voxels added until none touch only by an edge or a corner.

    Such contacts are ambiguous to marching cubes and make surfaces that touch themselves. Of the voxels that could
    close one, the one with the largest occupancy is taken (Latecki's well-composed sets, by filling).
    """
    solid = solid.copy()
    changed = True
    while changed:
        changed = _close_edge_contacts(solid, occupancy) or _close_corner_contacts(solid, occupancy)
    return solid


def _close_edge_contacts(solid: Bool[np.ndarray, "X Y Z"], occupancy: Float[np.ndarray, "X Y Z"]) -> bool:
    changed = False
    for first, second in ((0, 1), (0, 2), (1, 2)):
        corner = {(i, j): _shifted(solid, {first: i, second: j}) for i in (0, 1) for j in (0, 1)}
        weight = {(i, j): _shifted(occupancy, {first: i, second: j}) for i in (0, 1) for j in (0, 1)}
        for full, empty in ((((0, 0), (1, 1)), ((0, 1), (1, 0))), (((0, 1), (1, 0)), ((0, 0), (1, 1)))):
            contact = corner[full[0]] & corner[full[1]] & ~corner[empty[0]] & ~corner[empty[1]]
            if contact.any():
                changed = True
                left = weight[empty[0]] >= weight[empty[1]]
                corner[empty[0]] |= contact & left
                corner[empty[1]] |= contact & ~left
    return changed


def _close_corner_contacts(solid: Bool[np.ndarray, "X Y Z"], occupancy: Float[np.ndarray, "X Y Z"]) -> bool:
    changed = False
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    value = {c: _shifted(solid, dict(enumerate(c))) for c in corners}
    weight = {c: _shifted(occupancy, dict(enumerate(c))) for c in corners}
    for one in corners[:4]:
        opposite = (1 - one[0], 1 - one[1], 1 - one[2])
        others = [c for c in corners if c not in (one, opposite)]
        filled = sum(value[c].astype(np.int8) for c in others)
        touching = value[one] & value[opposite] & (filled == 0)
        if touching.any():
            changed = True
            best = np.argmax(np.stack([weight[c] for c in others]), axis=0)
            for index, c in enumerate(others):
                value[c] |= touching & (best == index)
        pinched = ~value[one] & ~value[opposite] & (filled == 6)
        if pinched.any():
            changed = True
            left = weight[one] >= weight[opposite]
            value[one] |= pinched & left
            value[opposite] |= pinched & ~left
    return changed


def _shifted(grid: np.ndarray, offsets: dict[int, int]) -> np.ndarray:
    """A view whose entry at the lower corner of a block is the block's corner at `offsets` (axis -> 0 or 1)."""
    index = [slice(None)] * 3
    for axis, offset in offsets.items():
        index[axis] = slice(offset, grid.shape[axis] - 1 + offset)
    return grid[tuple(index)]
