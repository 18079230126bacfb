# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving generated objects as files for other programs."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..scene.export_formats import available_formats
from ..translation import translate


def _format_items(_self: bpy.types.Operator, _context: bpy.types.Context) -> tuple[tuple[str, str, str], ...]:
    return available_formats()


class UNRENDER_OT_export(bpy.types.Operator):
    """Save each selected object as a file of its own, standing at the origin"""

    bl_idname = "unrender.export"
    bl_label = "Export"

    directory: bpy.props.StringProperty(name="Folder", subtype="DIR_PATH")  # type: ignore[valid-type]
    file_format: bpy.props.EnumProperty(name="Format", items=_format_items)  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(candidate.type == "MESH" for candidate in context.selected_objects):
            cls.poll_message_set(translate("Select mesh objects"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.export import ExportProblem, export_objects

        chosen = [candidate for candidate in context.selected_objects if candidate.type == "MESH"]
        try:
            files = export_objects(context, chosen, Path(bpy.path.abspath(self.directory)), self.file_format)
        except ExportProblem as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, translate("Saved: {count}").format(count=len(files)))
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_export,)
