# SPDX-License-Identifier: Apache-2.0
"""Shapes without any symmetry that have a closed form: as meshes, as grids, and as rays see them exactly."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import trimesh

from tests.renderer_agreement.ray_cast_boxes import BOXES, cast_boxes
from tests.renderer_agreement.rays import Reference, Viewpoint
from unrender.geometry.meshes import Mesh

# A letter F, seen from the front: stem, upper and lower arm; thicker in front of the middle than behind it. Its sides
# lie between voxels for multiples of 32, as those of the boxes do.
LETTER_F = np.array(
    [
        [(-0.21875, -0.125, -0.34375), (-0.0625, 0.0625, 0.34375)],
        [(-0.0625, -0.125, 0.1875), (0.25, 0.0625, 0.34375)],
        [(-0.0625, -0.125, -0.0625), (0.125, 0.0625, 0.0625)],
    ]
)
_TILT = trimesh.transformations.euler_matrix(0.5, -0.35, 0.8)[:3, :3]  # of the round shapes, which would be symmetric
_CENTRE = np.array([0.07, -0.05, 0.04])
_SEMI_AXES = np.array([0.38, 0.2, 0.28])
_RING, _TUBE = 0.28, 0.11  # radii of the torus


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """smooth: round everywhere; otherwise each face is flat and has corners of its own.

    cast: what a camera sees of it; inside: for points [..., 3], None where there is no closed form of it.
    """

    name: str
    mesh: Mesh
    smooth: bool
    cast: Callable[[Viewpoint], Reference]
    inside: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def extent(self) -> float:
        """The longest side of its bounding box."""
        return float(np.ptp(self.mesh.vertices, axis=0).max())

    def voxelise(self, resolution: int) -> np.ndarray:
        """bool [X, Y, Z]"""
        assert self.inside is not None
        centres = (np.arange(resolution) + 0.5) / resolution - 0.5
        y, z = np.meshgrid(centres, centres, indexing="ij")
        return np.stack([self.inside(np.stack([np.full_like(y, x), y, z], axis=-1)) for x in centres])


def boxes(name: str, corners: np.ndarray) -> Shape:
    """Boxes [N, 2, 3] that touch one another."""

    def inside(points: np.ndarray) -> np.ndarray:
        return ((points[..., None, :] > corners[:, 0]) & (points[..., None, :] < corners[:, 1])).all(-1).any(-1)

    parts = [trimesh.creation.box(bounds=bounds) for bounds in corners]
    whole = trimesh.util.concatenate(parts)
    return Shape(name, with_own_corners(as_mesh(whole)), False, partial(cast_boxes, corners), inside)


def ellipsoid() -> Shape:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=1.0)
    ball.vertices = ball.vertices * _SEMI_AXES @ _TILT.T + _CENTRE
    return Shape("ellipsoid", as_mesh(ball), True, _cast_ellipsoid, lambda p: (_in_ball(p) ** 2).sum(-1) < 1.0)


def torus() -> Shape:
    around, across = np.meshgrid(np.arange(256) * np.pi / 128, np.arange(128) * np.pi / 64, indexing="ij")
    radius = _RING + _TUBE * np.cos(across)
    points = np.stack([radius * np.cos(around), radius * np.sin(around), _TUBE * np.sin(across)], axis=-1)
    number = np.arange(256 * 128).reshape(256, 128)
    right, up = np.roll(number, -1, axis=0), np.roll(number, -1, axis=1)
    both = np.roll(right, -1, axis=1)
    faces = np.concatenate([np.stack([number, right, both], -1), np.stack([number, both, up], -1)]).reshape(-1, 3)
    vertices = points.reshape(-1, 3) @ _TILT.T + _CENTRE
    mesh = Mesh(vertices.astype(np.float32), faces.astype(np.int32))
    return Shape("torus", mesh, True, _cast_torus, lambda p: _torus_distance((p - _CENTRE) @ _TILT) < 0.0)


def closed_forms() -> list[Shape]:
    """All of them."""
    return [ellipsoid(), boxes("stepped box", BOXES), torus(), boxes("letter F", LETTER_F)]


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(shape.vertices, np.float32), np.asarray(shape.faces, np.int32))


def with_own_corners(mesh: Mesh) -> Mesh:
    """No two faces share a corner: every renderer then shades them flat."""
    return Mesh(mesh.vertices[mesh.faces.ravel()], np.arange(mesh.faces.size, dtype=np.int32).reshape(-1, 3))


def _in_ball(points: np.ndarray) -> np.ndarray:
    """From the ellipsoid's world to that of the unit ball."""
    return (points - _CENTRE) @ _TILT / _SEMI_AXES


def _cast_ellipsoid(viewpoint: Viewpoint) -> Reference:
    origin, direction = viewpoint.rays()
    start, step = _in_ball(origin), direction @ _TILT / _SEMI_AXES
    a, b, c = (step**2).sum(-1), (start * step).sum(-1), (start**2).sum(-1) - 1.0
    discriminant = b**2 - a * c
    depth = np.where(discriminant > 0, (-b - np.sqrt(np.maximum(discriminant, 0.0))) / a, np.inf)
    hit = np.where(np.isfinite(depth), depth, 0.0)
    outward = (start + hit[..., None] * step) / _SEMI_AXES @ _TILT.T
    return viewpoint.reference(depth, outward / np.linalg.norm(outward, axis=-1, keepdims=True))


def _torus_distance(points: np.ndarray) -> np.ndarray:
    """Signed, in the torus' own frame."""
    return np.hypot(np.hypot(points[..., 0], points[..., 1]) - _RING, points[..., 2]) - _TUBE


def _cast_torus(viewpoint: Viewpoint) -> Reference:
    """By steps as long as the distance to the torus, which never pass it."""
    origin, direction = viewpoint.rays()
    start, step = (origin - _CENTRE) @ _TILT, direction @ _TILT
    length = np.linalg.norm(step, axis=-1)
    depth = np.zeros(length.shape)
    for _ in range(120):
        depth += _torus_distance(start + depth[..., None] * step) / length
    point = start + depth[..., None] * step
    hit = np.abs(_torus_distance(point)) < 1e-5
    ring = point * [1.0, 1.0, 0.0]
    ring *= _RING / np.maximum(np.linalg.norm(ring, axis=-1, keepdims=True), 1e-9)
    outward = (point - ring) / _TUBE @ _TILT.T
    return viewpoint.reference(np.where(hit, depth, np.inf), outward)
