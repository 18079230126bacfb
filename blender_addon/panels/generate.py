# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, and where the results go."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..operators.shape import hides_textures
from ..properties import chosen_card, get_pictures, get_session, get_settings
from ..scene.provenance import selected_shapes
from ..shape_settings import shown_shape
from ..translation import translate
from ..view_settings import turned_shapes
from .layout import BOX_PIXELS, SidePanel, content_pixels, draw_picture, draw_problem, draw_sentence

PICTURE_PART = 0.42  # of the card's width
MOST_PICTURE_PIXELS = 128.0


class UNRENDER_PT_generate(SidePanel, bpy.types.Panel):
    bl_label = "Generate"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        settings = get_settings(context)
        layout = self.layout
        layout.prop(settings, "model", text="")
        draw_card(layout, context)
        column = layout.column(align=True)
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator("unrender.roll_seed", text="", icon="FILE_REFRESH")
        row.prop(settings, "seed_locked", text="", icon="LOCKED" if settings.seed_locked else "UNLOCKED")
        card = chosen_card(context)
        textured = card is not None and card.textured
        if textured:
            row = column.row(align=True)
            row.prop(settings, "leads", toggle=True)
            if settings.leads:
                row.prop(settings, "last_seed", text="")
        column.prop(settings, "count")
        column = layout.column(align=True)
        column.prop(settings, "variety", slider=True)
        if not textured:
            column.prop(settings, "threshold", slider=True)
            column.prop(settings, "smoothing", slider=True)
            column.row(align=True).prop(settings, "resolution", expand=True)
        button = layout.row()
        button.scale_y = 1.6
        button.operator("unrender.generate", icon="MESH_MONKEY")


class UNRENDER_PT_shapes(SidePanel, bpy.types.Panel):
    bl_label = "Selected Shapes"
    bl_parent_id = "UNRENDER_PT_generate"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return next(selected_shapes(context), None) is not None

    def draw(self, context: bpy.types.Context) -> None:
        settings = get_settings(context)
        layout = self.layout
        shapes = [shape.name for shape in selected_shapes(context)]
        words = ", ".join(shapes[:1])
        if len(shapes) > 1:
            words = translate("{name} and {count} more").format(name=shapes[0], count=len(shapes) - 1)
        layout.label(text=words, icon="MESH_DATA", translate=False)
        if shown_shape(context) is not None:
            column = layout.column(align=True)
            column.prop(settings, "shape_threshold", slider=True)
            column.prop(settings, "shape_smoothing", slider=True)
            column.row(align=True).prop(settings, "shape_resolution", expand=True)
        if next(turned_shapes(context), None) is not None:
            column = layout.column(align=True)
            column.prop(context.scene, "unrender_azimuth", slider=True)
            column.prop(context.scene, "unrender_elevation", slider=True)
            if hides_textures(context):
                layout.operator("unrender.show_textures", icon="TEXTURE")
        problem = get_session(context).remeshing.problem
        if problem is not None:
            draw_problem(layout, context, problem)


def draw_card(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The chosen model: its picture, and what it makes."""
    card = chosen_card(context)
    if card is None:
        return
    box = layout.box()
    icons = get_pictures(context).model(card.hash)
    pixels = content_pixels(context) - BOX_PIXELS
    if not icons:
        draw_sentence(box, card.description or card.name, "MESH_DATA", pixels)
        return
    part = min(PICTURE_PART, MOST_PICTURE_PIXELS / pixels)
    row = box.split(factor=part)
    draw_picture(row.column(), icons, part * pixels)
    draw_sentence(row.column(), card.description or card.name, "NONE", (1.0 - part) * pixels)


class UNRENDER_PT_send(SidePanel, bpy.types.Panel):
    bl_label = "Send To"
    bl_order = 5
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.operator("unrender.mark_asset", icon="ASSET_MANAGER")
        column.operator_menu_enum("unrender.export", "file_format", text="Export", icon="EXPORT")


CLASSES = (UNRENDER_PT_generate, UNRENDER_PT_shapes, UNRENDER_PT_send)
