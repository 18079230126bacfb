# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels share: where they are, a sentence in several lines, a bar on Blenders that have none."""

from __future__ import annotations

import textwrap

import bpy

from ..connection.problems import Problem
from ..translation import translate

LINE_CHARACTERS = 42


class SidePanel:
    """Mix-in that puts a panel into the tab "Unrender"."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Unrender"


def draw_sentence(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A translated sentence, wrapped by hand: labels do not wrap."""
    column = layout.column(align=True)
    for line in textwrap.wrap(translate(text), LINE_CHARACTERS):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1" if icon != "NONE" else "NONE"


def draw_problem(layout: bpy.types.UILayout, problem: Problem) -> None:
    """What went wrong, and under it what to do."""
    draw_sentence(layout, problem.message, "ERROR")
    draw_sentence(layout, problem.hint, "BLANK1")


def draw_progress(layout: bpy.types.UILayout, fraction: float, text: str) -> None:
    """A bar from Blender 4.0 on; the text alone before."""
    if hasattr(layout, "progress"):
        layout.progress(factor=fraction, type="BAR", text=text, translate=False)
    else:
        layout.label(text=text, translate=False)
