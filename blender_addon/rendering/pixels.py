# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting the pixels of a render out of a Blender without windows.

`Render Result` and the viewer node stay empty in background mode. Cycles is a Python class around a C++ engine, so its
result can be read before Blender takes it away; the other engines, and Blenders whose Cycles cannot be wrapped, go
through an uncompressed EXR file on a RAM disk.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

import bpy
import numpy as np

from .exr import read_exr

# Before 4.2 a pass of several channels cannot be read in one go (700 ms for an image).
_FIRST_WITH_FAST_PASSES = (4, 2)


class Pixels(Protocol):
    """Renders the scene and returns its passes by Blender's names, float32 [H, W, C], row 0 at the top."""

    def render(self) -> dict[str, np.ndarray]: ...


def open_pixels(scene: bpy.types.Scene, engine: str) -> Pixels:
    """The fastest way that works for this engine in this Blender."""
    if engine == "cycles" and bpy.app.version >= _FIRST_WITH_FAST_PASSES and CyclesPixels.is_possible():
        return CyclesPixels()
    return FilePixels(scene)


class CyclesPixels:
    """Reads Cycles' passes from memory by wrapping the engine's render method (0.2 ms for all passes)."""

    def __init__(self) -> None:
        from cycles import CyclesRender as engine

        self._passes: dict[str, np.ndarray] = {}
        original = getattr(engine.render, "unrender_original", engine.render)
        passes = self._passes

        def render(self: bpy.types.RenderEngine, depsgraph: bpy.types.Depsgraph) -> None:
            original(self, depsgraph)
            result = self.get_result()
            height, width = result.resolution_y, result.resolution_x
            for item in result.layers[0].passes:
                buffer = np.empty(height * width * item.channels, np.float32)
                item.rect.foreach_get(buffer)
                passes[item.name] = buffer.reshape(height, width, item.channels)[::-1]

        render.unrender_original = original
        engine.render = render

    @staticmethod
    def is_possible() -> bool:
        """Whether this Blender's Cycles is the Python class that is known to be wrappable."""
        try:
            from cycles import CyclesRender
        except ImportError:
            return False
        return callable(getattr(CyclesRender, "render", None))

    def render(self) -> dict[str, np.ndarray]:
        self._passes.clear()
        bpy.ops.render.render()
        if "Combined" not in self._passes:
            raise RuntimeError("Cycles returned no image; its messages are in the worker's log")
        return dict(self._passes)


class FilePixels:
    """Writes each image as an uncompressed multilayer EXR file, on a RAM disk where there is one, and reads it back."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._scene = scene
        memory = Path("/dev/shm")
        self._memory = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
        image = scene.render.image_settings
        if hasattr(image, "media_type"):
            image.media_type = "MULTI_LAYER_IMAGE"
        image.file_format = "OPEN_EXR_MULTILAYER"
        image.color_depth = "32"
        image.exr_codec = "NONE"
        scene.render.use_file_extension = False

    def render(self) -> dict[str, np.ndarray]:
        # A folder per image: a worker ends without cleaning up, and what it leaves behind must not pile up in memory.
        with tempfile.TemporaryDirectory(prefix="unrender-", dir=self._memory) as folder:
            path = Path(folder) / "image.exr"
            self._scene.render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
            if not path.is_file():
                raise RuntimeError("Blender wrote no image; its messages are in the worker's log")
            return read_exr(path)
