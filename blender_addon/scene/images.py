# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in the .blend file."""

from __future__ import annotations

import contextlib

import bpy
import numpy as np


def packed_image(name: str, png: bytes) -> bpy.types.Image:
    """A new image of these very bytes, a PNG file in sRGB, that is saved with the .blend file and undone with it.

    Args:
        name: wished name; Blender adds a number where it is taken.
        png: of 8 bits per channel.
    """
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"  # only now: Blender would look for a file
    with contextlib.suppress(TypeError):  # colours of a studio's own, which know sRGB by another name and take it
        image.colorspace_settings.name = "sRGB"
    return image


def read_pixels(image: bpy.types.Image) -> np.ndarray:
    """The pixels of an image of 8 bits per channel, uint8 [H, W, 3], row 0 at the top."""
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    colours = values.reshape(height, width, image.channels)[::-1, :, :3]
    return np.ascontiguousarray(np.round(colours * 255.0).astype(np.uint8))
