# SPDX-License-Identifier: GPL-3.0-or-later
"""Render data set, into a folder: the form, and how the Blender that renders is getting on."""

from __future__ import annotations

import bpy

from ..connection.folder_render import FolderRun, RunStatus, Work
from ..connection.wording import duration_text
from ..properties import get_folder_renderer, get_pictures, get_settings
from ..scene.chosen_objects import COLLECTION, chosen_objects, count_objects
from ..translation import translate
from .layout import BOX_PIXELS, content_pixels, draw_picture, draw_problem, draw_progress, draw_sentence

MOST_COUNTED = 500  # chosen objects; counting more takes too long while a panel is drawn


def draw_folder_form(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Which objects, how they are rendered, where to, and the buttons."""
    settings = get_settings(context)
    layout.prop(settings, "folder_source", text="")
    if settings.folder_source == COLLECTION:
        layout.prop_search(settings, "folder_collection", bpy.data, "collections", text="")
    column = layout.column(align=True)
    column.prop(settings, "folder_views")
    column.prop(settings, "folder_size")
    column.prop(settings, "folder_samples")
    layout.prop(settings, "folder_cameras", text="")
    row = layout.row(align=True)
    row.prop(settings, "folder_engine", text="")
    if settings.folder_engine == "cycles":
        row.prop(settings, "folder_device", text="")
    layout.grid_flow(columns=3, align=True).prop(settings, "folder_passes")
    layout.prop(settings, "folder_path", text="")
    layout.label(text=_amount(context), translate=False)
    column = layout.column(align=True)
    row = column.row(align=True)
    row.scale_y = 1.4
    row.operator("unrender.folder_render", icon="RENDER_STILL")
    row.operator("unrender.copy_command", text="", icon="CONSOLE").work = "FOLDER"
    row = column.row(align=True)
    row.operator("unrender.folder_estimate", icon="TIME")
    row.operator("unrender.folder_resume", icon="PLAY")


def _amount(context: bpy.types.Context) -> str:
    settings = get_settings(context)
    if settings.folder_source != COLLECTION and len(context.selected_objects) > MOST_COUNTED:
        return translate("More than {count} objects").format(count=MOST_COUNTED)
    found = bpy.data.collections.get(settings.folder_collection)
    if settings.folder_source == COLLECTION and found is not None and len(found.all_objects) > MOST_COUNTED:
        return translate("More than {count} objects").format(count=MOST_COUNTED)
    count = count_objects(chosen_objects(context, settings.folder_source, settings.folder_collection))
    words = translate("{objects} objects, {images} images")
    return words.format(objects=count, images=count * settings.folder_views)


def draw_folder_run(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The newest run in a box; nothing where there was none."""
    run = get_folder_renderer(context).run
    if run is None:
        return
    box = layout.box()
    pixels = content_pixels(context) - BOX_PIXELS
    row = box.row()
    name = translate("Estimate") if run.work is Work.ESTIMATE else run.folder.name
    row.label(text=f"{name}: {translate(run.word)}", translate=False)
    if run.is_under_way:
        if run.status is not RunStatus.STOPPING:
            row.operator("unrender.folder_cancel", text="", icon="X")
        draw_progress(box, run.fraction, run_line(run), pixels)
    else:
        row.operator("unrender.folder_dismiss", text="", icon="X")
    if run.status is RunStatus.DONE:
        for line in done_lines(run):
            box.label(text=line, translate=False)
    if run.note:
        draw_sentence(box, run.note, "INFO", pixels)
    if run.problem is not None:
        draw_problem(box, context, run.problem)
    draw_picture(box, get_pictures(context).sheet(str(run.folder)), pixels)
    if run.work is Work.RENDER and run.done:
        if run.status is RunStatus.DONE:
            box.operator("unrender.use_folder", icon="PLAY").directory = str(run.folder)
        box.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER").filepath = str(run.folder)


def run_line(run: FolderRun) -> str:
    """What stands in the bar, translated: `12 of 80  3.1 images/s  0:22 left`."""
    if not run.done:
        return translate("Blender starts")
    parts = [translate("{done} of {total}").format(done=run.done, total=run.total or "?")]
    if run.per_second:
        parts.append(_speed(run))
    if run.work is Work.RENDER and run.eta_seconds is not None:
        parts.append(translate("{time} left").format(time=duration_text(run.eta_seconds)))
    return "  ".join(parts)


def done_lines(run: FolderRun) -> list[str]:
    """What came of a run, translated."""
    if run.work is Work.ESTIMATE:
        time = duration_text(run.estimate_seconds)
        total = translate("{images} images take about {time}").format(images=run.total, time=time)
        return [total, _speed(run)] if run.per_second else [total]
    images = translate("{value} images").format(value=run.done)
    return [f"{images}  {_speed(run)}" if run.per_second else images]


def _speed(run: FolderRun) -> str:
    return translate("{speed} images/s").format(speed=f"{run.per_second:.3g}")
