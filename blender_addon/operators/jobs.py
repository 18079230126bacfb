# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of the Jobs list. Each works on the job whose id (as hexadecimal text) is in `job`."""

from __future__ import annotations

import bpy

from ..connection.jobs import ENDED, UNFINISHED, Job, JobStatus
from ..preferences import get_preferences
from ..properties import get_session
from ..translation import translate


class JobOperator:
    """What the buttons share: the job that they are about."""

    job: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def find(self, context: bpy.types.Context, wanted: frozenset[JobStatus]) -> Job | None:
        """The job if it is in one of the `wanted` states; otherwise None, and the artist is told."""
        try:
            job = get_session(context).jobs.get(bytes.fromhex(self.job))
        except ValueError:
            job = None
        if job is not None and job.status in wanted:
            return job
        self.report(
            {"WARNING"}, translate("The job is not in the list any more" if job is None else "Not possible now")
        )
        return None


class UNRENDER_OT_job_cancel(JobOperator, bpy.types.Operator):
    """Stop this job"""

    bl_idname = "unrender.job_cancel"
    bl_label = "Stop"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, UNFINISHED | {JobStatus.DETACHED})
        if job is None:
            return {"CANCELLED"}
        get_session(context).cancel(job.id)
        return {"FINISHED"}


class UNRENDER_OT_job_pause(JobOperator, bpy.types.Operator):
    """Stop this training once it has saved what it has learned; Again resumes it"""

    bl_idname = "unrender.job_pause"
    bl_label = "Pause"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, frozenset({JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DETACHED}))
        if job is None:
            return {"CANCELLED"}
        get_session(context).pause(job.id)
        return {"FINISHED"}


class UNRENDER_OT_job_retry(JobOperator, bpy.types.Operator):
    """Run this job again; a training that was stopped goes on from there"""

    bl_idname = "unrender.job_retry"
    bl_label = "Again"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, ENDED)
        if job is None:
            return {"CANCELLED"}
        get_session(context).retry(job.id)
        return {"FINISHED"}


class UNRENDER_OT_job_simplify(JobOperator, bpy.types.Operator):
    """Make these shapes again with no more faces than the limit in the preferences"""

    bl_idname = "unrender.job_simplify"
    bl_label = "Simplify"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, frozenset({JobStatus.DONE, JobStatus.IMPORTED}))
        if job is None:
            return {"CANCELLED"}
        get_session(context).simplify(job.id, get_preferences(context).face_limit)
        return {"FINISHED"}


class UNRENDER_OT_job_open(JobOperator, bpy.types.Operator):
    """Put what this job made into the scene, as far as it is not in the file"""

    bl_idname = "unrender.job_open"
    bl_label = "Import"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, frozenset({JobStatus.DONE}))
        if job is None:
            return {"CANCELLED"}
        from ..scene.objects import shapes_in_file

        get_session(context).found_in_file(job.id, shapes_in_file().get(job.id, ()))
        get_session(context).import_all(job.id)
        return {"FINISHED"}


class UNRENDER_OT_job_remove(JobOperator, bpy.types.Operator):
    """Take this job off the list, and its result off the generator's disk"""

    bl_idname = "unrender.job_remove"
    bl_label = "Remove"

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = self.find(context, ENDED)
        if job is None:
            return {"CANCELLED"}
        get_session(context).remove(job.id)
        return {"FINISHED"}


CLASSES = (
    UNRENDER_OT_job_cancel,
    UNRENDER_OT_job_pause,
    UNRENDER_OT_job_retry,
    UNRENDER_OT_job_simplify,
    UNRENDER_OT_job_open,
    UNRENDER_OT_job_remove,
)
