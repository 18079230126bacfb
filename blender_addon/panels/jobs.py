# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs: progress, time left, what went wrong, and the buttons that each state has."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from ..connection.jobs import UNFINISHED, Job, JobStatus
from ..connection.training import trained_model
from ..connection.wording import job_word, progress_text
from ..properties import get_session
from ..translation import translate
from .layout import SidePanel, draw_problem, draw_progress

JOBS_SHOWN = 12
_CANCELLABLE = frozenset({JobStatus.READING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DETACHED})
_ENDED = frozenset({JobStatus.CANCELLED, JobStatus.IMPORTED, JobStatus.FAILED, JobStatus.DONE})


class UNRENDER_PT_jobs(SidePanel, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "UNRENDER_PT_status"

    def draw(self, context: bpy.types.Context) -> None:
        jobs = get_session(context).jobs
        if not jobs:
            self.layout.label(text="No jobs yet")
        server = get_session(context).state.server
        models = {model.name for model in server.models} if server else set()
        for job in tuple(reversed(jobs.values()))[:JOBS_SHOWN]:
            draw_job(self.layout.box(), job, models)
        self.layout.operator("unrender.train_start", icon="OUTLINER_OB_IMAGE")


def draw_job(layout: bpy.types.UILayout, job: Job, models: Collection[str]) -> None:
    """One job: a line with its buttons, and under it a bar, what went wrong, or the model that it made."""
    row = layout.row()
    row.label(text=f"{job.title}  {translate(job_word(job))}", translate=False)
    if job.status in _CANCELLABLE:
        row.operator("unrender.job_cancel", text="", icon="X").job = job.key
    if job.status == JobStatus.DONE:
        row.operator("unrender.job_open", text="", icon="IMPORT").job = job.key
    if job.status in _ENDED:
        row.operator("unrender.job_retry", text="", icon="FILE_REFRESH").job = job.key
        row.operator("unrender.job_remove", text="", icon="TRASH").job = job.key
    if job.status in UNFINISHED:
        draw_progress(layout, job.fraction, progress_text(job))
    if job.status in _ENDED and trained_model(job) in models:
        layout.operator("unrender.use_model").model = trained_model(job)
    if job.problem is not None:
        draw_problem(layout, job.problem)


CLASSES = (UNRENDER_PT_jobs,)
