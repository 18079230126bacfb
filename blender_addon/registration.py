# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that Blender is told when the add-on is enabled, and taken back when it is disabled."""

from __future__ import annotations

import bpy

from . import bundled_libraries, operators, panels, preferences, properties, translation, view_settings
from .connection.endpoints import prepare_to_read
from .connection.states import Status
from .runtime import Runtime

STARTED_SECONDS = 1.0  # after this add-on was enabled, which is while Blender still starts
CLASSES = (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    """Register classes and what the session is asked for by; nothing is made, read or started yet.

    Raises:
        RuntimeError: the add-on is there twice, which happens when an older Blender's add-ons are taken over.
    """
    if hasattr(bpy.types.WindowManager, "unrender_runtime"):
        raise RuntimeError("Unrender is enabled already, as an add-on or as an extension: disable that one first")
    bundled_libraries.add_to_path()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    translation.register()
    runtime = Runtime()
    properties.attach(runtime)
    view_settings.attach()
    runtime.start()
    bpy.app.timers.register(_blender_has_started, first_interval=STARTED_SECONDS, persistent=True)


def unregister() -> None:
    """Stop the timers, end threads and the backend child, and unregister the classes."""
    if bpy.app.timers.is_registered(_blender_has_started):
        bpy.app.timers.unregister(_blender_has_started)
    view_settings.detach()
    properties.detach()
    translation.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    bundled_libraries.take_from_path()


def _blender_has_started() -> None:
    """What waits until Blender shows its window: looking for the generator, and connecting where that is wanted."""
    session = properties.get_session(bpy.context)
    session.look_for_backend()
    chosen = preferences.get_preferences(bpy.context)
    if chosen.location == "REMOTE":
        prepare_to_read()
    if chosen.start_with_blender and session.state.status == Status.OFFLINE:
        operators.connect.connect_to_chosen(bpy.context)
