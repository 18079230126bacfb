# SPDX-License-Identifier: Apache-2.0
"""Squares of a picture, and the picture resampled to a square.

A frame is (left, top, side) in pixels from the picture's left upper corner; it may reach beyond the picture.
"""

import numpy as np
from jaxtyping import Float

Frame = tuple[float, float, float]


def whole_frame(width: int, height: int) -> Frame:
    """The square that holds the whole image, which it is centred in."""
    side = float(max(width, height))
    return (width - side) / 2.0, (height - side) / 2.0, side


def largest_square(width: int, height: int) -> Frame:
    """The largest square inside the image, in its middle."""
    side = float(min(width, height))
    return (width - side) / 2.0, (height - side) / 2.0, side


def object_frame(alpha: Float[np.ndarray, "H W"], fill: float) -> Frame:
    """The square that is centred on the object's box, whose larger side is `fill` of it."""
    inside = alpha > 0.5
    rows = np.flatnonzero(inside.any(axis=1))
    columns = np.flatnonzero(inside.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    side = max(height, width) / fill
    return float(columns[0] + (width - side) / 2.0), float(rows[0] + (height - side) / 2.0), float(side)


def resample_area(image: Float[np.ndarray, "H W C"], frame: Frame, size: int) -> Float[np.ndarray, "size size C"]:
    """Average the image over the pixels of a new grid: the square `frame` in `size` x `size` pixels.

    Exact areas where it shrinks, linear interpolation where it grows; nought beyond the image's edges. An image that
    already has that size and frame comes back unchanged.
    """
    left, top, side = frame
    if image.shape[:2] == (size, size) and frame == (0.0, 0.0, float(size)):
        return image.astype(np.float32)
    rows = _area_weights(image.shape[0], top, side, size)
    columns = _area_weights(image.shape[1], left, side, size)
    return np.einsum("ih,hwc,jw->ijc", rows, image, columns, optimize=True).astype(np.float32)


def _area_weights(count: int, start: float, side: float, size: int) -> Float[np.ndarray, "size count"]:
    """The share of each of `count` old pixels in each new one, along one axis."""
    step = side / size
    width = max(step, 1.0)  # a box of one old pixel interpolates linearly
    centres = start + (np.arange(size)[:, None] + 0.5) * step
    edges = np.arange(count)[None, :]
    overlap = np.minimum(centres + width / 2, edges + 1) - np.maximum(centres - width / 2, edges)
    return np.clip(overlap, 0.0, None).astype(np.float32) / np.float32(width)
