# SPDX-License-Identifier: Apache-2.0
"""Pictures of samples."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from unrender.geometry.conventions import linear_to_srgb
from unrender.training.sheet_grid import GAP, GAP_GREY


def picture_grid(images: Float[Tensor, "B C H W"], columns: int, encoding: str, zoom: int = 2) -> NDArray[np.uint8]:
    """Tile (grey, alpha) images in rows of `columns`, over black, as display-encoded uint8 [H, W, 3].

    encoding: of channel 0, "linear" or "srgb".
    """
    grey = images[:, 0].clamp(0.0, 1.0)
    shown = linear_to_srgb(grey) if encoding == "linear" else grey
    tiles = (shown * 255.0).round().to(torch.uint8).repeat_interleave(zoom, 1).repeat_interleave(zoom, 2)
    return _tiled(tiles.unsqueeze(-1).expand(-1, -1, -1, 3).numpy(), columns)


def colour_grid(pictures: Float[Tensor, "B 3 H W"], columns: int, zoom: int = 2) -> NDArray[np.uint8]:
    """Tile opaque sRGB-encoded pictures in rows of `columns` as uint8 [H, W, 3]."""
    tiles = (pictures.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1)
    return _tiled(tiles.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2).numpy(), columns)


def _tiled(tiles: UInt8[np.ndarray, "B H W 3"], columns: int) -> NDArray[np.uint8]:
    count, height, width = tiles.shape[:3]
    rows = -(-count // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), GAP_GREY, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        canvas[top : top + height, left : left + width] = tile
    return canvas
