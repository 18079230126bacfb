# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: where the generator is, when it runs, and what may be imported."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import bpy

from .connection.endpoints import EndpointError, prepare_to_read, read_endpoint, stays_here
from .connection.problems import INSTALL_COMMANDS, OFFLINE_MODE, NextStep
from .connection.states import Target
from .translation import translate

if TYPE_CHECKING:
    from .connection.backend_process import BackendSettings
    from .connection.session import Session

PACKAGE = __package__
LINE_CHARACTERS = 90
REMOTE_COMMAND = "unrender serve --host 0.0.0.0 --port 7707 --public --pair NAME"
ONLINE_ACCESS = "Blender is in offline mode: only a generator on this computer can be reached."


def _look_again(_self: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    session: Session | None = getattr(context.window_manager, "unrender_session", None)
    if session is not None:
        session.look_for_backend()


def _pasted(_self: bpy.types.AddonPreferences, _context: bpy.types.Context) -> None:
    prepare_to_read()


class UNRENDER_AP_preferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    location: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Generator",
        description="Where the generator runs",
        items=[
            ("LOCAL", "This computer", "Started when it is needed, and stopped with Blender"),
            ("REMOTE", "Another computer", "A generator that somebody started, reached by its pairing line"),
        ],
        default="LOCAL",
    )
    backend: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Installed in",
        description="Folder of the Unrender environment, or its program; empty: look in the usual places",
        subtype="FILE_PATH",
        update=_look_again,
    )
    start_with_blender: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Start with Blender",
        description="Connect shortly after Blender has started; off: only when you press Connect",
        default=False,  # a generator takes memory and seconds of all cores, and few scenes need it
    )
    stop_with_blender: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Stop with Blender",
        description="The generator ends when Blender does; off: it goes on with its jobs for the next Blender",
        default=True,
    )
    pairing: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Pairing line",
        description="The line that the generator printed when it was started on the other computer",
        subtype="PASSWORD",
        update=_pasted,
    )
    face_limit: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Face limit",
        description="Meshes with more faces are simplified before they are sent",
        default=200_000,
        min=100,
        soft_max=1_000_000,
    )

    def draw(self, context: bpy.types.Context) -> None:
        session: Session = context.window_manager.unrender_session
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(self, "location", expand=True)
        if self.location == "LOCAL":
            self._draw_this_computer(layout, session)
        else:
            self._draw_another_computer(layout)
        layout.prop(self, "start_with_blender")
        layout.prop(self, "face_limit")
        _draw_test(layout, session)
        row = layout.row()
        row.operator("unrender.connect")
        row.operator("unrender.test_connection")
        row.operator("unrender.copy_report")
        layout.label(text="No telemetry: nothing is sent to anybody but the generator.")

    def _draw_this_computer(self, layout: bpy.types.UILayout, session: Session) -> None:
        layout.prop(self, "backend")
        if session.backend_place:
            text = f"{translate('Found:')} {session.backend_place}"
            layout.label(text=text, icon="CHECKMARK", translate=False)
        elif session.backend_place == "":
            box = layout.box()
            _draw_lines(box, "The generator was not found. In the Unrender folder, a terminal makes it:", "ERROR")
            for command in INSTALL_COMMANDS.splitlines():
                box.label(text=command, translate=False)
            box.operator("unrender.copy_install_command", icon="COPYDOWN").command = INSTALL_COMMANDS
        layout.prop(self, "stop_with_blender")
        if not self.stop_with_blender:
            layout.operator("unrender.stop_backend", icon="QUIT")

    def _draw_another_computer(self, layout: bpy.types.UILayout) -> None:
        layout.prop(self, "pairing")
        if not self.pairing:
            box = layout.box()
            _draw_lines(box, "On the other computer, this prints the pairing line:", "INFO")
            box.label(text=REMOTE_COMMAND, translate=False)
            box.operator("unrender.copy_install_command", icon="COPYDOWN").command = REMOTE_COMMAND
        if not getattr(bpy.app, "online_access", True):
            _draw_lines(layout, ONLINE_ACCESS, "INFO")
            layout.operator("unrender.allow_online")


def _draw_test(layout: bpy.types.UILayout, session: Session) -> None:
    test = session.connection_test
    if test is None:
        return
    if test.running:
        layout.label(text="Testing", icon="TIME")
        return
    _draw_lines(layout, test.sentence, "CHECKMARK" if test.ok else "ERROR")
    if test.action == NextStep.COPY_INSTALL_COMMAND:
        layout.operator("unrender.copy_install_command", icon="COPYDOWN")


def _draw_lines(layout: bpy.types.UILayout, text: str, icon: str) -> None:
    column = layout.column(align=True)
    for line in textwrap.wrap(translate(text), LINE_CHARACTERS):
        column.label(text=line, icon=icon, translate=False)
        icon = "BLANK1"


def get_preferences(context: bpy.types.Context) -> UNRENDER_AP_preferences:
    """The preferences of this add-on, under whichever name Blender loaded it."""
    return context.preferences.addons[PACKAGE].preferences


def backend_settings() -> BackendSettings:
    """What the preferences say about the generator on this computer. To be called on the main thread."""
    from .connection.backend_process import BackendSettings

    preferences = get_preferences(bpy.context)
    return BackendSettings(preferences.backend, preferences.stop_with_blender)


def chosen_target(preferences: UNRENDER_AP_preferences) -> Target:
    """What the preferences say to connect to.

    Raises:
        EndpointError: the pairing line is none, or leads out of a Blender that is to stay offline.
    """
    if preferences.location == "LOCAL":
        return Target()
    endpoint = read_endpoint(preferences.pairing)
    if not getattr(bpy.app, "online_access", True) and not stays_here(endpoint):
        raise EndpointError(OFFLINE_MODE)
    return Target(endpoint)


CLASSES = (UNRENDER_AP_preferences,)
