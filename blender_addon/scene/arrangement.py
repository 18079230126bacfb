# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results stand: a square grid on the ground around a point. Pure numpy, no bpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

GAP = 1.25  # distance between neighbours, in widths of the widest


def grid_place(index: int, count: int, spacing: float) -> tuple[float, float]:
    """x and y of place `index` of `count`, around the origin: rows from the back (+Y) to the front, as one reads."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    row, column = divmod(index, columns)
    return (column - (columns - 1) / 2) * spacing, ((rows - 1) / 2 - row) * spacing


def grid_spacing(footprints: Sequence[tuple[float, float]]) -> float:
    """Distance between places so that objects with these widths in x and y do not touch."""
    return GAP * max((max(footprint) for footprint in footprints), default=1.0)


def standing_location(
    vertices: np.ndarray, place: tuple[float, float], ground: tuple[float, float, float]
) -> tuple[float, float, float]:
    """The object location that puts a mesh's middle over `ground` + `place`, and its lowest point on the ground.

    Args:
        vertices: [N, 3], object coordinates, unrotated and unscaled.
        place: x and y relative to `ground`.
        ground: the point that the grid is around, for example the 3D cursor.
    """
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = (low + high) / 2
    return (
        float(ground[0] + place[0] - middle[0]),
        float(ground[1] + place[1] - middle[1]),
        float(ground[2] - low[2]),
    )
