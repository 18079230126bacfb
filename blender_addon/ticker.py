# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: it lets the session work for a few milliseconds, and imports what has come.

Timers do not fire in background mode; there a loop calls `poll` itself.
"""

from __future__ import annotations

import time

import bpy

from .connection.session import POLL_SECONDS, Session
from .connection.states import Status

SOON_SECONDS = 0.02  # between ticks while something waits to be done
ACTIVE_SECONDS = 0.1
IDLE_SECONDS = 0.5
_RESTING = frozenset({Status.OFFLINE, Status.FAILED, Status.INCOMPATIBLE})


class Ticker:
    """Drives a session on Blender's main thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown = -1
        self._callback = self.tick  # Blender knows a timer by the very same object

    def start(self) -> None:
        """Register the timer; it survives the loading of files."""
        bpy.app.timers.register(self._callback, first_interval=ACTIVE_SECONDS, persistent=True)

    def stop(self) -> None:
        """Unregister the timer."""
        if bpy.app.timers.is_registered(self._callback):
            bpy.app.timers.unregister(self._callback)

    def tick(self) -> float:
        """What the timer calls; returns in how many seconds to call again."""
        more = self.poll()
        if self._shown != self._session.revision or self._session.state.status not in _RESTING:
            self._shown = self._session.revision
            _redraw_side_panels()
        if more:
            return SOON_SECONDS
        return IDLE_SECONDS if self._session.state.status in _RESTING else ACTIVE_SECONDS

    def poll(self, budget_seconds: float = POLL_SECONDS) -> bool:
        """Handle news, then import at most one shape if time is left; returns whether more waits."""
        end = time.monotonic() + budget_seconds
        more = self._session.poll(budget_seconds)
        waiting = self._session.next_import()
        if waiting is not None and time.monotonic() < end:
            self._import(*waiting)
            waiting = self._session.next_import()
        return more or waiting is not None

    def _import(self, job: bytes, index: int) -> None:
        """Run the operator as a person would, so that every shape is an undo step of its own."""
        windows = bpy.context.window_manager.windows
        override = {"window": windows[0]} if bpy.context.window is None and len(windows) else {}
        try:
            with bpy.context.temp_override(**override):
                bpy.ops.unrender.import_result("EXEC_DEFAULT", True, job=job.hex(), index=index)
        except RuntimeError as error:  # the operator's report, or its poll
            self._session.stop_importing(job, str(error).strip())


def _redraw_side_panels() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
