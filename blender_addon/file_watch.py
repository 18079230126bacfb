# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the session when another file is opened, so that results go into the file that they were asked for."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.app.handlers import persistent

from .connection.session import Session


class FileWatch:
    """Two of Blender's handlers. A file that is opened again ("Revert") counts as the same file."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = ""
        self._before, self._after = self._make_handlers()

    def start(self) -> None:
        """Add the handlers; they survive the loading of files."""
        bpy.app.handlers.load_pre.append(self._before)
        bpy.app.handlers.load_post.append(self._after)

    def stop(self) -> None:
        """Remove the handlers."""
        bpy.app.handlers.load_pre.remove(self._before)
        bpy.app.handlers.load_post.remove(self._after)

    def _make_handlers(self) -> tuple[Callable[..., None], Callable[..., None]]:
        """Plain functions: Blender does not see that a method is persistent."""

        @persistent
        def before(*_arguments: object) -> None:
            self._path = bpy.data.filepath

        @persistent
        def after(*_arguments: object) -> None:
            found = {}
            if self._session.shapes:
                from .scene.objects import shapes_in_file

                found = shapes_in_file()
            same = bool(self._path) and bpy.data.filepath == self._path
            self._session.file_opened(found, same)

        return before, after
