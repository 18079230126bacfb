# SPDX-License-Identifier: Apache-2.0
"""Cleaning up a mesh that came from anywhere."""

import numpy as np

from unrender.geometry.meshes import Mesh
from unrender.meshing import topology
from unrender.meshing.decimation import decimate
from unrender.meshing.denoising import flatten_steps


def clean_up(mesh: Mesh, largest_component: bool = True, smoothing: float = 0.0, max_faces: int | None = None) -> Mesh:
    """Return the mesh without doubled vertices and faces without area, outward, smoothed and decimated as asked.

    largest_component: keep only the piece that encloses most. smoothing: how far a vertex may move, in world units,
    to take steps and noise off; 0 for not at all. max_faces: as in `decimate`, for closed meshes; an open mesh is
    not decimated, because nothing would tell whether it was still whole.
    """
    mesh = weld(mesh)
    if largest_component:
        mesh = topology.largest_component(mesh)
    if len(mesh.faces) == 0:
        return mesh
    if topology.signed_volume(mesh) < 0.0:
        mesh = Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))
    if smoothing > 0.0:
        mesh = flatten_steps(mesh, smoothing)
    if max_faces is not None and topology.is_watertight(mesh):
        mesh = decimate(mesh, max_faces)
    return mesh


def weld(mesh: Mesh) -> Mesh:
    """Return the mesh with equal vertices made one and without the faces that then lack three different corners."""
    vertices, inverse = np.unique(mesh.vertices, axis=0, return_inverse=True)
    faces = inverse.reshape(-1)[mesh.faces].astype(np.int32)
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return topology.drop_unused_vertices(Mesh(vertices.astype(np.float32), faces[proper]))
