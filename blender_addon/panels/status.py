# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the tab: how the connection stands, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import bpy

from ..connection.states import Status
from ..connection.wording import status_line
from ..properties import get_session
from ..translation import translate
from .layout import SidePanel, draw_problem

_ICONS: Mapping[Status, str] = {
    Status.OFFLINE: "UNLINKED",
    Status.STARTING: "TIME",
    Status.CONNECTING: "TIME",
    Status.READY: "CHECKMARK",
    Status.BUSY: "PLAY",
    Status.LOST: "TIME",
    Status.INCOMPATIBLE: "ERROR",
    Status.FAILED: "ERROR",
}
_IDLE = frozenset({Status.OFFLINE, Status.FAILED, Status.INCOMPATIBLE, Status.LOST})


class UNRENDER_PT_status(SidePanel, bpy.types.Panel):
    bl_label = "Unrender"

    def draw(self, context: bpy.types.Context) -> None:
        state = get_session(context).state
        line = status_line(state, time.monotonic())
        row = self.layout.row()
        row.label(text=f"{translate(line.words)}  {line.detail}", icon=_ICONS[state.status], translate=False)
        if state.status in _IDLE:
            row.operator("unrender.connect", text="", icon="LINKED")
        if state.status != Status.OFFLINE:
            row.operator("unrender.disconnect", text="", icon="X")
        if state.problem is not None:
            draw_problem(self.layout, state.problem)
            self.layout.operator("unrender.copy_report", icon="COPYDOWN")


CLASSES = (UNRENDER_PT_status,)
