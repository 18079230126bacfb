# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that Blender is told when the add-on is enabled, and taken back when it is disabled."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from . import bundled_libraries, operators, panels, preferences, properties
from .connection.backend_process import BackendProcess
from .connection.backend_search import FoundBackend, find_backend
from .connection.connection_test import ConnectionTester
from .connection.inbox import Inbox
from .connection.news import News
from .connection.session import Session
from .connection.socket_thread import SocketThread
from .connection.states import Status
from .pictures import Pictures
from .ticker import Ticker

STARTED_SECONDS = 1.0  # after this add-on was enabled, which is while Blender still starts
CLASSES = (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    """Register classes, make the session (no thread, no socket yet), start the timer."""
    bundled_libraries.add_to_path()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    inbox: Inbox[News] = Inbox()
    session = Session(
        SocketThread(inbox),
        BackendProcess(inbox, preferences.backend_settings, _search_backend),
        inbox,
        tester=ConnectionTester(inbox, preferences.backend_settings, _search_backend),
    )
    pictures = Pictures()
    properties.attach(session, pictures)
    ticker = Ticker(session, pictures)
    bpy.types.WindowManager.unrender_ticker = ticker
    ticker.start()
    bpy.app.timers.register(_blender_has_started, first_interval=STARTED_SECONDS, persistent=True)


def unregister() -> None:
    """Stop the timers, end threads and the backend child, and unregister the classes."""
    if bpy.app.timers.is_registered(_blender_has_started):
        bpy.app.timers.unregister(_blender_has_started)
    bpy.context.window_manager.unrender_ticker.stop()
    del bpy.types.WindowManager.unrender_ticker
    bpy.context.window_manager.unrender_session.close()
    bpy.context.window_manager.unrender_pictures.close()
    properties.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    bundled_libraries.take_from_path()


def _blender_has_started() -> None:
    """What waits until Blender shows its window: looking for the generator, and connecting where that is wanted."""
    session = properties.get_session(bpy.context)
    session.look_for_backend()
    chosen = preferences.get_preferences(bpy.context)
    if chosen.start_with_blender and session.state.status == Status.OFFLINE:
        operators.connect.connect_to_chosen(bpy.context)


def _search_backend(chosen: str) -> FoundBackend | None:
    return find_backend(chosen, Path(__file__).resolve().parent, os.environ, Path.home())
