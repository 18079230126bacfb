# SPDX-License-Identifier: GPL-3.0-or-later
"""The first images of a data set on one page."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .png import read_png, write_png

_PAPER = 45.0  # dark grey: the objects are light


def write_contact_sheet(out: Path, files: list[str]) -> None:
    """Write `contact_sheet.png` from PNG files in `out`, as square as may be, on dark paper."""
    images = [read_png(out / name) for name in files]
    height, width = images[0].shape[:2]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = np.full((rows * height, columns * width, 3), _PAPER)
    for position, image in enumerate(images):
        top, left = position // columns * height, position % columns * width
        alpha = image[..., 3:] / 255.0
        sheet[top : top + height, left : left + width] = image[..., :3] * alpha + _PAPER * (1.0 - alpha)
    write_png(out / "contact_sheet.png", np.round(sheet).astype(np.uint8))
