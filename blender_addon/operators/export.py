# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving generated objects as files for other programs."""

from __future__ import annotations

from pathlib import Path

import bpy


class UNRENDER_OT_export(bpy.types.Operator):
    """Save each selected object as a GLB file of its own, standing at the origin"""

    bl_idname = "unrender.export"
    bl_label = "Export GLB"

    directory: bpy.props.StringProperty(name="Folder", subtype="DIR_PATH")  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(candidate.type == "MESH" for candidate in context.selected_objects):
            cls.poll_message_set("Select mesh objects")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.export import ExportProblem, export_objects

        chosen = [candidate for candidate in context.selected_objects if candidate.type == "MESH"]
        try:
            files = export_objects(context, chosen, Path(bpy.path.abspath(self.directory)))
        except ExportProblem as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved: {len(files)}")
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_export,)
