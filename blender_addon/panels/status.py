# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the tab: how the connection stands, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import bpy

from ..connection.problems import NextStep
from ..connection.states import ONLINE, Status
from ..connection.wording import status_line
from ..properties import get_session
from ..translation import translate
from .layout import ICON_PIXELS, SidePanel, content_pixels, draw_problem, draw_sentence

_ICONS: Mapping[Status, str] = {
    Status.OFFLINE: "RADIOBUT_OFF",
    Status.STARTING: "TIME",
    Status.CONNECTING: "TIME",
    Status.READY: "RADIOBUT_ON",
    Status.BUSY: "PLAY",
    Status.LOST: "TIME",
    Status.INCOMPATIBLE: "ERROR",
    Status.FAILED: "ERROR",
}
GIBIBYTE = 2**30
_IDLE = frozenset({Status.OFFLINE, Status.FAILED, Status.INCOMPATIBLE, Status.LOST})


class UNRENDER_PT_status(SidePanel, bpy.types.Panel):
    bl_label = "Unrender"
    bl_order = 0

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        self.layout.operator("unrender.open_preferences", text="", icon="PREFERENCES", emboss=False)
        self.layout.separator()

    def draw(self, context: bpy.types.Context) -> None:
        state = get_session(context).state
        line = status_line(state, time.monotonic())
        row = self.layout.row()
        words = row.column(align=True)
        words.label(text=translate(line.words), icon=_ICONS[state.status], translate=False)
        if state.status != Status.OFFLINE:
            row.operator("unrender.disconnect", text="", icon="X")
        if line.detail:
            draw_sentence(words, line.detail, "BLANK1", content_pixels(context) - ICON_PIXELS)
        if state.server is not None and state.server.free_memory and state.status in ONLINE:
            free = translate("{size} GB free").format(size=f"{state.server.free_memory / GIBIBYTE:.1f}")
            words.label(text=free, icon="BLANK1", translate=False)
        if state.status in _IDLE:
            button = self.layout.row()
            button.scale_y = 1.3
            button.operator("unrender.connect", icon="LINKED")
        if state.problem is not None:
            box = self.layout.box()
            shown = state.problem
            draw_problem(box, context, shown)
            if shown.action != NextStep.COPY_REPORT:
                box.operator("unrender.copy_report", icon="COPYDOWN")


CLASSES = (UNRENDER_PT_status,)
