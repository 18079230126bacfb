# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that Blender is told when the add-on is enabled, and taken back when it is disabled."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from . import bundled_libraries, operators, panels, preferences, properties
from .connection.backend_process import BackendProcess, find_backend
from .connection.inbox import Inbox
from .connection.news import News
from .connection.session import Session
from .connection.socket_thread import SocketThread
from .ticker import Ticker

CLASSES = (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    """Register classes, make the session (no thread, no socket yet), start the timer."""
    bundled_libraries.add_to_path()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    inbox: Inbox[News] = Inbox()
    session = Session(SocketThread(inbox), BackendProcess(inbox, _find_backend), inbox)
    properties.attach(session)
    ticker = Ticker(session)
    bpy.types.WindowManager.unrender_ticker = ticker
    ticker.start()


def unregister() -> None:
    """Stop the timer, end threads and the backend child, and unregister the classes."""
    bpy.context.window_manager.unrender_ticker.stop()
    del bpy.types.WindowManager.unrender_ticker
    bpy.context.window_manager.unrender_session.close()
    properties.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    bundled_libraries.take_from_path()


def _find_backend() -> list[str] | None:
    chosen = preferences.get_preferences(bpy.context).backend
    return find_backend(chosen, Path(__file__).resolve().parent, os.environ)
