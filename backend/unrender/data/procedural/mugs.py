# SPDX-License-Identifier: Apache-2.0
"""Mugs and cups: hollow, with a floor and a handle on one side along X, sometimes on a saucer."""

from __future__ import annotations

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, sweep, turned

_HEIGHT_OVER_WIDTH = {"mug": (0.95, 1.35), "tankard": (1.4, 2.1), "cup": (0.55, 0.8)}
_WALL = (0.064, 0.078)
_FLOOR = (0.066, 0.1)
_HANDLE = 0.033
"""Half thickness of the handle: two voxels thick in a grid of 32."""

_HOLE = 0.055
"""Least half size of the hole in the handle: more than three voxels wide in a grid of 32."""


def mug(dice: Dice) -> list[Sweep]:
    """Return the solids of a random mug, tankard or cup, inside the ball of radius .48."""
    kind = dice.pick({"mug": 0.45, "tankard": 0.25, "cup": 0.3})
    ratio = dice.between(*_HEIGHT_OVER_WIDTH[kind])
    saucer = kind == "cup" and dice.chance(0.5)
    width = 0.8 / np.hypot(1.45, ratio)
    radius, height = 0.5 * width, ratio * width
    floor, rim = -0.5 * height, 0.5 * height
    share = np.linspace(0.0, 1.0, 13)
    radii = radius * _profile(dice, kind, share)
    heights = floor + height * share
    wall, bottom = dice.between(*_WALL), dice.between(*_FLOOR)
    exponent = dice.between(3.0, 7.0) if kind == "mug" and dice.chance(0.15) else 2.0
    side = 1.0 if dice.chance(0.5) else -1.0
    parts = _handle(dice, side, radii, heights)
    parts.append(turned(heights, radii, exponent=exponent))
    if saucer:
        plate = radius * dice.between(1.35, 1.6)
        parts.append(turned((floor - 0.06, floor + 0.03), (0.85 * plate, plate)))
    inner = np.maximum(radii - wall, 0.03)
    inside = np.maximum(heights, floor + bottom) + 1e-6 * share
    parts.append(turned(np.append(inside, rim + 0.1), np.append(inner, inner[-1]), exponent=exponent).as_cut())
    return parts


def _profile(dice: Dice, kind: str, share: np.ndarray) -> np.ndarray:
    """Radius over the largest one, from the floor (0) to the rim (1)."""
    if kind == "cup":
        foot = dice.between(0.4, 0.65)
        return foot + (1.0 - foot) * share ** dice.between(0.35, 0.9)
    style = dice.pick({"straight": 0.4, "taper": 0.25, "barrel": 0.2, "waist": 0.15})
    if style == "taper":
        narrow = dice.between(0.7, 0.92)
        return narrow + (1.0 - narrow) * (share if dice.chance(0.6) else 1.0 - share)
    depth = dice.between(0.12, 0.25)
    if style == "barrel":
        return 1.0 - depth * (2.0 * share - 1.0) ** 2
    if style == "waist":
        return 1.0 - depth * (1.0 - (2.0 * share - 1.0) ** 2)
    return np.ones_like(share)


def _handle(dice: Dice, side: float, radii: np.ndarray, heights: np.ndarray) -> list[Sweep]:
    """A ring in the plane of X and Z whose inner side the body will cover."""
    height = heights[-1] - heights[0]
    middle = heights[0] + dice.between(0.48, 0.58) * height
    tall = max(dice.between(0.3, 0.4) * height, _HOLE + 2.0 * _HANDLE)
    reach = dice.between(0.42, 0.65) * float(radii.max()) + _HANDLE
    reach = max(reach, _HOLE + 2.0 * _HANDLE)
    # The ring's middle lies on the narrowest wall that it meets, so that both its ends reach into the body.
    met = radii[np.abs(heights - middle) <= tall - _HANDLE]
    centre = side * (float(met.min()) - 0.02)
    reach += float(np.interp(middle, heights, radii)) - abs(centre)
    exponent = dice.pick({"round": 0.6, "square": 0.2, "soft": 0.2})
    power = {"round": 2.0, "square": RECTANGLE, "soft": 4.0}[exponent]
    thick = 2.0 * _HANDLE
    centres = [(centre, middle)] * 2
    ring = sweep(1, (-_HANDLE, _HANDLE), centres, [(reach, tall)] * 2, power)
    hole = sweep(1, (-_HANDLE, _HANDLE), centres, [(reach - thick, tall - thick)] * 2, power)
    return [ring, hole.as_cut()]
