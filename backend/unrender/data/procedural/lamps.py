# SPDX-License-Identifier: Apache-2.0
"""Lamps: table, floor and tripod lamps with a shade on a stem, and desk lamps with a bent arm that reaches along X."""

from __future__ import annotations

import math

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, box, post, rail, turned

_SHADE_RADIUS = {"table": (0.24, 0.4), "floor": (0.13, 0.22)}  # over the height, as is the next
_SHADE_HEIGHT = {"table": (0.3, 0.48), "floor": (0.18, 0.3)}
_STEM = (0.042, 0.052)  # radius
_WALL = 0.068  # of a hollow shade
_SLIT = 0.05  # narrowest space around the stem in a hollow shade
_PLATE = (0.064, 0.085)  # height of a flat foot
_OVERLAP = 0.035


def lamp(dice: Dice) -> list[Sweep]:
    """Return the solids of a random lamp, inside the ball of radius .48."""
    kind = dice.pick({"table": 0.42, "floor": 0.35, "desk": 0.23})
    if kind == "desk":
        return _desk_lamp(dice)
    radius = dice.between(*_SHADE_RADIUS[kind])
    height = 0.96 / math.sqrt(1.0 + 4.0 * radius**2)
    shade, top = radius * height, 0.5 * height
    low = top - dice.between(*_SHADE_HEIGHT[kind]) * height
    stem = dice.between(*_STEM)
    exponent = 2.0 if dice.chance(0.75) else RECTANGLE
    style = dice.pick({"cone": 0.4, "drum": 0.25, "dome": 0.15, "globe": 0.1, "bowl": 0.1})
    parts = _shade(dice, style, shade if exponent == 2.0 else 0.8 * shade, low, top, stem, exponent)
    foot = dice.pick({"body": 0.5, "disc": 0.3, "block": 0.2} if kind == "table" else {"disc": 0.6, "tripod": 0.4})
    # The stem carries a hollow shade by its roof, and a bowl by its floor.
    head = low + 0.5 * _WALL if style == "bowl" else top - 0.5 * _WALL
    if foot == "tripod":
        return parts + _tripod(dice, -top, low + _OVERLAP, shade, stem, head)
    parts.append(turned((-top, head), (stem, stem)))
    return parts + _foot(dice, foot, -top, low, shade, stem)


def _shade(dice: Dice, kind: str, radius: float, low: float, top: float, stem: float, exponent: float) -> list[Sweep]:
    share = np.linspace(0.0, 1.0, 13)
    heights = low + (top - low) * share
    if kind == "globe":
        return [turned(heights, np.maximum(radius * np.sqrt(1.0 - (2.0 * share - 1.0) ** 2), 1e-3), exponent=exponent)]
    if kind == "dome":
        radii = radius * np.sqrt(np.maximum(1.0 - share**2, 0.02))
    elif kind == "bowl":  # an uplighter: it opens above
        radii = radius * (0.35 + 0.65 * np.sqrt(share))
        inner = np.where(radii - _WALL > 0.0, radii - _WALL, 0.0)
        body = turned(heights, radii, exponent=exponent)
        return [body, turned(heights + _WALL * (1.05 - share), inner, exponent=exponent).as_cut()]
    else:
        narrow = dice.between(0.4, 0.8) if kind == "cone" else dice.between(0.92, 1.0)
        radii = radius * (1.0 - (1.0 - narrow) * share)
    shade = turned(heights, radii, exponent=exponent)
    if radius - _WALL < stem + _SLIT or dice.chance(0.3):
        return [shade]
    inner = np.where(radii - _WALL > stem + _SLIT, radii - _WALL, 0.0)
    return [shade, turned(heights - _WALL, inner, exponent=exponent).as_cut()]


def _foot(dice: Dice, kind: str, floor: float, low: float, shade: float, stem: float) -> list[Sweep]:
    if kind == "body":  # a vase or a ball that carries the shade
        share = np.linspace(0.0, 1.0, 13)
        widest, belly = dice.between(0.25, 0.7), dice.between(0.45, 0.95) * shade
        spread = np.where(share < widest, widest, 1.0 - widest)
        bulge = np.sqrt(np.clip(1.0 - ((share - widest) / (1.04 * spread)) ** 2, 0.0, 1.0))
        top = floor + dice.between(0.6, 1.0) * (low - floor)
        radii = np.maximum(belly * bulge, np.where(share < 0.15, 0.55 * belly, stem))
        return [turned(floor + (top - floor) * share, radii)]
    plate = floor + dice.between(*_PLATE)
    reach = max(shade * dice.between(0.5, 0.85), 0.1)
    if kind == "block":
        return [box((-reach, -reach, floor), (reach, reach, plate + dice.between(0.0, 0.1)))]
    return [turned((floor, plate), (reach, reach * dice.between(0.75, 1.0)))]


def _tripod(dice: Dice, floor: float, hub: float, shade: float, stem: float, head: float) -> list[Sweep]:
    reach, turn = shade * dice.between(0.75, 1.0), dice.between(0.0, 2.0 * math.pi)
    joint = hub - dice.between(0.0, 0.3) * (hub - floor)
    parts = [turned((joint - _OVERLAP, head), (stem, stem))]
    for angle in turn + np.arange(3) * (2.0 * math.pi / 3.0):
        x, y = reach * math.cos(angle), reach * math.sin(angle)
        parts.append(post((x, y, floor), (0.0, 0.0, joint), 0.04, exponent=2.0))
    return parts


def _desk_lamp(dice: Dice) -> list[Sweep]:
    """A foot, an arm that leans back, one that reaches forward, and a shade that hangs at its end."""
    side = 1.0 if dice.chance(0.5) else -1.0
    foot, reach = -0.2 * side, dice.between(0.4, 0.6) * side
    elbow = (foot - dice.between(0.0, 0.12) * side, 0.0, dice.between(0.15, 0.35))
    end = (foot + reach, 0.0, elbow[2] + dice.between(-0.12, 0.12))
    arm, floor = dice.between(0.036, 0.042), -0.42
    plate, radius = floor + dice.between(*_PLATE), dice.between(0.13, 0.19)
    drop, shade = dice.between(0.14, 0.24), dice.between(0.12, 0.18)
    share = np.linspace(0.0, 1.0, 9)
    profile = shade * (1.0 - 0.6 * share ** dice.between(0.8, 2.0))
    exponent = 2.0 if dice.chance(0.7) else RECTANGLE
    centres = [(end[0], 0.0)]
    return [
        turned((floor, plate), (radius, 0.85 * radius), [(foot, 0.0)], exponent=exponent),
        post((foot, 0.0, floor), elbow, arm, exponent=2.0),
        turned((elbow[2] - arm, elbow[2] + arm), (1.3 * arm, 1.3 * arm), [elbow[:2]]),
        rail(elbow, end, arm, exponent=2.0),
        turned(end[2] + 0.03 - drop * (1.0 - share), profile, centres, exponent=exponent),
    ]
