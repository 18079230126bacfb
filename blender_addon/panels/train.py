# SPDX-License-Identifier: GPL-3.0-or-later
"""Train: the form that starts one, and how the one that runs is getting on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from ..connection.curves import LOSSES
from ..connection.jobs import Job, JobStatus
from ..connection.training import (
    method_named,
    running_training,
    sheet_words,
    trained_model,
    training_advice,
    training_methods,
    training_presets,
)
from ..connection.wording import job_word
from ..properties import TRAIN_CURVES, UNRENDER_PG_settings, get_pictures, get_session, get_settings, pictures_of
from ..translation import translate
from .layout import (
    BOX_PIXELS,
    SidePanel,
    content_pixels,
    draw_picture,
    draw_problem,
    draw_progress,
    draw_sentence,
    progress_line,
)

if TYPE_CHECKING:
    from ..score_curve import ScoreCurve

CURVE_PART = 0.47  # of the width; the rest is for its numbers
_STOPPABLE = frozenset({JobStatus.READING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DETACHED})
_UNDER_WAY = _STOPPABLE | {JobStatus.CANCELLING}


class UNRENDER_PT_train(SidePanel, bpy.types.Panel):
    bl_label = "Train"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        shown = shown_training(context)
        if shown is not None:
            draw_training(self.layout.box(), context, shown)
        if shown is None or shown.status not in _UNDER_WAY:
            draw_form(self.layout, context)


class UNRENDER_PT_train_experts(SidePanel, bpy.types.Panel):
    bl_label = "For Experts"
    bl_parent_id = "UNRENDER_PT_train"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return running_training(get_session(context)) is None

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.label(text="Settings to change:")
        self.layout.prop(get_settings(context), "train_settings", text="")
        self.layout.operator("unrender.copy_command", icon="CONSOLE").work = "TRAIN"


def shown_training(context: bpy.types.Context) -> Job | None:
    """The training that the panel is about: the one that runs, otherwise the newest, until it is removed."""
    session = get_session(context)
    running = running_training(session)
    if running is not None:
        return running
    return next((job for job in reversed(tuple(session.jobs.values())) if job.kind == "train"), None)


def draw_form(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What to learn from, what the model is called, and the button."""
    settings = get_settings(context)
    layout.row(align=True).prop(settings, "train_source", expand=True)
    column = layout.column()
    if settings.train_source == "PHOTOS":
        column.prop(settings, "train_folder", text="")
    elif settings.train_source == "OBJECTS":
        draw_objects(column, context)
    else:
        column.prop(settings, "train_dataset", icon="RENDERLAYERS")
    draw_choice(layout, context)
    layout.prop(settings, "train_name")
    button = layout.row()
    button.scale_y = 1.4
    fill_training(button.operator("unrender.train_start", icon="PLAY"), settings)


def draw_objects(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Which objects are rendered to be learned from, and how."""
    settings = get_settings(context)
    column.prop(settings, "train_objects", text="")
    if settings.train_objects == "COLLECTION":
        column.prop_search(settings, "train_collection", bpy.data, "collections", text="")
    else:
        count = sum(candidate.type == "MESH" for candidate in context.selected_objects)
        words = translate("Mesh objects selected: {count}").format(count=count)
        column.label(text=words, icon="OUTLINER_OB_MESH", translate=False)
    column.prop(settings, "train_images")
    column.prop(settings, "train_cameras", text="")


def draw_choice(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Method and preset, and what the generator says of them."""
    settings = get_settings(context)
    session = get_session(context)
    column = layout.column(align=True)
    column.prop(settings, "train_method", text="")
    column.prop(settings, "train_preset", text="")
    method = method_named(session, settings.train_method)
    presets = training_presets(session, method, pictures_of(settings.train_source))
    chosen = next((preset for preset in presets if preset.name == settings.train_preset), None)
    if method != training_methods(session)[0]:
        draw_sentence(layout, method.description, "NONE", content_pixels(context))
    if chosen is not None and chosen.description:
        draw_sentence(layout, chosen.description, "NONE", content_pixels(context))
    advice = training_advice(method, settings.train_source)
    if advice:
        draw_sentence(layout, advice, "INFO", content_pixels(context))


def fill_training(button: bpy.types.OperatorProperties, settings: UNRENDER_PG_settings) -> None:
    """Give the button what the form is set to."""
    button.source = settings.train_source
    button.directory = settings.train_folder
    button.dataset = settings.train_dataset
    button.run = settings.train_name
    button.method = settings.train_method
    button.preset = settings.train_preset
    button.objects = settings.train_objects
    button.collection = settings.train_collection
    button.images = settings.train_images
    button.cameras = settings.train_cameras
    button.settings = settings.train_settings


def draw_training(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """A training with its newest sheet, its curve, and its buttons."""
    pixels = content_pixels(context) - BOX_PIXELS
    row = layout.row()
    icon = {JobStatus.RUNNING: "PLAY", JobStatus.FAILED: "ERROR"}.get(job.status, "NONE")
    row.label(text=f"{trained_model(job)}: {training_word(job)}", icon=icon, translate=False)
    if job.status not in _UNDER_WAY:
        row.operator("unrender.job_remove", text="", icon="TRASH").job = job.key
    sheet = get_pictures(context).sheet(job.key)
    draw_picture(layout, sheet, pixels)
    if sheet and sheet_words(job):
        draw_sentence(layout, sheet_words(job), "NONE", pixels)
    if job.status in _UNDER_WAY:
        draw_progress(layout, job.fraction, progress_line(job), pixels)
    draw_curve(layout, context, job)
    draw_training_buttons(layout, context, job)
    for note in job.notes:
        draw_sentence(layout, note, "INFO", pixels)
    if job.problem is not None:
        draw_problem(layout, context, job.problem, job.key)


def training_word(job: Job) -> str:
    """The word for its state; one that was paused is not just stopped."""
    return translate("paused") if job.paused else translate(job_word(job))


def draw_curve(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """A score, or the losses, over the images that were shown, and beside it what the axes are."""
    pictures, which = get_pictures(context), get_settings(context).train_curve
    if not any(pictures.curve(job.key, item[0])[0] for item in TRAIN_CURVES):
        return
    pixels = content_pixels(context) - BOX_PIXELS
    layout.row(align=True).prop(get_settings(context), "train_curve", expand=True)
    icons, curve = pictures.curve(job.key, which)
    if curve is None:
        draw_sentence(layout, "This training has not measured that yet.", "NONE", pixels)
        return
    row = layout.split(factor=CURVE_PART)
    draw_picture(row.column(), icons, CURVE_PART * pixels)
    words = row.column(align=True)
    words.scale_y = 0.8
    for line in curve_words(which, curve):
        words.label(text=line, translate=False)


def curve_words(which: str, curve: ScoreCurve) -> list[str]:
    """What stands beside a curve, translated."""
    if which == LOSSES:
        numbers = zip((translate("Generator {value}"), translate("Discriminator {value}")), curve.ends, strict=False)
        lines = [words.format(value=f"{value:.3g}") for words, value in numbers]
    else:
        now, best = translate("Now {value}"), translate("Best {value}")
        lines = [now.format(value=f"{curve.newest:.3g}"), best.format(value=f"{curve.best:.3g}")]
    axis = translate("Axis {foot} - {top}").format(foot=f"{curve.foot:.3g}", top=f"{curve.top:.3g}")
    return [*lines, axis, translate("{value} images").format(value=count_text(curve.images))]


def count_text(count: float) -> str:
    """`640`, `13.5k`: short enough for half a side panel."""
    return f"{count / 1000:.1f}k" if count >= 1000 else f"{count:.0f}"


def draw_training_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job) -> None:
    """Pause and Stop while it runs; Resume, Again and the model afterwards."""
    row = layout.row(align=True)
    if job.status in _STOPPABLE:
        if job.status != JobStatus.READING:
            row.operator("unrender.job_pause", icon="PAUSE").job = job.key
        row.operator("unrender.job_cancel", icon="SNAP_FACE").job = job.key
    elif job.paused:
        row.operator("unrender.job_retry", text="Resume", icon="PLAY").job = job.key
    elif job.status == JobStatus.CANCELLED:
        row.operator("unrender.job_retry", text="Continue", icon="PLAY").job = job.key
    server = get_session(context).state.server
    if server and trained_model(job) in {card.name for card in server.models}:
        layout.operator("unrender.use_model", icon="CHECKMARK").model = trained_model(job)


CLASSES = (UNRENDER_PT_train, UNRENDER_PT_train_experts)
