# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs: progress, time left, what went wrong, and the buttons that each state has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import bpy

from ..connection.jobs import UNFINISHED, Job, JobStatus
from ..connection.training import trained_model
from ..connection.wording import job_word
from ..properties import get_session
from ..translation import translate
from .layout import BOX_PIXELS, SidePanel, content_pixels, draw_problem, draw_progress, progress_line

if TYPE_CHECKING:
    from ..connection.session import Session

JOBS_SHOWN = 8
BUTTON_PIXELS = 28
_CANCELLABLE = frozenset({JobStatus.READING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DETACHED})
_ENDED = frozenset({JobStatus.CANCELLED, JobStatus.IMPORTED, JobStatus.FAILED, JobStatus.DONE})
_ICONS: Mapping[JobStatus, str] = {
    JobStatus.READING: "FILE_FOLDER",
    JobStatus.QUEUED: "TIME",
    JobStatus.RUNNING: "PLAY",
    JobStatus.CANCELLING: "TIME",
    JobStatus.CANCELLED: "SNAP_FACE",
    JobStatus.DONE: "IMPORT",
    JobStatus.IMPORTED: "CHECKMARK",
    JobStatus.FAILED: "ERROR",
    JobStatus.DETACHED: "UNLINKED",
}


class UNRENDER_PT_jobs(SidePanel, bpy.types.Panel):
    bl_label = "Jobs"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        jobs = get_session(context).jobs
        if not jobs:
            self.layout.label(text="No jobs yet")
        server = get_session(context).state.server
        models = {model.name for model in server.models} if server else set()
        for job in tuple(reversed(tuple(jobs.values())))[:JOBS_SHOWN]:
            draw_job(self.layout.box(), context, job, models)
        if len(jobs) > JOBS_SHOWN:
            words = translate("and {count} older ones").format(count=len(jobs) - JOBS_SHOWN)
            self.layout.label(text=words, translate=False)


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: Job, models: Collection[str]) -> None:
    """One job: a line with its buttons, and under it a bar, what went wrong, or the model that it made."""
    column = layout.column(align=True)
    column.label(text=translate(job.title), icon="PAUSE" if job.paused else _ICONS[job.status], translate=False)
    row = column.row()
    state = row.column()
    buttons = row.row(align=True)
    buttons.alignment = "RIGHT"
    if job.status in UNFINISHED:
        draw_progress(state, job.fraction, progress_line(job), content_pixels(context) - BOX_PIXELS - BUTTON_PIXELS)
    else:
        state.label(text=_state_text(job, get_session(context)), icon="BLANK1", translate=False)
    if job.status in _CANCELLABLE:
        buttons.operator("unrender.job_cancel", text="", icon="X").job = job.key
    if job.status == JobStatus.DONE:
        buttons.operator("unrender.job_open", text="", icon="IMPORT").job = job.key
    if job.status in _ENDED:
        icon = "PLAY" if job.paused else "FILE_REFRESH"
        buttons.operator("unrender.job_retry", text="", icon=icon).job = job.key
        buttons.operator("unrender.job_remove", text="", icon="TRASH").job = job.key
    if job.status in _ENDED and trained_model(job) in models:
        layout.operator("unrender.use_model").model = trained_model(job)
    if job.problem is not None:
        draw_problem(layout, context, job.problem, job.key)


def _state_text(job: Job, session: Session) -> str:
    """The translated word for a job that does not run."""
    if job.id == session.held_import:
        return translate("waits for Object Mode")
    return translate("paused") if job.paused else translate(job_word(job))


CLASSES = (UNRENDER_PT_jobs,)
