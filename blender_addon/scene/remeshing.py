# SPDX-License-Identifier: GPL-3.0-or-later
"""Another mesh for a generated object, in its place: name, materials, transforms and modifiers stay."""

from __future__ import annotations

import bpy

from ..connection.problems import Problem
from ..connection.remeshing import MeshResult
from .meshes import fill_mesh
from .provenance import is_textured, source_of, write_settings


def obstacle(target: bpy.types.Object) -> Problem | None:
    """Why an object cannot get another mesh, if it cannot."""
    name = target.name
    mesh = target.data
    if not isinstance(mesh, bpy.types.Mesh) or source_of(target) is None:
        return Problem(
            "not_a_shape", f"{name} is not the shape any more that was generated.", "Generate it anew to change it."
        )
    if is_textured(target):
        return Problem(
            "textured", f"{name} came with its texture, and has one mesh only.", "Select shapes without a texture."
        )
    if target.library is not None or mesh.library is not None:
        return Problem("linked", f"{name} is linked from another file.", "Open that file to change it.")
    if mesh.shape_keys is not None:
        return Problem("shape_keys", f"{name} has shape keys, which belong to its mesh.", "Remove them to change it.")
    if mesh.is_editmode:
        return Problem("edit_mode", f"{name} is being edited.", "Leave Edit Mode to change it.")
    return None


def replace_mesh(result: MeshResult) -> bpy.types.Object | None:
    """Put a mesh into the object that it was wished for; None where that is another object by now, or gone."""
    target = bpy.data.objects.get(result.wish.target)
    if target is None or obstacle(target) is not None or source_of(target) != result.wish.source:
        return None
    mesh = target.data
    mesh.clear_geometry()
    fill_mesh(mesh, result.shape.vertices, result.shape.faces, result.shape.topology)
    write_settings(target, result.wish.settings)
    return target
