# SPDX-License-Identifier: GPL-3.0-or-later
"""Render data set: images of many shapes from many sides, made at the generator to train on, or of the artist's own
objects, made by a Blender of its own and left in a folder."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..connection.datasets import COLOURED, KIND, OBJECTS, rendered_dataset
from ..connection.jobs import UNFINISHED, Job
from ..connection.wording import job_word
from ..properties import INTO_FOLDER, get_pictures, get_session, get_settings
from ..translation import translate
from .folder_datasets import draw_folder_form, draw_folder_run
from .layout import BOX_PIXELS, SidePanel, content_pixels, draw_picture, draw_problem, draw_progress, progress_line


class UNRENDER_PT_datasets(SidePanel, bpy.types.Panel):
    bl_label = "Render Data Set"
    bl_order = 3
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.row().prop(get_settings(context), "dataset_target", expand=True)
        if get_settings(context).dataset_target == INTO_FOLDER:
            draw_folder_form(self.layout, context)
            draw_folder_run(self.layout, context)
            return
        draw_form(self.layout, context)
        jobs = get_session(context).jobs.values()
        newest = next((job for job in reversed(tuple(jobs)) if job.kind == KIND), None)
        if newest is not None:
            draw_dataset(self.layout.box(), context, newest)


def draw_form(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Which shapes, how many images, what it is called, and the buttons."""
    settings = get_settings(context)
    layout.prop(settings, "dataset_source", text="")
    column = layout.column(align=True)
    shapes = settings.dataset_count
    if settings.dataset_source == OBJECTS:
        shapes = sum(candidate.type == "MESH" for candidate in context.selected_objects)
    else:
        column.prop(settings, "dataset_count")
    column.prop(settings, "dataset_views")
    column.prop(settings, "dataset_size")
    if settings.dataset_source in COLOURED:
        layout.prop(settings, "dataset_colours")
    layout.prop(settings, "dataset_name")
    words = translate("{shapes} shapes, {images} images").format(shapes=shapes, images=shapes * settings.dataset_views)
    layout.label(text=words, translate=False)
    row = layout.row(align=True)
    row.scale_y = 1.4
    button = row.operator("unrender.render_dataset", icon="RENDER_STILL")
    button.source, button.count, button.views = settings.dataset_source, settings.dataset_count, settings.dataset_views
    button.size, button.dataset = settings.dataset_size, settings.dataset_name
    button.colours = settings.dataset_colours
    row.operator("unrender.copy_command", text="", icon="CONSOLE").work = "DATASET"


def draw_dataset(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """The newest data set: its progress, and its contact sheet when it is done."""
    pixels = content_pixels(context) - BOX_PIXELS
    row = layout.row()
    name = str(job.parameters.get("name", ""))
    row.label(text=f"{name}: {translate(job_word(job))}", translate=False)
    if job.status in UNFINISHED:
        row.operator("unrender.job_cancel", text="", icon="X").job = job.key
        draw_progress(layout, job.fraction, progress_line(job), pixels)
    draw_picture(layout, get_pictures(context).sheet(job.key), pixels)
    if rendered_dataset(job):
        layout.operator("unrender.use_dataset", icon="OUTLINER_OB_IMAGE").dataset = rendered_dataset(job)
    if job.problem is not None:
        draw_problem(layout, context, job.problem, job.key)


CLASSES = (UNRENDER_PT_datasets,)
