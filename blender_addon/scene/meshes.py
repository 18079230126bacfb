# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangle meshes between numpy and Blender."""

from __future__ import annotations

import math

import bpy
import numpy as np

# Marching cubes rounds every edge of the voxel grid; only real corners are sharper than this.
SHARP_ANGLE_RADIANS = math.radians(50.0)


def create_mesh(name: str, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Mesh:
    """A new mesh of triangles, smooth-shaded except over sharp edges.

    Args:
        name: wished name; Blender adds a number where it is taken.
        vertices: [N, 3] float32, object coordinates.
        faces: [F, 3] int32, indices below N (not checked here), anticlockwise seen from outside.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    if bpy.app.version < (4, 1, 0):
        mesh.polygons.foreach_set("loop_total", np.full(len(faces), 3, np.int32))
    mesh.update(calc_edges=True)
    shade_smooth(mesh)
    return mesh


def shade_smooth(mesh: bpy.types.Mesh) -> None:
    """Smooth shading that keeps flat panels flat: edges above `SHARP_ANGLE_RADIANS` stay sharp. Needs the edges."""
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    if hasattr(mesh, "set_sharp_from_angle"):
        mesh.set_sharp_from_angle(angle=SHARP_ANGLE_RADIANS)
    else:
        mesh.use_auto_smooth = True
        mesh.auto_smooth_angle = SHARP_ANGLE_RADIANS


def read_mesh(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [N, 3] float32 and triangles [F, 3] int32 of any mesh; polygons are split into triangles."""
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.calc_loop_triangles()
    faces = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)
