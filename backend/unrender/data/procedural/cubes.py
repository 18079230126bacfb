# SPDX-License-Identifier: Apache-2.0
"""Random unions and subtractions of axis-aligned boxes: what the rendering proxy is pre-trained on."""

from __future__ import annotations

import math

from .dice import Dice
from .solids import Sweep, box

_MOST_BOXES = 12
_SIZE = (0.0625, 0.56)
_SUBTRACTION = 0.3
_RADIUS = 0.49


def cubes(dice: Dice) -> list[Sweep]:
    """Return 1 to 12 boxes inside the unit-diameter ball; about a third of all but the last are subtractions."""
    count = dice.whole(1, _MOST_BOXES)
    # The last one is always added, so that no shape is empty.
    last = count - 1
    return [_random_box(dice, count, cut=dice.chance(_SUBTRACTION) and index < last) for index in range(count)]


def _random_box(dice: Dice, count: int, cut: bool) -> Sweep:
    # Many boxes are mostly small ones, of which a ball holds more different arrangements.
    power = 2.0 if count > 3 else 1.0
    sizes = [_SIZE[0] + (_SIZE[1] - _SIZE[0]) * dice.between(0.0, 1.0) ** power for _ in range(3)]
    centre = [dice.between(-0.5, 0.5) for _ in range(3)]
    farthest = math.sqrt(sum((abs(c) + 0.5 * s) ** 2 for c, s in zip(centre, sizes, strict=True)))
    if farthest > _RADIUS:
        # Pull the centre in, on its line to the origin, until the farthest corner is inside the ball.
        reach = math.sqrt(sum((0.5 * s) ** 2 for s in sizes))
        distance = math.sqrt(sum(c * c for c in centre))
        centre = [c * min(1.0, max(0.0, _RADIUS - reach) / distance) for c in centre]
    low = [c - 0.5 * s for c, s in zip(centre, sizes, strict=True)]
    high = [c + 0.5 * s for c, s in zip(centre, sizes, strict=True)]
    solid = box(low, high)
    return solid.as_cut() if cut else solid
