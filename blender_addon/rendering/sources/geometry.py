# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as arrays: what makes one unusable, and bringing it into the unit-diameter ball."""

from __future__ import annotations

import numpy as np

# Cycles and Blender compute in single precision: areas of triangles much smaller or larger under- or overflow.
_SAFE_RADIUS = (1e-5, 1e5)


class BadMeshError(ValueError):
    """An object that cannot be rendered; the message is a phrase that says why."""


def normalisation(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre of the bounding box, float64 [3], and the factor that brings all points [N, 3] into the ball of diameter 1
    around it. Raises BadMeshError for points that are none, not finite or all the same."""
    if len(points) == 0:
        raise BadMeshError("has no faces")
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise BadMeshError("has vertices that are not finite (NaN or infinite)")
    low, high = points.min(axis=0), points.max(axis=0)
    centre = 0.5 * low + 0.5 * high
    extent = float(np.abs(points - centre).max())
    if extent <= 1e-7 * max(float(np.abs(points).max()), 1e-30):
        raise BadMeshError("has no extent: all its vertices lie in one place")
    radius = extent * float(np.linalg.norm((points - centre) / extent, axis=1).max())
    return centre, 0.5 / radius


def is_safe(factor: float) -> bool:
    """Whether a mesh with this normalising factor can be left at its own scale."""
    return _SAFE_RADIUS[0] <= 0.5 / factor <= _SAFE_RADIUS[1]


def check_faces(vertices: np.ndarray, faces: np.ndarray) -> None:
    """Raise BadMeshError for faces that are none or name vertices that do not exist."""
    if len(faces) == 0:
        raise BadMeshError("has no faces")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise BadMeshError(f"has faces that name vertex {int(faces.max())}; it has {len(vertices)} vertices")


def upright(vertices: np.ndarray, y_up: bool) -> np.ndarray:
    """Turn a Y-up mesh so that its Y axis becomes Z; a rotation, nothing is mirrored."""
    return np.stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]], axis=1) if y_up else vertices


def into_ball(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The vertices, float32 [N, 3], with those that faces use inside the ball of diameter 1. Raises BadMeshError."""
    check_faces(vertices, faces)
    centre, factor = normalisation(vertices[np.unique(faces)])
    return ((vertices.astype(np.float64) - centre) * factor).astype(np.float32)
