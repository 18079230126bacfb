# SPDX-License-Identifier: Apache-2.0
"""Seeded generators of closed solids: furniture, mushrooms, lamps, mugs, bottles, airplanes, cars and random cubes.

Numpy only and free of the rest of Unrender, so that Blender's Python can import it by path. World coordinates: Z up,
the front towards -Y, everything inside the ball of diameter one, voxel centres at (i + .5) / n - .5.
"""

from __future__ import annotations

from .classes import BALL_RADIUS, CLASSES, make_shape, make_solids
from .colours import COLOURED, make_colours

__all__ = ["BALL_RADIUS", "CLASSES", "COLOURED", "make_colours", "make_shape", "make_solids"]
