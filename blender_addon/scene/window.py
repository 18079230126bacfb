# SPDX-License-Identifier: GPL-3.0-or-later
"""Which window, and so which scene and view layer, results go to."""

from __future__ import annotations

import bpy


def shown_window(context: bpy.types.Context) -> bpy.types.Window:
    """The window of the context; in a timer, which has none, the first.

    A timer must not run operators under `temp_override`. Operators run without the interpreter's lock, but with an
    override Blender looks members of the context up in a Python dictionary, and up to 5.0 (Python 3.11) takes the lock
    that another thread holds for its own. That corrupts memory as soon as the socket thread works at the same time.
    """
    return context.window or context.window_manager.windows[0]
