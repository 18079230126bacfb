# SPDX-License-Identifier: GPL-3.0-or-later
"""Render engines and their settings under the names that each Blender version gives them."""

from __future__ import annotations

import bpy

from .settings import GPU_KINDS, RenderSettings

_MOST_BOUNCES = {"max": 6, "diffuse": 1, "glossy": 3, "transmission": 6, "volume": 0, "transparent_max": 8}


class NoDeviceError(RuntimeError):
    """A GPU was asked for that is not there."""


def engine_identifier(engine: str) -> str:
    """Blender's name of `cycles`, `eevee` or `workbench` in the running version."""
    if engine == "cycles":
        return "CYCLES"
    if engine == "workbench":
        return "BLENDER_WORKBENCH"
    # EEVEE was rewritten in 4.2 under a second name, which took over the first one in 5.0.
    return "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version < (5, 0) else "BLENDER_EEVEE"


def configure(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    """Set up the scene for fast, repeatable, linear images with an alpha channel."""
    render = scene.render
    render.engine = engine_identifier(settings.engine)
    render.resolution_x = render.resolution_y = settings.size
    render.resolution_percentage = 100
    render.film_transparent = True
    render.use_compositing = False
    render.use_sequencer = False
    render.dither_intensity = 0.0
    render.use_persistent_data = True
    if settings.threads > 0:
        render.threads_mode = "FIXED"
        render.threads = settings.threads
    else:
        render.threads_mode = "AUTO"
    scene.view_settings.view_transform = "Raw"
    layer = scene.view_layers[0]
    layer.use_pass_z = "depth" in settings.passes
    layer.use_pass_normal = "normal" in settings.passes
    layer.use_pass_object_index = "index" in settings.passes
    {"cycles": _configure_cycles, "eevee": _configure_eevee, "workbench": _configure_workbench}[settings.engine](
        scene, settings
    )


def _configure_cycles(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = settings.samples
    cycles.seed = settings.seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False  # Debian's Blender is built without the denoiser and fails when it is asked for
    cycles.pixel_filter_type = "BOX"
    for kind in ("max", "diffuse", "glossy", "transmission", "volume", "transparent_max"):
        setattr(cycles, f"{kind}_bounces", 0)
    cycles.caustics_reflective = cycles.caustics_refractive = False
    if hasattr(cycles, "use_light_tree"):
        cycles.use_light_tree = False
    if hasattr(cycles, "use_auto_tile"):
        cycles.use_auto_tile = settings.size > 2048


def _configure_eevee(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    scene.eevee.taa_render_samples = settings.samples
    scene.render.filter_size = 1.0


def _configure_workbench(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    # Workbench has no materials: it shades with its own studio lights, and only outline and depth mean anything.
    options = ("OFF", "FXAA", "5", "8", "11", "16", "32")
    wanted = next((name for name in options[2:] if int(name) >= settings.samples), "32")
    scene.display.render_aa = "OFF" if settings.samples == 1 else wanted


def allow_bounces(scene: bpy.types.Scene) -> None:
    """Let light be reflected and refracted, for objects with materials of their own."""
    for kind, bounces in _MOST_BOUNCES.items():
        setattr(scene.cycles, f"{kind}_bounces", bounces)


def choose_device(scene: bpy.types.Scene, wanted: str) -> str:
    """Let Cycles render on `cpu`, on a GPU ("gpu" or one of GPU_KINDS), or on a GPU where there is one ("auto").

    Returns "cpu" or the kind of GPU. Raises NoDeviceError where the wanted one is absent.
    """
    scene.cycles.device = "CPU"
    if wanted == "cpu":
        return "cpu"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in GPU_KINDS if wanted in ("gpu", "auto") else (wanted,):
        try:
            preferences.compute_device_type = kind.upper()
        except TypeError:  # this Blender is built without it
            continue
        preferences.get_devices()
        found = [device for device in preferences.devices if device.type == kind.upper()]
        if found:
            for device in preferences.devices:
                device.use = device in found
            scene.cycles.device = "GPU"
            return kind
    if wanted == "auto":
        return "cpu"
    raise NoDeviceError(f"Cycles finds no {wanted.upper()} device in this computer; expected cpu, or auto.")
