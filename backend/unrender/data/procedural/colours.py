# SPDX-License-Identifier: Apache-2.0
"""Colours of procedural shapes: what each part is made of, and what that looks like for a seed.

The colours of a (class, seed) do not enter its shape: they are drawn from a stream of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .car_colours import car_colours
from .classes import make_solids
from .dice import Dice
from .mushroom_colours import mushroom_colours
from .palette import Painter
from .solids import Sweep, nearest_surface

_PALETTES: dict[str, Callable[[Dice, list[Sweep]], dict[str, Painter]]] = {
    "mushroom": mushroom_colours,
    "car": car_colours,
}

COLOURED: tuple[str, ...] = tuple(_PALETTES)
"""The classes that have colours."""


def make_colours(class_name: str, seed: int, points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the colours [N, 3] of points [N, 3] on the surface of a shape, as `make_shape` places it.

    Linear light in [0, 1]: the share of white light that is scattered. Raises ValueError for a class that is not in
    `COLOURED`, and as `make_solids`.
    """
    if class_name not in _PALETTES:
        raise ValueError(f"procedural shapes of the class {class_name!r} have no colours; {', '.join(COLOURED)} do")
    solids, places = make_solids(class_name, seed), points.astype(np.float64)
    painters = _PALETTES[class_name](Dice(f"colours of {class_name}", seed), solids)
    owners = nearest_surface(solids, places)
    encoded = np.empty((len(points), 3))
    for number, solid in enumerate(solids):
        mine = owners == number
        encoded[mine] = painters[solid.material](places[mine], solid)
    encoded = np.clip(encoded, 0.0, 1.0)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)
