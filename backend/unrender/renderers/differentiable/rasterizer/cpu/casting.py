# SPDX-License-Identifier: Apache-2.0
"""CPU kernel of `casting.casting_features`."""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.casting import CORNER, EDGE


def casting_features(screen: Tensor, faces: Tensor, ring: Tensor, near: float) -> Tensor:
    """Bits [B, F] of contiguous screen [B, N, 3], faces [1 or B, F, 3] and their `edges.edge_ring`."""
    threads = torch.get_num_threads()
    use_threads(threads)
    batch, count = len(screen), faces.shape[1]
    features = torch.zeros(batch, count, dtype=torch.uint8)
    away, outward = np.zeros((batch, screen.shape[1], 2)), np.zeros((batch, screen.shape[1], 2))
    tables = (screen.detach().numpy(), faces.numpy())
    _find_edges(*tables, ring.numpy(), near, 4 * threads, features.numpy())
    _sum_up(*tables, features.numpy(), away, outward)
    _find_corners(*tables, 4 * threads, away, outward, features.numpy())
    return features


@compiled(cache=True)
def _side(points, a, b, c):  # type: ignore[no-untyped-def]
    """On which side of the edge from a to b the corner c lies; with its sign changed if a and b are exchanged."""
    first, second = min(a, b), max(a, b)
    x, y = np.float64(points[first, 0]), np.float64(points[first, 1])
    side = (points[second, 0] - x) * (points[c, 1] - y) - (points[second, 1] - y) * (points[c, 0] - x)
    return side if a < b else -side


@compiled(cache=True)
def _is_drawn(points, triangle, near):  # type: ignore[no-untyped-def]
    for k in range(3):
        v = triangle[k]
        if v < 0 or not (math.isfinite(points[v, 0]) and math.isfinite(points[v, 1]) and math.isfinite(points[v, 2])):
            return False
        if points[v, 2] < near:
            return False
    return True


@compiled(parallel=True, cache=True)
def _find_edges(screen, faces, ring, near, tasks, features):  # type: ignore[no-untyped-def]
    batch, count = features.shape
    for task in numba.prange(tasks):
        for job in range(batch * count * task // tasks, batch * count * (task + 1) // tasks):
            image, face = job // count, job % count
            points, triangles, links = screen[image], faces[image % len(faces)], ring[image % len(ring)]
            if not _is_drawn(points, triangles[face], near):
                continue
            bits = 0
            for k in range(3):
                a, b, c = triangles[face, k], triangles[face, (k + 1) % 3], triangles[face, (k + 2) % 3]
                side = _side(points, a, b, c)
                other = links[face, k]
                goes_on = False
                while other != 3 * face + k and not goes_on:
                    beyond = triangles[other // 3]
                    if _is_drawn(points, beyond, near):
                        goes_on = _side(points, a, b, beyond[(other % 3 + 2) % 3]) * side < 0.0
                    other = links[other // 3, other % 3]
                if not goes_on:
                    bits |= EDGE << k
            features[image, face] = bits


@compiled(parallel=True, cache=True)
def _sum_up(screen, faces, features, away, outward):  # type: ignore[no-untyped-def]
    """For each vertex the directions along its contour edges, and their outward normals."""
    batch, count = features.shape
    for image in numba.prange(batch):
        points, triangles = screen[image], faces[image % len(faces)]
        for face in range(count):
            bits = features[image, face]
            if bits == 0:
                continue
            for k in range(3):
                if bits & (EDGE << k) == 0:
                    continue
                a, b, c = triangles[face, k], triangles[face, (k + 1) % 3], triangles[face, (k + 2) % 3]
                x, y = np.float64(points[a, 0]), np.float64(points[a, 1])
                along_x, along_y = points[b, 0] - x, points[b, 1] - y
                length = math.sqrt(along_x * along_x + along_y * along_y)
                if length == 0.0:
                    continue
                along_x, along_y = along_x / length, along_y / length
                side = _side(points, a, b, c)
                sign = 1.0 if side > 0.0 else -1.0 if side < 0.0 else 0.0
                away[image, a, 0] += along_x
                away[image, a, 1] += along_y
                away[image, b, 0] -= along_x
                away[image, b, 1] -= along_y
                for v in (a, b):
                    outward[image, v, 0] += sign * along_y
                    outward[image, v, 1] -= sign * along_x


@compiled(parallel=True, cache=True)
def _find_corners(screen, faces, tasks, away, outward, features):  # type: ignore[no-untyped-def]
    batch, count = features.shape
    for task in numba.prange(tasks):
        for job in range(batch * count * task // tasks, batch * count * (task + 1) // tasks):
            image, face = job // count, job % count
            triangle = faces[image % len(faces), face]
            bits = features[image, face]
            for k in range(3):
                v = triangle[k]
                if bits != 0 and (
                    away[image, v, 0] * outward[image, v, 0] + away[image, v, 1] * outward[image, v, 1] < 0.0
                ):
                    bits |= CORNER << k
            features[image, face] = bits
