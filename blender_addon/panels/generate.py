# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, and where the results go."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..properties import get_settings
from .layout import SidePanel


class UNRENDER_PT_generate(SidePanel, bpy.types.Panel):
    bl_label = "Generate"
    bl_parent_id = "UNRENDER_PT_status"

    def draw(self, context: bpy.types.Context) -> None:
        settings = get_settings(context)
        layout = self.layout
        layout.prop(settings, "model")
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.operator("unrender.roll_seed", text="", icon="FILE_REFRESH")
        row.prop(settings, "seed_locked", text="", icon="LOCKED" if settings.seed_locked else "UNLOCKED")
        layout.prop(settings, "count")
        layout.prop(settings, "variety", slider=True)
        layout.prop(settings, "threshold", slider=True)
        button = layout.row()
        button.scale_y = 1.5
        button.operator("unrender.generate", icon="MESH_MONKEY")


class UNRENDER_PT_send(SidePanel, bpy.types.Panel):
    bl_label = "Send To"
    bl_parent_id = "UNRENDER_PT_status"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        row = self.layout.row()
        row.operator("unrender.mark_asset", icon="ASSET_MANAGER")
        row.operator("unrender.export", icon="EXPORT")


CLASSES = (UNRENDER_PT_generate, UNRENDER_PT_send)
