# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `normals.smooth_normals`.

All cores work out what each face has to say about its corners; one core per mesh then adds that up, in the order of
the faces. A face with the unit normal n adds `theta_k n` to its corner k. With e_k the edge from corner k to the next,
the end of e_k moves along `m_k = n x e_k / |e_k|^2` by as much as theta_k shrinks and the angle at that end grows.
"""

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads


def smooth_normals_forward(vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Normals [B, N, 3] of vertices [B, N, 3] and faces [1 or B, F, 3], and the lengths of the sums [B, N]."""
    use_threads(torch.get_num_threads())
    batch, count, _ = vertices.shape
    said = np.empty((batch, faces.shape[1], 3, 3), vertices.detach().numpy().dtype)
    normals, lengths = torch.zeros_like(vertices), vertices.new_zeros(batch, count)
    _speak(vertices.detach().numpy(), faces.numpy(), said)
    _add(said, faces.numpy(), normals.numpy())
    _normalise(normals.numpy(), lengths.numpy())
    return normals, lengths


def smooth_normals_backward(
    vertices: Tensor, faces: Tensor, normals: Tensor, lengths: Tensor, gradient: Tensor
) -> Tensor:
    """The gradient of the vertices, given that of the normals."""
    use_threads(torch.get_num_threads())
    of_sums = np.empty(vertices.shape, vertices.detach().numpy().dtype)
    said = np.empty((len(vertices), faces.shape[1], 3, 3), of_sums.dtype)
    result = torch.zeros_like(vertices)
    _pull_to_sums(normals.numpy(), lengths.numpy(), gradient.numpy(), of_sums)
    _pull_to_corners(vertices.detach().numpy(), faces.numpy(), of_sums, said)
    _add(said, faces.numpy(), result.numpy())
    return result


@compiled()
def _difference(points, end, start):  # type: ignore[no-untyped-def]
    return points[end, 0] - points[start, 0], points[end, 1] - points[start, 1], points[end, 2] - points[start, 2]


@compiled()
def _cross(a, b):  # type: ignore[no-untyped-def]
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled()
def _dot(a, b):  # type: ignore[no-untyped-def]
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled(parallel=True, cache=True)
def _speak(vertices, faces, said):  # type: ignore[no-untyped-def]
    batch, count = said.shape[:2]
    for item in numba.prange(batch * count):
        number = vertices.dtype.type
        b, face = item // count, item % count
        points, triangle = vertices[b], faces[b % len(faces), face]
        i, j, k = triangle[0], triangle[1], triangle[2]
        doubled = number(0.0)
        if min(i, j, k) >= 0:
            first, last = _difference(points, j, i), _difference(points, k, i)
            normal = _cross(first, last)
            doubled = np.sqrt(_dot(normal, normal))
        if not (doubled > number(0.0) and doubled < number(np.inf)):
            said[b, face] = number(0.0)
            continue
        middle = _difference(points, k, j)
        at_i = np.arctan2(doubled, _dot(first, last))
        at_j = np.arctan2(doubled, -_dot(first, middle))
        at_k = np.arctan2(doubled, _dot(last, middle))
        for axis in range(3):
            share = normal[axis] / doubled
            said[b, face, 0, axis] = at_i * share
            said[b, face, 1, axis] = at_j * share
            said[b, face, 2, axis] = at_k * share


@compiled(parallel=True, cache=True)
def _pull_to_corners(vertices, faces, of_sums, said):  # type: ignore[no-untyped-def]
    batch, count = said.shape[:2]
    for item in numba.prange(batch * count):
        number = vertices.dtype.type
        b, face = item // count, item % count
        points, triangle = vertices[b], faces[b % len(faces), face]
        i, j, k = triangle[0], triangle[1], triangle[2]
        doubled = number(0.0)
        if min(i, j, k) >= 0:
            first, last = _difference(points, j, i), _difference(points, k, i)
            vector = _cross(first, last)
            doubled = np.sqrt(_dot(vector, vector))
        said[b, face] = number(0.0)
        if not (doubled > number(0.0) and doubled < number(np.inf)):
            continue
        middle = _difference(points, k, j)
        normal = (vector[0] / doubled, vector[1] / doubled, vector[2] / doubled)
        at_i = np.arctan2(doubled, _dot(first, last))
        at_j = np.arctan2(doubled, -_dot(first, middle))
        at_k = np.arctan2(doubled, _dot(last, middle))
        sums = of_sums[b]
        wanted = (
            at_i * sums[i, 0] + at_j * sums[j, 0] + at_k * sums[k, 0],
            at_i * sums[i, 1] + at_j * sums[j, 1] + at_k * sums[k, 1],
            at_i * sums[i, 2] + at_j * sums[j, 2] + at_k * sums[k, 2],
        )
        along = _dot(wanted, normal)
        across = (
            (wanted[0] - along * normal[0]) / doubled,
            (wanted[1] - along * normal[1]) / doubled,
            (wanted[2] - along * normal[2]) / doubled,
        )
        to_j, to_k = _cross(last, across), _cross(across, first)
        of_i, of_j, of_k = _dot(sums[i], normal), _dot(sums[j], normal), _dot(sums[k], normal)
        turn_ij, turn_jk, turn_ik = _cross(normal, first), _cross(normal, middle), _cross(normal, last)
        by_ij = (of_i - of_j) / _dot(first, first)
        by_jk = (of_j - of_k) / _dot(middle, middle)
        by_ik = (of_i - of_k) / _dot(last, last)  # the edge from k to i, the other way round
        for axis in range(3):
            ij, jk, ik = by_ij * turn_ij[axis], by_jk * turn_jk[axis], by_ik * turn_ik[axis]
            said[b, face, 0, axis] = ij - ik - to_j[axis] - to_k[axis]
            said[b, face, 1, axis] = jk - ij + to_j[axis]
            said[b, face, 2, axis] = ik - jk + to_k[axis]


@compiled(parallel=True, cache=True)
def _add(said, faces, sums):  # type: ignore[no-untyped-def]
    for b in numba.prange(len(said)):
        triangles = faces[b % len(faces)]
        for face in range(len(triangles)):
            if min(triangles[face, 0], triangles[face, 1], triangles[face, 2]) < 0:
                continue
            for corner in range(3):
                vertex = triangles[face, corner]
                for axis in range(3):
                    sums[b, vertex, axis] += said[b, face, corner, axis]


@compiled(parallel=True, cache=True)
def _normalise(normals, lengths):  # type: ignore[no-untyped-def]
    batch, count = lengths.shape
    for item in numba.prange(batch * count):
        b, vertex = item // count, item % count
        length = np.sqrt(_dot(normals[b, vertex], normals[b, vertex]))
        lengths[b, vertex] = length
        if length > lengths.dtype.type(0.0):
            for axis in range(3):
                normals[b, vertex, axis] /= length


@compiled(parallel=True, cache=True)
def _pull_to_sums(normals, lengths, gradient, result):  # type: ignore[no-untyped-def]
    batch, count = lengths.shape
    for item in numba.prange(batch * count):
        b, vertex = item // count, item % count
        length = lengths[b, vertex]
        along = _dot(gradient[b, vertex], normals[b, vertex])
        for axis in range(3):
            result[b, vertex, axis] = lengths.dtype.type(0.0)
            if length > lengths.dtype.type(0.0):
                result[b, vertex, axis] = (gradient[b, vertex, axis] - along * normals[b, vertex, axis]) / length
