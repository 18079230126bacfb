# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces that lie in the same place: models for games have them so that both sides are seen, and renderers hit one or
the other from pixel to pixel."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np

_SAME_NORMAL = 1e-2


def clean_mesh(mesh: bpy.types.Mesh) -> None:
    """Leave one of the faces that have the same corners, and repair what would crash a renderer.

    The normals that the file gave stay as they are: Blender's own validation would mix them up with the faces.
    """
    normals = _corner_normals(mesh) if mesh.has_custom_normals else None
    keep = _first_of_each(mesh)
    if not keep.all():
        if normals is not None:
            normals = normals[np.repeat(keep, _read(mesh.polygons, "loop_total", np.int32))]
        edited = bmesh.new()
        edited.from_mesh(mesh)
        edited.faces.ensure_lookup_table()
        bmesh.ops.delete(edited, geom=[edited.faces[i] for i in np.flatnonzero(~keep)], context="FACES_ONLY")
        edited.to_mesh(mesh)
        edited.free()
    mesh.validate(clean_customdata=False)
    if normals is not None and len(mesh.loops) == len(normals):
        _set_normals(mesh, normals)


def _set_normals(mesh: bpy.types.Mesh, normals: np.ndarray) -> None:
    """Give corners these normals, with an edge marked as sharp where those of its two sides differ.

    Cycles parts a mesh at its sharp edges only, and then knows one normal per vertex.
    """
    edges, vertices = _read(mesh.loops, "edge_index", np.int32), _read(mesh.loops, "vertex_index", np.int32)
    starts, totals = (_read(mesh.polygons, name, np.int32) for name in ("loop_start", "loop_total"))
    following = np.arange(1, len(edges) + 1)
    following[starts + totals - 1] = starts
    # Each edge of a face has two ends; what all faces say about the same end of an edge has to agree.
    ends = np.concatenate([vertices, vertices[following]]).astype(np.int64)
    said = np.concatenate([normals, normals[following]])
    keys = np.concatenate([edges, edges]).astype(np.int64) * len(mesh.vertices) + ends
    order = np.argsort(keys, kind="stable")
    keys, said = keys[order], said[order]
    differs = (keys[1:] == keys[:-1]) & (np.abs(said[1:] - said[:-1]).max(axis=1) > _SAME_NORMAL)
    sharp = _read(mesh.edges, "use_edge_sharp", bool)
    sharp[keys[1:][differs] // len(mesh.vertices)] = True
    mesh.edges.foreach_set("use_edge_sharp", sharp)
    if bpy.app.version < (4, 1):
        mesh.use_auto_smooth = True
    mesh.normals_split_custom_set(normals.tolist())


def _first_of_each(mesh: bpy.types.Mesh) -> np.ndarray:
    """For each face whether it is the first with its corners, bool [F]."""
    if not len(mesh.polygons):
        return np.ones(0, bool)
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    _, place = np.unique(points.reshape(-1, 3) + 0.0, axis=0, return_inverse=True)
    # A sum of one random number per corner is the same in whatever order the corners come.
    numbers = np.random.Generator(np.random.PCG64(0)).integers(0, 2**63, len(mesh.vertices), dtype=np.uint64)
    corners = numbers[place.ravel()][_read(mesh.loops, "vertex_index", np.int32)]
    keys = np.add.reduceat(corners, _read(mesh.polygons, "loop_start", np.int32))
    keep = np.zeros(len(keys), bool)
    keep[np.unique(keys, return_index=True)[1]] = True
    return keep


def _corner_normals(mesh: bpy.types.Mesh) -> np.ndarray:
    """Float32 [loops, 3]."""
    normals = np.empty(3 * len(mesh.loops), np.float32)
    if bpy.app.version < (4, 1):
        mesh.calc_normals_split()
        mesh.loops.foreach_get("normal", normals)
    else:
        mesh.corner_normals.foreach_get("vector", normals)
    return normals.reshape(-1, 3)


def _read(elements: bpy.types.bpy_prop_collection, name: str, kind: type) -> np.ndarray:
    values = np.empty(len(elements), kind)
    elements.foreach_get(name, values)
    return values
