# SPDX-License-Identifier: Apache-2.0
"""Beds: single and double, bunk beds and four-posters. The head stands at +Y."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, both_sides, box, pillow, post, sweep

_WIDTH_OVER_LENGTH = (0.42, 0.95)
_FRAME = (0.064, 0.09)  # thickness of what the mattress lies on
_MATTRESS = (0.075, 0.12)
_BOARD = 0.033
"""Half thickness of head and foot boards: two voxels thick in a grid of 32."""

_OVERLAP = 0.03


class _Plan(NamedTuple):
    half_x: float
    half_y: float
    floor: float
    base: float  # z of the lower side of the frame
    lying: float  # z of the top of the mattress
    head: float  # z of the top of the head board
    foot: float  # z of the top of the foot board; `lying` or less without one


def bed(dice: Dice) -> list[Sweep]:
    """Return the solids of a random bed, inside the ball of radius .48."""
    kind = dice.pick({"plain": 0.72, "bunk": 0.14, "poster": 0.14})
    length = 0.8
    width = length * (dice.between(0.42, 0.58) if kind == "bunk" else dice.between(*_WIDTH_OVER_LENGTH))
    lift = dice.between(0.06, 0.14) if dice.chance(0.8) else 0.0
    frame, mattress = dice.between(*_FRAME), dice.between(*_MATTRESS)
    lying = lift + frame + mattress
    head = lying + dice.between(0.1, 0.26)
    foot = lying + dice.between(0.02, 0.1) if dice.chance(0.4) else 0.0
    plan = _Plan(0.5 * width, 0.5 * length, 0.0, lift, lying, head, foot)
    parts = _lying(dice, plan, frame)
    if kind == "bunk":
        return parts + _bunk(dice, plan, frame, mattress)
    parts += _feet(dice, plan)
    if kind == "poster":
        return parts + _posts(dice, plan) + _board(dice, plan, plan.half_y - _BOARD, plan.head)
    if dice.chance(0.94):
        parts += _board(dice, plan, plan.half_y - _BOARD, plan.head)
    if plan.foot > plan.lying:
        parts += _board(dice, plan, -plan.half_y + _BOARD, plan.foot)
    return parts


def _lying(dice: Dice, plan: _Plan, frame: float) -> list[Sweep]:
    """Frame, mattress, pillows and, sometimes, a blanket that hangs over the edge."""
    x, y = plan.half_x, plan.half_y
    parts = [box((-x, -y, plan.base), (x, y, plan.base + frame + 0.01))]
    inset = dice.between(0.0, 0.03)
    low = (-x + inset, -y + inset, plan.base + frame - _OVERLAP)
    parts.append(pillow(low, (x - inset, y - inset, plan.lying), 0.02, dice.between(7.0, 12.0)))
    count = 2 if plan.half_x > 0.24 else 1
    if dice.chance(0.85):
        deep, high = dice.between(0.06, 0.085), dice.between(0.04, 0.065)
        half = 0.8 * x / count
        middle = y - 0.09 - deep
        for place in (-0.45 * x, 0.45 * x) if count == 2 else (0.0,):
            corner = (place - half, middle - deep, plan.lying - 0.03)
            parts.append(pillow(corner, (place + half, middle + deep, plan.lying + high), 0.03, 4.0))
    if dice.chance(0.35):
        end = dice.between(-0.1, 0.5) * y
        parts.append(box((-x - 0.02, -y - 0.01, plan.base + 0.02), (x + 0.02, end, plan.lying + 0.025)))
    return parts


def _feet(dice: Dice, plan: _Plan) -> list[Sweep]:
    if plan.base == plan.floor:
        return []
    half, exponent = dice.between(0.033, 0.045), 2.0 if dice.chance(0.35) else RECTANGLE
    parts = []
    for y in (-plan.half_y + half, plan.half_y - half):
        x = plan.half_x - half
        parts += both_sides(post((x, y, plan.floor), (x, y, plan.base + _OVERLAP), half, exponent=exponent))
    return parts


def _board(dice: Dice, plan: _Plan, y: float, top: float) -> list[Sweep]:
    style = dice.pick({"slab": 0.45, "arch": 0.3, "bars": 0.25})
    if style == "bars" and top - plan.lying < 0.14:
        style = "slab"
    x = plan.half_x
    if style == "slab":
        return [box((-x, y - _BOARD, plan.base), (x, y + _BOARD, top))]
    if style == "arch":
        turn = np.linspace(0.0, 0.5 * math.pi, 7)
        drop = min(dice.between(0.3, 0.8) * (top - plan.lying), 0.2)
        heights = np.append(plan.base, top - drop * (1.0 - np.sin(turn)))
        halves = np.append(x, x - dice.between(0.25, 0.8) * x * (1.0 - np.cos(turn)))
        return [sweep(2, heights, [(0.0, y)] * 8, np.stack([halves, np.full(8, _BOARD)], 1))]
    parts = [box((-x, y - _BOARD, top - 0.066), (x, y + _BOARD, top))]
    count = max(2, int(2 * x / dice.between(0.15, 0.2)))
    for place in np.linspace(-x + _BOARD, x - _BOARD, count):
        parts.append(box((place - _BOARD, y - _BOARD, plan.base), (place + _BOARD, y + _BOARD, top - 0.01)))
    return parts


def _posts(dice: Dice, plan: _Plan) -> list[Sweep]:
    top, half = plan.lying + dice.between(0.35, 0.5), 0.034
    x, y = plan.half_x - half, plan.half_y - half
    parts = []
    for place in (-y, y):
        parts += both_sides(post((x, place, plan.floor), (x, place, top), half))
    if dice.chance(0.4):  # a roof of cloth
        return [*parts, box((-x - half, -y - half, top - 0.066), (x + half, y + half, top))]
    parts += both_sides(box((x - half, -y, top - 2 * half), (x + half, y, top)))
    return parts + [box((-x, place - half, top - 2 * half), (x, place + half, top)) for place in (-y, y)]


def _bunk(dice: Dice, plan: _Plan, frame: float, mattress: float) -> list[Sweep]:
    """A second bed above the first, on four posts, with rails or a ladder."""
    above = plan.lying + dice.between(0.22, 0.32)
    thick = 0.5 * (frame + mattress) + 0.02
    half = 0.034
    x, y = plan.half_x - half, plan.half_y - half
    top = above + thick + dice.between(0.05, 0.14)
    parts = [box((-plan.half_x, -plan.half_y, above), (plan.half_x, plan.half_y, above + thick))]
    for place in (-y, y):
        parts += both_sides(post((x, place, plan.floor), (x, place, top), half))
        parts.append(box((-x, place - half, top - 2 * half), (x, place + half, top)))
    if dice.chance(0.5):
        side = x if dice.chance(0.5) else -x
        near = dice.between(0.0, 0.3) * y
        for place in (near - 0.12, near + 0.12):
            parts.append(post((side, place, plan.floor), (side, place, above + 0.05), half))
    return parts
