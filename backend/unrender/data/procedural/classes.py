# SPDX-License-Identifier: Apache-2.0
"""The classes of procedural shapes and how a (class, seed) becomes a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .airplanes import airplane
from .bathtubs import bathtub
from .beds import bed
from .bottles import bottle
from .cars import car
from .chairs import chair
from .couches import couch
from .cubes import cubes
from .dice import Dice
from .lamps import lamp
from .mugs import mug
from .mushrooms import mushroom
from .shelves import shelf
from .solids import Sweep, fit_to_ball, paint
from .tables import table

BALL_RADIUS = 0.48
"""Radius about the middle of its bounding box that every shape but the cubes is scaled to; .5 is the limit."""

_BUILDERS: dict[str, Callable[[Dice], list[Sweep]]] = {
    "chair": chair,
    "couch": couch,
    "bathtub": bathtub,
    "table": table,
    "mushroom": mushroom,
    "cubes": cubes,
    "bed": bed,
    "shelf": shelf,
    "lamp": lamp,
    "mug": mug,
    "bottle": bottle,
    "airplane": airplane,
    "car": car,
}

CLASSES: tuple[str, ...] = tuple(_BUILDERS)
"""The names that `make_shape` knows."""


def make_solids(class_name: str, seed: int) -> list[Sweep]:
    """Return the analytic solids of a shape, to be painted in order.

    Raises ValueError for a class that is not in `CLASSES` or a negative seed.
    """
    if class_name not in _BUILDERS:
        raise ValueError(f"no procedural class {class_name!r}; there are {', '.join(CLASSES)}")
    if seed < 0:
        raise ValueError(f"the seed of a procedural shape is {seed}; it must not be negative")
    solids = _BUILDERS[class_name](Dice(class_name, seed))
    return solids if class_name == "cubes" else fit_to_ball(solids, BALL_RADIUS)


def make_shape(class_name: str, seed: int, resolution: int) -> NDArray[np.bool_]:
    """Return the shape as occupied voxels [X, Y, Z]; the same (class, seed) is the same shape at any resolution.

    Shapes are closed and, but for the cubes, one connected piece. Raises ValueError as `make_solids`.
    """
    return paint(make_solids(class_name, seed), resolution)
