# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting, disconnecting, and the report for a helper."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy

from ..connection.endpoints import EndpointError
from ..connection.report import write_report
from ..connection.states import Status
from ..preferences import chosen_target, get_preferences
from ..properties import get_session
from ..translation import problem_text

VERSION = "0.1.0"


class UNRENDER_OT_connect(bpy.types.Operator):
    """Connect to the generator; on this computer, start it where it does not run"""

    bl_idname = "unrender.connect"
    bl_label = "Connect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if get_session(context).online:
            cls.poll_message_set("Connected already")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            target = chosen_target(get_preferences(context))
        except EndpointError as error:
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        get_session(context).connect(target)
        return {"FINISHED"}


class UNRENDER_OT_disconnect(bpy.types.Operator):
    """Disconnect; a generator that was started for this Blender stops, with the jobs that it runs"""

    bl_idname = "unrender.disconnect"
    bl_label = "Disconnect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if get_session(context).state.status == Status.OFFLINE:
            cls.poll_message_set("Not connected")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_session(context).disconnect()
        return {"FINISHED"}


class UNRENDER_OT_copy_report(bpy.types.Operator):
    """Copy versions, states and the last messages to the clipboard, for a bug report"""

    bl_idname = "unrender.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        versions = {"add-on": VERSION, "Blender": bpy.app.version_string, "system": platform.platform()}
        context.window_manager.clipboard = write_report(get_session(context), versions, Path.home())
        self.report({"INFO"}, "Report copied")
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_connect, UNRENDER_OT_disconnect, UNRENDER_OT_copy_report)
