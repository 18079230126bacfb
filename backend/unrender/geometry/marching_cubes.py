# SPDX-License-Identifier: Apache-2.0
"""Marching cubes in numpy alone, so that the backend and Blender's own Python make the very same surfaces.

The table of cases is derived, not copied: on every face of a cell, runs of inside corners are cut off by one segment
each; the segments are chained to loops; loops are filled with triangles whose inner edges never lie in a face of the
cell. A face looks the same from both of its cells, so the surface is closed, oriented and free of doubled edges for
every field, ambiguous cells included.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np

# Numpy's type alone: Blender's Python has no jaxtyping.
FloatArray: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
IntArray: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.int32]]"

Edge = tuple[int, int]

_CORNERS = [(c & 1, c >> 1 & 1, c >> 2 & 1) for c in range(8)]  # corner c at bit positions x, y, z of c
_EDGES: list[Edge] = [(c, c | 1 << axis) for axis in range(3) for c in range(8) if not c & 1 << axis]
_CLOSEST = 1e-3  # share of a grid edge that a vertex keeps from its ends, so that no triangle degenerates to a point


def marching_cubes(field: FloatArray, level: float = 0.5) -> tuple[FloatArray, IntArray]:
    """Return the closed surface of {field > level} in world coordinates.

    field: float32 [X, Y, Z], sample i at (i + 0.5) / n - 0.5 on each axis; outside of it everything is empty.
    Returns vertices float32 [N, 3] and faces int32 [F, 3], counter-clockwise seen from outside.
    """
    below = min(0.0, level - 0.5)  # empty space around an occupancy; lower than the level in any case
    padded = np.pad(field.astype(np.float32, copy=False), 1, constant_values=below)
    inside = padded > level
    vertices, vertex_of_edge = _edge_vertices(padded, inside, level)
    faces = _cell_faces(inside, vertex_of_edge)
    world = (vertices - 0.5) / np.asarray(field.shape, np.float32) - 0.5
    return world.astype(np.float32), faces


def smooth_binary_field(grid: np.ndarray, passes: int = 0) -> FloatArray:
    """A field of a binary grid [X, Y, Z] whose level set at 0.5 is smooth; `geometry.surface.smooth_binary` in numpy.

    passes = 0: (x + blur(x)) / 2 with the binomial blur [1 2 1]^3 / 64, above 0.5 on exactly the full voxels, so its
    surface keeps the topology, without the voxels' stairs. passes >= 1: that many plain blurs, for rounded things.
    """
    x = grid.astype(np.float32)
    if passes == 0:
        return 0.5 * (x + _blurred(x))
    for _ in range(passes):
        x = _blurred(x)
    return x


def _blurred(field: FloatArray) -> FloatArray:
    blurred = np.pad(field, 1)
    for axis in range(3):
        length = blurred.shape[axis]
        low, middle, high = (np.take(blurred, range(start, length - 2 + start), axis) for start in range(3))
        blurred = 0.25 * (low + high) + 0.5 * middle
    return blurred


def _edge_vertices(padded: FloatArray, inside: np.ndarray, level: float) -> tuple[FloatArray, IntArray]:
    """Vertices [N, 3] in index coordinates of `padded`, and their numbers by axis * size + lower grid point."""
    size = padded.size
    vertex_of_edge = np.zeros(3 * size, np.int32)
    parts, count = [], 0
    flat = padded.ravel()
    for axis, stride in enumerate((padded.shape[1] * padded.shape[2], padded.shape[2], 1)):
        crossing = np.zeros(inside.shape, bool)
        lower, upper = [slice(None)] * 3, [slice(None)] * 3
        lower[axis], upper[axis] = slice(None, -1), slice(1, None)
        np.not_equal(inside[tuple(lower)], inside[tuple(upper)], out=crossing[tuple(lower)])
        points = np.flatnonzero(crossing)
        first, second = flat[points], flat[points + stride]
        along = np.clip((level - first) / (second - first), _CLOSEST, 1.0 - _CLOSEST)
        position = np.stack(np.unravel_index(points, padded.shape), axis=1).astype(np.float32)
        position[:, axis] += along
        vertex_of_edge[axis * size + points] = np.arange(count, count + len(points), dtype=np.int32)
        parts.append(position)
        count += len(points)
    return np.concatenate(parts), vertex_of_edge


def _cell_faces(inside: np.ndarray, vertex_of_edge: IntArray) -> IntArray:
    starts, edges = _triangle_table()
    shape = inside.shape
    case = np.zeros(tuple(n - 1 for n in shape), np.uint8)
    for corner, (x, y, z) in enumerate(_CORNERS):
        part = inside[x : shape[0] - 1 + x, y : shape[1] - 1 + y, z : shape[2] - 1 + z]
        case |= part.view(np.uint8) << np.uint8(corner)
    active = np.flatnonzero((case != 0) & (case != 255))
    cases = case.ravel()[active]
    i, j, k = np.unravel_index(active, case.shape)
    cells = (i * shape[1] + j) * shape[2] + k
    counts = starts[cases + np.int64(1)] - starts[cases]
    total = int(counts.sum())
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    edge = edges[np.repeat(starts[cases], counts) + within]
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    offsets = np.array([np.dot(_CORNERS[low], strides) for low, _ in _EDGES])
    axes = np.array([(low ^ high).bit_length() - 1 for low, high in _EDGES])
    corner_ids = vertex_of_edge[axes[edge] * inside.size + np.repeat(cells, counts) + offsets[edge]]
    return corner_ids.reshape(-1, 3)


@lru_cache(maxsize=1)
def _triangle_table() -> tuple[np.ndarray, np.ndarray]:
    """Edges of the triangles of all cases, one after another, and where each of the 256 cases starts (257 entries)."""
    edges: list[int] = []
    starts = [0]
    for case in range(256):
        for loop in _loops(case):
            for triangle in _fill(loop):
                edges.extend(_EDGES.index(edge) for edge in triangle)
        starts.append(len(edges))
    return np.array(starts, np.int64), np.array(edges, np.int64)


def _cell_sides() -> list[list[int]]:
    """The corners of the six faces of a cell, counter-clockwise seen from outside."""
    sides = []
    for axis in range(3):
        u, v = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
        low = [0, v, u | v, u]
        sides.append(low)
        sides.append([corner | 1 << axis for corner in reversed(low)])
    return sides


def _loops(case: int) -> list[list[Edge]]:
    """Closed chains of crossed edges around the surface pieces in one cell."""
    following: dict[Edge, Edge] = {}
    for side in _cell_sides():
        states = [bool(case >> corner & 1) for corner in side]
        for position in range(4):
            if states[position] and not states[position - 1]:
                last = position
                while states[(last + 1) % 4]:
                    last += 1
                enter = _edge(side[position - 1], side[position])
                leave = _edge(side[last % 4], side[(last + 1) % 4])
                following[enter] = leave
    loops = []
    while following:
        start, edge = following.popitem()
        loop = [start]
        while edge != start:
            loop.append(edge)
            edge = following.pop(edge)
        loops.append(loop)
    return loops


def _edge(a: int, b: int) -> Edge:
    return (min(a, b), max(a, b))


def _fill(loop: list[Edge]) -> list[tuple[Edge, Edge, Edge]]:
    """Triangulate a loop without inner edges that lie in a face of the cell (a neighbour may have the same edge)."""
    return min(_triangulations(loop), key=lambda triangles: sum(_flat_edges(triangle, loop) for triangle in triangles))


def _triangulations(loop: list[Edge]) -> list[list[tuple[Edge, Edge, Edge]]]:
    if len(loop) < 3:
        return [[]]
    return [
        [(loop[0], loop[apex], loop[-1]), *before, *after]
        for apex in range(1, len(loop) - 1)
        for before in _triangulations(loop[: apex + 1])
        for after in _triangulations(loop[apex:])
    ]


def _flat_edges(triangle: tuple[Edge, Edge, Edge], loop: list[Edge]) -> int:
    count = 0
    for a, b in ((triangle[0], triangle[1]), (triangle[1], triangle[2]), (triangle[2], triangle[0])):
        adjacent = (loop.index(a) - loop.index(b)) % len(loop) in (1, len(loop) - 1)
        shared = any({*a, *b} <= set(side) for side in _cell_sides())
        count += shared and not adjacent
    return count
