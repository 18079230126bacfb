# SPDX-License-Identifier: Apache-2.0
"""Cases for the real add-on with the real backend, which it starts itself; UNRENDER_BACKEND says where that is."""

from __future__ import annotations

import os
import signal
from typing import Any

import bpy

from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import data_home, find_local_server, process_is_alive

PATIENCE = 120.0  # starting the backend imports torch


def case_the_backend_is_started_used_restarted_and_stopped() -> None:
    session = bpy.context.window_manager.unrender_session
    poll = bpy.context.window_manager.unrender_ticker.poll
    settings = bpy.context.window_manager.unrender

    def wait(done: Any) -> None:
        wait_until(done, poll, PATIENCE, 0.01)

    def ready() -> bool:
        assert session.state.status.value != "FAILED", (session.state.problem, list(session.log))
        return session.state.status.value == "READY"

    assert bpy.ops.unrender.connect() == {"FINISHED"}
    assert session.state.status.value == "STARTING"
    wait(ready)
    server = find_local_server(data_home())
    assert server is not None
    assert "stools-8" in [card.name for card in session.state.server.models]

    settings.model, settings.seed, settings.count = "stools-8", 5, 2
    assert bpy.ops.unrender.generate() == {"FINISHED"}
    (job,) = session.jobs
    wait(lambda: session.jobs[job].status.value in ("IMPORTED", "FAILED") and session.jobs[job].acknowledged)
    assert session.jobs[job].problem is None
    assert sorted(thing.name for thing in bpy.context.scene.objects) == ["Stool 0005", "Stool 0006"]
    assert bpy.data.objects["Stool 0005"]["unrender_model"] == "stools-8"
    assert len(bpy.data.objects["Stool 0005"]["unrender_model_hash"]) == 16

    def change(value: float) -> Any:
        settings.shape_threshold = value
        wait(lambda: session.remeshing.wanted("Stool 0006") is None)
        assert session.remeshing.problem is None, session.remeshing.problem
        return len(bpy.data.objects["Stool 0006"].data.polygons)

    faces = {change(value) for value in (0.3, 0.4, 0.6)}
    assert len(faces) > 1, "another threshold, another mesh"
    assert round(bpy.data.objects["Stool 0006"]["unrender_threshold"], 3) == 0.6
    assert round(bpy.data.objects["Stool 0005"]["unrender_threshold"], 3) == 0.5, "only the selected one"
    bpy.data.objects["Stool 0006"]["unrender_model_hash"] = "0123456789abcdef"
    settings.shape_threshold = 0.35
    wait(lambda: session.remeshing.problem is not None)
    assert session.remeshing.problem.tag == "model_changed"

    os.kill(server.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    wait(lambda: session.state.status.value == "LOST")
    wait(ready)
    restarted = find_local_server(data_home())
    assert restarted is not None
    assert restarted.pid != server.pid

    assert bpy.ops.unrender.disconnect() == {"FINISHED"}
    assert session.state.status.value == "OFFLINE"
    wait(lambda: not process_is_alive(restarted.pid))
