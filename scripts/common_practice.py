# SPDX-License-Identifier: Apache-2.0
"""Inside Blender: one object rendered the way data sets commonly are. Started by `unrender bench render`, per object.

A mesh is built by `from_pydata`, lit by two suns, and each view is written by Blender as a PNG file. Cycles is set for
speed as in `blender_addon/rendering`: few samples, no denoiser, no bounces.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Any

SUNS = ((0.5, 0.707, 0.5), (-0.5, 0.707, 0.5))  # towards the light, in the camera's frame
CAMERA_DISTANCE = 2.0


def main() -> None:
    """Render what the command line asks for."""
    import bpy

    options = _parse(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    _set_up_engine(scene, options)
    pivot = _add_camera_and_suns(scene, options.width)
    _add_mesh(scene, options.objects, options.index)
    for view in range(options.views):
        elevation = math.radians(-30.0 + 90.0 * (view + 0.5) / options.views)
        pivot.rotation_euler = (elevation, 0.0, 2.0 * math.pi * view / options.views)
        scene.render.filepath = str(options.out / f"{options.index:06d}_{view:03d}.png")
        bpy.ops.render.render(write_still=True)
    sys.stdout.flush()
    os._exit(0)  # some versions hang or crash when they end as a module


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="common_practice.py")
    parser.add_argument("--objects", type=Path, required=True, help="file .npz of vertices_0, faces_0, ...")
    parser.add_argument("--out", type=Path, required=True, help="folder for the images")
    parser.add_argument("--index", type=int, required=True, help="which of the objects")
    parser.add_argument("--views", type=int, required=True)
    parser.add_argument("--size", type=int, required=True, help="pixels per side")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--width", type=float, required=True, help="world units across an image")
    return parser.parse_args(arguments)


def _set_up_engine(scene: Any, options: argparse.Namespace) -> None:
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = options.size
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.threads_mode, scene.render.threads = "FIXED", options.threads
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples = options.samples
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0


def _add_camera_and_suns(scene: Any, width: float) -> Any:
    """An empty at the origin that carries the orthographic camera and the suns, so that they turn together."""
    import bpy
    from mathutils import Vector

    pivot = bpy.data.objects.new("pivot", None)
    scene.collection.objects.link(pivot)
    data = bpy.data.cameras.new("camera")
    data.type, data.ortho_scale = "ORTHO", width
    camera = bpy.data.objects.new("camera", data)
    camera.location = (0.0, -CAMERA_DISTANCE, 0.0)
    camera.rotation_euler = (0.5 * math.pi, 0.0, 0.0)
    lights = []
    for right, up, backward in SUNS:
        light = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
        light.data.energy = math.pi
        light.rotation_euler = Vector((right, -backward, up)).to_track_quat("Z", "Y").to_euler()
        lights.append(light)
    for item in (camera, *lights):
        item.parent = pivot
        scene.collection.objects.link(item)
    scene.camera = camera
    return pivot


def _add_mesh(scene: Any, path: Path, index: int) -> None:
    import bpy
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        vertices, faces = arrays[f"vertices_{index}"].tolist(), arrays[f"faces_{index}"].tolist()
    mesh = bpy.data.meshes.new("shape")
    mesh.from_pydata(vertices, [], faces)
    mesh.update()
    for polygon in mesh.polygons:
        polygon.use_smooth = True
    scene.collection.objects.link(bpy.data.objects.new("shape", mesh))


if __name__ == "__main__":
    main()
