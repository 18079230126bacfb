# SPDX-License-Identifier: Apache-2.0
"""Small meshes on the screen for the tests of the rasteriser: (column, row, depth) per vertex, in pixels and units.

Closed shapes have their faces counter-clockwise seen from outside. Every size is (rows, columns).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ScreenMesh:
    """Meshes of one topology on the screen: screen [B, N, 3], faces [F, 3] int64, size (rows, columns)."""

    screen: Tensor
    faces: Tensor
    size: tuple[int, int]

    def leaf(self) -> Tensor:
        """The screen vertices as a new leaf that asks for its gradient."""
        return self.screen.detach().clone().requires_grad_(True)


def triangle(size: tuple[int, int] = (16, 16), dtype: torch.dtype = torch.float32) -> ScreenMesh:
    """One front face, slanted in depth, that no pixel centre touches the border of."""
    corners = [[0.171, 0.853, 1.3], [0.859, 0.713, 2.1], [0.437, 0.131, 1.7]]
    return _scaled(corners, [[0, 1, 2]], size, dtype)


def two_triangles(size: tuple[int, int] = (16, 16), dtype: torch.dtype = torch.float32) -> ScreenMesh:
    """A large slanted front face, and a smaller one before it that leaves it on one side."""
    corners = [
        [0.093, 0.871, 2.4], [0.891, 0.797, 2.9], [0.413, 0.083, 2.6],
        [0.371, 0.717, 1.2], [0.953, 0.433, 1.5], [0.531, 0.317, 1.1],
    ]  # fmt: skip
    return _scaled(corners, [[0, 1, 2], [3, 4, 5]], size, dtype)


def crossing_triangles(size: tuple[int, int] = (16, 16), dtype: torch.dtype = torch.float32) -> ScreenMesh:
    """Two front faces that run through each other."""
    corners = [
        [0.107, 0.823, 1.2], [0.917, 0.779, 3.1], [0.467, 0.089, 1.9],
        [0.131, 0.677, 3.0], [0.883, 0.871, 1.1], [0.573, 0.173, 2.2],
    ]  # fmt: skip
    return _scaled(corners, [[0, 1, 2], [3, 4, 5]], size, dtype)


def cube(size: tuple[int, int] = (16, 16), batch: int = 1, dtype: torch.dtype = torch.float32) -> ScreenMesh:
    """Twelve faces, each item of the batch turned differently."""
    corners = torch.tensor([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]) * 0.29
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]
    return seen(corners, torch.tensor(faces), size, batch, dtype)


def icosphere(
    size: tuple[int, int] = (16, 16), subdivisions: int = 1, batch: int = 1, dtype: torch.dtype = torch.float32
) -> ScreenMesh:
    """20 * 4^subdivisions faces on the sphere of radius 0.45."""
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    points = [[a, b * golden, 0.0] for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    corners = torch.tensor([p[k:] + p[:k] for k in (0, 1, 2) for p in points], dtype=torch.float64)
    corners = corners / corners.norm(dim=1, keepdim=True)
    near = torch.cdist(corners, corners) < 1.2  # edges of the icosahedron on the unit sphere are 1.05 long
    faces = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ]
    triangles = _outward(corners, torch.tensor(faces))
    for _ in range(subdivisions):
        corners, triangles = _subdivided(corners, triangles)
    return seen(0.45 * corners, triangles, size, batch, dtype)


def torus(
    size: tuple[int, int] = (16, 16),
    rings: int = 12,
    sides: int = 8,
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
) -> ScreenMesh:
    """2 * rings * sides faces with a hole and edges that hide the shape itself: radii 0.32 and 0.13."""
    around = torch.arange(rings, dtype=torch.float64) * (2.0 * math.pi / rings)
    across = torch.arange(sides, dtype=torch.float64) * (2.0 * math.pi / sides)
    out = 0.32 + 0.13 * across.cos()[None]
    corners = torch.stack(
        [out * around.cos()[:, None], out * around.sin()[:, None], (0.13 * across.sin()).expand(rings, sides)], dim=-1
    ).reshape(-1, 3)
    i, j = torch.meshgrid(torch.arange(rings), torch.arange(sides), indexing="ij")
    a, b = i * sides + j, (i + 1) % rings * sides + j
    c, d = (i + 1) % rings * sides + (j + 1) % sides, i * sides + (j + 1) % sides
    faces = torch.cat([torch.stack([a, b, c], -1).reshape(-1, 3), torch.stack([a, c, d], -1).reshape(-1, 3)])
    return seen(corners, faces, size, batch, dtype)


def soup(
    size: tuple[int, int] = (16, 16), count: int = 24, seed: int = 0, batch: int = 1, dtype: torch.dtype = torch.float32
) -> ScreenMesh:
    """Random faces over the border of the image, front and back ones, and some that a rasteriser has to pass over.

    After `count` good faces follow: two corners alike, three corners on a line, a NaN corner, an infinite corner, one
    corner behind the camera, all of them behind it, a row of -1.
    """
    draw = torch.Generator().manual_seed(seed)
    place = torch.rand(batch, count, 1, 2, generator=draw, dtype=torch.float64) * 1.2 - 0.1
    spread = torch.rand(batch, count, 3, 2, generator=draw, dtype=torch.float64) - 0.5
    depth = torch.rand(batch, count, 3, 1, generator=draw, dtype=torch.float64) * 2.0 + 1.0
    good = torch.cat([place + 0.6 * spread, depth], dim=-1).reshape(batch, -1, 3)
    bad = torch.tensor(
        [
            [0.3, 0.3, 1.5], [0.3, 0.3, 1.5], [0.7, 0.6, 1.4],
            [0.1, 0.1, 1.2], [0.4, 0.4, 1.2], [0.8, 0.8, 1.2],
            [math.nan, 0.5, 1.1], [0.9, 0.5, 1.1], [0.5, 0.1, 1.1],
            [math.inf, 0.5, 1.1], [0.9, 0.5, 1.1], [0.5, 0.1, 1.1],
            [0.2, 0.9, 1.1], [0.8, 0.9, -0.4], [0.5, 0.2, 1.3],
            [0.2, 0.9, -1.1], [0.8, 0.9, -0.4], [0.5, 0.2, -1.3],
        ],
        dtype=torch.float64,
    )  # fmt: skip
    corners = torch.cat([good, bad.expand(batch, -1, -1)], dim=1)
    faces = torch.arange(corners.shape[1]).reshape(-1, 3)
    faces = torch.cat([faces, torch.full((1, 3), -1)])
    rows, columns = size
    return ScreenMesh((corners * torch.tensor([columns, rows, 1.0], dtype=torch.float64)).to(dtype), faces, size)


def empty(size: tuple[int, int] = (16, 16), batch: int = 1, dtype: torch.dtype = torch.float32) -> ScreenMesh:
    """Three vertices and no face."""
    return ScreenMesh(
        triangle(size, dtype).screen.expand(batch, -1, -1).clone(), torch.empty(0, 3, dtype=torch.int64), size
    )


def padded(mesh: ScreenMesh, rows: int = 3) -> ScreenMesh:
    """The same mesh with rows of -1 behind its faces."""
    return ScreenMesh(mesh.screen, torch.cat([mesh.faces, torch.full((rows, 3), -1)]), mesh.size)


def seen(
    vertices: Tensor, faces: Tensor, size: tuple[int, int], batch: int = 1, dtype: torch.dtype = torch.float32
) -> ScreenMesh:
    """Vertices [N, 3] (x right, y up, z to the viewer, within the unit-diameter ball) as a pinhole camera at distance 2
    sees them, turned by angles that no symmetry of a shape shares; the ball spans 0.9 of the shorter side."""
    rows, columns = size
    projected = []
    for item in range(batch):
        turned = vertices.to(torch.float64) @ _turn(0.37 + 0.83 * item, 0.29 - 0.41 * item, 0.113).T
        depth = 2.0 - turned[:, 2]
        scale = 0.9 * min(rows, columns) * math.sqrt(2.0**2 - 0.5**2) / depth
        projected.append(
            torch.stack([columns / 2 + scale * turned[:, 0], rows / 2 - scale * turned[:, 1], depth], dim=1)
        )
    return ScreenMesh(torch.stack(projected).to(dtype), faces, size)


def _scaled(
    corners: list[list[float]], faces: list[list[int]], size: tuple[int, int], dtype: torch.dtype
) -> ScreenMesh:
    scale = torch.tensor([size[1], size[0], 1.0], dtype=torch.float64)
    return ScreenMesh((torch.tensor([corners], dtype=torch.float64) * scale).to(dtype), torch.tensor(faces), size)


def _turn(yaw: float, pitch: float, roll: float) -> Tensor:
    def about(axis: int, angle: float) -> Tensor:
        matrix = torch.eye(3, dtype=torch.float64)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix[i, i] = matrix[j, j] = math.cos(angle)
        matrix[j, i], matrix[i, j] = math.sin(angle), -math.sin(angle)
        return matrix

    return about(2, roll) @ about(0, pitch) @ about(1, yaw)


def _outward(corners: Tensor, faces: Tensor) -> Tensor:
    """Faces of a star-shaped solid about the origin, turned so that each is counter-clockwise seen from outside."""
    a, b, c = (corners[faces[:, k]] for k in range(3))
    inward = (torch.linalg.cross(b - a, c - a) * a).sum(dim=1) < 0.0
    return torch.where(inward[:, None], faces[:, [0, 2, 1]], faces)


def _subdivided(corners: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Each face of a mesh on the unit sphere cut in four; the middles of edges are put on the sphere."""
    points, middles = list(corners), dict[tuple[int, int], int]()

    def middle(i: int, j: int) -> int:
        key = (min(i, j), max(i, j))
        if key not in middles:
            middles[key] = len(points)
            between = corners[i] + corners[j]
            points.append(between / between.norm())
        return middles[key]

    finer = []
    for a, b, c in faces.tolist():
        ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
        finer += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return torch.stack(points), torch.tensor(finer)


# What the primitives of outlines are tested on.
OUTLINED = {
    "triangle": triangle(),
    "two": two_triangles(),
    "crossing": crossing_triangles(),
    "cubes": cube((15, 17), batch=2),
    "sphere": icosphere((21, 17), 2, 2),
    "fine torus": torus((13, 13), 40, 30),
    "soup": soup(batch=2),
    "padded": padded(cube()),
    "double": torus((20, 20), dtype=torch.float64),
    "one pixel": torus((1, 1)),
    "none": empty((3, 5)),
    "all padding": ScreenMesh(triangle().screen, torch.full((4, 3), -1), (5, 3)),
}
