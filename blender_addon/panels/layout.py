# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels share: where they are, sentences in several lines, pictures, bars, and the buttons under problems."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import bpy

from ..connection.jobs import Job
from ..connection.problems import NextStep, Problem
from ..connection.wording import duration_text, phase_word
from ..translation import translate

UNIT_PIXELS = 20  # of Blender's interface, at its normal scale
USUAL_WIDTH = 280  # of a side panel, where no window can be asked
BESIDE_PIXELS = 46  # what the tabs and margins of a side panel take of its width
BOX_PIXELS = 18  # what a box takes of it
ICON_PIXELS = 24
CHARACTER_PIXELS = 6.4  # of Blender's font, on the average
MOST_UNITS = 24.0  # of a picture: larger ones would push everything else out of sight
BLOCK_PIXELS = 9.0  # of the characters that a bar is made of
_BUTTONS: Mapping[NextStep, tuple[str, str]] = {
    NextStep.CONNECT: ("unrender.connect", "LINKED"),
    NextStep.OPEN_PREFERENCES: ("unrender.open_preferences", "PREFERENCES"),
    NextStep.COPY_REPORT: ("unrender.copy_report", "COPYDOWN"),
    NextStep.COPY_INSTALL_COMMAND: ("unrender.copy_install_command", "COPYDOWN"),
    NextStep.ALLOW_ONLINE: ("unrender.allow_online", "URL"),
    NextStep.REFRESH_MODELS: ("unrender.refresh_models", "FILE_REFRESH"),
    NextStep.RETRY: ("unrender.job_retry", "FILE_REFRESH"),
    NextStep.SIMPLIFY: ("unrender.job_simplify", "MOD_DECIM"),
}
_OF_A_JOB = frozenset({NextStep.RETRY, NextStep.SIMPLIFY})


class SidePanel:
    """Mix-in that puts a panel into the tab "Unrender"."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Unrender"


def content_pixels(context: bpy.types.Context) -> float:
    """The width that a side panel has for its content, at Blender's normal interface scale."""
    region = context.region
    width = region.width / context.preferences.system.ui_scale if region is not None else USUAL_WIDTH
    return max(100.0, width - BESIDE_PIXELS)


def draw_sentence(layout: bpy.types.UILayout, text: str, icon: str = "NONE", pixels: float = 220.0) -> None:
    """A translated sentence, wrapped by hand to a width in pixels: labels do not wrap."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    room = pixels - (ICON_PIXELS if icon != "NONE" else 0)
    for line in textwrap.wrap(translate(text), max(12, int(room / CHARACTER_PIXELS)), break_on_hyphens=False):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else "NONE"


def draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context, problem: Problem, job_key: str = "") -> None:
    """What went wrong, under it what to do, and the buttons that do it."""
    pixels = content_pixels(context) - BOX_PIXELS
    draw_sentence(layout, problem.message, "ERROR", pixels)
    if problem.hint:
        draw_sentence(layout, problem.hint, "BLANK1", pixels)
    if problem.action in _BUTTONS and (job_key or problem.action not in _OF_A_JOB):
        name, icon = _BUTTONS[problem.action]
        label = {"text": "Retry"} if problem.action == NextStep.RETRY else {}  # the word that the sentences use
        button = layout.operator(name, icon=icon, **label)
        if problem.action in _OF_A_JOB:
            button.job = job_key
    if problem.command and problem.action != NextStep.COPY_INSTALL_COMMAND:
        layout.operator("unrender.copy_install_command", icon="COPYDOWN").command = problem.command


def draw_picture(layout: bpy.types.UILayout, icons: Sequence[int], pixels: float) -> None:
    """A picture, `pixels` wide; wide ones come in parts that stand side by side."""
    if not icons:
        return
    row = layout.row(align=True)
    for icon in icons:
        row.template_icon(icon_value=icon, scale=min(MOST_UNITS, pixels / UNIT_PIXELS / len(icons)))


def progress_line(job: Job) -> str:
    """What stands in a job's bar, translated: `training  48%  2:10 left`."""
    parts = [translate(phase_word(job))]
    if job.total:
        parts.append(f"{job.fraction:.0%}")
    if job.eta_seconds is not None:
        parts.append(translate("{time} left").format(time=duration_text(job.eta_seconds)))
    return "  ".join(parts)


def draw_progress(layout: bpy.types.UILayout, fraction: float, text: str, pixels: float) -> None:
    """A bar with a text in it from Blender 4.0 on; before, characters in a bar `pixels` wide, and the text under it."""
    if hasattr(layout, "progress"):
        layout.progress(factor=fraction, type="BAR", text=text, translate=False)
        return
    characters = int(pixels / BLOCK_PIXELS)
    full = round(min(1.0, max(0.0, fraction)) * characters)
    column = layout.column(align=True)
    column.scale_y = 0.8
    column.label(text="█" * full + "░" * (characters - full), translate=False)
    column.label(text=text, translate=False)
