# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting another mesh into a generated object, when it comes; and showing the pictures of those that have some.

The timer calls the first two; sliders make meshes be asked for.

One change is one undo step, however many meshes come while a slider is dragged: the first is a step, and those after it
take its place as long as nothing else has been done in between.
"""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..properties import get_asset_previews, get_session

STEP_NAME = "Change Mesh"


class _ChangeMesh:
    """What both share."""

    target: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.remeshing import replace_mesh

        remeshing = get_session(context).remeshing
        result = remeshing.take(self.target)
        changed = replace_mesh(result) if result is not None else None
        if changed is None:
            return {"CANCELLED"}
        if changed.asset_data is not None and remeshing.wanted(changed.name) is None:
            get_asset_previews(context).request(changed)
        return {"FINISHED"}


class UNRENDER_OT_change_mesh(_ChangeMesh, bpy.types.Operator):
    """Give a generated object the mesh that was made for it"""

    bl_idname = "unrender.change_mesh"
    bl_label = STEP_NAME
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}


class UNRENDER_OT_change_mesh_further(_ChangeMesh, bpy.types.Operator):
    """Give a generated object the next mesh of the same change"""

    bl_idname = "unrender.change_mesh_further"
    bl_label = "Change Mesh Further"
    bl_options: ClassVar[set[str]] = {"UNDO_GROUPED", "INTERNAL"}
    bl_undo_group = STEP_NAME


class UNRENDER_OT_show_textures(bpy.types.Operator):
    """Let this solid view show pictures on objects instead of one colour for each material"""

    bl_idname = "unrender.show_textures"
    bl_label = "Show Textures"

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not hides_textures(context):
            return {"CANCELLED"}
        context.space_data.shading.color_type = "TEXTURE"
        return {"FINISHED"}


def hides_textures(context: bpy.types.Context) -> bool:
    """Whether the 3D view that one is in is solid, and shows no pictures, as it is in a new file."""
    space = context.space_data
    if not isinstance(space, bpy.types.SpaceView3D):
        return False
    return space.shading.type == "SOLID" and space.shading.color_type != "TEXTURE"


CLASSES = (UNRENDER_OT_change_mesh, UNRENDER_OT_change_mesh_further, UNRENDER_OT_show_textures)
