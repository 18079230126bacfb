# SPDX-License-Identifier: Apache-2.0
"""Tables: dining, side, coffee, round and trestle tables, desks.

Ranges start from the tables of Kenney's Furniture Kit (CC0): over the height, 1.4 to 2.9 wide, .57 to 2.2 deep, the
top .08 to .22 thick; the legs over the width .06 to .1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, both_sides, box, pillow, post, rail, turned

_WIDTH_OVER_HEIGHT = (0.8, 2.9)
_DEPTH_OVER_WIDTH = (0.45, 1.0)
_TOP_THICKNESS = (0.064, 0.1)
_LEG_THICKNESS = (0.062, 0.095)
_BAR = 0.031
_OVERLAP = 0.035
_GAP = 0.075


class _Plan(NamedTuple):
    half_x: float
    half_y: float
    floor: float
    under: float  # z of the lower side of the top
    leg: float  # half thickness of a leg

    @property
    def head(self) -> float:
        return self.under + _OVERLAP


def table(dice: Dice) -> list[Sweep]:
    """Return the solids of a random table, inside the ball of radius .48."""
    width = dice.between(*_WIDTH_OVER_HEIGHT)
    depth = width * dice.between(*_DEPTH_OVER_WIDTH)
    shape = dice.pick({"rectangle": 0.6, "rounded": 0.2, "oval": 0.2})
    if shape == "oval" and dice.chance(0.6):
        depth = width
    height = 0.96 / math.sqrt(1.0 + width**2 + depth**2)
    half_x, half_y = 0.5 * width * height, 0.5 * depth * height
    top, thickness = 0.5 * height, dice.between(*_TOP_THICKNESS)
    plan = _Plan(half_x, half_y, -top, top - thickness, 0.5 * dice.between(*_LEG_THICKNESS))
    low, high = (-half_x, -half_y, plan.under), (half_x, half_y, top)
    if shape == "rectangle":
        return [box(low, high), *_support(dice, plan, 1.0)]
    exponent = dice.between(4.0, 8.0) if shape == "rounded" else 2.0
    plate = pillow(low, high, rounding=0.015, exponent=exponent)
    # How far the corners of the largest box below this outline reach.
    return [plate, *_support(dice, plan, 0.5 ** (1.0 / exponent))]


def _support(dice: Dice, plan: _Plan, reach: float) -> list[Sweep]:
    weights = {"legs": 0.5, "splayed": 0.15, "pedestal": 0.12, "sides": 0.1, "trestle": 0.07, "cross": 0.06}
    if reach == 1.0 and plan.half_x > 1.4 * plan.half_y:
        weights["desk"] = 0.1
    style = dice.pick(weights)
    x, y = reach * plan.half_x, reach * plan.half_y
    if style in ("legs", "splayed"):
        return _four_legs(dice, plan, x, y, splayed=style == "splayed")
    if style == "pedestal":
        return _pedestals(dice, plan, x, y)
    leg = plan.leg
    if style == "desk":
        wide = dice.between(0.4, 0.7) * x
        drawers = box((x - wide, -y, plan.floor + (dice.between(0.0, 0.12))), (x, y, plan.head))
        return [drawers, box((-x, -y, plan.floor), (-x + 2 * leg, y, plan.head)), _foot(plan, drawers, x, y, wide)]
    if style == "sides":
        inset = dice.between(0.0, 0.2) * x
        parts = both_sides(box((x - inset - 2 * leg, -y, plan.floor), (x - inset, y, plan.head)))
        if dice.chance(0.5) and plan.under - plan.floor > 0.3:
            parts.append(_shelf(dice, plan, x - inset - leg, y))
        return parts
    if style == "trestle":
        inset = dice.between(0.1, 0.3) * x
        stem = x - inset - leg
        middle = dice.between(plan.floor + 0.1, plan.under - _GAP)
        return [
            *both_sides(post((stem, 0.0, plan.floor), (stem, 0.0, plan.head), (leg, max(leg, 0.25 * y)))),
            *both_sides(rail((stem, -0.9 * y, plan.floor + _BAR), (stem, 0.9 * y, plan.floor + _BAR), (leg, _BAR))),
            rail((-stem, 0.0, middle), (stem, 0.0, middle), _BAR),
        ]
    return _crossed_legs(dice, plan, x, y)


def _foot(plan: _Plan, drawers: Sweep, x: float, y: float, wide: float) -> Sweep:
    # A chest that hangs above the floor needs a leg of its own.
    return box((x - 2 * plan.leg, -y, plan.floor), (x, y, float(drawers.along[0]) + _OVERLAP))


def _four_legs(dice: Dice, plan: _Plan, x: float, y: float, splayed: bool) -> list[Sweep]:
    margin = dice.between(0.0, 0.12) if dice.chance(0.4) else 0.0
    foot_x, foot_y = x * (1 - margin) - plan.leg, y * (1 - margin) - plan.leg
    head_x, head_y = (foot_x * dice.between(0.6, 0.9), foot_y * dice.between(0.6, 0.9)) if splayed else (foot_x, foot_y)
    exponent = 2.0 if dice.chance(0.35) else RECTANGLE
    half = plan.leg * (1.1 if exponent == 2.0 else 1.0)
    foot_half = max(0.03, half * dice.between(0.7, 1.0)) if dice.chance(0.4) else half
    parts = []
    for side in (-1, 1):
        leg = post((foot_x, side * foot_y, plan.floor), (head_x, side * head_y, plan.head), foot_half, half, exponent)
        parts += both_sides(leg)
    room = plan.under - plan.floor
    if splayed:
        return parts
    if dice.chance(0.35) and room > 0.25:  # an apron below the top
        low = plan.under - dice.between(0.05, 0.09)
        bar = 0.6 * plan.leg
        parts += both_sides(box((foot_x - bar, -foot_y, low), (foot_x + bar, foot_y, plan.head)))
        parts += [box((-foot_x, s * foot_y - bar, low), (foot_x, s * foot_y + bar, plan.head)) for s in (-1, 1)]
    if room < 2 * _GAP + 0.1:
        return parts
    extra = dice.pick({"none": 0.55, "shelf": 0.2, "stretchers": 0.25})
    if extra == "shelf":
        parts.append(_shelf(dice, plan, foot_x, foot_y))
    elif extra == "stretchers":
        z = plan.floor + _GAP + _BAR + dice.between(0.0, 0.05)
        parts += both_sides(rail((foot_x, -foot_y, z), (foot_x, foot_y, z), _BAR))
        parts.append(rail((-foot_x, 0.0, z), (foot_x, 0.0, z), _BAR))
    return parts


def _shelf(dice: Dice, plan: _Plan, x: float, y: float) -> Sweep:
    low = plan.floor + dice.between(_GAP, max(_GAP, min(0.2, plan.under - plan.floor - 0.07 - _GAP)))
    return box((-x, -y, low), (x, y, low + 0.066))


def _pedestals(dice: Dice, plan: _Plan, x: float, y: float) -> list[Sweep]:
    long = plan.half_x > 1.5 * plan.half_y
    places = (-0.5 * x, 0.5 * x) if long else (0.0,)
    reach = min(y, 0.45 * x if long else x) * dice.between(0.65, 0.9)
    stem, style = dice.between(0.036, 0.06), dice.pick({"disc": 0.35, "plate": 0.25, "cross": 0.25, "tulip": 0.15})
    foot_top = plan.floor + dice.between(0.064, 0.085)
    parts = []
    for place in places:
        at = [(place, 0.0)]
        if style == "tulip":
            heights = np.linspace(plan.floor, plan.head, 12)
            share = (heights - plan.floor) / (plan.head - plan.floor)
            radii = stem + (reach - stem) * (np.exp(-share / 0.18) + 0.4 * np.exp(-(1 - share) / 0.1))
            parts.append(turned(heights, np.minimum(radii, reach), at))
            continue
        parts.append(turned((plan.floor, plan.head), (stem, stem), at))
        if style == "disc":
            parts.append(turned((plan.floor, foot_top), (reach, 0.9 * reach), at))
        elif style == "plate":
            parts.append(box((place - reach, -reach, plan.floor), (place + reach, reach, foot_top)))
        else:
            middle, half = 0.5 * (plan.floor + foot_top), 0.5 * (foot_top - plan.floor)
            parts.append(rail((place - reach, 0.0, middle), (place + reach, 0.0, middle), (_BAR, half)))
            parts.append(rail((place, -reach, middle), (place, reach, middle), (_BAR, half)))
    return parts


def _crossed_legs(dice: Dice, plan: _Plan, x: float, y: float) -> list[Sweep]:
    place, reach = x * dice.between(0.7, 0.9), y - plan.leg
    room = plan.under - plan.floor
    # The section is horizontal, so a flat bar is widened to keep its thickness.
    half = (plan.leg, plan.leg * math.hypot(1.0, 2 * reach / room))
    reach -= half[1] - plan.leg
    parts = []
    for side in (-1, 1):
        parts += both_sides(post((place, -side * reach, plan.floor), (place, side * reach, plan.head), half))
    middle = 0.5 * (plan.floor + plan.head)
    return [*parts, rail((-place, 0.0, middle), (place, 0.0, middle), max(_BAR, 0.9 * plan.leg))]
