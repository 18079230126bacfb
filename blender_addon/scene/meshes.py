# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangle meshes between numpy and Blender."""

from __future__ import annotations

import bpy
import numpy as np

from ..connection.topology import SHARP_ANGLE_RADIANS, Topology, find_topology

UV_MAP = "UVMap"


def create_mesh(name: str, vertices: np.ndarray, faces: np.ndarray, topology: Topology | None = None) -> bpy.types.Mesh:
    """A new mesh of triangles, smooth-shaded except over sharp edges.

    Args:
        name: wished name; Blender adds a number where it is taken.
        vertices, faces, topology: see `fill_mesh`.
    """
    mesh = bpy.data.meshes.new(name)
    fill_mesh(mesh, vertices, faces, topology)
    return mesh


def fill_mesh(mesh: bpy.types.Mesh, vertices: np.ndarray, faces: np.ndarray, topology: Topology | None = None) -> None:
    """Make an empty mesh one of triangles, smooth-shaded except over sharp edges.

    Args:
        mesh: without geometry; its materials stay.
        vertices: [N, 3] float32, object coordinates.
        faces: [F, 3] int32, indices below N (not checked here), anticlockwise seen from outside.
        topology: of these very faces; found here where it is missing, which takes longer than all the rest.
    """
    mesh.vertices.add(len(vertices))
    if bpy.app.version < (4, 1, 0):
        _fill_structs(mesh, vertices, faces)
    else:
        _fill_attributes(mesh, vertices, faces, topology or find_topology(vertices, faces))


def takes_most_of_a_tick(faces: np.ndarray) -> bool:
    """Whether a mesh of these faces [F, 3] should be made in a tick of its own, before its object and undo step."""
    return len(faces) > (4_000 if bpy.app.version < (4, 1, 0) else 20_000)


def _fill_attributes(mesh: bpy.types.Mesh, vertices: np.ndarray, faces: np.ndarray, topology: Topology) -> None:
    """Copy whole arrays into the attributes that a mesh consists of since 4.1; faces are smooth unless told otherwise.

    `vertices.co`, `loops.vertex_index` and their like reach the same memory one element after the other.
    """
    _copy(mesh, "position", "vector", vertices, np.float32)
    mesh.edges.add(len(topology.edges))
    _copy(mesh, ".edge_verts", "value", topology.edges, np.int32)
    mesh.loops.add(faces.size)
    _copy(mesh, ".corner_vert", "value", faces, np.int32)
    _copy(mesh, ".corner_edge", "value", topology.corner_edges, np.int32)
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.attributes.new("sharp_edge", "BOOLEAN", "EDGE")
    _copy(mesh, "sharp_edge", "value", topology.sharp, bool)
    mesh.update()


def _copy(mesh: bpy.types.Mesh, name: str, member: str, values: np.ndarray, dtype: type) -> None:
    mesh.attributes[name].data.foreach_set(member, np.ascontiguousarray(values, dtype).ravel())


def _fill_structs(mesh: bpy.types.Mesh, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Before 4.1 Blender finds the edges as quickly as they can be copied, and sharp ones when it draws."""
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("loop_total", np.full(len(faces), 3, np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.use_auto_smooth = True
    mesh.auto_smooth_angle = SHARP_ANGLE_RADIANS
    mesh.update(calc_edges=True)


def lay_texture(mesh: bpy.types.Mesh, corner_uv: np.ndarray) -> None:
    """Give a mesh of triangles its UV map, and shade it smooth all over.

    Args:
        mesh: without UV maps.
        corner_uv: [F, 3, 2] float32, of each corner of each face.
    """
    mesh.uv_layers.new(name=UV_MAP, do_init=False)
    if bpy.app.version < (4, 1, 0):
        mesh.use_auto_smooth = False
        mesh.uv_layers[UV_MAP].data.foreach_set("uv", np.ascontiguousarray(corner_uv, np.float32).ravel())
    else:
        _copy(mesh, UV_MAP, "vector", corner_uv, np.float32)


def read_mesh(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [N, 3] float32 and triangles [F, 3] int32 of any mesh; polygons are split into triangles."""
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.calc_loop_triangles()
    faces = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def read_corner_uv(mesh: bpy.types.Mesh) -> np.ndarray | None:
    """The UV map [F, 3, 2] float32 of the triangles that `read_mesh` gives; None where the mesh has none."""
    layer = mesh.uv_layers.active
    if layer is None:
        return None
    uv = np.empty(2 * len(mesh.loops), np.float32)
    layer.data.foreach_get("uv", uv)
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("loops", corners)
    return uv.reshape(-1, 2)[corners].reshape(-1, 3, 2)
