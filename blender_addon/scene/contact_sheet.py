# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of several objects in a square, each in three-quarter view, rendered with Cycles in a scene of its own.

All stand on one ground under one light. The camera is orthographic, so that every object is seen from the same side,
and the rows stand so far apart that none hides another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from .meshes import read_mesh

AZIMUTH_RADIANS = math.radians(35.0)  # to the right of the front view
ELEVATION_RADIANS = math.radians(26.0)
CELL_MARGIN = 1.18
GROUND_COLOUR = (0.62, 0.63, 0.65, 1.0)
SKY_STRENGTH = 0.55
SUN_STRENGTH = 2.6
SUN_ANGLE_RADIANS = math.radians(9.0)  # soft shadows
CAMERA_DISTANCE = 60.0


def render_contact_sheet(objects: Sequence[bpy.types.Object], file: Path, size: int = 900, samples: int = 6) -> None:
    """Render the objects' meshes into `file` (PNG, `size` x `size`). The open scene is not changed.

    Args:
        objects: mesh objects; their materials are used, their places are not.
        file: is overwritten.
        size: pixels in each direction.
        samples: Cycles samples per pixel; the picture is denoised.
    """
    sheet = bpy.data.scenes.new("Unrender contact sheet")
    made: list[bpy.types.ID] = []
    try:
        width = _place(sheet, objects, made)
        _light(sheet, made)
        _aim(sheet, width, made)
        _set_up(sheet, file, size, samples)
        bpy.ops.render.render(write_still=True, scene=sheet.name)
    finally:
        for thing in made:
            _remove(thing)
        bpy.data.scenes.remove(sheet)


def _place(sheet: bpy.types.Scene, objects: Sequence[bpy.types.Object], made: list[bpy.types.ID]) -> float:
    """Stand copies on the ground in a square as seen by the camera; returns the width that the camera has to see."""
    columns = math.ceil(math.sqrt(len(objects)))
    rows = math.ceil(len(objects) / columns)
    right, up = _picture_axes()
    corners = [read_mesh(thing.data)[0] for thing in objects]
    seen = [np.stack([vertices @ right, vertices @ up], axis=1) for vertices in corners]
    cell = max(float((points.max(axis=0) - points.min(axis=0)).max()) for points in seen) * CELL_MARGIN
    away = np.array([-math.sin(AZIMUTH_RADIANS), math.cos(AZIMUTH_RADIANS), 0.0])
    for index, (thing, vertices, points) in enumerate(zip(objects, corners, seen, strict=True)):
        row, column = divmod(index, columns)
        lowest = float(vertices[:, 2].min())
        # Where the middle of its outline is to be, against where it is when the object stands at the origin.
        centre = (points.max(axis=0) + points.min(axis=0)) / 2 - np.array([0.0, lowest * up[2]])
        across = (column - (columns - 1) / 2) * cell - centre[0]
        upwards = ((rows - 1) / 2 - row) * cell - centre[1]
        place = right * across + away * (upwards / math.sin(ELEVATION_RADIANS))
        copy = thing.copy()
        copy.animation_data_clear()
        copy.parent = None
        copy.rotation_euler = (0.0, 0.0, 0.0)
        copy.scale = (1.0, 1.0, 1.0)
        copy.location = (place[0], place[1], -lowest)
        sheet.collection.objects.link(copy)
        made.append(copy)
    return cell * max(columns, rows)


def _picture_axes() -> tuple[np.ndarray, np.ndarray]:
    """The camera's right and up in world coordinates."""
    ca, sa = math.cos(AZIMUTH_RADIANS), math.sin(AZIMUTH_RADIANS)
    ce, se = math.cos(ELEVATION_RADIANS), math.sin(ELEVATION_RADIANS)
    return np.array([ca, sa, 0.0]), np.array([-se * sa, se * ca, ce])


def _light(sheet: bpy.types.Scene, made: list[bpy.types.ID]) -> None:
    world = bpy.data.worlds.new("Unrender sky")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.93, 0.96, 1.0, 1.0)
    background.inputs["Strength"].default_value = SKY_STRENGTH
    sheet.world = world
    sun = bpy.data.lights.new("Unrender sun", "SUN")
    sun.energy = SUN_STRENGTH
    sun.angle = SUN_ANGLE_RADIANS
    lamp = bpy.data.objects.new("Unrender sun", sun)
    # From the upper left, and in front of the objects as the camera sees them.
    lamp.rotation_euler = (math.radians(38.0), 0.0, AZIMUTH_RADIANS - math.radians(50.0))
    sheet.collection.objects.link(lamp)
    ground = bpy.data.meshes.new("Unrender ground")
    ground.from_pydata([(-200, -200, 0), (200, -200, 0), (200, 200, 0), (-200, 200, 0)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("Unrender ground")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = GROUND_COLOUR
    shader.inputs["Roughness"].default_value = 1.0
    ground.materials.append(material)
    floor = bpy.data.objects.new("Unrender ground", ground)
    sheet.collection.objects.link(floor)
    made.extend((lamp, sun, floor, ground, material, world))


def _aim(sheet: bpy.types.Scene, width: float, made: list[bpy.types.ID]) -> None:
    camera = bpy.data.cameras.new("Unrender camera")
    camera.type = "ORTHO"
    camera.ortho_scale = width
    camera.clip_end = 4 * CAMERA_DISTANCE
    eye = bpy.data.objects.new("Unrender camera", camera)
    eye.rotation_euler = (math.pi / 2 - ELEVATION_RADIANS, 0.0, AZIMUTH_RADIANS)
    away = math.cos(ELEVATION_RADIANS) * CAMERA_DISTANCE
    eye.location = (
        math.sin(AZIMUTH_RADIANS) * away,
        -math.cos(AZIMUTH_RADIANS) * away,
        math.sin(ELEVATION_RADIANS) * CAMERA_DISTANCE,
    )
    sheet.collection.objects.link(eye)
    sheet.camera = eye
    made.extend((eye, camera))


def _set_up(sheet: bpy.types.Scene, file: Path, size: int, samples: int) -> None:
    render = sheet.render
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    render.filepath = str(file)
    render.image_settings.file_format = "PNG"
    sheet.view_settings.view_transform = "Standard"
    cycles = sheet.cycles
    cycles.samples = samples
    cycles.use_adaptive_sampling = False
    cycles.max_bounces = cycles.diffuse_bounces = 1
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"
    if hasattr(cycles, "denoising_quality"):
        cycles.denoising_quality = "FAST"


def _remove(thing: bpy.types.ID) -> None:
    for collection in (
        bpy.data.objects,
        bpy.data.lights,
        bpy.data.meshes,
        bpy.data.materials,
        bpy.data.worlds,
        bpy.data.cameras,
    ):
        if isinstance(thing, bpy.types.ID) and collection.get(thing.name) == thing:
            collection.remove(thing)
            return
