# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: where the generator is, and what may be imported."""

from __future__ import annotations

import bpy

from .connection.endpoints import EndpointError, read_endpoint, stays_here
from .connection.problems import OFFLINE_MODE
from .connection.states import Target

PACKAGE = __package__


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
    )
    pairing: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Pairing line",
        description="The line that the generator printed when it was started on the other computer",
        subtype="PASSWORD",
    )
    face_limit: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Face limit",
        description="Meshes with more faces are simplified before they are sent",
        default=200_000,
        min=100,
        soft_max=1_000_000,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "location", expand=True)
        layout.prop(self, "backend" if self.location == "LOCAL" else "pairing")
        layout.prop(self, "face_limit")
        row = layout.row()
        row.operator("unrender.connect")
        row.operator("unrender.copy_report")
        layout.label(text="No telemetry: nothing is sent to anybody but the generator.")


def get_preferences(context: bpy.types.Context) -> UNRENDER_AP_preferences:
    """The preferences of this add-on, under whichever name Blender loaded it."""
    return context.preferences.addons[PACKAGE].preferences


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
