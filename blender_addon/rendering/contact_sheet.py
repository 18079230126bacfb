# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a data set on one page."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .exr import read_exr
from .png import read_png, straight_srgb, write_png

_PAPER = 45.0  # dark grey: the objects are light
_MOST_IMAGES = 64
_CELL = 160  # pixels; larger images are made smaller by a whole factor


def write_contact_sheet(out: Path, files: list[str]) -> None:
    """Write `contact_sheet.png`, as square as may be, on dark paper; of many images those at even distances."""
    count = min(len(files), _MOST_IMAGES)
    if count == 0:
        return
    images = [_on_paper(_read(out / files[i * len(files) // count])) for i in range(count)]
    height, width = images[0].shape[:2]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = np.full((rows * height, columns * width, 3), _PAPER)
    for position, image in enumerate(images):
        top, left = position // columns * height, position % columns * width
        sheet[top : top + height, left : left + width] = image
    write_png(out / "contact_sheet.png", np.round(sheet).astype(np.uint8))


def _read(path: Path) -> np.ndarray:
    """Display values [H, W, 4], 0 to 255, alpha straight."""
    if path.suffix == ".exr":
        (linear,) = read_exr(path).values()
        alpha = linear[..., 3:] if linear.shape[-1] == 4 else np.ones_like(linear[..., :1])
        return straight_srgb(np.concatenate([linear[..., :3], alpha], axis=-1)).astype(np.float64)
    pixels = read_png(path)
    values = pixels.astype(np.float64) / (257.0 if pixels.dtype == np.uint16 else 1.0)
    return values if values.shape[-1] == 4 else np.concatenate([values, np.full_like(values[..., :1], 255.0)], axis=-1)


def _on_paper(image: np.ndarray) -> np.ndarray:
    alpha = image[..., 3:] / 255.0
    flat = image[..., :3] * alpha + _PAPER * (1.0 - alpha)
    factor = -(-max(flat.shape[:2]) // _CELL)
    height, width = flat.shape[0] // factor, flat.shape[1] // factor
    cut = flat[: height * factor, : width * factor]
    return cut.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
