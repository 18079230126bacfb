# SPDX-License-Identifier: Apache-2.0
"""What a mesh is made of: edges, components, volume, normals."""

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from unrender.geometry.meshes import Mesh


def is_watertight(mesh: Mesh) -> bool:
    """Whether the mesh is a closed, consistently oriented 2-manifold along its edges.

    Every directed edge must occur once, and so must its opposite. A mesh without faces is not watertight.
    """
    if len(mesh.faces) == 0:
        return False
    edges = directed_edges(mesh)
    forward = edges[:, 0] * len(mesh.vertices) + edges[:, 1]
    backward = edges[:, 1] * len(mesh.vertices) + edges[:, 0]
    unique = np.unique(forward)
    return len(unique) == len(forward) and bool(np.array_equal(unique, np.unique(backward)))


def directed_edges(mesh: Mesh) -> Int[np.ndarray, "E 2"]:
    """The three edges of every face, in the direction of the face."""
    faces = mesh.faces.astype(np.int64)
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def signed_volume(mesh: Mesh) -> float:
    """Enclosed volume; positive where the faces look outward."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def face_normals(
    vertices: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "F 3"]
) -> tuple[Float64[np.ndarray, "F 3"], Float64[np.ndarray, " F"]]:
    """Unit normals and areas; the normal of a face without area is zero."""
    corners = vertices[faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(length, 1e-30)[:, None], 0.5 * length


def count_components(mesh: Mesh) -> int:
    """Number of pieces that share no vertex."""
    if len(mesh.faces) == 0:
        return 0
    labels = _component_of_faces(mesh)
    return len(np.unique(labels))


def largest_component(mesh: Mesh) -> Mesh:
    """The piece that encloses the largest volume, without the vertices that it does not use."""
    if len(mesh.faces) == 0:
        return mesh
    labels = _component_of_faces(mesh)
    pieces = [Mesh(mesh.vertices, mesh.faces[labels == label]) for label in np.unique(labels)]
    return drop_unused_vertices(max(pieces, key=lambda piece: abs(signed_volume(piece))))


def drop_unused_vertices(mesh: Mesh) -> Mesh:
    """The same faces over only the vertices that they use."""
    used, faces = np.unique(mesh.faces, return_inverse=True)
    return Mesh(mesh.vertices[used], faces.reshape(-1, 3).astype(np.int32))


def _component_of_faces(mesh: Mesh) -> Int[np.ndarray, " F"]:
    edges = directed_edges(mesh)
    count = len(mesh.vertices)
    graph = coo_matrix((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return labels[mesh.faces[:, 0]]
