# SPDX-License-Identifier: GPL-3.0-or-later
"""When another file is opened, results go into the file that they were asked for, and the panel's settings stay.

What is undone is not done again by a mesh that was still on its way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .connection.session import Session
from .properties import UNRENDER_PG_settings, get_settings


class FileWatch:
    """Four of Blender's handlers. A file that is opened again ("Revert") counts as the same file."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = ""
        self._settings: Mapping[str, Any] = {}
        self._before, self._after, self._undone = self._make_handlers()

    def start(self) -> None:
        """Add the handlers; they survive the loading of files."""
        bpy.app.handlers.load_pre.append(self._before)
        bpy.app.handlers.load_post.append(self._after)
        bpy.app.handlers.undo_post.append(self._undone)
        bpy.app.handlers.redo_post.append(self._undone)

    def stop(self) -> None:
        """Remove the handlers."""
        bpy.app.handlers.load_pre.remove(self._before)
        bpy.app.handlers.load_post.remove(self._after)
        bpy.app.handlers.undo_post.remove(self._undone)
        bpy.app.handlers.redo_post.remove(self._undone)

    def _make_handlers(self) -> tuple[Callable[..., None], ...]:
        """Plain functions: Blender does not see that a method is persistent."""

        @persistent
        def before(*_arguments: object) -> None:
            self._path = bpy.data.filepath
            self._settings = changed_settings(get_settings(bpy.context))

        @persistent
        def after(*_arguments: object) -> None:
            put_back(get_settings(bpy.context), self._settings)
            found = {}
            if self._session.shapes:
                from .scene.objects import shapes_in_file

                found = shapes_in_file()
            same = bool(self._path) and bpy.data.filepath == self._path
            self._session.file_opened(found, same)
            self._session.forget_meshes()

        @persistent
        def undone(*_arguments: object) -> None:
            self._session.forget_meshes()

        return before, after, undone


def changed_settings(settings: UNRENDER_PG_settings) -> dict[str, Any]:
    """What the artist has set, in the order in which it is declared. Blender gives every file a new window manager."""
    names = [item.identifier for item in settings.bl_rna.properties if not item.is_readonly]
    return {name: getattr(settings, name) for name in names if settings.is_property_set(name)}


def put_back(settings: UNRENDER_PG_settings, changed: Mapping[str, Any]) -> None:
    """Set all that again. Setting a folder or a source sets a name, which is declared after it."""
    for name, value in changed.items():
        with contextlib.suppress(TypeError):  # a model that is gone
            setattr(settings, name, value)
