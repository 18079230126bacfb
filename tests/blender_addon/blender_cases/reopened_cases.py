# SPDX-License-Identifier: Apache-2.0
"""After `killed_cases.py`, in a new Blender with the same data folder."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from tests.blender_addon.fake_server import wait_until

PATIENCE = 120.0


def case_the_whole_result_is_there_when_blender_is_opened_again() -> None:
    session = bpy.context.window_manager.unrender_session
    poll = bpy.context.window_manager.unrender_ticker.poll
    job = bytes.fromhex(Path(os.environ["UNRENDER_HOME"], "killed").read_text().split()[1])
    bpy.ops.unrender.connect()
    wait_until(lambda: job in session.jobs and session.jobs[job].result_here, poll, PATIENCE, 0.01)
    assert session.jobs[job].status.value == "DONE"
    for _ in range(20):
        poll()
    assert len(bpy.context.scene.objects) == 0, "it waits for the artist"
    assert bpy.ops.unrender.job_open(job=job.hex()) == {"FINISHED"}
    wait_until(lambda: session.jobs[job].status.value == "IMPORTED", poll, PATIENCE, 0.01)
    names = sorted(thing.name for thing in bpy.context.scene.objects)
    assert names == [f"Stool {seed:04d}" for seed in range(5, 14)]
    wait_until(lambda: session.jobs[job].acknowledged, poll, PATIENCE, 0.01)
    bpy.ops.unrender.disconnect()
