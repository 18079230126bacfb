# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting, disconnecting, and the report for a helper."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy

from ..connection.endpoints import EndpointError
from ..connection.problems import INSTALL_COMMANDS, Problem
from ..connection.report import write_report
from ..connection.states import Status
from ..preferences import PACKAGE, chosen_target, get_preferences
from ..properties import get_session
from ..translation import problem_text, translate

VERSION = "0.1.0"


def connect_to_chosen(context: bpy.types.Context) -> Problem | None:
    """Begin to connect to what the preferences say; where that is impossible, show and return why."""
    session = get_session(context)
    try:
        session.connect(chosen_target(get_preferences(context)))
    except EndpointError as error:
        session.refuse_to_connect(error.problem)
        return error.problem
    return None


class UNRENDER_OT_connect(bpy.types.Operator):
    """Connect to the generator; on this computer, start it where it does not run"""

    bl_idname = "unrender.connect"
    bl_label = "Connect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if get_session(context).online:
            cls.poll_message_set(translate("Connected already"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        problem = connect_to_chosen(context)
        if problem is not None:
            self.report({"ERROR"}, problem_text(problem))
            return {"CANCELLED"}
        return {"FINISHED"}


class UNRENDER_OT_disconnect(bpy.types.Operator):
    """Disconnect; a generator that was started for this Blender stops, with the jobs that it runs"""

    bl_idname = "unrender.disconnect"
    bl_label = "Disconnect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if get_session(context).state.status == Status.OFFLINE:
            cls.poll_message_set(translate("Not connected"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_session(context).disconnect()
        return {"FINISHED"}


class UNRENDER_OT_test_connection(bpy.types.Operator):
    """Greet the generator that these settings name, and say who answers, how fast, and what it runs on"""

    bl_idname = "unrender.test_connection"
    bl_label = "Test Connection"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        test = get_session(context).connection_test
        if test is not None and test.running:
            cls.poll_message_set(translate("A test is running"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            target = chosen_target(get_preferences(context))
        except EndpointError as error:
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        get_session(context).test_connection(target)
        return {"FINISHED"}


class UNRENDER_OT_open_preferences(bpy.types.Operator):
    """Open the preferences of this add-on"""

    bl_idname = "unrender.open_preferences"
    bl_label = "Open Preferences"

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


class UNRENDER_OT_allow_online(bpy.types.Operator):
    """Allow Blender's add-ons to use the network, and connect"""

    bl_idname = "unrender.allow_online"
    bl_label = "Allow Online Access"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if getattr(bpy.app, "online_access_override", False):
            cls.poll_message_set(translate("Blender was started in offline mode; start it again without it"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.preferences.system.use_online_access = True
        return bpy.ops.unrender.connect()


class UNRENDER_OT_refresh_models(bpy.types.Operator):
    """Ask the generator again which models it has"""

    bl_idname = "unrender.refresh_models"
    bl_label = "Refresh Models"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not get_session(context).online:
            cls.poll_message_set(translate("Connect first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_session(context).refresh_models()
        return {"FINISHED"}


class UNRENDER_OT_stop_backend(bpy.types.Operator):
    """End the generator that runs on this computer; a job that it runs is started anew or resumed by the next one"""

    bl_idname = "unrender.stop_backend"
    bl_label = "Stop the Generator"

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_session(context).stop_backend()
        return {"FINISHED"}


class UNRENDER_OT_copy_install_command(bpy.types.Operator):
    """Copy the lines for the terminal to the clipboard"""

    bl_idname = "unrender.copy_install_command"
    bl_label = "Copy Command"

    command: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        problem = get_session(context).state.problem
        context.window_manager.clipboard = self.command or (problem.command if problem else "") or INSTALL_COMMANDS
        self.report({"INFO"}, translate("Command copied"))
        return {"FINISHED"}


class UNRENDER_OT_copy_report(bpy.types.Operator):
    """Copy versions, states and the last messages to the clipboard, for a bug report"""

    bl_idname = "unrender.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        versions = {"add-on": VERSION, "Blender": bpy.app.version_string, "system": platform.platform()}
        versions["timer"] = context.window_manager.unrender_ticker.statistics.summary()
        context.window_manager.clipboard = write_report(get_session(context), versions, Path.home())
        self.report({"INFO"}, translate("Report copied"))
        return {"FINISHED"}


CLASSES = (
    UNRENDER_OT_connect,
    UNRENDER_OT_disconnect,
    UNRENDER_OT_test_connection,
    UNRENDER_OT_open_preferences,
    UNRENDER_OT_allow_online,
    UNRENDER_OT_refresh_models,
    UNRENDER_OT_stop_backend,
    UNRENDER_OT_copy_install_command,
    UNRENDER_OT_copy_report,
)
