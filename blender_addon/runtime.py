# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on has while it runs: session, pictures and timer, each made when it is first asked for.

Enabling the add-on makes none of them, which halves its part in Blender's start: the session's many small value types
are what takes longest to import. Blender's first idle moment asks for the timer, and the timer for the rest.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import preferences

if TYPE_CHECKING:
    import numpy as np

    from .connection.backend_search import FoundBackend
    from .connection.folder_render import FolderRenderer
    from .connection.session import Session
    from .pictures import Pictures
    from .scene.asset_previews import AssetPreviews
    from .ticker import Ticker

SHEET_PAPER = 45  # dark grey, as contact sheets have it


class Runtime:
    """One for each time that the add-on is enabled."""

    @cached_property
    def session(self) -> Session:
        """The session; it has no thread and no socket before it connects."""
        from .connection.backend_process import BackendProcess
        from .connection.connection_test import ConnectionTester
        from .connection.inbox import Inbox
        from .connection.news import News
        from .connection.session import Session
        from .connection.socket_thread import SocketThread

        inbox: Inbox[News] = Inbox()
        return Session(
            SocketThread(inbox),
            BackendProcess(inbox, preferences.backend_settings, _search_backend),
            inbox,
            tester=ConnectionTester(inbox, preferences.backend_settings, _search_backend),
        )

    @cached_property
    def pictures(self) -> Pictures:
        """The pictures that panels show."""
        from .pictures import Pictures

        return Pictures()

    @cached_property
    def folder_renderer(self) -> FolderRenderer:
        """What renders data sets into folders; it has no process before it renders."""
        from .connection.folder_render import FolderRenderer

        return FolderRenderer(_read_sheet)

    @cached_property
    def asset_previews(self) -> AssetPreviews:
        """The pictures of assets, which watch undo."""
        from .scene.asset_previews import AssetPreviews

        previews = AssetPreviews()
        previews.start()
        return previews

    @cached_property
    def ticker(self) -> Ticker:
        """The timer, which begins to tick."""
        from .ticker import Ticker

        ticker = Ticker(self.session, self.pictures, self.asset_previews, self.folder_renderer)
        ticker.start()
        return ticker

    def start(self) -> None:
        """Let Blender ask for the timer as soon as it is idle."""
        bpy.app.timers.register(_ask_for_ticker, first_interval=0.0, persistent=True)

    def close(self) -> None:
        """Stop the timer, end threads and the backend child, let go of the pictures; of whatever there is."""
        if bpy.app.timers.is_registered(_ask_for_ticker):
            bpy.app.timers.unregister(_ask_for_ticker)
        made = vars(self)
        if "ticker" in made:
            self.ticker.stop()
        for name in ("session", "pictures", "asset_previews", "folder_renderer"):
            if name in made:
                made[name].close()


def _ask_for_ticker() -> None:
    """A plain function, by which Blender knows the timer again."""
    bpy.context.window_manager.unrender_ticker  # noqa: B018


def _read_sheet(path: Path) -> np.ndarray:
    """A contact sheet on square paper: icons are square, and one that is cut in two would cut images."""
    import numpy as np

    from .rendering.png import read_png

    sheet = read_png(path)
    side = max(sheet.shape[:2])
    paper = np.full((side, side, sheet.shape[2]), SHEET_PAPER, np.uint8)
    paper[: sheet.shape[0], : sheet.shape[1]] = sheet
    return paper


def _search_backend(chosen: str) -> FoundBackend | None:
    from .connection.backend_search import find_backend

    return find_backend(chosen, Path(__file__).resolve().parent, os.environ, Path.home())
