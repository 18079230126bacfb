# SPDX-License-Identifier: GPL-3.0-or-later
"""Filing generated objects in the Asset Browser."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..properties import get_asset_previews
from ..translation import translate


class UNRENDER_OT_mark_asset(bpy.types.Operator):
    """Mark the selected generated objects as assets, with preview, tags and where they come from"""

    bl_idname = "unrender.mark_asset"
    bl_label = "Mark as Asset"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any("unrender_uuid" in candidate for candidate in context.selected_objects):
            cls.poll_message_set(translate("Select objects that Unrender generated"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.assets import mark_as_asset
        from ..scene.provenance import generated_objects

        previews = get_asset_previews(context)
        chosen = generated_objects(context.selected_objects)
        for candidate in chosen:
            mark_as_asset(candidate)
            previews.request(candidate)
        self.report({"INFO"}, translate("Marked: {count}").format(count=len(chosen)))
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_mark_asset,)
