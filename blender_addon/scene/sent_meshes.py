# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the scene as the generator gets them: triangles of what their modifiers make, in world axes."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..connection.problems import Problem

MOST_OBJECTS = 100  # a message holds two arrays of each


class MeshProblem(Exception):
    """Objects that cannot be sent; `problem` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def sent_meshes(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> dict[str, np.ndarray]:
    """The arrays `vertices_{i}` float32 [N, 3] and `faces_{i}` int32 [F, 3] of mesh objects, without empty ones.

    Raises:
        MeshProblem: there is nothing to send, or too much.
    """
    if len(objects) > MOST_OBJECTS:
        raise MeshProblem(
            Problem(
                "too_many_objects",
                f"{len(objects)} objects are selected, and {MOST_OBJECTS} can be sent.",
                "Select fewer, or join some of them.",
            )
        )
    graph = context.evaluated_depsgraph_get()
    arrays: dict[str, np.ndarray] = {}
    for candidate in objects:
        vertices, faces = _triangles(candidate.evaluated_get(graph))
        if len(faces):
            index = len(arrays) // 2
            arrays[f"vertices_{index}"], arrays[f"faces_{index}"] = vertices, faces
    if not arrays:
        raise MeshProblem(Problem("no_meshes", "No mesh with faces is selected.", "Select the objects to send."))
    return arrays


def _triangles(evaluated: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    mesh = evaluated.to_mesh()
    try:
        mesh.calc_loop_triangles()
        vertices = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", vertices)
        faces = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", faces)
    finally:
        evaluated.to_mesh_clear()
    matrix = np.array(evaluated.matrix_world, np.float32)
    faces = faces.reshape(-1, 3)
    if np.linalg.det(matrix[:3, :3]) < 0:  # a mirrored object: its faces would look inwards
        faces = faces[:, ::-1]
    world = vertices.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return world, np.ascontiguousarray(faces)


def selected_meshes(context: bpy.types.Context) -> dict[str, np.ndarray]:
    """`sent_meshes` of the selected mesh objects. Raises MeshProblem."""
    return sent_meshes(context, [candidate for candidate in context.selected_objects if candidate.type == "MESH"])
