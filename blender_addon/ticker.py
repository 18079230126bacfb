# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: it lets the session work for a few milliseconds, and imports what has come.

Timers do not fire in background mode; there a loop calls `poll` itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import bpy

from .connection.folder_render import FolderRenderer
from .connection.session import POLL_SECONDS, Session
from .connection.states import Status
from .file_watch import FileWatch
from .pictures import Pictures
from .preferences import get_preferences
from .scene.asset_previews import AssetPreviews
from .scene.window import shown_window
from .tick_statistics import TickStatistics

SOON_SECONDS = 0.02  # between ticks while something waits to be done
ACTIVE_SECONDS = 0.1
IDLE_SECONDS = 0.5
# An import cannot be interrupted, and with its undo step takes most of a tick: it only begins beside shorter news.
BESIDE_CHORE_SECONDS = 0.002
_RESTING = frozenset({Status.OFFLINE, Status.FAILED, Status.INCOMPATIBLE})
_COUNTING = frozenset({Status.STARTING, Status.CONNECTING, Status.LOST})  # panels show their seconds


class Ticker:
    """Drives a session on Blender's main thread."""

    def __init__(
        self, session: Session, pictures: Pictures, asset_previews: AssetPreviews, folder_renderer: FolderRenderer
    ) -> None:
        self.statistics = TickStatistics()
        self._session = session
        self._pictures = pictures
        self._asset_previews = asset_previews
        self._folder_renderer = folder_renderer
        self._files = FileWatch(session)
        chores: tuple[Callable[[], bool], ...] = (
            self._import_next,
            self._change_mesh,
            self._write_picture,
            asset_previews.write_next,
        )
        self._chores = deque(chores)
        self._chore_is_due = False
        self._shown = (-1, -1, -1, 0)
        self._callback = self.tick  # Blender knows a timer by the very same object

    def start(self) -> None:
        """Register the timer, which survives the loading of files, and watch for that."""
        self._files.start()
        bpy.app.timers.register(self._callback, first_interval=ACTIVE_SECONDS, persistent=True)

    def stop(self) -> None:
        """Unregister the timer, and watch no more."""
        self._files.stop()
        if bpy.app.timers.is_registered(self._callback):
            bpy.app.timers.unregister(self._callback)

    def tick(self) -> float:
        """What the timer calls; returns in how many seconds to call again."""
        began = time.perf_counter()
        more = self.poll()
        self._redraw()
        self.statistics.add(time.perf_counter() - began)
        if more:
            return SOON_SECONDS
        return IDLE_SECONDS if self._session.state.status in _RESTING else ACTIVE_SECONDS

    def poll(self, budget_seconds: float = POLL_SECONDS) -> bool:
        """Handle news and do one chore: import one shape, or write one picture or preview. Returns whether more waits.

        Both share the budget. A chore that finds too little left waits for the next call, which begins with it.
        """
        began = time.perf_counter()
        chore_first = self._chore_is_due
        self._chore_is_due = False
        done = self._do_chore() if chore_first else False
        left = budget_seconds - (time.perf_counter() - began)
        more = self._session.poll(left) if left > 0 else True
        if not chore_first:
            if time.perf_counter() - began < BESIDE_CHORE_SECONDS:
                done = self._do_chore()
            else:
                self._chore_is_due = True
        return more or done or self._chore_is_due or self._asset_previews.pending

    def _do_chore(self) -> bool:
        """Do the first chore that there is something to do for, and let the others come first next time."""
        for _ in range(len(self._chores)):
            chore = self._chores[0]
            self._chores.rotate(-1)
            if chore():
                return True
        return False

    def _write_picture(self) -> bool:
        return self._pictures.refresh(self._session, self._folder_renderer.run)

    def _import_next(self) -> bool:
        """Import one shape by the operator, as a person would, so that every shape is an undo step of its own.

        The mesh of a large one is made first, in a tick of its own.
        """
        waiting = self._session.next_import()
        if waiting is None:
            self._session.hold_import(None)
            return False
        window = shown_window(bpy.context)
        may_add = in_object_mode(window)
        self._session.hold_import(None if may_add else waiting[0])
        if not may_add or is_transforming(window):
            return False
        from .scene.importing import prepare_mesh

        job, index = waiting
        if prepare_mesh(self._session, job, index, get_preferences(bpy.context).face_limit):
            return True
        try:  # without temp_override: see shown_window
            bpy.ops.unrender.import_result("EXEC_DEFAULT", True, job=job.hex(), index=index)
        except RuntimeError as error:  # the operator's report, or its poll
            if job in self._session.awaited_imports:
                self._session.stop_importing(job, str(error).strip())
        return True

    def _change_mesh(self) -> bool:
        """Put one mesh into the object that it was wished for, by the operator that makes the undo step."""
        remeshing = self._session.remeshing
        waiting = remeshing.next_result()
        if waiting is None:
            return False
        window = shown_window(bpy.context)
        if not in_object_mode(window) or is_transforming(window):
            return False
        further = undo_is_kept() and not remeshing.begins_change(waiting)
        operator = bpy.ops.unrender.change_mesh_further if further else bpy.ops.unrender.change_mesh
        try:  # without temp_override: see shown_window
            operator("EXEC_DEFAULT", True, target=waiting.wish.target)
        finally:
            remeshing.take(waiting.wish.target)  # also where the operator could not be called
        self._session.revision += 1
        return True

    def _redraw(self) -> None:
        """Redraw the side panels if what they show has changed; seconds that they count change once per second."""
        counted = int(time.monotonic()) if self._session.state.status in _COUNTING else 0
        present = (self._session.revision, self._pictures.revision, self._folder_renderer.revision, counted)
        if present != self._shown:
            self._shown = present
            _redraw_side_panels()


def undo_is_kept() -> bool:
    """Whether there are undo steps; without them Blender up to 5.0 crashes where one is to be replaced."""
    return not bpy.app.background


def in_object_mode(window: bpy.types.Window) -> bool:
    """Whether an object may be added: in the middle of an edit or a sculpt, an undo step would hold that edit alone."""
    active = window.view_layer.objects.active
    return active is None or active.mode == "OBJECT"


def is_transforming(window: bpy.types.Window) -> bool:
    """Whether an object is being moved, which must not be deselected under the artist's hand."""
    running = getattr(window, "modal_operators", ())  # unknown before 4.2
    return any(operator.bl_idname.startswith("TRANSFORM_OT_") for operator in running)


def _redraw_side_panels() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
