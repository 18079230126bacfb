# SPDX-License-Identifier: Apache-2.0
"""Blender is killed in the middle of an import, with the real backend as its child. This process does not end well."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import bpy

from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import data_home, find_local_server

PATIENCE = 120.0


def case_killed_with_three_of_nine_shapes_in_the_scene() -> None:
    session = bpy.context.window_manager.unrender_session
    poll = bpy.context.window_manager.unrender_ticker.poll
    settings = bpy.context.window_manager.unrender
    bpy.ops.unrender.connect()
    wait_until(lambda: session.state.status.value == "READY", poll, PATIENCE, 0.01)
    settings.model, settings.seed, settings.count = "stools-8", 5, 9
    bpy.ops.unrender.generate()
    wait_until(lambda: len(bpy.context.scene.objects) == 3, poll, PATIENCE, 0.001)
    server = find_local_server(data_home())
    assert server is not None
    Path(os.environ["UNRENDER_HOME"], "killed").write_text(f"{server.pid} {next(iter(session.jobs)).hex()}")
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
