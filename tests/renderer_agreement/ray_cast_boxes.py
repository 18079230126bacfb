# SPDX-License-Identifier: Apache-2.0
"""The obvious reference: one ray per pixel against axis-aligned boxes, in numpy, straight from the conventions."""

from dataclasses import dataclass

import numpy as np

# (low corner, high corner) in world units. No symmetry: a base, an arm to +X, a tower up behind, a nose to the front.
BOXES = np.array(
    [
        [(-0.25, -0.1875, -0.3125), (0.125, 0.1875, -0.0625)],
        [(0.125, -0.0625, -0.3125), (0.375, 0.0625, -0.1875)],
        [(-0.25, 0.0625, -0.0625), (-0.0625, 0.1875, 0.3125)],
        [(-0.1875, -0.375, -0.1875), (-0.0625, -0.1875, -0.0625)],
    ]
)


@dataclass(frozen=True, slots=True)
class Reference:
    """silhouette bool [H, W]; depth [H, W] from the camera along the viewing axis; normal [H, W, 3], camera frame;
    face int [H, W]: which side of which box is seen, -1 where none is."""

    silhouette: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    face: np.ndarray


def voxelise(resolution: int) -> np.ndarray:
    """The boxes as a grid, bool [X, Y, Z]; their sides lie between voxels for multiples of 16."""
    centres = (np.arange(resolution) + 0.5) / resolution - 0.5
    points = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1)
    inside = (points[..., None, :] > BOXES[:, 0]) & (points[..., None, :] < BOXES[:, 1])
    return inside.all(axis=-1).any(axis=-1)


def cast(azimuth: float, elevation: float, size: int, width: float, distance: float, perspective: bool) -> Reference:
    """Camera at the given angles (radians) that looks at the origin; `width` world units across at the origin."""
    sin_a, cos_a, sin_e, cos_e = np.sin(azimuth), np.cos(azimuth), np.sin(elevation), np.cos(elevation)
    right = np.array([cos_a, sin_a, 0.0])
    up = np.array([-sin_e * sin_a, sin_e * cos_a, cos_e])
    backward = np.array([sin_a * cos_e, -cos_a * cos_e, sin_e])
    across = ((np.arange(size) + 0.5) / size - 0.5) * width
    on_plane = across[None, :, None] * right - across[:, None, None] * up  # row 0 at the top  [H, W, 3]
    if perspective:
        origin = np.broadcast_to(distance * backward, on_plane.shape)
        direction = (on_plane - origin) / distance  # one unit of viewing depth per unit of the parameter
    else:
        origin = on_plane + distance * backward
        direction = np.broadcast_to(-backward, on_plane.shape)
    safe = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    depth = np.full((size, size), np.inf)
    normal = np.zeros((size, size, 3))
    seen = np.full((size, size), -1)
    for number, (low, high) in enumerate(BOXES):
        first, second = (low - origin) / safe, (high - origin) / safe
        entries, exits = np.minimum(first, second), np.maximum(first, second)
        entry, leave = entries.max(axis=-1), exits.min(axis=-1)
        nearer = (entry < leave) & (entry < depth)
        axis = entries.argmax(axis=-1)
        outward = np.eye(3)[axis] * -np.sign(np.take_along_axis(safe, axis[..., None], axis=-1))
        depth = np.where(nearer, entry, depth)
        normal = np.where(nearer[..., None], outward, normal)
        seen = np.where(nearer, 3 * number + axis, seen)
    frame = np.stack([right, up, backward])
    hit = np.isfinite(depth)
    return Reference(hit, np.where(hit, depth, 0.0), normal @ frame.T, seen)
