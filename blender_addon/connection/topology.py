# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of a triangle mesh, found by numpy: what Blender would otherwise compute while the window waits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Marching cubes rounds every edge of the voxel grid; only real corners are sharper than this.
SHARP_ANGLE_RADIANS = math.radians(50.0)


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """The edges of a mesh of F triangles.

    edges [E, 2] int32: the vertices of each edge, the lower one first, every edge once.
    corner_edges [3 F] int32: the edge from each corner of each face to the next corner.
    sharp [E] bool: whether two faces meet there at more than `SHARP_ANGLE_RADIANS`, or more than two meet at all.
    """

    edges: np.ndarray = field(repr=False)
    corner_edges: np.ndarray = field(repr=False)
    sharp: np.ndarray = field(repr=False)


def find_topology(vertices: np.ndarray, faces: np.ndarray, smooth: bool = False) -> Topology:
    """The topology of vertices [N, 3] and faces [F, 3], indices below N; no face may use a vertex twice.

    smooth: no edge is sharp, however its faces meet.
    """
    import numpy as np

    following = np.roll(faces, -1, axis=1)
    low = np.minimum(faces, following).ravel().astype(np.int64)
    high = np.maximum(faces, following).ravel()
    keys, corner_edges = np.unique(low * len(vertices) + high, return_inverse=True)
    edges = np.stack(np.divmod(keys, len(vertices)), axis=1).astype(np.int32)
    of_corners = corner_edges.astype(np.int32).reshape(-1)
    sharp = np.zeros(len(edges), bool) if smooth else _sharp(vertices, faces, of_corners, len(edges))
    return Topology(edges, of_corners, sharp)


def _sharp(vertices: np.ndarray, faces: np.ndarray, corner_edges: np.ndarray, count: int) -> np.ndarray:
    """[count] bool. Edges of one face are smooth; those where two faces disagree about the outside are sharp."""
    import numpy as np

    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    order = np.argsort(corner_edges, kind="stable")  # corners, edge by edge
    uses = np.bincount(corner_edges, minlength=count)
    first = (np.cumsum(uses) - uses)[uses == 2]
    one, other = order[first], order[first + 1]
    cosines = (normals[one // 3] * normals[other // 3]).sum(axis=1)
    begins = faces.ravel()
    sharp = uses > 2
    sharp[uses == 2] = (cosines < math.cos(SHARP_ANGLE_RADIANS)) | (begins[one] == begins[other])
    return sharp
