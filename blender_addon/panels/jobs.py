# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs: progress, time left, what went wrong, and the buttons that each state has."""

from __future__ import annotations

import bpy

from ..connection.jobs import UNFINISHED, Job, JobStatus
from ..connection.wording import job_word, progress_text
from ..properties import get_session
from ..translation import translate
from .layout import SidePanel, draw_problem, draw_progress

JOBS_SHOWN = 12
_CANCELLABLE = frozenset({JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DETACHED})
_ENDED = frozenset({JobStatus.CANCELLED, JobStatus.IMPORTED, JobStatus.FAILED, JobStatus.DONE})


class UNRENDER_PT_jobs(SidePanel, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "UNRENDER_PT_status"

    def draw(self, context: bpy.types.Context) -> None:
        jobs = get_session(context).jobs
        if not jobs:
            self.layout.label(text="No jobs yet")
        for job in tuple(reversed(jobs.values()))[:JOBS_SHOWN]:
            draw_job(self.layout.box(), job)


def draw_job(layout: bpy.types.UILayout, job: Job) -> None:
    """One job: a line with its buttons, and under it a bar or what went wrong."""
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
    if job.problem is not None:
        draw_problem(layout, job.problem)


CLASSES = (UNRENDER_PT_jobs,)
