# SPDX-License-Identifier: GPL-3.0-or-later
"""Unrender for Blender: generate 3D shapes with models learned from plain pictures.

Importing this package imports nothing else, so that its parts without bpy can be used and tested anywhere; enabling
the add-on imports what Blender has to know, and neither numpy nor the wire's libraries.
"""

from __future__ import annotations


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled."""
    from . import registration

    registration.unregister()
