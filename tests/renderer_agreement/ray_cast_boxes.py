# SPDX-License-Identifier: Apache-2.0
"""The obvious reference: one ray per pixel against axis-aligned boxes, in numpy, straight from the conventions."""

import numpy as np

from tests.renderer_agreement.rays import Reference, Viewpoint

# (low corner, high corner) in world units. No symmetry: a base, an arm to +X, a tower up behind, a nose to the front.
BOXES = np.array(
    [
        [(-0.25, -0.1875, -0.3125), (0.125, 0.1875, -0.0625)],
        [(0.125, -0.0625, -0.3125), (0.375, 0.0625, -0.1875)],
        [(-0.25, 0.0625, -0.0625), (-0.0625, 0.1875, 0.3125)],
        [(-0.1875, -0.375, -0.1875), (-0.0625, -0.1875, -0.0625)],
    ]
)


def voxelise(resolution: int) -> np.ndarray:
    """The boxes as a grid, bool [X, Y, Z]; their sides lie between voxels for multiples of 16."""
    centres = (np.arange(resolution) + 0.5) / resolution - 0.5
    points = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1)
    inside = (points[..., None, :] > BOXES[:, 0]) & (points[..., None, :] < BOXES[:, 1])
    return inside.all(axis=-1).any(axis=-1)


def cast(azimuth: float, elevation: float, size: int, width: float, distance: float, perspective: bool) -> Reference:
    """Camera at the given angles (radians) that looks at the origin; `width` world units across at the origin."""
    return cast_boxes(BOXES, Viewpoint(azimuth, elevation, size, width, distance, perspective))


def cast_boxes(boxes: np.ndarray, viewpoint: Viewpoint) -> Reference:
    """Boxes [N, 2, 3] as a camera sees them."""
    origin, direction = viewpoint.rays()
    size = viewpoint.size
    safe = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    depth = np.full((size, size), np.inf)
    normal = np.zeros((size, size, 3))
    seen = np.full((size, size), -1)
    for number, (low, high) in enumerate(boxes):
        first, second = (low - origin) / safe, (high - origin) / safe
        entries, exits = np.minimum(first, second), np.maximum(first, second)
        entry, leave = entries.max(axis=-1), exits.min(axis=-1)
        nearer = (entry < leave) & (entry < depth)
        axis = entries.argmax(axis=-1)
        outward = np.eye(3)[axis] * -np.sign(np.take_along_axis(safe, axis[..., None], axis=-1))
        depth = np.where(nearer, entry, depth)
        normal = np.where(nearer[..., None], outward, normal)
        seen = np.where(nearer, 3 * number + axis, seen)
    return viewpoint.reference(depth, normal, seen)
