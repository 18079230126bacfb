# SPDX-License-Identifier: Apache-2.0
"""Cases for the real add-on with the real backend, which it starts itself; UNRENDER_BACKEND says where that is."""

from __future__ import annotations

import math
import os
import signal
from typing import Any

import bpy

from tests.blender_addon import textured_model
from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import data_home, find_local_server, process_is_alive

PATIENCE = 120.0  # starting the backend imports torch


def photograph(shape: Any) -> None:
    """Render a selected shape by itself from the views of the textured model, by turning it with the sliders."""
    scene = bpy.context.scene
    for other in scene.objects:
        other.hide_render = other != shape
    shape.location = (0.0, 0.0, 0.0)  # where the backend has it, and what it turns about
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    camera.data.angle = textured_model.FIELD_OF_VIEW
    distance = 0.5 * textured_model.WIDTH / math.tan(0.5 * textured_model.FIELD_OF_VIEW)
    camera.location, camera.rotation_euler = (0.0, -distance, 0.0), (math.pi / 2, 0.0, 0.0)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("white")
    if bpy.app.version < (5, 0, 0):
        scene.world.use_nodes = True
    next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND").inputs[0].default_value = (1,) * 4
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 16, False
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = textured_model.PIXELS
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.view_settings.view_transform = "Standard"
    for view, (azimuth, elevation) in enumerate(textured_model.VIEWS_DEGREES):
        scene.unrender_azimuth, scene.unrender_elevation = math.radians(azimuth), math.radians(elevation)
        scene.render.filepath = str(textured_model.blender_picture(data_home(), view))
        bpy.ops.render.render(write_still=True)


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

    settings.model, settings.seed, settings.count = textured_model.MODEL, textured_model.SEED, 1
    assert bpy.ops.unrender.generate() == {"FINISHED"}
    (*_, job) = session.jobs
    wait(lambda: session.jobs[job].status.value in ("IMPORTED", "FAILED") and session.jobs[job].acknowledged)
    assert session.jobs[job].problem is None
    (plum,) = bpy.context.selected_objects
    assert plum.name == "Plum 0003"
    assert len(plum.data.uv_layers) == 1
    assert plum.data.validate(verbose=True) is False
    photograph(plum)
    settings.seed, settings.count, settings.leads, settings.last_seed = 3, 3, True, 9
    assert bpy.ops.unrender.generate() == {"FINISHED"}
    (*_, job) = session.jobs
    wait(lambda: session.jobs[job].status.value in ("IMPORTED", "FAILED") and session.jobs[job].acknowledged)
    assert session.jobs[job].problem is None
    way = sorted(thing.name for thing in bpy.data.objects if thing.get("unrender_job") == session.jobs[job].key)
    assert way == [f"Plum 0003 0009 0{index}" for index in range(3)]

    os.kill(server.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    wait(lambda: session.state.status.value == "LOST")
    wait(ready)
    restarted = find_local_server(data_home())
    assert restarted is not None
    assert restarted.pid != server.pid

    assert bpy.ops.unrender.disconnect() == {"FINISHED"}
    assert session.state.status.value == "OFFLINE"
    wait(lambda: not process_is_alive(restarted.pid))
