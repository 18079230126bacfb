# SPDX-License-Identifier: Apache-2.0
"""Normals of triangle meshes, as Blender computes them."""

import inspect

import numba
import numpy as np
from jaxtyping import Float32, Integer

_A0, _A1, _A2, _A3 = (np.float32(value) for value in (1.5707288, -0.2121144, 0.0742610, -0.0187293))
_PI = np.float32(np.pi)


def vertex_normals(
    vertices: Float32[np.ndarray, "N 3"], faces: Integer[np.ndarray, "F 3"]
) -> Float32[np.ndarray, "N 3"]:
    """Unit normals at the vertices: those of the faces around it, weighted by each face's angle at the vertex.

    Faces are counter-clockwise seen from outside. A vertex without a face that has an area gets (0, 0, 0).
    Raises IndexError for a face that names a vertex which is not there.
    """
    if len(faces) and not 0 <= int(faces.min()) <= int(faces.max()) < len(vertices):
        raise IndexError(f"faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}")
    normals = np.zeros_like(vertices)
    _add_weighted(vertices, faces, normals)
    _normalise(normals)
    return normals


def face_normals(vertices: Float32[np.ndarray, "N 3"], faces: Integer[np.ndarray, "F 3"]) -> Float32[np.ndarray, "F 3"]:
    """Unit normals of the faces; (0, 0, 0) for a face without area."""
    corners = vertices[faces]
    normals = np.ascontiguousarray(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    _normalise(normals)
    return normals


def _sum_over_faces(vertices, faces, normals):  # type: ignore[no-untyped-def]
    edge, length = np.empty((3, 3), np.float32), np.empty(3, np.float32)
    for face in range(faces.shape[0]):
        for corner in range(3):
            start, end = faces[face, corner], faces[face, (corner + 1) % 3]
            squared = np.float32(0.0)
            for axis in range(3):
                edge[corner, axis] = vertices[end, axis] - vertices[start, axis]
                squared += edge[corner, axis] ** 2
            length[corner] = np.sqrt(squared)
        x = edge[0, 1] * edge[1, 2] - edge[0, 2] * edge[1, 1]
        y = edge[0, 2] * edge[1, 0] - edge[0, 0] * edge[1, 2]
        z = edge[0, 0] * edge[1, 1] - edge[0, 1] * edge[1, 0]
        area = np.sqrt(x * x + y * y + z * z)
        if area == 0.0:
            continue
        for corner in range(3):
            before = (corner + 2) % 3
            dot = np.float32(0.0)
            for axis in range(3):
                dot -= edge[corner, axis] * edge[before, axis]
            cosine = dot / (length[corner] * length[before])
            # arccos to 7e-5 radians (Abramowitz and Stegun 4.4.45), which is a third of the time of the exact one.
            size = min(abs(cosine), np.float32(1.0))
            angle = ((_A3 * size + _A2) * size + _A1) * size + _A0
            angle *= np.sqrt(np.float32(1.0) - size)
            weight = (angle if cosine >= 0.0 else _PI - angle) / area
            vertex = faces[face, corner]
            normals[vertex, 0] += weight * x
            normals[vertex, 1] += weight * y
            normals[vertex, 2] += weight * z


def _divide_by_length(vectors):  # type: ignore[no-untyped-def]
    for row in range(vectors.shape[0]):
        length = np.sqrt(vectors[row, 0] ** 2 + vectors[row, 1] ** 2 + vectors[row, 2] ** 2)
        if length > 0.0:
            for axis in range(3):
                vectors[row, axis] /= length


# On the bare functions: shape checking wraps every function while tests run, and numba cannot compile the wrapper.
_add_weighted = numba.njit(nogil=True, cache=True)(inspect.unwrap(_sum_over_faces))
_normalise = numba.njit(nogil=True, cache=True)(inspect.unwrap(_divide_by_length))
