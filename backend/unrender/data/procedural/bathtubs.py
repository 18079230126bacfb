# SPDX-License-Identifier: Apache-2.0
"""Bathtubs: hollow, with a floor and a rim; the long side lies along X.

Ranges start from the bathtub of Kenney's Furniture Kit (CC0): over the height of the rim, 2.8 to 3.4 long, 1.3 to 1.6
wide, the floor at .21 to .25; real tubs are relatively higher.
"""

from __future__ import annotations

import math

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, pillow, post, sweep

_LENGTH_OVER_WIDTH = (1.35, 2.3)
_HEIGHT_OVER_WIDTH = (0.6, 0.95)
_WALL = (0.064, 0.085)
_FLOOR = (0.066, 0.1)
_LIP = 0.066


def bathtub(dice: Dice) -> list[Sweep]:
    """Return the solids of a random bathtub, inside the ball of radius .48."""
    width = 1.0
    length, height = dice.between(*_LENGTH_OVER_WIDTH), dice.between(*_HEIGHT_OVER_WIDTH)
    scale = 0.96 / math.sqrt(length**2 + width**2 + height**2)
    half_x, half_y, height = 0.5 * length * scale, 0.5 * width * scale, height * scale
    wall, floor = dice.between(*_WALL), dice.between(*_FLOOR)
    low, high = -0.5 * height, 0.5 * height

    stand = dice.pick({"none": 0.4, "feet": 0.35, "plinth": 0.25})
    lift = 0.0 if stand == "none" else dice.between(0.064, 0.09)
    exponent = dice.pick({"oval": 0.35, "rounded": 0.4, "square": 0.25})
    outer_exponent = {"oval": dice.between(2.0, 3.0), "rounded": dice.between(3.5, 8.0), "square": RECTANGLE}[exponent]
    inner_exponent = min(outer_exponent, dice.between(2.2, 8.0)) if dice.chance(0.5) else outer_exponent

    narrowing = dice.between(0.68, 1.0) if dice.chance(0.75) else 1.0
    bulge = dice.between(0.4, 1.2)
    slide = dice.between(-0.05, 0.05) if dice.chance(0.4) and narrowing < 0.9 else 0.0
    share = np.linspace(0.0, 1.0, 9)
    growth = narrowing + (1.0 - narrowing) * share**bulge
    bottom = low + lift
    heights = bottom + (high - bottom) * share
    centres = np.stack([slide * (share - 1.0), np.zeros(9)], 1)
    halves = np.stack([half_x * growth, half_y * growth], 1)
    rim = dice.between(0.0, 0.03) if dice.chance(0.5) else 0.0
    outer = sweep(2, heights, centres, halves - rim, outer_exponent)
    inner = sweep(
        2,
        np.append(np.maximum(heights, bottom + floor) + 1e-6 * share, 1.0),
        np.append(centres, centres[-1:], 0),
        np.append(np.maximum(halves - rim - wall, 0.05), halves[-1:] - rim - wall, 0),
        inner_exponent,
    ).as_cut()
    parts = _stand(dice, stand, halves[0] - rim, centres[0], low, bottom)
    parts.append(outer)
    if rim:
        parts.append(sweep(2, (high - _LIP, high), centres[-2:], [(half_x, half_y)] * 2, outer_exponent))
    parts.append(inner)
    if dice.chance(0.3):
        parts.append(_slipper(dice, half_x, bottom, high).as_cut())
    return parts


def _stand(dice: Dice, stand: str, base: np.ndarray, centre: np.ndarray, low: float, bottom: float) -> list[Sweep]:
    if stand == "none":
        return []
    head = bottom + 0.045
    if stand == "plinth":
        x, y = base * dice.between(0.75, 0.98)
        return [
            pillow((centre[0] - x, -y, low), (centre[0] + x, y, head), rounding=0.01, exponent=dice.between(3.0, 9.0))
        ]
    x, y = base * dice.between(0.55, 0.66)
    half = dice.between(0.034, 0.045)
    style = dice.pick({"block": 0.5, "ball": 0.5})
    parts = []
    for side_x in (-1, 1):
        for side_y in (-1, 1):
            foot, top = (
                (centre[0] + side_x * x, side_y * y, low),
                (centre[0] + side_x * x * 0.97, side_y * y * 0.97, head),
            )
            if style == "block":
                parts.append(post(foot, top, half))
            else:
                parts.append(post(foot, top, half, half * 1.25, exponent=2.0))
    return parts


def _slipper(dice: Dice, half_x: float, bottom: float, high: float) -> Sweep:
    """All that lies above a rim that rises towards one end, or towards both."""
    dip = dice.between(0.12, 0.26) * (high - bottom)
    xs = np.linspace(-half_x - 0.05, half_x + 0.05, 17)
    # Level near the ends: a rim that falls too steeply would leave a crest that coarse grids cannot hold.
    along = np.clip(xs / (0.78 * half_x), -1.0, 1.0)
    if dice.chance(0.5):
        rim = high - dip * np.clip(1.0 - along**2, 0.0, 1.0)
    else:
        rim = high - dip * np.clip(0.5 - 0.75 * along + 0.25 * along**3, 0.0, 1.0)
    if dice.chance(0.5):
        rim = rim[::-1]
    return sweep(0, xs, np.stack([np.zeros(17), 0.5 * (rim + 1.0)], 1), np.stack([np.ones(17), 0.5 * (1.0 - rim)], 1))
