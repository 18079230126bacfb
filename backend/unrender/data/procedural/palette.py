# SPDX-License-Identifier: Apache-2.0
"""Seeded colours near given ones, and painters of one colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .dice import Dice
from .solids import Sweep

Points = NDArray[np.float64]
Painter = Callable[[Points, Sweep], Points]
"""Colours [N, 3], sRGB-encoded in [0, 1], of points [N, 3] on the surface of one solid."""


def hexadecimal(text: str) -> Points:
    """Return the colour [3] of "rrggbb", sRGB-encoded in [0, 1]."""
    return np.array([int(text[place : place + 2], 16) for place in (0, 2, 4)]) / 255.0


def near(dice: Dice, text: str, spread: float = 0.06) -> Points:
    """Return a colour [3] a little darker or lighter than "rrggbb", and a little off in each channel."""
    lightness = dice.between(-spread, spread)
    off = np.array([dice.between(-0.4 * spread, 0.4 * spread) for _ in range(3)])
    return np.clip(hexadecimal(text) + lightness + off, 0.02, 0.98)


def pick_near(dice: Dice, weights: Mapping[str, float], spread: float = 0.06) -> Points:
    """Return a colour near one of those given as "rrggbb", chosen with probability proportional to its weight."""
    return near(dice, dice.pick(weights), spread)


def plain(colour: Points) -> Painter:
    """Return the painter of one colour."""
    return lambda points, solid: np.broadcast_to(colour, points.shape)
